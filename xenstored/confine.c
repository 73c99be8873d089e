/* SPDX-License-Identifier: MIT */
/* confine.c - what xenstored may still do when it serves */
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/macro.h"
#include "common/sandbox.h"
#include "config.h"
#include "xenstored/confine.h"

/*
 * The requests of Linux (include/uapi/xen), whose headers cannot be used
 * beside Xen's own: letter, number and size are their names.
 */
#define XEN_REQUEST(letter, nr, size) _IOC(_IOC_NONE, letter, nr, size)
#define EVTCHN_BIND_INTERDOMAIN       XEN_REQUEST('E', 1, 8)
#define EVTCHN_UNBIND                 XEN_REQUEST('E', 3, 4)
#define EVTCHN_NOTIFY                 XEN_REQUEST('E', 4, 4)
#define GNTDEV_MAP_GRANT_REF          XEN_REQUEST('G', 0, 24)
#define GNTDEV_UNMAP_GRANT_REF        XEN_REQUEST('G', 1, 16)
#define GNTDEV_OFFSET_FOR_VADDR       XEN_REQUEST('G', 2, 24)
#define PRIVCMD_HYPERCALL             XEN_REQUEST('P', 0, 48)

#define ALWAYS(name)                                 \
	{                                            \
		SCMP_SYS(name), SANDBOX_ALWAYS, 0, 0 \
	}
#define EQUAL(name, arg, val)                           \
	{                                               \
		SCMP_SYS(name), SANDBOX_EQUAL, arg, val \
	}
#define CLEAR(name, arg, bits)                           \
	{                                                \
		SCMP_SYS(name), SANDBOX_CLEAR, arg, bits \
	}
#define SET(name, arg, bits)                           \
	{                                              \
		SCMP_SYS(name), SANDBOX_SET, arg, bits \
	}

static const struct sandbox_call calls[] = {
	/* descriptors that it has, or is given */
	ALWAYS(read),
	ALWAYS(readv),
	ALWAYS(pread64),
	ALWAYS(write),
	ALWAYS(writev),
	ALWAYS(recvfrom),
	ALWAYS(recvmsg),
	ALWAYS(sendto),
	ALWAYS(sendmsg),
	ALWAYS(accept),
	ALWAYS(accept4),
	ALWAYS(shutdown),
	ALWAYS(getsockopt),
	ALWAYS(close),
	ALWAYS(dup2),
	ALWAYS(dup3),
	ALWAYS(lseek),
	ALWAYS(ftruncate),
	ALWAYS(fstat),
	SET(newfstatat, 3, AT_EMPTY_PATH), /* fstat() of newer C libraries */
	EQUAL(fcntl, 1, F_GETFL),
	EQUAL(fcntl, 1, F_SETFL),
	EQUAL(fcntl, 1, F_GETFD),
	EQUAL(fcntl, 1, F_SETFD),
	EQUAL(fcntl, 1, F_DUPFD_CLOEXEC),

	/* waiting */
	ALWAYS(epoll_wait),
	ALWAYS(epoll_pwait),
	ALWAYS(epoll_pwait2),
	ALWAYS(epoll_ctl),
	ALWAYS(epoll_create1),
	ALWAYS(eventfd2),
	ALWAYS(poll),
	ALWAYS(ppoll),
	ALWAYS(futex),
	ALWAYS(nanosleep),
	ALWAYS(clock_nanosleep),
	ALWAYS(sched_yield),
	ALWAYS(restart_syscall),

	/* memory */
	ALWAYS(brk),
	CLEAR(mmap, 2, PROT_EXEC),
	CLEAR(mprotect, 2, PROT_EXEC),
	ALWAYS(mremap),
	ALWAYS(munmap),
	ALWAYS(madvise),

	/* time, chance, itself */
	ALWAYS(clock_gettime),
	ALWAYS(gettimeofday),
	ALWAYS(time),
	ALWAYS(getrandom),
	ALWAYS(getpid),
	ALWAYS(gettid),
	ALWAYS(rt_sigaction),
	ALWAYS(rt_sigprocmask),
	ALWAYS(rt_sigreturn),
	ALWAYS(exit),
	ALWAYS(exit_group),

	/* /dev/xen/evtchn, gntdev and privcmd */
	EQUAL(ioctl, 1, EVTCHN_BIND_INTERDOMAIN),
	EQUAL(ioctl, 1, EVTCHN_UNBIND),
	EQUAL(ioctl, 1, EVTCHN_NOTIFY),
	EQUAL(ioctl, 1, GNTDEV_MAP_GRANT_REF),
	EQUAL(ioctl, 1, GNTDEV_UNMAP_GRANT_REF),
	EQUAL(ioctl, 1, GNTDEV_OFFSET_FOR_VADDR),
	EQUAL(ioctl, 1, PRIVCMD_HYPERCALL),
};

/* Names of files: only where Landlock says which. */
static const struct sandbox_call file_calls[] = {
	/* opened, and not to be run */
	ALWAYS(openat),
	ALWAYS(unlink),
	ALWAYS(unlinkat),
};

bool confine_possible(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
	defined(BH_COVERAGE)
	return false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
	return false;
#else
	return true;
#endif
#else
	return true;
#endif
}

int confine(const struct confine *how, bool *files)
{
	const struct sandbox_folder folders[] = {
		{how->conf_fd, SANDBOX_READ},
		{how->trace_fd, SANDBOX_WRITE},
		{how->rundir_fd, SANDBOX_WRITE | SANDBOX_REMOVE},
	};
	struct sandbox_call rows[ARRAY_LEN(file_calls) + 1];
	size_t nr = 0;
	int r;

	r = sandbox_privileges();
	if (r)
		return err_trace(r);
	r = sandbox_files(folders, ARRAY_LEN(folders));
	if (r && r != -ENOSYS)
		return err_trace(r);
	*files = !r;
	/* A failed CHECK() ends us by a signal, which nobody else gets. */
	rows[nr++] = (struct sandbox_call)EQUAL(tgkill, 0, (uint64_t)getpid());
	for (size_t i = 0; *files && i < ARRAY_LEN(file_calls); i++)
		rows[nr++] = file_calls[i];
	return err_trace(sandbox_calls(calls, ARRAY_LEN(calls), rows, nr));
}
