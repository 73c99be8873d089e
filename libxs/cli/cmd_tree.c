/* SPDX-License-Identifier: MIT */
/*
 * cmd_tree.c - xs ls and tree: nodes as they were at one moment
 *
 * DOC: One moment
 *
 * Everything is read in one transaction, which is then committed: that fails
 * if anything that was read has changed meanwhile, and all is read again.  So
 * what is shown was there at once, with any daemon.  It is quick, since many
 * nodes are asked about in one round trip (node.c).  --loose does without,
 * for a store that is never quiet.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <talloc.h>

#include "libxs/cli/name.h"
#include "libxs/cli/node.h"
#include "libxs/cli/out.h"
#include "libxs/cli/store.h"

enum { MIN_VALUE_COLUMNS = 8 }; /* on a terminal, however narrow */

struct view {
	char **paths;
	int nr;
	unsigned int what;
	uint64_t depth;
	struct node **nodes;
};

static int do_view(struct cli *cli, void *arg)
{
	struct view *v = arg;

	talloc_free(v->nodes);
	v->nodes = talloc_zero_array(cli, struct node *, (size_t)v->nr);
	for (int i = 0; i < v->nr; i++) {
		v->nodes[i] = node_load(cli, v->nodes, v->paths[i],
			v->what | NODE_CHILDREN, v->depth);
		if (!v->nodes[i])
			return cli->failed;
	}
	return CLI_OK;
}

static int load(struct cli *cli, struct view *v, char **args, int nr)
{
	static char root[] = "/";
	char *only_root[] = {root, NULL};
	int code;

	v->nr = nr ? nr : 1;
	v->paths = name_paths(cli, nr ? args : only_root, v->nr, false);
	if (!v->paths)
		return cli->failed;
	code = store_open(cli);
	if (code)
		return code;
	code = cli_has(cli, OPTION_LOOSE) ? do_view(cli, v)
					  : store_txn(cli, do_view, v);
	if (code == CLI_CONFLICT)
		cli_hint(cli, "the store does not rest; --loose shows it as it "
			      "moves");
	return code;
}

static int show_json(struct cli *cli, const struct view *v)
{
	struct json j;

	out_json_begin(cli, &j);
	json_open(&j, "nodes", '[');
	for (int i = 0; v->nodes && i < v->nr; i++) {
		json_open(&j, NULL, '{');
		out_json_node(cli, &j, v->nodes[i]);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	out_json_end(&j);
	return CLI_OK;
}

/* --- ls ------------------------------------------------------------------- */

/* PERMS LEN NAME VALUE: columns on a terminal, tabs elsewhere. */
static void ls_long(struct cli *cli, const struct node *n, const char *name,
	int perms_width)
{
	char *perms = out_perms(cli, cli, n);

	out_color(cli, OUT_DIM);
	if (cli->tty)
		printf("%-*s %5zu ", perms_width, perms, n->len);
	else
		printf("%s\t%zu\t", perms, n->len);
	out_color(cli, OUT_NAME);
	out_text(stdout, name, strlen(name));
	out_color(cli, OUT_PLAIN);
	fputs(cli->tty ? " = " : "\t", stdout);
	if (n->value)
		out_text(stdout, n->value, n->len);
	else
		putchar('?');
	putchar('\n');
	talloc_free(perms);
}

static int perms_columns(struct cli *cli, const struct node *dir)
{
	size_t most = 0;

	for (size_t i = 0; cli->tty && i < dir->children_nr; i++) {
		char *perms = out_perms(cli, cli, dir->children[i]);

		if (strlen(perms) > most)
			most = strlen(perms);
		talloc_free(perms);
	}
	return (int)most;
}

static void ls_dir(struct cli *cli, const struct node *dir)
{
	int width = cli_has(cli, OPTION_LONG) ? perms_columns(cli, dir) : 0;

	for (size_t i = 0; i < dir->children_nr; i++) {
		const struct node *n = dir->children[i];
		const char *name =
			cli_has(cli, OPTION_PATHS) ? n->path : n->name;

		if (cli_has(cli, OPTION_LONG)) {
			ls_long(cli, n, name, width);
		} else {
			out_text(stdout, name, strlen(name));
			putchar('\n');
		}
	}
}

int cmd_ls(struct cli *cli, char **args, int nr)
{
	struct view v = {.depth = 1};
	int code;

	if (cli_has(cli, OPTION_LONG))
		v.what = NODE_VALUE | NODE_PERMS;
	code = load(cli, &v, args, nr);
	if (code || !v.nodes || cli_has(cli, OPTION_QUIET))
		return code;
	if (cli_has(cli, OPTION_JSON))
		return show_json(cli, &v);
	for (int i = 0; i < v.nr; i++) {
		if (v.nr > 1 && !cli_has(cli, OPTION_PATHS))
			printf("%s%s:\n", i ? "\n" : "", v.paths[i]);
		ls_dir(cli, v.nodes[i]);
	}
	return CLI_OK;
}

/* --- tree ----------------------------------------------------------------- */

struct branch {
	struct cli *cli;
	char *prefix;   /* in front of the children, as bytes */
	size_t columns; /* and as columns */
};

/* "17 (work)" for the home of a domain. */
static size_t show_name(struct cli *cli, const struct node *n)
{
	static const char home[] = "/local/domain/";
	size_t used = strlen(n->name);

	out_color(cli, OUT_NAME);
	out_text(stdout, n->name, used);
	out_color(cli, OUT_PLAIN);
	if (strncmp(n->path, home, sizeof(home) - 1) != 0 ||
		strchr(n->path + sizeof(home) - 1, '/'))
		return used;
	for (size_t i = 0; i < n->children_nr; i++) {
		const struct node *c = n->children[i];

		if (strcmp(c->name, "name") != 0 || !c->value)
			continue;
		fputs(" (", stdout);
		used += 3 + out_text_cut(stdout, c->value, c->len, SIZE_MAX);
		putchar(')');
	}
	return used;
}

/* What is behind the name, in what is left of the line. */
static void show_rest(struct cli *cli, const struct node *n, size_t used)
{
	static const char cut[] = "...";
	size_t left, len = 0;
	char *text = NULL;
	FILE *f;

	if (n->perms) {
		char *perms = out_perms(cli, cli, n);

		out_color(cli, OUT_DIM);
		used += (size_t)printf(" [%s]", perms);
		out_color(cli, OUT_PLAIN);
		talloc_free(perms);
	}
	if (!n->value) {
		fputs(" = ?", stdout);
		return;
	}
	/* an empty value of a directory says nothing */
	if (!n->len && n->children_nr)
		return;
	used += (size_t)printf(" = ");
	left = cli->width > used + MIN_VALUE_COLUMNS ? cli->width - used
						     : MIN_VALUE_COLUMNS;
	f = open_memstream(&text, &len);
	if (!f)
		return;
	out_text(f, n->value, n->len);
	fclose(f);
	if (len <= left) {
		fputs(text, stdout);
	} else {
		out_text_cut(
			stdout, n->value, n->len, left - (sizeof(cut) - 1));
		fputs(cut, stdout);
	}
	free(text);
}

static void show_below(const struct branch *b, const struct node *n);

static void show_child(const struct branch *b, const struct node *n, bool last)
{
	static const char *const lines[2][4] = {
		{"|-", "`-", "| ", "  "},
		{"\342\224\234\342\224\200", "\342\224\224\342\224\200",
			"\342\224\202 ", "  "},
	};
	const char *const *line = lines[b->cli->utf8];
	struct branch below = {.cli = b->cli, .columns = b->columns + 2};

	fputs(b->prefix, stdout);
	fputs(line[last], stdout);
	show_rest(b->cli, n, b->columns + 2 + show_name(b->cli, n));
	putchar('\n');
	below.prefix =
		talloc_asprintf(b->cli, "%s%s", b->prefix, line[2 + last]);
	show_below(&below, n);
	talloc_free(below.prefix);
}

static void show_below(const struct branch *b, const struct node *n)
{
	for (size_t i = 0; i < n->children_nr; i++)
		show_child(b, n->children[i], i + 1 == n->children_nr);
}

static void show_tree(struct cli *cli, const struct node *n)
{
	char none[] = "";
	struct branch b = {.cli = cli, .prefix = none};

	out_color(cli, OUT_NAME);
	out_text(stdout, n->path, strlen(n->path));
	out_color(cli, OUT_PLAIN);
	show_rest(cli, n, strlen(n->path));
	putchar('\n');
	show_below(&b, n);
}

/* A line for programs: PATH, perhaps PERMS, VALUE. */
static int show_line(const struct node *n, void *arg)
{
	struct cli *cli = arg;

	out_text(stdout, n->path, strlen(n->path));
	if (cli_has(cli, OPTION_LONG)) {
		char *perms = out_perms(cli, cli, n);

		printf("\t%s", perms);
		talloc_free(perms);
	}
	putchar('\t');
	if (n->value)
		out_text(stdout, n->value, n->len);
	putchar('\n');
	return CLI_OK;
}

int cmd_tree(struct cli *cli, char **args, int nr)
{
	struct view v = {.what = NODE_VALUE, .depth = UINT64_MAX};
	int code;

	if (cli_has(cli, OPTION_LONG))
		v.what |= NODE_PERMS;
	if (cli_has(cli, OPTION_DEPTH))
		v.depth = cli->depth;
	code = load(cli, &v, args, nr);
	if (code || !v.nodes || cli_has(cli, OPTION_QUIET))
		return code;
	if (cli_has(cli, OPTION_JSON))
		return show_json(cli, &v);
	for (int i = 0; i < v.nr; i++) {
		if (cli->tty)
			show_tree(cli, v.nodes[i]);
		else
			node_walk(v.nodes[i], show_line, cli);
	}
	return CLI_OK;
}
