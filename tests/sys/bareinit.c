/* SPDX-License-Identifier: MIT */
/*
 * bareinit.c: an hv-init without namespaces, for tests of the libraries
 *
 * It binds the domain's socket at RUNDIR/hvN (its configuration has
 * domid=N and rundir=RUNDIR), gives it to hvd, and is then the whole domain:
 * a test becomes one of its processes by connecting there.  With BH_FLOOD=N
 * in the environment every guest's tells hvd N things that mean nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "hv/proto/birth.h"
#include "tests/unit/sendfds.h"

static int bind_socket(const char *dir, const char *domid)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/hv%s", dir, domid);
	unlink(sa.sun_path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
		listen(fd, 64) < 0)
		return -1;
	return fd;
}

static int send_ready(int listen_fd)
{
	struct hvb_msg m = {.type = HVB_READY};
	struct iovec iov = {&m, sizeof(m)};

	return sendfds(HVB_SOCKET_FD, &iov, 1, &listen_fd, 1, 0) < 0 ? -1 : 0;
}

/* Both notes, which hvd logs, and what no hv-init says, which it logs too. */
static void flood(const char *domid)
{
	const char *n = getenv("BH_FLOOD"), text[] = "nonsense";
	struct hvb_msg m = {.type = HVB_NOTE, .len = sizeof(text) - 1};
	char bytes[sizeof(m) + sizeof(text)];

	if (!n || strcmp(domid, "0") == 0)
		return;
	for (int i = atoi(n); i > 0; i--) {
		m.type = i % 2 ? HVB_NOTE : HVB_RUN;
		memcpy(bytes, &m, sizeof(m));
		memcpy(bytes + sizeof(m), text, m.len);
		if (send(HVB_SOCKET_FD, bytes, sizeof(m) + m.len, 0) < 0)
			return;
	}
}

/* The kernel's session is for a test that waits at RUNDIR/kernelN, if any. */
static void give_kernel(
	const struct msghdr *got, const char *dir, const char *domid)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char c = 0;
	struct iovec iov = {&c, 1};
	struct msghdr msg = *got;

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/kernel%s", dir, domid);
	msg.msg_name = &sa;
	msg.msg_namelen = sizeof(sa);
	msg.msg_iov = &iov;
	msg.msg_flags = 0;
	if (msg.msg_controllen && sendmsg(fd, &msg, 0) < 0)
		msg.msg_flags = 0; /* nobody waits */
	close(fd);
}

/* Descriptors that come, as the kernel's session, stay open. */
static void serve(const char *dir, const char *domid)
{
	union {
		char buf[CMSG_SPACE(3 * sizeof(int))];
		struct cmsghdr align;
	} ctl;
	ssize_t n;
	static char bytes[HVB_MSG_MAX];
	struct iovec iov = {bytes, sizeof(bytes)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	do {
		msg.msg_control = ctl.buf;
		msg.msg_controllen = sizeof(ctl.buf);
		n = recvmsg(HVB_SOCKET_FD, &msg, 0);
		if (n > 0)
			give_kernel(&msg, dir, domid);
	} while (n > 0);
}

int main(void)
{
	char conf[4096] = "", *dir = NULL, *domid = NULL;
	ssize_t n = read(HVB_CONFIG_FD, conf, sizeof(conf) - 1);
	int fd;

	for (char *s = conf; n > 0 && s < conf + n; s += strlen(s) + 1) {
		if (strncmp(s, "domid=", 6) == 0)
			domid = s + 6;
		if (strncmp(s, "rundir=", 7) == 0)
			dir = s + 7;
	}
	if (!dir || !domid)
		return 1;
	fd = bind_socket(dir, domid);
	if (fd < 0 || send_ready(fd) < 0)
		return 1;
	close(fd);
	flood(domid);
	serve(dir, domid);
	return 0;
}
