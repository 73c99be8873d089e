/* SPDX-License-Identifier: MIT */
/*
 * json.h - JSON on a stream, one value after the other
 *
 * Strings are bytes of anybody: what is not UTF-8 is written as U+FFFD, so
 * that the output is always valid; where the bytes themselves matter,
 * json_bytes() keeps them.  json_end() writes the last newline.
 */
#ifndef BH_COMMON_JSON_H
#define BH_COMMON_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct json {
	FILE *f;
	unsigned int depth;
	bool first; /* of its object or array */
	bool line;  /* all in one line; set it after json_begin() */
};

void json_begin(struct json *j, FILE *f);
void json_end(struct json *j);
/* @key is NULL within an array and at the top; @c is '{' or '['. */
void json_open(struct json *j, const char *key, char c);
void json_close(struct json *j, char c);
/* NULL becomes null. */
void json_str(struct json *j, const char *key, const char *s);
/*
 * json_bytes - @len bytes of @data, in a member of an object that tells how
 *
 * UTF-8 becomes a string with the name @key; anything else becomes base64
 * (RFC 4648, padded) with the name @key and "_b64" behind it.
 */
void json_bytes(struct json *j, const char *key, const void *data, size_t len);
void json_num(struct json *j, const char *key, uint64_t v);
void json_bool(struct json *j, const char *key, bool v);

#endif
