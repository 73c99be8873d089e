/* SPDX-License-Identifier: MIT */
/*
 * ckd.h - checked arithmetic, and loads and stores of shared memory
 *
 * DOC: Shared memory
 *
 * What another domain can write may change between two reads.  So a value is
 * loaded exactly once, with one of the helpers below, into a private variable
 * or buffer; only the private copy is looked at.  An index is loaded with
 * acquire before the bytes it covers are copied, and stored with release
 * after the bytes it covers were written.
 */
#ifndef BH_COMMON_CKD_H
#define BH_COMMON_CKD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* *@r = @a + @b (or @a * @b); false if the type of *@r cannot hold it. */
#define add_ok(a, b, r) (!__builtin_add_overflow((a), (b), (r)))
#define mul_ok(a, b, r) (!__builtin_mul_overflow((a), (b), (r)))

static inline uint32_t shm_load_u32(const uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static inline uint32_t shm_load_acquire_u32(const uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline void shm_store_u32(uint32_t *p, uint32_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELAXED);
}

static inline void shm_store_release_u32(uint32_t *p, uint32_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

/*
 * shm_read - copy @len bytes of shared memory, each loaded exactly once
 *
 * The compiler may neither repeat nor invent a load of @src: the loads are
 * volatile.  Shared memory is only ever read through this and the loads of
 * an index.
 */
static inline void shm_read(void *dst, const void *src, size_t len)
{
	const volatile unsigned char *s = src;
	unsigned char *d = dst;

	while (len && ((uintptr_t)s & 7)) {
		*d++ = *s++;
		len--;
	}
	for (; len >= 8; len -= 8, s += 8, d += 8) {
		uint64_t v = *(const volatile uint64_t *)s;

		memcpy(d, &v, 8);
	}
	while (len--)
		*d++ = *s++;
}

/* shm_write - copy private bytes to shared memory; never read back. */
static inline void shm_write(void *dst, const void *src, size_t len)
{
	volatile unsigned char *d = dst;
	const unsigned char *s = src;

	while (len && ((uintptr_t)d & 7)) {
		*d++ = *s++;
		len--;
	}
	for (; len >= 8; len -= 8, s += 8, d += 8) {
		uint64_t v;

		memcpy(&v, s, 8);
		*(volatile uint64_t *)d = v;
	}
	while (len--)
		*d++ = *s++;
}

#endif
