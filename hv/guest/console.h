/* SPDX-License-Identifier: MIT */
/*
 * console.h - the command of a domain and the console ring
 *
 * What the command writes goes to the ring's `out`; what comes through `in`
 * goes to the command.  Nobody has to listen: what the ring has no room for
 * is kept, CONSOLE_BACKLOG bytes of it, and then the oldest is dropped, which
 * is said once in its place.
 */
#ifndef HV_GUEST_CONSOLE_H
#define HV_GUEST_CONSOLE_H

#include <stddef.h>

struct loop;
struct console;

enum { CONSOLE_BACKLOG = 64 * 1024 };

struct console_params {
	struct loop *loop;
	void *page; /* the ring, mapped for the life of the console */
	int tty_fd; /* the command's other end; non-blocking; given away */
	void (*kick)(void *arg); /* notify the console's backend */
	void *arg;
};

/* A console owned by @ctx; NULL when out of memory (tty_fd is kept). */
struct console *console_new(const void *ctx, const struct console_params *p);

/* The event channel fired. */
void console_wake(struct console *con);

#endif
