/* SPDX-License-Identifier: MIT */
/*
 * pv_box.h: a PV machine in static arrays, for tests.
 */
#ifndef TESTS_UNIT_PV_BOX_H
#define TESTS_UNIT_PV_BOX_H

#include "tests/unit/bh_check.h"

#include "hv/core/pv.h"

enum { BOX_PAGES = 24, BOX_SLOTS = 4, BOX_GRANTS = 4, BOX_DOMS = 3 };

#define RO (PTE_PRESENT | PTE_USER)
#define RW (RO | PTE_RW)

struct box {
	struct pv pv;
	struct pv_dom dom[BOX_DOMS];
	struct pv_vcpu cpu[BOX_DOMS]; /* cpu[i] is dom[i]'s */
	struct hv_page pages[BOX_PAGES];
	struct pv_grant grants[BOX_GRANTS];
	uint64_t mem[BOX_PAGES * BOX_SLOTS];
	uint64_t cache[BOX_PAGES * BOX_SLOTS];
	uint8_t line[BOX_PAGES];
};

static struct box box;

static inline void box_ok(void)
{
	char buf[128] = "";
	const char *id = pv_check_idle(&box.pv, buf, sizeof(buf));

	ck_assert_msg(!id, "%s: %s", id, buf);
}

/* Domain 0 is the killer's, 1 a 32-bit guest, 2 a 64-bit one.  Pages 1-15
 * are domain 1's, the next four domain 2's, the rest is free. */
static inline void box_init(void)
{
	struct pv_vcpu *v = box.cpu;
	unsigned int i;

	memset(&box, 0, sizeof(box));
	box.pv = (struct pv){.slots = BOX_SLOTS,
		.levels = 4,
		.pages = box.pages,
		.mem = box.mem,
		.cache = box.cache,
		.line = box.line,
		.nr_pages = BOX_PAGES,
		.grants = box.grants,
		.nr_grants = BOX_GRANTS};
	pv_init(&box.pv);
	for (i = 0; i < BOX_DOMS; i++) {
		box.dom[i].id = PAGE_OWNER(i, i + 1);
		box.dom[i].bits = i == 1 ? 32 : 64;
		pv_add_dom(&box.pv, &box.dom[i]);
		v[i].id = (uint8_t)i;
		v[i].tlb_nr = 2;
		v[i].budget = 1000;
		pv_add_vcpu(&box.pv, &box.dom[i], &v[i]);
	}
	for (i = 1; i < 20; i++) {
		box.pages[i].count = PAGE_CLAIMED;
		ck_assert_int_eq(page_assign(&v[0], &box.pages[i],
					 &box.dom[i < 16 ? 1 : 2]),
			0);
	}
	box_ok();
}

/* Word @i of page @mfn, before the page is anything. */
static inline void box_set(unsigned int mfn, unsigned int i, uint64_t val)
{
	pv_slot_write(&box.pv, &box.pages[mfn], i, val);
}

static inline uint64_t box_word(unsigned int mfn, unsigned int i)
{
	return pv_slot_read(&box.pv, &box.pages[mfn], i);
}

/* L4 1 -> L3 2 -> L2 3 -> L1 4, which maps 4 and 1 read-only and 5 and 6
 * writable; slot 3 of 2 and 3 has a second way down: L2 7 -> L1 8. */
static inline void box_tree(void)
{
	box_set(1, 0, PTE_OF(2, RW));
	box_set(2, 0, PTE_OF(3, RW));
	box_set(2, 3, PTE_OF(7, RW));
	box_set(3, 0, PTE_OF(4, RW));
	box_set(3, 3, PTE_OF(8, RW));
	box_set(4, 0, PTE_OF(4, RO));
	box_set(4, 1, PTE_OF(1, RO));
	box_set(4, 2, PTE_OF(5, RW));
	box_set(4, 3, PTE_OF(6, RW));
	box_set(7, 2, PTE_OF(8, RW));
	box_set(8, 0, PTE_OF(5, RW));
}

static inline enum hv_type box_type(unsigned int mfn)
{
	return page_type(&box.pages[mfn]);
}

static inline uint64_t box_tc(unsigned int mfn)
{
	return PAGE_COUNT(box.pages[mfn].type);
}

static inline uint64_t box_gc(unsigned int mfn)
{
	return PAGE_COUNT(box.pages[mfn].count);
}

/* Make a call until it is done, @budget slots at a time; the specification
 * holds each time it stops.  *n counts the stops. */
#define BOX_DONE(v, slots_each, n, call)              \
	({                                            \
		int64_t box_r_;                       \
		do {                                  \
			(v)->budget = (slots_each);   \
			box_r_ = (call);              \
			box_ok();                     \
			(n) += box_r_ == -ERESTART;   \
			ck_assert_int_lt((n), 10000); \
		} while (box_r_ == -ERESTART);        \
		(int)box_r_;                          \
	})

static inline void box_settle(struct pv_vcpu *v, unsigned int each)
{
	unsigned int n = 0;

	ck_assert_int_eq(BOX_DONE(v, each, n, pv_settle(v)), 0);
}

#endif
