/* SPDX-License-Identifier: MIT */
/*
 * lock.h: the locks of the machine.
 *
 * DOC: a lock where there is one thread
 *
 * In a daemon one thread at a time is in the engine of a machine, and these
 * are nothing.  They are written where several vCPUs would need them; built
 * for threads (HV_THREADS) they are spin locks, and in the schedule explorer
 * a vCPU stops before each and after each, and waits for another holder.
 *
 * DOC: the order
 *
 * A vCPU takes them by ascending rank, and those of one rank by ascending
 * number (the domain's), so that nobody waits in a circle:
 *
 *   HV_RANK_EV   hv_evtchn.lock: a domain's event channels
 *   HV_RANK_GT   gnt_table.lock: the entries of a domain's grant table: what
 *		  the engine decided about each (struct gnt_act), and its
 *		  bits in the shared part
 *   HV_RANK_MAP  hv_dom.map_lock: the handles of the mappings a domain made
 *   HV_RANK_MEM  hv_dom.mem_lock: a domain's gfn table, its runs, how many of
 *		  their frames are in use
 *   HV_RANK_DOM  hv.dom_lock: the directory of domains
 *
 * Grants, event channels, and what adds and removes pages, take them; populate
 * is for one vCPU of a domain at a time.  What moves pages (transfer, the split
 * of a private page, a move within the gfn table) does not take them yet.
 *
 * A domain that is found by number is kept by dom_get() until the call is
 * over.  Whoever calls the engine for a domain keeps that one himself.
 *
 * The words of a page (page.h) are below all: taken by compare-and-swap, and
 * page_lock() waits for nobody who holds one of these.
 *
 * hv_lock_init(l, rank, nr)  once, before anybody else can see it
 * hv_lock(l), hv_unlock(l)
 * hv_lock_must(l)            the caller says that it holds it
 *
 * The explorer calls it a bug to take a lock twice or out of order, to give
 * up one that is not held, and to end an operation with one.
 */
#ifndef HV_CORE_LOCK_H
#define HV_CORE_LOCK_H

#include <stdint.h>

#include "hv/core/atomic.h"

enum hv_lock_rank {
	HV_RANK_EV = 1,
	HV_RANK_GT,
	HV_RANK_MAP,
	HV_RANK_MEM,
	HV_RANK_DOM,
};

#if defined(HV_EXPLORE)

struct hv_lock {
	uint8_t by; /* 1 + the vCPU that holds it, or 0 */
	uint8_t rank;
	uint16_t nr;
};

void hv_explore_lock(struct hv_lock *l);
void hv_explore_unlock(struct hv_lock *l);
void hv_explore_lock_must(const struct hv_lock *l);
#define hv_lock(l)      hv_explore_lock(l)
#define hv_unlock(l)    hv_explore_unlock(l)
#define hv_lock_must(l) hv_explore_lock_must(l)

static inline void hv_lock_init(
	struct hv_lock *l, enum hv_lock_rank rank, uint32_t nr)
{
	*l = (struct hv_lock){.rank = (uint8_t)rank, .nr = (uint16_t)nr};
}

#else

struct hv_lock {
	uint8_t held;
};

#ifdef HV_THREADS
static inline void hv_lock(struct hv_lock *l)
{
	while (__atomic_exchange_n(&l->held, 1, __ATOMIC_ACQUIRE))
		hv_point(HV_POINT_WAIT);
}

static inline void hv_unlock(struct hv_lock *l)
{
	hv_bug_if(!__atomic_exchange_n(&l->held, 0, __ATOMIC_RELEASE),
		"a lock that nobody holds is given up");
}
#else
static inline void hv_lock(struct hv_lock *l)
{
	(void)l;
}

static inline void hv_unlock(struct hv_lock *l)
{
	(void)l;
}
#endif

static inline void hv_lock_must(const struct hv_lock *l)
{
	(void)l;
}

static inline void hv_lock_init(
	struct hv_lock *l, enum hv_lock_rank rank, uint32_t nr)
{
	(void)rank;
	(void)nr;
	l->held = 0;
}

#endif

#endif
