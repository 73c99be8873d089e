/* SPDX-License-Identifier: MIT */
/* machine_show.c - what traces of a machine say */
#include <stdio.h>
#include <string.h>

#include "hv/explore/machine.h"

static int show_entry(
	const struct hv_dom *d, uint32_t ref, char *buf, size_t len)
{
	const struct gnt_shared *e = gnt_entry(d, ref);
	const struct gnt_act *a = gnt_act(d, ref);

	/* a domain that is being freed has none */
	if (!e || !a || (!e->head && !a->pin))
		return 0;
	return snprintf(buf, len, "  [%u] for d%u%s%s%s%s frame %u pin %08x",
		ref, e->head >> 16,
		(e->head & GTF_type_mask) == GTF_permit_access ? " permit" : "",
		e->head & GTF_readonly ? " ro" : "",
		e->head & GTF_reading ? " reading" : "",
		e->head & GTF_writing ? " writing" : "", e->frame, a->pin);
}

static void show_table(const struct hv_dom *d, char *buf, size_t len)
{
	int n = snprintf(
		buf, len, "d%u#%u entries", d->domid, (unsigned int)d->gen);

	for (uint32_t i = 0; i < GNT_PER_FRAME; i++)
		n += show_entry(d, i, buf + n, len - (size_t)n);
}

static void show_maps(const struct hv_dom *d, char *buf, size_t len)
{
	int n = snprintf(
		buf, len, "d%u#%u handles", d->domid, (unsigned int)d->gen);

	for (uint32_t i = 0; i < d->maps.nr; i++) {
		const struct gnt_map *m = slots_get(&d->maps, i);

		if (!m || !m->granter)
			continue;
		n += snprintf(buf + n, len - (size_t)n, "  [%u]%s%s%s d%u[%u]",
			i, m->flags & GNTMAP_host_map ? " host" : "",
			m->flags & GNTMAP_device_map ? " device" : "",
			m->flags & GNTMAP_readonly ? " ro" : "",
			m->granter->domid, m->ref);
	}
}

static void show_ports(const struct hv_dom *d, char *buf, size_t len)
{
	static const char *const states[] = {
		"free", "reserved", "unbound", "interdomain", "virq", "ipi"};
	int n = snprintf(
		buf, len, "d%u#%u ports", d->domid, (unsigned int)d->gen);

	for (uint32_t i = 1; i < d->ev.valid; i++) {
		const struct hv_port *c = d->ev.bucket[i / EVTCHN_BUCKET]
						  ? evtchn_port(d, i)
						  : NULL;
		bool set = d->ev.pending[i / 64] >> (i % 64) & 1;

		if (!c || (c->state == PORT_FREE && !set))
			continue;
		n += snprintf(buf + n, len - (size_t)n, "  [%u] %s", i,
			states[c->state]);
		if (c->state == PORT_INTERDOMAIN)
			n += snprintf(buf + n, len - (size_t)n, " d%u[%u]",
				c->rd->domid, c->rport);
		n += snprintf(
			buf + n, len - (size_t)n, "%s", set ? " pending" : "");
	}
}

static void show_page(
	const struct hv_dom *d, uint64_t gfn, char *buf, size_t len)
{
	const struct hv_frame *f = p2m_get(d, gfn);

	if (f)
		snprintf(buf, len, "d%u.p%llu general %llu writable %llu",
			d->domid, (unsigned long long)gfn,
			(unsigned long long)frame_count(f),
			(unsigned long long)frame_tcount(f));
}

/* Per domain: its table, its handles, its ports, its first pages. */
bool machine_show(unsigned int i, char *buf, size_t len)
{
	enum { LINES = 6 };
	const struct hv_dom *d;

	*buf = '\0';
	if (i / LINES >= MACHINE_DOMS)
		return false;
	d = hv_dom_find(machine.hv, i / LINES);
	if (!d || d->cfg.control)
		return true;
	switch (i % LINES) {
	case 0: show_table(d, buf, len); break;
	case 1: show_maps(d, buf, len); break;
	case 2: show_ports(d, buf, len); break;
	default: show_page(d, i % LINES - 3, buf, len); break;
	}
	return true;
}

/* ---- names of what is accessed --------------------------------------------- */

static bool name_in_table(
	const struct hv_dom *d, uintptr_t a, char *buf, size_t len)
{
	uintptr_t off;

	if (!d->gt.run)
		return false;
	off = a - (uintptr_t)d->gt.run->va;
	if (off >= HV_PAGE_SIZE)
		return false;
	snprintf(buf, len, "d%u.entry[%u].%s", d->domid,
		(unsigned int)(off / sizeof(struct gnt_shared)),
		off % sizeof(struct gnt_shared) ? "frame" : "head");
	return true;
}

/* Where it was at first, if it is nowhere now. */
static uint32_t gfn_of(const struct hv_run *r, uint32_t i)
{
	uint32_t gfn = r->frames[i].gfn;

	return gfn == HV_GFN_NONE ? (uint32_t)r->gfn + i : gfn;
}

static bool name_in_runs(
	const struct hv_dom *d, uintptr_t a, char *buf, size_t len)
{
	for (const struct hv_run *r = d->runs; r; r = r->next) {
		if (a == (uintptr_t)&r->exported) {
			snprintf(buf, len, "d%u.p%u.exported", d->domid,
				gfn_of(r, 0));
			return true;
		}
		for (uint32_t i = 0; i < r->nr; i++) {
			const struct hv_page *p = &r->frames[i].page;

			if (a - (uintptr_t)p >= sizeof(*p))
				continue;
			snprintf(buf, len, "d%u.p%u.%s", d->domid, gfn_of(r, i),
				a == (uintptr_t)&p->count  ? "count"
				: a == (uintptr_t)&p->type ? "type"
							   : "owner");
			return true;
		}
	}
	return false;
}

static bool name_in_ports(
	const struct hv_dom *d, uintptr_t a, char *buf, size_t len)
{
	for (uint32_t i = 0; i < EVTCHN_BUCKETS; i++) {
		uintptr_t off = a - (uintptr_t)d->ev.bucket[i];

		if (off >= EVTCHN_BUCKET * sizeof(struct hv_port))
			continue;
		snprintf(buf, len, "d%u.port[%u]", d->domid,
			i * EVTCHN_BUCKET +
				(unsigned int)(off / sizeof(struct hv_port)));
		return true;
	}
	return false;
}

static bool name_in_dom(
	const struct hv_dom *d, uintptr_t a, char *buf, size_t len)
{
	static const struct {
		uint16_t at, size;
		const char *name;
	} fields[] = {
#define FIELD(f, n) \
	{offsetof(struct hv_dom, f), sizeof(((struct hv_dom *)0)->f), n}
		FIELD(gt.lock, "gt_lock"),
		FIELD(map_lock, "map_lock"),
		FIELD(mem_lock, "mem_lock"),
		FIELD(ev.lock, "ev_lock"),
		FIELD(ev.own_pending, "pending"),
		FIELD(ev.own_mask, "mask"),
		FIELD(ev.valid, "ports"),
		FIELD(ev.bucket, "buckets"),
		FIELD(life, "life"),
		FIELD(refs, "refs"),
#undef FIELD
	};
	uintptr_t off = a - (uintptr_t)d;

	if (off >= sizeof(*d))
		return false;
	snprintf(buf, len, "d%u", d->domid);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (off - fields[i].at < fields[i].size)
			snprintf(buf, len, "d%u.%s", d->domid, fields[i].name);
	return true;
}

void machine_name(const volatile void *p, char *buf, size_t len)
{
	uintptr_t a = (uintptr_t)p;
	struct hv_dom *d;

	*buf = '\0';
	if (p == &machine.hv->dom_lock)
		snprintf(buf, len, "dom_lock");
	for (d = hv_dom_next(machine.hv, 0); d;
		d = hv_dom_next(machine.hv, d->domid + 1))
		if (name_in_dom(d, a, buf, len) ||
			name_in_table(d, a, buf, len) ||
			name_in_ports(d, a, buf, len) ||
			name_in_runs(d, a, buf, len))
			return;
}
