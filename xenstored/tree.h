/* SPDX-License-Identifier: MIT */
/*
 * tree.h - roots, and edits of the current root
 *
 * DOC: Edits
 *
 * An edit is prepared first: everything that can fail happens there, and the
 * tree still reads the same.  tree_commit() then cannot fail.  In between
 * nothing else may touch the tree.
 *
 * A root that others hold too (tree_snapshot) stays as it is: preparing an
 * edit copies the nodes on the path to it, where they are shared, and no
 * others.  Where nobody else looks, nodes are changed in place.
 *
 * Creating a deep path builds the new nodes aside and attaches the topmost
 * one, so it happens as a whole or not at all (XSA-414).
 *
 * The tree knows nothing of permissions and quotas.
 */
#ifndef BH_XENSTORED_TREE_H
#define BH_XENSTORED_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "xenstored/node.h"

struct acl;
struct place;

/* Embedded in the server, where it stays, and in each transaction. */
struct tree {
	struct places *places;
	struct node *root; /* the current one */
	uint64_t *gen;     /* the last generation given out, by any fork */
	uint64_t last_gen; /* where gen points, unless this is a fork */
	size_t copied;     /* bytes of values, to have nodes of its own */
};

/* Where a path leads.  All pointers are borrowed from the root. */
struct tree_pos {
	struct node *node;   /* NULL: there is none */
	struct node *near;   /* the node, or the nearest one above */
	struct node *parent; /* of near; NULL for the root */
	unsigned missing;    /* components that do not exist */
	const char *rest;    /* the components below near */
};

/* A prepared change of the current root. */
struct tree_edit {
	struct node *parent; /* NULL: the root itself is replaced */
	uint32_t slot;       /* of old in parent */
	struct node *old;    /* what goes; NULL when nodes are created */
	struct node *new;    /* what comes, topmost; NULL when removing */
	struct node *leaf;   /* the lowest of what comes */
	unsigned created;    /* nodes of what comes */
};

/* An empty tree: the root, with @acl.  0 or ENOMEM. */
int tree_init(
	struct tree *tree, struct places *places, struct acl *acl) __must_check;
void tree_fini(struct tree *tree);

/* A root that will not change; node_unref() it.  */
struct node *tree_snapshot(struct tree *tree);

/*
 * tree_fork - make @fork a tree of its own, which starts as @tree is now
 *
 * Edits of one are not seen in the other.  Generations are given out from one
 * counter, so that versions of nodes can be compared across forks; @tree must
 * outlive @fork.  tree_fini() it.
 */
void tree_fork(struct tree *tree, struct tree *fork);

/* The node at @place below @root, or the nearest one above.  */
struct node *tree_node_near(struct node *root, const struct place *place);

/* The node at @place below @root; NULL if there is none. */
struct node *tree_node_at(struct node *root, const struct place *place);

/*
 * The highest node on the way to @place, not the root, that the domain owns;
 * NULL if it owns none there.
 */
struct node *tree_owned_at(struct node *root, const struct place *place,
	uint16_t domid, uint32_t instance);

/* Follow the canonical, absolute @path from @root. */
void tree_find(struct tree *tree, struct node *root, const char *path,
	struct tree_pos *pos);

/*
 * Where the path of an edit leads, @at, is of tree->root as it is now, from
 * tree_find(), which has been called for other reasons already.
 *
 * Prepare to create what is missing; the lowest of the new nodes gets @value,
 * all get @acl.  The path of @at must be missing, and still be there.  0, ENOMEM or ENOSPC, see
 * kids_prep_add().
 */
int tree_prep_create(struct tree *tree, const struct tree_pos *at,
	struct acl *acl, const void *value, size_t len,
	struct tree_edit *edit) __must_check;

/* Prepare to give the existing node @at a value.  0 or ENOMEM. */
int tree_prep_value(struct tree *tree, const struct tree_pos *at,
	const void *value, size_t len, struct tree_edit *edit) __must_check;

/* Prepare to give the existing node @at another list.  0 or ENOMEM. */
int tree_prep_acl(struct tree *tree, const struct tree_pos *at, struct acl *acl,
	struct tree_edit *edit) __must_check;

/* Prepare to remove the existing node @at, not "/".  0 or ENOMEM. */
int tree_prep_remove(struct tree *tree, const struct tree_pos *at,
	struct tree_edit *edit) __must_check;

/* Make the change; edit->old and edit->new stay valid until edit_fini. */
void tree_commit(struct tree *tree, struct tree_edit *edit);

/* Give up what the edit holds, committed or not. */
void tree_edit_fini(struct tree *tree, struct tree_edit *edit);

#endif
