/* SPDX-License-Identifier: MIT */
/*
 * machine.c: a machine, its memory and its directory of domains.
 */
#include "hv/core/internal.h"

#include <assert.h>

#ifdef HV_HOOKS
void (*hv_point_hook)(enum hv_point_id id, const volatile void *p);
#endif

static const struct hv_limits default_limits = {
	.max_domains = 1024,
	.max_pages = (64ull << 30) >> HV_PAGE_SHIFT,
	.max_grant_frames = 64,
	.max_maptrack = 65536,
	.max_ports = EVTCHN_MAX,
	.nr_cpus = 1,
	.cpu_khz = 1000000,
};

void *hv_alloc(struct hv *hv, size_t size)
{
	return hv->host->alloc(hv->ctx, size);
}

void hv_release(struct hv *hv, void *p, size_t size)
{
	if (p)
		hv->host->free(hv->ctx, p, size);
}

struct hv *hv_new(
	const struct hv_host *host, void *ctx, const struct hv_limits *limits)
{
	struct hv *hv = host->alloc(ctx, sizeof(*hv));
	struct hv_limits *l;

	if (!hv)
		return NULL;
	hv->host = host;
	hv->ctx = ctx;
	hv->next_domid = 1;
	hv_lock_init(&hv->dom_lock, HV_RANK_DOM, 0);
	hv->limits = default_limits;
	hv->pv.ops = &frame_pv_ops;
	hv->pv.slots = HV_PAGE_SIZE / sizeof(uint64_t);
	hv->pv.levels = 4;
	pv_init(&hv->pv);
	hv->self.pv = &hv->pv;
	if (!limits)
		return hv;
	l = &hv->limits;
	if (limits->max_domains)
		l->max_domains = limits->max_domains;
	if (limits->max_pages)
		l->max_pages = limits->max_pages;
	if (limits->max_grant_frames)
		l->max_grant_frames = limits->max_grant_frames;
	if (limits->max_maptrack)
		l->max_maptrack = limits->max_maptrack;
	if (limits->max_ports && limits->max_ports < EVTCHN_MAX)
		l->max_ports = limits->max_ports;
	if (limits->nr_cpus)
		l->nr_cpus = limits->nr_cpus;
	if (limits->cpu_khz)
		l->cpu_khz = limits->cpu_khz;
	return hv;
}

void hv_free(struct hv *hv)
{
	const struct hv_host *host = hv->host;
	unsigned int i;

	assert(hv->nr_domains == 0 && hv->nr_frames == 0);
	assert(hv->nr_runs == 0 && hv->nr_maps == 0);
	assert(hv->nr_foreign == 0 && hv->nr_ports == 0);
	for (i = 0; i < DOM_LEAVES; i++)
		assert(!hv->leaf[i]);
	mfn_fini(hv);
	host->free(hv->ctx, hv, sizeof(*hv));
}

void hv_counts(const struct hv *hv, struct hv_counts *c)
{
	c->domains = hv->nr_domains;
	c->zombies = hv->nr_dead;
	c->frames = hv->nr_frames;
	c->runs = hv->nr_runs;
	c->maps = hv->nr_maps;
	c->foreign = hv->nr_foreign;
	c->ports = hv->nr_ports;
}

/* ---- the directory of domains ----------------------------------------- */

int dom_insert(struct hv_dom *d)
{
	struct dom_leaf **leaf = &d->hv->leaf[d->domid / DOM_LEAF];

	if (!*leaf)
		*leaf = hv_alloc(d->hv, sizeof(**leaf));
	if (!*leaf)
		return -ENOMEM;
	(*leaf)->dom[d->domid % DOM_LEAF] = d;
	(*leaf)->used++;
	d->hv->nr_domains++;
	return 0;
}

void dom_remove(struct hv_dom *d)
{
	struct dom_leaf **leaf = &d->hv->leaf[d->domid / DOM_LEAF];

	(*leaf)->dom[d->domid % DOM_LEAF] = NULL;
	d->hv->nr_domains--;
	if (--(*leaf)->used == 0) {
		hv_release(d->hv, *leaf, sizeof(**leaf));
		*leaf = NULL;
	}
}

struct hv_dom *hv_dom_find(struct hv *hv, uint32_t domid)
{
	const struct dom_leaf *leaf;

	if (domid >= DOM_END)
		return NULL;
	leaf = hv->leaf[domid / DOM_LEAF];
	return leaf ? leaf->dom[domid % DOM_LEAF] : NULL;
}

struct hv_dom *hv_dom_next(struct hv *hv, uint32_t domid)
{
	const struct dom_leaf *leaf;

	while (domid < DOM_END) {
		leaf = hv->leaf[domid / DOM_LEAF];
		if (!leaf) {
			domid = (domid / DOM_LEAF + 1) * DOM_LEAF;
			continue;
		}
		if (leaf->dom[domid % DOM_LEAF])
			return leaf->dom[domid % DOM_LEAF];
		domid++;
	}
	return NULL;
}

struct hv_instance dom_instance(const struct hv_dom *d)
{
	return (struct hv_instance){d->domid, d->gen};
}

/* The domain of that instance, if it still exists. */
struct hv_dom *dom_of(struct hv *hv, struct hv_instance i)
{
	struct hv_dom *d;

	if (i.gen == 0)
		return NULL;
	d = hv_dom_find(hv, i.domid);
	return d && d->gen == i.gen ? d : NULL;
}

struct hv_dom *dom_resolve(struct hv_dom *caller, uint32_t domid)
{
	if (domid == DOMID_SELF)
		return caller;
	return hv_dom_find(caller->hv, domid);
}
