// SPDX-License-Identifier: MIT
/*
 * fuzz_consring.c - the console page, with a domain that writes all of it
 *
 * The input is a sequence of operations, three bytes each: the backend's or
 * the domain's get or put of some length, or the domain writing a byte of the
 * indexes.  What must hold: no call moves more than it was asked for or than
 * a ring has, and a call that finds impossible indexes moves nothing.
 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "wire/consring.h"

enum { PAGE = 4096, OFF_INDEXES = CONSRING_IN + CONSRING_OUT };

static void one_get(struct consring *ring, size_t cap)
{
	uint8_t *buf = malloc(cap);
	size_t got = ~(size_t)0;
	bool ok;

	FUZZ_CHECK(buf || !cap);
	ok = consring_get(ring, buf, cap, &got);
	FUZZ_CHECK(got <= cap && got <= CONSRING_OUT);
	FUZZ_CHECK(ok || got == 0);
	free(buf);
}

static void one_put(struct consring *ring, size_t len)
{
	uint8_t *buf = calloc(1, len);
	size_t put = ~(size_t)0;
	bool ok;

	FUZZ_CHECK(buf || !len);
	ok = consring_put(ring, buf, len, &put);
	FUZZ_CHECK(put <= len && put <= CONSRING_OUT);
	FUZZ_CHECK(ok || put == 0);
	free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t page[PAGE] __attribute__((aligned(PAGE)));
	struct consring side[2];

	memset(page, 0, sizeof(page));
	consring_attach(&side[0], page, CONSRING_BACKEND);
	consring_attach(&side[1], page, CONSRING_DOMAIN);
	for (; len >= 3; data += 3, len -= 3) {
		struct consring *ring = &side[data[0] & 1];
		size_t n = (size_t)data[1] * 8;

		switch (data[0] >> 1 & 7) {
		case 0:
		case 1: one_get(ring, n); break;
		case 2:
		case 3: one_put(ring, n); break;
		default:
			/* the domain */
			page[OFF_INDEXES + data[1] % 16] = data[2];
		}
	}
	return 0;
}
