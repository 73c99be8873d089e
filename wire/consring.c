/* SPDX-License-Identifier: MIT */
/* consring.c - the page through which a domain talks to its console */
#include <assert.h>
#include <stdint.h>

#include <xen/io/console.h>

#include "wire/bytering.h"
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

static struct bytering_shm lane(const struct consring *ring, bool out)
{
	struct consring_page_shm *shm = ring->shm;

	if (out)
		return (struct bytering_shm){
			shm->out, &shm->out_cons, &shm->out_prod, CONSRING_OUT};
	return (struct bytering_shm){
		shm->in, &shm->in_cons, &shm->in_prod, CONSRING_IN};
}

void consring_attach(struct consring *ring, void *page, enum consring_side side)
{
	ring->shm = page;
	ring->side = side;
}

bool consring_get(struct consring *ring, void *buf, size_t cap, size_t *got)
{
	struct bytering_shm l = lane(ring, ring->side == CONSRING_BACKEND);

	return bytering_get(&l, buf, cap, got);
}

bool consring_put(
	struct consring *ring, const void *buf, size_t len, size_t *put)
{
	struct bytering_shm l = lane(ring, ring->side == CONSRING_DOMAIN);

	return bytering_put(&l, buf, len, put);
}
