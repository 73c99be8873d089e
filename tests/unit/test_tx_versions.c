/* SPDX-License-Identifier: MIT */
/* test_tx_versions.c - how long transactions may last, and what they keep */
#include <time.h>

#include "tests/unit/tx_fixture.h"
static uint64_t real_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

START_TEST(test_age)
{
	struct domain *d;
	size_t before;
	uint32_t tx, young;

	tx_setup();
	fx_guest(fx, -k, 1);
	steps(k, 0, "M/own P/own=n1");
	steps(1, 0, "W/own/a=1");
	d = domain_find(fx->server, 1);
	domain_limit_set(d, QUOTA_TX_AGE, 60);
	before = d->account[DOMAIN_MEMORY].used;
	tx = begin(1);
	steps(1, tx, "R/own/a=1 W/own/b=1");
	fake_us += 59 * 1000 * 1000;
	txs_age_changed(fx->server);
	young = begin(1);
	steps(1, 0, "W/own/a=2");
	/* not yet */
	steps(1, tx, "R/own/a=1 R/own/b=1");
	fake_us += 1000 * 1000;
	txs_age_changed(fx->server);
	fx_turn(fx);
	/* lapsed: the store as it is, nothing is written, a conflict */
	steps(1, tx,
		"R/own/a=2 N/own/b W/own/c=1 D/own/a P/own/a=n1,r2 M/own/d");
	steps(1, 0, "R/own/a=2 N/own/c N/own/d");
	ck_assert_uint_lt(d->account[DOMAIN_MEMORY].used, before + 1000);
	IS(commit(1, tx), EAGAIN);
	IS(commit(1, tx), ENOENT);
	/* who is that slow has no turn for it */
	ck_assert_uint_eq(d->ring->turn.lost, 0);
	steps(1, young, "R/own/a=1");
	IS(commit(1, young), EAGAIN);
	/* the privileged domain's do not age */
	tx = begin(k);
	fake_us += 3600ull * 1000 * 1000;
	txs_age_changed(fx->server);
	fx_turn(fx);
	steps(k, tx, "R/own/a=2 W/own/a=3");
	OK(commit(k, tx));
	ck_assert_uint_eq(d->account[DOMAIN_MEMORY].used, before);
	tx_teardown();
}
END_TEST

/* The timer of the loop does it without anybody's request. */
START_TEST(test_age_timer)
{
	uint32_t tx;

	tx_setup();
	fx->server->txs.now = real_now;
	fx_guest(fx, -k, 1);
	steps(k, 0, "M/own P/own=n1");
	domain_limit_set(domain_find(fx->server, 1), QUOTA_TX_AGE, 1);
	tx = begin(1);
	steps(1, tx, "W/own/a=1 R/own/a=1");
	usleep(1100 * 1000);
	fx_turn(fx);
	ck_assert(TAILQ_EMPTY(&fx->server->txs.by_age));
	steps(1, tx, "N/own/a");
	IS(commit(1, tx), EAGAIN);
	tx_teardown();
}
END_TEST

/* A limit that comes later is also of those that are open. */
START_TEST(test_age_changes)
{
	uint32_t tx;

	tx_setup();
	fx_guest(fx, -k, 1);
	domain_limit_set(
		domain_find(fx->server, 1), QUOTA_TX_AGE, QUOTA_UNLIMITED);
	tx = begin(1);
	fake_us += 5 * 1000 * 1000;
	fx_settle(fx);
	ck_assert(!TAILQ_EMPTY(&fx->server->txs.by_age));
	OK(ask_raw(k, 0, XS_OP_SET_QUOTA, "1\0transaction-age\0004", 20));
	fx_settle(fx);
	ck_assert(TAILQ_EMPTY(&fx->server->txs.by_age));
	IS(commit(1, tx), EAGAIN);
	tx_teardown();
}
END_TEST

static size_t kept(void)
{
	return txs_old(fx->server) - fx->server->txs.forks;
}

static const char *large(void)
{
	static char text[2001];

	memset(text, 'v', sizeof(text) - 1);
	return text;
}

static bool is_open(int who, uint32_t id)
{
	return !tx_find(domain_find(fx->server, (uint64_t)who)->ring, id)
			->lapsed;
}

/* Old versions are bounded by what is kept, not only by time. */
START_TEST(test_versions)
{
	struct txs *txs;
	uint32_t tx, mine;

	tx_setup();
	txs = &fx->server->txs;
	fx_guest(fx, -k, 1);
	steps(k, 0, "M/own P/own=n1 W/a=1 W/b=1");
	ck_assert_uint_eq(kept(), 0);
	tx = begin(1);
	mine = begin(k);
	steps(1, tx, "W/own/a=1");
	ck_assert_uint_eq(kept(), 0);
	/* that version of the node, and of the root above it */
	steps(k, 0, "W/a=2");
	ck_assert_uint_eq(kept(), 2 * NODE_VERSION_COST + 1);
	/* nobody has the one that goes now */
	txs->kept_max = kept();
	steps(k, 0, "W/a=3");
	ck_assert_uint_eq(kept(), txs->kept_max);
	steps(1, tx, "R/own/a=1");
	steps(k, 0, "W/b=2");
	steps(1, tx, "N/own/a");
	ck_assert(!is_open(1, tx));
	IS(commit(1, tx), EAGAIN);
	/* that was not its fault */
	ck_assert_uint_eq(domain_find(fx->server, 1)->ring->turn.lost, 1);
	/* the privileged domain's never lapses */
	steps(k, mine, "R/a=1 R/b=1");
	ck_assert_uint_gt(kept(), txs->kept_max);
	OK(drop(k, mine));
	ck_assert_uint_eq(kept(), 0);
	/* one that begins now has as much again */
	tx = begin(1);
	steps(1, tx, "W/own/a=1");
	steps(k, 0, "W/a=4");
	OK(commit(1, tx));
	tx_teardown();
}
END_TEST

/* They are counted in bytes; those of forks are on other bills. */
START_TEST(test_versions_are_bytes)
{
	uint32_t tx, other;

	tx_setup();
	fx_guest(fx, -k, 1);
	OK(put(k, 0, "/a", large()));
	OK(put(k, 0, "/b", "1"));
	tx = begin(k);
	OK(put(k, tx, "/a/b", large()));
	OK(put(k, tx, "/a/b", "1"));
	OK(put(k, tx, "/a/c", large()));
	OK(RM(k, tx, "/a/b"));
	ck_assert_uint_eq(kept(), 0);
	ck_assert_uint_gt(fx->server->txs.forks, 2 * strlen(large()));
	tx_check();
	/* moved to another root by its commit, which others watch */
	other = begin(1);
	OK(put(k, 0, "/b", "2"));
	tx_check();
	OK(commit(k, tx));
	tx_check();
	ck_assert_uint_eq(fx->server->txs.forks, 0);
	ck_assert_uint_ge(kept(), strlen(large()));
	OK(drop(1, other));
	ck_assert_uint_eq(kept(), 0);
	tx = begin(k);
	OK(RM(k, 0, "/a"));
	ck_assert_uint_ge(kept(), 2 * strlen(large()));
	OK(drop(k, tx));
	ck_assert_uint_eq(kept(), 0);
	tx_teardown();
}
END_TEST

/* Snapshots that come and go, of a tree that others change, keep nothing. */
START_TEST(test_versions_that_went)
{
	static const char deep[] = "/own/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o";
	uint32_t tx;

	tx_setup();
	fx_guest(fx, -k, 1);
	fx_guest(fx, -k, 2);
	steps(k, 0, "M/own P/own=n1 M/two P/two=n2");
	OK(MKDIR(1, 0, deep));
	fx->server->txs.kept_max = 50 * NODE_VERSION_COST;
	tx = begin(2);
	steps(2, tx, "W/two/a=1");
	for (int i = 0; i < 100; i++) {
		uint32_t theirs = begin(1);

		OK(put(1, 0, deep, "1"));
		OK(drop(1, theirs));
	}
	ck_assert(is_open(2, tx));
	OK(commit(2, tx));
	tx_teardown();
}
END_TEST

/* Let the most that is kept be a little less than it is. */
static void shed(void)
{
	fx->server->txs.kept_max = kept() - 1;
	txs_check(fx->server);
	fx_settle(fx);
}

/* Who has the most pays; of two with as many, the older one. */
START_TEST(test_versions_who_pays)
{
	uint32_t own, first, one, many[3], fresh[4];

	tx_setup();
	for (uint16_t i = 1; i <= 3; i++)
		fx_guest(fx, -k, i);
	OK(put(k, 0, "/a", large()));
	first = begin(3);
	OK(put(k, 0, "/a", large()));
	one = begin(2);
	OK(put(k, 0, "/a", large()));
	for (int i = 0; i < 3; i++) {
		many[i] = begin(1);
		OK(put(k, 0, "/a", large()));
	}
	/* these are of the current root, so they keep nothing */
	for (int i = 0; i < 4; i++)
		fresh[i] = begin(3);
	ck_assert_uint_eq(kept(), 5 * (2 * NODE_VERSION_COST + 2000));
	shed();
	ck_assert(!is_open(1, many[0]) && is_open(1, many[1]));
	shed();
	ck_assert(!is_open(1, many[1]) && is_open(1, many[2]));
	ck_assert(is_open(3, first));
	shed();
	ck_assert(!is_open(3, first) && is_open(2, one));
	shed();
	ck_assert(!is_open(2, one) && is_open(1, many[2]));
	shed();
	ck_assert(!is_open(1, many[2]));
	ck_assert_uint_eq(kept(), 0);
	/* nor when it is somebody else who cannot lose any */
	own = begin(k);
	for (int i = 0; i < 4; i++)
		OK(drop(3, fresh[i]));
	OK(put(k, 0, "/a", large()));
	for (int i = 0; i < 4; i++)
		fresh[i] = begin(3);
	shed();
	for (int i = 0; i < 4; i++)
		ck_assert(is_open(3, fresh[i]));
	OK(drop(k, own));
	/* until it is enough, by itself */
	for (int i = 0; i < 3; i++)
		OK(put(k, 0, i % 2 ? "/b" : "/a", large()));
	fx_settle(fx);
	for (int i = 0; i < 4; i++)
		ck_assert(!is_open(3, fresh[i]));
	fx_dom_die(fx, 3);
	tx_teardown();
}
END_TEST

enum { DEEP = 1400 };

/* /t with three times so many nodes, and with @remove gone again. */
static void send_trees(bool remove)
{
	char path[2 * DEEP + 16];
	int n = sprintf(path, "/t/0");

	for (int i = 0; i < DEEP; i++)
		n += sprintf(path + n, "/d");
	for (int i = 0; i < 3; i++) {
		path[3] = (char)('0' + i);
		fx_send(fx, k, XS_OP_MKDIR, 0, path, (size_t)n + 1);
	}
	if (remove)
		fx_send(fx, k, XS_OP_RM, 0, "/t", 3);
	for (int i = 0; i < 3 + remove; i++)
		ck_assert(fx_recv(fx, k, &msg) && msg.hdr.type != XS_OP_ERROR);
}

/* What only waits to be freed is nobody's; but not for ever. */
START_TEST(test_versions_wait)
{
	uint32_t tx;
	int turns = 0;

	tx_setup();
	fx_guest(fx, -k, 1);
	fx->server->txs.kept_max = 100 * NODE_VERSION_COST;
	steps(k, 0, "W/a=1");
	/* before it began does not count */
	for (int i = 0; i <= TX_WAIT_TURNS; i++)
		send_trees(true);
	tx = begin(1);
	send_trees(true);
	ck_assert_ptr_nonnull(fx->server->gone);
	ck_assert_uint_gt(kept(), fx->server->txs.kept_max);
	while (fx->server->gone)
		fx_turn(fx);
	fx_settle(fx);
	ck_assert(is_open(1, tx));
	ck_assert_uint_eq(fx->server->txs.waited, 0);
	for (int i = 0; is_open(1, tx) && i < 2 * TX_WAIT_TURNS; i++) {
		send_trees(true);
		ck_assert_ptr_nonnull(fx->server->gone);
		turns++;
	}
	ck_assert(!is_open(1, tx));
	ck_assert_int_ge(turns, 8);
	OK(drop(1, tx));
	while (fx->server->gone)
		fx_turn(fx);
	tx_teardown();
}
END_TEST

/* Whatever ends it, what it has kept is freed in parts. */
START_TEST(test_kept_goes_in_parts)
{
	uint32_t tx;

	tx_setup();
	fx_guest(fx, -k, 1);
	steps(k, 0, "M/own P/own=n1");
	send_trees(false);
	tx = begin(1);
	if (_i == 3)
		steps(1, tx, "W/own/a=1");
	OK(RM(k, 0, "/t"));
	while (fx->server->gone)
		fx_turn(fx);
	ck_assert_uint_gt(kept(), 3 * DEEP * NODE_VERSION_COST);
	switch (_i) {
	case 0: OK(drop(1, tx)); break;
	case 1:
		fake_us += 3600ull * 1000 * 1000;
		txs_age_changed(fx->server);
		fx_turn(fx);
		ck_assert(!is_open(1, tx));
		break;
	case 2:
		fx->server->txs.kept_max = 0;
		txs_check(fx->server);
		fx_turn(fx);
		ck_assert(!is_open(1, tx));
		break;
	default: OK(commit(1, tx));
	}
	ck_assert_ptr_nonnull(fx->server->gone);
	while (fx->server->gone)
		fx_turn(fx);
	ck_assert_uint_eq(kept(), 0);
	tx_check();
	/* in parts also when the server ends meanwhile */
	send_trees(false);
	tx = begin(k);
	OK(RM(k, 0, "/t"));
	while (fx->server->gone)
		fx_turn(fx);
	tx_teardown();
}
END_TEST

BH_CHECK_MAIN("tx_versions", 60, BH_TEST(test_age), BH_TEST(test_age_timer),
	BH_TEST(test_age_changes), BH_TEST(test_versions),
	BH_TEST(test_versions_are_bytes), BH_TEST(test_versions_that_went),
	BH_TEST(test_versions_who_pays), BH_TEST(test_versions_wait),
	BH_LOOP(test_kept_goes_in_parts, 4))
