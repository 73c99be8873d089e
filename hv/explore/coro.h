/* SPDX-License-Identifier: MIT */
/*
 * coro.h - coroutines whose whole state is plain memory at fixed addresses
 *
 * A coroutine runs until it calls coro_yield(), and goes on from there at the
 * next coro_resume().  Between the two, its state is its struct coro and the
 * bytes of its stack from coro_live() to the top: who copies both away and
 * later copies them back, at the same addresses, has gone back in time.
 *
 * Nothing else is kept: no signal mask, no floating point control word.  The
 * stacks are zero where nothing has been written, so that two runs of the
 * same code leave the same bytes.
 *
 * Not thread-safe: one thread runs coroutines, one of them at a time.  Not
 * for builds with AddressSanitizer, which keeps a shadow of the stack, nor
 * for processors with a shadow stack switched on.
 */
#ifndef HV_EXPLORE_CORO_H
#define HV_EXPLORE_CORO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if !defined(__x86_64__) || defined(HV_CORO_UCONTEXT)
#include <ucontext.h>
#define CORO_UCONTEXT 1
#else
#define CORO_UCONTEXT 0
#endif

enum {
	CORO_MAX = 4,
	CORO_STACK = 16384, /* bytes of a stack */
};

struct coro {
	void (*fn)(void *arg);
	void *arg;
	unsigned char *sp; /* where it stopped */
	bool done;         /* fn has returned */
#if CORO_UCONTEXT
	ucontext_t uc;
#endif
};

/*
 * coro_init - coroutine @i (< CORO_MAX) will call @fn(@arg) when first resumed
 *
 * Its stack is zeroed.  @c stays the caller's; it must not move.
 */
void coro_init(struct coro *c, unsigned int i, void (*fn)(void *), void *arg);

/* Run @c until it yields or ends; not when c->done, not from a coroutine. */
void coro_resume(struct coro *c);

/* Back to whoever resumed the coroutine that runs. */
void coro_yield(void);

/* The coroutine that runs, or NULL. */
struct coro *coro_running(void);

/*
 * coro_abandon - the one that ran will not go on
 *
 * For whoever left a coroutine by a jump, from a signal handler: what is
 * left of it is not used any more, until it is copied back or initialised.
 */
void coro_abandon(void);

/* The stack of coroutine @i: its lowest byte; CORO_STACK bytes. */
unsigned char *coro_stack(unsigned int i);

/* The lowest byte of the stack of @c, which is coroutine @i, that counts. */
static inline unsigned char *coro_live(const struct coro *c, unsigned int i)
{
	return c->done ? coro_stack(i) + CORO_STACK : c->sp;
}

#endif
