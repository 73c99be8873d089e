/* SPDX-License-Identifier: MIT */
/*
 * window.h: runs of frames as sealed memfds.
 *
 * DOC: who may hold which descriptor
 *
 * Each run is one memfd, mapped by hvd for its whole life.  From birth it is
 * sealed against shrinking and growing, so that nobody who holds it can make
 * another mapper's access fault.  It goes
 *  - to its owner, at any time, read-write;
 *  - to a domain that maps a granted page of a SHARE run.  At the first such
 *    time the seals are closed: with F_SEAL_FUTURE_WRITE if the entry is
 *    read-only (hvd and the owner keep the writable mappings they have, and
 *    nobody ever gets another one), without it otherwise.  What the run then
 *    is, it stays; the other mode is refused;
 *  - to the control domain, or a stubdomain of the owner, for foreign maps.
 * A TABLE run is read-only for everybody but hvd from birth, its owner too.
 * A RAM run never goes to anybody else: a granted page of it is split off
 * first.  A run is never used again for another owner: the memfd is closed,
 * and the kernel keeps the pages for those who lied about having let go.
 */
#ifndef HV_HVD_WINDOW_H
#define HV_HVD_WINDOW_H

#include "hv/hvd/hvd.h"

/* The name of each, for those who look. */
#define WINDOW_NAME "hv-run"

struct window {
	TAILQ_ENTRY(window) entry; /* of those that are to be closed */
	void *va;                  /* of such a one */
	uint32_t pages;            /* of such a one: not freed yet */
	bool pieces;               /* it may be freed piece by piece */
	int fd;
	struct vdom *payer; /* NULL: made before the domain had a host side */
	uint64_t ino;
	bool closed;       /* F_SEAL_SEAL is set */
	bool owner_has_it; /* the owner's processes may have mapped it */
	bool leaves;       /* as a whole: window_leave() */
	bool held;         /* the owner of a read-only run has yet to map it */
};

/* window_new, window_free: run_new and run_free of the engine's host. */
int window_new(struct hv_run *run);
void window_free(struct hvd *h, struct hv_run *run);

/* window_close: of a run that was freed; true if it is gone, false if there
 * is more to do.  Spends the turn's units (later.h). */
bool window_close(struct hvd *h, struct window *w);

/* window_leave: all pages of the run are about to be freed, and it with the
 * last one: none of them is given back by itself. */
void window_leave(struct hv_run *run);

/* window_page_free: give the memory of a free page back; true if it went. */
bool window_page_free(struct hv_run *run, uint32_t page);

/* window_fd: the descriptor; borrowed. */
int window_fd(const struct hv_run *run);

/* window_inode: tells this memfd from others in /proc/PID/maps. */
uint64_t window_inode(const struct hv_run *run);

/* window_to_owner: note that the owner gets the descriptor. */
int window_to_owner(struct hv_run *run);

/*
 * window_hold: no grantee gets it (-EAGAIN) until the owner has made its own
 * writable mapping, which the seal of a read-only run would forbid.
 */
void window_hold(struct hv_run *run, bool on);

/*
 * window_to_grantee: close the seals for a grantee of an entry that is
 * read-only (@ro_entry) or not.  -EPERM if the run was given out in the
 * other mode before; -EAGAIN while it is held.
 */
int window_to_grantee(struct hv_run *run, bool ro_entry);

/*
 * An answer's list of segments: pages in order, coalesced, and the
 * descriptors they lie in.
 */
struct segs {
	struct hvp_seg seg[HVP_REFS_MAX];
	uint32_t n_seg;
	int fd[HVP_FDS_MAX];
	const struct hv_run *run[HVP_FDS_MAX];
	uint32_t n_fd;
};
void segs_init(struct segs *s);
/* segs_add: -E2BIG when the answer has no room for another descriptor. */
int segs_add(struct segs *s, const struct hv_page_ref *p);

#endif
