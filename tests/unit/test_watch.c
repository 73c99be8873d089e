// SPDX-License-Identifier: MIT
/* test_watch.c - who hears of what, in which order, and what it costs */
#include "tests/unit/xs_case.h"
#include "xenstored/change.h"
#include "xenstored/place.h"

/* Two strings, or three with @depth. */
static int watch(
	int who, const char *path, const char *token, const char *depth)
{
	static char buf[8192];
	int n = snprintf(buf, sizeof(buf), "%s%c%s%c%s", path, 0, token, 0,
		depth ? depth : "");

	return fx_ask(
		fx, who, XS_OP_WATCH, buf, (size_t)n + (depth != NULL), &msg);
}

static int write_node(int who, const char *path)
{
	return fx_ask(fx, who, XS_OP_WRITE, path, strlen(path) + 1, &msg);
}

#define EVENT(who, path) ck_assert_str_eq(fx_event(fx, (who)), (path))
#define QUIET(who)       ck_assert_str_eq(fx_event(fx, (who)), "")

START_TEST(test_reply_then_first_event)
{
	setup();
	fx_send(fx, k, XS_OP_WATCH, 0, "/none\0tok", 10);
	ck_assert(fx_recv(fx, k, &msg));
	ck_assert_uint_eq(msg.hdr.type, XS_OP_WATCH);
	ck_assert(fx_recv(fx, k, &msg));
	ck_assert_uint_eq(msg.hdr.type, XS_OP_WATCH_EVENT);
	ck_assert_mem_eq(msg.data, "/none\0tok", 10);
	ck_assert_uint_eq(msg.hdr.len, 10);
	ck_assert_int_eq(watch(k, "/none", "tok", NULL), EEXIST);
	ck_assert_int_eq(watch(k, "/none", "tok", "3"), EEXIST);
	ck_assert_int_eq(watch(k, "/none", "tok2", NULL), 0);
	EVENT(k, "/none");
	teardown();
}
END_TEST

START_TEST(test_event_before_reply)
{
	setup();
	ck_assert_int_eq(watch(k, "/a", "t", NULL), 0);
	EVENT(k, "/a");
	fx_send(fx, k, XS_OP_WRITE, 0, "/a/b", 5);
	EVENT(k, "/a/b");
	ck_assert(fx_recv(fx, k, &msg));
	ck_assert_uint_eq(msg.hdr.type, XS_OP_WRITE);
	QUIET(k);
	teardown();
}
END_TEST

START_TEST(test_matching)
{
	int w;

	setup();
	w = -fx_client(fx);
	ck_assert_int_eq(watch(w, "/", "root", NULL), 0);
	ck_assert_int_eq(watch(w, "/a/b", "b", NULL), 0);
	ck_assert_int_eq(watch(w, "/a/bc", "bc", NULL), 0);
	ck_assert_int_eq(watch(w, "/a", "d0", "0"), 0);
	ck_assert_int_eq(watch(w, "/a", "d1", "1"), 0);
	while (fx_recv(fx, w, &msg))
		;
	/* Parents made on the way are silent. */
	ck_assert_int_eq(write_node(k, "/a/b/c"), 0);
	ck_assert(fx_recv(fx, w, &msg));
	ck_assert_mem_eq(msg.data, "/a/b/c\0root", 12);
	ck_assert(fx_recv(fx, w, &msg));
	ck_assert_mem_eq(msg.data, "/a/b/c\0b", 9);
	QUIET(w);
	/* In the order in which they were set. */
	ck_assert_int_eq(write_node(k, "/a/b"), 0);
	ck_assert(fx_recv(fx, w, &msg));
	ck_assert_str_eq(msg.data + 5, "root");
	ck_assert(fx_recv(fx, w, &msg));
	ck_assert_str_eq(msg.data + 5, "b");
	ck_assert(fx_recv(fx, w, &msg));
	ck_assert_str_eq(msg.data + 5, "d1");
	QUIET(w);
	/* Existing MKDIR, missing RM: nothing. */
	ck_assert_int_eq(ask(k, XS_OP_MKDIR, "/a/b"), 0);
	ck_assert_int_eq(ask(k, XS_OP_RM, "/a/none"), 0);
	QUIET(w);
	close(-w);
	teardown();
}
END_TEST

/* One event above; below, those that are watched, leaves first. */
START_TEST(test_recursive_remove)
{
	int w;

	setup();
	w = -fx_client(fx);
	ck_assert_int_eq(write_node(k, "/a/b/c"), 0);
	ck_assert_int_eq(write_node(k, "/a/b/d"), 0);
	ck_assert_int_eq(watch(w, "/", "t", NULL), 0);
	ck_assert_int_eq(watch(w, "/a/b", "t", NULL), 0);
	ck_assert_int_eq(watch(w, "/a/b/c", "t", NULL), 0);
	ck_assert_int_eq(watch(w, "/a/b/none", "t", NULL), 0);
	while (fx_recv(fx, w, &msg))
		;
	ck_assert_int_eq(ask(k, XS_OP_RM, "/a"), 0);
	EVENT(w, "/a/b/c");
	EVENT(w, "/a/b");
	EVENT(w, "/a");
	QUIET(w);
	close(-w);
	teardown();
}
END_TEST

START_TEST(test_relative)
{
	setup();
	home(1);
	ck_assert_int_eq(watch(1, "dev", "t", NULL), 0);
	EVENT(1, "dev");
	ck_assert_int_eq(watch(1, "/local/domain/1/dev", "t", NULL), EEXIST);
	ck_assert_int_eq(watch(1, "/local/domain/1/dev", "u", NULL), 0);
	EVENT(1, "/local/domain/1/dev");
	ck_assert_int_eq(write_node(k, "/local/domain/1/dev/0"), 0);
	EVENT(1, "dev/0");
	EVENT(1, "/local/domain/1/dev/0");
	ck_assert_int_eq(FX_ASK(fx, 1, UNWATCH, "dev\0u"), 0);
	ck_assert_int_eq(write_node(k, "/local/domain/1/dev/0"), 0);
	EVENT(1, "dev/0");
	QUIET(1);
	teardown();
}
END_TEST

/* XSA-115: the matrix of what a guest hears, watching everything. */
START_TEST(test_visibility)
{
	setup();
	fx_guest(fx, -k, 2);
	ck_assert_int_eq(ask(k, XS_OP_MKDIR, "/p/x"), 0);
	ck_assert_int_eq(watch(2, "/", "t", NULL), 0);
	EVENT(2, "/");
	ck_assert_int_eq(write_node(k, "/p/x"), 0);
	QUIET(2); /* neither it nor its parent */
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/p/x\0n0\0r2"), 0);
	EVENT(2, "/p/x"); /* granted */
	ck_assert_int_eq(write_node(k, "/p/x"), 0);
	EVENT(2, "/p/x");
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/p/x\0n0"), 0);
	EVENT(2, "/p/x"); /* revoked: told once */
	ck_assert_int_eq(write_node(k, "/p/x"), 0);
	QUIET(2);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/p\0n0\0r2"), 0);
	EVENT(2, "/p");
	ck_assert_int_eq(write_node(k, "/p/x"), 0);
	EVENT(2, "/p/x"); /* the name can be listed */
	ck_assert_int_eq(ask(k, XS_OP_RM, "/p/x"), 0);
	EVENT(2, "/p/x");
	ck_assert_int_eq(write_node(k, "/p/y/z"), 0);
	EVENT(2, "/p/y/z"); /* inherits r2 */
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/p\0n0"), 0);
	EVENT(2, "/p");
	ck_assert_int_eq(ask(k, XS_OP_RM, "/p"), 0);
	QUIET(2); /* the top is not visible, and it has no watch below */
	teardown();
}
END_TEST

START_TEST(test_unwatch)
{
	setup();
	ck_assert_int_eq(FX_ASK(fx, k, UNWATCH, "/a\0t"), ENOENT);
	ck_assert_int_eq(watch(k, "/a", "t", NULL), 0);
	ck_assert_int_eq(FX_ASK(fx, k, UNWATCH, "/a\0u"), ENOENT);
	ck_assert_int_eq(FX_ASK(fx, k, UNWATCH, "/b\0t"), ENOENT);
	ck_assert_int_eq(FX_ASK(fx, k, UNWATCH, "/a\0t"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, UNWATCH, "/a\0t"), ENOENT);
	ck_assert_int_eq(write_node(k, "/a"), 0);
	QUIET(k);
	teardown();
}
END_TEST

/* XSA-330, XSA-484: everything goes, however often; any tx_id is echoed. */
START_TEST(test_reset)
{
	size_t places, memory;

	setup();
	home(1);
	fx_settle(fx);
	places = places_nr(fx->server->places);
	memory = domain_find(fx->server, 1)->account[DOMAIN_MEMORY].used;
	for (int round = 0; round < 50; round++) {
		char path[32];

		for (int i = 0; i < 20; i++) {
			snprintf(path, sizeof(path), "w/%d", i);
			ck_assert_int_eq(watch(1, path, "t", NULL), 0);
		}
		ck_assert_int_eq(ask(1, XS_OP_RESET_WATCHES, ""), 0);
		ck_assert_uint_eq(fx->server->watches_nr, 0);
		ck_assert_uint_eq(places_nr(fx->server->places), places);
	}
	fx_settle(fx);
	while (fx_recv(fx, 1, &msg))
		ck_assert_uint_eq(msg.hdr.type, XS_OP_WATCH_EVENT);
	ck_assert_uint_eq(
		domain_find(fx->server, 1)->account[DOMAIN_MEMORY].used,
		memory);
	teardown();
}
END_TEST

static const char *const bad_depths[] = {
	"", "x", "-1", " 1", "1x", "0x1", "4294967296", "2147483648"};

START_TEST(test_bad_watches)
{
	setup();
	for (size_t i = 0; i < ARRAY_LEN(bad_depths); i++)
		ck_assert_int_eq(watch(k, "/a", "t", bad_depths[i]), EINVAL);
	ck_assert_int_eq(watch(k, "/a/", "t", NULL), EINVAL);
	ck_assert_int_eq(watch(k, "", "t", NULL), EINVAL);
	ck_assert_int_eq(watch(k, "@any", "", NULL), 0);
	ck_assert_int_eq(FX_ASK(fx, k, WATCH, "/a"), EINVAL);
	ck_assert_int_eq(FX_ASK(fx, k, WATCH, "/a\0t\0001\0002"), EINVAL);
	teardown();
}
END_TEST

START_TEST(test_quota)
{
	char path[32];

	setup();
	home(1);
	for (int i = 0; i < 128; i++) {
		snprintf(path, sizeof(path), "w%d", i);
		ck_assert_int_eq(watch(1, path, "t", NULL), 0);
	}
	ck_assert_int_eq(watch(1, "more", "t", NULL), ENOSPC);
	ck_assert_int_eq(FX_ASK(fx, 1, UNWATCH, "w5\0t"), 0);
	ck_assert_int_eq(watch(1, "more", "t", NULL), 0);
	ck_assert_int_eq(watch(1, "most", "t", NULL), ENOSPC);
	teardown();
}
END_TEST

/* Deep paths that do not exist cost more than their length. */
START_TEST(test_deep_watches_are_paid_for)
{
	static char path[2049];
	char token[16];
	int nr = 0, r;

	setup();
	home(1);
	for (int i = 0; i < 2046; i += 2)
		memcpy(path + i, "x/", 2);
	path[2046] = 'x';
	do {
		path[2 * (nr % 500)] = (char)('a' + nr % 26);
		snprintf(token, sizeof(token), "%d", nr);
		r = watch(1, path, token, NULL);
		ck_assert(r == 0 || r == ENOMEM);
	} while (!r && ++nr < 128);
	ck_assert_int_eq(r, ENOMEM);
	ck_assert_int_gt(nr, 10);
	teardown();
}
END_TEST

/* XSA-324, B14: an event that would be too long names the watched path. */
START_TEST(test_long_token)
{
	static char token[4096];

	setup();
	memset(token, 't', 4088);
	ck_assert_int_eq(watch(k, "/abcd", token, NULL), 0);
	EVENT(k, "/abcd");
	ck_assert_int_eq(write_node(k, "/abcd/efgh"), 0);
	QUIET(k);
	fx_send(fx, k, XS_OP_WRITE, 0, "/abcd/efgh", 11);
	EVENT(k, "/abcd");
	ck_assert(fx_recv(fx, k, &msg));
	ck_assert_uint_eq(msg.hdr.type, XS_OP_WRITE);
	teardown();
}
END_TEST

/* B6: who does not read is told less, later; the writer does not notice. */
START_TEST(test_reader_that_does_not_read)
{
	struct domain *d;
	char path[64];
	int events = 0;
	bool whole = false;

	setup();
	home(1);
	home(2);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/local/domain/2\0r2"), 0);
	ck_assert_int_eq(watch(1, "/local/domain/2", "t", NULL), 0);
	EVENT(1, "/local/domain/2");
	for (int i = 0; i < 3000; i++) {
		snprintf(path, sizeof(path), "n%d", i % 900);
		ck_assert_int_eq(write_node(2, path), 0);
		ck_assert_int_eq(write_node(2, "same"), 0);
	}
	d = domain_find(fx->server, 1);
	ck_assert_uint_le(d->ring->out.events, d->limits.events);
	/* The same event waits once: fewer wait than paths there are. */
	ck_assert_uint_le(d->ring->out.events, 902);
	for (int i = 0; i < 700; i++) {
		snprintf(path, sizeof(path), "/local/domain/2/k%d", i);
		ck_assert_int_eq(write_node(k, path), 0);
	}
	ck_assert_uint_eq(d->ring->out.events, d->limits.events);
	ck_assert_uint_gt(d->ring->out.missed, 0);
	ck_assert_uint_eq(d->refused[QUOTA_EVENTS].count, d->ring->out.missed);
	while (fx_recv(fx, 1, &msg)) {
		events++;
		whole = !strcmp(msg.data, "/local/domain/2");
	}
	/* The last one says: look at all of it again. */
	ck_assert(whole);
	ck_assert_int_ge(events, 1024);
	ck_assert_uint_eq(d->ring->out.events, 0);
	ck_assert_int_eq(write_node(2, "n1"), 0);
	EVENT(1, "/local/domain/2/n1");
	teardown();
}
END_TEST

/* What is new below a new directory shows to who may list that. */
START_TEST(test_visibility_below_new_parents)
{
	setup();
	fx_guest(fx, -k, 1);
	fx_guest(fx, -k, 3);
	ck_assert_int_eq(ask(k, XS_OP_MKDIR, "/d"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/d\0n3\0b1"), 0);
	ck_assert_int_eq(watch(3, "/d", "t", NULL), 0);
	EVENT(3, "/d");
	ck_assert_int_eq(write_node(1, "/d/new"), 0);
	EVENT(3, "/d/new");
	ck_assert_int_eq(write_node(1, "/d/dir/new"), 0);
	QUIET(3);
	teardown();
}
END_TEST

/* However many wait already: those that were queued first are found, too. */
START_TEST(test_events_are_merged)
{
	char path[32];
	int nr = _i ? 100 : 2;

	setup();
	ck_assert_int_eq(watch(k, "/m", "t", NULL), 0);
	EVENT(k, "/m");
	/* No turn of the loop in between: nothing is sent. */
	for (int times = 0; times < 3; times++)
		for (int i = 0; i < nr; i++) {
			struct change change = {
				.kind = CHANGE_NODE_WRITE, .path = path};

			snprintf(path, sizeof(path), "/m/%d", i);
			ck_assert_int_eq(change_apply(fx->server, &change), 0);
		}
	for (int i = 0; i < nr; i++) {
		snprintf(path, sizeof(path), "/m/%d", i);
		EVENT(k, path);
	}
	QUIET(k);
	teardown();
}
END_TEST

/* Only an event of which the client has seen nothing can be merged with. */
START_TEST(test_begun_events_are_not_merged_with)
{
	static char token[901];

	setup();
	home(1);
	memset(token, 't', sizeof(token) - 1);
	ck_assert_int_eq(watch(1, "a", token, NULL), 0);
	/* The first event fills the ring: of the next, a part is in it. */
	fx_settle(fx);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(write_node(k, "/local/domain/1/a"), 0);
		fx_settle(fx);
	}
	for (int i = 0; i < 3; i++)
		EVENT(1, "a");
	QUIET(1);
	teardown();
}
END_TEST

/* With an account that is full, one event at a time still comes. */
START_TEST(test_full_account)
{
	struct account *memory;
	static char token[1800];

	setup();
	home(1);
	ck_assert_int_eq(watch(1, "a", "t", NULL), 0);
	memset(token, 't', sizeof(token) - 1);
	ck_assert_int_eq(watch(1, "b", token, NULL), 0);
	while (fx_recv(fx, 1, &msg))
		;
	memory = &domain_find(fx->server, 1)->account[DOMAIN_MEMORY];
	memory->limit = memory->used;
	ck_assert_int_eq(write_node(k, "/local/domain/1/a/b"), 0);
	EVENT(1, "a/b");
	QUIET(1);
	/*
	 * The first fills the ring, with room for one small one left: a watch
	 * that has missed a large one does not use it.
	 */
	memory->limit = memory->used + 2 * 1800 + 200 + 400;
	ck_assert_int_eq(write_node(k, "/local/domain/1/b"), 0);
	ck_assert_int_eq(write_node(k, "/local/domain/1/b/1"), 0);
	ck_assert_int_eq(write_node(k, "/local/domain/1/b/2"), 0);
	fx_settle(fx);
	memory->limit += 2000;
	ck_assert_int_eq(write_node(k, "/local/domain/1/b/3"), 0);
	EVENT(1, "b");
	EVENT(1, "b/1");
	EVENT(1, "b");
	QUIET(1);
	teardown();
}
END_TEST

/* @releaseDomain and friends: plain, with depth, of one domain. */
START_TEST(test_special)
{
	setup();
	ck_assert_int_eq(watch(k, "@introduceDomain", "t", NULL), 0);
	ck_assert_int_eq(watch(k, "@releaseDomain", "t", NULL), 0);
	ck_assert_int_eq(watch(k, "@releaseDomain", "d", "1"), 0);
	ck_assert_int_eq(watch(k, "@releaseDomain/2", "one", NULL), 0);
	while (fx_recv(fx, k, &msg))
		;
	fx_guest(fx, -k, 1);
	fx_guest(fx, -k, 2);
	/* Each came before the reply, which fx_guest() waited for. */
	QUIET(k);
	fx_dom_die(fx, 1);
	EVENT(k, "@releaseDomain");
	EVENT(k, "@releaseDomain/1");
	QUIET(k);
	/* At a shutdown the domain's own comes first. */
	fx->dom[2].shutdown = true;
	fx_virq(fx);
	EVENT(k, "@releaseDomain/2");
	EVENT(k, "@releaseDomain/2");
	EVENT(k, "@releaseDomain");
	QUIET(k);
	fx_virq(fx);
	QUIET(k);
	ck_assert_int_eq(ask(k, XS_OP_RELEASE, "2"), 0);
	QUIET(k);
	teardown();
}
END_TEST

/* B11: guests hear of the deaths of others only when they are allowed to. */
START_TEST(test_special_needs_permission)
{
	setup();
	fx_guest(fx, -k, 1);
	fx_guest(fx, -k, 2);
	fx_guest(fx, -k, 3);
	ck_assert_int_eq(watch(1, "@releaseDomain", "t", NULL), 0);
	EVENT(1, "@releaseDomain");
	fx_dom_die(fx, 2);
	QUIET(1);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "@releaseDomain\0n0\0r1"), 0);
	fx_dom_die(fx, 3);
	EVENT(1, "@releaseDomain");
	QUIET(1);
	teardown();
}
END_TEST

BH_CHECK_MAIN("watch", 20, BH_TEST(test_reply_then_first_event),
	BH_TEST(test_event_before_reply), BH_TEST(test_matching),
	BH_TEST(test_recursive_remove), BH_TEST(test_relative),
	BH_TEST(test_visibility), BH_TEST(test_unwatch), BH_TEST(test_reset),
	BH_TEST(test_bad_watches), BH_TEST(test_quota),
	BH_TEST(test_deep_watches_are_paid_for), BH_TEST(test_long_token),
	BH_TEST(test_reader_that_does_not_read),
	BH_TEST(test_visibility_below_new_parents),
	BH_LOOP(test_events_are_merged, 2),
	BH_TEST(test_begun_events_are_not_merged_with),
	BH_TEST(test_full_account), BH_TEST(test_special),
	BH_TEST(test_special_needs_permission))
