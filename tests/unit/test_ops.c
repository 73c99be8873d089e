// SPDX-License-Identifier: MIT
/* test_ops.c - the table of operations and the shapes of arguments */
#include <errno.h>

#include "tests/unit/bh_check.h"
#include "wire/ops.h"

START_TEST(test_rows)
{
	ck_assert_ptr_null(ops_find(20));
	ck_assert_ptr_null(ops_find(XS_OP_NR));
	ck_assert_ptr_null(ops_find(XS_OP_INVALID));
	ck_assert_ptr_null(ops_find(0xffffffff));
	ck_assert_str_eq(ops_name(XS_OP_WRITE), "WRITE");
	ck_assert_str_eq(ops_name(77), "?");
	for (uint32_t i = 0; i < XS_OP_NR; i++)
		if (i != 20)
			ck_assert_ptr_nonnull(ops_find(i));
}
END_TEST

/* Who may use what decides over XSA-115: written down a second time. */
START_TEST(test_privileged)
{
	static const uint32_t priv[] = {XS_OP_CONTROL, XS_OP_INTRODUCE,
		XS_OP_RELEASE, XS_OP_IS_DOMAIN_INTRODUCED, XS_OP_RESUME,
		XS_OP_SET_TARGET, XS_OP_SET_FEATURE, XS_OP_GET_QUOTA,
		XS_OP_SET_QUOTA};
	unsigned nr = 0;

	for (size_t i = 0; i < sizeof(priv) / sizeof(*priv); i++)
		ck_assert(ops_find(priv[i])->priv);
	for (uint32_t i = 0; i < XS_OP_NR; i++)
		nr += ops_find(i) && ops_find(i)->priv;
	ck_assert_uint_eq(nr, sizeof(priv) / sizeof(*priv));
}
END_TEST

#define P(s) s, sizeof(s) - 1

static const struct {
	enum xs_op op;
	const char *payload;
	size_t len;
	int result;
	unsigned nr;
	size_t data_len;
} shapes[] = {
	{XS_OP_READ, P("/a\0"), 0, 1, 0},
	{XS_OP_READ, P("/a"), EINVAL, 0, 0},
	{XS_OP_READ, P(""), EINVAL, 0, 0},
	{XS_OP_READ, P("\0"), 0, 1, 0},
	{XS_OP_READ, P("/a\0b\0"), EINVAL, 0, 0},
	{XS_OP_READ, P("/a\0b"), EINVAL, 0, 0},
	{XS_OP_WATCH, P("/a\0t\0"), 0, 2, 0},
	{XS_OP_WATCH, P("/a\0t\0001\0"), 0, 3, 0},
	{XS_OP_WATCH, P("/a\0t\0001\0002\0"), EINVAL, 0, 0},
	{XS_OP_WATCH, P("/a\0"), EINVAL, 0, 0},
	{XS_OP_WATCH, P("/a\0t"), EINVAL, 0, 0},
	{XS_OP_UNWATCH, P("/a\0t\0001\0"), EINVAL, 0, 0},
	{XS_OP_WRITE, P("/a\0"), 0, 1, 0},
	{XS_OP_WRITE, P("/a\0b\0c"), 0, 1, 3},
	{XS_OP_WRITE, P("/a"), EINVAL, 0, 0},
	{XS_OP_SET_PERMS, P("/a\0n0\0r1\0"), 0, 3, 6},
	{XS_OP_SET_PERMS, P("/a\0"), 0, 1, 0},
	{XS_OP_SET_PERMS, P("/a\0n0\0r1"), EINVAL, 0, 0},
	{XS_OP_RESET_WATCHES, P(""), 0, 0, 0},
	{XS_OP_RESET_WATCHES, P("\0"), 0, 0, 0},
	{XS_OP_RESET_WATCHES, P("x\0"), EINVAL, 0, 0},
	{XS_OP_RESET_WATCHES, P("\0\0"), EINVAL, 0, 0},
	{XS_OP_GET_FEATURE, P(""), 0, 0, 0},
	{XS_OP_GET_FEATURE, P("1\0"), 0, 1, 0},
	{XS_OP_CONTROL, P("help\0"), 0, 1, 0},
	{XS_OP_CONTROL, P("log\0on\0"), 0, 2, 3},
	{XS_OP_WATCH_EVENT, P("/a\0t\0"), EINVAL, 0, 0},
};
enum { SHAPES = sizeof(shapes) / sizeof(*shapes) };

START_TEST(test_shapes)
{
	struct ops_args args;
	int r = ops_args_parse(ops_find(shapes[_i].op), shapes[_i].payload,
		shapes[_i].len, &args);

	ck_assert_int_eq(r, shapes[_i].result);
	if (r)
		return;
	ck_assert_uint_eq(args.nr, shapes[_i].nr);
	ck_assert_uint_eq(args.data_len, shapes[_i].data_len);
	for (unsigned i = 0; i < args.nr && i < ops_find(shapes[_i].op)->max;
		i++)
		ck_assert_uint_eq(strlen(args.str[i]), args.str_len[i]);
}
END_TEST

BH_CHECK_MAIN("ops", 10, BH_TEST(test_rows), BH_TEST(test_privileged),
	BH_LOOP(test_shapes, SHAPES))
