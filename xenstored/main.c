/* SPDX-License-Identifier: MIT */
/*
 * main.c - xenstored: options, set-up, the background, the end
 *
 * DOC: Without --no-fork the daemon forks first and sets up in the child; the
 * parent waits until the socket listens and then exits with 0, or with what
 * the child failed with.  So whoever started it can connect at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>
#include <talloc.h>

#include "common/log.h"
#include "common/loop.h"
#include "common/sdnotify.h"
#include "config.h"
#include "xenstored/conf.h"
#include "xenstored/host.h"
#include "xenstored/server.h"

#define RUNDIR "/var/run/xenstored"

enum { EXIT_USAGE = 2 };

struct opts {
	const char *pid_file;
	const char *conf_file; /* NULL: the usual one, if it is there */
	bool check_conf;
	bool foreground;
	bool keep_orphans;
	bool no_domains;
};

/* What SIGHUP needs; on the stack of run(). */
struct reload {
	const struct opts *opts;
	struct server *server;
	struct event *event;
};

static const struct option long_opts[] = {
	{"check-config", no_argument, NULL, 'n'},
	{"config-file", required_argument, NULL, 'C'},
	{"keep-orphans", no_argument, NULL, 'K'},
	{"no-fork", no_argument, NULL, 'N'},
	{"pid-file", required_argument, NULL, 'F'},
	{"no-domain-init", no_argument, NULL, 'D'},
	{"verbose", no_argument, NULL, 'v'},
	{"help", no_argument, NULL, 'H'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

static void usage(FILE *f)
{
	fputs("usage: xenstored [-DHKNnv] [-C file] [-F file]\n"
	      "  -C, --config-file FILE  limits of guests, instead of\n"
	      "                        " CONF_FILE "\n"
	      "  -D, --no-domain-init  no hypervisor: serve the socket only\n"
	      "  -F, --pid-file FILE   write the process id to FILE\n"
	      "  -H, --help            print this and exit\n"
	      "  -K, --keep-orphans    keep the nodes of domains that are "
	      "gone\n"
	      "  -N, --no-fork         stay in the foreground\n"
	      "  -n, --check-config    check the configuration file and exit\n"
	      "  -v, --verbose         log what is for developers, too\n"
	      "      --version         print the version and exit\n"
	      "environment: XENSTORED_RUNDIR (" RUNDIR "),\n"
	      "  XENSTORED_PATH ($XENSTORED_RUNDIR/socket)\n",
		f);
}

static void opts_parse(struct opts *opts, int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "C:DF:HKNnv", long_opts, NULL)) !=
		-1) {
		switch (c) {
		case 'C': opts->conf_file = optarg; break;
		case 'K': opts->keep_orphans = true; break;
		case 'N': opts->foreground = true; break;
		case 'n': opts->check_conf = true; break;
		case 'F': opts->pid_file = optarg; break;
		case 'D': opts->no_domains = true; break;
		case 'v': log_level_set(LOG_LEVEL_DEBUG); break;
		case 'H': usage(stdout); exit(EXIT_SUCCESS);
		case 'V':
			puts("xenstored " PACKAGE_VERSION);
			exit(EXIT_SUCCESS);
		default: usage(stderr); exit(EXIT_USAGE);
		}
	}
	if (optind != argc) {
		usage(stderr);
		exit(EXIT_USAGE);
	}
}

/* Where the socket is: the caller frees it.  Makes the folder, too. */
static char *socket_path(void)
{
	const char *path = getenv("XENSTORED_PATH");
	const char *dir = getenv("XENSTORED_RUNDIR");

	if (path)
		return talloc_strdup(NULL, path);
	if (!dir)
		dir = RUNDIR;
	if (mkdir(dir, 0755) && errno != EEXIST)
		log_error(NULL, "rundir", "%s: %s", dir, strerror(errno));
	return talloc_asprintf(NULL, "%s/socket", dir);
}

/*
 * The lock, held as long as we live, keeps a second daemon away; the number
 * is for others to read.  0 or -errno.
 */
static int pid_file_write(const char *path)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char text[24];
	int fd, n;

	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (fcntl(fd, F_SETLK, &lock) || ftruncate(fd, 0) ||
		write(fd, text, (size_t)n) != n) {
		int r = errno == EAGAIN ? -EBUSY : -errno;

		close(fd);
		return r;
	}
	/* Not closed: closing would give up the lock. */
	return 0;
}

/* Many guests are many descriptors: take what the administrator allows. */
static void raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		log_warn(NULL, "rlimit", "cannot raise the descriptor limit");
}

/* In the child: fd of the pipe on which to report.  -1: in the foreground. */
static int background(void)
{
	int fds[2], status;
	char ready;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) || (pid = fork()) < 0) {
		log_error(NULL, "fork", "%s", strerror(errno));
		exit(EXIT_FAILURE);
	}
	if (!pid) {
		close(fds[0]);
		setsid();
		return fds[1];
	}
	close(fds[1]);
	if (read(fds[0], &ready, 1) == 1)
		_exit(EXIT_SUCCESS);
	/* It ended without a word; it has written why. */
	if (waitpid(pid, &status, 0) == pid && WIFEXITED(status))
		_exit(WEXITSTATUS(status) ? WEXITSTATUS(status) : EXIT_FAILURE);
	_exit(EXIT_FAILURE);
}

/* Let go of the terminal, then of who waits for us. */
static void background_ready(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (chdir("/"))
		log_warn(NULL, "chdir", "/: %s", strerror(errno));
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		if (null > STDERR_FILENO)
			close(null);
	}
	if (write(fd, "", 1) != 1)
		log_debug(NULL, "ready", "nobody waits");
	close(fd);
}

static int fail(const char *what, int err)
{
	log_error(NULL, "start", "%s: %s", what, strerror(err));
	return EXIT_FAILURE;
}

/* Without it the daemon still serves, only CONTROL writes no files. */
static void rundir_set(struct server *server, const char *path)
{
	char *dir = talloc_strdup(NULL, path), *slash;

	slash = dir ? strrchr(dir, '/') : NULL;
	if (!slash || slash == dir) {
		talloc_free(dir);
		return;
	}
	*slash = '\0';
	if (server_rundir_set(server, dir))
		log_warn(NULL, "rundir", "%s: cannot be opened", dir);
	talloc_free(dir);
}

/* The configuration file: 0; *conf is NULL when there need not be one. */
static int conf_load(const struct opts *opts, struct conf **conf)
{
	const char *name = opts->conf_file ? opts->conf_file : CONF_FILE;
	char error[CONF_ERROR_MAX];
	int r = conf_read(name, conf, error);

	if (!r)
		return 0;
	*conf = NULL;
	if (r == ENOENT && !opts->conf_file)
		return 0;
	log_error(NULL, "config", "%s", error);
	return r;
}

/* SIGHUP: a file that is not right changes nothing. */
static void on_hangup(evutil_socket_t signo, short what, void *arg)
{
	struct reload *reload = arg;
	struct conf *conf;

	if (conf_load(reload->opts, &conf))
		return;
	domains_conf_set(reload->server, conf);
	log_info(NULL, "config", "configuration read again");
}

/* Read it now, and again when we are told to.  0 or an errno. */
static int conf_start(struct reload *reload)
{
	struct event_base *base = loop_base(reload->server->loop);
	struct conf *conf;
	int r = conf_load(reload->opts, &conf);

	if (r)
		return r;
	domains_conf_set(reload->server, conf);
	reload->event = evsignal_new(base, SIGHUP, on_hangup, reload);
	if (!reload->event || event_add(reload->event, NULL))
		return ENOMEM;
	return 0;
}

/* From set-up to the end of the loop; returns the exit status. */
static int serve(struct server *server, const struct opts *opts, int ready)
{
	char *path = socket_path();
	int r;

	r = server_attach_host(server);
	if (r)
		return fail("hypervisor", -r);
	r = path ? server_listen(server, path) : -ENOMEM;
	if (r)
		r = fail(path ? path : "socket", -r);
	else
		rundir_set(server, path);
	talloc_free(path);
	if (r)
		return r;
	if (opts->pid_file) {
		r = pid_file_write(opts->pid_file);
		if (r)
			return fail(opts->pid_file, -r);
	}
	if (ready >= 0)
		background_ready(ready);
	sdnotify_send("READY=1");
	r = loop_run(server->loop);
	sdnotify_send("STOPPING=1");
	if (opts->pid_file)
		unlink(opts->pid_file);
	return r ? fail("loop", -r) : EXIT_SUCCESS;
}

static int run(const struct opts *opts, int ready)
{
	struct loop *loop = loop_new(NULL);
	struct server *server = NULL;
	struct host *host = NULL;
	struct reload reload = {.opts = opts};
	int status;

	if (!loop || loop_stop_on_signal(loop, SIGTERM) ||
		loop_stop_on_signal(loop, SIGINT)) {
		status = fail("event loop", ENOMEM);
		goto out;
	}
	host = opts->no_domains ? host_none_new(loop) : host_xen_new(loop);
	if (!host) {
		status = fail("no hypervisor (see --no-domain-init)", errno);
		goto out;
	}
	server = server_new(loop, host);
	if (!server) {
		status = fail("store", ENOMEM);
		goto out;
	}
	server->keep_orphans = opts->keep_orphans;
	reload.server = server;
	status =
		conf_start(&reload) ? EXIT_FAILURE : serve(server, opts, ready);
out:
	if (reload.event)
		event_free(reload.event);
	if (server)
		server_free(server);
	talloc_free(host);
	talloc_free(loop);
	return status;
}

int main(int argc, char **argv)
{
	struct opts opts = {0};
	struct conf *conf;
	int ready = -1;

	log_init("xenstored");
	opts_parse(&opts, argc, argv);
	if (opts.check_conf) {
		if (conf_load(&opts, &conf))
			return EXIT_FAILURE;
		conf_free(conf);
		return EXIT_SUCCESS;
	}
	signal(SIGPIPE, SIG_IGN);
	/* Until there is something to read again. */
	signal(SIGHUP, SIG_IGN);
	raise_limits();
	if (!opts.foreground)
		ready = background();
	return run(&opts, ready);
}
