/* SPDX-License-Identifier: MIT */
/*
 * random.c - one random order after the other, and replays
 *
 * Nothing is copied away here, so the world may be of any size.  The steps
 * since the last set-up are remembered up to PATH_MAX_STEPS; a violation
 * after more of them is told by seed and number of the step alone.
 */
#include <stdlib.h>
#include <string.h>

#include "hv/explore/sched.h"
#include "common/err.h"

enum { PATH_MAX_STEPS = 1 << 20 };

/* Steele, Lea, Flood: "Fast splittable pseudorandom number generators". */
static uint64_t rnd(uint64_t *s)
{
	uint64_t z = *s += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/* A vCPU that can move and a way for it; false: nobody can. */
static bool pick(const struct scenario *s, uint64_t *seed, struct move *m)
{
	unsigned int can[CORO_MAX], n = 0;

	for (unsigned int i = 0; i < s->vcpus; i++)
		if (sched_ways(i))
			can[n++] = i;
	if (!n)
		return false;
	m->vcpu = (uint8_t)can[rnd(seed) % n];
	m->way = (uint8_t)(rnd(seed) % sched_ways(m->vcpu));
	return true;
}

struct random_run {
	const struct scenario *s;
	struct explore_report *rep;
	uint64_t seed, steps;
};

static const struct random_run *progress_of;

static void progress(void)
{
	const struct random_run *r = progress_of;

	fprintf(stderr, "%s: %llu of %llu steps, %llu times set up\n",
		r->s->name, (unsigned long long)r->rep->transitions,
		(unsigned long long)r->steps,
		(unsigned long long)r->rep->states);
}

/* From set-up to the end, or to the last step; false: stop. */
static bool one_life(struct random_run *r)
{
	struct explore_report *rep = r->rep;
	enum sched_step st = SCHED_STEPPED;
	struct move m;

	rep->path_nr = 0;
	rep->states++;
	if (sched_begin(r->s)) {
		rep->result = EXPLORE_MEMORY;
		return false;
	}
	while (st == SCHED_STEPPED && rep->transitions < r->steps) {
		if (!pick(r->s, &r->seed, &m)) {
			rep->result = EXPLORE_DEADLOCK;
			return false;
		}
		if (rep->path_nr < PATH_MAX_STEPS)
			rep->path[rep->path_nr] = m;
		rep->path_nr++;
		rep->transitions++;
		st = sched_step(m);
		/* nobody looks whether anything has changed */
		sched_wake();
	}
	if (st == SCHED_BROKEN)
		rep->result = EXPLORE_VIOLATION;
	return st != SCHED_BROKEN && rep->transitions < r->steps;
}

void explore_random(const struct scenario *s, const struct explore_opts *o,
	struct explore_report *rep)
{
	struct random_run r = {
		.s = s, .rep = rep, .seed = o->seed, .steps = o->steps};
	double begun = sched_now();

	*rep = (struct explore_report){.result = EXPLORE_OK};
	rep->path = malloc(PATH_MAX_STEPS * sizeof(*rep->path));
	CHECK(rep->path);
	rep->memory = PATH_MAX_STEPS * sizeof(*rep->path);
	progress_of = &r;
	sched_ticks(o->progress ? progress : NULL);
	while (one_life(&r))
		;
	sched_ticks(NULL);
	progress_of = NULL;
	rep->seconds = sched_now() - begun;
	if (rep->result == EXPLORE_VIOLATION)
		snprintf(rep->text, sizeof(rep->text), "%s", sched_why());
	else if (rep->result == EXPLORE_DEADLOCK)
		snprintf(rep->text, sizeof(rep->text), "nobody can move");
	if (rep->result == EXPLORE_OK || rep->path_nr > PATH_MAX_STEPS)
		explore_report_fini(rep);
	sched_fini();
}

/* What vCPU @m.vcpu is about to do. */
static void step_about(
	const struct scenario *s, struct move m, struct explore_step *step)
{
	const struct sched_vcpu *v = sched_vcpu(m.vcpu);

	step->vcpu = m.vcpu;
	step->way = m.way;
	step->ways = v->ways;
	step->op = v->op;
	step->what = sched_kind_name(v->kind);
	step->where[0] = '\0';
	if (v->addr && s->name_of)
		s->name_of(v->addr, step->where, sizeof(step->where));
}

bool explore_replay(const struct scenario *s, const struct move *path,
	size_t nr, void (*tell)(const struct explore_step *, void *), void *arg,
	char *text, size_t len)
{
	struct explore_step step = {.what = "start"};
	bool broken = false;

	snprintf(text, len, "%s", "");
	if (sched_begin(s)) {
		snprintf(text, len, "no memory");
		return true;
	}
	tell(&step, arg);
	for (size_t i = 0; i < nr && !broken; i++) {
		struct move m = path[i];

		if (m.vcpu >= s->vcpus || m.way >= sched_ways(m.vcpu)) {
			snprintf(text, len,
				"step %zu: vCPU %u cannot go way %u here",
				i + 1, m.vcpu, m.way);
			broken = true;
			break;
		}
		step.nr = i + 1;
		step_about(s, m, &step);
		broken = sched_step(m) == SCHED_BROKEN;
		sched_wake();
		if (broken)
			snprintf(text, len, "%s", sched_why());
		tell(&step, arg);
	}
	sched_fini();
	return broken;
}
