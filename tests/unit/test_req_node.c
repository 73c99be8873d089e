// SPDX-License-Identifier: MIT
/* test_req_node.c - nodes, permissions, quotas, as clients see them */
#include "tests/unit/xs_case.h"

static int write_node(int who, const char *path, const char *value)
{
	static char buf[8192];
	size_t len = strlen(path) + 1;

	memcpy(buf, path, len);
	memcpy(buf + len, value, strlen(value));
	return fx_ask(fx, who, XS_OP_WRITE, buf, len + strlen(value), &msg);
}

#define READS(who, path, value)                                      \
	do {                                                         \
		ck_assert_int_eq(ask((who), XS_OP_READ, (path)), 0); \
		ck_assert_str_eq(msg.data, (value));                 \
	} while (0)

START_TEST(test_read_write)
{
	setup();
	ck_assert_int_eq(ask(k, XS_OP_READ, "/a/b"), ENOENT);
	ck_assert_int_eq(write_node(k, "/a/b", "value"), 0);
	ck_assert_uint_eq(msg.hdr.len, 3);
	ck_assert_mem_eq(msg.data, "OK", 3);
	READS(k, "/a/b", "value");
	READS(k, "/a", "");
	ck_assert_int_eq(fx_ask(fx, k, XS_OP_WRITE, "/a/b\0x\0y", 8, &msg), 0);
	ck_assert_int_eq(ask(k, XS_OP_READ, "/a/b"), 0);
	ck_assert_uint_eq(msg.hdr.len, 3);
	ck_assert_mem_eq(msg.data, "x\0y", 3);
	/* Relative paths are below the home. */
	ck_assert_int_eq(write_node(k, "rel", "1"), 0);
	READS(k, "/local/domain/0/rel", "1");
	teardown();
}
END_TEST

START_TEST(test_mkdir_rm)
{
	setup();
	ck_assert_int_eq(ask(k, XS_OP_MKDIR, "/d/e"), 0);
	ck_assert_int_eq(write_node(k, "/d/e", "kept"), 0);
	ck_assert_int_eq(ask(k, XS_OP_MKDIR, "/d/e"), 0);
	READS(k, "/d/e", "kept");
	ck_assert_int_eq(ask(k, XS_OP_RM, "/d/none"), 0);
	ck_assert_int_eq(ask(k, XS_OP_RM, "/none/none"), ENOENT);
	ck_assert_int_eq(ask(k, XS_OP_RM, "/"), EINVAL);
	ck_assert_int_eq(ask(k, XS_OP_RM, "/d"), 0);
	ck_assert_int_eq(ask(k, XS_OP_READ, "/d/e"), ENOENT);
	teardown();
}
END_TEST

/* /many, with 3,000 below it: more than is freed at once. */
static void many(void)
{
	char path[32];

	for (int i = 0; i < 3000; i++) {
		snprintf(path, sizeof(path), "/many/%d/%d", i / 50, i);
		ck_assert_int_eq(ask(k, XS_OP_MKDIR, path), 0);
	}
}

/* What was removed is gone at once, and its memory soon after. */
START_TEST(test_rm_of_many)
{
	struct account *nodes;
	size_t before, places;

	setup();
	nodes = &fx->server->self->account[DOMAIN_NODES];
	before = nodes->used;
	places = places_nr(fx->server->places);
	for (int i = 0; i < 2; i++) {
		many();
		ck_assert_int_eq(ask(k, XS_OP_RM, "/many"), 0);
		ck_assert_uint_eq(nodes->used, before);
		ck_assert_uint_gt(places_nr(fx->server->places), places + 500);
		ck_assert_int_eq(ask(k, XS_OP_READ, "/many/0/1"), ENOENT);
		/* made again while the old ones are still there */
		ck_assert_int_eq(ask(k, XS_OP_MKDIR, "/many/59/2999"), 0);
	}
	for (int i = 0; i < 20; i++)
		fx_turn(fx);
	ck_assert_uint_eq(fx->server->gone_nr, 0);
	ck_assert_ptr_null(fx->server->gone);
	ck_assert_uint_eq(nodes->used, before + 3);
	ck_assert_uint_eq(places_nr(fx->server->places), places + 3);
	/* and the end does not leave any */
	many();
	ck_assert_int_eq(ask(k, XS_OP_RM, "/many"), 0);
	ck_assert_ptr_nonnull(fx->server->gone);
	teardown();
}
END_TEST

/* Watches below hear of it, leaves first, also when most have none. */
START_TEST(test_rm_of_many_watched)
{
	int c;

	setup();
	many();
	c = -fx_client(fx);
	ck_assert_int_eq(FX_ASK(fx, c, WATCH, "/many\0top"), 0);
	ck_assert_int_eq(FX_ASK(fx, c, WATCH, "/many/7\0dir"), 0);
	ck_assert_int_eq(FX_ASK(fx, c, WATCH, "/many/7/351\0leaf"), 0);
	while (fx_recv(fx, c, &msg))
		;
	ck_assert_int_eq(ask(k, XS_OP_RM, "/many"), 0);
	for (int i = 0; i < 3; i++) {
		static const char *const paths[] = {
			"/many/7/351", "/many/7", "/many"};

		ck_assert(fx_recv(fx, c, &msg));
		ck_assert_uint_eq(msg.hdr.type, XS_OP_WATCH_EVENT);
		ck_assert_str_eq(msg.data, paths[i]);
	}
	ck_assert(!fx_recv(fx, c, &msg));
	close(-c);
	teardown();
}
END_TEST

/* XSA-481: each bad path, for each operation that takes one. */
static const char *const bad_paths[] = {"", "//", "/a/", "/local/domain/",
	"/local/domain//x", "/a b", "@releaseDomain/", "/x\xff"};
static const uint32_t path_ops[] = {
	XS_OP_READ, XS_OP_DIRECTORY, XS_OP_MKDIR, XS_OP_RM, XS_OP_WRITE};

START_TEST(test_bad_paths)
{
	setup();
	for (size_t p = 0; p < ARRAY_LEN(bad_paths); p++)
		for (size_t o = 0; o < ARRAY_LEN(path_ops); o++)
			ck_assert_int_eq(
				ask(k, path_ops[o], bad_paths[p]), EINVAL);
	ck_assert_int_eq(ask(k, XS_OP_READ, "@releaseDomain"), EINVAL);
	ck_assert_int_eq(fx_ask(fx, k, XS_OP_READ, "/a", 2, &msg), EINVAL);
	teardown();
}
END_TEST

START_TEST(test_unknown_operations)
{
	setup();
	ck_assert_int_eq(ask(k, 20, ""), ENOSYS);
	ck_assert_int_eq(ask(k, XS_OP_INVALID, ""), ENOSYS);
	ck_assert_int_eq(ask(k, XS_OP_WATCH_EVENT, "/a"), ENOSYS);
	ck_assert_int_eq(ask(k, XS_OP_ERROR, "EINVAL"), ENOSYS);
	/* A transaction which does not exist; watches do not look at it. */
	fx_send(fx, k, XS_OP_READ, 5, "/", 2);
	ck_assert(fx_recv(fx, k, &msg));
	ck_assert_uint_eq(msg.hdr.type, XS_OP_ERROR);
	ck_assert_uint_eq(msg.hdr.tx_id, 5);
	ck_assert_str_eq(msg.data, "ENOENT");
	fx_send(fx, k, XS_OP_WATCH, 5, "/\0t", 4);
	ck_assert(fx_recv(fx, k, &msg));
	ck_assert_uint_eq(msg.hdr.type, XS_OP_WATCH);
	teardown();
}
END_TEST

START_TEST(test_guest_is_confined)
{
	setup();
	fx_guest(fx, -k, 1);
	fx_guest(fx, -k, 2);
	/* Nothing is open to guests but what is given to them (XSA-353). */
	ck_assert_int_eq(ask(1, XS_OP_RM, "/"), EACCES);
	ck_assert_int_eq(ask(1, XS_OP_DIRECTORY, "/"), EACCES);
	ck_assert_int_eq(ask(1, XS_OP_READ, "/tool"), EACCES);
	ck_assert_int_eq(ask(1, XS_OP_READ, "/none"), EACCES);
	ck_assert_int_eq(write_node(1, "/x", ""), EACCES);
	ck_assert_int_eq(FX_ASK(fx, 1, SET_PERMS, "/\0n1"), EACCES);
	/* XSA-115: privileged operations. */
	ck_assert_int_eq(ask(1, XS_OP_IS_DOMAIN_INTRODUCED, "1"), EACCES);
	ck_assert_int_eq(ask(1, XS_OP_RELEASE, "2"), EACCES);
	ck_assert_int_eq(FX_ASK(fx, 1, INTRODUCE, "2\0001\0005"), EACCES);
	/* Its home. */
	ck_assert_int_eq(ask(k, XS_OP_MKDIR, "/local/domain/1"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/local/domain/1\0n1"), 0);
	ck_assert_int_eq(write_node(1, "data/x", "mine"), 0);
	READS(1, "/local/domain/1/data/x", "mine");
	READS(k, "/local/domain/1/data/x", "mine");
	ck_assert_int_eq(ask(2, XS_OP_READ, "/local/domain/1/data/x"), EACCES);
	ck_assert_int_eq(ask(2, XS_OP_RM, "/local/domain/1/data"), EACCES);
	ck_assert_int_eq(ask(1, XS_OP_READ, "none"), ENOENT);
	teardown();
}
END_TEST

/* B15: what is missing and what is out of reach look the same. */
START_TEST(test_missing_or_denied_looks_the_same)
{
	setup();
	fx_guest(fx, -k, 1);
	ck_assert_int_eq(write_node(k, "/p/child", ""), 0);
	for (int i = 0; i < 2; i++) {
		/* Unreadable at first, then only writable. */
		ck_assert_int_eq(ask(1, XS_OP_READ, "/p/child"), EACCES);
		ck_assert_int_eq(ask(1, XS_OP_READ, "/p/none"), EACCES);
		ck_assert_int_eq(ask(1, XS_OP_RM, "/p/child"), EACCES);
		ck_assert_int_eq(ask(1, XS_OP_RM, "/p/none"), EACCES);
		ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/p\0n0\0w1"), 0);
	}
	/* Writable is enough to create. */
	ck_assert_int_eq(write_node(1, "/p/new", ""), 0);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/p\0n0\0r1"), 0);
	ck_assert_int_eq(ask(1, XS_OP_READ, "/p/none"), ENOENT);
	ck_assert_int_eq(ask(1, XS_OP_READ, "/p/child"), EACCES);
	teardown();
}
END_TEST

START_TEST(test_creator_owns)
{
	setup();
	fx_guest(fx, -k, 1);
	fx_guest(fx, -k, 2);
	ck_assert_int_eq(ask(k, XS_OP_MKDIR, "/d"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/d\0n1\0w2"), 0);
	ck_assert_int_eq(write_node(2, "/d/of2/x", ""), 0);
	ck_assert_int_eq(ask(k, XS_OP_GET_PERMS, "/d/of2"), 0);
	ck_assert_uint_eq(msg.hdr.len, 6);
	ck_assert_mem_eq(msg.data, "n2\0w2", 6);
	/* The privileged domain creates for the owner of the parent. */
	ck_assert_int_eq(write_node(k, "/d/of1", ""), 0);
	ck_assert_int_eq(ask(k, XS_OP_GET_PERMS, "/d/of1"), 0);
	ck_assert_mem_eq(msg.data, "n1\0w2", 6);
	/* A guest deletes its own node below a foreign parent. */
	ck_assert_int_eq(ask(2, XS_OP_RM, "/d/of2"), 0);
	teardown();
}
END_TEST

START_TEST(test_set_perms)
{
	setup();
	fx_guest(fx, -k, 1);
	fx_guest(fx, -k, 2);
	ck_assert_int_eq(ask(k, XS_OP_MKDIR, "/d"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/d\0b1\0r2"), 0);
	/* XSA-352, and who is not the owner. */
	ck_assert_int_eq(FX_ASK(fx, 1, SET_PERMS, "/d\0b2"), EPERM);
	/* It is all the same whether there is such a domain. */
	ck_assert_int_eq(FX_ASK(fx, 1, SET_PERMS, "/d\0b7"), EPERM);
	ck_assert_int_eq(FX_ASK(fx, 2, SET_PERMS, "/d\0b7"), EACCES);
	ck_assert_int_eq(FX_ASK(fx, 2, SET_PERMS, "/d\0b2"), EACCES);
	ck_assert_int_eq(FX_ASK(fx, 2, SET_PERMS, "/d\0n1\0b2"), EACCES);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/d\0n1\0b2"), 0);
	ck_assert_int_eq(FX_ASK(fx, 2, SET_PERMS, "/d\0b1"), EACCES);
	ck_assert_int_eq(FX_ASK(fx, 1, SET_PERMS, "/d\0n1\0r2"), 0);
	/* An owner must be a domain; others may be unknown, and are shown. */
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/d\0n7"), ENOENT);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/d\0n0\0r7"), 0);
	ck_assert_int_eq(ask(k, XS_OP_GET_PERMS, "/d"), 0);
	ck_assert_mem_eq(msg.data, "n0\0r7", 6);
	/* XSA-417: they do not apply to who comes later. */
	fx_guest(fx, -k, 7);
	ck_assert_int_eq(ask(7, XS_OP_READ, "/d"), EACCES);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/d\0n0\0r7"), 0);
	READS(7, "/d", "");
	/* B2, B10 */
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/d\0n0\0r32752"), EINVAL);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/d\0r32757"), EINVAL);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/d\0n0x1"), EINVAL);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/d"), EINVAL);
	ck_assert_int_eq(FX_ASKN(fx, k, SET_PERMS, "/d\0n0"), EINVAL);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/d\0n0\0r32757"), 0);
	READS(2, "/d", "");
	teardown();
}
END_TEST

/* XSA-322: permissions end with the domain they were given to. */
START_TEST(test_perms_end_with_the_domain)
{
	setup();
	fx_guest(fx, -k, 5);
	ck_assert_int_eq(write_node(k, "/d", "secret"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/d\0n0\0r5"), 0);
	READS(5, "/d", "secret");
	fx_dom_die(fx, 5);
	fx_guest(fx, -k, 5);
	ck_assert_int_eq(ask(5, XS_OP_READ, "/d"), EACCES);
	ck_assert_int_eq(ask(k, XS_OP_GET_PERMS, "/d"), 0);
	ck_assert_uint_eq(msg.hdr.len, 3);
	ck_assert_mem_eq(msg.data, "n0", 3);
	teardown();
}
END_TEST

START_TEST(test_special_perms)
{
	setup();
	fx_guest(fx, -k, 3);
	ck_assert_int_eq(ask(k, XS_OP_GET_PERMS, "@releaseDomain"), 0);
	ck_assert_str_eq(msg.data, "n0");
	ck_assert_int_eq(ask(3, XS_OP_GET_PERMS, "@releaseDomain"), EACCES);
	ck_assert_int_eq(ask(k, XS_OP_GET_PERMS, "@foo"), ENOENT);
	ck_assert_int_eq(
		FX_ASK(fx, 3, SET_PERMS, "@releaseDomain\0n3"), EACCES);
	ck_assert_int_eq(
		FX_ASK(fx, k, SET_PERMS, "@releaseDomain\0n3"), EINVAL);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "@releaseDomain\0n0\0r3"), 0);
	ck_assert_int_eq(ask(3, XS_OP_GET_PERMS, "@releaseDomain"), 0);
	/* B7 */
	fx_dom_die(fx, 3);
	ck_assert_int_eq(ask(k, XS_OP_GET_PERMS, "@releaseDomain"), 0);
	teardown();
}
END_TEST

/* Exactly 1000 nodes, its home among them (B5, B8, XSA-272). */
START_TEST(test_node_quota)
{
	char path[64];

	setup();
	home(1);
	for (int i = 0; i < 997; i++) {
		snprintf(path, sizeof(path), "n%d", i);
		ck_assert_int_eq(write_node(1, path, ""), 0);
	}
	/* Two are left: a path of three changes nothing. */
	ck_assert_int_eq(write_node(1, "a/b/c", "x"), ENOSPC);
	ck_assert_int_eq(ask(1, XS_OP_READ, "a"), ENOENT);
	ck_assert_int_eq(write_node(1, "a/b", "x"), 0);
	ck_assert_int_eq(write_node(1, "z", "x"), ENOSPC);
	ck_assert_int_eq(ask(1, XS_OP_MKDIR, "z"), ENOSPC);
	ck_assert_int_eq(write_node(1, "n1", "still"), 0);
	ck_assert_int_eq(ask(1, XS_OP_RM, "a"), 0);
	ck_assert_int_eq(write_node(1, "z", "x"), 0);
	/* The privileged domain is not bound by it. */
	ck_assert_int_eq(write_node(k, "/local/domain/1/zz/z", "x"), 0);
	ck_assert_int_eq(write_node(k, "/local/domain/1/zz/y", "x"), 0);
	ck_assert_int_eq(write_node(1, "zzz", "x"), ENOSPC);
	/* XSA-483: a new domain with this domid starts at nothing. */
	fx_dom_die(fx, 1);
	ck_assert_ptr_null(domain_find(fx->server, 1));
	home(1);
	ck_assert_int_eq(write_node(1, "a/b/c", "x"), 0);
	teardown();
}
END_TEST

START_TEST(test_size_quotas)
{
	static char value[2050];
	char path[2100];

	setup();
	home(1);
	memset(value, 'v', 2048);
	ck_assert_int_eq(write_node(1, "x", value), 0);
	value[2048] = 'v';
	ck_assert_int_eq(write_node(1, "x", value), ENOSPC);
	ck_assert_int_eq(write_node(1, "y", value), ENOSPC);
	ck_assert_int_eq(write_node(k, "/local/domain/1/x", value), 0);
	memset(path, 'p', sizeof(path));
	path[2048] = '\0';
	ck_assert_int_eq(write_node(1, path, ""), 0);
	path[2048] = 'p';
	path[2049] = '\0';
	ck_assert_int_eq(write_node(1, path, ""), EINVAL);
	ck_assert_int_eq(FX_ASK(fx, 1, SET_PERMS, "x\0n1\0r2\0r2\0r2\0r2"), 0);
	ck_assert_int_eq(
		FX_ASK(fx, 1, SET_PERMS, "x\0n1\0r2\0r2\0r2\0r2\0r2"), ENOSPC);
	teardown();
}
END_TEST

/* Owner changes by the privileged domain move the charge. */
START_TEST(test_charge_moves_with_owner)
{
	setup();
	home(1);
	home(2);
	ck_assert_int_eq(write_node(1, "a/b", ""), 0);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/local/domain/1/a\0n2"), 0);
	ck_assert_uint_eq(
		domain_find(fx->server, 2)->account[DOMAIN_NODES].used, 2);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/\0n2"), 0);
	/* It owns the root: that goes back, all else of it goes. */
	fx_dom_die(fx, 2);
	ck_assert_int_eq(ask(k, XS_OP_READ, "/local/domain/1/a"), ENOENT);
	ck_assert_int_eq(ask(k, XS_OP_READ, "/local/domain/1"), 0);
	ck_assert_int_eq(ask(k, XS_OP_GET_PERMS, "/"), 0);
	ck_assert_str_eq(msg.data, "n0");
	teardown();
}
END_TEST

BH_CHECK_MAIN("req_node", 20, BH_TEST(test_read_write), BH_TEST(test_mkdir_rm),
	BH_TEST(test_rm_of_many), BH_TEST(test_rm_of_many_watched),
	BH_TEST(test_bad_paths), BH_TEST(test_unknown_operations),
	BH_TEST(test_guest_is_confined),
	BH_TEST(test_missing_or_denied_looks_the_same),
	BH_TEST(test_creator_owns), BH_TEST(test_set_perms),
	BH_TEST(test_perms_end_with_the_domain), BH_TEST(test_special_perms),
	BH_TEST(test_node_quota), BH_TEST(test_size_quotas),
	BH_TEST(test_charge_moves_with_owner))
