/* SPDX-License-Identifier: MIT */
/*
 * scen_grant.c - grants: XSA-218, 224, 228, 230, 234, 235, 268, 316
 *
 * DOC: the cast
 *
 * Domain 1 has pages 0 and 1 and grants page 0 by its entry REF, to domain 2
 * unless somebody changes that.  Two vCPUs call the engine for domain 2, or
 * one of them is domain 1's and writes its entries.
 */
#include "hv/explore/machine.h"

enum {
	ADDR = 0x1000,
	REF = 2,
	REF_2 = 3,
	HOST = GNTMAP_host_map,
	DEVICE = GNTMAP_device_map,
	RO = GNTMAP_readonly,
};

#define FAULTS(...)                     \
	.faults = (const char *const[]) \
	{                               \
		__VA_ARGS__, NULL       \
	}

/* ---- what vCPUs do ----------------------------------------------------------- */

static void map_as(
	struct hv_dom *d, uint32_t ref, uint32_t flags, struct hv_gnt_map *m)
{
	*m = (struct hv_gnt_map){
		.domid = 1, .ref = ref, .flags = flags, .addr = ADDR};
	hv_gnt_map(d, m);
	if (m->status > 0)
		explore_fail("a positive status");
}

static int map(uint32_t ref, uint32_t flags, struct hv_gnt_map *m)
{
	map_as(machine.dom[2], ref, flags, m);
	return m->status;
}

static int unmap(uint32_t handle, uint64_t addr, uint64_t dev_addr)
{
	struct hv_gnt_unmap u = {
		.handle = handle, .addr = addr, .dev_addr = dev_addr};

	hv_gnt_unmap(machine.dom[2], &u);
	return u.status;
}

static int unmap_all(const struct hv_gnt_map *m)
{
	return unmap(m->handle, ADDR, m->dev_addr);
}

static int copy_to(uint32_t ref)
{
	struct hv_gnt_copy c = {.len = 8,
		.source = {.domid = DOMID_SELF, .gfn = 0},
		.dest = {.is_ref = true, .domid = 1, .ref = ref}};

	hv_gnt_copy(machine.dom[2], &c);
	return c.status;
}

static void want(int is, int should)
{
	if (is != should)
		explore_fail("status %d, not %d", is, should);
}

static void setup_granted(uint32_t flags)
{
	machine_setup(3);
	machine_page(1, 0);
	machine_page(1, 1);
	machine_grant(1, REF, 2, 0, flags);
	machine_area(NULL, 0);
}

static void setup_map(void)
{
	setup_granted(GTF_permit_access);
}

/* As many mappings as @flags says, of the same entry. */
static void setup_mapped(uint32_t flags)
{
	setup_map();
	want(map(REF, flags, &machine.map[0]), GNTST_okay);
}

/* ---- the plain case --------------------------------------------------------- */

static void run_map(unsigned int i)
{
	struct hv_gnt_map *m = &machine.map[i];

	want(CALL(map(REF, i ? HOST | RO : HOST, m)), GNTST_okay);
	want(CALL(unmap_all(m)), GNTST_okay);
}

static const struct scenario g0 = {.name = "G0",
	.shows = "two vCPUs map and unmap the same entry",
	.vcpus = 2,
	.setup = setup_map,
	.run = run_map,
	FAULTS("handle-unlocked", "unmap-status-late"),
	MACHINE_GRANTS};

/* ---- G1, XSA-218: one handle, two vCPUs ---------------------------------------- */

static void setup_g1(void)
{
	setup_mapped(HOST | DEVICE);
}

static void run_g1(unsigned int i)
{
	const struct hv_gnt_map *m = &machine.map[0];

	if (i == 0) {
		want(CALL(unmap(m->handle, ADDR, 0)), GNTST_okay);
		return;
	}
	want(CALL(unmap(m->handle, 0, m->dev_addr)), GNTST_okay);
	want(CALL(map(REF, HOST, &machine.map[1])), GNTST_okay);
	want(CALL(unmap_all(&machine.map[1])), GNTST_okay);
}

static const struct scenario g1 = {.name = "G1",
	.shows = "a handle whose parts go at once is freed once",
	.vcpus = 2,
	.setup = setup_g1,
	.run = run_g1,
	FAULTS("unmap-status-late", "unmap-free-late"),
	MACHINE_GRANTS};

static void run_g1b(unsigned int i)
{
	int st = CALL(unmap_all(&machine.map[0]));

	machine.note[i] = 1 + (st == GNTST_okay);
	if (st)
		want(st, GNTST_bad_handle);
	if (machine.note[!i] && machine.note[0] + machine.note[1] != 3)
		explore_fail("one mapping, given back %s",
			st ? "by nobody" : "twice");
}

static const struct scenario g1b = {.name = "G1b",
	.shows = "who unmaps what is being unmapped finds no handle",
	.vcpus = 2,
	.setup = setup_g1,
	.run = run_g1b,
	FAULTS("unmap-unlocked"),
	MACHINE_GRANTS};

/* ---- G2, XSA-224: references --------------------------------------------------- */

/* The hypervisor takes the page for a table of its own, if it can. */
static int use_as_table(void)
{
	struct hv_frame *f = p2m_get(machine.dom[1], 0);

	if (frame_get(f))
		explore_fail("the page has gone");
	if (!frame_get_type(f, HV_TYPE_SHARED))
		frame_put_type(f);
	frame_put(f);
	return 0;
}

static void run_g2(unsigned int i)
{
	struct hv_gnt_map *m = &machine.map[0];
	int st;

	if (i == 1) {
		CALL(use_as_table());
		return;
	}
	st = CALL(map(REF, HOST | DEVICE, m));
	if (st) {
		want(st, GNTST_general_error);
		return;
	}
	want(CALL(unmap(m->handle, ADDR, 0)), GNTST_okay);
	/* that part has gone, there is nothing left to give back */
	want(CALL(unmap(m->handle, ADDR, 0)), GNTST_okay);
	want(CALL(unmap_all(m)), GNTST_okay);
}

static const struct scenario g2 = {.name = "G2",
	.shows = "a part gives back what it took, a failure too",
	.vcpus = 2,
	.setup = setup_map,
	.run = run_g2,
	FAULTS("unmap-refs-both", "map-undo-less", "map-undo-more",
		"map-undo-status"),
	MACHINE_GRANTS};

/* ---- G3, XSA-230: a copy and a mapping ------------------------------------------ */

static void setup_g3(void)
{
	setup_map();
	machine_page(2, 0);
}

static void run_g3(unsigned int i)
{
	struct hv_gnt_map *m = &machine.map[0];

	if (i == 1) {
		want(CALL(copy_to(REF)), GNTST_okay);
		return;
	}
	want(CALL(map(REF, DEVICE, m)), GNTST_okay);
	want(CALL(unmap_all(m)), GNTST_okay);
}

static const struct scenario g3 = {.name = "G3",
	.shows = "a copy leaves the status of a mapping alone",
	.vcpus = 2,
	.setup = setup_g3,
	.run = run_g3,
	FAULTS("settle-host-only"),
	MACHINE_GRANTS};

/* ---- G4, XSA-316: what fails ----------------------------------------------------- */

static void setup_g4(void)
{
	setup_map();
	machine_grant(1, REF_2, 2, 1, 0);
}

static void run_g4(unsigned int i)
{
	struct hv_gnt_map *m = &machine.map[i];

	if (i == 0) {
		want(CALL(map(REF_2, HOST, m)), GNTST_general_error);
		want(CALL(map(GNT_PER_FRAME, HOST, m)), GNTST_bad_gntref);
		return;
	}
	want(CALL(map(REF, HOST | DEVICE, m)), GNTST_okay);
	want(CALL(unmap(m->handle, ADDR + 1, 0)), GNTST_bad_virt_addr);
	want(CALL(unmap(m->handle, ADDR, m->dev_addr + HV_PAGE_SIZE)),
		GNTST_bad_dev_addr);
	want(CALL(unmap_all(m)), GNTST_okay);
	want(CALL(unmap_all(m)), GNTST_bad_handle);
}

static const struct scenario g4 = {.name = "G4",
	.shows = "what is refused says so and leaves nothing",
	.vcpus = 2,
	.setup = setup_g4,
	.run = run_g4,
	FAULTS("map-status-bool", "map-handle-leak", "map-lock-leak",
		"unmap-any-addr"),
	MACHINE_GRANTS};

static void run_g4b(unsigned int i)
{
	struct hv_gnt_map *m = &machine.map[i];
	int st;

	if (i == 1) {
		/* a handle that it was not told of yet */
		st = CALL(unmap(0, ADDR, 0));
		machine.note[0] = st == GNTST_okay;
		if (st)
			want(st, GNTST_bad_handle);
		return;
	}
	want(CALL(map(REF, HOST, m)), GNTST_okay);
	st = CALL(unmap_all(m));
	if (st)
		want(st, GNTST_bad_handle);
}

static const struct scenario g4b = {.name = "G4b",
	.shows = "a handle is valid when its mapping is there",
	.vcpus = 2,
	.setup = setup_map,
	.run = run_g4b,
	FAULTS("map-record-first"),
	MACHINE_GRANTS};

static void run_g4c(unsigned int i)
{
	struct hv_gnt_map *m = &machine.map[0];

	if (i == 0) {
		CALL(map(REF, HOST | RO, m));
		return;
	}
	/* the one reference that is left is the mapping's */
	CALL(hv_mem_remove(machine.dom[1], 0));
	CALL(unmap(0, ADDR, 0));
}

static const struct scenario g4c = {.name = "G4c",
	.shows = "a mapping goes at once, and with it its page",
	.vcpus = 2,
	.setup = setup_map,
	.run = run_g4c,
	FAULTS("map-told-late"),
	MACHINE_GRANTS};

/* ---- G5: domains that die ---------------------------------------------------------- */

static int destroy(struct hv_dom *d)
{
	uint32_t budget = 0;

	return hv_dom_destroy(d, &budget);
}

/* The last call of domain 2, which is not freed before it returns. */
static int map_last(void)
{
	struct hv_dom *d = machine.dom[2];
	struct hv_gnt_map m;

	map_as(d, REF, HOST, &m);
	dom_unref(d);
	machine.note[0] = 1;
	return 0;
}

/* The sums do not know the call's reference of its domain. */
static const char *idle_g5(char *buf, size_t len)
{
	return machine.note[0] ? machine_idle_honest(buf, len) : NULL;
}

static void setup_g5(void)
{
	struct hv_gnt_map *m = machine.map;

	setup_map();
	want(map(REF, HOST | RO, &m[0]), GNTST_okay);
	want(map(REF, HOST | RO, &m[1]), GNTST_okay);
	dom_ref(machine.dom[2]); /* map_last()'s */
}

static void run_g5(unsigned int i)
{
	struct hv_dom *d;
	int st;

	if (i == 0) {
		CALL(map_last());
		return;
	}
	while (CALL(destroy(machine.dom[2])) == -ERESTART)
		;
	d = machine_birth(2);
	if (!d)
		return; /* the other has not left yet */
	machine.dom[2] = d;
	want(CALL(unmap_all(&machine.map[0])), GNTST_bad_handle);
	st = CALL(map(REF, HOST, &machine.map[0]));
	want(st, GNTST_okay);
	want(CALL(unmap_all(&machine.map[0])), GNTST_okay);
}

static const struct scenario g5 = {.name = "G5",
	.shows = "a domain dies while it maps, and its number comes again",
	.vcpus = 2,
	.setup = setup_g5,
	.run = run_g5,
	FAULTS("map-dying", "release-skips"),
	.areas = machine_areas,
	.check = machine_check_honest,
	.idle = idle_g5,
	.is_private = machine_private,
	.touch = machine_touch,
	.show = machine_show,
	.name_of = machine_name};

static void setup_g5b(void)
{
	setup_g1();
	while (destroy(machine.dom[1]) == -ERESTART)
		;
}

static void run_g5b(unsigned int i)
{
	const struct hv_gnt_map *m = &machine.map[0];

	want(CALL(unmap(m->handle, i ? ADDR : 0, i ? 0 : m->dev_addr)),
		GNTST_okay);
}

static const struct scenario g5b = {.name = "G5b",
	.shows = "a dead granter is freed after the last part, once",
	.vcpus = 2,
	.setup = setup_g5b,
	.run = run_g5b,
	FAULTS("granter-ref-handle", "dom-last-twice"),
	MACHINE_GRANTS};

static void run_g5c(unsigned int i)
{
	if (i == 0)
		want(CALL(unmap_all(&machine.map[0])), GNTST_okay);
	while (i == 1 && CALL(destroy(machine.dom[1])) == -ERESTART)
		;
}

static const struct scenario g5c = {.name = "G5c",
	.shows = "a granter dies while its page is unmapped",
	.vcpus = 2,
	.setup = setup_g1,
	.run = run_g5c,
	FAULTS("dom-last-twice"),
	MACHINE_GRANTS};

static void run_g5d(unsigned int i)
{
	int st;

	if (i == 0) {
		st = CALL(map(REF, HOST, &machine.map[0]));
		if (st == GNTST_okay)
			want(CALL(unmap_all(&machine.map[0])), GNTST_okay);
		/* no such domain, dying, or without that page already */
		else if (st != GNTST_bad_domain && st != GNTST_bad_page)
			want(st, GNTST_general_error);
		return;
	}
	while (CALL(destroy(machine.dom[1])) == -ERESTART)
		;
}

static const struct scenario g5d = {.name = "G5d",
	.shows = "a granter dies while its page is mapped",
	.vcpus = 2,
	.setup = setup_map,
	.run = run_g5d,
	FAULTS("dom-bare"),
	MACHINE_GRANTS};

/* ---- G6: what the granter writes meanwhile --------------------------------------- */

/* As grant_table.h tells a guest to: only what is not in use changes. */
static bool withdraw(struct gnt_shared *e)
{
	uint32_t x = hv_guest_load(&e->head);

	return !(x & (GTF_reading | GTF_writing)) && hv_cas(&e->head, x, 0);
}

static int regrant(uint32_t head, uint32_t frame)
{
	struct gnt_shared *e = machine_entry(1, REF);

	if (!withdraw(e))
		return -EBUSY;
	hv_guest_store(&e->frame, frame);
	hv_guest_store(&e->head, head);
	return 0;
}

static void run_g6(unsigned int i)
{
	struct hv_gnt_map *m = &machine.map[0];
	int st;

	if (i == 1) {
		CALL(regrant(3 << 16 | GTF_permit_access, 1));
		CALL(regrant(2 << 16 | GTF_permit_access | GTF_readonly, 1));
		return;
	}
	st = CALL(map(REF, HOST, m));
	if (st)
		want(st, GNTST_general_error);
	else
		want(CALL(unmap_all(m)), GNTST_okay);
}

static const struct scenario g6 = {.name = "G6",
	.shows = "an entry that is withdrawn in time is not mapped",
	.vcpus = 2,
	.setup = setup_map,
	.run = run_g6,
	FAULTS("entry-read-twice"),
	MACHINE_GRANTS};

/* As it likes. */
static void flip(void)
{
	struct gnt_shared *e = machine_entry(1, REF);

	hv_guest_store(&e->frame, 1u);
	hv_guest_store(&e->head, 3u << 16 | GTF_permit_access);
	hv_guest_store(&e->frame, 99u);
	hv_guest_store(&e->head, 2u << 16 | GTF_permit_access);
	hv_guest_store(&e->frame, 0u);
}

static void run_g6b(unsigned int i)
{
	struct hv_gnt_map *m = machine.map;

	if (i == 1) {
		CALL((flip(), 0));
		return;
	}
	if (CALL(map(REF, HOST, &m[0])))
		return;
	/* what counts is what was so at the first pin, whatever is there */
	want(CALL(map(REF, HOST | RO, &m[1])), GNTST_okay);
	if (m[1].page.run != m[0].page.run)
		explore_fail("one entry, two pages");
	want(CALL(unmap_all(&m[0])), GNTST_okay);
	want(CALL(unmap_all(&m[1])), GNTST_okay);
}

static const struct scenario g6b = {.name = "G6b",
	.shows = "while an entry is pinned its first reading counts",
	.vcpus = 2,
	.setup = setup_map,
	.run = run_g6b,
	FAULTS("frame-read-again"),
	.areas = machine_areas,
	.check = machine_check_grants,
	.idle = machine_idle,
	.is_private = machine_private,
	.touch = machine_touch,
	.show = machine_show,
	.name_of = machine_name};

/* Counts what vCPU 0 reads of the entry. */
static void touch_g6c(const volatile void *p)
{
	if (explore_self() == 0 && p == &machine_entry(1, REF)->head)
		machine.note[0]++;
	machine_touch(p);
}

static void run_g6c(unsigned int i)
{
	uint32_t *head = &machine_entry(1, REF)->head;

	if (i == 1) {
		explore_idle("flips");
		for (uint32_t n = 1; n <= HV_CAS_TRIES + 1; n++)
			hv_guest_store(head, 2u << 16 | GTF_permit_access |
						     (n & 1 ? GTF_PWT : 0));
		return;
	}
	if (CALL(map(REF, HOST, &machine.map[0])) == GNTST_okay)
		want(CALL(unmap_all(&machine.map[0])), GNTST_okay);
	/* a load and a swap each; the two places behind them, and the bits in
	 * the end */
	if (machine.note[0] > 2 * HV_CAS_TRIES + 3)
		explore_fail("the entry was tried too often");
}

static const struct scenario g6c = {.name = "G6c",
	.shows = "an entry that changes all the time is given up",
	.vcpus = 2,
	.setup = setup_map,
	.run = run_g6c,
	FAULTS("entry-unbounded"),
	.areas = machine_areas,
	.check = machine_check_grants,
	.idle = machine_idle,
	.is_private = machine_private,
	.touch = touch_g6c,
	.show = machine_show,
	.name_of = machine_name};

static void run_g6d(unsigned int i)
{
	struct hv_gnt_map *m = &machine.map[0];
	int st;

	if (i == 1) {
		want(CALL(hv_mem_remove(machine.dom[1], 0)), 0);
		return;
	}
	st = CALL(map(REF, HOST | RO, m));
	if (!st)
		want(CALL(unmap_all(m)), GNTST_okay);
}

static const struct scenario g6d = {.name = "G6d",
	.shows = "a page is given up while it is mapped",
	.vcpus = 2,
	.setup = setup_map,
	.run = run_g6d,
	FAULTS("frame-unlocked"),
	MACHINE_GRANTS};

static void setup_g6e(void)
{
	setup_map();
	machine_grant(1, REF_2, 3, 1, GTF_permit_access);
}

static void run_g6e(unsigned int i)
{
	struct hv_gnt_map *m = &machine.map[0];
	int st;

	if (i == 1) {
		CALL(hv_gnt_swap(machine.dom[1], REF, REF_2));
		return;
	}
	st = CALL(map(REF, HOST, m));
	if (st)
		want(st, GNTST_general_error);
	else
		want(CALL(unmap_all(m)), GNTST_okay);
}

static const struct scenario g6e = {.name = "G6e",
	.shows = "entries change places only when nobody uses them",
	.vcpus = 2,
	.setup = setup_g6e,
	.run = run_g6e,
	FAULTS("swap-unlocked"),
	MACHINE_GRANTS};

/* ---- G7: as many pins as fit --------------------------------------------------------- */

static void setup_g7(void)
{
	setup_mapped(HOST | RO);
	want(map(REF, HOST | RO, &machine.map[1]), GNTST_okay);
}

static void run_g7(unsigned int i)
{
	struct hv_gnt_map *m = &machine.map[2 + i];
	int st = CALL(map(REF, HOST | RO, m));

	if (!st)
		want(CALL(unmap_all(m)), GNTST_okay);
	else
		want(st, GNTST_general_error);
}

static const struct scenario g7 = {.name = "G7",
	.shows = "one mapping more than pins can count is refused",
	.vcpus = 2,
	.setup = setup_g7,
	.run = run_g7,
	FAULTS("pin-wraps"),
	MACHINE_GRANTS};

const struct scenario *const scen_grant[] = {&g0, &g1, &g1b, &g2, &g3, &g4,
	&g4b, &g4c, &g5, &g5b, &g5c, &g5d, &g6, &g6b, &g6c, &g6d, &g6e, &g7,
	NULL};
