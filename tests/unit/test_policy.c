/* SPDX-License-Identifier: MIT */
/*
 * test_policy.c - the whole table: every operation, every kind of caller
 */
#include "tests/unit/hv_host.h"

#include "tests/unit/bh_check.h"

#include <errno.h>

enum { CONTROL, STUB, STORE, GUEST, CALLERS };

/* Written down a second time on purpose: by operation, who may do it to
 * itself, to a guest (of which the stubdomain is one's), to the machine. */
static const char *const want[HV_OP_NR] = {
	/* self: c s x g, guest: the same, no target: the same */
	[HV_OP_DOM_INFO] = "y-y- y-y- y-y-",
	[HV_OP_DOM_CREATE] = "y--- y--- y---",
	[HV_OP_DOM_CONTROL] = "y--- y--- y---",
	[HV_OP_SELF_SHUTDOWN] = "yyyy ---- ----",
	[HV_OP_MEM_OWN] = "yyyy ---- ----",
	[HV_OP_MEM_FOREIGN] = "y--- yy-- y---",
	[HV_OP_EVTCHN_OWN] = "yyyy ---- ----",
	[HV_OP_EVTCHN_FOR] = "yyyy yy-- y---",
	[HV_OP_GNT_MAP] = "yyyy yyyy yyyy",
	[HV_OP_GNT_OWN] = "yyyy ---- ----",
	[HV_OP_GNT_FOR] = "yyyy yy-- y---",
	[HV_OP_PARAM_OWN] = "yyyy ---- ----",
	[HV_OP_PARAM_FOR] = "y--- yy-- y---",
	[HV_OP_MACHINE_INFO] = "y--- y--- y---",
	[HV_OP_VERSION] = "yyyy yyyy yyyy",
};

START_TEST(test_table)
{
	struct hv_dom *who[CALLERS], *target;
	struct test_host h = {0};

	ck_assert(host_init(&h, NULL));
	target = host_dom(&h, 9, 0);
	for (int i = 0; i < CALLERS; i++) {
		struct hv_dom_config cfg = {.bits = 64,
			.control = i == CONTROL,
			.xenstore = i == STORE};

		ck_assert_int_eq(
			hv_dom_create(h.hv, (uint32_t)i, &cfg, &who[i]), 0);
	}
	ck_assert_int_eq(hv_dom_set_target(who[STUB], 9), 0);
	for (int op = 0; op < HV_OP_NR; op++) {
		for (int i = 0; i < CALLERS; i++) {
			const struct hv_dom *targets[] = {who[i], target, NULL};

			for (int t = 0; t < 3; t++) {
				int r = hv_may(
					who[i], (enum hv_op)op, targets[t]);

				ck_assert_msg(r == (want[op][t * 5 + i] == 'y'
								   ? 0
								   : -EPERM),
					"op %d caller %d target %d", op, i, t);
			}
		}
	}
	ck_assert_int_eq(hv_may(who[CONTROL], HV_OP_NR, target), -EPERM);
	host_end(&h);
}
END_TEST

BH_CHECK_MAIN("policy", 60, BH_TEST(test_table))
