// SPDX-License-Identifier: MIT
/*
 * fuzz_xsring.c - the ring page, with a guest that writes all of it
 *
 * See fuzz_ring.h; the other operations are the server announcing features
 * or resetting the rings, and the guest writing a byte of the indexes and the
 * words behind them.
 */
#include "tests/fuzz/fuzz_ring.h"

#include <string.h>

#include "wire/xsring.h"

enum { OFF_INDEXES = 2 * XSRING_SIZE };

static uint8_t page[XSRING_PAGE] __attribute__((aligned(XSRING_PAGE)));
static struct xsring side[2];

static bool side_get(unsigned i, void *buf, size_t cap, size_t *got)
{
	return xsring_get(&side[i], buf, cap, got);
}

static bool side_put(unsigned i, const void *buf, size_t len, size_t *put)
{
	return xsring_put(&side[i], buf, len, put);
}

static void server_or_guest(unsigned op, uint8_t a, uint8_t b)
{
	switch (op) {
	case 4: xsring_announce(&side[0], a); break;
	case 5: xsring_reset(&side[0]); break;
	default:
		/* the guest: indexes and the words behind them */
		page[OFF_INDEXES + a % 32] = b;
	}
}

static const struct fuzz_ring ring = {
	XSRING_SIZE, side_get, side_put, server_or_guest};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	memset(page, 0, sizeof(page));
	xsring_attach(&side[0], page, XSRING_SERVER);
	xsring_attach(&side[1], page, XSRING_CLIENT);
	fuzz_ring_run(&ring, data, len);
	return 0;
}
