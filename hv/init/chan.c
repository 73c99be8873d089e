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

#include "hv/proto/fds.h"

static char buffer[HVB_MSG_MAX];

int chan_recv(int sock, struct chan_msg *m)
{
	struct iovec iov[2] = {
		{.iov_base = &m->head, .iov_len = sizeof(m->head)},
		{.iov_base = buffer, .iov_len = sizeof(buffer)},
	};
	struct fds_got got;
	ssize_t n = fds_recv(
		sock, iov, 2, m->fd, CHAN_FDS_MAX, MSG_CMSG_CLOEXEC, &got);

	m->n_fd = (int)got.nr;
	m->data = buffer;
	if (n < 0)
		return n == -ECONNRESET ? 0 : (int)n;
	/* hvd sends no empty message: nothing at all is the end */
	if (n == 0 && m->n_fd == 0)
		return 0;
	if ((size_t)n >= sizeof(m->head) &&
		m->head.len == (size_t)n - sizeof(m->head) && !got.cut &&
		!got.lost)
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

	if (len > HVB_MSG_MAX - sizeof(head))
		len = iov[1].iov_len = HVB_MSG_MAX - sizeof(head);
	head.len = (uint32_t)len;
	return fds_send(sock, iov, 2, &fd, fd >= 0, 0);
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
