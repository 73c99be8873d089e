// SPDX-License-Identifier: MIT
/*
 * fuzz_xsring.c - the ring page, with a guest that writes all of it
 *
 * The input is a sequence of operations, three bytes each: the server's or
 * the client's get or put of some length, a reset, or the guest writing a byte
 * of the indexes and the words behind them.  What must hold: no call moves
 * more than it was asked for or than a ring has, and a call that finds
 * impossible indexes moves nothing.
 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "wire/xsring.h"

enum { OFF_INDEXES = 2 * XSRING_SIZE };

static void one_get(struct xsring *ring, size_t cap)
{
	uint8_t *buf = malloc(cap);
	size_t got = ~(size_t)0;
	bool ok;

	FUZZ_CHECK(buf || !cap);
	ok = xsring_get(ring, buf, cap, &got);
	FUZZ_CHECK(got <= cap && got <= XSRING_SIZE);
	FUZZ_CHECK(ok || got == 0);
	free(buf);
}

static void one_put(struct xsring *ring, size_t len)
{
	uint8_t *buf = calloc(1, len);
	size_t put = ~(size_t)0;
	bool ok;

	FUZZ_CHECK(buf || !len);
	ok = xsring_put(ring, buf, len, &put);
	FUZZ_CHECK(put <= len && put <= XSRING_SIZE);
	FUZZ_CHECK(ok || put == 0);
	free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t page[XSRING_PAGE] __attribute__((aligned(XSRING_PAGE)));
	struct xsring side[2];

	memset(page, 0, sizeof(page));
	xsring_attach(&side[0], page, XSRING_SERVER);
	xsring_attach(&side[1], page, XSRING_CLIENT);
	for (; len >= 3; data += 3, len -= 3) {
		struct xsring *ring = &side[data[0] & 1];
		size_t n = (size_t)data[1] * 8;

		switch (data[0] >> 1 & 7) {
		case 0:
		case 1: one_get(ring, n); break;
		case 2:
		case 3: one_put(ring, n); break;
		case 4: xsring_announce(&side[0], data[1]); break;
		case 5: xsring_reset(&side[0]); break;
		default:
			/* the guest: indexes and the words behind them */
			page[OFF_INDEXES + data[1] % 32] = data[2];
		}
	}
	return 0;
}
