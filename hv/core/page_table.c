/* SPDX-License-Identifier: MIT */
/*
 * page_table.c: the loops over the slots of a table, and what a slot holds.
 *
 * DOC: what is stored when a loop stops at slot i
 *
 * Promotion.  pf_in: slot i was partial when the loop came to it.
 *   slot i says   nrv  pf                      the loop says
 *   -ERESTART     i    1                       -ERESTART
 *   -EINTR        i    pf_in                   -ERESTART; -EINTR if nothing
 *                                              is held (i 0, not pf_in)
 *   another, and something is held (i > 0, pf_in, or the child is the
 *   vCPU's pending put, which the slot takes over):
 *                 i    1 if taken over; pf_in.  The table becomes the
 *                      pending put, partial; the error
 *   another, and nothing is held: nothing stored, the error
 *
 * Demotion.
 *   -ERESTART     i          1      -ERESTART
 *   -EINTR        i + !pf_in pf_in  -ERESTART; -EINTR if it is untouched
 *                                   (i last, not pf_in)
 *
 * An L1 is promoted and demoted in one go: its children have no children.  It
 * costs what its slots cost, as a descriptor page does, or a call would do the
 * work of thousands of them before it is asked to stop.
 */
#include "hv/core/page_ref.h"

/* Q4: a slot of each level that has tables below it, then a poll. */
static void worked(struct pv_vcpu *v)
{
	hv_bug_if(++v->since_poll >= v->pv->levels, "Q4: work without a poll");
}

static bool poll_stop(struct pv_vcpu *v)
{
	if (hv_fault(HV_FAULT_NO_POLL))
		return false;
	v->since_poll = 0;
	return hv_preempt(&v->budget);
}

HV_HOT int leaf_get(
	struct pv_vcpu *v, struct hv_page *p, uint64_t e, uint64_t owner)
{
	int r;

	if (!p || page_get_for(v, p, owner))
		return -EINVAL;
	if (!(e & PTE_RW))
		return 0;
	r = page_get_as(v, p, HV_TYPE_WRITABLE, 0);
	if (r)
		page_put(v, p);
	else if (pte_noncoherent(e) && !hv_fault(HV_FAULT_NC_UNNOTED))
		page_note_noncoherent(p);
	return r;
}

HV_HOT void leaf_put(struct pv_vcpu *v, struct hv_page *p, uint64_t e)
{
	if (e & PTE_RW)
		page_put_writable(v, p);
	page_put_ref(v, p);
}

/* Does the caller's general reference stay with the child? */
static bool child_keeps(struct pv_vcpu *v, const struct hv_page *p,
	const struct pt_where *w, int r)
{
	if (r == 0 || w->partial)
		return true;
	if (r == -ERESTART)
		return w->retain && !hv_fault(HV_FAULT_PARTIAL_NO_REF);
	return r != -EINTR && v->pending.page == p;
}

int pt_get(struct pv_vcpu *v, uint64_t e, const struct pt_where *w)
{
	unsigned int flags = PAGE_PREEMPT;
	struct hv_page *p;
	int r;

	if (!(e & PTE_PRESENT))
		return 0;
	if (!pte_bits_ok(e, w->level))
		return -EINVAL;
	if (w->level == HV_TYPE_L1)
		return leaf_get(v, pv_page(v->pv, PTE_MFN(e)), e,
			w->owner ? w->owner->id : 0);
	p = pv_page(v->pv, PTE_MFN(e));
	if (!p || (!w->partial && page_get(v, p, w->owner)))
		return -EINVAL;
	if (v->pv->explicit_pins && !hv_fault(HV_FAULT_EXPLICIT_DOWN))
		flags |= PAGE_NOPROMOTE;
	r = page_get_type(v, p, w->level - 1, flags);
	if (!child_keeps(v, p, w, r))
		page_put(v, p);
	return r;
}

int pt_put(struct pv_vcpu *v, uint64_t e, const struct pt_where *w)
{
	unsigned int flags = PAGE_PREEMPT;
	struct hv_page *p;
	int r;

	if (!(e & PTE_PRESENT))
		return 0;
	p = pv_page(v->pv, PTE_MFN(e));
	if (w->level == HV_TYPE_L1) {
		leaf_put(v, p, e);
		return 0;
	}
	if (w->partial)
		flags |= PAGE_PARTIAL | PAGE_AS(w->level - 1);
	r = page_put_type(v, p, flags);
	if (r == 0)
		page_put(v, p);
	return r;
}

/* ---- promotion ----------------------------------------------------------- */

/* A code or data segment of the guest's own privilege, or not present; the
 * rest (gates, TSS, LDT) would be the hypervisor's.  A 32-bit guest's kernel
 * runs in ring 1, so ring 0 alone is refused; a 64-bit one's in ring 3. */
static bool descriptor_ok(const struct pv_dom *d, uint64_t x)
{
	unsigned int dpl = x >> 45 & 3;
	bool code = x >> 43 & 1, lng = x >> 53 & 1, db = x >> 54 & 1;

	if (!(x >> 47 & 1))
		return true;
	if (!(x >> 44 & 1))
		return false;
	if (d->bits == 32)
		return dpl != 0 && !(code && lng);
	return dpl == 3 && !(code && lng && db);
}

static int promote_segdesc(struct pv_vcpu *v, struct hv_page *p)
{
	const struct pv_dom *d = pv_dom_of(v->pv, hv_load(&p->owner));
	unsigned int i;

	hv_spend(&v->budget, v->pv->slots);
	for (i = 0; i < v->pv->slots; i++) {
		if (!d || !descriptor_ok(d, pv_slot_read(v->pv, p, i)))
			return -EINVAL;
	}
	return 0;
}

/* What the loops over an L1 need again and again; in registers. */
struct l1 {
	struct pv *pv;
	struct hv_page *pages;
	const uint64_t *words; /* NULL: there is a cache model */
	uint64_t nr_pages;
};

static struct l1 l1_of(struct pv *pv, struct hv_page *p)
{
	return (struct l1){.pv = pv,
		.pages = pv->pages,
		.nr_pages = pv->pages ? pv->nr_pages : 0,
		.words = pv->cache ? NULL : pv->ops->words(pv, p)};
}

HV_HOT uint64_t l1_read(const struct l1 *t, struct hv_page *p, unsigned int i)
{
	if (!t->words)
		return pv_slot_read(t->pv, p, i);
	hv_point_at(HV_POINT_LOAD, &p->type);
	return __atomic_load_n(&t->words[i], __ATOMIC_ACQUIRE);
}

HV_HOT struct hv_page *l1_page(const struct l1 *t, uint64_t e)
{
	uint64_t mfn = PTE_MFN(e);

	return mfn < t->nr_pages ? &t->pages[mfn] : pv_page(t->pv, mfn);
}

/* Give slots [0, n) of an L1 back. */
static void demote_l1(struct pv_vcpu *v, struct hv_page *p, unsigned int n)
{
	const struct l1 t = l1_of(v->pv, p);
	uint64_t e;

	hv_spend(&v->budget, n);
	while (n-- > 0) {
		e = l1_read(&t, p, n);
		if (e & PTE_PRESENT)
			leaf_put(v, l1_page(&t, e), e);
	}
}

static int promote_l1(struct pv_vcpu *v, struct hv_page *p, uint64_t owner)
{
	const struct l1 t = l1_of(v->pv, p);
	unsigned int i, n = v->pv->slots;
	uint64_t e;
	int r;

	if (hv_fault(HV_FAULT_RESTART_UNTOUCHED) && hv_preempt(&v->budget))
		return -ERESTART;
	hv_spend(&v->budget, n);
	for (i = 0; i < n; i++) {
		e = l1_read(&t, p, i);
		if (!(e & PTE_PRESENT))
			continue;
		r = pte_bits_ok(e, HV_TYPE_L1)
			    ? leaf_get(v, l1_page(&t, e), e, owner)
			    : -EINVAL;
		if (r) {
			demote_l1(v, p, i);
			return r;
		}
	}
	return 0;
}

static int promote_error(
	struct pv_vcpu *v, struct hv_page *p, unsigned int i, bool pf, int r)
{
	uint64_t e = pv_slot_read(v->pv, p, i);
	bool nested = v->pending.page &&
		      v->pending.page == pv_page(v->pv, PTE_MFN(e));

	/*
	 * A child in slot 0 that is the pending put is handed over as well:
	 * a table above, with slots of its own, needs that place.
	 */
	if (i == 0 && !pf && (!nested || hv_fault(HV_FAULT_NESTED_FIRST)))
		return r;
	if (hv_fault(HV_FAULT_ERROR_DROPS_PF))
		pf = false;
	p->nrv = (uint16_t)i;
	p->pf = pf || (nested && !hv_fault(HV_FAULT_NESTED_IGNORED));
	if (hv_fault(HV_FAULT_NESTED_SKIPS) && nested) {
		p->nrv++;
		p->pf = 0;
	}
	/* get_done() makes the page partial */
	v->pending.page = p;
	v->pending.partial = 1;
	return r;
}

static int promote_stop(
	struct pv_vcpu *v, struct hv_page *p, unsigned int i, bool pf, int r)
{
	bool held = i > 0 || pf;

	if (r != -ERESTART && r != -EINTR)
		return promote_error(v, p, i, pf, r);
	p->nrv = (uint16_t)i;
	if (r == -ERESTART) {
		p->pf = 1;
		return r;
	}
	if (hv_fault(HV_FAULT_STICKY_PROMOTE))
		pf = false;
	if (hv_fault(HV_FAULT_STICKY_PROMOTE_0))
		held = i > 0;
	if (!hv_fault(HV_FAULT_PREEMPT_SETS_PF))
		p->pf = pf;
	return held ? -ERESTART : -EINTR;
}

int page_promote(struct pv_vcpu *v, struct hv_page *p, enum hv_type t)
{
	struct pt_where w = {.level = t, .retain = true};
	unsigned int i, first = p->nrv;
	int r;

	if (t == HV_TYPE_SEGDESC)
		return promote_segdesc(v, p);
	w.owner = pv_dom_of(v->pv, hv_load(&p->owner));
	if (!type_is_table(t) || !w.owner)
		return -EINVAL;
	if (t == HV_TYPE_L1)
		return promote_l1(v, p, w.owner->id);
	w.partial = p->pf;
	for (i = first; i < v->pv->slots; i++, w.partial = false) {
		if (i > first && poll_stop(v))
			r = -EINTR;
		else
			r = pt_get(v, pv_slot_read(v->pv, p, i), &w);
		worked(v);
		if (r)
			return promote_stop(v, p, i, w.partial, r);
	}
	return 0;
}

/* ---- demotion ------------------------------------------------------------ */

static int demote_stop(
	struct pv_vcpu *v, struct hv_page *p, unsigned int i, bool pf, int r)
{
	bool touched = i + 1u < v->pv->slots || pf;

	if (r == -ERESTART) {
		p->nrv = (uint16_t)i;
		p->pf = 1;
		return r;
	}
	if (hv_fault(HV_FAULT_STICKY_DEMOTE_LAST))
		touched = i + 1u < v->pv->slots;
	if (hv_fault(HV_FAULT_STICKY_DEMOTE))
		pf = false;
	p->nrv = (uint16_t)(i + !pf);
	p->pf = pf;
	return touched ? -ERESTART : -EINTR;
}

int page_demote(struct pv_vcpu *v, struct hv_page *p, enum hv_type t)
{
	struct pt_where w = {.level = t, .partial = p->pf};
	unsigned int n = p->nrv + p->pf, i, first = n;
	int r;

	if (t == HV_TYPE_L1) {
		demote_l1(v, p, n);
		return 0;
	}
	for (; n > 0; n--, w.partial = false) {
		i = n - 1;
		if (n < first && poll_stop(v))
			r = -EINTR;
		else
			r = pt_put(v, pv_slot_read(v->pv, p, i), &w);
		worked(v);
		if (r)
			return demote_stop(v, p, i, w.partial, r);
	}
	return 0;
}
