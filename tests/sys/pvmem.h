/* SPDX-License-Identifier: MIT */
/*
 * pvmem.h: a program of a PV domain that runs through page tables of its own
 *
 * Its memory, from gfn 0 on: an L4, an L3, an L2, n L1s, and PVMEM_DATA pages
 * that all entries of the L1s map in turn.  The first half of the virtual
 * pages is writable, in user mode as well; the second half is read-only and
 * the kernel's.  Calls are made by libxencall.  Functions return 0 or a
 * negative errno.
 */
#ifndef TESTS_SYS_PVMEM_H
#define TESTS_SYS_PVMEM_H

#include <stdbool.h>
#include <stdint.h>

#include <xencall.h>

#include "hv/compat/tables.h"

enum {
	PVMEM_DATA = 16,
	PVMEM_L1S = 10, /* at most */
	PVMEM_TABLES = 3 + PVMEM_L1S,
	PVMEM_SLOTS = 512,
};

/* Bits of entries. */
#define PVMEM_P  1ull
#define PVMEM_RW 2ull
#define PVMEM_US 4ull

struct pvmem {
	struct hv_client *c;
	xencall_handle *x;
	uint32_t n_l1;
	uint32_t pages;                          /* all of them */
	uint64_t mfn[PVMEM_TABLES + PVMEM_DATA]; /* by gfn */
	const uint64_t *table[PVMEM_TABLES];     /* read-only */
	uint32_t done;                           /* of the last call */
};

/* pvmem_open: handles and memory for a tree with @l1s L1s, without tables yet.
 * With @again the memory is there, from a program that has ended. */
int pvmem_open(struct pvmem *p, uint32_t l1s, bool again);
void pvmem_close(struct pvmem *p);

/* pvmem_tables: make table pages of the first gfns; pvmem_fill: all entries
 * of all tables, in one call. */
int pvmem_tables(struct pvmem *p);
int pvmem_fill(struct pvmem *p);

/* gfns */
static inline uint32_t pvmem_l1(uint32_t i)
{
	return 3 + i;
}

static inline uint32_t pvmem_data(const struct pvmem *p, uint32_t i)
{
	return 3 + p->n_l1 + i % PVMEM_DATA;
}

static inline uint64_t pvmem_entry(uint64_t mfn, uint64_t bits)
{
	return mfn << 12 | bits;
}

/* One mmu_update, one mmuext_op (MMUEXT_*), update_va_mapping. */
int pvmem_update(struct pvmem *p, uint64_t mfn, uint32_t slot, uint64_t entry);
int pvmem_ext(struct pvmem *p, unsigned int cmd, uint64_t mfn);
int pvmem_update_va(struct pvmem *p, uint64_t va, uint64_t entry);

/* XENMEM_populate_physmap, XENMEM_decrease_reservation of one page. */
int pvmem_populate(struct pvmem *p, uint64_t gfn);
int pvmem_decrease(struct pvmem *p, uint64_t gfn);

#endif
