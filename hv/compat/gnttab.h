/* SPDX-License-Identifier: MIT */
/* gnttab.h: the inside of a grant handle, for mapping or for sharing. */
#ifndef HV_COMPAT_GNTTAB_H
#define HV_COMPAT_GNTTAB_H

#include <xengnttab.h>

#include "hv/compat/toolcore.h"
#include "hv/compat/window.h"

struct gnt_batch;

/* Both kinds of handle are one type in the public header. */
struct xengntdev_handle {
	struct Xentoolcore__Active_Handle active; /* first: for on_restrict */
	struct xentoollog_logger *logger;
	struct hv_client *client;
	struct hv_windows *windows;
	uint32_t max_grants; /* pages mapped at once */
	/* grant copy: the local side, made at the first copy */
	pthread_mutex_t arena_lock;
	uint8_t *arena;
	uint32_t arena_pages;
	struct gnt_batch *batch;
};

/* gnt_open: a handle whose windows are given back with @release. */
struct xengntdev_handle *gnt_open(struct xentoollog_logger *logger,
	unsigned int flags, unsigned int release, const char *what);
int gnt_close(struct xengntdev_handle *h);

/* What to do when a mapping of one page ends; -1 means no. */
struct gnt_notify {
	uint32_t offset;
	evtchn_port_t port;
};

/* gnt_set_notify: HVP_GNT_NOTIFY for the window's only mapping. */
int gnt_set_notify(struct xengntdev_handle *h, const struct hv_window *w,
	const struct gnt_notify *notify);

/*
 * gnt_retry: @r is -EAGAIN (the granter has to act first): sleep, longer
 * each time, and say whether to try again.  *delay starts as 0; about a
 * second altogether.
 */
bool gnt_retry(int r, unsigned int *delay);

/* gnt_fail: sets errno, and logs the failure to the handle's logger. */
void gnt_fail(struct xengntdev_handle *h, int r, const char *what);

#endif
