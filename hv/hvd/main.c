/* SPDX-License-Identifier: MIT */
/* main.c: hvd, the daemon of one machine. */
#include "config.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hv/hvd/admin.h"
#include "hv/hvd/hvd.h"

static const struct option long_options[] = {
	{"dir", required_argument, NULL, 'd'},
	{"init", required_argument, NULL, 'i'},
	{"foreground", no_argument, NULL, 'f'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

static void usage(FILE *f)
{
	fputs("usage: hvd --dir DIR [--init HV-INIT] [--foreground]\n"
	      "The daemon of one hv machine.  Started by `hv up'; see hv(1).\n",
		f);
}

/* Each port is up to four descriptors, each run one. */
static void raise_limits(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		return;
	r.rlim_cur = r.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &r) < 0)
		hvd_log("setrlimit: %s", strerror(errno));
}

/* One hvd per folder: the lock lives as long as the process. */
static int lock_dir(const char *dir)
{
	char path[256], pid[16];
	int n = snprintf(path, sizeof(path), "%s/hvd.pid", dir), fd;

	if (n < 0 || (size_t)n >= sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -EBUSY;
	n = snprintf(pid, sizeof(pid), "%d\n", getpid());
	if (ftruncate(fd, 0) < 0 || write(fd, pid, n) != n)
		return -errno;
	return fd;
}

/*
 * In the background: the parent waits until the machine answers, and exits
 * with what became of it.  Returns the descriptor to say so on.
 */
static int background(void)
{
	int fd[2];
	char ok = 1;

	if (pipe2(fd, O_CLOEXEC) < 0)
		return -1;
	switch (fork()) {
	case -1: return -1;
	case 0: break;
	default:
		close(fd[1]);
		if (read(fd[0], &ok, 1) != 1)
			ok = 1;
		_exit(ok);
	}
	close(fd[0]);
	setsid();
	return fd[1];
}

static void quiet_stdio(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	close(fd);
}

static int run(struct hvd *h, int ready_fd)
{
	char path[256];
	int rc = lock_dir(h->dir);

	if (rc < 0) {
		fprintf(stderr,
			rc == -EBUSY ? "hvd: %s: another hvd runs here: hv "
				       "--dir DIR "
				       "down stops it\n"
				     : "hvd: %s: %s\n",
			h->dir, strerror(-rc));
		return 1;
	}
	snprintf(path, sizeof(path), "%s/hvd.log", h->dir);
	if (hvd_log_open(path) < 0)
		fprintf(stderr, "hvd: %s: %s\n", path, strerror(errno));
	raise_limits();
	rc = machine_init(h);
	if (!rc)
		rc = admin_listen(h);
	if (rc) {
		fprintf(stderr, "hvd: cannot start: %s\n", strerror(-rc));
		return 1;
	}
	hvd_log("machine up in %s", h->dir);
	if (ready_fd >= 0) {
		hvd_log_stderr(false);
		quiet_stdio();
		if (write(ready_fd, "", 1) != 1)
			hvd_log("nobody waited for the start");
		close(ready_fd);
	}
	event_base_dispatch(h->base);
	admin_fini(h);
	machine_fini(h);
	hvd_log("machine down");
	return 0;
}

int main(int argc, char **argv)
{
	static struct hvd h = {.dom0_pages = 64 << (20 - HV_PAGE_SHIFT)};
	bool foreground = false;
	int c, fd = -1;

	while ((c = getopt_long(argc, argv, "d:i:fh", long_options, NULL)) !=
		-1) {
		switch (c) {
		case 'd': h.dir = optarg; break;
		case 'i': h.init_path = optarg; break;
		case 'f': foreground = true; break;
		case 'h': usage(stdout); return 0;
		case 'V': puts("hvd " PACKAGE_VERSION); return 0;
		default: usage(stderr); return 2;
		}
	}
	if (!h.dir || !h.init_path || optind != argc) {
		usage(stderr);
		return 2;
	}
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (!foreground) {
		fd = background();
		if (fd < 0) {
			perror("hvd: cannot go to the background");
			return 1;
		}
	}
	return run(&h, fd);
}
