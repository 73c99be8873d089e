// SPDX-License-Identifier: MIT
/*
 * test_tx.c - transactions: what conflicts and what does not
 *
 * The conflict table is that of C xenstored, but for directories: creating
 * different children of one node never conflicts, as in no other daemon
 * without anomalies.
 */
#include "tests/unit/tx_fixture.h"

START_TEST(test_life)
{
	uint32_t a, b;

	tx_setup();
	OK(put(k, 0, "/x", "1"));
	a = begin(k);
	b = begin(k);
	ck_assert(a && b && a != b);
	OK(put(k, a, "/x", "2"));
	OK(put(k, a, "/y/z", "3"));
	READS(k, a, "/x", "2");
	READS(k, a, "/y/z", "3");
	READS(k, b, "/x", "1");
	READS(k, 0, "/x", "1");
	IS(GET(k2, 0, "/y"), ENOENT);
	/* ids are those of the connection */
	IS(GET(k2, a, "/x"), ENOENT);
	OK(drop(k, b));
	IS(GET(k, b, "/x"), ENOENT);
	OK(commit(k, a));
	READS(k2, 0, "/x", "2");
	READS(k2, 0, "/y/z", "3");
	tx_teardown();
}
END_TEST

START_TEST(test_ids_and_ends)
{
	uint32_t a;

	tx_setup();
	IS(ask(k, 5, XS_OP_TRANSACTION_START, ""), ENOENT);
	IS(ask(k, 5, XS_OP_READ, "/"), ENOENT);
	IS(ask(k, 5, XS_OP_GET_DOMAIN_PATH, "1"), ENOENT);
	IS(commit(k, 0), ENOENT);
	IS(commit(k, 5), ENOENT);
	a = begin(k);
	IS(ask(k, a, XS_OP_TRANSACTION_START, ""), EBUSY);
	OK(ask(k, a, XS_OP_GET_DOMAIN_PATH, "1"));
	IS(ask(k, a, XS_OP_TRANSACTION_END, "X"), EINVAL);
	IS(ask(k, a, XS_OP_TRANSACTION_END, ""), EINVAL);
	IS(ask(k, a, XS_OP_TRANSACTION_END, "TT"), EINVAL);
	OK(put(k, a, "/x", "1"));
	/* watches do not look at it */
	OK(ask_raw(k, 77, XS_OP_WATCH, "/x\0t", 5));
	OK(ask_raw(k, 77, XS_OP_UNWATCH, "/x\0t", 5));
	OK(commit(k, a));
	IS(commit(k, a), ENOENT);
	tx_teardown();
}
END_TEST

BH_CHECK_MAIN("tx", 60, BH_TEST(test_life), BH_TEST(test_ids_and_ends))
