/* SPDX-License-Identifier: MIT */
/*
 * grant_map.c: mapping granted pages, and giving mappings back.
 *
 * A handle is a slot of the mapper's own table.  Each part of it (host, device)
 * holds a reference of the granter's struct, so that an unmap always finds the
 * granter, dead or not.
 *
 * DOC: two vCPUs and one handle
 *
 * To map is: take a handle, pin the entry, make the mapping, fill the handle
 * in; each in a section of its own, and a handle that is not filled in is not
 * found.  To unmap is: take the parts out of the handle, and the handle away
 * with the last one, in one section; see that no translation is left; then
 * give back what the parts held.  So a part is given back once, a handle is
 * freed once, and while a handle names a part its entry is pinned.
 */
#include "hv/core/internal.h"

/* What a mapping of those flags pins. */
uint32_t gnt_pins_of(uint32_t flags)
{
	bool ro = flags & GNTMAP_readonly;
	uint32_t pins = 0;

	if (flags & GNTMAP_host_map)
		pins |= pin_one(ro ? PIN_HST_R : PIN_HST_W);
	if (flags & GNTMAP_device_map)
		pins |= pin_one(ro ? PIN_DEV_R : PIN_DEV_W);
	return pins;
}

/* The name of a device mapping, as a bus address would be: never 0. */
static uint64_t dev_addr_of(uint32_t handle)
{
	return ((uint64_t)handle + 1) << HV_PAGE_SHIFT;
}

static int16_t map_check(const struct hv_dom *caller,
	const struct hv_gnt_map *op, const struct hv_dom *rd)
{
	if (hv_may(caller, HV_OP_GNT_MAP, rd))
		return GNTST_permission_denied;
	if ((op->flags & GNTMAP_host_map) && op->addr == 0)
		return GNTST_bad_virt_addr;
	return GNTST_okay;
}

/* A handle that maps nothing yet: nobody finds it. */
static struct gnt_map *handle_take(struct hv_dom *d, uint32_t *id)
{
	bool unlocked = hv_fault(HV_FAULT_GNT_TAKE_UNLOCKED);
	struct gnt_map *m;

	if (!unlocked)
		hv_lock(&d->map_lock);
	m = slots_take(d->hv, &d->maps, id);
	if (!unlocked)
		hv_unlock(&d->map_lock);
	return m;
}

static void handle_put(struct hv_dom *d, uint32_t id)
{
	hv_lock(&d->map_lock);
	slots_put(&d->maps, id);
	hv_unlock(&d->map_lock);
}

struct gnt_map *gnt_map_get(const struct hv_dom *d, uint32_t handle)
{
	struct gnt_map *m = slots_get(&d->maps, handle);

	return m && (m->flags & GNT_PARTS) ? m : NULL;
}

/* Each part keeps the granter: parts may go on several vCPUs at once. */
uint32_t gnt_refs_of(uint32_t flags)
{
	if (hv_fault(HV_FAULT_GNT_REF_HANDLE))
		return 1;
	return (uint32_t)__builtin_popcount(flags & GNT_PARTS);
}

static void granter_put(struct hv_dom *rd, uint32_t nr)
{
	while (nr-- > 0)
		dom_unref(rd);
}

/* The handle becomes valid; false: its domain is dying, and will not look
 * at it again. */
static bool handle_fill(struct hv_dom *caller, struct gnt_map *m,
	const struct hv_gnt_map *op, struct hv_dom *rd, struct hv_frame *f)
{
	bool alive;

	hv_lock(&caller->map_lock);
	alive = hv_load(&caller->life) == LIFE_ALIVE ||
		hv_fault(HV_FAULT_GNT_DYING);
	if (alive) {
		m->ref = op->ref;
		m->addr = op->addr;
		m->granter = rd;
		m->frame = f;
		m->flags = op->flags & (GNT_PARTS | GNTMAP_readonly);
		GNT_GHOST(gnt_act(rd, op->ref)->live += gnt_pins_of(m->flags));
	}
	hv_unlock(&caller->map_lock);
	return alive;
}

static void map_tell(
	struct hv_gnt_map *op, uint32_t id, const struct gnt_pinned *held)
{
	op->handle = id;
	op->ro_entry = held->ro;
	op->dev_addr = op->flags & GNTMAP_device_map ? dev_addr_of(id) : 0;
	op->page.run = held->frame->run;
	op->page.page = frame_page(held->frame);
}

static int16_t map_pin(struct hv_dom *caller, struct hv_gnt_map *op,
	struct hv_dom *rd, struct gnt_map *m, uint32_t id)
{
	uint32_t pins = gnt_pins_of(op->flags), i;
	struct gnt_pinned held;
	int16_t st;

	if (hv_fault(HV_FAULT_GNT_RECORD_FIRST))
		(void)handle_fill(caller, m, op, rd, NULL);
	st = gnt_pin(rd, caller, op->ref, pins, true, &held);
	if (st)
		return hv_fault(HV_FAULT_GNT_STATUS_BOOL) ? st != GNTST_okay
							  : st;
	for (i = gnt_refs_of(op->flags); i > 0; i--)
		dom_ref(rd);
	hv_store_rel(&held.frame->run->exported, true);
	(void)hv_add(&caller->hv->nr_maps, 1);
	if (!hv_fault(HV_FAULT_GNT_TOLD_LATE))
		map_tell(op, id, &held);
	/* from then on another vCPU may unmap it, and the page may go */
	if (handle_fill(caller, m, op, rd, held.frame)) {
		if (hv_fault(HV_FAULT_GNT_TOLD_LATE))
			map_tell(op, id, &held);
		return GNTST_okay;
	}
	(void)hv_add(&caller->hv->nr_maps, -1u);
	gnt_unpin(rd, op->ref, pins, false, held.frame);
	granter_put(rd, gnt_refs_of(op->flags));
	return GNTST_general_error;
}

static int16_t map_from(
	struct hv_dom *caller, struct hv_gnt_map *op, struct hv_dom *rd)
{
	struct gnt_map *m;
	uint32_t id;
	int16_t st;

	st = map_check(caller, op, rd);
	if (st)
		return st;
	m = handle_take(caller, &id);
	if (!m)
		return GNTST_no_space;
	st = map_pin(caller, op, rd, m, id);
	if (st && !hv_fault(HV_FAULT_GNT_HANDLE_LEAK))
		handle_put(caller, id);
	return st;
}

static int16_t map_one(struct hv_dom *caller, struct hv_gnt_map *op)
{
	struct hv_dom *rd;
	int16_t st;

	if (!(op->flags & GNT_PARTS))
		return GNTST_bad_gntref;
	if (op->flags & (GNTMAP_application_map | GNTMAP_contains_pte))
		return GNTST_general_error;
	/* DOMID_SELF is not for mappings */
	rd = op->domid == DOMID_SELF ? NULL : dom_get(caller, op->domid);
	if (!rd)
		return GNTST_bad_domain;
	st = map_from(caller, op, rd);
	dom_put(rd);
	return st;
}

void hv_gnt_map(struct hv_dom *caller, struct hv_gnt_map *op)
{
	op->status = map_one(caller, op);
	check_after(caller->hv);
}

/* ---- and back ------------------------------------------------------------- */

/*
 * What an unmap has taken out of a handle and gives back behind the lock: the
 * pins of @parts.  Whoever takes the last part gives the handle back, there
 * and then.
 */
struct unmapped {
	struct hv_dom *rd;
	struct hv_frame *frame;
	uint32_t ref, flags, parts;
	bool last;
};

static void parts_take(struct hv_dom *caller, struct gnt_map *m, uint32_t id,
	uint32_t parts, struct unmapped *u)
{
	hv_lock_must(&caller->map_lock);
	*u = (struct unmapped){.rd = m->granter,
		.frame = m->frame,
		.ref = m->ref,
		.flags = m->flags,
		.parts = parts};
	m->flags &= ~parts;
	u->last = !(m->flags & GNT_PARTS);
	if (u->last && !hv_fault(HV_FAULT_GNT_FREE_LATE))
		slots_put(&caller->maps, id);
}

/* The fault's second pass. */
static void free_late(struct hv_dom *caller, uint32_t id, struct unmapped *u)
{
	const struct gnt_map *m;

	hv_lock(&caller->map_lock);
	m = slots_get(&caller->maps, id);
	u->last = m && !(m->flags & GNT_PARTS);
	if (u->last)
		slots_put(&caller->maps, id);
	hv_unlock(&caller->map_lock);
}

static void parts_release(
	struct hv_dom *caller, uint32_t id, struct unmapped *u)
{
	uint32_t parts = u->parts;

	if (hv_fault(HV_FAULT_GNT_REFS_BOTH))
		parts = u->flags & GNT_PARTS;
	gnt_unpin(u->rd, u->ref,
		gnt_pins_of(parts | (u->flags & GNTMAP_readonly)), true,
		u->frame);
	if (hv_fault(HV_FAULT_GNT_FREE_LATE))
		free_late(caller, id, u);
	if (u->last)
		(void)hv_add(&caller->hv->nr_maps, -1u);
	if (!hv_fault(HV_FAULT_GNT_REF_HANDLE))
		granter_put(u->rd, gnt_refs_of(u->parts));
	else if (u->last)
		dom_unref(u->rd);
}

static int16_t unmap_parts(
	const struct gnt_map *m, const struct hv_gnt_unmap *op, uint32_t *parts)
{
	bool any = hv_fault(HV_FAULT_GNT_ANY_ADDR);

	*parts = 0;
	if (!m)
		return GNTST_bad_handle;
	if (op->addr && (m->flags & GNTMAP_host_map)) {
		if (op->addr != m->addr && !any)
			return GNTST_bad_virt_addr;
		*parts |= GNTMAP_host_map;
	}
	if (op->dev_addr && (m->flags & GNTMAP_device_map)) {
		if (op->dev_addr != dev_addr_of(op->handle) && !any)
			return GNTST_bad_dev_addr;
		*parts |= GNTMAP_device_map;
	}
	return GNTST_okay;
}

static int16_t unmap_one(struct hv_dom *caller, const struct hv_gnt_unmap *op)
{
	struct unmapped u;
	struct gnt_map *m;
	uint32_t parts;
	int16_t st;

	if (!hv_fault(HV_FAULT_GNT_UNMAP_UNLOCKED))
		hv_lock(&caller->map_lock);
	m = gnt_map_get(caller, op->handle);
	st = unmap_parts(m, op, &parts);
	if (st)
		parts = 0;
	if (hv_fault(HV_FAULT_GNT_UNMAP_UNLOCKED))
		hv_lock(&caller->map_lock);
	if (parts)
		parts_take(caller, m, op->handle, parts, &u);
	hv_unlock(&caller->map_lock);
	if (parts)
		parts_release(caller, op->handle, &u);
	return st;
}

void hv_gnt_unmap(struct hv_dom *caller, struct hv_gnt_unmap *op)
{
	struct hv *hv = caller->hv;

	op->status = unmap_one(caller, op);
	check_after(hv);
}

/* Whether there is one from the cursor on, which is there then. */
static bool release_next(struct hv_dom *d)
{
	bool found;

	hv_lock(&d->map_lock);
	while (d->cursor < d->maps.nr && !slots_get(&d->maps, d->cursor))
		d->cursor++;
	found = d->cursor < d->maps.nr;
	hv_unlock(&d->map_lock);
	return found;
}

/* A dying domain gives all its mappings back. */
int gnt_release_maps(struct hv_dom *d, uint32_t *budget)
{
	struct unmapped u;
	struct gnt_map *m;

	for (; release_next(d); d->cursor++) {
		if (hv_preempt(budget)) {
			d->cursor += hv_fault(HV_FAULT_GNT_RELEASE_SKIPS);
			return -ERESTART;
		}
		hv_lock(&d->map_lock);
		m = gnt_map_get(d, d->cursor);
		if (m)
			parts_take(d, m, d->cursor, m->flags & GNT_PARTS, &u);
		hv_unlock(&d->map_lock);
		if (m)
			parts_release(d, d->cursor, &u);
	}
	return 0;
}
