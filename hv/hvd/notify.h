/* SPDX-License-Identifier: MIT */
/*
 * notify.h: ports as pipes, and the event page.
 *
 * DOC: the pipes of a port
 *
 * in   the pipe that events for this port arrive in; our end reads.
 * out  the peer's `in`; our end writes.  None for VIRQs and IPIs.
 * An unbound port has both already, so that what its holder got at the
 * allocation stays right when the peer binds: the peer adopts them, crossed.
 * At every later bind the pipes are new ones, and the holder of a port that
 * was bound before learns it from its word in the event page.
 *
 * given_in, given_out: what the holder was last told.  They are kept open as
 * long as it may use them: a writer never meets a pipe without a reader
 * (SIGPIPE), and a stale `in` can still be made to fire.
 */
#ifndef HV_HVD_NOTIFY_H
#define HV_HVD_NOTIFY_H

#include "hv/hvd/hvd.h"

struct vpipe {
	int rd, wr;
	uint32_t refs;
};

struct vport {
	struct vpipe *in, *out;
	struct vpipe *given_in, *given_out;
	struct session *owner; /* the session that holds it, or NULL */
	bool used;             /* it was bound before */
};

struct event_page {
	int fd;         /* sealed; domains can only map it for reading */
	uint32_t *word; /* HVP_EV_PORTS */
};

int event_page_init(struct event_page *p);
void event_page_fini(struct event_page *p);

/* vport_find: the port's pipes, or NULL if it never had any. */
struct vport *vport_find(struct vdom *vd, uint32_t port);

/*
 * vport_get: the same, made if there are none, with `in`, and with `out` if
 * @two.  NULL if descriptors are short.
 */
struct vport *vport_get(struct vdom *vd, uint32_t port, bool two);

/* vport_reset: @port was allocated anew: forget an earlier life. */
void vport_reset(struct vdom *vd, uint32_t port);

/* vport_free: the port is closed. */
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
 * notify_give: the descriptors for the holder of @port: fds[0] to read,
 * fds[1] to write; returns how many.  They are borrowed.
 */
int notify_give(
	struct vdom *vd, uint32_t port, int fds[2], struct hvp_ev_port *out);

#endif
