/* SPDX-License-Identifier: MIT */
/*
 * cli.h - what the commands of hv share: exit codes, words, the machine
 *
 * Data goes to stdout, talk to stderr.  An error is one line that says what
 * went wrong and, where there is something to do about it, a line "hint:".
 */
#ifndef HV_CLI_CLI_H
#define HV_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit codes, as in hv(1). */
enum {
	CLI_OK = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_NOT_FOUND = 3,  /* no such domain, no such file */
	CLI_REFUSED = 4,    /* permission */
	CLI_NO_MACHINE = 7, /* it is not up, or went away */
	CLI_TIMEOUT = 8,
	CLI_EXEC_FAILED = 125, /* hv exec itself, not the command */
};

enum { CLI_DIR_MAX = 80 }; /* so that all sockets below it have names */

struct cli {
	const char *name; /* of the command, for messages */
	const char *dir;  /* of the machine */
};

/* Each returns an exit code; argv[0] is the command's name. */
int cmd_up(struct cli *cli, int argc, char **argv);
int cmd_down(struct cli *cli, int argc, char **argv);
int cmd_create(struct cli *cli, int argc, char **argv);
int cmd_destroy(struct cli *cli, int argc, char **argv);
int cmd_pause(struct cli *cli, int argc, char **argv);
int cmd_unpause(struct cli *cli, int argc, char **argv);
int cmd_shutdown(struct cli *cli, int argc, char **argv);
int cmd_list(struct cli *cli, int argc, char **argv);
int cmd_info(struct cli *cli, int argc, char **argv);
int cmd_exec(struct cli *cli, int argc, char **argv);
int cmd_console(struct cli *cli, int argc, char **argv);
int cmd_relay(struct cli *cli, int argc, char **argv);
int cmd_dmesg(struct cli *cli, int argc, char **argv);
int cmd_monitor(struct cli *cli, int argc, char **argv);

/* "hv: text", and "hint: text". */
void cli_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void cli_hint(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* "usage: hv ..." of the command on stderr; returns CLI_USAGE. */
int cli_usage(const struct cli *cli);

/* The exit code that fits a negative errno. */
int cli_code(int err);

#endif
