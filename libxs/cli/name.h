/* SPDX-License-Identifier: MIT */
/*
 * name.h - domains by name, and paths that start at one
 *
 * DOC: DOM:PATH
 *
 * A domain is a number or a name, looked up in /local/domain/N/name.  A path
 * may start with one and a colon, which no path has in it: "work:data/x" is
 * /local/domain/5/data/x, "work:" is /local/domain/5.
 */
#ifndef BH_LIBXS_CLI_NAME_H
#define BH_LIBXS_CLI_NAME_H

#include "libxs/cli/cli.h"
#include "libxs/xenstore_lib.h"

/*
 * name_path - the path that the operand @arg means
 * @special:	@introduceDomain and such may be meant
 *
 * Below @ctx; NULL after an error was recorded.
 */
char *name_path(
	struct cli *cli, const void *ctx, const char *arg, bool special);

/* name_paths - all of @nr operands, in one array; or NULL */
char **name_paths(struct cli *cli, char **args, int nr, bool special);

/*
 * name_domid - the domain @dom, a number or a name; false after an error was
 * recorded
 */
bool name_domid(struct cli *cli, const char *dom, unsigned int *domid);

/*
 * name_perm - a permission: a letter of nrwb and a domain, with or without a
 * colon between; false after an error was recorded.
 */
bool name_perm(struct cli *cli, const char *arg, struct xs_permissions *perm);

/* name_each - @fn with the name of each domain that has one */
void name_each(
	struct cli *cli, void (*fn)(const char *name, void *arg), void *arg);

/* name_of - the name of @domid; NULL if it has none that can be read */
const char *name_of(struct cli *cli, unsigned int domid);

#endif
