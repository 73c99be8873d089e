/* SPDX-License-Identifier: MIT */
/* admin.c: the administrator's socket. */
#include "hv/hvd/admin.h"

#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "hv/hvd/session.h"
#include "hv/hvd/spawn.h"
#include "hv/hvd/vdom.h"
#include "hv/proto/admin.h"
#include "hv/proto/fds.h"

/* A program started through a connection; ids are the machine's. */
struct started {
	TAILQ_ENTRY(started) entry;
	uint32_t id;
	uint32_t domid;
	uint64_t gen;
};

struct admin {
	TAILQ_ENTRY(admin) entry;
	struct hvd *h;
	int fd;
	struct event *ev;
	bool dead;
	bool deaf; /* an answer was lost: to be cut off */
	TAILQ_HEAD(, started) started;
};

static uint32_t next_id = 1;

static void answer(
	struct admin *a, struct hva_msg m, const void *payload, int fd)
{
	union {
		const void *c;
		void *v;
	} body = {.c = payload};
	struct iovec iov[2] = {{&m, sizeof(m)}, {body.v, m.len}};
	int rc = fds_send(a->fd, iov, 2, &fd, fd >= 0, MSG_DONTWAIT);

	if (fd >= 0 && rc == -ETOOMANYREFS) {
		m.value = -EMFILE;
		rc = fds_send(a->fd, iov, 2, NULL, 0, MSG_DONTWAIT);
	}
	if (!rc)
		return;
	/* who waits for an answer that was lost would wait for ever; the
	 * lists of connections may be in use here */
	hvd_log("admin: cannot answer: %s", strerror(-rc));
	a->deaf = true;
	hvd_kick(a->h);
}

static void admin_kill(struct admin *a)
{
	struct started *st;
	struct vdom *vd;

	if (a->dead)
		return;
	a->dead = true;
	event_del(a->ev);
	while ((st = TAILQ_FIRST(&a->started))) {
		TAILQ_REMOVE(&a->started, st, entry);
		vd = vdom_find(a->h, st->domid);
		if (vd && vd->gen == st->gen)
			spawn_signal(vd, st->id, SIGHUP);
		free(st);
	}
	TAILQ_FOREACH (vd, &a->h->vdoms, entry)
		if (vd->builder == a)
			vd->builder = NULL;
	TAILQ_REMOVE(&a->h->admins, a, entry);
	TAILQ_INSERT_TAIL(&a->h->dead_admins, a, entry);
	hvd_kick(a->h);
}

void admins_reap(struct hvd *h)
{
	struct admin *a, *next;

	for (a = TAILQ_FIRST(&h->admins); a; a = next) {
		next = TAILQ_NEXT(a, entry);
		if (a->deaf)
			admin_kill(a);
	}

	while ((a = TAILQ_FIRST(&h->dead_admins))) {
		TAILQ_REMOVE(&h->dead_admins, a, entry);
		event_free(a->ev);
		close(a->fd);
		free(a);
	}
}

void admin_built(struct vdom *vd, int rc, const char *why)
{
	struct hva_msg m = {.type = HVA_BUILD,
		.domid = vd->domid,
		.value = rc,
		.len = strlen(why)};

	if (vd->builder)
		answer(vd->builder, m, why, -1);
	vd->builder = NULL;
}

static void exited(struct admin *a, struct started *st, int status)
{
	struct hva_msg m = {.type = HVA_EXITED,
		.domid = st->domid,
		.id = st->id,
		.value = status};

	TAILQ_REMOVE(&a->started, st, entry);
	free(st);
	answer(a, m, NULL, -1);
}

void admin_exited(struct vdom *vd, uint32_t id, int status)
{
	struct admin *a;
	struct started *st;

	TAILQ_FOREACH (a, &vd->h->admins, entry) {
		TAILQ_FOREACH (st, &a->started, entry) {
			if (st->id != id || st->gen != vd->gen)
				continue;
			exited(a, st, status);
			return;
		}
	}
}

void admin_all_exited(struct vdom *vd)
{
	struct admin *a;
	struct started *st, *next;

	TAILQ_FOREACH (a, &vd->h->admins, entry) {
		for (st = TAILQ_FIRST(&a->started); st; st = next) {
			next = TAILQ_NEXT(st, entry);
			if (st->gen == vd->gen)
				exited(a, st, SIGKILL);
		}
	}
}

static void do_session(struct admin *a, struct hva_msg *m)
{
	struct vdom *vd = vdom_find(a->h, 0);
	int fd = -1, rc = vd ? session_pair(vd, false, &fd) : -ESRCH;

	m->value = rc;
	answer(a, *m, NULL, fd);
	if (fd >= 0)
		close(fd);
}

static void do_build(
	struct admin *a, struct hva_msg *m, const char *body, size_t len)
{
	static char config[HVA_MSG_MAX + 32];
	struct vdom *vd = vdom_find(a->h, m->domid);
	int n, rc = -ESRCH;

	/* whose it is, is not for the configuration to say */
	n = snprintf(config, sizeof(config), "domid=%u", m->domid) + 1;
	memcpy(config + n, body, len);
	if (vd && !vd->dying)
		rc = spawn_build(vd, config, n + len, a);
	if (rc) {
		m->value = rc;
		answer(a, *m, NULL, -1);
	}
}

static void do_exec(struct admin *a, struct hva_msg *m, const char *body,
	size_t len, const int *fds, uint32_t nfds)
{
	struct vdom *vd = vdom_find(a->h, m->domid);
	struct started *st = calloc(1, sizeof(*st));

	m->value = -ENOMEM;
	if (!st)
		goto out;
	st->id = next_id++;
	m->value = nfds != 3          ? -EINVAL
		   : !vd || vd->dying ? -ESRCH
				      : spawn_exec(vd, st->id, body, len, fds);
	if (m->value) {
		free(st);
		goto out;
	}
	st->domid = vd->domid;
	st->gen = vd->gen;
	m->id = st->id;
	TAILQ_INSERT_TAIL(&a->started, st, entry);
out:
	answer(a, *m, NULL, -1);
}

static void do_signal(struct admin *a, struct hva_msg *m)
{
	struct started *st;
	struct vdom *vd;
	int sig = m->value;

	m->value = -ESRCH;
	TAILQ_FOREACH (st, &a->started, entry) {
		if (st->id != m->id)
			continue;
		vd = vdom_find(a->h, st->domid);
		if (vd && vd->gen == st->gen)
			m->value = spawn_signal(vd, st->id, sig);
	}
	answer(a, *m, NULL, -1);
}

static uint32_t count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	uint32_t n = 0;

	if (!d)
		return 0;
	while (readdir(d))
		n++;
	closedir(d);
	/* ".", ".." and the folder itself */
	return n - 3;
}

static void do_info(struct admin *a, struct hva_msg *m)
{
	struct hva_info i = {.pid = getpid()};
	struct vdom *vd;
	struct hv_counts c;

	hv_counts(a->h->hv, &c);
	i.domains = c.domains;
	i.zombies = c.zombies;
	i.runs = c.runs;
	i.maps = c.maps;
	i.foreign = c.foreign;
	i.ports = c.ports;
	i.frames = c.frames;
	i.sessions = a->h->n_sessions;
	i.descriptors = count_fds();
	i.requests = a->h->n_requests;
	TAILQ_FOREACH (vd, &a->h->vdoms, entry) {
		i.processes += vd->pid != 0;
		if (vd->domid == 0)
			i.have = vd->have;
	}
	m->value = 0;
	m->len = sizeof(i);
	answer(a, *m, &i, -1);
}

static void do_log(struct admin *a, struct hva_msg *m)
{
	static char text[61440];
	uint32_t index = 0;

	/* the newest part is what counts */
	hvd_log_tail(sizeof(text), &index);
	m->len = hvd_log_read(text, sizeof(text), &index, false);
	m->value = 0;
	answer(a, *m, text, -1);
}

static void do_name(
	struct admin *a, struct hva_msg *m, const char *body, size_t len)
{
	struct vdom *vd = vdom_find(a->h, m->domid);

	if (vd)
		vdom_set_name(vd, body, len);
	m->value = vd ? 0 : -ESRCH;
	answer(a, *m, NULL, -1);
}

static void serve(struct admin *a, struct hva_msg *m, const char *body,
	const int *fds, uint32_t nfds)
{
	size_t len = m->len;

	m->len = 0;
	switch ((enum hva_type)m->type) {
	case HVA_SESSION: do_session(a, m); return;
	case HVA_BUILD: do_build(a, m, body, len); return;
	case HVA_EXEC: do_exec(a, m, body, len, fds, nfds); return;
	case HVA_SIGNAL: do_signal(a, m); return;
	case HVA_INFO: do_info(a, m); return;
	case HVA_LOG: do_log(a, m); return;
	case HVA_NAME: do_name(a, m, body, len); return;
	case HVA_STOP:
		m->value = 0;
		answer(a, *m, NULL, -1);
		a->h->stopping = true;
		hvd_kick(a->h);
		return;
	case HVA_EXITED: break;
	}
	m->value = -ENOSYS;
	answer(a, *m, NULL, -1);
}

static void on_admin(int sock, short what, void *arg)
{
	static union {
		struct hva_msg m;
		char bytes[HVA_MSG_MAX];
	} in;
	struct iovec iov = {in.bytes, sizeof(in.bytes)};
	struct admin *a = arg;
	struct hva_msg req;
	struct fds_got got;
	int fds[3];
	ssize_t n = fds_recv(
		sock, &iov, 1, fds, 3, MSG_DONTWAIT | MSG_CMSG_CLOEXEC, &got);

	if (n == -EAGAIN)
		return;
	if (n < (ssize_t)sizeof(in.m) || in.m.len != n - sizeof(in.m) ||
		got.cut || got.lost) {
		admin_kill(a);
	} else {
		req = in.m;
		serve(a, &req, in.bytes + sizeof(in.m), fds, got.nr);
	}
	for (uint32_t i = 0; i < got.nr; i++)
		close(fds[i]);
}

/* The socket's mode keeps others out; this says it once more. */
static bool is_owner(int fd)
{
	struct ucred c;
	socklen_t len = sizeof(c);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &len) < 0)
		return false;
	return c.uid == geteuid() || c.uid == 0;
}

static void on_accept(int sock, short what, void *arg)
{
	int fd = accept4(sock, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct hvd *h = arg;
	struct admin *a;

	if (fd < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			hvd_backoff(h, h->ev_admin);
		return;
	}
	a = is_owner(fd) ? calloc(1, sizeof(*a)) : NULL;
	if (!a) {
		close(fd);
		return;
	}
	a->h = h;
	a->fd = fd;
	TAILQ_INIT(&a->started);
	a->ev = event_new(a->h->base, fd, EV_READ | EV_PERSIST, on_admin, a);
	if (!a->ev || event_add(a->ev, NULL) < 0) {
		if (a->ev)
			event_free(a->ev);
		close(fd);
		free(a);
		return;
	}
	TAILQ_INSERT_TAIL(&a->h->admins, a, entry);
}

int admin_listen(struct hvd *h)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int n = snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/%s", h->dir,
		HVA_SOCKET_NAME);

	if (n < 0 || (size_t)n >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	h->admin_fd = socket(
		AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (h->admin_fd < 0)
		return -errno;
	/* the lock on the pid file says that no other hvd serves it */
	unlink(sa.sun_path);
	if (bind(h->admin_fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
		chmod(sa.sun_path, 0600) < 0 || listen(h->admin_fd, 16) < 0)
		return -errno;
	h->ev_admin = event_new(
		h->base, h->admin_fd, EV_READ | EV_PERSIST, on_accept, h);
	if (!h->ev_admin || event_add(h->ev_admin, NULL) < 0)
		return -ENOMEM;
	return 0;
}

void admin_fini(struct hvd *h)
{
	struct admin *a;
	char path[256];

	while ((a = TAILQ_FIRST(&h->admins)))
		admin_kill(a);
	admins_reap(h);
	if (h->ev_admin)
		event_free(h->ev_admin);
	close(h->admin_fd);
	snprintf(path, sizeof(path), "%s/%s", h->dir, HVA_SOCKET_NAME);
	unlink(path);
}
