/* SPDX-License-Identifier: MIT */
/* turn.c - transactions that keep losing get their turn */
#include <errno.h>

#include <event2/event.h>

#include "common/macro.h"
#include "common/wr.h"
#include "wire/ops.h"
#include "wire/xsmsg.h"
#include "xenstored/conn.h"
#include "xenstored/domain.h"
#include "xenstored/place.h"
#include "xenstored/server.h"
#include "xenstored/turn.h"

/* What a change does to the node it is about. */
enum touch {
	TOUCH_VALUE,  /* WRITE: a new value, or created */
	TOUCH_CREATE, /* MKDIR: created, or nothing */
	TOUCH_ACL,    /* SET_PERMS */
	TOUCH_NODE,   /* RM: it goes; those below it are looked at besides */
	TOUCH_TREE,   /* RM: it and all below go */
};

static uint64_t now_of(const struct conn *conn)
{
	return conn->server->txs.now();
}

/* What was used of the credit comes back as time goes by. */
static void credit_refill(struct conn *conn)
{
	struct turn_conn *turn = &conn->turn;
	uint64_t now = now_of(conn), back = (now - turn->stamp) * 2 / 5;

	turn->used = turn->used > back ? turn->used - back : 0;
	turn->stamp = now;
}

static bool turn_begin(struct tx *tx)
{
	const struct timeval tv = {.tv_usec = TURN_US};
	struct conn *conn = tx->conn;
	struct turns *turns = &conn->server->turns;

	if (!conn->domain->priv) {
		credit_refill(conn);
		if (conn->turn.used + TURN_US > TURN_CREDIT_US)
			return false;
	}
	/* Nothing else would end it. */
	if (event_add(turns->timer, &tv))
		return false;
	turns->holder = tx;
	turns->since = now_of(conn);
	conn->turn.lost = 0;
	return true;
}

static void turn_end(struct turns *turns)
{
	struct conn *holder = turns->holder->conn, *conn;

	if (!holder->domain->priv) {
		credit_refill(holder);
		holder->turn.used += now_of(holder) - turns->since;
	}
	turns->holder = NULL;
	event_del(turns->timer);
	while ((conn = TAILQ_FIRST(&turns->parked))) {
		turn_unpark(conn);
		conn_wake(conn);
	}
	/* Behind those who had to wait. */
	if (!TAILQ_EMPTY(&turns->claims))
		loop_work_queue(holder->server->loop, &turns->next);
}

static void claim_drop(struct turns *turns, struct tx *tx)
{
	if (!tx->claims)
		return;
	tx->claims = false;
	TAILQ_REMOVE(&turns->claims, tx, at_claim);
}

/* The first whose transaction is still worth it. */
static void turn_next(struct loop_work *work)
{
	struct turns *turns = container_of(work, struct turns, next);
	struct tx *tx;

	while (!turns->holder && (tx = TAILQ_FIRST(&turns->claims))) {
		claim_drop(turns, tx);
		if (tx_holds(tx))
			(void)turn_begin(tx);
	}
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct turns *turns = arg;
	struct timeval tv = {0};
	uint64_t now, end;

	if (!turns->holder)
		return;
	now = now_of(turns->holder->conn);
	end = turns->since + TURN_US;
	tv.tv_usec = (suseconds_t)(end - now);
	/* Too early, by the clock that counts. */
	if (now < end && !event_add(turns->timer, &tv))
		return;
	turn_end(turns);
}

/* The privileged domain's claims come before those of guests. */
static void claim_add(struct turns *turns, struct tx *tx)
{
	struct tx *at;

	tx->claims = true;
	TAILQ_FOREACH (at, &turns->claims, at_claim)
		if (tx->conn->domain->priv && !at->conn->domain->priv) {
			TAILQ_INSERT_BEFORE(at, tx, at_claim);
			return;
		}
	TAILQ_INSERT_TAIL(&turns->claims, tx, at_claim);
}

void turn_claim(struct tx *tx)
{
	struct turns *turns = &tx->conn->server->turns;
	bool priv = tx->conn->domain->priv;

	if (tx->conn->turn.lost < TURN_LOSSES)
		return;
	if (priv && turns->holder && !turns->holder->conn->domain->priv)
		turn_end(turns);
	if (turns->holder || (!priv && !TAILQ_EMPTY(&turns->claims)))
		claim_add(turns, tx);
	else
		(void)turn_begin(tx);
}

void turn_drop(struct tx *tx)
{
	struct turns *turns = &tx->conn->server->turns;

	claim_drop(turns, tx);
	if (turns->holder == tx)
		turn_end(turns);
}

void turn_refresh(struct tx *tx, const char *path)
{
	struct server *server = tx->conn->server;
	struct node *root = server->tree.root;
	struct tree_pos then, now;

	if (server->turns.holder != tx || root == tx->base)
		return;
	tree_find(&server->tree, tx->base, path, &then);
	tree_find(&server->tree, root, path, &now);
	if (then.near == now.near && then.missing == now.missing)
		return;
	/* All that was written is done again: that is for its own time. */
	tx->conn->turn.moved = true;
	/* Those who need not wait can have made it impossible. */
	if (now_of(tx->conn) - server->turns.since >= TURN_US ||
		tx_rebase(tx) == EAGAIN)
		turn_end(&server->turns);
}

/* Is @e about the store?  What was refused depends on rights alone. */
static bool entry_depends(const struct tx_entry *e)
{
	return e->deps & ~TX_DEP_REFUSED;
}

static uint64_t *steps_of(const struct tx *tx)
{
	return &tx->conn->server->turns.steps;
}

static bool depends_below(const struct tx *tx, const struct place *top)
{
	for (uint32_t i = 0; i < tx->set.nr; i++) {
		const struct place *up = tx->set.entry[i].place;

		if (!entry_depends(&tx->set.entry[i]))
			continue;
		for (; up && up->depth > top->depth; up = up->parent)
			++*steps_of(tx);
		if (up == top)
			return true;
	}
	return false;
}

/* Does @tx depend on @deps of the node at @place? */
static bool depends_on(
	const struct tx *tx, const struct place *place, unsigned deps)
{
	const struct tx_entry *e = place ? tx_entry_at(tx, place) : NULL;

	++*steps_of(tx);
	return e && e->deps & deps;
}

/* Does @tx depend on what the change @touch at @path changes? */
static bool touches(const struct tx *tx, const char *path, enum touch touch)
{
	struct server *server = tx->conn->server;
	struct place *place = places_find_path(server->places, path);
	const struct place *up;
	struct tree_pos pos;

	tree_find(&server->tree, server->tree.root, path, &pos);
	if (!pos.node) {
		const char *rest = pos.rest, *comp;
		size_t len;

		if (touch == TOUCH_ACL || touch >= TOUCH_NODE)
			return false;
		if (depends_on(tx, pos.near->place, TX_DEP_KIDS))
			return true;
		/* It is the topmost one missing that matters. */
		CHECK(path_next(&rest, &comp, &len));
		place = places_find(server->places, pos.near->place, comp, len);
		if (depends_on(tx, place, TX_DEP_ABSENT))
			return true;
	}
	for (up = pos.near->place; up; up = up->parent)
		if (depends_on(tx, up, TX_DEP_TREE))
			return true;
	if (!pos.node)
		return false;
	switch (touch) {
	case TOUCH_CREATE: return false;
	case TOUCH_VALUE: return depends_on(tx, place, TX_DEP_NODE);
	case TOUCH_ACL: return depends_on(tx, place, TX_DEP_NODE | TX_DEP_ACL);
	case TOUCH_NODE: return depends_on(tx, place->parent, TX_DEP_KIDS);
	case TOUCH_TREE:
		return depends_below(tx, place) ||
		       depends_on(tx, place->parent, TX_DEP_KIDS);
	}
	return false;
}

/* Does nobody but @conn's betters have a turn? */
static bool turn_binds(const struct conn *conn)
{
	const struct tx *holder = conn->server->turns.holder;

	return holder && holder->conn != conn &&
	       (!conn->domain->priv || holder->conn->domain->priv);
}

static bool entry_touches(const struct tx *holder, const struct tx_entry *e)
{
	char path[PATH_ABS_MAX + 1];
	struct wr wr;

	if (!e->writes)
		return false;
	wr_init(&wr, path, sizeof(path));
	place_emit(e->place, &wr);
	wr_bytes(&wr, "", 1);
	CHECK(wr_ok(&wr));
	return (e->writes & TX_REMOVED && touches(holder, path, TOUCH_NODE)) ||
	       (e->writes & TX_ACL && touches(holder, path, TOUCH_ACL)) ||
	       (e->writes & (TX_CREATED | TX_VALUE) &&
		       touches(holder, path, TOUCH_VALUE));
}

/* Does @tx remove the node at @place, or one above it? */
static bool removes(const struct tx *tx, const struct place *place)
{
	for (; place; place = place->parent) {
		const struct tx_entry *e = tx_entry_at(tx, place);

		++*steps_of(tx);
		if (e && e->writes & TX_REMOVED)
			return true;
	}
	return false;
}

/*
 * Both have as many entries as a guest likes, as deep as it likes: each is
 * taken once, and looked up in the other's.
 */
bool turn_forbids(const struct tx *tx)
{
	const struct tx *holder = tx->conn->server->turns.holder;
	bool removed = false;

	if (!turn_binds(tx->conn))
		return false;
	for (uint32_t i = 0; i < tx->set.nr; i++) {
		if (entry_touches(holder, &tx->set.entry[i]))
			return true;
		removed |= tx->set.entry[i].writes & TX_REMOVED;
	}
	for (uint32_t i = 0; removed && i < holder->set.nr; i++) {
		const struct tx_entry *e = &holder->set.entry[i];

		if (entry_depends(e) && removes(tx, e->place))
			return true;
	}
	return false;
}

static bool touch_of(uint32_t type, enum touch *touch)
{
	switch (type) {
	case XS_OP_WRITE: *touch = TOUCH_VALUE; return true;
	case XS_OP_MKDIR: *touch = TOUCH_CREATE; return true;
	case XS_OP_SET_PERMS: *touch = TOUCH_ACL; return true;
	case XS_OP_RM: *touch = TOUCH_TREE; return true;
	default: return false;
	}
}

bool turn_parks(struct conn *conn, const struct xsmsg *msg)
{
	struct turns *turns = &conn->server->turns;
	const struct domain *domain = conn->domain;
	struct ops_args args;
	struct path path;
	enum touch touch;

	if (!turn_binds(conn) || msg->hdr.tx_id ||
		!touch_of(msg->hdr.type, &touch))
		return false;
	/* What is not a request is answered without a change. */
	if (ops_args_parse(ops_find(msg->hdr.type), msg->payload, msg->hdr.len,
		    &args) ||
		path_parse(&path, args.str[0], args.str_len[0], domain->domid,
			domain->limits.path_max, false) ||
		!touches(turns->holder, path.buf, touch))
		return false;
	conn->turn.parked = true;
	TAILQ_INSERT_TAIL(&turns->parked, conn, turn.link);
	return true;
}

void turn_unpark(struct conn *conn)
{
	if (!conn->turn.parked)
		return;
	conn->turn.parked = false;
	TAILQ_REMOVE(&conn->server->turns.parked, conn, turn.link);
}

int turns_init(struct server *server)
{
	struct turns *turns = &server->turns;

	TAILQ_INIT(&turns->claims);
	TAILQ_INIT(&turns->parked);
	loop_work_init(&turns->next, turn_next);
	turns->timer = evtimer_new(loop_base(server->loop), on_timer, turns);
	return turns->timer ? 0 : ENOMEM;
}

void turns_fini(struct server *server)
{
	struct turns *turns = &server->turns;

	loop_work_cancel(server->loop, &turns->next);
	if (turns->timer)
		event_free(turns->timer);
}
