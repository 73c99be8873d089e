/* SPDX-License-Identifier: MIT */
/*
 * confine.h: what the processes of a domain may ask of Linux
 *
 * DOC: two filters
 *
 * confine_programs() is a list of what is refused, since a domain may run any
 * Linux program.  hv-init applies it to itself, so that everything in the
 * domain has it.  Each group in confine.c says what it closes.  Refused calls
 * answer EPERM, or what makes the C library take its other way; the calls of
 * another architecture (i386, x32), which would pass under other numbers, end
 * the process.
 *
 * confine_kernel() is a list of what is allowed, for hv-kernel alone: it has
 * all it needs open by then, and parses what dom0 and its domain send it.
 * Anything else ends the process.
 *
 * Both return 0 or -errno, cannot be undone, and hold for all threads and
 * children from then on.
 */
#ifndef HV_INIT_CONFINE_H
#define HV_INIT_CONFINE_H

#include <stdbool.h>

struct confine {
	bool iouring; /* io_uring is allowed */
	bool pinned;  /* the processors it may use are not its own choice */
};

/*
 * Empties the capability bounding set.  Before the uid is changed: it takes
 * a capability, and without that there is nothing to be gained by exec.
 */
void confine_exec(void);

/*
 * No capabilities, no new ones by exec, no core files, no real-time
 * priorities.
 */
int confine_privileges(void);

/*
 * What Linux counts by user, and hvd with its other domains may have the same
 * one.  When there is no memory left, a domain ends before anything of the
 * host's does: from its first moment on.  Of the descriptors (those in flight
 * between processes are counted too) it has half: hvd must always be able to
 * pass one, and so must the hv-init of another domain, which is why this one
 * has the whole until it has sent its socket.
 */
#define CONFINE_DESCRIPTORS_MAX 16384 /* of a process, if half is more */
#define CONFINE_SIGNALS_MAX     2048  /* queued, of all its processes */
void confine_first_to_end(void);
void confine_descriptors(void);
void confine_signals(void);

/* In the domain's own user namespace: how many processes it may have. */
#define CONFINE_PROCESSES_MAX 2048
void confine_processes(void);

int confine_programs(const struct confine *how);

/*
 * Called by hv-kernel when its descriptors are open and its memory is mapped.
 * It may then still: read, write, send and receive (descriptors too), accept,
 * close and poll; map shared and anonymous memory, never executable; keep
 * time; end.  Not: open files, make sockets, start processes, send signals to
 * others.  Also makes its memory unreadable to the domain's programs.
 */
int confine_kernel(void);

#endif
