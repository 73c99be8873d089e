/* SPDX-License-Identifier: MIT */
/*
 * evtchn_open.c: handles of libxenevtchn.so.1: open, close, restrict, and
 * reconstruction after exec.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xenevtchn.h>

#include "hv/compat/evtchn.h"

static int on_restrict(struct Xentoolcore__Active_Handle *active, domid_t domid)
{
	/* active is the first member */
	return xenevtchn_restrict((xenevtchn_handle *)active, domid);
}

static void evtchn_announce(
	struct xenevtchn_handle *xce, struct xentoollog_logger *logger)
{
	xce->logger = logger;
	xce->active.restrict_callback = on_restrict;
	xentoolcore__register_active_handle(&xce->active);
}

/* Frees the handle and what is inside, not efd and client. */
static void evtchn_free(struct xenevtchn_handle *xce)
{
	for (uint32_t i = 1; i < HVP_EV_PORTS; i++) {
		const struct port *p = port_find(&xce->ports, i);

		if (!p)
			continue;
		close(p->rfd);
		if (p->wfd >= 0)
			close(p->wfd);
	}
	ports_fini(&xce->ports);
	if (xce->words)
		munmap((void *)(uintptr_t)xce->words,
			HVP_EV_PORTS * sizeof(uint32_t));
	pthread_mutex_destroy(&xce->lock);
	free(xce);
}

static int evtchn_open(struct xenevtchn_handle **xp, bool inherit)
{
	struct xenevtchn_handle *xce;
	struct hv_client *c;
	int efd, r;

	r = hv_client_open(&c, NULL, inherit ? HV_CLIENT_INHERIT : 0);
	if (r < 0)
		return r;
	efd = epoll_create1(inherit ? 0 : EPOLL_CLOEXEC);
	if (efd < 0) {
		r = -errno;
		hv_client_close(c);
		return r;
	}
	xce = evtchn_new(c, efd, inherit);
	r = xce ? evtchn_map_words(xce) : -ENOMEM;
	if (r == 0)
		r = evtchn_watch_session(xce, EPOLL_CTL_ADD);
	if (r == 0) {
		*xp = xce;
		return 0;
	}
	if (xce)
		evtchn_free(xce);
	close(efd);
	hv_client_close(c);
	return r;
}

xenevtchn_handle *xenevtchn_open(
	struct xentoollog_logger *logger, unsigned int flags)
{
	struct xenevtchn_handle *xce = NULL;
	int r;

	if (flags & ~XENEVTCHN_NO_CLOEXEC) {
		errno = EINVAL;
		return NULL;
	}
	r = evtchn_open(&xce, flags & XENEVTCHN_NO_CLOEXEC);
	if (!xce) {
		hv_log_error(logger, "evtchn", -r, "cannot reach hvd");
		errno = -r;
		return NULL;
	}
	evtchn_announce(xce, logger);
	return xce;
}

int xenevtchn_close(xenevtchn_handle *xce)
{
	struct hv_client *c;

	if (!xce)
		return 0;
	xentoolcore__deregister_active_handle(&xce->active);
	/* no EPOLL_CTL_DEL: after fork the set is the parent's, too */
	c = xce->client;
	close(xce->efd);
	evtchn_free(xce);
	hv_client_close(c);
	return 0;
}

int xenevtchn_fd(xenevtchn_handle *xce)
{
	atomic_store(&xce->fd_known, true);
	return xce->efd;
}

int xenevtchn_restrict(xenevtchn_handle *xce, domid_t domid)
{
	const struct hvp_ev_bind b = {.domid = domid};
	int r = hv_client_ask(
		xce->client, HVP_EV_RESTRICT, 0, &b, sizeof(b), NULL, 0, NULL);

	if (r < 0) {
		errno = -r;
		return -1;
	}
	return 0;
}

/*
 * DOC: reconstruction after exec
 *
 * All that is known is the number of the epoll descriptor.  What is in its
 * set is found by asking the set about each open descriptor of the process:
 * EPOLL_CTL_MOD answers ENOENT for one that is not in it, and changes
 * nothing then.  The socket in it is the session.  The doorbells are taken
 * out and closed: hvd is asked which ports the session holds, and for fresh
 * descriptors of the same doorbells, so that what was sent during the exec is
 * still there.  Every port is unmasked then, as an event without a cause
 * does no harm and a lost one would.
 */
struct scan {
	int efd;
	int session; /* -1: not found yet */
};

static void scan_fd(struct scan *s, int fd)
{
	struct epoll_event ev = {.data.u64 = EVTCHN_SESSION};
	struct stat st;
	int type = 0;
	socklen_t len = sizeof(type);

	if (fd == s->efd || epoll_ctl(s->efd, EPOLL_CTL_MOD, fd, &ev) < 0)
		return;
	if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) &&
		getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
		type == SOCK_SEQPACKET) {
		s->session = fd;
		return;
	}
	epoll_ctl(s->efd, EPOLL_CTL_DEL, fd, NULL);
	close(fd);
}

/* /proc may be missing in a domain; then every number is tried. */
static void scan_all(struct scan *s)
{
	DIR *dir = opendir("/proc/self/fd");
	struct rlimit rl = {.rlim_cur = 1024};
	const struct dirent *e;

	if (dir) {
		const int self = dirfd(dir);

		while ((e = readdir(dir))) {
			int fd = atoi(e->d_name);

			if (e->d_name[0] != '.' && fd != self)
				scan_fd(s, fd);
		}
		closedir(dir);
		return;
	}
	getrlimit(RLIMIT_NOFILE, &rl);
	if (rl.rlim_cur > 1 << 20)
		rl.rlim_cur = 1 << 20;
	for (int fd = 0; fd < (int)rl.rlim_cur; fd++)
		scan_fd(s, fd);
}

static int recover_port(struct xenevtchn_handle *xce, uint32_t port)
{
	const struct hvp_ev_bind b = {.domid = HVP_EV_WAKE, .port = port};
	struct hvp_ev_port at;
	struct hv_fds fds;
	int r;

	r = hv_client_ask(xce->client, HVP_EV_REFRESH, 0, &b, sizeof(b), &at,
		sizeof(at), &fds);
	if (r == 0 && at.port != port) {
		hv_fds_close(&fds);
		r = -EPROTO;
	}
	return r < 0 ? r : evtchn_install(xce, &at, &fds);
}

static int recover_ports(struct xenevtchn_handle *xce)
{
	uint32_t port[HVP_EV_PORTS];
	const struct iovec in = {port, sizeof(port)};
	struct hv_exchange x = {.op = HVP_EV_LIST, .rep = &in, .rep_nr = 1};
	int r = hv_client_exchange(xce->client, &x);

	if (r == 0 && x.rep_len != x.rep_n * sizeof(port[0]))
		r = -EPROTO;
	for (uint32_t i = 0; r == 0 && i < x.rep_n; i++)
		r = recover_port(xce, port[i]);
	return r;
}

static int evtchn_recover(struct xenevtchn_handle **xp, int efd)
{
	struct scan s = {.efd = efd, .session = -1};
	struct xenevtchn_handle *xce;
	int fdflags = fcntl(efd, F_GETFD);
	struct hv_client *c;
	bool inherit;
	int r;

	if (fdflags < 0)
		return -EBADF;
	inherit = !(fdflags & FD_CLOEXEC);
	scan_all(&s);
	if (s.session < 0)
		return -EINVAL;
	r = hv_client_adopt(&c, s.session, inherit ? HV_CLIENT_INHERIT : 0);
	if (r < 0)
		return r;
	xce = evtchn_new(c, efd, inherit);
	r = xce ? evtchn_map_words(xce) : -ENOMEM;
	if (r == 0)
		r = evtchn_watch_session(xce, EPOLL_CTL_MOD);
	if (r == 0)
		r = recover_ports(xce);
	if (r == 0) {
		xce->fd_known = true;
		*xp = xce;
		return 0;
	}
	if (xce)
		evtchn_free(xce);
	hv_client_close(c);
	return r;
}

xenevtchn_handle *xenevtchn_fdopen(
	struct xentoollog_logger *logger, int fd, unsigned int open_flags)
{
	struct xenevtchn_handle *xce = NULL;
	int r = -EINVAL;

	if (open_flags == 0)
		r = evtchn_recover(&xce, fd);
	if (r < 0) {
		hv_log_error(logger, "evtchn", -r,
			"descriptor %d is no event channel handle", fd);
		errno = -r;
		return NULL;
	}
	evtchn_announce(xce, logger);
	return xce;
}
