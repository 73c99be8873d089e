/* SPDX-License-Identifier: MIT */
/* session.c: one connection of a domain: framing, dispatch, fairness. */
#include "hv/hvd/session.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hv/hvd/later.h"
#include "hv/hvd/share.h"
#include "hv/hvd/vdom.h"
#include "hv/proto/fds.h"

/* Units to give back one thing, and each of its pages: the engine's work. */
#define COST_HELD      16
#define COST_HELD_PAGE 8

/* One row per operation: what its payload must look like. */
struct op_row {
	int (*fn)(struct request *r);
	uint16_t args; /* bytes before the items */
	uint16_t item; /* bytes of one item; 0: n must be 0 */
	uint16_t max_n;
	bool rest;       /* bytes may follow the items */
	bool kernel;     /* kernel role only */
	bool gives_back; /* of a restricted session, too */
};

#define ROW(op, f, a, i, m, ...) \
	[op] = {.fn = f, .args = a, .item = i, .max_n = m, ##__VA_ARGS__}

static const struct op_row rows[] = {
	ROW(HVP_HELLO, op_hello, 0, 0, 0),
	ROW(HVP_RESTRICT_ALL, op_restrict_all, 0, 0, 0, .gives_back = true),
	ROW(HVP_EV_OPEN, op_ev_open, 0, 0, 0),
	ROW(HVP_EV_ALLOC_UNBOUND, op_ev_alloc_unbound,
		sizeof(struct hvp_ev_bind), 0, 0),
	ROW(HVP_EV_BIND_INTERDOMAIN, op_ev_bind_interdomain,
		sizeof(struct hvp_ev_bind), 0, 0),
	ROW(HVP_EV_BIND_VIRQ, op_ev_bind_virq, sizeof(struct hvp_ev_bind), 0,
		0),
	ROW(HVP_EV_ATTACH, op_ev_attach, sizeof(struct hvp_ev_bind), 0, 0,
		.kernel = true),
	ROW(HVP_EV_UNBIND, op_ev_unbind, sizeof(struct hvp_ev_bind), 0, 0,
		.gives_back = true),
	ROW(HVP_EV_REFRESH, op_ev_refresh, sizeof(struct hvp_ev_bind), 0, 0),
	ROW(HVP_EV_LIST, op_ev_list, 0, 0, 0),
	ROW(HVP_EV_RESTRICT, op_ev_restrict, sizeof(struct hvp_ev_bind), 0, 0),
	ROW(HVP_GNT_MAP, op_gnt_map, sizeof(struct hvp_gnt_map),
		sizeof(struct hvp_gref), HVP_REFS_MAX),
	ROW(HVP_GNT_UNMAP, op_gnt_unmap, sizeof(struct hvp_id), 0, 0,
		.gives_back = true),
	ROW(HVP_GNT_COPY, op_gnt_copy, 0, sizeof(struct hvp_copy),
		HVP_COPY_MAX),
	ROW(HVP_GNT_ARENA, op_gnt_arena, 0, 0, 0),
	ROW(HVP_GNT_SHARE, op_gnt_share, sizeof(struct hvp_gnt_share), 0, 0),
	ROW(HVP_GNT_SHARE_READY, op_gnt_share_ready, sizeof(struct hvp_id), 0,
		0),
	ROW(HVP_GNT_UNSHARE, op_gnt_unshare, sizeof(struct hvp_id), 0, 0,
		.gives_back = true),
	ROW(HVP_GNT_NOTIFY, op_gnt_notify, sizeof(struct hvp_notify), 0, 0),
	ROW(HVP_FM_MAP, op_fm_map, sizeof(struct hvp_fm_map), sizeof(uint64_t),
		HVP_REFS_MAX),
	ROW(HVP_FM_UNMAP, op_fm_unmap, sizeof(struct hvp_id), 0, 0,
		.gives_back = true),
	ROW(HVP_FM_RESOURCE, op_fm_resource, sizeof(struct hvp_fm_resource), 0,
		0),
	ROW(HVP_FM_RESTRICT, op_fm_restrict, sizeof(struct hvp_ev_bind), 0, 0),
	ROW(HVP_HYPERCALL, op_hypercall, sizeof(struct hvp_hypercall),
		sizeof(struct hvp_buf), HVP_BUFS_MAX, .rest = true),
	ROW(HVP_MEM_MAP_OWN, op_mem_map_own, 0, sizeof(struct hvp_gfn),
		HVP_REFS_MAX, .kernel = true),
	ROW(HVP_MEM_SPLIT, op_mem_split, sizeof(struct hvp_gfn), 0, 0,
		.kernel = true),
	ROW(HVP_MEM_TABLE, op_mem_table, sizeof(struct hvp_gfn), 0, 0),
	ROW(HVP_MEM_MFN, op_mem_mfn, 0, sizeof(uint64_t), HVP_REFS_MAX),
	ROW(HVP_MEM_READ, op_mem_read, sizeof(struct hvp_va), 0, 0),
	ROW(HVP_MEM_WRITE, op_mem_write, sizeof(struct hvp_va), 0, 0,
		.rest = true),
};

/* One message in, one out: hvd has one thread. */
static union {
	struct hvp_req hdr;
	uint64_t align;
	uint8_t bytes[HVP_MSG_MAX];
} in;

static struct {
	union {
		struct hvp_rep hdr;
		uint64_t align;
		uint8_t bytes[HVP_MSG_MAX];
	} u;
	size_t len;
	int fds[HVP_FDS_MAX];
	uint32_t nfds;
} out;

void reply_reset(void)
{
	memset(&out.u.hdr, 0, sizeof(out.u.hdr));
	out.len = sizeof(out.u.hdr);
	out.nfds = 0;
}

void *reply_put(size_t len)
{
	void *p = out.u.bytes + out.len;

	/* every op bounds its answer by the limits of proto.h */
	assert(len <= sizeof(out.u.bytes) - out.len);
	memset(p, 0, len);
	out.len += len;
	return p;
}

void reply_items(uint32_t n)
{
	out.u.hdr.n = n;
}

void reply_fd(int fd)
{
	assert(out.nfds < HVP_FDS_MAX);
	out.fds[out.nfds++] = fd;
}

static int send_out(int fd)
{
	struct iovec iov = {out.u.bytes, out.len};

	out.u.hdr.len = out.len - sizeof(out.u.hdr);
	out.u.hdr.nfds = out.nfds;
	return fds_send(fd, &iov, 1, out.fds, out.nfds, MSG_DONTWAIT);
}

/* The peer is gone, or does not read. */
static bool is_over(int rc)
{
	return rc == -EAGAIN || rc == -EPIPE || rc == -ECONNRESET;
}

void reply_send(struct session *s, int rc)
{
	if (rc < 0) {
		/* an error carries nothing but what it says about itself */
		out.len = sizeof(out.u.hdr);
		out.nfds = 0;
		out.u.hdr.n = 0;
	}
	out.u.hdr.rc = rc;
	s->unread = out.nfds;
	rc = send_out(s->fd);
	/*
	 * Linux limits the descriptors in flight of a user, and all guests
	 * can be of one: that they are used up is not this session's fault.
	 * The answer goes without them, so that its client can give back
	 * what it is told about.
	 */
	if (rc && !is_over(rc) && out.nfds) {
		out.nfds = s->unread = 0;
		out.u.hdr.rc = -EMFILE;
		rc = send_out(s->fd);
	}
	/* a peer that sends requests and does not read answers is cut off */
	if (rc)
		session_kill(s);
}

int session_async(
	struct session *s, enum hvp_async what, const void *payload, size_t len)
{
	/* its own buffer: an answer may be half built */
	struct hvp_rep hdr = {.kind = HVP_ASYNC, .async = what, .len = len};
	union {
		const void *c;
		void *v;
	} body = {.c = payload};
	struct iovec iov[2] = {{&hdr, sizeof(hdr)}, {body.v, len}};

	return fds_send(s->fd, iov, 2, NULL, 0, MSG_DONTWAIT);
}

static const struct op_row *row_of(uint16_t op)
{
	if (op >= sizeof(rows) / sizeof(rows[0]) || !rows[op].fn)
		return NULL;
	return &rows[op];
}

/* The families of proto.h are ranges of 16. */
static bool is_family(uint16_t op, enum hvp_op first)
{
	return op / 16 == first / 16;
}

/* A restricted session is what a restricted handle of the library is: good
 * for that family's requests and for nothing else that a session could do. */
static bool may_ask(const struct session *s, uint16_t op)
{
	if (op == HVP_HELLO)
		return true;
	if (s->only_evtchn >= 0 && !is_family(op, HVP_EV_OPEN))
		return false;
	return s->only_fm < 0 || is_family(op, HVP_FM_MAP);
}

/* The whole of what must hold before an operation sees its arguments. */
static int request_check(
	struct request *r, const struct op_row *row, size_t len)
{
	size_t body = len - sizeof(r->hdr), need;

	if (r->hdr.len != body)
		return -EINVAL;
	if (!row)
		return -ENOSYS;
	if (row->kernel && !r->s->kernel)
		return -EPERM;
	if (!may_ask(r->s, r->hdr.op))
		return -EPERM;
	if (r->s->restricted && !row->gives_back)
		return -EPERM;
	if (r->hdr.n > row->max_n)
		return -EINVAL;
	need = row->args + (size_t)r->hdr.n * row->item;
	if (body < need || (body > need && !row->rest))
		return -EINVAL;
	r->args = in.bytes + sizeof(r->hdr);
	r->items = in.bytes + sizeof(r->hdr) + row->args;
	r->rest = in.bytes + sizeof(r->hdr) + need;
	r->rest_len = body - need;
	return 0;
}

static void dispatch(struct session *s, size_t len)
{
	struct request r = {.s = s, .hdr = in.hdr};
	const struct op_row *row = row_of(in.hdr.op);
	int rc = request_check(&r, row, len);

	s->vd->h->n_requests++;
	reply_reset();
	if (!rc)
		rc = row->fn(&r);
	if (!s->dead && !r.later)
		reply_send(s, rc);
}

/* A message with descriptors, cut short, or without a header is no request:
 * whoever sends that is not our library. */
static bool receive(struct session *s, size_t *len)
{
	struct iovec iov = {in.bytes, sizeof(in.bytes)};
	struct fds_got got;
	ssize_t n = fds_recv(s->fd, &iov, 1, NULL, 0, MSG_DONTWAIT, &got);

	if (n == -EAGAIN)
		return false;
	if (n < (ssize_t)sizeof(struct hvp_req) || got.cut || got.lost) {
		session_kill(s);
		return false;
	}
	*len = n;
	return true;
}

/* The last answer had descriptors, and the peer has not taken them. */
static bool has_unread(struct session *s)
{
	int bytes = 0;

	if (s->unread && ioctl(s->fd, SIOCOUTQ, &bytes) == 0 && bytes > 0)
		return true;
	s->unread = 0;
	return false;
}

static void on_wait(int fd, short what, void *arg);

/*
 * One answer with descriptors is in flight per session: the next request is
 * not read before.  Nothing tells that it was taken but to look.
 */
static void wait_read(struct session *s)
{
	struct timeval tv = {0, 2000};

	if (!s->ev_wait)
		s->ev_wait = event_new(s->vd->h->base, -1, 0, on_wait, s);
	if (!s->ev_wait || event_add(s->ev_wait, &tv) < 0 ||
		event_del(s->ev) < 0)
		session_kill(s);
}

static bool must_wait(struct session *s)
{
	return has_unread(s) || later_is_behind(s->vd);
}

static void on_wait(int fd, short what, void *arg)
{
	struct session *s = arg;

	if (s->dead)
		return;
	if (must_wait(s))
		wait_read(s);
	else if (event_add(s->ev, NULL) < 0)
		session_kill(s);
}

static void on_session(int fd, short what, void *arg)
{
	struct session *s = arg;
	size_t len;

	/* a call in progress is answered before the next one is read; a
	 * dying domain asks for nothing any more */
	if (s->dead || s->call || s->vd->dying)
		return;
	if (must_wait(s)) {
		wait_read(s);
		return;
	}
	if (receive(s, &len))
		dispatch(s, len);
}

struct session *session_new(struct vdom *vd, int fd, bool kernel)
{
	struct session *s;

	if (vd->dying || (!hv_dom_is_control(vd->d) && !kernel &&
				 vd->n_sessions >= VDOM_SESSIONS_MAX))
		goto fail;
	if (!share_take(vd, SHARE_SESSION))
		goto fail;
	s = calloc(1, sizeof(*s));
	if (!s)
		goto fail_share;
	s->ev = event_new(vd->h->base, fd, EV_READ | EV_PERSIST, on_session, s);
	if (!s->ev || event_add(s->ev, NULL) < 0) {
		if (s->ev)
			event_free(s->ev);
		free(s);
		goto fail_share;
	}
	s->vd = vd;
	s->fd = fd;
	s->kernel = kernel;
	s->only_evtchn = s->only_fm = -1;
	s->arena_gfn = HV_INVALID_GFN;
	TAILQ_INSERT_TAIL(&vd->sessions, s, entry);
	vd->n_sessions++;
	vd->h->n_sessions++;
	if (kernel)
		vd->kernel = s;
	return s;
fail_share:
	share_put(vd, SHARE_SESSION);
fail:
	close(fd);
	return NULL;
}

int session_pair(struct vdom *vd, bool kernel, int *client_fd)
{
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return -errno;
	if (!session_new(vd, sv[0], kernel)) {
		close(sv[1]);
		return -ENOMEM;
	}
	*client_fd = sv[1];
	return 0;
}

void on_listen(int fd, short what, void *arg)
{
	struct vdom *vd = arg;
	int c = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (c >= 0)
		session_new(vd, c, false);
	else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
		hvd_backoff(vd->h, vd->ev_listen);
}

int session_add_port(struct session *s, uint32_t port)
{
	uint32_t max = s->max_ports ? s->max_ports * 2 : 8, *p;

	if (s->n_ports == s->max_ports) {
		p = realloc(s->ports, max * sizeof(*p));
		if (!p)
			return -ENOMEM;
		s->ports = p;
		s->max_ports = max;
	}
	s->ports[s->n_ports++] = port;
	vport_find(s->vd, port)->owner = s;
	return 0;
}

void session_forget_port(struct session *s, uint32_t port)
{
	for (uint32_t i = 0; i < s->n_ports; i++) {
		if (s->ports[i] != port)
			continue;
		s->ports[i] = s->ports[--s->n_ports];
		return;
	}
}

/* Unless it was taken away by hypercall before: what is there now is not the
 * session's. */
void session_remove_page(struct session *s, const struct hv_run *run,
	uint32_t page, uint64_t gfn)
{
	struct hv_dom *d = s->vd->d;
	struct hv_page_ref p;

	if (hv_mem_lookup(d, gfn, &p) || p.run != run || p.page != page)
		return;
	if (hv_mem_remove(d, gfn) < 0)
		vdom_log(s->vd, "a page does not go");
}

void session_leave_run(
	struct session *s, struct hv_run *run, uint32_t n, uint64_t gfn)
{
	struct hv_page_ref p;
	uint64_t at;

	/* not ours to look at if it has gone, by hypercall, and then its
	 * first page is not where it was */
	if (!run || hv_mem_lookup(s->vd->d, gfn, &p) || p.run != run)
		return;
	if (run->nr != n || run->used != n || run->holds)
		return;
	for (uint32_t i = 0; i < n; i++)
		if (hv_run_gfn(run, i, &at) || at != gfn + i)
			return;
	window_leave(run);
}

static void arena_forget(struct session *s)
{
	if (s->arena)
		hv_run_put(s->arena);
	s->arena = NULL;
	s->arena_gfn = HV_INVALID_GFN;
}

static void arena_give_back(struct session *s)
{
	struct hv_run *run = s->arena;
	uint64_t gfn = s->arena_gfn;

	if (gfn == HV_INVALID_GFN)
		return;
	/* without the hold it goes with its last page; @run is a name only */
	arena_forget(s);
	session_leave_run(s, run, HVP_ARENA_PAGES, gfn);
	for (uint32_t i = 0; i < HVP_ARENA_PAGES; i++)
		session_remove_page(s, run, i, gfn + i);
}

/*
 * Give back what the session holds in the engine, as Linux does when the last
 * descriptor of a /dev/xen file closes.  False: the turn's units are used up.
 */
static bool give_back(struct session *s)
{
	struct vdom *vd = s->vd;
	uint32_t port;

	for (; s->given < s->n_held; s->given++) {
		const struct held *m = &s->held[s->given];

		if (m->kind == HELD_NONE)
			continue;
		if (!later_spend(vd->h, COST_HELD + m->n * COST_HELD_PAGE))
			return false;
		held_drop(s, s->given);
	}
	while (s->n_ports) {
		if (!later_spend(vd->h, COST_PORT))
			return false;
		port = s->ports[s->n_ports - 1];
		/* closing it takes it off our list, by evt_free */
		if (hv_evtchn_close(vd->d, port) < 0)
			vport_free(vd, port);
	}
	if (!later_spend(vd->h, COST_HELD))
		return false;
	arena_give_back(s);
	return true;
}

/* The engine is about to take all of it: only say the farewells that were
 * asked for, while the pages are still there. */
void session_detach(struct session *s)
{
	hypercall_abort(s);
	for (uint32_t id = 0; id < s->n_held; id++)
		held_forget(s, id);
	arena_forget(s);
	s->detached = true;
}

/* Nothing of it is left but itself. */
static void session_end(struct session *s)
{
	struct vdom *vd = s->vd;

	TAILQ_REMOVE(&vd->sessions, s, entry);
	vd->n_sessions--;
	share_put(vd, SHARE_SESSION);
	TAILQ_INSERT_TAIL(&vd->h->dead, s, entry);
	hvd_kick(vd->h);
}

bool session_close(struct session *s)
{
	if (!s->detached && !give_back(s))
		return false;
	s->closing = false;
	session_end(s);
	return true;
}

void session_kill(struct session *s)
{
	struct vdom *vd = s->vd;

	if (s->closing && s->detached) {
		/* its domain has just taken what there was to do */
		TAILQ_REMOVE(&vd->h->closing, s, later);
		session_close(s);
	}
	if (s->dead)
		return;
	s->dead = true;
	hypercall_abort(s);
	if (vd->kernel == s)
		vd->kernel = NULL;
	event_del(s->ev);
	/* the peer hears of it now, the descriptor is closed at the end */
	shutdown(s->fd, SHUT_RDWR);
	s->closing = true;
	if (!session_close(s))
		later_session(s);
}

void sessions_reap(struct hvd *h)
{
	struct session *s;

	while ((s = TAILQ_FIRST(&h->dead))) {
		TAILQ_REMOVE(&h->dead, s, entry);
		h->n_sessions--;
		event_free(s->ev);
		if (s->ev_again)
			event_free(s->ev_again);
		if (s->ev_wait)
			event_free(s->ev_wait);
		close(s->fd);
		free(s->held);
		free(s->ports);
		free(s);
	}
}

int op_hello(struct request *r)
{
	struct hvp_hello *o = reply_put(sizeof(*o));
	struct vdom *vd = r->s->vd;

	o->version = HVP_VERSION;
	o->domid = vd->domid;
	o->gen = vd->gen;
	o->control = hv_dom_is_control(vd->d);
	o->kernel = r->s->kernel;
	return 0;
}

int op_restrict_all(struct request *r)
{
	r->s->restricted = true;
	return 0;
}
