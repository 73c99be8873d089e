/* SPDX-License-Identifier: MIT */
/*
 * test_hc_guest.c - what guests call: memory, event channels, grants
 */
#include "tests/unit/hv_call.h"

#include "hv/core/internal.h"

enum { LIST = 0x1000, ERRS = 0x3000, IDXS = 0x4000 };

static int64_t memory(struct env *e, struct hv_call *c, unsigned int cmd,
	const void *a, size_t len, unsigned int *restarts)
{
	memcpy(at(e, 0), a, len);
	return call(c, __HYPERVISOR_memory_op, cmd, 0, 0, restarts);
}

static int64_t reserve(struct env *e, struct hv_call *c, unsigned int cmd,
	domid_t domid, uint64_t nr, unsigned int order)
{
	struct xen_memory_reservation r = {.extent_start.p = (void *)LIST,
		.nr_extents = nr,
		.extent_order = order,
		.domid = domid};

	return memory(e, c, cmd, &r, sizeof(r), NULL);
}

static uint64_t *list(struct env *e)
{
	return at(e, LIST);
}

/* ---- reservations ------------------------------------------------------------- */

START_TEST(test_populate)
{
	for (uint32_t budget = 1; budget < 200; budget += 33) {
		struct env *e = env_new();
		struct hv_counts c;

		for (uint64_t i = 0; i < 100; i++)
			list(e)[i] = i < 60 ? 0x1000 + i : 0x2000 + 2 * i;
		e->c0.budget = budget;
		ck_assert_int_eq(
			reserve(e, &e->c0, XENMEM_populate_physmap, 1, 100, 0),
			100);
		ck_assert_uint_eq(e->d->tot_pages, 104);
		hv_counts(e->h.hv, &c);
		/* neighbours share a run, as far as the budget lets them */
		if (budget > 150)
			ck_assert_uint_eq(c.runs, 4 + 1 + 40);
		for (int i = 0; i < 100; i++)
			ck_assert_ptr_nonnull(p2m_get(e->d, list(e)[i]));
		/* taken: it stops there */
		list(e)[0] = 0x5000;
		ck_assert_int_eq(
			reserve(e, &e->c0, XENMEM_populate_physmap, 1, 3, 0),
			1);
		ck_assert_int_eq(reserve(e, &e->c1, XENMEM_decrease_reservation,
					 DOMID_SELF, 100, 0),
			100);
		ck_assert_uint_eq(e->d->tot_pages, 5);
		env_end(e);
	}
}
END_TEST

/* A run that does not fit as one is populated as far as it goes. */
START_TEST(test_populate_partial)
{
	struct env *e = env_new();

	for (uint64_t i = 0; i < 20; i++)
		list(e)[i] = 0x1000 + i;
	ck_assert_int_eq(hv_mem_set_max(e->d, 4 + 7), 0);
	ck_assert_int_eq(
		reserve(e, &e->c1, XENMEM_populate_physmap, DOMID_SELF, 20, 0),
		7);
	ck_assert_uint_eq(e->d->tot_pages, 11);
	env_end(e);
}
END_TEST

START_TEST(test_reservation_refused)
{
	struct env *e = env_new();

	ck_assert_int_eq(hv_mem_set_max(e->d, 4096), 0);
	list(e)[0] = 0x1000;
	list(e)[1] = HV_INVALID_GFN;
	ck_assert_int_eq(
		reserve(e, &e->c1, XENMEM_populate_physmap, 0, 1, 0), -EPERM);
	ck_assert_int_eq(
		reserve(e, &e->c0, XENMEM_populate_physmap, 9, 1, 0), 0);
	ck_assert_int_eq(
		reserve(e, &e->c1, XENMEM_populate_physmap, DOMID_SELF, 1, 10),
		0);
	ck_assert_int_eq(reserve(e, &e->c1, XENMEM_populate_physmap, DOMID_SELF,
				 1ull << 40, 0),
		0);
	/* the number that means anywhere to the engine means nothing here */
	ck_assert_int_eq(
		reserve(e, &e->c1, XENMEM_populate_physmap, DOMID_SELF, 2, 0),
		1);
	list(e)[0] = HV_GFN_MAX;
	ck_assert_int_eq(
		reserve(e, &e->c1, XENMEM_populate_physmap, DOMID_SELF, 1, 1),
		0);
	ck_assert_int_eq(reserve(e, &e->c1, XENMEM_decrease_reservation,
				 DOMID_SELF, 1, 0),
		0);
	ck_assert_uint_eq(e->d->tot_pages, 5);
	env_end(e);
}
END_TEST

START_TEST(test_increase)
{
	struct env *e = env_new();

	ck_assert_int_eq(reserve(e, &e->c1, XENMEM_increase_reservation,
				 DOMID_SELF, 3, 1),
		3);
	ck_assert_uint_eq(list(e)[0], 4);
	ck_assert_uint_eq(list(e)[2], 8);
	ck_assert_uint_eq(e->d->tot_pages, 10);
	e->c1.budget = 1;
	ck_assert_int_eq(reserve(e, &e->c1, XENMEM_decrease_reservation,
				 DOMID_SELF, 3, 1),
		3);
	ck_assert_uint_eq(e->d->tot_pages, 4);
	/* an answer that cannot be written takes the page back */
	struct xen_memory_reservation r = {.extent_start.p = (void *)~7ull,
		.nr_extents = 2,
		.domid = DOMID_SELF};
	ck_assert_int_eq(memory(e, &e->c1, XENMEM_increase_reservation, &r,
				 sizeof(r), NULL),
		0);
	ck_assert_uint_eq(e->d->tot_pages, 4);
	env_end(e);
}
END_TEST

/* A large extent is taken back in pieces. */
START_TEST(test_decrease_restarts)
{
	struct env *e = env_new();
	struct xen_memory_reservation r = {.extent_start.p = (void *)LIST,
		.nr_extents = 1,
		.extent_order = 9,
		.domid = DOMID_SELF};
	unsigned int restarts;

	list(e)[0] = 0x200;
	e->c1.budget = 1;
	ck_assert_int_eq(memory(e, &e->c1, XENMEM_populate_physmap, &r,
				 sizeof(r), &restarts),
		1);
	ck_assert_uint_eq(e->d->tot_pages, 516);
	ck_assert_int_eq(memory(e, &e->c1, XENMEM_decrease_reservation, &r,
				 sizeof(r), &restarts),
		1);
	ck_assert_uint_eq(e->d->tot_pages, 4);
	ck_assert_uint_ge(restarts, 512 / 64 - 1);
	env_end(e);
}
END_TEST

START_TEST(test_amounts)
{
	struct env *e = env_new();
	struct xen_memory_domain a = {.domid = 1};

	ck_assert_int_eq(memory(e, &e->c0, XENMEM_current_reservation, &a,
				 sizeof(a), NULL),
		4);
	ck_assert_int_eq(memory(e, &e->c0, XENMEM_maximum_reservation, &a,
				 sizeof(a), NULL),
		1024);
	ck_assert_int_eq(
		memory(e, &e->c0, XENMEM_maximum_gpfn, &a, sizeof(a), NULL), 3);
	ck_assert_int_gt(
		memory(e, &e->c1, XENMEM_maximum_ram_page, &a, sizeof(a), NULL),
		0);
	a.domid = 0;
	ck_assert_int_eq(memory(e, &e->c1, XENMEM_current_reservation, &a,
				 sizeof(a), NULL),
		-EPERM);
	a.domid = 9;
	ck_assert_int_eq(memory(e, &e->c0, XENMEM_current_reservation, &a,
				 sizeof(a), NULL),
		-ESRCH);
	ck_assert_int_eq(memory(e, &e->c0, 63, &a, sizeof(a), NULL), -ENOSYS);
	env_end(e);
}
END_TEST

START_TEST(test_memory_map)
{
	struct env *e = env_new();
	struct xen_memory_map m = {.nr_entries = 1, .buffer.p = (void *)LIST};

	ck_assert_int_eq(
		memory(e, &e->c1, XENMEM_memory_map, &m, sizeof(m), NULL), 0);
	ck_assert_uint_eq(list(e)[0], 0);
	ck_assert_uint_eq(list(e)[1], 4 * HV_PAGE_SIZE);
	m.nr_entries = 0;
	ck_assert_int_eq(
		memory(e, &e->c1, XENMEM_memory_map, &m, sizeof(m), NULL),
		-EINVAL);
	env_end(e);
}
END_TEST

/* ---- physmap ------------------------------------------------------------------- */

static int64_t add(struct env *e, struct hv_call *c, domid_t domid,
	unsigned int space, uint64_t idx, uint64_t gfn)
{
	struct xen_add_to_physmap a = {
		.domid = domid, .space = space, .idx = idx, .gpfn = gfn};

	return memory(e, c, XENMEM_add_to_physmap, &a, sizeof(a), NULL);
}

START_TEST(test_add_to_physmap)
{
	struct env *e = env_new();
	struct xen_domctl op = {0};
	struct xen_remove_from_physmap rm = {.domid = DOMID_SELF};
	uint32_t nr, max;

	ck_assert_int_eq(
		add(e, &e->c1, DOMID_SELF, XENMAPSPACE_shared_info, 1, 0x50),
		-EINVAL);
	ck_assert_int_eq(
		add(e, &e->c1, DOMID_SELF, XENMAPSPACE_shared_info, 0, 0x50),
		0);
	ck_assert_int_eq(
		add(e, &e->c1, DOMID_SELF, XENMAPSPACE_shared_info, 0, 0x51),
		0);
	ck_assert_ptr_null(p2m_get(e->d, 0x50));
	ck_assert_int_eq(
		domctl(e, &e->c0, &op, XEN_DOMCTL_getdomaininfo, 1), 0);
	ck_assert_uint_eq(op.u.getdomaininfo.shared_info_frame, 0x51);
	/* grows the table, up to its limit */
	ck_assert_int_eq(
		add(e, &e->c1, DOMID_SELF, XENMAPSPACE_grant_table, 3, 0x60),
		0);
	hv_gnt_frames(e->d, &nr, &max);
	ck_assert_uint_eq(nr, 4);
	ck_assert_int_eq(
		add(e, &e->c1, DOMID_SELF, XENMAPSPACE_grant_table, 4, 0x61),
		-EINVAL);
	ck_assert_int_eq(add(e, &e->c1, DOMID_SELF, XENMAPSPACE_grant_table,
				 XENMAPIDX_grant_table_status, 0x61),
		-EINVAL);
	ck_assert_int_eq(
		add(e, &e->c1, DOMID_SELF, XENMAPSPACE_gmfn_foreign, 0, 0x61),
		-EOPNOTSUPP);
	ck_assert_int_eq(
		add(e, &e->c1, DOMID_SELF, XENMAPSPACE_gmfn, 0x99, 0x61),
		-EINVAL);
	ck_assert_int_eq(
		add(e, &e->c1, DOMID_SELF, XENMAPSPACE_gmfn, 1, 1ull << 32),
		-EINVAL);
	ck_assert_int_eq(add(e, &e->c1, 0, XENMAPSPACE_gmfn, 1, 0x61), -EPERM);
	/* memory that was there is freed, a table is not */
	ck_assert_uint_eq(e->d->tot_pages, 5);
	ck_assert_int_eq(add(e, &e->c1, DOMID_SELF, XENMAPSPACE_gmfn, 1, 2), 0);
	ck_assert_uint_eq(e->d->tot_pages, 4);
	ck_assert_int_eq(
		add(e, &e->c1, DOMID_SELF, XENMAPSPACE_gmfn, 2, 0x60), 0);
	ck_assert_uint_eq(e->d->tot_pages, 4);
	ck_assert_int_eq(
		add(e, &e->c1, DOMID_SELF, XENMAPSPACE_gmfn, 0x60, 0x60), 0);
	rm.gpfn = 0x51;
	ck_assert_int_eq(memory(e, &e->c1, XENMEM_remove_from_physmap, &rm,
				 sizeof(rm), NULL),
		0);
	ck_assert_int_eq(memory(e, &e->c1, XENMEM_remove_from_physmap, &rm,
				 sizeof(rm), NULL),
		-ENOENT);
	ck_assert_int_eq(hv_evtchn_bind_ipi(e->d, 0, &nr), 0);
	ck_assert_int_eq(hv_evtchn_send(e->d, nr), 0);
	ck_assert(hv_evtchn_is_pending(e->d, nr));
	env_end(e);
}
END_TEST

START_TEST(test_add_batch)
{
	struct env *e = env_new();
	struct xen_add_to_physmap_batch b = {.domid = DOMID_SELF,
		.space = XENMAPSPACE_grant_table,
		.size = 6,
		.idxs.p = (void *)IDXS,
		.gpfns.p = (void *)LIST,
		.errs.p = (void *)ERRS};
	uint64_t *idx = at(e, IDXS);
	int *err = at(e, ERRS);
	unsigned int restarts;

	for (int i = 0; i < 6; i++) {
		idx[i] = (uint64_t)i;
		list(e)[i] = 0x100 + (uint64_t)i;
		err[i] = 77;
	}
	e->c1.budget = 1;
	ck_assert_int_eq(memory(e, &e->c1, XENMEM_add_to_physmap_batch, &b,
				 sizeof(b), &restarts),
		0);
	ck_assert_uint_eq(restarts, 5);
	ck_assert_int_eq(err[3], 0);
	ck_assert_int_eq(err[4], -EINVAL);
	b.errs.p = (void *)~0ull;
	ck_assert_int_eq(memory(e, &e->c1, XENMEM_add_to_physmap_batch, &b,
				 sizeof(b), NULL),
		-EFAULT);
	env_end(e);
}
END_TEST

START_TEST(test_resource)
{
	struct env *e = env_new();
	struct xen_mem_acquire_resource a = {
		.domid = 1, .type = XENMEM_resource_grant_table};

	ck_assert_int_eq(
		memory(e, &e->c0, XENMEM_acquire_resource, &a, sizeof(a), NULL),
		0);
	memcpy(&a, at(e, 0), sizeof(a));
	ck_assert_uint_eq(a.nr_frames, 4);
	/* there is nowhere to put them */
	ck_assert_int_eq(
		memory(e, &e->c0, XENMEM_acquire_resource, &a, sizeof(a), NULL),
		-EOPNOTSUPP);
	a.nr_frames = 0;
	a.pad = 1;
	ck_assert_int_eq(
		memory(e, &e->c0, XENMEM_acquire_resource, &a, sizeof(a), NULL),
		-EINVAL);
	a.pad = 0;
	ck_assert_int_eq(
		memory(e, &e->c1, XENMEM_acquire_resource, &a, sizeof(a), NULL),
		-EPERM);
	env_end(e);
}
END_TEST

/* ---- event channels -------------------------------------------------------------- */

static int64_t evtchn(
	struct env *e, struct hv_call *c, unsigned int cmd, void *a, size_t len)
{
	int64_t r;

	memcpy(at(e, 0), a, len);
	r = call(c, __HYPERVISOR_event_channel_op, cmd, 0, 0, NULL);
	memcpy(a, at(e, 0), len);
	return r;
}

#define EVTCHN(e, c, op, a) evtchn(e, c, EVTCHNOP_##op, a, sizeof(*(a)))

START_TEST(test_event_channel_op)
{
	struct env *e = env_new();
	struct evtchn_alloc_unbound al = {.dom = DOMID_SELF, .remote_dom = 0};
	struct evtchn_bind_interdomain bi = {.remote_dom = 1};
	struct evtchn_bind_virq bv = {.virq = VIRQ_DEBUG};
	struct evtchn_bind_ipi ipi = {.vcpu = 0};
	struct evtchn_bind_vcpu vc;
	struct evtchn_status st = {.dom = DOMID_SELF};
	struct evtchn_send se;
	struct evtchn_unmask um;
	struct evtchn_close cl;

	ck_assert_int_eq(EVTCHN(e, &e->c1, alloc_unbound, &al), 0);
	bi.remote_port = al.port;
	ck_assert_int_eq(EVTCHN(e, &e->c0, bind_interdomain, &bi), 0);
	ck_assert_int_eq(EVTCHN(e, &e->c1, bind_virq, &bv), 0);
	ck_assert_int_eq(EVTCHN(e, &e->c1, bind_ipi, &ipi), 0);
	ck_assert_uint_ne(ipi.port, bv.port);
	st.port = al.port;
	ck_assert_int_eq(EVTCHN(e, &e->c1, status, &st), 0);
	ck_assert_uint_eq(st.status, EVTCHNSTAT_interdomain);
	se.port = al.port;
	ck_assert_int_eq(EVTCHN(e, &e->c1, send, &se), 0);
	ck_assert(hv_evtchn_is_pending(e->dom0, bi.local_port));
	um.port = bi.local_port;
	ck_assert_int_eq(EVTCHN(e, &e->c0, unmask, &um), 0);
	vc.port = al.port;
	vc.vcpu = 0;
	ck_assert_int_eq(EVTCHN(e, &e->c1, bind_vcpu, &vc), 0);
	cl.port = al.port;
	ck_assert_int_eq(EVTCHN(e, &e->c1, close, &cl), 0);
	ck_assert_int_eq(EVTCHN(e, &e->c1, close, &cl), -EINVAL);
	/* FIFO channels and physical interrupts */
	for (uint64_t cmd = 11; cmd < 16; cmd++)
		ck_assert_int_eq(call(&e->c1, __HYPERVISOR_event_channel_op,
					 cmd, 0, 0, NULL),
			-ENOSYS);
	ck_assert_int_eq(call(&e->c1, __HYPERVISOR_event_channel_op,
				 EVTCHNOP_bind_pirq, 0, 0, NULL),
		-ENOSYS);
	ck_assert_int_eq(call(&e->c1, __HYPERVISOR_event_channel_op,
				 1ull << 32 | EVTCHNOP_close, 0, 0, NULL),
		-ENOSYS);
	ck_assert_int_eq(
		call(&e->c1, __HYPERVISOR_event_channel_op, EVTCHNOP_close,
			sizeof(e->g.bytes) - 2, 0, NULL),
		-EFAULT);
	env_end(e);
}
END_TEST

/* ---- grants ------------------------------------------------------------------------ */

static int64_t grant(struct env *e, struct hv_call *c, unsigned int cmd,
	void *a, size_t len, uint64_t count)
{
	int64_t r;

	memcpy(at(e, 0), a, len);
	r = call(c, __HYPERVISOR_grant_table_op, cmd, 0, count, NULL);
	memcpy(a, at(e, 0), len);
	return r;
}

#define GRANT(e, c, op, a) grant(e, c, GNTTABOP_##op, a, sizeof(*(a)), 1)

START_TEST(test_grant_table_op)
{
	struct env *e = env_new();
	struct gnttab_map_grant_ref m = {.dom = 1, .flags = GNTMAP_host_map};
	struct gnttab_unmap_grant_ref u = {0};
	struct gnttab_unmap_and_replace ur = {0};
	struct gnttab_setup_table s = {.dom = DOMID_SELF, .nr_frames = 2};
	struct gnttab_query_size q = {.dom = DOMID_SELF};
	struct gnttab_set_version sv = {.version = 1};
	struct gnttab_get_version gv = {.dom = DOMID_SELF};
	struct gnttab_get_status_frames sf = {.dom = DOMID_SELF};
	struct gnttab_swap_grant_ref sw = {.ref_a = 20, .ref_b = 21};
	struct gnttab_transfer t = {.mfn = 99};
	struct gnttab_dump_table du = {0};

	ck_assert_int_eq(GRANT(e, &e->c0, map_grant_ref, &m), 0);
	ck_assert_int_eq(m.status, GNTST_general_error);
	ck_assert_int_eq(GRANT(e, &e->c0, unmap_grant_ref, &u), 0);
	ck_assert_int_eq(u.status, GNTST_bad_handle);
	ck_assert_int_eq(GRANT(e, &e->c0, unmap_and_replace, &ur), 0);
	ck_assert_int_eq(ur.status, GNTST_general_error);
	ck_assert_int_eq(GRANT(e, &e->c0, dump_table, &du), 0);
	ck_assert_int_eq(du.status, GNTST_general_error);
	ck_assert_int_eq(
		add(e, &e->c1, DOMID_SELF, XENMAPSPACE_grant_table, 1, 0x60),
		0);
	s.frame_list.p = (void *)LIST;
	ck_assert_int_eq(GRANT(e, &e->c1, setup_table, &s), 0);
	ck_assert_int_eq(s.status, 0);
	ck_assert_uint_eq(list(e)[0], ~0ull);
	ck_assert_uint_eq(list(e)[1], 0x60);
	s.nr_frames = 5;
	ck_assert_int_eq(GRANT(e, &e->c1, setup_table, &s), 0);
	ck_assert_int_eq(s.status, GNTST_general_error);
	s.dom = 0;
	ck_assert_int_eq(GRANT(e, &e->c1, setup_table, &s), 0);
	ck_assert_int_eq(s.status, GNTST_permission_denied);
	s.dom = 9;
	ck_assert_int_eq(GRANT(e, &e->c0, setup_table, &s), 0);
	ck_assert_int_eq(s.status, GNTST_bad_domain);
	ck_assert_int_eq(
		grant(e, &e->c1, GNTTABOP_setup_table, &s, sizeof(s), 2),
		-EINVAL);
	ck_assert_int_eq(GRANT(e, &e->c1, query_size, &q), 0);
	ck_assert_uint_eq(q.nr_frames, 2);
	ck_assert_uint_eq(q.max_nr_frames, 4);
	ck_assert_int_eq(GRANT(e, &e->c1, set_version, &sv), 0);
	sv.version = 2;
	ck_assert_int_eq(GRANT(e, &e->c1, set_version, &sv), -EOPNOTSUPP);
	sv.version = 3;
	ck_assert_int_eq(GRANT(e, &e->c1, set_version, &sv), -EINVAL);
	ck_assert_int_eq(GRANT(e, &e->c1, get_version, &gv), 0);
	ck_assert_uint_eq(gv.version, 1);
	gv.dom = 0;
	ck_assert_int_eq(GRANT(e, &e->c1, get_version, &gv), -EPERM);
	gv.dom = 9;
	ck_assert_int_eq(GRANT(e, &e->c0, get_version, &gv), -ESRCH);
	ck_assert_int_eq(GRANT(e, &e->c1, get_status_frames, &sf), 0);
	ck_assert_int_eq(sf.status, 0);
	sf.nr_frames = 1;
	ck_assert_int_eq(GRANT(e, &e->c1, get_status_frames, &sf), 0);
	ck_assert_int_eq(sf.status, GNTST_general_error);
	ck_assert_int_eq(GRANT(e, &e->c1, swap_grant_ref, &sw), 0);
	ck_assert_int_eq(sw.status, 0);
	sw.ref_a = 1u << 30;
	ck_assert_int_eq(GRANT(e, &e->c1, swap_grant_ref, &sw), 0);
	ck_assert_int_eq(sw.status, GNTST_bad_gntref);
	ck_assert_int_eq(GRANT(e, &e->c1, transfer, &t), 0);
	ck_assert_int_eq(t.status, GNTST_bad_page);
	ck_assert_int_eq(
		call(&e->c1, __HYPERVISOR_grant_table_op, 13, 0, 1, NULL),
		-ENOSYS);
	ck_assert_int_eq(call(&e->c1, __HYPERVISOR_grant_table_op,
				 GNTTABOP_copy, 0, 1ull << 31, NULL),
		-EINVAL);
	ck_assert_int_eq(call(&e->c1, __HYPERVISOR_grant_table_op,
				 GNTTABOP_copy, ~0ull - 8, 1, NULL),
		-EFAULT);
	env_end(e);
}
END_TEST

/* XSA-318: each operation's status is written, whatever the batch says. */
START_TEST(test_copy_batch)
{
	for (uint32_t budget = 1; budget < 12; budget += 5) {
		struct env *e = env_new();
		struct gnttab_copy c[10];
		uint32_t ref;

		ck_assert_int_eq(hv_gnt_alloc(e->dom0, 1, 2, false, &ref), 0);
		memset(host_page(e->dom0, 2), 'g', HV_PAGE_SIZE);
		for (int i = 0; i < 10; i++) {
			c[i] = (struct gnttab_copy){.len = 8,
				.flags = GNTCOPY_source_gref,
				.status = 77};
			c[i].source.u.ref = i == 4 ? 999 : ref;
			c[i].source.domid = 0;
			c[i].dest.u.gmfn = (xen_pfn_t)(i % 4);
			c[i].dest.domid = DOMID_SELF;
			c[i].dest.offset = (uint16_t)(i * 16);
		}
		e->c1.budget = budget;
		ck_assert_int_eq(
			grant(e, &e->c1, GNTTABOP_copy, c, sizeof(c), 10), 0);
		for (int i = 0; i < 10; i++) {
			ck_assert_int_eq(c[i].status,
				i == 4 ? GNTST_bad_gntref : GNTST_okay);
			ck_assert_uint_eq(
				host_page(e->d, (uint64_t)(i % 4))[i * 16],
				i == 4 ? 0 : 'g');
		}
		/* the other way */
		c[0].flags = GNTCOPY_dest_gref;
		c[0].source.u.gmfn = 1;
		c[0].source.domid = DOMID_SELF;
		c[0].dest.u.ref = ref;
		c[0].dest.domid = 0;
		ck_assert_int_eq(
			grant(e, &e->c1, GNTTABOP_copy, c, sizeof(c[0]), 1), 0);
		ck_assert_int_eq(c[0].status, GNTST_okay);
		ck_assert_uint_eq(host_page(e->dom0, 2)[0], 0);
		env_end(e);
	}
}
END_TEST

START_TEST(test_cache_flush)
{
	struct env *e = env_new();
	struct gnttab_cache_flush f = {
		.op = GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_SOURCE_GREF,
		.length = 4096};
	struct hv_gnt_map m = {.domid = 0, .flags = GNTMAP_device_map};

	ck_assert_int_eq(GRANT(e, &e->c1, cache_flush, &f), 0);
	f.a.ref = 1u << 20;
	ck_assert_int_eq(GRANT(e, &e->c1, cache_flush, &f), -EINVAL);
	f.a.ref = 0;
	f.offset = 1;
	ck_assert_int_eq(GRANT(e, &e->c1, cache_flush, &f), -EINVAL);
	f.offset = 4096;
	f.length = 0;
	ck_assert_int_eq(GRANT(e, &e->c1, cache_flush, &f), -EINVAL);
	f.offset = 0;
	f.op = 4;
	ck_assert_int_eq(GRANT(e, &e->c1, cache_flush, &f), -EINVAL);
	/* by address: only what is mapped for a device of the caller */
	f.op = GNTTAB_CACHE_INVAL;
	for (uint64_t a = 0; a < 0x3000; a += 0x800) {
		f.a.dev_bus_addr = a;
		ck_assert_int_eq(GRANT(e, &e->c1, cache_flush, &f), -EINVAL);
	}
	ck_assert_int_eq(
		hv_gnt_alloc(e->dom0, 1, host_share(e->dom0, 1), false, &m.ref),
		0);
	hv_gnt_map(e->d, &m);
	ck_assert_int_eq(m.status, GNTST_okay);
	f.a.dev_bus_addr = m.dev_addr;
	ck_assert_int_eq(GRANT(e, &e->c1, cache_flush, &f), 0);
	env_end(e);
}
END_TEST

BH_CHECK_MAIN("hc_guest", 60, BH_TEST(test_populate),
	BH_TEST(test_populate_partial), BH_TEST(test_reservation_refused),
	BH_TEST(test_increase), BH_TEST(test_decrease_restarts),
	BH_TEST(test_amounts), BH_TEST(test_memory_map),
	BH_TEST(test_add_to_physmap), BH_TEST(test_add_batch),
	BH_TEST(test_resource), BH_TEST(test_event_channel_op),
	BH_TEST(test_grant_table_op), BH_TEST(test_copy_batch),
	BH_TEST(test_cache_flush))
