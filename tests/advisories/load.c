/* SPDX-License-Identifier: MIT */
/*
 * load.c: many at once, and none of them is friendly
 *
 * ADV_SOAK_SECONDS in the environment is how long B18 goes on (5), ADV_SEED
 * what it does (1).
 */
#include "tests/advisories/adv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/macro.h"
#include "tests/soak.h"

/*
 * The best of many short runs counts: what else uses the processor only ever
 * adds to one, and even on a busy machine some of them have it to themselves.
 */
enum { ROUNDS = 5, ROUNDS_MAX = 40, RUNS = 40 };
enum { WRITES = 100, PATHS = 500 };

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* What @WRITES writes of an unprivileged driver domain cost the daemon. */
static uint64_t cost(void)
{
	uint64_t best = UINT64_MAX, before;
	char path[64];

	for (unsigned run = 0; run < RUNS; run++) {
		before = daemon_ns();
		for (unsigned i = 0; i < WRITES; i++) {
			snprintf(path, sizeof(path), "backend/%u",
				(i * (PATHS / WRITES) + run) % PATHS);
			ck_assert_int_eq(put(2, 0, path, "x"), 0);
		}
		best = least(best, daemon_ns() - before);
	}
	return best;
}

/*
 * A frontend watches its backend and does not read what it is told.  The
 * backend does not wait for it, and its writes cost hardly more: a tenth.
 */
START_TEST(deaf_watcher)
{
	uint64_t with = UINT64_MAX / 16, without = UINT64_MAX / 16;

	guest(2);
	for (int i = 0;
		i < ROUNDS || (i < ROUNDS_MAX && with * 9 > without * 10);
		i++) {
		without = least(without, cost());
		guest(1);
		SAID(0, K, MKDIR, "/local/domain/2/backend");
		SAID(0, K, SET_PERMS, "/local/domain/2/backend n2 r1");
		SAID(0, K, SET_QUOTA, "1 events 300");
		watch(1, "/local/domain/2/backend", "all");
		watch(1, "/local/domain/2/backend/1", "one");
		for (unsigned n = 0; n < 1200; n++)
			SAID(0, 2, WRITE, "backend/%u n%u", n % PATHS, n);
		with = least(with, cost());
		SAID(0, 2, RM, "backend");
		ck_assert_uint_gt(
			report("connections", "domain=1 ", "missed"), 0);
		die(1);
	}
	printf("a write costs %lu ns, and %lu with a deaf watcher\n",
		(unsigned long)(without / WRITES),
		(unsigned long)(with / WRITES));
#if !defined(__SANITIZE_ADDRESS__)
	ck_assert_uint_le(with * 9, without * 10);
#endif
}
END_TEST

/* Who was deaf hears that there was something, of each watch it has. */
START_TEST(missed_events_are_told)
{
	unsigned all = 0, own = 0, one = 0;
	const char *path;

	guest(1);
	guest(2);
	SAID(0, K, SET_QUOTA, "1 events 50");
	SAID(0, 2, MKDIR, "backend");
	SAID(0, 2, SET_PERMS, "backend n2 r1");
	watch(1, "/local/domain/2/backend", "all");
	for (int i = 0; i < 500; i++)
		SAID(0, 2, MKDIR, "backend/%d", i);
	SAID(0, 2, MKDIR, "backend/one");
	SAID(0, 1, WATCH, "/local/domain/2/backend/one one");
	do
		SAID(0, 1, GET_DOMAIN_PATH, "1");
	while (report("connections", "domain=1 ", "queued"));
	while ((path = event_kept(1))) {
		all++;
		own += !strcmp(path, "/local/domain/2/backend");
		one += !strcmp(token, "one");
	}
	/* those that fitted, and one for all of the others */
	ck_assert_uint_eq(own, 1);
	ck_assert_uint_ge(all, 50);
	ck_assert_uint_lt(all, 200);
	ck_assert_uint_eq(one, 1);
	SAID(0, 2, MKDIR, "backend/after");
	do
		path = event(1);
	while (*path && strcmp(path, "/local/domain/2/backend/after") != 0);
	ck_assert_str_ne(path, "");
}
END_TEST

/* --- B18 --- */

enum { ACTORS = 5, SLOW_MS = 1000, CHECK_EVERY = 250 };

static const char *const words[] = {"/", "a", "a/b", "a/b/c", "/local/domain/1",
	"/local/domain/2/a", "/local/domain/3/a/b", "/shared", "/shared/a",
	"/shared/b/c", "@releaseDomain", "@introduceDomain", "@releaseDomain/2",
	"a/", "", "0", "1", "2", "3", "5", "77", "n0", "n1", "b2", "r3", "n4",
	"n5", "r32757", "w1", "token", "other", "nodes", "memory", "watches",
	"events", "outstanding", "T", "F"};

static struct {
	uint64_t seed;
	bool ignored[ACTORS + 1], down[ACTORS + 1];
	uint32_t tx[ACTORS + 1];
	unsigned releases; /* that K2 must have heard of */
	unsigned heard;
	unsigned long asked, answered;
	uint64_t slowest;
} soak;

static unsigned dice(unsigned n)
{
	/* xorshift64: the same run for the same seed */
	soak.seed ^= soak.seed << 13;
	soak.seed ^= soak.seed >> 7;
	soak.seed ^= soak.seed << 17;
	return (unsigned)(soak.seed >> 32) % n;
}

static size_t random_args(char *buf, size_t cap)
{
	size_t len = 0;

	for (unsigned n = dice(4) + !!dice(8); n; n--) {
		const char *word = words[dice(ARRAY_LEN(words))];

		memcpy(buf + len, word, strlen(word) + 1);
		len += strlen(word) + 1;
	}
	for (unsigned n = dice(6) ? 0 : dice((unsigned)(cap - len)); n; n--)
		buf[len++] = (char)dice(256);
	return len && !dice(8) ? len - 1 : len;
}

/* Of dom0 not those that would change what this test knows of domains. */
static uint32_t random_op(int who)
{
	for (;;) {
		uint32_t op = dice(XS_OP_NR + 1);

		if (who != K ||
			(op != XS_OP_INTRODUCE && op != XS_OP_RELEASE &&
				op != XS_OP_RESUME && op != XS_OP_CONTROL))
			return op;
	}
}

static void soak_ask(int who)
{
	uint32_t op = dice(4) ? random_op(who) : XS_OP_WRITE, tx = 0;
	uint64_t before = now_ms(), took;
	char buf[2600];
	size_t len = random_args(buf, sizeof(buf) - 100);
	int r;

	if (dice(2))
		tx = dice(8) ? soak.tx[who] : dice(4);
	r = ask(who, tx, op, buf, len);
	took = now_ms() - before;
	ck_assert_msg(r != SILENCE, "guest %d has no answer to %s", who,
		ops_name(op));
	soak.slowest = took > soak.slowest ? took : soak.slowest;
	soak.asked++;
	soak.answered += !r;
	if (op == XS_OP_TRANSACTION_START && !r)
		soak.tx[who] = (uint32_t)strtoul(reply.data, NULL, 10);
	if (who == K || !dice(10))
		events_drop(who);
}

/* More than it may, and it reads nothing meanwhile. */
static void soak_flood(int who)
{
	uint8_t buf[XSMSG_HDR_LEN + 32];

	for (unsigned i = 0; i < 100; i++) {
		const struct xsmsg_hdr hdr = {
			dice(2) ? XS_OP_READ : XS_OP_WRITE, 0x1234, 0, 2};

		xsmsg_hdr_emit(buf, &hdr);
		memcpy(buf + XSMSG_HDR_LEN, "a", 2);
		if (push(who, buf, XSMSG_HDR_LEN + 2) != XSMSG_HDR_LEN + 2)
			break;
	}
}

static void soak_release(int who)
{
	soak.releases++;
	soak.tx[who] = 0;
	soak.ignored[who] = soak.down[who] = false;
}

static void soak_death(int who)
{
	int other = (int)dice(ACTORS) + 1;

	freeze();
	destroy(who);
	if (other != who)
		destroy(other);
	thaw();
	gone(who);
	gone(other);
	soak_release(who);
	guest(who);
	if (other == who)
		return;
	soak_release(other);
	guest(other);
}

static void soak_violate(int who)
{
	static const struct xsmsg_hdr hdr = {XS_OP_READ, 1, 0, 99999};
	uint8_t buf[XSMSG_HDR_LEN];

	xsmsg_hdr_emit(buf, &hdr);
	bytes(who, buf, sizeof(buf));
	soak.ignored[who] = true;
	soak.tx[who] = 0;
}

static void soak_check(void)
{
	SAID(0, K2, CONTROL, "check");
	ck_assert_str_eq(reply.data, "OK");
	soak.heard += events_drop(K2);
	ck_assert_uint_le(soak.heard, soak.releases);
}

/* A domain that shuts down and dies before anybody looks is told of once. */
static void soak_heard(void)
{
	uint64_t end = now_ms() + SLOW_MS;

	do {
		soak_check();
		ck_assert_msg(now_ms() < end, "the shutdown was not told");
	} while (soak.heard < soak.releases);
}

static void soak_step(void)
{
	int who = (int)dice(ACTORS + 1);
	unsigned what = dice(1000);

	if (who != K && soak.ignored[who]) {
		if (dice(2)) {
			ck_assert_int_eq(introduce(who), 0);
			soak.ignored[who] = false;
		}
		return;
	}
	if (who == K || what < 960) {
		soak_ask(who);
	} else if (what < 975) {
		soak_violate(who);
	} else if (what < 980) {
		soak_death(who);
	} else if (what < 985 && !soak.down[who]) {
		SAID(0, K, RELEASE, "%d", who);
		soak_release(who);
		ck_assert_int_eq(introduce(who), 0);
	} else if (what < 990 && !soak.down[who]) {
		shut_down(who);
		soak.down[who] = true;
		soak.releases++;
		soak_heard();
	} else {
		soak_flood(who);
		/* its answers are of no use to anybody */
		ck_assert_int_eq(introduce(who), 0);
		soak.tx[who] = 0;
	}
}

/* As they were: or nobody could do anything any more. */
static void soak_limits(void)
{
	for (int i = 1; i <= ACTORS; i++) {
		SAID(0, K2, SET_QUOTA, "%d nodes 1000", i);
		SAID(0, K2, SET_QUOTA, "%d memory 2000000", i);
		SAID(0, K2, SET_QUOTA, "%d outstanding 20", i);
	}
	SAID(0, K2, SET_QUOTA, "nodes 1000");
	SAID(0, K2, SET_QUOTA, "memory 2000000");
	SAID(0, K2, SET_QUOTA, "outstanding 20");
}

START_TEST(soak_all)
{
	uint64_t end = now_ms() + soak_number("ADV_SOAK_SECONDS", 5) * 1000;

	soak.seed = soak_number("ADV_SEED", 1) * 88172645463325252u;
	watch(K2, "@releaseDomain", "t");
	for (int i = 1; i <= ACTORS; i++)
		guest(i);
	SAID(0, K, MKDIR, "/shared");
	SAID(0, K, SET_PERMS, "/shared b0");
	for (unsigned long n = 0; now_ms() < end; n++) {
		soak_step();
		if (n % CHECK_EVERY)
			continue;
		soak_check();
		soak_limits();
	}
	for (int i = 1; i <= ACTORS; i++) {
		die(i);
		soak_release(i);
	}
	soak_check();
	printf("%lu requests, %lu of them fine, %u deaths and shutdowns, "
	       "slowest answer %lu ms\n",
		soak.asked, soak.answered, soak.releases,
		(unsigned long)soak.slowest);
	/* each death, release and shutdown was told once */
	ck_assert_uint_eq(soak.heard, soak.releases);
	ck_assert_uint_lt(soak.slowest, SLOW_MS);
	ck_assert_uint_eq(NODES(0), report("memreport", "nodes", "nodes"));
}
END_TEST

ADV_MAIN("load", ADV("B6", deaf_watcher), ADV("B6", missed_events_are_told),
	ADV("B18", soak_all))
