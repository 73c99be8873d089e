/* SPDX-License-Identifier: MIT */
/* tx.c - transactions: their life, and what they depend on */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/event.h>

#include "common/macro.h"
#include "xenstored/acl.h"
#include "xenstored/conn.h"
#include "xenstored/domain.h"
#include "xenstored/place.h"
#include "xenstored/server.h"
#include "xenstored/tx.h"

enum {
	SET_MIN = 32,
	SET_SCAN = 8, /* entries up to which looking at each is fastest */
};

static const uint64_t US = 1000 * 1000;

static uint64_t clock_us(void)
{
	struct timespec ts;

	CHECK(!clock_gettime(CLOCK_MONOTONIC, &ts));
	return (uint64_t)ts.tv_sec * US + (uint64_t)ts.tv_nsec / 1000;
}

static uint32_t *set_index(const struct tx_set *set)
{
	return (uint32_t *)(void *)(set->entry + set->cap);
}

static uint32_t *set_created(const struct tx_set *set)
{
	return set_index(set) + 2 * (size_t)set->cap;
}

/* The index is open addressed, half of it is used at most. */
static uint32_t *set_seat(const struct tx_set *set, const struct place *place)
{
	uint64_t h = (uint64_t)(uintptr_t)place * 0x9e3779b97f4a7c15ULL;
	uint32_t *index = set_index(set), mask = 2 * set->cap - 1;
	uint32_t at = (uint32_t)(h >> 32) & mask;

	while (index[at] && set->entry[index[at] - 1].place != place)
		at = (at + 1) & mask;
	return &index[at];
}

static int set_grow(struct tx_set *set)
{
	struct tx_set new = {.nr = set->nr, .created_nr = set->created_nr};

	new.cap = set->cap ? set->cap * 2 : SET_MIN;
	new.entry =
		malloc(new.cap *(sizeof(*new.entry) + 3 * sizeof(uint32_t)));
	if (!new.entry)
		return ENOMEM;
	memset(set_index(&new), 0, 2 * new.cap * sizeof(uint32_t));
	if (set->nr)
		memcpy(new.entry, set->entry, set->nr * sizeof(*new.entry));
	for (uint32_t i = 0; i < new.created_nr; i++)
		set_created(&new)[i] = set_created(set)[i];
	for (uint32_t i = 0; i < new.nr; i++)
		*set_seat(&new, new.entry[i].place) = i + 1;
	free(set->entry);
	*set = new;
	return 0;
}

struct tx_entry *tx_entry_at(const struct tx *tx, const struct place *place)
{
	const struct tx_set *set = &tx->set;
	uint32_t at;

	if (set->nr <= SET_SCAN) {
		for (uint32_t i = 0; i < set->nr; i++)
			if (set->entry[i].place == place)
				return &set->entry[i];
		return NULL;
	}
	at = *set_seat(set, place);
	return at ? &set->entry[at - 1] : NULL;
}

static int tx_charge(struct tx *tx, size_t bytes)
{
	struct domain *domain = tx->conn->domain;

	if (account_take(&domain->account[DOMAIN_MEMORY], bytes))
		return quota_refused(domain, QUOTA_MEMORY);
	tx->memory += bytes;
	return 0;
}

/* The entry at @place, where base has @base; made if it is not there. */
static int entry_get(struct tx *tx, struct place *place,
	const struct node *base, struct tx_entry **e)
{
	struct domain *domain = tx->conn->domain;
	struct tx_set *set = &tx->set;
	int r;

	*e = tx_entry_at(tx, place);
	if (*e)
		return 0;
	if (set->nr >= domain->limits.tx_nodes)
		return quota_refused(domain, QUOTA_TX_NODES);
	r = set->nr == set->cap ? set_grow(set) : 0;
	/* It may be the only one to need the place. */
	if (!r)
		r = tx_charge(
			tx, TX_ENTRY_COST +
				    (base ? 0 : sizeof(*place) + place->len));
	if (r)
		return r;
	*e = &set->entry[set->nr++];
	memset(*e, 0, sizeof(**e));
	(*e)->place = place_ref(place);
	(*e)->base = base;
	*set_seat(set, place) = set->nr;
	return 0;
}

static int depend_on(struct tx *tx, struct node *node, unsigned deps)
{
	struct tx_entry *e;
	int r = entry_get(tx, node->place, node, &e);

	if (!r)
		e->deps |= (uint8_t)deps;
	return r;
}

/* Nothing at @rest below @near, in base. */
static int depend_absent(struct tx *tx, struct node *near, const char *rest)
{
	struct places *places = tx->tree.places;
	struct place *place;
	struct tx_entry *e;
	const char *comp;
	size_t len;
	int r;

	CHECK(path_next(&rest, &comp, &len));
	place = places_get(places, near->place, comp, len);
	if (!place)
		return ENOMEM;
	r = entry_get(tx, place, NULL, &e);
	places_unref(places, place);
	if (r)
		return r;
	e->deps |= TX_DEP_ABSENT;
	return depend_on(tx, near, TX_DEP_ACL);
}

int tx_depend(struct tx *tx, const char *path, const struct tree_pos *pos,
	unsigned deps)
{
	struct tree_pos base = *pos;
	const struct tx_entry *e = NULL;
	struct node *near;
	int r = 0;

	/* What base does not have was noted when that was found out. */
	if (pos->node)
		e = tx_entry_at(tx, pos->node->place);
	if (e && (!e->base || (e->deps & deps) == deps))
		return 0;
	if (tx->wrote)
		tree_find(&tx->tree, tx->base, path, &base);
	/* Who may know that there is none: that was decided by our tree. */
	if (!pos->node && tx->wrote) {
		near = tree_node_at(tx->base, pos->near->place);
		if (near)
			r = depend_on(tx, near, TX_DEP_ACL);
	}
	if (r)
		return r;
	if (base.node)
		return depend_on(tx, base.node, deps);
	return depend_absent(tx, base.near, base.rest);
}

int tx_depend_refused(struct tx *tx, const char *path,
	const struct tree_pos *pos, unsigned lacks)
{
	struct places *places = tx->tree.places;
	struct tree_pos base = *pos;
	const char *rest = pos->rest, *comp;
	struct place *place;
	struct tx_entry *e;
	size_t len;
	int r;

	if (tx->wrote)
		tree_find(&tx->tree, tx->base, path, &base);
	/* Decided by what we have done, not by what base has. */
	if (base.near->place != pos->near->place ||
		base.missing != pos->missing)
		return tx_depend(tx, path, pos, TX_DEP_ACL);
	if (base.node) {
		place = place_ref(base.node->place);
	} else {
		CHECK(path_next(&rest, &comp, &len));
		place = places_get(places, base.near->place, comp, len);
		if (!place)
			return ENOMEM;
	}
	r = entry_get(tx, place, base.node, &e);
	places_unref(places, place);
	if (!r)
		e->deps |= (uint8_t)(lacks << TX_DEP_REFUSED_SHIFT);
	return r;
}

bool tx_dep_holds(const struct tx_entry *e, const struct node *now)
{
	const struct node *base = e->base;

	if (now == base || !(e->deps & ~TX_DEP_REFUSED))
		return true;
	if (e->deps & TX_DEP_TREE || !base || !now)
		return false;
	if (e->deps & TX_DEP_NODE && base->gen != now->gen)
		return false;
	/* The list of base lives, so no other can have its address. */
	if (e->deps & TX_DEP_ACL && base->acl != now->acl)
		return false;
	return !(e->deps & TX_DEP_KIDS) ||
	       node_kids_gen(base) == node_kids_gen(now);
}

bool tx_removed_above(const struct tx *tx, const struct place *place)
{
	while ((place = place->parent)) {
		const struct tx_entry *e = tx_entry_at(tx, place);

		if (e && e->writes & TX_REMOVED)
			return true;
	}
	return false;
}

/* What @acl takes at a node that is @base in base. */
static size_t acl_cost(const struct acl *acl, const struct node *base)
{
	if (!acl || (base && base->acl == acl))
		return 0;
	return sizeof(*acl) + acl->nr * sizeof(acl->entry[0]);
}

/*
 * The entry of @place, where there will be @len bytes and @acl; NULL: nothing.
 * It pays for the most there has been.
 */
static int prep_place(
	struct tx *tx, struct place *place, const struct acl *acl, size_t len)
{
	struct node *base = tree_node_at(tx->base, place);
	size_t cost =
		place->depth * (size_t)TX_COPY_COST + acl_cost(acl, base) + len;
	struct tx_entry *e;
	int r;

	r = entry_get(tx, place, base, &e);
	if (!r && cost > e->copied) {
		r = tx_charge(tx, cost - e->copied);
		if (!r)
			e->copied = (uint32_t)cost;
	}
	return r;
}

/*
 * Values on the way to what is written have been copied.  That cannot be taken
 * back, so it is never refused: what comes next is.
 */
static void copies_charge(struct tx *tx)
{
	struct domain *domain = tx->conn->domain;

	account_force(&domain->account[DOMAIN_MEMORY], tx->tree.copied);
	tx->memory += tx->tree.copied;
	tx->tree.copied = 0;
}

int tx_prep_edit(struct tx *tx, const struct tree_edit *edit)
{
	const struct node *leaf = edit->leaf;
	struct place *place;
	int r;

	copies_charge(tx);
	if (!edit->new)
		return prep_place(tx, edit->old->place, NULL, 0);
	place = leaf->place;
	r = prep_place(tx, place, leaf->acl, leaf->value_len);
	/* Those above it share its list; accounts count that for each. */
	for (unsigned i = 1; !r && i < edit->created; i++) {
		place = place->parent;
		r = prep_place(tx, place, leaf->acl, 0);
	}
	return r;
}

/* Nodes of the connection's own domain in what was removed. */
static long count_own(struct tx *tx, struct node *top)
{
	struct node_walk *walk = &tx->conn->server->walk;
	const struct domain *domain = tx->conn->domain;
	struct node *node;
	long nr = 0;

	node_walk_start(walk, top);
	while ((node = node_walk_next(walk)))
		nr += acl_owner(node->acl)->instance == domain->instance;
	return nr;
}

const struct tx_entry *tx_created(const struct tx *tx, uint32_t i)
{
	return &tx->set.entry[set_created(&tx->set)[i]];
}

/* The newest; what is created again is no longer where it was. */
static void entry_created(struct tx_set *set, struct tx_entry *e)
{
	uint32_t *created = set_created(set);
	uint32_t i, at = (uint32_t)(e - set->entry);

	if (e->writes & TX_CREATED) {
		for (i = 0; created[i] != at; i++)
			;
		set->created_nr--;
		memmove(created + i, created + i + 1,
			(set->created_nr - i) * sizeof(*created));
	}
	created[set->created_nr++] = at;
	e->writes |= TX_CREATED;
}

static void note_created(struct tx *tx, const struct tree_edit *edit)
{
	struct place *place = edit->leaf->place;

	for (unsigned i = 0; i < edit->created; i++) {
		entry_created(&tx->set, tx_entry_at(tx, place));
		place = place->parent;
	}
	/* What was made on the way to it is not told. */
	tx_entry_at(tx, edit->leaf->place)->writes |= TX_EVENT;
	tx->nodes += (long)edit->created;
}

void tx_note_edit(
	struct tx *tx, const struct tree_edit *edit, enum tx_write what)
{
	struct tx_entry *e;

	tx->wrote = true;
	if (edit->created) {
		note_created(tx, edit);
		return;
	}
	e = tx_entry_at(tx, edit->old->place);
	e->writes |= TX_EVENT;
	if (edit->new) {
		e->writes |= (uint8_t)what;
		return;
	}
	if (e->base)
		e->writes |= TX_REMOVED;
	/* Only guests have limits, only they need the count. */
	if (!tx->conn->domain->priv)
		tx->nodes -= count_own(tx, edit->old);
}

bool tx_has_room(const struct tx *tx, size_t nr)
{
	long more = tx->nodes + (long)nr;

	return more <= 0 ||
	       account_has_room(
		       &tx->conn->domain->account[DOMAIN_NODES], (size_t)more);
}

static void tx_arm(struct txs *txs, uint64_t at)
{
	uint64_t now = txs->now(), left = at > now ? at - now : 1;
	struct timeval tv = {
		.tv_sec = (time_t)(left / US),
		.tv_usec = (suseconds_t)(left % US),
	};

	if (txs->timer_at && txs->timer_at <= at)
		return;
	/* Without memory for it, the next one that starts tries again. */
	if (!event_add(txs->timer, &tv))
		txs->timer_at = at;
}

/* When @tx lapses; 0: never. */
static uint64_t tx_expires(const struct tx *tx)
{
	size_t age = tx->conn->domain->limits.tx_age;

	return age > UINT32_MAX ? 0 : tx->started + age * US;
}

int tx_new(struct conn *conn, struct tx **new)
{
	struct server *server = conn->server;
	struct domain *domain = conn->domain;
	struct tx *tx;

	if (conn->txs_nr >= domain->limits.transactions)
		return quota_refused(domain, QUOTA_TRANSACTIONS);
	tx = calloc(1, sizeof(*tx));
	if (!tx)
		return ENOMEM;
	tx->conn = conn;
	if (tx_charge(tx, sizeof(*tx))) {
		free(tx);
		return ENOMEM;
	}
	do
		tx->id = ++conn->tx_last;
	while (!tx->id || tx_find(conn, tx->id));
	tx->base = tree_snapshot(&server->tree);
	tree_fork(&server->tree, &tx->tree);
	TAILQ_INSERT_HEAD(&conn->txs, tx, at_conn);
	conn->txs_nr++;
	tx->started = server->txs.now();
	if (!domain->priv) {
		TAILQ_INSERT_TAIL(&server->txs.by_age, tx, by_age);
		if (tx_expires(tx))
			tx_arm(&server->txs, tx_expires(tx));
	}
	turn_claim(tx);
	*new = tx;
	return 0;
}

void tx_lapse(struct tx *tx)
{
	struct server *server = tx->conn->server;

	if (tx->lapsed)
		return;
	turn_drop(tx);
	tx->lapsed = true;
	if (!tx->conn->domain->priv)
		TAILQ_REMOVE(&server->txs.by_age, tx, by_age);
	tx_own_set(tx, 0);
	if (tx->tree.root)
		server_root_gone(server, tx->tree.root);
	server_root_gone(server, tx->base);
	tx->tree.root = tx->base = NULL;
	for (uint32_t i = 0; i < tx->set.nr; i++)
		places_unref(server->places, tx->set.entry[i].place);
	free(tx->set.entry);
	memset(&tx->set, 0, sizeof(tx->set));
	account_give(&tx->conn->domain->account[DOMAIN_MEMORY],
		tx->memory - sizeof(*tx));
	tx->memory = sizeof(*tx);
}

void tx_free(struct tx *tx)
{
	struct conn *conn = tx->conn;

	tx_lapse(tx);
	account_give(&conn->domain->account[DOMAIN_MEMORY], tx->memory);
	TAILQ_REMOVE(&conn->txs, tx, at_conn);
	conn->txs_nr--;
	free(tx);
}

void tx_free_all(struct conn *conn)
{
	struct tx *tx;

	while ((tx = TAILQ_FIRST(&conn->txs)))
		tx_free(tx);
}

struct tx *tx_find(struct conn *conn, uint32_t id)
{
	struct tx *tx;

	TAILQ_FOREACH (tx, &conn->txs, at_conn)
		if (tx->id == id)
			return tx;
	return NULL;
}

struct tree *tx_tree(struct server *server, struct tx *tx)
{
	return tx && !tx->lapsed ? &tx->tree : &server->tree;
}

/* Once per expiry, not per turn: there is nothing to look for before. */
static void txs_age(struct txs *txs)
{
	uint64_t now = txs->now();
	struct tx *tx, *next;

	for (tx = TAILQ_FIRST(&txs->by_age); tx; tx = next) {
		uint64_t at = tx_expires(tx);

		next = TAILQ_NEXT(tx, by_age);
		if (at && at <= now) {
			log_warn(&tx->conn->domain->log, "tx-lapsed",
				"a transaction has been open for too long");
			tx->aged = true;
			tx_lapse(tx);
		} else if (at) {
			tx_arm(txs, at);
		}
	}
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct txs *txs = arg;

	txs->timer_at = 0;
	txs_age(txs);
}

static void txs_aging(struct loop_work *work)
{
	txs_age(container_of(work, struct txs, aging));
}

void txs_age_changed(struct server *server)
{
	if (!TAILQ_EMPTY(&server->txs.by_age))
		loop_work_queue(server->loop, &server->txs.aging);
}

size_t txs_old(const struct server *server)
{
	return *places_versions(server->places) - server->txs.current;
}

void tx_own_set(struct tx *tx, size_t own)
{
	struct txs *txs = &tx->conn->server->txs;

	txs->forks += own - tx->own;
	tx->own = own;
}

/* Too many old versions, and guests who can give some up? */
static bool txs_keep_much(const struct server *server)
{
	const struct txs *txs = &server->txs;

	return !TAILQ_EMPTY(&txs->by_age) &&
	       txs_old(server) - txs->forks > txs->kept_max;
}

/* The oldest one of the guest with the most that keep anything; or NULL. */
static struct tx *txs_worst(const struct server *server)
{
	const struct tx_head *by_age = &server->txs.by_age;
	struct tx *tx, *worst = NULL;

	TAILQ_FOREACH (tx, by_age, by_age)
		tx->conn->domain->keepers = 0;
	TAILQ_FOREACH (tx, by_age, by_age)
		tx->conn->domain->keepers += tx->base != server->tree.root;
	TAILQ_FOREACH (tx, by_age, by_age)
		if (tx->base != server->tree.root &&
			(!worst || tx->conn->domain->keepers >
					   worst->conn->domain->keepers))
			worst = tx;
	return worst;
}

static bool txs_must_shed(const struct server *server)
{
	return txs_keep_much(server) &&
	       (!server->gone || server->txs.waited >= TX_WAIT_TURNS);
}

/* One at a time: what is left then is known when that was freed. */
static void txs_shed(struct loop_work *work)
{
	struct txs *txs = container_of(work, struct txs, shed);
	struct server *server = container_of(txs, struct server, txs);
	struct tx *tx = txs_must_shed(server) ? txs_worst(server) : NULL;

	if (!tx)
		return;
	txs->waited = 0;
	log_warn(&tx->conn->domain->log, "tx-lapsed",
		"transactions keep too many old versions of nodes");
	tx_lapse(tx);
	txs_check(server);
}

void txs_check(struct server *server)
{
	/* Not at once: one may be on the stack. */
	if (txs_must_shed(server))
		loop_work_queue(server->loop, &server->txs.shed);
}

void txs_freed(struct server *server)
{
	struct txs *txs = &server->txs;

	if (server->gone && txs_keep_much(server))
		txs->waited++;
	else
		txs->waited = 0;
	txs_check(server);
}

int txs_init(struct server *server)
{
	struct txs *txs = &server->txs;

	TAILQ_INIT(&txs->by_age);
	txs->now = clock_us;
	txs->kept_max = TX_KEPT_MAX;
	loop_work_init(&txs->aging, txs_aging);
	loop_work_init(&txs->shed, txs_shed);
	txs->timer = evtimer_new(loop_base(server->loop), on_timer, txs);
	return txs->timer ? 0 : ENOMEM;
}

void txs_fini(struct server *server)
{
	struct txs *txs = &server->txs;

	loop_work_cancel(server->loop, &txs->aging);
	loop_work_cancel(server->loop, &txs->shed);
	if (txs->timer)
		event_free(txs->timer);
}
