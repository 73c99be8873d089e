/* SPDX-License-Identifier: MIT */
/*
 * birth.h: hvd and hv-init, the first process of each domain.
 *
 * DOC: birth
 *
 * hvd starts hv-init with two descriptors: HVB_SOCKET_FD, one end of a
 * SOCK_SEQPACKET socketpair made for this domain, and HVB_CONFIG_FD, a sealed
 * memfd with its configuration (strings, below).  hv-init makes the
 * namespaces, mounts, filters; binds and listens at HVP_SOCKET; sends
 * HVB_READY with the listening socket.  From then on it runs what it is told.
 * It is pid 1 of the domain's pid namespace: when it dies, or the socketpair
 * closes, everything in the domain dies.
 *
 * Messages are struct hvb_msg and `len` bytes; descriptors as noted.
 *
 * DOC: the kernel process
 *
 * hv-init starts it with 0 on /dev/null; what it writes to 1 and 2 becomes
 * HVB_NOTE, a line each, as long as that are not too many; and with
 *   HVB_KERNEL_FD	a session of kernel role
 *   HVB_STATE_FD	the write end of a pipe.  One byte HVB_STATE_SERVING when
 *		/dev/xen/xenbus takes connections: only then the command is
 *		started, and messages of hvd are taken again.  One byte
 *		HVB_STATE_ENDING when the domain was asked to shut down: the
 *		command's process group gets SIGTERM, and hv-init closes the
 *		read end when the command has ended (at once if there is
 *		none) instead of HVB_COMMAND_DIED.  The kernel
 *		waits for that, but not for long, and then shuts the domain
 *		down with the reason it was asked for.  It keeps the pipe open
 *		all its life: a command that ends after it was closed has
 *		ended of the kernel's death, and is not told of.
 *   HVB_CONSOLE_FD	only with console=1: the other end of the command's
 *		0, 1, 2: the master of a pty, or a stream socket.
 */
#ifndef HV_PROTO_BIRTH_H
#define HV_PROTO_BIRTH_H

#include <stdint.h>

#define HVB_SOCKET_FD     3
#define HVB_CONFIG_FD     4
#define HVB_MSG_MAX       65536

#define HVB_KERNEL_FD     3
#define HVB_STATE_FD      5
#define HVB_CONSOLE_FD    6
#define HVB_STATE_SERVING 'R'
#define HVB_STATE_ENDING  'T'

enum hvb_type {
	/* hvd -> hv-init */
	HVB_RUN = 1, /* start kernel and command; fd: the kernel's session */
	HVB_EXEC,    /* id, payload strings (see below), fds: 0, 1, 2; one that
		      * comes before HVB_RUN waits for that */
	HVB_SIGNAL,  /* id, value: signal for that process's group */
	HVB_STOP,    /* SIGSTOP everything in the domain */
	HVB_CONT,
	/* hv-init -> hvd */
	HVB_READY = 64,   /* fd: the listening socket; value: HVB_HAVE_* */
	HVB_FAILED,       /* value: errno; payload: text */
	HVB_EXITED,       /* id, value: wait status of an exec'd process */
	HVB_KERNEL_DIED,  /* value: wait status */
	HVB_COMMAND_DIED, /* value: wait status of the domain's command */
	HVB_NOTE,         /* payload: text for the machine's log */
};

/* what the kernel allowed, in HVB_READY */
#define HVB_HAVE_USERNS  1
#define HVB_HAVE_MOUNTNS 2
#define HVB_HAVE_PIDNS   4
#define HVB_HAVE_NETNS   8
#define HVB_HAVE_IPCNS   16
#define HVB_HAVE_PROC    32
#define HVB_HAVE_SECCOMP 64

struct hvb_msg {
	uint32_t type;
	uint32_t id;
	int32_t value;
	uint32_t len;
};

/*
 * Configuration, and the payload of HVB_EXEC: NUL-terminated strings
 * "key=value", in any order; unknown keys are refused.
 *   domid=N  name=S  uuid=S
 *   control=1	      the control domain: sees the host's files read-only, has
 *		      /proc/xen, and its /run is rundir
 *   kernel=PATH      the domain's kernel process (hv-kernel)
 *   arg=S ...	      the command the domain runs, one string per argument;
 *		      none: only the kernel runs
 *   env=K=V ...      added to its environment
 *   cwd=PATH
 *   bind=PATH ...    host folders or files visible read-only at the same path
 *   bindrw=PATH ...  the same, writable
 *   libdir=PATH      hv's libraries: first in LD_LIBRARY_PATH
 *   bindir=PATH      hv's programs: first in PATH
 *   rundir=PATH      host folder that becomes the domain's /run
 *   logdir=PATH      host folder that becomes the domain's /var/log/xen
 *   iouring=1	      programs may use io_uring
 *   cpus=LIST	      processors, as "0,2-3"
 *   uid=N	      host uid and gid to become (only if hvd is root, and then
 *		      each domain but the control domain has to have one, not 0)
 *   console=1	      the command's stdin/stdout/stderr are the console
 * HVB_EXEC takes arg, env, cwd.
 */

#endif
