// SPDX-License-Identifier: MIT
/*
 * tree.c: pieces of the host's file tree, taken and put somewhere else
 */
#include "hv/init/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static unsigned long long attrs_of(enum tree_mode mode)
{
	switch (mode) {
	case TREE_RO:
		return MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
	case TREE_RW: return MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
	case TREE_DEV: return MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
	}
	return MOUNT_ATTR_RDONLY;
}

int tree_take(struct tree *t, const char *path, enum tree_mode mode)
{
	struct mount_attr attr = {
		.attr_set = attrs_of(mode),
		.propagation = MS_PRIVATE,
	};
	struct stat st;

	*t = (struct tree){.path = path, .mode = mode, .fd = -1};
	if (stat(path, &st) < 0)
		return -errno;
	t->directory = S_ISDIR(st.st_mode);
	t->fd = open_tree(AT_FDCWD, path,
		OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (t->fd < 0)
		return 0;
	t->sealed = mount_setattr(t->fd, "", AT_EMPTY_PATH | AT_RECURSIVE,
			    &attr, sizeof(attr)) == 0;
	return 0;
}

void tree_fini(struct tree *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}

/* One mount.  The kernel refuses to drop the flags that it has locked. */
static int remount_one(const char *target, enum tree_mode mode)
{
	unsigned long flags = MS_REMOUNT | MS_BIND | MS_NOSUID;
	struct statvfs fs;

	if (statvfs(target, &fs) < 0)
		return -errno;
	flags |= mode == TREE_RO ? MS_RDONLY : 0;
	flags |= mode == TREE_DEV ? MS_NOEXEC : MS_NODEV;
	flags |= fs.f_flag & ST_RDONLY ? MS_RDONLY : 0;
	flags |= fs.f_flag & ST_NODEV ? MS_NODEV : 0;
	flags |= fs.f_flag & ST_NOEXEC ? MS_NOEXEC : 0;
	flags |= fs.f_flag & ST_NOATIME ? MS_NOATIME : 0;
	flags |= fs.f_flag & ST_NODIRATIME ? MS_NODIRATIME : 0;
	flags |= fs.f_flag & ST_RELATIME ? MS_RELATIME : 0;
	return mount(NULL, target, NULL, flags, NULL) < 0 ? -errno : 0;
}

/* mountinfo writes a space and its like as \ooo */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] &&
			s[3]) {
			*to++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 +
				       (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

/* Every mount at and below target, in the order in which they are listed. */
static int remount_all(const char *old, const char *target, enum tree_mode mode)
{
	char path[PATH_MAX], real[PATH_MAX], *line = NULL;
	size_t cap = 0, len;
	int r = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/proc/self/mountinfo", old);
	if (!realpath(target, real) || !(f = fopen(path, "re")))
		return -errno;
	len = strlen(real);
	while (r == 0 && getline(&line, &cap, f) > 0) {
		char *save = NULL, *word = strtok_r(line, " ", &save);

		for (int i = 0; word && i < 4; i++)
			word = strtok_r(NULL, " ", &save);
		if (!word)
			continue;
		unescape(word);
		if (strncmp(word, real, len) != 0 ||
			(word[len] != '\0' && word[len] != '/'))
			continue;
		r = remount_one(word, mode);
		/* hidden by a later mount, or not ours to reach: nor to use */
		if (strcmp(word, real) != 0 &&
			(r == -EINVAL || r == -ENOENT || r == -EACCES))
			r = 0;
	}
	free(line);
	fclose(f);
	return r;
}

int tree_put(struct tree *t, const char *old, const char *target)
{
	char path[PATH_MAX];
	bool sealed = t->sealed;
	int r = -1;

	if (t->fd >= 0)
		r = move_mount(
			t->fd, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH);
	tree_fini(t);
	if (r < 0) {
		sealed = false;
		if (snprintf(path, sizeof(path), "%s%s", old, t->path) >=
			(int)sizeof(path))
			return -ENAMETOOLONG;
		if (mount(path, target, NULL, MS_BIND | MS_REC, NULL) < 0)
			return -errno;
	}
	return sealed ? 0 : remount_all(old, target, t->mode);
}

int tree_mkdir(const char *path, mode_t mode)
{
	char *p, *copy = strdup(path);
	int r = 0;

	if (!copy)
		return -ENOMEM;
	for (p = copy + 1; r == 0 && (p = strchr(p, '/')) != NULL; *p++ = '/') {
		*p = '\0';
		if (mkdir(copy, 0755) < 0 && errno != EEXIST &&
			access(copy, F_OK) < 0)
			r = -errno;
	}
	if (r == 0 && mkdir(path, mode) < 0 && errno != EEXIST)
		r = -errno;
	/* "exists" may hide behind another error on a read-only tree */
	if (r && access(path, F_OK) == 0)
		r = 0;
	free(copy);
	return r;
}

int tree_file(const char *path, mode_t mode, const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	int r = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, len) != (ssize_t)len)
		r = errno ? -errno : -EIO;
	close(fd);
	return r;
}

int tree_target(const char *path, bool directory)
{
	char *copy, *slash;
	struct stat st;
	int r;

	if (stat(path, &st) == 0)
		return S_ISDIR(st.st_mode) == directory ? 0 : -EEXIST;
	if (directory)
		return tree_mkdir(path, 0755);
	copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	slash = strrchr(copy, '/');
	*slash = '\0';
	r = slash == copy ? 0 : tree_mkdir(copy, 0755);
	free(copy);
	return r ? r : tree_file(path, 0644, "", 0);
}
