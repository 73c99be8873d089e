/* SPDX-License-Identifier: MIT */
/*
 * pty.h - a terminal of its own for a command in a domain
 *
 * The administrator's terminal is not given to a domain: what is left running
 * there could go on reading what is typed, and change its settings.  The
 * command gets a pty instead, which is relayed while it runs and hung up when
 * it has ended.
 */
#ifndef HV_CLI_PTY_H
#define HV_CLI_PTY_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

struct pollfd;

struct pty {
	int master;  /* -1: none of our descriptors is a terminal */
	int out;     /* our terminal: where the command's output goes */
	bool is_raw; /* stdin was made raw: what is typed goes there */
	bool typed_end;
	size_t len, at; /* typed, not yet taken */
	char typed[1024];
};

enum { PTY_FDS = 2 };

/*
 * pty_open - for a command on 0, 1, 2: in @fds, what it gets for them.  0 or
 * -errno.  pty_started() closes our end of what it was given and makes the
 * terminal raw; pty_close() sets it back and hangs up, in any case.
 */
int pty_open(struct pty *pty, int fds[3]) __must_check;
void pty_started(struct pty *pty, const int fds[3]);
void pty_close(struct pty *pty);

/* What to poll for, in @p, and what to do after it. */
void pty_poll(const struct pty *pty, struct pollfd p[PTY_FDS]);
void pty_relay(struct pty *pty, const struct pollfd p[PTY_FDS]);

/* Our window has another size. */
void pty_resize(struct pty *pty);

#endif
