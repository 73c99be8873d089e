/* SPDX-License-Identifier: MIT */
/*
 * loop.h - the event loop of a daemon: turns, work and the dead
 *
 * DOC: A turn of the loop
 *
 *  1. Wait for events (or only look, when work is queued), run callbacks.
 *  2. Run each piece of work that was queued before this step, once.  A piece
 *     that is not finished within its own budget queues itself again: it is
 *     behind everybody else then, and new events are seen in between.
 *  3. Free the dead.
 *
 * Invariant: no object is freed within a callback or a piece of work; it is
 * marked dead, detached from events and work, and put on the dead list with
 * loop_kill().  So whoever is on the stack may still look at it.
 */
#ifndef BH_COMMON_LOOP_H
#define BH_COMMON_LOOP_H

#include <stdbool.h>
#include <sys/queue.h>

#include "common/err.h"

struct event;
struct event_base;
struct loop;

/* Embedded in what has work to do.  Owner: that object. */
struct loop_work {
	TAILQ_ENTRY(loop_work) link;
	void (*run)(struct loop_work *work);
	bool queued;
};

/* Embedded in what can die.  Owner: that object. */
struct loop_dead {
	TAILQ_ENTRY(loop_dead) link;
	void (*free)(struct loop_dead *dead);
	bool queued;
};

/* A loop owned by talloc context @ctx; NULL when out of memory. */
struct loop *loop_new(const void *ctx);

struct event_base *loop_base(struct loop *loop);

/* Run turns until loop_stop(); 0, or -errno when waiting failed. */
int loop_run(struct loop *loop) __must_check;

/* Run one turn which does not wait; for tests.  0 or -errno. */
int loop_turn(struct loop *loop) __must_check;

/* End loop_run() at the end of this turn. */
void loop_stop(struct loop *loop);

/* Stop the loop when signal @signo arrives.  0 or -errno. */
int loop_stop_on_signal(struct loop *loop, int signo) __must_check;

void loop_work_init(
	struct loop_work *work, void (*run)(struct loop_work *work));

/* Queue @work for this or the next turn; queued twice, it still runs once. */
void loop_work_queue(struct loop *loop, struct loop_work *work);

/* Take @work out again. */
void loop_work_cancel(struct loop *loop, struct loop_work *work);

/* Have @free called on @dead when the turn ends; a second call is ignored. */
void loop_kill(struct loop *loop, struct loop_dead *dead,
	void (*free)(struct loop_dead *dead));

/* Free the dead now: by the owner of the loop, outside of a turn. */
void loop_bury(struct loop *loop);

#endif
