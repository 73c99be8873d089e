/* SPDX-License-Identifier: MIT */
/*
 * pv_root.c: the pending put, pins, and the roots of a vCPU.
 */
#include "hv/core/page_int.h"

int pv_settle(struct pv_vcpu *v)
{
	struct pv_pending *pn = &v->pending;
	struct hv_page *p = pn->page;
	int r;

	v->since_poll = 0;
	if (!p)
		return 0;
	r = page_put_type(
		v, p, PAGE_PREEMPT | (pn->partial ? PAGE_PARTIAL : 0));
	v->since_poll = 0;
	if (r == -ERESTART) {
		/* the type reference is P's now */
		pn->partial = !hv_fault(HV_FAULT_ROOT_RETRY);
		return r;
	}
	if (r == -EINTR) {
		/* as before: PARTIAL stays what it was */
		if (hv_fault(HV_FAULT_STICKY_PENDING))
			pn->partial = 0;
		return -ERESTART;
	}
	pn->page = NULL;
	pn->partial = 0;
	page_put(v, p);
	return 0;
}

/* A reference of each kind to @p, of which the vCPU is rid when it settles. */
static void pend(struct pv_vcpu *v, struct hv_page *p)
{
	hv_bug_if(v->pending.page, "two pending puts");
	v->pending.page = p;
	v->pending.partial = 0;
}

/*
 * pv_enter: begin a call.  A domain that is being killed makes no call any
 * more, and pv_kill() waits for those that are being made: each says its part
 * before it looks at the other's.
 */
int pv_enter(struct pv_vcpu *v)
{
	int r;

	if (v->mode != PV_KERNEL && !hv_fault(HV_FAULT_MULTI_MODE))
		return -EPERM;
	hv_or(&v->busy, 1);
	hv_fence();
	r = hv_load(&v->dom->dying) || dom_crashed(v->dom) ? -ESRCH
							   : pv_settle(v);
	if (r)
		hv_store_rel(&v->busy, 0);
	return r;
}

int64_t pv_leave(struct pv_vcpu *v, int64_t r)
{
	v->since_poll = 0;
	hv_store_rel(&v->busy, 0);
	return r == -EINTR ? -ERESTART : r;
}

/* A general and a type reference to frame @mfn of the vCPU's domain. */
static int table_get(
	struct pv_vcpu *v, uint64_t mfn, enum hv_type t, struct hv_page **pp)
{
	struct hv_page *p = pv_page(v->pv, mfn);
	int r;

	if (!p || page_get(v, p, v->dom))
		return -EINVAL;
	r = page_get_type(v, p, t, PAGE_PREEMPT);
	/* the pending put has taken the general reference over */
	if (r && v->pending.page != p)
		page_put(v, p);
	*pp = p;
	return r;
}

static int do_pin(struct pv_vcpu *v, uint64_t mfn, enum hv_type t)
{
	struct hv_page *p;
	int r = table_get(v, mfn, t, &p);

	if (r)
		return r;
	if (hv_or(&p->type, PAGE_PINNED) & PAGE_PINNED) {
		pend(v, p);
		return -EINVAL;
	}
	return 0;
}

int pv_pin(struct pv_vcpu *v, uint64_t mfn, unsigned int level)
{
	int r;

	if (level < 1 || level > v->pv->levels)
		return -EINVAL;
	r = pv_enter(v);
	if (r)
		return r;
	return (int)pv_leave(
		v, do_pin(v, mfn, (enum hv_type)(HV_TYPE_L1 + level - 1)));
}

static int do_unpin(struct pv_vcpu *v, uint64_t mfn)
{
	struct hv_page *p = pv_page(v->pv, mfn);

	if (!p || page_get(v, p, v->dom))
		return -EINVAL;
	if (!(hv_and(&p->type, ~PAGE_PINNED) & PAGE_PINNED)) {
		page_put(v, p);
		return -EINVAL;
	}
	/* the pin's references are the pending put's, ours is not needed */
	pend(v, p);
	page_put(v, p);
	(void)pv_settle(v);
	return 0;
}

int pv_unpin(struct pv_vcpu *v, uint64_t mfn)
{
	int r = pv_enter(v);

	return r ? r : (int)pv_leave(v, do_unpin(v, mfn));
}

static int do_root(struct pv_vcpu *v, uint64_t mfn, bool user)
{
	struct hv_page **root = user ? &v->uroot : &v->kroot, *p = NULL, *old;
	int r;

	if (mfn != PV_NONE) {
		r = table_get(v, mfn, pv_top(v->pv), &p);
		if (r)
			return r;
	} else if (!user) {
		return -EINVAL;
	}
	old = *root;
	*root = p;
	if (!user)
		hv_store_rel(&v->lin, NULL);
	/* a new root is a new address space: no translation survives */
	pv_tlb_flush_one(v);
	if (old) {
		pend(v, old);
		(void)pv_settle(v);
	}
	return 0;
}

int pv_set_root(struct pv_vcpu *v, uint64_t mfn, bool user)
{
	int r = pv_enter(v);

	return r ? r : (int)pv_leave(v, do_root(v, mfn, user));
}

/* ---- the descriptor table ------------------------------------------------ */

static void gdt_drop(struct pv_vcpu *v, struct hv_page **frame, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		(void)page_put_type(v, frame[i], 0);
		page_put(v, frame[i]);
		frame[i] = NULL;
	}
}

static int do_gdt(struct pv_vcpu *v, const uint64_t *mfn, unsigned int nr)
{
	struct hv_page *frame[PV_GDT_FRAMES] = {0};
	unsigned int i;
	int r = 0;

	for (i = 0; i < nr && !r; i++) {
		frame[i] = pv_page(v->pv, mfn[i]);
		if (!frame[i] || page_get(v, frame[i], v->dom)) {
			r = -EINVAL;
			break;
		}
		r = page_get_type(v, frame[i], HV_TYPE_SEGDESC, PAGE_PREEMPT);
		if (r) {
			page_put(v, frame[i]);
			break;
		}
	}
	if (r) {
		gdt_drop(v, frame, i);
		return r;
	}
	gdt_drop(v, v->gdt, v->nr_gdt);
	for (i = 0; i < nr; i++)
		v->gdt[i] = frame[i];
	v->nr_gdt = (uint8_t)nr;
	return 0;
}

int pv_set_gdt(struct pv_vcpu *v, const uint64_t *mfn, unsigned int nr)
{
	int r;

	if (nr > PV_GDT_FRAMES)
		return -EINVAL;
	r = pv_enter(v);
	return r ? r : (int)pv_leave(v, do_gdt(v, mfn, nr));
}

void pv_vcpu_roots(struct pv_vcpu *v)
{
	struct hv_page *p = v->kroot ? v->kroot : v->uroot;

	gdt_drop(v, v->gdt, v->nr_gdt);
	v->nr_gdt = 0;
	if (!p)
		return;
	/* out of the vCPU first: what is parked must not be put twice */
	if (v->kroot)
		v->kroot = NULL;
	else
		v->uroot = NULL;
	hv_store_rel(&v->lin, NULL);
	pend(v, p);
}
