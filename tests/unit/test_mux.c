// SPDX-License-Identifier: MIT
/* test_mux.c - ids, tokens and transactions of clients that share a ring */
#include <stdint.h>
#include <talloc.h>

#include "hv/guest/mux.h"
#include "tests/unit/bh_check.h"
#include "wire/ops.h"

enum { DOMID = 7 };

/* A client that remembers the last message it got. */
struct tester {
	struct mux_client mc;
	unsigned int got;
	struct xsmsg_hdr hdr;
	char data[XSMSG_PAYLOAD_MAX];
	bool leave; /* go when the next message comes */
};

static struct mux *mux;
static struct tester a, b;

static void on_deliver(
	struct mux_client *mc, const struct xsmsg_hdr *hdr, const void *payload)
{
	struct tester *t = (struct tester *)mc;

	t->got++;
	t->hdr = *hdr;
	memcpy(t->data, payload, hdr->len);
	if (t->leave)
		mux_client_fini(mc);
}

static void setup(void)
{
	mux = mux_new(NULL, DOMID);
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	mux_client_init(mux, &a.mc, on_deliver);
	mux_client_init(mux, &b.mc, on_deliver);
}

static void ask(struct tester *t, uint32_t type, uint32_t id, uint32_t tx,
	const char *payload, size_t len)
{
	const struct xsmsg msg = {
		.hdr = {type, id, tx, (uint32_t)len},
		.payload = (const uint8_t *)payload,
	};

	mux_request(&t->mc, &msg);
}
#define ASK(t, type, id, tx, s) ask((t), (type), (id), (tx), s, sizeof(s))

/* What the daemon reads next: fills @hdr and @data; false when nothing. */
static bool take(struct xsmsg_hdr *hdr, char data[XSMSG_PAYLOAD_MAX])
{
	uint8_t buf[XSMSG_MAX];
	struct xsmsg msg;
	const void *p;
	size_t n, len = 0;

	for (;;) {
		if (xsmsg_parse(&msg, buf, len) == XSMSG_READY)
			break;
		n = mux_out(mux, &p);
		if (!n)
			return false;
		/* in small pieces, as through a full ring */
		n = n > 5 ? 5 : n;
		memcpy(buf + len, p, n);
		len += n;
		mux_out_done(mux, n);
	}
	ck_assert_uint_eq(len, xsmsg_size(&msg));
	*hdr = msg.hdr;
	memcpy(data, msg.payload, msg.hdr.len);
	return true;
}

static void say(
	uint32_t type, uint32_t id, uint32_t tx, const void *data, size_t len)
{
	const struct xsmsg_hdr hdr = {type, id, tx, (uint32_t)len};
	uint8_t buf[XSMSG_MAX];

	xsmsg_hdr_emit(buf, &hdr);
	memcpy(buf + XSMSG_HDR_LEN, data, len);
	for (size_t at = 0; at < XSMSG_HDR_LEN + len; at += 100) {
		size_t n = XSMSG_HDR_LEN + len - at;

		ck_assert(mux_in(mux, buf + at, n > 100 ? 100 : n));
	}
}

/* The next request has @type; it is answered with @data. */
static struct xsmsg_hdr answer(uint32_t type, uint32_t as, const char *data)
{
	char payload[XSMSG_PAYLOAD_MAX];
	struct xsmsg_hdr hdr;

	ck_assert(take(&hdr, payload));
	ck_assert_uint_eq(hdr.type, type);
	say(as, hdr.req_id, hdr.tx_id, data, strlen(data) + 1);
	return hdr;
}

static void nothing_left(void)
{
	char payload[XSMSG_PAYLOAD_MAX];
	struct xsmsg_hdr hdr;

	ck_assert(!take(&hdr, payload));
	ck_assert_uint_eq(mux_pending(mux), 0);
}

static void teardown(void)
{
	mux_client_fini(&a.mc);
	mux_client_fini(&b.mc);
	talloc_free(mux);
}

START_TEST(test_ids)
{
	struct xsmsg_hdr h1, h2;
	char p[XSMSG_PAYLOAD_MAX];

	setup();
	ASK(&a, XS_OP_READ, 5, 0, "x");
	ASK(&b, XS_OP_READ, 5, 0, "y");
	ck_assert(take(&h1, p));
	ck_assert_str_eq(p, "x");
	ck_assert(take(&h2, p));
	ck_assert_str_eq(p, "y");
	ck_assert_uint_ne(h1.req_id, h2.req_id);
	/* any order is allowed */
	say(XS_OP_READ, h2.req_id, 0, "2", 1);
	say(XS_OP_ERROR, h1.req_id, 0, "ENOENT", 7);
	ck_assert_uint_eq(a.hdr.type, XS_OP_ERROR);
	ck_assert_uint_eq(a.hdr.req_id, 5);
	ck_assert_uint_eq(b.hdr.type, XS_OP_READ);
	ck_assert_uint_eq(b.hdr.req_id, 5);
	ck_assert_uint_eq(b.data[0], '2');
	ck_assert_uint_eq(a.got + b.got, 2);
	nothing_left();
	teardown();
}
END_TEST

START_TEST(test_daemon_says_nonsense)
{
	struct xsmsg_hdr h;
	char p[XSMSG_PAYLOAD_MAX] = "";
	uint8_t huge[XSMSG_HDR_LEN] = {0};

	setup();
	ASK(&a, XS_OP_READ, 1, 0, "x");
	ck_assert(take(&h, p));
	/* a reply nobody waits for, events for nobody, in every shape */
	say(XS_OP_READ, h.req_id + 1, 0, "", 1);
	say(XS_OP_WATCH_EVENT, 0, 0, "", 0);
	say(XS_OP_WATCH_EVENT, 0, 0, "a", 2);
	say(XS_OP_WATCH_EVENT, 0, 0, "a\0zz", 5);
	say(XS_OP_WATCH_EVENT, 0, 0,
		"a\0"
		"0",
		4);
	say(XS_OP_WATCH_EVENT, 0, 0,
		"a\0"
		"0",
		3);
	say(XS_OP_WATCH_EVENT, 0, 0, "a\0ffffffffffffffffff", 21);
	ck_assert_uint_eq(a.got, 0);
	/* another type than was asked for */
	say(XS_OP_WRITE, h.req_id, 0, "OK", 3);
	ck_assert_uint_eq(a.hdr.type, XS_OP_ERROR);
	ck_assert_str_eq(a.data, "EIO");
	memset(huge, 0xff, sizeof(huge));
	ck_assert(!mux_in(mux, huge, sizeof(huge)));
	teardown();
}
END_TEST

START_TEST(test_watch_tokens)
{
	struct xsmsg_hdr h;
	char pa[XSMSG_PAYLOAD_MAX], pb[XSMSG_PAYLOAD_MAX];
	char ev[XSMSG_PAYLOAD_MAX + 64];
	size_t n;

	setup();
	/* both use the same path and token */
	ASK(&a, XS_OP_WATCH, 1, 0, "dev\0tok");
	ASK(&b, XS_OP_WATCH, 1, 0, "dev\0tok");
	ck_assert(take(&h, pa));
	say(XS_OP_WATCH, h.req_id, 0, "OK", 3);
	ck_assert(take(&h, pb));
	say(XS_OP_WATCH, h.req_id, 0, "OK", 3);
	ck_assert_str_eq(pa, "dev");
	ck_assert_str_eq(pb, "dev");
	ck_assert_str_ne(pa + 4, pb + 4);
	ck_assert_str_eq(a.data, "OK");

	n = (size_t)snprintf(ev, sizeof(ev), "dev/1%c%s", 0, pb + 4) + 1;
	say(XS_OP_WATCH_EVENT, 0, 0, ev, n);
	ck_assert_uint_eq(a.got, 1);
	ck_assert_uint_eq(b.got, 2);
	ck_assert_uint_eq(b.hdr.type, XS_OP_WATCH_EVENT);
	ck_assert_uint_eq(b.hdr.len, sizeof("dev/1\0tok"));
	ck_assert_mem_eq(b.data, "dev/1\0tok", sizeof("dev/1\0tok"));

	/* twice is an error, also under its absolute name */
	ASK(&a, XS_OP_WATCH, 2, 0, "/local/domain/7/dev\0tok");
	ck_assert_str_eq(a.data, "EEXIST");
	ASK(&a, XS_OP_UNWATCH, 3, 0, "dev\0other");
	ck_assert_str_eq(a.data, "ENOENT");
	ASK(&a, XS_OP_UNWATCH, 4, 0, "/local/domain/7/dev\0tok");
	/* it may be set again before the daemon has answered */
	ASK(&a, XS_OP_WATCH, 5, 0, "dev\0tok");
	ck_assert(take(&h, pb));
	ck_assert_str_eq(pb + 4, pa + 4);
	say(XS_OP_UNWATCH, h.req_id, 0, "OK", 3);
	ck_assert_uint_eq(a.hdr.req_id, 4);
	ck_assert_uint_eq(a.hdr.type, XS_OP_UNWATCH);
	answer(XS_OP_WATCH, XS_OP_WATCH, "OK");
	n = (size_t)snprintf(ev, sizeof(ev), "dev/1%c%s", 0, pa + 4) + 1;
	a.got = 0;
	say(XS_OP_WATCH_EVENT, 0, 0, ev, n);
	ck_assert_uint_eq(a.got, 0);

	/* both go: what they watched is taken back, nobody is told */
	b.got = 0;
	teardown();
	ck_assert_uint_eq(a.got + b.got, 0);
}
END_TEST

START_TEST(test_watch_refused)
{
	struct xsmsg_hdr h;
	char p[XSMSG_PAYLOAD_MAX];

	setup();
	ASK(&a, XS_OP_WATCH, 1, 0,
		"x\0t\0"
		"3");
	ck_assert(take(&h, p));
	/* the depth is passed on behind our token */
	ck_assert_str_eq(p + 2 + strlen(p + 2) + 1, "3");
	say(XS_OP_ERROR, h.req_id, 0, "ENOSPC", 7);
	ck_assert_str_eq(a.data, "ENOSPC");
	ASK(&a, XS_OP_UNWATCH, 2, 0, "x\0t");
	ck_assert_str_eq(a.data, "ENOENT");
	ASK(&a, XS_OP_WATCH, 3, 0, "x//y\0t");
	ck_assert_str_eq(a.data, "EINVAL");
	ask(&a, XS_OP_WATCH, 4, 0, "x", 2);
	ck_assert_str_eq(a.data, "EINVAL");
	/* refused after the client has left: both messages are answered */
	ASK(&a, XS_OP_WATCH, 5, 0, "x\0t");
	mux_client_fini(&a.mc);
	answer(XS_OP_WATCH, XS_OP_ERROR, "ENOSPC");
	answer(XS_OP_UNWATCH, XS_OP_ERROR, "ENOENT");
	nothing_left();
	teardown();
}
END_TEST

/* The daemon may answer in any order: UNWATCH before its WATCH. */
START_TEST(test_unwatch_answered_first)
{
	struct xsmsg_hdr first, second;
	char p[XSMSG_PAYLOAD_MAX];

	setup();
	ASK(&a, XS_OP_WATCH, 1, 0, "x\0t");
	ASK(&a, XS_OP_UNWATCH, 2, 0, "x\0t");
	ck_assert(take(&first, p));
	ck_assert(take(&second, p));
	say(XS_OP_UNWATCH, second.req_id, 0, "OK", 3);
	ck_assert_uint_eq(a.hdr.req_id, 2);
	if (_i)
		say(XS_OP_ERROR, first.req_id, 0, "ENOSPC", 7);
	else
		say(XS_OP_WATCH, first.req_id, 0, "OK", 3);
	ck_assert_uint_eq(a.hdr.req_id, 1);
	ck_assert_uint_eq(talloc_total_blocks(mux), 1);
	nothing_left();
	teardown();
}
END_TEST

START_TEST(test_event_too_long)
{
	char path[2000], token[3000], ask_buf[4096], ev[4096], p[4096];
	struct xsmsg_hdr h;
	size_t n;

	setup();
	memset(path, 'p', sizeof(path));
	memset(token, 't', sizeof(token));
	path[sizeof(path) - 1] = token[sizeof(token) - 1] = '\0';
	n = 2 + sizeof(token);
	memcpy(ask_buf, "p", 2);
	memcpy(ask_buf + 2, token, sizeof(token));
	ask(&a, XS_OP_WATCH, 1, 0, ask_buf, n);
	ck_assert(take(&h, p));
	say(XS_OP_WATCH, h.req_id, 0, "OK", 3);
	a.got = 0;
	memcpy(ev, path, sizeof(path));
	memcpy(ev + sizeof(path), p + 2, strlen(p + 2) + 1);
	say(XS_OP_WATCH_EVENT, 0, 0, ev, sizeof(path) + strlen(p + 2) + 1);
	ck_assert_uint_eq(a.got, 0);
	teardown();
}
END_TEST

static uint32_t begin(struct tester *t, const char *id)
{
	ASK(t, XS_OP_TRANSACTION_START, 1, 0, "");
	answer(XS_OP_TRANSACTION_START, XS_OP_TRANSACTION_START, id);
	ck_assert_str_eq(t->data, id);
	return (uint32_t)atoi(id);
}

START_TEST(test_tx_is_its_clients)
{
	uint32_t tx;

	setup();
	tx = begin(&a, "42");
	ASK(&b, XS_OP_READ, 1, tx, "x");
	ck_assert_str_eq(b.data, "ENOENT");
	ASK(&b, XS_OP_TRANSACTION_END, 2, tx, "F");
	ck_assert_str_eq(b.data, "ENOENT");
	nothing_left();
	ASK(&a, XS_OP_TRANSACTION_END, 3, tx, "X");
	ck_assert_str_eq(a.data, "EINVAL");
	nothing_left();
	ASK(&a, XS_OP_READ, 4, tx, "x");
	ck_assert_uint_eq(answer(XS_OP_READ, XS_OP_READ, "v").tx_id, tx);
	ASK(&a, XS_OP_TRANSACTION_END, 5, tx, "T");
	ck_assert_uint_eq(
		answer(XS_OP_TRANSACTION_END, XS_OP_ERROR, "EAGAIN").tx_id, tx);
	ck_assert_str_eq(a.data, "EAGAIN");
	ASK(&a, XS_OP_READ, 6, tx, "x");
	ck_assert_str_eq(a.data, "ENOENT");
	nothing_left();
	teardown();
}
END_TEST

START_TEST(test_tx_aborted)
{
	char p[XSMSG_PAYLOAD_MAX];
	struct xsmsg_hdr h;

	setup();
	begin(&a, "42");
	/* one open, one asked for, one that will be refused */
	ASK(&a, XS_OP_TRANSACTION_START, 2, 0, "");
	ASK(&a, XS_OP_TRANSACTION_START, 3, 0, "");
	ck_assert_uint_eq(mux_pending(mux), 2);
	mux_client_fini(&a.mc);
	answer(XS_OP_TRANSACTION_START, XS_OP_TRANSACTION_START, "43");
	answer(XS_OP_TRANSACTION_START, XS_OP_ERROR, "ENOSPC");
	ck_assert(take(&h, p));
	ck_assert_uint_eq(h.type, XS_OP_TRANSACTION_END);
	ck_assert_uint_eq(h.tx_id, 42);
	ck_assert_str_eq(p, "F");
	say(XS_OP_TRANSACTION_END, h.req_id, 42, "OK", 3);
	ck_assert_uint_eq(
		answer(XS_OP_TRANSACTION_END, XS_OP_TRANSACTION_END, "OK")
			.tx_id,
		43);
	nothing_left();
	ck_assert_uint_eq(a.got, 1);
	teardown();
}
END_TEST

START_TEST(test_tx_bad_id)
{
	setup();
	ASK(&a, XS_OP_TRANSACTION_START, 1, 0, "");
	answer(XS_OP_TRANSACTION_START, XS_OP_TRANSACTION_START,
		_i ? "0" : "junk");
	ck_assert_str_eq(a.data, "EIO");
	nothing_left();
	teardown();
}
END_TEST

START_TEST(test_reset_is_ones_own)
{
	setup();
	ASK(&a, XS_OP_WATCH, 1, 0, "x\0t");
	answer(XS_OP_WATCH, XS_OP_WATCH, "OK");
	ASK(&b, XS_OP_WATCH, 1, 0, "x\0t");
	answer(XS_OP_WATCH, XS_OP_WATCH, "OK");
	begin(&a, "9");
	ASK(&a, XS_OP_RESET_WATCHES, 2, 0, "");
	ck_assert_str_eq(a.data, "OK");
	ck_assert_uint_eq(a.hdr.type, XS_OP_RESET_WATCHES);
	answer(XS_OP_UNWATCH, XS_OP_UNWATCH, "OK");
	answer(XS_OP_TRANSACTION_END, XS_OP_TRANSACTION_END, "OK");
	nothing_left();
	/* b's is still there */
	ASK(&b, XS_OP_WATCH, 3, 0, "x\0t");
	ck_assert_str_eq(b.data, "EEXIST");
	teardown();
}
END_TEST

START_TEST(test_not_for_clients)
{
	static const uint32_t types[] = {
		XS_OP_WATCH_EVENT, XS_OP_ERROR, XS_OP_INVALID};

	setup();
	ASK(&a, types[_i], 1, 0, "x");
	ck_assert_str_eq(a.data, "ENOSYS");
	nothing_left();
	teardown();
}
END_TEST

START_TEST(test_full)
{
	setup();
	for (unsigned int i = 0; i < MUX_INFLIGHT_MAX; i++) {
		ck_assert(!mux_client_full(&a.mc));
		ASK(&a, XS_OP_READ, i, 0, "x");
	}
	ck_assert(mux_client_full(&a.mc));
	ck_assert(!mux_client_full(&b.mc));
	answer(XS_OP_READ, XS_OP_READ, "v");
	ck_assert(!mux_client_full(&a.mc));
	teardown();
}
END_TEST

START_TEST(test_leaves_when_told)
{
	char ev[XSMSG_PAYLOAD_MAX + 64];
	char p[XSMSG_PAYLOAD_MAX];
	struct xsmsg_hdr h;
	size_t n;

	setup();
	ASK(&a, XS_OP_WATCH, 1, 0, "x\0t");
	ck_assert(take(&h, p));
	say(XS_OP_WATCH, h.req_id, 0, "OK", 3);
	ASK(&a, XS_OP_READ, 2, 0, "x");
	a.leave = true;
	n = (size_t)snprintf(ev, sizeof(ev), "x%c%s", 0, p + 2) + 1;
	if (_i)
		say(XS_OP_WATCH_EVENT, 0, 0, ev, n);
	answer(XS_OP_READ, XS_OP_READ, "v");
	ck_assert_uint_eq(a.got, 2);
	say(XS_OP_WATCH_EVENT, 0, 0, ev, n);
	ck_assert_uint_eq(a.got, 2);
	answer(XS_OP_UNWATCH, XS_OP_UNWATCH, "OK");
	nothing_left();
	teardown();
}
END_TEST

BH_CHECK_MAIN("mux", 10, BH_TEST(test_ids), BH_TEST(test_daemon_says_nonsense),
	BH_TEST(test_watch_tokens), BH_TEST(test_watch_refused),
	BH_LOOP(test_unwatch_answered_first, 2), BH_TEST(test_event_too_long),
	BH_TEST(test_tx_is_its_clients), BH_TEST(test_tx_aborted),
	BH_LOOP(test_tx_bad_id, 2), BH_TEST(test_reset_is_ones_own),
	BH_LOOP(test_not_for_clients, 3), BH_TEST(test_full),
	BH_LOOP(test_leaves_when_told, 2))
