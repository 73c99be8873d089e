/* SPDX-License-Identifier: MIT */
/*
 * pv_tlb.c: the processor in software: walks, translations, cache lines.
 *
 * DOC: what is modelled
 *
 * A vCPU may keep translations after the entries they came from are gone;
 * only a flush removes them.  A page's one cache line may differ from RAM
 * when the guest has written RAM past the cache; the processor may write a
 * line back or drop it at any time (pv_cache_evict()).
 *
 * A walk reads one table after the other, and others may change what it has
 * read already.  A flush is an interrupt, which is taken between two
 * instructions: whoever flushes a vCPU waits for the end of the guest's access
 * that it is in, its walk included.  So after a flush no vCPU goes on from a
 * table that it has read before.
 *
 * A machine whose vCPUs have no TLB (tlb_nr 0) and no cache array, as the
 * one of hvd, pays nothing for this.
 */
#include "hv/core/page_int.h"

#include <string.h>

/* ---- cache --------------------------------------------------------------- */

static uint64_t mfn_of(struct pv *pv, const struct hv_page *p)
{
	return pv->ops->mfn(pv, p);
}

static uint64_t *cached(struct pv *pv, const struct hv_page *p)
{
	return &pv->cache[mfn_of(pv, p) * pv->slots];
}

static uint8_t *line_of(struct pv *pv, const struct hv_page *p)
{
	return &pv->line[mfn_of(pv, p)];
}

/* The words of a page as a cached access sees them. */
static uint64_t *view(struct pv *pv, struct hv_page *p)
{
	uint64_t *ram = pv->ops->words(pv, p);

	if (!pv->cache)
		return ram;
	if (*line_of(pv, p) == PV_LINE_NONE) {
		memcpy(cached(pv, p), ram, pv->slots * sizeof(*ram));
		*line_of(pv, p) = PV_LINE_CLEAN;
	}
	return cached(pv, p);
}

static void dirty(struct pv *pv, struct hv_page *p)
{
	if (pv->cache)
		*line_of(pv, p) = PV_LINE_DIRTY;
}

/* Before an access to a slot.  The address is worked out without view(),
 * which may fill the line: nothing happens before the others have run. */
static inline void slot_point(struct pv *pv, const struct hv_page *p,
	unsigned int i, enum hv_point_id id)
{
	(void)pv;
	(void)p;
	(void)i;
	(void)id;
	hv_point_at(
		id, &(pv->cache ? cached(pv, p) : pv->ops->words(pv, p))[i]);
}

uint64_t pv_slot_read(struct pv *pv, struct hv_page *p, unsigned int i)
{
	slot_point(pv, p, i, HV_POINT_LOAD);
	return __atomic_load_n(&view(pv, p)[i], __ATOMIC_ACQUIRE);
}

bool pv_slot_cas(struct pv *pv, struct hv_page *p, unsigned int i, uint64_t old,
	uint64_t new)
{
	slot_point(pv, p, i, HV_POINT_CAS);
	if (!__atomic_compare_exchange_n(&view(pv, p)[i], &old, new, false,
		    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return false;
	dirty(pv, p);
	return true;
}

void pv_slot_write(
	struct pv *pv, struct hv_page *p, unsigned int i, uint64_t val)
{
	slot_point(pv, p, i, HV_POINT_STORE);
	__atomic_store_n(&view(pv, p)[i], val, __ATOMIC_RELEASE);
	dirty(pv, p);
}

void pv_cache_evict(struct pv *pv, struct hv_page *p)
{
	if (!pv->cache)
		return;
	if (*line_of(pv, p) == PV_LINE_DIRTY)
		memcpy(pv->ops->words(pv, p), cached(pv, p),
			pv->slots * sizeof(uint64_t));
	/* what is not in the cache is nothing: equal states look equal */
	memset(cached(pv, p), 0, pv->slots * sizeof(uint64_t));
	*line_of(pv, p) = PV_LINE_NONE;
}

void pv_cache_flush(struct pv *pv, struct hv_page *p)
{
	if (!pv->cache)
		return;
	hv_point_at(HV_POINT_FLUSH, &p->type);
	pv_cache_evict(pv, p);
}

/* ---- translations -------------------------------------------------------- */

void pv_tlb_flush_one(struct pv_vcpu *v)
{
	memset(v->tlb, 0, sizeof(v->tlb));
	v->tlb_next = 0;
}

static void flush_remote(struct pv_vcpu *v)
{
	while (hv_load(&v->in_insn))
		hv_point(HV_POINT_WAIT);
	pv_tlb_flush_one(v);
}

void pv_tlb_flush(struct pv *pv, const struct pv_dom *d)
{
	struct pv_vcpu *v;

	if (!pv->has_tlb)
		return;
	hv_point(HV_POINT_FLUSH);
	for (v = pv->vcpus; v; v = v->next) {
		if (!d || v->dom == d)
			flush_remote(v);
	}
}

void pv_lin_flush(struct pv *pv, const struct pv_dom *d)
{
	struct pv_vcpu *v;

	for (v = pv->vcpus; v; v = v->next) {
		if (v->dom == d)
			hv_store_rel(&v->lin, NULL);
	}
}

/* Which slot of a table of @level maps page number @vpn. */
static unsigned int slot_of(const struct pv *pv, uint64_t vpn, unsigned int lvl)
{
	while (--lvl > 0)
		vpn /= pv->slots;
	return (unsigned int)(vpn % pv->slots);
}

/* The processor reads through the cache, but a walk fills no line. */
static uint64_t walk_read(struct pv *pv, struct hv_page *p, unsigned int i)
{
	const uint64_t *w = pv->ops->words(pv, p);

	slot_point(pv, p, i, HV_POINT_LOAD);
	if (pv->cache && *line_of(pv, p) != PV_LINE_NONE)
		w = cached(pv, p);
	return __atomic_load_n(&w[i], __ATOMIC_ACQUIRE);
}

int pv_walk(struct pv *pv, struct hv_page *root, uint64_t vpn, uint64_t *e,
	struct hv_page **pt, unsigned int *slot)
{
	struct hv_page *p = root;
	unsigned int lvl, i = 0;
	uint64_t x = 0;

	if (!root)
		return -EFAULT;
	for (lvl = pv->levels; lvl > 0; lvl--) {
		i = slot_of(pv, vpn, lvl);
		if (lvl == 1 && pt)
			*pt = p;
		x = walk_read(pv, p, i);
		/* an L1 is found even if its entry maps nothing */
		if (lvl == 1)
			break;
		p = x & PTE_PRESENT ? pv_page(pv, PTE_MFN(x)) : NULL;
		if (!p)
			return -EFAULT;
	}
	if (slot)
		*slot = i;
	if (e)
		*e = x;
	return 0;
}

int pv_access(struct pv_vcpu *v, bool user, uint64_t vpn, bool rw,
	struct hv_page **page)
{
	const uint64_t need =
		PTE_PRESENT | (rw ? PTE_RW : 0) | (user ? PTE_USER : 0);
	struct hv_page *p = user ? v->uroot : v->kroot;
	unsigned int lvl;
	uint64_t e;

	for (lvl = v->pv->levels; p && lvl > 0; lvl--) {
		e = walk_read(v->pv, p, slot_of(v->pv, vpn, lvl));
		p = (e & need) == need ? pv_page(v->pv, PTE_MFN(e)) : NULL;
	}
	*page = p;
	return p ? 0 : -EFAULT;
}

static struct pv_tlb_entry *tlb_find(struct pv_vcpu *v, uint64_t vpn, bool rw)
{
	unsigned int i;

	for (i = 0; i < v->tlb_nr; i++) {
		if (v->tlb[i].valid && v->tlb[i].vpn == vpn &&
			v->tlb[i].mode == v->mode && (v->tlb[i].rw || !rw))
			return &v->tlb[i];
	}
	return NULL;
}

static int translate(
	struct pv_vcpu *v, uint64_t vpn, bool rw, struct pv_tlb_entry *t)
{
	struct hv_page *root = v->mode == PV_USER ? v->uroot : v->kroot;
	const struct pv_tlb_entry *hit = tlb_find(v, vpn, rw);
	uint64_t e;

	if (hit) {
		*t = *hit;
		return 0;
	}
	if (pv_walk(v->pv, root, vpn, &e, NULL, NULL))
		return -EFAULT;
	if (!(e & PTE_PRESENT) || (rw && !(e & PTE_RW)) ||
		(v->mode == PV_USER && !(e & PTE_USER)))
		return -EFAULT;
	*t = (struct pv_tlb_entry){.vpn = vpn,
		.mfn = PTE_MFN(e),
		.valid = 1,
		.rw = !!(e & PTE_RW),
		.nc = pte_noncoherent(e),
		.mode = v->mode};
	if (v->tlb_nr) {
		v->tlb[v->tlb_next] = *t;
		v->tlb_next = (uint8_t)((v->tlb_next + 1) % v->tlb_nr);
	}
	return 0;
}

/* The word that an access goes to, past the cache if *nc; NULL: a fault. */
static uint64_t *target(struct pv_vcpu *v, uint64_t vpn, unsigned int word,
	bool rw, struct pv_tlb_entry *t)
{
	struct hv_page *p;

	if (word >= v->pv->slots || translate(v, vpn, rw, t))
		return NULL;
	p = pv_page(v->pv, t->mfn);
	if (!p)
		return NULL;
	slot_point(v->pv, p, word, rw ? HV_POINT_STORE : HV_POINT_LOAD);
	return t->nc ? &v->pv->ops->words(v->pv, p)[word]
		     : &view(v->pv, p)[word];
}

/* From here to insn_end() nobody flushes the vCPU.  No step of its own. */
static void insn_begin(struct pv_vcpu *v)
{
	__atomic_store_n(&v->in_insn, 1, __ATOMIC_SEQ_CST);
}

static int insn_end(struct pv_vcpu *v, int r)
{
	__atomic_store_n(&v->in_insn, 0, __ATOMIC_RELEASE);
	return r;
}

int pv_guest_read(
	struct pv_vcpu *v, uint64_t vpn, unsigned int word, uint64_t *val)
{
	struct pv_tlb_entry t;
	const uint64_t *w;

	insn_begin(v);
	w = target(v, vpn, word, false, &t);
	if (w)
		*val = __atomic_load_n(w, __ATOMIC_ACQUIRE);
	return insn_end(v, w ? 0 : -EFAULT);
}

int pv_guest_write(
	struct pv_vcpu *v, uint64_t vpn, unsigned int word, uint64_t val)
{
	struct pv_tlb_entry t;
	uint64_t *w;

	insn_begin(v);
	w = target(v, vpn, word, true, &t);
	if (w) {
		__atomic_store_n(w, val, __ATOMIC_RELEASE);
		if (!t.nc)
			dirty(v->pv, pv_page(v->pv, t.mfn));
	}
	return insn_end(v, w ? 0 : -EFAULT);
}
