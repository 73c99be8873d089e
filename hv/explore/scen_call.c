/* SPDX-License-Identifier: MIT */
/*
 * scen_call.c - calls and batches: XSA-148, 182, 212, 213, 215, 286, 296
 *
 * DOC: the cast
 *
 * A is the kernel's root, two levels up, B its L1; E and F the same for user
 * mode.  C and D are ordinary pages.
 */
#include "hv/core/atomic.h"
#include "hv/explore/world.h"
#include "common/err.h"

#define FAULTS(...)                     \
	.faults = (const char *const[]) \
	{                               \
		__VA_ARGS__, NULL       \
	}

enum { POISON = 0x5a5a, RAX = 0x1234 };

static void setup_roots(void)
{
	struct pv_vcpu *v = &world.vcpu[0];

	world_setup(2, 2, F, 1);
	world_word(A, 0, TO(B));
	world_word(B, 0, TO(C));
	world_word(E, 0, TO(F));
	world_word(F, 0, TO(D));
	world_must(pv_set_root(v, A, false));
	world_must(pv_set_root(v, E, true));
	v->iret.rax = RAX;
	v->iret.cs = 3;
}

static void call(unsigned int i, uint32_t op, uint64_t a, uint64_t b)
{
	world.calls[i] =
		(struct pv_call){.op = op, .arg = {a, b}, .result = POISON};
}

/* ---- 213: batches ----------------------------------------------------------- */

static void setup_213a(void)
{
	setup_roots();
	call(0, PV_CALL_UPDATE_VA, 1, TO_RO(D));
	call(1, PV_CALL_IRET, 0, 0);
	call(2, PV_CALL_UPDATE_VA, 0, TO_RO(C));
	call(3, PV_CALL_PIN, C, 1);
}

static void rest_untouched(unsigned int from)
{
	for (unsigned int i = from; i < WORLD_CALLS; i++)
		if (world.calls[i].result != POISON)
			explore_fail("entry %u of the batch was made", i);
}

static void run_213a(unsigned int i)
{
	int64_t r = OP(pv_multicall(self(), world.calls, WORLD_CALLS));

	rest_untouched(2);
	if (r != RAX || self()->rax != RAX)
		explore_fail("rax is not iret's");
	if (self()->mode != PV_USER)
		explore_fail("not in user mode");
	if (world.mem[2 * B] != TO(C) || world.mem[2 * F] != TO(D) ||
		PAGE_COUNT(page(C)->type) != 1)
		explore_fail("an entry behind iret has done something");
	if (OP(pv_multicall(self(), world.calls, WORLD_CALLS)) != -EPERM)
		explore_fail("S8: a batch in user mode");
}

static const struct scenario t213a = {.name = "T213a",
	.shows = "nothing of a batch runs behind an iret to user mode",
	.vcpus = 1,
	.setup = setup_213a,
	.run = run_213a,
	FAULTS("multi-mode", "multi-result"),
	WORLD_FIXED};

static void setup_213b(void)
{
	setup_roots();
	call(0, PV_CALL_PIN, D, 1);
	call(1, PV_CALL_IRET, 0, 0);
	call(2, PV_CALL_UNPIN, D, 0);
	call(3, PV_CALL_UNPIN, D, 0);
	/* D is mapped nowhere, so that it can be pinned */
	world_must(pv_set_root(&world.vcpu[0], PV_NONE, true));
	world_word(F, 0, 0);
	world_must(pv_set_root(&world.vcpu[0], E, true));
}

static void run_213b(unsigned int i)
{
	OP(pv_multicall(self(), world.calls, WORLD_CALLS));
	rest_untouched(2);
	if (world.calls[0].result)
		explore_fail("entry 0 was made twice");
}

static const struct scenario t213b = {.name = "T213b",
	.shows = "a batch goes on where it stopped",
	.vcpus = 1,
	.setup = setup_213b,
	.run = run_213b,
	FAULTS("multi-rewind"),
	WORLD_FIXED};

static void setup_213c(void)
{
	setup_roots();
	call(0, PV_CALL_MULTI, 0, 0);
	call(1, 99, UINT64_MAX, UINT64_MAX);
	call(2, PV_CALL_PIN, UINT64_MAX, UINT64_MAX);
	call(3, PV_CALL_MMU, 4, 0);
}

static void run_213c(unsigned int i)
{
	static const int want[] = {-EINVAL, -ENOSYS, -EINVAL, -EINVAL};

	if (OP(pv_multicall(self(), world.calls, WORLD_CALLS)))
		explore_fail("the batch failed");
	for (unsigned int c = 0; c < WORLD_CALLS; c++)
		if (world.calls[c].result != want[c])
			explore_fail("entry %u: %lld, not %d", c,
				(long long)world.calls[c].result, want[c]);
}

static const struct scenario t213c = {.name = "T213c",
	.shows = "a batch in a batch, and calls that mean nothing (T296)",
	.vcpus = 1,
	.setup = setup_213c,
	.run = run_213c,
	FAULTS("multi-nested"),
	WORLD_FIXED};

static void setup_213d(void)
{
	setup_213a();
	call(1, PV_CALL_CRASH, 0, 0);
}

static void run_213d(unsigned int i)
{
	explore_idle("pv_multicall()");
	while (pv_multicall(self(), world.calls, WORLD_CALLS) == -ERESTART)
		if (world.dom[0].crashed)
			break;
	rest_untouched(2);
}

static const struct scenario t213d = {.name = "T213d",
	.shows = "nothing of a batch runs behind the guest's end",
	.vcpus = 1,
	.setup = setup_213d,
	.run = run_213d,
	WORLD_FIXED};

static void setup_213e(void)
{
	setup_213a();
	world.vcpu[0].iret.cs = 0;
}

static void run_213e(unsigned int i)
{
	OP(pv_multicall(self(), world.calls, WORLD_CALLS));
	rest_untouched(2);
}

static const struct scenario t213e = {.name = "T213e",
	.shows = "an iret to the kernel ends a batch, too",
	.vcpus = 1,
	.setup = setup_213e,
	.run = run_213e,
	FAULTS("multi-mode"),
	WORLD_FIXED};

/* Another vCPU changes the list: what was fetched counts, not what it says
 * now. */
static void setup_213f(void)
{
	setup_213e();
	call(0, PV_CALL_IRET, 0, 0);
	call(1, PV_CALL_UNPIN, D, 0);
	world.vcpu[1].id = 1;
	pv_add_vcpu(&world.pv, &world.dom[0], &world.vcpu[1]);
}

static void run_213f(unsigned int i)
{
	if (i) {
		OP((hv_guest_store(&world.calls[0].op, PV_CALL_UNPIN), 0));
		return;
	}
	OP(pv_multicall(self(), world.calls, 2));
	if (world.calls[0].result == RAX)
		rest_untouched(1);
}

static const struct scenario t213f = {.name = "T213f",
	.shows = "an entry that changes under the call is read once",
	.vcpus = 2,
	.setup = setup_213f,
	.run = run_213f,
	FAULTS("multi-refetch"),
	WORLD_FIXED};

/* ---- 148, 182: each bit of an entry ------------------------------------------ */

static void setup_182(void)
{
	world_setup(2, 3, D, 1);
	world_word(A, 0, TO(B));
	world_word(B, 0, TO(C));
	world_word(C, 0, TO_RO(C));
	world_word(C, 1, TO(D));
	world_must(pv_pin(&world.vcpu[0], A, 3));
}

static void run_182(unsigned int i)
{
	static const struct {
		uint8_t pt, slot;
	} at[] = {{A, 0}, {B, 0}, {C, 0}, {C, 1}};
	unsigned int row = explore_choose(4), bit = explore_choose(64);
	unsigned int pt = at[row].pt, slot = at[row].slot;
	uint64_t old = world.mem[pt * world.pv.slots + slot];

	OP(pv_mod_entry(self(), pt, slot, old ^ 1ull << bit));
	OP(pv_settle(self()));
	OP(pv_mod_entry(self(), pt, slot, old));
}

static const struct scenario t182 = {.name = "T182",
	.shows = "each bit of an entry changed alone at each level (T148)",
	.vcpus = 1,
	.setup = setup_182,
	.run = run_182,
	FAULTS("fastpath-blacklist", "fastpath-memtype"),
	WORLD_FIXED};

/* ---- 286: what is remembered of a walk ---------------------------------------- */

static void setup_286(void)
{
	setup_roots();
	world_move_vcpu(0, 0);
	world.vcpu[1].id = 1;
	pv_add_vcpu(&world.pv, &world.dom[0], &world.vcpu[1]);
	world_must(pv_set_root(&world.vcpu[0], PV_NONE, true));
	world_word(F, 0, 0);
	world_must(pv_pin(&world.vcpu[0], F, 1));
}

static void settle(void)
{
	while (self()->pending.page)
		OP(pv_settle(self()));
}

static void run_286(unsigned int i)
{
	if (i) {
		OP(pv_mod_entry(self(), A, 0, TO(F)));
	} else {
		OP(pv_update_va(self(), 1, TO_RO(D)));
		OP(pv_update_va(self(), 1, 0));
	}
	settle();
}

static const struct scenario t286 = {.name = "T286",
	.shows = "a walk is not remembered longer than its tables",
	.vcpus = 2,
	.setup = setup_286,
	.run = run_286,
	FAULTS("linear-stale", "linear-late"),
	WORLD_SCENARIO};

/* Three levels: what the walk has read of the first, B, may be of no tree any
 * more when it reads the second. */
static void setup_286d(void)
{
	world_setup(2, 3, H, 2);
	world_word(A, 0, TO(B));
	world_word(B, 0, TO(C));
	world_word(E, 0, TO(F));
	world_must(pv_set_root(&world.vcpu[0], A, false));
	world_must(pv_pin(&world.vcpu[0], E, 2));
}

static void run_286d(unsigned int i)
{
	if (i) {
		OP(pv_mod_entry(self(), A, 0, TO(E)));
		settle();
		OP(pv_mod_entry(self(), B, 0, TO(G)));
	} else {
		OP(pv_update_va(self(), 1, TO_RO(D)));
		OP(pv_update_va(self(), 1, 0));
	}
	settle();
}

static const struct scenario t286d = {.name = "T286d",
	.shows = "the same three levels up, where B is written meanwhile",
	.vcpus = 2,
	.setup = setup_286d,
	.run = run_286d,
	FAULTS("linear-stale", "linear-late"),
	WORLD_SCENARIO};

/* ---- 215, 212: the hypervisor's addresses -------------------------------------- */

enum { HOLE_START = 0x10000, HOLE_END = 0x20000 };

static int put_checked(struct pv_vcpu *v, uint64_t va, uint64_t word)
{
	if (va < HOLE_END && va + 8 > HOLE_START)
		explore_fail("S10: the hypervisor's %llx was written",
			(unsigned long long)va);
	return 0;
}

static struct pv_ops checked_ops;

static void setup_hole(void)
{
	world_setup(2, 2, C, 1);
	checked_ops = *world.pv.ops;
	checked_ops.put_user = put_checked;
	world.pv.ops = &checked_ops;
	world.pv.hole_start = HOLE_START;
	world.pv.hole_end = HOLE_END;
}

static void run_215(unsigned int i)
{
	enum pv_bounce kind = (enum pv_bounce)explore_choose(3);
	uint64_t edge = explore_choose(2) ? HOLE_END : HOLE_START;
	uint64_t sp = edge - 16 + explore_choose(145), low;

	pv_bounce(self(), kind, sp, &low);
}

static const struct scenario t215 = {.name = "T215",
	.shows = "a frame is as large as the room that was looked at",
	.vcpus = 1,
	.setup = setup_hole,
	.run = run_215,
	FAULTS("bounce-slack"),
	WORLD_FIXED};

static void run_212(unsigned int i)
{
	uint64_t in[3] = {A, B, C}, va = HOLE_START - 8ull * explore_choose(5);
	uint32_t done = explore_choose(4);

	OP(pv_exchange(self(), in, 3, va, &done));
}

static const struct scenario t212 = {.name = "T212",
	.shows = "the range checked is the range written",
	.vcpus = 1,
	.setup = setup_hole,
	.run = run_212,
	FAULTS("exchange-range"),
	WORLD_SCENARIO};

const struct scenario *const scen_call[] = {&t182, &t212, &t213a, &t213b,
	&t213c, &t213d, &t213e, &t213f, &t215, &t286, &t286d, NULL};
