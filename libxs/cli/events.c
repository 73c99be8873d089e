/* SPDX-License-Identifier: MIT */
/* events.c - watch events one after the other, with a time limit */
#include <errno.h>
#include <poll.h>
#include <time.h>

#include "libxs/cli/events.h"
#include "libxs/cli/store.h"

enum { REQUEST_MS = 5000 };

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

struct deadline deadline_take(struct cli *cli)
{
	struct deadline d = {0};

	if (cli_has(cli, OPTION_TIMEOUT)) {
		if (cli->timeout_ms)
			d.ms = now_ms() + cli->timeout_ms;
		cli->timeout_ms = REQUEST_MS;
	}
	return d;
}

int events_watch(struct cli *cli, const char *path)
{
	bool ok;

	if (cli_has(cli, OPTION_DEPTH))
		ok = xs_watch_depth(
			cli->xs, path, path, (unsigned int)cli->depth);
	else
		ok = xs_watch(cli->xs, path, path);
	if (ok)
		return CLI_OK;
	cli_fail(cli, errno, "watch", path);
	if (cli->error.err == ENOSYS)
		cli_hint(cli, "the daemon, or the way to it, knows no depth; "
			      "without --depth it is all that is below");
	return cli->failed;
}

/* 1: something happened, 0: the time is over, -errno */
static int wait_fd(int fd, const struct deadline *deadline)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	for (;;) {
		uint64_t now = now_ms();
		int ms = -1, r;

		if (deadline->ms) {
			if (now >= deadline->ms)
				return 0;
			ms = deadline->ms - now > 1000000
				     ? 1000000
				     : (int)(deadline->ms - now);
		}
		r = poll(&p, 1, ms);
		if (r > 0)
			return p.revents & POLLIN ? 1 : -ECONNRESET;
		if (r < 0 && errno != EINTR)
			return -errno;
	}
}

int events_next(struct cli *cli, const struct deadline *deadline, char ***event)
{
	int fd = xs_fileno(cli->xs), r;

	if (fd < 0)
		return cli_fail(cli, errno, "watch", NULL);
	for (;;) {
		*event = xs_check_watch(cli->xs);
		if (*event)
			return CLI_OK;
		if (errno != EAGAIN)
			return cli_fail(cli, ECONNRESET, "watch", NULL);
		r = wait_fd(fd, deadline);
		if (!r)
			return CLI_FALSE;
		if (r < 0)
			return cli_fail(cli, -r, "watch", NULL);
	}
}
