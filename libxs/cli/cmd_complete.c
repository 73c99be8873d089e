/* SPDX-License-Identifier: MIT */
/*
 * cmd_complete.c - xs complete: what the last word of a command line can be
 *
 * DOC: For shells
 *
 * A line per candidate, each a whole word.  A node that is the only one and
 * has children is said twice, with a slash and without, so that a shell puts
 * no blank behind it.  Whatever goes wrong has no candidates: nobody wants to
 * read of it in the middle of a line.
 *
 * Candidates go into the line that somebody will run: a name with other
 * letters than names have is none, whoever has put it into the store.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include <talloc.h>

#include "libxs/cli/name.h"
#include "libxs/cli/node.h"
#include "libxs/cli/store.h"
#include "libxs/cli/verbs.h"

enum { WAIT_MS = 1000 }; /* for the daemon, while somebody waits for us */

#define LETTERS                      \
	"abcdefghijklmnopqrstuvwxyz" \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ" \
	"0123456789-_"

static bool is_only(const char *s, const char *letters)
{
	return *s && !s[strspn(s, letters)];
}

static bool begins(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

/* --- domains -------------------------------------------------------------- */

struct domain_ask {
	const char *before, *typed, *behind;
};

static void on_domain(const char *name, void *arg)
{
	const struct domain_ask *a = arg;

	if (is_only(name, LETTERS ".+") && begins(name, a->typed))
		printf("%s%s%s\n", a->before, name, a->behind);
}

static void domains(struct cli *cli, const char *before, const char *typed,
	const char *behind)
{
	struct domain_ask a = {before, typed, behind};

	name_each(cli, on_domain, &a);
}

/* --- paths ---------------------------------------------------------------- */

/* Those in the folder @dir that begin with @typed; @before is in front. */
static void children(
	struct cli *cli, const char *dir, const char *before, const char *typed)
{
	const char *only = NULL;
	size_t nr, found = 0;
	char **names = store_list(cli, cli, dir, &nr);

	for (size_t i = 0; names && i < nr; i++) {
		if (!is_only(names[i], LETTERS "@") || !begins(names[i], typed))
			continue;
		printf("%s%s\n", before, names[i]);
		only = names[i];
		found++;
	}
	if (found != 1)
		return;
	if (store_list(cli, cli, node_path(cli, dir, only), &nr) && nr)
		printf("%s%s/\n", before, only);
}

/* @before is in front of the path, in the same word. */
static void paths(struct cli *cli, const char *before, const char *typed)
{
	const char *slash = strrchr(typed, '/'), *last;
	size_t first = strcspn(typed, ":/");
	char *dir, *front;

	if (!typed[first])
		domains(cli, before, typed, ":");
	if (!*typed) {
		children(cli, "/", talloc_asprintf(cli, "%s/", before), "");
		return;
	}
	if (!typed[first])
		return;
	/* behind the last slash; or behind the domain, where it has none */
	last = slash ? slash + 1 : typed + first + 1;
	dir = talloc_strndup(cli, typed, (size_t)(last - typed));
	front = talloc_asprintf(cli, "%s%s", before, dir);
	if (slash && slash != typed && slash[-1] != ':')
		dir[slash - typed] = '\0';
	dir = name_path(cli, cli, dir, false);
	if (dir)
		children(cli, dir, front, last);
}

static void specials(const char *typed)
{
	static const char *const names[] = {
		"@introduceDomain", "@releaseDomain"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (*typed && begins(names[i], typed))
			puts(names[i]);
}

/* --- lines ---------------------------------------------------------------- */

static void perms(struct cli *cli, const char *typed)
{
	char before[3] = {typed[0], ':'};

	if (!*typed || !strchr("nrwb", *typed))
		return;
	if (typed[1] && typed[1] != ':')
		before[1] = '\0';
	domains(cli, before, typed + strlen(before) - !typed[1], "");
}

static void operand(
	struct cli *cli, const struct verb *v, int at, const char *typed)
{
	switch (v->operands) {
	case OPERANDS_NONE: break;
	case OPERANDS_SPECIALS: specials(typed); /* fall through */
	case OPERANDS_PATHS: paths(cli, "", typed); break;
	case OPERANDS_VALUES:
		if (at % 2 == 0)
			paths(cli, "", typed);
		break;
	case OPERANDS_PERMS:
		if (at) {
			perms(cli, typed);
			break;
		}
		specials(typed);
		paths(cli, "", typed);
		break;
	case OPERANDS_CONDITIONS:
		paths(cli, *typed == '!' ? "!" : "", typed + (*typed == '!'));
		break;
	case OPERANDS_VERB:
		if (!at)
			verbs_begin(typed);
		break;
	}
}

/* An option before @typed that has no argument yet. */
static void argument(uint32_t mask, const char *before, const char *typed)
{
	static const char *const when[] = {"auto", "always", "never"};
	const char *wants = option_wants(mask, before);

	for (size_t i = 0; wants && i < sizeof(when) / sizeof(*when); i++)
		if (!strcmp(wants, "WHEN") && begins(when[i], typed))
			puts(when[i]);
}

/* @argv[0] is xs, the last of the @argc words is not finished. */
static void line(struct cli *cli, int argc, char **argv)
{
	const char *typed = argv[--argc], *before = argv[argc - 1];
	const struct verb *v;

	argv[argc] = NULL;
	if (!verb_parse(cli, NULL, argc, argv)) {
		argument(OPTION_GLOBAL, before, typed);
		return;
	}
	if (optind == argc) {
		if (*typed == '-')
			options_begin(OPTION_GLOBAL, typed);
		else
			verbs_begin(typed);
		return;
	}
	argc -= optind;
	argv += optind;
	v = verb_find(cli, argv[0]);
	if (!v)
		return;
	if (!verb_parse(cli, v, argc, argv))
		argument(OPTION_GLOBAL | v->options, before, typed);
	else if (*typed == '-')
		options_begin(OPTION_GLOBAL | v->options, typed);
	else if (!store_open(cli))
		operand(cli, v, argc - optind, typed);
}

int cmd_complete(struct cli *cli, char **args, int nr)
{
	char **argv = talloc_zero_array(cli, char *, (size_t)nr + 2);
	uint32_t options = cli->options;

	argv[0] = talloc_strdup(argv, "xs");
	memcpy(argv + 1, args, (size_t)nr * sizeof(*args));
	if (!cli_has(cli, OPTION_TIMEOUT))
		cli->timeout_ms = WAIT_MS;
	/* whoever asks is at a terminal, even if we are not */
	cli->interactive = true;
	line(cli, nr + 1, argv);
	cli->options = options;
	cli_forget(cli);
	return CLI_OK;
}
