/* SPDX-License-Identifier: MIT */
/* change_tx.c - the commit of a transaction */
#include <errno.h>

#include "xenstored/acl.h"
#include "xenstored/change.h"
#include "xenstored/conn.h"
#include "xenstored/domain.h"
#include "xenstored/place.h"
#include "xenstored/server.h"
#include "xenstored/tx.h"

/* Nodes that come must have an owner who lives: it may have died meanwhile. */
static bool owners_live(struct server *server, const struct tx *tx)
{
	for (uint32_t i = 0; i < tx->set.nr; i++) {
		const struct tx_entry *e = &tx->set.entry[i];
		const struct acl_entry *owner;
		const struct domain *domain;
		const struct node *node;

		if (!(e->writes & (TX_CREATED | TX_ACL)))
			continue;
		node = tree_node_at(tx->tree.root, e->place);
		if (!node)
			continue;
		owner = acl_owner(node->acl);
		domain = domain_find(server, owner->domid);
		if (!domain || domain->instance != owner->instance)
			return false;
	}
	return true;
}

/* What @e adds to a node of somebody else's, who pays for it. */
static size_t foreign_growth(struct server *server, const struct tx *tx,
	const struct tx_entry *e, struct domain **owner)
{
	const struct node *now;
	size_t was, is;

	if (!e->base || !(e->writes & (TX_VALUE | TX_ACL)))
		return 0;
	now = tree_node_at(tx->tree.root, e->place);
	if (!now)
		return 0;
	*owner = domain_owner(server, now->acl);
	if (*owner == tx->conn->domain)
		return 0;
	was = domain_node_cost(e->base->acl->nr, 0, e->base->value_len);
	is = domain_node_cost(now->acl->nr, 0, now->value_len);
	return is > was ? is - was : 0;
}

/*
 * Have the others whose nodes a guest makes larger room for all of it?  For
 * its own nodes the transaction has taken more already.
 */
static int others_may_grow(struct server *server, const struct tx *tx)
{
	struct domain *owner = NULL;

	for (uint32_t i = 0; i < tx->set.nr; i++)
		if (foreign_growth(server, tx, &tx->set.entry[i], &owner))
			owner->growth = 0;
	for (uint32_t i = 0; i < tx->set.nr; i++) {
		size_t bytes =
			foreign_growth(server, tx, &tx->set.entry[i], &owner);
		int r;

		if (!bytes)
			continue;
		owner->growth += bytes;
		r = domain_may_grow(owner, 0, owner->growth);
		if (r)
			return r;
	}
	return 0;
}

/*
 * The limit counts what the guest owns then: others may have come meanwhile.
 */
static int commit_prepare(struct server *server, struct change *change)
{
	struct tx *tx = change->tx;
	int r;

	if (!tx->wrote)
		return tx_holds(tx) ? 0 : EAGAIN;
	if (turn_forbids(tx))
		return EAGAIN;
	r = tx_rebase(tx);
	if (r)
		return r;
	if (!owners_live(server, tx))
		return EAGAIN;
	if (tx->conn->domain->priv)
		return 0;
	if (!tx_has_room(tx, 0))
		return quota_refused(tx->conn->domain, QUOTA_NODES);
	return others_may_grow(server, tx);
}

/* The node that @e is about was removed with all below, by nobody above. */
static bool is_top_removed(const struct tx *tx, const struct tx_entry *e)
{
	return e->writes & TX_REMOVED && !tx_removed_above(tx, e->place);
}

static void subtree_removed(struct server *server, const struct node *top)
{
	struct node *node;

	node_walk_start(&server->walk, (struct node *)(uintptr_t)top);
	while ((node = node_walk_next(&server->walk)))
		domain_node_removed(server, node);
}

static void entry_account(struct server *server, const struct tx_entry *e)
{
	struct node *now = tree_node_at(server->tree.root, e->place);

	if (!now || !(e->writes & (TX_CREATED | TX_VALUE | TX_ACL)))
		return;
	if (!(e->writes & TX_CREATED)) {
		domain_node_removed(server, (struct node *)(uintptr_t)e->base);
	}
	domain_node_added(server, now);
}

static void commit_commit(struct server *server, struct change *change)
{
	struct tx *tx = change->tx;
	const struct tx_set *set = &tx->set;

	if (!tx->wrote)
		return;
	/* base, which is the root, stays with the transaction. */
	node_unref(server->places, server->tree.root);
	server->tree.root = tx->tree.root;
	tx->tree.root = NULL;
	tx_own_set(tx, 0);
	/* All that goes first: a place is in the list of one owner. */
	for (uint32_t i = 0; i < set->nr; i++)
		if (is_top_removed(tx, &set->entry[i]))
			subtree_removed(server, set->entry[i].base);
	for (uint32_t i = 0; i < set->nr; i++)
		entry_account(server, &set->entry[i]);
}

static const struct acl *acl_of(const struct node *node)
{
	return node ? node->acl : NULL;
}

/* The node above @place, which is there if that at @place is. */
static const struct acl *acl_above(struct node *root, const struct place *place)
{
	if (!place->parent)
		return NULL;
	return acl_of(tree_node_at(root, place->parent));
}

/*
 * Watches below what was removed hear of exactly their node, as outside; but
 * after it, in the order in which C xenstored's transaction comes by.
 */
static void notify_below(struct server *server, const struct node *top)
{
	struct node_walk *walk = &server->walk;
	struct node *node;

	node_walk_start(walk, (struct node *)(uintptr_t)top);
	while ((node = node_walk_down(walk))) {
		struct watch_view view = {.before = node->acl};

		view.after =
			acl_of(tree_node_at(server->tree.root, node->place));
		view.parent = walk->step[walk->depth - 2].node->acl;
		watch_fire(server, node->place, &view, true);
	}
}

static void entry_notify(
	struct server *server, const struct tx *tx, const struct tx_entry *e)
{
	struct node *now = tree_node_at(server->tree.root, e->place);
	struct watch_view view = {
		.before = acl_of(e->base), .after = acl_of(now)};

	/* Created and removed again: nothing has happened. */
	if (e->writes & TX_EVENT && (e->base || now)) {
		view.parent =
			acl_above(now ? server->tree.root : tx->base, e->place);
		watch_fire(server, e->place, &view, false);
	}
	if (is_top_removed(tx, e))
		notify_below(server, e->base);
}

static void commit_notify(struct server *server, struct change *change)
{
	const struct tx *tx = change->tx;

	for (uint32_t i = 0; tx->wrote && i < tx->set.nr; i++)
		entry_notify(server, tx, &tx->set.entry[i]);
}

const struct change_ops change_tx_commit = {
	commit_prepare, commit_commit, commit_notify};
