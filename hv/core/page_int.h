/* SPDX-License-Identifier: MIT */
/*
 * page_int.h: what the files of the PV engine share.
 */
#ifndef HV_CORE_PAGE_INT_H
#define HV_CORE_PAGE_INT_H

#define HV_OWN_WORDS 1
#include "hv/core/atomic.h"
#include "hv/core/fault.h"
#include "hv/core/page.h"
#include "hv/core/pv.h"

/* Nothing can be done before somebody else changes the page. */
static inline void page_wait(struct hv_page *p)
{
	(void)p;
	hv_point_at(HV_POINT_WAIT, &p->type);
}

/* page.c */
void page_get_again(struct hv_page *p);
/* The page is nobody's in a moment: no TLB, no cache line tells of it. */
void page_scrub_state(struct pv *pv, struct hv_page *p);

/* pv.c */
void dom_uncharge(struct pv_dom *d);

/* The guest has ended itself; its other vCPUs see it sooner or later. */
static inline bool dom_crashed(const struct pv_dom *d)
{
	return __atomic_load_n(&d->crashed, __ATOMIC_RELAXED);
}

static inline void dom_crash(struct pv_dom *d)
{
	__atomic_store_n(&d->crashed, 1, __ATOMIC_RELAXED);
}

/* pv_root.c: what every call begins and ends with. */
int pv_enter(struct pv_vcpu *v);
int64_t pv_leave(struct pv_vcpu *v, int64_t r);

/* What teardown does with a vCPU: its GDT goes, one root becomes the pending
 * put.  Call and settle until it has no root. */
void pv_vcpu_roots(struct pv_vcpu *v);

/* pv_tlb.c: the vCPU's own. */
void pv_tlb_flush_one(struct pv_vcpu *v);

/* pv_grant.c: all mappings that @d has made; has @p been granted to @by? */
void pv_grants_drop(struct pv_vcpu *v, const struct pv_dom *d);
bool pv_granted(
	const struct pv *pv, const struct hv_page *p, const struct pv_dom *by);

/* The bits that an entry of a table of @level may have. */
static inline bool pte_bits_ok(uint64_t e, enum hv_type level)
{
	return !(e & PTE_PKEY) && (level == HV_TYPE_L1 || !(e & PTE_PSE));
}

/* pv_call.c: may the engine write @len bytes at @va for the guest? */
bool pv_user_ok(const struct pv *pv, uint64_t va, uint64_t len);
int pv_put_user(struct pv_vcpu *v, uint64_t va, uint64_t word);

#endif
