// SPDX-License-Identifier: MIT
/* test_str.c - escapes and strict integers */
#include <errno.h>

#include "common/str.h"
#include "tests/unit/bh_check.h"

START_TEST(test_escape_round_trip)
{
	char all[256], text[1200];
	size_t len;

	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	len = str_escape(text, sizeof(text), all, sizeof(all));
	ck_assert_uint_eq(len, strlen(text));
	for (size_t i = 0; i < len; i++)
		ck_assert(text[i] >= ' ' && text[i] <= '~');
	ck_assert_int_eq(str_unescape(text, &len), 0);
	ck_assert_uint_eq(len, sizeof(all));
	ck_assert_mem_eq(text, all, sizeof(all));
}
END_TEST

START_TEST(test_escape_is_cut_between_escapes)
{
	char text[8];

	ck_assert_uint_eq(str_escape(text, sizeof(text), "ab\x01\x02", 4), 6);
	ck_assert_str_eq(text, "ab\\x01");
	ck_assert_uint_eq(str_escape(text, 1, "a", 1), 0);
	ck_assert_str_eq(text, "");
	ck_assert_uint_eq(str_escape(text, 3, "ab", 2), 2);
	ck_assert_uint_eq(str_escape(text, 2, "ab", 2), 1);
}
END_TEST

static const char *const bad_escapes[] = {"\\", "\\q", "\\x", "\\x1", "\\xg0"};

START_TEST(test_unescape_refuses)
{
	char text[8];
	size_t len = strlen(bad_escapes[_i]);

	memcpy(text, bad_escapes[_i], len + 1);
	ck_assert_int_eq(str_unescape(text, &len), EINVAL);
}
END_TEST

static const char *const bad_numbers[] = {"", "x", " 1", "1 ", "1x", "0x1",
	"-1", "+1", "65536", "4294967296", "18446744073709551616",
	"99999999999999999999999"};

START_TEST(test_number_refuses)
{
	uint64_t v;

	ck_assert_int_eq(str_to_u64(bad_numbers[_i], 65535, &v), EINVAL);
}
END_TEST

START_TEST(test_number_takes)
{
	uint64_t v;

	ck_assert_int_eq(str_to_u64("0", 0, &v), 0);
	ck_assert_uint_eq(v, 0);
	ck_assert_int_eq(str_to_u64("0065535", 65535, &v), 0);
	ck_assert_uint_eq(v, 65535);
	ck_assert_int_eq(str_to_u64("18446744073709551615", UINT64_MAX, &v), 0);
	ck_assert_uint_eq(v, UINT64_MAX);
}
END_TEST

BH_CHECK_MAIN("str", 10, BH_TEST(test_escape_round_trip),
	BH_TEST(test_escape_is_cut_between_escapes),
	BH_LOOP(test_unescape_refuses, 5), BH_LOOP(test_number_refuses, 12),
	BH_TEST(test_number_takes))
