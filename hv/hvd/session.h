/* SPDX-License-Identifier: MIT */
/*
 * session.h: one connection of a domain's process (hv/proto/proto.h).
 *
 * DOC: a request's way
 *
 * The loop says the socket is readable -> one message is received into a
 * buffer that all sessions share -> the header is checked -> the row of the
 * operation gives payload sizes, bounds and role -> op_*() reads validated
 * arguments and fills the reply -> one sendmsg.  One request per session and
 * turn, so that sessions take turns; a request that runs out of budget stays
 * with its session and goes on in a later turn.
 */
#ifndef HV_HVD_SESSION_H
#define HV_HVD_SESSION_H

#include "hv/hvd/hvd.h"
#include "hv/hvd/window.h"

struct hypercall_state;

/* What a session made and must give back. */
enum held_kind { HELD_NONE, HELD_GRANTS, HELD_FOREIGN, HELD_SHARE };

struct held_run {
	uint64_t ino; /* of the memfd */
	uint64_t gen; /* of the domain that owns it */
};

struct held {
	enum held_kind kind;
	struct held_run *runs; /* mapped, of others; see unmapped.h */
	uint32_t n_runs;
	uint32_t n;
	uint32_t *ids;            /* handles, foreign ids, or references */
	uint64_t addr;            /* HELD_GRANTS: recorded address of page 0 */
	uint64_t gfn;             /* HELD_SHARE */
	uint32_t peer;            /* HELD_SHARE: granted to */
	bool writable;            /* the peer may be told by a cleared byte */
	struct hv_page_ref first; /* page 0, for the notify byte; held */
	struct hvp_notify notify;
};

/* Owner: its vdom.  Freed by: sessions_reap(). */
struct session {
	TAILQ_ENTRY(session) entry;
	TAILQ_ENTRY(session) later; /* in hvd's closing */
	struct vdom *vd;
	int fd;
	struct event *ev;
	bool kernel;
	bool restricted; /* HVP_RESTRICT_ALL */
	bool dead;
	bool closing;                 /* dead, and has yet to give back */
	bool detached;                /* its domain is being destroyed */
	int64_t only_evtchn, only_fm; /* restricted to that domid, or -1 */
	uint32_t *ports;              /* held, unordered */
	uint32_t n_ports, max_ports;
	struct held *held; /* index = id */
	uint32_t n_held;
	uint32_t given;               /* of held, when it closes */
	uint32_t free_held;           /* where to look for a free one */
	uint64_t arena_gfn;           /* HV_INVALID_GFN: none yet */
	struct hv_run *arena;         /* held */
	struct hypercall_state *call; /* of a hypercall that goes on later */
	struct event *ev_again;
	struct event *ev_wait; /* while an answer is not read */
	uint32_t unread;       /* descriptors of the last answer, if any */
};

/* session_new: takes @fd, even on failure. */
struct session *session_new(struct vdom *vd, int fd, bool kernel);

/*
 * session_kill: it is heard no more, and gives back all it made: now, or in
 * slices if that is much (later.h).  Then it is freed, at a turn's end.
 * session_close: a slice of that; true if nothing is left to do.
 */
void session_kill(struct session *s);
bool session_close(struct session *s);
void session_detach(struct session *s);
void sessions_reap(struct hvd *h);

/* session_pair: a session and the other end of its socket, or -errno. */
int session_pair(struct vdom *vd, bool kernel, int *client_fd);

/* on_listen: libevent callback of a domain's listening socket. */
void on_listen(int fd, short what, void *arg);

/* session_async: an unasked message to the kernel's session; 0 or -errno. */
int session_async(struct session *s, enum hvp_async what, const void *payload,
	size_t len);

/*
 * A request being answered.  args/items point into the received message and
 * have been checked for size; items are req->n of them.  Answers are built
 * with reply_*(); rc is what op_*() returns.
 */
struct request {
	struct session *s;
	struct hvp_req hdr;
	const void *args;
	const void *items;
	const uint8_t *rest; /* what follows the items, for ops that allow it */
	size_t rest_len;
	bool later; /* no reply now */
};

void *reply_put(size_t len); /* zeroed room in the reply; asserts it fits */
void reply_items(uint32_t n);
void reply_fd(int fd);  /* borrowed until it is sent */
void reply_reset(void); /* an answer outside dispatch begins */
void reply_send(struct session *s, int rc);

/* held objects: op_gnt.c and op_fm.c */
int held_new(struct session *s, enum held_kind kind, uint32_t n, uint32_t *id);
struct held *held_get(struct session *s, uint32_t id, enum held_kind kind);
/*
 * held_release gives back what it holds and keeps its number, for a holder
 * that has yet to say that it lets go; held_drop frees the number as well;
 * held_forget is for a domain that the engine takes all of that from.
 */
void held_release(struct session *s, uint32_t id);
void held_drop(struct session *s, uint32_t id);
void held_forget(struct session *s, uint32_t id);
/* held_note_runs: what the mapping shows, for unmapped.c; 0 or -ENOMEM */
int held_note_runs(struct held *m, const struct segs *segs);
/* reply_mapping: the head and segments of HVP_GNT_MAP, FM_MAP, ... */
void reply_mapping(const struct segs *segs, uint32_t id, int16_t status,
	const int32_t *errs, uint32_t n_errs);

/* session_remove_page: page @page of @run, if it is (still) at @gfn. */
void session_remove_page(struct session *s, const struct hv_run *run,
	uint32_t page, uint64_t gfn);

/* session_leave_run: before all @n pages of @run, from @gfn on, are removed;
 * if that is the end of it, it goes as a whole. */
void session_leave_run(
	struct session *s, struct hv_run *run, uint32_t n, uint64_t gfn);

int session_add_port(struct session *s, uint32_t port);

/* The operations; each returns rc of the reply. */
int op_hello(struct request *r);
int op_restrict_all(struct request *r);
int op_ev_open(struct request *r);
int op_ev_alloc_unbound(struct request *r);
int op_ev_bind_interdomain(struct request *r);
int op_ev_bind_virq(struct request *r);
int op_ev_attach(struct request *r);
int op_ev_unbind(struct request *r);
int op_ev_refresh(struct request *r);
int op_ev_list(struct request *r);
int op_ev_restrict(struct request *r);
int op_gnt_map(struct request *r);
int op_gnt_unmap(struct request *r);
int op_gnt_copy(struct request *r);
int op_gnt_arena(struct request *r);
int op_gnt_share(struct request *r);
int op_gnt_share_ready(struct request *r);
int op_gnt_unshare(struct request *r);
int op_gnt_notify(struct request *r);
int op_fm_map(struct request *r);
int op_fm_unmap(struct request *r);
int op_fm_resource(struct request *r);
int op_fm_restrict(struct request *r);
int op_hypercall(struct request *r);
int op_mem_map_own(struct request *r);
int op_mem_split(struct request *r);
int op_mem_table(struct request *r);
int op_mem_mfn(struct request *r);
int op_mem_read(struct request *r);
int op_mem_write(struct request *r);

/*
 * op_call.c: the hypercall that is being made costs @units more than the
 * engine knows; nothing if there is none.
 */
void hypercall_spend(uint32_t units);

/* op_call.c: drop the state of a hypercall that will not be finished. */
void hypercall_abort(struct session *s);

#endif
