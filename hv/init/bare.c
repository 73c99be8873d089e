// SPDX-License-Identifier: MIT
/*
 * bare.c: the folder of a domain that has no mount namespace
 */
#include "hv/init/bare.h"
#include "hv/proto/proto.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

int bare_name(char name[BARE_MAX])
{
	const char *dir = getenv("XDG_RUNTIME_DIR");
	uint64_t id;
	int n;

	if (getrandom(&id, sizeof(id), 0) != sizeof(id))
		return -EIO;
	if (!dir || dir[0] != '/' || access(dir, W_OK) < 0)
		dir = "/tmp";
	n = snprintf(
		name, BARE_MAX, "%s/hv-%016llx", dir, (unsigned long long)id);
	return n >= (int)BARE_MAX ? -ENAMETOOLONG : 0;
}

void bare_forget(void)
{
	unsetenv(HVP_SOCKET_ENV);
	unsetenv("HV_XENBUS");
	unsetenv("XENSTORED_PATH");
}

int bare_make(const char *name, bool control)
{
	char path[BARE_MAX + 16];

	if (mkdir(name, 0700) < 0)
		return -errno;
	snprintf(path, sizeof(path), "%s/hv", name);
	if (setenv(HVP_SOCKET_ENV, path, 1) < 0)
		return -errno;
	snprintf(path, sizeof(path), "%s/xenbus", name);
	if (setenv("HV_XENBUS", path, 1) < 0)
		return -errno;
	/* the control domain's programs talk to the daemon, not to xenbus */
	if (!control && setenv("XENSTORED_PATH", path, 1) < 0)
		return -errno;
	return 0;
}

void bare_remove(const char *name)
{
	static const char *const names[] = {"hv", "xenbus"};
	char path[BARE_MAX + 16];

	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", name, names[i]);
		unlink(path);
	}
	rmdir(name);
}
