/* SPDX-License-Identifier: MIT */
/*
 * dom.c: domains while they live: birth, pause, shutdown, what is shown.
 */
#include "hv/core/internal.h"

#include <xen/sched.h>

void dom_event(struct hv_dom *d, enum hv_dom_event ev)
{
	d->hv->host->dom_event(d->hv->ctx, d, ev);
}

/* The next free domid after the last one given out, so that none is reused
 * while another is left. */
static int domid_pick(struct hv *hv, uint32_t *domid)
{
	uint32_t i, id = hv->next_domid;

	for (i = 1; i < DOM_END; i++) {
		if (!hv_dom_find(hv, id)) {
			*domid = id;
			return 0;
		}
		if (++id == DOM_END)
			id = 1;
	}
	return -ENOSPC;
}

static int config_check(const struct hv_dom_config *cfg, uint32_t domid)
{
	if (domid >= DOM_END)
		return -EINVAL;
	if (cfg->bits != 32 && cfg->bits != 64)
		return -EINVAL;
	if (cfg->kind != HV_PV && cfg->kind != HV_PVH && cfg->kind != HV_HVM)
		return -EINVAL;
	if (cfg->max_vcpus > HV_MAX_VCPUS)
		return -EINVAL;
	if (cfg->max_grant_frames > 4096 || cfg->max_maptrack > 1u << 20)
		return -EINVAL;
	return 0;
}

static void dom_init(struct hv_dom *d, struct hv *hv, uint32_t domid,
	const struct hv_dom_config *cfg)
{
	d->hv = hv;
	d->domid = domid;
	d->gen = hv->last_gen + 1;
	d->cfg = *cfg;
	if (!d->cfg.max_vcpus)
		d->cfg.max_vcpus = 1;
	if (!d->cfg.max_grant_frames)
		d->cfg.max_grant_frames = hv->limits.max_grant_frames;
	if (!d->cfg.max_maptrack)
		d->cfg.max_maptrack = hv->limits.max_maptrack;
	d->pauses = cfg->control ? 0 : 1;
	d->max_pages = cfg->control ? hv->limits.max_pages : 0;
	hv_lock_init(&d->ev.lock, HV_RANK_EV, domid);
	hv_lock_init(&d->gt.lock, HV_RANK_GT, domid);
	hv_lock_init(&d->map_lock, HV_RANK_MAP, domid);
	hv_lock_init(&d->mem_lock, HV_RANK_MEM, domid);
	d->refs = 1; /* until it is dead */
	slots_init(&d->maps, sizeof(struct gnt_map), d->cfg.max_maptrack);
	slots_init(&d->foreign, sizeof(struct foreign_ref), HV_MAX_FOREIGN);
}

int hv_dom_create(struct hv *hv, uint32_t domid,
	const struct hv_dom_config *cfg, struct hv_dom **out)
{
	bool pick = domid == 0 && !cfg->control;
	struct hv_dom *d;
	int r;

	r = config_check(cfg, domid);
	if (r)
		return r;
	if (hv->nr_domains >= hv->limits.max_domains)
		return -ENOSPC;
	if (pick)
		r = domid_pick(hv, &domid);
	else if (hv_dom_find(hv, domid))
		r = -EEXIST;
	if (r)
		return r;
	d = hv_alloc(hv, sizeof(*d));
	if (!d)
		return -ENOMEM;
	dom_init(d, hv, domid, cfg);
	r = evtchn_init(d);
	if (!r)
		r = gnt_init(d);
	if (!r) {
		hv_lock(&hv->dom_lock);
		r = dom_insert(d);
		hv_unlock(&hv->dom_lock);
	}
	if (!r && hv->host->dom_new) {
		r = hv->host->dom_new(hv->ctx, d);
		if (r)
			dom_remove(d);
	}
	if (r) {
		gnt_fini(d);
		evtchn_fini(d);
		hv_release(hv, d, sizeof(*d));
		return r;
	}
	hv->last_gen++;
	if (pick)
		hv->next_domid = domid + 1 < DOM_END ? domid + 1 : 1;
	dom_event(d, HV_DOM_CREATED);
	*out = d;
	check_after(hv);
	return 0;
}

uint32_t hv_dom_id(const struct hv_dom *d)
{
	return d->domid;
}

uint64_t hv_dom_gen(const struct hv_dom *d)
{
	return d->gen;
}

bool hv_dom_is_control(const struct hv_dom *d)
{
	return d->cfg.control;
}

bool hv_dom_is_dying(const struct hv_dom *d)
{
	return d->life != LIFE_ALIVE;
}

bool hv_dom_is_running(const struct hv_dom *d)
{
	return d->life == LIFE_ALIVE && !d->shut && d->pauses == 0;
}

void hv_dom_set_host(struct hv_dom *d, void *data)
{
	d->host = data;
}

void *hv_dom_host(const struct hv_dom *d)
{
	return d->host;
}

int hv_dom_pause(struct hv_dom *d)
{
	if (d->life != LIFE_ALIVE)
		return -EINVAL;
	if (d->pauses >= HV_COUNT_MAX)
		return -EOVERFLOW;
	if (d->pauses++ == 0)
		dom_event(d, HV_DOM_PAUSED);
	check_after(d->hv);
	return 0;
}

int hv_dom_unpause(struct hv_dom *d)
{
	if (d->life != LIFE_ALIVE || d->pauses == 0)
		return -EINVAL;
	if (--d->pauses == 0 && !d->shut)
		dom_event(d, HV_DOM_RUNNING);
	check_after(d->hv);
	return 0;
}

int hv_dom_shutdown(struct hv_dom *d, uint32_t code)
{
	if (code > SHUTDOWN_MAX || d->life != LIFE_ALIVE)
		return -EINVAL;
	if (d->shut)
		return 0;
	d->shut = true;
	d->shut_code = code;
	dom_event(d, HV_DOM_SHUTDOWN);
	virq_raise(d->hv, VIRQ_DOM_EXC);
	check_after(d->hv);
	return 0;
}

int hv_dom_resume(struct hv_dom *d)
{
	if (d->life != LIFE_ALIVE)
		return -EINVAL;
	if (!d->shut)
		return 0;
	d->shut = false;
	d->shut_code = 0;
	if (d->pv)
		d->pv->dom.crashed = 0;
	if (d->pauses == 0)
		dom_event(d, HV_DOM_RUNNING);
	check_after(d->hv);
	return 0;
}

int hv_dom_set_target(struct hv_dom *d, uint32_t target)
{
	struct hv_dom *t = hv_dom_find(d->hv, target);

	if (!t)
		return -ESRCH;
	if (t == d || d->life != LIFE_ALIVE || t->life != LIFE_ALIVE)
		return -EINVAL;
	/* one level: a target has no target, a stubdomain is nobody's */
	if (d->target.gen || t->target.gen || d->is_target)
		return -EINVAL;
	d->target = dom_instance(t);
	t->is_target = true;
	check_after(d->hv);
	return 0;
}

static uint32_t info_flags(const struct hv_dom *d)
{
	uint32_t f = 0;

	/* not before all is released: VIRQ_DOM_EXC comes then, and whoever is
	 * woken by it and finds no flag would not look again */
	if (d->life == LIFE_DEAD)
		f |= XEN_DOMINF_dying;
	if (d->cfg.kind != HV_PV)
		f |= XEN_DOMINF_hvm_guest | XEN_DOMINF_hap;
	if (d->shut)
		f |= XEN_DOMINF_shutdown | d->shut_code
						   << XEN_DOMINF_shutdownshift;
	if (d->pauses)
		f |= XEN_DOMINF_paused;
	/* never "blocked": only the host's scheduler knows who waits */
	if (hv_dom_is_running(d))
		f |= XEN_DOMINF_running;
	if (d->cfg.xenstore)
		f |= XEN_DOMINF_xs_domain;
	return f;
}

void hv_dom_info(const struct hv_dom *d, struct xen_domctl_getdomaininfo *i)
{
	memset(i, 0, sizeof(*i));
	i->domain = (domid_t)d->domid;
	i->flags = info_flags(d);
	i->tot_pages = d->tot_pages;
	i->max_pages = d->max_pages;
	i->shared_info_frame = HV_INVALID_GFN;
	if (d->shared_info && d->shared_info->frames[0].gfn != HV_GFN_NONE)
		i->shared_info_frame = d->shared_info->frames[0].gfn;
	i->nr_online_vcpus = d->cfg.max_vcpus;
	i->max_vcpu_id = d->cfg.max_vcpus - 1;
	i->ssidref = d->cfg.ssidref;
	memcpy(i->handle, d->cfg.handle, sizeof(i->handle));
	i->gpaddr_bits = 32 + HV_PAGE_SHIFT;
}

int hv_dom_param_get(const struct hv_dom *d, uint32_t i, uint64_t *v)
{
	if (i >= HVM_NR_PARAMS)
		return -EINVAL;
	*v = d->params[i];
	return 0;
}

int hv_dom_param_set(struct hv_dom *d, uint32_t i, uint64_t v)
{
	if (i >= HVM_NR_PARAMS)
		return -EINVAL;
	d->params[i] = v;
	return 0;
}
