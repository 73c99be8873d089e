/* SPDX-License-Identifier: MIT */
/*
 * test_hv_mem.c - frames, runs, the table of gfns, foreign mappings
 */
#include "tests/unit/hv_host.h"

#include "hv/core/internal.h"
#include "tests/unit/bh_check.h"

struct env {
	struct test_host h;
	struct hv_dom *dom0, *d;
};

static void env_init(struct env *e)
{
	memset(e, 0, sizeof(*e));
	ck_assert(host_init(&e->h, NULL));
	e->dom0 = host_dom(&e->h, 0, 0);
	e->d = host_dom(&e->h, 1, 8);
}

static int populate(
	struct hv_dom *d, enum hv_run_kind kind, uint32_t nr, uint64_t gfn)
{
	return hv_mem_populate(d, kind, nr, &gfn, NULL);
}

START_TEST(test_populate)
{
	struct hv_run *run;
	struct env e;
	uint64_t gfn;

	env_init(&e);
	gfn = HV_INVALID_GFN;
	ck_assert_int_eq(hv_mem_populate(e.d, HV_RUN_SHARE, 3, &gfn, &run), 0);
	ck_assert_uint_eq(gfn, 8);
	ck_assert_uint_eq(run->gfn, 8);
	ck_assert_uint_eq(run->nr, 3);
	ck_assert_uint_eq(run->domid, 1);
	ck_assert_uint_eq(run->gen, hv_dom_gen(e.d));
	ck_assert_int_eq(populate(e.d, HV_RUN_RAM, 1, 10), -EBUSY);
	ck_assert_int_eq(populate(e.d, HV_RUN_RAM, 5, 6), -EBUSY);
	ck_assert_int_eq(populate(e.d, HV_RUN_RAM, 0, 100), -EINVAL);
	ck_assert_int_eq(populate(e.d, HV_RUN_GNTTAB, 1, 100), -EINVAL);
	ck_assert_int_eq(populate(e.d, HV_RUN_RAM, 2, HV_GFN_MAX), -EINVAL);
	ck_assert_int_eq(
		populate(e.d, HV_RUN_RAM, 1, HV_GFN_MAX + 1ull), -EINVAL);
	ck_assert_int_eq(populate(e.d, HV_RUN_SHARE, 1, HV_GFN_MAX), 0);
	ck_assert_uint_eq(p2m_last(e.d), HV_GFN_MAX);
	/* new RAM above: free places are looked for above that */
	ck_assert_int_eq(populate(e.d, HV_RUN_RAM, 2, 50), 0);
	gfn = HV_INVALID_GFN;
	ck_assert_int_eq(hv_mem_populate(e.d, HV_RUN_SHARE, 1, &gfn, NULL), 0);
	ck_assert_uint_eq(gfn, 52);
	host_end(&e.h);
}
END_TEST

/* The lowest free range, also after pages have gone. */
START_TEST(test_pick)
{
	struct env e;

	env_init(&e);
	for (uint64_t i = 0; i < 40; i++)
		ck_assert_uint_eq(host_share(e.d, 1), 8 + i);
	ck_assert_int_eq(hv_mem_remove(e.d, 20), 0);
	ck_assert_int_eq(hv_mem_remove(e.d, 30), 0);
	ck_assert_int_eq(hv_mem_remove(e.d, 31), 0);
	ck_assert_uint_eq(host_share(e.d, 2), 30);
	ck_assert_uint_eq(host_share(e.d, 2), 48);
	ck_assert_uint_eq(host_share(e.d, 1), 20);
	ck_assert_uint_eq(host_share(e.d, 1), 50);
	/* below the RAM's end nothing is picked */
	ck_assert_int_eq(hv_mem_remove(e.d, 2), 0);
	ck_assert_uint_eq(host_share(e.d, 1), 51);
	host_end(&e.h);
}
END_TEST

/* Who scatters very many pages is not searched for a gap between them. */
START_TEST(test_pick_bounded)
{
	const uint64_t far = 9000;
	uint64_t gfn = 8;
	struct env e;

	env_init(&e);
	ck_assert_int_eq(hv_mem_set_max(e.d, 2000), 0);
	ck_assert_int_eq(populate(e.d, HV_RUN_SHARE, 1, far), 0);
	for (unsigned int i = 0; i < 1000; i++, gfn += 2)
		ck_assert_int_eq(populate(e.d, HV_RUN_SHARE, 1, gfn), 0);
	ck_assert_uint_eq(host_share(e.d, 2), gfn - 1);
	for (unsigned int i = 0; i < 30; i++, gfn += 2)
		ck_assert_int_eq(populate(e.d, HV_RUN_SHARE, 1, gfn + 1), 0);
	ck_assert_uint_eq(host_share(e.d, 2), far + 1);
	ck_assert_uint_eq(host_share(e.d, 1), 9);
	/* nothing is behind the last one of all */
	ck_assert_int_eq(populate(e.d, HV_RUN_SHARE, 1, HV_GFN_MAX), 0);
	gfn = HV_INVALID_GFN;
	ck_assert_int_eq(
		hv_mem_populate(e.d, HV_RUN_SHARE, 2, &gfn, NULL), -ENOMEM);
	host_end(&e.h);
}
END_TEST

START_TEST(test_limits)
{
	struct hv_limits l = {.max_grant_frames = 2, .max_pages = 20};
	struct test_host h = {0};
	struct hv_dom *a, *b;
	struct hv_page_ref p;

	ck_assert(host_init(&h, &l));
	a = host_dom(&h, 1, 4);
	b = host_dom(&h, 2, 4);
	ck_assert_int_eq(hv_mem_set_max(a, 6), 0);
	ck_assert_int_eq(populate(a, HV_RUN_RAM, 3, 100), -ENOMEM);
	ck_assert_int_eq(populate(a, HV_RUN_SHARE, 2, 100), 0);
	ck_assert_int_eq(populate(a, HV_RUN_SHARE, 1, 200), -ENOMEM);
	/* less than it has: it just cannot get more */
	ck_assert_int_eq(hv_mem_set_max(a, 1), 0);
	ck_assert_int_eq(populate(a, HV_RUN_SHARE, 1, 200), -ENOMEM);
	/* the machine: 20 pages less 2 tables, 6 and 4 */
	ck_assert_int_eq(populate(b, HV_RUN_RAM, 9, 100), -ENOMEM);
	ck_assert_int_eq(populate(b, HV_RUN_RAM, 8, 100), 0);
	ck_assert_int_eq(hv_gnt_grow(b, 2), -ENOMEM);
	ck_assert_int_eq(hv_mem_split(b, 100, &p), -ENOMEM);
	ck_assert_int_eq(hv_mem_remove(b, 100), 0);
	ck_assert_int_eq(hv_gnt_grow(b, 2), 0);
	host_end(&h);
}
END_TEST

START_TEST(test_remove)
{
	struct hv_page_ref p;
	struct hv_counts c;
	struct env e;

	env_init(&e);
	ck_assert_int_eq(hv_mem_lookup(e.d, 3, &p), 0);
	ck_assert_uint_eq(p.page, 3);
	ck_assert_int_eq(hv_mem_remove(e.d, 3), 0);
	ck_assert_int_eq(hv_mem_remove(e.d, 3), -ENOENT);
	ck_assert_int_eq(hv_mem_lookup(e.d, 3, &p), -ENOENT);
	ck_assert_int_eq(hv_mem_lookup(e.d, HV_INVALID_GFN, &p), -ENOENT);
	ck_assert_int_eq(hv_mem_lookup(e.d, 1ull << 32, &p), -ENOENT);
	ck_assert_uint_eq(e.h.pages_freed, 1);
	hv_counts(e.h.hv, &c);
	ck_assert_uint_eq(c.runs, 3);
	for (uint64_t g = 0; g < 8; g++)
		if (g != 3)
			ck_assert_int_eq(hv_mem_remove(e.d, g), 0);
	hv_counts(e.h.hv, &c);
	ck_assert_uint_eq(c.runs, 2);
	ck_assert_ptr_null(e.d->p2m);
	host_end(&e.h);
}
END_TEST

/* Scattered numbers cost nodes, and give them back. */
START_TEST(test_p2m_sparse)
{
	static const uint64_t gfns[] = {0x100, 0xff, 0x10000, 0x1000000,
		0xffffffff - 1, 0x7fffffff, 0x80000000};
	struct env e;
	long blocks;

	env_init(&e);
	blocks = e.h.blocks;
	for (int i = 0; i < 7; i++)
		ck_assert_int_eq(populate(e.d, HV_RUN_SHARE, 1, gfns[i]), 0);
	for (int i = 0; i < 7; i++)
		ck_assert_ptr_nonnull(p2m_get(e.d, gfns[i]));
	ck_assert_uint_eq(p2m_next(e.d, 8), 0xff);
	ck_assert_uint_eq(p2m_next(e.d, 0x101), 0x10000);
	ck_assert_uint_eq(p2m_next(e.d, 0x80000001), 0xfffffffe);
	ck_assert_uint_eq(p2m_next(e.d, 0xffffffff), HV_INVALID_GFN);
	for (int i = 0; i < 7; i++)
		ck_assert_int_eq(hv_mem_remove(e.d, gfns[i]), 0);
	ck_assert_int_eq(e.h.blocks, blocks);
	host_end(&e.h);
}
END_TEST

START_TEST(test_split)
{
	struct hv_page_ref p, q;
	struct env e;
	uint32_t id;

	env_init(&e);
	memset(host_page(e.d, 5), 's', HV_PAGE_SIZE);
	ck_assert_int_eq(hv_mem_split(e.d, 99, &p), -ENOENT);
	ck_assert_int_eq(hv_mem_foreign(e.dom0, 1, 5, true, &q, &id), 0);
	ck_assert_int_eq(hv_mem_split(e.d, 5, &p), -EBUSY);
	ck_assert_int_eq(hv_mem_foreign_put(e.dom0, id), 0);
	ck_assert_int_eq(hv_mem_split(e.d, 5, &p), 0);
	ck_assert_int_eq(p.run->kind, HV_RUN_SHARE);
	ck_assert_uint_eq(p.run->gfn, 5);
	ck_assert_uint_eq(host_page(e.d, 5)[4095], 's');
	ck_assert_uint_eq(e.d->tot_pages, 8);
	ck_assert_uint_eq(e.h.pages_freed, 1);
	ck_assert_int_eq(hv_mem_split(e.d, 5, &q), -EALREADY);
	ck_assert_ptr_eq(q.run, p.run);
	/* the other pages are where they were */
	ck_assert_int_eq(hv_mem_lookup(e.d, 6, &q), 0);
	ck_assert_uint_eq(q.page, 6);
	host_end(&e.h);
}
END_TEST

START_TEST(test_foreign)
{
	struct hv_page_ref p;
	struct hv_counts c;
	struct hv_dom *g;
	uint32_t id, id2;
	struct env e;

	env_init(&e);
	g = host_dom(&e.h, 2, 0);
	ck_assert_int_eq(hv_mem_foreign(e.dom0, 9, 0, true, &p, &id), -ESRCH);
	ck_assert_int_eq(hv_mem_foreign(e.dom0, 1, 99, true, &p, &id), -ENOENT);
	ck_assert_int_eq(hv_mem_foreign(g, 1, 0, true, &p, &id), -EPERM);
	ck_assert_int_eq(hv_mem_foreign(e.dom0, 1, 0, true, &p, &id), 0);
	ck_assert_int_eq(hv_mem_foreign(e.dom0, 1, 0, false, &p, &id2), 0);
	ck_assert_uint_ne(id, id2);
	ck_assert(p.run->exported);
	hv_counts(e.h.hv, &c);
	ck_assert_uint_eq(c.foreign, 2);
	ck_assert_int_eq(hv_mem_foreign_put(e.dom0, id), 0);
	ck_assert_int_eq(hv_mem_foreign_put(e.dom0, id), -EINVAL);
	ck_assert_int_eq(hv_mem_foreign_put(e.dom0, 12345), -EINVAL);
	/* it outlives its domain, and then goes with the mapper */
	host_kill(e.d);
	ck_assert_int_eq(hv_mem_foreign(e.dom0, 1, 0, true, &p, &id), -EINVAL);
	hv_counts(e.h.hv, &c);
	ck_assert_uint_eq(c.zombies, 1);
	host_kill(e.dom0);
	hv_counts(e.h.hv, &c);
	ck_assert_uint_eq(c.domains, 1);
	host_end(&e.h);
}
END_TEST

START_TEST(test_resource)
{
	uint32_t ids[4], size, nr, max, kept;
	struct hv_page_ref p[4];
	struct hv_dom *g;
	struct env e;

	env_init(&e);
	g = host_dom(&e.h, 2, 0);
	ck_assert_int_eq(hv_mem_resource(e.dom0, 1, XENMEM_resource_grant_table,
				 0, 0, 0, p, ids, &size),
		0);
	ck_assert_uint_eq(size, 4);
	ck_assert_int_eq(hv_mem_resource(g, 1, XENMEM_resource_grant_table, 0,
				 0, 1, p, ids, &size),
		-EPERM);
	ck_assert_int_eq(hv_mem_resource(e.dom0, 9, XENMEM_resource_grant_table,
				 0, 0, 1, p, ids, &size),
		-ESRCH);
	ck_assert_int_eq(
		hv_mem_resource(e.dom0, 1, XENMEM_resource_ioreq_server, 0, 0,
			1, p, ids, &size),
		-EOPNOTSUPP);
	ck_assert_int_eq(hv_mem_resource(e.dom0, 1, XENMEM_resource_grant_table,
				 XENMEM_resource_grant_table_id_status, 0, 1, p,
				 ids, &size),
		-EINVAL);
	ck_assert_int_eq(hv_mem_resource(e.dom0, 1, XENMEM_resource_grant_table,
				 0, 3, 2, p, ids, &size),
		-EINVAL);
	ck_assert_int_eq(hv_mem_resource(e.dom0, 1, XENMEM_resource_grant_table,
				 0, ~0ull, 1, p, ids, &size),
		-EINVAL);
	/* grows the table, as Xen does */
	ck_assert_int_eq(hv_mem_resource(e.dom0, 1, XENMEM_resource_grant_table,
				 0, 1, 2, p, ids, &size),
		0);
	hv_gnt_frames(e.d, &nr, &max);
	ck_assert_uint_eq(nr, 3);
	ck_assert_uint_eq(p[1].page, 2);
	ck_assert_int_eq(p[1].run->kind, HV_RUN_GNTTAB);
	/* a table that is mapped outlives its domain */
	host_kill(e.d);
	ck_assert_ptr_nonnull(hv_dom_find(e.h.hv, 1));
	kept = ids[1];
	ck_assert_int_eq(hv_mem_foreign_put(e.dom0, ids[0]), 0);
	ck_assert_int_eq(hv_mem_foreign_put(e.dom0, kept), 0);
	ck_assert_ptr_null(hv_dom_find(e.h.hv, 1));
	host_end(&e.h);
}
END_TEST

/* T287 in one thread: a page that somebody holds does not leave, and its
 * owner does not change while it has a count. */
START_TEST(test_type_exclusion)
{
	struct hv_page_ref p;
	struct env e;
	uint32_t id;

	env_init(&e);
	ck_assert_int_eq(evtchn_share(e.d), 0);
	ck_assert_int_eq(mem_move(e.d, &e.d->shared_info->frames[0], 0x90), 0);
	/* a table is written by its guest, and by the privileged */
	ck_assert_int_eq(hv_mem_foreign(e.dom0, 1, 0x90, true, &p, &id), 0);
	ck_assert_int_eq(
		frame_get_type(&p.run->frames[0], HV_TYPE_WRITABLE), -EINVAL);
	host_kill(e.d);
	ck_assert_int_eq(hv_mem_foreign_put(e.dom0, id), 0);
	host_end(&e.h);
}
END_TEST

START_TEST(test_count_limit)
{
	struct hv_page_ref p;
	struct hv_frame *f;
	uint32_t id;
	struct env e;

	env_init(&e);
	f = p2m_get(e.d, 0);
	f->page.count += PAGE_COUNT_MAX - 2;
	ck_assert_int_eq(hv_mem_foreign(e.dom0, 1, 0, false, &p, &id), -EINVAL);
	f->page.count -= PAGE_COUNT_MAX - 2;
	host_end(&e.h);
}
END_TEST

/* The checker itself: what it must see, it sees. */
START_TEST(test_check_sees)
{
	struct env e;

	env_init(&e);
	switch (_i) {
	case 0: p2m_get(e.d, 0)->page.count++; break;
	case 1: e.d->tot_pages++; break;
	case 2: e.d->refs++; break;
	case 3: p2m_get(e.d, 1)->gfn = 7; break;
	case 4: e.h.hv->nr_frames--; break;
	case 5: gnt_act(e.d, 9)->pin = 1; break;
	case 6: e.d->maps.used++; break;
	case 7: e.d->ev.active++; break;
	case 8: p2m_get(e.d, 0)->page.owner++; break;
	case 9: p2m_get(e.d, 0)->page.type++; break;
	default: e.d->runs->used++; break;
	}
	hv_check(e.h.hv);
}
END_TEST

/* One page kept of each of many runs: their memory is not given back, and so
 * there is an end of it. */
START_TEST(test_stale)
{
	uint64_t gfn = 0x1000;
	struct env e;
	unsigned int n;
	int r;

	env_init(&e);
	ck_assert_int_eq(hv_mem_set_max(e.d, 100), 0);
	e.h.keep_pages = _i;
	for (n = 0; n < 8; n++, gfn += 11) {
		ck_assert_int_eq(populate(e.d, HV_RUN_SHARE, 11, gfn), 0);
		for (uint64_t g = gfn; g < gfn + 10; g++)
			ck_assert_int_eq(hv_mem_remove(e.d, g), 0);
	}
	/* 8 of RAM and n kept: there is room by that count alone */
	ck_assert_uint_eq(e.d->tot_pages, 8 + n);
	ck_assert_uint_eq(e.d->stale_pages, _i ? 10 * n : 0);
	n = 0;
	while (!(r = populate(e.d, HV_RUN_SHARE, 2, gfn)) && n++ < 30) {
		ck_assert_int_eq(hv_mem_remove(e.d, gfn), 0);
		gfn += 2;
	}
	ck_assert_int_eq(r, _i ? -ENOMEM : 0);
	/* what goes as a whole is off the bill */
	while (p2m_last(e.d) != HV_INVALID_GFN)
		ck_assert_int_eq(hv_mem_remove(e.d, p2m_last(e.d)), 0);
	ck_assert_uint_eq(e.d->stale_pages, 0);
	ck_assert_int_eq(populate(e.d, HV_RUN_SHARE, 50, 5), 0);
	host_end(&e.h);
}
END_TEST

/* A run that the host points at stays, and its owner as a zombie. */
START_TEST(test_hold)
{
	struct hv_run *run, *other;
	uint64_t gfn = 100;
	struct env e;
	uint8_t *va;

	env_init(&e);
	ck_assert_int_eq(hv_mem_populate(e.d, HV_RUN_SHARE, 2, &gfn, &run), 0);
	hv_run_hold(run);
	hv_run_hold(run);
	va = run->va;
	ck_assert_int_eq(hv_mem_remove(e.d, 100), 0);
	ck_assert_int_eq(hv_mem_remove(e.d, 101), 0);
	ck_assert_uint_eq(e.d->tot_pages, 8);
	/* all of its memory has gone, the last page's too */
	ck_assert_uint_eq(e.h.pages_freed, 2);
	hv_check(e.h.hv);
	va[HV_PAGE_SIZE] = 1;
	hv_run_put(run);
	va[0] = 1;
	hv_run_put(run);
	/* with pages in it, the last hold changes nothing */
	gfn = 100;
	ck_assert_int_eq(hv_mem_populate(e.d, HV_RUN_SHARE, 1, &gfn, &run), 0);
	hv_run_hold(run);
	hv_run_put(run);
	ck_assert_ptr_nonnull(p2m_get(e.d, 100));
	/* beyond the owner's death */
	gfn = 200;
	ck_assert_int_eq(
		hv_mem_populate(e.d, HV_RUN_SHARE, 1, &gfn, &other), 0);
	hv_run_hold(run);
	hv_run_hold(other);
	ck_assert_int_eq(hv_mem_remove(e.d, 200), 0);
	host_kill(e.d);
	ck_assert_ptr_eq(hv_dom_find(e.h.hv, 1), e.d);
	run->va[0] = 1;
	hv_check(e.h.hv);
	hv_run_put(run);
	hv_run_put(other);
	ck_assert_ptr_null(hv_dom_find(e.h.hv, 1));
	host_end(&e.h);
}
END_TEST

BH_CHECK_MAIN("hv_mem", 60, BH_LOOP(test_stale, 2), BH_TEST(test_populate),
	BH_TEST(test_pick), BH_TEST(test_pick_bounded), BH_TEST(test_hold),
	BH_TEST(test_limits), BH_TEST(test_remove), BH_TEST(test_p2m_sparse),
	BH_TEST(test_split), BH_TEST(test_foreign), BH_TEST(test_resource),
	BH_TEST(test_type_exclusion), BH_TEST(test_count_limit),
	{.test = test_check_sees, .loops = 11, .signal = SIGABRT})
