/* SPDX-License-Identifier: MIT */
/*
 * vcpus.h: a machine of hv/core, with threads as vCPUs.
 *
 * DOC: rounds
 *
 * Each thread calls vcpus_work() of the test once a round.  Between two rounds
 * all of them wait, and the test may look at everything and change what they
 * read.  A mistake ends the program with 1.
 */
#ifndef TESTS_UNIT_VCPUS_H
#define TESTS_UNIT_VCPUS_H

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

#include "hv/core/internal.h"
#include "tests/soak.h"

enum { VCPUS = 4 };

struct vcpu {
	pthread_t thread;
	unsigned int nr;
	uint64_t rng;
	uint64_t made, done; /* calls */
};

static struct vcpu vcpus[VCPUS];
static pthread_barrier_t vcpus_begin, vcpus_end;
static bool vcpus_over; /* written between end and begin */

/* The test's: what vCPU @w does in a round. */
static void vcpus_work(struct vcpu *w);

static inline void must(int r)
{
	if (!r)
		return;
	fprintf(stderr, "%s: %d\n", program_invocation_short_name, r);
	exit(1);
}

static inline uint32_t rnd(struct vcpu *w, uint32_t n)
{
	return soak_rnd(&w->rng, n);
}

static void *vcpus_thread(void *arg)
{
	for (;;) {
		pthread_barrier_wait(&vcpus_begin);
		if (vcpus_over)
			return NULL;
		vcpus_work(arg);
		pthread_barrier_wait(&vcpus_end);
	}
}

static inline void vcpus_start(uint64_t seed)
{
	pthread_barrier_init(&vcpus_begin, NULL, VCPUS + 1);
	pthread_barrier_init(&vcpus_end, NULL, VCPUS + 1);
	for (unsigned int i = 0; i < VCPUS; i++) {
		vcpus[i].nr = i;
		vcpus[i].rng = seed * 1000003 + i;
		if (pthread_create(
			    &vcpus[i].thread, NULL, vcpus_thread, &vcpus[i]))
			must(-EAGAIN);
	}
}

static inline void vcpus_round(void)
{
	pthread_barrier_wait(&vcpus_begin);
	pthread_barrier_wait(&vcpus_end);
}

/* They end; say how much there was. */
static inline void vcpus_stop(uint64_t rounds, uint64_t seed)
{
	uint64_t made = 0, done = 0;

	vcpus_over = true;
	pthread_barrier_wait(&vcpus_begin);
	for (unsigned int i = 0; i < VCPUS; i++) {
		pthread_join(vcpus[i].thread, NULL);
		made += vcpus[i].made;
		done += vcpus[i].done;
	}
	printf("%" PRIu64 " rounds, %" PRIu64 " calls (%" PRIu64
	       " done), seed %" PRIu64 ": ok\n",
		rounds, made, done, seed);
}

/* End domain @d as a vCPU does, a few steps at a time. */
static inline void vcpus_destroy(struct vcpu *w, struct hv_dom *d)
{
	uint32_t budget;
	int r;

	do {
		budget = rnd(w, 3);
		r = hv_dom_destroy(d, &budget);
	} while (r == -ERESTART);
	must(r);
}

/* ---- a host: malloc --------------------------------------------------------- */

static inline void *vcpus_alloc(void *ctx, size_t size)
{
	(void)ctx;
	return calloc(1, size);
}

static inline void vcpus_free(void *ctx, void *p, size_t size)
{
	(void)ctx, (void)size;
	free(p);
}

static inline int vcpus_run_new(void *ctx, struct hv_run *run)
{
	(void)ctx;
	run->va = calloc(run->nr, HV_PAGE_SIZE);
	return run->va ? 0 : -ENOMEM;
}

static inline void vcpus_run_free(void *ctx, struct hv_run *run)
{
	(void)ctx;
	free(run->va);
}

static inline void vcpus_event(
	void *ctx, struct hv_dom *d, enum hv_dom_event ev)
{
	(void)ctx, (void)d, (void)ev;
}

#define VCPUS_HOST                                                          \
	.alloc = vcpus_alloc, .free = vcpus_free, .run_new = vcpus_run_new, \
	.run_free = vcpus_run_free, .dom_event = vcpus_event

#endif
