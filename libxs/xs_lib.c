/* SPDX-License-Identifier: MIT */
/* xs_lib.c - permissions, paths of the daemon, small helpers */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libxs/xenstore.h"

/* One per thread, so that threads do not write into each other's. */
static __thread char socket_path[PATH_MAX];

/* A program with more rights than its caller does not ask the caller. */
const char *xs_daemon_rundir(void)
{
	const char *dir = secure_getenv("XENSTORED_RUNDIR");

	return dir ? dir : "/var/run/xenstored";
}

const char *xs_daemon_socket(void)
{
	const char *path = secure_getenv("XENSTORED_PATH");
	int n;

	if (path)
		return path;
	n = snprintf(socket_path, sizeof(socket_path), "%s/socket",
		xs_daemon_rundir());
	if (n >= 0 && (size_t)n < sizeof(socket_path))
		return socket_path;
	errno = ENAMETOOLONG;
	return NULL;
}

const char *xs_daemon_socket_ro(void)
{
	return xs_daemon_socket();
}

bool xs_write_all(int fd, const void *data, unsigned int len)
{
	const char *at = data;

	while (len) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		/* nor would the next write(2) take more */
		if (n == 0)
			errno = EIO;
		if (n <= 0)
			return false;
		at += n;
		len -= (unsigned int)n;
	}
	return true;
}

static int letter_access(char letter)
{
	switch (letter) {
	case 'n': return XS_PERM_NONE;
	case 'r': return XS_PERM_READ;
	case 'w': return XS_PERM_WRITE;
	case 'b': return XS_PERM_READ | XS_PERM_WRITE;
	}
	return -1;
}

bool xs_strings_to_perms(
	struct xs_permissions *perms, unsigned int num, const char *strings)
{
	for (unsigned int i = 0; i < num; i++) {
		int access = letter_access(*strings);
		uint64_t id = 0;
		const char *at;

		if (access < 0)
			goto bad;
		for (at = strings + 1; *at >= '0' && *at <= '9'; at++) {
			id = id * 10 + (uint64_t)(*at - '0');
			if (id > UINT_MAX)
				goto bad;
		}
		if (*at || at == strings + 1)
			goto bad;
		perms[i].id = (unsigned int)id;
		perms[i].perms = (unsigned int)access;
		strings = at + 1;
	}
	return true;
bad:
	errno = EINVAL;
	return false;
}

bool xs_path_is_subpath(const char *parent, const char *child)
{
	size_t len = strlen(parent);

	if (!strcmp(parent, "/"))
		return *child == '/';
	if (strncmp(parent, child, len))
		return false;
	return !child[len] || child[len] == '/';
}
