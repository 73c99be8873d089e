/* SPDX-License-Identifier: MIT */
/*
 * node.h - nodes of the store as they were read
 *
 * Owner: the talloc context given; freed with it.
 */
#ifndef BH_LIBXS_CLI_NODE_H
#define BH_LIBXS_CLI_NODE_H

#include "libxs/cli/cli.h"
#include "libxs/xenstore_lib.h"

struct node {
	char *path;
	const char *name; /* the last component of path; "/" of the root */
	char *value;      /* len bytes and a NUL; NULL: it may not be read */
	size_t len;
	struct xs_permissions *perms; /* NULL: not asked, or refused */
	unsigned int perms_nr;
	struct node **children;
	size_t children_nr;
	bool listed;  /* children is what there is, not just not asked */
	char **names; /* of the children, while they are loaded */
};

enum { /* what to read of a node */
	NODE_VALUE = 1,
	NODE_PERMS = 2,
	NODE_CHILDREN = 4,
};

/* The path of @name below @dir. */
char *node_path(const void *ctx, const char *dir, const char *name);

/*
 * node_load - @path in the current transaction, and @depth levels below it
 *
 * Below @path, nodes that vanish meanwhile, or that may not be looked into,
 * are not errors.  NULL after an error was recorded.
 */
struct node *node_load(struct cli *cli, const void *ctx, const char *path,
	unsigned int what, uint64_t depth);

/* Call @fn for @n and all below, parents first; until one returns a code. */
int node_walk(const struct node *n, int (*fn)(const struct node *n, void *arg),
	void *arg);

#endif
