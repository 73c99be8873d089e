/* SPDX-License-Identifier: MIT */
/*
 * mem.c: a domain's own memory: populate, remove, look up, split.
 */
#include "hv/core/internal.h"

/* Pages that are in the way before a free range is looked for no more. */
#define GFN_TRIES 1024u

/*
 * The lowest gfn above the RAM with @nr free ones behind it.  Who scatters
 * very many pages there gets what is behind the last one.
 */
int mem_gfn_pick(struct hv_dom *d, uint32_t nr, uint64_t *gfn)
{
	uint64_t at = d->hint > d->ram_end ? d->hint : d->ram_end;
	uint32_t tries = GFN_TRIES;
	uint64_t used;
	bool first = true;

	for (;;) {
		if (at > HV_GFN_MAX || HV_GFN_MAX - at < nr - 1)
			return -ENOMEM;
		used = p2m_next(d, at);
		if (used == HV_INVALID_GFN || used - at >= nr)
			break;
		/* below the first gap nothing is free: remember that */
		if (used == at && first)
			d->hint = at + 1;
		else
			first = false;
		at = --tries ? used + 1 : p2m_last(d) + 1;
	}
	*gfn = at;
	return 0;
}

int mem_gfn_check(struct hv_dom *d, uint32_t nr, uint64_t gfn)
{
	uint64_t used;

	if (gfn > HV_GFN_MAX || HV_GFN_MAX - gfn < nr - 1)
		return -EINVAL;
	used = p2m_next(d, gfn);
	return used != HV_INVALID_GFN && used - gfn < nr ? -EBUSY : 0;
}

/* Undo the first @nr frames of a run that nobody has seen. */
static void populate_undo(struct hv_dom *d, struct hv_run *r, uint32_t nr)
{
	uint32_t i;

	hv_lock(&d->mem_lock);
	r->used++;
	for (i = 0; i < nr; i++)
		if (r->frames[i].gfn != HV_GFN_NONE)
			p2m_clear(d, r->frames[i].gfn);
	hv_unlock(&d->mem_lock);
	for (i = 0; i < nr; i++)
		frame_free(&r->frames[i]);
	hv_lock(&d->mem_lock);
	run_put(r);
	hv_unlock(&d->mem_lock);
}

static int populate_at(struct hv_dom *d, struct hv_run *r, uint64_t gfn)
{
	uint32_t i;
	int err;

	r->gfn = gfn;
	for (i = 0; i < r->nr; i++) {
		err = frame_alloc(&r->frames[i]);
		if (err) {
			populate_undo(d, r, i);
			return err;
		}
		hv_lock(&d->mem_lock);
		err = p2m_set(d, gfn + i, &r->frames[i]);
		hv_unlock(&d->mem_lock);
		if (err) {
			populate_undo(d, r, i + 1);
			return err;
		}
	}
	return 0;
}

/* May @d have @nr pages more?  -ENOMEM. */
static int mem_room(struct hv_dom *d, uint32_t nr)
{
	bool room;

	hv_lock(&d->mem_lock);
	room = d->tot_pages < d->max_pages &&
	       d->max_pages - d->tot_pages >= nr &&
	       /* who keeps one page of each of many runs keeps all their
		* memory */
	       d->stale_pages <= d->max_pages;
	hv_unlock(&d->mem_lock);
	if (!room || d->hv->limits.max_pages - hv_load(&d->hv->nr_frames) < nr)
		return -ENOMEM;
	return 0;
}

/* The run is not entered anywhere until all of it is: on error only @hint
 * may have moved, and it is a hint. */
int hv_mem_populate(struct hv_dom *d, enum hv_run_kind kind, uint32_t nr,
	uint64_t *gfn, struct hv_run **run)
{
	struct hv_run *r;
	uint64_t at = *gfn;
	int err;

	if (d->life != LIFE_ALIVE || nr == 0)
		return -EINVAL;
	if (kind != HV_RUN_RAM && kind != HV_RUN_SHARE)
		return -EINVAL;
	err = mem_room(d, nr);
	if (err)
		return err;
	err = at == HV_INVALID_GFN ? mem_gfn_pick(d, nr, &at)
				   : mem_gfn_check(d, nr, at);
	if (err)
		return err;
	r = run_new(d, kind, nr, &err);
	if (!r)
		return err;
	err = populate_at(d, r, at);
	if (err)
		return err;
	if (kind == HV_RUN_RAM && at + nr > d->ram_end)
		d->ram_end = at + nr;
	*gfn = at;
	if (run)
		*run = r;
	check_after(d->hv);
	return 0;
}

int hv_mem_set_max(struct hv_dom *d, uint64_t pages)
{
	/* below what it has is allowed: it just cannot get more */
	d->max_pages = pages;
	check_after(d->hv);
	return 0;
}

/* A frame that has just left the p2m: memory is freed, a table stays. */
void mem_drop(struct hv_dom *d, struct hv_frame *f)
{
	if (f->run->kind != HV_RUN_GNTTAB && f->run != d->shared_info)
		frame_free(f);
}

/* Whoever takes it out of the p2m has the right to drop it. */
static int mem_take(struct hv_dom *d, uint64_t gfn, struct hv_frame **f)
{
	*f = p2m_get(d, gfn);
	if (!*f)
		return -ENOENT;
	if (d->life != LIFE_ALIVE)
		return -EINVAL;
	p2m_clear(d, gfn);
	if (gfn < d->hint)
		d->hint = gfn;
	return 0;
}

int hv_mem_remove(struct hv_dom *d, uint64_t gfn)
{
	struct hv_frame *f;
	int r;

	hv_lock(&d->mem_lock);
	r = mem_take(d, gfn, &f);
	hv_unlock(&d->mem_lock);
	if (r)
		return r;
	mem_drop(d, f);
	check_after(d->hv);
	return 0;
}

/*
 * mem_move: enter @f at @gfn, and nowhere else.  Memory that was there is
 * freed, as Xen does.  -ENOMEM, and nothing has changed.
 */
int mem_move(struct hv_dom *d, struct hv_frame *f, uint64_t gfn)
{
	struct hv_frame *was = p2m_get(d, gfn);
	uint32_t old = f->gfn;
	int r;

	if (was == f)
		return 0;
	if (was) {
		p2m_replace(d, gfn, f);
	} else {
		r = p2m_set(d, gfn, f);
		if (r)
			return r;
	}
	if (old != HV_GFN_NONE) {
		p2m_clear(d, old);
		f->gfn = (uint32_t)gfn;
		if (old < d->hint)
			d->hint = old;
	}
	if (was)
		mem_drop(d, was);
	return 0;
}

int hv_mem_lookup(struct hv_dom *d, uint64_t gfn, struct hv_page_ref *p)
{
	struct hv_frame *f = p2m_get(d, gfn);

	if (!f)
		return -ENOENT;
	p->run = f->run;
	p->page = frame_page(f);
	return 0;
}

int hv_run_gfn(const struct hv_run *r, uint32_t page, uint64_t *gfn)
{
	const struct hv_frame *f = &r->frames[page];

	if (page >= r->nr || f->gfn == HV_GFN_NONE)
		return -ENOENT;
	*gfn = f->gfn;
	return frame_count(f) > 1 ? -EBUSY : 0;
}

static int split_as(struct hv_dom *d, struct hv_frame *f, enum hv_run_kind kind,
	struct hv_frame **out)
{
	uint64_t gfn = f->gfn;
	struct hv_frame *n;
	struct hv_run *r;
	int err;

	/* whoever maps it now would go on seeing the old page */
	if (frame_count(f) > 1)
		return -EBUSY;
	r = run_new(d, kind, 1, &err);
	if (!r)
		return err;
	n = &r->frames[0];
	err = frame_alloc(n);
	if (err) {
		run_drop(r);
		return err;
	}
	memcpy(frame_va(n), frame_va(f), HV_PAGE_SIZE);
	r->gfn = gfn;
	r->split = true;
	p2m_replace(d, gfn, n);
	frame_free(f);
	*out = n;
	return 0;
}

/* A private page becomes a page of its own that others may map. */
int mem_split(struct hv_dom *d, struct hv_frame *f, struct hv_frame **out)
{
	return split_as(d, f, HV_RUN_SHARE, out);
}

int hv_mem_table(struct hv_dom *d, uint64_t gfn, uint64_t *mfn)
{
	struct hv_frame *f = p2m_get(d, gfn);
	int r;

	if (!f)
		return -ENOENT;
	if (d->life != LIFE_ALIVE || !mfn_wanted(d, f->run->kind) ||
		f->run == d->shared_info)
		return -EINVAL;
	if (!frame_sealed(f)) {
		r = split_as(d, f, HV_RUN_TABLE, &f);
		if (r)
			return r;
	}
	*mfn = frame_mfn(f);
	check_after(d->hv);
	return 0;
}

int hv_mem_mfn(struct hv_dom *d, uint64_t gfn, uint64_t *mfn)
{
	const struct hv_frame *f = p2m_get(d, gfn);

	if (!f || !f->run->mfn)
		return -ENOENT;
	*mfn = frame_mfn(f);
	return 0;
}

int hv_mem_split(struct hv_dom *d, uint64_t gfn, struct hv_page_ref *p)
{
	struct hv_frame *f = p2m_get(d, gfn);
	int r = -EALREADY;

	if (!f)
		return -ENOENT;
	if (d->life != LIFE_ALIVE)
		return -EINVAL;
	if (frame_is_private(f))
		r = mem_split(d, f, &f);
	if (r && r != -EALREADY)
		return r;
	p->run = f->run;
	p->page = frame_page(f);
	check_after(d->hv);
	return r;
}
