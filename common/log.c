/* SPDX-License-Identifier: MIT */
/* log.c - log lines: format, escape, limit, write */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/str.h"

#define NSEC 1000000000ULL

static struct {
	const char *name;
	enum log_level level;
	int fd;
	int journal; /* -1: not asked yet */
} log_state = {"bulkhead", LOG_LEVEL_INFO, STDERR_FILENO, -1};

void log_init(const char *name)
{
	log_state.name = name;
}

void log_level_set(enum log_level level)
{
	log_state.level = level;
}

enum log_level log_level_get(void)
{
	return log_state.level;
}

void log_fd_set(int fd)
{
	log_state.fd = fd;
	log_state.journal = fd == STDERR_FILENO ? -1 : 0;
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

static void line_write(enum log_level level, const struct log_ctx *ctx,
	const char *id, const char *text, unsigned dropped)
{
	char line[LOG_LINE_MAX + 160];
	size_t at = 0, cap = sizeof(line);

	if (log_state.journal < 0)
		log_state.journal = getenv("JOURNAL_STREAM") != NULL;
	if (log_state.journal)
		at = put(line, cap, at, "<%d>", priority_of(level));
	at = put(line, cap, at, "%s: %s: %s", log_state.name, id, text);
	if (ctx && ctx->has_domid)
		at = put(line, cap, at, " domid=%d", ctx->domid);
	if (dropped)
		at = put(line, cap, at, " dropped=%u", dropped);
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

	if (level > log_state.level || log_state.fd < 0)
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
out:
	errno = saved;
}
