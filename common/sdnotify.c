/* SPDX-License-Identifier: MIT */
/* sdnotify.c - tell the service manager how we are */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/sdnotify.h"

static int kept = -1;

/* A socket that is connected to it, or -1. */
static int manager_connect(void)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path ? strlen(path) : 0;
	socklen_t sun_len;
	int fd;

	if (len < 2 || len >= sizeof(sun.sun_path))
		return -1;
	if (path[0] != '/' && path[0] != '@')
		return -1;
	memcpy(sun.sun_path, path, len);
	/* A leading @ stands for the NUL of the abstract namespace. */
	if (path[0] == '@')
		sun.sun_path[0] = '\0';
	sun_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);

	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || !connect(fd, (struct sockaddr *)&sun, sun_len))
		return fd;
	close(fd);
	return -1;
}

void sdnotify_keep(void)
{
	sdnotify_forget();
	kept = manager_connect();
}

void sdnotify_forget(void)
{
	if (kept >= 0)
		close(kept);
	kept = -1;
}

int sdnotify_send(const char *state)
{
	int fd = kept >= 0 ? kept : manager_connect();
	ssize_t n;

	if (fd < 0)
		return 0;
	n = send(fd, state, strlen(state), MSG_NOSIGNAL);
	if (fd != kept)
		close(fd);
	return n == (ssize_t)strlen(state);
}
