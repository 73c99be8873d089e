/* SPDX-License-Identifier: MIT */
/*
 * policy.c: who may do what.  The whole policy of the machine is this table.
 */
#include "hv/core/internal.h"

/*
 * What the caller is to the target.  A caller may be several of these; what
 * one of them allows is allowed.
 */
enum role {
	ROLE_CONTROL = 1 << 0, /* the control domain */
	ROLE_STUB = 1 << 1,    /* the stubdomain of the target */
	ROLE_SELF = 1 << 2,    /* the target itself */
	ROLE_STORE = 1 << 3,   /* serves the store */
	ROLE_GUEST = 1 << 4,   /* any domain */
};

/*
 * A driver domain is no role, on purpose: what its frontends grant is all that
 * it may touch.
 */
static const uint8_t table[HV_OP_NR] = {
	[HV_OP_DOM_INFO] = ROLE_CONTROL | ROLE_STORE,
	[HV_OP_DOM_CREATE] = ROLE_CONTROL,
	[HV_OP_DOM_CONTROL] = ROLE_CONTROL,
	[HV_OP_SELF_SHUTDOWN] = ROLE_SELF,
	[HV_OP_MEM_OWN] = ROLE_SELF,
	[HV_OP_MEM_FOREIGN] = ROLE_CONTROL | ROLE_STUB,
	[HV_OP_EVTCHN_OWN] = ROLE_SELF,
	[HV_OP_EVTCHN_FOR] = ROLE_CONTROL | ROLE_STUB | ROLE_SELF,
	[HV_OP_GNT_MAP] = ROLE_GUEST,
	[HV_OP_GNT_OWN] = ROLE_SELF,
	[HV_OP_GNT_FOR] = ROLE_CONTROL | ROLE_STUB | ROLE_SELF,
	[HV_OP_PARAM_OWN] = ROLE_SELF,
	[HV_OP_PARAM_FOR] = ROLE_CONTROL | ROLE_STUB,
	[HV_OP_MACHINE_INFO] = ROLE_CONTROL,
	[HV_OP_VERSION] = ROLE_GUEST,
};

static uint8_t roles_of(
	const struct hv_dom *caller, const struct hv_dom *target)
{
	uint8_t roles = ROLE_GUEST;

	if (caller->cfg.control)
		roles |= ROLE_CONTROL;
	if (caller->cfg.xenstore)
		roles |= ROLE_STORE;
	if (!target)
		return roles;
	if (caller == target)
		roles |= ROLE_SELF;
	if (instance_is(caller->target, target))
		roles |= ROLE_STUB;
	return roles;
}

int hv_may(
	const struct hv_dom *caller, enum hv_op op, const struct hv_dom *target)
{
	if ((unsigned int)op >= HV_OP_NR)
		return -EPERM;
	return table[op] & roles_of(caller, target) ? 0 : -EPERM;
}
