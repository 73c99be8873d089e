/* SPDX-License-Identifier: MIT */
/*
 * wr.h - a bounded cursor over a buffer to fill, with a sticky error
 *
 * Write all fields, then ask wr_ok() once.  After the first write that does
 * not fit, nothing more is written.
 */
#ifndef BH_COMMON_WR_H
#define BH_COMMON_WR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wr {
	uint8_t *buf;
	size_t len; /* bytes written */
	size_t cap; /* bytes of buf */
	bool bad;   /* a write did not fit */
};

/* Start at the head of @cap bytes of @buf, which the caller keeps. */
void wr_init(struct wr *wr, void *buf, size_t cap);

/* Append @len bytes of @src. */
void wr_bytes(struct wr *wr, const void *src, size_t len);

/* Append @s and its NUL. */
void wr_cstr(struct wr *wr, const char *s);

/* Append @v in decimal, without a NUL. */
void wr_dec(struct wr *wr, uint64_t v);

static inline bool wr_ok(const struct wr *wr)
{
	return !wr->bad;
}

#endif
