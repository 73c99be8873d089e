/* SPDX-License-Identifier: MIT */
/*
 * tx_fixture.h - words for tests of transactions, on top of xs_fixture.h
 *
 * DOC: every function takes who speaks, as fx_ask() does, and the transaction
 * to speak in, 0 for outside.  tx_teardown() walks the tree: nodes, owners'
 * lists and counters must agree after whatever a test has done.
 */
#ifndef TESTS_UNIT_TX_FIXTURE_H
#define TESTS_UNIT_TX_FIXTURE_H

#include "tests/unit/bh_check.h"
#include "tests/unit/xs_fixture.h"
#include "xenstored/acl.h"
#include "xenstored/node.h"
#include "xenstored/tx.h"

static struct fx *fx;
static int k, k2; /* privileged clients */
static struct fx_msg msg;
static uint64_t fake_us = 1000 * 1000;

static uint64_t fake_now(void)
{
	return fake_us;
}

static inline void tx_setup(void)
{
	fx = fx_new();
	fx->server->txs.now = fake_now;
	k = -fx_client(fx);
	k2 = -fx_client(fx);
}

/* Invariant: counters and lists of owners equal a full walk of the tree. */
static inline void tx_check(void)
{
	fx_check_accounts(fx);
	for (uint16_t i = 0; i < FX_DOMS; i++) {
		const struct domain *d = domain_find(fx->server, i);
		struct place *place;
		size_t listed = 0;

		if (!d)
			continue;
		LIST_FOREACH (place, &d->owned, owned) {
			const struct node *node =
				tree_node_at(fx->server->tree.root, place);

			ck_assert_ptr_nonnull(node);
			ck_assert_uint_eq(acl_owner(node->acl)->domid, i);
			listed++;
		}
		ck_assert_uint_eq(listed, d->account[DOMAIN_NODES].used);
	}
}

static inline void tx_teardown(void)
{
	size_t nodes = 0;

	tx_check();
	close(-k);
	close(-k2);
	fx_settle(fx);
	/* Every version but the current ones is gone, and so are places. */
	node_walk_start(&fx->server->walk, fx->server->tree.root);
	while (node_walk_next(&fx->server->walk))
		nodes++;
	ck_assert_uint_le(places_nr(fx->server->places) + 1, nodes + 8);
	fx_free(fx);
}

/* Ask in @tx: 0, errno, or -1 when there is no answer. */
static inline int ask_raw(
	int who, uint32_t tx, uint32_t op, const void *arg, size_t len)
{
	return fx_ask_tx(fx, who, tx, op, arg, len, &msg);
}

static inline int ask(int who, uint32_t tx, uint32_t op, const char *arg)
{
	return ask_raw(who, tx, op, arg, strlen(arg) + 1);
}

static inline int put(int who, uint32_t tx, const char *path, const char *value)
{
	char buf[4096];
	size_t len = strlen(path) + 1;

	memcpy(buf, path, len);
	memcpy(buf + len, value, strlen(value));
	return ask_raw(who, tx, XS_OP_WRITE, buf, len + strlen(value));
}

/* One to three permissions, separated by spaces. */
static inline int perms(
	int who, uint32_t tx, const char *path, const char *list)
{
	char buf[256];
	int n = snprintf(buf, sizeof(buf), "%s %s", path, list) + 1;

	for (int i = 0; i < n; i++)
		if (buf[i] == ' ')
			buf[i] = '\0';
	return ask_raw(who, tx, XS_OP_SET_PERMS, buf, (size_t)n);
}

#define RM(who, tx, path)    ask(who, tx, XS_OP_RM, path)
#define GET(who, tx, path)   ask(who, tx, XS_OP_READ, path)
#define LIST(who, tx, path)  ask(who, tx, XS_OP_DIRECTORY, path)
#define MKDIR(who, tx, path) ask(who, tx, XS_OP_MKDIR, path)
#define OK(what)             ck_assert_int_eq((what), 0)
#define IS(what, err)        ck_assert_int_eq((what), (err))
#define READS(who, tx, path, value)                  \
	do {                                         \
		OK(GET((who), (tx), (path)));        \
		ck_assert_str_eq(msg.data, (value)); \
	} while (0)

static inline uint32_t begin(int who)
{
	OK(ask(who, 0, XS_OP_TRANSACTION_START, ""));
	return (uint32_t)strtoul(msg.data, NULL, 10);
}

static inline int commit(int who, uint32_t tx)
{
	return ask(who, tx, XS_OP_TRANSACTION_END, "T");
}

static inline int drop(int who, uint32_t tx)
{
	return ask(who, tx, XS_OP_TRANSACTION_END, "F");
}

static inline int watch(int who, const char *path)
{
	char buf[256];
	int n = snprintf(buf, sizeof(buf), "%s%ct", path, 0) + 1;
	int r = ask_raw(who, 0, XS_OP_WATCH, buf, (size_t)n);

	if (!r)
		ck_assert_str_eq(fx_event(fx, who), path);
	return r;
}

/*
 * Steps, separated by spaces; each a letter, a path, and what it needs:
 *
 *	W/path=value	write		R/path=value	read exactly that
 *	M/path		mkdir		N/path		read: ENOENT
 *	D/path		rm		X/path		read: EACCES
 *	L/path=names	list: names, each with a ',' behind it
 *	P/path=n0,r1	set_perms	G/path		get_perms
 */
static inline int step(int who, uint32_t tx, const char *path, char *value)
{
	const char *arg = path + 1;

	switch (*path) {
	case 'W': return put(who, tx, arg, value);
	case 'M': return MKDIR(who, tx, arg);
	case 'D': return RM(who, tx, arg);
	case 'N': return GET(who, tx, arg) == ENOENT ? 0 : EIO;
	case 'X': return GET(who, tx, arg) == EACCES ? 0 : EIO;
	case 'G': return ask(who, tx, XS_OP_GET_PERMS, arg);
	case 'R':
		OK(GET(who, tx, arg));
		ck_assert_str_eq(msg.data, value);
		return 0;
	case 'L':
		OK(LIST(who, tx, arg));
		for (uint32_t i = 0; i < msg.hdr.len; i++)
			if (!msg.data[i])
				msg.data[i] = ',';
		ck_assert_str_eq(msg.data, value);
		return 0;
	case 'P':
		for (char *p = value; *p; p++)
			if (*p == ',')
				*p = ' ';
		return perms(who, tx, arg, value);
	default: ck_abort_msg("step %s", path);
	}
	return -1;
}

/* All of them work, or the test fails. */
static inline void steps(int who, uint32_t tx, const char *list)
{
	char buf[1024], *at = buf, *word;

	ck_assert_uint_lt(strlen(list), sizeof(buf));
	strcpy(buf, list);
	while ((word = strsep(&at, " "))) {
		char *value = strchr(word, '=');
		int r;

		if (!*word)
			continue;
		if (value)
			*value++ = '\0';
		r = step(who, tx, word, value ? value : word + strlen(word));
		ck_assert_msg(!r, "%s: %d, in: %s", word, r, list);
	}
}

/* The events that wait at @who, in order, separated by spaces. */
static inline const char *events(int who)
{
	static char all[4096];
	const char *path;

	all[0] = '\0';
	while (*(path = fx_event(fx, who))) {
		if (all[0])
			strcat(all, " ");
		strcat(all, path);
	}
	return all;
}

#define EVENTS(who, list) ck_assert_str_eq(events(who), (list))

#endif
