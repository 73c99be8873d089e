/* SPDX-License-Identifier: MIT */
/* change_watch.c - changes of watches; watch_new() has charged for them */
#include "xenstored/change.h"
#include "xenstored/conn.h"
#include "xenstored/tx.h"
#include "xenstored/watch.h"

static void add_commit(struct server *server, struct change *change)
{
	watch_set(change->watch);
}

const struct change_ops change_watch_add = {.commit = add_commit};

static void remove_commit(struct server *server, struct change *change)
{
	watch_free(change->watch);
}

const struct change_ops change_watch_remove = {.commit = remove_commit};

static void reset_commit(struct server *server, struct change *change)
{
	conn_forget_watches(change->conn);
	/* Those of a client that starts over; also the one named (XSA-484). */
	tx_free_all(change->conn);
}

const struct change_ops change_watches_reset = {.commit = reset_commit};
