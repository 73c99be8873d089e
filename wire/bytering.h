/* SPDX-License-Identifier: MIT */
/*
 * bytering.h - a ring of bytes in a page that the other side may write to
 *
 * DOC: Both indexes run freely, modulo 2^32, and the size is a power of two.
 * The other side may write to all of it at any time.  So each call loads
 * both indexes exactly once, checks their distance before any masking, and
 * copies bytes by single loads (common/ckd.h); what it returns is private.
 * It moves one index, its own, after the bytes were copied.
 *
 * For wire/xsring.c and wire/consring.c, whose pages have two of these each.
 */
#ifndef BH_WIRE_BYTERING_H
#define BH_WIRE_BYTERING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One direction of a page; the page stays its owner's. */
struct bytering_shm {
	uint8_t *data;
	uint32_t *cons, *prod; /* of who takes, of who puts */
	uint32_t size;         /* of data: a power of two */
};

/*
 * bytering_get - take up to @cap bytes; *@got says how many
 * bytering_put - put up to @len bytes, as many as fit; *@put says how many
 *
 * False if the indexes are impossible; nothing is moved then.
 */
bool bytering_get(
	const struct bytering_shm *r, void *buf, size_t cap, size_t *got);
bool bytering_put(
	const struct bytering_shm *r, const void *buf, size_t len, size_t *put);

#endif
