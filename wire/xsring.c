/* SPDX-License-Identifier: MIT */
/* xsring.c - the page through which a guest talks to xenstored */
#include <assert.h>
#include <stdint.h>

#include <xen/io/xs_wire.h>

#include "common/ckd.h"
#include "wire/xsring.h"

/* Ours, since evtchn_port is younger than many installed headers. */
struct xsring_page_shm {
	uint8_t req[XSRING_SIZE];
	uint8_t rsp[XSRING_SIZE];
	uint32_t req_cons, req_prod;
	uint32_t rsp_cons, rsp_prod;
	uint32_t server_features;
	uint32_t connection;
	uint32_t error;
	uint32_t evtchn_port;
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
static_assert(offsetof(struct xsring_page_shm, evtchn_port) == 2076, "port");
static_assert(sizeof(struct xsring_page_shm) <= XSRING_PAGE, "page");
static_assert((int)XSRING_SIZE == XENSTORE_RING_SIZE, "ring size");

/* One direction, as one side sees it. */
struct lane_shm {
	uint8_t *data;
	uint32_t *cons, *prod;
};

static struct lane_shm lane(const struct xsring *ring, bool requests)
{
	struct xsring_page_shm *shm = ring->shm;

	if (requests)
		return (struct lane_shm){
			shm->req, &shm->req_cons, &shm->req_prod};
	return (struct lane_shm){shm->rsp, &shm->rsp_cons, &shm->rsp_prod};
}

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

void xsring_attach(struct xsring *ring, void *page, enum xsring_side side)
{
	ring->shm = page;
	ring->side = side;
}

bool xsring_get(struct xsring *ring, void *buf, size_t cap, size_t *got)
{
	struct lane_shm l = lane(ring, ring->side == XSRING_SERVER);
	uint32_t cons = shm_load_u32(l.cons);
	uint32_t prod = shm_load_acquire_u32(l.prod);
	uint32_t have = prod - cons; /* modulo 2^32: wraps as they do */
	uint32_t at = cons % XSRING_SIZE;
	size_t n, first;

	*got = 0;
	if (have > XSRING_SIZE)
		return false;
	n = min_size(have, cap);
	if (!n)
		return true;
	first = min_size(n, XSRING_SIZE - at);
	shm_read(buf, l.data + at, first);
	shm_read((uint8_t *)buf + first, l.data, n - first);
	shm_store_release_u32(l.cons, cons + (uint32_t)n);
	*got = n;
	return true;
}

bool xsring_put(struct xsring *ring, const void *buf, size_t len, size_t *put)
{
	struct lane_shm l = lane(ring, ring->side == XSRING_CLIENT);
	uint32_t prod = shm_load_u32(l.prod);
	uint32_t cons = shm_load_acquire_u32(l.cons);
	uint32_t have = prod - cons;
	uint32_t at = prod % XSRING_SIZE;
	size_t n, first;

	*put = 0;
	if (have > XSRING_SIZE)
		return false;
	n = min_size(XSRING_SIZE - have, len);
	if (!n)
		return true;
	first = min_size(n, XSRING_SIZE - at);
	shm_write(l.data + at, buf, first);
	shm_write(l.data, (const uint8_t *)buf + first, n - first);
	shm_store_release_u32(l.prod, prod + (uint32_t)n);
	*put = n;
	return true;
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

uint32_t xsring_evtchn_port(const struct xsring *ring)
{
	return shm_load_u32(&ring->shm->evtchn_port);
}

void xsring_reconnect(struct xsring *ring)
{
	shm_store_release_u32(&ring->shm->connection, XSRING_RECONNECT);
}
