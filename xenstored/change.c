/* SPDX-License-Identifier: MIT */
/* change.c - the one place where the state of the store changes */
#include "xenstored/change.h"
#include "xenstored/place.h"
#include "xenstored/server.h"

static const struct change_ops *const kinds[CHANGE_KINDS] = {
	[CHANGE_NODE_WRITE] = &change_node_write,
	[CHANGE_NODE_REMOVE] = &change_node_remove,
	[CHANGE_NODE_ACL] = &change_node_acl,
	[CHANGE_SPECIAL_ACL] = &change_special_acl,
	[CHANGE_TX_COMMIT] = &change_tx_commit,
	[CHANGE_WATCH_ADD] = &change_watch_add,
	[CHANGE_WATCH_REMOVE] = &change_watch_remove,
	[CHANGE_WATCHES_RESET] = &change_watches_reset,
	[CHANGE_DOMAIN_INTRODUCE] = &change_domain_introduce,
	[CHANGE_DOMAIN_SHUTDOWN] = &change_domain_shutdown,
	[CHANGE_DOMAIN_GONE] = &change_domain_gone,
	[CHANGE_DOMAIN_RESUME] = &change_domain_resume,
	[CHANGE_DOMAIN_TARGET] = &change_domain_target,
	[CHANGE_DOMAIN_FEATURES] = &change_domain_features,
	[CHANGE_QUOTA] = &change_quota,
};

static int apply(struct server *server, struct change *change)
{
	const struct change_ops *ops = kinds[change->kind];
	int r;

	r = ops->prepare ? ops->prepare(server, change) : 0;
	if (r)
		return r;
	ops->commit(server, change);
	if (ops->notify)
		ops->notify(server, change);
	return 0;
}

int change_apply(struct server *server, struct change *change)
{
	const size_t *all = places_versions(server->places);
	size_t was = *all;
	int r = apply(server, change);

	/*
	 * Within a transaction its fork has become larger or smaller, and
	 * nothing else: its base keeps all the fork had from there.
	 */
	if (change->tx && change->kind != CHANGE_TX_COMMIT)
		tx_own_set(change->tx, change->tx->own + (*all - was));
	else
		txs_check(server);
	return r;
}
