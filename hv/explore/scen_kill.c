/* SPDX-License-Identifier: MIT */
/*
 * scen_kill.c - domains that end while they, or others, still call: XSA-310
 */
#include "hv/explore/world.h"

#define FAULTS(...)                     \
	.faults = (const char *const[]) \
	{                               \
		__VA_ARGS__, NULL       \
	}

static void setup_kill(void)
{
	world_setup(2, 3, C, 2);
	world_move_vcpu(1, 1);
	world_word(A, 0, TO(B));
	world_word(A, 1, TO(B));
	world_word(B, 1, TO(C));
	world_must(pv_pin(&world.vcpu[0], A, 3));
	world_must(pv_set_root(&world.vcpu[0], A, false));
}

static void kill_all(void)
{
	OP(pv_kill(self(), &world.dom[0]));
	for (unsigned int p = A; p <= C; p++)
		if (PAGE_COUNT(page(p)->count))
			explore_fail("Q3: page %u is left", p);
}

static void run_kill(unsigned int i)
{
	if (i)
		kill_all();
	else
		OP(pv_unpin(self(), A));
}

static const struct scenario t310_1 = {.name = "T310-1",
	.shows = "nothing is left of a domain that is killed while it unpins",
	.vcpus = 2,
	.setup = setup_kill,
	.run = run_kill,
	FAULTS("teardown-repin", "root-retry", "kill-no-wait"),
	WORLD_SCENARIO};

static void setup_kill_pin(void)
{
	world_setup(2, 3, C, 2);
	world_move_vcpu(1, 1);
	world_word(A, 0, TO(B));
	world_word(B, 1, TO(C));
}

static void run_kill_pin(unsigned int i)
{
	if (i)
		kill_all();
	else
		OP(pv_pin(self(), A, 3));
}

static const struct scenario t310_3 = {.name = "T310-3",
	.shows = "nothing is left of a domain that is killed while it pins",
	.vcpus = 2,
	.setup = setup_kill_pin,
	.run = run_kill_pin,
	FAULTS("partial-no-type", "kill-no-wait"),
	WORLD_SCENARIO};

/* ---- a page for a domain that ends ----------------------------------------- */

enum { KILLED }; /* a note */

static void setup_transfer_kill(void)
{
	world_setup(2, 2, A, 2);
	world_move_vcpu(1, 2);
}

static void run_transfer_kill(unsigned int i)
{
	if (i == 0) {
		OP(pv_transfer(self(), A, &world.dom[1]));
		return;
	}
	OP(pv_kill(self(), &world.dom[1]));
	world.note[KILLED] = 1;
}

static const char *idle_transfer_kill(char *buf, size_t len)
{
	if (world.note[KILLED] && page(A)->owner == world.dom[1].id)
		return "Q3: a dead domain has a page";
	return world_idle(buf, len);
}

static const struct scenario transfer_kill = {.name = "transfer-kill",
	.shows = "nobody gives a page to a domain that is dead",
	.vcpus = 2,
	.areas = world_areas,
	.setup = setup_transfer_kill,
	.run = run_transfer_kill,
	.check = world_check,
	.idle = idle_transfer_kill,
	.normal = world_normal,
	.show = world_show,
	.name_of = world_name,
	FAULTS("assign-late")};

const struct scenario *const scen_kill[] = {
	&t310_1, &t310_3, &transfer_kill, NULL};
