/* SPDX-License-Identifier: MIT */
/*
 * test_xs_lib.c - xs_write_all(), with a write(2) that does as it is told
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/bh_check.h"

static const ssize_t *step; /* what comes of each write(2); below 0: an errno */
static char written[64];

static ssize_t write_told(int fd, const void *data, size_t len)
{
	ssize_t n = *step++;

	ck_assert_int_eq(fd, 3);
	if (n < 0) {
		errno = (int)-n;
		return -1;
	}
	ck_assert_uint_le((size_t)n, len);
	strncat(written, data, (size_t)n);
	return n;
}

#define write write_told
#include "libxs/xs_lib.c"
#undef write

START_TEST(test_whole)
{
	step = (const ssize_t[]){2, -EINTR, 1, 3};
	ck_assert(xs_write_all(3, "abcdef", 6));
	ck_assert_str_eq(written, "abcdef");
	ck_assert(xs_write_all(3, "", 0));
}
END_TEST

START_TEST(test_error)
{
	step = (const ssize_t[]){2, -ENOSPC};
	ck_assert(!xs_write_all(3, "abcdef", 6));
	ck_assert_int_eq(errno, ENOSPC);
}
END_TEST

/* What takes nothing, and does not say why, will not take it later. */
START_TEST(test_nothing)
{
	step = (const ssize_t[]){2, 0, -EBADMSG};
	ck_assert(!xs_write_all(3, "abcdef", 6));
	ck_assert_int_eq(errno, EIO);
}
END_TEST

BH_CHECK_MAIN("xs_lib", 10, BH_TEST(test_whole), BH_TEST(test_error),
	BH_TEST(test_nothing))
