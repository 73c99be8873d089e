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

struct hv_windows *hv_windows_new(
	struct hv_client *client, unsigned int release)
{
	struct hv_windows *ws = calloc(1, sizeof(*ws));

	hv_windows_sweep();
	if (!ws)
		return NULL;
	ws->client = client;
	ws->release = release;
	pthread_mutex_init(&ws->lock, NULL);
	return ws;
}

int hv_windows_open(struct hv_windows **ws, unsigned int release)
{
	struct hv_client *c;
	int r = hv_client_open(&c, NULL, 0);

	*ws = NULL;
	if (r < 0)
		return r;
	*ws = hv_windows_new(c, release);
	if (*ws)
		return 0;
	hv_client_close(c);
	return -ENOMEM;
}

static void window_free(struct hv_window *w)
{
	free(w->id);
	free(w);
}

void hv_windows_free(struct hv_windows *ws)
{
	for (size_t i = 0; i < ws->nr; i++)
		if (--ws->sorted[i].w->parts == 0)
			window_free(ws->sorted[i].w);
	free(ws->sorted);
	pthread_mutex_destroy(&ws->lock);
	free(ws);
}

size_t hv_windows_pages(struct hv_windows *ws)
{
	size_t pages;

	pthread_mutex_lock(&ws->lock);
	pages = ws->pages;
	pthread_mutex_unlock(&ws->lock);
	return pages;
}

static uint8_t *end_of(const uint8_t *addr, size_t pages)
{
	return (uint8_t *)(uintptr_t)addr + pages * HVP_PAGE;
}

/* The first part that ends above @addr. */
static size_t windows_find(const struct hv_windows *ws, const uint8_t *addr)
{
	size_t lo = 0, hi = ws->nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct hv_part *p = &ws->sorted[mid];

		if (end_of(p->addr, p->pages) <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* There is room: windows_reserve() came first. */
static void part_insert(struct hv_windows *ws, size_t i, struct hv_part part)
{
	memmove(&ws->sorted[i + 1], &ws->sorted[i],
		(ws->nr - i) * sizeof(*ws->sorted));
	ws->sorted[i] = part;
	ws->nr++;
	part.w->parts++;
}

/* Whether that was the last part of a window which is nobody's, then. */
static bool part_remove(struct hv_windows *ws, size_t i)
{
	struct hv_window *w = ws->sorted[i].w;

	ws->nr--;
	memmove(&ws->sorted[i], &ws->sorted[i + 1],
		(ws->nr - i) * sizeof(*ws->sorted));
	if (--w->parts || w->open)
		return false;
	ws->pages -= w->pages;
	return true;
}

static int windows_reserve(struct hv_windows *ws, size_t more)
{
	size_t cap = ws->cap ? ws->cap * 2 : 16;
	struct hv_part *new;

	if (ws->cap - ws->nr >= more)
		return 0;
	new = realloc(ws->sorted, cap * sizeof(*new));
	if (!new)
		return -ENOMEM;
	ws->sorted = new;
	ws->cap = cap;
	return 0;
}

/* Gives back @w and those behind it. */
static void windows_release(struct hv_windows *ws, struct hv_window *w)
{
	while (w) {
		struct hv_window *next = w->next;

		for (uint32_t i = 0; i < w->nr; i++) {
			const struct hvp_id id = {w->id[i]};

			/* if hvd is gone, so is the mapping */
			(void)hv_client_ask(ws->client, ws->release, 0, &id,
				sizeof(id), NULL, 0, NULL);
		}
		window_free(w);
		w = next;
	}
}

/*
 * The kernel gave us this range, so whatever we thought was mapped in it has
 * been unmapped behind our back.  The windows of which nothing is left; adds
 * at most one part.
 */
static struct hv_window *windows_cut(
	struct hv_windows *ws, uint8_t *addr, uint8_t *end)
{
	size_t i = windows_find(ws, addr);
	struct hv_window *gone = NULL;

	while (i < ws->nr && ws->sorted[i].addr < end) {
		struct hv_part *p = &ws->sorted[i];
		struct hv_part rest = {.addr = end, .w = p->w};
		uint8_t *p_end = end_of(p->addr, p->pages);

		if (p_end > end)
			rest.pages = (size_t)(p_end - end) / HVP_PAGE;
		if (p->addr < addr) {
			p->pages = (size_t)(addr - p->addr) / HVP_PAGE;
			i++;
			if (rest.pages)
				part_insert(ws, i, rest);
		} else if (rest.pages) {
			*p = rest;
		} else if (part_remove(ws, i)) {
			rest.w->next = gone;
			gone = rest.w;
		}
	}
	return gone;
}

size_t hv_windows_prune(struct hv_windows *ws, hv_mapped_fn *mapped, void *arg)
{
	struct hv_window *gone = NULL;
	size_t left;

	pthread_mutex_lock(&ws->lock);
	for (size_t i = ws->nr; i-- > 0;) {
		const struct hv_part *p = &ws->sorted[i];
		struct hv_window *w = p->w;

		if (!mapped(arg, p->addr, p->pages) && part_remove(ws, i)) {
			w->next = gone;
			gone = w;
		}
	}
	left = ws->nr;
	pthread_mutex_unlock(&ws->lock);
	windows_release(ws, gone);
	return left;
}

static int windows_enter(struct hv_windows *ws, struct hv_window *w)
{
	struct hv_window *gone = NULL;
	int r;

	pthread_mutex_lock(&ws->lock);
	r = windows_reserve(ws, 2);
	if (r == 0) {
		gone = windows_cut(ws, w->addr, end_of(w->addr, w->pages));
		part_insert(ws, windows_find(ws, w->addr),
			(struct hv_part){w->addr, w->pages, w});
		ws->pages += w->pages;
	}
	pthread_mutex_unlock(&ws->lock);
	windows_release(ws, gone);
	return r;
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
	w->open = true;
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

/*
 * Unmaps the parts of @w, the first one last: if the kernel refuses to split
 * what it has merged, the window can still be found by its address.
 */
static int window_unmap(struct hv_windows *ws, struct hv_window *w)
{
	size_t i = windows_find(ws, end_of(w->addr, w->pages - 1));

	if (i == ws->nr)
		i--;
	for (; w->parts; i--) {
		const struct hv_part *p = &ws->sorted[i];

		if (p->w != w)
			continue;
		if (munmap(p->addr, p->pages * HVP_PAGE) < 0)
			return -errno;
		part_remove(ws, i);
	}
	return 0;
}

void *hv_window_done(struct hv_windows *ws, struct hv_window *w)
{
	void *addr = w->addr;
	bool gone;

	pthread_mutex_lock(&ws->lock);
	w->open = false;
	gone = w->parts == 0;
	if (gone)
		ws->pages -= w->pages;
	pthread_mutex_unlock(&ws->lock);
	if (gone)
		windows_release(ws, w);
	return addr;
}

void hv_window_undo(struct hv_windows *ws, struct hv_window *w)
{
	bool gone;

	pthread_mutex_lock(&ws->lock);
	/* what cannot be unmapped stays with hvd until the handle is closed */
	gone = window_unmap(ws, w) == 0;
	w->open = false;
	if (gone)
		ws->pages -= w->pages;
	pthread_mutex_unlock(&ws->lock);
	if (gone)
		windows_release(ws, w);
}

int hv_window_close(struct hv_windows *ws, void *addr, size_t pages)
{
	struct hv_window *w = NULL;
	int r = -EINVAL;
	size_t i;

	pthread_mutex_lock(&ws->lock);
	i = windows_find(ws, addr);
	if (i < ws->nr && ws->sorted[i].addr == addr)
		w = ws->sorted[i].w;
	if (w && w->addr == addr && w->pages == pages && !w->open) {
		w->open = true; /* ours, as long as parts of it go */
		r = window_unmap(ws, w);
		w->open = false;
		if (r == 0)
			ws->pages -= w->pages;
	}
	pthread_mutex_unlock(&ws->lock);
	if (r == 0)
		windows_release(ws, w);
	return r;
}
