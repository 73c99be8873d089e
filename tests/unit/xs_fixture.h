/* SPDX-License-Identifier: MIT */
/*
 * xs_fixture.h - a whole xenstored over plain memory
 *
 * DOC: guests are pages in this process, spoken to with the client's side of
 * wire/xsring.h; the hypervisor is a table that tests write to; privileged
 * clients are socket pairs.  Time passes when a test asks for an answer: each
 * try is one turn of the loop, and nothing depends on the clock.
 */
#ifndef TESTS_UNIT_XS_FIXTURE_H
#define TESTS_UNIT_XS_FIXTURE_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <talloc.h>

#include "common/log.h"
#include "common/loop.h"
#include "common/macro.h"
#include "wire/ops.h"
#include "wire/xsring.h"
#include "xenstored/acl.h"
#include "xenstored/conn.h"
#include "xenstored/domain.h"
#include "xenstored/host.h"
#include "xenstored/node.h"
#include "xenstored/place.h"
#include "xenstored/server.h"
#include "xenstored/tx.h"

enum {
	FX_DOMS = 8,   /* domids 1 to 7 can be guests */
	FX_PORTS = 32, /* local ports of the daemon */
	FX_VIRQ = 1,
	FX_TURNS = 50, /* until an answer that does not come is none */
};

struct fx_dom {
	bool exists, shutdown, dying;
	uint8_t handle;
	bool no_ring; /* mapping fails */
	bool mapped;
	unsigned kicked; /* how often the daemon has notified it */
	uint32_t port;   /* local port of the daemon, 0: not bound */
	struct xsring ring;
	uint8_t page[XSRING_PAGE] __attribute__((aligned(XSRING_PAGE)));
	uint8_t in[2 * XSMSG_MAX]; /* received, not looked at */
	size_t in_len;
};

struct fx {
	struct host host;
	struct loop *loop;
	struct server *server;
	int efd;
	uint16_t port_dom[FX_PORTS]; /* 0: free */
	uint32_t port_remote[FX_PORTS];
	bool fired[FX_PORTS], masked[FX_PORTS];
	bool cut[FX_PORTS]; /* the other end is closed */
	bool take_rights;   /* sockets to come may pass descriptors */
	int domains_error;  /* the hypervisor does not answer */
	int peer_error;
	void (*asked)(struct fx *fx); /* after each answer about domains */
	struct fx_dom dom[FX_DOMS];
};

/* A message as a client sees it. */
struct fx_msg {
	struct xsmsg_hdr hdr;
	char data[XSMSG_PAYLOAD_MAX + 1]; /* with a NUL behind it */
};

static inline struct fx *fx_of(struct host *host)
{
	return container_of(host, struct fx, host);
}

static inline int fx_fd(struct host *host)
{
	return fx_of(host)->efd;
}

static inline bool fx_pending(struct host *host, uint32_t *port)
{
	struct fx *fx = fx_of(host);
	uint64_t count;

	for (uint32_t i = 0; i < FX_PORTS; i++)
		if (fx->fired[i] && !fx->masked[i]) {
			fx->fired[i] = false;
			fx->masked[i] = true;
			*port = i;
			return true;
		}
	(void)!read(fx->efd, &count, sizeof(count));
	return false;
}

static inline void fx_fire(struct fx *fx, uint32_t port)
{
	uint64_t one = 1;

	fx->fired[port] = true;
	(void)!write(fx->efd, &one, sizeof(one));
}

static inline void fx_unmask(struct host *host, uint32_t port)
{
	fx_of(host)->masked[port] = false;
}

static inline void fx_notify(struct host *host, uint32_t port)
{
	struct fx *fx = fx_of(host);

	fx->dom[fx->port_dom[port]].kicked++;
}

/* Remote port 666 does not exist; a port is bound to one other only. */
static inline int fx_bind(
	struct host *host, uint16_t domid, uint32_t remote, uint32_t *local)
{
	struct fx *fx = fx_of(host);

	if (domid >= FX_DOMS || remote == 666)
		return ENOENT;
	for (uint32_t i = FX_VIRQ + 1; i < FX_PORTS; i++)
		if (fx->port_dom[i] == domid && fx->port_remote[i] == remote)
			return ENOENT;
	for (uint32_t i = FX_VIRQ + 1; i < FX_PORTS; i++)
		if (!fx->port_dom[i]) {
			fx->port_dom[i] = domid;
			fx->port_remote[i] = remote;
			fx->masked[i] = fx->fired[i] = false;
			fx->cut[i] = false;
			fx->dom[domid].port = i;
			*local = i;
			return 0;
		}
	return ENOENT;
}

static inline void fx_unbind(struct host *host, uint32_t local)
{
	struct fx *fx = fx_of(host);
	struct fx_dom *dom = &fx->dom[fx->port_dom[local]];

	CHECK(fx->port_dom[local]);
	if (dom->port == local)
		dom->port = 0;
	fx->port_dom[local] = 0;
}

static inline int fx_peer(
	struct host *host, uint32_t local, uint16_t *domid, uint32_t *remote)
{
	struct fx *fx = fx_of(host);

	CHECK(fx->port_dom[local]);
	if (fx->peer_error)
		return fx->peer_error;
	*domid = fx->port_dom[local];
	*remote = fx->port_remote[local];
	return fx->cut[local] || !fx->dom[*domid].exists ? ENOENT : 0;
}

static inline int fx_map(struct host *host, uint16_t domid, void **page)
{
	struct fx *fx = fx_of(host);

	if (domid >= FX_DOMS || !fx->dom[domid].exists ||
		fx->dom[domid].no_ring)
		return ENOENT;
	CHECK(!fx->dom[domid].mapped);
	fx->dom[domid].mapped = true;
	*page = fx->dom[domid].page;
	return 0;
}

static inline void fx_unmap(struct host *host, uint16_t domid, void *page)
{
	struct fx *fx = fx_of(host);

	CHECK(fx->dom[domid].mapped && page == fx->dom[domid].page);
	fx->dom[domid].mapped = false;
}

static inline int fx_domains(struct host *host, uint16_t first,
	struct host_domain *dom, unsigned max)
{
	struct fx *fx = fx_of(host);
	unsigned nr = 0;

	if (fx->domains_error)
		return fx->domains_error;
	for (unsigned i = first; i < FX_DOMS && nr < max; i++) {
		if (!fx->dom[i].exists)
			continue;
		memset(&dom[nr], 0, sizeof(dom[nr]));
		dom[nr].domid = (uint16_t)i;
		dom[nr].handle[0] = fx->dom[i].handle;
		dom[nr].shutdown = fx->dom[i].shutdown;
		dom[nr].dying = fx->dom[i].dying;
		nr++;
	}
	if (fx->asked)
		fx->asked(fx);
	return (int)nr;
}

static inline int fx_own_ring(struct host *host, void **page, uint32_t *port)
{
	return ENOENT;
}

static const struct host_ops fx_ops = {
	.fd = fx_fd,
	.pending = fx_pending,
	.unmask = fx_unmask,
	.notify = fx_notify,
	.bind = fx_bind,
	.unbind = fx_unbind,
	.peer = fx_peer,
	.map = fx_map,
	.unmap = fx_unmap,
	.domains = fx_domains,
	.own_ring = fx_own_ring,
};

static inline struct fx *fx_new(void)
{
	struct fx *fx = aligned_alloc(XSRING_PAGE,
		(sizeof(*fx) + XSRING_PAGE - 1) / XSRING_PAGE * XSRING_PAGE);

	CHECK(fx);
	memset(fx, 0, sizeof(*fx));
	log_fd_set(-1);
	fx->host.ops = &fx_ops;
	fx->host.virq_port = FX_VIRQ;
	fx->efd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	fx->loop = loop_new(NULL);
	CHECK(fx->efd >= 0 && fx->loop);
	fx->server = server_new(fx->loop, &fx->host);
	CHECK(fx->server && !server_attach_host(fx->server));
	return fx;
}

/* Versions of nodes, each once, after fx_versions_sort(). */
struct fx_versions {
	const struct node **node;
	size_t nr, cap;
};

static inline void fx_versions_add(
	struct fx *fx, struct fx_versions *v, struct node *root)
{
	const struct node *node;

	node_walk_start(&fx->server->walk, root);
	while ((node = node_walk_next(&fx->server->walk))) {
		if (v->nr == v->cap) {
			v->cap = v->cap ? 2 * v->cap : 64;
			v->node =
				reallocarray(v->node, v->cap, sizeof(*v->node));
			CHECK(v->node);
		}
		v->node[v->nr++] = node;
	}
}

static inline int fx_versions_order(const void *a, const void *b)
{
	uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;

	return (x > y) - (x < y);
}

/* The bytes of all of them, but for those that are in @less, too. */
static inline size_t fx_versions_sort(
	struct fx_versions *v, const struct fx_versions *less)
{
	size_t nr = 0, bytes = 0;

	qsort(v->node, v->nr, sizeof(*v->node), fx_versions_order);
	for (size_t i = 0; i < v->nr; i++) {
		if (nr && v->node[nr - 1] == v->node[i])
			continue;
		if (!less || !bsearch(&v->node[i], less->node, less->nr,
				     sizeof(*v->node), fx_versions_order))
			bytes += node_version_size(v->node[i]);
		v->node[nr++] = v->node[i];
	}
	v->nr = nr;
	return bytes;
}

/* What @tx has of its own; all it has goes to @all. */
static inline size_t fx_tx_own(
	struct fx *fx, const struct tx *tx, struct fx_versions *all)
{
	struct fx_versions base = {0}, fork = {0};
	size_t own;

	if (tx->lapsed)
		return 0;
	fx_versions_add(fx, &base, tx->base);
	fx_versions_add(fx, &fork, tx->tree.root);
	(void)fx_versions_sort(&base, NULL);
	own = fx_versions_sort(&fork, &base);
	fx_versions_add(fx, all, tx->base);
	fx_versions_add(fx, all, tx->tree.root);
	free(base.node);
	free(fork.node);
	return own;
}

/*
 * Invariant: the counters of versions equal a full walk of all roots there
 * are.  What waits to be freed is in none.
 */
static inline void fx_check_versions(struct fx *fx)
{
	const struct txs *txs = &fx->server->txs;
	struct fx_versions all = {0};
	const struct conn *conn;
	const struct tx *tx;
	size_t own = 0;

	fx_versions_add(fx, &all, fx->server->tree.root);
	CHECK(fx_versions_sort(&all, NULL) == txs->current);
	TAILQ_FOREACH (conn, &fx->server->conns, link)
		TAILQ_FOREACH (tx, &conn->txs, at_conn) {
			CHECK(fx_tx_own(fx, tx, &all) == tx->own);
			own += tx->own;
		}
	CHECK(txs->forks == own);
	if (!fx->server->gone)
		CHECK(fx_versions_sort(&all, NULL) ==
			*places_versions(fx->server->places));
	free(all.node);
}

/*
 * Invariant: accounts equal a full walk of the tree, and what the rings of
 * guests have besides.
 */
static inline void fx_check_accounts(struct fx *fx)
{
	size_t nodes[FX_DOMS] = {0}, bytes[FX_DOMS] = {0};
	struct node *node;

	node_walk_start(&fx->server->walk, fx->server->tree.root);
	while ((node = node_walk_next(&fx->server->walk))) {
		uint16_t domid = node->acl->entry[0].domid;

		nodes[domid]++;
		bytes[domid] += domain_node_cost(
			node->acl->nr, node->place->len, node->value_len);
	}
	for (uint16_t i = 0; i < FX_DOMS; i++) {
		const struct domain *d = domain_find(fx->server, i);
		const struct watch_group *group;
		const struct conn *conn;
		const struct watch *w;
		const struct tx *tx;

		CHECK(d || !nodes[i]);
		if (!d)
			continue;
		TAILQ_FOREACH (conn, &fx->server->conns, link) {
			if (conn->domain != d)
				continue;
			TAILQ_FOREACH (w, &conn->watches, at_conn)
				bytes[i] += w->memory.n;
			LIST_FOREACH (group, &conn->groups, at_conn)
				bytes[i] += group->memory.n;
			TAILQ_FOREACH (tx, &conn->txs, at_conn)
				bytes[i] += tx->memory;
		}
		CHECK(d->account[DOMAIN_NODES].used == nodes[i]);
		if (!d->ring || outq_empty(&d->ring->out))
			CHECK(d->account[DOMAIN_MEMORY].used == bytes[i]);
		CHECK(d->account[DOMAIN_MEMORY].used >= bytes[i]);
	}
	fx_check_versions(fx);
}

/* Checks, with the accounts, that everything was given back. */
static inline void fx_free(struct fx *fx)
{
	fx_check_accounts(fx);
	server_free(fx->server);
	talloc_free(fx->loop);
	for (int i = 0; i < FX_DOMS; i++)
		CHECK(!fx->dom[i].mapped && !fx->dom[i].port);
	close(fx->efd);
	free(fx);
}

static inline void fx_turn(struct fx *fx)
{
	CHECK(!loop_turn(fx->loop));
}

/* Enough turns for everything that can go on to be done. */
static inline void fx_settle(struct fx *fx)
{
	for (int i = 0; i < 6; i++)
		fx_turn(fx);
}

/* A new domain @domid; the same number again is another domain. */
static inline struct fx_dom *fx_dom_start(struct fx *fx, uint16_t domid)
{
	struct fx_dom *dom = &fx->dom[domid];

	for (int i = FX_VIRQ + 1; i < FX_PORTS; i++)
		fx->cut[i] |= fx->port_dom[i] == domid;
	dom->exists = true;
	dom->shutdown = dom->dying = false;
	dom->handle++;
	dom->in_len = 0;
	dom->kicked = 0;
	memset(dom->page, 0, sizeof(dom->page));
	xsring_attach(&dom->ring, dom->page, XSRING_CLIENT);
	return dom;
}

/* The hypervisor says that some domain has changed. */
static inline void fx_virq(struct fx *fx)
{
	fx_fire(fx, FX_VIRQ);
	fx_settle(fx);
}

static inline void fx_dom_die(struct fx *fx, uint16_t domid)
{
	fx->dom[domid].exists = false;
	fx_virq(fx);
}

static inline void fx_kick(struct fx *fx, uint16_t domid)
{
	if (fx->dom[domid].port)
		fx_fire(fx, fx->dom[domid].port);
}

/* A privileged client: its end of a socket pair. */
static inline int fx_client(struct fx *fx)
{
	int fds[2];

	CHECK(!socketpair(
		AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds));
	if (!fx->take_rights)
		(void)conn_sock_refuse_rights(fds[1]);
	CHECK(!conn_sock_new(fx->server, fds[1]));
	return fds[0];
}

/*
 * Who speaks: a guest (1 to FX_DOMS - 1), or minus the descriptor of a
 * privileged client.
 */
static inline void fx_send_bytes(
	struct fx *fx, int who, const void *buf, size_t len)
{
	const uint8_t *p = buf;

	for (int turns = 0; len && turns < FX_TURNS; turns++) {
		size_t n = 0;

		if (who < 0) {
			ssize_t w = send(-who, p, len, MSG_NOSIGNAL);

			n = w > 0 ? (size_t)w : 0;
		} else if (xsring_put(&fx->dom[who].ring, p, len, &n)) {
			fx_kick(fx, (uint16_t)who);
		}
		p += n;
		len -= n;
		if (len)
			fx_turn(fx);
	}
}

static inline void fx_send(struct fx *fx, int who, uint32_t type,
	uint32_t tx_id, const void *payload, size_t len)
{
	struct xsmsg_hdr hdr = {type, 0x1234, tx_id, (uint32_t)len};
	uint8_t buf[XSMSG_MAX];

	xsmsg_hdr_emit(buf, &hdr);
	if (len)
		memcpy(buf + XSMSG_HDR_LEN, payload, len);
	fx_send_bytes(fx, who, buf, XSMSG_HDR_LEN + len);
}

static inline bool fx_recv_bytes(struct fx *fx, int who, void *buf, size_t len)
{
	uint8_t *p = buf;

	for (int turns = 0; len && turns < FX_TURNS; turns++) {
		size_t n = 0;

		if (who < 0) {
			ssize_t r = recv(-who, p, len, 0);

			n = r > 0 ? (size_t)r : 0;
		} else if (xsring_get(&fx->dom[who].ring, p, len, &n) && n) {
			fx_kick(fx, (uint16_t)who);
		}
		p += n;
		len -= n;
		if (len)
			fx_turn(fx);
	}
	return !len;
}

/* The next message to @who; false when there is none. */
static inline bool fx_recv(struct fx *fx, int who, struct fx_msg *msg)
{
	uint8_t hdr[XSMSG_HDR_LEN];
	struct xsmsg parsed;

	if (!fx_recv_bytes(fx, who, hdr, sizeof(hdr)))
		return false;
	CHECK(xsmsg_parse(&parsed, hdr, sizeof(hdr)) != XSMSG_BAD);
	msg->hdr = parsed.hdr;
	msg->data[msg->hdr.len] = '\0';
	return fx_recv_bytes(fx, who, msg->data, msg->hdr.len);
}

/*
 * Ask and wait: 0 and the reply in @msg, the errno of an error reply, or -1
 * when there is no answer.  Events on the way are dropped.
 */
static inline int fx_ask_tx(struct fx *fx, int who, uint32_t tx, uint32_t type,
	const void *payload, size_t len, struct fx_msg *msg)
{
	fx_send(fx, who, type, tx, payload, len);
	do {
		if (!fx_recv(fx, who, msg))
			return -1;
	} while (msg->hdr.type == XS_OP_WATCH_EVENT);
	CHECK(msg->hdr.req_id == 0x1234 && msg->hdr.tx_id == tx);
	if (msg->hdr.type != XS_OP_ERROR) {
		CHECK(msg->hdr.type == type);
		return 0;
	}
	return xsmsg_error_parse(msg->data, msg->hdr.len);
}

/* The same, outside of transactions. */
static inline int fx_ask(struct fx *fx, int who, uint32_t type,
	const void *payload, size_t len, struct fx_msg *msg)
{
	return fx_ask_tx(fx, who, 0, type, payload, len, msg);
}

/* The same for strings, given with their NULs as one literal. */
#define FX_ASK(fx, who, op, literal)                                        \
	({                                                                  \
		static struct fx_msg fx_reply_;                             \
		fx_ask((fx), (who), XS_OP_##op, (literal), sizeof(literal), \
			&fx_reply_);                                        \
	})

/* The same when the literal's own NUL is not part of the payload. */
#define FX_ASKN(fx, who, op, literal)                      \
	({                                                 \
		static struct fx_msg fx_reply_;            \
		fx_ask((fx), (who), XS_OP_##op, (literal), \
			sizeof(literal) - 1, &fx_reply_);  \
	})

/* The path of the next event at @who, without waiting; "" for none. */
static inline const char *fx_event(struct fx *fx, int who)
{
	static struct fx_msg msg;

	if (!fx_recv(fx, who, &msg))
		return "";
	CHECK(msg.hdr.type == XS_OP_WATCH_EVENT);
	CHECK(!msg.hdr.req_id && !msg.hdr.tx_id);
	return msg.data;
}

/* A guest that has been introduced; @fd of a privileged client. */
static inline struct fx_dom *fx_guest(struct fx *fx, int fd, uint16_t domid)
{
	struct fx_dom *dom = fx_dom_start(fx, domid);
	static struct fx_msg msg;
	char args[32];
	int n;

	n = snprintf(args, sizeof(args), "%u%c%u%c%u", domid, 0, 1, 0, 5) + 1;
	CHECK(!fx_ask(fx, -fd, XS_OP_INTRODUCE, args, (size_t)n, &msg));
	return dom;
}

#endif
