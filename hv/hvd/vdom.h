/* SPDX-License-Identifier: MIT */
/*
 * vdom.h: the host side of a domain: its sessions, ports, processes.
 *
 * DOC: states of the processes
 *
 *   NONE -> STARTING -> READY -> RUNNING <-> STOPPED -> NONE
 *
 * NONE	     no hv-init.
 * STARTING  hv-init is making the domain's namespaces.
 * READY     it listens; nothing runs yet (the domain is paused).
 * RUNNING   kernel process and command run.
 * STOPPED   paused or shut down: all of it is frozen.
 * Moved on by spawn.c alone, from engine events (what the domain may do)
 * and hv-init's messages (what has happened).
 */
#ifndef HV_HVD_VDOM_H
#define HV_HVD_VDOM_H

#include "common/log.h"
#include "hv/hvd/hvd.h"
#include "hv/hvd/notify.h"

#define VDOM_PORT_CHUNK  64
#define VDOM_PORT_CHUNKS (HVP_EV_PORTS / VDOM_PORT_CHUNK)
#define VDOM_NAME_MAX    80

/* A guest's sessions: enough for any program, not for all descriptors. */
#define VDOM_SESSIONS_MAX 512

/* As many as hv-kernel remembers; more than these wait for their turn. */
#define VDOM_SPLITS   32
#define VDOM_SPLIT_MS 1000

struct vdom_split {
	uint64_t gfn;
	uint64_t until; /* ms; 0: a free slot */
};

enum vdom_proc {
	PROC_NONE,
	PROC_STARTING,
	PROC_READY,
	PROC_RUNNING,
	PROC_STOPPED
};

/* Owner: struct hvd.  Freed by: vdoms_turn_end(), after HV_DOM_FREED. */
struct vdom {
	TAILQ_ENTRY(vdom) entry;
	struct hvd *h;
	struct hv_dom *d; /* NULL once freed */
	uint32_t domid;
	uint64_t gen;
	char name[VDOM_NAME_MAX];
	struct log_ctx log; /* vdom_log() */
	struct event *ev_log;
	struct event_page events;
	struct vport **ports[VDOM_PORT_CHUNKS];
	struct session_list sessions;
	uint32_t n_sessions;
	uint32_t n_fds;     /* charged to it: share.h */
	uint32_t n_leaving; /* runs that are to be closed: later.h */
	uint64_t leaving_pages;
	struct session *kernel; /* of the kernel role */
	uint32_t *deferred;     /* see vdom_defer_end() */
	uint32_t n_deferred, max_deferred;
	struct vdom_split splits[VDOM_SPLITS];
	/* processes: spawn.c */
	enum vdom_proc proc;
	pid_t pid; /* hv-init, or 0 */
	int birth_fd;
	struct event *ev_birth;
	int listen_fd;
	struct event *ev_listen;
	struct admin *builder; /* waits for READY */
	uint64_t have;         /* HVB_HAVE_* */
	/* set by engine events, acted upon by the turn's end */
	bool want_update, dying, ended, freed;
};

/* From the engine's dom_new (0 or -ENOMEM) and dom_event. */
int vdom_new(struct hvd *h, struct hv_dom *d);
void vdom_event(struct vdom *vd, enum hv_dom_event ev);

struct vdom *vdom_find(struct hvd *h, uint32_t domid);
static inline struct vdom *vdom_of(const struct hv_dom *d)
{
	return hv_dom_host(d);
}

/* vdoms_turn_end: act on the events of this turn; free what is gone. */
void vdoms_turn_end(struct hvd *h);

/* vdom_destroy: the whole engine destroy, at shutdown of the machine. */
void vdom_destroy(struct vdom *vd);

/* vdom_set_name: for log lines; @name is untrusted and kept printable. */
void vdom_set_name(struct vdom *vd, const char *name, size_t len);

/*
 * vdom_log: a line that the domain, or a process of it, can cause, behind the
 * domain's number and name.  After a burst lines are counted, and their number
 * is written after VDOM_LOG_SECONDS, or when the domain is gone.
 */
#define VDOM_LOG_SECONDS 5
void vdom_log(struct vdom *vd, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * References whose entries were busy when their owner gave them back: ended
 * once the peer has let go.
 */
void vdom_defer_end(struct vdom *vd, uint32_t ref);
void vdom_end_deferred(struct vdom *vd);

/*
 * The pages that the kernel was asked to split and has not, yet.  A grantee
 * tries again and again: one request per page is enough, or its impatience
 * would fill the granter's socket.  A request that got lost is forgotten
 * after VDOM_SPLIT_MS.
 */
bool vdom_split_asked(struct vdom *vd, uint64_t gfn);
void vdom_split_note(struct vdom *vd, uint64_t gfn);
void vdom_split_done(struct vdom *vd, uint64_t gfn);

/* session.c */
void session_forget_port(struct session *s, uint32_t port);

#endif
