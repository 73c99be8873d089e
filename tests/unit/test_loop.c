// SPDX-License-Identifier: MIT
/* test_loop.c - turns, work and the dead */
#include <talloc.h>

#include "common/loop.h"
#include "tests/unit/bh_check.h"

struct thing {
	struct loop_work work;
	struct loop_dead dead;
	struct loop *loop;
	int again; /* queue itself this often */
	int runs;
	int freed;
};

static void thing_free(struct loop_dead *dead)
{
	struct thing *t = (void *)((char *)dead - offsetof(struct thing, dead));

	t->freed++;
}

static void thing_run(struct loop_work *work)
{
	struct thing *t = (void *)work;

	t->runs++;
	if (t->again-- > 0)
		loop_work_queue(t->loop, work);
}

START_TEST(test_work_runs_once_per_turn)
{
	struct loop *loop = loop_new(NULL);
	struct thing a = {.loop = loop, .again = 2}, b = {.loop = loop};

	loop_work_init(&a.work, thing_run);
	loop_work_init(&b.work, thing_run);
	loop_work_queue(loop, &a.work);
	loop_work_queue(loop, &a.work);
	loop_work_queue(loop, &b.work);
	ck_assert_int_eq(loop_turn(loop), 0);
	ck_assert_int_eq(a.runs, 1);
	ck_assert_int_eq(b.runs, 1);
	ck_assert_int_eq(loop_turn(loop), 0);
	ck_assert_int_eq(a.runs, 2);
	loop_work_cancel(loop, &a.work);
	loop_work_cancel(loop, &a.work);
	ck_assert_int_eq(loop_turn(loop), 0);
	ck_assert_int_eq(a.runs, 2);
	ck_assert_int_eq(b.runs, 1);
	talloc_free(loop);
}
END_TEST

static void killer_run(struct loop_work *work)
{
	struct thing *t = (void *)work;

	loop_kill(t->loop, &t->dead, thing_free);
	loop_kill(t->loop, &t->dead, thing_free);
	ck_assert_int_eq(t->freed, 0);
	loop_stop(t->loop);
}

START_TEST(test_dead_are_freed_at_the_end_of_the_turn)
{
	struct loop *loop = loop_new(NULL);
	struct thing a = {.loop = loop};

	loop_work_init(&a.work, killer_run);
	loop_work_queue(loop, &a.work);
	ck_assert_int_eq(loop_run(loop), 0);
	ck_assert_int_eq(a.freed, 1);
	talloc_free(loop);
}
END_TEST

START_TEST(test_signal_stops)
{
	struct loop *loop = loop_new(NULL);

	ck_assert_int_eq(loop_stop_on_signal(loop, SIGTERM), 0);
	ck_assert_int_eq(raise(SIGTERM), 0);
	ck_assert_int_eq(loop_run(loop), 0);
	talloc_free(loop);
}
END_TEST

BH_CHECK_MAIN("loop", 10, BH_TEST(test_work_runs_once_per_turn),
	BH_TEST(test_dead_are_freed_at_the_end_of_the_turn),
	BH_TEST(test_signal_stops))
