// SPDX-License-Identifier: MIT
/*
 * main.c: hv-init, the first process of a domain
 *
 * DOC: two processes
 *
 * A process cannot move itself into a new pid namespace, only its children.
 * So the one that hvd started, the outer one, makes the namespaces, forks the
 * domain's first process and waits for it.  Either one dies with the other:
 * the outer one's death is a signal to the inner one, and the inner one's ends
 * its pid namespace.  Without a pid namespace each is a subreaper, and sweeps
 * up what the other leaves.
 */
#include "hv/init/bare.h"
#include "hv/init/chan.h"
#include "hv/init/conf.h"
#include "hv/init/confine.h"
#include "hv/init/mounts.h"
#include "hv/init/ns.h"
#include "hv/init/run.h"
#include "hv/init/sweep.h"
#include "hv/proto/proto.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct init {
	struct conf conf;
	struct ns ns;
	struct mounts mounts;
	char bare[BARE_MAX];
	int alive[2]; /* a pipe of which the outer process has the end [1] */
};

static void failed(int error, const char *text)
{
	chan_send(HVB_SOCKET_FD, HVB_FAILED, 0, error < 0 ? -error : error,
		text, -1);
	exit(1);
}

static void failed_at(int error, const char *what)
{
	char text[CONF_ERR_MAX];

	snprintf(text, sizeof(text), "%s: %s", what,
		strerror(error < 0 ? -error : error));
	failed(error, text);
}

/* The files of the domain's own, or what is needed where it has none. */
static void files_make(struct init *in)
{
	char err[CONF_ERR_MAX];
	int r = EPERM;

	if (in->ns.have & HVB_HAVE_MOUNTNS) {
		r = mounts_make(&in->mounts, &in->ns, &in->conf, err);
		if (r < 0)
			failed(r, err);
		if (r > 0)
			chan_note(HVB_SOCKET_FD,
				"no files of its own: mount: %s: it sees the "
				"host's as its user does",
				strerror(r));
	}
	mounts_fini(&in->mounts);
	if (r == 0)
		return;
	in->ns.have &= ~(unsigned)HVB_HAVE_MOUNTNS;
	r = bare_make(in->bare, in->conf.control);
	if (r < 0)
		failed_at(r, in->bare);
	if (in->ns.drop && chown(in->bare, in->ns.uid, in->ns.gid) < 0)
		failed_at(errno, in->bare);
}

static int socket_make(const struct init *in)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	const char *path = HVP_SOCKET;
	int fd;

	if (!(in->ns.have & HVB_HAVE_MOUNTNS))
		path = getenv(HVP_SOCKET_ENV);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0 ||
		listen(fd, 1024) < 0)
		failed_at(errno, path);
	return fd;
}

static void confine(struct init *in)
{
	const struct confine how = {
		.iouring = in->conf.iouring,
		.pinned = in->conf.has_cpus,
	};
	int r;

	if (in->conf.has_cpus &&
		sched_setaffinity(0, sizeof(in->conf.cpus), &in->conf.cpus) < 0)
		failed(errno, "cpus=: none of them is there for this machine; "
			      "see nproc and taskset -p $$");
	if (!in->conf.control && (in->ns.have & HVB_HAVE_USERNS))
		confine_processes();
	r = confine_privileges();
	if (r < 0)
		failed_at(r, "giving up capabilities");
	r = confine_programs(&how);
	if (r < 0)
		chan_note(HVB_SOCKET_FD, "no seccomp filter: %s", strerror(-r));
	else
		in->ns.have |= HVB_HAVE_SECCOMP;
}

static bool outer_gone(const struct init *in)
{
	struct pollfd p = {.fd = in->alive[0]};

	return poll(&p, 1, 0) != 0;
}

/*
 * Closer than the pipe: it is at once, whatever this process is doing.  But
 * not where there is something left to be cleaned up afterwards.
 */
static void tie(const struct init *in)
{
	const unsigned both = HVB_HAVE_PIDNS | HVB_HAVE_MOUNTNS;

	if ((in->ns.have & both) == both)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (outer_gone(in))
		_exit(1);
}

static void inner(struct init *in)
{
	const bool pidns = in->ns.have & HVB_HAVE_PIDNS;
	struct run run;
	int r, fd;

	close(in->alive[1]);
	tie(in);
	if (!pidns)
		prctl(PR_SET_CHILD_SUBREAPER, 1);
	files_make(in);
	ns_setup(&in->ns, &in->conf);
	confine_exec();
	r = ns_drop(&in->ns);
	if (r < 0)
		failed_at(r, "uid=: becoming that user");
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd < 0 || dup2(fd, 0) < 0)
		failed_at(errno, "/dev/null");
	close(fd);
	fd = socket_make(in);
	confine(in);
	/* its memory is not for the domain's programs, which have its uid */
	prctl(PR_SET_DUMPABLE, 0);
	tie(in);
	r = run_init(&run, &in->conf, HVB_SOCKET_FD, in->alive[0], pidns);
	if (r < 0)
		failed_at(r, "signals");
	if (chan_send(HVB_SOCKET_FD, HVB_READY, 0, (int32_t)in->ns.have, NULL,
		    fd) < 0)
		_exit(1);
	close(fd);
	if (!in->conf.control)
		confine_descriptors();
	run_loop(&run);
	if (!pidns)
		sweep_kill(false);
	if (!(in->ns.have & HVB_HAVE_MOUNTNS))
		bare_remove(in->bare);
	_exit(0);
}

static int outer(struct init *in, pid_t pid)
{
	int status = 0;

	close(HVB_SOCKET_FD);
	close(in->alive[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!(in->ns.have & HVB_HAVE_PIDNS))
		sweep_kill(false);
	bare_remove(in->bare);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static void descriptors_check(void)
{
	if (fcntl(HVB_SOCKET_FD, F_SETFD, FD_CLOEXEC) < 0 ||
		fcntl(HVB_CONFIG_FD, F_SETFD, FD_CLOEXEC) < 0) {
		fprintf(stderr,
			"hv-init is started by hvd, once for each domain; "
			"see hv(1)\n");
		exit(2);
	}
	close_range(HVB_CONFIG_FD + 1, ~0u, 0);
	/* should stdio be closed, nothing else may take its place */
	while (fcntl(2, F_GETFD) < 0) {
		if (open("/dev/null", O_RDWR) < 0)
			exit(2);
	}
}

int main(void)
{
	static struct init in;
	char err[CONF_ERR_MAX];
	pid_t pid;
	int r;

	descriptors_check();
	signal(SIGPIPE, SIG_IGN);
	bare_forget();
	r = conf_read(&in.conf, HVB_CONFIG_FD, err);
	close(HVB_CONFIG_FD);
	if (r == 0)
		r = ns_init(&in.ns, &in.conf, HVB_SOCKET_FD, err);
	/* while we are root, and may walk where the domain's user may not */
	if (r == 0 && in.ns.drop)
		r = mounts_take(&in.mounts, &in.conf, err);
	if (r < 0)
		failed(r, err);
	umask(0022);
	if (!in.conf.control) {
		confine_first_to_end();
		confine_signals();
	}
	r = bare_name(in.bare);
	if (r < 0 || pipe2(in.alive, O_CLOEXEC) < 0)
		failed_at(r < 0 ? r : errno, "starting");
	r = ns_enter(&in.ns);
	if (r < 0)
		failed_at(r, "a user namespace");
	if (!(in.ns.have & HVB_HAVE_PIDNS)) {
		prctl(PR_SET_CHILD_SUBREAPER, 1);
		r = sweep_init();
		if (r < 0)
			chan_note(HVB_SOCKET_FD,
				"cannot be stopped as a whole: /proc: %s",
				strerror(-r));
	}
	pid = fork();
	if (pid < 0)
		failed_at(errno, "fork");
	if (pid == 0)
		inner(&in);
	return outer(&in, pid);
}
