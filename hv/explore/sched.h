/* SPDX-License-Identifier: MIT */
/*
 * sched.h - the vCPUs of a scenario, stopped at their points (explorer only)
 *
 * What explore.c, random.c and trace.c share: to set a scenario up, to see
 * what each vCPU waits for, to let one make a step and to judge the result.
 */
#ifndef HV_EXPLORE_SCHED_H
#define HV_EXPLORE_SCHED_H

#include "hv/explore/explore.h"

struct hv_lock;

enum sched_kind {
	SCHED_START, /* has not begun */
	SCHED_LOAD,
	SCHED_STORE,
	SCHED_CAS,
	SCHED_RMW,
	SCHED_POINT, /* another place */
	SCHED_FLUSH,
	SCHED_LOCK, /* moves when nobody holds the lock at addr */
	SCHED_UNLOCK,
	SCHED_WAIT, /* until somebody has changed something */
	SCHED_CHOICE,
	SCHED_POLL, /* the choice whether it is time to stop */
	SCHED_DONE,
};

enum { SCHED_HELD = 4 }; /* locks that a vCPU can hold at a time */

/* What a vCPU stopped at.  Part of the state. */
struct sched_vcpu {
	struct coro coro;
	const volatile void *addr; /* of the access */
	const char *op;
	uint8_t kind;  /* enum sched_kind */
	uint8_t way;   /* the answer to a choice */
	uint8_t woken; /* SCHED_WAIT: somebody has changed something since */
	uint8_t idle;  /* between two operations */
	uint16_t ways; /* of SCHED_CHOICE, SCHED_POLL */
	struct hv_lock *held[SCHED_HELD]; /* in the order they were taken */
};

/* Outcome of a step. */
enum sched_step {
	SCHED_STEPPED,
	SCHED_ENDED, /* the last vCPU has ended */
	SCHED_BROKEN /* sched_why() says what */
};

/* Sets up @s; the state is that before the first step.  0 or -errno. */
int sched_begin(const struct scenario *s);
void sched_fini(void);

struct sched_vcpu *sched_vcpu(unsigned int i);

/* How many ways vCPU @i can go: 0 if it cannot move. */
unsigned int sched_ways(unsigned int i);

/* Does anybody still have something to do? */
bool sched_all_done(void);

/*
 * sched_step - vCPU @m.vcpu goes one step, the way @m.way, and all is checked
 */
enum sched_step sched_step(struct move m);

/*
 * sched_wake - the step of @m changed what is shared
 *
 * To be called after each step that did.
 */
void sched_wake(void);

const char *sched_why(void);
const char *sched_kind_name(enum sched_kind k);

/* Seconds since some moment. */
double sched_now(void);

/* Calls @tick about once a second during steps, until called with NULL. */
void sched_ticks(void (*tick)(void));

#endif
