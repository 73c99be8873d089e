// SPDX-License-Identifier: MIT
/*
 * life.c: a domain's life as hv-init runs it, with the test as its hvd
 *
 * Run by root, each test is run a second time as an ordinary user.  What
 * needs namespaces is left out, and said, where they are not permitted.
 */
#include "tests/sys/life.h"

START_TEST(test_isolated)
{
	const unsigned need = HVB_HAVE_MOUNTNS | HVB_HAVE_PIDNS |
			      HVB_HAVE_NETNS | HVB_HAVE_PROC | HVB_HAVE_SECCOMP;

	if (user_skip(_i))
		return;
	if (begin(PLAIN, NULL, user_of(_i), need)) {
		/* processes: hv-init and ourselves */
		run_ok("test $$ -lt 10 && test $(ls -d /proc/[0-9]* | wc -l) "
		       "-lt 6 && kill -0 1");
		/* everybody but the first, whom nobody inside can end */
		run_ok("kill -9 -1; kill -9 1; kill -STOP 1; true");
		run_ok("kill -0 1");
		/* network: a loopback that is up, and nothing else */
		run_ok("test $(grep -c : /proc/net/dev) = 1");
		run_ok("grep -q lo: /proc/net/dev");
		/* files */
		ck_assert_int_ne(run("echo x 2>&1 >/usr/x || exit 1"), 0);
		ck_assert_ptr_nonnull(strstr(out, "ead-only"));
		ck_assert_int_ne(run("echo x >/etc/x"), 0);
		run_ok("test ! -e /home -a ! -e /root -a ! -e /sys -a "
		       "! -e /mnt");
		run_ok("test -z \"$(ls -A /tmp /var/lib/xen /var/log/xen "
		       "| grep -v :)\"");
		run_ok("test ! -e /proc/xen");
		ck_assert_int_ne(run("echo 1 >/proc/sys/vm/drop_caches"), 0);
		ck_assert_int_ne(run("echo h >/proc/sysrq-trigger"), 0);
		/* hv-init's own memory and descriptors */
		ck_assert_int_ne(run("cat /proc/1/environ"), 0);
		ck_assert_int_ne(run("head -c1 /proc/1/mem"), 0);
		ck_assert_int_ne(run("cat <&3"), 0);
		ck_assert_int_ne(run("readlink /proc/1/fd/3"), 0);
		/* nothing can be got back */
		ck_assert_int_ne(run("mount -t tmpfs x /tmp"), 0);
		ck_assert_int_ne(run("unshare -U true"), 0);
		ck_assert_int_ne(run("umount /usr"), 0);
		ck_assert_int_ne(run("mknod /tmp/mem c 1 1"), 0);
	}
	end();
}
END_TEST

START_TEST(test_usable)
{
	if (user_skip(_i))
		return;
	if (begin(PLAIN, NULL, user_of(_i), HVB_HAVE_MOUNTNS)) {
		run_ok("echo x >/dev/null && head -c4 /dev/zero | wc -c | "
		       "grep -qx 4 && head -c8 /dev/urandom >/dev/null");
		ck_assert_int_ne(run("echo x >/dev/full"), 0);
		run_ok("echo x >/tmp/a && echo x >/run/a && "
		       "echo x >/var/tmp/a && echo x >/dev/shm/a");
		run_ok("test -d /run/xenstored -a -d /run/xen -a "
		       "-d /run/lock -a -d /var/run/xen");
		run_ok("test -S /dev/xen/hv");
		run_ok("test \"$(id -u)\" = 0 -a \"$HOME\" = /tmp");
		run_ok("case $PATH in */usr/bin*) ;; *) false; esac");
		run_ok("test -z \"$HV_SOCKET\"");
		/* stdio through /dev, where there is a /proc */
		run_ok("test ! -e /proc/self/fd || "
		       "echo x 2>/tmp/e >/dev/stderr");
		run_ok("ulimit -c | grep -qx 0");
	}
	end();
}
END_TEST

START_TEST(test_status)
{
	const struct {
		struct hvb_msg head;
		char more[4];
	} longer = {.head.len = 5};
	int null;

	if (user_skip(_i))
		return;
	begin(PLAIN, NULL, user_of(_i), 0);
	ck_assert_int_eq(WEXITSTATUS(run("exit 7")), 7);
	ck_assert_int_eq(WTERMSIG(run("kill -SEGV $$")), SIGSEGV);
	/* one that cannot be run says so where its errors go */
	ck_assert_int_eq(WEXITSTATUS(run("exec /nowhere")), 127);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	ck_assert_int_eq(play_send(&play, HVB_EXEC, 5, 0, "arg=/nowhere", 13,
				 (int[]){null, null, null}, 3),
		0);
	ck_assert_int_eq(play_expect(&play, HVB_EXITED), 0);
	ck_assert_int_eq(WEXITSTATUS(play.last.value), 127);
	ck_assert_int_eq(play_send(&play, HVB_EXEC, 6, 0, "arg=/etc/passwd", 16,
				 (int[]){null, null, null}, 3),
		0);
	ck_assert_int_eq(play_expect(&play, HVB_EXITED), 0);
	ck_assert_int_eq(WEXITSTATUS(play.last.value), 126);
	/* malformed: no command, two descriptors; each is answered */
	ck_assert_int_eq(play_send(&play, HVB_EXEC, 7, 0, "env=A=b", 8,
				 (int[]){null, null, null}, 3),
		0);
	ck_assert_int_eq(play_expect(&play, HVB_EXITED), 0);
	ck_assert_int_eq(play.last.id, 7);
	ck_assert_int_eq(play_send(&play, HVB_EXEC, 8, 0, "arg=true", 9,
				 (int[]){null, null}, 2),
		0);
	ck_assert_int_eq(play_expect(&play, HVB_EXITED), 0);
	ck_assert_int_eq(play.last.id, 8);
	ck_assert_ptr_nonnull(strstr(play.notes, "no command"));
	close(null);
	/* a length that is not the message's, and an unknown type */
	ck_assert_int_eq(
		send(play.sock, &longer, sizeof(longer), 0), sizeof(longer));
	ck_assert_int_eq(play_send(&play, 63, 0, 0, NULL, 0, NULL, 0), 0);
	run_ok("true");
	ck_assert_ptr_nonnull(strstr(play.notes, "malformed"));
	ck_assert_ptr_nonnull(strstr(play.notes, "unknown message 63"));
	end();
}
END_TEST

START_TEST(test_exec_environment)
{
	static const char text[] = "arg=sh\0arg=-c\0"
				   "arg=test \"$A$B$C\" = 1xz -a $PWD = /usr\0"
				   "env=B=x\0env=C=z\0cwd=/usr";
	const char *conf[] = {"domid=1", "env=A=1", "env=B=2", "cwd=/etc"};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	begin(conf, 4, NULL, (uid_t)-1, 0);
	ck_assert_int_eq(play_send(&play, HVB_EXEC, 5, 0, text, sizeof(text),
				 (int[]){null, null, null}, 3),
		0);
	ck_assert_int_eq(play_expect(&play, HVB_EXITED), 0);
	ck_assert_int_eq(play.last.value, 0);
	/* and nothing of ours: three descriptors, no variable, no signal */
	run_ok("test ! -e /proc/self/fd || test \"$(ls /proc/self/fd | tr -d "
	       "'\\n')\" = 0123");
	run_ok("test -z \"$BH_BUILDDIR\"");
	run_ok("test ! -e /proc/self/status || "
	       "! grep -E 'Sig(Blk|Ign):.*[1-9a-f]' /proc/self/status");
	close(null);
	end();
}
END_TEST

/* The variables that say where a domain's sockets are. */
START_TEST(test_callers_environment)
{
	const char *control[] = {"domid=0", "control=1"};

	setenv("HV_SOCKET", "/wrong", 1);
	setenv("HV_XENBUS", "/wrong", 1);
	setenv("XENSTORED_PATH", "/wrong", 1);
	if (_i & 1)
		begin(control, 2, _i & 2 ? &bare : NULL, (uid_t)-1, 0);
	else
		begin(PLAIN, _i & 2 ? &bare : NULL, (uid_t)-1, 0);
	run_ok("case \"$HV_SOCKET$HV_XENBUS$XENSTORED_PATH\" in "
	       "*wrong*) false; esac");
	end();
}
END_TEST

/* _i & 1: as another user; _i & 2: without the new mount calls. */
START_TEST(test_bind)
{
	const struct play_deny attr = {.mount_attr = true};
	char ro[128], rw[128], deep[128], file[128], cmd[512];
	const char *conf[] = {"domid=1", ro, rw, deep, file};
	const uid_t uid = user_of(_i & 1);

	if (user_skip(_i & 1))
		return;
	dir_make();
	shell("cd %s && mkdir -p ro rw 'ro/a b' x/y/z && echo 1 >ro/f && "
	      "echo 2 >x/y/z/f && echo 3 >file && chmod 1777 rw",
		dir);
	snprintf(ro, sizeof(ro), "bind=%s/ro", dir);
	snprintf(rw, sizeof(rw), "bindrw=%s/rw", dir);
	snprintf(deep, sizeof(deep), "bind=%s/x/y/z", dir);
	snprintf(file, sizeof(file), "bind=%s/file", dir);
	if (begin(conf, 5, _i & 2 ? &attr : NULL, uid, HVB_HAVE_MOUNTNS)) {
		snprintf(cmd, sizeof(cmd),
			"cd %s && grep -qx 1 ro/f && grep -qx 2 x/y/z/f && "
			"grep -qx 3 file && ! touch ro/g && ! touch x/y/z/g && "
			"! sh -c 'echo >file' && touch rw/g && "
			"! grep /rw/ /proc/1/root",
			dir);
		run_ok(cmd);
		ck_assert_int_ne(run("touch /usr/x /etc/x"), 0);
		shell("test -f %s/rw/g -a ! -e %s/ro/g", dir, dir);
	}
	end();
	dir_remove();
}
END_TEST

/* A folder that the domain's user cannot walk to on the host. */
START_TEST(test_bind_hidden)
{
	char bind[128], cmd[256];
	const char *conf[] = {"domid=1", "uid=65534", bind};

	if (geteuid() != 0)
		return;
	dir_make();
	shell("mkdir %s/in && chmod 755 %s/in && echo 1 >%s/in/f && "
	      "chmod 644 %s/in/f && chmod 700 %s",
		dir, dir, dir, dir, dir);
	snprintf(bind, sizeof(bind), "bind=%s/in", dir);
	if (begin(conf, 3,
		    _i ? &(struct play_deny){.namespaces = CLONE_NEWUSER}
		       : NULL,
		    (uid_t)-1, HVB_HAVE_MOUNTNS)) {
		snprintf(cmd, sizeof(cmd), "grep -qx 1 %s/in/f", dir);
		run_ok(cmd);
		/* the host's root it is not */
		ck_assert_int_ne(run("cat /etc/shadow"), 0);
		run_ok("touch /run/x /tmp/x /var/lib/xen/x");
		run_ok("grep -q 'CapBnd:.*0000000000000000' /proc/self/status");
	}
	end();
	dir_remove();
}
END_TEST

START_TEST(test_control)
{
	char rundir[128], logdir[128];
	const char *conf[] = {"domid=0", "control=1", rundir, logdir};

	if (user_skip(_i))
		return;
	dir_make();
	shell("mkdir -m 0777 %s/run %s/log && echo seen >%s/file", dir, dir,
		dir);
	snprintf(rundir, sizeof(rundir), "rundir=%s/run", dir);
	snprintf(logdir, sizeof(logdir), "logdir=%s/log", dir);
	if (begin(conf, 4, NULL, user_of(_i), HVB_HAVE_MOUNTNS)) {
		run_ok("grep -qx control_d /proc/xen/capabilities");
		run_ok("test $(wc -c </proc/xen/xsd_kva) = 4096");
		run_ok("echo 5 >/proc/xen/xsd_port && "
		       "printf x | dd conv=notrunc of=/proc/xen/xsd_kva "
		       "2>/dev/null");
		run_ok("test -z \"$(ls -A /tmp)\"");
		run_ok("echo 1 >/run/xenstored/pid && echo 2 >/var/log/xen/l "
		       "&& echo 3 >/var/run/xen/x");
		run_ok("test -d /home -a -d /root -a -d /sys");
		ck_assert_int_ne(run("touch /home/x"), 0);
		ck_assert_int_ne(run("touch /srv/x"), 0);
		ck_assert_int_ne(run("echo x >/sys/kernel/mm/ksm/run 2>&1"), 0);
		shell("grep -qx 1 %s/run/xenstored/pid && "
		      "grep -qx 2 %s/log/l && grep -qx 3 %s/run/xen/x",
			dir, dir, dir);
	}
	if (play.last.value && access("/proc/self", F_OK) == 0) {
		/* /proc works through its links */
		run_ok("test ! -e /proc/self/status || "
		       "{ grep -q . /proc/$$/status && "
		       "test -e /proc/self/fd/0 && grep -q . /proc/mounts && "
		       "test $(cat /proc/sys/kernel/pid_max) -ge 8192; }");
		ck_assert_int_ne(run("echo 1 >/proc/sys/vm/drop_caches"), 0);
	}
	end();
	dir_remove();
}
END_TEST

static void kernel_write(const char *body)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/kernel", dir);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fprintf(f, "#!/bin/sh\n%s\n", body);
	ck_assert_int_eq(fchmod(fileno(f), 0755), 0);
	ck_assert_int_eq(fclose(f), 0);
}

/* HVB_RUN, with one end of a socket pair as the session; returns the other. */
static int run_start(void)
{
	int sv[2];

	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	ck_assert_int_eq(
		play_send(&play, HVB_RUN, 0, 0, NULL, 0, &sv[1], 1), 0);
	close(sv[1]);
	return sv[0];
}

static bool wait_file(const char *name)
{
	const struct timespec moment = {.tv_nsec = 5000000};
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	for (int i = 0; i < 1000; i++) {
		if (access(path, F_OK) == 0)
			return true;
		nanosleep(&moment, NULL);
	}
	return false;
}

static bool has_file(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return access(path, F_OK) == 0;
}

static char conf_kernel[128], conf_dir[128], conf_command[512];
static const char *conf_run[] = {"domid=1", "arg=sh", "arg=-c", conf_command,
	conf_kernel, conf_dir, "console=1"};

static void run_prepare(const char *kernel, const char *command)
{
	dir_make();
	ck_assert_int_eq(chmod(dir, 0777), 0);
	kernel_write(kernel);
	snprintf(conf_kernel, sizeof(conf_kernel), "kernel=%s/kernel", dir);
	snprintf(conf_dir, sizeof(conf_dir), "bindrw=%s", dir);
	snprintf(conf_command, sizeof(conf_command), "arg=cd %s; %s", dir,
		command);
}

/* The command waits for the kernel, which has its session and console. */
START_TEST(test_run)
{
	char byte;
	int fd;

	if (user_skip(_i & 1))
		return;
	run_prepare("cd $(dirname $0); echo hello >&3; sleep 0.3; "
		    "test ! -e cmd && printf R >&5; "
		    "read line <&6; echo \"$line\" >got; "
		    "printf 'answer\\n' >&6; exec sleep 100",
		"touch cmd; echo from-command; read x; echo \"$x\" >read; "
		"test -t 0 && touch tty; exit 3");
	begin(conf_run, 7, _i & 2 ? &bare : NULL, user_of(_i & 1), 0);
	fd = run_start();
	ck_assert_int_eq(read(fd, &byte, 1), 1);
	ck_assert_int_eq(play_expect(&play, HVB_COMMAND_DIED), 0);
	ck_assert_int_eq(WEXITSTATUS(play.last.value), 3);
	shell("grep -q from-command %s/got && grep -q answer %s/read", dir,
		dir);
	/* a second one is not started */
	close(run_start());
	run_ok("true");
	ck_assert_ptr_nonnull(strstr(play.notes, "runs already"));
	end();
	/* the kernel held the other end of the session until now */
	while (read(fd, &byte, 1) > 0)
		;
	close(fd);
	dir_remove();
}
END_TEST

START_TEST(test_kernel_dies)
{
	int fd;

	run_prepare("exit 9", "touch cmd");
	begin(conf_run, 7, NULL, (uid_t)-1, 0);
	fd = run_start();
	ck_assert_int_eq(play_expect(&play, HVB_KERNEL_DIED), 0);
	ck_assert_int_eq(WEXITSTATUS(play.last.value), 9);
	/* without a kernel there is no command, and no second notice */
	run_ok("sleep 0.1");
	ck_assert(!has_file("cmd"));
	close(fd);
	end();
	dir_remove();
}
END_TEST

/*
 * A program that comes before the domain was ever run waits for that, and for
 * its kernel to serve, if it has one.  _i & 2: it has none; & 4: bare.
 */
START_TEST(test_exec_paused)
{
	const bool kernel = !(_i & 2);
	int null, fd = -1;

	if (user_skip(_i & 1))
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	run_prepare("cd $(dirname $0); sleep 0.2; touch serves; printf R >&5; "
		    "exec sleep 100",
		"sleep 100");
	begin_paused((const char *[]){"domid=1", conf_dir, conf_kernel},
		kernel ? 3 : 2, _i & 4 ? &no_pidns : NULL, user_of(_i & 1), 0);
	snprintf(out, sizeof(out),
		"cd %s; test %s serves && touch good; "
		"touch begun",
		dir, kernel ? "-e" : "! -e");
	ck_assert_int_eq(
		play_exec(&play, 1, out, (int[]){null, null, null}), 0);
	/* nor by a pause that ends, or a signal */
	ck_assert_int_eq(play_send(&play, HVB_STOP, 0, 0, NULL, 0, NULL, 0), 0);
	ck_assert_int_eq(play_send(&play, HVB_CONT, 0, 0, NULL, 0, NULL, 0), 0);
	ck_assert_int_eq(
		play_send(&play, HVB_SIGNAL, 1, SIGCONT, NULL, 0, NULL, 0), 0);
	usleep(200000);
	ck_assert(!has_file("begun"));
	if (kernel)
		fd = run_start();
	else
		ck_assert_int_eq(
			play_send(&play, HVB_RUN, 0, 0, NULL, 0, NULL, 0), 0);
	ck_assert_int_eq(play_expect(&play, HVB_EXITED), 0);
	ck_assert(has_file("good"));
	if (fd >= 0)
		close(fd);
	close(null);
	end();
	dir_remove();
}
END_TEST

static unsigned notes_count(const char *what)
{
	unsigned n = 0;

	for (const char *s = play.notes; (s = strstr(s, what)) != NULL; s++)
		n++;
	return n;
}

/* What the kernel says is told, before its end is; but not all of it. */
START_TEST(test_kernel_words)
{
	int fd;

	if (user_skip(_i & 1))
		return;
	run_prepare("echo to-one; echo to-two >&2; printf 'a\\033b\\tc\\n'; "
		    "i=0; while test $i -lt 500; do echo line$i; "
		    "i=$((i + 1)); sleep 0.001; done; "
		    "head -c 3000 /dev/zero; printf last; exit 9",
		"true");
	begin(conf_run, 7, _i & 2 ? &bare : NULL, user_of(_i & 1), 0);
	fd = run_start();
	ck_assert_int_eq(play_expect(&play, HVB_KERNEL_DIED), 0);
	ck_assert_int_eq(WEXITSTATUS(play.last.value), 9);
	ck_assert_ptr_nonnull(strstr(play.notes, "kernel: to-one\n"));
	ck_assert_ptr_nonnull(strstr(play.notes, "kernel: to-two\n"));
	ck_assert_ptr_nonnull(strstr(play.notes, "kernel: a\\x1bb\\x09c\n"));
	ck_assert_ptr_nonnull(strstr(play.notes, "kernel: line16\n"));
	ck_assert_uint_lt(notes_count("kernel: line"), 30);
	ck_assert_ptr_nonnull(strstr(play.notes, "lines were left out\n"));
	close(fd);
	end();
	dir_remove();
}
END_TEST

/* Long ones come in pieces, and the one that has no end at its end. */
START_TEST(test_kernel_long_words)
{
	int fd;

	run_prepare("head -c 1000 /dev/zero | tr '\\0' x; printf last; exit 9",
		"true");
	begin(conf_run, 7, NULL, (uid_t)-1, 0);
	fd = run_start();
	ck_assert_int_eq(play_expect(&play, HVB_KERNEL_DIED), 0);
	ck_assert_uint_eq(notes_count("kernel: xxx"), 3);
	ck_assert_ptr_nonnull(strstr(play.notes, "xlast\n"));
	close(fd);
	end();
	dir_remove();
}
END_TEST

/* 'T': the command gets SIGTERM, and the kernel sees when it has ended. */
START_TEST(test_ending)
{
	int fd;

	run_prepare("cd $(dirname $0); trap '' PIPE; printf R >&5; "
		    "until test -e ready; do sleep 0.02; done; printf T >&5; "
		    "while printf x >&5 2>/dev/null; do sleep 0.02; done; "
		    "test -e ended && touch seen; exit 0",
		_i ? "touch ready; exec 0<&-; sleep 0.2; touch ended"
		   : "trap 'touch ended; exit 4' TERM; touch ready; "
		     "while :; do sleep 0.05; done");
	begin(conf_run, 7, NULL, (uid_t)-1, 0);
	fd = run_start();
	/* the command's end is the kernel's to tell: by the pipe */
	ck_assert_int_eq(play_expect(&play, HVB_KERNEL_DIED), 0);
	if (_i == 0)
		ck_assert(has_file("seen"));
	close(fd);
	end();
	dir_remove();
}
END_TEST

/* _i & 2: without any namespace; & 4: without that of processes. */
START_TEST(test_stop)
{
	char mark[128], bind[128];
	const char *conf[] = {"domid=1", bind};
	struct stat a, b;
	int null;

	if (user_skip(_i & 1))
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	dir_make();
	ck_assert_int_eq(chmod(dir, 0777), 0);
	snprintf(mark, sizeof(mark), "%s/mark", dir);
	snprintf(bind, sizeof(bind), "bindrw=%s", dir);
	begin(conf, 2,
		_i & 4   ? &no_pidns
		: _i & 2 ? &bare
			 : NULL,
		user_of(_i & 1), 0);
	snprintf(out, sizeof(out),
		"cd %s; sh -c 'setsid sh -c \"while echo x >>mark; do "
		"sleep 0.01; done\" & exec sleep 1000'",
		dir);
	ck_assert_int_eq(
		play_exec(&play, 1, out, (int[]){null, null, null}), 0);
	ck_assert(wait_file("mark"));
	ck_assert_int_eq(play_send(&play, HVB_STOP, 0, 0, NULL, 0, NULL, 0), 0);
	usleep(100000);
	ck_assert_int_eq(stat(mark, &a), 0);
	/* one that is started while it is stopped does not begin */
	snprintf(out, sizeof(out), "touch %s/late", dir);
	ck_assert_int_eq(
		play_exec(&play, 2, out, (int[]){null, null, null}), 0);
	usleep(200000);
	ck_assert_int_eq(stat(mark, &b), 0);
	ck_assert_int_eq(a.st_size, b.st_size);
	ck_assert(!has_file("late"));
	ck_assert_int_eq(play_send(&play, HVB_CONT, 0, 0, NULL, 0, NULL, 0), 0);
	ck_assert_int_eq(play_expect(&play, HVB_EXITED), 0);
	ck_assert_int_eq(play.last.id, 2);
	ck_assert(has_file("late"));
	usleep(100000);
	ck_assert_int_eq(stat(mark, &b), 0);
	ck_assert_int_gt(b.st_size, a.st_size);
	/* signals go to the process group; nonsense ones nowhere */
	for (int sig = -1; sig < 100; sig += 98)
		ck_assert_int_eq(
			play_send(&play, HVB_SIGNAL, 1, sig, NULL, 0, NULL, 0),
			0);
	ck_assert_int_eq(
		play_send(&play, HVB_SIGNAL, 1, SIGINT, NULL, 0, NULL, 0), 0);
	ck_assert_int_eq(play_expect(&play, HVB_EXITED), 0);
	ck_assert_int_eq(play.last.id, 1);
	ck_assert_int_eq(WTERMSIG(play.last.value), SIGINT);
	close(null);
	end();
	dir_remove();
}
END_TEST

static off_t size_of(const char *name)
{
	char path[256];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	ck_assert_int_eq(stat(path, &st), 0);
	return st.st_size;
}

/*
 * A group of processes that is orphaned while it stands gets SIGCONT from
 * Linux.  _i & 2: without a pid namespace.
 */
START_TEST(test_stop_orphan)
{
	const bool alone = _i & 2;
	char bind[128];
	const char *conf[] = {"domid=1", bind};
	int null;
	off_t size;

	if (user_skip(_i & 1))
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	dir_make();
	ck_assert_int_eq(chmod(dir, 0777), 0);
	snprintf(bind, sizeof(bind), "bindrw=%s", dir);
	begin(conf, 2, alone ? &no_pidns : NULL, user_of(_i & 1), 0);
	snprintf(out, sizeof(out),
		"cd %s; exec perl -e 'if (!fork) { $SIG{HUP} = \"IGNORE\"; "
		"setpgrp(0, 0); while (1) { open(F, \">>mark\"); "
		"print F \"x\"; close F; select(undef, undef, undef, .01) } "
		"} sleep 1000'",
		dir);
	ck_assert_int_eq(
		play_exec(&play, 1, out, (int[]){null, null, null}), 0);
	ck_assert(wait_file("mark"));
	ck_assert_int_eq(play_send(&play, HVB_STOP, 0, 0, NULL, 0, NULL, 0), 0);
	usleep(100000);
	ck_assert_int_eq(
		play_send(&play, HVB_SIGNAL, 1, SIGKILL, NULL, 0, NULL, 0), 0);
	ck_assert_int_eq(play_expect(&play, HVB_EXITED), 0);
	usleep(alone ? 1500000 : 500000);
	size = size_of("mark");
	usleep(300000);
	ck_assert_int_eq(size_of("mark"), size);
	ck_assert_int_eq(play_send(&play, HVB_CONT, 0, 0, NULL, 0, NULL, 0), 0);
	usleep(200000);
	ck_assert_int_gt(size_of("mark"), size);
	close(null);
	end();
	dir_remove();
}
END_TEST

/*
 * However hv-init ends, nothing is left: _i & 4: hvd goes; & 8: SIGKILL to the
 * outer process; & 12 == 0: SIGKILL to the inner one; & 16: without a pid
 * namespace.
 */
START_TEST(test_nothing_left)
{
	char mark[64], command[512];
	int null, left = -1;

	if (user_skip(_i & 1))
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	dir_make();
	ck_assert_int_eq(chmod(dir, 0777), 0);
	setenv("XDG_RUNTIME_DIR", dir, 1);
	begin(PLAIN,
		_i & 16  ? &no_pidns
		: _i & 2 ? &bare
			 : NULL,
		user_of(_i & 1), 0);
	/* a number that nobody else sleeps for */
	snprintf(mark, sizeof(mark), "sleep 1%d.%03d", (int)getpid(), _i);
	snprintf(command, sizeof(command),
		"trap '' TERM HUP INT; setsid %s & setsid sh -c '%s & %s' & "
		"(%s &) & wait",
		mark, mark, mark, mark);
	ck_assert_int_eq(
		play_exec(&play, 1, command, (int[]){null, null, null}), 0);
	close(null);
	for (int i = 0; i < 400 && play_count(mark) < 6; i++)
		usleep(5000);
	ck_assert_int_ge(play_count(mark), 5);
	if (_i & 8)
		kill(play.pid, SIGKILL);
	else if (!(_i & 4))
		kill(child_of(play.pid), SIGKILL);
	end();
	for (int i = 0; i < 600 && left != 0; i++) {
		left = play_count(mark);
		usleep(5000);
	}
	ck_assert_int_eq(left, 0);
	/* nor the folder that stood in for /dev/xen */
	shell("for i in $(seq 100); do test -z \"$(ls -A %s)\" && exit 0; "
	      "sleep 0.02; done; exit 1",
		dir);
	dir_remove();
}
END_TEST

BH_CHECK_MAIN("life", 60, BH_LOOP(test_isolated, 2), BH_LOOP(test_usable, 2),
	BH_LOOP(test_status, 2), BH_TEST(test_exec_environment),
	BH_LOOP(test_callers_environment, 4), BH_LOOP(test_bind, 4),
	BH_LOOP(test_bind_hidden, 2), BH_LOOP(test_control, 2),
	BH_LOOP(test_run, 4), BH_TEST(test_kernel_dies),
	BH_LOOP(test_kernel_words, 4), BH_TEST(test_kernel_long_words),
	BH_LOOP(test_ending, 2), BH_LOOP(test_exec_paused, 8),
	BH_LOOP(test_stop, 6), BH_LOOP(test_stop_orphan, 4),
	BH_LOOP(test_nothing_left, 28))
