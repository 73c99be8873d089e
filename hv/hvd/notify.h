/* SPDX-License-Identifier: MIT */
/*
 * notify.h: ports as doorbells, and the event page.
 *
 * DOC: the doorbells of a port
 *
 * in   rings when an event for this port comes: an epoll set with two
 *      eventfds in it, one for the peer to ring and one for us.  The port's
 *      holder has the set alone, the peer its eventfd alone.
 * out  the peer's `in`.  None for VIRQs and IPIs.
 * An unbound port has both already, so that what its holder got at the
 * allocation stays right when the peer binds: the peer adopts them, crossed.
 * At every later bind the doorbells are new ones, and the holder of a port
 * that was bound before learns it from its word in the event page.
 *
 * given_in: what the holder was last told to wait on, kept so that it can be
 * made to wake up.  given_out: what it was last told to ring, to know whether
 * it is stale.
 *
 * Invariant: after a set was handed out, it is never changed or waited on
 * here; and what we ring nobody else has.  So nobody can make us wait.
 */
#ifndef HV_HVD_NOTIFY_H
#define HV_HVD_NOTIFY_H

#include "hv/hvd/hvd.h"

struct bell {
	int set;  /* the receiver's */
	int peer; /* rung by the other end */
	int own;  /* rung by hvd */
	uint32_t refs;
};

struct vport {
	struct bell *in, *out;
	struct bell *given_in, *given_out;
	struct session *owner; /* the session that holds it, or NULL */
	bool used;             /* it was bound before */
};

struct event_page {
	int fd;         /* sealed; domains can only map it for reading */
	uint32_t *word; /* HVP_EV_PORTS */
};

int event_page_init(struct event_page *p);
void event_page_fini(struct event_page *p);

/* vport_find: the port's doorbells, or NULL if it has none. */
struct vport *vport_find(struct vdom *vd, uint32_t port);

/*
 * vport_get: the same, made if there are none, with `in`, and with `out` if
 * @two.  NULL if descriptors are short.
 */
struct vport *vport_get(struct vdom *vd, uint32_t port, bool two);

/* vport_free: the port is closed (the engine's evt_free). */
void vport_free(struct vdom *vd, uint32_t port);

/* vports_fini: all ports of a domain. */
void vports_fini(struct vdom *vd);

/* The engine's evt_bind and evt_raise. */
int notify_bind(
	struct vdom *vd, uint32_t port, struct vdom *rvd, uint32_t rport);
bool notify_raise(struct vdom *vd, uint32_t port);

/* notify_peer: send to the other end of @vp, as its holder would. */
void notify_peer(struct vport *vp);

/*
 * notify_give: the descriptors for the holder of @port: fds[0] to wait on,
 * fds[1] to ring; returns how many.  They are borrowed.  @flags are those of
 * HVP_EV_REFRESH.
 */
int notify_give(struct vdom *vd, uint32_t port, uint32_t flags, int fds[2],
	struct hvp_ev_port *out);

#endif
