/* SPDX-License-Identifier: MIT */
/*
 * watch.h - watches, and who hears of a change
 *
 * DOC: Matching
 *
 * A watch hangs on the place of the path it watches, a change happens at a
 * place: the watches that match are those on the way up to the root.  Nothing
 * else is looked at, so watches of other paths cost nothing.
 *
 * A client hears of a change of a node if it may read the node, or could
 * before the change, or may read the parent and so the name (XSA-115).  This
 * is the same inside and outside of transactions.  It depends on the change
 * and on the connection alone, so it is asked once for both, and the answer
 * kept in the connection until the next change.
 *
 * What hangs on a place is a group for each connection, and in it all its
 * watches of that path: who may not see a change costs it one look at each
 * group on the way up, however many watches are in them.
 *
 * Invariant: for a place and a connection there is at most one group, and it
 * is gone when its last watch is.
 *
 * Watches that match the same change fire in the order they were set.
 */
#ifndef BH_XENSTORED_WATCH_H
#define BH_XENSTORED_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/account.h"
#include "wire/path.h"

struct acl;
struct conn;
struct domain;
struct place;
struct server;

enum { WATCH_ANY_DEPTH = -1 };

LIST_HEAD(watch_list, watch);

/*
 * The watches that a connection has of one path.
 *
 * Owner: its watches.  Freed by: watch_free() of the last one.
 */
struct watch_group {
	LIST_ENTRY(watch_group) at_place, at_conn;
	struct conn *conn;
	struct place *place; /* holds a reference */
	struct watch_list watches;
	size_t nr; /* with those that are not set yet */
	struct charge memory;
};

/* Owner: the connection.  Freed by: watch_free(). */
struct watch {
	LIST_ENTRY(watch) at_group;
	TAILQ_ENTRY(watch) at_conn;
	TAILQ_ENTRY(watch) mark_link;
	struct conn *conn;
	struct watch_group *group;
	struct charge nr, memory;
	uint64_t seq;  /* order of registration, never 0 */
	uint64_t hits; /* how often it has fired */
	int depth;     /* levels below that are of interest, or ANY */
	uint16_t base; /* bytes the client does not see of paths */
	bool marked;   /* has missed events */
	uint16_t token_len;
	char token[];
};

/*
 * watch_new - a watch of @conn, charged, but not yet set
 *
 * 0, EEXIST for a second one with the same path and token, ENOSPC, ENOMEM.
 */
int watch_new(struct conn *conn, const struct path *path, const char *token,
	size_t token_len, int depth, struct watch **watch) __must_check;

/* Set it: from now on it fires. */
void watch_set(struct watch *watch);

/* Remove it, set or not. */
void watch_free(struct watch *watch);

/* The watch of @conn for @path with @token; NULL if there is none. */
struct watch *watch_find(
	struct conn *conn, const struct path *path, const char *token);

/* Its path as its client gave it; returns the length. */
size_t watch_path(const struct watch *watch, char *buf, size_t cap);

/* Who may see a node that changes. */
struct watch_view {
	const struct acl *before, *after; /* NULL: it did not, does not exist */
	const struct acl *parent;         /* NULL: it is the root */
};

/*
 * watch_fire - queue the events of a change at @place
 * @exact:	only watches of this very path
 */
void watch_fire(struct server *server, const struct place *place,
	const struct watch_view *view, bool exact);

enum watch_special { WATCH_INTRODUCE, WATCH_RELEASE, WATCH_SPECIALS };

extern const char *const watch_special_name[WATCH_SPECIALS];

/* @domain came or went: the event for everybody, bare name. */
void watch_fire_special(struct server *server, enum watch_special what);

/* And the one for those who asked which domain, name/domid. */
void watch_fire_special_domain(
	struct server *server, enum watch_special what, uint16_t domid);

/* The first event of a new watch. */
void watch_fire_first(struct watch *watch);

#endif
