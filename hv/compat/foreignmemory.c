/* SPDX-License-Identifier: MIT */
/*
 * foreignmemory.c: libxenforeignmemory.so.1 on hv.
 *
 * DOC: semantics
 *
 * As the public header says: with an array for errors a mapping may succeed
 * in part, without one any failure fails it whole.  Pages that failed are
 * address space without access.  Unmap must name what one call mapped
 * (EINVAL); programs that use munmap(2) instead are coped with.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <xenforeignmemory.h>

#include "hv/compat/toolcore.h"
#include "hv/compat/window.h"

/* Small mappings are rings and tables: worth being there at once. */
#define POPULATE_PAGES 16

struct xenforeignmemory_handle {
	struct Xentoolcore__Active_Handle active; /* first: for on_restrict */
	struct xentoollog_logger *logger;
	struct hv_client *client;
	struct hv_windows *windows;
};

struct xenforeignmemory_resource_handle {
	void *addr;
	size_t pages;
};

static int on_restrict(struct Xentoolcore__Active_Handle *active, domid_t domid)
{
	return xenforeignmemory_restrict(
		(xenforeignmemory_handle *)active, domid);
}

xenforeignmemory_handle *xenforeignmemory_open(
	struct xentoollog_logger *logger, unsigned int open_flags)
{
	xenforeignmemory_handle *fmem;
	int r;

	if (open_flags) {
		errno = EINVAL;
		return NULL;
	}
	fmem = calloc(1, sizeof(*fmem));
	r = fmem ? hv_windows_open(&fmem->windows, HVP_FM_UNMAP) : -ENOMEM;
	if (r < 0) {
		hv_log_error(logger, "foreignmemory", -r, "cannot reach hvd");
		free(fmem);
		errno = -r;
		return NULL;
	}
	fmem->client = fmem->windows->client;
	fmem->logger = logger;
	fmem->active.restrict_callback = on_restrict;
	xentoolcore__register_active_handle(&fmem->active);
	return fmem;
}

int xenforeignmemory_close(xenforeignmemory_handle *fmem)
{
	if (!fmem)
		return 0;
	xentoolcore__deregister_active_handle(&fmem->active);
	hv_windows_close(fmem->windows); /* and the session, now or later */
	free(fmem);
	return 0;
}

static int fail(int r)
{
	errno = -r;
	return -1;
}

static void map_fail(xenforeignmemory_handle *fmem, int r, const char *what)
{
	hv_log_error(fmem->logger, "foreignmemory", -r, "%s", what);
	errno = -r;
}

/* What stays the same over the requests of one mapping. */
struct fm_args {
	struct hvp_fm_map head;
	const xen_pfn_t *arr;
	int *err; /* NULL: a page's failure fails all */
	int prot;
	int flags;
};

/* The first error among @n, if one counts. */
static int32_t first_error(const int32_t *errs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (errs[i])
			return errs[i];
	return 0;
}

/* Pages [at, at + n) of @w: one request. */
static int map_some(xenforeignmemory_handle *fmem, struct hv_window *w,
	const struct fm_args *a, size_t at, size_t n)
{
	int32_t errs[HVP_REFS_MAX];
	struct hv_map_reply rep;
	const struct hv_map_request req = {
		.op = HVP_FM_MAP,
		.head = &a->head,
		.head_len = sizeof(a->head),
		.items = a->arr + at,
		.items_len = n * sizeof(*a->arr),
		.n = n,
		.errs = errs,
	};
	int r = hv_window_request(fmem->windows, w, &req, &rep);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		if (errs[i] > 0)
			errs[i] = -EPROTO;
	if (!a->err && first_error(errs, n)) {
		hv_fds_close(&rep.fds);
		return first_error(errs, n);
	}
	r = hv_window_show(w, at, n, errs, &rep, a->prot, a->flags);
	for (size_t i = 0; r == 0 && a->err && i < n; i++)
		a->err[at + i] = -errs[i];
	return r;
}

static int map_all(xenforeignmemory_handle *fmem, struct hv_window *w,
	const struct fm_args *a)
{
	size_t most = HVP_REFS_MAX;
	size_t done = 0;
	int r;

	while (done < w->pages) {
		size_t n = w->pages - done;

		if (n > most)
			n = most;
		r = map_some(fmem, w, a, done, n);
		if ((r == -E2BIG || r == -EMFILE) && n > 1) {
			most = n / 2;
			continue;
		}
		if (r < 0)
			return r;
		done += n;
	}
	return 0;
}

void *xenforeignmemory_map2(xenforeignmemory_handle *fmem, uint32_t dom,
	void *addr, int prot, int flags, size_t pages, const xen_pfn_t arr[],
	int err[])
{
	struct fm_args a = {
		.head = {.domid = dom, .write = !!(prot & PROT_WRITE)},
		.arr = arr,
		.err = err,
		.prot = prot,
		.flags = flags | (pages <= POPULATE_PAGES ? MAP_POPULATE : 0),
	};
	struct hv_window *w;
	int r;

	r = hv_window_open(fmem->windows, addr, flags, pages, &w);
	if (r == 0) {
		r = map_all(fmem, w, &a);
		if (r == 0)
			return hv_window_done(fmem->windows, w);
		hv_window_undo(fmem->windows, w);
	}
	map_fail(fmem, r, "cannot map foreign pages");
	return NULL;
}

void *xenforeignmemory_map(xenforeignmemory_handle *fmem, uint32_t dom,
	int prot, size_t pages, const xen_pfn_t arr[], int err[])
{
	return xenforeignmemory_map2(fmem, dom, NULL, prot, 0, pages, arr, err);
}

int xenforeignmemory_unmap(
	xenforeignmemory_handle *fmem, void *addr, size_t pages)
{
	int r = hv_window_close(fmem->windows, addr, pages);

	return r < 0 ? fail(r) : 0;
}

int xenforeignmemory_restrict(xenforeignmemory_handle *fmem, domid_t domid)
{
	const struct hvp_ev_bind b = {.domid = domid};
	int r = hv_client_ask(
		fmem->client, HVP_FM_RESTRICT, 0, &b, sizeof(b), NULL, 0, NULL);

	return r < 0 ? fail(r) : 0;
}

static int resource_map(xenforeignmemory_handle *fmem, struct hv_window *w,
	struct hvp_fm_resource *res, int prot)
{
	const uint64_t frame = res->frame;
	struct hv_map_reply rep;
	const struct hv_map_request req = {
		.op = HVP_FM_RESOURCE,
		.head = res,
		.head_len = sizeof(*res),
	};
	size_t done = 0;

	while (done < w->pages) {
		size_t n = w->pages - done;
		int r;

		if (n > HVP_REFS_MAX)
			n = HVP_REFS_MAX;
		res->frame = frame + done;
		res->n_frames = n;
		r = hv_window_request(fmem->windows, w, &req, &rep);
		if (r == 0)
			r = hv_window_show(
				w, done, n, NULL, &rep, prot, MAP_POPULATE);
		if (r < 0)
			return r;
		done += n;
	}
	return 0;
}

xenforeignmemory_resource_handle *xenforeignmemory_map_resource(
	xenforeignmemory_handle *fmem, domid_t domid, unsigned int type,
	unsigned int id, unsigned long frame, unsigned long nr_frames,
	void **paddr, int prot, int flags)
{
	struct hvp_fm_resource res = {
		.domid = domid,
		.type = type,
		.id = id,
		.write = !!(prot & PROT_WRITE),
		.frame = frame,
	};
	xenforeignmemory_resource_handle *fres = calloc(1, sizeof(*fres));
	struct hv_window *w;
	int r;

	if (!fres)
		return NULL;
	r = hv_window_open(fmem->windows, *paddr, flags, nr_frames, &w);
	if (r == 0) {
		fres->addr = w->addr;
		fres->pages = nr_frames;
		r = resource_map(fmem, w, &res, prot);
		if (r == 0) {
			*paddr = hv_window_done(fmem->windows, w);
			return fres;
		}
		hv_window_undo(fmem->windows, w);
	}
	free(fres);
	map_fail(fmem, r, "cannot map a resource");
	return NULL;
}

int xenforeignmemory_unmap_resource(
	xenforeignmemory_handle *fmem, xenforeignmemory_resource_handle *fres)
{
	int r = hv_window_close(fmem->windows, fres->addr, fres->pages);

	free(fres);
	return r < 0 ? fail(r) : 0;
}

int xenforeignmemory_resource_size(xenforeignmemory_handle *fmem, domid_t domid,
	unsigned int type, unsigned int id, size_t *size)
{
	const struct hvp_fm_resource res = {
		.domid = domid, .type = type, .id = id};
	struct hvp_mapping m;
	int r = hv_client_ask(fmem->client, HVP_FM_RESOURCE, 0, &res,
		sizeof(res), &m, sizeof(m), NULL);

	if (r < 0)
		return fail(r);
	*size = (size_t)m.id * HVP_PAGE;
	return 0;
}
