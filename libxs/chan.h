/* SPDX-License-Identifier: MIT */
/*
 * chan.h - ways to the store, behind one table
 *
 * One sender and one receiver at a time, which may be different threads.
 */
#ifndef BH_LIBXS_CHAN_H
#define BH_LIBXS_CHAN_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "libxs/xsx.h"
#include "wire/xsring.h"

struct chan;

struct chan_ops {
	/*
	 * Send what goes without waiting: the bytes taken, or -errno, -EAGAIN
	 * if none.  EINTR is not returned.
	 */
	ssize_t (*send)(struct chan *chan, const struct iovec *iov, int nr);
	/*
	 * Receive up to @cap bytes: how many, 0 at the end, or -errno.
	 * @wait: until there are some, if the channel says blocks.
	 */
	ssize_t (*recv)(struct chan *chan, void *buf, size_t cap, bool wait);
	/*
	 * Wait for @events or for @wake_fd (-1: none) at most @timeout_ms:
	 * what is ready, 0 if nothing is or a signal came.
	 */
	short (*poll)(
		struct chan *chan, short events, int wake_fd, int timeout_ms);
};

struct chan {
	const struct chan_ops *ops;
	int fd;         /* owned; -1 if there is none */
	size_t msg_max; /* bytes of a message with its header */
	/*
	 * A device: the kernel answers some requests itself, without their
	 * id, so there is one at a time; and it refuses requests by the errno
	 * of write(2), which says nothing about the next one.
	 */
	bool single;
	bool blocks; /* recv can wait */
	/*
	 * A ring: the event is cleared by whoever waits for it, so one
	 * thread waits for both directions.
	 */
	bool one_waiter;
	bool depths; /* watches with a depth get through */
	struct xsring xsring;
	struct xsx_ring ring;
};

/* Open what @opts says; 0 or -errno. */
int chan_open(struct chan *chan, const struct xsx_options *opts);

/* Use @fd, a socket or a device; it is closed by chan_close(). */
int chan_adopt(struct chan *chan, int fd);

/* Use a ring of the caller's. */
int chan_ring(struct chan *chan, const struct xsx_ring *ring);

void chan_close(struct chan *chan);

#endif
