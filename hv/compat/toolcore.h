/* SPDX-License-Identifier: MIT */
/*
 * toolcore.h: what libxentoolcore.so.1 offers to the other Xen libraries.
 *
 * The functions are exported with version node VERS_1.0, but no installed
 * header declares them.  The layout of the struct is part of that ABI: the
 * callback, then a doubly linked list entry that the library owns.
 */
#ifndef HV_COMPAT_TOOLCORE_H
#define HV_COMPAT_TOOLCORE_H

#include <xentoolcore.h>
#include <xentoollog.h>

struct Xentoolcore__Active_Handle;
typedef int xentoolcore_restrict_fn(
	struct Xentoolcore__Active_Handle *, domid_t);

struct Xentoolcore__Active_Handle {
	xentoolcore_restrict_fn *restrict_callback;
	struct {
		struct Xentoolcore__Active_Handle *next;
		struct Xentoolcore__Active_Handle **prev;
	} entry;
};

/* register: the callback runs at xentoolcore_restrict_all(). */
void xentoolcore__register_active_handle(struct Xentoolcore__Active_Handle *);
void xentoolcore__deregister_active_handle(struct Xentoolcore__Active_Handle *);

/* Makes @fd /dev/null for good; 0, or -1 with errno. */
int xentoolcore__restrict_by_dup2_null(int fd);

/* hv_log_error: one line to the caller's logger, if it has one. */
#define hv_log_error(logger, context, err, ...)                        \
	do {                                                           \
		if (logger)                                            \
			xtl_log((logger), XTL_ERROR, (err), (context), \
				__VA_ARGS__);                          \
	} while (0)

#endif
