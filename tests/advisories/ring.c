/* SPDX-License-Identifier: MIT */
/* ring.c: bytes that no client should send, and who pays for them */
#include "tests/advisories/adv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Offsets in the page of a ring, see xen/io/xs_wire.h. */
enum {
	REQ_CONS = 2048,
	REQ_PROD = 2052,
	RSP_CONS = 2056,
	RSP_PROD = 2060,
	ERROR_WORD = 2072,
};

static uint32_t word(int domid, size_t at)
{
	return __atomic_load_n(
		(uint32_t *)(void *)(page(domid) + at), __ATOMIC_ACQUIRE);
}

static void word_set(int domid, size_t at, uint32_t val)
{
	__atomic_store_n(
		(uint32_t *)(void *)(page(domid) + at), val, __ATOMIC_RELEASE);
}

/* The guest learns why it is ignored, and it only is: it still lives. */
static void ignored(int domid, enum xsring_error why)
{
	uint64_t end = now_ms() + 5000;

	while (word(domid, ERROR_WORD) != why && now_ms() < end)
		usleep(1000);
	ck_assert_uint_eq(word(domid, ERROR_WORD), why);
	SAID(0, K, IS_DOMAIN_INTRODUCED, "%d", domid);
	ck_assert_str_eq(reply.data, "T");
}

/* A ring that is full to the last byte is a ring as any other. */
START_TEST(full_ring)
{
	static const struct xsmsg_hdr ask = {XS_OP_GET_DOMAIN_PATH, 7, 0, 2},
				      last = {XS_OP_TRANSACTION_START, 7, 0, 0};
	uint8_t buf[XSRING_SIZE] = {0};
	size_t at = 0;

	guest(1);
	for (; at + XSMSG_HDR_LEN + 2 <= XSRING_SIZE - XSMSG_HDR_LEN;
		at += XSMSG_HDR_LEN + 2) {
		xsmsg_hdr_emit(buf + at, &ask);
		buf[at + XSMSG_HDR_LEN] = '1';
	}
	xsmsg_hdr_emit(buf + at, &last);
	ck_assert_uint_eq(at + XSMSG_HDR_LEN, XSRING_SIZE);
	freeze();
	ck_assert_uint_eq(push(1, buf, sizeof(buf)), XSRING_SIZE);
	ck_assert_uint_eq(push(1, buf, 1), 0);
	thaw();
	for (; at; at -= XSMSG_HDR_LEN + 2) {
		ck_assert_int_eq(answer(1, 5000), 0);
		ck_assert_str_eq(reply.data, "/local/domain/1");
	}
	ck_assert_int_eq(answer(1, 5000), 0);
	ck_assert_uint_eq(reply.hdr.type, XS_OP_TRANSACTION_START);
}
END_TEST

/* Indexes count up to 2^32 and on from 0. */
START_TEST(wrapping_ring)
{
	const uint32_t near = UINT32_MAX - 100;

	guest(1);
	SAID(0, 1, GET_DOMAIN_PATH, "1");
	freeze();
	word_set(1, REQ_CONS, near);
	word_set(1, REQ_PROD, near);
	word_set(1, RSP_CONS, near);
	word_set(1, RSP_PROD, near);
	thaw();
	for (int i = 0; i < 50; i++)
		SAID(0, 1, GET_DOMAIN_PATH, "%d", i);
	ck_assert_uint_lt(word(1, REQ_PROD), near);
}
END_TEST

/* How far the producer is ahead, which it cannot be. */
static const uint32_t too_far[] = {
	XSRING_SIZE + 1, 0x80000000, UINT32_MAX, 0xfffff000, 4096};

START_TEST(bad_index)
{
	const size_t cons = _i % 2 ? RSP_CONS : REQ_CONS;

	guest(1);
	guest(2);
	freeze();
	if (_i % 2) {
		/* the daemon has something to say there */
		tell(1, 0, XS_OP_GET_DOMAIN_PATH, "1", 2);
		word_set(1, cons, word(1, RSP_PROD) - too_far[_i / 2]);
	} else {
		word_set(1, REQ_PROD, word(1, cons) + too_far[_i / 2]);
	}
	kick(1);
	thaw();
	ignored(1, XSRING_ERROR_RINGIDX);
	/* not a word is taken from it, nobody else has noticed */
	ck_assert_int_eq(answer(1, 50), SILENCE);
	SAID(0, 2, GET_DOMAIN_PATH, "2");
	ck_assert_int_eq(introduce(1), 0);
	SAID(0, 1, GET_DOMAIN_PATH, "1");
}
END_TEST

/* Indexes that are changed while they are read. */
START_TEST(racing_index)
{
	uint64_t end;

	guest(1);
	guest(2);
	end = now_ms() + 400;
	for (uint32_t i = 0; now_ms() < end; i++) {
		for (int k = 0; k < 200; k++) {
			word_set(1, REQ_PROD, i * 2654435761u + (uint32_t)k);
			word_set(1, REQ_CONS, i * 2654435761u);
			word_set(1, RSP_CONS, (uint32_t)k * 40503u);
		}
		kick(1);
		if (i % 64 == 0)
			ck_assert_int_eq(introduce(1), 0);
		if (i % 256 == 0)
			SAID(0, 2, GET_DOMAIN_PATH, "2");
	}
	ck_assert_int_eq(introduce(1), 0);
	SAID(0, 1, GET_DOMAIN_PATH, "1");
}
END_TEST

/* 48 names of 100 bytes do not fit into an answer. */
START_TEST(long_listing)
{
	char gen[32] = "";
	size_t have = 0;

	guest(1);
	SAID(0, K, MKDIR, "/big");
	SAID(0, K, SET_PERMS, "/big n0 r1");
	for (int i = 0; i < 48; i++)
		SAID(0, K, MKDIR, "/big/%0100d", i);
	SAID(E2BIG, K, DIRECTORY, "/big");
	SAID(E2BIG, 1, DIRECTORY, "/big");
	for (int parts = 0; have < (size_t)48 * 101; parts++) {
		size_t at;

		SAID(0, 1, DIRECTORY_PART, "/big %zu", have);
		at = strlen(reply.data) + 1;
		ck_assert(!gen[0] || !strcmp(gen, reply.data));
		snprintf(gen, sizeof(gen), "%.20s", reply.data);
		ck_assert_uint_gt(reply.hdr.len, at);
		ck_assert_int_lt(parts, 4);
		have += reply.hdr.len - at;
	}
	/* and one NUL that says that this was all */
	ck_assert_uint_eq(have, 48 * 101 + 1);
	SAID(0, 1, GET_DOMAIN_PATH, "1");
	SAID(0, K, GET_DOMAIN_PATH, "1");
}
END_TEST

static const uint32_t too_long[] = {
	XSMSG_PAYLOAD_MAX + 1, 5000, 0x7fffffff, 0x80000000, UINT32_MAX};

/* Such a length is nothing to be reasoned about: the client is not heard. */
START_TEST(bad_length)
{
	const struct xsmsg_hdr hdr = {XS_OP_READ, 7, 0, too_long[_i]};
	uint8_t buf[XSMSG_HDR_LEN + 64] = {0};

	guest(1);
	xsmsg_hdr_emit(buf, &hdr);
	bytes(1, buf, sizeof(buf));
	ignored(1, XSRING_ERROR_PROTO);
	ck_assert_int_eq(answer(1, 50), SILENCE);
	bytes(K2, buf, sizeof(buf));
	/* the end of the connection comes at once */
	ck_assert_int_eq(answer(K2, 5000), SILENCE);
	reopen(K2);
	SAID(0, K2, GET_DOMAIN_PATH, "1");
}
END_TEST

/*
 * A guest that breaks the protocol is not dead: @releaseDomain comes when it
 * is, once.  Until then it holds nothing.
 */
START_TEST(violation_is_no_death)
{
	const struct xsmsg_hdr hdr = {XS_OP_READ, 7, 0, 5000};
	uint8_t buf[XSMSG_HDR_LEN];

	guest(1);
	guest(2);
	SAID(0, K, SET_TARGET, "2 1");
	watch(K, "@releaseDomain", "t");
	watch(1, "/", "t");
	begin(1);
	xsmsg_hdr_emit(buf, &hdr);
	bytes(1, buf, sizeof(buf));
	ignored(1, XSRING_ERROR_PROTO);
	quiet(K);
	/* its nodes are there, and its stub domain may use them */
	ck_assert_int_eq(put(2, 0, "/local/domain/1/x", "y"), 0);
	ck_assert_uint_eq(report("connections", "domain=1 ", "watches"), 0);
	ck_assert_uint_eq(
		report("connections", "domain=1 ", "transactions"), 0);
	if (_i) {
		/* all that it takes to listen to it again */
		ck_assert_int_eq(introduce(1), 0);
		SAID(0, 1, GET_DOMAIN_PATH, "1");
		quiet(K);
	}
	die(1);
	EVENT(K, "@releaseDomain");
	quiet(K);
	die(2);
	EVENT(K, "@releaseDomain");
	quiet(K);
}
END_TEST

static const char *const odd_paths[] = {"", "/", "//", "/local/domain/",
	"/local/domain//x", "/local/domain", "/a/", "/a//b", "@", "@x/", "x/",
	"/\xff", "/a.b", "/local/domain/1x/y", "/local/domain/99999/y", ".."};

/* Whatever the path is, there is exactly one answer. */
START_TEST(every_path_is_answered)
{
	const int who = _i ? 1 : K2;

	guest(1);
	for (uint32_t op = 0; op <= XS_OP_NR; op++) {
		for (size_t i = 0; i < sizeof(odd_paths) / sizeof(*odd_paths);
			i++) {
			char buf[256];
			size_t len = strlen(odd_paths[i]);

			memset(buf, 0, sizeof(buf));
			memcpy(buf, odd_paths[i], len);
			memcpy(buf + len + 1, "1", 1);
			memcpy(buf + len + 3, "n0", 2);
			/* without its NUL, alone, with one and two more */
			ck_assert_int_ne(ask(who, 0, op, buf, len), SILENCE);
			ck_assert_int_ne(
				ask(who, 0, op, buf, len + 1), SILENCE);
			ck_assert_int_ne(
				ask(who, 0, op, buf, len + 3), SILENCE);
			ck_assert_int_ne(
				ask(who, 0, op, buf, len + 6), SILENCE);
		}
	}
	ck_assert_int_eq(ask(who, 0, XS_OP_RESET_WATCHES, "", 1), 0);
	SAID(0, who, GET_DOMAIN_PATH, "1");
	ck_assert_int_eq(answer(who, 20), SILENCE);
}
END_TEST

/* A connection goes while it and others have something to say. */
START_TEST(release_among_others)
{
	const int gone = _i % 4 + 1;
	const char arg[] = {(char)('0' + gone), '\0'};
	const bool first = _i / 4;

	for (int d = 1; d <= 4; d++)
		guest(d);
	freeze();
	/* whoever speaks first is heard first */
	if (first)
		tell(K, 0, XS_OP_RELEASE, arg, sizeof(arg));
	for (int d = 1; d <= 4; d++)
		for (int i = 0; i < 10; i++)
			tell(d, 0, XS_OP_GET_DOMAIN_PATH, "1", 2);
	if (!first)
		tell(K, 0, XS_OP_RELEASE, arg, sizeof(arg));
	for (int i = 0; i < 10; i++)
		tell(K2, 0, XS_OP_GET_DOMAIN_PATH, "1", 2);
	thaw();
	ck_assert_int_eq(answer(K, 5000), 0);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(answer(K2, 5000), 0);
	for (int d = 1; d <= 4; d++)
		for (int i = 0; i < 10 && d != gone; i++)
			ck_assert_int_eq(answer(d, 5000), 0);
	SAID(ENOENT, K, RELEASE, "%d", gone);
}
END_TEST

/* The transaction that a request is in may end by it. */
START_TEST(reset_in_transaction)
{
	const int who = _i ? 1 : K2;
	uint32_t tx, other;

	guest(1);
	tx = begin(who);
	other = begin(who);
	SAID(0, who, WATCH, "x t");
	ck_assert_int_eq(put(who, tx, "/local/domain/1/x", "y"), 0);
	/* ask() looks at the id in the answer */
	ck_assert_int_eq(ask(who, tx, XS_OP_RESET_WATCHES, "", 1), 0);
	SAID_TX(ENOENT, who, tx, READ, "/local/domain/1");
	SAID_TX(ENOENT, who, other, READ, "/local/domain/1");
	ck_assert_int_eq(commit(who, tx), ENOENT);
	SAID(ENOENT, who, UNWATCH, "x t");
	SAID(ENOENT, K, READ, "/local/domain/1/x");
}
END_TEST

/* What was said half and what was not said yet is dropped by INTRODUCE. */
START_TEST(introduce_starts_over)
{
	static const size_t cut[] = {1, 7, XSMSG_HDR_LEN, XSMSG_HDR_LEN + 9};
	const struct xsmsg_hdr hdr = {XS_OP_WRITE, 7, 0, 40};
	uint8_t buf[XSMSG_HDR_LEN + 40] = {0};

	guest(1);
	watch(1, "x", "t");
	SAID(0, K, WATCH, "@introduceDomain t");
	EVENT(K, "@introduceDomain");
	for (int i = 0; i < 60; i++)
		tell(1, 0, XS_OP_GET_DOMAIN_PATH, "1", 2);
	xsmsg_hdr_emit(buf, &hdr);
	bytes(1, buf, cut[_i]);
	ck_assert_int_eq(introduce(1), 0);
	/* the same domain as before: nobody is told */
	quiet(K);
	ck_assert_uint_eq(report("connections", "domain=1 ", "queued"), 0);
	ck_assert_uint_eq(report("connections", "domain=1 ", "watches"), 0);
	SAID(0, 1, GET_DOMAIN_PATH, "1");
	ck_assert_int_eq(put(1, 0, "x", "y"), 0);
	quiet(1);
}
END_TEST

/* Numbers that are none; those too large for what is asked come last. */
static const char *const no_numbers[] = {"x", "", " 1", "1 ", "1x", "0x1", "-1",
	"+1", "1.0", "01x", "4294967296000", "18446744073709551616",
	"99999999999999999999999"};

/* Arguments before and behind the number; spaces are NULs. */
static const struct {
	uint32_t op;
	const char *before, *behind;
} numbers[] = {
	{XS_OP_INTRODUCE, "", " 0 9"},
	{XS_OP_INTRODUCE, "1 ", " 9"},
	{XS_OP_INTRODUCE, "1 0 ", ""},
	{XS_OP_RELEASE, "", ""},
	{XS_OP_GET_DOMAIN_PATH, "", ""},
	{XS_OP_IS_DOMAIN_INTRODUCED, "", ""},
	{XS_OP_RESUME, "", ""},
	{XS_OP_SET_TARGET, "", " 1"},
	{XS_OP_SET_TARGET, "1 ", ""},
	{XS_OP_GET_FEATURE, "", ""},
	{XS_OP_SET_FEATURE, "", " 1"},
	{XS_OP_SET_FEATURE, "1 ", ""},
	{XS_OP_GET_QUOTA, "", " nodes"},
	{XS_OP_SET_QUOTA, "nodes ", ""},
	{XS_OP_SET_QUOTA, "", " nodes 7"},
	{XS_OP_SET_QUOTA, "1 nodes ", ""},
	{XS_OP_DIRECTORY_PART, "/ ", ""},
	{XS_OP_WATCH, "/x t ", ""},
	{XS_OP_SET_PERMS, "/x n0 r", ""},
	{XS_OP_SET_PERMS, "/x n", ""},
};

static size_t spaces_to_nuls(char *to, const char *from)
{
	size_t n = strlen(from);

	for (size_t i = 0; i < n; i++)
		to[i] = (char)(from[i] == ' ' ? '\0' : from[i]);
	return n;
}

START_TEST(numbers_are_strict)
{
	guest(1);
	SAID(0, K, MKDIR, "/x");
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		for (size_t k = 0; k < sizeof(no_numbers) / sizeof(char *);
			k++) {
			const char *no = no_numbers[k];
			char buf[256];
			size_t n = spaces_to_nuls(buf, numbers[i].before);

			memcpy(buf + n, no, strlen(no));
			n += strlen(no);
			n += spaces_to_nuls(buf + n, numbers[i].behind);
			buf[n++] = '\0';
			/* 64 bits of a frame's number are enough for it */
			if (i == 1 && strlen(no) == 13)
				continue;
			if (numbers[i].op == XS_OP_DIRECTORY_PART &&
				strlen(no) == 13)
				continue;
			ck_assert_msg(
				ask(K, 0, numbers[i].op, buf, n) == EINVAL,
				"%s with \"%s\": %s", ops_name(numbers[i].op),
				no, reply.data);
		}
	}
	SAID(0, 1, GET_DOMAIN_PATH, "1");
}
END_TEST

/* SELF, IO, XEN, COW, INVALID, one that is reserved, IDLE: nobody's. */
static const unsigned no_domains[] = {
	0x7ff0, 0x7ff1, 0x7ff2, 0x7ff3, 0x7ff4, 0x7ff6, 0x7fff, 0x8000, 0xffff};

START_TEST(special_domids)
{
	guest(1);
	guest(2);
	SAID(0, 1, MKDIR, "x");
	SAID(0, 1, MKDIR, "x/y");
	for (int who = K; who <= 1; who++) {
		const char *path = "/local/domain/1/x";

		for (size_t i = 0; i < sizeof(no_domains) / sizeof(unsigned);
			i++) {
			SAID(EINVAL, who, SET_PERMS, "%s n1 r%u", path,
				no_domains[i]);
			SAID(EINVAL, who, SET_PERMS, "%s n%u", path,
				no_domains[i]);
		}
		/* everybody may, but own it */
		SAID(EINVAL, who, SET_PERMS, "%s n%u", path, 0x7ff5);
		SAID(EACCES, 2, READ, "%s", path);
		SAID(0, who, SET_PERMS, "%s n1 r%u", path, 0x7ff5);
		SAID(0, 2, READ, "%s", path);
		SAID(0, who, GET_PERMS, "%s", path);
		ck_assert_uint_eq(reply.hdr.len, sizeof("n1\0r32757"));
		SAID(0, who, SET_PERMS, "%s n1", path);
	}
}
END_TEST

/* The domain of the daemon itself neither comes nor goes. */
START_TEST(own_domain_stays)
{
	guest(1);
	watch(K, "@releaseDomain", "t");
	watch(K, "@introduceDomain", "t");
	SAID(EINVAL, K, INTRODUCE, "0 0 %d", 9);
	SAID(EINVAL, K, RELEASE, "0");
	quiet(K);
	SAID(0, K, IS_DOMAIN_INTRODUCED, "0");
	ck_assert_str_eq(reply.data, "T");
	SAID(0, K, RELEASE, "1");
	EVENT(K, "@releaseDomain");
	quiet(K);
}
END_TEST

/* Each error there is has its name, on each transport (answer() looks). */
START_TEST(errors_by_name)
{
	char big[4000];
	uint32_t tx;

	memset(big, 'v', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	guest(1);
	for (int who = K; who <= 1; who++) {
		for (uint32_t op = XS_OP_NR; op < XS_OP_NR + 3; op++)
			ck_assert_int_eq(ask(who, 0, op, "", 1), ENOSYS);
		ck_assert_int_eq(ask(who, 0, 20, "", 1), ENOSYS);
		ck_assert_int_eq(ask(who, 0, XS_OP_INVALID, "", 0), ENOSYS);
		ck_assert_int_eq(ask(who, 0, UINT32_MAX, "", 0), ENOSYS);
		SAID(ENOSYS, who, WATCH_EVENT, "x t");
		SAID(ENOSYS, who, ERROR, "EINVAL");
		SAID_TX(ENOENT, who, 77, READ, "x");
		SAID_TX(ENOENT, who, 77, TRANSACTION_END, "T");
		SAID(ENOENT, who, TRANSACTION_END, "T");
		SAID(EINVAL, who, TRANSACTION_END, "x");
		SAID(ENOENT, who, UNWATCH, "x t");
		SAID(0, who, WATCH, "x t");
		SAID(EEXIST, who, WATCH, "x t");
		tx = begin(who);
		ck_assert_int_eq(
			ask(who, tx, XS_OP_TRANSACTION_START, "", 1), EBUSY);
		SAID_TX(0, who, tx, READ, "/local/domain/1");
		SAID(0, K2, WRITE, "/local/domain/1 %d", who);
		ck_assert_int_eq(put(who, tx, "/local/domain/1/z", "z"), 0);
		ck_assert_int_eq(commit(who, tx), EAGAIN);
		SAID(ENOENT, who, READ, "/local/domain/1/none");
	}
	SAID(EACCES, 1, READ, "/tool");
	SAID(EACCES, 1, RELEASE, "1");
	SAID(EPERM, 1, SET_PERMS, "/local/domain/1 n0");
	SAID(EBUSY, K, SET_FEATURE, "1 0");
	ck_assert_int_eq(put(1, 0, "big", big), ENOSPC);
	SAID(0, K, SET_QUOTA, "1 memory 1");
	ck_assert_int_eq(put(1, 0, "new", "x"), ENOMEM);
}
END_TEST

ADV_MAIN("ring", ADV("XSA-38", full_ring), ADV("XSA-38", wrapping_ring),
	ADV_LOOP("XSA-38", bad_index,
		2 * (int)(sizeof(too_far) / sizeof(*too_far))),
	ADV("XSA-38", racing_index), ADV("XSA-72", long_listing),
	ADV_LOOP("XSA-325", violation_is_no_death, 2),
	ADV_LOOP("XSA-420", bad_length,
		(int)(sizeof(too_long) / sizeof(*too_long))),
	ADV_LOOP("XSA-425", release_among_others, 8),
	ADV_LOOP("XSA-481", every_path_is_answered, 2),
	ADV_LOOP("XSA-484", reset_in_transaction, 2), ADV("B2", special_domids),
	ADV_LOOP("B3", introduce_starts_over, 4),
	ADV("B10", numbers_are_strict), ADV("B12", own_domain_stays),
	ADV("B17", errors_by_name))
