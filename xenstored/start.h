/* SPDX-License-Identifier: MIT */
/*
 * start.h - xenstored from its start to its end
 */
#ifndef BH_XENSTORED_START_H
#define BH_XENSTORED_START_H

struct opts;

/* Check the configuration file: the exit status. */
int start_check(const struct opts *opts);

/*
 * start_run - serve until told to stop: the exit status
 * @ready:	where to report that clients can connect; -1: to nobody
 */
int start_run(const struct opts *opts, int ready);

#endif
