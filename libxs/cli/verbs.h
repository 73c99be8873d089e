/* SPDX-License-Identifier: MIT */
/* verbs.h - the table of verbs: it parses, helps and completes */
#ifndef BH_LIBXS_CLI_VERBS_H
#define BH_LIBXS_CLI_VERBS_H

#include <stdio.h>

#include "libxs/cli/cli.h"

struct verb {
	const char *name, *alias;
	const char *args; /* operands, for the usage line */
	const char *what; /* one line; NULL: not shown */
	const char *example;
	const char *more; /* what operands mean; may be NULL */
	int least, most;  /* operands; -1: any number */
	uint32_t options; /* OPTION_*, besides the global ones */
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
 * verb_parse - options of the verb, or those in front of it
 * @v:	NULL in front of the verb
 *
 * The operands start at optind afterwards.  False after an error was
 * recorded.
 */
bool verb_parse(struct cli *cli, const struct verb *v, int argc, char **argv);

#endif
