// SPDX-License-Identifier: MIT
/*
 * fuzz_xenstored.c - the whole daemon over plain memory
 *
 * The input is a list of steps: requests and raw bytes of guests and of a
 * privileged client, rewritten ring indexes, deaths, restarts, turns of the
 * loop, time that goes by.  Requests may be in transactions.  After the last
 * step, the accounts must equal a walk of the tree, no queue may be over its
 * limit, a guest that was just introduced must get an answer, and taking all
 * down must give back all (the destructors check).
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "common/rd.h"
#include "tests/unit/xs_fixture.h"

enum { STEPS_MAX = 400, GUESTS = 4 };

/* Paths that meet each other more often than random bytes would. */
static const char *const words[] = {"/", "/a", "/a/b", "/a/b/c", "a", "a/b",
	"/local/domain/1", "/local/domain/2/x", "@releaseDomain",
	"@introduceDomain", "@releaseDomain/1", "/a/", "0", "1", "2", "3", "5",
	"n0", "n1", "b2", "r3", "r32757", "w1", "token", "T", "F",
	/* of SET_QUOTA and CONTROL; new ones at the end, seeds have indexes */
	"nodes", "memory", "soft-memory", "watches", "transactions",
	"transaction-nodes", "node-permissions", "path-max", "node-size",
	"transaction-age", "quota", "quota-soft", "set", "max", "-r", "check",
	"connections", "memreport", "log", "on", "help", "print", "14", "400",
	"/local", "/a/b/c/d/e/f/g/h"};

static uint64_t now_us;

static uint64_t fake_now(void)
{
	return now_us;
}

static uint8_t byte(struct rd *rd)
{
	const uint8_t *p = rd_bytes(rd, 1);

	return p ? *p : 0;
}

/* Bytes to whom there is room for now; what does not fit is lost. */
static void push(struct fx *fx, int who, const void *buf, size_t len)
{
	size_t n;

	if (who < 0) {
		(void)!send(-who, buf, len, MSG_NOSIGNAL);
		return;
	}
	if (fx->dom[who].exists)
		(void)!xsring_put(&fx->dom[who].ring, buf, len, &n);
	fx_kick(fx, (uint16_t)who);
}

/* A request with up to five words as arguments, then a few raw bytes. */
static void request(struct fx *fx, int who, struct rd *rd)
{
	uint8_t type = byte(rd);
	/* Ids of transactions count from 1: these are often open. */
	struct xsmsg_hdr hdr = {
		.type = type % (XS_OP_NR + 1),
		.req_id = 1,
		.tx_id = type / (XS_OP_NR + 1) % 4,
	};
	uint8_t buf[XSMSG_HDR_LEN + 256];
	uint8_t shape = byte(rd);
	size_t len = 0;

	for (int i = 0; i < (shape & 7) % 6; i++) {
		const char *word = words[byte(rd) % ARRAY_LEN(words)];

		memcpy(buf + XSMSG_HDR_LEN + len, word, strlen(word) + 1);
		len += strlen(word) + 1;
	}
	for (int i = 0; i < shape >> 4; i++)
		buf[XSMSG_HDR_LEN + len++] = byte(rd);
	if (len && shape & 8)
		len--;
	hdr.len = (uint32_t)len;
	xsmsg_hdr_emit(buf, &hdr);
	push(fx, who, buf, XSMSG_HDR_LEN + len);
}

static void raw(struct fx *fx, int who, struct rd *rd)
{
	size_t len = byte(rd);
	const uint8_t *p = rd_bytes(rd, len);

	if (p)
		push(fx, who, p, len);
}

/* Any word of the page behind the data: indexes and the other fields. */
static void scribble(struct fx *fx, int guest, struct rd *rd)
{
	uint32_t at = 2048 + (byte(rd) % 8) * 4u, value = byte(rd);

	if (value & 1)
		value = value << 24 | byte(rd);
	memcpy(fx->dom[guest].page + at, &value, sizeof(value));
	fx_kick(fx, (uint16_t)guest);
}

static void drain(struct fx *fx, int who)
{
	uint8_t buf[XSRING_SIZE];
	size_t n;

	if (who < 0)
		(void)!recv(-who, buf, sizeof(buf), 0);
	else
		(void)!xsring_get(&fx->dom[who].ring, buf, sizeof(buf), &n);
	fx_kick(fx, (uint16_t)(who < 0 ? 0 : who));
}

static void domain_step(struct fx *fx, uint16_t guest, struct rd *rd)
{
	struct fx_dom *dom = &fx->dom[guest];

	switch (byte(rd) % 5) {
	case 0: dom->exists = false; break;
	case 1: dom->shutdown = true; break;
	case 2: dom->dying = true; break;
	case 3: fx->domains_error = fx->domains_error ? 0 : -EIO; break;
	default: fx_dom_start(fx, guest);
	}
	fx_fire(fx, FX_VIRQ);
}

static void step(struct fx *fx, int client, struct rd *rd)
{
	uint8_t what = byte(rd);
	int guest = what % GUESTS + 1;
	int who = what & 64 ? guest : client;

	switch (what / GUESTS % 8) {
	case 0:
	case 1:
	case 2: request(fx, who, rd); break;
	case 3: raw(fx, who, rd); break;
	case 4: scribble(fx, guest, rd); break;
	case 5: drain(fx, who); break;
	case 6: domain_step(fx, (uint16_t)guest, rd); break;
	default:
		/* Minutes at a time: what is old lapses. */
		now_us += what & 128 ? 200 * 1000 * 1000 : 0;
		txs_age_changed(fx->server);
	}
	fx_turn(fx);
}

/* Each entry says what its base has there, each is found by its place. */
static void check_tx(const struct tx *tx)
{
	for (uint32_t i = 0; i < tx->set.nr; i++) {
		const struct tx_entry *e = &tx->set.entry[i];

		FUZZ_CHECK(tx_entry_at(tx, e->place) == e);
		FUZZ_CHECK(e->base == tree_node_at(tx->base, e->place));
		FUZZ_CHECK(!(e->writes & TX_REMOVED) || e->base);
		FUZZ_CHECK(!e->writes || tx->wrote);
	}
	for (uint32_t i = 0; i < tx->set.created_nr; i++)
		FUZZ_CHECK(tx_created(tx, i)->writes & TX_CREATED);
}

/* Lowering a limit takes nothing away: then there may be more than it says. */
static bool limits_are_default(const struct domain *d)
{
	return !memcmp(&d->limits, d->priv ? &limits_none : &limits_default,
		sizeof(d->limits));
}

static void check_transactions(struct fx *fx)
{
	struct turns *turns = &fx->server->turns;
	size_t guests = 0, listed = 0;
	const struct conn *conn;
	const struct tx *tx;

	TAILQ_FOREACH (conn, &fx->server->conns, link) {
		size_t nr = 0;

		TAILQ_FOREACH (tx, &conn->txs, at_conn) {
			nr++;
			check_tx(tx);
			guests += !conn->domain->priv && !tx->lapsed;
		}
		FUZZ_CHECK(conn->txs_nr == nr);
		FUZZ_CHECK(!limits_are_default(conn->domain) ||
			   nr <= conn->domain->limits.transactions);
		FUZZ_CHECK(conn->state == CONN_OPEN || !nr);
		FUZZ_CHECK(!conn->turn.parked || turns->holder);
	}
	TAILQ_FOREACH (tx, &fx->server->txs.by_age, by_age)
		listed++;
	FUZZ_CHECK(listed == guests);
	FUZZ_CHECK(!turns->holder || !turns->holder->lapsed);
}

static void check_accounts(struct fx *fx)
{
	struct domain *d;

	fx_check_accounts(fx);
	TAILQ_FOREACH (d, &fx->server->domains.all, link) {
		if (!d->ring || !limits_are_default(d))
			continue;
		FUZZ_CHECK(d->ring->out.events <= d->limits.events);
		FUZZ_CHECK(d->ring->out.replies <= d->limits.outstanding);
	}
}

/* Whatever came before: a new guest is served. */
static void check_service(struct fx *fx)
{
	static struct fx_msg msg;
	int k = -fx_client(fx);

	fx->domains_error = 0;
	fx_guest(fx, -k, GUESTS + 1);
	FUZZ_CHECK(
		!fx_ask(fx, GUESTS + 1, XS_OP_GET_DOMAIN_PATH, "1", 2, &msg));
	close(-k);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fx *fx = fx_new();
	int client = -fx_client(fx);
	struct rd rd;

	now_us = 1;
	fx->server->txs.now = fake_now;
	fx->server->txs.kept_max = 16 * NODE_VERSION_COST;
	for (uint16_t i = 1; i <= GUESTS; i++) {
		fx_dom_start(fx, i);
		if (i <= 2)
			fx_guest(fx, -client, i);
	}
	rd_init(&rd, data, len);
	for (int i = 0; i < STEPS_MAX && rd.left; i++)
		step(fx, client, &rd);
	fx_settle(fx);
	check_accounts(fx);
	check_transactions(fx);
	check_service(fx);
	close(-client);
	fx_free(fx);
	return 0;
}
