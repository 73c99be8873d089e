/* SPDX-License-Identifier: MIT */
/*
 * window.h: address ranges that show pages got from hvd.
 *
 * DOC: windows
 *
 * A window is what one call of a library mapped: a reserved address range,
 * filled from one or more of hvd's mappings (a big call takes several
 * requests).  The set of a handle's windows is kept sorted by address, so
 * that an unmap finds its window, and a window whose range somebody unmapped
 * with munmap(2) is recognised when the kernel gives the range out again.
 *
 * Closing a handle leaves the pages mapped, as closing /dev/xen/gntdev does:
 * programs may munmap(2) themselves, and another thread may have got the
 * range since.
 *
 * Thread-safe, except hv_windows_init() and hv_windows_fini().
 */
#ifndef HV_COMPAT_WINDOW_H
#define HV_COMPAT_WINDOW_H

#include <pthread.h>

#include "hv/compat/client.h"

struct hv_window {
	uint8_t *addr;
	size_t pages;
	uint32_t nr; /* of hvd's mappings */
	uint32_t cap;
	uint32_t *id;
};

/* Owner: the library handle it is embedded in. */
struct hv_windows {
	struct hv_client *client;
	unsigned int release; /* the op that gives a mapping back */
	pthread_mutex_t lock;
	struct hv_window **sorted;
	size_t nr, cap;
	size_t pages; /* of all windows */
};

void hv_windows_init(
	struct hv_windows *ws, struct hv_client *client, unsigned int release);

/* hv_windows_fini: forget them all; nothing is unmapped or released. */
void hv_windows_fini(struct hv_windows *ws);

/* hv_windows_pages: of all windows together. */
size_t hv_windows_pages(struct hv_windows *ws);

/*
 * hv_window_open: reserve @pages at @hint, with those of mmap(2)'s @flags
 * that say where.  0, -ENOMEM, -EINVAL, -EEXIST (MAP_FIXED_NOREPLACE).
 */
int hv_window_open(struct hv_windows *ws, void *hint, int flags, size_t pages,
	struct hv_window **w);

/*
 * What a map request is answered with; large, for the caller's stack.
 * Descriptors are closed by hv_window_show().
 */
struct hv_map_reply {
	struct hvp_mapping map;
	struct hvp_seg seg[HVP_REFS_MAX];
	struct hv_fds fds;
};

/*
 * hv_window_request: send @op with payload @head and @items (@n of them),
 * record the mapping in @w.  @errs, if not NULL, takes the @n errors that
 * precede the segments.  Negative errno as hv_client_exchange();
 * rep->map.status tells more if hvd said so.  -E2BIG: ask for less at once.
 */
struct hv_map_request {
	unsigned int op;
	const void *head;
	size_t head_len;
	const void *items;
	size_t items_len;
	unsigned int n;
	int32_t *errs;
};
int hv_window_request(struct hv_windows *ws, struct hv_window *w,
	const struct hv_map_request *req, struct hv_map_reply *rep);

/*
 * hv_window_show: map the segments of @rep over pages [at, at + pages) of
 * @w, skipping those whose errs[] is not 0.  @flags: MAP_POPULATE.
 * -EPROTO if they do not fill the range exactly.
 */
int hv_window_show(struct hv_window *w, size_t at, size_t pages,
	const int32_t *errs, struct hv_map_reply *rep, int prot, int flags);

/* hv_window_undo: unmap and release a window that failed half-way. */
void hv_window_undo(struct hv_windows *ws, struct hv_window *w);

/*
 * hv_window_close: unmap and release the window that is exactly
 * [addr, addr + pages); -EINVAL if there is none.
 */
int hv_window_close(struct hv_windows *ws, void *addr, size_t pages);

#endif
