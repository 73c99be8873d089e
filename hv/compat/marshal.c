/* SPDX-License-Identifier: MIT */
/* marshal.c: which of the caller's memory a hypercall reads and writes. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define __XEN_TOOLS__ 1
#include <xen/xen.h>
#include <xen/hvm/dm_op.h>

#include "hv/compat/marshal.h"

/*
 * What is only written starts as zeros at hvd if it is large, and as what
 * the caller has there if it is small: then bytes that the hypercall leaves
 * alone come back as they were, as on Xen.
 */
#define SMALL_OUT 1024u

/* A mask of vCPUs at its longest, and what set_gdt can name. */
#define VCPUS_BYTES 16u
#define GDT_PAGE    512u

int marshal_add(
	struct marshal *m, uint64_t addr, uint64_t len, unsigned int dir)
{
	const uint32_t most = HVP_MSG_MAX - sizeof(struct hvp_req) -
			      sizeof(m->head) -
			      HVP_BUFS_MAX * sizeof(m->buf[0]);
	struct hvp_buf *b = &m->buf[m->nr];
	struct iovec iov = {(void *)(uintptr_t)addr, len};

	if (addr == 0 || len == 0)
		return 0;
	/* hvd keeps all pieces in one message's size, too */
	if (m->nr == HVP_BUFS_MAX || len > most - m->total)
		return -E2BIG;
	m->total += len;
	*b = (struct hvp_buf){.addr = addr, .len = len};
	if (dir & HC_OUT) {
		b->flags |= HVP_BUF_OUT;
		m->back += len;
		m->rep[m->rep_nr++] = iov;
	}
	if ((dir & HC_IN) || len <= SMALL_OUT) {
		m->req[m->req_nr++] = iov;
	} else {
		b->flags |= HVP_BUF_ZERO;
	}
	m->nr++;
	return 0;
}

const struct hc_op *marshal_find_op(unsigned int op)
{
	for (unsigned int i = 0; i < hc_ops_nr; i++)
		if (hc_ops[i].op == op)
			return &hc_ops[i];
	return NULL;
}

const struct hc_row *marshal_find_row(const struct hc_op *o, uint32_t cmd)
{
	for (unsigned int i = 0; i < o->rows; i++)
		if (o->row[i].cmd == cmd)
			return &o->row[i];
	return NULL;
}

static uint32_t load_u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint64_t load_u64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

uint64_t marshal_vcpus(uint64_t addr)
{
	uint64_t page = HVP_PAGE - addr % HVP_PAGE;

	return page < VCPUS_BYTES ? page : VCPUS_BYTES;
}

/* How many elements; UINT64_MAX: too many to say. */
static uint64_t ptr_count(
	const struct hc_ptr *p, const uint8_t *base, uint64_t addr)
{
	const uint8_t *at = base + p->count_at;
	uint64_t n;

	switch ((enum hc_count)p->count) {
	case HC_ONE: return 1;
	case HC_U16: return at[0] | (uint32_t)at[1] << 8;
	case HC_U32: return load_u32(at);
	case HC_U64: return load_u64(at);
	case HC_SQUARE: n = load_u32(at); return n * n;
	case HC_BITS32: return ((uint64_t)load_u32(at) + 7) / 8;
	case HC_BITS64: n = load_u64(at); return n / 8 + (n % 8 != 0);
	case HC_VCPUS: return marshal_vcpus(addr);
	}
	return UINT64_MAX;
}

static bool ptr_counts(const struct hc_ptr *p, const uint8_t *base)
{
	uint32_t v;

	if (!p->if_set)
		return true;
	v = load_u32(base + p->if_at);
	if (p->if_flags)
		return v & p->if_set;
	return v < 16 && (p->if_set & (1u << v));
}

/* What the pointers of one structure at @base point at. */
static int marshal_ptrs(
	struct marshal *m, const struct hc_row *row, const uint8_t *base)
{
	for (int i = 0; i < HC_PTRS && row->ptr[i].unit; i++) {
		const struct hc_ptr *p = &row->ptr[i];
		uint64_t addr, n;
		int r;

		if (!ptr_counts(p, base))
			continue;
		addr = load_u64(base + p->at);
		n = ptr_count(p, base, addr);
		if (addr && n > HVP_MSG_MAX)
			return -E2BIG;
		r = marshal_add(m, addr, n * p->unit, p->dir);
		if (r < 0)
			return r;
	}
	return 0;
}

/* @nr structures, one after the other, and what they point at. */
static int marshal_rows(
	struct marshal *m, const struct hc_row *row, uint64_t addr, uint64_t nr)
{
	const uint8_t *base = (const uint8_t *)(uintptr_t)addr;
	int r;

	if (!addr || !row->size)
		return 0;
	if (nr > HVP_MSG_MAX)
		return -E2BIG;
	r = marshal_add(m, addr, nr * row->size, row->dir);
	for (uint64_t i = 0; r == 0 && row->ptr[0].unit && i < nr; i++)
		r = marshal_ptrs(m, row, base + i * row->size);
	return r;
}

/* XENVER_build_id: its buffer is the tail of the structure. */
static int marshal_build_id(struct marshal *m, uint64_t addr)
{
	if (!addr)
		return 0;
	return marshal_add(m, addr,
		sizeof(uint32_t) + (uint64_t)load_u32((void *)(uintptr_t)addr),
		HC_INOUT);
}

/* An array of pointers and sizes. */
static int marshal_dm(struct marshal *m, uint64_t nr, uint64_t addr)
{
	const struct xen_dm_op_buf *b = (const void *)(uintptr_t)addr;
	int r;

	if (!b)
		return 0;
	if (nr >= HVP_BUFS_MAX)
		return -E2BIG;
	r = marshal_add(m, addr, nr * sizeof(*b), HC_IN);
	for (uint64_t i = 0; r == 0 && i < nr; i++)
		r = marshal_add(m, (uintptr_t)b[i].h.p, b[i].size, HC_INOUT);
	return r;
}

static int marshal_args(
	struct marshal *m, unsigned int op, const uint64_t *arg, bool nested);

static int marshal_multicall(struct marshal *m, uint64_t addr, uint64_t nr)
{
	const struct multicall_entry *e = (const void *)(uintptr_t)addr;
	int r;

	if (!e)
		return 0;
	if (nr > HVP_MSG_MAX)
		return -E2BIG;
	r = marshal_add(m, addr, nr * sizeof(*e), HC_INOUT);
	for (uint64_t i = 0; r == 0 && i < nr; i++) {
		uint64_t arg[5];

		for (int a = 0; a < 5; a++)
			arg[a] = e[i].args[a];
		r = marshal_args(m, e[i].op, arg, true);
	}
	return r;
}

/* console_io(cmd, count, text): written for cmd 0, read for 1. */
static int marshal_console(struct marshal *m, const uint64_t *arg)
{
	return marshal_add(m, arg[2], (uint32_t)arg[1],
		arg[0] == CONSOLEIO_read ? HC_OUT : HC_IN);
}

static int marshal_table(
	struct marshal *m, const struct hc_op *o, const uint64_t *arg)
{
	const uint64_t addr = arg[o->arg];
	struct hc_row other = {.size = o->other_size, .dir = HC_INOUT};
	const struct hc_row *row;
	uint32_t cmd = 0;

	if (!addr)
		return 0;
	if (o->key == HC_KEY_ARG0)
		cmd = arg[0] & o->cmd_mask;
	else if (o->key == HC_KEY_HEAD)
		cmd = load_u32((const uint8_t *)(uintptr_t)addr);
	row = marshal_find_row(o, cmd);
	return marshal_rows(m, row ? row : &other, addr,
		o->count_arg ? (uint32_t)arg[o->count_arg] : 1);
}

/* mmu_update, mmuext_op(list, count, done, domid). */
static int marshal_mmu(
	struct marshal *m, const struct hc_op *o, const uint64_t *arg)
{
	int r = marshal_table(m, o, arg);

	return r ? r : marshal_add(m, arg[2], sizeof(uint32_t), HC_OUT);
}

/* update_va_mapping(va, entry, flags): a mask may be in the flags. */
static int marshal_update_va(struct marshal *m, const uint64_t *arg)
{
	uint64_t mask = arg[2] & ~(uint64_t)(UVMF_FLUSHTYPE_MASK | UVMF_ALL);

	if (!(arg[2] & UVMF_FLUSHTYPE_MASK) || arg[2] & UVMF_ALL)
		return 0;
	return marshal_add(m, mask, marshal_vcpus(mask), HC_IN);
}

/* set_gdt(frames, entries): too many of them are refused unread. */
static int marshal_gdt(struct marshal *m, const uint64_t *arg)
{
	if (arg[1] > FIRST_RESERVED_GDT_ENTRY)
		return 0;
	return marshal_add(m, arg[0],
		(arg[1] + GDT_PAGE - 1) / GDT_PAGE * sizeof(uint64_t), HC_IN);
}

static int marshal_args(
	struct marshal *m, unsigned int op, const uint64_t *arg, bool nested)
{
	const struct hc_op *o;

	switch (op) {
	case __HYPERVISOR_mmu_update:
	case __HYPERVISOR_mmuext_op:
		return marshal_mmu(m, marshal_find_op(op), arg);
	case __HYPERVISOR_update_va_mapping: return marshal_update_va(m, arg);
	case __HYPERVISOR_set_gdt: return marshal_gdt(m, arg);
	case __HYPERVISOR_iret:
		return marshal_add(
			m, arg[0], sizeof(struct iret_context), HC_IN);
	case __HYPERVISOR_multicall:
		/* hvd refuses one in another */
		return nested ? 0 : marshal_multicall(m, arg[0], arg[1]);
	case __HYPERVISOR_dm_op: return marshal_dm(m, arg[1], arg[2]);
	case __HYPERVISOR_console_io: return marshal_console(m, arg);
	case __HYPERVISOR_xen_version:
		if (arg[0] == 10) /* XENVER_build_id */
			return marshal_build_id(m, arg[1]);
		break;
	}
	o = marshal_find_op(op);
	return o ? marshal_table(m, o, arg) : 0;
}

int marshal_call(struct marshal *m, unsigned int op, const uint64_t arg[5])
{
	int r;

	m->head = (struct hvp_hypercall){.op = op};
	memcpy(m->head.arg, arg, sizeof(m->head.arg));
	m->result.ret = 0;
	m->nr = 0;
	m->total = 0;
	m->back = 0;
	m->req_nr = 2; /* the head and the list of buffers */
	m->rep_nr = 1;
	r = marshal_args(m, op, arg, false);
	m->req[0] = (struct iovec){&m->head, sizeof(m->head)};
	m->req[1] = (struct iovec){m->buf, m->nr * sizeof(m->buf[0])};
	m->rep[0] = (struct iovec){&m->result, sizeof(m->result)};
	return r;
}
