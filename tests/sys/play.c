// SPDX-License-Identifier: MIT
/*
 * play.c: plays hvd to one hv-init, for tests of hv-init alone
 */
#include "tests/sys/play.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/sys/hvd.h"
#include "tests/unit/sendfds.h"

static const char *program(void)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/hv/init/hv-init", build_dir());
	return path;
}

static bool has_key(const char *const *conf, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++) {
		if (strncmp(conf[i], key, strlen(key)) == 0)
			return true;
	}
	return false;
}

static int config_make(const char *const *conf, size_t n, bool root)
{
	static const char user[] = "uid=65533";
	int fd = memfd_create("config", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd >= 0 && root && !has_key(conf, n, "uid=") &&
		!has_key(conf, n, "control=") &&
		write(fd, user, sizeof(user)) != sizeof(user))
		return -1;
	for (size_t i = 0; fd >= 0 && i < n; i++) {
		size_t len = strlen(conf[i]) + 1;

		if (write(fd, conf[i], len) != (ssize_t)len)
			return -1;
	}
	fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW);
	return fd;
}

static void deny_apply(const struct play_deny *d)
{
	static const int flags[] = {CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID,
		CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS};
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	int r = f ? 0 : -1;

	for (size_t i = 0; r == 0 && i < 6; i++) {
		const uint64_t bit = (uint64_t)flags[i];

		if (d->namespaces & flags[i])
			r = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM),
				SCMP_SYS(unshare), 1,
				SCMP_A0_64(SCMP_CMP_MASKED_EQ, bit, bit));
	}
	if (r == 0 && d->mount)
		r = seccomp_rule_add(
			f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(mount), 0);
	if (r == 0 && d->root)
		r = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM),
			SCMP_SYS(setresuid), 2, SCMP_A0_64(SCMP_CMP_EQ, 0),
			SCMP_A1_64(SCMP_CMP_EQ, 0));
	if (r == 0 && d->write)
		r = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(write),
			1, SCMP_A2_64(SCMP_CMP_EQ, (uint64_t)d->write));
	if (r == 0 && d->mount_attr) {
		const uint32_t no = SCMP_ACT_ERRNO(ENOSYS);

		r = seccomp_rule_add(f, no, SCMP_SYS(open_tree), 0);
		if (r == 0)
			r = seccomp_rule_add(f, no, SCMP_SYS(move_mount), 0);
		if (r == 0)
			r = seccomp_rule_add(f, no, SCMP_SYS(mount_setattr), 0);
	}
	if (r || seccomp_load(f) < 0)
		_exit(99);
}

int play_start(struct play *p, const char *const *conf, size_t n_conf,
	const struct play_deny *deny, uid_t uid)
{
	const bool root = uid == (uid_t)-1 && geteuid() == 0;
	int sv[2], config = config_make(conf, n_conf, root);

	*p = (struct play){.fd = -1, .sock = -1};
	if (config < 0 ||
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return -1;
	p->pid = fork();
	if (p->pid == 0) {
		/* out of the way of 3 and 4 first */
		int a = fcntl(sv[1], F_DUPFD, 64);
		int b = fcntl(config, F_DUPFD, 64);

		dup2(a, HVB_SOCKET_FD);
		dup2(b, HVB_CONFIG_FD);
		close_range(5, ~0u, 0);
		if (uid != (uid_t)-1 &&
			(setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) ||
				setresuid(uid, uid, uid)))
			_exit(99);
		if (deny)
			deny_apply(deny);
		execl(program(), "hv-init", (char *)NULL);
		_exit(99);
	}
	close(sv[1]);
	close(config);
	p->sock = sv[0];
	return p->pid < 0 ? -1 : 0;
}

static int message_read(struct play *p, char *text, size_t max)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov[2] = {
		{&p->last, sizeof(p->last)},
		{text, max - 1},
	};
	struct msghdr mh = {
		.msg_iov = iov,
		.msg_iovlen = 2,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct pollfd pfd = {.fd = p->sock, .events = POLLIN};
	struct cmsghdr *c;
	ssize_t n;

	if (poll(&pfd, 1, 10000) <= 0)
		return -1;
	n = recvmsg(p->sock, &mh, MSG_CMSG_CLOEXEC);
	if (n < (ssize_t)sizeof(p->last))
		return -1;
	text[(size_t)n - sizeof(p->last)] = '\0';
	c = CMSG_FIRSTHDR(&mh);
	if (c && c->cmsg_type == SCM_RIGHTS) {
		if (p->fd >= 0)
			close(p->fd);
		memcpy(&p->fd, CMSG_DATA(c), sizeof(int));
	}
	return 0;
}

int play_next(struct play *p)
{
	do {
		if (message_read(p, p->text, sizeof(p->text)) < 0)
			return -1;
		if (p->last.type == HVB_NOTE) {
			size_t n = strlen(p->notes);

			snprintf(p->notes + n, sizeof(p->notes) - n, "%s\n",
				p->text);
		}
	} while (p->last.type == HVB_NOTE);
	return 0;
}

int play_expect(struct play *p, uint32_t type)
{
	if (play_next(p) < 0) {
		fprintf(stderr, "no message %u; notes: %s\n", type, p->notes);
		return -1;
	}
	if (p->last.type == type)
		return 0;
	fprintf(stderr, "message %u (id %u value %d) \"%s\", not %u; %s\n",
		p->last.type, p->last.id, p->last.value, p->text, type,
		p->notes);
	return -1;
}

int play_send(struct play *p, uint32_t type, uint32_t id, int32_t value,
	const char *payload, size_t len, const int *fds, int n_fds)
{
	struct hvb_msg head = {type, id, value, (uint32_t)len};
	struct iovec iov[2] = {
		{&head, sizeof(head)},
		{(void *)(uintptr_t)payload, len},
	};
	ssize_t n = sendfds(p->sock, iov, 2, fds, (size_t)n_fds, MSG_NOSIGNAL);

	return n < 0 ? -1 : 0;
}

int play_exec(
	struct play *p, uint32_t id, const char *command, const int fds[3])
{
	char text[8192];
	int n = snprintf(
		text, sizeof(text), "arg=sh%carg=-c%carg=%s", 0, 0, command);

	return play_send(p, HVB_EXEC, id, 0, text, (size_t)n + 1, fds, 3);
}

int play_run(
	struct play *p, const char *command, char *out, size_t max, int *status)
{
	static uint32_t next_id = 1000;
	int pipefd[2], null = open("/dev/null", O_RDWR | O_CLOEXEC);
	size_t have = 0;
	ssize_t n;

	if (null < 0 || pipe2(pipefd, O_CLOEXEC) < 0 ||
		play_exec(p, ++next_id, command,
			(int[]){null, pipefd[1], pipefd[1]}) < 0)
		return -1;
	close(null);
	close(pipefd[1]);
	while (have < max - 1 &&
		(n = read(pipefd[0], out + have, max - 1 - have)) > 0)
		have += (size_t)n;
	while (have && out[have - 1] == '\n')
		have--;
	out[have] = '\0';
	close(pipefd[0]);
	if (play_expect(p, HVB_EXITED) < 0 || p->last.id != next_id)
		return -1;
	*status = p->last.value;
	return 0;
}

int play_end(struct play *p, int *status)
{
	int r;

	close(p->sock);
	if (p->fd >= 0)
		close(p->fd);
	p->fd = p->sock = -1;
	do
		r = waitpid(p->pid, status, 0);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -1 : 0;
}

int play_count(const char *text)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	int count = 0;

	while (d && (e = readdir(d)) != NULL) {
		char path[300], line[4096];
		ssize_t n;
		int fd;

		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/cmdline", e->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		n = read(fd, line, sizeof(line) - 1);
		close(fd);
		for (ssize_t i = 0; i < n; i++)
			line[i] = line[i] ? line[i] : ' ';
		line[n > 0 ? n : 0] = '\0';
		count += strstr(line, text) != NULL;
	}
	if (d)
		closedir(d);
	return count;
}
