/* SPDX-License-Identifier: MIT */
/*
 * hc_pv.h - a PV domain and its calls about page tables, for tests
 */
#ifndef TESTS_UNIT_HC_PV_H
#define TESTS_UNIT_HC_PV_H

#include "tests/unit/hv_call.h"

#include "hv/core/internal.h"

enum {
	REQS = 0x100,
	DONE = 0x80,
	MASK = 0x88,
	FRAME = 0x1000, /* of iret */
	LIST = 0x3000,  /* of a multicall */
	PAGES = 16,     /* gfns: 0 L4, 1 L3, 2 L2, 3 L1, 4.. memory */
	PV_ID = 2,
};

#define FLAGS (PTE_PRESENT | PTE_RW | PTE_USER)

struct pv_env {
	struct env *e;
	struct hv_dom *d;
	struct hv_call c;
	uint64_t mfn[PAGES];
	unsigned int restarts; /* of the last call */
};

static inline struct hv_dom *pv_dom_new(
	struct env *e, uint32_t domid, uint8_t bits)
{
	struct hv_dom_config cfg = {.bits = bits, .kind = HV_PV};
	struct hv_dom *d;
	uint64_t gfn = 0;

	ck_assert_int_eq(hv_dom_create(e->h.hv, domid, &cfg, &d), 0);
	ck_assert_int_eq(hv_mem_set_max(d, 256), 0);
	ck_assert_int_eq(hv_mem_populate(d, HV_RUN_RAM, PAGES, &gfn, NULL), 0);
	ck_assert_int_eq(hv_dom_unpause(d), 0);
	return d;
}

static inline struct pv_env *pv_new(uint32_t budget)
{
	struct pv_env *p = calloc(1, sizeof(*p));
	unsigned int i;

	ck_assert_ptr_nonnull(p);
	p->e = env_new();
	p->d = pv_dom_new(p->e, PV_ID, 64);
	p->c = (struct hv_call){
		.dom = p->d, .mem = &p->e->g.m, .budget = budget};
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(hv_mem_table(p->d, i, &p->mfn[i]), 0);
	for (; i < PAGES; i++)
		ck_assert_int_eq(hv_mem_mfn(p->d, i, &p->mfn[i]), 0);
	return p;
}

/* Everything goes, and nothing is left. */
static inline void pv_end(struct pv_env *p)
{
	env_end(p->e);
	free(p);
}

static inline int64_t call4(struct pv_env *p, unsigned int op, uint64_t a,
	uint64_t b, uint64_t x, uint64_t y)
{
	uint64_t arg[6] = {a, b, x, y};
	int64_t r = hv_hypercall(&p->c, op, arg);

	for (p->restarts = 0; r == -ERESTART; p->restarts++)
		r = hv_hypercall_continue(&p->c);
	return r;
}

static inline int64_t update(
	struct pv_env *p, uint64_t mfn, unsigned int slot, uint64_t val)
{
	struct mmu_update u = {.ptr = mfn << 12 | slot * 8ull, .val = val};

	memcpy(at(p->e, REQS), &u, sizeof(u));
	return call4(p, __HYPERVISOR_mmu_update, REQS, 1, DONE, DOMID_SELF);
}

static inline int64_t ext(struct pv_env *p, unsigned int cmd, uint64_t mfn)
{
	struct mmuext_op op = {.cmd = cmd, .arg1.mfn = mfn};

	memcpy(at(p->e, REQS), &op, sizeof(op));
	return call4(p, __HYPERVISOR_mmuext_op, REQS, 1, DONE, DOMID_SELF);
}

static inline uint32_t done(struct pv_env *p)
{
	uint32_t n;

	memcpy(&n, at(p->e, DONE), sizeof(n));
	return n;
}

/* Virtual page 0 is gfn 4. */
static inline void build(struct pv_env *p)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		ck_assert_int_eq(
			update(p, p->mfn[i], 0, PTE_OF(p->mfn[i + 1], FLAGS)),
			0);
	ck_assert_uint_eq(done(p), 1);
}

static inline struct hv_frame *frame(struct pv_env *p, uint64_t gfn)
{
	return p2m_get(p->d, gfn);
}

#endif
