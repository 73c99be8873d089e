// SPDX-License-Identifier: MIT
/* test_req_dir.c - listings, whole and in parts */
#include "tests/soak.h"
#include "tests/unit/bh_check.h"
#include "tests/unit/xs_fixture.h"

static struct fx *fx;
static int k; /* a privileged client, as fx_ask() takes it */
static struct fx_msg msg;

static void setup(void)
{
	fx = fx_new();
	k = -fx_client(fx);
}

static void teardown(void)
{
	close(-k);
	fx_free(fx);
}

static int ask(int who, uint32_t op, const char *arg)
{
	return fx_ask(fx, who, op, arg, strlen(arg) + 1, &msg);
}

static int write_node(int who, const char *path, const char *value)
{
	char buf[256];
	size_t len = strlen(path) + 1;

	memcpy(buf, path, len);
	memcpy(buf + len, value, strlen(value));
	return fx_ask(fx, who, XS_OP_WRITE, buf, len + strlen(value), &msg);
}

START_TEST(test_directory_in_order_of_creation)
{
	char path[64];

	setup();
	ck_assert_int_eq(write_node(k, "/d/zz", ""), 0);
	ck_assert_int_eq(write_node(k, "/d/aa", ""), 0);
	ck_assert_int_eq(write_node(k, "/d/mm", ""), 0);
	ck_assert_int_eq(write_node(k, "/d/zz", "again"), 0);
	ck_assert_int_eq(ask(k, XS_OP_DIRECTORY, "/d"), 0);
	ck_assert_uint_eq(msg.hdr.len, 9);
	ck_assert_mem_eq(msg.data, "zz\0aa\0mm\0", 9);
	ck_assert_int_eq(ask(k, XS_OP_DIRECTORY, "/d/zz"), 0);
	ck_assert_uint_eq(msg.hdr.len, 0);
	/* XSA-72: more than fits is an error, and the client lives on. */
	for (int i = 0; i < 512; i++) {
		snprintf(path, sizeof(path), "/big/%07d", i);
		ck_assert_int_eq(write_node(k, path, ""), 0);
	}
	ck_assert_int_eq(ask(k, XS_OP_DIRECTORY, "/big"), 0);
	ck_assert_uint_eq(msg.hdr.len, 4096);
	ck_assert_int_eq(write_node(k, "/big/x", ""), 0);
	ck_assert_int_eq(ask(k, XS_OP_DIRECTORY, "/big"), E2BIG);
	ck_assert_int_eq(ask(k, XS_OP_DIRECTORY, "/d"), 0);
	teardown();
}
END_TEST

static int ask_part(int who, uint32_t tx, const char *path, const char *offset)
{
	char buf[256];
	size_t len = strlen(path) + 1, n = strlen(offset) + 1;

	memcpy(buf, path, len);
	memcpy(buf + len, offset, n);
	fx_send(fx, who, XS_OP_DIRECTORY_PART, tx, buf, len + n);
	if (!fx_recv(fx, who, &msg))
		return -1;
	if (msg.hdr.type == XS_OP_ERROR)
		return xsmsg_error_parse(msg.data, msg.hdr.len);
	return 0;
}

/* Ask, and leave in @gen (of 32 bytes) the generation; the rest of it. */
static const char *part(const char *path, size_t offset, char *gen, size_t *len)
{
	char number[32];

	snprintf(number, sizeof(number), "%zu", offset);
	ck_assert_int_eq(ask_part(k, 0, path, number), 0);
	ck_assert_uint_le(msg.hdr.len, 4096);
	*len = strlen(msg.data) + 1;
	ck_assert_uint_lt(*len, 32);
	memcpy(gen, msg.data, *len);
	*len = msg.hdr.len - *len;
	return msg.data + msg.hdr.len - *len;
}

START_TEST(test_part_of_few)
{
	char gen[32], again[32];
	size_t len;

	setup();
	ck_assert_int_eq(write_node(k, "/d/zz", ""), 0);
	ck_assert_int_eq(write_node(k, "/d/aaa", ""), 0);
	ck_assert_mem_eq(part("/d", 0, gen, &len), "zz\0aaa\0", 8);
	ck_assert_uint_eq(len, 8);
	/* From the second one, from inside of a name, from the end. */
	ck_assert_mem_eq(part("/d", 3, again, &len), "aaa\0", 5);
	ck_assert_uint_eq(len, 5);
	ck_assert_str_eq(again, gen);
	ck_assert_mem_eq(part("/d", 1, again, &len), "z\0aaa\0", 7);
	ck_assert_uint_eq(len, 7);
	ck_assert_mem_eq(part("/d", 6, again, &len), "\0", 2);
	ck_assert_uint_eq(len, 2);
	for (size_t past = 7; past < 9; past++) {
		ck_assert_mem_eq(part("/d", past, again, &len), "", 1);
		ck_assert_uint_eq(len, 1);
	}
	/* Created at once: one generation, different listings. */
	ck_assert_int_eq(write_node(k, "/x/first/second/third", ""), 0);
	ck_assert_mem_eq(part("/x", 5, gen, &len), "\0", 2);
	ck_assert_mem_eq(part("/x/first", 0, again, &len), "second\0", 8);
	ck_assert_str_eq(gen, again);
	ck_assert_int_eq(write_node(k, "/y/third/second/first", ""), 0);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_mem_eq(
			part("/y/third", i, gen, &len), &"second\0"[i], 8 - i);
		ck_assert_mem_eq(
			part("/y", i, again, &len), &"third\0"[i], 7 - i);
		ck_assert_str_eq(gen, again);
	}
	/* No children, never any. */
	ck_assert_mem_eq(part("/d/zz", 0, again, &len), "", 1);
	ck_assert_uint_eq(len, 1);
	teardown();
}
END_TEST

/* The generation is another one whenever the listing is. */
START_TEST(test_part_generation)
{
	char gen[32], now[32];
	size_t len;

	setup();
	ck_assert_int_eq(write_node(k, "/d/a", ""), 0);
	part("/d", 0, gen, &len);
	ck_assert_int_eq(write_node(k, "/d/a", "value"), 0);
	ck_assert_int_eq(write_node(k, "/d/a/below", ""), 0);
	ck_assert_int_eq(write_node(k, "/d", "value"), 0);
	part("/d", 0, now, &len);
	ck_assert_str_eq(now, gen);
	ck_assert_int_eq(write_node(k, "/d/b", ""), 0);
	part("/d", 0, now, &len);
	ck_assert_str_ne(now, gen);
	ck_assert_int_eq(ask(k, XS_OP_RM, "/d/b"), 0);
	part("/d", 0, gen, &len);
	ck_assert_str_ne(now, gen);
	ck_assert_int_eq(ask(k, XS_OP_RM, "/d"), 0);
	ck_assert_int_eq(write_node(k, "/d/b", ""), 0);
	part("/d", 0, now, &len);
	ck_assert_str_ne(now, gen);
	teardown();
}
END_TEST

START_TEST(test_part_refused)
{
	static const char *const bad[] = {"", "x", "-1", "+1", " 1", "1 ",
		"0x1", "1.", "18446744073709551616"};

	setup();
	fx_guest(fx, -k, 1);
	ck_assert_int_eq(write_node(k, "/d/a", ""), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_int_eq(ask_part(k, 0, "/d", bad[i]), EINVAL);
	ck_assert_int_eq(ask_part(k, 0, "/d", "18446744073709551615"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, DIRECTORY_PART, "/d"), EINVAL);
	ck_assert_int_eq(FX_ASK(fx, k, DIRECTORY_PART, "/d\0000\0000"), EINVAL);
	ck_assert_int_eq(FX_ASKN(fx, k, DIRECTORY_PART, "/d\0000"), EINVAL);
	ck_assert_int_eq(ask_part(k, 0, "/none", "0"), ENOENT);
	ck_assert_int_eq(ask_part(k, 0, "//", "0"), EINVAL);
	ck_assert_int_eq(ask_part(k, 5, "/d", "0"), ENOENT);
	ck_assert_int_eq(ask_part(1, 0, "/d", "0"), EACCES);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/d\0n0\0r1"), 0);
	ck_assert_int_eq(ask_part(1, 0, "/d", "0"), 0);
	teardown();
}
END_TEST

enum { NAMES = 3000, NAME_LEN = 8 };

static void name_of(char *name, int i)
{
	char digits[16];

	snprintf(digits, sizeof(digits), "%0*d", NAME_LEN - 1, i);
	memcpy(name, digits, NAME_LEN);
}

static void write_names(int from, int to, int step)
{
	char path[16] = "/d/";

	for (int i = from; i < to; i += step) {
		name_of(path + 3, i);
		ck_assert_int_eq(write_node(k, path, ""), 0);
	}
}

static void remove_names(int from, int to, int step)
{
	char path[16] = "/d/";

	for (int i = from; i < to; i += step) {
		name_of(path + 3, i);
		ck_assert_int_eq(ask(k, XS_OP_RM, path), 0);
	}
}

/* Parts, each checked to be full, until the end; how many names. */
static int collect(char *all)
{
	char first[32], gen[32];
	size_t at = 0, len, whole;

	for (;;) {
		const char *p = part("/d", at, gen, &len);

		if (!at)
			strcpy(first, gen);
		ck_assert_str_eq(gen, first);
		whole = len / NAME_LEN * NAME_LEN;
		memcpy(all + at, p, whole);
		at += whole;
		if (whole != len)
			return (int)(at / NAME_LEN);
		/* No other name would have left room for the end. */
		ck_assert_uint_gt(strlen(gen) + 1 + len + NAME_LEN + 1, 4096);
	}
}

START_TEST(test_parts_of_many)
{
	static char all[NAMES * NAME_LEN + 4096];
	char name[NAME_LEN];

	setup();
	write_names(0, NAMES, 1);
	ck_assert_int_eq(ask(k, XS_OP_DIRECTORY, "/d"), E2BIG);
	ck_assert_int_eq(collect(all), NAMES);
	for (int i = 0; i < NAMES; i++) {
		name_of(name, i);
		ck_assert_str_eq(all + i * NAME_LEN, name);
	}
	/* Holes, then names behind them. */
	remove_names(0, NAMES, 3);
	write_names(0, NAMES, 30);
	ck_assert_int_eq(collect(all), NAMES / 3 * 2 + NAMES / 30);
	name_of(name, 1);
	ck_assert_str_eq(all, name);
	name_of(name, 30);
	ck_assert_str_eq(all + (NAMES / 3 * 2 + 1) * NAME_LEN, name);
	teardown();
}
END_TEST

/*
 * The cursor is only a short cut: whatever was asked before, by whomever, an
 * answer is the same as without it.
 */
START_TEST(test_cursor_is_not_seen)
{
	static char all[NAMES * NAME_LEN + 4096];
	size_t total, len;
	uint64_t rng = 1;
	char gen[32];
	int nr;

	setup();
	write_names(0, NAMES, 1);
	for (int round = 0; round < 8; round++) {
		/* Enough of them to have the set built anew, at times. */
		remove_names(round, NAMES / 8 * 7, 8);
		if (round % 2)
			write_names(round, NAMES / 2, 8);
		nr = collect(all);
		total = (size_t)nr * NAME_LEN;
		for (int i = 0; i < 50; i++) {
			size_t at, room;
			const char *p;

			at = soak_rnd(&rng, (uint32_t)total);
			p = part("/d", at, gen, &len);
			room = total - at < len ? total - at : len;
			ck_assert_mem_eq(p, all + at, room);
		}
	}
	teardown();
}
END_TEST

/* An edit that was given up: the same names, in other slots at times. */
START_TEST(test_cursor_after_abandoned_edit)
{
	static char all[NAMES * NAME_LEN + 4096];
	uint32_t used, packed = 0;
	struct tree_edit edit;
	struct tree_pos pos, gone;
	struct tree *tree;
	char gen[32];
	size_t at, len;
	const char *p;

	setup();
	tree = &fx->server->tree;
	write_names(0, NAMES, 1);
	/* Its slot is another child's then; or there is no such slot. */
	if (_i) {
		remove_names(0, NAMES / 5 * 4, 2);
		remove_names(1, NAMES / 10, 2);
	} else {
		remove_names(0, NAMES / 5 * 2, 1);
	}
	for (int i = _i ? NAMES / 5 * 4 : NAMES / 5 * 2; i < NAMES - 1;
		i += 1 + _i) {
		if (!_i && i > NAMES / 5 * 3)
			break;
		remove_names(i, i + 1, 1);
		part("/d", 0, gen, &at);
		tree_find(tree, tree->root, "/d", &pos);
		used = pos.node->kids->used;
		tree_find(tree, tree->root, "/d/0002999", &gone);
		ck_assert_int_eq(tree_prep_remove(tree, &gone, &edit), 0);
		tree_edit_fini(tree, &edit);
		packed += pos.node->kids->used != used;
		p = part("/d", at, gen, &len);
		memcpy(all, p, len);
		/* From further back, without the cursor. */
		part("/d", 0, gen, &at);
		p = part("/d", at - 1, gen, &len);
		ck_assert_mem_eq(all, p + 1, len - 1);
	}
	ck_assert_uint_eq(packed, 1);
	teardown();
}
END_TEST

/* Two names of @total bytes, and a generation of @gen_len bytes. */
static void write_two(size_t total, size_t gen_len)
{
	static char path[4096], long_name[4096];
	char gen[32];
	size_t len;

	memset(long_name, 'x', sizeof(long_name));
	do {
		(void)!ask(k, XS_OP_RM, "/e");
		len = (size_t)snprintf(
			path, sizeof(path), "/e/%.1999s", long_name);
		ck_assert_int_eq(
			fx_ask(fx, k, XS_OP_MKDIR, path, len + 1, &msg), 0);
		len = (size_t)snprintf(path, sizeof(path), "/e/y%.*s",
			(int)(total - 2002), long_name);
		ck_assert_int_eq(
			fx_ask(fx, k, XS_OP_MKDIR, path, len + 1, &msg), 0);
		part("/e", 0, gen, &len);
	} while (strlen(gen) + 1 != gen_len);
}

/* The end of the listing needs its byte, or is told with the next part. */
START_TEST(test_part_with_room_for_the_end)
{
	char gen[32];
	size_t len;

	setup();
	write_two(4096 - 21 - 1, 21);
	part("/e", 0, gen, &len);
	ck_assert_uint_eq(len, 4096 - 21);
	write_two(4096 - 21, 21);
	part("/e", 0, gen, &len);
	ck_assert_uint_eq(len, 2000);
	part("/e", len, gen, &len);
	ck_assert_uint_eq(len, 4096 - 21 - 2000 + 1);
	teardown();
}
END_TEST

/* Inside of a transaction: its own listing, at the same time. */
START_TEST(test_parts_in_a_transaction)
{
	char gen[32], offset[16];
	size_t len, at;
	uint32_t tx;

	setup();
	write_names(0, NAMES, 1);
	ck_assert_int_eq(ask(k, XS_OP_TRANSACTION_START, ""), 0);
	tx = (uint32_t)strtoul(msg.data, NULL, 10);
	remove_names(0, NAMES, 2);
	at = 0;
	for (int i = 0;; i++) {
		part("/d", at / 2, gen, &len);
		snprintf(offset, sizeof(offset), "%zu", at);
		ck_assert_int_eq(ask_part(k, tx, "/d", offset), 0);
		len = msg.hdr.len - strlen(msg.data) - 1;
		if (len % NAME_LEN)
			break;
		at += len;
	}
	ck_assert_uint_eq(at + len - 1, NAMES * NAME_LEN);
	teardown();
}
END_TEST

BH_CHECK_MAIN("req_dir", 20, BH_TEST(test_directory_in_order_of_creation),
	BH_TEST(test_part_of_few), BH_TEST(test_part_generation),
	BH_TEST(test_part_refused), BH_TEST(test_parts_of_many),
	BH_TEST(test_cursor_is_not_seen),
	BH_TEST(test_part_with_room_for_the_end),
	BH_LOOP(test_cursor_after_abandoned_edit, 2),
	BH_TEST(test_parts_in_a_transaction))
