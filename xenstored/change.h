/* SPDX-License-Identifier: MIT */
/*
 * change.h - the one place where the state of the store changes
 *
 * DOC: The commit point
 *
 * Every change of lasting state (nodes, permissions, watches, domains) is
 * described by a struct change and made by change_apply():
 *
 *   prepare  may fail, changes nothing anybody can see, and has charged the
 *            accounts for the whole of the change when it succeeds
 *   commit   cannot fail
 *   notify   queues the events, which are charged to their readers
 *
 * Invariant: nothing after prepare returns an error.
 *
 * Permissions were checked before, by the handlers of requests: the commit
 * point serves the daemon itself, too.
 */
#ifndef BH_XENSTORED_CHANGE_H
#define BH_XENSTORED_CHANGE_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "xenstored/quota.h"
#include "xenstored/tree.h"
#include "xenstored/watch.h"

struct acl;
struct conn;
struct domain;
struct server;
struct tx;

enum change_kind {
	/*
	 * The first three, of nodes, may be within a transaction: they change
	 * its tree then, and neither accounts nor watchers hear of it before
	 * the commit.
	 */
	CHANGE_NODE_WRITE,    /* path, value: set, or create with its parents */
	CHANGE_NODE_REMOVE,   /* path: an existing node and all below it */
	CHANGE_NODE_ACL,      /* path, acl: of an existing node */
	CHANGE_SPECIAL_ACL,   /* special, acl */
	CHANGE_TX_COMMIT,     /* tx */
	CHANGE_WATCH_ADD,     /* watch: from watch_new() */
	CHANGE_WATCH_REMOVE,  /* watch */
	CHANGE_WATCHES_RESET, /* conn */
	CHANGE_DOMAIN_INTRODUCE, /* domid, port; gives domain */
	CHANGE_DOMAIN_SHUTDOWN,  /* domain */
	CHANGE_DOMAIN_GONE,      /* domain: its record and all it owned */
	CHANGE_DOMAIN_RESUME,    /* domain */
	CHANGE_DOMAIN_TARGET,    /* domain, target */
	CHANGE_DOMAIN_FEATURES,  /* domain, features */
	CHANGE_QUOTA, /* domain, or NULL: of those that come; quota, limit */
	CHANGE_KINDS,
};

struct change {
	enum change_kind kind;
	struct conn *conn; /* who asked for it; NULL: the daemon itself */
	struct tx *tx;     /* changes of nodes stay in it; NULL: outside */

	/* What is wanted; each kind uses what its comment names. */
	const char *path;           /* canonical */
	const struct tree_pos *pos; /* where it leads; NULL: not known */
	const void *value;
	size_t value_len;
	struct acl *acl;
	enum watch_special special;
	struct watch *watch;
	struct domain *domain, *target;
	uint16_t domid;
	uint32_t port;
	uint32_t features;
	enum quota quota;
	size_t limit;

	/* Between the steps; owned by the functions of the kind. */
	struct tree_edit edit;
	size_t removed; /* nodes */
	bool watched;   /* one that was removed, below the topmost */
	void *page;
	uint32_t local_port;
	bool fresh; /* the domain was not introduced before */
};

struct change_ops {
	int (*prepare)(struct server *server, struct change *change);
	void (*commit)(struct server *server, struct change *change);
	void (*notify)(struct server *server, struct change *change);
};

/*
 * change_apply - make @change
 *
 * Returns 0; or >0 (ENOSPC, ENOMEM, ...) and nothing has changed.
 */
int change_apply(struct server *server, struct change *change) __must_check;

/*
 * change_domain_clear - remove nodes of @domain, which is gone
 * @budget:	about how many, but whole trees, and one at least; what is left
 *		of it when there are no others
 *
 * A domain without nodes is cheap to let go of: whoever has time removes them
 * before, a part at a time.  0 or ENOMEM.
 */
int change_domain_clear(struct server *server, struct domain *domain,
	size_t *budget) __must_check;

/* change_node.c, change_watch.c, change_domain.c */
extern const struct change_ops change_node_write, change_node_remove,
	change_node_acl, change_special_acl, change_watch_add, change_tx_commit,
	change_watch_remove, change_watches_reset, change_domain_introduce,
	change_domain_shutdown, change_domain_gone, change_domain_resume,
	change_domain_target, change_domain_features, change_quota;

#endif
