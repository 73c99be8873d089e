// SPDX-License-Identifier: MIT
/*
 * test_xs_confine.c: what xenstored may not do when it serves, tried from
 * inside; and what it may
 *
 * Each try is made in a child.  Arguments are such that the call would answer
 * something else than EPERM, or do no harm, if it got through.
 */
#include <errno.h>
#include <poll.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "common/fileat.h"
#include "common/macro.h"
#include "tests/unit/bh_check.h"
#include "xenstored/confine.h"

static char dir[] = "/tmp/test_xs_confine.XXXXXX";
static char path[128];

static const char *in(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void put(const char *name, const char *text)
{
	FILE *f = fopen(in(name), "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

static void setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(mkdir(in("conf"), 0700), 0);
	ck_assert_int_eq(mkdir(in("trace"), 0700), 0);
	ck_assert_int_eq(mkdir(in("run"), 0700), 0);
	put("conf/conf", "x");
	put("trace/trace", "x");
	put("run/socket", "x");
	put("secret", "x");
}

static void teardown(void)
{
	char command[160];

	snprintf(command, sizeof(command), "rm -r %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static int folder(const char *name)
{
	int fd = open(in(name), O_PATH | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

/* What was open before; "files" is false without Landlock. */
struct inside {
	int conf, trace, run, secret;
	bool files;
};

/* From here on as on a kernel that has none. */
static int landlock_forget(void)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	int r = -1;

	if (f && !seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS),
			 SCMP_SYS(landlock_create_ruleset), 0))
		r = seccomp_load(f);
	seccomp_release(f);
	return r;
}

/* Its exit status says which try went wrong: 0 is none. */
static int confined(int (*tries)(const struct inside *in), bool landlock)
{
	struct inside inside = {folder("conf"), folder("trace"), folder("run"),
		open(in("secret"), O_RDONLY | O_CLOEXEC), false};
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (!pid) {
		const struct confine how = {
			inside.conf, inside.trace, inside.run};

		if (!landlock && landlock_forget())
			_exit(254);
		if (confine(&how, &inside.files))
			_exit(255);
		_exit(tries(&inside));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	close(inside.conf);
	close(inside.trace);
	close(inside.run);
	close(inside.secret);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define REFUSED(...)                                             \
	do {                                                     \
		errno = 0;                                       \
		if ((long)(__VA_ARGS__) != -1 || errno != EPERM) \
			return __LINE__ & 127;                   \
	} while (0)

/* The folders say EACCES; where there is no Landlock, it is EPERM. */
#define SHUT(...)                                                \
	do {                                                     \
		errno = 0;                                       \
		if ((long)(__VA_ARGS__) != -1 ||                 \
			errno != (here->files ? EACCES : EPERM)) \
			return __LINE__ & 127;                   \
	} while (0)

#define MAY(...)                               \
	do {                                   \
		if ((long)(__VA_ARGS__) == -1) \
			return __LINE__ & 127; \
	} while (0)

static int tries_calls(const struct inside *here)
{
	char *argv[] = {NULL};

	REFUSED(execve("/bin/true", argv, argv));
	REFUSED(syscall(SYS_execveat, AT_FDCWD, "/bin/true", argv, argv, 0));
	REFUSED(socket(AF_INET, SOCK_STREAM, 0));
	REFUSED(socket(AF_UNIX, SOCK_STREAM, 0));
	REFUSED(socket(AF_NETLINK, SOCK_RAW, 0));
	REFUSED(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, NULL));
	REFUSED(syscall(SYS_connect, here->secret, NULL, 0));
	REFUSED(syscall(SYS_bind, here->secret, NULL, 0));
	REFUSED(syscall(SYS_ptrace, 0x4206 /* SEIZE */, 1, 0, 0));
	REFUSED(syscall(SYS_process_vm_readv, 1, NULL, 0, NULL, 0, 0));
	REFUSED(syscall(SYS_kill, 1, 0));
	REFUSED(syscall(SYS_tgkill, 1, 1, 0));
	REFUSED(syscall(SYS_fork));
	REFUSED(syscall(SYS_clone, 0, NULL, NULL, NULL, 0));
	REFUSED(syscall(SYS_clone3, NULL, 0));
	REFUSED(syscall(SYS_unshare, 0));
	REFUSED(syscall(SYS_mount, NULL, NULL, NULL, 0, NULL));
	REFUSED(syscall(SYS_chroot, "/"));
	REFUSED(syscall(SYS_chdir, "/"));
	REFUSED(syscall(SYS_setuid, getuid()));
	REFUSED(syscall(SYS_capset, NULL, NULL));
	REFUSED(syscall(SYS_bpf, -1, NULL, 0));
	REFUSED(syscall(SYS_io_uring_setup, 0, NULL));
	REFUSED(syscall(SYS_reboot, 0, 0, 0, NULL));
	REFUSED(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
	REFUSED(syscall(SYS_symlink, "a", "b"));
	REFUSED(syscall(SYS_rename, "a", "b"));
	REFUSED(syscall(SYS_chmod, "a", 0));
	REFUSED(syscall(SYS_truncate, "a", 0));
	REFUSED(syscall(SYS_newfstatat, AT_FDCWD, "/", NULL, 0));
	REFUSED(ioctl(here->secret, TIOCSTI, "x"));
	REFUSED(fcntl(here->secret, F_SETOWN, getpid()));
	/* foreign memory, by the old way of /dev/xen/privcmd */
	REFUSED(ioctl(here->secret, _IOC(_IOC_NONE, 'P', 2, 16), NULL));
	return 0;
}

static int tries_memory(const struct inside *here)
{
	void *page;

	MAY(page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	MAY(mprotect(page, 4096, PROT_READ));
	REFUSED(mprotect(page, 4096, PROT_READ | PROT_EXEC));
	REFUSED(mmap(NULL, 4096, PROT_READ | PROT_EXEC,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	MAY(munmap(page, 4096));
	return 0;
}

static int tries_files(const struct inside *here)
{
	char byte;

	MAY(pread(here->secret, &byte, 1, 0));
	SHUT(open("/etc/passwd", O_RDONLY));
	SHUT(open(in("secret"), O_RDONLY));
	SHUT(open(in("conf/conf"), O_WRONLY));
	SHUT(openat(here->conf, "new", O_WRONLY | O_CREAT, 0600));
	SHUT(openat(here->conf, "../secret", O_RDONLY));
	SHUT(openat(here->trace, "trace", O_RDONLY));
	SHUT(openat(here->run, "../secret", O_WRONLY));
	SHUT(unlinkat(here->trace, "trace", 0));
	SHUT(unlinkat(here->conf, "conf", 0));
	SHUT(unlink(in("secret")));
	if (!here->files)
		return 0;
	MAY(openat(here->conf, "conf", O_RDONLY));
	MAY(openat(here->trace, "trace", O_WRONLY | O_APPEND));
	MAY(openat(here->trace, "new", O_WRONLY | O_CREAT, 0600));
	MAY(openat(here->run, "new", O_WRONLY | O_CREAT, 0600));
	MAY(unlinkat(here->run, "socket", 0));
	return 0;
}

static int tries_shut(const struct inside *here)
{
	if (here->files)
		return 1;
	SHUT(openat(here->conf, "conf", O_RDONLY));
	SHUT(openat(here->trace, "trace", O_WRONLY | O_APPEND));
	SHUT(unlinkat(here->run, "socket", 0));
	return 0;
}

/* No capabilities, not even by a program that has them. */
static int tries_privileges(const struct inside *here)
{
	char text[4096], *line;
	ssize_t n = pread(here->secret, text, sizeof(text) - 1, 0);

	if (n < 0)
		return 1;
	text[n] = '\0';
	for (const char *const *name = (const char *const[]){"CapInh:",
		     "CapPrm:", "CapEff:", "CapAmb:", NULL};
		*name; name++) {
		line = strstr(text, *name);
		if (!line || strtoull(line + strlen(*name), NULL, 16))
			return 2;
	}
	return strstr(text, "NoNewPrivs:\t1") ? 0 : 3;
}

START_TEST(test_calls)
{
	if (!confine_possible())
		return;
	setup();
	ck_assert_int_eq(confined(tries_calls, true), 0);
	teardown();
}
END_TEST

START_TEST(test_memory)
{
	if (!confine_possible())
		return;
	setup();
	ck_assert_int_eq(confined(tries_memory, true), 0);
	teardown();
}
END_TEST

START_TEST(test_files)
{
	if (!confine_possible())
		return;
	setup();
	ck_assert_int_eq(confined(tries_files, true), 0);
	teardown();
}
END_TEST

/* Then no file at all can be opened. */
START_TEST(test_no_landlock)
{
	if (!confine_possible())
		return;
	setup();
	ck_assert_int_eq(confined(tries_files, false), 0);
	ck_assert_int_eq(confined(tries_shut, false), 0);
	teardown();
}
END_TEST

START_TEST(test_privileges)
{
	struct inside inside = {-1, -1, -1, -1, false};
	const struct confine how = {-1, -1, -1};
	int status;
	pid_t pid;

	if (!confine_possible())
		return;
	pid = fork();
	if (!pid) {
		inside.secret = open("/proc/self/status", O_RDONLY);
		_exit(confine(&how, &inside.files) ? 255
						   : tries_privileges(&inside));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

BH_CHECK_MAIN("xs_confine", 20, BH_TEST(test_calls), BH_TEST(test_memory),
	BH_TEST(test_files), BH_TEST(test_no_landlock),
	BH_TEST(test_privileges))
