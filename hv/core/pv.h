/* SPDX-License-Identifier: MIT */
/*
 * pv.h: the memory of paravirtualised domains.
 *
 * DOC: guests own their page tables
 *
 * A PV guest writes its page tables itself, while they are ordinary pages;
 * when it pins one or makes it a root the engine validates it, and from then
 * on every change of an entry is a call.  The calls are those of Xen's
 * interface (xen/xen.h: mmu_update, mmuext_op, update_va_mapping, set_gdt,
 * iret, multicall).  There are no linear page tables: an entry of an Lk
 * always names an L(k-1), an entry of an L1 names any page.
 *
 * The engine knows no machine: a struct pv is a geometry, a few callbacks,
 * vCPUs and domains.  hvd has one in its struct hv, tests and the explorer
 * have a static one (pv_flat_ops).  Nothing is allocated; all pointers point
 * at what the embedder gave, so that an embedder may copy the whole state
 * away and back.
 *
 * Progress of a call that is preempted is in the pages and in the vCPU's
 * pending put, which each call finishes first.  -ERESTART: make the same
 * call again, with the same arguments.
 */
#ifndef HV_CORE_PV_H
#define HV_CORE_PV_H

#include <stddef.h>

#include "hv/core/page.h"

/* ---- page-table entries (the processor's format) ------------------------ */

#define PTE_PRESENT (1ull << 0)
#define PTE_RW      (1ull << 1)
#define PTE_USER    (1ull << 2)
#define PTE_PWT     (1ull << 3)
#define PTE_PCD     (1ull << 4)
#define PTE_A       (1ull << 5)
#define PTE_D       (1ull << 6)
#define PTE_PSE     (1ull << 7) /* above L1 */
#define PTE_PAT     (1ull << 7) /* in an L1 */
#define PTE_GLOBAL  (1ull << 8)
#define PTE_AVAIL   (7ull << 9 | 0x7full << 52)
#define PTE_NX      (1ull << 63)
#define PTE_ADDR    0x000ffffffffff000ull
#define PTE_PKEY    (0xfull << 59) /* not offered */
/* What may change without the references being taken again. */
#define PTE_FAST          (PTE_NX | PTE_AVAIL | PTE_GLOBAL | PTE_D | PTE_A | PTE_USER)

#define PTE_MFN(e)        (((e)&PTE_ADDR) >> 12)
#define PTE_OF(mfn, bits) ((uint64_t)(mfn) << 12 | (bits))

/* Memory types other than write-back, which the caches do not follow. */
static inline bool pte_noncoherent(uint64_t e)
{
	return e & (PTE_PWT | PTE_PCD | PTE_PAT);
}

/* ---- domains ------------------------------------------------------------ */

enum pv_kind { PV_KIND_PV, PV_KIND_HVM };

struct pv_dom {
	struct pv_dom *next; /* pv->doms */
	uint64_t id;         /* PAGE_OWNER(domid, gen); never 0 */
	uint8_t bits;        /* 32 or 64: the rules of descriptors */
	uint8_t kind;        /* enum pv_kind */
	uint8_t dying;       /* atomic: 0 alive, 1 dying, 2 has no pages left */
	uint8_t crashed;
	uint8_t kill_stage; /* pv_kill.c's */
	uint64_t kill_next; /* cursor of pv_ops.owned */
	uint64_t pages;     /* atomic: that it owns, ALLOCATED or not */
	uint64_t max_pages; /* 0: no limit */
};

/* ---- vCPUs -------------------------------------------------------------- */

enum { PV_KERNEL, PV_USER };
enum { PV_TLB_SIZE = 4, PV_GDT_FRAMES = 16, PV_NONE = 0 };

/* A translation that a vCPU has cached. */
struct pv_tlb_entry {
	uint64_t vpn;
	uint64_t mfn;
	uint8_t valid, rw, nc, mode;
};

/* A put that is not finished: one general reference, and a type reference
 * (or, if partial, none: P owns it). */
struct pv_pending {
	struct hv_page *page; /* NULL: nothing */
	uint8_t partial;
};

/* What a guest's kernel leaves on its stack for iret. */
struct pv_iret {
	uint64_t rax, rip, cs, rflags, rsp, ss;
};

enum pv_call_op {
	PV_CALL_UPDATE_VA, /* va, new entry */
	PV_CALL_MMU,       /* machine address of the entry, new entry */
	PV_CALL_PIN,       /* mfn, level 1-4 */
	PV_CALL_UNPIN,     /* mfn */
	PV_CALL_ROOT,      /* mfn, 0 kernel 1 user */
	PV_CALL_GDT,       /* mfn of one frame, or 0: none */
	PV_CALL_IRET,      /* v->iret */
	PV_CALL_CRASH,     /* the guest ends itself */
	PV_CALL_MULTI,     /* not inside a multicall */
};

/* An entry of a batch, in memory that the guest may write at any time. */
struct pv_call {
	uint32_t op; /* enum pv_call_op */
	uint64_t arg[3];
	int64_t result;
};

/* What follows a call of a batch. */
enum pv_disposition {
	PV_CALL_CONTINUE, /* the next entry */
	PV_CALL_EXIT,     /* iret: back to the guest, nothing else is written */
	PV_CALL_PREEMPT,  /* not in kernel mode: the rest is made later */
};

struct pv_vcpu {
	struct pv *pv;
	struct pv_vcpu *next; /* pv->vcpus */
	struct pv_dom *dom;
	uint8_t id; /* 0.. */
	uint8_t mode;
	uint8_t busy;    /* atomic: inside a call */
	uint8_t in_insn; /* atomic: the guest's access is half done */
	uint8_t tlb_nr;  /* entries in use of tlb[]: 0 in hvd, no cache */
	uint8_t tlb_next;
	uint8_t nr_gdt;
	struct hv_page *kroot, *uroot; /* each one general and one type ref */
	struct hv_page *gdt[PV_GDT_FRAMES];
	struct pv_pending pending;
	uint32_t budget; /* slots that may be worked on; hv_preempt() */
	struct pv_tlb_entry tlb[PV_TLB_SIZE];
	/* the last walk of update_va: the L1 that maps this range; others
	 * may set it to NULL at any time */
	struct hv_page *lin;
	uint64_t lin_vpn; /* of its slot 0 */
	/* multicall */
	uint8_t in_multi, fetched;
	uint32_t multi_next;
	struct pv_call call; /* the one copy of the entry */
	struct pv_iret iret;
	uint64_t rax;
	/* ghosts */
	uint32_t user_walks; /* walks for the engine that used the user root */
	uint32_t since_poll; /* slots worked on since the last poll */
	uint8_t promoting;   /* levels that a promotion has gone down */
};

/* A grant that is mapped into a page table: the handle holds the same
 * references again that the entry holds. */
struct pv_grant {
	struct hv_page *page;
	struct pv_dom *by;
	struct hv_page *pt;
	uint32_t slot;
	uint8_t rw;
	/* atomic: whose it is, and how far; 0: nobody's.  The other fields
	 * are for whoever has claimed it. */
	uint64_t held;
};

/* ---- a machine ---------------------------------------------------------- */

/*
 * page    the page of a frame number, NULL if there is none; not asked if
 *         pv->pages is set.
 * mfn     the reverse.
 * words   the memory of the page: pv->slots words at least.
 * freed   the last reference is gone: PAGE_CLAIMED, owner 0, type none;
 *         @owner is whose it was, 0 if it was nobody's.  Ends with count 0,
 *         or with no page at all.
 * owned   the next page of @d at or behind *cursor; sets *cursor behind it.
 *         NULL at the end.
 * alloc   a free page, PAGE_CLAIMED, for page_assign(); or NULL.  May be
 *         NULL.
 * sealed  can nobody but the engine write the memory of the page?  What is
 *         not so is not validated, -EBUSY.  May be NULL: always.
 * put_user  store a word at a virtual address of the guest: 0 or -EFAULT.
 *         May be NULL: through the page tables then.
 */
struct pv_ops {
	struct hv_page *(*page)(struct pv *pv, uint64_t mfn);
	uint64_t (*mfn)(struct pv *pv, const struct hv_page *p);
	uint64_t *(*words)(struct pv *pv, const struct hv_page *p);
	void (*freed)(struct pv *pv, struct hv_page *p, uint64_t owner);
	struct hv_page *(*owned)(
		struct pv *pv, const struct pv_dom *d, uint64_t *cursor);
	struct hv_page *(*alloc)(struct pv *pv);
	bool (*sealed)(struct pv *pv, const struct hv_page *p);
	int (*put_user)(struct pv_vcpu *v, uint64_t va, uint64_t word);
};

struct pv {
	const struct pv_ops *ops;
	uint16_t slots;        /* words per page: 512, or 2-3 in the explorer */
	uint8_t levels;        /* of a root: 2-4 */
	uint8_t has_tlb;       /* some vCPU has tlb_nr > 0 */
	uint8_t explicit_pins; /* a table is promoted only when its children
				  are: a promotion never goes down a level */
	struct pv_vcpu *vcpus;
	struct pv_dom *doms;
	uint64_t hole_start, hole_end; /* the hypervisor's virtual addresses */
	/* pv_flat_ops */
	struct hv_page *pages; /* nr_pages; frame numbers from 0 */
	uint64_t *mem;         /* nr_pages * slots words: RAM */
	uint64_t *cache;       /* the same, or NULL: no cache model */
	uint8_t *line;         /* nr_pages of PV_LINE_*; with @cache */
	uint32_t nr_pages;
	struct pv_grant *grants;
	uint32_t nr_grants;
};

/* A page's cache line (one is enough for the model). */
enum { PV_LINE_NONE, PV_LINE_CLEAN, PV_LINE_DIRTY };

extern const struct pv_ops pv_flat_ops;

/* pv_init: an empty machine over arrays that are the caller's (@pv zeroed
 * and filled in by it: slots, levels, pages, mem, nr_pages, ...). */
void pv_init(struct pv *pv);
/* pv_add_dom, pv_add_vcpu: link what the caller has filled in (id, bits,
 * kind, max_pages; id, tlb_nr). */
void pv_add_dom(struct pv *pv, struct pv_dom *d);
void pv_add_vcpu(struct pv *pv, struct pv_dom *d, struct pv_vcpu *v);
void pv_remove_dom(struct pv *pv, struct pv_dom *d);
void pv_remove_vcpu(struct pv *pv, struct pv_vcpu *v);
struct pv_dom *pv_dom_of(struct pv *pv, uint64_t id);

static inline struct hv_page *pv_page(struct pv *pv, uint64_t mfn)
{
	/* one array, as of pv_flat_ops, needs no call */
	if (pv->pages)
		return mfn < pv->nr_pages ? &pv->pages[mfn] : NULL;
	return pv->ops->page(pv, mfn);
}

static inline enum hv_type pv_top(const struct pv *pv)
{
	return (enum hv_type)(HV_TYPE_L1 + pv->levels - 1);
}

/* ---- pv_root.c: the pending put, pins, roots ---------------------------- */

/* pv_settle: finish the vCPU's pending put.  0 or -ERESTART.  Each call below
 * that says so begins with it. */
int pv_settle(struct pv_vcpu *v);

/*
 * All return 0, -EINVAL (the guest's mistake), -EBUSY (a page that would
 * become a table is not sealed, or a slot changed meanwhile), -ESRCH (it is dying), -EPERM
 * (not in kernel mode) or -ERESTART, and begin with pv_settle(); a pending
 * put may be left over when they are done.
 *
 * pv_pin: MMUEXT_PIN_Lk_TABLE, @level 1-4.  pv_unpin: MMUEXT_UNPIN_TABLE.
 * pv_set_root: MMUEXT_NEW_BASEPTR, with @user MMUEXT_NEW_USER_BASEPTR (then
 * @mfn PV_NONE is allowed: none).
 */
int pv_pin(struct pv_vcpu *v, uint64_t mfn, unsigned int level);
int pv_unpin(struct pv_vcpu *v, uint64_t mfn);
int pv_set_root(struct pv_vcpu *v, uint64_t mfn, bool user);

/* pv_set_gdt: HYPERVISOR_set_gdt; replaces all.  @nr up to PV_GDT_FRAMES. */
int pv_set_gdt(struct pv_vcpu *v, const uint64_t *mfn, unsigned int nr);

/* ---- pv_entry.c --------------------------------------------------------- */

/*
 * pv_mod_entry: slot @slot of table @pt becomes @new; what mmu_update
 * (MMU_NORMAL_PT_UPDATE) and update_va_mapping do.  @pt may be of any level;
 * a page that is not a table but WRITABLE or none is simply written.
 */
int pv_mod_entry(
	struct pv_vcpu *v, uint64_t pt_mfn, unsigned int slot, uint64_t new);
/* pv_update_va: the L1 entry that maps page number @vpn, under the kernel
 * root whatever the mode. */
int pv_update_va(struct pv_vcpu *v, uint64_t vpn, uint64_t new);

/*
 * pv_grant_map: the caller has checked the grant: page @mfn (of another
 * domain, or its own) into an empty slot of an L1 of @v's domain.  *g is the
 * record.  pv_grant_unmap: the entry must still be what was mapped, -EINVAL
 * otherwise.  -ENOSPC: no record free.
 */
int pv_grant_map(struct pv_vcpu *v, uint64_t pt_mfn, unsigned int slot,
	uint64_t mfn, bool rw, struct pv_grant **g);
int pv_grant_unmap(struct pv_vcpu *v, struct pv_grant *g);

/* ---- pv_steal.c --------------------------------------------------------- */

/* pv_steal: take the page from @d: 0, and it is claimed, nobody's, no type.
 * -EINVAL unless ALLOCATED's is the only reference. */
int pv_steal(struct pv_vcpu *v, struct hv_page *p, struct pv_dom *d);
/* pv_transfer: GNTTABOP_transfer of @v's page to @to; -ENOMEM, -ESRCH: the
 * page is gone all the same (it is freed). */
int pv_transfer(struct pv_vcpu *v, uint64_t mfn, struct pv_dom *to);
/* pv_decrease: XENMEM_decrease_reservation of one page. */
int pv_decrease(struct pv_vcpu *v, uint64_t mfn);
/* pv_exchange: XENMEM_exchange: pages @in[*done..nr) for new ones, whose
 * numbers are stored at @out_va + 8 * index.  -EFAULT, -ENOMEM. */
int pv_exchange(struct pv_vcpu *v, const uint64_t *in, uint32_t nr,
	uint64_t out_va, uint32_t *done);

/* ---- pv_tlb.c: the processor, in software ------------------------------- */

/* pv_tlb_flush: no vCPU of @d (NULL: of anybody) has a translation left. */
void pv_tlb_flush(struct pv *pv, const struct pv_dom *d);
/* pv_lin_flush: no vCPU of @d remembers a walk. */
void pv_lin_flush(struct pv *pv, const struct pv_dom *d);
/* pv_walk: the mapping of @vpn under root @root; -EFAULT.  *pt and *slot
 * (each may be NULL) are the L1 and its slot. */
int pv_walk(struct pv *pv, struct hv_page *root, uint64_t vpn, uint64_t *e,
	struct hv_page **pt, unsigned int *slot);
/* pv_access: the page in which the processor finds page number @vpn for the
 * guest's kernel or user mode (@user), without a TLB; each level must give
 * the right.  -EFAULT. */
int pv_access(struct pv_vcpu *v, bool user, uint64_t vpn, bool rw,
	struct hv_page **page);
/* The guest's own accesses, through its TLB: word @word of page @vpn.
 * -EFAULT. */
int pv_guest_read(
	struct pv_vcpu *v, uint64_t vpn, unsigned int word, uint64_t *val);
int pv_guest_write(
	struct pv_vcpu *v, uint64_t vpn, unsigned int word, uint64_t val);
/* A slot as the engine sees it (through the cache, if there is a model). */
uint64_t pv_slot_read(struct pv *pv, struct hv_page *p, unsigned int i);
bool pv_slot_cas(struct pv *pv, struct hv_page *p, unsigned int i, uint64_t old,
	uint64_t new);
void pv_slot_write(
	struct pv *pv, struct hv_page *p, unsigned int i, uint64_t val);
/* pv_cache_flush: write back and forget.  pv_cache_evict: what the processor
 * may do by itself at any time. */
void pv_cache_flush(struct pv *pv, struct hv_page *p);
void pv_cache_evict(struct pv *pv, struct hv_page *p);

/* ---- pv_call.c ---------------------------------------------------------- */

/* pv_call: one hypercall by number; result as the function's above. */
enum pv_disposition pv_call(
	struct pv_vcpu *v, const struct pv_call *c, int64_t *result);
/* pv_after: what follows a call that has been made; @iret: it was that one.
 * For whoever keeps a list of calls himself. */
enum pv_disposition pv_after(const struct pv_vcpu *v, bool iret);
/* pv_multicall: HYPERVISOR_multicall.  -ERESTART: call again; the entries
 * that are done are not made again.  -EINVAL inside a multicall. */
int64_t pv_multicall(struct pv_vcpu *v, struct pv_call *list, uint32_t nr);
/* pv_frame_room: may @nr words be pushed below @sp?  The stack pointer after
 * it in *low. */
bool pv_frame_room(
	const struct pv *pv, uint64_t sp, unsigned int nr, uint64_t *low);

enum pv_bounce { PV_BOUNCE_EVENT, PV_BOUNCE_TRAP, PV_BOUNCE_FAILSAFE };
/* pv_bounce: build the frame for an upcall at @sp; the new stack pointer in
 * *low.  -EFAULT: nothing of the hypervisor's was written. */
int pv_bounce(
	struct pv_vcpu *v, enum pv_bounce kind, uint64_t sp, uint64_t *low);

/* ---- pv_kill.c ---------------------------------------------------------- */

/* pv_kill: take all memory from @d; @v is the caller's (another domain's, or
 * one that has nothing to do with @d).  -ERESTART; 0: nothing of @d's is
 * used by @d any more.  @d->dying is 2 when its last page is gone: pages
 * that others hold stay theirs. */
int pv_kill(struct pv_vcpu *v, struct pv_dom *d);
/* pv_kill_tables: all of it but that @d's pages are given up: no page table,
 * root, pin or descriptor table holds a page of @d's any more. */
int pv_kill_tables(struct pv_vcpu *v, struct pv_dom *d);

/* ---- pv_check.c: the ghost specification -------------------------------- */

/*
 * pv_check_step: what must hold at every moment (S1-S8); pv_check_idle: what
 * must hold while no vCPU is inside a call (Q1, Q2 too).  NULL, or the name of
 * the first invariant that is broken, with a text in @buf.  For pv_flat_ops.
 */
const char *pv_check_step(struct pv *pv, char *buf, size_t len);
const char *pv_check_idle(struct pv *pv, char *buf, size_t len);

#endif
