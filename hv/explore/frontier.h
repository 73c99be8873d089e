/* SPDX-License-Identifier: MIT */
/*
 * frontier.h - packed states that wait to be expanded, first in, first out
 *
 * Owner: the exploration.  Not thread-safe.
 */
#ifndef HV_EXPLORE_FRONTIER_H
#define HV_EXPLORE_FRONTIER_H

#include <stddef.h>
#include <stdint.h>

struct frontier_chunk;

struct frontier {
	struct frontier_chunk *head, *tail;
	size_t bytes; /* of memory that it holds */
	size_t chunk_words;
};

/* @words: that a record has at most. */
void frontier_init(struct frontier *f, size_t words);
void frontier_fini(struct frontier *f);

/*
 * frontier_room - where a record of up to the most words may be written
 *
 * frontier_push() makes the @words written there the last record.  NULL if
 * there is no memory.
 */
uint64_t *frontier_room(struct frontier *f);
void frontier_push(struct frontier *f, size_t words);

/* The first record, which is dropped at the next call; NULL at the end. */
const uint64_t *frontier_pop(struct frontier *f);

#endif
