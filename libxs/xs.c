/* SPDX-License-Identifier: MIT */
/* xs.c - handles: opening, closing, and calls that wait for their answer */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "libxs/xs_int.h"

void xs_lock(struct xs_handle *h)
{
	pthread_mutex_lock(&h->lock);
}

void xs_unlock(struct xs_handle *h)
{
	pthread_mutex_unlock(&h->lock);
}

/* --- those who wait ------------------------------------------------------- */

static void cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}

void xs_waiter_init(struct xs_waiter *w)
{
	*w = (struct xs_waiter){.event = false};
	cond_init(&w->cond);
}

/* The role of the reader is free: somebody who needs it may have it. */
void xs_role_offer(struct xs_handle *h)
{
	struct xs_waiter *w;

	if (h->reading)
		return;
	if (h->thread_pid)
		pthread_cond_signal(&h->thread_cond);
	TAILQ_FOREACH (w, &h->waiters, link) {
		if (w->done)
			continue;
		pthread_cond_signal(&w->cond);
		return;
	}
}

/* There is room for so many more requests: wake as many who have one. */
static void room_offer(struct xs_handle *h)
{
	const struct xsx *x = h->x;
	unsigned int room = x->nr < x->nr_max ? x->nr_max - x->nr : 0;
	struct xs_waiter *w;

	TAILQ_FOREACH (w, &h->waiters, link) {
		if (!room)
			return;
		if (!w->room)
			continue;
		pthread_cond_signal(&w->cond);
		room--;
	}
}

void xs_settle(struct xs_handle *h)
{
	xsx_expire(h->x);
	(void)xsx_flush(h->x);
	xs_event_show(h);
	room_offer(h);
	xs_role_offer(h);
}

void xs_waiter_fini(struct xs_handle *h, struct xs_waiter *w)
{
	room_offer(h);
	xs_role_offer(h);
	pthread_cond_destroy(&w->cond);
}

static void events_announce(struct xs_handle *h, bool all)
{
	struct xs_waiter *w;

	TAILQ_FOREACH (w, &h->waiters, link)
		if (all || w->event)
			pthread_cond_signal(&w->cond);
}

static void sleep_until(
	struct xs_handle *h, struct xs_waiter *w, int64_t deadline)
{
	struct timespec ts = {
		.tv_sec = deadline / 1000,
		.tv_nsec = (long)(deadline % 1000) * 1000000,
	};

	TAILQ_INSERT_TAIL(&h->waiters, w, link);
	if (deadline == XSX_NEVER)
		pthread_cond_wait(&w->cond, &h->lock);
	else
		pthread_cond_timedwait(&w->cond, &h->lock, &ts);
	TAILQ_REMOVE(&h->waiters, w, link);
}

/* Without the lock, with the roles in @want. */
static ssize_t wait_and_fill(struct xsx *x, short want, int64_t deadline)
{
	struct chan *chan = &x->chan;
	short got;

	if (want == POLLIN && deadline == XSX_NEVER && chan->blocks)
		return xsx_fill(x, true);
	/* A ring has no state to poll: look before the wait. */
	if (chan->one_waiter) {
		ssize_t n = xsx_fill(x, false);

		if (n != -EAGAIN)
			return n;
	}
	got = chan->ops->poll(chan, want, -1, xsx_until(deadline));
	/* Anything else than space is for the receiver to find out. */
	if (!(want & POLLIN) || !(got & ~POLLOUT))
		return -EAGAIN;
	return xsx_fill(x, false);
}

void xs_step(struct xs_handle *h, struct xs_waiter *w, int64_t deadline)
{
	struct xsx *x = h->x;
	short want = 0;
	ssize_t r;

	/* Nobody else might: who received the last answer may be gone. */
	(void)xsx_flush(x);
	if (x->count || x->err) {
		/* refused; perhaps what @w waits for */
		xs_settle(h);
		return;
	}
	deadline = xsx_wake(x, deadline);
	if (!h->reading)
		want |= POLLIN;
	if (!h->writing && xsx_polls_out(x))
		want |= POLLOUT;
	if (!want) {
		sleep_until(h, w, deadline);
		xsx_expire(x);
		room_offer(h);
		return;
	}
	h->reading |= (want & POLLIN) != 0;
	h->writing |= (want & POLLOUT) != 0;
	xs_unlock(h);
	r = wait_and_fill(x, want, deadline);
	xs_lock(h);
	if (want & POLLIN) {
		h->reading = false;
		xsx_dispatch(x, r);
	}
	if (want & POLLOUT)
		h->writing = false;
	xs_settle(h);
}

void xs_event_show(struct xs_handle *h)
{
	bool ready = evq_ready(&h->events);
	bool ended = h->x->err && !h->end_seen;
	uint64_t one = 1;

	if (ready || ended)
		events_announce(h, ended);
	if (h->thread_pid && !evq_full(&h->events))
		pthread_cond_signal(&h->thread_cond);
	if (h->event_fd < 0)
		return;
	if ((ready || ended) && !h->event_shown) {
		h->event_shown = write(h->event_fd, &one, 8) == 8;
	} else if (!ready && !ended && h->event_shown) {
		(void)!read(h->event_fd, &one, 8);
		h->event_shown = false;
	}
}

/* --- calls ---------------------------------------------------------------- */

struct call {
	struct xs_waiter *w;
	unsigned int *left; /* answers that @w waits for */
	int err;
	void *data;
	size_t len;
};

static void answer_note(struct call *c, int err)
{
	c->err = err;
	if (--*c->left)
		return;
	c->w->done = true;
	pthread_cond_signal(&c->w->cond);
}

static void on_reply(void *arg, int err, const void *payload, size_t len)
{
	struct call *c = arg;

	if (!err) {
		c->data = malloc(len + 1);
		c->len = len;
		if (c->data) {
			memcpy(c->data, payload, len);
			((char *)c->data)[len] = '\0';
		} else {
			err = ENOMEM;
		}
	}
	answer_note(c, err);
}

/*
 * With the lock: queue @req, to be answered into @c.  What is over the limit
 * waits for its turn as for an answer, and as long: those before it may have
 * timed out, but count until they are answered.
 */
static void call_submit(
	struct xs_handle *h, const struct xsx_request *req, struct call *c)
{
	struct xsx_request own = *req;
	unsigned int ms = req->timeout_ms ? req->timeout_ms : h->x->timeout_ms;
	int64_t deadline = ms ? xsx_now() + ms : XSX_NEVER;

	own.fn = on_reply;
	own.arg = c;
	while (xsx_submit(h->x, &own)) {
		int err = errno;

		if (err == EAGAIN && xsx_now() >= deadline)
			err = ETIMEDOUT;
		if (err != EAGAIN) {
			answer_note(c, err);
			return;
		}
		c->w->room = true;
		xs_step(h, c->w, deadline);
		c->w->room = false;
	}
}

/* Until all of @nr requests are answered, each into its place in @calls. */
static void calls_run(struct xs_handle *h, const struct xsx_request *reqs,
	struct call *calls, unsigned int nr)
{
	unsigned int left = nr;
	struct xs_waiter w;

	xs_waiter_init(&w);
	xs_lock(h);
	for (unsigned int i = 0; i < nr; i++) {
		calls[i].w = &w;
		calls[i].left = &left;
		call_submit(h, &reqs[i], &calls[i]);
	}
	(void)xsx_flush(h->x);
	while (!w.done)
		xs_step(h, &w, h->x->next_deadline);
	xs_event_show(h);
	xs_waiter_fini(h, &w);
	xs_unlock(h);
}

void *xs_call(struct xs_handle *h, uint32_t type, xs_transaction_t t,
	const struct iovec *iov, unsigned int nr, size_t *len)
{
	struct xsx_request req = {.type = type, .tx = t, .iov = iov, .nr = nr};
	struct call c = {.err = 0};

	calls_run(h, &req, &c, 1);
	if (c.err) {
		errno = c.err;
		return NULL;
	}
	if (len)
		*len = c.len;
	/*
	 * As Xen's library does where a caller reads its own answer, and
	 * Xen's test-xenstore looks at it after a success.
	 */
	errno = 0;
	return c.data;
}

void xsx_handle_run(
	struct xs_handle *h, const struct xsx_request *reqs, unsigned int nr)
{
	int saved = errno;
	struct call *calls = calloc(nr, sizeof(*calls));

	if (calls && nr)
		calls_run(h, reqs, calls, nr);
	for (unsigned int i = 0; i < nr; i++) {
		struct call none = {.err = ENOMEM}, *c = &none;

		if (calls)
			c = &calls[i];
		if (reqs[i].fn)
			reqs[i].fn(reqs[i].arg, c->err, c->data, c->len);
		free(c->data);
	}
	free(calls);
	errno = saved;
}

bool xs_call_ok(struct xs_handle *h, uint32_t type, xs_transaction_t t,
	const struct iovec *iov, unsigned int nr)
{
	void *data = xs_call(h, type, t, iov, nr, NULL);

	free(data);
	return data;
}

/* --- handles -------------------------------------------------------------- */

static void on_event(void *arg, const char *path, const char *token)
{
	struct xs_handle *h = arg;

	evq_push(&h->events, path, token);
}

struct xs_handle *xsx_handle_open(const struct xsx_options *opts)
{
	struct xsx_options copy = opts ? *opts : (struct xsx_options){0};
	struct xs_handle *h = calloc(1, sizeof(*h));
	int err = errno;

	if (!h)
		return NULL;
	copy.on_event = on_event;
	copy.event_arg = h;
	h->x = xsx_open(&copy);
	if (!h->x) {
		err = errno;
		free(h);
		errno = err;
		return NULL;
	}
	h->flags = copy.flags;
	h->event_fd = -1;
	h->wake_fd = -1;
	pthread_mutex_init(&h->lock, NULL);
	cond_init(&h->thread_cond);
	TAILQ_INIT(&h->waiters);
	evq_init(&h->events);
	errno = err;
	return h;
}

void xsx_timeout_set(struct xs_handle *h, unsigned int timeout_ms)
{
	xs_lock(h);
	h->x->timeout_ms = timeout_ms;
	xs_unlock(h);
}

/*
 * Also what is left to do in the child after fork(): its parent's threads
 * are not there.  The calls they wait in must not be answered, and what one
 * of them was changing is left as it is, but for the descriptors.
 */
void xs_daemon_destroy_postfork(struct xs_handle *h)
{
	int err = errno;
	bool torn;

	if (!h)
		return;
	torn = pthread_mutex_trylock(&h->lock) != 0;
	xsx_forget(h->x, torn);
	if (h->event_fd >= 0)
		close(h->event_fd);
	if (h->wake_fd >= 0)
		close(h->wake_fd);
	if (!torn) {
		evq_fini(&h->events);
		xs_unlock(h);
		pthread_mutex_destroy(&h->lock);
		free(h);
	}
	errno = err;
}

void xs_close(struct xs_handle *h)
{
	int err = errno;

	if (!h)
		return;
	if (xs_reader_runs(h)) {
		xs_reader_stop(h);
		/* not in the child: it seems to be waited for there */
		pthread_cond_destroy(&h->thread_cond);
	}
	xs_daemon_destroy_postfork(h);
	errno = err;
}

struct xs_handle *xs_open(unsigned long flags)
{
	return xsx_handle_open(&(struct xsx_options){.flags = flags});
}

void xs_daemon_close(struct xs_handle *h)
{
	xs_close(h);
}

struct xs_handle *xs_daemon_open(void)
{
	return xs_open(0);
}

struct xs_handle *xs_domain_open(void)
{
	return xs_open(0);
}

struct xs_handle *xs_daemon_open_readonly(void)
{
	return xs_open(0);
}
