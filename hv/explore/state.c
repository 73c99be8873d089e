/* SPDX-License-Identifier: MIT */
/*
 * state.c - the state of a scenario as a string of words
 *
 * DOC: layout
 *
 * An image begins with a word per coroutine, the number of words of its stack
 * that count; then come the areas, then the stacks.  Packed, it is its length
 * and then for each 64 words a mask of those which differ from the first
 * image (from zero, beyond its areas), followed by these.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "hv/explore/state.h"
#include "common/err.h"

enum { WORD = sizeof(uint64_t), STACK_WORDS = CORO_STACK / WORD };

static struct {
	struct state_area areas[STATE_AREAS];
	unsigned int areas_nr;
	struct coro *coros[CORO_MAX];
	unsigned int n;
	size_t fixed;   /* words before the stacks */
	uint64_t *base; /* these words of the first image, and zeroes */
	/* of each stack, the bytes from the top that may not be zero */
	size_t dirty[CORO_MAX];
} st;

size_t state_words_max(void)
{
	return st.fixed + (size_t)st.n * STACK_WORDS;
}

size_t state_packed_max(void)
{
	size_t words = state_words_max();

	return 1 + words + words / 64 + 1;
}

void state_ran(unsigned int i)
{
	st.dirty[i] = CORO_STACK;
}

/* Only the last @len bytes of stack @i count: the others are zero. */
static void stack_clear(unsigned int i, size_t len)
{
	if (st.dirty[i] > len)
		memset(coro_stack(i) + CORO_STACK - st.dirty[i], 0,
			st.dirty[i] - len);
	st.dirty[i] = len;
}

size_t state_save(uint64_t *img)
{
	size_t at = st.n;

	for (unsigned int i = 0; i < st.areas_nr; i++) {
		memcpy(img + at, st.areas[i].p, st.areas[i].len);
		at += st.areas[i].len / WORD;
	}
	for (unsigned int i = 0; i < st.n; i++) {
		unsigned char *live = coro_live(st.coros[i], i);
		size_t len = (size_t)(coro_stack(i) + CORO_STACK - live);

		img[i] = len / WORD;
		memcpy(img + at, live, len);
		at += len / WORD;
		stack_clear(i, len);
	}
	return at;
}

void state_load(const uint64_t *img)
{
	size_t at = st.n;

	for (unsigned int i = 0; i < st.areas_nr; i++) {
		memcpy(st.areas[i].p, img + at, st.areas[i].len);
		at += st.areas[i].len / WORD;
	}
	for (unsigned int i = 0; i < st.n; i++) {
		size_t len = img[i] * WORD;
		unsigned char *live = coro_stack(i) + CORO_STACK - len;

		stack_clear(i, len);
		memcpy(live, img + at, len);
		at += img[i];
	}
}

struct state_hash state_hash(const uint64_t *img, size_t words)
{
	XXH128_hash_t h = XXH3_128bits(img, words * WORD);

	return (struct state_hash){h.low64, h.high64};
}

bool state_changed(const uint64_t *img)
{
	size_t at = st.n;

	for (unsigned int i = 0; i + 1 < st.areas_nr; i++) {
		if (memcmp(st.areas[i].p, img + at, st.areas[i].len))
			return true;
		at += st.areas[i].len / WORD;
	}
	return false;
}

size_t state_pack(const uint64_t *img, size_t words, uint64_t *out)
{
	size_t o = 0;

	out[o++] = words;
	for (size_t i = 0; i < words; i += 64) {
		size_t end = i + 64 < words ? i + 64 : words;
		size_t at = o++;
		uint64_t mask = 0;

		for (size_t j = i; j < end; j++) {
			if (img[j] == st.base[j])
				continue;
			mask |= 1ULL << (j - i);
			out[o++] = img[j];
		}
		out[at] = mask;
	}
	return o;
}

size_t state_unpack(const uint64_t *in, uint64_t *img)
{
	size_t words = *in++;

	memcpy(img, st.base, words * WORD);
	for (size_t i = 0; i < words; i += 64) {
		uint64_t mask = *in++;

		for (; mask; mask &= mask - 1)
			img[i + (size_t)__builtin_ctzll(mask)] = *in++;
	}
	return words;
}

int state_setup(const struct state_area *areas, unsigned int areas_nr,
	struct coro *const *coros, unsigned int n)
{
	CHECK(areas_nr > 0 && areas_nr <= STATE_AREAS && n <= CORO_MAX);
	state_fini();
	st.fixed = n;
	for (unsigned int i = 0; i < areas_nr; i++) {
		CHECK(areas[i].len % WORD == 0);
		st.areas[i] = areas[i];
		st.fixed += areas[i].len / WORD;
	}
	st.areas_nr = areas_nr;
	memcpy(st.coros, coros, n * sizeof(struct coro *));
	st.n = n;
	st.base = calloc(state_words_max(), WORD);
	if (!st.base)
		return -ENOMEM;
	for (unsigned int i = 0; i < n; i++)
		state_ran(i);
	state_save(st.base);
	/* stacks lie elsewhere in each image: compared with zero */
	memset(st.base + st.fixed, 0, (size_t)n * STACK_WORDS * WORD);
	return 0;
}

void state_fini(void)
{
	free(st.base);
	st.base = NULL;
}
