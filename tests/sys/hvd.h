/* SPDX-License-Identifier: MIT */
/*
 * hvd.h: what every test that starts hvd or its programs does first
 */
#ifndef TESTS_SYS_HVD_H
#define TESTS_SYS_HVD_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hv/proto/admin.h"

/* Where the programs are that were built; make check sets BH_BUILDDIR. */
static inline const char *build_dir(void)
{
	const char *dir = getenv("BH_BUILDDIR");

	return dir ? dir : ".";
}

/*
 * An administrator's connection to the process @hvd that has just been
 * started in the folder @dir, once it listens there.  Returns a descriptor
 * that the caller closes, -ECHILD if hvd has ended (it is still the caller's
 * to wait for), -ETIMEDOUT after ten seconds, or another -errno.
 */
static inline int hvd_connect(const char *dir, pid_t hvd)
{
	const struct timespec moment = {.tv_nsec = 5000000};
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	snprintf(
		sun.sun_path, sizeof(sun.sun_path), "%s/" HVA_SOCKET_NAME, dir);
	for (int i = 0; i < 2000; i++) {
		siginfo_t end = {.si_pid = 0};
		int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

		if (fd < 0)
			return -errno;
		if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0)
			return fd;
		close(fd);
		/* it stays a zombie: its number is nobody else's */
		if (waitid(P_PID, (id_t)hvd, &end,
			    WEXITED | WNOHANG | WNOWAIT) == 0 &&
			end.si_pid == hvd)
			return -ECHILD;
		nanosleep(&moment, NULL);
	}
	return -ETIMEDOUT;
}

#endif
