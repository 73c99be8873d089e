// SPDX-License-Identifier: MIT
/*
 * test_tx.c - transactions: what conflicts and what does not
 *
 * The conflict table is that of C xenstored, but for directories: creating
 * different children of one node never conflicts, as in no other daemon
 * without anomalies.
 */
#include <time.h>

#include "tests/unit/tx_fixture.h"

static uint64_t real_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

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

/* Counted on from the last one, and round: never 0, none that is open. */
START_TEST(test_ids_go_round)
{
	struct conn *conn;

	tx_setup();
	fx_guest(fx, -k, 1);
	conn = domain_find(fx->server, 1)->ring;
	ck_assert_uint_eq(begin(1), 1);
	ck_assert_uint_eq(begin(1), 2);
	conn->tx_last = UINT32_MAX - 1;
	ck_assert_uint_eq(begin(1), UINT32_MAX);
	ck_assert_uint_eq(begin(1), 3);
	OK(drop(1, UINT32_MAX));
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

/*
 * What conflicts, xenstore.md 5.1 and more.  Where C xenstored and ours
 * differ it is said; its reason is always that C keeps the names of the
 * children, the value and the permissions of a node in one record.
 */
static const struct conflict {
	const char *name;
	const char *before, *inside, *outside;
	int result;
	const char *after; /* what is there after a commit */
} conflicts[] = {
	{"read, written by others", "W/a=1", "R/a=1 W/b=1", "W/a=2", EAGAIN,
		NULL},
	{"blind write, lost update", "W/a=1", "W/a=3", "W/a=2", EAGAIN, NULL},
	/* C: EAGAIN */
	{"siblings created", "M/d", "W/d/x=1", "W/d/y=2", 0,
		"R/d/x=1 R/d/y=2 L/d=y,x,"},
	{"B16: read of a missing node", "", "N/y W/c=1", "W/y=1", EAGAIN, NULL},
	{"B16: a missing parent", "", "N/y/z/a W/c=1", "W/y/z=1", EAGAIN, NULL},
	{"read only", "W/a=1", "R/a=1", "W/a=2", EAGAIN, NULL},
	{"there and back", "W/a=1", "R/a=1 W/b=1", "W/a=2 W/a=1", EAGAIN, NULL},
	{"removed and created", "W/a=1", "R/a=1 W/b=1", "D/a W/a=1", EAGAIN,
		NULL},
	{"list, child added", "M/d", "L/d= W/b=1", "W/d/x=1", EAGAIN, NULL},
	{"list, child removed", "M/d/x", "L/d=x, W/b=1", "D/d/x", EAGAIN, NULL},
	/* C: EAGAIN for the last two */
	{"list, child written", "M/d/x", "L/d=x, W/b=1", "W/d/x=1", 0,
		"R/d/x=1 R/b=1"},
	{"list, written itself", "M/d/x", "L/d=x, W/b=1", "W/d=1", 0,
		"R/d=1 R/b=1"},
	{"list, permissions", "M/d", "L/d= W/b=1", "P/d=n0,r1", EAGAIN, NULL},
	{"rm, child added", "M/d/x", "D/d", "W/d/y=1", EAGAIN, NULL},
	{"rm, child written", "M/d/x/y", "D/d", "W/d/x/y=1", EAGAIN, NULL},
	{"rm, permissions below", "M/d/x/y", "D/d", "P/d/x/y=n0,r1", EAGAIN,
		NULL},
	{"rm, removed below", "M/d/x/y", "D/d", "D/d/x/y", EAGAIN, NULL},
	{"rm of both", "M/d/x", "D/d/x", "D/d/x", EAGAIN, NULL},
	/* C: EAGAIN */
	{"rm, sibling", "M/d/x M/d/y", "D/d/x", "D/d/y W/d/z=1", 0, "L/d=z,"},
	{"rm of nothing, created", "M/d", "D/d/x W/b=1", "W/d/x=1", EAGAIN,
		NULL},
	/* C: EAGAIN */
	{"permissions, written by others", "W/a=1", "P/a=n0,r1", "W/a=2", 0,
		"R/a=2"},
	{"permissions by both", "W/a=1", "P/a=n0,r1", "P/a=n0,r2", EAGAIN,
		NULL},
	{"written, permissions by others", "W/a=1", "W/a=2", "P/a=n0,r2",
		EAGAIN, NULL},
	/* C: EAGAIN */
	{"get_perms, written", "W/a=1", "G/a W/b=1", "W/a=2", 0, "R/a=2 R/b=1"},
	{"get_perms, permissions", "W/a=1", "G/a W/b=1", "P/a=n0,w3", EAGAIN,
		NULL},
	{"unrelated", "W/a=1 M/e", "R/a=1 W/b=1", "W/c=1 W/e=1", 0,
		"R/b=1 R/c=1 R/e=1"},
	{"created by both", "M/d", "W/d/x=1", "W/d/x=1", EAGAIN, NULL},
	{"created where permissions change", "M/d", "W/d/x=1", "P/d=n0,w3",
		EAGAIN, NULL},
	{"created where the parent goes", "M/d", "W/d/x=1", "D/d", EAGAIN,
		NULL},
	{"deep, the top created by others", "M/d", "W/d/x/y/z=1", "M/d/x",
		EAGAIN, NULL},
	{"parent written", "M/d", "W/d=1", "W/d/x=1", 0, "R/d=1 R/d/x=1"},
	/* C: EAGAIN */
	{"mkdir of what is there", "M/d", "M/d W/b=1", "W/d=1", 0, "R/b=1"},
	{"mkdir of what goes", "M/d", "M/d W/b=1", "D/d", EAGAIN, NULL},
	{"created and removed", "", "W/x=1 D/x W/b=1", "W/c=1", 0,
		"N/x R/b=1 R/c=1"},
	{"created and removed, by others too", "", "W/x=1 D/x W/b=1", "W/x=1",
		EAGAIN, NULL},
	{"replaced", "W/d/x=1 W/d/y=1", "D/d W/d/y/z=2 W/d/y=3", "W/c=1", 0,
		"L/d=y, R/d/y/z=2 R/d/y=3 N/d/x"},
	{"read before the parents are there", "", "N/a/b/c W/a/b/c=1 W/a/b=2",
		"W/c=1", 0, "R/a/b/c=1 R/a/b=2 R/a="},
	{"below what is replaced", "W/d/x=1", "R/d/x=1 D/d W/d/x=2 W/d/n=3",
		"W/c=1", 0, "R/d/x=2 R/d/n=3 R/d="},
	{"removed twice", "W/d/x/y=1", "D/d/x D/d W/d=2", "W/c=1", 0,
		"R/d=2 L/d="},
	{"removed, back and removed", "W/d/x=1", "D/d W/d/x=2 D/d/x", "W/c=1",
		0, "L/d="},
	{"all of a node", "W/a=1", "W/a=2 P/a=n0,r1 W/a=3", "W/c=1", 0,
		"R/a=3"},
	{"the root", "", "W/=1 P/=n0,r1", "W/c=1", 0, "R/=1"},
	{"order of creation", "M/d",
		"N/d/c N/d/b N/d/a W/d/a=1 W/d/b=1 W/d/c=1 D/d/b W/d/b=2 "
		"L/d=a,c,b,",
		"W/c=1", 0, "L/d=a,c,b,"},
	{"parents stay", "", "W/a/b/c=1 D/a/b/c", "W/c=1", 0, "L/a=b, L/a/b="},
};

START_TEST(test_conflicts)
{
	const struct conflict *c = &conflicts[_i];
	uint32_t tx;
	int r;

	tx_setup();
	steps(k, 0, c->before);
	tx = begin(k);
	steps(k, tx, c->inside);
	steps(k2, 0, c->outside);
	r = commit(k, tx);
	ck_assert_msg(r == c->result, "%s: %d", c->name, r);
	IS(commit(k, tx), ENOENT);
	if (!r)
		steps(k2, 0, c->after);
	tx_teardown();
}
END_TEST

/* The same without anybody else: never a conflict, and the same result. */
START_TEST(test_no_conflicts_alone)
{
	const struct conflict *c = &conflicts[_i];
	uint32_t tx;

	tx_setup();
	steps(k, 0, c->before);
	tx = begin(k);
	steps(k, tx, c->inside);
	OK(commit(k, tx));
	tx_check();
	/* what others do goes on as if it had been done outside */
	steps(k2, 0, "D/tool W/tool/x=1 R/tool/x=1");
	tx_teardown();
}
END_TEST

/* A refusal is an answer, too: it must still be right at the commit. */
START_TEST(test_B16_refusals)
{
	static const struct {
		const char *inside, *outside;
		int result;
	} rows[] = {
		{"X/d/x W/own/a=1", "P/d/x=n0,r1", EAGAIN},
		{"X/d/y W/own/a=1", "P/d=n0,b1", EAGAIN},
		{"X/d/y W/own/a=1", "W/d/y=1 P/d/y=n0,r1", EAGAIN},
		{"X/d/y/z W/own/a=1", "W/d/y=1 P/d/y=n0,r1", EAGAIN},
		/* no conflict tells what comes and goes out of its sight */
		{"X/d/y W/own/a=1", "W/d/y=1", 0},
		{"X/d/x W/own/a=1", "D/d/x", 0},
		{"X/d/x W/own/a=1", "P/d/x=n0,r2", 0},
		{"X/d/y W/own/a=1", "P/d=n0,r2", 0},
		{"X/d/x W/own/a=1", "W/d/x=2", 0},
		{"X/d/x W/own/a=1", "W/d/z=2", 0},
		{"N/own/y W/own/a=1", "W/own/y=1", EAGAIN},
		{"N/own/y W/own/a=1", "P/own=n1,r2", EAGAIN},
		/* decided by what is nearest after its own removal */
		{"D/own/old N/own/old/x", "P/own=n1,r2", EAGAIN},
	};
	uint32_t tx;

	tx_setup();
	fx_guest(fx, -k, 1);
	steps(k, 0,
		"W/d/x=1 P/d=n0 P/d/x=n0 M/own P/own=n1 "
		"M/own/old");
	tx = begin(1);
	steps(1, tx, rows[_i].inside);
	steps(k, 0, rows[_i].outside);
	IS(commit(1, tx), rows[_i].result);
	tx_teardown();
}
END_TEST

/* The pattern of every device that comes: nobody loses. */
START_TEST(test_eight_siblings_all_commit)
{
	int who[8];
	uint32_t tx[8];

	tx_setup();
	steps(k, 0, "M/backend/vif");
	for (int i = 0; i < 8; i++) {
		who[i] = -fx_client(fx);
		tx[i] = begin(who[i]);
	}
	for (int i = 0; i < 8; i++) {
		char list[128];

		snprintf(list, sizeof(list),
			"W/backend/vif/%d/state=1 W/backend/vif/%d/mac=x "
			"P/backend/vif/%d=n0,r1",
			i, i, i);
		steps(who[i], tx[i], list);
	}
	for (int i = 0; i < 8; i++)
		OK(commit(who[i], tx[i]));
	steps(k, 0, "L/backend/vif=0,1,2,3,4,5,6,7, R/backend/vif/7/state=1");
	for (int i = 0; i < 8; i++)
		close(-who[i]);
	tx_teardown();
}
END_TEST

START_TEST(test_events)
{
	uint32_t tx;

	tx_setup();
	steps(k, 0, "W/a=1 W/b=1 W/z/y/x=1");
	OK(watch(k2, "/"));
	OK(watch(k2, "/z/y/x"));
	tx = begin(k);
	/* first access: b, new, a */
	steps(k, tx, "R/b=1 W/new/deep=1 W/a=1 W/b=2 W/b=3 W/t=1 D/t M/a");
	EVENTS(k2, "");
	OK(commit(k, tx));
	EVENTS(k2, "/b /new/deep /a");
	tx = begin(k);
	steps(k, tx, "W/b=4 D/z");
	OK(drop(k, tx));
	tx = begin(k);
	steps(k, tx, "R/b=3 W/a=1 D/z");
	steps(k, 0, "W/b=5");
	EVENTS(k2, "/b");
	IS(commit(k, tx), EAGAIN);
	EVENTS(k2, "");
	/* Of a tree that goes, watches below hear of their own node only; in
	 * the order in which C xenstored looks at the nodes. */
	OK(watch(k2, "/z/y"));
	tx = begin(k);
	steps(k, tx, "D/z");
	OK(commit(k, tx));
	EVENTS(k2, "/z /z/y /z/y/x");
	tx_teardown();
}
END_TEST

START_TEST(test_events_of_replaced_trees)
{
	uint32_t tx;

	tx_setup();
	steps(k, 0, "W/d/x=1 W/d/y=1 W/e/x/y=1");
	OK(watch(k2, "/d/x"));
	OK(watch(k2, "/d/y"));
	OK(watch(k2, "/e/x/y"));
	OK(watch(k2, "/e/x"));
	tx = begin(k);
	steps(k, tx, "D/d W/d/y=2 D/e/x D/e");
	OK(commit(k, tx));
	/* y: once, since it is there; x/y once though it went twice */
	EVENTS(k2, "/d/x /d/y /e/x /e/x/y");
	tx_teardown();
}
END_TEST

/* B13: xenstore.md 4.3, as seen by guest 1, inside as outside. */
static const struct {
	const char *name, *before, *change, *events;
} views[] = {
	{"write, unreadable", "", "W/p/x=2", ""},
	{"write, readable", "P/p/x=n0,r1", "W/p/x=2", "/p/x"},
	{"write, parent readable", "P/p=n0,r1", "W/p/x=2", "/p/x"},
	{"grant", "", "P/p/x=n0,r1", "/p/x"},
	{"revoke", "P/p/x=n0,r1", "P/p/x=n0", "/p/x"},
	{"permissions, unreadable", "", "P/p/x=n0,r2", ""},
	{"permissions, parent readable", "P/p=n0,r1", "P/p/x=n0,r2", "/p/x"},
	{"rm, readable", "P/p/x=n0,r1", "D/p/x", "/p/x"},
	{"rm, parent readable", "P/p=n0,r1", "D/p/x", "/p/x"},
	{"rm, unreadable", "", "D/p/x", ""},
	{"rm of the parent", "P/p=n0,r1 P/p/x=n0,r1", "D/p", "/p/x /p"},
	{"rm of an unreadable parent", "P/p/x=n0,r1", "D/p", "/p/x"},
	{"create, unreadable", "", "W/p/n=1", ""},
	{"create, inherits", "P/p=n0,r1", "W/p/n=1", "/p/n"},
	{"create, deep", "P/p=n0,r1", "W/p/n/m=1", "/p/n/m"},
	{"grandparent readable", "P/=n0,r1", "W/p/x=2", ""},
};

START_TEST(test_B13_inside_as_outside)
{
	for (int inside = 0; inside < 3; inside++) {
		uint32_t tx = 0;
		const char *got;

		tx_setup();
		fx_guest(fx, -k, 1);
		steps(k, 0, "W/p/x=1 P/=n0 P/p=n0 P/p/x=n0");
		steps(k, 0, views[_i].before);
		OK(watch(1, "/"));
		OK(watch(1, "/p/x"));
		if (inside)
			tx = begin(k);
		steps(k, tx, views[_i].change);
		/* the second time on a root that has moved */
		if (inside == 2)
			steps(k2, 0, "W/tool/xenstored=1");
		if (inside)
			OK(commit(k, tx));
		/* each watch has its own: the one on / and the exact one */
		got = events(1);
		ck_assert_msg(!!*got == !!*views[_i].events, "%s, %d: %s",
			views[_i].name, inside, got);
		for (const char *p = views[_i].events; *p;) {
			char one[32];
			size_t n = strcspn(p, " ");

			snprintf(one, sizeof(one), "%.*s", (int)n, p);
			ck_assert_msg(strstr(got, one) != NULL, "%s, %d: %s",
				views[_i].name, inside, got);
			p += n + (p[n] == ' ');
		}
		tx_teardown();
	}
}
END_TEST

/*
 * Exactly the same events, in the same order, for one change at a time.  But
 * of a tree that is removed a transaction tells from the top.
 */
START_TEST(test_B13_same_order)
{
	static const char leaf_first[] = "/p/x /p /p";
	char outside[256];

	for (int inside = 0; inside < 3; inside++) {
		uint32_t tx = 0;

		tx_setup();
		fx_guest(fx, -k, 1);
		steps(k, 0, "W/p/x=1 P/=n0 P/p=n0 P/p/x=n0");
		steps(k, 0, views[_i].before);
		OK(watch(1, "/p/x"));
		OK(watch(1, "/"));
		OK(watch(1, "/p"));
		if (inside)
			tx = begin(k);
		steps(k, tx, views[_i].change);
		if (inside == 2)
			steps(k2, 0, "W/tool/xenstored=1");
		if (inside) {
			OK(commit(k, tx));
			EVENTS(1, outside);
		} else {
			snprintf(outside, sizeof(outside), "%s", events(1));
			if (!strcmp(views[_i].change, "D/p") &&
				!strcmp(outside, leaf_first))
				strcpy(outside, "/p /p /p/x");
		}
		tx_teardown();
	}
}
END_TEST

/* Within one transaction the watcher may lose sight, and gain it. */
START_TEST(test_B13_revoke_and_write)
{
	uint32_t tx;

	tx_setup();
	fx_guest(fx, -k, 1);
	steps(k, 0, "W/p/x=1 W/p/y=1 P/=n0 P/p=n0 P/p/x=n0,r1 P/p/y=n0");
	OK(watch(1, "/p"));
	tx = begin(k);
	steps(k, tx, "P/p/x=n0 W/p/x=secret W/p/y=2 P/p/y=n0,r1");
	OK(commit(k, tx));
	EVENTS(1, "/p/x /p/y");
	steps(k, 0, "W/p/x=3");
	EVENTS(1, "");
	tx_teardown();
}
END_TEST

START_TEST(test_xsa_415)
{
	struct domain *d;
	uint32_t tx;

	tx_setup();
	fx_guest(fx, -k, 1);
	steps(k, 0, "M/own P/own=n1");
	d = domain_find(fx->server, 1);
	domain_limit_set(d, QUOTA_NODES, 4);
	tx = begin(1);
	steps(1, tx, "W/own/a=1");
	/* B5: own, a and three more are too many; nothing of it happens */
	IS(put(1, tx, "/own/b/c/d", "1"), ENOSPC);
	steps(1, tx, "N/own/b L/own=a,");
	steps(1, tx, "W/own/c=2");
	OK(commit(1, tx));
	steps(k, 0, "L/own=a,c, R/own/c=2");
	ck_assert_uint_eq(d->account[DOMAIN_NODES].used, 3);
	tx_teardown();
}
END_TEST

/* B5, B8: exactly N, whether it is reached inside, outside or both. */
START_TEST(test_B8_nodes)
{
	struct domain *d;
	uint32_t tx;

	tx_setup();
	fx_guest(fx, -k, 1);
	steps(k, 0, "M/own P/own=n1");
	d = domain_find(fx->server, 1);
	domain_limit_set(d, QUOTA_NODES, 5);
	tx = begin(1);
	steps(1, tx, "W/own/a/b=1 W/own/c/d=1");
	IS(put(1, tx, "/own/e", "1"), ENOSPC);
	/* what is removed makes room, and is not counted twice */
	steps(1, tx, "D/own/a W/own/e/f=1");
	IS(put(1, tx, "/own/g", "1"), ENOSPC);
	OK(commit(1, tx));
	ck_assert_uint_eq(d->account[DOMAIN_NODES].used, 5);
	/* somebody else's removal made no room inside, their creation does */
	steps(1, 0, "D/own/e");
	tx = begin(1);
	steps(1, tx, "W/own/e/f=1");
	steps(1, 0, "W/own/h=1");
	IS(commit(1, tx), ENOSPC);
	IS(commit(1, tx), ENOENT);
	steps(1, 0, "N/own/e R/own/h=1");
	ck_assert_uint_eq(d->account[DOMAIN_NODES].used, 4);
	tx_teardown();
}
END_TEST

START_TEST(test_xsa_421)
{
	uint32_t tx;

	tx_setup();
	fx_guest(fx, -k, 1);
	steps(k, 0, "M/own P/own=n1");
	OK(watch(k2, "/own"));
	tx = begin(1);
	steps(1, tx, "W/own/a=1 D/own/a W/own/b=1");
	OK(commit(1, tx));
	steps(k, 0, "N/own/a R/own/b=1");
	EVENTS(k2, "/own/b");
	ck_assert_uint_eq(
		domain_find(fx->server, 1)->account[DOMAIN_NODES].used, 2);
	tx_teardown();
}
END_TEST

START_TEST(test_xsa_440)
{
	char path[32];
	uint32_t a, b;

	tx_setup();
	fx_guest(fx, -k, 1);
	steps(k, 0, "M/own P/own=n1");
	for (int i = 0; i < 50; i++) {
		snprintf(path, sizeof(path), "/own/%d", i);
		OK(put(1, 0, path, "x"));
	}
	a = begin(1);
	b = begin(1);
	for (int i = 0; i < 50; i++) {
		snprintf(path, sizeof(path), "/own/%d", i);
		OK(RM(1, a, path));
		OK(RM(1, b, path));
	}
	OK(commit(1, a));
	IS(commit(1, b), EAGAIN);
	ck_assert_uint_eq(
		domain_find(fx->server, 1)->account[DOMAIN_NODES].used, 1);
	tx_teardown();
}
END_TEST

START_TEST(test_xsa_484)
{
	uint32_t a, b;

	tx_setup();
	OK(watch(k, "/x"));
	a = begin(k);
	b = begin(k);
	steps(k, a, "W/x=1");
	steps(k, b, "W/x=1");
	OK(ask(k, a, XS_OP_RESET_WATCHES, ""));
	ck_assert_uint_eq(msg.hdr.tx_id, a);
	ck_assert_uint_eq(msg.hdr.type, XS_OP_RESET_WATCHES);
	IS(commit(k, a), ENOENT);
	IS(commit(k, b), ENOENT);
	steps(k, 0, "N/x W/x=2");
	EVENTS(k, "");
	OK(drop(k, begin(k)));
	tx_teardown();
}
END_TEST

/* B8: a limit of N allows exactly N. */
START_TEST(test_limits)
{
	struct domain *d;
	uint32_t tx[11];
	char path[32];

	tx_setup();
	fx_guest(fx, -k, 1);
	steps(k, 0, "M/own P/own=n1");
	d = domain_find(fx->server, 1);
	for (int i = 0; i < 10; i++)
		tx[i] = begin(1);
	IS(ask(1, 0, XS_OP_TRANSACTION_START, ""), ENOSPC);
	OK(drop(1, tx[4]));
	tx[4] = begin(1);
	IS(ask(1, 0, XS_OP_TRANSACTION_START, ""), ENOSPC);
	domain_limit_set(d, QUOTA_TX_NODES, 20);
	steps(1, tx[0], "L/own=");
	for (int i = 0; i < 19; i++) {
		snprintf(path, sizeof(path), "/own/%d", i);
		OK(put(1, tx[0], path, "x"));
	}
	IS(put(1, tx[0], "/own/19", "x"), ENOSPC);
	IS(GET(1, tx[0], "/own/19"), ENOSPC);
	IS(LIST(1, tx[0], "/tool"), ENOSPC);
	/* a known place is none more, and what failed has left nothing */
	OK(put(1, tx[0], "/own/3", "y"));
	steps(1, tx[0], "D/own/0");
	OK(commit(1, tx[0]));
	steps(1, 0, "R/own/3=y N/own/19");
	ck_assert_uint_eq(d->account[DOMAIN_NODES].used, 19);
	/* the privileged domain has no such limit */
	tx[10] = begin(k);
	for (int i = 0; i < 2000; i++) {
		snprintf(path, sizeof(path), "/many/%d", i);
		OK(put(k, tx[10], path, "x"));
	}
	OK(commit(k, tx[10]));
	tx_teardown();
}
END_TEST

/* What transactions hold is on the guest's bill, and comes back. */
START_TEST(test_memory)
{
	static char value[1500];
	struct domain *d;
	size_t before, used;
	uint32_t tx;

	tx_setup();
	fx_guest(fx, -k, 1);
	steps(k, 0, "M/own P/own=n1");
	steps(1, 0, "W/own/a=1");
	d = domain_find(fx->server, 1);
	memset(value, 'v', sizeof(value) - 1);
	before = d->account[DOMAIN_MEMORY].used;
	tx = begin(1);
	ck_assert_uint_gt(d->account[DOMAIN_MEMORY].used, before);
	OK(put(1, tx, "/own/a", value));
	used = d->account[DOMAIN_MEMORY].used;
	ck_assert_uint_gt(used, before + sizeof(value));
	/* again is not more */
	OK(put(1, tx, "/own/a", value));
	ck_assert_uint_eq(d->account[DOMAIN_MEMORY].used, used);
	d->account[DOMAIN_MEMORY].limit = used + 1000;
	IS(put(1, tx, "/own/b", value), ENOMEM);
	IS(ask(1, 0, XS_OP_TRANSACTION_START, ""), 0);
	d->account[DOMAIN_MEMORY].limit = d->account[DOMAIN_MEMORY].used;
	IS(ask(1, 0, XS_OP_TRANSACTION_START, ""), ENOMEM);
	steps(1, tx, "L/own=a,");
	OK(drop(1, tx));
	OK(drop(1, tx + 1));
	ck_assert_uint_eq(d->account[DOMAIN_MEMORY].used, before);
	tx_teardown();
}
END_TEST

/* INTRODUCE again, a violation, RELEASE, death: all drop what is open. */
START_TEST(test_ends_of_connections)
{
	const struct xsmsg_hdr too_long = {XS_OP_READ, 0, 0, 4097};
	uint8_t hdr[XSMSG_HDR_LEN];
	uint32_t tx;

	tx_setup();
	fx_guest(fx, -k, 1);
	steps(k, 0, "M/own P/own=n1");
	tx = begin(1);
	steps(1, tx, "W/own/a=1");
	OK(ask_raw(k, 0, XS_OP_INTRODUCE, "1\0001\0005", 6));
	fx_settle(fx);
	/* a new ring, as the client's side of a domain that starts over */
	xsring_attach(&fx->dom[1].ring, fx->dom[1].page, XSRING_CLIENT);
	IS(GET(1, tx, "/own"), ENOENT);
	tx = begin(1);
	steps(1, tx, "W/own/a=1");
	switch (_i) {
	case 0:
		xsmsg_hdr_emit(hdr, &too_long);
		fx_send_bytes(fx, 1, hdr, sizeof(hdr));
		break;
	case 1: OK(ask(k, 0, XS_OP_RELEASE, "1")); break;
	default: fx_dom_die(fx, 1);
	}
	fx_settle(fx);
	ck_assert(TAILQ_EMPTY(&fx->server->txs.by_age));
	IS(GET(k, 0, "/own/a"), ENOENT);
	tx_teardown();
}
END_TEST

/* Who is to own what comes may be gone by then. */
START_TEST(test_owner_dies_before_the_commit)
{
	uint32_t tx;

	tx_setup();
	fx_guest(fx, -k, 1);
	steps(k, 0, "W/a=1");
	tx = begin(k);
	steps(k, tx, "P/a=n1 W/a/b=1");
	if (_i)
		steps(k, tx, "D/a W/c=1");
	fx_dom_die(fx, 1);
	if (_i > 1)
		fx_guest(fx, -k, 1);
	/* with the node gone again it does not matter */
	IS(commit(k, tx), _i ? 0 : EAGAIN);
	tx_teardown();
}
END_TEST

START_TEST(test_age)
{
	struct domain *d;
	size_t before;
	uint32_t tx, young;

	tx_setup();
	fx_guest(fx, -k, 1);
	steps(k, 0, "M/own P/own=n1");
	steps(1, 0, "W/own/a=1");
	d = domain_find(fx->server, 1);
	domain_limit_set(d, QUOTA_TX_AGE, 60);
	before = d->account[DOMAIN_MEMORY].used;
	tx = begin(1);
	steps(1, tx, "R/own/a=1 W/own/b=1");
	fake_us += 59 * 1000 * 1000;
	txs_age_changed(fx->server);
	young = begin(1);
	steps(1, 0, "W/own/a=2");
	/* not yet */
	steps(1, tx, "R/own/a=1 R/own/b=1");
	fake_us += 1000 * 1000;
	txs_age_changed(fx->server);
	fx_turn(fx);
	/* lapsed: the store as it is, nothing is written, a conflict */
	steps(1, tx,
		"R/own/a=2 N/own/b W/own/c=1 D/own/a P/own/a=n1,r2 M/own/d");
	steps(1, 0, "R/own/a=2 N/own/c N/own/d");
	ck_assert_uint_lt(d->account[DOMAIN_MEMORY].used, before + 1000);
	IS(commit(1, tx), EAGAIN);
	IS(commit(1, tx), ENOENT);
	/* who is that slow has no turn for it */
	ck_assert_uint_eq(d->ring->turn.lost, 0);
	steps(1, young, "R/own/a=1");
	IS(commit(1, young), EAGAIN);
	/* the privileged domain's do not age */
	tx = begin(k);
	fake_us += 3600ull * 1000 * 1000;
	txs_age_changed(fx->server);
	fx_turn(fx);
	steps(k, tx, "R/own/a=2 W/own/a=3");
	OK(commit(k, tx));
	ck_assert_uint_eq(d->account[DOMAIN_MEMORY].used, before);
	tx_teardown();
}
END_TEST

/* The timer of the loop does it without anybody's request. */
START_TEST(test_age_timer)
{
	uint32_t tx;

	tx_setup();
	fx->server->txs.now = real_now;
	fx_guest(fx, -k, 1);
	steps(k, 0, "M/own P/own=n1");
	domain_limit_set(domain_find(fx->server, 1), QUOTA_TX_AGE, 1);
	tx = begin(1);
	steps(1, tx, "W/own/a=1 R/own/a=1");
	usleep(1100 * 1000);
	fx_turn(fx);
	ck_assert(TAILQ_EMPTY(&fx->server->txs.by_age));
	steps(1, tx, "N/own/a");
	IS(commit(1, tx), EAGAIN);
	tx_teardown();
}
END_TEST

/* The values on the way to what is written are copied, and paid for. */
START_TEST(test_copies_are_charged)
{
	enum { LEVELS = 20, SIZE = 2000 };
	char path[3 * LEVELS + 16] = "/own", value[SIZE + 1];
	const struct account *memory;
	size_t before;
	uint32_t tx;

	tx_setup();
	fx_guest(fx, -k, 1);
	steps(k, 0, "M/own P/own=n1");
	memset(value, 'v', SIZE);
	value[SIZE] = '\0';
	for (int i = 0; i < LEVELS; i++) {
		strcat(path, "/a");
		OK(put(1, 0, path, value));
	}
	memory = &domain_find(fx->server, 1)->account[DOMAIN_MEMORY];
	before = memory->used;
	tx = begin(1);
	strcat(path, "/b");
	OK(put(1, tx, path, "1"));
	ck_assert_uint_ge(memory->used, before + LEVELS * SIZE);
	/* over the limit by what was copied: nothing more of its own */
	domain_limit_set(domain_find(fx->server, 1), QUOTA_MEMORY, before);
	strcat(path, "b");
	IS(put(1, tx, path, "1"), ENOMEM);
	domain_limit_set(
		domain_find(fx->server, 1), QUOTA_MEMORY, QUOTA_UNLIMITED);
	OK(commit(1, tx));
	ck_assert_uint_lt(memory->used, before + 1000);
	tx_teardown();
}
END_TEST

/* A limit that comes later is also of those that are open. */
START_TEST(test_age_changes)
{
	uint32_t tx;

	tx_setup();
	fx_guest(fx, -k, 1);
	domain_limit_set(
		domain_find(fx->server, 1), QUOTA_TX_AGE, QUOTA_UNLIMITED);
	tx = begin(1);
	fake_us += 5 * 1000 * 1000;
	fx_settle(fx);
	ck_assert(!TAILQ_EMPTY(&fx->server->txs.by_age));
	OK(ask_raw(k, 0, XS_OP_SET_QUOTA, "1\0transaction-age\0004", 20));
	fx_settle(fx);
	ck_assert(TAILQ_EMPTY(&fx->server->txs.by_age));
	IS(commit(1, tx), EAGAIN);
	tx_teardown();
}
END_TEST

static size_t kept(void)
{
	return txs_old(fx->server) - fx->server->txs.forks;
}

static const char *large(void)
{
	static char text[2001];

	memset(text, 'v', sizeof(text) - 1);
	return text;
}

static bool is_open(int who, uint32_t id)
{
	return !tx_find(domain_find(fx->server, (uint64_t)who)->ring, id)
			->lapsed;
}

/* Old versions are bounded by what is kept, not only by time. */
START_TEST(test_versions)
{
	struct txs *txs;
	uint32_t tx, mine;

	tx_setup();
	txs = &fx->server->txs;
	fx_guest(fx, -k, 1);
	steps(k, 0, "M/own P/own=n1 W/a=1 W/b=1");
	ck_assert_uint_eq(kept(), 0);
	tx = begin(1);
	mine = begin(k);
	steps(1, tx, "W/own/a=1");
	ck_assert_uint_eq(kept(), 0);
	/* that version of the node, and of the root above it */
	steps(k, 0, "W/a=2");
	ck_assert_uint_eq(kept(), 2 * NODE_VERSION_COST + 1);
	/* nobody has the one that goes now */
	txs->kept_max = kept();
	steps(k, 0, "W/a=3");
	ck_assert_uint_eq(kept(), txs->kept_max);
	steps(1, tx, "R/own/a=1");
	steps(k, 0, "W/b=2");
	steps(1, tx, "N/own/a");
	ck_assert(!is_open(1, tx));
	IS(commit(1, tx), EAGAIN);
	/* that was not its fault */
	ck_assert_uint_eq(domain_find(fx->server, 1)->ring->turn.lost, 1);
	/* the privileged domain's never lapses */
	steps(k, mine, "R/a=1 R/b=1");
	ck_assert_uint_gt(kept(), txs->kept_max);
	OK(drop(k, mine));
	ck_assert_uint_eq(kept(), 0);
	/* one that begins now has as much again */
	tx = begin(1);
	steps(1, tx, "W/own/a=1");
	steps(k, 0, "W/a=4");
	OK(commit(1, tx));
	tx_teardown();
}
END_TEST

/* They are counted in bytes; those of forks are on other bills. */
START_TEST(test_versions_are_bytes)
{
	uint32_t tx, other;

	tx_setup();
	fx_guest(fx, -k, 1);
	OK(put(k, 0, "/a", large()));
	OK(put(k, 0, "/b", "1"));
	tx = begin(k);
	OK(put(k, tx, "/a/b", large()));
	OK(put(k, tx, "/a/b", "1"));
	OK(put(k, tx, "/a/c", large()));
	OK(RM(k, tx, "/a/b"));
	ck_assert_uint_eq(kept(), 0);
	ck_assert_uint_gt(fx->server->txs.forks, 2 * strlen(large()));
	tx_check();
	/* moved to another root by its commit, which others watch */
	other = begin(1);
	OK(put(k, 0, "/b", "2"));
	tx_check();
	OK(commit(k, tx));
	tx_check();
	ck_assert_uint_eq(fx->server->txs.forks, 0);
	ck_assert_uint_ge(kept(), strlen(large()));
	OK(drop(1, other));
	ck_assert_uint_eq(kept(), 0);
	tx = begin(k);
	OK(RM(k, 0, "/a"));
	ck_assert_uint_ge(kept(), 2 * strlen(large()));
	OK(drop(k, tx));
	ck_assert_uint_eq(kept(), 0);
	tx_teardown();
}
END_TEST

/* Snapshots that come and go, of a tree that others change, keep nothing. */
START_TEST(test_versions_that_went)
{
	static const char deep[] = "/own/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o";
	uint32_t tx;

	tx_setup();
	fx_guest(fx, -k, 1);
	fx_guest(fx, -k, 2);
	steps(k, 0, "M/own P/own=n1 M/two P/two=n2");
	OK(MKDIR(1, 0, deep));
	fx->server->txs.kept_max = 50 * NODE_VERSION_COST;
	tx = begin(2);
	steps(2, tx, "W/two/a=1");
	for (int i = 0; i < 100; i++) {
		uint32_t theirs = begin(1);

		OK(put(1, 0, deep, "1"));
		OK(drop(1, theirs));
	}
	ck_assert(is_open(2, tx));
	OK(commit(2, tx));
	tx_teardown();
}
END_TEST

/* Let the most that is kept be a little less than it is. */
static void shed(void)
{
	fx->server->txs.kept_max = kept() - 1;
	txs_check(fx->server);
	fx_settle(fx);
}

/* Who has the most pays; of two with as many, the older one. */
START_TEST(test_versions_who_pays)
{
	uint32_t own, first, one, many[3], fresh[4];

	tx_setup();
	for (uint16_t i = 1; i <= 3; i++)
		fx_guest(fx, -k, i);
	OK(put(k, 0, "/a", large()));
	first = begin(3);
	OK(put(k, 0, "/a", large()));
	one = begin(2);
	OK(put(k, 0, "/a", large()));
	for (int i = 0; i < 3; i++) {
		many[i] = begin(1);
		OK(put(k, 0, "/a", large()));
	}
	/* these are of the current root, so they keep nothing */
	for (int i = 0; i < 4; i++)
		fresh[i] = begin(3);
	ck_assert_uint_eq(kept(), 5 * (2 * NODE_VERSION_COST + 2000));
	shed();
	ck_assert(!is_open(1, many[0]) && is_open(1, many[1]));
	shed();
	ck_assert(!is_open(1, many[1]) && is_open(1, many[2]));
	ck_assert(is_open(3, first));
	shed();
	ck_assert(!is_open(3, first) && is_open(2, one));
	shed();
	ck_assert(!is_open(2, one) && is_open(1, many[2]));
	shed();
	ck_assert(!is_open(1, many[2]));
	ck_assert_uint_eq(kept(), 0);
	/* nor when it is somebody else who cannot lose any */
	own = begin(k);
	for (int i = 0; i < 4; i++)
		OK(drop(3, fresh[i]));
	OK(put(k, 0, "/a", large()));
	for (int i = 0; i < 4; i++)
		fresh[i] = begin(3);
	shed();
	for (int i = 0; i < 4; i++)
		ck_assert(is_open(3, fresh[i]));
	OK(drop(k, own));
	/* until it is enough, by itself */
	for (int i = 0; i < 3; i++)
		OK(put(k, 0, i % 2 ? "/b" : "/a", large()));
	fx_settle(fx);
	for (int i = 0; i < 4; i++)
		ck_assert(!is_open(3, fresh[i]));
	fx_dom_die(fx, 3);
	tx_teardown();
}
END_TEST

enum { DEEP = 1400 };

/* /t with three times so many nodes, and with @remove gone again. */
static void send_trees(bool remove)
{
	char path[2 * DEEP + 16];
	int n = sprintf(path, "/t/0");

	for (int i = 0; i < DEEP; i++)
		n += sprintf(path + n, "/d");
	for (int i = 0; i < 3; i++) {
		path[3] = (char)('0' + i);
		fx_send(fx, k, XS_OP_MKDIR, 0, path, (size_t)n + 1);
	}
	if (remove)
		fx_send(fx, k, XS_OP_RM, 0, "/t", 3);
	for (int i = 0; i < 3 + remove; i++)
		ck_assert(fx_recv(fx, k, &msg) && msg.hdr.type != XS_OP_ERROR);
}

/* What only waits to be freed is nobody's; but not for ever. */
START_TEST(test_versions_wait)
{
	uint32_t tx;
	int turns = 0;

	tx_setup();
	fx_guest(fx, -k, 1);
	fx->server->txs.kept_max = 100 * NODE_VERSION_COST;
	steps(k, 0, "W/a=1");
	/* before it began does not count */
	for (int i = 0; i <= TX_WAIT_TURNS; i++)
		send_trees(true);
	tx = begin(1);
	send_trees(true);
	ck_assert_ptr_nonnull(fx->server->gone);
	ck_assert_uint_gt(kept(), fx->server->txs.kept_max);
	while (fx->server->gone)
		fx_turn(fx);
	fx_settle(fx);
	ck_assert(is_open(1, tx));
	ck_assert_uint_eq(fx->server->txs.waited, 0);
	for (int i = 0; is_open(1, tx) && i < 2 * TX_WAIT_TURNS; i++) {
		send_trees(true);
		ck_assert_ptr_nonnull(fx->server->gone);
		turns++;
	}
	ck_assert(!is_open(1, tx));
	ck_assert_int_ge(turns, 8);
	OK(drop(1, tx));
	while (fx->server->gone)
		fx_turn(fx);
	tx_teardown();
}
END_TEST

/* Whatever ends it, what it has kept is freed in parts. */
START_TEST(test_kept_goes_in_parts)
{
	uint32_t tx;

	tx_setup();
	fx_guest(fx, -k, 1);
	steps(k, 0, "M/own P/own=n1");
	send_trees(false);
	tx = begin(1);
	if (_i == 3)
		steps(1, tx, "W/own/a=1");
	OK(RM(k, 0, "/t"));
	while (fx->server->gone)
		fx_turn(fx);
	ck_assert_uint_gt(kept(), 3 * DEEP * NODE_VERSION_COST);
	switch (_i) {
	case 0: OK(drop(1, tx)); break;
	case 1:
		fake_us += 3600ull * 1000 * 1000;
		txs_age_changed(fx->server);
		fx_turn(fx);
		ck_assert(!is_open(1, tx));
		break;
	case 2:
		fx->server->txs.kept_max = 0;
		txs_check(fx->server);
		fx_turn(fx);
		ck_assert(!is_open(1, tx));
		break;
	default: OK(commit(1, tx));
	}
	ck_assert_ptr_nonnull(fx->server->gone);
	while (fx->server->gone)
		fx_turn(fx);
	ck_assert_uint_eq(kept(), 0);
	tx_check();
	/* in parts also when the server ends meanwhile */
	send_trees(false);
	tx = begin(k);
	OK(RM(k, 0, "/t"));
	while (fx->server->gone)
		fx_turn(fx);
	tx_teardown();
}
END_TEST

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double read_all(uint32_t tx, int nr)
{
	double from = seconds();
	char path[32];

	for (int i = 0; i < nr; i++) {
		snprintf(path, sizeof(path), "/many/%d", i);
		OK(GET(k, tx, path));
	}
	return seconds() - from;
}

/* Each read costs the same, however many there were. */
START_TEST(test_5000_reads)
{
	double inside = 1e9, outside = 1e9;
	char path[32];

	tx_setup();
	for (int i = 0; i < 5000; i++) {
		snprintf(path, sizeof(path), "/many/%d", i);
		OK(put(k, 0, path, "x"));
	}
	for (int i = 0; i < 3; i++) {
		uint32_t tx = begin(k);
		double in = read_all(tx, 5000), out = read_all(0, 5000);

		OK(commit(k, tx));
		inside = in < inside ? in : inside;
		outside = out < outside ? out : outside;
	}
	ck_assert_msg(
		inside < 3 * outside, "%f s, outside %f s", inside, outside);
	tx_teardown();
}
END_TEST

#define N(rows) ((int)ARRAY_LEN(rows))

BH_CHECK_MAIN("tx", 60, BH_TEST(test_life), BH_TEST(test_ids_go_round),
	BH_TEST(test_ids_and_ends), BH_LOOP(test_conflicts, N(conflicts)),
	BH_LOOP(test_no_conflicts_alone, N(conflicts)),
	BH_LOOP(test_B16_refusals, 13), BH_TEST(test_eight_siblings_all_commit),
	BH_TEST(test_events), BH_TEST(test_events_of_replaced_trees),
	BH_LOOP(test_B13_inside_as_outside, N(views)),
	BH_LOOP(test_B13_same_order, N(views)),
	BH_TEST(test_B13_revoke_and_write), BH_TEST(test_xsa_415),
	BH_TEST(test_B8_nodes), BH_TEST(test_xsa_421), BH_TEST(test_xsa_440),
	BH_TEST(test_xsa_484), BH_TEST(test_limits), BH_TEST(test_memory),
	BH_TEST(test_copies_are_charged), BH_LOOP(test_ends_of_connections, 3),
	BH_LOOP(test_owner_dies_before_the_commit, 3), BH_TEST(test_age),
	BH_TEST(test_age_timer), BH_TEST(test_age_changes),
	BH_TEST(test_versions), BH_TEST(test_versions_are_bytes),
	BH_TEST(test_versions_that_went), BH_TEST(test_versions_who_pays),
	BH_TEST(test_versions_wait), BH_LOOP(test_kept_goes_in_parts, 4),
	BH_TEST(test_5000_reads))
