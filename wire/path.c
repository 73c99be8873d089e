/* SPDX-License-Identifier: MIT */
/* path.c - paths of the Xenstore */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <xen/io/xs_wire.h>

#include "wire/path.h"

static_assert((int)PATH_ABS_MAX == XENSTORE_ABS_PATH_MAX, "absolute paths");
static_assert((int)PATH_REL_MAX == XENSTORE_REL_PATH_MAX, "relative paths");

#define HOMES "/local/domain/"

size_t path_home(char buf[PATH_HOME_MAX], uint16_t domid)
{
	return (size_t)snprintf(buf, PATH_HOME_MAX, HOMES "%u", domid);
}

static bool char_ok(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '/' || c == '_' ||
	       c == '@';
}

/* The rules for what follows a '/' that is already there. */
static bool text_ok(const char *s, size_t len)
{
	char last = '/';

	for (size_t i = 0; i < len; i++) {
		if (!char_ok(s[i]) || (s[i] == '/' && last == '/'))
			return false;
		last = s[i];
	}
	return last != '/';
}

/* Length of "/local/domain/<n>/" at the start of @s, 0 if it is not there. */
static size_t home_len(const char *s, size_t len)
{
	size_t at = sizeof(HOMES) - 1;
	size_t digits = 0;

	if (len < at || memcmp(s, HOMES, at))
		return 0;
	while (at < len && digits < 5 && s[at] >= '0' && s[at] <= '9') {
		at++;
		digits++;
	}
	return digits && at < len && s[at] == '/' ? at + 1 : 0;
}

int path_parse(struct path *path, const char *s, size_t len, uint16_t home,
	size_t limit, bool special)
{
	if (!len || len > PATH_ABS_MAX)
		return EINVAL;
	path->base = 0;
	if (s[0] == '/') {
		path->kind = PATH_ABSOLUTE;
		if (len > 1 && !text_ok(s + 1, len - 1))
			return EINVAL;
	} else {
		path->kind = s[0] == '@' ? PATH_SPECIAL : PATH_RELATIVE;
		if (!text_ok(s, len) ||
			(path->kind == PATH_SPECIAL && !special))
			return EINVAL;
	}
	if (path->kind == PATH_RELATIVE) {
		path->base = path_home(path->buf, home);
		path->buf[path->base++] = '/';
		if (len > PATH_ABS_MAX - path->base)
			return EINVAL;
	}
	memcpy(path->buf + path->base, s, len);
	path->len = path->base + len;
	path->buf[path->len] = '\0';
	if (path->len - home_len(path->buf, path->len) > limit)
		return EINVAL;
	return 0;
}

bool path_next(const char **at, const char **comp, size_t *len)
{
	const char *s = *at;

	if (*s == '/')
		s++;
	*comp = s;
	while (*s && *s != '/')
		s++;
	*len = (size_t)(s - *comp);
	*at = s;
	return *len != 0;
}
