/* SPDX-License-Identifier: MIT */
/*
 * call_buf.c: libxencall.so.1 on hv: buffers for hypercall arguments.
 *
 * Any memory will do, as hypercalls are messages here; what callers rely on
 * is that buffers are page-aligned, zeroed and no child's.  Single pages are
 * kept for the next time: tools take one for nearly every call.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "hv/compat/call.h"

/* Stands before what xencall_alloc_buffer() returns. */
struct buffer_head {
	size_t pages;
	uint8_t pad[64 - sizeof(size_t)];
};
_Static_assert(sizeof(struct buffer_head) == 64, "keeps the alignment");

static void *cache_take(xencall_handle *xcall)
{
	void *p = NULL;

	pthread_mutex_lock(&xcall->lock);
	if (xcall->cached)
		p = xcall->cache[--xcall->cached];
	pthread_mutex_unlock(&xcall->lock);
	if (p)
		memset(p, 0, HVP_PAGE);
	return p;
}

static bool cache_give(xencall_handle *xcall, void *p)
{
	bool kept;

	pthread_mutex_lock(&xcall->lock);
	kept = xcall->cached < CALL_CACHE;
	if (kept)
		xcall->cache[xcall->cached++] = p;
	pthread_mutex_unlock(&xcall->lock);
	return kept;
}

void call_cache_fini(xencall_handle *xcall)
{
	while (xcall->cached)
		munmap(xcall->cache[--xcall->cached], HVP_PAGE);
}

void *xencall_alloc_buffer_pages(xencall_handle *xcall, size_t nr_pages)
{
	void *p = NULL;

	if (nr_pages == 0 || nr_pages > SIZE_MAX / 2 / HVP_PAGE) {
		errno = EINVAL;
		return NULL;
	}
	if (nr_pages == 1)
		p = cache_take(xcall);
	if (p)
		return p;
	p = mmap(NULL, nr_pages * HVP_PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	/* advice only: the buffer is as good without it */
	(void)madvise(p, nr_pages * HVP_PAGE, MADV_DONTFORK);
	return p;
}

void xencall_free_buffer_pages(xencall_handle *xcall, void *p, size_t nr_pages)
{
	int saved = errno;

	if (!p)
		return;
	if (nr_pages != 1 || !cache_give(xcall, p))
		munmap(p, nr_pages * HVP_PAGE);
	errno = saved;
}

void *xencall_alloc_buffer(xencall_handle *xcall, size_t size)
{
	struct buffer_head *h;
	size_t pages;

	if (size > SIZE_MAX / 4) {
		errno = ENOMEM;
		return NULL;
	}
	pages = (sizeof(*h) + size + HVP_PAGE - 1) / HVP_PAGE;
	h = xencall_alloc_buffer_pages(xcall, pages);
	if (!h)
		return NULL;
	h->pages = pages;
	return h + 1;
}

void xencall_free_buffer(xencall_handle *xcall, void *p)
{
	struct buffer_head *h = p;

	if (p)
		xencall_free_buffer_pages(xcall, h - 1, h[-1].pages);
}

int xencall_buffers_never_fault(xencall_handle *xcall)
{
	return 1;
}
