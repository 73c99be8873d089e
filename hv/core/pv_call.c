/* SPDX-License-Identifier: MIT */
/*
 * pv_call.c: batches of calls, iret, and frames on a guest's stack.
 *
 * DOC: what follows a call
 *
 * A call may end the right to make calls: iret leaves the guest's kernel, a
 * crash ends the guest.  A batch must not go on then, or its other entries
 * would run with the kernel's rights in user mode, on the user's page tables.
 * So each call says what follows, see enum pv_disposition.
 */
#include "hv/core/page_int.h"

/* ---- frames -------------------------------------------------------------- */

bool pv_user_ok(const struct pv *pv, uint64_t va, uint64_t len)
{
	if (len > UINT64_MAX - va)
		return false;
	return va >= pv->hole_end || va + len <= pv->hole_start;
}

int pv_put_user(struct pv_vcpu *v, uint64_t va, uint64_t word)
{
	if (v->pv->ops->put_user)
		return v->pv->ops->put_user(v, va, word);
	return pv_guest_write(
		v, va >> 12, (unsigned int)(va & 0xfff) / 8, word);
}

bool pv_frame_room(
	const struct pv *pv, uint64_t sp, unsigned int nr, uint64_t *low)
{
	uint64_t top = sp & ~15ull, len = 8ull * nr;

	if (top < len)
		return false;
	*low = top - len;
	return pv_user_ok(pv, *low, len);
}

/* What each kind pushes: the words of iret's frame, rcx and r11, an error
 * code, and for the failsafe callback the four data segment registers. */
static unsigned int frame_words(enum pv_bounce kind)
{
	switch (kind) {
	case PV_BOUNCE_EVENT: return 7;
	case PV_BOUNCE_TRAP: return 8;
	case PV_BOUNCE_FAILSAFE: return 12;
	}
	return 12;
}

int pv_bounce(
	struct pv_vcpu *v, enum pv_bounce kind, uint64_t sp, uint64_t *low)
{
	const struct pv_iret *f = &v->iret;
	const uint64_t tail[] = {f->rip, f->cs, f->rflags, f->rsp, f->ss};
	unsigned int i, nr = frame_words(kind);
	uint64_t word;
	bool room = pv_frame_room(v->pv, sp, nr, low);

	/* the room for a smaller frame, as once looked at */
	if (hv_fault(HV_FAULT_BOUNCE_SLACK) && kind == PV_BOUNCE_FAILSAFE)
		room = pv_user_ok(v->pv, (sp & ~15ull) - 60, 60);
	if (!room)
		return -EFAULT;
	for (i = nr; i-- > 0;) {
		word = i + 5 >= nr ? tail[i + 5 - nr] : 0;
		if (pv_put_user(v, *low + 8ull * i, word))
			return -EFAULT;
	}
	return 0;
}

/* ---- calls --------------------------------------------------------------- */

static int64_t do_iret(struct pv_vcpu *v)
{
	/* the guest's kernel runs in ring 3 too, and says 0 for itself */
	if ((v->iret.cs & 3) == 3) {
		if (!v->uroot) {
			dom_crash(v->dom);
			return -EINVAL;
		}
		v->mode = PV_USER;
		pv_tlb_flush_one(v);
	}
	v->rax = v->iret.rax;
	return (int64_t)v->rax;
}

static int do_mmu(struct pv_vcpu *v, uint64_t ptr, uint64_t val)
{
	/* bits 0-2 are a command; only the normal one is offered */
	if (ptr & 7 || (ptr & 0xfff) / 8 >= v->pv->slots)
		return -EINVAL;
	return pv_mod_entry(v, ptr >> 12, (unsigned int)(ptr & 0xfff) / 8, val);
}

static int64_t call_one(struct pv_vcpu *v, const struct pv_call *c)
{
	const uint64_t *a = c->arg;

	if (v->mode != PV_KERNEL && !hv_fault(HV_FAULT_MULTI_MODE))
		return -EPERM;
	switch (c->op) {
	case PV_CALL_UPDATE_VA: return pv_update_va(v, a[0], a[1]);
	case PV_CALL_MMU: return do_mmu(v, a[0], a[1]);
	case PV_CALL_PIN:
		return a[1] > 4 ? -EINVAL : pv_pin(v, a[0], (unsigned int)a[1]);
	case PV_CALL_UNPIN: return pv_unpin(v, a[0]);
	case PV_CALL_ROOT: return pv_set_root(v, a[0], a[1]);
	case PV_CALL_GDT: return pv_set_gdt(v, a, a[0] != PV_NONE);
	case PV_CALL_IRET: return do_iret(v);
	case PV_CALL_CRASH: dom_crash(v->dom); return 0;
	case PV_CALL_MULTI:
		return hv_fault(HV_FAULT_MULTI_NESTED) ? 0 : -EINVAL;
	default: return -ENOSYS;
	}
}

enum pv_disposition pv_after(const struct pv_vcpu *v, bool iret)
{
	if (hv_fault(HV_FAULT_MULTI_MODE))
		return PV_CALL_CONTINUE;
	if (iret)
		return PV_CALL_EXIT;
	if (v->mode != PV_KERNEL || dom_crashed(v->dom) ||
		hv_load(&v->dom->dying))
		return PV_CALL_PREEMPT;
	return PV_CALL_CONTINUE;
}

enum pv_disposition pv_call(
	struct pv_vcpu *v, const struct pv_call *c, int64_t *result)
{
	*result = call_one(v, c);
	return pv_after(v, c->op == PV_CALL_IRET);
}

/* The guest may write the list at any time: each word is read once. */
static void multi_fetch(struct pv_vcpu *v, const struct pv_call *e)
{
	unsigned int i;

	v->call.op = hv_guest_load(&e->op);
	for (i = 0; i < 3; i++)
		v->call.arg[i] = hv_guest_load(&e->arg[i]);
	v->fetched = 1;
}

/* @stop: the rest of the list is made later. */
static int64_t multi_end(struct pv_vcpu *v, bool stop, int64_t r)
{
	v->in_multi = 0;
	if (stop) {
		if (hv_fault(HV_FAULT_MULTI_REWIND))
			v->multi_next = v->fetched = 0;
		return -ERESTART;
	}
	v->multi_next = 0;
	v->fetched = 0;
	v->rax = (uint64_t)r;
	return r;
}

int64_t pv_multicall(struct pv_vcpu *v, struct pv_call *list, uint32_t nr)
{
	enum pv_disposition next;
	int64_t result;

	if (v->mode != PV_KERNEL && !hv_fault(HV_FAULT_MULTI_MODE))
		return -EPERM;
	if (v->in_multi)
		return -EINVAL;
	v->in_multi = 1;
	while (v->multi_next < nr) {
		if (!v->fetched) {
			if (v->multi_next && hv_preempt(&v->budget))
				return multi_end(v, true, 0);
			multi_fetch(v, &list[v->multi_next]);
		}
		next = pv_call(v, &v->call, &result);
		if (hv_fault(HV_FAULT_MULTI_REFETCH))
			next = pv_after(
				v, hv_guest_load(&list[v->multi_next].op) ==
					   PV_CALL_IRET);
		/* iret's result is the guest's own rax: it may say anything */
		if (result == -ERESTART && v->call.op != PV_CALL_IRET)
			return multi_end(v, true, 0);
		hv_guest_store(&list[v->multi_next].result, result);
		v->fetched = 0;
		v->multi_next++;
		if (next == PV_CALL_EXIT)
			return multi_end(v, false,
				hv_fault(HV_FAULT_MULTI_RESULT) ? 0 : result);
		if (next == PV_CALL_PREEMPT)
			return multi_end(v, true, 0);
	}
	return multi_end(v, false, 0);
}
