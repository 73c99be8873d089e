/* SPDX-License-Identifier: MIT */
/* node.c - versions of nodes, and the children of a node */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xenstored/acl.h"
#include "xenstored/node.h"
#include "xenstored/place.h"

enum { KIDS_MIN = 4 };

static uint32_t *kids_index(const struct kids *kids)
{
	return (uint32_t *)(void *)&((struct kids *)(uintptr_t)kids)
		->slot[kids->cap];
}

static uint32_t index_at(const struct kids *kids, const struct place *place)
{
	uint64_t h = (uint64_t)(uintptr_t)place * 0x9e3779b97f4a7c15ULL;

	return (uint32_t)(h >> 32) & (2 * kids->cap - 1);
}

/*
 * The index is open addressed and holds slot numbers plus 1; a hole left by a
 * removed child keeps its entry, so that probing goes on behind it.  At most
 * half of it is ever in use.
 */
static void index_add(struct kids *kids, uint32_t slot)
{
	uint32_t *index = kids_index(kids);
	uint32_t at;

	if (kids->cap <= KIDS_SCAN)
		return;
	at = index_at(kids, kids->slot[slot]->place);
	while (index[at])
		at = (at + 1) & (2 * kids->cap - 1);
	index[at] = slot + 1;
}

int64_t kids_find(const struct kids *kids, const struct place *place)
{
	uint32_t *index, at;

	if (!kids)
		return -1;
	if (kids->cap <= KIDS_SCAN) {
		for (uint32_t i = 0; i < kids->used; i++)
			if (kids->slot[i] && kids->slot[i]->place == place)
				return i;
		return -1;
	}
	index = kids_index(kids);
	at = index_at(kids, place);
	for (; index[at]; at = (at + 1) & (2 * kids->cap - 1)) {
		const struct node *node = kids->slot[index[at] - 1];

		if (node && node->place == place)
			return index[at] - 1;
	}
	return -1;
}

static size_t index_size(uint32_t cap)
{
	return cap > KIDS_SCAN ? 2 * cap * sizeof(uint32_t) : 0;
}

static struct kids *kids_alloc(uint32_t cap)
{
	struct kids *kids;

	kids = malloc(
		sizeof(*kids) + cap * sizeof(kids->slot[0]) + index_size(cap));
	if (!kids)
		return NULL;
	kids->gen = 0;
	kids->refs = 1;
	kids->nr = kids->used = 0;
	kids->cap = cap;
	memset(kids_index(kids), 0, index_size(cap));
	return kids;
}

/* Move the children of @from to @to (which may be @from), without holes. */
static void kids_pack(struct kids *to, const struct kids *from)
{
	uint32_t used = from->used, nr = 0;

	for (uint32_t i = 0; i < used; i++)
		if (from->slot[i])
			to->slot[nr++] = from->slot[i];
	to->nr = to->used = nr;
	memset(kids_index(to), 0, index_size(to->cap));
	for (uint32_t i = 0; i < nr; i++)
		index_add(to, i);
}

int kids_own(struct node *node, bool room)
{
	struct kids *old = node->kids, *kids;
	uint32_t need = (old ? old->nr : 0) + room, cap = KIDS_MIN;

	if (old && old->refs == 1 && (!room || old->used < old->cap))
		return 0;
	if (!old && !room)
		return 0;
	/* Room for as many again, so that growing is paid once per child. */
	while (cap < need + need / 2)
		cap *= 2;
	kids = kids_alloc(cap);
	if (!kids)
		return ENOMEM;
	node->kids = kids;
	if (!old)
		return 0;
	kids_pack(kids, old);
	kids->gen = old->gen;
	if (old->refs == 1) {
		free(old);
		return 0;
	}
	for (uint32_t i = 0; i < kids->used; i++)
		node_ref(kids->slot[i]);
	old->refs--;
	return 0;
}

void kids_add(struct node *node, struct node *child, uint64_t gen)
{
	struct kids *kids = node->kids;

	CHECK(kids && kids->refs == 1 && kids->used < kids->cap);
	kids->slot[kids->used] = child;
	index_add(kids, kids->used);
	kids->used++;
	kids->nr++;
	kids->gen = gen;
}

struct node *kids_replace(struct node *node, uint32_t slot, struct node *child)
{
	struct kids *kids = node->kids;
	struct node *old = kids->slot[slot];

	CHECK(kids->refs == 1 && old && old->place == child->place);
	kids->slot[slot] = child;
	return old;
}

struct node *kids_remove(struct node *node, uint32_t slot, uint64_t gen)
{
	struct kids *kids = node->kids;
	struct node *old = kids->slot[slot];

	CHECK(kids->refs == 1 && old);
	kids->slot[slot] = NULL;
	kids->nr--;
	kids->gen = gen;
	/* Holes at the end cost nothing; too many others are packed away. */
	while (kids->cap <= KIDS_SCAN && kids->used &&
		!kids->slot[kids->used - 1])
		kids->used--;
	if (kids->nr < kids->used / 4)
		kids_pack(kids, kids);
	return old;
}

struct node *node_new(struct place *place, struct acl *acl, struct kids *kids,
	const void *value, size_t len, uint64_t gen)
{
	struct node *node = malloc(offsetof(struct node, value) + len);

	if (!node)
		return NULL;
	node->place = place_ref(place);
	node->acl = acl_ref(acl);
	node->kids = kids;
	if (kids) {
		CHECK(kids->refs < UINT32_MAX);
		kids->refs++;
	}
	node->gen = gen;
	node->refs = 1;
	node->value_len = (uint16_t)len;
	if (len)
		memcpy(node->value, value, len);
	return node;
}

struct node *node_ref(struct node *node)
{
	CHECK(node->refs < UINT32_MAX);
	node->refs++;
	return node;
}

/*
 * Nodes to be freed are chained through their acl, which was given up: paths
 * are as deep as guests like, the stack is not (XSA-418).
 */
static void chain(struct node **head, struct node *node)
{
	if (--node->refs)
		return;
	acl_unref(node->acl);
	node->acl = (struct acl *)(void *)*head;
	*head = node;
}

void node_unref(struct places *places, struct node *node)
{
	struct node *head = NULL;

	chain(&head, node);
	while ((node = head)) {
		struct kids *kids = node->kids;

		head = (struct node *)(void *)node->acl;
		if (kids && --kids->refs == 0) {
			for (uint32_t i = 0; i < kids->used; i++)
				if (kids->slot[i])
					chain(&head, kids->slot[i]);
			free(kids);
		}
		places_unref(places, node->place);
		free(node);
	}
}

struct node *node_child(const struct node *node, const struct place *place)
{
	int64_t slot = kids_find(node->kids, place);

	return slot < 0 ? NULL : node->kids->slot[slot];
}

void node_walk_start(struct node_walk *walk, struct node *top)
{
	walk->depth = 1;
	walk->step[0].node = top;
	walk->step[0].next = 0;
}

struct node *node_walk_next(struct node_walk *walk)
{
	while (walk->depth) {
		struct node *node = walk->step[walk->depth - 1].node;
		uint32_t next = walk->step[walk->depth - 1].next++;

		if (!node->kids || next >= node->kids->used) {
			walk->depth--;
			return node;
		}
		if (!node->kids->slot[next])
			continue;
		CHECK(walk->depth < NODE_DEPTH_MAX);
		walk->step[walk->depth].node = node->kids->slot[next];
		walk->step[walk->depth].next = 0;
		walk->depth++;
	}
	return NULL;
}
