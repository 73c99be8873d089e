/* SPDX-License-Identifier: MIT */
/* wr.c - a bounded cursor over a buffer to fill, with a sticky error */
#include <string.h>

#include "common/wr.h"

void wr_init(struct wr *wr, void *buf, size_t cap)
{
	wr->buf = buf;
	wr->len = 0;
	wr->cap = cap;
	wr->bad = false;
}

void wr_bytes(struct wr *wr, const void *src, size_t len)
{
	if (wr->bad || len > wr->cap - wr->len) {
		wr->bad = true;
		return;
	}
	if (len)
		memcpy(wr->buf + wr->len, src, len);
	wr->len += len;
}

void wr_cstr(struct wr *wr, const char *s)
{
	wr_bytes(wr, s, strlen(s) + 1);
}

void wr_dec(struct wr *wr, uint64_t v)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	wr_bytes(wr, digits + at, sizeof(digits) - at);
}
