/* SPDX-License-Identifier: MIT */
/* xs_reader.c - the library's own thread, for events between calls */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "libxs/xs_int.h"

enum { STACK_BYTES = 256 * 1024 };

bool xs_reader_runs(const struct xs_handle *h)
{
	return h->thread_pid && h->thread_pid == getpid();
}

/*
 * With the lock.  Polling needs no role, but for a ring, whose event is
 * gone for others once it was waited for.
 */
static void turn(struct xs_handle *h)
{
	struct xsx *x = h->x;
	struct chan *chan = &x->chan;
	int64_t deadline = x->next_deadline;
	ssize_t r = -EAGAIN;

	if (h->reading || evq_full(&h->events)) {
		pthread_cond_wait(&h->thread_cond, &h->lock);
		return;
	}
	h->reading = chan->one_waiter;
	xs_unlock(h);
	if (chan->one_waiter)
		r = xsx_fill(x, false);
	if (r == -EAGAIN)
		chan->ops->poll(chan, POLLIN, h->wake_fd, xsx_until(deadline));
	xs_lock(h);
	if (!chan->one_waiter && h->reading)
		return;
	if (r == -EAGAIN) {
		/* Does not wait, so the lock may be kept. */
		r = xsx_fill(x, false);
	}
	h->reading = false;
	xsx_dispatch(x, r);
	xs_settle(h);
}

static void *reader_main(void *arg)
{
	struct xs_handle *h = arg;

	xs_lock(h);
	while (!h->thread_stop && !h->x->err)
		turn(h);
	xs_unlock(h);
	return NULL;
}

static int thread_create(struct xs_handle *h)
{
	sigset_t all, old;
	pthread_attr_t attr;
	int r = pthread_attr_init(&attr);

	if (r)
		return r;
	/* Small, for programs that lock their memory. */
	(void)pthread_attr_setstacksize(&attr, STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&h->thread, &attr, reader_main, h);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return r;
}

bool xs_reader_start(struct xs_handle *h)
{
	int r;

	if (xs_reader_runs(h))
		return true;
	if (h->wake_fd < 0)
		h->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (h->wake_fd < 0)
		return false;
	h->thread_pid = getpid();
	r = thread_create(h);
	if (r) {
		h->thread_pid = 0;
		errno = r;
		return false;
	}
	return true;
}

void xs_reader_stop(struct xs_handle *h)
{
	uint64_t one = 1;

	xs_lock(h);
	h->thread_stop = true;
	pthread_cond_signal(&h->thread_cond);
	(void)!write(h->wake_fd, &one, sizeof(one));
	xs_unlock(h);
	pthread_join(h->thread, NULL);
	h->thread_pid = 0;
}
