/* SPDX-License-Identifier: MIT */
/*
 * kids.h - the children of a node
 *
 * DOC: Two forms
 *
 * Children are kept in the order of their creation, each in a slot.  Few of
 * them are an array without holes, which is scanned.  More of them are two
 * tries over reference counted chunks, so that a set which others hold too
 * is changed by copying some chunks of 16 and no more:
 *
 *   slots   a radix trie from slot to node; a removed child leaves a hole
 *   index   a trie over the bits of a hash of the place, which ends in small
 *           buckets of slots; a bucket grows, then splits in 16, so that there
 *           is never a rebuild of the whole
 *
 * When more than half of the slots were in vain the set is built anew, which
 * was paid for by the removals before.
 *
 * DOC: Changing a set
 *
 * The prepare functions may fail and change nothing that anybody can see.
 * They make the set the node's own, down to the chunks that the change
 * concerns; the change then cannot fail.  Between the two the set must not be
 * touched otherwise.  Slots are numbers of one version: they are not kept.
 *
 * Invariant: the index has exactly the children, each once.
 * Invariant: a chunk with more than one holder is never written to.
 */
#ifndef BH_XENSTORED_KIDS_H
#define BH_XENSTORED_KIDS_H

#include <stdint.h>

#include "common/err.h"

struct node;
struct place;

/* What both forms begin with; the rest is kids.c's own. */
struct kids {
	uint64_t gen; /* changes with the set of names */
	uint32_t refs;
	uint32_t nr;   /* children */
	uint32_t used; /* slots up to the last child, holes included */
	uint32_t cap;  /* slots of an array; 0: the form with tries */
};

enum {
	KIDS_SCAN = 8,            /* children of an array, at most */
	KIDS_MAX = (1 << 26) - 1, /* slots at most, holes included */
};

struct kids *kids_ref(struct kids *kids);

/*
 * Give up a reference.  Children that nobody holds any more are chained to
 * @gone, see node_drop().
 */
void kids_drop(struct kids *kids, struct node **gone);

/* The child in @slot, which is below kids->used; NULL: a hole. */
struct node *kids_at(const struct kids *kids, uint32_t slot);

/*
 * kids_next - the first child at or behind @slot, which moves behind it
 *
 * NULL when there are no more.  @kids may be NULL.
 */
struct node *kids_next(const struct kids *kids, uint32_t *slot);

/* The slot of the child at @place; -1 if there is none.  @kids may be NULL. */
int64_t kids_find(const struct kids *kids, const struct place *place);

/* Bytes of all names, each with a NUL.  @kids may be NULL. */
uint64_t kids_bytes(const struct kids *kids);

/*
 * Prepare to add a child at @place, which has none; to replace the child at
 * @place; to remove it.  @node is to be changed in place.  0; ENOMEM, and
 * ENOSPC when there are KIDS_MAX of them.
 */
int kids_prep_add(struct node *node, const struct place *place) __must_check;
int kids_prep_replace(struct node *node, const struct place *place,
	uint32_t *slot) __must_check;
int kids_prep_remove(struct node *node, const struct place *place,
	uint32_t *slot) __must_check;

/*
 * Make the prepared change; cannot fail.  kids_add takes the caller's
 * reference; kids_replace and kids_remove hand the old child's reference to
 * the caller.
 */
void kids_add(struct node *node, struct node *child, uint64_t gen);
struct node *kids_replace(struct node *node, uint32_t slot, struct node *child);
struct node *kids_remove(struct node *node, uint32_t slot, uint64_t gen);

#endif
