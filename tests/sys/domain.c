// SPDX-License-Identifier: MIT
/*
 * domain.c: runs a shell command in a domain without a hypervisor
 *
 *	domain [--deny ns|mount|attr]... [--user UID] [KEY=VALUE...] -- COMMAND
 *
 * A tool to try hv-init by hand, and what tests/sys/init.sh is written with.
 * Notes go to descriptor 2 as lines "note: ..."; the exit status is that of
 * the command, 128 and the signal, or 125 if the domain could not be made.
 */
#include "tests/sys/play.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static void deny_add(struct play_deny *d, const char *what)
{
	if (strcmp(what, "ns") == 0)
		d->namespaces = CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWPID |
				CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;
	else if (strcmp(what, "user") == 0)
		d->namespaces |= CLONE_NEWUSER;
	else if (strcmp(what, "pid") == 0)
		d->namespaces |= CLONE_NEWPID;
	else if (strcmp(what, "net") == 0)
		d->namespaces |= CLONE_NEWNET;
	else if (strcmp(what, "mount") == 0)
		d->mount = true;
	else
		d->mount_attr = true;
}

int main(int argc, char **argv)
{
	struct play_deny deny = {0};
	uid_t uid = (uid_t)-1;
	struct play p;
	int i = 1, status;
	double start = now();

	for (; i + 1 < argc && strncmp(argv[i], "--", 3) > 0 &&
		argv[i][0] == '-';
		i += 2) {
		if (strcmp(argv[i], "--user") == 0)
			uid = (uid_t)atoi(argv[i + 1]);
		else
			deny_add(&deny, argv[i + 1]);
	}
	int first = i;

	while (i < argc && strcmp(argv[i], "--") != 0)
		i++;
	if (i + 1 >= argc)
		return 2;
	if (play_start(&p, (const char *const *)(argv + first),
		    (size_t)(i - first), &deny, uid) < 0 ||
		play_next(&p) < 0) {
		fprintf(stderr, "hv-init said nothing\n");
		return 125;
	}
	fprintf(stderr, "%s", p.notes);
	if (p.last.type != HVB_READY) {
		fprintf(stderr, "failed: %d: %s\n", p.last.value, p.text);
		return 125;
	}
	fprintf(stderr, "ready: %#x in %.1f ms\n", (unsigned)p.last.value,
		now() - start);
	if (play_send(&p, HVB_RUN, 0, 0, NULL, 0, NULL, 0) < 0 ||
		play_exec(&p, 1, argv[i + 1], (int[]){0, 1, 2}) < 0)
		return 125;
	do
		if (play_next(&p) < 0)
			return 125;
	while (p.last.type != HVB_EXITED);
	status = p.last.value;
	play_end(&p, &(int){0});
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
