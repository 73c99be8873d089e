/* SPDX-License-Identifier: MIT */
/* events.h - watch events one after the other, with a time limit */
#ifndef BH_LIBXS_CLI_EVENTS_H
#define BH_LIBXS_CLI_EVENTS_H

#include "libxs/cli/cli.h"

/*
 * events_watch - watch @path, which is the token, too, as deep as --depth
 * says; an exit code
 */
int events_watch(struct cli *cli, const char *path);

/*
 * events_next - the next event in *@event, a malloc'ed block as
 * xs_read_watch() gives it
 *
 * CLI_OK; CLI_FALSE when the time is over (store_deadline()), also if there
 * is an event; else an error that was recorded.
 */
int events_next(struct cli *cli, char ***event);

/*
 * events_drain - forget the events that are there, for who looks at the nodes
 * themselves anyway; not more than some, if they never end
 */
void events_drain(struct cli *cli);

/*
 * events_over - @code, or CLI_FALSE, with its error forgotten, if it is of a
 * request that the end of the time has cut short
 *
 * Only where the daemon has answered before: else it is that which failed.
 */
int events_over(struct cli *cli, int code);

#endif
