/* SPDX-License-Identifier: MIT */
/* perms.c: who may see, change and hear of what */
#include "tests/advisories/adv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A node of the privileged domain with this list, below a closed one. */
static void node(const char *path, const char *perms)
{
	ck_assert_int_eq(put(K, 0, path, "value"), 0);
	SAID(0, K, SET_PERMS, "%s %s", path, perms);
}

/* Requests that only the privileged domain may make. */
static const struct {
	uint32_t op;
	const char *args;
} privileged[] = {
	{XS_OP_CONTROL, "check"},
	{XS_OP_INTRODUCE, "1 0 1"},
	{XS_OP_RELEASE, "1"},
	{XS_OP_IS_DOMAIN_INTRODUCED, "1"},
	{XS_OP_RESUME, "1"},
	{XS_OP_SET_TARGET, "1 2"},
	{XS_OP_GET_FEATURE, "1"},
	{XS_OP_SET_FEATURE, "1 0"},
	{XS_OP_GET_QUOTA, "nodes"},
	{XS_OP_SET_QUOTA, "nodes 1"},
};

START_TEST(operations_of_dom0)
{
	guest(1);
	guest(2);
	for (size_t i = 0; i < sizeof(privileged) / sizeof(*privileged); i++)
		ck_assert_int_eq(
			say(2, 0, privileged[i].op, "%s", privileged[i].args),
			EACCES);
	/* nor even with a transaction that is not there */
	ck_assert_int_eq(say(2, 99, XS_OP_CONTROL, "check"), EACCES);
}
END_TEST

/* A watch above everything hears of nothing that the watcher cannot read. */
START_TEST(watch_above_all)
{
	guest(1);
	guest(2);
	watch(2, "/", "all");
	watch(2, "/local/domain/1", "1");
	watch(2, "/local/domain/1/secret", "2");
	SAID(0, 1, MKDIR, "secret");
	ck_assert_int_eq(put(1, 0, "secret/x", "y"), 0);
	node("/k/deep", "n0");
	SAID(0, 1, RM, "secret");
	SAID(0, K, RM, "/k");
	quiet(2);
	/* granted: from now on, also of the granting itself */
	SAID(0, 1, MKDIR, "open");
	SAID(0, 1, SET_PERMS, "open n1 r2");
	EVENT(2, "/local/domain/1/open");
	EVENT(2, "/local/domain/1/open");
	quiet(2);
	/* revoked: this once more */
	SAID(0, 1, SET_PERMS, "open n1");
	EVENT(2, "/local/domain/1/open");
	EVENT(2, "/local/domain/1/open");
	ck_assert_int_eq(put(1, 0, "open", "y"), 0);
	SAID(0, 1, RM, "open");
	quiet(2);
}
END_TEST

/* Guests do not learn who comes and goes, from nothing they watch. */
START_TEST(special_watches)
{
	guest(2);
	watch(2, "@introduceDomain", "t");
	watch(2, "@releaseDomain", "t");
	watch(2, "@releaseDomain/1", "t");
	SAID(0, 2, WATCH, "@introduceDomain d 1");
	EVENT(2, "@introduceDomain");
	SAID(EACCES, 2, GET_PERMS, "@releaseDomain");
	SAID(EACCES, 2, SET_PERMS, "@releaseDomain n0 r2");
	SAID(EACCES, 2, SET_PERMS, "@introduceDomain n0 r2");
	guest(1);
	shut_down(1);
	die(1);
	quiet(2);
}
END_TEST

/* A watch is in no transaction, whatever the request says. */
START_TEST(watch_ignores_transactions)
{
	guest(1);
	SAID_TX(0, 1, 77, WATCH, "x t");
	EVENT(1, "x");
	SAID_TX(0, 1, 78, UNWATCH, "x t");
}
END_TEST

/* A number that is used again is somebody else. */
START_TEST(acl_of_the_dead)
{
	guest(1);
	guest(5);
	node("/acl", "n0 r5");
	node("/owned", "n0 b5 r1");
	value(5, "/acl", "value");
	die(5);
	guest(5);
	SAID(EACCES, 5, READ, "/acl");
	SAID(EACCES, 5, GET_PERMS, "/acl");
	ck_assert_int_eq(put(5, 0, "/owned", "x"), EACCES);
	ck_assert_int_eq(put(5, 0, "/owned/x", "x"), EACCES);
	value(1, "/owned", "value");
	/* it does not look as if it could */
	SAID(0, K, GET_PERMS, "/acl");
	ck_assert_uint_eq(reply.hdr.len, sizeof("n0"));
	SAID(0, K, GET_PERMS, "/owned");
	ck_assert_uint_eq(reply.hdr.len, sizeof("n0\0r1"));
}
END_TEST

/* One that was named before it was there. */
START_TEST(acl_of_the_unborn)
{
	node("/early", "n0 r6");
	node("/open", "r0 n6");
	SAID(ENOENT, K, SET_PERMS, "/early n6");
	SAID(0, K, GET_PERMS, "/early");
	ck_assert_int_eq(memcmp(reply.data, "n0\0r6", sizeof("n0\0r6")), 0);
	guest(6);
	SAID(EACCES, 6, READ, "/early");
	SAID(EACCES, 6, DIRECTORY, "/early");
	value(6, "/open", "value");
	SAID(0, K, SET_PERMS, "/early n0 r6");
	value(6, "/early", "value");
}
END_TEST

/* "x/x/x..." with @len bytes. */
static char *long_path(char *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		buf[i] = i % 200 == 199 && i + 1 < len ? '/' : 'x';
	buf[len] = '\0';
	return buf;
}

/* What can be written relative can be read absolute, by its owner and all. */
START_TEST(longest_path)
{
	char rel[3100], up[sizeof("/local/domain/1/") + sizeof(rel)];

	guest(1);
	long_path(rel, 2048);
	ck_assert_int_eq(put(1, 0, rel, "y"), 0);
	value(1, rel, "y");
	snprintf(up, sizeof(up), "/local/domain/1/%s", rel);
	value(1, up, "y");
	value(K, up, "y");
	*strrchr(up, '/') = '\0';
	SAID(0, K, DIRECTORY, "%s", up);
	ck_assert_uint_eq(reply.hdr.len, 2048 - 10 * 200 + 1);
	SAID(0, 1, DIRECTORY, "%s", up);
	SAID(0, 1, RM, "%s", rel);
	/* one more is too many, both ways */
	long_path(rel, 2049);
	ck_assert_int_eq(put(1, 0, rel, "y"), EINVAL);
	snprintf(up, sizeof(up), "/local/domain/1/%s", rel);
	ck_assert_int_eq(put(1, 0, up, "y"), EINVAL);
	long_path(rel, 3000);
	snprintf(up, sizeof(up), "/local/domain/1/%s", rel);
	ck_assert_int_eq(put(1, 0, up, "y"), EINVAL);
	ck_assert_int_eq(put(1, 0, rel, "y"), EINVAL);
	long_path(rel, 3080);
	up[0] = '/';
	strcpy(up + 1, rel);
	ck_assert_int_eq(put(K, 0, up, "y"), EINVAL);
	SAID(EINVAL, K, READ, "%s", up);
}
END_TEST

enum { LONG_TOKEN = 4085 };

static void long_watch(int who)
{
	static char buf[XSMSG_PAYLOAD_MAX] = "/deep";

	memset(buf + 6, 't', LONG_TOKEN);
	buf[6 + LONG_TOKEN] = '\0';
	ck_assert_int_eq(ask(who, 0, XS_OP_WATCH, buf, 6 + LONG_TOKEN + 1), 0);
	EVENT(who, "/deep");
	ck_assert_uint_eq(strlen(token), LONG_TOKEN);
}

/* An event is a message as any other: 4096 bytes and no more. */
START_TEST(long_token)
{
	const int who = _i ? 1 : K2;

	guest(1);
	node("/deep", "r0");
	long_watch(who);
	SAID(0, K, MKDIR, "/deep/er");
	EVENT(who, "/deep/er");
	SAID(0, K, MKDIR, "/deep/er/and/deeper");
	SAID(0, who, GET_DOMAIN_PATH, "1");
	SAID(0, K, RM, "/deep/er");
	SAID(0, who, GET_DOMAIN_PATH, "1");
}
END_TEST

/* What does not fit is told of the path that is watched. */
START_TEST(long_event_is_told)
{
	const int who = _i ? 1 : K2;

	guest(1);
	node("/deep", "r0");
	long_watch(who);
	SAID(0, K, MKDIR, "/deep/er/and/deeper");
	EVENT(who, "/deep");
	ck_assert_uint_eq(strlen(token), LONG_TOKEN);
	quiet(who);
}
END_TEST

/* A node that is given away is on somebody else's account. */
START_TEST(giving_away)
{
	guest(1);
	guest(2);
	SAID(0, 1, MKDIR, "mine");
	SAID(EPERM, 1, SET_PERMS, "mine n2");
	SAID(EPERM, 1, SET_PERMS, "mine n0 b1");
	SAID(EPERM, 1, SET_PERMS, "mine b2 b1");
	SAID(0, 1, GET_PERMS, "mine");
	ck_assert_str_eq(reply.data, "n1");
	ck_assert_uint_eq(NODES(1), 2);
	ck_assert_uint_eq(NODES(2), 1);
}
END_TEST

/* The root is a node with permissions, too. */
START_TEST(the_root)
{
	guest(1);
	SAID(EACCES, 1, RM, "/");
	SAID(EACCES, 1, DIRECTORY, "/");
	SAID(EACCES, 1, READ, "/");
	SAID(EACCES, 1, GET_PERMS, "/");
	SAID(EACCES, 1, SET_PERMS, "/ n1");
	SAID(EACCES, 1, SET_PERMS, "/ n0 b1");
	SAID(EACCES, 1, MKDIR, "/x");
	SAID(EACCES, 1, DIRECTORY_PART, "/ 0");
	ck_assert_int_eq(put(1, 0, "/", "x"), EACCES);
	/* and stays, whoever asks, and whatever a guest may write */
	SAID(EINVAL, K, RM, "/");
	SAID(0, K, SET_PERMS, "/ n0 b1");
	SAID(EINVAL, 1, RM, "/");
	SAID(0, K, READ, "/local/domain/1");
	SAID(0, K, READ, "/tool/xenstored");
}
END_TEST

/* The special nodes outlive all that is named in their lists. */
START_TEST(special_nodes_stay)
{
	guest(3);
	SAID(EINVAL, K, SET_PERMS, "@releaseDomain n3");
	SAID(EINVAL, K, SET_PERMS, "@introduceDomain b3 r0");
	SAID(0, K, SET_PERMS, "@releaseDomain n0 r3");
	SAID(0, K, SET_PERMS, "@introduceDomain n0 r3");
	watch(K, "@releaseDomain", "t");
	die(3);
	EVENT(K, "@releaseDomain");
	guest(3);
	guest(4);
	watch(3, "@releaseDomain", "t");
	SAID(EACCES, 3, GET_PERMS, "@releaseDomain");
	die(4);
	EVENT(K, "@releaseDomain");
	quiet(3);
	SAID(0, K, GET_PERMS, "@releaseDomain");
	ck_assert_uint_eq(reply.hdr.len, sizeof("n0"));
}
END_TEST

/* Whether guests hear of deaths is a setting, and off. */
START_TEST(release_events_are_a_setting)
{
	guest(1);
	watch(1, "@releaseDomain", "t");
	guest(2);
	die(2);
	quiet(1);
	SAID(0, K, SET_PERMS, "@releaseDomain n0 r1");
	guest(2);
	guest(3);
	die(2);
	EVENT(1, "@releaseDomain");
	quiet(1);
	SAID(0, K, RELEASE, "3");
	EVENT(1, "@releaseDomain");
	quiet(1);
}
END_TEST

/* Changes of /d/n, and how often guest 2 hears of each, in all. */
static const struct {
	const char *parent, *perms; /* of /d and of /d/n */
	const char *change;         /* w write, d remove, or a list */
	unsigned events;
} visible[] = {
	{"n0", "n0", "w", 0},
	{"n0", "r0", "w", 1},
	{"n0", "n0 r2", "w", 1},
	{"n0", "n0 w2", "w", 0},
	{"n0", "r0 n2", "w", 0},
	{"r0", "n0", "w", 1},
	{"n0", "n0", "n0 r2", 1},
	{"n0", "n0 r2", "n0", 1},
	{"n0", "n0", "n0 r1", 0},
	{"n0", "n0", "d", 0},
	{"n0", "n0 r2", "d", 1},
	{"n0 r2", "n0", "d", 1},
	{"r0 n2", "n0", "d", 0},
};

/* Inside of a transaction and outside it is the same. */
START_TEST(visibility)
{
	const char *change = visible[_i / 2].change;
	uint32_t tx = 0;

	guest(1);
	guest(2);
	node("/d", "n0");
	node("/d/n", visible[_i / 2].perms);
	SAID(0, K, SET_PERMS, "/d %s", visible[_i / 2].parent);
	watch(2, "/d", "t");
	if (_i % 2)
		tx = begin(K);
	if (change[0] == 'w')
		ck_assert_int_eq(put(K, tx, "/d/n", "y"), 0);
	else if (change[0] == 'd')
		SAID_TX(0, K, tx, RM, "/d/n");
	else
		SAID_TX(0, K, tx, SET_PERMS, "/d/n %s", change);
	if (tx) {
		quiet(2);
		ck_assert_int_eq(commit(K, tx), 0);
	}
	for (unsigned i = 0; i < visible[_i / 2].events; i++)
		EVENT(2, "/d/n");
	quiet(2);
}
END_TEST

/* Whether a node exists is nobody's business who may not list its parent. */
START_TEST(missing_looks_like_closed)
{
	static const char *const paths[] = {
		"/closed/there", "/closed/missing", "/closed/missing/more"};

	guest(1);
	node("/closed", "n0");
	node("/closed/there", "n0");
	for (size_t i = 0; i < 3; i++) {
		for (int in = 0; in < 2; in++) {
			uint32_t tx = in ? begin(1) : 0;

			SAID_TX(EACCES, 1, tx, READ, "%s", paths[i]);
			SAID_TX(EACCES, 1, tx, DIRECTORY, "%s", paths[i]);
			SAID_TX(EACCES, 1, tx, DIRECTORY_PART, "%s 0",
				paths[i]);
			SAID_TX(EACCES, 1, tx, GET_PERMS, "%s", paths[i]);
			SAID_TX(EACCES, 1, tx, SET_PERMS, "%s n1", paths[i]);
			SAID_TX(EACCES, 1, tx, RM, "%s", paths[i]);
			SAID_TX(EACCES, 1, tx, MKDIR, "%s", paths[i]);
			SAID_TX(EACCES, 1, tx, WRITE, "%s x", paths[i]);
			if (tx)
				SAID_TX(0, 1, tx, TRANSACTION_END, "F");
		}
	}
	/* only who may list it is told */
	SAID(0, K, SET_PERMS, "/closed n0 r1");
	SAID(ENOENT, 1, READ, "/closed/missing");
	SAID(EACCES, 1, READ, "/closed/there");
	/* may write, may not list */
	SAID(0, K, SET_PERMS, "/closed n0 w1");
	SAID(EACCES, 1, READ, "/closed/missing");
	SAID(EACCES, 1, RM, "/closed/missing");
	SAID(EACCES, 1, RM, "/closed/there");
}
END_TEST

ADV_MAIN("perms", ADV("XSA-115", operations_of_dom0),
	ADV("XSA-115", watch_above_all), ADV("XSA-115", special_watches),
	ADV("XSA-115", watch_ignores_transactions),
	ADV("XSA-322", acl_of_the_dead), ADV("XSA-323", longest_path),
	ADV_LOOP("XSA-324", long_token, 2), ADV("XSA-352", giving_away),
	ADV("XSA-353", the_root), ADV("XSA-417", acl_of_the_unborn),
	ADV("B7", special_nodes_stay), ADV("B11", release_events_are_a_setting),
	ADV_LOOP("B13", visibility,
		2 * (int)(sizeof(visible) / sizeof(*visible))),
	ADV_LOOP("B14", long_event_is_told, 2),
	ADV("B15", missing_looks_like_closed))
