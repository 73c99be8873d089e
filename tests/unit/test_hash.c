// SPDX-License-Identifier: MIT
/* test_hash.c - the keyed hash */
#include "common/hash.h"
#include "tests/unit/bh_check.h"

START_TEST(test_depends_on_key_and_bytes)
{
	struct hash_key k1 = {{1, 2}}, k2 = {{1, 3}};

	for (size_t n = 0; n < 40; n++) {
		char buf[40] = {0};
		uint64_t h = hash_bytes(&k1, buf, n);

		ck_assert_uint_eq(h, hash_bytes(&k1, buf, n));
		ck_assert_uint_ne(h, hash_bytes(&k2, buf, n));
		ck_assert_uint_ne(h, hash_bytes(&k1, buf, n ? n - 1 : 40));
		if (n) {
			buf[n - 1] = 1;
			ck_assert_uint_ne(h, hash_bytes(&k1, buf, n));
		}
	}
}
END_TEST

/* Low bits pick the bucket: sequential names must spread over them. */
START_TEST(test_spreads)
{
	unsigned bucket[64] = {0};
	struct hash_key key;
	char name[16];

	hash_key_random(&key);
	for (int i = 0; i < 6400; i++) {
		int n = snprintf(name, sizeof(name), "%d", i);

		bucket[hash_bytes(&key, name, (size_t)n) % 64]++;
	}
	for (int i = 0; i < 64; i++)
		ck_assert(bucket[i] > 40 && bucket[i] < 200);
}
END_TEST

BH_CHECK_MAIN("hash", 10, BH_TEST(test_depends_on_key_and_bytes),
	BH_TEST(test_spreads))
