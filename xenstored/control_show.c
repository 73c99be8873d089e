/* SPDX-License-Identifier: MIT */
/* control_show.c - CONTROL: connections, watches, transactions, memory */
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/str.h"
#include "common/wr.h"
#include "wire/perm.h"
#include "xenstored/conn.h"
#include "xenstored/control.h"
#include "xenstored/domain.h"
#include "xenstored/node.h"
#include "xenstored/place.h"
#include "xenstored/server.h"
#include "xenstored/tx.h"

enum { WHO_MAX = 128 };

/* The domain and the kind of a connection. */
static void who(struct conn *conn, char buf[WHO_MAX])
{
	int n = snprintf(buf, WHO_MAX, "domain=%u ", conn->domain->domid);

	conn->ops->describe(conn, buf + n, (size_t)(WHO_MAX - n));
}

int control_connections(struct control *c)
{
	struct conn *conn;
	char name[WHO_MAX];

	if (c->nr)
		return EINVAL;
	TAILQ_FOREACH (conn, &c->server->conns, link) {
		const struct watch *watch;
		const struct tx *tx;
		unsigned watches = 0, txs = 0;

		TAILQ_FOREACH (watch, &conn->watches, at_conn)
			watches++;
		TAILQ_FOREACH (tx, &conn->txs, at_conn)
			txs++;
		who(conn, name);
		text_line(&c->text,
			"%s state=%s queued=%zu replies=%u events=%u "
			"missed=%" PRIu64 " watches=%u transactions=%u",
			name, conn->state == CONN_OPEN ? "open" : "ignored",
			conn->out.bytes, conn->out.replies, conn->out.events,
			conn->out.missed, watches, txs);
	}
	return 0;
}

/* Is @path at or below @prefix, given without a slash at its end? */
static bool is_below(const char *path, const char *prefix)
{
	size_t len = strlen(prefix);

	if (!strcmp(prefix, "/"))
		return path[0] == '/';
	return !strncmp(path, prefix, len) && (!path[len] || path[len] == '/');
}

static void watch_line(struct control *c, const struct watch *watch)
{
	char path[PATH_ABS_MAX + 1], token[XSMSG_PAYLOAD_MAX + 1];
	char name[WHO_MAX], depth[16] = "any";
	struct wr wr;

	wr_init(&wr, path, sizeof(path));
	place_emit(watch->group->place, &wr);
	wr_bytes(&wr, "", 1);
	if (c->nr && !is_below(path, c->arg[0]))
		return;
	if (watch->depth != WATCH_ANY_DEPTH)
		snprintf(depth, sizeof(depth), "%d", watch->depth);
	who(watch->conn, name);
	str_escape(token, sizeof(token), watch->token, watch->token_len);
	text_line(&c->text, "%s %s hits=%" PRIu64 " depth=%s token=%s", path,
		name, watch->hits, depth, token);
}

int control_watches(struct control *c)
{
	struct conn *conn;
	const struct watch *watch;

	if (c->nr > 1)
		return EINVAL;
	TAILQ_FOREACH (conn, &c->server->conns, link)
		TAILQ_FOREACH (watch, &conn->watches, at_conn)
			watch_line(c, watch);
	return 0;
}

int control_transactions(struct control *c)
{
	uint64_t now = c->server->txs.now();
	struct conn *conn;
	const struct tx *tx;
	char name[WHO_MAX];

	if (c->nr)
		return EINVAL;
	TAILQ_FOREACH (conn, &c->server->conns, link)
		TAILQ_FOREACH (tx, &conn->txs, at_conn) {
			who(conn, name);
			text_line(&c->text,
				"%s id=%u age_ms=%" PRIu64
				" places=%u memory=%zu state=%s",
				name, tx->id, (now - tx->started) / 1000,
				tx->set.nr, tx->memory,
				tx->lapsed  ? "lapsed"
				: tx->wrote ? "writing"
					    : "reading");
		}
	return 0;
}

static size_t walk_nr(struct server *server)
{
	size_t nr = 0;

	node_walk_start(&server->walk, server->tree.root);
	while (node_walk_next(&server->walk))
		nr++;
	return nr;
}

static void memreport(struct control *c)
{
	struct server *server = c->server;
	struct mallinfo2 info = mallinfo2();
	const struct domain *domain;

	text_line(&c->text, "nodes=%zu places=%zu watches=%zu", walk_nr(server),
		places_nr(server->places), server->watches_nr);
	text_line(&c->text, "heap_used=%zu heap_free=%zu mapped=%zu",
		info.uordblks, info.fordblks, info.hblkhd);
	TAILQ_FOREACH (domain, &server->domains.all, link)
		text_line(&c->text, "domain=%u memory=%zu high=%zu nodes=%zu",
			domain->domid, domain->account[DOMAIN_MEMORY].used,
			domain->account[DOMAIN_MEMORY].high,
			domain->account[DOMAIN_NODES].used);
}

int control_memreport(struct control *c)
{
	int fd;

	if (c->nr > 1)
		return EINVAL;
	if (!c->nr) {
		memreport(c);
		return 0;
	}
	fd = control_open(c, c->arg[0]);
	if (fd < 0)
		return 0;
	c->text.file = fdopen(fd, "a");
	if (!c->text.file) {
		close(fd);
		return ENOMEM;
	}
	memreport(c);
	/* What cannot be written is not "OK". */
	return fclose(c->text.file) ? EIO : 0;
}

struct sum {
	size_t nodes, bytes;
};

int control_check(struct control *c)
{
	struct server *server = c->server;
	struct sum *sums;
	struct domain *domain;
	struct node *node;

	if (c->nr)
		return EINVAL;
	sums = calloc(PERM_DOMID_MAX + 1, sizeof(*sums));
	if (!sums)
		return ENOMEM;
	node_walk_start(&server->walk, server->tree.root);
	while ((node = node_walk_next(&server->walk))) {
		struct sum *sum = &sums[acl_owner(node->acl)->domid];

		sum->nodes++;
		sum->bytes += domain_node_cost(
			node->acl->nr, node->place->len, node->value_len);
	}
	TAILQ_FOREACH (domain, &server->domains.all, link) {
		const struct sum *sum = &sums[domain->domid];

		if (sum->nodes != domain->account[DOMAIN_NODES].used ||
			sum->bytes > domain->account[DOMAIN_MEMORY].used)
			text_line(&c->text,
				"domain=%u nodes=%zu accounted=%zu bytes=%zu "
				"accounted=%zu",
				domain->domid, sum->nodes,
				domain->account[DOMAIN_NODES].used, sum->bytes,
				domain->account[DOMAIN_MEMORY].used);
	}
	free(sums);
	return 0;
}
