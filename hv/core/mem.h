/* SPDX-License-Identifier: MIT */
/*
 * mem.h: frames, runs of frames, a domain's guest-physical memory.
 *
 * DOC: frames and runs
 *
 * A run is a set of consecutive frames with one backing object of the host
 * (in hvd: a sealed memfd).  A frame has an owner (domid, gen), a general
 * count and a type count.  The general count keeps the frame allocated, one
 * for being allocated to its owner and one for each mapping; the type count
 * keeps its type (page.h).  A frame's owner only ever changes at count 0.
 * A run is given back to the host when all its frames are free and nobody
 * holds it; a frame that was ever mapped by another domain is never
 * allocated again.
 *
 * A gfn is a page number in one domain; its table gfn -> frame belongs to
 * the domain.
 */
#ifndef HV_CORE_MEM_H
#define HV_CORE_MEM_H

#include "hv/core/hv.h"

struct hv_run {
	/* set by the host in run_new */
	uint8_t *va; /* nr * HV_PAGE_SIZE bytes, read-write */
	void *host;  /* the host's own */
	/* set by the engine before run_new */
	struct hv *hv;
	uint32_t domid; /* owner */
	uint64_t gen;
	enum hv_run_kind kind;
	uint32_t nr; /* pages */
	/* the engine's */
	uint64_t gfn;   /* of page 0 when it was made */
	uint32_t used;  /* frames that are not free */
	uint32_t holds; /* hv_run_hold(): kept although no frame is in use */
	uint64_t mfn;   /* of page 0 in the machine; 0: it has none */
	bool exported;  /* some page was mapped by another domain */
	bool split;     /* one page that was private before hv_mem_split() */
	bool ro_sealed; /* the host has made it read-only for all but itself */
	struct hv_frame *frames;
	uint32_t stale;       /* free pages whose memory the host still has */
	struct hv_dom *owner; /* it outlives its runs */
	struct hv_run *next, *prev; /* all runs of the owner */
};

/* A page somebody may map: offset in bytes is page * HV_PAGE_SIZE. */
struct hv_page_ref {
	struct hv_run *run;
	uint32_t page;
};

/*
 * hv_mem_populate: allocate @nr pages to @d as one run of @kind (RAM or
 * SHARE) and enter them at gfns [*gfn, *gfn + nr), or, with *gfn ==
 * INVALID_GFN (~0), at the lowest free range above the RAM.  -ENOMEM
 * (max_pages of the domain counts RAM and SHARE), -EBUSY (gfn in use),
 * -EINVAL.  *run is borrowed from the domain.
 */
#define HV_INVALID_GFN (~(uint64_t)0)
int hv_mem_populate(struct hv_dom *d, enum hv_run_kind kind, uint32_t nr,
	uint64_t *gfn, struct hv_run **run);

/*
 * hv_mem_set_max: domctl max_mem, in pages.  A domain is born with 0, the
 * control domain with the machine's limit.
 */
int hv_mem_set_max(struct hv_dom *d, uint64_t pages);

/*
 * hv_mem_remove: take the page out of @d.  It is freed when the last
 * mapping is gone.  -ENOENT if there is none.
 */
int hv_mem_remove(struct hv_dom *d, uint64_t gfn);

/* hv_mem_lookup: borrow the page at @gfn of @d; -ENOENT. */
int hv_mem_lookup(struct hv_dom *d, uint64_t gfn, struct hv_page_ref *p);

/*
 * hv_run_hold: the host keeps a pointer to @r beyond the call that gave it.
 * Pages come and go by hypercalls of any session of the domain; until
 * hv_run_put() the run and its va stay, and so does the owner's struct (as a
 * zombie, if it dies).  No page is kept: what is written to one that is free
 * is lost.  hv_run_put() is allowed in the callback of HV_DOM_DYING, where a
 * host drops what that domain's own sessions hold, and must not be forgotten
 * there: the domain would stay a zombie.
 */
void hv_run_hold(struct hv_run *r);
void hv_run_put(struct hv_run *r);

/*
 * hv_run_gfn: where the owner sees page @page of @r now (it may have been
 * moved since it was populated).  -ENOENT if nowhere, -EBUSY while anybody
 * else maps it.
 */
int hv_run_gfn(const struct hv_run *r, uint32_t page, uint64_t *gfn);

/*
 * hv_mem_split: replace a page of a RAM run by a copy in a SHARE run of one
 * page, so that it can be mapped by others.  -EBUSY while it is mapped by
 * anybody, -EALREADY if it is not in a RAM run (*p is filled then too).
 * A page that was split off and mapped by others is private again when they
 * have let go; if it is to be mapped once more it is split again, so that who
 * kept the former mapping sees nothing that later grantees write.
 */
int hv_mem_split(struct hv_dom *d, uint64_t gfn, struct hv_page_ref *p);

/*
 * hv_mem_table: make page @gfn fit to become a page table or a descriptor
 * table: a copy of it takes its place, in a HV_RUN_TABLE run that the host
 * lets the guest only read.  *mfn is its number in the machine.  A page that
 * is so already, and that nobody else has ever mapped, stays.  -EBUSY while
 * anything holds the page, -EINVAL (not a PV domain, not its memory), -ENOENT.
 */
int hv_mem_table(struct hv_dom *d, uint64_t gfn, uint64_t *mfn);

/* hv_mem_mfn: the machine's number of page @gfn, by which the domain's page
 * tables name it; -ENOENT (no page there, or one without a number). */
int hv_mem_mfn(struct hv_dom *d, uint64_t gfn, uint64_t *mfn);

/*
 * hv_mem_access: what a processor would do for @d, whose vCPU 0 has page
 * tables: read @len bytes (up to HV_ACCESS_MAX) at virtual address @va into
 * @buf, or write them from there.  The root is that of the domain's kernel,
 * with HV_ACCESS_USER that of its user mode.  An access needs its right in
 * the entries of all levels, as the processor has it (Intel SDM 3A, 4.6):
 * PRESENT, RW to write, USER for user mode.  A and D are not set.  All or
 * nothing: -EFAULT if part of the range is not mapped so.  -EINVAL (dying, no
 * canonical address, too long), -ENOSYS (not a 64-bit PV domain), -ENOMEM.
 */
#define HV_ACCESS_MAX   32768u
#define HV_ACCESS_WRITE 1u
#define HV_ACCESS_USER  2u
int hv_mem_access(struct hv_dom *d, uint64_t va, void *buf, uint32_t len,
	unsigned int how);

/*
 * hv_mem_foreign: @caller maps page @gfn of domain @domid.  Allowed for the
 * control domain, and for a stubdomain on its target.  Takes a reference
 * that hv_mem_foreign_put() gives back (or the caller's death).  -EPERM (also
 * when the host has made the page read-only, and it is to be written), -ESRCH,
 * -ENOENT, -EINVAL (dying, or a page table that is to be written).
 */
int hv_mem_foreign(struct hv_dom *caller, uint32_t domid, uint64_t gfn,
	bool write, struct hv_page_ref *p, uint32_t *id);
int hv_mem_foreign_put(struct hv_dom *caller, uint32_t id);

/*
 * hv_mem_resource: XENMEM_acquire_resource for XENMEM_resource_grant_table
 * (id 0: shared frames).  Grows the table as Xen does.  The control domain,
 * a stubdomain on its target.  Takes one foreign reference per page, in
 * ids[0..nr).  With @nr == 0 only *size (frames) is set.
 */
int hv_mem_resource(struct hv_dom *caller, uint32_t domid, uint32_t type,
	uint32_t id, uint64_t frame, uint32_t nr, struct hv_page_ref *p,
	uint32_t *ids, uint32_t *size);

#endif
