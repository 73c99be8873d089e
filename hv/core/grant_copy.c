/* SPDX-License-Identifier: MIT */
/*
 * grant_copy.c: copying through grants, and transferring pages.
 *
 * The engine copies by its own mapping of the frames, so that a private page
 * can be a source or a destination without becoming mappable.
 */
#include "hv/core/internal.h"

/* One end of a copy, held. */
struct copy_end {
	struct hv_dom *rd; /* kept; NULL: the caller's own page */
	uint32_t ref;
	uint32_t pins;
	struct hv_frame *frame;
	bool write;
};

static int16_t end_hold_own(struct hv_dom *caller,
	const struct hv_gnt_copy_ptr *p, struct copy_end *end)
{
	int16_t st = GNTST_okay;
	struct hv_frame *f;

	if (p->domid != DOMID_SELF && p->domid != caller->domid)
		return GNTST_permission_denied;
	hv_lock(&caller->mem_lock);
	f = p2m_get(caller, p->gfn);
	if (!f)
		st = GNTST_bad_page;
	else if (frame_get(f))
		st = GNTST_general_error;
	hv_unlock(&caller->mem_lock);
	if (st)
		return st;
	if (end->write && frame_get_type(f, HV_TYPE_WRITABLE)) {
		frame_put(f);
		return GNTST_general_error;
	}
	end->frame = f;
	return GNTST_okay;
}

static int16_t end_hold(struct hv_dom *caller, const struct hv_gnt_copy_ptr *p,
	struct copy_end *end)
{
	struct gnt_pinned held;
	struct hv_dom *rd;
	int16_t st;

	if (!p->is_ref)
		return end_hold_own(caller, p, end);
	rd = dom_get(caller, p->domid);
	if (!rd)
		return GNTST_bad_domain;
	end->pins = pin_one(end->write ? PIN_HST_W : PIN_HST_R);
	st = hv_may(caller, HV_OP_GNT_MAP, rd)
		     ? GNTST_permission_denied
		     : gnt_pin(rd, caller, p->ref, end->pins, false, &held);
	if (st) {
		dom_put(rd);
		return st;
	}
	end->rd = rd;
	end->ref = p->ref;
	end->frame = held.frame;
	return GNTST_okay;
}

static void end_drop(struct copy_end *end)
{
	if (end->rd) {
		gnt_unpin(end->rd, end->ref, end->pins, false, end->frame);
		dom_put(end->rd);
		return;
	}
	if (end->write)
		frame_put_type(end->frame);
	frame_put(end->frame);
}

static int16_t copy_one(struct hv_dom *caller, const struct hv_gnt_copy *op)
{
	struct copy_end src = {.write = false}, dst = {.write = true};
	int16_t st;

	if (op->len > HV_PAGE_SIZE ||
		op->source.offset > HV_PAGE_SIZE - op->len ||
		op->dest.offset > HV_PAGE_SIZE - op->len)
		return GNTST_bad_copy_arg;
	if (hv_load(&caller->life) != LIFE_ALIVE)
		return GNTST_general_error;
	if (op->len == 0)
		return GNTST_okay;
	st = end_hold(caller, &op->source, &src);
	if (st)
		return st;
	st = end_hold(caller, &op->dest, &dst);
	if (!st) {
		/* both may be the same page */
		memmove(frame_va(dst.frame) + op->dest.offset,
			frame_va(src.frame) + op->source.offset, op->len);
		end_drop(&dst);
	}
	end_drop(&src);
	return st;
}

void hv_gnt_copy(struct hv_dom *caller, struct hv_gnt_copy *op)
{
	op->status = copy_one(caller, op);
	check_after(caller->hv);
}

/* ---- transfer ------------------------------------------------------------ */

/* The page may leave: nobody else maps it and it is no table. */
static struct hv_frame *transfer_source(struct hv_dom *caller, uint64_t gfn)
{
	struct hv_frame *f = p2m_get(caller, gfn);

	/* a table has a type count of its own */
	if (!f || frame_count(f) != 1 || frame_tcount(f) != 0)
		return NULL;
	return f;
}

/* A frame for the receiver, held only by the caller until it is entered. */
static struct hv_frame *transfer_frame(struct hv_dom *e)
{
	struct hv_run *r;
	int err;

	if (e->tot_pages >= e->max_pages)
		return NULL;
	r = run_new(e, HV_RUN_RAM, 1, &err);
	if (!r)
		return NULL;
	if (frame_alloc(&r->frames[0])) {
		run_drop(r);
		return NULL;
	}
	return &r->frames[0];
}

/* Where the receiver wants it: the frame number in its entry, 0 for none. */
static int transfer_enter(
	struct hv_dom *e, uint32_t ref, struct hv_frame *n, uint64_t *gfn)
{
	int r;

	*gfn = hv_load(&gnt_entry(e, ref)->frame);
	r = *gfn ? mem_gfn_check(e, 1, *gfn) : mem_gfn_pick(e, 1, gfn);
	if (!r)
		r = p2m_set(e, *gfn, n);
	return r;
}

/*
 * Everything that can fail comes first: unlike Xen the caller keeps its page
 * when the transfer fails.
 */
static int16_t transfer(
	struct hv_dom *caller, uint64_t gfn, uint32_t domid, uint32_t ref)
{
	struct hv_frame *f = transfer_source(caller, gfn), *n;
	struct hv_dom *e = hv_dom_find(caller->hv, domid);
	uint64_t at;
	int16_t st;

	if (!f)
		return GNTST_bad_page;
	if (!e)
		return GNTST_bad_domain;
	if (e->life != LIFE_ALIVE || caller->life != LIFE_ALIVE)
		return GNTST_general_error;
	if (!gnt_entry(e, ref))
		return GNTST_bad_gntref;
	n = transfer_frame(e);
	if (!n)
		return GNTST_general_error;
	st = gnt_accept(e, ref, caller->domid);
	if (!st && transfer_enter(e, ref, n, &at)) {
		gnt_accept_undo(e, ref);
		st = GNTST_general_error;
	}
	if (st) {
		frame_free(n);
		return st;
	}
	n->run->gfn = at;
	memcpy(frame_va(n), frame_va(f), HV_PAGE_SIZE);
	p2m_clear(caller, gfn);
	frame_free(f);
	gnt_accept_done(e, ref, (uint32_t)at);
	return GNTST_okay;
}

int16_t hv_gnt_transfer(
	struct hv_dom *caller, uint64_t gfn, uint32_t domid, uint32_t ref)
{
	int16_t st = transfer(caller, gfn, domid, ref);

	check_after(caller->hv);
	return st;
}
