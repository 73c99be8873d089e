// SPDX-License-Identifier: MIT
/* pvmem.c: a program of a PV domain with page tables of its own */
#include "tests/sys/pvmem.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define __XEN_TOOLS__ 1
#include <xen/xen.h>
#include <xen/memory.h>

static int result(int r)
{
	return r < 0 ? -errno : r;
}

static int reserve(struct pvmem *p, unsigned int cmd, uint64_t gfn, uint32_t nr)
{
	xen_pfn_t list[PVMEM_TABLES + PVMEM_DATA];
	struct xen_memory_reservation r = {
		.nr_extents = nr, .domid = DOMID_SELF};
	int done;

	for (uint32_t i = 0; i < nr; i++)
		list[i] = gfn + i;
	r.extent_start.p = list;
	done = xencall2(p->x, __HYPERVISOR_memory_op, cmd, (uintptr_t)&r);
	if (done < 0)
		return -errno;
	return (uint32_t)done == nr ? 0 : -ENOMEM;
}

int pvmem_populate(struct pvmem *p, uint64_t gfn)
{
	return reserve(p, XENMEM_populate_physmap, gfn, 1);
}

int pvmem_decrease(struct pvmem *p, uint64_t gfn)
{
	return reserve(p, XENMEM_decrease_reservation, gfn, 1);
}

int pvmem_open(struct pvmem *p, uint32_t l1s, bool again)
{
	uint64_t gfn[PVMEM_TABLES + PVMEM_DATA];
	int r;

	*p = (struct pvmem){.n_l1 = l1s, .pages = 3 + l1s + PVMEM_DATA};
	p->x = xencall_open(NULL, 0);
	if (!p->x)
		return -errno;
	r = hv_client_open(&p->c, NULL, 0);
	if (r == 0 && !again)
		r = reserve(p, XENMEM_populate_physmap, 0, p->pages);
	for (uint32_t i = 0; i < p->pages; i++)
		gfn[i] = i;
	return r ? r : hv_mfns(p->c, gfn, p->mfn, p->pages);
}

void pvmem_close(struct pvmem *p)
{
	for (uint32_t i = 0; i < PVMEM_TABLES; i++)
		if (p->table[i])
			munmap((void *)(uintptr_t)p->table[i], HVP_PAGE);
	hv_client_close(p->c);
	xencall_close(p->x);
}

int pvmem_tables(struct pvmem *p)
{
	int r = 0;

	for (uint32_t i = 0; i < 3 + p->n_l1 && !r; i++)
		r = hv_table_get(p->c, i, &p->mfn[i], &p->table[i]);
	return r;
}

static void fill_l1(const struct pvmem *p, uint32_t l1, struct mmu_update *u)
{
	const uint32_t half = p->n_l1 * PVMEM_SLOTS / 2;

	for (uint32_t i = 0; i < PVMEM_SLOTS; i++) {
		const uint32_t vpn = l1 * PVMEM_SLOTS + i;

		u[i].ptr = p->mfn[pvmem_l1(l1)] << 12 | i * 8;
		u[i].val = pvmem_entry(p->mfn[pvmem_data(p, vpn)],
			vpn < half ? PVMEM_P | PVMEM_RW | PVMEM_US : PVMEM_P);
	}
}

int pvmem_fill(struct pvmem *p)
{
	const uint64_t all = PVMEM_P | PVMEM_RW | PVMEM_US;
	const uint32_t nr = p->n_l1 * (PVMEM_SLOTS + 1) + 2;
	struct mmu_update *u = calloc(nr, sizeof(*u)), *at = u;
	int r;

	if (!u)
		return -ENOMEM;
	for (uint32_t i = 0; i < p->n_l1; i++, at += PVMEM_SLOTS)
		fill_l1(p, i, at);
	for (uint32_t i = 0; i < p->n_l1; i++, at++) {
		at->ptr = p->mfn[2] << 12 | i * 8;
		at->val = pvmem_entry(p->mfn[pvmem_l1(i)], all);
	}
	for (uint32_t i = 0; i < 2; i++, at++) {
		at->ptr = p->mfn[i] << 12;
		at->val = pvmem_entry(p->mfn[i + 1], all);
	}
	r = result(xencall4(p->x, __HYPERVISOR_mmu_update, (uintptr_t)u, nr,
		(uintptr_t)&p->done, DOMID_SELF));
	free(u);
	return r ? r : p->done == nr ? 0 : -EIO;
}

int pvmem_update(struct pvmem *p, uint64_t mfn, uint32_t slot, uint64_t entry)
{
	struct mmu_update u = {.ptr = mfn << 12 | slot * 8ull, .val = entry};

	return result(xencall4(p->x, __HYPERVISOR_mmu_update, (uintptr_t)&u, 1,
		(uintptr_t)&p->done, DOMID_SELF));
}

int pvmem_ext(struct pvmem *p, unsigned int cmd, uint64_t mfn)
{
	struct mmuext_op op = {.cmd = cmd, .arg1.mfn = mfn};

	return result(xencall4(p->x, __HYPERVISOR_mmuext_op, (uintptr_t)&op, 1,
		(uintptr_t)&p->done, DOMID_SELF));
}

int pvmem_update_va(struct pvmem *p, uint64_t va, uint64_t entry)
{
	return result(xencall3(p->x, __HYPERVISOR_update_va_mapping, va, entry,
		UVMF_INVLPG | UVMF_ALL));
}
