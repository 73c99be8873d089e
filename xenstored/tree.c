/* SPDX-License-Identifier: MIT */
/* tree.c - roots, and edits of the current root */
#include <errno.h>
#include <string.h>

#include "wire/path.h"
#include "xenstored/acl.h"
#include "xenstored/place.h"
#include "xenstored/tree.h"

int tree_init(struct tree *tree, struct places *places, struct acl *acl)
{
	tree->places = places;
	tree->last_gen = 1;
	tree->gen = &tree->last_gen;
	tree->copied = 0;
	tree->root =
		node_new(places, places_root(places), acl, NULL, NULL, 0, 1);
	return tree->root ? 0 : ENOMEM;
}

void tree_fini(struct tree *tree)
{
	if (tree->root)
		node_unref(tree->places, tree->root);
	tree->root = NULL;
}

struct node *tree_snapshot(struct tree *tree)
{
	return node_ref(tree->root);
}

void tree_fork(struct tree *tree, struct tree *fork)
{
	fork->places = tree->places;
	fork->root = node_ref(tree->root);
	fork->gen = tree->gen;
	fork->last_gen = 0;
	fork->copied = 0;
}

/* The places from below the root to @place, by depth; returns the root. */
static const struct place *place_path(
	const struct place *place, const struct place *down[NODE_DEPTH_MAX])
{
	CHECK(place->depth < NODE_DEPTH_MAX);
	for (; place->parent; place = place->parent)
		down[place->depth] = place;
	return place;
}

struct node *tree_node_near(struct node *root, const struct place *place)
{
	const struct place *down[NODE_DEPTH_MAX];
	struct node *near = root, *node;
	unsigned depth = place->depth;

	if (place_path(place, down) != root->place)
		return root;
	for (unsigned i = 1; i <= depth; i++) {
		node = node_child(near, down[i]);
		if (!node)
			break;
		near = node;
	}
	return near;
}

struct node *tree_node_at(struct node *root, const struct place *place)
{
	const struct place *down[NODE_DEPTH_MAX];
	struct node *node = root;
	unsigned depth = place->depth;

	if (place_path(place, down) != root->place)
		return NULL; /* a special name */
	for (unsigned i = 1; node && i <= depth; i++)
		node = node_child(node, down[i]);
	return node;
}

struct node *tree_owned_at(struct node *root, const struct place *place,
	uint16_t domid, uint32_t instance)
{
	const struct place *down[NODE_DEPTH_MAX];
	const unsigned depth = place->depth;
	struct node *node = root;

	if (place_path(place, down) != root->place)
		return NULL; /* a special name */
	for (unsigned i = 1; node && i <= depth; i++) {
		const struct acl_entry *owner;

		node = node_child(node, down[i]);
		owner = node ? acl_owner(node->acl) : NULL;
		if (owner && owner->domid == domid &&
			owner->instance == instance)
			return node;
	}
	return NULL;
}

void tree_find(struct tree *tree, struct node *root, const char *path,
	struct tree_pos *pos)
{
	const char *at = path, *comp;
	size_t len;

	pos->near = root;
	pos->parent = NULL;
	pos->missing = 0;
	pos->rest = path;
	while (path_next(&at, &comp, &len)) {
		struct place *place;
		struct node *child;

		place = pos->missing ? NULL
				     : places_find(tree->places,
					       pos->near->place, comp, len);
		child = place ? node_child(pos->near, place) : NULL;
		if (!child) {
			pos->missing++;
			continue;
		}
		pos->parent = pos->near;
		pos->near = child;
		pos->rest = at;
	}
	pos->node = pos->missing ? NULL : pos->near;
}

/* A copy of @node which shares its children. */
static struct node *node_copy(struct places *places, const struct node *node)
{
	return node_new(places, node->place, node->acl, node->kids, node->value,
		node->value_len, node->gen);
}

/*
 * Make the nodes on the way to pos->near ours alone, so that they can be
 * changed in place: down to that one, or to the one above it when that one is
 * to be replaced anyway.  This changes nothing that anybody can see, so that a
 * failure half way is harmless.  @slot is the one of pos->near in pos->parent.
 */
static int tree_own(
	struct tree *tree, bool near, struct tree_pos *pos, uint32_t *slot)
{
	struct node *node = tree->root, *copy;
	const struct place *down[NODE_DEPTH_MAX];
	const struct node *target = pos->near;

	place_path(target->place, down);
	pos->parent = NULL;
	for (;;) {
		bool last = node == target;
		int r;

		if (node->refs > 1 && (near || !last)) {
			copy = node_copy(tree->places, node);
			if (!copy)
				return ENOMEM;
			if (pos->parent)
				kids_replace(pos->parent, *slot, copy);
			else
				tree->root = copy;
			node_unref(tree->places, node);
			node = copy;
			tree->copied += copy->value_len;
		}
		pos->near = node;
		if (last)
			return 0;
		r = kids_prep_replace(node, down[node->place->depth + 1], slot);
		if (r)
			return r;
		pos->parent = node;
		node = kids_at(node->kids, *slot);
	}
}

/* Own the path to an existing node, for an edit that replaces or removes. */
static int edit_start(
	struct tree *tree, const struct tree_pos *at, struct tree_edit *edit)
{
	struct tree_pos pos = *at;
	int r;

	CHECK(at->node);
	memset(edit, 0, sizeof(*edit));
	r = tree_own(tree, false, &pos, &edit->slot);
	if (r)
		return r;
	edit->parent = pos.parent;
	edit->old = node_ref(pos.near);
	return 0;
}

static int edit_replace(
	struct tree *tree, struct tree_edit *edit, struct node *new)
{
	if (!new) {
		tree_edit_fini(tree, edit);
		return ENOMEM;
	}
	edit->new = edit->leaf = new;
	return 0;
}

int tree_prep_value(struct tree *tree, const struct tree_pos *at,
	const void *value, size_t len, struct tree_edit *edit)
{
	int r = edit_start(tree, at, edit);

	if (r)
		return r;
	return edit_replace(tree, edit,
		node_new(tree->places, edit->old->place, edit->old->acl,
			edit->old->kids, value, len, ++*tree->gen));
}

int tree_prep_acl(struct tree *tree, const struct tree_pos *at, struct acl *acl,
	struct tree_edit *edit)
{
	int r = edit_start(tree, at, edit);

	if (r)
		return r;
	return edit_replace(tree, edit,
		node_new(tree->places, edit->old->place, acl, edit->old->kids,
			edit->old->value, edit->old->value_len, ++*tree->gen));
}

int tree_prep_remove(
	struct tree *tree, const struct tree_pos *at, struct tree_edit *edit)
{
	int r = edit_start(tree, at, edit);

	if (r)
		return r;
	CHECK(edit->parent);
	r = kids_prep_remove(edit->parent, edit->old->place, &edit->slot);
	if (r)
		tree_edit_fini(tree, edit);
	return r;
}

/* One more node below edit->leaf; the first one is not attached yet. */
static int edit_append(struct tree *tree, struct tree_edit *edit,
	const struct node *near, const char *comp, size_t comp_len,
	struct acl *acl)
{
	struct place *place;
	struct node *node;
	int r;

	place = places_get(tree->places,
		edit->leaf ? edit->leaf->place : near->place, comp, comp_len);
	if (!place)
		return ENOMEM;
	node = node_new(tree->places, place, acl, NULL, NULL, 0, *tree->gen);
	places_unref(tree->places, place);
	if (!node)
		return ENOMEM;
	if (edit->leaf) {
		r = kids_prep_add(edit->leaf, node->place);
		if (r) {
			node_unref(tree->places, node);
			return r;
		}
		kids_add(edit->leaf, node, *tree->gen);
	} else {
		edit->new = node;
	}
	edit->leaf = node;
	edit->created++;
	return 0;
}

/* Put @value into the lowest of the new nodes, which nobody sees yet. */
static int edit_leaf_value(struct tree *tree, struct tree_edit *edit,
	struct node *above, const void *value, size_t len)
{
	struct node *leaf = edit->leaf, *new;

	if (!len)
		return 0;
	new = node_new(tree->places, leaf->place, leaf->acl, NULL, value, len,
		*tree->gen);
	if (!new)
		return ENOMEM;
	if (above)
		kids_replace(above, 0, new);
	else
		edit->new = new;
	edit->leaf = new;
	node_unref(tree->places, leaf);
	return 0;
}

int tree_prep_create(struct tree *tree, const struct tree_pos *at,
	struct acl *acl, const void *value, size_t len, struct tree_edit *edit)
{
	struct node *above = NULL;
	const char *rest = at->rest, *comp;
	struct tree_pos pos = *at;
	size_t comp_len;
	int r;

	CHECK(at->missing);
	memset(edit, 0, sizeof(*edit));
	r = tree_own(tree, true, &pos, &edit->slot);
	if (r)
		return r;
	edit->parent = pos.near;
	++*tree->gen;
	while (!r && path_next(&rest, &comp, &comp_len)) {
		above = edit->leaf;
		r = edit_append(tree, edit, pos.near, comp, comp_len, acl);
	}
	if (!r)
		r = edit_leaf_value(tree, edit, above, value, len);
	if (!r)
		r = kids_prep_add(pos.near, edit->new->place);
	if (r)
		tree_edit_fini(tree, edit);
	return r;
}

void tree_commit(struct tree *tree, struct tree_edit *edit)
{
	struct node *gone = NULL;

	if (edit->new)
		node_ref(edit->new);
	if (!edit->old)
		kids_add(edit->parent, edit->new, *tree->gen);
	else if (!edit->new)
		gone = kids_remove(edit->parent, edit->slot, ++*tree->gen);
	else if (edit->parent)
		gone = kids_replace(edit->parent, edit->slot, edit->new);
	else {
		gone = tree->root;
		tree->root = edit->new;
	}
	if (gone)
		node_unref(tree->places, gone);
}

void tree_edit_fini(struct tree *tree, struct tree_edit *edit)
{
	if (edit->old)
		node_unref(tree->places, edit->old);
	if (edit->new)
		node_unref(tree->places, edit->new);
	edit->old = edit->new = edit->leaf = NULL;
}
