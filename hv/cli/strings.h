/* SPDX-License-Identifier: MIT */
/* strings.h - the "key=value" strings of hv/proto/birth.h, being collected */
#ifndef HV_CLI_STRINGS_H
#define HV_CLI_STRINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "hv/proto/admin.h"

enum { STRINGS_MAX = HVA_MSG_MAX - 64 };

/* Freed by strings_fini(); zero is an empty one. */
struct strings {
	char *buf;
	size_t len;
	bool bad; /* one did not fit */
};

/* strings_add - append "@key=@value"; a NULL value adds nothing */
void strings_add(struct strings *s, const char *key, const char *value);
void strings_fini(struct strings *s);

#endif
