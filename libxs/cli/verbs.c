/* SPDX-License-Identifier: MIT */
/* verbs.c - the table of verbs: it parses, helps and completes */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/macro.h"
#include "common/str.h"
#include "libxs/cli/out.h"
#include "libxs/cli/verbs.h"

#define CONDITIONS                                                       \
	"PATH          it exists\n"                                      \
	"!PATH         it does not\n"                                    \
	"PATH=VALUE    it has this value, escaped as xs read shows it\n" \
	"PATH~REGEX    its value matches the extended regular expression\n"

/* In the order of help. */
const struct verb verbs[] = {
	{"read", "cat", "PATH ...", "print values", "xs read work:name", NULL,
		1, -1, OPTION_RAW | OPTION_PATHS, OPERANDS_PATHS, cmd_read},
	{"write", "set", "PATH VALUE ...", "set values, creating nodes",
		"xs write /tool/a 1 /tool/b 'two\\nlines'",
		"VALUE is escaped as xs read shows it; \"-\" takes the bytes "
		"of\n"
		"stdin.  Several pairs are one transaction.\n",
		2, -1, OPTION_RAW, OPERANDS_VALUES, cmd_write},
	{"mkdir", NULL, "PATH ...", "create nodes without a value",
		"xs mkdir /tool/a", NULL, 1, -1, 0, OPERANDS_PATHS, cmd_mkdir},
	{"rm", NULL, "PATH ...", "remove nodes and all below them",
		"xs rm -n /tool/a", NULL, 1, -1,
		OPTION_FORCE | OPTION_TIDY | OPTION_DRY_RUN, OPERANDS_PATHS,
		cmd_rm},
	{"ls", "list", "[PATH ...]", "list children", "xs ls -l /local/domain",
		NULL, 0, -1, OPTION_LONG | OPTION_PATHS | OPTION_LOOSE,
		OPERANDS_PATHS, cmd_ls},
	{"tree", NULL, "[PATH ...]", "show all below, as it was at one moment",
		"xs tree -l work:device", NULL, 0, -1,
		OPTION_LONG | OPTION_DEPTH | OPTION_LOOSE, OPERANDS_PATHS,
		cmd_tree},
	{"chmod", NULL, "PATH PERM ...", "set permissions",
		"xs chmod -r /tool/a n0 r:work",
		"PERM is a letter n, r, w or b (none, read, write, both) and "
		"a\n"
		"domain; the first one names the owner, and its letter counts\n"
		"for whom no other names.\n",
		2, -1, OPTION_RECURSIVE | OPTION_DRY_RUN, OPERANDS_PERMS,
		cmd_chmod},
	{"exists", "test", "PATH ...", "succeed if all are there",
		"xs exists /tool/a || echo no", NULL, 1, -1, 0, OPERANDS_PATHS,
		cmd_exists},
	{"watch", NULL, "PATH ...", "print changes at or below",
		"xs watch -n 10 work:device", NULL, 1, -1,
		OPTION_NUMBER | OPTION_DEPTH, OPERANDS_SPECIALS, cmd_watch},
	{"wait", NULL, "CONDITION ...", "wait until all conditions hold",
		"xs wait --timeout 30 work:device/vbd/51712/state=4",
		CONDITIONS, 1, -1, 0, OPERANDS_CONDITIONS, cmd_wait},
	{"txn", NULL, "", "run a script of stdin in one transaction",
		"printf 'check /a=1\\nwrite /a 2\\n' | xs txn",
		"One command per line: read, write, mkdir, rm, chmod with "
		"their\n"
		"operands, \"check CONDITION\" as of wait.  Words may be in "
		"single\n"
		"or double quotes; # starts a comment.\n",
		0, 0, 0, OPERANDS_NONE, cmd_txn},
	{"control", NULL, "COMMAND [ARG ...]", "a command to the daemon itself",
		"xs control help", NULL, 1, -1, OPTION_RAW, OPERANDS_NONE,
		cmd_control},
	{"complete", NULL, "WORD ...", "what the last word can become",
		"xs complete -- read work:dev",
		"For shells: the words are those of a line that is typed, "
		"without\n"
		"xs in front; the last one may be empty.\n",
		1, -1, 0, OPERANDS_NONE, cmd_complete},
	{"help", NULL, "[VERB]", "say how a verb is used", "xs help wait", NULL,
		0, 1, 0, OPERANDS_VERB, cmd_help},
	{"version", NULL, "", "print the version", "xs version", NULL, 0, 0, 0,
		OPERANDS_NONE, cmd_version},
};
const size_t verbs_nr = ARRAY_LEN(verbs);

static const struct {
	uint32_t bit;
	char letter; /* '\0': only the long form */
	const char *name, *arg, *what;
} options[] = {
	{OPTION_JSON, 'j', "json", NULL, "answer in JSON"},
	{OPTION_QUIET, 'q', "quiet", NULL, "print no data"},
	{OPTION_TIMEOUT, 0, "timeout", "SECONDS",
		"how long a request may take (5; 0: for ever);\n"
		"                          of watch and wait: the whole"},
	{OPTION_SOCKET, 0, "socket", "PATH", "the socket of the daemon"},
	{OPTION_COLOR, 0, "color", "WHEN", "auto, always or never"},
	{OPTION_HELP, 'h', "help", NULL, "this text"},
	{OPTION_RAW, 0, "raw", NULL, "bytes as they are, no escapes"},
	{OPTION_PATHS, 'p', "paths", NULL, "print the path, too"},
	{OPTION_LONG, 'l', "long", NULL, "with permissions and values"},
	{OPTION_DEPTH, 'L', "depth", "N", "not more than N levels"},
	{OPTION_LOOSE, 0, "loose", NULL,
		"without a transaction: never waits for a quiet moment"},
	{OPTION_RECURSIVE, 'r', "recursive", NULL, "and all below"},
	{OPTION_FORCE, 'f', "force", NULL, "what is not there is no error"},
	{OPTION_TIDY, 't', "tidy", NULL, "and parents that this leaves empty"},
	{OPTION_DRY_RUN, 'n', "dry-run", NULL,
		"only print the paths that would change"},
	{OPTION_NUMBER, 'n', "number", "N", "end after N events"},
};

enum { OPTIONS_NR = ARRAY_LEN(options), LONG_BASE = 256 };

static bool starts(const char *name, const char *with, size_t len)
{
	return name && !strncmp(name, with, len);
}

/* The verbs that @name can be the beginning of: how many, and the first. */
static size_t verb_guess(
	const char *name, const struct verb **first, char *names, size_t cap)
{
	size_t nr = 0, len = strlen(name), at = 0;

	*names = '\0';
	for (size_t i = 0; len && i < verbs_nr; i++) {
		if (!starts(verbs[i].name, name, len) &&
			!starts(verbs[i].alias, name, len))
			continue;
		if (!nr++)
			*first = &verbs[i];
		if (at < cap)
			at += (size_t)snprintf(names + at, cap - at, "%s%s",
				nr > 1 ? ", " : "", verbs[i].name);
	}
	return nr;
}

const struct verb *verb_find(struct cli *cli, const char *name)
{
	const struct verb *v = NULL;
	char names[160];
	size_t nr;

	for (size_t i = 0; i < verbs_nr; i++)
		if (!strcmp(verbs[i].name, name) ||
			(verbs[i].alias && !strcmp(verbs[i].alias, name)))
			return &verbs[i];
	nr = verb_guess(name, &v, names, sizeof(names));
	if (nr == 1 && cli->interactive)
		return v;
	cli_fail_text(cli, CLI_USAGE, "no verb \"%s\"", name);
	if (nr > 1)
		cli_hint(cli, "it could be one of %s", names);
	else if (nr)
		cli_hint(cli,
			"%s is its name; only where one types, at a "
			"terminal, its beginning is enough",
			names);
	else
		cli_hint(cli, "xs help lists the verbs");
	return NULL;
}

void verb_usage(FILE *f, const struct verb *v)
{
	fprintf(f, "xs %s [OPTION ...]%s%s\n", v->name, *v->args ? " " : "",
		v->args);
}

void verbs_begin(const char *typed)
{
	size_t len = strlen(typed);

	for (size_t i = 0; i < verbs_nr; i++) {
		if (starts(verbs[i].name, typed, len))
			puts(verbs[i].name);
		if (len && starts(verbs[i].alias, typed, len))
			puts(verbs[i].alias);
	}
}

static void help_options(uint32_t mask)
{
	for (size_t i = 0; i < OPTIONS_NR; i++) {
		char text[40], letter[] = "-x, ";

		if (!(options[i].bit & mask))
			continue;
		letter[1] = options[i].letter;
		snprintf(text, sizeof(text), "%s--%s%s%s",
			options[i].letter ? letter : "    ", options[i].name,
			options[i].arg ? " " : "",
			options[i].arg ? options[i].arg : "");
		printf("  %-23s %s\n", text, options[i].what);
	}
}

void verb_help(const struct verb *v)
{
	printf("example: %s\nusage:   ", v->example);
	verb_usage(stdout, v);
	printf("\nxs %s - %s\n", v->name, v->what);
	if (v->alias)
		printf("(also: xs %s)\n", v->alias);
	if (v->more)
		printf("\n%s", v->more);
	puts("\nA PATH may start at a domain, by name or number: "
	     "work:data/x\n");
	help_options(v->options | OPTION_GLOBAL);
}

void verbs_help(void)
{
	puts("usage: xs VERB [OPTION ...] ...\n"
	     "Look into Xenstore, and change it.\n");
	for (size_t i = 0; i < verbs_nr; i++)
		printf("  %-8s %-19s %s\n", verbs[i].name, verbs[i].args,
			verbs[i].what);
	puts("\nWith every verb:");
	help_options(OPTION_GLOBAL);
	puts("\nxs help VERB tells more, with an example; see xs(1).");
}

void verbs_json(struct cli *cli)
{
	struct json j;

	out_json_begin(cli, &j);
	json_open(&j, "verbs", '[');
	for (size_t i = 0; i < verbs_nr; i++) {
		uint32_t mask = verbs[i].options | OPTION_GLOBAL;

		json_open(&j, NULL, '{');
		json_str(&j, "name", verbs[i].name);
		if (verbs[i].alias)
			json_str(&j, "alias", verbs[i].alias);
		json_str(&j, "operands", verbs[i].args);
		json_str(&j, "what", verbs[i].what);
		json_str(&j, "example", verbs[i].example);
		json_open(&j, "options", '[');
		for (size_t k = 0; k < OPTIONS_NR; k++)
			if (options[k].bit & mask)
				json_str(&j, NULL, options[k].name);
		json_close(&j, ']');
		json_close(&j, '}');
	}
	json_close(&j, ']');
	out_json_end(&j);
}

void options_begin(uint32_t mask, const char *typed)
{
	char text[40];

	for (size_t i = 0; i < OPTIONS_NR; i++) {
		snprintf(text, sizeof(text), "--%s", options[i].name);
		if (options[i].bit & mask && starts(text, typed, strlen(typed)))
			puts(text);
	}
}

const char *option_wants(uint32_t mask, const char *word)
{
	size_t len = strlen(word);

	for (size_t i = 0; len > 1 && *word == '-' && i < OPTIONS_NR; i++) {
		if (!(options[i].bit & mask) || !options[i].arg)
			continue;
		/* the last of several letters */
		if (word[1] == '-' ? !strcmp(word + 2, options[i].name)
				   : word[len - 1] == options[i].letter)
			return options[i].arg;
	}
	return NULL;
}

static bool bad_value(struct cli *cli, size_t i, const char *arg)
{
	cli_fail_text(cli, CLI_USAGE, "--%s: \"%s\" is not a good %s",
		options[i].name, arg, options[i].arg);
	return false;
}

/* Seconds, with a fraction, as milliseconds. */
static bool parse_seconds(const char *arg, uint64_t *ms)
{
	char *end;
	double v = strtod(arg, &end);

	if (end == arg || *end || !(v >= 0 && v <= 1e6))
		return false;
	/* not 0, which means something else, for very little */
	*ms = (uint64_t)ceil(v * 1000);
	return true;
}

static bool parse_color(struct cli *cli, const char *arg)
{
	if (!strcmp(arg, "always"))
		cli->color = true;
	else if (!strcmp(arg, "never"))
		cli->color = false;
	else
		return !strcmp(arg, "auto");
	return true;
}

/* One option of the table, with its argument. */
static bool parse_one(struct cli *cli, size_t i, const char *arg)
{
	bool ok = true;

	cli->options |= options[i].bit;
	switch (options[i].bit) {
	case OPTION_TIMEOUT: ok = parse_seconds(arg, &cli->timeout_ms); break;
	case OPTION_SOCKET: cli->socket = arg; break;
	case OPTION_COLOR: ok = parse_color(cli, arg); break;
	case OPTION_DEPTH:
		/* the most that a watch can have */
		ok = !str_to_u64(arg, INT32_MAX, &cli->depth);
		break;
	case OPTION_NUMBER:
		ok = !str_to_u64(arg, UINT32_MAX, &cli->number);
		break;
	}
	return ok || bad_value(cli, i, arg);
}

/* What getopt_long() wants, for the options in @mask. */
struct getopt_tables {
	char letters[2 * OPTIONS_NR + 3];
	struct option longs[OPTIONS_NR + 1];
};

static void tables_make(struct getopt_tables *t, bool stop, uint32_t mask)
{
	char *letter = t->letters;
	struct option *o = t->longs;

	if (stop)
		*letter++ = '+';
	*letter++ = ':'; /* complaints are ours */
	for (size_t i = 0; i < OPTIONS_NR; i++) {
		if (!(options[i].bit & mask))
			continue;
		*o++ = (struct option){options[i].name,
			options[i].arg ? required_argument : no_argument, NULL,
			LONG_BASE + (int)i};
		if (!options[i].letter)
			continue;
		*letter++ = options[i].letter;
		if (options[i].arg)
			*letter++ = ':';
	}
	*letter = '\0';
	*o = (struct option){0};
}

static bool find_option(int c, uint32_t mask, size_t *i)
{
	if (c >= LONG_BASE) {
		*i = (size_t)c - LONG_BASE;
		return true;
	}
	for (*i = 0; *i < OPTIONS_NR; (*i)++)
		if (options[*i].letter == c && (options[*i].bit & mask))
			return true;
	return false;
}

static bool bad_option(
	struct cli *cli, const struct verb *v, int c, char **argv)
{
	/* an unknown long one leaves no letter behind */
	if (c == ':')
		cli_fail_text(cli, CLI_USAGE, "%s needs an argument",
			argv[optind - 1]);
	else if (optopt > 0 && optopt < LONG_BASE)
		cli_fail_text(cli, CLI_USAGE, "no option -%c", optopt);
	else
		cli_fail_text(cli, CLI_USAGE, "no option %s", argv[optind - 1]);
	if (v)
		cli_hint(cli, "xs help %s lists the options", v->name);
	else
		cli_hint(cli, "xs help lists verbs and options");
	return false;
}

bool verb_parse(struct cli *cli, const struct verb *v, int argc, char **argv)
{
	uint32_t mask = OPTION_GLOBAL | (v ? v->options : 0);
	struct getopt_tables t;
	size_t i;
	int c;

	tables_make(&t, !v, mask);
	optind = 0; /* getopt starts over */
	while ((c = getopt_long(argc, argv, t.letters, t.longs, NULL)) != -1) {
		if (!find_option(c, mask, &i))
			return bad_option(cli, v, c, argv);
		if (!parse_one(cli, i, optarg))
			return false;
	}
	return true;
}
