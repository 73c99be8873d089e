/* SPDX-License-Identifier: MIT */
/* compat_text.c - values as the xenstore-* commands show and take them */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libxs/cli/compat.h"

enum { ESCAPE_MAX = 4 }; /* bytes that one may become */

char *compat_escape(const void *data, size_t len)
{
	static const char plain[] = "\\\t\n\r", letter[] = "\\tnr";
	const unsigned char *p = data;
	char *text = malloc(len * ESCAPE_MAX + 1), *to = text;

	if (!text)
		err(1, "malloc");
	for (size_t i = 0; i < len; i++) {
		const char *special = p[i] ? strchr(plain, p[i]) : NULL;

		if (special)
			to += sprintf(to, "\\%c", letter[special - plain]);
		else if (p[i] >= ' ' && p[i] <= '~')
			*to++ = (char)p[i];
		else
			to += sprintf(
				to, p[i] < 8 ? "\\%03o" : "\\x%02x", p[i]);
	}
	*to = '\0';
	return text;
}

/* The escape behind a backslash at *@s, which moves behind it. */
static char unescape_one(const char **s)
{
	unsigned int v;
	int n = 0;
	char c = *(*s)++;

	switch (c) {
	case 't': return '\t';
	case 'n': return '\n';
	case 'r': return '\r';
	case 'x':
		/* scanf's idea of a number: blanks and a sign, too */
		if (sscanf(*s, "%2x%n", &v, &n) != 1)
			return c;
		break;
	case '0' ... '7':
		--*s;
		if (sscanf(*s, "%3o%n", &v, &n) != 1)
			return c;
		break;
	case '\0':
		--*s; /* the end stays the end */
		return c;
	default: return c;
	}
	*s += n;
	return (char)v;
}

size_t compat_unescape(char *s)
{
	const char *from = s;
	char *to = s;

	while (*from) {
		char c = *from++;

		*to++ = c == '\\' ? unescape_one(&from) : c;
	}
	*to = '\0';
	return (size_t)(to - s);
}
