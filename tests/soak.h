/* SPDX-License-Identifier: MIT */
/* soak.h: a test of random calls: how long it goes on, with which numbers. */
#ifndef TESTS_SOAK_H
#define TESTS_SOAK_H

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

/* One of 0 to @n - 1, and the generator's state @s goes on: Knuth's MMIX. */
static inline uint32_t soak_rnd(uint64_t *s, uint32_t n)
{
	*s = *s * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*s >> 33) % n;
}

#endif
