/* SPDX-License-Identifier: MIT */
/* cmd_watch.c - xs watch: changes with their time and value; and xs wait */
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <talloc.h>

#include "libxs/cli/cond.h"
#include "libxs/cli/events.h"
#include "libxs/cli/name.h"
#include "libxs/cli/out.h"
#include "libxs/cli/store.h"
#include "libxs/xenstore_lib.h"

enum { KNOWN_MAX = 4096 }; /* nodes whose last value is remembered */

/*
 * A node as it was at its last event; value NULL: it was not there, or denied
 * to us.
 */
struct known {
	char *path, *value;
	size_t len;
	bool denied;
};

struct watching {
	struct cli *cli;
	void *known; /* a tree of tsearch(), by path */
	size_t known_nr;
};

static int known_cmp(const void *a, const void *b)
{
	const struct known *x = a, *y = b;

	return strcmp(x->path, y->path);
}

/* The entry of @path; *@fresh: it was made.  NULL: too many are known. */
static struct known *known_get(
	struct watching *w, const char *path, bool *fresh)
{
	struct known key = {.path = talloc_strdup(w->cli, path)};
	struct known **found = tfind(&key, &w->known, known_cmp), *k;

	*fresh = !found;
	if (found || w->known_nr == KNOWN_MAX) {
		talloc_free(key.path);
		return found ? *found : NULL;
	}
	k = talloc_memdup(w->cli, &key, sizeof(key));
	tsearch(k, &w->known, known_cmp);
	w->known_nr++;
	return k;
}

static void show_time(FILE *f, bool clock)
{
	struct timespec ts;
	struct tm tm;
	char text[64];

	clock_gettime(CLOCK_REALTIME, &ts);
	if (clock)
		localtime_r(&ts.tv_sec, &tm);
	else
		gmtime_r(&ts.tv_sec, &tm);
	strftime(text, sizeof(text), clock ? "%T" : "%FT%T", &tm);
	fprintf(f, "%s.%03ld%s", text, ts.tv_nsec / 1000000, clock ? "" : "Z");
}

/* A value that may not be read is none at all; null is a node's absence. */
static void value_json(
	struct json *j, const char *key, const struct known *known)
{
	if (known->value)
		json_bytes(j, key, known->value, known->len);
	else if (!known->denied)
		json_str(j, key, NULL);
}

static void event_json(
	char **event, const struct known *now, const struct known *old)
{
	char *t = NULL;
	size_t t_len = 0;
	FILE *f = open_memstream(&t, &t_len);
	struct json j;

	if (!f)
		return;
	show_time(f, false);
	fclose(f);
	json_begin(&j, stdout);
	j.line = true;
	json_open(&j, NULL, '{');
	json_num(&j, "xs", 1);
	json_str(&j, "t", t);
	json_str(&j, "path", event[XS_WATCH_PATH]);
	json_str(&j, "token", event[XS_WATCH_TOKEN]);
	if (old)
		value_json(&j, "old", old);
	value_json(&j, "new", now);
	if (now->denied)
		json_bool(&j, "denied", true);
	json_close(&j, '}');
	json_end(&j);
	free(t);
}

static void event_text(struct cli *cli, char **event, const struct known *now)
{
	const char *path = event[XS_WATCH_PATH];

	out_color(cli, OUT_DIM);
	show_time(stdout, cli->tty);
	out_color(cli, OUT_PLAIN);
	putchar(cli->tty ? ' ' : '\t');
	out_text(stdout, path, strlen(path));
	if (now->value) {
		fputs(cli->tty ? " = " : "\t", stdout);
		out_text(stdout, now->value, now->len);
	} else if (now->denied) {
		/* for programs a column behind the value, which may be it */
		fputs(cli->tty ? " (may not be read)" : "\t\tdenied", stdout);
	} else if (cli->tty && *path != '@') {
		fputs(" (not there)", stdout);
	}
	putchar('\n');
}

/* Show one event, with the value that the node has now. */
static int show(struct watching *w, char **event)
{
	struct cli *cli = w->cli;
	const char *path = event[XS_WATCH_PATH];
	struct known now = {0}, old = {0}, *known;
	bool fresh;

	if (*path != '@') {
		now.value = store_read(cli, cli, path, &now.len);
		now.denied = !now.value && errno == EACCES;
		if (!now.value && !now.denied && errno != ENOENT)
			return cli_fail(cli, errno, "read", path);
	}
	known = known_get(w, path, &fresh);
	if (known)
		old = *known;
	if (cli_has(cli, OPTION_JSON))
		event_json(event, &now, fresh ? NULL : &old);
	else if (!cli_has(cli, OPTION_QUIET))
		event_text(cli, event, &now);
	if (!known) {
		talloc_free(now.value);
	} else {
		talloc_free(known->value);
		known->value = now.value;
		known->len = now.len;
		known->denied = now.denied;
	}
	return CLI_OK;
}

static void known_keep(void *node)
{
	(void)node; /* talloc's */
}

int cmd_watch(struct cli *cli, char **args, int nr)
{
	struct watching w = {.cli = cli};
	char **paths, **event;
	int code;

	store_deadline(cli);
	paths = name_paths(cli, args, nr, true);
	if (!paths)
		return cli->failed;
	code = store_open(cli);
	for (int i = 0; !code && i < nr; i++)
		code = events_watch(cli, paths[i]);
	for (uint64_t seen = 0;
		!code && (!cli_has(cli, OPTION_NUMBER) || seen < cli->number);
		seen++) {
		code = events_next(cli, &event);
		if (code)
			break;
		code = events_over(cli, show(&w, event));
		free(event);
		if (!code && !out_finish(cli))
			code = cli->failed;
	}
	tdestroy(w.known, known_keep);
	/* the end of the time is an end like any other, if no number was */
	return code == CLI_FALSE && !cli_has(cli, OPTION_NUMBER) ? CLI_OK
								 : code;
}

/* --- wait ----------------------------------------------------------------- */

static int check_all(struct cli *cli, struct cond **conds, int nr)
{
	int code = CLI_OK;

	for (int i = 0; !code && i < nr; i++)
		code = cond_check(cli, conds[i]);
	return code;
}

static int wait_all(struct cli *cli, struct cond **conds, int nr)
{
	int code;

	while ((code = check_all(cli, conds, nr)) == CLI_FALSE) {
		char **event;

		code = events_next(cli, &event);
		if (code)
			return code;
		free(event);
		events_drain(cli);
	}
	return events_over(cli, code);
}

/* Each path once: a second watch of it would be refused. */
static int watch_paths(struct cli *cli, struct cond **conds, int nr)
{
	int code = CLI_OK;

	for (int i = 0; !code && i < nr; i++) {
		bool twice = false;

		for (int k = 0; k < i; k++)
			twice = twice ||
				!strcmp(conds[k]->path, conds[i]->path);
		if (!twice)
			code = events_watch(cli, conds[i]->path);
	}
	return code;
}

int cmd_wait(struct cli *cli, char **args, int nr)
{
	struct cond **conds = talloc_zero_array(cli, struct cond *, (size_t)nr);
	struct json j;
	int code;

	store_deadline(cli);
	for (int i = 0; i < nr; i++) {
		conds[i] = cond_parse(cli, conds, args[i]);
		if (!conds[i])
			return cli->failed;
	}
	code = store_open(cli);
	if (!code)
		code = watch_paths(cli, conds, nr);
	if (!code)
		code = wait_all(cli, conds, nr);
	if ((code == CLI_OK || code == CLI_FALSE) &&
		cli_has(cli, OPTION_JSON)) {
		out_json_begin(cli, &j);
		json_bool(&j, "met", !code);
		out_json_end(&j);
	}
	return code;
}
