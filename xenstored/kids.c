/* SPDX-License-Identifier: MIT */
/* kids.c - the children of a node */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/macro.h"
#include "xenstored/kids.h"
#include "xenstored/node.h"
#include "xenstored/place.h"

enum {
	FAN_BITS = 4,
	FAN = 1 << FAN_BITS,
	BUCKET_MIN = 4,
	BUCKET_MAX = 64,
	SLOT_BITS = 26, /* of an entry of a bucket; the rest is its tag */
	HASH_BITS = 64,
};

struct chunk;

union link {
	struct chunk *down;
	struct node *node;
	uint32_t entry[2];
};

/*
 * A branch of a trie: FAN links, to chunks or, at the bottom of the slots, to
 * nodes.  Or a bucket: cap entries, of which nr are taken, in no order.
 */
struct chunk {
	uint32_t refs;
	uint16_t cap; /* of a bucket; 0: a branch */
	uint16_t nr;
	union link to[];
};

struct small {
	struct kids head;
	struct node *slot[];
};

struct wide {
	struct kids head;
	uint32_t peak;   /* most slots used since it was built */
	uint32_t levels; /* of slots, above the lowest branches */
	uint64_t bytes;
	struct chunk *slots;
	struct chunk *index;
};

static struct small *small_of(const struct kids *kids)
{
	return container_of((struct kids *)(uintptr_t)kids, struct small, head);
}

static struct wide *wide_of(const struct kids *kids)
{
	return container_of((struct kids *)(uintptr_t)kids, struct wide, head);
}

/*
 * Different places have different hashes, as each step can be undone: so a
 * bucket can always be split, at the latest with the last of the bits.
 */
static uint64_t hash_of(const struct place *place)
{
	uint64_t h = (uint64_t)(uintptr_t)place * 0x9e3779b97f4a7c15ULL;

	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93ULL;
	return h ^ h >> 32;
}

/* From the other end of the hash than the way down to the bucket. */
static uint32_t tag_of(uint64_t hash)
{
	return (uint32_t)hash << SLOT_BITS;
}

static uint32_t entry_slot(uint32_t entry)
{
	return entry & ((1U << SLOT_BITS) - 1);
}

static uint32_t *entry_at(struct chunk *bucket, uint32_t i)
{
	return &bucket->to[i / 2].entry[i % 2];
}

static struct chunk *branch_new(void)
{
	struct chunk *chunk =
		calloc(1, sizeof(*chunk) + FAN * sizeof(chunk->to[0]));

	if (chunk)
		chunk->refs = 1;
	return chunk;
}

static struct chunk *bucket_new(uint32_t cap)
{
	struct chunk *chunk =
		malloc(sizeof(*chunk) + cap / 2 * sizeof(chunk->to[0]));

	if (!chunk)
		return NULL;
	chunk->refs = 1;
	chunk->cap = (uint16_t)cap;
	chunk->nr = 0;
	return chunk;
}

static struct chunk *chunk_ref(struct chunk *chunk)
{
	CHECK(chunk->refs < UINT32_MAX);
	chunk->refs++;
	return chunk;
}

/* Make the branch at @link its holder's own, with the same below it. */
static int branch_own(struct chunk **link, bool lowest)
{
	struct chunk *old = *link, *new;

	if (old && old->refs == 1)
		return 0;
	new = branch_new();
	if (!new)
		return ENOMEM;
	*link = new;
	if (!old)
		return 0;
	for (int i = 0; i < FAN; i++) {
		new->to[i] = old->to[i];
		if (lowest && new->to[i].node)
			node_ref(new->to[i].node);
		else if (!lowest && new->to[i].down)
			chunk_ref(new->to[i].down);
	}
	old->refs--;
	return 0;
}

/* The following two are as deep as a slot, or a hash, has digits. */
static void slots_drop(struct chunk *chunk, uint32_t level, struct node **gone)
{
	if (!chunk || --chunk->refs)
		return;
	for (int i = 0; i < FAN; i++) {
		if (level)
			slots_drop(chunk->to[i].down, level - 1, gone);
		else if (chunk->to[i].node)
			node_drop(chunk->to[i].node, gone);
	}
	free(chunk);
}

static void index_drop(struct chunk *chunk)
{
	if (!chunk || --chunk->refs)
		return;
	for (int i = 0; !chunk->cap && i < FAN; i++)
		index_drop(chunk->to[i].down);
	free(chunk);
}

static uint32_t digit(uint32_t slot, uint32_t level)
{
	return slot >> level * FAN_BITS & (FAN - 1);
}

/* Where the node in @slot is, which has a branch. */
static struct node **slot_cell(const struct wide *wide, uint32_t slot)
{
	struct chunk *chunk = wide->slots;

	for (uint32_t level = wide->levels; level; level--)
		chunk = chunk->to[digit(slot, level)].down;
	return &chunk->to[digit(slot, 0)].node;
}

/* Make all on the way to @slot our own, and make it where there is none. */
static int slots_own(struct wide *wide, uint32_t slot)
{
	struct chunk **link = &wide->slots;

	while (wide->slots && slot >> (wide->levels + 1) * FAN_BITS) {
		struct chunk *top = branch_new();

		if (!top)
			return ENOMEM;
		top->to[0].down = wide->slots;
		wide->slots = top;
		wide->levels++;
	}
	for (uint32_t level = wide->levels;; level--) {
		if (branch_own(link, level == 0))
			return ENOMEM;
		if (!level)
			return 0;
		link = &(*link)->to[digit(slot, level)].down;
	}
}

/* The digit of @hash that leads down from @depth. */
static uint32_t turn_at(uint64_t hash, unsigned depth)
{
	CHECK(depth < HASH_BITS / FAN_BITS);
	return hash << depth * FAN_BITS >> (HASH_BITS - FAN_BITS);
}

/* The bucket for @hash; NULL if there is none. */
static struct chunk *index_bucket(const struct wide *wide, uint64_t hash)
{
	struct chunk *chunk = wide->index;

	for (unsigned depth = 0; chunk && !chunk->cap; depth++)
		chunk = chunk->to[turn_at(hash, depth)].down;
	return chunk;
}

static uint64_t entry_hash(const struct wide *wide, uint32_t entry)
{
	return hash_of((*slot_cell(wide, entry_slot(entry)))->place);
}

static uint32_t bucket_cap(uint32_t nr)
{
	uint32_t cap = BUCKET_MIN;

	while (cap < nr)
		cap *= 2;
	return cap;
}

/* Put a branch in place of the full bucket at @link, @depth levels down. */
static int bucket_split(
	const struct wide *wide, struct chunk **link, unsigned depth)
{
	struct chunk *old = *link, *new = branch_new();
	uint8_t turn[BUCKET_MAX], nr[FAN] = {0};

	if (!new)
		return ENOMEM;
	for (uint32_t i = 0; i < old->nr; i++) {
		uint64_t hash = entry_hash(wide, *entry_at(old, i));

		turn[i] = (uint8_t)turn_at(hash, depth);
		nr[turn[i]]++;
	}
	for (int i = 0; i < FAN; i++) {
		if (!nr[i])
			continue;
		new->to[i].down = bucket_new(bucket_cap(nr[i]));
		if (!new->to[i].down) {
			index_drop(new);
			return ENOMEM;
		}
	}
	for (uint32_t i = 0; i < old->nr; i++) {
		struct chunk *to = new->to[turn[i]].down;

		*entry_at(to, to->nr++) = *entry_at(old, i);
	}
	*link = new;
	index_drop(old);
	return 0;
}

/* Make the bucket at @link our own, with room for one more if @room. */
static int bucket_own(struct chunk **link, bool room)
{
	struct chunk *old = *link, *new;
	uint32_t nr = old ? old->nr : 0;

	if (old && old->refs == 1 && (!room || nr < old->cap))
		return 0;
	new = bucket_new(bucket_cap(nr + room));
	if (!new)
		return ENOMEM;
	for (uint32_t i = 0; i < nr; i++)
		*entry_at(new, i) = *entry_at(old, i);
	new->nr = (uint16_t)nr;
	*link = new;
	index_drop(old);
	return 0;
}

/* Make all on the way to the bucket for @hash our own. */
static int index_own(struct wide *wide, uint64_t hash, bool room)
{
	struct chunk **link = &wide->index;

	for (unsigned depth = 0;;) {
		struct chunk *chunk = *link;
		int r;

		if (!chunk ||
			(chunk->cap && !(room && chunk->nr == BUCKET_MAX)))
			return bucket_own(link, room);
		r = chunk->cap ? bucket_split(wide, link, depth)
			       : branch_own(link, false);
		if (r)
			return r;
		link = &(*link)->to[turn_at(hash, depth++)].down;
	}
}

static struct kids *small_new(uint32_t cap)
{
	struct small *small =
		malloc(sizeof(*small) + cap * sizeof(small->slot[0]));

	if (!small)
		return NULL;
	memset(&small->head, 0, sizeof(small->head));
	small->head.refs = 1;
	small->head.cap = cap;
	return &small->head;
}

static struct kids *wide_new(void)
{
	struct wide *wide = calloc(1, sizeof(*wide));

	if (!wide)
		return NULL;
	wide->head.refs = 1;
	return &wide->head;
}

struct kids *kids_ref(struct kids *kids)
{
	CHECK(kids->refs < UINT32_MAX);
	kids->refs++;
	return kids;
}

void kids_drop(struct kids *kids, struct node **gone)
{
	if (--kids->refs)
		return;
	if (kids->cap) {
		for (uint32_t i = 0; i < kids->used; i++)
			node_drop(small_of(kids)->slot[i], gone);
		free(small_of(kids));
		return;
	}
	slots_drop(wide_of(kids)->slots, wide_of(kids)->levels, gone);
	index_drop(wide_of(kids)->index);
	free(wide_of(kids));
}

struct node *kids_at(const struct kids *kids, uint32_t slot)
{
	CHECK(slot < kids->used);
	if (kids->cap)
		return small_of(kids)->slot[slot];
	return *slot_cell(wide_of(kids), slot);
}

struct node *kids_next(const struct kids *kids, uint32_t *slot)
{
	struct node *node = NULL;

	while (kids && !node && *slot < kids->used)
		node = kids_at(kids, (*slot)++);
	return node;
}

/* Where @place is in @bucket; -1 if it is not. */
static int bucket_find(const struct wide *wide, struct chunk *bucket,
	const struct place *place, uint32_t tag)
{
	for (uint32_t i = 0; i < bucket->nr; i++) {
		uint32_t entry = *entry_at(bucket, i);

		if (entry - entry_slot(entry) == tag &&
			(*slot_cell(wide, entry_slot(entry)))->place == place)
			return (int)i;
	}
	return -1;
}

static int64_t wide_find(const struct wide *wide, const struct place *place)
{
	uint64_t hash = hash_of(place);
	struct chunk *bucket = index_bucket(wide, hash);
	int at;

	at = bucket ? bucket_find(wide, bucket, place, tag_of(hash)) : -1;
	if (at < 0)
		return -1;
	return entry_slot(*entry_at(bucket, (uint32_t)at));
}

int64_t kids_find(const struct kids *kids, const struct place *place)
{
	if (!kids)
		return -1;
	if (!kids->cap)
		return wide_find(wide_of(kids), place);
	for (uint32_t i = 0; i < kids->used; i++)
		if (small_of(kids)->slot[i]->place == place)
			return i;
	return -1;
}

static uint32_t name_bytes(const struct node *node)
{
	return node->place->len + 1u;
}

uint64_t kids_bytes(const struct kids *kids)
{
	uint64_t bytes = 0;

	if (!kids)
		return 0;
	if (!kids->cap)
		return wide_of(kids)->bytes;
	for (uint32_t i = 0; i < kids->used; i++)
		bytes += name_bytes(small_of(kids)->slot[i]);
	return bytes;
}

static void wide_append(struct wide *wide, struct node *child)
{
	uint64_t hash = hash_of(child->place);
	struct chunk *bucket = index_bucket(wide, hash);
	uint32_t slot = wide->head.used++;

	CHECK(bucket && bucket->refs == 1 && bucket->nr < bucket->cap);
	*entry_at(bucket, bucket->nr++) = tag_of(hash) | slot;
	*slot_cell(wide, slot) = child;
	if (wide->peak < wide->head.used)
		wide->peak = wide->head.used;
	wide->bytes += name_bytes(child);
}

/* Add @child, for which there is room. */
static void kids_append(struct kids *kids, struct node *child)
{
	CHECK(kids->refs == 1);
	kids->nr++;
	if (!kids->cap) {
		wide_append(wide_of(kids), child);
		return;
	}
	CHECK(kids->used < kids->cap);
	small_of(kids)->slot[kids->used++] = child;
}

/* Make the set of @node its own; of tries that is the head only. */
static int kids_unshare(struct node *node)
{
	struct kids *old = node->kids, *new;
	struct wide *wide;

	if (old->refs == 1)
		return 0;
	new = old->cap ? small_new(old->cap) : wide_new();
	if (!new)
		return ENOMEM;
	if (old->cap) {
		for (uint32_t i = 0; i < old->used; i++)
			kids_append(new, node_ref(small_of(old)->slot[i]));
		new->gen = old->gen;
	} else {
		wide = wide_of(new);
		*wide = *wide_of(old);
		wide->head.refs = 1;
		if (wide->slots)
			chunk_ref(wide->slots);
		if (wide->index)
			chunk_ref(wide->index);
	}
	node->kids = new;
	old->refs--;
	return 0;
}

static int wide_prep_append(struct wide *wide, const struct place *place)
{
	if (wide->head.used >= KIDS_MAX)
		return ENOSPC;
	if (slots_own(wide, wide->head.used))
		return ENOMEM;
	return index_own(wide, hash_of(place), true);
}

/* Build the set of @node anew: its own, no holes, and room for @more. */
static int kids_rebuild(struct node *node, uint32_t more)
{
	struct kids *old = node->kids, *new;
	uint32_t need = (old ? old->nr : 0) + more, cap = 2, slot = 0;
	struct node *child, *gone = NULL;

	while (cap < need && cap < KIDS_SCAN)
		cap *= 2;
	new = need > cap ? wide_new() : small_new(cap);
	if (!new)
		return ENOMEM;
	while ((child = kids_next(old, &slot))) {
		if (!new->cap && wide_prep_append(wide_of(new), child->place)) {
			kids_drop(new, &gone);
			return ENOMEM;
		}
		kids_append(new, node_ref(child));
	}
	if (old) {
		new->gen = old->gen;
		kids_drop(old, &gone);
	}
	CHECK(!gone);
	node->kids = new;
	return 0;
}

/*
 * Are most slots in vain?  Half of them were emptied since the set was built,
 * and pay for building it anew.
 */
static bool kids_sparse(const struct kids *kids)
{
	return kids && !kids->cap &&
	       wide_of(kids)->peak > 2 * kids->nr + 4 * KIDS_SCAN;
}

int kids_prep_add(struct node *node, const struct place *place)
{
	struct kids *kids = node->kids;
	bool full = !kids || (kids->cap && kids->used == kids->cap);

	/* What is only sparse does as well as it is. */
	if ((full || kids_sparse(kids)) && kids_rebuild(node, 1) && full)
		return ENOMEM;
	if (kids_unshare(node))
		return ENOMEM;
	if (node->kids->cap)
		return 0;
	return wide_prep_append(wide_of(node->kids), place);
}

int kids_prep_replace(
	struct node *node, const struct place *place, uint32_t *slot)
{
	int64_t at = kids_find(node->kids, place);

	CHECK(at >= 0);
	*slot = (uint32_t)at;
	if (kids_unshare(node))
		return ENOMEM;
	return node->kids->cap ? 0 : slots_own(wide_of(node->kids), *slot);
}

int kids_prep_remove(
	struct node *node, const struct place *place, uint32_t *slot)
{
	int r;

	if (kids_sparse(node->kids))
		(void)!kids_rebuild(node, 0);
	r = kids_prep_replace(node, place, slot);
	if (r || node->kids->cap)
		return r;
	return index_own(wide_of(node->kids), hash_of(place), false);
}

void kids_add(struct node *node, struct node *child, uint64_t gen)
{
	kids_append(node->kids, child);
	node->kids->gen = gen;
}

struct node *kids_replace(struct node *node, uint32_t slot, struct node *child)
{
	struct kids *kids = node->kids;
	struct node *old = kids_at(kids, slot), **cell;

	CHECK(kids->refs == 1 && old && old->place == child->place);
	cell = kids->cap ? &small_of(kids)->slot[slot]
			 : slot_cell(wide_of(kids), slot);
	*cell = child;
	return old;
}

static void small_remove(struct small *small, uint32_t slot)
{
	small->head.used--;
	memmove(&small->slot[slot], &small->slot[slot + 1],
		(small->head.used - slot) * sizeof(small->slot[0]));
}

static void wide_remove(struct wide *wide, uint32_t slot)
{
	struct node **cell = slot_cell(wide, slot);
	const struct place *place = (*cell)->place;
	uint64_t hash = hash_of(place);
	struct chunk *bucket = index_bucket(wide, hash);
	int at = bucket_find(wide, bucket, place, tag_of(hash));

	CHECK(bucket->refs == 1 && at >= 0);
	bucket->nr--;
	*entry_at(bucket, (uint32_t)at) = *entry_at(bucket, bucket->nr);
	wide->bytes -= name_bytes(*cell);
	*cell = NULL;
	while (wide->head.used && !*slot_cell(wide, wide->head.used - 1))
		wide->head.used--;
}

struct node *kids_remove(struct node *node, uint32_t slot, uint64_t gen)
{
	struct kids *kids = node->kids;
	struct node *old = kids_at(kids, slot);

	CHECK(kids->refs == 1 && old);
	if (kids->cap)
		small_remove(small_of(kids), slot);
	else
		wide_remove(wide_of(kids), slot);
	kids->nr--;
	kids->gen = gen;
	return old;
}
