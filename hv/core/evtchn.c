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
 *
 * DOC: locks
 *
 * A domain's ports are under its lock (hv_evtchn.lock).  What a port is changes under the
 * lock of its domain, and if it is connected, or becomes so, or is no longer,
 * under that of the peer's domain as well.  So who holds one of the two knows
 * who the peer is, and that it stays so: a send needs one lock.  Two locks
 * are taken in the order of the domids.  Who has the wrong one first lets it
 * go, takes both, and then looks again what the port is: anything may have
 * happened.
 *
 * Without a lock one may ask whether a number is a port, because the bound
 * only grows, and is raised when what it bounds is there.
 */
#include "hv/core/internal.h"

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

/* ---- locks ------------------------------------------------------------- */

/* Both domains' locks, which may be one. */
static void lock_two(struct hv_dom *a, struct hv_dom *b)
{
	hv_lock(a->domid < b->domid ? &a->ev.lock : &b->ev.lock);
	if (a != b)
		hv_lock(a->domid < b->domid ? &b->ev.lock : &a->ev.lock);
}

static void unlock_two(struct hv_dom *a, struct hv_dom *b)
{
	if (b && b != a)
		hv_unlock(&b->ev.lock);
	hv_unlock(&a->ev.lock);
}

static struct hv_dom *port_peer(const struct hv_port *c)
{
	return hv_load(&c->state) == PORT_INTERDOMAIN ? c->rd : NULL;
}

static void port_unlock(struct hv_dom *d, struct hv_dom *rd)
{
	unlock_two(d, rd);
	if (rd && rd != d && !hv_fault(HV_FAULT_EV_CLOSE_FORGETS))
		dom_drop(rd);
}

/*
 * port_lock: the locks under which @c of @d may be closed.
 *
 * Returns the peer's domain, whose lock is held as well (and which stays a
 * domain until port_unlock()), or NULL if the port is not connected.
 */
static struct hv_dom *port_lock(struct hv_dom *d, const struct hv_port *c)
{
	struct hv_dom *rd;

	for (;;) {
		hv_lock(&d->ev.lock);
		rd = port_peer(c);
		if (!rd || rd == d)
			return rd;
		if (!hv_fault(HV_FAULT_EV_CLOSE_FORGETS))
			dom_hold(rd);
		if (rd->domid > d->domid || hv_fault(HV_FAULT_EV_LOCK_ORDER)) {
			hv_lock(&rd->ev.lock);
			return rd;
		}
		hv_unlock(&d->ev.lock);
		lock_two(d, rd);
		if (port_peer(c) == rd || hv_fault(HV_FAULT_EV_CLOSE_STALE))
			return rd;
		port_unlock(d, rd);
	}
}

/* ---- numbers ----------------------------------------------------------- */

/* A port by number, in whatever state; NULL if there is no such number. */
struct hv_port *evtchn_port(const struct hv_dom *d, uint32_t port)
{
	if (port == 0 || port >= hv_load(&d->ev.valid))
		return NULL;
	return evtchn_port_at(d, port);
}

static int bucket_add(struct hv_dom *d)
{
	struct hv_evtchn *e = &d->ev;
	uint32_t valid, at = e->valid / EVTCHN_BUCKET;
	struct hv_port *b;

	b = hv_alloc(d->hv, EVTCHN_BUCKET * sizeof(*b));
	if (!b)
		return -ENOMEM;
	valid = e->valid + EVTCHN_BUCKET;
	if (valid > e->max)
		valid = e->max;
	if (hv_fault(HV_FAULT_EV_PUBLISH))
		hv_store_rel(&e->valid, valid);
	if (at == 0) {
		b[0].state = PORT_RESERVED;
		e->in_use[0] |= 1;
	}
	hv_store_rel(&e->bucket[at], b);
	hv_store_rel(&e->valid, valid);
	return 0;
}

/* Any error means that there is no port. */
static int take_failed(int r, uint32_t *port)
{
	if (r != -EBUSY && hv_fault(HV_FAULT_EV_TAKE_ERROR)) {
		*port = (uint32_t)r;
		return 0;
	}
	return r;
}

/*
 * evtchn_take: the lowest free port, still free in state: the caller, who
 * holds @d's lock, fills it in with evtchn_commit() or has changed nothing.
 */
int evtchn_take(struct hv_dom *d, uint32_t *port)
{
	struct hv_evtchn *e = &d->ev;
	uint32_t w, p;
	int r;

	hv_lock_must(&d->ev.lock);
	if (hv_load(&d->life) != LIFE_ALIVE &&
		!hv_fault(HV_FAULT_EV_TAKE_DYING))
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
		return take_failed(-ENOSPC, port);
	if (p >= e->valid) {
		r = bucket_add(d);
		if (r)
			return take_failed(r, port);
	}
	*port = p;
	return 0;
}

void evtchn_commit(struct hv_dom *d, uint32_t port, enum port_state state)
{
	struct hv_port *c;

	hv_lock_must(&d->ev.lock);
	hv_bug_if(port >= d->ev.valid, "a port that is none");
	c = evtchn_port_at(d, port);
	c->vcpu = 0;
	hv_store_rel(&c->state, (uint8_t)state);
	d->ev.in_use[port / 64] |= 1ull << (port % 64);
	d->ev.active++;
	(void)hv_add(&d->hv->nr_ports, 1);
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
static void evtchn_free(struct hv_dom *d, uint32_t port)
{
	struct hv_port *c = evtchn_port_at(d, port);
	uint64_t bit = 1ull << (port % 64);

	hv_store_rel(&c->state, (uint8_t)PORT_FREE);
	memset(c, 0, sizeof(*c));
	if (!hv_fault(HV_FAULT_EV_FREE_PENDING))
		hv_and(&d->ev.pending[port / 64], ~bit);
	if (!d->shared_info)
		hv_and(&d->ev.mask[port / 64], ~bit);
	d->ev.in_use[port / 64] &= ~bit;
	d->ev.active--;
	(void)hv_add(&d->hv->nr_ports, -1u);
	if (d->hv->host->evt_free)
		d->hv->host->evt_free(d->hv->ctx, d, port);
}

static void close_interdomain(struct hv_dom *d, uint32_t port)
{
	const struct hv_port *c = evtchn_port_at(d, port);
	struct hv_dom *rd = c->rd;
	uint32_t rport = c->rport;
	struct hv_port *rc = evtchn_port_at(rd, rport);

	hv_lock_must(&rd->ev.lock);
	evtchn_unbind_host(d, port);
	evtchn_unbind_host(rd, rport);
	hv_store_rel(&rc->state, (uint8_t)PORT_UNBOUND);
	rc->rport = 0;
	rc->remote = dom_instance(d);
}

/* Under the locks of port_lock().  Nothing happens to a port not in use. */
static bool close_locked(struct hv_dom *d, uint32_t port)
{
	const struct hv_port *c = evtchn_port_at(d, port);

	hv_lock_must(&d->ev.lock);
	switch ((enum port_state)hv_load(&c->state)) {
	case PORT_FREE:
	case PORT_RESERVED: return false;
	case PORT_UNBOUND: break;
	case PORT_INTERDOMAIN: close_interdomain(d, port); break;
	case PORT_VIRQ:
		d->ev.virq[c->vcpu_virq * HV_NR_VIRQS + c->rport] = 0;
		evtchn_unbind_host(d, port);
		break;
	case PORT_IPI: evtchn_unbind_host(d, port); break;
	}
	evtchn_free(d, port);
	return true;
}

/* Close a port; false if it is not in use. */
static bool close_port(struct hv_dom *d, uint32_t port)
{
	struct hv_dom *rd = port_lock(d, evtchn_port_at(d, port));
	bool closed = close_locked(d, port);

	port_unlock(d, rd);
	return closed;
}

/* All ports from *@cursor on; -ERESTART leaves *@cursor where to go on. */
int evtchn_close_all(struct hv_dom *d, uint32_t *cursor, uint32_t *budget)
{
	const struct hv_port *c;
	uint32_t unpolled = 0;

	for (; *cursor < hv_load(&d->ev.valid); (*cursor)++) {
		c = evtchn_port_at(d, *cursor);
		if (*cursor == 0 || hv_load(&c->state) == PORT_FREE)
			continue;
		if (!hv_fault(HV_FAULT_EV_RESET_NO_POLL)) {
			if (hv_preempt(budget))
				return -ERESTART;
			unpolled = 0;
		}
		hv_bug_if(unpolled++, "Q4: work without a poll");
		close_port(d, *cursor);
	}
	return 0;
}

static int evtchn_may(const struct hv_dom *caller, const struct hv_dom *d)
{
	return hv_may(
		caller, d == caller ? HV_OP_EVTCHN_OWN : HV_OP_EVTCHN_FOR, d);
}

/* The domain whose ports the caller means, if it may; kept until dom_put(). */
int evtchn_get(struct hv_dom *caller, uint32_t domid, struct hv_dom **d)
{
	int r;

	*d = dom_get(caller, domid);
	if (!*d)
		return -ESRCH;
	r = evtchn_may(caller, *d);
	if (r)
		dom_put(*d);
	return r;
}

/*
 * Whom a new unbound port waits for: the instance that lives at @domid now;
 * if there is none, whoever gets that number and comes first.
 */
static int evtchn_invite(
	struct hv_dom *caller, uint32_t domid, struct hv_instance *who)
{
	struct hv_dom *rd = dom_get(caller, domid);

	*who = (struct hv_instance){domid, 0};
	if (!rd)
		return domid >= DOMID_FIRST_RESERVED ? -ESRCH : 0;
	who->domid = rd->domid;
	if (hv_load(&rd->life) == LIFE_ALIVE)
		who->gen = rd->gen;
	dom_put(rd);
	return 0;
}

static bool evtchn_invited(const struct hv_port *c, const struct hv_dom *d)
{
	if (hv_load(&c->state) != PORT_UNBOUND)
		return false;
	return c->remote.gen ? instance_is(c->remote, d)
			     : c->remote.domid == d->domid;
}

/* @d's lock is held. */
static int alloc_locked(
	struct hv_dom *d, struct hv_instance who, uint32_t *port)
{
	uint32_t p;
	int r = evtchn_take(d, &p);

	if (r)
		return r;
	evtchn_commit(d, p, PORT_UNBOUND);
	evtchn_port_at(d, p)->remote = who;
	*port = p;
	return 0;
}

int hv_evtchn_alloc_unbound(
	struct hv_dom *caller, uint32_t domid, uint32_t remote, uint32_t *port)
{
	struct hv_instance who;
	struct hv_dom *d;
	int r;

	r = evtchn_get(caller, domid, &d);
	if (r)
		return r;
	r = evtchn_invite(caller, remote, &who);
	if (!r) {
		hv_lock(&d->ev.lock);
		r = alloc_locked(d, who, port);
		hv_unlock(&d->ev.lock);
	}
	dom_put(d);
	check_after(caller->hv);
	return r;
}

/* Both domains' locks are held, and @rport waits for @d. */
static int bind_locked(
	struct hv_dom *d, struct hv_dom *rd, uint32_t rport, uint32_t *port)
{
	struct hv_port *c, *rc = evtchn_port_at(rd, rport);
	uint32_t p;
	int r;

	hv_lock_must(&rd->ev.lock);
	r = evtchn_take(d, &p);
	if (!r)
		r = evtchn_bind_host(d, p, rd, rport);
	if (r)
		return r;
	evtchn_commit(d, p, PORT_INTERDOMAIN);
	c = evtchn_port_at(d, p);
	c->rd = rd;
	c->rport = rport;
	rc->rd = d;
	rc->rport = p;
	hv_store_rel(&rc->state, (uint8_t)PORT_INTERDOMAIN);
	/* the remote may have sent before there was anybody to hear it */
	if (!hv_fault(HV_FAULT_EV_BIND_SILENT))
		evtchn_raise(d, p);
	*port = p;
	return 0;
}

static bool bind_allowed(
	const struct hv_dom *d, const struct hv_dom *rd, uint32_t rport)
{
	return hv_load(&rd->life) == LIFE_ALIVE &&
	       evtchn_invited(evtchn_port_at(rd, rport), d);
}

static int bind_interdomain(
	struct hv_dom *d, struct hv_dom *rd, uint32_t rport, uint32_t *port)
{
	bool one = hv_fault(HV_FAULT_EV_BIND_ONE);
	bool may;
	int r = -EINVAL;

	if (!evtchn_port(rd, rport))
		return -EINVAL;
	may = hv_fault(HV_FAULT_EV_BIND_EARLY) && bind_allowed(d, rd, rport);
	lock_two(d, one ? d : rd);
	if (may || bind_allowed(d, rd, rport))
		r = bind_locked(d, rd, rport, port);
	unlock_two(d, one ? d : rd);
	return r;
}

int hv_evtchn_bind_interdomain(
	struct hv_dom *caller, uint32_t rdom, uint32_t rport, uint32_t *port)
{
	struct hv_dom *rd = dom_get(caller, rdom);
	int r;

	if (!rd)
		return -ESRCH;
	r = bind_interdomain(caller, rd, rport, port);
	dom_put(rd);
	check_after(caller->hv);
	return r;
}

int hv_evtchn_close(struct hv_dom *caller, uint32_t port)
{
	if (!evtchn_port(caller, port) || !close_port(caller, port))
		return -EINVAL;
	check_after(caller->hv);
	return 0;
}

/* ---- reset ------------------------------------------------------------- */

/* The domain whose ports the caller may close, all of them, now; kept. */
int evtchn_reset_target(
	struct hv_dom *caller, uint32_t domid, struct hv_dom **d)
{
	int r = evtchn_get(caller, domid, d);

	if (r)
		return r;
	/* another domain's ports may go only while it cannot run */
	if (hv_load(&(*d)->life) == LIFE_ALIVE &&
		(*d == caller || (*d)->pauses != 0))
		return 0;
	dom_put(*d);
	return -EINVAL;
}

/* As evtchn_reset_step() says; @d's lock is held. */
static int reset_begin(struct hv_dom *d, uint64_t *token)
{
	struct hv_evtchn *e = &d->ev;

	if (*token) /* 0 meanwhile, or another one's: given up */
		return *token == e->reset_token ? 0 : -EAGAIN;
	if (e->reset_token && !hv_fault(HV_FAULT_EV_RESET_TWICE))
		return -EBUSY;
	e->reset_token = hv_add(&d->hv->last_token, 1) + 1;
	e->reset_next = 1;
	*token = e->reset_token;
	return 0;
}

/* All ports are closed; @d's lock is held. */
static int reset_end(struct hv_dom *d)
{
	d->ev.reset_token = 0;
	if (hv_fault(HV_FAULT_EV_VALID_SHRINKS))
		hv_store_rel(&d->ev.valid, 1u);
	/* behind the cursor somebody may have opened new ones */
	return d->ev.active && !hv_fault(HV_FAULT_EV_RESET_BLIND) ? -EAGAIN : 0;
}

/*
 * evtchn_reset_step: *@token 0 begins, and is refused while another one is
 * under way; otherwise it goes on with the one of that token.
 */
int evtchn_reset_step(struct hv_dom *d, uint64_t *token, uint32_t *budget)
{
	int r;

	hv_lock(&d->ev.lock);
	r = reset_begin(d, token);
	hv_unlock(&d->ev.lock);
	if (!r)
		r = evtchn_close_all(d, &d->ev.reset_next, budget);
	if (!r) {
		hv_lock(&d->ev.lock);
		r = reset_end(d);
		hv_unlock(&d->ev.lock);
		*token = 0;
	}
	return r;
}

void evtchn_reset_abort(struct hv_dom *d, uint64_t token)
{
	hv_lock(&d->ev.lock);
	if (token && d->ev.reset_token == token)
		d->ev.reset_token = 0;
	hv_unlock(&d->ev.lock);
}
