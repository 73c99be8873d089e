/* SPDX-License-Identifier: MIT */
/* verbs.h - the table of verbs: it parses, helps and completes */
#ifndef BH_LIBXS_CLI_VERBS_H
#define BH_LIBXS_CLI_VERBS_H

#include <stdio.h>

#include "libxs/cli/cli.h"

/* What the operands of a verb are, for completion. */
enum operands {
	OPERANDS_NONE,       /* nothing that could be guessed */
	OPERANDS_PATHS,      /* paths */
	OPERANDS_SPECIALS,   /* and @releaseDomain and such */
	OPERANDS_VALUES,     /* a path and a value by turns */
	OPERANDS_PERMS,      /* a path, then permissions */
	OPERANDS_CONDITIONS, /* paths, perhaps behind a ! */
	OPERANDS_VERB,       /* a verb */
};

struct verb {
	const char *name, *alias;
	const char *args; /* operands, for the usage line */
	const char *what; /* one line */
	const char *example;
	const char *more; /* what operands mean; may be NULL */
	int least, most;  /* operands; -1: any number */
	uint32_t options; /* OPTION_*, besides the global ones */
	enum operands operands;
	int (*run)(struct cli *cli, char **args, int nr);
};

extern const struct verb verbs[];
extern const size_t verbs_nr;

/*
 * verb_find - the verb that is called @name
 *
 * Where somebody types, the beginning of a name will do, if it fits only one
 * verb; a script has to spell, so that a verb of tomorrow does not change what
 * it means.  NULL after an error was recorded.
 */
const struct verb *verb_find(struct cli *cli, const char *name);

/* "usage: xs NAME [-j] ... ARGS" */
void verb_usage(FILE *f, const struct verb *v);

/* All about one verb, or about all of them, to stdout. */
void verb_help(const struct verb *v);
void verbs_help(void);
void verbs_json(struct cli *cli);

/*
 * What completion asks for.  These say a line for each that begins like
 * @typed: the verbs, by name and by the other one; the long options of @mask.
 */
void verbs_begin(const char *typed);
void options_begin(uint32_t mask, const char *typed);

/* What the option @word, of those in @mask, has for an argument; or NULL. */
const char *option_wants(uint32_t mask, const char *word);

/*
 * verb_parse - options of the verb, or those in front of it
 * @v:	NULL in front of the verb
 *
 * The operands start at optind afterwards.  False after an error was
 * recorded.
 */
bool verb_parse(struct cli *cli, const struct verb *v, int argc, char **argv);

#endif
