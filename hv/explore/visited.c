/* SPDX-License-Identifier: MIT */
/* visited.c - the states that have been seen, and how they were reached */
#include <errno.h>
#include <stdlib.h>

#include "hv/explore/visited.h"

enum { ROOM_FIRST = 4096 };

int visited_init(struct visited *v)
{
	*v = (struct visited){.room = ROOM_FIRST, .mask = 2 * ROOM_FIRST - 1};
	v->nodes = malloc(v->room * sizeof(*v->nodes));
	v->table = calloc(v->mask + 1, sizeof(*v->table));
	if (v->nodes && v->table)
		return 0;
	visited_fini(v);
	return -ENOMEM;
}

void visited_fini(struct visited *v)
{
	free(v->nodes);
	free(v->table);
	*v = (struct visited){0};
}

size_t visited_bytes(const struct visited *v)
{
	return v->room * sizeof(*v->nodes) +
	       ((size_t)v->mask + 1) * sizeof(*v->table);
}

/* Where in the table @hash is, or would be. */
static uint32_t *slot_of(const struct visited *v, const struct state_hash *hash)
{
	uint32_t i = (uint32_t)hash->lo & v->mask;

	for (; v->table[i]; i = (i + 1) & v->mask) {
		const struct visited_node *n = &v->nodes[v->table[i] - 1];

		if (n->hash.lo == hash->lo && n->hash.hi == hash->hi)
			break;
	}
	return &v->table[i];
}

/* Twice the nodes, and a table that is never more than half full. */
static int grow(struct visited *v)
{
	uint32_t room = v->room * 2;
	struct visited_node *nodes;
	uint32_t *table;

	if (v->room > UINT32_MAX / 8)
		return -ENOMEM;
	nodes = realloc(v->nodes, room * sizeof(*nodes));
	if (!nodes)
		return -ENOMEM;
	v->nodes = nodes;
	table = calloc((size_t)room * 2, sizeof(*table));
	if (!table)
		return -ENOMEM;
	free(v->table);
	v->table = table;
	v->room = room;
	v->mask = room * 2 - 1;
	for (uint32_t i = 0; i < v->nr; i++)
		*slot_of(v, &v->nodes[i].hash) = i + 1;
	return 0;
}

int visited_add(struct visited *v, struct state_hash hash, uint32_t parent,
	struct move move, uint32_t *id, bool *fresh)
{
	uint32_t *slot = slot_of(v, &hash);
	int r;

	*fresh = !*slot;
	if (*slot) {
		*id = *slot - 1;
		return 0;
	}
	if (v->nr == v->room) {
		r = grow(v);
		if (r)
			return r;
		slot = slot_of(v, &hash);
	}
	v->nodes[v->nr] = (struct visited_node){
		.hash = hash, .parent = parent, .move = move};
	*id = v->nr++;
	*slot = v->nr;
	return 0;
}

size_t visited_path(const struct visited *v, uint32_t id, struct move **path)
{
	size_t nr = 0;

	for (uint32_t i = id; i; i = v->nodes[i].parent)
		nr++;
	*path = malloc((nr + 1) * sizeof(**path));
	if (!*path)
		return 0;
	for (size_t at = nr; at; id = v->nodes[id].parent)
		(*path)[--at] = v->nodes[id].move;
	return nr;
}
