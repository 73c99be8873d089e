// SPDX-License-Identifier: MIT
/*
 * fuzz_consring.c - the console page, with a domain that writes all of it
 *
 * See fuzz_ring.h; the other operations are the domain writing a byte of the
 * indexes.
 */
#include "tests/fuzz/fuzz_ring.h"

#include <string.h>

#include "wire/consring.h"

enum { PAGE = 4096, OFF_INDEXES = CONSRING_IN + CONSRING_OUT };

static uint8_t page[PAGE] __attribute__((aligned(PAGE)));
static struct consring side[2];

static bool side_get(unsigned i, void *buf, size_t cap, size_t *got)
{
	return consring_get(&side[i], buf, cap, got);
}

static bool side_put(unsigned i, const void *buf, size_t len, size_t *put)
{
	return consring_put(&side[i], buf, len, put);
}

static void domain_write(unsigned op, uint8_t at, uint8_t value)
{
	page[OFF_INDEXES + at % 16] = value;
}

static const struct fuzz_ring ring = {
	CONSRING_OUT, side_get, side_put, domain_write};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	memset(page, 0, sizeof(page));
	consring_attach(&side[0], page, CONSRING_BACKEND);
	consring_attach(&side[1], page, CONSRING_DOMAIN);
	fuzz_ring_run(&ring, data, len);
	return 0;
}
