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
 * there, when the first connection is opened: the effect is the same for a
 * program that is linked with it or loads it by its name, and where there is
 * none (guests, containers) libc is enough.
 *
 * Who loads it from a place where the name does not lead must do so before
 * its first connection: each new one looks for it again, but what is open by
 * then stays unknown to it.
 *
 * DOC: Before opening
 *
 * A connection is registered before it is opened, as xentoolcore_internal.h
 * wants it: the restriction may come from another thread at any time.  If it
 * comes while the descriptor is not known yet, that is made up for by
 * toolcore_opened().
 */
#ifndef BH_LIBXS_TOOLCORE_H
#define BH_LIBXS_TOOLCORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The layout is part of the ABI of libxentoolcore.so.1: a callback, which
 * returns 0, or -1 with errno, then a link of its own.  The rest is ours.
 */
struct toolcore_entry {
	int (*restrict_cb)(struct toolcore_entry *entry, uint16_t domid);
	void *link[2];
	bool registered;
	atomic_int fd; /* or what toolcore_register() was told */
	atomic_bool restricted;
};

/* In the place of a descriptor. */
enum {
	TOOLCORE_OPENING = -1, /* is not known yet */
	TOOLCORE_NONE = -2,    /* there will be none: cannot be restricted */
};

/* @fd: one of the two above */
void toolcore_register(struct toolcore_entry *entry, int fd);

/* @fd is open: 0, or -errno if it should be restricted and cannot be. */
int toolcore_opened(struct toolcore_entry *entry, int fd);

/* Before the descriptor is closed. */
void toolcore_deregister(struct toolcore_entry *entry);

#endif
