/* SPDX-License-Identifier: MIT */
/*
 * page_ref.h: taking and giving back references, for the loops over slots.
 *
 * These are page_get(), page_put(), page_get_type() and page_put_type() as
 * far as they have nothing to do but count, inline: an L1 has 512 entries, and
 * a guest has thousands of L1s.  There is no other copy of them.
 */
#ifndef HV_CORE_PAGE_REF_H
#define HV_CORE_PAGE_REF_H

#include "hv/core/page_int.h"

#define HV_HOT static inline __attribute__((always_inline))

/* page.c: the last reference is gone, the page is claimed. */
void page_release(struct pv_vcpu *v, struct hv_page *p);

/* page_type.c: side effects and validation, after the swap from @x. */
int page_type_begin(
	struct pv_vcpu *v, struct hv_page *p, uint64_t x, enum hv_type t);
void page_type_flush(
	struct pv *pv, struct hv_page *p, uint64_t x, enum hv_type t);
bool page_unsealed(struct pv *pv, const struct hv_page *p, enum hv_type t);
void page_type_early(
	struct pv_vcpu *v, struct hv_page *p, uint64_t x, enum hv_type t);

HV_HOT void page_put_ref(struct pv_vcpu *v, struct hv_page *p)
{
	uint64_t x;

	do {
		x = hv_load(&p->count);
		hv_bug_if(!PAGE_COUNT(x), "general count underflow");
		hv_bug_if(x == (PAGE_ALLOCATED | 1),
			"the reference of the allocation is put");
	} while (!hv_cas(&p->count, x, x == 1 ? PAGE_CLAIMED : x - 1));
	if (x == 1)
		page_release(v, p);
}

/* page_get(); @owner 0: whoever owns it. */
HV_HOT int page_get_for(struct pv_vcpu *v, struct hv_page *p, uint64_t owner)
{
	uint64_t x;

	if (hv_fault(HV_FAULT_OWNER_FIRST) && owner &&
		hv_load(&p->owner) != owner)
		return -EINVAL;
	do {
		x = hv_load(&p->count);
		/* room for one more, see page_get_again(); first as it is
		 * nearly always: without its other bits looked at */
		if (x - (PAGE_ALLOCATED + 1) >= PAGE_COUNT_MAX - 2 &&
			PAGE_COUNT(x) - 1 >= PAGE_COUNT_MAX - 2)
			return -EINVAL;
	} while (!hv_cas(&p->count, x, x + 1));
	/* only now the owner cannot change any more */
	if (hv_fault(HV_FAULT_OWNER_FIRST) || hv_load(&p->owner) == owner ||
		!owner)
		return 0;
	page_put(v, p);
	return -EINVAL;
}

enum { DECIDE_SWAP = 0, DECIDE_WAIT = 1 };

/* Bits that say something about the memory, not about its type. */
#define TYPE_KEPT PAGE_NONCOH

/*
 * What becomes of type word @x for one more reference as @t: *nx.  A page
 * becomes WRITABLE at once: its contents do not matter, and no translation or
 * cache line that exists is wrong because of it.  Only if it was a table a
 * walk may still be on its way through it, which must not see what is written.
 */
HV_HOT int get_decide(
	uint64_t x, enum hv_type t, unsigned int flags, uint64_t *nx)
{
	const uint64_t none = PAGE_TYPE_OF(t) | PAGE_VALID;
	/* a page of no type is as good as one that is WRITABLE 0 times */
	const uint64_t y = t == HV_TYPE_WRITABLE && x == 0 ? none : x;

	/* most often: validated as @t, no other bit, and room for one more */
	if (y - none < PAGE_COUNT_MAX && !(flags & PAGE_NOPROMOTE)) {
		*nx = y + 1;
		return DECIDE_SWAP;
	}
	if (PAGE_COUNT(x) == PAGE_COUNT_MAX)
		return -EINVAL;
	if (PAGE_COUNT(x) == 0) {
		if (flags & PAGE_NOPROMOTE)
			return -EINVAL;
		*nx = x + 1;
		if (PAGE_TYPE(x) != t)
			*nx = (x & TYPE_KEPT) | PAGE_TYPE_OF(t) | 1;
		if ((t == HV_TYPE_WRITABLE && !type_is_table(PAGE_TYPE(x))) ||
			(!type_is_table(t) && t != HV_TYPE_SEGDESC &&
				hv_fault(HV_FAULT_EARLY_VALID)))
			*nx |= PAGE_VALID;
		return DECIDE_SWAP;
	}
	if (PAGE_TYPE(x) != t) {
		if (!hv_fault(HV_FAULT_TYPE_IGNORED) || t != HV_TYPE_WRITABLE)
			return -EINVAL;
	} else if (!(x & PAGE_VALID)) {
		if (!(x & PAGE_PARTIALLY))
			return DECIDE_WAIT;
		if ((flags & PAGE_NOPROMOTE) &&
			!hv_fault(HV_FAULT_EXPLICIT_PARTIAL))
			return -EINVAL;
		/* with it goes P's type reference, and later its general one */
		*nx = x & ~PAGE_PARTIALLY;
		return DECIDE_SWAP;
	}
	*nx = x + 1;
	return DECIDE_SWAP;
}

/* page_get_type(), where it says what it does. */
HV_HOT int page_get_as(struct pv_vcpu *v, struct hv_page *p, enum hv_type t,
	unsigned int flags)
{
	uint64_t x, nx = 0;
	int r;

	for (;;) {
		x = hv_load(&p->type);
		r = get_decide(x, t, flags, &nx);
		if (r < 0)
			return r;
		if (r == DECIDE_SWAP) {
			if (!(nx & PAGE_VALID) && page_unsealed(v->pv, p, t))
				return -EBUSY;
			if (hv_fault(HV_FAULT_FLUSH_FIRST))
				page_type_flush(v->pv, p, x, t);
			if (hv_cas(&p->type, x, nx))
				break;
		}
		if ((flags & PAGE_PREEMPT) && hv_preempt(&v->budget))
			return -EINTR;
		if (r == DECIDE_WAIT)
			page_wait(p);
	}
	if (!(nx & PAGE_VALID))
		return page_type_begin(v, p, x, t);
	if (hv_fault(HV_FAULT_EARLY_VALID) && !(x & PAGE_VALID))
		page_type_early(v, p, x, t);
	return 0;
}

/* A WRITABLE reference is given back: nothing is demoted. */
HV_HOT void page_put_writable(struct pv_vcpu *v, struct hv_page *p)
{
	const uint64_t one = (PAGE_TYPE_OF(HV_TYPE_WRITABLE) | PAGE_VALID) + 1;
	uint64_t x = hv_load(&p->type);

	if ((x & ~PAGE_NONCOH) - one < PAGE_COUNT_MAX &&
		(hv_cas(&p->type, x, x - 1) || hv_fault(HV_FAULT_LOST_SWAP)))
		return;
	(void)page_put_type(v, p, 0);
}

#endif
