/* SPDX-License-Identifier: MIT */
/* test_xsx.c - the engine of the client, against a server that lies */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

#include "libxs/xsx_int.h"
#include "tests/unit/xs_server.h"

static struct server s;

struct answer {
	int count, err;
	size_t len;
	char text[XSMSG_PAYLOAD_MAX + 1];
};

static void on_answer(void *arg, int err, const void *payload, size_t len)
{
	struct answer *a = arg;

	a->count++;
	a->err = err;
	a->len = len;
	if (len)
		memcpy(a->text, payload, len);
	a->text[len] = '\0';
}

static char events[512];

static void on_event(void *arg, const char *path, const char *token)
{
	(void)arg;
	strcat(strcat(strcat(strcat(events, path), "="), token), " ");
}

static struct xsx *client_with(struct xsx_options opts)
{
	struct xsx *x;

	events[0] = '\0';
	opts.transport = XSX_FD;
	opts.fd = server_pair(&s);
	opts.on_event = on_event;
	x = xsx_open(&opts);
	ck_assert_ptr_nonnull(x);
	return x;
}

static struct xsx *client(void)
{
	return client_with((struct xsx_options){.timeout_ms = 0});
}

static void end(struct xsx *x)
{
	xsx_close(x);
	close(s.fd);
}

static void ask(struct xsx *x, const char *path, struct answer *a)
{
	*a = (struct answer){.count = 0};
	ck_assert_int_eq(xsx_path(x, XS_READ, XBT_NULL, path, on_answer, a), 0);
}

/* --- answers -------------------------------------------------------------- */

START_TEST(test_one)
{
	struct xsx *x = client();
	struct answer a;

	ask(x, "/a", &a);
	ck_assert_int_eq(a.count, 0);
	ck_assert_uint_eq(xsx_pending(x), 1);
	ck_assert_int_eq(xsx_process(x), 0);
	ck_assert(server_take(&s));
	ck_assert_uint_eq(s.hdr.type, XS_READ);
	ck_assert_uint_ne(s.hdr.req_id, 0);
	ck_assert_uint_eq(s.hdr.len, 3);
	ck_assert_str_eq(s.payload, "/a");
	server_answer(&s, "val\0ue", 6);
	ck_assert_int_eq(xsx_wait(x, 1000), 1);
	ck_assert_int_eq(a.count, 1);
	ck_assert_int_eq(a.err, 0);
	ck_assert_uint_eq(a.len, 6);
	ck_assert_mem_eq(a.text, "val\0ue", 6);
	ck_assert_uint_eq(xsx_pending(x), 0);
	end(x);
}
END_TEST

START_TEST(test_any_order)
{
	struct xsx *x = client();
	struct answer a[20];
	uint32_t id[20];
	char text[8];

	for (int i = 0; i < 20; i++)
		ask(x, "/a", &a[i]);
	ck_assert_int_eq(xsx_flush(x), 0);
	for (int i = 0; i < 20; i++) {
		ck_assert(server_take(&s));
		id[i] = s.hdr.req_id;
		for (int j = 0; j < i; j++)
			ck_assert_uint_ne(id[i], id[j]);
	}
	for (int i = 19; i >= 0; i--) {
		snprintf(text, sizeof(text), "%d", i);
		server_say(&s, XS_READ, id[i], text, strlen(text));
	}
	while (xsx_pending(x))
		ck_assert_int_gt(xsx_wait(x, 1000), 0);
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(a[i].count, 1);
		ck_assert_int_eq(atoi(a[i].text), i);
	}
	end(x);
}
END_TEST

static const struct {
	const char *name;
	size_t len;
	int err;
} errors[] = {
	{"ENOENT", 7, ENOENT},
	{"EACCES", 6, EACCES}, /* no NUL */
	{"EQUOTA", 7, EINVAL}, /* a name we do not know */
	{"", 0, EINVAL},
	{"", 1, EINVAL},
	{"ENOENT\0x", 8, EINVAL},
	{"E2BIG", 6, E2BIG},
	{"EAGAIN", 7, EAGAIN},
	{"EPERM", 6, EPERM},
};

START_TEST(test_error)
{
	struct xsx *x = client();
	struct answer a;

	ask(x, "/a", &a);
	xsx_flush(x);
	ck_assert(server_take(&s));
	server_say(&s, XS_ERROR, s.hdr.req_id, errors[_i].name, errors[_i].len);
	ck_assert_int_eq(xsx_wait(x, 1000), 1);
	ck_assert_int_eq(a.count, 1);
	ck_assert_int_eq(a.err, errors[_i].err);
	ck_assert_uint_eq(a.len, 0);
	/* the connection goes on */
	ask(x, "/a", &a);
	xsx_flush(x);
	ck_assert(server_take(&s));
	server_answer(&s, "x", 1);
	ck_assert_int_eq(xsx_wait(x, 1000), 1);
	ck_assert_int_eq(a.err, 0);
	end(x);
}
END_TEST

/* --- what is no answer ---------------------------------------------------- */

enum wrong {
	LEN_HUGE,
	LEN_OVER,
	OTHER_TYPE,
	OTHER_ID,
	ID_ZERO,
	REQUEST_BACK,
	SECOND_ANSWER,
	EVENT_EMPTY,
	EVENT_ONE_STRING,
	EVENT_THREE,
	EVENT_NO_NUL,
	END_AT_ONCE,
	END_IN_HEADER,
	END_IN_PAYLOAD,
	WRONG_NR,
};

static void say_wrong(enum wrong how)
{
	struct xsmsg_hdr hdr = {XS_READ, s.hdr.req_id, 0, 4};
	uint8_t raw[XSMSG_HDR_LEN];

	switch (how) {
	case LEN_HUGE: hdr.len = 0xffffffff; break;
	case LEN_OVER: hdr.len = XSMSG_PAYLOAD_MAX + 1; break;
	case OTHER_TYPE: server_say(&s, XS_WRITE, hdr.req_id, "OK", 3); return;
	case OTHER_ID: server_say(&s, XS_READ, hdr.req_id + 99, "", 0); return;
	case ID_ZERO: server_say(&s, XS_READ, 0, "", 0); return;
	case REQUEST_BACK: server_say(&s, 77, hdr.req_id, "", 0); return;
	case SECOND_ANSWER:
		server_answer(&s, "1", 1);
		server_answer(&s, "2", 1);
		return;
	case EVENT_EMPTY: server_say(&s, XS_WATCH_EVENT, 0, "", 0); return;
	case EVENT_ONE_STRING:
		server_say(&s, XS_WATCH_EVENT, 0, "/a", 3);
		return;
	case EVENT_THREE:
		server_say(&s, XS_WATCH_EVENT, 0, "/a\0t\0x", 7);
		return;
	case EVENT_NO_NUL:
		server_say(&s, XS_WATCH_EVENT, 0, "/a\0t", 4);
		return;
	case END_AT_ONCE: shutdown(s.fd, SHUT_WR); return;
	case END_IN_HEADER:
		server_raw(&s, "\2\0\0", 3);
		shutdown(s.fd, SHUT_WR);
		return;
	case END_IN_PAYLOAD:
	case WRONG_NR: break;
	}
	xsmsg_hdr_emit(raw, &hdr);
	server_raw(&s, raw, sizeof(raw));
	if (how == END_IN_PAYLOAD) {
		server_raw(&s, "abc", 3);
		shutdown(s.fd, SHUT_WR);
	}
}

/* Whatever is wrong: everything owed is answered once, and nothing works. */
START_TEST(test_wrong)
{
	int want = _i >= END_AT_ONCE ? ECONNRESET : EIO;
	struct xsx *x = client();
	struct answer a, b;
	int r;

	ask(x, "/a", &a);
	xsx_flush(x);
	ck_assert(server_take(&s));
	ask(x, "/b", &b);
	say_wrong((enum wrong)_i);
	do
		r = xsx_wait(x, 1000);
	while (r >= 0);
	ck_assert_int_eq(errno, want);
	ck_assert_int_eq(a.count, 1);
	ck_assert_int_eq(a.err, _i == SECOND_ANSWER ? 0 : want);
	ck_assert_int_eq(b.count, 1);
	ck_assert_int_eq(b.err, want);
	ck_assert_uint_eq(xsx_pending(x), 0);
	ck_assert_int_eq(
		xsx_path(x, XS_READ, XBT_NULL, "/c", on_answer, &b), -1);
	ck_assert_int_eq(errno, want);
	ck_assert_int_eq(xsx_process(x), -1);
	ck_assert_int_eq(xsx_flush(x), -1);
	ck_assert_int_eq(b.count, 1);
	end(x);
}
END_TEST

/* --- events --------------------------------------------------------------- */

START_TEST(test_events)
{
	struct xsx *x = client();
	struct answer a, w = {.count = 0};

	ck_assert_int_eq(xsx_watch(x, "/a", "t", -1, on_answer, &w), 0);
	ck_assert_int_eq(xsx_watch(x, "/a", "t", 2, NULL, NULL), 0);
	ask(x, "/a", &a);
	xsx_flush(x);
	ck_assert(server_take(&s));
	ck_assert_uint_eq(s.hdr.len, 5);
	ck_assert_mem_eq(s.payload, "/a\0t", 5);
	server_event(&s, "/a", "early"); /* C sends events first */
	server_ok(&s);
	ck_assert(server_take(&s));
	ck_assert_uint_eq(s.hdr.len, 7);
	ck_assert_mem_eq(s.payload, "/a\0t\0002", 7);
	server_event(&s, "/a/b", "");
	server_ok(&s);
	ck_assert(server_take(&s));
	server_answer(&s, "x", 1);
	server_event(&s, "@releaseDomain", "t");
	while (xsx_pending(x) || !strchr(events, '@'))
		ck_assert_int_gt(xsx_wait(x, 1000), 0);
	ck_assert_str_eq(events, "/a=early /a/b= @releaseDomain=t ");
	ck_assert_int_eq(w.count, 1);
	ck_assert_int_eq(a.count, 1);
	end(x);
}
END_TEST

/* Any cut of the stream gives the same. */
START_TEST(test_cuts)
{
	static const char value[] = "0123456789";
	struct xsx *x = client();
	uint8_t stream[256];
	struct answer a;
	struct server real;
	size_t len = 0;
	int fds[2];

	ask(x, "/a", &a);
	xsx_flush(x);
	ck_assert(server_take(&s));
	/* collect what a server would say */
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	real = s;
	real.fd = fds[0];
	server_event(&real, "/a", "t");
	server_answer(&real, value, 10);
	server_event(&real, "/b", "u");
	len = (size_t)read(fds[1], stream, sizeof(stream));
	close(fds[0]);
	close(fds[1]);
	for (size_t i = 0; i < len; i++) {
		server_raw(&s, stream + i, 1);
		ck_assert_int_ge(xsx_wait(x, 1000), 0);
	}
	ck_assert_str_eq(events, "/a=t /b=u ");
	ck_assert_int_eq(a.count, 1);
	ck_assert_str_eq(a.text, value);
	end(x);
}
END_TEST

/* --- limits --------------------------------------------------------------- */

START_TEST(test_too_long)
{
	static char data[XSMSG_PAYLOAD_MAX + 1];
	struct xsx *x = client();
	struct answer a = {.count = 0};
	struct iovec iov[2] = {{data, SIZE_MAX}, {data, 2}};
	struct xsx_request req = {.type = XS_WRITE, .iov = iov, .nr = 2};

	ck_assert_int_eq(xsx_submit(x, &req), -1);
	ck_assert_int_eq(errno, E2BIG);
	ck_assert_int_eq(
		xsx_write(x, 0, "/a", data, sizeof(data) - 4, on_answer, &a),
		0);
	ck_assert_int_eq(
		xsx_write(x, 0, "/a", data, sizeof(data) - 3, on_answer, &a),
		-1);
	ck_assert_int_eq(errno, E2BIG);
	xsx_flush(x);
	ck_assert(server_take(&s));
	ck_assert_uint_eq(s.hdr.len, XSMSG_PAYLOAD_MAX);
	ck_assert_int_eq(a.count, 0);
	end(x);
	ck_assert_int_eq(a.count, 1);
	ck_assert_int_eq(a.err, ECANCELED);
}
END_TEST

START_TEST(test_many)
{
	struct xsx *x = client_with((struct xsx_options){.requests_max = 3});
	struct answer a[4];

	for (int i = 0; i < 3; i++)
		ask(x, "/a", &a[i]);
	ck_assert_int_eq(xsx_path(x, XS_READ, 0, "/a", on_answer, &a[3]), -1);
	ck_assert_int_eq(errno, EAGAIN);
	xsx_flush(x);
	ck_assert(server_take(&s));
	server_answer(&s, "", 0);
	ck_assert_int_eq(xsx_wait(x, 1000), 1);
	ask(x, "/a", &a[3]);
	end(x);
	ck_assert_int_eq(a[0].err, 0);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(a[i].count, 1);
	ck_assert_int_eq(a[3].err, ECANCELED);
}
END_TEST

/* One without payload is followed by another, even over the limit. */
START_TEST(test_empty)
{
	struct xsx *x = client_with((struct xsx_options){.requests_max = 1});
	struct iovec nothing = {NULL, 0};
	struct xsx_request req = {.type = XS_OP_GET_FEATURE,
		.iov = &nothing,
		.nr = (unsigned int)_i,
		.fn = on_answer};
	struct answer a = {.count = 0};

	req.arg = &a;
	ck_assert_int_eq(xsx_submit(x, &req), 0);
	ck_assert_int_eq(xsx_submit(x, &req), -1);
	ck_assert_int_eq(errno, EAGAIN);
	xsx_flush(x);
	ck_assert(server_take(&s));
	ck_assert_uint_eq(s.hdr.type, XS_OP_GET_FEATURE);
	ck_assert_uint_eq(s.hdr.len, 0);
	server_answer(&s, "4", 2);
	ck_assert(server_take(&s));
	ck_assert_uint_eq(s.hdr.type, XS_GET_DOMAIN_PATH);
	ck_assert_str_eq(s.payload, "0");
	server_answer(&s, "/local/domain/0", 16);
	while (xsx_pending(x))
		ck_assert_int_gt(xsx_wait(x, 1000), 0);
	ck_assert_int_eq(a.count, 1);
	ck_assert_int_eq(a.err, 0);
	end(x);
}
END_TEST

/* A server that does not read: what does not fit waits for POLLOUT. */
START_TEST(test_slow_server)
{
	static char data[4000];
	struct xsx *x = client();
	struct answer a[600];
	int done = 0;

	for (int i = 0; i < 600; i++) {
		a[i] = (struct answer){.count = 0};
		ck_assert_int_eq(xsx_write(x, 0, "/a", data, sizeof(data),
					 on_answer, &a[i]),
			0);
	}
	ck_assert_int_eq(xsx_process(x), 0);
	ck_assert_int_eq(xsx_poll_events(x), POLLIN | POLLOUT);
	ck_assert_int_eq(xsx_wait(x, 10), 0);
	while (done < 600) {
		ck_assert(server_take(&s));
		ck_assert_uint_eq(s.hdr.len, sizeof(data) + 3);
		server_ok(&s);
		done++;
		ck_assert_int_ge(xsx_process(x), 0);
	}
	while (xsx_pending(x))
		ck_assert_int_gt(xsx_wait(x, 1000), 0);
	ck_assert_int_eq(xsx_poll_events(x), POLLIN);
	for (int i = 0; i < 600; i++)
		ck_assert(a[i].count == 1 && !a[i].err);
	end(x);
}
END_TEST

/* --- time ----------------------------------------------------------------- */

static void pass(int ms)
{
	struct timespec ts = {0, ms * 1000000L};

	nanosleep(&ts, NULL);
}

START_TEST(test_timeout)
{
	struct xsx *x = client_with((struct xsx_options){.timeout_ms = 20});
	struct answer a, b;
	uint32_t first;
	int ms;

	ck_assert_int_eq(xsx_timeout(x), -1);
	ask(x, "/a", &a);
	ms = xsx_timeout(x);
	ck_assert(ms >= 0 && ms <= 21);
	xsx_flush(x);
	ck_assert(server_take(&s));
	first = s.hdr.req_id;
	while (!a.count)
		ck_assert_int_ge(xsx_wait(x, -1), 0);
	ck_assert_int_eq(a.err, ETIMEDOUT);
	ck_assert_int_eq(xsx_timeout(x), -1);
	/* its answer still comes, and is nobody else's */
	ck_assert_uint_eq(xsx_pending(x), 1);
	ask(x, "/b", &b);
	xsx_flush(x);
	ck_assert(server_take(&s));
	server_say(&s, XS_READ, first, "late", 4);
	server_answer(&s, "now", 3);
	while (!b.count)
		ck_assert_int_gt(xsx_wait(x, 1000), 0);
	ck_assert_str_eq(b.text, "now");
	ck_assert_int_eq(a.count, 1);
	ck_assert_uint_eq(xsx_pending(x), 0);
	end(x);
	ck_assert_int_eq(a.count, 1);
}
END_TEST

/* What was never sent is not sent later. */
START_TEST(test_timeout_unsent)
{
	struct xsx *x = client();
	struct answer a = {.count = 0}, b;
	struct iovec iov = {(void *)(uintptr_t) "/a", 3};
	struct xsx_request req = {.type = XS_RM,
		.iov = &iov,
		.nr = 1,
		.timeout_ms = 1,
		.fn = on_answer,
		.arg = &a};

	ck_assert_int_eq(xsx_submit(x, &req), 0);
	pass(5);
	xsx_expire(x);
	ck_assert_int_eq(a.err, ETIMEDOUT);
	ck_assert_uint_eq(xsx_pending(x), 0);
	ask(x, "/b", &b);
	xsx_flush(x);
	ck_assert(server_take(&s));
	ck_assert_uint_eq(s.hdr.type, XS_READ);
	end(x);
}
END_TEST

/* A transaction that came too late is aborted. */
START_TEST(test_timeout_txn)
{
	struct xsx *x = client_with((struct xsx_options){.timeout_ms = 5});
	struct answer a = {.count = 0};

	ck_assert_int_eq(xsx_txn_start(x, on_answer, &a), 0);
	xsx_flush(x);
	ck_assert(server_take(&s));
	while (!a.count)
		ck_assert_int_ge(xsx_wait(x, -1), 0);
	ck_assert_int_eq(a.err, ETIMEDOUT);
	server_answer(&s, "42", 3);
	ck_assert_int_eq(xsx_wait(x, 1000), 1);
	ck_assert(server_take(&s));
	ck_assert_uint_eq(s.hdr.type, XS_TRANSACTION_END);
	ck_assert_uint_eq(s.hdr.tx_id, 42);
	ck_assert_str_eq(s.payload, "F");
	end(x);
}
END_TEST

/* --- callbacks ------------------------------------------------------------ */

static struct xsx *self;

static void close_it(void *arg, int err, const void *payload, size_t len)
{
	(void)payload;
	(void)len;
	on_answer(arg, err, NULL, 0);
	ck_assert_int_eq(xsx_process(self), -1);
	ck_assert_int_eq(errno, EBUSY);
	ck_assert_int_eq(xsx_wait(self, 0), -1);
	ck_assert_int_eq(errno, EBUSY);
	xsx_close(self);
}

START_TEST(test_close_in_callback)
{
	struct answer a = {.count = 0}, b;

	self = client();
	xsx_path(self, XS_READ, 0, "/a", close_it, &a);
	ask(self, "/b", &b);
	xsx_flush(self);
	ck_assert(server_take(&s));
	server_answer(&s, "", 0);
	ck_assert_int_eq(xsx_wait(self, 1000), -1);
	ck_assert_int_eq(errno, ECANCELED);
	ck_assert_int_eq(a.count, 1);
	ck_assert_int_eq(b.count, 1);
	ck_assert_int_eq(b.err, ECANCELED);
	close(s.fd);
}
END_TEST

static void ask_more(void *arg, int err, const void *payload, size_t len)
{
	struct answer *a = arg;

	(void)payload;
	(void)len;
	a->err = err;
	if (++a->count < 5) {
		int r = xsx_path(self, XS_READ, 0, "/a", ask_more, a);

		if (err)
			ck_assert(r == -1 && errno == err);
	}
}

START_TEST(test_submit_in_callback)
{
	struct answer a = {.count = 0};

	self = client();
	xsx_path(self, XS_READ, 0, "/a", ask_more, &a);
	ck_assert_int_eq(xsx_process(self), 0);
	for (int i = 0; i < 3; i++) {
		ck_assert(server_take(&s));
		server_answer(&s, "", 0);
		ck_assert_int_eq(xsx_wait(self, 1000), 1);
	}
	ck_assert_int_eq(a.count, 3);
	end(self);
	ck_assert_int_eq(a.count, 4);
	ck_assert_int_eq(a.err, ECANCELED);
}
END_TEST

/* --- a device ------------------------------------------------------------- */

static int refuse; /* errno of the next send */
static int sends;

static ssize_t dev_send(struct chan *chan, const struct iovec *iov, int nr)
{
	ck_assert_int_eq(nr, 1);
	sends++;
	if (refuse) {
		int err = refuse;

		refuse = 0;
		return -err;
	}
	return write(chan->fd, iov->iov_base, iov->iov_len);
}

static struct xsx *device(struct chan_ops *ops)
{
	struct xsx *x = client();

	*ops = *x->chan.ops;
	ops->send = dev_send;
	x->chan.ops = ops;
	x->chan.single = true;
	x->chan.msg_max = XSMSG_PAYLOAD_MAX;
	sends = 0;
	return x;
}

/* One at a time, with an id of zero that comes back as it likes. */
START_TEST(test_device_single)
{
	struct chan_ops ops;
	struct xsx *x = device(&ops);
	struct answer a, b;

	ask(x, "/a", &a);
	ask(x, "/b", &b);
	ck_assert_int_eq(xsx_process(x), 0);
	ck_assert_int_eq(sends, 1);
	ck_assert_int_eq(xsx_poll_events(x), POLLIN);
	ck_assert(server_take(&s));
	ck_assert_uint_eq(s.hdr.req_id, 0);
	server_event(&s, "/w", "t");
	server_say(&s, XS_READ, 0x1234, "1", 1);
	while (!a.count)
		ck_assert_int_gt(xsx_wait(x, 1000), 0);
	ck_assert_int_eq(sends, 2);
	ck_assert(server_take(&s));
	ck_assert_str_eq(s.payload, "/b");
	server_answer(&s, "2", 1);
	while (!b.count)
		ck_assert_int_gt(xsx_wait(x, 1000), 0);
	ck_assert_str_eq(a.text, "1");
	ck_assert_str_eq(b.text, "2");
	ck_assert_str_eq(events, "/w=t ");
	/* without payload: what follows could not be sent before the answer */
	ck_assert_int_eq(
		xsx_submit(x, &(struct xsx_request){.type = XS_OP_GET_FEATURE}),
		0);
	ck_assert_uint_eq(xsx_pending(x), 1);
	end(x);
}
END_TEST

/* The watch quota comes as an errno of write(2): the handle goes on. */
START_TEST(test_device_refuses)
{
	struct chan_ops ops;
	struct xsx *x = device(&ops);
	static char data[XSMSG_PAYLOAD_MAX];
	struct answer w = {.count = 0}, a;

	ck_assert_int_eq(xsx_watch(x, "/a", "t", -1, on_answer, &w), 0);
	ask(x, "/a", &a);
	refuse = ENOSPC;
	xsx_flush(x);
	ck_assert_int_eq(w.count, 1);
	ck_assert_int_eq(w.err, ENOSPC);
	ck_assert(server_take(&s));
	server_answer(&s, "x", 1);
	ck_assert_int_eq(xsx_wait(x, 1000), 1);
	ck_assert_int_eq(a.err, 0);
	/* the device takes 4096 bytes, header included */
	ck_assert_int_eq(
		xsx_write(x, 0, "/a", data, 4096 - 16 - 3, NULL, NULL), 0);
	ck_assert_int_eq(
		xsx_write(x, 0, "/a", data, 4096 - 16 - 2, NULL, NULL), -1);
	ck_assert_int_eq(errno, E2BIG);
	end(x);
}
END_TEST

/* --- opening -------------------------------------------------------------- */

START_TEST(test_open)
{
	struct xsx_options opts = {.transport = XSX_PATH};
	int fds[2];

	ck_assert_ptr_null(xsx_open(&opts));
	ck_assert_int_eq(errno, EINVAL);
	opts.path = "/nonexistent/socket";
	ck_assert_ptr_null(xsx_open(&opts));
	ck_assert_int_eq(errno, ENOENT);
	opts = (struct xsx_options){.transport = XSX_FD, .fd = -1};
	ck_assert_ptr_null(xsx_open(&opts));
	ck_assert_int_eq(errno, EBADF);
	opts = (struct xsx_options){.transport = (enum xsx_transport)9};
	ck_assert_ptr_null(xsx_open(&opts));
	ck_assert_int_eq(errno, EINVAL);
	opts = (struct xsx_options){.transport = XSX_RING};
	ck_assert_ptr_null(xsx_open(&opts));
	ck_assert_int_eq(errno, EINVAL);
	/* what is no socket is taken for a device */
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	opts = (struct xsx_options){.transport = XSX_FD, .fd = fds[0]};
	self = xsx_open(&opts);
	ck_assert_ptr_nonnull(self);
	ck_assert(self->chan.single && !self->chan.depths);
	xsx_close(self);
	ck_assert_int_eq(fcntl(fds[0], F_GETFD), -1);
	close(fds[1]);
	xsx_close(NULL);
}
END_TEST

START_TEST(test_txn_id)
{
	ck_assert_uint_eq(xsx_txn_id("42", 3), 42);
	ck_assert_uint_eq(xsx_txn_id("42", 2), 42);
	ck_assert_uint_eq(xsx_txn_id("4294967295", 11), UINT32_MAX);
	ck_assert_uint_eq(xsx_txn_id("4294967296", 11), 0);
	ck_assert_uint_eq(xsx_txn_id("99999999999999999999999", 23), 0);
	ck_assert_uint_eq(xsx_txn_id("", 0), 0);
	ck_assert_uint_eq(xsx_txn_id("", 1), 0);
	ck_assert_uint_eq(xsx_txn_id("-1", 3), 0);
	ck_assert_uint_eq(xsx_txn_id("1 ", 3), 0);
	ck_assert_uint_eq(xsx_txn_id("1\0002", 3), 0);
}
END_TEST

BH_CHECK_MAIN("xsx", 20, BH_TEST(test_one), BH_TEST(test_any_order),
	BH_LOOP(test_error, sizeof(errors) / sizeof(*errors)),
	BH_LOOP(test_wrong, WRONG_NR), BH_TEST(test_events), BH_TEST(test_cuts),
	BH_TEST(test_too_long), BH_TEST(test_many), BH_LOOP(test_empty, 2),
	BH_TEST(test_slow_server), BH_TEST(test_timeout),
	BH_TEST(test_timeout_unsent), BH_TEST(test_timeout_txn),
	BH_TEST(test_close_in_callback), BH_TEST(test_submit_in_callback),
	BH_TEST(test_device_single), BH_TEST(test_device_refuses),
	BH_TEST(test_open), BH_TEST(test_txn_id))
