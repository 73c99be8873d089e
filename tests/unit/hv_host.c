/* SPDX-License-Identifier: MIT */
/*
 * hv_host.c - a host of malloc and counters for tests of the engine
 */
#include "tests/unit/hv_host.h"

#include "hv/core/internal.h"

#include <stdio.h>
#include <stdlib.h>

#define NEED(cond)                                                         \
	do {                                                               \
		if (!(cond)) {                                             \
			fprintf(stderr, "%s:%d: %s\n", __func__, __LINE__, \
				#cond);                                    \
			abort();                                           \
		}                                                          \
	} while (0)

static bool fails(struct test_host *h)
{
	h->calls++;
	return h->fail_at &&
	       (h->calls == h->fail_at ||
		       (h->keep_failing && h->calls > h->fail_at));
}

static void *on_alloc(void *ctx, size_t size)
{
	struct test_host *h = ctx;
	void *p;

	if (fails(h))
		return NULL;
	p = calloc(1, size);
	NEED(p);
	h->blocks++;
	h->bytes += (long)size;
	return p;
}

static void on_free(void *ctx, void *p, size_t size)
{
	struct test_host *h = ctx;

	h->blocks--;
	h->bytes -= (long)size;
	memset(p, 0xa5, size);
	free(p);
}

static int on_run_new(void *ctx, struct hv_run *run)
{
	struct test_host *h = ctx;

	if (fails(h))
		return -ENOMEM;
	run->va = aligned_alloc(HV_PAGE_SIZE, (size_t)run->nr * HV_PAGE_SIZE);
	NEED(run->va);
	memset(run->va, 0, (size_t)run->nr * HV_PAGE_SIZE);
	h->backings++;
	return 0;
}

static void on_run_free(void *ctx, struct hv_run *run)
{
	struct test_host *h = ctx;

	h->backings--;
	free(run->va);
}

static int on_split(
	void *ctx, struct hv_dom *d, struct hv_run *run, uint32_t page)
{
	struct test_host *h = ctx;

	NEED(run->kind == HV_RUN_RAM && page < run->nr);
	return h->split_result;
}

static int on_evt_bind(void *ctx, struct hv_dom *d, uint32_t port,
	struct hv_dom *rd, uint32_t rport)
{
	struct test_host *h = ctx;

	if (h->bind_result)
		return h->bind_result;
	if (fails(h))
		return -EMFILE;
	h->bindings += rd ? 2 : 1;
	return 0;
}

static void on_evt_unbind(void *ctx, struct hv_dom *d, uint32_t port)
{
	struct test_host *h = ctx;

	h->bindings--;
}

static bool on_evt_raise(void *ctx, struct hv_dom *d, uint32_t port)
{
	struct test_host *h = ctx;

	h->raised++;
	h->raised_port = port;
	return h->take_events;
}

static void on_dom_event(void *ctx, struct hv_dom *d, enum hv_dom_event ev)
{
	struct test_host *h = ctx;

	h->events[ev]++;
	if (h->on_event)
		h->on_event(d, ev);
}

static uint32_t on_console(
	void *ctx, char *buf, uint32_t len, uint32_t *index, bool clear)
{
	struct test_host *h = ctx;
	uint32_t n = h->console ? (uint32_t)strlen(h->console) : 0;

	if (*index > n)
		*index = n;
	n -= *index;
	if (n > len)
		n = len;
	if (n)
		memcpy(buf, h->console + *index, n);
	*index += n;
	return n;
}

static bool on_page_free(void *ctx, struct hv_run *run, uint32_t page)
{
	struct test_host *h = ctx;

	NEED(page < run->nr);
	h->pages_freed++;
	/* whoever still reads it shall notice */
	memset(run->va + (size_t)page * HV_PAGE_SIZE, 0x5a, HV_PAGE_SIZE);
	return !h->keep_pages;
}

static void on_table_refused(
	void *ctx, struct hv_dom *d, uint64_t gfn, uint64_t mfn)
{
	struct test_host *h = ctx;

	h->refused++;
	h->refused_gfn = gfn;
	h->refused_mfn = mfn;
}

static const struct hv_host host_ops = {
	.alloc = on_alloc,
	.free = on_free,
	.run_new = on_run_new,
	.run_free = on_run_free,
	.split = on_split,
	.evt_bind = on_evt_bind,
	.evt_unbind = on_evt_unbind,
	.evt_raise = on_evt_raise,
	.dom_event = on_dom_event,
	.console_read = on_console,
	.page_free = on_page_free,
	.table_refused = on_table_refused,
};

bool host_init(struct test_host *h, const struct hv_limits *limits)
{
	static const struct hv_limits small = {.max_grant_frames = 4};

	h->hv = hv_new(&host_ops, h, limits ? limits : &small);
	return h->hv;
}

void host_fini(struct test_host *h)
{
	hv_check(h->hv);
	hv_free(h->hv);
	NEED(h->blocks == 0 && h->bytes == 0);
	NEED(h->backings == 0 && h->bindings == 0);
}

struct hv_dom *host_dom(struct test_host *h, uint32_t domid, uint32_t pages)
{
	struct hv_dom_config cfg = {
		.bits = 64, .control = domid == 0, .kind = HV_PVH};
	uint64_t gfn = 0;
	struct hv_dom *d;

	NEED(hv_dom_create(h->hv, domid, &cfg, &d) == 0);
	NEED(hv_mem_set_max(d, 1024) == 0);
	if (pages)
		NEED(hv_mem_populate(d, HV_RUN_RAM, pages, &gfn, NULL) == 0);
	if (domid)
		NEED(hv_dom_unpause(d) == 0);
	return d;
}

void host_kill(struct hv_dom *d)
{
	uint32_t budget = ~0u;

	NEED(hv_dom_destroy(d, &budget) == 0);
}

void host_end(struct test_host *h)
{
	struct hv_dom *d;
	uint32_t domid = 0;

	/* a zombie goes with the last of those that map it */
	while ((d = hv_dom_next(h->hv, domid))) {
		domid = hv_dom_id(d) + 1;
		host_kill(d);
	}
	host_fini(h);
}

uint64_t host_share(struct hv_dom *d, uint32_t nr)
{
	uint64_t gfn = HV_INVALID_GFN;

	NEED(hv_mem_populate(d, HV_RUN_SHARE, nr, &gfn, NULL) == 0);
	return gfn;
}

uint8_t *host_page(struct hv_dom *d, uint64_t gfn)
{
	struct hv_page_ref p;

	NEED(hv_mem_lookup(d, gfn, &p) == 0);
	return p.run->va + (size_t)p.page * HV_PAGE_SIZE;
}

void host_mask(struct hv_dom *d, uint32_t port)
{
	if (evtchn_port(d, port))
		hv_or(&d->ev.mask[port / 64], 1ull << (port % 64));
}

struct grant_entry_v1 *host_entry(struct hv_dom *d, uint32_t ref)
{
	NEED(gnt_entry(d, ref));
	return (struct grant_entry_v1 *)gnt_entry(d, ref);
}

int16_t host_map(struct hv_dom *by, uint32_t domid, uint32_t ref,
	uint32_t flags, uint32_t *handle)
{
	struct hv_gnt_map op = {
		.domid = domid, .ref = ref, .flags = flags, .addr = 0x1000};

	hv_gnt_map(by, &op);
	if (handle)
		*handle = op.handle;
	return op.status;
}

int16_t host_unmap(struct hv_dom *by, uint32_t handle)
{
	struct hv_gnt_unmap op = {.handle = handle, .addr = 0x1000};

	hv_gnt_unmap(by, &op);
	return op.status;
}

void host_check_entries(struct test_host *h)
{
	struct hv_dom *d = hv_dom_next(h->hv, 0);
	uint32_t i, pin, flags;

	for (; d; d = hv_dom_next(h->hv, hv_dom_id(d) + 1)) {
		for (i = 0; i < d->gt.nr_frames * GNT_PER_FRAME; i++) {
			pin = gnt_act(d, i)->pin;
			flags = host_entry(d, i)->flags;
			if ((flags & GTF_type_mask) == GTF_accept_transfer)
				continue;
			NEED(!(flags & GTF_reading) == !pin);
			NEED(!(flags & GTF_writing) == !(pin & PIN_WRITERS));
		}
	}
}

static int gmem_read(struct hv_gmem *m, void *dst, uint64_t addr, size_t len)
{
	struct test_gmem *g = (struct test_gmem *)m;

	if (addr > sizeof(g->bytes) || len > sizeof(g->bytes) - addr)
		return -EFAULT;
	memcpy(dst, g->bytes + addr, len);
	g->reads++;
	return 0;
}

static int gmem_write(
	struct hv_gmem *m, uint64_t addr, const void *src, size_t len)
{
	struct test_gmem *g = (struct test_gmem *)m;

	if (addr > sizeof(g->bytes) || len > sizeof(g->bytes) - addr)
		return -EFAULT;
	memcpy(g->bytes + addr, src, len);
	g->writes++;
	return 0;
}

void host_gmem_init(struct test_gmem *g)
{
	memset(g, 0, sizeof(*g));
	g->m.read = gmem_read;
	g->m.write = gmem_write;
}
