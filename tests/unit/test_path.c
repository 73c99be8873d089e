// SPDX-License-Identifier: MIT
/* test_path.c - the rules of paths */
#include <errno.h>

#include "tests/unit/bh_check.h"
#include "wire/path.h"

static struct path path;

static int parse(const char *s, size_t limit, bool special)
{
	return path_parse(&path, s, strlen(s), 5, limit, special);
}

static const struct {
	const char *in, *out;
	enum path_kind kind;
} good[] = {
	{"/", "/", PATH_ABSOLUTE},
	{"/a", "/a", PATH_ABSOLUTE},
	{"/a/B-_@9", "/a/B-_@9", PATH_ABSOLUTE},
	{"/local/domain", "/local/domain", PATH_ABSOLUTE},
	{"a", "/local/domain/5/a", PATH_RELATIVE},
	{"a/b", "/local/domain/5/a/b", PATH_RELATIVE},
	{"@releaseDomain", "@releaseDomain", PATH_SPECIAL},
	{"@releaseDomain/5", "@releaseDomain/5", PATH_SPECIAL},
};

START_TEST(test_good)
{
	ck_assert_int_eq(parse(good[_i].in, PATH_ABS_MAX, true), 0);
	ck_assert_str_eq(path.buf, good[_i].out);
	ck_assert_uint_eq(path.len, strlen(good[_i].out));
	ck_assert_int_eq(path.kind, good[_i].kind);
	ck_assert_str_eq(path.buf + path.base, good[_i].in);
}
END_TEST

/* XSA-481 among them: every path of its report. */
static const char *const bad[] = {"", "//", "/a/", "a/", "/a//b", "a//b", "//a",
	"/local/domain/", "/local/domain//x", "/a b", "/a\n", "/\xff", "/a.b",
	"/a:b", "a\\", "@a/", "@a//b", "@\x01"};

START_TEST(test_bad)
{
	ck_assert_int_eq(parse(bad[_i], PATH_ABS_MAX, true), EINVAL);
}
END_TEST

START_TEST(test_special_only_where_expected)
{
	ck_assert_int_eq(parse("@releaseDomain", PATH_ABS_MAX, false), EINVAL);
	ck_assert_int_eq(parse("/@x", PATH_ABS_MAX, false), 0);
}
END_TEST

START_TEST(test_embedded_nul)
{
	ck_assert_int_eq(
		path_parse(&path, "/a\0b", 4, 5, PATH_ABS_MAX, true), EINVAL);
}
END_TEST

static char *long_path(const char *prefix, size_t len)
{
	static char buf[8192];
	size_t n = strlen(prefix);

	memcpy(buf, prefix, n);
	memset(buf + n, 'x', len);
	buf[n + len] = '\0';
	return buf;
}

/* XSA-323: the same node is reachable by both of its names. */
START_TEST(test_limit_is_behind_the_home)
{
	size_t n = PATH_REL_MAX;

	ck_assert_int_eq(parse(long_path("", n), n, false), 0);
	ck_assert_int_eq(parse(path.buf, n, false), 0);
	ck_assert_int_eq(parse(long_path("", n + 1), n, false), EINVAL);
	ck_assert_int_eq(parse(long_path("/local/domain/5/", n), n, false), 0);
	ck_assert_int_eq(
		parse(long_path("/local/domain/65535/", n), n, false), 0);
	ck_assert_int_eq(
		parse(long_path("/local/domain/5/", n + 1), n, false), EINVAL);
	/* Not a home: the whole path counts. */
	ck_assert_int_eq(parse(long_path("/", n - 1), n, false), 0);
	ck_assert_int_eq(parse(long_path("/", n), n, false), EINVAL);
	ck_assert_int_eq(
		parse(long_path("/local/domain/x/", n), n, false), EINVAL);
	ck_assert_int_eq(
		parse(long_path("/local/domain/123456/", n), n, false), EINVAL);
}
END_TEST

START_TEST(test_absolute_limit)
{
	ck_assert_int_eq(parse(long_path("/", PATH_ABS_MAX - 1), 4096, 0), 0);
	ck_assert_int_eq(parse(long_path("/", PATH_ABS_MAX), 4096, 0), EINVAL);
	ck_assert_int_eq(
		parse(long_path("", PATH_ABS_MAX - 16), 4096, false), 0);
	ck_assert_uint_eq(path.len, PATH_ABS_MAX);
	ck_assert_int_eq(
		parse(long_path("", PATH_ABS_MAX - 15), 4096, false), EINVAL);
}
END_TEST

START_TEST(test_components)
{
	const char *at, *comp;
	size_t len;

	ck_assert_int_eq(parse("/ab/c", PATH_ABS_MAX, false), 0);
	at = path.buf;
	ck_assert(path_next(&at, &comp, &len));
	ck_assert(len == 2 && !memcmp(comp, "ab", 2));
	ck_assert(path_next(&at, &comp, &len));
	ck_assert(len == 1 && *comp == 'c');
	ck_assert(!path_next(&at, &comp, &len));
	at = "/";
	ck_assert(!path_next(&at, &comp, &len));
	at = "@x/1";
	ck_assert(path_next(&at, &comp, &len));
	ck_assert(len == 2 && !memcmp(comp, "@x", 2));
}
END_TEST

BH_CHECK_MAIN("path", 10, BH_LOOP(test_good, 8), BH_LOOP(test_bad, 18),
	BH_TEST(test_special_only_where_expected), BH_TEST(test_embedded_nul),
	BH_TEST(test_limit_is_behind_the_home), BH_TEST(test_absolute_limit),
	BH_TEST(test_components))
