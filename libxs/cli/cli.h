/* SPDX-License-Identifier: MIT */
/*
 * cli.h - what the verbs of xs share: options, exit codes, errors
 *
 * DOC: How a verb ends
 *
 * A verb returns an exit code.  When something failed it has recorded the
 * first error with cli_fail() or one of its kin, which return the code that
 * fits; nothing is printed until main() does, once.  So a transaction that is
 * tried again forgets the errors of the attempt before.
 *
 * Data goes to stdout, and only when it is complete; talk goes to stderr.
 * Bytes of the store are never written raw unless --raw asks for it: a guest
 * chooses them, and a terminal obeys them.
 */
#ifndef BH_LIBXS_CLI_CLI_H
#define BH_LIBXS_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libxs/xenstore.h"

/* Exit codes, as in xs(1). */
enum {
	CLI_OK = 0,
	CLI_FALSE = 1,     /* a condition does not hold */
	CLI_USAGE = 2,     /* arguments, a path that cannot be one */
	CLI_NOT_FOUND = 3, /* no such node, no such domain */
	CLI_DENIED = 4,
	CLI_QUOTA = 5,     /* no space, or too large */
	CLI_CONFLICT = 6,  /* transactions lost too often; a check failed */
	CLI_NO_DAEMON = 7, /* it does not run, or went away */
	CLI_TIMEOUT = 8,   /* it does not answer */
	CLI_FAILED = 9,    /* anything else */
};

/* Options; a verb takes some of them (verbs.c), all the GLOBAL ones. */
enum {
	OPTION_JSON = 1 << 0,
	OPTION_QUIET = 1 << 1,
	OPTION_TIMEOUT = 1 << 2,
	OPTION_SOCKET = 1 << 3,
	OPTION_COLOR = 1 << 4,
	OPTION_HELP = 1 << 5,
	OPTION_GLOBAL = (1 << 6) - 1,
	OPTION_RAW = 1 << 6,
	OPTION_PATHS = 1 << 7,
	OPTION_LONG = 1 << 8,
	OPTION_DEPTH = 1 << 9,
	OPTION_LOOSE = 1 << 10,
	OPTION_RECURSIVE = 1 << 11,
	OPTION_FORCE = 1 << 12,
	OPTION_TIDY = 1 << 13,
	OPTION_DRY_RUN = 1 << 14,
	OPTION_NUMBER = 1 << 15,
};

/* What a request may take, unless --timeout says it. */
enum { CLI_REQUEST_MS = 5000 };

struct cli_error {
	int err;    /* an errno; 0: only the text */
	char *op;   /* what was being done; may be NULL */
	char *path; /* to what; may be NULL */
	char *text; /* instead of the errno's; may be NULL */
	char *hint; /* what to do about it; may be NULL */
};

struct name_table;
struct verb;

/*
 * One run.  Owner: main, as talloc's root; all that verbs allocate is below
 * it and lives until the end.
 */
struct cli {
	const struct verb *verb;
	uint32_t options;    /* OPTION_* that were given */
	uint64_t timeout_ms; /* of a request; 0: none */
	const char *socket;
	uint64_t depth;
	uint64_t number;
	bool tty;         /* stdout is a terminal */
	bool interactive; /* stdin, too: somebody types */
	bool color;
	bool utf8;          /* box characters can be shown */
	unsigned int width; /* of the terminal */
	int failed;         /* the code of the first error; 0: none */
	struct cli_error error;

	/* store.c */
	struct xs_handle *xs;
	xs_transaction_t t;
	unsigned int attempts; /* of the last transaction */
	bool waits;            /* for events, for so long in all: */
	uint64_t wait_ms;      /* 0: for ever */
	uint64_t deadline_ms;  /* the same, of CLOCK_MONOTONIC */

	struct name_table *names; /* name.c; NULL: not asked yet */
};

static inline bool cli_has(const struct cli *cli, uint32_t option)
{
	return cli->options & option;
}

/* The exit code that fits an errno. */
int cli_code(int err);

/* Record that @op on @path failed with @err; returns the code. */
int cli_fail(struct cli *cli, int err, const char *op, const char *path);

/* Record an error in words; returns @code. */
int cli_fail_text(struct cli *cli, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* And what to do about it. */
void cli_hint(struct cli *cli, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Forget what was recorded. */
void cli_forget(struct cli *cli);

/* Print what was recorded, to stderr. */
void cli_report(const struct cli *cli);

/*
 * The verbs.  @args are the operands, @nr of them with a NULL behind; their
 * number fits the verb's row.
 */
int cmd_read(struct cli *cli, char **args, int nr);
int cmd_write(struct cli *cli, char **args, int nr);
int cmd_mkdir(struct cli *cli, char **args, int nr);
int cmd_rm(struct cli *cli, char **args, int nr);
int cmd_chmod(struct cli *cli, char **args, int nr);
int cmd_exists(struct cli *cli, char **args, int nr);
int cmd_ls(struct cli *cli, char **args, int nr);
int cmd_tree(struct cli *cli, char **args, int nr);
int cmd_watch(struct cli *cli, char **args, int nr);
int cmd_wait(struct cli *cli, char **args, int nr);
int cmd_txn(struct cli *cli, char **args, int nr);
int cmd_control(struct cli *cli, char **args, int nr);
int cmd_complete(struct cli *cli, char **args, int nr);
int cmd_help(struct cli *cli, char **args, int nr);
int cmd_version(struct cli *cli, char **args, int nr);

/* Be xs: the whole program; returns its exit code. */
int cli_main(int argc, char **argv);

#endif
