/* SPDX-License-Identifier: MIT */
/* lives.c: domains that die, in any order, and leave nothing */
#include "tests/advisories/adv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A stub domain and its target are gone when we look again. */
START_TEST(stub_and_target_at_once)
{
	guest(1);
	guest(2);
	SAID(0, K, SET_TARGET, "2 1");
	watch(K, "@releaseDomain", "t");
	ck_assert_int_eq(put(2, 0, "/local/domain/1/of", "stub"), 0);
	watch(2, "/local/domain/1", "t");
	freeze();
	destroy(_i ? 1 : 2);
	destroy(_i ? 2 : 1);
	thaw();
	EVENT(K, "@releaseDomain");
	EVENT(K, "@releaseDomain");
	quiet(K);
	SAID(ENOENT, K, READ, "/local/domain/1/of");
	SAID(ENOENT, K, READ, "/local/domain/2");
	/* and the numbers are free */
	guest(1);
	guest(2);
	SAID(EACCES, 2, READ, "/local/domain/1");
}
END_TEST

/* What somebody may do for another ends with either of them. */
START_TEST(target_is_an_instance)
{
	const bool stub_first = _i & 1, two_steps = _i & 2;

	guest(1);
	guest(2);
	guest(3);
	watch(K, "@releaseDomain", "t");
	SAID(0, K, SET_TARGET, "2 1");
	SAID(EACCES, 3, READ, "/local/domain/1");
	SAID(0, 1, MKDIR, "of");
	ck_assert_int_eq(put(2, 0, "/local/domain/1/of", "stub"), 0);
	/* all that its target may, but not to whom it belongs */
	SAID(0, 2, SET_PERMS, "/local/domain/1/of n1 r3");
	value(3, "/local/domain/1/of", "stub");
	SAID(EPERM, 2, SET_PERMS, "/local/domain/1 n2");
	die(stub_first ? 2 : 1);
	EVENT(K, "@releaseDomain");
	quiet(K);
	if (two_steps) {
		/* the survivor meets somebody with the old number */
		guest(stub_first ? 2 : 1);
		SAID(0, 1, MKDIR, "x");
		SAID(EACCES, 2, READ, "/local/domain/1/x");
		SAID(EACCES, 2, READ, "/local/domain/1");
		ck_assert_int_eq(put(2, 0, "/local/domain/1/x", "y"), EACCES);
		SAID(0, 1, GET_DOMAIN_PATH, "1");
		SAID(0, 2, GET_DOMAIN_PATH, "2");
		die(stub_first ? 2 : 1);
		EVENT(K, "@releaseDomain");
	}
	die(stub_first ? 1 : 2);
	EVENT(K, "@releaseDomain");
	quiet(K);
	SAID(ENOENT, K, SET_TARGET, "2 1");
}
END_TEST

/* Nodes outside of its home, with nodes of others below them. */
START_TEST(nodes_of_the_dead)
{
	unsigned seen = 0, seven = 0;
	const char *path;

	guest(1);
	guest(2);
	ck_assert_int_eq(put(K, 0, "/a/of1/of2", "x"), 0);
	SAID(0, K, SET_PERMS, "/a/of1/of2 n2");
	SAID(0, K, SET_PERMS, "/a/of1 b1");
	SAID(0, K, MKDIR, "/a/b/c");
	SAID(0, K, SET_PERMS, "/a/b b1");
	SAID(0, 2, MKDIR, "/a/b/of2");
	SAID(0, K, SET_PERMS, "/a r0 r1");
	for (int i = 0; i < 20; i++)
		SAID(0, 1, MKDIR, "/a/of1/%d", i);
	ck_assert_uint_eq(NODES(1), 23);
	ck_assert_uint_eq(NODES(2), 3);
	watch(K, "/a", "t");
	watch(K, "/a/of1/7", "7");
	watch(K, "@releaseDomain", "t");
	die(1);
	/* of everything before of the death */
	do {
		path = event(K);
		ck_assert_str_ne(path, "");
		seen += !strcmp(path, "/a/of1") || !strcmp(path, "/a/b");
		seven += !strcmp(token, "7");
	} while (strcmp(path, "@releaseDomain") != 0);
	quiet(K);
	ck_assert_uint_eq(seen, 2);
	ck_assert_uint_eq(seven, 1);
	SAID(0, K, DIRECTORY, "/a");
	ck_assert_uint_eq(reply.hdr.len, 0);
	ck_assert_uint_eq(NODES(2), 1);
	guest(1);
	ck_assert_uint_eq(NODES(1), 1);
	ck_assert_int_eq(put(1, 0, "/a/of1", "x"), EACCES);
}
END_TEST

/*
 * Toolstacks change the handle of domains that live, some of them right
 * before they destroy one.  That is no death.
 */
START_TEST(handle_of_the_living)
{
	guest(1);
	watch(K, "@releaseDomain", "t");
	SAID(0, 1, MKDIR, "data");
	for (uint8_t byte = 1; byte <= 2; byte++) {
		guest(2);
		handle_set(1, byte);
		/* now they are all looked at */
		die(2);
		EVENT(K, "@releaseDomain");
		quiet(K);
		SAID(0, K, IS_DOMAIN_INTRODUCED, "1");
		ck_assert_str_eq(reply.data, "T");
		ck_assert_int_eq(put(1, 0, "data", "alive"), 0);
		value(K, "/local/domain/1/data", "alive");
	}
	shut_down(1);
	EVENT(K, "@releaseDomain");
	handle_set(1, 0xde);
	die(1);
	EVENT(K, "@releaseDomain");
	quiet(K);
	SAID(ENOENT, K, READ, "/local/domain/1");
}
END_TEST

/*
 * The number is somebody else's when we look again.  This is for domains
 * without a ring: the number of one with a ring is not free while the daemon
 * has the page.
 */
START_TEST(handle_of_the_next)
{
	domain(1);
	SAID(0, K, MKDIR, "/of");
	SAID(0, K, SET_PERMS, "/of n1");
	SAID(0, K, MKDIR, "/d");
	SAID(0, K, SET_PERMS, "/d n0 r1");
	watch(K, "@releaseDomain", "t");
	watch(K, "/of", "t");
	freeze();
	destroy(1);
	domain(1);
	handle_set(1, 1);
	thaw();
	EVENT(K, "/of");
	/* nobody was introduced */
	quiet(K);
	ck_assert_int_eq(introduce(1), 0);
	SAID(EACCES, 1, READ, "/d");
	die(1);
	EVENT(K, "@releaseDomain");
	quiet(K);
}
END_TEST

/* Its home is built before we have looked, or while its forerunner leaves. */
START_TEST(home_of_the_next)
{
	static const char home[] = "/home", list[] = "/home\0n1";

	domain(1);
	SAID(0, K, MKDIR, "/n");
	for (int i = 0; i < 900; i++) {
		SAID(0, K, MKDIR, "/n/%d", i);
		SAID(0, K, SET_PERMS, "/n/%d n1", i);
	}
	freeze();
	destroy(1);
	domain(1);
	handle_set(1, 1);
	tell(K, 0, XS_OP_MKDIR, home, sizeof(home));
	tell(K, 0, XS_OP_SET_PERMS, list, sizeof(list));
	thaw();
	ck_assert_int_eq(answer(K, 5000), 0);
	ck_assert_int_eq(answer(K, 5000), 0);
	ck_assert_int_eq(introduce(1), 0);
	ck_assert_int_eq(put(1, 0, "/home", "mine"), 0);
	SAID(0, K, DIRECTORY, "/n");
	ck_assert_uint_eq(reply.hdr.len, 0);
	die(1);
	SAID(ENOENT, K, READ, "/home");
}
END_TEST

/* Again and again, nothing is left. */
START_TEST(reboot_loop)
{
	size_t heap = 0, now;

	SAID(0, K, MKDIR, "/shared");
	for (int i = 0; i < 16; i++) {
		guest(1);
		SAID(0, K, SET_PERMS, "/shared n0 b1");
		for (int n = 0; n < 30; n++)
			SAID(0, 1, MKDIR, "/shared/%d-%d", i, n);
		watch(1, "/shared", "t");
		begin(1);
		die(1);
		SAID(0, K, DIRECTORY, "/shared");
		ck_assert_uint_eq(reply.hdr.len, 0);
		now = report("memreport", "heap_used", "heap_used");
		/* what is kept to be used again is there by then */
		if (i == 4)
			heap = now;
		if (i > 4)
			ck_assert_uint_le(now, heap + 256);
	}
	ck_assert_uint_eq(report("memreport", "nodes", "watches"), 0);
}
END_TEST

/* Who has used up everything leaves a full account to the next. */
START_TEST(quota_of_the_next)
{
	int nr = 0;

	SAID(0, K, SET_QUOTA, "nodes 10");
	SAID(0, K, SET_QUOTA, "watches 5");
	for (int life = 0; life < 3; life++) {
		guest(1);
		for (nr = 0; SAY(1, MKDIR, "%d", nr) == 0; nr++)
			;
		ck_assert_int_eq(nr, 9);
		for (nr = 0; SAY(1, WATCH, "%d t", nr) == 0; nr++)
			;
		ck_assert_int_eq(nr, 5);
		if (life == 1)
			SAID(0, K, RELEASE, "1");
		die(1);
	}
}
END_TEST

/* A domain that has shut down is told of once, until it resumes. */
START_TEST(shutdown_and_death)
{
	guest(1);
	watch(K, "@releaseDomain", "t");
	shut_down(1);
	EVENT(K, "@releaseDomain");
	guest(2);
	die(2);
	EVENT(K, "@releaseDomain");
	quiet(K);
	SAID(0, 1, GET_DOMAIN_PATH, "1");
	die(1);
	EVENT(K, "@releaseDomain");
	quiet(K);
}
END_TEST

/* RELEASE lets go at once, and the death that follows is no news. */
START_TEST(release_then_death)
{
	guest(1);
	guest(2);
	watch(K, "@releaseDomain", "t");
	SAID(0, K, RELEASE, "1");
	EVENT(K, "@releaseDomain");
	die(1);
	quiet(K);
	die(2);
	EVENT(K, "@releaseDomain");
	quiet(K);
}
END_TEST

ADV_MAIN("lives", ADV_LOOP("XSA-233", stub_and_target_at_once, 2),
	ADV("XSA-325", shutdown_and_death), ADV("XSA-325", release_then_death),
	ADV("XSA-325", handle_of_the_living),
	ADV("XSA-322", handle_of_the_next), ADV("XSA-322", home_of_the_next),
	ADV("XSA-419", nodes_of_the_dead), ADV("XSA-419", reboot_loop),
	ADV("XSA-483", quota_of_the_next),
	ADV_LOOP("B4", target_is_an_instance, 4))
