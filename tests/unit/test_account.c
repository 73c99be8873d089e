// SPDX-License-Identifier: MIT
/* test_account.c - limits allow exactly what they say */
#include <errno.h>

#include "common/account.h"
#include "common/ckd.h"
#include "tests/unit/bh_check.h"

START_TEST(test_limit_is_exact)
{
	struct account a;

	account_init(&a, 3);
	ck_assert_int_eq(account_take(&a, 2), 0);
	ck_assert_int_eq(account_take(&a, 2), ENOSPC);
	ck_assert_uint_eq(a.used, 2);
	ck_assert_int_eq(account_take(&a, 1), 0);
	ck_assert_int_eq(account_take(&a, 1), ENOSPC);
	ck_assert_int_eq(account_take(&a, 0), 0);
	ck_assert_int_eq(account_take(&a, SIZE_MAX), ENOSPC);
	account_give(&a, 3);
	ck_assert_uint_eq(a.high, 3);
	account_fini(&a);
}
END_TEST

START_TEST(test_lowered_limit_takes_nothing_away)
{
	struct account a;

	account_init(&a, ACCOUNT_UNLIMITED);
	ck_assert_int_eq(account_take(&a, 10), 0);
	a.limit = 5;
	ck_assert(!account_has_room(&a, 0));
	ck_assert_int_eq(account_take(&a, 1), ENOSPC);
	ck_assert_int_eq(account_take(&a, 0), 0);
	account_give(&a, 6);
	ck_assert_int_eq(account_take(&a, 1), 0);
	account_force(&a, 7);
	ck_assert_uint_eq(a.used, 12);
	account_give(&a, 12);
	account_fini(&a);
}
END_TEST

START_TEST(test_charge_gives_back_once)
{
	struct charge c = {0};
	struct account a;

	account_init(&a, 4);
	ck_assert_int_eq(charge_take(&c, &a, 5), ENOSPC);
	charge_give(&c);
	ck_assert_int_eq(charge_take(&c, &a, 4), 0);
	charge_give(&c);
	charge_give(&c);
	account_fini(&a);
}
END_TEST

START_TEST(test_give_too_much_dies)
{
	struct account a;

	account_init(&a, 4);
	account_give(&a, 1);
}
END_TEST

START_TEST(test_leak_dies)
{
	struct account a;

	account_init(&a, 4);
	ck_assert_int_eq(account_take(&a, 1), 0);
	account_fini(&a);
}
END_TEST

START_TEST(test_checked_arithmetic)
{
	uint32_t v;

	ck_assert(add_ok(1u, UINT32_MAX - 1, &v) && v == UINT32_MAX);
	ck_assert(!add_ok(1u, UINT32_MAX, &v));
	ck_assert(mul_ok(65536u, 65535u, &v));
	ck_assert(!mul_ok(65536u, 65536u, &v));
}
END_TEST

BH_CHECK_MAIN("account", 10, BH_TEST(test_limit_is_exact),
	BH_TEST(test_lowered_limit_takes_nothing_away),
	BH_TEST(test_charge_gives_back_once),
	BH_SIGNAL(test_give_too_much_dies, SIGABRT),
	BH_SIGNAL(test_leak_dies, SIGABRT), BH_TEST(test_checked_arithmetic))
