/* SPDX-License-Identifier: MIT */
/* machine.c - a whole machine for the scenarios of grants and channels */
#include <string.h>

#include "hv/explore/machine.h"
#include "common/err.h"

enum { LOOK_EVERY = 1024 };

struct machine machine;
/* the arena, struct machine, each page's head, the scenario's own */
struct state_area machine_areas[STATE_AREAS];

static uint8_t arena[MACHINE_ARENA] __attribute__((aligned(64)));
static uint8_t pages[MACHINE_PAGES][HV_PAGE_SIZE] __attribute__((aligned(64)));
static uint8_t pages_were[MACHINE_PAGES][HV_PAGE_SIZE];
_Static_assert(sizeof(struct machine) % 8 == 0, "areas are whole words");

void machine_must(int64_t r)
{
	CHECK(r == 0);
}

/* ---- its host --------------------------------------------------------------- */

static size_t grains(size_t size)
{
	return (size + MACHINE_GRAIN - 1) / MACHINE_GRAIN;
}

/* The first gap: where something is depends on what is there alone. */
static void *host_alloc(void *ctx, size_t size)
{
	size_t n = grains(size), run = 0;

	(void)ctx;
	for (size_t i = 0; i < MACHINE_ARENA / MACHINE_GRAIN; i++) {
		run = machine.grain[i] ? 0 : run + 1;
		if (run < n)
			continue;
		memset(&machine.grain[i + 1 - n], 1, n);
		return arena + (i + 1 - n) * MACHINE_GRAIN;
	}
	return NULL;
}

static void host_free(void *ctx, void *p, size_t size)
{
	size_t at = (size_t)((uint8_t *)p - arena) / MACHINE_GRAIN;

	(void)ctx;
	for (size_t i = at; i < at + grains(size); i++)
		hv_bug_if(!machine.grain[i], "memory is freed twice");
	memset(&machine.grain[at], 0, grains(size));
	memset(p, 0, size);
}

static int host_run_new(void *ctx, struct hv_run *run)
{
	uint32_t n = 0;

	(void)ctx;
	for (uint32_t i = 0; i < MACHINE_PAGES; i++) {
		n = machine.page[i] ? 0 : n + 1;
		if (n < run->nr)
			continue;
		memset(&machine.page[i + 1 - n], 1, n);
		run->va = pages[i + 1 - n];
		return 0;
	}
	return -ENOMEM;
}

static void host_run_free(void *ctx, struct hv_run *run)
{
	size_t at = (size_t)(run->va - pages[0]) / HV_PAGE_SIZE;

	(void)ctx;
	for (size_t i = at; i < at + run->nr; i++) {
		machine.page[i] = 0;
		memset(pages[i], 0, MACHINE_HEAD);
	}
}

static int host_evt_bind(void *ctx, struct hv_dom *d, uint32_t port,
	struct hv_dom *rd, uint32_t rport)
{
	(void)ctx, (void)d, (void)port, (void)rport;
	machine.bindings += rd ? 2 : 1;
	return 0;
}

static void host_evt_unbind(void *ctx, struct hv_dom *d, uint32_t port)
{
	(void)ctx, (void)d, (void)port;
	machine.bindings--;
}

/* The guest is interrupted, and the bit tells it why. */
static bool host_evt_raise(void *ctx, struct hv_dom *d, uint32_t port)
{
	(void)ctx;
	hv_bug_if(evtchn_port_at(d, port)->state == PORT_FREE,
		"E3: a free port is raised");
	machine.upcall[d->domid] = 1;
	return false;
}

static void host_dom_event(void *ctx, struct hv_dom *d, enum hv_dom_event ev)
{
	(void)ctx, (void)d, (void)ev;
}

static const struct hv_host host = {
	.alloc = host_alloc,
	.free = host_free,
	.run_new = host_run_new,
	.run_free = host_run_free,
	.evt_bind = host_evt_bind,
	.evt_unbind = host_evt_unbind,
	.evt_raise = host_evt_raise,
	.dom_event = host_dom_event,
};

/* ---- set-up ------------------------------------------------------------------ */

struct hv_dom *machine_birth(unsigned int domid)
{
	struct hv_dom_config cfg = {
		.kind = HV_PVH, .bits = 64, .control = domid == 0};
	struct hv_dom *d = NULL;

	int r = hv_dom_create(machine.hv, domid, &cfg, &d);

	if (r == -EEXIST)
		return NULL;
	if (r)
		explore_fail("no room for a domain");
	if (!cfg.control) {
		machine_must(hv_dom_unpause(d));
		machine_must(hv_mem_set_max(d, MACHINE_PAGES));
	}
	return d;
}

void machine_setup(unsigned int doms)
{
	static const struct hv_limits limits = {
		.max_domains = MACHINE_DOMS,
		.max_pages = MACHINE_PAGES,
		.max_grant_frames = 1,
		.max_maptrack = HV_SLOTS_CHUNK,
		.max_ports = EVTCHN_MAX,
	};

	memset(&machine, 0, sizeof(machine));
	memset(arena, 0, sizeof(arena));
	memset(pages, 0, sizeof(pages));
	machine.hv = hv_new(&host, NULL, &limits);
	CHECK(machine.hv && doms <= MACHINE_DOMS);
	for (unsigned int i = 0; i < doms; i++)
		machine.dom[i] = machine_birth(i);
	machine_area(NULL, 0);
}

void machine_area(void *p, size_t len)
{
	struct state_area *a = machine_areas;

	*a++ = (struct state_area){arena, sizeof(arena)};
	*a++ = (struct state_area){&machine, sizeof(machine)};
	for (unsigned int i = 0; i < MACHINE_PAGES; i++)
		*a++ = (struct state_area){pages[i], MACHINE_HEAD};
	*a++ = (struct state_area){p, len};
	*a = (struct state_area){NULL, 0};
	memcpy(pages_were, pages, sizeof(pages));
}

void machine_page(unsigned int d, uint64_t gfn)
{
	machine_must(
		hv_mem_populate(machine.dom[d], HV_RUN_SHARE, 1, &gfn, NULL));
}

struct gnt_shared *machine_entry(unsigned int d, uint32_t ref)
{
	return gnt_entry(machine.dom[d], ref);
}

void machine_grant(unsigned int d, uint32_t ref, unsigned int domid,
	uint64_t gfn, uint32_t flags)
{
	machine_entry(d, ref)->frame = (uint32_t)gfn;
	machine_entry(d, ref)->head = domid << 16 | flags;
}

/* ---- what is looked at -------------------------------------------------------- */

/* Counters that no decision depends on; a token is any new number. */
bool machine_private(const volatile void *p)
{
	const struct hv *hv = machine.hv;

	return p == &hv->nr_frames || p == &hv->nr_maps || p == &hv->nr_dead ||
	       p == &hv->nr_runs || p == &hv->nr_ports || p == &hv->last_token;
}

void machine_touch(const volatile void *p)
{
	uintptr_t at = (uintptr_t)p - (uintptr_t)arena;

	if (at < sizeof(arena) && !machine.grain[at / MACHINE_GRAIN])
		explore_fail("memory is used that has been freed");
}

static bool same_outside(void)
{
	for (unsigned int i = 0; i < MACHINE_PAGES; i++) {
		const struct state_area *a = &machine_areas[2 + MACHINE_PAGES];
		const uint8_t *at = pages[i] + MACHINE_HEAD;
		const uint8_t *was = pages_were[i] + MACHINE_HEAD;

		for (size_t j = 0; j < HV_PAGE_SIZE - MACHINE_HEAD; j++)
			if (at[j] != was[j] &&
				(uintptr_t)&at[j] - (uintptr_t)a->p >= a->len)
				return false;
	}
	return true;
}

const char *machine_check(char *buf, size_t len)
{
	static unsigned int steps; /* not of the state */

	(void)buf, (void)len;
	if (++steps % LOOK_EVERY == 0 && !same_outside())
		return "the scenario: memory changes that is not state";
	return NULL;
}

/* Between operations all sums are right: hv_check() ends what is not. */
const char *machine_idle(char *buf, size_t len)
{
	(void)buf, (void)len;
	hv_check(machine.hv);
	return NULL;
}
