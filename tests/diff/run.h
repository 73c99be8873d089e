/* SPDX-License-Identifier: MIT */
/* run.h: a sequence on both sides, and what differs */
#ifndef TESTS_DIFF_RUN_H
#define TESTS_DIFF_RUN_H

#include <stdio.h>

#include "tests/diff/rules.h"
#include "tests/diff/seq.h"
#include "tests/diff/side.h"

enum { OURS, C_XS, SIDES };

enum verdict {
	RUN_SAME,    /* but for accepted differences */
	RUN_DIFFERS, /* at step `at` */
	RUN_BROKEN,  /* the machine, not the daemons */
};

struct run {
	struct side side[SIDES];
	struct rules rules;
	FILE *show; /* the transcript */
	/* of the sequence that runs, or ran last */
	size_t at;
	bool stop;
	uint32_t tx[SIDES][CHAN_CTL][SLOTS + 1];
	/* of transactions: their first step, what had changed until then, and
	 * whether they saw other things on the two sides */
	size_t tx_start[CHAN_CTL][SLOTS + 1];
	unsigned long tx_changes[CHAN_CTL][SLOTS + 1];
	bool tx_unlike[CHAN_CTL][SLOTS + 1];
	unsigned long changes;
	bool check;   /* this step of a transaction differed */
	bool targets; /* there was a SET_TARGET, also a bad one */
	bool is_target[GUESTS + 1];
	char *reply[SIDES][STEPS_MAX];
	unsigned long steps; /* of all sequences */
	unsigned long replays;
};

int run_start(struct run *run);
void run_stop(struct run *run);

/* Both stores as they were at the start, with the guests introduced. */
int run_reset(struct run *run);

enum verdict run_seq(struct run *run, const struct seq *seq);

/* The name of a step's operation, for rules. */
const char *step_op(const struct step *step);

/* compare.c: what was said on both sides in this step */
bool compare(struct run *run, const struct step *step);

/* The domain that this step has ended; 0: none. */
unsigned step_ends(const struct run *run, const struct step *step);

/* There is a rule for these two replies. */
bool accepted(struct run *run, const struct step *step, const char *ours,
	const char *c);

const char *said_reply(const struct said *said);

/* replay.c: what is to be done and checked after TRANSACTION_END */
bool replay_end(struct run *run, const struct seq *seq);

#endif
