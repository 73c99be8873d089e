/* SPDX-License-Identifier: MIT */
/*
 * hc_sysctl.c: sysctl (xen/sysctl.h): the machine as tools see it.
 *
 * The machine has one node, one pool and one thread per core.  Its size is
 * that of its limits; there is no clock, so times are 0.
 */
#include "hv/core/hc.h"

struct sysctl {
	struct xen_sysctl op;
	bool out;
};

/* progress: bytes copied so far; state[0]: the index where it goes on. */
static int do_readconsole(struct hc *h, struct sysctl *c)
{
	struct xen_sysctl_readconsole *rc = &c->op.u.readconsole;
	uint64_t *done = &h->c->progress, addr;
	const struct hv_host *host = h->hv->host;
	uint32_t index, len, n;
	char buf[1024];

	index = *done             ? (uint32_t)h->c->state[0]
		: rc->incremental ? rc->index
				  : 0;
	while (*done < rc->count) {
		if (hv_preempt(h->budget))
			return -ERESTART;
		len = rc->count - (uint32_t)*done;
		if (len > sizeof(buf))
			len = sizeof(buf);
		n = host->console_read(h->hv->ctx, buf, len, &index, rc->clear);
		if (n == 0 || n > len)
			break;
		if (__builtin_add_overflow(HC_ADDR(rc->buffer), *done, &addr) ||
			hc_write(h, addr, buf, n))
			return -EFAULT;
		*done += n;
		h->c->state[0] = index;
	}
	rc->count = (uint32_t)*done;
	rc->index = index;
	c->out = true;
	return 0;
}

static uint64_t free_pages(const struct hc *h)
{
	return h->hv->limits.max_pages - h->hv->nr_frames;
}

static int do_physinfo(struct hc *h, struct sysctl *c)
{
	struct xen_sysctl_physinfo *p = &c->op.u.physinfo;
	const struct hv_limits *l = &h->hv->limits;

	memset(p, 0, sizeof(*p));
	p->threads_per_core = 1;
	p->cores_per_socket = l->nr_cpus;
	p->nr_cpus = l->nr_cpus;
	p->max_cpu_id = l->nr_cpus - 1;
	p->nr_nodes = 1;
	p->cpu_khz = l->cpu_khz;
	p->capabilities = XEN_SYSCTL_PHYSCAP_hvm | XEN_SYSCTL_PHYSCAP_pv |
			  XEN_SYSCTL_PHYSCAP_hap | XEN_SYSCTL_PHYSCAP_gnttab_v1;
	p->total_pages = l->max_pages;
	p->free_pages = free_pages(h);
	p->max_mfn = l->max_pages - 1;
	c->out = true;
	return 0;
}

static int do_sched_id(struct hc *h, struct sysctl *c)
{
	c->op.u.sched_id.sched_id = XEN_SCHEDULER_NULL;
	c->out = true;
	return 0;
}

/* progress: domains listed; state[0]: the next domid to look at. */
static int do_getdomaininfolist(struct hc *h, struct sysctl *c)
{
	struct xen_sysctl_getdomaininfolist *l = &c->op.u.getdomaininfolist;
	uint64_t *nr = &h->c->progress, *next = &h->c->state[0], addr;
	struct xen_domctl_getdomaininfo i;
	struct hv_dom *d;

	if (*nr == 0 && *next == 0)
		*next = l->first_domain;
	while (*nr < l->max_domains) {
		if (hv_preempt(h->budget))
			return -ERESTART;
		d = hv_dom_next(h->hv, (uint32_t)*next);
		if (!d)
			break;
		hv_dom_info(d, &i);
		if (!hc_elem(HC_ADDR(l->buffer), *nr, sizeof(i), &addr) ||
			hc_write(h, addr, &i, sizeof(i)))
			return -EFAULT;
		(*nr)++;
		*next = d->domid + 1;
	}
	l->num_domains = (uint32_t)*nr;
	c->out = true;
	return 0;
}

static int do_getcpuinfo(struct hc *h, struct sysctl *c)
{
	struct xen_sysctl_getcpuinfo *g = &c->op.u.getcpuinfo;
	struct xen_sysctl_cpuinfo info = {0};
	uint32_t i, nr = h->hv->limits.nr_cpus;
	uint64_t addr;

	if (nr > g->max_cpus)
		nr = g->max_cpus;
	for (i = 0; i < nr; i++)
		if (!hc_elem(HC_ADDR(g->info), i, sizeof(info), &addr) ||
			hc_write(h, addr, &info, sizeof(info)))
			return -EFAULT;
	g->nr_cpus = nr;
	c->out = true;
	return 0;
}

static int do_availheap(struct hc *h, struct sysctl *c)
{
	c->op.u.availheap.avail_bytes = free_pages(h) << HV_PAGE_SHIFT;
	c->out = true;
	return 0;
}

/* Without a buffer the number alone; a short one is -ENOBUFS. */
static int do_cputopoinfo(struct hc *h, struct sysctl *c)
{
	struct xen_sysctl_cputopoinfo *t = &c->op.u.cputopoinfo;
	uint32_t i, nr = h->hv->limits.nr_cpus;
	bool fits = t->num_cpus >= nr;
	uint64_t addr;

	t->num_cpus = nr;
	c->out = true;
	if (!HC_ADDR(t->cputopo))
		return 0;
	for (i = 0; fits && i < nr; i++) {
		struct xen_sysctl_cputopo e = {.core = i};

		if (!hc_elem(HC_ADDR(t->cputopo), i, sizeof(e), &addr) ||
			hc_write(h, addr, &e, sizeof(e)))
			return -EFAULT;
	}
	return fits ? 0 : -ENOBUFS;
}

static int do_numainfo(struct hc *h, struct sysctl *c)
{
	struct xen_sysctl_numainfo *n = &c->op.u.numainfo;
	struct xen_sysctl_meminfo m = {
		.memsize = h->hv->limits.max_pages << HV_PAGE_SHIFT,
		.memfree = free_pages(h) << HV_PAGE_SHIFT};
	bool some = HC_ADDR(n->meminfo) || HC_ADDR(n->distance);
	bool fits = n->num_nodes >= 1;
	uint32_t distance = 10; /* to itself */

	n->num_nodes = 1;
	c->out = true;
	if (some && !fits)
		return -ENOBUFS;
	if (HC_ADDR(n->meminfo) &&
		hc_write(h, HC_ADDR(n->meminfo), &m, sizeof(m)))
		return -EFAULT;
	if (HC_ADDR(n->distance) &&
		hc_write(h, HC_ADDR(n->distance), &distance, sizeof(distance)))
		return -EFAULT;
	return 0;
}

static int do_cpupool(struct hc *h, struct sysctl *c)
{
	struct xen_sysctl_cpupool_op *p = &c->op.u.cpupool_op;

	c->out = true;
	switch (p->op) {
	case XEN_SYSCTL_CPUPOOL_OP_INFO:
		/* the pool of that number, or the next one */
		if (p->cpupool_id != 0)
			return -ENOENT;
		p->sched_id = XEN_SCHEDULER_NULL;
		p->n_dom = h->hv->nr_domains;
		return hc_bitmap_ones(h, &p->cpumap, h->hv->limits.nr_cpus);
	case XEN_SYSCTL_CPUPOOL_OP_FREEINFO:
		return hc_bitmap_ones(h, &p->cpumap, 0);
	default: return -EOPNOTSUPP;
	}
}

static const struct row {
	int (*fn)(struct hc *h, struct sysctl *c);
	uint8_t may;
} rows[] = {
	[XEN_SYSCTL_readconsole] = {do_readconsole, HV_OP_MACHINE_INFO},
	[XEN_SYSCTL_physinfo] = {do_physinfo, HV_OP_MACHINE_INFO},
	[XEN_SYSCTL_sched_id] = {do_sched_id, HV_OP_MACHINE_INFO},
	[XEN_SYSCTL_getdomaininfolist] = {do_getdomaininfolist, HV_OP_DOM_INFO},
	[XEN_SYSCTL_getcpuinfo] = {do_getcpuinfo, HV_OP_MACHINE_INFO},
	[XEN_SYSCTL_availheap] = {do_availheap, HV_OP_MACHINE_INFO},
	[XEN_SYSCTL_cputopoinfo] = {do_cputopoinfo, HV_OP_MACHINE_INFO},
	[XEN_SYSCTL_numainfo] = {do_numainfo, HV_OP_MACHINE_INFO},
	[XEN_SYSCTL_cpupool_op] = {do_cpupool, HV_OP_MACHINE_INFO},
};

int64_t hc_sysctl(struct hc *h)
{
	const struct row *row;
	struct sysctl c;
	int r;

	memset(&c, 0, sizeof(c));
	if (hc_read(h, &c.op, h->arg[0], sizeof(c.op)))
		return -EFAULT;
	if (c.op.interface_version != XEN_SYSCTL_INTERFACE_VERSION)
		return -EACCES;
	row = c.op.cmd < sizeof(rows) / sizeof(rows[0]) ? &rows[c.op.cmd]
							: NULL;
	r = hv_may(
		h->dom, row && row->fn ? row->may : HV_OP_MACHINE_INFO, NULL);
	if (r)
		return r;
	if (!row || !row->fn)
		return -ENOSYS;
	r = row->fn(h, &c);
	if ((!r || r == -ENOBUFS) && c.out &&
		hc_write(h, h->arg[0], &c.op, sizeof(c.op)))
		return -EFAULT;
	return r;
}
