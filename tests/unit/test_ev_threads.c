/* SPDX-License-Identifier: MIT */
/*
 * test_ev_threads.c: event channels with threads as vCPUs.
 *
 *	EV_THREADS_MS=300000 EV_THREADS_SEED=1 test_ev_threads
 *
 * The engine's own source with HV_THREADS: its locks are spin locks, its words
 * real atomics.  Two vCPUs of domain 1, one of domain 2 and one of domain 3
 * open, bind, close, send, mask, unmask and reset as they like; domain 1 also
 * has the VIRQs of domain 0 bound and raised.  Then all wait for each other
 * and hv_check() recomputes everything.  In each fourth round domain 3 is
 * destroyed while the others close and send.  test_ev_tsan is the same under
 * the thread sanitizer.
 */
#include "tests/unit/vcpus.h"

enum {
	VICTIM = 3, /* the domain that dies, and its vCPU */
	CALLS = 4000,
	PORTS = 8,
};

static bool killing; /* the victim dies; written between rounds */
static struct hv *hv;
static struct hv_dom *dom[4];
static int bindings; /* ends that the host has connected */

/* ---- the host: a count ------------------------------------------------------- */

static int host_bind(void *ctx, struct hv_dom *d, uint32_t port,
	struct hv_dom *rd, uint32_t rport)
{
	(void)ctx, (void)d, (void)port, (void)rport;
	(void)__atomic_fetch_add(&bindings, rd ? 2 : 1, __ATOMIC_RELAXED);
	return 0;
}

static void host_unbind(void *ctx, struct hv_dom *d, uint32_t port)
{
	(void)ctx, (void)d, (void)port;
	(void)__atomic_fetch_add(&bindings, -1, __ATOMIC_RELAXED);
}

/* Whoever raises a port has a lock under which it cannot become free. */
static bool host_raise(void *ctx, struct hv_dom *d, uint32_t port)
{
	(void)ctx;
	must(hv_load(&evtchn_port(d, port)->state) == PORT_FREE);
	return false;
}

static const struct hv_host host = {VCPUS_HOST, .evt_bind = host_bind,
	.evt_unbind = host_unbind, .evt_raise = host_raise};

/* ---- what the vCPUs do ----------------------------------------------------- */

static int reset(struct vcpu *w, struct hv_dom *d)
{
	uint64_t token = 0;
	uint32_t budget;
	int r;

	do {
		budget = rnd(w, 3);
		r = evtchn_reset_step(d, &token, &budget);
	} while (r == -ERESTART);
	return r;
}

/* What needs nobody's number. */
static int known_call(struct vcpu *w, struct hv_dom *d)
{
	uint32_t port = rnd(w, PORTS + 2);

	switch (rnd(w, 6)) {
	case 0: return hv_evtchn_close(d, port);
	case 1:
		if (port < PORTS)
			(void)hv_or(&d->ev.mask[0], 1ull << port);
		return hv_evtchn_unmask(d, port);
	case 2: hv_evtchn_consume(d, port); return 0;
	case 3: return evtchn_bind_vcpu(d, port, 0);
	default: return hv_evtchn_send(d, port);
	}
}

static int open_call(struct vcpu *w, struct hv_dom *d)
{
	uint32_t port, rd = rnd(w, 3) + 1, rport = 1 + rnd(w, PORTS);
	struct evtchn_status st = {0};

	switch (rnd(w, 8)) {
	case 0: return hv_evtchn_alloc_unbound(dom[0], d->domid, rd, &port);
	case 1: return hv_evtchn_bind_ipi(d, 0, &port);
	case 2: return hv_evtchn_status(dom[0], rd, rport, &st);
	case 3: return hv_evtchn_alloc_unbound(d, DOMID_SELF, rd, &port);
	default: return hv_evtchn_bind_interdomain(d, rd, rport, &port);
	}
}

static int virq_call(struct vcpu *w)
{
	uint32_t port;

	switch (rnd(w, 4)) {
	case 0: return hv_evtchn_bind_virq(dom[0], VIRQ_DOM_EXC, 0, &port);
	case 1: return hv_evtchn_close(dom[0], 1 + rnd(w, 2));
	default: virq_raise(hv, VIRQ_DOM_EXC); return 0;
	}
}

static int any_call(struct vcpu *w)
{
	struct hv_dom *d = dom[w->nr ? w->nr : 1];
	unsigned int op = rnd(w, 128);

	if (op < 8)
		return virq_call(w);
	if (op < 60 || killing)
		return known_call(w, d);
	return op == 60 ? reset(w, d) : open_call(w, d);
}

static void vcpus_work(struct vcpu *w)
{
	if (killing && w->nr == VICTIM) {
		vcpus_destroy(w, dom[VICTIM]);
		return;
	}
	for (unsigned int i = 0; i < CALLS; i++) {
		w->made++;
		w->done += any_call(w) == 0;
	}
}

/* ---- rounds ------------------------------------------------------------------ */

static void era_begin(void)
{
	static const struct hv_limits limits = {
		.max_grant_frames = 1, .max_ports = PORTS};
	struct hv_dom_config cfg = {.kind = HV_PVH, .bits = 64};

	hv = hv_new(&host, NULL, &limits);
	must(hv ? 0 : -ENOMEM);
	for (uint32_t id = 0; id < 4; id++) {
		cfg.control = id == 0;
		must(hv_dom_create(hv, id, &cfg, &dom[id]));
	}
}

static void era_end(void)
{
	uint32_t budget = UINT32_MAX;
	struct hv_counts c;

	for (uint32_t id = 4; id-- > 0;)
		if (hv_dom_find(hv, id))
			must(hv_dom_destroy(dom[id], &budget));
	hv_counts(hv, &c);
	must((int)(c.domains + c.ports + c.runs) + bindings);
	hv_free(hv);
}

int main(void)
{
	uint64_t ms = soak_number("EV_THREADS_MS", 300), round = 0;
	uint64_t seed = soak_number("EV_THREADS_SEED", 1);
	int64_t t0 = soak_ms();

	vcpus_start(seed);
	while (round < 16 || round % 4 || soak_ms() - t0 < (int64_t)ms) {
		if (round % 4 == 0)
			era_begin();
		killing = round % 4 == 3;
		vcpus_round();
		hv_check(hv);
		if (round++ % 4 == 3)
			era_end();
	}
	vcpus_stop(round, seed);
	return 0;
}
