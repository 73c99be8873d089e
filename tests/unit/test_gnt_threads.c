/* SPDX-License-Identifier: MIT */
/*
 * test_gnt_threads.c: grants with threads as vCPUs.
 *
 *	GNT_THREADS_MS=300000 GNT_THREADS_SEED=1 test_gnt_threads
 *
 * The engine's own source with HV_THREADS: its locks are spin locks, its words
 * real atomics.  Domain 1 grants, withdraws, removes and adds pages, honestly
 * or as it likes; two vCPUs of domain 2 and one of domain 3 map, unmap (each
 * other's handles, too) and copy.  Then all wait for each other and hv_check()
 * recomputes everything.  In each eighth round the granter is destroyed
 * meanwhile, four later domain 2 by another vCPU than its own.  test_gnt_tsan
 * is the same under the thread sanitizer: that what the explorer takes for one
 * step, being plain memory, is behind a lock.
 */
#include "tests/unit/vcpus.h"

enum {
	GRANTER = 0, /* the number of its vCPU */
	CALLS = 2000,
	REFS = 4,
	PAGES = 3,
	HANDLES = 8,
	ADDR = 0x1000,
};

/* Written between rounds. */
static uint32_t killing; /* the domain that dies: 1, 2, or none */
static bool liar;
static struct hv *hv;
static struct hv_dom *dom[4];

static const struct hv_host host = {VCPUS_HOST};

/* ---- what the vCPUs do ----------------------------------------------------- */

static uint32_t head_of(struct vcpu *w)
{
	static const uint16_t flags[] = {GTF_permit_access,
		GTF_permit_access | GTF_readonly, GTF_invalid,
		GTF_accept_transfer};

	return (2 + rnd(w, 2)) << 16 | flags[rnd(w, liar ? 4 : 2)];
}

static int grant(struct vcpu *w)
{
	struct gnt_shared *e = gnt_entry(dom[1], rnd(w, REFS));
	uint32_t x = hv_guest_load(&e->head);

	if (liar) {
		hv_guest_store(&e->frame, rnd(w, PAGES + 1));
		hv_guest_store(&e->head, head_of(w) | rnd(w, 2) * GTF_reading);
		return 0;
	}
	if (x & (GTF_reading | GTF_writing) || !hv_cas(&e->head, x, 0))
		return -EBUSY;
	hv_guest_store(&e->frame, rnd(w, PAGES + 1));
	hv_guest_store(&e->head, head_of(w));
	return 0;
}

/* A page goes, and another comes. */
static int exchange(struct vcpu *w)
{
	uint64_t gfn = rnd(w, PAGES);
	int r = hv_mem_remove(dom[1], gfn);

	if (r && r != -ENOENT)
		return r;
	return hv_mem_populate(dom[1], HV_RUN_SHARE, 1, &gfn, NULL);
}

static int granter_call(struct vcpu *w)
{
	switch (rnd(w, 8)) {
	case 0: return exchange(w);
	case 1: return hv_gnt_swap(dom[1], rnd(w, REFS), rnd(w, REFS));
	case 2: return hv_gnt_end(dom[1], rnd(w, REFS));
	default: return grant(w);
	}
}

static int map(struct vcpu *w, struct hv_dom *d)
{
	struct hv_gnt_map m = {.domid = 1,
		.ref = rnd(w, REFS),
		.flags = (1 + rnd(w, 3)) * GNTMAP_device_map |
			 rnd(w, 2) * GNTMAP_readonly,
		.addr = ADDR};

	_Static_assert(GNTMAP_device_map == 1 && GNTMAP_host_map == 2,
		"one, the other or both");
	hv_gnt_map(d, &m);
	if (m.status == GNTST_okay && m.handle >= HANDLES)
		must(m.handle);
	return m.status;
}

static int unmap(struct vcpu *w, struct hv_dom *d)
{
	struct hv_gnt_unmap u = {.handle = rnd(w, HANDLES)};
	unsigned int parts = 1 + rnd(w, 3);

	u.addr = parts & 1 ? ADDR : 0;
	u.dev_addr = parts & 2 ? (uint64_t)(u.handle + 1) << HV_PAGE_SHIFT : 0;
	hv_gnt_unmap(d, &u);
	return u.status;
}

static int copy(struct vcpu *w, struct hv_dom *d)
{
	/* bytes of its own: what is copied is not locked */
	uint16_t at = (uint16_t)(w->nr * 64);
	struct hv_gnt_copy c = {.len = 8,
		.source = {.domid = DOMID_SELF, .gfn = 0, .offset = at},
		.dest = {.is_ref = true,
			.domid = 1,
			.ref = rnd(w, REFS),
			.offset = at}};

	hv_gnt_copy(d, &c);
	return c.status;
}

static int mapper_call(struct vcpu *w)
{
	struct hv_dom *d = dom[w->nr == 3 ? 3 : 2];
	unsigned int op = rnd(w, 5);

	if (op >= 3)
		return unmap(w, d);
	return op == 0 ? copy(w, d) : map(w, d);
}

static void vcpus_work(struct vcpu *w)
{
	if (killing && w->nr == GRANTER) {
		vcpus_destroy(w, dom[killing]);
		return;
	}
	for (unsigned int i = 0; i < CALLS; i++) {
		w->made++;
		w->done += (w->nr == GRANTER ? granter_call(w)
					     : mapper_call(w)) == 0;
	}
}

/* ---- rounds ------------------------------------------------------------------ */

static void dom_make(uint32_t id, uint32_t pages)
{
	struct hv_dom_config cfg = {
		.kind = HV_PVH, .bits = 64, .control = id == 0};

	must(hv_dom_create(hv, id, &cfg, &dom[id]));
	must(hv_mem_set_max(dom[id], 64));
	for (uint64_t gfn = 0; gfn < pages; gfn++)
		must(hv_mem_populate(dom[id], HV_RUN_SHARE, 1, &gfn, NULL));
}

static void dom_end(uint32_t id)
{
	uint32_t budget = UINT32_MAX;

	if (hv_dom_find(hv, id))
		must(hv_dom_destroy(dom[id], &budget));
}

/* The others give back what they have: a granter that died is gone then. */
static void era_end(void)
{
	struct hv_counts c;

	dom_end(2);
	dom_end(3);
	dom_end(1);
	dom_end(0);
	hv_counts(hv, &c);
	must((int)(c.domains + c.frames + c.runs + c.maps));
	hv_free(hv);
}

static void era_begin(void)
{
	static const struct hv_limits limits = {
		.max_grant_frames = 1, .max_maptrack = HANDLES};

	hv = hv_new(&host, NULL, &limits);
	must(hv ? 0 : -ENOMEM);
	dom_make(0, 0);
	dom_make(1, PAGES);
	dom_make(2, 1);
	dom_make(3, 1);
}

int main(void)
{
	uint64_t ms = soak_number("GNT_THREADS_MS", 300), round = 0;
	uint64_t seed = soak_number("GNT_THREADS_SEED", 1);
	int64_t t0 = soak_ms();

	vcpus_start(seed);
	while (round < 16 || soak_ms() - t0 < (int64_t)ms) {
		if (round % 4 == 0)
			era_begin();
		liar = round % 8 >= 5;
		killing = round % 4 == 3 ? 1 + (round % 8 == 7) : 0;
		/* a vCPU that makes a call keeps its domain */
		dom_hold(dom[2]);
		vcpus_round();
		dom_drop(dom[2]);
		hv_check(hv);
		if (round++ % 4 == 3)
			era_end();
	}
	if (round % 4)
		era_end();
	vcpus_stop(round, seed);
	return 0;
}
