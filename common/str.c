/* SPDX-License-Identifier: MIT */
/* str.c - untrusted bytes to printable text and back, strict integers */
#include <errno.h>
#include <string.h>

#include "common/str.h"

/* One byte as text: its length, and the text in @out. */
static size_t escape_one(char out[4], unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	static const char raw[] = "\\\t\n\r", letter[] = "\\tnr";
	const char *special = c ? strchr(raw, c) : NULL;

	if (!special && c >= ' ' && c <= '~') {
		out[0] = (char)c;
		return 1;
	}
	out[0] = '\\';
	if (special) {
		out[1] = letter[special - raw];
		return 2;
	}
	out[1] = 'x';
	out[2] = hex[c >> 4];
	out[3] = hex[c & 15];
	return 4;
}

size_t str_escape(char *dst, size_t cap, const void *src, size_t len)
{
	const unsigned char *s = src;
	size_t at = 0;

	for (size_t i = 0; i < len; i++) {
		char e[4];
		size_t n = escape_one(e, s[i]);

		if (n >= cap - at)
			break;
		memcpy(dst + at, e, n);
		at += n;
	}
	dst[at] = '\0';
	return at;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

int str_unescape(char *s, size_t *len)
{
	size_t in = 0, out = 0;

	while (in < *len) {
		char c = s[in++];

		if (c == '\\') {
			if (in == *len)
				return EINVAL;
			switch (s[in++]) {
			case '\\': c = '\\'; break;
			case 't': c = '\t'; break;
			case 'n': c = '\n'; break;
			case 'r': c = '\r'; break;
			case 'x':
				if (*len - in < 2 || hex_digit(s[in]) < 0 ||
					hex_digit(s[in + 1]) < 0)
					return EINVAL;
				c = (char)(hex_digit(s[in]) * 16 +
					   hex_digit(s[in + 1]));
				in += 2;
				break;
			default: return EINVAL;
			}
		}
		s[out++] = c;
	}
	*len = out;
	return 0;
}

int str_to_u64(const char *s, uint64_t max, uint64_t *val)
{
	uint64_t v = 0;

	if (!*s)
		return EINVAL;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return EINVAL;
		if (__builtin_mul_overflow(v, 10, &v) ||
			__builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
			return EINVAL;
	}
	if (v > max)
		return EINVAL;
	*val = v;
	return 0;
}
