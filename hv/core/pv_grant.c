/* SPDX-License-Identifier: MIT */
/*
 * pv_grant.c: grants in page tables.
 *
 * DOC: who holds what
 *
 * A mapping is a handle (struct pv_grant) and an entry.  Each holds a general
 * reference and, if writable, a type reference: a guest that removes the
 * entry behind the handle's back frees nothing, and a handle is given up
 * only when its entry is gone and no TLB has it any more.
 */
#include "hv/core/page_int.h"

enum { GRANT_CLAIMED = 1, GRANT_MAPPED, GRANT_LEAVING, GRANT_STATE = 3 };

/* Whose a handle is and its state are one word: who finds that it is his has
 * not found out about the one that was there before. */
static uint64_t held_by(const struct pv_dom *d, uint64_t state)
{
	return d->id << 2 | state;
}

static int refs_get(struct pv_vcpu *v, struct hv_page *p, bool rw)
{
	int r = page_get(v, p, NULL);

	if (r || !rw || hv_fault(HV_FAULT_GRANT_NO_TYPE))
		return r;
	r = page_get_type(v, p, HV_TYPE_WRITABLE, PAGE_PREEMPT);
	if (r)
		page_put(v, p);
	return r;
}

static void refs_put(struct pv_vcpu *v, struct hv_page *p, bool rw)
{
	if (rw && !hv_fault(HV_FAULT_GRANT_NO_TYPE))
		(void)page_put_type(v, p, 0);
	page_put(v, p);
}

static struct pv_grant *grant_claim(struct pv *pv, const struct pv_dom *d)
{
	uint32_t i;

	for (i = 0; i < pv->nr_grants; i++) {
		if (!hv_load(&pv->grants[i].held) &&
			hv_cas(&pv->grants[i].held, 0,
				held_by(d, GRANT_CLAIMED)))
			return &pv->grants[i];
	}
	return NULL;
}

/* Who may give it up: one vCPU of the domain that has it. */
static bool grant_leave(struct pv_grant *g, const struct pv_dom *d)
{
	if (hv_fault(HV_FAULT_GRANT_WHO_FIRST)) {
		uint64_t x = g->by == d ? hv_load(&g->held) : 0;

		return (x & GRANT_STATE) == GRANT_MAPPED &&
		       hv_cas(&g->held, x, x | GRANT_LEAVING);
	}
	return hv_cas(
		&g->held, held_by(d, GRANT_MAPPED), held_by(d, GRANT_LEAVING));
}

static uint64_t grant_entry(struct pv *pv, const struct pv_grant *g)
{
	return PTE_OF(pv->ops->mfn(pv, g->page),
		PTE_PRESENT | PTE_USER | (g->rw ? PTE_RW : 0));
}

/* Lock @pt as an L1 of @d's; undone by l1_unlock(). */
static bool l1_lock(struct pv_vcpu *v, struct hv_page *pt, struct pv_dom *d)
{
	if (!pt || page_get(v, pt, d))
		return false;
	if (page_lock(v, pt)) {
		if (PAGE_TYPE(hv_load(&pt->type)) == HV_TYPE_L1)
			return true;
		page_unlock(pt);
	}
	page_put(v, pt);
	return false;
}

static void l1_unlock(struct pv_vcpu *v, struct hv_page *pt)
{
	page_unlock(pt);
	page_put(v, pt);
}

static int entry_install(struct pv_vcpu *v, const struct pv_grant *g)
{
	uint64_t old;
	int r = -EBUSY;

	if (!l1_lock(v, g->pt, v->dom))
		return -EINVAL;
	old = pv_slot_read(v->pv, g->pt, g->slot);
	if (!(old & PTE_PRESENT) &&
		pv_slot_cas(v->pv, g->pt, g->slot, old, grant_entry(v->pv, g)))
		r = 0;
	l1_unlock(v, g->pt);
	return r;
}

static int grant_map(struct pv_vcpu *v, struct pv_grant *g)
{
	int r = refs_get(v, g->page, g->rw);

	if (r)
		return r;
	r = refs_get(v, g->page, g->rw);
	if (r) {
		refs_put(v, g->page, g->rw);
		return r;
	}
	hv_store_rel(&g->held, held_by(g->by, GRANT_MAPPED));
	r = entry_install(v, g);
	if (r) {
		refs_put(v, g->page, g->rw);
		refs_put(v, g->page, g->rw);
	}
	return r;
}

int pv_grant_map(struct pv_vcpu *v, uint64_t pt_mfn, unsigned int slot,
	uint64_t mfn, bool rw, struct pv_grant **g)
{
	struct hv_page *p = pv_page(v->pv, mfn), *pt = pv_page(v->pv, pt_mfn);
	int r;

	if (!p || !pt || slot >= v->pv->slots)
		return -EINVAL;
	r = pv_enter(v);
	if (r)
		return r;
	*g = grant_claim(v->pv, v->dom);
	if (!*g)
		return (int)pv_leave(v, -ENOSPC);
	(*g)->page = p;
	(*g)->by = v->dom;
	(*g)->pt = pt;
	(*g)->slot = slot;
	(*g)->rw = rw;
	r = grant_map(v, *g);
	if (r)
		hv_store_rel(&(*g)->held, 0ull);
	return (int)pv_leave(v, r);
}

static bool entry_remove(struct pv_vcpu *v, const struct pv_grant *g)
{
	uint64_t old;
	bool done = false;

	if (!l1_lock(v, g->pt, g->by))
		return false;
	old = pv_slot_read(v->pv, g->pt, g->slot);
	/* bits that a guest may change are not looked at */
	while (!done && !((old ^ grant_entry(v->pv, g)) & ~PTE_FAST)) {
		done = pv_slot_cas(v->pv, g->pt, g->slot, old, 0);
		if (!done)
			old = pv_slot_read(v->pv, g->pt, g->slot);
	}
	l1_unlock(v, g->pt);
	return done;
}

/* Give up a handle that is GRANT_LEAVING; its entry too if @entry. */
static void grant_release(struct pv_vcpu *v, struct pv_grant *g, bool entry)
{
	if (!hv_fault(HV_FAULT_GRANT_NO_FLUSH))
		pv_tlb_flush(v->pv, g->by);
	if (entry)
		refs_put(v, g->page, g->rw);
	refs_put(v, g->page, g->rw);
	if (hv_fault(HV_FAULT_GRANT_NO_FLUSH))
		pv_tlb_flush(v->pv, g->by);
	hv_store_rel(&g->held, 0ull);
}

int pv_grant_unmap(struct pv_vcpu *v, struct pv_grant *g)
{
	int r = pv_enter(v);

	if (r)
		return r;
	if (!grant_leave(g, v->dom))
		return (int)pv_leave(v, -EINVAL);
	if (entry_remove(v, g)) {
		grant_release(v, g, true);
		return (int)pv_leave(v, 0);
	}
	hv_store_rel(&g->held, held_by(v->dom, GRANT_MAPPED));
	return (int)pv_leave(v, -EINVAL);
}

void pv_grants_drop(struct pv_vcpu *v, const struct pv_dom *d)
{
	struct pv_grant *g;
	uint32_t i;

	for (i = 0; i < v->pv->nr_grants; i++) {
		g = &v->pv->grants[i];
		if (hv_load(&g->held) == held_by(d, GRANT_MAPPED) &&
			grant_leave(g, d))
			grant_release(v, g, entry_remove(v, g));
	}
}

bool pv_granted(
	const struct pv *pv, const struct hv_page *p, const struct pv_dom *by)
{
	uint32_t i;

	for (i = 0; i < pv->nr_grants; i++) {
		const struct pv_grant *g = &pv->grants[i];

		if ((g->held & GRANT_STATE) >= GRANT_MAPPED && g->page == p &&
			g->by == by)
			return true;
	}
	return false;
}
