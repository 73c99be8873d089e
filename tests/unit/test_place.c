// SPDX-License-Identifier: MIT
/* test_place.c - one object for each path in use */
#include <talloc.h>

#include "common/wr.h"
#include "tests/unit/bh_check.h"
#include "xenstored/place.h"

static const char *const paths[] = {
	"/", "/a", "/a/bc/d", "@releaseDomain", "@releaseDomain/17"};

START_TEST(test_emit_is_the_inverse_of_get)
{
	struct places *places = places_new(NULL);
	struct place *place = places_get_path(places, paths[_i]);
	char buf[64];
	struct wr wr;

	wr_init(&wr, buf, sizeof(buf));
	place_emit(place, &wr);
	wr_bytes(&wr, "", 1);
	ck_assert_str_eq(buf, paths[_i]);
	ck_assert_ptr_eq(places_find_path(places, paths[_i]), place);
	ck_assert_ptr_eq(places_get_path(places, paths[_i]), place);
	places_unref(places, place);
	places_unref(places, place);
	ck_assert_uint_eq(places_nr(places), 0);
	talloc_free(places);
}
END_TEST

START_TEST(test_paths_and_specials_are_apart)
{
	struct places *places = places_new(NULL);
	struct place *a = places_get_path(places, "/@x");
	struct place *b = places_get_path(places, "@x");

	ck_assert_ptr_ne(a, b);
	ck_assert_ptr_eq(a->parent, places_root(places));
	ck_assert_ptr_nonnull(b->parent);
	ck_assert_ptr_ne(b->parent, a->parent);
	places_unref(places, a);
	places_unref(places, b);
	talloc_free(places);
}
END_TEST

/* Many places: the table grows, each is found, all are freed. */
START_TEST(test_growth)
{
	enum { NR = 5000 };
	struct places *places = places_new(NULL);
	static struct place *all[NR];
	char path[32];

	for (int i = 0; i < NR; i++) {
		snprintf(path, sizeof(path), "/d%d/n%d", i % 50, i);
		all[i] = places_get_path(places, path);
		ck_assert_ptr_nonnull(all[i]);
	}
	ck_assert_uint_eq(places_nr(places), NR + 50);
	for (int i = 0; i < NR; i++) {
		snprintf(path, sizeof(path), "/d%d/n%d", i % 50, i);
		ck_assert_ptr_eq(places_find_path(places, path), all[i]);
		snprintf(path, sizeof(path), "/d%d/n%d", (i + 1) % 50, i);
		ck_assert_ptr_null(places_find_path(places, path));
	}
	for (int i = 0; i < NR; i++)
		places_unref(places, all[i]);
	ck_assert_uint_eq(places_nr(places), 0);
	talloc_free(places);
}
END_TEST

static size_t apart(size_t a, size_t b)
{
	return a > b ? a - b : b - a;
}

/*
 * The table follows the places in both directions, by at most four buckets at
 * once, and all that are left can be found at each of its sizes.
 */
START_TEST(test_table_follows)
{
	enum { NR = 100 * 1000, STEP = 997 };
	struct places *places = places_new(NULL);
	size_t least = places_buckets(places), was = least, is;
	struct place **all = calloc(NR, sizeof(struct place *));
	char path[32];

	ck_assert_ptr_nonnull(all);
	for (int i = 0; i < NR; i++) {
		snprintf(path, sizeof(path), "/%d", i);
		all[i] = places_get_path(places, path);
		is = places_buckets(places);
		ck_assert_uint_le(apart(is, was), 4);
		ck_assert_uint_le(places_nr(places), is);
		ck_assert(is == least || is <= (size_t)i / 4 * 5 + 8);
		was = is;
	}
	for (int i = 0; i < NR; i++) {
		places_unref(places, all[i]);
		is = places_buckets(places);
		ck_assert_uint_le(apart(is, was), 4);
		was = is;
		for (int j = i + 1; i % STEP == 0 && j < NR; j += STEP) {
			snprintf(path, sizeof(path), "/%d", j);
			ck_assert_ptr_eq(
				places_find_path(places, path), all[j]);
		}
	}
	ck_assert_uint_eq(is, least);
	free(all);
	talloc_free(places);
}
END_TEST

/* At no size does one place more or less move buckets to and fro. */
START_TEST(test_table_rests)
{
	struct places *places = places_new(NULL);
	struct place *all[1024];
	char path[32];

	for (int i = 0; i < 1024; i++) {
		snprintf(path, sizeof(path), "/%d", i);
		all[i] = places_get_path(places, path);
		for (int k = 0; k < 4; k++) {
			size_t was = places_buckets(places);

			places_unref(places, all[i]);
			ck_assert_uint_eq(places_buckets(places), was);
			all[i] = places_get_path(places, path);
			ck_assert_uint_ge(places_buckets(places), was);
		}
		ck_assert_uint_le(
			places_buckets(places), i < 200 ? 256 : i / 4 * 5 + 8);
	}
	for (int i = 0; i < 1024; i++)
		places_unref(places, all[i]);
	talloc_free(places);
}
END_TEST

BH_CHECK_MAIN("place", 10, BH_LOOP(test_emit_is_the_inverse_of_get, 5),
	BH_TEST(test_paths_and_specials_are_apart), BH_TEST(test_growth),
	BH_TEST(test_table_follows), BH_TEST(test_table_rests))
