/* SPDX-License-Identifier: MIT */
/*
 * confine.h - what xenstored may still do when it serves
 *
 * DOC: What is left
 *
 * All descriptors that matter are open by then.  What is left are reading,
 * writing and polling them, accepting connections, memory that is never
 * executable, the clock, and those requests to Xen's devices that rings and
 * the list of domains take.  One of those is the hypercall: whoever may make
 * these owns the host, and no filter of Linux can look into them.
 *
 * A datagram can be sent to any socket that has a name, as lines are to the
 * system's log (see log.h): none can be received.
 *
 * Of files, it may read those in the folder of the configuration file, create
 * and append to those in the folder of the access log, and create and remove
 * those in the folder of the socket.  A kernel without Landlock cannot say
 * "in this folder": then no file can be opened at all, which costs the
 * reopening of the access log, and the files that CONTROL writes; the
 * configuration file is read again through its old descriptor.
 */
#ifndef BH_XENSTORED_CONFINE_H
#define BH_XENSTORED_CONFINE_H

#include <stdbool.h>

#include "common/err.h"

/* Folders; -1: there is none. */
struct confine {
	int conf_fd, trace_fd, rundir_fd;
};

/*
 * confine - give up all rights but these; cannot be undone
 * @files:	set to whether the folders can be used
 *
 * 0 or -errno: some of the rights may be gone then.
 */
int confine(const struct confine *how, bool *files) __must_check;

/*
 * False where a sanitizer or the measuring of coverage needs rights of its
 * own at the end of the process.
 */
bool confine_possible(void);

#endif
