/* SPDX-License-Identifier: MIT */
/*
 * test_hv_dom.c - domains: birth, states, death (D1 to D4)
 */
#include "tests/unit/hv_host.h"

#include "tests/unit/bh_check.h"

#include <errno.h>
#include <xen/sched.h>

/* The control domain listens to VIRQ_DOM_EXC. */
static uint32_t listen_exc(struct hv_dom *dom0)
{
	uint32_t port;

	ck_assert_int_eq(hv_evtchn_bind_virq(dom0, VIRQ_DOM_EXC, 0, &port), 0);
	return port;
}

static bool heard(struct hv_dom *d, uint32_t port)
{
	bool r = hv_evtchn_is_pending(d, port);

	hv_evtchn_consume(d, port);
	return r;
}

START_TEST(test_create)
{
	struct hv_dom_config cfg = {.bits = 64};
	struct test_host h = {0};
	struct hv_dom *d;

	ck_assert(host_init(&h, NULL));
	ck_assert_int_eq(hv_dom_create(h.hv, 7, &cfg, &d), 0);
	ck_assert(!hv_dom_is_running(d));
	ck_assert_uint_eq(hv_dom_id(d), 7);
	ck_assert_int_eq(hv_dom_create(h.hv, 7, &cfg, &d), -EEXIST);
	ck_assert_int_eq(
		hv_dom_create(h.hv, DOMID_FIRST_RESERVED, &cfg, &d), -EINVAL);
	cfg.bits = 16;
	ck_assert_int_eq(hv_dom_create(h.hv, 8, &cfg, &d), -EINVAL);
	cfg.bits = 32;
	cfg.max_vcpus = 129;
	ck_assert_int_eq(hv_dom_create(h.hv, 8, &cfg, &d), -EINVAL);
	ck_assert_uint_eq(h.events[HV_DOM_CREATED], 1);
	host_end(&h);
}
END_TEST

START_TEST(test_create_limit)
{
	struct hv_limits l = {.max_domains = 2, .max_grant_frames = 1};
	struct hv_dom_config cfg = {.bits = 64};
	struct test_host h = {0};
	struct hv_dom *d;

	ck_assert(host_init(&h, &l));
	host_dom(&h, 1, 0);
	host_dom(&h, 2, 0);
	ck_assert_int_eq(hv_dom_create(h.hv, 3, &cfg, &d), -ENOSPC);
	host_end(&h);
}
END_TEST

/* D1: a domid comes back only after all others, and never with its gen. */
START_TEST(test_d1_round_robin)
{
	struct hv_limits l = {.max_grant_frames = 1};
	struct hv_dom_config cfg = {.bits = 64};
	struct test_host h = {0};
	uint64_t last_gen = 0;
	struct hv_dom *d;

	ck_assert(host_init(&h, &l));
	for (uint32_t i = 1; i < DOMID_FIRST_RESERVED; i++) {
		ck_assert_int_eq(hv_dom_create(h.hv, 0, &cfg, &d), 0);
		ck_assert_uint_eq(hv_dom_id(d), i);
		ck_assert(hv_dom_gen(d) > last_gen);
		last_gen = hv_dom_gen(d);
		host_kill(d);
	}
	ck_assert_int_eq(hv_dom_create(h.hv, 0, &cfg, &d), 0);
	ck_assert_uint_eq(hv_dom_id(d), 1);
	ck_assert(hv_dom_gen(d) > last_gen);
	host_end(&h);
}
END_TEST

START_TEST(test_pause)
{
	struct test_host h = {0};
	struct hv_dom *d;

	ck_assert(host_init(&h, NULL));
	d = host_dom(&h, 1, 0);
	ck_assert(hv_dom_is_running(d));
	ck_assert_int_eq(hv_dom_pause(d), 0);
	ck_assert_int_eq(hv_dom_pause(d), 0);
	ck_assert_uint_eq(h.events[HV_DOM_PAUSED], 1);
	ck_assert_int_eq(hv_dom_unpause(d), 0);
	ck_assert(!hv_dom_is_running(d));
	ck_assert_int_eq(hv_dom_unpause(d), 0);
	ck_assert(hv_dom_is_running(d));
	ck_assert_int_eq(hv_dom_unpause(d), -EINVAL);
	ck_assert_uint_eq(h.events[HV_DOM_RUNNING], 2);
	host_end(&h);
}
END_TEST

START_TEST(test_shutdown)
{
	struct xen_domctl_getdomaininfo i;
	struct hv_dom *dom0, *d;
	struct test_host h = {0};
	uint32_t exc;

	ck_assert(host_init(&h, NULL));
	dom0 = host_dom(&h, 0, 0);
	exc = listen_exc(dom0);
	d = host_dom(&h, 1, 0);
	ck_assert_int_eq(hv_dom_shutdown(d, SHUTDOWN_MAX + 1), -EINVAL);
	ck_assert(!heard(dom0, exc));
	ck_assert_int_eq(hv_dom_shutdown(d, SHUTDOWN_crash), 0);
	ck_assert(heard(dom0, exc));
	ck_assert_int_eq(hv_dom_shutdown(d, SHUTDOWN_reboot), 0);
	ck_assert(!heard(dom0, exc));
	hv_dom_info(d, &i);
	ck_assert_uint_eq(i.flags >> XEN_DOMINF_shutdownshift, SHUTDOWN_crash);
	ck_assert_uint_eq(i.flags & XEN_DOMINF_shutdown, XEN_DOMINF_shutdown);
	ck_assert(!hv_dom_is_running(d));
	ck_assert_int_eq(hv_dom_resume(d), 0);
	ck_assert(hv_dom_is_running(d));
	hv_dom_info(d, &i);
	ck_assert_uint_eq(i.flags >> XEN_DOMINF_shutdownshift, 0);
	host_end(&h);
}
END_TEST

/* D2, D3: each step is visible, goes one way, and is announced. */
START_TEST(test_d3_life)
{
	struct xen_domctl_getdomaininfo i;
	struct hv_dom *dom0, *d, *other;
	struct test_host h = {0};
	uint32_t exc, handle, ref;
	struct hv_counts c;
	uint64_t gfn;

	ck_assert(host_init(&h, NULL));
	dom0 = host_dom(&h, 0, 0);
	exc = listen_exc(dom0);
	d = host_dom(&h, 1, 4);
	other = host_dom(&h, 2, 0);
	gfn = host_share(d, 1);
	ck_assert_int_eq(hv_gnt_alloc(d, 2, gfn, false, &ref), 0);
	ck_assert_int_eq(host_map(other, 1, ref, GNTMAP_host_map, &handle), 0);
	host_kill(d);
	ck_assert(heard(dom0, exc));
	ck_assert_uint_eq(h.events[HV_DOM_DYING], 1);
	ck_assert_uint_eq(h.events[HV_DOM_DEAD], 1);
	ck_assert_uint_eq(h.events[HV_DOM_FREED], 0);
	d = hv_dom_find(h.hv, 1);
	ck_assert(d && hv_dom_is_dying(d));
	hv_dom_info(d, &i);
	ck_assert_uint_eq(i.flags & XEN_DOMINF_dying, XEN_DOMINF_dying);
	ck_assert_uint_eq(i.tot_pages, 1);
	hv_counts(h.hv, &c);
	ck_assert_uint_eq(c.zombies, 1);
	/* a dead domain does nothing any more */
	ck_assert_int_eq(hv_dom_pause(d), -EINVAL);
	ck_assert_int_eq(hv_dom_unpause(d), -EINVAL);
	ck_assert_int_eq(hv_dom_shutdown(d, 0), -EINVAL);
	ck_assert_int_eq(hv_dom_resume(d), -EINVAL);
	ck_assert_int_eq(host_map(other, 1, ref, GNTMAP_host_map, NULL),
		GNTST_general_error);
	/* D4: the last mapping goes, and with it the zombie */
	ck_assert_int_eq(host_unmap(other, handle), 0);
	ck_assert(heard(dom0, exc));
	ck_assert_uint_eq(h.events[HV_DOM_FREED], 1);
	ck_assert(!hv_dom_find(h.hv, 1));
	hv_counts(h.hv, &c);
	ck_assert_uint_eq(c.zombies, 0);
	host_end(&h);
}
END_TEST

/* D4: the mapper dies instead of unmapping. */
START_TEST(test_d4_mapper_dies)
{
	struct hv_dom *d, *other;
	struct test_host h = {0};
	struct hv_counts c;
	uint32_t ref;

	ck_assert(host_init(&h, NULL));
	d = host_dom(&h, 1, 0);
	other = host_dom(&h, 2, 0);
	ck_assert_int_eq(hv_gnt_alloc(d, 2, host_share(d, 1), false, &ref), 0);
	ck_assert_int_eq(host_map(other, 1, ref, GNTMAP_host_map, NULL), 0);
	host_kill(d);
	host_kill(other);
	hv_counts(h.hv, &c);
	ck_assert_uint_eq(c.domains, 0);
	ck_assert_uint_eq(c.frames, 0);
	host_end(&h);
}
END_TEST

/* A budget of one: every object is one restart, and the end is the same. */
START_TEST(test_destroy_restarts)
{
	struct hv_dom *dom0, *d, *other;
	struct test_host h = {0};
	unsigned int restarts = 0;
	uint32_t port, budget, ref, id;
	struct hv_page_ref p;
	int r;

	ck_assert(host_init(&h, NULL));
	dom0 = host_dom(&h, 0, 2);
	d = host_dom(&h, 1, 8);
	other = host_dom(&h, 2, 0);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(
			hv_evtchn_alloc_unbound(d, DOMID_SELF, 0, &port), 0);
	ck_assert_int_eq(hv_evtchn_bind_interdomain(dom0, 1, port, &port), 0);
	ck_assert_int_eq(
		hv_gnt_alloc(other, 1, host_share(other, 1), false, &ref), 0);
	ck_assert_int_eq(host_map(d, 2, ref, GNTMAP_host_map, NULL), 0);
	ck_assert_int_eq(hv_mem_foreign(dom0, 1, 3, true, &p, &id), 0);
	do {
		budget = 1;
		r = hv_dom_destroy(d, &budget);
		restarts += r == -ERESTART;
	} while (r == -ERESTART);
	ck_assert_int_eq(r, 0);
	ck_assert_uint_eq(restarts, 5 + 1 + 8 - 1);
	ck_assert(hv_dom_find(h.hv, 1));
	ck_assert_int_eq(hv_mem_foreign_put(dom0, id), 0);
	ck_assert(!hv_dom_find(h.hv, 1));
	host_end(&h);
}
END_TEST

/* Shown as dying, and announced, when all is released and not before: then
 * the store's daemon looks, and forgets the domain. */
START_TEST(test_dying_shown)
{
	struct xen_domctl_getdomaininfo i;
	struct test_host h = {0};
	uint32_t exc, budget, id;
	struct hv_dom *dom0, *d;
	struct hv_page_ref p;
	unsigned int n = 0;
	uint64_t gfn;

	ck_assert(host_init(&h, NULL));
	dom0 = host_dom(&h, 0, 0);
	exc = listen_exc(dom0);
	d = host_dom(&h, 1, 3);
	gfn = host_share(d, 1);
	/* dom0 keeps it as a zombie */
	ck_assert_int_eq(hv_mem_foreign(dom0, 1, gfn, true, &p, &id), 0);
	for (;; n++) {
		budget = 1;
		if (hv_dom_destroy(d, &budget) != -ERESTART)
			break;
		ck_assert(hv_dom_is_dying(d));
		hv_dom_info(d, &i);
		ck_assert_uint_eq(i.flags & XEN_DOMINF_dying, 0);
		ck_assert_uint_eq(i.flags & XEN_DOMINF_running, 0);
		ck_assert(!heard(dom0, exc));
		ck_assert_uint_eq(h.events[HV_DOM_DEAD], 0);
	}
	ck_assert_uint_ge(n, 3);
	hv_dom_info(d, &i);
	ck_assert_uint_eq(i.flags & XEN_DOMINF_dying, XEN_DOMINF_dying);
	ck_assert(heard(dom0, exc));
	host_end(&h);
}
END_TEST

/* While the destruction pauses others go on: the grantee unmaps, a page is
 * removed under the cursor. */
START_TEST(test_destroy_interleaved)
{
	for (unsigned int when = 0; when < 16; when++) {
		struct hv_dom *d, *other;
		struct test_host h = {0};
		uint32_t budget, ref, handle;
		unsigned int step = 0;
		uint64_t gfn;

		ck_assert(host_init(&h, NULL));
		d = host_dom(&h, 1, 3);
		other = host_dom(&h, 2, 0);
		for (int i = 0; i < 4; i++)
			gfn = host_share(d, 1);
		ck_assert_int_eq(hv_gnt_alloc(d, 2, gfn, false, &ref), 0);
		ck_assert_int_eq(
			host_map(other, 1, ref, GNTMAP_host_map, &handle), 0);
		do {
			if (step++ == when)
				ck_assert_int_eq(host_unmap(other, handle), 0);
			budget = 1;
		} while (hv_dom_destroy(d, &budget) == -ERESTART);
		if (step <= when)
			ck_assert_int_eq(host_unmap(other, handle), 0);
		ck_assert(!hv_dom_find(h.hv, 1));
		host_end(&h);
	}
}
END_TEST

START_TEST(test_target)
{
	struct hv_dom *a, *b, *c;
	struct test_host h = {0};

	ck_assert(host_init(&h, NULL));
	a = host_dom(&h, 1, 0);
	b = host_dom(&h, 2, 0);
	c = host_dom(&h, 3, 0);
	ck_assert_int_eq(hv_dom_set_target(a, 9), -ESRCH);
	ck_assert_int_eq(hv_dom_set_target(a, 1), -EINVAL);
	ck_assert_int_eq(hv_dom_set_target(a, 2), 0);
	ck_assert_int_eq(hv_dom_set_target(a, 3), -EINVAL);
	ck_assert_int_eq(hv_dom_set_target(b, 3), -EINVAL);
	ck_assert_int_eq(hv_dom_set_target(c, 1), -EINVAL);
	ck_assert_int_eq(hv_may(a, HV_OP_MEM_FOREIGN, b), 0);
	/* the right dies with the instance, whoever gets the number */
	host_kill(b);
	b = host_dom(&h, 2, 0);
	ck_assert_int_eq(hv_may(a, HV_OP_MEM_FOREIGN, b), -EPERM);
	host_end(&h);
}
END_TEST

START_TEST(test_virq_handler)
{
	struct hv_dom *dom0, *d, *e;
	struct test_host h = {0};
	uint32_t p0, p1;

	ck_assert(host_init(&h, NULL));
	dom0 = host_dom(&h, 0, 0);
	p0 = listen_exc(dom0);
	d = host_dom(&h, 1, 0);
	p1 = listen_exc(d);
	e = host_dom(&h, 2, 0);
	ck_assert_int_eq(hv_set_virq_handler(h.hv, VIRQ_TIMER, d), -EINVAL);
	ck_assert_int_eq(hv_set_virq_handler(h.hv, 24, d), -EINVAL);
	ck_assert_int_eq(hv_set_virq_handler(h.hv, VIRQ_DOM_EXC, d), 0);
	hv_dom_shutdown(e, 0);
	ck_assert(!heard(dom0, p0));
	ck_assert(heard(d, p1));
	/* it dies: domain 0 is the handler again, and hears of it */
	host_kill(d);
	ck_assert(heard(dom0, p0));
	host_end(&h);
}
END_TEST

START_TEST(test_params)
{
	struct test_host h = {0};
	struct hv_dom *d;
	uint64_t v;

	ck_assert(host_init(&h, NULL));
	d = host_dom(&h, 1, 0);
	ck_assert_int_eq(hv_dom_param_set(d, 38, 7), 0);
	ck_assert_int_eq(hv_dom_param_get(d, 38, &v), 0);
	ck_assert_uint_eq(v, 7);
	ck_assert_int_eq(hv_dom_param_set(d, 39, 7), -EINVAL);
	ck_assert_int_eq(hv_dom_param_get(d, 39, &v), -EINVAL);
	host_end(&h);
}
END_TEST

BH_CHECK_MAIN("hv_dom", 60, BH_TEST(test_create), BH_TEST(test_create_limit),
	BH_TEST(test_d1_round_robin), BH_TEST(test_pause),
	BH_TEST(test_shutdown), BH_TEST(test_d3_life),
	BH_TEST(test_d4_mapper_dies), BH_TEST(test_destroy_restarts),
	BH_TEST(test_dying_shown), BH_TEST(test_destroy_interleaved),
	BH_TEST(test_target), BH_TEST(test_virq_handler), BH_TEST(test_params))
