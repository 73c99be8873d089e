/* SPDX-License-Identifier: MIT */
/*
 * test_hc_pv.c - the calls of PV domains about their page tables
 */
#include "tests/unit/hc_pv.h"

#include <xen/sched.h>

START_TEST(test_tree)
{
	struct pv_env *p = pv_new(4096);
	struct hv_page_ref ref;
	struct hv_page *pt;
	unsigned int slot;
	uint64_t e;
	uint32_t id;

	build(p);
	ck_assert_int_eq(ext(p, MMUEXT_PIN_L4_TABLE, p->mfn[0]), 0);
	ck_assert_int_eq(ext(p, MMUEXT_PIN_L4_TABLE, p->mfn[0]), -EINVAL);
	ck_assert_uint_eq(done(p), 0);
	ck_assert_int_eq(ext(p, MMUEXT_NEW_BASEPTR, p->mfn[0]), 0);
	ck_assert_int_eq(frame_type(frame(p, 3)), HV_TYPE_L1);
	ck_assert_int_eq(frame_type(frame(p, 4)), HV_TYPE_WRITABLE);
	/* read through it */
	ck_assert_int_eq(pv_walk(&p->e->h.hv->pv, p->d->pv->cpu.kroot, 0, &e,
				 &pt, &slot),
		0);
	ck_assert_uint_eq(PTE_MFN(e), p->mfn[4]);
	ck_assert_ptr_eq(pt, &frame(p, 3)->page);
	/* an entry changes, by both calls */
	ck_assert_int_eq(
		call4(p, __HYPERVISOR_update_va_mapping, 5ull << 12,
			PTE_OF(p->mfn[5], FLAGS), UVMF_INVLPG | UVMF_ALL, 0),
		0);
	ck_assert_uint_eq(
		((uint64_t *)host_page(p->d, 3))[5], PTE_OF(p->mfn[5], FLAGS));
	ck_assert_int_eq(update(p, p->mfn[3], 5, 0), 0);
	ck_assert_uint_eq(frame_count(frame(p, 5)), 1);
	/* a table is never writable: through a table, or from outside */
	ck_assert_int_eq(
		update(p, p->mfn[3], 6, PTE_OF(p->mfn[3], FLAGS)), -EINVAL);
	ck_assert_int_eq(
		update(p, p->mfn[3], 6, PTE_OF(p->mfn[0], FLAGS)), -EINVAL);
	ck_assert_int_eq(update(p, p->mfn[3], 6,
				 PTE_OF(p->mfn[0], PTE_PRESENT | PTE_USER)),
		0);
	ck_assert_int_ne(
		hv_mem_foreign(p->e->dom0, PV_ID, 0, true, &ref, &id), 0);
	/* and what is writable is no table */
	ck_assert_int_eq(ext(p, MMUEXT_PIN_L1_TABLE, p->mfn[4]), -EINVAL);
	/* the pin goes, the root holds it */
	ck_assert_int_eq(ext(p, MMUEXT_UNPIN_TABLE, p->mfn[0]), 0);
	ck_assert_int_eq(ext(p, MMUEXT_UNPIN_TABLE, p->mfn[0]), -EINVAL);
	ck_assert_int_eq(frame_type(frame(p, 0)), HV_TYPE_L4);
	pv_end(p);
}
END_TEST

START_TEST(test_unpin)
{
	struct pv_env *p = pv_new(4096);
	unsigned int i;

	build(p);
	ck_assert_int_eq(ext(p, MMUEXT_PIN_L4_TABLE, p->mfn[0]), 0);
	ck_assert_int_eq(ext(p, MMUEXT_UNPIN_TABLE, p->mfn[0]), 0);
	for (i = 0; i < PAGES; i++) {
		ck_assert_uint_eq(frame_count(frame(p, i)), 1);
		ck_assert_uint_eq(frame_tcount(frame(p, i)), 0);
	}
	pv_end(p);
}
END_TEST

START_TEST(test_sealed)
{
	struct pv_env *p = pv_new(4096);
	struct hv_page_ref ref;
	uint64_t mfn, gfn;
	uint32_t id;

	/* its guest could write it meanwhile: RAM, a page of its own */
	ck_assert_int_eq(ext(p, MMUEXT_PIN_L1_TABLE, p->mfn[4]), -EBUSY);
	/* which the host can tell those who look after the domain */
	ck_assert_uint_eq(p->e->h.refused, 1);
	ck_assert_uint_eq(p->e->h.refused_gfn, 4);
	ck_assert_uint_eq(p->e->h.refused_mfn, p->mfn[4]);
	gfn = host_share(p->d, 1);
	ck_assert_int_eq(hv_mem_mfn(p->d, gfn, &mfn), 0);
	ck_assert_int_eq(ext(p, MMUEXT_PIN_L1_TABLE, mfn), -EBUSY);
	memset(at(p->e, ARGS), 0, 64);
	memcpy(at(p->e, ARGS), &mfn, sizeof(mfn));
	ck_assert_int_eq(call4(p, __HYPERVISOR_set_gdt, ARGS, 8, 0, 0), -EBUSY);
	/* nor below a table that is sealed */
	ck_assert_int_eq(update(p, p->mfn[2], 0, PTE_OF(p->mfn[4], FLAGS)), 0);
	ck_assert_int_eq(ext(p, MMUEXT_PIN_L2_TABLE, p->mfn[2]), -EBUSY);
	ck_assert_uint_eq(frame_count(frame(p, 4)), 1);
	/* a fit one stays what it is */
	ck_assert_int_eq(hv_mem_table(p->d, 3, &mfn), 0);
	ck_assert_uint_eq(mfn, p->mfn[3]);
	/* until somebody has mapped it, who may have kept it */
	ck_assert_int_eq(
		hv_mem_foreign(p->e->dom0, PV_ID, 3, true, &ref, &id), 0);
	ck_assert_int_eq(hv_mem_table(p->d, 3, &mfn), -EBUSY);
	ck_assert_int_eq(hv_mem_foreign_put(p->e->dom0, id), 0);
	ck_assert_int_eq(ext(p, MMUEXT_PIN_L1_TABLE, p->mfn[3]), -EBUSY);
	host_page(p->d, 3)[7] = 0;
	ck_assert_int_eq(hv_mem_table(p->d, 3, &mfn), 0);
	ck_assert_uint_gt(mfn, p->mfn[3]);
	ck_assert_int_eq(ext(p, MMUEXT_PIN_L1_TABLE, mfn), 0);
	pv_end(p);
}
END_TEST

START_TEST(test_table_refused)
{
	struct pv_env *p = pv_new(4096);
	struct xen_add_to_physmap a = {.domid = DOMID_SELF,
		.space = XENMAPSPACE_shared_info,
		.gpfn = 200};
	uint64_t mfn, pages = p->d->tot_pages;

	ck_assert_int_eq(hv_mem_table(p->d, 99, &mfn), -ENOENT);
	ck_assert_int_eq(hv_mem_table(p->e->d, 0, &mfn), -EINVAL);
	ck_assert_int_eq(hv_mem_mfn(p->e->d, 0, &mfn), -ENOENT);
	ck_assert_int_eq(hv_mem_mfn(p->d, 99, &mfn), -ENOENT);
	/* the hypervisor's own table, wherever the guest sees it */
	memcpy(at(p->e, ARGS), &a, sizeof(a));
	ck_assert_int_eq(call4(p, __HYPERVISOR_memory_op, XENMEM_add_to_physmap,
				 ARGS, 0, 0),
		0);
	ck_assert_int_eq(hv_mem_table(p->d, a.gpfn, &mfn), -EINVAL);
	build(p);
	ck_assert_int_eq(ext(p, MMUEXT_PIN_L4_TABLE, p->mfn[0]), 0);
	/* mapped: the entry would hold the old page */
	ck_assert_int_eq(hv_mem_table(p->d, 4, &mfn), -EBUSY);
	p->e->h.fail_at = p->e->h.calls + 1;
	ck_assert_int_eq(hv_mem_table(p->d, 5, &mfn), -ENOMEM);
	p->e->h.fail_at = p->e->h.calls + 2;
	ck_assert_int_eq(hv_mem_table(p->d, 5, &mfn), -ENOMEM);
	p->e->h.fail_at = 0;
	ck_assert_int_eq(hv_mem_mfn(p->d, 5, &mfn), 0);
	ck_assert_uint_eq(mfn, p->mfn[5]);
	/* but for the shared page */
	ck_assert_uint_eq(p->d->tot_pages, pages + 1);
	pv_end(p);
}
END_TEST

/* A gfn is used again; an entry still holds what was there. */
START_TEST(test_numbers)
{
	struct pv_env *p = pv_new(4096);
	const struct pv_ops *ops = p->e->h.hv->pv.ops;
	struct pv *pv = &p->e->h.hv->pv;
	uint64_t gfn = 4, mfn, last = 0;
	unsigned int i;

	build(p);
	ck_assert_int_eq(ext(p, MMUEXT_PIN_L4_TABLE, p->mfn[0]), 0);
	ck_assert_int_eq(hv_mem_remove(p->d, 4), 0);
	ck_assert_int_eq(hv_mem_populate(p->d, HV_RUN_SHARE, 1, &gfn, NULL), 0);
	ck_assert_int_eq(hv_mem_mfn(p->d, 4, &mfn), 0);
	ck_assert_uint_ne(mfn, p->mfn[4]);
	ck_assert_uint_eq(PAGE_COUNT(ops->page(pv, p->mfn[4])->count), 1);
	ck_assert_int_eq(update(p, p->mfn[3], 0, PTE_OF(mfn, FLAGS)), 0);
	ck_assert_uint_eq(PAGE_COUNT(ops->page(pv, p->mfn[4])->count), 0);
	/* a number of a run that is gone is nobody's, and not the next one */
	for (i = 0; i < 500; i++) {
		gfn = 100 + i % 3;
		ck_assert_int_eq(
			hv_mem_populate(p->d, HV_RUN_SHARE, 1, &gfn, NULL), 0);
		ck_assert_int_eq(hv_mem_mfn(p->d, gfn, &mfn), 0);
		ck_assert_uint_gt(mfn, last);
		ck_assert_ptr_eq(ops->page(pv, mfn), &frame(p, gfn)->page);
		ck_assert_uint_eq(ops->mfn(pv, &frame(p, gfn)->page), mfn);
		last = mfn;
		ck_assert_int_eq(hv_mem_remove(p->d, gfn), 0);
		ck_assert_ptr_null(ops->page(pv, mfn));
	}
	ck_assert_uint_lt(p->e->h.hv->mfn.room, 200);
	ck_assert_ptr_null(ops->page(pv, 0));
	ck_assert_ptr_null(ops->page(pv, last + 1));
	ck_assert_ptr_null(ops->page(pv, UINT64_MAX));
	pv_end(p);
}
END_TEST

/* The number of a new run of @nr pages at @gfn. */
static uint64_t number(struct pv_env *p, uint64_t gfn, uint32_t nr)
{
	uint64_t mfn;

	ck_assert_int_eq(
		hv_mem_populate(p->d, HV_RUN_SHARE, nr, &gfn, NULL), 0);
	ck_assert_int_eq(hv_mem_mfn(p->d, gfn, &mfn), 0);
	return mfn;
}

/* Each page that has a number is found by it. */
static void all_found(struct pv_env *p)
{
	struct pv *pv = &p->e->h.hv->pv;
	uint64_t gfn, mfn;

	for (gfn = p2m_next(p->d, 0); gfn != HV_INVALID_GFN;
		gfn = p2m_next(p->d, gfn + 1)) {
		if (hv_mem_mfn(p->d, gfn, &mfn))
			continue;
		ck_assert_ptr_eq(pv->ops->page(pv, mfn), &frame(p, gfn)->page);
	}
}

/* When all have been given out it goes round, past those in use. */
START_TEST(test_numbers_round)
{
	struct pv_env *p = pv_new(4096);
	struct mfn_dir *m = &p->e->h.hv->mfn;
	uint64_t a, b;
	uint32_t i;

	build(p);
	ck_assert_int_eq(ext(p, MMUEXT_PIN_L4_TABLE, p->mfn[0]), 0);
	a = number(p, 100, 4);
	b = number(p, 104, 4);
	ck_assert_uint_eq(b, a + 4);
	m->last = MFN_MAX - 3;
	/* two fit in at the end, then three do not */
	ck_assert_uint_eq(number(p, 120, 2), MFN_MAX - 2);
	ck_assert_uint_eq(number(p, 130, 3), b + 4);
	all_found(p);
	/* what is free by then, between two that are not */
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(hv_mem_remove(p->d, 100 + i), 0);
	m->last = MFN_MAX;
	ck_assert_uint_eq(number(p, 140, 5), b + 7);
	m->last = MFN_MAX;
	ck_assert_uint_eq(number(p, 150, 3), a);
	ck_assert_uint_eq(number(p, 160, 2), b + 12);
	m->last = MFN_MAX - 1;
	ck_assert_uint_eq(number(p, 170, 1), MFN_MAX);
	ck_assert_uint_eq(number(p, 171, 1), a + 3);
	all_found(p);
	/* and they go as they came */
	ck_assert_int_eq(hv_mem_remove(p->d, 150), 0);
	ck_assert_int_eq(hv_mem_remove(p->d, 151), 0);
	ck_assert_int_eq(hv_mem_remove(p->d, 152), 0);
	all_found(p);
	ck_assert_uint_eq(number(p, 180, 2), b + 14);
	m->last = a - 1;
	ck_assert_uint_eq(number(p, 190, 2), a);
	ck_assert_uint_eq(number(p, 192, 1), a + 2);
	all_found(p);
	pv_end(p);
}
END_TEST

START_TEST(test_flush)
{
	struct pv_env *p = pv_new(4096);
	struct mmuext_op op = {.cmd = MMUEXT_TLB_FLUSH_MULTI};
	static const unsigned int cmd[] = {MMUEXT_TLB_FLUSH_LOCAL,
		MMUEXT_INVLPG_LOCAL, MMUEXT_TLB_FLUSH_ALL, MMUEXT_INVLPG_ALL};
	unsigned int i;

	for (i = 0; i < 4; i++)
		ck_assert_int_eq(ext(p, cmd[i], 0), 0);
	op.arg2.src_mfn = MASK; /* in the union: the address of the mask */
	memcpy(at(p->e, REQS), &op, sizeof(op));
	ck_assert_int_eq(
		call4(p, __HYPERVISOR_mmuext_op, REQS, 1, 0, DOMID_SELF), 0);
	op.arg2.src_mfn = 65536;
	memcpy(at(p->e, REQS), &op, sizeof(op));
	ck_assert_int_eq(
		call4(p, __HYPERVISOR_mmuext_op, REQS, 1, 0, DOMID_SELF),
		-EFAULT);
	/* an address that no table translates */
	ck_assert_int_eq(
		call4(p, __HYPERVISOR_update_va_mapping, 1ull << 47, 0, 0, 0),
		-EINVAL);
	ck_assert_int_eq(
		call4(p, __HYPERVISOR_update_va_mapping, 0, 0, 0, 0), -EINVAL);
	build(p);
	ck_assert_int_eq(ext(p, MMUEXT_NEW_BASEPTR, p->mfn[0]), 0);
	ck_assert_int_eq(
		call4(p, __HYPERVISOR_update_va_mapping, 1ull << 48, 0, 0, 0),
		-EINVAL);
	ck_assert_int_eq(
		call4(p, __HYPERVISOR_update_va_mapping, 0, 0, 3, 0), -ENOSYS);
	ck_assert_uint_ne(*(uint64_t *)frame_va(frame(p, 3)), 0);
	ck_assert_int_eq(call4(p, __HYPERVISOR_update_va_mapping, 0, 0,
				 UVMF_TLB_FLUSH | MASK, 0),
		0);
	ck_assert_int_eq(call4(p, __HYPERVISOR_update_va_mapping, 0, 0,
				 UVMF_TLB_FLUSH | 65536, 0),
		-EFAULT);
	pv_end(p);
}
END_TEST

START_TEST(test_gdt)
{
	struct pv_env *p = pv_new(4096);

	memcpy(at(p->e, ARGS), p->mfn, 8 * 14);
	ck_assert_int_eq(call4(p, __HYPERVISOR_set_gdt, ARGS, 513, 0, 0), 0);
	ck_assert_int_eq(frame_type(frame(p, 1)), HV_TYPE_SEGDESC);
	ck_assert_int_eq(frame_type(frame(p, 2)), HV_TYPE_NONE);
	ck_assert_int_eq(call4(p, __HYPERVISOR_set_gdt, ARGS,
				 FIRST_RESERVED_GDT_ENTRY + 1, 0, 0),
		-EINVAL);
	ck_assert_int_eq(call4(p, __HYPERVISOR_set_gdt, ARGS, UINT64_MAX, 0, 0),
		-EINVAL);
	ck_assert_int_eq(
		call4(p, __HYPERVISOR_set_gdt, 65530, 1, 0, 0), -EFAULT);
	ck_assert_int_eq(frame_type(frame(p, 1)), HV_TYPE_SEGDESC);
	ck_assert_int_eq(call4(p, __HYPERVISOR_set_gdt, 0, 0, 0, 0), 0);
	ck_assert_int_eq(frame_type(frame(p, 1)), HV_TYPE_NONE);
	/* a gate is the hypervisor's */
	ck_assert_int_eq(update(p, p->mfn[0], 3, 1ull << 47 | 0xeull << 40), 0);
	ck_assert_int_eq(
		call4(p, __HYPERVISOR_set_gdt, ARGS, 1, 0, 0), -EINVAL);
	pv_end(p);
}
END_TEST

static void put_iret(struct pv_env *p, uint64_t cs, uint64_t rax)
{
	struct iret_context f = {.cs = cs, .rax = rax};

	memcpy(at(p->e, FRAME), &f, sizeof(f));
}

static void put_entry(struct pv_env *p, unsigned int i, uint64_t op, uint64_t a,
	uint64_t b, uint64_t y)
{
	struct multicall_entry m = {.op = op, .args = {a, b, 0, y}};

	m.result = 12345;
	memcpy(at(p->e, LIST + i * sizeof(m)), &m, sizeof(m));
}

static int64_t result(struct pv_env *p, unsigned int i)
{
	struct multicall_entry m;

	memcpy(&m, at(p->e, LIST + i * sizeof(m)), sizeof(m));
	return (int64_t)m.result;
}

/* Descriptors cost what they are: a batch stops after a table of them. */
START_TEST(test_gdt_costs)
{
	struct pv_env *p = pv_new(600);

	memcpy(at(p->e, ARGS), p->mfn, 8 * 4);
	put_entry(p, 0, __HYPERVISOR_set_gdt, ARGS, 4 * 512, 0);
	put_entry(p, 1, __HYPERVISOR_set_gdt, 0, 0, 0);
	ck_assert_int_eq(call4(p, __HYPERVISOR_multicall, LIST, 2, 0, 0), 0);
	ck_assert_int_eq(result(p, 0), 0);
	ck_assert_int_eq(result(p, 1), 0);
	ck_assert_uint_eq(p->restarts, 1);
	pv_end(p);
}
END_TEST

/* What stands behind the way to user mode does not run there. */
START_TEST(test_multicall)
{
	struct pv_env *p = pv_new(4096);
	struct mmuext_op op = {
		.cmd = MMUEXT_PIN_L4_TABLE, .arg1.mfn = p->mfn[0]};

	build(p);
	ck_assert_int_eq(ext(p, MMUEXT_NEW_USER_BASEPTR, p->mfn[0]), 0);
	memcpy(at(p->e, REQS), &op, sizeof(op));
	put_iret(p, 3, (uint64_t)-ERESTART);
	put_entry(p, 0, __HYPERVISOR_mmuext_op, REQS, 1, DOMID_SELF);
	put_entry(p, 1, __HYPERVISOR_iret, FRAME, 0, 0);
	put_entry(p, 2, __HYPERVISOR_mmuext_op, REQS, 1, DOMID_SELF);
	ck_assert_int_eq(call4(p, __HYPERVISOR_multicall, LIST, 3, 0, 0), 0);
	ck_assert_int_eq(result(p, 0), 0);
	ck_assert_int_eq(result(p, 1), 0);
	ck_assert_int_eq(result(p, 2), 12345);
	ck_assert_int_eq(p->d->pv->cpu.mode, PV_USER);
	ck_assert_uint_eq(p->d->pv->cpu.rax, (uint64_t)-ERESTART);
	/* who calls next is the kernel again */
	ck_assert_int_eq(ext(p, MMUEXT_UNPIN_TABLE, p->mfn[0]), 0);
	ck_assert_int_eq(p->d->pv->cpu.mode, PV_KERNEL);
	/* an iret to the kernel itself leaves the batch as well */
	put_iret(p, 0, 1);
	ck_assert_int_eq(call4(p, __HYPERVISOR_multicall, LIST, 3, 0, 0), 0);
	ck_assert_int_eq(p->d->pv->cpu.mode, PV_KERNEL);
	ck_assert_int_eq(result(p, 2), 12345);
	pv_end(p);
}
END_TEST

START_TEST(test_iret_crash)
{
	struct pv_env *p = pv_new(4096);
	struct mmuext_op op = {
		.cmd = MMUEXT_PIN_L4_TABLE, .arg1.mfn = p->mfn[0]};

	memcpy(at(p->e, REQS), &op, sizeof(op));
	put_iret(p, 3, 0); /* there is no user root */
	put_entry(p, 0, __HYPERVISOR_iret, _i ? FRAME : 65536, 0, 0);
	put_entry(p, 1, __HYPERVISOR_mmuext_op, REQS, 1, DOMID_SELF);
	ck_assert_int_eq(call4(p, __HYPERVISOR_multicall, LIST, 2, 0, 0), 0);
	ck_assert_int_eq(result(p, 0), _i ? -EINVAL : -EFAULT);
	ck_assert_int_eq(result(p, 1), 12345);
	ck_assert(p->d->shut);
	ck_assert_uint_eq(p->d->shut_code, SHUTDOWN_crash);
	ck_assert_int_eq(ext(p, MMUEXT_PIN_L1_TABLE, p->mfn[0]), -ESRCH);
	ck_assert_int_eq(hv_dom_resume(p->d), 0);
	ck_assert_int_eq(ext(p, MMUEXT_PIN_L1_TABLE, p->mfn[0]), 0);
	pv_end(p);
}
END_TEST

/* A call that goes on was made by the kernel, whoever left it meanwhile. */
START_TEST(test_two_sessions)
{
	struct pv_env *p = pv_new(2048);
	struct mmuext_op op = {
		.cmd = MMUEXT_PIN_L4_TABLE, .arg1.mfn = p->mfn[0]};
	uint64_t arg[6] = {REQS, 1, DONE, DOMID_SELF};
	struct hv_call c = p->c;

	build(p);
	c.budget = 1;
	memcpy(at(p->e, REQS), &op, sizeof(op));
	ck_assert_int_eq(
		hv_hypercall(&c, __HYPERVISOR_mmuext_op, arg), -ERESTART);
	ck_assert_int_eq(ext(p, MMUEXT_NEW_USER_BASEPTR, p->mfn[0]), 0);
	put_iret(p, 3, 0);
	ck_assert_int_eq(call4(p, __HYPERVISOR_iret, FRAME, 0, 0, 0), 0);
	ck_assert_int_eq(p->d->pv->cpu.mode, PV_USER);
	memcpy(at(p->e, REQS), &op, sizeof(op));
	c.budget = 2048;
	ck_assert_int_eq(hv_hypercall_continue(&c), 0);
	ck_assert(frame(p, 0)->page.type & PAGE_PINNED);
	pv_end(p);
}
END_TEST

static const unsigned int pv_calls[] = {__HYPERVISOR_mmu_update,
	__HYPERVISOR_mmuext_op, __HYPERVISOR_update_va_mapping,
	__HYPERVISOR_set_gdt, __HYPERVISOR_iret};

/* A domain that is not one of them has no such calls. */
START_TEST(test_kinds)
{
	struct pv_env *p = pv_new(64);
	struct hv_dom *d32 = pv_dom_new(p->e, 3, 32);
	struct hv_call c = {.dom = d32, .mem = &p->e->g.m, .budget = 64};
	unsigned int op = pv_calls[_i];
	uint64_t mfn;

	ck_assert_int_eq(hv_mem_table(d32, 0, &mfn), -EINVAL);
	ck_assert_int_eq(call(&p->e->c1, op, REQS, 0, 0, NULL), -ENOSYS);
	ck_assert_int_eq(call(&c, op, REQS, 0, 0, NULL), -ENOSYS);
	ck_assert_ptr_null(p->e->d->pv);
	p->e->h.fail_at = p->e->h.calls + 1;
	ck_assert_int_eq(call(&p->c, op, REQS, 0, 0, NULL), -ENOMEM);
	p->e->h.fail_at = 0;
	pv_end(p);
}
END_TEST

/* A unit at a time, and an end wherever it is. */
START_TEST(test_restart)
{
	struct pv_env *p = pv_new(1);
	struct mmuext_op op = {
		.cmd = MMUEXT_PIN_L4_TABLE, .arg1.mfn = p->mfn[0]};
	uint64_t arg[6] = {REQS, 1, DONE, DOMID_SELF};
	unsigned int n = 0;
	uint32_t budget;
	int64_t r;

	build(p);
	memcpy(at(p->e, REQS), &op, sizeof(op));
	r = hv_hypercall(&p->c, __HYPERVISOR_mmuext_op, arg);
	while (r == -ERESTART && n++ < (unsigned int)_i)
		r = hv_hypercall_continue(&p->c);
	ck_assert_int_eq(r, -ERESTART);
	ck_assert_uint_eq(frame(p, 0)->page.type & PAGE_PINNED, 0);
	hv_hypercall_abort(&p->c);
	if (_i % 2) {
		/* others first: what was begun can be gone on with */
		p->c.budget = 2048;
		ck_assert_int_eq(ext(p, MMUEXT_PIN_L4_TABLE, p->mfn[0]), 0);
	}
	do {
		budget = 1;
		r = hv_dom_destroy(p->d, &budget);
	} while (r == -ERESTART);
	ck_assert_int_eq(r, 0);
	ck_assert_ptr_null(hv_dom_find(p->e->h.hv, PV_ID));
	pv_end(p);
}
END_TEST

/* Any calls at all; the engine checks itself after each. */
START_TEST(test_random)
{
	struct pv_env *p = pv_new(7);
	unsigned int seed = (unsigned int)_i + 1, n;
	uint64_t a, b, m;

#define R(x) ((unsigned int)rand_r(&seed) % (x))
	for (n = 0; n < 600; n++) {
		a = p->mfn[R(6)];
		b = p->mfn[R(6)];
		switch (R(8)) {
		case 0: (void)ext(p, R(4), a); break;
		case 1: (void)ext(p, MMUEXT_UNPIN_TABLE, a); break;
		case 2: (void)ext(p, MMUEXT_NEW_BASEPTR, a); break;
		case 3: (void)ext(p, MMUEXT_NEW_USER_BASEPTR, R(2) * a); break;
		case 4:
			m = R(3) ? PTE_OF(b, PTE_PRESENT | R(2) * PTE_RW) : 0;
			(void)call4(p, __HYPERVISOR_update_va_mapping,
				(uint64_t)R(4) << 12, m, 0, 0);
			break;
		case 5:
			if (R(20) == 0)
				(void)hv_mem_table(p->d, R(6), &p->mfn[R(6)]);
			break;
		default:
			m = R(5) ? PTE_OF(b, PTE_PRESENT | R(2) * PTE_RW) : 0;
			(void)update(p, a, R(3), m);
			break;
		}
	}
#undef R
	pv_end(p);
}
END_TEST

BH_CHECK_MAIN("hc_pv", 60, BH_TEST(test_tree), BH_TEST(test_unpin),
	BH_TEST(test_sealed), BH_TEST(test_table_refused),
	BH_TEST(test_numbers), BH_TEST(test_numbers_round), BH_TEST(test_flush),
	BH_TEST(test_gdt), BH_TEST(test_gdt_costs), BH_TEST(test_multicall),
	BH_TEST(test_two_sessions), BH_LOOP(test_iret_crash, 2),
	BH_LOOP(test_kinds, 5), BH_LOOP(test_restart, 12),
	BH_LOOP(test_random, 20))
