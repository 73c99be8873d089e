/* SPDX-License-Identifier: MIT */
/*
 * toolcore.h - take part in xentoolcore_restrict_all()
 *
 * DOC: Needed, but not NEEDED
 *
 * A program that confines itself (QEMU) calls xentoolcore_restrict_all(),
 * and every handle of a Xen library has to give its rights up then; a handle
 * that libxentoolcore does not know would silently keep them.  Xen's
 * libxenstore is linked with libxentoolcore for that.  We load it, if it is
 * there, when the first handle is opened: the effect is the same for a
 * program that uses it, however and in whatever order it loads libraries,
 * and where there is none (guests, containers) libc is enough.
 */
#ifndef BH_LIBXS_TOOLCORE_H
#define BH_LIBXS_TOOLCORE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The layout is part of the ABI of libxentoolcore.so.1: a callback, then a
 * link of its own.  @restrict_cb returns 0, or -1 with errno.
 */
struct toolcore_entry {
	int (*restrict_cb)(struct toolcore_entry *entry, uint16_t domid);
	void *link[2];
	bool registered; /* ours */
};

void toolcore_register(struct toolcore_entry *entry,
	int (*restrict_cb)(struct toolcore_entry *entry, uint16_t domid));
void toolcore_deregister(struct toolcore_entry *entry);

/* Put /dev/null in the place of @fd: 0, or -1 with errno. */
int toolcore_null(int fd);

#endif
