/* SPDX-License-Identifier: MIT */
/* change_domain.c - domains come, shut down, and go */
#include <errno.h>
#include <string.h>

#include "common/wr.h"
#include "xenstored/acl.h"
#include "xenstored/change.h"
#include "xenstored/conn.h"
#include "xenstored/domain.h"
#include "xenstored/host.h"
#include "xenstored/place.h"
#include "xenstored/server.h"

/*
 * A port is bound to one other.  INTRODUCE again with the port that the
 * connection has, which is the other end of ours, goes on with it.
 */
static int port_bind(struct server *server, struct change *change)
{
	struct host *host = server->host;
	struct domain *domain = change->domain;
	int r;

	r = host->ops->bind(
		host, change->domid, change->port, &change->local_port);
	if (!r) {
		r = server_port_reserve(server, change->local_port);
		if (r)
			host->ops->unbind(host, change->local_port);
		return r;
	}
	if (!domain->ring || domain->remote_port != change->port)
		return r;
	change->local_port = conn_ring_port(domain->ring);
	return 0;
}

static int introduce_prepare(struct server *server, struct change *change)
{
	struct host *host = server->host;
	int r;

	r = domain_get(server, change->domid, &change->domain);
	if (!r)
		r = port_bind(server, change);
	if (r)
		return r;
	change->fresh = !change->domain->ring;
	if (!change->fresh)
		return 0;
	r = host->ops->map(host, change->domid, &change->page);
	if (!r) {
		r = conn_ring_new(change->domain, change->page,
			change->local_port, &change->domain->ring);
		if (r)
			host->ops->unmap(host, change->domid, change->page);
	}
	if (r)
		host->ops->unbind(host, change->local_port);
	return r;
}

static void introduce_commit(struct server *server, struct change *change)
{
	struct domain *domain = change->domain;

	if (!change->fresh)
		conn_ring_restart(domain->ring, change->local_port);
	domain->remote_port = change->port;
	change->fresh = !domain->introduced;
	domain->introduced = true;
}

static void introduce_notify(struct server *server, struct change *change)
{
	if (!change->fresh)
		return;
	watch_fire_special(server, WATCH_INTRODUCE);
	watch_fire_special_domain(
		server, WATCH_INTRODUCE, change->domain->domid);
}

const struct change_ops change_domain_introduce = {
	introduce_prepare, introduce_commit, introduce_notify};

static void shutdown_commit(struct server *server, struct change *change)
{
	change->domain->shutdown = true;
}

static void shutdown_notify(struct server *server, struct change *change)
{
	if (!change->domain->introduced)
		return;
	watch_fire_special_domain(server, WATCH_RELEASE, change->domain->domid);
	watch_fire_special(server, WATCH_RELEASE);
}

const struct change_ops change_domain_shutdown = {
	.commit = shutdown_commit, .notify = shutdown_notify};

/* The node at @place, with @path, goes to the daemon's domain. */
static int node_reclaim(
	struct server *server, const struct place *place, const char *path)
{
	struct change acl = {.kind = CHANGE_NODE_ACL, .path = path};
	struct node *node = tree_node_at(server->tree.root, place);
	int r;

	acl.acl = acl_with_owner(
		node->acl, server->self->domid, server->self->instance);
	if (!acl.acl)
		return ENOMEM;
	r = change_apply(server, &acl);
	acl_unref(acl.acl);
	return r;
}

/* *removed: how many nodes that was. */
static int node_remove(struct server *server, const char *path, size_t *removed)
{
	struct change remove = {.kind = CHANGE_NODE_REMOVE, .path = path};
	int r = change_apply(server, &remove);

	*removed = remove.removed;
	return r;
}

/* The tree at or above @place that @domain owns, or only the node there. */
static int place_clear(struct server *server, const struct domain *domain,
	const struct place *place, size_t *removed)
{
	const struct node *top = NULL;
	char path[PATH_ABS_MAX + 1];
	struct wr wr;

	if (!server->keep_orphans)
		top = tree_owned_at(server->tree.root, place, domain->domid,
			domain->instance);
	if (top)
		place = top->place;
	wr_init(&wr, path, sizeof(path));
	place_emit(place, &wr);
	wr_bytes(&wr, "", 1);
	CHECK(wr_ok(&wr));
	*removed = 1;
	if (server->keep_orphans || !place->parent)
		return node_reclaim(server, place, path);
	return node_remove(server, path, removed);
}

/*
 * The nodes go with all below them, so that watchers hear of them before they
 * hear of the domain: once for each tree, as of any removal.  The root cannot
 * be removed.
 *
 * Lists of others that name the domain are not looked for: an entry of an
 * instance that is over never applies and is never shown (XSA-322).
 */
int change_domain_clear(
	struct server *server, struct domain *domain, size_t *budget)
{
	const struct place *place;
	int r = 0;

	if (domain->ring)
		conn_kill(domain->ring);
	while (!r && *budget && (place = LIST_FIRST(&domain->owned))) {
		size_t nr;

		r = place_clear(server, domain, place, &nr);
		*budget -= nr < *budget ? nr : *budget;
	}
	return r;
}

/*
 * Out of memory half way, the domain stays as it is then, and the next look
 * at it goes on.
 */
static int gone_prepare(struct server *server, struct change *change)
{
	size_t budget = SIZE_MAX;

	return change_domain_clear(server, change->domain, &budget);
}

static void gone_commit(struct server *server, struct change *change)
{
	domain_kill(change->domain);
}

static void gone_notify(struct server *server, struct change *change)
{
	struct domain *domain = change->domain;

	/* The record is still there until the turn ends. */
	if (!domain->introduced)
		return;
	watch_fire_special(server, WATCH_RELEASE);
	watch_fire_special_domain(server, WATCH_RELEASE, domain->domid);
}

const struct change_ops change_domain_gone = {
	gone_prepare, gone_commit, gone_notify};

static void resume_commit(struct server *server, struct change *change)
{
	change->domain->shutdown = false;
}

const struct change_ops change_domain_resume = {.commit = resume_commit};

static void target_commit(struct server *server, struct change *change)
{
	domain_set_target(change->domain, change->target);
}

const struct change_ops change_domain_target = {.commit = target_commit};

static void features_commit(struct server *server, struct change *change)
{
	change->domain->features = change->features;
}

const struct change_ops change_domain_features = {.commit = features_commit};

static void quota_commit(struct server *server, struct change *change)
{
	if (change->domain)
		domain_limit_set(change->domain, change->quota, change->limit);
	else
		quota_set(&server->domains.defaults, change->quota,
			change->limit);
}

const struct change_ops change_quota = {.commit = quota_commit};
