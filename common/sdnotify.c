/* SPDX-License-Identifier: MIT */
/* sdnotify.c - tell the service manager how we are */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/sdnotify.h"

int sdnotify_send(const char *state)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path ? strlen(path) : 0;
	socklen_t sun_len;
	ssize_t n;
	int fd;

	if (len < 2 || len >= sizeof(sun.sun_path))
		return 0;
	if (path[0] != '/' && path[0] != '@')
		return 0;
	memcpy(sun.sun_path, path, len);
	/* A leading @ stands for the NUL of the abstract namespace. */
	if (path[0] == '@')
		sun.sun_path[0] = '\0';
	sun_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);

	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return 0;
	n = sendto(fd, state, strlen(state), MSG_NOSIGNAL,
		(struct sockaddr *)&sun, sun_len);
	close(fd);
	return n == (ssize_t)strlen(state);
}
