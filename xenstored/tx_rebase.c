/* SPDX-License-Identifier: MIT */
/*
 * tx_rebase.c - a transaction moves to the current root
 *
 * What was written is done again in its final state, place by place: first
 * what was removed goes, then what is there now comes.  Nothing of it can
 * meet anything new, since all of it is covered by dependencies that hold.
 */
#include <errno.h>
#include <string.h>

#include "common/wr.h"
#include "xenstored/conn.h"
#include "xenstored/place.h"
#include "xenstored/server.h"
#include "xenstored/tx.h"

static bool still_refused(
	const struct tx *tx, struct node *root, const struct tx_entry *e)
{
	unsigned lacks = e->deps >> TX_DEP_REFUSED_SHIFT;
	const struct node *near;

	if (!lacks)
		return true;
	near = tree_node_near(root, e->place);
	return !(conn_access(tx->conn, near->acl) & lacks);
}

bool tx_holds(const struct tx *tx)
{
	struct node *root = tx->conn->server->tree.root;

	if (tx->lapsed)
		return false;
	if (root == tx->base)
		return true;
	for (uint32_t i = 0; i < tx->set.nr; i++) {
		const struct tx_entry *e = &tx->set.entry[i];

		if (e->deps &&
			(!tx_dep_holds(e, tree_node_at(root, e->place)) ||
				!still_refused(tx, root, e)))
			return false;
	}
	return true;
}

static void path_of(const struct place *place, char *buf)
{
	struct wr wr;

	wr_init(&wr, buf, PATH_ABS_MAX + 1);
	place_emit(place, &wr);
	wr_bytes(&wr, "", 1);
	CHECK(wr_ok(&wr));
}

static int commit_if(struct tree *tree, struct tree_edit *edit, int r)
{
	if (r)
		return r;
	tree_commit(tree, edit);
	tree_edit_fini(tree, edit);
	return 0;
}

static int prep_value(struct tree *tree, const char *path,
	const struct node *node, struct tree_edit *edit)
{
	struct tree_pos pos;

	tree_find(tree, tree->root, path, &pos);
	return tree_prep_value(tree, &pos, node->value, node->value_len, edit);
}

static int prep_acl(struct tree *tree, const char *path,
	const struct node *node, struct tree_edit *edit)
{
	struct tree_pos pos;

	tree_find(tree, tree->root, path, &pos);
	return tree_prep_acl(tree, &pos, node->acl, edit);
}

static int redo_remove(struct tree *next, const struct tx_entry *e)
{
	char path[PATH_ABS_MAX + 1];
	struct tree_edit edit;
	struct tree_pos pos;

	if (!(e->writes & TX_REMOVED) || !tree_node_at(next->root, e->place))
		return 0;
	path_of(e->place, path);
	tree_find(next, next->root, path, &pos);
	return commit_if(next, &edit, tree_prep_remove(next, &pos, &edit));
}

/*
 * One level at a time, each as it is in @tree in the end: a child may have
 * been created in what was removed, and come again before its parent.
 */
static int redo_create(
	struct tree *tree, struct tree *next, const struct tx_entry *e)
{
	char path[PATH_ABS_MAX + 1];

	if (!tree_node_at(tree->root, e->place))
		return 0;
	path_of(e->place, path);
	for (;;) {
		struct tree_edit edit;
		struct tree_pos pos;
		const struct node *node;
		const char *end, *comp;
		char *cut, kept;
		size_t len;
		int r;

		tree_find(next, next->root, path, &pos);
		if (pos.node)
			return 0;
		end = pos.rest;
		CHECK(path_next(&end, &comp, &len));
		cut = path + (comp - path) + len;
		kept = *cut;
		*cut = '\0';
		node = tree_node_at(
			tree->root, places_find_path(tree->places, path));
		r = commit_if(next, &edit,
			tree_prep_create(next, &pos, node->acl, node->value,
				node->value_len, &edit));
		*cut = kept;
		if (r)
			return r;
	}
}

static int redo_change(
	struct tree *tree, struct tree *next, const struct tx_entry *e)
{
	const struct node *node = tree_node_at(tree->root, e->place);
	char path[PATH_ABS_MAX + 1];
	struct tree_edit edit;
	int r = 0;

	if (!node || e->writes & TX_CREATED ||
		!(e->writes & (TX_VALUE | TX_ACL)))
		return 0;
	path_of(e->place, path);
	if (e->writes & TX_VALUE)
		r = commit_if(next, &edit, prep_value(next, path, node, &edit));
	if (!r && e->writes & TX_ACL)
		r = commit_if(next, &edit, prep_acl(next, path, node, &edit));
	return r;
}

static int redo(struct tx *tx, struct tree *next)
{
	const struct tx_set *set = &tx->set;
	int r = 0;

	for (uint32_t i = 0; !r && i < set->nr; i++)
		r = redo_remove(next, &set->entry[i]);
	for (uint32_t i = 0; !r && i < set->created_nr; i++)
		r = redo_create(&tx->tree, next, tx_created(tx, i));
	for (uint32_t i = 0; !r && i < set->nr; i++)
		r = redo_change(&tx->tree, next, &set->entry[i]);
	return r;
}

int tx_rebase(struct tx *tx)
{
	struct server *server = tx->conn->server;
	struct node *root = server->tree.root;
	const size_t *all = places_versions(server->places);
	size_t was = *all;
	struct tree next;
	int r;

	if (!tx_holds(tx))
		return EAGAIN;
	if (root == tx->base)
		return 0;
	tree_fork(&server->tree, &next);
	r = tx->wrote ? redo(tx, &next) : 0;
	if (r) {
		tree_fini(&next);
		return r;
	}
	tx_own_set(tx, *all - was);
	server_root_gone(server, tx->tree.root);
	tx->tree = next;
	/* As many as before, and those were charged. */
	tx->tree.copied = 0;
	server_root_gone(server, tx->base);
	tx->base = node_ref(root);
	for (uint32_t i = 0; i < tx->set.nr; i++) {
		struct tx_entry *e = &tx->set.entry[i];

		e->base = tree_node_at(root, e->place);
	}
	return 0;
}
