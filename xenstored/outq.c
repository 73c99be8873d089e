/* SPDX-License-Identifier: MIT */
/* outq.c - what waits to be sent to a client */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "wire/ops.h"
#include "xenstored/outq.h"
#include "xenstored/watch.h"

/* Owner: the queue.  Freed by: being sent, or outq_clear(). */
struct outmsg {
	TAILQ_ENTRY(outmsg) link;
	LIST_ENTRY(outmsg) in_bucket; /* events that are not begun */
	struct charge charge;
	uint64_t watch; /* number of the watch of an event; 0: replies */
	uint32_t len;
	uint32_t cap;
	uint32_t replies;
	uint32_t hash; /* of watch and path, once there are buckets */
	bool in_hash;
	uint8_t data[];
};

void outq_init(struct outq *q, struct outmsg **spare,
	const struct hash_key *key, struct account *memory, size_t events_max,
	bool share)
{
	memset(q, 0, sizeof(*q));
	TAILQ_INIT(&q->msgs);
	TAILQ_INIT(&q->marks);
	LIST_INIT(&q->few);
	q->spare = spare;
	q->key = key;
	q->memory = memory;
	q->events_max = events_max;
	q->share = share;
}

static void msg_unhash(struct outmsg *msg)
{
	if (msg->in_hash)
		LIST_REMOVE(msg, in_bucket);
	msg->in_hash = false;
}

static void msg_free(struct outq *q, struct outmsg *msg)
{
	TAILQ_REMOVE(&q->msgs, msg, link);
	msg_unhash(msg);
	if (msg->watch)
		q->events--;
	else
		q->reply_bytes -= msg->len;
	q->replies -= msg->replies;
	charge_give(&msg->charge);
	if (msg->cap == OUTQ_CHUNK && !*q->spare)
		*q->spare = msg;
	else
		free(msg);
}

void outq_clear(struct outq *q)
{
	struct outmsg *msg;
	struct watch *watch;

	while ((msg = TAILQ_FIRST(&q->msgs)))
		msg_free(q, msg);
	while ((watch = TAILQ_FIRST(&q->marks)))
		outq_forget(q, watch);
	q->begun = q->bytes = 0;
	free(q->bucket);
	q->bucket = NULL;
	CHECK(!q->events && !q->replies && !q->reply_bytes);
}

static struct outmsg *msg_new(struct outq *q, uint32_t cap)
{
	struct outmsg *msg = cap == OUTQ_CHUNK ? *q->spare : NULL;

	if (msg)
		*q->spare = NULL;
	else
		msg = malloc(sizeof(*msg) + cap);
	if (msg) {
		memset(msg, 0, sizeof(*msg));
		msg->cap = cap;
	}
	return msg;
}

static void msg_append(struct outq *q, struct outmsg *msg,
	const struct xsmsg_hdr *hdr, const void *data)
{
	xsmsg_hdr_emit(msg->data + msg->len, hdr);
	if (hdr->len)
		memcpy(msg->data + msg->len + XSMSG_HDR_LEN, data, hdr->len);
	msg->len += XSMSG_HDR_LEN + hdr->len;
	q->bytes += XSMSG_HDR_LEN + hdr->len;
}

int outq_reply(struct outq *q, const struct xsmsg_hdr *hdr, const void *data)
{
	uint32_t need = XSMSG_HDR_LEN + hdr->len;
	struct outmsg *msg = TAILQ_LAST(&q->msgs, outmsg_head);

	if (!msg || msg->watch || msg->cap - msg->len < need) {
		msg = msg_new(
			q, q->share && need < OUTQ_CHUNK ? OUTQ_CHUNK : need);
		if (!msg)
			return ENOMEM;
		/* Bounded by the requests that are taken, so never refused. */
		charge_force(&msg->charge, q->memory, sizeof(*msg) + msg->cap);
		TAILQ_INSERT_TAIL(&q->msgs, msg, link);
	}
	msg_append(q, msg, hdr, data);
	msg->replies++;
	q->replies++;
	q->reply_bytes += need;
	return 0;
}

static uint32_t event_hash(
	const struct outq *q, uint64_t watch, const char *path, size_t len)
{
	return (uint32_t)(hash_bytes(q->key, path, len) + watch);
}

static void msg_hash(struct outq *q, struct outmsg *msg)
{
	const char *path = (const char *)msg->data + XSMSG_HDR_LEN;
	struct outq_bucket *list = &q->few;

	if (q->bucket) {
		msg->hash = event_hash(q, msg->watch, path, strlen(path));
		list = &q->bucket[msg->hash % OUTQ_BUCKETS];
	}
	LIST_INSERT_HEAD(list, msg, in_bucket);
	msg->in_hash = true;
}

/* From now on there are too many events to look at each. */
static int buckets_make(struct outq *q)
{
	struct outmsg *msg;

	q->bucket = calloc(OUTQ_BUCKETS, sizeof(*q->bucket));
	if (!q->bucket)
		return ENOMEM;
	while ((msg = LIST_FIRST(&q->few))) {
		LIST_REMOVE(msg, in_bucket);
		msg_hash(q, msg);
	}
	return 0;
}

/* The payload of an event starts with its path; the token is the watch's. */
static bool is_queued(const struct outq *q, const struct watch *watch,
	const char *path, size_t len)
{
	const struct outq_bucket *list = &q->few;
	const struct outmsg *msg;
	uint32_t hash = 0;

	if (!q->events)
		return false;
	if (q->bucket) {
		hash = event_hash(q, watch->seq, path, len);
		list = &q->bucket[hash % OUTQ_BUCKETS];
	}
	LIST_FOREACH (msg, list, in_bucket)
		if (msg->hash == hash && msg->watch == watch->seq &&
			msg->len == XSMSG_HDR_LEN + len + 1 + watch->token_len +
					    1 &&
			!memcmp(msg->data + XSMSG_HDR_LEN, path, len))
			return true;
	return false;
}

static void mark(struct outq *q, struct watch *watch)
{
	q->missed++;
	watch->marked = true;
	TAILQ_INSERT_TAIL(&q->marks, watch, mark_link);
}

static int event_queue(
	struct outq *q, const struct watch *watch, const char *path, size_t len)
{
	struct xsmsg_hdr hdr = {.type = XS_OP_WATCH_EVENT};
	struct outmsg *msg;
	uint8_t *data;
	int r;

	hdr.len = (uint32_t)(len + 1 + watch->token_len + 1);
	if (q->events >= q->events_max)
		return ENOSPC;
	if (!q->bucket && q->events >= OUTQ_FEW && buckets_make(q))
		return ENOMEM;
	msg = msg_new(q, XSMSG_HDR_LEN + hdr.len);
	if (!msg)
		return ENOMEM;
	/* One is always allowed, or an account that is full otherwise would
	 * keep its owner from ever hearing anything. */
	r = charge_take(&msg->charge, q->memory, sizeof(*msg) + msg->cap);
	if (r && q->events) {
		free(msg);
		return r;
	}
	xsmsg_hdr_emit(msg->data, &hdr);
	data = msg->data + XSMSG_HDR_LEN;
	memcpy(data, path, len);
	data[len] = '\0';
	memcpy(data + len + 1, watch->token, watch->token_len + 1);
	msg->len = msg->cap;
	msg->watch = watch->seq;
	msg_hash(q, msg);
	TAILQ_INSERT_TAIL(&q->msgs, msg, link);
	q->bytes += msg->len;
	q->events++;
	return 0;
}

bool outq_event(struct outq *q, struct watch *watch, const char *path,
	size_t len, bool once)
{
	char own[PATH_ABS_MAX + 1];

	/* What is marked already is told as a whole, later. */
	if (watch->marked) {
		q->missed++;
		return outq_empty(q);
	}
	/* Too long for a message: say it of the path that is watched. */
	if (len + 1 + watch->token_len + 1 > XSMSG_PAYLOAD_MAX) {
		len = watch_path(watch, own, sizeof(own));
		path = own;
	}
	if (once && is_queued(q, watch, path, len))
		return false;
	if (!event_queue(q, watch, path, len))
		return true;
	mark(q, watch);
	return outq_empty(q);
}

void outq_fill(struct outq *q)
{
	char own[PATH_ABS_MAX + 1];
	struct watch *watch;

	while ((watch = TAILQ_FIRST(&q->marks))) {
		size_t len = watch_path(watch, own, sizeof(own));

		if (event_queue(q, watch, own, len))
			return;
		outq_forget(q, watch);
	}
}

void outq_forget(struct outq *q, struct watch *watch)
{
	if (!watch->marked)
		return;
	watch->marked = false;
	TAILQ_REMOVE(&q->marks, watch, mark_link);
}

int outq_iov(const struct outq *q, struct iovec *iov, int max)
{
	const struct outmsg *msg;
	size_t skip = q->begun;
	int nr = 0;

	TAILQ_FOREACH (msg, &q->msgs, link) {
		if (nr == max)
			break;
		iov[nr].iov_base =
			(void *)(uintptr_t)(const void *)(msg->data + skip);
		iov[nr].iov_len = msg->len - skip;
		skip = 0;
		nr++;
	}
	return nr;
}

void outq_sent(struct outq *q, size_t n)
{
	struct outmsg *msg;

	CHECK(n <= q->bytes);
	q->bytes -= n;
	q->begun += n;
	while ((msg = TAILQ_FIRST(&q->msgs)) && q->begun >= msg->len) {
		q->begun -= msg->len;
		msg_free(q, msg);
	}
	/* The client has seen a part of it: it is too late to merge. */
	if (msg && q->begun)
		msg_unhash(msg);
	outq_fill(q);
}
