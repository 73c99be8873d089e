/* SPDX-License-Identifier: MIT */
/* control_quota.c - CONTROL: limits, what is used, the most that was */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/str.h"
#include "wire/perm.h"
#include "xenstored/change.h"
#include "xenstored/conn.h"
#include "xenstored/control.h"
#include "xenstored/dispatch.h"
#include "xenstored/domain.h"
#include "xenstored/quota.h"
#include "xenstored/server.h"
#include "xenstored/tx.h"

/* The account behind @quota; NULL when nothing is counted for it. */
static struct account *account_of(struct domain *domain, enum quota quota)
{
	switch ((int)quota) {
	case QUOTA_NODES: return &domain->account[DOMAIN_NODES];
	case QUOTA_WATCHES: return &domain->account[DOMAIN_WATCHES];
	case QUOTA_MEMORY:
	case QUOTA_SOFT_MEMORY: return &domain->account[DOMAIN_MEMORY];
	default: return NULL;
	}
}

static int domain_arg(struct control *c, unsigned i, struct domain **domain)
{
	uint64_t domid;
	int r = str_to_u64(c->arg[i], PERM_DOMID_MAX, &domid);

	if (r)
		return r;
	*domain = domain_find(c->server, domid);
	return *domain ? 0 : ENOENT;
}

static int show_limits(struct control *c)
{
	text_line(&c->text, "Quota settings:");
	for (int i = 0; i < QUOTAS; i++) {
		enum quota quota = (enum quota)i;

		if (quota != QUOTA_SOFT_MEMORY)
			text_line(&c->text, "%-17s: %8" PRIu64 " %s",
				quota_name(quota),
				quota_get_wire(
					&c->server->domains.defaults, quota),
				quota_about(quota));
	}
	return 0;
}

static int show_domain(struct control *c)
{
	struct domain *domain;
	int r;

	if (c->nr != 1)
		return EINVAL;
	r = domain_arg(c, 0, &domain);
	if (r)
		return r;
	text_line(&c->text, "Domain %u values:", domain->domid);
	for (int i = 0; i < QUOTAS; i++) {
		enum quota quota = (enum quota)i;
		const struct account *account = account_of(domain, quota);
		uint64_t limit = quota_get_wire(&domain->limits, quota);
		uint64_t refused = domain->refused[i].count;

		if (account)
			text_line(&c->text,
				"%-17s: used=%zu high=%zu limit=%" PRIu64
				" refused=%" PRIu64,
				quota_name(quota), account->used, account->high,
				limit, refused);
		else
			text_line(&c->text,
				"%-17s: limit=%" PRIu64 " refused=%" PRIu64,
				quota_name(quota), limit, refused);
	}
	return 0;
}

/* The most that any guest had at once, since the start or the last -r. */
static int show_max(struct control *c)
{
	bool reset = c->nr == 2 && !strcmp(c->arg[1], "-r");
	size_t max[DOMAIN_RESOURCES] = {0};
	struct domain *domain;

	if (c->nr != 1 && !reset)
		return EINVAL;
	TAILQ_FOREACH (domain, &c->server->domains.all, link) {
		for (int i = 0; i < DOMAIN_RESOURCES && !domain->priv; i++) {
			struct account *account = &domain->account[i];

			if (account->high > max[i])
				max[i] = account->high;
			if (reset)
				account->high = account->used;
		}
	}
	text_line(&c->text, "Max. used accounting values:");
	text_line(&c->text, "%-17s: %8zu", "nodes", max[DOMAIN_NODES]);
	text_line(&c->text, "%-17s: %8zu", "watches", max[DOMAIN_WATCHES]);
	text_line(&c->text, "%-17s: %8zu", "memory", max[DOMAIN_MEMORY]);
	return 0;
}

/* The default, and every guest that has the old one. */
static int set_default(struct control *c, enum quota quota, size_t limit)
{
	struct server *server = c->server;
	size_t old = quota_get(&server->domains.defaults, quota);
	struct change change = {.kind = CHANGE_QUOTA,
		.conn = c->req->conn,
		.quota = quota,
		.limit = limit};
	struct domain *domain;
	int r = change_apply(server, &change);

	TAILQ_FOREACH (domain, &server->domains.all, link) {
		if (r || domain->priv ||
			quota_get(&domain->limits, quota) != old)
			continue;
		change.domain = domain;
		r = change_apply(server, &change);
	}
	return r;
}

static int set(struct control *c)
{
	struct change change = {.kind = CHANGE_QUOTA, .conn = c->req->conn};
	int r;

	if (c->nr != 3 && c->nr != 4)
		return EINVAL;
	r = quota_find(c->arg[1], &change.quota);
	if (!r)
		r = quota_parse(change.quota, c->arg[2], &change.limit);
	if (r)
		return r;
	if (c->nr == 3)
		return set_default(c, change.quota, change.limit);
	r = domain_arg(c, 3, &change.domain);
	if (!r && change.domain->priv)
		r = EINVAL;
	return r ? r : change_apply(c->server, &change);
}

int control_quota(struct control *c)
{
	if (!c->nr)
		return show_limits(c);
	if (!strcmp(c->arg[0], "set"))
		return set(c);
	if (!strcmp(c->arg[0], "max"))
		return show_max(c);
	return show_domain(c);
}

int control_quota_soft(struct control *c)
{
	size_t limit;
	int r;

	if (!c->nr) {
		text_line(&c->text, "Quota settings:");
		text_line(&c->text, "%-17s: %8" PRIu64 " %s", "memory",
			quota_get_wire(&c->server->domains.defaults,
				QUOTA_SOFT_MEMORY),
			quota_about(QUOTA_SOFT_MEMORY));
		return 0;
	}
	if (c->nr != 3 || strcmp(c->arg[0], "set") != 0 ||
		(strcmp(c->arg[1], "memory") != 0 &&
			strcmp(c->arg[1], "soft-memory") != 0))
		return EINVAL;
	r = quota_parse(QUOTA_SOFT_MEMORY, c->arg[2], &limit);
	return r ? r : set_default(c, QUOTA_SOFT_MEMORY, limit);
}
