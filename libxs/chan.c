/* SPDX-License-Identifier: MIT */
/* chan.c - ways to the store: which one, and what files have in common */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "libxs/chan.h"
#include "wire/xsmsg.h"

/* --- what has a descriptor ------------------------------------------------ */

static short fd_poll(
	struct chan *chan, short events, int wake_fd, int timeout_ms)
{
	struct pollfd p[2] = {
		{.fd = chan->fd, .events = events},
		{.fd = wake_fd, .events = POLLIN},
	};

	if (poll(p, 2, timeout_ms) <= 0)
		return 0;
	return p[0].revents;
}

/* xentoolcore_restrict_all() puts /dev/null in the place of the socket. */
static int sock_errno(void)
{
	return errno == ENOTSOCK ? EBADF : errno;
}

static ssize_t sock_send(struct chan *chan, const struct iovec *iov, int nr)
{
	struct iovec copy[64];
	struct msghdr msg = {.msg_iov = copy};
	ssize_t n;

	if (nr > (int)(sizeof(copy) / sizeof(*copy)))
		nr = sizeof(copy) / sizeof(*copy);
	memcpy(copy, iov, sizeof(*iov) * (size_t)nr);
	msg.msg_iovlen = (size_t)nr;
	do
		n = sendmsg(chan->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -sock_errno() : n;
}

static ssize_t sock_recv(struct chan *chan, void *buf, size_t cap, bool wait)
{
	ssize_t n;

	do
		n = recv(chan->fd, buf, cap, wait ? 0 : MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -sock_errno() : n;
}

static const struct chan_ops sock_ops = {sock_send, sock_recv, fd_poll};

/* A message is one write(2), which takes it whole or refuses it. */
static ssize_t dev_send(struct chan *chan, const struct iovec *iov, int nr)
{
	ssize_t n;

	(void)nr;
	do
		n = write(chan->fd, iov->iov_base, iov->iov_len);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static ssize_t dev_recv(struct chan *chan, void *buf, size_t cap, bool wait)
{
	struct pollfd p = {.fd = chan->fd, .events = POLLIN};
	ssize_t n;

	/* The device may wait in read(2) whatever the flags. */
	if (!wait && poll(&p, 1, 0) <= 0)
		return -EAGAIN;
	do
		n = read(chan->fd, buf, cap);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static const struct chan_ops dev_ops = {dev_send, dev_recv, fd_poll};

int chan_adopt(struct chan *chan, int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	*chan = (struct chan){.fd = fd};
	if (S_ISSOCK(st.st_mode)) {
		chan->ops = &sock_ops;
		chan->msg_max = XSMSG_MAX;
		chan->depths = true;
		/* Blocking is asked for call by call. */
		chan->blocks = !(fcntl(fd, F_GETFL) & O_NONBLOCK);
		return 0;
	}
	chan->ops = &dev_ops;
	/* Linux, drivers/xen/xenbus: one buffer for header and payload. */
	chan->msg_max = XSMSG_PAYLOAD_MAX;
	chan->single = true;
	chan->blocks = !(fcntl(fd, F_GETFL) & O_NONBLOCK);
	return 0;
}

/* --- finding the store ---------------------------------------------------- */

/* connect(2) would wait for a place in a full queue: as long as we may. */
static void limit_set(int fd, unsigned int timeout_ms)
{
	struct timeval tv = {
		.tv_sec = timeout_ms / 1000,
		.tv_usec = (suseconds_t)(timeout_ms % 1000) * 1000,
	};

	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

static int sock_open(const char *path, unsigned int timeout_ms)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd, r;

	if (strlen(path) >= sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	strcpy(sun.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (timeout_ms)
		limit_set(fd, timeout_ms);
	do
		r = connect(fd, (struct sockaddr *)&sun, sizeof(sun));
	while (r && errno == EINTR);
	if (r) {
		/* that is how the time limit shows */
		r = errno == EAGAIN ? -ETIMEDOUT : -errno;
		close(fd);
		return r;
	}
	if (timeout_ms)
		limit_set(fd, 0);
	return fd;
}

static int path_open(struct chan *chan, const char *path, unsigned int ms)
{
	struct stat st;
	int fd, r;

	if (stat(path, &st))
		return -errno;
	if (S_ISSOCK(st.st_mode))
		fd = sock_open(path, ms);
	else
		fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return S_ISSOCK(st.st_mode) ? fd : -errno;
	r = chan_adopt(chan, fd);
	if (r)
		close(fd);
	return r;
}

/*
 * The daemon's socket, or else a device.  What is said of the socket is worth
 * more than that there is no device.
 */
static int auto_open(struct chan *chan, unsigned int ms)
{
	const char *device = secure_getenv("XENSTORED_PATH");
	const char *path = xs_daemon_socket();
	int r, r2;

	r = path ? path_open(chan, path, ms) : -errno;
	if (!r)
		return 0;
	if (!device)
		device = access("/dev/xen/xenbus", F_OK) ? "/proc/xen/xenbus"
							 : "/dev/xen/xenbus";
	else if (path)
		return r; /* the same file again */
	r2 = path_open(chan, device, ms);
	return r2 && r != -ENOENT ? r : r2;
}

int chan_open(struct chan *chan, const struct xsx_options *opts)
{
	switch (opts->transport) {
	case XSX_AUTO: return auto_open(chan, opts->timeout_ms);
	case XSX_PATH:
		if (!opts->path)
			return -EINVAL;
		return path_open(chan, opts->path, opts->timeout_ms);
	case XSX_FD: return chan_adopt(chan, opts->fd);
	case XSX_RING: return chan_ring(chan, &opts->ring);
	}
	return -EINVAL;
}

void chan_close(struct chan *chan)
{
	if (chan->fd >= 0)
		close(chan->fd);
	chan->fd = -1;
}
