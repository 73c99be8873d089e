/* SPDX-License-Identifier: MIT */
/*
 * pv_check.c: the ghost specification, recomputed from scratch.
 *
 * Nothing here is shared with the engine but the meaning of the words: what
 * a page's counts must be is summed up from the tables, roots, pins, grants
 * and pending puts that hold it.
 *
 * S1  counts, owners: a type count needs a general count, both need an owner
 * S2  partial is not validated, has one type reference, is an L2-L4; a pin
 *     is on a page that is in use
 * S3  what a validated L2-L4 names is validated, one level below, its owner's
 * S4  what a validated L1 maps writable is WRITABLE, and its owner's or
 *     granted to it
 * S5  a validated table or descriptor page is not writable through any TLB,
 *     and RAM and cache agree; a TLB names no page of somebody else; a page
 *     that is mapped writable and not write-back is NC
 * S6  descriptors were validated by the rules of their present owner
 * S8  no call runs in user mode
 * S10 what the engine remembers of a walk is what the tables say
 * Q1  type counts, Q2 general counts
 *
 * S7 (one vCPU in a page's exclusive section), S9 (an owner changes at count
 * 0 only) and Q4 (work between two polls) end the schedule where they break:
 * hv_bug_if().
 */
#include "hv/core/page_int.h"

#include <stdarg.h>
#include <stdio.h>

#ifdef __clang__
#pragma clang attribute push( \
	__attribute__((no_sanitize("coverage"))), apply_to = function)
#endif

struct check {
	struct pv *pv;
	char *buf;
	size_t len;
	const char *broken;
};

__attribute__((format(printf, 3, 4))) static void broken(
	struct check *c, const char *id, const char *fmt, ...)
{
	va_list ap;

	if (c->broken)
		return;
	c->broken = id;
	va_start(ap, fmt);
	vsnprintf(c->buf, c->len, fmt, ap);
	va_end(ap);
}

#define MUST(cond, id, ...)                         \
	do {                                        \
		if (!(cond))                        \
			broken(c, id, __VA_ARGS__); \
	} while (0)

static unsigned long nr(const struct check *c, const struct hv_page *p)
{
	return (unsigned long)(p - c->pv->pages);
}

/* What the processor reads: the line if there is one, or RAM. */
static uint64_t slot(
	const struct check *c, const struct hv_page *p, unsigned int i)
{
	size_t at = nr(c, p) * c->pv->slots + i;

	if (c->pv->cache && c->pv->line[nr(c, p)] != PV_LINE_NONE)
		return c->pv->cache[at];
	return c->pv->mem[at];
}

static const struct hv_page *child(const struct check *c, uint64_t e)
{
	return PTE_MFN(e) < c->pv->nr_pages ? &c->pv->pages[PTE_MFN(e)] : NULL;
}

static void check_words(struct check *c, const struct hv_page *p)
{
	uint64_t x = p->type, n = PAGE_COUNT(p->count);
	enum hv_type t = PAGE_TYPE(x);
	unsigned long i = nr(c, p);

	MUST(!PAGE_COUNT(x) || n, "S1", "page %lu: type count, but free", i);
	MUST(!(p->count & PAGE_ALLOCATED) || n, "S1",
		"page %lu: allocated, but free", i);
	MUST(!n || p->owner, "S1", "page %lu: nobody's, but in use", i);
	if (x & PAGE_PARTIALLY) {
		MUST(!(x & PAGE_VALID), "S2", "page %lu: P and V", i);
		MUST(PAGE_COUNT(x) == 1, "S2", "page %lu: P, type count %lu", i,
			(unsigned long)PAGE_COUNT(x));
		MUST(type_is_partial(t), "S2", "page %lu: P, type %d", i, t);
		MUST(p->nrv + p->pf > 0 && p->nrv + p->pf <= c->pv->slots, "S2",
			"page %lu: P, nrv %u pf %u", i, p->nrv, p->pf);
	}
	MUST(!(x & PAGE_PINNED) || (PAGE_COUNT(x) && (x & PAGE_VALID)), "S2",
		"page %lu: pinned, not validated", i);
	MUST(!type_is_table(t) || PAGE_COUNT(x) || !(x & PAGE_VALID), "S2",
		"page %lu: a table nobody needs is validated", i);
}

static void check_child(
	struct check *c, const struct hv_page *p, unsigned int i, uint64_t e)
{
	const struct hv_page *q = child(c, e);
	enum hv_type t = PAGE_TYPE(p->type) - 1;

	MUST(pte_bits_ok(e, PAGE_TYPE(p->type)), "S3",
		"page %lu[%u]: forbidden bits", nr(c, p), i);
	MUST(q && q->owner == p->owner, "S3", "page %lu[%u]: not its owner's",
		nr(c, p), i);
	MUST(!q || (PAGE_TYPE(q->type) == t && PAGE_COUNT(q->type) &&
			   (q->type & PAGE_VALID)),
		"S3", "page %lu[%u]: page %lu is not validated below it",
		nr(c, p), i, q ? nr(c, q) : 0);
}

static void check_leaf(
	struct check *c, const struct hv_page *p, unsigned int i, uint64_t e)
{
	const struct hv_page *q = child(c, e);

	MUST(q && PAGE_COUNT(q->count), "S4", "page %lu[%u]: maps a free page",
		nr(c, p), i);
	if (!q)
		return;
	MUST(q->owner == p->owner ||
			pv_granted(c->pv, q, pv_dom_of(c->pv, p->owner)),
		"S4", "page %lu[%u]: page %lu is somebody else's", nr(c, p), i,
		nr(c, q));
	MUST(!(e & PTE_RW) || (PAGE_TYPE(q->type) == HV_TYPE_WRITABLE &&
				      PAGE_COUNT(q->type)),
		"S4", "page %lu[%u]: writable, and page %lu is not", nr(c, p),
		i, nr(c, q));
}

static void check_memtype(
	struct check *c, const struct hv_page *p, unsigned int i, uint64_t e)
{
	const struct hv_page *q = child(c, e);

	MUST(!q || !(e & PTE_RW) || !pte_noncoherent(e) ||
			(q->type & PAGE_NONCOH),
		"S5", "page %lu[%u]: not write-back, and page %lu is not NC",
		nr(c, p), i, nr(c, q));
}

static void check_slots(struct check *c, const struct hv_page *p)
{
	unsigned int i;
	uint64_t e;

	if (!(p->type & PAGE_VALID) || !PAGE_COUNT(p->type) ||
		!type_is_table(PAGE_TYPE(p->type)))
		return;
	for (i = 0; i < c->pv->slots; i++) {
		e = slot(c, p, i);
		if (!(e & PTE_PRESENT))
			continue;
		if (PAGE_TYPE(p->type) != HV_TYPE_L1) {
			check_child(c, p, i, e);
			continue;
		}
		check_leaf(c, p, i, e);
		check_memtype(c, p, i, e);
	}
}

/* Is the page such that its guest must not write it? */
static bool is_protected(const struct hv_page *p)
{
	enum hv_type t = PAGE_TYPE(p->type);

	return (p->type & PAGE_VALID) &&
	       (type_is_table(t) || t == HV_TYPE_SEGDESC ||
		       t == HV_TYPE_SHARED);
}

static void check_cache(struct check *c, const struct hv_page *p)
{
	size_t at = nr(c, p) * c->pv->slots;
	unsigned int i;

	if (!c->pv->cache || c->pv->line[nr(c, p)] != PV_LINE_CLEAN)
		return;
	for (i = 0; i < c->pv->slots; i++)
		MUST(c->pv->cache[at + i] == c->pv->mem[at + i], "S5",
			"page %lu: RAM and cache differ at %u", nr(c, p), i);
}

static void check_pages(struct check *c)
{
	const struct hv_page *p;

	for (p = c->pv->pages; p < c->pv->pages + c->pv->nr_pages; p++) {
		check_words(c, p);
		check_slots(c, p);
		if (is_protected(p) || (!PAGE_COUNT(p->count) && !p->owner))
			check_cache(c, p);
		if ((p->type & PAGE_VALID) &&
			PAGE_TYPE(p->type) == HV_TYPE_SEGDESC)
			MUST(p->valid_for == page_valid_for(p->owner), "S6",
				"page %lu: validated for another domain",
				nr(c, p));
	}
}

static void check_tlb(struct check *c, const struct pv_vcpu *v)
{
	const struct hv_page *p;
	unsigned int i;

	for (i = 0; i < v->tlb_nr; i++) {
		if (!v->tlb[i].valid)
			continue;
		p = child(c, PTE_OF(v->tlb[i].mfn, 0));
		MUST(p, "S5", "vCPU %u: translation to nowhere", v->id);
		if (!p)
			continue;
		MUST(p->owner == v->dom->id || pv_granted(c->pv, p, v->dom),
			"S5", "vCPU %u: translation to page %lu of another",
			v->id, nr(c, p));
		MUST(!v->tlb[i].rw || !is_protected(p), "S5",
			"vCPU %u: writable translation to page %lu, which is "
			"validated",
			v->id, nr(c, p));
	}
}

const char *pv_check_step(struct pv *pv, char *buf, size_t len)
{
	struct check check = {.pv = pv, .buf = buf, .len = len}, *c = &check;
	const struct pv_vcpu *v;

	check_pages(c);
	for (v = pv->vcpus; v; v = v->next) {
		check_tlb(c, v);
		MUST(!v->busy || v->mode == PV_KERNEL, "S8",
			"vCPU %u: a call in user mode", v->id);
		MUST(!v->user_walks, "S8", "vCPU %u: a walk of the user's root",
			v->id);
	}
	return c->broken;
}

/* ---- sums ---------------------------------------------------------------- */

struct sum {
	const struct hv_page *p;
	uint64_t general, type;
};

static void sum_table(
	const struct check *c, const struct hv_page *t, struct sum *s)
{
	bool v = t->type & PAGE_VALID, part = t->type & PAGE_PARTIALLY;
	unsigned int i, n = v ? c->pv->slots : t->nrv;
	uint64_t e;

	if (!type_is_table(PAGE_TYPE(t->type)) || !(v || part))
		return;
	for (i = 0; i < n + (part && t->pf); i++) {
		e = slot(c, t, i);
		if (!(e & PTE_PRESENT) || child(c, e) != s->p)
			continue;
		s->general++;
		if (i < n && (PAGE_TYPE(t->type) != HV_TYPE_L1 || (e & PTE_RW)))
			s->type++;
	}
}

static void sum_vcpu(const struct pv_vcpu *v, struct sum *s)
{
	unsigned int i, n = (v->kroot == s->p) + (v->uroot == s->p);

	for (i = 0; i < v->nr_gdt; i++)
		n += v->gdt[i] == s->p;
	s->general += n;
	s->type += n;
	if (v->pending.page != s->p)
		return;
	s->general++;
	s->type += !v->pending.partial;
}

static void sum_page(struct check *c, const struct hv_page *p)
{
	unsigned int own =
		!!(p->type & PAGE_PINNED) + !!(p->type & PAGE_PARTIALLY);
	struct sum s = {
		.p = p, .general = own + p->held, .type = own + p->held_type};
	const struct pv_vcpu *v;
	uint32_t i;

	s.general += !!(p->count & PAGE_ALLOCATED);
	for (i = 0; i < c->pv->nr_pages; i++)
		sum_table(c, &c->pv->pages[i], &s);
	for (v = c->pv->vcpus; v; v = v->next)
		sum_vcpu(v, &s);
	for (i = 0; i < c->pv->nr_grants; i++) {
		if (!c->pv->grants[i].held || c->pv->grants[i].page != p)
			continue;
		s.general++;
		s.type += c->pv->grants[i].rw;
	}
	MUST(PAGE_COUNT(p->count) == s.general, "Q2",
		"page %lu: general count %lu, found %lu", nr(c, p),
		(unsigned long)PAGE_COUNT(p->count), (unsigned long)s.general);
	MUST(PAGE_COUNT(p->type) == s.type, "Q1",
		"page %lu: type count %lu, found %lu", nr(c, p),
		(unsigned long)PAGE_COUNT(p->type), (unsigned long)s.type);
	MUST(!p->excl && !(p->type & PAGE_LOCKED), "S7",
		"page %lu: locked, and nobody is there", nr(c, p));
}

static void check_lin(struct check *c, const struct pv_vcpu *v)
{
	struct hv_page *pt = NULL;

	if (!v->lin)
		return;
	MUST(!pv_walk(c->pv, v->kroot, v->lin_vpn * c->pv->slots, NULL, &pt,
		     NULL) &&
			pt == v->lin,
		"S10", "vCPU %u: remembers page %lu of an old walk", v->id,
		nr(c, v->lin));
}

const char *pv_check_idle(struct pv *pv, char *buf, size_t len)
{
	struct check check = {.pv = pv, .buf = buf, .len = len}, *c = &check;
	const struct pv_vcpu *v;
	uint64_t owned;
	const struct pv_dom *d;
	uint32_t i;

	c->broken = pv_check_step(pv, buf, len);
	for (i = 0; i < pv->nr_pages; i++)
		sum_page(c, &pv->pages[i]);
	for (v = pv->vcpus; v; v = v->next)
		check_lin(c, v);
	for (d = pv->doms; d; d = d->next) {
		for (owned = 0, i = 0; i < pv->nr_pages; i++)
			owned += pv->pages[i].owner == d->id;
		MUST(owned == d->pages, "Q2",
			"a domain owns %lu pages, not %lu",
			(unsigned long)owned, (unsigned long)d->pages);
	}
	return c->broken;
}

#ifdef __clang__
#pragma clang attribute pop
#endif
