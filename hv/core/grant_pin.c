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
 * An entry's pin, its active part and its status bits change in one section
 * under the table's lock; type references, which may have to wait, are taken
 * behind it, and a pin that cannot have them is taken back.
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

	for (i = 0; i < HV_CAS_TRIES || hv_fault(HV_FAULT_GNT_UNBOUNDED); i++) {
		x = hv_load(&e->head);
		if ((x & mask) != GTF_permit_access || x >> 16 != domid)
			return GNTST_general_error;
		if (write && (x & GTF_readonly))
			return GNTST_general_error;
		if (hv_fault(HV_FAULT_GNT_HEAD_TWICE))
			x = hv_load(&e->head);
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
	uint32_t clear = 0, writers = PIN_WRITERS;

	if (hv_fault(HV_FAULT_GNT_HOST_ONLY))
		writers = PIN_MASK << (PIN_HST_W * PIN_BITS);
	if (!pin)
		clear |= GTF_reading;
	if (!(pin & writers))
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

static int16_t frame_find(
	struct hv_dom *rd, uint32_t gfn, struct hv_frame **out)
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
	return GNTST_okay;
}

/* Find a page and take a reference, before it can be somebody else's. */
static int16_t frame_hold(
	struct hv_dom *rd, uint32_t gfn, bool map, struct hv_frame **f)
{
	int16_t st;

	hv_lock(&rd->mem_lock);
	st = frame_find(rd, gfn, f);
	if (!st && map && frame_is_private(*f)) {
		hv_unlock(&rd->mem_lock);
		st = frame_split(rd, f);
		hv_lock(&rd->mem_lock);
	}
	if (hv_fault(HV_FAULT_GNT_FRAME_UNLOCKED))
		hv_unlock(&rd->mem_lock);
	if (!st && frame_get(*f))
		st = GNTST_general_error;
	if (!hv_fault(HV_FAULT_GNT_FRAME_UNLOCKED))
		hv_unlock(&rd->mem_lock);
	return st;
}

static void refs_put(struct hv_frame *f, uint32_t nr)
{
	while (nr-- > 0)
		frame_put(f);
}

static void types_put(struct hv_frame *f, uint32_t nr)
{
	while (nr-- > 0)
		frame_put_type(f);
}

static int16_t types_take(struct hv_frame *f, uint32_t nr)
{
	uint32_t i;

	for (i = 0; i < nr; i++) {
		if (!frame_get_type(f, HV_TYPE_WRITABLE))
			continue;
		types_put(f, i + hv_fault(HV_FAULT_GNT_UNDO_MORE));
		return GNTST_general_error;
	}
	return GNTST_okay;
}

/* How many units @pins is; each of its four counts is 0 or 1. */
static uint32_t pin_units(uint32_t pins)
{
	return (uint32_t)__builtin_popcount(pins);
}

/* The page of an entry that has been claimed, with a general reference for
 * each of @pins. */
static int16_t pin_frame(struct hv_dom *rd, struct gnt_shared *e,
	const struct gnt_act *a, uint32_t pins, bool map, struct hv_frame **f)
{
	uint32_t have = 0, nr = pin_units(pins);
	int16_t st = GNTST_okay;

	*f = a->frame;
	if (!a->pin || hv_fault(HV_FAULT_GNT_FRAME_AGAIN)) {
		hv_point_at(HV_POINT_GNT_FRAME, e);
		st = frame_hold(rd, hv_load(&e->frame), map, f);
		hv_point_at(HV_POINT_GNT_PINNED, e);
		have = !st;
	}
	/* a copy goes through the host's own mapping, which stays writable */
	if (!st && map && (pins & PIN_WRITERS) && (*f)->run->ro_sealed)
		st = GNTST_general_error;
	while (!st && have < nr) {
		if (frame_get(*f))
			st = GNTST_general_error;
		else
			have++;
	}
	if (st)
		refs_put(*f, have);
	return st;
}

/* Under the lock: all but the type references. */
static int16_t pin_enter(struct hv_dom *rd, struct hv_dom *by, uint32_t ref,
	uint32_t pins, bool map, struct gnt_pinned *held)
{
	struct gnt_shared *e = gnt_entry(rd, ref);
	struct gnt_act *a = gnt_act(rd, ref);
	int16_t st = GNTST_okay;

	if (!a)
		return GNTST_bad_gntref;
	if (hv_load(&rd->life) != LIFE_ALIVE ||
		hv_load(&by->life) != LIFE_ALIVE)
		return GNTST_general_error;
	if (a->pin && !instance_is(a->by, by))
		return GNTST_general_error;
	if (pin_overflows(a->pin, pins) && !hv_fault(HV_FAULT_GNT_PIN_WRAPS))
		return GNTST_general_error;
	held->ro = a->ro;
	if (!a->pin || ((pins & PIN_WRITERS) && !(a->pin & PIN_WRITERS)))
		st = entry_claim(
			e, by->domid, pins & PIN_WRITERS, map, &held->ro);
	if (st)
		return st;
	st = pin_frame(rd, e, a, pins, map, &held->frame);
	if (st) {
		entry_settle(e, a->pin);
		return st;
	}
	held->was_ro = a->pin ? a->ro : held->ro;
	if (!a->pin) {
		a->by = dom_instance(by);
		rd->gt.pinned++;
	}
	a->frame = held->frame;
	a->ro = held->ro;
	a->pin += pins;
	return GNTST_okay;
}

/* Under the lock: take pins back.  The references are the caller's, and the
 * status. */
static void pin_leave(struct hv_dom *rd, struct gnt_act *a, uint32_t pins)
{
	a->pin -= pins;
	if (a->pin)
		return;
	*a = (struct gnt_act){GNT_GHOST(.live = a->live)};
	rd->gt.pinned--;
}

/* A pin that cannot be: it goes again, and what it has. */
static void pin_undo(struct hv_dom *rd, uint32_t ref, uint32_t pins,
	const struct gnt_pinned *held)
{
	struct gnt_act *a = gnt_act(rd, ref);

	hv_lock(&rd->gt.lock);
	pin_leave(rd, a, pins);
	entry_settle(gnt_entry(rd, ref), a->pin);
	if (a->pin && !(a->pin & PIN_WRITERS))
		a->ro = held->was_ro;
	if (hv_fault(HV_FAULT_GNT_UNDO_STATUS))
		hv_or(&gnt_entry(rd, ref)->head, GTF_writing);
	hv_unlock(&rd->gt.lock);
	refs_put(held->frame,
		pin_units(pins) - hv_fault(HV_FAULT_GNT_UNDO_LESS));
}

/*
 * gnt_pin: add @pins (each count 0 or 1) to entry @ref of @rd for @by, who
 * maps it (@map) or copies.  Nothing has changed unless it returns okay.
 */
int16_t gnt_pin(struct hv_dom *rd, struct hv_dom *by, uint32_t ref,
	uint32_t pins, bool map, struct gnt_pinned *held)
{
	int16_t st;

	hv_lock(&rd->gt.lock);
	st = pin_enter(rd, by, ref, pins, map, held);
	if (st && hv_fault(HV_FAULT_GNT_LOCK_LEAK))
		return st;
	hv_unlock(&rd->gt.lock);
	if (st)
		return st;
	if (pins & PIN_WRITERS)
		st = types_take(held->frame, pin_units(pins));
	if (st)
		pin_undo(rd, ref, pins, held);
	return st;
}

/* From here on nobody uses the mappings that were to have those pins. */
static void maps_flush(struct gnt_act *a, uint32_t pins)
{
	hv_point(HV_POINT_FLUSH);
	GNT_GHOST(a->live -= pins);
	(void)a, (void)pins;
}

/*
 * gnt_unpin: take @pins back, which gnt_pin() has added; @map if they were a
 * mapping's, which is gone by then.  The caller has @f, what it gave, and
 * keeps @rd.
 */
void gnt_unpin(struct hv_dom *rd, uint32_t ref, uint32_t pins, bool map,
	struct hv_frame *f)
{
	bool late = map && hv_fault(HV_FAULT_GNT_STATUS_LATE);
	struct gnt_act *a = gnt_act(rd, ref);
	uint32_t nr = pin_units(pins);

	/* only what nobody uses holds nothing */
	if (map && !late)
		maps_flush(a, pins);
	hv_lock(&rd->gt.lock);
	pin_leave(rd, a, pins);
	if (late) {
		hv_unlock(&rd->gt.lock);
		maps_flush(a, pins);
		hv_lock(&rd->gt.lock);
	}
	entry_settle(gnt_entry(rd, ref), a->pin);
	hv_unlock(&rd->gt.lock);
	if (pins & PIN_WRITERS)
		types_put(f, nr);
	refs_put(f, nr);
}

/* ---- entries that accept a transfer ------------------------------------- */

static int16_t entry_accept(struct hv_dom *rd, uint32_t ref, uint32_t domid)
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

int16_t gnt_accept(struct hv_dom *rd, uint32_t ref, uint32_t domid)
{
	int16_t st;

	hv_lock(&rd->gt.lock);
	st = entry_accept(rd, ref, domid);
	hv_unlock(&rd->gt.lock);
	return st;
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
