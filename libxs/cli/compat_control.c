/* SPDX-License-Identifier: MIT */
/*
 * compat_control.c - xenstore-control: commands to the daemon itself
 *
 * DOC: live-update
 *
 * The new binary is named (-f FILE), its command line given (-c), then the
 * update is started (-s) and asked for again while the daemon answers BUSY.
 * Whatever fails, it is told to forget all that (-a).  A daemon that lives in
 * a domain of its own would want the binary itself, as an image built by
 * libxenguest; that is refused here.
 */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "libxs/cli/compat.h"

enum {
	CONTROL_FAILED = 1,
	CONTROL_USAGE = 2,
	CONTROL_REFUSED = 3,
	UPDATE_SECONDS = 60,
};

static const char update_cmd[] = "live-update";

/* Strings one behind the other, each with its NUL. */
struct words {
	char *buf;
	size_t len;
};

static void words_add(struct words *w, const char *s)
{
	size_t n = strlen(s) + 1;
	char *buf = realloc(w->buf, w->len + n);

	if (!buf)
		err(CONTROL_FAILED, "malloc");
	memcpy(buf + w->len, s, n);
	w->buf = buf;
	w->len += n;
}

/* The reply, malloc'ed, or NULL and errno. */
static char *words_send(
	struct xs_handle *xs, const char *cmd, const struct words *w)
{
	return xs_control_command(xs, cmd, w->buf, (unsigned int)w->len);
}

struct update {
	const char *file, *cmdline;
	long seconds;
	bool force;
};

/* False after a message: an option without its value, or no file. */
static bool update_parse(struct update *u, char **args, int nr)
{
	*u = (struct update){.seconds = UPDATE_SECONDS};
	for (int i = 0; i < nr; i++) {
		bool cmdline = !strcmp(args[i], "-c");

		if (cmdline || !strcmp(args[i], "-t")) {
			if (++i == nr) {
				fprintf(stderr, "Missing %s value\n",
					cmdline ? "command line" : "timeout");
				return false;
			}
			if (cmdline)
				u->cmdline = args[i];
			else
				u->seconds = (int)strtol(args[i], NULL, 10);
		} else if (!strcmp(args[i], "-F")) {
			u->force = true;
		} else {
			u->file = args[i];
		}
	}
	if (!u->file)
		fputs("Missing binary specification\n", stderr);
	return u->file;
}

/* One step: OK, or a message and the exit status. */
static int update_step(
	struct xs_handle *xs, const char *option, const char *arg)
{
	struct words w = {0};
	int status = 0;
	char *reply;

	words_add(&w, option);
	words_add(&w, arg);
	reply = words_send(xs, update_cmd, &w);
	if (!reply || strcmp(reply, "OK") != 0) {
		fprintf(stderr, "Setting update binary failed:\n%s\n",
			reply ? reply : strerror(errno));
		status = CONTROL_REFUSED;
	}
	free(reply);
	free(w.buf);
	return status;
}

static int update_start(struct xs_handle *xs, const struct update *u)
{
	static const char busy[] = "BUSY";
	struct words w = {0};
	time_t begun = time(NULL);
	const char *result = busy;
	char *reply = NULL, seconds[32];
	int status = 0;

	snprintf(seconds, sizeof(seconds), "%u", (unsigned int)u->seconds);
	words_add(&w, "-s");
	words_add(&w, "-t");
	words_add(&w, seconds);
	if (u->force)
		words_add(&w, "-F");
	while (time(NULL) - begun < u->seconds) {
		free(reply);
		reply = words_send(xs, update_cmd, &w);
		result = reply ? reply : strerror(errno);
		if (!reply || strcmp(reply, busy) != 0)
			break;
		sleep(1);
	}
	if (strcmp(result, "OK") != 0) {
		fprintf(stderr, "Starting live update failed:\n%s\n", result);
		status = CONTROL_REFUSED;
	}
	free(reply);
	free(w.buf);
	return status;
}

static int live_update(struct xs_handle *xs, char **args, int nr)
{
	struct update u;
	char *domid;
	int status;

	if (!update_parse(&u, args, nr))
		return CONTROL_USAGE;
	domid = xs_read(xs, XBT_NULL, "/tool/xenstored/domid", NULL);
	if (domid) {
		fputs("a daemon in a domain of its own cannot be updated\n",
			stderr);
		free(domid);
		return CONTROL_FAILED;
	}
	status = update_step(xs, "-f", u.file);
	if (!status && u.cmdline)
		status = update_step(xs, "-c", u.cmdline);
	if (!status)
		status = update_start(xs, &u);
	if (status) {
		struct words w = {0};

		words_add(&w, "-a");
		free(words_send(xs, update_cmd, &w));
		free(w.buf);
	}
	return status;
}

/* The daemon did not take it: say what it would take, or why. */
static void complain(struct xs_handle *xs, int e)
{
	char *help;

	if (e != EINVAL) {
		fprintf(stderr, "Error %d when trying to execute command.\n",
			e);
		return;
	}
	help = xs_control_command(xs, "help", NULL, 0);
	if (help)
		fprintf(stderr,
			"Command not supported. Valid commands are:\n%s\n",
			help);
	else
		fputs("Error when executing command.\n", stderr);
	free(help);
}

static int command(struct xs_handle *xs, char **args, int nr)
{
	struct words w = {0};
	char *reply;
	int e;

	for (int i = 1; i < nr; i++)
		words_add(&w, args[i]);
	reply = words_send(xs, args[0], &w);
	e = errno;
	free(w.buf);
	if (!reply) {
		complain(xs, e);
		return CONTROL_REFUSED;
	}
	if (*reply)
		puts(reply);
	free(reply);
	return 0;
}

int compat_control(int argc, char **argv)
{
	struct xs_handle *xs;
	int status;

	if (argc < 2) {
		fprintf(stderr, "Usage:\n%s <command> [<arg>...]\n", argv[0]);
		return CONTROL_USAGE;
	}
	xs = xs_open(0);
	if (!xs) {
		fputs("Failed to contact Xenstored.\n", stderr);
		return CONTROL_FAILED;
	}
	if (!strcmp(argv[1], update_cmd))
		status = live_update(xs, argv + 2, argc - 2);
	else
		status = command(xs, argv + 1, argc - 1);
	xs_close(xs);
	return status;
}
