/* SPDX-License-Identifier: MIT */
/*
 * paths.h - where the machine and hv's own programs are
 *
 * Programs are looked for in $HV_LIBEXEC (and the libraries in $HV_LIBDIR),
 * else in the build tree that hv was started from, else where they were
 * installed, relative to hv so that a tree may be moved.
 */
#ifndef HV_CLI_PATHS_H
#define HV_CLI_PATHS_H

#include <limits.h>
#include <stdbool.h>

#include "hv/cli/cli.h"

struct paths {
	char hvd[PATH_MAX], init[PATH_MAX], kernel[PATH_MAX];
	char xenstored[PATH_MAX];
	char libdir[PATH_MAX]; /* hv's libraries */
	char bindir[PATH_MAX]; /* the folder of hv itself */
};

/*
 * The absolute name of the machine's folder: @arg, or the default when it is
 * NULL: $XDG_RUNTIME_DIR/bulkhead/default, or /tmp/bulkhead-UID/default.
 * False if it is longer than CLI_DIR_MAX.
 */
bool paths_machine(const char *arg, char dir[CLI_DIR_MAX + 1]);

/* Fills @p; false and a message if a program is missing. */
bool paths_find(struct paths *p);

#endif
