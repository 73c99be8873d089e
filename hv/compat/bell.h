/* SPDX-License-Identifier: MIT */
/*
 * bell.h: the two ends of a port's doorbell (hv/proto/proto.h, notification)
 */
#ifndef HV_COMPAT_BELL_H
#define HV_COMPAT_BELL_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

/* bell_ring: the sender's end; false: it is no doorbell. */
static inline bool bell_ring(int fd)
{
	const uint64_t one = 1;

	/* not the wrapper: that would be a cancellation point */
	return syscall(SYS_write, fd, &one, sizeof(one)) > 0 || errno == EAGAIN;
}

/* bell_take: the receiver's end: take what has rung; true if it had. */
static inline bool bell_take(int set)
{
	struct epoll_event ev[2];

	return epoll_wait(set, ev, 2, 0) > 0;
}

#endif
