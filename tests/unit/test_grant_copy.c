/* SPDX-License-Identifier: MIT */
/*
 * test_grant_copy.c - copy (G3), transfer, and the table itself
 */
#include "tests/unit/hv_host.h"

#include "hv/core/internal.h"
#include "tests/unit/bh_check.h"

struct env {
	struct test_host h;
	struct hv_dom *a, *b;
	uint64_t agfn; /* a's page, granted to b */
	uint32_t rw, ro;
};

static void env_init(struct env *e)
{
	memset(e, 0, sizeof(*e));
	ck_assert(host_init(&e->h, NULL));
	e->a = host_dom(&e->h, 1, 4);
	e->b = host_dom(&e->h, 2, 4);
	e->agfn = host_share(e->a, 1);
	ck_assert_int_eq(hv_gnt_alloc(e->a, 2, e->agfn, false, &e->rw), 0);
	ck_assert_int_eq(hv_gnt_alloc(e->a, 2, 3, true, &e->ro), 0);
}

static void env_end(struct env *e)
{
	host_check_entries(&e->h);
	host_end(&e->h);
}

static struct hv_gnt_copy_ptr of_ref(
	uint32_t domid, uint32_t ref, uint16_t offset)
{
	return (struct hv_gnt_copy_ptr){
		.is_ref = true, .domid = domid, .ref = ref, .offset = offset};
}

static struct hv_gnt_copy_ptr of_gfn(uint64_t gfn, uint16_t offset)
{
	return (struct hv_gnt_copy_ptr){
		.domid = DOMID_SELF, .gfn = gfn, .offset = offset};
}

static int16_t copy(struct env *e, struct hv_gnt_copy_ptr src,
	struct hv_gnt_copy_ptr dst, uint16_t len)
{
	struct hv_gnt_copy op = {.source = src, .dest = dst, .len = len};

	hv_gnt_copy(e->b, &op);
	host_check_entries(&e->h);
	return op.status;
}

START_TEST(test_copy)
{
	struct env e;

	env_init(&e);
	strcpy((char *)host_page(e.a, 3) + 100, "from a");
	/* private RAM is copied as it is, without being split */
	ck_assert_int_eq(copy(&e, of_ref(1, e.ro, 100), of_gfn(2, 7), 7), 0);
	ck_assert_str_eq((char *)host_page(e.b, 2) + 7, "from a");
	ck_assert_int_eq(copy(&e, of_gfn(2, 7), of_ref(1, e.rw, 4089), 7), 0);
	ck_assert_str_eq((char *)host_page(e.a, e.agfn) + 4089, "from a");
	/* between two grants, and within one page */
	ck_assert_int_eq(
		copy(&e, of_ref(1, e.ro, 0), of_ref(1, e.rw, 0), 4096), 0);
	ck_assert_int_eq(copy(&e, of_gfn(2, 7), of_gfn(2, 9), 5), 0);
	ck_assert_mem_eq(host_page(e.b, 2) + 7, "frfrom ", 7);
	env_end(&e);
}
END_TEST

START_TEST(test_copy_status)
{
	struct env e;

	env_init(&e);
	ck_assert_int_eq(
		copy(&e, of_gfn(0, 1), of_gfn(1, 0), 4096), GNTST_bad_copy_arg);
	ck_assert_int_eq(
		copy(&e, of_gfn(0, 0), of_gfn(1, 1), 4096), GNTST_bad_copy_arg);
	ck_assert_int_eq(copy(&e, of_gfn(0, 65535), of_gfn(1, 0), 2),
		GNTST_bad_copy_arg);
	ck_assert_int_eq(
		copy(&e, of_gfn(0, 0), of_gfn(1, 0), 4097), GNTST_bad_copy_arg);
	ck_assert_int_eq(copy(&e, of_gfn(0, 4096), of_gfn(1, 0), 0), 0);
	/* nothing to copy looks at nothing */
	ck_assert_int_eq(copy(&e, of_ref(99, 9999, 0), of_gfn(1, 0), 0), 0);
	ck_assert_int_eq(copy(&e, of_ref(99, e.rw, 0), of_gfn(1, 0), 1),
		GNTST_bad_domain);
	ck_assert_int_eq(
		copy(&e, of_ref(1, 512, 0), of_gfn(1, 0), 1), GNTST_bad_gntref);
	ck_assert_int_eq(copy(&e, of_ref(1, 9 + 2, 0), of_gfn(1, 0), 1),
		GNTST_general_error);
	ck_assert_int_eq(
		copy(&e, of_gfn(77, 0), of_gfn(1, 0), 1), GNTST_bad_page);
	ck_assert_int_eq(
		copy(&e, of_gfn(0, 0), of_gfn(77, 0), 1), GNTST_bad_page);
	/* a readonly grant is no destination */
	ck_assert_int_eq(copy(&e, of_gfn(0, 0), of_ref(1, e.ro, 0), 1),
		GNTST_general_error);
	/* pages by number are the caller's only */
	ck_assert_int_eq(
		copy(&e, (struct hv_gnt_copy_ptr){.domid = 1}, of_gfn(1, 0), 1),
		GNTST_permission_denied);
	ck_assert_int_eq(
		copy(&e, (struct hv_gnt_copy_ptr){.domid = 2}, of_gfn(1, 0), 1),
		0);
	env_end(&e);
}
END_TEST

/* A table of the hypervisor is no destination, even one's own. */
START_TEST(test_copy_to_table)
{
	struct env e;

	env_init(&e);
	ck_assert_int_eq(mem_move(e.b, &e.b->gt.run->frames[0], 0x700), 0);
	ck_assert_int_eq(copy(&e, of_gfn(0, 0), of_gfn(0x700, 0), 8),
		GNTST_general_error);
	ck_assert_int_eq(copy(&e, of_gfn(0x700, 0), of_gfn(0, 0), 8), 0);
	env_end(&e);
}
END_TEST

/* G3 (XSA-230): the end of a copy does not end a mapping. */
START_TEST(test_g3_copy_and_map)
{
	struct hv_gnt_map op = {.domid = 1, .flags = GNTMAP_device_map};
	struct hv_gnt_unmap un = {0};
	struct env e;

	env_init(&e);
	op.ref = e.rw;
	hv_gnt_map(e.b, &op);
	ck_assert_int_eq(op.status, GNTST_okay);
	ck_assert_int_eq(copy(&e, of_gfn(0, 0), of_ref(1, e.rw, 0), 8), 0);
	ck_assert(host_entry(e.a, e.rw)->flags & GTF_writing);
	ck_assert(host_entry(e.a, e.rw)->flags & GTF_reading);
	ck_assert_int_eq(copy(&e, of_ref(1, e.rw, 0), of_gfn(0, 0), 8), 0);
	ck_assert(host_entry(e.a, e.rw)->flags & GTF_writing);
	/* XSA-500: while it is mapped, copies go to the mapped page */
	host_entry(e.a, e.rw)->frame = 3;
	memset(host_page(e.b, 0), 'B', 8);
	ck_assert_int_eq(copy(&e, of_gfn(0, 0), of_ref(1, e.rw, 0), 8), 0);
	ck_assert_uint_eq(host_page(e.a, e.agfn)[0], 'B');
	ck_assert_uint_eq(host_page(e.a, 3)[0], 0);
	un.handle = op.handle;
	un.dev_addr = op.dev_addr;
	hv_gnt_unmap(e.b, &un);
	ck_assert_int_eq(un.status, GNTST_okay);
	ck_assert(!(host_entry(e.a, e.rw)->flags & GTF_writing));
	ck_assert(!(host_entry(e.a, e.rw)->flags & GTF_reading));
	/* a sub-page grant may be copied */
	host_entry(e.a, e.ro)->flags |= GTF_sub_page;
	ck_assert_int_eq(copy(&e, of_ref(1, e.ro, 0), of_gfn(0, 0), 8), 0);
	env_end(&e);
}
END_TEST

/* ---- transfer -------------------------------------------------------------- */

/* Entry 20 of @d accepts a page from @from for @gfn. */
static struct grant_entry_v1 *accept_at(
	struct hv_dom *d, domid_t from, uint32_t gfn)
{
	struct grant_entry_v1 *g = host_entry(d, 20);

	*g = (struct grant_entry_v1){GTF_accept_transfer, from, gfn};
	return g;
}

START_TEST(test_transfer)
{
	struct grant_entry_v1 *g;
	struct hv_page_ref p;
	struct env e;

	env_init(&e);
	memset(host_page(e.b, 1), 'T', HV_PAGE_SIZE);
	g = accept_at(e.a, 2, 0x500);
	ck_assert_int_eq(hv_gnt_transfer(e.b, 1, 1, 20), GNTST_okay);
	ck_assert_uint_eq(g->flags, GTF_accept_transfer |
					    GTF_transfer_committed |
					    GTF_transfer_completed);
	ck_assert_uint_eq(g->frame, 0x500);
	ck_assert_uint_eq(host_page(e.a, 0x500)[4095], 'T');
	ck_assert_int_eq(hv_mem_lookup(e.b, 1, &p), -ENOENT);
	ck_assert_uint_eq(e.b->tot_pages, 3);
	ck_assert_uint_eq(e.a->tot_pages, 6);
	/* an entry takes one page only */
	ck_assert_int_eq(hv_gnt_transfer(e.b, 2, 1, 20), GNTST_general_error);
	/* frame 0: wherever there is room; the receiver is told */
	g = accept_at(e.a, 2, 0);
	ck_assert_int_eq(hv_gnt_transfer(e.b, 2, 1, 20), GNTST_okay);
	ck_assert_int_eq(hv_mem_lookup(e.a, g->frame, &p), 0);
	env_end(&e);
}
END_TEST

/* Refused, and the caller keeps its page. */
START_TEST(test_transfer_status)
{
	struct grant_entry_v1 *g;
	uint32_t handle, ref;
	struct env e;

	env_init(&e);
	g = accept_at(e.a, 2, 0x500);
	ck_assert_int_eq(hv_gnt_transfer(e.b, 99, 1, 20), GNTST_bad_page);
	ck_assert_int_eq(hv_gnt_transfer(e.b, 1, 9, 20), GNTST_bad_domain);
	ck_assert_int_eq(
		hv_gnt_transfer(e.b, 1, DOMID_SELF, 20), GNTST_bad_domain);
	ck_assert_int_eq(hv_gnt_transfer(e.b, 1, 1, 512), GNTST_bad_gntref);
	ck_assert_int_eq(hv_gnt_transfer(e.b, 1, 1, 21), GNTST_general_error);
	g->domid = 3;
	ck_assert_int_eq(hv_gnt_transfer(e.b, 1, 1, 20), GNTST_general_error);
	g->domid = 2;
	/* the place is taken, or cannot be */
	g->frame = 1;
	ck_assert_int_eq(hv_gnt_transfer(e.b, 1, 1, 20), GNTST_general_error);
	ck_assert_uint_eq(g->flags, GTF_accept_transfer);
	g->frame = 0xffffffff;
	ck_assert_int_eq(hv_gnt_transfer(e.b, 1, 1, 20), GNTST_general_error);
	g->frame = 0x500;
	/* mapped by somebody */
	ck_assert_int_eq(hv_gnt_alloc(e.b, 1, 1, false, &ref), 0);
	ck_assert_int_eq(host_map(e.a, 2, ref,
				 GNTMAP_host_map | GNTMAP_readonly, &handle),
		0);
	ck_assert_int_eq(hv_gnt_transfer(e.b, 1, 1, 20), GNTST_bad_page);
	ck_assert_int_eq(host_unmap(e.a, handle), 0);
	/* no headroom */
	ck_assert_int_eq(hv_mem_set_max(e.a, e.a->tot_pages), 0);
	ck_assert_int_eq(hv_gnt_transfer(e.b, 1, 1, 20), GNTST_general_error);
	ck_assert_int_eq(hv_mem_set_max(e.a, 100), 0);
	ck_assert_uint_eq(e.b->tot_pages, 4);
	/* a table stays */
	ck_assert_int_eq(mem_move(e.b, &e.b->gt.run->frames[0], 0x700), 0);
	ck_assert_int_eq(hv_gnt_transfer(e.b, 0x700, 1, 20), GNTST_bad_page);
	ck_assert_int_eq(hv_gnt_transfer(e.b, 1, 1, 20), GNTST_okay);
	env_end(&e);
}
END_TEST

/* An entry that is mapped while it says it accepts: GTF_reading and
 * GTF_transfer_completed are one bit. */
START_TEST(test_transfer_into_pinned)
{
	struct grant_entry_v1 *g;
	uint32_t handle;
	struct env e;

	env_init(&e);
	ck_assert_int_eq(host_map(e.b, 1, e.rw, GNTMAP_host_map, &handle), 0);
	g = host_entry(e.a, e.rw);
	*g = (struct grant_entry_v1){GTF_accept_transfer, 2, 0x500};
	ck_assert_int_eq(hv_gnt_transfer(e.b, 1, 1, e.rw), GNTST_general_error);
	ck_assert_int_eq(host_unmap(e.b, handle), 0);
	env_end(&e);
}
END_TEST

/* The entry changes between the claim and the number of its frame. */
static struct grant_entry_v1 *moving;

static void move_frame(enum hv_point_id id, const volatile void *p)
{
	if (id == HV_POINT_LOAD && p == (const volatile void *)&moving->frame)
		moving->frame = 1; /* in use */
}

START_TEST(test_transfer_moving)
{
	struct env e;

	env_init(&e);
	moving = accept_at(e.a, 2, 0x500);
	hv_point_hook = move_frame;
	ck_assert_int_eq(hv_gnt_transfer(e.b, 1, 1, 20), GNTST_general_error);
	hv_point_hook = NULL;
	ck_assert_uint_eq(moving->flags, GTF_accept_transfer);
	ck_assert_uint_eq(e.b->tot_pages, 4);
	env_end(&e);
}
END_TEST

/* ---- the table -------------------------------------------------------------- */

START_TEST(test_table_limit)
{
	uint32_t ref, nr, max, n = 0;
	struct env e;
	int r;

	env_init(&e);
	hv_gnt_frames(e.a, &nr, &max);
	ck_assert_uint_eq(nr, 1);
	ck_assert_uint_eq(max, 4);
	ck_assert_int_eq(hv_gnt_grow(e.a, 5), -ENOSPC);
	ck_assert_int_eq(hv_gnt_grow(e.a, 0), 0);
	while ((r = hv_gnt_alloc(e.a, 2, e.agfn, false, &ref)) == 0)
		n++;
	ck_assert_int_eq(r, -ENOSPC);
	ck_assert_uint_eq(
		n, 4 * GNT_PER_FRAME - GNTTAB_NR_RESERVED_ENTRIES - 2);
	/* what ends is found again, also when the guest ends it itself */
	ck_assert_int_eq(hv_gnt_end(e.a, 1000), 0);
	ck_assert_int_eq(hv_gnt_alloc(e.a, 2, e.agfn, false, &ref), 0);
	ck_assert_uint_eq(ref, 1000);
	host_entry(e.a, 30)->flags = 0;
	ck_assert_int_eq(hv_gnt_alloc(e.a, 2, e.agfn, false, &ref), 0);
	ck_assert_uint_eq(ref, 30);
	ck_assert_int_eq(
		hv_gnt_alloc(e.a, 2, 1ull << 32, false, &ref), -EINVAL);
	ck_assert_int_eq(
		hv_gnt_alloc(e.a, DOMID_SELF, 1, false, &ref), -EINVAL);
	ck_assert_int_eq(hv_gnt_end(e.a, 4 * GNT_PER_FRAME), -EINVAL);
	env_end(&e);
}
END_TEST

/* An entry whose flags the guest has cleared while it is mapped is in use. */
START_TEST(test_alloc_skips_pinned)
{
	uint32_t ref, handle;
	struct env e;

	env_init(&e);
	ck_assert_int_eq(host_map(e.b, 1, e.rw, GNTMAP_host_map, &handle), 0);
	host_entry(e.a, e.rw)->flags = 0;
	e.a->gt.hint = e.rw;
	ck_assert_int_eq(hv_gnt_alloc(e.a, 2, e.agfn, false, &ref), 0);
	ck_assert_uint_ne(ref, e.rw);
	ck_assert_int_eq(hv_gnt_end(e.a, e.rw), -EBUSY);
	ck_assert_int_eq(host_unmap(e.b, handle), 0);
	env_end(&e);
}
END_TEST

START_TEST(test_swap)
{
	struct grant_entry_v1 a, b;
	uint32_t handle;
	struct env e;

	env_init(&e);
	a = *host_entry(e.a, e.rw);
	b = *host_entry(e.a, e.ro);
	ck_assert_int_eq(hv_gnt_swap(e.a, e.rw, e.ro), 0);
	ck_assert_mem_eq(host_entry(e.a, e.ro), &a, sizeof(a));
	ck_assert_mem_eq(host_entry(e.a, e.rw), &b, sizeof(b));
	ck_assert_int_eq(hv_gnt_swap(e.a, e.rw, e.rw), 0);
	ck_assert_int_eq(hv_gnt_swap(e.a, e.rw, 512), -EINVAL);
	ck_assert_int_eq(host_map(e.b, 1, e.ro, GNTMAP_host_map, &handle), 0);
	ck_assert_int_eq(hv_gnt_swap(e.a, e.rw, e.ro), -EBUSY);
	ck_assert_int_eq(hv_gnt_swap(e.a, e.ro, e.rw), -EBUSY);
	ck_assert_int_eq(host_unmap(e.b, handle), 0);
	env_end(&e);
}
END_TEST

BH_CHECK_MAIN("grant_copy", 60, BH_TEST(test_copy), BH_TEST(test_copy_status),
	BH_TEST(test_copy_to_table), BH_TEST(test_g3_copy_and_map),
	BH_TEST(test_transfer), BH_TEST(test_transfer_status),
	BH_TEST(test_transfer_into_pinned), BH_TEST(test_transfer_moving),
	BH_TEST(test_table_limit), BH_TEST(test_alloc_skips_pinned),
	BH_TEST(test_swap))
