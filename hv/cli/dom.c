/* SPDX-License-Identifier: MIT */
/* dom.c - the hypercalls of a toolstack, one function each */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "hv/cli/dom.h"

#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/memory.h>

#include "hv/compat/hcall.h"

enum {
	LIST_BATCH = 256,    /* domains per call */
	EXTENT_BATCH = 4096, /* extents per call: 32 KiB of frame numbers */
};

/* Not one of Linux's: a call that has to be made again. */
#define XEN_ERESTART 85

/* A handle in a structure: the address of @ptr. */
#define HANDLE(field, ptr) set_xen_guest_handle((field), (ptr))

static int domctl(struct hv_client *c, struct xen_domctl *ctl)
{
	const struct hv_hcall_buf buf = {ctl, sizeof(*ctl), HVP_BUF_OUT};
	const uint64_t arg[5] = {(uintptr_t)ctl};

	ctl->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	return (int)hv_hcall(c, __HYPERVISOR_domctl, arg, &buf, 1);
}

static int simple(struct hv_client *c, uint32_t cmd, uint32_t domid)
{
	struct xen_domctl ctl = {.cmd = cmd, .domain = (domid_t)domid};

	return domctl(c, &ctl);
}

/* From @first on; returns how many. */
static int list_part(struct hv_client *c, uint32_t first,
	struct xen_domctl_getdomaininfo *infos)
{
	struct xen_sysctl ctl = {
		.cmd = XEN_SYSCTL_getdomaininfolist,
		.interface_version = XEN_SYSCTL_INTERFACE_VERSION,
	};
	const struct hv_hcall_buf bufs[] = {
		{&ctl, sizeof(ctl), HVP_BUF_OUT},
		{infos, LIST_BATCH * sizeof(*infos),
			HVP_BUF_OUT | HVP_BUF_ZERO},
	};
	const uint64_t arg[5] = {(uintptr_t)&ctl};
	int r;

	ctl.u.getdomaininfolist.first_domain = (domid_t)first;
	ctl.u.getdomaininfolist.max_domains = LIST_BATCH;
	HANDLE(ctl.u.getdomaininfolist.buffer, infos);
	r = (int)hv_hcall(c, __HYPERVISOR_sysctl, arg, bufs, 2);
	return r < 0 ? r : (int)ctl.u.getdomaininfolist.num_domains;
}

int dom_list(struct hv_client *c, struct xen_domctl_getdomaininfo **infos)
{
	struct xen_domctl_getdomaininfo *all = NULL, *more;
	uint32_t first = 0;
	int nr = 0, n;

	do {
		more = realloc(all, ((size_t)nr + LIST_BATCH) * sizeof(*all));
		if (!more) {
			free(all);
			return -ENOMEM;
		}
		all = more;
		n = list_part(c, first, all + nr);
		if (n < 0 || n > LIST_BATCH) {
			free(all);
			return n < 0 ? n : -EPROTO;
		}
		nr += n;
		if (n)
			first = all[nr - 1].domain + 1u;
	} while (n == LIST_BATCH);
	*infos = all;
	return nr;
}

int dom_info(struct hv_client *c, uint32_t domid,
	struct xen_domctl_getdomaininfo *info)
{
	struct xen_domctl ctl = {
		.cmd = XEN_DOMCTL_getdomaininfo, .domain = (domid_t)domid};
	int r = domctl(c, &ctl);

	if (r < 0)
		return r;
	*info = ctl.u.getdomaininfo;
	/* for a missing one it tells of the next */
	return info->domain == domid ? 0 : -ESRCH;
}

int dom_physinfo(struct hv_client *c, struct xen_sysctl_physinfo *info)
{
	struct xen_sysctl ctl = {
		.cmd = XEN_SYSCTL_physinfo,
		.interface_version = XEN_SYSCTL_INTERFACE_VERSION,
	};
	const struct hv_hcall_buf buf = {&ctl, sizeof(ctl), HVP_BUF_OUT};
	const uint64_t arg[5] = {(uintptr_t)&ctl};
	int r = (int)hv_hcall(c, __HYPERVISOR_sysctl, arg, &buf, 1);

	*info = ctl.u.physinfo;
	return r;
}

int dom_create(struct hv_client *c, const struct xen_domctl_createdomain *how,
	uint32_t *domid)
{
	struct xen_domctl ctl = {.cmd = XEN_DOMCTL_createdomain};
	int r;

	ctl.u.createdomain = *how;
	r = domctl(c, &ctl);
	*domid = ctl.domain;
	return r;
}

int dom_max_mem(struct hv_client *c, uint32_t domid, uint64_t kib)
{
	struct xen_domctl ctl = {
		.cmd = XEN_DOMCTL_max_mem, .domain = (domid_t)domid};

	ctl.u.max_mem.max_memkb = kib;
	return domctl(c, &ctl);
}

int dom_max_vcpus(struct hv_client *c, uint32_t domid, uint32_t vcpus)
{
	struct xen_domctl ctl = {
		.cmd = XEN_DOMCTL_max_vcpus, .domain = (domid_t)domid};

	ctl.u.max_vcpus.max = vcpus;
	return domctl(c, &ctl);
}

/* All of @nr extents, at most EXTENT_BATCH, or an error. */
static int populate_part(struct hv_client *c, uint32_t domid, uint64_t gfn,
	uint32_t nr, unsigned int order)
{
	xen_pfn_t *frames = calloc(nr, sizeof(*frames));
	struct xen_memory_reservation res = {
		.nr_extents = nr,
		.extent_order = order,
		.domid = (domid_t)domid,
	};
	const struct hv_hcall_buf bufs[] = {
		{&res, sizeof(res), HVP_BUF_OUT},
		{frames, nr * (uint32_t)sizeof(*frames), HVP_BUF_OUT},
	};
	const uint64_t arg[5] = {XENMEM_populate_physmap, (uintptr_t)&res};
	int64_t r;

	if (!frames)
		return -ENOMEM;
	for (uint32_t i = 0; i < nr; i++)
		frames[i] = gfn + ((uint64_t)i << order);
	HANDLE(res.extent_start, frames);
	r = hv_hcall(c, __HYPERVISOR_memory_op, arg, bufs, 2);
	free(frames);
	if (r < 0)
		return (int)r;
	/* fewer than asked for: there is no more memory */
	return r == nr ? 0 : -ENOMEM;
}

int dom_populate(struct hv_client *c, uint32_t domid, uint64_t gfn, uint64_t nr,
	unsigned int order)
{
	int r = 0;

	while (nr && r == 0) {
		uint32_t n = nr < EXTENT_BATCH ? (uint32_t)nr : EXTENT_BATCH;

		r = populate_part(c, domid, gfn, n, order);
		gfn += (uint64_t)n << order;
		nr -= n;
	}
	return r;
}

int dom_param_set(
	struct hv_client *c, uint32_t domid, uint32_t index, uint64_t value)
{
	struct xen_hvm_param p = {
		.domid = (domid_t)domid, .index = index, .value = value};
	const struct hv_hcall_buf buf = {&p, sizeof(p), HVP_BUF_OUT};
	const uint64_t arg[5] = {HVMOP_set_param, (uintptr_t)&p};

	return (int)hv_hcall(c, __HYPERVISOR_hvm_op, arg, &buf, 1);
}

int dom_port(struct hv_client *c, uint32_t domid, uint32_t *port)
{
	struct evtchn_alloc_unbound op = {
		.dom = (domid_t)domid, .remote_dom = 0};
	const struct hv_hcall_buf buf = {&op, sizeof(op), HVP_BUF_OUT};
	const uint64_t arg[5] = {EVTCHNOP_alloc_unbound, (uintptr_t)&op};
	int r = (int)hv_hcall(c, __HYPERVISOR_event_channel_op, arg, &buf, 1);

	*port = op.port;
	return r;
}

static void grant_write(
	struct grant_entry_v1 *e, uint16_t domid, uint32_t frame)
{
	e->frame = frame;
	e->domid = domid;
	__atomic_store_n(&e->flags, GTF_permit_access, __ATOMIC_RELEASE);
}

int dom_grant(struct hv_client *c, uint32_t domid, uint32_t console_gfn,
	uint32_t store_gfn)
{
	const struct hvp_fm_resource req = {
		.domid = domid,
		.type = XENMEM_resource_grant_table,
		.id = XENMEM_resource_grant_table_id_shared,
		.write = 1,
		.n_frames = 1,
	};
	struct {
		struct hvp_mapping m;
		struct hvp_seg seg;
	} rep;
	struct hv_fds fds = {0};
	struct grant_entry_v1 *table;
	struct hvp_id id;
	int r = hv_client_ask(c, HVP_FM_RESOURCE, 0, &req, sizeof(req), &rep,
		sizeof(rep), &fds);

	if (r == 0 && (rep.m.n_seg != 1 || fds.nr != 1))
		r = -EPROTO;
	if (r == 0) {
		table = mmap(NULL, HVP_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
			fds.fd[0], (off_t)rep.seg.page * HVP_PAGE);
		if (table == MAP_FAILED) {
			r = -errno;
		} else {
			grant_write(&table[GNTTAB_RESERVED_CONSOLE], 0,
				console_gfn);
			grant_write(
				&table[GNTTAB_RESERVED_XENSTORE], 0, store_gfn);
			munmap(table, HVP_PAGE);
		}
		id.id = rep.m.id;
		(void)!hv_client_ask(
			c, HVP_FM_UNMAP, 0, &id, sizeof(id), NULL, 0, NULL);
	}
	hv_fds_close(&fds);
	return r;
}

int dom_pause(struct hv_client *c, uint32_t domid)
{
	return simple(c, XEN_DOMCTL_pausedomain, domid);
}

int dom_unpause(struct hv_client *c, uint32_t domid)
{
	return simple(c, XEN_DOMCTL_unpausedomain, domid);
}

int dom_destroy(struct hv_client *c, uint32_t domid)
{
	int r;

	do
		r = simple(c, XEN_DOMCTL_destroydomain, domid);
	while (r == -XEN_ERESTART || r == -EAGAIN);
	return r;
}
