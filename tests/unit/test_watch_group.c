// SPDX-License-Identifier: MIT
/* test_watch_group.c - watches of many: looked at once for each connection */
#include "tests/unit/xs_case.h"
#include "xenstored/place.h"

/* Two strings, or three with @depth. */
static int watch(
	int who, const char *path, const char *token, const char *depth)
{
	static char buf[8192];
	int n = snprintf(buf, sizeof(buf), "%s%c%s%c%s", path, 0, token, 0,
		depth ? depth : "");

	return fx_ask(
		fx, who, XS_OP_WATCH, buf, (size_t)n + (depth != NULL), &msg);
}

static int write_node(int who, const char *path)
{
	return fx_ask(fx, who, XS_OP_WRITE, path, strlen(path) + 1, &msg);
}

#define EVENT(who, path) ck_assert_str_eq(fx_event(fx, (who)), (path))
#define QUIET(who)       ck_assert_str_eq(fx_event(fx, (who)), "")

/* @nr watches of @path, with tokens of their own. */
static void watch_often(int who, const char *path, int nr)
{
	char token[16];

	for (int i = 0; i < nr; i++) {
		snprintf(token, sizeof(token), "%d", i);
		ck_assert_int_eq(watch(who, path, token, NULL), 0);
	}
	fx_settle(fx);
	while (fx_recv(fx, who, &msg))
		;
}

/* How often lists were looked at for a write of @path. */
static uint64_t checks(const char *path)
{
	uint64_t before = fx->server->view_checks;

	ck_assert_int_eq(write_node(k, path), 0);
	return fx->server->view_checks - before;
}

/* Who may not see what changes costs it little, however it watches. */
START_TEST(test_one_check_for_each_connection)
{
	setup();
	for (uint16_t i = 1; i <= 3; i++)
		fx_guest(fx, -k, i);
	ck_assert_int_eq(write_node(k, "/a/b/c"), 0);
	ck_assert_uint_eq(checks("/a/b/c"), 0);
	watch_often(1, "/", 100);
	ck_assert_uint_eq(checks("/a/b/c"), 1);
	watch_often(1, "/a", 10);
	watch_often(1, "/a/b/c", 10);
	ck_assert_uint_eq(checks("/a/b/c"), 1);
	watch_often(2, "/", 128);
	watch_often(3, "/a/b", 128);
	ck_assert_uint_eq(checks("/a/b/c"), 3);
	ck_assert_uint_eq(checks("/a"), 2);
	ck_assert_uint_eq(checks("/other"), 2);
	watch_often(k, "/a", 5);
	ck_assert_uint_eq(checks("/a/b/c"), 4);
	for (int i = 1; i <= 3; i++)
		QUIET(i);
	for (int i = 0; i < 100; i++) {
		char args[32];
		int n = snprintf(args, sizeof(args), "/%c%d", 0, i) + 1;

		ck_assert_int_eq(
			fx_ask(fx, 1, XS_OP_UNWATCH, args, (size_t)n, &msg), 0);
		ck_assert_uint_eq(checks("/other"), i < 99 ? 2 : 1);
	}
	teardown();
}
END_TEST

/* Each of the nodes that go has an answer of its own. */
START_TEST(test_checks_are_not_for_the_next_change)
{
	setup();
	fx_guest(fx, -k, 1);
	ck_assert_int_eq(write_node(k, "/p/a/1"), 0);
	ck_assert_int_eq(write_node(k, "/p/b/1"), 0);
	ck_assert_int_eq(write_node(k, "/p/c/1"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/p/b/1\0n0\0r1"), 0);
	for (const char *at = "abc"; *at; at++) {
		char path[] = "/p/x/1";

		path[3] = *at;
		ck_assert_int_eq(watch(1, path, "t", NULL), 0);
		EVENT(1, path);
	}
	ck_assert_int_eq(ask(k, XS_OP_RM, "/p"), 0);
	EVENT(1, "/p/b/1");
	QUIET(1);
	teardown();
}
END_TEST

/* What happens to all is told to each by its own rights, asked once. */
START_TEST(test_one_check_for_special)
{
	uint64_t before;

	setup();
	for (uint16_t i = 1; i <= 3; i++)
		fx_guest(fx, -k, i);
	watch_often(1, "@releaseDomain", 20);
	ck_assert_int_eq(watch(1, "@releaseDomain", "d", "1"), 0);
	ck_assert_int_eq(watch(2, "@releaseDomain", "t", NULL), 0);
	ck_assert_int_eq(watch(2, "@releaseDomain", "d", "1"), 0);
	ck_assert_int_eq(watch(2, "@releaseDomain/3", "one", NULL), 0);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "@releaseDomain\0n0\0r2"), 0);
	for (int i = 1; i <= 2; i++)
		while (fx_recv(fx, i, &msg))
			;
	before = fx->server->view_checks;
	fx_dom_die(fx, 3);
	/* The bare name is one event, that with the domid another. */
	ck_assert_uint_eq(fx->server->view_checks - before, 4);
	QUIET(1);
	EVENT(2, "@releaseDomain");
	EVENT(2, "@releaseDomain/3");
	EVENT(2, "@releaseDomain/3");
	QUIET(2);
	teardown();
}
END_TEST

/* Those of several paths, set by turns, and those of others in between. */
START_TEST(test_order)
{
	static const char *const paths[] = {"/a/b", "/", "/a"};
	int w[2];

	setup();
	w[0] = -fx_client(fx);
	w[1] = -fx_client(fx);
	for (int i = 0; i < 12; i++) {
		char token[16];

		snprintf(token, sizeof(token), "%d", i);
		ck_assert_int_eq(watch(w[i % 2], paths[i % 3], token, NULL), 0);
	}
	for (int i = 0; i < 2; i++)
		while (fx_recv(fx, w[i], &msg))
			;
	ck_assert_int_eq(write_node(k, "/a/b"), 0);
	for (int i = 0; i < 12; i++) {
		ck_assert(fx_recv(fx, w[i % 2], &msg));
		ck_assert_int_eq(atoi(msg.data + 5), i);
	}
	for (int i = 0; i < 2; i++) {
		QUIET(w[i]);
		close(-w[i]);
	}
	teardown();
}
END_TEST

/* Watches of others at the path, and own ones elsewhere, are not it. */
START_TEST(test_find_among_many)
{
	char path[32];
	int w[20];

	setup();
	for (int i = 0; i < 20; i++) {
		w[i] = -fx_client(fx);
		ck_assert_int_eq(watch(w[i], "/a", "t", NULL), 0);
		snprintf(path, sizeof(path), "/b/%d", i);
		ck_assert_int_eq(watch(w[0], path, "t", NULL), 0);
	}
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(watch(w[i], "/a", "t", NULL), EEXIST);
		ck_assert_int_eq(FX_ASK(fx, w[i], UNWATCH, "/a\0u"), ENOENT);
		ck_assert_int_eq(
			FX_ASK(fx, w[i], UNWATCH, "/b/7\0t"), i ? ENOENT : 0);
		ck_assert_int_eq(FX_ASK(fx, w[i], UNWATCH, "/a\0t"), 0);
		ck_assert_int_eq(FX_ASK(fx, w[i], UNWATCH, "/a\0t"), ENOENT);
	}
	ck_assert_uint_eq(fx->server->watches_nr, 19);
	for (int i = 0; i < 20; i++)
		close(-w[i]);
	teardown();
}
END_TEST

/* The path is paid for once, until the last watch of it goes. */
START_TEST(test_groups_are_paid_for)
{
	const struct account *account;
	size_t none, path, one, two, places;

	setup();
	home(1);
	fx_settle(fx);
	places = places_nr(fx->server->places);
	account = &domain_find(fx->server, 1)->account[DOMAIN_MEMORY];
	none = account->used;
	ck_assert_int_eq(watch(1, "deep/er/and/deeper", "1", NULL), 0);
	EVENT(1, "deep/er/and/deeper");
	one = account->used;
	path = sizeof(struct watch_group) + 7 * sizeof(struct place);
	ck_assert_uint_gt(one - none, sizeof(struct watch) + path);
	ck_assert_int_eq(watch(1, "deep/er/and/deeper", "2", NULL), 0);
	EVENT(1, "deep/er/and/deeper");
	two = account->used;
	ck_assert_uint_eq(two - one, sizeof(struct watch) + 1);
	ck_assert_int_eq(FX_ASK(fx, 1, UNWATCH, "deep/er/and/deeper\0001"), 0);
	ck_assert_uint_eq(account->used, one);
	ck_assert_int_eq(
		write_node(k, "/local/domain/1/deep/er/and/deeper"), 0);
	ck_assert_int_eq(ask(k, XS_OP_RM, "/local/domain/1/deep"), 0);
	EVENT(1, "deep/er/and/deeper");
	EVENT(1, "deep/er/and/deeper");
	QUIET(1);
	ck_assert_int_eq(FX_ASK(fx, 1, UNWATCH, "deep/er/and/deeper\0002"), 0);
	fx_settle(fx);
	ck_assert_uint_eq(account->used, none);
	ck_assert_uint_eq(places_nr(fx->server->places), places);
	teardown();
}
END_TEST

/* What is refused leaves nothing behind, be it the watch or its path. */
START_TEST(test_refused_watches_leave_nothing)
{
	struct account *account;
	size_t places,
		room[] = {0, sizeof(struct watch),
			sizeof(struct watch) + 1 + sizeof(struct watch_group)};

	setup();
	home(1);
	ck_assert_int_eq(watch(1, "here", "t", NULL), 0);
	EVENT(1, "here");
	fx_settle(fx);
	places = places_nr(fx->server->places);
	account = &domain_find(fx->server, 1)->account[DOMAIN_MEMORY];
	for (size_t i = 0; i < ARRAY_LEN(room); i++) {
		size_t used = account->used, limit = account->limit;

		account->limit = used + room[i];
		ck_assert_int_eq(watch(1, "new/path", "t", NULL), ENOMEM);
		ck_assert_uint_eq(account->used, used);
		account->limit = limit;
		ck_assert_uint_eq(fx->server->watches_nr, 1);
		ck_assert_uint_eq(places_nr(fx->server->places), places);
		ck_assert_int_eq(FX_ASK(fx, 1, UNWATCH, "new/path\0t"), ENOENT);
	}
	account = &domain_find(fx->server, 1)->account[DOMAIN_WATCHES];
	ck_assert_uint_eq(account->used, 1);
	ck_assert_int_eq(watch(1, "new/path", "t", NULL), 0);
	teardown();
}
END_TEST

BH_CHECK_MAIN("watch_group", 20, BH_TEST(test_one_check_for_each_connection),
	BH_TEST(test_checks_are_not_for_the_next_change),
	BH_TEST(test_one_check_for_special), BH_TEST(test_order),
	BH_TEST(test_find_among_many), BH_TEST(test_groups_are_paid_for),
	BH_TEST(test_refused_watches_leave_nothing))
