/* SPDX-License-Identifier: MIT */
/*
 * frame.c: frames and the runs they live in.
 *
 * A frame is used once: allocated with its run, counted while anybody maps
 * it, and free for ever after.  What the host gets back is the run, when its
 * last frame is free, and before that a hint per page (host->page_free).
 */
#include "hv/core/internal.h"

#include <assert.h>

static size_t run_size(uint32_t nr)
{
	return sizeof(struct hv_run) + (size_t)nr * sizeof(struct hv_frame);
}

struct hv_run *run_new(
	struct hv_dom *d, enum hv_run_kind kind, uint32_t nr, int *err)
{
	struct hv *hv = d->hv;
	struct hv_run *r = hv_alloc(hv, run_size(nr));
	uint32_t i;

	*err = -ENOMEM;
	if (!r)
		return NULL;
	r->hv = hv;
	r->owner = d;
	r->domid = d->domid;
	r->gen = d->gen;
	r->kind = kind;
	r->nr = nr;
	r->frames = (struct hv_frame *)(r + 1);
	for (i = 0; i < nr; i++) {
		r->frames[i].run = r;
		r->frames[i].gfn = HV_GFN_NONE;
	}
	*err = mfn_add(r);
	if (!*err) {
		*err = hv->host->run_new(hv->ctx, r);
		if (*err)
			mfn_del(r);
	}
	if (*err) {
		hv_release(hv, r, run_size(nr));
		return NULL;
	}
	hv_lock(&d->mem_lock);
	r->next = d->runs;
	if (r->next)
		r->next->prev = r;
	d->runs = r;
	hv_unlock(&d->mem_lock);
	(void)hv_add(&hv->nr_runs, 1);
	return r;
}

void run_drop(struct hv_run *r)
{
	struct hv *hv = r->hv;

	if (r->prev)
		r->prev->next = r->next;
	else
		r->owner->runs = r->next;
	if (r->next)
		r->next->prev = r->prev;
	r->owner->stale_pages -= r->stale;
	(void)hv_add(&hv->nr_runs, -1u);
	mfn_del(r);
	hv->host->run_free(hv->ctx, r);
	hv_release(hv, r, run_size(r->nr));
}

void run_put(struct hv_run *r)
{
	assert(r->used > 0);
	if (--r->used == 0 && r->holds == 0)
		run_drop(r);
}

void hv_run_hold(struct hv_run *r)
{
	hv_lock(&r->owner->mem_lock);
	assert(r->holds < HV_COUNT_MAX);
	r->holds++;
	hv_unlock(&r->owner->mem_lock);
	dom_ref(r->owner);
}

void hv_run_put(struct hv_run *r)
{
	struct hv_dom *owner = r->owner;

	hv_lock(&owner->mem_lock);
	assert(r->holds > 0);
	if (--r->holds == 0 && r->used == 0)
		run_drop(r);
	hv_unlock(&owner->mem_lock);
	dom_unref(owner);
}

int frame_alloc(struct hv_frame *f)
{
	struct hv_run *r = f->run;
	struct hv *hv = r->hv;

	assert(!f->page.count && !f->page.owner);
	if (hv_add(&hv->nr_frames, 1) >= hv->limits.max_pages) {
		(void)hv_add(&hv->nr_frames, -1ull);
		return -ENOMEM;
	}
	hv_store_rel(&f->page.owner, PAGE_OWNER(r->domid, r->gen));
	hv_store_rel(&f->page.count, PAGE_ALLOCATED | 1);
	hv_lock(&r->owner->mem_lock);
	r->used++;
	if (r->kind != HV_RUN_GNTTAB)
		r->owner->tot_pages++;
	hv_unlock(&r->owner->mem_lock);
	return 0;
}

/* One more reference on a frame that has one already. */
int frame_get(struct hv_frame *f)
{
	return page_get(&f->run->hv->self, &f->page, NULL);
}

/* A page of a run that stays: without its memory, or on its owner's bill. */
static void page_give_back(struct hv_run *r, struct hv_frame *f)
{
	const struct hv_host *host = r->hv->host;
	struct hv_dom *d = r->owner;

	/* with a dying owner the whole run goes soon enough */
	if (d->life == LIFE_ALIVE && host->page_free &&
		host->page_free(r->hv->ctx, r, frame_page(f)))
		return;
	r->stale++;
	d->stale_pages++;
}

/* pv_ops.freed: the frame's last reference is gone. */
static void frame_freed(struct pv *pv, struct hv_page *p, uint64_t owner)
{
	struct hv_frame *f = frame_of(p);
	struct hv_run *r = f->run;
	struct hv_dom *d = r->owner; /* kept by who had the reference */

	(void)pv;
	assert(owner == PAGE_OWNER(r->domid, r->gen));
	hv_store_rel(&p->count, 0);
	(void)hv_add(&r->hv->nr_frames, -1ull);
	hv_lock(&d->mem_lock);
	if (r->kind != HV_RUN_GNTTAB)
		d->tot_pages--;
	if (r->used > 1 || r->holds)
		page_give_back(r, f);
	run_put(r);
	hv_unlock(&d->mem_lock);
}

static struct hv *hv_of(struct pv *pv)
{
	return (struct hv *)((char *)pv - offsetof(struct hv, pv));
}

static struct hv_page *frame_by_mfn(struct pv *pv, uint64_t mfn)
{
	struct hv_run *r = mfn_run(hv_of(pv), mfn);

	return r ? &r->frames[mfn - r->mfn].page : NULL;
}

static uint64_t page_mfn(struct pv *pv, const struct hv_page *p)
{
	(void)pv;
	return frame_mfn(frame_of(p));
}

static uint64_t *page_words(struct pv *pv, const struct hv_page *p)
{
	(void)pv;
	return (uint64_t *)(void *)frame_va(frame_of(p));
}

static bool page_sealed(struct pv *pv, const struct hv_page *p)
{
	const struct hv_frame *f = frame_of(p);
	struct hv *hv = hv_of(pv);
	uint64_t gfn = f->gfn == HV_GFN_NONE ? HV_INVALID_GFN : f->gfn;

	if (frame_sealed(f))
		return true;
	if (hv->host->table_refused)
		hv->host->table_refused(
			hv->ctx, f->run->owner, gfn, frame_mfn(f));
	return false;
}

/* The cursor is a frame number. */
static struct hv_page *page_owned(
	struct pv *pv, const struct pv_dom *d, uint64_t *cursor)
{
	struct hv_run *r = mfn_next(hv_of(pv), d->id, *cursor);

	if (!r)
		return NULL;
	if (*cursor < r->mfn)
		*cursor = r->mfn;
	return &r->frames[(*cursor)++ - r->mfn].page;
}

const struct pv_ops frame_pv_ops = {
	.page = frame_by_mfn,
	.mfn = page_mfn,
	.words = page_words,
	.freed = frame_freed,
	.owned = page_owned,
	.sealed = page_sealed,
};

void frame_put(struct hv_frame *f)
{
	page_put(&f->run->hv->self, &f->page);
}

int frame_get_type(struct hv_frame *f, enum hv_type t)
{
	return page_get_type(&f->run->hv->self, &f->page, t, 0);
}

void frame_put_type(struct hv_frame *f)
{
	(void)page_put_type(&f->run->hv->self, &f->page, 0);
}

/* The owner gives the frame up; it stays while others map it. */
void frame_free(struct hv_frame *f)
{
	int r;

	f->gfn = HV_GFN_NONE;
	r = page_unassign(&f->run->hv->self, &f->page);
	assert(r == 0);
	(void)r;
}
