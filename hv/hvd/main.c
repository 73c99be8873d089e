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
#include "hv/hvd/session.h"
#include "hv/hvd/spawn.h"
#include "hv/hvd/vdom.h"

/* What dom0 shows as its memory; its programs use the host's. */
#define DOM0_PAGES (64u << (20 - HV_PAGE_SHIFT))

static const struct option long_options[] = {
	{ "dir", required_argument, NULL, 'd' },
	{ "init", required_argument, NULL, 'i' },
	{ "foreground", no_argument, NULL, 'f' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static void usage(FILE *f)
{
	fputs("usage: hvd --dir DIR [--init HV-INIT] [--foreground]\n"
	      "The daemon of one hv machine.  Started by `hv up'; see hv(1).\n",
		f);
}

void hvd_kick(struct hvd *h)
{
	event_active(h->kick, 0, 0);
}

static void stop(struct hvd *h)
{
	struct vdom *vd, *next, *dom0 = vdom_find(h, 0);

	for (vd = TAILQ_FIRST(&h->vdoms); vd; vd = next) {
		next = TAILQ_NEXT(vd, entry);
		if (vd != dom0)
			vdom_destroy(vd);
	}
	if (dom0)
		vdom_destroy(dom0);
}

/* What callbacks left to do, outside all of them. */
static void on_turn_end(int fd, short what, void *arg)
{
	struct hvd *h = arg;

	if (h->stopping && !h->stopped) {
		h->stopped = true;
		hvd_log("machine stops");
		stop(h);
	}
	vdoms_turn_end(h);
	sessions_reap(h);
	admins_reap(h);
	if (h->stopped && TAILQ_EMPTY(&h->vdoms))
		event_base_loopbreak(h->base);
}

static void on_term(int sig, short what, void *arg)
{
	struct hvd *h = arg;

	h->stopping = true;
	hvd_kick(h);
}

static int make_dom0(struct hvd *h)
{
	struct hv_dom_config cfg = { .kind = HV_PV, .bits = 64,
		.control = true, .max_vcpus = 1 };
	uint64_t gfn = 0;
	struct hv_run *run;
	struct hv_dom *d;
	int rc = hv_dom_create(h->hv, 0, &cfg, &d);

	if (rc)
		return rc;
	/* room for what its programs share, beside its RAM */
	rc = hv_mem_set_max(d, DOM0_PAGES);
	if (rc)
		return rc;
	vdom_set_name(vdom_of(d), "Domain-0", 8);
	return hv_mem_populate(d, HV_RUN_RAM, DOM0_PAGES, &gfn, &run);
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

static struct event *add(struct event *ev)
{
	if (ev && event_add(ev, NULL) < 0) {
		event_free(ev);
		return NULL;
	}
	return ev;
}

static int loop_init(struct hvd *h)
{
	TAILQ_INIT(&h->vdoms);
	TAILQ_INIT(&h->admins);
	TAILQ_INIT(&h->dead);
	TAILQ_INIT(&h->dead_admins);
	h->base = event_base_new();
	if (!h->base)
		return -ENOMEM;
	h->kick = event_new(h->base, -1, 0, on_turn_end, h);
	h->ev_chld = add(evsignal_new(h->base, SIGCHLD, spawn_reap, h));
	h->ev_term = add(evsignal_new(h->base, SIGTERM, on_term, h));
	h->ev_int = add(evsignal_new(h->base, SIGINT, on_term, h));
	return h->kick && h->ev_chld && h->ev_term && h->ev_int ? 0 : -ENOMEM;
}

static int machine_init(struct hvd *h)
{
	struct hv_limits lim = { .max_pages = sysconf(_SC_PHYS_PAGES) };
	int rc = loop_init(h);

	if (rc)
		return rc;
	h->hv = hv_new(&hvd_host, h, &lim);
	if (!h->hv)
		return -ENOMEM;
	rc = make_dom0(h);
	return rc ? rc : admin_listen(h);
}

static void machine_fini(struct hvd *h)
{
	admin_fini(h);
	event_free(h->kick);
	event_free(h->ev_chld);
	event_free(h->ev_term);
	event_free(h->ev_int);
	hv_free(h->hv);
	event_base_free(h->base);
	if (h->engine_bytes)
		hvd_log("engine kept %zu bytes", h->engine_bytes);
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
		fprintf(stderr, rc == -EBUSY
				? "hvd: %s: another hvd runs here: hv --dir DIR "
				  "down stops it\n"
				: "hvd: %s: %s\n", h->dir, strerror(-rc));
		return 1;
	}
	snprintf(path, sizeof(path), "%s/hvd.log", h->dir);
	if (hvd_log_open(path) < 0)
		fprintf(stderr, "hvd: %s: %s\n", path, strerror(errno));
	raise_limits();
	rc = machine_init(h);
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
	machine_fini(h);
	hvd_log("machine down");
	return 0;
}

int main(int argc, char **argv)
{
	static struct hvd h;
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
