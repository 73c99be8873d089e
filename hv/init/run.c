// SPDX-License-Identifier: MIT
/*
 * run.c: the life of a domain's first process
 */
#include "hv/init/run.h"
#include "hv/init/chan.h"
#include "hv/init/spawn.h"
#include "hv/init/sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int run_init(
	struct run *r, const struct conf *c, int sock, int alive, bool pidns)
{
	sigset_t all;

	*r = (struct run){
		.conf = c,
		.sock = sock,
		.alive = alive,
		.state = -1,
		.words = {.fd = -1},
		.stdio = {-1, -1, -1},
		.pidns = pidns,
	};
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	sigemptyset(&all);
	sigaddset(&all, SIGCHLD);
	r->sigfd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	return r->sigfd < 0 ? -errno : 0;
}

/* Tells hvd of the end of a process, by what it was. */
static void end_tell(struct run *r, enum run_kind kind, uint32_t id, int status)
{
	static const uint32_t types[] = {
		[RUN_KERNEL] = HVB_KERNEL_DIED,
		[RUN_COMMAND] = HVB_COMMAND_DIED,
		[RUN_EXEC] = HVB_EXITED,
	};

	chan_send(r->sock, types[kind], id, status, NULL, -1);
}

static int proc_room(struct run *r)
{
	struct run_proc *v;

	if (r->n_proc < r->cap_proc)
		return 0;
	v = reallocarray(r->proc, r->cap_proc * 2 + 8, sizeof(*v));
	if (!v)
		return -ENOMEM;
	r->proc = v;
	r->cap_proc = r->cap_proc * 2 + 8;
	return 0;
}

/*
 * A program that runs now would find neither a store nor an event channel of
 * its kernel; before HVB_RUN its domain is paused, too.  Only for a moment
 * after that: the kernel serves, or ends and closes its pipe.
 */
static bool kernel_awaited(const struct run *r)
{
	return r->started && r->state >= 0 && !r->serving;
}

static bool held(const struct run *r)
{
	return !r->started || kernel_awaited(r);
}

/* Lets those go on that were started before the domain ran. */
static void held_release(const struct run *r)
{
	if (!r->stopped && !held(r))
		sweep_signal(SIGCONT, r->pidns);
}

/* Starts it, and remembers whose end has to be told. */
static void proc_start(
	struct run *r, struct spawn *s, enum run_kind kind, uint32_t id)
{
	pid_t pid = proc_room(r);

	s->birth = r->conf;
	s->stopped = r->stopped || (kind == RUN_EXEC && held(r));
	s->tied = !r->pidns;
	if (pid == 0)
		pid = spawn_start(s);
	if (pid < 0) {
		chan_note(r->sock, "cannot start %s: %s", s->argv[0],
			strerror(-pid));
		end_tell(r, kind, id, 126 << 8);
		return;
	}
	r->proc[r->n_proc++] = (struct run_proc){pid, id, kind};
}

static void stdio_close(struct run *r)
{
	for (int i = 0; i < 3; i++)
		fd_close(&r->stdio[i]);
}

static void command_start(struct run *r)
{
	const struct conf *c = r->conf;
	struct spawn s = {
		.argv = c->arg.v,
		.cwd = c->cwd,
		.terminal = r->terminal,
	};

	r->command_due = false;
	for (int i = 0; i < 3; i++)
		s.fd[s.n_fd++] = (struct spawn_fd){r->stdio[i], i};
	proc_start(r, &s, RUN_COMMAND, 0);
	stdio_close(r);
}

/*
 * Its pipe is closed before its terminal is, and that before it can be waited
 * for: when the command ends of the hang-up, this is how to know.
 */
static bool kernel_leaves(const struct run *r)
{
	struct pollfd p = {.fd = r->state, .events = POLLIN};
	bool there = false;

	for (size_t i = 0; i < r->n_proc; i++)
		there |= r->proc[i].kind == RUN_KERNEL;
	if (!there)
		return false;
	return r->state < 0 || (poll(&p, 1, 0) == 1 && (p.revents & POLLHUP));
}

/* The kernel's to tell: why the domain ends, or by dying that it crashed. */
static void command_ended(struct run *r, int status)
{
	if (r->ending)
		fd_close(&r->state);
	else if (!kernel_leaves(r))
		end_tell(r, RUN_COMMAND, 0, status);
}

static void on_child(struct run *r)
{
	struct signalfd_siginfo si[16];
	pid_t pid;
	int status;

	while (read(r->sigfd, si, sizeof(si)) > 0)
		;
	for (;;) {
		pid = waitpid(-1, &status, WNOHANG);
		if (pid < 0 && errno == EINTR)
			continue;
		if (pid <= 0)
			return;
		for (size_t i = 0; i < r->n_proc; i++) {
			struct run_proc p = r->proc[i];

			if (p.pid != pid)
				continue;
			r->proc[i] = r->proc[--r->n_proc];
			/* why it ended, before that it did */
			if (p.kind == RUN_KERNEL)
				words_fini(&r->words, r->sock);
			if (p.kind == RUN_COMMAND)
				command_ended(r, status);
			else
				end_tell(r, p.kind, p.id, status);
			break;
		}
	}
}

static pid_t command_pid(const struct run *r)
{
	for (size_t i = 0; i < r->n_proc; i++) {
		if (r->proc[i].kind == RUN_COMMAND)
			return r->proc[i].pid;
	}
	return 0;
}

/* The command is asked to end; its kernel hears of it by the closed pipe. */
static void on_ending(struct run *r)
{
	pid_t pid = command_pid(r);

	r->command_due = false;
	if (pid == 0) {
		fd_close(&r->state);
		return;
	}
	r->ending = true;
	kill(-pid, SIGTERM);
}

static void on_serving(struct run *r)
{
	r->serving = true;
	if (r->command_due)
		command_start(r);
	held_release(r);
}

static void on_state(struct run *r)
{
	char byte;
	ssize_t n = read(r->state, &byte, 1);

	if (n < 0 && errno == EINTR)
		return;
	if (n != 1) {
		fd_close(&r->state); /* if it died, that is told in its time */
		held_release(r);
	} else if (byte == HVB_STATE_SERVING) {
		on_serving(r);
	} else if (byte == HVB_STATE_ENDING) {
		on_ending(r);
	}
}

/* A terminal pair.  out[0] is the kernel's end, out[1] the command's. */
static int terminal_make(int out[2])
{
	char name[64];

	out[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (out[0] < 0)
		return -errno;
	if (grantpt(out[0]) < 0 || unlockpt(out[0]) < 0 ||
		ptsname_r(out[0], name, sizeof(name)) != 0) {
		close(out[0]);
		return -ENOTTY;
	}
	out[1] = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (out[1] < 0) {
		int e = errno;

		close(out[0]);
		return -e;
	}
	return 0;
}

/*
 * The command's descriptors 0, 1, 2 into r->stdio, the kernel's end of the
 * console into *kernel.  Not the machine's log: a domain must not be able to
 * fill that.
 */
static int stdio_make(struct run *r, int *kernel)
{
	int pair[2];

	if (!r->conf->console) {
		r->stdio[0] = open("/dev/null", O_RDWR | O_CLOEXEC);
	} else {
		r->terminal = terminal_make(pair) == 0;
		if (!r->terminal &&
			socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
				pair) < 0)
			return -errno;
		*kernel = pair[0];
		r->stdio[0] = pair[1];
	}
	for (int i = 1; i < 3 && r->stdio[i - 1] >= 0; i++)
		r->stdio[i] = fcntl(r->stdio[0], F_DUPFD_CLOEXEC, 3);
	if (r->stdio[2] < 0) {
		int e = errno;

		stdio_close(r);
		return -e;
	}
	return 0;
}

static void kernel_start(struct run *r, int session, int console)
{
	char *path = strdup(r->conf->kernel);
	char *argv[] = {path, NULL};
	struct spawn s = {.argv = argv};
	int state[2] = {-1, -1}, said;

	if (!path || pipe2(state, O_CLOEXEC) < 0) {
		end_tell(r, RUN_KERNEL, 0, 126 << 8);
		free(path);
		return;
	}
	s.fd[s.n_fd++] = (struct spawn_fd){session, HVB_KERNEL_FD};
	s.fd[s.n_fd++] = (struct spawn_fd){state[1], HVB_STATE_FD};
	if (console >= 0)
		s.fd[s.n_fd++] = (struct spawn_fd){console, HVB_CONSOLE_FD};
	if (words_init(&r->words, &said) == 0) {
		s.fd[s.n_fd++] = (struct spawn_fd){said, 1};
		s.fd[s.n_fd++] = (struct spawn_fd){said, 2};
	}
	proc_start(r, &s, RUN_KERNEL, 0);
	fd_close(&said);
	close(state[1]);
	r->state = state[0];
	free(path);
}

static void do_run(struct run *r, struct chan_msg *m)
{
	int console = -1, made = 0;
	const struct conf *c = r->conf;

	if (r->started) {
		chan_note(r->sock, "the domain runs already");
		return;
	}
	r->started = true;
	if (c->arg.n)
		made = stdio_make(r, &console);
	r->command_due = c->arg.n && made == 0;
	if (made < 0) {
		chan_note(r->sock, "cannot make the command's descriptors: %s",
			strerror(-made));
		end_tell(r, RUN_COMMAND, 0, 126 << 8);
	}
	if (c->kernel && m->n_fd == 1)
		kernel_start(r, m->fd[0], console);
	else if (c->kernel)
		end_tell(r, RUN_KERNEL, 0, 126 << 8);
	else if (r->command_due)
		command_start(r);
	fd_close(&console);
	held_release(r);
}

static void do_exec(struct run *r, struct chan_msg *m)
{
	char err[CONF_ERR_MAX];
	struct spawn s = {.terminal = true};
	struct conf c;

	if (m->n_fd != 3) {
		chan_note(r->sock, "exec %u came with %d descriptors, not 3",
			m->head.id, m->n_fd);
		end_tell(r, RUN_EXEC, m->head.id, 126 << 8);
		return;
	}
	if (conf_parse(&c, m->data, m->head.len, CONF_EXEC, err)) {
		chan_note(r->sock, "exec %u: %s", m->head.id, err);
		end_tell(r, RUN_EXEC, m->head.id, 126 << 8);
		return;
	}
	s.argv = c.arg.v;
	s.env = &c.env;
	s.cwd = c.cwd;
	for (int i = 0; i < 3; i++)
		s.fd[s.n_fd++] = (struct spawn_fd){m->fd[i], i};
	proc_start(r, &s, RUN_EXEC, m->head.id);
	conf_fini(&c);
}

static void do_signal(struct run *r, const struct chan_msg *m)
{
	if (m->head.value < 1 || m->head.value >= NSIG)
		return;
	/* one of them does not go on while its domain is paused */
	if (m->head.value == SIGCONT && (r->stopped || held(r)))
		return;
	for (size_t i = 0; i < r->n_proc; i++) {
		const struct run_proc *p = &r->proc[i];

		if (p->kind != RUN_EXEC || p->id != m->head.id)
			continue;
		/* it may not have made its own group yet */
		if (kill(-p->pid, m->head.value) < 0)
			kill(p->pid, m->head.value);
	}
}

static void message_do(struct run *r, struct chan_msg *m)
{
	switch (m->head.type) {
	case HVB_RUN: do_run(r, m); break;
	case HVB_EXEC: do_exec(r, m); break;
	case HVB_SIGNAL: do_signal(r, m); break;
	case HVB_STOP:
		r->stopped = true;
		r->stop_due = 0; /* at once, in the loop */
		break;
	case HVB_CONT:
		r->stopped = false;
		held_release(r);
		break;
	default:
		chan_note(r->sock, "unknown message %u from hvd", m->head.type);
	}
}

/* false: hvd is gone. */
static bool on_message(struct run *r)
{
	struct chan_msg m;
	int n = chan_recv(r->sock, &m);

	if (n == -EPROTO)
		chan_note(r->sock, "malformed message from hvd");
	if (n == 1) {
		message_do(r, &m);
		chan_msg_fini(&m);
	}
	return n == 1 || n == -EPROTO || n == -EAGAIN;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/*
 * Linux itself has a process go on whose terminal hangs up, or whose group is
 * orphaned by somebody outside who ended its parent.  confine.c refuses what
 * the domain could do for that; the rest stands again soon.
 */
static void stop_again(struct run *r)
{
	if (!r->stopped || now_ms() < r->stop_due)
		return;
	sweep_signal(SIGSTOP, r->pidns);
	r->stop_due = now_ms() + (r->pidns ? RUN_STOP_MS : RUN_STOP_BARE_MS);
}

static int stop_wait(const struct run *r)
{
	int64_t left = r->stop_due - now_ms();

	return !r->stopped ? -1 : left < 0 ? 0 : (int)left;
}

void run_loop(struct run *r)
{
	for (;;) {
		struct pollfd fds[] = {
			{.fd = r->sock,
				.events = kernel_awaited(r) ? 0 : POLLIN},
			{.fd = r->sigfd, .events = POLLIN},
			{.fd = r->alive, .events = 0},
			{.fd = r->state, .events = POLLIN},
			{.fd = r->words.fd, .events = POLLIN},
		};

		if (poll(fds, 5, stop_wait(r)) < 0 && errno != EINTR)
			return;
		stop_again(r);
		if (fds[2].revents)
			return;
		if (fds[4].revents)
			words_read(&r->words, r->sock);
		if (fds[3].revents)
			on_state(r);
		if (fds[1].revents)
			on_child(r);
		if (fds[0].revents && !on_message(r))
			return;
	}
}
