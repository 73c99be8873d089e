/* SPDX-License-Identifier: MIT */
/*
 * compat.h - the xenstore-* commands, chosen by the name we are called by
 *
 * DOC: What has to be the same
 *
 * Scripts all over a Xen host call xenstore-read and its kin and look at
 * their output and exit status.  These are byte for byte those of the tools
 * of Xen 4.17, also where another choice would be better (xs is for that):
 * escapes, widths, messages, status 1 for every failure.  tests/sys/xs-golden.sh
 * runs both on the same store and compares.
 */
#ifndef BH_LIBXS_CLI_COMPAT_H
#define BH_LIBXS_CLI_COMPAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "libxs/xenstore.h"

/* Options; each mode takes some of them. */
enum {
	OPT_FLAT = 1 << 0,    /* -f */
	OPT_PREFIX = 1 << 1,  /* -p: the key, or the permissions */
	OPT_TIDY = 1 << 2,    /* -t */
	OPT_UPTO = 1 << 3,    /* -u */
	OPT_RECURSE = 1 << 4, /* -r */
	OPT_NUMBER = 1 << 5,  /* -n */
	OPT_RAW = 1 << 6,     /* -R */
};

struct compat {
	struct xs_handle *xs;
	xs_transaction_t t;
	unsigned int opts;
	int number; /* of -n; -1 without */
	/*
	 * Where the output goes: to memory within a transaction, because it
	 * counts only once that is committed.
	 */
	FILE *out;
};

/*
 * Each returns the exit status.  @args are the @nr operands, at least one,
 * with a NULL behind them.
 */
int compat_read(struct compat *c, char **args, int nr);
int compat_write(struct compat *c, char **args, int nr);
int compat_rm(struct compat *c, char **args, int nr);
int compat_exists(struct compat *c, char **args, int nr);
int compat_list(struct compat *c, char **args, int nr);
int compat_ls(struct compat *c, char **args, int nr);
int compat_chmod(struct compat *c, char **args, int nr);
int compat_watch(struct compat *c, char **args, int nr);

/* xenstore-control, which shares nothing with the others. */
int compat_control(int argc, char **argv);

/*
 * compat_main - be xenstore or xenstore-MODE
 *
 * True if argv[0] is the name of one of them; then *@status is what to exit
 * with.  Some errors end the process at once.
 */
bool compat_main(int argc, char **argv, int *status);

/*
 * compat_escape - write @len bytes at @data as text: \\, \t, \n, \r, three
 * octal digits for what is less than 8, two hexadecimal ones for other bytes
 * outside of space..~.  A malloc'ed string; never NULL (out of memory ends
 * the process).
 */
char *compat_escape(const void *data, size_t len);

/*
 * compat_unescape - turn what compat_escape() wrote, and more, into bytes
 *
 * In place.  Anything is accepted: an unknown escape is the character behind
 * the backslash, a backslash at the end is a NUL.  Returns the length.
 */
size_t compat_unescape(char *s);

#endif
