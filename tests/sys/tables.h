/* SPDX-License-Identifier: MIT */
/*
 * tables.h: a PV domain with a tree of tables on a real hvd, for tests
 *
 * The test is a program of domain 1 and of dom0.
 */
#ifndef TESTS_SYS_TABLES_H
#define TESTS_SYS_TABLES_H

#include <errno.h>
#include <stdint.h>
#include <unistd.h>

#ifndef __XEN_TOOLS__
#define __XEN_TOOLS__ 1
#endif
#include <xen/xen.h>

#include "tests/sys/pvmem.h"
#include "tests/sys/stand.h"
#include "tests/unit/bh_check.h"

enum { PAGE = 4096, ALL = PVMEM_P | PVMEM_RW | PVMEM_US };

static struct stand s;
static struct hva_info before;
static struct pvmem p;

/* Domain 1 is of kind PV, domain 2 as well, domain 3 is not. */
static inline void up(uint32_t l1s)
{
	ck_assert_int_eq(stand_start(&s), 0);
	ck_assert_int_eq(stand_domain_pv(&s, 2, 1024), 0);
	ck_assert_int_eq(stand_domain(&s, 3, 1024), 0);
	ck_assert_int_eq(stand_info(&s, &before), 0);
	ck_assert_int_eq(stand_domain_pv(&s, 1, 16384), 0);
	stand_as(&s, 1);
	ck_assert_int_eq(pvmem_open(&p, l1s, false), 0);
}

static inline void tree(void)
{
	ck_assert_int_eq(pvmem_tables(&p), 0);
	ck_assert_int_eq(pvmem_fill(&p), 0);
	ck_assert_int_eq(pvmem_ext(&p, MMUEXT_PIN_L4_TABLE, p.mfn[0]), 0);
	ck_assert_int_eq(pvmem_ext(&p, MMUEXT_NEW_BASEPTR, p.mfn[0]), 0);
}

/* Nothing of domain 1 is left. */
static inline void down(void)
{
	struct hva_info now;

	pvmem_close(&p);
	ck_assert_int_eq(stand_destroy(&s, 1), 0);
	for (int n = 0; n < 500; n++) {
		ck_assert_int_eq(stand_info(&s, &now), 0);
		if (now.domains == before.domains &&
			now.sessions <= before.sessions)
			break;
		usleep(10000);
	}
	ck_assert_uint_eq(now.domains, before.domains);
	ck_assert_uint_eq(now.zombies, before.zombies);
	ck_assert_uint_eq(now.frames, before.frames);
	ck_assert_uint_eq(now.runs, before.runs);
	ck_assert_uint_eq(now.maps, before.maps);
	ck_assert_uint_eq(now.foreign, before.foreign);
	ck_assert_int_eq(stand_stop(&s), 0);
}

static inline uint64_t va_of(uint32_t l1, uint32_t slot)
{
	return ((uint64_t)l1 * PVMEM_SLOTS + slot) * PAGE;
}

static inline uint64_t word(uint64_t va)
{
	uint64_t x = ~0ull;

	ck_assert_int_eq(hv_va_read(p.c, va, &x, sizeof(x), false), 0);
	return x;
}

static inline int put(uint64_t va, uint64_t x)
{
	return hv_va_write(p.c, va, &x, sizeof(x), false);
}

#endif
