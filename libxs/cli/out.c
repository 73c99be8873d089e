/* SPDX-License-Identifier: MIT */
/* out.c - bytes of the store on a terminal, in a pipe, in JSON */
#include <errno.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <talloc.h>

#include "common/str.h"
#include "libxs/cli/name.h"
#include "libxs/cli/out.h"
#include "libxs/cli/verbs.h"

enum { DEFAULT_WIDTH = 80, CHUNK = 512, ESCAPE_MAX = 4 };

void out_init(struct cli *cli)
{
	const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
	bool dumb = !term || !*term || !strcmp(term, "dumb");
	struct winsize ws = {0};

	cli->tty = isatty(STDOUT_FILENO);
	cli->interactive = cli->tty && isatty(STDIN_FILENO);
	cli->width = DEFAULT_WIDTH;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col)
		cli->width = ws.ws_col;
	cli->utf8 = !dumb && !strcmp(nl_langinfo(CODESET), "UTF-8");
	cli->color = cli->tty && !dumb && !(no_color && *no_color);
}

size_t out_text_cut(FILE *f, const void *data, size_t len, size_t columns)
{
	const unsigned char *p = data;
	size_t used = 0;

	for (size_t i = 0; i < len; i++) {
		char e[ESCAPE_MAX + 1];
		size_t n = str_escape(e, sizeof(e), &p[i], 1);

		if (n > columns - used)
			break;
		fwrite(e, 1, n, f);
		used += n;
	}
	return used;
}

void out_text(FILE *f, const void *data, size_t len)
{
	out_text_cut(f, data, len, SIZE_MAX);
}

void out_color(const struct cli *cli, enum out_color color)
{
	static const char *const codes[] = {
		[OUT_PLAIN] = "\033[0m",
		[OUT_NAME] = "\033[1m",
		[OUT_DIM] = "\033[2m",
	};

	if (cli->color)
		fputs(codes[color], stdout);
}

void out_message(FILE *f, const char *text)
{
	for (; *text; text++) {
		if (*text == '\\')
			fputc(*text, f);
		else
			out_text(f, text, 1);
	}
}

static char perm_letter(const struct xs_permissions *p)
{
	return "nrwb"[p->perms & (XS_PERM_READ | XS_PERM_WRITE)];
}

/* "(work)", escaped: a guest may have chosen its name. */
static char *name_append(char *text, const char *name)
{
	size_t cap = strlen(name) * ESCAPE_MAX + 1;
	char *escaped = talloc_size(text, cap);

	str_escape(escaped, cap, name, strlen(name));
	text = talloc_asprintf_append(text, "(%s)", escaped);
	talloc_free(escaped);
	return text;
}

char *out_perms(struct cli *cli, const void *ctx, const struct node *n)
{
	char *text = talloc_strdup(ctx, n->perms ? "" : "?");

	for (unsigned int i = 0; n->perms && i < n->perms_nr; i++) {
		const char *name =
			cli->tty ? name_of(cli, n->perms[i].id) : NULL;

		text = talloc_asprintf_append(text, "%s%c%u", i ? "," : "",
			perm_letter(&n->perms[i]), n->perms[i].id);
		if (name)
			text = name_append(text, name);
	}
	return text;
}

void out_json_begin(struct cli *cli, struct json *j)
{
	json_begin(j, stdout);
	/* people see it indented, programs one document in a line */
	j->line = !cli->tty;
	json_open(j, NULL, '{');
	json_num(j, "xs", 1);
}

void out_json_end(struct json *j)
{
	json_close(j, '}');
	json_end(j);
}

static void json_perms(struct cli *cli, struct json *j, const struct node *n)
{
	if (!n->perms || !n->perms_nr)
		return;
	json_num(j, "owner", n->perms[0].id);
	json_open(j, "perms", '[');
	for (unsigned int i = 0; i < n->perms_nr; i++) {
		const struct xs_permissions *p = &n->perms[i];
		const char *name = name_of(cli, p->id);

		json_open(j, NULL, '{');
		json_num(j, "domid", p->id);
		if (name)
			json_str(j, "name", name);
		json_bool(j, "read", p->perms & XS_PERM_READ);
		json_bool(j, "write", p->perms & XS_PERM_WRITE);
		json_close(j, '}');
	}
	json_close(j, ']');
}

void out_json_node(struct cli *cli, struct json *j, const struct node *n)
{
	json_str(j, "path", n->path);
	if (n->value) {
		json_bytes(j, "value", n->value, n->len);
		json_num(j, "len", n->len);
	}
	if (n->perms)
		json_perms(cli, j, n);
	if (!n->listed)
		return;
	json_open(j, "children", '[');
	for (size_t i = 0; i < n->children_nr; i++) {
		json_open(j, NULL, '{');
		out_json_node(cli, j, n->children[i]);
		json_close(j, '}');
	}
	json_close(j, ']');
}

void out_json_done(struct cli *cli, char **paths, int nr)
{
	struct json j;

	if (!cli_has(cli, OPTION_JSON))
		return;
	out_json_begin(cli, &j);
	json_str(&j, "op", cli->verb->name);
	json_open(&j, "paths", '[');
	for (int i = 0; i < nr; i++)
		json_str(&j, NULL, paths[i]);
	json_close(&j, ']');
	out_json_end(&j);
}

bool out_finish(struct cli *cli)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return true;
	cli_fail_text(cli, CLI_FAILED, "stdout: %s", strerror(errno));
	return false;
}
