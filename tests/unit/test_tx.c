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
	BH_LOOP(test_owner_dies_before_the_commit, 3), BH_TEST(test_5000_reads))
