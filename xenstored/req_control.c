/* SPDX-License-Identifier: MIT */
/* req_control.c - CONTROL: the commands of operators */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/macro.h"
#include "common/rd.h"
#include "xenstored/control.h"
#include "xenstored/dispatch.h"
#include "xenstored/server.h"

/* Room for the line that says what was left out. */
enum { TEXT_LAST = 80, TEXT_LINE_MAX = 8192 };

void text_line(struct text *text, const char *fmt, ...)
{
	char line[TEXT_LINE_MAX];
	va_list ap;
	int len;

	if (text->omitted) {
		text->omitted++;
		return;
	}
	va_start(ap, fmt);
	len = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	if (len < 0 || len >= (int)sizeof(line) - 1) {
		text->omitted++;
		return;
	}
	line[len++] = '\n';
	if (text->file) {
		fwrite(line, 1, (size_t)len, text->file);
	} else if ((size_t)len > text->cap - TEXT_LAST - text->len) {
		text->omitted++;
	} else {
		memcpy(text->buf + text->len, line, (size_t)len);
		text->len += (size_t)len;
	}
}

static void text_end(struct text *text)
{
	if (text->omitted)
		text->len += (size_t)snprintf(text->buf + text->len, TEXT_LAST,
			"... %zu more lines left out\n", text->omitted);
	text->buf[text->len++] = '\0';
}

int control_open(struct control *c, const char *name)
{
	const char *dir = c->server->rundir;
	size_t len = dir ? strlen(dir) : 0;
	int fd;

	/* Relative to that folder, or given with it. */
	if (dir && !strncmp(name, dir, len) && name[len] == '/')
		name += len + 1;
	if (!dir || !*name || strchr(name, '/') || name[0] == '.') {
		text_line(&c->text, "not supported: files are only in %s",
			dir ? dir
			    : "the folder of the socket, and there is "
			      "none");
		return -1;
	}
	fd = openat(c->server->rundir_fd, name,
		O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW |
			O_NONBLOCK,
		0600);
	if (fd < 0)
		text_line(&c->text, "%s/%s: %s", dir, name, strerror(errno));
	return fd;
}

/* Without an argument: which switches of the access log are on. */
static int control_log(struct control *c)
{
	struct trace *trace = &c->server->trace;
	unsigned bit = 0;
	const char *name;

	if (c->nr > 1)
		return EINVAL;
	if (c->nr)
		return trace_switch(&trace->on, c->arg[0]);
	for (unsigned i = 0; (name = trace_name(i, &bit)); i++)
		text_line(&c->text, "%s: %s", name,
			trace->on & bit ? "on" : "off");
	return 0;
}

static int control_logfile(struct control *c)
{
	int fd;

	if (c->nr != 1)
		return EINVAL;
	fd = control_open(c, c->arg[0]);
	if (fd < 0)
		return 0;
	log_fd_set(fd);
	if (c->server->log_fd >= 0)
		close(c->server->log_fd);
	c->server->log_fd = fd;
	return 0;
}

static int control_print(struct control *c)
{
	if (c->nr != 1)
		return EINVAL;
	log_info(NULL, "control-print", "%s", c->arg[0]);
	return 0;
}

static int control_live_update(struct control *c)
{
	text_line(&c->text, "live-update is not supported by this version");
	return 0;
}

static int control_help(struct control *c);

static const struct {
	const char *name;
	control_fn fn;
	const char *args;
	const char *about;
} commands[] = {
	{"check", control_check, "", "compare the accounts with the tree"},
	{"connections", control_connections, "", "who is connected"},
	{"help", control_help, "", "this"},
	{"live-update", control_live_update, "", "not supported yet"},
	{"log", control_log, "[on|off|+<switch>|-<switch>]",
		"log requests (io), connections (obj), values"},
	{"logfile", control_logfile, "<file>", "log to a file from now on"},
	{"memreport", control_memreport, "[<file>]", "what is in memory"},
	{"print", control_print, "<string>", "write a line to the log"},
	{"quota", control_quota,
		"[set <name> <value> [<domid>]|<domid>|max [-r]]",
		"limits, what is used, and the most that was"},
	{"quota-soft", control_quota_soft, "[set memory <value>]",
		"the limit that only warns"},
	{"transactions", control_transactions, "", "which are open"},
	{"watches", control_watches, "[<path>]", "who watches what"},
};

static int control_help(struct control *c)
{
	if (c->nr)
		return EINVAL;
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		text_line(&c->text, "%-15s %s%s%s", commands[i].name,
			commands[i].args, *commands[i].args ? "  " : "",
			commands[i].about);
	return 0;
}

static control_fn find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (!strcmp(name, commands[i].name))
			return commands[i].fn;
	return NULL;
}

int do_control(struct req *req)
{
	control_fn fn = find_command(req->args.str[0]);
	struct control c = {.req = req, .server = req->server};
	struct rd rd;
	int r;

	if (!fn)
		return EINVAL;
	/* The strings are behind the command, each with its NUL. */
	rd_init(&rd, req->args.data, req->args.data_len);
	c.nr = req->args.nr - 1;
	if (c.nr > CONTROL_ARGS_MAX)
		return EINVAL;
	for (unsigned i = 0; i < c.nr; i++)
		c.arg[i] = rd_cstr(&rd, NULL);
	c.text.buf = (char *)req->server->reply;
	c.text.cap = sizeof(req->server->reply);
	r = fn(&c);
	if (r || (!c.text.len && !c.text.omitted))
		return r;
	text_end(&c.text);
	req->data = c.text.buf;
	req->len = c.text.len;
	return 0;
}
