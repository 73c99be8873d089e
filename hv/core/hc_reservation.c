/* SPDX-License-Identifier: MIT */
/*
 * hc_reservation.c: memory_op populate_physmap, increase_reservation,
 * decrease_reservation: lists of extents.
 *
 * They answer the number of extents done; fewer than asked is how they say
 * that something failed (xen/memory.h).  Extents that follow one another are
 * populated as one run, so that a domain's RAM is a few backing objects and
 * not thousands.
 */
#include "hv/core/hc.h"

/* An extent of 2^order pages: a guest gets 2 MiB, the control domain 1 GiB. */
#define ORDER_GUEST    9u
#define ORDER_CONTROL  18u
#define BATCH          64u /* extents read ahead at most */
#define PAGES_PER_UNIT 64u

struct extents {
	uint64_t list; /* of gfns; 0: none */
	uint64_t nr;
	uint32_t order;
};

/* A unit of work for each extent, and one for each 64 pages. */
static void charge_pages(struct hc *h, uint64_t pages)
{
	uint64_t units = pages / PAGES_PER_UNIT;

	*h->budget -= units < *h->budget ? (uint32_t)units : *h->budget;
}

static int gfn_read(
	struct hc *h, const struct extents *x, uint64_t i, uint64_t *gfn)
{
	uint64_t addr;

	if (!hc_elem(x->list, i, sizeof(*gfn), &addr))
		return -EFAULT;
	return hc_read(h, gfn, addr, sizeof(*gfn));
}

static int gfn_write(
	struct hc *h, const struct extents *x, uint64_t i, uint64_t gfn)
{
	uint64_t addr;

	if (!x->list)
		return 0;
	if (!hc_elem(x->list, i, sizeof(gfn), &addr))
		return -EFAULT;
	return hc_write(h, addr, &gfn, sizeof(gfn));
}

/*
 * Read extents from @i on as long as each follows the one before.  Their
 * number; 0 if the first cannot be read.
 */
static uint32_t gather(
	struct hc *h, const struct extents *x, uint64_t i, uint64_t *gfn)
{
	uint64_t next, pages = 1ull << x->order;
	uint32_t n = 1;

	if (gfn_read(h, x, i, gfn))
		return 0;
	while (n < BATCH && i + n < x->nr && *h->budget) {
		if (gfn_read(h, x, i + n, &next) || next != *gfn + n * pages)
			break;
		(*h->budget)--;
		n++;
	}
	return n;
}

/* One run if it can be one, else extent by extent; how many were done. */
static uint32_t populate(struct hc *h, struct hv_dom *d, uint64_t gfn,
	uint32_t n, uint32_t order)
{
	uint64_t pages = (uint64_t)n << order;
	uint32_t i;

	charge_pages(h, pages);
	if (gfn == HV_INVALID_GFN)
		return 0; /* to the engine it means: anywhere */
	if (!hv_mem_populate(d, HV_RUN_RAM, (uint32_t)pages, &gfn, NULL))
		return n;
	if (n == 1)
		return 0;
	for (i = 0; i < n; i++, gfn += 1ull << order)
		if (hv_mem_populate(d, HV_RUN_RAM, 1u << order, &gfn, NULL))
			break;
	return i;
}

static int64_t do_populate(
	struct hc *h, struct hv_dom *d, const struct extents *x)
{
	uint64_t *i = &h->c->progress, gfn;
	uint32_t n, done;

	while (*i < x->nr) {
		if (hv_preempt(h->budget))
			return -ERESTART;
		n = gather(h, x, *i, &gfn);
		if (!n)
			break;
		done = populate(h, d, gfn, n, x->order);
		*i += done;
		if (done < n)
			break;
	}
	return (int64_t)*i;
}

/* New pages at the lowest free place above the RAM. */
static int64_t do_increase(
	struct hc *h, struct hv_dom *d, const struct extents *x)
{
	uint64_t *i = &h->c->progress, gfn;

	for (; *i < x->nr; (*i)++) {
		if (hv_preempt(h->budget))
			return -ERESTART;
		charge_pages(h, 1ull << x->order);
		gfn = HV_INVALID_GFN;
		if (hv_mem_populate(d, HV_RUN_RAM, 1u << x->order, &gfn, NULL))
			break;
		if (gfn_write(h, x, *i, gfn)) {
			/* nobody would ever learn of it */
			for (uint32_t p = 0; p < 1u << x->order; p++)
				(void)hv_mem_remove(d, gfn + p);
			break;
		}
	}
	return (int64_t)*i;
}

/* state[0]: pages of the extent under way that are gone already. */
static int64_t do_decrease(
	struct hc *h, struct hv_dom *d, const struct extents *x)
{
	uint64_t *i = &h->c->progress, *page = &h->c->state[0], gfn;

	for (; *i < x->nr; (*i)++, *page = 0) {
		if (gfn_read(h, x, *i, &gfn))
			break;
		for (; *page < 1ull << x->order; (*page)++) {
			if (*page % PAGES_PER_UNIT == 0 &&
				hv_preempt(h->budget))
				return -ERESTART;
			if (hv_mem_remove(d, gfn + *page))
				return (int64_t)*i;
		}
	}
	return (int64_t)*i;
}

int64_t hc_mem_reservation(struct hc *h, unsigned int cmd, uint64_t addr)
{
	struct xen_memory_reservation a;
	struct extents x;
	struct hv_dom *d;
	int r;

	if (hc_read(h, &a, addr, sizeof(a)))
		return -EFAULT;
	d = dom_resolve(h->dom, a.domid);
	if (!d || d->life != LIFE_ALIVE)
		return (int64_t)h->c->progress;
	r = hv_may(h->dom, d == h->dom ? HV_OP_MEM_OWN : HV_OP_MEM_FOREIGN, d);
	if (r)
		return r;
	if (a.nr_extents > INT32_MAX ||
		a.extent_order >
			(h->dom->cfg.control ? ORDER_CONTROL : ORDER_GUEST))
		return (int64_t)h->c->progress;
	x = (struct extents){
		HC_ADDR(a.extent_start), a.nr_extents, a.extent_order};
	/* what was read anew may be shorter than what is done */
	if (h->c->progress > x.nr)
		return (int64_t)x.nr;
	switch (cmd) {
	case XENMEM_populate_physmap: return do_populate(h, d, &x);
	case XENMEM_increase_reservation: return do_increase(h, d, &x);
	default: return do_decrease(h, d, &x);
	}
}
