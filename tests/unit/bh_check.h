/* SPDX-License-Identifier: MIT */
/*
 * bh_check.h - a Check suite in few lines
 *
 * DOC: a unit test file holds START_TEST functions and ends with
 *
 *	BH_CHECK_MAIN("frame", 10,
 *		BH_TEST(test_alloc),
 *		BH_LOOP(test_every_type, NR_TYPES),	// uses _i
 *		BH_SIGNAL(test_double_free_dies, SIGABRT),
 *		BH_EXIT(test_bad_option_exits, 2))
 *
 * Every test runs in a process of its own (CK_FORK=no in the environment
 * switches that off, for a debugger), is killed after the given number of
 * seconds (CK_TIMEOUT_MULTIPLIER stretches all limits, for valgrind), and
 * fails if it leaves a descriptor open that was not open before it.
 * BH_SIGNAL and BH_EXIT tests end before that last check.
 *
 * The process exits 0 when every test passed, 1 otherwise.  Check prints
 * "NN%: Checks: n, Failures: n, Errors: n" and a line per failed test.
 */
#ifndef TESTS_UNIT_BH_CHECK_H
#define TESTS_UNIT_BH_CHECK_H

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct bh_test {
	const TTest *test;
	int loops;
	int signal; /* expected to die of it, or 0 */
	int exit;   /* expected exit code, or 0 */
};

/* clang-format off */
#define BH_TEST(fn) { .test = (fn), .loops = 1 }
#define BH_LOOP(fn, n) { .test = (fn), .loops = (n) }
#define BH_SIGNAL(fn, sig) { .test = (fn), .loops = 1, .signal = (sig) }
#define BH_EXIT(fn, code) { .test = (fn), .loops = 1, .exit = (code) }
/* clang-format on */

/*
 * Built with a sanitizer: programs are many times slower, and memory that was
 * freed is kept.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { BH_SANITIZED = 1 };
#else
enum { BH_SANITIZED = 0 };
#endif

enum { BH_FD_MAX = 256 };

/* The open descriptors at the start of the running test, one bit each. */
static unsigned char bh_fds_before[BH_FD_MAX];

static inline void bh_fds_snapshot(void)
{
	for (int fd = 0; fd < BH_FD_MAX; fd++)
		bh_fds_before[fd] = fcntl(fd, F_GETFD) >= 0;
}

static inline void bh_fds_compare(void)
{
	for (int fd = 0; fd < BH_FD_MAX; fd++) {
		char link[32], target[128];
		ssize_t n;

		if (bh_fds_before[fd] || fcntl(fd, F_GETFD) < 0)
			continue;
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		n = readlink(link, target, sizeof(target) - 1);
		target[n < 0 ? 0 : n] = '\0';
		ck_abort_msg("descriptor %d leaked (%s)", fd, target);
	}
}

static inline void bh_check_add(TCase *tc, const struct bh_test *t)
{
	/* what the macros of check.h expand to, with all arguments open */
	_tcase_add_test(tc, t->test, t->signal, t->exit, 0, t->loops);
}

/* Runs a suite; returns the number of tests that did not pass. */
static inline int bh_check_run(
	const char *name, int seconds, const struct bh_test *tests, size_t nr)
{
	Suite *suite = suite_create(name);
	SRunner *runner = srunner_create(suite);
	int failed;

	for (size_t i = 0; i < nr; i++) {
		TCase *tc = tcase_create(tests[i].test->name);

		tcase_set_timeout(tc, BH_SANITIZED ? 5 * seconds : seconds);
		tcase_add_checked_fixture(tc, bh_fds_snapshot, bh_fds_compare);
		bh_check_add(tc, &tests[i]);
		suite_add_tcase(suite, tc);
	}
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	if (srunner_ntests_run(runner) == 0) {
		fprintf(stderr, "%s: no test was run\n", name);
		failed = 1;
	}
	srunner_free(runner);
	return failed;
}

#define BH_CHECK_MAIN(name, seconds, ...)                                    \
	int main(void)                                                       \
	{                                                                    \
		const struct bh_test bh_tests[] = {__VA_ARGS__};             \
                                                                             \
		return bh_check_run((name), (seconds), bh_tests,             \
			       sizeof(bh_tests) / sizeof(bh_tests[0])) != 0; \
	}

#endif
