/* SPDX-License-Identifier: MIT */
/* hv_grants.c: libxengnttab.so.1 of hv against a real hvd */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <xen/xen.h>
#include <xen/grant_table.h>
#include <xenevtchn.h>
#include <xengnttab.h>
#include <xentoolcore.h>

#include "tests/sys/stand.h"
#include "tests/unit/bh_check.h"

#define PAGE 4096

/* Domain 1 shares, domain 0 maps; domain 2 is nobody. */
static struct stand s;
static xengntshr_handle *shr;
static xengnttab_handle *gnt;

static void up(void)
{
	ck_assert_int_eq(stand_start(&s), 0);
	ck_assert_int_eq(stand_domain(&s, 1, 65536), 0);
	stand_as(&s, 1);
	shr = xengntshr_open(NULL, 0);
	ck_assert_ptr_nonnull(shr);
	stand_as(&s, 0);
	gnt = xengnttab_open(NULL, 0);
	ck_assert_ptr_nonnull(gnt);
}

/* munmap(2) of all that shows pages of hvd. */
static void unmap_all(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[400];

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f)) {
		uintptr_t from, to;

		if (strstr(line, "/memfd:hv-run") &&
			sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &from, &to) == 2)
			munmap((void *)from, to - from);
	}
	fclose(f);
}

static void down(void)
{
	struct hva_info i;

	unmap_all();
	ck_assert_int_eq(xengnttab_close(gnt), 0);
	ck_assert_int_eq(xengntshr_close(shr), 0);
	for (int n = 0; n < 100; n++) {
		ck_assert_int_eq(stand_info(&s, &i), 0);
		if (i.sessions == 2)
			break;
		usleep(10000);
	}
	ck_assert_uint_eq(i.maps, 0);
	ck_assert_int_eq(stand_stop(&s), 0);
}

static uint8_t *share(int count, uint32_t *refs, int writable)
{
	uint8_t *p = xengntshr_share_pages(shr, 0, count, refs, writable);

	ck_assert_ptr_nonnull(p);
	return p;
}

START_TEST(test_share_and_map)
{
	uint32_t ref;
	uint8_t *ours, *theirs;

	up();
	ours = share(1, &ref, 1);
	ours[17] = 42;
	theirs = xengnttab_map_grant_ref(gnt, 1, ref, PROT_READ | PROT_WRITE);
	ck_assert_ptr_nonnull(theirs);
	ck_assert_uint_eq(theirs[17], 42);
	theirs[18] = 43;
	ck_assert_uint_eq(ours[18], 43);
	ck_assert_int_eq(xengnttab_unmap(gnt, theirs, 1), 0);
	ck_assert_int_eq(xengntshr_unshare(shr, ours, 1), 0);
	ck_assert_ptr_null(xengnttab_map_grant_ref(gnt, 1, ref, PROT_READ));
	ck_assert_int_eq(errno, EINVAL);
	down();
}
END_TEST

/* One run of many pages, its references in any order, more than a request
 * and more than a reply's descriptors. */
START_TEST(test_map_many)
{
	enum { RUN = 2500, LONE = 300 };
	static uint32_t run[RUN], lone[LONE], doms[LONE];
	uint8_t *ours, *single[LONE], *p;

	up();
	ours = share(RUN, run, 1);
	for (int i = 0; i < RUN; i++)
		memcpy(ours + (size_t)i * PAGE, &i, sizeof(i));
	for (int i = 0; i < RUN / 2; i++) {
		uint32_t t = run[i];

		run[i] = run[RUN - 1 - i];
		run[RUN - 1 - i] = t;
	}
	p = xengnttab_map_domain_grant_refs(gnt, RUN, 1, run, PROT_READ);
	ck_assert_ptr_nonnull(p);
	for (int i = 0; i < RUN; i++)
		ck_assert_int_eq(*(int *)(p + (size_t)i * PAGE), RUN - 1 - i);
	ck_assert_int_eq(xengnttab_unmap(gnt, p, RUN), 0);

	for (int i = 0; i < LONE; i++) {
		single[i] = share(1, &lone[i], 1);
		doms[i] = 1;
		memcpy(single[i], &i, sizeof(i));
	}
	p = xengnttab_map_grant_refs(
		gnt, LONE, doms, lone, PROT_READ | PROT_WRITE);
	ck_assert_ptr_nonnull(p);
	for (int i = 0; i < LONE; i++)
		ck_assert_int_eq(*(int *)(p + (size_t)i * PAGE), i);
	ck_assert_int_eq(xengnttab_unmap(gnt, p, LONE), 0);
	down();
}
END_TEST

START_TEST(test_all_or_nothing)
{
	static uint32_t refs[1500];
	struct hva_info i;

	up();
	share(1500, refs, 1);
	refs[1400] = 30000;
	ck_assert_ptr_null(
		xengnttab_map_domain_grant_refs(gnt, 1500, 1, refs, PROT_READ));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(stand_info(&s, &i), 0);
	ck_assert_uint_eq(i.maps, 0);
	down();
}
END_TEST

START_TEST(test_map_errors)
{
	uint32_t refs[4], ref;
	uint8_t *p;

	up();
	share(4, refs, 1);
	ck_assert_ptr_null(xengnttab_map_grant_ref(gnt, 9, refs[0], PROT_READ));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_null(
		xengnttab_map_domain_grant_refs(gnt, 0, 1, refs, PROT_READ));
	ck_assert_int_eq(errno, EINVAL);
	p = xengnttab_map_domain_grant_refs(gnt, 4, 1, refs, PROT_READ);
	ck_assert_ptr_nonnull(p);
	/* an unmap names a whole mapping */
	ck_assert_int_eq(xengnttab_unmap(gnt, p, 3), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(xengnttab_unmap(gnt, p + PAGE, 3), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(xengnttab_unmap(gnt, NULL, 4), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(xengnttab_unmap(gnt, p, 4), 0);
	ck_assert_int_eq(xengnttab_unmap(gnt, p, 4), -1);
	/* the limit */
	ck_assert_int_eq(xengnttab_set_max_grants(gnt, 0), -1);
	ck_assert_int_eq(xengnttab_set_max_grants(gnt, 3), 0);
	ck_assert_ptr_null(
		xengnttab_map_domain_grant_refs(gnt, 4, 1, refs, PROT_READ));
	ck_assert_int_eq(errno, EINVAL);
	p = xengnttab_map_domain_grant_refs(gnt, 3, 1, refs, PROT_READ);
	ck_assert_ptr_nonnull(p);
	ck_assert_ptr_null(xengnttab_map_grant_ref(gnt, 1, refs[3], PROT_READ));
	ck_assert_int_eq(xengnttab_unmap(gnt, p, 3), 0);
	/* shares */
	ck_assert_ptr_null(xengntshr_share_pages(shr, 0, 0, &ref, 1));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_null(xengntshr_share_pages(shr, 0, -1, &ref, 1));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(xengntshr_unshare(shr, &ref, 1), -1);
	ck_assert_int_eq(errno, EINVAL);
	/* no dma-bufs */
	ck_assert_int_eq(
		xengnttab_dmabuf_exp_from_refs(gnt, 1, 0, 1, refs, &ref), -1);
	ck_assert_int_eq(errno, ENOTTY);
	ck_assert_int_eq(xengnttab_dmabuf_imp_release(gnt, 0), -1);
	ck_assert_int_eq(xengnttab_dmabuf_imp_to_refs(gnt, 1, 0, 1, refs), -1);
	ck_assert_int_eq(xengnttab_dmabuf_exp_wait_released(gnt, 0, 1), -1);
	down();
}
END_TEST

/* Another domain's reference is not ours to map. */
START_TEST(test_not_the_grantee)
{
	xengnttab_handle *other;
	uint32_t ref;

	up();
	share(1, &ref, 1);
	ck_assert_int_eq(stand_domain(&s, 2, 4096), 0);
	stand_as(&s, 2);
	other = xengnttab_open(NULL, 0);
	ck_assert_ptr_nonnull(other);
	ck_assert_ptr_null(xengnttab_map_grant_ref(other, 1, ref, PROT_READ));
	ck_assert_int_eq(xengnttab_close(other), 0);
	ck_assert_int_eq(stand_destroy(&s, 2), 0);
	down();
}
END_TEST

START_TEST(test_read_only_share)
{
	uint32_t refs[2];
	uint8_t *ours, *theirs;

	up();
	ours = share(2, refs, 0);
	ck_assert_ptr_null(xengnttab_map_domain_grant_refs(
		gnt, 2, 1, refs, PROT_READ | PROT_WRITE));
	theirs = xengnttab_map_domain_grant_refs(gnt, 2, 1, refs, PROT_READ);
	ck_assert_ptr_nonnull(theirs);
	ours[PAGE] = 99;
	ck_assert_uint_eq(theirs[PAGE], 99);
	/* and nothing makes it writable */
	ck_assert_int_eq(mprotect(theirs, PAGE, PROT_READ | PROT_WRITE), -1);
	ck_assert_int_eq(xengnttab_unmap(gnt, theirs, 2), 0);
	down();
}
END_TEST

static xengnttab_grant_copy_segment_t from_ref(
	uint32_t ref, uint16_t offset, void *virt, uint16_t len)
{
	xengnttab_grant_copy_segment_t c = {
		.flags = GNTCOPY_source_gref, .len = len, .status = 77};

	c.source.foreign.ref = ref;
	c.source.foreign.offset = offset;
	c.source.foreign.domid = 1;
	c.dest.virt = virt;
	return c;
}

static xengnttab_grant_copy_segment_t to_ref(
	void *virt, uint32_t ref, uint16_t offset, uint16_t len)
{
	xengnttab_grant_copy_segment_t c = {
		.flags = GNTCOPY_dest_gref, .len = len, .status = 77};

	c.source.virt = virt;
	c.dest.foreign.ref = ref;
	c.dest.foreign.offset = offset;
	c.dest.foreign.domid = 1;
	return c;
}

START_TEST(test_copy)
{
	xengnttab_grant_copy_segment_t c[4];
	static uint8_t local[4 * PAGE];
	uint32_t refs[3], ro;
	uint8_t *ours, *ro_page;

	up();
	ours = share(3, refs, 1);
	ro_page = share(1, &ro, 0);
	/* none at all: how programs ask whether copies work */
	ck_assert_int_eq(xengnttab_grant_copy(gnt, 0, NULL), 0);
	memcpy(ours + 100, "from there", 11);
	memcpy(local + PAGE - 4, "over a page's end", 18);
	/* both addresses of ours cross a page */
	c[0] = from_ref(refs[0], 100, local + 2 * PAGE - 5, 11);
	c[1] = to_ref(local + PAGE - 4, refs[1], 4000, 18);
	c[2] = from_ref(ro, 0, local + 3 * PAGE, PAGE);
	c[3] = from_ref(refs[0], 0, local, 0);
	memset(ro_page, 7, PAGE);
	ck_assert_int_eq(xengnttab_grant_copy(gnt, 4, c), 0);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(c[i].status, GNTST_okay);
	ck_assert_str_eq((char *)local + 2 * PAGE - 5, "from there");
	ck_assert_str_eq((char *)ours + PAGE + 4000, "over a page's end");
	ck_assert_uint_eq(local[4 * PAGE - 1], 7);
	/* from reference to reference */
	c[0].flags = GNTCOPY_source_gref | GNTCOPY_dest_gref;
	c[0].dest.foreign.ref = refs[2];
	c[0].dest.foreign.offset = 8;
	c[0].dest.foreign.domid = 1;
	ck_assert_int_eq(xengnttab_grant_copy(gnt, 1, c), 0);
	ck_assert_int_eq(c[0].status, GNTST_okay);
	ck_assert_str_eq((char *)ours + 2 * PAGE + 8, "from there");
	down();
}
END_TEST

/* A bad segment says so; its neighbours are copied. */
START_TEST(test_copy_errors)
{
	xengnttab_grant_copy_segment_t c[4];
	uint8_t local[16] = "unchanged";
	uint32_t ref, ro;
	uint8_t *ours;

	up();
	ours = share(1, &ref, 1);
	share(1, &ro, 0);
	memcpy(ours, "good", 5);
	c[0] = from_ref(30000, 0, local, 4);
	c[1] = from_ref(ref, 0, local + 10, 5);
	c[2] = to_ref(local, ro, 0, 4);
	c[3] = from_ref(ref, 0, local, 4);
	c[3].source.foreign.domid = 9;
	ck_assert_int_eq(xengnttab_grant_copy(gnt, 4, c), 0);
	ck_assert_int_lt(c[0].status, 0);
	ck_assert_int_eq(c[1].status, GNTST_okay);
	ck_assert_int_lt(c[2].status, 0);
	ck_assert_int_lt(c[3].status, 0);
	ck_assert_str_eq((char *)local, "unchanged");
	ck_assert_str_eq((char *)local + 10, "good");
	/* what the driver refuses whole */
	c[0] = from_ref(ref, 4090, local, 7);
	ck_assert_int_eq(xengnttab_grant_copy(gnt, 1, c), -1);
	ck_assert_int_eq(errno, EINVAL);
	c[0] = from_ref(ref, 5000, local, 0);
	ck_assert_int_eq(xengnttab_grant_copy(gnt, 1, c), -1);
	c[0] = from_ref(ref, 0, local, 4);
	c[0].flags = 0;
	ck_assert_int_eq(xengnttab_grant_copy(gnt, 1, c), -1);
	ck_assert_int_eq(errno, EINVAL);
	down();
}
END_TEST

/* More segments than a request, more bytes than the arena. */
START_TEST(test_copy_much)
{
	enum { NR = 3000 };
	static xengnttab_grant_copy_segment_t c[NR];
	static uint32_t refs[1000];
	static uint8_t local[1000 * PAGE];
	uint8_t *ours;

	up();
	ours = share(1000, refs, 1);
	for (size_t i = 0; i < 1000; i++)
		memset(ours + i * PAGE, (int)i, PAGE);
	for (int i = 0; i < 1000; i++)
		c[i] = from_ref(refs[i], 0, local + (size_t)i * PAGE, PAGE);
	ck_assert_int_eq(xengnttab_grant_copy(gnt, 1000, c), 0);
	ck_assert_int_eq(memcmp(local, ours, sizeof(local)), 0);
	for (int i = 0; i < NR; i++)
		c[i] = to_ref(local, refs[i % 1000], (i / 1000) * 64, 64);
	memset(local, 0xee, 64);
	ck_assert_int_eq(xengnttab_grant_copy(gnt, NR, c), 0);
	for (size_t i = 0; i < 1000; i++) {
		ck_assert_uint_eq(ours[i * PAGE + 191], 0xee);
		ck_assert_uint_eq(ours[i * PAGE + 192], i & 0xff);
	}
	down();
}
END_TEST

/* The farewells: a byte and an event, at unmap, unshare and kill -9. */
START_TEST(test_notify)
{
	xenevtchn_handle *a, *b;
	struct pollfd f = {.events = POLLIN};
	uint8_t *ours, *theirs;
	uint32_t ref;
	int pa, pb, status;
	pid_t pid;

	up();
	stand_as(&s, 0);
	a = xenevtchn_open(NULL, 0);
	stand_as(&s, 1);
	b = xenevtchn_open(NULL, 0);
	pb = xenevtchn_bind_unbound_port(b, 0);
	pa = xenevtchn_bind_interdomain(a, 1, pb);
	ck_assert_int_gt(pa, 0);
	ours = share(1, &ref, 1);
	f.fd = xenevtchn_fd(b);
	while (poll(&f, 1, 50) == 1)
		xenevtchn_unmask(b, xenevtchn_pending(b));

	ours[5] = 1;
	theirs = xengnttab_map_grant_ref_notify(
		gnt, 1, ref, PROT_READ | PROT_WRITE, 5, pa);
	ck_assert_ptr_nonnull(theirs);
	ck_assert_int_eq(xengnttab_unmap(gnt, theirs, 1), 0);
	ck_assert_int_eq(poll(&f, 1, 2000), 1);
	ck_assert_int_eq(xenevtchn_pending(b), pb);
	ck_assert_uint_eq(ours[5], 0);
	xenevtchn_unmask(b, pb);

	/* a process of domain 0 that is killed while it has it mapped */
	ours[5] = 1;
	pid = fork();
	if (pid == 0) {
		xengnttab_handle *g;
		xenevtchn_handle *e;
		int p;

		stand_as(&s, 0);
		g = xengnttab_open(NULL, 0);
		e = xenevtchn_open(NULL, 0);
		p = xenevtchn_bind_unbound_port(e, 1);
		if (p > 0 && xengnttab_map_grant_ref_notify(
				     g, 1, ref, PROT_READ | PROT_WRITE, 5, pa))
			raise(SIGKILL);
		_exit(1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, SIGKILL);
	ck_assert_int_eq(poll(&f, 1, 2000), 1);
	ck_assert_int_eq(xenevtchn_pending(b), pb);
	ck_assert_uint_eq(ours[5], 0);

	/* one that cannot be set up is no mapping */
	ck_assert_ptr_null(
		xengnttab_map_grant_ref_notify(gnt, 1, ref, PROT_READ, 5, -1));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_null(xengnttab_map_grant_ref_notify(
		gnt, 1, ref, PROT_READ | PROT_WRITE, PAGE, -1));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_null(xengnttab_map_grant_ref_notify(
		gnt, 1, ref, PROT_READ | PROT_WRITE, -1, 999));
	ck_assert_int_eq(errno, EINVAL);
	theirs = xengnttab_map_grant_ref_notify(gnt, 1, ref, PROT_READ, -1, -1);
	ck_assert_ptr_nonnull(theirs);
	ck_assert_int_eq(xengnttab_unmap(gnt, theirs, 1), 0);
	xenevtchn_close(a);
	xenevtchn_close(b);
	down();
}
END_TEST

START_TEST(test_share_notify)
{
	uint8_t *ours, *theirs;
	uint32_t ref;

	up();
	ours = xengntshr_share_page_notify(shr, 0, &ref, 1, 9, -1);
	ck_assert_ptr_nonnull(ours);
	ours[9] = 1;
	theirs = xengnttab_map_grant_ref(gnt, 1, ref, PROT_READ);
	ck_assert_ptr_nonnull(theirs);
	ck_assert_uint_eq(theirs[9], 1);
	ck_assert_int_eq(xengntshr_unshare(shr, ours, 1), 0);
	ck_assert_uint_eq(theirs[9], 0);
	ck_assert_int_eq(xengnttab_unmap(gnt, theirs, 1), 0);
	down();
}
END_TEST

/* Whoever unmaps by himself must not be unmapped again by us. */
START_TEST(test_munmap_behind_our_back)
{
	uint32_t refs[2];
	uint8_t *ours, *theirs, *other;
	struct hva_info i;

	up();
	ours = share(2, refs, 1);
	theirs = xengnttab_map_domain_grant_refs(gnt, 2, 1, refs, PROT_READ);
	ck_assert_ptr_nonnull(theirs);
	ck_assert_int_eq(munmap(theirs, 2 * PAGE), 0);
	other = mmap(theirs, 2 * PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	other[PAGE] = 1;
	ck_assert_int_eq(munmap(other, PAGE), 0);
	for (int n = 0; n < 4; n++) {
		uint8_t *p =
			xengnttab_map_grant_ref(gnt, 1, refs[1], PROT_READ);

		ck_assert_ptr_nonnull(p);
		if (p == theirs)
			break;
	}
	ck_assert_uint_eq(other[PAGE], 1);
	ck_assert_int_eq(munmap(other + PAGE, PAGE), 0);
	ck_assert_int_eq(stand_info(&s, &i), 0);
	ck_assert_uint_gt(i.maps, 0);
	ck_assert_ptr_nonnull(ours);
	down();
}
END_TEST

/* No new pages from then on; those that are there are not taken away. */
START_TEST(test_restrict)
{
	xengnttab_grant_copy_segment_t c;
	uint8_t local[4], *ours, *theirs;
	struct hva_info i;
	uint32_t ref;

	up();
	ours = xengntshr_share_page_notify(shr, 0, &ref, 1, 9, -1);
	ck_assert_ptr_nonnull(ours);
	theirs = xengnttab_map_grant_ref_notify(
		gnt, 1, ref, PROT_READ | PROT_WRITE, 5, -1);
	ck_assert_ptr_nonnull(theirs);
	c = from_ref(ref, 0, local, 4);
	ck_assert_int_eq(xengnttab_grant_copy(gnt, 1, &c), 0);
	ours[5] = ours[9] = 1;
	ck_assert_int_eq(xentoolcore_restrict_all(1), 0);
	ck_assert_ptr_null(xengnttab_map_grant_ref(gnt, 1, ref, PROT_READ));
	ck_assert_int_eq(errno, EPERM);
	ck_assert_ptr_null(xengntshr_share_pages(shr, 0, 1, &ref, 1));
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(xengnttab_grant_copy(gnt, 1, &c), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(xentoolcore_restrict_all(1), 0);
	ck_assert_int_eq(stand_info(&s, &i), 0);
	ck_assert_uint_eq(i.maps, 1);
	ck_assert_uint_eq(ours[5], 1);
	ck_assert_uint_eq(theirs[9], 1);
	/* giving back is allowed, and heard */
	ck_assert_int_eq(xengnttab_unmap(gnt, theirs, 1), 0);
	ck_assert_int_eq(stand_info(&s, &i), 0);
	ck_assert_uint_eq(i.maps, 0);
	ck_assert_uint_eq(ours[5], 0);
	ck_assert_int_eq(xengntshr_unshare(shr, ours, 1), 0);
	down();
}
END_TEST

/* As on Linux: a page that is mapped is in use, whatever was closed. */
START_TEST(test_close_while_mapped)
{
	xengntshr_handle *shr2;
	xengnttab_handle *g;
	struct hva_info i;
	uint8_t *ours, *theirs;
	uint32_t ref;

	up();
	ours = share(1, &ref, 1);
	ours[5] = 1;
	g = xengnttab_open(NULL, 0);
	ck_assert_ptr_nonnull(g);
	theirs = xengnttab_map_grant_ref_notify(
		g, 1, ref, PROT_READ | PROT_WRITE, 5, -1);
	ck_assert_ptr_nonnull(theirs);
	ck_assert_int_eq(xengnttab_close(g), 0);
	usleep(20000);
	ck_assert_int_eq(stand_info(&s, &i), 0);
	ck_assert_uint_eq(i.maps, 1);
	ck_assert_uint_eq(ours[5], 1);
	theirs[6] = 66;
	ck_assert_uint_eq(ours[6], 66);
	/* the next call that opens or closes a handle notices */
	ck_assert_int_eq(munmap(theirs, PAGE), 0);
	g = xengnttab_open(NULL, 0);
	ck_assert_ptr_nonnull(g);
	ck_assert_int_eq(xengnttab_close(g), 0);
	ck_assert_int_eq(stand_info(&s, &i), 0);
	ck_assert_uint_eq(i.maps, 0);
	ck_assert_uint_eq(ours[5], 0);

	/* what is shared can be mapped after the close */
	stand_as(&s, 1);
	shr2 = xengntshr_open(NULL, 0);
	ours = xengntshr_share_page_notify(shr2, 0, &ref, 1, 9, -1);
	ck_assert_ptr_nonnull(ours);
	ours[9] = 1;
	ck_assert_int_eq(xengntshr_close(shr2), 0);
	theirs = xengnttab_map_grant_ref(gnt, 1, ref, PROT_READ);
	ck_assert_ptr_nonnull(theirs);
	ck_assert_uint_eq(theirs[9], 1);
	ck_assert_int_eq(xengnttab_unmap(gnt, theirs, 1), 0);
	down();
}
END_TEST

/* The process's end is the end of its pages. */
START_TEST(test_exit_after_close)
{
	struct hva_info i = {0};
	uint8_t *ours;
	uint32_t ref;
	int status;
	pid_t pid;

	up();
	ours = share(1, &ref, 1);
	ours[5] = 1;
	pid = fork();
	if (pid == 0) {
		xengnttab_handle *g = xengnttab_open(NULL, 0);
		uint8_t *p = xengnttab_map_grant_ref_notify(
			g, 1, ref, PROT_READ | PROT_WRITE, 5, -1);

		xengnttab_close(g);
		usleep(20000);
		_exit(p && p[5] == 1 ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	for (int n = 0; n < 100; n++) {
		ck_assert_int_eq(stand_info(&s, &i), 0);
		if (i.maps == 0)
			break;
		usleep(10000);
	}
	ck_assert_uint_eq(i.maps, 0);
	ck_assert_uint_eq(ours[5], 0);
	down();
}
END_TEST

BH_CHECK_MAIN("hv_grants", 30, BH_TEST(test_share_and_map),
	BH_TEST(test_map_many), BH_TEST(test_all_or_nothing),
	BH_TEST(test_map_errors), BH_TEST(test_not_the_grantee),
	BH_TEST(test_read_only_share), BH_TEST(test_copy),
	BH_TEST(test_copy_errors), BH_TEST(test_copy_much),
	BH_TEST(test_notify), BH_TEST(test_share_notify),
	BH_TEST(test_munmap_behind_our_back), BH_TEST(test_restrict),
	BH_TEST(test_close_while_mapped), BH_TEST(test_exit_after_close))
