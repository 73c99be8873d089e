/* SPDX-License-Identifier: MIT */
/*
 * rd.h - a bounded cursor over received bytes, with a sticky error
 *
 * Read all fields, then ask rd_done() or rd_ok() once.  After the first read
 * that does not fit, every read returns zero or NULL and moves nothing.
 */
#ifndef BH_COMMON_RD_H
#define BH_COMMON_RD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rd {
	const uint8_t *at;
	size_t left; /* bytes not read yet */
	bool bad;    /* a read did not fit */
};

/* Start at @len bytes of @buf, which the caller keeps. */
void rd_init(struct rd *rd, const void *buf, size_t len);

/* The next @len bytes, pointing into the buffer; NULL when fewer. */
const uint8_t *rd_bytes(struct rd *rd, size_t len);

/*
 * The next NUL-terminated string, pointing into the buffer, and its length
 * without the NUL (@len may be NULL); NULL when no NUL is left.
 */
const char *rd_cstr(struct rd *rd, size_t *len);

/* All that is left, however little. */
const uint8_t *rd_rest(struct rd *rd, size_t *len);

static inline bool rd_ok(const struct rd *rd)
{
	return !rd->bad;
}

/* No read failed and nothing is left. */
static inline bool rd_done(const struct rd *rd)
{
	return !rd->bad && !rd->left;
}

#endif
