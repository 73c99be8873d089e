/* SPDX-License-Identifier: MIT */
/*
 * refused.c: what hv-init refuses, lacks, and limits, and how it says so
 */
#include "tests/sys/life.h"

static const struct {
	const char *conf;
	const char *why;
} wrong[] = {
	{"nonsense=1", "unknown"},
	{"domid=x", "domid="},
	{"bind=/nowhere/at/all", "/nowhere/at/all"},
	{"bindrw=/etc/no", "/etc/no"},
	{"rundir=/nowhere", "rundir="},
	{"kernel=/nowhere/hv-kernel", "kernel="},
	{"cpus=1000-1010", "cpus="},
};

enum { NR_WRONG = sizeof(wrong) / sizeof(wrong[0]) };

START_TEST(test_wrong)
{
	const char *conf[] = {"name=x", wrong[_i].conf};
	int status;

	ck_assert_int_eq(play_start(&play, conf, 2, NULL, (uid_t)-1), 0);
	ck_assert_int_eq(play_expect(&play, HVB_FAILED), 0);
	ck_assert_int_gt(play.last.value, 0);
	ck_assert_msg(
		strstr(play.text, wrong[_i].why) != NULL, "%s", play.text);
	ck_assert_int_eq(play_end(&play, &status), 0);
	ck_assert_int_ne(status, 0);
}
END_TEST

START_TEST(test_wrong_uid)
{
	const char *conf[] = {"uid=12345"};

	if (user_skip(1))
		return;
	ck_assert_int_eq(play_start(&play, conf, 1, NULL, 65534), 0);
	ck_assert_int_eq(play_expect(&play, HVB_FAILED), 0);
	ck_assert_int_eq(play.last.value, EPERM);
	end();
}
END_TEST

/* No guest is ever the host's root; the control domain may be. */
START_TEST(test_never_root)
{
	const char *conf[] = {"domid=1", "uid=0"};
	const char *control[] = {"domid=0", "control=1"};

	if (geteuid() != 0)
		return;
	ck_assert_int_eq(play_start(&play, conf, 2, NULL, (uid_t)-1), 0);
	ck_assert_int_eq(play_expect(&play, HVB_FAILED), 0);
	ck_assert_int_eq(play.last.value, EPERM);
	ck_assert_ptr_nonnull(strstr(play.text, "user of its own"));
	end();
	/* as root by name: nobody adds a uid= */
	ck_assert_int_eq(play_start(&play, conf, 1, NULL, 0), 0);
	ck_assert_int_eq(play_expect(&play, HVB_FAILED), 0);
	ck_assert_int_eq(play.last.value, EPERM);
	end();
	begin(control, 2, NULL, (uid_t)-1, 0);
	end();
}
END_TEST

static void ids_must_be(pid_t pid, unsigned uid)
{
	static const char *const names[] = {"Uid:", "Gid:"};
	char path[64], line[256];
	unsigned id[4], found = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, names[0], 4) && strncmp(line, names[1], 4))
			continue;
		ck_assert_int_eq(sscanf(line + 4, "%u %u %u %u", &id[0], &id[1],
					 &id[2], &id[3]),
			4);
		for (int i = 0; i < 4; i++)
			ck_assert_msg(id[i] == uid, "%d: %s", (int)pid, line);
		found++;
	}
	fclose(f);
	ck_assert_uint_eq(found, 2);
}

/*
 * A user namespace that is there and cannot be used: the map is refused, as
 * some systems do it, or uid 0 in it.  _i & 1: as that user from the start.
 */
START_TEST(test_denied_map)
{
	const struct play_deny deny = {
		.write = _i & 2 ? 0 : (int)strlen("0 65534 1"),
		.root = _i & 2,
	};
	const char *conf[] = {"domid=1", "uid=65534"};

	if (geteuid() != 0 || user_skip(_i & 1))
		return;
	begin(conf, 2, &deny, user_of(_i & 1), HVB_HAVE_SECCOMP);
	ck_assert_int_eq(play.last.value & HVB_HAVE_USERNS, 0);
	ck_assert_msg(strstr(play.notes, "no user namespace") != NULL, "%s",
		play.notes);
	ids_must_be(child_of(play.pid), 65534);
	run_ok("true");
	end();
}
END_TEST

/* Each namespace alone, and all: it lives, and says what it lacks. */
START_TEST(test_denied)
{
	static const struct {
		int flags;
		const char *note;
	} kinds[] = {
		{CLONE_NEWUSER, "no user namespace"},
		{CLONE_NEWNS, "no mount namespace"},
		{CLONE_NEWPID, "no pid namespace"},
		{CLONE_NEWNET, "no network namespace"},
		{CLONE_NEWIPC, "no ipc namespace"},
		{CLONE_NEWUTS, "no uts namespace"},
		{ALL_NAMESPACES, "no pid namespace"},
	};
	const struct play_deny deny = {.namespaces = kinds[_i / 2].flags};

	if (user_skip(_i & 1))
		return;
	begin(PLAIN, &deny, user_of(_i & 1), HVB_HAVE_SECCOMP);
	ck_assert_msg(strstr(play.notes, kinds[_i / 2].note) != NULL, "%s",
		play.notes);
	if (deny.namespaces == ALL_NAMESPACES)
		ck_assert_int_eq(play.last.value, HVB_HAVE_SECCOMP);
	run_ok("test -S ${HV_SOCKET:-/dev/xen/hv}");
	if (deny.namespaces & CLONE_NEWNS)
		run_ok("test -n \"$HV_XENBUS\" -a -n \"$XENSTORED_PATH\"");
	ck_assert_int_ne(run("unshare -n true"), 0);
	end();
}
END_TEST

/* As in a container that hides parts of /proc: a new one is not permitted. */
START_TEST(test_masked_proc)
{
	const char *control[] = {"domid=0", "control=1"};

	if (user_skip(1) || unshare(CLONE_NEWNS) < 0 ||
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("x", "/proc/driver", "tmpfs", 0, NULL) < 0)
		return;
	if (_i & 2)
		begin(control, 2, NULL, user_of(_i & 1), 0);
	else
		begin(PLAIN, NULL, user_of(_i & 1), 0);
	if (!(play.last.value & HVB_HAVE_PROC) &&
		(play.last.value & HVB_HAVE_MOUNTNS)) {
		ck_assert_msg(strstr(play.notes, "no /proc") != NULL, "%s",
			play.notes);
		/* not the host's instead */
		run_ok("test ! -e /proc/1 -a ! -e /proc/self");
		if (_i & 2)
			run_ok("test -f /proc/xen/xsd_kva");
	}
	end();
}
END_TEST

/* What arrives at the socket that hvd was given comes from the inside. */
START_TEST(test_socket)
{
	struct pollfd p;
	int fd;

	begin(PLAIN, _i ? &bare : NULL, (uid_t)-1, 0);
	p = (struct pollfd){.fd = play.fd, .events = POLLIN};
	ck_assert_int_eq(poll(&p, 1, 0), 0);
	run_ok("python3 -c 'import os, socket\n"
	       "s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n"
	       "s.connect(os.environ.get(\"HV_SOCKET\", \"/dev/xen/hv\"))\n"
	       "s.send(b\"hello\")'");
	fd = accept4(play.fd, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(read(fd, out, sizeof(out)), 5);
	close(fd);
	/* the next one is not waited for: hvd must never block on it */
	ck_assert_int_eq(accept(play.fd, NULL, NULL), -1);
	ck_assert_int_eq(errno, EAGAIN);
	end();
}
END_TEST

START_TEST(test_cpus)
{
	const char *conf[] = {"cpus=0"};

	begin(conf, 1, NULL, (uid_t)-1, HVB_HAVE_SECCOMP);
	run_ok("test $(nproc) = 1");
	ck_assert_int_ne(run("taskset -c 0-7 true"), 0);
	ck_assert_int_ne(run("taskset -pc 0-7 $$"), 0);
	end();
}
END_TEST

/* What is counted by user must leave something for hvd and the others. */
START_TEST(test_shares)
{
	const char *control[] = {"domid=0", "control=1"};
	unsigned long long half;
	char cmd[256];
	struct rlimit r;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &r), 0);
	if (user_skip(_i))
		return;
	half = (unsigned long long)r.rlim_max / 2;
	begin(PLAIN, NULL, user_of(_i), 0);
	snprintf(cmd, sizeof(cmd), "test $(ulimit -Hn) = %llu",
		half < 16384 ? half : 16384);
	run_ok(cmd);
	run_ok("test ! -e /proc/self/limits || "
	       "test $(sed -n 's/^Max pending signals *\\([0-9]*\\) .*/\\1/p' "
	       "/proc/self/limits) -le 2048");
	run_ok("test ! -e /proc/self/oom_score_adj || "
	       "grep -qx 500 /proc/self/oom_score_adj");
	/* a fork bomb ends at the domain's own limit */
	if (user_of(_i) != (uid_t)-1)
		run_ok("test $(ulimit -Hp 2>/dev/null || ulimit -Hu) -le 2048");
	end();
	begin(control, 2, NULL, user_of(_i), 0);
	snprintf(cmd, sizeof(cmd), "test $(ulimit -Hn) = %llu",
		(unsigned long long)r.rlim_max);
	run_ok(cmd);
	end();
}
END_TEST

START_TEST(test_unstarted)
{
	char cmd[4096];

	snprintf(cmd, sizeof(cmd),
		"'%s/hv/init/hv-init' 3<&- 4<&- 2>&1 | grep -q 'started by'",
		build_dir());
	ck_assert_int_eq(system(cmd), 0);
}
END_TEST

BH_CHECK_MAIN("refused", 60, BH_LOOP(test_wrong, NR_WRONG),
	BH_TEST(test_wrong_uid), BH_TEST(test_never_root),
	BH_LOOP(test_denied_map, 4), BH_LOOP(test_denied, 14),
	BH_LOOP(test_masked_proc, 4), BH_LOOP(test_socket, 2),
	BH_TEST(test_cpus), BH_LOOP(test_shares, 2), BH_TEST(test_unstarted))
