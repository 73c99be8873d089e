// SPDX-License-Identifier: MIT
/* test_quota.c - limits by name, as they are refused, and as they are logged */
#include "tests/unit/bh_check.h"
#include "tests/unit/xs_fixture.h"

static struct fx *fx;
static int k;
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

BH_CHECK_MAIN("quota", 20, BH_TEST(test_names),
	BH_TEST(test_refusals_are_logged_once))
