// SPDX-License-Identifier: MIT
/*
 * chan.c: messages between hv-init and hvd (birth.h), both ways
 */
#include "hv/init/chan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char buffer[HVB_MSG_MAX];

static void fds_take(struct chan_msg *m, struct msghdr *mh)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
		const unsigned char *p = CMSG_DATA(c);
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, p + i * sizeof(int), sizeof(fd));
			if (m->n_fd < CHAN_FDS_MAX)
				m->fd[m->n_fd++] = fd;
			else
				close(fd);
		}
	}
}

int chan_recv(int sock, struct chan_msg *m)
{
	union {
		char space[CMSG_SPACE(CHAN_FDS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov[2] = {
		{.iov_base = &m->head, .iov_len = sizeof(m->head)},
		{.iov_base = buffer, .iov_len = sizeof(buffer)},
	};
	struct msghdr mh = {
		.msg_iov = iov,
		.msg_iovlen = 2,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n;

	m->n_fd = 0;
	m->data = buffer;
	do
		n = recvmsg(sock, &mh, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? 0 : -errno;
	fds_take(m, &mh);
	/* hvd sends no empty message: nothing at all is the end */
	if (n == 0 && m->n_fd == 0)
		return 0;
	if ((size_t)n >= sizeof(m->head) &&
		m->head.len == (size_t)n - sizeof(m->head) &&
		!(mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return 1;
	chan_msg_fini(m);
	return -EPROTO;
}

void chan_msg_fini(struct chan_msg *m)
{
	for (int i = 0; i < m->n_fd; i++) {
		if (m->fd[i] >= 0)
			close(m->fd[i]);
	}
	m->n_fd = 0;
}

int chan_send(int sock, uint32_t type, uint32_t id, int32_t value,
	const char *text, int fd)
{
	size_t len = text ? strlen(text) : 0;
	struct hvb_msg head = {.type = type, .id = id, .value = value};
	/* a const message through an interface that also receives */
	struct iovec iov[2] = {
		{.iov_base = &head, .iov_len = sizeof(head)},
		{.iov_base = (void *)(uintptr_t)text, .iov_len = len},
	};
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {.space = {0}};
	struct msghdr mh = {.msg_iov = iov, .msg_iovlen = 2};
	struct cmsghdr *c;
	ssize_t n;

	if (len > HVB_MSG_MAX - sizeof(head))
		len = iov[1].iov_len = HVB_MSG_MAX - sizeof(head);
	head.len = (uint32_t)len;
	if (fd >= 0) {
		mh.msg_control = &control;
		mh.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	do
		n = sendmsg(sock, &mh, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

void chan_note(int sock, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	chan_send(sock, HVB_NOTE, 0, 0, text, -1);
}
