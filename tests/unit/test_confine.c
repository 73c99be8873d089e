// SPDX-License-Identifier: MIT
/*
 * test_confine.c: each call that a filter refuses, tried; and what it allows
 *
 * Every try is made in a child of its own.  Arguments are such that the call
 * would answer something else, or do no harm, if it got through: a test that
 * fails must not switch the machine off.
 */
#include "hv/init/confine.h"
#include "tests/unit/bh_check.h"

#include <cap-ng.h>
#include <errno.h>
#include <linux/netlink.h>
#include <pthread.h>
#include <pty.h>
#include <sched.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define NR(a) (sizeof(a) / sizeof((a)[0]))
#define BAD   (-1L) /* an address, descriptor or number that is never valid */

struct call {
	const char *name;
	long nr;
	int error;
	long a[5];
};

/* clang-format off */
#define REFUSED(x, ...) { #x, SYS_##x, EPERM, { __VA_ARGS__ } }

static const struct call refused[] = {
	REFUSED(ptrace, 0x4206 /* SEIZE */, BAD, 0, 0),
	REFUSED(process_vm_readv, BAD, 0, 0, 0, 0),
	REFUSED(process_vm_writev, BAD, 0, 0, 0, 0),
	REFUSED(process_madvise, BAD, 0, 0, 0, 0),
	REFUSED(process_mrelease, BAD, 0),
	REFUSED(pidfd_getfd, BAD, 0, 0),
	REFUSED(kcmp, BAD, BAD, BAD, 0, 0),
	REFUSED(perf_event_open, BAD, 0, 0, BAD, BAD),
	REFUSED(lookup_dcookie, 0, BAD, 0),
	REFUSED(move_pages, 0, 0, 0, 0, 0),
	REFUSED(migrate_pages, BAD, 0, 0, 0),
	REFUSED(mount, BAD, BAD, BAD, 0, 0),
	REFUSED(umount2, BAD, 0),
	REFUSED(move_mount, BAD, BAD, BAD, BAD, BAD),
	REFUSED(fsopen, BAD, BAD),
	REFUSED(fsmount, BAD, BAD, BAD),
	REFUSED(fsconfig, BAD, BAD, BAD, BAD, BAD),
	REFUSED(fspick, BAD, BAD, BAD),
	REFUSED(open_tree, BAD, BAD, BAD),
	REFUSED(mount_setattr, BAD, BAD, BAD, BAD, BAD),
	REFUSED(pivot_root, BAD, BAD),
	REFUSED(chroot, BAD),
	REFUSED(setns, BAD, 0),
	REFUSED(open_by_handle_at, BAD, BAD, 0),
	REFUSED(name_to_handle_at, BAD, BAD, BAD, BAD, BAD),
	REFUSED(bpf, BAD, BAD, BAD),
	REFUSED(userfaultfd, BAD),
	REFUSED(add_key, BAD, BAD, BAD, BAD, BAD),
	REFUSED(request_key, BAD, BAD, BAD, BAD),
	REFUSED(keyctl, BAD, BAD),
	REFUSED(fanotify_init, BAD, BAD),
	REFUSED(fanotify_mark, BAD, BAD, BAD, BAD, BAD),
	REFUSED(modify_ldt, BAD, BAD, 0),
	REFUSED(sysfs, BAD, BAD, 0),
	REFUSED(kexec_load, BAD, BAD, BAD, BAD),
	REFUSED(kexec_file_load, BAD, BAD, BAD, BAD, BAD),
	REFUSED(init_module, BAD, BAD, BAD),
	REFUSED(finit_module, BAD, BAD, BAD),
	REFUSED(delete_module, BAD, BAD),
	REFUSED(reboot, BAD, BAD, BAD, BAD),
	REFUSED(swapon, BAD, BAD),
	REFUSED(swapoff, BAD),
	REFUSED(acct, BAD),
	REFUSED(quotactl, BAD, BAD, BAD, BAD),
	REFUSED(quotactl_fd, BAD, BAD, BAD, BAD),
	REFUSED(syslog, BAD, BAD, BAD),
	REFUSED(iopl, BAD),
	REFUSED(ioperm, BAD, BAD, BAD),
	REFUSED(settimeofday, BAD, BAD),
	REFUSED(clock_settime, BAD, BAD),
	REFUSED(clock_adjtime, BAD, BAD),
	REFUSED(adjtimex, BAD),
	REFUSED(sethostname, BAD, BAD),
	REFUSED(setdomainname, BAD, BAD),
	REFUSED(io_uring_setup, 0, BAD),
	REFUSED(io_uring_enter, BAD, 0, 0, 0, 0),
	REFUSED(io_uring_register, BAD, 0, 0, 0),
	REFUSED(sched_setaffinity, BAD, 0, 0),
	REFUSED(unshare, CLONE_NEWUSER),
	REFUSED(unshare, CLONE_NEWNS | CLONE_FS),
	REFUSED(unshare, CLONE_NEWPID),
	REFUSED(unshare, CLONE_NEWNET),
	REFUSED(unshare, CLONE_NEWIPC),
	REFUSED(unshare, CLONE_NEWUTS),
	REFUSED(unshare, CLONE_NEWCGROUP),
	REFUSED(unshare, 0x80 /* CLONE_NEWTIME */),
	/* CLONE_SIGHAND without CLONE_VM: invalid, if it gets that far */
	REFUSED(clone, CLONE_SIGHAND | CLONE_NEWUSER),
	REFUSED(clone, CLONE_SIGHAND | CLONE_NEWNS),
	REFUSED(clone, CLONE_SIGHAND | CLONE_NEWPID),
	REFUSED(clone, CLONE_SIGHAND | CLONE_NEWNET),
	REFUSED(clone, CLONE_SIGHAND | CLONE_NEWIPC),
	REFUSED(clone, CLONE_SIGHAND | CLONE_NEWUTS),
	REFUSED(clone, CLONE_SIGHAND | CLONE_NEWCGROUP),
	{"clone3", SYS_clone3, ENOSYS, {BAD, 0}},
	REFUSED(ioctl, BAD, TIOCSTI, BAD),
	REFUSED(ioctl, BAD, TIOCSTI | (1L << 32), BAD),
	REFUSED(ioctl, BAD, 0x541c /* TIOCLINUX */, BAD),
	REFUSED(ioctl, BAD, TIOCSETD, BAD),
	REFUSED(ioctl, BAD, TIOCSCTTY, 1),
	REFUSED(fcntl, BAD, F_SETSIG, SIGCONT),
	REFUSED(fcntl, BAD, F_SETSIG, SIGCONT | (1L << 32)),
	REFUSED(fcntl, BAD, F_SETSIG | (1L << 32), SIGCONT),
	REFUSED(prctl, PR_SET_PDEATHSIG, SIGCONT),
	REFUSED(clone, CLONE_SIGHAND | SIGCONT),
	{"timer_create", SYS_timer_create, ENOSYS, {BAD, BAD, BAD}},
	{"mq_notify", SYS_mq_notify, ENOSYS, {BAD, BAD}},
	{"vsock", SYS_socket, EAFNOSUPPORT, {AF_VSOCK, SOCK_STREAM, 0}},
	{"vsock, odd", SYS_socket, EAFNOSUPPORT,
		{AF_VSOCK | (1L << 32), SOCK_STREAM, 0}},
	{"packet", SYS_socket, EAFNOSUPPORT, {AF_PACKET, SOCK_RAW, 0}},
	{"alg", SYS_socket, EAFNOSUPPORT, {AF_ALG, SOCK_SEQPACKET, 0}},
	{"x25", SYS_socket, EAFNOSUPPORT, {AF_X25, SOCK_SEQPACKET, 0}},
	{"bluetooth", SYS_socket, EAFNOSUPPORT, {AF_BLUETOOTH, SOCK_RAW, 0}},
	{"key", SYS_socket, EAFNOSUPPORT, {AF_KEY, SOCK_RAW, 2}},
	{"netfilter", SYS_socket, EPROTONOSUPPORT,
		{AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER}},
	{"pair", SYS_socketpair, EAFNOSUPPORT, {AF_INET, SOCK_STREAM, 0, BAD}},
	REFUSED(personality, READ_IMPLIES_EXEC),
	REFUSED(personality, READ_IMPLIES_EXEC | ADDR_NO_RANDOMIZE),
	REFUSED(personality, MMAP_PAGE_ZERO),
	REFUSED(personality, ADDR_COMPAT_LAYOUT),
	REFUSED(personality, 0x08 /* PER_LINUX32 */),
	REFUSED(personality, 0x80000000L),
	REFUSED(personality, 0xfffffffeL),
	REFUSED(personality, 0xffffffffL & ~ADDR_NO_RANDOMIZE),
};
/* clang-format on */

static const struct confine strict = {.iouring = false, .pinned = true};

/* The child's exit status, or -1 and its signal in *sig. */
static int in_child(void (*what)(void *), void *arg, int *sig)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		/* nobody wants the core of a child that is to be killed */
		setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
		what(arg);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	*sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void programs(const struct confine *how)
{
	if (confine_privileges() < 0 || confine_programs(how) < 0)
		_exit(99);
}

/*
 * Capabilities are kept, so that it is the filter that answers and not want
 * of privilege.
 */
static bool unfiltered;

static void do_call(void *arg)
{
	const struct call *c = arg;
	long r;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		(!unfiltered && confine_programs(&strict) < 0))
		_exit(99);
	errno = 0;
	r = syscall(c->nr, c->a[0], c->a[1], c->a[2], c->a[3], c->a[4]);
	if (c->nr == SYS_clone && r == 0)
		_exit(0);
	_exit(r == -1 ? errno : 0);
}

START_TEST(test_refused)
{
	struct call c = refused[_i];
	int sig, got = in_child(do_call, &c, &sig);

	ck_assert_msg(got == c.error, "%s(%#lx): %s, not %s (signal %d)",
		c.name, c.a[0], strerror(got), strerror(c.error), sig);
}
END_TEST

/* Root in a container is not: there much of the table is refused anyway. */
static bool is_all_powerful(void)
{
	static const int caps[] = {CAP_SYS_ADMIN, CAP_SYS_BOOT, CAP_SYS_MODULE,
		CAP_SYS_TIME, CAP_SYS_RAWIO, CAP_SYS_CHROOT, CAP_SYSLOG,
		CAP_SYS_PACCT, CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE};

	for (size_t i = 0; i < NR(caps); i++) {
		if (!capng_have_capability(CAPNG_EFFECTIVE, (unsigned)caps[i]))
			return false;
	}
	return prctl(PR_GET_SECCOMP) == 0;
}

/*
 * The same calls, to see that the table above is worth something: root gets
 * another answer, or none that the filter's could be mistaken for.
 */
START_TEST(test_unfiltered)
{
	struct call c = refused[_i];
	int sig, got;

	if (!is_all_powerful())
		return;
	unfiltered = true;
	got = in_child(do_call, &c, &sig);
	/* a kernel that has not got that family says the same */
	ck_assert_msg(got != c.error || got == EAFNOSUPPORT,
		"%s(%#lx): %s without a filter", c.name, c.a[0], strerror(got));
}
END_TEST

#define NEED(x)                                                      \
	do {                                                         \
		if (!(x)) {                                          \
			fprintf(stderr, "not allowed: %s: %s\n", #x, \
				strerror(errno));                    \
			_exit(1);                                    \
		}                                                    \
	} while (0)

static void *thread(void *arg)
{
	return arg;
}

static void do_ordinary(void *arg)
{
	pthread_t t;
	int sv[2], master, slave, status;
	pid_t pid;

	programs(arg);
	NEED(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv) == 0);
	NEED(socket(AF_INET, SOCK_STREAM, 0) >= 0);
	NEED(socket(AF_INET6, SOCK_DGRAM, 0) >= 0 || errno == EAFNOSUPPORT);
	NEED(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE) >= 0);
	NEED(pthread_create(&t, NULL, thread, NULL) == 0);
	NEED(pthread_join(t, NULL) == 0);
	NEED(unshare(CLONE_FILES | CLONE_FS) == 0);
	NEED(personality(0xffffffff) != -1);
	NEED(personality(ADDR_NO_RANDOMIZE) != -1);
	NEED(personality(0) != -1);
	NEED(openpty(&master, &slave, NULL, NULL, NULL) == 0);
	NEED(setsid() > 0 || errno == EPERM);
	NEED(memfd_create("x", 0) >= 0);
	NEED(epoll_create1(0) >= 0);
	NEED(fcntl(sv[0], F_SETSIG, SIGIO) == 0);
	NEED(prctl(PR_SET_PDEATHSIG, SIGTERM) == 0);
	NEED(mmap(NULL, 4096, PROT_READ | PROT_EXEC,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
	pid = fork();
	if (pid == 0) {
		/* a session of its own may take its own terminal */
		NEED(setsid() > 0);
		NEED(ioctl(slave, TIOCSCTTY, 0) == 0);
		execl("/bin/sh", "sh", "-c", "exit 7", (char *)NULL);
		_exit(1);
	}
	NEED(waitpid(pid, &status, 0) == pid);
	NEED(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

START_TEST(test_ordinary)
{
	int sig;

	ck_assert_int_eq(
		in_child(do_ordinary, (void *)(uintptr_t)&strict, &sig), 0);
}
END_TEST

static void do_asked_for(void *arg)
{
	const struct confine lax = {.iouring = true};
	cpu_set_t set;

	(void)arg;
	programs(&lax);
	/* EPERM would also be the kernel's own word, if io_uring is off */
	syscall(SYS_io_uring_setup, 0, NULL);
	NEED(errno != EPERM ||
		access("/proc/sys/kernel/io_uring_disabled", F_OK) == 0);
	NEED(sched_getaffinity(0, sizeof(set), &set) == 0);
	NEED(sched_setaffinity(0, sizeof(set), &set) == 0);
}

START_TEST(test_asked_for)
{
	int sig;

	ck_assert_int_eq(in_child(do_asked_for, NULL, &sig), 0);
}
END_TEST

static void do_i386(void *arg)
{
	(void)arg;
	programs(&strict);
#ifdef __x86_64__
	/* getpid of i386 is writev's neighbour here; it must not matter */
	__asm__ volatile("int $0x80" : : "a"(20) : "memory", "cc");
#else
	raise(SIGSYS);
#endif
}

static void do_x32(void *arg)
{
	(void)arg;
	programs(&strict);
#ifdef __x86_64__
	syscall(0x40000000L | SYS_getpid);
#else
	raise(SIGSYS);
#endif
}

START_TEST(test_foreign)
{
	int sig;

	in_child(do_x32, NULL, &sig);
	ck_assert_int_eq(sig, SIGSYS);
	in_child(do_i386, NULL, &sig);
	/* a kernel without IA32_EMULATION faults before the filter is asked */
	ck_assert_msg(sig == SIGSYS || sig == SIGSEGV, "signal %d", sig);
}
END_TEST

static void do_privileges(void *arg)
{
	char line[256];
	FILE *f;

	(void)arg;
	confine_exec();
	programs(&strict);
	f = fopen("/proc/self/status", "r");
	NEED(f != NULL);
	while (fgets(line, sizeof(line), f)) {
		unsigned long long caps;

		if (sscanf(line, "CapEff: %llx", &caps) == 1 ||
			sscanf(line, "CapPrm: %llx", &caps) == 1 ||
			sscanf(line, "CapInh: %llx", &caps) == 1 ||
			sscanf(line, "CapAmb: %llx", &caps) == 1)
			NEED(caps == 0);
		if (geteuid() == 0 && sscanf(line, "CapBnd: %llx", &caps) == 1)
			NEED(caps == 0);
		if (strncmp(line, "NoNewPrivs:", 11) == 0)
			NEED(strchr(line, '1') != NULL);
	}
	struct rlimit rl;

	NEED(getrlimit(RLIMIT_CORE, &rl) == 0 && rl.rlim_max == 0);
}

START_TEST(test_privileges)
{
	int sig;

	ck_assert_int_eq(in_child(do_privileges, NULL, &sig), 0);
}
END_TEST

/* What hv-kernel's own filter ends, one a case. */
static void do_kernel(void *arg)
{
	int sv[2];
	char *page;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv) < 0 ||
		confine_kernel() < 0)
		_exit(99);
	switch (*(int *)arg) {
	case 0: open("/etc/passwd", O_RDONLY); break;
	case 1: socket(AF_UNIX, SOCK_STREAM, 0); break;
	case 2: syscall(SYS_fork); break;
	case 3: execl("/bin/true", "true", (char *)NULL); break;
	case 4: kill(getppid(), 0); break;
	case 5:
		page = mmap(NULL, 4096, PROT_READ | PROT_EXEC,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		(void)page;
		break;
	case 6:
		page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		mprotect(page, 4096, PROT_READ | PROT_EXEC);
		break;
	case 7: connect(sv[0], NULL, 0); break;
	case 8: unlink("/nowhere"); break;
	case 9: syscall(SYS_tgkill, getppid(), getppid(), 0); break;
	case 10: ioctl(sv[0], TIOCSTI, "x"); break;
	case 11: syscall(SYS_newfstatat, AT_FDCWD, "/etc", NULL, 0); break;
	}
	_exit(0);
}

START_TEST(test_kernel_refused)
{
	int sig, i = _i;

	in_child(do_kernel, &i, &sig);
	ck_assert_int_eq(sig, SIGSYS);
}
END_TEST

static void do_kernel_serves(void *arg)
{
	struct epoll_event ev = {.events = EPOLLIN};
	int sv[2], null = open("/dev/null", O_RDWR);
	struct timespec ts;
	char byte = 0;
	char *page;
	int ep;

	(void)arg;
	NEED(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv) == 0);
	NEED(confine_kernel() == 0);
	ep = epoll_create1(EPOLL_CLOEXEC);
	NEED(ep >= 0 && epoll_ctl(ep, EPOLL_CTL_ADD, sv[0], &ev) == 0);
	NEED(send(sv[1], &byte, 1, MSG_NOSIGNAL) == 1);
	NEED(epoll_wait(ep, &ev, 1, 1000) == 1);
	NEED(recv(sv[0], &byte, 1, 0) == 1);
	page = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	NEED(page != MAP_FAILED);
	NEED(mprotect(page, 4096, PROT_NONE) == 0);
	NEED(munmap(page, 1 << 20) == 0);
	free(malloc(1 << 24));
	NEED(fcntl(null, F_SETFL, O_NONBLOCK) == 0);
	NEED(clock_gettime(CLOCK_MONOTONIC, &ts) == 0);
	ts = (struct timespec){.tv_nsec = 1000};
	NEED(nanosleep(&ts, NULL) == 0);
	dprintf(null, "said\n");
	fprintf(stderr, "%s", "");
	NEED(close(null) == 0);
}

START_TEST(test_kernel_serves)
{
	int sig, got = in_child(do_kernel_serves, NULL, &sig);

	ck_assert_msg(got == 0, "status %d signal %d", got, sig);
}
END_TEST

static void do_kernel_aborts(void *arg)
{
	(void)arg;
	if (confine_kernel() == 0)
		abort();
}

START_TEST(test_kernel_aborts)
{
	int sig;

	in_child(do_kernel_aborts, NULL, &sig);
	ck_assert_int_eq(sig, SIGABRT);
}
END_TEST

static void do_kernel_hides(void *arg)
{
	int *fds = arg;
	char byte = 'x';

	if (geteuid() == 0 && (setresgid(65534, 65534, 65534) < 0 ||
				      setresuid(65534, 65534, 65534) < 0))
		_exit(99);
	prctl(PR_SET_DUMPABLE, 1);
	if (confine_kernel() < 0 || write(fds[3], &byte, 1) != 1)
		_exit(99);
	_exit(read(fds[0], &byte, 1) == 1 ? 0 : 1);
}

/* Its memory is root's, and no longer its user's to open. */
START_TEST(test_kernel_hides)
{
	char path[64], byte;
	int fds[4], status;
	struct stat st;
	pid_t pid;

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(pipe(fds + 2), 0);
	pid = fork();
	if (pid == 0)
		do_kernel_hides(fds);
	ck_assert_int_eq(read(fds[2], &byte, 1), 1);
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_uid, 0);
	ck_assert_int_eq(write(fds[1], &byte, 1), 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
}
END_TEST

/* hv-kernel is started under the programs' filter: both must go together. */
static void do_both(void *arg)
{
	programs(&strict);
	do_kernel_serves(arg);
}

START_TEST(test_both)
{
	int sig, got = in_child(do_both, NULL, &sig);

	ck_assert_msg(got == 0, "status %d signal %d", got, sig);
}
END_TEST

BH_CHECK_MAIN("confine", 20, BH_LOOP(test_refused, NR(refused)),
	BH_LOOP(test_unfiltered, NR(refused)), BH_TEST(test_ordinary),
	BH_TEST(test_asked_for), BH_TEST(test_foreign),
	BH_TEST(test_privileges), BH_LOOP(test_kernel_refused, 12),
	BH_TEST(test_kernel_serves), BH_TEST(test_kernel_aborts),
	BH_TEST(test_kernel_hides), BH_TEST(test_both))
