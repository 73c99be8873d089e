/* SPDX-License-Identifier: MIT */
/* quotas.c: what a guest may use, and that only it feels its limits */
#include "tests/advisories/adv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void limit(int domid, const char *quota, unsigned value)
{
	SAID(0, K, SET_QUOTA, "%d %s %u", domid, quota, value);
}

static size_t heap(void)
{
	return report("memreport", "heap_used", "heap_used");
}

/* Requests until one is refused: how many were not. */
static unsigned until(int err, int who, uint32_t tx, uint32_t op,
	const char *before, const char *behind)
{
	for (unsigned n = 0;; n++) {
		int r;

		ck_assert_uint_lt(n, 5000);
		r = say(who, tx, op, "%s%u%s", before, n, behind);

		if (!r)
			continue;
		ck_assert_int_eq(r, err);
		return n;
	}
}

/* Every node counts, however it comes and goes. */
START_TEST(all_nodes_count)
{
	unsigned s = 1;

	guest(1);
	/* its home is one of them */
	ck_assert_uint_eq(until(ENOSPC, 1, 0, XS_OP_MKDIR, "n", ""), 999);
	ck_assert_uint_eq(NODES(1), 1000);
	ck_assert_int_eq(put(1, 0, "more", "x"), ENOSPC);
	ck_assert_int_eq(put(1, 0, "n7", "x"), 0);
	for (unsigned i = 0; i < 990; i++)
		SAID(0, 1, RM, "n%u", i);
	ck_assert_uint_eq(NODES(1), 10);
	for (unsigned i = 0; i < 600; i++) {
		char path[64];

		s = s * 1103515245 + 12345;
		snprintf(path, sizeof(path), "a%u/b%u", s >> 16 & 3,
			s >> 18 & 7);
		if (s >> 28 < 5)
			SAY(1, RM, "%s", path);
		else if (s >> 28 < 7)
			SAY(1, RM, "a%u", s >> 16 & 3);
		else
			ck_assert_int_eq(put(1, 0, path, "x"), 0);
	}
	SAID(0, K, CONTROL, "check");
	ck_assert_str_eq(reply.data, "OK");
}
END_TEST

/* Memory that somebody holds up is on his account, and has an end. */
enum hold {
	HOLD_REPLIES,
	HOLD_EVENTS,
	HOLD_WATCHES,
	HOLD_NODES,
	HOLD_TX,
	HOLDS
};

/* Requests of 32 bytes, so that the ring holds whole ones; no answer is read. */
static void hold_replies(const char *big)
{
	static const char name[16] = "bigbigbigbigbig";
	static const struct xsmsg_hdr hdr = {
		XS_OP_READ, 0x1234, 0, sizeof(name)};
	uint8_t buf[XSMSG_HDR_LEN + sizeof(name)];

	ck_assert_int_eq(put(K, 0, "/local/domain/1/bigbigbigbigbig", big), 0);
	/* the indexes start at 0 again */
	ck_assert_int_eq(introduce(1), 0);
	xsmsg_hdr_emit(buf, &hdr);
	memcpy(buf + XSMSG_HDR_LEN, name, sizeof(name));
	for (int i = 0; i < 200; i++) {
		push(1, buf, sizeof(buf));
		SAID(0, 2, GET_DOMAIN_PATH, "2");
	}
}

static void hold(int what)
{
	static char big[2000];
	uint32_t tx;

	memset(big, 'v', sizeof(big) - 1);
	switch ((enum hold)what) {
	case HOLD_REPLIES: hold_replies(big); break;
	case HOLD_EVENTS:
		watch(1, "x", "t");
		for (int i = 0; i < 4000; i++)
			SAID(0, K, MKDIR, "/local/domain/1/x/%d", i);
		SAID(0, K, RM, "/local/domain/1/x");
		break;
	case HOLD_WATCHES:
		until(ENOMEM, 1, 0, XS_OP_WATCH, "/a/b/c/d/e/f/", " t");
		break;
	case HOLD_NODES:
		for (int i = 0, r = 0; !r; i++) {
			char path[16];

			snprintf(path, sizeof(path), "n%d", i);
			r = put(1, 0, path, big);
			ck_assert(!r || r == ENOMEM);
			ck_assert_int_lt(i, 200);
		}
		break;
	default:
		tx = begin(1);
		for (int i = 0, r = 0; !r; i++) {
			char path[16];

			snprintf(path, sizeof(path), "n%d", i);
			r = put(1, tx, path, big);
			ck_assert(!r || r == ENOMEM);
			ck_assert_int_lt(i, 200);
		}
		/* what is left is less than the least that they cost */
		until(ENOMEM, 1, tx, XS_OP_MKDIR, "m", "");
		ck_assert_int_eq(put(1, 0, "y", big), ENOMEM);
	}
}

START_TEST(memory_has_an_end)
{
	const size_t most = 100 * 1000;
	size_t before;

	guest(1);
	guest(2);
	limit(1, "memory", most);
	limit(1, "nodes", 0);
	limit(1, "watches", 0);
	limit(1, "events", 0);
	limit(1, "transaction-nodes", 0);
	before = heap();
	hold(_i);
	/* replies that are under way may go over it, but a bounded bit */
	ck_assert_uint_le(MEMORY(1), most + 20 * 2048);
	ck_assert_uint_le(heap(), before + 3 * most);
	/* nobody else has noticed */
	SAID(0, 2, MKDIR, "x");
	SAID(0, 2, WATCH, "x t");
	SAID(0, K, GET_DOMAIN_PATH, "1");
	/* nor is it for ever */
	while (_i == HOLD_REPLIES && answer(1, 200) == 0)
		;
	if (_i == HOLD_EVENTS) {
		while (*event(1))
			if (report("connections", "domain=1 ", "events") == 0)
				break;
	}
	ck_assert_int_eq(ask(1, 0, XS_OP_RESET_WATCHES, "", 1), 0);
	for (int i = 0; i < 100; i++)
		SAY(1, RM, "n%d", i);
	ck_assert_int_eq(put(1, 0, "y", "x"), 0);
	ck_assert_uint_le(MEMORY(1), 10000);
}
END_TEST

/* A domain that was not introduced yet pays as others do. */
START_TEST(not_yet_introduced)
{
	domain(3);
	SAID(0, K, MKDIR, "/for3");
	SAID(0, K, SET_PERMS, "/for3 n3");
	SAID(0, K, MKDIR, "/for3/a/b");
	ck_assert_uint_eq(NODES(3), 3);
	ck_assert_int_eq(introduce(3), 0);
	ck_assert_uint_eq(NODES(3), 3);
	limit(3, "nodes", 4);
	SAID(0, 3, MKDIR, "/for3/c");
	SAID(ENOSPC, 3, MKDIR, "/for3/d");
}
END_TEST

START_TEST(reset_gives_back)
{
	size_t before = 0, memory;

	guest(1);
	memory = MEMORY(1);
	for (int i = 0; i < 12; i++) {
		for (int n = 0; n < 100; n++)
			SAID(0, 1, WATCH, "w%02d-%d/below t", i, n);
		ck_assert_int_eq(ask(1, 0, XS_OP_RESET_WATCHES, "", 1), 0);
		while (*event(1))
			if (report("connections", "domain=1 ", "queued") == 0)
				break;
		if (i == 3)
			before = heap();
	}
	ck_assert_uint_eq(report("memreport", "nodes", "watches"), 0);
	ck_assert_uint_eq(MEMORY(1), memory);
	ck_assert_uint_le(heap(), before + 256);
}
END_TEST

/* A node and its missing parents are created together, or none. */
START_TEST(half_of_a_path)
{
	guest(1);
	limit(1, "nodes", 5);
	ck_assert_int_eq(put(1, 0, "a/b/c/d/e/f", "x"), ENOSPC);
	SAID(ENOENT, 1, READ, "a");
	ck_assert_int_eq(put(1, 0, "a/b/c", "x"), 0);
	ck_assert_int_eq(put(1, 0, "a/b/c/d/e", "x"), ENOSPC);
	ck_assert_uint_eq(NODES(1), 4);
	SAID(ENOENT, 1, READ, "a/b/c/d");
	SAID(0, 1, MKDIR, "a/b/c/d");
	SAID(ENOSPC, 1, MKDIR, "z");
}
END_TEST

/* Of a request that was handled nothing but its answer is kept. */
START_TEST(requests_are_not_kept)
{
	static char big[2001];
	size_t before;

	memset(big, 'v', sizeof(big) - 1);
	guest(1);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(put(1, 0, "x", big), 0);
	before = heap();
	for (int i = 0; i < 15; i++) {
		char buf[2 + 2000] = "x";

		memcpy(buf + 2, big, 2000);
		tell(1, 0, XS_OP_WRITE, buf, sizeof(buf));
		tell(1, 0, XS_OP_SET_PERMS, "x\0n1\0r2\0r3", 11);
	}
	SAID(0, K, GET_DOMAIN_PATH, "1");
	ck_assert_uint_le(heap(), before + 15 * 2000 / 4);
	for (int i = 0; i < 30; i++)
		ck_assert_int_eq(answer(1, 5000), 0);
}
END_TEST

/* As deep as paths can be, with a stack of half a megabyte. */
START_TEST(deep_tree)
{
	char path[3073], rel[2049];

	guest(1);
	for (size_t i = 0; i + 1 < sizeof(path); i += 2)
		memcpy(path + i, "/d", 2);
	path[sizeof(path) - 1] = '\0';
	ck_assert_int_eq(put(K, 0, path, "bottom"), 0);
	value(K, path, "bottom");
	SAID(0, K, CONTROL, "check");
	ck_assert_str_eq(reply.data, "OK");
	for (size_t i = 0; i + 1 < sizeof(rel); i += 2)
		memcpy(rel + i, "d/", 2);
	rel[2047] = '\0';
	limit(1, "nodes", 2000);
	ck_assert_int_eq(put(1, 0, rel, "bottom"), 0);
	SAID(0, 1, RM, "d");
	watch(K, path, "t");
	SAID(0, K, RM, "/d");
	EVENT(K, path);
	ck_assert_uint_eq(NODES(1), 1);
	/* and by death */
	ck_assert_int_eq(put(1, 0, rel, "bottom"), 0);
	die(1);
}
END_TEST

START_TEST(whole_operations)
{
	guest(1);
	limit(1, "nodes", 10);
	/* 7 used, a path of 4: one too many */
	for (int i = 0; i < 6; i++)
		SAID(0, 1, MKDIR, "n%d", i);
	SAID(ENOSPC, 1, MKDIR, "a/b/c/d");
	ck_assert_uint_eq(NODES(1), 7);
	SAID(0, 1, DIRECTORY, "/local/domain/1");
	ck_assert_uint_eq(reply.hdr.len, 6 * 3);
	SAID(0, 1, MKDIR, "a/b/c");
	ck_assert_uint_eq(NODES(1), 10);
}
END_TEST

/* A limit of 4 is 4 and not 3 or 5. */
START_TEST(limits_are_exact)
{
	static char big[101];
	uint32_t tx;

	memset(big, 'v', 100);
	guest(1);
	limit(1, "nodes", 4);
	ck_assert_uint_eq(until(ENOSPC, 1, 0, XS_OP_MKDIR, "n", ""), 3);
	limit(1, "nodes", 5);
	SAID(0, 1, MKDIR, "m");
	SAID(ENOSPC, 1, MKDIR, "m2");
	limit(1, "nodes", 0);
	limit(1, "watches", 4);
	ck_assert_uint_eq(until(ENOSPC, 1, 0, XS_OP_WATCH, "n", " t"), 4);
	limit(1, "transactions", 4);
	for (int i = 0; i < 4; i++)
		begin(1);
	ck_assert_int_eq(ask(1, 0, XS_OP_TRANSACTION_START, "", 1), ENOSPC);
	limit(1, "transactions", 5);
	tx = begin(1);
	limit(1, "transaction-nodes", 4);
	ck_assert_uint_eq(until(ENOSPC, 1, tx, XS_OP_READ, "n", ""), 3);
	limit(1, "node-size", 99);
	ck_assert_int_eq(put(1, 0, "m", big), ENOSPC);
	limit(1, "node-size", 100);
	ck_assert_int_eq(put(1, 0, "m", big), 0);
	big[99] = '\0';
	ck_assert_int_eq(put(1, 0, "m", big), 0);
	limit(1, "node-permissions", 3);
	SAID(ENOSPC, 1, SET_PERMS, "m n1 r2 r3 r4");
	SAID(0, 1, SET_PERMS, "m n1 r2 r3");
	SAID(0, 1, SET_PERMS, "m n1 r2");
	limit(1, "path-max", 10);
	SAID(EINVAL, 1, MKDIR, "12345678901");
	SAID(0, 1, MKDIR, "1234567890");
	SAID(0, 1, MKDIR, "123456789");
	/* the list of children is no part of a node's size */
	for (int i = 0; i < 300; i++)
		SAID(0, 1, MKDIR, "m/%07d", i);
}
END_TEST

/* So many answers may wait, the next request is not looked at. */
START_TEST(outstanding_is_exact)
{
	static char big[2001];
	uint64_t end = now_ms() + 5000;

	memset(big, 'v', sizeof(big) - 1);
	guest(1);
	limit(1, "outstanding", 4);
	limit(1, "node-size", 2000);
	ck_assert_int_eq(put(1, 0, "x", big), 0);
	for (int i = 0; i < 12; i++)
		tell(1, 0, XS_OP_READ, "x", 2);
	while (report("connections", "domain=1 ", "replies") < 4)
		ck_assert_uint_lt(now_ms(), end);
	for (int i = 0; i < 20; i++)
		ck_assert_uint_eq(
			report("connections", "domain=1 ", "replies"), 4);
	for (int i = 0; i < 12; i++)
		ck_assert_int_eq(answer(1, 5000), 0);
	quiet(1);
}
END_TEST

ADV_MAIN("quotas", ADV("XSA-272", all_nodes_count),
	ADV_LOOP("XSA-326", memory_has_an_end, HOLDS),
	ADV("XSA-326", not_yet_introduced), ADV("XSA-330", reset_gives_back),
	ADV("XSA-414", half_of_a_path), ADV("XSA-416", requests_are_not_kept),
	ADV("XSA-418", deep_tree), ADV("B5", whole_operations),
	ADV("B8", limits_are_exact), ADV("B8", outstanding_is_exact))
