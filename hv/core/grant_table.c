/* SPDX-License-Identifier: MIT */
/*
 * grant_table.c: the table itself, and entries written on a domain's behalf.
 *
 * The table is one run of max_frames pages, backed sparsely by the host; the
 * first nr_frames are in use.  It lives as long as the struct of its domain.
 */
#include "hv/core/internal.h"

static void grow_commit(struct hv_dom *d, uint32_t nr)
{
	struct gnt_table *t = &d->gt;

	for (; t->nr_frames < nr; t->nr_frames++) {
		/* the limit was checked, and a fresh frame has no type */
		(void)frame_alloc(&t->run->frames[t->nr_frames]);
		(void)frame_get_type(
			&t->run->frames[t->nr_frames], HV_TYPE_SHARED);
	}
}

static int grow(struct hv_dom *d, uint32_t nr)
{
	struct gnt_table *t = &d->gt;
	struct hv *hv = d->hv;
	uint32_t i;

	if (nr <= t->nr_frames)
		return 0;
	if (nr > t->max_frames)
		return -ENOSPC;
	if (hv->limits.max_pages - hv->nr_frames < nr - t->nr_frames)
		return -ENOMEM;
	for (i = t->nr_frames; i < nr; i++) {
		if (!t->act[i]) /* else left by a growth that failed */
			t->act[i] = hv_alloc(
				hv, GNT_PER_FRAME * sizeof(struct gnt_act));
		if (!t->act[i])
			return -ENOMEM;
	}
	grow_commit(d, nr);
	return 0;
}

int gnt_init(struct hv_dom *d)
{
	struct gnt_table *t = &d->gt;
	int err;

	t->max_frames = d->cfg.max_grant_frames;
	t->hint = GNTTAB_NR_RESERVED_ENTRIES;
	t->act = hv_alloc(d->hv, t->max_frames * sizeof(*t->act));
	if (!t->act)
		return -ENOMEM;
	t->run = run_new(d, HV_RUN_GNTTAB, t->max_frames, &err);
	if (!t->run)
		return err;
	t->run->gfn = HV_INVALID_GFN;
	t->run->used++; /* held by the domain itself */
	return grow(d, 1);
}

void gnt_fini(struct hv_dom *d)
{
	struct gnt_table *t = &d->gt;
	uint32_t i;

	for (i = 0; i < t->nr_frames; i++) {
		frame_put_type(&t->run->frames[i]);
		frame_free(&t->run->frames[i]);
	}
	t->nr_frames = 0;
	if (t->run)
		run_put(t->run);
	t->run = NULL;
	if (!t->act)
		return;
	for (i = 0; i < t->max_frames; i++)
		hv_release(d->hv, t->act[i],
			GNT_PER_FRAME * sizeof(struct gnt_act));
	hv_release(d->hv, t->act, t->max_frames * sizeof(*t->act));
}

/* The shared entry, or NULL beyond the table. */
struct gnt_shared *gnt_entry(const struct hv_dom *d, uint32_t ref)
{
	if (ref / GNT_PER_FRAME >= d->gt.nr_frames)
		return NULL;
	return (struct gnt_shared *)(void *)d->gt.run->va + ref;
}

struct gnt_act *gnt_act(const struct hv_dom *d, uint32_t ref)
{
	if (ref / GNT_PER_FRAME >= d->gt.nr_frames)
		return NULL;
	return &d->gt.act[ref / GNT_PER_FRAME][ref % GNT_PER_FRAME];
}

int hv_gnt_grow(struct hv_dom *d, uint32_t nr)
{
	int r;

	hv_lock(&d->gt.lock);
	r = grow(d, nr);
	hv_unlock(&d->gt.lock);
	check_after(d->hv);
	return r;
}

void hv_gnt_frames(const struct hv_dom *d, uint32_t *nr, uint32_t *max)
{
	*nr = d->gt.nr_frames;
	*max = d->gt.max_frames;
}

static int entries_swap(struct hv_dom *d, uint32_t a, uint32_t b)
{
	struct gnt_shared *ea = gnt_entry(d, a), *eb = gnt_entry(d, b), t;

	if (!ea || !eb)
		return -EINVAL;
	if (gnt_act(d, a)->pin || gnt_act(d, b)->pin)
		return -EBUSY;
	if (a == b)
		return 0;
	t.head = hv_load(&ea->head);
	t.frame = hv_load(&ea->frame);
	hv_store_rel(&ea->frame, hv_load(&eb->frame));
	hv_store_rel(&ea->head, hv_load(&eb->head));
	hv_store_rel(&eb->frame, t.frame);
	hv_store_rel(&eb->head, t.head);
	return 0;
}

int hv_gnt_swap(struct hv_dom *d, uint32_t a, uint32_t b)
{
	bool unlocked = hv_fault(HV_FAULT_GNT_SWAP_UNLOCKED);
	int r;

	if (!unlocked)
		hv_lock(&d->gt.lock);
	r = entries_swap(d, a, b);
	if (!unlocked)
		hv_unlock(&d->gt.lock);
	check_after(d->hv);
	return r;
}

/* ---- on a domain's behalf ---------------------------------------------- */

static bool entry_is_free(struct hv_dom *d, uint32_t ref)
{
	return (hv_load(&gnt_entry(d, ref)->head) & 0xffff) == 0 &&
	       gnt_act(d, ref)->pin == 0;
}

/* As grant_table.h tells a guest to: the flags last. */
static void entry_write(
	struct hv_dom *d, uint32_t ref, uint32_t domid, uint64_t gfn, bool ro)
{
	struct gnt_shared *e = gnt_entry(d, ref);

	hv_store_rel(&e->frame, (uint32_t)gfn);
	hv_store_rel(&e->head,
		domid << 16 | GTF_permit_access | (ro ? GTF_readonly : 0));
}

static int grant_check(const struct hv_dom *d, uint32_t domid, uint64_t gfn)
{
	if (d->life != LIFE_ALIVE || gfn > HV_GFN_MAX)
		return -EINVAL;
	return domid < DOMID_FIRST_RESERVED ? 0 : -EINVAL;
}

static bool free_entry_find(
	struct hv_dom *d, uint32_t from, uint32_t to, uint32_t *ref)
{
	for (; from < to; from++) {
		if (entry_is_free(d, from)) {
			*ref = from;
			return true;
		}
	}
	return false;
}

/* A free entry, in a table that is one frame larger if there was none. */
static int entry_take(struct hv_dom *d, uint32_t *ref)
{
	uint32_t nr = d->gt.nr_frames * GNT_PER_FRAME;
	int r;

	/* the guest frees entries by itself: look once around */
	if (!free_entry_find(d, d->gt.hint, nr, ref) &&
		!free_entry_find(
			d, GNTTAB_NR_RESERVED_ENTRIES, d->gt.hint, ref)) {
		r = grow(d, d->gt.nr_frames + 1);
		if (r)
			return r;
		*ref = nr;
	}
	d->gt.hint = *ref + 1;
	return 0;
}

int hv_gnt_alloc(
	struct hv_dom *d, uint32_t domid, uint64_t gfn, bool ro, uint32_t *ref)
{
	int r = grant_check(d, domid, gfn);

	if (r)
		return r;
	hv_lock(&d->gt.lock);
	r = entry_take(d, ref);
	if (!r)
		entry_write(d, *ref, domid, gfn, ro);
	hv_unlock(&d->gt.lock);
	check_after(d->hv);
	return r;
}

static int entry_end(struct hv_dom *d, uint32_t ref)
{
	struct gnt_shared *e = gnt_entry(d, ref);
	uint32_t x;
	int i;

	if (!e)
		return -EINVAL;
	for (i = 0; i < HV_CAS_TRIES; i++) {
		x = hv_load(&e->head);
		if (x & (GTF_reading | GTF_writing) || gnt_act(d, ref)->pin)
			return -EBUSY;
		if (!hv_cas(&e->head, x, x & ~0xffffu))
			continue;
		if (ref >= GNTTAB_NR_RESERVED_ENTRIES && ref < d->gt.hint)
			d->gt.hint = ref;
		return 0;
	}
	return -EBUSY;
}

int hv_gnt_end(struct hv_dom *d, uint32_t ref)
{
	int r;

	hv_lock(&d->gt.lock);
	r = entry_end(d, ref);
	hv_unlock(&d->gt.lock);
	return r;
}
