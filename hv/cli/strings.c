/* SPDX-License-Identifier: MIT */
/* strings.c - the "key=value" strings of hv/proto/birth.h, being collected */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hv/cli/strings.h"

void strings_add(struct strings *s, const char *key, const char *value)
{
	size_t n;

	if (!value)
		return;
	if (!s->buf)
		s->buf = malloc(STRINGS_MAX);
	n = strlen(key) + 1 + strlen(value) + 1;
	if (!s->buf || n > STRINGS_MAX - s->len) {
		s->bad = true;
		return;
	}
	sprintf(s->buf + s->len, "%s=%s", key, value);
	s->len += n;
}

void strings_fini(struct strings *s)
{
	free(s->buf);
	*s = (struct strings){.buf = NULL};
}
