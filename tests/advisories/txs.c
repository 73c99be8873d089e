/* SPDX-License-Identifier: MIT */
/* txs.c: transactions, and whoever stands in their way */
#include "tests/advisories/adv.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One thread of a guest that does nothing else than to write. */
struct writer {
	pthread_t thread;
	int domid;
	const char *path;
	bool stop;
	unsigned long rounds;
};

static void *write_all_the_time(void *arg)
{
	struct writer *w = arg;
	const size_t len = strlen(w->path) + 1;
	const struct xsmsg_hdr hdr = {XS_OP_WRITE, 7, 0, (uint32_t)(len + 1)};
	uint8_t buf[XSMSG_HDR_LEN + 64], trash[XSRING_SIZE];
	size_t n, at = 0;

	xsmsg_hdr_emit(buf, &hdr);
	memcpy(buf + XSMSG_HDR_LEN, w->path, len);
	buf[XSMSG_HDR_LEN + len] = 'x';
	while (!__atomic_load_n(&w->stop, __ATOMIC_RELAXED)) {
		const size_t all = XSMSG_HDR_LEN + len + 1;

		if (!xsring_put(ring(w->domid), buf + at, all - at, &n))
			return NULL;
		at = (at + n) % all;
		w->rounds += at == 0;
		if (!n)
			usleep(50);
		(void)!xsring_get(ring(w->domid), trash, sizeof(trash), &n);
		kick(w->domid);
	}
	return NULL;
}

/*
 * A guest writes to a node in a loop, and the transaction of another that
 * reads it can never be quick enough; yet it has its turn.
 */
START_TEST(writer_in_a_loop)
{
	struct writer w = {.domid = 1, .path = "/local/domain/1/x"};
	int tries = 0, most = 0, lost = 0;

	guest(1);
	guest(2);
	ck_assert_int_eq(put(1, 0, "x", "0"), 0);
	SAID(0, K, SET_PERMS, "/local/domain/1/x n1 r2");
	ck_assert_int_eq(
		pthread_create(&w.thread, NULL, write_all_the_time, &w), 0);
	for (int i = 0; i < 12; i++) {
		int who = i % 2 ? K : 2, r;
		uint64_t end = now_ms() + 4000;

		tries = 0;
		do {
			uint32_t tx = begin(who);

			SAID_TX(0, who, tx, READ, "/local/domain/1/x");
			/* what it does then takes its time */
			usleep(1500);
			ck_assert_int_eq(
				put(who, tx, "/local/domain/2/y", "z"), 0);
			r = commit(who, tx);
			ck_assert(!r || r == EAGAIN);
			lost += r != 0;
		} while (++tries && r && now_ms() < end);
		ck_assert_int_eq(r, 0);
		most = tries > most ? tries : most;
	}
	__atomic_store_n(&w.stop, true, __ATOMIC_RELAXED);
	pthread_join(w.thread, NULL);
	printf("writes %lu, lost %d, most tries %d\n", w.rounds, lost, most);
	ck_assert_int_le(most, 6);
}
END_TEST

/* A request that fails leaves nothing behind in its transaction. */
START_TEST(half_of_a_path_in_a_transaction)
{
	uint32_t tx;

	guest(1);
	SAID(0, K, SET_QUOTA, "1 nodes 5");
	tx = begin(1);
	ck_assert_int_eq(put(1, tx, "a/b/c/d/e/f", "x"), ENOSPC);
	SAID_TX(ENOENT, 1, tx, READ, "a");
	ck_assert_int_eq(put(1, tx, "a/b/c", "x"), 0);
	ck_assert_int_eq(put(1, tx, "a/b/c/d/e", "x"), ENOSPC);
	ck_assert_int_eq(commit(1, tx), 0);
	ck_assert_uint_eq(NODES(1), 4);
	SAID(ENOENT, 1, READ, "a/b/c/d");
	SAID(0, 1, MKDIR, "a/b/c/d");
	SAID(ENOSPC, 1, MKDIR, "z");
}
END_TEST

/* What comes and goes within a transaction was never there. */
START_TEST(created_and_removed)
{
	uint32_t tx;

	guest(1);
	watch(1, "/local/domain/1", "t");
	tx = begin(1);
	ck_assert_int_eq(put(1, tx, "a", "x"), 0);
	SAID_TX(0, 1, tx, RM, "a");
	ck_assert_int_eq(put(1, tx, "b", "x"), 0);
	ck_assert_int_eq(put(1, tx, "b", "y"), 0);
	quiet(1);
	ck_assert_int_eq(commit(1, tx), 0);
	EVENT(1, "/local/domain/1/b");
	quiet(1);
	SAID(ENOENT, 1, READ, "a");
	value(1, "b", "y");
	ck_assert_uint_eq(NODES(1), 2);
}
END_TEST

START_TEST(removed_twice)
{
	uint32_t one, two;

	guest(1);
	for (int i = 0; i < 50; i++)
		SAID(0, 1, MKDIR, "n%d", i);
	one = begin(1);
	two = begin(1);
	for (int i = 0; i < 50; i++) {
		SAID_TX(0, 1, one, RM, "n%d", i);
		SAID_TX(0, 1, two, RM, "n%d", 49 - i);
	}
	ck_assert_int_eq(commit(1, one), 0);
	ck_assert_int_eq(commit(1, two), EAGAIN);
	ck_assert_uint_eq(NODES(1), 1);
}
END_TEST

/* That there was nothing is something that was read. */
START_TEST(absence_is_read)
{
	static const uint32_t ops[] = {
		XS_OP_READ, XS_OP_DIRECTORY, XS_OP_GET_PERMS, XS_OP_RM};
	uint32_t tx;

	guest(1);
	tx = begin(1);
	/* RM of a node that is not there is done at once */
	SAID_TX(0, 1, tx, GET_PERMS, "/local/domain/1");
	ck_assert_int_eq(say(1, tx, ops[_i], "y"), _i == 3 ? 0 : ENOENT);
	ck_assert_int_eq(put(1, tx, "c", "x"), 0);
	ck_assert_int_eq(put(K, 0, "/local/domain/1/y", "new"), 0);
	ck_assert_int_eq(commit(1, tx), EAGAIN);
	SAID(ENOENT, 1, READ, "c");
	/* something else that comes is not in its way */
	tx = begin(1);
	SAID_TX(ENOENT, 1, tx, READ, "none");
	ck_assert_int_eq(put(1, tx, "c", "x"), 0);
	ck_assert_int_eq(put(K, 0, "/local/domain/1/other", "new"), 0);
	ck_assert_int_eq(commit(1, tx), 0);
}
END_TEST

ADV_MAIN("txs", ADV("XSA-206", writer_in_a_loop),
	ADV("XSA-415", half_of_a_path_in_a_transaction),
	ADV("XSA-421", created_and_removed), ADV("XSA-440", removed_twice),
	ADV_LOOP("B16", absence_is_read, 4))
