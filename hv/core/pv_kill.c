/* SPDX-License-Identifier: MIT */
/*
 * pv_kill.c: the end of a domain's memory.
 *
 * Each stage can stop and be entered again.  Pages go by level from the top,
 * so that a table is demoted before its children are looked at; without
 * linear tables there are no circles to break.
 */
#include "hv/core/page_int.h"

enum {
	KILL_BEGIN,
	KILL_GRANTS,
	KILL_VCPUS,
	KILL_TABLES, /* levels - 1 more stages, from the top down to L1 */
	KILL_PAGES = KILL_TABLES + 4,
	KILL_DONE,
};

/* No call of the domain's own is half-way when its memory goes. */
static void kill_begin(struct pv_vcpu *v, struct pv_dom *d)
{
	struct pv_vcpu *x;

	(void)hv_cas(&d->dying, 0, 1);
	/* as in pv_enter() and page_assign() */
	hv_fence();
	if (hv_fault(HV_FAULT_KILL_NO_WAIT))
		return;
	for (x = v->pv->vcpus; x; x = x->next) {
		while (x->dom == d && x != v && hv_load(&x->busy))
			hv_point_at(HV_POINT_WAIT, &x->busy);
	}
}

static int kill_vcpu(struct pv_vcpu *v, struct pv_vcpu *x)
{
	int r;

	do {
		x->budget = v->budget;
		r = pv_settle(x);
		v->budget = x->budget;
		if (r)
			return r;
		pv_vcpu_roots(x);
	} while (x->pending.page);
	return 0;
}

static int kill_vcpus(struct pv_vcpu *v, struct pv_dom *d)
{
	struct pv_vcpu *x;
	int r;

	for (x = v->pv->vcpus; x; x = x->next) {
		r = x->dom == d ? kill_vcpu(v, x) : 0;
		if (r)
			return r;
	}
	pv_tlb_flush(v->pv, d);
	return 0;
}

static int kill_pin(struct pv_vcpu *v, struct hv_page *p)
{
	int r;

	if (!(hv_and(&p->type, ~PAGE_PINNED) & PAGE_PINNED))
		return 0;
	v->since_poll = 0;
	r = page_put_type(v, p, PAGE_PREEMPT);
	/* only what is as before is pinned as before */
	if (r == -EINTR ||
		(r == -ERESTART && hv_fault(HV_FAULT_TEARDOWN_REPIN))) {
		hv_or(&p->type, PAGE_PINNED);
		return -ERESTART;
	}
	page_put(v, p);
	return r;
}

static int kill_partial(struct pv_vcpu *v, struct hv_page *p)
{
	v->since_poll = 0;
	return page_put_type(v, p, PAGE_PREEMPT | PAGE_PARTIAL);
}

static int kill_table(struct pv_vcpu *v, struct hv_page *p, enum hv_type level)
{
	int r = 0;

	if (PAGE_TYPE(hv_load(&p->type)) == level) {
		r = kill_pin(v, p);
		if (r == 0)
			r = kill_partial(v, p);
	}
	return r ? -ERESTART : 0;
}

/* One pass over the pages, at @level or (NONE) to give them up. */
static int kill_pass(struct pv_vcpu *v, struct pv_dom *d, enum hv_type level)
{
	uint64_t at = d->kill_next;
	struct hv_page *p;
	int r;

	while ((p = v->pv->ops->owned(v->pv, d, &at))) {
		r = page_get(v, p, d);
		if (r == 0) {
			if (level != HV_TYPE_NONE)
				r = kill_table(v, p, level);
			else
				(void)page_unassign(v, p);
			page_put(v, p);
		}
		/* a page that is not done is looked at again */
		if (r == -ERESTART)
			return r;
		d->kill_next = at;
		if (hv_preempt(&v->budget))
			return -ERESTART;
	}
	d->kill_next = 0;
	return 0;
}

static int kill_stage(struct pv_vcpu *v, struct pv_dom *d)
{
	unsigned int top = v->pv->levels, n;

	switch (d->kill_stage) {
	case KILL_BEGIN: kill_begin(v, d); return 0;
	case KILL_GRANTS: pv_grants_drop(v, d); return 0;
	case KILL_VCPUS: return kill_vcpus(v, d);
	case KILL_PAGES: return kill_pass(v, d, HV_TYPE_NONE);
	default: break;
	}
	n = d->kill_stage - KILL_TABLES;
	if (n >= top)
		return 0;
	return kill_pass(v, d, (enum hv_type)(HV_TYPE_L1 + top - 1 - n));
}

static int kill_until(struct pv_vcpu *v, struct pv_dom *d, uint8_t stage)
{
	int r;

	while (d->kill_stage < stage) {
		r = kill_stage(v, d);
		if (r)
			return r;
		d->kill_stage++;
	}
	return 0;
}

int pv_kill_tables(struct pv_vcpu *v, struct pv_dom *d)
{
	return kill_until(v, d, KILL_PAGES);
}

int pv_kill(struct pv_vcpu *v, struct pv_dom *d)
{
	int r = kill_until(v, d, KILL_DONE);

	if (r)
		return r;
	if (!hv_load(&d->pages))
		(void)hv_cas(&d->dying, 1, 2);
	return 0;
}
