/* SPDX-License-Identifier: MIT */
/* console.c - the command of a domain and the console ring */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <talloc.h>

#include "common/log.h"
#include "common/loop.h"
#include "hv/guest/console.h"
#include "wire/consring.h"

static const char lost_text[] = "\r\n[output was lost]\r\n";

/* Owner: main. */
struct console {
	struct loop *loop;
	struct consring ring;
	struct event *rd, *wr;
	int fd;
	bool closed; /* the command's end is gone */
	bool broken; /* the ring's indexes are impossible */
	bool lost;   /* output was dropped, and that is not yet said */
	void (*kick)(void *arg);
	void *arg;
	struct loop_work pump;
	size_t typed_len, typed_at; /* taken from the ring, not yet written */
	uint8_t typed[CONSRING_IN];
	size_t head, len; /* the backlog: oldest byte, bytes */
	uint8_t backlog[CONSOLE_BACKLOG];
};

static void backlog_put(struct console *con, const uint8_t *p, size_t n)
{
	size_t room = CONSOLE_BACKLOG - con->len;

	if (n > room) {
		con->head = (con->head + (n - room)) % CONSOLE_BACKLOG;
		con->len -= n - room;
		con->lost = true;
	}
	for (size_t i = 0; i < n; i++)
		con->backlog[(con->head + con->len + i) % CONSOLE_BACKLOG] =
			p[i];
	con->len += n;
}

/* Backlog to ring.  Returns false if the ring is broken. */
static bool pump_shown(struct console *con, bool *moved)
{
	size_t n, run;

	while (con->len) {
		if (con->lost) {
			if (!consring_put(&con->ring, lost_text,
				    sizeof(lost_text) - 1, &n))
				return false;
			if (!n)
				return true;
			con->lost = false;
			*moved = true;
		}
		run = CONSOLE_BACKLOG - con->head;
		if (run > con->len)
			run = con->len;
		if (!consring_put(
			    &con->ring, con->backlog + con->head, run, &n))
			return false;
		if (!n)
			return true;
		con->head = (con->head + n) % CONSOLE_BACKLOG;
		con->len -= n;
		*moved = true;
	}
	return true;
}

/* Ring to command.  What it does not take now stays in the ring. */
static bool pump_typed(struct console *con, bool *moved)
{
	ssize_t n;

	for (;;) {
		if (con->typed_at == con->typed_len) {
			con->typed_at = 0;
			if (!consring_get(&con->ring, con->typed,
				    sizeof(con->typed), &con->typed_len))
				return false;
			if (!con->typed_len)
				break;
			*moved = true;
		}
		if (con->closed) {
			con->typed_at = con->typed_len;
			continue;
		}
		n = write(con->fd, con->typed + con->typed_at,
			con->typed_len - con->typed_at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			if (errno == EAGAIN)
				event_add(con->wr, NULL);
			else
				con->typed_at = con->typed_len;
			break;
		}
		con->typed_at += (size_t)n;
	}
	return true;
}

static void console_pump(struct loop_work *work)
{
	struct console *con =
		(void *)((char *)work - offsetof(struct console, pump));
	bool moved = false;

	if (con->broken)
		return;
	if (!pump_shown(con, &moved) || !pump_typed(con, &moved)) {
		con->broken = true;
		log_error(NULL, "console_broken",
			"the console's ring is inconsistent");
	}
	if (moved)
		con->kick(con->arg);
}

static void on_tty_read(evutil_socket_t fd, short what, void *arg)
{
	struct console *con = arg;
	uint8_t buf[4096];
	ssize_t n = read(fd, buf, sizeof(buf));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		/* the command has ended; a pty says EIO */
		con->closed = true;
		event_del(con->rd);
		event_del(con->wr);
		return;
	}
	backlog_put(con, buf, (size_t)n);
	loop_work_queue(con->loop, &con->pump);
}

static void on_tty_write(evutil_socket_t fd, short what, void *arg)
{
	console_wake(arg);
}

void console_wake(struct console *con)
{
	loop_work_queue(con->loop, &con->pump);
}

static int console_destroy(struct console *con)
{
	loop_work_cancel(con->loop, &con->pump);
	event_free(con->rd);
	event_free(con->wr);
	close(con->fd);
	return 0;
}

struct console *console_new(const void *ctx, const struct console_params *p)
{
	struct console *con = talloc_zero(ctx, struct console);
	struct event_base *base = loop_base(p->loop);

	if (!con)
		return NULL;
	con->loop = p->loop;
	con->fd = p->tty_fd;
	con->kick = p->kick;
	con->arg = p->arg;
	loop_work_init(&con->pump, console_pump);
	consring_attach(&con->ring, p->page, CONSRING_DOMAIN);
	con->rd = event_new(
		base, p->tty_fd, EV_READ | EV_PERSIST, on_tty_read, con);
	con->wr = event_new(base, p->tty_fd, EV_WRITE, on_tty_write, con);
	if (!con->rd || !con->wr || event_add(con->rd, NULL)) {
		if (con->rd)
			event_free(con->rd);
		if (con->wr)
			event_free(con->wr);
		talloc_free(con);
		return NULL;
	}
	talloc_set_destructor(con, console_destroy);
	loop_work_queue(con->loop, &con->pump);
	return con;
}
