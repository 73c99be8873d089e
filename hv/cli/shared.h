/* SPDX-License-Identifier: MIT */
/*
 * shared.h - the host's folders that dom0 writes to: dom0/run and dom0/log
 *
 * DOC: What dom0 may leave there
 *
 * dom0 sees both as its own and outlives no machine, but what it has put
 * there does, and links in it lead to files of the host.  So nothing in them
 * is reached by a path: every name is looked up in an open folder and never
 * followed if it is a link.  The folders themselves are the host's; dom0
 * cannot replace them.
 */
#ifndef HV_CLI_SHARED_H
#define HV_CLI_SHARED_H

#include <stdbool.h>

#include "common/err.h"

/*
 * shared_clear - before a machine starts in @dir: nothing is left of the
 * last one's dom0/run, and only regular files below dom0/log.  0 or -errno.
 */
int shared_clear(const char *dir) __must_check;

/*
 * shared_create - a new file @name in @dir/dom0/@folder, to be appended to.
 * What has the name is taken away, or renamed to NAME.old with @keep.  The
 * descriptor, or -errno.
 */
int shared_create(const char *dir, const char *folder, const char *name,
	bool keep) __must_check;

/*
 * shared_socket - dom0's store socket, as an O_PATH descriptor.  -ENOENT: it
 * is not there; -ENOTSOCK, -ENOTDIR, -ELOOP: it is something else.
 */
int shared_socket(const char *dir) __must_check;

#endif
