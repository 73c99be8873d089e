/* SPDX-License-Identifier: MIT */
/*
 * hc_memory.c: memory_op but for the reservations (xen/memory.h).
 */
#include "hv/core/hc.h"

/* Whose memory: the caller's own, or one it is privileged over. */
static int whose(struct hc *h, uint32_t domid, struct hv_dom **d)
{
	*d = dom_resolve(h->dom, domid);
	if (!*d)
		return -ESRCH;
	return hv_may(
		h->dom, *d == h->dom ? HV_OP_MEM_OWN : HV_OP_MEM_FOREIGN, *d);
}

static int64_t do_amount(struct hc *h, unsigned int cmd, uint64_t addr)
{
	struct xen_memory_domain a;
	struct hv_dom *d;
	uint64_t last;
	int r;

	if (hc_read(h, &a, addr, sizeof(a)))
		return -EFAULT;
	r = whose(h, a.domid, &d);
	if (r)
		return r;
	switch (cmd) {
	case XENMEM_current_reservation: return (int64_t)d->tot_pages;
	case XENMEM_maximum_reservation:
		return (int64_t)(d->max_pages > INT64_MAX ? INT64_MAX
							  : d->max_pages);
	default:
		last = p2m_last(d);
		return last == HV_INVALID_GFN ? 0 : (int64_t)last;
	}
}

/* ---- add_to_physmap ---------------------------------------------------------- */

static int frame_of_space(
	struct hv_dom *d, unsigned int space, uint64_t idx, struct hv_frame **f)
{
	int r;

	switch (space) {
	case XENMAPSPACE_shared_info:
		r = idx ? -EINVAL : evtchn_share(d);
		if (!r)
			*f = &d->shared_info->frames[0];
		return r;
	case XENMAPSPACE_grant_table:
		/* a status frame is far beyond any limit */
		if (idx >= d->gt.max_frames)
			return -EINVAL;
		r = hv_gnt_grow(d, (uint32_t)idx + 1);
		if (!r)
			*f = &d->gt.run->frames[idx];
		return r;
	case XENMAPSPACE_gmfn: *f = p2m_get(d, idx); return *f ? 0 : -EINVAL;
	default: return -EOPNOTSUPP;
	}
}

static int add_one(
	struct hv_dom *d, unsigned int space, uint64_t idx, uint64_t gfn)
{
	struct hv_frame *f = NULL;
	int r;

	if (d->life != LIFE_ALIVE || gfn > HV_GFN_MAX)
		return -EINVAL;
	r = frame_of_space(d, space, idx, &f);
	if (r)
		return r;
	r = mem_move(d, f, gfn);
	check_after(d->hv);
	return r;
}

static int64_t do_add(struct hc *h, uint64_t addr)
{
	struct xen_add_to_physmap a;
	struct hv_dom *d;
	int r;

	if (hc_read(h, &a, addr, sizeof(a)))
		return -EFAULT;
	r = whose(h, a.domid, &d);
	return r ? r : add_one(d, a.space, a.idx, a.gpfn);
}

/* progress: the element at which it goes on. */
static int64_t do_add_batch(struct hc *h, uint64_t addr)
{
	struct xen_add_to_physmap_batch a;
	uint64_t *i = &h->c->progress, idx, gfn, x, y, z;
	struct hv_dom *d;
	int r;

	if (hc_read(h, &a, addr, sizeof(a)))
		return -EFAULT;
	r = whose(h, a.domid, &d);
	if (r)
		return r;
	for (; *i < a.size; (*i)++) {
		if (hv_preempt(h->budget))
			return -ERESTART;
		if (!hc_elem(HC_ADDR(a.idxs), *i, sizeof(idx), &x) ||
			!hc_elem(HC_ADDR(a.gpfns), *i, sizeof(gfn), &y) ||
			!hc_elem(HC_ADDR(a.errs), *i, sizeof(r), &z) ||
			hc_read(h, &idx, x, sizeof(idx)) ||
			hc_read(h, &gfn, y, sizeof(gfn)))
			return -EFAULT;
		r = add_one(d, a.space, idx, gfn);
		if (hc_write(h, z, &r, sizeof(r)))
			return -EFAULT;
	}
	return 0;
}

static int64_t do_remove(struct hc *h, uint64_t addr)
{
	struct xen_remove_from_physmap a;
	struct hv_dom *d;
	int r;

	if (hc_read(h, &a, addr, sizeof(a)))
		return -EFAULT;
	r = whose(h, a.domid, &d);
	return r ? r : hv_mem_remove(d, a.gpfn);
}

/* ---- acquire_resource ---------------------------------------------------------- */

/* Pages are mapped through the host (hv_mem_resource): only the size here. */
static int64_t do_resource(struct hc *h, uint64_t addr)
{
	struct xen_mem_acquire_resource a;
	struct hv_page_ref p;
	uint32_t id, size;
	int r;

	if (hc_read(h, &a, addr, sizeof(a)))
		return -EFAULT;
	if (a.pad)
		return -EINVAL;
	if (a.nr_frames || HC_ADDR(a.frame_list))
		return -EOPNOTSUPP;
	r = hv_mem_resource(
		h->dom, a.domid, a.type, a.id, a.frame, 0, &p, &id, &size);
	if (r)
		return r;
	a.nr_frames = size;
	return hc_write(h, addr, &a, sizeof(a)) ? -EFAULT : 0;
}

/* ---- memory maps ---------------------------------------------------------------- */

/* An entry of the BIOS memory map, as every x86 kernel knows it. */
struct e820_wire {
	uint64_t addr;
	uint64_t size;
	uint32_t type;
} __attribute__((packed));

#define E820_RAM 1u

/* One piece of RAM from 0 to the end of what was populated as such. */
static int64_t do_memory_map(struct hc *h, uint64_t addr)
{
	struct e820_wire e = {.type = E820_RAM};
	struct xen_memory_map m;

	if (hc_read(h, &m, addr, sizeof(m)))
		return -EFAULT;
	e.size = h->dom->ram_end << HV_PAGE_SHIFT;
	if (HC_ADDR(m.buffer)) {
		if (m.nr_entries < 1)
			return -EINVAL;
		if (hc_write(h, HC_ADDR(m.buffer), &e, sizeof(e)))
			return -EFAULT;
	}
	m.nr_entries = 1;
	return hc_write(h, addr, &m, sizeof(m)) ? -EFAULT : 0;
}

int64_t hc_memory_op(struct hc *h)
{
	uint64_t cmd = h->arg[0], addr = h->arg[1];

	switch (cmd) {
	case XENMEM_increase_reservation:
	case XENMEM_decrease_reservation:
	case XENMEM_populate_physmap:
		return hc_mem_reservation(h, (unsigned int)cmd, addr);
	case XENMEM_maximum_ram_page:
		return (int64_t)(h->hv->limits.max_pages - 1);
	case XENMEM_current_reservation:
	case XENMEM_maximum_reservation:
	case XENMEM_maximum_gpfn: return do_amount(h, (unsigned int)cmd, addr);
	case XENMEM_add_to_physmap: return do_add(h, addr);
	case XENMEM_add_to_physmap_batch: return do_add_batch(h, addr);
	case XENMEM_remove_from_physmap: return do_remove(h, addr);
	case XENMEM_memory_map: return do_memory_map(h, addr);
	case XENMEM_acquire_resource: return do_resource(h, addr);
	default: return -ENOSYS;
	}
}
