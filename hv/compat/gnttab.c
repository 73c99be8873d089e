/* SPDX-License-Identifier: MIT */
/*
 * gnttab.c: libxengnttab.so.1 on hv: mapping grants.
 *
 * DOC: semantics
 *
 * Those of Linux's gntdev: a mapping of many references is made whole or not
 * at all, an unmap must name exactly what one call mapped (EINVAL), and
 * after the handle is closed the pages stay in the address space, and in use
 * for their granter, until they are unmapped or the process ends (linger.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "hv/compat/gnttab.h"

xengnttab_handle *xengnttab_open(
	struct xentoollog_logger *logger, unsigned int open_flags)
{
	return gnt_open(logger, open_flags, HVP_GNT_UNMAP, "gnttab");
}

int xengnttab_close(xengnttab_handle *xgt)
{
	return gnt_close(xgt);
}

int xengnttab_fd(xengnttab_handle *xgt)
{
	return hv_client_fd(xgt->client);
}

int xengnttab_set_max_grants(xengnttab_handle *xgt, uint32_t nr_grants)
{
	if (nr_grants == 0) {
		errno = EINVAL;
		return -1;
	}
	xgt->max_grants = nr_grants;
	return 0;
}

/* Which grants, for all the ways to ask. */
struct map_args {
	uint32_t count;
	const uint32_t *domids; /* NULL: domid for all */
	uint32_t domid;
	const uint32_t *refs;
	int prot;
	struct gnt_notify notify;
};

/* Maps references [at, at + n), asking again while the granter is busy. */
static int map_some(xengnttab_handle *xgt, struct hv_window *w,
	const struct map_args *a, uint32_t at, uint32_t n)
{
	struct hvp_gref gref[HVP_REFS_MAX];
	struct hv_map_reply rep;
	const struct hvp_gnt_map head = {
		.addr = (uintptr_t)w->addr + (uint64_t)at * HVP_PAGE,
		.write = !!(a->prot & PROT_WRITE),
	};
	const struct hv_map_request req = {
		.op = HVP_GNT_MAP,
		.head = &head,
		.head_len = sizeof(head),
		.items = gref,
		.items_len = n * sizeof(gref[0]),
		.n = n,
	};
	unsigned int delay = 0;
	int r;

	for (uint32_t i = 0; i < n; i++) {
		gref[i].domid = a->domids ? a->domids[at + i] : a->domid;
		gref[i].ref = a->refs[at + i];
	}
	do
		r = hv_window_request(xgt->windows, w, &req, &rep);
	while (gnt_retry(r, &delay));
	if (r < 0)
		return r;
	/* rings and buffers are used at once: spare the faults */
	return hv_window_show(w, at, n, NULL, &rep, a->prot, MAP_POPULATE);
}

static int map_all(
	xengnttab_handle *xgt, struct hv_window *w, const struct map_args *a)
{
	uint32_t most = HVP_REFS_MAX;
	uint32_t done = 0;
	int r;

	while (done < a->count) {
		uint32_t n = a->count - done;

		if (n > most)
			n = most;
		r = map_some(xgt, w, a, done, n);
		if ((r == -E2BIG || r == -EMFILE) && n > 1) {
			/* too many descriptors in one reply */
			most = n / 2;
			continue;
		}
		if (r < 0)
			return r;
		done += n;
	}
	return 0;
}

static void *map_refs(xengnttab_handle *xgt, const struct map_args *a)
{
	struct hv_window *w;
	int r;

	if (a->count == 0 || a->count > xgt->max_grants ||
		hv_windows_pages(xgt->windows) > xgt->max_grants - a->count) {
		gnt_fail(xgt, -EINVAL, "more grants than set_max_grants said");
		return NULL;
	}
	r = hv_window_open(xgt->windows, NULL, 0, a->count, &w);
	if (r == 0) {
		r = map_all(xgt, w, a);
		if (r == 0)
			r = gnt_set_notify(xgt, w, &a->notify);
		if (r == 0)
			return hv_window_done(xgt->windows, w);
		hv_window_undo(xgt->windows, w);
	}
	gnt_fail(xgt, r, "cannot map grants");
	return NULL;
}

static const struct gnt_notify no_notify = {
	.offset = (uint32_t)-1,
	.port = (evtchn_port_t)-1,
};

void *xengnttab_map_grant_ref(
	xengnttab_handle *xgt, uint32_t domid, uint32_t ref, int prot)
{
	return map_refs(xgt, &(struct map_args){
				     .count = 1,
				     .domid = domid,
				     .refs = &ref,
				     .prot = prot,
				     .notify = no_notify,
			     });
}

void *xengnttab_map_grant_refs(xengnttab_handle *xgt, uint32_t count,
	uint32_t *domids, uint32_t *refs, int prot)
{
	return map_refs(xgt, &(struct map_args){
				     .count = count,
				     .domids = domids,
				     .refs = refs,
				     .prot = prot,
				     .notify = no_notify,
			     });
}

void *xengnttab_map_domain_grant_refs(xengnttab_handle *xgt, uint32_t count,
	uint32_t domid, uint32_t *refs, int prot)
{
	return map_refs(xgt, &(struct map_args){
				     .count = count,
				     .domid = domid,
				     .refs = refs,
				     .prot = prot,
				     .notify = no_notify,
			     });
}

void *xengnttab_map_grant_ref_notify(xengnttab_handle *xgt, uint32_t domid,
	uint32_t ref, int prot, uint32_t notify_offset,
	evtchn_port_t notify_port)
{
	return map_refs(xgt, &(struct map_args){
				     .count = 1,
				     .domid = domid,
				     .refs = &ref,
				     .prot = prot,
				     .notify = {notify_offset, notify_port},
			     });
}

int xengnttab_unmap(xengnttab_handle *xgt, void *start_address, uint32_t count)
{
	int r = hv_window_close(xgt->windows, start_address, count);

	if (r < 0) {
		errno = -r;
		return -1;
	}
	return 0;
}

/* dma-bufs: as a kernel that was built without them. */

static int no_dmabuf(void)
{
	errno = ENOTTY;
	return -1;
}

int xengnttab_dmabuf_exp_from_refs(xengnttab_handle *xgt, uint32_t domid,
	uint32_t flags, uint32_t count, const uint32_t *refs, uint32_t *fd)
{
	return no_dmabuf();
}

int xengnttab_dmabuf_exp_wait_released(
	xengnttab_handle *xgt, uint32_t fd, uint32_t wait_to_ms)
{
	return no_dmabuf();
}

int xengnttab_dmabuf_imp_to_refs(xengnttab_handle *xgt, uint32_t domid,
	uint32_t fd, uint32_t count, uint32_t *refs)
{
	return no_dmabuf();
}

int xengnttab_dmabuf_imp_release(xengnttab_handle *xgt, uint32_t fd)
{
	return no_dmabuf();
}
