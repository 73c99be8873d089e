/* SPDX-License-Identifier: MIT */
/*
 * scen_type.c - types that change half-way: XSA-299, XSA-310, XSA-290
 *
 * DOC: the cast
 *
 * A is a table two or three levels up, B its child, G a second parent of B,
 * H a root that may take A.  Which of A's slots holds B decides whether the
 * first or the last step of a loop is the interesting one: there are
 * scenarios with either.
 */
#include "hv/explore/world.h"

#define FAULTS(...)                     \
	.faults = (const char *const[]) \
	{                               \
		__VA_ARGS__, NULL       \
	}

static void settle_all(void)
{
	while (self()->pending.page)
		OP(pv_settle(self()));
}

/* ---- a: an L1 is all or nothing -------------------------------------------- */

static void setup_a(void)
{
	world_setup(2, 2, D, 2);
	world_word(A, 0, TO(B));
	world_word(A, 1, TO(C));
	world_word(B, 1, TO(D));
}

static void run_a(unsigned int i)
{
	if (!OP(pv_pin(self(), A, 2)))
		OP(pv_unpin(self(), A));
	settle_all();
}

static const struct scenario t299a = {.name = "T299a",
	.shows = "an L1 is validated all at once or not at all",
	.vcpus = 2,
	.setup = setup_a,
	.run = run_a,
	FAULTS("restart-untouched"),
	WORLD_FIXED};

/* ---- c: unpin against promotion, one child in both slots ------------------- */

static void setup_c(void)
{
	world_setup(2, 4, B, 2);
	world_give(H, 0);
	world_word(A, 0, TO(B));
	world_word(A, 1, TO(B));
	world_must(pv_pin(&world.vcpu[0], A, 3));
	world_must(pv_pin(&world.vcpu[0], H, 4));
}

static void run_c(unsigned int i)
{
	if (i == 0)
		OP(pv_unpin(self(), A));
	else
		OP(pv_mod_entry(self(), H, 0, TO(A)));
	settle_all();
}

static const struct scenario t299c = {.name = "T299c",
	.shows = "a slot that was not reached is not partial",
	.vcpus = 2,
	.setup = setup_c,
	.run = run_c,
	FAULTS("preempt-sets-pf"),
	WORLD_FIXED};

/* ---- d, g, 310-2: three vCPUs about one child ------------------------------ */

static void setup_three(unsigned int slot)
{
	world_setup(2, 4, B, 3);
	world_give(G, 0);
	world_give(H, 0);
	world_word(A, slot, TO(B));
	world_must(pv_pin(&world.vcpu[0], A, 3));
	world_must(pv_pin(&world.vcpu[0], G, 3));
	world_must(pv_pin(&world.vcpu[0], H, 4));
}

static void setup_last(void)
{
	setup_three(1);
}

static void setup_first(void)
{
	setup_three(0);
}

static void run_g(unsigned int i)
{
	switch (i) {
	case 0: OP(pv_unpin(self(), A)); break;
	case 1: OP(pv_mod_entry(self(), H, 0, TO(A))); break;
	case 2: OP(pv_mod_entry(self(), G, 0, TO(B))); break;
	}
	settle_all();
}

static const struct scenario t299g = {.name = "T299g",
	.shows = "cleaning up what is partial no more drops nothing",
	.slow = true,
	.vcpus = 3,
	.setup = setup_last,
	.run = run_g,
	FAULTS("put-no-partial", "sticky-pending", "sticky-promote",
		"sticky-demote", "sticky-demote-last"),
	WORLD_FIXED};

static const struct scenario t310_2 = {.name = "T310-2",
	.shows = "a partial slot 0 stays partial over -EINTR",
	.slow = true,
	.vcpus = 3,
	.setup = setup_first,
	.run = run_g,
	FAULTS("sticky-promote-0", "sticky-demote"),
	WORLD_FIXED};

static void run_d(unsigned int i)
{
	run_g(i);
	if (i != 2)
		return;
	OP(pv_mod_entry(self(), G, 0, 0));
	settle_all();
	OP(pv_decrease(self(), B));
}

static const struct scenario t299d = {.name = "T299d",
	.shows = "a partial slot keeps its child from being freed",
	.slow = true,
	.vcpus = 3,
	.setup = setup_last,
	.run = run_d,
	FAULTS("partial-no-ref"),
	WORLD_SCENARIO};

/* ---- e: a partial slot whose child became invalid --------------------------- */

static void run_e(unsigned int i)
{
	if (i == 0) {
		OP(pv_unpin(self(), A));
	} else {
		OP(pv_mod_entry(self(), G, 0, TO(B)));
		OP(pv_mod_entry(self(), G, 0, 0));
		settle_all();
		OP(pv_mod_entry(self(), B, 0, TO_NOWHERE));
		OP(pv_mod_entry(self(), H, 0, TO(A)));
	}
	settle_all();
}

static const struct scenario t299e = {.name = "T299e",
	.shows = "an error at a partial slot keeps the slot's reference",
	.vcpus = 2,
	.setup = setup_first,
	.run = run_e,
	FAULTS("error-drops-pf"),
	WORLD_FIXED};

/* ---- k: a partial child that became partial at another level ---------------- */

/*
 * B is an L2 with the L1 C, and later an L4 with C and D below it: whoever
 * cleans it up for A then goes through four tables without a poll.
 */
static void setup_k(void)
{
	world_setup(2, 4, D, 2);
	world_word(A, 0, TO(B));
	world_word(B, 0, TO(C));
	world_word(C, 0, TO_RO(D));
	world_must(pv_pin(&world.vcpu[0], A, 3));
}

static void run_k(unsigned int i)
{
	if (i == 0) {
		OP(pv_unpin(self(), A));
	} else {
		OP(pv_pin(self(), B, 2));
		OP(pv_unpin(self(), B));
		settle_all();
		OP(pv_pin(self(), B, 4));
	}
	settle_all();
}

static const struct scenario t299k = {.name = "T299k",
	.shows = "a partial child of another level is somebody else's",
	.vcpus = 2,
	.setup = setup_k,
	.run = run_k,
	FAULTS("partial-any-type"),
	WORLD_FIXED};

/* ---- f: a failure two levels down ------------------------------------------ */

static void setup_f(unsigned int slot)
{
	world_setup(2, 4, C, 2);
	world_word(A, 1, TO(B));
	world_word(B, slot, TO(C));
	world_word(C, 1, TO_NOWHERE);
}

static void setup_f_first(void)
{
	setup_f(0);
}

static void setup_f_last(void)
{
	setup_f(1);
}

static void run_f(unsigned int i)
{
	OP(pv_pin(self(), A, 4));
	settle_all();
}

static const struct scenario t299f = {.name = "T299f",
	.shows = "a table with an invalid grandchild is never validated",
	.vcpus = 2,
	.setup = setup_f_last,
	.run = run_f,
	FAULTS("nested-skips", "nested-ignored"),
	WORLD_FIXED};

static const struct scenario t299f_0 = {.name = "T299f-0",
	.shows = "the same in the first slot of the table between",
	.vcpus = 2,
	.setup = setup_f_first,
	.run = run_f,
	FAULTS("nested-first", "nested-ignored"),
	WORLD_FIXED};

/* ---- h: two failures of one table ------------------------------------------ */

static void setup_h(void)
{
	world_setup(2, 2, A, 2);
	world_word(A, 1, TO_NOWHERE);
}

static void run_h(unsigned int i)
{
	OP(pv_pin(self(), A, 2));
	settle_all();
}

static const struct scenario t299h = {.name = "T299h",
	.shows = "a failed promotion is cleaned up once",
	.vcpus = 2,
	.setup = setup_h,
	.run = run_h,
	FAULTS("put-no-partial"),
	WORLD_FIXED};

/* ---- explicit pins: each table by itself ------------------------------------ */

static void setup_explicit(void)
{
	world_setup(2, 3, D, 2);
	world.pv.explicit_pins = 1;
	world_word(A, 0, TO(B));
	world_word(B, 0, TO(C));
	world_word(C, 1, TO(D));
	world_must(pv_pin(&world.vcpu[0], C, 1));
}

/* B is pinned, or half so, or not, and so is C, when A is. */
static void run_explicit(unsigned int i)
{
	if (i == 0) {
		OP(pv_pin(self(), A, 3));
		OP(pv_mod_entry(self(), A, 1, TO(B)));
	} else {
		OP(pv_pin(self(), B, 2));
		OP(pv_unpin(self(), C));
		OP(pv_unpin(self(), B));
	}
	settle_all();
}

static const struct scenario explicit_pins = {.name = "explicit",
	.shows = "with explicit pins no promotion goes down a level",
	.vcpus = 2,
	.setup = setup_explicit,
	.run = run_explicit,
	FAULTS("explicit-down", "explicit-partial"),
	WORLD_FIXED};

/* ---- 290: every loop polls -------------------------------------------------- */

static void setup_290(void)
{
	world_setup(3, 4, C, 1);
	for (unsigned int i = 0; i < 3; i++) {
		world_word(A, i, TO(B));
		world_word(B, i, TO(C));
	}
}

static void run_290(unsigned int i)
{
	OP(pv_pin(self(), A, 4));
	OP(pv_unpin(self(), A));
	settle_all();
}

static const struct scenario t290 = {.name = "T290",
	.shows = "no more than a slot of each level between two polls",
	.vcpus = 1,
	.setup = setup_290,
	.run = run_290,
	FAULTS("no-poll"),
	WORLD_FIXED};

const struct scenario *const scen_type[] = {&t299a, &t299c, &t299d, &t299e,
	&t299f, &t299f_0, &t299g, &t299h, &t299k, &t310_2, &explicit_pins,
	&t290, NULL};
