/* SPDX-License-Identifier: MIT */
/*
 * host.h - what xenstored asks of the hypervisor
 *
 * One table of functions, so that the daemon runs on Xen's libraries
 * (host_xen.c), without a hypervisor (host_none.c), and in tests over plain
 * memory.  All functions are called from the loop's thread.
 */
#ifndef BH_XENSTORED_HOST_H
#define BH_XENSTORED_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

struct host;

/* What a domain is like now. */
struct host_domain {
	uint16_t domid;
	uint8_t handle[16]; /* of a toolstack, which may change it */
	bool shutdown;      /* has shut down or crashed */
	bool dying;         /* is being destroyed */
};

struct host_ops {
	/* Readable when a port fired; -1: there are no ports. */
	int (*fd)(struct host *host);

	/* The next port that fired; it stays masked.  False: none. */
	bool (*pending)(struct host *host, uint32_t *port);
	void (*unmask)(struct host *host, uint32_t port);
	void (*notify)(struct host *host, uint32_t port);

	/* Bind to @remote port of @domid: 0 and the local port, or ENOENT. */
	int (*bind)(struct host *host, uint16_t domid, uint32_t remote,
		uint32_t *local);
	void (*unbind)(struct host *host, uint32_t local);

	/*
	 * Who has the other end of @local, a port from bind(): 0; ENOENT when
	 * it is closed, as it is from the moment on when its domain begins to
	 * die; or -errno.
	 */
	int (*peer)(struct host *host, uint32_t local, uint16_t *domid,
		uint32_t *remote);

	/* Map the ring page of @domid: 0, or ENOENT. */
	int (*map)(struct host *host, uint16_t domid, void **page);
	void (*unmap)(struct host *host, uint16_t domid, void *page);

	/*
	 * Up to @max domains with domids from @first on, in order; returns
	 * how many, -errno when the hypervisor does not answer.
	 */
	int (*domains)(struct host *host, uint16_t first,
		struct host_domain *dom, unsigned max);

	/*
	 * The ring page and remote port of the domain we run in; ENOENT if
	 * it has none.  The page is unmapped with unmap().
	 */
	int (*own_ring)(struct host *host, void **page, uint32_t *port);
};

struct host {
	const struct host_ops *ops;
	uint32_t virq_port; /* fires when a domain changes; 0: never */
};

/* The hypervisor; NULL with errno when there is none.  Owner: @ctx. */
struct host *host_xen_new(const void *ctx);

/* No hypervisor: there are no domains but our own. */
struct host *host_none_new(const void *ctx);

/* The state of @domid: 0, ENOENT, or -errno. */
int host_domain_get(struct host *host, uint16_t domid,
	struct host_domain *dom) __must_check;

#endif
