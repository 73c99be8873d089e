// SPDX-License-Identifier: MIT
/*
 * machine.c: a machine of hv for a test, without a toolstack or a store
 */
#ifndef __XEN_TOOLS__
#define __XEN_TOOLS__ 1
#endif
#include "tests/sys/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xen/xen.h>
#include <xen/domctl.h>

#include "hv/compat/hcall.h"
#include "tests/sys/hvd.h"
#include "tests/unit/sendfds.h"

#define XEN_ERESTART 85

static void hvd_exec(const struct machine *m, uid_t uid, int cpu)
{
	char hvd[4096], init[4096];
	cpu_set_t set;

	snprintf(hvd, sizeof(hvd), "%s/hv/hvd/hvd", build_dir());
	snprintf(init, sizeof(init), "%s/hv/init/hv-init", build_dir());
	if (cpu >= 0) {
		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		sched_setaffinity(0, sizeof(set), &set);
	}
	if (uid != (uid_t)-1 &&
		(setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 ||
			setresuid(uid, uid, uid) < 0))
		_exit(99);
	/* should the test be killed, nothing of it stays */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	execl(hvd, "hvd", "--dir", m->dir, "--init", init, "--foreground",
		(char *)NULL);
	_exit(99);
}

static int admin_send(struct machine *m, const struct hva_msg *msg,
	const void *body, const int *fds, size_t n_fds)
{
	struct iovec iov[2] = {
		{(void *)(uintptr_t)msg, sizeof(*msg)},
		{(void *)(uintptr_t)body, msg->len},
	};
	ssize_t n = sendfds(m->admin, iov, 2, fds, n_fds, MSG_NOSIGNAL);

	return n < 0 ? -errno : 0;
}

/* One message; its body in text, a descriptor in *fd. */
static int admin_recv(
	struct machine *m, struct hva_msg *msg, int *fd, int seconds)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov[2] = {
		{msg, sizeof(*msg)},
		{m->text, sizeof(m->text) - 1},
	};
	struct msghdr mh = {
		.msg_iov = iov,
		.msg_iovlen = 2,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct pollfd p = {.fd = m->admin, .events = POLLIN};
	struct cmsghdr *c;
	ssize_t n;

	if (poll(&p, 1, seconds * 1000) <= 0)
		return -EIO;
	n = recvmsg(m->admin, &mh, MSG_CMSG_CLOEXEC);
	if (n < (ssize_t)sizeof(*msg))
		return -EIO;
	m->text[(size_t)n - sizeof(*msg)] = '\0';
	c = CMSG_FIRSTHDR(&mh);
	*fd = -1;
	if (c && c->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(c), sizeof(int));
	return 0;
}

/* A request and its reply; ends of programs that come before are kept. */
static int ask(struct machine *m, struct hva_msg *msg, const void *body,
	const int *fds, size_t n_fds, int *fd)
{
	const uint32_t type = msg->type;
	int none, r = admin_send(m, msg, body, fds, n_fds);

	while (r == 0) {
		r = admin_recv(m, msg, fd ? fd : &none, 10);
		if (r < 0 || msg->type == type)
			break;
		if (msg->type != HVA_EXITED || m->n_exits == MACHINE_EXITS)
			return -EPROTO;
		m->exits[m->n_exits].id = msg->id;
		m->exits[m->n_exits++].status = msg->value;
	}
	return r ? r : msg->value;
}

int machine_start(struct machine *m, uid_t uid, int cpu)
{
	struct hva_msg msg = {.type = HVA_SESSION};
	int r, fd = -1;

	*m = (struct machine){.admin = -1};
	m->root = geteuid() == 0 && uid == (uid_t)-1;
	snprintf(m->dir, sizeof(m->dir), "/tmp/bulkhead-machine.XXXXXX");
	if (!mkdtemp(m->dir))
		return -errno;
	if (uid != (uid_t)-1 && chown(m->dir, uid, uid) < 0)
		return -errno;
	m->pid = fork();
	if (m->pid == 0)
		hvd_exec(m, uid, cpu);
	if (m->pid < 0)
		return -errno;
	m->admin = hvd_connect(m->dir, m->pid);
	r = m->admin < 0 ? m->admin : 0;
	if (r == 0)
		r = ask(m, &msg, NULL, NULL, 0, &fd);
	return r ? r : hv_client_adopt(&m->dom0, fd, 0);
}

int machine_stop(struct machine *m)
{
	struct hva_msg msg = {.type = HVA_STOP};
	char cmd[128];
	int status = -1;

	hv_client_close(m->dom0);
	if (m->admin < 0 || ask(m, &msg, NULL, NULL, 0, NULL) < 0)
		kill(m->pid, SIGTERM);
	for (int i = 0; i < 1000; i++) {
		if (waitpid(m->pid, &status, WNOHANG) == m->pid)
			break;
		usleep(10000);
		if (i == 998)
			kill(m->pid, SIGKILL);
	}
	close(m->admin);
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", m->dir);
	return system(cmd) == 0 ? status : -1;
}

int machine_info(struct machine *m, struct hva_info *info)
{
	struct hva_msg msg = {.type = HVA_INFO};
	int r = ask(m, &msg, NULL, NULL, 0, NULL);

	memcpy(info, m->text, sizeof(*info));
	return r;
}

static bool same(const struct hva_info *a, const struct hva_info *b)
{
	return a->domains == b->domains && a->zombies == b->zombies &&
	       a->runs == b->runs && a->maps == b->maps &&
	       a->foreign == b->foreign && a->ports == b->ports &&
	       a->frames == b->frames && a->sessions == b->sessions &&
	       a->descriptors == b->descriptors && a->processes == b->processes;
}

bool machine_is_as(struct machine *m, const struct hva_info *was)
{
	struct hva_info now;

	/* processes are reaped and sockets close in their own time: soon */
	for (int i = 0; i < 500; i++) {
		if (machine_info(m, &now) == 0 && same(was, &now))
			return true;
		usleep(10000);
	}
	snprintf(m->text, sizeof(m->text),
		"left: domains %u->%u zombies %u runs %u->%u maps %u "
		"foreign %u ports %u->%u frames %ju->%ju sessions %u->%u "
		"descriptors %u->%u processes %u",
		was->domains, now.domains, now.zombies, was->runs, now.runs,
		now.maps, now.foreign, was->ports, now.ports,
		(uintmax_t)was->frames, (uintmax_t)now.frames, was->sessions,
		now.sessions, was->descriptors, now.descriptors, now.processes);
	return false;
}

bool machine_alive(struct machine *m)
{
	struct hva_info info;

	return machine_info(m, &info) == 0 && info.pid == (uint32_t)m->pid;
}

int machine_log(struct machine *m)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/hvd.log", m->dir);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	if (fseek(f, -(long)sizeof(m->text) + 1, SEEK_END) < 0)
		rewind(f);
	m->text[fread(m->text, 1, sizeof(m->text) - 1, f)] = '\0';
	fclose(f);
	return 0;
}

static int domctl(struct machine *m, struct xen_domctl *ctl)
{
	const struct hv_hcall_buf buf = {ctl, sizeof(*ctl), HVP_BUF_OUT};
	const uint64_t arg[5] = {(uintptr_t)ctl};

	ctl->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	return (int)hv_hcall(m->dom0, __HYPERVISOR_domctl, arg, &buf, 1);
}

static int domctl_simple(struct machine *m, uint32_t cmd, uint32_t domid)
{
	struct xen_domctl ctl = {.cmd = cmd, .domain = (domid_t)domid};

	return domctl(m, &ctl);
}

static int domain_create(struct machine *m, uint32_t *domid)
{
	struct xen_domctl ctl = {.cmd = XEN_DOMCTL_createdomain};
	int r;

	if (!m->pv)
		ctl.u.createdomain.flags =
			XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
	ctl.u.createdomain.max_vcpus = 1;
	ctl.u.createdomain.max_evtchn_port = -1;
	ctl.u.createdomain.max_grant_frames = 64;
	ctl.u.createdomain.max_maptrack_frames = 1024;
	ctl.u.createdomain.grant_opts = XEN_DOMCTL_GRANT_version(1);
	r = domctl(m, &ctl);
	*domid = ctl.domain;
	if (r == 0) {
		ctl = (struct xen_domctl){
			.cmd = XEN_DOMCTL_max_mem, .domain = (domid_t)*domid};
		ctl.u.max_mem.max_memkb = 16 << 10;
		r = domctl(m, &ctl);
	}
	return r;
}

/* What does not fit is cut off, and refused by whoever reads it. */
#define TEXT_MAX 8192

static size_t text_add(char *to, size_t at, const char *key, const char *dir,
	const char *value)
{
	int n = snprintf(to + at, TEXT_MAX - at, "%s%s%s", key, dir, value);

	at += (size_t)n + 1;
	return at > TEXT_MAX ? TEXT_MAX : at;
}

int machine_domain(
	struct machine *m, const char *const *conf, size_t n, uint32_t *domid)
{
	struct hva_msg msg = {.type = HVA_BUILD};
	bool need_uid = m->root;
	char text[TEXT_MAX];
	size_t len = 0;
	int r = domain_create(m, domid);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		len = text_add(text, len, "", "", conf[i]);
		need_uid = need_uid && strncmp(conf[i], "uid=", 4) != 0;
	}
	if (need_uid)
		len = text_add(text, len, "uid=", "", "65529");
	len = text_add(text, len, "libdir=", build_dir(), "/hv/compat/.libs");
	len = text_add(text, len, "bind=", build_dir(), "/tests/sys");
	msg.domid = *domid;
	msg.len = (uint32_t)len;
	r = ask(m, &msg, text, NULL, 0, NULL);
	return r ? r : machine_pause(m, *domid, false);
}

int machine_pause(struct machine *m, uint32_t domid, bool pause)
{
	return domctl_simple(m,
		pause ? XEN_DOMCTL_pausedomain : XEN_DOMCTL_unpausedomain,
		domid);
}

int machine_destroy(struct machine *m, uint32_t domid)
{
	int r;

	do
		r = domctl_simple(m, XEN_DOMCTL_destroydomain, domid);
	while (r == -XEN_ERESTART);
	return r;
}

int machine_exec(struct machine *m, uint32_t domid, const char *const *argv,
	const int fds[3], uint32_t *id)
{
	struct hva_msg msg = {.type = HVA_EXEC, .domid = domid};
	char text[TEXT_MAX];
	size_t len = 0;
	int r;

	for (; *argv; argv++)
		len = text_add(text, len, "arg=", "", *argv);
	msg.len = (uint32_t)len;
	r = ask(m, &msg, text, fds, 3, NULL);
	*id = msg.id;
	return r;
}

int machine_signal(struct machine *m, uint32_t id, int sig)
{
	struct hva_msg msg = {.type = HVA_SIGNAL, .id = id, .value = sig};

	return ask(m, &msg, NULL, NULL, 0, NULL);
}

int machine_wait(struct machine *m, uint32_t id, int seconds, int *status)
{
	struct hva_msg msg;
	int r, fd;

	for (;;) {
		for (unsigned i = 0; i < m->n_exits; i++) {
			if (m->exits[i].id != id)
				continue;
			*status = m->exits[i].status;
			m->exits[i] = m->exits[--m->n_exits];
			return 0;
		}
		r = admin_recv(m, &msg, &fd, seconds);
		if (r < 0)
			return r;
		if (msg.type != HVA_EXITED || m->n_exits == MACHINE_EXITS)
			return -EPROTO;
		m->exits[m->n_exits].id = msg.id;
		m->exits[m->n_exits++].status = msg.value;
	}
}
