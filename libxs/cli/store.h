/* SPDX-License-Identifier: MIT */
/*
 * store.h - the connection of xs: requests, their time limit, transactions
 *
 * Results are copies below a talloc context.  NULL or false means errno; no
 * error is recorded here, unless it is said.
 */
#ifndef BH_LIBXS_CLI_STORE_H
#define BH_LIBXS_CLI_STORE_H

#include "libxs/cli/cli.h"

struct xs_permissions;

/*
 * store_open - connect, if that was not done yet
 *
 * Requests that take longer than --timeout fail with ETIMEDOUT.  Returns an
 * exit code; the error is recorded.
 */
int store_open(struct cli *cli);
void store_close(struct cli *cli);

/*
 * store_deadline - from here on --timeout is of all that is done, by a verb
 * that waits; single requests have the usual limit, and end with it.  Call it
 * before store_open().
 */
void store_deadline(struct cli *cli);

/* Milliseconds until then; UINT64_MAX if there is no end. */
uint64_t store_left_ms(const struct cli *cli);

/*
 * store_limit - what the next requests may take: for those who make them
 * without the functions below, where a verb may wait
 */
void store_limit(struct cli *cli);

char *store_read(
	struct cli *cli, const void *ctx, const char *path, size_t *len);
/* The children's names; one block. */
char **store_list(
	struct cli *cli, const void *ctx, const char *path, size_t *nr);
struct xs_permissions *store_perms(
	struct cli *cli, const void *ctx, const char *path, unsigned int *nr);
bool store_write(
	struct cli *cli, const char *path, const void *data, size_t len);
bool store_mkdir(struct cli *cli, const char *path);
bool store_rm(struct cli *cli, const char *path);
bool store_chmod(struct cli *cli, const char *path,
	struct xs_permissions *perms, unsigned int nr);

/*
 * store_txn - run @fn in a transaction until that is committed
 *
 * @fn returns an exit code; anything but CLI_OK aborts.  It is called again
 * after a conflict, with errors forgotten; after too many, CLI_CONFLICT.
 */
int store_txn(
	struct cli *cli, int (*fn)(struct cli *cli, void *arg), void *arg);

#endif
