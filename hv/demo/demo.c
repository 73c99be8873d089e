/* SPDX-License-Identifier: MIT */
/* demo.c - what the two programs of the demonstration share */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hv/demo/demo.h"

enum { NODE_PATH = 256 };

void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

void die(const char *fmt, ...)
{
	va_list ap;
	int e = errno;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, ": %s\n", strerror(e));
	exit(1);
}

char *node_read(struct xs_handle *xs, const char *dir, const char *name)
{
	char path[NODE_PATH];
	unsigned int len;

	snprintf(path, sizeof(path), "%s%s%s", dir, *dir ? "/" : "", name);
	return xs_read(xs, XBT_NULL, path, &len);
}

unsigned int node_number(
	struct xs_handle *xs, const char *dir, const char *name)
{
	char *text = node_read(xs, dir, name), *end;
	unsigned long v;

	if (!text)
		die("%s/%s", dir, name);
	errno = EINVAL;
	v = strtoul(text, &end, 10);
	if (end == text || *end || v > UINT32_MAX)
		die("%s/%s is \"%s\"", dir, name, text);
	free(text);
	return (unsigned int)v;
}

void node_write(struct xs_handle *xs, const char *dir, const char *name,
	const char *fmt, ...)
{
	char path[NODE_PATH], value[NODE_PATH];
	va_list ap;
	int n;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	va_start(ap, fmt);
	n = vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	if (n < 0 || !xs_write(xs, XBT_NULL, path, value, (unsigned int)n))
		die("%s = %s", path, value);
}

bool state_await(struct xs_handle *xs, const char *dir, unsigned int state)
{
	char path[NODE_PATH], want[16], *value;
	bool there;

	snprintf(path, sizeof(path), "%s/state", dir);
	snprintf(want, sizeof(want), "%u", state);
	if (!xs_watch(xs, path, path))
		die("watch %s", path);
	for (;;) {
		unsigned int n;
		char **event = xs_read_watch(xs, &n);

		if (!event)
			die("the store is gone");
		free(event);
		value = node_read(xs, dir, "state");
		there = value && !strcmp(value, want);
		free(value);
		if (there || !value)
			break;
	}
	xs_unwatch(xs, path, path);
	return there;
}
