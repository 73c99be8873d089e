/* SPDX-License-Identifier: MIT */
/* json.c - JSON on a stream, one value after the other */
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "hv/cli/json.h"

static void indent(const struct json *j)
{
	fputc('\n', j->f);
	for (unsigned int i = 0; i < j->depth; i++)
		fputs("  ", j->f);
}

/* How many bytes the UTF-8 character at @p has; 0 if it is none. */
static size_t utf8_len(const unsigned char *p)
{
	static const struct {
		unsigned char mask, lead, lo, hi;
	} forms[] = {
		{0xff, 0xe0, 0xa0, 0xbf}, /* not overlong */
		{0xff, 0xed, 0x80, 0x9f}, /* no surrogates */
		{0xff, 0xf0, 0x90, 0xbf},
		{0xff, 0xf4, 0x80, 0x8f}, /* up to U+10FFFF */
		{0xe0, 0xc0, 0x80, 0xbf},
		{0xf0, 0xe0, 0x80, 0xbf},
		{0xf8, 0xf0, 0x80, 0xbf},
	};
	size_t len;

	if (*p < 0xc2 || *p > 0xf4)
		return 0;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if ((*p & forms[i].mask) != forms[i].lead)
			continue;
		if (p[1] < forms[i].lo || p[1] > forms[i].hi)
			return 0;
		len = *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
		for (size_t k = 2; k < len; k++)
			if ((p[k] & 0xc0) != 0x80)
				return 0;
		return len;
	}
	return 0;
}

static void string(FILE *f, const char *s)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t n;

	fputc('"', f);
	while (*p) {
		if (*p == '"' || *p == '\\') {
			fprintf(f, "\\%c", *p++);
		} else if (*p < 0x20 || *p == 0x7f) {
			fprintf(f, "\\u%04x", *p++);
		} else if (*p < 0x80) {
			fputc(*p++, f);
		} else if ((n = utf8_len(p))) {
			fwrite(p, 1, n, f);
			p += n;
		} else {
			fputs("\\ufffd", f);
			p++;
		}
	}
	fputc('"', f);
}

static void next(struct json *j, const char *key)
{
	if (j->depth) {
		if (!j->first)
			fputc(',', j->f);
		indent(j);
	}
	j->first = false;
	if (key) {
		string(j->f, key);
		fputs(": ", j->f);
	}
}

void json_begin(struct json *j, FILE *f)
{
	*j = (struct json){.f = f, .first = true};
}

void json_end(struct json *j)
{
	fputc('\n', j->f);
}

void json_open(struct json *j, const char *key, char c)
{
	next(j, key);
	fputc(c, j->f);
	j->depth++;
	j->first = true;
}

void json_close(struct json *j, char c)
{
	j->depth--;
	if (!j->first)
		indent(j);
	fputc(c, j->f);
	j->first = false;
}

void json_str(struct json *j, const char *key, const char *s)
{
	next(j, key);
	if (s)
		string(j->f, s);
	else
		fputs("null", j->f);
}

void json_num(struct json *j, const char *key, uint64_t v)
{
	next(j, key);
	fprintf(j->f, "%" PRIu64, v);
}

void json_bool(struct json *j, const char *key, bool v)
{
	next(j, key);
	fputs(v ? "true" : "false", j->f);
}
