/* SPDX-License-Identifier: MIT */
/*
 * trace.h - the way to a violation, for people, for programs and for a file
 *
 * DOC: the file
 *
 * Lines of text:
 *	hv-explore 1
 *	scenario NAME
 *	fault NAME
 *	VCPU WAY
 *	...
 * one VCPU line per step; "fault none" where no rule is broken.
 */
#ifndef HV_EXPLORE_TRACE_H
#define HV_EXPLORE_TRACE_H

#include "hv/explore/explore.h"

struct json;

struct trace {
	char scenario[32];
	char fault[32];
	struct move *path; /* trace_fini() */
	size_t nr;
};

/* 0, or -errno: -EINVAL for what is no trace; *line is where. */
int trace_read(FILE *f, struct trace *t, unsigned int *line);
int trace_write(FILE *f, const char *scenario, const char *fault,
	const struct move *path, size_t nr);
void trace_fini(struct trace *t);

/*
 * trace_print - every step and what it changed
 *
 * To @f, or as an array "steps" into @j if that is not NULL.  Returns whether
 * something was violated, and what in @text.
 */
bool trace_print(FILE *f, struct json *j, const struct scenario *s,
	const struct move *path, size_t nr, char *text, size_t len);

#endif
