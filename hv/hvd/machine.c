/* SPDX-License-Identifier: MIT */
/* machine.c: the machine inside hvd: engine, loop, dom0, the end. */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "hv/hvd/admin.h"
#include "hv/hvd/later.h"
#include "hv/hvd/session.h"
#include "hv/hvd/share.h"
#include "hv/hvd/spawn.h"
#include "hv/hvd/unmapped.h"
#include "hv/hvd/vdom.h"

void hvd_kick(struct hvd *h)
{
	event_active(h->kick, 0, 0);
}

static void on_backoff(int fd, short what, void *arg)
{
	struct hvd *h = arg;
	struct vdom *vd;

	/* those that listen already are not harmed */
	if (h->ev_admin)
		event_add(h->ev_admin, NULL);
	TAILQ_FOREACH (vd, &h->vdoms, entry)
		if (vd->ev_listen)
			event_add(vd->ev_listen, NULL);
}

void hvd_backoff(struct hvd *h, struct event *listener)
{
	static const struct timeval tv = {0, 100000};

	if (event_pending(h->ev_backoff, EV_TIMEOUT, NULL) ||
		event_add(h->ev_backoff, &tv) == 0)
		event_del(listener);
}

static void stop(struct hvd *h)
{
	struct vdom *vd, *next, *dom0 = vdom_find(h, 0);

	for (vd = TAILQ_FIRST(&h->vdoms); vd; vd = next) {
		next = TAILQ_NEXT(vd, entry);
		if (vd != dom0)
			vdom_destroy(vd);
	}
	if (dom0)
		vdom_destroy(dom0);
}

/* What callbacks left to do, outside all of them. */
static void on_turn_end(int fd, short what, void *arg)
{
	struct hvd *h = arg;

	if (h->stopping && !h->stopped) {
		h->stopped = true;
		hvd_log("machine stops");
		stop(h);
	}
	later_turn(h);
	vdoms_turn_end(h);
	sessions_reap(h);
	admins_reap(h);
	if (h->stopped && TAILQ_EMPTY(&h->vdoms) && later_is_empty(h))
		event_base_loopbreak(h->base);
}

static void on_term(int sig, short what, void *arg)
{
	struct hvd *h = arg;

	h->stopping = true;
	hvd_kick(h);
}

static int make_dom0(struct hvd *h)
{
	struct hv_dom_config cfg = {
		.kind = HV_PV, .bits = 64, .control = true, .max_vcpus = 1};
	uint64_t gfn = 0;
	struct hv_run *run;
	struct hv_dom *d;
	int rc = hv_dom_create(h->hv, 0, &cfg, &d);

	if (rc)
		return rc;
	vdom_set_name(vdom_of(d), "Domain-0", 8);
	return hv_mem_populate(d, HV_RUN_RAM, h->dom0_pages, &gfn, &run);
}

static struct event *add(struct event *ev)
{
	if (ev && event_add(ev, NULL) < 0) {
		event_free(ev);
		return NULL;
	}
	return ev;
}

static int loop_init(struct hvd *h)
{
	TAILQ_INIT(&h->vdoms);
	TAILQ_INIT(&h->admins);
	TAILQ_INIT(&h->dead);
	TAILQ_INIT(&h->dead_admins);
	TAILQ_INIT(&h->closing);
	TAILQ_INIT(&h->leaving);
	h->spare = LATER_UNITS;
	h->base = event_base_new();
	if (!h->base)
		return -ENOMEM;
	h->kick = event_new(h->base, -1, 0, on_turn_end, h);
	h->ev_backoff = event_new(h->base, -1, 0, on_backoff, h);
	h->ev_chld = add(evsignal_new(h->base, SIGCHLD, spawn_reap, h));
	h->ev_term = add(evsignal_new(h->base, SIGTERM, on_term, h));
	h->ev_int = add(evsignal_new(h->base, SIGINT, on_term, h));
	return h->kick && h->ev_backoff && h->ev_chld && h->ev_term && h->ev_int
		       ? 0
		       : -ENOMEM;
}

int machine_init(struct hvd *h)
{
	struct hv_limits lim = {.max_pages = sysconf(_SC_PHYS_PAGES)};
	int rc = loop_init(h);

	if (rc)
		return rc;
	share_init(h);
	h->hv = hv_new(&hvd_host, h, &lim);
	if (!h->hv)
		return -ENOMEM;
	return make_dom0(h);
}

void machine_fini(struct hvd *h)
{
	event_free(h->kick);
	unmapped_fini(h);
	if (h->ev_later)
		event_free(h->ev_later);
	event_free(h->ev_backoff);
	event_free(h->ev_chld);
	event_free(h->ev_term);
	event_free(h->ev_int);
	hv_free(h->hv);
	event_base_free(h->base);
	if (h->engine_bytes)
		hvd_log("engine kept %zu bytes", h->engine_bytes);
}
