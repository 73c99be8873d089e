/* SPDX-License-Identifier: MIT */
/* events.c - watch events one after the other, with a time limit */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/param.h>

#include "libxs/cli/events.h"
#include "libxs/cli/store.h"

enum {
	SLICE_MS = 1000000, /* of a wait: poll() takes an int */
	DRAIN_MAX = 1024,   /* events may come faster than they are read */
};

int events_watch(struct cli *cli, const char *path)
{
	bool ok;

	store_limit(cli);
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
static int wait_fd(const struct cli *cli, int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint64_t left;

	while ((left = store_left_ms(cli))) {
		int ms = cli->deadline_ms ? (int)MIN(left, SLICE_MS) : -1;
		int r = poll(&p, 1, ms);

		if (r > 0)
			return p.revents & POLLIN ? 1 : -ECONNRESET;
		if (r < 0 && errno != EINTR)
			return -errno;
	}
	return 0;
}

int events_next(struct cli *cli, char ***event)
{
	int fd = xs_fileno(cli->xs), r;

	if (fd < 0)
		return cli_fail(cli, errno, "watch", NULL);
	/* first: there is always an event if a guest wants that */
	while (store_left_ms(cli)) {
		*event = xs_check_watch(cli->xs);
		if (*event)
			return CLI_OK;
		if (errno != EAGAIN)
			return cli_fail(cli, ECONNRESET, "watch", NULL);
		r = wait_fd(cli, fd);
		if (r < 0)
			return cli_fail(cli, -r, "watch", NULL);
	}
	return CLI_FALSE;
}

void events_drain(struct cli *cli)
{
	char **event;

	for (int i = 0; i < DRAIN_MAX; i++) {
		event = xs_check_watch(cli->xs);
		if (!event)
			return;
		free(event);
	}
}

int events_over(struct cli *cli, int code)
{
	if (code != CLI_TIMEOUT || !cli->deadline_ms ||
		cli->timeout_ms == CLI_REQUEST_MS)
		return code;
	cli_forget(cli);
	return CLI_FALSE;
}
