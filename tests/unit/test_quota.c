// SPDX-License-Identifier: MIT
/* test_quota.c - limits by name, as they are refused, and as they are logged */
#include "tests/unit/bh_check.h"
#include "tests/unit/xs_fixture.h"

static struct fx *fx;
static int k;
static struct fx_msg msg;
static FILE *log_file;

static void setup(void)
{
	fx = fx_new();
	k = -fx_client(fx);
	log_file = tmpfile();
	CHECK(log_file);
	log_fd_set(fileno(log_file));
}

static void teardown(void)
{
	log_fd_set(-1);
	fclose(log_file);
	close(-k);
	fx_free(fx);
}

/* How many lines of the log have @text in them. */
static int logged(const char *text)
{
	char line[LOG_LINE_MAX + 1];
	int nr = 0;

	rewind(log_file);
	while (fgets(line, sizeof(line), log_file))
		nr += strstr(line, text) != NULL;
	return nr;
}

START_TEST(test_names)
{
	struct limits limits = limits_default;
	enum quota quota;
	size_t value;

	for (int i = 0; i < QUOTAS; i++) {
		ck_assert_int_eq(quota_find(quota_name(i), &quota), 0);
		ck_assert_int_eq(quota, i);
		ck_assert_int_gt(strlen(quota_about(quota)), 0);
		quota_set(&limits, quota, 1000 + (size_t)i);
	}
	for (int i = 0; i < QUOTAS; i++)
		ck_assert_uint_eq(quota_get(&limits, i), 1000 + (size_t)i);
	ck_assert_int_eq(quota_find("permissions", &quota), 0);
	ck_assert_int_eq(quota, QUOTA_NODE_PERMS);
	ck_assert_int_eq(quota_find("", &quota), EINVAL);
	ck_assert_int_eq(quota_find("node", &quota), EINVAL);
	ck_assert_int_eq(quota_find("nodesx", &quota), EINVAL);

	ck_assert_int_eq(quota_parse(QUOTA_NODES, "7", &value), 0);
	ck_assert_uint_eq(value, 7);
	ck_assert_int_eq(quota_parse(QUOTA_NODES, "0", &value), 0);
	ck_assert_uint_eq(value, QUOTA_UNLIMITED);
	quota_set(&limits, QUOTA_NODES, value);
	ck_assert_uint_eq(quota_get_wire(&limits, QUOTA_NODES), 0);
	ck_assert_int_eq(quota_parse(QUOTA_NODES, "4294967295", &value), 0);
	ck_assert_int_eq(
		quota_parse(QUOTA_NODES, "4294967296", &value), EINVAL);
	ck_assert_int_eq(quota_parse(QUOTA_PATH_MAX, "2048", &value), 0);
	ck_assert_int_eq(quota_parse(QUOTA_PATH_MAX, "2049", &value), EINVAL);
}
END_TEST

START_TEST(test_refusals_are_logged_once)
{
	setup();
	fx_guest(fx, -k, 1);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/\0b0"), 0);
	domain_limit_set(domain_find(fx->server, 1), QUOTA_NODES, 2);
	/* B8: a limit of N allows N */
	ck_assert_int_eq(FX_ASKN(fx, 1, WRITE, "/secret\0value"), 0);
	ck_assert_int_eq(FX_ASKN(fx, 1, WRITE, "/y\0value"), 0);
	for (int i = 0; i < 30; i++)
		ck_assert_int_eq(FX_ASKN(fx, 1, WRITE, "/hush\0value"), ENOSPC);
	ck_assert_int_eq(logged("refused by quota nodes, limit 2,"), 1);
	ck_assert_int_eq(logged("domid=1"), 1);
	ck_assert_int_eq(logged("hush"), 0);
	ck_assert_int_eq(logged("value"), 0);
	ck_assert_uint_eq(
		domain_find(fx->server, 1)->refused[QUOTA_NODES].count, 30);
	/* Another quota is another burst. */
	domain_limit_set(domain_find(fx->server, 1), QUOTA_NODE_SIZE, 3);
	ck_assert_int_eq(FX_ASKN(fx, 1, WRITE, "/y\0abc"), 0);
	ck_assert_int_eq(FX_ASKN(fx, 1, WRITE, "/y\0abcd"), ENOSPC);
	ck_assert_int_eq(logged("quota node-size, limit 3,"), 1);
	domain_limit_set(domain_find(fx->server, 1), QUOTA_PATH_MAX, 4);
	ck_assert_int_eq(FX_ASKN(fx, 1, WRITE, "/abc\0"), ENOSPC);
	ck_assert_int_eq(FX_ASKN(fx, 1, WRITE, "/abcd\0"), EINVAL);
	ck_assert_int_eq(FX_ASKN(fx, 1, WRITE, "//\0"), EINVAL);
	ck_assert_int_eq(logged("quota path-max, limit 4,"), 1);
	ck_assert_uint_eq(
		domain_find(fx->server, 1)->refused[QUOTA_PATH_MAX].count, 1);
	teardown();
}
END_TEST

/* GET_QUOTA with the strings of @args, which must give @value. */
#define QUOTA(args, value)                                              \
	do {                                                            \
		ck_assert_int_eq(fx_ask(fx, k, XS_OP_GET_QUOTA, (args), \
					 sizeof(args), &msg),           \
			0);                                             \
		ck_assert_str_eq(msg.data, (value));                    \
	} while (0)

START_TEST(test_get)
{
	setup();
	ck_assert_int_eq(fx_ask(fx, k, XS_OP_GET_QUOTA, "", 0, &msg), 0);
	ck_assert_str_eq(msg.data,
		"nodes watches outstanding memory soft-memory transactions "
		"transaction-nodes node-permissions path-max node-size "
		"events transaction-age");
	QUOTA("nodes", "1000");
	QUOTA("watches", "128");
	QUOTA("outstanding", "20");
	QUOTA("memory", "2621440");
	QUOTA("soft-memory", "2097152");
	QUOTA("transactions", "10");
	QUOTA("transaction-nodes", "1024");
	QUOTA("node-permissions", "5");
	QUOTA("permissions", "5");
	QUOTA("path-max", "2048");
	QUOTA("node-size", "2048");
	QUOTA("0\0nodes", "0");
	ck_assert_int_eq(FX_ASK(fx, k, GET_QUOTA, "1\0nodes"), ENOENT);
	fx_guest(fx, -k, 1);
	QUOTA("1\0nodes", "1000");
	ck_assert_int_eq(FX_ASK(fx, 1, GET_QUOTA, "nodes"), EACCES);
	ck_assert_int_eq(FX_ASK(fx, k, GET_QUOTA, "bytes"), EINVAL);
	ck_assert_int_eq(FX_ASK(fx, k, GET_QUOTA, "nodes\0001"), EINVAL);
	ck_assert_int_eq(FX_ASK(fx, k, GET_QUOTA, "0x1\0nodes"), EINVAL);
	teardown();
}
END_TEST

static const char *const bad_numbers[] = {"x", "", " 1", "1x", "0x1", "-1",
	"+1", "4294967296", "18446744073709551616"};

/* B10 */
START_TEST(test_bad_numbers)
{
	char args[64];
	size_t len;

	setup();
	fx_guest(fx, -k, 1);
	len = 1 + (size_t)snprintf(
			  args, sizeof(args), "nodes%c%s", 0, bad_numbers[_i]);
	ck_assert_int_eq(
		fx_ask(fx, k, XS_OP_SET_QUOTA, args, len, &msg), EINVAL);
	len = 1 + (size_t)snprintf(args, sizeof(args), "1%cnodes%c%s", 0, 0,
			  bad_numbers[_i]);
	ck_assert_int_eq(
		fx_ask(fx, k, XS_OP_SET_QUOTA, args, len, &msg), EINVAL);
	len = 1 + (size_t)snprintf(args, sizeof(args), "%s%cnodes%c1",
			  bad_numbers[_i], 0, 0);
	ck_assert_int_eq(
		fx_ask(fx, k, XS_OP_SET_QUOTA, args, len, &msg), EINVAL);
	QUOTA("nodes", "1000");
	QUOTA("1\0nodes", "1000");
	teardown();
}
END_TEST

START_TEST(test_set)
{
	setup();
	fx_guest(fx, -k, 1);
	fx_dom_start(fx, 2);
	ck_assert_int_eq(FX_ASK(fx, 1, SET_QUOTA, "nodes\0007"), EACCES);
	ck_assert_int_eq(FX_ASK(fx, k, SET_QUOTA, "bytes\0007"), EINVAL);
	ck_assert_int_eq(FX_ASK(fx, k, SET_QUOTA, "0\0nodes\0007"), EINVAL);
	ck_assert_int_eq(FX_ASK(fx, k, SET_QUOTA, "3\0nodes\0007"), ENOENT);
	ck_assert_int_eq(FX_ASK(fx, k, SET_QUOTA, "path-max\0002049"), EINVAL);
	/* The defaults are those of who comes from now on. */
	ck_assert_int_eq(FX_ASK(fx, k, SET_QUOTA, "nodes\0007"), 0);
	QUOTA("nodes", "7");
	QUOTA("1\0nodes", "1000");
	/* Before it is introduced, too. */
	ck_assert_int_eq(FX_ASK(fx, k, SET_QUOTA, "2\0watches\0001"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, INTRODUCE, "2\0001\0005"), 0);
	QUOTA("2\0nodes", "7");
	QUOTA("2\0watches", "1");
	ck_assert_int_eq(FX_ASK(fx, 2, WATCH, "/a\0t"), 0);
	ck_assert_int_eq(FX_ASK(fx, 2, WATCH, "/b\0t"), ENOSPC);
	ck_assert_int_eq(FX_ASK(fx, 1, WATCH, "/b\0t"), 0);
	/* 0 is unlimited. */
	ck_assert_int_eq(FX_ASK(fx, k, SET_QUOTA, "2\0watches\0000"), 0);
	QUOTA("2\0watches", "0");
	ck_assert_int_eq(FX_ASK(fx, 2, WATCH, "/b\0t"), 0);
	/* XSA-483: the next one with this domid starts afresh. */
	fx_dom_die(fx, 2);
	fx_guest(fx, -k, 2);
	QUOTA("2\0watches", "128");
	ck_assert_uint_eq(
		domain_find(fx->server, 2)->account[DOMAIN_WATCHES].used, 0);
	teardown();
}
END_TEST

/* Below what is in use: nothing is taken away, only more is refused. */
START_TEST(test_lowered)
{
	setup();
	fx_guest(fx, -k, 1);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/\0b0"), 0);
	ck_assert_int_eq(FX_ASK(fx, 1, MKDIR, "/a"), 0);
	ck_assert_int_eq(FX_ASK(fx, 1, MKDIR, "/b"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, SET_QUOTA, "1\0nodes\0001"), 0);
	ck_assert_int_eq(FX_ASK(fx, 1, MKDIR, "/c"), ENOSPC);
	ck_assert_int_eq(FX_ASKN(fx, 1, WRITE, "/a\0value"), 0);
	ck_assert_int_eq(FX_ASK(fx, 1, RM, "/a"), 0);
	ck_assert_int_eq(FX_ASK(fx, 1, MKDIR, "/c"), ENOSPC);
	ck_assert_int_eq(FX_ASK(fx, 1, RM, "/b"), 0);
	ck_assert_int_eq(FX_ASK(fx, 1, MKDIR, "/c"), 0);
	teardown();
}
END_TEST

/* Memory: whatever makes a guest's nodes larger, until there is no room. */
START_TEST(test_memory)
{
	struct domain *d;
	size_t used;

	setup();
	fx_guest(fx, -k, 1);
	fx_guest(fx, -k, 2);
	d = domain_find(fx->server, 1);
	ck_assert_int_eq(FX_ASK(fx, k, MKDIR, "/d"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/d\0b1"), 0);
	ck_assert_int_eq(FX_ASK(fx, 1, MKDIR, "/d/e"), 0);
	fx_settle(fx);
	used = d->account[DOMAIN_MEMORY].used;
	ck_assert_uint_eq(
		used, domain_node_cost(1, 1, 0) + domain_node_cost(1, 1, 0));
	/* Room for three more bytes. */
	domain_limit_set(d, QUOTA_MEMORY, used + 3);
	ck_assert_int_eq(FX_ASKN(fx, 1, WRITE,
				 "/d/e\0"
				 "1234"),
		ENOMEM);
	ck_assert_int_eq(FX_ASKN(fx, 1, WRITE,
				 "/d/e\0"
				 "123"),
		0);
	ck_assert_int_eq(FX_ASKN(fx, 1, WRITE,
				 "/d\0"
				 "1"),
		ENOMEM);
	/* The one who owns it pays, whoever writes. */
	ck_assert_int_eq(FX_ASKN(fx, 2, WRITE,
				 "/d\0"
				 "1"),
		ENOMEM);
	ck_assert_int_eq(FX_ASK(fx, 1, SET_PERMS, "/d\0b1\0r2"), ENOMEM);
	ck_assert_int_eq(FX_ASK(fx, 1, MKDIR, "/d/f"), ENOMEM);
	/* Smaller, or as large, is fine; so is another's new node. */
	ck_assert_int_eq(FX_ASKN(fx, 1, WRITE,
				 "/d/e\0"
				 "321"),
		0);
	ck_assert_int_eq(FX_ASKN(fx, 2, WRITE, "/d/f\0large"), 0);
	ck_assert_int_eq(logged("quota memory"), 1);
	/* The privileged domain may, and it is charged. */
	ck_assert_int_eq(FX_ASKN(fx, k, WRITE,
				 "/d/e\0"
				 "12345"),
		0);
	fx_settle(fx);
	ck_assert_uint_eq(d->account[DOMAIN_MEMORY].used, used + 5);
	ck_assert_int_eq(FX_ASKN(fx, 1, WRITE,
				 "/d/e\0"
				 "12"),
		0);
	fx_settle(fx);
	ck_assert_uint_eq(d->account[DOMAIN_MEMORY].used, used + 2);
	/* Another owner: off the one's account, on the other's. */
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/d/e\0b2"), 0);
	fx_settle(fx);
	ck_assert_uint_eq(
		d->account[DOMAIN_MEMORY].used, domain_node_cost(1, 1, 0));
	fx_check_accounts(fx);
	teardown();
}
END_TEST

/* In a transaction, too, the one who owns a node pays for it. */
START_TEST(test_memory_tx)
{
	struct domain *d;
	uint32_t id;

	setup();
	fx_guest(fx, -k, 1);
	fx_guest(fx, -k, 2);
	d = domain_find(fx->server, 1);
	ck_assert_int_eq(FX_ASK(fx, k, MKDIR, "/a"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, MKDIR, "/b"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/a\0b1"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/b\0b1"), 0);
	domain_limit_set(
		d, QUOTA_MEMORY, d->account[DOMAIN_MEMORY].used + 4 + _i);
	ck_assert_int_eq(
		fx_ask(fx, 2, XS_OP_TRANSACTION_START, "", 1, &msg), 0);
	id = (uint32_t)strtoul(msg.data, NULL, 10);
	fx_send(fx, 2, XS_OP_WRITE, id, "/a\0abc", 6);
	fx_send(fx, 2, XS_OP_WRITE, id, "/b\0ab", 5);
	fx_send(fx, 2, XS_OP_TRANSACTION_END, id, "T", 2);
	for (int i = 0; i < 3; i++)
		ck_assert(fx_recv(fx, 2, &msg));
	ck_assert_str_eq(msg.data, _i ? "OK" : "ENOMEM");
	ck_assert_int_eq(fx_ask(fx, k, XS_OP_READ, "/a", 3, &msg), 0);
	ck_assert_str_eq(msg.data, _i ? "abc" : "");
	teardown();
}
END_TEST

/* A new deep path is judged by its very bytes, all of them or none. */
START_TEST(test_memory_deep)
{
	size_t cost = 3 * domain_node_cost(1, 0, 0) + 2 + 3 + 1 + 5;
	struct domain *d;

	setup();
	fx_guest(fx, -k, 1);
	d = domain_find(fx->server, 1);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/\0b0"), 0);
	domain_limit_set(d, QUOTA_MEMORY, cost - 1);
	ck_assert_int_eq(FX_ASKN(fx, 1, WRITE, "/ab/cde/f\0value"), ENOMEM);
	ck_assert_int_eq(FX_ASK(fx, k, READ, "/ab"), ENOENT);
	domain_limit_set(d, QUOTA_MEMORY, cost);
	ck_assert_int_eq(FX_ASKN(fx, 1, WRITE, "/ab/cde/f\0value"), 0);
	fx_settle(fx);
	ck_assert_uint_eq(d->account[DOMAIN_MEMORY].used, cost);
	teardown();
}
END_TEST

START_TEST(test_soft_memory)
{
	setup();
	fx_guest(fx, -k, 1);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/\0b0"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, SET_QUOTA, "1\0soft-memory\000400"), 0);
	ck_assert_int_eq(FX_ASK(fx, 1, MKDIR, "/a"), 0);
	ck_assert_int_eq(logged("soft-memory"), 0);
	for (char c = 'b'; c < 'z'; c++) {
		char path[] = {'/', c, '\0'};

		ck_assert_int_eq(fx_ask(fx, 1, XS_OP_MKDIR, path, 3, &msg), 0);
	}
	ck_assert_int_eq(logged("over quota soft-memory, limit 400,"), 1);
	teardown();
}
END_TEST

/* A guest that does not take its replies has them on its account. */
START_TEST(test_replies)
{
	static char value[2000] = "/v";
	struct domain *d;
	struct xsmsg_hdr hdr = {XS_OP_READ, 1, 0, 3};
	uint8_t raw[XSMSG_HDR_LEN + 3] = {0};
	size_t n;

	setup();
	fx_guest(fx, -k, 1);
	d = domain_find(fx->server, 1);
	memset(value + 3, 'v', sizeof(value) - 3);
	ck_assert_int_eq(
		fx_ask(fx, k, XS_OP_WRITE, value, sizeof(value), &msg), 0);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/v\0r0"), 0);
	xsmsg_hdr_emit(raw, &hdr);
	memcpy(raw + XSMSG_HDR_LEN, "/v", 3);
	for (int i = 0; i < 5; i++)
		ck_assert(xsring_put(&fx->dom[1].ring, raw, sizeof(raw), &n));
	fx_kick(fx, 1);
	fx_settle(fx);
	ck_assert_uint_gt(d->account[DOMAIN_MEMORY].used, 4 * 1997);
	while (fx_recv(fx, 1, &msg))
		;
	ck_assert_uint_eq(d->account[DOMAIN_MEMORY].used, 0);
	teardown();
}
END_TEST

BH_CHECK_MAIN("quota", 20, BH_TEST(test_names),
	BH_TEST(test_refusals_are_logged_once), BH_TEST(test_get),
	BH_LOOP(test_bad_numbers, (int)ARRAY_LEN(bad_numbers)),
	BH_TEST(test_set), BH_TEST(test_lowered), BH_TEST(test_memory),
	BH_LOOP(test_memory_tx, 2), BH_TEST(test_memory_deep),
	BH_TEST(test_soft_memory), BH_TEST(test_replies))
