/* SPDX-License-Identifier: MIT */
/*
 * page_type.c: type references, promotion and demotion.
 *
 * DOC: order of a type change
 *
 * First the word is swapped: from then on the page is locked for validation
 * and nobody else can take it as anything.  Then come the side effects: the
 * TLB flush (a page that was WRITABLE may be written through translations
 * that outlived their entries), the cache flush, the validation.  V last.
 * With the flush first, another vCPU could take the page writable, write,
 * and give it back between flush and swap, and the swap would not see it.
 */
#include "hv/core/page_ref.h"

/* What its guest can write meanwhile must not be validated. */
bool page_unsealed(struct pv *pv, const struct hv_page *p, enum hv_type t)
{
	if (t == HV_TYPE_WRITABLE || t == HV_TYPE_SHARED)
		return false;
	return pv->ops->sealed && !pv->ops->sealed(pv, p);
}

/*
 * The page changes from what @x says to @t, and is locked for validation.
 * What was WRITABLE may have translations left that write it; what was a table
 * may have been read by a walk that has not ended.
 */
void page_type_flush(
	struct pv *pv, struct hv_page *p, uint64_t x, enum hv_type t)
{
	enum hv_type was = PAGE_TYPE(x);
	bool stale = was == HV_TYPE_WRITABLE || type_is_table(was);

	if (hv_fault(HV_FAULT_FLUSH_NEW))
		stale = t == HV_TYPE_WRITABLE;
	if (hv_fault(HV_FAULT_FLUSH_TABLE))
		stale = was == HV_TYPE_WRITABLE;
	if (PAGE_COUNT(x) || was == t || !stale ||
		hv_fault(HV_FAULT_FLUSH_NONE))
		return;
	pv_tlb_flush(pv, pv_dom_of(pv, hv_load(&p->owner)));
}

static void type_effects(
	struct pv *pv, struct hv_page *p, uint64_t x, enum hv_type t)
{
	if (!hv_fault(HV_FAULT_FLUSH_FIRST))
		page_type_flush(pv, p, x, t);
	if (t == HV_TYPE_WRITABLE || !(hv_load(&p->type) & PAGE_NONCOH) ||
		hv_fault(HV_FAULT_NC_NO_FLUSH))
		return;
	/* what is validated must be what the processor will walk */
	pv_cache_flush(pv, p);
	hv_and(&p->type, ~PAGE_NONCOH);
}

static void excl_begin(struct pv_vcpu *v, struct hv_page *p)
{
	hv_bug_if(p->excl, "two vCPUs in a page's exclusive section");
	p->excl = (uint8_t)(v->id + 1);
}

/* Progress is stored; whoever comes next takes over. */
static void type_set_partial(struct hv_page *p)
{
	page_get_again(p);
	p->excl = 0;
	hv_or(&p->type, PAGE_PARTIALLY);
}

/* Nobody but the holder of the exclusive section changes the word now. */
static void type_drop(struct hv_page *p, uint64_t keep)
{
	p->excl = 0;
	hv_store_rel(&p->type, hv_load(&p->type) & keep);
}

static void get_done(struct pv_vcpu *v, struct hv_page *p, uint64_t x, int r)
{
	if (r == 0) {
		p->valid_for = page_valid_for(hv_load(&p->owner));
		p->excl = 0;
		hv_or(&p->type, PAGE_VALID);
	} else if (r == -ERESTART || (r != -EINTR && v->pending.page == p)) {
		type_set_partial(p);
	} else if (hv_fault(HV_FAULT_FAILED_FORGETS)) {
		type_drop(p, TYPE_KEPT);
	} else {
		/* what it is stays, for whoever makes it something else */
		type_drop(p, ~PAGE_COUNT_MAX);
	}
	if (x & PAGE_PARTIALLY)
		page_put(v, p);
}

int page_type_begin(
	struct pv_vcpu *v, struct hv_page *p, uint64_t x, enum hv_type t)
{
	int r = 0;

	excl_begin(v, p);
	type_effects(v->pv, p, x, t);
	if (t != HV_TYPE_SHARED && t != HV_TYPE_WRITABLE) {
		if (!(x & PAGE_PARTIALLY))
			p->nrv = p->pf = 0;
		hv_bug_if(v->pv->explicit_pins && v->promoting,
			"with explicit pins a promotion goes down a level");
		v->promoting++;
		r = page_promote(v, p, t);
		v->promoting--;
	}
	get_done(v, p, x, r);
	return r;
}

void page_type_early(
	struct pv_vcpu *v, struct hv_page *p, uint64_t x, enum hv_type t)
{
	type_effects(v->pv, p, x, t);
}

int page_get_type(struct pv_vcpu *v, struct hv_page *p, enum hv_type t,
	unsigned int flags)
{
	return page_get_as(v, p, t, flags);
}

static void put_done(struct pv_vcpu *v, struct hv_page *p, uint64_t x, int r)
{
	if (r == 0) {
		type_drop(p, ~PAGE_COUNT_MAX);
	} else if (r == -EINTR) {
		p->excl = 0;
		if ((x & PAGE_PARTIALLY) &&
			!hv_fault(HV_FAULT_STICKY_DEMOTE_LAST)) {
			/* as before: P keeps both of its references */
			hv_or(&p->type, PAGE_PARTIALLY);
			return;
		}
		hv_or(&p->type, PAGE_VALID);
	} else {
		if (hv_fault(HV_FAULT_PARTIAL_NO_TYPE))
			hv_store_rel(&p->type, hv_load(&p->type) - 1);
		type_set_partial(p);
	}
	if (x & PAGE_PARTIALLY)
		page_put(v, p);
}

static int put_last(struct pv_vcpu *v, struct hv_page *p, uint64_t x)
{
	int r;

	excl_begin(v, p);
	if (!(x & PAGE_PARTIALLY)) {
		p->nrv = v->pv->slots;
		p->pf = 0;
	}
	r = page_demote(v, p, PAGE_TYPE(x));
	put_done(v, p, x, r);
	return r;
}

/*
 * Is there nothing left of what a call with PAGE_PARTIAL was to clean up?
 * Somebody else may have taken over what P had left to do.  A slot whose child
 * has become a partial table of another level meanwhile leaves it alone: from
 * there the demotion could go down through any number of such tables.
 */
static bool partial_gone(uint64_t x, unsigned int flags)
{
	enum hv_type as = (enum hv_type)(flags >> PAGE_AS_SHIFT);

	if (x & PAGE_PARTIALLY)
		return as != HV_TYPE_NONE && as != PAGE_TYPE(x) &&
		       !hv_fault(HV_FAULT_PARTIAL_ANY_TYPE);
	return !hv_fault(HV_FAULT_PUT_NO_PARTIAL);
}

int page_put_type(struct pv_vcpu *v, struct hv_page *p, unsigned int flags)
{
	bool partial = flags & PAGE_PARTIAL, last;
	uint64_t x;

	for (;;) {
		x = hv_load(&p->type);
		if (partial && partial_gone(x, flags))
			return 0;
		hv_bug_if(!PAGE_COUNT(x), "type count underflow");
		hv_bug_if(!partial && !(x & PAGE_VALID),
			"a type reference to a page that is not validated");
		hv_bug_if((x & PAGE_PARTIALLY) && PAGE_COUNT(x) != 1,
			"more references than its own to a partial page");
		last = PAGE_COUNT(x) == 1 && type_is_table(PAGE_TYPE(x)) &&
		       (x & (PAGE_VALID | PAGE_PARTIALLY));
		if (last) {
			if (hv_cas(&p->type, x,
				    x & ~(PAGE_VALID | PAGE_PARTIALLY)))
				return put_last(v, p, x);
		} else if ((x & PAGE_LOCKED) && PAGE_COUNT(x) == 2 &&
			   !hv_fault(HV_FAULT_LOCK_LAST)) {
			/* page_unlock() does not demote */
			if ((flags & PAGE_PREEMPT) && hv_preempt(&v->budget))
				return -EINTR;
			page_wait(p);
			continue;
		} else if (hv_cas(&p->type, x, x - 1)) {
			return 0;
		}
		if ((flags & PAGE_PREEMPT) && hv_preempt(&v->budget))
			return -EINTR;
	}
}
