/* SPDX-License-Identifier: MIT */
/*
 * test_evtchn.c - event channels (E1 to E6) and VIRQs
 */
#include "tests/unit/hv_host.h"

#include "hv/core/internal.h"
#include "tests/unit/bh_check.h"

struct env {
	struct test_host h;
	struct hv_dom *dom0, *a, *b;
};

static void env_init(struct env *e)
{
	memset(e, 0, sizeof(*e));
	ck_assert(host_init(&e->h, NULL));
	e->dom0 = host_dom(&e->h, 0, 0);
	e->a = host_dom(&e->h, 1, 0);
	e->b = host_dom(&e->h, 2, 0);
}

static uint32_t unbound(struct hv_dom *d, uint32_t remote)
{
	uint32_t port = 0;

	ck_assert_int_eq(
		hv_evtchn_alloc_unbound(d, DOMID_SELF, remote, &port), 0);
	return port;
}

/* Connect a's new port with b's new port. */
static void connect(struct env *e, uint32_t *pa, uint32_t *pb)
{
	*pa = unbound(e->a, 2);
	ck_assert_int_eq(hv_evtchn_bind_interdomain(e->b, 1, *pa, pb), 0);
}

static bool heard(struct hv_dom *d, uint32_t port)
{
	bool r = hv_evtchn_is_pending(d, port);

	hv_evtchn_consume(d, port);
	return r;
}

static uint32_t status(struct hv_dom *d, uint32_t port)
{
	struct evtchn_status st;

	ck_assert_int_eq(hv_evtchn_status(d, DOMID_SELF, port, &st), 0);
	return st.status;
}

START_TEST(test_send)
{
	uint32_t pa, pb;
	struct env e;

	env_init(&e);
	pa = unbound(e.a, 2);
	/* nobody hears it, and that is no error */
	ck_assert_int_eq(hv_evtchn_send(e.a, pa), 0);
	ck_assert_int_eq(hv_evtchn_bind_interdomain(e.b, 1, pa, &pb), 0);
	/* E5: but the one who binds looks once */
	ck_assert(heard(e.b, pb));
	ck_assert_int_eq(hv_evtchn_send(e.a, pa), 0);
	ck_assert(heard(e.b, pb));
	ck_assert(!hv_evtchn_is_pending(e.a, pa));
	ck_assert_int_eq(hv_evtchn_send(e.b, pb), 0);
	ck_assert(heard(e.a, pa));
	ck_assert_int_eq(hv_evtchn_send(e.a, pa + 1), -EINVAL);
	ck_assert_int_eq(hv_evtchn_send(e.a, 0), -EINVAL);
	ck_assert_int_eq(hv_evtchn_send(e.a, 4096), -EINVAL);
	ck_assert_int_eq(hv_evtchn_send(e.a, UINT32_MAX), -EINVAL);
	host_end(&e.h);
}
END_TEST

START_TEST(test_mask)
{
	uint32_t pa, pb;
	struct env e;

	env_init(&e);
	connect(&e, &pa, &pb);
	heard(e.b, pb);
	e.h.raised = 0;
	host_mask(e.b, pb);
	ck_assert_int_eq(hv_evtchn_send(e.a, pa), 0);
	ck_assert_uint_eq(e.h.raised, 0);
	ck_assert(hv_evtchn_is_pending(e.b, pb));
	ck_assert_int_eq(hv_evtchn_unmask(e.b, pb), 0);
	ck_assert_uint_eq(e.h.raised, 1);
	/* already unmasked: not again; already pending: not again */
	ck_assert_int_eq(hv_evtchn_unmask(e.b, pb), 0);
	ck_assert_int_eq(hv_evtchn_send(e.a, pa), 0);
	ck_assert_uint_eq(e.h.raised, 1);
	/* a host that takes the event over leaves no bit behind */
	heard(e.b, pb);
	e.h.take_events = true;
	ck_assert_int_eq(hv_evtchn_send(e.a, pa), 0);
	ck_assert_int_eq(hv_evtchn_send(e.a, pa), 0);
	ck_assert_uint_eq(e.h.raised, 3);
	ck_assert(!hv_evtchn_is_pending(e.b, pb));
	ck_assert_int_eq(hv_evtchn_unmask(e.b, 77), -EINVAL);
	ck_assert_int_eq(hv_evtchn_unmask(e.b, 4096), -EINVAL);
	/* a port that is used again is not masked */
	host_mask(e.b, pb);
	ck_assert_int_eq(hv_evtchn_close(e.b, pb), 0);
	ck_assert_uint_eq(unbound(e.b, 0), pb);
	ck_assert(!(e.b->ev.mask[0] >> pb & 1));
	host_end(&e.h);
}
END_TEST

START_TEST(test_bind_refused)
{
	uint32_t pa, p;
	struct env e;

	env_init(&e);
	pa = unbound(e.a, 2);
	ck_assert_int_eq(hv_evtchn_bind_interdomain(e.dom0, 1, pa, &p),
		-EINVAL); /* not meant for it, privileged or not */
	ck_assert_int_eq(hv_evtchn_bind_interdomain(e.b, 9, pa, &p), -ESRCH);
	ck_assert_int_eq(
		hv_evtchn_bind_interdomain(e.b, 1, pa + 1, &p), -EINVAL);
	ck_assert_int_eq(hv_evtchn_bind_interdomain(e.b, 1, 0, &p), -EINVAL);
	ck_assert_int_eq(
		hv_evtchn_bind_interdomain(e.b, 1, 1u << 31, &p), -EINVAL);
	/* what the host refuses has not happened */
	e.h.bind_result = -EMFILE;
	ck_assert_int_eq(hv_evtchn_bind_interdomain(e.b, 1, pa, &p), -EMFILE);
	ck_assert_int_eq(hv_evtchn_bind_virq(e.b, VIRQ_DEBUG, 0, &p), -EMFILE);
	ck_assert_int_eq(hv_evtchn_bind_ipi(e.b, 0, &p), -EMFILE);
	ck_assert_uint_eq(e.b->ev.active, 0);
	e.h.bind_result = 0;
	ck_assert_int_eq(hv_evtchn_bind_interdomain(e.b, 1, pa, &p), 0);
	ck_assert_int_eq(hv_evtchn_bind_interdomain(e.b, 1, pa, &p), -EINVAL);
	host_end(&e.h);
}
END_TEST

/* The invitation is for an instance, not for a number. */
START_TEST(test_bind_generation)
{
	uint32_t pa, p;
	struct env e;

	env_init(&e);
	pa = unbound(e.a, 2);
	host_kill(e.b);
	e.b = host_dom(&e.h, 2, 0);
	ck_assert_int_eq(hv_evtchn_bind_interdomain(e.b, 1, pa, &p), -EINVAL);
	/* the fallback after a close as well */
	connect(&e, &pa, &p);
	host_kill(e.b);
	ck_assert_uint_eq(status(e.a, pa), EVTCHNSTAT_unbound);
	e.b = host_dom(&e.h, 2, 0);
	ck_assert_int_eq(hv_evtchn_bind_interdomain(e.b, 1, pa, &p), -EINVAL);
	host_end(&e.h);
}
END_TEST

/* Nobody has the number yet: the port waits for who will. */
START_TEST(test_bind_unborn)
{
	struct evtchn_status st;
	uint32_t pa, p, budget = 1;
	struct hv_dom *late;
	struct env e;

	env_init(&e);
	pa = unbound(e.a, 9);
	ck_assert_int_eq(hv_evtchn_send(e.a, pa), 0);
	ck_assert_int_eq(hv_evtchn_bind_interdomain(e.b, 1, pa, &p), -EINVAL);
	ck_assert_int_eq(hv_evtchn_status(e.a, DOMID_SELF, pa, &st), 0);
	ck_assert_uint_eq(st.status, EVTCHNSTAT_unbound);
	ck_assert_uint_eq(st.u.unbound.dom, 9);
	/* the first one does not come, the second one does */
	host_kill(host_dom(&e.h, 9, 0));
	late = host_dom(&e.h, 9, 0);
	ck_assert_int_eq(hv_evtchn_bind_interdomain(late, 1, pa, &p), 0);
	ck_assert(heard(late, p));
	ck_assert_int_eq(hv_evtchn_send(late, p), 0);
	ck_assert(heard(e.a, pa));
	/* once it was somebody's it is not a later one's */
	host_kill(late);
	late = host_dom(&e.h, 9, 0);
	ck_assert_int_eq(hv_evtchn_bind_interdomain(late, 1, pa, &p), -EINVAL);
	/* who is dying binds nothing any more: it is the next one's */
	for (int i = 0; i < 2; i++)
		unbound(late, 1);
	ck_assert_int_eq(hv_dom_destroy(late, &budget), -ERESTART);
	pa = unbound(e.a, 9);
	host_kill(late);
	late = host_dom(&e.h, 9, 0);
	ck_assert_int_eq(hv_evtchn_bind_interdomain(late, 1, pa, &p), 0);
	host_end(&e.h);
}
END_TEST

/* What can never be a domain's number is refused. */
START_TEST(test_bind_reserved)
{
	static const uint32_t bad[] = {DOMID_SELF + 1, DOMID_IO, DOMID_XEN,
		DOMID_COW, DOMID_INVALID, DOMID_IDLE, 0x8000, 0xffff, 0x10000,
		UINT32_MAX};
	struct env e;
	uint32_t p;

	env_init(&e);
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_int_eq(
			hv_evtchn_alloc_unbound(e.a, DOMID_SELF, bad[i], &p),
			-ESRCH);
		ck_assert_int_eq(
			hv_evtchn_alloc_unbound(e.dom0, 1, bad[i], &p), -ESRCH);
	}
	ck_assert_uint_eq(e.a->ev.active, 0);
	unbound(e.a, DOMID_FIRST_RESERVED - 1);
	host_end(&e.h);
}
END_TEST

/* E1 (XSA-317): the first refused allocation changes nothing. */
START_TEST(test_e1_exhaust)
{
	uint32_t port, n = 0;
	struct env e;
	int r;

	env_init(&e);
	while ((r = hv_evtchn_alloc_unbound(e.a, DOMID_SELF, 2, &port)) == 0)
		n++;
	ck_assert_int_eq(r, -ENOSPC);
	ck_assert_uint_eq(n, 4095);
	ck_assert_uint_eq(e.a->ev.active, 4095);
	ck_assert_int_eq(hv_evtchn_bind_ipi(e.a, 0, &port), -ENOSPC);
	port = unbound(e.b, 1);
	ck_assert_int_eq(
		hv_evtchn_bind_interdomain(e.a, 2, port, &port), -ENOSPC);
	ck_assert_uint_eq(status(e.b, port), EVTCHNSTAT_unbound);
	/* the lowest free one comes back */
	ck_assert_int_eq(hv_evtchn_close(e.a, 2000), 0);
	ck_assert_int_eq(hv_evtchn_close(e.a, 1000), 0);
	ck_assert_uint_eq(unbound(e.a, 2), 1000);
	ck_assert_uint_eq(unbound(e.a, 2), 2000);
	host_end(&e.h);
}
END_TEST

/* E2 (XSA-342), E6: the last port is bits * bits - 1. */
START_TEST(test_e2_limits)
{
	static const struct {
		uint8_t bits;
		uint32_t cfg, limit, last;
	} rows[] = {{32, 0, 0, 1023}, {64, 0, 0, 4095}, {32, 2000, 0, 1023},
		{64, 100, 0, 99}, {64, 0, 256, 255}, {64, 0, 9000, 4095}};
	uint32_t port, last;

	for (unsigned int i = 0; i < 6; i++) {
		struct hv_limits l = {
			.max_grant_frames = 1, .max_ports = rows[i].limit};
		struct hv_dom_config cfg = {
			.bits = rows[i].bits, .max_ports = rows[i].cfg};
		struct test_host h = {0};
		struct hv_dom *d;

		ck_assert(host_init(&h, &l));
		ck_assert_int_eq(hv_dom_create(h.hv, 1, &cfg, &d), 0);
		last = 0;
		while (hv_evtchn_alloc_unbound(d, DOMID_SELF, 1, &port) == 0)
			last = port;
		ck_assert_uint_eq(last, rows[i].last);
		ck_assert_int_eq(hv_evtchn_send(d, last), 0);
		ck_assert_int_eq(hv_evtchn_send(d, last + 1), -EINVAL);
		host_end(&h);
	}
}
END_TEST

/* As EVTCHNOP_reset does it, which remembers these between its steps. */
struct reset {
	struct hv_dom *d;
	uint64_t token;
};

static int reset(
	struct hv_dom *caller, uint32_t domid, struct reset *r, uint32_t budget)
{
	int err = 0;

	if (!r->token)
		err = evtchn_reset_target(caller, domid, &r->d);
	if (!err && !r->token)
		dom_put(r->d); /* nobody dies here */
	if (!err)
		err = evtchn_reset_step(r->d, &r->token, &budget);
	hv_check(caller->hv);
	return err;
}

static uint64_t ports_of(struct hv_dom *d)
{
	return d->ev.active;
}

/* E3 (XSA-343, 344): a reset and somebody else, at every step. */
START_TEST(test_e3_reset)
{
	uint32_t port, pa, pb;
	int r;

	for (unsigned int what = 0; what < 5; what++) {
		for (unsigned int when = 0; when < 8; when++) {
			unsigned int step = 0;
			struct reset rs = {0};
			bool late = false;
			struct env e;

			env_init(&e);
			connect(&e, &pa, &pb);
			for (int i = 0; i < 4; i++)
				unbound(e.a, 2);
			do {
				if (step++ == when) {
					late = true;
					switch (what) {
					case 0: unbound(e.a, 2); break;
					case 1:
						r = hv_evtchn_bind_interdomain(
							e.b, 1, 3, &port);
						ck_assert(!r || r == -EINVAL);
						break;
					case 2:
						(void)hv_evtchn_send(e.b, pb);
						break;
					case 3:
						(void)hv_evtchn_close(e.a, 4);
						break;
					default: host_kill(e.b); break;
					}
				}
				r = reset(e.a, DOMID_SELF, &rs, 1);
			} while (r == -ERESTART);
			/* either all is gone, or it says so */
			ck_assert(r == 0 || r == -EAGAIN);
			ck_assert_int_eq(r == 0, ports_of(e.a) == 0);
			if (what != 0 || !late)
				ck_assert_int_eq(r, 0);
			host_end(&e.h);
		}
	}
}
END_TEST

START_TEST(test_reset_rights)
{
	struct reset first = {0}, second = {0};
	struct env e;

	env_init(&e);
	for (int i = 0; i < 3; i++)
		unbound(e.a, 2);
	ck_assert_int_eq(reset(e.b, 1, &first, 100), -EPERM);
	ck_assert_int_eq(reset(e.dom0, 9, &first, 100), -ESRCH);
	/* it runs */
	ck_assert_int_eq(reset(e.dom0, 1, &first, 100), -EINVAL);
	ck_assert_uint_eq(ports_of(e.a), 3);
	ck_assert_int_eq(hv_dom_pause(e.a), 0);
	ck_assert_int_eq(reset(e.dom0, 1, &first, 1), -ERESTART);
	/* E3: a second one has to wait, also for itself */
	ck_assert_int_eq(reset(e.a, DOMID_SELF, &second, 100), -EBUSY);
	ck_assert_int_eq(reset(e.dom0, 1, &first, 100), 0);
	ck_assert_uint_eq(e.a->ev.active, 0);
	ck_assert_int_eq(reset(e.a, DOMID_SELF, &second, 100), 0);
	host_end(&e.h);
}
END_TEST

/* The one who began gave up: the next one may begin anew. */
START_TEST(test_reset_orphan)
{
	struct reset first = {0}, second = {0};
	struct env e;

	env_init(&e);
	for (int i = 0; i < 3; i++)
		unbound(e.a, 2);
	ck_assert_int_eq(hv_dom_set_target(e.b, 1), 0);
	ck_assert_int_eq(hv_dom_pause(e.a), 0);
	ck_assert_int_eq(reset(e.b, 1, &first, 1), -ERESTART);
	/* not somebody else's, and not none */
	evtchn_reset_abort(e.a, first.token + 1);
	evtchn_reset_abort(e.a, 0);
	ck_assert_int_eq(reset(e.dom0, 1, &second, 100), -EBUSY);
	evtchn_reset_abort(e.a, first.token);
	ck_assert_int_eq(reset(e.dom0, 1, &second, 1), -ERESTART);
	/* he comes back, and it is not his any more */
	ck_assert_int_eq(reset(e.b, 1, &first, 100), -EAGAIN);
	ck_assert_uint_eq(ports_of(e.a), 1);
	ck_assert_int_eq(reset(e.dom0, 1, &second, 100), 0);
	host_end(&e.h);
}
END_TEST

/* E4 (XSA-496): who cannot bind one VIRQ takes nothing from the others. */
START_TEST(test_e4_virq)
{
	uint32_t exc, port;
	struct env e;

	env_init(&e);
	ck_assert_int_eq(hv_evtchn_bind_virq(e.dom0, VIRQ_DOM_EXC, 0, &exc), 0);
	while (hv_evtchn_alloc_unbound(e.a, DOMID_SELF, 2, &port) == 0)
		;
	ck_assert_int_eq(
		hv_evtchn_bind_virq(e.a, VIRQ_DEBUG, 0, &port), -ENOSPC);
	ck_assert_int_eq(
		hv_evtchn_bind_virq(e.a, VIRQ_DOM_EXC, 0, &port), -ENOSPC);
	hv_dom_shutdown(e.b, 0);
	ck_assert(heard(e.dom0, exc));
	host_end(&e.h);
}
END_TEST

START_TEST(test_virq_bind)
{
	struct hv_dom_config cfg = {.bits = 64, .max_vcpus = 2};
	uint32_t port, p2;
	struct hv_dom *d;
	struct env e;

	env_init(&e);
	ck_assert_int_eq(hv_dom_create(e.h.hv, 5, &cfg, &d), 0);
	ck_assert_int_eq(hv_evtchn_bind_virq(d, 24, 0, &port), -EINVAL);
	ck_assert_int_eq(
		hv_evtchn_bind_virq(d, VIRQ_CON_RING, 1, &port), -EINVAL);
	ck_assert_int_eq(hv_evtchn_bind_virq(d, VIRQ_TIMER, 2, &port), -ENOENT);
	ck_assert_int_eq(hv_evtchn_bind_ipi(d, 2, &port), -ENOENT);
	ck_assert_int_eq(hv_evtchn_bind_virq(d, VIRQ_TIMER, 1, &port), 0);
	ck_assert_int_eq(hv_evtchn_bind_virq(d, VIRQ_TIMER, 1, &p2), -EEXIST);
	ck_assert_int_eq(hv_evtchn_bind_virq(d, VIRQ_TIMER, 0, &p2), 0);
	/* nobody sends through one */
	ck_assert_int_eq(hv_evtchn_send(d, port), -EINVAL);
	ck_assert_int_eq(hv_evtchn_close(d, port), 0);
	ck_assert_int_eq(hv_evtchn_bind_virq(d, VIRQ_TIMER, 1, &port), 0);
	/* IPIs go to oneself */
	ck_assert_int_eq(hv_evtchn_bind_ipi(d, 1, &port), 0);
	ck_assert_int_eq(hv_evtchn_send(d, port), 0);
	ck_assert(heard(d, port));
	host_end(&e.h);
}
END_TEST

/* A global VIRQ that moved to another vCPU is still the one of vCPU 0. */
START_TEST(test_bind_vcpu)
{
	struct hv_dom_config cfg = {.bits = 64, .max_vcpus = 2};
	uint32_t exc, timer, ipi, un;
	struct evtchn_status st;
	struct hv_dom *d;
	struct env e;

	env_init(&e);
	ck_assert_int_eq(hv_dom_create(e.h.hv, 5, &cfg, &d), 0);
	ck_assert_int_eq(hv_evtchn_bind_virq(d, VIRQ_DOM_EXC, 0, &exc), 0);
	ck_assert_int_eq(hv_evtchn_bind_virq(d, VIRQ_TIMER, 0, &timer), 0);
	ck_assert_int_eq(hv_evtchn_bind_ipi(d, 0, &ipi), 0);
	un = unbound(d, 1);
	ck_assert_int_eq(evtchn_bind_vcpu(d, exc, 2), -ENOENT);
	ck_assert_int_eq(evtchn_bind_vcpu(d, 99, 1), -EINVAL);
	ck_assert_int_eq(evtchn_bind_vcpu(d, timer, 1), -EINVAL);
	ck_assert_int_eq(evtchn_bind_vcpu(d, ipi, 1), -EINVAL);
	ck_assert_int_eq(evtchn_bind_vcpu(d, un, 1), 0);
	ck_assert_int_eq(evtchn_bind_vcpu(d, exc, 1), 0);
	ck_assert_int_eq(hv_evtchn_status(d, DOMID_SELF, exc, &st), 0);
	ck_assert_uint_eq(st.vcpu, 1);
	hv_check(e.h.hv);
	ck_assert_int_eq(hv_evtchn_close(d, exc), 0);
	ck_assert_int_eq(hv_evtchn_bind_virq(d, VIRQ_DOM_EXC, 0, &exc), 0);
	host_end(&e.h);
}
END_TEST

START_TEST(test_status)
{
	struct evtchn_status st;
	uint32_t pa, pb, un, p;
	struct env e;

	env_init(&e);
	connect(&e, &pa, &pb);
	un = unbound(e.a, 0);
	ck_assert_int_eq(hv_evtchn_bind_virq(e.a, VIRQ_DEBUG, 0, &p), 0);
	ck_assert_int_eq(hv_evtchn_status(e.dom0, 1, pa, &st), 0);
	ck_assert_uint_eq(st.status, EVTCHNSTAT_interdomain);
	ck_assert_uint_eq(st.u.interdomain.dom, 2);
	ck_assert_uint_eq(st.u.interdomain.port, pb);
	ck_assert_int_eq(hv_evtchn_status(e.dom0, 1, un, &st), 0);
	ck_assert_uint_eq(st.status, EVTCHNSTAT_unbound);
	ck_assert_uint_eq(st.u.unbound.dom, 0);
	ck_assert_int_eq(hv_evtchn_status(e.dom0, 1, p, &st), 0);
	ck_assert_uint_eq(st.status, EVTCHNSTAT_virq);
	ck_assert_uint_eq(st.u.virq, VIRQ_DEBUG);
	ck_assert_uint_eq(status(e.a, 0), EVTCHNSTAT_closed);
	ck_assert_uint_eq(status(e.a, 100), EVTCHNSTAT_closed);
	ck_assert_int_eq(hv_evtchn_status(e.a, DOMID_SELF, 128, &st), -EINVAL);
	ck_assert_int_eq(hv_evtchn_status(e.a, 2, pb, &st), -EPERM);
	ck_assert_int_eq(hv_evtchn_status(e.dom0, 9, pb, &st), -ESRCH);
	host_end(&e.h);
}
END_TEST

/* E5: one end closes, both close, one closes and is bound elsewhere. */
START_TEST(test_e5_close)
{
	uint32_t pa, pb, p;
	struct env e;

	env_init(&e);
	connect(&e, &pa, &pb);
	ck_assert_int_eq(hv_evtchn_close(e.a, pa), 0);
	ck_assert_int_eq(hv_evtchn_close(e.a, pa), -EINVAL);
	ck_assert_uint_eq(status(e.b, pb), EVTCHNSTAT_unbound);
	ck_assert_int_eq(hv_evtchn_send(e.b, pb), 0); /* nobody hears */
	/* the closer may come back */
	ck_assert_int_eq(hv_evtchn_bind_interdomain(e.a, 2, pb, &p), 0);
	ck_assert_int_eq(hv_evtchn_close(e.b, pb), 0);
	ck_assert_uint_eq(status(e.a, p), EVTCHNSTAT_unbound);
	/* the number is used again, for somebody else: a's port, which waits
	 * for b, does not become part of it */
	p = unbound(e.b, 0);
	ck_assert_uint_eq(p, pb);
	ck_assert_int_eq(hv_evtchn_bind_interdomain(e.dom0, 2, p, &p), 0);
	ck_assert_int_eq(hv_evtchn_close(e.a, pa), 0);
	ck_assert_uint_eq(status(e.b, pb), EVTCHNSTAT_interdomain);
	/* a port that pends is closed: the next one of that number does not */
	ck_assert_int_eq(hv_evtchn_send(e.dom0, p), 0);
	ck_assert(hv_evtchn_is_pending(e.b, pb));
	ck_assert_int_eq(hv_evtchn_close(e.b, pb), 0);
	ck_assert(!hv_evtchn_is_pending(e.b, pb));
	host_end(&e.h);
}
END_TEST

/* A port connected to oneself. */
START_TEST(test_loop)
{
	uint32_t p, q;
	struct env e;

	env_init(&e);
	p = unbound(e.a, DOMID_SELF);
	ck_assert_int_eq(hv_evtchn_bind_interdomain(e.a, DOMID_SELF, p, &q), 0);
	ck_assert_int_eq(hv_evtchn_send(e.a, p), 0);
	ck_assert(heard(e.a, q));
	host_kill(e.a);
	ck_assert_int_eq(e.h.bindings, 0);
	host_end(&e.h);
}
END_TEST

START_TEST(test_alloc_for_another)
{
	uint32_t port;
	struct env e;

	env_init(&e);
	ck_assert_int_eq(hv_evtchn_alloc_unbound(e.dom0, 1, 2, &port), 0);
	ck_assert_int_eq(hv_evtchn_bind_interdomain(e.b, 1, port, &port), 0);
	ck_assert_int_eq(hv_evtchn_alloc_unbound(e.a, 2, 1, &port), -EPERM);
	ck_assert_int_eq(hv_evtchn_alloc_unbound(e.dom0, 9, 1, &port), -ESRCH);
	ck_assert_int_eq(hv_dom_set_target(e.b, 1), 0);
	ck_assert_int_eq(hv_evtchn_alloc_unbound(e.b, 1, 0, &port), 0);
	host_end(&e.h);
}
END_TEST

/* From now on the bits are in the guest's page, in the guest's layout. */
START_TEST(test_shared_info)
{
	for (unsigned int bits = 32; bits <= 64; bits += 32) {
		struct hv_dom_config cfg = {.bits = (uint8_t)bits};
		uint32_t exc, p, port = 0;
		uint8_t *page;
		struct hv_dom *d;
		struct env e;

		env_init(&e);
		ck_assert_int_eq(hv_dom_create(e.h.hv, 5, &cfg, &d), 0);
		ck_assert_int_eq(hv_evtchn_bind_ipi(d, 0, &exc), 0);
		while (port < 700)
			ck_assert_int_eq(hv_evtchn_bind_ipi(d, 0, &port), 0);
		ck_assert_int_eq(hv_evtchn_send(d, exc), 0);
		host_mask(d, exc);
		ck_assert_int_eq(evtchn_share(d), 0);
		ck_assert_int_eq(evtchn_share(d), 0);
		page = d->shared_info->va;
		ck_assert_uint_eq(page[2048], 1u << exc);
		ck_assert_uint_eq(
			page[2048 + (bits == 64 ? 512 : 128)], 1u << exc);
		ck_assert_int_eq(hv_evtchn_send(d, port), 0);
		ck_assert_uint_eq(page[2048 + port / 8], 1u << port % 8);
		/* vcpu_info 0: the upcall and the word of the selector */
		ck_assert_uint_eq(page[0], 1);
		p = port / bits;
		ck_assert_uint_eq(
			page[(bits == 64 ? 8 : 4) + p / 8], 1u << p % 8);
		/* E3 does not bind the guest: it may write what it likes */
		memset(page, 0xff, HV_PAGE_SIZE);
		ck_assert_int_eq(hv_evtchn_close(d, port), 0);
		hv_check(e.h.hv);
		host_kill(d);
		host_end(&e.h);
	}
}
END_TEST

/* What is dying opens no port, and nobody connects to it. */
START_TEST(test_dying)
{
	uint32_t port, pa, pb, budget = 1;
	struct reset rs = {0};
	struct env e;

	env_init(&e);
	pa = unbound(e.a, 2);
	unbound(e.a, 2);
	pb = unbound(e.b, 1);
	ck_assert_int_eq(hv_dom_destroy(e.a, &budget), -ERESTART);
	ck_assert_int_eq(hv_evtchn_alloc_unbound(e.dom0, 1, 2, &port), -EINVAL);
	ck_assert_int_eq(
		hv_evtchn_bind_interdomain(e.b, 1, pa + 1, &port), -EINVAL);
	ck_assert_int_eq(
		hv_evtchn_bind_interdomain(e.a, 2, pb, &port), -EINVAL);
	ck_assert_int_eq(
		hv_evtchn_bind_virq(e.a, VIRQ_DEBUG, 0, &port), -EINVAL);
	ck_assert_int_eq(hv_evtchn_bind_ipi(e.a, 0, &port), -EINVAL);
	ck_assert_int_eq(reset(e.dom0, 1, &rs, 100), -EINVAL);
	host_end(&e.h);
}
END_TEST

BH_CHECK_MAIN("evtchn", 60, BH_TEST(test_dying), BH_TEST(test_send),
	BH_TEST(test_mask), BH_TEST(test_bind_refused),
	BH_TEST(test_bind_generation), BH_TEST(test_bind_unborn),
	BH_TEST(test_bind_reserved), BH_TEST(test_e1_exhaust),
	BH_TEST(test_e2_limits), BH_TEST(test_e3_reset),
	BH_TEST(test_reset_rights), BH_TEST(test_reset_orphan),
	BH_TEST(test_e4_virq), BH_TEST(test_virq_bind), BH_TEST(test_bind_vcpu),
	BH_TEST(test_status), BH_TEST(test_e5_close), BH_TEST(test_loop),
	BH_TEST(test_alloc_for_another), BH_TEST(test_shared_info))
