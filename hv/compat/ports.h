/* SPDX-License-Identifier: MIT */
/*
 * ports.h: the ports of an event channel handle, for many threads.
 *
 * DOC: ports
 *
 * The table has one entry per port number, in chunks that are published
 * atomically when first needed and live as long as the handle.  An entry's
 * descriptors may be used between port_enter() and port_leave() only, which
 * count users; who changes the entry (with the handle's lock held) first
 * closes it to new users and waits for those inside.  So notify, pending and
 * unmask take no lock, and never touch a descriptor number that has become
 * another file.
 *
 * An entry's state word: PORT_LIVE, PORT_FROZEN, and the number of users.
 *   0			free; only the lock's holder may fill it
 *   LIVE		in use
 *   LIVE|FROZEN	being refreshed: users wait for the lock
 *
 * While an entry is live its descriptor numbers stay the same; a refresh
 * replaces what is behind them.
 */
#ifndef HV_COMPAT_PORTS_H
#define HV_COMPAT_PORTS_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/single_threaded.h>

#include "hv/proto/proto.h"

#define PORT_CHUNK  64
#define PORT_CHUNKS (HVP_EV_PORTS / PORT_CHUNK)

#define PORT_LIVE   (1u << 31)
#define PORT_FROZEN (1u << 30)
#define PORT_USERS  (PORT_FROZEN - 1)

struct port {
	_Atomic uint32_t state;
	int rfd;                 /* our doorbell, to wait on */
	int wfd;                 /* the peer's, to ring; -1: not a channel */
	_Atomic uint32_t rstamp; /* the event page's word of rfd, of wfd */
	_Atomic uint32_t wstamp;
};

struct ports {
	_Atomic(struct port *) chunk[PORT_CHUNKS];
};

/* ports_fini: frees the table; the descriptors were closed before. */
void ports_fini(struct ports *t);

/* port_get: the entry, made if there is none; NULL: memory is short. */
struct port *port_get(struct ports *t, uint32_t port);

/* port_find: the entry if it is live, or NULL. */
static inline struct port *port_find(struct ports *t, uint32_t port)
{
	struct port *chunk, *p;

	if (port >= HVP_EV_PORTS)
		return NULL;
	chunk = atomic_load_explicit(
		&t->chunk[port / PORT_CHUNK], memory_order_acquire);
	if (!chunk)
		return NULL;
	p = &chunk[port % PORT_CHUNK];
	return atomic_load_explicit(&p->state, memory_order_acquire) & PORT_LIVE
		       ? p
		       : NULL;
}

/*
 * port_enter: 0 and the caller is a user until port_leave(); -ENOENT: not
 * live; -EBUSY: frozen, take the handle's lock once and try again.  A user is
 * not counted while the process has one thread, which cannot be here and
 * there: *@counted is for port_leave().
 */
static inline void port_leave(struct port *p, bool counted)
{
	if (counted)
		atomic_fetch_sub_explicit(&p->state, 1, memory_order_release);
}

static inline int port_enter(struct port *p, bool *counted)
{
	uint32_t state;

	*counted = !__libc_single_threaded;
	if (*counted)
		state = atomic_fetch_add(&p->state, 1);
	else
		state = atomic_load_explicit(&p->state, memory_order_relaxed);
	if ((state & (PORT_LIVE | PORT_FROZEN)) == PORT_LIVE)
		return 0;
	port_leave(p, *counted);
	return state & PORT_LIVE ? -EBUSY : -ENOENT;
}

/* With the handle's lock held: */
void port_publish(struct port *p); /* free -> live */
void port_retire(struct port *p);  /* live -> free, nobody inside */
void port_freeze(struct port *p);  /* live -> frozen, nobody inside */
void port_thaw(struct port *p);

#endif
