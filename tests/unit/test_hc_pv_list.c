/* SPDX-License-Identifier: MIT */
/*
 * test_hc_pv_list.c - lists of requests, what calls cost, and accesses
 */
#include "tests/unit/hc_pv.h"

START_TEST(test_lists)
{
	struct pv_env *p = pv_new(4096);
	struct mmu_update u[3] = {0};
	unsigned int i;

	for (i = 0; i < 3; i++)
		u[i].ptr = p->mfn[4] << 12 | i * 8;
	u[0].val = 7;
	u[1].ptr |= MMU_MACHPHYS_UPDATE;
	memcpy(at(p->e, REQS), u, sizeof(u));
	ck_assert_int_eq(
		call4(p, __HYPERVISOR_mmu_update, REQS, 3, DONE, DOMID_SELF),
		-ENOSYS);
	ck_assert_uint_eq(done(p), 1);
	ck_assert_uint_eq(((uint64_t *)host_page(p->d, 4))[0], 7);
	u[1].ptr = (p->mfn[4] << 12) + 4; /* between two entries */
	memcpy(at(p->e, REQS), u, sizeof(u));
	ck_assert_int_eq(
		call4(p, __HYPERVISOR_mmu_update, REQS, 3, 0, PV_ID), -EINVAL);
	ck_assert_uint_eq(done(p), 1);
	/* each is a unit of the budget */
	u[1].ptr = p->mfn[4] << 12;
	memcpy(at(p->e, REQS), u, sizeof(u));
	p->c.budget = 1;
	ck_assert_int_eq(
		call4(p, __HYPERVISOR_mmu_update, REQS, 3, DONE, PV_ID), 0);
	ck_assert_uint_eq(p->restarts, 2);
	ck_assert_uint_eq(done(p), 3);
	/* what cannot be read, told, or be anybody's */
	ck_assert_int_eq(call4(p, __HYPERVISOR_mmu_update, 65536 - 16, 2, DONE,
				 DOMID_SELF),
		-EINVAL);
	ck_assert_int_eq(call4(p, __HYPERVISOR_mmu_update, UINT64_MAX - 8, 2,
				 DONE, DOMID_SELF),
		-EFAULT);
	ck_assert_uint_eq(done(p), 0);
	ck_assert_int_eq(
		call4(p, __HYPERVISOR_mmu_update, REQS, 0, 65536, DOMID_SELF),
		-EFAULT);
	ck_assert_int_eq(
		call4(p, __HYPERVISOR_mmu_update, REQS, 1, DONE, 1), -EPERM);
	ck_assert_int_eq(
		call4(p, __HYPERVISOR_mmu_update, REQS, 1, DONE, 77), -ESRCH);
	ck_assert_int_eq(call4(p, __HYPERVISOR_mmu_update, REQS, 1, DONE,
				 DOMID_SELF | 2u << 16),
		-EPERM);
	ck_assert_int_eq(
		call4(p, __HYPERVISOR_mmuext_op, REQS, 1, DONE, 78u), -ESRCH);
	ck_assert_int_eq(ext(p, MMUEXT_SET_LDT, 0), -ENOSYS);
	ck_assert_int_eq(ext(p, 99, 0), -ENOSYS);
	ck_assert_int_eq(ext(p, MMUEXT_PIN_L1_TABLE, 0), -EINVAL);
	ck_assert_int_eq(ext(p, MMUEXT_NEW_BASEPTR, 0), -EINVAL);
	ck_assert_int_eq(ext(p, MMUEXT_NEW_USER_BASEPTR, 0), 0);
	pv_end(p);
}
END_TEST

/* A machine's last addresses, which are memory here as the first ones are. */
static int top_read(struct hv_gmem *m, void *dst, uint64_t addr, size_t len)
{
	struct test_gmem *g = (struct test_gmem *)m;

	if (addr >= UINT64_MAX - 4095)
		addr = addr % 4096 + 4096;
	if (addr > sizeof(g->bytes) || len > sizeof(g->bytes) - addr)
		return -EFAULT;
	memcpy(dst, g->bytes + addr, len);
	return 0;
}

/* A list ends where the addresses end: it does not go on at 0. */
START_TEST(test_list_wraps)
{
	struct pv_env *p = pv_new(4096);
	struct mmu_update u = {.ptr = p->mfn[4] << 12, .val = 7};

	p->e->g.m.read = top_read;
	memcpy(at(p->e, 8192 - sizeof(u)), &u, sizeof(u));
	u.ptr += 8;
	memcpy(at(p->e, 0), &u, sizeof(u));
	ck_assert_int_eq(
		call4(p, __HYPERVISOR_mmu_update, UINT64_MAX - sizeof(u) + 1, 2,
			DONE, DOMID_SELF),
		-EFAULT);
	ck_assert_uint_eq(done(p), 1);
	ck_assert_uint_eq(((uint64_t *)host_page(p->d, 4))[0], 7);
	ck_assert_uint_eq(((uint64_t *)host_page(p->d, 4))[1], 0);
	pv_end(p);
}
END_TEST

/*
 * How many are done is told at the end, once: a place that is in the list
 * itself changes no request, and a call that goes on has told nothing.
 */
START_TEST(test_done_last)
{
	struct pv_env *p = pv_new(1);
	struct mmu_update u[3] = {0};
	uint64_t arg[6] = {REQS, 3, REQS + 2 * sizeof(u[0]) + 8, DOMID_SELF};
	uint64_t val;
	int64_t r;

	for (unsigned int i = 0; i < 3; i++) {
		u[i].ptr = p->mfn[4] << 12 | i * 8;
		u[i].val = 0x70 + i;
	}
	memcpy(at(p->e, REQS), u, sizeof(u));
	r = hv_hypercall(&p->c, __HYPERVISOR_mmu_update, arg);
	while (r == -ERESTART) {
		memcpy(&val, at(p->e, arg[2]), sizeof(val));
		ck_assert_uint_eq(val, 0x72);
		r = hv_hypercall_continue(&p->c);
	}
	ck_assert_int_eq(r, 0);
	memcpy(&val, at(p->e, arg[2]), sizeof(val));
	ck_assert_uint_eq((uint32_t)val, 3);
	ck_assert_uint_eq(((uint64_t *)host_page(p->d, 4))[2], 0x72);
	pv_end(p);
}
END_TEST

/* What a domain's tables cost to take down is taken off the caller's budget,
 * and nothing is left that it did not cost. */
START_TEST(test_kill_costs)
{
	struct pv_env *p = pv_new(4096);
	uint32_t budget = 100000, plain;

	build(p);
	ck_assert_int_eq(hv_dom_destroy(p->d, &budget), 0);
	plain = 100000 - budget;
	p->d = pv_dom_new(p->e, PV_ID, 64);
	p->c.dom = p->d;
	for (unsigned int i = 0; i < 4; i++)
		ck_assert_int_eq(hv_mem_table(p->d, i, &p->mfn[i]), 0);
	ck_assert_int_eq(hv_mem_mfn(p->d, 4, &p->mfn[4]), 0);
	build(p);
	ck_assert_int_eq(ext(p, MMUEXT_PIN_L4_TABLE, p->mfn[0]), 0);
	budget = 100000;
	ck_assert_int_eq(hv_dom_destroy(p->d, &budget), 0);
	/* the slots of four tables, nearly */
	ck_assert_uint_ge(100000 - budget, plain + 2000);
	pv_end(p);
}
END_TEST

/* An L1 costs what it is: a call stops after one, not after thousands. */
START_TEST(test_l1_costs)
{
	struct pv_env *p = pv_new(600);
	uint64_t mfn;

	for (unsigned int i = 0; i < 3; i++)
		ck_assert_int_eq(
			update(p, p->mfn[i], 0, PTE_OF(p->mfn[i + 1], FLAGS)),
			0);
	for (unsigned int i = 1; i < 5; i++) {
		ck_assert_int_eq(hv_mem_table(p->d, 5 + i, &mfn), 0);
		ck_assert_int_eq(
			update(p, p->mfn[2], i, PTE_OF(mfn, FLAGS)), 0);
	}
	ck_assert_int_eq(ext(p, MMUEXT_PIN_L4_TABLE, p->mfn[0]), 0);
	ck_assert_uint_ge(p->restarts, 4);
	ck_assert_int_eq(ext(p, MMUEXT_UNPIN_TABLE, p->mfn[0]), 0);
	pv_end(p);
}
END_TEST

/* What a processor would do. */
START_TEST(test_access)
{
	struct pv_env *p = pv_new(4096);
	static uint8_t buf[HV_ACCESS_MAX + 1];
	const uint64_t top = ~0ull << 47;

	ck_assert_int_eq(hv_mem_access(p->e->d, 0, buf, 8, 0), -ENOSYS);
	ck_assert_int_eq(hv_mem_access(p->d, 0, buf, 8, 0), -EFAULT);
	ck_assert_int_eq(hv_mem_access(p->d, 0, buf, 0, 0), 0);
	build(p);
	/* two pages side by side, and the last one of all */
	ck_assert_int_eq(
		update(p, p->mfn[3], 1, PTE_OF(p->mfn[5], PTE_PRESENT)), 0);
	ck_assert_int_eq(
		update(p, p->mfn[3], 511, PTE_OF(p->mfn[6], FLAGS)), 0);
	ck_assert_int_eq(
		update(p, p->mfn[2], 511, PTE_OF(p->mfn[3], FLAGS)), 0);
	ck_assert_int_eq(
		update(p, p->mfn[1], 511, PTE_OF(p->mfn[2], FLAGS)), 0);
	ck_assert_int_eq(
		update(p, p->mfn[0], 511, PTE_OF(p->mfn[1], FLAGS)), 0);
	/* both sides of the addresses that are none */
	ck_assert_int_eq(
		update(p, p->mfn[0], 255, PTE_OF(p->mfn[1], FLAGS)), 0);
	ck_assert_int_eq(
		update(p, p->mfn[0], 256, PTE_OF(p->mfn[1], FLAGS)), 0);
	ck_assert_int_eq(ext(p, MMUEXT_NEW_BASEPTR, p->mfn[0]), 0);
	memset(buf, 0x5a, 16);
	ck_assert_int_eq(hv_mem_access(p->d, 4090, buf, 6, HV_ACCESS_WRITE), 0);
	ck_assert_uint_eq(host_page(p->d, 4)[4090], 0x5a);
	ck_assert_uint_eq(host_page(p->d, 4)[4095], 0x5a);
	ck_assert_uint_eq(host_page(p->d, 4)[4089], 0);
	/* all or nothing: the second page is read-only */
	memset(buf, 0x77, 16);
	ck_assert_int_eq(
		hv_mem_access(p->d, 4090, buf, 7, HV_ACCESS_WRITE), -EFAULT);
	ck_assert_uint_eq(host_page(p->d, 4)[4090], 0x5a);
	host_page(p->d, 5)[0] = 0x33;
	ck_assert_int_eq(hv_mem_access(p->d, 4090, buf, 7, 0), 0);
	ck_assert_uint_eq(buf[5], 0x5a);
	ck_assert_uint_eq(buf[6], 0x33);
	/* the kernel's root is not the user's */
	ck_assert_int_eq(
		hv_mem_access(p->d, 0, buf, 8, HV_ACCESS_USER), -EFAULT);
	ck_assert_int_eq(ext(p, MMUEXT_NEW_USER_BASEPTR, p->mfn[0]), 0);
	ck_assert_int_eq(hv_mem_access(p->d, 0, buf, 8, HV_ACCESS_USER), 0);
	ck_assert_int_eq(
		hv_mem_access(p->d, 4096, buf, 8, HV_ACCESS_USER), -EFAULT);
	/* ends of what has an address */
	ck_assert_int_eq(hv_mem_access(p->d, ~0ull, buf, 1, 0), 0);
	ck_assert_int_eq(hv_mem_access(p->d, ~0ull, buf, 2, 0), -EFAULT);
	ck_assert_int_eq(hv_mem_access(p->d, 1ull << 47, buf, 1, 0), -EINVAL);
	ck_assert_int_eq(hv_mem_access(p->d, top - 1, buf, 1, 0), -EINVAL);
	ck_assert_int_eq(hv_mem_access(p->d, (1ull << 47) - 1, buf, 1, 0), 0);
	ck_assert_int_eq(hv_mem_access(p->d, top, buf, 1, 0), 0);
	ck_assert_int_eq(
		hv_mem_access(p->d, (1ull << 47) - 1, buf, 2, 0), -EFAULT);
	ck_assert_int_eq(
		hv_mem_access(p->d, 0, buf, HV_ACCESS_MAX + 1, 0), -EINVAL);
	/* the host made it read-only: nobody maps it for writing by right */
	frame(p, 6)->run->ro_sealed = true;
	ck_assert_int_eq(hv_mem_foreign(p->e->dom0, PV_ID, 6, true,
				 &(struct hv_page_ref){0}, &(uint32_t){0}),
		-EPERM);
	frame(p, 6)->run->ro_sealed = false;
	pv_end(p);
}
END_TEST

/* Who is dying gets no table page, and nothing through those he has. */
START_TEST(test_dying)
{
	struct pv_env *p = pv_new(4096);
	uint32_t budget = 0;
	uint64_t x = 0;

	build(p);
	ck_assert_int_eq(ext(p, MMUEXT_NEW_BASEPTR, p->mfn[0]), 0);
	ck_assert_int_eq(hv_mem_access(p->d, 0, &x, 8, 0), 0);
	ck_assert_int_eq(hv_dom_destroy(p->d, &budget), -ERESTART);
	ck_assert_int_eq(hv_mem_access(p->d, 0, &x, 8, 0), -EINVAL);
	ck_assert_int_eq(hv_mem_table(p->d, 3, &x), -EINVAL);
	ck_assert_int_eq(hv_mem_table(p->d, 8, &x), -EINVAL);
	/* nor when its tables are gone: nothing is made anew */
	while (p->d->pv) {
		budget = 1;
		ck_assert_int_eq(hv_dom_destroy(p->d, &budget), -ERESTART);
	}
	ck_assert_int_eq(hv_mem_access(p->d, 0, &x, 8, 0), -EINVAL);
	ck_assert_ptr_null(p->d->pv);
	budget = 100000;
	ck_assert_int_eq(hv_dom_destroy(p->d, &budget), 0);
	pv_end(p);
}
END_TEST

BH_CHECK_MAIN("hc_pv_list", 60, BH_TEST(test_lists), BH_TEST(test_list_wraps),
	BH_TEST(test_done_last), BH_TEST(test_kill_costs),
	BH_TEST(test_l1_costs), BH_TEST(test_access), BH_TEST(test_dying))
