/* SPDX-License-Identifier: MIT */
/*
 * check_pv.c: what page tables hold, summed up for hv_check().
 *
 * As pv_check.c does it for the machines of tests; here between two calls,
 * when no page is locked for validation.  S2 to S4 are looked at on the way.
 */
#include "hv/core/internal.h"

#ifdef __clang__
#pragma clang attribute push( \
	__attribute__((no_sanitize("coverage"))), apply_to = function)
#endif

static void hold(const struct hv_page *p, bool type)
{
	struct hv_frame *f;

	if (!p)
		return;
	f = frame_of(p);
	f->seen++;
	f->seen_t += type;
}

static void visit_slot(
	struct hv *hv, const struct hv_frame *f, uint64_t e, bool partial)
{
	struct hv_page *q = hv->pv.ops->page(&hv->pv, PTE_MFN(e));
	enum hv_type t = page_type(&f->page), want = t - 1;

	if (!(e & PTE_PRESENT))
		return;
	hv_bug_if(!q || q->owner != f->page.owner,
		"S3: a table names a page that is not its owner's");
	if (partial) {
		hold(q, false);
		return;
	}
	if (t == HV_TYPE_L1 && !(e & PTE_RW)) {
		hold(q, false);
		return;
	}
	if (t == HV_TYPE_L1)
		want = HV_TYPE_WRITABLE;
	hv_bug_if(page_type(q) != want || !(q->type & PAGE_VALID),
		"S3, S4: a table names a page of another type");
	hold(q, true);
}

static void visit_table(struct hv *hv, const struct hv_frame *f)
{
	const uint64_t *slot = (const uint64_t *)(const void *)frame_va(f);
	uint64_t x = f->page.type;
	unsigned int i, nr = 0;

	if (x & PAGE_PINNED)
		hold(&f->page, true);
	if (x & PAGE_PARTIALLY) {
		hv_bug_if(x & PAGE_VALID, "S2: partial, and validated");
		hold(&f->page, true);
		nr = f->page.nrv;
		if (f->page.pf)
			visit_slot(hv, f, slot[nr], true);
	} else if (x & PAGE_VALID && PAGE_COUNT(x)) {
		nr = hv->pv.slots;
	}
	if (nr)
		hv_bug_if(f->run->kind != HV_RUN_TABLE,
			"S5: a table that its guest can write");
	for (i = 0; i < nr; i++)
		visit_slot(hv, f, slot[i], false);
}

static void visit_cpu(const struct pv_vcpu *v)
{
	unsigned int i;

	hv_bug_if(v->busy, "a vCPU is inside a call");
	hold(v->kroot, true);
	hold(v->uroot, true);
	for (i = 0; i < v->nr_gdt; i++) {
		hv_bug_if(frame_of(v->gdt[i])->run->kind != HV_RUN_TABLE,
			"S5: descriptors that their guest can write");
		hold(v->gdt[i], true);
	}
	hold(v->pending.page, !v->pending.partial);
}

void check_pv_visit(struct hv_dom *d)
{
	struct hv_run *r;
	uint32_t i;

	if (!d->pv)
		return;
	visit_cpu(&d->pv->cpu);
	for (r = d->runs; r; r = r->next) {
		for (i = 0; r->mfn && i < r->nr; i++)
			if (frame_count(&r->frames[i]) &&
				type_is_table(page_type(&r->frames[i].page)))
				visit_table(d->hv, &r->frames[i]);
	}
}

#ifdef __clang__
#pragma clang attribute pop
#endif
