/* SPDX-License-Identifier: MIT */
/*
 * page.c: owners, general counts and the lock of a table.
 */
#include "hv/core/page_ref.h"

/* As page_get(), of a page that the caller holds already. */
void page_get_again(struct hv_page *p)
{
	uint64_t x;

	do {
		x = hv_load(&p->count);
		hv_bug_if(!PAGE_COUNT(x), "a reference to a free page");
	} while (!hv_cas(&p->count, x, x + 1));
}

static int dom_charge(struct pv_dom *d)
{
	uint64_t x;

	do {
		x = hv_load(&d->pages);
		if (d->max_pages && x >= d->max_pages)
			return -ENOMEM;
	} while (!hv_cas(&d->pages, x, x + 1));
	return 0;
}

int page_assign(struct pv_vcpu *v, struct hv_page *p, struct pv_dom *d)
{
	int r;

	hv_bug_if(hv_load(&p->count) != PAGE_CLAIMED,
		"a page that nobody has claimed is assigned");
	r = hv_load(&d->dying) ? -ESRCH : dom_charge(d);
	if (r) {
		v->pv->ops->freed(v->pv, p, 0);
		return r;
	}
	/* the owner first: a count without an owner would be anybody's; and a
	 * reference of our own, for the kill may free the page at once */
	hv_store_rel(&p->owner, d->id);
	hv_store_rel(&p->count, PAGE_ALLOCATED | 2);
	hv_fence();
	if (hv_load(&d->dying) && !hv_fault(HV_FAULT_ASSIGN_LATE)) {
		/* the kill may have looked at it before it was @d's */
		(void)page_unassign(v, p);
		r = -ESRCH;
	}
	page_put(v, p);
	return r;
}

int page_unassign(struct pv_vcpu *v, struct hv_page *p)
{
	if (!(hv_and(&p->count, ~PAGE_ALLOCATED) & PAGE_ALLOCATED))
		return -EINVAL;
	page_put(v, p);
	return 0;
}

int page_get(struct pv_vcpu *v, struct hv_page *p, const struct pv_dom *d)
{
	return page_get_for(v, p, d ? d->id : 0);
}

void page_scrub_state(struct pv *pv, struct hv_page *p)
{
	/* what was mapped read-only has left no trace in the type */
	if (!hv_fault(HV_FAULT_FREE_NO_FLUSH))
		pv_tlb_flush(pv, NULL);
	if ((hv_load(&p->type) & PAGE_NONCOH) &&
		!hv_fault(HV_FAULT_NC_NO_FREE_FLUSH))
		pv_cache_flush(pv, p);
}

void page_release(struct pv_vcpu *v, struct hv_page *p)
{
	uint64_t t = hv_load(&p->type), owner = hv_load(&p->owner);

	hv_bug_if(PAGE_COUNT(t), "a page is freed whose type is in use");
	hv_bug_if(t & (PAGE_PINNED | PAGE_PARTIALLY | PAGE_LOCKED),
		"a page is freed that is pinned, partial or locked");
	page_scrub_state(v->pv, p);
	hv_store_rel(&p->type, 0);
	hv_store_rel(&p->owner, 0);
	v->pv->ops->freed(v->pv, p, owner);
}

void page_put(struct pv_vcpu *v, struct hv_page *p)
{
	page_put_ref(v, p);
}

void page_note_noncoherent(struct hv_page *p)
{
	if (!(hv_load(&p->type) & PAGE_NONCOH))
		hv_or(&p->type, PAGE_NONCOH);
}

bool page_lock(struct pv_vcpu *v, struct hv_page *p)
{
	uint64_t x;

	(void)v;
	for (;;) {
		x = hv_load(&p->type);
		if (!(x & PAGE_VALID) || !PAGE_COUNT(x) ||
			!type_is_table(PAGE_TYPE(x)) ||
			PAGE_COUNT(x) == PAGE_COUNT_MAX)
			return false;
		if (x & PAGE_LOCKED)
			page_wait(p);
		else if (hv_cas(&p->type, x, (x + 1) | PAGE_LOCKED))
			return true;
	}
}

void page_unlock(struct hv_page *p)
{
	uint64_t x;

	do {
		x = hv_load(&p->type);
		/* page_put_type() leaves the last but one reference alone */
		hv_bug_if(!(x & PAGE_LOCKED) || PAGE_COUNT(x) < 2,
			"a lock that held the last type reference");
	} while (!hv_cas(&p->type, x, (x - 1) & ~PAGE_LOCKED));
}
