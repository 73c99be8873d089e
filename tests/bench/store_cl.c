/* SPDX-License-Identifier: MIT */
/* store_cl.c: the clients of the benchmark, as lean as the echo server */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <xenevtchn.h>

#include "tests/bench/store.h"

static struct cl *cl_new(void)
{
	struct cl *cl = calloc(1, sizeof(*cl));

	if (!cl)
		die("no memory");
	cl->fd = -1;
	cl->in = malloc(CL_BUF);
	cl->out = malloc(CL_BUF);
	if (!cl->in || !cl->out)
		die("no memory");
	return cl;
}

struct cl *cl_open(struct srv *s)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct cl *cl = cl_new();

	memcpy(sun.sun_path, s->socket, strlen(s->socket));
	cl->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (cl->fd < 0)
		die("socket: %s", strerror(errno));
	/* a server's backlog may be short, and it needs the processor */
	for (int i = 0;
		connect(cl->fd, (struct sockaddr *)&sun, sizeof(sun)) < 0;
		i++) {
		if (i == 5000)
			die("no connection to %s: %s", kind_name[s->kind],
				strerror(errno));
		usleep(1000);
	}
	return cl;
}

struct cl *cl_ring(void *page, struct xenevtchn_handle *evtchn, int port)
{
	struct cl *cl = cl_new();

	xsring_attach(&cl->ring, page, XSRING_CLIENT);
	cl->evtchn = evtchn;
	cl->port = port;
	return cl;
}

void cl_close(struct cl *cl)
{
	if (cl->fd >= 0)
		close(cl->fd);
	if (cl->evtchn)
		xenevtchn_close(cl->evtchn);
	free(cl->in);
	free(cl->out);
	free(cl);
}

void cl_put(struct cl *cl, uint32_t type, uint32_t tx, const void *data,
	size_t len, size_t answer)
{
	const struct xsmsg_hdr hdr = {.type = type,
		.req_id = (uint32_t)answer,
		.tx_id = tx,
		.len = (uint32_t)len};

	if (cl->out_len + XSMSG_HDR_LEN + len > CL_BUF)
		die("too much at once");
	xsmsg_hdr_emit(cl->out + cl->out_len, &hdr);
	memcpy(cl->out + cl->out_len + XSMSG_HDR_LEN, data, len);
	cl->out_len += XSMSG_HDR_LEN + len;
}

bool cl_fits(const struct cl *cl, size_t len)
{
	size_t max = cl->fd < 0 ? XSRING_SIZE : 32768;

	return cl->out_len - cl->out_at + XSMSG_HDR_LEN + len <= max;
}

static void out_sent(struct cl *cl, size_t n)
{
	cl->out_at += n;
	if (cl->out_at < cl->out_len && cl->out_at < CL_BUF / 2)
		return;
	cl->out_len -= cl->out_at;
	memmove(cl->out, cl->out + cl->out_at, cl->out_len);
	cl->out_at = 0;
}

void cl_flush(struct cl *cl)
{
	size_t len = cl->out_len - cl->out_at, put;
	ssize_t n;

	if (!len)
		return;
	if (cl->fd >= 0) {
		n = send(cl->fd, cl->out + cl->out_at, len, MSG_NOSIGNAL);
		if (n < 0)
			die("send: %s", strerror(errno));
		out_sent(cl, (size_t)n);
		return;
	}
	if (!xsring_put(&cl->ring, cl->out + cl->out_at, len, &put))
		die("impossible indexes on a ring");
	out_sent(cl, put);
	if (put && xenevtchn_notify(cl->evtchn, (evtchn_port_t)cl->port))
		die("notify: %s", strerror(errno));
}

static void ring_wait(struct cl *cl)
{
	xenevtchn_port_or_error_t port = xenevtchn_pending(cl->evtchn);

	if (port < 0 || xenevtchn_unmask(cl->evtchn, (evtchn_port_t)port))
		die("event channel: %s", strerror(errno));
}

/* Bytes that came; on a ring the server is told of the room. */
static size_t bytes_take(struct cl *cl, bool wait)
{
	uint8_t *to = cl->in + cl->in_len;
	size_t cap = CL_BUF - cl->in_len, got;
	ssize_t n;

	if (cl->fd >= 0) {
		n = recv(cl->fd, to, cap, wait ? 0 : MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			die("the server hung up");
		return n < 0 ? 0 : (size_t)n;
	}
	for (;;) {
		if (!xsring_get(&cl->ring, to, cap, &got))
			die("impossible indexes on a ring");
		if (got || !wait)
			break;
		/* an event may also tell of room for what is left */
		ring_wait(cl);
		cl_flush(cl);
	}
	if (got)
		xenevtchn_notify(cl->evtchn, (evtchn_port_t)cl->port);
	return got;
}

static void message(struct cl *cl, const struct xsmsg *msg)
{
	size_t n = msg->hdr.len;

	if (msg->hdr.type == XS_OP_WATCH_EVENT) {
		cl->events++;
		return;
	}
	cl->replies++;
	cl->errors += msg->hdr.type == XS_OP_ERROR;
	if (n >= sizeof(cl->last))
		n = sizeof(cl->last) - 1;
	memcpy(cl->last, msg->payload, n);
	cl->last[n] = '\0';
}

void cl_take(struct cl *cl, bool wait)
{
	struct xsmsg msg;
	size_t at = 0;

	cl->in_len += bytes_take(cl, wait);
	while (xsmsg_parse(&msg, cl->in + at, cl->in_len - at) == XSMSG_READY) {
		message(cl, &msg);
		at += xsmsg_size(&msg);
	}
	cl->in_len -= at;
	memmove(cl->in, cl->in + at, cl->in_len);
}

void cl_replies(struct cl *cl, uint64_t nr)
{
	while (cl->replies < nr) {
		cl_flush(cl);
		cl_take(cl, true);
	}
}

bool cl_replies_soon(struct cl *cl, uint64_t nr)
{
	struct pollfd p = {.fd = cl->fd, .events = POLLIN};

	if (cl->evtchn)
		p.fd = xenevtchn_fd(cl->evtchn);
	for (;;) {
		cl_flush(cl);
		cl_take(cl, false);
		if (cl->replies >= nr)
			return true;
		if (poll(&p, 1, STALL_MS) <= 0)
			return false;
		if (cl->evtchn)
			ring_wait(cl);
	}
}

void cl_events(struct cl *cl, uint64_t nr)
{
	while (cl->events < nr)
		cl_take(cl, true);
}

void cl_ask(struct cl *cl, uint32_t type, uint32_t tx, const void *data,
	size_t len, size_t answer)
{
	cl_put(cl, type, tx, data, len, answer);
	cl_flush(cl);
	cl_replies(cl, cl->replies + 1);
}

static void must(struct cl *cl, uint64_t errors, const char *what)
{
	if (cl->errors != errors)
		die("%s: %s", what, cl->last);
}

void cl_write(struct cl *cl, uint32_t tx, const char *path, const char *value)
{
	char buf[XSMSG_PAYLOAD_MAX];
	size_t n = strlen(path) + 1, len = strlen(value);
	uint64_t errors = cl->errors;

	memcpy(buf, path, n);
	memcpy(buf + n, value, len);
	cl_ask(cl, XS_OP_WRITE, tx, buf, n + len, 3);
	must(cl, errors, path);
}

void cl_read(struct cl *cl, uint32_t tx, const char *path, size_t answer)
{
	uint64_t errors = cl->errors;

	cl_ask(cl, XS_OP_READ, tx, path, strlen(path) + 1, answer);
	must(cl, errors, path);
}

uint32_t cl_start(struct cl *cl)
{
	uint64_t errors = cl->errors;

	cl_ask(cl, XS_OP_TRANSACTION_START, 0, "", 1, 5);
	must(cl, errors, "TRANSACTION_START");
	return (uint32_t)strtoul(cl->last, NULL, 10);
}

bool cl_end(struct cl *cl, uint32_t tx)
{
	uint64_t errors = cl->errors;

	cl_ask(cl, XS_OP_TRANSACTION_END, tx, "T", 2, 3);
	if (cl->errors != errors && strcmp(cl->last, "EAGAIN"))
		die("TRANSACTION_END: %s", cl->last);
	return cl->errors == errors;
}

void cl_watch(struct cl *cl, const char *path, const char *token)
{
	char buf[256];
	int n = snprintf(buf, sizeof(buf), "%s%c%s", path, 0, token);
	uint64_t errors = cl->errors;

	cl_ask(cl, XS_OP_WATCH, 0, buf, (size_t)n + 1, 3);
	must(cl, errors, "WATCH");
}

void cl_run(struct cl *cl, unsigned nr, unsigned depth,
	void (*put)(struct cl *cl, unsigned i, void *arg), void *arg)
{
	uint64_t first = cl->replies, errors = cl->errors;
	unsigned i = 0;

	while (cl->replies - first < nr) {
		while (i < nr && i - (cl->replies - first) < depth &&
			cl_fits(cl, 128))
			put(cl, i++, arg);
		cl_flush(cl);
		cl_take(cl, true);
	}
	must(cl, errors, "a request of many");
}
