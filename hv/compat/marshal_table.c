/* SPDX-License-Identifier: MIT */
/*
 * marshal_table.c: the structures of hypercalls, from Xen's public headers.
 *
 * A row that is missing for domctl, sysctl and xsm_op is one without
 * pointers in it, or one that hvd does not have: the structure travels.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define __XEN_TOOLS__ 1
#include <xen/xen.h>
#include <xen/domctl.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/version.h>
#include <xen/xsm/flask_op.h>

#include "hv/compat/marshal.h"

/* clang-format off */

/* A pointer @f of struct @s, @n elements of type @t. */
#define PTR(s, f, kind, n, t, d) \
	{ .at = offsetof(struct s, f), .count_at = offsetof(struct s, n), \
	  .count = HC_##kind, .unit = sizeof(t), .dir = HC_##d }
/* The same, for the values or flags in @set of 32 bits at @w. */
#define PTR_IF(s, f, kind, n, t, d, w, set, flags) \
	{ .at = offsetof(struct s, f), .count_at = offsetof(struct s, n), \
	  .count = HC_##kind, .unit = sizeof(t), .dir = HC_##d, \
	  .if_at = offsetof(struct s, w), .if_set = (set), .if_flags = (flags) }

#define ROW(c, s, d, ...) \
	{ .cmd = (c), .size = sizeof(s), .dir = HC_##d, .ptr = { __VA_ARGS__ } }

static const struct hc_row memory_rows[] = {
	ROW(XENMEM_increase_reservation, struct xen_memory_reservation, INOUT,
		PTR(xen_memory_reservation, extent_start, U64, nr_extents,
			xen_pfn_t, OUT)),
	ROW(XENMEM_decrease_reservation, struct xen_memory_reservation, INOUT,
		PTR(xen_memory_reservation, extent_start, U64, nr_extents,
			xen_pfn_t, IN)),
	ROW(XENMEM_populate_physmap, struct xen_memory_reservation, INOUT,
		PTR(xen_memory_reservation, extent_start, U64, nr_extents,
			xen_pfn_t, INOUT)),
	ROW(XENMEM_claim_pages, struct xen_memory_reservation, INOUT),
	ROW(XENMEM_exchange, struct xen_memory_exchange, INOUT,
		PTR(xen_memory_exchange, in.extent_start, U64, in.nr_extents,
			xen_pfn_t, IN),
		PTR(xen_memory_exchange, out.extent_start, U64,
			out.nr_extents, xen_pfn_t, INOUT)),
	ROW(XENMEM_current_reservation, domid_t, IN),
	ROW(XENMEM_maximum_reservation, domid_t, IN),
	ROW(XENMEM_maximum_gpfn, domid_t, IN),
	ROW(XENMEM_machphys_mfn_list, struct xen_machphys_mfn_list, INOUT,
		PTR(xen_machphys_mfn_list, extent_start, U32, max_extents,
			xen_pfn_t, OUT)),
	ROW(XENMEM_machphys_mapping, struct xen_machphys_mapping, OUT),
	ROW(XENMEM_add_to_physmap, struct xen_add_to_physmap, INOUT),
	ROW(XENMEM_add_to_physmap_batch, struct xen_add_to_physmap_batch,
		INOUT,
		PTR(xen_add_to_physmap_batch, idxs, U16, size, xen_ulong_t,
			IN),
		PTR(xen_add_to_physmap_batch, gpfns, U16, size, xen_pfn_t,
			IN),
		PTR(xen_add_to_physmap_batch, errs, U16, size, int, OUT)),
	ROW(XENMEM_remove_from_physmap, struct xen_remove_from_physmap, IN),
	/* entries of the e820 format: 20 bytes */
	ROW(XENMEM_memory_map, struct xen_memory_map, INOUT,
		PTR(xen_memory_map, buffer, U32, nr_entries, uint8_t[20],
			OUT)),
	ROW(XENMEM_machine_memory_map, struct xen_memory_map, INOUT,
		PTR(xen_memory_map, buffer, U32, nr_entries, uint8_t[20],
			OUT)),
	ROW(XENMEM_set_memory_map, struct xen_foreign_memory_map, IN,
		PTR(xen_foreign_memory_map, map.buffer, U32, map.nr_entries,
			uint8_t[20], IN)),
	ROW(XENMEM_set_pod_target, struct xen_pod_target, INOUT),
	ROW(XENMEM_get_pod_target, struct xen_pod_target, INOUT),
	ROW(XENMEM_reserved_device_memory_map,
		struct xen_reserved_device_memory_map, INOUT,
		PTR(xen_reserved_device_memory_map, buffer, U32, nr_entries,
			struct xen_reserved_device_memory, OUT)),
	ROW(XENMEM_acquire_resource, struct xen_mem_acquire_resource, INOUT,
		PTR(xen_mem_acquire_resource, frame_list, U32, nr_frames,
			xen_pfn_t, INOUT)),
	ROW(XENMEM_get_vnumainfo, struct xen_vnuma_topology_info, INOUT,
		PTR(xen_vnuma_topology_info, vdistance.h, SQUARE, nr_vnodes,
			unsigned int, OUT),
		PTR(xen_vnuma_topology_info, vcpu_to_vnode.h, U32, nr_vcpus,
			unsigned int, OUT),
		PTR(xen_vnuma_topology_info, vmemrange.h, U32,
			nr_vmemranges, struct xen_vmemrange, OUT)),
};

static const struct hc_row version_rows[] = {
	ROW(XENVER_extraversion, xen_extraversion_t, OUT),
	ROW(XENVER_compile_info, struct xen_compile_info, OUT),
	ROW(XENVER_capabilities, xen_capabilities_info_t, OUT),
	ROW(XENVER_changeset, xen_changeset_info_t, OUT),
	ROW(XENVER_platform_parameters, struct xen_platform_parameters, OUT),
	ROW(XENVER_get_features, struct xen_feature_info, INOUT),
	ROW(XENVER_guest_handle, xen_domain_handle_t, OUT),
	ROW(XENVER_commandline, xen_commandline_t, OUT),
};

static const struct hc_row evtchn_rows[] = {
	ROW(EVTCHNOP_bind_interdomain, struct evtchn_bind_interdomain, INOUT),
	ROW(EVTCHNOP_bind_virq, struct evtchn_bind_virq, INOUT),
	ROW(EVTCHNOP_bind_pirq, struct evtchn_bind_pirq, INOUT),
	ROW(EVTCHNOP_close, struct evtchn_close, IN),
	ROW(EVTCHNOP_send, struct evtchn_send, IN),
	ROW(EVTCHNOP_status, struct evtchn_status, INOUT),
	ROW(EVTCHNOP_alloc_unbound, struct evtchn_alloc_unbound, INOUT),
	ROW(EVTCHNOP_bind_ipi, struct evtchn_bind_ipi, INOUT),
	ROW(EVTCHNOP_bind_vcpu, struct evtchn_bind_vcpu, IN),
	ROW(EVTCHNOP_unmask, struct evtchn_unmask, IN),
	ROW(EVTCHNOP_reset, struct evtchn_reset, IN),
	ROW(EVTCHNOP_init_control, struct evtchn_init_control, INOUT),
	ROW(EVTCHNOP_expand_array, struct evtchn_expand_array, IN),
	ROW(EVTCHNOP_set_priority, struct evtchn_set_priority, IN),
};

static const struct hc_row sched_rows[] = {
	ROW(SCHEDOP_shutdown, struct sched_shutdown, IN),
	ROW(SCHEDOP_shutdown_code, struct sched_shutdown, IN),
	ROW(SCHEDOP_poll, struct sched_poll, IN,
		PTR(sched_poll, ports, U32, nr_ports, evtchn_port_t, IN)),
	ROW(SCHEDOP_remote_shutdown, struct sched_remote_shutdown, IN),
	ROW(SCHEDOP_watchdog, struct sched_watchdog, IN),
	ROW(SCHEDOP_pin_override, struct sched_pin_override, IN),
};

static const struct hc_row hvm_rows[] = {
	ROW(HVMOP_set_param, struct xen_hvm_param, IN),
	ROW(HVMOP_get_param, struct xen_hvm_param, INOUT),
	ROW(HVMOP_pagetable_dying, struct xen_hvm_pagetable_dying, IN),
	ROW(HVMOP_get_time, struct xen_hvm_get_time, OUT),
	ROW(HVMOP_get_mem_type, struct xen_hvm_get_mem_type, INOUT),
	ROW(HVMOP_set_evtchn_upcall_vector,
		struct xen_hvm_evtchn_upcall_vector, IN),
};

static const struct hc_row gnttab_rows[] = {
	ROW(GNTTABOP_map_grant_ref, struct gnttab_map_grant_ref, INOUT),
	ROW(GNTTABOP_unmap_grant_ref, struct gnttab_unmap_grant_ref, INOUT),
	ROW(GNTTABOP_setup_table, struct gnttab_setup_table, INOUT,
		PTR(gnttab_setup_table, frame_list, U32, nr_frames,
			xen_pfn_t, OUT)),
	ROW(GNTTABOP_dump_table, struct gnttab_dump_table, INOUT),
	ROW(GNTTABOP_transfer, struct gnttab_transfer, INOUT),
	ROW(GNTTABOP_copy, struct gnttab_copy, INOUT),
	ROW(GNTTABOP_query_size, struct gnttab_query_size, INOUT),
	ROW(GNTTABOP_unmap_and_replace, struct gnttab_unmap_and_replace,
		INOUT),
	ROW(GNTTABOP_set_version, struct gnttab_set_version, INOUT),
	ROW(GNTTABOP_get_status_frames, struct gnttab_get_status_frames,
		INOUT,
		PTR(gnttab_get_status_frames, frame_list, U32, nr_frames,
			uint64_t, OUT)),
	ROW(GNTTABOP_get_version, struct gnttab_get_version, INOUT),
	ROW(GNTTABOP_swap_grant_ref, struct gnttab_swap_grant_ref, INOUT),
	ROW(GNTTABOP_cache_flush, struct gnttab_cache_flush, IN),
};

/* What sysctls and domctls point at is in a member @m of their union. */
#define SYSCTL_PTR(m, f, kind, n, t, d) \
	PTR(xen_sysctl, u.m.f, kind, u.m.n, t, d)
#define SYSCTL_ROW(c, ...) \
	ROW(XEN_SYSCTL_##c, struct xen_sysctl, INOUT, __VA_ARGS__)
#define DOMCTL_PTR(m, f, kind, n, t, d) \
	PTR(xen_domctl, u.m.f, kind, u.m.n, t, d)
#define DOMCTL_ROW(c, ...) \
	ROW(XEN_DOMCTL_##c, struct xen_domctl, INOUT, __VA_ARGS__)

static const struct hc_row sysctl_rows[] = {
	SYSCTL_ROW(readconsole,
		SYSCTL_PTR(readconsole, buffer, U32, count, char, OUT)),
	SYSCTL_ROW(getdomaininfolist,
		SYSCTL_PTR(getdomaininfolist, buffer, U32, max_domains,
			struct xen_domctl_getdomaininfo, OUT)),
	SYSCTL_ROW(debug_keys,
		SYSCTL_PTR(debug_keys, keys, U32, nr_keys, char, IN)),
	SYSCTL_ROW(getcpuinfo,
		SYSCTL_PTR(getcpuinfo, info, U32, max_cpus,
			struct xen_sysctl_cpuinfo, OUT)),
	SYSCTL_ROW(cputopoinfo,
		SYSCTL_PTR(cputopoinfo, cputopo, U32, num_cpus,
			struct xen_sysctl_cputopo, OUT)),
	SYSCTL_ROW(numainfo,
		SYSCTL_PTR(numainfo, meminfo, U32, num_nodes,
			struct xen_sysctl_meminfo, OUT),
		SYSCTL_PTR(numainfo, distance, SQUARE, num_nodes,
			uint32_t, OUT)),
	SYSCTL_ROW(pcitopoinfo,
		SYSCTL_PTR(pcitopoinfo, devs, U32, num_devs,
			struct physdev_pci_device, IN),
		SYSCTL_PTR(pcitopoinfo, nodes, U32, num_devs, uint32_t, OUT)),
	/* the map is set for some of the operations only */
	SYSCTL_ROW(cpupool_op,
		PTR_IF(xen_sysctl, u.cpupool_op.cpumap.bitmap, BITS32,
			u.cpupool_op.cpumap.nr_bits, uint8_t, OUT,
			u.cpupool_op.op,
			1 << XEN_SYSCTL_CPUPOOL_OP_INFO |
				1 << XEN_SYSCTL_CPUPOOL_OP_FREEINFO,
			false)),
	SYSCTL_ROW(get_cpu_featureset,
		SYSCTL_PTR(cpu_featureset, features, U32, nr_features,
			uint32_t, OUT)),
#if defined(__i386__) || defined(__x86_64__)
	SYSCTL_ROW(get_cpu_policy,
		SYSCTL_PTR(cpu_policy, leaves, U32, nr_leaves,
			xen_cpuid_leaf_t, OUT),
		SYSCTL_PTR(cpu_policy, msrs, U32, nr_msrs,
			xen_msr_entry_t, OUT)),
#endif
};

#define AFFINITY_PTR(map, flag) \
	PTR_IF(xen_domctl, u.vcpuaffinity.map.bitmap, BITS32, \
		u.vcpuaffinity.map.nr_bits, uint8_t, INOUT, \
		u.vcpuaffinity.flags, flag, true)
#define AFFINITY_ROW(c) \
	DOMCTL_ROW(c, AFFINITY_PTR(cpumap_hard, XEN_VCPUAFFINITY_HARD), \
		AFFINITY_PTR(cpumap_soft, XEN_VCPUAFFINITY_SOFT))
#define POLICY_ROW(c, d) \
	DOMCTL_ROW(c, DOMCTL_PTR(cpu_policy, leaves, U32, nr_leaves, \
			xen_cpuid_leaf_t, d), \
		DOMCTL_PTR(cpu_policy, msrs, U32, nr_msrs, \
			xen_msr_entry_t, d))

static const struct hc_row domctl_rows[] = {
	AFFINITY_ROW(setvcpuaffinity),
	AFFINITY_ROW(getvcpuaffinity),
	DOMCTL_ROW(setnodeaffinity,
		DOMCTL_PTR(nodeaffinity, nodemap.bitmap, BITS32,
			nodemap.nr_bits, uint8_t, IN)),
	DOMCTL_ROW(getnodeaffinity,
		DOMCTL_PTR(nodeaffinity, nodemap.bitmap, BITS32,
			nodemap.nr_bits, uint8_t, OUT)),
	DOMCTL_ROW(setvcpucontext,
		DOMCTL_PTR(vcpucontext, ctxt, ONE, vcpu,
			struct vcpu_guest_context, IN)),
	DOMCTL_ROW(getvcpucontext,
		DOMCTL_PTR(vcpucontext, ctxt, ONE, vcpu,
			struct vcpu_guest_context, OUT)),
	DOMCTL_ROW(gethvmcontext,
		DOMCTL_PTR(hvmcontext, buffer, U32, size, uint8_t, OUT)),
	DOMCTL_ROW(sethvmcontext,
		DOMCTL_PTR(hvmcontext, buffer, U32, size, uint8_t, IN)),
	DOMCTL_ROW(gethvmcontext_partial,
		DOMCTL_PTR(hvmcontext_partial, buffer, U64, bufsz,
			uint8_t, OUT)),
	DOMCTL_ROW(getpageframeinfo3,
		DOMCTL_PTR(getpageframeinfo3, array, U64, num,
			xen_pfn_t, INOUT)),
	DOMCTL_ROW(shadow_op,
		PTR_IF(xen_domctl, u.shadow_op.dirty_bitmap, BITS64,
			u.shadow_op.pages, uint8_t, OUT, u.shadow_op.op,
			1 << XEN_DOMCTL_SHADOW_OP_CLEAN |
				1 << XEN_DOMCTL_SHADOW_OP_PEEK,
			false)),
	DOMCTL_ROW(scheduler_op,
		PTR_IF(xen_domctl, u.scheduler_op.u.v.vcpus, U32,
			u.scheduler_op.u.v.nr_vcpus,
			struct xen_domctl_schedparam_vcpu, INOUT,
			u.scheduler_op.cmd,
			1 << XEN_DOMCTL_SCHEDOP_putvcpuinfo |
				1 << XEN_DOMCTL_SCHEDOP_getvcpuinfo,
			false)),
	DOMCTL_ROW(get_device_group,
		DOMCTL_PTR(get_device_group, sdev_array, U32, max_sdevs,
			uint32_t, OUT)),
	DOMCTL_ROW(setvnumainfo,
		DOMCTL_PTR(vnuma, vdistance, SQUARE, nr_vnodes,
			unsigned int, IN),
		DOMCTL_PTR(vnuma, vcpu_to_vnode, U32, nr_vcpus,
			unsigned int, IN),
		DOMCTL_PTR(vnuma, vnode_to_pnode, U32, nr_vnodes,
			unsigned int, IN),
		DOMCTL_PTR(vnuma, vmemrange, U32, nr_vmemranges,
			struct xen_vmemrange, IN)),
#if defined(__i386__) || defined(__x86_64__)
	POLICY_ROW(get_cpu_policy, OUT),
	POLICY_ROW(set_cpu_policy, IN),
	DOMCTL_ROW(getvcpuextstate,
		DOMCTL_PTR(vcpuextstate, buffer, U64, size, uint8_t, OUT)),
	DOMCTL_ROW(setvcpuextstate,
		DOMCTL_PTR(vcpuextstate, buffer, U64, size, uint8_t, IN)),
	DOMCTL_ROW(get_vcpu_msrs,
		DOMCTL_PTR(vcpu_msrs, msrs, U32, msr_count,
			struct xen_domctl_vcpu_msr, OUT)),
	DOMCTL_ROW(set_vcpu_msrs,
		DOMCTL_PTR(vcpu_msrs, msrs, U32, msr_count,
			struct xen_domctl_vcpu_msr, IN)),
#endif
};

static const struct hc_row mmu_rows[] = {
	ROW(0, struct mmu_update, IN),
};

/* the mask of some of the operations is in a union with numbers */
static const struct hc_row mmuext_rows[] = {
	ROW(0, struct mmuext_op, IN,
		PTR_IF(mmuext_op, arg2.vcpumask, VCPUS, cmd, uint8_t, IN, cmd,
			1 << MMUEXT_TLB_FLUSH_MULTI | 1 << MMUEXT_INVLPG_MULTI,
			false)),
};

#define NR(a) (sizeof(a) / sizeof((a)[0]))
#define ROWS(a) .rows = NR(a), .row = (a)

/* a restarted memory_op carries its progress above the command */
#define MEMORY_CMD 0x3f
/* and a grant_table_op its own */
#define GNTTAB_CMD 0xfff

const struct hc_op hc_ops[] = {
	{ .op = __HYPERVISOR_mmu_update, .key = HC_KEY_NONE, .arg = 0,
	  .count_arg = 1, ROWS(mmu_rows) },
	{ .op = __HYPERVISOR_mmuext_op, .key = HC_KEY_NONE, .arg = 0,
	  .count_arg = 1, ROWS(mmuext_rows) },
	{ .op = __HYPERVISOR_memory_op, .key = HC_KEY_ARG0, .arg = 1,
	  .cmd_mask = MEMORY_CMD, ROWS(memory_rows) },
	{ .op = __HYPERVISOR_xen_version, .key = HC_KEY_ARG0, .arg = 1,
	  .cmd_mask = ~0u, ROWS(version_rows) },
	{ .op = __HYPERVISOR_event_channel_op, .key = HC_KEY_ARG0, .arg = 1,
	  .cmd_mask = ~0u, ROWS(evtchn_rows) },
	{ .op = __HYPERVISOR_sched_op, .key = HC_KEY_ARG0, .arg = 1,
	  .cmd_mask = ~0u, ROWS(sched_rows) },
	{ .op = __HYPERVISOR_hvm_op, .key = HC_KEY_ARG0, .arg = 1,
	  .cmd_mask = ~0u, ROWS(hvm_rows) },
	{ .op = __HYPERVISOR_grant_table_op, .key = HC_KEY_ARG0, .arg = 1,
	  .count_arg = 2, .cmd_mask = GNTTAB_CMD, ROWS(gnttab_rows) },
	{ .op = __HYPERVISOR_sysctl, .key = HC_KEY_HEAD, .arg = 0,
	  .other_size = sizeof(struct xen_sysctl), ROWS(sysctl_rows) },
	{ .op = __HYPERVISOR_domctl, .key = HC_KEY_HEAD, .arg = 0,
	  .other_size = sizeof(struct xen_domctl), ROWS(domctl_rows) },
	{ .op = __HYPERVISOR_xsm_op, .key = HC_KEY_HEAD, .arg = 0,
	  .other_size = sizeof(struct xen_flask_op) },
};
const unsigned int hc_ops_nr = NR(hc_ops);
/* clang-format on */
