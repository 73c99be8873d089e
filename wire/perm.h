/* SPDX-License-Identifier: MIT */
/*
 * perm.h - permission entries: one letter and a domain, as in "r5"
 *
 * n none, r read, w write, b both (docs/misc/xenstore.txt, GET_PERMS).
 */
#ifndef BH_WIRE_PERM_H
#define BH_WIRE_PERM_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

enum {
	PERM_NONE = 0,
	PERM_READ = 1,
	PERM_WRITE = 2,
	PERM_BOTH = PERM_READ | PERM_WRITE,
};

enum {
	PERM_DOMID_MAX = 0x7fef, /* the last domid of a domain */
	PERM_DOMID_ANY = 0x7ff5, /* every domain */
	PERM_STR_MAX = 8,        /* bytes of the longest entry, with NUL */
};

struct perm {
	uint16_t domid;
	uint8_t access; /* PERM_* */
};

/*
 * perm_parse - the entry in the NUL-terminated @s
 *
 * The domid is strictly decimal, and a domain's or PERM_DOMID_ANY.  Returns
 * 0 or EINVAL.
 */
int perm_parse(struct perm *perm, const char *s) __must_check;

/* Write @perm and its NUL to @buf; returns the bytes written, NUL included. */
size_t perm_emit(char buf[PERM_STR_MAX], const struct perm *perm);

#endif
