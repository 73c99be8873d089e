/* SPDX-License-Identifier: MIT */
/* pty.c - a terminal of its own for a command in a domain */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "hv/cli/pty.h"

enum {
	DRAIN_MAX = 64, /* reads of what it said last */
};

/* As it was; there is one terminal. */
static struct termios before;

/* The one for output first, as what is typed is echoed there. */
static int terminal(void)
{
	static const int order[] = {STDOUT_FILENO, STDERR_FILENO, STDIN_FILENO};

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (isatty(order[i]))
			return order[i];
	return -1;
}

static int slave_open(int master)
{
	const char *name;

	if (grantpt(master) || unlockpt(master))
		return -1;
	name = ptsname(master);
	return name ? open(name, O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;
}

int pty_open(struct pty *pty, int fds[3])
{
	int slave, r;

	*pty = (struct pty){.master = -1, .out = terminal()};
	for (int i = 0; i < 3; i++)
		fds[i] = i;
	if (pty->out < 0)
		return 0;
	pty->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (pty->master < 0)
		return -errno;
	slave = slave_open(pty->master);
	if (slave < 0) {
		r = -errno;
		close(pty->master);
		pty->master = -1;
		return r;
	}
	if (tcgetattr(pty->out, &before) == 0)
		(void)tcsetattr(slave, TCSANOW, &before);
	pty_resize(pty);
	for (int i = 0; i < 3; i++)
		if (isatty(i))
			fds[i] = slave;
	return 0;
}

void pty_started(struct pty *pty, const int fds[3])
{
	struct termios t = before;

	if (pty->master < 0)
		return;
	for (int i = 0; i < 3; i++) {
		if (fds[i] == i)
			continue;
		close(fds[i]);
		break; /* all the others are the same one */
	}
	if (!isatty(STDIN_FILENO))
		return;
	cfmakeraw(&t);
	pty->is_raw = tcsetattr(STDIN_FILENO, TCSANOW, &t) == 0;
}

void pty_resize(struct pty *pty)
{
	struct winsize size;

	if (pty->master >= 0 && ioctl(pty->out, TIOCGWINSZ, &size) == 0)
		(void)ioctl(pty->master, TIOCSWINSZ, &size);
}

/* False when there is nothing (more) to be read. */
static bool relay_out(struct pty *pty)
{
	char buf[4096];
	ssize_t n = read(pty->master, buf, sizeof(buf)), w;

	for (ssize_t at = 0; at < n; at += w) {
		w = write(pty->out, buf + at, (size_t)(n - at));
		if (w < 0 && errno != EINTR && errno != EAGAIN)
			return false;
		if (w < 0)
			w = 0;
	}
	return n > 0;
}

void pty_close(struct pty *pty)
{
	if (pty->master < 0)
		return;
	for (int i = 0; i < DRAIN_MAX && relay_out(pty); i++)
		;
	close(pty->master);
	pty->master = -1;
	if (pty->is_raw)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
	pty->is_raw = false;
}

void pty_poll(const struct pty *pty, struct pollfd p[PTY_FDS])
{
	bool full = pty->at < pty->len;

	p[0] = (struct pollfd){.fd = pty->master,
		.events = (short)(POLLIN | (full ? POLLOUT : 0))};
	p[1] = (struct pollfd){.fd = -1, .events = POLLIN};
	if (pty->is_raw && !pty->typed_end && !full)
		p[1].fd = STDIN_FILENO;
}

void pty_relay(struct pty *pty, const struct pollfd p[PTY_FDS])
{
	const struct timespec pause = {.tv_nsec = 10000000};
	ssize_t n;

	/* all its programs have closed it: its end is yet to come */
	if (p[0].revents & ~POLLOUT && !relay_out(pty) && errno != EAGAIN)
		nanosleep(&pause, NULL);
	if (p[1].fd >= 0 && p[1].revents) {
		n = read(STDIN_FILENO, pty->typed, sizeof(pty->typed));
		pty->typed_end = n == 0 || (n < 0 && errno != EINTR);
		pty->at = 0;
		pty->len = n > 0 ? (size_t)n : 0;
	}
	if (pty->at < pty->len) {
		n = write(
			pty->master, pty->typed + pty->at, pty->len - pty->at);
		if (n > 0)
			pty->at += (size_t)n;
		else if (n < 0 && errno != EAGAIN && errno != EINTR)
			pty->at = pty->len;
	}
}
