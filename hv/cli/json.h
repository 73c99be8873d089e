/* SPDX-License-Identifier: MIT */
/*
 * json.h - JSON on a stream, one value after the other
 *
 * Strings are bytes of anybody: what is not UTF-8 is written as U+FFFD, so
 * that the output is always valid.  json_end() writes the last newline.
 */
#ifndef HV_CLI_JSON_H
#define HV_CLI_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json {
	FILE *f;
	unsigned int depth;
	bool first; /* of its object or array */
};

void json_begin(struct json *j, FILE *f);
void json_end(struct json *j);
/* @key is NULL within an array and at the top; @c is '{' or '['. */
void json_open(struct json *j, const char *key, char c);
void json_close(struct json *j, char c);
/* NULL becomes null. */
void json_str(struct json *j, const char *key, const char *s);
void json_num(struct json *j, const char *key, uint64_t v);
void json_bool(struct json *j, const char *key, bool v);

#endif
