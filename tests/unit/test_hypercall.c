/* SPDX-License-Identifier: MIT */
/*
 * test_hypercall.c - the way in: continuations, multicalls, small calls
 */
#include "tests/unit/hv_call.h"

#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>

START_TEST(test_unknown)
{
	struct env *e = env_new();

	for (unsigned int op = 0; op < 100; op++) {
		int64_t r = call(&e->c1, op, ~0ull, ~0ull, ~0ull, NULL);

		ck_assert_int_lt(r, 0);
	}
	ck_assert_int_eq(
		call(&e->c0, __HYPERVISOR_xsm_op, 0, 0, 0, NULL), -ENOSYS);
	ck_assert_int_eq(call(&e->c0, ~0u, 0, 0, 0, NULL), -ENOSYS);
	ck_assert_int_eq(hv_hypercall_continue(&e->c0), -EINVAL);
	env_end(e);
}
END_TEST

START_TEST(test_interface_version)
{
	struct xen_domctl *op;
	struct xen_sysctl *sys;
	struct env *e = env_new();

	op = at(e, 0);
	op->cmd = XEN_DOMCTL_getdomaininfo;
	op->interface_version = XEN_DOMCTL_INTERFACE_VERSION + 1;
	ck_assert_int_eq(
		call(&e->c0, __HYPERVISOR_domctl, 0, 0, 0, NULL), -EACCES);
	sys = at(e, 0);
	sys->cmd = XEN_SYSCTL_physinfo;
	sys->interface_version = XEN_SYSCTL_INTERFACE_VERSION - 1;
	ck_assert_int_eq(
		call(&e->c0, __HYPERVISOR_sysctl, 0, 0, 0, NULL), -EACCES);
	ck_assert_int_eq(call(&e->c0, __HYPERVISOR_sysctl, sizeof(e->g.bytes),
				 0, 0, NULL),
		-EFAULT);
	ck_assert_int_eq(call(&e->c0, __HYPERVISOR_domctl, sizeof(e->g.bytes),
				 0, 0, NULL),
		-EFAULT);
	env_end(e);
}
END_TEST

/* ---- multicall ------------------------------------------------------------ */

enum { LIST = 0x1000, POISON = 0x77 };

static struct multicall_entry *entry(struct env *e, int i)
{
	return (struct multicall_entry *)at(e, LIST) + i;
}

static void multi_set(struct env *e, int i, uint64_t op, uint64_t a, uint64_t b)
{
	*entry(e, i) = (struct multicall_entry){
		.op = op, .result = POISON, .args = {a, b}};
}

START_TEST(test_multicall)
{
	struct env *e = env_new();
	unsigned int restarts;

	multi_set(e, 0, __HYPERVISOR_xen_version, XENVER_pagesize, 0);
	multi_set(e, 1, __HYPERVISOR_xsm_op, 0, 0);
	multi_set(e, 2, __HYPERVISOR_multicall, LIST, 1);
	multi_set(e, 3, 1ull << 32 | __HYPERVISOR_xen_version, 0, 0);
	multi_set(e, 4, __HYPERVISOR_xen_version, XENVER_version, 0);
	multi_set(e, 5, __HYPERVISOR_xen_version, XENVER_version, 0);
	for (uint32_t budget = 1; budget < 8; budget++) {
		for (int i = 0; i < 6; i++)
			entry(e, i)->result = POISON;
		e->c1.budget = budget;
		ck_assert_int_eq(call(&e->c1, __HYPERVISOR_multicall, LIST, 5,
					 0, &restarts),
			0);
		ck_assert_int_eq(restarts, (5 - 1) / budget);
		ck_assert_int_eq((int64_t)entry(e, 0)->result, 4096);
		ck_assert_int_eq((int64_t)entry(e, 1)->result, -ENOSYS);
		/* T213c */
		ck_assert_int_eq((int64_t)entry(e, 2)->result, -EINVAL);
		ck_assert_int_eq((int64_t)entry(e, 3)->result, -ENOSYS);
		ck_assert_int_eq((int64_t)entry(e, 4)->result, 4 << 16 | 17);
		ck_assert_int_eq((int64_t)entry(e, 5)->result, POISON);
	}
	/* an empty one, and lists that are not there */
	ck_assert_int_eq(
		call(&e->c1, __HYPERVISOR_multicall, ~0ull, 0, 0, NULL), 0);
	ck_assert_int_eq(
		call(&e->c1, __HYPERVISOR_multicall, ~0ull, 2, 0, NULL),
		-EFAULT);
	ck_assert_int_eq(
		call(&e->c1, __HYPERVISOR_multicall,
			sizeof(e->g.bytes) - sizeof(struct multicall_entry), 2,
			0, NULL),
		-EFAULT);
	ck_assert(!hv_call_pending(&e->c1));
	env_end(e);
}
END_TEST

/* T213d: nothing runs behind the caller's own shutdown. */
START_TEST(test_multicall_shutdown)
{
	struct env *e = env_new();
	struct sched_shutdown *s = at(e, ARGS);

	s->reason = SHUTDOWN_crash;
	multi_set(e, 0, __HYPERVISOR_sched_op, SCHEDOP_shutdown, ARGS);
	multi_set(e, 1, __HYPERVISOR_xen_version, XENVER_version, 0);
	ck_assert_int_eq(
		call(&e->c1, __HYPERVISOR_multicall, LIST, 2, 0, NULL), 0);
	ck_assert_int_eq((int64_t)entry(e, 0)->result, 0);
	ck_assert_int_eq((int64_t)entry(e, 1)->result, POISON);
	ck_assert_uint_eq(e->h.events[HV_DOM_SHUTDOWN], 1);
	env_end(e);
}
END_TEST

/* T213b: an entry that was fetched and did not finish is not read again. */
START_TEST(test_multicall_fetched_once)
{
	struct env *e = env_new();
	uint64_t arg[6] = {LIST, 2};
	struct evtchn_reset *r = at(e, ARGS);
	uint32_t port;

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(
			hv_evtchn_alloc_unbound(e->d, DOMID_SELF, 0, &port), 0);
	r->dom = DOMID_SELF;
	multi_set(e, 0, __HYPERVISOR_event_channel_op, EVTCHNOP_reset, ARGS);
	multi_set(e, 1, __HYPERVISOR_xen_version, XENVER_pagesize, 0);
	e->c1.budget = 1;
	ck_assert_int_eq(
		hv_hypercall(&e->c1, __HYPERVISOR_multicall, arg), -ERESTART);
	ck_assert(hv_call_pending(&e->c1));
	multi_set(e, 0, __HYPERVISOR_xen_version, XENVER_version, 0);
	r->dom = 99;
	/* not another call meanwhile */
	ck_assert_int_eq(
		hv_hypercall(&e->c1, __HYPERVISOR_multicall, arg), -EINVAL);
	while (hv_hypercall_continue(&e->c1) == -ERESTART)
		;
	ck_assert_int_eq((int64_t)entry(e, 0)->result, 0);
	ck_assert_int_eq((int64_t)entry(e, 1)->result, 4096);
	ck_assert_int_eq(hv_evtchn_close(e->d, port), -EINVAL);
	env_end(e);
}
END_TEST

/* ---- continuations ---------------------------------------------------------- */

/* XSA-344: a session that ends in a reset does not block the next one. */
START_TEST(test_abort_reset)
{
	struct env *e = env_new();
	struct hv_call second = e->c1;
	uint64_t arg[6] = {EVTCHNOP_reset, ARGS};
	struct evtchn_reset *r = at(e, ARGS);
	uint32_t port;

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(
			hv_evtchn_alloc_unbound(e->d, DOMID_SELF, 0, &port), 0);
	r->dom = DOMID_SELF;
	e->c1.budget = 1;
	ck_assert_int_eq(
		hv_hypercall(&e->c1, __HYPERVISOR_event_channel_op, arg),
		-ERESTART);
	ck_assert_int_eq(
		hv_hypercall(&second, __HYPERVISOR_event_channel_op, arg),
		-EBUSY);
	hv_hypercall_abort(&e->c1);
	ck_assert(!hv_call_pending(&e->c1));
	ck_assert_int_eq(
		hv_hypercall(&second, __HYPERVISOR_event_channel_op, arg), 0);
	hv_hypercall_abort(&e->c1);
	env_end(e);
}
END_TEST

/* The caller dies between two steps. */
START_TEST(test_dying_caller)
{
	struct env *e = env_new();
	uint64_t arg[6] = {EVTCHNOP_reset, ARGS};
	struct evtchn_reset *r = at(e, ARGS);
	uint32_t port, budget = 1;

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(
			hv_evtchn_alloc_unbound(e->d, DOMID_SELF, 0, &port), 0);
	r->dom = DOMID_SELF;
	e->c1.budget = 1;
	ck_assert_int_eq(
		hv_hypercall(&e->c1, __HYPERVISOR_event_channel_op, arg),
		-ERESTART);
	ck_assert_int_eq(hv_dom_destroy(e->d, &budget), -ERESTART);
	ck_assert_int_eq(hv_hypercall_continue(&e->c1), -ESRCH);
	ck_assert(!hv_call_pending(&e->c1));
	ck_assert_int_eq(
		hv_hypercall(&e->c1, __HYPERVISOR_xen_version, arg), -ESRCH);
	env_end(e);
}
END_TEST

/* A destruction is about whom it began with, whatever is written later. */
START_TEST(test_destroy)
{
	struct env *e = env_new();
	struct xen_domctl *op = at(e, 0);
	uint64_t arg[6] = {0};
	struct hv_dom *other = host_dom(&e->h, 2, 0);
	int64_t r;

	op->cmd = XEN_DOMCTL_destroydomain;
	op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	op->domain = 1;
	e->c0.budget = 1;
	r = hv_hypercall(&e->c0, __HYPERVISOR_domctl, arg);
	ck_assert_int_eq(r, -ERESTART);
	op->domain = 2;
	while (r == -ERESTART)
		r = hv_hypercall_continue(&e->c0);
	ck_assert_int_eq(r, 0);
	ck_assert_ptr_null(hv_dom_find(e->h.hv, 1));
	ck_assert(!hv_dom_is_dying(other));
	/* somebody else finished it meanwhile */
	r = hv_hypercall(&e->c0, __HYPERVISOR_domctl, arg);
	if (r == -ERESTART) {
		host_kill(other);
		host_dom(&e->h, 2, 0);
		r = hv_hypercall_continue(&e->c0);
	}
	ck_assert_int_eq(r, 0);
	op->domain = 0;
	ck_assert_int_eq(
		hv_hypercall(&e->c0, __HYPERVISOR_domctl, arg), -EINVAL);
	op->domain = 7;
	ck_assert_int_eq(
		hv_hypercall(&e->c0, __HYPERVISOR_domctl, arg), -ESRCH);
	env_end(e);
}
END_TEST

/* ---- the small ones ------------------------------------------------------------- */

START_TEST(test_version)
{
	struct env *e = env_new();
	struct xen_feature_info *f = at(e, 0);

	for (unsigned int sub = 0; sub <= 10; sub++) {
		memset(f, 0, sizeof(*f));
		if (sub != XENVER_build_id)
			ck_assert_int_ge(call(&e->c0, __HYPERVISOR_xen_version,
						 sub, 0, 0, NULL),
				0);
	}
	ck_assert_int_eq(call(&e->c0, __HYPERVISOR_xen_version, XENVER_build_id,
				 0, 0, NULL),
		-ENODATA);
	ck_assert_int_eq(call(&e->c1, __HYPERVISOR_xen_version, XENVER_build_id,
				 0, 0, NULL),
		-EPERM);
	ck_assert_int_eq(call(&e->c1, __HYPERVISOR_xen_version,
				 XENVER_commandline, 0, 0, NULL),
		0);
	ck_assert_str_eq(at(e, 0), "<denied>");
	ck_assert_int_eq(call(&e->c1, __HYPERVISOR_xen_version, 11, 0, 0, NULL),
		-ENOSYS);
	ck_assert_int_eq(call(&e->c1, __HYPERVISOR_xen_version,
				 XENVER_capabilities, 65000, 0, NULL),
		-EFAULT);
	f->submap_idx = 7;
	ck_assert_int_eq(call(&e->c1, __HYPERVISOR_xen_version,
				 XENVER_get_features, 0, 0, NULL),
		0);
	ck_assert_uint_eq(f->submap, 0);
	env_end(e);
}
END_TEST

START_TEST(test_sched)
{
	struct env *e = env_new();
	struct sched_remote_shutdown *rs = at(e, 0);
	struct sched_poll *p = at(e, 0);
	struct sched_shutdown *s = at(e, 0);
	uint32_t *port = at(e, ARGS);

	ck_assert_int_eq(
		call(&e->c1, __HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, NULL),
		0);
	/* XSA-221: nobody sleeps for a port that cannot wake him */
	p->ports.p = (void *)ARGS;
	p->nr_ports = 1;
	*port = 5;
	ck_assert_int_eq(
		call(&e->c1, __HYPERVISOR_sched_op, SCHEDOP_poll, 0, 0, NULL),
		-EINVAL);
	*port = 1u << 31;
	ck_assert_int_eq(
		call(&e->c1, __HYPERVISOR_sched_op, SCHEDOP_poll, 0, 0, NULL),
		-EINVAL);
	ck_assert_int_eq(hv_evtchn_bind_ipi(e->d, 0, port), 0);
	ck_assert_int_eq(
		call(&e->c1, __HYPERVISOR_sched_op, SCHEDOP_poll, 0, 0, NULL),
		0);
	p->nr_ports = 129;
	ck_assert_int_eq(
		call(&e->c1, __HYPERVISOR_sched_op, SCHEDOP_poll, 0, 0, NULL),
		-EINVAL);
	memset(p, 0, sizeof(*p));
	rs->domain_id = 0;
	rs->reason = SHUTDOWN_crash;
	ck_assert_int_eq(call(&e->c1, __HYPERVISOR_sched_op,
				 SCHEDOP_remote_shutdown, 0, 0, NULL),
		-EPERM);
	rs->domain_id = 1;
	ck_assert_int_eq(call(&e->c0, __HYPERVISOR_sched_op,
				 SCHEDOP_remote_shutdown, 0, 0, NULL),
		0);
	ck_assert_uint_eq(e->h.events[HV_DOM_SHUTDOWN], 1);
	rs->domain_id = 9;
	ck_assert_int_eq(call(&e->c0, __HYPERVISOR_sched_op,
				 SCHEDOP_remote_shutdown, 0, 0, NULL),
		-ESRCH);
	s->reason = 6;
	ck_assert_int_eq(call(&e->c0, __HYPERVISOR_sched_op, SCHEDOP_shutdown,
				 0, 0, NULL),
		-EINVAL);
	ck_assert_int_eq(
		call(&e->c0, __HYPERVISOR_sched_op, 99, 0, 0, NULL), -ENOSYS);
	env_end(e);
}
END_TEST

START_TEST(test_param)
{
	struct env *e = env_new();
	struct xen_hvm_param *p = at(e, 0);

	*p = (struct xen_hvm_param){.domid = 1, .index = 1, .value = 77};
	ck_assert_int_eq(
		call(&e->c0, __HYPERVISOR_hvm_op, HVMOP_set_param, 0, 0, NULL),
		0);
	*p = (struct xen_hvm_param){.domid = DOMID_SELF, .index = 1};
	ck_assert_int_eq(
		call(&e->c1, __HYPERVISOR_hvm_op, HVMOP_get_param, 0, 0, NULL),
		0);
	ck_assert_uint_eq(p->value, 77);
	ck_assert_int_eq(
		call(&e->c1, __HYPERVISOR_hvm_op, HVMOP_set_param, 0, 0, NULL),
		-EPERM);
	p->index = HVM_PARAM_CALLBACK_IRQ;
	ck_assert_int_eq(
		call(&e->c1, __HYPERVISOR_hvm_op, HVMOP_set_param, 0, 0, NULL),
		0);
	p->domid = 0;
	ck_assert_int_eq(
		call(&e->c1, __HYPERVISOR_hvm_op, HVMOP_get_param, 0, 0, NULL),
		-EPERM);
	p->domid = 9;
	ck_assert_int_eq(
		call(&e->c0, __HYPERVISOR_hvm_op, HVMOP_get_param, 0, 0, NULL),
		-ESRCH);
	p->domid = 1;
	p->index = HVM_NR_PARAMS;
	ck_assert_int_eq(
		call(&e->c0, __HYPERVISOR_hvm_op, HVMOP_get_param, 0, 0, NULL),
		-EINVAL);
	ck_assert_int_eq(
		call(&e->c0, __HYPERVISOR_hvm_op, 77, 0, 0, NULL), -ENOSYS);
	ck_assert_int_eq(
		call(&e->c1, __HYPERVISOR_vcpu_op, VCPUOP_is_up, 0, 0, NULL),
		1);
	ck_assert_int_eq(
		call(&e->c1, __HYPERVISOR_vcpu_op, VCPUOP_is_up, 1, 0, NULL),
		-ENOENT);
	ck_assert_int_eq(
		call(&e->c1, __HYPERVISOR_vcpu_op, VCPUOP_up, 0, 0, NULL),
		-ENOSYS);
	env_end(e);
}
END_TEST

BH_CHECK_MAIN("hypercall", 60, BH_TEST(test_unknown),
	BH_TEST(test_interface_version), BH_TEST(test_multicall),
	BH_TEST(test_multicall_shutdown), BH_TEST(test_multicall_fetched_once),
	BH_TEST(test_abort_reset), BH_TEST(test_dying_caller),
	BH_TEST(test_destroy), BH_TEST(test_version), BH_TEST(test_sched),
	BH_TEST(test_param))
