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
 * first call that fails, a list of domains goes on behind the last one.
 */
#include <errno.h>
#include <stdint.h>

#define __XEN_TOOLS__ 1
#include <xen/xen.h>
#include <xen/domctl.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
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

int64_t call_split(struct hv_client *c, unsigned int op, const uint64_t arg[5])
{
	switch (op) {
	case __HYPERVISOR_memory_op: return call_memory(c, arg);
	case __HYPERVISOR_sysctl: return call_sysctl(c, arg);
	case __HYPERVISOR_grant_table_op: return call_gnttab(c, arg);
	}
	return call_once(c, op, arg);
}
