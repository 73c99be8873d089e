/* SPDX-License-Identifier: MIT */
/*
 * xsx_int.h - the engine, for the two interfaces on it
 *
 * DOC: Two halves
 *
 * xsx_fill() receives bytes and touches nothing but in[] and have; everything
 * else is xsx_dispatch() and the rest.  So a struct xs_handle can have one
 * thread in xsx_fill(), without its lock, while others submit and send with
 * it.  Who fills is whoever has the role of the reader (struct xs_handle).
 *
 * DOC: The life of a request
 *
 *	out	queued, or sent in part		its callback is owed
 *	sent	wholly sent			its callback is owed, or it
 *						has timed out (given_up) and
 *						was called already
 *
 * It leaves by complete(), which calls back and frees it.  One that timed out
 * stays for its answer, since a message half sent must be finished and an
 * answer must find its request, or would end the connection.
 */
#ifndef BH_LIBXS_XSX_INT_H
#define BH_LIBXS_XSX_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "libxs/chan.h"
#include "libxs/toolcore.h"
#include "libxs/xsx.h"
#include "wire/xsmsg.h"

struct xsx_req {
	TAILQ_ENTRY(xsx_req) link;
	uint32_t id, type;
	bool given_up;
	xsx_reply_fn *fn;
	void *arg;
	int64_t deadline; /* xsx_now(), XSX_NEVER */
	size_t len, sent; /* of bytes[]: the message with its header */
	uint8_t bytes[];
};
TAILQ_HEAD(xsx_reqs, xsx_req);

/* Owner: who opened it.  Freed by: xsx_close(), or the end of xsx_process(). */
struct xsx {
	struct toolcore_entry toolcore;
	struct chan chan;
	struct xsx_reqs out, sent;
	unsigned int nr, nr_max; /* requests in both */
	uint32_t last_id;
	unsigned int timeout_ms;
	int64_t next_deadline; /* no request has an earlier one */
	int err;               /* > 0: the connection has ended */
	xsx_event_fn *on_event;
	void *event_arg;
	bool busy;          /* in a function that calls back */
	bool closed;        /* xsx_close() came from a callback */
	bool more;          /* a ring may have bytes that no event will tell */
	unsigned int count; /* answers and events, for xsx_process() */
	size_t have;        /* received bytes in in[] */
	uint8_t in[4 * XSMSG_MAX];
};

#define XSX_NEVER INT64_MAX

/* Milliseconds of the monotonic clock. */
int64_t xsx_now(void);

/* From now until @deadline, for poll(2): -1 for never. */
int xsx_until(int64_t deadline);

/* Bytes wait to be sent, and may be. */
bool xsx_sendable(const struct xsx *x);

/* So much so that the descriptor is to be polled for space. */
bool xsx_polls_out(const struct xsx *x);

/* @deadline, or the time to try what a device did not take, if sooner. */
int64_t xsx_wake(const struct xsx *x, int64_t deadline);

/* Receive: what xsx_dispatch() has to be told. */
ssize_t xsx_fill(struct xsx *x, bool wait);

/* Handle what xsx_fill() has received; @r is what it returned. */
void xsx_dispatch(struct xsx *x, ssize_t r);

/* Time out what is due. */
void xsx_expire(struct xsx *x);

/*
 * Without calling back: let go of the connection; and free what there is,
 * @x too, unless that was caught in the middle of a change (@torn).
 */
void xsx_forget(struct xsx *x, bool torn);

/* End the connection: everything owed is answered with @err. */
void xsx_break(struct xsx *x, int err);

#endif
