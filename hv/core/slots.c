/* SPDX-License-Identifier: MIT */
/*
 * slots.c: dense tables of elements with a free list, grown by chunks.
 *
 * A handle that a guest holds is an index here: lookup is two loads, taking
 * and putting are constant time, and nothing is ever searched.
 */
#include "hv/core/internal.h"

static struct hv_slot *slot_at(const struct hv_slots *t, uint32_t id)
{
	uint8_t *chunk = t->chunk[id / HV_SLOTS_CHUNK];

	return (struct hv_slot *)(chunk +
				  (size_t)(id % HV_SLOTS_CHUNK) * t->elem);
}

static size_t chunk_size(const struct hv_slots *t)
{
	return (size_t)t->elem * HV_SLOTS_CHUNK;
}

static size_t index_size(const struct hv_slots *t)
{
	return (t->max + HV_SLOTS_CHUNK - 1) / HV_SLOTS_CHUNK * sizeof(void *);
}

void slots_init(struct hv_slots *t, uint32_t elem, uint32_t max)
{
	*t = (struct hv_slots){.elem = elem, .max = max, .free = HV_SLOT_END};
}

void slots_fini(struct hv *hv, struct hv_slots *t)
{
	uint32_t i;

	for (i = 0; i < t->nr; i += HV_SLOTS_CHUNK)
		hv_release(hv, t->chunk[i / HV_SLOTS_CHUNK], chunk_size(t));
	if (t->chunk)
		hv_release(hv, t->chunk, index_size(t));
	slots_init(t, t->elem, t->max);
}

/* One more chunk; its elements become the free list, lowest index first. */
static bool slots_grow(struct hv *hv, struct hv_slots *t)
{
	uint32_t i, end;
	void *chunk;

	if (t->nr >= t->max)
		return false;
	if (!t->chunk)
		t->chunk = hv_alloc(hv, index_size(t));
	if (!t->chunk)
		return false;
	chunk = hv_alloc(hv, chunk_size(t));
	if (!chunk)
		return false;
	t->chunk[t->nr / HV_SLOTS_CHUNK] = chunk;
	end = t->nr + HV_SLOTS_CHUNK;
	for (i = t->nr; i < end; i++)
		slot_at(t, i)->next = HV_SLOT_END;
	/* indexes beyond the limit exist in memory only */
	for (i = end < t->max ? end : t->max; i-- > t->nr;) {
		slot_at(t, i)->next = t->free;
		t->free = i;
	}
	t->nr = end;
	return true;
}

void *slots_take(struct hv *hv, struct hv_slots *t, uint32_t *id)
{
	struct hv_slot *s;

	if (t->free == HV_SLOT_END && !slots_grow(hv, t))
		return NULL;
	*id = t->free;
	s = slot_at(t, *id);
	/* what a lock is for */
	if (hv_fault(HV_FAULT_GNT_TAKE_UNLOCKED))
		hv_point(HV_POINT_LOAD);
	t->free = s->next;
	memset(s, 0, t->elem);
	s->next = HV_SLOT_USED;
	t->used++;
	return s;
}

void slots_put(struct hv_slots *t, uint32_t id)
{
	struct hv_slot *s = slot_at(t, id);

	s->next = t->free;
	t->free = id;
	t->used--;
}

void *slots_get(const struct hv_slots *t, uint32_t id)
{
	struct hv_slot *s;

	if (id >= t->nr)
		return NULL;
	s = slot_at(t, id);
	return s->next == HV_SLOT_USED ? s : NULL;
}
