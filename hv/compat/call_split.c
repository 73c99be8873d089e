/* SPDX-License-Identifier: MIT */
/*
 * call_split.c: hypercalls whose lists are longer than a message.
 *
 * DOC: parts
 *
 * Xen takes lists of any length and works them off with continuations.  The
 * calls that tools make with long ones are taken apart here, each at the
 * place where Xen itself would be interrupted, so that the result is the
 * same: reservations answer how many extents were done, a batch stops at the
 * first call that fails, a list of domains goes on behind the last one,
 * changes of page tables say how many were made.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#define __XEN_TOOLS__ 1
#include <xen/xen.h>
#include <xen/domctl.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/sysctl.h>

#include "hv/compat/call.h"
#include "hv/compat/marshal.h"

/* What surely fits: the list and its answer, with all headers. */
#define PART_BYTES   49152u

#define PART_EXTENTS (PART_BYTES / sizeof(xen_pfn_t))
#define PART_DOMAINS (PART_BYTES / sizeof(struct xen_domctl_getdomaininfo))
#define PART_PHYSMAP 2048u

static void *pointer(uint64_t addr)
{
	return (void *)(uintptr_t)addr;
}

static int64_t call_struct(
	struct hv_client *c, unsigned int op, uint64_t cmd, void *s)
{
	const uint64_t arg[5] = {cmd, (uintptr_t)s};

	return call_once(c, op, arg);
}

/*
 * increase, decrease, populate: the result is the number of extents done, an
 * error only if there were none.
 */
static int64_t split_reservation(struct hv_client *c, const uint64_t arg[5])
{
	const struct xen_memory_reservation *all = pointer(arg[1]);
	const unsigned int cmd = arg[0];
	struct xen_memory_reservation part;
	uint64_t done = 0;

	while (done < all->nr_extents) {
		int64_t ret;

		part = *all;
		part.nr_extents = all->nr_extents - done;
		if (part.nr_extents > PART_EXTENTS)
			part.nr_extents = PART_EXTENTS;
		if (part.extent_start.p)
			part.extent_start.p += done;
		ret = call_struct(c, __HYPERVISOR_memory_op, cmd, &part);
		if (ret < 0)
			return done ? (int64_t)done : ret;
		done += ret;
		if ((uint64_t)ret < part.nr_extents)
			break;
	}
	return done;
}

static int64_t split_physmap(struct hv_client *c, const uint64_t arg[5])
{
	const struct xen_add_to_physmap_batch *all = pointer(arg[1]);
	struct xen_add_to_physmap_batch part = *all;
	int64_t ret = 0;

	for (uint32_t done = 0; ret >= 0 && done < all->size;
		done += part.size) {
		part = *all;
		part.size = all->size - done;
		if (part.size > PART_PHYSMAP)
			part.size = PART_PHYSMAP;
		part.idxs.p += done;
		part.gpfns.p += done;
		part.errs.p += done;
		ret = call_struct(c, __HYPERVISOR_memory_op, arg[0], &part);
	}
	return ret;
}

static int64_t call_memory(struct hv_client *c, const uint64_t arg[5])
{
	const struct xen_memory_reservation *r = pointer(arg[1]);
	const struct xen_add_to_physmap_batch *b = pointer(arg[1]);

	if (arg[1] && arg[0] <= XENMEM_populate_physmap &&
		(arg[0] == XENMEM_increase_reservation ||
			arg[0] == XENMEM_decrease_reservation ||
			arg[0] == XENMEM_populate_physmap) &&
		r->nr_extents > PART_EXTENTS)
		return split_reservation(c, arg);
	if (arg[1] && arg[0] == XENMEM_add_to_physmap_batch &&
		b->size > PART_PHYSMAP && b->idxs.p && b->gpfns.p && b->errs.p)
		return split_physmap(c, arg);
	return call_once(c, __HYPERVISOR_memory_op, arg);
}

/* The whole list's count comes back in @all, the last part's state too. */
static int64_t split_domains(struct hv_client *c, struct xen_sysctl *all)
{
	const struct xen_sysctl_getdomaininfolist want =
		all->u.getdomaininfolist;
	struct xen_sysctl part = *all;
	struct xen_sysctl_getdomaininfolist *p = &part.u.getdomaininfolist;
	uint32_t done = 0;
	int64_t ret;

	do {
		p->max_domains = want.max_domains - done;
		if (p->max_domains > PART_DOMAINS)
			p->max_domains = PART_DOMAINS;
		p->buffer.p = want.buffer.p + done;
		ret = call_struct(
			c, __HYPERVISOR_sysctl, (uintptr_t)&part, NULL);
		if (ret < 0)
			return ret;
		if (p->num_domains > p->max_domains)
			return -EIO;
		done += p->num_domains;
		if (p->num_domains < p->max_domains)
			break;
		p->first_domain = want.buffer.p[done - 1].domain + 1;
	} while (done < want.max_domains);
	all->u.getdomaininfolist.num_domains = done;
	return ret;
}

/* A console buffer may be answered in part: ask for what fits. */
static int64_t short_console(struct hv_client *c, struct xen_sysctl *all)
{
	all->u.readconsole.count = PART_BYTES;
	return call_struct(c, __HYPERVISOR_sysctl, (uintptr_t)all, NULL);
}

static int64_t call_sysctl(struct hv_client *c, const uint64_t arg[5])
{
	struct xen_sysctl *s = pointer(arg[0]);

	if (s && s->cmd == XEN_SYSCTL_getdomaininfolist &&
		s->u.getdomaininfolist.buffer.p &&
		s->u.getdomaininfolist.max_domains > PART_DOMAINS)
		return split_domains(c, s);
	if (s && s->cmd == XEN_SYSCTL_readconsole &&
		s->u.readconsole.count > PART_BYTES)
		return short_console(c, s);
	return call_once(c, __HYPERVISOR_sysctl, arg);
}

static int64_t call_gnttab(struct hv_client *c, const uint64_t arg[5])
{
	const struct hc_op *op = marshal_find_op(__HYPERVISOR_grant_table_op);
	const struct hc_row *row = marshal_find_row(op, arg[0]);
	const uint32_t count = arg[2];
	uint64_t part[5] = {arg[0], arg[1], 0};
	uint32_t fit;
	int64_t ret = 0;

	/* one with a pointer in it comes alone, if at all */
	if (!row || !arg[1] || row->ptr[0].unit ||
		count <= PART_BYTES / row->size)
		return call_once(c, __HYPERVISOR_grant_table_op, arg);
	fit = PART_BYTES / row->size;
	for (uint32_t done = 0; ret >= 0 && done < count; done += part[2]) {
		part[1] = arg[1] + (uint64_t)done * row->size;
		part[2] = count - done < fit ? count - done : fit;
		ret = call_once(c, __HYPERVISOR_grant_table_op, part);
	}
	return ret;
}

/*
 * mmu_update, mmuext_op: the number done is told whatever the end is, unless
 * hvd has not begun.
 */
static int64_t split_mmu(struct hv_client *c, unsigned int op,
	const uint64_t arg[5], uint32_t size, uint32_t fit)
{
	const uint32_t count = (uint32_t)arg[1], untold = ~0u;
	uint32_t total = 0, done, n;
	bool told = false;
	int64_t ret;

	do {
		n = count - total < fit ? count - total : fit;
		done = untold;
		ret = call_once(c, op,
			(uint64_t[5]){arg[0] + (uint64_t)total * size, n,
				(uintptr_t)&done, arg[3]});
		/* what the requests point at is too much */
		if (ret == -E2BIG && n > 1) {
			fit = n / 2;
			ret = 0;
			continue;
		}
		if (done == untold ? ret == 0 : done > n || (!ret && done < n))
			return -EIO;
		told |= done != untold;
		total += done == untold ? 0 : done;
	} while (ret == 0 && total < count);
	if (told && arg[2])
		*(uint32_t *)pointer(arg[2]) = total;
	return ret;
}

static int64_t call_mmu(
	struct hv_client *c, unsigned int op, const uint64_t arg[5])
{
	const struct hc_op *o = marshal_find_op(op);
	const uint32_t count = (uint32_t)arg[1];
	const uint32_t fit = PART_BYTES / o->row[0].size;
	int64_t ret = count > fit ? -E2BIG : call_once(c, op, arg);

	if (ret != -E2BIG || count < 2 || !arg[0])
		return ret;
	return split_mmu(c, op, arg, o->row[0].size, fit);
}

/* Nothing of a batch is made behind these, if they succeed. */
static bool multi_ends(const struct multicall_entry *e)
{
	return e->op == __HYPERVISOR_iret ||
	       (e->op == __HYPERVISOR_sched_op &&
		       e->args[0] == SCHEDOP_shutdown);
}

/* The first of @n entries that ends the batch is the last of the part. */
static uint32_t multi_part(const struct multicall_entry *e, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (multi_ends(&e[i]))
			return i + 1;
	return n;
}

/* A shutdown can be refused; iret ends it whatever it says, where there is
 * one. */
static bool multi_ended(const struct multicall_entry *e)
{
	if (e->op == __HYPERVISOR_iret)
		return (int64_t)e->result != -ENOSYS;
	return multi_ends(e) && e->result == 0;
}

/* One that is too large for a batch, or any message. */
static void multi_alone(struct hv_client *c, struct multicall_entry *e)
{
	uint64_t arg[5];

	for (int i = 0; i < 5; i++)
		arg[i] = e->args[i];
	e->result =
		(xen_ulong_t)(e->op > UINT32_MAX ? -ENOSYS
						 : call_split(c, e->op, arg));
}

static int64_t call_multi(struct hv_client *c, const uint64_t arg[5])
{
	struct multicall_entry *e = pointer(arg[0]);
	uint32_t nr = (uint32_t)arg[1], fit = nr, n;
	int64_t ret = call_once(c, __HYPERVISOR_multicall, arg);

	if (ret != -E2BIG)
		return ret;
	for (; nr > 0; e += n, nr -= n) {
		n = multi_part(e, nr < fit ? nr : fit);
		ret = call_once(c, __HYPERVISOR_multicall,
			(uint64_t[5]){(uintptr_t)e, n});
		if (ret == -E2BIG && n > 1) {
			fit = n / 2;
			n = 0;
			continue;
		}
		if (ret == -E2BIG)
			multi_alone(c, e);
		else if (ret < 0)
			return ret;
		if (multi_ended(&e[n - 1]))
			break;
		/* it was one large entry, perhaps */
		fit = n < nr / 2 ? n * 2 : nr;
	}
	return 0;
}

int64_t call_split(struct hv_client *c, unsigned int op, const uint64_t arg[5])
{
	switch (op) {
	case __HYPERVISOR_mmu_update:
	case __HYPERVISOR_mmuext_op: return call_mmu(c, op, arg);
	case __HYPERVISOR_multicall: return call_multi(c, arg);
	case __HYPERVISOR_memory_op: return call_memory(c, arg);
	case __HYPERVISOR_sysctl: return call_sysctl(c, arg);
	case __HYPERVISOR_grant_table_op: return call_gnttab(c, arg);
	}
	return call_once(c, op, arg);
}
