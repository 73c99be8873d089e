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

int hv_evtchn_bind_virq(
	struct hv_dom *caller, uint32_t virq, uint32_t vcpu, uint32_t *port)
{
	uint32_t *slot, p;
	struct hv_port *c;
	int r;

	if (virq >= HV_NR_VIRQS)
		return -EINVAL;
	if (virq_is_global(virq) && vcpu != 0)
		return -EINVAL;
	if (vcpu >= caller->cfg.max_vcpus)
		return -ENOENT;
	slot = &caller->ev.virq[vcpu * HV_NR_VIRQS + virq];
	if (*slot)
		return -EEXIST;
	r = evtchn_take(caller, &p);
	if (!r)
		r = evtchn_bind_host(caller, p, NULL, 0);
	if (r)
		return r;
	evtchn_commit(caller, p, PORT_VIRQ);
	c = evtchn_port(caller, p);
	c->rport = virq;
	c->vcpu = (uint16_t)vcpu;
	c->vcpu_virq = (uint16_t)vcpu;
	*slot = p;
	*port = p;
	check_after(caller->hv);
	return 0;
}

int hv_evtchn_bind_ipi(struct hv_dom *caller, uint32_t vcpu, uint32_t *port)
{
	uint32_t p;
	int r;

	if (vcpu >= caller->cfg.max_vcpus)
		return -ENOENT;
	r = evtchn_take(caller, &p);
	if (!r)
		r = evtchn_bind_host(caller, p, NULL, 0);
	if (r)
		return r;
	evtchn_commit(caller, p, PORT_IPI);
	evtchn_port(caller, p)->vcpu = (uint16_t)vcpu;
	*port = p;
	check_after(caller->hv);
	return 0;
}

void virq_raise(struct hv *hv, uint32_t virq)
{
	struct hv_dom *d = dom_of(hv, hv->virq_handler[virq]);
	uint32_t port;

	if (!d)
		d = hv_dom_find(hv, 0);
	if (!d)
		return;
	port = d->ev.virq[virq];
	if (port)
		evtchn_raise(d, port);
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
