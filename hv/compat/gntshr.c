/* SPDX-License-Identifier: MIT */
/*
 * gntshr.c: libxengnttab.so.1 on hv: sharing pages.
 *
 * A share is one run of pages made by hvd.  If the other side may only read,
 * the references work from the moment on at which our writable mapping is
 * there: the seal that keeps others from writing forbids new ones.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "hv/compat/gnttab.h"

xengntshr_handle *xengntshr_open(
	struct xentoollog_logger *logger, unsigned int open_flags)
{
	return gnt_open(logger, open_flags, HVP_GNT_UNSHARE, "gntshr");
}

int xengntshr_close(xengntshr_handle *xgs)
{
	return gnt_close(xgs);
}

int xengntshr_fd(xengntshr_handle *xgs)
{
	return hv_client_fd(xgs->client);
}

/* Pages [at, at + n) of @w: one run. */
static int share_some(xengntshr_handle *xgs, struct hv_window *w,
	const struct hvp_gnt_share *share, uint32_t at, uint32_t *refs)
{
	struct hvp_share made = {0};
	const struct iovec out = {(void *)(uintptr_t)share, sizeof(*share)};
	const struct iovec in[] = {
		{&made, sizeof(made)},
		{refs + at, share->count * sizeof(*refs)},
	};
	struct hv_fds fds;
	struct hv_exchange x = {
		.op = HVP_GNT_SHARE,
		.req = &out,
		.req_nr = 1,
		.rep = in,
		.rep_nr = 2,
		.fds = &fds,
	};
	struct hvp_id id;
	void *p = MAP_FAILED;
	int r;

	w->nr = at / HVP_SHARE_MAX; /* the ids are allocated */
	r = hv_client_exchange(xgs->client, &x);
	if ((r == 0 || r == -EMFILE) && x.rep_len >= sizeof(made))
		w->id[w->nr++] = made.id;
	if (r < 0)
		return r;
	if (x.rep_len == sizeof(made) + share->count * sizeof(*refs) &&
		fds.nr == 1) {
		p = mmap(w->addr + (size_t)at * HVP_PAGE,
			(size_t)share->count * HVP_PAGE, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_FIXED | MAP_POPULATE, fds.fd[0], 0);
		r = p == MAP_FAILED ? -errno : 0;
	} else {
		r = -EPROTO;
	}
	hv_fds_close(&fds);
	if (r < 0 || share->write)
		return r;
	id.id = made.id;
	return hv_client_ask(xgs->client, HVP_GNT_SHARE_READY, 0, &id,
		sizeof(id), NULL, 0, NULL);
}

static int share_all(xengntshr_handle *xgs, struct hv_window *w, uint32_t domid,
	uint32_t count, uint32_t *refs, int writable)
{
	int r = 0;

	w->cap = (count + HVP_SHARE_MAX - 1) / HVP_SHARE_MAX;
	w->id = calloc(w->cap, sizeof(*w->id));
	if (!w->id)
		return -ENOMEM;
	for (uint32_t at = 0; r == 0 && at < count; at += HVP_SHARE_MAX) {
		struct hvp_gnt_share share = {
			.domid = domid,
			.count = count - at,
			.write = !!writable,
		};

		if (share.count > HVP_SHARE_MAX)
			share.count = HVP_SHARE_MAX;
		r = share_some(xgs, w, &share, at, refs);
	}
	return r;
}

static void *share_pages(xengntshr_handle *xgs, uint32_t domid, int count,
	uint32_t *refs, int writable, const struct gnt_notify *notify)
{
	struct hv_window *w;
	int r = -EINVAL;

	if (count > 0)
		r = hv_window_open(xgs->windows, NULL, 0, count, &w);
	if (r == 0) {
		r = share_all(xgs, w, domid, count, refs, writable);
		if (r == 0 && notify)
			r = gnt_set_notify(xgs, w, notify);
		if (r == 0)
			return hv_window_done(xgs->windows, w);
		hv_window_undo(xgs->windows, w);
	}
	gnt_fail(xgs, r, "cannot share pages");
	return NULL;
}

void *xengntshr_share_pages(xengntshr_handle *xgs, uint32_t domid, int count,
	uint32_t *refs, int writable)
{
	return share_pages(xgs, domid, count, refs, writable, NULL);
}

void *xengntshr_share_page_notify(xengntshr_handle *xgs, uint32_t domid,
	uint32_t *ref, int writable, uint32_t notify_offset,
	evtchn_port_t notify_port)
{
	const struct gnt_notify notify = {notify_offset, notify_port};

	return share_pages(xgs, domid, 1, ref, writable, &notify);
}

int xengntshr_unshare(
	xengntshr_handle *xgs, void *start_address, uint32_t count)
{
	int r = hv_window_close(xgs->windows, start_address, count);

	if (r < 0) {
		errno = -r;
		return -1;
	}
	return 0;
}
