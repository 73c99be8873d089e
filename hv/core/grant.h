/* SPDX-License-Identifier: MIT */
/*
 * grant.h: grant tables, version 1 (xen/grant_table.h).
 *
 * The shared entries are written by their domain at any moment: each is read
 * once per decision and written by at most five compare-and-swaps.  While an
 * entry is pinned, what was read at the first pin counts, whatever the
 * domain writes later.
 *
 * Status codes are GNTST_* of the public header: 0 or negative, in the op.
 */
#ifndef HV_CORE_GRANT_H
#define HV_CORE_GRANT_H

#include "hv/core/mem.h"

#include <xen/grant_table.h>

struct hv_gnt_map {
	/* in */
	uint32_t domid; /* granter */
	uint32_t ref;
	uint32_t flags; /* GNTMAP_host_map, _device_map, _readonly */
	uint64_t addr;  /* where the caller maps it: recorded, must match at
			   * the unmap; not 0 for a host mapping */
	/* out */
	int16_t status;
	uint32_t handle;
	uint64_t dev_addr;       /* names the device mapping for the unmap */
	bool ro_entry;           /* the entry gives read access only */
	struct hv_page_ref page; /* valid while the handle is */
};

struct hv_gnt_unmap {
	uint32_t handle;
	uint64_t addr;     /* 0: leave the host mapping */
	uint64_t dev_addr; /* 0: leave the device mapping */
	int16_t status;
};

struct hv_gnt_copy_ptr {
	bool is_ref;
	uint32_t domid; /* of a ref; DOMID_SELF or the caller for a gfn */
	uint32_t ref;
	uint64_t gfn;
	uint16_t offset; /* bytes */
};

struct hv_gnt_copy {
	struct hv_gnt_copy_ptr source, dest;
	uint16_t len;
	int16_t status;
};

void hv_gnt_map(struct hv_dom *caller, struct hv_gnt_map *op);
void hv_gnt_unmap(struct hv_dom *caller, struct hv_gnt_unmap *op);
void hv_gnt_copy(struct hv_dom *caller, struct hv_gnt_copy *op);

/*
 * hv_gnt_transfer: give the caller's page @gfn to @domid, through the entry
 * @ref that accepts it.  The receiver always gets a copy in a fresh run.
 */
int16_t hv_gnt_transfer(
	struct hv_dom *caller, uint64_t gfn, uint32_t domid, uint32_t ref);

/* hv_gnt_grow: at least @nr frames of shared table; -ENOSPC beyond the
 * limit.  hv_gnt_frames: how many there are, and the limit. */
int hv_gnt_grow(struct hv_dom *d, uint32_t nr);
void hv_gnt_frames(const struct hv_dom *d, uint32_t *nr, uint32_t *max);

/* hv_gnt_swap: exchange two entries; -EBUSY while one is pinned. */
int hv_gnt_swap(struct hv_dom *d, uint32_t a, uint32_t b);

/*
 * Entries of @d written on its behalf, by the host that keeps the domain's
 * free list.  (A toolstack writes the reserved ones into the mapped table.)
 * hv_gnt_alloc  finds an entry >= 8 whose flags are 0 and that is not
 *	 pinned, and grants page @gfn to @domid.  Grows the table. -ENOSPC.
 * hv_gnt_end    withdraws: 0, or -EBUSY while the entry is in use.
 */
int hv_gnt_alloc(
	struct hv_dom *d, uint32_t domid, uint64_t gfn, bool ro, uint32_t *ref);
int hv_gnt_end(struct hv_dom *d, uint32_t ref);

#endif
