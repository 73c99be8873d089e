/* SPDX-License-Identifier: MIT */
/*
 * job.h - explorations in processes of their own, some at a time
 *
 * Each has its own memory and its own stacks; what it found comes back over a
 * pipe.  A process that dies is a result, too.
 */
#ifndef HV_EXPLORE_JOB_H
#define HV_EXPLORE_JOB_H

#include "hv/core/fault.h"
#include "hv/explore/explore.h"

struct job {
	/* tried one after the other until one does not end with EXPLORE_OK;
	 * NULL ends it */
	const struct scenario *const *scenarios;
	enum hv_fault fault;
};

struct outcome {
	int last;     /* index of the scenario that was tried last */
	bool died;    /* the process; text says how */
	size_t steps; /* to the violation */
	struct explore_report rep; /* of the last; without path */
};

/*
 * jobs_run - all @nr jobs, @parallel of them at a time
 *
 * @done is called in the order of the jobs.  0, or -errno if no process could
 * be started.
 */
int jobs_run(const struct job *jobs, unsigned int nr, unsigned int parallel,
	const struct explore_opts *o,
	void (*done)(unsigned int i, const struct outcome *out, void *arg),
	void *arg);

#endif
