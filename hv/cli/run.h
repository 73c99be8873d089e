/* SPDX-License-Identifier: MIT */
/* run.h - programs in a domain (HVA_EXEC), and domains themselves */
#ifndef HV_CLI_RUN_H
#define HV_CLI_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "hv/cli/machine.h"
#include "hv/cli/strings.h"

/*
 * run_start - begin @what (arg, env, cwd) in @domid with descriptors @fds as
 * its 0, 1, 2.  0 and its id, or -errno.
 */
int run_start(struct machine *m, uint32_t domid, const struct strings *what,
	const int fds[3], uint32_t *id) __must_check;

/* run_signal - to the process group of @id */
void run_signal(struct machine *m, uint32_t id, int sig);

/* What a wait status is as an exit code of ours: 128 + signal if killed. */
int run_code(int status);

/*
 * run_build - HVA_BUILD of @domid.  0; or -errno with hv-init's reason, if
 * it gave one, in @why (@cap bytes).
 */
int run_build(struct machine *m, uint32_t domid, const struct strings *conf,
	char *why, size_t cap) __must_check;

#endif
