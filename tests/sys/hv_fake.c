/* SPDX-License-Identifier: MIT */
/*
 * hv_fake.c: Xen's libraries of hv against a hvd that is not one
 *
 * For what a real hvd does seldom or never: it is busy for a while, or its
 * answers are wrong.  One thread serves one session at a time with the
 * function that the test gave.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#define __XEN_TOOLS__ 1
#include <xen/xen.h>
#include <xen/domctl.h>
#include <xen/sysctl.h>
#include <xen/grant_table.h>
#include <xencall.h>
#include <xenevtchn.h>
#include <xenforeignmemory.h>
#include <xengnttab.h>

#include "hv/compat/bell.h"
#include "hv/proto/proto.h"
#include "tests/unit/bh_check.h"
#include "tests/unit/sendfds.h"

static char dir[] = "/tmp/bulkhead-fake.XXXXXX", path[64];
static int sock, file, requests;
static pthread_t thread;

static union {
	struct hvp_req head;
	uint8_t bytes[HVP_MSG_MAX];
	uint64_t align;
} in;

/* Sends the answer to `in`. */
static void (*serve)(int fd);

static void reply_with(int fd, int32_t rc, const void *body, size_t len,
	const int *with, int fds)
{
	struct hvp_rep head = {.rc = rc, .len = len, .nfds = fds};
	struct iovec iov[2] = {
		{&head, sizeof(head)}, {(void *)(uintptr_t)body, len}};

	sendfds(fd, iov, 2, with, (size_t)fds, MSG_NOSIGNAL);
}

static void reply(int fd, int32_t rc, const void *body, size_t len, int fds)
{
	const int with[2] = {file, file};

	reply_with(fd, rc, body, len, with, fds);
}

static void *server(void *arg)
{
	int fd;

	while ((fd = accept4(sock, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		while (recv(fd, &in, sizeof(in), 0) > 0) {
			requests++;
			serve(fd);
		}
		close(fd);
	}
	return NULL;
}

static void up(void (*fn)(int fd))
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/hv", dir);
	strcpy(sa.sun_path, path);
	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(sock, (struct sockaddr *)&sa, sizeof(sa)), 0);
	ck_assert_int_eq(listen(sock, 8), 0);
	file = memfd_create("fake", MFD_CLOEXEC);
	ck_assert_int_eq(ftruncate(file, 64 << 12), 0);
	setenv("HV_SOCKET", path, 1);
	serve = fn;
	pthread_create(&thread, NULL, server, NULL);
}

static void down(void)
{
	shutdown(sock, SHUT_RDWR);
	pthread_join(thread, NULL);
	close(sock);
	close(file);
	unlink(path);
	rmdir(dir);
}

static int busy_for;

static void serve_busy_map(int fd)
{
	struct {
		struct hvp_mapping m;
		struct hvp_seg s;
	} ok = {.m = {.id = 1, .n_seg = 1}, .s = {0, 0, 1}};

	if (in.head.op == HVP_GNT_UNMAP)
		reply(fd, 0, NULL, 0, 0);
	else if (requests <= busy_for)
		reply(fd, -EAGAIN, NULL, 0, 0);
	else
		reply(fd, 0, &ok, sizeof(ok), 1);
}

/* The granter needs a moment: asked again, but not for ever. */
START_TEST(test_map_busy)
{
	xengnttab_handle *g;
	void *p;

	busy_for = _i ? 1000 : 4;
	up(serve_busy_map);
	g = xengnttab_open(NULL, 0);
	p = xengnttab_map_grant_ref(g, 1, 8, PROT_READ);
	if (_i) {
		ck_assert_ptr_null(p);
		ck_assert_int_eq(errno, EAGAIN);
		ck_assert_int_gt(requests, 5);
		ck_assert_int_lt(requests, 20);
	} else {
		ck_assert_ptr_nonnull(p);
		ck_assert_int_eq(requests, 5);
		ck_assert_int_eq(xengnttab_unmap(g, p, 1), 0);
	}
	xengnttab_close(g);
	down();
}
END_TEST

static void serve_busy_copy(int fd)
{
	const struct hvp_arena arena = {.gfn = 9, .pages = 4};
	int16_t status[64];

	if (in.head.op == HVP_GNT_ARENA) {
		requests = 0;
		reply(fd, 0, &arena, sizeof(arena), 1);
		return;
	}
	/* first one is done, then all but the last, then that */
	for (int i = 0; i < in.head.n; i++)
		status[i] = (requests == 1 && i == 1) ||
					    (requests < busy_for && i == 0)
				    ? GNTST_eagain
				    : GNTST_okay;
	reply(fd, 0, status, in.head.n * sizeof(status[0]), 0);
}

START_TEST(test_copy_busy)
{
	xengnttab_grant_copy_segment_t c[3];
	static uint8_t local[3 * 4096];
	xengnttab_handle *g;

	busy_for = _i ? 1000 : 3;
	up(serve_busy_copy);
	g = xengnttab_open(NULL, 0);
	for (int i = 0; i < 3; i++) {
		c[i] = (xengnttab_grant_copy_segment_t){
			.flags = GNTCOPY_dest_gref, .len = 4096, .status = 5};
		c[i].source.virt = local + i * 4096;
	}
	ck_assert_int_eq(xengnttab_grant_copy(g, 3, c), 0);
	ck_assert_int_eq(c[0].status, _i ? GNTST_eagain : GNTST_okay);
	ck_assert_int_eq(c[1].status, GNTST_okay);
	ck_assert_int_eq(c[2].status, GNTST_okay);
	if (_i)
		ck_assert_int_lt(requests, 20);
	else
		ck_assert_int_eq(requests, 3);
	xengnttab_close(g);
	down();
}
END_TEST

/* Answers of the right shape are what a request has coming; these are not. */
static void serve_short(int fd)
{
	static const uint8_t zeros[64];

	reply(fd, 0, zeros, 3, 0);
}

static void serve_fds(int fd)
{
	static const uint8_t zeros[4096];

	reply(fd, 0, zeros, 8, 2);
}

START_TEST(test_nonsense)
{
	xengnttab_grant_copy_segment_t c = {
		.flags = GNTCOPY_source_gref, .len = 1};
	uint32_t refs[2];
	xen_pfn_t gfn = 0;
	size_t size;
	int err;
	xengnttab_handle *g;
	xengntshr_handle *h;
	xencall_handle *x;
	xenforeignmemory_handle *f;

	up(_i ? serve_fds : serve_short);
	g = xengnttab_open(NULL, 0);
	ck_assert_ptr_null(xengnttab_map_grant_ref(g, 1, 8, PROT_READ));
	ck_assert_int_eq(xengnttab_grant_copy(g, 1, &c), -1);
	xengnttab_close(g);
	h = xengntshr_open(NULL, 0);
	ck_assert_ptr_null(xengntshr_share_pages(h, 1, 2, refs, 1));
	xengntshr_close(h);
	f = xenforeignmemory_open(NULL, 0);
	ck_assert_ptr_null(
		xenforeignmemory_map(f, 1, PROT_READ, 1, &gfn, &err));
	ck_assert_int_eq(xenforeignmemory_resource_size(f, 1, 1, 0, &size), -1);
	xenforeignmemory_close(f);
	x = xencall_open(NULL, 0);
	ck_assert_int_eq(xencall2(x, __HYPERVISOR_xen_version, 0, 0), -1);
	xencall_close(x);
	ck_assert_ptr_null(xenevtchn_open(NULL, 0));
	down();
}
END_TEST

/* 1000 domains, in the order of their numbers: more than a message holds. */
static void serve_domains(int fd)
{
	static struct {
		struct hvp_result r;
		struct xen_sysctl y;
		struct xen_domctl_getdomaininfo info[500];
	} out;
	uint32_t n = 0, first, max;

	memcpy(&out.y,
		in.bytes + sizeof(in.head) + sizeof(struct hvp_hypercall) +
			2 * sizeof(struct hvp_buf),
		sizeof(out.y));
	first = out.y.u.getdomaininfolist.first_domain;
	max = out.y.u.getdomaininfolist.max_domains;
	out.r.ret = 0;
	/* domain numbers are odd, to have gaps */
	for (uint32_t d = first | 1; d < 2000 && n < max; d += 2)
		out.info[n++].domain = d;
	out.y.u.getdomaininfolist.num_domains = n;
	reply(fd, 0, &out,
		sizeof(out.r) + sizeof(out.y) + max * sizeof(out.info[0]), 0);
}

START_TEST(test_many_domains)
{
	static struct xen_domctl_getdomaininfo info[1024];
	struct xen_sysctl y = {.cmd = XEN_SYSCTL_getdomaininfolist,
		.interface_version = XEN_SYSCTL_INTERFACE_VERSION};
	const uint32_t want = _i ? 800 : 1024;
	xencall_handle *x;

	up(serve_domains);
	x = xencall_open(NULL, 0);
	y.u.getdomaininfolist.max_domains = want;
	y.u.getdomaininfolist.buffer.p = info;
	ck_assert_int_eq(xencall1(x, __HYPERVISOR_sysctl, (uintptr_t)&y), 0);
	ck_assert_uint_eq(y.u.getdomaininfolist.num_domains, _i ? 800 : 1000);
	for (uint32_t i = 0; i < y.u.getdomaininfolist.num_domains; i++)
		ck_assert_uint_eq(info[i].domain, 2 * i + 1);
	ck_assert_int_gt(requests, 1);
	xencall_close(x);
	down();
}
END_TEST

/* Doorbells: what to wait on, what to ring; a refresh gives new_bell. */
static int old_bell[2], new_bell[2];

static void bell_make(int bell[2])
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLET};

	bell[0] = epoll_create1(EPOLL_CLOEXEC);
	bell[1] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ck_assert_int_eq(epoll_ctl(bell[0], EPOLL_CTL_ADD, bell[1], &ev), 0);
}

static void serve_events(int fd)
{
	const struct hvp_ev_port first = {.port = 5, .stamp = 0};
	const struct hvp_ev_port again = {.port = 5, .stamp = 1};
	const int one[2] = {old_bell[0], new_bell[1]};

	if (in.head.op == HVP_EV_OPEN)
		reply(fd, 0, NULL, 0, 1);
	else if (in.head.op == HVP_EV_ALLOC_UNBOUND)
		reply_with(fd, 0, &first, sizeof(first), one, 2);
	else if (in.head.op == HVP_EV_REFRESH)
		reply_with(fd, 0, &again, sizeof(again), new_bell, 2);
	else
		reply(fd, 0, NULL, 0, 0);
}

/* The old doorbell rings, and what it is about came by the new one. */
START_TEST(test_port_moves_in_silence)
{
	const uint32_t word = 1;
	xenevtchn_handle *x;

	bell_make(old_bell);
	bell_make(new_bell);
	up(serve_events);
	x = xenevtchn_open(NULL, 0);
	ck_assert_ptr_nonnull(x);
	fcntl(xenevtchn_fd(x), F_SETFL, O_NONBLOCK);
	ck_assert_int_eq(xenevtchn_bind_unbound_port(x, 1), 5);
	ck_assert_int_eq(xenevtchn_pending(x), -1);
	for (int i = 0; i < 100000; i++)
		ck_assert_int_eq(xenevtchn_notify(x, 5), 0);
	ck_assert_int_eq(pwrite(file, &word, 4, 5 * 4), 4);
	ck_assert(bell_ring(old_bell[1]));
	ck_assert_int_eq(xenevtchn_pending(x), 5);
	/* masked, although its new doorbell has rung */
	ck_assert_int_eq(xenevtchn_pending(x), -1);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_int_eq(xenevtchn_unmask(x, 5), 0);
	ck_assert_int_eq(xenevtchn_pending(x), 5);
	xenevtchn_close(x);
	for (int i = 0; i < 2; i++) {
		close(old_bell[i]);
		close(new_bell[i]);
	}
	down();
}
END_TEST

BH_CHECK_MAIN("hv_fake", 20, BH_LOOP(test_map_busy, 2),
	BH_LOOP(test_copy_busy, 2), BH_LOOP(test_nonsense, 2),
	BH_LOOP(test_many_domains, 2), BH_TEST(test_port_moves_in_silence))
