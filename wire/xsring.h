/* SPDX-License-Identifier: MIT */
/*
 * xsring.h - the page through which a guest talks to xenstored, both sides
 *
 * DOC: The ring page
 *
 * Two rings of bytes, requests to the server and responses to the client,
 * with free-running indexes modulo 1024 (xen/io/xs_wire.h, and
 * docs/misc/xenstore-ring.txt for the words behind them).  Each side kicks
 * the event channel whenever it moved an index.
 *
 * The page belongs to the guest, which may write to all of it at any time:
 * wire/bytering.h says what follows from that.
 *
 * No side keeps private copies of its own indexes: firmware (hvmloader)
 * clears the page when it hands over to the guest's kernel, and the server
 * clears the indexes when a connection is reset.  A guest that moves the
 * server's indexes confuses its own stream, nothing else.
 */
#ifndef BH_WIRE_XSRING_H
#define BH_WIRE_XSRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	XSRING_SIZE = 1024, /* bytes of each ring */
	XSRING_PAGE = 4096, /* bytes of the page */
};

/* server_features of the page */
enum {
	XSRING_FEATURE_RECONNECTION = 1,
	XSRING_FEATURE_ERROR = 2,
	XSRING_FEATURE_WATCHDEPTH = 4,
	XSRING_FEATURE_DOMID_ANY = 8,
	XSRING_FEATURES = 15, /* all there are */
};

enum xsring_connection {
	XSRING_CONNECTED = 0,
	XSRING_RECONNECT = 1, /* asked for by the client */
};

enum xsring_error {
	XSRING_ERROR_NONE = 0,
	XSRING_ERROR_COMM = 1,    /* communication problem */
	XSRING_ERROR_RINGIDX = 2, /* invalid ring index */
	XSRING_ERROR_PROTO = 3,   /* protocol violation: payload too long */
};

enum xsring_side {
	XSRING_SERVER, /* takes requests, puts responses */
	XSRING_CLIENT, /* puts requests, takes responses */
};

struct xsring_page_shm;

struct xsring {
	struct xsring_page_shm *shm;
	enum xsring_side side;
};

/*
 * xsring_attach - use the mapped @page, page-aligned, for @side; the page is
 * neither read nor changed and stays the caller's.
 */
void xsring_attach(struct xsring *ring, void *page, enum xsring_side side);

/*
 * xsring_get - take up to @cap bytes the peer has put into @buf
 *
 * Returns false if the indexes are impossible (*@got is 0 then).
 */
bool xsring_get(struct xsring *ring, void *buf, size_t cap, size_t *got);

/*
 * xsring_put - put up to @len bytes of @buf, as many as fit
 *
 * Returns false if the indexes are impossible (*@put is 0 then).
 */
bool xsring_put(struct xsring *ring, const void *buf, size_t len, size_t *put);

/*
 * xsring_reset - all indexes to zero: by the owner of a new page, and by the
 * server when a connection starts over.
 */
void xsring_reset(struct xsring *ring);

/*
 * xsring_announce - by the server: connected, no error, and what it offers
 * @features:	XSRING_FEATURE_*
 */
void xsring_announce(struct xsring *ring, uint32_t features);

/* By the server: tell the client why it is not listened to any more. */
void xsring_error_set(struct xsring *ring, enum xsring_error error);

/* The fields as the peer left them: any value is possible. */
uint32_t xsring_features(const struct xsring *ring);
uint32_t xsring_connection(const struct xsring *ring);
uint32_t xsring_error(const struct xsring *ring);

/*
 * xsring_reconnect - by the client: ask for a fresh connection, then kick;
 * it is there when xsring_connection() is XSRING_CONNECTED again.  Only when
 * XSRING_FEATURE_RECONNECTION is offered.
 */
void xsring_reconnect(struct xsring *ring);

#endif
