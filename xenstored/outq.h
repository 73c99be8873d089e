/* SPDX-License-Identifier: MIT */
/*
 * outq.h - what waits to be sent to a client
 *
 * DOC: Nobody waits for a reader
 *
 * Replies are bounded by the requests that are taken: a connection with too
 * many undelivered replies is not read.  So they are charged, but never
 * refused.
 *
 * Events are charged to the account of the reader.  An event which is queued
 * already is not queued again.  When the account or the limit of events is
 * exhausted, the watch is marked instead: it gets one event with its own path
 * as soon as there is room.  So a change is never lost to a reader that looks
 * again, marking needs no memory, and whoever caused the event never notices.
 */
#ifndef BH_XENSTORED_OUTQ_H
#define BH_XENSTORED_OUTQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/account.h"
#include "common/hash.h"
#include "wire/xsmsg.h"

struct iovec;
struct outmsg;
struct watch;

enum {
	OUTQ_BUCKETS = 256,
	OUTQ_FEW = 8, /* events that are looked through without buckets */
	/* Small replies share one allocation, which malloc has at hand. */
	OUTQ_CHUNK = 920,
};

TAILQ_HEAD(outmsg_head, outmsg);
TAILQ_HEAD(outq_marks, watch);
LIST_HEAD(outq_bucket, outmsg);

/* Embedded in the connection. */
struct outq {
	struct outmsg_head msgs;
	struct outq_marks marks;    /* watches that missed events, in order */
	struct outq_bucket few;     /* events not begun */
	struct outq_bucket *bucket; /* the same, if there were ever many */
	struct outmsg **spare; /* the server's, for the next that needs one */
	const struct hash_key *key;
	struct account *memory; /* pays for all of it */
	size_t events_max;
	size_t begun;       /* bytes of the first message that are sent */
	size_t bytes;       /* to be sent */
	size_t reply_bytes; /* of replies, whole messages */
	unsigned replies;
	unsigned events;
	bool share;      /* small replies may share an allocation */
	uint64_t missed; /* events that marked their watch */
};

/*
 * @spare:	of all queues: a chunk that was sent is kept there, if there is
 *		none, for the next one; who has it frees it
 */
void outq_init(struct outq *q, struct outmsg **spare,
	const struct hash_key *key, struct account *memory, size_t events_max,
	bool share);

/* Drop all that waits; marks too.  Nothing is held afterwards. */
void outq_clear(struct outq *q);

/* Queue a message which is a reply.  0 or ENOMEM. */
int outq_reply(struct outq *q, const struct xsmsg_hdr *hdr,
	const void *data) __must_check;

/*
 * outq_event - queue an event of @watch
 * @path:	as the client sees it, @len bytes without a NUL
 * @once:	not if the same event still waits
 *
 * Cannot fail: without room, @watch is marked.  True if there is more to be
 * sent than before, or nothing that the client is known to be behind with.
 */
bool outq_event(struct outq *q, struct watch *watch, const char *path,
	size_t len, bool once);

/* Turn marks into events, as far as there is room. */
void outq_fill(struct outq *q);

/* @watch goes away: what is queued stays, its mark goes. */
void outq_forget(struct outq *q, struct watch *watch);

/* Up to @max pieces of what is next to be sent; returns how many. */
int outq_iov(const struct outq *q, struct iovec *iov, int max);

/* @n bytes were sent. */
void outq_sent(struct outq *q, size_t n);

static inline bool outq_empty(const struct outq *q)
{
	return TAILQ_EMPTY(&q->msgs);
}

#endif
