/* SPDX-License-Identifier: MIT */
/*
 * test_hypercall.c - the way in: continuations, multicalls, rights
 */
#include "tests/unit/hv_host.h"

#include "tests/unit/bh_check.h"

#include <errno.h>
#include <xen/domctl.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/version.h>

struct env {
	struct test_host h;
	struct test_gmem g;
	struct hv_dom *dom0, *d;
	struct hv_call c0, c1;
};

static struct env *env_new(void)
{
	struct env *e = calloc(1, sizeof(*e));

	ck_assert_ptr_nonnull(e);
	ck_assert(host_init(&e->h, NULL));
	host_gmem_init(&e->g);
	e->dom0 = host_dom(&e->h, 0, 4);
	e->d = host_dom(&e->h, 1, 4);
	e->c0 = (struct hv_call){.dom = e->dom0, .mem = &e->g.m, .budget = 64};
	e->c1 = (struct hv_call){.dom = e->d, .mem = &e->g.m, .budget = 64};
	return e;
}

static void env_end(struct env *e)
{
	host_end(&e->h);
	free(e);
}

/* Run to the end; counts how often it was continued. */
static int64_t call(struct hv_call *c, unsigned int op, uint64_t a, uint64_t b,
	uint64_t x, unsigned int *restarts)
{
	uint64_t arg[6] = {a, b, x};
	unsigned int n = 0;
	int64_t r;

	r = hv_hypercall(c, op, arg);
	while (r == -ERESTART) {
		n++;
		r = hv_hypercall_continue(c);
	}
	if (restarts)
		*restarts = n;
	return r;
}

static void *at(struct env *e, size_t addr)
{
	return e->g.bytes + addr;
}

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

static int64_t domctl(struct env *e, struct hv_call *c, struct xen_domctl *op,
	uint32_t cmd, domid_t domid)
{
	int64_t r;

	op->cmd = cmd;
	op->domain = domid;
	op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	memcpy(at(e, 0), op, sizeof(*op));
	r = call(c, __HYPERVISOR_domctl, 0, 0, 0, NULL);
	memcpy(op, at(e, 0), sizeof(*op));
	return r;
}

START_TEST(test_getdomaininfo)
{
	struct env *e = env_new();
	struct xen_domctl op = {0};

	host_dom(&e->h, 5, 0);
	ck_assert_int_eq(
		domctl(e, &e->c0, &op, XEN_DOMCTL_getdomaininfo, 1), 0);
	ck_assert_uint_eq(op.domain, 1);
	ck_assert_uint_eq(op.u.getdomaininfo.tot_pages, 4);
	/* the next one answers for one that is missing, and says so */
	ck_assert_int_eq(
		domctl(e, &e->c0, &op, XEN_DOMCTL_getdomaininfo, 2), 0);
	ck_assert_uint_eq(op.domain, 5);
	ck_assert_uint_eq(op.u.getdomaininfo.domain, 5);
	ck_assert_int_eq(
		domctl(e, &e->c0, &op, XEN_DOMCTL_getdomaininfo, 6), -ESRCH);
	ck_assert_int_eq(domctl(e, &e->c0, &op, XEN_DOMCTL_getdomaininfo,
				 DOMID_FIRST_RESERVED),
		-EINVAL);
	/* a guest is told nothing */
	ck_assert_int_eq(
		domctl(e, &e->c1, &op, XEN_DOMCTL_getdomaininfo, 1), -EPERM);
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

BH_CHECK_MAIN("hypercall", 60, BH_TEST(test_unknown),
	BH_TEST(test_getdomaininfo), BH_TEST(test_interface_version))
