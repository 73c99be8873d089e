/* SPDX-License-Identifier: MIT */
/*
 * test_explore.c - what the explorer finds, in worlds made for it
 *
 * The worlds are a few words; what is wrong with each is known, and so is
 * how many states some of them have.
 */
#include <string.h>

#include "hv/core/atomic.h"
#include "hv/explore/explore.h"
#include "tests/unit/bh_check.h"

static struct {
	uint64_t word[4];
	uint64_t lock[2];
	uint64_t done;
} w;

static const struct state_area areas[] = {{&w, sizeof(w)}, {NULL, 0}};
static struct explore_report rep;

static void setup(void)
{
	memset(&w, 0, sizeof(w));
}

static bool show(unsigned int i, char *buf, size_t len)
{
	snprintf(buf, len, "word %llu", (unsigned long long)w.word[0]);
	return i == 0;
}

static enum explore_result run(const struct scenario *s)
{
	const struct explore_opts o = {0};

	explore_run(s, &o, &rep);
	return rep.result;
}

/* ---- all orders, each state once ------------------------------------------ */

static void own_words(unsigned int i)
{
	for (uint64_t n = 1; n <= 5; n++)
		hv_store_rel(&w.word[i], n);
}

START_TEST(test_states_are_counted)
{
	const struct scenario s = {.name = "own",
		.vcpus = (unsigned int)_i + 1,
		.areas = areas,
		.setup = setup,
		.run = own_words};
	uint64_t states = 1, steps;

	/* each vCPU alone: before the start, at each store, at its end */
	for (unsigned int i = 0; i < s.vcpus; i++)
		states *= 7;
	steps = s.vcpus * 6 * (states / 7);
	ck_assert_int_eq(run(&s), EXPLORE_OK);
	ck_assert_uint_eq(rep.states, states);
	ck_assert_uint_eq(rep.transitions, steps);
	ck_assert_uint_eq(rep.depth, s.vcpus * 6);
	ck_assert_ptr_null(rep.path);
}
END_TEST

static unsigned int ways_seen;

static void choose(unsigned int i)
{
	unsigned int a = explore_choose(3), b = explore_choose(2);

	ways_seen |= 1u << (a * 2 + b);
	hv_store_rel(&w.word[i], a * 2 + b + 1);
}

START_TEST(test_every_choice)
{
	const struct scenario s = {.name = "choose",
		.vcpus = 1,
		.areas = areas,
		.setup = setup,
		.run = choose};

	ck_assert_int_eq(run(&s), EXPLORE_OK);
	ck_assert_uint_eq(ways_seen, 0x3f);
	/* start, choice, 3 x choice, 6 x store, 6 x end */
	ck_assert_uint_eq(rep.states, 17);
}
END_TEST

/* ---- violations ----------------------------------------------------------- */

static void add_torn(unsigned int i)
{
	uint64_t x = hv_load(&w.word[0]);

	hv_store_rel(&w.word[0], x + 1);
	w.done++;
}

static void add_cas(unsigned int i)
{
	uint64_t x;

	do
		x = hv_load(&w.word[0]);
	while (!hv_cas(&w.word[0], x, x + 1));
	w.done++;
}

static const char *sum_is_right(char *buf, size_t len)
{
	snprintf(buf, len, "word is %llu", (unsigned long long)w.word[0]);
	return w.word[0] == w.done ? NULL : "SUM";
}

static const struct scenario torn = {
	.name = "torn",
	.vcpus = 2,
	.areas = areas,
	.setup = setup,
	.run = add_torn,
	.idle = sum_is_right,
	.show = show,
};

struct told {
	size_t steps;
	unsigned int vcpus;
};

static void tell(const struct explore_step *step, void *arg)
{
	struct told *t = arg;

	t->steps = step->nr;
	t->vcpus |= 1u << step->vcpu;
}

START_TEST(test_lost_update)
{
	struct told t = {0};
	char text[100];

	ck_assert_int_eq(run(&torn), EXPLORE_VIOLATION);
	ck_assert_str_eq(rep.text, "SUM: word is 1");
	/* nothing shorter shows it: two starts, two loads, two stores */
	ck_assert_uint_eq(rep.path_nr, 6);
	ck_assert(explore_replay(
		&torn, rep.path, rep.path_nr, tell, &t, text, sizeof(text)));
	ck_assert_str_eq(text, rep.text);
	ck_assert_uint_eq(t.steps, 6);
	ck_assert_uint_eq(t.vcpus, 3);
	/* not yet at the step before */
	ck_assert(!explore_replay(
		&torn, rep.path, 5, tell, &t, text, sizeof(text)));
	explore_report_fini(&rep);
}
END_TEST

START_TEST(test_no_lost_update)
{
	struct scenario s = torn;
	uint64_t states;

	s.run = add_cas;
	s.vcpus = 3;
	ck_assert_int_eq(run(&s), EXPLORE_OK);
	states = rep.states;
	ck_assert_int_eq(run(&s), EXPLORE_OK);
	ck_assert_uint_eq(rep.states, states);
}
END_TEST

START_TEST(test_replay_refuses)
{
	const struct move wrong[] = {{0, 0}, {0, 1}}, nobody[] = {{2, 0}};
	struct told t = {0};
	char text[100];

	ck_assert(explore_replay(&torn, wrong, 2, tell, &t, text, 100));
	ck_assert_str_eq(text, "step 2: vCPU 0 cannot go way 1 here");
	ck_assert(explore_replay(&torn, nobody, 1, tell, &t, text, 100));
	ck_assert_str_eq(text, "step 1: vCPU 2 cannot go way 0 here");
}
END_TEST

static void crash(unsigned int i)
{
	uint64_t *p = hv_load(&w.word[0]) ? NULL : &w.word[1];

	hv_store_rel(&w.word[0], 1);
	*(volatile uint64_t *)p = 1;
}

static unsigned int deep(unsigned int n)
{
	volatile unsigned char frame[512];

	frame[n] = (unsigned char)n;
	return n > 100 ? frame[n] : deep(n + 1) + frame[n];
}

static void overflow(unsigned int i)
{
	w.word[0] = deep(0);
}

static void fails(unsigned int i)
{
	if (hv_load(&w.word[0]))
		explore_fail("vCPU %d saw %d", explore_self(), 1);
	hv_store_rel(&w.word[0], 1);
}

static void aborts(unsigned int i)
{
	abort();
}

START_TEST(test_crashes)
{
	static const struct {
		void (*run)(unsigned int);
		const char *text;
		size_t steps;
	} rows[] = {
		{crash, "a step crashes: Segmentation fault", 6},
		{overflow, "a step crashes: Segmentation fault", 1},
		{aborts, "a step crashes: Aborted", 1},
		{fails, "vCPU 1 saw 1", 5},
	};
	struct scenario s = torn;

	s.run = rows[_i].run;
	s.idle = NULL;
	ck_assert_int_eq(run(&s), EXPLORE_VIOLATION);
	ck_assert_str_eq(rep.text, rows[_i].text);
	ck_assert_uint_le(rep.path_nr, rows[_i].steps);
	explore_report_fini(&rep);
	/* and the explorer goes on */
	ck_assert_int_eq(run(&torn), EXPLORE_VIOLATION);
	explore_report_fini(&rep);
}
END_TEST

static void endless(unsigned int i)
{
	volatile bool go_on = true;

	while (go_on)
		;
}

START_TEST(test_step_without_end)
{
	struct scenario s = torn;

	s.run = endless;
	ck_assert_int_eq(run(&s), EXPLORE_VIOLATION);
	ck_assert_str_eq(rep.text, "a step does not end");
	explore_report_fini(&rep);
}
END_TEST

/* ---- going round in circles ----------------------------------------------- */

static void lock(uint64_t *l)
{
	for (;;) {
		if (!hv_load(l) && hv_cas(l, 0, 1))
			return;
		hv_point(HV_POINT_WAIT);
	}
}

static void locks_crossed(unsigned int i)
{
	lock(&w.lock[i]);
	lock(&w.lock[!i]);
	hv_store_rel(&w.lock[i], 0);
	hv_store_rel(&w.lock[!i], 0);
}

static void locks_ordered(unsigned int i)
{
	lock(&w.lock[0]);
	lock(&w.lock[1]);
	hv_store_rel(&w.lock[0], 0);
	hv_store_rel(&w.lock[1], 0);
}

/* waits by trying again: to the explorer these are steps */
static void locks_tried(unsigned int i)
{
	while (!hv_cas(&w.lock[i], 0, 1))
		;
	while (!hv_cas(&w.lock[!i], 0, 1))
		;
	hv_store_rel(&w.lock[i], 0);
	hv_store_rel(&w.lock[!i], 0);
}

START_TEST(test_locks)
{
	static const struct {
		void (*run)(unsigned int);
		enum explore_result result;
	} rows[] = {
		{locks_ordered, EXPLORE_OK},
		{locks_crossed, EXPLORE_DEADLOCK},
		{locks_tried, EXPLORE_LIVELOCK},
	};
	const struct scenario s = {.name = "locks",
		.vcpus = 2,
		.areas = areas,
		.setup = setup,
		.run = rows[_i].run};

	ck_assert_int_eq(run(&s), rows[_i].result);
	explore_report_fini(&rep);
}
END_TEST

/* a loop that can be preempted before each slot and then starts over there */
static int slots_fill(void)
{
	for (uint64_t i = w.word[0]; i < 4; i++) {
		if (i > w.word[0] && hv_preempt(&(uint32_t){0})) {
			w.word[0] = i;
			return -1;
		}
		hv_store_rel(&w.word[1], i);
	}
	w.word[0] = 4;
	return 0;
}

static void fill(unsigned int i)
{
	explore_idle("fill");
	while (slots_fill())
		hv_point(HV_POINT_FLUSH);
	w.done = 1;
}

static const char *filled(char *buf, size_t len)
{
	return w.done && w.word[1] != 3 ? "FILLED" : NULL;
}

START_TEST(test_preempted)
{
	const struct scenario s = {.name = "fill",
		.vcpus = 1,
		.areas = areas,
		.setup = setup,
		.run = fill,
		.idle = filled};

	ck_assert_int_eq(run(&s), EXPLORE_OK);
	ck_assert_uint_ge(rep.states, 12);
}
END_TEST

/* ---- the explorer about itself -------------------------------------------- */

static uint64_t outside;

static void leaks(unsigned int i)
{
	for (int n = 0; n < 40; n++)
		hv_store_rel(&w.word[i], outside++);
}

START_TEST(test_state_outside)
{
	struct scenario s = torn;

	s.run = leaks;
	s.idle = NULL;
	ck_assert_int_eq(run(&s), EXPLORE_UNSTABLE);
	explore_report_fini(&rep);
}
END_TEST

static void count_up(unsigned int i)
{
	for (uint64_t n = 0; n < 1000000; n++)
		hv_store_rel(&w.word[i], n);
}

START_TEST(test_memory_limit)
{
	const struct explore_opts o = {.memory_max = 8 << 20};
	struct scenario s = torn;

	s.run = count_up;
	s.idle = NULL;
	explore_run(&s, &o, &rep);
	ck_assert_int_eq(rep.result, EXPLORE_MEMORY);
	ck_assert_str_eq(rep.text, "the memory limit was reached");
	ck_assert_uint_lt(rep.memory, 32 << 20);
}
END_TEST

START_TEST(test_random)
{
	const struct explore_opts o = {.seed = 7, .steps = 10000};
	const struct explore_opts few = {.seed = 7, .steps = 3};
	struct told t = {0};
	struct move first;
	size_t nr;
	char text[100];

	explore_random(&torn, &o, &rep);
	ck_assert_int_eq(rep.result, EXPLORE_VIOLATION);
	ck_assert_str_eq(rep.text, "SUM: word is 1");
	ck_assert(explore_replay(
		&torn, rep.path, rep.path_nr, tell, &t, text, sizeof(text)));
	ck_assert_str_eq(text, rep.text);
	nr = rep.transitions;
	first = rep.path[0];
	explore_report_fini(&rep);
	/* the seed decides */
	explore_random(&torn, &o, &rep);
	ck_assert_uint_eq(rep.transitions, nr);
	ck_assert_uint_eq(rep.path[0].vcpu, first.vcpu);
	explore_report_fini(&rep);
	explore_random(&torn, &few, &rep);
	ck_assert_int_eq(rep.result, EXPLORE_OK);
	ck_assert_uint_eq(rep.transitions, 3);
}
END_TEST

int main(void)
{
	const struct bh_test tests[] = {
		BH_LOOP(test_states_are_counted, 4),
		BH_TEST(test_every_choice),
		BH_TEST(test_lost_update),
		BH_TEST(test_no_lost_update),
		BH_TEST(test_replay_refuses),
		BH_LOOP(test_crashes, 4),
		BH_TEST(test_step_without_end),
		BH_LOOP(test_locks, 3),
		BH_TEST(test_preempted),
		BH_TEST(test_state_outside),
		BH_TEST(test_memory_limit),
		BH_TEST(test_random),
	};

	if (BH_SANITIZED)
		return 77; /* they do not know stacks of our own */
	return bh_check_run("explore", 20, tests,
		       sizeof(tests) / sizeof(tests[0])) != 0;
}
