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
	ck_assert_ptr_eq(b->parent, places_special(places));
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

BH_CHECK_MAIN("place", 10, BH_LOOP(test_emit_is_the_inverse_of_get, 5),
	BH_TEST(test_paths_and_specials_are_apart), BH_TEST(test_growth))
