/* SPDX-License-Identifier: MIT */
/*
 * explore.h - run a scenario in every order there is
 *
 * DOC: how it works
 *
 * A scenario is a small world and one function per vCPU.  Each vCPU is a
 * coroutine that stops before every access to memory which others share (the
 * macros of hv/core/atomic.h say where).  From each state each vCPU that can
 * move makes one step, which leads to another state; states are compared by
 * hash and each is expanded once, breadth first.  So every order of the steps
 * is covered, and the first violation found has a shortest way to it.
 *
 * What is covered are all interleavings of accesses on a machine whose
 * accesses happen in one order for everybody (sequential consistency); plain
 * accesses between two of them are one step with the first.
 *
 * What is found:
 *   - a violation: the scenario's check() after each step, its idle() when no
 *     vCPU is inside an operation, explore_fail(), a crash of the code (any
 *     signal a CPU raises, abort()), a step that does not end
 *   - a deadlock: not all vCPUs have ended and none can move
 *   - a livelock: a state from which no end can be reached any more
 *   - code that is not a function of the state: each 256th step is done twice
 *
 * One exploration at a time in a process; not thread-safe.
 */
#ifndef HV_EXPLORE_EXPLORE_H
#define HV_EXPLORE_EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "hv/explore/state.h"
#include "hv/explore/visited.h"

struct scenario {
	const char *name;
	const char *shows; /* one line */
	unsigned int vcpus;
	/* Everything that the scenario may change; len 0 ends it. */
	const struct state_area *areas;
	void (*setup)(void);
	/* What vCPU @i does; uses the functions of section "inside" below. */
	void (*run)(unsigned int i);
	/*
	 * The name of the first invariant that does not hold, with a text in
	 * @buf, or NULL.  check() after every step, idle() when no vCPU is
	 * inside an operation (after explore_idle(), or at its end).  Each
	 * may be NULL.
	 */
	const char *(*check)(char *buf, size_t len);
	const char *(*idle)(char *buf, size_t len);
	/*
	 * Accesses there are no steps of their own: it is a vCPU's own, or
	 * never changes.  check() should see that this is so.  May be NULL.
	 */
	bool (*is_private)(const volatile void *p);
	/* Right before each access, after the stop: may explore_fail().  May
	 * be NULL. */
	void (*touch)(const volatile void *p);
	/* Makes states alike that differ in nothing that counts (ghosts that
	 * only grow), before each comparison.  May be NULL. */
	void (*normal)(void);
	/* For a trace: object @i in one line, false behind the last; and the
	 * name of what is at @p. */
	bool (*show)(unsigned int i, char *buf, size_t len);
	void (*name_of)(const volatile void *p, char *buf, size_t len);
	/* Rules that this scenario is there to defend: names of faults, NULL
	 * ends it.  May be NULL. */
	const char *const *faults;
	bool slow;        /* takes more than a second */
	bool random_only; /* too large to be exhausted: for explore_random() */
};

/* ---- inside: for the functions of a scenario's vCPUs --------------------- */

/* Any of @ways ways, 0.. ; each is tried. */
unsigned int explore_choose(unsigned int ways);
/* Between two operations; @op is the name of the next one for a trace.  The
 * vCPU is idle until that makes its first access. */
void explore_idle(const char *op);
/* A violation seen from inside. */
__attribute__((noreturn, format(printf, 1, 2))) void explore_fail(
	const char *fmt, ...);
/* Which vCPU runs; -1 outside. */
int explore_self(void);

/* ---- outside ------------------------------------------------------------- */

enum explore_result {
	EXPLORE_OK,
	EXPLORE_VIOLATION,
	EXPLORE_DEADLOCK,
	EXPLORE_LIVELOCK,
	EXPLORE_MEMORY,  /* the limit was reached: not exhausted */
	EXPLORE_UNSTABLE /* a step depends on more than the state */
};

struct explore_opts {
	size_t memory_max; /* bytes; 0: 3 GiB */
	bool progress;     /* a line each second on standard error */
	uint64_t seed;     /* explore_random() */
	uint64_t steps;
};

struct explore_report {
	enum explore_result result;
	char text[256]; /* what was violated */
	uint64_t states, transitions;
	uint32_t depth;
	double seconds;
	size_t memory;
	struct move *path; /* to the violation; explore_report_fini() */
	size_t path_nr;
};

/* Every order. */
void explore_run(const struct scenario *s, const struct explore_opts *o,
	struct explore_report *rep);

/*
 * explore_random - @o->steps steps in an order that @o->seed decides
 *
 * When all vCPUs have ended, the scenario is set up again.  Nothing is
 * compared, so that the state may be of any size.
 */
void explore_random(const struct scenario *s, const struct explore_opts *o,
	struct explore_report *rep);

/* One step of a replay, as explore_replay() tells it. */
struct explore_step {
	size_t nr; /* 0: the state before the first step */
	unsigned int vcpu;
	unsigned int way, ways; /* ways < 2: there was no choice */
	const char *op;         /* of explore_idle(), or NULL */
	const char *what;       /* "load", "cas", ... */
	char where[64];         /* the name of what is accessed, or "" */
};

/*
 * explore_replay - the steps of @path again, telling each to @tell
 *
 * @tell is called after the step.  Stops at the first violation, whose text
 * is put into @text; returns whether there was one.
 */
bool explore_replay(const struct scenario *s, const struct move *path,
	size_t nr, void (*tell)(const struct explore_step *, void *), void *arg,
	char *text, size_t len);

void explore_report_fini(struct explore_report *rep);
const char *explore_result_name(enum explore_result r);

#endif
