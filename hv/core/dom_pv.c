/* SPDX-License-Identifier: MIT */
/*
 * dom_pv.c: domains of the machine that have page tables.
 */
#include "hv/core/internal.h"

int dom_pv_get(struct hv_dom *d, struct dom_pv **out)
{
	struct dom_pv *p = d->pv;

	if (d->cfg.kind != HV_PV || d->cfg.bits != 64)
		return -ENOSYS;
	if (!p) {
		p = hv_alloc(d->hv, sizeof(*p));
		if (!p)
			return -ENOMEM;
		p->dom.id = PAGE_OWNER(d->domid, d->gen);
		p->dom.bits = d->cfg.bits;
		p->dom.kind = PV_KIND_PV;
		pv_add_dom(&d->hv->pv, &p->dom);
		pv_add_vcpu(&d->hv->pv, &p->dom, &p->cpu);
		d->pv = p;
	}
	*out = p;
	return 0;
}

void dom_pv_trap(struct hv_dom *d)
{
	if (d->pv)
		d->pv->cpu.mode = PV_KERNEL;
}

int dom_pv_kill(struct hv_dom *d, uint32_t *budget)
{
	struct hv *hv = d->hv;
	struct dom_pv *p = d->pv;
	int r;

	if (!p)
		return 0;
	hv->self.budget = *budget;
	r = pv_kill_tables(&hv->self, &p->dom);
	*budget = hv->self.budget;
	hv->self.budget = 0;
	if (r)
		return r;
	pv_remove_vcpu(&hv->pv, &p->cpu);
	pv_remove_dom(&hv->pv, &p->dom);
	d->pv = NULL;
	hv_release(hv, p, sizeof(*p));
	return 0;
}
