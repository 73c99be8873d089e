/* SPDX-License-Identifier: MIT */
/*
 * dom_pv.c: domains of the machine that have page tables.
 */
#include "hv/core/internal.h"

bool dom_has_tables(const struct hv_dom *d)
{
	return d->cfg.kind == HV_PV && d->cfg.bits == 64;
}

int dom_pv_get(struct hv_dom *d, struct dom_pv **out)
{
	struct dom_pv *p = d->pv;

	if (!dom_has_tables(d))
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

static uint32_t piece(uint64_t va, uint32_t left)
{
	uint32_t n = HV_PAGE_SIZE - (uint32_t)(va % HV_PAGE_SIZE);

	return n < left ? n : left;
}

/* One piece, within a page; with @buf NULL only whether it can be. */
static int access_piece(struct pv_vcpu *v, uint64_t va, uint8_t *buf,
	uint32_t len, unsigned int how)
{
	bool write = how & HV_ACCESS_WRITE;
	struct hv_page *p;
	uint8_t *at;

	if (!va_canonical(va) ||
		pv_access(v, how & HV_ACCESS_USER, va_page(va), write, &p))
		return -EFAULT;
	at = frame_va(frame_of(p)) + va % HV_PAGE_SIZE;
	if (buf)
		memcpy(write ? at : buf, write ? buf : at, len);
	return 0;
}

int hv_mem_access(struct hv_dom *d, uint64_t va, void *buf, uint32_t len,
	unsigned int how)
{
	uint32_t at, n;
	struct dom_pv *p;
	int r, copy;

	if (d->life != LIFE_ALIVE)
		return -EINVAL;
	r = dom_pv_get(d, &p);
	if (r)
		return r;
	if (len > HV_ACCESS_MAX || !va_canonical(va))
		return -EINVAL;
	if (len && len - 1 > UINT64_MAX - va)
		return -EFAULT;
	/* first look, so that nothing is done if not all can be */
	for (copy = 0; copy < 2; copy++) {
		for (at = 0; at < len; at += n) {
			n = piece(va + at, len - at);
			r = access_piece(&p->cpu, va + at,
				copy ? (uint8_t *)buf + at : NULL, n, how);
			if (r)
				return r;
		}
	}
	return 0;
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
