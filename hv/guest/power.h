/* SPDX-License-Identifier: MIT */
/*
 * power.h - the toolstack's requests to shut down
 *
 * The toolstack writes what it wants to control/shutdown; the kernel takes
 * the word away, which is the acknowledgement, and acts on it
 * (docs/misc/xenstore-paths, ~/control/shutdown).
 */
#ifndef HV_GUEST_POWER_H
#define HV_GUEST_POWER_H

#include "hv/guest/mux.h"

struct power;

/* @wake: a request was queued.  @end: shut down with a SHUTDOWN_* reason. */
struct power_params {
	struct mux *mux;
	void (*wake)(void *arg);
	void (*end)(void *arg, unsigned int reason);
	void *arg;
};

/* Begin to watch; owned by @ctx.  NULL when out of memory. */
struct power *power_new(const void *ctx, const struct power_params *p);

#endif
