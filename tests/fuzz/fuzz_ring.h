/* SPDX-License-Identifier: MIT */
/*
 * fuzz_ring.h - a page with two byte rings, and a peer that writes all of it
 *
 * The input is a sequence of operations, three bytes each: one side's get or
 * put of some length, or what else the ring or its peer can do.  What must
 * hold: no call moves more than it was asked for or than a ring has, and a
 * call that finds impossible indexes moves nothing.
 */
#ifndef TESTS_FUZZ_FUZZ_RING_H
#define TESTS_FUZZ_FUZZ_RING_H

#include "tests/fuzz/fuzz.h"

#include <stdbool.h>

/* The rings of a page, as their two sides 0 and 1 use them. */
struct fuzz_ring {
	size_t size; /* no more than that at once */
	bool (*get)(unsigned side, void *buf, size_t cap, size_t *got);
	bool (*put)(unsigned side, const void *buf, size_t len, size_t *put);
	/* operations 4 to 7 */
	void (*other)(unsigned op, uint8_t a, uint8_t b);
};

static inline void fuzz_ring_get(
	const struct fuzz_ring *ring, unsigned side, size_t cap)
{
	uint8_t *buf = malloc(cap);
	size_t got = ~(size_t)0;
	bool ok;

	FUZZ_CHECK(buf || !cap);
	ok = ring->get(side, buf, cap, &got);
	FUZZ_CHECK(got <= cap && got <= ring->size);
	FUZZ_CHECK(ok || got == 0);
	free(buf);
}

static inline void fuzz_ring_put(
	const struct fuzz_ring *ring, unsigned side, size_t len)
{
	uint8_t *buf = calloc(1, len);
	size_t put = ~(size_t)0;
	bool ok;

	FUZZ_CHECK(buf || !len);
	ok = ring->put(side, buf, len, &put);
	FUZZ_CHECK(put <= len && put <= ring->size);
	FUZZ_CHECK(ok || put == 0);
	free(buf);
}

/* Does what the input says. */
static inline void fuzz_ring_run(
	const struct fuzz_ring *ring, const uint8_t *data, size_t len)
{
	for (; len >= 3; data += 3, len -= 3) {
		unsigned side = data[0] & 1;
		unsigned op = data[0] >> 1 & 7;
		size_t n = (size_t)data[1] * 8;

		switch (op) {
		case 0:
		case 1: fuzz_ring_get(ring, side, n); break;
		case 2:
		case 3: fuzz_ring_put(ring, side, n); break;
		default: ring->other(op, data[1], data[2]);
		}
	}
}

#endif
