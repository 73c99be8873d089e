/* SPDX-License-Identifier: MIT */
/*
 * page.h: what a page is, who holds it, and as what.
 *
 * DOC: page accounting
 *
 * A page has an owner, a general count and a type count.  The general count
 * keeps it from being freed: one for being allocated, one for each mapping,
 * pin, root, partial flag.  The type count says how many of the holders need
 * it to be of its type; while it is above 0 the type cannot change.  That is
 * what keeps a page that is a page table from being written by its guest.
 *
 * Promotion (page_get_type() of a table type with count 0) validates the
 * contents slot by slot and takes a reference on each child; demotion (the
 * last page_put_type()) gives them back.  Both can stop before any slot.
 *
 * The state of a type word:
 *   count 0                 nobody needs the type (V may stay: SEGDESC)
 *   count > 0, V            validated; more references may be taken
 *   count 1, P              partial: stopped; slots [0, nrv) hold children,
 *                           slot nrv holds a general ref of its if pf
 *   count 1, neither        locked for validation: one vCPU works on it, only
 *                           that one may change the word, nrv and pf
 * P owns one type reference (the 1) and one general reference.
 *
 * Results of the functions that can be preempted:
 *   -ERESTART  progress was made and is stored in the page (it is P now).
 *              Get: the caller has no type reference.  Put: the caller's is
 *              P's now, clean up with PAGE_PARTIAL.  General references are
 *              the caller's as before.
 *   -EINTR     as before the call.  If the call was made for a partial slot
 *              or with PAGE_PARTIAL, that is still so ("sticky partial").
 *
 * Invariants S1-S7 and Q1, Q2 are recomputed by pv_check() (pv.h).
 *
 * Thread-safety: all functions may run on several vCPUs at once (one thread
 * each), except where they say otherwise.  @v is the vCPU on which they run.
 */
#ifndef HV_CORE_PAGE_H
#define HV_CORE_PAGE_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#ifndef ERESTART
#define ERESTART 85
#endif

struct pv;
struct pv_dom;
struct pv_vcpu;

enum hv_type {
	HV_TYPE_NONE,
	HV_TYPE_L1,
	HV_TYPE_L2,
	HV_TYPE_L3,
	HV_TYPE_L4,
	HV_TYPE_SEGDESC,
	HV_TYPE_SHARED,   /* the hypervisor reads or writes it as a table */
	HV_TYPE_WRITABLE, /* somebody may write it */
};

/* The general count word. */
#define PAGE_ALLOCATED (1ull << 63)
/* Count 0, but somebody works on it: it is being freed, was stolen, or will
 * be assigned.  Nobody else may touch it. */
#define PAGE_CLAIMED (1ull << 62)

/* Both words: the low 48 bits count. */
#define PAGE_COUNT(x)  ((x)&PAGE_COUNT_MAX)
#define PAGE_COUNT_MAX ((1ull << 48) - 1)

/* The type word. */
#define PAGE_TYPE_SHIFT 61
#define PAGE_TYPE_BITS  (7ull << PAGE_TYPE_SHIFT)
#define PAGE_TYPE(x)    ((enum hv_type)((x) >> PAGE_TYPE_SHIFT))
#define PAGE_TYPE_OF(t) ((uint64_t)(t) << PAGE_TYPE_SHIFT)
#define PAGE_LOCKED     (1ull << 60) /* page_lock(): a slot is changing */
#define PAGE_PINNED     (1ull << 59) /* owns one type and one general ref */
#define PAGE_VALID      (1ull << 58)
#define PAGE_PARTIALLY  (1ull << 57) /* P, see above */
#define PAGE_NONCOH     (1ull << 56) /* RAM and cache may differ */

/* An owner: (domid, generation) in one word, so that it is read at once and
 * a domain that reuses the number is somebody else.  0: nobody. */
#define PAGE_OWNER(domid, gen) ((uint64_t)(gen) << 16 | (uint16_t)(domid))

struct hv_page {
	uint64_t count; /* atomic */
	uint64_t type;  /* atomic */
	uint64_t owner; /* atomic; changes only at count 0 (S9) */
	/* valid while P or locked for validation; the latter's holder's */
	uint16_t nrv; /* slots [0, nrv) are validated */
	uint8_t pf;   /* slot nrv holds a general ref, its child was partial */
	/* a ghost: not read by any decision, for pv_check() alone */
	uint8_t excl;       /* 1 + vCPU in its exclusive section, or 0 */
	uint8_t held;       /* general refs of holders that pv does not know */
	uint8_t held_type;  /* type refs of theirs */
	uint16_t valid_for; /* whose rules V says it was checked by */
};

/* Two of them are a cache line: a promotion touches each page of a guest. */
_Static_assert(sizeof(struct hv_page) == 32, "what a page costs");

/* An owner as hv_page.valid_for. */
static inline uint16_t page_valid_for(uint64_t owner)
{
	return (uint16_t)(owner * 0x9e3779b97f4a7c15ull >> 48);
}

/* Flags of the functions below. */
enum {
	PAGE_PREEMPT = 1,   /* may answer -EINTR and -ERESTART */
	PAGE_PARTIAL = 2,   /* clean up what P holds; no-op unless P */
	PAGE_NOPROMOTE = 4, /* -EINVAL instead of a promotion */
	PAGE_AS_SHIFT = 8,
};

/* With PAGE_PARTIAL: no-op unless the page is of type @t as well. */
#define PAGE_AS(t) ((unsigned int)(t) << PAGE_AS_SHIFT)

static inline enum hv_type page_type(const struct hv_page *p)
{
	return PAGE_TYPE(__atomic_load_n(&p->type, __ATOMIC_RELAXED));
}

static inline bool type_is_table(enum hv_type t)
{
	return t >= HV_TYPE_L1 && t <= HV_TYPE_L4;
}

/* Types whose promotion and demotion can stop half-way. */
static inline bool type_is_partial(enum hv_type t)
{
	return t >= HV_TYPE_L2 && t <= HV_TYPE_L4;
}

/* ---- page.c ------------------------------------------------------------- */

/*
 * page_assign: a page that the caller has claimed becomes @d's with one reference,
 * PAGE_ALLOCATED's.  -ESRCH if @d is dying, -ENOMEM if it has max_pages.
 * After an error the page is free.
 */
int page_assign(struct pv_vcpu *v, struct hv_page *p, struct pv_dom *d);

/*
 * page_unassign: give up what PAGE_ALLOCATED holds.  -EINVAL if it was given
 * up already (by another vCPU, or because the page was stolen).  The caller
 * holds a reference of its own.
 */
int page_unassign(struct pv_vcpu *v, struct hv_page *p);

/*
 * page_get: a general reference on @p if its owner is @d; @d NULL: whoever
 * owns it.  -EINVAL if it is free, somebody else's or its count is full.
 */
int page_get(struct pv_vcpu *v, struct hv_page *p, const struct pv_dom *d);

/* page_put: the last one frees the page (pv_ops.freed). */
void page_put(struct pv_vcpu *v, struct hv_page *p);

/* page_note_noncoherent: the caller maps @p writable and not write-back; it
 * holds a WRITABLE reference. */
void page_note_noncoherent(struct hv_page *p);

/*
 * page_lock: before a slot of table @p changes.  True: @p is a validated
 * table, the caller has a type reference that cannot be the last one and
 * nobody else has the lock.  False: not validated.  Waits for another holder.
 * Not nested.  page_unlock() may be called with nothing but the lock.
 */
bool page_lock(struct pv_vcpu *v, struct hv_page *p);
void page_unlock(struct hv_page *p);

/* ---- page_type.c -------------------------------------------------------- */

/*
 * page_get_type: a type reference; the caller has a general one.  0, -EINVAL
 * (in use as something else, or contents that are not valid for @t), -EBUSY
 * (would have to be validated and is not sealed, pv_ops), -EINTR or -ERESTART
 * with PAGE_PREEMPT.  After -EINVAL, v->pending.page == @p says
 * that the page is P: the caller's general reference is now the pending
 * put's.  Without PAGE_PREEMPT only for types that are not L2-L4.
 */
int page_get_type(struct pv_vcpu *v, struct hv_page *p, enum hv_type t,
	unsigned int flags);

/*
 * page_put_type: give a type reference back, or with PAGE_PARTIAL finish what
 * P has left (0 if it is not P any more).  0, -EINTR, -ERESTART; L2-L4 must
 * be put with PAGE_PREEMPT.
 */
int page_put_type(struct pv_vcpu *v, struct hv_page *p, unsigned int flags);

/* ---- page_table.c ------------------------------------------------------- */

/*
 * Children of a table.  @level is the type of the table that holds @e.
 * pt_get(): what the entry needs (general and type references); an entry
 * that is not present needs nothing.  @partial: the slot holds a general
 * reference already.  @retain: keep the general reference on -ERESTART (the
 * slot becomes partial).  pt_put() is the reverse; -EINTR, -ERESTART.
 */
struct pt_where {
	enum hv_type level;
	struct pv_dom *owner;
	bool partial;
	bool retain;
};
int pt_get(struct pv_vcpu *v, uint64_t e, const struct pt_where *w);
int pt_put(struct pv_vcpu *v, uint64_t e, const struct pt_where *w);

/* page_promote, page_demote: the loops over the slots; for page_type.c, with
 * the page locked for validation. */
int page_promote(struct pv_vcpu *v, struct hv_page *p, enum hv_type t);
int page_demote(struct pv_vcpu *v, struct hv_page *p, enum hv_type t);

#endif
