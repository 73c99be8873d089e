/* SPDX-License-Identifier: MIT */
/*
 * evtchn.c: event channel ports: allocate, bind, close, reset.
 *
 * DOC: ports
 *
 * Ports live in buckets that are added on demand and stay: whether a number
 * is a port depends only on a bound that grows.  A port that waits keeps the
 * instance that may bind it, (domid, gen): a later domain of the same number
 * does not inherit the invitation.  A port for a number that nobody had has
 * gen 0, and waits for whoever gets it: he is the one who was meant.  Two
 * connected ports name each other, and whoever closes first leaves the other
 * one waiting for him.
 */
#include "hv/core/internal.h"

#include <assert.h>

int evtchn_init(struct hv_dom *d)
{
	struct hv_evtchn *e = &d->ev;

	e->max = (uint32_t)d->cfg.bits * d->cfg.bits;
	if (e->max > d->hv->limits.max_ports)
		e->max = d->hv->limits.max_ports;
	if (d->cfg.max_ports && e->max > d->cfg.max_ports)
		e->max = d->cfg.max_ports;
	e->pending = e->own_pending;
	e->mask = e->own_mask;
	e->virq = hv_alloc(
		d->hv, d->cfg.max_vcpus * HV_NR_VIRQS * sizeof(uint32_t));
	return e->virq ? 0 : -ENOMEM;
}

void evtchn_fini(struct hv_dom *d)
{
	struct hv_evtchn *e = &d->ev;
	unsigned int i;

	for (i = 0; i < EVTCHN_BUCKETS && e->bucket[i]; i++)
		hv_release(d->hv, e->bucket[i],
			EVTCHN_BUCKET * sizeof(struct hv_port));
	hv_release(d->hv, e->virq,
		d->cfg.max_vcpus * HV_NR_VIRQS * sizeof(uint32_t));
}

/* A port by number, in whatever state; NULL if there is no such number. */
struct hv_port *evtchn_port(const struct hv_dom *d, uint32_t port)
{
	if (port == 0 || port >= d->ev.valid)
		return NULL;
	return &d->ev.bucket[port / EVTCHN_BUCKET][port % EVTCHN_BUCKET];
}

static int bucket_add(struct hv_dom *d)
{
	struct hv_evtchn *e = &d->ev;
	struct hv_port *b;

	b = hv_alloc(d->hv, EVTCHN_BUCKET * sizeof(*b));
	if (!b)
		return -ENOMEM;
	if (e->valid == 0) {
		b[0].state = PORT_RESERVED;
		e->in_use[0] |= 1;
	}
	e->bucket[e->valid / EVTCHN_BUCKET] = b;
	e->valid += EVTCHN_BUCKET;
	if (e->valid > e->max)
		e->valid = e->max;
	return 0;
}

/*
 * evtchn_take: the lowest free port, still free in state: the caller fills
 * it in with evtchn_commit() or has changed nothing.
 */
int evtchn_take(struct hv_dom *d, uint32_t *port)
{
	struct hv_evtchn *e = &d->ev;
	uint32_t w, p;
	int r;

	if (d->life != LIFE_ALIVE)
		return -EINVAL;
	for (w = 0; w < EVTCHN_WORDS; w++)
		if (~e->in_use[w])
			break;
	p = w == EVTCHN_WORDS
		    ? EVTCHN_MAX
		    : w * 64 + (uint32_t)__builtin_ctzll(~e->in_use[w]);
	if (p == 0)
		p = 1; /* no bucket yet; port 0 will be reserved with it */
	if (p >= e->max)
		return -ENOSPC;
	if (p >= e->valid) {
		r = bucket_add(d);
		if (r)
			return r;
	}
	*port = p;
	return 0;
}

void evtchn_commit(struct hv_dom *d, uint32_t port, enum port_state state)
{
	struct hv_port *c = evtchn_port(d, port);

	c->state = state;
	c->vcpu = 0;
	d->ev.in_use[port / 64] |= 1ull << (port % 64);
	d->ev.active++;
	d->hv->nr_ports++;
}

int evtchn_bind_host(
	struct hv_dom *d, uint32_t port, struct hv_dom *rd, uint32_t rport)
{
	struct hv *hv = d->hv;

	return hv->host->evt_bind(hv->ctx, d, port, rd, rport);
}

void evtchn_unbind_host(struct hv_dom *d, uint32_t port)
{
	d->hv->host->evt_unbind(d->hv->ctx, d, port);
}

/* Back to free; the port is not connected any more. */
void evtchn_free(struct hv_dom *d, uint32_t port)
{
	struct hv_port *c = evtchn_port(d, port);
	uint64_t bit = 1ull << (port % 64);

	memset(c, 0, sizeof(*c));
	hv_and(&d->ev.pending[port / 64], ~bit);
	if (!d->shared_info)
		hv_and(&d->ev.mask[port / 64], ~bit);
	d->ev.in_use[port / 64] &= ~bit;
	d->ev.active--;
	d->hv->nr_ports--;
	if (d->hv->host->evt_free)
		d->hv->host->evt_free(d->hv->ctx, d, port);
}

static void close_interdomain(struct hv_dom *d, uint32_t port)
{
	struct hv_port *c = evtchn_port(d, port);
	struct hv_dom *rd = c->rd;
	uint32_t rport = c->rport;
	struct hv_port *rc = evtchn_port(rd, rport);

	evtchn_unbind_host(d, port);
	evtchn_unbind_host(rd, rport);
	rc->state = PORT_UNBOUND;
	rc->rport = 0;
	rc->remote = dom_instance(d);
}

/* Close a port that is in use. */
void evtchn_close_port(struct hv_dom *d, uint32_t port)
{
	struct hv_port *c = evtchn_port(d, port);

	switch ((enum port_state)c->state) {
	case PORT_FREE:
	case PORT_RESERVED: return;
	case PORT_UNBOUND: break;
	case PORT_INTERDOMAIN: close_interdomain(d, port); break;
	case PORT_VIRQ:
		d->ev.virq[c->vcpu_virq * HV_NR_VIRQS + c->rport] = 0;
		evtchn_unbind_host(d, port);
		break;
	case PORT_IPI: evtchn_unbind_host(d, port); break;
	}
	evtchn_free(d, port);
}

/* All ports from *@cursor on; -ERESTART leaves *@cursor where to go on. */
int evtchn_close_all(struct hv_dom *d, uint32_t *cursor, uint32_t *budget)
{
	struct hv_port *c;

	for (; *cursor < d->ev.valid; (*cursor)++) {
		c = evtchn_port(d, *cursor);
		if (!c || c->state == PORT_FREE)
			continue;
		if (hv_preempt(budget))
			return -ERESTART;
		evtchn_close_port(d, *cursor);
	}
	return 0;
}

/* The domain whose ports the caller means, if it may. */
int evtchn_resolve(struct hv_dom *caller, uint32_t domid, struct hv_dom **d)
{
	*d = dom_resolve(caller, domid);
	if (!*d)
		return -ESRCH;
	return hv_may(
		caller, *d == caller ? HV_OP_EVTCHN_OWN : HV_OP_EVTCHN_FOR, *d);
}

/*
 * Whom a new unbound port waits for: the instance that lives at @domid now;
 * if there is none, whoever gets that number and comes first.
 */
static int evtchn_invite(
	struct hv_dom *caller, uint32_t domid, struct hv_instance *who)
{
	const struct hv_dom *rd = dom_resolve(caller, domid);

	if (!rd && domid >= DOMID_FIRST_RESERVED)
		return -ESRCH;
	if (rd && rd->life == LIFE_ALIVE)
		*who = dom_instance(rd);
	else
		*who = (struct hv_instance){rd ? rd->domid : domid, 0};
	return 0;
}

static bool evtchn_invited(const struct hv_port *c, const struct hv_dom *d)
{
	if (c->state != PORT_UNBOUND)
		return false;
	return c->remote.gen ? instance_is(c->remote, d)
			     : c->remote.domid == d->domid;
}

int hv_evtchn_alloc_unbound(
	struct hv_dom *caller, uint32_t domid, uint32_t remote, uint32_t *port)
{
	struct hv_instance who;
	struct hv_dom *d;
	uint32_t p;
	int r;

	r = evtchn_resolve(caller, domid, &d);
	if (!r)
		r = evtchn_invite(caller, remote, &who);
	if (!r)
		r = evtchn_take(d, &p);
	if (r)
		return r;
	evtchn_commit(d, p, PORT_UNBOUND);
	evtchn_port(d, p)->remote = who;
	*port = p;
	check_after(d->hv);
	return 0;
}

int hv_evtchn_bind_interdomain(
	struct hv_dom *caller, uint32_t rdom, uint32_t rport, uint32_t *port)
{
	struct hv_dom *rd = dom_resolve(caller, rdom);
	struct hv_port *c, *rc;
	uint32_t p;
	int r;

	if (!rd)
		return -ESRCH;
	rc = evtchn_port(rd, rport);
	if (!rc || rd->life != LIFE_ALIVE)
		return -EINVAL;
	if (!evtchn_invited(rc, caller))
		return -EINVAL;
	r = evtchn_take(caller, &p);
	if (r)
		return r;
	r = evtchn_bind_host(caller, p, rd, rport);
	if (r)
		return r;
	evtchn_commit(caller, p, PORT_INTERDOMAIN);
	c = evtchn_port(caller, p);
	c->rd = rd;
	c->rport = rport;
	rc->state = PORT_INTERDOMAIN;
	rc->rd = caller;
	rc->rport = p;
	/* the remote may have sent before there was anybody to hear it */
	evtchn_raise(caller, p);
	*port = p;
	check_after(caller->hv);
	return 0;
}

int hv_evtchn_close(struct hv_dom *caller, uint32_t port)
{
	struct hv_port *c = evtchn_port(caller, port);

	if (!c || c->state == PORT_FREE)
		return -EINVAL;
	evtchn_close_port(caller, port);
	check_after(caller->hv);
	return 0;
}

/* ---- reset ------------------------------------------------------------- */

/* The domain whose ports the caller may close, all of them, now. */
int evtchn_reset_target(
	struct hv_dom *caller, uint32_t domid, struct hv_dom **d)
{
	int r = evtchn_resolve(caller, domid, d);

	if (r)
		return r;
	/* another domain's ports may go only while it cannot run */
	if ((*d)->life != LIFE_ALIVE || (*d != caller && (*d)->pauses == 0))
		return -EINVAL;
	return 0;
}

/*
 * evtchn_reset_step: *@token 0 begins, and is refused while another one is
 * under way; otherwise it goes on with the one of that token.
 */
int evtchn_reset_step(struct hv_dom *d, uint64_t *token, uint32_t *budget)
{
	struct hv_evtchn *e = &d->ev;
	int r;

	if (*token == 0) {
		if (e->reset_token)
			return -EBUSY;
		e->reset_token = ++d->hv->last_token;
		e->reset_next = 1;
		*token = e->reset_token;
	} else if (*token != e->reset_token) {
		return -EAGAIN; /* given up meanwhile */
	}
	r = evtchn_close_all(d, &e->reset_next, budget);
	if (r)
		return r;
	e->reset_token = 0;
	*token = 0;
	/* behind the cursor somebody may have opened new ones */
	return e->active ? -EAGAIN : 0;
}

void evtchn_reset_abort(struct hv_dom *d, uint64_t token)
{
	if (token && d->ev.reset_token == token)
		d->ev.reset_token = 0;
}
