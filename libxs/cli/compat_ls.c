/* SPDX-License-Identifier: MIT */
/* compat_ls.c - xenstore-ls: a subtree, by indentation */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "libxs/cli/compat.h"
#include "libxs/xenstore_lib.h"

enum {
	LS_WIDTH = 80, /* unless a terminal knows better */
	LS_NO_LIMIT = 0x3fffffff,
	LS_QUOTES = 8, /* columns for ' = "', '\...' and '"' */
	LS_PERMS_COL = 60,
	LS_PATH_MAX = 4096,
};

struct ls {
	struct compat *c;
	int width;     /* a line should not be longer */
	int perms_col; /* where permissions start */
};

static char *child_path(const char *dir, const char *name)
{
	bool slash = dir[strlen(dir) - 1] == '/';
	char *path;

	if (asprintf(&path, "%s%s%s", dir, slash ? "" : "/", name) < 0)
		err(1, "malloc in do_ls");
	return path;
}

static void show_perms(const struct ls *ls, const char *path)
{
	struct xs_permissions *perms;
	unsigned int nr;

	perms = xs_get_permissions(ls->c->xs, XBT_NULL, path, &nr);
	if (!perms) {
		warn("\ncould not access permissions for %s", path);
		return;
	}
	for (unsigned int i = 0; i < nr; i++)
		printf("%s%c%u", i ? "," : "  (", "nrwb"[perms[i].perms & 3],
			perms[i].id);
	fputs(nr ? ")" : "  ()", stdout);
	free(perms);
}

/* Dots from column @at to where permissions start. */
static void show_dots(const struct ls *ls, int at)
{
	int end = ls->width < ls->perms_col ? ls->width : ls->perms_col;

	putchar(' ');
	for (at++; at < end; at++)
		putchar(at % 2 ? '.' : ' ');
}

/*
 * The value, behind @at columns.  The width is compared unsigned: a terminal
 * of less than two columns counts as wide.
 */
static void show_value(
	const struct ls *ls, const char *value, unsigned int len, int at)
{
	char *text = compat_escape(value, len);
	size_t want = (unsigned int)at + len + (size_t)LS_QUOTES;

	if ((size_t)ls->width < want) {
		printf(" = \"%.*s\\...\"", ls->width - LS_QUOTES - at, text);
	} else {
		at += printf(" = \"%s\"", text);
		if (ls->c->opts & OPT_PREFIX)
			show_dots(ls, at);
	}
	free(text);
}

static void ls_dir(const struct ls *ls, const char *dir, int depth);

static void ls_child(
	const struct ls *ls, const char *dir, const char *name, int depth)
{
	char *path = child_path(dir, name), *value = NULL;
	unsigned int len;
	int at = 0;

	if (ls->c->opts & OPT_FLAT) {
		fputs(path, stdout);
	} else {
		at = printf("%*s", depth, "");
		at += printf("%.*s", ls->width - LS_QUOTES - at, name);
	}
	if (strlen(path) < LS_PATH_MAX)
		value = xs_read(ls->c->xs, XBT_NULL, path, &len);
	if (value)
		show_value(ls, value, len, at);
	else
		puts(":");
	free(value);
	if (ls->c->opts & OPT_PREFIX)
		show_perms(ls, path);
	putchar('\n');
	ls_dir(ls, path, depth + 1);
	free(path);
}

static void ls_dir(const struct ls *ls, const char *dir, int depth)
{
	unsigned int nr;
	char **names = xs_directory(ls->c->xs, XBT_NULL, dir, &nr);

	if (!names) {
		/* gone since its parent was listed */
		if (depth && errno == ENOENT)
			return;
		err(1, "xs_directory (%s)", dir);
	}
	for (unsigned int i = 0; i < nr; i++)
		ls_child(ls, dir, names[i], depth);
	free(names);
}

int compat_ls(struct compat *c, char **args, int nr)
{
	struct ls ls = {.c = c, .width = LS_WIDTH, .perms_col = LS_PERMS_COL};
	struct winsize ws = {0};

	if (c->opts & OPT_FLAT) {
		ls.width = LS_NO_LIMIT;
		ls.perms_col = 0;
	}
	/* a terminal cuts -f, too */
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0)
		ls.width = ws.ws_col - 2;
	for (int i = 0; i < nr; i++)
		ls_dir(&ls, args[i], 0);
	return 0;
}
