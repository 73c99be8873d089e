/* SPDX-License-Identifier: MIT */
/* conn_sock.c - connections over the socket, all of the privileged domain */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <event2/event.h>

#include "common/err.h"
#include "common/macro.h"
#include "xenstored/conn.h"
#include "xenstored/domain.h"
#include "xenstored/server.h"

enum { SOCK_IOV = 64 };

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83 /* since Linux 6.16 */
#endif

struct conn_sock {
	struct conn conn;
	int fd;
	struct event *readable, *writable;
	bool reading, writing; /* which events are waited for */
	bool drained;          /* the last read took all there was */
	bool ending;           /* after what is there, nothing will come */
};

static struct conn_sock *sock_of(struct conn *conn)
{
	return container_of(conn, struct conn_sock, conn);
}

static ssize_t sock_recv(struct conn *conn, void *buf, size_t cap)
{
	struct conn_sock *sock = sock_of(conn);
	ssize_t n;

	/*
	 * An event tells when there is more: no need to ask in vain.  But
	 * for the rest of a message: that may not come for an error, which
	 * hides behind what was there before it, and that event has been.
	 */
	if (sock->drained && !conn->in_len)
		return 0;
	do
		n = recv(sock->fd, buf, cap, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n > 0) {
		sock->drained = (size_t)n < cap && !sock->ending;
		return n;
	}
	if (n < 0 && errno == EAGAIN) {
		sock->drained = true;
		return 0;
	}
	return n ? -errno : -EPIPE;
}

/* Mostly it is one piece, which the kernel takes faster without a list. */
static ssize_t pieces_send(int fd, struct iovec *iov, int nr)
{
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = (size_t)nr};
	const int flags = MSG_DONTWAIT | MSG_NOSIGNAL;

	if (nr == 1)
		return send(fd, iov->iov_base, iov->iov_len, flags);
	return sendmsg(fd, &msg, flags);
}

static int sock_send(struct conn *conn)
{
	struct conn_sock *sock = sock_of(conn);

	while (!outq_empty(&conn->out)) {
		struct iovec iov[SOCK_IOV];
		ssize_t n;

		n = pieces_send(
			sock->fd, iov, outq_iov(&conn->out, iov, SOCK_IOV));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		outq_sent(&conn->out, (size_t)n);
	}
	return 0;
}

static void wait_for(struct event *ev, bool *waiting, bool want)
{
	if (*waiting == want)
		return;
	/* Without memory for the event: later turns try again. */
	if ((want ? event_add(ev, NULL) : event_del(ev)) == 0)
		*waiting = want;
}

static void sock_rest(struct conn *conn)
{
	struct conn_sock *sock = sock_of(conn);

	wait_for(sock->readable, &sock->reading, conn_takes(conn));
	wait_for(sock->writable, &sock->writing, !outq_empty(&conn->out));
}

/* The stream cannot be followed any more: there is only closing it. */
static void sock_violated(struct conn *conn, enum xsring_error error)
{
	conn_kill(conn);
}

static void sock_close(struct conn *conn)
{
	struct conn_sock *sock = sock_of(conn);

	event_free(sock->readable);
	event_free(sock->writable);
	close(sock->fd);
	server_listen_resume(conn->server);
}

/*
 * Who has connected; the socket may have been handed on since.  Not its name:
 * who may read that in /proc may read there what others keep in their memory,
 * and that is more than the daemon keeps for itself.
 */
static void sock_describe(struct conn *conn, char *buf, size_t cap)
{
	const struct conn_sock *sock = sock_of(conn);
	struct ucred cred = {.pid = -1};
	socklen_t len = sizeof(cred);

	if (getsockopt(sock->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len)) {
		snprintf(buf, cap, "socket");
		return;
	}
	snprintf(buf, cap, "socket pid=%ld uid=%lu", (long)cred.pid,
		(unsigned long)cred.uid);
}

static const struct conn_ops sock_ops = {
	.recv = sock_recv,
	.send = sock_send,
	.rest = sock_rest,
	.violated = sock_violated,
	.close = sock_close,
	.describe = sock_describe,
};

static void on_sock(evutil_socket_t fd, short what, void *arg)
{
	struct conn_sock *sock = arg;

	if (what & (EV_READ | EV_CLOSED))
		sock->drained = false;
	if (what & EV_CLOSED)
		sock->ending = true;
	conn_wake(&sock->conn);
}

int conn_sock_refuse_rights(int fd)
{
	int pass = 0;

	if (setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &pass, sizeof(pass)))
		return -errno;
	return 0;
}

/*
 * An event for each arrival, not as long as there is something, spares the
 * kernel to look at the socket once more in each turn.  It comes only once, so
 * a read must be known to have taken everything.  A short one has, but for
 * bytes with descriptors, where it ends early.  It does at urgent bytes, too:
 * who sends such has broken its own stream.
 */
static short edge_triggered(int fd)
{
	int pass = 1;
	socklen_t len = sizeof(pass);

	if (getsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &pass, &len) || pass)
		return 0;
	return EV_ET;
}

int conn_sock_new(struct server *server, int fd)
{
	const short how = EV_PERSIST | edge_triggered(fd);
	struct event_base *base = loop_base(server->loop);
	struct conn_sock *sock = calloc(1, sizeof(*sock));

	if (!sock)
		return err_trace(-ENOMEM);
	sock->fd = fd;
	sock->drained = true;
	sock->readable =
		event_new(base, fd, EV_READ | EV_CLOSED | how, on_sock, sock);
	sock->writable = event_new(base, fd, EV_WRITE | how, on_sock, sock);
	if (!sock->readable || !sock->writable ||
		event_add(sock->readable, NULL)) {
		if (sock->readable)
			event_free(sock->readable);
		if (sock->writable)
			event_free(sock->writable);
		free(sock);
		return err_trace(-ENOMEM);
	}
	sock->reading = true;
	conn_init(&sock->conn, server, server->self, &sock_ops, true);
	return 0;
}
