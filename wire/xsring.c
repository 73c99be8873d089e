/* SPDX-License-Identifier: MIT */
/* xsring.c - the page through which a guest talks to xenstored */
#include <assert.h>
#include <stdint.h>

#include <xen/io/xs_wire.h>

#include "common/ckd.h"
#include "wire/bytering.h"
#include "wire/xsring.h"

/* Ours, of bytes that have no sign. */
struct xsring_page_shm {
	uint8_t req[XSRING_SIZE];
	uint8_t rsp[XSRING_SIZE];
	uint32_t req_cons, req_prod;
	uint32_t rsp_cons, rsp_prod;
	uint32_t server_features;
	uint32_t connection;
	uint32_t error;
};

#define SAME_PLACE(field)                                                  \
	static_assert(                                                     \
		offsetof(struct xsring_page_shm, field) ==                 \
			offsetof(struct xenstore_domain_interface, field), \
		#field)
SAME_PLACE(req);
SAME_PLACE(rsp);
SAME_PLACE(req_cons);
SAME_PLACE(req_prod);
SAME_PLACE(rsp_cons);
SAME_PLACE(rsp_prod);
SAME_PLACE(server_features);
SAME_PLACE(connection);
SAME_PLACE(error);
static_assert(sizeof(struct xsring_page_shm) <= XSRING_PAGE, "page");
static_assert((int)XSRING_SIZE == XENSTORE_RING_SIZE, "ring size");

static struct bytering_shm lane(const struct xsring *ring, bool requests)
{
	struct xsring_page_shm *shm = ring->shm;

	if (requests)
		return (struct bytering_shm){
			shm->req, &shm->req_cons, &shm->req_prod, XSRING_SIZE};
	return (struct bytering_shm){
		shm->rsp, &shm->rsp_cons, &shm->rsp_prod, XSRING_SIZE};
}

void xsring_attach(struct xsring *ring, void *page, enum xsring_side side)
{
	ring->shm = page;
	ring->side = side;
}

bool xsring_get(struct xsring *ring, void *buf, size_t cap, size_t *got)
{
	struct bytering_shm l = lane(ring, ring->side == XSRING_SERVER);

	return bytering_get(&l, buf, cap, got);
}

bool xsring_put(struct xsring *ring, const void *buf, size_t len, size_t *put)
{
	struct bytering_shm l = lane(ring, ring->side == XSRING_CLIENT);

	return bytering_put(&l, buf, len, put);
}

void xsring_reset(struct xsring *ring)
{
	struct xsring_page_shm *shm = ring->shm;

	shm_store_u32(&shm->req_cons, 0);
	shm_store_u32(&shm->req_prod, 0);
	shm_store_u32(&shm->rsp_cons, 0);
	shm_store_release_u32(&shm->rsp_prod, 0);
}

void xsring_announce(struct xsring *ring, uint32_t features)
{
	shm_store_u32(&ring->shm->server_features, features);
	shm_store_u32(&ring->shm->error, XSRING_ERROR_NONE);
	/* Last: whoever waits for it may rely on the rest. */
	shm_store_release_u32(&ring->shm->connection, XSRING_CONNECTED);
}

void xsring_error_set(struct xsring *ring, enum xsring_error error)
{
	shm_store_release_u32(&ring->shm->error, error);
}

uint32_t xsring_features(const struct xsring *ring)
{
	return shm_load_u32(&ring->shm->server_features);
}

uint32_t xsring_connection(const struct xsring *ring)
{
	return shm_load_acquire_u32(&ring->shm->connection);
}

uint32_t xsring_error(const struct xsring *ring)
{
	return shm_load_acquire_u32(&ring->shm->error);
}

void xsring_reconnect(struct xsring *ring)
{
	shm_store_release_u32(&ring->shm->connection, XSRING_RECONNECT);
}
