// SPDX-License-Identifier: MIT
/* test_port.c - ports and hypercalls of hv's own programs, by a small hvd */
#include <errno.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "hv/compat/hcall.h"
#include "hv/compat/bell.h"
#include "hv/compat/port.h"
#include "tests/unit/bh_check.h"
#include "tests/unit/sendfds.h"

enum { PORT = 5 };

/* How the hypercall is answered. */
enum { HC_GOOD, HC_SHORT, HC_LONG, HC_ERRNO, HC_NR };

static uint32_t *page; /* shared with the hvd of the test */
static int page_fd;
static int sock;
static pid_t hvd;

static void reply(int rc, const void *data, size_t len, int *fds, int nfds)
{
	struct hvp_rep rep = {
		.nfds = (uint16_t)nfds, .rc = rc, .len = (uint32_t)len};
	struct iovec iov[2] = {
		{&rep, sizeof(rep)}, {(void *)(uintptr_t)data, len}};

	sendfds(sock, iov, 2, fds, (size_t)nfds, 0);
}

/*
 * A port that rings itself: what is notified can be taken.  Each bind and
 * refresh makes a new doorbell; the old one rings, as hvd does it.
 */
static void port_reply(uint32_t port)
{
	static int old = -1;
	const struct hvp_ev_port rep = {port, page[PORT]};
	struct epoll_event ev = {.events = EPOLLIN | EPOLLET};
	int fd[2] = {epoll_create1(0), eventfd(0, EFD_NONBLOCK)};

	if (epoll_ctl(fd[0], EPOLL_CTL_ADD, fd[1], &ev) < 0)
		_exit(1);
	if (old >= 0) {
		bell_ring(old);
		close(old);
	}
	reply(0, &rep, sizeof(rep), fd, 2);
	close(fd[0]);
	old = fd[1];
}

static void hcall_reply(int how, const uint8_t *req, size_t len)
{
	struct hvp_hypercall call;
	struct {
		struct hvp_result res;
		uint8_t out[16];
	} rep = {.res = {.ret = 7}};

	memcpy(&call, req, sizeof(call));
	/* what came in, one more than it was, goes back */
	for (int i = 0; i < 8; i++)
		rep.out[i] = (uint8_t)(req[len - 8 + (size_t)i] + 1);
	if (call.op != 42)
		how = HC_ERRNO;
	if (how == HC_ERRNO)
		reply(-EPERM, NULL, 0, NULL, 0);
	else
		reply(0, &rep,
			sizeof(rep.res) + (how == HC_GOOD          ? 8
						  : how == HC_LONG ? 9
								   : 7),
			NULL, 0);
}

static _Noreturn void serve(int how)
{
	uint8_t buf[4096];
	struct hvp_req req;
	ssize_t n;

	while ((n = recv(sock, buf, sizeof(buf), 0)) > 0) {
		memcpy(&req, buf, sizeof(req));
		switch (req.op) {
		case HVP_EV_OPEN: reply(0, NULL, 0, &page_fd, 1); break;
		case HVP_EV_ATTACH:
		case HVP_EV_REFRESH:
			port_reply(how < 0 ? HVP_EV_PORTS : PORT);
			break;
		case HVP_HYPERCALL:
			hcall_reply(how, buf + sizeof(req),
				(size_t)n - sizeof(req));
			break;
		default: reply(-ENOSYS, NULL, 0, NULL, 0);
		}
	}
	_exit(0);
}

static struct hv_client *setup(int how)
{
	struct hv_client *c;
	int sv[2];

	page_fd = memfd_create("events", MFD_CLOEXEC);
	ck_assert_int_eq(ftruncate(page_fd, HVP_EV_PORTS * 4), 0);
	page = mmap(NULL, HVP_EV_PORTS * 4, PROT_READ | PROT_WRITE, MAP_SHARED,
		page_fd, 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv), 0);
	hvd = fork();
	if (hvd == 0) {
		close(sv[0]);
		sock = sv[1];
		serve(how);
	}
	close(sv[1]);
	close(page_fd);
	ck_assert_int_eq(hv_client_adopt(&c, sv[0], 0), 0);
	return c;
}

static void teardown(struct hv_client *c)
{
	hv_client_close(c);
	waitpid(hvd, NULL, 0);
}

START_TEST(test_port)
{
	const struct hvp_ev_bind bind = {.port = PORT};
	struct hv_client *c = setup(0);
	struct hv_events ev;
	struct hv_port p;
	bool moved;

	ck_assert_int_eq(hv_events_init(&ev, c), 0);
	ck_assert_int_eq(hv_port_open(&p, &ev, HVP_EV_ATTACH, &bind), 0);
	ck_assert_uint_eq(p.port, PORT);
	/* nothing there: it does not wait */
	ck_assert_int_eq(hv_port_clear(&p, &moved), 0);
	ck_assert_int_eq(hv_port_notify(&p), 0);
	ck_assert_int_eq(hv_port_notify(&p), 0);
	ck_assert_int_eq(hv_port_clear(&p, &moved), 0);
	ck_assert(!moved);
	ck_assert(!bell_take(p.rd));
	/* the peer has bound anew: the next event goes the new way */
	page[PORT]++;
	ck_assert_int_eq(hv_port_notify(&p), 0);
	ck_assert_uint_eq(p.wr_stamp, page[PORT]);
	/* and who waits on the old doorbell is told by it */
	page[PORT]++;
	ck_assert_int_eq(hv_port_clear(&p, &moved), 0);
	ck_assert(moved);
	ck_assert_uint_eq(p.stamp, page[PORT]);
	/* however often it rings, it is one event */
	for (int i = 0; i < 70000; i++)
		if (hv_port_notify(&p))
			ck_abort_msg("notify %d", i);
	ck_assert(bell_take(p.rd));
	ck_assert(!bell_take(p.rd));
	hv_port_fini(&p);
	hv_events_fini(&ev);
	teardown(c);
}
END_TEST

/* A port outside of the event page would be read behind it. */
START_TEST(test_port_out_of_range)
{
	const struct hvp_ev_bind bind = {.port = PORT};
	struct hv_client *c = setup(-1);
	struct hv_events ev;
	struct hv_port p;

	ck_assert_int_eq(hv_events_init(&ev, c), 0);
	ck_assert_int_eq(hv_port_open(&p, &ev, HVP_EV_ATTACH, &bind), -EPROTO);
	ck_assert_int_eq(p.rd, -1);
	hv_events_fini(&ev);
	teardown(c);
}
END_TEST

START_TEST(test_hcall)
{
	static const int64_t want[HC_NR] = {7, -EPROTO, -EPROTO, -EPERM};
	struct hv_client *c = setup(_i);
	uint64_t in = 100;
	const struct hv_hcall_buf buf = {&in, sizeof(in), HVP_BUF_OUT};
	struct hv_hcall_buf many[HVP_BUFS_MAX + 1];
	const uint64_t arg[5] = {(uintptr_t)&in};

	memset(many, 0, sizeof(many));
	ck_assert_int_eq(hv_hcall(c, 42, arg, &buf, 1), want[_i]);
	if (_i == HC_GOOD)
		ck_assert_uint_eq(in & 0xff, 101);
	ck_assert_int_eq(hv_hcall(c, 42, arg, many, HVP_BUFS_MAX + 1), -E2BIG);
	teardown(c);
}
END_TEST

BH_CHECK_MAIN("port", 10, BH_TEST(test_port), BH_TEST(test_port_out_of_range),
	BH_LOOP(test_hcall, HC_NR))
