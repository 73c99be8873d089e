/* SPDX-License-Identifier: MIT */
/*
 * pv_entry.c: changing an entry of a page table.
 */
#include "hv/core/page_int.h"

/*
 * May the entry change without its references being taken anew?  A list of
 * the bits that may, not of those that may not: what the list forgets costs
 * time, not safety.
 */
static bool is_fast(uint64_t old, uint64_t new)
{
	if (!(old & new &PTE_PRESENT))
		return false;
	if (hv_fault(HV_FAULT_FASTPATH_BLACKLIST))
		return !((old ^ new) & PTE_ADDR);
	if (hv_fault(HV_FAULT_FASTPATH_MEMTYPE))
		return !((old ^ new) & ~(PTE_FAST | PTE_PWT | PTE_PCD));
	return !((old ^ new) & ~PTE_FAST);
}

/* What an entry holds, given back now or, for a table, as the pending put. */
static void entry_drop(struct pv_vcpu *v, uint64_t e, enum hv_type level)
{
	struct pt_where w = {.level = level, .owner = v->dom};

	if (!(e & PTE_PRESENT))
		return;
	if (level == HV_TYPE_L1) {
		(void)pt_put(v, e, &w);
		return;
	}
	hv_bug_if(v->pending.page, "two pending puts");
	v->pending.page = pv_page(v->pv, PTE_MFN(e));
	v->pending.partial = 0;
}

/* The table is locked; *drop is the entry whose references are left over. */
static int entry_swap(struct pv_vcpu *v, struct hv_page *pt, enum hv_type level,
	unsigned int slot, uint64_t new, uint64_t *drop)
{
	uint64_t old = pv_slot_read(v->pv, pt, slot);
	struct pt_where w = {.level = level, .owner = v->dom};
	bool fast = is_fast(old, new);
	int r = 0;

	if (!fast)
		r = pt_get(v, new, &w);
	if (r)
		return r;
	*drop = fast ? 0 : old;
	/* the processor sets A and D by itself */
	while (!pv_slot_cas(v->pv, pt, slot, old, new)) {
		uint64_t now = pv_slot_read(v->pv, pt, slot);

		if ((old ^ now) & ~(PTE_A | PTE_D)) {
			*drop = fast ? 0 : new;
			return -EBUSY;
		}
		old = now;
	}
	/* what the engine remembers of a walk went through this entry */
	if (level > HV_TYPE_L1 && !hv_fault(HV_FAULT_LINEAR_STALE))
		pv_lin_flush(v->pv, v->dom);
	return 0;
}

/* An ordinary page is written if it may be. */
static int write_plain(
	struct pv_vcpu *v, struct hv_page *p, unsigned int slot, uint64_t val)
{
	int r = page_get_type(v, p, HV_TYPE_WRITABLE, PAGE_PREEMPT);

	if (r)
		return r;
	pv_slot_write(v->pv, p, slot, val);
	(void)page_put_type(v, p, 0);
	return 0;
}

/* @want: the level it must be, or HV_TYPE_NONE.  The caller holds @pt. */
static int entry_mod(struct pv_vcpu *v, struct hv_page *pt, enum hv_type want,
	unsigned int slot, uint64_t new)
{
	enum hv_type t = PAGE_TYPE(hv_load(&pt->type));
	uint64_t drop = 0;
	int r;

	if (!page_lock(v, pt))
		return want == HV_TYPE_NONE ? write_plain(v, pt, slot, new)
					    : -EINVAL;
	if (!hv_fault(HV_FAULT_LOCK_NO_RECHECK))
		t = PAGE_TYPE(hv_load(&pt->type));
	if (want != HV_TYPE_NONE && t != want) {
		r = -EINVAL;
	} else if (!type_is_table(t)) {
		/* only without the second look at the type */
		pv_slot_write(v->pv, pt, slot, new);
		r = 0;
	} else {
		r = entry_swap(v, pt, t, slot, new, &drop);
	}
	page_unlock(pt);
	entry_drop(v, drop, t);
	return r;
}

static int do_mod(struct pv_vcpu *v, struct hv_page *pt, enum hv_type want,
	unsigned int slot, uint64_t new)
{
	int r;

	if (!pt || slot >= v->pv->slots || page_get(v, pt, v->dom))
		return -EINVAL;
	r = entry_mod(v, pt, want, slot, new);
	page_put(v, pt);
	if (r == 0)
		(void)pv_settle(v);
	return r;
}

int pv_mod_entry(
	struct pv_vcpu *v, uint64_t pt_mfn, unsigned int slot, uint64_t new)
{
	int r = pv_enter(v);

	if (r)
		return r;
	return (int)pv_leave(
		v, do_mod(v, pv_page(v->pv, pt_mfn), HV_TYPE_NONE, slot, new));
}

/*
 * Remember the walk.  Somebody who changes an entry above the L1 forgets
 * walks after that; so the walk is made again after it is remembered, or one
 * that was made before the change would be remembered after it.
 */
static void lin_keep(struct pv_vcpu *v, uint64_t vpn, struct hv_page *pt)
{
	struct hv_page *now = NULL;

	v->lin_vpn = vpn / v->pv->slots;
	hv_store_rel(&v->lin, pt);
	hv_fence();
	if (hv_fault(HV_FAULT_LINEAR_LATE))
		return;
	if (pv_walk(v->pv, v->kroot, vpn, NULL, &now, NULL) || now != pt)
		hv_store_rel(&v->lin, NULL);
}

/* The L1 that maps @vpn for the guest's kernel, remembered like the
 * processor would remember a walk of a linear map. */
static struct hv_page *lin_find(struct pv_vcpu *v, uint64_t vpn)
{
	struct hv_page *root = v->kroot, *pt = hv_load(&v->lin);

	if (v->mode == PV_USER) {
		/* only with a broken multicall */
		root = v->uroot;
		v->user_walks++;
	} else if (pt && v->lin_vpn == vpn / v->pv->slots) {
		return pt;
	}
	if (pv_walk(v->pv, root, vpn, NULL, &pt, NULL))
		return NULL;
	if (v->mode == PV_KERNEL)
		lin_keep(v, vpn, pt);
	return pt;
}

int pv_update_va(struct pv_vcpu *v, uint64_t vpn, uint64_t new)
{
	unsigned int slot = (unsigned int)(vpn % v->pv->slots);
	int r = pv_enter(v);

	if (r)
		return r;
	return (int)pv_leave(
		v, do_mod(v, lin_find(v, vpn), HV_TYPE_L1, slot, new));
}
