/* SPDX-License-Identifier: MIT */
/*
 * words.h: what a domain's kernel process writes, for the machine's log
 *
 * hv-kernel parses what others send it, so its words are treated as theirs:
 * bytes that are not printable become \xNN, a line is of bounded length, and
 * there are only so many of them; how many were left out is said.
 */
#ifndef HV_INIT_WORDS_H
#define HV_INIT_WORDS_H

#include <stddef.h>
#include <stdint.h>

#define WORDS_LINE_MAX 400 /* bytes of a line, escaped; the rest is the next */

enum {
	WORDS_BURST = 20,    /* lines at once */
	WORDS_LINE_MS = 1000 /* and one in so many ms for ever */
};

/* Owner: struct run. */
struct words {
	int fd; /* the pipe's read end, non-blocking; -1: closed */
	size_t len;
	char line[WORDS_LINE_MAX + 1];
	int64_t stamp, spent; /* ms */
	unsigned dropped;
};

/*
 * Makes the pipe; *end is its write end, close-on-exec and non-blocking: who
 * writes never waits.  0 or -errno, and then there are no words.
 */
int words_init(struct words *w, int *end);

/*
 * Sends what has been written, line by line, as HVB_NOTE to `sock`.  When the
 * write end has been closed, so is ours.
 */
void words_read(struct words *w, int sock);

/* The last of them, when whoever wrote is gone. */
void words_fini(struct words *w, int sock);

#endif
