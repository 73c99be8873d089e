// SPDX-License-Identifier: MIT
/* test_xsring.c - the ring page: wrap, full rings, impossible indexes */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <xen/io/xs_wire.h>

#include "tests/unit/bh_check.h"
#include "wire/xsring.h"

static union {
	struct xenstore_domain_interface intf;
	uint8_t bytes[XSRING_PAGE];
} page __attribute__((aligned(XSRING_PAGE)));

static struct xsring server, client;

static void setup(uint32_t start)
{
	memset(&page, 0xee, sizeof(page));
	xsring_attach(&server, &page, XSRING_SERVER);
	xsring_attach(&client, &page, XSRING_CLIENT);
	xsring_reset(&client);
	page.intf.req_cons = page.intf.req_prod = start;
	page.intf.rsp_cons = page.intf.rsp_prod = start;
}

/* Where the indexes start: at zero, mid-ring, before both kinds of wrap. */
static const uint32_t starts[] = {
	0, 513, 1023, 0x7fffffff, 0xfffffc00, 0xfffffe01, 0xffffffff};

START_TEST(test_stream)
{
	uint8_t out[3000], in[3000];
	size_t sent = 0, seen = 0, n;
	bool to_server = _i & 1;

	setup(starts[_i / 2]);
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 7 + 1);
	while (seen < sizeof(in)) {
		ck_assert(xsring_put(to_server ? &client : &server, out + sent,
			sizeof(out) - sent, &n));
		sent += n;
		ck_assert(sent - seen <= XSRING_SIZE);
		ck_assert(xsring_get(to_server ? &server : &client, in + seen,
			sent % 2 ? 700 : 333, &n));
		ck_assert(n > 0);
		seen += n;
	}
	ck_assert_mem_eq(in, out, sizeof(in));
}
END_TEST

START_TEST(test_full_ring_is_read)
{
	uint8_t buf[XSRING_SIZE + 1];
	size_t n;

	setup(starts[_i]);
	memset(buf, 3, sizeof(buf));
	ck_assert(xsring_put(&client, buf, sizeof(buf), &n));
	ck_assert_uint_eq(n, XSRING_SIZE);
	ck_assert(xsring_put(&client, buf, 1, &n));
	ck_assert_uint_eq(n, 0);
	ck_assert(xsring_get(&server, buf, sizeof(buf), &n));
	ck_assert_uint_eq(n, XSRING_SIZE);
	ck_assert(xsring_get(&server, buf, sizeof(buf), &n));
	ck_assert_uint_eq(n, 0);
}
END_TEST

/* XSA-38: the distance of the indexes decides, before any masking. */
static const uint32_t distances[] = {
	1025, 2048, 0x80000000, 0xffffffff, 0xfffffc00};

START_TEST(test_impossible_indexes)
{
	uint8_t buf[XSRING_SIZE], before[XSRING_PAGE];
	uint32_t start = starts[_i % 7], far = start + distances[_i / 7];
	size_t n = 9;

	setup(start);
	page.intf.req_prod = far;
	page.intf.rsp_prod = far;
	memcpy(before, &page, sizeof(before));
	ck_assert(!xsring_get(&server, buf, sizeof(buf), &n));
	ck_assert_uint_eq(n, 0);
	ck_assert(!xsring_put(&server, buf, sizeof(buf), &n));
	ck_assert(!xsring_get(&client, buf, sizeof(buf), &n));
	ck_assert(!xsring_put(&client, buf, sizeof(buf), &n));
	ck_assert_uint_eq(n, 0);
	ck_assert_mem_eq(before, &page, sizeof(before));
}
END_TEST

START_TEST(test_fields)
{
	setup(5);
	xsring_announce(&server, XSRING_FEATURE_ERROR);
	ck_assert_uint_eq(page.intf.server_features, 2);
	ck_assert_uint_eq(xsring_features(&client), XSRING_FEATURE_ERROR);
	ck_assert_uint_eq(page.intf.connection, XENSTORE_CONNECTED);
	ck_assert_uint_eq(xsring_error(&client), XSRING_ERROR_NONE);
	xsring_error_set(&server, XSRING_ERROR_RINGIDX);
	ck_assert_uint_eq(page.intf.error, XENSTORE_ERROR_RINGIDX);
	xsring_reconnect(&client);
	ck_assert_uint_eq(xsring_connection(&server), XSRING_RECONNECT);
	xsring_reset(&server);
	ck_assert_uint_eq(page.intf.req_cons, 0);
	ck_assert_uint_eq(page.intf.rsp_prod, 0);
	/* Nothing else of the page was touched. */
	ck_assert_uint_eq(page.bytes[2080], 0xee);
	ck_assert_uint_eq(page.bytes[XSRING_PAGE - 1], 0xee);
}
END_TEST

/* A guest that rewrites its indexes while they are read: nothing is read or
 * written outside of the rings (a sanitizer would see it), and never more
 * than one ring. */
static atomic_bool stop;

static void *scribble(void *arg)
{
	uint32_t v = 1;

	while (!atomic_load(&stop)) {
		v = v * 1103515245 + 12345;
		__atomic_store_n(&page.intf.req_prod, v, __ATOMIC_RELAXED);
		__atomic_store_n(
			&page.intf.req_cons, v - v % 1100, __ATOMIC_RELAXED);
		__atomic_store_n(&page.intf.rsp_cons, v, __ATOMIC_RELAXED);
		__atomic_store_n(
			&page.intf.rsp_prod, v + v % 1100, __ATOMIC_RELAXED);
	}
	return NULL;
}

START_TEST(test_indexes_change_meanwhile)
{
	uint8_t buf[XSRING_SIZE];
	pthread_t thread;
	size_t n;

	setup(0);
	ck_assert_int_eq(pthread_create(&thread, NULL, scribble, NULL), 0);
	for (int i = 0; i < 100000; i++) {
		(void)xsring_get(&server, buf, sizeof(buf), &n);
		ck_assert_uint_le(n, sizeof(buf));
		(void)xsring_put(&server, buf, 100, &n);
		ck_assert_uint_le(n, 100);
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	ck_assert_uint_eq(page.bytes[2080], 0xee);
}
END_TEST

BH_CHECK_MAIN("xsring", 30, BH_LOOP(test_stream, 14),
	BH_LOOP(test_full_ring_is_read, 7),
	BH_LOOP(test_impossible_indexes, 35), BH_TEST(test_fields),
	BH_TEST(test_indexes_change_meanwhile))
