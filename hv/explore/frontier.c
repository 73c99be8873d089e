/* SPDX-License-Identifier: MIT */
/* frontier.c - packed states that wait to be expanded, first in, first out */
#include <stdlib.h>

#include "hv/explore/frontier.h"

/* A chunk is written to its end before it is read to it, and then freed. */
struct frontier_chunk {
	struct frontier_chunk *next;
	size_t used, read;
	uint64_t words[];
};

enum { CHUNK_WORDS = 131072 };

void frontier_init(struct frontier *f, size_t words)
{
	*f = (struct frontier){.chunk_words = words + 1};
}

void frontier_fini(struct frontier *f)
{
	struct frontier_chunk *c, *next;

	for (c = f->head; c; c = next) {
		next = c->next;
		free(c);
	}
	*f = (struct frontier){.chunk_words = f->chunk_words};
}

static size_t chunk_size(const struct frontier *f)
{
	return CHUNK_WORDS + f->chunk_words;
}

uint64_t *frontier_room(struct frontier *f)
{
	struct frontier_chunk *c = f->tail;

	if (!c || c->used > CHUNK_WORDS) {
		size_t len = sizeof(*c) + chunk_size(f) * sizeof(uint64_t);

		c = malloc(len);
		if (!c)
			return NULL;
		c->next = NULL;
		c->used = c->read = 0;
		f->bytes += len;
		if (f->tail)
			f->tail->next = c;
		else
			f->head = c;
		f->tail = c;
	}
	/* its length goes before it */
	return c->words + c->used + 1;
}

void frontier_push(struct frontier *f, size_t words)
{
	struct frontier_chunk *c = f->tail;

	c->words[c->used] = words;
	c->used += words + 1;
}

const uint64_t *frontier_pop(struct frontier *f)
{
	struct frontier_chunk *c = f->head;
	const uint64_t *record;

	while (c && c->read == c->used && c->next) {
		f->head = c->next;
		f->bytes -= sizeof(*c) + chunk_size(f) * sizeof(uint64_t);
		free(c);
		c = f->head;
	}
	if (!c || c->read == c->used)
		return NULL;
	record = c->words + c->read + 1;
	c->read += c->words[c->read] + 1;
	return record;
}
