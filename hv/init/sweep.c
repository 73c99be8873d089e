// SPDX-License-Identifier: MIT
/*
 * sweep.c: signals to everything in the domain
 */
#include "hv/init/sweep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The host's /proc, which the domain's own root hides. */
static int proc_fd = -1;

struct sweep_proc {
	pid_t pid, parent;
	bool ours, done;
};

struct sweep {
	struct sweep_proc *v;
	size_t n, cap;
};

/* The parent is the second word after the name, which may hold anything. */
static pid_t parent_of(const char *name)
{
	char path[300], text[512], *p, state;
	ssize_t n;
	int fd, parent;

	snprintf(path, sizeof(path), "%s/stat", name);
	fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	p = strrchr(text, ')');
	if (!p || sscanf(p + 1, " %c %d", &state, &parent) != 2)
		return -1;
	/* a zombie takes no signal, and waiting for it is somebody's own */
	return state == 'Z' || state == 'X' ? -1 : parent;
}

static void scan(struct sweep *s)
{
	int fd = openat(proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	s->n = 0;
	while (d && (e = readdir(d)) != NULL) {
		struct sweep_proc *v;

		if (e->d_name[0] < '1' || e->d_name[0] > '9')
			continue;
		if (s->n == s->cap) {
			v = reallocarray(s->v, s->cap * 2 + 64, sizeof(*v));
			if (!v)
				break;
			s->v = v;
			s->cap = s->cap * 2 + 64;
		}
		v = &s->v[s->n];
		*v = (struct sweep_proc){.pid = atoi(e->d_name)};
		v->parent = parent_of(e->d_name);
		if (v->parent > 0)
			s->n++;
	}
	if (d)
		closedir(d);
}

static bool is_ours(const struct sweep *s, pid_t parent)
{
	if (parent == getpid())
		return true;
	for (size_t i = 0; i < s->n; i++) {
		if (s->v[i].pid == parent)
			return s->v[i].ours;
	}
	return false;
}

/* One pass; how many processes it reached. */
static size_t pass(struct sweep *s, int sig)
{
	size_t hit = 0;
	bool more = true;

	scan(s);
	while (more) {
		more = false;
		for (size_t i = 0; i < s->n; i++) {
			struct sweep_proc *p = &s->v[i];

			if (p->ours || !is_ours(s, p->parent))
				continue;
			p->ours = more = true;
			hit += kill(p->pid, sig) == 0;
		}
	}
	return hit;
}

int sweep_init(void)
{
	proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return proc_fd < 0 ? -errno : 0;
}

void sweep_signal(int sig, bool pidns)
{
	struct sweep s = {0};
	size_t before = SIZE_MAX, hit;

	if (pidns) {
		kill(-1, sig);
		return;
	}
	/* a fork under way is seen the next time, when its parent stands */
	for (int i = 0; i < 16; i++) {
		hit = pass(&s, sig);
		if (hit == before)
			break;
		before = hit;
	}
	free(s.v);
}

void sweep_kill(bool pidns)
{
	const struct timespec moment = {.tv_nsec = 1000000};
	pid_t pid;

	for (int i = 0; i < 5000; i++) {
		sweep_signal(SIGKILL, pidns);
		do
			pid = waitpid(-1, NULL, WNOHANG);
		while (pid > 0 || (pid < 0 && errno == EINTR));
		if (pid < 0)
			return; /* no child is left */
		nanosleep(&moment, NULL);
	}
}
