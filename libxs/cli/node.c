/* SPDX-License-Identifier: MIT */
/* node.c - nodes of the store as they were read */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <talloc.h>

#include "libxs/cli/node.h"
#include "libxs/cli/store.h"

char *node_path(const void *ctx, const char *dir, const char *name)
{
	return talloc_asprintf(
		ctx, "%s/%s", strcmp(dir, "/") != 0 ? dir : "", name);
}

static const char *last_component(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static bool load_children(
	struct cli *cli, struct node *n, unsigned int what, uint64_t depth)
{
	char **names = store_list(cli, n, n->path, &n->children_nr);

	if (!names)
		return false;
	n->listed = true;
	n->children = talloc_zero_array(n, struct node *, n->children_nr);
	for (size_t i = 0; i < n->children_nr; i++) {
		char *path = node_path(n, n->path, names[i]);

		n->children[i] = node_load(cli, n, path, what, depth - 1);
		if (!n->children[i] && cli->failed != CLI_NOT_FOUND)
			return false;
		if (n->children[i])
			continue;
		/* gone since its parent was listed */
		cli_forget(cli);
		n->children_nr--;
		memmove(&names[i], &names[i + 1],
			(n->children_nr - i) * sizeof(*names));
		i--;
	}
	talloc_free(names);
	return true;
}

/* Whether what failed just now may be left out of a node. */
static bool is_denied(int err)
{
	return err == EACCES || err == EPERM;
}

static bool load_one(struct cli *cli, struct node *n, unsigned int what)
{
	n->value = store_read(cli, n, n->path, &n->len);
	if (!n->value && !is_denied(errno))
		return false;
	if (what & NODE_PERMS) {
		n->perms = store_perms(cli, n, n->path, &n->perms_nr);
		if (!n->perms) {
			n->perms_nr = 0;
			if (!is_denied(errno))
				return false;
		}
	}
	return true;
}

struct node *node_load(struct cli *cli, const void *ctx, const char *path,
	unsigned int what, uint64_t depth)
{
	struct node *n = talloc_zero(ctx, struct node);

	n->path = talloc_strdup(n, path);
	n->name = last_component(n->path);
	if ((what & (NODE_VALUE | NODE_PERMS)) && !load_one(cli, n, what)) {
		cli_fail(cli, errno, "read", path);
		talloc_free(n);
		return NULL;
	}
	if (!(what & NODE_CHILDREN) || !depth)
		return n;
	if (!load_children(cli, n, what, depth) &&
		(cli->failed || !is_denied(errno))) {
		cli_fail(cli, errno, "list", path);
		talloc_free(n);
		return NULL;
	}
	return n;
}

int node_walk(const struct node *n, int (*fn)(const struct node *n, void *arg),
	void *arg)
{
	int code = fn(n, arg);

	for (size_t i = 0; !code && i < n->children_nr; i++)
		code = node_walk(n->children[i], fn, arg);
	return code;
}
