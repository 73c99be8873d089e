/* SPDX-License-Identifier: MIT */
/*
 * stand.h: a real hvd and domains without walls, for tests of the libraries
 *
 * A test is a process of whichever domain stand_as() named last when it opens
 * a handle.  Needs BH_BUILDDIR in the environment (make check sets it) and
 * the libraries of hv/compat in LD_LIBRARY_PATH.  Functions that return int
 * return 0 or -1 with a message on stderr.
 */
#ifndef TESTS_SYS_STAND_H
#define TESTS_SYS_STAND_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "hv/proto/admin.h"

struct stand {
	char dir[64];
	pid_t hvd;
	int admin;
};

/*
 * Runs the program again with hv's libraries first, unless LD_LIBRARY_PATH is
 * set already.
 */
void stand_libs(char **argv);

/* Starts hvd and builds domain 0. */
int stand_start(struct stand *s);

/* Creates domain @domid with @max_kb of memory, and lets it run. */
int stand_domain(struct stand *s, uint32_t domid, uint64_t max_kb);
/* The same of kind PV, with page tables. */
int stand_domain_pv(struct stand *s, uint32_t domid, uint64_t max_kb);
/* One of either kind; returns the session of its kernel, which does nothing by
 * itself, or -1.  The caller closes it. */
int stand_kernel(struct stand *s, uint32_t domid, uint64_t max_kb, bool pv);
int stand_destroy(struct stand *s, uint32_t domid);

/* From now on handles are opened as this domain. */
void stand_as(const struct stand *s, uint32_t domid);

int stand_info(struct stand *s, struct hva_info *info);

/* HVA_STOP, and waits; or kills hvd at once. */
int stand_stop(struct stand *s);
void stand_kill(struct stand *s);

#endif
