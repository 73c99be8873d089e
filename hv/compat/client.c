/* SPDX-License-Identifier: MIT */
/*
 * client.c: a session with hvd, from the side of a domain's process.
 *
 * DOC: framing
 *
 * The socket keeps message boundaries, so that a reply is one recvmsg() that
 * scatters it into the caller's buffers.  Behind those lies a spare buffer of
 * HV_ASYNC_MAX bytes: it takes async messages when the caller expects less,
 * and shows a reply that is too long without a second system call.
 *
 * hvd is trusted, but its replies are checked all the same: a mistake must
 * end as an error here, not as a stray descriptor or an overrun.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "hv/compat/client.h"
#include "hv/proto/fds.h"

struct hv_client {
	int fd;
	dev_t dev; /* what fd is, to tell it from what takes its place */
	ino_t ino;
	unsigned int flags;
	atomic_bool dead;
	pthread_mutex_t lock;
	hv_async_fn *on_async;
	void *async_arg;
};

/* What one recvmsg() brought. */
struct received {
	struct hvp_rep head;
	size_t len; /* of the payload */
	bool lost_fds;
};

void hv_fds_close(struct hv_fds *fds)
{
	for (unsigned int i = 0; i < fds->nr; i++)
		if (fds->fd[i] >= 0)
			close(fds->fd[i]);
	fds->nr = 0;
}

int hv_client_adopt(struct hv_client **cp, int fd, unsigned int flags)
{
	struct hv_client *c = calloc(1, sizeof(*c));
	struct stat st;

	*cp = NULL;
	if (!c)
		return -ENOMEM;
	if (fstat(fd, &st) == 0) {
		c->dev = st.st_dev;
		c->ino = st.st_ino;
	}
	c->fd = fd;
	c->flags = flags;
	pthread_mutex_init(&c->lock, NULL);
	*cp = c;
	return 0;
}

int hv_client_open(struct hv_client **cp, const char *path, unsigned int flags)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int type = SOCK_SEQPACKET;
	int fd, r;

	*cp = NULL;
	if (!path)
		path = secure_getenv(HVP_SOCKET_ENV);
	if (!path || !path[0])
		path = HVP_SOCKET;
	if (strlen(path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	memcpy(sa.sun_path, path, strlen(path) + 1);

	if (!(flags & HV_CLIENT_INHERIT))
		type |= SOCK_CLOEXEC;
	fd = socket(AF_UNIX, type, 0);
	if (fd < 0)
		return -errno;
	do
		r = connect(fd, (struct sockaddr *)&sa, sizeof(sa));
	while (r < 0 && errno == EINTR);
	r = r < 0 ? -errno : hv_client_adopt(cp, fd, flags);
	if (r < 0)
		close(fd);
	return r;
}

bool hv_client_is_open(const struct hv_client *c)
{
	struct stat st;

	return fstat(c->fd, &st) == 0 && st.st_dev == c->dev &&
	       st.st_ino == c->ino;
}

void hv_client_close(struct hv_client *c)
{
	if (!c)
		return;
	close(c->fd);
	hv_client_forget(c);
}

void hv_client_forget(struct hv_client *c)
{
	pthread_mutex_destroy(&c->lock);
	free(c);
}

int hv_client_fd(const struct hv_client *c)
{
	return c->fd;
}

void hv_client_on_async(struct hv_client *c, hv_async_fn *fn, void *arg)
{
	pthread_mutex_lock(&c->lock);
	c->on_async = fn;
	c->async_arg = arg;
	pthread_mutex_unlock(&c->lock);
}

/* The stream of replies can no longer be trusted to match the requests. */
static int client_fail(struct hv_client *c)
{
	atomic_store(&c->dead, true);
	shutdown(c->fd, SHUT_RDWR);
	return -EIO;
}

/* An inherited socket may be non-blocking; a session waits all the same. */
static int client_wait(struct hv_client *c, short events)
{
	struct pollfd p = {.fd = c->fd, .events = events};

	if (poll(&p, 1, -1) < 0 && errno != EINTR)
		return -errno;
	return 0;
}

static int client_send(struct hv_client *c, const struct hv_exchange *x)
{
	struct hvp_req head = {.op = x->op, .n = x->n};
	struct iovec iov[1 + HV_REQ_IOV_MAX];
	struct msghdr msg = {.msg_iov = iov};
	size_t len = 0;

	if (x->req_nr > HV_REQ_IOV_MAX)
		return -EMSGSIZE;
	iov[0] = (struct iovec){&head, sizeof(head)};
	for (unsigned int i = 0; i < x->req_nr; i++) {
		iov[i + 1] = x->req[i];
		if (x->req[i].iov_len > HVP_MSG_MAX - sizeof(head) - len)
			return -EMSGSIZE;
		len += x->req[i].iov_len;
	}
	head.len = len;
	msg.msg_iovlen = x->req_nr + 1;
	while (sendmsg(c->fd, &msg, MSG_NOSIGNAL) < 0) {
		int r = 0;

		if (errno == EFAULT || errno == EMSGSIZE)
			return -errno; /* nothing was sent */
		if (errno == EAGAIN)
			r = client_wait(c, POLLOUT);
		else if (errno != EINTR)
			r = -EIO;
		if (r < 0)
			return client_fail(c);
	}
	return 0;
}

static_assert((int)FDS_MAX == HVP_FDS_MAX, "a reply is a message");

/*
 * One message into @r, @iov (of which the first is r->head) and @fds.
 * -EAGAIN only with MSG_DONTWAIT.
 */
static int client_recv(struct hv_client *c, struct iovec *iov, size_t iov_nr,
	int flags, struct received *r, struct hv_fds *fds)
{
	struct fds_got got;
	ssize_t n;

	if (!(c->flags & HV_CLIENT_INHERIT))
		flags |= MSG_CMSG_CLOEXEC;
	for (;;) {
		n = fds_recv(
			c->fd, iov, iov_nr, fds->fd, HVP_FDS_MAX, flags, &got);
		if (n != -EAGAIN)
			break;
		if (flags & MSG_DONTWAIT)
			return -EAGAIN;
		if (client_wait(c, POLLIN) < 0)
			break;
	}
	fds->nr = got.nr;
	/* the message that met a bad buffer is gone, the next one is not */
	if (n == -EFAULT)
		return -EFAULT;
	if (n <= 0)
		return client_fail(c);
	if ((size_t)n < sizeof(r->head) || got.cut ||
		r->head.len != (size_t)n - sizeof(r->head) ||
		r->head.kind > HVP_ASYNC)
		return client_fail(c);
	if (got.nr > r->head.nfds || r->head.nfds > HVP_FDS_MAX)
		return client_fail(c);
	/* none is missing unless this process has no place for it */
	if (got.lost != (got.nr < r->head.nfds))
		return client_fail(c);
	r->lost_fds = got.lost;
	r->len = r->head.len;
	return 0;
}

/* Gathers an async message from where recvmsg() scattered it. */
static void client_async(struct hv_client *c, const struct received *r,
	const struct iovec *iov, size_t iov_nr)
{
	uint8_t data[HV_ASYNC_MAX];
	size_t len = 0;

	if (r->len > sizeof(data) || !c->on_async)
		return;
	for (size_t i = 1; i < iov_nr && len < r->len; i++) {
		size_t part = r->len - len;

		if (part > iov[i].iov_len)
			part = iov[i].iov_len;
		memcpy(data + len, iov[i].iov_base, part);
		len += part;
	}
	c->on_async(c->async_arg, r->head.async, data, len);
}

/* Waits for the reply; async messages before it go to their function. */
static int client_reply(struct hv_client *c, struct hv_exchange *x)
{
	struct iovec iov[2 + HV_REQ_IOV_MAX];
	uint8_t spare[HV_ASYNC_MAX];
	struct received r;
	struct hv_fds got;
	size_t room = 0;
	int rc;

	iov[0] = (struct iovec){&r.head, sizeof(r.head)};
	for (unsigned int i = 0; i < x->rep_nr; i++) {
		iov[i + 1] = x->rep[i];
		room += x->rep[i].iov_len;
	}
	iov[x->rep_nr + 1] = (struct iovec){spare, sizeof(spare)};
	for (;;) {
		got.nr = 0;
		rc = client_recv(c, iov, x->rep_nr + 2, 0, &r, &got);
		if (rc == 0 && r.head.kind == HVP_REPLY)
			break;
		hv_fds_close(&got);
		if (rc < 0)
			return rc;
		client_async(c, &r, iov, x->rep_nr + 2);
	}
	x->rep_n = r.head.n;
	x->rep_len = r.len;
	rc = r.head.rc;
	if (rc > 0 || (rc == 0 && (r.len > room || (got.nr && !x->fds))))
		rc = -EPROTO;
	else if (rc == 0 && r.lost_fds)
		rc = -EMFILE;
	if (rc < 0 || !x->fds) {
		hv_fds_close(&got);
		return rc;
	}
	x->fds->nr = got.nr;
	memcpy(x->fds->fd, got.fd, got.nr * sizeof(got.fd[0]));
	return 0;
}

int hv_client_exchange(struct hv_client *c, struct hv_exchange *x)
{
	int r;

	x->rep_n = 0;
	x->rep_len = 0;
	if (x->fds)
		x->fds->nr = 0;
	if (x->rep_nr > HV_REQ_IOV_MAX)
		return -EMSGSIZE;
	pthread_mutex_lock(&c->lock);
	if (atomic_load(&c->dead))
		r = -EIO;
	else
		r = client_send(c, x);
	if (r == 0)
		r = client_reply(c, x);
	pthread_mutex_unlock(&c->lock);
	return r;
}

int hv_client_ask(struct hv_client *c, unsigned int op, unsigned int n,
	const void *req, size_t req_len, void *rep, size_t rep_len,
	struct hv_fds *fds)
{
	/* an iovec cannot say that it is only read from */
	const union {
		const void *from;
		void *base;
	} in = {.from = req};
	const struct iovec to = {in.base, req_len};
	const struct iovec from = {rep, rep_len};
	struct hv_exchange x = {
		.op = op,
		.n = n,
		.req = &to,
		.req_nr = req_len > 0,
		.rep = &from,
		.rep_nr = rep_len > 0,
		.fds = fds,
	};
	int r = hv_client_exchange(c, &x);

	if (r == 0 && x.rep_len != rep_len) {
		if (fds)
			hv_fds_close(fds);
		r = -EPROTO;
	}
	return r;
}

int hv_client_dispatch(struct hv_client *c)
{
	uint8_t spare[HV_ASYNC_MAX];
	struct hv_fds none;
	struct received r;
	struct iovec iov[2] = {
		{&r.head, sizeof(r.head)},
		{spare, sizeof(spare)},
	};
	int rc;

	pthread_mutex_lock(&c->lock);
	do {
		none.nr = 0;
		if (atomic_load(&c->dead))
			rc = -EIO;
		else
			rc = client_recv(c, iov, 2, MSG_DONTWAIT, &r, &none);
		hv_fds_close(&none);
		if (rc == 0 && r.head.kind != HVP_ASYNC)
			rc = client_fail(c); /* nothing was asked */
		if (rc == 0)
			client_async(c, &r, iov, 2);
	} while (rc == 0);
	pthread_mutex_unlock(&c->lock);
	return rc == -EAGAIN ? 0 : rc;
}
