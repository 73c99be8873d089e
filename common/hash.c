/* SPDX-License-Identifier: MIT */
/* hash.c - a keyed hash of untrusted bytes */
#include <string.h>
#include <sys/random.h>

#include "common/err.h"
#include "common/hash.h"

void hash_key_random(struct hash_key *key)
{
	/* 16 bytes never come short once the pool is ready (getrandom(2)). */
	CHECK(getrandom(key, sizeof(*key), 0) == (ssize_t)sizeof(*key));
}

static inline uint64_t rotl(uint64_t x, int b)
{
	return x << b | x >> (64 - b);
}

static inline void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

uint64_t hash_bytes(const struct hash_key *key, const void *data, size_t len)
{
	const unsigned char *p = data;
	uint64_t v[4] = {
		key->k[0] ^ 0x736f6d6570736575ULL,
		key->k[1] ^ 0x646f72616e646f6dULL,
		key->k[0] ^ 0x6c7967656e657261ULL,
		key->k[1] ^ 0x7465646279746573ULL,
	};
	uint64_t m, tail = (uint64_t)len << 56;
	size_t left = len;

	for (; left >= 8; left -= 8, p += 8) {
		memcpy(&m, p, 8);
		v[3] ^= m;
		sip_round(v);
		v[0] ^= m;
	}
	if (len >= 8 && left) {
		/* the last eight bytes, without those that were taken */
		memcpy(&m, p + left - 8, 8);
		tail |= m >> (8 * (8 - left));
	} else {
		while (left--)
			tail |= (uint64_t)p[left] << (8 * left);
	}
	v[3] ^= tail;
	sip_round(v);
	v[0] ^= tail;
	v[2] ^= 0xff;
	sip_round(v);
	sip_round(v);
	sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
