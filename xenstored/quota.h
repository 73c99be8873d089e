/* SPDX-License-Identifier: MIT */
/*
 * quota.h - the limits of guests, by the names operators know
 *
 * DOC: Limits
 *
 * A domain has its limits in a struct limits, which was copied from the
 * defaults when its record was made.  The names are those of Xen's
 * xenstored.  On the wire 0 is "unlimited"; in memory that is
 * QUOTA_UNLIMITED, so that comparing is all it takes.
 *
 * A limit of N allows exactly N.  Lowering a limit below what is in use takes
 * nothing away; it only refuses more.
 *
 * Every refusal is counted, and written to the log once per burst: domain,
 * quota and limit, never a path or a value.
 */
#ifndef BH_XENSTORED_QUOTA_H
#define BH_XENSTORED_QUOTA_H

#include <stddef.h>
#include <stdint.h>

#include "common/account.h"
#include "common/err.h"

struct domain;

#define QUOTA_UNLIMITED ACCOUNT_UNLIMITED

enum domain_resource {
	DOMAIN_NODES,   /* nodes it owns, wherever they are */
	DOMAIN_WATCHES, /* watches of its connection */
	DOMAIN_MEMORY,  /* bytes of nodes, watches, undelivered messages */
	DOMAIN_RESOURCES,
};

/* Limits of guests; the privileged domain has none. */
struct limits {
	size_t resource[DOMAIN_RESOURCES];
	size_t soft_memory;  /* bytes from which on the log warns */
	size_t outstanding;  /* requests whose reply is undelivered */
	size_t events;       /* undelivered events */
	size_t transactions; /* open ones */
	size_t tx_nodes;     /* nodes one transaction has touched */
	size_t tx_age;       /* seconds one transaction may stay open */
	size_t node_size;    /* bytes of a value */
	size_t node_perms;   /* entries of an ACL */
	size_t path_max;     /* see wire/path.h */
};

enum quota {
	QUOTA_NODES,
	QUOTA_WATCHES,
	QUOTA_OUTSTANDING,
	QUOTA_MEMORY,
	QUOTA_SOFT_MEMORY,
	QUOTA_TRANSACTIONS,
	QUOTA_TX_NODES,
	QUOTA_NODE_PERMS,
	QUOTA_PATH_MAX,
	QUOTA_NODE_SIZE,
	QUOTA_EVENTS,
	QUOTA_TX_AGE,
	QUOTAS,
};

/* Refusals of one quota of one domain.  All zero: there was none. */
struct quota_log {
	uint64_t count;  /* all there ever were */
	uint64_t logged; /* as many were there with the last line */
	uint64_t stamp;  /* of that line, ns; 0: never */
};

/* What guests get when nobody says otherwise, and the privileged domain. */
extern const struct limits limits_default, limits_none;

/* The name of @quota, and one line about it, for people. */
const char *quota_name(enum quota quota);
const char *quota_about(enum quota quota);

/* The quota called @name: 0 or EINVAL. */
int quota_find(const char *name, enum quota *quota) __must_check;

/*
 * quota_parse - the limit for @quota in the decimal string @s
 *
 * 0 or EINVAL; "0" gives QUOTA_UNLIMITED.
 */
int quota_parse(enum quota quota, const char *s, size_t *value) __must_check;

size_t quota_get(const struct limits *limits, enum quota quota);
void quota_set(struct limits *limits, enum quota quota, size_t value);

/* The same as a number for the wire: 0 is unlimited. */
uint64_t quota_get_wire(const struct limits *limits, enum quota quota);

/*
 * quota_refused - @domain was refused something by @quota: count and log it
 *
 * Returns the errno for the client: ENOMEM for memory, else ENOSPC.
 */
int quota_refused(struct domain *domain, enum quota quota);

/* The same, of what was refused already: the next line tells how often. */
void quota_refused_again(struct domain *domain, enum quota quota);

/* @domain has taken memory: say so once per burst if it is a lot. */
void quota_soft_check(struct domain *domain);

#endif
