/* SPDX-License-Identifier: MIT */
/*
 * hc_domctl.c: domctl (xen/domctl.h), what libxl needs of it to create,
 * list, change and destroy domains.
 */
#include "hv/core/hc.h"

struct domctl {
	struct xen_domctl op;
	struct hv_dom *d;
	bool out; /* write the structure back */
};

/* The bitmap of the caller: @nr ones, and zeros behind them. */
int hc_bitmap_ones(struct hc *h, const struct xenctl_bitmap *map, uint32_t nr)
{
	uint32_t i, n = map->nr_bits / 8 + (map->nr_bits % 8 != 0);
	uint8_t bits[512] = {0};

	if (n > sizeof(bits))
		return -EINVAL;
	for (i = 0; i < nr && i < map->nr_bits; i++)
		bits[i / 8] |= (uint8_t)(1u << (i % 8));
	return n && hc_write(h, HC_ADDR(map->bitmap), bits, n) ? -EFAULT : 0;
}

static int create_config(
	const struct xen_domctl_createdomain *c, struct hv_dom_config *cfg)
{
	uint32_t version = XEN_DOMCTL_GRANT_version(c->grant_opts);

	if (c->flags & ~(2u * XEN_DOMCTL_CDF_MAX - 1))
		return -EINVAL;
	if (c->max_vcpus == 0 || c->max_vcpus > HV_MAX_VCPUS)
		return -EINVAL;
	if (version > 1 || c->cpupool_id != 0)
		return -EINVAL;
	if (c->flags & XEN_DOMCTL_CDF_nested_virt || c->vmtrace_size)
		return -EOPNOTSUPP;
	*cfg = (struct hv_dom_config){
		.kind = !(c->flags & XEN_DOMCTL_CDF_hvm)               ? HV_PV
			: c->arch.emulation_flags & ~XEN_X86_EMU_LAPIC ? HV_HVM
								       : HV_PVH,
		.bits = 64,
		.xenstore = c->flags & XEN_DOMCTL_CDF_xs_domain,
		.max_vcpus = c->max_vcpus,
		.ssidref = c->ssidref,
	};
	memcpy(cfg->handle, c->handle, sizeof(cfg->handle));
	if (c->max_grant_frames > 0)
		cfg->max_grant_frames = (uint32_t)c->max_grant_frames;
	/* a frame of mappings is 256 of them */
	if (c->max_maptrack_frames > 4096)
		return -EINVAL;
	if (c->max_maptrack_frames > 0)
		cfg->max_maptrack = (uint32_t)c->max_maptrack_frames * 256;
	/* the highest port, -1 for no limit */
	if (c->max_evtchn_port < UINT32_MAX)
		cfg->max_ports = c->max_evtchn_port + 1;
	return 0;
}

static int do_createdomain(struct hc *h, struct domctl *c)
{
	uint32_t domid = c->op.domain;
	struct hv_dom_config cfg;
	struct hv_dom *d;
	int r;

	r = create_config(&c->op.u.createdomain, &cfg);
	if (r)
		return r;
	if (domid >= DOMID_FIRST_RESERVED)
		domid = 0; /* any */
	r = hv_dom_create(h->hv, domid, &cfg, &d);
	if (r)
		return r;
	c->op.domain = (domid_t)d->domid;
	c->out = true;
	return 0;
}

/* A missing domain is answered by the next one; see xen/domctl.h. */
static int do_getdomaininfo(struct hc *h, struct domctl *c)
{
	struct hv_dom *d;

	if (c->op.domain >= DOMID_FIRST_RESERVED)
		return -EINVAL;
	d = hv_dom_next(h->hv, c->op.domain);
	if (!d)
		return -ESRCH;
	hv_dom_info(d, &c->op.u.getdomaininfo);
	c->op.domain = (domid_t)d->domid;
	c->out = true;
	return 0;
}

static int do_pausedomain(struct hc *h, struct domctl *c)
{
	return c->d == h->dom ? -EINVAL : hv_dom_pause(c->d);
}

static int do_unpausedomain(struct hc *h, struct domctl *c)
{
	return hv_dom_unpause(c->d);
}

static int do_resumedomain(struct hc *h, struct domctl *c)
{
	return c->d == h->dom ? -EINVAL : hv_dom_resume(c->d);
}

static int do_max_mem(struct hc *h, struct domctl *c)
{
	return hv_mem_set_max(
		c->d, c->op.u.max_mem.max_memkb >> (HV_PAGE_SHIFT - 10));
}

static int do_setdomainhandle(struct hc *h, struct domctl *c)
{
	memcpy(c->d->cfg.handle, c->op.u.setdomainhandle.handle,
		sizeof(c->d->cfg.handle));
	return 0;
}

static int do_set_target(struct hc *h, struct domctl *c)
{
	return hv_dom_set_target(c->d, c->op.u.set_target.target);
}

/* They exist since the creation: only the number is compared. */
static int do_max_vcpus(struct hc *h, struct domctl *c)
{
	if (c->d == h->dom)
		return -EINVAL;
	return c->op.u.max_vcpus.max == c->d->cfg.max_vcpus ? 0 : -EINVAL;
}

static int do_set_virq_handler(struct hc *h, struct domctl *c)
{
	return hv_set_virq_handler(h->hv, c->op.u.set_virq_handler.virq, c->d);
}

static int do_getvcpuinfo(struct hc *h, struct domctl *c)
{
	struct xen_domctl_getvcpuinfo *i = &c->op.u.getvcpuinfo;
	uint32_t vcpu = i->vcpu;

	if (vcpu >= c->d->cfg.max_vcpus)
		return -EINVAL;
	*i = (struct xen_domctl_getvcpuinfo){.vcpu = vcpu};
	i->online = 1;
	i->running = hv_dom_is_running(c->d);
	c->out = true;
	return 0;
}

static int do_getvcpuaffinity(struct hc *h, struct domctl *c)
{
	struct xen_domctl_vcpuaffinity *a = &c->op.u.vcpuaffinity;
	uint32_t nr = h->hv->limits.nr_cpus;
	int r = 0;

	if (a->vcpu >= c->d->cfg.max_vcpus)
		return -EINVAL;
	if (a->flags & XEN_VCPUAFFINITY_FORCE ||
		!(a->flags & (XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT)))
		return -EINVAL;
	if (a->flags & XEN_VCPUAFFINITY_HARD)
		r = hc_bitmap_ones(h, &a->cpumap_hard, nr);
	if (!r && a->flags & XEN_VCPUAFFINITY_SOFT)
		r = hc_bitmap_ones(h, &a->cpumap_soft, nr);
	return r;
}

static int do_getnodeaffinity(struct hc *h, struct domctl *c)
{
	return hc_bitmap_ones(h, &c->op.u.nodeaffinity.nodemap, 1);
}

static int do_get_address_size(struct hc *h, struct domctl *c)
{
	c->op.u.address_size.size = c->d->cfg.bits;
	c->out = true;
	return 0;
}

/* state[0], state[1]: the instance, once begun. */
static int do_destroydomain(struct hc *h, struct domctl *c)
{
	if (c->d == h->dom)
		return -EINVAL;
	h->c->state[0] = c->d->domid;
	h->c->state[1] = c->d->gen;
	return hv_dom_destroy(c->d, h->budget);
}

enum { WITH_DOMAIN, NO_DOMAIN };

static const struct row {
	int (*fn)(struct hc *h, struct domctl *c);
	uint8_t domain;
	uint8_t may;
} rows[] = {
	[XEN_DOMCTL_createdomain] = {do_createdomain, NO_DOMAIN,
		HV_OP_DOM_CREATE},
	[XEN_DOMCTL_getdomaininfo] = {do_getdomaininfo, NO_DOMAIN,
		HV_OP_DOM_INFO},
	[XEN_DOMCTL_destroydomain] = {do_destroydomain, WITH_DOMAIN,
		HV_OP_DOM_CONTROL},
	[XEN_DOMCTL_pausedomain] = {do_pausedomain, WITH_DOMAIN,
		HV_OP_DOM_CONTROL},
	[XEN_DOMCTL_unpausedomain] = {do_unpausedomain, WITH_DOMAIN,
		HV_OP_DOM_CONTROL},
	[XEN_DOMCTL_resumedomain] = {do_resumedomain, WITH_DOMAIN,
		HV_OP_DOM_CONTROL},
	[XEN_DOMCTL_max_mem] = {do_max_mem, WITH_DOMAIN, HV_OP_DOM_CONTROL},
	[XEN_DOMCTL_setdomainhandle] = {do_setdomainhandle, WITH_DOMAIN,
		HV_OP_DOM_CONTROL},
	[XEN_DOMCTL_set_target] = {do_set_target, WITH_DOMAIN,
		HV_OP_DOM_CONTROL},
	[XEN_DOMCTL_max_vcpus] = {do_max_vcpus, WITH_DOMAIN, HV_OP_DOM_CONTROL},
	[XEN_DOMCTL_set_virq_handler] = {do_set_virq_handler, WITH_DOMAIN,
		HV_OP_DOM_CONTROL},
	[XEN_DOMCTL_getvcpuinfo] = {do_getvcpuinfo, WITH_DOMAIN,
		HV_OP_DOM_CONTROL},
	[XEN_DOMCTL_getvcpuaffinity] = {do_getvcpuaffinity, WITH_DOMAIN,
		HV_OP_DOM_CONTROL},
	[XEN_DOMCTL_getnodeaffinity] = {do_getnodeaffinity, WITH_DOMAIN,
		HV_OP_DOM_CONTROL},
	[XEN_DOMCTL_get_address_size] = {do_get_address_size, WITH_DOMAIN,
		HV_OP_DOM_CONTROL},
};

/* A destruction that goes on: whom it is about was decided at its start. */
static int64_t destroy_continue(struct hc *h)
{
	struct hv_dom *d = dom_of(h->hv,
		(struct hv_instance){(uint32_t)h->c->state[0], h->c->state[1]});

	return d ? hv_dom_destroy(d, h->budget) : 0;
}

int64_t hc_domctl(struct hc *h)
{
	const struct row *row;
	struct domctl c;
	int r;

	if (h->c->state[1])
		return destroy_continue(h);
	memset(&c, 0, sizeof(c));
	if (hc_read(h, &c.op, h->arg[0], sizeof(c.op)))
		return -EFAULT;
	if (c.op.interface_version != XEN_DOMCTL_INTERFACE_VERSION)
		return -EACCES;
	row = c.op.cmd < sizeof(rows) / sizeof(rows[0]) ? &rows[c.op.cmd]
							: NULL;
	/* before anything that would tell which domains there are */
	r = hv_may(h->dom, row && row->fn ? row->may : HV_OP_DOM_CONTROL, NULL);
	if (r)
		return r;
	if (!row || !row->fn)
		return -ENOSYS;
	if (row->domain == WITH_DOMAIN) {
		c.d = hv_dom_find(h->hv, c.op.domain);
		if (!c.d)
			return -ESRCH;
	}
	r = row->fn(h, &c);
	if (!r && c.out && hc_write(h, h->arg[0], &c.op, sizeof(c.op)))
		return -EFAULT;
	return r;
}
