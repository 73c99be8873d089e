// SPDX-License-Identifier: MIT
/* test_domain.c - domains come, shut down, die, and come again */
#include <event2/event.h>

#include "tests/unit/xs_case.h"

static void watch_release(void)
{
	ck_assert_int_eq(FX_ASK(fx, k, WATCH, "@releaseDomain\0t"), 0);
	while (fx_recv(fx, k, &msg))
		;
}

#define EVENT(path) ck_assert_str_eq(fx_event(fx, k), (path))
#define QUIET()     EVENT("")

START_TEST(test_introduce_arguments)
{
	setup();
	fx_dom_start(fx, 1);
	/* B12 */
	ck_assert_int_eq(FX_ASK(fx, k, INTRODUCE, "0\0001\0005"), EINVAL);
	ck_assert_int_eq(ask(k, XS_OP_RELEASE, "0"), EINVAL);
	ck_assert_int_eq(FX_ASK(fx, k, INTRODUCE, "1\0001\0000"), EINVAL);
	ck_assert_int_eq(FX_ASK(fx, k, INTRODUCE, "1\0001\000-1"), EINVAL);
	ck_assert_int_eq(
		FX_ASK(fx, k, INTRODUCE, "1\0001\0004294967301"), EINVAL);
	ck_assert_int_eq(FX_ASK(fx, k, INTRODUCE, "32752\0001\0005"), EINVAL);
	ck_assert_int_eq(FX_ASK(fx, k, INTRODUCE, "1\0x\0005"), EINVAL);
	ck_assert_int_eq(FX_ASK(fx, k, INTRODUCE, "\0001\0005"), EINVAL);
	ck_assert_int_eq(FX_ASK(fx, k, INTRODUCE, "1\0001"), EINVAL);
	/* No such domain, port, ring. */
	ck_assert_int_eq(FX_ASK(fx, k, INTRODUCE, "2\0001\0005"), ENOENT);
	ck_assert_int_eq(FX_ASK(fx, k, INTRODUCE, "1\0001\000666"), ENOENT);
	fx->dom[1].dying = true;
	ck_assert_int_eq(FX_ASK(fx, k, INTRODUCE, "1\0001\0005"), ENOENT);
	fx->dom[1].dying = false;
	fx->dom[1].no_ring = true;
	ck_assert_int_eq(FX_ASK(fx, k, INTRODUCE, "1\0001\0005"), ENOENT);
	ck_assert_uint_eq(fx->dom[1].port, 0);
	ck_assert_int_eq(ask(k, XS_OP_IS_DOMAIN_INTRODUCED, "1"), 0);
	ck_assert_str_eq(msg.data, "F");
	ck_assert_int_eq(ask(k, XS_OP_RELEASE, "1"), ENOENT);
	fx->dom[1].no_ring = false;
	ck_assert_int_eq(FX_ASK(fx, k, INTRODUCE, "1\0001\0005"), 0);
	ck_assert_int_eq(ask(k, XS_OP_IS_DOMAIN_INTRODUCED, "1"), 0);
	ck_assert_str_eq(msg.data, "T");
	ck_assert_int_eq(ask(k, XS_OP_IS_DOMAIN_INTRODUCED, "0"), 0);
	ck_assert_str_eq(msg.data, "T");
	ck_assert_int_eq(ask(k, XS_OP_IS_DOMAIN_INTRODUCED, "32752"), 0);
	ck_assert_str_eq(msg.data, "T");
	teardown();
}
END_TEST

START_TEST(test_domain_path_arguments)
{
	setup();
	ck_assert_int_eq(ask(k, XS_OP_GET_DOMAIN_PATH, "65535"), 0);
	ck_assert_str_eq(msg.data, "/local/domain/65535");
	ck_assert_uint_eq(msg.hdr.len, 20);
	ck_assert_int_eq(ask(k, XS_OP_GET_DOMAIN_PATH, "65536"), EINVAL);
	ck_assert_int_eq(ask(k, XS_OP_GET_DOMAIN_PATH, ""), EINVAL);
	ck_assert_int_eq(ask(k, XS_OP_GET_DOMAIN_PATH, "1x"), EINVAL);
	teardown();
}
END_TEST

/* Nodes first, then the one event; what is left is nothing. */
START_TEST(test_death)
{
	setup();
	fx_guest(fx, -k, 1);
	ck_assert_int_eq(ask(k, XS_OP_MKDIR, "/d/of1/below"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/d/of1\0n1"), 0);
	watch_release();
	ck_assert_int_eq(FX_ASK(fx, k, WATCH, "/d\0t"), 0);
	EVENT("/d");
	fx_virq(fx);
	QUIET();
	if (_i)
		fx->dom[1].dying = true;
	else
		fx->dom[1].exists = false;
	fx_virq(fx);
	EVENT("/d/of1");
	EVENT("@releaseDomain");
	QUIET();
	fx_virq(fx);
	QUIET();
	ck_assert_ptr_null(domain_find(fx->server, 1));
	ck_assert(!fx->dom[1].mapped && !fx->dom[1].port);
	ck_assert_int_eq(ask(k, XS_OP_READ, "/d/of1/below"), ENOENT);
	ck_assert_int_eq(ask(k, XS_OP_RELEASE, "1"), ENOENT);
	teardown();
}
END_TEST

/* The number is somebody else's before we were told of the death. */
START_TEST(test_same_number_other_domain)
{
	setup();
	fx_guest(fx, -k, 1);
	ck_assert_int_eq(ask(k, XS_OP_MKDIR, "/d"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/d\0n1"), 0);
	watch_release();
	fx_dom_start(fx, 1);
	if (_i) {
		fx_virq(fx);
		EVENT("@releaseDomain");
		ck_assert_int_eq(FX_ASK(fx, k, INTRODUCE, "1\0001\0005"), 0);
	} else {
		fx_send(fx, k, XS_OP_INTRODUCE, 0, "1\0001\0005", 6);
		EVENT("@releaseDomain");
		ck_assert(fx_recv(fx, k, &msg));
		ck_assert_uint_eq(msg.hdr.type, XS_OP_INTRODUCE);
	}
	ck_assert_int_eq(ask(k, XS_OP_READ, "/d"), ENOENT);
	ck_assert_int_eq(ask(1, XS_OP_READ, "/d"), EACCES);
	QUIET();
	teardown();
}
END_TEST

START_TEST(test_shutdown_then_death)
{
	setup();
	fx_guest(fx, -k, 1);
	watch_release();
	fx->dom[1].shutdown = true;
	fx_virq(fx);
	EVENT("@releaseDomain");
	fx_virq(fx);
	QUIET();
	/* It is still there, and answered. */
	ck_assert_int_eq(ask(1, XS_OP_GET_DOMAIN_PATH, "1"), 0);
	fx_dom_die(fx, 1);
	EVENT("@releaseDomain");
	QUIET();
	teardown();
}
END_TEST

/* RELEASE lets go at once; the death that follows is nobody's. */
START_TEST(test_release)
{
	setup();
	fx_guest(fx, -k, 1);
	fx_guest(fx, -k, 2);
	watch_release();
	/* XSA-425: with input pending on both, in both orders. */
	fx_send(fx, 1, XS_OP_READ, 0, "/", 2);
	fx_send(fx, 2, XS_OP_READ, 0, "/", 2);
	fx_send(fx, k, XS_OP_RELEASE, 0, _i ? "1" : "2", 2);
	fx_settle(fx);
	EVENT("@releaseDomain");
	ck_assert(fx_recv(fx, k, &msg));
	ck_assert_uint_eq(msg.hdr.type, XS_OP_RELEASE);
	fx_dom_die(fx, _i ? 1 : 2);
	QUIET();
	ck_assert(fx_recv(fx, _i ? 2 : 1, &msg));
	ck_assert_int_eq(ask(_i ? 2 : 1, XS_OP_GET_DOMAIN_PATH, "1"), 0);
	teardown();
}
END_TEST

/* Several at once, those named in ACLs only among them. */
START_TEST(test_many_die_at_once)
{
	setup();
	for (uint16_t i = 1; i <= 5; i++)
		fx_guest(fx, -k, i);
	fx_dom_start(fx, 6);
	ck_assert_int_eq(ask(k, XS_OP_MKDIR, "/d"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/d\0n0\0r6\0r7"), 0);
	ck_assert_ptr_nonnull(domain_find(fx->server, 6));
	ck_assert_ptr_null(domain_find(fx->server, 7));
	watch_release();
	for (int i = 1; i <= 6; i++)
		fx->dom[i].exists = i == 3;
	fx_virq(fx);
	for (int i = 0; i < 4; i++)
		EVENT("@releaseDomain");
	QUIET();
	ck_assert_ptr_null(domain_find(fx->server, 6));
	ck_assert_ptr_nonnull(domain_find(fx->server, 3));
	teardown();
}
END_TEST

/* A hypervisor that does not answer kills nobody. */
START_TEST(test_failed_scan)
{
	setup();
	fx_guest(fx, -k, 1);
	watch_release();
	fx->domains_error = -EIO;
	fx_virq(fx);
	QUIET();
	ck_assert_int_eq(ask(1, XS_OP_GET_DOMAIN_PATH, "1"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, INTRODUCE, "2\0001\0005"), EIO);
	fx->domains_error = 0;
	fx_dom_die(fx, 1);
	EVENT("@releaseDomain");
	teardown();
}
END_TEST

/* A death that could not be looked at is looked at again. */
START_TEST(test_failed_scan_is_repeated)
{
	struct event *later;

	setup();
	fx_guest(fx, -k, 1);
	watch_release();
	later = fx->server->domains_later;
	ck_assert(!event_pending(later, EV_TIMEOUT, NULL));
	fx->domains_error = -EIO;
	fx_dom_die(fx, 1);
	QUIET();
	fx->domains_error = 0;
	ck_assert(event_pending(later, EV_TIMEOUT, NULL));
	event_active(later, EV_TIMEOUT, 0);
	fx_settle(fx);
	EVENT("@releaseDomain");
	ck_assert(!event_pending(later, EV_TIMEOUT, NULL));
	teardown();
}
END_TEST

/* After RESUME a shutdown is told again. */
START_TEST(test_resume)
{
	setup();
	fx_guest(fx, -k, 1);
	watch_release();
	fx->dom[1].shutdown = true;
	fx_virq(fx);
	EVENT("@releaseDomain");
	fx_virq(fx);
	QUIET();
	fx->dom[1].shutdown = false;
	ck_assert_int_eq(ask(k, XS_OP_RESUME, "1"), 0);
	fx_virq(fx);
	QUIET();
	fx->dom[1].shutdown = true;
	fx_virq(fx);
	EVENT("@releaseDomain");
	QUIET();
	ck_assert_int_eq(ask(k, XS_OP_RESUME, "2"), ENOENT);
	ck_assert_int_eq(ask(k, XS_OP_RESUME, "0"), EINVAL);
	ck_assert_int_eq(ask(k, XS_OP_RESUME, "1x"), EINVAL);
	ck_assert_int_eq(ask(1, XS_OP_RESUME, "1"), EACCES);
	teardown();
}
END_TEST

START_TEST(test_target_arguments)
{
	setup();
	fx_guest(fx, -k, 1);
	fx_guest(fx, -k, 2);
	fx_dom_start(fx, 3);
	ck_assert_int_eq(FX_ASK(fx, 2, SET_TARGET, "2\0001"), EACCES);
	ck_assert_int_eq(FX_ASK(fx, k, SET_TARGET, "2\0003"), ENOENT);
	ck_assert_int_eq(FX_ASK(fx, k, SET_TARGET, "3\0002"), ENOENT);
	ck_assert_int_eq(FX_ASK(fx, k, SET_TARGET, "2\0002"), EINVAL);
	/* Nobody gets the rights of the privileged domain. */
	ck_assert_int_eq(FX_ASK(fx, k, SET_TARGET, "2\0000"), EINVAL);
	ck_assert_int_eq(FX_ASK(fx, k, SET_TARGET, "0\0002"), EINVAL);
	ck_assert_int_eq(FX_ASK(fx, k, SET_TARGET, "2\0-1"), EINVAL);
	ck_assert_int_eq(FX_ASK(fx, k, SET_TARGET, "2\00001"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, SET_TARGET, "2"), EINVAL);
	teardown();
}
END_TEST

/* Nodes of 1, and one that names 1, which 2 may not touch. */
static void target_nodes(void)
{
	ck_assert_int_eq(ask(k, XS_OP_MKDIR, "/own"), 0);
	ck_assert_int_eq(ask(k, XS_OP_MKDIR, "/named"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/own\0n1"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/named\0n0\0r1"), 0);
}

START_TEST(test_target)
{
	setup();
	fx_guest(fx, -k, 1);
	fx_guest(fx, -k, 2);
	target_nodes();
	ck_assert_int_eq(ask(2, XS_OP_READ, "/own"), EACCES);
	ck_assert_int_eq(ask(2, XS_OP_READ, "/named"), EACCES);
	ck_assert_int_eq(FX_ASK(fx, k, SET_TARGET, "2\0001"), 0);
	ck_assert_int_eq(FX_ASKN(fx, 2, WRITE, "/own\0v"), 0);
	ck_assert_int_eq(FX_ASK(fx, 2, SET_PERMS, "/own\0n1\0r2"), 0);
	ck_assert_int_eq(ask(2, XS_OP_READ, "/named"), 0);
	ck_assert_int_eq(FX_ASKN(fx, 2, WRITE, "/named\0v"), EACCES);
	ck_assert_int_eq(FX_ASK(fx, 2, SET_PERMS, "/own\0n2"), EPERM);
	/* Not the other way round. */
	ck_assert_int_eq(ask(k, XS_OP_MKDIR, "/stub"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/stub\0n2"), 0);
	ck_assert_int_eq(ask(1, XS_OP_READ, "/stub"), EACCES);
	/* Another target: the first is none any more. */
	fx_guest(fx, -k, 3);
	ck_assert_int_eq(FX_ASK(fx, k, SET_TARGET, "2\0003"), 0);
	ck_assert_int_eq(ask(2, XS_OP_READ, "/named"), EACCES);
	teardown();
}
END_TEST

/* B4, XSA-233: both die, in any order or at once; the domids come again. */
START_TEST(test_target_ends)
{
	setup();
	fx_guest(fx, -k, 1);
	fx_guest(fx, -k, 2);
	target_nodes();
	ck_assert_int_eq(FX_ASK(fx, k, SET_TARGET, "2\0001"), 0);
	watch_release();
	switch (_i) {
	case 0: fx_dom_die(fx, 1); break;
	case 1: fx_dom_die(fx, 2); break;
	case 2:
		fx_dom_die(fx, 1);
		fx_dom_die(fx, 2);
		EVENT("@releaseDomain");
		break;
	case 3:
		fx_dom_die(fx, 2);
		fx_dom_die(fx, 1);
		EVENT("@releaseDomain");
		break;
	default:
		fx->dom[1].exists = false;
		fx_dom_die(fx, 2);
		EVENT("@releaseDomain");
	}
	EVENT("@releaseDomain");
	QUIET();
	if (!fx->dom[1].exists)
		fx_guest(fx, -k, 1);
	if (!fx->dom[2].exists)
		fx_guest(fx, -k, 2);
	ck_assert_ptr_null(domain_find(fx->server, 2)->target);
	ck_assert(LIST_EMPTY(&domain_find(fx->server, 1)->stubs));
	ck_assert_int_eq(ask(2, XS_OP_READ, "/named"), EACCES);
	ck_assert_int_eq(ask(2, XS_OP_MKDIR, "/own"), EACCES);
	teardown();
}
END_TEST

START_TEST(test_features)
{
	setup();
	ck_assert_int_eq(FX_ASKN(fx, k, GET_FEATURE, ""), 0);
	ck_assert_int_eq(FX_ASK(fx, k, GET_FEATURE, "1"), ENOENT);
	ck_assert_int_eq(FX_ASK(fx, k, SET_FEATURE, "1\0006"), ENOENT);
	fx_dom_start(fx, 1);
	ck_assert_int_eq(FX_ASK(fx, k, SET_FEATURE, "1\00016"), EINVAL);
	ck_assert_int_eq(FX_ASK(fx, k, SET_FEATURE, "1\0-1"), EINVAL);
	ck_assert_int_eq(FX_ASK(fx, k, SET_FEATURE, "1\0"), EINVAL);
	ck_assert_int_eq(FX_ASK(fx, k, SET_FEATURE, "1\0004294967298"), EINVAL);
	ck_assert_int_eq(FX_ASK(fx, k, SET_FEATURE, "0\0006"), EINVAL);
	ck_assert_int_eq(FX_ASK(fx, k, SET_FEATURE, "1\0006"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, INTRODUCE, "1\0001\0005"), 0);
	ck_assert_uint_eq(xsring_features(&fx->dom[1].ring), 6);
	ck_assert_int_eq(FX_ASK(fx, k, SET_FEATURE, "1\0002"), EBUSY);
	ck_assert_int_eq(ask(k, XS_OP_GET_FEATURE, "1"), 0);
	ck_assert_str_eq(msg.data, "6");
	ck_assert_int_eq(fx_ask(fx, 1, XS_OP_GET_FEATURE, "", 0, &msg), 0);
	ck_assert_str_eq(msg.data, "6");
	ck_assert_int_eq(ask(1, XS_OP_GET_FEATURE, "1"), EACCES);
	ck_assert_int_eq(FX_ASK(fx, 1, SET_FEATURE, "1\0002"), EACCES);
	/* They were the instance's. */
	fx_dom_die(fx, 1);
	fx_guest(fx, -k, 1);
	ck_assert_uint_eq(xsring_features(&fx->dom[1].ring), 15);
	teardown();
}
END_TEST

/*
 * The nodes of a dead domain go as trees: a watch above hears of each once,
 * as of any removal, whichever of its nodes is older.
 */
START_TEST(test_death_by_trees)
{
	setup();
	fx_guest(fx, -k, 1);
	ck_assert_int_eq(FX_ASK(fx, k, WRITE, "/t/x/y/z\0v"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/t/x/y\0n1"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/t/x/y/z\0n0"), 0);
	if (_i)
		ck_assert_int_eq(FX_ASK(fx, k, WRITE, "/t/x/y/z/0\0v"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/t/x/y/z\0n1"), 0);
	if (_i)
		ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/t/x\0n1"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, WATCH, "/t\0t"), 0);
	EVENT("/t");
	fx_dom_die(fx, 1);
	EVENT(_i ? "/t/x" : "/t/x/y");
	QUIET();
	ck_assert_int_eq(ask(k, XS_OP_READ, "/t/x/y"), ENOENT);
	ck_assert_int_eq(ask(k, XS_OP_READ, "/t"), 0);
	teardown();
}
END_TEST

/* A WRITE is sent, and is answered within one turn. */
static void answered_at_once(void)
{
	static const char arg[] = "/other\0v";
	char buf[XSMSG_HDR_LEN + 3];

	fx_send(fx, k, XS_OP_WRITE, 0, arg, sizeof(arg));
	fx_turn(fx);
	ck_assert_int_eq(recv(-k, buf, sizeof(buf), MSG_DONTWAIT), sizeof(buf));
}

static void owned_by(const char *path, uint16_t domid)
{
	char arg[64];
	int n = snprintf(arg, sizeof(arg), "%s%cn%u", path, 0, domid) + 1;

	ck_assert_int_eq(ask(k, XS_OP_MKDIR, path), 0);
	ck_assert_int_eq(
		fx_ask(fx, k, XS_OP_SET_PERMS, arg, (size_t)n, &msg), 0);
}

/*
 * Domains die with all the nodes they may have: in no turn are more of them
 * removed than one part, others are answered in each, and watchers hear of
 * the domains when all is gone.
 */
START_TEST(test_death_by_parts)
{
	enum { NODES = 1000, GUESTS = 2 };
	struct places *places;
	size_t left = GUESTS * NODES, turns = 0;
	char path[32];

	setup();
	places = fx->server->places;
	for (uint16_t i = 1; i <= GUESTS; i++) {
		fx_guest(fx, -k, i);
		for (int j = 0; j < NODES; j++) {
			snprintf(path, sizeof(path), "/n/%d-%d", i, j);
			owned_by(path, i);
		}
		fx->dom[i].exists = false;
	}
	fx_fire(fx, FX_VIRQ);
	answered_at_once();
	while (domain_find(fx->server, 1) || domain_find(fx->server, 2)) {
		size_t was = places_nr(places), now = 0;

		answered_at_once();
		ck_assert_uint_le(was, places_nr(places) + DOMAIN_LEAVE_NODES);
		for (uint16_t i = 1; i <= GUESTS; i++) {
			const struct domain *d = domain_find(fx->server, i);

			now += d ? d->account[DOMAIN_NODES].used : 0;
		}
		ck_assert_uint_ge(now + DOMAIN_LEAVE_NODES, left);
		left = now;
		ck_assert_uint_lt(turns++, 50);
	}
	ck_assert_uint_ge(turns, GUESTS * NODES / DOMAIN_LEAVE_NODES);
	ck_assert_int_eq(ask(k, XS_OP_DIRECTORY, "/n"), 0);
	ck_assert_uint_eq(msg.hdr.len, 0);
	teardown();
}
END_TEST

/*
 * Half gone, it is released, or its number is another domain's: the rest goes
 * at once.  Watchers hear of it once.
 */
START_TEST(test_death_by_parts_is_overtaken)
{
	char path[32];
	int k2;

	setup();
	k2 = -fx_client(fx);
	fx_guest(fx, -k, 1);
	for (int j = 0; j < 3 * DOMAIN_LEAVE_NODES; j++) {
		snprintf(path, sizeof(path), "/n/%d", j);
		owned_by(path, 1);
	}
	ck_assert_int_eq(FX_ASK(fx, k2, WATCH, "@releaseDomain\0t"), 0);
	ck_assert_str_eq(fx_event(fx, k2), "@releaseDomain");
	fx->dom[1].exists = false;
	fx_fire(fx, FX_VIRQ);
	answered_at_once();
	answered_at_once();
	ck_assert_ptr_nonnull(domain_find(fx->server, 1));
	ck_assert(domain_find(fx->server, 1)->leaving);
	if (_i == 0)
		ck_assert_int_eq(ask(k, XS_OP_RELEASE, "1"), 0);
	else if (_i == 1)
		fx_guest(fx, -k, 1);
	else
		fx_settle(fx);
	ck_assert(!domain_find(fx->server, 1) ||
		  !domain_find(fx->server, 1)->leaving);
	ck_assert_str_eq(fx_event(fx, k2), "@releaseDomain");
	ck_assert_str_eq(fx_event(fx, k2), "");
	ck_assert_int_eq(ask(k, XS_OP_DIRECTORY, "/n"), 0);
	ck_assert_uint_eq(msg.hdr.len, 0);
	close(-k2);
	fx_settle(fx);
	teardown();
}
END_TEST

/* The daemon ends while one is leaving. */
START_TEST(test_end_while_leaving)
{
	char path[32];

	setup();
	fx_guest(fx, -k, 1);
	for (int j = 0; j < 2 * DOMAIN_LEAVE_NODES; j++) {
		snprintf(path, sizeof(path), "/n/%d", j);
		owned_by(path, 1);
	}
	fx->dom[1].exists = false;
	fx_fire(fx, FX_VIRQ);
	answered_at_once();
	ck_assert(domain_find(fx->server, 1)->leaving);
	teardown();
}
END_TEST

BH_CHECK_MAIN("domain", 20, BH_TEST(test_introduce_arguments),
	BH_TEST(test_domain_path_arguments), BH_LOOP(test_death, 2),
	BH_LOOP(test_same_number_other_domain, 2),
	BH_TEST(test_shutdown_then_death), BH_LOOP(test_release, 2),
	BH_TEST(test_many_die_at_once), BH_TEST(test_failed_scan),
	BH_TEST(test_failed_scan_is_repeated), BH_TEST(test_resume),
	BH_TEST(test_target_arguments), BH_TEST(test_target),
	BH_LOOP(test_target_ends, 5), BH_TEST(test_features),
	BH_LOOP(test_death_by_trees, 2), BH_TEST(test_death_by_parts),
	BH_LOOP(test_death_by_parts_is_overtaken, 3),
	BH_TEST(test_end_while_leaving))
