// SPDX-License-Identifier: MIT
/* test_opts.c - each option, what it takes, and what is refused */
#include <errno.h>

#include "common/macro.h"
#include "tests/unit/bh_check.h"
#include "xenstored/opts.h"
#include "xenstored/trace.h"

/* A command line of up to four words behind the program's name. */
static int parse(struct opts *opts, const char *a, const char *b, const char *c,
	const char *d)
{
	const char *words[] = {"xenstored", a, b, c, d, NULL};
	char *argv[ARRAY_LEN(words)];
	int argc = 0;

	/* The order of the words may change, the words do not. */
	memcpy(argv, words, sizeof(words));
	while (words[argc])
		argc++;
	return opts_parse(opts, argc, argv);
}

#define OK(opts, a, b) ck_assert_int_eq(parse(opts, a, b, NULL, NULL), 0)
#define BAD(a, b)                                                             \
	do {                                                                  \
		struct opts bad_opts;                                         \
		ck_assert_int_eq(parse(&bad_opts, a, b, NULL, NULL), EINVAL); \
	} while (0)

START_TEST(test_limits)
{
	static const struct {
		const char *letter, *name;
		enum quota quota;
	} rows[] = {
		{"-E", "--entry-nb", QUOTA_NODES},
		{"-S", "--entry-size", QUOTA_NODE_SIZE},
		{"-W", "--watch-nb", QUOTA_WATCHES},
		{"-t", "--transaction", QUOTA_TRANSACTIONS},
		{"-A", "--perm-nb", QUOTA_NODE_PERMS},
		{"-M", "--path-max", QUOTA_PATH_MAX},
	};
	struct opts opts;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		OK(&opts, rows[i].letter, "77");
		ck_assert(opts.limited[rows[i].quota]);
		ck_assert_uint_eq(quota_get(&opts.limits, rows[i].quota), 77);
		OK(&opts, rows[i].name, "0");
		ck_assert_uint_eq(quota_get(&opts.limits, rows[i].quota),
			QUOTA_UNLIMITED);
		ck_assert_int_eq(
			parse(&opts, rows[i].letter, "1", rows[i].name, "2"),
			0);
		ck_assert_uint_eq(quota_get(&opts.limits, rows[i].quota), 2);
		BAD(rows[i].letter, "-1");
		BAD(rows[i].letter, "1 ");
		BAD(rows[i].letter, "0x1");
		BAD(rows[i].letter, "");
		BAD(rows[i].letter, "99999999999999999999");
		BAD(rows[i].letter, NULL);
	}
	BAD("-M", "999999");
}
END_TEST

START_TEST(test_quotas)
{
	struct opts opts;

	OK(&opts, "-Q", "transaction-nodes=5");
	ck_assert_uint_eq(quota_get(&opts.limits, QUOTA_TX_NODES), 5);
	OK(&opts, "--quota=outstanding=6", NULL);
	ck_assert_uint_eq(quota_get(&opts.limits, QUOTA_OUTSTANDING), 6);
	OK(&opts, "-Q", "memory=7");
	OK(&opts, "-Q", "node-permissions=7");
	OK(&opts, "-q", "memory=8");
	ck_assert_uint_eq(quota_get(&opts.limits, QUOTA_SOFT_MEMORY), 8);
	ck_assert(!opts.limited[QUOTA_MEMORY]);
	OK(&opts, "-w", "watch-event=20");
	OK(&opts, "--timeout", "watch-event=0");
	BAD("-Q", "memory");
	BAD("-Q", "memory=");
	BAD("-Q", "memory=x");
	BAD("-Q", "=5");
	BAD("-Q", "nonsense=5");
	BAD("-Q", "a-name-that-is-longer-than-any-quota-has=5");
	BAD("-q", "nodes=5");
	BAD("-w", "watch-event=-1");
	BAD("-w", "other=1");
	BAD("-w", "20");
}
END_TEST

START_TEST(test_flags)
{
	struct opts opts;

	OK(&opts, NULL, NULL);
	ck_assert(!opts.foreground && !opts.no_domains && !opts.no_confine);
	OK(&opts, "-NDKPnV", NULL);
	ck_assert(opts.foreground && opts.no_domains && opts.keep_orphans);
	ck_assert(opts.print_pid && opts.check_conf && opts.verbose);
	OK(&opts, "--no-fork", "--no-confine");
	ck_assert(opts.foreground && opts.no_confine);
	OK(&opts, "-F", "pid");
	OK(&opts, "-IRL", NULL);
	OK(&opts, "-R", "--internal-db=off");
	OK(&opts, "--internal-db", "--preserve-local");
	OK(&opts, "-H", NULL);
	ck_assert(opts.help);
	OK(&opts, "--version", NULL);
	ck_assert(opts.version);
	BAD("-F", NULL);
	BAD("-F", "");
	BAD("--pid-file", NULL);
	BAD("--no-fork=1", NULL);
	BAD("--nonsense", NULL);
	BAD("-X", NULL);
	BAD("-NX", NULL);
	BAD("-N", "word");
	BAD("--", "word");
}
END_TEST

START_TEST(test_domains)
{
	struct opts opts;

	ck_assert_int_eq(parse(&opts, "-m", "3", "-p", "32751"), 0);
	ck_assert_uint_eq(opts.own_domid, 3);
	ck_assert_uint_eq(opts.priv_domid, 32751);
	OK(&opts, "--event", "9");
	ck_assert_uint_eq(opts.own_port, 9);
	BAD("-p", "32752");
	BAD("--master-domid", "70000");
	BAD("--priv-domid", "x");
	BAD("-e", "99999999");
}
END_TEST

START_TEST(test_trace)
{
	struct opts opts;

	OK(&opts, "-T", "file");
	ck_assert_str_eq(opts.trace_file, "file");
	ck_assert_uint_eq(opts.trace, TRACE_IO | TRACE_OBJ);
	ck_assert_int_eq(parse(&opts, "-T", "file", "--trace-control=-obj",
				 "--trace-control=+values"),
		0);
	ck_assert_uint_eq(opts.trace, TRACE_IO | TRACE_VALUES);
	OK(&opts, "--trace-control=+acc", "--trace-control=-tdb");
	OK(&opts, "--trace-control", "-wrl");
	ck_assert_uint_eq(opts.trace, 0);
	BAD("--trace-control", "io");
	BAD("--trace-control", "+none");
	BAD("--trace-control", "+");
	BAD("-T", "");
}
END_TEST

START_TEST(test_help)
{
	char *text = NULL, *line;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	opts_help(f);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_ptr_nonnull(strstr(text, "  -E, --entry-nb=N"));
	ck_assert_ptr_nonnull(strstr(text, "      --no-confine"));
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		ck_assert_uint_le(strlen(line), 80);
	free(text);
}
END_TEST

BH_CHECK_MAIN("opts", 10, BH_TEST(test_limits), BH_TEST(test_quotas),
	BH_TEST(test_flags), BH_TEST(test_domains), BH_TEST(test_trace),
	BH_TEST(test_help))
