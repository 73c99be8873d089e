/* SPDX-License-Identifier: MIT */
/* xs.c - xs from its arguments to its exit code; help and version */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

#include <talloc.h>

#include "libxs/cli/out.h"
#include "libxs/cli/store.h"
#include "libxs/cli/verbs.h"

enum { STD_FDS = 3 };

/*
 * A closed stdin, stdout or stderr would be the number of our next
 * descriptor, and output would go to the store.  What is opened here instead
 * fails when it is used the wrong way, as closed ones do.
 */
static void std_fds_hold(void)
{
	for (int fd = 0; fd < STD_FDS; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
			open("/dev/null", fd ? O_RDONLY : O_WRONLY) != fd)
			_exit(CLI_FAILED);
}

static int verb_missing(struct cli *cli)
{
	cli_fail_text(cli, CLI_USAGE, "a verb is missing");
	cli_hint(cli, "xs help lists the verbs");
	return CLI_USAGE;
}

static int operands_wrong(struct cli *cli)
{
	cli_fail_text(cli, CLI_USAGE, "usage: xs %s [OPTION ...]%s%s",
		cli->verb->name, *cli->verb->args ? " " : "", cli->verb->args);
	cli_hint(cli, "%s", cli->verb->example);
	return CLI_USAGE;
}

/* The verb, with its own arguments in @argv. */
static int run_verb(struct cli *cli, int argc, char **argv)
{
	const struct verb *v = verb_find(cli, argv[0]);
	int nr, code;

	if (!v)
		return cli->failed;
	cli->verb = v;
	if (!verb_parse(cli, v, argc, argv))
		return cli->failed;
	if (cli_has(cli, OPTION_HELP)) {
		verb_help(v);
		return CLI_OK;
	}
	nr = argc - optind;
	if (nr < v->least || (v->most >= 0 && nr > v->most))
		return operands_wrong(cli);
	/* of those two, the time limit is the verb's */
	code = v->run(cli, argv + optind, nr);
	store_close(cli);
	return code;
}

static int run(struct cli *cli, int argc, char **argv)
{
	if (!verb_parse(cli, NULL, argc, argv))
		return cli->failed;
	if (cli_has(cli, OPTION_HELP)) {
		verbs_help();
		return CLI_OK;
	}
	if (optind == argc)
		return verb_missing(cli);
	return run_verb(cli, argc - optind, argv + optind);
}

int cli_main(int argc, char **argv)
{
	struct cli *cli;
	int code;

	std_fds_hold();
	setlocale(LC_CTYPE, "");
	cli = talloc_zero(NULL, struct cli);
	cli->timeout_ms = CLI_REQUEST_MS;
	out_init(cli);
	if (argc == 2 && !strcmp(argv[1], "--version"))
		code = cmd_version(cli, NULL, 0);
	else
		code = run(cli, argc, argv);
	if (!out_finish(cli) && !code)
		code = cli->failed;
	cli_report(cli);
	talloc_free(cli);
	return code;
}

int cmd_help(struct cli *cli, char **args, int nr)
{
	const struct verb *v = nr ? verb_find(cli, args[0]) : NULL;

	if (nr && !v)
		return cli->failed;
	if (cli_has(cli, OPTION_JSON))
		verbs_json(cli);
	else if (v)
		verb_help(v);
	else
		verbs_help();
	return CLI_OK;
}

int cmd_version(struct cli *cli, char **args, int nr)
{
	struct json j;

	(void)args;
	(void)nr;
	if (cli_has(cli, OPTION_JSON)) {
		out_json_begin(cli, &j);
		json_str(&j, "version", PACKAGE_VERSION);
		out_json_end(&j);
	} else {
		puts("xs " PACKAGE_VERSION);
	}
	return CLI_OK;
}
