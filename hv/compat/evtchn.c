/* SPDX-License-Identifier: MIT */
/*
 * evtchn.c: libxenevtchn.so.1 on hv.
 *
 * DOC: semantics
 *
 * Those of Linux's /dev/xen/evtchn, with these errors: notify and unbind of
 * a port that the handle does not hold are ENOTCONN, unmask of one is no
 * error.  xenevtchn_pending() waits unless O_NONBLOCK is set on the
 * descriptor, and may report a port without a cause after its peer bound
 * anew.  When hvd is gone, it fails with EIO and the descriptor polls ready.
 *
 * notify, pending and unmask may run in any number of threads, also while
 * another one binds and unbinds.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xenevtchn.h>

#include "hv/compat/bell.h"
#include "hv/compat/evtchn.h"

static int fail(int r)
{
	errno = -r;
	return -1;
}

struct xenevtchn_handle *evtchn_new(struct hv_client *c, int efd, bool inherit)
{
	struct xenevtchn_handle *xce = calloc(1, sizeof(*xce));

	if (!xce)
		return NULL;
	xce->client = c;
	xce->efd = efd;
	xce->inherit = inherit;
	pthread_mutex_init(&xce->lock, NULL);
	return xce;
}

int evtchn_map_words(struct xenevtchn_handle *xce)
{
	const size_t size = HVP_EV_PORTS * sizeof(uint32_t);
	struct hv_fds fds;
	void *words;
	int r = hv_client_ask(
		xce->client, HVP_EV_OPEN, 0, NULL, 0, NULL, 0, &fds);

	if (r < 0)
		return r;
	if (fds.nr != 1) {
		hv_fds_close(&fds);
		return -EPROTO;
	}
	words = mmap(
		NULL, size, PROT_READ, MAP_SHARED | MAP_POPULATE, fds.fd[0], 0);
	r = words == MAP_FAILED ? -errno : 0;
	hv_fds_close(&fds);
	if (r == 0)
		xce->words = words;
	return r;
}

int evtchn_watch_session(struct xenevtchn_handle *xce, int op)
{
	struct epoll_event ev = {.data.u64 = EVTCHN_SESSION};

	if (epoll_ctl(xce->efd, op, hv_client_fd(xce->client), &ev) < 0)
		return -errno;
	return 0;
}

static uint32_t word_of(const struct xenevtchn_handle *xce, uint32_t port)
{
	return atomic_load_explicit(
		(_Atomic uint32_t *)(uintptr_t)&xce->words[port],
		memory_order_acquire);
}

static int check_fds(const struct hv_fds *fds)
{
	int r = fds->nr == 1 || fds->nr == 2 ? 0 : -EPROTO;

	/* what we ring is asked for anew after exec; what we wait on cannot
	 * be taken out of the epoll set without its number */
	if (r == 0 && fds->nr == 2 &&
		fcntl(fds->fd[1], F_SETFD, FD_CLOEXEC) < 0)
		r = -errno;
	return r;
}

static void port_close_fds(const struct port *p)
{
	close(p->rfd);
	if (p->wfd >= 0)
		close(p->wfd);
}

int evtchn_install(struct xenevtchn_handle *xce, const struct hvp_ev_port *at,
	struct hv_fds *fds)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLONESHOT};
	struct port *p = NULL;
	int r = check_fds(fds);

	if (r == 0 && (at->port == 0 || at->port >= HVP_EV_PORTS ||
			      port_find(&xce->ports, at->port)))
		r = -EPROTO;
	if (r == 0) {
		p = port_get(&xce->ports, at->port);
		r = p ? 0 : -ENOMEM;
	}
	if (r) {
		hv_fds_close(fds);
		return r;
	}
	p->rfd = fds->fd[0];
	p->wfd = fds->nr == 2 ? fds->fd[1] : -1;
	atomic_store(&p->rstamp, at->stamp);
	atomic_store(&p->wstamp, at->stamp);
	/* live before it can fire */
	port_publish(p);
	ev.data.u64 = evtchn_mark(p->rfd, at->port);
	if (epoll_ctl(xce->efd, EPOLL_CTL_ADD, p->rfd, &ev) < 0) {
		r = -errno;
		port_retire(p);
		port_close_fds(p);
	}
	return r;
}

static void tell_unbind(struct xenevtchn_handle *xce, uint32_t port)
{
	const struct hvp_ev_bind b = {.port = port};

	/* hvd's answer changes nothing: for us the port is gone */
	(void)hv_client_ask(
		xce->client, HVP_EV_UNBIND, 0, &b, sizeof(b), NULL, 0, NULL);
}

static xenevtchn_port_or_error_t evtchn_bind(struct xenevtchn_handle *xce,
	unsigned int op, uint32_t domid, uint32_t port)
{
	const struct hvp_ev_bind b = {.domid = domid, .port = port};
	struct hvp_ev_port at = {0};
	struct hv_fds fds;
	int r;

	pthread_mutex_lock(&xce->lock);
	r = hv_client_ask(
		xce->client, op, 0, &b, sizeof(b), &at, sizeof(at), &fds);
	if (r == 0)
		r = evtchn_install(xce, &at, &fds);
	else if (r != -EMFILE)
		at.port = 0;
	if (r < 0 && at.port)
		tell_unbind(xce, at.port);
	pthread_mutex_unlock(&xce->lock);
	return r < 0 ? fail(r) : (int)at.port;
}

xenevtchn_port_or_error_t xenevtchn_bind_unbound_port(
	xenevtchn_handle *xce, uint32_t domid)
{
	return evtchn_bind(xce, HVP_EV_ALLOC_UNBOUND, domid, 0);
}

xenevtchn_port_or_error_t xenevtchn_bind_interdomain(
	xenevtchn_handle *xce, uint32_t domid, evtchn_port_t remote_port)
{
	return evtchn_bind(xce, HVP_EV_BIND_INTERDOMAIN, domid, remote_port);
}

xenevtchn_port_or_error_t xenevtchn_bind_virq(
	xenevtchn_handle *xce, unsigned int virq)
{
	return evtchn_bind(xce, HVP_EV_BIND_VIRQ, 0, virq);
}

int xenevtchn_unbind(xenevtchn_handle *xce, evtchn_port_t port)
{
	struct port *p;

	if (port >= HVP_EV_PORTS)
		return fail(-EINVAL);
	pthread_mutex_lock(&xce->lock);
	p = port_find(&xce->ports, port);
	if (p) {
		port_retire(p);
		epoll_ctl(xce->efd, EPOLL_CTL_DEL, p->rfd, NULL);
		port_close_fds(p);
		tell_unbind(xce, port);
	}
	pthread_mutex_unlock(&xce->lock);
	return p ? 0 : fail(-ENOTCONN);
}

/* Puts @new behind the number @old, which the caller keeps. */
static int replace_fd(int new, int old, bool cloexec)
{
	return dup3(new, old, cloexec ? O_CLOEXEC : 0) < 0 ? -errno : 0;
}

/*
 * Replaces what is stale of @p: what to ring, and with @both what to wait on.
 * Only those who report an event, or arm the port, take the latter: hvd has
 * rung the old one, so that the port fires.
 */
static int port_replace(struct xenevtchn_handle *xce, struct port *p,
	const struct hvp_ev_port *at, struct hv_fds *fds, bool both)
{
	struct epoll_event ev = {.events = EPOLLONESHOT};
	int r = check_fds(fds);

	if (r == 0 && fds->nr != (p->wfd >= 0 ? 2u : 1u))
		r = -EPROTO;
	if (r == 0 && p->wfd >= 0)
		r = replace_fd(fds->fd[1], p->wfd, true);
	if (r == 0)
		atomic_store(&p->wstamp, at->stamp);
	if (r == 0 && both) {
		ev.data.u64 = evtchn_mark(p->rfd, at->port);
		epoll_ctl(xce->efd, EPOLL_CTL_DEL, p->rfd, NULL);
		r = replace_fd(fds->fd[0], p->rfd, !xce->inherit);
		if (r == 0 &&
			epoll_ctl(xce->efd, EPOLL_CTL_ADD, p->rfd, &ev) < 0)
			r = -errno;
		if (r == 0)
			atomic_store(&p->rstamp, at->stamp);
	}
	hv_fds_close(fds);
	return r;
}

/* The event page says that @port's descriptors are stale; @flags are those of
 * HVP_EV_REFRESH. */
static int port_refresh(
	struct xenevtchn_handle *xce, uint32_t port, uint32_t flags)
{
	const struct hvp_ev_bind b = {.domid = flags, .port = port};
	const bool both = !(flags & HVP_EV_RING_ONLY);
	struct hvp_ev_port at;
	struct hv_fds fds;
	struct port *p;
	uint32_t word;
	int r = 0;

	pthread_mutex_lock(&xce->lock);
	p = port_find(&xce->ports, port);
	word = p ? word_of(xce, port) : 0;
	/* gone meanwhile, or another thread did it */
	if (!p || (atomic_load(&p->wstamp) == word &&
			  (!both || atomic_load(&p->rstamp) == word)))
		goto out;
	port_freeze(p);
	r = hv_client_ask(xce->client, HVP_EV_REFRESH, 0, &b, sizeof(b), &at,
		sizeof(at), &fds);
	if (r == 0) {
		at.port = port;
		r = port_replace(xce, p, &at, &fds, both);
	}
	port_thaw(p);
out:
	pthread_mutex_unlock(&xce->lock);
	return r;
}

/* Become a user of a live port, waiting for a refresh to end. */
static struct port *port_use(
	struct xenevtchn_handle *xce, uint32_t port, bool *counted)
{
	struct port *p;
	int r;

	for (;;) {
		p = port_find(&xce->ports, port);
		if (!p)
			return NULL;
		r = port_enter(p, counted);
		if (r == 0)
			return p;
		if (r == -ENOENT)
			return NULL;
		pthread_mutex_lock(&xce->lock);
		pthread_mutex_unlock(&xce->lock);
	}
}

int xenevtchn_notify(xenevtchn_handle *xce, evtchn_port_t port)
{
	struct port *p;
	bool counted;
	int r;

	for (;;) {
		p = port_use(xce, port, &counted);
		if (!p)
			return fail(-ENOTCONN);
		if (p->wfd < 0) {
			port_leave(p,
				counted); /* a VIRQ: Linux says nothing, too */
			return 0;
		}
		/*
		 * What the caller wrote for its peer comes before our look
		 * at the stamp: if we then ring the old doorbell, a new peer has
		 * yet to get the event of its bind, and sees the data.
		 */
		atomic_thread_fence(memory_order_seq_cst);
		if (atomic_load_explicit(&p->wstamp, memory_order_relaxed) ==
			word_of(xce, port))
			break;
		port_leave(p, counted);
		r = port_refresh(xce, port, HVP_EV_RING_ONLY);
		if (r < 0)
			return fail(r);
	}
	r = bell_ring(p->wfd) ? 0 : -EIO;
	port_leave(p, counted);
	/* hvd's death is the peer's, too */
	if (atomic_load_explicit(&xce->gone, memory_order_relaxed))
		r = -EIO;
	return r < 0 ? fail(r) : 0;
}

static void port_arm(struct xenevtchn_handle *xce, uint32_t port, int rfd)
{
	struct epoll_event ev = {
		.events = EPOLLIN | EPOLLONESHOT,
		.data.u64 = evtchn_mark(rfd, port),
	};

	epoll_ctl(xce->efd, EPOLL_CTL_MOD, rfd, &ev);
}

int xenevtchn_unmask(xenevtchn_handle *xce, evtchn_port_t port)
{
	bool counted, stale;
	struct port *p = port_use(xce, port, &counted);
	int r;

	if (!p)
		return 0;
	/* a peer that bound anew while it was masked, or descriptors that were
	 * short at the event: the old doorbell rings no more */
	stale = atomic_load(&p->rstamp) != word_of(xce, port);
	if (stale) {
		port_leave(p, counted);
		r = port_refresh(xce, port, HVP_EV_WAKE);
		if (r < 0)
			return fail(r);
		p = port_use(xce, port, &counted);
		if (!p)
			return 0;
	}
	port_arm(xce, port, p->rfd);
	port_leave(p, counted);
	return 0;
}

/* 1: the descriptor is in blocking mode, 0: it is not; or -errno. */
static int may_wait(const struct xenevtchn_handle *xce)
{
	int flags;

	/* whoever never asked for the descriptor has not changed it */
	if (!atomic_load_explicit(&xce->fd_known, memory_order_relaxed))
		return 1;
	flags = fcntl(xce->efd, F_GETFL);
	return flags < 0 ? -errno : !(flags & O_NONBLOCK);
}

/*
 * Waits as the descriptor's mode says: 1, 0 or -errno.  A program that polls
 * first comes when an event is there: look at once.  One that waits here
 * comes before it: then ask for the mode first, and make one call less.
 */
static int wait_event(struct xenevtchn_handle *xce, struct epoll_event *ev)
{
	int n = 0;

	if (!atomic_load_explicit(&xce->waits, memory_order_relaxed))
		n = epoll_wait(xce->efd, ev, 1, 0);
	if (n == 0) {
		int wait = may_wait(xce);

		if (wait < 0)
			return wait;
		atomic_store_explicit(&xce->waits, wait, memory_order_relaxed);
		n = epoll_wait(xce->efd, ev, 1, wait ? -1 : 0);
		if (n == 0 && !wait)
			return -EAGAIN;
	}
	return n < 0 ? -errno : n;
}

/*
 * The port of @ev fired: take its events.  1: report it; 0: it was none.
 */
static int port_take(struct xenevtchn_handle *xce, const struct epoll_event *ev)
{
	const uint32_t port = (uint32_t)ev->data.u64;
	const int rfd = (int)(ev->data.u64 >> 32);
	bool stale, counted, rang;
	struct port *p = port_use(xce, port, &counted);

	if (!p)
		return 0;
	if (p->rfd != rfd) {
		port_leave(p, counted); /* of an earlier life of this port */
		return 0;
	}
	rang = bell_take(rfd);
	stale = atomic_load(&p->rstamp) != word_of(xce, port);
	/* somebody else took them: the port must be able to fire again */
	if (!rang && !stale)
		port_arm(xce, port, rfd);
	port_leave(p, counted);
	/* if that fails, unmask tries again, and says so */
	if (stale)
		(void)port_refresh(xce, port, 0);
	return rang || stale;
}

xenevtchn_port_or_error_t xenevtchn_pending(xenevtchn_handle *xce)
{
	struct epoll_event ev;
	int r;

	for (;;) {
		r = wait_event(xce, &ev);
		if (r < 0)
			return fail(r);
		if (r == 0)
			continue;
		if (ev.data.u64 == EVTCHN_SESSION) {
			atomic_store(&xce->gone, true);
			return fail(-EIO);
		}
		if (port_take(xce, &ev))
			return (int)(uint32_t)ev.data.u64;
	}
}
