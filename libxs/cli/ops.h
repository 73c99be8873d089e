/* SPDX-License-Identifier: MIT */
/*
 * ops.h - what read, write, rm and so on do in a transaction; txn does the
 * same.  Each returns an exit code; errors are recorded.
 */
#ifndef BH_LIBXS_CLI_OPS_H
#define BH_LIBXS_CLI_OPS_H

#include "libxs/cli/name.h"
#include "libxs/cli/node.h"

struct op_value {
	char *data;
	size_t len;
};

/*
 * op_value - the value that the operand @arg means: escaped, raw, or stdin
 * for "-" if @may_read.  False after an error was recorded.
 */
bool op_value(struct cli *cli, const void *ctx, const char *arg, bool may_read,
	struct op_value *v);

int op_write(struct cli *cli, const char *path, const struct op_value *v);
int op_mkdir(struct cli *cli, const char *path);
int op_rm(struct cli *cli, const char *path, bool force);

/* Permissions, parsed; the array is below @ctx. */
struct xs_permissions *op_perms(
	struct cli *cli, const void *ctx, char **args, int nr);
int op_chmod(struct cli *cli, const char *path, struct xs_permissions *perms,
	unsigned int nr);

/* One value as read shows it: escaped and a newline, or raw. */
void op_show(struct cli *cli, const struct node *n);

#endif
