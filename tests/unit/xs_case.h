/* SPDX-License-Identifier: MIT */
/*
 * xs_case.h - one daemon and one privileged client, for a suite of tests
 *
 * Included by the test programs themselves: each has its own.  A test is
 * between setup() and teardown().
 */
#ifndef TESTS_UNIT_XS_CASE_H
#define TESTS_UNIT_XS_CASE_H

#include "tests/unit/bh_check.h"
#include "tests/unit/xs_fixture.h"

static struct fx *fx;
static int k; /* a privileged client, as fx_ask() takes it */
static struct fx_msg msg;

static inline void setup(void)
{
	fx = fx_new();
	k = -fx_client(fx);
}

static inline void teardown(void)
{
	close(-k);
	fx_free(fx);
}

/* A request with one string, see fx_ask(). */
static inline int ask(int who, uint32_t op, const char *arg)
{
	return fx_ask(fx, who, op, arg, strlen(arg) + 1, &msg);
}

/* A guest with a home it owns. */
static inline void home(uint16_t domid)
{
	char path[64];
	size_t n;

	fx_guest(fx, -k, domid);
	n = (size_t)snprintf(path, sizeof(path), "/local/domain/%u", domid) + 1;
	ck_assert_int_eq(fx_ask(fx, k, XS_OP_MKDIR, path, n, &msg), 0);
	n += (size_t)snprintf(path + n, sizeof(path) - n, "n%u", domid) + 1;
	ck_assert_int_eq(fx_ask(fx, k, XS_OP_SET_PERMS, path, n, &msg), 0);
}

#endif
