/* SPDX-License-Identifier: MIT */
/*
 * grant_pin.c: the moment of decision about a grant entry.
 *
 * DOC: pins
 *
 * A mapping or a copy pins its entry: the flags and the domid are read in one
 * load and claimed (GTF_reading, GTF_writing) by a bounded compare-and-swap,
 * then the frame number is read once.  From then on the active entry counts,
 * whatever the guest writes.  Each unit of pin holds one general reference of
 * the frame, each writing one a type reference as well, and all of them are
 * taken before anything is committed.
 *
 * Invariant G1: GTF_reading is clear iff the pin is 0, GTF_writing iff there
 * is no writing pin, as far as the engine wrote them: pin and flags change
 * together.
 */
#include "hv/core/internal.h"

static bool pin_overflows(uint32_t have, uint32_t add)
{
	int i;

	for (i = PIN_HST_W; i <= PIN_DEV_R; i++) {
		uint32_t mask = PIN_MASK << (i * PIN_BITS);

		if ((add & mask) && (have & mask) == mask)
			return true;
	}
	return false;
}

/* Set GTF_reading, GTF_writing in an entry that permits it; *ro tells whether
 * it permits reading alone. */
static int16_t entry_claim(
	struct gnt_shared *e, uint32_t domid, bool write, bool map, bool *ro)
{
	/* a part of a page cannot be mapped */
	uint32_t mask = GTF_type_mask | (map ? GTF_sub_page : 0), x, n;
	int i;

	for (i = 0; i < HV_CAS_TRIES; i++) {
		x = hv_load(&e->head);
		if ((x & mask) != GTF_permit_access || x >> 16 != domid)
			return GNTST_general_error;
		if (write && (x & GTF_readonly))
			return GNTST_general_error;
		n = x | GTF_reading | (write ? GTF_writing : 0);
		*ro = x & GTF_readonly;
		if (hv_cas(&e->head, x, n))
			return GNTST_okay;
	}
	return GNTST_general_error; /* unstable */
}

/* After a change of the pin to @pin: what is not pinned is not in use. */
static void entry_settle(struct gnt_shared *e, uint32_t pin)
{
	uint32_t clear = 0;

	if (!pin)
		clear |= GTF_reading;
	if (!(pin & PIN_WRITERS))
		clear |= GTF_writing;
	if (clear)
		hv_and(&e->head, ~clear);
}

/* A private page that is to be mapped becomes one of its own first. */
static int16_t frame_split(struct hv_dom *rd, struct hv_frame **f)
{
	struct hv *hv = rd->hv;
	int r = -EPERM;

	if (hv->host->split)
		r = hv->host->split(hv->ctx, rd, (*f)->run, frame_page(*f));
	if (r == 0)
		r = mem_split(rd, *f, f);
	if (r == -EAGAIN)
		return GNTST_eagain;
	return r ? GNTST_general_error : GNTST_okay;
}

static int16_t frame_find(struct hv_dom *rd, uint32_t gfn, bool write, bool map,
	struct hv_frame **out)
{
	struct hv_frame *f = p2m_get(rd, gfn);

	if (!f)
		return GNTST_bad_page;
	if (f->run->domid != rd->domid || f->run->gen != rd->gen)
		return GNTST_general_error;
	/* tables of the hypervisor are not for sharing */
	if (frame_type(f) == HV_TYPE_SHARED || f->run->kind == HV_RUN_GNTTAB)
		return GNTST_general_error;
	*out = f;
	if (map && frame_is_private(f))
		return frame_split(rd, out);
	return GNTST_okay;
}

static void refs_put(struct hv_frame *f, uint32_t nr, bool write)
{
	while (nr-- > 0) {
		if (write)
			frame_put_type(f);
		frame_put(f);
	}
}

static int16_t refs_take(struct hv_frame *f, uint32_t nr, bool write)
{
	uint32_t i;

	for (i = 0; i < nr; i++) {
		if (frame_get(f))
			break;
		if (write && frame_get_type(f, HV_TYPE_WRITABLE)) {
			frame_put(f);
			break;
		}
	}
	if (i == nr)
		return GNTST_okay;
	refs_put(f, i, write);
	return GNTST_general_error;
}

/* How many units @pins is; each of its four counts is 0 or 1. */
static uint32_t pin_units(uint32_t pins)
{
	return (uint32_t)__builtin_popcount(pins);
}

static int16_t pin_frame(struct hv_dom *rd, struct gnt_shared *e,
	struct gnt_act *a, uint32_t pins, bool map)
{
	bool write = pins & PIN_WRITERS;
	struct hv_frame *f = a->frame;
	int16_t st = GNTST_okay;

	if (!a->pin) {
		hv_point_at(HV_POINT_GNT_FRAME, e);
		st = frame_find(rd, hv_load(&e->frame), write, map, &f);
		hv_point_at(HV_POINT_GNT_PINNED, e);
	}
	/* a copy goes through the host's own mapping, which stays writable */
	if (!st && map && write && f->run->ro_sealed)
		st = GNTST_general_error;
	if (!st)
		st = refs_take(f, pin_units(pins), write);
	if (!st)
		a->frame = f;
	return st;
}

/*
 * gnt_pin: add @pins (each count 0 or 1) to entry @ref of @rd for @by, who
 * maps it (@map) or copies.  Nothing has changed unless it returns okay.
 */
int16_t gnt_pin(struct hv_dom *rd, struct hv_dom *by, uint32_t ref,
	uint32_t pins, bool map, struct gnt_act **act)
{
	struct gnt_shared *e = gnt_entry(rd, ref);
	struct gnt_act *a = gnt_act(rd, ref);
	int16_t st = GNTST_okay;
	bool ro = a && a->ro;

	if (!a)
		return GNTST_bad_gntref;
	if (rd->life != LIFE_ALIVE || by->life != LIFE_ALIVE)
		return GNTST_general_error;
	if (a->pin && !instance_is(a->by, by))
		return GNTST_general_error;
	if (pin_overflows(a->pin, pins))
		return GNTST_general_error;
	if (!a->pin || ((pins & PIN_WRITERS) && !(a->pin & PIN_WRITERS)))
		st = entry_claim(e, by->domid, pins & PIN_WRITERS, map, &ro);
	if (st)
		return st;
	st = pin_frame(rd, e, a, pins, map);
	if (st) {
		entry_settle(e, a->pin);
		return st;
	}
	if (!a->pin) {
		a->by = dom_instance(by);
		rd->gt.pinned++;
	}
	a->ro = ro;
	a->pin += pins;
	*act = a;
	return GNTST_okay;
}

/* gnt_unpin: take @pins back, which gnt_pin() has added. */
void gnt_unpin(struct hv_dom *rd, uint32_t ref, uint32_t pins)
{
	struct gnt_act *a = gnt_act(rd, ref);
	struct hv_frame *f = a->frame;

	a->pin -= pins;
	if (!a->pin) {
		memset(a, 0, sizeof(*a));
		rd->gt.pinned--;
	}
	entry_settle(gnt_entry(rd, ref), a->pin);
	refs_put(f, pin_units(pins), pins & PIN_WRITERS);
}

/* ---- entries that accept a transfer ------------------------------------- */

int16_t gnt_accept(struct hv_dom *rd, uint32_t ref, uint32_t domid)
{
	struct gnt_shared *e = gnt_entry(rd, ref);
	uint32_t x;
	int i;

	if (!e)
		return GNTST_bad_gntref;
	/* GTF_reading and GTF_transfer_completed are the same bit */
	if (gnt_act(rd, ref)->pin)
		return GNTST_general_error;
	for (i = 0; i < HV_CAS_TRIES; i++) {
		x = hv_load(&e->head);
		if (x != (domid << 16 | GTF_accept_transfer))
			return GNTST_general_error;
		if (hv_cas(&e->head, x, x | GTF_transfer_committed))
			return GNTST_okay;
	}
	return GNTST_general_error;
}

void gnt_accept_undo(struct hv_dom *rd, uint32_t ref)
{
	hv_and(&gnt_entry(rd, ref)->head, ~GTF_transfer_committed);
}

void gnt_accept_done(struct hv_dom *rd, uint32_t ref, uint32_t frame)
{
	struct gnt_shared *e = gnt_entry(rd, ref);

	hv_store_rel(&e->frame, frame);
	hv_or(&e->head, GTF_transfer_completed);
}
