/* SPDX-License-Identifier: MIT */
/*
 * test_page.c: page counts, promotion and demotion, one vCPU at a time.
 */
#include "tests/soak.h"
#include "tests/unit/pv_box.h"

#define V1 (&box.cpu[1])
#define V2 (&box.cpu[2])

START_TEST(test_owner)
{
	struct hv_page *p = &box.pages[5];

	box_init();
	ck_assert_int_eq(page_get(V1, p, &box.dom[1]), 0);
	ck_assert_int_eq(page_get(V1, p, &box.dom[2]), -EINVAL);
	ck_assert_int_eq(page_get(V1, &box.pages[20], NULL), -EINVAL);
	ck_assert_uint_eq(box_gc(5), 2);
	ck_assert_int_eq(page_unassign(V1, p), 0);
	ck_assert_int_eq(page_unassign(V1, p), -EINVAL);
	ck_assert_uint_eq(p->owner, box.dom[1].id);
	page_put(V1, p);
	ck_assert_uint_eq(p->owner, 0);
	ck_assert_uint_eq(box.dom[1].pages, 14);
	box_ok();
}
END_TEST

START_TEST(test_count_full)
{
	struct hv_page *p = &box.pages[5];

	box_init();
	p->count = PAGE_ALLOCATED | (PAGE_COUNT_MAX - 1);
	ck_assert_int_eq(page_get(V1, p, NULL), -EINVAL);
	p->count = PAGE_ALLOCATED | 1;
	p->type = PAGE_TYPE_OF(HV_TYPE_WRITABLE) | PAGE_VALID | PAGE_COUNT_MAX;
	ck_assert_int_eq(page_get_type(V1, p, HV_TYPE_WRITABLE, 0), -EINVAL);
}
END_TEST

START_TEST(test_assign_limits)
{
	struct hv_page *p = &box.pages[20];

	box_init();
	box.dom[2].max_pages = 5;
	p->count = PAGE_CLAIMED;
	ck_assert_int_eq(page_assign(V2, p, &box.dom[2]), 0);
	box.pages[21].count = PAGE_CLAIMED;
	ck_assert_int_eq(page_assign(V2, &box.pages[21], &box.dom[2]), -ENOMEM);
	ck_assert_uint_eq(box.pages[21].count, 0);
	box.dom[1].dying = 1;
	box.pages[21].count = PAGE_CLAIMED;
	ck_assert_int_eq(page_assign(V1, &box.pages[21], &box.dom[1]), -ESRCH);
	ck_assert_uint_eq(box.pages[21].count, 0);
	box_ok();
}
END_TEST

/* Every pair of types: a page in use is of one type only. */
START_TEST(test_one_type)
{
	static const enum hv_type types[] = {HV_TYPE_L1, HV_TYPE_L2, HV_TYPE_L3,
		HV_TYPE_L4, HV_TYPE_SEGDESC, HV_TYPE_SHARED, HV_TYPE_WRITABLE};
	struct hv_page *p = &box.pages[5];
	unsigned int i, j;

	box_init();
	page_get(V1, p, NULL);
	for (i = 0; i < 7; i++) {
		ck_assert_int_eq(
			page_get_type(V1, p, types[i], PAGE_PREEMPT), 0);
		for (j = 0; j < 7; j++) {
			ck_assert_int_eq(
				page_get_type(V1, p, types[j], PAGE_PREEMPT),
				i == j ? 0 : -EINVAL);
			if (i == j)
				ck_assert_int_eq(
					page_put_type(V1, p, PAGE_PREEMPT), 0);
		}
		ck_assert_int_eq(page_put_type(V1, p, PAGE_PREEMPT), 0);
		ck_assert_uint_eq(box_tc(5), 0);
	}
	page_put(V1, p);
	box_ok();
}
END_TEST

START_TEST(test_tree)
{
	unsigned int n = 0;

	box_init();
	box_tree();
	ck_assert_int_eq(pv_pin(V1, 1, 4), 0);
	box_ok();
	ck_assert_uint_eq(box_tc(1), 1);
	ck_assert_uint_eq(box_tc(8), 2);
	ck_assert_uint_eq(box_tc(5), 2);
	ck_assert_uint_eq(box_gc(4), 3);
	ck_assert_int_eq(box_type(6), HV_TYPE_WRITABLE);
	/* nothing that is a table can be mapped writable */
	ck_assert_int_eq(pv_mod_entry(V1, 8, 1, PTE_OF(8, RW)), -EINVAL);
	ck_assert_int_eq(pv_mod_entry(V1, 8, 1, PTE_OF(1, RW)), -EINVAL);
	ck_assert_int_eq(pv_unpin(V1, 1), 0);
	box_settle(V1, 1000);
	ck_assert_uint_eq(box_gc(1), 1);
	ck_assert_uint_eq(box_tc(5), 0);
	ck_assert_uint_eq(n, 0);
}
END_TEST

/* Stopped at every slot, there and back, with every budget. */
START_TEST(test_restart)
{
	unsigned int n = 0, m;

	box_init();
	box_tree();
	ck_assert_int_eq(
		BOX_DONE(V1, (unsigned int)_i, n, pv_pin(V1, 1, 4)), 0);
	ck_assert_uint_eq(box_tc(1), 1);
	ck_assert_uint_eq(box_tc(5), 2);
	if (_i < 3)
		ck_assert_uint_gt(n, 3);
	m = n;
	V1->budget = (unsigned int)_i;
	ck_assert_int_eq(pv_unpin(V1, 1), 0);
	box_ok();
	box_settle(V1, (unsigned int)_i);
	for (m = 1; m < 20; m++) {
		ck_assert_uint_eq(box_tc(m), 0);
		ck_assert_uint_eq(box_gc(m), 1);
	}
}
END_TEST

/* A bad entry at the very bottom, found after any number of stops. */
START_TEST(test_error)
{
	static const uint64_t bad[] = {PTE_OF(16, RO), /* another domain's */
		PTE_OF(20, RO),                        /* free */
		PTE_OF(1000, RO),                      /* none */
		PTE_OF(1, RW),                         /* the root itself */
		PTE_OF(5, RO | 1ull << 59)};           /* a key */
	unsigned int n = 0, m, each = (unsigned int)_i % 8;

	box_init();
	box_tree();
	box_set(8, 3, bad[_i / 8]);
	ck_assert_int_eq(BOX_DONE(V1, each, n, pv_pin(V1, 1, 4)), -EINVAL);
	box_settle(V1, each);
	for (m = 1; m < 20; m++) {
		ck_assert_uint_eq(box_tc(m), 0);
		ck_assert_uint_eq(box_gc(m), 1);
		ck_assert_uint_eq(
			box.pages[m].type &
				(PAGE_VALID | PAGE_PINNED | PAGE_PARTIALLY) *
					!!(m < 5),
			0);
	}
}
END_TEST

/* The pending put keeps others from nothing: a second vCPU's promotion takes
 * over what the first left, and the clean-up finds nothing to do. */
START_TEST(test_take_over)
{
	struct pv_vcpu *v = &box.cpu[0];
	unsigned int n = 0, stops;

	box_init();
	/* a second vCPU of the same domain */
	v->dom = &box.dom[1];
	box_tree();
	for (stops = 0; stops <= (unsigned int)_i; stops++) {
		V1->budget = 0;
		if (pv_pin(V1, 1, 4) != -ERESTART)
			break;
		box_ok();
	}
	ck_assert_int_eq(BOX_DONE(v, 1, n, pv_pin(v, 3, 2)), 0);
	ck_assert_int_eq(BOX_DONE(V1, 1, n, pv_pin(V1, 7, 2)), 0);
	ck_assert_int_eq(BOX_DONE(v, 1, n, pv_unpin(v, 3)), 0);
	ck_assert_int_eq(BOX_DONE(V1, 1, n, pv_unpin(V1, 7)), 0);
	box_settle(v, 1);
	box_settle(V1, 1);
}
END_TEST

/* L4 [1] -> L3 [0] -> L2 [1] -> nothing good: the L2 is partial, and the L3
 * must not forget that when the L4, with slot 0 done, becomes pending. */
START_TEST(test_nested_first)
{
	unsigned int n = 0, m;

	box_init();
	box_tree();
	box_set(1, 1, PTE_OF(9, RW));
	box_set(9, 0, PTE_OF(10, RW));
	box_set(10, 0, PTE_OF(8, RW));
	box_set(10, 1, PTE_OF(16, RW));
	ck_assert_int_eq(
		BOX_DONE(V1, (unsigned int)_i, n, pv_pin(V1, 1, 4)), -EINVAL);
	box_settle(V1, (unsigned int)_i);
	for (m = 1; m < 20; m++)
		ck_assert_uint_eq(box_gc(m), 1);
}
END_TEST

/* No table is its own child, at any level, nor one of its level. */
START_TEST(test_no_linear)
{
	unsigned int n = 0, level = (unsigned int)_i + 1;

	box_init();
	box_set(1, 1, PTE_OF(1, RW));
	ck_assert_int_eq(BOX_DONE(V1, 1, n, pv_pin(V1, 1, level)), -EINVAL);
	box_settle(V1, 1);
	box_ok();
	box_set(1, 1, 0);
	box_set(1, 2, PTE_OF(2, RW));
	box_set(2, 0, PTE_OF(1, RW));
	ck_assert_int_eq(BOX_DONE(V1, 1, n, pv_pin(V1, 1, level)),
		level == 1 ? 0 : -EINVAL);
	box_settle(V1, 1);
}
END_TEST

START_TEST(test_explicit)
{
	box_init();
	box.pv.explicit_pins = 1;
	box_tree();
	V1->budget = 0;
	ck_assert_int_eq(pv_pin(V1, 3, 2), -EINVAL);
	V1->budget = 1000;
	ck_assert_int_eq(pv_pin(V1, 4, 1), 0);
	ck_assert_int_eq(pv_pin(V1, 3, 2), -EINVAL);
	box_settle(V1, 1000);
	ck_assert_int_eq(pv_pin(V1, 8, 1), 0);
	/* it can stop between two slots all the same, but not inside one */
	V1->budget = 0;
	ck_assert_int_eq(pv_pin(V1, 3, 2), -ERESTART);
	ck_assert(box.pages[3].type & PAGE_PARTIALLY);
	ck_assert_uint_eq(box.pages[3].pf, 0);
	V1->budget = 1000;
	ck_assert_int_eq(pv_pin(V1, 3, 2), 0);
	box_ok();
}
END_TEST

/* What each kind of guest may have in a descriptor table. */
START_TEST(test_descriptors)
{
	enum { CODE = 1 << 3, S = 1 << 4 };
	static const struct {
		uint8_t type, dpl, lng, db;
		bool ok32, ok64;
	} row[] = {
		{S, 0, 0, 1, false, false},
		{S, 1, 0, 1, true, false},
		{S, 2, 0, 1, true, false},
		{S, 3, 0, 1, true, true},
		{S | CODE, 0, 0, 1, false, false},
		{S | CODE, 1, 0, 1, true, false},
		{S | CODE, 3, 0, 1, true, true},
		{S | CODE, 3, 0, 0, true, true},
		/* long mode is for code, of a 64-bit guest, and not with D */
		{S | CODE, 3, 1, 0, false, true},
		{S | CODE, 1, 1, 0, false, false},
		{S | CODE, 3, 1, 1, false, false},
		{S, 3, 1, 1, true, true},
		/* a gate */
		{0xc, 3, 0, 0, false, false},
	};
	uint64_t x = 1ull << 47 | (uint64_t)row[_i].type << 40 |
		     (uint64_t)row[_i].dpl << 45 | (uint64_t)row[_i].lng << 53 |
		     (uint64_t)row[_i].db << 54;

	box_init();
	box_set(5, 1, x);
	box_set(16, 1, x);
	ck_assert_int_eq(
		pv_set_gdt(V1, (uint64_t[]){5}, 1), row[_i].ok32 ? 0 : -EINVAL);
	ck_assert_int_eq(pv_set_gdt(&box.cpu[2], (uint64_t[]){16}, 1),
		row[_i].ok64 ? 0 : -EINVAL);
	box_ok();
}
END_TEST

/* A random walk over everything, under the specification. */
static void random_call(uint64_t *s)
{
	struct pv_vcpu *v = &box.cpu[soak_rnd(s, 2)];
	uint64_t mfn = 1 + soak_rnd(s, 12), to = 1 + soak_rnd(s, 19);
	static const uint64_t bits[] = {
		RO, RW, RW, 0, RW | PTE_A, RO | PTE_PSE, RW | PTE_PCD};

	v->budget = soak_rnd(s, 4);
	switch (soak_rnd(s, 6)) {
	case 0: (void)pv_pin(v, mfn, 1 + soak_rnd(s, 4)); break;
	case 1: (void)pv_unpin(v, mfn); break;
	case 2: (void)pv_set_root(v, mfn, soak_rnd(s, 2)); break;
	case 3: (void)pv_settle(v); break;
	default:
		(void)pv_mod_entry(v, mfn, soak_rnd(s, BOX_SLOTS),
			PTE_OF(to, bits[soak_rnd(s, 7)]));
	}
}

START_TEST(test_random)
{
	uint64_t s = (uint64_t)_i * 7919 + 1;
	unsigned int i;

	box_init();
	box.cpu[0].dom = &box.dom[1];
	box_tree();
	for (i = 0; i < 20000; i++) {
		random_call(&s);
		box_ok();
	}
}
END_TEST

BH_CHECK_MAIN("page", 30, BH_TEST(test_owner), BH_TEST(test_count_full),
	BH_TEST(test_assign_limits), BH_TEST(test_one_type), BH_TEST(test_tree),
	BH_LOOP(test_restart, 12), BH_LOOP(test_error, 40),
	BH_LOOP(test_take_over, 16), BH_LOOP(test_nested_first, 6),
	BH_LOOP(test_no_linear, 4), BH_TEST(test_explicit),
	BH_LOOP(test_descriptors, 13), BH_LOOP(test_random, 8))
