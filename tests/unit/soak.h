/* SPDX-License-Identifier: MIT */
/* soak.h: how long a test of random calls goes on, and with which numbers. */
#ifndef TESTS_UNIT_SOAK_H
#define TESTS_UNIT_SOAK_H

#include <stdint.h>
#include <stdlib.h>
#include <time.h>

static inline int64_t soak_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Variable @name of the environment. */
static inline uint64_t soak_number(const char *name, uint64_t otherwise)
{
	const char *s = getenv(name);

	return s && *s ? strtoull(s, NULL, 10) : otherwise;
}

#endif
