// SPDX-License-Identifier: MIT
/*
 * test_tree_model.c - the store against a naive model, at length
 *
 * DOC: the model of a tree is a plain array with a place for each path there
 * can be, which is copied whole whenever the tree is shared.  The trees are
 * the store itself, changed at its commit point, and forks of it; besides,
 * old roots are held.
 *
 * After every operation these are compared: the tree it was made in (names in
 * order, values, owners, generations), the number of places with that of all
 * paths which any tree or old root has, and the counters of owners.  The
 * others are compared when they are given up.  Where directories are wide, a
 * whole tree is compared now and then, and else what is at the change.
 *
 * MODEL_OPS and MODEL_SEED in the environment: how many operations, and which.
 */
#include "common/wr.h"
#include "tests/soak.h"
#include "tests/unit/bh_check.h"
#include "tests/unit/xs_fixture.h"
#include "xenstored/acl.h"
#include "xenstored/change.h"
#include "xenstored/node.h"
#include "xenstored/place.h"

enum {
	LEVELS = 4,
	IDS_MAX = 20000, /* paths there can be; the first is the top, "/m" */
	TREES = 4,       /* the store, and forks */
	OLDS = 4,
	OWNERS = 4, /* the privileged domain and guests */
};

/* How many names each level has. */
struct shape {
	int names[LEVELS];
	int first[LEVELS + 1]; /* id of the first path of each level */
	int check_every;       /* operations, a whole tree */
};

struct model_node {
	int first, last, prev, next; /* ids; 0: none */
	uint64_t gen, kids_gen;      /* as last seen */
	uint32_t value;
	uint8_t owner;
	bool new_gen, new_kids; /* must differ from what was last seen */
};

struct model {
	uint8_t there[IDS_MAX];
	struct model_node node[IDS_MAX];
	size_t owned[OWNERS];
	uint64_t seen_gen; /* the last one given out, when last compared */
	int nr;
};

struct side {
	struct tree *tree; /* NULL: nothing here */
	struct tree fork;
	struct model model;
};

struct old {
	struct node *root;
	struct model model;
};

/* Check's own say where they are each time: a system call for each. */
#define SAME(cond)                                                  \
	do {                                                        \
		if (!(cond))                                        \
			ck_abort_msg("operation %lu: " #cond, ops); \
	} while (0)

static struct fx *fx;
static int k;
static struct shape shape;
static struct side side[TREES];
static struct old old[OLDS];
static size_t places_base, owned_base;
static unsigned long ops, nodes_seen;
static uint64_t rng;

static uint32_t rnd(uint32_t n)
{
	return soak_rnd(&rng, n);
}

static int level_of(int id)
{
	int level = 0;

	while (level < LEVELS && id >= shape.first[level + 1])
		level++;
	return level;
}

static int parent_of(int id)
{
	int level = level_of(id);

	/* the root has itself */
	if (level <= 1)
		return 0;
	return shape.first[level - 1] +
	       (id - shape.first[level]) / shape.names[level - 1];
}

static int name_of(int id)
{
	int level = level_of(id);

	return (id - shape.first[level]) % shape.names[level - 1];
}

/* Levels of @names, from the top down; 0 ends them. */
static void shape_set(const int names[LEVELS], int check_every)
{
	int nr = 1;

	memset(&shape, 0, sizeof(shape));
	shape.check_every = check_every;
	shape.first[1] = 1;
	for (int i = 0; i < LEVELS; i++) {
		shape.names[i] = names[i];
		nr *= names[i];
		if (i + 2 <= LEVELS)
			shape.first[i + 2] = shape.first[i + 1] + nr;
		else
			ck_assert_int_le(shape.first[i + 1] + nr, IDS_MAX);
	}
}

static int ids_nr(void)
{
	int nr = 1;

	for (int i = 0; i < LEVELS; i++)
		nr *= shape.names[i];
	return shape.first[LEVELS] + nr;
}

static const char *path_of(int id)
{
	static char buf[4][64];
	static int turn;
	char *path = buf[turn++ % 4], *at = path;
	int up[LEVELS], nr = 0;

	for (; id; id = parent_of(id))
		up[nr++] = name_of(id);
	at += sprintf(at, "/m");
	while (nr)
		at += sprintf(at, "/%d", up[--nr]);
	return path;
}

/* The model's side of each operation. */

static void model_link(struct model *m, int id, uint32_t value, uint8_t owner)
{
	struct model_node *n = &m->node[id], *p = &m->node[parent_of(id)];

	memset(n, 0, sizeof(*n));
	m->there[id] = true;
	m->nr++;
	m->owned[owner]++;
	n->value = value;
	n->owner = owner;
	n->new_gen = n->new_kids = true;
	if (!id)
		return;
	n->prev = p->last;
	*(p->last ? &m->node[p->last].next : &p->first) = id;
	p->last = id;
	p->new_kids = true;
}

static void model_write(struct model *m, int id, uint32_t value)
{
	int missing[LEVELS], nr = 0, above = id;

	for (; !m->there[above]; above = parent_of(above))
		missing[nr++] = above;
	if (!nr) {
		m->node[id].value = value;
		m->node[id].new_gen = true;
	}
	while (nr--)
		model_link(
			m, missing[nr], nr ? 0 : value, m->node[above].owner);
}

static void model_chown(struct model *m, int id, uint8_t owner)
{
	m->owned[m->node[id].owner]--;
	m->owned[owner]++;
	m->node[id].owner = owner;
	m->node[id].new_gen = true;
}

static void model_remove(struct model *m, int id)
{
	struct model_node *n = &m->node[id], *p = &m->node[parent_of(id)];

	while (n->first)
		model_remove(m, n->first);
	*(n->prev ? &m->node[n->prev].next : &p->first) = n->next;
	*(n->next ? &m->node[n->next].prev : &p->last) = n->prev;
	p->new_kids = true;
	m->there[id] = false;
	m->owned[n->owner]--;
	m->nr--;
}

static void model_remove_owned(struct model *m, uint8_t owner)
{
	for (int id = 1; id < ids_nr(); id++)
		if (m->there[id] && m->node[id].owner == owner)
			model_remove(m, id);
}

/* Comparisons. */

static void compare_gen(
	bool changed, uint64_t now, uint64_t *seen, const struct model *m)
{
	if (changed)
		SAME(now > m->seen_gen);
	else
		SAME(now == *seen);
	*seen = now;
}

static void compare_one(struct model *m, int id, const struct node *node)
{
	struct model_node *n = &m->node[id];
	char value[16];
	int len = n->value ? sprintf(value, "%010u", n->value) : 0;

	SAME(m->there[id]);
	SAME(node->value_len == len);
	SAME(!memcmp(node->value, value, (size_t)len));
	SAME(acl_owner(node->acl)->domid == n->owner);
	compare_gen(n->new_gen, node->gen, &n->gen, m);
	/* None, as long as there was never any child. */
	if (n->new_kids && !node_kids_gen(node))
		SAME(n->first == 0);
	else
		compare_gen(n->new_kids, node_kids_gen(node), &n->kids_gen, m);
	n->new_gen = n->new_kids = false;
	nodes_seen++;
}

/* Names in order, each found; returns how many nodes there are. */
static int compare_below(struct model *m, int id, struct node *node)
{
	uint64_t bytes = 0;
	uint32_t slot = 0;
	uint32_t kids = 0;
	int nr = 1;

	compare_one(m, id, node);
	for (int c = m->node[id].first; c; c = m->node[c].next) {
		struct node *child = kids_next(node->kids, &slot);

		SAME(child);
		SAME(atoi(child->place->name) == name_of(c));
		SAME(child->place->parent == node->place);
		SAME(kids_find(node->kids, child->place) == slot - 1);
		bytes += child->place->len + 1u;
		kids++;
		nr += compare_below(m, c, child);
	}
	SAME(!kids_next(node->kids, &slot));
	SAME(node_kids_nr(node) == kids);
	SAME(kids_bytes(node->kids) == bytes);
	return nr;
}

static struct node *top_of(struct node *root)
{
	return tree_node_at(root, places_find_path(fx->server->places, "/m"));
}

static void compare_all(struct model *m, struct node *root)
{
	SAME(compare_below(m, 0, top_of(root)) == m->nr);
	m->seen_gen = *fx->server->tree.gen;
}

/* What a lookup of @id finds. */
static void compare_at(struct side *s, int id)
{
	struct model *m = &s->model;
	struct place *place;
	struct tree_pos pos;
	unsigned missing = 0;
	int above = id;

	for (; !m->there[above]; above = parent_of(above))
		missing++;
	tree_find(s->tree, s->tree->root, path_of(id), &pos);
	SAME(pos.missing == missing);
	SAME(!pos.node == (missing != 0));
	SAME(!strcmp(pos.rest, path_of(id) + strlen(path_of(above))));
	place = places_find_path(fx->server->places, path_of(id));
	SAME(place || missing);
	if (place)
		SAME(tree_node_at(s->tree->root, place) == pos.node);
}

static void compare_places(void)
{
	static uint8_t any[IDS_MAX];
	size_t nr = 0;
	int ids = ids_nr();

	/* what was removed and is large goes a part a turn */
	while (fx->server->gone)
		fx_turn(fx);
	memset(any, 0, sizeof(any));
	for (int t = 0; t < TREES; t++)
		for (int i = 0; side[t].tree && i < ids; i++)
			any[i] |= side[t].model.there[i];
	for (int o = 0; o < OLDS; o++)
		for (int i = 0; old[o].root && i < ids; i++)
			any[i] |= old[o].model.there[i];
	for (int i = 0; i < ids; i++)
		nr += any[i];
	SAME(places_nr(fx->server->places) == places_base + nr);
}

/* Counted are all versions that anybody has, each once. */
static void compare_versions(void)
{
	struct fx_versions all = {0};

	for (int t = 0; t < TREES; t++)
		if (side[t].tree)
			fx_versions_add(fx, &all, side[t].tree->root);
	for (int o = 0; o < OLDS; o++)
		if (old[o].root)
			fx_versions_add(fx, &all, old[o].root);
	SAME(fx_versions_sort(&all, NULL) ==
		*places_versions(fx->server->places));
	free(all.node);
}

static void compare_owners(void)
{
	for (int i = 0; i < OWNERS; i++) {
		const struct domain *d = domain_find(fx->server, (uint64_t)i);

		SAME(d->account[DOMAIN_NODES].used ==
			side[0].model.owned[i] + (i ? 0 : owned_base));
	}
}

/* The store's side of each operation; of a fork's, without the accounts. */

static struct acl *acl_of(uint8_t owner)
{
	struct acl_entry e = {.domid = owner,
		.instance = domain_find(fx->server, owner)->instance};
	struct acl *acl = acl_new(&e, 1);

	SAME(acl);
	return acl;
}

static int prepare(struct tree *tree, struct change *c, struct tree_edit *edit)
{
	struct tree_pos pos;

	tree_find(tree, tree->root, c->path, &pos);
	if (c->kind == CHANGE_NODE_REMOVE)
		return tree_prep_remove(tree, &pos, edit);
	if (c->kind == CHANGE_NODE_ACL)
		return tree_prep_acl(tree, &pos, c->acl, edit);
	if (pos.node)
		return tree_prep_value(
			tree, &pos, c->value, c->value_len, edit);
	return tree_prep_create(
		tree, &pos, pos.near->acl, c->value, c->value_len, edit);
}

/* Make @c in @s; or prepare it only, and give it up. */
static void apply(struct side *s, struct change *c, bool give_up)
{
	struct tree_edit edit;

	if (s->tree == &fx->server->tree && !give_up) {
		SAME(change_apply(fx->server, c) == 0);
		return;
	}
	SAME(prepare(s->tree, c, &edit) == 0);
	if (!give_up)
		tree_commit(s->tree, &edit);
	tree_edit_fini(s->tree, &edit);
}

static void do_write(struct side *s, int id, bool give_up)
{
	struct change c = {.kind = CHANGE_NODE_WRITE, .path = path_of(id)};
	uint32_t value = rnd(4) ? rnd(1000000) + 1 : 0;
	char buf[16];

	c.value = buf;
	c.value_len = value ? (size_t)sprintf(buf, "%010u", value) : 0;
	apply(s, &c, give_up);
	if (!give_up)
		model_write(&s->model, id, value);
}

static void do_remove(struct side *s, int id, bool give_up)
{
	struct change c = {.kind = CHANGE_NODE_REMOVE, .path = path_of(id)};

	apply(s, &c, give_up);
	if (!give_up)
		model_remove(&s->model, id);
}

static void do_chown(struct side *s, int id, bool give_up)
{
	uint8_t owner = (uint8_t)rnd(OWNERS);
	struct acl *acl = acl_of(owner);
	struct change c = {
		.kind = CHANGE_NODE_ACL, .path = path_of(id), .acl = acl};

	apply(s, &c, give_up);
	acl_unref(acl);
	if (!give_up)
		model_chown(&s->model, id, owner);
}

/* All that a domain owns goes with it; the number is used again. */
static void do_death(void)
{
	uint16_t owner = (uint16_t)(1 + rnd(OWNERS - 1));

	fx_dom_die(fx, owner);
	fx_guest(fx, -k, owner);
	model_remove_owned(&side[0].model, (uint8_t)owner);
	compare_all(&side[0].model, side[0].tree->root);
}

static void fork_start(struct side *s, struct side *from)
{
	tree_fork(from->tree, &s->fork);
	s->tree = &s->fork;
	s->model = from->model;
}

static void fork_end(struct side *s)
{
	compare_all(&s->model, s->tree->root);
	tree_fini(s->tree);
	s->tree = NULL;
}

static void old_end(struct old *o)
{
	compare_all(&o->model, o->root);
	node_unref(fx->server->places, o->root);
	o->root = NULL;
}

/* Start or end a fork, hold or give up a root: seldom, as they cost much. */
static void do_share(void)
{
	struct side *s = &side[1 + rnd(TREES - 1)], *from = &side[rnd(TREES)];
	struct old *o = &old[rnd(OLDS)];

	if (rnd(2)) {
		if (s->tree)
			fork_end(s);
		else if (from->tree)
			fork_start(s, from);
		return;
	}
	if (o->root) {
		old_end(o);
	} else if (from->tree) {
		o->root = tree_snapshot(from->tree);
		o->model = from->model;
	}
}

static int pick_id(const struct side *s, bool there)
{
	int id = 0;

	for (int try = 0; try < 20; try++) {
		id = 1 + (int)rnd((uint32_t)ids_nr() - 1);
		if (s->model.there[id] == there)
			break;
	}
	return id;
}

/* One operation; of 16, @more are creations, 3 changes, the rest removals. */
static void step(int more)
{
	struct side *s = &side[rnd(2) ? 0 : rnd(TREES)];
	bool give_up = !rnd(16);
	int what = (int)rnd(16), id;

	if (!s->tree)
		s = &side[0];
	id = pick_id(s, what >= more);
	if (what < more + 2 && (what < more || s->model.there[id]))
		do_write(s, id, give_up);
	else if (s->model.there[id] && what == more + 2)
		do_chown(s, id, give_up);
	else if (s->model.there[id])
		do_remove(s, id, give_up);
	ops++;
	if (ops % (unsigned)shape.check_every == 0)
		compare_all(&s->model, s->tree->root);
	compare_at(s, id);
	compare_at(s, 1 + (int)rnd((uint32_t)ids_nr() - 1));
	compare_places();
	compare_owners();
	/* which looks at every version that anybody has */
	if (ops % 64 == 0)
		compare_versions();
}

static void setup(void)
{
	struct change c = {.kind = CHANGE_NODE_WRITE, .path = "/m"};

	fx = fx_new();
	k = -fx_client(fx);
	for (uint16_t i = 1; i < OWNERS; i++)
		fx_guest(fx, -k, i);
	places_base = places_nr(fx->server->places);
	owned_base = domain_find(fx->server, 0)->account[DOMAIN_NODES].used;
	memset(&side[0].model, 0, sizeof(side[0].model));
	side[0].tree = &fx->server->tree;
	SAME(change_apply(fx->server, &c) == 0);
	model_link(&side[0].model, 0, 0, 0);
	/* Nothing is above it: not changed by itself. */
	side[0].model.node[0].prev = side[0].model.node[0].next = 0;
}

static void teardown(void)
{
	for (int i = 1; i < TREES; i++)
		if (side[i].tree)
			fork_end(&side[i]);
	for (int i = 0; i < OLDS; i++)
		if (old[i].root)
			old_end(&old[i]);
	compare_all(&side[0].model, side[0].tree->root);
	compare_places();
	compare_versions();
	close(-k);
	fx_free(fx);
}

/*
 * Waves of growth and decline, so that directories take each form and are
 * built anew in between.
 */
static void run(const char *name, const int names[LEVELS], int check_every,
	unsigned long nr)
{
	uint32_t share = check_every > 1 ? 100 : 16;
	int most = 0;

	rng = soak_number("MODEL_SEED", 1);
	shape_set(names, check_every);
	setup();
	for (int more = 11; ops < nr;) {
		int there = side[0].model.nr;

		if (there > most)
			most = there;
		if (there < ids_nr() / 20)
			more = 11;
		if (there > ids_nr() / 2)
			more = 4;
		step(more);
		if (!rnd(share))
			do_share();
		if (!rnd(share * 64))
			do_death();
	}
	teardown();
	printf("model: %s: %lu operations, up to %d nodes, %lu nodes "
	       "compared\n",
		name, ops, most, nodes_seen);
	fflush(stdout);
}

/* Small directories, some of them just about to be large. */
START_TEST(test_model_small)
{
	static const int names[LEVELS] = {3, 14, 4, 2};

	run("small", names, 1, soak_number("MODEL_OPS", 50000) * 3 / 4);
}
END_TEST

START_TEST(test_model_wide)
{
	static const int names[LEVELS] = {1, 2000, 1, 1};

	run("wide", names, 200, soak_number("MODEL_OPS", 50000) / 4);
}
END_TEST

BH_CHECK_MAIN(
	"tree_model", 1200, BH_TEST(test_model_small), BH_TEST(test_model_wide))
