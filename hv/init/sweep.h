/* SPDX-License-Identifier: MIT */
/*
 * sweep.h: signals to everything in the domain
 */
#ifndef HV_INIT_SWEEP_H
#define HV_INIT_SWEEP_H

#include <stdbool.h>

/*
 * For a domain without a pid namespace, while the host's /proc is in sight.
 * The domain's programs never get the descriptor.  0 or -errno.
 */
int sweep_init(void);

/*
 * Sends `sig` to every process of the domain but the caller.  With a pid
 * namespace that is one call for its first process.  Without, the caller must
 * be the domain's subreaper: what descends from it, found in the host's /proc
 * and looked for again until nothing is new.
 */
void sweep_signal(int sig, bool pidns);

/* SIGKILL, until nothing is left; what dies is reaped. */
void sweep_kill(bool pidns);

#endif
