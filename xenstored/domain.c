/* SPDX-License-Identifier: MIT */
/* domain.c - the domains xenstored knows, and what they have used */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/macro.h"
#include "wire/xsring.h"
#include "xenstored/acl.h"
#include "xenstored/change.h"
#include "xenstored/conf.h"
#include "xenstored/conn.h"
#include "xenstored/domain.h"
#include "xenstored/host.h"
#include "xenstored/node.h"
#include "xenstored/server.h"

enum { SCAN_BATCH = 256 };

static void leave_end(struct domain *domain)
{
	struct domains *domains = &domain->server->domains;

	if (!domain->leaving)
		return;
	domain->leaving = false;
	TAILQ_REMOVE(&domains->leaving, domain, at_leaving);
}

/* Out of memory it stays as it is: the next scan goes on. */
static void leave_fail(struct domain *domain)
{
	log_error(
		&domain->log, "domain-check", "cannot let go of a domain yet");
	leave_end(domain);
	server_domains_later(domain->server);
}

static void leave_work(struct loop_work *work)
{
	struct domains *domains = container_of(work, struct domains, leave);
	struct server *server = container_of(domains, struct server, domains);
	size_t budget = DOMAIN_LEAVE_NODES;
	struct domain *domain;

	while (budget && (domain = TAILQ_FIRST(&domains->leaving))) {
		struct change gone = {
			.kind = CHANGE_DOMAIN_GONE, .domain = domain};

		if (change_domain_clear(server, domain, &budget))
			leave_fail(domain);
		else if (LIST_EMPTY(&domain->owned) &&
			 change_apply(server, &gone))
			leave_fail(domain);
	}
	if (!TAILQ_EMPTY(&domains->leaving))
		loop_work_queue(server->loop, work);
}

/* It is dead: nobody hears of it any more. */
static void leave_start(struct domain *domain)
{
	struct domains *domains = &domain->server->domains;

	if (domain->leaving)
		return;
	if (domain->ring)
		conn_kill(domain->ring);
	domain->leaving = true;
	TAILQ_INSERT_TAIL(&domains->leaving, domain, at_leaving);
	loop_work_queue(domain->server->loop, &domains->leave);
}

void domains_init(struct domains *domains)
{
	TAILQ_INIT(&domains->all);
	TAILQ_INIT(&domains->leaving);
	loop_work_init(&domains->leave, leave_work);
	domains->defaults = limits_default;
}

static void domain_limits_changed(struct domain *domain)
{
	for (int i = 0; i < DOMAIN_RESOURCES; i++)
		domain->account[i].limit = domain->limits.resource[i];
	if (domain->ring)
		domain->ring->out.events_max = domain->limits.events;
	txs_age_changed(domain->server);
}

/* The limits of @domid, when those of all are @limits. */
static struct limits limits_for(
	const struct conf *conf, struct limits limits, uint16_t domid)
{
	if (conf)
		conf_apply(conf, domid, &limits);
	return limits;
}

/* Where @has is still @was, it becomes @is. */
static void limits_follow(
	struct limits *has, const struct limits *was, const struct limits *is)
{
	for (int i = 0; i < QUOTAS; i++) {
		enum quota quota = (enum quota)i;

		if (quota_get(has, quota) == quota_get(was, quota))
			quota_set(has, quota, quota_get(is, quota));
	}
}

static void limits_all(const struct domains *domains, const struct conf *conf,
	struct limits *limits)
{
	*limits = limits_default;
	if (conf)
		conf_apply_all(conf, limits);
	for (int i = 0; i < QUOTAS; i++)
		if (domains->fixed_set & 1u << i)
			quota_set(limits, (enum quota)i,
				quota_get(&domains->fixed, (enum quota)i));
}

void domains_limit_fix(struct domains *domains, enum quota quota, size_t value)
{
	static_assert(QUOTAS <= 32, "a bit for each");
	quota_set(&domains->fixed, quota, value);
	quota_set(&domains->defaults, quota, value);
	domains->fixed_set |= 1u << quota;
}

void domains_conf_set(struct server *server, struct conf *conf)
{
	struct domains *domains = &server->domains;
	const struct limits defaults = domains->defaults;
	struct conf *old = domains->conf;
	struct limits was, is;
	struct domain *domain;

	limits_all(domains, old, &was);
	limits_all(domains, conf, &is);
	domains->conf = conf;
	limits_follow(&domains->defaults, &was, &is);
	TAILQ_FOREACH (domain, &domains->all, link) {
		if (domain->priv)
			continue;
		was = limits_for(old, defaults, domain->domid);
		is = limits_for(conf, domains->defaults, domain->domid);
		limits_follow(&domain->limits, &was, &is);
		domain_limits_changed(domain);
	}
	conf_free(old);
}

struct domain *domain_new(struct server *server, uint16_t domid, bool priv)
{
	struct domains *domains = &server->domains;
	struct domain *domain = calloc(1, sizeof(*domain));

	if (!domain)
		return NULL;
	CHECK(domid <= PERM_DOMID_MAX && !domains->by_id[domid]);
	/* 2^32 domains later an old ACL could apply again. */
	CHECK(domains->last_instance < UINT32_MAX);
	domain->server = server;
	domain->domid = domid;
	domain->instance = ++domains->last_instance;
	domain->priv = priv;
	domain->limits =
		priv ? limits_none
		     : limits_for(domains->conf, domains->defaults, domid);
	for (int i = 0; i < DOMAIN_RESOURCES; i++)
		account_init(&domain->account[i], domain->limits.resource[i]);
	LIST_INIT(&domain->owned);
	LIST_INIT(&domain->stubs);
	domain->features = XSRING_FEATURES;
	domain->log.domid = domid;
	domain->log.has_domid = 1;
	domains->by_id[domid] = domain;
	TAILQ_INSERT_TAIL(&domains->all, domain, link);
	return domain;
}

void domain_limit_set(struct domain *domain, enum quota quota, size_t value)
{
	quota_set(&domain->limits, quota, value);
	domain_limits_changed(domain);
}

static void domain_free(struct loop_dead *dead)
{
	struct domain *domain = container_of(dead, struct domain, dead);

	CHECK(LIST_EMPTY(&domain->owned));
	for (int i = 0; i < DOMAIN_RESOURCES; i++)
		account_fini(&domain->account[i]);
	free(domain);
}

void domain_set_target(struct domain *domain, struct domain *target)
{
	if (domain->target)
		LIST_REMOVE(domain, at_target);
	domain->target = target;
	if (target)
		LIST_INSERT_HEAD(&target->stubs, domain, at_target);
}

void domain_kill(struct domain *domain)
{
	struct domains *domains = &domain->server->domains;
	struct domain *stub;

	CHECK(domains->by_id[domain->domid] == domain && !domain->ring);
	leave_end(domain);
	domain_set_target(domain, NULL);
	while ((stub = LIST_FIRST(&domain->stubs)))
		domain_set_target(stub, NULL);
	domains->by_id[domain->domid] = NULL;
	TAILQ_REMOVE(&domains->all, domain, link);
	loop_kill(domain->server->loop, &domain->dead, domain_free);
}

struct domain *domain_find(struct server *server, uint64_t domid)
{
	if (domid > PERM_DOMID_MAX)
		return NULL;
	return server->domains.by_id[domid];
}

/*
 * Is @domain the one that @state, of its domid, is about?  If so, it has that
 * handle from now on.  Who leaves was seen to be dead.
 */
static int domain_is(
	struct domain *domain, const struct host_domain *state, bool *same)
{
	struct host *host = domain->server->host;
	uint32_t remote;
	uint16_t domid;
	int r;

	*same = !domain->leaving &&
		!memcmp(state->handle, domain->handle, sizeof(domain->handle));
	if (*same || !domain->ring)
		return 0;
	r = host->ops->peer(
		host, conn_ring_port(domain->ring), &domid, &remote);
	if (r < 0)
		return err_trace(r);
	*same = !r && domid == domain->domid && remote == domain->remote_port;
	if (*same)
		memcpy(domain->handle, state->handle, sizeof(domain->handle));
	return 0;
}

/* Let go of a record whose domid is @state's, unless it is the same domain. */
static int known_check(struct domain **known, const struct host_domain *state)
{
	struct change gone = {.kind = CHANGE_DOMAIN_GONE, .domain = *known};
	bool same;
	int r = domain_is(*known, state, &same);

	if (r)
		return err_trace(r);
	if (same)
		return 0;
	*known = NULL;
	return change_apply(gone.domain->server, &gone);
}

int domain_get(struct server *server, uint16_t domid, struct domain **domain)
{
	struct host_domain state;
	int r;

	*domain = domain_find(server, domid);
	if (*domain && *domain == server->self)
		return 0;
	if (domid > PERM_DOMID_MAX)
		return ENOENT;
	r = host_domain_get(server->host, domid, &state);
	if (r < 0)
		return err_trace(r);
	if (r || state.dying) {
		if (*domain)
			leave_start(*domain);
		return ENOENT;
	}
	if (*domain) {
		r = known_check(domain, &state);
		if (r || *domain)
			return r;
	}
	/* Domain 0 is not us with --master-domid; it rules the host still. */
	*domain = domain_new(
		server, domid, !domid || domid == server->priv_domid);
	if (!*domain)
		return ENOMEM;
	memcpy((*domain)->handle, state.handle, sizeof(state.handle));
	return 0;
}

struct domain *domain_owner(struct server *server, const struct acl *acl)
{
	const struct acl_entry *owner = acl_owner(acl);
	struct domain *domain = domain_find(server, owner->domid);

	/* The nodes of an instance go before the instance does. */
	CHECK(domain && domain->instance == owner->instance);
	return domain;
}

/* The slot and the index in the directory it is in. */
enum { NODE_SLOT = 2 * sizeof(void *) };

size_t domain_node_cost(size_t acl_nr, size_t name_len, size_t value_len)
{
	return sizeof(struct node) + sizeof(struct place) + NODE_SLOT +
	       sizeof(struct acl) + acl_nr * sizeof(struct acl_entry) +
	       name_len + value_len;
}

static size_t cost_of(const struct node *node)
{
	return domain_node_cost(
		node->acl->nr, node->place->len, node->value_len);
}

int domain_may_grow(struct domain *owner, size_t nodes, size_t bytes)
{
	if (nodes && !account_has_room(&owner->account[DOMAIN_NODES], nodes))
		return quota_refused(owner, QUOTA_NODES);
	if (bytes && !account_has_room(&owner->account[DOMAIN_MEMORY], bytes))
		return quota_refused(owner, QUOTA_MEMORY);
	return 0;
}

static void memory_take(struct domain *owner, size_t bytes)
{
	account_force(&owner->account[DOMAIN_MEMORY], bytes);
	quota_soft_check(owner);
}

void domain_node_added(struct server *server, struct node *node)
{
	struct domain *owner = domain_owner(server, node->acl);

	account_force(&owner->account[DOMAIN_NODES], 1);
	LIST_INSERT_HEAD(&owner->owned, node->place, owned);
	server->txs.current += node_version_size(node);
	memory_take(owner, cost_of(node));
}

void domain_node_removed(struct server *server, struct node *node)
{
	struct domain *owner = domain_owner(server, node->acl);

	account_give(&owner->account[DOMAIN_NODES], 1);
	account_give(&owner->account[DOMAIN_MEMORY], cost_of(node));
	LIST_REMOVE(node->place, owned);
	server->txs.current -= node_version_size(node);
}

void domain_node_changed(
	struct server *server, struct node *old, struct node *new)
{
	struct domain *owner = domain_owner(server, old->acl);
	size_t was = cost_of(old), is = cost_of(new);

	if (domain_owner(server, new->acl) != owner) {
		domain_node_removed(server, old);
		domain_node_added(server, new);
		return;
	}
	server->txs.current += node_version_size(new) - node_version_size(old);
	account_give(&owner->account[DOMAIN_MEMORY], was);
	memory_take(owner, is);
}

/* What became of @domain, when @state is what its domid is now. */
static void domain_check(struct domain *domain, const struct host_domain *state)
{
	struct change change = {
		.kind = CHANGE_DOMAIN_SHUTDOWN, .domain = domain};
	bool same = false;

	if (state && !state->dying && domain_is(domain, state, &same)) {
		log_error(&domain->log, "domain-scan",
			"cannot tell whether a domain lives");
		server_domains_later(domain->server);
		return;
	}
	if (!same)
		leave_start(domain);
	else if (state->shutdown && !domain->shutdown)
		/* There is nothing to prepare. */
		CHECK(!change_apply(domain->server, &change));
}

static int by_domid(const void *a, const void *b)
{
	const struct domain *const *x = a, *const *y = b;

	return (*x)->domid - (*y)->domid;
}

/*
 * Both sides in the order of domids, side by side.  Records are only looked
 * at while the hypervisor answered completely: a scan that failed half way
 * must not kill anybody.
 */
static int scan(struct server *server, struct host_domain *states, size_t *nr)
{
	unsigned first = 0;

	*nr = 0;
	while (first <= PERM_DOMID_MAX) {
		int n = server->host->ops->domains(server->host,
			(uint16_t)first, states + *nr, SCAN_BATCH);

		if (n < 0)
			return err_trace(n);
		if (!n)
			break;
		*nr += (size_t)n;
		if (states[*nr - 1].domid < first)
			return err_trace(-EIO);
		first = states[*nr - 1].domid + 1u;
	}
	return 0;
}

void domain_check_all(struct server *server)
{
	struct host_domain *states;
	struct domain **known, *domain;
	size_t states_nr, nr = 0, at = 0;

	TAILQ_FOREACH (domain, &server->domains.all, link)
		nr++;
	known = calloc(nr + 1, sizeof(struct domain *));
	/* At most one batch more than there can be domids. */
	states = calloc(PERM_DOMID_MAX + 1 + SCAN_BATCH, sizeof(*states));
	if (!known || !states || scan(server, states, &states_nr)) {
		log_error(
			NULL, "domain-scan", "cannot tell which domains live");
		/* A death is told once: nobody else would come back to it. */
		server_domains_later(server);
		goto out;
	}
	nr = 0;
	TAILQ_FOREACH (domain, &server->domains.all, link)
		if (domain != server->self)
			known[nr++] = domain;
	qsort(known, nr, sizeof(struct domain *), by_domid);
	for (size_t i = 0; i < nr; i++) {
		while (at < states_nr && states[at].domid < known[i]->domid)
			at++;
		domain_check(known[i],
			at < states_nr && states[at].domid == known[i]->domid
				? &states[at]
				: NULL);
	}
out:
	free(states);
	free(known);
}
