// SPDX-License-Identifier: MIT
/*
 * spawn.c: starting one process in the domain
 */
#include "hv/init/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH_DEFAULT \
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static void give_up(const char *what, const char *name)
{
	int e = errno;

	dprintf(2, "hv-init: %s %s: %s\n", what, name, strerror(e));
	_exit(e == ENOENT ? 127 : 126);
}

/* Puts `first` before what the variable has, so that it is looked at first. */
static void env_prefix(const char *name, const char *first)
{
	const char *rest = getenv(name);
	char *both = NULL;

	if (!first)
		return;
	if (!rest || !*rest) {
		setenv(name, first, 1);
		return;
	}
	if (asprintf(&both, "%s:%s", first, rest) < 0)
		give_up("environment for", name);
	setenv(name, both, 1);
	free(both);
}

/* The strings live as long as this process, until it execs. */
static void env_put(const struct conf_list *l)
{
	for (size_t i = 0; l && i < l->n; i++)
		putenv(l->v[i]);
}

static void env_make(const struct spawn *s)
{
	static const char *const kept[] = {
		"HV_SOCKET", "HV_XENBUS", "XENSTORED_PATH"};
	char *values[sizeof(kept) / sizeof(kept[0])];
	const size_t n = sizeof(kept) / sizeof(kept[0]);

	for (size_t i = 0; i < n; i++) {
		const char *v = getenv(kept[i]);

		values[i] = v ? strdup(v) : NULL;
	}
	clearenv();
	setenv("PATH", PATH_DEFAULT, 1);
	setenv("HOME", "/tmp", 1);
	setenv("LANG", "C.UTF-8", 1);
	for (size_t i = 0; i < n; i++) {
		if (values[i])
			setenv(kept[i], values[i], 1);
	}
	env_put(&s->birth->env);
	env_put(s->env);
	env_prefix("PATH", s->birth->bindir);
	env_prefix("LD_LIBRARY_PATH", s->birth->libdir);
}

/* Sources go out of the way of the targets first. */
static void fds_place(const struct spawn *s)
{
	int high[SPAWN_FDS_MAX], last = 2;

	for (int i = 0; i < s->n_fd; i++) {
		high[i] = fcntl(s->fd[i].from, F_DUPFD_CLOEXEC, 32);
		if (high[i] < 0)
			give_up("descriptors for", s->argv[0]);
	}
	for (int i = 0; i < s->n_fd; i++) {
		if (dup2(high[i], s->fd[i].to) < 0)
			give_up("descriptors for", s->argv[0]);
		if (s->fd[i].to > last)
			last = s->fd[i].to;
	}
	/* between the targets nothing is open that is not close-on-exec */
	close_range((unsigned)last + 1, ~0u, 0);
}

/*
 * Straight to the kernel: libc keeps 32 and 33 for itself, and its posix_spawn
 * leaves them ignored in whatever was started by one.
 */
static void signals_default(void)
{
	/* the kernel's struct sigaction; all zeros is SIG_DFL */
	static const unsigned long sa[4];

	for (int sig = 1; sig < NSIG; sig++)
		syscall(SYS_rt_sigaction, sig, sa, NULL, sizeof(sa[0]));
}

static void child(const struct spawn *s)
{
	sigset_t none;

	if (s->tied)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	setsid();
	fds_place(s);
	if (s->terminal)
		ioctl(0, TIOCSCTTY, 0);
	signals_default();
	env_make(s);
	if (s->stopped)
		raise(SIGSTOP);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (chdir(s->cwd ? s->cwd : "/") < 0)
		give_up("cannot enter", s->cwd);
	execvp(s->argv[0], s->argv);
	give_up("cannot run", s->argv[0]);
}

pid_t spawn_start(const struct spawn *s)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		child(s);
		_exit(127);
	}
	/* until it has stopped: a SIGCONT before that would be lost */
	if (s->stopped) {
		siginfo_t si;

		do
			status = waitid(P_PID, (id_t)pid, &si,
				WSTOPPED | WEXITED | WNOWAIT);
		while (status < 0 && errno == EINTR);
	}
	return pid;
}
