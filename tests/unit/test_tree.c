// SPDX-License-Identifier: MIT
/*
 * test_tree.c - the tree against a naive model, with old roots held alive
 *
 * The model is a list of paths in the order of their creation, copied whole
 * for every snapshot.  After every operation the current root, and now and
 * then every old one, must print like its model.
 */
#include <errno.h>

#include <talloc.h>

#include "common/wr.h"
#include "tests/soak.h"
#include "tests/unit/bh_check.h"
#include "xenstored/acl.h"
#include "xenstored/place.h"
#include "xenstored/tree.h"

enum { MODEL_MAX = 700, OLD = 6, STEPS = 6000, DUMP = 65536 };

struct model_node {
	char path[40];
	char value[12];
	uint32_t owner;
};

struct model {
	struct model_node node[MODEL_MAX];
	int nr;
};

static struct places *places;
static struct tree tree;
static struct model model;
static uint64_t rng;

static uint32_t rnd(uint32_t n)
{
	return soak_rnd(&rng, n);
}

static struct acl *acl_of(uint32_t owner)
{
	struct acl_entry e = {.domid = (uint16_t)owner, .instance = owner + 1};
	struct acl *acl = acl_new(&e, 1);

	ck_assert_ptr_nonnull(acl);
	return acl;
}

static int model_find(const char *path)
{
	for (int i = 0; i < model.nr; i++)
		if (!strcmp(model.node[i].path, path))
			return i;
	return -1;
}

static void model_write(const char *path, const char *value, uint32_t owner)
{
	char part[40];
	int at = model_find(path);

	if (at >= 0) {
		strcpy(model.node[at].value, value);
		return;
	}
	for (const char *p = path + 1;; p++) {
		if (*p != '/' && *p)
			continue;
		memcpy(part, path, (size_t)(p - path));
		part[p - path] = '\0';
		if (model_find(part) < 0) {
			struct model_node *n = &model.node[model.nr++];

			ck_assert_int_lt(model.nr, MODEL_MAX);
			strcpy(n->path, part);
			strcpy(n->value, *p ? "" : value);
			n->owner = owner;
		}
		if (!*p)
			return;
	}
}

static void model_remove(const char *path)
{
	size_t len = strlen(path);
	int to = 0;

	for (int i = 0; i < model.nr; i++) {
		const char *p = model.node[i].path;

		if (!strncmp(p, path, len) && (!p[len] || p[len] == '/'))
			continue;
		model.node[to++] = model.node[i];
	}
	model.nr = to;
}

static void model_dump(const struct model *m, const char *below, FILE *f)
{
	size_t len = strlen(below);

	for (int i = 0; i < m->nr; i++) {
		const struct model_node *n = &m->node[i];

		if (strncmp(n->path, below, len) || n->path[len] != '/' ||
			strchr(n->path + len + 1, '/'))
			continue;
		fprintf(f, "%s=%s %u\n", n->path, n->value, n->owner);
		model_dump(m, n->path, f);
	}
}

static void node_dump(const struct node *node, FILE *f)
{
	const struct node *child;
	char path[64];
	struct wr wr;

	if (node->place->parent) {
		wr_init(&wr, path, sizeof(path));
		place_emit(node->place, &wr);
		fprintf(f, "%.*s=%.*s %u\n", (int)wr.len, path,
			(int)node->value_len, (const char *)node->value,
			node->acl->entry[0].domid);
	}
	for (uint32_t slot = 0; (child = kids_next(node->kids, &slot));)
		node_dump(child, f);
}

static void compare(const struct model *m, const struct node *root)
{
	static char want[DUMP], have[DUMP];
	FILE *f = fmemopen(want, sizeof(want), "w");

	model_dump(m, "", f);
	fclose(f);
	f = fmemopen(have, sizeof(have), "w");
	node_dump(root, f);
	fclose(f);
	ck_assert_str_eq(have, want);
}

/* Where @path leads, until asked again. */
static const struct tree_pos *pos_of(const char *path)
{
	static struct tree_pos pos;

	tree_find(&tree, tree.root, path, &pos);
	return &pos;
}

static void setup(void)
{
	struct acl *acl = acl_of(0);

	places = places_new(NULL);
	ck_assert_int_eq(tree_init(&tree, places, acl), 0);
	acl_unref(acl);
	model.nr = 0;
	rng = 1;
}

/* Freed all, or places_new()'s destructor dies. */
static void teardown(void)
{
	tree_fini(&tree);
	ck_assert_uint_eq(places_nr(places), 0);
	talloc_free(places);
}

static void do_write(const char *path, const char *value, uint32_t owner)
{
	struct tree_edit edit;
	struct tree_pos pos;

	tree_find(&tree, tree.root, path, &pos);
	ck_assert_int_eq(pos.node != NULL, model_find(path) >= 0);
	if (pos.node) {
		ck_assert_int_eq(tree_prep_value(&tree, &pos, value,
					 strlen(value), &edit),
			0);
	} else {
		struct acl *acl = acl_of(owner);

		ck_assert_int_eq(tree_prep_create(&tree, &pos, acl, value,
					 strlen(value), &edit),
			0);
		ck_assert_uint_eq(edit.created, pos.missing);
		acl_unref(acl);
	}
	compare(&model, tree.root); /* prepared only: reads the same */
	tree_commit(&tree, &edit);
	tree_edit_fini(&tree, &edit);
	model_write(path, value, owner);
}

static void do_remove(const char *path)
{
	struct tree_edit edit;

	if (model_find(path) < 0)
		return;
	ck_assert_int_eq(tree_prep_remove(&tree, pos_of(path), &edit), 0);
	tree_commit(&tree, &edit);
	tree_edit_fini(&tree, &edit);
	model_remove(path);
}

static void do_chown(const char *path, uint32_t owner)
{
	struct acl *acl = acl_of(owner);
	struct tree_edit edit;
	int at = model_find(path);

	if (at >= 0) {
		ck_assert_int_eq(
			tree_prep_acl(&tree, pos_of(path), acl, &edit), 0);
		tree_commit(&tree, &edit);
		tree_edit_fini(&tree, &edit);
		model.node[at].owner = owner;
	}
	acl_unref(acl);
}

static void random_path(char *path)
{
	int depth = (int)rnd(4) + 1, len = 0;

	for (int i = 0; i < depth; i++)
		len += sprintf(path + len, "/%c", 'a' + (int)rnd(6));
}

static void random_step(void)
{
	char path[40], value[12];

	random_path(path);
	snprintf(value, sizeof(value), "%u", rnd(100000));
	switch (rnd(8)) {
	case 0:
	case 1: do_remove(path); break;
	case 2: do_chown(path, rnd(9)); break;
	default:
		if (model.nr < MODEL_MAX - 8)
			do_write(path, value, rnd(9));
	}
}

START_TEST(test_random_with_old_roots)
{
	static struct model old_model[OLD];
	struct node *old[OLD] = {NULL};

	setup();
	rng = (uint64_t)_i + 1;
	for (int step = 0; step < STEPS; step++) {
		uint32_t at = rnd(OLD * 8);

		random_step();
		compare(&model, tree.root);
		if (at >= OLD)
			continue;
		if (old[at]) {
			compare(&old_model[at], old[at]);
			node_unref(places, old[at]);
		}
		old[at] = tree_snapshot(&tree);
		old_model[at] = model;
	}
	for (int i = 0; i < OLD; i++) {
		if (!old[i])
			continue;
		compare(&old_model[i], old[i]);
		node_unref(places, old[i]);
	}
	teardown();
}
END_TEST

/* An edit which is given up leaves everything as it was. */
START_TEST(test_abandoned_edit)
{
	struct acl *acl = acl_of(3);
	struct tree_edit edit;
	struct node *old;

	setup();
	do_write("/a/b", "1", 0);
	old = tree_snapshot(&tree);
	ck_assert_int_eq(
		tree_prep_create(&tree, pos_of("/a/c/d/e"), acl, "x", 1, &edit),
		0);
	tree_edit_fini(&tree, &edit);
	ck_assert_int_eq(
		tree_prep_value(&tree, pos_of("/a/b"), "2", 1, &edit), 0);
	tree_edit_fini(&tree, &edit);
	ck_assert_int_eq(tree_prep_remove(&tree, pos_of("/a"), &edit), 0);
	tree_edit_fini(&tree, &edit);
	compare(&model, tree.root);
	compare(&model, old);
	node_unref(places, old);
	acl_unref(acl);
	teardown();
}
END_TEST

/* Only what is on the path to a change is copied, and only when shared. */
START_TEST(test_copies_only_the_path)
{
	struct node *old, *a, *b;

	setup();
	do_write("/a/x", "1", 0);
	do_write("/b/y", "1", 0);
	a = kids_at(tree.root->kids, 0);
	do_write("/a/x", "2", 0);
	ck_assert_ptr_eq(kids_at(tree.root->kids, 0), a);
	old = tree_snapshot(&tree);
	b = kids_at(tree.root->kids, 1);
	do_write("/a/x", "3", 0);
	ck_assert_ptr_ne(tree.root, old);
	ck_assert_ptr_ne(kids_at(tree.root->kids, 0), kids_at(old->kids, 0));
	ck_assert_ptr_eq(kids_at(tree.root->kids, 1), b);
	ck_assert_ptr_eq(kids_at(old->kids, 1), b);
	node_unref(places, old);
	teardown();
}
END_TEST

/* XSA-418: as deep as a path can be, and no recursion over it. */
START_TEST(test_deepest_path)
{
	static struct node_walk walk;
	char path[PATH_ABS_MAX + 1];
	struct acl *acl = acl_of(1);
	struct tree_edit edit;
	struct tree_pos pos;
	struct node *node;
	unsigned nr = 0;

	setup();
	for (int i = 0; i < PATH_ABS_MAX; i += 2)
		memcpy(path + i, "/x", 2);
	path[PATH_ABS_MAX] = '\0';
	ck_assert_int_eq(
		tree_prep_create(&tree, pos_of(path), acl, "v", 1, &edit), 0);
	tree_commit(&tree, &edit);
	tree_edit_fini(&tree, &edit);
	acl_unref(acl);
	tree_find(&tree, tree.root, path, &pos);
	ck_assert_ptr_nonnull(pos.node);
	node_walk_start(&walk, tree.root);
	while ((node = node_walk_next(&walk)))
		nr++;
	ck_assert_uint_eq(nr, PATH_ABS_MAX / 2 + 1);
	teardown();
}
END_TEST

/* A directory large enough for its index; order of creation, holes. */
START_TEST(test_large_directory)
{
	struct tree_pos pos;
	char path[40];

	setup();
	for (int i = 0; i < 300; i++) {
		snprintf(path, sizeof(path), "/d/n%d", i * 7 % 300);
		do_write(path, "", 0);
	}
	for (int i = 0; i < 300; i += 2) {
		snprintf(path, sizeof(path), "/d/n%d", i);
		do_remove(path);
	}
	compare(&model, tree.root);
	for (int i = 0; i < 300; i++) {
		snprintf(path, sizeof(path), "/d/n%d", i);
		tree_find(&tree, tree.root, path, &pos);
		ck_assert_int_eq(pos.node != NULL, i & 1);
	}
	for (int i = 1; i < 297; i += 2) {
		snprintf(path, sizeof(path), "/d/n%d", i);
		do_remove(path);
	}
	do_write("/d/n4", "", 0);
	compare(&model, tree.root);
	tree_find(&tree, tree.root, "/d", &pos);
	ck_assert_uint_eq(pos.node->kids->nr, 3);
	ck_assert_uint_lt(pos.node->kids->used, 40);
	teardown();
}
END_TEST

START_TEST(test_positions)
{
	struct tree_pos pos;

	setup();
	do_write("/a/b", "1", 0);
	tree_find(&tree, tree.root, "/", &pos);
	ck_assert(pos.node == tree.root && !pos.parent && !pos.missing);
	tree_find(&tree, tree.root, "/a/b", &pos);
	ck_assert(pos.node && pos.parent && pos.near == pos.node);
	tree_find(&tree, tree.root, "/a/c/d", &pos);
	ck_assert(!pos.node && pos.missing == 2);
	ck_assert_str_eq(pos.near->place->name, "a");
	ck_assert_str_eq(pos.rest, "/c/d");
	teardown();
}
END_TEST

static void fork_write(struct tree *fork, const char *path, const char *value)
{
	struct acl *acl = acl_of(2);
	struct tree_edit edit;
	struct tree_pos pos;

	tree_find(fork, fork->root, path, &pos);
	if (pos.node)
		ck_assert_int_eq(
			tree_prep_value(fork, &pos, value, 1, &edit), 0);
	else
		ck_assert_int_eq(
			tree_prep_create(fork, &pos, acl, value, 1, &edit), 0);
	tree_commit(fork, &edit);
	tree_edit_fini(fork, &edit);
	acl_unref(acl);
}

/* Neither side sees what the other does; versions are never the same. */
START_TEST(test_fork)
{
	struct model before;
	struct tree fork;
	struct place *x, *new;
	struct node *in, *out;

	setup();
	do_write("/a/x", "1", 0);
	do_write("/b/y", "1", 0);
	before = model;
	tree_fork(&tree, &fork);
	do_write("/a/x", "2", 0);
	compare(&before, fork.root);
	fork_write(&fork, "/a/x", "3");
	fork_write(&fork, "/a/new/z", "3");
	compare(&model, tree.root);
	x = places_find_path(places, "/a/x");
	new = places_find_path(places, "/a/new/z");
	in = tree_node_at(fork.root, x);
	out = tree_node_at(tree.root, x);
	ck_assert_mem_eq(in->value, "3", 1);
	ck_assert_mem_eq(out->value, "2", 1);
	ck_assert_uint_ne(in->gen, out->gen);
	ck_assert_ptr_nonnull(tree_node_at(fork.root, new));
	ck_assert_ptr_null(tree_node_at(tree.root, new));
	ck_assert_ptr_eq(
		tree_node_at(tree.root, places_root(places)), tree.root);
	new = places_get_path(places, "@x");
	ck_assert_ptr_null(tree_node_at(tree.root, new->parent));
	places_unref(places, new);
	tree_fini(&fork);
	compare(&model, tree.root);
	teardown();
}
END_TEST

BH_CHECK_MAIN("tree", 60, BH_LOOP(test_random_with_old_roots, 3),
	BH_TEST(test_abandoned_edit), BH_TEST(test_copies_only_the_path),
	BH_TEST(test_deepest_path), BH_TEST(test_large_directory),
	BH_TEST(test_positions), BH_TEST(test_fork))
