/* SPDX-License-Identifier: MIT */
/*
 * hc_grant.c: grant_table_op (xen/grant_table.h).
 *
 * Mapping needs a page table to put the page in, which a process does not
 * give its hypervisor: map and unmap are refused here, operation by
 * operation, and offered by the host through hv_gnt_map().
 */
#include "hv/core/hc.h"

union gnt_arg {
	struct gnttab_map_grant_ref map;
	struct gnttab_unmap_grant_ref unmap;
	struct gnttab_setup_table setup;
	struct gnttab_dump_table dump;
	struct gnttab_transfer transfer;
	struct gnttab_copy copy;
	struct gnttab_query_size query;
	struct gnttab_unmap_and_replace replace;
	struct gnttab_set_version set_version;
	struct gnttab_get_status_frames status_frames;
	struct gnttab_get_version get_version;
	struct gnttab_swap_grant_ref swap;
	struct gnttab_cache_flush flush;
};

static int do_map(struct hc *h, union gnt_arg *a)
{
	a->map.status = GNTST_general_error;
	return 0;
}

/* No handle was ever given out on this path. */
static int do_unmap(struct hc *h, union gnt_arg *a)
{
	a->unmap.status = GNTST_bad_handle;
	return 0;
}

static int do_replace(struct hc *h, union gnt_arg *a)
{
	a->replace.status = GNTST_general_error;
	return 0;
}

/* The table of @domid, if the caller may have to do with it. */
static int16_t table_of(struct hc *h, uint32_t domid, struct hv_dom **d)
{
	*d = dom_resolve(h->dom, domid);
	if (!*d)
		return GNTST_bad_domain;
	if (hv_may(h->dom, *d == h->dom ? HV_OP_GNT_OWN : HV_OP_GNT_FOR, *d))
		return GNTST_permission_denied;
	return GNTST_okay;
}

static int frames_out(
	struct hc *h, const struct hv_dom *d, uint64_t list, uint32_t nr)
{
	uint64_t addr, gfn;
	uint32_t i;

	for (i = 0; i < nr; i++) {
		gfn = d->gt.run->frames[i].gfn;
		if (gfn == HV_GFN_NONE)
			gfn = HV_INVALID_GFN;
		if (!hc_elem(list, i, sizeof(gfn), &addr) ||
			hc_write(h, addr, &gfn, sizeof(gfn)))
			return -EFAULT;
	}
	return 0;
}

static int do_setup(struct hc *h, union gnt_arg *a)
{
	struct hv_dom *d;

	a->setup.status = table_of(h, a->setup.dom, &d);
	if (a->setup.status)
		return 0;
	if (d->life != LIFE_ALIVE || hv_gnt_grow(d, a->setup.nr_frames)) {
		a->setup.status = GNTST_general_error;
		return 0;
	}
	return frames_out(
		h, d, HC_ADDR(a->setup.frame_list), a->setup.nr_frames);
}

/* There is no console of the hypervisor to dump to. */
static int do_dump(struct hc *h, union gnt_arg *a)
{
	a->dump.status = GNTST_general_error;
	return 0;
}

static int do_transfer(struct hc *h, union gnt_arg *a)
{
	a->transfer.status = hv_gnt_transfer(
		h->dom, a->transfer.mfn, a->transfer.domid, a->transfer.ref);
	return 0;
}

static int do_copy(struct hc *h, union gnt_arg *a)
{
	const struct gnttab_copy *c = &a->copy;
	struct hv_gnt_copy op = {.len = c->len};

	op.source.is_ref = c->flags & GNTCOPY_source_gref;
	op.source.domid = c->source.domid;
	op.source.offset = c->source.offset;
	if (op.source.is_ref)
		op.source.ref = c->source.u.ref;
	else
		op.source.gfn = c->source.u.gmfn;
	op.dest.is_ref = c->flags & GNTCOPY_dest_gref;
	op.dest.domid = c->dest.domid;
	op.dest.offset = c->dest.offset;
	if (op.dest.is_ref)
		op.dest.ref = c->dest.u.ref;
	else
		op.dest.gfn = c->dest.u.gmfn;
	hv_gnt_copy(h->dom, &op);
	a->copy.status = op.status;
	return 0;
}

static int do_query(struct hc *h, union gnt_arg *a)
{
	struct hv_dom *d;

	a->query.status = table_of(h, a->query.dom, &d);
	if (!a->query.status)
		hv_gnt_frames(d, &a->query.nr_frames, &a->query.max_nr_frames);
	return 0;
}

static int do_set_version(struct hc *h, union gnt_arg *a)
{
	if (a->set_version.version == 1)
		return 0;
	return a->set_version.version == 2 ? -EOPNOTSUPP : -EINVAL;
}

/* A version 1 table has none. */
static int do_status_frames(struct hc *h, union gnt_arg *a)
{
	struct hv_dom *d;

	a->status_frames.status = table_of(h, a->status_frames.dom, &d);
	if (!a->status_frames.status && a->status_frames.nr_frames)
		a->status_frames.status = GNTST_general_error;
	return 0;
}

static int do_get_version(struct hc *h, union gnt_arg *a)
{
	struct hv_dom *d;

	switch (table_of(h, a->get_version.dom, &d)) {
	case GNTST_okay: break;
	case GNTST_bad_domain: return -ESRCH;
	default: return -EPERM;
	}
	a->get_version.version = 1;
	return 0;
}

static int do_swap(struct hc *h, union gnt_arg *a)
{
	int r = hv_gnt_swap(h->dom, a->swap.ref_a, a->swap.ref_b);

	a->swap.status = r == 0        ? GNTST_okay
			 : r == -EBUSY ? GNTST_eagain
				       : GNTST_bad_gntref;
	return 0;
}

/* The caches are coherent: only the right to ask is looked at. */
static int do_flush(struct hc *h, union gnt_arg *a)
{
	const struct gnttab_cache_flush *f = &a->flush;
	const struct gnt_map *m;
	uint64_t handle;
	bool found;

	if (f->op & ~(GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_INVAL |
			    GNTTAB_CACHE_SOURCE_GREF))
		return -EINVAL;
	if (f->offset >= HV_PAGE_SIZE || f->length > HV_PAGE_SIZE - f->offset)
		return -EINVAL;
	if (f->op & GNTTAB_CACHE_SOURCE_GREF)
		return gnt_entry(h->dom, f->a.ref) ? 0 : -EINVAL;
	handle = (f->a.dev_bus_addr >> HV_PAGE_SHIFT) - 1;
	hv_lock(&h->dom->map_lock);
	m = handle < h->dom->maps.nr ? gnt_map_get(h->dom, (uint32_t)handle)
				     : NULL;
	found = m && (m->flags & GNTMAP_device_map);
	hv_unlock(&h->dom->map_lock);
	return found ? 0 : -EINVAL;
}

#define FIELD(type, field)                     \
	offsetof(struct gnttab_##type, field), \
		sizeof(((struct gnttab_##type *)0)->field)
#define ROW(type, field, f)                                                \
	{                                                                  \
		sizeof(struct gnttab_##type), FIELD(type, field), false, f \
	}
#define ALL(type, f)                                                           \
	{                                                                      \
		sizeof(struct gnttab_##type), 0, sizeof(struct gnttab_##type), \
			false, f                                               \
	}

/* Per sub-operation: its structure, what of it is written back. */
static const struct row {
	uint8_t size;
	uint8_t out_at;
	uint8_t out_len;
	bool once; /* @count must be 1 */
	int (*fn)(struct hc *h, union gnt_arg *a);
} rows[] = {
	[GNTTABOP_map_grant_ref] = ROW(map_grant_ref, status, do_map),
	[GNTTABOP_unmap_grant_ref] = ROW(unmap_grant_ref, status, do_unmap),
	[GNTTABOP_setup_table] = {sizeof(struct gnttab_setup_table),
		FIELD(setup_table, status), true, do_setup},
	[GNTTABOP_dump_table] = {sizeof(struct gnttab_dump_table),
		FIELD(dump_table, status), true, do_dump},
	[GNTTABOP_transfer] = ROW(transfer, status, do_transfer),
	[GNTTABOP_copy] = ROW(copy, status, do_copy),
	[GNTTABOP_query_size] = {sizeof(struct gnttab_query_size), 0,
		sizeof(struct gnttab_query_size), true, do_query},
	[GNTTABOP_unmap_and_replace] =
		ROW(unmap_and_replace, status, do_replace),
	[GNTTABOP_set_version] = {sizeof(struct gnttab_set_version), 0,
		sizeof(struct gnttab_set_version), true, do_set_version},
	[GNTTABOP_get_status_frames] =
		ROW(get_status_frames, status, do_status_frames),
	[GNTTABOP_get_version] = ALL(get_version, do_get_version),
	[GNTTABOP_swap_grant_ref] = ROW(swap_grant_ref, status, do_swap),
	[GNTTABOP_cache_flush] = {sizeof(struct gnttab_cache_flush), 0, 0,
		false, do_flush},
};

static int op_one(struct hc *h, const struct row *row, uint64_t i)
{
	union gnt_arg a;
	uint64_t addr;
	int r;

	memset(&a, 0, sizeof(a));
	if (!hc_elem(h->arg[1], i, row->size, &addr) ||
		hc_read(h, &a, addr, row->size))
		return -EFAULT;
	r = row->fn(h, &a);
	if (r)
		return r;
	if (row->out_len &&
		hc_write(h, addr + row->out_at,
			(const uint8_t *)&a + row->out_at, row->out_len))
		return -EFAULT;
	return 0;
}

/* progress: the operation at which a batch goes on. */
int64_t hc_grant_table_op(struct hc *h)
{
	uint64_t cmd = h->arg[0], count = h->arg[2];
	uint64_t *i = &h->c->progress;
	const struct row *row;
	int r;

	if (cmd >= sizeof(rows) / sizeof(rows[0]) || !rows[cmd].fn)
		return -ENOSYS;
	row = &rows[cmd];
	if (count > INT32_MAX || (row->once && count != 1))
		return -EINVAL;
	for (; *i < count; (*i)++) {
		if (hv_preempt(h->budget))
			return -ERESTART;
		r = op_one(h, row, *i);
		if (r)
			return r;
	}
	return 0;
}
