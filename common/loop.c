/* SPDX-License-Identifier: MIT */
/* loop.c - the event loop of a daemon: turns, work and the dead */
#include <errno.h>

#include <event2/event.h>
#include <talloc.h>

#include "common/loop.h"

enum { LOOP_SIGNALS = 4 };

TAILQ_HEAD(work_head, loop_work);
TAILQ_HEAD(dead_head, loop_dead);

/* Owner: the server.  Freed by: talloc, after everything that has events. */
struct loop {
	struct event_base *base;
	struct work_head work;
	struct dead_head dead;
	struct event *signals[LOOP_SIGNALS];
	unsigned signals_nr;
	bool stop;
};

void loop_bury(struct loop *loop)
{
	struct loop_dead *dead;

	while ((dead = TAILQ_FIRST(&loop->dead))) {
		TAILQ_REMOVE(&loop->dead, dead, link);
		dead->free(dead);
	}
}

static int loop_destroy(struct loop *loop)
{
	loop_bury(loop);
	CHECK(TAILQ_EMPTY(&loop->work));
	for (unsigned i = 0; i < loop->signals_nr; i++)
		event_free(loop->signals[i]);
	if (loop->base)
		event_base_free(loop->base);
	return 0;
}

/* Timers are few here: not to look at the clock in each turn for them. */
static struct event_base *base_new(void)
{
	struct event_config *how = event_config_new();
	struct event_base *base;

	if (!how)
		return NULL;
	event_config_set_flag(how, EVENT_BASE_FLAG_NO_CACHE_TIME);
	event_config_set_flag(how, EVENT_BASE_FLAG_NOLOCK);
	base = event_base_new_with_config(how);
	event_config_free(how);
	return base;
}

struct loop *loop_new(const void *ctx)
{
	struct loop *loop = talloc_zero(ctx, struct loop);

	if (!loop)
		return NULL;
	TAILQ_INIT(&loop->work);
	TAILQ_INIT(&loop->dead);
	loop->base = base_new();
	if (!loop->base) {
		talloc_free(loop);
		return NULL;
	}
	talloc_set_destructor(loop, loop_destroy);
	return loop;
}

struct event_base *loop_base(struct loop *loop)
{
	return loop->base;
}

/* Work queued by work is for the next turn: take the list as it is. */
static void work_run(struct loop *loop)
{
	struct loop_work mark = {.run = NULL};
	struct loop_work *work;

	TAILQ_INSERT_TAIL(&loop->work, &mark, link);
	while ((work = TAILQ_FIRST(&loop->work)) != &mark) {
		TAILQ_REMOVE(&loop->work, work, link);
		work->queued = false;
		work->run(work);
	}
	TAILQ_REMOVE(&loop->work, &mark, link);
}

static int turn(struct loop *loop, bool wait)
{
	int flags = EVLOOP_ONCE;

	if (!wait || !TAILQ_EMPTY(&loop->work))
		flags |= EVLOOP_NONBLOCK;
	if (event_base_loop(loop->base, flags) < 0)
		return err_trace(errno ? -errno : -EIO);
	work_run(loop);
	loop_bury(loop);
	return 0;
}

int loop_turn(struct loop *loop)
{
	return turn(loop, false);
}

int loop_run(struct loop *loop)
{
	int r = 0;

	loop->stop = false;
	while (!loop->stop && !r)
		r = turn(loop, true);
	return r;
}

void loop_stop(struct loop *loop)
{
	loop->stop = true;
}

static void on_stop_signal(evutil_socket_t signo, short what, void *arg)
{
	loop_stop(arg);
}

int loop_stop_on_signal(struct loop *loop, int signo)
{
	struct event *ev;

	CHECK(loop->signals_nr < LOOP_SIGNALS);
	ev = evsignal_new(loop->base, signo, on_stop_signal, loop);
	if (!ev)
		return err_trace(-ENOMEM);
	if (event_add(ev, NULL) < 0) {
		event_free(ev);
		return err_trace(-EIO);
	}
	loop->signals[loop->signals_nr++] = ev;
	return 0;
}

void loop_work_init(struct loop_work *work, void (*run)(struct loop_work *work))
{
	work->run = run;
	work->queued = false;
}

void loop_work_queue(struct loop *loop, struct loop_work *work)
{
	if (work->queued)
		return;
	work->queued = true;
	TAILQ_INSERT_TAIL(&loop->work, work, link);
}

void loop_work_cancel(struct loop *loop, struct loop_work *work)
{
	if (!work->queued)
		return;
	work->queued = false;
	TAILQ_REMOVE(&loop->work, work, link);
}

void loop_kill(struct loop *loop, struct loop_dead *dead,
	void (*free)(struct loop_dead *dead))
{
	if (dead->queued)
		return;
	dead->queued = true;
	dead->free = free;
	TAILQ_INSERT_TAIL(&loop->dead, dead, link);
}
