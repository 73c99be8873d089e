/* SPDX-License-Identifier: MIT */
/* conn.c - a client's connection: its turn, its end */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/macro.h"
#include "xenstored/acl.h"
#include "xenstored/conn.h"
#include "xenstored/dispatch.h"
#include "xenstored/domain.h"
#include "xenstored/server.h"
#include "xenstored/watch.h"

/* Undelivered events of one socket client; guests have their quota. */
enum { SOCKET_EVENT_BYTES = 64 * 1024 * 1024 };

static void conn_work(struct loop_work *work);

void conn_init(struct conn *conn, struct server *server, struct domain *domain,
	const struct conn_ops *ops, bool own_account)
{
	struct account *account = &domain->account[DOMAIN_MEMORY];

	memset(conn, 0, sizeof(*conn));
	conn->ops = ops;
	conn->server = server;
	conn->domain = domain;
	conn->state = CONN_OPEN;
	loop_work_init(&conn->work, conn_work);
	TAILQ_INIT(&conn->watches);
	LIST_INIT(&conn->groups);
	TAILQ_INIT(&conn->txs);
	account_init(&conn->memory, SOCKET_EVENT_BYTES);
	if (own_account)
		account = &conn->memory;
	outq_init(&conn->out, &server->spare, &server->key, account,
		domain->limits.events, own_account);
	TAILQ_INSERT_TAIL(&server->conns, conn, link);
	trace_conn(conn, "open");
}

void conn_wake(struct conn *conn)
{
	if (conn->state == CONN_OPEN && !conn->working)
		loop_work_queue(conn->server->loop, &conn->work);
}

bool conn_takes(const struct conn *conn)
{
	return !conn->turn.parked &&
	       conn->out.replies < conn->domain->limits.outstanding &&
	       conn->out.reply_bytes < CONN_REPLY_MAX;
}

void conn_reply(struct conn *conn, const struct xsmsg_hdr *hdr,
	const void *data, size_t len)
{
	struct xsmsg_hdr reply = *hdr;

	reply.len = (uint32_t)len;
	/* Every request has its reply, or there is no connection. */
	if (outq_reply(&conn->out, &reply, data)) {
		log_error(&conn->domain->log, "no-memory",
			"out of memory, closing a connection");
		conn->ops->violated(conn, XSRING_ERROR_COMM);
	}
}

/* More bytes into the buffer: >0, 0, or -errno as recv says. */
static ssize_t conn_fill(struct conn *conn)
{
	ssize_t n;

	if (!conn->in) {
		conn->in = conn->server->in;
		conn->in_at = conn->in_len = 0;
	}
	if (conn->in_at) {
		conn->in_len -= conn->in_at;
		memmove(conn->in, conn->in + conn->in_at, conn->in_len);
		conn->in_at = 0;
	}
	n = conn->ops->recv(
		conn, conn->in + conn->in_len, CONN_IN_MAX - conn->in_len);
	if (n > 0)
		conn->in_len += (size_t)n;
	return n;
}

static void in_release(struct conn *conn)
{
	if (conn->in != conn->server->in)
		free(conn->in);
	conn->in = NULL;
	conn->in_at = conn->in_len = 0;
}

/* The turn is over: what is left moves to a buffer of its own. */
static void in_keep(struct conn *conn)
{
	uint8_t *own;

	if (!conn->in || conn->in_at == conn->in_len) {
		in_release(conn);
		return;
	}
	if (conn->in != conn->server->in)
		return;
	own = malloc(CONN_IN_MAX);
	if (!own) {
		conn->ops->violated(conn, XSRING_ERROR_COMM);
		in_release(conn);
		return;
	}
	conn->in_len -= conn->in_at;
	memcpy(own, conn->in + conn->in_at, conn->in_len);
	conn->in_at = 0;
	conn->in = own;
}

static enum xsmsg_status conn_parse(const struct conn *conn, struct xsmsg *msg)
{
	if (!conn->in)
		return XSMSG_MORE;
	return xsmsg_parse(
		msg, conn->in + conn->in_at, conn->in_len - conn->in_at);
}

/*
 * Handle the next request.  Returns false when there is none to be had now,
 * or the connection is over.
 */
static bool conn_step(struct conn *conn)
{
	struct xsmsg msg;
	ssize_t n;

	for (;;) {
		switch (conn_parse(conn, &msg)) {
		case XSMSG_READY:
			/* Not taken: it comes again when the turn is over. */
			if (turn_parks(conn, &msg))
				return false;
			conn->in_at += xsmsg_size(&msg);
			dispatch(conn, &msg);
			return conn->state == CONN_OPEN;
		case XSMSG_BAD:
			conn->ops->violated(conn, XSRING_ERROR_PROTO);
			return false;
		case XSMSG_MORE: break;
		}
		n = conn_fill(conn);
		if (n < 0 && conn->state == CONN_OPEN) {
			/* What was answered before the end is still sent. */
			(void)!conn->ops->send(conn);
			conn_kill(conn);
		}
		if (n <= 0 || conn->state != CONN_OPEN)
			return false;
	}
}

static void conn_work(struct loop_work *work)
{
	struct conn *conn = container_of(work, struct conn, work);
	int budget = CONN_BUDGET;
	bool blocked;

	conn->working = true;
	conn->turn.moved = false;
	outq_fill(&conn->out);
	if (!outq_empty(&conn->out) && conn->ops->send(conn))
		conn_kill(conn);
	while (conn->state == CONN_OPEN && budget && !conn->turn.moved &&
		conn_takes(conn)) {
		if (!conn_step(conn))
			break;
		budget--;
	}
	blocked = !conn_takes(conn);
	if (conn->state == CONN_OPEN && conn->ops->send(conn))
		conn_kill(conn);
	in_keep(conn);
	conn->working = false;
	if (conn->state != CONN_OPEN)
		return;
	/* Requests may be left in our buffer, where no event tells of them. */
	if (!budget || conn->turn.moved || (blocked && conn_takes(conn)))
		conn_wake(conn);
	conn->ops->rest(conn);
}

void conn_forget_watches(struct conn *conn)
{
	struct watch *watch;

	while ((watch = TAILQ_FIRST(&conn->watches)))
		watch_free(watch);
}

void conn_reset(struct conn *conn)
{
	turn_unpark(conn);
	tx_free_all(conn);
	conn_forget_watches(conn);
	outq_clear(&conn->out);
	/* A request on the stack may still look at the bytes. */
	conn->in_at = conn->in_len;
	if (!conn->working)
		in_release(conn);
}

void conn_ignore(struct conn *conn)
{
	if (conn->state != CONN_OPEN)
		return;
	conn->state = CONN_IGNORED;
	loop_work_cancel(conn->server->loop, &conn->work);
	conn_reset(conn);
}

static void conn_free(struct loop_dead *dead)
{
	struct conn *conn = container_of(dead, struct conn, dead);

	account_fini(&conn->memory);
	in_release(conn);
	free(conn);
}

void conn_kill(struct conn *conn)
{
	if (conn->state == CONN_DEAD)
		return;
	conn->state = CONN_DEAD;
	trace_conn(conn, "close");
	loop_work_cancel(conn->server->loop, &conn->work);
	conn_reset(conn);
	TAILQ_REMOVE(&conn->server->conns, conn, link);
	conn->ops->close(conn);
	loop_kill(conn->server->loop, &conn->dead, conn_free);
}

unsigned conn_access(const struct conn *conn, const struct acl *acl)
{
	const struct domain *domain = conn->domain;
	const struct domain *target = domain->target;
	struct acl_id self, other;

	if (domain->priv)
		return ACL_ALL;
	self = domain_id(domain);
	if (!target)
		return acl_access(acl, &self, NULL);
	other = domain_id(target);
	return acl_access(acl, &self, &other);
}
