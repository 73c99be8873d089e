/* SPDX-License-Identifier: MIT */
/*
 * atomic.h: every access to memory that somebody else may change.
 *
 * DOC: one source, two builds
 *
 * A grant table and a shared info page are written by their guest while the
 * engine decides about them, and counts will be shared by several virtual
 * CPUs in the schedule explorer.  All such accesses go through these macros,
 * so that the explorer (and the unit tests, with HV_HOOKS) can stop the
 * engine before each of them and let somebody else run.
 *
 * hv_load(p)           one acquire load of *p
 * hv_store_rel(p, v)   one release store
 * hv_cas(p, old, new)  strong compare and swap; true if it swapped
 * hv_and(p, m), hv_or(p, m)  bounded read-modify-write; the old value
 * hv_add(p, n)         the same, of a counter of the engine's
 * hv_fence()           a full barrier
 * hv_point(id)         a place where others may run
 * hv_preempt(budget)   take a unit of *budget; true if there is none left
 * hv_spend(budget, n)  n units of it were used up without asking
 *
 * hv_bug_if(cond, text)  the engine itself is wrong: ends the program
 *
 * A file that defines HV_OWN_WORDS before it includes this says that it uses
 * these for words which nobody but the engine writes: counts, types, owners.
 * One thread at a time is in the engine of a machine, so there they are plain
 * loads and stores, unless the engine is built for several (HV_THREADS) or
 * for the explorer.  What the guest may write at any time is not one of them:
 *
 * hv_guest_load(p), hv_guest_store(p, v)
 *                      as hv_load(), hv_store_rel(), always one real access
 *
 * With HV_EXPLORE the places are the explorer's: hv_explore_point() may run
 * other vCPUs, hv_explore_preempt() answers both ways, hv_explore_bug() ends
 * the schedule.
 */
#ifndef HV_CORE_ATOMIC_H
#define HV_CORE_ATOMIC_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* The places, for tests that want to stop at one of them. */
enum hv_point_id {
	HV_POINT_LOAD,
	HV_POINT_STORE,
	HV_POINT_CAS,
	HV_POINT_RMW,
	HV_POINT_GNT_FRAME,  /* between the claim of an entry and its frame */
	HV_POINT_GNT_PINNED, /* an entry has been pinned, nothing mapped yet */
	HV_POINT_WAIT,       /* nothing can be done until somebody else acts */
	HV_POINT_FLUSH,      /* before a TLB or cache flush takes effect */
	HV_POINT_LOCK,       /* before a lock (lock.h) is taken */
	HV_POINT_UNLOCK,     /* after it has been given up */
};

/* A test's, only there with HV_HOOKS: called before each access.  It must
 * not call the engine. */
extern void (*hv_point_hook)(enum hv_point_id id, const volatile void *p);

#if defined(HV_EXPLORE)
void hv_explore_point(enum hv_point_id id, const volatile void *p);
bool hv_explore_preempt(void);
_Noreturn void hv_explore_bug(const char *text);
#define hv_point_at(id, p)  hv_explore_point(id, p)
#define hv_preempt(budget)  ((void)(budget), hv_explore_preempt())
#define hv_spend(budget, n) ((void)(budget), (void)(n))
#elif defined(HV_HOOKS)
#define hv_point_at(id, p)                    \
	do {                                  \
		if (hv_point_hook)            \
			hv_point_hook(id, p); \
	} while (0)
#elif defined(HV_THREADS)
/* The one place where a thread has to let others run. */
#include <sched.h>
#define hv_point_at(id, p)                   \
	do {                                 \
		(void)(p);                   \
		if ((id) == HV_POINT_WAIT)   \
			(void)sched_yield(); \
	} while (0)
#else
#define hv_point_at(id, p) ((void)0)
#endif

#ifdef HV_EXPLORE
#define hv_bug(text) hv_explore_bug(text)
#else
_Noreturn static inline void hv_bug(const char *text)
{
	fprintf(stderr, "hv: bug: %s\n", text);
	abort();
}
#endif

#define hv_bug_if(cond, text)         \
	do {                          \
		if (cond)             \
			hv_bug(text); \
	} while (0)

#define hv_point(id) hv_point_at(id, (void *)0)

#define hv_guest_load(p)                              \
	({                                            \
		hv_point_at(HV_POINT_LOAD, p);        \
		__atomic_load_n(p, __ATOMIC_ACQUIRE); \
	})

#define hv_guest_store(p, v)                              \
	({                                                \
		hv_point_at(HV_POINT_STORE, p);           \
		__atomic_store_n(p, v, __ATOMIC_RELEASE); \
	})

#if defined(HV_OWN_WORDS) && !defined(HV_EXPLORE) && !defined(HV_THREADS)

#define hv_load(p)                             \
	({                                     \
		hv_point_at(HV_POINT_LOAD, p); \
		*(p);                          \
	})

#define hv_store_rel(p, v)                      \
	({                                      \
		hv_point_at(HV_POINT_STORE, p); \
		*(p) = (v);                     \
		(void)0;                        \
	})

#define hv_cas(p, old, new)                             \
	({                                              \
		__typeof__(*(p)) hv_old_ = (old);       \
		bool hv_is_;                            \
		hv_point_at(HV_POINT_CAS, p);           \
		hv_is_ = *(p) == hv_old_;               \
		if (hv_is_)                             \
			*(p) = (__typeof__(*(p)))(new); \
		hv_is_;                                 \
	})

#define hv_and(p, m)                                      \
	({                                                \
		__typeof__(*(p)) hv_old_;                 \
		hv_point_at(HV_POINT_RMW, p);             \
		hv_old_ = *(p);                           \
		*(p) = (__typeof__(*(p)))(hv_old_ & (m)); \
		hv_old_;                                  \
	})

#define hv_or(p, m)                                       \
	({                                                \
		__typeof__(*(p)) hv_old_;                 \
		hv_point_at(HV_POINT_RMW, p);             \
		hv_old_ = *(p);                           \
		*(p) = (__typeof__(*(p)))(hv_old_ | (m)); \
		hv_old_;                                  \
	})

#else

#define hv_load(p)         hv_guest_load(p)
#define hv_store_rel(p, v) hv_guest_store(p, v)

#define hv_cas(p, old, new)                                          \
	({                                                           \
		__typeof__(*(p)) hv_old_ = (old);                    \
		hv_point_at(HV_POINT_CAS, p);                        \
		__atomic_compare_exchange_n(p, &hv_old_, new, false, \
			__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);         \
	})

#define hv_and(p, m)                                        \
	({                                                  \
		hv_point_at(HV_POINT_RMW, p);               \
		__atomic_fetch_and(p, m, __ATOMIC_ACQ_REL); \
	})

#define hv_or(p, m)                                        \
	({                                                 \
		hv_point_at(HV_POINT_RMW, p);              \
		__atomic_fetch_or(p, m, __ATOMIC_ACQ_REL); \
	})

#endif

/* Only for words which nobody but the engine writes, in every file. */
#if !defined(HV_EXPLORE) && !defined(HV_THREADS)
#define hv_add(p, n)                                      \
	({                                                \
		__typeof__(*(p)) hv_old_ = *(p);          \
		*(p) = (__typeof__(*(p)))(hv_old_ + (n)); \
		hv_old_;                                  \
	})
#else
#define hv_add(p, n)                                        \
	({                                                  \
		hv_point_at(HV_POINT_RMW, p);               \
		__atomic_fetch_add(p, n, __ATOMIC_ACQ_REL); \
	})
#endif

/* What was stored before is seen before anything after it is loaded.  The
 * thread sanitizer knows no fences, but this. */
static inline void hv_fence(void)
{
#ifdef __SANITIZE_THREAD__
	uint32_t x = 0;

	(void)__atomic_fetch_add(&x, 1, __ATOMIC_SEQ_CST);
#else
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

#ifndef hv_preempt
static inline bool hv_preempt(uint32_t *budget)
{
	if (*budget == 0)
		return true;
	(*budget)--;
	return false;
}

static inline void hv_spend(uint32_t *budget, uint32_t n)
{
	*budget -= n < *budget ? n : *budget;
}
#endif

#endif
