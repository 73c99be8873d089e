/* SPDX-License-Identifier: MIT */
/*
 * hc.h: what the hypercall files share.
 *
 * A handler runs with validated privileges of nobody: it asks hv_may() for
 * what it does.  It reads each argument once.  When the budget is used up it
 * stores its place in c->progress and c->state and returns -ERESTART.
 */
#ifndef HV_CORE_HC_H
#define HV_CORE_HC_H

#include "hv/core/internal.h"

#include <xen/sysctl.h>

struct hc {
	struct hv_call *c;
	struct hv_dom *dom; /* the caller */
	struct hv *hv;
	uint32_t *budget; /* left of this entry */
	const uint64_t *arg;
};

#define HC_ADDR(h) ((uint64_t)(uintptr_t)(h).p)

static inline int hc_read(struct hc *h, void *dst, uint64_t addr, size_t len)
{
	return h->c->mem->read(h->c->mem, dst, addr, len);
}

static inline int hc_write(
	struct hc *h, uint64_t addr, const void *src, size_t len)
{
	return h->c->mem->write(h->c->mem, addr, src, len);
}

/* Element @i of an array at @addr, without overflow; false if it wraps. */
static inline bool hc_elem(
	uint64_t addr, uint64_t i, size_t size, uint64_t *out)
{
	uint64_t off;

	return !__builtin_mul_overflow(i, (uint64_t)size, &off) &&
	       !__builtin_add_overflow(addr, off, out);
}

int64_t hc_mmu_update(struct hc *h);
int64_t hc_mmuext_op(struct hc *h);
int64_t hc_update_va_mapping(struct hc *h);
int64_t hc_set_gdt(struct hc *h);
int64_t hc_iret(struct hc *h);
int64_t hc_event_channel_op(struct hc *h);
int64_t hc_grant_table_op(struct hc *h);
int64_t hc_memory_op(struct hc *h);
int64_t hc_domctl(struct hc *h);
int64_t hc_sysctl(struct hc *h);
int64_t hc_xen_version(struct hc *h);
int64_t hc_sched_op(struct hc *h);
int64_t hc_hvm_op(struct hc *h);
int64_t hc_vcpu_op(struct hc *h);

void hc_event_channel_abort(struct hv_call *c);

/* hc_domctl.c: a bitmap of @nr ones for the caller. */
int hc_bitmap_ones(struct hc *h, const struct xenctl_bitmap *map, uint32_t nr);
/* hc_memory.c: the sub-operations that take a list of extents. */
int64_t hc_mem_reservation(struct hc *h, unsigned int cmd, uint64_t addr);

#endif
