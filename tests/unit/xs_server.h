/* SPDX-License-Identifier: MIT */
/*
 * xs_server.h - the other end of a client's socket, in the hands of a test
 *
 * server_take() takes the client's next request, server_say() answers with
 * any header and payload, however wrong.
 */
#ifndef TESTS_UNIT_XS_SERVER_H
#define TESTS_UNIT_XS_SERVER_H

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/bh_check.h"
#include "wire/ops.h"
#include "wire/xsmsg.h"

struct server {
	int fd;
	struct xsmsg_hdr hdr; /* of the last request */
	char payload[XSMSG_PAYLOAD_MAX + 1];
};

/* A connected pair: returns the client's end. */
static inline int server_pair(struct server *s)
{
	int fds[2];

	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	s->fd = fds[1];
	return fds[0];
}

static inline bool server_read(struct server *s, void *buf, size_t len)
{
	char *at = buf;

	while (len) {
		ssize_t n = read(s->fd, at, len);

		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

/* The next request; false at the end of the connection. */
static inline bool server_take(struct server *s)
{
	uint8_t raw[XSMSG_HDR_LEN];
	struct xsmsg msg;

	if (!server_read(s, raw, sizeof(raw)))
		return false;
	ck_assert_int_ne(xsmsg_parse(&msg, raw, sizeof(raw)), XSMSG_BAD);
	s->hdr = msg.hdr;
	s->payload[s->hdr.len] = '\0';
	return server_read(s, s->payload, s->hdr.len);
}

static inline void server_raw(struct server *s, const void *buf, size_t len)
{
	/* a client that has gone is for the test to notice elsewhere */
	(void)!send(s->fd, buf, len, MSG_NOSIGNAL);
}

static inline void server_say(struct server *s, uint32_t type, uint32_t id,
	const void *payload, size_t len)
{
	struct xsmsg_hdr hdr = {type, id, s->hdr.tx_id, (uint32_t)len};
	uint8_t msg[XSMSG_MAX];

	xsmsg_hdr_emit(msg, &hdr);
	if (len)
		memcpy(msg + XSMSG_HDR_LEN, payload, len);
	server_raw(s, msg, XSMSG_HDR_LEN + len);
}

/* The right answer to the last request. */
static inline void server_answer(
	struct server *s, const void *payload, size_t len)
{
	server_say(s, s->hdr.type, s->hdr.req_id, payload, len);
}

static inline void server_ok(struct server *s)
{
	server_answer(s, "OK", 3);
}

/* @name without its NUL is not what the store sends, but all take it. */
static inline void server_error(struct server *s, const char *name)
{
	server_say(s, XS_OP_ERROR, s->hdr.req_id, name, strlen(name) + 1);
}

static inline void server_event(
	struct server *s, const char *path, const char *token)
{
	char text[XSMSG_PAYLOAD_MAX];
	size_t len = strlen(path) + 1;

	memcpy(text, path, len);
	strcpy(text + len, token);
	server_say(s, XS_OP_WATCH_EVENT, 0, text, len + strlen(token) + 1);
}

#endif
