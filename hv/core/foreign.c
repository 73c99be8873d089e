/* SPDX-License-Identifier: MIT */
/*
 * foreign.c: pages of another domain mapped by right, without a grant.
 */
#include "hv/core/internal.h"

static int foreign_take(
	struct hv_dom *caller, struct hv_frame *f, bool write, uint32_t *id)
{
	/* the privileged may write a table that is the guest's to write */
	enum hv_type t = frame_type(f) == HV_TYPE_SHARED ? HV_TYPE_SHARED
							 : HV_TYPE_WRITABLE;
	struct foreign_ref *x = slots_take(caller->hv, &caller->foreign, id);

	if (!x)
		return -ENOMEM;
	if (frame_get(f)) {
		slots_put(&caller->foreign, *id);
		return -EINVAL;
	}
	if (write && frame_get_type(f, t)) {
		frame_put(f);
		slots_put(&caller->foreign, *id);
		return -EINVAL;
	}
	x->write = write;
	x->frame = f;
	x->owner = f->run->owner;
	f->run->exported = true;
	dom_ref(x->owner);
	caller->hv->nr_foreign++;
	return 0;
}

static void foreign_put(struct hv_dom *caller, uint32_t id)
{
	struct foreign_ref *x = slots_get(&caller->foreign, id);
	struct hv_dom *owner = x->owner;

	if (x->write)
		frame_put_type(x->frame);
	frame_put(x->frame);
	slots_put(&caller->foreign, id);
	caller->hv->nr_foreign--;
	dom_unref(owner);
}

static int foreign_target(
	struct hv_dom *caller, uint32_t domid, struct hv_dom **d)
{
	int r;

	*d = dom_resolve(caller, domid);
	if (!*d)
		return -ESRCH;
	r = hv_may(caller, HV_OP_MEM_FOREIGN, *d);
	if (r)
		return r;
	if (caller->life != LIFE_ALIVE || (*d)->life != LIFE_ALIVE)
		return -EINVAL;
	return 0;
}

int hv_mem_foreign(struct hv_dom *caller, uint32_t domid, uint64_t gfn,
	bool write, struct hv_page_ref *p, uint32_t *id)
{
	struct hv_frame *f;
	struct hv_dom *d;
	int r;

	r = foreign_target(caller, domid, &d);
	if (r)
		return r;
	f = p2m_get(d, gfn);
	if (!f)
		return -ENOENT;
	if (write && f->run->ro_sealed)
		return -EPERM;
	r = foreign_take(caller, f, write, id);
	if (r)
		return r;
	p->run = f->run;
	p->page = frame_page(f);
	check_after(caller->hv);
	return 0;
}

int hv_mem_foreign_put(struct hv_dom *caller, uint32_t id)
{
	struct hv *hv = caller->hv;

	if (!slots_get(&caller->foreign, id))
		return -EINVAL;
	foreign_put(caller, id);
	check_after(hv);
	return 0;
}

static int resource_check(struct hv_dom *d, uint32_t type, uint32_t id,
	uint64_t frame, uint32_t nr)
{
	if (type != XENMEM_resource_grant_table)
		return -EOPNOTSUPP;
	if (id != XENMEM_resource_grant_table_id_shared)
		return -EINVAL;
	if (frame >= d->gt.max_frames || d->gt.max_frames - frame < nr)
		return -EINVAL;
	return 0;
}

int hv_mem_resource(struct hv_dom *caller, uint32_t domid, uint32_t type,
	uint32_t id, uint64_t frame, uint32_t nr, struct hv_page_ref *p,
	uint32_t *ids, uint32_t *size)
{
	struct hv_dom *d;
	uint32_t i;
	int r;

	r = foreign_target(caller, domid, &d);
	if (r)
		return r;
	r = resource_check(d, type, id, nr ? frame : 0, nr);
	if (r)
		return r;
	if (size)
		*size = d->gt.max_frames;
	if (nr == 0)
		return 0;
	r = hv_gnt_grow(d, (uint32_t)frame + nr);
	if (r)
		return r;
	for (i = 0; i < nr; i++) {
		struct hv_frame *f = &d->gt.run->frames[frame + i];

		r = foreign_take(caller, f, true, &ids[i]);
		if (r) {
			while (i-- > 0)
				foreign_put(caller, ids[i]);
			return r;
		}
		p[i].run = f->run;
		p[i].page = frame_page(f);
	}
	check_after(caller->hv);
	return 0;
}

int foreign_release(struct hv_dom *d, uint32_t *budget)
{
	for (; d->cursor < d->foreign.nr; d->cursor++) {
		if (!slots_get(&d->foreign, d->cursor))
			continue;
		if (hv_preempt(budget))
			return -ERESTART;
		foreign_put(d, d->cursor);
	}
	return 0;
}
