/* SPDX-License-Identifier: MIT */
/* hv_greedy.c: domains that want all of hvd: its log, its time */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "hv/proto/proto.h"
#include "tests/sys/stand.h"
#include "tests/unit/bh_check.h"

#define FLOOD 20000

static struct stand s;

/* Lines of domain 1 in the machine's log, and the sum of those that it says
 * it has left out. */
static unsigned int log_lines(unsigned int *more)
{
	char path[128], line[600];
	unsigned int lines = 0, n;
	const char *p;
	FILE *f;

	*more = 0;
	snprintf(path, sizeof(path), "%s/hvd.log", s.dir);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f)) {
		p = strstr(line, "] d1 (d1): ");
		if (!p || strstr(p, ": destroyed"))
			continue;
		if (sscanf(p, "] d1 (d1): %u more lines in the last", &n) == 1)
			*more += n;
		else
			lines++;
	}
	fclose(f);
	return lines;
}

/* What its processes can make hvd say is a burst and a number: after a while
 * (_i == 0), or when the domain ends before. */
START_TEST(test_log)
{
	char count[16];
	unsigned int lines, more = 0;

	snprintf(count, sizeof(count), "%d", FLOOD);
	setenv("BH_FLOOD", count, 1);
	ck_assert_int_eq(stand_start(&s), 0);
	ck_assert_int_eq(stand_domain(&s, 1, 1024), 0);
	if (_i) {
		usleep(200000);
		ck_assert_int_eq(stand_destroy(&s, 1), 0);
	}
	for (int i = 0; i < (_i ? 30 : 200); i++) {
		usleep(100000);
		lines = log_lines(&more);
		ck_assert_uint_le(lines, 40);
		if (lines + more == FLOOD || (_i && more))
			break;
	}
	ck_assert_uint_gt(more, 0);
	if (!_i) {
		ck_assert_uint_eq(lines + more, FLOOD);
		ck_assert_int_eq(stand_destroy(&s, 1), 0);
	}
	unsetenv("BH_FLOOD");
	ck_assert_int_eq(stand_stop(&s), 0);
}
END_TEST

BH_CHECK_MAIN("hv_greedy", 60, BH_LOOP(test_log, 2))
