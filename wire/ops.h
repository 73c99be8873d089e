/* SPDX-License-Identifier: MIT */
/*
 * ops.h - the operations of the Xenstore protocol, as a table
 *
 * Each opcode is one row: its name, the shape of its arguments, who may use
 * it and what its transaction id means (docs/misc/xenstore.txt).  Payloads
 * are checked against the shape before any handler sees them, so handlers
 * only see NUL-terminated strings in the right number.
 */
#ifndef BH_WIRE_OPS_H
#define BH_WIRE_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

enum xs_op {
	XS_OP_CONTROL = 0,
	XS_OP_DIRECTORY = 1,
	XS_OP_READ = 2,
	XS_OP_GET_PERMS = 3,
	XS_OP_WATCH = 4,
	XS_OP_UNWATCH = 5,
	XS_OP_TRANSACTION_START = 6,
	XS_OP_TRANSACTION_END = 7,
	XS_OP_INTRODUCE = 8,
	XS_OP_RELEASE = 9,
	XS_OP_GET_DOMAIN_PATH = 10,
	XS_OP_WRITE = 11,
	XS_OP_MKDIR = 12,
	XS_OP_RM = 13,
	XS_OP_SET_PERMS = 14,
	XS_OP_WATCH_EVENT = 15,
	XS_OP_ERROR = 16,
	XS_OP_IS_DOMAIN_INTRODUCED = 17,
	XS_OP_RESUME = 18,
	XS_OP_SET_TARGET = 19,
	/* 20, RESTRICT, was removed from the protocol. */
	XS_OP_RESET_WATCHES = 21,
	XS_OP_DIRECTORY_PART = 22,
	XS_OP_GET_FEATURE = 23,
	XS_OP_SET_FEATURE = 24,
	XS_OP_GET_QUOTA = 25,
	XS_OP_SET_QUOTA = 26,
	XS_OP_NR,
	XS_OP_INVALID = 0xffff, /* will never be an operation */
};

enum ops_shape {
	OPS_SERVER,  /* never sent by a client */
	OPS_NONE,    /* nothing, or an empty string */
	OPS_STRINGS, /* min to max strings */
	OPS_DATA,    /* one string, then any bytes */
	OPS_LIST,    /* min strings, then any number more */
};

enum ops_tx {
	OPS_TX_IGNORE, /* tx_id is echoed, otherwise not looked at */
	OPS_TX_CHECK,  /* zero or an open transaction, not used */
	OPS_TX_USE,    /* zero or the transaction to work in */
};

struct ops_row {
	const char *name; /* NULL: there is no such operation */
	enum ops_shape shape;
	uint8_t min, max; /* strings, see enum ops_shape */
	bool priv;        /* only for the privileged domain */
	enum ops_tx tx;
};

enum { OPS_STR_MAX = 4 };

/* Arguments, inside the payload they were parsed from. */
struct ops_args {
	const char *str[OPS_STR_MAX];
	size_t str_len[OPS_STR_MAX]; /* without the NUL */
	unsigned nr;                 /* strings, those of the list too */
	/*
	 * OPS_DATA: the bytes after the string.  OPS_LIST: the strings after
	 * the first min ones, each with its NUL.
	 */
	const uint8_t *data;
	size_t data_len;
};

/* The row of @type, any number; NULL if there is no such operation. */
const struct ops_row *ops_find(uint32_t type);

/* A name for @type, for people; "?" if there is none. */
const char *ops_name(uint32_t type);

/*
 * ops_args_parse - check @len bytes of @payload against the shape of @row
 *
 * Returns 0 and fills @args, or EINVAL.  Rows of shape OPS_SERVER have no
 * arguments and give EINVAL.
 */
int ops_args_parse(const struct ops_row *row, const void *payload, size_t len,
	struct ops_args *args) __must_check;

#endif
