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

static void owned_by(const char *path, uint16_t domid)
{
	char arg[64];
	int n = snprintf(arg, sizeof(arg), "%s%cn%u", path, 0, domid) + 1;

	ck_assert_int_eq(ask(k, XS_OP_MKDIR, path), 0);
	ck_assert_int_eq(
		fx_ask(fx, k, XS_OP_SET_PERMS, arg, (size_t)n, &msg), 0);
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

/*
 * Toolstacks change the handle of a domain that lives.  It stays what it is,
 * also when its handle changes once more; its death is told once.
 */
START_TEST(test_handle_of_the_living)
{
	setup();
	fx_guest(fx, -k, 1);
	ck_assert_int_eq(ask(k, XS_OP_MKDIR, "/d"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/d\0n1"), 0);
	watch_release();
	for (uint8_t handle = 98; handle <= 99; handle++) {
		fx->dom[1].handle = handle;
		switch (_i) {
		case 0: fx_virq(fx); break;
		case 1:
			ck_assert_int_eq(
				FX_ASK(fx, k, INTRODUCE, "1\0001\0005"), 0);
			break;
		case 2:
			ck_assert_int_eq(
				FX_ASK(fx, k, SET_PERMS, "/d\0n1\0r2"), 0);
			break;
		}
		ck_assert_int_eq(domain_find(fx->server, 1)->handle[0], handle);
		QUIET();
		fx_virq(fx);
		QUIET();
		ck_assert_int_eq(FX_ASKN(fx, 1, WRITE, "/d\0v"), 0);
	}
	fx->dom[1].shutdown = true;
	fx->dom[1].handle = 97;
	fx_virq(fx);
	EVENT("@releaseDomain");
	fx_dom_die(fx, 1);
	EVENT("@releaseDomain");
	QUIET();
	ck_assert_int_eq(ask(k, XS_OP_READ, "/d"), ENOENT);
	teardown();
}
END_TEST

/* Its port is connected, but not as it was, or not to it. */
START_TEST(test_handle_and_port_of_another)
{
	uint32_t port;

	setup();
	fx_guest(fx, -k, 1);
	fx_guest(fx, -k, 2);
	watch_release();
	port = fx->dom[1].port;
	fx->dom[1].handle++;
	switch (_i) {
	case 0: fx->cut[port] = true; break;
	case 1: fx->port_remote[port]++; break;
	case 2:
		fx->dom[2].port = port;
		fx->port_dom[port] = 2;
		break;
	}
	fx_virq(fx);
	EVENT("@releaseDomain");
	QUIET();
	ck_assert_ptr_null(domain_find(fx->server, 1));
	fx->dom[1].port = 0;
	teardown();
}
END_TEST

/* Without a ring there is no proof: rights end with the handle. */
START_TEST(test_handle_without_ring)
{
	setup();
	fx_dom_start(fx, 1);
	ck_assert_int_eq(ask(k, XS_OP_MKDIR, "/d"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/d\0n0\0r1"), 0);
	fx->dom[1].handle++;
	if (_i)
		fx_virq(fx);
	ck_assert_int_eq(FX_ASK(fx, k, INTRODUCE, "1\0001\0005"), 0);
	ck_assert_int_eq(ask(1, XS_OP_READ, "/d"), EACCES);
	teardown();
}
END_TEST

/* A port that cannot be asked about kills nobody, and is asked again. */
START_TEST(test_failed_peer)
{
	struct event *later;

	setup();
	fx_guest(fx, -k, 1);
	fx_guest(fx, -k, 2);
	watch_release();
	later = fx->server->domains_later;
	fx->peer_error = -EIO;
	fx->dom[1].handle++;
	fx_virq(fx);
	QUIET();
	ck_assert(event_pending(later, EV_TIMEOUT, NULL));
	ck_assert_int_eq(ask(1, XS_OP_GET_DOMAIN_PATH, "1"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, INTRODUCE, "1\0001\0006"), EIO);
	/* of others nothing has to be known */
	fx_dom_die(fx, 2);
	EVENT("@releaseDomain");
	fx->peer_error = 0;
	fx_dom_start(fx, 1);
	event_active(later, EV_TIMEOUT, 0);
	fx_settle(fx);
	EVENT("@releaseDomain");
	QUIET();
	teardown();
}
END_TEST

/*
 * The toolstack builds the home of a domain whose number somebody had a
 * moment ago.  What it gives to the new one is not the old one's.
 */
START_TEST(test_home_of_the_next)
{
	const bool noticed = _i > 0, same_handle = _i > 1;
	char path[32];

	setup();
	fx_guest(fx, -k, 1);
	for (int j = 0; j < 2 * DOMAIN_LEAVE_NODES; j++) {
		snprintf(path, sizeof(path), "/n/%d", j);
		owned_by(path, 1);
	}
	watch_release();
	if (noticed) {
		fx->dom[1].exists = false;
		fx_fire(fx, FX_VIRQ);
		while (!domain_find(fx->server, 1)->leaving)
			fx_turn(fx);
	}
	fx_dom_start(fx, 1);
	if (same_handle)
		fx->dom[1].handle--;
	fx_send(fx, k, XS_OP_MKDIR, 0, "/home", 6);
	fx_send(fx, k, XS_OP_SET_PERMS, 0, "/home\0n1", 9);
	fx_settle(fx);
	ck_assert(fx_recv(fx, k, &msg));
	ck_assert_uint_eq(msg.hdr.type, XS_OP_MKDIR);
	EVENT("@releaseDomain");
	ck_assert(fx_recv(fx, k, &msg));
	ck_assert_uint_eq(msg.hdr.type, XS_OP_SET_PERMS);
	ck_assert_int_eq(ask(k, XS_OP_DIRECTORY, "/n"), 0);
	ck_assert_uint_eq(msg.hdr.len, 0);
	fx_virq(fx);
	QUIET();
	ck_assert_int_eq(FX_ASK(fx, k, INTRODUCE, "1\0001\0005"), 0);
	ck_assert_int_eq(FX_ASKN(fx, 1, WRITE, "/home\0v"), 0);
	QUIET();
	teardown();
}
END_TEST

/* The node itself was the old one's: it is not there any more. */
START_TEST(test_home_of_the_last)
{
	setup();
	fx_guest(fx, -k, 1);
	ck_assert_int_eq(ask(k, XS_OP_MKDIR, "/d/below"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/d\0n1"), 0);
	fx_dom_start(fx, 1);
	if (_i)
		ck_assert_int_eq(
			FX_ASK(fx, k, SET_PERMS, "/d/below\0n1"), ENOENT);
	else
		ck_assert_int_eq(
			FX_ASK(fx, k, SET_PERMS, "/d\0n0\0r1"), ENOENT);
	ck_assert_int_eq(ask(k, XS_OP_MKDIR, "/d/below"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/d/below\0n1"), 0);
	teardown();
}
END_TEST

/* A dead domain that is still known: it has no rights any more to be given. */
START_TEST(test_perms_of_the_dead)
{
	setup();
	fx_guest(fx, -k, 1);
	ck_assert_int_eq(ask(k, XS_OP_MKDIR, "/d"), 0);
	watch_release();
	if (_i)
		fx->dom[1].dying = true;
	else
		fx->dom[1].exists = false;
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/d\0n1"), ENOENT);
	EVENT("@releaseDomain");
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/d\0n0\0r1"), 0);
	fx_virq(fx);
	QUIET();
	teardown();
}
END_TEST

static void swap_1(struct fx *f)
{
	f->asked = NULL;
	fx_dom_start(f, 1);
}

/* The number changes hands between two entries of one list. */
START_TEST(test_perms_while_it_changes_hands)
{
	setup();
	fx_guest(fx, -k, 1);
	ck_assert_int_eq(ask(k, XS_OP_MKDIR, "/d"), 0);
	fx->asked = swap_1;
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/d\0n1\0r1"), 0);
	ck_assert_ptr_null(fx->asked);
	ck_assert_int_eq(FX_ASK(fx, k, INTRODUCE, "1\0001\0005"), 0);
	ck_assert_int_eq(FX_ASKN(fx, 1, WRITE, "/d\0v"), 0);
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
	owned_by("/d", 1);
	watch_release();
	fx->domains_error = -EIO;
	fx_virq(fx);
	QUIET();
	ck_assert_int_eq(ask(1, XS_OP_GET_DOMAIN_PATH, "1"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, INTRODUCE, "2\0001\0005"), EIO);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/d\0n0\0r1"), EIO);
	/* who speaks is known */
	ck_assert_int_eq(FX_ASK(fx, 1, SET_PERMS, "/d\0n1\0r1"), 0);
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
 * A tree goes as a whole, however large it is, and then it is the turn of
 * others: no second one in the same turn.
 */
START_TEST(test_death_by_large_trees)
{
	enum { NODES = 4 * DOMAIN_LEAVE_NODES, GUESTS = 3 };
	unsigned left = GUESTS, turns = 0;
	char path[32];

	setup();
	for (uint16_t i = 1; i <= GUESTS; i++) {
		fx_guest(fx, -k, i);
		snprintf(path, sizeof(path), "/n/%d", i);
		owned_by(path, i);
		for (int j = 1; j < NODES; j++) {
			snprintf(path, sizeof(path), "/n/%d/%d", i, j);
			ck_assert_int_eq(ask(k, XS_OP_MKDIR, path), 0);
		}
		ck_assert_uint_eq(
			domain_find(fx->server, i)->account[DOMAIN_NODES].used,
			NODES);
		fx->dom[i].exists = false;
	}
	fx_fire(fx, FX_VIRQ);
	while (left) {
		unsigned now = 0;

		answered_at_once();
		for (uint16_t i = 1; i <= GUESTS; i++)
			now += domain_find(fx->server, i) != NULL;
		ck_assert_uint_le(left - now, 1);
		left = now;
		ck_assert_uint_lt(turns++, 10);
	}
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
	BH_LOOP(test_handle_of_the_living, 3),
	BH_LOOP(test_handle_and_port_of_another, 3),
	BH_LOOP(test_handle_without_ring, 2), BH_TEST(test_failed_peer),
	BH_LOOP(test_home_of_the_next, 3), BH_LOOP(test_home_of_the_last, 2),
	BH_LOOP(test_perms_of_the_dead, 2),
	BH_TEST(test_perms_while_it_changes_hands),
	BH_TEST(test_shutdown_then_death), BH_LOOP(test_release, 2),
	BH_TEST(test_many_die_at_once), BH_TEST(test_failed_scan),
	BH_TEST(test_failed_scan_is_repeated), BH_TEST(test_resume),
	BH_TEST(test_target_arguments), BH_TEST(test_target),
	BH_LOOP(test_target_ends, 5), BH_TEST(test_features),
	BH_LOOP(test_death_by_trees, 2), BH_TEST(test_death_by_parts),
	BH_TEST(test_death_by_large_trees),
	BH_LOOP(test_death_by_parts_is_overtaken, 3),
	BH_TEST(test_end_while_leaving))
