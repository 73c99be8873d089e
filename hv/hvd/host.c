/* SPDX-License-Identifier: MIT */
/* host.c: what the engine asks of hvd (hv/core/hv.h). */
#include <errno.h>
#include <stdlib.h>

#include "hv/hvd/session.h"
#include "hv/hvd/vdom.h"

static void *host_alloc(void *ctx, size_t size)
{
	struct hvd *h = ctx;
	void *p = calloc(1, size);

	if (p)
		h->engine_bytes += size;
	return p;
}

static void host_free(void *ctx, void *p, size_t size)
{
	struct hvd *h = ctx;

	if (p)
		h->engine_bytes -= size;
	free(p);
}

static int host_run_new(void *ctx, struct hv_run *run)
{
	return window_new(run);
}

static void host_run_free(void *ctx, struct hv_run *run)
{
	window_free(ctx, run);
}

/*
 * A page of private memory is to be mapped by another domain.  If the owner's
 * kernel has the memory mapped, it must move its mapping to the page's new
 * place itself: nobody else can.
 */
static int host_split(
	void *ctx, struct hv_dom *d, struct hv_run *run, uint32_t page)
{
	const struct window *w = run->host;
	struct vdom *vd = vdom_of(d);
	struct hvp_gfn g = {.count = 1};
	int rc;

	/* while another domain maps it by right the copy cannot be made: the
	 * grantee hears so, instead of waiting for ever */
	if (hv_run_gfn(run, page, &g.gfn) != 0)
		return -EPERM;
	if (!w->owner_has_it)
		return 0;
	if (!vd->kernel)
		return -EPERM;
	if (vdom_split_asked(vd, g.gfn))
		return -EAGAIN;
	rc = session_async(vd->kernel, HVP_ASYNC_SPLIT, &g, sizeof(g));
	/* a socket that is full now: the kernel is slow, not gone */
	if (rc && rc != -EAGAIN)
		return -EPERM;
	if (!rc)
		vdom_split_note(vd, g.gfn);
	return -EAGAIN;
}

static int host_evt_bind(void *ctx, struct hv_dom *d, uint32_t port,
	struct hv_dom *rd, uint32_t rport)
{
	return notify_bind(vdom_of(d), port, rd ? vdom_of(rd) : NULL, rport);
}

static void host_evt_unbind(void *ctx, struct hv_dom *d, uint32_t port)
{
	/*
	 * Nothing to undo: the doorbells stay with those who hold them, and
	 * the next bind makes new ones.  What a former peer still rings
	 * reaches its own former partner alone.
	 */
}

static void host_evt_free(void *ctx, struct hv_dom *d, uint32_t port)
{
	vport_free(vdom_of(d), port);
}

static bool host_evt_raise(void *ctx, struct hv_dom *d, uint32_t port)
{
	return notify_raise(vdom_of(d), port);
}

static void host_dom_event(void *ctx, struct hv_dom *d, enum hv_dom_event ev)
{
	vdom_event(vdom_of(d), ev);
}

static int host_dom_new(void *ctx, struct hv_dom *d)
{
	return vdom_new(ctx, d);
}

static uint32_t host_console_read(
	void *ctx, char *buf, uint32_t len, uint32_t *index, bool clear)
{
	return hvd_log_read(buf, len, index, clear);
}

static bool host_page_free(void *ctx, struct hv_run *run, uint32_t page)
{
	return window_page_free(run, page);
}

/* Nothing in -EBUSY says so: whoever looks after the domain shall know. */
static void host_table_refused(
	void *ctx, struct hv_dom *d, uint64_t gfn, uint64_t mfn)
{
	vdom_log(vdom_of(d),
		"page 0x%jx (mfn 0x%jx) is no table page and does not become a "
		"table: ask for one first (HVP_MEM_TABLE)",
		(uintmax_t)gfn, (uintmax_t)mfn);
}

const struct hv_host hvd_host = {
	.alloc = host_alloc,
	.free = host_free,
	.run_new = host_run_new,
	.run_free = host_run_free,
	.split = host_split,
	.evt_bind = host_evt_bind,
	.evt_unbind = host_evt_unbind,
	.evt_free = host_evt_free,
	.evt_raise = host_evt_raise,
	.dom_event = host_dom_event,
	.dom_new = host_dom_new,
	.console_read = host_console_read,
	.page_free = host_page_free,
	.table_refused = host_table_refused,
};
