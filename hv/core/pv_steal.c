/* SPDX-License-Identifier: MIT */
/*
 * pv_steal.c: pages that leave their owner.
 *
 * DOC: stealing
 *
 * A page changes hands only when nobody else has a reference, and in one
 * step: with a reference of our own (so that the owner, once looked at, stays
 * the owner) the count goes from {allocated, 2} to claimed.  From then on
 * nobody can get one.  What the old owner's rules said about the contents is
 * worth nothing to the new owner: the type word goes, V with it.
 */
#include "hv/core/page_int.h"

/* The same without a reference: the owner may change after the look. */
static int claim_unsafe(struct hv_page *p, const struct pv_dom *d)
{
	if (hv_load(&p->owner) != d->id ||
		!hv_cas(&p->count, PAGE_ALLOCATED | 1, PAGE_CLAIMED))
		return -EINVAL;
	return 0;
}

static int claim(struct pv_vcpu *v, struct hv_page *p, const struct pv_dom *d)
{
	if (hv_fault(HV_FAULT_STEAL_NO_REF))
		return claim_unsafe(p, d);
	if (page_get(v, p, d))
		return -EINVAL;
	if (hv_cas(&p->count, PAGE_ALLOCATED | 2, PAGE_CLAIMED))
		return 0;
	page_put(v, p);
	return -EINVAL;
}

int pv_steal(struct pv_vcpu *v, struct hv_page *p, struct pv_dom *d)
{
	int r = claim(v, p, d);

	if (r)
		return r;
	hv_bug_if(hv_load(&p->owner) != d->id,
		"S9: the owner changed under the thief");
	hv_bug_if(PAGE_COUNT(hv_load(&p->type)),
		"a stolen page whose type is in use");
	page_scrub_state(v->pv, p);
	if (!hv_fault(HV_FAULT_STEAL_KEEPS_TYPE))
		hv_store_rel(&p->type, 0);
	hv_store_rel(&p->owner, 0);
	dom_uncharge(d);
	return 0;
}

int pv_transfer(struct pv_vcpu *v, uint64_t mfn, struct pv_dom *to)
{
	struct hv_page *p = pv_page(v->pv, mfn);
	int r = pv_enter(v);

	if (r)
		return r;
	r = p ? pv_steal(v, p, v->dom) : -EINVAL;
	/* from here on the caller has lost it, whatever happens */
	if (r == 0)
		r = page_assign(v, p, to);
	return (int)pv_leave(v, r);
}

int pv_decrease(struct pv_vcpu *v, uint64_t mfn)
{
	struct hv_page *p = pv_page(v->pv, mfn);
	int r = pv_enter(v);

	if (r)
		return r;
	if (!p || page_get(v, p, v->dom))
		return (int)pv_leave(v, -EINVAL);
	r = page_unassign(v, p);
	page_put(v, p);
	return (int)pv_leave(v, r);
}

/* One page for another.  Prepared before anything is given up. */
static int exchange_one(struct pv_vcpu *v, uint64_t in, uint64_t out_va)
{
	struct hv_page *p = pv_page(v->pv, in), *new = NULL;
	int r;

	if (!p)
		return -EINVAL;
	if (v->pv->ops->alloc)
		new = v->pv->ops->alloc(v->pv);
	if (!new)
		return -ENOMEM;
	r = pv_steal(v, p, v->dom);
	if (r) {
		v->pv->ops->freed(v->pv, new, 0);
		return r;
	}
	v->pv->ops->freed(v->pv, p, 0);
	r = page_assign(v, new, v->dom);
	return r ? r : pv_put_user(v, out_va, v->pv->ops->mfn(v->pv, new));
}

/* All that is still to be written, and nothing else. */
static bool out_ok(
	const struct pv *pv, uint64_t out_va, uint32_t nr, uint32_t done)
{
	uint64_t at = out_va + 8ull * done, len = 8ull * (nr - done);

	if (hv_fault(HV_FAULT_EXCHANGE_RANGE))
		at = out_va;
	return at >= out_va && pv_user_ok(pv, at, len);
}

int pv_exchange(struct pv_vcpu *v, const uint64_t *in, uint32_t nr,
	uint64_t out_va, uint32_t *done)
{
	int r;

	if (*done > nr || (out_va & 7))
		return -EINVAL;
	if (!out_ok(v->pv, out_va, nr, *done))
		return -EFAULT;
	r = pv_enter(v);
	if (r)
		return r;
	while (r == 0 && *done < nr) {
		r = exchange_one(v, in[*done], out_va + 8ull * *done);
		if (r)
			break;
		(*done)++;
		if (*done < nr && hv_preempt(&v->budget))
			r = -ERESTART;
	}
	return (int)pv_leave(v, r);
}
