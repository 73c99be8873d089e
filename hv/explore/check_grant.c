/* SPDX-License-Identifier: MIT */
/*
 * check_grant.c - what holds of grants between any two steps
 *
 * hv_check() compares all sums when nobody is inside an operation.  In the
 * middle of one they differ, but only one way: a mapping that a handle names
 * has a pin, a pin has its references, and a pinned entry says so.
 */
#include "hv/explore/machine.h"

#define MUST(cond, ...)                                  \
	do {                                             \
		if (!(cond)) {                           \
			snprintf(buf, len, __VA_ARGS__); \
			return broken_;                  \
		}                                        \
	} while (0)

/* Of all entries, the pins that handles account for. */
static uint32_t found[MACHINE_DOMS][GNT_PER_FRAME];

/* Is each of the four counts of @a at least that of @b? */
static bool pins_cover(uint32_t a, uint32_t b)
{
	for (unsigned int i = PIN_HST_W; i <= PIN_DEV_R; i++)
		if ((a >> (i * PIN_BITS) & PIN_MASK) <
			(b >> (i * PIN_BITS) & PIN_MASK))
			return false;
	return true;
}

static const char *check_map(const struct hv_dom *d, const struct gnt_map *m,
	bool honest, char *buf, size_t len)
{
	const struct gnt_act *a = gnt_act(m->granter, m->ref);
	uint32_t pins = gnt_pins_of(m->flags), head;
	const char *broken_ = "G2";

	MUST(a, "a handle of domain %u is of a granter that is gone", d->domid);
	head = gnt_entry(m->granter, m->ref)->head;
	found[m->granter->domid][m->ref] += pins;
	MUST(pins_cover(a->pin, found[m->granter->domid][m->ref]),
		"a handle of domain %u has no pin", d->domid);
	broken_ = "G5";
	MUST(a->frame == m->frame, "a pinned entry is of another page");
	broken_ = "G6";
	MUST(instance_is(a->by, d), "a pinned entry is somebody else's");
	broken_ = "G4";
	MUST(frame_count(m->frame) > 0 && m->frame->run->owner == m->granter,
		"a page is mapped that is not the granter's");
	MUST(!(pins & PIN_WRITERS) || frame_type(m->frame) == HV_TYPE_WRITABLE,
		"a page is mapped to be written, and is no such page");
	if (!honest)
		return NULL;
	broken_ = "G1";
	MUST(head & GTF_reading, "mapped, but GTF_reading is clear");
	MUST(!(pins & PIN_WRITERS) || (head & GTF_writing),
		"mapped to be written, but GTF_writing is clear");
	MUST(head >> 16 == d->domid, "mapped by %u, but granted to %u",
		d->domid, head >> 16);
	MUST(!(pins & PIN_WRITERS) || !(head & GTF_readonly),
		"mapped to be written, but granted to be read");
	return NULL;
}

/* A mapping is in use for longer than a handle names it. */
static const char *check_live(
	const struct hv_dom *d, uint32_t ref, char *buf, size_t len)
{
	uint32_t live = gnt_act(d, ref)->live, head = gnt_entry(d, ref)->head;
	const char *broken_ = "G1";

	MUST(!live || (head & GTF_reading),
		"still in use, but GTF_reading is clear");
	MUST(!(live & PIN_WRITERS) || (head & GTF_writing),
		"still in use to be written, but GTF_writing is clear");
	return NULL;
}

static const char *check_acts(const struct hv_dom *d, char *buf, size_t len)
{
	const char *broken_ = "G5";

	for (uint32_t i = 0; i < d->gt.nr_frames * GNT_PER_FRAME; i++) {
		const struct gnt_act *a = gnt_act(d, i);
		uint32_t held = 0;

		MUST(a->pin ? a->frame && a->by.gen : !a->frame && !a->by.gen,
			"entry %u: pin %x", i, a->pin);
		for (uint32_t p = a->pin; p; p >>= PIN_BITS)
			held += p & PIN_MASK;
		MUST(!held || frame_count(a->frame) >= held,
			"entry %u: %u pins, %u references", i, held,
			(unsigned int)frame_count(a->frame));
	}
	return NULL;
}

static const char *check(bool honest, char *buf, size_t len)
{
	const struct gnt_map *m;
	const char *r = machine_check(buf, len);
	struct hv_dom *d;

	memset(found, 0, sizeof(found));
	for (d = hv_dom_next(machine.hv, 0); d && !r;
		d = hv_dom_next(machine.hv, d->domid + 1)) {
		r = check_acts(d, buf, len);
		for (uint32_t i = 0;
			honest && !r && i < d->gt.nr_frames * GNT_PER_FRAME;
			i++)
			r = check_live(d, i, buf, len);
		for (uint32_t i = 0; i < d->maps.nr && !r; i++) {
			m = gnt_map_get(d, i);
			if (m)
				r = check_map(d, m, honest, buf, len);
		}
	}
	return r;
}

const char *machine_check_grants(char *buf, size_t len)
{
	return check(false, buf, len);
}

const char *machine_check_honest(char *buf, size_t len)
{
	return check(true, buf, len);
}

/* What hv_check() cannot know: nobody but the engine sets the status bits. */
const char *machine_idle_honest(char *buf, size_t len)
{
	const char *broken_ = "G1";
	struct hv_dom *d;

	for (d = hv_dom_next(machine.hv, 0); d;
		d = hv_dom_next(machine.hv, d->domid + 1))
		for (uint32_t i = 0; i < d->gt.nr_frames * GNT_PER_FRAME; i++) {
			uint32_t pin = gnt_act(d, i)->pin;
			uint32_t head = gnt_entry(d, i)->head;

			MUST(!(head & GTF_reading) == !pin,
				"entry %u: head %x, pin %x", i, head, pin);
			MUST(!(head & GTF_writing) == !(pin & PIN_WRITERS),
				"entry %u: head %x, pin %x", i, head, pin);
		}
	return machine_idle(buf, len);
}
