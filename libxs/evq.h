/* SPDX-License-Identifier: MIT */
/*
 * evq.h - events that nobody has read yet, and the watches they come from
 *
 * DOC: Bounds
 *
 * Events have to be taken from the connection whether they are read or not,
 * since answers come behind them, and guests cause them.  So the queue holds
 * each (path, token) once, and at most EVQ_MAX of them or EVQ_BYTES.  Only
 * those of special paths, whose first byte is @, are held as often as they
 * come: a reader may count domains by them, and the store keeps them apart
 * too.  What
 * comes beyond that, or when there is no memory, leaves a mark at its watch:
 * the watch will report its own path, which says that anything below it may
 * have changed.  Marks need no memory, so nothing is ever lost.  They take
 * turns with the queue and with each other, since guests may see to it that
 * the queue is never empty.  An event that no watch of ours can have caused is
 * dropped.
 *
 * Not thread-safe: the lock of the handle is held.
 */
#ifndef BH_LIBXS_EVQ_H
#define BH_LIBXS_EVQ_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

enum { EVQ_MAX = 16384, EVQ_BYTES = 4 << 20 };

struct evq_event;
struct evq_watch;

struct evq {
	TAILQ_HEAD(evq_events, evq_event) events;
	TAILQ_HEAD(evq_watches, evq_watch) watches;
	void *event_tree, *watch_tree; /* the same, for tsearch(3) */
	size_t nr, bytes;              /* of events */
	size_t marks;                  /* watches that have one */
	size_t path_max;               /* the longest path of a watch so far */
	bool queue_next;               /* a mark was read last */
};

void evq_init(struct evq *q);
void evq_fini(struct evq *q);

/* Is there anything to read? */
static inline bool evq_ready(const struct evq *q)
{
	return q->nr || q->marks;
}

/* So much is unread that no more should be received without need. */
static inline bool evq_full(const struct evq *q)
{
	return q->nr >= EVQ_MAX / 2 || q->bytes >= EVQ_BYTES / 2;
}

void evq_push(struct evq *q, const char *path, const char *token);

/*
 * evq_pop - the next event: two strings in one block for free(3)
 *
 * NULL with errno: EAGAIN if there is none, ENOMEM (it stays for later).
 */
char **evq_pop(struct evq *q);

/*
 * evq_watch - before a watch is set: know it; false with ENOMEM
 * evq_unwatch - after it was ended, or could not be set
 *
 * Pairs of the same path and token may nest.
 */
bool evq_watch(struct evq *q, const char *path, const char *token);
void evq_unwatch(struct evq *q, const char *path, const char *token);

/* Drop events with @token at or below @path. */
void evq_filter(struct evq *q, const char *path, const char *token);

#endif
