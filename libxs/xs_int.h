/* SPDX-License-Identifier: MIT */
/*
 * xs_int.h - a handle of xenstore.h
 *
 * DOC: Who reads
 *
 * There are two roles on a handle, the reader and the writer, each held by
 * one thread at a time, which waits on the descriptor without the lock.  A
 * thread that wants an answer takes the role of the reader if it is free,
 * receives for everybody, and when it has its own answer gives the role to
 * one of those who wait; so a lone caller needs a send and a receive and no
 * switch of threads.  The writer is needed only when the descriptor takes no
 * more.
 *
 * The library's own thread (after xs_watch() and xs_fileno()) polls without
 * a role, and becomes the reader only if nobody else is: it is there for
 * events that come while no call is under way.
 *
 * Everything here is protected by the lock, except what xsx_int.h says of
 * the reader, and event_fd, wake_fd and x->chan.fd, which do not change
 * while others may look.
 */
#ifndef BH_LIBXS_XS_INT_H
#define BH_LIBXS_XS_INT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "libxs/evq.h"
#include "libxs/xenstore.h"
#include "libxs/xsx_int.h"
#include "wire/ops.h"

/* A thread that waits in a call, on its stack. */
struct xs_waiter {
	TAILQ_ENTRY(xs_waiter) link;
	pthread_cond_t cond;
	bool event; /* waits for an event, not for an answer */
	bool room;  /* has a request that is over the limit */
	bool done;  /* has its answer */
};

/* Owner: the program.  Freed by: xs_close(), xs_daemon_destroy_postfork(). */
struct xs_handle {
	struct xsx *x;
	unsigned long flags;
	pthread_mutex_t lock;
	bool reading, writing; /* roles that are taken */
	TAILQ_HEAD(, xs_waiter) waiters;
	struct evq events;
	bool watched; /* xs_watch() was called */
	/* xs_fileno(): an eventfd; -1 if it was not called */
	int event_fd;
	bool event_shown; /* it is readable */
	bool end_seen;    /* the end of the connection was told */
	/* the library's own thread */
	pthread_t thread;
	pid_t thread_pid; /* where it runs; 0 if there is none */
	bool thread_stop;
	pthread_cond_t thread_cond; /* a role is free, or events were read */
	int wake_fd;
};

/* --- xs.c ----------------------------------------------------------------- */

void xs_lock(struct xs_handle *h);
void xs_unlock(struct xs_handle *h);

/*
 * xs_step - with the lock: wait for something to happen, at most until
 * @deadline, by taking a role or by waiting for those who have them.
 */
void xs_step(struct xs_handle *h, struct xs_waiter *w, int64_t deadline);

void xs_waiter_init(struct xs_waiter *w);
/* At the end of a wait: the role of the reader must not be orphaned. */
void xs_waiter_fini(struct xs_handle *h, struct xs_waiter *w);

/* The role of the reader is free: offer it to somebody who needs it. */
void xs_role_offer(struct xs_handle *h);

/*
 * With the lock, after xsx_dispatch(): what else may go on now.  Deadlines,
 * requests that waited for an answer (a device) or for room, events, and the
 * role of the reader.
 */
void xs_settle(struct xs_handle *h);

/* Make event_fd say what is true.  With the lock, after every change. */
void xs_event_show(struct xs_handle *h);

/*
 * xs_call - a request and its answer: a block of *@len bytes and a NUL, for
 * free(3), or NULL with errno.
 */
void *xs_call(struct xs_handle *h, uint32_t type, xs_transaction_t t,
	const struct iovec *iov, unsigned int nr, size_t *len);

/* --- xs_reader.c ---------------------------------------------------------- */

/* Does the library's own thread run, in this process? */
bool xs_reader_runs(const struct xs_handle *h);
/* With the lock: start it; false with errno. */
bool xs_reader_start(struct xs_handle *h);
/* Without the lock, by xs_close(). */
void xs_reader_stop(struct xs_handle *h);

/* --- what the others are made of ------------------------------------------ */

static inline struct iovec xs_iov(const char *s)
{
	return (struct iovec){(void *)(uintptr_t)s, __builtin_strlen(s) + 1};
}

/* The same for a request whose answer says nothing. */
bool xs_call_ok(struct xs_handle *h, uint32_t type, xs_transaction_t t,
	const struct iovec *iov, unsigned int nr);

#endif
