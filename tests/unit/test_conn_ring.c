// SPDX-License-Identifier: MIT
/* test_conn_ring.c - rings: violations, restarts, fairness */
#include <stdint.h>

#include <xen/io/xs_wire.h>

#include "tests/unit/xs_case.h"
#include "xenstored/watch.h"

static struct xenstore_domain_interface *intf(int domid)
{
	return (void *)fx->dom[domid].page;
}

START_TEST(test_announced)
{
	setup();
	fx_guest(fx, -k, 1);
	ck_assert_uint_eq(xsring_features(&fx->dom[1].ring), XSRING_FEATURES);
	ck_assert_uint_eq(
		xsring_connection(&fx->dom[1].ring), XSRING_CONNECTED);
	ck_assert_uint_ge(fx->dom[1].kicked, 1);
	ck_assert_int_eq(ask(1, XS_OP_GET_DOMAIN_PATH, "1"), 0);
	ck_assert_str_eq(msg.data, "/local/domain/1");
	teardown();
}
END_TEST

/* One kick tells of all that was read and answered in a turn. */
START_TEST(test_one_kick_for_a_batch)
{
	uint8_t batch[10 * 18];
	struct xsmsg_hdr hdr = {XS_OP_GET_DOMAIN_PATH, 1, 0, 2};
	unsigned before;
	size_t n;

	setup();
	fx_guest(fx, -k, 1);
	fx_settle(fx);
	for (int i = 0; i < 10; i++) {
		xsmsg_hdr_emit(batch + i * 18, &hdr);
		memcpy(batch + i * 18 + 16, "1", 2);
	}
	ck_assert(xsring_put(&fx->dom[1].ring, batch, sizeof(batch), &n));
	ck_assert_uint_eq(n, sizeof(batch));
	before = fx->dom[1].kicked;
	fx_kick(fx, 1);
	fx_settle(fx);
	ck_assert_uint_eq(fx->dom[1].kicked, before + 1);
	for (int i = 0; i < 10; i++)
		ck_assert(fx_recv(fx, 1, &msg));
	teardown();
}
END_TEST

/* Bytes that come one by one, and replies larger than what is free. */
START_TEST(test_in_pieces)
{
	uint8_t raw[64];
	struct xsmsg_hdr hdr = {XS_OP_READ, 0x1234, 0, 3};
	static char value[2100];

	setup();
	fx_guest(fx, -k, 1);
	memset(value, 'v', sizeof(value));
	memcpy(value, "/a", 3);
	ck_assert_int_eq(
		fx_ask(fx, k, XS_OP_WRITE, value, sizeof(value), &msg), 0);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/a\0r0"), 0);
	xsmsg_hdr_emit(raw, &hdr);
	memcpy(raw + 16, "/a", 3);
	for (int i = 0; i < 19; i++) {
		fx_send_bytes(fx, 1, raw + i, 1);
		fx_turn(fx);
	}
	ck_assert(fx_recv(fx, 1, &msg));
	ck_assert_uint_eq(msg.hdr.len, sizeof(value) - 3);
	ck_assert_mem_eq(msg.data, value + 3, sizeof(value) - 3);
	teardown();
}
END_TEST

static void violate(int how)
{
	struct xsmsg_hdr hdr = {XS_OP_READ, 0, 0, 5000};
	uint8_t raw[XSMSG_HDR_LEN];

	switch (how) {
	case 0: intf(1)->req_prod = intf(1)->req_cons + 1025; break;
	case 1: intf(1)->req_prod = intf(1)->req_cons - 1; break;
	case 2:
		/* Where responses go: found when there is one. */
		intf(1)->rsp_cons = intf(1)->rsp_prod + 1;
		fx_send(fx, 1, XS_OP_READ, 0, "/", 2);
		break;
	default:
		xsmsg_hdr_emit(raw, &hdr);
		fx_send_bytes(fx, 1, raw, sizeof(raw));
	}
	fx_kick(fx, 1);
	fx_settle(fx);
}

/*
 * XSA-325: who breaks the protocol is not listened to any more, but its
 * domain lives: it is released when it dies, and once.
 */
START_TEST(test_violation)
{
	struct domain *d;

	setup();
	fx_guest(fx, -k, 1);
	ck_assert_int_eq(FX_ASK(fx, k, WATCH, "@releaseDomain\0t"), 0);
	ck_assert_int_eq(FX_ASK(fx, 1, WATCH, "/x\0t"), 0);
	while (fx_recv(fx, k, &msg) || fx_recv(fx, 1, &msg))
		;
	violate(_i);
	ck_assert_uint_eq(xsring_error(&fx->dom[1].ring),
		_i == 3 ? XSRING_ERROR_PROTO : XSRING_ERROR_RINGIDX);
	d = domain_find(fx->server, 1);
	ck_assert_ptr_nonnull(d);
	ck_assert_int_eq(d->ring->state, CONN_IGNORED);
	ck_assert_uint_eq(d->account[DOMAIN_WATCHES].used, 0);
	ck_assert_uint_eq(d->account[DOMAIN_MEMORY].used, 0);
	xsring_reset(&fx->dom[1].ring);
	fx_send(fx, 1, XS_OP_READ, 0, "/", 2);
	ck_assert(!fx_recv(fx, 1, &msg));
	ck_assert_str_eq(fx_event(fx, k), "");
	ck_assert_int_eq(ask(k, XS_OP_IS_DOMAIN_INTRODUCED, "1"), 0);
	ck_assert_str_eq(msg.data, "T");
	fx_dom_die(fx, 1);
	ck_assert_str_eq(fx_event(fx, k), "@releaseDomain");
	ck_assert_str_eq(fx_event(fx, k), "");
	fx_virq(fx);
	ck_assert_str_eq(fx_event(fx, k), "");
	teardown();
}
END_TEST

/* B3: INTRODUCE again starts over, in whatever state the connection is. */
START_TEST(test_restart)
{
	struct xsmsg_hdr hdr = {XS_OP_READ, 0, 0, 100};
	uint8_t raw[60];

	setup();
	fx_guest(fx, -k, 1);
	ck_assert_int_eq(FX_ASK(fx, k, WATCH, "@introduceDomain\0t"), 0);
	while (fx_recv(fx, k, &msg))
		;
	ck_assert_int_eq(FX_ASK(fx, 1, WATCH, "/x\0t"), 0);
	if (_i < 3) {
		xsmsg_hdr_emit(raw, &hdr);
		fx_send_bytes(fx, 1, raw, (size_t)(_i * 20 + 5));
		fx_settle(fx);
	} else {
		violate(_i - 3);
	}
	/* It is not new: nobody is told, before the reply or after it. */
	fx_send(fx, k, XS_OP_INTRODUCE, 0, "1\0001\0007", 6);
	ck_assert(fx_recv(fx, k, &msg));
	ck_assert_uint_eq(msg.hdr.type, XS_OP_INTRODUCE);
	ck_assert_str_eq(fx_event(fx, k), "");
	ck_assert_uint_eq(intf(1)->error, XENSTORE_ERROR_NONE);
	ck_assert_uint_eq(
		domain_find(fx->server, 1)->account[DOMAIN_WATCHES].used, 0);
	ck_assert_int_eq(ask(1, XS_OP_GET_DOMAIN_PATH, "1"), 0);
	ck_assert(!fx_recv(fx, 1, &msg));
	/* Its port is ours already, and stays: it cannot be bound twice. */
	ck_assert_int_eq(FX_ASK(fx, k, INTRODUCE, "1\0001\0007"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, INTRODUCE, "1\0001\000666"), ENOENT);
	ck_assert_int_eq(ask(1, XS_OP_GET_DOMAIN_PATH, "1"), 0);
	teardown();
}
END_TEST

/*
 * A guest starts over when it likes, in whatever state its connection is,
 * also after a violation; without the feature it cannot.
 */
START_TEST(test_reconnect)
{
	struct xsmsg_hdr hdr = {XS_OP_READ, 0, 0, 100};
	bool masked = _i >= 7;
	int how = _i % 7;
	uint8_t raw[60];
	struct domain *d;
	unsigned kicked;

	setup();
	fx_dom_start(fx, 1);
	if (masked)
		ck_assert_int_eq(FX_ASK(fx, k, SET_FEATURE, "1\00014"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, INTRODUCE, "1\0001\0005"), 0);
	d = domain_find(fx->server, 1);
	ck_assert_int_eq(FX_ASK(fx, 1, WATCH, "/x\0t"), 0);
	if (how < 3) {
		xsmsg_hdr_emit(raw, &hdr);
		fx_send_bytes(fx, 1, raw, (size_t)(how * 20 + 5));
		fx_settle(fx);
	} else {
		violate(how - 3);
	}
	/* Events wait, too. */
	ck_assert_int_eq(ask(k, XS_OP_MKDIR, "/x"), 0);
	kicked = fx->dom[1].kicked;
	xsring_reconnect(&fx->dom[1].ring);
	fx_kick(fx, 1);
	fx_settle(fx);
	if (masked) {
		ck_assert_uint_eq(
			xsring_connection(&fx->dom[1].ring), XSRING_RECONNECT);
		ck_assert_uint_eq(
			d->account[DOMAIN_WATCHES].used, how < 3 ? 1 : 0);
		teardown();
		return;
	}
	ck_assert_uint_eq(
		xsring_connection(&fx->dom[1].ring), XSRING_CONNECTED);
	ck_assert_uint_gt(fx->dom[1].kicked, kicked);
	ck_assert_uint_eq(xsring_error(&fx->dom[1].ring), XSRING_ERROR_NONE);
	ck_assert_uint_eq(intf(1)->rsp_prod, 0);
	ck_assert_uint_eq(intf(1)->req_cons, 0);
	ck_assert_uint_eq(d->account[DOMAIN_WATCHES].used, 0);
	ck_assert_uint_eq(d->account[DOMAIN_MEMORY].used, 0);
	ck_assert_int_eq(ask(1, XS_OP_GET_DOMAIN_PATH, "1"), 0);
	ck_assert(!fx_recv(fx, 1, &msg));
	teardown();
}
END_TEST

/* A guest that does not take its replies is not read; others are. */
START_TEST(test_outstanding)
{
	struct domain *d;

	setup();
	fx_guest(fx, -k, 1);
	fx_guest(fx, -k, 2);
	for (int i = 0; i < 200; i++) {
		struct xsmsg_hdr hdr = {XS_OP_GET_DOMAIN_PATH, 1, 0, 2};
		uint8_t raw[18];
		size_t n;

		xsmsg_hdr_emit(raw, &hdr);
		memcpy(raw + 16, "1", 2);
		ck_assert(xsring_put(&fx->dom[1].ring, raw, 18, &n));
		if (n < 18)
			break;
		fx_kick(fx, 1);
		fx_settle(fx);
	}
	d = domain_find(fx->server, 1);
	ck_assert_uint_eq(d->ring->out.replies, d->limits.outstanding);
	ck_assert_int_eq(ask(2, XS_OP_GET_DOMAIN_PATH, "2"), 0);
	/* It reads: all is answered. */
	while (fx_recv(fx, 1, &msg))
		;
	ck_assert_uint_eq(d->ring->out.replies, 0);
	teardown();
}
END_TEST

/* Turns are shared: with many requests queued, another client gets through. */
START_TEST(test_budget)
{
	static uint8_t flood[500 * 18];
	struct xsmsg_hdr hdr = {XS_OP_GET_DOMAIN_PATH, 1, 0, 2};
	int other;

	setup();
	other = -fx_client(fx);
	for (int i = 0; i < 500; i++) {
		xsmsg_hdr_emit(flood + i * 18, &hdr);
		memcpy(flood + i * 18 + 16, "1", 2);
	}
	ck_assert_int_eq(send(-k, flood, sizeof(flood), 0), sizeof(flood));
	fx_send(fx, other, XS_OP_GET_DOMAIN_PATH, 0, "1", 2);
	fx_turn(fx);
	ck_assert_int_eq(recv(-other, &msg, sizeof(msg), 0), 32);
	/* Not everything of the first was done in that turn. */
	ck_assert_int_lt(recv(-k, flood, sizeof(flood), 0), 65 * 32);
	for (int i = 0; i < 500 - 64; i++)
		ck_assert(fx_recv(fx, k, &msg));
	ck_assert(!fx_recv(fx, k, &msg));
	close(-other);
	teardown();
}
END_TEST

BH_CHECK_MAIN("conn_ring", 30, BH_TEST(test_announced),
	BH_TEST(test_one_kick_for_a_batch), BH_TEST(test_in_pieces),
	BH_LOOP(test_violation, 4), BH_LOOP(test_restart, 7),
	BH_LOOP(test_reconnect, 14), BH_TEST(test_outstanding),
	BH_TEST(test_budget))
