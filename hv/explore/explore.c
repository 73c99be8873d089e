/* SPDX-License-Identifier: MIT */
/*
 * explore.c - every order, breadth first
 *
 * DOC: deadlock and livelock
 *
 * A vCPU that waits (HV_POINT_WAIT) cannot move until another step changes
 * what is shared; when nobody can move and somebody is not done, that is a
 * deadlock.  Waiting in other ways (an operation that is tried again and
 * again) leads round in circles instead: when all states are known, those
 * from which no end can be reached are livelocks.
 */
#include <stdlib.h>
#include <string.h>

#include "hv/explore/frontier.h"
#include "hv/explore/sched.h"
#include "common/err.h"

enum { STABLE_EVERY = 256 };
#define MEMORY_DEFAULT ((size_t)3 << 30)

/* Which states a step leads to, in the order in which states are expanded. */
struct edges {
	uint32_t *to;
	uint64_t nr, room;
	uint64_t *first; /* by state; those expanded */
	uint64_t first_room;
};

struct run {
	const struct scenario *s;
	size_t memory_max;
	struct explore_report *rep;
	struct visited seen;
	struct frontier front;
	struct edges edges;
	uint64_t *cur, *next;
	double begun;
};

/* For the progress line, which comes from within a step. */
static const struct run *progress_of;

static size_t memory_used(const struct run *r)
{
	return visited_bytes(&r->seen) + r->front.bytes +
	       r->edges.room * sizeof(uint32_t) +
	       r->edges.first_room * sizeof(uint64_t);
}

static void progress(void)
{
	const struct run *r = progress_of;

	fprintf(stderr, "%s: %u states, %llu steps, depth %u, %.0f MiB\n",
		r->s->name, r->seen.nr, (unsigned long long)r->rep->transitions,
		r->rep->depth, (double)memory_used(r) / 1048576);
}

static void conclude(struct run *r, enum explore_result res, const char *text)
{
	r->rep->result = res;
	snprintf(r->rep->text, sizeof(r->rep->text), "%s", text);
}

/* The way to @id, and @last if it is not NULL. */
static void path_to(struct run *r, uint32_t id, const struct move *last)
{
	struct explore_report *rep = r->rep;

	rep->path_nr = visited_path(&r->seen, id, &rep->path);
	if (rep->path && last)
		rep->path[rep->path_nr++] = *last; /* there is room for it */
}

/* Room for @more, doubling; false: no memory. */
static bool room_for(void **p, uint64_t *room, uint64_t nr, size_t size)
{
	uint64_t want = *room ? *room : 4096;
	void *bigger;

	if (nr < *room)
		return true;
	while (want <= nr)
		want *= 2;
	bigger = realloc(*p, want * size);
	if (!bigger)
		return false;
	*p = bigger;
	*room = want;
	return true;
}

static bool edge_begin(struct edges *e, uint32_t id)
{
	void *p = e->first;
	bool ok = room_for(&p, &e->first_room, id + 1ull, sizeof(*e->first));

	e->first = p;
	if (ok) {
		e->first[id] = e->nr;
		e->first[id + 1] = e->nr;
	}
	return ok;
}

static bool edge_add(struct edges *e, uint32_t id, uint32_t to)
{
	void *p = e->to;
	bool ok = room_for(&p, &e->room, e->nr, sizeof(*e->to));

	e->to = p;
	if (ok) {
		e->to[e->nr++] = to;
		e->first[id + 1] = e->nr;
	}
	return ok;
}

/* Makes the step @m from r->cur; leaves its image in r->next. */
static enum sched_step step_from(struct run *r, struct move m, size_t *words)
{
	enum sched_step st;

	state_load(r->cur);
	st = sched_step(m);
	if (st == SCHED_BROKEN)
		return st;
	if (state_changed(r->cur))
		sched_wake();
	*words = state_save(r->next);
	return st;
}

/* The step again: it must come to the same. */
static bool stable(struct run *r, struct move m, struct state_hash h)
{
	struct state_hash again;
	size_t words;

	if (step_from(r, m, &words) == SCHED_BROKEN)
		return false;
	again = state_hash(r->next, words);
	return again.lo == h.lo && again.hi == h.hi;
}

/* One step from state @id; false: that was the last one. */
static bool try_move(struct run *r, uint32_t id, struct move m)
{
	struct explore_report *rep = r->rep;
	struct state_hash h;
	enum sched_step st;
	uint64_t *room;
	size_t words;
	uint32_t to;
	bool fresh;

	rep->transitions++;
	st = step_from(r, m, &words);
	if (st == SCHED_BROKEN) {
		conclude(r, EXPLORE_VIOLATION, sched_why());
		path_to(r, id, &m);
		return false;
	}
	h = state_hash(r->next, words);
	if (rep->transitions % STABLE_EVERY == 0 && !stable(r, m, h)) {
		conclude(r, EXPLORE_UNSTABLE,
			"the same step came to another state: it depends on "
			"memory that is in no area");
		path_to(r, id, &m);
		return false;
	}
	if (visited_add(&r->seen, h, id, m, &to, &fresh))
		goto memory;
	if (!edge_add(&r->edges, id, to))
		goto memory;
	if (!fresh)
		return true;
	if (st == SCHED_ENDED) {
		r->seen.nodes[to].end = true;
		r->seen.nodes[to].live = true;
	}
	room = frontier_room(&r->front);
	if (memory_used(r) > rep->memory)
		rep->memory = memory_used(r);
	if (!room || rep->memory > r->memory_max)
		goto memory;
	frontier_push(&r->front, state_pack(r->next, words, room));
	return true;
memory:
	conclude(r, EXPLORE_MEMORY, "the memory limit was reached");
	return false;
}

/* All steps from the state in r->cur, which is @id. */
static bool expand(struct run *r, uint32_t id)
{
	bool moved = false, done;
	unsigned int ways[CORO_MAX] = {0};

	state_load(r->cur);
	done = sched_all_done();
	for (unsigned int i = 0; i < r->s->vcpus; i++)
		ways[i] = sched_ways(i);
	if (!edge_begin(&r->edges, id)) {
		conclude(r, EXPLORE_MEMORY, "no memory");
		return false;
	}
	for (unsigned int i = 0; i < r->s->vcpus; i++)
		for (unsigned int w = 0; w < ways[i]; w++) {
			struct move m = {(uint8_t)i, (uint8_t)w};

			moved = true;
			if (!try_move(r, id, m))
				return false;
		}
	if (moved || done)
		return true;
	conclude(r, EXPLORE_DEADLOCK, "nobody can move");
	path_to(r, id, NULL);
	return false;
}

/* All states are known: can an end be reached from each? */
static void livelocks(struct run *r)
{
	struct visited_node *n = r->seen.nodes;
	bool changed = true;

	while (changed) {
		changed = false;
		for (uint32_t i = r->seen.nr; i-- > 0;) {
			uint64_t e = r->edges.first[i];

			if (n[i].live)
				continue;
			for (; e < r->edges.first[i + 1]; e++)
				if (n[r->edges.to[e]].live)
					break;
			if (e == r->edges.first[i + 1])
				continue;
			n[i].live = true;
			changed = true;
		}
	}
	for (uint32_t i = 0; i < r->seen.nr; i++) {
		if (n[i].live)
			continue;
		conclude(r, EXPLORE_LIVELOCK,
			"the vCPUs can go on for ever, but not to an end");
		path_to(r, i, NULL);
		return;
	}
}

static void search(struct run *r)
{
	struct move none = {0};
	const uint64_t *packed;
	uint32_t id, level_end;
	bool fresh;
	size_t words = state_save(r->cur);
	uint64_t *room = frontier_room(&r->front);

	if (!room || visited_add(&r->seen, state_hash(r->cur, words), 0, none,
			     &id, &fresh)) {
		conclude(r, EXPLORE_MEMORY, "no memory");
		return;
	}
	frontier_push(&r->front, state_pack(r->cur, words, room));
	level_end = 1;
	for (id = 0; (packed = frontier_pop(&r->front)); id++) {
		if (id == level_end) {
			r->rep->depth++;
			level_end = r->seen.nr;
		}
		state_unpack(packed, r->cur);
		if (!expand(r, id))
			return;
	}
	livelocks(r);
}

static bool run_init(struct run *r)
{
	if (visited_init(&r->seen))
		return false;
	if (sched_begin(r->s))
		return false;
	frontier_init(&r->front, state_packed_max());
	r->cur = calloc(state_words_max(), sizeof(uint64_t));
	r->next = calloc(state_words_max(), sizeof(uint64_t));
	return r->cur && r->next;
}

void explore_run(const struct scenario *s, const struct explore_opts *o,
	struct explore_report *rep)
{
	struct run r = {.s = s,
		.rep = rep,
		.memory_max = o->memory_max ? o->memory_max : MEMORY_DEFAULT,
		.begun = sched_now()};

	*rep = (struct explore_report){.result = EXPLORE_OK};
	progress_of = &r;
	sched_ticks(o->progress ? progress : NULL);
	if (run_init(&r))
		search(&r);
	else
		conclude(&r, EXPLORE_MEMORY, "no memory");
	sched_ticks(NULL);
	progress_of = NULL;
	rep->states = r.seen.nr;
	rep->seconds = sched_now() - r.begun;
	visited_fini(&r.seen);
	frontier_fini(&r.front);
	free(r.edges.to);
	free(r.edges.first);
	free(r.cur);
	free(r.next);
	sched_fini();
}

void explore_report_fini(struct explore_report *rep)
{
	free(rep->path);
	rep->path = NULL;
	rep->path_nr = 0;
}

const char *explore_result_name(enum explore_result res)
{
	static const char *const names[] = {
		[EXPLORE_OK] = "ok",
		[EXPLORE_VIOLATION] = "violation",
		[EXPLORE_DEADLOCK] = "deadlock",
		[EXPLORE_LIVELOCK] = "livelock",
		[EXPLORE_MEMORY] = "out of memory",
		[EXPLORE_UNSTABLE] = "unstable",
	};

	return names[res];
}
