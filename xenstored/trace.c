/* SPDX-License-Identifier: MIT */
/* trace.c - the access log: who asked for what, and what came of it */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/macro.h"
#include "common/str.h"
#include "xenstored/conn.h"
#include "xenstored/dispatch.h"
#include "xenstored/domain.h"
#include "xenstored/server.h"
#include "xenstored/trace.h"

/* A payload, each byte of which may be escaped, and the words around it. */
enum { LINE_MAX_LEN = 4 * XSMSG_PAYLOAD_MAX + 256 };

static const struct {
	const char *name;
	unsigned bit; /* 0: accepted, and for nothing */
} switches[] = {
	{"io", TRACE_IO},
	{"obj", TRACE_OBJ},
	{"values", TRACE_VALUES},
	{"wrl", 0},
	{"acc", 0},
	{"tdb", 0},
};

/* On the stack of who writes a line. */
struct line {
	size_t len;
	char text[LINE_MAX_LEN];
};

void trace_init(struct trace *trace)
{
	*trace = (struct trace){.fd = -1, .file = FILEAT_NONE};
}

void trace_fini(struct trace *trace)
{
	if (trace->fd >= 0)
		close(trace->fd);
	fileat_fini(&trace->file);
	trace_init(trace);
}

int trace_switch(unsigned *on, const char *s)
{
	if (!strcmp(s, "on")) {
		*on |= TRACE_IO | TRACE_OBJ;
		return 0;
	}
	if (!strcmp(s, "off")) {
		*on = 0;
		return 0;
	}
	if (*s != '+' && *s != '-')
		return EINVAL;
	for (size_t i = 0; i < ARRAY_LEN(switches); i++) {
		if (strcmp(s + 1, switches[i].name) != 0)
			continue;
		if (*s == '+')
			*on |= switches[i].bit;
		else
			*on &= ~switches[i].bit;
		return 0;
	}
	return EINVAL;
}

const char *trace_name(unsigned i, unsigned *bit)
{
	if (i >= ARRAY_LEN(switches) || !switches[i].bit)
		return NULL;
	*bit = switches[i].bit;
	return switches[i].name;
}

int trace_reopen(struct trace *trace)
{
	/* A pipe that nobody reads must not stop the store. */
	int fd = fileat_open(&trace->file,
		O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK, 0600);

	if (fd < 0)
		return err_trace(fd);
	if (trace->fd >= 0)
		close(trace->fd);
	trace->fd = fd;
	return 0;
}

int trace_open(struct trace *trace, const char *path)
{
	int r = fileat_init(&trace->file, path);

	if (r)
		return err_trace(r);
	/* So that the time zones are not looked for later, when confined. */
	tzset();
	return err_trace(trace_reopen(trace));
}

__attribute__((format(printf, 2, 3))) static void put(
	struct line *line, const char *fmt, ...)
{
	size_t room = sizeof(line->text) - line->len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line->text + line->len, room, fmt, ap);
	va_end(ap);
	if (n > 0)
		line->len += (size_t)n < room ? (size_t)n : room - 1;
}

static void put_bytes(struct line *line, const void *bytes, size_t len)
{
	line->len += str_escape(line->text + line->len,
		sizeof(line->text) - line->len, bytes, len);
}

static void put_time(struct line *line)
{
	struct timespec ts;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	line->len += strftime(line->text + line->len,
		sizeof(line->text) - line->len, "%Y-%m-%dT%H:%M:%S", &tm);
	put(line, ".%06ldZ ", ts.tv_nsec / 1000);
}

/* The log has the time of its lines from whoever keeps it. */
static void line_begin(struct line *line, const struct conn *conn)
{
	line->len = 0;
	if (conn->server->trace.fd >= 0)
		put_time(line);
	put(line, "d%u %s ", conn->domain->domid,
		conn->out.memory == &conn->memory ? "socket" : "ring");
}

/* One write, so that lines are whole whoever else appends. */
static void line_end(struct line *line, const struct trace *trace)
{
	if (trace->fd < 0) {
		log_info(NULL, "trace", "%s", line->text);
		return;
	}
	line->text[line->len++] = '\n';
	if (write(trace->fd, line->text, line->len) < 0)
		return;
}

static void put_args(struct line *line, const struct req *req)
{
	const struct ops_args *args = &req->args;
	const struct ops_row *row = ops_find(req->hdr->type);

	for (unsigned i = 0; i < args->nr && i < OPS_STR_MAX; i++) {
		if (!args->str[i])
			break;
		put(line, " ");
		put_bytes(line, args->str[i], args->str_len[i]);
	}
	if (row && row->shape == OPS_LIST && args->data_len) {
		put(line, " ");
		put_bytes(line, args->data, args->data_len);
	}
	if (!row || row->shape != OPS_DATA || !args->nr)
		return;
	put(line, " value=%zu", args->data_len);
	if (!(req->server->trace.on & TRACE_VALUES))
		return;
	put(line, " ");
	put_bytes(line, args->data, args->data_len);
}

void trace_request(const struct req *req, int r)
{
	const struct trace *trace = &req->server->trace;
	const struct xsmsg_hdr *hdr = req->hdr;
	struct line line;

	if (!(trace->on & TRACE_IO))
		return;
	line_begin(&line, req->conn);
	put(&line, "%s tx=%u", ops_name(hdr->type), hdr->tx_id);
	/* Many may read the log. */
	if (trace->fd >= 0)
		put_args(&line, req);
	put(&line, " %s", !r ? "OK" : r < 0 ? "EIO" : xsmsg_error_name(r));
	line_end(&line, trace);
}

void trace_conn(const struct conn *conn, const char *what)
{
	const struct trace *trace = &conn->server->trace;
	struct line line;

	if (!(trace->on & TRACE_OBJ))
		return;
	line_begin(&line, conn);
	put(&line, "%s", what);
	line_end(&line, trace);
}
