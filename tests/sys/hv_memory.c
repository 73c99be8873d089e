/* SPDX-License-Identifier: MIT */
/*
 * hv_memory.c: libxenforeignmemory.so.1 and libxencall.so.1 of hv against a
 * real hvd, the latter also through Debian's libxenctrl
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>

#define __XEN_TOOLS__ 1
#include <xen/xen.h>
#include <xen/domctl.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/sysctl.h>
#include <xen/version.h>
#include <xencall.h>
#include <xenctrl.h>
#include <xenforeignmemory.h>
#include <xengnttab.h>
#include <xentoolcore.h>

#include "tests/sys/stand.h"
#include "tests/unit/bh_check.h"

#define PAGE 4096

static struct stand s;
static xenforeignmemory_handle *fm;
static xencall_handle *xc;

static void up(void)
{
	ck_assert_int_eq(stand_start(&s), 0);
	ck_assert_int_eq(stand_domain(&s, 1, 65536), 0);
	stand_as(&s, 0);
	fm = xenforeignmemory_open(NULL, 0);
	ck_assert_ptr_nonnull(fm);
	xc = xencall_open(NULL, 0);
	ck_assert_ptr_nonnull(xc);
}

static void down(void)
{
	ck_assert_int_eq(xenforeignmemory_close(fm), 0);
	ck_assert_int_eq(xencall_close(xc), 0);
	ck_assert_int_eq(stand_stop(&s), 0);
}

/* Populates gfns [first, first + n) of domain 1: what was done. */
static long populate(xen_pfn_t first, size_t n)
{
	xen_pfn_t *gfns = calloc(n, sizeof(*gfns));
	struct xen_memory_reservation r = {.nr_extents = n, .domid = 1};
	long done;

	for (size_t i = 0; i < n; i++)
		gfns[i] = first + i;
	r.extent_start.p = gfns;
	done = xencall2L(xc, __HYPERVISOR_memory_op, XENMEM_populate_physmap,
		(uintptr_t)&r);
	free(gfns);
	return done;
}

START_TEST(test_foreign_map)
{
	static xen_pfn_t gfns[1500];
	static int err[1500];
	struct hva_info i;
	uint8_t *p, *q;

	up();
	ck_assert_int_eq(populate(0, 1500), 1500);
	for (int k = 0; k < 1500; k++)
		gfns[k] = k;
	p = xenforeignmemory_map(
		fm, 1, PROT_READ | PROT_WRITE, 1500, gfns, NULL);
	ck_assert_ptr_nonnull(p);
	for (int k = 0; k < 1500; k++)
		memcpy(p + (size_t)k * PAGE, &k, sizeof(k));
	/* the same pages again, backwards, one of them missing */
	for (int k = 0; k < 1500; k++)
		gfns[k] = 1499 - k;
	gfns[700] = 0x123456;
	q = xenforeignmemory_map(fm, 1, PROT_READ, 1500, gfns, err);
	ck_assert_ptr_nonnull(q);
	for (int k = 0; k < 1500; k++) {
		ck_assert_int_eq(err[k] != 0, k == 700);
		if (k != 700)
			ck_assert_int_eq(
				*(int *)(q + (size_t)k * PAGE), 1499 - k);
	}
	ck_assert_int_eq(xenforeignmemory_unmap(fm, q, 1500), 0);
	/* without errors to put it in, a bad page fails all */
	ck_assert_ptr_null(
		xenforeignmemory_map(fm, 1, PROT_READ, 1500, gfns, NULL));
	ck_assert_int_ne(errno, 0);
	ck_assert_int_eq(xenforeignmemory_unmap(fm, p, 1499), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(xenforeignmemory_unmap(fm, p, 1500), 0);
	ck_assert_int_eq(stand_info(&s, &i), 0);
	ck_assert_uint_eq(i.foreign, 0);
	ck_assert_ptr_null(
		xenforeignmemory_map(fm, 7, PROT_READ, 1, gfns, err));
	ck_assert_int_eq(errno, ESRCH);
	ck_assert_ptr_null(
		xenforeignmemory_map(fm, 1, PROT_READ, 0, gfns, err));
	ck_assert_int_eq(errno, EINVAL);
	down();
}
END_TEST

/* Pages that lie in more objects than a reply has descriptors. */
START_TEST(test_scattered)
{
	static xen_pfn_t gfns[300];
	uint8_t *p;

	up();
	for (int k = 0; k < 300; k++) {
		gfns[k] = 100 + 2 * k;
		ck_assert_int_eq(populate(gfns[k], 1), 1);
	}
	p = xenforeignmemory_map(
		fm, 1, PROT_READ | PROT_WRITE, 300, gfns, NULL);
	ck_assert_ptr_nonnull(p);
	for (int k = 0; k < 300; k++)
		memcpy(p + (size_t)k * PAGE, &k, sizeof(k));
	ck_assert_int_eq(xenforeignmemory_unmap(fm, p, 300), 0);
	p = xenforeignmemory_map(fm, 1, PROT_READ, 1, &gfns[299], NULL);
	ck_assert_ptr_nonnull(p);
	ck_assert_int_eq(*(int *)(void *)p, 299);
	ck_assert_int_eq(xenforeignmemory_unmap(fm, p, 1), 0);
	down();
}
END_TEST

START_TEST(test_map2_says_where)
{
	xen_pfn_t gfn = 3;
	uint8_t *at, *p;

	up();
	ck_assert_int_eq(populate(0, 8), 8);
	at = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	at[0] = 1;
	at[PAGE] = 2;
	p = xenforeignmemory_map2(fm, 1, at + PAGE, PROT_READ | PROT_WRITE,
		MAP_FIXED | MAP_SHARED, 1, &gfn, NULL);
	ck_assert_ptr_eq(p, at + PAGE);
	ck_assert_uint_eq(at[0], 1);
	ck_assert_uint_eq(at[PAGE], 0);
	ck_assert_int_eq(xenforeignmemory_unmap(fm, p, 1), 0);
	munmap(at, PAGE);
	down();
}
END_TEST

START_TEST(test_restrict)
{
	xen_pfn_t gfn = 0;
	void *p;

	up();
	ck_assert_int_eq(stand_domain(&s, 2, 4096), 0);
	stand_as(&s, 0);
	ck_assert_int_eq(populate(0, 1), 1);
	ck_assert_int_eq(xentoolcore_restrict_all(1), 0);
	p = xenforeignmemory_map(fm, 1, PROT_READ, 1, &gfn, NULL);
	ck_assert_ptr_nonnull(p);
	ck_assert_ptr_null(
		xenforeignmemory_map(fm, 2, PROT_READ, 1, &gfn, NULL));
	ck_assert(errno == EPERM || errno == EACCES);
	ck_assert_int_eq(xenforeignmemory_restrict(fm, 2), -1);
	ck_assert_int_eq(errno, EACCES);
	/* hypercalls are gone altogether */
	ck_assert_int_eq(xencall2(xc, __HYPERVISOR_xen_version, 0, 0), -1);
	ck_assert_int_eq(xenforeignmemory_unmap(fm, p, 1), 0);
	down();
}
END_TEST

/* The grant table of a domain, as libxenguest fills in its first entries. */
START_TEST(test_resource)
{
	xenforeignmemory_resource_handle *r;
	xengnttab_handle *g;
	grant_entry_v1_t *table = NULL;
	void *at = NULL;
	size_t size;
	xen_pfn_t gfn = 5;
	uint8_t *p, *q;

	up();
	ck_assert_int_eq(populate(0, 8), 8);
	ck_assert_int_eq(xenforeignmemory_resource_size(fm, 1,
				 XENMEM_resource_grant_table,
				 XENMEM_resource_grant_table_id_shared, &size),
		0);
	ck_assert_uint_gt(size, 0);
	ck_assert_uint_eq(size % PAGE, 0);
	r = xenforeignmemory_map_resource(fm, 1, XENMEM_resource_grant_table,
		XENMEM_resource_grant_table_id_shared, 0, 1, &at,
		PROT_READ | PROT_WRITE, 0);
	ck_assert_ptr_nonnull(r);
	table = at;
	table[1].domid = 0;
	table[1].frame = 5;
	__atomic_store_n(&table[1].flags, GTF_permit_access, __ATOMIC_RELEASE);
	ck_assert_int_eq(xenforeignmemory_unmap_resource(fm, r), 0);

	p = xenforeignmemory_map(fm, 1, PROT_READ | PROT_WRITE, 1, &gfn, NULL);
	ck_assert_ptr_nonnull(p);
	p[3] = 33;
	ck_assert_int_eq(xenforeignmemory_unmap(fm, p, 1), 0);
	g = xengnttab_open(NULL, 0);
	q = xengnttab_map_grant_ref(g, 1, 1, PROT_READ | PROT_WRITE);
	ck_assert_ptr_nonnull(q);
	ck_assert_uint_eq(q[3], 33);
	ck_assert_int_eq(xengnttab_unmap(g, q, 1), 0);
	ck_assert_int_eq(xengnttab_close(g), 0);

	at = NULL;
	ck_assert_ptr_null(xenforeignmemory_map_resource(
		fm, 1, 99, 0, 0, 1, &at, PROT_READ, 0));
	ck_assert_int_eq(xenforeignmemory_resource_size(
				 fm, 9, XENMEM_resource_grant_table, 0, &size),
		-1);
	ck_assert_int_eq(errno, ESRCH);
	down();
}
END_TEST

/* A foreign page stays referenced while it is mapped, not while the handle
 * is open. */
START_TEST(test_close_while_mapped)
{
	xenforeignmemory_handle *f;
	struct hva_info i;
	xen_pfn_t gfn = 0;
	uint8_t *p;

	up();
	ck_assert_int_eq(populate(0, 1), 1);
	f = xenforeignmemory_open(NULL, 0);
	ck_assert_ptr_nonnull(f);
	p = xenforeignmemory_map(f, 1, PROT_READ, 1, &gfn, NULL);
	ck_assert_ptr_nonnull(p);
	ck_assert_int_eq(xenforeignmemory_close(f), 0);
	usleep(20000);
	ck_assert_int_eq(stand_info(&s, &i), 0);
	ck_assert_uint_eq(i.foreign, 1);
	ck_assert_int_eq(munmap(p, PAGE), 0);
	f = xenforeignmemory_open(NULL, 0);
	ck_assert_int_eq(xenforeignmemory_close(f), 0);
	ck_assert_int_eq(stand_info(&s, &i), 0);
	ck_assert_uint_eq(i.foreign, 0);
	down();
}
END_TEST

START_TEST(test_buffers)
{
	void *kept[40];
	uint8_t *p, *first;

	up();
	first = xencall_alloc_buffer_pages(xc, 1);
	ck_assert_ptr_nonnull(first);
	ck_assert_uint_eq((uintptr_t)first % PAGE, 0);
	memset(first, 0xff, PAGE);
	xencall_free_buffer_pages(xc, first, 1);
	p = xencall_alloc_buffer_pages(xc, 1);
	ck_assert_ptr_eq(p, first);
	for (int i = 0; i < PAGE; i++)
		ck_assert_uint_eq(p[i], 0);
	xencall_free_buffer_pages(xc, p, 1);
	for (int i = 0; i < 40; i++)
		kept[i] = xencall_alloc_buffer_pages(xc, 1 + i % 2);
	for (int i = 0; i < 40; i++)
		xencall_free_buffer_pages(xc, kept[i], 1 + i % 2);
	for (size_t n = 0; n < 3 * PAGE; n += 1000) {
		p = xencall_alloc_buffer(xc, n);
		ck_assert_ptr_nonnull(p);
		memset(p, 1, n);
		xencall_free_buffer(xc, p);
	}
	xencall_free_buffer(xc, NULL);
	xencall_free_buffer_pages(xc, NULL, 3);
	ck_assert_ptr_null(xencall_alloc_buffer_pages(xc, 0));
	ck_assert_ptr_null(xencall_alloc_buffer(xc, SIZE_MAX));
	ck_assert_ptr_null(xencall_open(NULL, 0x80));
	down();
}
END_TEST

START_TEST(test_calls)
{
	char caps[1024];
	struct evtchn_alloc_unbound alloc = {.dom = 1, .remote_dom = 0};
	struct evtchn_status st = {.dom = 1};
	struct multicall_entry m[2] = {0};

	up();
	ck_assert_int_gt(
		xencall2(xc, __HYPERVISOR_xen_version, XENVER_version, 0),
		4 << 16);
	memset(caps, 0xff, sizeof(caps));
	ck_assert_int_eq(xencall2(xc, __HYPERVISOR_xen_version,
				 XENVER_capabilities, (uintptr_t)caps),
		0);
	ck_assert_ptr_nonnull(memchr(caps, 0, sizeof(caps)));
	ck_assert_int_eq(
		xencall2(xc, __HYPERVISOR_xen_version, XENVER_capabilities, 0),
		-1);
	ck_assert_int_eq(errno, EFAULT);
	ck_assert_int_eq(xencall0(xc, 55), -1);
	ck_assert_int_eq(errno, ENOSYS);
	ck_assert_int_eq(xencall2(xc, __HYPERVISOR_event_channel_op,
				 EVTCHNOP_alloc_unbound, (uintptr_t)&alloc),
		0);
	ck_assert_uint_gt(alloc.port, 0);
	st.port = alloc.port;
	m[0].op = __HYPERVISOR_event_channel_op;
	m[0].args[0] = EVTCHNOP_status;
	m[0].args[1] = (uintptr_t)&st;
	m[1].op = __HYPERVISOR_xen_version;
	m[1].args[0] = XENVER_version;
	ck_assert_int_eq(
		xencall2(xc, __HYPERVISOR_multicall, (uintptr_t)m, 2), 0);
	ck_assert_int_eq((int64_t)m[0].result, 0);
	ck_assert_uint_eq(st.status, EVTCHNSTAT_unbound);
	ck_assert_uint_gt(m[1].result, 4 << 16);
	down();
}
END_TEST

/* Lists that no message holds. */
START_TEST(test_long_lists)
{
	struct xen_memory_reservation r = {.domid = 1};
	static xen_pfn_t gfns[12000];

	up();
	/* 64 MiB are 16384 pages */
	ck_assert_int_eq(populate(0, 15000), 15000);
	/* no room for all of these: Xen says how many there was room for */
	ck_assert_int_lt(populate(20000, 14000), 14000);
	for (int i = 0; i < 12000; i++)
		gfns[i] = i;
	r.extent_start.p = gfns;
	r.nr_extents = 12000;
	ck_assert_int_eq(xencall2L(xc, __HYPERVISOR_memory_op,
				 XENMEM_decrease_reservation, (uintptr_t)&r),
		12000);
	ck_assert_int_eq(xencall2L(xc, __HYPERVISOR_memory_op,
				 XENMEM_current_reservation,
				 (uintptr_t) & (domid_t){1}) > 0,
		1);
	down();
}
END_TEST

/* A later part fails: what was done before it counts. */
START_TEST(test_long_list_ends_badly)
{
	struct xen_memory_reservation r = {.nr_extents = 12288, .domid = 1};
	struct xen_add_to_physmap_batch b = {.domid = 1, .size = 6000};
	static xen_ulong_t idxs[6000];
	static int errs[6000];
	xen_pfn_t *gfns;
	long done;

	up();
	/* the second half of the list is no memory */
	gfns = mmap(NULL, 24 * PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < 6144; i++)
		gfns[i] = i;
	mprotect(gfns + 6144, 12 * PAGE, PROT_NONE);
	r.extent_start.p = gfns;
	done = xencall2L(xc, __HYPERVISOR_memory_op, XENMEM_populate_physmap,
		(uintptr_t)&r);
	ck_assert_int_gt(done, 0);
	ck_assert_int_le(done, 6144);
	ck_assert_int_eq(
		xencall2L(xc, __HYPERVISOR_memory_op,
			XENMEM_current_reservation, (uintptr_t) & (domid_t){1}),
		done);
	/* a batch of any size is none too large, whatever hvd makes of it */
	b.idxs.p = idxs;
	b.gpfns.p = gfns;
	b.errs.p = errs;
	b.space = XENMAPSPACE_gmfn;
	if (xencall2(xc, __HYPERVISOR_memory_op, XENMEM_add_to_physmap_batch,
		    (uintptr_t)&b) < 0)
		ck_assert_int_ne(errno, E2BIG);
	munmap(gfns, 24 * PAGE);
	down();
}
END_TEST

/* Debian's libxenctrl on top. */
START_TEST(test_libxenctrl)
{
	static xc_domaininfo_t info[1024];
	xc_physinfo_t phys;
	xc_interface *x;
	char *ring;
	unsigned int count = 1 << 17;
	xc_dominfo_t one;

	up();
	x = xc_interface_open(NULL, NULL, 0);
	ck_assert_ptr_nonnull(x);
	ck_assert_int_eq(xc_domain_getinfolist(x, 0, 1024, info), 2);
	ck_assert_uint_eq(info[0].domain, 0);
	ck_assert_uint_eq(info[1].domain, 1);
	ck_assert_int_eq(xc_domain_getinfo(x, 1, 1, &one), 1);
	ck_assert_uint_eq(one.domid, 1);
	ck_assert_int_eq(xc_physinfo(x, &phys), 0);
	ck_assert_uint_gt(phys.nr_cpus, 0);
	ring = malloc(count);
	ck_assert_int_eq(xc_readconsolering(x, ring, &count, 0, 0, NULL), 0);
	ck_assert_uint_le(count, 1 << 17);
	free(ring);
	ck_assert_int_eq(xc_domain_pause(x, 1), 0);
	ck_assert_int_eq(xc_domain_unpause(x, 1), 0);
	ck_assert_int_eq(xc_domain_destroy(x, 1), 0);
	ck_assert_int_eq(xc_interface_close(x), 0);
	down();
}
END_TEST

BH_CHECK_MAIN("hv_memory", 30, BH_TEST(test_foreign_map),
	BH_TEST(test_scattered), BH_TEST(test_map2_says_where),
	BH_TEST(test_restrict), BH_TEST(test_resource),
	BH_TEST(test_close_while_mapped), BH_TEST(test_buffers),
	BH_TEST(test_calls), BH_TEST(test_long_lists),
	BH_TEST(test_long_list_ends_badly), BH_TEST(test_libxenctrl))
