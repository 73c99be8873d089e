/* SPDX-License-Identifier: MIT */
/*
 * test_hv_alloc.c - a session in which the n-th allocation fails, for all n
 */
#include "tests/unit/hv_host.h"

#include "hv/core/internal.h"
#include "tests/unit/bh_check.h"

#include <xen/memory.h>

static struct hv_dom *create(struct test_host *h, uint32_t domid)
{
	struct hv_dom_config cfg = {.bits = 64, .control = domid == 0};
	uint64_t gfn = 0;
	struct hv_dom *d;

	if (hv_dom_create(h->hv, domid, &cfg, &d))
		return NULL;
	hv_mem_set_max(d, 100);
	(void)hv_mem_populate(d, HV_RUN_RAM, 3, &gfn, NULL);
	gfn = 0x12345;
	(void)hv_mem_populate(d, HV_RUN_RAM, 3, &gfn, NULL);
	return d;
}

/* A little of everything that allocates; failures are part of it. */
static void script(struct test_host *h)
{
	struct hv_dom *dom0 = create(h, 0), *a = create(h, 1);
	struct hv_dom *b = create(h, 2);
	uint32_t port, ref, handle, ids[2], size;
	uint64_t gfn = HV_INVALID_GFN;
	struct hv_page_ref p[2];
	struct hv_gnt_copy c = {.len = 9,
		.source.domid = DOMID_SELF,
		.dest.domid = DOMID_SELF,
		.dest.gfn = 1};

	if (!dom0 || !a || !b)
		return;
	(void)hv_mem_populate(a, HV_RUN_SHARE, 2, &gfn, NULL);
	if (!hv_gnt_alloc(a, 2, 1, false, &ref) &&
		!host_map(b, 1, ref, GNTMAP_host_map, &handle))
		(void)host_unmap(b, handle);
	if (!hv_gnt_alloc(a, 2, 2, false, &ref))
		(void)host_map(b, 1, ref, GNTMAP_host_map, &handle);
	(void)hv_gnt_grow(a, 3);
	(void)hv_gnt_grow(a, 4);
	hv_gnt_copy(a, &c);
	*host_entry(a, 30) =
		(struct grant_entry_v1){GTF_accept_transfer, 2, 0x77777};
	(void)hv_gnt_transfer(b, 2, 1, 30);
	if (!hv_evtchn_alloc_unbound(a, DOMID_SELF, 2, &port))
		(void)hv_evtchn_bind_interdomain(b, 1, port, &port);
	(void)hv_evtchn_bind_virq(dom0, VIRQ_DOM_EXC, 0, &port);
	(void)hv_evtchn_bind_ipi(a, 0, &port);
	(void)hv_mem_foreign(dom0, 1, 0, true, p, ids);
	(void)hv_mem_resource(
		dom0, 2, XENMEM_resource_grant_table, 0, 0, 2, p, ids, &size);
	(void)hv_mem_split(b, 0, p);
	if (!evtchn_share(b))
		(void)mem_move(b, &b->shared_info->frames[0], 0x99999);
	(void)mem_move(b, &b->gt.run->frames[0], 1);
	host_kill(a);
}

static void one(unsigned long n, bool keep, unsigned long *calls)
{
	struct test_host h = {.fail_at = n, .keep_failing = keep};

	if (host_init(&h, NULL)) {
		script(&h);
		*calls = h.calls;
		host_end(&h);
		return;
	}
	*calls = h.calls;
	ck_assert_int_eq(h.blocks, 0);
}

START_TEST(test_every_allocation)
{
	unsigned long n, calls;

	for (n = 1;; n++) {
		one(n, _i, &calls);
		if (calls < n)
			break;
	}
	ck_assert_uint_gt(n, 50);
}
END_TEST

/* What fails has changed nothing: the same call succeeds later. */
START_TEST(test_unchanged)
{
	struct test_host h = {0};
	struct hv_dom *a, *b;
	struct hv_counts before, after;
	uint32_t ref, handle;
	unsigned long n;
	int16_t st;

	ck_assert(host_init(&h, NULL));
	a = host_dom(&h, 1, 4);
	b = host_dom(&h, 2, 4);
	ck_assert_int_eq(hv_gnt_alloc(a, 2, 1, false, &ref), 0);
	hv_counts(h.hv, &before);
	for (n = 1;; n++) {
		h.calls = 0;
		h.fail_at = n;
		st = host_map(b, 1, ref, GNTMAP_host_map, &handle);
		if (st == GNTST_okay)
			break;
		ck_assert(st == GNTST_no_space || st == GNTST_general_error);
		hv_counts(h.hv, &after);
		ck_assert_mem_eq(&before, &after, sizeof(after));
		host_check_entries(&h);
	}
	/* the index of the handles stays once it is there */
	ck_assert_uint_eq(n, 4);
	h.fail_at = 0;
	host_end(&h);
}
END_TEST

BH_CHECK_MAIN("hv_alloc", 60, BH_LOOP(test_every_allocation, 2),
	BH_TEST(test_unchanged))
