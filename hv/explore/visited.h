/* SPDX-License-Identifier: MIT */
/*
 * visited.h - the states that have been seen, and how they were reached
 *
 * A state is known by 128 bits of hash.  That two different ones have the
 * same, so that the second is not looked at, has for n states a probability
 * below n^2 / 2^129: at ten million it is 10^-25.
 *
 * Owner: the exploration.  Not thread-safe.
 */
#ifndef HV_EXPLORE_VISITED_H
#define HV_EXPLORE_VISITED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hv/explore/state.h"

/* A step: which coroutine, and which way where it has a choice. */
struct move {
	uint8_t vcpu;
	uint8_t way;
};

struct visited_node {
	struct state_hash hash;
	uint32_t parent;
	struct move move; /* from the parent */
	bool end;         /* all coroutines have ended */
	bool live;        /* an end can be reached from it */
};

struct visited {
	struct visited_node *nodes; /* in the order found; 0 is the first */
	uint32_t nr;
	uint32_t *table; /* number + 1 of a node, or 0 */
	uint32_t mask;   /* size of the table - 1 */
	uint32_t room;   /* of nodes */
};

int visited_init(struct visited *v);
void visited_fini(struct visited *v);

/*
 * visited_add - @hash, reached from @parent by @move
 *
 * Its number is stored in @id, whether it is new in @fresh.  0, or -ENOMEM.
 */
int visited_add(struct visited *v, struct state_hash hash, uint32_t parent,
	struct move move, uint32_t *id, bool *fresh);

/* Bytes of memory it holds. */
size_t visited_bytes(const struct visited *v);

/*
 * visited_path - the steps from the first state to @id
 *
 * Returns their number, and in @path (the caller frees it) the steps; NULL
 * if there is no memory.
 */
size_t visited_path(const struct visited *v, uint32_t id, struct move **path);

#endif
