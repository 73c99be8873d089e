/* SPDX-License-Identifier: MIT */
/*
 * hc_pv.c: mmu_update, mmuext_op, update_va_mapping, set_gdt, iret.
 *
 * DOC: whose page tables
 *
 * The calls are those of a 64-bit domain of kind PV about its own memory;
 * what they do is the PV engine's (pv.h).  Frame numbers are the machine's
 * (hv_mem_mfn()), not gfns.  No processor walks the tables, so all flushes
 * are the same one.
 *
 * There are no registers to load here: iret takes the address of its frame
 * as its argument and answers 0, the caller loads rax and the rest itself.
 * Whatever calls next has been entered by a trap, and is the kernel.
 */
#include "hv/core/hc.h"

#include <xen/sched.h>

#define GDT_PER_FRAME (HV_PAGE_SIZE / 8)

static int pv_begin(struct hc *h, struct pv_vcpu **v)
{
	struct dom_pv *p;
	int r = hv_may(h->dom, HV_OP_MEM_OWN, h->dom);

	if (!r)
		r = dom_pv_get(h->dom, &p);
	if (!r)
		*v = &p->cpu;
	return r;
}

/* One step of the engine, on the budget of the call. */
static int64_t step(struct hc *h, struct pv_vcpu *v, const struct pv_call *c)
{
	int64_t r;

	v->budget = *h->budget;
	(void)pv_call(v, c, &r);
	*h->budget = v->budget;
	check_after(h->hv);
	return r;
}

static int64_t do_call(struct hc *h, struct pv_vcpu *v, enum pv_call_op op,
	uint64_t a, uint64_t b)
{
	const struct pv_call c = {.op = op, .arg = {a, b}};

	return step(h, v, &c);
}

/* Nobody here has another domain's tables to change.  The upper half of the
 * word names the owner of the tables, plus one. */
static int about_self(const struct hc *h, uint64_t domid)
{
	uint32_t subject = domid & 0xffff, owner = (uint32_t)domid >> 16;

	if (dom_resolve(h->dom, subject) != h->dom)
		return dom_resolve(h->dom, subject) ? -EPERM : -ESRCH;
	if (owner && dom_resolve(h->dom, owner - 1) != h->dom)
		return dom_resolve(h->dom, owner - 1) ? -EPERM : -ESRCH;
	return 0;
}

/*
 * A list of requests, each read once; again if it is made again.  progress:
 * the request at which the call goes on.  How many are done is told whatever
 * the end is, if the caller wants to know.
 */
static int64_t for_each_req(struct hc *h, size_t size,
	int64_t (*one)(struct hc *, struct pv_vcpu *, uint64_t addr))
{
	uint32_t nr = (uint32_t)h->arg[1], done;
	uint64_t *i = &h->c->progress, addr;
	struct pv_vcpu *v;
	int64_t r = pv_begin(h, &v);

	if (!r)
		r = about_self(h, h->arg[3]);
	if (r)
		return r;
	for (; *i < nr && !r; *i += !r) {
		if (hv_preempt(h->budget))
			return -ERESTART;
		r = hc_elem(h->arg[0], *i, size, &addr) ? one(h, v, addr)
							: -EFAULT;
		if (r == -ERESTART)
			return r;
	}
	done = (uint32_t)*i;
	if (h->arg[2] && hc_write(h, h->arg[2], &done, sizeof(done)) && !r)
		r = -EFAULT;
	return r;
}

static int64_t update_one(struct hc *h, struct pv_vcpu *v, uint64_t addr)
{
	struct mmu_update u;

	if (hc_read(h, &u, addr, sizeof(u)))
		return -EFAULT;
	/* no machine-to-physical table here, and no processor that sets A, D */
	if ((u.ptr & 3) != MMU_NORMAL_PT_UPDATE)
		return -ENOSYS;
	return do_call(h, v, PV_CALL_MMU, u.ptr, u.val);
}

int64_t hc_mmu_update(struct hc *h)
{
	return for_each_req(h, sizeof(struct mmu_update), update_one);
}

static int64_t flush(struct hc *h, struct pv_vcpu *v)
{
	pv_tlb_flush(&h->hv->pv, v->dom);
	return 0;
}

/* A mask of vCPUs: all are flushed, but a bad pointer stays a mistake. */
static int64_t flush_some(struct hc *h, struct pv_vcpu *v, uint64_t mask)
{
	uint8_t bits[(HV_MAX_VCPUS + 7) / 8];

	if (hc_read(h, bits, mask, (h->dom->cfg.max_vcpus + 7) / 8))
		return -EFAULT;
	return flush(h, v);
}

static int64_t ext_one(struct hc *h, struct pv_vcpu *v, uint64_t addr)
{
	struct mmuext_op op;

	if (hc_read(h, &op, addr, sizeof(op)))
		return -EFAULT;
	switch (op.cmd) {
	case MMUEXT_PIN_L1_TABLE:
	case MMUEXT_PIN_L2_TABLE:
	case MMUEXT_PIN_L3_TABLE:
	case MMUEXT_PIN_L4_TABLE:
		return do_call(h, v, PV_CALL_PIN, op.arg1.mfn,
			op.cmd - MMUEXT_PIN_L1_TABLE + 1);
	case MMUEXT_UNPIN_TABLE:
		return do_call(h, v, PV_CALL_UNPIN, op.arg1.mfn, 0);
	case MMUEXT_NEW_BASEPTR:
		return do_call(h, v, PV_CALL_ROOT, op.arg1.mfn, 0);
	case MMUEXT_NEW_USER_BASEPTR:
		return do_call(h, v, PV_CALL_ROOT, op.arg1.mfn, 1);
	case MMUEXT_TLB_FLUSH_LOCAL:
	case MMUEXT_INVLPG_LOCAL:
	case MMUEXT_TLB_FLUSH_ALL:
	case MMUEXT_INVLPG_ALL: return flush(h, v);
	case MMUEXT_TLB_FLUSH_MULTI:
	case MMUEXT_INVLPG_MULTI:
		return flush_some(h, v, HC_ADDR(op.arg2.vcpumask));
	default: return -ENOSYS;
	}
}

int64_t hc_mmuext_op(struct hc *h)
{
	return for_each_req(h, sizeof(struct mmuext_op), ext_one);
}

int64_t hc_update_va_mapping(struct hc *h)
{
	uint64_t va = h->arg[0], how = h->arg[2] & UVMF_FLUSHTYPE_MASK;
	uint64_t mask = h->arg[2] & ~(uint64_t)(UVMF_FLUSHTYPE_MASK | UVMF_ALL);
	struct pv_vcpu *v;
	int64_t r = pv_begin(h, &v);

	/* what is refused is refused whole */
	if (!r && how == UVMF_FLUSHTYPE_MASK)
		r = -ENOSYS;
	if (!r && !va_canonical(va))
		r = -EINVAL;
	if (!r)
		r = do_call(h, v, PV_CALL_UPDATE_VA, va_page(va), h->arg[1]);
	if (r || how == UVMF_NONE)
		return r;
	return h->arg[2] & UVMF_ALL || !mask ? flush(h, v)
					     : flush_some(h, v, mask);
}

int64_t hc_set_gdt(struct hc *h)
{
	uint64_t frame[FIRST_RESERVED_GDT_PAGE] = {0}, entries = h->arg[1];
	unsigned int nr =
		(unsigned int)((entries + GDT_PER_FRAME - 1) / GDT_PER_FRAME);
	struct pv_vcpu *v;
	int64_t r = pv_begin(h, &v);

	if (r)
		return r;
	if (entries > FIRST_RESERVED_GDT_ENTRY)
		return -EINVAL;
	if (nr && hc_read(h, frame, h->arg[0], nr * sizeof(frame[0])))
		return -EFAULT;
	v->budget = *h->budget;
	r = pv_set_gdt(v, frame, nr);
	*h->budget = v->budget;
	check_after(h->hv);
	return r;
}

int64_t hc_iret(struct hc *h)
{
	struct iret_context f;
	struct pv_vcpu *v;
	int64_t r = pv_begin(h, &v);

	if (r)
		return r;
	if (hc_read(h, &f, h->arg[0], sizeof(f))) {
		v->dom->crashed = 1;
		r = -EFAULT;
	} else {
		v->iret = (struct pv_iret){
			f.rax, f.rip, f.cs, f.rflags, f.rsp, f.ss};
		(void)do_call(h, v, PV_CALL_IRET, 0, 0);
		/* rax is the guest's own and may be any number */
		r = v->dom->crashed ? -EINVAL : 0;
	}
	/* it cannot go on, neither here nor there */
	if (v->dom->crashed)
		(void)hv_dom_shutdown(h->dom, SHUTDOWN_crash);
	return r;
}
