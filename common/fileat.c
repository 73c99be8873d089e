/* SPDX-License-Identifier: MIT */
/* fileat.c - a file by its folder, which is held open */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/fileat.h"

int fileat_init(struct fileat *file, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	char *dir = strndup(path, (size_t)(name - path));
	int r = 0;

	*file = FILEAT_NONE;
	file->name = strdup(name);
	if (!dir || !file->name)
		r = -ENOMEM;
	else if (!*name)
		r = -EISDIR;
	if (!r) {
		file->dir_fd = open(
			*dir ? dir : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (file->dir_fd < 0)
			r = -errno;
	}
	free(dir);
	if (r)
		fileat_fini(file);
	return r;
}

void fileat_fini(struct fileat *file)
{
	if (file->dir_fd >= 0)
		close(file->dir_fd);
	free(file->name);
	*file = FILEAT_NONE;
}

int fileat_open(const struct fileat *file, int flags, mode_t mode)
{
	int fd = openat(file->dir_fd, file->name, flags | O_CLOEXEC, mode);

	return fd < 0 ? -errno : fd;
}

int fileat_unlink(const struct fileat *file)
{
	return unlinkat(file->dir_fd, file->name, 0) ? -errno : 0;
}
