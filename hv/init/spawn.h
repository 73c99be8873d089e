/* SPDX-License-Identifier: MIT */
/*
 * spawn.h: starting one process in the domain
 */
#ifndef HV_INIT_SPAWN_H
#define HV_INIT_SPAWN_H

#include "hv/init/conf.h"

#include <stdbool.h>
#include <sys/types.h>

#define SPAWN_FDS_MAX 8

struct spawn_fd {
	int from, to;
};

struct spawn {
	const struct conf *birth;    /* for libdir=, bindir=, env= */
	const struct conf_list *env; /* on top of it; or NULL */
	char *const *argv;
	const char *cwd; /* NULL: / */
	struct spawn_fd fd[SPAWN_FDS_MAX];
	int n_fd;
	bool terminal; /* descriptor 0, if it is one, is to be its own */
	bool stopped;  /* waits for SIGCONT before it begins */
	bool tied;     /* dies with hv-init by itself */
};

/*
 * Starts argv in a session of its own, with the given descriptors and no
 * others.  A program that cannot be run ends with 127, or 126 if it is there,
 * after saying why on its descriptor 2.  Returns the process id, or -errno.
 */
pid_t spawn_start(const struct spawn *s);

#endif
