// SPDX-License-Identifier: MIT
/* test_log.c - levels, escapes, and the limit per domain */
#include <errno.h>

#include "common/log.h"
#include "tests/unit/bh_check.h"

static int fds[2];

static void setup(void)
{
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	log_fd_set(fds[1]);
	log_init("t");
}

static size_t drain(char *buf, size_t cap)
{
	ssize_t n = read(fds[0], buf, cap - 1);

	buf[n < 0 ? 0 : n] = '\0';
	return n < 0 ? 0 : (size_t)n;
}

static void teardown(void)
{
	close(fds[0]);
	close(fds[1]);
}

START_TEST(test_line)
{
	struct log_ctx ctx = {.domid = 5, .has_domid = 1};
	char buf[4096];

	setup();
	errno = 77;
	log_warn(&ctx, "some-id", "path %s", "a\nb\x1b[");
	ck_assert_int_eq(errno, 77);
	drain(buf, sizeof(buf));
	ck_assert_str_eq(buf, "t: some-id: path a\\nb\\x1b[ domid=5\n");
	log_debug(NULL, "x", "not at this level");
	ck_assert_uint_eq(drain(buf, sizeof(buf)), 0);
	log_level_set(LOG_LEVEL_DEBUG);
	log_debug(NULL, "x", "now");
	ck_assert_uint_gt(drain(buf, sizeof(buf)), 0);
	teardown();
}
END_TEST

START_TEST(test_long_line_is_one_line)
{
	char text[3000], buf[4096];

	setup();
	memset(text, '\n', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	log_warn(NULL, "x", "%s", text);
	drain(buf, sizeof(buf));
	ck_assert_ptr_eq(strchr(buf, '\n'), buf + strlen(buf) - 1);
	teardown();
}
END_TEST

START_TEST(test_burst_then_rate)
{
	struct log_ctx ctx = {0};
	const uint64_t s = 1000000000;

	for (int i = 0; i < LOG_BURST; i++)
		ck_assert(log_ctx_allow(&ctx, 5 * s));
	ck_assert(!log_ctx_allow(&ctx, 5 * s));
	ck_assert(!log_ctx_allow(&ctx, 4 * s)); /* a clock that steps back */
	ck_assert_uint_eq(ctx.dropped, 2);
	ck_assert(log_ctx_allow(&ctx, 6 * s));
	ck_assert(!log_ctx_allow(&ctx, 6 * s));
	for (int i = 0; i < LOG_BURST; i++)
		ck_assert(log_ctx_allow(&ctx, 100 * s));
	ck_assert(!log_ctx_allow(&ctx, 100 * s));
}
END_TEST

/* All but the burst is one number, however long the flood. */
START_TEST(test_burst_then_number)
{
	struct log_ctx ctx = {0};
	const uint64_t s = 1000000000;
	unsigned seconds, lines = 0;

	for (unsigned i = 0; i < 1000; i++)
		lines += log_ctx_hold(&ctx, 5 * s + i * s / 100);
	ck_assert_uint_ge(lines, LOG_BURST);
	ck_assert_uint_le(lines, LOG_BURST + 1);
	ck_assert_uint_eq(log_ctx_settle(&ctx, 15 * s, &seconds), 1000 - lines);
	ck_assert_uint_eq(seconds, 10);
	ck_assert_uint_eq(log_ctx_settle(&ctx, 15 * s, &seconds), 0);
	ck_assert(log_ctx_hold(&ctx, 15 * s));
}
END_TEST

BH_CHECK_MAIN("log", 10, BH_TEST(test_line),
	BH_TEST(test_long_line_is_one_line), BH_TEST(test_burst_then_rate),
	BH_TEST(test_burst_then_number))
