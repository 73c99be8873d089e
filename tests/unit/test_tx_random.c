// SPDX-License-Identifier: MIT
/*
 * test_tx_random.c - whatever commits is as if it had happened at once
 *
 * Two daemons: in one, clients and guests work inside and outside of random
 * transactions, all at the same time.  When one of those commits, what was
 * said in it is said again, outside of any, to the other daemon.  Every
 * answer must be the same then, and both stores look the same.
 */
#include "tests/soak.h"
#include "tests/unit/tx_fixture.h"

enum { WHO = 4, LOG = 40, STEPS = 6000 };

/* A request, and what was answered. */
struct said {
	uint32_t op;
	char arg[96];
	size_t arg_len;
	int err;
	char text[1024];
	size_t len;
};

static struct world {
	struct fx *fx;
	int k[2];
} real, plain;

static struct session {
	uint32_t tx; /* 0: none is open */
	int nr;
	struct said said[LOG];
} session[WHO];

static uint64_t rng;
static int committed, conflicts;

static uint32_t rnd(uint32_t n)
{
	return soak_rnd(&rng, n);
}

static void world_start(struct world *w)
{
	tx_setup();
	w->fx = fx;
	w->k[0] = k;
	w->k[1] = k2;
	fx_guest(fx, -k, 1);
	fx_guest(fx, -k, 2);
	steps(k, 0, "P/=b0 M/d");
}

/* The first two are guests. */
static int who_in(const struct world *w, int who)
{
	return who < 2 ? who + 1 : w->k[who - 2];
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The order of children may differ by the order of commits. */
static void sort_names(struct said *s)
{
	const char *names[128];
	char sorted[1024];
	size_t nr = 0, at = 0;

	for (size_t i = 0; i < s->len; i += strlen(s->text + i) + 1)
		names[nr++] = s->text + i;
	qsort(names, nr, sizeof(char *), by_name);
	for (size_t i = 0; i < nr; i++) {
		strcpy(sorted + at, names[i]);
		at += strlen(names[i]) + 1;
	}
	memcpy(s->text, sorted, at);
}

static void say(struct world *w, int who, uint32_t tx, struct said *s)
{
	fx = w->fx;
	s->err = ask_raw(who_in(w, who), tx, s->op, s->arg, s->arg_len);
	ck_assert_int_ge(s->err, 0);
	ck_assert_uint_lt(msg.hdr.len, sizeof(s->text));
	s->len = msg.hdr.len;
	memset(s->text, 0, sizeof(s->text));
	memcpy(s->text, msg.data, s->len);
	if (!s->err && s->op == XS_OP_DIRECTORY)
		sort_names(s);
}

static void random_request(struct said *s)
{
	static const char *const paths[] = {"/", "/a", "/a/b", "/a/b/c",
		"/a/b/d", "/d", "/d/x", "/d/y", "/d/z", "/d/x/y", "/d/x/y/z",
		"/e", "/e/f/g"};
	static const char *const lists[] = {"n0", "b0", "n1", "b1", "n2", "b2",
		"r0 w1", "w0 r1", "n1 b2", "n0 r1"};
	static const uint32_t ops[] = {XS_OP_READ, XS_OP_READ, XS_OP_READ,
		XS_OP_WRITE, XS_OP_WRITE, XS_OP_WRITE, XS_OP_WRITE,
		XS_OP_DIRECTORY, XS_OP_MKDIR, XS_OP_RM, XS_OP_RM,
		XS_OP_GET_PERMS, XS_OP_SET_PERMS};
	const char *more = "";
	char value[8];

	memset(s, 0, sizeof(*s));
	s->op = ops[rnd(ARRAY_LEN(ops))];
	snprintf(value, sizeof(value), "%u", rnd(100));
	if (s->op == XS_OP_WRITE)
		more = value;
	else if (s->op == XS_OP_SET_PERMS)
		more = lists[rnd(ARRAY_LEN(lists))];
	s->arg_len = (size_t)snprintf(s->arg, sizeof(s->arg), "%s%c%s",
		paths[rnd(ARRAY_LEN(paths))], 0, more);
	if (s->op == XS_OP_SET_PERMS)
		s->arg_len++;
	else if (s->op != XS_OP_WRITE)
		s->arg_len = strlen(s->arg) + 1;
	for (size_t i = 0; i < s->arg_len; i++)
		if (s->arg[i] == ' ')
			s->arg[i] = '\0';
}

/* The other daemon must say the same. */
static void compare(int who, const struct said *s)
{
	struct said same = *s;

	say(&plain, who, 0, &same);
	ck_assert_msg(same.err == s->err && same.len == s->len &&
			      !memcmp(same.text, s->text, s->len),
		"%s %s by %d: %d %s, outside %d %s", ops_name(s->op), s->arg,
		who, s->err, s->text, same.err, same.text);
}

static void outside(int who)
{
	struct said s;

	random_request(&s);
	say(&real, who, 0, &s);
	compare(who, &s);
}

static void end(int who, bool keep)
{
	struct session *ses = &session[who];
	int r;

	fx = real.fx;
	r = ask(who_in(&real, who), ses->tx, XS_OP_TRANSACTION_END,
		keep ? "T" : "F");
	ses->tx = 0;
	tx_check();
	if (!keep)
		return;
	if (r) {
		IS(r, EAGAIN);
		conflicts++;
		return;
	}
	committed++;
	for (int i = 0; i < ses->nr; i++)
		compare(who, &ses->said[i]);
}

static void inside(int who)
{
	struct session *ses = &session[who];

	fx = real.fx;
	if (!ses->tx) {
		ses->tx = begin(who_in(&real, who));
		ses->nr = 0;
	}
	if (ses->nr == LOG || !rnd(6)) {
		end(who, rnd(8) != 0);
		return;
	}
	random_request(&ses->said[ses->nr]);
	say(&real, who, ses->tx, &ses->said[ses->nr++]);
}

/* Path, value and permissions of each node; children in order of names. */
static void compare_stores(const char *path)
{
	static const uint32_t ops[] = {
		XS_OP_READ, XS_OP_GET_PERMS, XS_OP_DIRECTORY};
	struct said s;

	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		memset(&s, 0, sizeof(s));
		s.op = ops[i];
		s.arg_len =
			(size_t)snprintf(s.arg, sizeof(s.arg), "%s", path) + 1;
		say(&real, 2, 0, &s);
		compare(2, &s);
	}
	for (size_t i = 0; i < s.len; i += strlen(s.text + i) + 1) {
		char child[96];

		snprintf(child, sizeof(child), "%s/%s", path[1] ? path : "",
			s.text + i);
		compare_stores(child);
	}
}

START_TEST(test_serialisable)
{
	struct conn *conn;

	rng = (uint64_t)_i * 7919 + 1;
	world_start(&real);
	world_start(&plain);
	for (int i = 0; i < STEPS; i++) {
		int who = (int)rnd(WHO);

		if (rnd(6))
			inside(who);
		else
			outside(who);
		/* nobody has a turn here: nobody waits */
		TAILQ_FOREACH (conn, &real.fx->server->conns, link)
			conn->turn.lost = 0;
		if (i % 100 == 0)
			compare_stores("/");
	}
	for (int who = 0; who < WHO; who++)
		if (session[who].tx)
			end(who, true);
	compare_stores("/");
	ck_assert_int_gt(committed, STEPS / 40);
	ck_assert_int_gt(conflicts, STEPS / 100);
	for (struct world *w = &real; w; w = w == &real ? &plain : NULL) {
		fx = w->fx;
		k = w->k[0];
		k2 = w->k[1];
		tx_teardown();
	}
}
END_TEST

BH_CHECK_MAIN("tx_random", 120, BH_LOOP(test_serialisable, 6))
