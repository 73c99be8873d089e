/* SPDX-License-Identifier: MIT */
/* quota.c - the limits of guests, by the names operators know */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "common/log.h"
#include "common/str.h"
#include "wire/path.h"
#include "xenstored/domain.h"
#include "xenstored/quota.h"

/* Refusals closer together than this to the last line are one burst. */
#define BURST_NS (10 * UINT64_C(1000000000))

const struct limits limits_default = {
	.resource =
		{
			[DOMAIN_NODES] = 1000,
			[DOMAIN_WATCHES] = 128,
			[DOMAIN_MEMORY] = 2560 * 1024,
		},
	.soft_memory = 2048 * 1024,
	.outstanding = 20,
	.events = 1024,
	.transactions = 10,
	.tx_nodes = 1024,
	.tx_age = 60,
	.node_size = 2048,
	.node_perms = 5,
	.path_max = PATH_REL_MAX,
};

const struct limits limits_none = {
	.resource =
		{
			[DOMAIN_NODES] = QUOTA_UNLIMITED,
			[DOMAIN_WATCHES] = QUOTA_UNLIMITED,
			[DOMAIN_MEMORY] = QUOTA_UNLIMITED,
		},
	.soft_memory = QUOTA_UNLIMITED,
	.outstanding = 1024,
	.events = 16384,
	.transactions = QUOTA_UNLIMITED,
	.tx_nodes = QUOTA_UNLIMITED,
	.tx_age = QUOTA_UNLIMITED,
	.node_size = QUOTA_UNLIMITED,
	.node_perms = QUOTA_UNLIMITED,
	.path_max = QUOTA_UNLIMITED,
};

struct quota_row {
	const char *name;
	const char *alias; /* of older versions; NULL: none */
	size_t at;         /* offset in struct limits */
	uint32_t max;
	const char *about;
};

#define ROW(id, name, alias, field, max, about) \
	[QUOTA_##id] = {name, alias, offsetof(struct limits, field), max, about}

static const struct quota_row rows[QUOTAS] = {
	ROW(NODES, "nodes", NULL, resource[DOMAIN_NODES], UINT32_MAX,
		"nodes owned, wherever they are"),
	ROW(WATCHES, "watches", NULL, resource[DOMAIN_WATCHES], UINT32_MAX,
		"watches set"),
	ROW(OUTSTANDING, "outstanding", NULL, outstanding, UINT32_MAX,
		"requests whose replies are undelivered"),
	ROW(MEMORY, "memory", NULL, resource[DOMAIN_MEMORY], UINT32_MAX,
		"bytes of nodes, watches, undelivered messages"),
	ROW(SOFT_MEMORY, "soft-memory", NULL, soft_memory, UINT32_MAX,
		"bytes from which on the log warns"),
	ROW(TRANSACTIONS, "transactions", NULL, transactions, UINT32_MAX,
		"open transactions"),
	ROW(TX_NODES, "transaction-nodes", NULL, tx_nodes, UINT32_MAX,
		"nodes touched by one transaction"),
	ROW(NODE_PERMS, "node-permissions", "permissions", node_perms,
		UINT32_MAX, "entries in the permissions of a node"),
	ROW(PATH_MAX, "path-max", NULL, path_max, PATH_REL_MAX,
		"bytes of a path, behind the home"),
	ROW(NODE_SIZE, "node-size", NULL, node_size, UINT32_MAX,
		"bytes of a value"),
	ROW(EVENTS, "events", NULL, events, UINT32_MAX, "undelivered events"),
	ROW(TX_AGE, "transaction-age", NULL, tx_age, UINT32_MAX,
		"seconds a transaction may stay open"),
};

const char *quota_name(enum quota quota)
{
	return rows[quota].name;
}

const char *quota_about(enum quota quota)
{
	return rows[quota].about;
}

int quota_find(const char *name, enum quota *quota)
{
	for (int i = 0; i < QUOTAS; i++) {
		const char *alias = rows[i].alias;

		if (strcmp(name, rows[i].name) != 0 &&
			(!alias || strcmp(name, alias) != 0))
			continue;
		*quota = (enum quota)i;
		return 0;
	}
	return EINVAL;
}

int quota_parse(enum quota quota, const char *s, size_t *value)
{
	uint64_t number;
	int r = str_to_u64(s, rows[quota].max, &number);

	if (r)
		return r;
	*value = number ? (size_t)number : QUOTA_UNLIMITED;
	return 0;
}

size_t quota_get(const struct limits *limits, enum quota quota)
{
	size_t value;

	memcpy(&value, (const char *)limits + rows[quota].at, sizeof(value));
	return value;
}

void quota_set(struct limits *limits, enum quota quota, size_t value)
{
	memcpy((char *)limits + rows[quota].at, &value, sizeof(value));
}

uint64_t quota_get_wire(const struct limits *limits, enum quota quota)
{
	size_t value = quota_get(limits, quota);

	return value == QUOTA_UNLIMITED ? 0 : value;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void count(struct domain *domain, enum quota quota, const char *what)
{
	struct quota_log *q = &domain->refused[quota];
	uint64_t now = now_ns();

	q->count++;
	if (q->stamp && now - q->stamp < BURST_NS)
		return;
	log_warn(&domain->log, "quota",
		"%s quota %s, limit %" PRIu64 ", %" PRIu64
		" times since the last such line",
		what, rows[quota].name, quota_get_wire(&domain->limits, quota),
		q->count - q->logged);
	q->stamp = now;
	q->logged = q->count;
}

int quota_refused(struct domain *domain, enum quota quota)
{
	count(domain, quota, "refused by");
	return quota == QUOTA_MEMORY ? ENOMEM : ENOSPC;
}

void quota_refused_again(struct domain *domain, enum quota quota)
{
	domain->refused[quota].count++;
}

void quota_soft_check(struct domain *domain)
{
	const struct account *memory = &domain->account[DOMAIN_MEMORY];

	if (__builtin_expect(memory->used > domain->limits.soft_memory, 0))
		count(domain, QUOTA_SOFT_MEMORY, "over");
}
