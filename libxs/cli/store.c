/* SPDX-License-Identifier: MIT */
/* store.c - the connection of xs: requests, their time limit, transactions */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <talloc.h>

#include "libxs/cli/store.h"
#include "libxs/xenstore_lib.h"
#include "libxs/xsx.h"

enum {
	ATTEMPTS_MAX = 200,
	BACKOFF_FROM = 4, /* attempts; before that, at once */
	BACKOFF_MAX_US = 20000,
};

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void store_deadline(struct cli *cli)
{
	cli->wait_ms = cli_has(cli, OPTION_TIMEOUT) ? cli->timeout_ms : 0;
	cli->deadline_ms = cli->wait_ms ? now_ms() + cli->wait_ms : 0;
	cli->timeout_ms = CLI_REQUEST_MS;
	cli->waits = true;
}

uint64_t store_left_ms(const struct cli *cli)
{
	uint64_t now;

	if (!cli->deadline_ms)
		return UINT64_MAX;
	now = now_ms();
	return now < cli->deadline_ms ? cli->deadline_ms - now : 0;
}

void store_limit(struct cli *cli)
{
	uint64_t left;

	if (!cli->deadline_ms)
		return;
	left = store_left_ms(cli);
	cli->timeout_ms = left < CLI_REQUEST_MS ? left : CLI_REQUEST_MS;
	if (!cli->timeout_ms)
		cli->timeout_ms = 1; /* 0 would be none */
	if (cli->xs)
		xsx_timeout_set(cli->xs, (unsigned int)cli->timeout_ms);
}

int store_open(struct cli *cli)
{
	struct xsx_options opts = {
		.transport = cli->socket ? XSX_PATH : XSX_AUTO,
		.path = cli->socket,
	};
	int e;

	if (cli->xs)
		return CLI_OK;
	store_limit(cli);
	opts.timeout_ms = (unsigned int)cli->timeout_ms;
	cli->xs = xsx_handle_open(&opts);
	e = errno;
	if (cli->xs)
		return CLI_OK;
	if (e == ETIMEDOUT)
		return cli_fail(cli, e, "connect", cli->socket);
	if (e == EACCES || e == EPERM) {
		cli_fail_text(cli, CLI_DENIED,
			"cannot connect to the store: %s", strerror(e));
		cli_hint(cli, "its socket is for root alone, as a rule");
		return CLI_DENIED;
	}
	cli_fail_text(cli, CLI_NO_DAEMON, "cannot connect to the store: %s",
		strerror(e));
	cli_hint(cli, "is xenstored running? --socket or XENSTORED_PATH names "
		      "its socket");
	return CLI_NO_DAEMON;
}

void store_close(struct cli *cli)
{
	if (!cli->xs)
		return;
	xs_close(cli->xs);
	cli->xs = NULL;
}

char *store_read(
	struct cli *cli, const void *ctx, const char *path, size_t *len)
{
	unsigned int n;
	char *value, *copy;

	store_limit(cli);
	value = xs_read(cli->xs, cli->t, path, &n);
	if (!value)
		return NULL;
	copy = talloc_size(ctx, (size_t)n + 1);
	memcpy(copy, value, n);
	copy[n] = '\0';
	free(value);
	*len = n;
	return copy;
}

char **store_list(
	struct cli *cli, const void *ctx, const char *path, size_t *nr)
{
	unsigned int n;
	char **names, **copy;

	store_limit(cli);
	names = xs_directory(cli->xs, cli->t, path, &n);
	if (!names)
		return NULL;
	copy = talloc_array(ctx, char *, n + 1U);
	for (unsigned int i = 0; i < n; i++)
		copy[i] = talloc_strdup(copy, names[i]);
	copy[n] = NULL;
	free(names);
	*nr = n;
	return copy;
}

struct xs_permissions *store_perms(
	struct cli *cli, const void *ctx, const char *path, unsigned int *nr)
{
	struct xs_permissions *perms, *copy;

	store_limit(cli);
	perms = xs_get_permissions(cli->xs, cli->t, path, nr);
	if (!perms)
		return NULL;
	copy = talloc_memdup(ctx, perms, *nr * sizeof(*perms));
	free(perms);
	return copy;
}

bool store_write(
	struct cli *cli, const char *path, const void *data, size_t len)
{
	if (len > UINT32_MAX) {
		errno = E2BIG;
		return false;
	}
	return xs_write(cli->xs, cli->t, path, data, (unsigned int)len);
}

bool store_mkdir(struct cli *cli, const char *path)
{
	return xs_mkdir(cli->xs, cli->t, path);
}

bool store_rm(struct cli *cli, const char *path)
{
	return xs_rm(cli->xs, cli->t, path);
}

bool store_chmod(struct cli *cli, const char *path,
	struct xs_permissions *perms, unsigned int nr)
{
	return xs_set_permissions(cli->xs, cli->t, path, perms, nr);
}

static bool txn_end(struct cli *cli, bool abort)
{
	xs_transaction_t t = cli->t;

	cli->t = XBT_NULL;
	return xs_transaction_end(cli->xs, t, abort);
}

/* Two that keep losing to each other should not meet again. */
static void back_off(unsigned int attempt)
{
	static unsigned int seed;
	unsigned int us;

	if (attempt < BACKOFF_FROM)
		return;
	if (!seed)
		seed = (unsigned int)getpid();
	us = attempt * 100;
	if (us > BACKOFF_MAX_US)
		us = BACKOFF_MAX_US;
	usleep(us / 2 + (unsigned int)rand_r(&seed) % us);
}

/* One attempt; -EAGAIN after a conflict, else the exit code. */
static int txn_try(
	struct cli *cli, int (*fn)(struct cli *cli, void *arg), void *arg)
{
	int code;

	cli->t = xs_transaction_start(cli->xs);
	if (cli->t == XBT_NULL)
		return cli_fail(cli, errno, "start of a transaction", NULL);
	code = fn(cli, arg);
	if (code) {
		txn_end(cli, true);
		return code;
	}
	if (txn_end(cli, false))
		return CLI_OK;
	if (errno == EAGAIN)
		return -EAGAIN;
	return cli_fail(cli, errno, "commit", NULL);
}

int store_txn(struct cli *cli, int (*fn)(struct cli *cli, void *arg), void *arg)
{
	for (cli->attempts = 1; cli->attempts <= ATTEMPTS_MAX;
		cli->attempts++) {
		int code = txn_try(cli, fn, arg);

		if (code != -EAGAIN)
			return code;
		cli_forget(cli);
		back_off(cli->attempts);
	}
	return cli_fail(cli, EAGAIN, "commit", NULL);
}
