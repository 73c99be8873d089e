/* SPDX-License-Identifier: MIT */
/*
 * mfn.c: the machine's frame numbers, by which page tables name pages.
 *
 * DOC: numbers are used again late
 *
 * A gfn will not do: it can be given to another page while an entry still
 * holds the one that was there.  Each run of a PV domain gets the numbers
 * behind the last ones given out, so the directory is an array that grows at
 * its end and is always in order.  A run that goes leaves a hole; holes are
 * closed up when they are half of the array.
 *
 * There are 2^40 numbers, and guests use them up: each run that they try to
 * make takes some.  From then on it goes round, and a run gets the next
 * numbers that nobody has.  A run is gone when nothing holds a page of it, so
 * no table names the page that had the number before.
 */
#include "hv/core/internal.h"

#include <assert.h>

enum { DIR_MIN = 64 };

bool mfn_wanted(const struct hv_dom *d, enum hv_run_kind kind)
{
	return dom_has_tables(d) && kind != HV_RUN_GNTTAB;
}

/* Take @room for the ranges that are left; 0 room: none are. */
static int dir_resize(struct hv *hv, uint32_t room)
{
	struct mfn_dir *m = &hv->mfn;
	struct mfn_range *to = NULL;
	uint32_t i, n = 0;

	if (room) {
		to = hv_alloc(hv, (size_t)room * sizeof(*to));
		if (!to)
			return -ENOMEM;
	}
	for (i = 0; to && i < m->nr; i++)
		if (m->range[i].run)
			to[n++] = m->range[i];
	hv_release(hv, m->range, (size_t)m->room * sizeof(*to));
	m->range = to;
	m->room = room;
	m->nr = n;
	m->gone = 0;
	return 0;
}

/* The index of the last range that begins at or before @mfn; nr if none. */
static uint32_t dir_find(const struct mfn_dir *m, uint64_t mfn)
{
	uint32_t lo = 0, hi = m->nr, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (m->range[mid].first <= mfn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? lo - 1 : m->nr;
}

/* Close up the holes, where they are. */
static void dir_pack(struct mfn_dir *m)
{
	uint32_t i, n = 0;

	for (i = 0; i < m->nr; i++)
		if (m->range[i].run)
			m->range[n++] = m->range[i];
	m->nr = n;
	m->gone = 0;
}

/* The first @nr numbers from *first on that nobody has; *at: their place. */
static bool dir_gap(
	const struct mfn_dir *m, uint32_t nr, uint64_t *first, uint32_t *at)
{
	uint32_t i = dir_find(m, *first);
	const struct mfn_range *g;

	for (i = i < m->nr ? i : 0; i < m->nr; i++) {
		g = &m->range[i];
		if (g->first > *first && g->first - *first >= nr)
			break;
		if (*first < g->first + g->run->nr)
			*first = g->first + g->run->nr;
	}
	*at = i;
	return *first <= MFN_MAX && MFN_MAX - *first >= nr - 1;
}

/* Where a run of @nr pages goes: at the end, as long as there is one. */
static bool dir_place(
	struct mfn_dir *m, uint32_t nr, uint64_t *first, uint32_t *at)
{
	*first = m->last + 1;
	*at = m->nr;
	if (!m->round && nr <= MFN_MAX - m->last)
		return true;
	m->round = true;
	dir_pack(m);
	if (dir_gap(m, nr, first, at))
		return true;
	*first = 1;
	return dir_gap(m, nr, first, at);
}

int mfn_add(struct hv_run *r)
{
	struct mfn_dir *m = &r->hv->mfn;
	uint64_t first;
	uint32_t at;

	if (!mfn_wanted(r->owner, r->kind))
		return 0;
	if (m->nr == m->room) {
		if (m->room > UINT32_MAX / 2 ||
			dir_resize(r->hv, m->room ? m->room * 2 : DIR_MIN))
			return -ENOMEM;
	}
	if (!dir_place(m, r->nr, &first, &at))
		return -ENOMEM;
	memmove(&m->range[at + 1], &m->range[at],
		(m->nr - at) * sizeof(m->range[0]));
	m->range[at] = (struct mfn_range){first, r};
	m->nr++;
	r->mfn = first;
	m->last = first + r->nr - 1;
	return 0;
}

void mfn_del(struct hv_run *r)
{
	struct mfn_dir *m = &r->hv->mfn;
	uint32_t i;

	if (!r->mfn)
		return;
	i = dir_find(m, r->mfn);
	assert(i < m->nr && m->range[i].run == r);
	m->range[i].run = NULL;
	r->mfn = 0;
	m->gone++;
	if (m->gone * 2 > m->nr)
		dir_pack(m);
}

struct hv_run *mfn_run(const struct hv *hv, uint64_t mfn)
{
	uint32_t i = dir_find(&hv->mfn, mfn);
	struct hv_run *r = i < hv->mfn.nr ? hv->mfn.range[i].run : NULL;

	return r && mfn - r->mfn < r->nr ? r : NULL;
}

struct hv_run *mfn_next(const struct hv *hv, uint64_t owner, uint64_t mfn)
{
	const struct mfn_dir *m = &hv->mfn;
	uint32_t i = dir_find(m, mfn);
	struct hv_run *r;

	for (i = i < m->nr ? i : 0; i < m->nr; i++) {
		r = m->range[i].run;
		if (r && PAGE_OWNER(r->domid, r->gen) == owner &&
			(r->mfn >= mfn || mfn - r->mfn < r->nr))
			return r;
	}
	return NULL;
}

void mfn_fini(struct hv *hv)
{
	assert(hv->mfn.nr == hv->mfn.gone);
	(void)dir_resize(hv, 0);
}
