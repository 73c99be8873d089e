/* SPDX-License-Identifier: MIT */
/*
 * world.h - a machine of a few pages for the scenarios of the PV engine
 *
 * Frame numbers begin at 1 (0 is "no frame"), domains and vCPUs at 0.  Pages
 * are the enumerators A to H, which is how traces name them.  All of domain
 * 0's vCPUs run in it; world_setup() gives it all pages.
 */
#ifndef HV_EXPLORE_WORLD_H
#define HV_EXPLORE_WORLD_H

#include "hv/core/fault.h"
#include "hv/core/pv.h"
#include "hv/explore/explore.h"

enum {
	A = 1,
	B,
	C,
	D,
	E,
	F,
	G,
	H,
	WORLD_PAGES, /* with frame 0, which nobody has */
	WORLD_SLOTS = 3,
	WORLD_DOMS = 3,
	WORLD_VCPUS = 4,
	WORLD_GRANTS = 2,
	WORLD_NOTES = 8,
	WORLD_CALLS = 4,
};

struct world {
	struct pv pv;
	struct pv_dom dom[WORLD_DOMS];
	struct pv_vcpu vcpu[WORLD_VCPUS];
	struct hv_page page[WORLD_PAGES];
	uint64_t mem[WORLD_PAGES * WORLD_SLOTS];
	uint64_t cache[WORLD_PAGES * WORLD_SLOTS];
	struct pv_grant grant[WORLD_GRANTS];
	struct pv_grant *mapped[WORLD_GRANTS];
	struct pv_call calls[WORLD_CALLS];
	uint64_t note[WORLD_NOTES]; /* the scenario's own */
	uint8_t line[16];
	uint64_t owner[WORLD_PAGES]; /* since the page is held */
};

extern struct world world;
extern const struct state_area world_areas[];

/*
 * world_setup - pages A.. @last of domain 0, empty; the rest are free
 *
 * Tables have @slots (2 or 3) entries, roots are @levels (2-4) deep; @vcpus
 * vCPUs of domain 0.  All domains exist.
 */
void world_setup(unsigned int slots, unsigned int levels, unsigned int last,
	unsigned int vcpus);
/* vCPU @i is domain @d's. */
void world_move_vcpu(unsigned int i, unsigned int d);
/* Page @p is domain @d's; it must be free, or newly set up and unused. */
void world_give(unsigned int p, unsigned int d);
/* A word of a page, before the vCPUs start. */
void world_word(unsigned int p, unsigned int slot, uint64_t word);

/* An entry that names @p, and one that nothing allows. */
#define TO(p)      PTE_OF(p, PTE_PRESENT | PTE_RW | PTE_USER)
#define TO_RO(p)   PTE_OF(p, PTE_PRESENT | PTE_USER)
#define TO_NOWHERE PTE_OF(WORLD_PAGES + 1, PTE_PRESENT | PTE_RW)

static inline struct pv_vcpu *self(void)
{
	int i = explore_self();

	return &world.vcpu[i < 0 ? 0 : i];
}

static inline struct hv_page *page(unsigned int p)
{
	return &world.page[p];
}

/*
 * OP(call) - one operation of the vCPU that runs
 *
 * Made again as long as the engine wants it; each time is an operation of
 * its own, between two of which the sums are checked.
 */
#define OP(call)                              \
	({                                    \
		int64_t op_r_;                \
		do {                          \
			explore_idle(#call);  \
			op_r_ = (call);       \
		} while (op_r_ == -ERESTART); \
		op_r_;                        \
	})

/* The same in set-up, where it must succeed. */
void world_must(int64_t r);

/* For struct scenario. */
const char *world_check(char *buf, size_t len);
const char *world_idle(char *buf, size_t len);
void world_normal(void);
bool world_show(unsigned int i, char *buf, size_t len);
void world_name(const volatile void *p, char *buf, size_t len);

#define WORLD_SCENARIO                                                  \
	.areas = world_areas, .check = world_check, .idle = world_idle, \
	.normal = world_normal, .show = world_show, .name_of = world_name

/* The same where no page changes hands and no domain dies, which is checked:
 * owners, and what only dying is about, are no steps. */
#define WORLD_FIXED                                                           \
	.areas = world_areas, .check = world_check_fixed, .idle = world_idle, \
	.normal = world_normal, .show = world_show, .name_of = world_name,    \
	.is_private = world_private

const char *world_check_fixed(char *buf, size_t len);
bool world_private(const volatile void *p);

/* ---- the lists of scenarios; NULL ends each ------------------------------ */
extern const struct scenario *const scen_type[];
extern const struct scenario *const scen_page[];
extern const struct scenario *const scen_kill[];
extern const struct scenario *const scen_call[];

#endif
