/* SPDX-License-Identifier: MIT */
/* change_node.c - changes of nodes and of special nodes */
#include <errno.h>
#include <string.h>

#include "xenstored/acl.h"
#include "xenstored/change.h"
#include "xenstored/conn.h"
#include "xenstored/domain.h"
#include "xenstored/place.h"
#include "xenstored/server.h"
#include "xenstored/tx.h"

/* The domain whose quota limits @change; NULL: nobody's does. */
static struct domain *limited(const struct change *change)
{
	if (!change->conn || change->conn->domain->priv)
		return NULL;
	return change->conn->domain;
}

/* Where change->path leads in @tree: handlers of requests know already. */
static const struct tree_pos *change_pos(
	struct tree *tree, const struct change *change, struct tree_pos *own)
{
	if (change->pos)
		return change->pos;
	tree_find(tree, tree->root, change->path, own);
	return own;
}

/*
 * New nodes have the list of the nearest node above; a guest owns what it
 * creates, the privileged domain creates for the owner of the parent.
 */
static struct acl *acl_inherit(const struct change *change, struct acl *above)
{
	struct domain *guest = limited(change);

	if (!guest)
		return acl_ref(above);
	return acl_with_owner(above, guest->domid, guest->instance);
}

/* What the nodes that are @change->path's and its missing parents' cost. */
static size_t create_cost(
	const struct change *change, const struct tree_pos *pos)
{
	size_t each = domain_node_cost(pos->near->acl->nr, 0, 0);
	/* Without the slashes, one before each. */
	size_t names = strlen(pos->rest) - pos->missing;

	return pos->missing * each + names + change->value_len;
}

/* May @guest create what is missing?  Transactions pay for bytes as they go. */
static int may_create(struct domain *guest, const struct change *change,
	const struct tree_pos *pos)
{
	if (!change->tx)
		return domain_may_grow(
			guest, pos->missing, create_cost(change, pos));
	if (!tx_has_room(change->tx, pos->missing))
		return quota_refused(guest, QUOTA_NODES);
	return 0;
}

/*
 * May a guest make @node larger?  The owner pays, whoever writes; what makes
 * nothing larger is always allowed.  Transactions ask when they commit.
 */
static int may_replace(struct server *server, const struct change *change,
	const struct node *node, size_t acl_nr, size_t value_len)
{
	size_t was = domain_node_cost(node->acl->nr, 0, node->value_len);
	size_t is = domain_node_cost(acl_nr, 0, value_len);

	if (!limited(change) || change->tx || is <= was)
		return 0;
	return domain_may_grow(domain_owner(server, node->acl), 0, is - was);
}

/* Within a transaction, room to note the prepared change @edit. */
static int tx_prepare(struct change *change, int r)
{
	if (r || !change->tx)
		return r;
	r = tx_prep_edit(change->tx, &change->edit);
	if (r)
		tree_edit_fini(&change->tx->tree, &change->edit);
	return r;
}

/* Within a transaction: make the change there, and no more. */
static bool tx_commit(struct change *change, enum tx_write what)
{
	struct tx *tx = change->tx;

	if (!tx)
		return false;
	tree_commit(&tx->tree, &change->edit);
	tx_note_edit(tx, &change->edit, what);
	tree_edit_fini(&tx->tree, &change->edit);
	return true;
}

static int create_prepare(struct server *server, struct change *change,
	const struct tree_pos *pos)
{
	struct domain *guest = limited(change);
	struct acl *acl;
	int r;

	/* All of them, or none: before anything is built (requirement B5). */
	r = guest ? may_create(guest, change, pos) : 0;
	if (r)
		return r;
	acl = acl_inherit(change, pos->near->acl);
	if (!acl)
		return ENOMEM;
	r = tree_prep_create(tx_tree(server, change->tx), pos, acl,
		change->value, change->value_len, &change->edit);
	acl_unref(acl);
	return tx_prepare(change, r);
}

static int write_prepare(struct server *server, struct change *change)
{
	struct tree *tree = tx_tree(server, change->tx);
	struct domain *guest = limited(change);
	const struct tree_pos *pos;
	struct tree_pos own;
	int r;

	if (guest && change->value_len > guest->limits.node_size)
		return quota_refused(guest, QUOTA_NODE_SIZE);
	pos = change_pos(tree, change, &own);
	if (!pos->node)
		return create_prepare(server, change, pos);
	r = may_replace(server, change, pos->node, pos->node->acl->nr,
		change->value_len);
	if (r)
		return r;
	return tx_prepare(change, tree_prep_value(tree, pos, change->value,
					  change->value_len, &change->edit));
}

static void write_commit(struct server *server, struct change *change)
{
	struct tree_edit *edit = &change->edit;
	struct node *node;

	if (tx_commit(change, TX_VALUE))
		return;
	tree_commit(&server->tree, edit);
	if (!edit->created) {
		domain_node_changed(server, edit->old, edit->new);
		return;
	}
	node_walk_start(&server->walk, edit->new);
	while ((node = node_walk_next(&server->walk)))
		domain_node_added(server, node);
}

/* The list of the node above @edit's lowest one. */
static const struct acl *acl_above(const struct tree_edit *edit)
{
	/* Created together: they share one list. */
	if (edit->created > 1)
		return edit->leaf->acl;
	return edit->parent ? edit->parent->acl : NULL;
}

static void write_notify(struct server *server, struct change *change)
{
	struct tree_edit *edit = &change->edit;
	struct watch_view view;

	if (change->tx)
		return;
	view.before = edit->old ? edit->old->acl : NULL;
	view.after = edit->leaf->acl;
	view.parent = acl_above(edit);
	/* Parents that were created on the way have no event of their own. */
	watch_fire(server, edit->leaf->place, &view, false);
	tree_edit_fini(&server->tree, edit);
}

const struct change_ops change_node_write = {
	write_prepare, write_commit, write_notify};

static int remove_prepare(struct server *server, struct change *change)
{
	struct tree *tree = tx_tree(server, change->tx);
	struct tree_pos own;

	return tx_prepare(
		change, tree_prep_remove(tree, change_pos(tree, change, &own),
				&change->edit));
}

static void remove_commit(struct server *server, struct change *change)
{
	struct node *node, *top = change->edit.old;

	if (tx_commit(change, 0))
		return;
	tree_commit(&server->tree, &change->edit);
	node_walk_start(&server->walk, top);
	while ((node = node_walk_next(&server->walk))) {
		domain_node_removed(server, node);
		change->removed++;
		if (node != top && !LIST_EMPTY(&node->place->watched))
			change->watched = true;
	}
}

/* Below the topmost node, watches fire for exactly their own node. */
static void below_notify(struct server *server, struct node *top)
{
	struct node_walk *walk = &server->walk;
	struct node *node;

	node_walk_start(walk, top);
	while ((node = node_walk_next(walk)) && node != top) {
		struct watch_view view = {.before = node->acl,
			.parent = walk->step[walk->depth - 1].node->acl};

		watch_fire(server, node->place, &view, true);
	}
}

/* Leaves first; watches on the removed node and above hear of it alone. */
static void remove_notify(struct server *server, struct change *change)
{
	struct tree_edit *edit = &change->edit;
	struct node *top = edit->old;
	struct watch_view view;

	if (change->tx)
		return;
	if (change->watched)
		below_notify(server, top);
	view = (struct watch_view){
		.before = top->acl, .parent = edit->parent->acl};
	watch_fire(server, top->place, &view, false);
	edit->old = NULL;
	tree_edit_fini(&server->tree, edit);
	server_node_gone(server, top, change->removed);
}

const struct change_ops change_node_remove = {
	remove_prepare, remove_commit, remove_notify};

static int acl_prepare(struct server *server, struct change *change)
{
	struct tree *tree = tx_tree(server, change->tx);
	const struct tree_pos *pos;
	struct tree_pos own;
	int r;

	/* A guest does not change the owner: the one who pays stays. */
	pos = change_pos(tree, change, &own);
	r = may_replace(server, change, pos->node, change->acl->nr,
		pos->node->value_len);
	if (r)
		return r;
	return tx_prepare(
		change, tree_prep_acl(tree, pos, change->acl, &change->edit));
}

static void acl_commit(struct server *server, struct change *change)
{
	struct tree_edit *edit = &change->edit;

	if (tx_commit(change, TX_ACL))
		return;
	tree_commit(&server->tree, edit);
	domain_node_changed(server, edit->old, edit->new);
}

const struct change_ops change_node_acl = {
	acl_prepare, acl_commit, write_notify};

static void special_commit(struct server *server, struct change *change)
{
	struct acl **acl = &server->special[change->special];

	acl_unref(*acl);
	*acl = acl_ref(change->acl);
}

const struct change_ops change_special_acl = {.commit = special_commit};
