/* SPDX-License-Identifier: MIT */
/*
 * hv_call.h - domain 0 and domain 1 with a hypercall each, for tests
 */
#ifndef TESTS_UNIT_HV_CALL_H
#define TESTS_UNIT_HV_CALL_H

#include "tests/unit/bh_check.h"
#include "tests/unit/hv_host.h"

#include <errno.h>
#include <stdlib.h>
#include <xen/domctl.h>
#include <xen/sysctl.h>

enum { ARGS = 0x2000 }; /* where a test puts what is pointed to */

struct env {
	struct test_host h;
	struct test_gmem g;
	struct hv_dom *dom0, *d;
	struct hv_call c0, c1;
};

static inline struct env *env_new(void)
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

static inline void env_end(struct env *e)
{
	host_end(&e->h);
	free(e);
}

/* Run to the end; counts how often it was continued. */
static inline int64_t call(struct hv_call *c, unsigned int op, uint64_t a,
	uint64_t b, uint64_t x, unsigned int *restarts)
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

static inline void *at(struct env *e, size_t addr)
{
	return e->g.bytes + addr;
}

static inline int64_t domctl(struct env *e, struct hv_call *c,
	struct xen_domctl *op, uint32_t cmd, domid_t domid)
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

static inline int64_t sysctl(
	struct env *e, struct hv_call *c, struct xen_sysctl *op, uint32_t cmd)
{
	int64_t r;

	op->cmd = cmd;
	op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	memcpy(at(e, 0), op, sizeof(*op));
	r = call(c, __HYPERVISOR_sysctl, 0, 0, 0, NULL);
	memcpy(op, at(e, 0), sizeof(*op));
	return r;
}

#endif
