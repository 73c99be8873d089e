/* SPDX-License-Identifier: MIT */
/* window.c: address ranges that show pages got from hvd. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hv/compat/window.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

void hv_windows_init(
	struct hv_windows *ws, struct hv_client *client, unsigned int release)
{
	memset(ws, 0, sizeof(*ws));
	ws->client = client;
	ws->release = release;
	pthread_mutex_init(&ws->lock, NULL);
}

static void window_free(struct hv_window *w)
{
	free(w->id);
	free(w);
}

void hv_windows_fini(struct hv_windows *ws)
{
	for (size_t i = 0; i < ws->nr; i++)
		window_free(ws->sorted[i]);
	free(ws->sorted);
	pthread_mutex_destroy(&ws->lock);
}

size_t hv_windows_pages(struct hv_windows *ws)
{
	size_t pages;

	pthread_mutex_lock(&ws->lock);
	pages = ws->pages;
	pthread_mutex_unlock(&ws->lock);
	return pages;
}

/* The first window that ends above @addr. */
static size_t windows_find(const struct hv_windows *ws, const uint8_t *addr)
{
	size_t lo = 0, hi = ws->nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct hv_window *w = ws->sorted[mid];

		if (w->addr + w->pages * HVP_PAGE <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct hv_window *windows_take(struct hv_windows *ws, size_t i)
{
	struct hv_window *w = ws->sorted[i];

	ws->nr--;
	ws->pages -= w->pages;
	memmove(&ws->sorted[i], &ws->sorted[i + 1],
		(ws->nr - i) * sizeof(*ws->sorted));
	return w;
}

static int windows_insert(struct hv_windows *ws, struct hv_window *w)
{
	size_t i = windows_find(ws, w->addr);

	if (ws->nr == ws->cap) {
		size_t cap = ws->cap ? ws->cap * 2 : 16;
		struct hv_window **new =
			realloc(ws->sorted, cap * sizeof(*new));

		if (!new)
			return -ENOMEM;
		ws->sorted = new;
		ws->cap = cap;
	}
	memmove(&ws->sorted[i + 1], &ws->sorted[i],
		(ws->nr - i) * sizeof(*ws->sorted));
	ws->sorted[i] = w;
	ws->nr++;
	ws->pages += w->pages;
	return 0;
}

static void window_release(struct hv_windows *ws, struct hv_window *w)
{
	for (uint32_t i = 0; i < w->nr; i++) {
		const struct hvp_id id = {w->id[i]};

		/* if hvd is gone, so is the mapping */
		(void)hv_client_ask(ws->client, ws->release, 0, &id, sizeof(id),
			NULL, 0, NULL);
	}
	window_free(w);
}

/*
 * The kernel gave us this range, so whatever we thought was mapped in it has
 * been unmapped behind our back.
 */
static struct hv_window *windows_take_stale(
	struct hv_windows *ws, const uint8_t *addr, size_t pages)
{
	size_t i = windows_find(ws, addr);

	if (i == ws->nr || ws->sorted[i]->addr >= addr + pages * HVP_PAGE)
		return NULL;
	return windows_take(ws, i);
}

static int windows_enter(struct hv_windows *ws, struct hv_window *w)
{
	struct hv_window *stale;
	int r;

	for (;;) {
		pthread_mutex_lock(&ws->lock);
		stale = windows_take_stale(ws, w->addr, w->pages);
		r = stale ? 0 : windows_insert(ws, w);
		pthread_mutex_unlock(&ws->lock);
		if (!stale)
			return r;
		window_release(ws, stale);
	}
}

int hv_window_open(struct hv_windows *ws, void *hint, int flags, size_t pages,
	struct hv_window **wp)
{
	const int where = MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_32BIT;
	struct hv_window *w;
	int r;

	if (pages == 0 || pages > SIZE_MAX / 2 / HVP_PAGE)
		return -EINVAL;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->pages = pages;
	w->addr = mmap(hint, pages * HVP_PAGE, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (flags & where),
		-1, 0);
	if (w->addr == MAP_FAILED) {
		r = -errno;
		free(w);
		return r;
	}
	r = windows_enter(ws, w);
	if (r < 0) {
		munmap(w->addr, pages * HVP_PAGE);
		window_free(w);
		return r;
	}
	*wp = w;
	return 0;
}

/* Room for one more id, before hvd makes one. */
static int window_grow(struct hv_window *w)
{
	uint32_t cap = w->cap ? w->cap * 2 : 1;
	uint32_t *id;

	if (w->nr < w->cap)
		return 0;
	id = realloc(w->id, cap * sizeof(*id));
	if (!id)
		return -ENOMEM;
	w->id = id;
	w->cap = cap;
	return 0;
}

int hv_window_request(struct hv_windows *ws, struct hv_window *w,
	const struct hv_map_request *req, struct hv_map_reply *rep)
{
	const size_t errs_len = req->errs ? req->n * sizeof(*req->errs) : 0;
	const struct iovec out[] = {
		{(void *)(uintptr_t)req->head, req->head_len},
		{(void *)(uintptr_t)req->items, req->items_len},
	};
	const struct iovec in[] = {
		{&rep->map, sizeof(rep->map)},
		{req->errs, errs_len},
		{rep->seg, sizeof(rep->seg)},
	};
	struct hv_exchange x = {
		.op = req->op,
		.n = req->n,
		.req = out,
		.req_nr = 2,
		.rep = in,
		.rep_nr = 3,
		.fds = &rep->fds,
	};
	int r = window_grow(w);

	rep->fds.nr = 0;
	rep->map = (struct hvp_mapping){0};
	if (r < 0)
		return r;
	r = hv_client_exchange(ws->client, &x);
	if (x.rep_len < sizeof(rep->map))
		return r < 0 ? r : -EPROTO;
	if (r == 0 || r == -EMFILE)
		w->id[w->nr++] = rep->map.id;
	if (r < 0)
		return r;
	if (x.rep_len != sizeof(rep->map) + errs_len +
				 rep->map.n_seg * sizeof(rep->seg[0])) {
		hv_fds_close(&rep->fds);
		return -EPROTO;
	}
	return 0;
}

/* Maps @count pages of @seg from its page @skip on at page @at of @w. */
static int segment_show(struct hv_window *w, size_t at,
	const struct hvp_seg *seg, uint32_t skip, size_t count, int fd,
	int prot, int flags)
{
	void *p = mmap(w->addr + at * HVP_PAGE, count * HVP_PAGE, prot,
		MAP_SHARED | MAP_FIXED | flags, fd,
		((off_t)seg->page + skip) * HVP_PAGE);

	return p == MAP_FAILED ? -errno : 0;
}

/* How many pages from @at on have no error, at most @max. */
static size_t good_pages(
	const int32_t *errs, size_t at, size_t pages, size_t max)
{
	size_t n = 0;

	while (n < max && at + n < pages && !(errs && errs[at + n]))
		n++;
	return n;
}

static int segments_show(struct hv_window *w, size_t at, size_t pages,
	const int32_t *errs, const struct hv_map_reply *rep, int prot,
	int flags)
{
	size_t done = 0;

	for (uint32_t i = 0; i < rep->map.n_seg; i++) {
		const struct hvp_seg *seg = &rep->seg[i];
		uint32_t shown = 0;

		if (seg->fd >= rep->fds.nr)
			return -EPROTO;
		while (shown < seg->count) {
			size_t n;
			int r;

			while (done < pages && errs && errs[done])
				done++;
			n = good_pages(errs, done, pages, seg->count - shown);
			if (n == 0)
				return -EPROTO;
			r = segment_show(w, at + done, seg, shown, n,
				rep->fds.fd[seg->fd], prot, flags);
			if (r < 0)
				return r;
			done += n;
			shown += n;
		}
	}
	while (done < pages && errs && errs[done])
		done++;
	return done == pages ? 0 : -EPROTO;
}

int hv_window_show(struct hv_window *w, size_t at, size_t pages,
	const int32_t *errs, struct hv_map_reply *rep, int prot, int flags)
{
	int r = -EPROTO;

	if (at <= w->pages && pages <= w->pages - at)
		r = segments_show(
			w, at, pages, errs, rep, prot, flags & MAP_POPULATE);
	hv_fds_close(&rep->fds);
	return r;
}

static bool windows_forget(struct hv_windows *ws, const struct hv_window *w)
{
	bool found;
	size_t i;

	pthread_mutex_lock(&ws->lock);
	i = windows_find(ws, w->addr);
	found = i < ws->nr && ws->sorted[i] == w;
	if (found)
		windows_take(ws, i);
	pthread_mutex_unlock(&ws->lock);
	return found;
}

void hv_window_undo(struct hv_windows *ws, struct hv_window *w)
{
	if (!windows_forget(ws, w))
		return; /* the caller's program unmapped it under our feet */
	munmap(w->addr, w->pages * HVP_PAGE);
	window_release(ws, w);
}

int hv_window_close(struct hv_windows *ws, void *addr, size_t pages)
{
	struct hv_window *w = NULL;
	int r = -EINVAL;
	size_t i;

	pthread_mutex_lock(&ws->lock);
	i = windows_find(ws, addr);
	if (i < ws->nr && ws->sorted[i]->addr == addr &&
		ws->sorted[i]->pages == pages) {
		/* the kernel may refuse to split a merged mapping */
		r = munmap(addr, pages * HVP_PAGE) < 0 ? -errno : 0;
		if (r == 0)
			w = windows_take(ws, i);
	}
	pthread_mutex_unlock(&ws->lock);
	if (w)
		window_release(ws, w);
	return r;
}
