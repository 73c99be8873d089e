/* SPDX-License-Identifier: MIT */
/*
 * evtchn.h: event channels, two-level ABI (xen/event_channel.h).
 *
 * Port 0 is never valid (hv_evtchn_status() shows it closed).  A domain of N
 * bits has at most N * N ports.  A port is free, reserved, unbound (waits for
 * one domain), interdomain, VIRQ or IPI.
 */
#ifndef HV_CORE_EVTCHN_H
#define HV_CORE_EVTCHN_H

#include "hv/core/hv.h"

#include <xen/event_channel.h>

/*
 * hv_evtchn_alloc_unbound: a port in @domid (DOMID_SELF, or another if the
 * caller is the control domain or its stubdomain) that @remote (DOMID_SELF:
 * the caller) may bind: the instance that lives there now, or if there is
 * none the first of that number to come.  -ENOSPC, -EPERM, -ESRCH (no domain
 * @domid, or @remote is no domain's number).
 */
int hv_evtchn_alloc_unbound(
	struct hv_dom *caller, uint32_t domid, uint32_t remote, uint32_t *port);

/*
 * hv_evtchn_bind_interdomain: connect to @rport of @rdom, which must be
 * unbound and meant for exactly this instance of the caller, or for its
 * domid when nobody had it; the new local port starts pending, because the
 * remote may have sent before.  -EINVAL, -ESRCH, -ENOSPC.
 */
int hv_evtchn_bind_interdomain(
	struct hv_dom *caller, uint32_t rdom, uint32_t rport, uint32_t *port);

/* -EINVAL (no such VIRQ; a global one off vCPU 0), -ENOENT (no such vCPU),
 * -EEXIST. */
int hv_evtchn_bind_virq(
	struct hv_dom *caller, uint32_t virq, uint32_t vcpu, uint32_t *port);
int hv_evtchn_bind_ipi(struct hv_dom *caller, uint32_t vcpu, uint32_t *port);

/*
 * hv_evtchn_close: frees the port; an interdomain peer falls back to unbound,
 * waiting for the closer.  -EINVAL.
 */
int hv_evtchn_close(struct hv_dom *caller, uint32_t port);

/*
 * hv_evtchn_send: -EINVAL for free and VIRQ ports; 0 and no effect on an
 * unbound one.
 */
int hv_evtchn_send(struct hv_dom *caller, uint32_t port);

int hv_evtchn_status(struct hv_dom *caller, uint32_t domid, uint32_t port,
	struct evtchn_status *st);

/* hv_evtchn_unmask: a pending port is raised again.  -EINVAL.  Guests mask
 * a port themselves, in their shared_info page. */
int hv_evtchn_unmask(struct hv_dom *d, uint32_t port);

bool hv_evtchn_is_pending(const struct hv_dom *d, uint32_t port);
void hv_evtchn_consume(struct hv_dom *d, uint32_t port);

#endif
