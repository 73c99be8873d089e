/* SPDX-License-Identifier: MIT */
/*
 * tx.h - transactions
 *
 * DOC: Transactions
 *
 * A transaction holds the root of its start, the base, and works on a tree of
 * its own which was forked from it: starting one copies nothing, and what it
 * reads is the store at one moment.
 *
 * For each place it has looked at or changed there is an entry.  The entry
 * says what the transaction depends on there, compared with what base has:
 * always that, whatever the transaction itself did there before.  Directories
 * merge: creating a child depends on the absence of that child, not on the
 * list of the others.
 *
 *   READ, WRITE of a node        TX_DEP_NODE
 *   DIRECTORY, DIRECTORY_PART    TX_DEP_KIDS and TX_DEP_ACL
 *   GET_PERMS, SET_PERMS, MKDIR  TX_DEP_ACL
 *   RM                           TX_DEP_TREE
 *   no node there                TX_DEP_ABSENT of the topmost one missing,
 *                                TX_DEP_ACL of the nearest one above
 *   refused                      that it still is, and no more: whether
 *                                there is a node may be a secret
 *
 * tx_rebase() moves a transaction to the current root: if every dependency
 * holds there, what was written is done again on a fork of it.  A commit is
 * that, and then the tree of the transaction becomes the store.
 *
 * Special nodes (@introduceDomain, ...) are not part of the tree: requests
 * that name them take effect at once.
 *
 * DOC: Old versions
 *
 * An open transaction keeps every version of a node alive that its base has.
 * One of a guest lapses when it is older than the domain's limit, or when old
 * versions have become too many: it gives all of it up, later requests see the
 * store as it is and write nothing, and its commit is a conflict.
 *
 * What is kept is counted, in bytes, not guessed: all versions that there are
 * (*places_versions), without those of the current root (current), and without
 * those that forks have of their own (forks), for which domains are charged.
 * When that is more than kept_max, the guest with the most transactions on
 * other roots than the current one loses its oldest one, and so on.  So who
 * takes many snapshots pays, not who has one, nor who writes much.
 *
 * Versions that nobody keeps any more, and that only wait to be freed, are
 * among them.  So this waits while there are any, for TX_WAIT_TURNS at most:
 * as a part of them is freed in every turn, it then is not they.
 *
 * Invariant: these counters equal a full walk, whenever no change is under
 * way.
 */
#ifndef BH_XENSTORED_TX_H
#define BH_XENSTORED_TX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/err.h"
#include "common/loop.h"
#include "xenstored/tree.h"

struct conn;
struct event;
struct place;
struct server;

enum {
	/* Bytes charged for an entry, besides names that are new. */
	TX_ENTRY_COST = 64,
	/* For each node on the way to what is written, besides value and acl. */
	TX_COPY_COST = NODE_VERSION_COST,
	TX_KEPT_MAX = 32 << 20, /* bytes of old versions */
	TX_WAIT_TURNS = 64,     /* for those that are not kept */
};

enum tx_dep {
	TX_DEP_NODE = 1,   /* value and access control list */
	TX_DEP_ACL = 2,    /* access control list */
	TX_DEP_KIDS = 4,   /* the names of the children */
	TX_DEP_ABSENT = 8, /* there is no node */
	TX_DEP_TREE = 16,  /* the node and all below it */
	/* Not to have PERM_READ, PERM_WRITE, ACL_OWNER: shifted by this. */
	TX_DEP_REFUSED_SHIFT = 5,
	TX_DEP_REFUSED = 7 << TX_DEP_REFUSED_SHIFT,
};

enum tx_write {
	TX_VALUE = 1,
	TX_ACL = 2,
	TX_CREATED = 4, /* by us; it may be gone again */
	TX_REMOVED = 8, /* what base has there, with all below */
	TX_EVENT = 16,  /* it was named: its change is told to watchers */
};

struct tx_entry {
	struct place *place;     /* holds a reference */
	const struct node *base; /* what base has there; NULL: nothing */
	uint32_t copied;         /* bytes charged for what was written */
	uint8_t deps;            /* enum tx_dep */
	uint8_t writes;          /* enum tx_write */
};

/*
 * Entries in the order of first access, with an index by place, and the order
 * in which nodes were created, which is that of children in DIRECTORY.
 */
struct tx_set {
	struct tx_entry *entry; /* nr of them; then index and created[] */
	uint32_t nr;
	uint32_t created_nr;
	uint32_t cap; /* a power of 2, or 0 */
};

/* Owner: the connection.  Freed by: tx_free(). */
struct tx {
	TAILQ_ENTRY(tx) at_conn;
	TAILQ_ENTRY(tx) by_age; /* of guests, until they lapse */
	TAILQ_ENTRY(tx) at_claim;
	struct conn *conn;
	uint32_t id;
	bool lapsed;
	bool aged;         /* lapsed, as it was too old */
	bool wrote;        /* tree differs from base */
	bool claims;       /* waits for a turn, see turn.h */
	struct node *base; /* holds a reference */
	struct tree tree;
	struct tx_set set;
	long nodes;       /* more nodes of the connection's domain */
	size_t memory;    /* bytes charged to the domain */
	size_t own;       /* bytes of versions that only its tree has */
	uint64_t started; /* us */
};

TAILQ_HEAD(tx_head, tx);

/* Embedded in the server. */
struct txs {
	struct tx_head by_age; /* oldest first */
	size_t current;        /* bytes of versions in the current root */
	size_t forks;          /* of all transactions' own */
	size_t kept_max;       /* TX_KEPT_MAX; tests have their own */
	unsigned waited;       /* turns with too many */
	uint64_t (*now)(void); /* us, never back; tests have their own */
	struct event *timer;
	uint64_t timer_at; /* when it fires; 0: it is not set */
	struct loop_work aging, shed;
};

/* 0 or ENOMEM. */
int txs_init(struct server *server) __must_check;
void txs_fini(struct server *server);

/* Bytes of all versions but the current ones. */
size_t txs_old(const struct server *server);

/* Something has changed: are there too many old versions? */
void txs_check(struct server *server);

/* A part of what waits to be freed was freed: are there still? */
void txs_freed(struct server *server);

/* @tx has @own bytes of versions of its own. */
void tx_own_set(struct tx *tx, size_t own);

/* Transactions of guests may have to lapse earlier than they had. */
void txs_age_changed(struct server *server);

/* 0 and the transaction of @conn; ENOSPC, ENOMEM. */
int tx_new(struct conn *conn, struct tx **tx) __must_check;

/* End @tx, whatever it has done. */
void tx_free(struct tx *tx);

/* End all of @conn. */
void tx_free_all(struct conn *conn);

/* The open transaction @id of @conn; NULL if there is none. */
struct tx *tx_find(struct conn *conn, uint32_t id);

/* The tree in which requests of @tx work; NULL: outside of any. */
struct tree *tx_tree(struct server *server, struct tx *tx);

/*
 * tx_depend - the answer to a request depends on what is at @path
 * @pos:	where the path leads in the transaction's tree
 * @deps:	if there is a node in base: on what of it
 *
 * 0, ENOSPC, ENOMEM.
 */
int tx_depend(struct tx *tx, const char *path, const struct tree_pos *pos,
	unsigned deps) __must_check;

/*
 * tx_depend_refused - a request was refused for want of @lacks at @path
 * @lacks:	PERM_* and ACL_OWNER
 *
 * 0, ENOSPC, ENOMEM.
 */
int tx_depend_refused(struct tx *tx, const char *path,
	const struct tree_pos *pos, unsigned lacks) __must_check;

/*
 * tx_prep_edit - room to note the prepared @edit of the transaction's tree
 *
 * 0, ENOSPC, ENOMEM.
 */
int tx_prep_edit(struct tx *tx, const struct tree_edit *edit) __must_check;

/* @edit was committed; @what: TX_VALUE or TX_ACL, if a node was replaced. */
void tx_note_edit(
	struct tx *tx, const struct tree_edit *edit, enum tx_write what);

/* Has @domain of the transaction's connection room for @nr nodes more? */
bool tx_has_room(const struct tx *tx, size_t nr);

/* The entry at @place; NULL if there is none. */
struct tx_entry *tx_entry_at(const struct tx *tx, const struct place *place);

/* The @i-th, of set.created_nr, that was created. */
const struct tx_entry *tx_created(const struct tx *tx, uint32_t i);

/* Was a node above @place removed, with what base had below it? */
bool tx_removed_above(const struct tx *tx, const struct place *place);

/*
 * Does what @e depends on hold when @now is at its place?  But for
 * TX_DEP_REFUSED, see tx_holds().
 */
bool tx_dep_holds(const struct tx_entry *e, const struct node *now);

/* tx_rebase.c: do all dependencies hold in the current root? */
bool tx_holds(const struct tx *tx);

/*
 * Have the current root as base: 0; EAGAIN if a dependency does not hold,
 * ENOMEM; then nothing has changed.
 */
int tx_rebase(struct tx *tx) __must_check;

/* Give up what it holds; it stays open, to end with a conflict. */
void tx_lapse(struct tx *tx);

#endif
