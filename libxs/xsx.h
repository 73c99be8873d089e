/* SPDX-License-Identifier: MIT */
/*
 * xsx.h - the Xenstore without waiting: many requests under way at once
 *
 * DOC: The asynchronous client
 *
 * A struct xsx is one connection.  Requests are queued by xsx_submit(), sent
 * by xsx_flush() or xsx_process(), many in one system call, and answered in
 * any order by calling back.  Watch events come through xsx_process() too.
 * A program polls xsx_fd() for xsx_poll_events() with a timeout of
 * xsx_timeout(), and calls xsx_process() when one of them says so; or it
 * calls xsx_wait(), which does both.
 *
 *	static void on_name(void *arg, int err, const void *value, size_t len)
 *	{
 *		if (!err)
 *			printf("%.*s\n", (int)len, (const char *)value);
 *	}
 *	...
 *	struct xsx *x = xsx_open(NULL);
 *	xsx_path(x, XS_READ, XBT_NULL, "name", on_name, NULL);
 *	while (xsx_pending(x) && xsx_wait(x, -1) >= 0)
 *		;
 *	xsx_close(x);
 *
 * Every request is answered exactly once: by the store, by ETIMEDOUT, by
 * the error that ended the connection, or by ECANCELED from xsx_close().
 *
 * Threads: one at a time per struct xsx.  struct xs_handle (xenstore.h) is
 * the same engine with locks and waiting around it.
 *
 * Callbacks are called from xsx_process(), xsx_wait(), xsx_flush() and
 * xsx_close(), never from xsx_submit().  They may submit, and may call
 * xsx_close(); not xsx_process() or xsx_wait() (EBUSY).  From a callback of
 * xsx_close() nothing can be submitted any more (ECANCELED).
 *
 * Functions that can fail return -1, or NULL, with errno.  The values are
 * those of xenstore.h.  Types of requests are XS_READ and so on, of
 * xen/io/xs_wire.h.
 */
#ifndef XSX_H
#define XSX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "xenstore.h"

#ifdef __cplusplus
extern "C" {
#endif

struct xsx;

/*
 * The answer to a request.
 * @err:	0, or an errno; then there is no payload
 * @payload:	@len bytes, with no NUL behind them unless the store sent it;
 *		good until the callback returns
 */
typedef void xsx_reply_fn(void *arg, int err, const void *payload, size_t len);

/* A watch has fired.  The strings are good until the callback returns. */
typedef void xsx_event_fn(void *arg, const char *path, const char *token);

/*
 * The ring of a guest that has no kernel to open a device of.
 *
 * For struct xsx all callbacks come from the calling thread.  For a struct
 * xs_handle, notify may come from several threads at once; wait from one at
 * a time, and must return within its timeout.
 */
struct xsx_ring {
	void *page; /* mapped and page aligned; stays the caller's */
	void *arg;  /* for the callbacks */
	/* The event channel: tell the other end. */
	void (*notify)(void *arg);
	/*
	 * Wait until the other end has notified, at most @timeout_ms (-1: as
	 * long as it takes, 0: not at all), and clear the event.  1 if there
	 * was one, 0 if not, -1 with errno.
	 */
	int (*wait)(void *arg, int timeout_ms);
	int fd; /* readable when the other end has notified; or -1 */
};

enum xsx_transport {
	XSX_AUTO, /* as xs_open() looks for it */
	XSX_PATH, /* the socket or device named by .path */
	XSX_FD,   /* the connected .fd, which becomes the connection's */
	XSX_RING, /* .ring */
};

/* Zero is the default of everything. */
struct xsx_options {
	enum xsx_transport transport;
	const char *path;
	int fd; /* not closed if opening fails */
	struct xsx_ring ring;
	unsigned int timeout_ms;   /* of a request; 0: none */
	unsigned int requests_max; /* under way; 0: 1024 */
	xsx_event_fn *on_event;    /* NULL: events are dropped */
	void *event_arg;
	unsigned long flags; /* of xs_open(), for xsx_handle_open() */
};

/*
 * xsx_open - connect; @opts may be NULL.  Owner: the caller, xsx_close().
 *
 * xentoolcore_restrict_all() takes the connection away, as that of a handle:
 * what is asked afterwards is answered with EBADF on a socket, ECONNRESET on a
 * device.  A ring cannot be taken away: then that function fails.
 */
struct xsx *xsx_open(const struct xsx_options *opts);

/* Answer what is under way with ECANCELED and end the connection. */
void xsx_close(struct xsx *x);

/* The descriptor to poll; -1 if the transport is a ring without one. */
int xsx_fd(const struct xsx *x);

/*
 * What to poll it for: POLLIN, and POLLOUT while requests wait to be sent; not
 * on a device, which need not report that (xsx_timeout() says when to try).
 */
short xsx_poll_events(const struct xsx *x);

/* Milliseconds until xsx_process() must be called, -1 for never. */
int xsx_timeout(const struct xsx *x);

/* Requests that are not answered yet; also those of the library's own. */
unsigned int xsx_pending(const struct xsx *x);

struct xsx_request {
	uint32_t type; /* XS_READ, ... */
	xs_transaction_t tx;
	const struct iovec *iov; /* the payload, copied */
	unsigned int nr;         /* of iov */
	unsigned int timeout_ms; /* 0: that of the options */
	xsx_reply_fn *fn;        /* NULL: nobody wants to know */
	void *arg;
};

/*
 * xsx_submit - queue a request
 *
 * EAGAIN if requests_max are under way, E2BIG if it is too long, ENOMEM, or
 * the errno that ended the connection; then the callback will not be called.
 *
 * A request that timed out after it was sent counts until its answer is in.
 * Should that be a new transaction, it is aborted.
 *
 * A request without payload is followed by one of the library's own, since
 * oxenstored waits for more bytes before it looks at such a one.
 */
int xsx_submit(struct xsx *x, const struct xsx_request *req);

/* The usual requests: one path; a write; a watch (depth below 0: none). */
int xsx_path(struct xsx *x, uint32_t type, xs_transaction_t tx,
	const char *path, xsx_reply_fn *fn, void *arg);
int xsx_write(struct xsx *x, xs_transaction_t tx, const char *path,
	const void *data, size_t len, xsx_reply_fn *fn, void *arg);
int xsx_watch(struct xsx *x, const char *path, const char *token, int depth,
	xsx_reply_fn *fn, void *arg);
int xsx_unwatch(struct xsx *x, const char *path, const char *token,
	xsx_reply_fn *fn, void *arg);

/*
 * xsx_txn_start, xsx_txn_end - a transaction; the answer to the first is its
 * number in decimal, with a NUL: xsx_txn_id() makes a number of it, XBT_NULL
 * if it is none.
 */
int xsx_txn_start(struct xsx *x, xsx_reply_fn *fn, void *arg);
int xsx_txn_end(struct xsx *x, xs_transaction_t tx, bool abort,
	xsx_reply_fn *fn, void *arg);
xs_transaction_t xsx_txn_id(const void *payload, size_t len);

/*
 * xsx_string_next - walk through a payload of strings
 *
 * Start with *@at = 0.  NULL at the end, or where a NUL is missing.
 */
const char *xsx_string_next(const void *payload, size_t len, size_t *at);

/* Send what can be sent without waiting: 0, or -1 if the connection ended. */
int xsx_flush(struct xsx *x);

/*
 * xsx_process - send, receive, call back, and time out, without waiting
 *
 * The number of answers and events, or -1 when the connection has ended and
 * everybody was told.
 */
int xsx_process(struct xsx *x);

/* Wait for something to do, at most @timeout_ms (-1: any time); do it. */
int xsx_wait(struct xsx *x, int timeout_ms);

/*
 * xsx_handle_open - a handle of xenstore.h on the transport of @opts, with
 * its timeout.  on_event is not used.  NULL with errno; xs_close() ends it.
 */
struct xs_handle *xsx_handle_open(const struct xsx_options *opts);

/*
 * xsx_handle_run - many requests on @h under way at once
 * @reqs:	@nr requests, with their callbacks
 *
 * Returns when all are answered.  Only then, from the calling thread and in
 * the order of @reqs, come the callbacks, which may use @h.  Here a NUL
 * follows the payload, not counted.  Other threads may use @h meanwhile;
 * what their requests and these do to each other is up to the store.
 */
void xsx_handle_run(
	struct xs_handle *h, const struct xsx_request *reqs, unsigned int nr);

/*
 * xsx_timeout_set - requests on @h from now on fail with ETIMEDOUT after
 * @timeout_ms; 0 for never.  Waiting for events has no timeout.
 */
void xsx_timeout_set(struct xs_handle *h, unsigned int timeout_ms);

/*
 * xsx_txn_run - do @fn in a transaction, again while others interfere
 * @fn:		0 to commit, an errno to abort; EAGAIN to begin again
 * @tries:	at most so often; 0: as long as it takes
 *
 * True when committed; false with the errno of @fn or of the transaction.
 * @fn runs from the beginning each time: its effects outside the store must
 * bear that.
 */
bool xsx_txn_run(struct xs_handle *h,
	int (*fn)(struct xs_handle *h, xs_transaction_t t, void *arg),
	void *arg, unsigned int tries);

#ifdef __cplusplus
}
#endif

#endif
