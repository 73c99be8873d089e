/* SPDX-License-Identifier: MIT */
/* test_chan_ring.c - a client on a bare ring, the daemon's side in the test */
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "libxs/xs_int.h"
#include "tests/unit/bh_check.h"
#include "wire/xsring.h"

static uint8_t page[XSRING_PAGE] __attribute__((aligned(XSRING_PAGE)));
static struct xsring server;
static int kicks;
static char got[XSMSG_MAX];
static size_t got_len;
static bool reply_echo;

/* The daemon: answers every whole request with the first string of it. */
static void serve(void)
{
	struct xsmsg msg;
	size_t n;

	ck_assert(
		xsring_get(&server, got + got_len, sizeof(got) - got_len, &n));
	got_len += n;
	while (reply_echo && xsmsg_parse(&msg, got, got_len) == XSMSG_READY) {
		uint8_t out[XSMSG_MAX];
		struct xsmsg_hdr hdr = msg.hdr;
		size_t put, len = strlen((const char *)msg.payload);

		hdr.len = (uint32_t)len;
		xsmsg_hdr_emit(out, &hdr);
		memcpy(out + XSMSG_HDR_LEN, msg.payload, len);
		ck_assert(xsring_put(&server, out, XSMSG_HDR_LEN + len, &put));
		ck_assert_uint_eq(put, XSMSG_HDR_LEN + len);
		got_len -= xsmsg_size(&msg);
		memmove(got, got + xsmsg_size(&msg), got_len);
	}
}

static void notify(void *arg)
{
	(void)arg;
	kicks++;
}

/* Waiting lets the daemon run. */
static int wait_event(void *arg, int timeout_ms)
{
	(void)arg;
	(void)timeout_ms;
	serve();
	return 1;
}

static const struct xsx_options opts = {
	.transport = XSX_RING,
	.ring = {.page = page, .notify = notify, .wait = wait_event, .fd = -1},
};

static void begin(void)
{
	memset(page, 0, sizeof(page));
	xsring_attach(&server, page, XSRING_SERVER);
	got_len = 0;
	kicks = 0;
	reply_echo = true;
}

/* More than the ring holds, both ways. */
START_TEST(test_sync)
{
	static char data[3500];
	struct xs_handle *h;
	unsigned int len;
	char *v;

	begin();
	h = xsx_handle_open(&opts);
	ck_assert_ptr_nonnull(h);
	ck_assert(xs_write(h, 0, "/a", data, sizeof(data)));
	ck_assert_int_gt(kicks, 3);
	memset(data, 'x', 900);
	v = xs_read(h, 0, data, &len);
	ck_assert_uint_eq(len, 900);
	free(v);
	ck_assert_int_eq(h->x->toolcore.restrict_cb(&h->x->toolcore, 1), -1);
	ck_assert_int_eq(errno, EOPNOTSUPP);
	xs_close(h);
}
END_TEST

static void on_reply(void *arg, int err, const void *payload, size_t len)
{
	(void)payload;
	(void)len;
	*(int *)arg += 1 + err * 1000;
}

START_TEST(test_async)
{
	struct xsx *x;
	int n = 0;

	begin();
	x = xsx_open(&opts);
	ck_assert_ptr_nonnull(x);
	ck_assert_int_eq(xsx_fd(x), -1);
	for (int i = 0; i < 200; i++)
		ck_assert_int_eq(
			xsx_path(x, XS_READ, 0, "/node", on_reply, &n), 0);
	while (xsx_pending(x))
		ck_assert_int_ge(xsx_wait(x, -1), 0);
	ck_assert_int_eq(n, 200);
	xsx_close(x);
}
END_TEST

/* Indexes that cannot be, and what the daemon says about us. */
START_TEST(test_broken)
{
	struct xsx *x;
	int n = 0;

	begin();
	reply_echo = false;
	x = xsx_open(&opts);
	xsx_path(x, XS_READ, 0, "/node", on_reply, &n);
	ck_assert_int_eq(xsx_process(x), 0);
	switch (_i) {
	case 0: page[2060 + 1] = 0x80; break; /* rsp_prod */
	case 1: page[2048 + 2] = 0x80; break; /* req_cons */
	case 2:
		xsring_announce(&server, XSRING_FEATURE_ERROR);
		xsring_error_set(&server, XSRING_ERROR_PROTO);
		break;
	}
	xsx_path(x, XS_READ, 0, "/node", on_reply, &n);
	ck_assert_int_eq(xsx_process(x), -1);
	ck_assert_int_eq(errno, EIO);
	ck_assert_int_eq(n, 2 + 2000 * EIO);
	xsx_close(x);
}
END_TEST

/* With a descriptor, and the library's own thread on it. */
static int event_fd;

static void notify_fd(void *arg)
{
	(void)arg;
}

static int wait_fd(void *arg, int timeout_ms)
{
	uint64_t v;

	(void)arg;
	(void)timeout_ms;
	return read(event_fd, &v, sizeof(v)) == sizeof(v);
}

START_TEST(test_reader_thread)
{
	struct xsx_options o = opts;
	struct xs_handle *h;
	char **vec = NULL;
	uint64_t one = 1;
	uint8_t event[XSMSG_HDR_LEN + 5];
	size_t put;

	begin();
	event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	o.ring.notify = notify_fd;
	o.ring.wait = wait_fd;
	o.ring.fd = event_fd;
	h = xsx_handle_open(&o);
	ck_assert_int_ge(xs_fileno(h), 0);
	xs_lock(h);
	h->watched = true;
	ck_assert(xs_reader_start(h));
	xs_unlock(h);
	xsmsg_hdr_emit(
		event, &(struct xsmsg_hdr){.type = XS_WATCH_EVENT, .len = 5});
	memcpy(event + XSMSG_HDR_LEN, "/a\0t", 5);
	ck_assert(xsring_put(&server, event, sizeof(event), &put));
	ck_assert_int_eq(write(event_fd, &one, 8), 8);
	vec = xs_read_watch(h, NULL);
	ck_assert_str_eq(vec[XS_WATCH_PATH], "/a");
	free(vec);
	xs_close(h);
	close(event_fd);
}
END_TEST

/* --- in somebody else's loop ----------------------------------------------- */

enum { EVENTS = 60 };

static int events_left, events_seen;

/* An event that fills the ring. */
static void event_put(void)
{
	struct xsmsg_hdr hdr = {.type = XS_WATCH_EVENT, .len = 1000};
	uint8_t event[XSMSG_HDR_LEN + 1000];
	size_t put;

	memset(event, 'x', sizeof(event));
	xsmsg_hdr_emit(event, &hdr);
	event[XSMSG_HDR_LEN + 997] = '\0';
	event[XSMSG_HDR_LEN + 999] = '\0';
	ck_assert(xsring_put(&server, event, sizeof(event), &put));
	ck_assert_uint_eq(put, sizeof(event));
	events_left--;
}

/* The daemon is quick: there is the next event when one was taken. */
static void notify_more(void *arg)
{
	(void)arg;
	if (events_left)
		event_put();
}

static void on_event(void *arg, const char *path, const char *token)
{
	(void)arg;
	(void)path;
	(void)token;
	events_seen++;
}

static struct xsx *looped(void (*on_notify)(void *arg), unsigned int ms)
{
	struct xsx_options o = opts;

	begin();
	event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	o.ring.notify = on_notify;
	o.ring.wait = wait_fd;
	o.ring.fd = event_fd;
	o.on_event = on_event;
	o.timeout_ms = ms;
	return xsx_open(&o);
}

/* Until descriptor and timeout say that there is nothing to do. */
START_TEST(test_loop)
{
	struct xsx *x = looped(notify_more, 0);
	struct pollfd p = {.fd = xsx_fd(x), .events = POLLIN};
	uint64_t one = 1;
	int turns = 0;

	events_left = EVENTS;
	events_seen = 0;
	event_put();
	ck_assert_int_eq(write(event_fd, &one, 8), 8);
	while (poll(&p, 1, 0) || !xsx_timeout(x)) {
		ck_assert_int_lt(turns++, EVENTS);
		ck_assert_int_ge(xsx_process(x), 0);
	}
	ck_assert_int_eq(events_seen, EVENTS);
	/* not all in one turn, or this shows nothing */
	ck_assert_int_gt(turns, 1);
	xsx_close(x);
	close(event_fd);
}
END_TEST

static struct xsx *again;

static void on_late(void *arg, int err, const void *payload, size_t len)
{
	(void)payload;
	(void)len;
	if (err == ETIMEDOUT)
		ck_assert_int_eq(
			xsx_path(again, XS_READ, 0, "/node", NULL, arg), 0);
}

/* No event would tell that there is space: it goes at once. */
START_TEST(test_submit_late)
{
	again = looped(notify_fd, 1);
	reply_echo = false;
	ck_assert_int_eq(
		xsx_path(again, XS_READ, 0, "/node", on_late, NULL), 0);
	ck_assert_int_eq(xsx_flush(again), 0);
	serve();
	ck_assert_uint_eq(got_len, XSMSG_HDR_LEN + 6);
	while (xsx_timeout(again) > 0)
		poll(NULL, 0, 1);
	ck_assert_int_ge(xsx_process(again), 1);
	serve();
	ck_assert_uint_eq(got_len, 2 * (XSMSG_HDR_LEN + 6));
	xsx_close(again);
	close(event_fd);
}
END_TEST

START_TEST(test_open)
{
	struct xsx_options o = opts;

	o.ring.page = page + 8;
	ck_assert_ptr_null(xsx_open(&o));
	ck_assert_int_eq(errno, EINVAL);
	o = opts;
	o.ring.notify = NULL;
	ck_assert_ptr_null(xsx_open(&o));
	o = opts;
	o.ring.wait = NULL;
	ck_assert_ptr_null(xsx_open(&o));
}
END_TEST

BH_CHECK_MAIN("chan_ring", 20, BH_TEST(test_sync), BH_TEST(test_async),
	BH_LOOP(test_broken, 3), BH_TEST(test_reader_thread),
	BH_TEST(test_loop), BH_TEST(test_submit_late), BH_TEST(test_open))
