/* SPDX-License-Identifier: MIT */
/*
 * port.h: one event channel of a session, without a library in between
 *
 * For hv's own programs, which wait in an event loop of their own: its
 * rd becomes readable when the port fires.  One thread per port.
 */
#ifndef HV_COMPAT_PORT_H
#define HV_COMPAT_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "hv/compat/client.h"

/* The event page of a session, mapped.  Owner: the caller. */
struct hv_events {
	struct hv_client *client; /* borrowed */
	const uint32_t *page;
};

/* A port.  Between hv_port_*() that returned 0 and hv_port_fini(). */
struct hv_port {
	struct hv_events *events;
	uint32_t port;
	uint32_t stamp, wr_stamp; /* the page's word of rd, of wr */
	int rd, wr; /* wr is -1 when nobody is there to be notified */
};

/* hv_events_init: 0, or a negative errno as client.h says. */
int hv_events_init(struct hv_events *e, struct hv_client *client);
void hv_events_fini(struct hv_events *e);

/*
 * hv_port_open: a port by @op, one of HVP_EV_ATTACH, HVP_EV_ALLOC_UNBOUND,
 * HVP_EV_BIND_INTERDOMAIN, HVP_EV_BIND_VIRQ with its arguments (proto.h).
 * 0, or a negative errno.
 */
int hv_port_open(struct hv_port *p, struct hv_events *e, unsigned int op,
	const struct hvp_ev_bind *bind);

/* hv_port_fini: closes the descriptors; the session keeps the port. */
void hv_port_fini(struct hv_port *p);

/* hv_port_notify: 0, or a negative errno. */
int hv_port_notify(struct hv_port *p);

/*
 * hv_port_clear: to be called when p->rd is readable, before looking at what
 * it announced.  Sets *@moved when p->rd is a new descriptor now: watch that
 * one.  0, or a negative errno.
 */
int hv_port_clear(struct hv_port *p, bool *moved);

#endif
