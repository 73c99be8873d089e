/* SPDX-License-Identifier: MIT */
/*
 * evtchn_send.c: pending and mask bits, delivery, and what is shown of ports.
 *
 * The bits are in private bitmaps until the guest maps its shared_info page;
 * from then on they are in that page, where the guest writes them as it
 * likes.  Nothing but the guest's own wake-ups depends on them.
 */
#include "hv/core/internal.h"

/* Layout of struct shared_info for a guest of 32 or 64 bits (xen/xen.h):
 * 32 vcpu_info of 64 bytes, the pending bits, the mask bits. */
#define SHINFO_VCPU    64u
#define SHINFO_VCPUS   32u
#define SHINFO_PENDING (SHINFO_VCPU * SHINFO_VCPUS)
#define SHINFO_BITS(n) ((size_t)(n) * (n) / 8)

static bool bit_test(uint64_t *map, uint32_t port)
{
	return hv_load(&map[port / 64]) >> (port % 64) & 1;
}

/* Tell a vCPU that has a vcpu_info in the shared page where to look. */
static void upcall_mark(struct hv_dom *d, uint32_t port)
{
	uint32_t vcpu;
	uint8_t *vi;

	if (!d->shared_info)
		return;
	vcpu = hv_load(&evtchn_port_at(d, port)->vcpu);
	if (vcpu >= SHINFO_VCPUS)
		return;
	vi = d->shared_info->va + (size_t)vcpu * SHINFO_VCPU;
	if (d->cfg.bits == 64)
		hv_or((uint64_t *)(void *)(vi + 8), 1ull << (port / 64));
	else
		hv_or((uint32_t *)(void *)(vi + 4), 1u << (port / 32));
	hv_store_rel(vi, (uint8_t)1);
}

static void deliver(struct hv_dom *d, uint32_t port)
{
	uint64_t bit = 1ull << (port % 64);

	upcall_mark(d, port);
	if (d->hv->host->evt_raise(d->hv->ctx, d, port))
		hv_and(&d->ev.pending[port / 64], ~bit);
}

/* The lock of @d is held, or that of the domain it is connected to. */
void evtchn_raise(struct hv_dom *d, uint32_t port)
{
	uint64_t bit = 1ull << (port % 64);
	bool masked =
		hv_fault(HV_FAULT_EV_RAISE_EARLY) && bit_test(d->ev.mask, port);

	if (hv_or(&d->ev.pending[port / 64], bit) & bit)
		return; /* coalesced */
	if (!hv_fault(HV_FAULT_EV_RAISE_EARLY))
		masked = bit_test(d->ev.mask, port);
	if (!masked)
		deliver(d, port);
}

/* The peer stays what it is while either domain's lock is held. */
static int send_locked(struct hv_dom *d, uint32_t port)
{
	const struct hv_port *c = evtchn_port_at(d, port);

	switch ((enum port_state)hv_load(&c->state)) {
	case PORT_FREE:
	case PORT_RESERVED:
	case PORT_VIRQ: return -EINVAL;
	case PORT_UNBOUND: break;
	case PORT_INTERDOMAIN: evtchn_raise(c->rd, c->rport); break;
	case PORT_IPI: evtchn_raise(d, port); break;
	}
	return 0;
}

int hv_evtchn_send(struct hv_dom *caller, uint32_t port)
{
	int r;

	if (!evtchn_port(caller, port))
		return -EINVAL;
	if (hv_fault(HV_FAULT_EV_SEND_BARE))
		return send_locked(caller, port);
	hv_lock(&caller->ev.lock);
	r = send_locked(caller, port);
	hv_unlock(&caller->ev.lock);
	check_after(caller->hv);
	return r;
}

/* @d's lock is held. */
static struct hv_port *port_used(struct hv_dom *d, uint32_t port)
{
	struct hv_port *c = evtchn_port(d, port);

	return c && hv_load(&c->state) != PORT_FREE ? c : NULL;
}

static int unmask_locked(struct hv_dom *d, uint32_t port)
{
	uint64_t bit = 1ull << (port % 64);
	bool early = hv_fault(HV_FAULT_EV_UNMASK_EARLY) &&
		     !bit_test(d->ev.pending, port);

	if (!port_used(d, port))
		return -EINVAL;
	if (!(hv_and(&d->ev.mask[port / 64], ~bit) & bit) || early)
		return 0;
	if (bit_test(d->ev.pending, port))
		deliver(d, port);
	return 0;
}

int hv_evtchn_unmask(struct hv_dom *d, uint32_t port)
{
	int r;

	if (hv_fault(HV_FAULT_EV_UNMASK_BARE))
		return unmask_locked(d, port);
	hv_lock(&d->ev.lock);
	r = unmask_locked(d, port);
	hv_unlock(&d->ev.lock);
	return r;
}

bool hv_evtchn_is_pending(const struct hv_dom *d, uint32_t port)
{
	return evtchn_port(d, port) && bit_test(d->ev.pending, port);
}

void hv_evtchn_consume(struct hv_dom *d, uint32_t port)
{
	if (evtchn_port(d, port))
		hv_and(&d->ev.pending[port / 64], ~(1ull << (port % 64)));
}

static void status_fill(const struct hv_port *c, struct evtchn_status *st)
{
	switch ((enum port_state)c->state) {
	case PORT_FREE:
	case PORT_RESERVED: st->status = EVTCHNSTAT_closed; break;
	case PORT_UNBOUND:
		st->status = EVTCHNSTAT_unbound;
		st->u.unbound.dom = (domid_t)c->remote.domid;
		break;
	case PORT_INTERDOMAIN:
		st->status = EVTCHNSTAT_interdomain;
		st->u.interdomain.dom = (domid_t)c->rd->domid;
		st->u.interdomain.port = c->rport;
		break;
	case PORT_VIRQ:
		st->status = EVTCHNSTAT_virq;
		st->u.virq = c->rport;
		break;
	case PORT_IPI: st->status = EVTCHNSTAT_ipi; break;
	}
	st->vcpu = c->vcpu;
}

static int status_of(struct hv_dom *d, uint32_t port, struct evtchn_status *st)
{
	static const struct hv_port reserved = {.state = PORT_RESERVED};
	/* port 0 is shown closed: tools count up from it until -EINVAL */
	const struct hv_port *c = port == 0 ? &reserved : evtchn_port(d, port);

	if (!c)
		return -EINVAL;
	memset(&st->u, 0, sizeof(st->u));
	hv_lock(&d->ev.lock);
	status_fill(c, st);
	hv_unlock(&d->ev.lock);
	return 0;
}

int hv_evtchn_status(struct hv_dom *caller, uint32_t domid, uint32_t port,
	struct evtchn_status *st)
{
	struct hv_dom *d;
	int r;

	r = evtchn_get(caller, domid, &d);
	if (r)
		return r;
	r = status_of(d, port, st);
	dom_put(d);
	return r;
}

/* Per-vCPU VIRQs and IPIs stay where they were bound. */
static int bind_vcpu_locked(struct hv_dom *d, uint32_t port, uint32_t vcpu)
{
	struct hv_port *c = port_used(d, port);

	if (!c || c->state == PORT_IPI)
		return -EINVAL;
	if (c->state == PORT_VIRQ && !virq_is_global(c->rport))
		return -EINVAL;
	hv_store_rel(&c->vcpu, (uint16_t)vcpu);
	return 0;
}

int evtchn_bind_vcpu(struct hv_dom *d, uint32_t port, uint32_t vcpu)
{
	int r;

	if (vcpu >= d->cfg.max_vcpus)
		return -ENOENT;
	hv_lock(&d->ev.lock);
	r = bind_vcpu_locked(d, port, vcpu);
	hv_unlock(&d->ev.lock);
	return r;
}

/* The guest maps shared_info: its page takes the bits over. */
int evtchn_share(struct hv_dom *d)
{
	size_t n = SHINFO_BITS(d->cfg.bits);
	struct hv_run *r;
	uint8_t *bits;
	int err;

	if (d->shared_info)
		return 0;
	r = run_new(d, HV_RUN_SHARE, 1, &err);
	if (!r)
		return err;
	err = frame_alloc(&r->frames[0]);
	if (err) {
		run_drop(r);
		return err;
	}
	/* a fresh frame: cannot fail */
	(void)frame_get_type(&r->frames[0], HV_TYPE_SHARED);
	bits = r->va + SHINFO_PENDING;
	memcpy(bits, d->ev.own_pending, n);
	memcpy(bits + n, d->ev.own_mask, n);
	d->shared_info = r;
	d->ev.pending = (uint64_t *)(void *)bits;
	d->ev.mask = (uint64_t *)(void *)(bits + n);
	return 0;
}

/* The page is about to go, with the domain: no port is left. */
void evtchn_unshare(struct hv_dom *d)
{
	if (!d->shared_info)
		return;
	memset(d->ev.own_pending, 0, sizeof(d->ev.own_pending));
	memset(d->ev.own_mask, 0, sizeof(d->ev.own_mask));
	d->ev.pending = d->ev.own_pending;
	d->ev.mask = d->ev.own_mask;
	frame_put_type(&d->shared_info->frames[0]);
	d->shared_info = NULL;
}
