/* SPDX-License-Identifier: MIT */
/* host_none.c - no hypervisor: sockets only */
#include <errno.h>

#include <talloc.h>

#include "xenstored/host.h"

static int none_fd(struct host *host)
{
	return -1;
}

static bool none_pending(struct host *host, uint32_t *port)
{
	return false;
}

static void none_port(struct host *host, uint32_t port)
{
}

static int none_bind(
	struct host *host, uint16_t domid, uint32_t remote, uint32_t *local)
{
	return ENOENT;
}

static int none_peer(
	struct host *host, uint32_t local, uint16_t *domid, uint32_t *remote)
{
	return ENOENT;
}

static int none_map(struct host *host, uint16_t domid, void **page)
{
	return ENOENT;
}

static void none_unmap(struct host *host, uint16_t domid, void *page)
{
}

static int none_domains(struct host *host, uint16_t first,
	struct host_domain *dom, unsigned max)
{
	return 0;
}

static int none_own_ring(struct host *host, void **page, uint32_t *port)
{
	return ENOENT;
}

static const struct host_ops none_ops = {
	.fd = none_fd,
	.pending = none_pending,
	.unmask = none_port,
	.notify = none_port,
	.bind = none_bind,
	.unbind = none_port,
	.peer = none_peer,
	.map = none_map,
	.unmap = none_unmap,
	.domains = none_domains,
	.own_ring = none_own_ring,
};

struct host *host_none_new(const void *ctx)
{
	struct host *host = talloc_zero(ctx, struct host);

	if (host)
		host->ops = &none_ops;
	return host;
}
