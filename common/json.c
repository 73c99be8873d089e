/* SPDX-License-Identifier: MIT */
/* json.c - JSON on a stream, one value after the other */
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "common/json.h"

static void indent(const struct json *j)
{
	if (j->line)
		return;
	fputc('\n', j->f);
	for (unsigned int i = 0; i < j->depth; i++)
		fputs("  ", j->f);
}

/* How many of the @left bytes at @p are its first UTF-8 character; or 0. */
static size_t utf8_len(const unsigned char *p, size_t left)
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

	if (*p < 0x80)
		return 1;
	if (*p < 0xc2 || *p > 0xf4)
		return 0;
	len = *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
	if (len > left)
		return 0;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if ((*p & forms[i].mask) != forms[i].lead)
			continue;
		if (p[1] < forms[i].lo || p[1] > forms[i].hi)
			return 0;
		for (size_t k = 2; k < len; k++)
			if ((p[k] & 0xc0) != 0x80)
				return 0;
		return len;
	}
	return 0;
}

static void string(FILE *f, const void *data, size_t len)
{
	const unsigned char *p = data, *end = p + len;

	fputc('"', f);
	while (p < end) {
		size_t n = utf8_len(p, (size_t)(end - p));

		if (!n) {
			fputs("\\ufffd", f);
			n = 1;
		} else if (*p == '"' || *p == '\\') {
			fprintf(f, "\\%c", *p);
		} else if (*p < 0x20 || *p == 0x7f) {
			fprintf(f, "\\u%04x", *p);
		} else {
			fwrite(p, 1, n, f);
		}
		p += n;
	}
	fputc('"', f);
}

/* The comma and the name, @key with @suffix, in front of a value. */
static void next_named(struct json *j, const char *key, const char *suffix)
{
	if (j->depth) {
		if (!j->first)
			fputc(',', j->f);
		indent(j);
	}
	j->first = false;
	if (key)
		fprintf(j->f, "\"%s%s\":%s", key, suffix, j->line ? "" : " ");
}

static void next(struct json *j, const char *key)
{
	next_named(j, key, "");
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
		string(j->f, s, strlen(s));
	else
		fputs("null", j->f);
}

static bool is_utf8(const unsigned char *p, size_t len)
{
	for (size_t at = 0, n; at < len; at += n) {
		n = utf8_len(p + at, len - at);
		if (!n)
			return false;
	}
	return true;
}

static void base64(FILE *f, const unsigned char *p, size_t len)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789+/";

	fputc('"', f);
	for (; len; p += 3) {
		size_t n = len < 3 ? len : 3;
		uint32_t v = (uint32_t)p[0] << 16;

		if (n > 1)
			v |= (uint32_t)p[1] << 8;
		if (n > 2)
			v |= p[2];
		fputc(digit[v >> 18], f);
		fputc(digit[(v >> 12) & 63], f);
		fputc(n > 1 ? digit[(v >> 6) & 63] : '=', f);
		fputc(n > 2 ? digit[v & 63] : '=', f);
		len -= n;
	}
	fputc('"', f);
}

void json_bytes(struct json *j, const char *key, const void *data, size_t len)
{
	bool text = is_utf8(data, len);

	next_named(j, key, text ? "" : "_b64");
	if (text)
		string(j->f, data, len);
	else
		base64(j->f, data, len);
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
