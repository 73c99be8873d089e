/* SPDX-License-Identifier: MIT */
/* cond.h - conditions on nodes, for wait and txn */
#ifndef BH_LIBXS_CLI_COND_H
#define BH_LIBXS_CLI_COND_H

#include <regex.h>

#include "libxs/cli/cli.h"

/* Owner: the talloc context given, which frees the expression, too. */
struct cond {
	enum cond_kind {
		COND_EXISTS,
		COND_ABSENT,
		COND_EQUAL,
		COND_MATCH,
	} kind;
	const char *text; /* as it was given */
	char *path;
	char *value; /* COND_EQUAL */
	size_t len;
	regex_t regex; /* COND_MATCH */
};

/*
 * cond_parse - PATH, !PATH, PATH=VALUE or PATH~REGEX
 *
 * NULL after an error was recorded.
 */
struct cond *cond_parse(struct cli *cli, const void *ctx, const char *text);

/*
 * cond_check - does it hold, in the current transaction?
 *
 * CLI_OK or CLI_FALSE; anything else is an error that was recorded.
 */
int cond_check(struct cli *cli, const struct cond *c);

#endif
