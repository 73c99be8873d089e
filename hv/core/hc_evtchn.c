/* SPDX-License-Identifier: MIT */
/*
 * hc_evtchn.c: event_channel_op (xen/event_channel.h).
 *
 * One row per sub-operation: the size of its structure and whether it is
 * written back.
 */
#include "hv/core/hc.h"

union evtchn_arg {
	struct evtchn_alloc_unbound alloc_unbound;
	struct evtchn_bind_interdomain bind_interdomain;
	struct evtchn_bind_virq bind_virq;
	struct evtchn_bind_ipi bind_ipi;
	struct evtchn_close close;
	struct evtchn_send send;
	struct evtchn_status status;
	struct evtchn_bind_vcpu bind_vcpu;
	struct evtchn_unmask unmask;
	struct evtchn_reset reset;
};

static int do_alloc_unbound(struct hc *h, union evtchn_arg *a)
{
	return hv_evtchn_alloc_unbound(h->dom, a->alloc_unbound.dom,
		a->alloc_unbound.remote_dom, &a->alloc_unbound.port);
}

static int do_bind_interdomain(struct hc *h, union evtchn_arg *a)
{
	return hv_evtchn_bind_interdomain(h->dom,
		a->bind_interdomain.remote_dom, a->bind_interdomain.remote_port,
		&a->bind_interdomain.local_port);
}

static int do_bind_virq(struct hc *h, union evtchn_arg *a)
{
	return hv_evtchn_bind_virq(h->dom, a->bind_virq.virq, a->bind_virq.vcpu,
		&a->bind_virq.port);
}

static int do_bind_ipi(struct hc *h, union evtchn_arg *a)
{
	return hv_evtchn_bind_ipi(h->dom, a->bind_ipi.vcpu, &a->bind_ipi.port);
}

static int do_close(struct hc *h, union evtchn_arg *a)
{
	return hv_evtchn_close(h->dom, a->close.port);
}

static int do_send(struct hc *h, union evtchn_arg *a)
{
	return hv_evtchn_send(h->dom, a->send.port);
}

static int do_status(struct hc *h, union evtchn_arg *a)
{
	return hv_evtchn_status(
		h->dom, a->status.dom, a->status.port, &a->status);
}

static int do_bind_vcpu(struct hc *h, union evtchn_arg *a)
{
	return evtchn_bind_vcpu(h->dom, a->bind_vcpu.port, a->bind_vcpu.vcpu);
}

static int do_unmask(struct hc *h, union evtchn_arg *a)
{
	return hv_evtchn_unmask(h->dom, a->unmask.port);
}

static struct hv_dom *reset_domain(const struct hv_call *c)
{
	return dom_get_of(c->hv,
		(struct hv_instance){(uint32_t)c->state[0], c->state[1]});
}

/* state[0], state[1]: the instance; progress: the token. */
static int do_reset(struct hc *h, union evtchn_arg *a)
{
	struct hv_call *c = h->c;
	struct hv_dom *d;
	int r;

	if (c->progress) {
		d = reset_domain(c);
		if (!d)
			return -ESRCH;
	} else {
		r = evtchn_reset_target(h->dom, a->reset.dom, &d);
		if (r)
			return r;
		c->state[0] = d->domid;
		c->state[1] = d->gen;
	}
	r = hv_dom_is_dying(d) ? -ESRCH
			       : evtchn_reset_step(d, &c->progress, h->budget);
	dom_put(d);
	check_after(h->hv);
	return r;
}

void hc_event_channel_abort(struct hv_call *c)
{
	struct hv_dom *d = reset_domain(c);

	if (!d)
		return;
	evtchn_reset_abort(d, c->progress);
	dom_put(d);
}

static const struct row {
	uint8_t size;
	bool out;
	int (*fn)(struct hc *h, union evtchn_arg *a);
} rows[] = {
	[EVTCHNOP_bind_interdomain] = {sizeof(struct evtchn_bind_interdomain),
		true, do_bind_interdomain},
	[EVTCHNOP_bind_virq] = {sizeof(struct evtchn_bind_virq), true,
		do_bind_virq},
	[EVTCHNOP_close] = {sizeof(struct evtchn_close), false, do_close},
	[EVTCHNOP_send] = {sizeof(struct evtchn_send), false, do_send},
	[EVTCHNOP_status] = {sizeof(struct evtchn_status), true, do_status},
	[EVTCHNOP_alloc_unbound] = {sizeof(struct evtchn_alloc_unbound), true,
		do_alloc_unbound},
	[EVTCHNOP_bind_ipi] = {sizeof(struct evtchn_bind_ipi), true,
		do_bind_ipi},
	[EVTCHNOP_bind_vcpu] = {sizeof(struct evtchn_bind_vcpu), false,
		do_bind_vcpu},
	[EVTCHNOP_unmask] = {sizeof(struct evtchn_unmask), false, do_unmask},
	[EVTCHNOP_reset] = {sizeof(struct evtchn_reset), false, do_reset},
};

/* Ports that are open stay open if the answer cannot be written: the guest
 * finds them by EVTCHNOP_status, and they go with it. */
int64_t hc_event_channel_op(struct hc *h)
{
	uint64_t cmd = h->arg[0];
	const struct row *row;
	union evtchn_arg a;
	int r;

	/* FIFO channels and physical interrupts are not offered */
	if (cmd >= sizeof(rows) / sizeof(rows[0]) || !rows[cmd].fn)
		return -ENOSYS;
	row = &rows[cmd];
	memset(&a, 0, sizeof(a));
	if (hc_read(h, &a, h->arg[1], row->size))
		return -EFAULT;
	r = row->fn(h, &a);
	if (!r && row->out && hc_write(h, h->arg[1], &a, row->size))
		return -EFAULT;
	return r;
}
