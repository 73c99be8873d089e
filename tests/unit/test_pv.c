/* SPDX-License-Identifier: MIT */
/*
 * test_pv.c: the calls of PV guests on their memory, one vCPU at a time.
 */
#include "tests/soak.h"
#include "tests/unit/pv_box.h"

#define V0 (&box.cpu[0])
#define V1 (&box.cpu[1])
#define V2 (&box.cpu[2])

/* A 32-bit guest's kernel data segment, and one that any guest may have. */
#define DESC_RING1 (1ull << 47 | 1ull << 45 | 1ull << 44)
#define DESC_RING3 (1ull << 47 | 3ull << 45 | 1ull << 44)
#define DESC_TSS   (1ull << 47 | 3ull << 45 | 9ull << 40)

/* The tree of box_tree() as cpu[1]'s kernel root.  Page number 0 maps the L1
 * itself, 1 the root, both read-only; 2 and 3 map pages 5 and 6. */
static void root_up(void)
{
	box_init();
	box_tree();
	ck_assert_int_eq(pv_set_root(V1, 1, false), 0);
	box_ok();
}

/* ---- entries ------------------------------------------------------------- */

/* Each bit alone, at each level: either it may change for nothing, or the
 * references are taken anew (or the change is refused). */
START_TEST(test_each_bit)
{
	/* the table, the slot, and the child of each level */
	static const unsigned int pt[] = {4, 3, 2, 1}, sub[] = {5, 4, 3, 2};
	unsigned int lvl = (unsigned int)_i / 64, bit = (unsigned int)_i % 64;
	unsigned int slot = lvl == 0 ? 2 : 0;
	uint64_t old, gc, mask = 1ull << bit;
	int r;

	root_up();
	old = box_word(pt[lvl], slot);
	gc = box_gc(sub[lvl]);
	r = pv_mod_entry(V1, pt[lvl], slot, old ^ mask);
	box_settle(V1, 1000);
	box_ok();
	if (mask & PTE_FAST) {
		ck_assert_int_eq(r, 0);
		ck_assert_uint_eq(box_gc(sub[lvl]), gc);
	} else if (mask & PTE_PKEY || (lvl > 0 && mask & PTE_PSE)) {
		ck_assert_int_eq(r, -EINVAL);
	} else if (mask & PTE_PRESENT) {
		ck_assert_int_eq(r, 0);
		ck_assert_uint_lt(box_gc(sub[lvl]), gc);
	} else if (mask & PTE_RW && lvl == 0) {
		ck_assert_int_eq(r, 0);
		ck_assert_uint_eq(box_tc(5), 1);
	}
	ck_assert_uint_eq(box_word(pt[lvl], slot), r ? old : old ^ mask);
}
END_TEST

START_TEST(test_plain_write)
{
	root_up();
	/* an ordinary page is just written, a table's child is not */
	ck_assert_int_eq(pv_mod_entry(V1, 9, 1, 77), 0);
	ck_assert_uint_eq(box_word(9, 1), 77);
	ck_assert_int_eq(pv_mod_entry(V1, 9, BOX_SLOTS, 77), -EINVAL);
	ck_assert_int_eq(pv_mod_entry(V1, 17, 1, 77), -EINVAL);
	ck_assert_int_eq(pv_mod_entry(V1, 999, 1, 77), -EINVAL);
	box_set(10, 0, DESC_RING3);
	ck_assert_int_eq(pv_set_gdt(V1, (uint64_t[]){10}, 1), 0);
	ck_assert_int_eq(pv_mod_entry(V1, 10, 0, 0), -EINVAL);
	box_ok();
}
END_TEST

START_TEST(test_update_va)
{
	uint64_t x;

	root_up();
	ck_assert_int_eq(pv_update_va(V1, 3, PTE_OF(9, RW)), 0);
	box_ok();
	ck_assert_uint_eq(box_tc(6), 0);
	ck_assert_uint_eq(box_tc(9), 1);
	ck_assert_int_eq(pv_update_va(V1, 1000, PTE_OF(9, RW)), -EINVAL);
	/* another L1 for the same range: the old walk is forgotten */
	box_set(10, 3, PTE_OF(5, RW));
	ck_assert_int_eq(pv_mod_entry(V1, 3, 0, PTE_OF(10, RW)), 0);
	box_ok();
	ck_assert_int_eq(pv_update_va(V1, 3, PTE_OF(6, RW)), 0);
	box_ok();
	x = box_word(4, 3);
	ck_assert_uint_eq(PTE_MFN(x), 9);
	ck_assert_uint_eq(PTE_MFN(box_word(10, 3)), 6);
}
END_TEST

/* ---- the processor ------------------------------------------------------- */

START_TEST(test_tlb_flush)
{
	root_up();
	ck_assert_int_eq(pv_guest_write(V1, 2, 0, 0), 0);
	ck_assert_int_eq(pv_update_va(V1, 2, 0), 0);
	ck_assert_int_eq(pv_mod_entry(V1, 8, 0, 0), 0);
	/* the entry is gone, the translation is not */
	ck_assert_int_eq(pv_guest_write(V1, 2, 1, 0), 0);
	ck_assert_int_eq(pv_pin(V1, 5, 1), 0);
	box_ok();
	ck_assert_int_eq(pv_guest_write(V1, 2, 1, PTE_OF(1, RW)), -EFAULT);
}
END_TEST

START_TEST(test_guest_access)
{
	uint64_t x = 0;

	root_up();
	ck_assert_int_eq(pv_guest_write(V1, 3, 1, 42), 0);
	ck_assert_int_eq(pv_guest_read(V1, 3, 1, &x), 0);
	ck_assert_uint_eq(x, 42);
	ck_assert_uint_eq(box_word(6, 1), 42);
	ck_assert_int_eq(pv_guest_write(V1, 0, 0, 1), -EFAULT);
	ck_assert_int_eq(pv_guest_read(V1, 0, 2, &x), 0);
	ck_assert_uint_eq(PTE_MFN(x), 5);
	ck_assert_int_eq(pv_guest_read(V1, 3, BOX_SLOTS, &x), -EFAULT);
	ck_assert_int_eq(pv_guest_read(V1, 40, 0, &x), -EFAULT);
	V1->mode = PV_USER;
	ck_assert_int_eq(pv_guest_read(V1, 3, 0, &x), -EFAULT);
}
END_TEST

/* RAM written past the cache is what is validated. */
START_TEST(test_noncoherent)
{
	root_up();
	ck_assert_int_eq(pv_guest_write(V1, 3, 0, 0), 0);
	pv_cache_evict(&box.pv, &box.pages[6]);
	(void)box_word(6, 0); /* a clean line, benign */
	ck_assert_int_eq(pv_update_va(V1, 3, PTE_OF(6, RW | PTE_PCD)), 0);
	pv_tlb_flush(&box.pv, &box.dom[1]);
	ck_assert_int_eq(pv_guest_write(V1, 3, 0, PTE_OF(1, RW)), 0);
	ck_assert_int_eq(pv_update_va(V1, 3, 0), 0);
	ck_assert_uint_eq(box_word(6, 0), 0);
	ck_assert_int_eq(pv_pin(V1, 6, 1), -EINVAL);
	ck_assert_uint_eq(box_word(6, 0), PTE_OF(1, RW));
	box_ok();
	/* and before it is free */
	ck_assert_int_eq(pv_update_va(V1, 3, PTE_OF(6, RW | PTE_PCD)), 0);
	ck_assert_int_eq(pv_guest_write(V1, 3, 0, 7), 0);
	ck_assert_int_eq(pv_update_va(V1, 3, 0), 0);
	ck_assert_int_eq(pv_decrease(V1, 6), 0);
	ck_assert_uint_eq(box.pages[6].owner, 0);
	box_ok();
}
END_TEST

/* ---- descriptors, stealing ----------------------------------------------- */

START_TEST(test_gdt)
{
	box_init();
	box_set(5, 0, DESC_RING1);
	box_set(16, 0, DESC_RING1);
	box_set(6, 0, DESC_TSS);
	ck_assert_int_eq(pv_set_gdt(V1, (uint64_t[]){5}, 1), 0);
	box_ok();
	ck_assert_int_eq(pv_set_gdt(V1, (uint64_t[]){5, 6}, 2), -EINVAL);
	ck_assert_int_eq(pv_set_gdt(V1, (uint64_t[]){5, 16}, 2), -EINVAL);
	box_ok();
	ck_assert_int_eq(V1->nr_gdt, 1);
	ck_assert_int_eq(pv_set_gdt(V2, (uint64_t[]){16}, 1), -EINVAL);
	box_ok();
	ck_assert_int_eq(pv_set_gdt(V1, NULL, PV_GDT_FRAMES + 1), -EINVAL);
	ck_assert_int_eq(pv_set_gdt(V1, NULL, 0), 0);
	ck_assert_uint_eq(box_tc(5), 0);
	/* still known to be good: nobody could write it since */
	ck_assert_uint_ne(box.pages[5].type & PAGE_VALID, 0);
	box_ok();
}
END_TEST

/* What one guest's rules allowed is nothing for another guest. */
START_TEST(test_transfer)
{
	uint16_t valid_for;

	box_init();
	box_set(5, 0, DESC_RING1);
	ck_assert_int_eq(pv_set_gdt(V1, (uint64_t[]){5}, 1), 0);
	ck_assert_int_eq(pv_transfer(V1, 5, &box.dom[2]), -EINVAL);
	ck_assert_int_eq(pv_set_gdt(V1, NULL, 0), 0);
	valid_for = box.pages[5].valid_for;
	ck_assert_int_eq(pv_transfer(V1, 5, &box.dom[2]), 0);
	box_ok();
	ck_assert_uint_eq(box.pages[5].type, 0);
	ck_assert_uint_eq(box.pages[5].owner, box.dom[2].id);
	ck_assert_int_eq(pv_set_gdt(V2, (uint64_t[]){5}, 1), -EINVAL);
	box_set(5, 0, DESC_RING3);
	ck_assert_int_eq(pv_set_gdt(V2, (uint64_t[]){5}, 1), 0);
	ck_assert_uint_ne(box.pages[5].valid_for, valid_for);
	box_ok();
}
END_TEST

START_TEST(test_transfer_fails)
{
	box_init();
	ck_assert_int_eq(pv_transfer(V1, 16, &box.dom[2]), -EINVAL);
	ck_assert_int_eq(pv_transfer(V1, 999, &box.dom[2]), -EINVAL);
	box.dom[2].max_pages = 4;
	ck_assert_int_eq(pv_transfer(V1, 5, &box.dom[2]), -ENOMEM);
	ck_assert_uint_eq(box.pages[5].count, 0);
	box.dom[2].dying = 1;
	ck_assert_int_eq(pv_transfer(V1, 6, &box.dom[2]), -ESRCH);
	ck_assert_uint_eq(box.dom[1].pages, 13);
	box_ok();
}
END_TEST

/* Pages in use are not stolen; they are freed when nobody uses them. */
START_TEST(test_decrease)
{
	root_up();
	ck_assert_int_eq(pv_transfer(V1, 5, &box.dom[2]), -EINVAL);
	ck_assert_int_eq(pv_decrease(V1, 5), 0);
	ck_assert_int_eq(pv_decrease(V1, 5), -EINVAL);
	ck_assert_int_eq(pv_decrease(V1, 16), -EINVAL);
	box_ok();
	ck_assert_uint_eq(box.pages[5].owner, box.dom[1].id);
	ck_assert_int_eq(pv_update_va(V1, 2, 0), 0);
	ck_assert_int_eq(pv_mod_entry(V1, 8, 0, 0), 0);
	ck_assert_uint_eq(box.pages[5].owner, 0);
	box_ok();
}
END_TEST

START_TEST(test_exchange)
{
	const uint64_t in[] = {9, 10, 11};
	uint32_t done = 0;
	int r;

	root_up();
	box.pv.hole_start = 0x8000;
	box.pv.hole_end = 0xc000;
	ck_assert_int_eq(pv_exchange(V1, in, 3, 0x7ff0, &done), -EFAULT);
	ck_assert_int_eq(pv_exchange(V1, in, 3, ~7ull, &done), -EFAULT);
	ck_assert_int_eq(pv_exchange(V1, in, 3, 1, &done), -EINVAL);
	ck_assert_uint_eq(done, 0);
	do {
		V1->budget = 0;
		r = pv_exchange(V1, in, 3, 0x3000, &done);
		box_ok();
	} while (r == -ERESTART);
	ck_assert_int_eq(r, 0);
	ck_assert_uint_eq(box.dom[1].pages, 15);
	ck_assert_uint_eq(box.pages[box_word(6, 2)].owner, box.dom[1].id);
	done = 4;
	ck_assert_int_eq(pv_exchange(V1, in, 3, 0x3000, &done), -EINVAL);
	/* in the middle, the place of what is left is what counts */
	done = 2;
	ck_assert_int_eq(pv_exchange(V1, in, 3, 0x8000 - 16, &done), -EFAULT);
}
END_TEST

/* ---- grants -------------------------------------------------------------- */

START_TEST(test_grant)
{
	struct pv_grant *g, *h;

	root_up();
	ck_assert_int_eq(pv_update_va(V1, 3, 0), 0);
	ck_assert_int_eq(pv_grant_map(V1, 4, 3, 16, true, &g), 0);
	box_ok();
	ck_assert_uint_eq(box_tc(16), 2);
	/* while it is mapped writable it is no table, not even its owner's */
	ck_assert_int_eq(pv_pin(V2, 16, 1), -EINVAL);
	ck_assert_int_eq(pv_grant_map(V1, 4, 3, 17, true, &h), -EBUSY);
	ck_assert_int_eq(pv_grant_map(V1, 3, 1, 17, true, &h), -EINVAL);
	ck_assert_int_eq(pv_grant_map(V1, 4, 9, 17, true, &h), -EINVAL);
	ck_assert_int_eq(pv_guest_write(V1, 3, 0, 7), 0);
	ck_assert_int_eq(pv_grant_unmap(V2, g), -EINVAL);
	ck_assert_int_eq(pv_grant_unmap(V1, g), 0);
	ck_assert_int_eq(pv_grant_unmap(V1, g), -EINVAL);
	box_ok();
	ck_assert_int_eq(pv_guest_write(V1, 3, 0, 7), -EFAULT);
	box_set(16, 0, 0);
	ck_assert_int_eq(pv_pin(V2, 16, 1), 0);
	ck_assert_int_eq(pv_grant_map(V1, 4, 3, 16, true, &g), -EINVAL);
	ck_assert_int_eq(pv_grant_map(V1, 4, 3, 16, false, &g), 0);
	box_ok();
}
END_TEST

/* The guest takes the entry away itself: the handle stays, and holds. */
START_TEST(test_grant_lost)
{
	struct pv_grant *g;
	unsigned int n = 0;

	root_up();
	ck_assert_int_eq(pv_update_va(V1, 3, 0), 0);
	ck_assert_int_eq(pv_grant_map(V1, 4, 3, 16, true, &g), 0);
	ck_assert_int_eq(pv_update_va(V1, 3, 0), 0);
	box_ok();
	ck_assert_int_eq(pv_grant_unmap(V1, g), -EINVAL);
	ck_assert_uint_eq(box_tc(16), 1);
	/* it cannot be put back by hand */
	ck_assert_int_eq(pv_update_va(V1, 3, PTE_OF(16, RW)), -EINVAL);
	ck_assert_int_eq(BOX_DONE(V0, 1, n, pv_kill(V0, &box.dom[1])), 0);
	ck_assert_uint_eq(box_gc(16), 1);
	ck_assert_uint_eq(box_tc(16), 0);
}
END_TEST

/* ---- the end ------------------------------------------------------------- */

START_TEST(test_kill)
{
	struct pv_grant *g;
	unsigned int n = 0, i, each = (unsigned int)_i;

	root_up();
	ck_assert_int_eq(pv_set_root(V1, 1, true), 0);
	box_set(9, 0, PTE_OF(2, RW));
	ck_assert_int_eq(pv_pin(V1, 9, 4), 0);
	ck_assert_int_eq(pv_pin(V1, 3, 2), 0);
	ck_assert_int_eq(pv_set_gdt(V1, (uint64_t[]){10, 11}, 2), 0);
	/* something partial, and something pending */
	box_set(12, 0, PTE_OF(13, RW));
	box_set(12, 1, PTE_OF(16, RW));
	V1->budget = 0;
	ck_assert_int_eq(pv_pin(V1, 12, 2), -ERESTART);
	/* and a page that somebody else holds */
	ck_assert_int_eq(pv_set_root(V2, 17, false), 0);
	ck_assert_int_eq(pv_pin(V2, 18, 1), 0);
	ck_assert_int_eq(pv_grant_map(V2, 18, 0, 14, true, &g), 0);
	box_ok();
	ck_assert_int_eq(BOX_DONE(V0, each, n, pv_kill(V0, &box.dom[1])), 0);
	for (i = 1; i < 16; i++)
		ck_assert_uint_eq(box.pages[i].count, i == 14 ? 2 : 0);
	ck_assert_uint_eq(box.dom[1].dying, 1);
	ck_assert_int_eq(pv_grant_unmap(V2, g), 0);
	ck_assert_uint_eq(box.dom[1].dying, 2);
	ck_assert_int_eq(pv_pin(V1, 5, 1), -ESRCH);
	box_ok();
}
END_TEST

/* ---- batches ------------------------------------------------------------- */

#define POISON 0x55aa

static struct pv_call list[5];

static void batch(unsigned int i, enum pv_call_op op, uint64_t a, uint64_t b)
{
	list[i] = (struct pv_call){.op = op, .arg = {a, b}, .result = POISON};
}

/* Kernel root 1, user root 9, whose L1 is 12. */
static void multi_up(void)
{
	root_up();
	box_set(9, 0, PTE_OF(10, RW));
	box_set(10, 0, PTE_OF(11, RW));
	box_set(11, 0, PTE_OF(12, RW));
	ck_assert_int_eq(pv_set_root(V1, 9, true), 0);
	V1->iret.rax = 0x1234;
	batch(0, PV_CALL_UPDATE_VA, 3, 0);
	batch(1, PV_CALL_IRET, 0, 0);
	batch(2, PV_CALL_UPDATE_VA, 2, PTE_OF(13, RW));
	batch(3, PV_CALL_MMU, 8ull << 12, 0);
	batch(4, PV_CALL_PIN, 13, 1);
}

static void rest_untouched(unsigned int from)
{
	for (; from < 5; from++)
		ck_assert_int_eq(list[from].result, POISON);
	ck_assert_uint_eq(box_word(12, 2), 0);
	ck_assert_uint_eq(PTE_MFN(box_word(8, 0)), 5);
	ck_assert_uint_eq(box_tc(13), 0);
	ck_assert_uint_eq(V1->user_walks, 0);
	box_ok();
}

START_TEST(test_iret_user)
{
	multi_up();
	V1->iret.cs = 3;
	/* whatever rax says, it is no reason to go on */
	V1->iret.rax = _i ? (uint64_t)-ERESTART : 0x1234;
	ck_assert_int_eq(pv_multicall(V1, list, 5), (int64_t)V1->iret.rax);
	ck_assert_int_eq(list[0].result, 0);
	ck_assert_int_eq(V1->mode, PV_USER);
	ck_assert_uint_eq(V1->rax, V1->iret.rax);
	rest_untouched(2);
	ck_assert_int_eq(pv_update_va(V1, 2, 0), -EPERM);
	V1->mode = PV_KERNEL;
	ck_assert_int_eq(pv_multicall(V1, list, 1), 0);
}
END_TEST

START_TEST(test_iret_kernel)
{
	multi_up();
	V1->iret.cs = 0;
	ck_assert_int_eq(pv_multicall(V1, list, 5), 0x1234);
	ck_assert_int_eq(V1->mode, PV_KERNEL);
	rest_untouched(2);
}
END_TEST

START_TEST(test_iret_no_root)
{
	multi_up();
	ck_assert_int_eq(pv_set_root(V1, 0, true), 0);
	box_settle(V1, 100);
	V1->iret.cs = 3;
	ck_assert_int_eq(pv_multicall(V1, list, 5), -EINVAL);
	ck_assert_int_eq(box.dom[1].crashed, 1);
	ck_assert_int_eq(list[2].result, POISON);
}
END_TEST

START_TEST(test_batch_crash)
{
	multi_up();
	batch(1, PV_CALL_CRASH, 0, 0);
	ck_assert_int_eq(pv_multicall(V1, list, 5), -ERESTART);
	ck_assert_int_eq(list[1].result, 0);
	rest_untouched(2);
}
END_TEST

START_TEST(test_batch_restart)
{
	multi_up();
	batch(1, PV_CALL_MULTI, 0, 0);
	V1->budget = 0;
	ck_assert_int_eq(pv_multicall(V1, list, 5), -ERESTART);
	ck_assert_uint_eq(V1->multi_next, 1);
	/* what is done is not done again */
	batch(0, PV_CALL_PIN, 6, 1);
	V1->budget = 100;
	ck_assert_int_eq(pv_multicall(V1, list, 5), 0);
	ck_assert_int_eq(list[0].result, POISON);
	ck_assert_int_eq(list[1].result, -EINVAL);
	ck_assert_int_eq(list[2].result, 0);
	ck_assert_int_eq(list[4].result, -EINVAL);
	box_ok();
	batch(0, 99, 0, 0);
	batch(1, PV_CALL_MMU, 4, 0);
	batch(2, PV_CALL_PIN, 6, 1ull << 33);
	ck_assert_int_eq(pv_multicall(V1, list, 3), 0);
	ck_assert_int_eq(list[0].result, -ENOSYS);
	ck_assert_int_eq(list[1].result, -EINVAL);
	ck_assert_int_eq(list[2].result, -EINVAL);
}
END_TEST

/* ---- frames -------------------------------------------------------------- */

enum { HOLE = 0x100000, HOLE_END = 0x200000 };

static unsigned int pushed;

static int put_word(struct pv_vcpu *v, uint64_t va, uint64_t word)
{
	(void)v;
	(void)word;
	ck_assert_msg(
		va >= HOLE_END || va + 8 <= HOLE, "%lx", (unsigned long)va);
	pushed++;
	return 0;
}

START_TEST(test_bounce)
{
	static const unsigned int words[] = {7, 8, 12};
	struct pv_ops ops = pv_flat_ops;
	uint64_t sp, low;
	int r;

	box_init();
	ops.put_user = put_word;
	box.pv.ops = &ops;
	box.pv.hole_start = HOLE;
	box.pv.hole_end = HOLE_END;
	for (sp = HOLE_END - 256; sp < HOLE_END + 256; sp++) {
		pushed = 0;
		r = pv_bounce(V1, (enum pv_bounce)_i, sp, &low);
		ck_assert_int_eq(r, (sp & ~15ull) >= HOLE_END + 8 * words[_i]
					    ? 0
					    : -EFAULT);
		ck_assert_uint_eq(pushed, r ? 0 : words[_i]);
	}
	for (sp = HOLE - 16; sp < HOLE + 16; sp++)
		ck_assert_int_eq(pv_bounce(V1, (enum pv_bounce)_i, sp, &low),
			sp < HOLE + 16 && (sp & ~15ull) <= HOLE ? 0 : -EFAULT);
	for (sp = 0; sp < 8 * words[_i]; sp++)
		ck_assert_int_eq(
			pv_bounce(V1, (enum pv_bounce)_i, sp, &low), -EFAULT);
}
END_TEST

/* ---- everything, at random ----------------------------------------------- */

static void random_call(uint64_t *s)
{
	struct pv_vcpu *v = &box.cpu[1 + soak_rnd(s, 2)];
	uint64_t mfn = 1 + soak_rnd(s, 23), to = 1 + soak_rnd(s, 23);
	static const uint64_t bits[] = {
		RO, RW, RW, 0, RW | PTE_A, RW | PTE_PCD};
	uint64_t e = PTE_OF(to, bits[soak_rnd(s, 6)]);
	unsigned int slot = soak_rnd(s, BOX_SLOTS);
	struct pv_grant *g = &box.grants[soak_rnd(s, BOX_GRANTS)];

	v->budget = soak_rnd(s, 4);
	switch (soak_rnd(s, 16)) {
	case 0:
	case 1: (void)pv_pin(v, mfn, 1 + soak_rnd(s, 4)); break;
	case 2: (void)pv_unpin(v, mfn); break;
	case 3: (void)pv_set_root(v, mfn, soak_rnd(s, 2)); break;
	case 4: (void)pv_update_va(v, slot, e); break;
	case 5: (void)pv_guest_write(v, soak_rnd(s, 8), slot, e); break;
	case 6: (void)pv_set_gdt(v, &mfn, soak_rnd(s, 2)); break;
	case 7: (void)pv_grant_map(v, mfn, slot, to, soak_rnd(s, 2), &g); break;
	case 8: (void)pv_grant_unmap(v, g); break;
	case 9:
		(void)pv_transfer(v, mfn, box.cpu[1 + soak_rnd(s, 2)].dom);
		break;
	case 10:
		if (soak_rnd(s, 8) == 0)
			(void)pv_decrease(v, mfn);
		break;
	case 11: pv_cache_evict(&box.pv, &box.pages[mfn]); break;
	default: (void)pv_mod_entry(v, mfn, slot, e);
	}
}

START_TEST(test_random)
{
	uint64_t s = (uint64_t)_i * 104729 + 7;
	unsigned int i, n = 0;

	root_up();
	for (i = 0; i < 5000; i++) {
		random_call(&s);
		box_ok();
	}
	for (i = 1; i < BOX_DOMS; i++)
		ck_assert_int_eq(
			BOX_DONE(V0, 1, n, pv_kill(V0, &box.dom[i])), 0);
	for (i = 0; i < BOX_PAGES; i++)
		ck_assert_uint_eq(box.pages[i].count, 0);
	ck_assert_int_eq(box.dom[1].dying, 2);
}
END_TEST

BH_CHECK_MAIN("pv", 30, BH_LOOP(test_each_bit, 256), BH_TEST(test_plain_write),
	BH_TEST(test_update_va), BH_TEST(test_tlb_flush),
	BH_TEST(test_guest_access), BH_TEST(test_noncoherent),
	BH_TEST(test_gdt), BH_TEST(test_transfer), BH_TEST(test_transfer_fails),
	BH_TEST(test_decrease), BH_TEST(test_exchange), BH_TEST(test_grant),
	BH_TEST(test_grant_lost), BH_LOOP(test_kill, 12),
	BH_LOOP(test_iret_user, 2), BH_TEST(test_iret_kernel),
	BH_TEST(test_iret_no_root), BH_TEST(test_batch_crash),
	BH_TEST(test_batch_restart), BH_LOOP(test_bounce, 3),
	BH_LOOP(test_random, 12))
