/* SPDX-License-Identifier: MIT */
/*
 * trace.h - the access log: who asked for what, and what came of it
 *
 * DOC: A line
 *
 *	2026-11-21T12:00:00.000123Z d5 ring WRITE tx=0 /path value=10 OK
 *
 * is written when a request was handled.  Bytes of clients are escaped, so a
 * line is always one line.  Of a value only the length is written, unless the
 * switch "values" is on: values hold passwords of consoles and the like.
 *
 * Without a file lines go to the log, and have no arguments at all.
 */
#ifndef BH_XENSTORED_TRACE_H
#define BH_XENSTORED_TRACE_H

#include <stddef.h>

#include "common/err.h"
#include "common/fileat.h"

struct conn;
struct req;

enum trace_switch {
	TRACE_IO = 1 << 0,     /* requests */
	TRACE_OBJ = 1 << 1,    /* connections that come and go */
	TRACE_VALUES = 1 << 2, /* what is written, too */
};

/* Embedded in the server. */
struct trace {
	unsigned on; /* enum trace_switch */
	int fd;      /* -1: to the log */
	struct fileat file;
};

void trace_init(struct trace *trace);
void trace_fini(struct trace *trace);

/*
 * trace_switch - "on", "off", "+NAME" or "-NAME"
 *
 * The names are those of Xen's xenstored: io, obj, and wrl, acc and tdb, of
 * which there is nothing to tell here; and "values".  0 or EINVAL.
 */
int trace_switch(unsigned *on, const char *s) __must_check;

/* The name of a switch that is not for nothing, by number; NULL: no more. */
const char *trace_name(unsigned i, unsigned *bit);

/* Append to the file @path from now on.  0 or -errno. */
int trace_open(struct trace *trace, const char *path) __must_check;

/* Open it again: it may have been moved.  -errno: goes on with the old one. */
int trace_reopen(struct trace *trace) __must_check;

/* @req was handled with the result @r. */
void trace_request(const struct req *req, int r);

/* @conn is new, or ends: @what says it. */
void trace_conn(const struct conn *conn, const char *what);

#endif
