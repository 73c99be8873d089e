/* SPDX-License-Identifier: MIT */
/*
 * seq.h: sequences of what clients and domains do, from a seed
 *
 * A step does not depend on what was answered before, so steps can be left
 * out when a sequence is made shorter.  A transaction is a slot of its
 * connection: its id is whatever the daemon said when it was started.
 */
#ifndef TESTS_DIFF_SEQ_H
#define TESTS_DIFF_SEQ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum step_kind {
	STEP_REQUEST,   /* type, tx, payload */
	STEP_INTRODUCE, /* of domid, on conn, with its true port */
	STEP_REOPEN,    /* the socket closes and opens */
	STEP_TOO_LONG,  /* a header whose payload would be too long */
	STEP_BAD_INDEX, /* impossible indexes on the ring */
	STEP_KILL,      /* domid ends, and starts again */
	STEP_SHUTDOWN,  /* domid */
	STEP_RESUME,    /* domid runs again; RESUME is a request */
	STEP_FILL,      /* many children below the path in the payload */
};

enum {
	SLOTS = 4,          /* transactions of a connection; 0 is none */
	SLOT_BOGUS = SLOTS, /* an id that never was */
	STEPS_MAX = 256,
	FILL_NR = 300, /* their names are longer than a message */
};

struct step {
	enum step_kind kind;
	unsigned conn;
	unsigned domid;
	uint32_t type;
	unsigned slot; /* of TRANSACTION_START: where its id goes, and */
	/* domid is the one that it is started in */
	size_t len;
	uint8_t *data;
};

struct seq {
	uint64_t seed;
	size_t nr;
	struct step step[STEPS_MAX];
};

/* The steps of @seed, always the same; seq_free() when they are done. */
void seq_make(struct seq *seq, uint64_t seed);
void seq_free(struct seq *seq);

/* One step for people, on one line without its end. */
void step_print(FILE *f, const struct step *step);

/* Who says it: "dom0", "dom0'", "d1", ... */
const char *conn_name(unsigned conn);

#endif
