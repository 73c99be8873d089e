/* SPDX-License-Identifier: MIT */
/*
 * cmd_txn.c - xs txn: a script in one transaction
 *
 * DOC: A script
 *
 * All of stdin is read and parsed first, so that nothing is done of a script
 * with a mistake.  Then its lines are run in a transaction, as often as that
 * takes; what they print is kept until the commit.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <talloc.h>

#include "common/macro.h"
#include "libxs/cli/cond.h"
#include "libxs/cli/ops.h"
#include "libxs/cli/out.h"
#include "libxs/cli/store.h"

enum { WORDS_MAX = 64 };

/* One line.  Owner: the script. */
struct step {
	int line;
	int (*run)(struct cli *cli, struct step *s);
	char *path;
	struct op_value value;
	struct xs_permissions *perms;
	unsigned int perms_nr;
	struct cond *cond;
	struct node *got; /* of read, in this attempt */
};

struct script {
	struct step **steps;
	size_t nr;
};

static int step_read(struct cli *cli, struct step *s)
{
	talloc_free(s->got);
	s->got = node_load(cli, s, s->path, 0, 0);
	s->got->value = store_read(cli, s->got, s->path, &s->got->len);
	return s->got->value ? CLI_OK : cli_fail(cli, errno, "read", s->path);
}

static int step_write(struct cli *cli, struct step *s)
{
	return op_write(cli, s->path, &s->value);
}

static int step_mkdir(struct cli *cli, struct step *s)
{
	return op_mkdir(cli, s->path);
}

static int step_rm(struct cli *cli, struct step *s)
{
	return op_rm(cli, s->path, false);
}

static int step_chmod(struct cli *cli, struct step *s)
{
	return op_chmod(cli, s->path, s->perms, s->perms_nr);
}

static int step_check(struct cli *cli, struct step *s)
{
	int code = cond_check(cli, s->cond);

	if (code == CLI_FALSE)
		code = cli_fail_text(cli, CLI_CONFLICT,
			"line %d: \"%s\" does not hold", s->line,
			s->cond->text);
	return code;
}

static const struct {
	const char *name;
	int least, most; /* words, with the name */
	int (*run)(struct cli *cli, struct step *s);
} kinds[] = {
	{"read", 2, 2, step_read},
	{"write", 3, 3, step_write},
	{"mkdir", 2, 2, step_mkdir},
	{"rm", 2, 2, step_rm},
	{"chmod", 3, WORDS_MAX, step_chmod},
	{"check", 2, 2, step_check},
};

/*
 * The next word at *@at, in place, without its quotes; NULL at the end.
 * Backslashes stay: they are the values' escapes.
 */
static char *next_word(char **at, bool *bad)
{
	char *from = *at + strspn(*at, " \t\r\n"), *to = from, *word = from;
	char quote = '\0';

	if (!*from || *from == '#')
		return NULL;
	for (; *from && (quote || !strchr(" \t\r\n", *from)); from++) {
		if (quote ? *from == quote : strchr("'\"", *from) != NULL)
			quote = quote ? '\0' : *from;
		else
			*to++ = *from;
	}
	*bad = quote;
	*at = *from ? from + 1 : from;
	*to = '\0';
	return word;
}

/* False after an error was recorded; *@step NULL for an empty line. */
static bool parse_step(struct cli *cli, const void *ctx, char **words, int nr,
	struct step **step)
{
	struct step *s;
	size_t k;

	for (k = 0; k < ARRAY_LEN(kinds); k++)
		if (!strcmp(kinds[k].name, words[0]))
			break;
	if (k == ARRAY_LEN(kinds)) {
		cli_fail_text(cli, CLI_USAGE, "no command \"%s\"", words[0]);
		return false;
	}
	if (nr < kinds[k].least || nr > kinds[k].most) {
		cli_fail_text(
			cli, CLI_USAGE, "%s has %d operands", words[0], nr - 1);
		return false;
	}
	s = talloc_zero(ctx, struct step);
	s->run = kinds[k].run;
	*step = s;
	if (s->run == step_check) {
		s->cond = cond_parse(cli, s, talloc_strdup(s, words[1]));
		return s->cond;
	}
	s->path = name_path(cli, s, words[1], false);
	if (!s->path)
		return false;
	if (s->run == step_write)
		return op_value(cli, s, words[2], false, &s->value);
	if (s->run != step_chmod)
		return true;
	s->perms_nr = (unsigned int)nr - 2;
	s->perms = op_perms(cli, s, words + 2, nr - 2);
	return s->perms;
}

static bool parse_line(
	struct cli *cli, struct script *script, char *text, int line)
{
	char *words[WORDS_MAX + 1] = {NULL}, *word;
	struct step *s = NULL;
	bool bad = false;
	int nr = 0;

	while (!bad && nr <= WORDS_MAX && (word = next_word(&text, &bad)))
		words[nr++] = word;
	if (!nr)
		return true;
	if (bad)
		cli_fail_text(cli, CLI_USAGE, "a quote is not closed");
	if (bad || !parse_step(cli, script, words, nr, &s)) {
		cli->error.text = talloc_asprintf(
			cli, "line %d: %s", line, cli->error.text);
		return false;
	}
	s->line = line;
	script->steps = talloc_realloc(
		script, script->steps, struct step *, script->nr + 1);
	script->steps[script->nr++] = s;
	return true;
}

static bool parse(struct cli *cli, struct script *script)
{
	char *text = NULL;
	size_t cap = 0;
	ssize_t len;
	bool ok = true;

	for (int line = 1; ok && (len = getline(&text, &cap, stdin)) >= 0;
		line++) {
		ok = strlen(text) == (size_t)len;
		if (ok)
			ok = parse_line(cli, script, text, line);
		else
			cli_fail_text(cli, CLI_USAGE,
				"line %d: there is a NUL in it", line);
	}
	free(text);
	if (ok && ferror(stdin)) {
		cli_fail_text(cli, CLI_FAILED, "stdin: %s", strerror(errno));
		ok = false;
	}
	return ok;
}

static int run(struct cli *cli, void *arg)
{
	struct script *script = arg;
	int code = CLI_OK;

	for (size_t i = 0; !code && i < script->nr; i++) {
		code = script->steps[i]->run(cli, script->steps[i]);
		if (code && cli->error.err)
			cli->error.op = talloc_asprintf(cli, "line %d: %s",
				script->steps[i]->line, cli->error.op);
	}
	return code;
}

static void show_json(struct cli *cli, const struct script *script)
{
	struct json j;

	out_json_begin(cli, &j);
	json_bool(&j, "committed", true);
	json_num(&j, "attempts", cli->attempts);
	json_open(&j, "nodes", '[');
	for (size_t i = 0; i < script->nr; i++) {
		if (!script->steps[i]->got)
			continue;
		json_open(&j, NULL, '{');
		out_json_node(cli, &j, script->steps[i]->got);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	out_json_end(&j);
}

int cmd_txn(struct cli *cli, char **args, int nr)
{
	struct script *script = talloc_zero(cli, struct script);
	int code;

	(void)args;
	(void)nr;
	if (!parse(cli, script))
		return cli->failed;
	code = store_open(cli);
	if (!code)
		code = store_txn(cli, run, script);
	if (code)
		return code;
	if (cli_has(cli, OPTION_JSON)) {
		show_json(cli, script);
		return CLI_OK;
	}
	for (size_t i = 0; i < script->nr; i++)
		if (script->steps[i]->got)
			op_show(cli, script->steps[i]->got);
	return CLI_OK;
}
