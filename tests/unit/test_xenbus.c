// SPDX-License-Identifier: MIT
/* test_xenbus.c - processes on the domain's ring, with a daemon behind it */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <talloc.h>

#include "common/log.h"
#include "common/loop.h"
#include "hv/guest/xenbus.h"
#include "tests/unit/bh_check.h"
#include "wire/ops.h"
#include "wire/xsring.h"

static uint8_t page[XSRING_PAGE] __attribute__((aligned(XSRING_PAGE)));
static char path[64];
static struct loop *loop;
static struct xenbus *xb;
static struct xsring server;
static unsigned int kicks;

/* The daemon's side: what has come in. */
static uint8_t in[1 << 20];
static size_t in_len;

static void on_kick(void *arg)
{
	kicks++;
}

static void setup(void)
{
	struct xenbus_params p = {.page = page, .domid = 3, .kick = on_kick};

	log_fd_set(-1);
	memset(page, 0, sizeof(page));
	in_len = 0;
	snprintf(path, sizeof(path), "/tmp/bh-xenbus-%d", (int)getpid());
	p.loop = loop = loop_new(NULL);
	p.listen_fd = xenbus_listen(path);
	ck_assert_int_ge(p.listen_fd, 0);
	xb = xenbus_new(loop, &p);
	ck_assert_ptr_nonnull(xb);
	xsring_attach(&server, page, XSRING_SERVER);
}

static void teardown(void)
{
	talloc_free(xb);
	talloc_free(loop);
	unlink(path);
}

static int join(void)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	strcpy(sun.sun_path, path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	return fd;
}

/* Some turns; the daemon takes all that is in the ring. */
static void turns(int nr)
{
	uint8_t buf[XSRING_SIZE];
	size_t n;

	while (nr--) {
		ck_assert_int_eq(loop_turn(loop), 0);
		ck_assert(xsring_get(&server, buf, sizeof(buf), &n));
		ck_assert_uint_le(in_len + n, sizeof(in));
		memcpy(in + in_len, buf, n);
		in_len += n;
		if (n)
			xenbus_wake(xb);
	}
}

static bool request_take(struct xsmsg_hdr *hdr, char data[XSMSG_PAYLOAD_MAX])
{
	struct xsmsg msg;

	if (xsmsg_parse(&msg, in, in_len) != XSMSG_READY)
		return false;
	*hdr = msg.hdr;
	memcpy(data, msg.payload, msg.hdr.len);
	in_len -= xsmsg_size(&msg);
	memmove(in, in + xsmsg_size(&msg), in_len);
	return true;
}

/* The daemon sends, as fast as the ring allows. */
static void say(uint32_t type, uint32_t id, const void *data, size_t len)
{
	const struct xsmsg_hdr hdr = {type, id, 0, (uint32_t)len};
	uint8_t buf[XSMSG_MAX];
	size_t at = 0, n;

	xsmsg_hdr_emit(buf, &hdr);
	memcpy(buf + XSMSG_HDR_LEN, data, len);
	for (len += XSMSG_HDR_LEN; at < len; at += n) {
		ck_assert(xsring_put(&server, buf + at, len - at, &n));
		xenbus_wake(xb);
		turns(1);
	}
}

static void ask(
	int fd, uint32_t type, uint32_t id, const char *data, size_t len)
{
	const struct xsmsg_hdr hdr = {type, id, 0, (uint32_t)len};
	uint8_t buf[XSMSG_MAX];

	xsmsg_hdr_emit(buf, &hdr);
	memcpy(buf + XSMSG_HDR_LEN, data, len);
	ck_assert_int_eq(send(fd, buf, XSMSG_HDR_LEN + len, MSG_NOSIGNAL),
		(int)(XSMSG_HDR_LEN + len));
}

START_TEST(test_two_at_once)
{
	struct xsmsg_hdr h1, h2;
	char d1[XSMSG_PAYLOAD_MAX], d2[XSMSG_PAYLOAD_MAX];
	uint8_t buf[128];
	int a, b;

	setup();
	a = join();
	b = join();
	turns(3);
	ask(a, XS_OP_READ, 9, "one", 4);
	ask(b, XS_OP_READ, 9, "two", 4);
	turns(5);
	ck_assert(request_take(&h1, d1));
	ck_assert(request_take(&h2, d2));
	ck_assert_uint_gt(kicks, 0);
	say(XS_OP_READ, h2.req_id, d2, 3);
	say(XS_OP_READ, h1.req_id, d1, 3);
	turns(3);
	ck_assert_int_eq(recv(a, buf, sizeof(buf), 0), XSMSG_HDR_LEN + 3);
	ck_assert_mem_eq(buf + XSMSG_HDR_LEN, "one", 3);
	ck_assert_int_eq(recv(b, buf, sizeof(buf), 0), XSMSG_HDR_LEN + 3);
	ck_assert_mem_eq(buf + XSMSG_HDR_LEN, "two", 3);
	close(a);
	close(b);
	teardown();
}
END_TEST

/* A message larger than the ring, which is nearly full already. */
START_TEST(test_large)
{
	char data[XSMSG_PAYLOAD_MAX], got[XSMSG_PAYLOAD_MAX];
	struct xsmsg_hdr hdr;
	int a;

	setup();
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)('a' + i % 26);
	data[5] = '\0';
	a = join();
	ask(a, XS_OP_WRITE, 1, data, sizeof(data));
	turns(40);
	ck_assert(request_take(&hdr, got));
	ck_assert_uint_eq(hdr.len, sizeof(data));
	ck_assert_mem_eq(got, data, sizeof(data));
	close(a);
	teardown();
}
END_TEST

START_TEST(test_garbage_ends_one)
{
	uint8_t bad[XSMSG_HDR_LEN];
	struct xsmsg_hdr hdr;
	char data[XSMSG_PAYLOAD_MAX], c;
	int a, b;

	setup();
	a = join();
	b = join();
	memset(bad, 0xff, sizeof(bad));
	ck_assert_int_eq(send(a, bad, sizeof(bad), 0), sizeof(bad));
	turns(4);
	ck_assert_int_eq(recv(a, &c, 1, 0), 0);
	ask(b, XS_OP_READ, 1, "x", 2);
	turns(4);
	ck_assert(request_take(&hdr, data));
	close(a);
	close(b);
	teardown();
}
END_TEST

/* Requests without end, none answered: what is under way is bounded. */
START_TEST(test_flood)
{
	char data[XSMSG_PAYLOAD_MAX];
	struct xsmsg_hdr hdr;
	unsigned int seen = 0;
	int a, b;

	setup();
	a = join();
	b = join();
	for (uint32_t i = 0; i < 1000; i++) {
		uint8_t buf[XSMSG_HDR_LEN + 2] = {0};
		const struct xsmsg_hdr h = {XS_OP_READ, i, 0, 2};

		xsmsg_hdr_emit(buf, &h);
		buf[XSMSG_HDR_LEN] = 'x';
		if (send(a, buf, sizeof(buf), MSG_NOSIGNAL) < 0)
			break;
	}
	turns(50);
	while (request_take(&hdr, data))
		seen++;
	ck_assert_uint_eq(seen, MUX_INFLIGHT_MAX);
	/* each answer makes room for one more; others are not held up */
	say(XS_OP_READ, hdr.req_id, "v", 1);
	ask(b, XS_OP_READ, 1, "other", 6);
	turns(5);
	seen = 0;
	while (request_take(&hdr, data))
		seen += strcmp(data, "other") == 0;
	ck_assert_uint_eq(seen, 1);
	close(a);
	close(b);
	teardown();
}
END_TEST

static uint32_t watch(int fd, char token[32])
{
	char data[XSMSG_PAYLOAD_MAX];
	struct xsmsg_hdr hdr;

	ask(fd, XS_OP_WATCH, 1, "x\0t", 4);
	turns(5);
	ck_assert(request_take(&hdr, data));
	snprintf(token, 32, "%.31s", data + 2);
	say(XS_OP_WATCH, hdr.req_id, "OK", 3);
	return hdr.req_id;
}

/* It watches, and never reads: its connection ends, the others' do not. */
START_TEST(test_slow_reader)
{
	char token[32], event[4000], data[XSMSG_PAYLOAD_MAX];
	struct xsmsg_hdr hdr;
	int a, b, size = 4096;
	size_t n;

	setup();
	a = join();
	b = join();
	setsockopt(a, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	watch(a, token);
	memset(event, 'p', sizeof(event));
	n = sizeof(event) - 40;
	event[n++] = '\0';
	strcpy(event + n, token);
	n += strlen(token) + 1;
	for (unsigned int i = 0; i < 2 * XENBUS_OUT_MAX / 4000; i++)
		say(XS_OP_WATCH_EVENT, 0, event, n);
	turns(5);
	/* what it watched is taken back */
	ck_assert(request_take(&hdr, data));
	ck_assert_uint_eq(hdr.type, XS_OP_UNWATCH);
	say(XS_OP_UNWATCH, hdr.req_id, "OK", 3);
	ask(b, XS_OP_READ, 1, "x", 2);
	turns(5);
	ck_assert(request_take(&hdr, data));
	ck_assert_uint_eq(hdr.type, XS_OP_READ);
	close(a);
	close(b);
	teardown();
}
END_TEST

START_TEST(test_leaving)
{
	char token[32], data[XSMSG_PAYLOAD_MAX];
	struct xsmsg_hdr hdr;
	int a;

	setup();
	a = join();
	watch(a, token);
	close(a);
	turns(5);
	ck_assert(request_take(&hdr, data));
	ck_assert_uint_eq(hdr.type, XS_OP_UNWATCH);
	ck_assert_str_eq(data + 2, token);
	teardown();
}
END_TEST

/* More than there may be: the rest waits until one leaves. */
START_TEST(test_many)
{
	int fd[XENBUS_CLIENTS_MAX + 1];
	char data[XSMSG_PAYLOAD_MAX];
	struct xsmsg_hdr hdr;
	const int last = XENBUS_CLIENTS_MAX;

	setup();
	for (int i = 0; i <= last; i++) {
		fd[i] = join();
		turns(2);
	}
	ask(fd[last], XS_OP_READ, 1, "x", 2);
	turns(5);
	ck_assert(!request_take(&hdr, data));
	close(fd[0]);
	turns(5);
	ck_assert(request_take(&hdr, data));
	for (int i = 1; i <= last; i++)
		close(fd[i]);
	teardown();
}
END_TEST

/* They come, ask and go: what is under way is bounded all the same. */
START_TEST(test_come_and_go)
{
	struct mux *mux;
	char data[XSMSG_PAYLOAD_MAX], c;
	struct xsmsg_hdr hdr;
	unsigned int nr;
	int fd;

	setup();
	mux = xenbus_mux(xb);
	while (mux_pending(mux) < XENBUS_PENDING_MAX) {
		unsigned int before = mux_pending(mux);

		fd = join();
		/* one that may ask no more is not heard to leave */
		for (uint32_t i = 1; i < MUX_INFLIGHT_MAX; i++)
			ask(fd, XS_OP_READ, i, "x", 2);
		turns(4);
		close(fd);
		turns(2);
		ck_assert_uint_eq(
			mux_pending(mux), before + MUX_INFLIGHT_MAX - 1);
	}
	nr = mux_pending(mux);
	fd = join();
	ask(fd, XS_OP_READ, 1, "y", 2);
	turns(5);
	ck_assert_uint_eq(mux_pending(mux), nr);
	/* as soon as there is room it has its turn */
	for (int i = 0; i < 2; i++) {
		while (request_take(&hdr, data))
			say(XS_OP_READ, hdr.req_id, data, 1);
		turns(5);
	}
	ck_assert_uint_eq(mux_pending(mux), 0);
	ck_assert_int_eq(recv(fd, &c, 1, 0), 1);
	close(fd);
	teardown();
}
END_TEST

/* Indexes or lengths of a daemon gone mad: everybody is hung up on. */
START_TEST(test_broken_ring)
{
	uint32_t *prod = (uint32_t *)(page + 2060);
	char c;
	int a, b;

	setup();
	a = join();
	turns(3);
	if (_i) {
		*prod = XSRING_SIZE + 1;
		xenbus_wake(xb);
		turns(1);
	} else {
		uint8_t bad[XSMSG_HDR_LEN];
		size_t n;

		memset(bad, 0xff, sizeof(bad));
		ck_assert(xsring_put(&server, bad, sizeof(bad), &n));
		xenbus_wake(xb);
		ck_assert_int_eq(loop_turn(loop), 0);
	}
	ck_assert_int_eq(loop_turn(loop), 0);
	ck_assert_int_eq(recv(a, &c, 1, 0), 0);
	b = join();
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(loop_turn(loop), 0);
	ck_assert_int_eq(recv(b, &c, 1, 0), 0);
	close(a);
	close(b);
	teardown();
}
END_TEST

BH_CHECK_MAIN("xenbus", 20, BH_TEST(test_two_at_once), BH_TEST(test_large),
	BH_TEST(test_garbage_ends_one), BH_TEST(test_flood),
	BH_TEST(test_slow_reader), BH_TEST(test_leaving), BH_TEST(test_many),
	BH_TEST(test_come_and_go), BH_LOOP(test_broken_ring, 2))
