/* SPDX-License-Identifier: MIT */
/* op_evtchn.c: event channels of a session. */
#include <errno.h>

#include "hv/hvd/notify.h"
#include "hv/hvd/session.h"
#include "hv/hvd/vdom.h"

int op_ev_open(struct request *r)
{
	struct event_page *p = &r->s->vd->events;

	if (!p->word && event_page_init(p) < 0)
		return -ENOMEM;
	reply_fd(p->fd);
	return 0;
}

static bool may_bind(const struct session *s, uint32_t domid)
{
	return s->only_evtchn < 0 || s->only_evtchn == domid;
}

/* Answer with the port's descriptors; an event that came before there were
 * any is passed on now. */
static int give(struct request *r, uint32_t port, uint32_t flags)
{
	struct vdom *vd = r->s->vd;
	struct hvp_ev_port *o = reply_put(sizeof(*o));
	int fds[2], n = notify_give(vd, port, flags, fds, o);

	for (int i = 0; i < n; i++)
		reply_fd(fds[i]);
	if (hv_evtchn_is_pending(vd->d, port)) {
		hv_evtchn_consume(vd->d, port);
		notify_raise(vd, port);
	}
	return 0;
}

/* @port is new: make its doorbells and make it the session's, or close it. */
static int hold_new(struct request *r, uint32_t port, bool two)
{
	struct session *s = r->s;

	if (vport_get(s->vd, port, two) && !session_add_port(s, port))
		return give(r, port, 0);
	if (hv_evtchn_close(s->vd->d, port) < 0)
		vdom_log(s->vd, "port %u does not close", port);
	return -ENOMEM;
}

int op_ev_alloc_unbound(struct request *r)
{
	const struct hvp_ev_bind *a = r->args;
	struct session *s = r->s;
	uint32_t port;
	int rc;

	if (!may_bind(s, a->domid))
		return -EPERM;
	rc = hv_evtchn_alloc_unbound(s->vd->d, DOMID_SELF, a->domid, &port);
	if (rc)
		return rc;
	return hold_new(r, port, true);
}

int op_ev_bind_interdomain(struct request *r)
{
	const struct hvp_ev_bind *a = r->args;
	struct session *s = r->s;
	uint32_t port;
	int rc;

	if (!may_bind(s, a->domid))
		return -EPERM;
	rc = hv_evtchn_bind_interdomain(s->vd->d, a->domid, a->port, &port);
	return rc ? rc : hold_new(r, port, false);
}

int op_ev_bind_virq(struct request *r)
{
	const struct hvp_ev_bind *a = r->args;
	struct session *s = r->s;
	uint32_t port;
	int rc;

	if (s->only_evtchn >= 0)
		return -EPERM;
	rc = hv_evtchn_bind_virq(s->vd->d, a->port, 0, &port);
	return rc ? rc : hold_new(r, port, false);
}

/* The kernel takes over a port that the toolstack made before it ran. */
int op_ev_attach(struct request *r)
{
	const struct hvp_ev_bind *a = r->args;
	struct vdom *vd = r->s->vd;
	struct evtchn_status st;
	struct vport *vp;
	int rc = hv_evtchn_status(vd->d, DOMID_SELF, a->port, &st);

	if (rc)
		return rc;
	if (st.status == EVTCHNSTAT_closed)
		return -EINVAL;
	vp = vport_find(vd, a->port);
	if (vp && vp->owner)
		return -EBUSY;
	vp = vport_get(vd, a->port, st.status == EVTCHNSTAT_unbound);
	if (!vp || session_add_port(r->s, a->port))
		return -ENOMEM;
	return give(r, a->port, 0);
}

static struct vport *own_port(const struct request *r, uint32_t port)
{
	struct vport *vp = vport_find(r->s->vd, port);

	return vp && vp->owner == r->s ? vp : NULL;
}

int op_ev_unbind(struct request *r)
{
	const struct hvp_ev_bind *a = r->args;

	/* gntdev and evtchn of Linux say ENOTCONN for a port that is not
	 * this handle's */
	if (!own_port(r, a->port))
		return -ENOTCONN;
	return hv_evtchn_close(r->s->vd->d, a->port);
}

int op_ev_refresh(struct request *r)
{
	const struct hvp_ev_bind *a = r->args;

	return own_port(r, a->port) ? give(r, a->port, a->domid) : -ENOTCONN;
}

int op_ev_list(struct request *r)
{
	struct session *s = r->s;
	uint32_t *o = reply_put(s->n_ports * sizeof(*o));

	for (uint32_t i = 0; i < s->n_ports; i++)
		o[i] = s->ports[i];
	reply_items(s->n_ports);
	return 0;
}

static int restrict_to(int64_t *only, uint32_t domid)
{
	if (domid >= DOMID_FIRST_RESERVED)
		return -EINVAL;
	if (*only >= 0 && *only != domid)
		return -EACCES;
	*only = domid;
	return 0;
}

int op_ev_restrict(struct request *r)
{
	const struct hvp_ev_bind *a = r->args;

	return restrict_to(&r->s->only_evtchn, a->domid);
}

int op_fm_restrict(struct request *r)
{
	const struct hvp_ev_bind *a = r->args;

	return restrict_to(&r->s->only_fm, a->domid);
}
