// SPDX-License-Identifier: MIT
/*
 * fuzz_str.c - escaping any bytes, and undoing what a peer sent as escaped
 *
 * The first byte is the room for the escaped form; the rest is the text.
 */
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/str.h"

static void escape_check(const uint8_t *data, size_t len)
{
	size_t cap = 4 * len + 1, n;
	char *full = malloc(cap);

	FUZZ_CHECK(full != NULL);
	n = str_escape(full, cap, data, len);
	FUZZ_CHECK(n < cap && strlen(full) == n);
	for (size_t i = 0; i < n; i++)
		FUZZ_CHECK(full[i] >= ' ' && full[i] <= '~');
	FUZZ_CHECK(str_unescape(full, &n) == 0);
	FUZZ_CHECK(n == len && !memcmp(full, data, len));
	free(full);
}

static void cut_check(size_t cap, const uint8_t *data, size_t len)
{
	char *cut = malloc(cap);
	size_t n;

	FUZZ_CHECK(cut != NULL);
	n = str_escape(cut, cap, data, len);
	FUZZ_CHECK(n < cap && strlen(cut) == n);
	/* a cut text is still one that can be read back: a prefix */
	FUZZ_CHECK(str_unescape(cut, &n) == 0);
	FUZZ_CHECK(n <= len && !memcmp(cut, data, n));
	free(cut);
}

static void unescape_check(const uint8_t *data, size_t len)
{
	char *s = malloc(len + 1);
	size_t n = len;
	uint64_t v;
	int r;

	FUZZ_CHECK(s != NULL);
	memcpy(s, data, len);
	s[len] = '\0';
	r = str_to_u64(s, 65535, &v);
	FUZZ_CHECK((r == 0 && v <= 65535) || r == EINVAL);
	r = str_unescape(s, &n);
	FUZZ_CHECK((r == 0 && n <= len) || r == EINVAL);
	free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (!len)
		return 0;
	escape_check(data + 1, len - 1);
	cut_check((size_t)data[0] + 1, data + 1, len - 1);
	unescape_check(data + 1, len - 1);
	return 0;
}
