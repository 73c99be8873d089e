/* SPDX-License-Identifier: MIT */
/*
 * stored.h: a store daemon in dom0 of a stand, ours or one of Debian's
 *
 * The caller forks; the child calls stored_output(), and stored_exec() if it
 * is to be a daemon.  It sees a file system with the few files that daemons
 * look for, and dies with the thread that forked it.
 */
#ifndef TESTS_SYS_STORED_H
#define TESTS_SYS_STORED_H

#include <stddef.h>
#include <sys/types.h>

#include "tests/sys/stand.h"

struct xenevtchn_handle;

enum stored_kind { STORED_OURS, STORED_C, STORED_OCAML };

/* Makes the folders, and says in @socket where the daemon will listen. */
void stored_prepare(const struct stand *s, char *socket, size_t cap);

/*
 * The other end of dom0's own ring, which says nothing: NULL with errno, or a
 * handle for xenevtchn_close(), with its port in *@port.
 */
struct xenevtchn_handle *stored_kernel(int *port);

/* In the child: stdout and stderr go to a log in the folder of the stand. */
void stored_output(const struct stand *s);

/*
 * stored_exec - in the child: be the daemon
 * @xen:	the folder of Debian's programs, if one of them is wanted
 * @port:	of stored_kernel()
 *
 * Any failure ends the child, with a line in the log.
 */
void stored_exec(const struct stand *s, enum stored_kind kind, const char *xen,
	int port) __attribute__((noreturn));

/*
 * Until the daemon @pid listens: 0, or -1 if it has ended (it is still the
 * caller's to wait for) or does not within ten seconds.
 */
int stored_wait(pid_t pid, const char *socket);

/* The last words of a daemon that is gone, to stderr. */
void stored_log_show(const struct stand *s);

#endif
