/* SPDX-License-Identifier: MIT */
/* evq.c - events that nobody has read yet */
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "libxs/evq.h"
#include "libxs/xenstore.h"
#include "wire/xsmsg.h"

/* A key of both trees is the first member: path and token. */
struct evq_event {
	char *vec[2]; /* what the reader gets is this block, from here */
	TAILQ_ENTRY(evq_event) link;
	size_t size;
	char text[];
};

struct evq_watch {
	char *vec[2];
	TAILQ_ENTRY(evq_watch) link;
	unsigned int refs;
	bool mark; /* an event of it did not fit */
	char text[];
};

/* Balanced trees: names that guests choose cannot make them slow. */
static int compare(const void *a, const void *b)
{
	char *const *x = a, *const *y = b;
	int r = strcmp(x[XS_WATCH_TOKEN], y[XS_WATCH_TOKEN]);

	return r ? r : strcmp(x[XS_WATCH_PATH], y[XS_WATCH_PATH]);
}

static void vec_fill(
	char *vec[2], char *text, const char *path, const char *token)
{
	size_t len = strlen(path) + 1;

	memcpy(text, path, len);
	vec[XS_WATCH_PATH] = text;
	vec[XS_WATCH_TOKEN] = strcpy(text + len, token);
}

static size_t text_size(const char *path, const char *token)
{
	return strlen(path) + strlen(token) + 2;
}

void evq_init(struct evq *q)
{
	*q = (struct evq){.nr = 0};
	TAILQ_INIT(&q->events);
	TAILQ_INIT(&q->watches);
}

/* --- events --------------------------------------------------------------- */

/* @introduceDomain, @releaseDomain: each one counts. */
static bool path_special(const char *path)
{
	return *path == '@';
}

static void event_remove(struct evq *q, struct evq_event *ev)
{
	if (!path_special(ev->vec[XS_WATCH_PATH]))
		tdelete(ev, &q->event_tree, compare);
	TAILQ_REMOVE(&q->events, ev, link);
	q->nr--;
	q->bytes -= ev->size;
}

static struct evq_event *event_new(const char *path, const char *token)
{
	size_t size = sizeof(struct evq_event) + text_size(path, token);
	struct evq_event *ev = malloc(size);

	if (!ev)
		return NULL;
	ev->size = size;
	vec_fill(ev->vec, ev->text, path, token);
	return ev;
}

static void mark_set(struct evq *q, struct evq_watch *w, bool on)
{
	if (w->mark == on)
		return;
	w->mark = on;
	if (on)
		q->marks++;
	else
		q->marks--;
}

static void mark_find(struct evq *q, char *key[2])
{
	struct evq_watch **found = tfind(key, &q->watch_tree, compare);

	if (found)
		mark_set(q, *found, true);
}

/*
 * @path does not fit: mark its watches.  They are looked up by each path that
 * xs_path_is_subpath() takes for one above, no longer than any watch has.
 */
static void overflow(struct evq *q, const char *path, const char *token)
{
	char above[XSMSG_PAYLOAD_MAX + 1];
	/* tfind() only reads the key */
	char *key[2] = {
		[XS_WATCH_PATH] = above,
		[XS_WATCH_TOKEN] = (char *)(uintptr_t)token,
	};

	for (size_t n = 0; n <= q->path_max && n < sizeof(above); n++) {
		above[n] = '\0';
		if (!path[n] || path[n] == '/' || !strcmp(above, "/"))
			mark_find(q, key);
		if (!path[n])
			return;
		above[n] = path[n];
	}
}

/* False if it does not fit; then, or if it is there already, @ev is freed. */
static bool event_add(struct evq *q, struct evq_event *ev)
{
	struct evq_event **found = NULL;
	bool special = path_special(ev->vec[XS_WATCH_PATH]), there;

	if (q->nr < EVQ_MAX && q->bytes + ev->size <= EVQ_BYTES) {
		/* finds the one that is there, or puts this one in */
		if (!special)
			found = tsearch(ev, &q->event_tree, compare);
		if (special || (found && *found == ev)) {
			TAILQ_INSERT_TAIL(&q->events, ev, link);
			q->nr++;
			q->bytes += ev->size;
			return true;
		}
	}
	there = !special && (found || tfind(ev, &q->event_tree, compare));
	free(ev);
	return there;
}

void evq_push(struct evq *q, const char *path, const char *token)
{
	struct evq_event *ev = event_new(path, token);

	if (!ev || !event_add(q, ev))
		overflow(q, path, token);
}

static char **mark_pop(struct evq *q)
{
	struct evq_watch *w;

	TAILQ_FOREACH (w, &q->watches, link) {
		struct evq_event *ev;

		if (!w->mark)
			continue;
		ev = event_new(w->vec[XS_WATCH_PATH], w->vec[XS_WATCH_TOKEN]);
		if (!ev)
			return NULL;
		mark_set(q, w, false);
		TAILQ_REMOVE(&q->watches, w, link);
		TAILQ_INSERT_TAIL(&q->watches, w, link);
		return ev->vec;
	}
	errno = EAGAIN;
	return NULL;
}

char **evq_pop(struct evq *q)
{
	struct evq_event *ev = TAILQ_FIRST(&q->events);

	if (!ev || (q->marks && !q->queue_next)) {
		q->queue_next = true;
		return mark_pop(q);
	}
	q->queue_next = false;
	event_remove(q, ev);
	return ev->vec;
}

void evq_filter(struct evq *q, const char *path, const char *token)
{
	struct evq_event *ev = TAILQ_FIRST(&q->events);

	while (ev) {
		struct evq_event *next = TAILQ_NEXT(ev, link);

		if (!strcmp(ev->vec[XS_WATCH_TOKEN], token) &&
			xs_path_is_subpath(path, ev->vec[XS_WATCH_PATH])) {
			event_remove(q, ev);
			free(ev);
		}
		ev = next;
	}
}

/* --- watches -------------------------------------------------------------- */

bool evq_watch(struct evq *q, const char *path, const char *token)
{
	struct evq_watch *w, **found;
	size_t len = strlen(path);

	w = malloc(sizeof(*w) + text_size(path, token));
	if (!w)
		return false;
	vec_fill(w->vec, w->text, path, token);
	found = tsearch(w, &q->watch_tree, compare);
	if (!found || *found != w) {
		free(w);
		if (found)
			(*found)->refs++;
		else
			errno = ENOMEM;
		return found;
	}
	w->refs = 1;
	w->mark = false;
	if (len > q->path_max)
		q->path_max = len;
	TAILQ_INSERT_TAIL(&q->watches, w, link);
	return true;
}

static void watch_remove(struct evq *q, struct evq_watch *w)
{
	mark_set(q, w, false);
	tdelete(w, &q->watch_tree, compare);
	TAILQ_REMOVE(&q->watches, w, link);
	free(w);
}

void evq_unwatch(struct evq *q, const char *path, const char *token)
{
	/* tfind() only reads the key */
	char *key[2] = {
		[XS_WATCH_PATH] = (char *)(uintptr_t)path,
		[XS_WATCH_TOKEN] = (char *)(uintptr_t)token,
	};
	struct evq_watch **found = tfind(key, &q->watch_tree, compare);

	if (found && --(*found)->refs == 0)
		watch_remove(q, *found);
}

void evq_fini(struct evq *q)
{
	struct evq_event *ev;
	struct evq_watch *w;

	while ((ev = TAILQ_FIRST(&q->events))) {
		event_remove(q, ev);
		free(ev);
	}
	while ((w = TAILQ_FIRST(&q->watches)))
		watch_remove(q, w);
}
