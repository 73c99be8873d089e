/* SPDX-License-Identifier: MIT */
/*
 * domain.h - the domains xenstored knows, and what they have used
 *
 * DOC: Life of a domain record
 *
 *   unknown -> known: named in an ACL, or INTRODUCEd; the hypervisor was
 *                     asked, and the record gets an instance number of its own
 *   known -> introduced: INTRODUCE; has a ring connection
 *   introduced: a protocol violation only has the connection ignored, the
 *               record stays as long as the domain (XSA-325)
 *   any -> leaving: death, or the domid turns out to be somebody else's.  The
 *                   connection and its watches go at once, its nodes in
 *                   parts: trees, until DOMAIN_LEAVE_NODES nodes or more of
 *                   all that leave are gone in a turn.  A tree is not
 *                   divided, or watchers would hear of each part: how large
 *                   one can be is a matter of quotas
 *   any -> gone: RELEASE; a request names its domid (domain_get()), which is
 *                another domain's; or it was leaving and has no nodes left
 *
 * When a record goes, entries of ACLs stop to apply since the instance is
 * over.  The memory is freed at the end of the turn.
 *
 * DOC: Is it still the same domain?
 *
 * A domid is used again, and we may look too late to see that nobody had it
 * in between.  The handle (UUID) alone does not tell: toolstacks change that
 * of a living domain (XEN_DOMCTL_setdomainhandle), some at the start of each
 * destruction.  Of a domain with a ring the event channel is the proof: the
 * hypervisor closes the guest's end when the guest begins to die, and nobody
 * but INTRODUCE, which looks at this first, connects ours anew.  (Besides, Xen
 * keeps a domid while pages of its domain are mapped, as that of the ring is.)
 *
 *   same handle                      the same domain
 *   other handle, ring, other end
 *   of its port is the guest's       the same domain, with the new handle
 *   other handle, and not so         another domain
 *
 * A domain without a ring is known by name only: with another handle it is
 * another, which takes rights away and never gives any.  A guest that closes
 * its own end, and is given a new handle then, loses its nodes while it lives:
 * it has done that to itself.  Two domains with the same domid and handle
 * between two looks are one to us, unless the first was seen to leave.
 */
#ifndef BH_XENSTORED_DOMAIN_H
#define BH_XENSTORED_DOMAIN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/log.h"
#include "common/loop.h"
#include "wire/perm.h"
#include "xenstored/acl.h"
#include "xenstored/place.h"
#include "xenstored/quota.h"

struct conf;
struct conn;
struct node;
struct server;

LIST_HEAD(domain_stubs, domain);

enum { DOMAIN_LEAVE_NODES = 128 };

/* Owner: struct domains.  Freed by: domain_free() at the end of a turn. */
struct domain {
	TAILQ_ENTRY(domain) link;
	TAILQ_ENTRY(domain) at_leaving;
	bool leaving;
	struct loop_dead dead;
	struct server *server;
	uint16_t domid;
	uint32_t instance; /* never used again, never 0 */
	uint8_t handle[16];
	bool priv;
	bool introduced;
	bool shutdown;        /* has been told to watchers */
	uint32_t features;    /* offered on its ring, XSRING_FEATURE_* */
	struct conn *ring;    /* NULL: not introduced, or not on a ring */
	uint32_t remote_port; /* of its ring */
	struct account account[DOMAIN_RESOURCES];
	struct limits limits; /* change them with domain_limit_set() */
	struct quota_log refused[QUOTAS];
	struct place_list owned; /* its nodes in the current root */
	size_t growth;           /* scratch of a commit */
	size_t keepers;          /* scratch: transactions with old versions */
	struct domain *target;   /* SET_TARGET: it has its rights; or NULL */
	LIST_ENTRY(domain) at_target;
	struct domain_stubs stubs; /* those that have it as their target */
	struct log_ctx log;
};

TAILQ_HEAD(domain_head, domain);

/* Embedded in the server. */
struct domains {
	struct domain *by_id[PERM_DOMID_MAX + 1];
	struct domain_head all;
	struct domain_head leaving; /* in the order of their deaths */
	struct loop_work leave;     /* remove some of their nodes */
	uint32_t last_instance;
	struct limits defaults; /* of guests that come */
	struct conf *conf;      /* the configuration file; NULL: none */

	/* Said on the command line: stronger than the file's for all. */
	struct limits fixed;
	uint32_t fixed_set; /* a bit for each enum quota */
};

/* No domains, and limits as Xen's xenstored has them. */
void domains_init(struct domains *domains);

/* A record for @domid, which must have none.  NULL when out of memory. */
struct domain *domain_new(struct server *server, uint16_t domid, bool priv);

/* Take @domain off the tables and free it when the turn ends. */
void domain_kill(struct domain *domain);

/*
 * domain_set_target - give @domain the rights of @target, of no other
 *
 * Between these two records, so between instances, not domids; it ends when
 * one of them does, in any order (XSA-233).  NULL: of none.
 */
void domain_set_target(struct domain *domain, struct domain *target);

/* What @domain has used stays; only more is refused from now on. */
void domain_limit_set(struct domain *domain, enum quota quota, size_t value);

/* The record of @domid, any number; NULL if there is none. */
struct domain *domain_find(struct server *server, uint64_t domid);

/* Guests get this limit, whatever the configuration file says of all. */
void domains_limit_fix(struct domains *domains, enum quota quota, size_t value);

/*
 * domains_conf_set - use @conf, which is the server's from now on
 *
 * Guests that are there get its limits too, but for those that have been
 * changed since.
 */
void domains_conf_set(struct server *server, struct conf *conf);

/*
 * domain_get - the record of the domain that has @domid now, made if need be
 *
 * The hypervisor is asked.  A record of another that had the domid is let go
 * of first, with all its nodes: whoever has looked up a node looks again.
 * 0, ENOENT if there is no such domain, ENOMEM, or <0.
 */
int domain_get(struct server *server, uint16_t domid,
	struct domain **domain) __must_check;

/*
 * domain_node_added, _removed, _changed - keep accounts and lists of owners
 * while a node comes to or goes from the current root, or a version of it is
 * replaced by another.  Cannot fail: that there is room was checked before.
 */
void domain_node_added(struct server *server, struct node *node);
void domain_node_removed(struct server *server, struct node *node);
void domain_node_changed(
	struct server *server, struct node *old, struct node *new);

/*
 * domain_node_cost - bytes of memory a node costs its owner
 *
 * Its children and the parts it shares do not count: so the cost of a node is
 * the same however it came about, and an account is the sum over the nodes.
 */
size_t domain_node_cost(size_t acl_nr, size_t name_len, size_t value_len);

/*
 * domain_may_grow - may a guest add to what @owner owns?
 *
 * 0; ENOSPC or ENOMEM, and the refusal was logged.
 */
int domain_may_grow(
	struct domain *owner, size_t nodes, size_t bytes) __must_check;

/* The domain that owns nodes with @acl. */
struct domain *domain_owner(struct server *server, const struct acl *acl);

static inline struct acl_id domain_id(const struct domain *domain)
{
	return (struct acl_id){domain->domid, domain->instance};
}

/*
 * domain_check_all - compare what we know with what the hypervisor says:
 * announce shutdowns, begin to let go of the dead.
 */
void domain_check_all(struct server *server);

#endif
