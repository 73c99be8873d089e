// SPDX-License-Identifier: MIT
/*
 * fuzz_perm.c - permission entries: accepted ones survive a round trip
 */
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>

#include "wire/perm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char s[64], buf[PERM_STR_MAX];
	struct perm perm, again;
	size_t n;
	int r;

	if (len >= sizeof(s))
		return 0;
	memcpy(s, data, len);
	s[len] = '\0';
	r = perm_parse(&perm, s);
	FUZZ_CHECK(r == 0 || r == EINVAL);
	if (r)
		return 0;
	FUZZ_CHECK(perm.access <= PERM_BOTH);
	FUZZ_CHECK(
		perm.domid <= PERM_DOMID_MAX || perm.domid == PERM_DOMID_ANY);
	n = perm_emit(buf, &perm);
	FUZZ_CHECK(n <= sizeof(buf) && strlen(buf) + 1 == n);
	FUZZ_CHECK(perm_parse(&again, buf) == 0);
	FUZZ_CHECK(again.domid == perm.domid && again.access == perm.access);
	return 0;
}
