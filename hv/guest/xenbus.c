/* SPDX-License-Identifier: MIT */
/* xenbus.c - a domain's xenstore ring, offered to its processes */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>
#include <talloc.h>

#include "common/log.h"
#include "common/loop.h"
#include "hv/guest/xenbus.h"
#include "wire/xsring.h"

enum {
	PUMP_ROUNDS = 16, /* times the ring is looked at in one go */
};

/* Bytes for a client.  Owner: the client. */
struct chunk {
	TAILQ_ENTRY(chunk) link;
	size_t len, sent;
	uint8_t bytes[];
};
TAILQ_HEAD(chunks, chunk);

/* A process's connection.  Owner: the xenbus.  Freed by: the loop. */
struct client {
	TAILQ_ENTRY(client) link;
	struct mux_client mc;
	struct xenbus *xb;
	struct loop_work work;
	struct loop_dead dead;
	struct event *rd, *wr;
	int fd;
	bool gone;
	struct chunks out;
	size_t out_bytes;
	size_t in_len;
	uint8_t in[XSMSG_MAX];
};
TAILQ_HEAD(clients, client);

/* Owner: main. */
struct xenbus {
	struct loop *loop;
	struct mux *mux;
	struct xsring ring;
	bool broken; /* what came cannot be a message */
	void (*kick)(void *arg);
	void *arg;
	struct loop_work pump;
	struct event *listen, *again;
	int listen_fd;
	struct clients clients;
	unsigned int clients_nr;
};

static void client_bury(struct loop_dead *dead)
{
	struct client *c =
		(void *)((char *)dead - offsetof(struct client, dead));

	talloc_free(c);
}

/* Are connections taken just now? */
static void listen_update(struct xenbus *xb)
{
	if (!xb->listen || event_pending(xb->again, EV_TIMEOUT, NULL))
		return;
	if (xb->clients_nr < XENBUS_CLIENTS_MAX &&
		mux_pending(xb->mux) < XENBUS_PENDING_MAX)
		event_add(xb->listen, NULL);
	else
		event_del(xb->listen);
}

/* May be called from anything that is done for this client. */
static void client_kill(struct client *c)
{
	struct xenbus *xb = c->xb;

	if (c->gone)
		return;
	c->gone = true;
	mux_client_fini(&c->mc);
	event_del(c->rd);
	event_del(c->wr);
	loop_work_cancel(xb->loop, &c->work);
	TAILQ_REMOVE(&xb->clients, c, link);
	xb->clients_nr--;
	listen_update(xb);
	loop_kill(xb->loop, &c->dead, client_bury);
	/* its watches and transactions are taken back through the ring */
	loop_work_queue(xb->loop, &xb->pump);
}

static int client_destroy(struct client *c)
{
	if (c->rd)
		event_free(c->rd);
	if (c->wr)
		event_free(c->wr);
	close(c->fd);
	return 0;
}

/* Neither too many requests under way nor too much that is not read. */
static bool client_may_ask(const struct client *c)
{
	return !mux_client_full(&c->mc) && c->out_bytes < XENBUS_BACKLOG;
}

static void client_flush(struct client *c)
{
	struct chunk *k;

	while ((k = TAILQ_FIRST(&c->out))) {
		ssize_t n = send(c->fd, k->bytes + k->sent, k->len - k->sent,
			MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (n < 0) {
			client_kill(c);
			return;
		}
		k->sent += (size_t)n;
		c->out_bytes -= (size_t)n;
		if (k->sent < k->len)
			continue;
		TAILQ_REMOVE(&c->out, k, link);
		talloc_free(k);
	}
	if (k)
		event_add(c->wr, NULL);
	else
		event_del(c->wr);
	loop_work_queue(c->xb->loop, &c->work);
}

static void client_deliver(
	struct mux_client *mc, const struct xsmsg_hdr *hdr, const void *payload)
{
	struct client *c = (void *)((char *)mc - offsetof(struct client, mc));
	size_t len = XSMSG_HDR_LEN + (size_t)hdr->len;
	bool idle = TAILQ_EMPTY(&c->out);
	struct chunk *k;

	if (c->gone)
		return;
	k = c->out_bytes + len > XENBUS_OUT_MAX
		    ? NULL
		    : talloc_size(c, sizeof(*k) + len);
	if (!k) {
		/* a reply or an event is never left out: the stream ends */
		log_warn(NULL, "xenbus_slow",
			"a process does not read: its connection is closed");
		client_kill(c);
		return;
	}
	*k = (struct chunk){.len = len};
	xsmsg_hdr_emit(k->bytes, hdr);
	memcpy(k->bytes + XSMSG_HDR_LEN, payload, hdr->len);
	TAILQ_INSERT_TAIL(&c->out, k, link);
	c->out_bytes += len;
	if (idle)
		client_flush(c);
}

/* Turn what was read into requests, as many as the client may have. */
static void client_work(struct loop_work *work)
{
	struct client *c =
		(void *)((char *)work - offsetof(struct client, work));
	size_t at = 0;
	struct xsmsg msg;

	while (!c->gone && client_may_ask(c)) {
		enum xsmsg_status s =
			xsmsg_parse(&msg, c->in + at, c->in_len - at);

		if (s == XSMSG_BAD) {
			client_kill(c);
			return;
		}
		if (s == XSMSG_MORE)
			break;
		at += xsmsg_size(&msg);
		mux_request(&c->mc, &msg);
		loop_work_queue(c->xb->loop, &c->xb->pump);
	}
	if (c->gone)
		return;
	memmove(c->in, c->in + at, c->in_len - at);
	c->in_len -= at;
	if (client_may_ask(c) && c->in_len < sizeof(c->in))
		event_add(c->rd, NULL);
	else
		event_del(c->rd);
}

static void on_client_read(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;
	ssize_t n;

	n = recv(
		fd, c->in + c->in_len, sizeof(c->in) - c->in_len, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_kill(c);
		return;
	}
	c->in_len += (size_t)n;
	client_work(&c->work);
}

static void on_client_write(evutil_socket_t fd, short what, void *arg)
{
	client_flush(arg);
}

static void client_new(struct xenbus *xb, int fd)
{
	struct event_base *base = loop_base(xb->loop);
	struct client *c = talloc_zero(xb, struct client);

	if (!c) {
		close(fd);
		return;
	}
	c->xb = xb;
	c->fd = fd;
	TAILQ_INIT(&c->out);
	loop_work_init(&c->work, client_work);
	talloc_set_destructor(c, client_destroy);
	c->rd = event_new(base, fd, EV_READ | EV_PERSIST, on_client_read, c);
	c->wr = event_new(base, fd, EV_WRITE | EV_PERSIST, on_client_write, c);
	if (!c->rd || !c->wr || event_add(c->rd, NULL) < 0) {
		talloc_free(c);
		return;
	}
	mux_client_init(xb->mux, &c->mc, client_deliver);
	TAILQ_INSERT_TAIL(&xb->clients, c, link);
	xb->clients_nr++;
	listen_update(xb);
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
	listen_update(arg);
}

static void on_listen(evutil_socket_t lfd, short what, void *arg)
{
	const struct timeval pause = {.tv_sec = 1};
	struct xenbus *xb = arg;
	int fd = accept4(lfd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	/* out of descriptors: the queue is looked at again in a while */
	if (fd < 0) {
		event_del(xb->listen);
		event_add(xb->again, &pause);
		return;
	}
	if (xb->broken)
		close(fd);
	else
		client_new(xb, fd);
}

/* The stream cannot be trusted any more: everybody is told by a hang-up. */
static void xenbus_break(struct xenbus *xb)
{
	struct client *c, *next;

	log_error(NULL, "xenbus_broken",
		"the store's ring is inconsistent: no more requests");
	xb->broken = true;
	for (c = TAILQ_FIRST(&xb->clients); c; c = next) {
		next = TAILQ_NEXT(c, link);
		client_kill(c);
	}
}

static bool pump_out(struct xenbus *xb, bool *moved)
{
	const void *buf;
	size_t len, n;

	while ((len = mux_out(xb->mux, &buf))) {
		if (!xsring_put(&xb->ring, buf, len, &n))
			return false;
		if (!n)
			break;
		mux_out_done(xb->mux, n);
		*moved = true;
	}
	return true;
}

static bool pump_in(struct xenbus *xb, bool *moved)
{
	uint8_t buf[XSRING_SIZE];
	size_t n;

	if (!xsring_get(&xb->ring, buf, sizeof(buf), &n))
		return false;
	if (!n)
		return true;
	*moved = true;
	return mux_in(xb->mux, buf, n);
}

/*
 * Both directions until nothing moves.  A full ring is no reason to wait
 * here: the daemon kicks when it has taken something.
 */
static void xenbus_pump(struct loop_work *work)
{
	struct xenbus *xb =
		(void *)((char *)work - offsetof(struct xenbus, pump));
	bool any = false;

	for (int i = 0; i < PUMP_ROUNDS && !xb->broken; i++) {
		bool moved = false;

		if (!pump_out(xb, &moved) || !pump_in(xb, &moved)) {
			xenbus_break(xb);
			break;
		}
		if (!moved)
			break;
		any = true;
		if (i == PUMP_ROUNDS - 1)
			loop_work_queue(xb->loop, work);
	}
	listen_update(xb);
	if (any)
		xb->kick(xb->arg);
}

void xenbus_wake(struct xenbus *xb)
{
	loop_work_queue(xb->loop, &xb->pump);
}

struct mux *xenbus_mux(struct xenbus *xb)
{
	return xb->mux;
}

static int xenbus_destroy(struct xenbus *xb)
{
	while (!TAILQ_EMPTY(&xb->clients)) {
		struct client *c = TAILQ_FIRST(&xb->clients);

		mux_client_fini(&c->mc);
		TAILQ_REMOVE(&xb->clients, c, link);
		talloc_free(c);
	}
	loop_work_cancel(xb->loop, &xb->pump);
	if (xb->listen)
		event_free(xb->listen);
	if (xb->again)
		event_free(xb->again);
	if (xb->listen_fd >= 0)
		close(xb->listen_fd);
	return 0;
}

static bool xenbus_accept(struct xenbus *xb, const struct xenbus_params *p)
{
	struct event_base *base = loop_base(p->loop);

	xb->listen = event_new(
		base, p->listen_fd, EV_READ | EV_PERSIST, on_listen, xb);
	xb->again = event_new(base, -1, 0, on_again, xb);
	return xb->listen && xb->again && !event_add(xb->listen, NULL);
}

struct xenbus *xenbus_new(const void *ctx, const struct xenbus_params *p)
{
	struct xenbus *xb = talloc_zero(ctx, struct xenbus);

	if (!xb)
		return NULL;
	xb->loop = p->loop;
	xb->kick = p->kick;
	xb->arg = p->arg;
	TAILQ_INIT(&xb->clients);
	loop_work_init(&xb->pump, xenbus_pump);
	xsring_attach(&xb->ring, p->page, XSRING_CLIENT);
	xb->listen_fd = -1;
	talloc_set_destructor(xb, xenbus_destroy);
	xb->mux = mux_new(xb, p->domid);
	if (!xb->mux || (p->listen_fd >= 0 && !xenbus_accept(xb, p))) {
		talloc_free(xb);
		return NULL;
	}
	xb->listen_fd = p->listen_fd;
	return xb;
}

int xenbus_listen(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd, r;

	if (strlen(path) >= sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	memcpy(sun.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	(void)unlink(path);
	if (bind(fd, (struct sockaddr *)&sun, sizeof(sun)) ||
		chmod(path, 0600) || listen(fd, 64)) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}
