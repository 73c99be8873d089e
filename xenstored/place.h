/* SPDX-License-Identifier: MIT */
/*
 * place.h - names: one object for each path that is in use
 *
 * DOC: Places
 *
 * A place is an interned path: its parent's place and one more component.
 * Nodes never move, so every version of a node, in whatever root, has the
 * same place; comparing paths is comparing pointers, and the way up from a
 * node is the way up from its place.
 *
 * Places form the trie beside the tree: watches hang on the place of the path
 * they watch, whether or not there is a node, in a group for each connection,
 * and are found by walking up from the place that changed.  The places of a
 * domain's nodes in the current root are on its list of owned places, so its
 * death costs what it owned.
 *
 * All places are in one table with a keyed hash: finding a component costs
 * the same in every directory.  The table follows the number of places, up and
 * down, by a few of its buckets with each place: it is never rebuilt.
 *
 * A place lives as long as somebody holds a reference: a node version, a
 * group of watches, or a place below.
 */
#ifndef BH_XENSTORED_PLACE_H
#define BH_XENSTORED_PLACE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct places;
struct watch_group;
struct wr;

LIST_HEAD(place_list, place);
LIST_HEAD(watch_groups, watch_group);

/* Compact: there is one for each node.  Allocated with malloc. */
struct place {
	struct place *parent; /* holds a reference; NULL: one of the roots */
	struct place *next;   /* in its bucket */
	struct watch_groups watched;
	LIST_ENTRY(place) owned; /* in the list of the node's owner */
	uint32_t refs;
	uint16_t depth; /* components above the root */
	uint16_t len;
	char name[];
};

/* Owner: talloc context @ctx.  NULL when out of memory. */
struct places *places_new(const void *ctx);

/* The root of paths, "/"; special names such as "@x" have one of their own. */
struct place *places_root(struct places *places);

/* Places in the table, without the roots; for tests and statistics. */
size_t places_nr(const struct places *places);

/* Bytes of all versions of nodes at these places; node.c keeps it. */
size_t *places_versions(struct places *places);

/* How many buckets the table has, likewise. */
size_t places_buckets(const struct places *places);

/* Component @name of @len bytes below @parent, if there is such a place. */
struct place *places_find(struct places *places, struct place *parent,
	const char *name, size_t len);

/*
 * The same, made if it is not there.  The caller gets a reference.  NULL when
 * out of memory.
 */
struct place *places_get(struct places *places, struct place *parent,
	const char *name, size_t len);

/* The place of the canonical @path, likewise made. */
struct place *places_get_path(struct places *places, const char *path);

/* The same, if it is there; no reference. */
struct place *places_find_path(struct places *places, const char *path);

struct place *place_ref(struct place *place);
void places_unref(struct places *places, struct place *place);

/* Append the path of @place to @wr, without a NUL. */
void place_emit(const struct place *place, struct wr *wr);

#endif
