/* SPDX-License-Identifier: MIT */
/* ops.c - xs read, write, mkdir, rm, chmod, exists */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <talloc.h>

#include "common/str.h"
#include "libxs/cli/ops.h"
#include "libxs/cli/out.h"
#include "libxs/cli/store.h"
#include "wire/perm.h"

enum { STDIN_MAX = 4096 }; /* the longest message; a value is shorter */

/* What one verb works on, through attempts of its transaction. */
struct work {
	char **paths;
	int nr;
	struct node **nodes;
	struct op_value *values;
	struct xs_permissions *perms;
	unsigned int perms_nr;
};

/* More than one request has to be one change, or one view. */
static int run(struct cli *cli, struct work *w, bool txn,
	int (*fn)(struct cli *cli, void *arg))
{
	int code = store_open(cli);

	if (code)
		return code;
	return txn ? store_txn(cli, fn, w) : fn(cli, w);
}

static bool begin(struct cli *cli, struct work *w, char **args, int nr)
{
	*w = (struct work){.nr = nr};
	w->paths = name_paths(cli, args, nr, false);
	return w->paths;
}

/* --- read ----------------------------------------------------------------- */

static int do_read(struct cli *cli, void *arg)
{
	struct work *w = arg;

	talloc_free(w->nodes);
	w->nodes = talloc_zero_array(cli, struct node *, (size_t)w->nr);
	for (int i = 0; i < w->nr; i++) {
		w->nodes[i] = node_load(cli, w->nodes, w->paths[i], 0, 0);
		w->nodes[i]->value = store_read(
			cli, w->nodes[i], w->paths[i], &w->nodes[i]->len);
		if (!w->nodes[i]->value)
			return cli_fail(cli, errno, "read", w->paths[i]);
	}
	return CLI_OK;
}

void op_show(struct cli *cli, const struct node *n)
{
	if (cli_has(cli, OPTION_QUIET))
		return;
	if (cli_has(cli, OPTION_PATHS))
		printf("%s\t", n->path);
	if (cli_has(cli, OPTION_RAW)) {
		fwrite(n->value, 1, n->len, stdout);
		return;
	}
	out_text(stdout, n->value, n->len);
	putchar('\n');
}

int cmd_read(struct cli *cli, char **args, int nr)
{
	struct work w;
	struct json j;
	int code;

	if (!begin(cli, &w, args, nr))
		return cli->failed;
	code = run(cli, &w, nr > 1, do_read);
	if (code)
		return code;
	if (!cli_has(cli, OPTION_JSON)) {
		for (int i = 0; i < nr; i++)
			op_show(cli, w.nodes[i]);
		return CLI_OK;
	}
	out_json_begin(cli, &j);
	json_open(&j, "nodes", '[');
	for (int i = 0; i < nr; i++) {
		json_open(&j, NULL, '{');
		out_json_node(cli, &j, w.nodes[i]);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	out_json_end(&j);
	return CLI_OK;
}

/* --- write, mkdir --------------------------------------------------------- */

static bool value_stdin(struct cli *cli, const void *ctx, struct op_value *v)
{
	v->data = talloc_size(ctx, STDIN_MAX + 1);
	v->len = fread(v->data, 1, STDIN_MAX + 1, stdin);
	if (ferror(stdin)) {
		cli_fail_text(cli, CLI_FAILED, "stdin: %s", strerror(errno));
		return false;
	}
	if (v->len <= STDIN_MAX)
		return true;
	cli_fail_text(
		cli, CLI_QUOTA, "stdin has more than %d bytes", STDIN_MAX);
	return false;
}

bool op_value(struct cli *cli, const void *ctx, const char *arg, bool may_read,
	struct op_value *v)
{
	if (may_read && !strcmp(arg, "-"))
		return value_stdin(cli, ctx, v);
	v->data = talloc_strdup(ctx, arg);
	v->len = strlen(arg);
	if (cli_has(cli, OPTION_RAW) || !str_unescape(v->data, &v->len))
		return true;
	cli_fail_text(cli, CLI_USAGE, "\"%s\" is not well escaped", arg);
	cli_hint(cli, "\\\\, \\t, \\n, \\r and \\xNN are escapes; --raw takes "
		      "it as it is");
	return false;
}

int op_write(struct cli *cli, const char *path, const struct op_value *v)
{
	if (store_write(cli, path, v->data, v->len))
		return CLI_OK;
	return cli_fail(cli, errno, "write", path);
}

static int do_write(struct cli *cli, void *arg)
{
	struct work *w = arg;
	int code = CLI_OK;

	for (int i = 0; !code && i < w->nr; i++)
		code = op_write(cli, w->paths[i], &w->values[i]);
	return code;
}

int cmd_write(struct cli *cli, char **args, int nr)
{
	struct work w = {.nr = nr / 2};
	bool may_read = true;
	int code;

	if (nr % 2) {
		cli_fail_text(cli, CLI_USAGE, "the value of \"%s\" is missing",
			args[nr - 1]);
		cli_hint(cli, "usage: xs write PATH VALUE ...");
		return CLI_USAGE;
	}
	w.paths = talloc_zero_array(cli, char *, (size_t)w.nr + 1);
	w.values = talloc_zero_array(cli, struct op_value, (size_t)w.nr);
	for (int i = 0; i < w.nr; i++) {
		const char *value = args[2 * i + 1];

		w.paths[i] = name_path(cli, w.paths, args[2 * i], false);
		if (!w.paths[i] ||
			!op_value(cli, w.values, value, may_read, &w.values[i]))
			return cli->failed;
		if (!strcmp(value, "-"))
			may_read = false; /* there is only one stdin */
	}
	code = run(cli, &w, w.nr > 1, do_write);
	if (!code)
		out_json_done(cli, w.paths, w.nr);
	return code;
}

int op_mkdir(struct cli *cli, const char *path)
{
	if (store_mkdir(cli, path))
		return CLI_OK;
	return cli_fail(cli, errno, "mkdir", path);
}

static int do_mkdir(struct cli *cli, void *arg)
{
	struct work *w = arg;
	int code = CLI_OK;

	for (int i = 0; !code && i < w->nr; i++)
		code = op_mkdir(cli, w->paths[i]);
	return code;
}

int cmd_mkdir(struct cli *cli, char **args, int nr)
{
	struct work w;
	int code;

	if (!begin(cli, &w, args, nr))
		return cli->failed;
	code = run(cli, &w, nr > 1, do_mkdir);
	if (!code)
		out_json_done(cli, w.paths, nr);
	return code;
}

/* --- rm ------------------------------------------------------------------- */

/*
 * The store takes it for done when a node is not there but its parent is; a
 * user who names what is not there should hear of it.
 */
int op_rm(struct cli *cli, const char *path, bool force)
{
	size_t len;
	char *value = store_read(cli, cli, path, &len);

	if (!value && errno == ENOENT)
		return force ? CLI_OK : cli_fail(cli, errno, "rm", path);
	/* who may remove a node may not always read it */
	talloc_free(value);
	if (store_rm(cli, path))
		return CLI_OK;
	cli_fail(cli, errno, "rm", path);
	if (cli->error.err == EINVAL)
		cli_hint(cli, "the root of the store stays");
	return cli->failed;
}

/* Remove parents of @path for as long as they are empty. */
static int rm_parents(struct cli *cli, const char *path)
{
	char *p = talloc_strdup(cli, path), *slash;
	int code = CLI_OK;

	while (!code && (slash = strrchr(p, '/')) && slash != p) {
		char **names, *value;
		size_t len, nr = 1;

		*slash = '\0';
		value = store_read(cli, p, p, &len);
		names = value && !len ? store_list(cli, p, p, &nr) : NULL;
		if (!names || nr)
			break;
		code = op_rm(cli, p, false);
	}
	talloc_free(p);
	return code;
}

static int do_rm(struct cli *cli, void *arg)
{
	struct work *w = arg;
	int code = CLI_OK;

	for (int i = 0; !code && i < w->nr; i++) {
		code = op_rm(cli, w->paths[i], cli_has(cli, OPTION_FORCE));
		if (!code && cli_has(cli, OPTION_TIDY))
			code = rm_parents(cli, w->paths[i]);
	}
	return code;
}

/* --- dry runs: what is below ---------------------------------------------- */

static int do_load(struct cli *cli, void *arg)
{
	struct work *w = arg;

	talloc_free(w->nodes);
	w->nodes = talloc_zero_array(cli, struct node *, (size_t)w->nr);
	for (int i = 0; i < w->nr; i++) {
		w->nodes[i] = node_load(cli, w->nodes, w->paths[i],
			NODE_VALUE | NODE_CHILDREN, UINT64_MAX);
		if (w->nodes[i])
			continue;
		if (cli->failed != CLI_NOT_FOUND || !cli_has(cli, OPTION_FORCE))
			return cli->failed;
		cli_forget(cli);
	}
	return CLI_OK;
}

struct listing {
	char **paths;
	int nr;
};

static int list_one(const struct node *n, void *arg)
{
	struct listing *l = arg;

	l->paths = talloc_realloc(NULL, l->paths, char *, (size_t)l->nr + 1);
	l->paths[l->nr++] = n->path;
	return CLI_OK;
}

static int dry_run(struct cli *cli, struct work *w, bool below)
{
	struct listing l = {0};
	int code = run(cli, w, true, do_load);

	for (int i = 0; !code && i < w->nr; i++) {
		if (w->nodes[i] && below)
			node_walk(w->nodes[i], list_one, &l);
		else if (w->nodes[i])
			list_one(w->nodes[i], &l);
	}
	if (!code && cli_has(cli, OPTION_JSON))
		out_json_done(cli, l.paths, l.nr);
	for (int i = 0; !cli_has(cli, OPTION_JSON | OPTION_QUIET) && i < l.nr;
		i++) {
		out_text(stdout, l.paths[i], strlen(l.paths[i]));
		putchar('\n');
	}
	talloc_free(l.paths);
	return code;
}

int cmd_rm(struct cli *cli, char **args, int nr)
{
	struct work w;
	int code;

	if (!begin(cli, &w, args, nr))
		return cli->failed;
	if (cli_has(cli, OPTION_DRY_RUN))
		return dry_run(cli, &w, true);
	code = run(cli, &w, true, do_rm);
	if (!code)
		out_json_done(cli, w.paths, nr);
	return code;
}

/* --- chmod ---------------------------------------------------------------- */

struct xs_permissions *op_perms(
	struct cli *cli, const void *ctx, char **args, int nr)
{
	struct xs_permissions *perms =
		talloc_zero_array(ctx, struct xs_permissions, (size_t)nr);

	for (int i = 0; i < nr; i++)
		if (!name_perm(cli, args[i], &perms[i]))
			return NULL;
	return perms;
}

int op_chmod(struct cli *cli, const char *path, struct xs_permissions *perms,
	unsigned int nr)
{
	if (store_chmod(cli, path, perms, nr))
		return CLI_OK;
	cli_fail(cli, errno, "chmod", path);
	if (cli->error.err == EINVAL)
		cli_hint(cli,
			"domains are 0 to %d, and the daemon's own one "
			"owns the special nodes",
			PERM_DOMID_MAX);
	return cli->failed;
}

struct chmod_arg {
	struct cli *cli;
	struct work *w;
};

static int chmod_one(const struct node *n, void *arg)
{
	struct chmod_arg *a = arg;

	return op_chmod(a->cli, n->path, a->w->perms, a->w->perms_nr);
}

static int do_chmod(struct cli *cli, void *arg)
{
	struct work *w = arg;
	struct chmod_arg a = {cli, w};
	int code;

	if (!cli_has(cli, OPTION_RECURSIVE))
		return op_chmod(cli, w->paths[0], w->perms, w->perms_nr);
	code = do_load(cli, w);
	return code ? code : node_walk(w->nodes[0], chmod_one, &a);
}

int cmd_chmod(struct cli *cli, char **args, int nr)
{
	struct work w = {.nr = 1};
	bool recursive = cli_has(cli, OPTION_RECURSIVE);
	int code;

	w.paths = name_paths(cli, args, 1, !recursive);
	if (!w.paths)
		return cli->failed;
	w.perms_nr = (unsigned int)nr - 1;
	w.perms = op_perms(cli, w.paths, args + 1, nr - 1);
	if (!w.perms)
		return cli->failed;
	if (cli_has(cli, OPTION_DRY_RUN))
		return dry_run(cli, &w, recursive);
	code = run(cli, &w, recursive, do_chmod);
	if (!code)
		out_json_done(cli, w.paths, 1);
	return code;
}

/* --- exists --------------------------------------------------------------- */

static int do_exists(struct cli *cli, void *arg)
{
	struct work *w = arg;

	talloc_free(w->nodes);
	w->nodes = talloc_zero_array(cli, struct node *, (size_t)w->nr);
	for (int i = 0; i < w->nr; i++) {
		struct node *n = node_load(cli, w->nodes, w->paths[i], 0, 0);

		w->nodes[i] = n;
		n->value = store_read(cli, n, n->path, &n->len);
		if (!n->value && errno != ENOENT)
			return cli_fail(cli, errno, "read", n->path);
	}
	return CLI_OK;
}

int cmd_exists(struct cli *cli, char **args, int nr)
{
	bool json = cli_has(cli, OPTION_JSON), all = true;
	struct work w;
	struct json j;
	int code;

	if (!begin(cli, &w, args, nr))
		return cli->failed;
	code = run(cli, &w, nr > 1, do_exists);
	if (code)
		return code;
	if (json) {
		out_json_begin(cli, &j);
		json_open(&j, "nodes", '[');
	}
	for (int i = 0; i < nr; i++) {
		all = all && w.nodes[i]->value;
		if (!json)
			continue;
		json_open(&j, NULL, '{');
		json_str(&j, "path", w.paths[i]);
		json_bool(&j, "exists", w.nodes[i]->value);
		json_close(&j, '}');
	}
	if (json) {
		json_close(&j, ']');
		out_json_end(&j);
	}
	return all ? CLI_OK : CLI_FALSE;
}
