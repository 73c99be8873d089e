/* SPDX-License-Identifier: MIT */
/* spawn.h: a domain's processes, by way of its hv-init (hv/proto/birth.h). */
#ifndef HV_HVD_SPAWN_H
#define HV_HVD_SPAWN_H

#include "hv/hvd/hvd.h"

/*
 * spawn_build: start hv-init with @len bytes of configuration strings.  0 or
 * -errno; the outcome comes later, to @builder (admin_built()).
 */
int spawn_build(
	struct vdom *vd, const char *config, size_t len, struct admin *builder);

/* spawn_exec: run a program in the domain with descriptors @fds as 0, 1, 2.
 * admin_exited() with @id follows.  0 or -errno. */
int spawn_exec(struct vdom *vd, uint32_t id, const char *config, size_t len,
	const int fds[3]);
int spawn_signal(struct vdom *vd, uint32_t id, int sig);

/* spawn_update: let the processes run or stop as the domain does. */
void spawn_update(struct vdom *vd);

/* spawn_kill: end them all, now. */
void spawn_kill(struct vdom *vd);

/* spawn_reap: libevent callback of SIGCHLD. */
void spawn_reap(int sig, short what, void *arg);

#endif
