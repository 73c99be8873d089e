// SPDX-License-Identifier: MIT
/*
 * fuzz_probe.c - a target with a planted bug, for the test of the replayer
 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char magic[] = "planted bug";

	if (len == sizeof(magic) - 1 && !memcmp(data, magic, len))
		abort();
	return 0;
}
