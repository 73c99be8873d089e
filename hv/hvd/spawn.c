/* SPDX-License-Identifier: MIT */
/* spawn.c: a domain's processes, by way of its hv-init. */
#include "hv/hvd/spawn.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xen/sched.h>

#include "hv/hvd/admin.h"
#include "hv/hvd/session.h"
#include "hv/hvd/vdom.h"
#include "hv/proto/birth.h"
#include "hv/proto/fds.h"

extern char **environ;

/* One message to hv-init, with descriptors. */
static int tell(struct vdom *vd, struct hvb_msg m, const void *payload,
	const int *fds, uint32_t nfds)
{
	union {
		const void *c;
		void *v;
	} body = {.c = payload};
	struct iovec iov[2] = {{&m, sizeof(m)}, {body.v, m.len}};

	if (vd->birth_fd < 0)
		return -ESRCH;
	return fds_send(vd->birth_fd, iov, 2, fds, nfds, MSG_DONTWAIT);
}

static void start_running(struct vdom *vd)
{
	int fd, rc = session_pair(vd, true, &fd);

	if (!rc) {
		rc = tell(vd, (struct hvb_msg){.type = HVB_RUN}, NULL, &fd, 1);
		close(fd);
	}
	if (rc) {
		vdom_log(vd, "cannot start it: %s", strerror(-rc));
		spawn_kill(vd);
		return;
	}
	vd->proc = PROC_RUNNING;
}

void spawn_update(struct vdom *vd)
{
	bool run = hv_dom_is_running(vd->d);
	int rc = 0;

	switch (vd->proc) {
	case PROC_NONE:
	case PROC_STARTING: return;
	case PROC_READY:
		if (run)
			start_running(vd);
		return;
	case PROC_RUNNING:
		if (run)
			return;
		rc = tell(
			vd, (struct hvb_msg){.type = HVB_STOP}, NULL, NULL, 0);
		vd->proc = PROC_STOPPED;
		break;
	case PROC_STOPPED:
		if (!run)
			return;
		rc = tell(
			vd, (struct hvb_msg){.type = HVB_CONT}, NULL, NULL, 0);
		vd->proc = PROC_RUNNING;
		break;
	}
	if (rc) {
		vdom_log(vd, "hv-init does not listen: %s", strerror(-rc));
		spawn_kill(vd);
	}
}

static void close_birth(struct vdom *vd)
{
	if (vd->ev_birth)
		event_free(vd->ev_birth);
	if (vd->ev_listen)
		event_free(vd->ev_listen);
	if (vd->birth_fd >= 0)
		close(vd->birth_fd);
	if (vd->listen_fd >= 0)
		close(vd->listen_fd);
	vd->ev_birth = vd->ev_listen = NULL;
	vd->birth_fd = vd->listen_fd = -1;
	vd->proc = PROC_NONE;
}

void spawn_kill(struct vdom *vd)
{
	close_birth(vd);
	if (vd->pid && kill(vd->pid, SIGKILL) < 0)
		vdom_log(vd, "kill: %s", strerror(errno));
}

static void crash(struct vdom *vd, const char *why, int status)
{
	char text[64] = "";

	if (WIFSIGNALED(status))
		snprintf(text, sizeof(text), " by signal %d", WTERMSIG(status));
	else if (WIFEXITED(status))
		snprintf(text, sizeof(text), " with status %d",
			WEXITSTATUS(status));
	vdom_log(vd, "%s ended%s: domain crashed", why, text);
	if (vd->d && hv_dom_shutdown(vd->d, SHUTDOWN_crash) < 0)
		return; /* dying already */
}

static void on_ready(struct vdom *vd, const struct hvb_msg *m, int fd)
{
	if (vd->proc != PROC_STARTING || fd < 0) {
		vdom_log(vd, "hv-init is ready twice or without a socket");
		spawn_kill(vd);
		return;
	}
	vd->listen_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (vd->listen_fd >= 0) {
		fcntl(vd->listen_fd, F_SETFL, O_NONBLOCK);
		vd->ev_listen = event_new(vd->h->base, vd->listen_fd,
			EV_READ | EV_PERSIST, on_listen, vd);
	}
	if (!vd->ev_listen || event_add(vd->ev_listen, NULL) < 0) {
		admin_built(vd, -ENOMEM, "hvd is short of descriptors");
		spawn_kill(vd);
		return;
	}
	vd->have = m->value;
	vd->proc = PROC_READY;
	admin_built(vd, 0, "");
	spawn_update(vd);
}

/* The words of hv-init about itself: one line, printable. */
static void clean_text(char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] < ' ' || text[i] > '~')
			text[i] = text[i] == '\n' ? ' ' : '?';
	text[len] = '\0';
}

static void on_message(
	struct vdom *vd, const struct hvb_msg *m, char *text, int fd)
{
	clean_text(text, m->len);
	switch ((enum hvb_type)m->type) {
	case HVB_READY: on_ready(vd, m, fd); return;
	case HVB_FAILED:
		vdom_log(vd, "cannot start: %s", text);
		admin_built(vd, m->value > 0 ? -m->value : -EIO, text);
		spawn_kill(vd);
		return;
	case HVB_EXITED: admin_exited(vd, m->id, m->value); return;
	case HVB_KERNEL_DIED: crash(vd, "its kernel process", m->value); return;
	case HVB_COMMAND_DIED:
		vdom_log(vd, "its command ended (wait status 0x%x)", m->value);
		if (vd->d && hv_dom_shutdown(vd->d, SHUTDOWN_poweroff) < 0)
			return; /* dying already */
		return;
	case HVB_NOTE: vdom_log(vd, "%s", text); return;
	case HVB_RUN:
	case HVB_EXEC:
	case HVB_SIGNAL:
	case HVB_STOP:
	case HVB_CONT: break;
	}
	vdom_log(vd, "hv-init says %u", m->type);
}

static void on_birth(int sock, short what, void *arg)
{
	static union {
		struct hvb_msg m;
		char bytes[HVB_MSG_MAX + 1];
	} in;
	struct iovec iov = {in.bytes, HVB_MSG_MAX};
	struct vdom *vd = arg;
	struct fds_got got;
	int fd = -1;
	ssize_t n = fds_recv(
		sock, &iov, 1, &fd, 1, MSG_DONTWAIT | MSG_CMSG_CLOEXEC, &got);

	if (n == -EAGAIN)
		return;
	if (n <= 0 && fd < 0) {
		/* hv-init is ending: SIGCHLD says how */
		event_del(vd->ev_birth);
		return;
	}
	if (n < (ssize_t)sizeof(in.m) || in.m.len != n - sizeof(in.m)) {
		vdom_log(vd, "malformed message of hv-init");
		spawn_kill(vd);
	} else {
		on_message(vd, &in.m, in.bytes + sizeof(in.m), fd);
	}
	if (fd >= 0)
		close(fd);
}

static int config_fd(const char *config, size_t len)
{
	int fd = memfd_create("hv-config", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	if (write(fd, config, len) != (ssize_t)len ||
		lseek(fd, 0, SEEK_SET) < 0 ||
		fcntl(fd, F_ADD_SEALS,
			F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE |
				F_SEAL_SEAL) < 0) {
		close(fd);
		return -EIO;
	}
	return fd;
}

/* Everything hvd holds is close-on-exec; the child gets these two. */
static int start_init(struct vdom *vd, int sock, int config)
{
	char path[] = "hv-init", *argv[] = {path, vd->name, NULL};
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t at;
	sigset_t none, all;
	int rc;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&fa);
	posix_spawnattr_init(&at);
	posix_spawnattr_setflags(&at, POSIX_SPAWN_SETSIGMASK |
					      POSIX_SPAWN_SETSIGDEF |
					      POSIX_SPAWN_SETSID);
	posix_spawnattr_setsigmask(&at, &none);
	posix_spawnattr_setsigdefault(&at, &all);
	posix_spawn_file_actions_adddup2(&fa, sock, HVB_SOCKET_FD);
	posix_spawn_file_actions_adddup2(&fa, config, HVB_CONFIG_FD);
	rc = posix_spawn(&vd->pid, vd->h->init_path, &fa, &at, argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	posix_spawnattr_destroy(&at);
	if (rc)
		vd->pid = 0;
	return -rc;
}

int spawn_build(
	struct vdom *vd, const char *config, size_t len, struct admin *builder)
{
	int sv[2], high, cfg, rc;

	if (vd->proc != PROC_NONE || vd->pid)
		return -EBUSY;
	cfg = config_fd(config, len);
	if (cfg < 0)
		return cfg;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0) {
		rc = -errno;
		close(cfg);
		return rc;
	}
	/* out of the way of the numbers the child wants */
	high = fcntl(sv[1], F_DUPFD_CLOEXEC, 10);
	close(sv[1]);
	rc = cfg < 10 ? fcntl(cfg, F_DUPFD_CLOEXEC, 10) : dup(cfg);
	close(cfg);
	cfg = rc;
	rc = high < 0 || cfg < 0 ? -EMFILE : start_init(vd, high, cfg);
	close(high);
	close(cfg);
	if (rc) {
		close(sv[0]);
		return rc;
	}
	vd->birth_fd = sv[0];
	vd->proc = PROC_STARTING;
	vd->builder = builder;
	vd->ev_birth = event_new(
		vd->h->base, sv[0], EV_READ | EV_PERSIST, on_birth, vd);
	if (!vd->ev_birth || event_add(vd->ev_birth, NULL) < 0) {
		vd->builder = NULL;
		spawn_kill(vd);
		return -ENOMEM;
	}
	return 0;
}

int spawn_exec(struct vdom *vd, uint32_t id, const char *config, size_t len,
	const int fds[3])
{
	if (vd->proc < PROC_READY)
		return -ESRCH;
	return tell(vd,
		(struct hvb_msg){.type = HVB_EXEC, .id = id, .len = len},
		config, fds, 3);
}

int spawn_signal(struct vdom *vd, uint32_t id, int sig)
{
	return tell(vd,
		(struct hvb_msg){.type = HVB_SIGNAL, .id = id, .value = sig},
		NULL, NULL, 0);
}

static void init_ended(struct vdom *vd, int status)
{
	bool expected = vd->proc == PROC_NONE;

	vd->pid = 0;
	close_birth(vd);
	admin_built(vd, -EIO, "hv-init ended before it was ready");
	admin_all_exited(vd);
	if (!expected && !vd->dying)
		crash(vd, "hv-init", status);
	hvd_kick(vd->h);
}

void spawn_reap(int sig, short what, void *arg)
{
	struct hvd *h = arg;
	struct vdom *vd;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		TAILQ_FOREACH (vd, &h->vdoms, entry) {
			if (vd->pid != pid)
				continue;
			init_ended(vd, status);
			break;
		}
	}
}
