/* SPDX-License-Identifier: MIT */
/*
 * str.h - untrusted bytes to printable text and back, strict integers
 */
#ifndef BH_COMMON_STR_H
#define BH_COMMON_STR_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

/*
 * str_escape - write @len bytes of @src to @dst as printable ASCII
 * @cap:	size of @dst in bytes, at least 1
 *
 * Backslash, and bytes outside of space..~, become \\, \t, \n, \r or \xNN.
 * What does not fit is cut, never in the middle of an escape; @dst is always
 * NUL-terminated.  Returns the length written, without the NUL.
 */
size_t str_escape(char *dst, size_t cap, const void *src, size_t len);

/*
 * str_unescape - the inverse of str_escape, in place
 *
 * Returns 0 and the new length in @len; EINVAL if @s, of *@len bytes, is not
 * something str_escape writes (an unknown or cut escape).
 */
int str_unescape(char *s, size_t *len) __must_check;

/*
 * str_to_u64 - the whole NUL-terminated @s as a decimal number up to @max
 *
 * Strict: no sign, space, prefix or junk, at least one digit; leading zeros
 * are allowed.  Returns 0 or EINVAL.
 */
int str_to_u64(const char *s, uint64_t max, uint64_t *val) __must_check;

#endif
