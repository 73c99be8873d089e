/* SPDX-License-Identifier: MIT */
/*
 * opts.h - the command line of xenstored
 *
 * One table says what there is, for the parser and for --help.  The names are
 * those of Xen's xenstored, as far as it has them, so that the arguments in
 * an administrator's files keep working.
 */
#ifndef BH_XENSTORED_OPTS_H
#define BH_XENSTORED_OPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/err.h"
#include "xenstored/quota.h"

/* Strings are argv's. */
struct opts {
	const char *pid_file;   /* NULL: none */
	const char *conf_file;  /* NULL: the usual one, if it is there */
	const char *trace_file; /* NULL: none */
	unsigned trace;         /* enum trace_switch */
	bool check_conf;
	bool foreground;
	bool keep_orphans;
	bool no_confine;
	bool no_domains;
	bool print_pid;
	bool verbose;
	bool help, version; /* print it, and exit */
	struct limits limits;
	bool limited[QUOTAS]; /* which of them were said */
	uint64_t own_domid;   /* whose sockets we serve */
	uint64_t priv_domid;  /* a guest that may do everything; 0: none */
	uint64_t own_port;    /* of our domain's ring; 0: the kernel says it */
};

/*
 * opts_parse - @argv into @opts, which need not be set
 *
 * 0; EINVAL, and what is wrong was said on standard error.
 */
int opts_parse(struct opts *opts, int argc, char **argv) __must_check;

/* What --help prints. */
void opts_help(FILE *f);

#endif
