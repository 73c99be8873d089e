/* SPDX-License-Identifier: MIT */
/*
 * control.h - commands of operators, and the text they answer
 *
 * DOC: Answers
 *
 * An answer is lines that a script can read: words separated by spaces, most
 * of them name=value.  What came from a client is escaped.  Values of nodes
 * are never part of it.
 *
 * A reply ends at one payload.  What does not fit is cut at the end of a line
 * and the last line says how many were left out; a command that takes the
 * name of a file writes all of it there.
 */
#ifndef BH_XENSTORED_CONTROL_H
#define BH_XENSTORED_CONTROL_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/err.h"

struct req;
struct server;

enum { CONTROL_ARGS_MAX = 4 };

/* Where an answer goes: @buf, or @file if there is one. */
struct text {
	char *buf;
	size_t len, cap;
	size_t omitted; /* lines */
	FILE *file;
};

/* Of a command; on the stack of do_control(). */
struct control {
	struct req *req;
	struct server *server;
	const char *arg[CONTROL_ARGS_MAX];
	unsigned nr;
	struct text text;
};

/* Add one line; the newline is added. */
void text_line(struct text *text, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * A command: 0, after it has added lines when there is more to say than
 * "OK"; or the errno for the client.
 */
typedef int (*control_fn)(struct control *c);

/* control_show.c */
int control_connections(struct control *c) __must_check;
int control_watches(struct control *c) __must_check;
int control_transactions(struct control *c) __must_check;
int control_memreport(struct control *c) __must_check;
int control_check(struct control *c) __must_check;

/* control_quota.c */
int control_quota(struct control *c) __must_check;
int control_quota_soft(struct control *c) __must_check;

/*
 * control_open - the file @name in the folder of the socket, to append to
 *
 * Returns a descriptor; -1 after it has added a line that says why not.
 */
int control_open(struct control *c, const char *name);

#endif
