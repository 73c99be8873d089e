/* SPDX-License-Identifier: MIT */
/* node.c - versions of nodes */
#include <stdlib.h>
#include <string.h>

#include "xenstored/acl.h"
#include "xenstored/node.h"
#include "xenstored/place.h"

struct node *node_new(struct places *places, struct place *place,
	struct acl *acl, struct kids *kids, const void *value, size_t len,
	uint64_t gen)
{
	struct node *node = malloc(offsetof(struct node, value) + len);

	if (!node)
		return NULL;
	node->place = place_ref(place);
	node->acl = acl_ref(acl);
	node->kids = kids ? kids_ref(kids) : NULL;
	node->gen = gen;
	node->refs = 1;
	node->value_len = (uint16_t)len;
	if (len)
		memcpy(node->value, value, len);
	*places_versions(places) += node_version_size(node);
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
void node_drop(struct node *node, struct node **gone)
{
	if (--node->refs)
		return;
	acl_unref(node->acl);
	node->acl = (struct acl *)(void *)*gone;
	*gone = node;
}

size_t node_bury(struct places *places, struct node **gone, size_t max)
{
	struct node *node;
	size_t nr = 0;

	for (; nr < max && (node = *gone); nr++) {
		*gone = (struct node *)(void *)node->acl;
		if (node->kids)
			kids_drop(node->kids, gone);
		places_unref(places, node->place);
		*places_versions(places) -= node_version_size(node);
		free(node);
	}
	return nr;
}

void node_unref(struct places *places, struct node *node)
{
	struct node *gone = NULL;

	node_drop(node, &gone);
	(void)node_bury(places, &gone, SIZE_MAX);
}

struct node *node_child(const struct node *node, const struct place *place)
{
	int64_t slot = kids_find(node->kids, place);

	return slot < 0 ? NULL : kids_at(node->kids, (uint32_t)slot);
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
		struct node *child = kids_next(
			node->kids, &walk->step[walk->depth - 1].next);

		if (!child) {
			walk->depth--;
			return node;
		}
		CHECK(walk->depth < NODE_DEPTH_MAX);
		walk->step[walk->depth].node = child;
		walk->step[walk->depth].next = 0;
		walk->depth++;
	}
	return NULL;
}

struct node *node_walk_down(struct node_walk *walk)
{
	while (walk->depth) {
		struct node *child =
			kids_next(walk->step[walk->depth - 1].node->kids,
				&walk->step[walk->depth - 1].next);

		if (child) {
			CHECK(walk->depth < NODE_DEPTH_MAX);
			walk->step[walk->depth].node = child;
			walk->step[walk->depth].next = 0;
			walk->depth++;
			return child;
		}
		walk->depth--;
	}
	return NULL;
}
