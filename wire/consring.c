/* SPDX-License-Identifier: MIT */
/* consring.c - the page through which a domain talks to its console */
#include <assert.h>
#include <stdint.h>

#include <xen/io/console.h>

#include "common/ckd.h"
#include "wire/consring.h"

struct consring_page_shm {
	uint8_t in[CONSRING_IN];
	uint8_t out[CONSRING_OUT];
	uint32_t in_cons, in_prod;
	uint32_t out_cons, out_prod;
};

#define SAME_PLACE(field)                                                \
	static_assert(offsetof(struct consring_page_shm, field) ==       \
			      offsetof(struct xencons_interface, field), \
		#field)
SAME_PLACE(in);
SAME_PLACE(out);
SAME_PLACE(in_cons);
SAME_PLACE(in_prod);
SAME_PLACE(out_cons);
SAME_PLACE(out_prod);

/* One direction. */
struct lane_shm {
	uint8_t *data;
	uint32_t *cons, *prod;
	uint32_t size;
};

static struct lane_shm lane(const struct consring *ring, bool out)
{
	struct consring_page_shm *shm = ring->shm;

	if (out)
		return (struct lane_shm){
			shm->out, &shm->out_cons, &shm->out_prod, CONSRING_OUT};
	return (struct lane_shm){
		shm->in, &shm->in_cons, &shm->in_prod, CONSRING_IN};
}

void consring_attach(struct consring *ring, void *page, enum consring_side side)
{
	ring->shm = page;
	ring->side = side;
}

bool consring_get(struct consring *ring, void *buf, size_t cap, size_t *got)
{
	struct lane_shm l = lane(ring, ring->side == CONSRING_BACKEND);
	uint32_t cons = shm_load_u32(l.cons);
	uint32_t prod = shm_load_acquire_u32(l.prod);
	uint32_t have = prod - cons;
	uint32_t at = cons % l.size;
	size_t n, first;

	*got = 0;
	if (have > l.size)
		return false;
	n = have < cap ? have : cap;
	if (!n)
		return true;
	first = n < l.size - at ? n : l.size - at;
	shm_read(buf, l.data + at, first);
	shm_read((uint8_t *)buf + first, l.data, n - first);
	shm_store_release_u32(l.cons, cons + (uint32_t)n);
	*got = n;
	return true;
}

bool consring_put(
	struct consring *ring, const void *buf, size_t len, size_t *put)
{
	struct lane_shm l = lane(ring, ring->side == CONSRING_DOMAIN);
	uint32_t prod = shm_load_u32(l.prod);
	uint32_t cons = shm_load_acquire_u32(l.cons);
	uint32_t have = prod - cons;
	uint32_t at = prod % l.size;
	size_t n, first;

	*put = 0;
	if (have > l.size)
		return false;
	n = l.size - have < len ? l.size - have : len;
	if (!n)
		return true;
	first = n < l.size - at ? n : l.size - at;
	shm_write(l.data + at, buf, first);
	shm_write(l.data, (const uint8_t *)buf + first, n - first);
	shm_store_release_u32(l.prod, prod + (uint32_t)n);
	*put = n;
	return true;
}
