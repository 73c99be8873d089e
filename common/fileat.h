/* SPDX-License-Identifier: MIT */
/*
 * fileat.h - a file by its folder, which is held open
 *
 * What was named on the command line can then be opened again after the
 * working directory has changed, and by who may open files in that folder
 * only.
 */
#ifndef BH_COMMON_FILEAT_H
#define BH_COMMON_FILEAT_H

#include <sys/types.h>

#include "common/err.h"

struct fileat {
	int dir_fd; /* -1: none */
	char *name; /* in it; NULL: none */
};

#define FILEAT_NONE          \
	(struct fileat)      \
	{                    \
		.dir_fd = -1 \
	}

/* The file @path, which need not be there; its folder must.  0 or -errno. */
int fileat_init(struct fileat *file, const char *path) __must_check;

void fileat_fini(struct fileat *file);

/* As open(), with O_CLOEXEC: a descriptor or -errno. */
int fileat_open(const struct fileat *file, int flags, mode_t mode) __must_check;

/* 0 or -errno. */
int fileat_unlink(const struct fileat *file) __must_check;

#endif
