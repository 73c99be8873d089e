/* SPDX-License-Identifier: MIT */
/*
 * p2m.c: guest frame number -> frame, a radix tree of four levels.
 *
 * Nodes are freed as they empty.  A guest that scatters its pages pays at
 * most three nodes of 2 KiB for each page it is allowed to own.
 */
#include "hv/core/internal.h"

#include <assert.h>

static unsigned int index_of(uint64_t gfn, int level)
{
	return (gfn >> (level * P2M_BITS)) & (P2M_SLOTS - 1);
}

/* Free the empty nodes on the way to @gfn, from the leaf up. */
static void p2m_prune(struct hv_dom *d, uint64_t gfn)
{
	struct p2m_node *path[P2M_LEVELS] = {0};
	struct p2m_node *n = d->p2m;
	int level;

	for (level = P2M_LEVELS - 1; n; level--) {
		path[level] = n;
		if (level == 0)
			break;
		n = n->slot[index_of(gfn, level)];
	}
	for (level = 0; level < P2M_LEVELS; level++) {
		n = path[level];
		if (!n)
			continue;
		if (n->used)
			return;
		hv_release(d->hv, n, sizeof(*n));
		if (level == P2M_LEVELS - 1) {
			d->p2m = NULL;
			return;
		}
		path[level + 1]->slot[index_of(gfn, level + 1)] = NULL;
		path[level + 1]->used--;
	}
}

int p2m_set(struct hv_dom *d, uint64_t gfn, struct hv_frame *f)
{
	struct p2m_node *n;
	int level;

	if (!d->p2m)
		d->p2m = hv_alloc(d->hv, sizeof(*d->p2m));
	if (!d->p2m)
		return -ENOMEM;
	n = d->p2m;
	for (level = P2M_LEVELS - 1; level > 0; level--) {
		void **slot = &n->slot[index_of(gfn, level)];

		if (!*slot) {
			*slot = hv_alloc(d->hv, sizeof(*n));
			if (!*slot) {
				p2m_prune(d, gfn);
				return -ENOMEM;
			}
			n->used++;
		}
		n = *slot;
	}
	assert(!n->slot[index_of(gfn, 0)]);
	n->slot[index_of(gfn, 0)] = f;
	n->used++;
	f->gfn = (uint32_t)gfn;
	return 0;
}

struct hv_frame *p2m_get(const struct hv_dom *d, uint64_t gfn)
{
	const struct p2m_node *n = d->p2m;
	int level;

	if (gfn > HV_GFN_MAX)
		return NULL;
	for (level = P2M_LEVELS - 1; n && level > 0; level--)
		n = n->slot[index_of(gfn, level)];
	return n ? n->slot[index_of(gfn, 0)] : NULL;
}

/* The leaf of a gfn that is in use. */
static struct p2m_node *leaf_of(struct hv_dom *d, uint64_t gfn)
{
	struct p2m_node *n = d->p2m;
	int level;

	for (level = P2M_LEVELS - 1; level > 0; level--)
		n = n->slot[index_of(gfn, level)];
	return n;
}

void p2m_replace(struct hv_dom *d, uint64_t gfn, struct hv_frame *f)
{
	struct p2m_node *n = leaf_of(d, gfn);
	struct hv_frame *old = n->slot[index_of(gfn, 0)];

	old->gfn = HV_GFN_NONE;
	n->slot[index_of(gfn, 0)] = f;
	f->gfn = (uint32_t)gfn;
}

void p2m_clear(struct hv_dom *d, uint64_t gfn)
{
	struct p2m_node *n = leaf_of(d, gfn);
	struct hv_frame *f;

	f = n->slot[index_of(gfn, 0)];
	f->gfn = HV_GFN_NONE;
	n->slot[index_of(gfn, 0)] = NULL;
	n->used--;
	if (n->used == 0)
		p2m_prune(d, gfn);
}

/* In the subtree @n, whose first gfn is @base: the first used one >= @from. */
static uint64_t next_in(
	const struct p2m_node *n, int level, uint64_t base, uint64_t from)
{
	unsigned int i = from > base ? index_of(from, level) : 0;
	uint64_t span = 1ull << (level * P2M_BITS), g;

	for (; i < P2M_SLOTS; i++) {
		if (!n->slot[i])
			continue;
		g = base + i * span;
		if (level == 0)
			return g;
		g = next_in(n->slot[i], level - 1, g, from);
		if (g != HV_INVALID_GFN)
			return g;
	}
	return HV_INVALID_GFN;
}

uint64_t p2m_next(const struct hv_dom *d, uint64_t from)
{
	if (!d->p2m || from > HV_GFN_MAX)
		return HV_INVALID_GFN;
	return next_in(d->p2m, P2M_LEVELS - 1, 0, from);
}

uint64_t p2m_last(const struct hv_dom *d)
{
	const struct p2m_node *n = d->p2m;
	uint64_t gfn = 0;
	int level, i;

	if (!n)
		return HV_INVALID_GFN;
	for (level = P2M_LEVELS - 1; level >= 0; level--) {
		for (i = P2M_SLOTS - 1; !n->slot[i]; i--)
			;
		gfn = gfn << P2M_BITS | (unsigned int)i;
		n = n->slot[i];
	}
	return gfn;
}
