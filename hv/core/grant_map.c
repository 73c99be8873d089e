/* SPDX-License-Identifier: MIT */
/*
 * grant_map.c: mapping granted pages, and giving mappings back.
 *
 * A handle is a slot of the mapper's own table; it holds one reference of the
 * granter's struct, so that an unmap always finds the granter, dead or not.
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

static int16_t map_check(
	struct hv_dom *caller, const struct hv_gnt_map *op, struct hv_dom **rd)
{
	if (!(op->flags & (GNTMAP_host_map | GNTMAP_device_map)))
		return GNTST_bad_gntref;
	if (op->flags & (GNTMAP_application_map | GNTMAP_contains_pte))
		return GNTST_general_error;
	*rd = hv_dom_find(caller->hv, op->domid);
	if (!*rd)
		return GNTST_bad_domain;
	if (hv_may(caller, HV_OP_GNT_MAP, *rd))
		return GNTST_permission_denied;
	if ((op->flags & GNTMAP_host_map) && op->addr == 0)
		return GNTST_bad_virt_addr;
	return GNTST_okay;
}

static int16_t map_one(struct hv_dom *caller, struct hv_gnt_map *op)
{
	struct gnt_act *act;
	struct gnt_map *m;
	struct hv_dom *rd;
	uint32_t id;
	int16_t st;

	st = map_check(caller, op, &rd);
	if (st)
		return st;
	m = slots_take(caller->hv, &caller->maps, &id);
	if (!m)
		return GNTST_no_space;
	st = gnt_pin(rd, caller, op->ref, gnt_pins_of(op->flags), true, &act);
	if (st) {
		slots_put(&caller->maps, id);
		return st;
	}
	m->flags = op->flags &
		   (GNTMAP_host_map | GNTMAP_device_map | GNTMAP_readonly);
	m->ref = op->ref;
	m->addr = op->addr;
	m->granter = rd;
	m->frame = act->frame;
	dom_ref(rd);
	caller->hv->nr_maps++;
	act->frame->run->exported = true;
	op->handle = id;
	op->ro_entry = act->ro;
	op->dev_addr = op->flags & GNTMAP_device_map ? dev_addr_of(id) : 0;
	op->page.run = act->frame->run;
	op->page.page = frame_page(act->frame);
	return GNTST_okay;
}

void hv_gnt_map(struct hv_dom *caller, struct hv_gnt_map *op)
{
	op->status = map_one(caller, op);
	check_after(caller->hv);
}

/* Drop the parts @parts of a mapping; with the last one its handle. */
static void map_drop(struct hv_dom *caller, uint32_t id, uint32_t parts)
{
	struct gnt_map *m = slots_get(&caller->maps, id);
	struct hv_dom *rd = m->granter;
	uint32_t ref = m->ref;
	uint32_t pins = gnt_pins_of(parts | (m->flags & GNTMAP_readonly));

	m->flags &= ~parts;
	gnt_unpin(rd, ref, pins);
	if (m->flags & (GNTMAP_host_map | GNTMAP_device_map))
		return;
	slots_put(&caller->maps, id);
	caller->hv->nr_maps--;
	dom_unref(rd);
}

static int16_t unmap_one(struct hv_dom *caller, const struct hv_gnt_unmap *op)
{
	const struct gnt_map *m = slots_get(&caller->maps, op->handle);
	uint32_t parts = 0;

	if (!m)
		return GNTST_bad_handle;
	if (op->addr && (m->flags & GNTMAP_host_map)) {
		if (op->addr != m->addr)
			return GNTST_bad_virt_addr;
		parts |= GNTMAP_host_map;
	}
	if (op->dev_addr && (m->flags & GNTMAP_device_map)) {
		if (op->dev_addr != dev_addr_of(op->handle))
			return GNTST_bad_dev_addr;
		parts |= GNTMAP_device_map;
	}
	if (parts)
		map_drop(caller, op->handle, parts);
	return GNTST_okay;
}

void hv_gnt_unmap(struct hv_dom *caller, struct hv_gnt_unmap *op)
{
	struct hv *hv = caller->hv;

	op->status = unmap_one(caller, op);
	check_after(hv);
}

/* A dying domain gives all its mappings back. */
int gnt_release_maps(struct hv_dom *d, uint32_t *budget)
{
	const struct gnt_map *m;

	for (; d->cursor < d->maps.nr; d->cursor++) {
		m = slots_get(&d->maps, d->cursor);
		if (!m)
			continue;
		if (hv_preempt(budget))
			return -ERESTART;
		map_drop(d, d->cursor,
			m->flags & (GNTMAP_host_map | GNTMAP_device_map));
	}
	return 0;
}
