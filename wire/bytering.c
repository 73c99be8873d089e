/* SPDX-License-Identifier: MIT */
/* bytering.c - a ring of bytes in a page that the other side may write to */
#include "common/ckd.h"
#include "wire/bytering.h"

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

bool bytering_get(
	const struct bytering_shm *r, void *buf, size_t cap, size_t *got)
{
	uint32_t cons = shm_load_u32(r->cons);
	uint32_t prod = shm_load_acquire_u32(r->prod);
	uint32_t have = prod - cons; /* modulo 2^32: wraps as they do */
	uint32_t at = cons & (r->size - 1);
	size_t n, first;

	*got = 0;
	if (have > r->size)
		return false;
	n = min_size(have, cap);
	if (!n)
		return true;
	first = min_size(n, r->size - at);
	shm_read(buf, r->data + at, first);
	shm_read((uint8_t *)buf + first, r->data, n - first);
	shm_store_release_u32(r->cons, cons + (uint32_t)n);
	*got = n;
	return true;
}

bool bytering_put(
	const struct bytering_shm *r, const void *buf, size_t len, size_t *put)
{
	uint32_t prod = shm_load_u32(r->prod);
	uint32_t cons = shm_load_acquire_u32(r->cons);
	uint32_t have = prod - cons;
	uint32_t at = prod & (r->size - 1);
	size_t n, first;

	*put = 0;
	if (have > r->size)
		return false;
	n = min_size(r->size - have, len);
	if (!n)
		return true;
	first = min_size(n, r->size - at);
	shm_write(r->data + at, buf, first);
	shm_write(r->data, (const uint8_t *)buf + first, n - first);
	shm_store_release_u32(r->prod, prod + (uint32_t)n);
	*put = n;
	return true;
}
