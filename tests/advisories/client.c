/* SPDX-License-Identifier: MIT */
/* client.c: the clients of a test, on sockets and on rings */
#include "tests/advisories/adv.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <xenevtchn.h>

#include "tests/advisories/int.h"

enum {
	IN_MAX = 1 << 20, /* events nobody has asked for yet, too */
	REQ_ID = 0x1234,
};

struct client {
	int fd; /* of a socket; -1: a ring */
	uint8_t in[XSMSG_MAX];
	size_t in_len;
	uint8_t kept[IN_MAX]; /* messages that are events */
	size_t kept_len, kept_at;
};

static struct client client[WHOS];

struct adv_reply reply;
char token[XSMSG_PAYLOAD_MAX + 1];

static bool on_socket(int who)
{
	return who == K || who == K2;
}

void client_forget(int who)
{
	struct client *c = &client[who];

	if (on_socket(who) && c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->in_len = c->kept_len = c->kept_at = 0;
}

void reopen(int who)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct client *c = &client[who];
	uint64_t end = now_ms() + ANSWER_MS;

	client_forget(who);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%.100s", machine.socket);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(c->fd, 0);
	/* the name is there a moment before somebody listens */
	while (connect(c->fd, (struct sockaddr *)&sun, sizeof(sun))) {
		ck_assert_int_eq(errno, ECONNREFUSED);
		ck_assert_uint_lt(now_ms(), end);
		usleep(1000);
	}
}

void clients_open(void)
{
	for (int who = 0; who < WHOS; who++) {
		client[who].fd = -1;
		client_forget(who);
	}
	reopen(K);
	reopen(K2);
}

void clients_close(void)
{
	client_forget(K);
	client_forget(K2);
}

struct xsring *ring(int domid)
{
	return &machine.dom[domid].ring;
}

uint8_t *page(int domid)
{
	return machine.dom[domid].page;
}

void kick(int domid)
{
	struct dom *d = &machine.dom[domid];

	xenevtchn_notify(d->evtchn, (evtchn_port_t)d->port);
}

/* Up to @ms until the daemon has rung. */
static void ring_wait(int domid, int ms)
{
	struct dom *d = &machine.dom[domid];
	struct pollfd p = {.fd = xenevtchn_fd(d->evtchn), .events = POLLIN};
	xenevtchn_port_or_error_t port;

	if (poll(&p, 1, ms) <= 0)
		return;
	port = xenevtchn_pending(d->evtchn);
	if (port >= 0)
		xenevtchn_unmask(d->evtchn, (evtchn_port_t)port);
}

size_t push(int domid, const void *data, size_t len)
{
	size_t n = 0;

	ck_assert(xsring_put(ring(domid), data, len, &n));
	if (n)
		kick(domid);
	return n;
}

/* A daemon that does not take them in time has stopped to listen. */
static bool bytes_sent(int who, const void *data, size_t len)
{
	uint64_t end = now_ms() + ANSWER_MS;
	const uint8_t *p = data;

	while (len && now_ms() < end) {
		size_t n = 0;

		if (on_socket(who)) {
			ssize_t r = send(client[who].fd, p, len, MSG_NOSIGNAL);

			if (r < 0)
				return false;
			n = (size_t)r;
		} else {
			n = push(who, p, len);
		}
		p += n;
		len -= n;
		if (len && !n)
			ring_wait(who, 50);
	}
	return !len;
}

void bytes(int who, const void *data, size_t len)
{
	(void)bytes_sent(who, data, len);
}

void tell(int who, uint32_t tx, uint32_t op, const void *data, size_t len)
{
	const struct xsmsg_hdr hdr = {op, REQ_ID, tx, (uint32_t)len};
	uint8_t buf[XSMSG_MAX];

	xsmsg_hdr_emit(buf, &hdr);
	if (len)
		memcpy(buf + XSMSG_HDR_LEN, data, len);
	bytes(who, buf, XSMSG_HDR_LEN + len);
}

/* What is there of the next message; false: the connection is over. */
static bool fill(int who, size_t want, int ms)
{
	struct client *c = &client[who];
	uint8_t *at = c->in + c->in_len;
	size_t n = 0, cap = want - c->in_len;

	if (on_socket(who)) {
		struct pollfd p = {.fd = c->fd, .events = POLLIN};
		ssize_t r;

		if (poll(&p, 1, ms) <= 0)
			return true;
		r = recv(c->fd, at, cap, 0);
		if (r <= 0)
			return false;
		n = (size_t)r;
	} else {
		if (!xsring_get(ring(who), at, cap, &n))
			return false;
		if (n)
			kick(who);
		else
			ring_wait(who, ms);
	}
	c->in_len += n;
	return true;
}

/* The next message as it is in the buffer: its length, 0 for none. */
static size_t message(int who, int ms, struct xsmsg *msg)
{
	struct client *c = &client[who];
	uint64_t end = now_ms() + (uint64_t)ms;

	for (;;) {
		size_t want = XSMSG_HDR_LEN;
		enum xsmsg_status s = xsmsg_parse(msg, c->in, c->in_len);
		uint64_t now = now_ms();

		if (s == XSMSG_READY) {
			c->in_len = 0;
			return xsmsg_size(msg);
		}
		ck_assert_int_ne(s, XSMSG_BAD);
		if (c->in_len >= XSMSG_HDR_LEN)
			want += msg->hdr.len;
		if (!fill(who, want, now < end ? (int)(end - now) : 0))
			return 0;
		if (now >= end && c->in_len < want)
			return 0;
	}
}

static void keep(struct client *c, size_t len)
{
	ck_assert_uint_le(c->kept_len + len, IN_MAX);
	memcpy(c->kept + c->kept_len, c->in, len);
	c->kept_len += len;
}

/* Only the names of the protocol, each with its NUL (B17). */
static int error_of(void)
{
	int err = xsmsg_error_parse(reply.data, reply.hdr.len);

	ck_assert_str_eq(reply.data, xsmsg_error_name(err));
	ck_assert_uint_eq(reply.hdr.len, strlen(reply.data) + 1);
	return err;
}

int answer(int who, int ms)
{
	struct xsmsg msg;
	size_t len;

	while ((len = message(who, ms, &msg))) {
		if (msg.hdr.type == XS_OP_WATCH_EVENT) {
			keep(&client[who], len);
			continue;
		}
		reply.hdr = msg.hdr;
		memcpy(reply.data, msg.payload, msg.hdr.len);
		reply.data[msg.hdr.len] = '\0';
		return msg.hdr.type == XS_OP_ERROR ? error_of() : 0;
	}
	return SILENCE;
}

int ask(int who, uint32_t tx, uint32_t op, const void *data, size_t len)
{
	int r;

	tell(who, tx, op, data, len);
	r = answer(who, ANSWER_MS);
	if (r == SILENCE)
		return r;
	/* exactly one reply, and it is to this request */
	ck_assert_uint_eq(reply.hdr.req_id, REQ_ID);
	ck_assert_uint_eq(reply.hdr.tx_id, tx);
	if (!r)
		ck_assert_uint_eq(reply.hdr.type, op);
	return r;
}

int say(int who, uint32_t tx, uint32_t op, const char *fmt, ...)
{
	char buf[XSMSG_PAYLOAD_MAX + 1];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	ck_assert_int_lt(n, XSMSG_PAYLOAD_MAX);
	for (int i = 0; i < n; i++)
		if (buf[i] == ' ')
			buf[i] = '\0';
	return ask(who, tx, op, buf, (size_t)n + 1);
}

int put(int who, uint32_t tx, const char *path, const char *val)
{
	char buf[XSMSG_PAYLOAD_MAX];
	size_t at = strlen(path) + 1;

	ck_assert_uint_le(at + strlen(val), sizeof(buf));
	memcpy(buf, path, at);
	memcpy(buf + at, val, strlen(val));
	return ask(who, tx, XS_OP_WRITE, buf, at + strlen(val));
}

void value(int who, const char *path, const char *val)
{
	SAID(0, who, READ, "%s", path);
	ck_assert_str_eq(reply.data, val);
}

uint32_t begin(int who)
{
	ck_assert_int_eq(ask(who, 0, XS_OP_TRANSACTION_START, "", 1), 0);
	return (uint32_t)strtoul(reply.data, NULL, 10);
}

int commit(int who, uint32_t tx)
{
	return say(who, tx, XS_OP_TRANSACTION_END, "T");
}

/* The kept message at kept_at. */
static const char *kept_next(struct client *c)
{
	static char path[XSMSG_PAYLOAD_MAX + 1];
	struct xsmsg msg;

	ck_assert_int_eq(xsmsg_parse(&msg, c->kept + c->kept_at,
				 c->kept_len - c->kept_at),
		XSMSG_READY);
	c->kept_at += xsmsg_size(&msg);
	ck_assert_uint_eq(msg.hdr.req_id, 0);
	ck_assert_uint_eq(msg.hdr.tx_id, 0);
	memcpy(path, msg.payload, msg.hdr.len);
	/* two strings, and nothing else */
	ck_assert_uint_lt(strlen(path) + 1, msg.hdr.len);
	strcpy(token, path + strlen(path) + 1);
	ck_assert_uint_eq(strlen(path) + strlen(token) + 2, msg.hdr.len);
	return path;
}

const char *event(int who)
{
	struct client *c = &client[who];
	struct xsmsg msg;
	size_t len;

	if (c->kept_at == c->kept_len) {
		c->kept_at = c->kept_len = 0;
		len = message(who, ANSWER_MS, &msg);
		if (!len)
			return "";
		ck_assert_uint_eq(msg.hdr.type, XS_OP_WATCH_EVENT);
		keep(c, len);
	}
	return kept_next(c);
}

const char *event_kept(int who)
{
	struct client *c = &client[who];

	if (c->kept_at < c->kept_len)
		return kept_next(c);
	c->kept_at = c->kept_len = 0;
	return NULL;
}

unsigned events_drop(int who)
{
	unsigned nr = 0;

	while (event_kept(who))
		nr++;
	return nr;
}

void quiet(int who)
{
	struct client *c = &client[who];

	SAID(0, who, GET_DOMAIN_PATH, "0");
	if (c->kept_at < c->kept_len)
		ck_abort_msg("there is an event: %s", kept_next(c));
}

void watch(int who, const char *path, const char *tok)
{
	SAID(0, who, WATCH, "%s %s", path, tok);
	EVENT(who, path);
	ck_assert_str_eq(token, tok);
}
