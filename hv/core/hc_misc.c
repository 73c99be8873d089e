/* SPDX-License-Identifier: MIT */
/*
 * hc_misc.c: xen_version, sched_op, hvm_op, vcpu_op.
 */
#include "hv/core/hc.h"

#include <xen/hvm/hvm_op.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>

/* ---- xen_version ---------------------------------------------------------- */

/* The interface of the hypercalls below, not a release of anything. */
#define VERSION_MAJOR 4
#define VERSION_MINOR 17

/* Text of at most @size bytes with its NUL, padded with zeros. */
static int64_t out_text(struct hc *h, const char *text, size_t size)
{
	char buf[1024] = {0};

	memcpy(buf, text, strlen(text));
	return hc_write(h, h->arg[1], buf, size) ? -EFAULT : 0;
}

/* What tells of the build is for the control domain alone. */
static const char *guarded(const struct hc *h, const char *text)
{
	return h->dom->cfg.control ? text : "<denied>";
}

/* dst is zeroed, and keeps its last byte */
static void text_set(char *dst, size_t cap, const char *text)
{
	size_t len = strlen(text);

	memcpy(dst, text, len < cap ? len : cap - 1);
}

static int64_t do_compile_info(struct hc *h)
{
	struct xen_compile_info i = {0};

	text_set(i.compiler, sizeof(i.compiler), guarded(h, "cc"));
	text_set(i.compile_by, sizeof(i.compile_by), guarded(h, "bulkhead"));
	text_set(i.compile_domain, sizeof(i.compile_domain),
		guarded(h, "localdomain"));
	text_set(i.compile_date, sizeof(i.compile_date), guarded(h, "unknown"));
	return hc_write(h, h->arg[1], &i, sizeof(i)) ? -EFAULT : 0;
}

static int64_t do_features(struct hc *h)
{
	struct xen_feature_info f;

	if (hc_read(h, &f, h->arg[1], sizeof(f)))
		return -EFAULT;
	f.submap = 0;
	if (f.submap_idx == 0)
		f.submap = 1u << XENFEAT_auto_translated_physmap |
			   1u << XENFEAT_hvm_callback_vector |
			   1u << XENFEAT_memory_op_vnode_supported;
	if (f.submap_idx == 0 && h->dom->cfg.control)
		f.submap |= 1u << XENFEAT_dom0;
	return hc_write(h, h->arg[1], &f, sizeof(f)) ? -EFAULT : 0;
}

static int64_t do_platform(struct hc *h)
{
	struct xen_platform_parameters p = {.virt_start = 0};

	return hc_write(h, h->arg[1], &p, sizeof(p)) ? -EFAULT : 0;
}

int64_t hc_xen_version(struct hc *h)
{
	if (hv_may(h->dom, HV_OP_VERSION, h->dom))
		return -EPERM;
	switch (h->arg[0]) {
	case XENVER_version: return VERSION_MAJOR << 16 | VERSION_MINOR;
	case XENVER_extraversion:
		return out_text(h, "-bulkhead", XEN_EXTRAVERSION_LEN);
	case XENVER_compile_info: return do_compile_info(h);
	case XENVER_capabilities:
		return out_text(h, "xen-3.0-x86_64 hvm-3.0-x86_64",
			XEN_CAPABILITIES_INFO_LEN);
	case XENVER_changeset:
		return out_text(h, guarded(h, "unavailable"),
			sizeof(xen_changeset_info_t));
	case XENVER_platform_parameters: return do_platform(h);
	case XENVER_get_features: return do_features(h);
	case XENVER_pagesize: return HV_PAGE_SIZE;
	case XENVER_guest_handle:
		return hc_write(h, h->arg[1], h->dom->cfg.handle,
			       sizeof(h->dom->cfg.handle))
			       ? -EFAULT
			       : 0;
	case XENVER_commandline:
		return out_text(h, guarded(h, ""), sizeof(xen_commandline_t));
	case XENVER_build_id: return h->dom->cfg.control ? -ENODATA : -EPERM;
	default: return -ENOSYS;
	}
}

/* ---- sched_op -------------------------------------------------------------- */

static int64_t do_shutdown(struct hc *h)
{
	struct sched_shutdown s;
	int r;

	if (hc_read(h, &s, h->arg[1], sizeof(s)))
		return -EFAULT;
	r = hv_may(h->dom, HV_OP_SELF_SHUTDOWN, h->dom);
	return r ? r : hv_dom_shutdown(h->dom, s.reason);
}

static int64_t do_remote_shutdown(struct hc *h)
{
	struct sched_remote_shutdown s;
	struct hv_dom *d;
	int r;

	if (hc_read(h, &s, h->arg[1], sizeof(s)))
		return -EFAULT;
	r = hv_may(h->dom, HV_OP_DOM_CONTROL, NULL);
	if (r)
		return r;
	d = hv_dom_find(h->hv, s.domain_id);
	return d ? hv_dom_shutdown(d, s.reason) : -ESRCH;
}

/*
 * There is nobody to put to sleep here: a poll looks once.  A guest has to
 * cope with waking for nothing anyway.  Ports that nobody can signal are
 * refused, so that no guest waits for one for ever.
 */
static int64_t do_poll(struct hc *h)
{
	struct sched_poll p;
	const struct hv_port *c;
	uint64_t addr;
	uint32_t i, port;

	if (hc_read(h, &p, h->arg[1], sizeof(p)))
		return -EFAULT;
	if (p.nr_ports > 128)
		return -EINVAL;
	for (i = 0; i < p.nr_ports; i++) {
		if (!hc_elem(HC_ADDR(p.ports), i, sizeof(port), &addr) ||
			hc_read(h, &port, addr, sizeof(port)))
			return -EFAULT;
		c = evtchn_port(h->dom, port);
		if (!c || c->state == PORT_FREE)
			return -EINVAL;
	}
	return 0;
}

int64_t hc_sched_op(struct hc *h)
{
	switch (h->arg[0]) {
	case SCHEDOP_yield:
	case SCHEDOP_block:
		return 0; /* how a process sleeps is its own business */
	case SCHEDOP_shutdown: return do_shutdown(h);
	case SCHEDOP_poll: return do_poll(h);
	case SCHEDOP_remote_shutdown: return do_remote_shutdown(h);
	default: return -ENOSYS;
	}
}

/* ---- hvm_op ----------------------------------------------------------------- */

static int param_right(
	struct hc *h, const struct hv_dom *d, bool set, uint32_t index)
{
	/* how it wants to be interrupted is a guest's own choice */
	if (d == h->dom && (!set || index == HVM_PARAM_CALLBACK_IRQ))
		return hv_may(h->dom, HV_OP_PARAM_OWN, d);
	return hv_may(h->dom, HV_OP_PARAM_FOR, d);
}

static int64_t do_param(struct hc *h, bool set)
{
	struct xen_hvm_param p;
	struct hv_dom *d;
	int r;

	if (hc_read(h, &p, h->arg[1], sizeof(p)))
		return -EFAULT;
	d = dom_resolve(h->dom, p.domid);
	if (!d)
		return -ESRCH;
	r = param_right(h, d, set, p.index);
	if (r)
		return r;
	if (set)
		return hv_dom_param_set(d, p.index, p.value);
	r = hv_dom_param_get(d, p.index, &p.value);
	if (!r && hc_write(h, h->arg[1], &p, sizeof(p)))
		return -EFAULT;
	return r;
}

int64_t hc_hvm_op(struct hc *h)
{
	switch (h->arg[0]) {
	case HVMOP_set_param: return do_param(h, true);
	case HVMOP_get_param: return do_param(h, false);
	default: return -ENOSYS;
	}
}

/* ---- vcpu_op ---------------------------------------------------------------- */

/* All virtual CPUs of a domain are up from its birth. */
int64_t hc_vcpu_op(struct hc *h)
{
	if (h->arg[1] >= h->dom->cfg.max_vcpus)
		return -ENOENT;
	switch (h->arg[0]) {
	case VCPUOP_is_up: return 1;
	default: return -ENOSYS;
	}
}
