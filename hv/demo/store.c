/* SPDX-License-Identifier: MIT */
/*
 * store.c - the demonstration's window on the store
 *
 * usage: hv-demo-store read PATH | write PATH VALUE | watch PATH END
 *
 * watch prints the path of each event on PATH, and ends with one on END,
 * which it does not print; the event that only says that a watch was set is
 * left out.
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

int main(int argc, char **argv)
{
	struct xs_handle *xs = xs_open(0);
	unsigned int len;
	char *value;

	if (!xs)
		die("no store");
	if (argc == 4 && !strcmp(argv[1], "watch"))
		return do_watch(xs, argv[2], argv[3]);
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
	      "watch PATH END\n",
		stderr);
	return 2;
}
