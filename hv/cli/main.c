/* SPDX-License-Identifier: MIT */
/* main.c - hv, the command of the machine's administrator */
#include "config.h"

#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "hv/cli/cli.h"
#include "hv/cli/paths.h"

struct command {
	const char *name, *args, *what;
	int (*run)(struct cli *cli, int argc, char **argv);
};

/* In the order of --help; without `what`: not shown there. */
static const struct command commands[] = {
	{"up",
		"[--xenstored PATH] [--console PATH] [--bind PATH]\n"
		"                [--env NAME=VALUE]",
		"start the machine", cmd_up},
	{"down", "", "destroy all domains and stop the machine", cmd_down},
	{"create", "[-p] FILE.cfg [KEY=VALUE ...]", "create a domain",
		cmd_create},
	{"list", "[-j] [DOM ...]", "the domains", cmd_list},
	{"console", "DOM", "attach to a domain's console; Ctrl-] leaves",
		cmd_console},
	{"exec", "DOM [--] COMMAND [ARG ...]", "run a command in a domain",
		cmd_exec},
	{"pause", "DOM ...", "stop a domain's processes", cmd_pause},
	{"unpause", "DOM ...", "let them go on", cmd_unpause},
	{"shutdown", "[-r] [-w] [-t SECONDS] DOM ...",
		"ask a domain to end (-r: reboot, -w: wait)", cmd_shutdown},
	{"destroy", "DOM ...", "end a domain at once", cmd_destroy},
	{"info", "[-j]", "what exists on the machine", cmd_info},
	{"dmesg", "", "the machine's log", cmd_dmesg},
	{"monitor", "", NULL, cmd_monitor},
	{"relay", "TTY", NULL, cmd_relay},
};
#define COMMANDS_NR (sizeof(commands) / sizeof(commands[0]))

static const struct option options[] = {
	{"dir", required_argument, NULL, 'd'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

static const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < COMMANDS_NR; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static void usage(FILE *f, const struct command *c, const char *head)
{
	fprintf(f, "%shv %s%s%s\n", head, c->name, *c->args ? " " : "",
		c->args);
}

int cli_usage(const struct cli *cli)
{
	const struct command *c = command_find(cli->name);

	usage(stderr, c, "usage: ");
	return CLI_USAGE;
}

static int help(void)
{
	puts("usage: hv [--dir DIR] COMMAND ...\n"
	     "A hypervisor that runs as ordinary processes.\n");
	for (size_t i = 0; i < COMMANDS_NR; i++)
		if (commands[i].what) {
			printf("  %-10s %s\n", commands[i].name,
				commands[i].what);
			usage(stdout, &commands[i], "             ");
		}
	puts("\n--dir DIR   the machine's folder\n"
	     "DOM is a name or a number.  See hv(1).");
	return CLI_OK;
}

int main(int argc, char **argv)
{
	static char dir[CLI_DIR_MAX + 1];
	struct cli cli = {.dir = NULL};
	const struct command *cmd;
	int c;

	setlocale(LC_CTYPE, "");
	signal(SIGPIPE, SIG_IGN);
	/* the command's own options come after its name */
	while ((c = getopt_long(argc, argv, "+h", options, NULL)) != -1) {
		switch (c) {
		case 'd': cli.dir = optarg; break;
		case 'h': return help();
		case 'V': puts("hv " PACKAGE_VERSION); return CLI_OK;
		default: cli_hint("hv --help lists the commands"); return 2;
		}
	}
	if (optind == argc) {
		fputs("usage: hv [--dir DIR] COMMAND ...\n", stderr);
		cli_hint("hv --help lists the commands");
		return CLI_USAGE;
	}
	if (!strcmp(argv[optind], "help"))
		return help();
	cmd = command_find(argv[optind]);
	if (!cmd) {
		cli_error("no command \"%s\"", argv[optind]);
		cli_hint("hv --help lists the commands");
		return CLI_USAGE;
	}
	cli.name = cmd->name;
	if (optind + 1 < argc && !strcmp(argv[optind + 1], "--help")) {
		usage(stdout, cmd, "usage: ");
		return CLI_OK;
	}
	if (!paths_machine(cli.dir, dir)) {
		cli_error("the name of the machine's folder is longer than "
			  "%d bytes",
			CLI_DIR_MAX);
		cli_hint("choose a shorter one with --dir");
		return CLI_USAGE;
	}
	cli.dir = dir;
	argc -= optind;
	argv += optind;
	optind = 0; /* getopt starts over */
	return cmd->run(&cli, argc, argv);
}
