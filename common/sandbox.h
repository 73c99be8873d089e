/* SPDX-License-Identifier: MIT */
/*
 * sandbox.h - give up rights for good
 *
 * DOC: Three steps, each of which holds for the calling thread and what it
 * starts from then on, and none of which can be taken back:
 *
 *  1. sandbox_privileges(): no capabilities, and none to be had by exec.
 *     Files that belong to our user are still ours.
 *  2. sandbox_files(): what can be opened.  Only Landlock can say that by
 *     folder; where the kernel has none, calls that take names must be left
 *     out of the next step.
 *  3. sandbox_calls(): which system calls there are.
 *
 * A call that is not allowed answers EPERM and is reported to the kernel's
 * audit log.  It does not end the process: the call was not made, and whom a
 * daemon serves would suffer from a C library that tries something new.  The
 * calls of another architecture, whose numbers mean something else, do.
 */
#ifndef BH_COMMON_SANDBOX_H
#define BH_COMMON_SANDBOX_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

enum sandbox_right {
	SANDBOX_READ = 1 << 0,   /* read files */
	SANDBOX_WRITE = 1 << 1,  /* create files, and write to them */
	SANDBOX_REMOVE = 1 << 2, /* remove files */
};

/* A folder, opened before (O_PATH will do), and all below it. */
struct sandbox_folder {
	int fd; /* -1: there is none */
	unsigned rights;
};

enum sandbox_test {
	SANDBOX_ALWAYS,
	SANDBOX_EQUAL, /* the argument is @value, in its lower 32 bits */
	SANDBOX_CLEAR, /* the argument has none of the bits in @value */
	SANDBOX_SET,   /* it has all of them */
};

/* A system call that is allowed; one may have several rows. */
struct sandbox_call {
	int nr; /* SCMP_SYS(); those that this architecture lacks are left out */
	enum sandbox_test test;
	unsigned arg;
	uint64_t value;
};

/* 0 or -errno. */
int sandbox_privileges(void) __must_check;

/* 0; -ENOSYS: this kernel has no Landlock; or -errno. */
int sandbox_files(const struct sandbox_folder *folder, size_t nr) __must_check;

/* 0 or -errno. */
int sandbox_calls(const struct sandbox_call *call, size_t nr,
	const struct sandbox_call *more, size_t more_nr) __must_check;

#endif
