/* SPDX-License-Identifier: MIT */
/*
 * fuzz.h - what a fuzz target defines
 *
 * DOC: a target is one file, tests/fuzz/fuzz_<name>.c, with the one function
 * below, and a folder of inputs, tests/fuzz/seeds/<name>/.  It is linked
 * with libFuzzer in a build configured --enable-fuzzers, and with replay.c
 * everywhere else, where `make check` feeds it the seeds.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * Feeds one input of len bytes to the code under test.  The bytes belong to
 * the caller and end exactly at data + len.  Returns 0; a finding is a
 * crash (abort(), a sanitizer's report), never a return value.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* A statement about what came out; false is a finding. */
#define FUZZ_CHECK(cond)                                                   \
	do {                                                               \
		if (!(cond)) {                                             \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, \
				__LINE__, #cond);                          \
			abort();                                           \
		}                                                          \
	} while (0)

#endif
