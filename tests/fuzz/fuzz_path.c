// SPDX-License-Identifier: MIT
/*
 * fuzz_path.c - store paths
 *
 * The first byte chooses whether special names are allowed and which limit
 * applies, the rest is the path.  What must hold: an accepted path is
 * terminated, within both limits, and its own canonical form; its components
 * are not empty and hold no '/'.
 */
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>

#include "wire/path.h"

static void canonical_check(const struct path *p, bool special)
{
	struct path again;

	if (p->kind == PATH_SPECIAL)
		FUZZ_CHECK(special && p->buf[0] == '@');
	else
		FUZZ_CHECK(p->buf[0] == '/');
	FUZZ_CHECK(
		path_parse(&again, p->buf, p->len, 0, PATH_ABS_MAX, true) == 0);
	FUZZ_CHECK(again.len == p->len && !strcmp(again.buf, p->buf));
	FUZZ_CHECK(again.kind != PATH_RELATIVE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t limit, comp_len, total = 0;
	const char *at, *comp;
	struct path p;
	bool special;
	int r;

	if (!len)
		return 0;
	special = data[0] & 1;
	limit = data[0] & 2 ? PATH_REL_MAX : PATH_ABS_MAX;
	r = path_parse(&p, (const char *)data + 1, len - 1,
		(uint16_t)(data[0] >> 2), limit, special);
	FUZZ_CHECK(r == 0 || r == EINVAL);
	if (r)
		return 0;
	FUZZ_CHECK(p.len <= PATH_ABS_MAX && strlen(p.buf) == p.len);
	FUZZ_CHECK(p.base <= p.len && p.len - p.base <= len - 1);
	canonical_check(&p, special);
	for (at = p.buf; path_next(&at, &comp, &comp_len);) {
		FUZZ_CHECK(comp_len && !memchr(comp, '/', comp_len));
		FUZZ_CHECK(comp >= p.buf && comp + comp_len <= p.buf + p.len);
		total += comp_len;
	}
	FUZZ_CHECK(total <= p.len);
	return 0;
}
