// SPDX-License-Identifier: MIT
/* test_consring.c - the console's ring, both sides and both directions */
#include <stdint.h>
#include <xen/io/console.h>

#include "tests/unit/bh_check.h"
#include "wire/consring.h"

static union {
	struct xencons_interface intf;
	uint8_t bytes[4096];
} page __attribute__((aligned(4096)));

static struct consring dom, back;

static void setup(uint32_t start)
{
	memset(&page, 0xee, sizeof(page));
	consring_attach(&dom, &page, CONSRING_DOMAIN);
	consring_attach(&back, &page, CONSRING_BACKEND);
	page.intf.in_cons = page.intf.in_prod = start;
	page.intf.out_cons = page.intf.out_prod = start;
}

static const uint32_t starts[] = {
	0, 513, 2047, 0x7fffffff, 0xfffffc00, 0xfffffe01, 0xffffffff};
enum { STARTS_NR = sizeof(starts) / sizeof(starts[0]) };

START_TEST(test_stream)
{
	uint8_t out[6000], in[6000];
	size_t sent = 0, seen = 0, n;
	bool shown = _i & 1;
	size_t size = shown ? CONSRING_OUT : CONSRING_IN;

	setup(starts[_i / 2]);
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 7 + 1);
	while (seen < sizeof(in)) {
		ck_assert(consring_put(shown ? &dom : &back, out + sent,
			sizeof(out) - sent, &n));
		sent += n;
		ck_assert_uint_le(sent - seen, size);
		ck_assert(consring_get(shown ? &back : &dom, in + seen,
			sent % 2 ? 700 : 333, &n));
		ck_assert_uint_gt(n, 0);
		seen += n;
	}
	ck_assert_mem_eq(in, out, sizeof(in));
	/* the other direction was not touched */
	ck_assert(consring_get(shown ? &dom : &back, in, sizeof(in), &n));
	ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(test_full)
{
	uint8_t buf[CONSRING_OUT + 1] = {0};
	size_t n;

	setup(starts[_i]);
	ck_assert(consring_put(&dom, buf, sizeof(buf), &n));
	ck_assert_uint_eq(n, CONSRING_OUT);
	ck_assert(consring_put(&dom, buf, 1, &n));
	ck_assert_uint_eq(n, 0);
	ck_assert(consring_put(&back, buf, sizeof(buf), &n));
	ck_assert_uint_eq(n, CONSRING_IN);
}
END_TEST

/* Impossible indexes: nothing is moved, nothing outside is touched. */
START_TEST(test_impossible)
{
	uint8_t buf[64];
	size_t n = 1;

	setup(starts[_i]);
	page.intf.out_prod = page.intf.out_cons + CONSRING_OUT + 1;
	page.intf.in_prod = page.intf.in_cons - 1;
	ck_assert(!consring_get(&back, buf, sizeof(buf), &n));
	ck_assert_uint_eq(n, 0);
	ck_assert(!consring_put(&dom, buf, sizeof(buf), &n));
	ck_assert(!consring_get(&dom, buf, sizeof(buf), &n));
	ck_assert(!consring_put(&back, buf, sizeof(buf), &n));
	for (size_t i = sizeof(page.intf); i < sizeof(page); i++)
		ck_assert_uint_eq(page.bytes[i], 0xee);
}
END_TEST

BH_CHECK_MAIN("consring", 10, BH_LOOP(test_stream, 2 * STARTS_NR),
	BH_LOOP(test_full, STARTS_NR), BH_LOOP(test_impossible, STARTS_NR))
