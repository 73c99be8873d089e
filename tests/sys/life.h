/* SPDX-License-Identifier: MIT */
/*
 * life.h: one hv-init with the test as its hvd, for tests of domains
 *
 * Included by the test programs themselves: each has its own.
 */
#ifndef TESTS_SYS_LIFE_H
#define TESTS_SYS_LIFE_H
#include "tests/sys/hvd.h"
#include "tests/sys/play.h"
#include "tests/sys/walls.h"
#include "hv/proto/proto.h"
#include "tests/unit/bh_check.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define ALL_NAMESPACES                                               \
	(CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | \
		CLONE_NEWIPC | CLONE_NEWUTS)

static const struct play_deny bare
	__attribute__((unused)) = {.namespaces = ALL_NAMESPACES};
/* it has files of its own, but no pid namespace for a /proc in them */
static const struct play_deny no_pidns
	__attribute__((unused)) = {.namespaces = CLONE_NEWPID};

static struct play play;
static char out[65536], dir[64] __attribute__((unused));

static inline uid_t user_of(int i)
{
	return i == 0 ? (uid_t)-1 : 65534;
}

static inline bool user_skip(int i)
{
	char cmd[4096];

	if (i == 0)
		return false;
	if (geteuid() != 0)
		return true;
	snprintf(cmd, sizeof(cmd),
		"setpriv --reuid=65534 --regid=65534 --clear-groups "
		"test -x '%s/hv/init/hv-init' 2>/dev/null",
		build_dir());
	if (system(cmd) == 0)
		return false;
	fprintf(stderr, "not as another user: it cannot read this folder\n");
	return true;
}

/* Starts a domain that is to be ready; false: it lacks one of `need`. */
static inline bool begin_paused(const char *const *conf, size_t n,
	const struct play_deny *deny, uid_t uid, unsigned need)
{
	unsigned lacks;

	ck_assert_int_eq(play_start(&play, conf, n, deny, uid), 0);
	ck_assert_int_eq(play_expect(&play, HVB_READY), 0);
	ck_assert_int_ge(play.fd, 0);
	lacks = need & ~(unsigned)play.last.value;
	if (lacks)
		fprintf(stderr, "left out, missing %#x: %s", lacks, play.notes);
	return lacks == 0;
}

/* The same, and runs it, if its kernel is not to be the test's own. */
static inline bool begin(const char *const *conf, size_t n,
	const struct play_deny *deny, uid_t uid, unsigned need)
{
	bool has = begin_paused(conf, n, deny, uid, need);

	for (size_t i = 0; i < n; i++) {
		if (strncmp(conf[i], "kernel=", 7) == 0)
			return has;
	}
	ck_assert_int_eq(play_send(&play, HVB_RUN, 0, 0, NULL, 0, NULL, 0), 0);
	return has;
}

static inline int end(void)
{
	int status;

	ck_assert_int_eq(play_end(&play, &status), 0);
	return status;
}

static inline int run(const char *command)
{
	int status;

	ck_assert_int_eq(
		play_run(&play, command, out, sizeof(out), &status), 0);
	return status;
}

static inline void run_ok(const char *command)
{
	int status = run(command);

	ck_assert_msg(status == 0, "%s: status %#x: %s", command, status, out);
}

static const char *const plain[]
	__attribute__((unused)) = {"domid=1", "name=plain"};

#define PLAIN plain, sizeof(plain) / sizeof(plain[0])

static inline void dir_make(void)
{
	snprintf(dir, sizeof(dir), "/tmp/bulkhead-life.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chmod(dir, 0755), 0);
}

static inline void dir_remove(void)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
	ck_assert_int_eq(system(cmd), 0);
}

static inline void shell(const char *fmt, ...)
{
	char cmd[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	ck_assert_msg(system(cmd) == 0, "%s", cmd);
}

/* The process ids of hv-init's children, on the host. */
static inline pid_t child_of(pid_t pid)
{
	char path[64];
	int child = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid,
		(int)pid);
	f = fopen(path, "r");
	if (f) {
		if (fscanf(f, "%d", &child) != 1)
			child = 0;
		fclose(f);
	}
	return child;
}

#endif
