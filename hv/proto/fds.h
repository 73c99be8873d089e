/* SPDX-License-Identifier: MIT */
/*
 * fds.h: messages with descriptors
 *
 * Between hvd, its clients and hv-init, all of them over SOCK_SEQPACKET: one
 * call is one message.  Both functions go on after a signal, and are safe to
 * call from several threads.
 */
#ifndef HV_PROTO_FDS_H
#define HV_PROTO_FDS_H

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FDS_MAX = 128 }; /* in one message; Linux takes 253 */

union fds_control {
	char space[CMSG_SPACE(FDS_MAX * sizeof(int))];
	struct cmsghdr align;
};

/* What a message was, besides its bytes. */
struct fds_got {
	unsigned int nr; /* descriptors that were taken */
	bool cut;        /* there were more bytes than room for them */
	bool lost;       /* there were more descriptors; they are closed */
};

/*
 * fds_send - send the bytes of @iov, with @nr_fds descriptors of @fds
 * @flags:	of sendmsg(2); MSG_NOSIGNAL is always there
 *
 * The descriptors stay the caller's.  0, -E2BIG for too many of them, or what
 * sendmsg(2) says; among that -ETOOMANYREFS: too many are on their way, and
 * the message would go without any.
 */
static inline int fds_send(int sock, struct iovec *iov, size_t nr,
	const int *fds, size_t nr_fds, int flags)
{
	union fds_control control;
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = nr};
	ssize_t n;

	if (nr_fds > FDS_MAX)
		return -E2BIG;
	if (nr_fds) {
		struct cmsghdr *c = &control.align;

		m.msg_control = control.space;
		m.msg_controllen = CMSG_SPACE(nr_fds * sizeof(int));
		memset(control.space, 0, m.msg_controllen);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nr_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, nr_fds * sizeof(int));
	}
	do
		n = sendmsg(sock, &m, flags | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

/* Take the descriptors out of @m; those beyond @cap are closed. */
static inline void fds_take(
	struct msghdr *m, int *fds, size_t cap, struct fds_got *got)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t nr;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		nr = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < nr; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (got->nr < cap) {
				fds[got->nr++] = fd;
				continue;
			}
			/* alignment gives the kernel room for one more */
			close(fd);
			got->lost = true;
		}
	}
}

/*
 * fds_recv - receive one message into @iov, and its descriptors into @fds
 * @cap:	of @fds, at most FDS_MAX
 * @flags:	of recvmsg(2); MSG_CMSG_CLOEXEC is the caller's to say
 *
 * The number of bytes, 0 at the end of the connection, or -errno.  The
 * got->nr descriptors are the caller's then, whatever else is in *@got; after
 * an error there are none.
 */
static inline ssize_t fds_recv(int sock, struct iovec *iov, size_t nr, int *fds,
	size_t cap, int flags, struct fds_got *got)
{
	union fds_control control;
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = nr};
	ssize_t n;

	*got = (struct fds_got){.nr = 0};
	if (cap > FDS_MAX)
		return -E2BIG;
	do {
		m.msg_control = cap ? control.space : NULL;
		m.msg_controllen = cap ? CMSG_SPACE(cap * sizeof(int)) : 0;
		n = recvmsg(sock, &m, flags);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	fds_take(&m, fds, cap, got);
	got->cut = m.msg_flags & MSG_TRUNC;
	got->lost |= (m.msg_flags & MSG_CTRUNC) != 0;
	return n;
}

#endif
