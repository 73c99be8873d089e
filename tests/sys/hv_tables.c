/* SPDX-License-Identifier: MIT */
/* hv_tables.c: page tables of PV domains on a real hvd */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/sys/attack.h"
#include "tests/sys/tables.h"

#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xenforeignmemory.h>
#include <xengnttab.h>

/* A domain builds a tree, and runs through it. */
START_TEST(test_runs)
{
	uint8_t out[3 * PAGE], in[3 * PAGE];
	uint64_t x = 1;

	up(2);
	ck_assert_int_eq(hv_va_read(p.c, 0, &x, 8, false), -EFAULT);
	tree();
	/* what is in the tables is seen where they are mapped */
	ck_assert_uint_eq(p.table[0][0], pvmem_entry(p.mfn[1], ALL));
	ck_assert_uint_eq(p.table[4][511],
		pvmem_entry(p.mfn[pvmem_data(&p, 1023)], PVMEM_P));
	/* the same page at two addresses */
	ck_assert_int_eq(put(va_of(0, 3) + 80, 42), 0);
	ck_assert_uint_eq(word(va_of(0, 3 + PVMEM_DATA) + 80), 42);
	ck_assert_uint_eq(word(va_of(1, 3) + 80), 42);
	/* the second half is read-only */
	ck_assert_int_eq(put(va_of(1, 3) + 80, 43), -EFAULT);
	/* any number of bytes, over ends of pages, all or none of them */
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 7 + i / 256);
	ck_assert_int_eq(
		hv_va_write(p.c, va_of(0, 4) + 5, out, 2 * PAGE + 3, false), 0);
	ck_assert_int_eq(
		hv_va_read(p.c, va_of(0, 4) + 5, in, 2 * PAGE + 3, false), 0);
	ck_assert_int_eq(memcmp(in, out, 2 * PAGE + 3), 0);
	ck_assert_int_eq(
		hv_va_write(p.c, va_of(0, 511) + PAGE - 1, out, 2, false),
		-EFAULT);
	ck_assert_int_eq(
		hv_va_read(p.c, va_of(0, 511) + PAGE - 1, in, 1, false), 0);
	ck_assert_uint_eq(in[0], 0);
	/* an entry changes, by either call */
	ck_assert_int_eq(pvmem_update_va(&p, va_of(0, 3), 0), 0);
	ck_assert_int_eq(put(va_of(0, 3), 1), -EFAULT);
	ck_assert_uint_eq(p.table[3][3], 0);
	ck_assert_int_eq(pvmem_update(&p, p.mfn[3], 3,
				 pvmem_entry(p.mfn[pvmem_data(&p, 9)], ALL)),
		0);
	ck_assert_int_eq(put(va_of(0, 3), 99), 0);
	ck_assert_uint_eq(word(va_of(0, 9)), 99);
	/* unpinned, the root still holds it */
	ck_assert_int_eq(pvmem_ext(&p, MMUEXT_UNPIN_TABLE, p.mfn[0]), 0);
	ck_assert_uint_eq(word(va_of(0, 9)), 99);
	down();
}
END_TEST

/* The processor looks at the rights of each level, as user mode and as
 * kernel. */
START_TEST(test_rights)
{
	struct iret_context f = {.cs = 3};
	uint64_t x = 0;

	up(2);
	tree();
	ck_assert_int_eq(hv_va_read(p.c, 0, &x, 8, true), -EFAULT);
	ck_assert_int_eq(pvmem_ext(&p, MMUEXT_NEW_USER_BASEPTR, p.mfn[0]), 0);
	ck_assert_int_eq(hv_va_read(p.c, 0, &x, 8, true), 0);
	ck_assert_int_eq(hv_va_write(p.c, 0, &x, 8, true), 0);
	ck_assert_int_eq(hv_va_read(p.c, va_of(1, 0), &x, 8, true), -EFAULT);
	ck_assert_int_eq(hv_va_read(p.c, va_of(1, 0), &x, 8, false), 0);
	ck_assert_int_eq(xencall1(p.x, __HYPERVISOR_iret, (uintptr_t)&f), 0);
	/* whose access it is the caller says */
	ck_assert_int_eq(hv_va_read(p.c, va_of(1, 0), &x, 8, true), -EFAULT);
	ck_assert_int_eq(hv_va_read(p.c, va_of(1, 0), &x, 8, false), 0);
	/* above the L1 */
	ck_assert_int_eq(pvmem_update(&p, p.mfn[2], 0,
				 pvmem_entry(p.mfn[3], PVMEM_P | PVMEM_US)),
		0);
	ck_assert_int_eq(put(0, 1), -EFAULT);
	ck_assert_uint_eq(word(0), 0);
	ck_assert_int_eq(pvmem_update(&p, p.mfn[0], 0,
				 pvmem_entry(p.mfn[1], PVMEM_P | PVMEM_RW)),
		0);
	ck_assert_int_eq(hv_va_read(p.c, 0, &x, 8, true), -EFAULT);
	ck_assert_uint_eq(word(0), 0);
	/* what is no address */
	ck_assert_int_eq(hv_va_read(p.c, 1ull << 47, &x, 8, false), -EINVAL);
	ck_assert_int_eq(
		hv_va_read(p.c, (1ull << 47) - 4, &x, 8, false), -EFAULT);
	ck_assert_int_eq(hv_va_read(p.c, ~0ull - 3, &x, 8, false), -EFAULT);
	ck_assert_int_eq(hv_va_read(p.c, ~0ull, &x, 1, false), -EFAULT);
	ck_assert_int_eq(hv_va_read(p.c, 0, &x, 0, false), 0);
	down();
}
END_TEST

/* What must not be mapped writable, nor at all. */
START_TEST(test_refused)
{
	struct pvmem other;
	uint64_t l1, mfn;

	up(2);
	tree();
	l1 = p.mfn[pvmem_l1(1)];
	/* tables, for writing; for reading they may be */
	for (uint32_t i = 0; i < 5; i++) {
		ck_assert_int_eq(
			pvmem_update(&p, l1, 0, pvmem_entry(p.mfn[i], ALL)),
			-EINVAL);
		ck_assert_int_eq(
			pvmem_update(&p, l1, i, pvmem_entry(p.mfn[i], PVMEM_P)),
			0);
		ck_assert_int_eq(put(va_of(1, i), 0), -EFAULT);
	}
	ck_assert_uint_eq(word(va_of(1, 0)), p.table[0][0]);
	/* others' pages, and nobody's */
	stand_as(&s, 2);
	ck_assert_int_eq(pvmem_open(&other, 0, false), 0);
	mfn = other.mfn[3];
	ck_assert_uint_ne(mfn, HVP_MFN_NONE);
	ck_assert_int_eq(
		pvmem_update(&p, l1, 9, pvmem_entry(mfn, PVMEM_P)), -EINVAL);
	ck_assert_int_eq(
		pvmem_update_va(&p, va_of(1, 9), pvmem_entry(mfn, ALL)),
		-EINVAL);
	ck_assert_int_eq(pvmem_ext(&p, MMUEXT_PIN_L1_TABLE, mfn), -EINVAL);
	ck_assert_int_eq(pvmem_update(&p, mfn, 0, 0), -EINVAL);
	ck_assert_int_eq(
		pvmem_update(&p, l1, 9, pvmem_entry(1ull << 39, PVMEM_P)),
		-EINVAL);
	ck_assert_int_eq(pvmem_update(&other, p.mfn[0], 0, 0), -EINVAL);
	ck_assert_int_eq(
		pvmem_ext(&other, MMUEXT_NEW_BASEPTR, p.mfn[0]), -EINVAL);
	/* gfns that are none, a page that is mapped, and domains that are not
	 * of the kind */
	ck_assert_int_eq(hv_table_get(p.c, 4000, &mfn, NULL), -ENOENT);
	ck_assert_int_eq(
		hv_table_get(p.c, pvmem_data(&p, 0), &mfn, NULL), -EBUSY);
	pvmem_close(&other);
	stand_as(&s, 3);
	ck_assert_int_eq(pvmem_open(&other, 0, false), 0);
	ck_assert_uint_eq(other.mfn[3], HVP_MFN_NONE);
	ck_assert_int_eq(hv_table_get(other.c, 0, &mfn, NULL), -EINVAL);
	ck_assert_int_eq(hv_va_read(other.c, 0, &mfn, 8, false), -ENOSYS);
	ck_assert_int_eq(pvmem_ext(&other, MMUEXT_NEW_BASEPTR, 1), -ENOSYS);
	for (uint32_t i = 0; i < 3 + PVMEM_DATA; i++)
		ck_assert_int_eq(pvmem_decrease(&other, i), 0);
	pvmem_close(&other);
	stand_as(&s, 2);
	ck_assert_int_eq(pvmem_open(&other, 0, true), 0);
	for (uint32_t i = 0; i < 3 + PVMEM_DATA; i++)
		ck_assert_int_eq(pvmem_decrease(&other, i), 0);
	pvmem_close(&other);
	down();
}
END_TEST

static unsigned int log_has(const char *what)
{
	char path[128], line[1024];
	unsigned int n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/hvd.log", s.dir);
	f = fopen(path, "re");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f))
		n += strstr(line, what) != NULL;
	fclose(f);
	return n;
}

/* A page that is not fit to be a table: which, of whom, and what to do; but
 * not for ever. */
START_TEST(test_log)
{
	char text[64];

	up(1);
	ck_assert_int_eq(pvmem_ext(&p, MMUEXT_PIN_L1_TABLE, p.mfn[3]), -EBUSY);
	snprintf(text, sizeof(text), "] d1 (d1): page 0x3 (mfn 0x%jx)",
		(uintmax_t)p.mfn[3]);
	ck_assert_uint_eq(log_has(text), 1);
	ck_assert_uint_eq(log_has("HVP_MEM_TABLE"), 1);
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(
			pvmem_ext(&p, MMUEXT_PIN_L1_TABLE, p.mfn[3]), -EBUSY);
	ck_assert_uint_lt(log_has(text), 100);
	/* also for what a table would map, and a descriptor table */
	ck_assert_int_eq(
		xencall2(p.x, __HYPERVISOR_set_gdt, (uintptr_t)&p.mfn[3], 1),
		-1);
	ck_assert_int_eq(errno, EBUSY);
	/* fit, it is not spoken of */
	ck_assert_int_eq(hv_table_get(p.c, 0, &p.mfn[0], NULL), 0);
	ck_assert_int_eq(pvmem_ext(&p, MMUEXT_PIN_L1_TABLE, p.mfn[0]), 0);
	ck_assert_uint_eq(log_has("page 0x0 "), 0);
	down();
}
END_TEST

/* ---- what the owner can do to a table ------------------------------------ */

/* The kernel's session of domain 1, which is started for it. */
static struct hv_client *kernel(void)
{
	int k = stand_kernel(&s, 1, 16384, true);
	struct hv_client *c;

	ck_assert_int_ge(k, 0);
	ck_assert_int_eq(hv_client_adopt(&c, k, 0), 0);
	return c;
}

/* As the kernel maps its own memory; NULL if it may not be written. */
static uint64_t *map_own(struct hv_client *k, uint64_t gfn, bool split)
{
	const struct hvp_gfn ask = {gfn, 1};
	struct {
		struct hvp_mapping m;
		struct hvp_seg seg;
	} got;
	struct hv_fds fds;
	void *va;

	ck_assert_int_eq(
		hv_client_ask(k, split ? HVP_MEM_SPLIT : HVP_MEM_MAP_OWN,
			!split, &ask, sizeof(ask), &got, sizeof(got), &fds),
		0);
	va = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fds.fd[0],
		(off_t)got.seg.page * PAGE);
	hv_fds_close(&fds);
	return va == MAP_FAILED ? NULL : va;
}

static int table_fd(struct hv_client *c, uint64_t gfn, uint64_t *mfn)
{
	const struct hvp_gfn ask = {gfn, 1};
	struct hvp_table got;
	struct hv_fds fds;

	ck_assert_int_eq(hv_client_ask(c, HVP_MEM_TABLE, 0, &ask, sizeof(ask),
				 &got, sizeof(got), &fds),
		0);
	ck_assert_uint_eq(fds.nr, 1);
	ck_assert_uint_eq(got.page, 0);
	*mfn = got.mfn;
	return fds.fd[0];
}

static void copy_into(uint64_t gfn, int16_t status)
{
	struct gnttab_copy op = {
		.source = {.u.gmfn = pvmem_data(&p, 0), .domid = DOMID_SELF},
		.dest = {.u.gmfn = gfn, .domid = DOMID_SELF},
		.len = 8,
	};

	ck_assert_int_eq(xencall3(p.x, __HYPERVISOR_grant_table_op,
				 GNTTABOP_copy, (uintptr_t)&op, 1),
		0);
	ck_assert_int_eq(op.status, status);
}

/* Whatever a hostile guest does, no byte of a table changes. */
START_TEST(test_attacks)
{
	uint64_t was[PVMEM_SLOTS], *old, *va, mfn;
	struct hv_client *k;
	int fd;

	ck_assert_int_eq(stand_start(&s), 0);
	ck_assert_int_eq(stand_domain_pv(&s, 2, 1024), 0);
	ck_assert_int_eq(stand_info(&s, &before), 0);
	k = kernel();
	stand_as(&s, 1);
	ck_assert_int_eq(pvmem_open(&p, 1, false), 0);
	/* a mapping of what is there before, as if for writing later */
	old = map_own(k, 3, false);
	ck_assert_ptr_nonnull(old);
	old[7] = 0x1000;
	ck_assert_int_eq(pvmem_tables(&p), 0);
	ck_assert_uint_eq(p.table[3][7], 0x1000);
	old[7] = ~0ull;
	ck_assert_uint_eq(p.table[3][7], 0x1000);
	ck_assert_int_eq(pvmem_fill(&p), 0);
	for (int i = 0; i < 2; i++) {
		memset(old, 0xff, PAGE);
		fd = table_fd(p.c, 3, &mfn);
		ck_assert_uint_eq(mfn, p.mfn[3]);
		memcpy(was, p.table[3], PAGE);
		va = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
		ck_assert_ptr_ne(va, MAP_FAILED);
		ck_assert_int_eq(attack_ro(fd, va), 0);
		ck_assert_int_eq(memcmp(va, was, PAGE), 0);
		ck_assert_ptr_null(map_own(k, 3, false));
		ck_assert_ptr_null(map_own(k, 3, true));
		/* a private copy is a copy */
		munmap(va, PAGE);
		va = mmap(
			NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
		ck_assert_ptr_ne(va, MAP_FAILED);
		memset(va, 0, PAGE);
		munmap(va, PAGE);
		close(fd);
		ck_assert_int_eq(memcmp(p.table[3], was, PAGE), 0);
		/* the second time it is one */
		if (i == 0)
			tree();
	}
	copy_into(3, GNTST_general_error);
	ck_assert_int_eq(memcmp(p.table[3], was, PAGE), 0);
	ck_assert_uint_eq(word(0), 0);
	munmap(old, PAGE);
	hv_client_close(k);
	down();
}
END_TEST

/* A page that was a table: it stays read-only, the gfn need not. */
START_TEST(test_give_back)
{
	const uint64_t gfn = 3;
	struct hva_info now;
	uint64_t mfn;

	up(1);
	tree();
	ck_assert_int_eq(pvmem_update(&p, p.mfn[2], 0, 0), 0);
	/* written by calls, but not mapped for writing */
	ck_assert_int_eq(pvmem_update(&p, p.mfn[3], 0, 0x1234), 0);
	ck_assert_uint_eq(p.table[3][0], 0x1234);
	ck_assert_int_eq(pvmem_update(&p, p.mfn[3], 0, 0), 0);
	ck_assert_int_eq(hv_table_get(p.c, gfn, &mfn, NULL), 0);
	ck_assert_uint_eq(mfn, p.mfn[3]);
	ck_assert_int_eq(
		pvmem_update(&p, p.mfn[2], 0, pvmem_entry(p.mfn[3], ALL)), 0);
	/* given up while it is a table: it stays one, until its last use */
	ck_assert_int_eq(stand_info(&s, &before), 0);
	ck_assert_int_eq(pvmem_decrease(&p, gfn), 0);
	ck_assert_int_eq(pvmem_populate(&p, gfn), 0);
	ck_assert_int_eq(stand_info(&s, &now), 0);
	ck_assert_uint_eq(now.frames, before.frames + 1);
	ck_assert_int_eq(hv_mfns(p.c, &gfn, &mfn, 1), 0);
	ck_assert_uint_ne(mfn, p.mfn[3]);
	ck_assert_uint_eq(word(va_of(0, 5)), 0);
	ck_assert_int_eq(pvmem_update(&p, p.mfn[2], 0, 0), 0);
	ck_assert_int_eq(stand_info(&s, &now), 0);
	ck_assert_uint_eq(now.frames, before.frames);
	ck_assert_uint_eq(now.runs, before.runs);
	ck_assert_int_eq(pvmem_update(&p, p.mfn[3], 0, 0), -EINVAL);
	/* what is there now is memory like any */
	ck_assert_int_eq(pvmem_update(&p, mfn, 0, 77), 0);
	pvmem_close(&p);
	ck_assert_int_eq(stand_stop(&s), 0);
}
END_TEST

/* ---- grants and foreign maps --------------------------------------------- */

static xenforeignmemory_handle *fm;
static xengnttab_handle *gt;

/* The grant table of domain 1. */
static grant_entry_v1_t *grant_table(xenforeignmemory_resource_handle **r)
{
	void *at = NULL;

	*r = xenforeignmemory_map_resource(fm, 1, XENMEM_resource_grant_table,
		XENMEM_resource_grant_table_id_shared, 0, 1, &at,
		PROT_READ | PROT_WRITE, 0);
	ck_assert_ptr_nonnull(*r);
	return at;
}

static void grant(grant_entry_v1_t *t, uint32_t ref, uint64_t gfn, int flags)
{
	t[ref].flags = 0;
	t[ref].domid = 0;
	t[ref].frame = (uint32_t)gfn;
	__atomic_store_n(&t[ref].flags, (uint16_t)(GTF_permit_access | flags),
		__ATOMIC_RELEASE);
}

/* A page of a share is mapped by tables and by dom0: each counts. */
START_TEST(test_granted)
{
	const uint64_t va = va_of(0, 100);
	struct hvp_gnt_share ask = {.domid = 0, .count = 1, .write = 1};
	struct {
		struct hvp_share sh;
		uint32_t ref;
	} got;
	struct hv_fds fds;
	struct hvp_id id;
	uint64_t mfn, *at;

	up(1);
	tree();
	ck_assert_int_eq(hv_client_ask(p.c, HVP_GNT_SHARE, 0, &ask, sizeof(ask),
				 &got, sizeof(got.sh) + sizeof(got.ref), &fds),
		0);
	hv_fds_close(&fds);
	ck_assert_int_eq(hv_mfns(p.c, &got.sh.gfn, &mfn, 1), 0);
	ck_assert_int_eq(pvmem_update_va(&p, va, pvmem_entry(mfn, ALL)), 0);
	stand_as(&s, 0);
	gt = xengnttab_open(NULL, 0);
	at = xengnttab_map_grant_ref(gt, 1, got.ref, PROT_READ | PROT_WRITE);
	ck_assert_ptr_nonnull(at);
	ck_assert_int_eq(put(va + 8, 11), 0);
	ck_assert_uint_eq(at[1], 11);
	at[2] = 22;
	ck_assert_uint_eq(word(va + 16), 22);
	/* writable by two, and by one: no table */
	ck_assert_int_eq(pvmem_ext(&p, MMUEXT_PIN_L1_TABLE, mfn), -EINVAL);
	ck_assert_int_eq(pvmem_update_va(&p, va, 0), 0);
	ck_assert_int_eq(pvmem_ext(&p, MMUEXT_PIN_L1_TABLE, mfn), -EINVAL);
	ck_assert_int_eq(
		pvmem_update(&p, p.mfn[2], 7, pvmem_entry(mfn, ALL)), -EINVAL);
	ck_assert_int_eq(hv_table_get(p.c, got.sh.gfn, &mfn, NULL), -EBUSY);
	ck_assert_int_eq(xengnttab_unmap(gt, at, 1), 0);
	/* by nobody: for the want of seals alone */
	ck_assert_int_eq(pvmem_ext(&p, MMUEXT_PIN_L1_TABLE, mfn), -EBUSY);
	ck_assert_int_eq(xengnttab_close(gt), 0);
	id.id = got.sh.id;
	ck_assert_int_eq(hv_client_ask(p.c, HVP_GNT_UNSHARE, 0, &id, sizeof(id),
				 NULL, 0, NULL),
		0);
	down();
}
END_TEST

/* A table is granted for reading only, as is a page that could be one. */
START_TEST(test_table_granted)
{
	xenforeignmemory_resource_handle *r;
	grant_entry_v1_t *t;
	uint64_t *at;

	up(2);
	tree();
	ck_assert_int_eq(pvmem_update(&p, p.mfn[2], 1, 0), 0);
	stand_as(&s, 0);
	fm = xenforeignmemory_open(NULL, 0);
	gt = xengnttab_open(NULL, 0);
	t = grant_table(&r);
	for (uint32_t gfn = 3; gfn < 5; gfn++) {
		grant(t, 20, gfn, 0);
		ck_assert_ptr_null(xengnttab_map_grant_ref(
			gt, 1, 20, PROT_READ | PROT_WRITE));
		grant(t, 20, gfn, GTF_readonly);
		at = xengnttab_map_grant_ref(gt, 1, 20, PROT_READ);
		ck_assert_ptr_nonnull(at);
		ck_assert_int_eq(
			mprotect(at, PAGE, PROT_READ | PROT_WRITE), -1);
		ck_assert_uint_ne(at[1], 0);
		ck_assert_uint_eq(at[1], p.table[gfn][1]);
		ck_assert_int_eq(xengnttab_unmap(gt, at, 1), 0);
	}
	/* somebody else has mapped it: it is made anew */
	ck_assert_int_eq(
		pvmem_update(&p, p.mfn[2], 1, pvmem_entry(p.mfn[4], ALL)),
		-EBUSY);
	ck_assert_int_eq(hv_table_get(p.c, 4, &p.mfn[4], NULL), 0);
	ck_assert_int_eq(
		pvmem_update(&p, p.mfn[2], 1, pvmem_entry(p.mfn[4], ALL)), 0);
	ck_assert_int_eq(xenforeignmemory_unmap_resource(fm, r), 0);
	ck_assert_int_eq(xengnttab_close(gt), 0);
	ck_assert_int_eq(xenforeignmemory_close(fm), 0);
	down();
}
END_TEST

static uint64_t *foreign(xen_pfn_t gfn, int prot, int want)
{
	uint64_t *at;
	int err = 0;

	at = xenforeignmemory_map(fm, 1, prot, 1, &gfn, &err);
	ck_assert_int_eq(err, want);
	ck_assert_ptr_nonnull(at);
	/* there is nothing in it */
	if (want)
		ck_assert_int_eq(xenforeignmemory_unmap(fm, at, 1), 0);
	return at;
}

/* dom0 maps by right: the same counts. */
START_TEST(test_foreign)
{
	uint64_t *at, mfn;
	xen_pfn_t gfn;

	up(1);
	tree();
	gfn = pvmem_data(&p, 5);
	stand_as(&s, 0);
	fm = xenforeignmemory_open(NULL, 0);
	at = foreign(gfn, PROT_READ | PROT_WRITE, 0);
	at[3] = 33;
	ck_assert_uint_eq(word(va_of(0, 5) + 24), 33);
	ck_assert_int_eq(put(va_of(0, 5) + 32, 44), 0);
	ck_assert_uint_eq(at[4], 44);
	/* no entry maps it any more, dom0 does */
	ck_assert_int_eq(pvmem_update(&p, p.mfn[2], 0, 0), 0);
	ck_assert_int_eq(
		pvmem_ext(&p, MMUEXT_PIN_L1_TABLE, p.mfn[gfn]), -EINVAL);
	ck_assert_int_eq(hv_table_get(p.c, gfn, &mfn, NULL), -EBUSY);
	ck_assert_int_eq(xenforeignmemory_unmap(fm, at, 1), 0);
	ck_assert_int_eq(
		pvmem_ext(&p, MMUEXT_PIN_L1_TABLE, p.mfn[gfn]), -EBUSY);
	ck_assert_int_eq(
		pvmem_update(&p, p.mfn[2], 0, pvmem_entry(p.mfn[3], ALL)), 0);
	/* a table, and a page that could be one, are not written */
	(void)foreign(3, PROT_READ | PROT_WRITE, EPERM);
	ck_assert_int_eq(pvmem_update(&p, p.mfn[2], 0, 0), 0);
	(void)foreign(3, PROT_READ | PROT_WRITE, EPERM);
	ck_assert_int_eq(
		pvmem_update(&p, p.mfn[2], 0, pvmem_entry(p.mfn[3], ALL)), 0);
	at = foreign(3, PROT_READ, 0);
	ck_assert_uint_eq(at[1], p.table[3][1]);
	ck_assert_int_eq(mprotect(at, PAGE, PROT_READ | PROT_WRITE), -1);
	ck_assert_int_eq(xenforeignmemory_unmap(fm, at, 1), 0);
	ck_assert_int_eq(xenforeignmemory_close(fm), 0);
	down();
}
END_TEST

BH_CHECK_MAIN("hv_tables", 60, BH_TEST(test_runs), BH_TEST(test_rights),
	BH_TEST(test_refused), BH_TEST(test_log), BH_TEST(test_attacks),
	BH_TEST(test_give_back), BH_TEST(test_granted),
	BH_TEST(test_table_granted), BH_TEST(test_foreign))
