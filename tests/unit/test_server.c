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

enum { OWN = 3, KERNELS = 4, SAID = 9 };

static int kernels_ring(struct host *host, void **page, uint32_t *port)
{
	struct fx_dom *own = &fx_of(host)->dom[OWN];

	own->mapped = true;
	*page = own->page;
	*port = KERNELS;
	return 0;
}

/* As setup(), with --master-domid; @port: --event. */
static void setup_own(bool kernel, uint32_t port)
{
	static struct host_ops ops;

	fx = fx_new();
	server_free(fx->server);
	ops = fx_ops;
	if (kernel)
		ops.own_ring = kernels_ring;
	fx->host.ops = &ops;
	fx_dom_start(fx, OWN);
	fx->server = server_new_for(fx->loop, &fx->host, OWN);
	ck_assert_ptr_nonnull(fx->server);
	fx->server->own_port = port;
	ck_assert_int_eq(server_attach_host(fx->server), 0);
	k = -fx_client(fx);
}

/* The port is the one that was said; the page the kernel's, or a grant. */
START_TEST(test_own_ring)
{
	const struct {
		bool kernel;
		uint32_t said, port;
	} rows[] = {{true, 0, KERNELS}, {true, SAID, SAID}, {false, SAID, SAID},
		{false, 0, 0}};
	const struct fx_dom *own;

	setup_own(rows[_i].kernel, rows[_i].said);
	own = &fx->dom[OWN];
	ck_assert(own->mapped == (rows[_i].port != 0));
	ck_assert(!own->port == !rows[_i].port);
	if (own->port) {
		ck_assert_uint_eq(fx->port_dom[own->port], OWN);
		ck_assert_uint_eq(fx->port_remote[own->port], rows[_i].port);
		ck_assert_int_eq(ask(OWN, XS_OP_MKDIR, "/anything"), 0);
	}
	teardown();
}
END_TEST

/* What may be done by the socket is done by our own domain. */
START_TEST(test_own_domain)
{
	struct domain *dom0;

	setup_own(true, 0);
	ck_assert_int_eq(ask(k, XS_OP_GET_PERMS, "/tool/xenstored"), 0);
	ck_assert_str_eq(msg.data, "n3");
	ck_assert_int_eq(FX_ASK(fx, k, WRITE, "x\0v"), 0);
	ck_assert_int_eq(ask(k, XS_OP_READ, "/local/domain/3/x"), 0);
	ck_assert_int_eq(ask(OWN, XS_OP_READ, "x"), 0);
	/* domain 0 is another, and may do everything; others may not */
	fx->dom[0].exists = true;
	ck_assert_int_eq(domain_get(fx->server, 0, &dom0), 0);
	ck_assert(dom0->priv && dom0 != fx->server->self);
	fx_guest(fx, -k, 1);
	ck_assert_int_eq(ask(1, XS_OP_READ, "/local/domain/3/x"), EACCES);
	teardown();
}
END_TEST

BH_CHECK_MAIN("server", 20, BH_TEST(test_end_while_paused),
	BH_TEST(test_privileged_guest_dies), BH_TEST(test_memory_after_a_burst),
	BH_LOOP(test_own_ring, 4), BH_TEST(test_own_domain))
