/* SPDX-License-Identifier: MIT */
/*
 * pv.c: a machine of PV domains over plain arrays, and the table of faults.
 */
#include "hv/core/page_int.h"

#include <string.h>

#ifdef HV_FAULTS
enum hv_fault hv_fault_on;
const struct hv_fault_info hv_fault_table[HV_NR_FAULTS] = {
	{"none", "nothing is broken"},
#define HV_FAULT_ROW(sym, name, text) {name, text},
	HV_FAULT_LIST(HV_FAULT_ROW)
#undef HV_FAULT_ROW
};
#endif

static struct hv_page *flat_page(struct pv *pv, uint64_t mfn)
{
	return mfn < pv->nr_pages ? &pv->pages[mfn] : NULL;
}

static uint64_t flat_mfn(struct pv *pv, const struct hv_page *p)
{
	return (uint64_t)(p - pv->pages);
}

static uint64_t *flat_words(struct pv *pv, const struct hv_page *p)
{
	return &pv->mem[flat_mfn(pv, p) * pv->slots];
}

void dom_uncharge(struct pv_dom *d)
{
	uint64_t x;

	do {
		x = hv_load(&d->pages);
		hv_bug_if(!x, "a domain has fewer pages than none");
	} while (!hv_cas(&d->pages, x, x - 1));
	/* a zombie's last page */
	if (x == 1)
		(void)hv_cas(&d->dying, 1, 2);
}

/*
 * A page is scrubbed by stores that go past the cache, as processors can;
 * they take the line with them, but not one that differs from RAM and does
 * not know it.
 */
static void flat_scrub(struct pv *pv, struct hv_page *p)
{
	uint64_t mfn = flat_mfn(pv, p), *ram = flat_words(pv, p);
	size_t len = pv->slots * sizeof(*ram);
	unsigned int i;

	if (pv->cache &&
		(pv->line[mfn] == PV_LINE_DIRTY ||
			!memcmp(&pv->cache[mfn * pv->slots], ram, len)))
		pv_cache_evict(pv, p);
	/* a walk may still be reading it, and will find that it is over */
	for (i = 0; i < pv->slots; i++)
		__atomic_store_n(&ram[i], 0, __ATOMIC_RELAXED);
}

static void flat_freed(struct pv *pv, struct hv_page *p, uint64_t owner)
{
	struct pv_dom *d = pv_dom_of(pv, owner);

	flat_scrub(pv, p);
	hv_store_rel(&p->count, 0);
	if (d)
		dom_uncharge(d);
}

static struct hv_page *flat_owned(
	struct pv *pv, const struct pv_dom *d, uint64_t *cursor)
{
	for (; *cursor < pv->nr_pages; (*cursor)++) {
		if (hv_load(&pv->pages[*cursor].owner) == d->id)
			return &pv->pages[(*cursor)++];
	}
	return NULL;
}

static struct hv_page *flat_alloc(struct pv *pv)
{
	uint32_t i;

	for (i = 0; i < pv->nr_pages; i++) {
		if (!hv_load(&pv->pages[i].count) &&
			hv_cas(&pv->pages[i].count, 0, PAGE_CLAIMED))
			return &pv->pages[i];
	}
	return NULL;
}

const struct pv_ops pv_flat_ops = {
	.page = flat_page,
	.mfn = flat_mfn,
	.words = flat_words,
	.freed = flat_freed,
	.owned = flat_owned,
	.alloc = flat_alloc,
};

void pv_init(struct pv *pv)
{
	pv->doms = NULL;
	pv->vcpus = NULL;
	pv->has_tlb = 0;
	if (!pv->ops)
		pv->ops = &pv_flat_ops;
}

void pv_add_dom(struct pv *pv, struct pv_dom *d)
{
	d->next = pv->doms;
	pv->doms = d;
}

void pv_add_vcpu(struct pv *pv, struct pv_dom *d, struct pv_vcpu *v)
{
	v->pv = pv;
	v->dom = d;
	v->next = pv->vcpus;
	pv->vcpus = v;
	pv->has_tlb |= v->tlb_nr > 0;
}

void pv_remove_dom(struct pv *pv, struct pv_dom *d)
{
	struct pv_dom **at;

	for (at = &pv->doms; *at; at = &(*at)->next) {
		if (*at == d) {
			*at = d->next;
			return;
		}
	}
}

void pv_remove_vcpu(struct pv *pv, struct pv_vcpu *v)
{
	struct pv_vcpu **at;

	for (at = &pv->vcpus; *at; at = &(*at)->next) {
		if (*at == v) {
			*at = v->next;
			return;
		}
	}
}

struct pv_dom *pv_dom_of(struct pv *pv, uint64_t id)
{
	struct pv_dom *d;

	for (d = pv->doms; d && d->id != id; d = d->next)
		;
	return d;
}
