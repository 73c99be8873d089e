/* SPDX-License-Identifier: MIT */
/*
 * scen_page.c - pages that change hands or are seen through a TLB or cache:
 * XSA-214, 287, 401, 402, and grants
 */
#include <string.h>

#include "hv/explore/world.h"
#include "common/err.h"

#define FAULTS(...)                     \
	.faults = (const char *const[]) \
	{                               \
		__VA_ARGS__, NULL       \
	}

/* A 4 KiB code segment of ring 1: a 32-bit guest's kernel. */
#define DESC_RING1 (1ull << 47 | 1ull << 45 | 1ull << 44 | 1ull << 43)

/* vCPU 0 in domain @d under root A with the L1 B. */
static void setup_mapped(unsigned int last, unsigned int vcpus, unsigned int d)
{
	world_setup(2, 2, last, vcpus);
	if (d) {
		world_move_vcpu(0, d);
		world_give(A, d);
		world_give(B, d);
	}
	world_word(A, 0, TO(B));
	world_must(pv_set_root(&world.vcpu[0], A, false));
}

static void settle(void)
{
	while (self()->pending.page)
		OP(pv_settle(self()));
}

/* ---- 214, 287: transfer ------------------------------------------------------- */

static void setup_214(void)
{
	world_setup(2, 2, C, 2);
	world_move_vcpu(1, 1);
	world.dom[0].bits = 32;
	world_word(C, 0, DESC_RING1);
}

static void run_214(unsigned int i)
{
	const uint64_t c = C;

	if (i == 1) {
		if (!OP(pv_set_gdt(self(), &c, 1)))
			explore_fail("a ring-1 descriptor in a 64-bit guest");
		return;
	}
	OP(pv_set_gdt(self(), &c, 1));
	OP(pv_set_gdt(self(), NULL, 0));
	OP(pv_transfer(self(), C, &world.dom[1]));
}

static const struct scenario t214 = {.name = "T214",
	.shows = "descriptors are validated anew for a new owner",
	.vcpus = 2,
	.setup = setup_214,
	.run = run_214,
	FAULTS("steal-keeps-type"),
	WORLD_SCENARIO};

/* By way of a domain that is no PV guest. */
static void setup_214h(void)
{
	setup_214();
	world.vcpu[2].id = 2;
	pv_add_vcpu(&world.pv, &world.dom[2], &world.vcpu[2]);
	world.dom[2].kind = PV_KIND_HVM;
}

static void run_214h(unsigned int i)
{
	const uint64_t c = C;

	if (i == 0) {
		OP(pv_set_gdt(self(), &c, 1));
		OP(pv_set_gdt(self(), NULL, 0));
		OP(pv_transfer(self(), C, &world.dom[2]));
	} else if (i == 1) {
		run_214(i);
	} else {
		OP(pv_transfer(self(), C, &world.dom[1]));
	}
}

static const struct scenario t214h = {.name = "T214h",
	.shows = "the same by way of a domain that is no PV guest",
	.vcpus = 3,
	.setup = setup_214h,
	.run = run_214h,
	FAULTS("steal-keeps-type"),
	WORLD_SCENARIO};

static void setup_287(void)
{
	setup_mapped(C, 2, 0);
}

/* C goes from domain 0, and comes back as domain 2's. */
static void recycle(void)
{
	struct hv_page *p;

	if (OP(pv_decrease(self(), C)))
		return;
	explore_idle("a new page for domain 2");
	p = world.pv.ops->alloc(&world.pv);
	if (p && page_assign(self(), p, &world.dom[2]))
		explore_fail("a free page that nobody can have");
}

static void run_287(unsigned int i)
{
	if (i)
		recycle();
	else
		OP(pv_transfer(self(), C, &world.dom[1]));
}

static const struct scenario t287 = {.name = "T287",
	.shows = "a page is stolen from its owner, not from the next one",
	.vcpus = 2,
	.setup = setup_287,
	.run = run_287,
	FAULTS("steal-no-ref"),
	WORLD_SCENARIO};

static void run_287b(unsigned int i)
{
	if (i)
		recycle();
	else
		OP(pv_mod_entry(self(), B, 0, TO(C)));
	settle();
}

static const struct scenario t287b = {.name = "T287b",
	.shows = "a reference is to the owner's page, not to the next one's",
	.vcpus = 2,
	.setup = setup_287,
	.run = run_287b,
	FAULTS("owner-first"),
	WORLD_SCENARIO};

/* ---- 401: translations ---------------------------------------------------------- */

static void setup_401(void)
{
	setup_mapped(C, 2, 0);
	world.vcpu[0].tlb_nr = 1;
	world.pv.has_tlb = 1;
	world_must(pv_mod_entry(&world.vcpu[0], B, 0, TO(C)));
	world_must(pv_mod_entry(&world.vcpu[0], B, 0, 0));
}

static void run_401(unsigned int i)
{
	if (i) {
		OP(pv_pin(self(), C, 1));
	} else {
		OP(pv_mod_entry(self(), B, 0, TO(C)));
		OP(pv_guest_write(self(), 0, 0, 1ull << 9));
		OP(pv_mod_entry(self(), B, 0, 0));
	}
	settle();
}

static const struct scenario t401 = {.name = "T401",
	.shows = "no translation lets a guest write a page table",
	.vcpus = 2,
	.setup = setup_401,
	.run = run_401,
	FAULTS("flush-first", "flush-none", "flush-new", "type-ignored"),
	WORLD_FIXED};

static void run_401s(unsigned int i)
{
	if (i) {
		OP(page_get(self(), page(C), &world.dom[0]));
		if (!OP(page_get_type(self(), page(C), HV_TYPE_SHARED, 0))) {
			page(C)->held = page(C)->held_type = 1;
			OP(page_put_type(self(), page(C), 0));
			page(C)->held = page(C)->held_type = 0;
		}
		OP((page_put(self(), page(C)), 0));
	} else {
		run_401(0);
	}
}

static const struct scenario t401s = {.name = "T401s",
	.shows = "nobody uses a new type before its side effects",
	.vcpus = 2,
	.setup = setup_401,
	.run = run_401s,
	.areas = world_areas,
	.check = world_check_fixed,
	.normal = world_normal,
	.show = world_show,
	.name_of = world_name,
	.is_private = world_private,
	FAULTS("early-valid")};

static void run_401f(unsigned int i)
{
	run_401(0);
	OP(pv_decrease(self(), C));
}

static const struct scenario t401f = {.name = "T401f",
	.shows = "no translation names a page that was given up",
	.vcpus = 1,
	.setup = setup_401,
	.run = run_401f,
	FAULTS("free-no-flush"),
	WORLD_SCENARIO};

/* ---- walks -------------------------------------------------------------------------- */

static void setup_walk(void)
{
	setup_mapped(C, 2, 0);
	world.vcpu[0].tlb_nr = 1;
	world.pv.has_tlb = 1;
	world_must(pv_mod_entry(&world.vcpu[0], B, 0, TO(C)));
}

/* B leaves the tree while a walk is on its way through it, and its guest
 * writes into it what no table may say. */
static void run_walk(unsigned int i)
{
	uint64_t x;

	if (i) {
		OP(pv_mod_entry(self(), A, 0, 0));
		OP(pv_mod_entry(self(), B, 0, TO(A)));
	} else {
		OP(pv_guest_read(self(), 0, 0, &x));
		OP(pv_guest_write(self(), 0, 0, 1ull << 9));
	}
	settle();
}

static const struct scenario walk = {.name = "walk",
	.shows = "no walk goes on through what is no table any more",
	.vcpus = 2,
	.setup = setup_walk,
	.run = run_walk,
	FAULTS("flush-table"),
	WORLD_FIXED};

static void setup_walk_pin(void)
{
	world_setup(2, 3, D, 2);
	world_word(A, 0, TO(B));
	world_word(B, 0, TO(C));
	world_word(D, 0, TO(A));
	world_must(pv_set_root(&world.vcpu[0], A, false));
	world.pv.explicit_pins = 1;
	world.vcpu[0].tlb_nr = 1;
	world.pv.has_tlb = 1;
}

/* The same, and in between B fails to become a table again: C is none. */
static void run_walk_pin(unsigned int i)
{
	uint64_t x;

	if (i) {
		OP(pv_mod_entry(self(), A, 0, 0));
		settle();
		OP(pv_pin(self(), B, 2));
		settle();
		OP(pv_mod_entry(self(), B, 0, TO(D)));
	} else {
		OP(pv_guest_read(self(), 0, 0, &x));
	}
	settle();
}

static const struct scenario walk_pin = {.name = "walk-pin",
	.shows = "the same with a pin in between that fails",
	.vcpus = 2,
	.setup = setup_walk_pin,
	.run = run_walk_pin,
	FAULTS("failed-forgets", "flush-table"),
	WORLD_FIXED};

/* ---- 402: cache and memory --------------------------------------------------------- */

static void setup_402(void)
{
	setup_mapped(C, 2, 0);
	world.pv.cache = world.cache;
	world.pv.line = world.line;
	world_must(pv_mod_entry(&world.vcpu[0], B, 0, TO(C)));
	world_must(pv_mod_entry(&world.vcpu[0], B, 1, TO(C) | PTE_PCD));
}

/* The cache says nothing is present, memory says a page table is. */
static void write_both(uint64_t benign)
{
	uint64_t x;

	OP(pv_guest_write(self(), 0, 0, benign));
	OP((pv_cache_evict(&world.pv, page(C)), 0));
	OP(pv_guest_read(self(), 0, 0, &x));
	OP(pv_guest_write(self(), 1, 0, TO(B)));
	OP(pv_mod_entry(self(), B, 0, 0));
	OP(pv_mod_entry(self(), B, 1, 0));
}

static void run_402a(unsigned int i)
{
	if (i) {
		OP((pv_cache_evict(&world.pv, page(C)), 0));
		return;
	}
	write_both(0);
	OP(pv_pin(self(), C, 1));
	settle();
}

static const struct scenario t402a = {.name = "T402a",
	.shows = "what is validated is what the processor will walk",
	.vcpus = 2,
	.setup = setup_402,
	.run = run_402a,
	FAULTS("nc-unnoted", "nc-no-flush"),
	WORLD_FIXED};

static void run_402b(unsigned int i)
{
	if (i) {
		OP((pv_cache_evict(&world.pv, page(C)), 0));
		return;
	}
	write_both(1ull << 9);
	OP(pv_decrease(self(), C));
}

static const struct scenario t402b = {.name = "T402b",
	.shows = "a page that is free has no line of its last owner's",
	.vcpus = 2,
	.setup = setup_402,
	.run = run_402b,
	FAULTS("nc-no-free-flush"),
	WORLD_SCENARIO};

/* ---- the lock of a table -------------------------------------------------------------- */

static void setup_lock(void)
{
	world_setup(2, 2, C, 2);
	world_must(pv_pin(&world.vcpu[0], B, 1));
}

static void run_lock(unsigned int i)
{
	if (i) {
		OP(pv_unpin(self(), B));
		OP(pv_pin(self(), B, 2));
	} else {
		OP(pv_mod_entry(self(), B, 0, TO(C)));
	}
	settle();
}

static const struct scenario lock = {.name = "lock",
	.shows = "a table that changes stays a table of its level",
	.vcpus = 2,
	.setup = setup_lock,
	.run = run_lock,
	FAULTS("lock-no-recheck", "lock-last"),
	WORLD_FIXED};

/* ---- the counts of one page ------------------------------------------------------------ */

static void run_share(unsigned int i)
{
	OP(pv_mod_entry(self(), B, i, TO(C)));
	OP(pv_mod_entry(self(), B, i, 0));
}

static const struct scenario share = {.name = "share",
	.shows = "two vCPUs map one page writable, and unmap it",
	.vcpus = 2,
	.setup = setup_lock,
	.run = run_share,
	FAULTS("lost-swap"),
	WORLD_FIXED};

/* ---- grants and types ------------------------------------------------------------------ */

static void setup_grant(void)
{
	setup_mapped(C, 3, 1);
	world.vcpu[0].tlb_nr = 1;
	world.pv.has_tlb = 1;
}

static void run_grant(unsigned int i)
{
	struct pv_grant **g = &world.mapped[0];

	switch (i) {
	case 0:
		if (OP(pv_grant_map(self(), B, 0, C, true, g)))
			return;
		OP(pv_guest_write(self(), 0, 0, 1ull << 9));
		OP(pv_grant_unmap(self(), *g));
		return;
	case 1: OP(pv_pin(self(), C, 1)); break;
	case 2: OP(pv_mod_entry(self(), C, 1, 1ull << 9)); break;
	}
	settle();
}

static const struct scenario grant_promote = {.name = "grant-promote",
	.shows = "a page granted writable, promoted and written meanwhile",
	.vcpus = 3,
	.slow = true,
	.setup = setup_grant,
	.run = run_grant,
	FAULTS("grant-no-type", "grant-no-flush"),
	WORLD_FIXED};

/* E is an L1 of domain 1, and vCPU 1 domain 1's. */
static void setup_handles(void)
{
	setup_mapped(E, 2, 0);
	world_give(E, 1);
	world_move_vcpu(1, 1);
	world_must(pv_pin(&world.vcpu[1], E, 1));
	world_must(
		pv_grant_map(&world.vcpu[0], B, 0, C, true, &world.mapped[0]));
}

static void run_handles(unsigned int i)
{
	struct pv_grant **g = &world.mapped[i];

	if (i == 1 && OP(pv_grant_map(self(), E, 0, C, true, g)))
		explore_fail("the page cannot be mapped");
	if (OP(pv_grant_unmap(self(), *g)))
		explore_fail("somebody else has unmapped it");
	/* the handle may be the other's by now */
	if (i == 0 && !OP(pv_grant_unmap(self(), *g)))
		explore_fail("another domain's page is unmapped");
	settle();
}

static const struct scenario grant_handle = {.name = "grant-handle",
	.shows = "a handle that was given up is whoever's has it next",
	.vcpus = 2,
	.setup = setup_handles,
	.run = run_handles,
	FAULTS("grant-who-first"),
	WORLD_SCENARIO};

static void setup_race(void)
{
	setup_mapped(C, 3, 1);
	world_move_vcpu(1, 0);
}

static void run_race(unsigned int i)
{
	switch (i) {
	case 0: OP(pv_mod_entry(self(), B, 0, TO(C))); break;
	case 1: OP(pv_transfer(self(), C, &world.dom[1])); break;
	case 2:
		if (!OP(pv_pin(self(), C, 1)))
			OP(pv_unpin(self(), C));
		break;
	}
	settle();
}

static const struct scenario transfer_pin = {.name = "transfer-pin",
	.shows = "a page transferred, pinned, and mapped by who gets it",
	.vcpus = 3,
	.setup = setup_race,
	.run = run_race,
	.slow = true,
	WORLD_SCENARIO};

/* ---- anything, with tables of full size: for --random ----------------------------------- */

enum { SOAK_SLOTS = 512, SOAK_OPS = 500 };
static uint64_t soak_mem[WORLD_PAGES * SOAK_SLOTS];

static void setup_soak(void)
{
	memset(soak_mem, 0, sizeof(soak_mem));
	world_setup(2, 4, H, 3);
	world.pv.mem = soak_mem;
	world.pv.slots = SOAK_SLOTS;
}

static uint64_t any_entry(void)
{
	unsigned int p = A + explore_choose(WORLD_PAGES - A);

	switch (explore_choose(4)) {
	case 0: return TO(p);
	case 1: return TO_RO(p);
	case 2: return explore_choose(32) ? TO_RO(p) : TO_NOWHERE;
	default: return 0;
	}
}

static void soak_op(struct pv_vcpu *v)
{
	unsigned int p = A + explore_choose(WORLD_PAGES - A);
	unsigned int level = 1 + explore_choose(4);
	unsigned int slot = explore_choose(8) * 73;
	uint64_t e = any_entry();

	switch (explore_choose(6)) {
	case 0: OP(pv_pin(v, p, level)); break;
	case 1: OP(pv_unpin(v, p)); break;
	case 2: OP(pv_set_root(v, p, level & 1)); break;
	default: OP(pv_mod_entry(v, p, slot, e)); break;
	}
}

static void run_soak(unsigned int i)
{
	for (unsigned int n = 0; n < SOAK_OPS; n++)
		soak_op(self());
	settle();
}

static const struct scenario soak = {.name = "soak",
	.shows = "any calls on any pages, with 512 slots (--random)",
	.vcpus = 3,
	.setup = setup_soak,
	.run = run_soak,
	.random_only = true,
	WORLD_FIXED};

const struct scenario *const scen_page[] = {&t214, &t214h, &t287, &t287b, &t401,
	&t401f, &t401s, &walk, &walk_pin, &t402a, &t402b, &lock, &share,
	&grant_promote, &grant_handle, &transfer_pin, &soak, NULL};
