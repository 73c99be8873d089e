/* SPDX-License-Identifier: MIT */
/*
 * coro.c - coroutines whose whole state is plain memory at fixed addresses
 *
 * DOC: two ways to switch
 *
 * On x86-64 a switch pushes the six registers that a call preserves and
 * exchanges the stack pointer; the vector registers are the caller's by the
 * calling convention.  Elsewhere (and with HV_CORO_UCONTEXT, for the tests)
 * swapcontext() does it, which also saves the signal mask and so costs a
 * system call.  It does not tell the stack pointer; what lies less than
 * UC_SLACK bytes below the frame that called it is taken along.
 *
 * The stacks are one mapping, made once and never released, with an
 * inaccessible page below each: too deep a call is a SIGSEGV, not a
 * neighbour's state.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "hv/explore/coro.h"
#include "common/err.h"

enum { GUARD = 65536 }; /* a multiple of every page size there is */

#if CORO_UCONTEXT
enum { UC_SLACK = 1024 };
static ucontext_t home_uc;
#else
static unsigned char *home_sp;
#endif
static struct coro *running;
static unsigned char *stacks;

unsigned char *coro_stack(unsigned int i)
{
	return stacks + i * (CORO_STACK + GUARD) + GUARD;
}

static void stacks_map(void)
{
	size_t len = CORO_MAX * (CORO_STACK + GUARD);
	void *p;

	if (stacks)
		return;
	p = mmap(NULL, len, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(p != MAP_FAILED);
	stacks = p;
	for (unsigned int i = 0; i < CORO_MAX; i++)
		CHECK(mprotect(coro_stack(i), CORO_STACK,
			      PROT_READ | PROT_WRITE) == 0);
}

#if CORO_UCONTEXT
static void switch_home(struct coro *c)
{
	unsigned char *here = __builtin_frame_address(0);

	/* rounded, so that the live part is whole words */
	c->sp = here - UC_SLACK - ((uintptr_t)here & 15);
	swapcontext(&c->uc, &home_uc);
}

static void switch_to(struct coro *c)
{
	swapcontext(&home_uc, &c->uc);
}
#else
/*
 * coro_switch(from, to): the stack pointer goes to *from and comes from to.
 */
void coro_switch(unsigned char **from, unsigned char *to);
__asm__(".pushsection .text\n"
	".globl coro_switch\n"
	".hidden coro_switch\n"
	".type coro_switch, @function\n"
	"coro_switch:\n"
	"	endbr64\n"
	"	pushq %rbp\n"
	"	pushq %rbx\n"
	"	pushq %r12\n"
	"	pushq %r13\n"
	"	pushq %r14\n"
	"	pushq %r15\n"
	"	movq %rsp, (%rdi)\n"
	"	movq %rsi, %rsp\n"
	"	popq %r15\n"
	"	popq %r14\n"
	"	popq %r13\n"
	"	popq %r12\n"
	"	popq %rbx\n"
	"	popq %rbp\n"
	"	ret\n"
	".size coro_switch, . - coro_switch\n"
	".popsection\n");

static void switch_home(struct coro *c)
{
	coro_switch(&c->sp, home_sp);
}

static void switch_to(struct coro *c)
{
	coro_switch(&home_sp, c->sp);
}
#endif

/* What a coroutine is first resumed in; never returns. */
static void coro_first(void)
{
	struct coro *c = running;

	c->fn(c->arg);
	c->done = true;
	switch_home(c);
	abort(); /* nobody resumes what is done */
}

void coro_init(struct coro *c, unsigned int i, void (*fn)(void *), void *arg)
{
	unsigned char *top;

	CHECK(i < CORO_MAX);
	stacks_map();
	memset(coro_stack(i), 0, CORO_STACK);
	memset(c, 0, sizeof(*c));
	top = coro_stack(i) + CORO_STACK;
	c->fn = fn;
	c->arg = arg;
#if CORO_UCONTEXT
	CHECK(getcontext(&c->uc) == 0);
	c->uc.uc_stack.ss_sp = coro_stack(i);
	c->uc.uc_stack.ss_size = CORO_STACK;
	makecontext(&c->uc, coro_first, 0);
	/* makecontext() has written a little at the top */
	c->sp = top - UC_SLACK;
#else
	/*
	 * Six registers of zero, the address to return to, and a word, since
	 * a function begins with the stack 8 off a multiple of 16.
	 */
	void (*first)(void) = coro_first;

	c->sp = top - 8 * sizeof(uintptr_t);
	memcpy(c->sp + 6 * sizeof(uintptr_t), &first, sizeof(first));
#endif
}

void coro_resume(struct coro *c)
{
	CHECK(!running && !c->done);
	running = c;
	switch_to(c);
	running = NULL;
}

void coro_yield(void)
{
	struct coro *c = running;

	CHECK(c);
	switch_home(c);
}

struct coro *coro_running(void)
{
	return running;
}

void coro_abandon(void)
{
	running = NULL;
}
