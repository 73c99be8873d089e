/* SPDX-License-Identifier: MIT */
/* chan_ring.c - the way to the store of a guest without a kernel */
#include <errno.h>
#include <poll.h>
#include <stdint.h>

#include "libxs/chan.h"
#include "wire/xsmsg.h"

enum { SLICE_MS = 100 }; /* how late a wake_fd may be seen without an fd */

static ssize_t ring_send(struct chan *chan, const struct iovec *iov, int nr)
{
	size_t sum = 0;

	for (int i = 0; i < nr; i++) {
		size_t put;

		if (!xsring_put(&chan->xsring, iov[i].iov_base, iov[i].iov_len,
			    &put))
			return -EIO;
		sum += put;
		if (put < iov[i].iov_len)
			break;
	}
	if (!sum)
		return -EAGAIN;
	chan->ring.notify(chan->ring.arg);
	return (ssize_t)sum;
}

/* The server reports what it holds against us, and listens no more. */
static ssize_t ring_recv(struct chan *chan, void *buf, size_t cap, bool wait)
{
	size_t got;

	(void)wait;
	if (!xsring_get(&chan->xsring, buf, cap, &got))
		return -EIO;
	if (got) {
		chan->ring.notify(chan->ring.arg);
		return (ssize_t)got;
	}
	if (xsring_features(&chan->xsring) & XSRING_FEATURE_ERROR &&
		xsring_error(&chan->xsring) != XSRING_ERROR_NONE)
		return -EIO;
	return -EAGAIN;
}

/* A notification is both: there may be bytes, and there may be space. */
static short ring_poll(
	struct chan *chan, short events, int wake_fd, int timeout_ms)
{
	struct xsx_ring *ring = &chan->ring;
	struct pollfd p[2] = {
		{.fd = ring->fd, .events = POLLIN},
		{.fd = wake_fd, .events = POLLIN},
	};
	int r;

	if (ring->fd >= 0) {
		if (poll(p, 2, timeout_ms) <= 0 || !p[0].revents)
			return 0;
		timeout_ms = 0;
	} else if (wake_fd >= 0 && (timeout_ms < 0 || timeout_ms > SLICE_MS)) {
		timeout_ms = SLICE_MS;
	}
	r = ring->wait(ring->arg, timeout_ms);
	if (r < 0)
		return POLLERR;
	return r ? events : 0;
}

static const struct chan_ops ring_ops = {ring_send, ring_recv, ring_poll};

int chan_ring(struct chan *chan, const struct xsx_ring *ring)
{
	if (!ring->page || (uintptr_t)ring->page % XSRING_PAGE ||
		!ring->notify || !ring->wait)
		return -EINVAL;
	*chan = (struct chan){
		.ops = &ring_ops,
		.fd = -1,
		.msg_max = XSMSG_MAX,
		.one_waiter = true,
		.depths = true,
		.ring = *ring,
	};
	xsring_attach(&chan->xsring, ring->page, XSRING_CLIENT);
	return 0;
}
