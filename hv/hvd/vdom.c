/* SPDX-License-Identifier: MIT */
/* vdom.c: the host side of a domain: life and death. */
#include "hv/hvd/vdom.h"

#include <errno.h>
#include <event2/event.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hv/core/grant.h"
#include "hv/hvd/admin.h"
#include "hv/hvd/session.h"
#include "hv/hvd/spawn.h"
#include "hv/hvd/unmapped.h"

int vdom_new(struct hvd *h, struct hv_dom *d)
{
	struct vdom *vd = calloc(1, sizeof(*vd));

	if (!vd)
		return -ENOMEM;
	vd->h = h;
	vd->d = d;
	vd->domid = hv_dom_id(d);
	vd->gen = hv_dom_gen(d);
	vd->events.fd = -1;
	vd->birth_fd = vd->listen_fd = -1;
	snprintf(vd->name, sizeof(vd->name), "d%u", vd->domid);
	TAILQ_INIT(&vd->sessions);
	TAILQ_INSERT_TAIL(&h->vdoms, vd, entry);
	hv_dom_set_host(d, vd);
	return 0;
}

struct vdom *vdom_find(struct hvd *h, uint32_t domid)
{
	struct hv_dom *d = hv_dom_find(h->hv, domid);

	return d ? vdom_of(d) : NULL;
}

void vdom_set_name(struct vdom *vd, const char *name, size_t len)
{
	if (len > sizeof(vd->name) - 1)
		len = sizeof(vd->name) - 1;
	for (size_t i = 0; i < len; i++)
		vd->name[i] = name[i] > ' ' && name[i] < 127 ? name[i] : '?';
	vd->name[len] = '\0';
}

/* What was left out since the burst, as one line. */
static void log_settle(struct vdom *vd)
{
	unsigned int s, n = log_ctx_settle(&vd->log, log_now(), &s);

	if (n)
		hvd_log("d%u (%s): %u more lines in the last %u s", vd->domid,
			vd->name, n, s);
}

static void on_log(int fd, short what, void *arg)
{
	log_settle(arg);
}

static void log_settle_later(struct vdom *vd)
{
	static const struct timeval tv = {VDOM_LOG_SECONDS, 0};

	if (!vd->ev_log)
		vd->ev_log = event_new(vd->h->base, -1, 0, on_log, vd);
	/* without memory for it the number is told at the domain's end */
	if (vd->ev_log && !event_pending(vd->ev_log, EV_TIMEOUT, NULL))
		event_add(vd->ev_log, &tv);
}

void vdom_log(struct vdom *vd, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	if (!log_ctx_hold(&vd->log, log_now())) {
		log_settle_later(vd);
		return;
	}
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	hvd_log("d%u (%s): %s", vd->domid, vd->name, text);
}

/* From inside the engine: record, and let the turn's end act. */
void vdom_event(struct vdom *vd, enum hv_dom_event ev)
{
	struct session *s;

	switch (ev) {
	case HV_DOM_CREATED: break;
	case HV_DOM_PAUSED:
	case HV_DOM_RUNNING:
	case HV_DOM_SHUTDOWN: vd->want_update = true; break;
	case HV_DOM_DYING:
		vd->dying = true;
		TAILQ_FOREACH (s, &vd->sessions, entry)
			session_detach(s);
		break;
	case HV_DOM_DEAD: break;
	case HV_DOM_FREED:
		vd->freed = true;
		vd->d = NULL;
		break;
	}
	hvd_kick(vd->h);
}

static void vdom_end(struct vdom *vd)
{
	struct session *s;

	while ((s = TAILQ_FIRST(&vd->sessions)))
		session_kill(s);
	vports_fini(vd);
	spawn_kill(vd);
}

static void vdom_free(struct vdom *vd)
{
	struct hvd *h = vd->h;

	TAILQ_REMOVE(&h->vdoms, vd, entry);
	log_settle(vd);
	if (vd->ev_log)
		event_free(vd->ev_log);
	event_page_fini(&vd->events);
	free(vd->deferred);
	free(vd);
	/* the machine is as it was at its start: so is our memory */
	if (TAILQ_FIRST(&h->vdoms) == TAILQ_LAST(&h->vdoms, vdom_list))
		malloc_trim(0);
}

void vdoms_turn_end(struct hvd *h)
{
	struct vdom *vd = TAILQ_FIRST(&h->vdoms), *next;

	for (; vd; vd = next) {
		next = TAILQ_NEXT(vd, entry);
		if (vd->want_update) {
			vd->want_update = false;
			if (!vd->dying)
				spawn_update(vd);
		}
		if (vd->dying && !vd->ended) {
			vd->ended = true;
			vdom_end(vd);
			hvd_log("d%u (%s): destroyed", vd->domid, vd->name);
			if (!vd->freed)
				unmapped_watch(h);
		}
		if (vd->freed && !vd->pid && !vd->n_leaving)
			vdom_free(vd);
	}
}

void vdom_destroy(struct vdom *vd)
{
	uint32_t budget;

	if (!vd->d)
		return;
	do {
		budget = HVD_BUDGET;
	} while (hv_dom_destroy(vd->d, &budget) == -ERESTART);
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

bool vdom_split_asked(struct vdom *vd, uint64_t gfn)
{
	uint64_t now = now_ms();
	uint32_t n = 0;

	for (uint32_t i = 0; i < VDOM_SPLITS; i++) {
		if (vd->splits[i].until <= now)
			continue;
		if (vd->splits[i].gfn == gfn)
			return true;
		n++;
	}
	return n == VDOM_SPLITS;
}

void vdom_split_note(struct vdom *vd, uint64_t gfn)
{
	uint64_t now = now_ms();

	for (uint32_t i = 0; i < VDOM_SPLITS; i++) {
		if (vd->splits[i].until > now)
			continue;
		vd->splits[i] = (struct vdom_split){gfn, now + VDOM_SPLIT_MS};
		return;
	}
}

void vdom_split_done(struct vdom *vd, uint64_t gfn)
{
	for (uint32_t i = 0; i < VDOM_SPLITS; i++)
		if (vd->splits[i].gfn == gfn)
			vd->splits[i].until = 0;
}

void vdom_defer_end(struct vdom *vd, uint32_t ref)
{
	uint32_t max = vd->max_deferred ? vd->max_deferred * 2 : 16, *p;

	if (vd->n_deferred == vd->max_deferred) {
		p = realloc(vd->deferred, max * sizeof(*p));
		/* without memory the entry stays unusable until the domain
		 * ends: its own loss */
		if (!p)
			return;
		vd->deferred = p;
		vd->max_deferred = max;
	}
	vd->deferred[vd->n_deferred++] = ref;
}

void vdom_end_deferred(struct vdom *vd)
{
	for (uint32_t i = vd->n_deferred; i-- > 0;) {
		if (hv_gnt_end(vd->d, vd->deferred[i]) == -EBUSY)
			continue;
		vd->deferred[i] = vd->deferred[--vd->n_deferred];
	}
}
