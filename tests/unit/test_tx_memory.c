/* SPDX-License-Identifier: MIT */
/* test_tx_memory.c - what a transaction costs in memory, lists among it */
#include "tests/unit/tx_fixture.h"

/* SET_PERMS of @path: owner 1, and @nr entries besides. */
static int long_perms(int who, uint32_t tx, const char *path, int nr)
{
	char buf[XSMSG_PAYLOAD_MAX];
	int n = snprintf(buf, sizeof(buf), "%s%cn1", path, 0) + 1;

	for (int i = 0; i < nr; i++)
		n += snprintf(buf + n, sizeof(buf) - (size_t)n, "r7") + 1;
	return ask_raw(who, tx, XS_OP_SET_PERMS, buf, (size_t)n);
}

/*
 * Lists are on the bill, too: a commit never makes that longer.  One that
 * stays is not paid twice.
 */
START_TEST(test_memory_of_lists)
{
	enum { NR = 500, BYTES = NR * sizeof(struct acl_entry) };
	struct domain *d;
	const struct account *memory;
	uint32_t tx;
	size_t used;

	tx_setup();
	fx_guest(fx, -k, 1);
	d = domain_find(fx->server, 1);
	memory = &d->account[DOMAIN_MEMORY];
	domain_limit_set(d, QUOTA_NODE_PERMS, NR + 1);
	steps(k, 0, "M/d P/d=n1");
	steps(1, 0, "W/d/a=1 W/d/b=1");

	tx = begin(1);
	used = memory->used;
	OK(long_perms(1, tx, "/d/a", NR));
	ck_assert_uint_ge(memory->used, used + BYTES);
	/* the value has become longer, the list has not gone */
	OK(put(1, tx, "/d/a", "0123456789012345678901234567890123456789"));
	ck_assert_uint_ge(memory->used, used + BYTES + 40);
	OK(long_perms(1, tx, "/d", NR));
	/* it is inherited by each */
	used = memory->used;
	steps(1, tx, "W/d/c/e/f=1 M/d/g");
	ck_assert_uint_ge(memory->used, used + 4 * BYTES);
	used = memory->used;
	OK(commit(1, tx));
	ck_assert_uint_le(memory->used, used);

	tx = begin(1);
	used = memory->used;
	steps(1, tx, "W/d/a=2 D/d/g");
	ck_assert_uint_lt(memory->used, used + BYTES);
	domain_limit_set(d, QUOTA_MEMORY, memory->used + BYTES);
	IS(long_perms(1, tx, "/d/b", NR), ENOMEM);
	OK(commit(1, tx));
	ck_assert_uint_le(memory->used, used);
	domain_limit_set(d, QUOTA_MEMORY, QUOTA_UNLIMITED);
	tx_teardown();
}
END_TEST

BH_CHECK_MAIN("tx_memory", 20, BH_TEST(test_memory_of_lists))
