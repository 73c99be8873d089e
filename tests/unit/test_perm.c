// SPDX-License-Identifier: MIT
/* test_perm.c - permission strings */
#include <errno.h>

#include "tests/unit/bh_check.h"
#include "wire/perm.h"

static const char *const good[] = {"n0", "r1", "w2", "b32751", "r32757"};

START_TEST(test_round_trip)
{
	char buf[PERM_STR_MAX];
	struct perm perm;

	ck_assert_int_eq(perm_parse(&perm, good[_i]), 0);
	ck_assert_uint_eq(perm.access, _i == 4 ? 1 : _i);
	ck_assert_uint_eq(perm_emit(buf, &perm), strlen(good[_i]) + 1);
	ck_assert_str_eq(buf, good[_i]);
}
END_TEST

/* Requirements B2 and B10: no special domid but ANY, strictly decimal. */
static const char *const bad[] = {"", "n", "r", "x1", "R1", "r-1", "r 1", "r1 ",
	"r0x1", "r1x", "rr1", "1", "r32752", "r32753", "r32756", "r32758",
	"r65535", "r65536", "r4294967296", "r18446744073709551617"};

START_TEST(test_refused)
{
	struct perm perm;

	ck_assert_int_eq(perm_parse(&perm, bad[_i]), EINVAL);
}
END_TEST

BH_CHECK_MAIN(
	"perm", 10, BH_LOOP(test_round_trip, 5), BH_LOOP(test_refused, 20))
