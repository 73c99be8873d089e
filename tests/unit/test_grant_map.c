/* SPDX-License-Identifier: MIT */
/*
 * test_grant_map.c - mapping through grants (G1, G2, G4 to G7)
 */
#include "tests/unit/hv_host.h"

#include "hv/core/internal.h"
#include "tests/unit/bh_check.h"

#include <limits.h>

#define HOST GNTMAP_host_map
#define DEV  GNTMAP_device_map
#define RO   GNTMAP_readonly

struct env {
	struct test_host h;
	struct hv_dom *granter, *by;
	uint64_t gfn;
	uint32_t ref;
};

/* Domain 1 grants the page @gfn, which holds 'A's, to domain 2. */
static void env_init(struct env *e, bool ro)
{
	memset(e, 0, sizeof(*e));
	ck_assert(host_init(&e->h, NULL));
	e->granter = host_dom(&e->h, 1, 4);
	e->by = host_dom(&e->h, 2, 4);
	e->gfn = host_share(e->granter, 1);
	memset(host_page(e->granter, e->gfn), 'A', HV_PAGE_SIZE);
	ck_assert_int_eq(hv_gnt_alloc(e->granter, 2, e->gfn, ro, &e->ref), 0);
}

static void env_end(struct env *e)
{
	host_check_entries(&e->h);
	host_end(&e->h);
}

static int16_t map(struct env *e, uint32_t flags, struct hv_gnt_map *op)
{
	*op = (struct hv_gnt_map){
		.domid = 1, .ref = e->ref, .flags = flags, .addr = 0x1000};
	hv_gnt_map(e->by, op);
	host_check_entries(&e->h);
	return op->status;
}

static int16_t unmap(
	struct env *e, uint32_t handle, uint64_t addr, uint64_t dev)
{
	struct hv_gnt_unmap op = {
		.handle = handle, .addr = addr, .dev_addr = dev};

	hv_gnt_unmap(e->by, &op);
	host_check_entries(&e->h);
	return op.status;
}

static struct hv_frame *frame(struct env *e)
{
	return p2m_get(e->granter, e->gfn);
}

START_TEST(test_map)
{
	struct hv_gnt_map op;
	struct hv_counts c;
	struct env e;

	env_init(&e, false);
	ck_assert_int_eq(map(&e, HOST, &op), GNTST_okay);
	ck_assert_uint_eq(op.page.run->va[op.page.page * HV_PAGE_SIZE], 'A');
	ck_assert(op.page.run->exported);
	ck_assert_uint_eq(op.dev_addr, 0);
	hv_counts(e.h.hv, &c);
	ck_assert_uint_eq(c.maps, 1);
	ck_assert_int_eq(hv_gnt_end(e.granter, e.ref), -EBUSY);
	ck_assert_int_eq(unmap(&e, op.handle, 0x1000, 0), GNTST_okay);
	ck_assert_int_eq(hv_gnt_end(e.granter, e.ref), 0);
	hv_counts(e.h.hv, &c);
	ck_assert_uint_eq(c.maps, 0);
	env_end(&e);
}
END_TEST

/* Every status a map can have. */
START_TEST(test_map_status)
{
	struct grant_entry_v1 *g;
	struct hv_gnt_map op;
	struct env e;

	env_init(&e, true);
	g = host_entry(e.granter, e.ref);
	ck_assert_int_eq(map(&e, 0, &op), GNTST_bad_gntref);
	ck_assert_int_eq(map(&e, RO, &op), GNTST_bad_gntref);
	ck_assert_int_eq(map(&e, HOST | RO | GNTMAP_contains_pte, &op),
		GNTST_general_error);
	ck_assert_int_eq(map(&e, HOST | RO | GNTMAP_application_map, &op),
		GNTST_general_error);
	/* readonly grant */
	ck_assert_int_eq(map(&e, HOST, &op), GNTST_general_error);
	ck_assert_int_eq(map(&e, DEV, &op), GNTST_general_error);
	ck_assert_int_eq(map(&e, HOST | RO, &op), GNTST_okay);
	ck_assert_int_eq(unmap(&e, op.handle, 0x1000, 0), GNTST_okay);
	/* a part of a page is for copies only */
	g->flags |= GTF_sub_page;
	ck_assert_int_eq(map(&e, HOST | RO, &op), GNTST_general_error);
	g->flags = GTF_permit_access;
	/* not for us */
	g->domid = 3;
	ck_assert_int_eq(map(&e, HOST, &op), GNTST_general_error);
	g->domid = 2;
	/* nothing there, or a table */
	g->frame = 0x12345;
	ck_assert_int_eq(map(&e, HOST, &op), GNTST_bad_page);
	g->frame = 0xffffffff;
	ck_assert_int_eq(map(&e, HOST, &op), GNTST_bad_page);
	g->frame = (uint32_t)e.gfn;
	g->flags = GTF_invalid;
	ck_assert_int_eq(map(&e, HOST, &op), GNTST_general_error);
	g->flags = GTF_accept_transfer;
	ck_assert_int_eq(map(&e, HOST, &op), GNTST_general_error);
	g->flags = GTF_transitive;
	ck_assert_int_eq(map(&e, HOST, &op), GNTST_general_error);
	g->flags = GTF_permit_access;
	/* no such domain, no such entry, no address */
	op = (struct hv_gnt_map){
		.domid = 9, .ref = e.ref, .flags = HOST, .addr = 0x1000};
	hv_gnt_map(e.by, &op);
	ck_assert_int_eq(op.status, GNTST_bad_domain);
	op.domid = DOMID_SELF;
	hv_gnt_map(e.by, &op);
	ck_assert_int_eq(op.status, GNTST_bad_domain);
	op.domid = 1;
	op.ref = GNT_PER_FRAME;
	hv_gnt_map(e.by, &op);
	ck_assert_int_eq(op.status, GNTST_bad_gntref);
	op.ref = UINT32_MAX;
	hv_gnt_map(e.by, &op);
	ck_assert_int_eq(op.status, GNTST_bad_gntref);
	op.ref = e.ref;
	op.addr = 0;
	hv_gnt_map(e.by, &op);
	ck_assert_int_eq(op.status, GNTST_bad_virt_addr);
	ck_assert_uint_eq(e.by->maps.used, 0);
	env_end(&e);
}
END_TEST

/* The tables of the hypervisor are not shared, wherever they are entered. */
START_TEST(test_map_tables)
{
	struct hv_gnt_map op;
	struct env e;

	env_init(&e, false);
	ck_assert_int_eq(
		mem_move(e.granter, &e.granter->gt.run->frames[0], 0x700), 0);
	ck_assert_int_eq(evtchn_share(e.granter), 0);
	ck_assert_int_eq(
		mem_move(e.granter, &e.granter->shared_info->frames[0], 0x701),
		0);
	for (uint32_t f = 0x700; f <= 0x701; f++) {
		host_entry(e.granter, e.ref)->frame = f;
		ck_assert_int_eq(map(&e, HOST, &op), GNTST_general_error);
		ck_assert_int_eq(map(&e, HOST | RO, &op), GNTST_general_error);
	}
	env_end(&e);
}
END_TEST

START_TEST(test_unmap_status)
{
	struct hv_gnt_map op;
	struct env e;

	env_init(&e, false);
	ck_assert_int_eq(unmap(&e, 0, 0x1000, 0), GNTST_bad_handle);
	ck_assert_int_eq(map(&e, HOST | DEV, &op), GNTST_okay);
	ck_assert_int_eq(unmap(&e, op.handle + 1, 0x1000, 0), GNTST_bad_handle);
	ck_assert_int_eq(unmap(&e, UINT32_MAX, 0x1000, 0), GNTST_bad_handle);
	ck_assert_int_eq(unmap(&e, op.handle, 0x2000, 0), GNTST_bad_virt_addr);
	ck_assert_int_eq(unmap(&e, op.handle, 0x1000, op.dev_addr + 1),
		GNTST_bad_dev_addr);
	/* nothing of that has changed anything */
	ck_assert_uint_eq(frame_count(frame(&e)), 3);
	ck_assert_int_eq(unmap(&e, op.handle, 0x1000, op.dev_addr), GNTST_okay);
	ck_assert_int_eq(
		unmap(&e, op.handle, 0x1000, op.dev_addr), GNTST_bad_handle);
	env_end(&e);
}
END_TEST

/* G1 (XSA-218): the parts of one handle go in either order; it is freed
 * once, with the second. */
START_TEST(test_g1_parts)
{
	struct hv_gnt_map op;
	struct env e;

	env_init(&e, false);
	for (int order = 0; order < 2; order++) {
		ck_assert_int_eq(map(&e, HOST | DEV, &op), GNTST_okay);
		ck_assert_int_eq(unmap(&e, op.handle, order ? 0x1000 : 0,
					 order ? 0 : op.dev_addr),
			GNTST_okay);
		ck_assert_uint_eq(e.by->maps.used, 1);
		ck_assert(host_entry(e.granter, e.ref)->flags & GTF_writing);
		ck_assert_int_eq(unmap(&e, op.handle, order ? 0 : 0x1000,
					 order ? op.dev_addr : 0),
			GNTST_okay);
		ck_assert_uint_eq(e.by->maps.used, 0);
		ck_assert_int_eq(unmap(&e, op.handle, 0x1000, op.dev_addr),
			GNTST_bad_handle);
	}
	/* a handle that comes back is on the free list once */
	ck_assert_int_eq(map(&e, HOST, &op), GNTST_okay);
	ck_assert_int_eq(map(&e, HOST, &op), GNTST_okay);
	ck_assert_uint_eq(e.by->maps.used, 2);
	env_end(&e);
}
END_TEST

/* G2 (XSA-224): a half that is left out stays, and the counts return. */
START_TEST(test_g2_counts)
{
	struct hv_gnt_map op;
	struct env e;

	env_init(&e, false);
	ck_assert_uint_eq(frame_count(frame(&e)), 1);
	ck_assert_int_eq(map(&e, HOST | DEV, &op), GNTST_okay);
	ck_assert_uint_eq(frame_count(frame(&e)), 3);
	ck_assert_uint_eq(frame_tcount(frame(&e)), 2);
	ck_assert_int_eq(unmap(&e, op.handle, 0, 0), GNTST_okay);
	ck_assert_uint_eq(frame_count(frame(&e)), 3);
	ck_assert_int_eq(unmap(&e, op.handle, 0x1000, 0), GNTST_okay);
	ck_assert_uint_eq(frame_count(frame(&e)), 2);
	/* the host part is gone: there is nothing to compare with */
	ck_assert_int_eq(unmap(&e, op.handle, 0x1000, 0), GNTST_okay);
	ck_assert_uint_eq(frame_count(frame(&e)), 2);
	ck_assert_int_eq(unmap(&e, op.handle, 0x1000, op.dev_addr), GNTST_okay);
	ck_assert_uint_eq(frame_count(frame(&e)), 1);
	ck_assert_uint_eq(frame_tcount(frame(&e)), 0);
	ck_assert_int_eq(
		unmap(&e, op.handle, 0x1000, op.dev_addr), GNTST_bad_handle);
	ck_assert_uint_eq(frame_count(frame(&e)), 1);
	env_end(&e);
}
END_TEST

/* G4 (XSA-316): a refused map takes nothing. */
START_TEST(test_g4_refused)
{
	struct hv_gnt_map op;
	struct env e;

	env_init(&e, false);
	host_entry(e.granter, e.ref)->flags = 0;
	ck_assert_int_lt(map(&e, HOST, &op), 0);
	ck_assert_uint_eq(e.by->maps.used, 0);
	ck_assert_uint_eq(frame_count(frame(&e)), 1);
	env_end(&e);
}
END_TEST

/* G4: a page that is mapped is not freed, and not given to anybody. */
START_TEST(test_g4_page_stays)
{
	struct hv_gnt_map op;
	struct hv_counts c;
	struct env e;

	env_init(&e, false);
	ck_assert_int_eq(map(&e, HOST, &op), GNTST_okay);
	ck_assert_int_eq(hv_mem_remove(e.granter, e.gfn), 0);
	/* it is paid for until it is gone */
	ck_assert_uint_eq(e.granter->tot_pages, 5);
	host_share(e.granter, 1);
	ck_assert_uint_eq(op.page.run->va[0], 'A');
	ck_assert_int_eq(unmap(&e, op.handle, 0x1000, 0), GNTST_okay);
	ck_assert_uint_eq(e.granter->tot_pages, 5);
	hv_counts(e.h.hv, &c);
	ck_assert_uint_eq(c.frames, 4 + 4 + 1 + 2);
	ck_assert_int_eq(e.h.backings, 1 + 1 + 1 + 2);
	env_end(&e);
}
END_TEST

/* G5: a new domain of the same number has nothing of the old one. */
START_TEST(test_g5_instance)
{
	struct hv_gnt_map op, op2;
	struct env e;

	env_init(&e, false);
	ck_assert_int_eq(map(&e, HOST, &op), GNTST_okay);
	host_kill(e.by);
	e.by = host_dom(&e.h, 2, 0);
	ck_assert_int_eq(unmap(&e, op.handle, 0x1000, 0), GNTST_bad_handle);
	/* the grant is by number, in the table that the guest writes */
	ck_assert_int_eq(map(&e, HOST, &op), GNTST_okay);
	/* the granter is replaced: the handle is about the old one */
	host_kill(e.granter);
	ck_assert(hv_dom_find(e.h.hv, 1));
	ck_assert_int_eq(unmap(&e, op.handle, 0x1000, 0), GNTST_okay);
	ck_assert(!hv_dom_find(e.h.hv, 1));
	e.granter = host_dom(&e.h, 1, 0);
	ck_assert_int_eq(map(&e, HOST, &op2), GNTST_general_error);
	env_end(&e);
}
END_TEST

/* G5, G6: what is pinned counts, whatever is written later. */
START_TEST(test_g6_cached)
{
	struct hv_gnt_map op, op2;
	struct grant_entry_v1 *g;
	struct hv_dom *third;
	struct env e;

	env_init(&e, false);
	third = host_dom(&e.h, 3, 0);
	g = host_entry(e.granter, e.ref);
	ck_assert_int_eq(map(&e, HOST | RO, &op), GNTST_okay);
	g->frame = (uint32_t)host_share(e.granter, 1);
	ck_assert_int_eq(map(&e, HOST | RO, &op2), GNTST_okay);
	ck_assert_ptr_eq(op2.page.run, op.page.run);
	/* the first writer is checked anew, and gets the same page */
	g->flags |= GTF_readonly;
	ck_assert_int_eq(map(&e, HOST, &op2), GNTST_general_error);
	g->flags &= ~GTF_readonly & 0xffff;
	ck_assert_int_eq(map(&e, HOST, &op2), GNTST_okay);
	ck_assert_ptr_eq(op2.page.run, op.page.run);
	/* nobody else while it is pinned */
	g->domid = 3;
	ck_assert_int_eq(
		host_map(third, 1, e.ref, HOST, NULL), GNTST_general_error);
	host_kill(e.by);
	ck_assert_int_eq(host_map(third, 1, e.ref, HOST, NULL), GNTST_okay);
	env_end(&e);
}
END_TEST

/* ---- G6: the granter writes its entry at every point of a map ------------ */

static struct {
	struct grant_entry_v1 *entry;
	struct grant_entry_v1 now;
	long at, seen;
	long cas;
	bool always;
} flip;

static void on_point(enum hv_point_id id, const volatile void *p)
{
	if (id == HV_POINT_CAS && p == (const volatile void *)flip.entry)
		flip.cas++;
	if (flip.seen++ == flip.at ||
		(flip.always && id == HV_POINT_CAS &&
			p == (const volatile void *)flip.entry)) {
		*flip.entry = flip.now;
		/* a different word each time: the swap must fail */
		if (flip.always)
			flip.now.flags ^= GTF_PWT;
	}
}

START_TEST(test_g6_flips)
{
	uint64_t other, frames[2];
	const struct grant_entry_v1 values[] = {
		{GTF_permit_access, 2, 0}, /* the other page */
		{GTF_permit_access, 3, 1},
		{GTF_permit_access | GTF_readonly, 2, 1},
		{GTF_invalid, 2, 1},
		{GTF_accept_transfer, 2, 1},
		{GTF_permit_access, 2, 0xdead},
	};
	struct hv_gnt_map op;
	struct env e;

	env_init(&e, false);
	other = host_share(e.granter, 1);
	frames[0] = other;
	frames[1] = e.gfn;
	for (unsigned int v = 0; v < 6; v++) {
		flip.seen = LONG_MIN;
		for (flip.at = 0;; flip.at++) {
			struct grant_entry_v1 was = {
				GTF_permit_access, 2, (uint32_t)e.gfn};

			flip.entry = host_entry(e.granter, e.ref);
			*flip.entry = was;
			flip.now = values[v];
			if (flip.now.frame < 2)
				flip.now.frame =
					(uint32_t)frames[flip.now.frame];
			flip.seen = 0;
			hv_point_hook = on_point;
			op = (struct hv_gnt_map){.domid = 1,
				.ref = e.ref,
				.flags = HOST,
				.addr = 0x1000};
			hv_gnt_map(e.by, &op);
			hv_point_hook = NULL;
			if (op.status == GNTST_okay) {
				uint64_t gfn = op.page.run->gfn;

				ck_assert(gfn == e.gfn || gfn == other);
				ck_assert_int_eq(
					unmap(&e, op.handle, 0x1000, 0),
					GNTST_okay);
			} else {
				ck_assert_int_lt(op.status, 0);
			}
			ck_assert_uint_eq(e.by->maps.used, 0);
			ck_assert_uint_eq(frame_count(frame(&e)), 1);
			host_entry(e.granter, e.ref)->flags &=
				(uint16_t) ~(GTF_reading | GTF_writing);
			if (flip.seen <= flip.at)
				break;
		}
		/* there was something to interrupt */
		ck_assert_int_gt(flip.at, 4);
	}
	env_end(&e);
}
END_TEST

/* XSA-268, 295: a guest that writes all the time is given up on. */
START_TEST(test_unstable)
{
	struct hv_gnt_map op;
	struct env e;

	env_init(&e, false);
	memset(&flip, 0, sizeof(flip));
	flip.entry = host_entry(e.granter, e.ref);
	flip.now = *flip.entry;
	flip.now.flags |= GTF_PWT;
	flip.at = -1;
	flip.always = true;
	hv_point_hook = on_point;
	op = (struct hv_gnt_map){
		.domid = 1, .ref = e.ref, .flags = HOST, .addr = 0x1000};
	hv_gnt_map(e.by, &op);
	hv_point_hook = NULL;
	flip.always = false;
	ck_assert_int_eq(op.status, GNTST_general_error);
	ck_assert_int_eq(flip.cas, HV_CAS_TRIES);
	ck_assert_uint_eq(e.by->maps.used, 0);
	env_end(&e);
}
END_TEST

/* G7: each of the four counts of a pin has eight bits. */
START_TEST(test_g7_pins)
{
	static const uint32_t kinds[] = {HOST, HOST | RO, DEV, DEV | RO};
	struct hv_gnt_map op;
	struct env e;

	for (unsigned int k = 0; k < 4; k++) {
		env_init(&e, false);
		for (int i = 0; i < 255; i++)
			ck_assert_int_eq(map(&e, kinds[k], &op), GNTST_okay);
		ck_assert_int_eq(map(&e, kinds[k], &op), GNTST_general_error);
		ck_assert_uint_eq(e.by->maps.used, 255);
		/* a full count does not touch its neighbour */
		ck_assert_int_eq(map(&e, kinds[(k + 1) % 4], &op), GNTST_okay);
		env_end(&e);
	}
}
END_TEST

START_TEST(test_maptrack_limit)
{
	struct hv_limits l = {.max_grant_frames = 1, .max_maptrack = 300};
	struct test_host h = {0};
	struct hv_dom *d, *by;
	uint32_t ref[2], handle;

	ck_assert(host_init(&h, &l));
	d = host_dom(&h, 1, 0);
	by = host_dom(&h, 2, 0);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(
			hv_gnt_alloc(d, 2, host_share(d, 1), false, &ref[i]),
			0);
	for (int i = 0; i < 300; i++)
		ck_assert_int_eq(host_map(by, 1, ref[i / 200], HOST, &handle),
			GNTST_okay);
	ck_assert_int_eq(host_map(by, 1, ref[1], HOST, NULL), GNTST_no_space);
	ck_assert_int_eq(host_unmap(by, handle), GNTST_okay);
	ck_assert_int_eq(host_map(by, 1, ref[1], HOST, &handle), GNTST_okay);
	host_end(&h);
}
END_TEST

/* A page of private RAM is split, or the domain is asked to do it. */
START_TEST(test_split)
{
	struct hv_page_ref p;
	struct hv_gnt_map op;
	uint32_t id;
	struct env e;

	env_init(&e, false);
	host_page(e.granter, 2)[7] = 'R';
	host_entry(e.granter, e.ref)->frame = 2;
	e.h.split_result = -EAGAIN;
	ck_assert_int_eq(map(&e, HOST, &op), GNTST_eagain);
	e.h.split_result = -EPERM;
	ck_assert_int_eq(map(&e, HOST, &op), GNTST_general_error);
	e.h.split_result = 0;
	/* somebody has it mapped by right: it cannot be moved */
	ck_assert_int_eq(hv_dom_set_target(e.by, 1), 0);
	ck_assert_int_eq(hv_mem_foreign(e.by, 1, 2, true, &p, &id), 0);
	ck_assert_int_eq(map(&e, HOST, &op), GNTST_general_error);
	ck_assert_int_eq(hv_mem_foreign_put(e.by, id), 0);
	ck_assert_int_eq(map(&e, HOST, &op), GNTST_okay);
	ck_assert_int_eq(op.page.run->kind, HV_RUN_SHARE);
	ck_assert_uint_eq(op.page.run->va[7], 'R');
	ck_assert_ptr_eq(host_page(e.granter, 2), op.page.run->va);
	ck_assert_uint_eq(e.granter->tot_pages, 5);
	env_end(&e);
}
END_TEST

/* A host that has sealed its run lets nobody write it. */
START_TEST(test_ro_sealed)
{
	struct hv_gnt_copy c = {.len = 8};
	struct hv_gnt_map op;
	struct env e;

	env_init(&e, false);
	c.source = (struct hv_gnt_copy_ptr){
		.domid = DOMID_SELF, .gfn = host_share(e.by, 1)};
	c.dest = (struct hv_gnt_copy_ptr){
		.is_ref = true, .domid = hv_dom_id(e.granter), .ref = e.ref};
	frame(&e)->run->ro_sealed = true;
	ck_assert_int_eq(map(&e, HOST, &op), GNTST_general_error);
	/* a copy needs no mapping of the guest's */
	hv_gnt_copy(e.by, &c);
	ck_assert_int_eq(c.status, GNTST_okay);
	ck_assert_int_eq(map(&e, HOST | RO, &op), GNTST_okay);
	env_end(&e);
}
END_TEST

/* What the host seals a page by is what was mapped, not what was tried. */
START_TEST(test_ro_kept)
{
	uint32_t pin = pin_one(PIN_HST_W);
	struct gnt_pinned held;
	struct hv_gnt_map op;
	struct env e;

	env_init(&e, true);
	ck_assert_int_eq(map(&e, HOST | RO, &op), GNTST_okay);
	ck_assert(op.ro_entry);
	frame(&e)->run->ro_sealed = true;
	/* now it could be written, but for the seal, and then for its type */
	host_entry(e.granter, e.ref)->flags &= (uint16_t)~GTF_readonly;
	ck_assert_int_eq(map(&e, HOST, &op), GNTST_general_error);
	ck_assert_int_eq(map(&e, HOST | RO, &op), GNTST_okay);
	ck_assert(op.ro_entry);
	frame(&e)->run->ro_sealed = false;
	ck_assert_int_eq(frame_get_type(frame(&e), HV_TYPE_SHARED), 0);
	ck_assert_int_eq(gnt_pin(e.granter, e.by, e.ref, pin, true, &held),
		GNTST_general_error);
	frame_put_type(frame(&e));
	ck_assert_int_eq(map(&e, HOST | RO, &op), GNTST_okay);
	ck_assert(op.ro_entry);
	env_end(&e);
}
END_TEST

/* That a granter is dying does not hide that it never had the entry. */
START_TEST(test_dying_granter)
{
	struct hv_gnt_map op;
	uint32_t none = 0, ref;
	struct env e;

	env_init(&e, false);
	ref = e.ref;
	ck_assert_int_eq(hv_dom_destroy(e.granter, &none), -ERESTART);
	ck_assert_int_eq(map(&e, HOST, &op), GNTST_general_error);
	e.ref = GNT_PER_FRAME;
	ck_assert_int_eq(map(&e, HOST, &op), GNTST_bad_gntref);
	e.ref = ref;
	env_end(&e);
}
END_TEST

/* Its own grants, and the death of one who maps himself. */
START_TEST(test_self)
{
	struct hv_gnt_map op;
	struct env e;

	env_init(&e, false);
	host_entry(e.granter, e.ref)->domid = 1;
	e.by = e.granter;
	ck_assert_int_eq(map(&e, HOST, &op), GNTST_okay);
	host_kill(e.granter);
	ck_assert(!hv_dom_find(e.h.hv, 1));
	host_end(&e.h);
}
END_TEST

/* The first of two references fits, the second does not. */
START_TEST(test_refs_undone)
{
	uint32_t pins = pin_one(PIN_HST_W) | pin_one(PIN_DEV_W);
	struct gnt_pinned held;
	struct env e;

	env_init(&e, false);
	frame(&e)->page.count += PAGE_COUNT_MAX - 3;
	ck_assert_int_eq(gnt_pin(e.granter, e.by, e.ref, pins, true, &held),
		GNTST_general_error);
	frame(&e)->page.count -= PAGE_COUNT_MAX - 3;
	ck_assert_uint_eq(frame_count(frame(&e)), 1);
	ck_assert_uint_eq(frame_tcount(frame(&e)), 0);
	env_end(&e);
}
END_TEST

BH_CHECK_MAIN("grant_map", 60, BH_TEST(test_refs_undone), BH_TEST(test_map),
	BH_TEST(test_map_status), BH_TEST(test_map_tables),
	BH_TEST(test_unmap_status), BH_TEST(test_g1_parts),
	BH_TEST(test_g2_counts), BH_TEST(test_g4_refused),
	BH_TEST(test_g4_page_stays), BH_TEST(test_g5_instance),
	BH_TEST(test_g6_cached), BH_TEST(test_g6_flips), BH_TEST(test_unstable),
	BH_TEST(test_g7_pins), BH_TEST(test_maptrack_limit),
	BH_TEST(test_split), BH_TEST(test_ro_sealed), BH_TEST(test_ro_kept),
	BH_TEST(test_dying_granter), BH_TEST(test_self))
