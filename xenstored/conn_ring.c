/* SPDX-License-Identifier: MIT */
/* conn_ring.c - connections over a ring page and an event channel */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>

#include "common/err.h"
#include "common/macro.h"
#include "xenstored/conn.h"
#include "xenstored/domain.h"
#include "xenstored/host.h"
#include "xenstored/server.h"

enum { RING_IOV = 4 };

struct conn_ring {
	struct conn conn;
	struct xsring ring;
	void *page;
	uint32_t port;
	bool moved; /* indexes moved since the client was told */
};

static struct conn_ring *ring_of(struct conn *conn)
{
	return container_of(conn, struct conn_ring, conn);
}

static void ring_notify(struct conn_ring *ring)
{
	struct host *host = ring->conn.server->host;

	if (ring->moved)
		host->ops->notify(host, ring->port);
	ring->moved = false;
}

/*
 * The domain lives on, and so does its record: only the connection is dead to
 * us, until INTRODUCE (XSA-325).
 */
static void ring_violated(struct conn *conn, enum xsring_error error)
{
	struct conn_ring *ring = ring_of(conn);

	log_warn(&conn->domain->log, "ring-ignored",
		"error %d on the ring, not listening any more", error);
	if (conn->domain->features & XSRING_FEATURE_ERROR)
		xsring_error_set(&ring->ring, error);
	ring->moved = true;
	ring_notify(ring);
	conn_ignore(conn);
}

static ssize_t ring_recv(struct conn *conn, void *buf, size_t cap)
{
	struct conn_ring *ring = ring_of(conn);
	size_t n;

	if (!xsring_get(&ring->ring, buf, cap, &n)) {
		ring_violated(conn, XSRING_ERROR_RINGIDX);
		return 0;
	}
	ring->moved |= n != 0;
	return (ssize_t)n;
}

static int ring_send(struct conn *conn)
{
	struct conn_ring *ring = ring_of(conn);

	while (!outq_empty(&conn->out)) {
		struct iovec iov;
		size_t n;

		outq_iov(&conn->out, &iov, 1);
		if (!xsring_put(&ring->ring, iov.iov_base, iov.iov_len, &n)) {
			ring_violated(conn, XSRING_ERROR_RINGIDX);
			return 0;
		}
		if (!n)
			return 0;
		ring->moved = true;
		outq_sent(&conn->out, n);
	}
	return 0;
}

/* One kick for the whole turn: nothing else has to be waited for. */
static void ring_rest(struct conn *conn)
{
	ring_notify(ring_of(conn));
}

static void ring_close(struct conn *conn)
{
	struct conn_ring *ring = ring_of(conn);
	struct host *host = conn->server->host;

	server_port_set(conn->server, ring->port, NULL);
	host->ops->unbind(host, ring->port);
	host->ops->unmap(host, conn->domain->domid, ring->page);
	conn->domain->ring = NULL;
}

static void ring_describe(struct conn *conn, char *buf, size_t cap)
{
	const struct conn_ring *ring = ring_of(conn);

	snprintf(buf, cap, "ring port=%u", ring->port);
}

static const struct conn_ops ring_ops = {
	.recv = ring_recv,
	.send = ring_send,
	.rest = ring_rest,
	.violated = ring_violated,
	.close = ring_close,
	.describe = ring_describe,
};

/* Tell the client that we are there, and see what it has said already. */
static void ring_start(struct conn_ring *ring)
{
	server_port_set(ring->conn.server, ring->port, &ring->conn);
	xsring_announce(&ring->ring, ring->conn.domain->features);
	ring->moved = true;
	ring_notify(ring);
	conn_wake(&ring->conn);
}

int conn_ring_new(
	struct domain *domain, void *page, uint32_t port, struct conn **conn)
{
	struct server *server = domain->server;
	struct conn_ring *ring;
	int r;

	r = server_port_reserve(server, port);
	if (r)
		return r;
	ring = calloc(1, sizeof(*ring));
	if (!ring)
		return ENOMEM;
	conn_init(&ring->conn, server, domain, &ring_ops, false);
	ring->page = page;
	ring->port = port;
	xsring_attach(&ring->ring, page, XSRING_SERVER);
	ring_start(ring);
	*conn = &ring->conn;
	return 0;
}

/* Everything of before is dropped, also what has been said already. */
static void ring_restart(struct conn_ring *ring)
{
	conn_reset(&ring->conn);
	ring->conn.state = CONN_OPEN;
	xsring_reset(&ring->ring);
	ring_start(ring);
}

uint32_t conn_ring_port(struct conn *conn)
{
	return ring_of(conn)->port;
}

void conn_ring_restart(struct conn *conn, uint32_t port)
{
	struct conn_ring *ring = ring_of(conn);
	struct host *host = conn->server->host;

	if (port != ring->port) {
		server_port_set(conn->server, ring->port, NULL);
		host->ops->unbind(host, ring->port);
		ring->port = port;
	}
	ring_restart(ring);
}

void conn_ring_kicked(struct conn *conn)
{
	struct conn_ring *ring = ring_of(conn);

	if (conn->domain->features & XSRING_FEATURE_RECONNECTION &&
		xsring_connection(&ring->ring) == XSRING_RECONNECT)
		ring_restart(ring);
	else
		conn_wake(conn);
}
