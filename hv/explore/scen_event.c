/* SPDX-License-Identifier: MIT */
/*
 * scen_event.c - event channels: XSA-317, 338, 343, 344, 496, and lost events
 *
 * DOC: the cast
 *
 * Domain 1 owns the port that all is about, LAST, which waits for domain 2 in
 * the beginning; FIRST, below it, is connected to PEER, a port of domain 2.
 * Domain 3 is somebody else.
 */
#include <stdio.h>

#include "hv/explore/machine.h"
#include "common/err.h"

#define FAULTS(...)                     \
	.faults = (const char *const[]) \
	{                               \
		__VA_ARGS__, NULL       \
	}

enum { FIRST = 1, LAST = 2, PEER = 1 };

enum {
	NOTE_DATA,   /* what an event is about */
	NOTE_SAW,    /* a port that was open when LAST was */
	NOTE_OPENED, /* somebody opens ports while others are closed */
};

static struct hv_dom *dom(unsigned int i)
{
	return machine.dom[i];
}

static void open_port(unsigned int d, unsigned int remote, uint32_t want)
{
	uint32_t port;

	machine_must(
		hv_evtchn_alloc_unbound(dom(d), DOMID_SELF, remote, &port));
	CHECK(port == want);
}

/* A new port of @d, @want, connected to @rport of @rd. */
static void join(unsigned int d, uint32_t want, unsigned int rd, uint32_t rport)
{
	uint32_t port;

	machine_must(hv_evtchn_bind_interdomain(dom(d), rd, rport, &port));
	CHECK(port == want);
	hv_evtchn_consume(dom(d), port);
	machine.upcall[d] = 0;
}

static void setup_ports(void)
{
	machine_setup(3);
	open_port(1, 2, FIRST);
	join(2, PEER, 1, FIRST);
	open_port(1, 2, LAST);
}

/* ---- what must hold of ports --------------------------------------------- */

static bool unlocked(const struct hv_dom *d)
{
	return !d->ev.lock.by;
}

static const char *check_peer(const struct hv_dom *d, uint32_t p)
{
	const struct hv_port *c = evtchn_port_at(d, p), *rc;

	if (c->state != PORT_INTERDOMAIN || !unlocked(c->rd))
		return NULL;
	rc = evtchn_port(c->rd, c->rport);
	return rc && rc->state == PORT_INTERDOMAIN && rc->rd == d &&
			       rc->rport == p
		       ? NULL
		       : "E1: the two ends differ";
}

static const char *check_port(const struct hv_dom *d, uint32_t p)
{
	const struct hv_port *c = evtchn_port_at(d, p);
	bool used = c->state != PORT_FREE;

	if ((d->ev.in_use[p / 64] >> (p % 64) & 1) != used)
		return "E4: state and in_use differ";
	if (!used && (d->ev.pending[p / 64] >> (p % 64) & 1))
		return "E3: a free port is pending";
	if (c->state == PORT_VIRQ &&
		d->ev.virq[c->vcpu_virq * HV_NR_VIRQS + c->rport] != p)
		return "E2: a VIRQ's port is another one";
	return check_peer(d, p);
}

/* All that nobody is at work on. */
static const char *check_dom(const struct hv_dom *d, char *buf, size_t len)
{
	uint32_t active = 0;
	const char *name;

	for (uint32_t p = 1; p < d->ev.valid; p++) {
		name = check_port(d, p);
		snprintf(buf, len, "domain %u port %u", d->domid, p);
		if (name)
			return name;
		active += evtchn_port_at(d, p)->state != PORT_FREE;
	}
	snprintf(buf, len, "domain %u: %u ports, %u found", d->domid,
		d->ev.active, active);
	if (active != d->ev.active)
		return "E4: the ports are counted wrong";
	*buf = '\0';
	return NULL;
}

/* Nobody is at work on any. */
static const char *check_sums(uint32_t ports)
{
	const struct hv_dom *d = hv_dom_next(machine.hv, 0);
	int64_t ends = 0;

	for (; d; d = hv_dom_next(machine.hv, d->domid + 1))
		for (uint32_t p = 1; p < d->ev.valid; p++)
			ends += evtchn_port_at(d, p)->state > PORT_UNBOUND;
	if (ports != machine.hv->nr_ports)
		return "E4: the machine's ports are counted wrong";
	return ends == machine.bindings ? NULL
					: "the host binds what is not bound";
}

static const char *event_check(char *buf, size_t len)
{
	const char *name = machine_check(buf, len);
	uint32_t ports = 0;
	bool all = true;

	for (uint32_t i = 0; i < MACHINE_DOMS && !name; i++) {
		const struct hv_dom *d = hv_dom_find(machine.hv, i);

		if (!d)
			continue;
		all = all && unlocked(d);
		ports += d->ev.active;
		if (unlocked(d))
			name = check_dom(d, buf, len);
	}
	return name || !all ? name : check_sums(ports);
}

#define EVENT_SCENARIO                                                      \
	.areas = machine_areas, .check = event_check, .idle = machine_idle, \
	.is_private = machine_private, .touch = machine_touch,              \
	.show = machine_show, .name_of = machine_name

/* ---- E3: reset, and what is opened, bound and sent meanwhile --------------- */

static int reset(unsigned int d)
{
	uint64_t token = 0;
	uint32_t budget = 1;
	int r;

	do
		r = CALL(evtchn_reset_step(dom(d), &token, &budget));
	while (r == -ERESTART);
	return r;
}

/* What was opened while LAST still was there must go before it succeeds. */
static void do_reset(void)
{
	uint32_t saw;
	int r = reset(1);

	if (r == -EBUSY)
		return; /* somebody else's is under way */
	if (r == -EAGAIN && machine.note[NOTE_OPENED])
		return;
	if (r)
		explore_fail("the reset says %d", r);
	saw = (uint32_t)machine.note[NOTE_SAW];
	if (saw && evtchn_port_at(dom(1), saw)->state != PORT_FREE)
		explore_fail("the reset left port %u open", saw);
}

static void do_alloc(void)
{
	uint32_t port = 0;

	machine.note[NOTE_OPENED] = 1;
	if (CALL(hv_evtchn_alloc_unbound(dom(1), DOMID_SELF, 2, &port)))
		explore_fail("no port is left");
	if (port != LAST && !CALL(hv_evtchn_send(dom(1), LAST)))
		machine.note[NOTE_SAW] = port;
}

static void do_bind(void)
{
	uint32_t port = 0;
	int r = CALL(hv_evtchn_bind_interdomain(dom(2), 1, LAST, &port));

	if (r && r != -EINVAL)
		explore_fail("the bind says %d", r);
}

static void do_send(void)
{
	int r = CALL(hv_evtchn_send(dom(2), PEER));

	if (r)
		explore_fail("the send says %d", r);
}

static void run_any(unsigned int i)
{
	(void)i;
	switch (explore_choose(4)) {
	case 0: do_reset(); break;
	case 1: do_alloc(); break;
	case 2: do_bind(); break;
	default: do_send(); break;
	}
}

static const struct scenario e3 = {.name = "E3",
	.shows = "any two of reset, alloc_unbound, bind, send",
	.vcpus = 2,
	.setup = setup_ports,
	.run = run_any,
	FAULTS("ev-reset-blind", "ev-reset-twice", "ev-reset-no-poll",
		"ev-valid-shrinks", "ev-bind-early", "ev-bind-one",
		"ev-send-bare"),
	EVENT_SCENARIO};

static void run_triple(unsigned int i)
{
	switch (i) {
	case 0: do_reset(); break;
	case 1: explore_choose(2) ? do_alloc() : do_reset(); break;
	default: explore_choose(2) ? do_bind() : do_send(); break;
	}
}

static const struct scenario e3t = {.name = "E3t",
	.shows = "three of them, one of which is a reset",
	.vcpus = 3,
	.setup = setup_ports,
	.run = run_triple,
	.slow = true,
	EVENT_SCENARIO};

/* The first port there ever is in domain 2. */
static void run_first(unsigned int i)
{
	uint32_t port;

	if (i)
		machine_must(CALL(
			hv_evtchn_alloc_unbound(dom(2), DOMID_SELF, 1, &port)));
	else
		reset(2);
}

/* Both ends are closed, each by its own domain. */
static void run_both(unsigned int i)
{
	machine_must(reset(1 + i));
}

static const struct scenario e3b = {.name = "E3b",
	.shows = "both ends are reset",
	.vcpus = 2,
	.setup = setup_ports,
	.run = run_both,
	FAULTS("ev-lock-order"),
	EVENT_SCENARIO};

static void setup_none(void)
{
	machine_setup(3);
}

static const struct scenario e3p = {.name = "E3p",
	.shows = "a domain's first port is opened while it is reset",
	.vcpus = 2,
	.setup = setup_none,
	.run = run_first,
	FAULTS("ev-publish"),
	EVENT_SCENARIO};

/* ---- the first ports, the last ones, VIRQs --------------------------------- */

static void setup_few(void)
{
	machine_setup(4);
	dom(1)->ev.max = 3;
	dom(0)->ev.max = dom(2)->ev.max = 3;
	machine_must(
		hv_evtchn_bind_virq(dom(0), VIRQ_DOM_EXC, 0, &(uint32_t){0}));
	machine_must(
		hv_evtchn_bind_virq(dom(2), VIRQ_DOM_EXC, 0, &(uint32_t){0}));
}

/* All ports of domain 1, and one more. */
static void exhaust(void)
{
	uint32_t port, n = 0;
	int r;

	do
		r = CALL(hv_evtchn_alloc_unbound(dom(1), DOMID_SELF, 2, &port));
	while (!r && n++ < 3);
	if (r != -ENOSPC || n != 2)
		explore_fail("E1: %u ports, and then %d", n, r);
}

static void run_exhaust(unsigned int i)
{
	int r;

	if (!i) {
		exhaust();
		return;
	}
	r = CALL(hv_evtchn_send(dom(1), 1));
	if (r && r != -EINVAL)
		explore_fail("the send says %d", r);
}

static const struct scenario e1 = {.name = "E1",
	.shows = "who gets no port changes nothing",
	.vcpus = 2,
	.setup = setup_few,
	.run = run_exhaust,
	FAULTS("ev-take-error"),
	EVENT_SCENARIO};

/* The handler, whoever it is, hears that domain 3 has shut down. */
static void shut_down(void)
{
	unsigned int handler = explore_choose(2) ? 2 : 0;

	if (handler)
		machine_must(CALL(
			hv_set_virq_handler(machine.hv, VIRQ_DOM_EXC, dom(2))));
	machine_must(CALL(hv_dom_shutdown(dom(3), 0)));
	if (!hv_evtchn_is_pending(
		    dom(handler), dom(handler)->ev.virq[VIRQ_DOM_EXC]))
		explore_fail("DOM_EXC did not come");
}

static void run_virq(unsigned int i)
{
	uint32_t port;
	int r;

	if (i) {
		shut_down();
		return;
	}
	exhaust();
	r = CALL(hv_evtchn_bind_virq(dom(1), VIRQ_DEBUG, 0, &port));
	if (r != -ENOSPC || dom(1)->ev.virq[VIRQ_DEBUG])
		explore_fail("the VIRQ is bound: %d", r);
}

static const struct scenario e4 = {.name = "E4",
	.shows = "who can bind no VIRQ takes none from others",
	.vcpus = 2,
	.setup = setup_few,
	.run = run_virq,
	FAULTS("ev-virq-undo"),
	EVENT_SCENARIO};

/* Domain 0 binds DOM_EXC twice, or once while it is raised. */
static void run_bind_virq(unsigned int i)
{
	uint32_t port;
	int r;

	if (i && explore_choose(2)) {
		machine_must(CALL(hv_dom_shutdown(dom(1), 0)));
		return;
	}
	r = CALL(hv_evtchn_bind_virq(dom(0), VIRQ_DOM_EXC, 0, &port));
	if (!r)
		r = CALL(hv_evtchn_close(dom(0), port));
	if (r && r != -EEXIST)
		explore_fail("the call says %d", r);
}

static const struct scenario e4b = {.name = "E4b",
	.shows = "a VIRQ is bound and closed, bound, and raised",
	.vcpus = 2,
	.setup = setup_none,
	.run = run_bind_virq,
	FAULTS("ev-virq-bare", "ev-virq-early"),
	EVENT_SCENARIO};

/* ---- E5: a close and what it has looked at ---------------------------------- */

/* PEER of domain 2 is connected to FIRST of domain 1; domain 3 waits. */
static void setup_rebind(void)
{
	machine_setup(4);
	open_port(1, 2, FIRST);
	join(2, PEER, 1, FIRST);
	open_port(3, 2, 1);
}

static void close_any(unsigned int d, uint32_t port)
{
	int r = CALL(hv_evtchn_close(dom(d), port));

	if (r && r != -EINVAL)
		explore_fail("the close says %d", r);
}

static void run_rebind(unsigned int i)
{
	uint32_t port;

	close_any(i == 2 ? 1 : 2, i == 2 ? FIRST : PEER);
	if (i == 1)
		machine_must(
			CALL(hv_evtchn_bind_interdomain(dom(2), 3, 1, &port)));
}

static const struct scenario e5 = {.name = "E5",
	.shows =
		"a port is closed, closed and bound elsewhere, and by the peer",
	.vcpus = 3,
	.setup = setup_rebind,
	.run = run_rebind,
	FAULTS("ev-close-stale", "ev-lock-order"),
	EVENT_SCENARIO};

static void kill_dom(unsigned int d)
{
	uint32_t budget = 1;
	int r;

	do
		r = CALL(hv_dom_destroy(dom(d), &budget));
	while (r == -ERESTART);
	machine_must(r);
}

/* Whoever looks for domain 1 does so in the step in which the call begins. */
static void run_dying(unsigned int i)
{
	uint32_t port;
	int r = 0;

	if (i) {
		kill_dom(1);
		return;
	}
	switch (explore_choose(3)) {
	case 0: close_any(2, PEER); break;
	case 1:
		r = CALL(hv_evtchn_bind_interdomain(dom(2), 1, LAST, &port));
		break;
	default: r = CALL(hv_evtchn_alloc_unbound(dom(0), 1, 2, &port)); break;
	}
	if (r && r != -EINVAL && r != -ESRCH)
		explore_fail("the call says %d", r);
}

static const struct scenario e5d = {.name = "E5d",
	.shows = "a port is closed, bound, or opened while its domain dies",
	.vcpus = 2,
	.setup = setup_ports,
	.run = run_dying,
	FAULTS("ev-take-dying", "ev-close-forgets"),
	EVENT_SCENARIO};

/* A number is used again: what was sent to the old port is not the new one's. */
static void run_reuse(unsigned int i)
{
	uint32_t port;

	if (i) {
		machine_must(CALL(hv_evtchn_send(dom(1), FIRST)));
		return;
	}
	machine_must(CALL(hv_evtchn_close(dom(2), PEER)));
	machine_must(
		CALL(hv_evtchn_alloc_unbound(dom(2), DOMID_SELF, 3, &port)));
	CHECK(port == PEER);
	if (hv_evtchn_is_pending(dom(2), PEER))
		explore_fail("somebody else's event");
	machine_must(CALL(hv_evtchn_close(dom(2), PEER)));
}

static const struct scenario e5s = {.name = "E5s",
	.shows = "what is sent to a port that is closed reaches no later one",
	.vcpus = 2,
	.setup = setup_ports,
	.run = run_reuse,
	FAULTS("ev-free-pending"),
	EVENT_SCENARIO};

static void setup_masked(void)
{
	setup_ports();
	dom(2)->ev.mask[0] |= 1ull << PEER;
	machine_must(hv_evtchn_send(dom(1), FIRST));
}

static void run_unmask(unsigned int i)
{
	int r;

	if (i) {
		close_any(2, PEER);
		return;
	}
	r = CALL(hv_evtchn_unmask(dom(2), PEER));
	if (r && r != -EINVAL)
		explore_fail("the unmask says %d", r);
}

static const struct scenario e5u = {.name = "E5u",
	.shows = "a port is closed while it is unmasked",
	.vcpus = 2,
	.setup = setup_masked,
	.run = run_unmask,
	FAULTS("ev-unmask-bare"),
	EVENT_SCENARIO};

/* ---- no event is lost -------------------------------------------------------- */

/* A guest that goes to sleep before it is told of what is new sleeps on. */
static void run_bind_wait(unsigned int i)
{
	uint64_t *data = &machine.note[NOTE_DATA];
	uint32_t port;

	if (!i) {
		hv_guest_store(data, 1);
		machine_must(CALL(hv_evtchn_send(dom(1), LAST)));
		return;
	}
	machine_must(CALL(hv_evtchn_bind_interdomain(dom(2), 1, LAST, &port)));
	do {
		while (!hv_evtchn_is_pending(dom(2), port))
			hv_point_at(HV_POINT_WAIT, data);
		hv_evtchn_consume(dom(2), port);
	} while (!hv_guest_load(data));
}

static const struct scenario e5b = {.name = "E5b",
	.shows = "what was sent before the bind is heard after it",
	.vcpus = 2,
	.setup = setup_ports,
	.run = run_bind_wait,
	FAULTS("ev-bind-silent"),
	EVENT_SCENARIO};

/* It sleeps until it is interrupted, and is not while the port is masked. */
static void run_mask(unsigned int i)
{
	uint64_t *data = &machine.note[NOTE_DATA];
	uint64_t *up = &machine.upcall[2], seen = 0;

	if (!i) {
		for (uint64_t n = 1; n <= 2; n++) {
			hv_guest_store(data, n);
			machine_must(CALL(hv_evtchn_send(dom(1), FIRST)));
		}
		return;
	}
	while (seen < 2) {
		while (!hv_guest_load(up))
			hv_point_at(HV_POINT_WAIT, up);
		hv_guest_store(up, 0);
		(void)hv_or(&dom(2)->ev.mask[0], 1ull << PEER);
		hv_evtchn_consume(dom(2), PEER);
		seen = hv_guest_load(data);
		machine_must(CALL(hv_evtchn_unmask(dom(2), PEER)));
	}
}

static const struct scenario e5m = {.name = "E5m",
	.shows = "what was sent to a masked port is heard once it is not",
	.vcpus = 2,
	.setup = setup_ports,
	.run = run_mask,
	FAULTS("ev-raise-early", "ev-unmask-early"),
	EVENT_SCENARIO};

const struct scenario *const scen_event[] = {&e1, &e3, &e3b, &e3p, &e3t, &e4,
	&e4b, &e5, &e5b, &e5d, &e5m, &e5s, &e5u, NULL};
