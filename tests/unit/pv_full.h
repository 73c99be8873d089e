/* SPDX-License-Identifier: MIT */
/*
 * pv_full.h: a PV machine with tables of full size, and any call on it.
 *
 * Pages have a level that they mostly play (by their number), so that trees
 * grow which are deep enough to be promoted in steps, and mistakes happen
 * often enough.
 */
#ifndef TESTS_UNIT_PV_FULL_H
#define TESTS_UNIT_PV_FULL_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hv/core/pv.h"
#include "tests/soak.h"

enum {
	FULL_SLOTS = 512,
	FULL_PAGES = 64,
	FULL_DOMS = 3,
	FULL_CPUS = 5,
	FULL_GRANTS = 8,
	FULL_FIRST_2 = 40, /* domain 1's are 1.., these domain 2's */
	FULL_FREE = 56,
};

#define RO (PTE_PRESENT | PTE_USER)
#define RW (RO | PTE_RW)

struct full {
	struct pv pv;
	struct pv_dom dom[FULL_DOMS];
	struct pv_vcpu cpu[FULL_CPUS]; /* 0: the killer's; 1, 3; 2, 4 */
	struct hv_page pages[FULL_PAGES];
	struct pv_grant grants[FULL_GRANTS];
	uint64_t mem[FULL_PAGES * FULL_SLOTS];
	uint64_t cache[FULL_PAGES * FULL_SLOTS];
	uint8_t line[FULL_PAGES];
};

static struct full full;

/* @model: with TLBs and caches. */
static inline void full_init(bool model, bool explicit_pins)
{
	unsigned int i;

	memset(&full, 0, sizeof(full));
	full.pv = (struct pv){.slots = FULL_SLOTS,
		.levels = 4,
		.explicit_pins = explicit_pins,
		.pages = full.pages,
		.mem = full.mem,
		.cache = model ? full.cache : NULL,
		.line = model ? full.line : NULL,
		.nr_pages = FULL_PAGES,
		.grants = full.grants,
		.nr_grants = FULL_GRANTS};
	pv_init(&full.pv);
	for (i = 0; i < FULL_DOMS; i++) {
		full.dom[i].id = PAGE_OWNER(i, i + 1);
		full.dom[i].bits = i == 1 ? 32 : 64;
		pv_add_dom(&full.pv, &full.dom[i]);
	}
	for (i = 0; i < FULL_CPUS; i++) {
		full.cpu[i].id = (uint8_t)i;
		full.cpu[i].tlb_nr = model ? 3 : 0;
		full.cpu[i].budget = 1000;
		pv_add_vcpu(
			&full.pv, &full.dom[i > 2 ? i - 2 : i], &full.cpu[i]);
	}
	for (i = 1; i < FULL_FREE; i++) {
		full.pages[i].count = PAGE_CLAIMED;
		if (page_assign(&full.cpu[0], &full.pages[i],
			    &full.dom[i < FULL_FIRST_2 ? 1 : 2]))
			abort();
	}
}

/* The level that a page plays, 0 for one that is just data. */
static inline unsigned int full_level(uint64_t mfn)
{
	static const uint8_t level[8] = {4, 3, 2, 1, 1, 0, 0, 0};

	return level[mfn % 8];
}

/* A page of the vCPU's domain, wherever transfers have left them. */
static inline uint64_t full_own(uint64_t *s, const struct pv_vcpu *v)
{
	uint64_t mfn = 0;
	unsigned int tries;

	for (tries = 0; tries < 16; tries++) {
		mfn = 1 + soak_rnd(s, FULL_FREE - 1);
		if (__atomic_load_n(&full.pages[mfn].owner, __ATOMIC_RELAXED) ==
			v->dom->id)
			break;
	}
	return mfn;
}

static inline uint64_t full_mfn(uint64_t *s, const struct pv_vcpu *v)
{
	return soak_rnd(s, 64) ? full_own(s, v) : soak_rnd(s, FULL_PAGES + 2);
}

/* An entry for a table that plays @level; wrong ones are for tables that are
 * in use and refuse them, or nothing would ever be promoted. */
static inline uint64_t full_entry(
	uint64_t *s, const struct pv_vcpu *v, unsigned int level, bool in_use)
{
	static const uint64_t odd[] = {
		RO, RW | PTE_A, RW | PTE_PCD, RW | PTE_PSE, RW | PTE_PKEY};
	uint64_t mfn = full_own(s, v);
	uint64_t wrong = soak_rnd(s, in_use ? 16 : 20000);
	unsigned int tries;

	if (soak_rnd(s, 4) == 0)
		return 0;
	if (wrong == 0)
		return PTE_OF(full_mfn(s, v), odd[soak_rnd(s, 5)]);
	for (tries = 0; level > 1 && tries < 64; tries++) {
		if (full_level(mfn) == level - 1)
			break;
		mfn = full_own(s, v);
	}
	return PTE_OF(mfn, level > 1 || full_level(mfn) == 0 ? RW : RO);
}

static inline unsigned int full_slot(uint64_t *s)
{
	return soak_rnd(s, 2) ? soak_rnd(s, FULL_SLOTS)
			      : soak_rnd(s, 4) * 73 + soak_rnd(s, 2);
}

/* A virtual page: mostly one that the vCPU's tables lead to. */
static inline uint64_t full_vpn(uint64_t *s, struct pv_vcpu *v)
{
	struct hv_page *p = NULL;
	uint64_t vpn = 0, e = 0;
	unsigned int lvl, slot = 0, tries;

#ifndef HV_THREADS /* there it may be killed meanwhile */
	if (soak_rnd(s, 8))
		p = v->kroot;
#endif
	for (lvl = 4; lvl > 0; lvl--) {
		for (tries = 0; tries < 16; tries++) {
			slot = tries ? full_slot(s) : soak_rnd(s, 4) * 73;
			e = p ? pv_slot_read(v->pv, p, slot) : 0;
			if (!p || e & PTE_PRESENT)
				break;
		}
		vpn = vpn * FULL_SLOTS + slot;
		p = e & PTE_PRESENT ? pv_page(v->pv, PTE_MFN(e)) : NULL;
	}
	return vpn;
}

enum full_op {
	OP_PIN,
	OP_UNPIN,
	OP_ROOT,
	OP_MOD,
	OP_VA,
	OP_GDT,
	OP_MAP,
	OP_UNMAP,
	OP_TRANSFER,
	OP_DECREASE,
	OP_WRITE,
	OP_READ,
	OP_EVICT,
	NR_OPS
};

struct full_call {
	struct pv_vcpu *v;
	enum full_op op;
	uint64_t mfn, to, e;
	unsigned int slot, level;
	bool flag;
	uint32_t budget; /* for the caller to give */
};

/* How often each is made. */
static inline enum full_op full_pick(uint64_t *s, bool model)
{
	static const uint8_t often[NR_OPS] = {[OP_PIN] = 16,
		[OP_UNPIN] = 10,
		[OP_ROOT] = 8,
		[OP_MOD] = 60,
		[OP_VA] = 20,
		[OP_GDT] = 4,
		[OP_MAP] = 4,
		[OP_UNMAP] = 4,
		[OP_TRANSFER] = 2,
		[OP_DECREASE] = 0,
		[OP_WRITE] = 20,
		[OP_READ] = 4,
		[OP_EVICT] = 4};
	unsigned int op, n;

	if (soak_rnd(s, 4096) == 0)
		return OP_DECREASE;
	do {
		n = soak_rnd(s, 156);
		for (op = 0; n >= often[op]; op++)
			n -= often[op];
	} while (op >= OP_WRITE && !model);
	return (enum full_op)op;
}

/* Something with a page that the vCPU has a translation of. */
static inline void full_choose_recent(uint64_t *s, struct full_call *c)
{
	const struct pv_tlb_entry *t = &c->v->tlb[soak_rnd(s, 3)];

	if (!t->valid)
		return;
	c->mfn = t->mfn;
	c->level = 1;
	switch (soak_rnd(s, 8)) {
	case 0: c->op = OP_PIN; return;
	case 1: c->op = OP_TRANSFER; return;
	case 2: c->op = soak_rnd(s, 16) ? OP_PIN : OP_DECREASE; return;
	default: break;
	}
	c->op = OP_VA;
	c->mfn = t->vpn;
	c->e = soak_rnd(s, 4) ? 0 : PTE_OF(t->mfn, RW | PTE_PCD);
}

static inline void full_choose(
	uint64_t *s, struct pv_vcpu *v, bool model, struct full_call *c)
{
	static const uint32_t budget[] = {0, 1, 3, 40, 600, 100000};

	bool in_use;

	c->v = v;
	c->op = full_pick(s, model);
	c->mfn = full_mfn(s, v);
	c->to = soak_rnd(s, 2) ? full_mfn(s, v)
			       : 1 + soak_rnd(s, FULL_FREE - 1);
	c->level = full_level(c->mfn);
	if (c->level == 0 || soak_rnd(s, 16) == 0)
		c->level = 1 + soak_rnd(s, 4);
	c->slot = full_slot(s);
	in_use = c->mfn < FULL_PAGES &&
		 type_is_table(page_type(&full.pages[c->mfn]));
	if (!in_use && full_level(c->mfn))
		c->level = full_level(c->mfn);
	c->e = full_entry(s, v, c->level, in_use);
	c->flag = soak_rnd(s, 2);
	if (c->op == OP_VA || c->op == OP_WRITE || c->op == OP_READ) {
		c->mfn = full_vpn(s, v);
		if (c->op == OP_VA)
			c->e = full_entry(s, v, 1, true);
	} else if (in_use && c->op == OP_MOD && soak_rnd(s, 4) == 0) {
		/* one bit alone */
		c->e = pv_slot_read(v->pv, &full.pages[c->mfn], c->slot) ^
		       (soak_rnd(s, 2) ? PTE_PCD : 1ull << soak_rnd(s, 64));
	}
	if (model && soak_rnd(s, 4) == 0)
		full_choose_recent(s, c);
	c->budget = budget[soak_rnd(s, 6)];
}

/* @g: the grant of OP_UNMAP, and the new one of OP_MAP. */
static inline int full_make(const struct full_call *c, struct pv_grant **g)
{
	struct pv_dom *to = &full.dom[c->v->dom == &full.dom[1] ? 2 : 1];
	uint64_t x;

	switch (c->op) {
	case OP_PIN: return pv_pin(c->v, c->mfn, c->level);
	case OP_UNPIN: return pv_unpin(c->v, c->mfn);
	case OP_ROOT: return pv_set_root(c->v, c->mfn, c->flag);
	case OP_MOD: return pv_mod_entry(c->v, c->mfn, c->slot, c->e);
	case OP_VA: return pv_update_va(c->v, c->mfn, c->e);
	case OP_GDT: return pv_set_gdt(c->v, &c->mfn, c->flag);
	case OP_MAP:
		return pv_grant_map(c->v, c->mfn, c->slot, c->to, c->flag, g);
	case OP_UNMAP: return g && *g ? pv_grant_unmap(c->v, *g) : -EINVAL;
	case OP_TRANSFER: return pv_transfer(c->v, c->mfn, to);
	case OP_DECREASE: return pv_decrease(c->v, c->mfn);
	case OP_WRITE: return pv_guest_write(c->v, c->mfn, c->slot, c->e);
	case OP_READ: return pv_guest_read(c->v, c->mfn, c->slot, &x);
	case OP_EVICT:
		if (c->mfn < FULL_PAGES)
			pv_cache_evict(&full.pv, &full.pages[c->mfn]);
		return 0;
	case NR_OPS: break;
	}
	abort();
}

static const char *const full_op_name[NR_OPS] = {"pin", "unpin", "root",
	"mod_entry", "update_va", "set_gdt", "grant_map", "grant_unmap",
	"transfer", "decrease", "guest_write", "guest_read", "evict"};

#endif
