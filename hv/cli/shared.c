/* SPDX-License-Identifier: MIT */
/* shared.c - the host's folders that dom0 writes to: dom0/run and dom0/log */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hv/cli/shared.h"

enum { DEPTH_MAX = 64 }; /* descriptors that clearing may take */

static int folder_open(const char *dir, const char *name)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/dom0/%s", dir, name), fd;

	if (n < 0 || (size_t)n >= sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int clear(int fd, bool keep, int depth);

/* A folder in @fd: emptied, and gone unless something is kept in it. */
static int clear_folder(int fd, const char *name, bool keep, int depth)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int sub = openat(fd, name, flags), r;

	/* one without permissions; never that of what a link points to */
	if (sub < 0 && errno == EACCES &&
		fchmodat(fd, name, 0700, AT_SYMLINK_NOFOLLOW) == 0)
		sub = openat(fd, name, flags);
	if (sub < 0)
		return -errno;
	r = depth < DEPTH_MAX ? clear(sub, keep, depth + 1) : -ELOOP;
	if (r == 0 && unlinkat(fd, name, AT_REMOVEDIR) && errno != ENOENT &&
		!(keep && (errno == ENOTEMPTY || errno == EEXIST)))
		r = -errno;
	return r;
}

static int clear_entry(int fd, const char *name, bool keep, int depth)
{
	struct stat st;

	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : -errno;
	if (S_ISDIR(st.st_mode))
		return clear_folder(fd, name, keep, depth);
	if (keep && S_ISREG(st.st_mode))
		return 0;
	return unlinkat(fd, name, 0) && errno != ENOENT ? -errno : 0;
}

/* All that is in @fd, which it closes; with @keep all but regular files. */
static int clear(int fd, bool keep, int depth)
{
	DIR *d = fdopendir(fd);
	struct dirent *e;
	int r = 0;

	if (!d) {
		r = -errno;
		close(fd);
		return r;
	}
	while (r == 0 && (e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			r = clear_entry(fd, e->d_name, keep, depth);
	closedir(d);
	return r;
}

static int clear_top(const char *dir, const char *name, bool keep)
{
	int fd = folder_open(dir, name);

	return fd < 0 ? fd : clear(fd, keep, 0);
}

int shared_clear(const char *dir)
{
	int r = clear_top(dir, "run", false);

	return r ? r : clear_top(dir, "log", true);
}

int shared_create(
	const char *dir, const char *folder, const char *name, bool keep)
{
	const int flags =
		O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int at = folder_open(dir, folder), fd, r;
	char old[NAME_MAX + 1];

	if (at < 0)
		return at;
	snprintf(old, sizeof(old), "%.200s.old", name);
	if (!keep || renameat(at, name, at, old))
		(void)unlinkat(at, name, 0);
	fd = openat(at, name, flags, 0600);
	r = fd < 0 ? -errno : fd;
	close(at);
	return r;
}

int shared_socket(const char *dir)
{
	int run = folder_open(dir, "run"), at, fd, r;
	struct stat st;

	if (run < 0)
		return run;
	at = openat(run, "xenstored",
		O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	r = at < 0 ? -errno : 0;
	close(run);
	if (r)
		return r;
	fd = openat(at, "socket", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	r = fd < 0 ? -errno : 0;
	close(at);
	if (r)
		return r;
	/* of a link, this opens the link */
	if (fstat(fd, &st) || !S_ISSOCK(st.st_mode)) {
		close(fd);
		return -ENOTSOCK;
	}
	return fd;
}
