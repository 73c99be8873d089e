// SPDX-License-Identifier: MIT
/*
 * words.c: what a domain's kernel process writes, for the machine's log
 */
#include "hv/init/words.h"
#include "hv/init/chan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int words_init(struct words *w, int *end)
{
	int fds[2];

	*w = (struct words){.fd = -1};
	*end = -1;
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	w->fd = fds[0];
	*end = fds[1];
	return 0;
}

/* Is there room for one more line? */
static bool allowed(struct words *w)
{
	struct timespec ts;
	int64_t now;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	now = (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
	w->spent -= now - w->stamp;
	if (w->spent < 0)
		w->spent = 0;
	w->stamp = now;
	if (w->spent > (int64_t)(WORDS_BURST - 1) * WORDS_LINE_MS)
		return false;
	w->spent += WORDS_LINE_MS;
	return true;
}

static void line_send(struct words *w, int sock)
{
	if (w->len == 0)
		return;
	w->line[w->len] = '\0';
	w->len = 0;
	if (!allowed(w)) {
		w->dropped++;
		return;
	}
	if (w->dropped)
		chan_note(sock, "kernel: %u lines were left out", w->dropped);
	w->dropped = 0;
	chan_note(sock, "kernel: %s", w->line);
}

static void byte_take(struct words *w, int sock, unsigned char c)
{
	char text[8];
	int n;

	if (c == '\n') {
		line_send(w, sock);
		return;
	}
	n = snprintf(
		text, sizeof(text), c < ' ' || c > '~' ? "\\x%02x" : "%c", c);
	if (w->len + (size_t)n > WORDS_LINE_MAX)
		line_send(w, sock);
	for (int i = 0; i < n; i++)
		w->line[w->len++] = text[i];
}

/* false: there is nothing more, for now or ever. */
static bool some_read(struct words *w, int sock)
{
	unsigned char bytes[1024];
	ssize_t n = read(w->fd, bytes, sizeof(bytes));

	for (ssize_t i = 0; i < n; i++)
		byte_take(w, sock, bytes[i]);
	if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) {
		line_send(w, sock);
		close(w->fd);
		w->fd = -1;
	}
	return n > 0;
}

void words_read(struct words *w, int sock)
{
	if (w->fd >= 0)
		some_read(w, sock);
}

void words_fini(struct words *w, int sock)
{
	/* what fits into a pipe: somebody may go on writing */
	for (int i = 0; i < 64 && w->fd >= 0; i++) {
		if (!some_read(w, sock))
			break;
	}
	line_send(w, sock);
	if (w->dropped)
		chan_note(sock, "kernel: %u lines were left out", w->dropped);
	w->dropped = 0;
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}
