/* SPDX-License-Identifier: MIT */
/*
 * virq.c: virtual interrupts and inter-processor ports.
 *
 * A global VIRQ is bound on vCPU 0 and raised to one domain of the machine,
 * its handler: the domain named by hv_set_virq_handler(), else domain 0.
 * Any domain may bind one; only the handler ever hears it.
 */
#include "hv/core/internal.h"

bool virq_is_global(uint32_t virq)
{
	switch (virq) {
	case VIRQ_TIMER:
	case VIRQ_DEBUG:
	case VIRQ_XENOPROF:
	case VIRQ_XENPMU: return false;
	default: return true;
	}
}

/* A port that the machine or a vCPU raises; @d's lock is held. */
static int bind_raised(
	struct hv_dom *d, enum port_state state, uint32_t vcpu, uint32_t *port)
{
	uint32_t p;
	int r = evtchn_take(d, &p);

	if (!r)
		r = evtchn_bind_host(d, p, NULL, 0);
	if (r)
		return r;
	evtchn_commit(d, p, state);
	evtchn_port_at(d, p)->vcpu = (uint16_t)vcpu;
	*port = p;
	return 0;
}

static int bind_virq_locked(
	struct hv_dom *d, uint32_t virq, uint32_t vcpu, uint32_t *port)
{
	uint32_t *slot = &d->ev.virq[vcpu * HV_NR_VIRQS + virq];
	struct hv_port *c;
	int r;

	if (*slot && !hv_fault(HV_FAULT_EV_VIRQ_EARLY))
		return -EEXIST;
	r = bind_raised(d, PORT_VIRQ, vcpu, port);
	if (r && hv_fault(HV_FAULT_EV_VIRQ_UNDO))
		d->hv->virq_handler[VIRQ_DOM_EXC] = (struct hv_instance){0};
	if (r)
		return r;
	c = evtchn_port_at(d, *port);
	c->rport = virq;
	c->vcpu_virq = (uint16_t)vcpu;
	*slot = *port;
	return 0;
}

int hv_evtchn_bind_virq(
	struct hv_dom *caller, uint32_t virq, uint32_t vcpu, uint32_t *port)
{
	const uint32_t *slot = caller->ev.virq;
	int r;

	if (virq >= HV_NR_VIRQS)
		return -EINVAL;
	if (virq_is_global(virq) && vcpu != 0)
		return -EINVAL;
	if (vcpu >= caller->cfg.max_vcpus)
		return -ENOENT;
	slot += vcpu * HV_NR_VIRQS + virq;
	if (hv_fault(HV_FAULT_EV_VIRQ_EARLY) && *slot)
		return -EEXIST;
	hv_lock(&caller->ev.lock);
	r = bind_virq_locked(caller, virq, vcpu, port);
	hv_unlock(&caller->ev.lock);
	check_after(caller->hv);
	return r;
}

int hv_evtchn_bind_ipi(struct hv_dom *caller, uint32_t vcpu, uint32_t *port)
{
	int r;

	if (vcpu >= caller->cfg.max_vcpus)
		return -ENOENT;
	hv_lock(&caller->ev.lock);
	r = bind_raised(caller, PORT_IPI, vcpu, port);
	hv_unlock(&caller->ev.lock);
	check_after(caller->hv);
	return r;
}

/* @d's lock is held. */
static void raise_locked(struct hv_dom *d, uint32_t virq)
{
	uint32_t port = hv_load(&d->ev.virq[virq]);

	if (port)
		evtchn_raise(d, port);
}

/* Who is told; kept. */
static struct hv_dom *handler_get(struct hv *hv, uint32_t virq)
{
	struct hv_dom *d = dom_get_of(hv, hv->virq_handler[virq]);

	return d ? d : dom_get_by(hv, 0);
}

void virq_raise(struct hv *hv, uint32_t virq)
{
	struct hv_dom *d = handler_get(hv, virq);
	bool bare = hv_fault(HV_FAULT_EV_VIRQ_BARE);

	if (!d)
		return;
	if (!bare)
		hv_lock(&d->ev.lock);
	raise_locked(d, virq);
	if (!bare)
		hv_unlock(&d->ev.lock);
	dom_put(d);
}

int hv_set_virq_handler(struct hv *hv, uint32_t virq, struct hv_dom *d)
{
	if (virq >= HV_NR_VIRQS || !virq_is_global(virq))
		return -EINVAL;
	if (d->life != LIFE_ALIVE)
		return -EINVAL;
	hv->virq_handler[virq] = dom_instance(d);
	check_after(hv);
	return 0;
}

/* A dying domain handles nothing any more. */
void virq_forget(struct hv_dom *d)
{
	unsigned int i;

	for (i = 0; i < HV_NR_VIRQS; i++)
		if (instance_is(d->hv->virq_handler[i], d))
			d->hv->virq_handler[i] = (struct hv_instance){0};
}
