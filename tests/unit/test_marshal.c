/* SPDX-License-Identifier: MIT */
/* test_marshal.c: which memory a hypercall travels with */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define __XEN_TOOLS__ 1
#include <xen/xen.h>
#include <xen/domctl.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/hvm/dm_op.h>
#include <xen/hvm/hvm_op.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/version.h>

#include "hv/compat/marshal.h"
#include "tests/unit/bh_check.h"

static struct marshal m;
static uint64_t arg[5];

static int call(unsigned int op, uint64_t a0, uint64_t a1, uint64_t a2)
{
	arg[0] = a0;
	arg[1] = a1;
	arg[2] = a2;
	return marshal_call(&m, op, arg);
}

static uint64_t at(const void *p)
{
	return (uintptr_t)p;
}

/* The piece that starts at @p; fails the test if there is none. */
static const struct hvp_buf *piece(const void *p)
{
	for (uint32_t i = 0; i < m.nr; i++)
		if (m.buf[i].addr == at(p))
			return &m.buf[i];
	ck_abort_msg("no piece at %p", p);
	return NULL;
}

static void expect(const void *p, size_t len, unsigned int flags)
{
	const struct hvp_buf *b = piece(p);

	ck_assert_uint_eq(b->len, len);
	ck_assert_uint_eq(b->flags, flags);
}

/* What every description must add up to. */
static void check_sums(void)
{
	size_t out = 0, in = 0, req = 0, rep = 0;

	for (uint32_t i = 0; i < m.nr; i++) {
		in += m.buf[i].flags & HVP_BUF_ZERO ? 0 : m.buf[i].len;
		out += m.buf[i].flags & HVP_BUF_OUT ? m.buf[i].len : 0;
	}
	for (uint32_t i = 2; i < m.req_nr; i++)
		req += m.req[i].iov_len;
	for (uint32_t i = 1; i < m.rep_nr; i++)
		rep += m.rep[i].iov_len;
	ck_assert_uint_eq(in, req);
	ck_assert_uint_eq(out, rep);
	ck_assert_uint_eq(out, m.back);
	ck_assert_uint_eq(m.req[0].iov_len, sizeof(m.head));
	ck_assert_uint_eq(m.req[1].iov_len, m.nr * sizeof(m.buf[0]));
	ck_assert_uint_eq(m.rep[0].iov_len, sizeof(m.result));
}

START_TEST(test_scalars)
{
	/* what the table does not know, and what has no pointer */
	ck_assert_int_eq(call(55, 0x1234, 0x5678, 0), 0);
	ck_assert_uint_eq(m.nr, 0);
	ck_assert_uint_eq(m.head.op, 55);
	ck_assert_uint_eq(m.head.arg[1], 0x5678);
	ck_assert_int_eq(call(__HYPERVISOR_memory_op, 62, 0x1234, 0), 0);
	ck_assert_uint_eq(m.nr, 0);
	ck_assert_int_eq(
		call(__HYPERVISOR_xen_version, XENVER_version, 0, 0), 0);
	ck_assert_uint_eq(m.nr, 0);
	ck_assert_int_eq(call(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0), 0);
	ck_assert_int_eq(call(__HYPERVISOR_domctl, 0, 0, 0), 0);
	ck_assert_int_eq(call(__HYPERVISOR_sysctl, 0, 0, 0), 0);
	ck_assert_int_eq(call(__HYPERVISOR_multicall, 0, 7, 0), 0);
	ck_assert_int_eq(call(__HYPERVISOR_dm_op, 1, 7, 0), 0);
	ck_assert_int_eq(call(__HYPERVISOR_xen_version, 10, 0, 0), 0);
	ck_assert_uint_eq(m.nr, 0);
	check_sums();
}
END_TEST

START_TEST(test_structs)
{
	struct xen_domctl d = {.cmd = XEN_DOMCTL_createdomain};
	struct xen_sysctl y = {.cmd = XEN_SYSCTL_physinfo};
	struct evtchn_alloc_unbound e = {0};
	struct xen_hvm_param p = {0};
	struct sched_shutdown s = {0};
	char caps[1024];

	ck_assert_int_eq(call(__HYPERVISOR_domctl, at(&d), 0, 0), 0);
	expect(&d, sizeof(d), HVP_BUF_OUT);
	ck_assert_uint_eq(m.nr, 1);
	ck_assert_int_eq(call(__HYPERVISOR_sysctl, at(&y), 0, 0), 0);
	expect(&y, sizeof(y), HVP_BUF_OUT);
	ck_assert_int_eq(call(__HYPERVISOR_event_channel_op,
				 EVTCHNOP_alloc_unbound, at(&e), 0),
		0);
	expect(&e, sizeof(e), HVP_BUF_OUT);
	ck_assert_int_eq(
		call(__HYPERVISOR_hvm_op, HVMOP_get_param, at(&p), 0), 0);
	expect(&p, sizeof(p), HVP_BUF_OUT);
	ck_assert_int_eq(
		call(__HYPERVISOR_hvm_op, HVMOP_set_param, at(&p), 0), 0);
	expect(&p, sizeof(p), 0);
	ck_assert_int_eq(
		call(__HYPERVISOR_sched_op, SCHEDOP_shutdown, at(&s), 0), 0);
	expect(&s, sizeof(s), 0);
	/* small and only written: travels too, so that it may stay as it is */
	ck_assert_int_eq(call(__HYPERVISOR_xen_version, XENVER_capabilities,
				 at(caps), 0),
		0);
	expect(caps, sizeof(caps), HVP_BUF_OUT);
	check_sums();
}
END_TEST

START_TEST(test_lists)
{
	static struct xen_domctl_getdomaininfo info[100];
	static xen_pfn_t gfns[600];
	struct xen_sysctl y = {.cmd = XEN_SYSCTL_getdomaininfolist};
	struct xen_memory_reservation r = {.nr_extents = 600};
	struct xen_add_to_physmap_batch b = {.size = 10};
	static int errs[10];
	struct sched_poll poll = {.nr_ports = 3};
	evtchn_port_t ports[3];

	y.u.getdomaininfolist.max_domains = 100;
	y.u.getdomaininfolist.buffer.p = info;
	ck_assert_int_eq(call(__HYPERVISOR_sysctl, at(&y), 0, 0), 0);
	/* large and only written: no bytes in the request */
	expect(info, sizeof(info), HVP_BUF_OUT | HVP_BUF_ZERO);
	ck_assert_uint_eq(m.nr, 2);
	check_sums();

	r.extent_start.p = gfns;
	ck_assert_int_eq(call(__HYPERVISOR_memory_op, XENMEM_populate_physmap,
				 at(&r), 0),
		0);
	expect(gfns, sizeof(gfns), HVP_BUF_OUT);
	ck_assert_int_eq(call(__HYPERVISOR_memory_op,
				 XENMEM_decrease_reservation, at(&r), 0),
		0);
	expect(gfns, sizeof(gfns), 0);
	/* with its progress in the command, as a restarted one */
	ck_assert_int_eq(
		call(__HYPERVISOR_memory_op,
			XENMEM_decrease_reservation | 5 << 6, at(&r), 0),
		0);
	expect(gfns, sizeof(gfns), 0);
	r.extent_start.p = NULL;
	ck_assert_int_eq(call(__HYPERVISOR_memory_op,
				 XENMEM_increase_reservation, at(&r), 0),
		0);
	ck_assert_uint_eq(m.nr, 1);

	b.idxs.p = gfns;
	b.gpfns.p = gfns + 10;
	b.errs.p = errs;
	ck_assert_int_eq(call(__HYPERVISOR_memory_op,
				 XENMEM_add_to_physmap_batch, at(&b), 0),
		0);
	expect(gfns, 80, 0);
	expect(gfns + 10, 80, 0);
	expect(errs, 40, HVP_BUF_OUT);

	poll.ports.p = ports;
	ck_assert_int_eq(
		call(__HYPERVISOR_sched_op, SCHEDOP_poll, at(&poll), 0), 0);
	expect(ports, sizeof(ports), 0);
	check_sums();
}
END_TEST

START_TEST(test_counts)
{
	struct xen_sysctl y = {.cmd = XEN_SYSCTL_numainfo};
	struct xen_domctl d = {.cmd = XEN_DOMCTL_getvcpuaffinity};
	static struct xen_sysctl_meminfo mem[5];
	static uint32_t distance[25];
	uint8_t hard[2], soft[2], dirty[3];

	/* a square */
	y.u.numainfo.num_nodes = 5;
	y.u.numainfo.meminfo.p = mem;
	y.u.numainfo.distance.p = distance;
	ck_assert_int_eq(call(__HYPERVISOR_sysctl, at(&y), 0, 0), 0);
	expect(mem, sizeof(mem), HVP_BUF_OUT);
	expect(distance, sizeof(distance), HVP_BUF_OUT);
	/* bits, and only those that the flags speak of */
	d.u.vcpuaffinity.cpumap_hard.bitmap.p = hard;
	d.u.vcpuaffinity.cpumap_hard.nr_bits = 9;
	d.u.vcpuaffinity.cpumap_soft.bitmap.p = soft;
	d.u.vcpuaffinity.cpumap_soft.nr_bits = 16;
	d.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
	ck_assert_int_eq(call(__HYPERVISOR_domctl, at(&d), 0, 0), 0);
	ck_assert_uint_eq(m.nr, 2);
	expect(hard, 2, HVP_BUF_OUT);
	d.u.vcpuaffinity.flags |= XEN_VCPUAFFINITY_SOFT;
	ck_assert_int_eq(call(__HYPERVISOR_domctl, at(&d), 0, 0), 0);
	expect(soft, 2, HVP_BUF_OUT);
	/* 64-bit counts of bits, and only for the operations that have them */
	d = (struct xen_domctl){.cmd = XEN_DOMCTL_shadow_op};
	d.u.shadow_op.dirty_bitmap.p = dirty;
	d.u.shadow_op.pages = 17;
	d.u.shadow_op.op = XEN_DOMCTL_SHADOW_OP_PEEK;
	ck_assert_int_eq(call(__HYPERVISOR_domctl, at(&d), 0, 0), 0);
	expect(dirty, 3, HVP_BUF_OUT);
	d.u.shadow_op.op = XEN_DOMCTL_SHADOW_OP_OFF;
	ck_assert_int_eq(call(__HYPERVISOR_domctl, at(&d), 0, 0), 0);
	ck_assert_uint_eq(m.nr, 1);
	d.u.shadow_op.op = 32 + XEN_DOMCTL_SHADOW_OP_PEEK;
	ck_assert_int_eq(call(__HYPERVISOR_domctl, at(&d), 0, 0), 0);
	ck_assert_uint_eq(m.nr, 1);
	check_sums();
}
END_TEST

START_TEST(test_elements)
{
	static struct gnttab_setup_table t[2];
	static xen_pfn_t frames[2][4];
	static struct gnttab_copy copy[30];

	for (int i = 0; i < 2; i++) {
		t[i].nr_frames = 3 + i;
		t[i].frame_list.p = frames[i];
	}
	ck_assert_int_eq(call(__HYPERVISOR_grant_table_op, GNTTABOP_setup_table,
				 at(t), 2),
		0);
	expect(t, sizeof(t), HVP_BUF_OUT);
	expect(frames[0], 24, HVP_BUF_OUT);
	expect(frames[1], 32, HVP_BUF_OUT);
	ck_assert_int_eq(
		call(__HYPERVISOR_grant_table_op, GNTTABOP_copy, at(copy), 30),
		0);
	expect(copy, sizeof(copy), HVP_BUF_OUT);
	check_sums();
}
END_TEST

START_TEST(test_multicall)
{
	struct evtchn_send send = {.port = 3};
	char caps[1024];
	struct multicall_entry e[4] = {
		{.op = __HYPERVISOR_event_channel_op,
			.args = {EVTCHNOP_send, at(&send)}},
		{.op = __HYPERVISOR_xen_version,
			.args = {XENVER_capabilities, at(caps)}},
		{.op = 60, .args = {at(caps)}},
	};

	/* one in another is hvd's to refuse */
	e[3].op = __HYPERVISOR_multicall;
	e[3].args[0] = at(e);
	e[3].args[1] = 4;
	ck_assert_int_eq(call(__HYPERVISOR_multicall, at(e), 4, 0), 0);
	ck_assert_uint_eq(m.nr, 3);
	expect(e, sizeof(e), HVP_BUF_OUT);
	expect(&send, sizeof(send), 0);
	expect(caps, sizeof(caps), HVP_BUF_OUT);
	check_sums();
}
END_TEST

/* Calls about page tables: lists, how many are done, masks of vCPUs. */
START_TEST(test_page_tables)
{
	static struct mmu_update u[40];
	static struct mmuext_op op[4];
	static uint8_t page[2 * HVP_PAGE] __attribute__((aligned(HVP_PAGE)));
	uint8_t *mask = page + HVP_PAGE - 5;
	struct iret_context f;
	uint64_t gdt[16];
	uint32_t done;

	arg[3] = DOMID_SELF;
	ck_assert_int_eq(
		call(__HYPERVISOR_mmu_update, at(u), 40, at(&done)), 0);
	expect(u, sizeof(u), 0);
	expect(&done, sizeof(done), HVP_BUF_OUT);
	ck_assert_uint_eq(m.head.arg[3], DOMID_SELF);
	check_sums();
	/* the union is an address for two of the operations alone */
	op[0].cmd = MMUEXT_TLB_FLUSH_MULTI;
	op[0].arg2.vcpumask.p = page;
	op[1].cmd = MMUEXT_INVLPG_MULTI;
	op[1].arg2.vcpumask.p = mask;
	op[2].cmd = MMUEXT_TLB_FLUSH_ALL;
	op[2].arg2.vcpumask.p = page + 1;
	op[3].cmd = 32 + MMUEXT_TLB_FLUSH_MULTI;
	op[3].arg2.vcpumask.p = page + 1;
	ck_assert_int_eq(call(__HYPERVISOR_mmuext_op, at(op), 4, 0), 0);
	ck_assert_uint_eq(m.nr, 3);
	expect(op, sizeof(op), 0);
	expect(page, 16, 0);
	/* the next page may not be there */
	expect(mask, 5, 0);
	check_sums();
	/* a mask below the flags */
	ck_assert_int_eq(call(__HYPERVISOR_update_va_mapping, 0x1000, 7,
				 UVMF_INVLPG | at(page)),
		0);
	ck_assert_uint_eq(m.nr, 1);
	expect(page, 16, 0);
	ck_assert_int_eq(call(__HYPERVISOR_update_va_mapping, 0x1000, 7,
				 UVMF_TLB_FLUSH | UVMF_ALL | at(page)),
		0);
	ck_assert_uint_eq(m.nr, 0);
	ck_assert_int_eq(
		call(__HYPERVISOR_update_va_mapping, 0x1000, 7, at(page)), 0);
	ck_assert_uint_eq(m.nr, 0);
	ck_assert_int_eq(call(__HYPERVISOR_set_gdt, at(gdt), 512, 0), 0);
	expect(gdt, 8, 0);
	ck_assert_int_eq(call(__HYPERVISOR_set_gdt, at(gdt), 513, 0), 0);
	expect(gdt, 16, 0);
	ck_assert_int_eq(call(__HYPERVISOR_set_gdt, at(gdt),
				 FIRST_RESERVED_GDT_ENTRY + 1, 0),
		0);
	ck_assert_uint_eq(m.nr, 0);
	ck_assert_int_eq(call(__HYPERVISOR_set_gdt, at(gdt), UINT64_MAX, 0), 0);
	ck_assert_uint_eq(m.nr, 0);
	ck_assert_int_eq(call(__HYPERVISOR_iret, at(&f), 0, 0), 0);
	expect(&f, sizeof(f), 0);
	check_sums();
	ck_assert_int_eq(
		call(__HYPERVISOR_mmu_update, at(u), 5000, at(&done)), -E2BIG);
	ck_assert_int_eq(
		call(__HYPERVISOR_mmuext_op, at(op), UINT32_MAX, 0), -E2BIG);
}
END_TEST

START_TEST(test_others)
{
	struct {
		uint32_t len;
		uint8_t buf[20];
	} id = {.len = 20};
	static uint8_t one[10], two[2000];
	struct xen_dm_op_buf dm[2] = {
		{.h.p = one, .size = 10}, {.h.p = two, .size = 2000}};

	ck_assert_int_eq(call(__HYPERVISOR_xen_version, 10, at(&id), 0), 0);
	expect(&id, 24, HVP_BUF_OUT);
	ck_assert_int_eq(call(__HYPERVISOR_dm_op, 1, 2, at(dm)), 0);
	expect(dm, sizeof(dm), 0);
	expect(two, 2000, HVP_BUF_OUT);
	ck_assert_int_eq(
		call(__HYPERVISOR_console_io, CONSOLEIO_write, 10, at(one)), 0);
	expect(one, 10, 0);
	ck_assert_int_eq(
		call(__HYPERVISOR_console_io, CONSOLEIO_read, 2000, at(two)),
		0);
	expect(two, 2000, HVP_BUF_OUT | HVP_BUF_ZERO);
	check_sums();
}
END_TEST

/* Counts that no message holds, up to those that overflow. */
START_TEST(test_too_much)
{
	static const uint64_t counts[] = {9000, 1u << 20, UINT32_MAX,
		UINT64_MAX / 8, UINT64_MAX, (1ull << 61) + 1};
	struct xen_memory_reservation r = {0};
	struct xen_sysctl y = {.cmd = XEN_SYSCTL_numainfo};
	static xen_pfn_t gfns[1];
	static struct multicall_entry e[HVP_BUFS_MAX + 1];
	static struct evtchn_send send;
	static struct xen_dm_op_buf dm[1];

	r.extent_start.p = gfns;
	r.nr_extents = counts[_i];
	ck_assert_int_eq(call(__HYPERVISOR_memory_op, XENMEM_populate_physmap,
				 at(&r), 0),
		-E2BIG);
	y.u.numainfo.num_nodes = (uint32_t)counts[_i];
	y.u.numainfo.distance.p = (uint32_t *)(void *)gfns;
	/* its square does not fit; the last is 1 in 32 bits */
	ck_assert_int_eq(call(__HYPERVISOR_sysctl, at(&y), 0, 0),
		(uint32_t)counts[_i] == 1 ? 0 : -E2BIG);
	ck_assert_int_eq(call(__HYPERVISOR_grant_table_op, GNTTABOP_copy,
				 at(gfns), counts[_i] | 4096),
		-E2BIG);
	ck_assert_int_eq(
		call(__HYPERVISOR_multicall, at(e), counts[_i], 0), -E2BIG);
	ck_assert_int_eq(
		call(__HYPERVISOR_dm_op, 0, counts[_i], at(dm)), -E2BIG);
	/* more pieces than a request has */
	for (int i = 0; i <= HVP_BUFS_MAX; i++) {
		e[i].op = __HYPERVISOR_event_channel_op;
		e[i].args[0] = EVTCHNOP_send;
		e[i].args[1] = at(&send);
	}
	ck_assert_int_eq(
		call(__HYPERVISOR_multicall, at(e), HVP_BUFS_MAX, 0), -E2BIG);
	ck_assert_int_eq(
		call(__HYPERVISOR_multicall, at(e), HVP_BUFS_MAX - 1, 0), 0);
	check_sums();
}
END_TEST

/* All pieces together stay in one message, both ways. */
START_TEST(test_total)
{
	static uint8_t big[HVP_MSG_MAX];
	size_t total = 0;
	int r;

	ck_assert_int_eq(call(55, 0, 0, 0), 0);
	do {
		r = marshal_add(&m, at(big), 5000, HC_OUT);
		total += r ? 0 : 5000;
	} while (r == 0);
	ck_assert_int_eq(r, -E2BIG);
	ck_assert_uint_gt(total, HVP_MSG_MAX / 2);
	ck_assert_uint_le(
		total + sizeof(struct hvp_req) + sizeof(m.head) + sizeof(m.buf),
		HVP_MSG_MAX);
	ck_assert_int_eq(marshal_add(&m, at(big), UINT64_MAX, HC_IN), -E2BIG);
	ck_assert_int_eq(marshal_add(&m, 0, UINT64_MAX, HC_IN), 0);
	ck_assert_int_eq(marshal_add(&m, at(big), 0, HC_IN), 0);
}
END_TEST

/* The table's own sense: pointers and counts lie in their structure. */
START_TEST(test_table)
{
	for (unsigned int i = 0; i < hc_ops_nr; i++) {
		const struct hc_op *o = &hc_ops[i];

		ck_assert_ptr_eq(marshal_find_op(o->op), o);
		ck_assert_uint_lt(o->arg, 5);
		ck_assert_uint_le(o->other_size, 1024);
		for (unsigned int k = 0; k < o->rows; k++) {
			const struct hc_row *row = &o->row[k];

			/* one row per command */
			ck_assert_ptr_eq(marshal_find_row(o, row->cmd), row);
			ck_assert_uint_gt(row->size, 0);
			ck_assert_uint_ne(row->dir, 0);
			for (int n = 0; n < HC_PTRS && row->ptr[n].unit; n++) {
				const struct hc_ptr *p = &row->ptr[n];

				ck_assert_uint_le(p->at + 8, row->size);
				ck_assert_uint_le(p->count_at + 2, row->size);
				ck_assert_uint_eq(p->at % 8, 0);
				ck_assert_uint_ne(p->dir, 0);
				ck_assert_uint_ne(p->at, p->count_at);
				ck_assert_uint_le(p->if_at + 4, row->size);
			}
		}
	}
	/* what libxenctrl and libxenguest of 4.17 need on hv */
	for (size_t i = 0; i < 3; i++) {
		static const uint16_t memory[] = {XENMEM_populate_physmap,
			XENMEM_acquire_resource, XENMEM_maximum_gpfn};

		ck_assert_ptr_nonnull(marshal_find_row(
			marshal_find_op(__HYPERVISOR_memory_op), memory[i]));
	}
}
END_TEST

BH_CHECK_MAIN("marshal", 10, BH_TEST(test_scalars), BH_TEST(test_structs),
	BH_TEST(test_lists), BH_TEST(test_counts), BH_TEST(test_elements),
	BH_TEST(test_multicall), BH_TEST(test_page_tables),
	BH_TEST(test_others), BH_LOOP(test_too_much, 6), BH_TEST(test_total),
	BH_TEST(test_table))
