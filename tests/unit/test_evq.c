/* SPDX-License-Identifier: MIT */
/* test_evq.c - unread events: each once, in order, bounded, none lost */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "libxs/evq.h"
#include "libxs/xenstore.h"
#include "tests/unit/bh_check.h"

static void expect(struct evq *q, const char *path, const char *token)
{
	char **vec = evq_pop(q);

	ck_assert_ptr_nonnull(vec);
	ck_assert_str_eq(vec[XS_WATCH_PATH], path);
	ck_assert_str_eq(vec[XS_WATCH_TOKEN], token);
	free(vec);
}

static void expect_none(struct evq *q)
{
	ck_assert(!evq_ready(q));
	ck_assert_ptr_null(evq_pop(q));
	ck_assert_int_eq(errno, EAGAIN);
}

START_TEST(test_order)
{
	struct evq q;

	evq_init(&q);
	expect_none(&q);
	evq_push(&q, "/b", "t");
	evq_push(&q, "/a", "t");
	evq_push(&q, "/a", "");
	ck_assert(evq_ready(&q));
	expect(&q, "/b", "t");
	expect(&q, "/a", "t");
	expect(&q, "/a", "");
	expect_none(&q);
	evq_fini(&q);
}
END_TEST

START_TEST(test_same)
{
	struct evq q;

	evq_init(&q);
	for (int i = 0; i < 3; i++) {
		evq_push(&q, "/a", "t");
		evq_push(&q, "/a", "u");
		/* not to be mixed up with the two above */
		evq_push(&q, "/at", "");
	}
	expect(&q, "/a", "t");
	/* read, and then it happens again */
	evq_push(&q, "/a", "t");
	expect(&q, "/a", "u");
	expect(&q, "/at", "");
	expect(&q, "/a", "t");
	expect_none(&q);
	ck_assert_uint_eq(q.bytes, 0);
	evq_fini(&q);
}
END_TEST

/* Domains that come and go are not the same event, but bounded too. */
START_TEST(test_special)
{
	struct evq q;

	evq_init(&q);
	ck_assert(evq_watch(&q, "@releaseDomain", "t"));
	for (int i = 0; i < 3; i++)
		evq_push(&q, "@releaseDomain", "t");
	evq_push(&q, "@introduceDomain", "t");
	expect(&q, "@releaseDomain", "t");
	evq_push(&q, "@releaseDomain", "u");
	for (int i = 0; i < 2; i++)
		expect(&q, "@releaseDomain", "t");
	expect(&q, "@introduceDomain", "t");
	expect(&q, "@releaseDomain", "u");
	expect_none(&q);
	ck_assert_uint_eq(q.bytes, 0);
	for (int i = 0; i < EVQ_MAX; i++)
		evq_push(&q, "@releaseDomain", "t");
	ck_assert_uint_eq(q.nr, EVQ_MAX);
	ck_assert_uint_eq(q.marks, 0);
	evq_push(&q, "@releaseDomain", "t");
	ck_assert_uint_eq(q.nr, EVQ_MAX);
	ck_assert_uint_eq(q.marks, 1);
	evq_filter(&q, "@releaseDomain", "t");
	expect(&q, "@releaseDomain", "t");
	expect_none(&q);
	evq_fini(&q);
}
END_TEST

START_TEST(test_filter)
{
	struct evq q;

	evq_init(&q);
	evq_push(&q, "/a", "t");
	evq_push(&q, "/a/b", "t");
	evq_push(&q, "/ab", "t");
	evq_push(&q, "/a", "u");
	evq_push(&q, "/", "t");
	evq_filter(&q, "/a", "t");
	expect(&q, "/ab", "t");
	expect(&q, "/a", "u");
	expect(&q, "/", "t");
	expect_none(&q);
	evq_fini(&q);
}
END_TEST

static void flood(struct evq *q, const char *below, const char *token, int nr)
{
	char path[64];

	for (int i = 0; i < nr; i++) {
		snprintf(path, sizeof(path), "%s/%d", below, i);
		evq_push(q, path, token);
	}
}

/* What does not fit marks the watches that xs_path_is_subpath() says. */
START_TEST(test_overflow_finds)
{
	static const char *const paths[] = {"", "/", "/a", "/a/", "/a/b",
		"/a/bc", "/a/b/c", "a", "a/b", "@releaseDomain", "//", "//a"};
	enum { NR = sizeof(paths) / sizeof(*paths) };

	for (int i = 0; i < NR; i++) {
		unsigned int marks = 0, seen = 0;
		struct evq q;
		char **vec;

		evq_init(&q);
		for (int w = 0; w < NR; w++) {
			ck_assert(evq_watch(&q, paths[w], "t"));
			ck_assert(evq_watch(&q, paths[w], "u"));
			marks += xs_path_is_subpath(paths[w], paths[i]);
		}
		flood(&q, "/fill", "x", EVQ_MAX);
		evq_push(&q, paths[i], "t");
		ck_assert_uint_eq(q.marks, marks);
		evq_filter(&q, "/fill", "x");
		while ((vec = evq_pop(&q))) {
			ck_assert_str_eq(vec[XS_WATCH_TOKEN], "t");
			ck_assert(xs_path_is_subpath(
				vec[XS_WATCH_PATH], paths[i]));
			free(vec);
			seen++;
		}
		ck_assert_uint_eq(seen, marks);
		evq_fini(&q);
	}
}
END_TEST

/*
 * What others may cause at will must not take the time of all watches: a walk
 * through them would take minutes here.
 */
START_TEST(test_overflow_quick)
{
	enum { WATCHES = 20000, EVENTS = 400000 };
	struct evq q;
	char path[64];

	evq_init(&q);
	for (int i = 0; i < WATCHES; i++) {
		snprintf(path, sizeof(path), "/local/domain/%d", i);
		ck_assert(evq_watch(&q, path, "t"));
	}
	flood(&q, "/fill", "x", EVQ_MAX);
	for (int i = 0; i < EVENTS; i++)
		evq_push(&q, "/local/domain/1/data/a/b/c/d", "t");
	ck_assert_uint_eq(q.marks, 1);
	evq_fini(&q);
}
END_TEST

/* More than fit: the watch, and only it, reports itself. */
START_TEST(test_overflow)
{
	struct evq q;
	int nr = 0;
	char **vec;

	evq_init(&q);
	ck_assert(evq_watch(&q, "/a", "t"));
	ck_assert(evq_watch(&q, "/a", "u"));
	ck_assert(evq_watch(&q, "/b", "t"));
	ck_assert(!evq_full(&q));
	flood(&q, "/a", "t", EVQ_MAX);
	ck_assert(evq_full(&q));
	ck_assert_uint_eq(q.marks, 0);
	/* one that is there needs no room */
	evq_push(&q, "/a/0", "t");
	ck_assert_uint_eq(q.marks, 0);
	flood(&q, "/a/more", "t", 3);
	ck_assert_uint_eq(q.marks, 1);
	/* of a watch that is not ours */
	evq_push(&q, "/c", "t");
	evq_push(&q, "/a", "v");
	ck_assert_uint_eq(q.marks, 1);
	expect(&q, "/a", "t");
	while (q.nr) {
		vec = evq_pop(&q);
		ck_assert_ptr_nonnull(vec);
		free(vec);
		nr++;
	}
	ck_assert_int_eq(nr, EVQ_MAX);
	expect_none(&q);
	ck_assert_uint_eq(q.bytes, 0);
	evq_fini(&q);
}
END_TEST

/* A queue that is always full keeps no watch from reporting, nor a mark. */
START_TEST(test_overflow_turns)
{
	struct evq q;
	int seen[3] = {0};

	evq_init(&q);
	ck_assert(evq_watch(&q, "/a", "t"));
	ck_assert(evq_watch(&q, "/b", "t"));
	flood(&q, "/a", "t", EVQ_MAX);
	evq_push(&q, "/b", "t");
	for (int i = 0; i < 8; i++) {
		char path[32], **vec;

		snprintf(path, sizeof(path), "/a/x%d", i);
		evq_push(&q, path, "t"); /* into what was freed */
		evq_push(&q, "/a/y", "t");
		vec = evq_pop(&q);
		seen[0] += !strcmp(vec[XS_WATCH_PATH], "/a");
		seen[1] += !strcmp(vec[XS_WATCH_PATH], "/b");
		seen[2] += strlen(vec[XS_WATCH_PATH]) > 2;
		free(vec);
	}
	ck_assert_int_ge(seen[0], 1);
	ck_assert_int_eq(seen[1], 1);
	ck_assert_int_eq(seen[2], 4);
	evq_fini(&q);
}
END_TEST

START_TEST(test_bytes)
{
	static char path[3000];
	struct evq q;
	size_t most = 0;

	evq_init(&q);
	ck_assert(evq_watch(&q, "/", "t"));
	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	for (int i = 0; i < 2000; i++) {
		snprintf(path + 2990, 9, "%d", i);
		evq_push(&q, path, "t");
		most = q.bytes > most ? q.bytes : most;
	}
	ck_assert_uint_le(most, EVQ_BYTES);
	ck_assert_uint_lt(q.nr, 2000);
	ck_assert_uint_eq(q.marks, 1);
	evq_fini(&q);
}
END_TEST

/* A mark goes with its watch; a watch of the same name twice is two. */
START_TEST(test_unwatch)
{
	struct evq q;

	evq_init(&q);
	ck_assert(evq_watch(&q, "/a", "t"));
	ck_assert(evq_watch(&q, "/a", "t"));
	flood(&q, "/a", "t", EVQ_MAX + 1);
	ck_assert_uint_eq(q.marks, 1);
	evq_filter(&q, "/a", "t");
	evq_unwatch(&q, "/a", "t");
	ck_assert_uint_eq(q.marks, 1);
	evq_unwatch(&q, "/a", "t");
	ck_assert_uint_eq(q.marks, 0);
	expect_none(&q);
	evq_unwatch(&q, "/a", "t"); /* not there: nothing happens */
	evq_fini(&q);
}
END_TEST

/* Special nodes and relative paths are paths as others. */
START_TEST(test_kinds)
{
	struct evq q;

	evq_init(&q);
	ck_assert(evq_watch(&q, "@releaseDomain", "t"));
	ck_assert(evq_watch(&q, "device", "t"));
	flood(&q, "/fill", "x", EVQ_MAX);
	evq_push(&q, "@releaseDomain/7", "t");
	evq_push(&q, "device/vbd/0", "t");
	ck_assert_uint_eq(q.marks, 2);
	evq_filter(&q, "/fill", "x");
	expect(&q, "@releaseDomain", "t");
	expect(&q, "device", "t");
	expect_none(&q);
	evq_fini(&q);
}
END_TEST

BH_CHECK_MAIN("evq", 30, BH_TEST(test_order), BH_TEST(test_same),
	BH_TEST(test_overflow_turns), BH_TEST(test_special),
	BH_TEST(test_filter), BH_TEST(test_overflow_finds),
	BH_TEST(test_overflow_quick), BH_TEST(test_overflow),
	BH_TEST(test_bytes), BH_TEST(test_unwatch), BH_TEST(test_kinds))
