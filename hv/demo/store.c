/* SPDX-License-Identifier: MIT */
/*
 * store.c - the demonstration's window on the store
 *
 * usage: hv-demo-store read PATH | write PATH VALUE | watch PATH END
 *                      | both PATH
 *
 * watch prints the path of each event on PATH, and ends with one on END,
 * which it does not print; the event that only says that a watch was set is
 * left out.  both adds two children to PATH in two transactions that are open
 * at the same time.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hv/demo/demo.h"

static int do_watch(struct xs_handle *xs, const char *path, const char *end)
{
	unsigned int skip = 2, n;

	if (!xs_watch(xs, path, "watch") || !xs_watch(xs, end, "end"))
		die("watch %s", path);
	for (;;) {
		char **event = xs_read_watch(xs, &n);

		if (!event)
			die("the store is gone");
		if (skip) {
			skip--;
			if (!skip)
				say("watching");
		} else if (!strcmp(event[XS_WATCH_TOKEN], "end")) {
			free(event);
			return 0;
		} else {
			say("%s", event[XS_WATCH_PATH]);
		}
		free(event);
	}
}

static xs_transaction_t add(
	struct xs_handle *xs, const char *dir, const char *name)
{
	xs_transaction_t tx = xs_transaction_start(xs);
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (!tx || !xs_write(xs, tx, path, name, (unsigned int)strlen(name)))
		die("%s in a transaction", path);
	say("in transaction %u: write %s", (unsigned int)tx, path);
	return tx;
}

static void commit(struct xs_handle *xs, xs_transaction_t tx)
{
	if (!xs_transaction_end(xs, tx, false))
		die("transaction %u does not commit", (unsigned int)tx);
	say("transaction %u commits", (unsigned int)tx);
}

static int do_both(struct xs_handle *xs, const char *dir)
{
	xs_transaction_t one = add(xs, dir, "one"), two = add(xs, dir, "two");

	commit(xs, one);
	commit(xs, two);
	xs_close(xs);
	return 0;
}

int main(int argc, char **argv)
{
	struct xs_handle *xs = xs_open(0);
	unsigned int len;
	char *value;

	if (!xs)
		die("no store");
	if (argc == 4 && !strcmp(argv[1], "watch"))
		return do_watch(xs, argv[2], argv[3]);
	if (argc == 3 && !strcmp(argv[1], "both"))
		return do_both(xs, argv[2]);
	if (argc == 4 && !strcmp(argv[1], "write")) {
		len = (unsigned int)strlen(argv[3]);
		if (!xs_write(xs, XBT_NULL, argv[2], argv[3], len))
			die("%s", argv[2]);
		xs_close(xs);
		return 0;
	}
	if (argc == 3 && !strcmp(argv[1], "read")) {
		value = xs_read(xs, XBT_NULL, argv[2], &len);
		if (!value)
			die("%s", argv[2]);
		puts(value);
		free(value);
		xs_close(xs);
		return 0;
	}
	fputs("usage: hv-demo-store read PATH | write PATH VALUE | "
	      "watch PATH END | both PATH\n",
		stderr);
	return 2;
}
