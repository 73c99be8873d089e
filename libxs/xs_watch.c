/* SPDX-License-Identifier: MIT */
/* xs_watch.c - watches and their events */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "libxs/xs_int.h"

/* The library's own thread: from the second of watch and descriptor on. */
static bool reader_want(struct xs_handle *h)
{
	if (!h->watched || h->event_fd < 0 || h->x->err)
		return true;
	return xs_reader_start(h);
}

static bool watch_begin(
	struct xs_handle *h, const char *path, const char *token)
{
	bool ok;

	xs_lock(h);
	h->watched = true;
	ok = reader_want(h) && evq_watch(&h->events, path, token);
	xs_unlock(h);
	return ok;
}

static void watch_end(struct xs_handle *h, const char *path, const char *token)
{
	xs_lock(h);
	evq_unwatch(&h->events, path, token);
	xs_event_show(h);
	xs_unlock(h);
}

static bool watch(struct xs_handle *h, const char *path, const char *token,
	const char *depth)
{
	struct iovec iov[3] = {xs_iov(path), xs_iov(token)};
	int err;

	if (depth)
		iov[2] = xs_iov(depth);
	/* Known before it is set: its first event may overtake the answer. */
	if (!watch_begin(h, path, token))
		return false;
	if (xs_call_ok(h, XS_OP_WATCH, XBT_NULL, iov, depth ? 3 : 2))
		return true;
	err = errno;
	watch_end(h, path, token);
	errno = err;
	return false;
}

bool xs_watch(struct xs_handle *h, const char *path, const char *token)
{
	return watch(h, path, token, NULL);
}

/*
 * Asked each time: the answer may be another one after an update of the
 * daemon, and an old daemon would refuse the third string as a bad request.
 */
static bool depths_known(struct xs_handle *h)
{
	unsigned int features;

	if (!h->x->chan.depths)
		errno = ENOSYS;
	else if (xs_get_features_supported(h, &features)) {
		if (features & XSRING_FEATURE_WATCHDEPTH)
			return true;
		errno = ENOSYS;
	}
	return false;
}

bool xs_watch_depth(struct xs_handle *h, const char *path, const char *token,
	unsigned int depth)
{
	char text[MAX_STRLEN(unsigned int)];

	if (!depths_known(h))
		return false;
	snprintf(text, sizeof(text), "%u", depth);
	return watch(h, path, token, text);
}

bool xs_watch_try_depth(struct xs_handle *h, const char *path,
	const char *token, unsigned int depth)
{
	if (xs_watch_depth(h, path, token, depth))
		return true;
	/* anything else, a quota say, is no reason to try without */
	if (errno != ENOSYS)
		return false;
	return xs_watch(h, path, token);
}

bool xs_unwatch(struct xs_handle *h, const char *path, const char *token)
{
	struct iovec iov[] = {xs_iov(path), xs_iov(token)};

	if (!xs_call_ok(h, XS_OP_UNWATCH, XBT_NULL, iov, 2))
		return false;
	xs_lock(h);
	if (h->flags & XS_UNWATCH_FILTER)
		evq_filter(&h->events, path, token);
	xs_unlock(h);
	watch_end(h, path, token);
	return true;
}

int xs_fileno(struct xs_handle *h)
{
	int fd;

	xs_lock(h);
	if (h->event_fd < 0)
		h->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fd = h->event_fd;
	if (fd >= 0 && !reader_want(h))
		fd = -1;
	if (fd >= 0)
		xs_event_show(h);
	xs_unlock(h);
	return fd;
}

/* With the lock: an event, or NULL with errno. */
static char **pop(struct xs_handle *h)
{
	char **vec = evq_pop(&h->events);
	int err = errno;

	if (!vec && err == EAGAIN && h->x->err) {
		err = h->x->err;
		h->end_seen = true;
	}
	xs_event_show(h);
	errno = err;
	return vec;
}

/* With the lock: take what has come, if nobody else does that. */
static void look(struct xs_handle *h)
{
	ssize_t r;

	while (!h->reading && !evq_ready(&h->events) && !h->x->err) {
		r = xsx_fill(h->x, false);
		if (r == -EAGAIN)
			return;
		xsx_dispatch(h->x, r);
		xs_settle(h);
	}
}

char **xs_check_watch(struct xs_handle *h)
{
	int saved = errno, err;
	char **vec;

	xs_lock(h);
	if (!xs_reader_runs(h))
		look(h);
	vec = pop(h);
	err = vec ? saved : errno;
	xs_unlock(h);
	errno = err;
	return vec;
}

char **xs_read_watch(struct xs_handle *h, unsigned int *num)
{
	int saved = errno, err;
	struct xs_waiter w;
	char **vec;

	xs_waiter_init(&w);
	w.event = true;
	xs_lock(h);
	while (!(vec = pop(h)) && errno == EAGAIN)
		xs_step(h, &w, XSX_NEVER);
	err = vec ? saved : errno;
	xs_waiter_fini(h, &w);
	xs_unlock(h);
	if (vec && num)
		*num = 2;
	errno = err;
	return vec;
}
