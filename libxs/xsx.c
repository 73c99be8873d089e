/* SPDX-License-Identifier: MIT */
/* xsx.c - the engine of the client: framing, matching, deadlines */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/ckd.h"
#include "libxs/xsx_int.h"
#include "wire/ops.h"

enum { REQUESTS_MAX = 1024, BATCH = 64, TURNS = 16, RETRY_MS = 10 };

int64_t xsx_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int xsx_until(int64_t deadline)
{
	int64_t ms;

	if (deadline == XSX_NEVER)
		return -1;
	/* One more, since the clock was rounded down. */
	ms = deadline - xsx_now() + 1;
	if (ms < 0)
		return 0;
	return ms > INT32_MAX ? INT32_MAX : (int)ms;
}

/* --- requests ------------------------------------------------------------- */

/* A transaction that nobody waits for any more must not stay open. */
static void abort_orphan(struct xsx *x, const void *payload, size_t len)
{
	xs_transaction_t tx = xsx_txn_id(payload, len);

	if (tx != XBT_NULL)
		(void)xsx_txn_end(x, tx, true, NULL, NULL);
}

static void complete(struct xsx *x, struct xsx_reqs *from, struct xsx_req *req,
	int err, const void *payload, size_t len)
{
	TAILQ_REMOVE(from, req, link);
	x->nr--;
	x->count++;
	if (!req->given_up && req->fn)
		req->fn(req->arg, err, payload, len);
	else if (req->given_up && !err && req->type == XS_OP_TRANSACTION_START)
		abort_orphan(x, payload, len);
	free(req);
}

void xsx_break(struct xsx *x, int err)
{
	struct xsx_req *req;

	if (x->err)
		return;
	x->err = err;
	/* Callbacks cannot add to the lists: xsx_submit() looks at err. */
	while ((req = TAILQ_FIRST(&x->sent)))
		complete(x, &x->sent, req, err, NULL, 0);
	while ((req = TAILQ_FIRST(&x->out)))
		complete(x, &x->out, req, err, NULL, 0);
}

static int payload_len(const struct xsx_request *r, size_t max, size_t *len)
{
	size_t sum = 0;

	for (unsigned int i = 0; i < r->nr; i++) {
		if (r->iov[i].iov_len > max - sum)
			return E2BIG;
		sum += r->iov[i].iov_len;
	}
	*len = sum;
	return 0;
}

static struct xsx_req *req_new(const struct xsx_request *r, size_t len)
{
	struct xsx_req *req = malloc(sizeof(*req) + XSMSG_HDR_LEN + len);
	uint8_t *at;

	if (!req)
		return NULL;
	req->type = r->type;
	req->given_up = false;
	req->fn = r->fn;
	req->arg = r->arg;
	req->len = XSMSG_HDR_LEN + len;
	req->sent = 0;
	at = req->bytes + XSMSG_HDR_LEN;
	for (unsigned int i = 0; i < r->nr; i++) {
		if (!r->iov[i].iov_len)
			continue;
		memcpy(at, r->iov[i].iov_base, r->iov[i].iov_len);
		at += r->iov[i].iov_len;
	}
	return req;
}

/* Queue @r, of which xsx_submit() has looked at the limits; or ENOMEM. */
static int enqueue(struct xsx *x, const struct xsx_request *r, size_t len)
{
	unsigned int ms = r->timeout_ms ? r->timeout_ms : x->timeout_ms;
	struct xsmsg_hdr hdr = {
		.type = r->type, .tx_id = r->tx, .len = (uint32_t)len};
	struct xsx_req *req = req_new(r, len);

	if (!req)
		return -1;
	/* A device may answer with an id of 0: ask with it. */
	if (!x->chan.single) {
		if (!++x->last_id)
			x->last_id++;
		hdr.req_id = x->last_id;
	}
	req->id = hdr.req_id;
	xsmsg_hdr_emit(req->bytes, &hdr);
	req->deadline = ms ? xsx_now() + ms : XSX_NEVER;
	if (req->deadline < x->next_deadline)
		x->next_deadline = req->deadline;
	TAILQ_INSERT_TAIL(&x->out, req, link);
	x->nr++;
	return 0;
}

/*
 * oxenstored (4.17) does not look at a request without payload before more
 * bytes come: let a request follow that it knows, whose answer nobody wants.
 * Not to a device, which takes none before the last is answered.  The limit
 * does not hold it up, or that might be for ever.
 */
static void follow(struct xsx *x)
{
	struct iovec iov = {(void *)(uintptr_t) "0", 2};
	struct xsx_request r = {
		.type = XS_OP_GET_DOMAIN_PATH, .iov = &iov, .nr = 1};

	if (!x->chan.single)
		(void)enqueue(x, &r, iov.iov_len);
}

int xsx_submit(struct xsx *x, const struct xsx_request *r)
{
	size_t len = 0;
	int err = x->err;

	if (!err && x->nr >= x->nr_max)
		err = EAGAIN;
	if (!err)
		err = payload_len(r, x->chan.msg_max - XSMSG_HDR_LEN, &len);
	if (err) {
		errno = err;
		return -1;
	}
	if (enqueue(x, r, len))
		return -1;
	if (!len)
		follow(x);
	return 0;
}

/* --- sending -------------------------------------------------------------- */

bool xsx_sendable(const struct xsx *x)
{
	if (x->err || TAILQ_EMPTY(&x->out))
		return false;
	return !x->chan.single || TAILQ_EMPTY(&x->sent);
}

/*
 * Linux, drivers/xen/xenbus: poll(2) of the device never gives POLLOUT, as
 * write(2) waits.  Should it be another device, whose write(2) does not, it is
 * tried again after a while.
 */
bool xsx_polls_out(const struct xsx *x)
{
	return xsx_sendable(x) && !x->chan.one_waiter && !x->chan.single;
}

int64_t xsx_wake(const struct xsx *x, int64_t deadline)
{
	int64_t retry;

	if (!x->chan.single || !xsx_sendable(x))
		return deadline;
	retry = xsx_now() + RETRY_MS;
	return retry < deadline ? retry : deadline;
}

/* @n bytes from the start of the queue went out. */
static void sent_note(struct xsx *x, size_t n)
{
	struct xsx_req *req;

	while (n && (req = TAILQ_FIRST(&x->out))) {
		size_t left = req->len - req->sent;

		if (n < left) {
			req->sent += n;
			return;
		}
		n -= left;
		req->sent = req->len;
		TAILQ_REMOVE(&x->out, req, link);
		TAILQ_INSERT_TAIL(&x->sent, req, link);
	}
}

static size_t gather(struct xsx *x, struct iovec iov[BATCH], int *nr)
{
	int max = x->chan.single ? 1 : BATCH;
	struct xsx_req *req;
	size_t sum = 0;

	*nr = 0;
	TAILQ_FOREACH (req, &x->out, link) {
		if (*nr == max)
			break;
		iov[*nr].iov_base = req->bytes + req->sent;
		iov[*nr].iov_len = req->len - req->sent;
		sum += iov[(*nr)++].iov_len;
	}
	return sum;
}

static void flush(struct xsx *x)
{
	while (xsx_sendable(x)) {
		struct iovec iov[BATCH];
		size_t sum;
		ssize_t n;
		int nr;

		sum = gather(x, iov, &nr);
		n = x->chan.ops->send(&x->chan, iov, nr);
		if (n == -EAGAIN)
			return;
		if (n < 0 && x->chan.single) {
			/* The device refuses this one, not us. */
			complete(x, &x->out, TAILQ_FIRST(&x->out), (int)-n,
				NULL, 0);
			continue;
		}
		if (n <= 0 || (x->chan.single && (size_t)n != sum)) {
			int err = n < 0 ? (int)-n : EIO;

			xsx_break(x, err == EPIPE ? ECONNRESET : err);
			return;
		}
		sent_note(x, (size_t)n);
	}
}

/* --- receiving ------------------------------------------------------------ */

static struct xsx_req *answered(struct xsx *x, const struct xsmsg_hdr *hdr)
{
	struct xsx_req *req = TAILQ_FIRST(&x->sent);

	if (x->chan.single)
		return req;
	/* Both known daemons answer in order, so this is the first one. */
	while (req && req->id != hdr->req_id)
		req = TAILQ_NEXT(req, link);
	return req;
}

/* path NUL token NUL */
static int on_watch_event(struct xsx *x, const struct xsmsg *msg)
{
	size_t at = 0, len = msg->hdr.len;
	const char *path = xsx_string_next(msg->payload, len, &at);
	const char *token =
		path ? xsx_string_next(msg->payload, len, &at) : NULL;

	if (!token || at != len)
		return EIO;
	x->count++;
	if (x->on_event)
		x->on_event(x->event_arg, path, token);
	return 0;
}

/* One message; an errno if the store talks nonsense. */
static int on_message(struct xsx *x, const struct xsmsg *msg)
{
	const struct xsmsg_hdr *hdr = &msg->hdr;
	struct xsx_req *req;

	if (hdr->type == XS_OP_WATCH_EVENT)
		return on_watch_event(x, msg);
	req = answered(x, hdr);
	if (!req || (hdr->type != req->type && hdr->type != XS_OP_ERROR))
		return EIO;
	if (hdr->type == XS_OP_ERROR)
		complete(x, &x->sent, req,
			xsmsg_error_parse(msg->payload, hdr->len), NULL, 0);
	else
		complete(x, &x->sent, req, 0, msg->payload, hdr->len);
	return 0;
}

ssize_t xsx_fill(struct xsx *x, bool wait)
{
	ssize_t n;

	n = x->chan.ops->recv(
		&x->chan, x->in + x->have, sizeof(x->in) - x->have, wait);
	if (n > 0)
		x->have += (size_t)n;
	return n;
}

void xsx_dispatch(struct xsx *x, ssize_t r)
{
	size_t at = 0;

	if (x->err || r == -EAGAIN)
		return;
	if (r <= 0) {
		int err = r ? (int)-r : ECONNRESET;

		xsx_break(x, err == EPIPE ? ECONNRESET : err);
		return;
	}
	while (!x->err && !x->closed) {
		enum xsmsg_status status;
		struct xsmsg msg;
		int err;

		status = xsmsg_parse(&msg, x->in + at, x->have - at);
		if (status == XSMSG_MORE)
			break;
		err = status == XSMSG_BAD ? EIO : on_message(x, &msg);
		if (err) {
			xsx_break(x, err);
			return;
		}
		at += xsmsg_size(&msg);
	}
	memmove(x->in, x->in + at, x->have - at);
	x->have -= at;
}

/* --- deadlines ------------------------------------------------------------ */

/*
 * The first request of @from that is due, or NULL; the earliest deadline of
 * the others goes into *@next.
 */
static struct xsx_req *due(struct xsx_reqs *from, int64_t now, int64_t *next)
{
	struct xsx_req *req;

	TAILQ_FOREACH (req, from, link) {
		if (req->deadline <= now)
			return req;
		if (req->deadline < *next)
			*next = req->deadline;
	}
	return NULL;
}

static void give_up(struct xsx *x, struct xsx_req *req)
{
	xsx_reply_fn *fn = req->fn;

	req->deadline = XSX_NEVER;
	req->given_up = true;
	x->count++;
	if (fn)
		fn(req->arg, ETIMEDOUT, NULL, 0);
}

void xsx_expire(struct xsx *x)
{
	int64_t now;

	if (x->next_deadline == XSX_NEVER)
		return;
	now = xsx_now();
	/* Callbacks may do anything: after each, look from the beginning. */
	while (!x->err && x->next_deadline <= now) {
		int64_t next = XSX_NEVER;
		struct xsx_req *req = due(&x->sent, now, &next);

		if (!req)
			req = due(&x->out, now, &next);
		if (!req)
			x->next_deadline = next;
		else if (!req->sent)
			complete(x, &x->out, req, ETIMEDOUT, NULL, 0);
		else
			give_up(x, req);
	}
}

/* --- the interface -------------------------------------------------------- */

/* 0 or -errno */
static int connection_open(struct xsx *x, const struct xsx_options *opts)
{
	bool ring = opts->transport == XSX_RING;
	int r;

	toolcore_register(
		&x->toolcore, ring ? TOOLCORE_NONE : TOOLCORE_OPENING);
	r = chan_open(&x->chan, opts);
	if (!r && !ring) {
		r = toolcore_opened(&x->toolcore, x->chan.fd);
		/* .fd is still the caller's */
		if (r && opts->transport != XSX_FD)
			chan_close(&x->chan);
	}
	if (r)
		toolcore_deregister(&x->toolcore);
	return r;
}

static void connection_close(struct xsx *x)
{
	toolcore_deregister(&x->toolcore);
	chan_close(&x->chan);
}

struct xsx *xsx_open(const struct xsx_options *opts)
{
	static const struct xsx_options defaults;
	struct xsx *x = calloc(1, sizeof(*x));
	int r;

	if (!x)
		return NULL;
	if (!opts)
		opts = &defaults;
	r = connection_open(x, opts);
	if (r) {
		free(x);
		errno = -r;
		return NULL;
	}
	TAILQ_INIT(&x->out);
	TAILQ_INIT(&x->sent);
	x->nr_max = opts->requests_max ? opts->requests_max : REQUESTS_MAX;
	x->timeout_ms = opts->timeout_ms;
	x->next_deadline = XSX_NEVER;
	x->on_event = opts->on_event;
	x->event_arg = opts->event_arg;
	return x;
}

/* Between these two, xsx_close() only leaves a note. */
static int enter(struct xsx *x)
{
	if (x->busy) {
		errno = EBUSY;
		return -1;
	}
	x->busy = true;
	x->count = 0;
	return 0;
}

static int leave(struct xsx *x, int r)
{
	int err = x->err;

	x->busy = false;
	if (x->closed) {
		x->closed = false;
		xsx_close(x);
		if (!err)
			err = ECANCELED;
	}
	if (!err)
		return r;
	errno = err;
	return -1;
}

void xsx_close(struct xsx *x)
{
	if (!x)
		return;
	if (x->busy) {
		x->closed = true;
		return;
	}
	x->busy = true;
	xsx_break(x, ECANCELED);
	connection_close(x);
	free(x);
}

static void reqs_free(struct xsx_reqs *reqs)
{
	struct xsx_req *req;

	while ((req = TAILQ_FIRST(reqs))) {
		TAILQ_REMOVE(reqs, req, link);
		free(req);
	}
}

void xsx_forget(struct xsx *x, bool torn)
{
	connection_close(x);
	if (torn)
		return;
	reqs_free(&x->sent);
	reqs_free(&x->out);
	free(x);
}

int xsx_fd(const struct xsx *x)
{
	return x->chan.one_waiter ? x->chan.ring.fd : x->chan.fd;
}

short xsx_poll_events(const struct xsx *x)
{
	return xsx_polls_out(x) ? POLLIN | POLLOUT : POLLIN;
}

int xsx_timeout(const struct xsx *x)
{
	return x->more ? 0 : xsx_until(xsx_wake(x, x->next_deadline));
}

unsigned int xsx_pending(const struct xsx *x)
{
	return x->nr;
}

int xsx_flush(struct xsx *x)
{
	/* From a callback: whoever called that will flush afterwards. */
	if (x->busy)
		return 0;
	(void)enter(x);
	flush(x);
	return leave(x, 0);
}

int xsx_process(struct xsx *x)
{
	int i;

	if (enter(x))
		return -1;
	/* What woke the caller is over; what it told of is looked at below. */
	if (x->chan.one_waiter && x->chan.ring.fd >= 0)
		x->chan.ops->poll(&x->chan, POLLIN, -1, 0);
	flush(x);
	/* Bounded, so that a fast talker does not take the whole thread. */
	for (i = 0; i < TURNS && !x->err && !x->closed; i++) {
		size_t room = sizeof(x->in) - x->have;
		ssize_t r = xsx_fill(x, false);

		xsx_dispatch(x, r);
		flush(x);
		if (r == -EAGAIN)
			break;
		/* A descriptor that had less is polled; a ring is not. */
		if (!x->chan.one_waiter && r > 0 && (size_t)r < room)
			break;
	}
	x->more = x->chan.one_waiter && i == TURNS;
	xsx_expire(x);
	flush(x);
	return leave(x, (int)x->count);
}

int xsx_wait(struct xsx *x, int timeout_ms)
{
	int due_ms, r;

	if (x->busy) {
		errno = EBUSY;
		return -1;
	}
	/* A ring may have had something before its last event. */
	r = x->chan.one_waiter ? xsx_process(x) : xsx_flush(x);
	if (r)
		return r;
	due_ms = xsx_timeout(x);
	if (timeout_ms < 0 || (due_ms >= 0 && due_ms < timeout_ms))
		timeout_ms = due_ms;
	x->chan.ops->poll(&x->chan, xsx_poll_events(x), -1, timeout_ms);
	return xsx_process(x);
}
