/* SPDX-License-Identifier: MIT */
/*
 * state.h - the state of a scenario as a string of words
 *
 * The state is a few areas of memory (the engine's world, the explorer's own
 * notes) and what counts of the stacks of the coroutines.  An image is all
 * of it one after the other; a packed image is what of it differs from the
 * first one, since a step changes little.
 *
 * What is in no area is not part of the state: code that is explored must not
 * keep anything elsewhere.  explore.h tells how that is found out.
 *
 * One state at a time in a process; not thread-safe.
 */
#ifndef HV_EXPLORE_STATE_H
#define HV_EXPLORE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hv/explore/coro.h"

struct state_area {
	void *p;    /* aligned to 8 */
	size_t len; /* bytes, a multiple of 8 */
};

struct state_hash {
	uint64_t lo, hi;
};

enum { STATE_AREAS = 24 };

/*
 * state_setup - what the state consists of, from now on
 *
 * @areas: at most STATE_AREAS; @coros: @n of them, initialised, themselves in
 * the last of the areas.  The first image is taken.  0, or -ENOMEM.
 */
int state_setup(const struct state_area *areas, unsigned int areas_nr,
	struct coro *const *coros, unsigned int n);

/* Gives back what state_setup() took. */
void state_fini(void);

/* Words that an image can have at most. */
size_t state_words_max(void);

/* state_ran - coroutine @i is about to run: its stack is not known any more */
void state_ran(unsigned int i);

/*
 * state_save - the state as an image; returns its length in words
 *
 * Clears the part of each stack that does not count, which is what makes the
 * next run of each coroutine depend on the image alone.
 */
size_t state_save(uint64_t *img);

/* Back to @img. */
void state_load(const uint64_t *img);

struct state_hash state_hash(const uint64_t *img, size_t words);

/* Is anything now different from @img in the areas, but for the last one? */
bool state_changed(const uint64_t *img);

/* Words that a packed image has at most. */
size_t state_packed_max(void);
/* Pack an image of @words words; returns the words of @out that were used. */
size_t state_pack(const uint64_t *img, size_t words, uint64_t *out);
/* The reverse; returns the words of the image. */
size_t state_unpack(const uint64_t *in, uint64_t *img);

#endif
