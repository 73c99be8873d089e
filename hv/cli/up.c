/* SPDX-License-Identifier: MIT */
/*
 * up.c - hv up: a machine with its control domain
 *
 * DOC: What is left running
 *
 * hvd is started and goes to the background by itself.  The rest is done by a
 * child that stays: first it brings dom0 up and tells the waiting parent how
 * that went, then it is the machine's monitor (monitor.h).  It keeps the
 * connection through which dom0's daemons were started, so that those which
 * stay in the foreground live as long as it does.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <xenstore.h>

#include "hv/cli/monitor.h"
#include "hv/cli/paths.h"
#include "hv/cli/record.h"
#include "hv/cli/run.h"
#include "hv/cli/shared.h"

enum {
	CONSOLES_MAX = 8,
	BINDS_MAX = 64,
	STORE_SECONDS = 15, /* for the store to answer */
	STOP_SECONDS = 10,  /* for a machine that failed to end */
	DAEMON_MS = 2000,   /* a daemon goes to the background, or stays */
	POLL_MS = 10,
};

struct up {
	struct cli *cli;
	struct paths paths;
	const char *xenstored;
	const char *console[CONSOLES_MAX];
	const char *bind[BINDS_MAX], *env[BINDS_MAX];
	int console_nr, bind_nr, env_nr;
	struct machine m;
};

extern char **environ;

static int up_options(struct up *up, int argc, char **argv)
{
	static const struct option opts[] = {
		{"xenstored", required_argument, NULL, 'x'},
		{"console", required_argument, NULL, 'c'},
		{"bind", required_argument, NULL, 'b'},
		{"env", required_argument, NULL, 'e'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
		if (c == 'x')
			up->xenstored = optarg;
		else if (c == 'c' && up->console_nr < CONSOLES_MAX)
			up->console[up->console_nr++] = optarg;
		else if (c == 'b' && up->bind_nr < BINDS_MAX)
			up->bind[up->bind_nr++] = optarg;
		else if (c == 'e' && up->env_nr < BINDS_MAX)
			up->env[up->env_nr++] = optarg;
		else
			return cli_usage(up->cli);
	}
	return optind == argc ? CLI_OK : cli_usage(up->cli);
}

/* A folder that others could change is no place for a machine. */
static bool folder_ours(const char *path, bool only_us)
{
	struct stat st;

	if (lstat(path, &st)) {
		cli_error("%s: %s", path, strerror(errno));
		return false;
	}
	if (S_ISDIR(st.st_mode) &&
		(st.st_uid == geteuid() || (!only_us && st.st_uid == 0)) &&
		!(only_us && (st.st_mode & 077)))
		return true;
	cli_error("%s is not a folder of this user's alone", path);
	cli_hint("chmod 700 it, or choose another one with --dir");
	return false;
}

static bool make_folder(const char *path)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return true;
	cli_error("%s: %s", path, strerror(errno));
	return false;
}

static bool make_folders(const char *dir)
{
	static const char *const inside[] = {
		"dom0", "dom0/run", "dom0/log", "domains"};
	char path[PATH_MAX];
	char *slash;

	snprintf(path, sizeof(path), "%s", dir);
	for (slash = path + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (!make_folder(path))
			return false;
		*slash = '/';
	}
	if (!make_folder(dir))
		return false;
	slash = strrchr(path, '/');
	*slash = '\0';
	if (!folder_ours(dir, true) || !folder_ours(*path ? path : "/", false))
		return false;
	for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, inside[i]);
		if (!make_folder(path))
			return false;
	}
	return true;
}

/* What the last machine may have left. */
static bool clear_rests(const char *dir)
{
	uint32_t *domids;
	int nr, r = shared_clear(dir);

	if (r < 0) {
		cli_error("%s/dom0 cannot be cleared: %s", dir, strerror(-r));
		cli_hint("remove it, or choose another one with --dir");
		return false;
	}
	nr = record_list(dir, &domids);
	for (int i = 0; i < nr; i++)
		record_remove(dir, domids[i]);
	if (nr >= 0)
		free(domids);
	return true;
}

/* What hvd said before it went to the background, or ended. */
static void hvd_words(int fd, char *text, size_t cap)
{
	size_t len = 0;
	ssize_t n;

	while (len < cap - 1 && (n = read(fd, text + len, cap - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
}

/* Its words matter only when it fails: else they are in its log. */
static bool start_hvd(struct up *up)
{
	char *argv[] = {up->paths.hvd, (char *)(uintptr_t) "--dir",
		(char *)(uintptr_t)up->cli->dir, (char *)(uintptr_t) "--init",
		up->paths.init, NULL};
	posix_spawn_file_actions_t fa;
	char words[2048];
	int status, r, fd[2];
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC)) {
		cli_error("%s", strerror(errno));
		return false;
	}
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, fd[1], STDERR_FILENO);
	r = posix_spawn(&pid, up->paths.hvd, &fa, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	close(fd[1]);
	if (r) {
		close(fd[0]);
		cli_error("%s: %s", up->paths.hvd, strerror(r));
		return false;
	}
	hvd_words(fd[0], words, sizeof(words));
	close(fd[0]);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		fputs(words, stderr);
		cli_error("hvd did not start");
		cli_hint("%s/hvd.log may say why", up->cli->dir);
		return false;
	}
	return true;
}

/* The folder of a program, for those that dom0 would not see otherwise. */
static void bind_folder_of(struct strings *s, const char *program)
{
	char path[PATH_MAX];
	char *slash;

	if (!realpath(program, path))
		return;
	slash = strrchr(path, '/');
	if (!slash || slash == path)
		return;
	*slash = '\0';
	strings_add(s, "bind", path);
}

static bool build_dom0(struct up *up)
{
	struct strings s = {.buf = NULL};
	char path[PATH_MAX], why[1024];
	int r;

	strings_add(&s, "name", "Domain-0");
	strings_add(&s, "control", "1");
	strings_add(&s, "kernel", up->paths.kernel);
	strings_add(&s, "libdir", up->paths.libdir);
	strings_add(&s, "bindir", up->paths.bindir);
	snprintf(path, sizeof(path), "%s/dom0/run", up->cli->dir);
	strings_add(&s, "rundir", path);
	snprintf(path, sizeof(path), "%s/dom0/log", up->cli->dir);
	strings_add(&s, "logdir", path);
	bind_folder_of(&s, up->xenstored);
	for (int i = 0; i < up->console_nr; i++)
		bind_folder_of(&s, up->console[i]);
	for (int i = 0; i < up->bind_nr; i++)
		strings_add(&s, "bind", up->bind[i]);
	for (int i = 0; i < up->env_nr; i++)
		strings_add(&s, "env", up->env[i]);
	r = run_build(&up->m, 0, &s, why, sizeof(why));
	strings_fini(&s);
	if (r == 0)
		return true;
	cli_error("dom0 does not start: %s", why[0] ? why : strerror(-r));
	cli_hint("%s/hvd.log says more", up->cli->dir);
	return false;
}

static void nap(void)
{
	const struct timespec ts = {.tv_nsec = POLL_MS * 1000000L};

	nanosleep(&ts, NULL);
}

/* Has the daemon @id ended?  Then *@status says how. */
static bool daemon_ended(struct up *up, uint32_t id, int *status)
{
	struct pollfd p = {.fd = up->m.admin.fd, .events = POLLIN};
	struct hva_msg msg;

	if (!up->m.admin.has_exited && poll(&p, 1, 0) != 1)
		return false;
	if (admin_wait_exited(&up->m.admin, &msg) < 0) {
		*status = 1 << 8;
		return true;
	}
	*status = msg.value;
	return msg.id == id;
}

/*
 * oxenstored learns from its configuration where dom0's ring is, and ends
 * without.  Where the host has none for it, these are the lines it needs.
 */
#define OXENSTORED_CONF "/etc/xen/oxenstored.conf"

static bool daemon_config(struct up *up, const char *path, struct strings *s)
{
	static const char text[] = "xenstored-kva = /proc/xen/xsd_kva\n"
				   "xenstored-port = /proc/xen/xsd_port\n";
	const char *slash = strrchr(path, '/');
	bool written = false;
	int fd;

	if (strcmp(slash ? slash + 1 : path, "oxenstored") ||
		access(OXENSTORED_CONF, R_OK) == 0)
		return true;
	fd = shared_create(up->cli->dir, "run", "oxenstored.conf", false);
	if (fd >= 0) {
		written = write(fd, text, strlen(text)) == (int)strlen(text);
		close(fd);
	}
	if (fd < 0 || !written) {
		cli_error("%s/dom0/run/oxenstored.conf: %s", up->cli->dir,
			strerror(fd < 0 ? -fd : EIO));
		return false;
	}
	strings_add(s, "arg", "--config-file");
	strings_add(s, "arg", "/run/oxenstored.conf");
	return true;
}

/* Its input and output: the latter goes to dom0's log folder. */
static bool daemon_files(struct up *up, const char *name, int fd[2])
{
	char file[NAME_MAX + 1];

	fd[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (fd[0] < 0) {
		cli_error("/dev/null: %s", strerror(errno));
		return false;
	}
	snprintf(file, sizeof(file), "%.200s.out", name);
	fd[1] = shared_create(up->cli->dir, "log", file, true);
	if (fd[1] >= 0)
		return true;
	cli_error("%s/dom0/log/%s: %s", up->cli->dir, file, strerror(-fd[1]));
	close(fd[0]);
	return false;
}

/* Starts @path in dom0, as on a host. */
static bool daemon_start(
	struct up *up, const char *path, const char *name, uint32_t *id)
{
	struct strings s = {.buf = NULL};
	int fd[2], r = -ECANCELED;
	char arg[PATH_MAX];

	if (!daemon_files(up, name, fd))
		return false;
	strings_add(&s, "arg", path);
	strings_add(&s, "arg", "--pid-file");
	snprintf(arg, sizeof(arg), "/run/%s.pid", name);
	strings_add(&s, "arg", arg);
	strings_add(&s, "env", "XENSTORED_RUNDIR=/run/xenstored");
	if (daemon_config(up, path, &s)) {
		r = run_start(&up->m, 0, &s, (int[]){fd[0], fd[1], fd[1]}, id);
		if (r < 0)
			cli_error("%s: %s", path, strerror(-r));
	}
	strings_fini(&s);
	close(fd[0]);
	close(fd[1]);
	return r == 0;
}

static void daemon_failed(
	struct up *up, const char *path, const char *name, int status)
{
	cli_error("%s ended with %d", path, run_code(status));
	cli_hint("%s/dom0/log/%s.out says why", up->cli->dir, name);
}

static bool start_store(struct up *up)
{
	const char *path = up->xenstored;
	time_t end = time(NULL) + STORE_SECONDS;
	bool ended = false;
	unsigned int n;
	int status;
	uint32_t id;
	char **dir;

	if (!daemon_start(up, path, "xenstored", &id))
		return false;
	while (time(NULL) < end) {
		if (!ended && daemon_ended(up, id, &status)) {
			ended = true;
			if (status) {
				daemon_failed(up, path, "xenstored", status);
				return false;
			}
		}
		if (machine_store(&up->m)) {
			dir = xs_directory(up->m.xs, XBT_NULL, "/", &n);
			free(dir);
			if (dir)
				return true;
		}
		nap();
	}
	cli_error("%s does not answer after %d s", path, STORE_SECONDS);
	cli_hint("%s/dom0/log/xenstored.out may say why", up->cli->dir);
	return false;
}

static bool start_console(struct up *up, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	uint32_t id;
	int status;

	if (!daemon_start(up, path, name, &id))
		return false;
	for (int ms = 0; ms < DAEMON_MS; ms += POLL_MS) {
		if (daemon_ended(up, id, &status)) {
			if (status)
				daemon_failed(up, path, name, status);
			return status == 0;
		}
		nap();
	}
	return true;
}

/* What a host's boot leaves in the store about its first domain. */
static bool write_dom0(struct up *up)
{
	static const char *const nodes[][2] = {
		{"/local/domain/0/domid", "0"},
		{"/local/domain/0/name", "Domain-0"},
	};

	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		if (xs_write(up->m.xs, XBT_NULL, nodes[i][0], nodes[i][1],
			    (unsigned int)strlen(nodes[i][1])))
			continue;
		cli_error("the store refuses %s: %s", nodes[i][0],
			strerror(errno));
		return false;
	}
	return true;
}

static bool bring_up(struct up *up)
{
	if (!build_dom0(up) || !start_store(up) || !write_dom0(up))
		return false;
	for (int i = 0; i < up->console_nr; i++)
		if (!start_console(up, up->console[i]))
			return false;
	return true;
}

static void into_background(struct up *up)
{
	char path[PATH_MAX];
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), log;

	snprintf(path, sizeof(path), "%s/monitor.log", up->cli->dir);
	log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
	}
	if (log >= 0 || null >= 0)
		dup2(log >= 0 ? log : null, STDERR_FILENO);
	if (chdir("/"))
		cli_error("/: %s", strerror(errno));
}

/* What did not come up is not left half there. */
static void take_down(struct cli *cli)
{
	struct admin a;

	if (admin_open(&a, cli->dir) < 0)
		return;
	if (admin_ask(&a, HVA_STOP, 0) == 0)
		(void)!admin_wait_gone(&a, cli->dir, STOP_SECONDS);
	admin_close(&a);
}

/* The child: dom0, the word to the parent, then the monitor. */
static _Noreturn void stay(struct up *up, int fd)
{
	char code = CLI_FAILED;
	int r = CLI_OK;

	setsid();
	if (machine_open(&up->m, up->cli, 0, &r) && bring_up(up))
		code = CLI_OK;
	if (code == CLI_OK)
		into_background(up);
	else
		take_down(up->cli);
	if (write(fd, &code, 1) == 1 && code == CLI_OK) {
		close(fd);
		code = (char)monitor_run(&up->m, up->cli);
	}
	_exit(code);
}

/* hvd, and the child that stays; from here on there is something to undo. */
static int start_machine(struct up *up)
{
	char code = CLI_FAILED;
	int fd[2], n;

	if (pipe2(fd, O_CLOEXEC)) {
		cli_error("%s", strerror(errno));
		return CLI_FAILED;
	}
	if (!start_hvd(up)) {
		close(fd[0]);
		close(fd[1]);
		return CLI_FAILED;
	}
	switch (fork()) {
	case -1: cli_error("%s", strerror(errno)); break;
	case 0: close(fd[0]); stay(up, fd[1]);
	default: break;
	}
	close(fd[1]);
	while ((n = (int)read(fd[0], &code, 1)) < 0 && errno == EINTR)
		;
	close(fd[0]);
	if (n == 1)
		return code;
	/* there is no child, or it could not say how it went */
	take_down(up->cli);
	return CLI_FAILED;
}

int cmd_up(struct cli *cli, int argc, char **argv)
{
	static struct up up;
	struct admin a;
	int r;

	up.cli = cli;
	r = up_options(&up, argc, argv);
	if (r)
		return r;
	if (!paths_find(&up.paths))
		return CLI_NOT_FOUND;
	if (!up.xenstored)
		up.xenstored = up.paths.xenstored;
	if (access(up.xenstored, X_OK)) {
		cli_error("%s: %s", up.xenstored, strerror(errno));
		cli_hint("hv up --xenstored PATH takes another one");
		return CLI_NOT_FOUND;
	}
	umask(077);
	if (!make_folders(cli->dir))
		return CLI_REFUSED;
	r = admin_open(&a, cli->dir);
	if (r == -EPERM)
		return CLI_REFUSED;
	if (r == 0) {
		admin_close(&a);
		cli_error("a machine is up in %s", cli->dir);
		cli_hint("hv down stops it; --dir DIR makes another one");
		return CLI_FAILED;
	}
	if (!clear_rests(cli->dir))
		return CLI_FAILED;
	return start_machine(&up);
}
