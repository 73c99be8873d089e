/* SPDX-License-Identifier: MIT */
/*
 * hv_host.h - a host of malloc and counters for tests of the engine
 *
 * DOC: every allocation and every backing is counted; fail_at lets the n-th
 * of them fail.  host_fini() ends the test if anything is left.
 */
#ifndef TESTS_UNIT_HV_HOST_H
#define TESTS_UNIT_HV_HOST_H

#include "hv/core/dom.h"
#include "hv/core/evtchn.h"
#include "hv/core/grant.h"
#include "hv/core/hv.h"
#include "hv/core/hypercall.h"
#include "hv/core/mem.h"

struct test_host {
	struct hv *hv;
	long blocks;   /* host->alloc minus host->free */
	long backings; /* run_new minus run_free */
	long bytes;
	long bindings;         /* evt_bind minus evt_unbind, ends */
	unsigned long calls;   /* that may fail */
	unsigned long fail_at; /* the call of that number fails; 0: none */
	bool keep_failing;     /* and all after it */
	int bind_result;       /* of evt_bind */
	int split_result;
	bool take_events; /* evt_raise: the host holds them */
	unsigned int raised;
	uint32_t raised_port;
	unsigned int events[8]; /* by enum hv_dom_event */
	unsigned int pages_freed;
	bool keep_pages;      /* page_free gives nothing back */
	unsigned int refused; /* table_refused, and the last one */
	uint64_t refused_gfn, refused_mfn;
	const char *console;
	/* also told of dom_event; may abort calls, nothing else */
	void (*on_event)(struct hv_dom *d, enum hv_dom_event ev);
};

/* A machine with those limits; 0 if memory was made to be short. */
bool host_init(struct test_host *h, const struct hv_limits *limits);
/* Frees the machine, all domains of which must be gone, and checks. */
void host_fini(struct test_host *h);

/* A 64-bit domain with @pages pages of RAM from gfn 0, running; ends the
 * test on failure.  domid 0 is the control domain. */
struct hv_dom *host_dom(struct test_host *h, uint32_t domid, uint32_t pages);
/* Destroys at once, whatever it takes. */
void host_kill(struct hv_dom *d);
/* Every domain that is left, and the machine. */
void host_end(struct test_host *h);
/* A page of its own, to be granted: the gfn. */
uint64_t host_share(struct hv_dom *d, uint32_t nr);
/* The engine's view of a page. */
uint8_t *host_page(struct hv_dom *d, uint64_t gfn);

/* The guest masks a port that there is. */
void host_mask(struct hv_dom *d, uint32_t port);

/* The grant entry @ref of @d as its guest sees it. */
struct grant_entry_v1 *host_entry(struct hv_dom *d, uint32_t ref);
int16_t host_map(struct hv_dom *by, uint32_t domid, uint32_t ref,
	uint32_t flags, uint32_t *handle);
int16_t host_unmap(struct hv_dom *by, uint32_t handle);

/*
 * G1 and more: with guests that do not touch GTF_reading and GTF_writing
 * themselves, they are set exactly while there are pins and writing pins.
 */
void host_check_entries(struct test_host *h);

/* Guest memory for hypercalls: addresses [0, sizeof(bytes)) of one buffer;
 * what is outside is -EFAULT. */
struct test_gmem {
	struct hv_gmem m;
	uint8_t bytes[65536];
	unsigned int reads, writes;
};
void host_gmem_init(struct test_gmem *g);

#endif
