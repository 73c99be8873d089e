/* SPDX-License-Identifier: MIT */
/* cli.c - errors of xs: one line, one hint, one exit code */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <talloc.h>

#include "common/json.h"
#include "common/macro.h"
#include "libxs/cli/cli.h"
#include "libxs/cli/out.h"

/* What one can do about an errno. */
static const struct {
	int err, code;
	const char *hint;
} codes[] = {
	{ENOENT, CLI_NOT_FOUND, "xs ls of the path above shows what is there"},
	{EACCES, CLI_DENIED,
		"the node's permissions say who may; xs ls -l in dom0 shows "
		"them"},
	{EPERM, CLI_DENIED, "only the owner of a node may do that"},
	{ENOSPC, CLI_QUOTA, "a quota of the domain is used up"},
	{E2BIG, CLI_QUOTA, "a message of the store has at most 4096 bytes"},
	{ENOMEM, CLI_QUOTA, NULL},
	{EAGAIN, CLI_CONFLICT,
		"others keep changing the same nodes; try again"},
	/* not the path, which is looked at before: each request has its own */
	{EINVAL, CLI_USAGE, NULL},
	{ETIMEDOUT, CLI_TIMEOUT, "--timeout SECONDS waits longer"},
};

#define NO_DAEMON_HINT "is xenstored running? --socket names its socket"

/* The connection is gone; libxenstore has several words for that. */
static bool is_disconnect(int err)
{
	return err == EPIPE || err == ECONNRESET || err == ECONNREFUSED ||
	       err == ENOTCONN || err == EBADF || err == ECONNABORTED ||
	       err == ESHUTDOWN;
}

int cli_code(int err)
{
	if (is_disconnect(err))
		return CLI_NO_DAEMON;
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (codes[i].err == err)
			return codes[i].code;
	return CLI_FAILED;
}

static const char *hint_of(int err)
{
	if (is_disconnect(err))
		return NO_DAEMON_HINT;
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (codes[i].err == err)
			return codes[i].hint;
	return NULL;
}

/* Where a verb waits, --timeout is not that of a request. */
static void timeout_say(struct cli *cli)
{
	uint64_t ms = cli->timeout_ms;

	/* as it was given, not what was left of it */
	if (cli->deadline_ms && ms < CLI_REQUEST_MS)
		ms = cli->wait_ms;
	cli->error.text = talloc_asprintf(cli,
		"the store does not answer within %g s", (double)ms / 1000);
	if (cli->waits)
		cli_hint(cli, "the daemon has stopped, or is busy; waiting "
			      "longer does not help");
}

int cli_fail(struct cli *cli, int err, const char *op, const char *path)
{
	const char *hint = hint_of(err);

	if (cli->failed)
		return cli->failed;
	cli->failed = cli_code(err);
	cli->error = (struct cli_error){
		.err = err,
		.op = op ? talloc_strdup(cli, op) : NULL,
		.path = path ? talloc_strdup(cli, path) : NULL,
		.hint = hint ? talloc_strdup(cli, hint) : NULL,
	};
	if (is_disconnect(err))
		cli->error.text =
			talloc_strdup(cli, "the connection to the store is "
					   "lost");
	else if (err == ETIMEDOUT)
		timeout_say(cli);
	return cli->failed;
}

int cli_fail_text(struct cli *cli, int code, const char *fmt, ...)
{
	va_list ap;

	if (cli->failed)
		return cli->failed;
	cli->failed = code;
	va_start(ap, fmt);
	cli->error = (struct cli_error){.text = talloc_vasprintf(cli, fmt, ap)};
	va_end(ap);
	return code;
}

void cli_hint(struct cli *cli, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	cli->error.hint = talloc_vasprintf(cli, fmt, ap);
	va_end(ap);
}

void cli_forget(struct cli *cli)
{
	cli->failed = 0;
	cli->error = (struct cli_error){0};
}

static void report_json(const struct cli *cli)
{
	const struct cli_error *e = &cli->error;
	struct json j;

	json_begin(&j, stderr);
	j.line = true;
	json_open(&j, NULL, '{');
	json_open(&j, "error", '{');
	json_str(&j, "code", e->err ? strerrorname_np(e->err) : NULL);
	json_num(&j, "exit", (uint64_t)cli->failed);
	if (e->op)
		json_str(&j, "op", e->op);
	if (e->path)
		json_str(&j, "path", e->path);
	json_str(&j, "message", e->text ? e->text : strerror(e->err));
	json_close(&j, '}');
	json_close(&j, '}');
	json_end(&j);
}

void cli_report(const struct cli *cli)
{
	const struct cli_error *e = &cli->error;

	if (!cli->failed || (!e->err && !e->text))
		return;
	if (cli_has(cli, OPTION_JSON)) {
		report_json(cli);
		return;
	}
	fputs("xs: ", stderr);
	if (e->op)
		fprintf(stderr, "%s%s", e->op, e->path ? " " : ": ");
	if (e->path) {
		out_text(stderr, e->path, strlen(e->path));
		fputs(": ", stderr);
	}
	if (e->text)
		out_message(stderr, e->text);
	else
		fputs(strerror(e->err), stderr);
	fputc('\n', stderr);
	if (e->hint) {
		fputs("hint: ", stderr);
		out_message(stderr, e->hint);
		fputc('\n', stderr);
	}
}
