/* SPDX-License-Identifier: MIT */
/*
 * test_pv_threads.c: the vCPUs of PV guests as threads, on tables of 512 slots.
 *
 *	PV_THREADS_MS=300000 PV_SOAK_SEED=1 test_pv_threads
 *
 * The engine's own source with HV_THREADS: its words are real atomics.  Four
 * vCPUs of two domains make random calls at the same time; then all wait for
 * each other, and everything is recomputed from scratch (pv_check_idle()).  In
 * each fourth round the domains are killed while their vCPUs still call, and
 * in the end no page may be held.  test_pv_tsan is the same under the thread
 * sanitizer.
 *
 * Left to the explorer is what only a model can stop between two instructions:
 * the guest's own accesses, TLBs and caches.  A vCPU unmaps the grants that it
 * has mapped itself, as a guest does that knows its handles.
 */
#include "tests/unit/pv_full.h"
#include "tests/soak.h"

#include <inttypes.h>
#include <pthread.h>

enum { CALLS = 3000, MINE = 4 };

struct worker {
	pthread_t thread;
	struct pv_vcpu *v;
	uint64_t rng;
	struct pv_grant *mine[MINE];
	uint64_t made, done, again;
};

static struct worker worker[FULL_CPUS];
static pthread_barrier_t begin, end;
static bool over;    /* written between end and begin */
static bool killing; /* the same */

static void one_call(struct worker *w)
{
	struct pv_grant **place = &w->mine[soak_rnd(&w->rng, MINE)], *g;
	struct full_call c;
	int r;

	full_choose(&w->rng, w->v, false, &c);
	/* a kill uses the vCPU's: between two calls it is not ours then */
	if (!killing)
		w->v->budget = c.budget;
	if (c.op == OP_MAP && *place)
		return;
	g = *place;
	r = full_make(&c, &g);
	w->made++;
	w->done += r == 0;
	w->again += r == -ERESTART;
	if (c.op == OP_MAP && r == 0)
		*place = g;
	if (c.op == OP_UNMAP && r == 0)
		*place = NULL;
}

/* cpu[0]: of no domain that is killed. */
static void kill_all(struct worker *w)
{
	unsigned int i;
	int r;

	for (i = 1; i < FULL_DOMS; i++) {
		do {
			w->v->budget = (uint32_t)soak_rnd(&w->rng, 300);
			r = pv_kill(w->v, &full.dom[i]);
		} while (r == -ERESTART);
		if (r)
			abort();
	}
}

static void *work(void *arg)
{
	struct worker *w = arg;
	unsigned int i;

	for (;;) {
		pthread_barrier_wait(&begin);
		if (over)
			return NULL;
		if (w->v->id == 0 && killing)
			kill_all(w);
		for (i = 0; w->v->id > 0 && i < CALLS; i++)
			one_call(w);
		pthread_barrier_wait(&end);
	}
}

/* While all threads wait. */
static void check(uint64_t seed, uint64_t round)
{
	char buf[160] = "";
	const char *id = pv_check_idle(&full.pv, buf, sizeof(buf));
	unsigned int i;

	if (id) {
		fprintf(stderr,
			"test_pv_threads: seed %" PRIu64 ", round %" PRIu64
			": %s: %s\n",
			seed, round, id, buf);
		exit(1);
	}
	for (i = 0; killing && i < FULL_PAGES; i++) {
		if (!full.pages[i].count)
			continue;
		fprintf(stderr,
			"test_pv_threads: seed %" PRIu64 ", round %" PRIu64
			": page %u is held after the end\n",
			seed, round, i);
		exit(1);
	}
}

static void era_begin(uint64_t round)
{
	unsigned int i;

	full_init(false, round % 16 >= 12);
	for (i = 0; i < FULL_CPUS; i++)
		memset(worker[i].mine, 0, sizeof(worker[i].mine));
}

static void start(uint64_t seed)
{
	unsigned int i;

	pthread_barrier_init(&begin, NULL, FULL_CPUS + 1);
	pthread_barrier_init(&end, NULL, FULL_CPUS + 1);
	for (i = 0; i < FULL_CPUS; i++) {
		worker[i].v = &full.cpu[i];
		worker[i].rng = seed * 1000003 + i;
		if (pthread_create(&worker[i].thread, NULL, work, &worker[i])) {
			perror("test_pv_threads");
			exit(99);
		}
	}
}

int main(void)
{
	uint64_t ms = soak_number("PV_THREADS_MS", 400);
	uint64_t seed = soak_number("PV_SOAK_SEED", 1), round = 0, sum[3] = {0};
	int64_t t0 = soak_ms(), said = t0;
	unsigned int i;

	start(seed);
	/* each kind of round at least once */
	while (round < 16 || soak_ms() - t0 < (int64_t)ms) {
		if (round % 4 == 0)
			era_begin(round);
		killing = round % 4 == 3;
		for (i = 1; killing && i < FULL_CPUS; i++)
			full.cpu[i].budget = 20000;
		pthread_barrier_wait(&begin);
		pthread_barrier_wait(&end);
		check(seed, round++);
		if (soak_ms() - said < 15000)
			continue;
		said = soak_ms();
		printf("%" PRIu64 " rounds, %ld s\n", round,
			(long)((said - t0) / 1000));
		fflush(stdout);
	}
	over = true;
	pthread_barrier_wait(&begin);
	for (i = 0; i < FULL_CPUS; i++) {
		pthread_join(worker[i].thread, NULL);
		sum[0] += worker[i].made;
		sum[1] += worker[i].done;
		sum[2] += worker[i].again;
	}
	printf("%" PRIu64 " rounds, %" PRIu64 " calls (%" PRIu64
	       " done, %" PRIu64 " to be made again), seed %" PRIu64 ": ok\n",
		round, sum[0], sum[1], sum[2], seed);
	return 0;
}
