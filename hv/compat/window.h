/* SPDX-License-Identifier: MIT */
/*
 * window.h: address ranges that show pages got from hvd.
 *
 * DOC: windows
 *
 * A window is what one call of a library mapped: a reserved address range,
 * filled from one or more of hvd's mappings (a big call takes several
 * requests).  Programs may munmap(2) all or some of it themselves, which
 * nobody tells us.  It is noticed when the kernel gives the addresses out
 * again, to a later window of the handle: what remains of the old one are its
 * parts, and it is given back to hvd with the last of them, not before: the
 * program still uses the others.  The parts of all windows of a handle are
 * kept sorted by address.
 *
 * Thread-safe, except hv_windows_new(), _open() and _close().
 */
#ifndef HV_COMPAT_WINDOW_H
#define HV_COMPAT_WINDOW_H

#include <pthread.h>
#include <sys/types.h>

#include "hv/compat/client.h"

struct hv_window {
	uint8_t *addr;
	size_t pages;
	uint32_t nr; /* of hvd's mappings */
	uint32_t cap;
	uint32_t *id;
	uint32_t parts; /* of hv_windows.sorted that are of this window */
	bool open;      /* being made: not given back by others */
	struct hv_window *next; /* while it is being given back */
};

/* Addresses that are still the window's, as far as we know. */
struct hv_part {
	uint8_t *addr;
	size_t pages;
	struct hv_window *w;
};

/* Owner: the library handle.  Freed by: hv_windows_close(). */
struct hv_windows {
	struct hv_client *client;
	unsigned int release; /* the op that gives a mapping back */
	pthread_mutex_t lock;
	struct hv_part *sorted;
	size_t nr, cap;
	size_t pages; /* of all windows */
	/* after the close, while pages are mapped */
	struct hv_windows *next;
	pid_t pid;
};

/*
 * hv_windows_new: none yet.  @client is the caller's until hv_windows_close().
 * NULL: no memory.
 */
struct hv_windows *hv_windows_new(
	struct hv_client *client, unsigned int release);

/*
 * hv_windows_open: a session of their own with hvd, and no window yet; what
 * the handle of a library that maps begins with.  0, -ENOMEM, or -errno of
 * hv_client_open(); *@ws is NULL then.
 */
int hv_windows_open(struct hv_windows **ws, unsigned int release);

/*
 * hv_windows_close: the handle is closed.  Takes @ws and its client: the
 * session ends when none of the pages is mapped any more; see linger.c.
 */
void hv_windows_close(struct hv_windows *ws);

/* hv_windows_sweep: end the sessions of closed handles that are due. */
void hv_windows_sweep(void);

/* hv_windows_free: forget them all; nothing is unmapped or released. */
void hv_windows_free(struct hv_windows *ws);

/*
 * hv_windows_prune: drop the parts of which @mapped says that no page is
 * there, and give back windows without parts.  How many parts are left.
 */
typedef bool hv_mapped_fn(void *arg, const uint8_t *addr, size_t pages);
size_t hv_windows_prune(struct hv_windows *ws, hv_mapped_fn *mapped, void *arg);

/* hv_windows_pages: of all windows together. */
size_t hv_windows_pages(struct hv_windows *ws);

/*
 * hv_window_open: reserve @pages at @hint, with those of mmap(2)'s @flags
 * that say where.  0, -ENOMEM, -EINVAL, -EEXIST (MAP_FIXED_NOREPLACE).  It is
 * the caller's until hv_window_done() or hv_window_undo().
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

/* hv_window_done: it is filled; returns its address, @w is no more ours. */
void *hv_window_done(struct hv_windows *ws, struct hv_window *w);

/* hv_window_undo: unmap and release a window that failed half-way. */
void hv_window_undo(struct hv_windows *ws, struct hv_window *w);

/*
 * hv_window_close: unmap and release the window that was made as exactly
 * [addr, addr + pages), without those of its pages that later windows took;
 * -EINVAL if there is none, or if its first page was taken.
 */
int hv_window_close(struct hv_windows *ws, void *addr, size_t pages);

#endif
