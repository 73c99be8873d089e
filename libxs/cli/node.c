/* SPDX-License-Identifier: MIT */
/* node.c - nodes of the store as they were read */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <talloc.h>

#include "libxs/cli/node.h"
#include "libxs/cli/store.h"
#include "libxs/xsx.h"

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

/* --- loading -------------------------------------------------------------- */

/*
 * DOC: Many at once
 *
 * Nodes are asked about in the order of their depth, up to SLICE of them in
 * one go, which costs one round trip.  What a listing finds is put behind
 * those that wait.
 */
enum { SLICE = 256, KINDS = 3 };

struct load {
	struct cli *cli;
	unsigned int what;
	struct ask *asks; /* of all nodes found so far */
	size_t nr, asked, cap;
};

/* A node and what is known of its loading. */
struct ask {
	struct load *load;
	struct node *node, *parent; /* none above the first */
	size_t place;               /* among the children of that */
	uint64_t depth;             /* levels below it that are wanted */
	bool gone;
	struct iovec iov; /* its path */
};

/*
 * What a walk meets below may be closed to us, or gone since its parent was
 * listed: it is left out.  The first node was asked for by its name, and
 * whoever did that hears of it.
 */
static void ask_failed(struct ask *a, int err, const char *op)
{
	if (a->parent && (err == EACCES || err == EPERM || a->gone))
		return;
	if (a->parent && err == ENOENT)
		a->gone = true;
	else
		cli_fail(a->load->cli, err, op, a->node->path);
}

static void ask_add(struct load *l, struct node *n, struct node *parent,
	size_t place, uint64_t depth)
{
	if (l->nr == l->cap) {
		l->cap = l->cap ? 2 * l->cap : SLICE;
		l->asks = talloc_realloc(NULL, l->asks, struct ask, l->cap);
	}
	l->asks[l->nr++] = (struct ask){
		.load = l,
		.node = n,
		.parent = parent,
		.place = place,
		.depth = depth,
		.iov = {n->path, strlen(n->path) + 1},
	};
}

static struct node *node_new(const void *ctx, char *path)
{
	struct node *n = talloc_zero(ctx, struct node);

	n->path = talloc_steal(n, path);
	n->name = last_component(n->path);
	return n;
}

static void on_value(void *arg, int err, const void *payload, size_t len)
{
	struct ask *a = arg;
	struct node *n = a->node;

	if (err) {
		ask_failed(a, err, "read");
		return;
	}
	n->value = talloc_size(n, len + 1);
	memcpy(n->value, payload, len);
	n->value[len] = '\0';
	n->len = len;
}

static void on_perms(void *arg, int err, const void *payload, size_t len)
{
	struct ask *a = arg;
	struct node *n = a->node;
	unsigned int nr = 0;
	size_t at = 0;

	if (err) {
		ask_failed(a, err, "read");
		return;
	}
	while (xsx_string_next(payload, len, &at))
		nr++;
	n->perms = talloc_array(n, struct xs_permissions, nr);
	n->perms_nr = nr;
	if (!nr || at != len || !xs_strings_to_perms(n->perms, nr, payload))
		ask_failed(a, EIO, "read");
}

/* The children are put on the list later: it must not move now. */
static void on_names(void *arg, int err, const void *payload, size_t len)
{
	struct ask *a = arg;
	struct node *n = a->node;
	size_t at = 0, nr = 0;
	const char *name;

	if (err == E2BIG) {
		/* in parts */
		n->names =
			store_list(a->load->cli, n, n->path, &n->children_nr);
		if (!n->names)
			ask_failed(a, errno, "list");
		return;
	}
	if (err) {
		ask_failed(a, err, "list");
		return;
	}
	while (xsx_string_next(payload, len, &at))
		nr++;
	n->names = talloc_array(n, char *, nr + 1);
	at = 0;
	while ((name = xsx_string_next(payload, len, &at)))
		n->names[n->children_nr++] = talloc_strdup(n->names, name);
	if (at != len)
		ask_failed(a, EIO, "list");
}

/* What was listed becomes nodes, to be asked about. */
static void ask_below(struct load *l, size_t i)
{
	struct node *n = l->asks[i].node;
	uint64_t depth = l->asks[i].depth - 1;

	if (!n->names)
		return;
	n->listed = true;
	n->children = talloc_zero_array(n, struct node *, n->children_nr);
	for (size_t k = 0; k < n->children_nr; k++) {
		n->children[k] =
			node_new(n, node_path(NULL, n->path, n->names[k]));
		ask_add(l, n->children[k], n, k, depth);
	}
	TALLOC_FREE(n->names);
}

static unsigned int requests_make(
	const struct load *l, struct ask *a, struct xsx_request *reqs)
{
	const struct {
		bool wanted;
		uint32_t type;
		xsx_reply_fn *fn;
	} kinds[KINDS] = {
		{l->what & (NODE_VALUE | NODE_PERMS), XS_READ, on_value},
		{l->what & NODE_PERMS, XS_GET_PERMS, on_perms},
		{l->what & NODE_CHILDREN && a->depth, XS_DIRECTORY, on_names},
	};
	unsigned int nr = 0;

	for (int i = 0; i < KINDS; i++)
		if (kinds[i].wanted)
			reqs[nr++] = (struct xsx_request){
				.type = kinds[i].type,
				.tx = l->cli->t,
				.iov = &a->iov,
				.nr = 1,
				.fn = kinds[i].fn,
				.arg = a,
			};
	return nr;
}

/* The next SLICE of nodes. */
static void load_slice(struct load *l)
{
	struct xsx_request reqs[SLICE * KINDS] = {{.nr = 0}};
	size_t from = l->asked, to = l->nr;
	unsigned int nr = 0;

	if (to - from > SLICE)
		to = from + SLICE;
	for (size_t i = from; i < to; i++)
		nr += requests_make(l, &l->asks[i], &reqs[nr]);
	store_limit(l->cli);
	xsx_handle_run(l->cli->xs, reqs, nr);
	l->asked = to;
	for (size_t i = from; i < to && !l->cli->failed; i++)
		if (!l->asks[i].gone)
			ask_below(l, i);
}

/* Take what is gone out; from the end, so that places stay true. */
static void drop_gone(struct load *l)
{
	for (size_t i = l->nr; i-- > 0;) {
		const struct ask *a = &l->asks[i];
		struct node *parent = a->parent;

		if (!a->gone)
			continue;
		parent->children_nr--;
		memmove(&parent->children[a->place],
			&parent->children[a->place + 1],
			(parent->children_nr - a->place) *
				sizeof(struct node *));
	}
}

struct node *node_load(struct cli *cli, const void *ctx, const char *path,
	unsigned int what, uint64_t depth)
{
	struct node *n = node_new(ctx, talloc_strdup(NULL, path));
	struct load l = {.cli = cli, .what = what};

	ask_add(&l, n, NULL, 0, depth);
	while (l.asked < l.nr && !cli->failed)
		load_slice(&l);
	if (cli->failed)
		TALLOC_FREE(n);
	else
		drop_gone(&l);
	talloc_free(l.asks);
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
