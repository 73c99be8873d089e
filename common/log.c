/* SPDX-License-Identifier: MIT */
/* log.c - log lines: format, escape, limit, write */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/str.h"

#define NSEC 1000000000ULL

enum { SYSLOG_DAEMON = 3 << 3 }; /* the facility, as in RFC 3164 */

static struct {
	const char *name;
	enum log_level level;
	int fd;
	int journal;   /* -1: not asked yet */
	int syslog_fd; /* -1: none; not connected, see log.h */
	struct sockaddr_un syslog;
} log_state = {.name = "bulkhead",
	.level = LOG_LEVEL_INFO,
	.fd = STDERR_FILENO,
	.journal = -1,
	.syslog_fd = -1};

void log_init(const char *name)
{
	log_state.name = name;
}

void log_level_set(enum log_level level)
{
	log_state.level = level;
}

void log_fd_set(int fd)
{
	log_state.fd = fd;
	log_state.journal = fd == STDERR_FILENO ? -1 : 0;
}

int log_syslog_open(const char *path)
{
	struct sockaddr_un *sun = &log_state.syslog;
	size_t len = strlen(path);
	int fd;

	static_assert(
		LOG_SYSLOG_PATH_MAX < sizeof(sun->sun_path), "with its NUL");
	if (len > LOG_SYSLOG_PATH_MAX)
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	log_syslog_close();
	sun->sun_family = AF_UNIX;
	memcpy(sun->sun_path, path, len + 1);
	log_state.syslog_fd = fd;
	/* While files can be opened. */
	tzset();
	return 0;
}

void log_syslog_close(void)
{
	if (log_state.syslog_fd >= 0)
		close(log_state.syslog_fd);
	log_state.syslog_fd = -1;
}

/*
 * The bucket is kept as time: a line costs 1/LOG_PER_SEC s, what was spent
 * wears off as time passes, and at most LOG_BURST lines may be on the bill.
 */
int log_ctx_allow(struct log_ctx *ctx, uint64_t now)
{
	const uint64_t cost = NSEC / LOG_PER_SEC;
	uint64_t passed = now > ctx->stamp ? now - ctx->stamp : 0;

	ctx->spent = ctx->spent > passed ? ctx->spent - passed : 0;
	ctx->stamp += passed;
	if (ctx->spent + cost > LOG_BURST * cost) {
		if (!ctx->dropped++)
			ctx->since = now;
		return 0;
	}
	ctx->spent += cost;
	return 1;
}

int log_ctx_hold(struct log_ctx *ctx, uint64_t now)
{
	if (!ctx->dropped)
		return log_ctx_allow(ctx, now);
	ctx->dropped++;
	return 0;
}

unsigned log_ctx_settle(struct log_ctx *ctx, uint64_t now, unsigned *seconds)
{
	unsigned n = ctx->dropped;

	*seconds = now > ctx->since ? (now - ctx->since + NSEC - 1) / NSEC : 0;
	ctx->dropped = 0;
	return n;
}

uint64_t log_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC + (uint64_t)ts.tv_nsec;
}

static int priority_of(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERROR: return 3;
	case LOG_LEVEL_WARN: return 4;
	case LOG_LEVEL_INFO: return 6;
	case LOG_LEVEL_DEBUG: return 7;
	}
	return 7;
}

/* Bounded append: what does not fit is cut. */
__attribute__((format(printf, 4, 5))) static size_t put(
	char *buf, size_t cap, size_t at, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf + at, cap - at, fmt, ap);
	va_end(ap);
	if (n < 0)
		return at;
	return (size_t)n < cap - at ? at + (size_t)n : cap - 1;
}

/* What comes behind the name of the program. */
static size_t put_body(char *buf, size_t cap, size_t at,
	const struct log_ctx *ctx, const char *id, const char *text,
	unsigned dropped)
{
	at = put(buf, cap, at, ": %s: %s", id, text);
	if (ctx && ctx->has_domid)
		at = put(buf, cap, at, " domid=%d", ctx->domid);
	if (dropped)
		at = put(buf, cap, at, " dropped=%u", dropped);
	return at;
}

static void syslog_write(enum log_level level, const struct log_ctx *ctx,
	const char *id, const char *text, unsigned dropped)
{
	char line[LOG_LINE_MAX + 160], when[32];
	size_t at, cap = sizeof(line);
	time_t now = time(NULL);
	struct tm tm;

	if (log_state.syslog_fd < 0 || level > LOG_LEVEL_WARN)
		return;
	if (!localtime_r(&now, &tm) ||
		!strftime(when, sizeof(when), "%b %e %T", &tm))
		return;
	at = put(line, cap, 0, "<%d>%s %s[%ld]",
		SYSLOG_DAEMON | priority_of(level), when, log_state.name,
		(long)getpid());
	at = put_body(line, cap, at, ctx, id, text, dropped);
	/* Nobody to tell, likewise. */
	(void)!sendto(log_state.syslog_fd, line, at,
		MSG_DONTWAIT | MSG_NOSIGNAL,
		(const struct sockaddr *)&log_state.syslog,
		sizeof(log_state.syslog));
}

static void line_write(enum log_level level, const struct log_ctx *ctx,
	const char *id, const char *text, unsigned dropped)
{
	char line[LOG_LINE_MAX + 160];
	size_t at = 0, cap = sizeof(line);

	if (log_state.fd < 0)
		return;
	if (log_state.journal < 0)
		log_state.journal = getenv("JOURNAL_STREAM") != NULL;
	if (log_state.journal)
		at = put(line, cap, at, "<%d>", priority_of(level));
	at = put(line, cap, at, "%s", log_state.name);
	at = put_body(line, cap, at, ctx, id, text, dropped);
	line[at++] = '\n';
	/* Nobody to tell when this fails. */
	if (write(log_state.fd, line, at) < 0)
		return;
}

void log_write(enum log_level level, struct log_ctx *ctx, const char *id,
	const char *fmt, ...)
{
	char raw[LOG_LINE_MAX], text[LOG_LINE_MAX];
	unsigned dropped = 0;
	int saved = errno, n;
	va_list ap;

	if (level > log_state.level)
		return;
	if (log_state.fd < 0 && log_state.syslog_fd < 0)
		return;
	if (ctx) {
		if (!log_ctx_allow(ctx, log_now()))
			goto out;
		dropped = ctx->dropped;
		ctx->dropped = 0;
	}
	va_start(ap, fmt);
	n = vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	if (n < 0)
		goto out;
	if ((size_t)n >= sizeof(raw))
		n = sizeof(raw) - 1;
	str_escape(text, sizeof(text), raw, (size_t)n);
	line_write(level, ctx, id, text, dropped);
	syslog_write(level, ctx, id, text, dropped);
out:
	errno = saved;
}
