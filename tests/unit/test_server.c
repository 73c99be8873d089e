/* SPDX-License-Identifier: MIT */
/* test_server.c - the end of the daemon, and who may do everything */
#include <malloc.h>

#include "tests/unit/xs_case.h"

/* Bytes in use; those of a sanitizer cannot be seen: 0. */
static size_t memory(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

/* A burst of nodes leaves nothing behind, nor do the tables it needed. */
START_TEST(test_memory_after_a_burst)
{
	enum { NR = 100 * 1000, SLACK = 64 * 1024 };
	char path[32];
	size_t was;

	setup();
	ck_assert_int_eq(ask(k, XS_OP_MKDIR, "/n/0"), 0);
	ck_assert_int_eq(ask(k, XS_OP_RM, "/n"), 0);
	fx_settle(fx);
	was = memory();
	for (int i = 0; i < NR; i++) {
		snprintf(path, sizeof(path), "/n/%d", i);
		ck_assert_int_eq(ask(k, XS_OP_MKDIR, path), 0);
	}
	ck_assert_uint_gt(places_buckets(fx->server->places), NR / 2);
	ck_assert_int_eq(ask(k, XS_OP_RM, "/n"), 0);
	while (fx->server->gone)
		fx_turn(fx);
	ck_assert_uint_lt(places_buckets(fx->server->places), 1024);
	ck_assert_uint_le(memory(), was + SLACK);
	teardown();
}
END_TEST

/*
 * Out of descriptors nobody is accepted until one is free; at the end that is
 * when there is nothing to accept with any more.
 */
START_TEST(test_end_while_paused)
{
	char dir[] = "/tmp/xs-server-XXXXXX", path[64];

	setup();
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/socket", dir);
	ck_assert_int_eq(server_listen(fx->server, path), 0);
	fx->server->listen_paused = true;
	teardown();
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

/* A guest that may do everything dies as others do. */
START_TEST(test_privileged_guest_dies)
{
	setup();
	fx->server->priv_domid = 2;
	fx_guest(fx, -k, 1);
	fx_guest(fx, -k, 2);
	ck_assert_int_eq(ask(1, XS_OP_MKDIR, "/a"), EACCES);
	ck_assert_int_eq(ask(2, XS_OP_MKDIR, "/a"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, WATCH, "@releaseDomain\0t"), 0);
	ck_assert_str_eq(fx_event(fx, k), "@releaseDomain");
	fx_dom_die(fx, 2);
	ck_assert_str_eq(fx_event(fx, k), "@releaseDomain");
	ck_assert_str_eq(fx_event(fx, k), "");
	ck_assert_ptr_null(domain_find(fx->server, 2));
	ck_assert(!fx->dom[2].mapped);
	teardown();
}
END_TEST

BH_CHECK_MAIN("server", 20, BH_TEST(test_end_while_paused),
	BH_TEST(test_privileged_guest_dies), BH_TEST(test_memory_after_a_burst))
