/* SPDX-License-Identifier: MIT */
/*
 * check.c: every invariant of a machine, recomputed from scratch.
 *
 * The letters are those of the engine's specification: S counts and owners,
 * Q sums, G grants, E event channels, D domains.  What a guest can write
 * itself (entries of its table, bits of its shared page) is not trusted and
 * so not checked here; the unit tests do that with honest guests.
 */
#include "hv/core/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* a fuzzer learns nothing from the branches of the checker */
#ifdef __clang__
#pragma clang attribute push( \
	__attribute__((no_sanitize("coverage"))), apply_to = function)
#endif

static _Noreturn void broken(const char *id, const char *cond, const char *fmt,
	...) __attribute__((format(printf, 3, 4)));

/* In the explorer a violation with a way to it, as any other. */
static void broken(const char *id, const char *cond, const char *fmt, ...)
{
	char text[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = snprintf(text, sizeof(text), "%s: %s: ", id, cond);
	vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	va_end(ap);
#ifdef HV_EXPLORE
	hv_bug(text);
#else
	fprintf(stderr, "hv_check: %s\n", text);
	abort();
#endif
}

#define MUST(cond, id, ...)                             \
	do {                                            \
		if (!(cond))                            \
			broken(id, #cond, __VA_ARGS__); \
	} while (0)

struct sums {
	uint32_t domains, dead, runs, maps, foreign, ports;
	uint64_t frames;
};

#define for_each_dom(hv, d)                 \
	for ((d) = hv_dom_next(hv, 0); (d); \
		(d) = hv_dom_next(hv, (d)->domid + 1))

static void clear_scratch(struct hv_dom *d)
{
	struct hv_run *r;
	uint32_t i, j;

	d->seen_refs = 0;
	for (r = d->runs; r; r = r->next)
		for (i = 0; i < r->nr; i++)
			r->frames[i].seen = r->frames[i].seen_t = 0;
	for (i = 0; i < d->gt.nr_frames; i++)
		for (j = 0; j < GNT_PER_FRAME; j++)
			d->gt.act[i][j].seen = 0;
}

static void count_free_list(const struct hv_slots *t, uint32_t domid)
{
	uint32_t limit = t->nr < t->max ? t->nr : t->max, n = 0, id = t->free;
	struct hv_slot *s;

	while (id != HV_SLOT_END) {
		MUST(id < limit, "G3", "domain %u: free slot %u", domid, id);
		s = (struct hv_slot *)((uint8_t *)
					       t->chunk[id / HV_SLOTS_CHUNK] +
				       (size_t)(id % HV_SLOTS_CHUNK) * t->elem);
		MUST(s->next != HV_SLOT_USED, "G3", "domain %u: slot %u", domid,
			id);
		MUST(++n <= limit, "G3", "domain %u: a loop", domid);
		id = s->next;
	}
	MUST(n + t->used == limit, "G3", "domain %u: %u free, %u used of %u",
		domid, n, t->used, limit);
}

static void visit_maps(struct hv_dom *d, struct sums *s)
{
	const struct gnt_map *m;
	struct gnt_act *a;
	uint32_t i, n = 0;

	for (i = 0; i < d->maps.nr; i++) {
		m = slots_get(&d->maps, i);
		if (!m)
			continue;
		n++;
		MUST(m->flags & (GNTMAP_host_map | GNTMAP_device_map), "G3",
			"domain %u: handle %u maps nothing", d->domid, i);
		a = gnt_act(m->granter, m->ref);
		MUST(a && a->pin, "G2", "domain %u: handle %u", d->domid, i);
		MUST(instance_is(a->by, d), "G6", "domain %u: handle %u",
			d->domid, i);
		MUST(a->frame == m->frame, "G5", "domain %u: handle %u",
			d->domid, i);
		a->seen += gnt_pins_of(m->flags);
		m->granter->seen_refs += gnt_refs_of(m->flags);
	}
	MUST(n == d->maps.used, "G3", "domain %u: %u", d->domid, n);
	s->maps += n;
	count_free_list(&d->maps, d->domid);
}

static void visit_foreign(struct hv_dom *d, struct sums *s)
{
	const struct foreign_ref *x;
	uint32_t i, n = 0;

	for (i = 0; i < d->foreign.nr; i++) {
		x = slots_get(&d->foreign, i);
		if (!x)
			continue;
		n++;
		MUST(x->frame->run->owner == x->owner, "S9", "domain %u: %u",
			d->domid, i);
		x->frame->seen++;
		x->frame->seen_t += x->write;
		x->owner->seen_refs++;
	}
	MUST(n == d->foreign.used, "Q2", "domain %u: %u", d->domid, n);
	s->foreign += n;
	count_free_list(&d->foreign, d->domid);
}

static void visit_act(struct hv_dom *d, const struct gnt_act *a, uint32_t ref)
{
	uint32_t p;

	MUST(a->pin == a->seen, "G2", "domain %u ref %u: pin %x of %x",
		d->domid, ref, a->pin, a->seen);
	if (!a->pin)
		return;
	MUST(a->frame->run->owner == d, "S9", "domain %u ref %u", d->domid,
		ref);
	for (p = a->pin; p; p >>= PIN_BITS)
		a->frame->seen += p & PIN_MASK;
	a->frame->seen_t += (a->pin & PIN_MASK) +
			    (a->pin >> (PIN_DEV_W * PIN_BITS) & PIN_MASK);
}

static void visit_acts(struct hv_dom *d)
{
	uint32_t i, j, pinned = 0;

	for (i = 0; i < d->gt.nr_frames; i++) {
		for (j = 0; j < GNT_PER_FRAME; j++) {
			visit_act(d, &d->gt.act[i][j], i * GNT_PER_FRAME + j);
			pinned += d->gt.act[i][j].pin != 0;
		}
	}
	MUST(pinned == d->gt.pinned, "G2", "domain %u: %u", d->domid, pinned);
}

static void check_frame(const struct hv_dom *d, const struct hv_frame *f)
{
	bool alloc = frame_allocated(f);
	bool table = alloc && (f->run->kind == HV_RUN_GNTTAB ||
				      f->run == d->shared_info);
	uint64_t n = frame_count(f), tn = frame_tcount(f);

	MUST(n == alloc + f->seen, "Q2",
		"domain %u gfn %x: count %lu, found %u", d->domid, f->gfn,
		(unsigned long)n, alloc + f->seen);
	MUST(tn == table + f->seen_t, "Q1",
		"domain %u gfn %x: type count %lu, found %u", d->domid, f->gfn,
		(unsigned long)tn, table + f->seen_t);
	MUST(tn <= n, "S1", "domain %u gfn %x", d->domid, f->gfn);
	MUST(!tn || (frame_type(f) &&
			    (f->page.type & (PAGE_VALID | PAGE_PARTIALLY))),
		"S1", "domain %u gfn %x: type %u", d->domid, f->gfn,
		frame_type(f));
	MUST((n > 0) == (f->page.owner == PAGE_OWNER(d->domid, d->gen)), "S9",
		"domain %u gfn %x: owner %lx", d->domid, f->gfn,
		(unsigned long)f->page.owner);
	MUST(!table || frame_type(f) == HV_TYPE_SHARED, "S5",
		"domain %u gfn %x", d->domid, f->gfn);
	if (f->gfn == HV_GFN_NONE)
		return;
	MUST(alloc, "S1", "domain %u gfn %x", d->domid, f->gfn);
	MUST(p2m_get(d, f->gfn) == f, "S1", "domain %u gfn %x", d->domid,
		f->gfn);
}

static uint32_t count_p2m(const struct p2m_node *n, int level)
{
	uint32_t i, used = 0, total = 0;

	for (i = 0; n && i < P2M_SLOTS; i++) {
		if (!n->slot[i])
			continue;
		used++;
		total += level ? count_p2m(n->slot[i], level - 1) : 1;
	}
	MUST(!n || (used && used == n->used), "p2m", "level %d", level);
	return total;
}

static void check_runs(struct hv_dom *d, struct sums *s)
{
	uint32_t i, used, in_p2m = 0;
	const struct hv_run *r;
	uint64_t pages = 0, stale = 0;

	for (r = d->runs; r; r = r->next) {
		s->runs++;
		stale += r->stale;
		d->seen_refs += r->holds;
		MUST(r->domid == d->domid && r->gen == d->gen && r->owner == d,
			"S9", "domain %u", d->domid);
		MUST(!r->next || r->next->prev == r, "runs", "domain %u",
			d->domid);
		used = (r == d->gt.run) + (r == d->kill_run);
		for (i = 0; i < r->nr; i++) {
			check_frame(d, &r->frames[i]);
			used += frame_count(&r->frames[i]) > 0;
			in_p2m += r->frames[i].gfn != HV_GFN_NONE;
			s->frames += frame_count(&r->frames[i]) > 0;
			pages += frame_count(&r->frames[i]) > 0 &&
				 r->kind != HV_RUN_GNTTAB;
		}
		MUST(used == r->used && (used || r->holds), "runs",
			"domain %u: %u of %u", d->domid, used, r->used);
	}
	MUST(pages == d->tot_pages, "Q2", "domain %u: pages %lu of %lu",
		d->domid, (unsigned long)pages, (unsigned long)d->tot_pages);
	MUST(stale == d->stale_pages, "Q2", "domain %u: %lu stale", d->domid,
		(unsigned long)stale);
	MUST(count_p2m(d->p2m, P2M_LEVELS - 1) == in_p2m, "p2m",
		"domain %u: %u", d->domid, in_p2m);
}

static void check_port(const struct hv_dom *d, uint32_t p)
{
	const struct hv_port *c = evtchn_port(d, p), *rc;
	bool used = c->state != PORT_FREE;

	MUST((d->ev.in_use[p / 64] >> (p % 64) & 1) == used, "E4",
		"domain %u port %u", d->domid, p);
	switch ((enum port_state)c->state) {
	case PORT_FREE:
		MUST(d->shared_info ||
				!(d->ev.own_pending[p / 64] >> (p % 64) & 1),
			"E3", "domain %u port %u", d->domid, p);
		break;
	case PORT_RESERVED:
		MUST(false, "E6", "domain %u port %u", d->domid, p);
		break;
	case PORT_UNBOUND:
		MUST(c->remote.domid < DOMID_FIRST_RESERVED &&
				c->remote.gen <= d->hv->last_gen,
			"D1", "domain %u port %u", d->domid, p);
		break;
	case PORT_INTERDOMAIN:
		rc = evtchn_port(c->rd, c->rport);
		MUST(rc && rc->state == PORT_INTERDOMAIN && rc->rd == d &&
				rc->rport == p,
			"E1", "domain %u port %u", d->domid, p);
		break;
	case PORT_VIRQ:
		MUST(d->ev.virq[c->vcpu_virq * HV_NR_VIRQS + c->rport] == p,
			"E2", "domain %u port %u", d->domid, p);
		break;
	case PORT_IPI: break;
	}
}

static void check_ports(const struct hv_dom *d, struct sums *s)
{
	uint32_t i, active = 0;
	const struct hv_port *c;

	MUST(d->ev.valid <= d->ev.max &&
			d->ev.max <= (uint32_t)d->cfg.bits * d->cfg.bits,
		"E6", "domain %u", d->domid);
	for (i = 1; i < d->ev.valid; i++) {
		check_port(d, i);
		active += evtchn_port(d, i)->state != PORT_FREE;
	}
	MUST(active == d->ev.active, "E4", "domain %u: %u", d->domid, active);
	for (i = 0; i < d->cfg.max_vcpus * HV_NR_VIRQS; i++) {
		if (!d->ev.virq[i])
			continue;
		c = evtchn_port(d, d->ev.virq[i]);
		MUST(c && c->state == PORT_VIRQ && c->rport == i % HV_NR_VIRQS,
			"E2", "domain %u virq %u", d->domid, i);
	}
	s->ports += active;
}

static void check_life(struct hv_dom *d, struct sums *s)
{
	MUST(d->gen && d->gen <= d->hv->last_gen, "D1", "domain %u", d->domid);
	MUST(d->life >= d->seen_life, "D2", "domain %u", d->domid);
	d->seen_life = d->life;
	MUST(d->refs == d->seen_refs + (d->life != LIFE_DEAD), "D4",
		"domain %u: refs %u of %u", d->domid, d->refs, d->seen_refs);
	s->domains++;
	if (d->life != LIFE_DEAD)
		return;
	s->dead++;
	MUST(d->refs > 0, "D4", "domain %u: dead, and not freed", d->domid);
	MUST(!d->maps.used && !d->foreign.used && !d->ev.active && !d->p2m,
		"Q3", "domain %u: dead, and owns something", d->domid);
}

void hv_check(const struct hv *machine)
{
	/* the scratch fields are not state */
	struct hv *hv = (struct hv *)(uintptr_t)machine;
	struct sums s = {0};
	struct hv_dom *d;
	uint32_t i;

	for_each_dom(hv, d) clear_scratch(d);
	for_each_dom(hv, d)
	{
		visit_maps(d, &s);
		visit_foreign(d, &s);
	}
	for_each_dom(hv, d) visit_acts(d);
	for_each_dom(hv, d) check_pv_visit(d);
	for_each_dom(hv, d)
	{
		check_runs(d, &s);
		check_ports(d, &s);
		check_life(d, &s);
	}
	MUST(s.domains == hv->nr_domains && s.dead == hv->nr_dead, "Q3",
		"%u domains, %u dead", s.domains, s.dead);
	MUST(s.runs == hv->nr_runs && s.frames == hv->nr_frames, "Q3",
		"%u runs, %lu frames", s.runs, (unsigned long)s.frames);
	MUST(s.maps == hv->nr_maps && s.foreign == hv->nr_foreign, "Q3",
		"%u maps, %u foreign", s.maps, s.foreign);
	MUST(s.ports == hv->nr_ports, "Q3", "%u ports", s.ports);
	for (i = 0; i < HV_NR_VIRQS; i++)
		MUST(!hv->virq_handler[i].gen ||
				dom_of(hv, hv->virq_handler[i]),
			"D3", "virq %u", i);
	/* what was found is not part of a state */
	if (HV_GEOM(0, 1))
		for_each_dom(hv, d) clear_scratch(d);
}

#if defined(HV_DEBUG) && !defined(HV_EXPLORE) && !defined(HV_THREADS)
/* A big machine is checked now and then, a small one always. */
void check_after(struct hv *hv)
{
	if (hv->nr_frames + (uint64_t)hv->nr_domains * GNT_PER_FRAME > 65536 &&
		++hv->checks % 256)
		return;
	hv_check(hv);
}
#endif

#ifdef __clang__
#pragma clang attribute pop
#endif
