// SPDX-License-Identifier: MIT
/* test_xs_conf.c - xenstored's configuration file */
#include <sys/stat.h>

#include "tests/unit/xs_case.h"
#include "xenstored/conf.h"

static char error[CONF_ERROR_MAX];

static struct conf *parse(const char *text)
{
	struct conf *conf = NULL;

	ck_assert_msg(!conf_parse("f", text, strlen(text), &conf, error), "%s",
		error);
	return conf;
}

static const char *const example = "# all\n"
				   "nodes = 500\n"
				   "\twatches=  7\r\n"
				   "\n"
				   "[domain 5]\n"
				   "watches = 9\n"
				   "[class drivers]\n"
				   "domids = 3, 5,7\n"
				   "watches = 8\n"
				   "transactions = 0\n"
				   "[class late]\n"
				   "domids = 7\n"
				   "permissions = 6";

static size_t limit(const struct conf *conf, uint16_t domid, enum quota quota)
{
	struct limits limits = limits_default;

	conf_apply_all(conf, &limits);
	conf_apply(conf, domid, &limits);
	return quota_get(&limits, quota);
}

/* Of a domain before those of a class, wherever they are in the file. */
START_TEST(test_sections)
{
	struct conf *conf = parse(example);

	ck_assert_uint_eq(limit(conf, 1, QUOTA_NODES), 500);
	ck_assert_uint_eq(limit(conf, 1, QUOTA_WATCHES), 7);
	ck_assert_uint_eq(limit(conf, 3, QUOTA_WATCHES), 8);
	ck_assert_uint_eq(limit(conf, 5, QUOTA_WATCHES), 9);
	ck_assert_uint_eq(limit(conf, 5, QUOTA_TRANSACTIONS), QUOTA_UNLIMITED);
	ck_assert_uint_eq(limit(conf, 7, QUOTA_WATCHES), 8);
	ck_assert_uint_eq(limit(conf, 7, QUOTA_NODE_PERMS), 6);
	ck_assert_uint_eq(limit(conf, 5, QUOTA_NODE_PERMS), 5);
	ck_assert_uint_eq(limit(conf, 5, QUOTA_EVENTS), 1024);
	conf_free(conf);
	conf = parse("");
	ck_assert_uint_eq(limit(conf, 5, QUOTA_NODES), 1000);
	conf_free(conf);
}
END_TEST

static const struct {
	const char *text, *error;
} wrong[] = {
	{"x", "f:1: neither \"key = value\" nor a section"},
	{"\n\nnode = 5", "f:3: unknown key \"node\""},
	{"nodes = 5x\n", "f:1: not a limit: \"5x\""},
	{"nodes = -1\n", "f:1: not a limit: \"-1\""},
	{"nodes = \n", "f:1: not a limit: \"\""},
	{"nodes = 4294967296\n", "f:1: not a limit: \"4294967296\""},
	{"path-max = 2049\n", "f:1: not a limit: \"2049\""},
	{"nodes = 1\nnodes = 2\n", "f:2: said twice: \"nodes\""},
	{"[domain 5\n", "f:1: a section ends with \"]\""},
	{"[", "f:1: a section ends with \"]\""},
	{"[]", "f:1: unknown section \"\""},
	{"[guest 5]\n", "f:1: unknown section \"guest\""},
	{"[domain]\n", "f:1: not the domid of a guest: \"\""},
	{"[domain 0]\n", "f:1: not the domid of a guest: \"0\""},
	{"[domain 0x5]\n", "f:1: not the domid of a guest: \"0x5\""},
	{"[domain 32752]\n", "f:1: not the domid of a guest: \"32752\""},
	{"[class]\n", "f:1: not the name of a class: \"\""},
	{"[class a b]\n", "f:1: not the name of a class: \"a b\""},
	{"[class a]\ndomids = 3,,5\n", "f:2: not the domid of a guest: \"\""},
	{"[class a]\ndomids = 3 5\n", "f:2: not the domid of a guest: \"3 5\""},
	{"domids = 3\n", "f:1: \"domids\" is only in a class"},
	{"\x1b[2J = 3\n", "f:1: unknown key \"\\x1b[2J\""},
};

START_TEST(test_errors)
{
	const char *text = wrong[_i].text;
	struct conf *conf;

	ck_assert_int_eq(
		conf_parse("f", text, strlen(text), &conf, error), EINVAL);
	ck_assert_str_eq(error, wrong[_i].error);
}
END_TEST

START_TEST(test_files)
{
	char name[] = "/tmp/test_xs_conf.XXXXXX";
	struct conf *conf;
	int fd;

	ck_assert_int_eq(
		conf_parse("f", "nodes\0= 5", 9, &conf, error), EINVAL);
	ck_assert_int_eq(conf_read("/nonexistent", &conf, error), ENOENT);
	ck_assert_int_eq(conf_read("/", &conf, error), EINVAL);
	ck_assert_str_eq(error, "/: Is a directory");
	fd = mkstemp(name);
	ck_assert_int_eq(
		write(fd, example, strlen(example)), (ssize_t)strlen(example));
	ck_assert_int_eq(conf_read(name, &conf, error), 0);
	conf_free(conf);
	ck_assert_int_eq(ftruncate(fd, 2 * 1024 * 1024), 0);
	ck_assert_int_eq(conf_read(name, &conf, error), EINVAL);
	ck_assert_ptr_nonnull(strstr(error, "too long"));
	close(fd);
	unlink(name);
}
END_TEST

static size_t has(uint16_t domid, enum quota quota)
{
	return quota_get(&domain_find(fx->server, domid)->limits, quota);
}

/* At first sight, and when it is read again: but not what was set since. */
START_TEST(test_used)
{
	struct domain *d;

	setup();
	fx_guest(fx, -k, 1);
	domains_conf_set(fx->server, parse(example));
	ck_assert_uint_eq(has(1, QUOTA_WATCHES), 7);
	ck_assert_uint_eq(
		domain_find(fx->server, 1)->account[DOMAIN_WATCHES].limit, 7);
	ck_assert_uint_eq(
		domain_find(fx->server, 0)->limits.resource[DOMAIN_WATCHES],
		QUOTA_UNLIMITED);
	fx_guest(fx, -k, 5);
	d = domain_find(fx->server, 5);
	ck_assert_uint_eq(has(5, QUOTA_WATCHES), 9);
	ck_assert_uint_eq(d->account[DOMAIN_WATCHES].limit, 9);
	ck_assert_int_eq(FX_ASK(fx, k, SET_QUOTA, "5\0nodes\00042"), 0);
	domains_conf_set(fx->server,
		parse("watches = 6\n[domain 5]\nnodes = 3\nevents = 4\n"));
	ck_assert_uint_eq(has(1, QUOTA_WATCHES), 6);
	ck_assert_uint_eq(has(1, QUOTA_NODES), 1000);
	ck_assert_uint_eq(has(5, QUOTA_WATCHES), 6);
	ck_assert_uint_eq(has(5, QUOTA_NODES), 42);
	ck_assert_uint_eq(d->ring->out.events_max, 4);
	teardown();
}
END_TEST

/* The command line beats what is said of all, not what is said of some. */
START_TEST(test_command_line)
{
	setup();
	domains_limit_fix(&fx->server->domains, QUOTA_WATCHES, 20);
	fx_guest(fx, -k, 1);
	ck_assert_uint_eq(has(1, QUOTA_WATCHES), 20);
	domains_conf_set(fx->server, parse(example));
	ck_assert_uint_eq(has(1, QUOTA_WATCHES), 20);
	ck_assert_uint_eq(has(1, QUOTA_NODES), 500);
	fx_guest(fx, -k, 3);
	ck_assert_uint_eq(has(3, QUOTA_WATCHES), 8);
	domains_conf_set(fx->server, NULL);
	ck_assert_uint_eq(has(1, QUOTA_WATCHES), 20);
	ck_assert_uint_eq(has(1, QUOTA_NODES), 1000);
	teardown();
}
END_TEST

/* A guest that is trusted like our own domain: that one, and no other. */
START_TEST(test_privileged_guest)
{
	setup();
	fx->server->priv_domid = 2;
	fx_guest(fx, -k, 1);
	fx_guest(fx, -k, 2);
	ck_assert_int_eq(FX_ASKN(fx, 2, WRITE, "/top\0v"), 0);
	ck_assert_int_eq(ask(2, XS_OP_CONTROL, "quota"), 0);
	ck_assert_int_eq(FX_ASKN(fx, 1, WRITE, "/top\0v"), EACCES);
	ck_assert_int_eq(ask(1, XS_OP_CONTROL, "quota"), EACCES);
	teardown();
}
END_TEST

/* Nodes of the dead, when they are kept, are ours. */
START_TEST(test_orphans)
{
	size_t nodes;

	setup();
	fx->server->keep_orphans = true;
	home(1);
	ck_assert_int_eq(FX_ASKN(fx, 1, WRITE, "a/b\0v"), 0);
	ck_assert_int_eq(FX_ASK(fx, k, SET_PERMS, "/\0n1"), 0);
	nodes = fx->server->self->account[DOMAIN_NODES].used;
	fx_dom_die(fx, 1);
	ck_assert_ptr_null(domain_find(fx->server, 1));
	ck_assert_uint_eq(
		fx->server->self->account[DOMAIN_NODES].used, nodes + 4);
	ck_assert_int_eq(ask(k, XS_OP_GET_PERMS, "/local/domain/1/a/b"), 0);
	ck_assert_str_eq(msg.data, "n0");
	fx_guest(fx, -k, 1);
	ck_assert_int_eq(ask(1, XS_OP_READ, "a/b"), EACCES);
	teardown();
}
END_TEST

BH_CHECK_MAIN("xs_conf", 20, BH_TEST(test_sections),
	BH_LOOP(test_errors, (int)ARRAY_LEN(wrong)), BH_TEST(test_files),
	BH_TEST(test_used), BH_TEST(test_orphans), BH_TEST(test_command_line),
	BH_TEST(test_privileged_guest))
