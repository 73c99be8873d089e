/* SPDX-License-Identifier: MIT */
/* rd.c - a bounded cursor over received bytes, with a sticky error */
#include <string.h>

#include "common/rd.h"

void rd_init(struct rd *rd, const void *buf, size_t len)
{
	rd->at = buf;
	rd->left = len;
	rd->bad = false;
}

const uint8_t *rd_bytes(struct rd *rd, size_t len)
{
	const uint8_t *p = rd->at;

	if (rd->bad || len > rd->left) {
		rd->bad = true;
		return NULL;
	}
	rd->at += len;
	rd->left -= len;
	return p;
}

const char *rd_cstr(struct rd *rd, size_t *len)
{
	const uint8_t *nul;
	const uint8_t *p = rd->at;

	nul = rd->bad || !rd->left ? NULL : memchr(p, 0, rd->left);
	if (!nul) {
		rd->bad = true;
		return NULL;
	}
	if (len)
		*len = (size_t)(nul - p);
	rd->left -= (size_t)(nul - p) + 1;
	rd->at = nul + 1;
	return (const char *)p;
}

const uint8_t *rd_rest(struct rd *rd, size_t *len)
{
	*len = rd->bad ? 0 : rd->left;
	return rd_bytes(rd, *len);
}
