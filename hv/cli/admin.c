/* SPDX-License-Identifier: MIT */
/* admin.c - the administrator's connection to hvd */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "hv/cli/admin.h"
#include "hv/cli/cli.h"
#include "hv/proto/fds.h"

static bool is_ours(uid_t uid)
{
	return uid == geteuid() || uid == 0;
}

/* Others must not be able to put a socket of their own there. */
static int folder_check(const char *dir)
{
	char path[PATH_MAX];
	struct stat st;
	char *slash;

	snprintf(path, sizeof(path), "%s", dir);
	if (lstat(path, &st))
		return -errno;
	if (!S_ISDIR(st.st_mode) || !is_ours(st.st_uid) || (st.st_mode & 022))
		goto bad;
	slash = strrchr(path, '/');
	if (!slash)
		return 0;
	slash[slash == path] = '\0';
	if (lstat(path, &st))
		return -errno;
	if (is_ours(st.st_uid))
		return 0;
bad:
	cli_error("%s can be changed by others", path);
	cli_hint("chmod 700 it if it is yours, or choose another one with "
		 "--dir");
	return -EPERM;
}

static int peer_check(int fd, const char *dir)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len))
		return -errno;
	if (is_ours(peer.uid))
		return 0;
	cli_error("the machine in %s is that of user %u", dir,
		(unsigned int)peer.uid);
	cli_hint("run hv as that user, or choose another one with --dir");
	return -EPERM;
}

int admin_open(struct admin *a, const char *dir)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int n, r = 0;

	*a = (struct admin){.fd = -1};
	n = snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/%s", dir,
		HVA_SOCKET_NAME);
	if (n < 0 || (size_t)n >= sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	r = folder_check(dir);
	if (r < 0)
		return r;
	a->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (a->fd < 0)
		return -errno;
	if (connect(a->fd, (struct sockaddr *)&sun, sizeof(sun)) < 0)
		r = -errno;
	if (r == 0)
		r = peer_check(a->fd, dir);
	if (r < 0)
		admin_close(a);
	return r;
}

void admin_close(struct admin *a)
{
	if (a->fd >= 0)
		close(a->fd);
	a->fd = -1;
}

static int admin_send(struct admin *a, const struct admin_call *call)
{
	struct hva_msg head = call->msg;
	struct iovec iov[2] = {
		{&head, sizeof(head)},
		{(void *)(uintptr_t)call->payload, call->msg.len},
	};
	int r;

	if (call->msg.len > HVA_MSG_MAX - sizeof(head))
		return -E2BIG;
	r = fds_send(a->fd, iov, 2, call->fds, call->fds ? 3 : 0, 0);
	return r == -EPIPE ? -ECONNRESET : r;
}

/* The next message, whatever it is. */
static int admin_recv(
	struct admin *a, struct hva_msg *head, void *reply, size_t cap, int *fd)
{
	struct iovec iov[2] = {{head, sizeof(*head)}, {reply, cap}};
	struct fds_got got;
	ssize_t n;

	*fd = -1;
	n = fds_recv(a->fd, iov, 2, fd, 1, MSG_CMSG_CLOEXEC, &got);
	if (n < 0)
		return (int)n;
	if (n == 0 && *fd < 0)
		return -ECONNRESET;
	if ((size_t)n < sizeof(*head) || head->len != n - sizeof(*head) ||
		got.cut || got.lost) {
		if (*fd >= 0)
			close(*fd);
		*fd = -1;
		return -EPROTO;
	}
	return 0;
}

int admin_call(struct admin *a, struct admin_call *call)
{
	uint32_t type = call->msg.type;
	int r = admin_send(a, call);

	call->fd = -1;
	while (r == 0) {
		r = admin_recv(
			a, &call->msg, call->reply, call->reply_cap, &call->fd);
		if (r < 0 || call->msg.type == type)
			break;
		if (call->msg.type != HVA_EXITED)
			return -EPROTO;
		a->exited = call->msg;
		a->has_exited = true;
	}
	return r;
}

int admin_ask(struct admin *a, enum hva_type type, uint32_t domid)
{
	struct admin_call call = {.msg = {.type = type, .domid = domid}};
	int r = admin_call(a, &call);

	if (r == 0 && call.fd >= 0)
		close(call.fd);
	return r < 0 ? r : call.msg.value;
}

int admin_wait_exited(struct admin *a, struct hva_msg *msg)
{
	int fd = -1, r;

	if (a->has_exited) {
		a->has_exited = false;
		*msg = a->exited;
		return 0;
	}
	r = admin_recv(a, msg, NULL, 0, &fd);
	if (fd >= 0)
		close(fd);
	if (r == 0 && msg->type != HVA_EXITED)
		r = -EPROTO;
	return r;
}

/*
 * First its end of the connection goes, then its lock: from then on another
 * machine may be started in the same folder.
 */
bool admin_wait_gone(struct admin *a, const char *dir, int seconds)
{
	const struct timespec nap = {.tv_nsec = 5000000};
	struct pollfd p = {.fd = a->fd, .events = POLLIN};
	time_t end = time(NULL) + seconds;
	char path[PATH_MAX];
	struct hva_msg msg;
	bool gone;
	int fd;

	do
		if (poll(&p, 1, seconds * 1000) != 1)
			return false;
	while (admin_wait_exited(a, &msg) == 0);
	snprintf(path, sizeof(path), "%s/hvd.pid", dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return true;
	while (!(gone = flock(fd, LOCK_SH | LOCK_NB) == 0) && time(NULL) < end)
		nanosleep(&nap, NULL);
	close(fd);
	return gone;
}
