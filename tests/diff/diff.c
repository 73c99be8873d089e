/* SPDX-License-Identifier: MIT */
/*
 * diff.c: the same sequences on our xenstored and on Debian's
 *
 *	diff RULES FIRST COUNT	seeds
 *	diff -v RULES SEED 1	with the transcript
 *
 * A sequence on which they differ is made as short as it goes and printed,
 * with what both said.  Exit 0: no difference without a rule, 1: there is
 * one, 2: the comparison could not be made.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/diff/run.h"
#include "tests/sys/stand.h"

enum {
	FRESH_EVERY = 200, /* seeds on one pair of daemons */
	SEEDS_MANY = 1000, /* enough for every rule to be wanted */
	SHRINK_RUNS = 150,
	BAD_MAX = 15, /* seeds that differ, until it is enough */
};

static enum verdict fresh(struct run *run)
{
	run_stop(run);
	return run_start(run) < 0 ? RUN_BROKEN : RUN_SAME;
}

/* From a store as at the start; a daemon that is gone is started again. */
static enum verdict run_one(struct run *run, const struct seq *seq)
{
	enum verdict v;
	/* C's does not forget a target */
	bool bad = run->targets;

	for (int k = 0; k < SIDES; k++)
		bad = bad || run->side[k].silent || !side_alive(&run->side[k]);
	if (bad && fresh(run) != RUN_SAME)
		return RUN_BROKEN;
	if (run_reset(run) < 0 &&
		(fresh(run) != RUN_SAME || run_reset(run) < 0))
		return RUN_BROKEN;
	v = run_seq(run, seq);
	if (v != RUN_BROKEN)
		return v;
	/* what came before may have left something behind */
	if (fresh(run) != RUN_SAME || run_reset(run) < 0)
		return RUN_BROKEN;
	return run_seq(run, seq);
}

/* Without the @n steps at @at; the data stays the owner's. */
static void without(struct seq *to, const struct seq *from, size_t at, size_t n)
{
	*to = *from;
	memmove(&to->step[at], &to->step[at + n],
		(to->nr - at - n) * sizeof(to->step[0]));
	to->nr -= n;
}

static void shrink(struct run *run, struct seq *seq)
{
	struct seq *less = malloc(sizeof(*less));
	int runs = 0;

	for (size_t n = seq->nr / 2; less && n; n /= 2) {
		for (size_t at = 0; at + n <= seq->nr && runs < SHRINK_RUNS;
			runs++) {
			without(less, seq, at, n);
			if (run_one(run, less) == RUN_DIFFERS) {
				less->nr = run->at + 1;
				*seq = *less;
			} else {
				at += n;
			}
		}
	}
	free(less);
}

static void report(struct run *run, const struct seq *full, const char *first)
{
	struct seq *seq = malloc(sizeof(*seq));
	struct rules *saved = malloc(sizeof(*saved));

	if (!seq || !saved)
		abort();
	*seq = *full;
	*saved = run->rules;
	seq->nr = run->at + 1;
	shrink(run, seq);
	printf("--- seed %llu differs; the shortest that shows it:\n",
		(unsigned long long)seq->seed);
	run->show = stdout;
	if (run_one(run, seq) != RUN_DIFFERS)
		printf("--- not again, so it is not this alone; the first "
		       "time:\n%s",
			first);
	run->show = NULL;
	for (int k = 0; k < SIDES; k++) {
		if (!side_alive(&run->side[k]))
			printf("--- %s is dead\n", run->side[k].name);
	}
	fflush(stdout);
	run->rules = *saved;
	free(saved);
	free(seq);
}

static enum verdict run_and_report(
	struct run *run, struct seq *seq, bool verbose)
{
	enum verdict v;
	char *text = NULL;
	size_t len = 0;

	run->show = open_memstream(&text, &len);
	if (!run->show)
		return RUN_BROKEN;
	v = run_one(run, seq);
	fclose(run->show);
	run->show = NULL;
	if (verbose)
		fputs(text, stdout);
	else if (v == RUN_DIFFERS)
		report(run, seq, text);
	free(text);
	return v;
}

static void summary(const struct run *run, unsigned long seeds, time_t began)
{
	printf("%lu seeds, %lu steps, %lu transactions done again, %lld s\n",
		seeds, run->steps, run->replays,
		(long long)(time(NULL) - began));
	for (size_t i = 0; i < run->rules.nr; i++)
		printf("rule %-24s %lu%s\n", run->rules.rule[i].name,
			run->rules.rule[i].used,
			run->rules.rule[i].used || seeds < SEEDS_MANY
				? ""
				: "  NEVER APPLIED");
}

static int all(
	struct run *run, uint64_t first, unsigned long count, bool verbose)
{
	const time_t began = time(NULL);
	struct seq *seq = malloc(sizeof(*seq));
	enum verdict v = RUN_SAME;
	unsigned long i;
	int bad = 0;

	if (!seq)
		return 2;
	if (run_start(run) < 0)
		v = RUN_BROKEN;
	for (i = 0; i < count && v != RUN_BROKEN && bad < BAD_MAX; i++) {
		if (i && i % FRESH_EVERY == 0)
			v = fresh(run);
		seq_make(seq, first + i);
		if (v != RUN_BROKEN)
			v = run_and_report(run, seq, verbose);
		bad += v == RUN_DIFFERS;
		seq_free(seq);
	}
	summary(run, i, began);
	free(seq);
	run_stop(run);
	return v == RUN_BROKEN ? 2 : bad != 0;
}

int main(int argc, char **argv)
{
	static struct run run;
	const bool verbose = argc > 1 && !strcmp(argv[1], "-v");
	char **arg = argv + 1 + verbose;
	int r;

	if (argc - verbose != 4) {
		fputs("usage: diff [-v] RULES FIRST COUNT\n", stderr);
		return 2;
	}
	stand_libs(argv);
	if (rules_read(&run.rules, arg[0]) < 0)
		return 2;
	r = all(&run, strtoull(arg[1], NULL, 10), strtoul(arg[2], NULL, 10),
		verbose);
	rules_free(&run.rules);
	return r;
}
