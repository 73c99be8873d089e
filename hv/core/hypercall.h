/* SPDX-License-Identifier: MIT */
/*
 * hypercall.h: the hypercall ABI over the engine.
 *
 * A struct hv_call is one vCPU's way in: in hvd one per session.  It holds
 * the continuation of a call that ran out of budget.
 */
#ifndef HV_CORE_HYPERCALL_H
#define HV_CORE_HYPERCALL_H

#include "hv/core/hv.h"

/*
 * Guest memory as a call sees it: 0 or -EFAULT, nothing partial.  The bytes
 * are copied once; the engine never looks at an address twice.
 */
struct hv_gmem {
	int (*read)(struct hv_gmem *m, void *dst, uint64_t addr, size_t len);
	int (*write)(
		struct hv_gmem *m, uint64_t addr, const void *src, size_t len);
};

struct hv_call {
	/* the caller's; zero the rest before the first call */
	struct hv_dom *dom;
	struct hv_gmem *mem;
	uint32_t budget; /* work units; filled again before each entry;
			  * a host callback may take of it, too */
	/* the engine's */
	struct hv *hv;
	unsigned int op; /* of the call to continue, see hv_call_pending() */
	uint64_t arg[6]; /* in a multicall: of the entry under way */
	bool pending;
	bool in_multicall;
	bool fetched;        /* a multicall entry is in op and arg */
	uint32_t multi_next; /* entry at which a multicall goes on */
	uint32_t multi_nr;
	uint64_t multi_list;
	uint64_t progress; /* of the sub-operation */
	uint64_t state[2]; /* of the sub-operation: whom it is about */
};

/*
 * hv_hypercall: run hypercall @op (__HYPERVISOR_* of xen/xen.h) for c->dom.
 * Returns the guest's result (>= 0, or a negative Xen errno), or -ERESTART:
 * the budget is used up, call hv_hypercall_continue() later, before any
 * other call on @c (which is -EINVAL).  The argument structures are those of
 * a 64-bit caller, whatever hv_dom_config.bits is.  c->dom must be alive: a
 * dying domain gets -ESRCH, and the host drops its calls before it is freed.
 */
int64_t hv_hypercall(struct hv_call *c, unsigned int op, const uint64_t arg[6]);
int64_t hv_hypercall_continue(struct hv_call *c);

static inline bool hv_call_pending(const struct hv_call *c)
{
	return c->pending;
}

/*
 * hv_hypercall_abort: the caller goes away (its session ended): give up what
 * is pending.  What a call has done so far stays done; a reset of event
 * channels under way no longer blocks another one.  Needed before @c is
 * dropped with hv_call_pending(); harmless else.  It may be called from the
 * dom_event callback, and when c->dom is gone already.
 */
void hv_hypercall_abort(struct hv_call *c);

/*
 * hv_may: may @caller do @op to @target?  The whole of the machine's policy
 * is this one table (operation x role of the caller).
 */
enum hv_op {
	HV_OP_DOM_INFO, /* getdomaininfo, list */
	HV_OP_DOM_CREATE,
	HV_OP_DOM_CONTROL, /* pause, destroy, max_mem, handle, target, ... */
	HV_OP_SELF_SHUTDOWN,
	HV_OP_MEM_OWN,     /* reservation of its own memory */
	HV_OP_MEM_FOREIGN, /* map or change another domain's memory */
	HV_OP_EVTCHN_OWN,
	HV_OP_EVTCHN_FOR, /* alloc_unbound, status, reset of another */
	HV_OP_GNT_MAP,
	HV_OP_GNT_OWN,
	HV_OP_GNT_FOR,      /* setup_table, query of another */
	HV_OP_PARAM_OWN,    /* read HVM parameters */
	HV_OP_PARAM_FOR,    /* set them, or read another's */
	HV_OP_MACHINE_INFO, /* physinfo, console log, scheduler */
	HV_OP_VERSION,
	HV_OP_NR
};
int hv_may(const struct hv_dom *caller, enum hv_op op,
	const struct hv_dom *target);

#endif
