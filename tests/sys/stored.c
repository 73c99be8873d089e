/* SPDX-License-Identifier: MIT */
/* stored.c: a store daemon in dom0 of a stand, ours or one of Debian's */
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xenevtchn.h>

#include "tests/sys/hvd.h"
#include "tests/sys/stored.h"
#include "wire/xsring.h"

enum { EXIT_SETUP = 100 };

#define OXENSTORED_CONF "/run/oxenstored.conf"

void stored_prepare(const struct stand *s, char *socket, size_t cap)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/run", s->dir);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/run/xenstored", s->dir);
	mkdir(path, 0700);
	snprintf(socket, cap, "%s/run/xenstored/socket", s->dir);
}

struct xenevtchn_handle *stored_kernel(int *port)
{
	xenevtchn_handle *x = xenevtchn_open(NULL, 0);

	*port = x ? xenevtchn_bind_unbound_port(x, 0) : -1;
	if (*port >= 0)
		return x;
	if (x)
		xenevtchn_close(x);
	return NULL;
}

static void must(bool ok)
{
	if (!ok) {
		perror("set-up of the daemon");
		_exit(EXIT_SETUP);
	}
}

void stored_output(const struct stand *s)
{
	char log[128];
	int fd;

	/* the test may end in any way: nothing of it stays */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(log, sizeof(log), "%s/store.log", s->dir);
	fd = open(log, O_RDWR | O_CREAT | O_APPEND, 0600);
	must(fd >= 0 && dup2(fd, 1) >= 0 && dup2(fd, 2) >= 0);
}

static void file_make(const char *path, const char *text, off_t size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	const size_t len = strlen(text);

	must(fd >= 0 && write(fd, text, len) == (ssize_t)len);
	must(!size || !ftruncate(fd, size));
	close(fd);
}

/* If we are not: in a namespace of our own. */
static void root_become(void)
{
	char text[32];
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (!unshare(CLONE_NEWNS))
		return;
	must(!unshare(CLONE_NEWUSER | CLONE_NEWNS));
	file_make("/proc/self/setgroups", "deny", 0);
	snprintf(text, sizeof(text), "0 %u 1", uid);
	file_make("/proc/self/uid_map", text, 0);
	snprintf(text, sizeof(text), "0 %u 1", gid);
	file_make("/proc/self/gid_map", text, 0);
}

/* The few files that the daemons of a dom0 want to see. */
static void files_make(const struct stand *s, int port)
{
	char path[128], text[32];
	struct rlimit files;

	root_become();
	must(!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	snprintf(path, sizeof(path), "%s/run", s->dir);
	must(!mount(path, "/run", NULL, MS_BIND, NULL));
	must(!mount("store", "/var/log", "tmpfs", 0, NULL));
	must(!mkdir("/var/log/xen", 0700));
	must(!getrlimit(RLIMIT_NOFILE, &files));
	must(!mount("store", "/proc", "tmpfs", 0, NULL));
	must(!mkdir("/proc/xen", 0700) && !mkdir("/proc/sys", 0700) &&
		!mkdir("/proc/sys/fs", 0700));
	file_make("/proc/xen/capabilities", "control_d\n", 0);
	file_make("/proc/xen/xsd_kva", "", XSRING_PAGE);
	/* oxenstored takes no newline */
	snprintf(text, sizeof(text), "%d", port);
	file_make("/proc/xen/xsd_port", text, 0);
	snprintf(text, sizeof(text), "%llu\n",
		(unsigned long long)files.rlim_max);
	file_make("/proc/sys/fs/nr_open", text, 0);
	file_make(OXENSTORED_CONF,
		"xenstored-kva = /proc/xen/xsd_kva\n"
		"xenstored-port = /proc/xen/xsd_port\n",
		0);
}

/* The libraries of Debian's programs, behind hv's. */
static void libs_add(const char *xen)
{
	char path[PATH_MAX], libs[16384];
	size_t n = (size_t)snprintf(
		libs, sizeof(libs), "%s:", getenv("LD_LIBRARY_PATH"));
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "%s/LIBPATH", xen);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	must(fd >= 0 && n < sizeof(libs));
	got = read(fd, libs + n, sizeof(libs) - n - 1);
	must(got > 0);
	close(fd);
	libs[n + (size_t)got] = '\0';
	libs[strcspn(libs, "\n")] = '\0';
	setenv("LD_LIBRARY_PATH", libs, 1);
}

void stored_exec(
	const struct stand *s, enum stored_kind kind, const char *xen, int port)
{
	char dir[PATH_MAX], path[PATH_MAX + 64];

	/* while /proc is what it was */
	must(realpath(build_dir(), dir));
	files_make(s, port);
	setenv("XENSTORED_RUNDIR", "/run/xenstored", 1);
	if (kind == STORED_OURS) {
		snprintf(path, sizeof(path), "%s/xenstored/xenstored", dir);
	} else {
		snprintf(path, sizeof(path), "%s/usr/lib/xen-4.17/bin/%s", xen,
			kind == STORED_C ? "xenstored" : "oxenstored");
		libs_add(xen);
	}
	if (kind == STORED_OCAML)
		execl(path, path, "--no-fork", "--config-file", OXENSTORED_CONF,
			(char *)NULL);
	else
		execl(path, path, "-N", (char *)NULL);
	must(false);
	_exit(EXIT_SETUP);
}

int stored_wait(pid_t pid, const char *socket)
{
	for (int i = 0; i < 5000; i++) {
		siginfo_t end = {.si_pid = 0};

		if (!access(socket, F_OK))
			return 0;
		if (!waitid(P_PID, (id_t)pid, &end,
			    WEXITED | WNOHANG | WNOWAIT) &&
			end.si_pid == pid)
			return -1;
		usleep(2000);
	}
	return -1;
}

void stored_log_show(const struct stand *s)
{
	char path[128], text[1024];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/store.log", s->dir);
	f = fopen(path, "re");
	if (!f)
		return;
	if (fseek(f, -(long)sizeof(text), SEEK_END) < 0)
		rewind(f);
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	fprintf(stderr, "%.*s", (int)n, text);
}
