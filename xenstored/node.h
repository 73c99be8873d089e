/* SPDX-License-Identifier: MIT */
/*
 * node.h - versions of nodes
 *
 * DOC: Nodes
 *
 * A node is one version of a value, its access control list and a set of
 * children.  It is reference counted by the sets of children it is in, and by
 * the holders of roots.
 *
 * Invariant: what more than one holder can see never changes.  Only a node
 * with one reference, all the way from a root with one holder, may be changed
 * in place (tree.c sees to it).
 *
 * A set of children (kids.h) is shared by reference as well, so that a new
 * value for a directory costs nothing for what is in it.
 *
 * Both are compact and allocated with malloc: there is one for each node.
 */
#ifndef BH_XENSTORED_NODE_H
#define BH_XENSTORED_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "wire/path.h"
#include "xenstored/kids.h"

struct acl;
struct place;
struct places;

struct node {
	struct place *place; /* holds a reference */
	struct acl *acl;     /* holds a reference */
	struct kids *kids;   /* holds a reference; NULL: never had any */
	uint64_t gen;        /* changes with value and acl */
	uint32_t refs;
	uint16_t value_len;
	uint8_t value[];
};

enum {
	NODE_VERSION_COST = 160, /* of a version, besides its value */
	NODE_DEPTH_MAX = PATH_ABS_MAX / 2 + 1, /* nodes from root to leaf */
};

/*
 * A node with one reference, which takes its own references of @place, @acl
 * and @kids (may be NULL).  It counts for *places_versions() until it is freed.
 * NULL when out of memory.
 */
struct node *node_new(struct places *places, struct place *place,
	struct acl *acl, struct kids *kids, const void *value, size_t len,
	uint64_t gen);

struct node *node_ref(struct node *node);

/* Frees what nobody sees any more, however deep, without recursion. */
void node_unref(struct places *places, struct node *node);

/* Give up a reference; what that frees goes to @gone, for node_bury(). */
void node_drop(struct node *node, struct node **gone);

/*
 * node_bury - free up to @max nodes of @gone, to which their children go
 *
 * Returns how many: less than @max, and @gone is empty.
 */
size_t node_bury(struct places *places, struct node **gone, size_t max);

/* The child of @node at @place; NULL if there is none. */
struct node *node_child(const struct node *node, const struct place *place);

/* A walk over a subtree, children before their parent, in order. */
struct node_walk {
	struct {
		struct node *node;
		uint32_t next; /* slot to visit */
	} step[NODE_DEPTH_MAX];
	unsigned depth;
};

void node_walk_start(struct node_walk *walk, struct node *top);

/* The next node; NULL when all were seen.  The tree must not change. */
struct node *node_walk_next(struct node_walk *walk);

/*
 * The next node below the top, parents before their children; not both kinds
 * of steps in one walk.
 */
struct node *node_walk_down(struct node_walk *walk);

/* Bytes that a version of a node counts for, in memory of old ones. */
static inline size_t node_version_size(const struct node *node)
{
	return NODE_VERSION_COST + (size_t)node->value_len;
}

/* Changes with the set of names below @node. */
static inline uint64_t node_kids_gen(const struct node *node)
{
	return node->kids ? node->kids->gen : 0;
}

static inline uint32_t node_kids_nr(const struct node *node)
{
	return node->kids ? node->kids->nr : 0;
}

#endif
