/* SPDX-License-Identifier: MIT */
/*
 * machine.h - a whole machine for the scenarios of grants and event channels
 *
 * DOC: what it is made of
 *
 * A real struct hv with real domains 0.. (0 is the control domain), all in an
 * arena that is part of the state; so are the first bytes of each page.  What
 * is freed becomes zero, and an access to it is a violation.  Whatever else
 * of the pages changes is one, too, when it is looked at now and then.
 *
 * A vCPU of a scenario calls the engine on behalf of any domain; one that
 * plays a guest writes the guest's pages with hv_guest_store() and hv_cas().
 */
#ifndef HV_EXPLORE_MACHINE_H
#define HV_EXPLORE_MACHINE_H

#include "hv/core/internal.h"
#include "hv/core/fault.h"
#include "hv/explore/explore.h"

enum {
	MACHINE_DOMS = 4,
	MACHINE_PAGES = 12,
	MACHINE_HEAD = 64, /* bytes of a page that are state */
	MACHINE_ARENA = 16384,
	MACHINE_GRAIN = 64,
	MACHINE_NOTES = 16,
};

struct machine {
	struct hv *hv;
	struct hv_dom *dom[MACHINE_DOMS]; /* the scenario's; set up by it */
	struct hv_gnt_map map[MACHINE_DOMS];
	uint64_t note[MACHINE_NOTES];  /* the scenario's own */
	uint64_t upcall[MACHINE_DOMS]; /* by domid: a port was raised */
	int64_t bindings;              /* ends that the host has connected */
	uint8_t grain[MACHINE_ARENA / MACHINE_GRAIN]; /* 1: in use */
	uint8_t page[(MACHINE_PAGES + 7) / 8 * 8];    /* in use by a run */
};

extern struct machine machine;
extern struct state_area machine_areas[];

/* machine_setup - domains 0 .. @doms - 1, all running, without pages */
void machine_setup(unsigned int doms);

/* machine_birth - one more, or one again, with the next generation; NULL if
 * there is one of that number still */
struct hv_dom *machine_birth(unsigned int domid);

/* A page at @gfn (0..14) of domain @d, one that can be granted. */
void machine_page(unsigned int d, uint64_t gfn);

/* The end of a setup: nothing outside of the areas changes from here on, but
 * @len bytes at @p (NULL: none), which are state as well. */
void machine_area(void *p, size_t len);

/* Entry @ref of domain @d: @gfn for @domid, with GTF_* @flags; as its guest
 * does before the vCPUs start. */
void machine_grant(unsigned int d, uint32_t ref, unsigned int domid,
	uint64_t gfn, uint32_t flags);

struct gnt_shared *machine_entry(unsigned int d, uint32_t ref);

/* In set-up, where it must succeed. */
void machine_must(int64_t r);

/*
 * CALL(call) - one operation of the vCPU that runs
 *
 * It stops before it: what it does up to its first access is part of it.
 */
#define CALL(call)                                           \
	({                                                   \
		explore_idle(#call);                         \
		hv_explore_point(HV_POINT_GNT_PINNED, NULL); \
		(call);                                      \
	})

/* For struct scenario. */
const char *machine_check(char *buf, size_t len);
const char *machine_idle(char *buf, size_t len);
/* The same, and what holds of grants at every step (check_grant.c): with a
 * guest that changes an entry in use as it likes, and with one that is honest
 * and so can be sure of what its entries say. */
const char *machine_check_grants(char *buf, size_t len);
const char *machine_check_honest(char *buf, size_t len);
const char *machine_idle_honest(char *buf, size_t len);
bool machine_private(const volatile void *p);
void machine_touch(const volatile void *p);
bool machine_show(unsigned int i, char *buf, size_t len);
void machine_name(const volatile void *p, char *buf, size_t len);

#define MACHINE_GRANTS                                              \
	.areas = machine_areas, .check = machine_check_honest,      \
	.idle = machine_idle_honest, .is_private = machine_private, \
	.touch = machine_touch, .show = machine_show, .name_of = machine_name

#define MACHINE_SCENARIO                                                      \
	.areas = machine_areas, .check = machine_check, .idle = machine_idle, \
	.is_private = machine_private, .show = machine_show,                  \
	.name_of = machine_name

/* ---- the lists of scenarios; NULL ends each ------------------------------ */
extern const struct scenario *const scen_grant[];
extern const struct scenario *const scen_event[];

#endif
