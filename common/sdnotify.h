/* SPDX-License-Identifier: MIT */
/*
 * sdnotify.h - tell the service manager how we are
 *
 * The project's own, so that a root daemon does not link libsystemd.  The
 * protocol is the one of sd_notify(3): a datagram of assignments to the
 * socket named by NOTIFY_SOCKET.
 */
#ifndef BH_COMMON_SDNOTIFY_H
#define BH_COMMON_SDNOTIFY_H

/*
 * sdnotify_send - send @state, such as "READY=1", to the service manager
 *
 * Does nothing without NOTIFY_SOCKET; nobody is told of a failure, since a
 * daemon must run as well without a service manager.  Never blocks.
 * Returns 1 when sent, 0 when not.
 */
int sdnotify_send(const char *state);

/*
 * sdnotify_keep - connect now, for who may make no sockets later
 *
 * Without it each message has a socket of its own.  sdnotify_forget() closes
 * it again.
 */
void sdnotify_keep(void);
void sdnotify_forget(void);

#endif
