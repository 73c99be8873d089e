/* SPDX-License-Identifier: MIT */
/*
 * hash.h - a keyed hash of untrusted bytes
 *
 * SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF",
 * 2012; the round counts are those used for hash tables).  Whoever does not
 * know the key cannot choose names that collide, so a table of names chosen
 * by guests keeps its speed.
 */
#ifndef BH_COMMON_HASH_H
#define BH_COMMON_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_key {
	uint64_t k[2];
};

/* A key nobody knows. */
void hash_key_random(struct hash_key *key);

uint64_t hash_bytes(const struct hash_key *key, const void *data, size_t len);

#endif
