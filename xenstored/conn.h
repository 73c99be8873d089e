/* SPDX-License-Identifier: MIT */
/*
 * conn.h - a client's connection, on a socket or on a ring
 *
 * DOC: A turn of a connection
 *
 * Whatever happens to a connection (bytes came, there is room to send, an
 * event was queued) only queues its work.  The work sends what waits, takes
 * a bounded number of requests, and sends again, so that many requests cost
 * one read and one write.  What is left is for the next turn.
 *
 * Input is copied once into a private buffer; requests are parsed and
 * handled there.  It is the same buffer for whoever has its turn; a connection
 * only has one of its own while a request is incomplete, or has to wait.
 */
#ifndef BH_XENSTORED_CONN_H
#define BH_XENSTORED_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "common/loop.h"
#include "wire/xsmsg.h"
#include "wire/xsring.h"
#include "xenstored/outq.h"
#include "xenstored/place.h"
#include "xenstored/turn.h"
#include "xenstored/tx.h"

struct acl;
struct conn;
struct domain;
struct server;

enum {
	CONN_BUDGET = 64,            /* requests per turn */
	CONN_IN_MAX = 16384,         /* bytes of the input buffer */
	CONN_REPLY_MAX = 256 * 1024, /* undelivered bytes of replies */
};

enum conn_state {
	/* Requests are taken.  -> IGNORED: protocol violation on a ring;
	 * -> DEAD: anything that ends it. */
	CONN_OPEN,
	/* Nothing is taken or sent; holds no watches and no queues.
	 * -> OPEN: INTRODUCE again, or the client reconnects; -> DEAD. */
	CONN_IGNORED,
	/* Detached from everything; freed at the end of the turn. */
	CONN_DEAD,
};

struct conn_ops {
	/* Take bytes: >0 how many, 0 none for now, -errno: it is over. */
	ssize_t (*recv)(struct conn *conn, void *buf, size_t cap);

	/* Send what can be sent of conn->out: 0, or -errno: it is over. */
	int (*send)(struct conn *conn);

	/* The turn is over: wait for what the connection needs next. */
	void (*rest)(struct conn *conn);

	/* It cannot go on: the client broke the protocol, or no memory. */
	void (*violated)(struct conn *conn, enum xsring_error error);

	/* Close and unmap; only once. */
	void (*close)(struct conn *conn);

	/* One line for operators: what it is, and of whom. */
	void (*describe)(struct conn *conn, char *buf, size_t cap);
};

TAILQ_HEAD(watch_head, watch);

/*
 * Where the last part of a listing ended (DIRECTORY_PART).  The place is only
 * compared: it may be gone.
 */
struct conn_cursor {
	const struct place *child; /* the next one; NULL: it was the last */
	uint64_t gen;              /* of the listing */
	uint64_t offset;           /* of the next one in the listing */
	uint32_t slot;
};

/*
 * First member of the transports' structs.  Owner: the server.
 * Freed by: the dead list, after conn_kill().
 */
struct conn {
	TAILQ_ENTRY(conn) link;
	const struct conn_ops *ops;
	struct server *server;
	struct domain *domain; /* who speaks */
	enum conn_state state;
	bool working;     /* its work is on the stack */
	bool sees;        /* may it see the change with the number sees_nr? */
	uint64_t sees_nr; /* as server->view_nr; 0: of none yet */
	struct loop_work work;
	struct loop_dead dead;
	uint8_t *in;  /* NULL: nothing is there; server->in: in its turn */
	size_t in_at; /* first byte not handled */
	size_t in_len;
	struct outq out;
	struct watch_head watches;
	struct watch_groups groups;
	struct account memory; /* pays for events, on a socket */
	struct tx_head txs;    /* open transactions */
	size_t txs_nr;
	uint32_t tx_last; /* the last id given out */
	struct turn_conn turn;
	struct conn_cursor cursor;
};

TAILQ_HEAD(conn_head, conn);

/* Set up the common part; @own_account: @domain does not pay for events. */
void conn_init(struct conn *conn, struct server *server, struct domain *domain,
	const struct conn_ops *ops, bool own_account);

/* Queue its work. */
void conn_wake(struct conn *conn);

/* Would another request be taken now? */
bool conn_takes(const struct conn *conn);

/* Queue the reply to the request @hdr; kills the connection if it cannot. */
void conn_reply(struct conn *conn, const struct xsmsg_hdr *hdr,
	const void *data, size_t len);

/*
 * Drop watches, transactions and everything queued, as if it had just been
 * opened.
 */
void conn_reset(struct conn *conn);

/* Remove all its watches. */
void conn_forget_watches(struct conn *conn);

/* No longer listen to it: a ring after a violation of the protocol. */
void conn_ignore(struct conn *conn);

/* End it.  Everything it holds is given back now, the memory later. */
void conn_kill(struct conn *conn);

/* What it may do with @acl: PERM_* and ACL_OWNER. */
unsigned conn_access(const struct conn *conn, const struct acl *acl);

/*
 * Have no descriptors passed to us through the socket @fd: their sender is
 * refused.  What is accepted from a listening one takes after it.  0, or -errno
 * from a kernel before Linux 6.16.
 */
int conn_sock_refuse_rights(int fd);

/* conn_sock.c: take over the connected socket @fd.  0 or -errno. */
int conn_sock_new(struct server *server, int fd) __must_check;

/*
 * conn_ring.c: a connection of @domain over @page, which is mapped, with
 * events at local @port; it owns both from now on, if it succeeds.
 */
int conn_ring_new(struct domain *domain, void *page, uint32_t port,
	struct conn **conn) __must_check;

/* Its local port. */
uint32_t conn_ring_port(struct conn *conn);

/* Start @conn over, with @port, which may be the one it has. */
void conn_ring_restart(struct conn *conn, uint32_t port);

/*
 * conn_ring_kicked - its port fired: there is work; or the client asks to
 * start over, also after it was ignored (docs/misc/xenstore-ring.txt).  Never
 * called within the work of a connection.
 */
void conn_ring_kicked(struct conn *conn);

#endif
