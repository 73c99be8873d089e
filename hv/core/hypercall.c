/* SPDX-License-Identifier: MIT */
/*
 * hypercall.c: the way in, multicalls and continuations.
 *
 * DOC: continuations
 *
 * A call that runs out of budget keeps its operation, arguments and place in
 * struct hv_call and is entered again.  Lists in guest memory are read one
 * element at a time, each once; what a continued call reads anew it also
 * checks anew.  A multicall keeps the entry it has fetched: what the guest
 * writes there meanwhile does not matter any more.
 */
#include "hv/core/hc.h"

static int64_t (*const table[])(struct hc *) = {
	[__HYPERVISOR_mmu_update] = hc_mmu_update,
	[__HYPERVISOR_set_gdt] = hc_set_gdt,
	[__HYPERVISOR_update_va_mapping] = hc_update_va_mapping,
	[__HYPERVISOR_iret] = hc_iret,
	[__HYPERVISOR_mmuext_op] = hc_mmuext_op,
	[__HYPERVISOR_memory_op] = hc_memory_op,
	[__HYPERVISOR_xen_version] = hc_xen_version,
	[__HYPERVISOR_grant_table_op] = hc_grant_table_op,
	[__HYPERVISOR_vcpu_op] = hc_vcpu_op,
	[__HYPERVISOR_sched_op] = hc_sched_op,
	[__HYPERVISOR_event_channel_op] = hc_event_channel_op,
	[__HYPERVISOR_hvm_op] = hc_hvm_op,
	[__HYPERVISOR_sysctl] = hc_sysctl,
	[__HYPERVISOR_domctl] = hc_domctl,
};

/* Anything that is not offered, xsm_op among it, is -ENOSYS. */
static int64_t call_one(struct hv_call *c, uint32_t *budget)
{
	struct hc h = {.c = c,
		.dom = c->dom,
		.hv = c->dom->hv,
		.budget = budget,
		.arg = c->arg};

	if (c->op >= sizeof(table) / sizeof(table[0]) || !table[c->op])
		return -ENOSYS;
	return table[c->op](&h);
}

static int multi_fetch(struct hv_call *c)
{
	struct multicall_entry e;
	uint64_t addr;

	if (!hc_elem(c->multi_list, c->multi_next, sizeof(e), &addr) ||
		c->mem->read(c->mem, &e, addr, sizeof(e)))
		return -EFAULT;
	/* an op that does not fit must not become one that does */
	c->op = e.op > UINT32_MAX ? UINT32_MAX : (unsigned int)e.op;
	memcpy(c->arg, e.args, sizeof(c->arg));
	c->progress = 0;
	memset(c->state, 0, sizeof(c->state));
	c->fetched = true;
	return 0;
}

static int multi_result(struct hv_call *c, int64_t result)
{
	uint64_t addr;

	if (!hc_elem(c->multi_list, c->multi_next,
		    sizeof(struct multicall_entry), &addr))
		return -EFAULT;
	addr += offsetof(struct multicall_entry, result);
	return c->mem->write(c->mem, addr, &result, sizeof(result));
}

/* Nothing runs behind the caller's own shutdown, or its way to user mode. */
static bool multi_goes_on(const struct hv_call *c)
{
	const struct hv_dom *d = c->dom;

	if (d->shut || d->life != LIFE_ALIVE)
		return false;
	return !d->pv || pv_after(&d->pv->cpu, c->op == __HYPERVISOR_iret) ==
				 PV_CALL_CONTINUE;
}

static int64_t multi_run(struct hv_call *c, uint32_t *budget)
{
	int64_t result;
	int r;

	while (c->multi_next < c->multi_nr) {
		if (!c->fetched) {
			if (hv_preempt(budget))
				return -ERESTART;
			r = multi_fetch(c);
			if (r)
				return r;
		}
		/* one level of batches is enough */
		result = c->op == __HYPERVISOR_multicall ? -EINVAL
							 : call_one(c, budget);
		if (result == -ERESTART)
			return result;
		c->fetched = false;
		r = multi_result(c, result);
		if (r)
			return r;
		c->multi_next++;
		if (!multi_goes_on(c))
			break;
	}
	return 0;
}

static int64_t run(struct hv_call *c)
{
	/* in the call: the host may take of it for what it is asked to do */
	uint32_t *budget = &c->budget, given = c->budget;
	int64_t r;

	if (c->dom->life != LIFE_ALIVE) {
		hv_hypercall_abort(c);
		return -ESRCH;
	}
	/* another session's iret does not take a call's rights half-way */
	dom_pv_trap(c->dom);
	if (*budget == 0)
		*budget = 1;
	r = c->in_multicall ? multi_run(c, budget) : call_one(c, budget);
	c->budget = given;
	c->pending = r == -ERESTART;
	if (!c->pending)
		c->in_multicall = c->fetched = false;
	return r;
}

int64_t hv_hypercall(struct hv_call *c, unsigned int op, const uint64_t arg[6])
{
	if (c->pending)
		return -EINVAL;
	c->hv = c->dom->hv;
	c->op = op;
	memcpy(c->arg, arg, sizeof(c->arg));
	c->progress = 0;
	memset(c->state, 0, sizeof(c->state));
	c->in_multicall = op == __HYPERVISOR_multicall;
	c->fetched = false;
	if (c->in_multicall) {
		c->multi_list = arg[0];
		c->multi_nr = (uint32_t)arg[1];
		c->multi_next = 0;
	}
	return run(c);
}

int64_t hv_hypercall_continue(struct hv_call *c)
{
	if (!c->pending)
		return -EINVAL;
	return run(c);
}

void hv_hypercall_abort(struct hv_call *c)
{
	if (c->pending && c->op == __HYPERVISOR_event_channel_op)
		hc_event_channel_abort(c);
	c->pending = false;
	c->in_multicall = c->fetched = false;
}
