/* SPDX-License-Identifier: MIT */
/*
 * sendfds.h - a message with descriptors, as the tests send them
 *
 * DOC: tests play each of the programs that pass descriptors on, right and
 * wrong.  This sends what it is told to and looks at nothing, so that it is
 * no part of what is tested.
 */
#ifndef TESTS_UNIT_SENDFDS_H
#define TESTS_UNIT_SENDFDS_H

#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

enum { SENDFDS_MAX = 253 }; /* Linux takes no more in a message */

/*
 * One message of the bytes of @iov, with the @n_fds (up to SENDFDS_MAX)
 * descriptors of @fds, or none and no control message.  The descriptors stay
 * the caller's.  Returns what sendmsg(2) does with @flags.
 */
static inline ssize_t sendfds(int sock, struct iovec *iov, size_t n_iov,
	const int *fds, size_t n_fds, int flags)
{
	union {
		char space[CMSG_SPACE(SENDFDS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control = {.space = {0}};
	struct msghdr mh = {.msg_iov = iov, .msg_iovlen = n_iov};
	struct cmsghdr *c;

	if (n_fds) {
		mh.msg_control = &control;
		mh.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
	}
	return sendmsg(sock, &mh, flags);
}

#endif
