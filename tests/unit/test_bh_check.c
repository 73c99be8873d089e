// SPDX-License-Identifier: MIT
/*
 * test_bh_check.c - the unit test harness tested: it must be able to fail
 *
 * The program runs itself with the name of a victim suite as its argument
 * and looks at the exit status and at what Check printed.
 */
#include "tests/unit/bh_check.h"

#include <sys/wait.h>
#include <time.h>

static const char *self;

START_TEST(victim_pass)
{
	int fd = open("/dev/null", O_RDONLY);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(close(fd), 0);
}
END_TEST

START_TEST(victim_leak)
{
	ck_assert_int_ge(open("/dev/null", O_RDONLY), 0);
}
END_TEST

START_TEST(victim_hang)
{
	const struct timespec ts = {.tv_sec = 60};

	nanosleep(&ts, NULL);
}
END_TEST

START_TEST(victim_crash)
{
	signal(SIGABRT, SIG_DFL);
	abort();
}
END_TEST

START_TEST(victim_exit)
{
	_exit(3);
}
END_TEST

START_TEST(victim_loop)
{
	ck_assert_int_ne(_i, 2);
}
END_TEST

static const struct {
	const char *name;
	const TTest *const *test;
	struct bh_test how;
	int status;
	const char *line; /* must occur in the output */
} victims[] = {
	{"pass", &victim_pass, {.loops = 1}, 0, "100%: Checks: 1"},
	{"leak", &victim_leak, {.loops = 1}, 1, "leaked (/dev/null)"},
	{"hang", &victim_hang, {.loops = 1}, 1, "Test timeout expired"},
	{"crash", &victim_crash, {.loops = 1}, 1, "Errors: 1"},
	{"signal", &victim_crash, {.loops = 1, .signal = SIGABRT}, 0, "100%"},
	{"exit", &victim_exit, {.loops = 1, .exit = 3}, 0, "100%"},
	{"wrong-exit", &victim_exit, {.loops = 1, .exit = 4}, 1, "exit"},
	{"loop", &victim_loop, {.loops = 4}, 1, "75%: Checks: 4"},
	{"none", &victim_pass, {.loops = 0}, 1, "no test was run"},
};

enum { NR_VICTIMS = sizeof(victims) / sizeof(victims[0]) };

static int victim_run(const char *name)
{
	for (int i = 0; i < NR_VICTIMS; i++) {
		struct bh_test t = victims[i].how;

		if (strcmp(victims[i].name, name) != 0)
			continue;
		t.test = *victims[i].test;
		return bh_check_run(name, 1, &t, 1) != 0;
	}
	return 2;
}

START_TEST(test_victim)
{
	char cmd[4096], out[4096];
	size_t n;
	FILE *f;
	int st;

	/* a limit in the environment must not reach the victim */
	snprintf(cmd, sizeof(cmd),
		"CK_TIMEOUT_MULTIPLIER=1 CK_FORK=yes "
		"CK_VERBOSITY=normal env -u CK_RUN_CASE '%s' %s 2>&1",
		self, victims[_i].name);
	f = popen(cmd, "r");
	ck_assert_ptr_nonnull(f);
	n = fread(out, 1, sizeof(out) - 1, f);
	out[n] = '\0';
	st = pclose(f);
	ck_assert_msg(WIFEXITED(st) && WEXITSTATUS(st) == victims[_i].status,
		"%s: status %#x: %s", victims[_i].name, (unsigned)st, out);
	ck_assert_msg(strstr(out, victims[_i].line) != NULL, "%s: %s",
		victims[_i].name, out);
}
END_TEST

int main(int argc, char **argv)
{
	const struct bh_test tests[] = {BH_LOOP(test_victim, NR_VICTIMS)};

	self = argv[0];
	if (argc == 2)
		return victim_run(argv[1]);
	return bh_check_run("bh_check", 30, tests, 1) != 0;
}
