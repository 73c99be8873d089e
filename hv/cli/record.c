/* SPDX-License-Identifier: MIT */
/* record.c - what hv remembers of a domain it made: its configuration */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/str.h"
#include "hv/cli/record.h"

enum { FILE_MAX = 1 << 20 };

char *file_read(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	char *text;
	ssize_t n = 0;

	if (fd < 0)
		return NULL;
	text = malloc(FILE_MAX + 1);
	while (text && len < FILE_MAX &&
		(n = read(fd, text + len, FILE_MAX - len)) > 0)
		len += (size_t)n;
	close(fd);
	if (!text)
		return NULL;
	if (n < 0 || len == FILE_MAX) {
		if (n >= 0)
			errno = EFBIG;
		free(text);
		return NULL;
	}
	text[len] = '\0';
	return text;
}

bool record_init(struct record *rec, char *text, const char *file)
{
	if (!domcfg_parse(&rec->cfg, text, file)) {
		free(text);
		rec->text = NULL;
		return false;
	}
	rec->text = text;
	return true;
}

void record_fini(struct record *rec)
{
	domcfg_fini(&rec->cfg);
	free(rec->text);
	rec->text = NULL;
}

static void record_path(char path[PATH_MAX], const char *dir, uint32_t domid)
{
	snprintf(path, PATH_MAX, "%s/domains/%u", dir, domid);
}

bool record_read(const char *dir, uint32_t domid, struct record *rec)
{
	char path[PATH_MAX];
	char *text;

	record_path(path, dir, domid);
	text = file_read(path);
	return text && record_init(rec, text, path);
}

bool record_write(const char *dir, uint32_t domid, const struct record *rec)
{
	size_t len = strlen(rec->text);
	char path[PATH_MAX];
	bool ok;
	int fd;

	record_path(path, dir, domid);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	ok = write(fd, rec->text, len) == (ssize_t)len;
	close(fd);
	if (!ok)
		(void)unlink(path);
	return ok;
}

void record_remove(const char *dir, uint32_t domid)
{
	char path[PATH_MAX];

	record_path(path, dir, domid);
	(void)unlink(path);
}

int record_list(const char *dir, uint32_t **domids)
{
	char path[PATH_MAX];
	uint32_t *list = NULL, *more;
	struct dirent *e;
	uint64_t v;
	int nr = 0;
	DIR *d;

	snprintf(path, sizeof(path), "%s/domains", dir);
	d = opendir(path);
	if (!d)
		return -errno;
	while ((e = readdir(d))) {
		if (str_to_u64(e->d_name, 0x7fef, &v))
			continue;
		more = realloc(list, ((size_t)nr + 1) * sizeof(*list));
		if (!more)
			break;
		list = more;
		list[nr++] = (uint32_t)v;
	}
	closedir(d);
	*domids = list;
	return nr;
}
