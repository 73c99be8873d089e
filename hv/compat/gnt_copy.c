/* SPDX-License-Identifier: MIT */
/*
 * gnt_copy.c: libxengnttab.so.1 on hv: xengnttab_grant_copy().
 *
 * DOC: copies
 *
 * hvd copies between granted pages and an arena that it shares with the
 * handle.  A segment's local side is staged there, at a place of our choice
 * that crosses no page, whatever the caller's address is.  One request takes
 * as many segments as the arena holds.
 *
 * Segments that hvd answers with GNTST_eagain are asked for again for about
 * a second, as Linux does.  Unlike there, an address of the caller's that is
 * no memory is a fault of the program.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "hv/compat/gnttab.h"

#define COPY_ALIGN 64u
#define EITHER     (GNTCOPY_source_gref | GNTCOPY_dest_gref)

/* One request in the making: up to HVP_COPY_MAX segments in the arena. */
struct gnt_batch {
	uint32_t nr;
	uint32_t used; /* bytes of the arena */
	xengnttab_grant_copy_segment_t *seg[HVP_COPY_MAX];
	struct hvp_copy copy[HVP_COPY_MAX];
	int16_t status[HVP_COPY_MAX];
};

static int arena_open(xengnttab_handle *xgt)
{
	struct hvp_arena at;
	struct hv_fds fds;
	void *p = MAP_FAILED;
	int r;

	if (xgt->arena)
		return 0;
	if (!xgt->batch)
		xgt->batch = malloc(sizeof(*xgt->batch));
	if (!xgt->batch)
		return -ENOMEM;
	r = hv_client_ask(
		xgt->client, HVP_GNT_ARENA, 0, NULL, 0, &at, sizeof(at), &fds);
	if (r < 0)
		return r;
	r = -EPROTO;
	if (fds.nr == 1 && at.pages > 0 && at.pages <= 1 << 16) {
		p = mmap(NULL, (size_t)at.pages * HVP_PAGE,
			PROT_READ | PROT_WRITE, MAP_SHARED, fds.fd[0], 0);
		r = p == MAP_FAILED ? -errno : 0;
	}
	hv_fds_close(&fds);
	if (r == 0) {
		xgt->arena = p;
		xgt->arena_pages = at.pages;
	}
	return r;
}

/* What gntdev refuses before it copies anything. */
static int segment_check(const xengnttab_grant_copy_segment_t *s)
{
	if (!(s->flags & EITHER))
		return -EINVAL;
	if ((s->flags & GNTCOPY_source_gref) &&
		s->source.foreign.offset + s->len > HVP_PAGE)
		return -EINVAL;
	if ((s->flags & GNTCOPY_dest_gref) &&
		s->dest.foreign.offset + s->len > HVP_PAGE)
		return -EINVAL;
	return 0;
}

/* @len bytes of the arena within one page; false if it is full. */
static bool batch_place(const xengnttab_handle *xgt, struct gnt_batch *b,
	uint32_t len, struct hvp_copy_ptr *at)
{
	uint32_t start = (b->used + COPY_ALIGN - 1) & ~(COPY_ALIGN - 1);

	if (start % HVP_PAGE + len > HVP_PAGE)
		start = (start + HVP_PAGE - 1) & ~(HVP_PAGE - 1u);
	if (start + len > xgt->arena_pages * HVP_PAGE)
		return false;
	b->used = start + len;
	*at = (struct hvp_copy_ptr){
		.ref = start / HVP_PAGE,
		.offset = start % HVP_PAGE,
	};
	return true;
}

static struct hvp_copy_ptr gref_ptr(const union xengnttab_copy_ptr *p)
{
	return (struct hvp_copy_ptr){
		.domid = p->foreign.domid,
		.ref = p->foreign.ref,
		.offset = p->foreign.offset,
		.is_ref = 1,
	};
}

static uint8_t *arena_at(
	const xengnttab_handle *xgt, const struct hvp_copy_ptr *p)
{
	return xgt->arena + (size_t)p->ref * HVP_PAGE + p->offset;
}

/* False: no room, send the batch first. */
static bool batch_add(const xengnttab_handle *xgt, struct gnt_batch *b,
	xengnttab_grant_copy_segment_t *s)
{
	struct hvp_copy *c = &b->copy[b->nr];

	if (b->nr == HVP_COPY_MAX)
		return false;
	memset(c, 0, sizeof(*c));
	c->len = s->len;
	if (s->flags & GNTCOPY_source_gref)
		c->source = gref_ptr(&s->source);
	else if (!batch_place(xgt, b, s->len, &c->source))
		return false;
	if (s->flags & GNTCOPY_dest_gref)
		c->dest = gref_ptr(&s->dest);
	else if (!batch_place(xgt, b, s->len, &c->dest))
		return false;
	if (!c->source.is_ref)
		memcpy(arena_at(xgt, &c->source), s->source.virt, s->len);
	b->seg[b->nr++] = s;
	return true;
}

static int batch_ask(xengnttab_handle *xgt, struct gnt_batch *b)
{
	const size_t want = b->nr * sizeof(b->status[0]);
	const struct iovec out = {b->copy, b->nr * sizeof(b->copy[0])};
	const struct iovec in = {b->status, want};
	struct hv_exchange x = {
		.op = HVP_GNT_COPY,
		.n = b->nr,
		.req = &out,
		.req_nr = 1,
		.rep = &in,
		.rep_nr = 1,
	};
	int r = hv_client_exchange(xgt->client, &x);

	return r == 0 && x.rep_len != want ? -EPROTO : r;
}

/* Takes the results out; segments to be tried again stay in the batch. */
static void batch_settle(const xengnttab_handle *xgt, struct gnt_batch *b)
{
	uint32_t left = 0;

	for (uint32_t i = 0; i < b->nr; i++) {
		xengnttab_grant_copy_segment_t *s = b->seg[i];
		const struct hvp_copy *c = &b->copy[i];

		s->status = b->status[i];
		if (s->status == GNTST_okay && !c->dest.is_ref)
			memcpy(s->dest.virt, arena_at(xgt, &c->dest), s->len);
		if (s->status == GNTST_eagain) {
			b->seg[left] = s;
			b->copy[left++] = *c;
		}
	}
	b->nr = left;
}

static int batch_send(xengnttab_handle *xgt, struct gnt_batch *b)
{
	unsigned int delay = 0;
	int r;

	while (b->nr) {
		r = batch_ask(xgt, b);
		if (r < 0)
			return r;
		batch_settle(xgt, b);
		if (b->nr && !gnt_retry(-EAGAIN, &delay))
			break;
	}
	b->nr = 0;
	b->used = 0;
	return 0;
}

static int copy_all(xengnttab_handle *xgt, uint32_t count,
	xengnttab_grant_copy_segment_t *segs)
{
	struct gnt_batch *b;
	int r = arena_open(xgt);

	if (r < 0)
		return r;
	b = xgt->batch;
	b->nr = 0;
	b->used = 0;
	for (uint32_t i = 0; r == 0 && i < count; i++) {
		if (batch_add(xgt, b, &segs[i]))
			continue;
		r = batch_send(xgt, b);
		if (r == 0 && !batch_add(xgt, b, &segs[i]))
			r = -EPROTO; /* hvd's arena is smaller than a page */
	}
	return r < 0 ? r : batch_send(xgt, b);
}

int xengnttab_grant_copy(xengnttab_handle *xgt, uint32_t count,
	xengnttab_grant_copy_segment_t *segs)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < count; i++)
		r = segment_check(&segs[i]);
	if (r == 0 && count) {
		pthread_mutex_lock(&xgt->arena_lock);
		r = copy_all(xgt, count, segs);
		pthread_mutex_unlock(&xgt->arena_lock);
	}
	if (r < 0) {
		gnt_fail(xgt, r, "grant copy failed");
		return -1;
	}
	return 0;
}
