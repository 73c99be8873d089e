/* SPDX-License-Identifier: MIT */
/* evtchn.h: the inside of an event channel handle. */
#ifndef HV_COMPAT_EVTCHN_H
#define HV_COMPAT_EVTCHN_H

#include <pthread.h>
#include <sys/epoll.h>

#include "hv/compat/client.h"
#include "hv/compat/ports.h"
#include "hv/compat/toolcore.h"

/*
 * DOC: the descriptor of a handle
 *
 * xenevtchn_fd() is an epoll set.  In it are the session's socket, which
 * only wakes when hvd hangs up, and each port's doorbell with EPOLLONESHOT:
 * an event disarms the port (Xen: masks it), unmask arms it again, and what
 * was sent in between makes it fire at once.
 */
struct xenevtchn_handle {
	struct Xentoolcore__Active_Handle active; /* first: see evtchn.c */
	struct xentoollog_logger *logger;
	struct hv_client *client;
	int efd;
	bool inherit;                  /* descriptors survive exec */
	atomic_bool gone;              /* hvd hung up */
	atomic_bool waits;             /* the last pending() had to wait */
	atomic_bool fd_known;          /* the program may set O_NONBLOCK */
	const _Atomic uint32_t *words; /* the domain's event page */
	pthread_mutex_t lock;          /* binds, unbinds, refreshes */
	struct ports ports;
};

/* The session's mark in the epoll set; a port's is evtchn_mark(). */
#define EVTCHN_SESSION UINT64_MAX

static inline uint64_t evtchn_mark(int rfd, uint32_t port)
{
	return (uint64_t)(uint32_t)rfd << 32 | port;
}

/* evtchn_new: a handle around @efd and @c, both owned by the caller yet. */
struct xenevtchn_handle *evtchn_new(struct hv_client *c, int efd, bool inherit);

/* evtchn_map_words: HVP_EV_OPEN. */
int evtchn_map_words(struct xenevtchn_handle *xce);

/* evtchn_watch_session: into the set, or reset its entry (@op). */
int evtchn_watch_session(struct xenevtchn_handle *xce, int op);

/*
 * evtchn_install: @at's descriptors become the port's; the lock is held.
 * They are closed if this fails.
 */
int evtchn_install(struct xenevtchn_handle *xce, const struct hvp_ev_port *at,
	struct hv_fds *fds);

#endif
