/* SPDX-License-Identifier: MIT */
/*
 * internal.h: what the files of the engine share with one another.
 *
 * Naming: hv_* is the contract of the public headers; frame_*, p2m_*, ...
 * belong to the file of that name and stay inside the library.
 */
#ifndef HV_CORE_INTERNAL_H
#define HV_CORE_INTERNAL_H

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <errno.h>
#include <string.h>

#include "hv/core/hv.h"
#include "hv/core/atomic.h"
#include "hv/core/dom.h"
#include "hv/core/evtchn.h"
#include "hv/core/fault.h"
#include "hv/core/grant.h"
#include "hv/core/hypercall.h"
#include "hv/core/lock.h"
#include "hv/core/mem.h"
#include "hv/core/pv.h"

#include <xen/memory.h>
#include <xen/hvm/params.h>

/* ---- small things ---------------------------------------------------- */

#define HV_CAS_TRIES 5 /* on memory that a guest may change meanwhile */

/* What the explorer has less of, so that a whole machine is a small state. */
#ifdef HV_EXPLORE
#define HV_GEOM(product, explorer) (explorer)
#else
#define HV_GEOM(product, explorer) (product)
#endif

/* An instance of a domain; gen 0 is nobody. */
struct hv_instance {
	uint32_t domid;
	uint64_t gen;
};

/* ---- slots.c: dense tables with a free list --------------------------- */

#define HV_SLOTS_CHUNK HV_GEOM(256u, 4u)
#define HV_SLOT_END    (~0u)
#define HV_SLOT_USED   (~0u - 1)

/* First member of an element: the next free one, END or USED. */
struct hv_slot {
	uint32_t next;
};

/*
 * Owner: the domain.  Chunks are never given back before slots_fini(), so
 * what was once a valid index stays an index.
 */
struct hv_slots {
	uint32_t elem; /* bytes */
	uint32_t max;
	uint32_t nr; /* elements in chunks */
	uint32_t used;
	uint32_t free; /* head of the free list */
	void **chunk;
};

void slots_init(struct hv_slots *t, uint32_t elem, uint32_t max);
void slots_fini(struct hv *hv, struct hv_slots *t);
void *slots_take(struct hv *hv, struct hv_slots *t, uint32_t *id);
void slots_put(struct hv_slots *t, uint32_t id);
/* The used element, or NULL if @id is out of range or free. */
void *slots_get(const struct hv_slots *t, uint32_t id);

/* ---- frame.c ---------------------------------------------------------- */

#define HV_COUNT_MAX 0x7fffffffu
#define HV_GFN_NONE  (~0u)
/* a v1 grant entry names 32 bits */
#define HV_GFN_MAX HV_GEOM(0xfffffffeu, P2M_SLOTS *P2M_SLOTS - 2)

/*
 * The counts are the page's (page.h): grants and foreign mappings take the
 * references that entries of page tables take.
 * Invariant S9: the owner is the run's, and a run never changes hands.
 */
struct hv_frame {
	struct hv_page page; /* pins, foreign refs; PAGE_ALLOCATED */
	struct hv_run *run;
	uint32_t gfn;    /* where the owner sees it, or HV_GFN_NONE */
	uint32_t seen;   /* hv_check(): references found */
	uint32_t seen_t; /* hv_check(): of them, those that need the type */
};

struct hv_run *run_new(
	struct hv_dom *d, enum hv_run_kind kind, uint32_t nr, int *err);
void run_put(struct hv_run *r);
/* An untouched run goes back: none of its frames was allocated. */
void run_drop(struct hv_run *r);
int frame_alloc(struct hv_frame *f);
int frame_get(struct hv_frame *f);
int frame_get_type(struct hv_frame *f, enum hv_type t);
void frame_put(struct hv_frame *f);
void frame_put_type(struct hv_frame *f);
void frame_free(struct hv_frame *f);

/* The operations of the machine's struct pv. */
extern const struct pv_ops frame_pv_ops;

static inline uint64_t frame_count(const struct hv_frame *f)
{
	return PAGE_COUNT(__atomic_load_n(&f->page.count, __ATOMIC_RELAXED));
}

static inline uint64_t frame_tcount(const struct hv_frame *f)
{
	return PAGE_COUNT(__atomic_load_n(&f->page.type, __ATOMIC_RELAXED));
}

static inline bool frame_allocated(const struct hv_frame *f)
{
	return __atomic_load_n(&f->page.count, __ATOMIC_RELAXED) &
	       PAGE_ALLOCATED;
}

/* What it is in use as.  (A page whose type nobody needs remembers it.) */
static inline enum hv_type frame_type(const struct hv_frame *f)
{
	return frame_tcount(f) ? page_type(&f->page) : HV_TYPE_NONE;
}

static inline struct hv_frame *frame_of(const struct hv_page *p)
{
	return (struct hv_frame *)((uintptr_t)p -
				   offsetof(struct hv_frame, page));
}

static inline uint32_t frame_page(const struct hv_frame *f)
{
	return (uint32_t)(f - f->run->frames);
}

static inline uint8_t *frame_va(const struct hv_frame *f)
{
	return f->run->va + (size_t)frame_page(f) * HV_PAGE_SIZE;
}

/*
 * May the frame become a page table?  Its guest has it read-only, and nobody
 * else has ever mapped it: who lies about an unmap keeps what he mapped.
 */
static inline bool frame_sealed(const struct hv_frame *f)
{
	return f->run->kind == HV_RUN_TABLE && !f->run->exported;
}

static inline uint64_t frame_mfn(const struct hv_frame *f)
{
	return f->run->mfn ? f->run->mfn + frame_page(f) : 0;
}

/* ---- mfn.c: the machine's frame numbers -------------------------------- */

#define MFN_MAX (PTE_ADDR >> HV_PAGE_SHIFT)

/* By ascending number; @run NULL: it is gone. */
struct mfn_range {
	uint64_t first;
	struct hv_run *run;
};

struct mfn_dir {
	struct mfn_range *range;
	uint32_t nr, room, gone;
	uint64_t last; /* the last number given out; 0 is none */
	bool round;    /* all have been given out once */
};

/* Do runs of @kind of @d have numbers?  Those that tables can name. */
bool mfn_wanted(const struct hv_dom *d, enum hv_run_kind kind);
/* mfn_add: number a new run, if it is of those.  -ENOMEM. */
int mfn_add(struct hv_run *r);
void mfn_del(struct hv_run *r);
/* The run of number @mfn, or NULL. */
struct hv_run *mfn_run(const struct hv *hv, uint64_t mfn);
/* The first run of PAGE_OWNER @owner with a number >= @mfn, or NULL. */
struct hv_run *mfn_next(const struct hv *hv, uint64_t owner, uint64_t mfn);
void mfn_fini(struct hv *hv);

/* ---- dom_pv.c: domains with page tables -------------------------------- */

/*
 * One virtual CPU has page tables, whatever max_vcpus says: a guest here is
 * processes of the host, which walk none.
 */
struct dom_pv {
	struct pv_dom dom;
	struct pv_vcpu cpu;
};

/* 48 bits are translated, the others repeat the highest of them. */
static inline bool va_canonical(uint64_t va)
{
	return (int64_t)(va << 16) >> 16 == (int64_t)va;
}

static inline uint64_t va_page(uint64_t va)
{
	return va << 16 >> (16 + HV_PAGE_SHIFT);
}

/* May it have page tables?  A 64-bit PV domain may. */
bool dom_has_tables(const struct hv_dom *d);
/* Made when first needed; -ENOSYS (not a 64-bit PV domain), -ENOMEM. */
int dom_pv_get(struct hv_dom *d, struct dom_pv **out);
/* A call from outside has arrived: whatever ran, it is the kernel's now. */
void dom_pv_trap(struct hv_dom *d);
/* All that its tables hold; -ERESTART.  Does nothing if it has none. */
int dom_pv_kill(struct hv_dom *d, uint32_t *budget);

/* ---- p2m.c ------------------------------------------------------------ */

#define P2M_BITS   HV_GEOM(8, 2)
#define P2M_SLOTS  (1u << P2M_BITS)
#define P2M_LEVELS HV_GEOM(4, 2)

struct p2m_node {
	uint32_t used;
	void *slot[P2M_SLOTS];
};

int p2m_set(struct hv_dom *d, uint64_t gfn, struct hv_frame *f);
void p2m_clear(struct hv_dom *d, uint64_t gfn);
void p2m_replace(struct hv_dom *d, uint64_t gfn, struct hv_frame *f);
struct hv_frame *p2m_get(const struct hv_dom *d, uint64_t gfn);
/* The first used gfn >= @from, or HV_INVALID_GFN. */
uint64_t p2m_next(const struct hv_dom *d, uint64_t from);
uint64_t p2m_last(const struct hv_dom *d);

/* ---- grant tables ----------------------------------------------------- */

#define GNT_PER_FRAME HV_GEOM(HV_PAGE_SIZE / sizeof(struct grant_entry_v1), 4u)

/* PIN_BITS of a pin count each; see pin_one(). */
enum gnt_pin { PIN_HST_W, PIN_HST_R, PIN_DEV_W, PIN_DEV_R };
#define PIN_BITS HV_GEOM(8, 2)
#define PIN_MASK ((1u << PIN_BITS) - 1)
#define PIN_WRITERS                             \
	((PIN_MASK << (PIN_HST_W * PIN_BITS)) | \
		(PIN_MASK << (PIN_DEV_W * PIN_BITS)))

/* What only the explorer knows: which mappings a processor may still use. */
#ifdef HV_EXPLORE
#define GNT_GHOST(x) x
#else
#define GNT_GHOST(x)
#endif

/*
 * The active part of an entry: what the engine decided at the first pin.
 * Invariant G5: but for @pin nothing changes while pin > 0.
 */
struct gnt_act {
	uint32_t pin;
	bool ro;       /* the entry gave read access only when it was claimed */
	uint32_t seen; /* hv_check(): pins found */
	struct hv_instance by;
	struct hv_frame *frame;
	GNT_GHOST(uint32_t live;) /* pins of mappings that are in use */
};

#define GNT_PARTS (GNTMAP_host_map | GNTMAP_device_map)

/* A mapping, in the table of the domain that made it. */
struct gnt_map {
	struct hv_slot slot;
	uint32_t flags; /* GNT_PARTS, _readonly; none: not valid yet */
	uint32_t ref;
	uint64_t addr;
	struct hv_dom *granter; /* kept by its refs */
	struct hv_frame *frame;
};

struct gnt_table {
	struct hv_run *run; /* max_frames pages, the first nr_frames in use */
	uint32_t nr_frames;
	uint32_t max_frames;
	struct hv_lock lock;
	uint32_t hint;        /* hv_gnt_alloc() looks here first */
	struct gnt_act **act; /* max_frames chunks of GNT_PER_FRAME */
	uint32_t pinned;      /* entries with pin > 0 */
};

/* What a pin gives; it is so until gnt_unpin(). */
struct gnt_pinned {
	struct hv_frame *frame;
	bool ro;     /* the entry gives read access only */
	bool was_ro; /* so it was before; for gnt_pin() */
};

/* A v1 entry as the engine reads it: flags and domid in one word. */
struct gnt_shared {
	uint32_t head; /* flags | domid << 16 */
	uint32_t frame;
};

/* ---- mem.c ------------------------------------------------------------ */

int mem_gfn_pick(struct hv_dom *d, uint32_t nr, uint64_t *gfn);
int mem_gfn_check(struct hv_dom *d, uint32_t nr, uint64_t gfn);
void mem_drop(struct hv_dom *d, struct hv_frame *f);
int mem_move(struct hv_dom *d, struct hv_frame *f, uint64_t gfn);
int mem_split(struct hv_dom *d, struct hv_frame *f, struct hv_frame **out);

/* Private memory: nobody may map it before it is split off.  A page that was
 * split off is that again after its last mapping. */
static inline bool frame_is_private(const struct hv_frame *f)
{
	const struct hv_run *r = f->run;

	return r->kind == HV_RUN_RAM ||
	       (r->split && hv_load(&r->exported) && frame_count(f) == 1);
}

int gnt_init(struct hv_dom *d);
void gnt_fini(struct hv_dom *d);
struct gnt_shared *gnt_entry(const struct hv_dom *d, uint32_t ref);
struct gnt_act *gnt_act(const struct hv_dom *d, uint32_t ref);
int16_t gnt_pin(struct hv_dom *rd, struct hv_dom *by, uint32_t ref,
	uint32_t pins, bool map, struct gnt_pinned *held);
void gnt_unpin(struct hv_dom *rd, uint32_t ref, uint32_t pins, bool map,
	struct hv_frame *f);
int16_t gnt_accept(struct hv_dom *rd, uint32_t ref, uint32_t domid);
void gnt_accept_undo(struct hv_dom *rd, uint32_t ref);
void gnt_accept_done(struct hv_dom *rd, uint32_t ref, uint32_t frame);
uint32_t gnt_pins_of(uint32_t flags);
/* How many references of the granter's struct a handle of @flags holds. */
uint32_t gnt_refs_of(uint32_t flags);
/* The mapping of that handle; the caller has the map_lock. */
struct gnt_map *gnt_map_get(const struct hv_dom *d, uint32_t handle);
int gnt_release_maps(struct hv_dom *d, uint32_t *budget);

static inline uint32_t pin_one(enum gnt_pin p)
{
	return 1u << (p * PIN_BITS);
}

/* ---- foreign.c -------------------------------------------------------- */

#define HV_MAX_FOREIGN (1u << 20)

struct foreign_ref {
	struct hv_slot slot;
	bool write;
	struct hv_dom *owner; /* kept by its refs */
	struct hv_frame *frame;
};

int foreign_release(struct hv_dom *d, uint32_t *budget);

/* ---- event channels --------------------------------------------------- */

#define EVTCHN_BUCKET  HV_GEOM(128u, 8u)
#define EVTCHN_MAX     HV_GEOM(4096u, 64u)
#define EVTCHN_BUCKETS (EVTCHN_MAX / EVTCHN_BUCKET)
#define EVTCHN_WORDS   (EVTCHN_MAX / 64)
#define HV_NR_VIRQS    24u
#define HV_MAX_VCPUS   128u

/*
 * free         nobody's; not pending
 * reserved     only port 0
 * unbound      waits for the instance @remote to bind; gen 0: for the first
 *              of that domid that does
 * interdomain  connected to @rport of @rd, and that one to this
 * virq, ipi    raised by the machine, by a vCPU of the domain
 */
enum port_state {
	PORT_FREE,
	PORT_RESERVED,
	PORT_UNBOUND,
	PORT_INTERDOMAIN,
	PORT_VIRQ,
	PORT_IPI,
};

struct hv_port {
	uint8_t state;
	uint16_t vcpu;      /* is told */
	uint16_t vcpu_virq; /* VIRQ: where it was bound */
	uint32_t rport;     /* interdomain; the number of a VIRQ */
	union {
		struct hv_dom *rd;         /* interdomain */
		struct hv_instance remote; /* unbound */
	};
};

struct hv_evtchn {
	struct hv_lock lock;
	uint32_t max;    /* ports, by the ABI and the machine */
	uint32_t valid;  /* ports in buckets; only grows, after them */
	uint32_t active; /* ports that are not free; without port 0 */
	struct hv_port *bucket[EVTCHN_BUCKETS];
	uint64_t in_use[EVTCHN_WORDS];
	/* pending and mask: private until the guest maps shared_info */
	uint64_t *pending;
	uint64_t *mask;
	uint64_t own_pending[EVTCHN_WORDS];
	uint64_t own_mask[EVTCHN_WORDS];
	uint32_t *virq; /* [max_vcpus][HV_NR_VIRQS]: the port, 0 if none */
	/* reset in progress */
	uint64_t reset_token; /* 0: none */
	uint32_t reset_next;
};

int evtchn_init(struct hv_dom *d);
void evtchn_fini(struct hv_dom *d);
struct hv_port *evtchn_port(const struct hv_dom *d, uint32_t port);
int evtchn_take(struct hv_dom *d, uint32_t *port);
void evtchn_commit(struct hv_dom *d, uint32_t port, enum port_state state);
int evtchn_bind_host(
	struct hv_dom *d, uint32_t port, struct hv_dom *rd, uint32_t rport);
void evtchn_unbind_host(struct hv_dom *d, uint32_t port);
int evtchn_close_all(struct hv_dom *d, uint32_t *cursor, uint32_t *budget);
int evtchn_reset_target(
	struct hv_dom *caller, uint32_t domid, struct hv_dom **d);
int evtchn_reset_step(struct hv_dom *d, uint64_t *token, uint32_t *budget);
void evtchn_reset_abort(struct hv_dom *d, uint64_t token);
int evtchn_get(struct hv_dom *caller, uint32_t domid, struct hv_dom **d);
void evtchn_raise(struct hv_dom *d, uint32_t port);
int evtchn_bind_vcpu(struct hv_dom *d, uint32_t port, uint32_t vcpu);
int evtchn_share(struct hv_dom *d);
void evtchn_unshare(struct hv_dom *d);

bool virq_is_global(uint32_t virq);
void virq_raise(struct hv *hv, uint32_t virq);
void virq_forget(struct hv_dom *d);

/* ---- domains ---------------------------------------------------------- */

/* Invariant D2: only ever moves down this list. */
enum hv_life { LIFE_ALIVE, LIFE_DYING, LIFE_DEAD };

/* Steps of a destruction, in order. */
enum kill_step {
	KILL_EVTCHN,
	KILL_MAPS,
	KILL_FOREIGN,
	KILL_TABLES,
	KILL_FRAMES,
	KILL_DONE,
};

struct hv_dom {
	struct hv *hv;
	uint32_t domid;
	uint64_t gen;
	struct hv_dom_config cfg;
	enum hv_life life;
	uint32_t pauses;
	bool shut;
	uint32_t shut_code;
	/* atomic; what keeps the struct: its own life, until it is dead, and
	 * each part of a mapping of its pages by anybody */
	uint32_t refs;
	uint32_t seen_refs;     /* hv_check(): of @refs */
	enum hv_life seen_life; /* hv_check(): at the last one */
	struct hv_instance target;
	bool is_target; /* may be stale: only says that one may name it */
	void *host;
	uint64_t params[HVM_NR_PARAMS];

	struct hv_lock mem_lock; /* of @p2m to @stale_pages */
	struct p2m_node *p2m;
	struct hv_run *runs;
	uint64_t tot_pages; /* RAM and SHARE frames with a count */
	uint64_t max_pages;
	uint64_t stale_pages; /* free, but their memory is not given back */
	uint64_t ram_end;     /* above the highest gfn of RAM ever populated */
	uint64_t hint;        /* no free range above RAM starts below */
	struct hv_run *shared_info;

	struct gnt_table gt;
	struct hv_lock map_lock; /* of @maps */
	struct hv_slots maps;
	struct hv_slots foreign;
	struct hv_evtchn ev;
	struct dom_pv *pv; /* NULL: it has made no call about page tables */

	enum kill_step step;
	struct hv_run *kill_run;
	uint32_t cursor;
};

#define DOM_LEAF   HV_GEOM(128u, 8u)
#define DOM_LEAVES HV_GEOM(32768u / DOM_LEAF, 1u)
#define DOM_END    HV_GEOM(DOMID_FIRST_RESERVED, DOM_LEAF)

struct dom_leaf {
	uint32_t used;
	struct hv_dom *dom[DOM_LEAF];
};

struct hv {
	const struct hv_host *host;
	void *ctx;
	struct hv_limits limits;
	struct hv_lock dom_lock; /* of @leaf */
	struct dom_leaf *leaf[DOM_LEAVES];
	uint32_t next_domid; /* round robin */
	uint64_t last_gen;
	uint64_t last_token;
	uint32_t nr_domains;
	uint32_t nr_dead;
	uint64_t nr_frames;
	uint32_t nr_runs;
	uint32_t nr_ports;
	uint32_t nr_maps;
	uint32_t nr_foreign;
	struct hv_instance virq_handler[HV_NR_VIRQS];
	struct mfn_dir mfn;
	struct pv pv;        /* the accounting of all frames */
	struct pv_vcpu self; /* the hypervisor itself, as a holder of pages */
	uint32_t checks;
};

void *hv_alloc(struct hv *hv, size_t size);
void hv_release(struct hv *hv, void *p, size_t size);
struct hv_instance dom_instance(const struct hv_dom *d);
struct hv_dom *dom_of(struct hv *hv, struct hv_instance i);
int dom_insert(struct hv_dom *d);
void dom_remove(struct hv_dom *d);
/* The reference of one part of a mapping; the last one of all frees it. */
void dom_ref(struct hv_dom *d);
void dom_unref(struct hv_dom *d);
/* As hv_dom_find() and dom_resolve(), and with a reference; a domain that is
 * being freed is none any more. */
struct hv_dom *dom_get_by(struct hv *hv, uint32_t domid);
struct hv_dom *dom_get(struct hv_dom *caller, uint32_t domid);
struct hv_dom *dom_get_of(struct hv *hv, struct hv_instance i);
void dom_put(struct hv_dom *d);
void dom_event(struct hv_dom *d, enum hv_dom_event ev);

/*
 * A domain that somebody keeps, or one of whose ports is connected and locked,
 * is held until it is dropped.  Where one thread is in the engine nobody can
 * end it meanwhile, and these are nothing.
 */
static inline void dom_hold(struct hv_dom *d)
{
#if defined(HV_EXPLORE) || defined(HV_THREADS)
	/* nobody else comes between */
	(void)__atomic_fetch_add(&d->refs, 1, __ATOMIC_ACQ_REL);
#else
	(void)d;
#endif
}

static inline void dom_drop(struct hv_dom *d)
{
#if defined(HV_EXPLORE) || defined(HV_THREADS)
	dom_unref(d);
#else
	(void)d;
#endif
}

/* DOMID_SELF or a domid; NULL if there is none. */
struct hv_dom *dom_resolve(struct hv_dom *caller, uint32_t domid);

static inline bool instance_is(struct hv_instance i, const struct hv_dom *d)
{
	return i.gen == d->gen && i.domid == d->domid;
}

/* Port @port of @d, which is known to be one. */
static inline struct hv_port *evtchn_port_at(
	const struct hv_dom *d, uint32_t port)
{
	return &d->ev.bucket[port / EVTCHN_BUCKET][port % EVTCHN_BUCKET];
}

/* ---- check_pv.c ------------------------------------------------------- */

/* What page tables of @d hold: added to seen and seen_t of the frames. */
void check_pv_visit(struct hv_dom *d);

/* ---- check.c ----------------------------------------------------------- */

#if defined(HV_DEBUG) && !defined(HV_EXPLORE) && !defined(HV_THREADS)
void check_after(struct hv *hv);
#else
static inline void check_after(struct hv *hv)
{
	(void)hv;
}
#endif

#endif
