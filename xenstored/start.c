/* SPDX-License-Identifier: MIT */
/* start.c - xenstored from its start to its end */
#include <errno.h>
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

#include "common/log.h"
#include "common/loop.h"
#include "common/macro.h"
#include "common/sdnotify.h"
#include "xenstored/background.h"
#include "xenstored/conf.h"
#include "xenstored/host.h"
#include "xenstored/opts.h"
#include "xenstored/server.h"
#include "xenstored/start.h"

#define RUNDIR "/var/run/xenstored"

/* On the stack of start_run(). */
struct start {
	const struct opts *opts;
	struct loop *loop;
	struct host *host;
	struct server *server;
	struct event *hangup;
	struct pid_file pid_file;
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

int start_check(const struct opts *opts)
{
	struct conf *conf;

	if (conf_load(opts, &conf))
		return EXIT_FAILURE;
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
	if (trace->name && (r = trace_reopen(trace)))
		log_error(NULL, "trace", "%s: %s", trace->name, strerror(-r));
	if (!conf_load(start->opts, &conf)) {
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
	r = conf_load(opts, &conf);
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

static int serve(struct start *start, int ready)
{
	int r;

	if (ready >= 0)
		background_ready(ready);
	sdnotify_send("READY=1");
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
};

int start_run(const struct opts *opts, int ready)
{
	struct start start = {.opts = opts};
	int status = EXIT_SUCCESS;

	for (size_t i = 0; i < ARRAY_LEN(steps) && !status; i++)
		status = steps[i](&start);
	if (!status)
		status = serve(&start, ready);
	pid_file_remove(&start.pid_file);
	if (start.server)
		server_free(start.server);
	if (start.hangup)
		event_free(start.hangup);
	talloc_free(start.host);
	talloc_free(start.loop);
	return status;
}
