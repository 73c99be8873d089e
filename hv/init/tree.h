/* SPDX-License-Identifier: MIT */
/*
 * tree.h: pieces of the host's file tree, taken and put somewhere else
 *
 * A piece is taken as a detached copy of the mounts at a path, made read-only
 * before anybody can reach it.  Root can thus take what the domain's user
 * could not walk to.  Kernels (and containers) without open_tree(2) or
 * mount_setattr(2) get the same from mount(2), by path and one by one.
 */
#ifndef HV_INIT_TREE_H
#define HV_INIT_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum tree_mode {
	TREE_RO,  /* read-only, no devices, no set-uid */
	TREE_RW,  /* no devices, no set-uid */
	TREE_DEV, /* a device node */
};

struct tree {
	const char *path; /* on the host */
	enum tree_mode mode;
	int fd; /* the detached mounts; -1: by path */
	bool directory, sealed;
};

/* Takes `path`.  0 or -errno (it does not exist, or may not be read). */
int tree_take(struct tree *t, const char *path, enum tree_mode mode);

/*
 * Puts it at `target`, which exists.  `old` is where the host's root is to be
 * found now.  The tree is used up.  0 or -errno.
 */
int tree_put(struct tree *t, const char *old, const char *target);
void tree_fini(struct tree *t);

/* What the target of a tree has to be: makes it and its parents. */
int tree_target(const char *path, bool directory);

/* mkdir -p.  0 or -errno. */
int tree_mkdir(const char *path, mode_t mode);

/* Writes a small file. */
int tree_file(const char *path, mode_t mode, const char *text, size_t len);

#endif
