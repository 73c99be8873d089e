/* SPDX-License-Identifier: MIT */
/*
 * log.h - log lines with a level, an id and a domain
 *
 * DOC: Log lines
 *
 * A line is `<priority>program: id: text [domid=N]`; text is lower case
 * without a full stop, id names the kind of message for filters and catalogs.
 * The priority is only written when standard error is the journal.
 *
 * Bytes of a peer can be part of the text: every byte which is not printable
 * ASCII is written as \xNN, so a line is always one line.
 *
 * A daemon in the background has no standard error.  Its warnings and errors
 * go to the system's log, in the form that syslog(3) gives them; where they
 * go is said with each of them, so that a log that is started again, or after
 * us, has what comes then.  Whoever is confined may do that, but not make a
 * new socket, as syslog(3) would.
 *
 * A peer must not be able to fill a disk.  Every line that a peer can cause
 * is written with the log_ctx of its domain, which carries a token bucket;
 * the first line after a drought says how many were dropped.
 */
#ifndef BH_COMMON_LOG_H
#define BH_COMMON_LOG_H

#include <stdint.h>

#include "common/err.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

enum {
	LOG_BURST = 10,     /* lines a domain may cause at once */
	LOG_PER_SEC = 1,    /* lines a domain may cause for ever */
	LOG_LINE_MAX = 512, /* bytes of one line, escaped */
};

/* Embedded in what stands for the peer; all zero is a fresh one. */
struct log_ctx {
	int domid; /* shown when has_domid */
	int has_domid;
	uint64_t stamp;   /* when spent was last updated, ns */
	uint64_t spent;   /* ns worth of lines used up */
	unsigned dropped; /* lines not written since the last one */
	uint64_t since;   /* when the first of them came, ns */
};

/* Set the name at the head of lines; @name must stay valid. */
void log_init(const char *name);

/* Lines above @level are not written; the default is LOG_LEVEL_INFO. */
void log_level_set(enum log_level level);

/* Write lines to @fd instead of standard error; -1 writes nothing. */
void log_fd_set(int fd);

enum { LOG_SYSLOG_PATH_MAX = 107 };

/*
 * Write warnings and errors, of facility daemon, to the system's log at the
 * datagram socket @path, too, which need not be there now.  0 or -errno;
 * -ENAMETOOLONG: above LOG_SYSLOG_PATH_MAX.  What it does not take at once is
 * lost.
 */
int log_syslog_open(const char *path) __must_check;

/* No longer. */
void log_syslog_close(void);

/*
 * log_ctx_allow - may a peer cause one more line at time @now (ns)?
 * Takes a token if so, counts the line as dropped otherwise.
 */
int log_ctx_allow(struct log_ctx *ctx, uint64_t now);

/*
 * For who has a timer: a burst, and then one line with the number of the
 * others.  log_ctx_hold() is log_ctx_allow(), but after a line that was
 * dropped it drops all, until log_ctx_settle() has asked for their number;
 * @seconds is set to the time that they took, rounded up.
 */
int log_ctx_hold(struct log_ctx *ctx, uint64_t now);
unsigned log_ctx_settle(struct log_ctx *ctx, uint64_t now, unsigned *seconds);

/* log_now: the clock of these functions, ns. */
uint64_t log_now(void);

/*
 * log_write - write one line.  @ctx is NULL for lines that no peer can
 * cause.  Preserves errno.
 */
void log_write(enum log_level level, struct log_ctx *ctx, const char *id,
	const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#define log_error(ctx, ...) log_write(LOG_LEVEL_ERROR, (ctx), __VA_ARGS__)
#define log_warn(ctx, ...)  log_write(LOG_LEVEL_WARN, (ctx), __VA_ARGS__)
#define log_info(ctx, ...)  log_write(LOG_LEVEL_INFO, (ctx), __VA_ARGS__)
#define log_debug(ctx, ...) log_write(LOG_LEVEL_DEBUG, (ctx), __VA_ARGS__)

#endif
