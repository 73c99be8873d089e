/* SPDX-License-Identifier: MIT */
/* events.h - watch events one after the other, with a time limit */
#ifndef BH_LIBXS_CLI_EVENTS_H
#define BH_LIBXS_CLI_EVENTS_H

#include "libxs/cli/cli.h"

/* When waiting ends; 0: never. */
struct deadline {
	uint64_t ms; /* of CLOCK_MONOTONIC */
};

/*
 * deadline_take - what --timeout means where events are waited for; single
 * requests then have the usual limit.  Call it before store_open().
 */
struct deadline deadline_take(struct cli *cli);

/*
 * events_watch - watch @path, which is the token, too, as deep as --depth
 * says; an exit code
 */
int events_watch(struct cli *cli, const char *path);

/*
 * events_next - the next event in *@event, a malloc'ed block as
 * xs_read_watch() gives it
 *
 * CLI_OK; CLI_FALSE when the deadline has passed; else an error that was
 * recorded.
 */
int events_next(
	struct cli *cli, const struct deadline *deadline, char ***event);

#endif
