/* SPDX-License-Identifier: MIT */
/*
 * hvd.h: the machine's daemon: one engine, its domains, their sessions.
 *
 * DOC: the map of hvd
 *
 *   main.c	options, start and end of the process
 *   machine.c	the engine, the loop, dom0
 *   log.c	the machine's log (hv dmesg, sysctl readconsole, a file)
 *   host.c	what the engine asks of us (hv/core/hv.h)
 *   window.c	runs of frames as sealed memfds; what may be handed to whom
 *   notify.c	ports as doorbells; the event page
 *   vdom.c	a domain's host side: sessions, processes, life and death
 *   unmapped.c	mappings that ended without a word
 *   share.c	hvd's descriptors, a share for each domain
 *   later.c	giving back, in slices
 *   spawn.c	hv-init: birth socket, start, stop, exec
 *   session.c	one connection of a domain: framing, dispatch, fairness
 *   op_*.c	the requests of proto.h, a file per family
 *   admin.c	the administrator's socket
 *
 * Ownership: struct hvd owns everything; a vdom owns its sessions, ports and
 * process; a session owns its mappings, shares and arena.  Nothing is freed
 * inside its own callback: session_kill() and friends queue it, the loop
 * frees it after the turn.
 *
 * Invariant 1: a vdom lives from HV_DOM_CREATED to HV_DOM_FREED.
 * Invariant 2: an engine callback never calls the engine (hv.h); it records
 * what to do and the loop does it (hvd_kick()).
 */
#ifndef HV_HVD_HVD_H
#define HV_HVD_HVD_H

#include <sys/queue.h>
#include <sys/types.h>

#include "hv/core/dom.h"
#include "hv/core/evtchn.h"
#include "hv/core/hypercall.h"
#include "hv/core/mem.h"
#include "hv/proto/proto.h"

struct event;
struct event_base;
struct session;
struct vdom;
struct window;
struct admin;

TAILQ_HEAD(session_list, session);
TAILQ_HEAD(vdom_list, vdom);
TAILQ_HEAD(window_list, window);
TAILQ_HEAD(admin_list, admin);

struct hvd {
	struct event_base *base;
	struct hv *hv;
	const char *dir;        /* the machine's folder */
	const char *init_path;  /* hv-init */
	uint32_t dom0_pages;    /* what dom0 shows as its memory */
	struct event *kick;     /* runs hvd_turn_end() */
	struct event *ev_admin; /* listener */
	struct event *ev_chld, *ev_term, *ev_int;
	struct event *ev_unmapped; /* unmapped.c */
	struct event *ev_backoff;  /* hvd_backoff() */
	uint32_t unmapped_ms;
	int admin_fd;
	struct vdom_list vdoms;
	struct admin_list admins;
	struct session_list dead; /* sessions to free at the turn's end */
	struct admin_list dead_admins;
	/* later.c */
	struct session_list closing;
	struct window_list leaving;
	struct event *ev_later;
	uint32_t spare; /* units that this turn has left */
	uint32_t n_sessions;
	uint32_t n_fds, fds_max; /* share.h */
	uint64_t n_requests;
	size_t engine_bytes; /* held by the engine through host.alloc */
	bool stopping, stopped;
};

/* machine.c */
/* machine_init: the engine with its dom0, and the loop; 0 or -errno. */
int machine_init(struct hvd *h);
/* machine_fini: all domains must be gone (h->stopped and the loop ended). */
void machine_fini(struct hvd *h);
/* hvd_kick: have hvd_turn_end() run once the current callbacks are done. */
void hvd_kick(struct hvd *h);

/* hvd_backoff: accept(2) has failed on @listener, for want of descriptors:
 * the connection stays in its queue and the loop would spin.  It listens
 * again after a while. */
void hvd_backoff(struct hvd *h, struct event *listener);

/* host.c */
extern const struct hv_host hvd_host;

/* log.c: one line, printf-like, without the newline; peer bytes in it must
 * have been escaped. */
void hvd_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int hvd_log_open(const char *path);
void hvd_log_stderr(bool on);
/* hvd_log_tail: an index that leaves at most @len bytes to read. */
void hvd_log_tail(uint32_t len, uint32_t *index);
uint32_t hvd_log_read(char *buf, uint32_t len, uint32_t *index, bool clear);

/* A budget for one entry into the engine: about 50 us of work. */
#define HVD_BUDGET 2048

#endif
