/* SPDX-License-Identifier: MIT */
/*
 * turn.h - transactions that keep losing get their turn (XSA-206)
 *
 * DOC: Turns
 *
 * A connection that has lost TURN_LOSSES commits in a row has a turn with its
 * next transaction.  While that is open, but for TURN_US at most, nobody else
 * changes what it depends on: requests that would are not taken from their
 * connections until the turn is over, and commits that would are conflicts.
 * All others go on.
 *
 * What the transaction will look at is not known beforehand, so it may come
 * to a place that has changed since it began: it is moved to the current root
 * then, which cannot fail since all it depends on so far was kept as it was.
 * That costs what all it has written costs.  So the connection does no more
 * in this turn of the loop, and it is for the time that the transaction has.
 *
 * There is one turn at a time.  Claims wait in their order, and in between
 * whoever had to wait goes first.  The privileged domain never waits for the
 * turn of a guest, and takes it over when it has a claim itself.  A guest has
 * turns for at most half of any second: TURN_CREDIT_US, and two fifths of the
 * time that goes by.
 */
#ifndef BH_XENSTORED_TURN_H
#define BH_XENSTORED_TURN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/err.h"
#include "common/loop.h"
#include "xenstored/tx.h"

struct conn;
struct event;
struct server;
struct xsmsg;

enum {
	TURN_LOSSES = 3,
	TURN_US = 20 * 1000,
	TURN_CREDIT_US = 100 * 1000,
};

TAILQ_HEAD(parked_head, conn);

/* Embedded in the server. */
struct turns {
	struct tx *holder; /* NULL: there is no turn */
	uint64_t since;    /* us */
	struct tx_head claims;
	struct parked_head parked; /* connections that wait for its end */
	struct event *timer;
	struct loop_work next; /* give the next turn */
	uint64_t steps; /* entries looked at for others: what they cost */
};

/* Embedded in the connection.  All zero at the start. */
struct turn_conn {
	TAILQ_ENTRY(conn) link; /* in parked */
	bool parked;
	bool moved;     /* its transaction, in this turn of the loop */
	unsigned lost;  /* commits in a row */
	uint64_t used;  /* of the credit, us */
	uint64_t stamp; /* when that was so */
};

/* 0 or ENOMEM. */
int turns_init(struct server *server) __must_check;
void turns_fini(struct server *server);

/* @tx begins: does it get a turn? */
void turn_claim(struct tx *tx);

/* @tx ends, or cannot use a turn any more. */
void turn_drop(struct tx *tx);

/* @tx is about to look at @path: see to it that it sees what is there now. */
void turn_refresh(struct tx *tx, const char *path);

/* Would the commit of @tx change what the turn of another depends on? */
bool turn_forbids(const struct tx *tx);

/*
 * turn_parks - must @msg of @conn wait?  Then @conn is parked, and woken when
 * the turn is over.
 */
bool turn_parks(struct conn *conn, const struct xsmsg *msg);

/* @conn does not wait any longer. */
void turn_unpark(struct conn *conn);

#endif
