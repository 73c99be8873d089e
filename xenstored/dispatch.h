/* SPDX-License-Identifier: MIT */
/*
 * dispatch.h - from a message to its handler, and to its reply
 *
 * DOC: A request
 *
 * dispatch() finds the row of the opcode, refuses who may not use it, checks
 * the arguments against their shape, calls the handler and queues exactly one
 * reply.  Events that the handler caused are queued before the reply.
 *
 * A handler returns 0, after it has set req->data when there is more to say
 * than "OK"; or the errno for the client.
 */
#ifndef BH_XENSTORED_DISPATCH_H
#define BH_XENSTORED_DISPATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/wr.h"
#include "wire/ops.h"
#include "wire/xsmsg.h"

struct conn;
struct server;
struct tx;

/* On the stack of dispatch(). */
struct req {
	struct server *server;
	struct conn *conn;
	struct tx *tx; /* NULL: outside of any, or not looked at */
	const struct xsmsg_hdr *hdr;
	struct ops_args args;
	/* The reply: bytes in the store or in the server's scratch. */
	const void *data;
	size_t len;
	bool replied; /* the handler has done it itself */
};

/* Handle @msg of @conn. */
void dispatch(struct conn *conn, const struct xsmsg *msg);

/* Reply now, with what is set: for handlers that go on after it. */
void req_reply(struct req *req);

/* Build the reply with @wr, of at most one payload; then req_wr_done(). */
void req_wr(struct req *req, struct wr *wr);

/* 0, or E2BIG if it did not fit. */
int req_wr_done(struct req *req, const struct wr *wr) __must_check;

/* The path in argument 0, into server->path.  0 or EINVAL. */
int req_path(struct req *req, bool special) __must_check;

/* Argument @i as a number of at most @max.  0 or EINVAL. */
int req_number(const struct req *req, unsigned i, uint64_t max,
	uint64_t *val) __must_check;

/* req_node.c */
int do_read(struct req *req) __must_check;
int do_write(struct req *req) __must_check;
int do_mkdir(struct req *req) __must_check;
int do_rm(struct req *req) __must_check;

/* req_dir.c */
int do_directory(struct req *req) __must_check;
int do_directory_part(struct req *req) __must_check;

/* req_perm.c */
int do_get_perms(struct req *req) __must_check;
int do_set_perms(struct req *req) __must_check;

/* req_tx.c */
int do_transaction_start(struct req *req) __must_check;
int do_transaction_end(struct req *req) __must_check;

/* req_watch.c */
int do_watch(struct req *req) __must_check;
int do_unwatch(struct req *req) __must_check;
int do_reset_watches(struct req *req) __must_check;

/* req_domain.c */
int do_introduce(struct req *req) __must_check;
int do_release(struct req *req) __must_check;
int do_get_domain_path(struct req *req) __must_check;
int do_is_domain_introduced(struct req *req) __must_check;
int do_resume(struct req *req) __must_check;
int do_set_target(struct req *req) __must_check;
int do_get_feature(struct req *req) __must_check;
int do_set_feature(struct req *req) __must_check;

/* req_control.c */
int do_control(struct req *req) __must_check;

/* req_quota.c */
int do_get_quota(struct req *req) __must_check;
int do_set_quota(struct req *req) __must_check;

/* Who has found what: req_node.c, for req_perm.c too. */
struct tree_pos;

/*
 * req_find - the node of argument 0, which must be there for @access
 *
 * 0; EINVAL; EACCES if it may not be accessed; ENOENT if there is none, and
 * the client may know that.  This is where a transaction learns what it
 * depends on: @deps (enum tx_dep) of the node if there is one.  It may be full,
 * then ENOSPC or ENOMEM.
 */
int req_find(struct req *req, unsigned access, unsigned deps,
	struct tree_pos *pos) __must_check;

/*
 * req_change - make the change of a node, in the transaction if there is one
 *
 * One that has lapsed is only told that it is done.
 */
struct change;
int req_change(struct req *req, struct change *change) __must_check;

#endif
