// SPDX-License-Identifier: MIT
/* test_log.c - levels, escapes, and the limit per domain */
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

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

static int syslog_bind(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	strcpy(sun.sun_path, path);
	ck_assert_int_eq(
		bind(fd, (const struct sockaddr *)&sun, sizeof(sun)), 0);
	return fd;
}

/* The next line there, after its time, which must be about now. */
static const char *syslog_line(int fd, const char *priority)
{
	static char buf[4096];
	ssize_t n = recv(fd, buf, sizeof(buf) - 1, 0);
	const char *at = buf + strlen(priority);
	time_t now = time(NULL);
	char today[8];
	struct tm tm;

	if (n < 0)
		return "";
	buf[n] = '\0';
	ck_assert_int_eq(strncmp(buf, priority, strlen(priority)), 0);
	ck_assert_ptr_nonnull(localtime_r(&now, &tm));
	strftime(today, sizeof(today), "%b ", &tm);
	ck_assert_int_eq(strncmp(at, today, 4), 0);
	ck_assert_int_eq(at[9], ':');
	ck_assert_int_eq(at[15], ' ');
	return at + 16;
}

/* Warnings and errors, whoever else hears of them; nothing of the rest. */
START_TEST(test_syslog)
{
	struct log_ctx ctx = {.domid = 5, .has_domid = 1, .dropped = 3};
	char dir[] = "/tmp/test_log.XXXXXX", path[64], buf[4096], want[128];
	int fd;

	setup();
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/log", dir);
	fd = syslog_bind(path);
	ck_assert_int_eq(log_syslog_open(path), 0);
	log_warn(&ctx, "id", "a\nb");
	snprintf(want, sizeof(want), "t[%ld]: id: a\\nb domid=5 dropped=3",
		(long)getpid());
	ck_assert_str_eq(syslog_line(fd, "<28>"), want);
	drain(buf, sizeof(buf));
	ck_assert_str_eq(buf, "t: id: a\\nb domid=5 dropped=3\n");
	log_info(NULL, "id", "not for all");
	ck_assert_str_eq(syslog_line(fd, ""), "");
	log_fd_set(-1);
	log_error(NULL, "id", "alone");
	snprintf(want, sizeof(want), "t[%ld]: id: alone", (long)getpid());
	ck_assert_str_eq(syslog_line(fd, "<27>"), want);
	log_syslog_close();
	log_error(NULL, "id", "no more");
	ck_assert_str_eq(syslog_line(fd, ""), "");
	close(fd);
	unlink(path);
	rmdir(dir);
	teardown();
}
END_TEST

/* It comes later, goes, comes again, does not read; nobody waits for it. */
START_TEST(test_syslog_comes_and_goes)
{
	char dir[] = "/tmp/test_log.XXXXXX", path[64], raw[LOG_LINE_MAX];
	char too_long[200];
	int fd, lines = 0;

	setup();
	memset(too_long, 'x', sizeof(too_long) - 1);
	too_long[sizeof(too_long) - 1] = '\0';
	ck_assert_int_eq(log_syslog_open(too_long), -ENAMETOOLONG);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/log", dir);
	ck_assert_int_eq(log_syslog_open(path), 0);
	errno = 77;
	log_error(NULL, "id", "nobody there");
	ck_assert_int_eq(errno, 77);
	for (int i = 0; i < 2; i++) {
		fd = syslog_bind(path);
		log_error(NULL, "id", "here");
		ck_assert_ptr_nonnull(strstr(syslog_line(fd, "<27>"), "here"));
		close(fd);
		unlink(path);
	}
	fd = syslog_bind(path);
	log_fd_set(-1);
	memset(raw, '\n', sizeof(raw) - 1);
	raw[sizeof(raw) - 1] = '\0';
	for (int i = 0; i < 10000; i++)
		log_error(NULL, "id", "%s", raw);
	while (*syslog_line(fd, "<27>"))
		lines++;
	ck_assert_int_gt(lines, 0);
	ck_assert_int_lt(lines, 10000);
	log_syslog_close();
	close(fd);
	unlink(path);
	rmdir(dir);
	teardown();
}
END_TEST

BH_CHECK_MAIN("log", 10, BH_TEST(test_line),
	BH_TEST(test_long_line_is_one_line), BH_TEST(test_burst_then_rate),
	BH_TEST(test_burst_then_number), BH_TEST(test_syslog),
	BH_TEST(test_syslog_comes_and_goes))
