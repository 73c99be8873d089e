/* SPDX-License-Identifier: MIT */
/* later.c: giving back, in slices. */
#include "hv/hvd/later.h"

#include <event2/event.h>

#include "hv/hvd/session.h"
#include "hv/hvd/vdom.h"
#include "hv/hvd/window.h"

bool later_spend(struct hvd *h, uint32_t units)
{
	if (!h->spare)
		return false;
	/* one piece of work may be larger than what was left */
	h->spare -= units < h->spare ? units : h->spare;
	return true;
}

void later_session(struct session *s)
{
	TAILQ_INSERT_TAIL(&s->vd->h->closing, s, later);
	hvd_kick(s->vd->h);
}

void later_window(struct hvd *h, struct window *w)
{
	TAILQ_INSERT_TAIL(&h->leaving, w, entry);
	if (w->payer) {
		w->payer->n_leaving++;
		w->payer->leaving_pages += w->pages;
	}
	hvd_kick(h);
}

bool later_is_behind(const struct vdom *vd)
{
	return vd->leaving_pages > LATER_PAGES_MAX;
}

bool later_is_empty(const struct hvd *h)
{
	return TAILQ_EMPTY(&h->closing) && TAILQ_EMPTY(&h->leaving);
}

static void close_windows(struct hvd *h)
{
	struct window *w;

	while ((w = TAILQ_FIRST(&h->leaving)) && h->spare) {
		struct vdom *payer = w->payer;
		uint32_t pages = w->pages;
		bool gone;

		TAILQ_REMOVE(&h->leaving, w, entry);
		gone = window_close(h, w);
		/* a large one takes its turn again behind the others */
		if (!gone)
			TAILQ_INSERT_TAIL(&h->leaving, w, entry);
		if (!payer)
			continue;
		payer->leaving_pages -= gone ? pages : pages - w->pages;
		payer->n_leaving -= gone;
	}
}

static void on_later(int fd, short what, void *arg)
{
	hvd_kick(arg);
}

void later_turn(struct hvd *h)
{
	static const struct timeval now = {0, 0};
	struct session *s;

	h->spare = LATER_UNITS;
	while ((s = TAILQ_FIRST(&h->closing)) && h->spare) {
		TAILQ_REMOVE(&h->closing, s, later);
		/* not done: the next one's turn */
		if (!session_close(s))
			TAILQ_INSERT_TAIL(&h->closing, s, later);
	}
	close_windows(h);
	h->spare = LATER_UNITS;
	if (later_is_empty(h))
		return;
	/* by a timer, not a kick: who waits for an answer comes before it */
	if (!h->ev_later)
		h->ev_later = event_new(h->base, -1, 0, on_later, h);
	if (!h->ev_later || event_add(h->ev_later, &now) < 0)
		hvd_kick(h);
}
