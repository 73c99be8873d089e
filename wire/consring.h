/* SPDX-License-Identifier: MIT */
/*
 * consring.h - the page through which a domain talks to its console
 *
 * Two rings of bytes with free-running indexes (xen/io/console.h): `in` for
 * what is typed, `out` for what is shown.  Each side kicks the event channel
 * when it moved an index.  The other side may write to all of the page at any
 * time: wire/bytering.h says what follows from that.
 */
#ifndef BH_WIRE_CONSRING_H
#define BH_WIRE_CONSRING_H

#include <stdbool.h>
#include <stddef.h>

enum {
	CONSRING_IN = 1024,  /* bytes of the ring to the domain */
	CONSRING_OUT = 2048, /* and from it */
};

enum consring_side {
	CONSRING_DOMAIN,  /* takes `in`, puts `out` */
	CONSRING_BACKEND, /* takes `out`, puts `in` */
};

struct consring_page_shm;

struct consring {
	struct consring_page_shm *shm;
	enum consring_side side;
};

/* Use the mapped @page for @side; it stays the caller's, and untouched. */
void consring_attach(
	struct consring *ring, void *page, enum consring_side side);

/*
 * consring_get - take up to @cap bytes the peer has put; *@got says how many
 * consring_put - put up to @len bytes, as many as fit; *@put says how many
 *
 * False if the indexes are impossible; nothing is moved then.
 */
bool consring_get(struct consring *ring, void *buf, size_t cap, size_t *got);
bool consring_put(
	struct consring *ring, const void *buf, size_t len, size_t *put);

#endif
