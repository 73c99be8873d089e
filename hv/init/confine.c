// SPDX-License-Identifier: MIT
/*
 * confine.c: what the processes of a domain may ask of Linux
 */
#include "hv/init/confine.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

#define NR(a) (sizeof(a) / sizeof((a)[0]))
#define LOW32 0xffffffffu

/* Calls that are refused whatever their arguments. */
static const int refused[] = {
	/* looking into, or taking from, other processes */
	SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(process_madvise),
	SCMP_SYS(process_mrelease),
	SCMP_SYS(pidfd_getfd),
	SCMP_SYS(kcmp),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(lookup_dcookie),
	SCMP_SYS(move_pages),
	SCMP_SYS(migrate_pages),
	/* another view of the files, or of the system: see also unshare */
	SCMP_SYS(mount),
	SCMP_SYS(umount),
	SCMP_SYS(umount2),
	SCMP_SYS(move_mount),
	SCMP_SYS(fsopen),
	SCMP_SYS(fsmount),
	SCMP_SYS(fsconfig),
	SCMP_SYS(fspick),
	SCMP_SYS(open_tree),
	SCMP_SYS(mount_setattr),
	SCMP_SYS(pivot_root),
	SCMP_SYS(chroot),
	SCMP_SYS(setns),
	/* files by number go around the tree that the domain was given */
	SCMP_SYS(open_by_handle_at),
	SCMP_SYS(name_to_handle_at),
	/* parts of Linux that run much of the kernel on the caller's behalf;
	 * a program inside has no use for them that is worth their record */
	SCMP_SYS(bpf),
	SCMP_SYS(userfaultfd),
	SCMP_SYS(add_key),
	SCMP_SYS(request_key),
	SCMP_SYS(keyctl),
	SCMP_SYS(fanotify_init),
	SCMP_SYS(fanotify_mark),
	SCMP_SYS(modify_ldt),
	SCMP_SYS(uselib),
	SCMP_SYS(sysfs),
	SCMP_SYS(nfsservctl),
	/* the machine's own affairs */
	SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load),
	SCMP_SYS(init_module),
	SCMP_SYS(finit_module),
	SCMP_SYS(delete_module),
	SCMP_SYS(reboot),
	SCMP_SYS(swapon),
	SCMP_SYS(swapoff),
	SCMP_SYS(acct),
	SCMP_SYS(quotactl),
	SCMP_SYS(quotactl_fd),
	SCMP_SYS(syslog),
	SCMP_SYS(iopl),
	SCMP_SYS(ioperm),
	SCMP_SYS(vhangup),
	SCMP_SYS(settimeofday),
	SCMP_SYS(stime),
	SCMP_SYS(clock_settime),
	SCMP_SYS(clock_adjtime),
	SCMP_SYS(adjtimex),
	SCMP_SYS(sethostname),
	SCMP_SYS(setdomainname),
};

/* These run requests where no filter sees them. */
static const int uring[] = {
	SCMP_SYS(io_uring_setup),
	SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register),
};

/* A namespace of one's own gives back the capabilities inside it. */
static const uint64_t namespaces[] = {CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID,
	CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP};

/*
 * Put words into somebody's terminal, or take it; line disciplines load
 * drivers.  The whole 32 bits are compared, which is what the kernel takes.
 */
static const uint64_t ioctls[] = {TIOCSTI, TIOCSETD, 0x541c /* TIOCLINUX */};

/* Families that are left: local, IP, netlink; see socket_rules(). */
static const uint64_t families_refused[] = {
	3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15};

static int rule(scmp_filter_ctx f, uint32_t action, int nr, unsigned n,
	const struct scmp_arg_cmp *args)
{
	int r = seccomp_rule_add_array(f, action, nr, n, args);

	/* not a call of this architecture: it cannot be made either */
	return r == -EDOM ? 0 : r;
}

static int rule_if(
	scmp_filter_ctx f, uint32_t action, int nr, struct scmp_arg_cmp arg)
{
	return rule(f, action, nr, 1, &arg);
}

static int list_rules(
	scmp_filter_ctx f, uint32_t action, const int *nr, size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = rule(f, action, nr[i], 0, NULL);
	return r;
}

static int namespace_rules(scmp_filter_ctx f)
{
	const uint32_t no = SCMP_ACT_ERRNO(EPERM);
	int r;

	/* its flags are in memory, out of sight; libc then uses clone() */
	r = rule(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0, NULL);
	for (size_t i = 0; r == 0 && i < NR(namespaces); i++) {
		const uint64_t bit = namespaces[i];

		r = rule_if(f, no, SCMP_SYS(clone),
			SCMP_A0_64(SCMP_CMP_MASKED_EQ, bit, bit));
		if (r == 0)
			r = rule_if(f, no, SCMP_SYS(unshare),
				SCMP_A0_64(SCMP_CMP_MASKED_EQ, bit, bit));
	}
	/* in clone() this bit belongs to the signal number */
	if (r == 0)
		r = rule_if(f, no, SCMP_SYS(unshare),
			SCMP_A0_64(SCMP_CMP_MASKED_EQ, CLONE_NEWTIME,
				CLONE_NEWTIME));
	return r;
}

/*
 * AF_VSOCK reaches the machine below, AF_PACKET and the like the machine
 * beside, AF_ALG much of the kernel.  Netlink is for addresses and routes.
 */
static int socket_rules(scmp_filter_ctx f)
{
	const uint32_t no = SCMP_ACT_ERRNO(EAFNOSUPPORT);
	const struct scmp_arg_cmp netlink[] = {
		SCMP_A0_64(SCMP_CMP_EQ, AF_NETLINK),
		SCMP_A2_64(SCMP_CMP_NE, 0 /* NETLINK_ROUTE */),
	};
	int r;

	r = rule_if(
		f, no, SCMP_SYS(socket), SCMP_A0_64(SCMP_CMP_GT, AF_NETLINK));
	for (size_t i = 0; r == 0 && i < NR(families_refused); i++)
		r = rule_if(f, no, SCMP_SYS(socket),
			SCMP_A0_64(SCMP_CMP_EQ, families_refused[i]));
	if (r == 0)
		r = rule(f, SCMP_ACT_ERRNO(EPROTONOSUPPORT), SCMP_SYS(socket),
			2, netlink);
	if (r == 0)
		r = rule_if(f, no, SCMP_SYS(socketpair),
			SCMP_A0_64(SCMP_CMP_NE, AF_UNIX));
	return r;
}

static int ioctl_rules(scmp_filter_ctx f)
{
	const uint32_t no = SCMP_ACT_ERRNO(EPERM);
	const struct scmp_arg_cmp steal[] = {
		SCMP_A1_64(SCMP_CMP_MASKED_EQ, LOW32, TIOCSCTTY),
		SCMP_A2_64(SCMP_CMP_NE, 0),
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < NR(ioctls); i++)
		r = rule_if(f, no, SCMP_SYS(ioctl),
			SCMP_A1_64(SCMP_CMP_MASKED_EQ, LOW32, ioctls[i]));
	/* one's own terminal may be taken, somebody else's not */
	return r ? r : rule(f, no, SCMP_SYS(ioctl), 2, steal);
}

/*
 * Old personalities undo protections.  Allowed are 0, ADDR_NO_RANDOMIZE (for
 * sanitizers), and all bits set, which only asks.  A rule holds one comparison
 * of an argument, so: refused is what has one of the other bits set and the
 * next one of them clear, going round; and what has all of them but this.
 */
static int personality_rules(scmp_filter_ctx f)
{
	const uint32_t no = SCMP_ACT_ERRNO(EPERM);
	const uint64_t others = LOW32 & ~(uint64_t)ADDR_NO_RANDOMIZE;
	uint64_t last = UINT64_C(1) << 31;
	int r = rule_if(f, no, SCMP_SYS(personality),
		SCMP_A0_64(SCMP_CMP_MASKED_EQ, LOW32, others));

	for (uint64_t bit = 1; r == 0 && bit <= LOW32; bit <<= 1) {
		if (!(others & bit))
			continue;
		r = rule_if(f, no, SCMP_SYS(personality),
			SCMP_A0_64(SCMP_CMP_MASKED_EQ, last | bit, last));
		last = bit;
	}
	return r;
}

/*
 * A domain that is paused must stay so: nothing in it may have the kernel
 * send it SIGCONT, on input from outside or when time has passed.  The calls
 * which take their signal from memory are not there at all; whoever makes
 * timers that way has another one for systems without it.
 */
static int stop_rules(scmp_filter_ctx f)
{
	const uint32_t no = SCMP_ACT_ERRNO(EPERM);
	const struct scmp_arg_cmp input[] = {
		SCMP_A1_64(SCMP_CMP_MASKED_EQ, LOW32, F_SETSIG),
		SCMP_A2_64(SCMP_CMP_MASKED_EQ, LOW32, SIGCONT),
	};
	const struct scmp_arg_cmp parent[] = {
		SCMP_A0_64(SCMP_CMP_MASKED_EQ, LOW32, PR_SET_PDEATHSIG),
		SCMP_A1_64(SCMP_CMP_MASKED_EQ, LOW32, SIGCONT),
	};
	static const int absent[] = {
		SCMP_SYS(timer_create), SCMP_SYS(mq_notify)};
	int r = list_rules(f, SCMP_ACT_ERRNO(ENOSYS), absent, NR(absent));

	if (r == 0)
		r = rule(f, no, SCMP_SYS(fcntl), NR(input), input);
	if (r == 0)
		r = rule(f, no, SCMP_SYS(prctl), NR(parent), parent);
	/* a child's end may be made known by any signal */
	return r ? r
		 : rule_if(f, no, SCMP_SYS(clone),
			   SCMP_A0_64(SCMP_CMP_MASKED_EQ, CSIGNAL, SIGCONT));
}

static int programs_rules(scmp_filter_ctx f, const struct confine *how)
{
	const uint32_t no = SCMP_ACT_ERRNO(EPERM);
	int r = list_rules(f, no, refused, NR(refused));

	if (r == 0 && !how->iouring)
		r = list_rules(f, no, uring, NR(uring));
	/* placed on processors by the administrator: it stays there */
	if (r == 0 && how->pinned)
		r = rule(f, no, SCMP_SYS(sched_setaffinity), 0, NULL);
	if (r == 0)
		r = namespace_rules(f);
	if (r == 0)
		r = socket_rules(f);
	if (r == 0)
		r = ioctl_rules(f);
	if (r == 0)
		r = stop_rules(f);
	return r ? r : personality_rules(f);
}

static int filter_load(scmp_filter_ctx f)
{
	int r = seccomp_attr_set(
		f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

	/* a balanced tree: a long list costs every call otherwise */
	if (r == 0)
		r = seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	return r ? r : seccomp_load(f);
}

int confine_programs(const struct confine *how)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	int r;

	if (!f)
		return -ENOMEM;
	r = programs_rules(f, how);
	if (r == 0)
		r = filter_load(f);
	seccomp_release(f);
	return r;
}

void confine_exec(void)
{
	if (capng_get_caps_process() < 0 ||
		!capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP))
		return;
	capng_clear(CAPNG_SELECT_BOUNDS);
	capng_apply(CAPNG_SELECT_BOUNDS);
}

void confine_first_to_end(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	/* without a /proc it is chosen by size, which is fair too */
	if (fd >= 0) {
		if (write(fd, "500", 3) < 0)
			errno = 0;
		close(fd);
	}
}

void confine_descriptors(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		return;
	r.rlim_max /= 2;
	if (r.rlim_max > CONFINE_DESCRIPTORS_MAX)
		r.rlim_max = CONFINE_DESCRIPTORS_MAX;
	if (r.rlim_cur > r.rlim_max)
		r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
}

void confine_signals(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_SIGPENDING, &r) < 0)
		return;
	r.rlim_max /= 2;
	if (r.rlim_max > CONFINE_SIGNALS_MAX)
		r.rlim_max = CONFINE_SIGNALS_MAX;
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_SIGPENDING, &r);
}

void confine_processes(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NPROC, &r) < 0 ||
		r.rlim_max <= CONFINE_PROCESSES_MAX)
		return;
	r.rlim_cur = r.rlim_max = CONFINE_PROCESSES_MAX;
	setrlimit(RLIMIT_NPROC, &r);
}

int confine_privileges(void)
{
	const struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	setrlimit(RLIMIT_RTPRIO, &none);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	capng_clear(CAPNG_SELECT_CAPS);
	if (capng_apply(CAPNG_SELECT_CAPS) < 0)
		return -EPERM;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return 0;
}

/* What hv-kernel still does when it serves. */
static const int kernel_allowed[] = {
	/* descriptors that it has or is given */
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(recvmsg),
	SCMP_SYS(recvfrom),
	SCMP_SYS(sendmsg),
	SCMP_SYS(sendto),
	SCMP_SYS(accept),
	SCMP_SYS(accept4),
	SCMP_SYS(shutdown),
	SCMP_SYS(close),
	SCMP_SYS(dup),
	SCMP_SYS(fcntl),
	SCMP_SYS(fstat),
	SCMP_SYS(lseek),
	SCMP_SYS(getsockopt),
	SCMP_SYS(getsockname),
	/* waiting */
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(epoll_create1),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_pwait2),
	SCMP_SYS(timerfd_settime),
	SCMP_SYS(futex),
	SCMP_SYS(nanosleep),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(sched_yield),
	/* time */
	SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(getrandom),
	/* memory; mmap and mprotect are below */
	SCMP_SYS(brk),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	/* itself */
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

static int kernel_rules(scmp_filter_ctx f)
{
	static const int mapping[] = {SCMP_SYS(mmap), SCMP_SYS(mprotect)};
	static const uint64_t requests[] = {
		FIONREAD, FIONBIO, TIOCGWINSZ, TIOCSWINSZ, 0x5401 /* TCGETS */};
	/* abort() sends itself SIGABRT; to any other it would be an attack */
	const struct scmp_arg_cmp abort_self[] = {
		SCMP_A0_64(SCMP_CMP_EQ, (uint64_t)getpid()),
	};
	int r = list_rules(
		f, SCMP_ACT_ALLOW, kernel_allowed, NR(kernel_allowed));

	for (size_t i = 0; r == 0 && i < NR(mapping); i++)
		r = rule_if(f, SCMP_ACT_ALLOW, mapping[i],
			SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	for (size_t i = 0; r == 0 && i < NR(requests); i++)
		r = rule_if(f, SCMP_ACT_ALLOW, SCMP_SYS(ioctl),
			SCMP_A1_64(SCMP_CMP_MASKED_EQ, LOW32, requests[i]));
	if (r == 0)
		r = rule(f, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), NR(abort_self),
			abort_self);
	/*
	 * stdio asks of what kind its descriptor is, by this call in glibc
	 * 2.33 and later.  The path is out of sight: a file's attributes can
	 * be had by name as well, never what is in it.
	 */
	if (r == 0)
		r = rule_if(f, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat),
			SCMP_A3_64(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH,
				AT_EMPTY_PATH));
	return r;
}

int confine_kernel(void)
{
	scmp_filter_ctx f;
	int r;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		prctl(PR_SET_DUMPABLE, 0) < 0)
		return -errno;
	f = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (!f)
		return -ENOMEM;
	r = kernel_rules(f);
	if (r == 0)
		r = filter_load(f);
	seccomp_release(f);
	return r;
}
