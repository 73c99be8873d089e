/* SPDX-License-Identifier: MIT */
/* start.c - xenstored from its start to its end */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>
#include <talloc.h>

#include "common/fileat.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/macro.h"
#include "common/sdnotify.h"
#include "xenstored/background.h"
#include "xenstored/conf.h"
#include "xenstored/confine.h"
#include "xenstored/host.h"
#include "xenstored/opts.h"
#include "xenstored/server.h"
#include "xenstored/start.h"

#define RUNDIR "/var/run/xenstored"
#define SYSLOG "/dev/log"

/* On the stack of start_run(). */
struct start {
	const struct opts *opts;
	struct loop *loop;
	struct host *host;
	struct server *server;
	struct event *hangup;
	int null_fd;
	int ready; /* where to report; -1: to nobody */
	struct pid_file pid_file;
	struct fileat conf;
	int conf_fd; /* -1: there was no such file */
	bool files;  /* folders can be used */
};

static int fail(const char *what, int err)
{
	log_error(NULL, "start", "%s: %s", what, strerror(err));
	return EXIT_FAILURE;
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

static const char *syslog_path(void)
{
	const char *path = getenv("XENSTORED_SYSLOG");

	return path ? path : SYSLOG;
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

static const char *conf_name(const struct opts *opts)
{
	return opts->conf_file ? opts->conf_file : CONF_FILE;
}

/* The usual file need not be there. */
static bool conf_may_lack(const struct opts *opts, int r)
{
	return !opts->conf_file && (r == ENOENT || r == ENOTDIR);
}

/*
 * As it is now, if its folder can be used; else as it is where it was opened
 * first.  0 or an errno.
 */
static int conf_open(struct start *start)
{
	int fd;

	if (!start->files)
		return start->conf_fd >= 0 ? 0 : ENOENT;
	if (!start->conf.name) {
		int r = fileat_init(&start->conf, conf_name(start->opts));

		if (r)
			return -r;
	}
	fd = fileat_open(&start->conf, O_RDONLY, 0);
	if (start->conf_fd >= 0)
		close(start->conf_fd);
	start->conf_fd = fd < 0 ? -1 : fd;
	return fd < 0 ? -fd : 0;
}

/* 0; *conf is NULL when there need not be one. */
static int conf_load(struct start *start, struct conf **conf)
{
	const char *name = conf_name(start->opts);
	char error[CONF_ERROR_MAX];
	int r = conf_open(start);

	*conf = NULL;
	if (conf_may_lack(start->opts, r))
		return 0;
	if (r)
		snprintf(error, sizeof(error), "%s: %s", name, strerror(r));
	else
		r = conf_read_fd(start->conf_fd, name, conf, error);
	if (r)
		log_error(NULL, "config", "%s", error);
	return r;
}

int start_check(const struct opts *opts)
{
	char error[CONF_ERROR_MAX];
	struct conf *conf = NULL;
	int r = conf_read(conf_name(opts), &conf, error);

	if (r && !conf_may_lack(opts, r)) {
		log_error(NULL, "config", "%s", error);
		return EXIT_FAILURE;
	}
	if (!r)
		conf_free(conf);
	return EXIT_SUCCESS;
}

/* The service manager wants to know when it began. */
static void notify_reloading(void)
{
	struct timespec now;
	char text[64];

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
		(uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
	sdnotify_send(text);
}

/* SIGHUP: a file that is not right changes nothing. */
static void on_hangup(evutil_socket_t signo, short what, void *arg)
{
	struct start *start = arg;
	struct trace *trace = &start->server->trace;
	struct conf *conf;
	int r;

	notify_reloading();
	if (trace->file.name && (r = trace_reopen(trace)))
		log_error(NULL, "trace", "%s: %s", trace->file.name,
			strerror(-r));
	if (!conf_load(start, &conf)) {
		domains_conf_set(start->server, conf);
		log_info(NULL, "config", "configuration read again");
	}
	sdnotify_send("READY=1");
}

/* What was said on the command line, then what the file says. */
static int limits_start(struct start *start)
{
	struct domains *domains = &start->server->domains;
	const struct opts *opts = start->opts;
	struct conf *conf;
	int r;

	for (int i = 0; i < QUOTAS; i++)
		if (opts->limited[i])
			domains_limit_fix(domains, (enum quota)i,
				quota_get(&opts->limits, (enum quota)i));
	r = conf_load(start, &conf);
	if (!r)
		domains_conf_set(start->server, conf);
	return r ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int trace_start(struct start *start)
{
	struct trace *trace = &start->server->trace;
	const char *file = start->opts->trace_file;
	int r = file ? trace_open(trace, file) : 0;

	if (r)
		return fail(file, -r);
	trace->on = start->opts->trace;
	return EXIT_SUCCESS;
}

static int listen_start(struct start *start)
{
	char *path = socket_path();
	int r = path ? server_listen(start->server, path) : -ENOMEM;

	if (r)
		r = fail(path ? path : "socket", -r);
	else
		rundir_set(start->server, path);
	talloc_free(path);
	return r;
}

static int pid_file_start(struct start *start)
{
	const char *path = start->opts->pid_file;
	int r = path ? pid_file_write(&start->pid_file, path) : 0;

	if (r)
		return fail(path, -r);
	if (start->opts->print_pid) {
		printf("%ld\n", (long)getpid());
		fflush(stdout);
	}
	return EXIT_SUCCESS;
}

static int host_start(struct start *start)
{
	int r = server_attach_host(start->server);

	return r ? fail("hypervisor", -r) : EXIT_SUCCESS;
}

static int server_start(struct start *start)
{
	const struct opts *opts = start->opts;

	start->loop = loop_new(NULL);
	if (!start->loop || loop_stop_on_signal(start->loop, SIGTERM) ||
		loop_stop_on_signal(start->loop, SIGINT))
		return fail("event loop", ENOMEM);
	start->hangup =
		evsignal_new(loop_base(start->loop), SIGHUP, on_hangup, start);
	if (!start->hangup || event_add(start->hangup, NULL))
		return fail("event loop", ENOMEM);
	start->host = opts->no_domains ? host_none_new(start->loop)
				       : host_xen_new(start->loop);
	if (!start->host)
		return fail("no hypervisor (see --no-domain-init)", errno);
	start->server = server_new_for(
		start->loop, start->host, (uint16_t)opts->own_domid);
	if (!start->server)
		return fail("store", ENOMEM);
	start->server->keep_orphans = opts->keep_orphans;
	start->server->priv_domid = (uint16_t)opts->priv_domid;
	start->server->own_port = (uint32_t)opts->own_port;
	return EXIT_SUCCESS;
}

/* The last of all: from here on nothing new can be had. */
static int confine_start(struct start *start)
{
	const struct confine how = {
		.conf_fd = start->conf.dir_fd,
		.trace_fd = start->server->trace.file.dir_fd,
		.rundir_fd = start->server->rundir_fd,
	};
	int r;

	sdnotify_keep();
	if (start->ready >= 0)
		start->null_fd = background_leave(syslog_path());
	if (start->opts->no_confine || !confine_possible())
		return EXIT_SUCCESS;
	r = confine(&how, &start->files);
	if (r)
		return fail("cannot give up rights (see --no-confine)", -r);
	if (!start->files)
		log_warn(NULL, "confine",
			"no landlock: no file can be opened from now on");
	return EXIT_SUCCESS;
}

static int serve(struct start *start)
{
	int r;

	if (start->ready >= 0)
		background_ready(start->ready, start->null_fd);
	sdnotify_send("READY=1\nSTATUS=serving the store");
	r = loop_run(start->loop);
	sdnotify_send("STOPPING=1");
	return r ? fail("loop", -r) : EXIT_SUCCESS;
}

/* Each prints what went wrong and returns the exit status then. */
static int (*const steps[])(struct start *start) = {
	server_start,
	limits_start,
	trace_start,
	host_start,
	listen_start,
	pid_file_start,
	confine_start,
};

int start_run(const struct opts *opts, int ready)
{
	struct start start = {.opts = opts,
		.ready = ready,
		.pid_file = PID_FILE_NONE,
		.conf = FILEAT_NONE,
		.conf_fd = -1,
		.files = true};
	int status = EXIT_SUCCESS;

	for (size_t i = 0; i < ARRAY_LEN(steps) && !status; i++)
		status = steps[i](&start);
	if (!status)
		status = serve(&start);
	pid_file_remove(&start.pid_file);
	if (start.server)
		server_free(start.server);
	if (start.hangup)
		event_free(start.hangup);
	talloc_free(start.host);
	talloc_free(start.loop);
	sdnotify_forget();
	log_syslog_close();
	fileat_fini(&start.conf);
	if (start.conf_fd >= 0)
		close(start.conf_fd);
	return status;
}
