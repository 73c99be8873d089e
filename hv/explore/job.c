/* SPDX-License-Identifier: MIT */
/* job.c - explorations in processes of their own, some at a time */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hv/explore/job.h"

struct worker {
	pid_t pid;
	int fd; /* of the pipe */
	bool ended;
	struct outcome out;
};

_Static_assert(sizeof(struct outcome) <= 4096, "one write to a pipe is whole");

static void work(const struct job *job, const struct explore_opts *o, int fd)
{
	struct outcome out = {.last = -1};

	hv_fault_on = job->fault;
	for (int i = 0; job->scenarios[i]; i++) {
		out.last = i;
		explore_run(job->scenarios[i], o, &out.rep);
		out.steps = out.rep.path_nr;
		explore_report_fini(&out.rep);
		if (out.rep.result != EXPLORE_OK)
			break;
	}
	_exit(write(fd, &out, sizeof(out)) != (ssize_t)sizeof(out));
}

static int start(
	struct worker *w, const struct job *job, const struct explore_opts *o)
{
	int p[2];

	if (pipe(p))
		return -errno;
	fflush(NULL);
	w->pid = fork();
	if (w->pid < 0) {
		int r = -errno;

		close(p[0]);
		close(p[1]);
		return r;
	}
	if (!w->pid) {
		close(p[0]);
		work(job, o, p[1]);
	}
	close(p[1]);
	w->fd = p[0];
	return 0;
}

static void collect(struct worker *w, int status)
{
	ssize_t n;

	do
		n = read(w->fd, &w->out, sizeof(w->out));
	while (n < 0 && errno == EINTR);
	close(w->fd);
	w->ended = true;
	if (n == (ssize_t)sizeof(w->out) && status == 0)
		return;
	memset(&w->out, 0, sizeof(w->out));
	w->out.died = true;
	w->out.last = -1;
	if (WIFSIGNALED(status))
		snprintf(w->out.rep.text, sizeof(w->out.rep.text),
			"the process was ended by: %s",
			strsignal(WTERMSIG(status)));
	else
		snprintf(w->out.rep.text, sizeof(w->out.rep.text),
			"the process ended with status %d",
			WEXITSTATUS(status));
}

/* Waits for one of the workers [0, @nr) that run. */
static int reap(struct worker *w, unsigned int nr)
{
	int status;
	pid_t pid;

	do
		pid = wait(&status);
	while (pid < 0 && errno == EINTR);
	if (pid < 0)
		return -errno;
	for (unsigned int i = 0; i < nr; i++)
		if (w[i].pid == pid && !w[i].ended)
			collect(&w[i], status);
	return 0;
}

int jobs_run(const struct job *jobs, unsigned int nr, unsigned int parallel,
	const struct explore_opts *o,
	void (*done)(unsigned int i, const struct outcome *out, void *arg),
	void *arg)
{
	struct worker *w = calloc(nr ? nr : 1, sizeof(*w));
	unsigned int begun = 0, told = 0, ended = 0;
	int r = 0;

	if (!w)
		return -ENOMEM;
	while (told < nr && !r) {
		if (begun < nr && begun - ended < parallel) {
			r = start(&w[begun], &jobs[begun], o);
			begun += !r;
			continue;
		}
		r = reap(w, begun);
		ended++;
		for (; told < begun && w[told].ended; told++)
			done(told, &w[told].out, arg);
	}
	for (; ended < begun && r; ended++)
		if (reap(w, begun))
			break;
	free(w);
	return r;
}
