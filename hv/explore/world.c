/* SPDX-License-Identifier: MIT */
/* world.c - a machine of a few pages for the scenarios of the PV engine */
#include <string.h>

#include "hv/core/atomic.h"
#include "hv/explore/world.h"
#include "common/err.h"

struct world world;
const struct state_area world_areas[] = {{&world, sizeof(world)}, {NULL, 0}};
_Static_assert(sizeof(struct world) % 8 == 0, "areas are whole words");

void world_must(int64_t r)
{
	CHECK(r == 0);
}

void world_give(unsigned int p, unsigned int d)
{
	struct hv_page *pg = page(p);

	if (pg->owner)
		world.dom[0].pages--;
	pg->count = PAGE_ALLOCATED | 1;
	pg->owner = world.dom[d].id;
	world.owner[p] = pg->owner;
	world.dom[d].pages++;
}

void world_move_vcpu(unsigned int i, unsigned int d)
{
	world.vcpu[i].dom = &world.dom[d];
}

void world_word(unsigned int p, unsigned int slot, uint64_t word)
{
	world.mem[p * world.pv.slots + slot] = word;
}

void world_setup(unsigned int slots, unsigned int levels, unsigned int last,
	unsigned int vcpus)
{
	struct world *w = &world;

	CHECK(slots <= WORLD_SLOTS && last < WORLD_PAGES);
	memset(w, 0, sizeof(*w));
	w->pv.slots = (uint16_t)slots;
	w->pv.levels = (uint8_t)levels;
	w->pv.pages = w->page;
	w->pv.nr_pages = WORLD_PAGES;
	w->pv.mem = w->mem;
	w->pv.grants = w->grant;
	w->pv.nr_grants = WORLD_GRANTS;
	pv_init(&w->pv);
	/* nobody's, and nobody can have it */
	w->page[0].owner = UINT64_MAX;
	w->page[0].count = PAGE_CLAIMED;
	for (unsigned int i = 0; i < WORLD_DOMS; i++) {
		w->dom[i].id = PAGE_OWNER(i + 1, 1);
		w->dom[i].bits = 64;
		pv_add_dom(&w->pv, &w->dom[i]);
	}
	for (unsigned int i = 0; i < vcpus; i++) {
		w->vcpu[i].id = (uint8_t)i;
		pv_add_vcpu(&w->pv, &w->dom[0], &w->vcpu[i]);
	}
	for (unsigned int p = A; p <= last; p++)
		world_give(p, 0);
}

/* S9: while a page is held its owner is who it was when it began. */
static bool owners_stay(void)
{
	for (unsigned int i = A; i < WORLD_PAGES; i++) {
		const struct hv_page *p = &world.page[i];

		if (!PAGE_COUNT(p->count))
			world.owner[i] = 0;
		else if (!world.owner[i])
			world.owner[i] = p->owner;
		else if (world.owner[i] != p->owner)
			return false;
	}
	return true;
}

const char *world_check(char *buf, size_t len)
{
	if (!owners_stay())
		return "S9: the owner of a page that is held changes";
	return pv_check_step(&world.pv, buf, len);
}

const char *world_check_fixed(char *buf, size_t len)
{
	for (unsigned int i = A; i < WORLD_PAGES; i++)
		if (world.page[i].owner != world.owner[i])
			return "the scenario: an owner changes";
	for (unsigned int i = 0; i < WORLD_DOMS; i++)
		if (world.dom[i].dying)
			return "the scenario: a domain dies";
	return pv_check_step(&world.pv, buf, len);
}

bool world_private(const volatile void *a)
{
	const struct world *w = &world;
	uintptr_t p = (uintptr_t)a;

	if (p - (uintptr_t)w->page < sizeof(w->page))
		return (p - (uintptr_t)w->page) % sizeof(w->page[0]) ==
		       offsetof(struct hv_page, owner);
	return p - (uintptr_t)w->dom < sizeof(w->dom) + sizeof(w->vcpu);
}

const char *world_idle(char *buf, size_t len)
{
	return pv_check_idle(&world.pv, buf, len);
}

/* What is left of progress that is over. */
void world_normal(void)
{
	for (unsigned int i = A; i < WORLD_PAGES; i++) {
		struct hv_page *p = &world.page[i];

		if (p->excl || (p->type & PAGE_PARTIALLY))
			continue;
		/* neither P nor locked for validation: written before read */
		if ((p->type & PAGE_VALID) || !PAGE_COUNT(p->type))
			p->nrv = p->pf = 0;
	}
}

/* ---- for people ----------------------------------------------------------- */

static char letter(const struct hv_page *p)
{
	/* frame 0 is no frame */
	return p && p != world.page ? (char)('A' + (p - world.page) - 1) : '-';
}

static void show_entry(uint64_t e, char *buf, size_t len)
{
	if (!(e & PTE_PRESENT))
		snprintf(buf, len, e ? "%llx" : ".", (unsigned long long)e);
	else if (PTE_MFN(e) < WORLD_PAGES)
		snprintf(buf, len, "%c%s",
			letter(page((unsigned int)PTE_MFN(e))),
			e & PTE_RW ? "" : "(ro)");
	else
		snprintf(buf, len, "nowhere");
}

static void show_page(unsigned int i, char *buf, size_t len)
{
	static const char *const types[] = {"none", "L1", "L2", "L3", "L4",
		"segdesc", "shared", "writable"};
	const struct hv_page *p = page(i);
	uint64_t t = p->type;
	int n = snprintf(buf, len, "%c  %-8s %3llu%s%s%s%s%s general %llu%s",
		letter(p), types[PAGE_TYPE(t)],
		(unsigned long long)PAGE_COUNT(t), t & PAGE_VALID ? " V" : "",
		t & PAGE_PARTIALLY ? " P" : "", t & PAGE_PINNED ? " N" : "",
		t & PAGE_LOCKED ? " L" : "", t & PAGE_NONCOH ? " NC" : "",
		(unsigned long long)PAGE_COUNT(p->count),
		p->count & PAGE_ALLOCATED ? "" : " not allocated");
	char e[24];

	if (p->owner != world.dom[0].id)
		n += snprintf(buf + n, len - (size_t)n, " owner %llu",
			(unsigned long long)(p->owner & 0xffff));
	if ((t & PAGE_PARTIALLY) || p->excl)
		n += snprintf(buf + n, len - (size_t)n, " nrv %u pf %u", p->nrv,
			p->pf);
	n += snprintf(buf + n, len - (size_t)n, " [");
	/* of a table of full size the beginning */
	for (unsigned int s = 0; s < world.pv.slots && s < WORLD_SLOTS; s++) {
		show_entry(world.pv.mem[i * world.pv.slots + s], e, sizeof(e));
		n += snprintf(
			buf + n, len - (size_t)n, "%s%s", s ? " " : "", e);
	}
	snprintf(buf + n, len - (size_t)n, "]");
}

static void show_vcpu(unsigned int i, char *buf, size_t len)
{
	const struct pv_vcpu *v = &world.vcpu[i];
	int n = snprintf(buf, len, "v%u %s pending %c%s", i,
		v->mode == PV_KERNEL ? "kernel" : "user",
		letter(v->pending.page), v->pending.partial ? " partial" : "");

	for (unsigned int t = 0; t < v->tlb_nr; t++)
		if (v->tlb[t].valid)
			n += snprintf(buf + n, len - (size_t)n,
				" tlb %llu=%c%s",
				(unsigned long long)v->tlb[t].vpn,
				letter(page((unsigned int)v->tlb[t].mfn)),
				v->tlb[t].rw ? " rw" : " ro");
}

bool world_show(unsigned int i, char *buf, size_t len)
{
	if (i + 1 < WORLD_PAGES) {
		*buf = '\0';
		if (world.page[i + 1].owner || world.page[i + 1].count)
			show_page(i + 1, buf, len);
		return true;
	}
	i -= WORLD_PAGES - 1;
	if (i < WORLD_VCPUS) {
		*buf = '\0';
		if (world.vcpu[i].pv)
			show_vcpu(i, buf, len);
		return true;
	}
	return false;
}

static const char *page_field(const struct hv_page *p, const volatile void *a)
{
	if (a == &p->count)
		return "count";
	if (a == &p->type)
		return "type";
	return a == &p->owner ? "owner" : "page";
}

/* The element of an array of @nr that @a is in, or -1. */
static long element(
	const volatile void *a, const void *array, size_t size, size_t nr)
{
	size_t off = (size_t)((uintptr_t)a - (uintptr_t)array);

	return off < size * nr ? (long)(off / size) : -1;
}

void world_name(const volatile void *a, char *buf, size_t len)
{
	const struct world *w = &world;
	long i;

	*buf = '\0';
	i = element(a, w->page, sizeof(w->page[0]), WORLD_PAGES);
	if (i >= 0) {
		snprintf(buf, len, "%c.%s", letter(&w->page[i]),
			page_field(&w->page[i], a));
		return;
	}
	i = element(a, w->pv.mem, 8, (size_t)WORLD_PAGES * w->pv.slots);
	if (i < 0)
		i = element(a, w->cache, 8, WORLD_PAGES * WORLD_SLOTS);
	if (i >= 0) {
		snprintf(buf, len, "%c[%ld]", (char)('A' + i / w->pv.slots - 1),
			i % w->pv.slots);
		return;
	}
	i = element(a, w->vcpu, sizeof(w->vcpu[0]), WORLD_VCPUS);
	if (i >= 0)
		snprintf(buf, len, "v%ld%s", i,
			a == &w->vcpu[i].busy  ? ".busy"
			: a == &w->vcpu[i].lin ? ".lin"
					       : "");
	i = element(a, w->dom, sizeof(w->dom[0]), WORLD_DOMS);
	if (i >= 0)
		snprintf(buf, len, "d%ld%s", i,
			a == &w->dom[i].dying   ? ".dying"
			: a == &w->dom[i].pages ? ".pages"
						: "");
	i = element(a, w->grant, sizeof(w->grant[0]), WORLD_GRANTS);
	if (i >= 0)
		snprintf(buf, len, "grant[%ld]", i);
	i = element(a, w->calls, sizeof(w->calls[0]), WORLD_CALLS);
	if (i >= 0)
		snprintf(buf, len, "call[%ld]", i);
}
