/* SPDX-License-Identifier: MIT */
/*
 * xenbus.h - a domain's xenstore ring, offered to its processes
 *
 * Processes connect to a UNIX stream socket (at the place of Linux's
 * /dev/xen/xenbus) and speak the store's protocol; the multiplexer puts them
 * on the one ring of the domain.  A process that does not read its replies,
 * floods, or sends garbage loses its own connection and nothing else.
 */
#ifndef HV_GUEST_XENBUS_H
#define HV_GUEST_XENBUS_H

#include <stdint.h>

#include "common/err.h"
#include "hv/guest/mux.h"

struct loop;
struct xenbus;

enum {
	XENBUS_CLIENTS_MAX = 256,
	/*
	 * What was read from a process is carried out even if it leaves at
	 * once.  With so many requests without a reply no connection is taken
	 * any more: those that come, ask and go would have no bound else.
	 */
	XENBUS_PENDING_MAX = XENBUS_CLIENTS_MAX * MUX_INFLIGHT_MAX,
	XENBUS_BACKLOG = 64 * 1024,  /* unread bytes: no more requests read */
	XENBUS_OUT_MAX = 256 * 1024, /* and the connection is closed */
};

struct xenbus_params {
	struct loop *loop;
	void *page;     /* the ring, mapped for the life of the xenbus */
	uint16_t domid; /* of this domain */
	int listen_fd;  /* non-blocking; given away; -1 for none */
	void (*kick)(void *arg); /* notify the daemon */
	void *arg;
};

/* A xenbus owned by @ctx; NULL when out of memory (listen_fd is kept). */
struct xenbus *xenbus_new(const void *ctx, const struct xenbus_params *p);

/* The event channel fired, or the kernel has queued a request of its own. */
void xenbus_wake(struct xenbus *xb);

/* For the kernel's own requests. */
struct mux *xenbus_mux(struct xenbus *xb);

/*
 * xenbus_listen - a non-blocking listening socket at @path, replacing what is
 * there, for this user only.  The descriptor, or -errno.
 */
int xenbus_listen(const char *path) __must_check;

#endif
