/* SPDX-License-Identifier: MIT */
/*
 * destroy.c: how a domain dies.
 *
 * DOC: order
 *
 * Event channels first, so that nobody is signalled by a half-dead domain;
 * then what the domain holds of others (mappings, foreign references), which
 * may free zombies; what its page tables hold; its own frames last.  Each
 * step keeps its place in the domain and stops when the budget is used up.
 * Frames that others still map stay, and with them the struct: a zombie.  The
 * grant table goes with the struct, because an unmap writes to it.
 */
#define HV_OWN_WORDS 1 /* no guest writes any of them */
#include "hv/core/internal.h"

static int kill_evtchn(struct hv_dom *d, uint32_t *budget)
{
	return evtchn_close_all(d, &d->cursor, budget);
}

/* Hold the next run, so that it stays while its frames go. */
static void frames_next_run(struct hv_dom *d, struct hv_run *r)
{
	while (r && r->kind == HV_RUN_GNTTAB)
		r = r->next;
	d->kill_run = r;
	d->cursor = 0;
	if (r)
		r->used++;
}

static int kill_frames(struct hv_dom *d, uint32_t *budget)
{
	struct hv_run *r, *next;
	struct hv_frame *f;

	evtchn_unshare(d);
	if (!d->kill_run) {
		hv_lock(&d->mem_lock);
		frames_next_run(d, d->runs);
		hv_unlock(&d->mem_lock);
	}
	while ((r = d->kill_run)) {
		for (; d->cursor < r->nr; d->cursor++) {
			if (hv_preempt(budget))
				return -ERESTART;
			f = &r->frames[d->cursor];
			if (!frame_allocated(f))
				continue;
			hv_lock(&d->mem_lock);
			if (f->gfn != HV_GFN_NONE)
				p2m_clear(d, f->gfn);
			hv_unlock(&d->mem_lock);
			frame_free(f);
		}
		hv_lock(&d->mem_lock);
		next = r->next;
		run_put(r);
		/* held now, before anything else can happen to it */
		frames_next_run(d, next);
		hv_unlock(&d->mem_lock);
	}
	/* what is left in the p2m is the grant table, where it was entered */
	r = d->gt.run;
	for (uint32_t i = 0; i < d->gt.nr_frames; i++)
		if (r->frames[i].gfn != HV_GFN_NONE)
			p2m_clear(d, r->frames[i].gfn);
	return 0;
}

/* The struct and all that went with it. */
static void dom_free(struct hv_dom *d)
{
	struct hv *hv = d->hv;

	hv_bug_if(hv_load(&d->refs) || d->life != LIFE_DEAD,
		"a domain is freed that is in use");
	/* first of all nobody finds it any more */
	hv_lock(&hv->dom_lock);
	dom_remove(d);
	hv_unlock(&hv->dom_lock);
	(void)hv_add(&hv->nr_dead, -1u);
	gnt_fini(d);
	evtchn_fini(d);
	slots_fini(hv, &d->maps);
	slots_fini(hv, &d->foreign);
	hv_bug_if(d->p2m || d->runs || d->tot_pages,
		"a domain is freed that owns something");
	virq_raise(hv, VIRQ_DOM_EXC);
	dom_event(d, HV_DOM_FREED);
	hv_release(hv, d, sizeof(*d));
}

void dom_ref(struct hv_dom *d)
{
	(void)hv_add(&d->refs, 1);
}

/* Not if the last one has gone. */
static bool ref_try(struct hv_dom *d)
{
	uint32_t n;

	do {
		n = hv_load(&d->refs);
		if (!n)
			return false;
	} while (!hv_cas(&d->refs, n, n + 1));
	return true;
}

struct hv_dom *dom_get_by(struct hv *hv, uint32_t domid)
{
	struct hv_dom *d;

	hv_lock(&hv->dom_lock);
	d = hv_dom_find(hv, domid);
	if (d && !hv_fault(HV_FAULT_DOM_BARE) && !ref_try(d))
		d = NULL;
	hv_unlock(&hv->dom_lock);
	return d;
}

struct hv_dom *dom_get(struct hv_dom *caller, uint32_t domid)
{
	return dom_get_by(
		caller->hv, domid == DOMID_SELF ? caller->domid : domid);
}

struct hv_dom *dom_get_of(struct hv *hv, struct hv_instance i)
{
	struct hv_dom *d = i.gen ? dom_get_by(hv, i.domid) : NULL;

	if (!d || d->gen == i.gen)
		return d;
	dom_put(d);
	return NULL;
}

void dom_put(struct hv_dom *d)
{
	if (!hv_fault(HV_FAULT_DOM_BARE))
		dom_unref(d);
}

void dom_unref(struct hv_dom *d)
{
	uint32_t was = hv_add(&d->refs, -1u);

	hv_bug_if(!was, "a reference of a domain that nobody has");
	if (hv_fault(HV_FAULT_DOM_LAST_TWICE))
		was = hv_load(&d->refs) + 1;
	/* only the one that took the last one may look at it again */
	if (was == 1)
		dom_free(d);
}

static void kill_begin(struct hv_dom *d)
{
	/* who opens a port in it now, or maps something, has done so, or will
	 * not */
	hv_lock(&d->ev.lock);
	hv_lock(&d->map_lock);
	hv_store_rel(&d->life, LIFE_DYING);
	hv_unlock(&d->map_lock);
	hv_unlock(&d->ev.lock);
	d->step = KILL_EVTCHN;
	d->cursor = 0;
	virq_forget(d);
	dom_event(d, HV_DOM_DYING);
}

static int kill_step(struct hv_dom *d, uint32_t *budget)
{
	switch (d->step) {
	case KILL_EVTCHN: return kill_evtchn(d, budget);
	case KILL_MAPS: return gnt_release_maps(d, budget);
	case KILL_FOREIGN: return foreign_release(d, budget);
	case KILL_TABLES: return dom_pv_kill(d, budget);
	case KILL_FRAMES: return kill_frames(d, budget);
	case KILL_DONE: break;
	}
	return 0;
}

int hv_dom_destroy(struct hv_dom *d, uint32_t *budget)
{
	struct hv *hv = d->hv;
	int r;

	if (d->life == LIFE_DEAD)
		return 0;
	if (d->life == LIFE_ALIVE)
		kill_begin(d);
	while (d->step != KILL_DONE) {
		r = kill_step(d, budget);
		if (r) {
			check_after(hv);
			return r;
		}
		d->step++;
		d->cursor = 0;
	}
	hv_store_rel(&d->life, LIFE_DEAD);
	(void)hv_add(&hv->nr_dead, 1);
	dom_event(d, HV_DOM_DEAD);
	virq_raise(hv, VIRQ_DOM_EXC);
	dom_unref(d);
	check_after(hv);
	return 0;
}
