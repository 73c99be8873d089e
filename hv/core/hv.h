/* SPDX-License-Identifier: MIT */
/*
 * hv.h: a machine of the engine, and what the engine asks of its host.
 *
 * DOC: the engine
 *
 * The engine is a pure state machine: domains, frames, grant tables, event
 * channels and the hypercalls over them.  It has no I/O, no threads and no
 * clock; everything it needs from outside comes through struct hv_host.  hvd
 * gives it memfds and eventfds, a test gives it malloc and a log, the
 * explorer gives it an arena that it can snapshot.
 *
 * Rules for callers:
 * - One thread at a time per machine.
 * - A host callback must not call back into the engine unless it says so.
 * - Every function that returns int returns 0, or a negative errno that is
 *   what Xen answers for the same mistake; nothing has changed then.  The
 *   restartable ones return -ERESTART when the budget of the call is used
 *   up: progress is kept, call again with the same arguments.
 */
#ifndef HV_CORE_HV_H
#define HV_CORE_HV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* xen/domctl.h and xen/sysctl.h are for tools: the engine is their peer */
#ifndef __XEN_TOOLS__
#define __XEN_TOOLS__ 1
#endif
#include <xen/xen.h>

#define HV_PAGE_SHIFT 12
#define HV_PAGE_SIZE  (1u << HV_PAGE_SHIFT)

/* Not a Linux userspace errno; never leaves the engine's callers. */
#ifndef ERESTART
#define ERESTART 85
#endif

struct hv;
struct hv_dom;
struct hv_run;
struct hv_frame;

/* What happened to a domain, in the order in which it can happen. */
enum hv_dom_event {
	HV_DOM_CREATED,  /* before the creating call returns */
	HV_DOM_PAUSED,   /* pause count left 0: its vCPUs must stop */
	HV_DOM_RUNNING,  /* pause count is 0 again, and it is not shut down */
	HV_DOM_SHUTDOWN, /* it has shut down: its vCPUs never run again */
	HV_DOM_DYING,    /* destroy began: end its processes now */
	HV_DOM_DEAD,  /* all it owned and mapped is released (may be zombie) */
	HV_DOM_FREED, /* the last reference is gone: the struct goes next */
};

/* Why a run of frames is needed: decides how the host backs it. */
enum hv_run_kind {
	HV_RUN_RAM,    /* private memory; nobody else maps it page by page */
	HV_RUN_SHARE,  /* made to be granted: one backing object of its own */
	HV_RUN_GNTTAB, /* the domain's grant table */
	HV_RUN_TABLE,  /* one page that its own guest may only read */
};

/*
 * The host of a machine.  Owner of everything that is not state.
 *
 * alloc   zeroed memory or NULL; size in bytes.
 * free    takes what alloc gave, with its size.
 * run_new backs run->nr zeroed pages: sets run->va (read-write for the
 *         engine) and may set run->host.  0 or -ENOMEM.
 * run_free  gives the backing up.  The run was never mapped by another
 *         domain, or every mapping has been put (what a liar kept is its own
 *         reference to memory that nobody uses again).
 * split   a foreign domain asked to map page @page of private RAM run @run
 *         of @d.  0: only the engine's host maps the page, split it now.
 *         -EAGAIN: the domain was asked to call hv_mem_split(); the caller
 *         sees GNTST_eagain and tries again.  Other errors: refused (as
 *         when hv_run_gfn() is -EBUSY: a foreign mapping forbids the copy).
 * evt_bind  prepare: the two ends are about to be connected; the host makes a
 *         fresh notification pair.  0, or an errno that refuses the bind.
 *         For VIRQ and IPI ports @rd is NULL.
 * evt_free  the port @port of @d is free from now on, whoever closed it: a
 *         call, a reset, the domain's end.  May be NULL.
 * evt_unbind  the port @port of @d is no longer connected to anything that
 *         may signal it (closed, or its peer closed).
 * evt_raise  the port became pending and is not masked.  Returns true if the
 *         host has taken the event over (an eventfd holds it now): the
 *         engine then clears the pending bit, so that the next event raises
 *         again.  False: the bit stays until hv_evtchn_consume().
 * dom_event  see enum hv_dom_event.  On HV_DOM_DYING the host gives up the
 *         calls of that domain: hv_hypercall_abort() is allowed here.
 * console_read  sysctl readconsole: copies up to @len bytes of the machine's
 *         log from *index on into @buf, advances *index, returns the count.
 * dom_new  prepare: @d is about to be born; the host makes what it needs for
 *         it.  0 (HV_DOM_CREATED follows), or an errno that refuses the birth
 *         and leaves nothing.  May be NULL.
 * page_free  page @page of @run is free; the run is not, yet.  Nothing will
 *         use the page again: the host may punch a hole.  True if the memory
 *         is given back.  May be NULL; pages that are not given back are
 *         charged: hv_mem_populate() fails when a domain has more of them
 *         than it may have pages.
 * table_refused  @d has been told -EBUSY because page @mfn, which it has at
 *         @gfn (HV_INVALID_GFN: nowhere), is not in memory that may become a
 *         table: hv_mem_table().  For a log.  May be NULL.
 */
struct hv_host {
	void *(*alloc)(void *ctx, size_t size);
	void (*free)(void *ctx, void *p, size_t size);
	int (*run_new)(void *ctx, struct hv_run *run);
	void (*run_free)(void *ctx, struct hv_run *run);
	int (*split)(
		void *ctx, struct hv_dom *d, struct hv_run *run, uint32_t page);
	int (*evt_bind)(void *ctx, struct hv_dom *d, uint32_t port,
		struct hv_dom *rd, uint32_t rport);
	void (*evt_unbind)(void *ctx, struct hv_dom *d, uint32_t port);
	/* optional */
	void (*evt_free)(void *ctx, struct hv_dom *d, uint32_t port);
	bool (*evt_raise)(void *ctx, struct hv_dom *d, uint32_t port);
	void (*dom_event)(void *ctx, struct hv_dom *d, enum hv_dom_event ev);
	uint32_t (*console_read)(void *ctx, char *buf, uint32_t len,
		uint32_t *index, bool clear);
	/* optional */
	int (*dom_new)(void *ctx, struct hv_dom *d);
	bool (*page_free)(void *ctx, struct hv_run *run, uint32_t page);
	void (*table_refused)(
		void *ctx, struct hv_dom *d, uint64_t gfn, uint64_t mfn);
};

/* The size of a machine.  0 in a field means its default. */
struct hv_limits {
	uint32_t max_domains;      /* live and zombie; 1024 */
	uint64_t max_pages;        /* of all domains; 64 GiB */
	uint32_t max_grant_frames; /* per domain, pages; 64 (32768 entries) */
	uint32_t max_maptrack;     /* mappings per domain; 65536 */
	uint32_t max_ports;        /* per domain, below the ABI's bound; 4096 */
	/* what sysctl shows of the machine */
	uint32_t nr_cpus; /* 1 */
	uint32_t cpu_khz; /* 1000000 */
};

/* What exists right now: for tests of leaks, hv info and metrics. */
struct hv_counts {
	uint32_t domains; /* of any state */
	uint32_t zombies; /* dead, but still referenced */
	uint64_t frames;  /* allocated */
	uint32_t runs;
	uint32_t maps;    /* grant mappings */
	uint32_t foreign; /* references taken by hv_mem_foreign() */
	uint32_t ports;   /* event channel ports that are not free */
};

/*
 * hv_new: a machine without domains.  @host and @ctx are borrowed until
 * hv_free(); NULL if memory is short.
 */
struct hv *hv_new(
	const struct hv_host *host, void *ctx, const struct hv_limits *limits);

/*
 * hv_free: all domains must be gone (FREED); asserts that nothing is left.
 */
void hv_free(struct hv *hv);

void hv_counts(const struct hv *hv, struct hv_counts *c);

/*
 * hv_check: recompute every invariant of the machine from scratch; a broken
 * one prints what it is and aborts.  With HV_DEBUG the engine calls it after
 * each operation.  Linear in all that exists.
 */
void hv_check(const struct hv *hv);

#endif
