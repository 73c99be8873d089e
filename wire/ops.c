/* SPDX-License-Identifier: MIT */
/* ops.c - the operations of the Xenstore protocol, as a table */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <xen/io/xs_wire.h>

#include "common/rd.h"
#include "wire/ops.h"

static_assert((int)XS_OP_RESET_WATCHES == XS_RESET_WATCHES, "opcodes");
static_assert((int)XS_OP_DIRECTORY_PART == XS_DIRECTORY_PART, "opcodes");
static_assert((int)XS_OP_SET_TARGET == XS_SET_TARGET, "opcodes");
static_assert((int)XS_OP_INVALID == XS_INVALID, "opcodes");

/* The maximum of shapes that take any number. */
#define ANY 0

#define ROW(op, shape, min, max, priv, tx) \
	[XS_OP_##op] = {#op, OPS_##shape, min, max, priv, OPS_TX_##tx}

static const struct ops_row rows[XS_OP_NR] = {
	ROW(CONTROL, LIST, 1, ANY, true, CHECK),
	ROW(DIRECTORY, STRINGS, 1, 1, false, USE),
	ROW(READ, STRINGS, 1, 1, false, USE),
	ROW(GET_PERMS, STRINGS, 1, 1, false, USE),
	ROW(WATCH, STRINGS, 2, 3, false, IGNORE),
	ROW(UNWATCH, STRINGS, 2, 2, false, IGNORE),
	ROW(TRANSACTION_START, NONE, 0, 0, false, CHECK),
	ROW(TRANSACTION_END, STRINGS, 1, 1, false, USE),
	ROW(INTRODUCE, STRINGS, 3, 3, true, CHECK),
	ROW(RELEASE, STRINGS, 1, 1, true, CHECK),
	ROW(GET_DOMAIN_PATH, STRINGS, 1, 1, false, CHECK),
	ROW(WRITE, DATA, 1, 1, false, USE),
	ROW(MKDIR, STRINGS, 1, 1, false, USE),
	ROW(RM, STRINGS, 1, 1, false, USE),
	ROW(SET_PERMS, LIST, 1, ANY, false, USE),
	ROW(WATCH_EVENT, SERVER, 0, 0, false, IGNORE),
	ROW(ERROR, SERVER, 0, 0, false, IGNORE),
	ROW(IS_DOMAIN_INTRODUCED, STRINGS, 1, 1, true, CHECK),
	ROW(RESUME, STRINGS, 1, 1, true, CHECK),
	ROW(SET_TARGET, STRINGS, 2, 2, true, CHECK),
	ROW(RESET_WATCHES, NONE, 0, 0, false, CHECK),
	ROW(DIRECTORY_PART, STRINGS, 2, 2, false, USE),
	ROW(GET_FEATURE, STRINGS, 0, 1, false, CHECK),
	ROW(SET_FEATURE, STRINGS, 2, 2, true, CHECK),
	ROW(GET_QUOTA, STRINGS, 0, 2, true, CHECK),
	ROW(SET_QUOTA, STRINGS, 2, 3, true, CHECK),
};

const struct ops_row *ops_find(uint32_t type)
{
	if (type >= XS_OP_NR || !rows[type].name)
		return NULL;
	return &rows[type];
}

const char *ops_name(uint32_t type)
{
	const struct ops_row *row = ops_find(type);

	return row ? row->name : "?";
}

/* Up to @max strings; false when there are less than @min of them. */
static bool strings_parse(
	struct rd *rd, unsigned min, unsigned max, struct ops_args *args)
{
	while (args->nr < max && (args->nr < min || rd->left)) {
		args->str[args->nr] = rd_cstr(rd, &args->str_len[args->nr]);
		args->nr++;
	}
	return rd_ok(rd);
}

/* The rest is strings: count them, and have none without its NUL. */
static bool list_parse(struct rd *rd, struct ops_args *args)
{
	args->data = rd->at;
	args->data_len = rd->left;
	while (rd->left && rd_cstr(rd, NULL))
		args->nr++;
	return rd_done(rd);
}

int ops_args_parse(const struct ops_row *row, const void *payload, size_t len,
	struct ops_args *args)
{
	const uint8_t *p = payload;
	bool ok = false;
	struct rd rd;

	memset(args, 0, sizeof(*args));
	rd_init(&rd, payload, len);
	switch (row->shape) {
	case OPS_SERVER: break;
	case OPS_NONE: ok = !len || (len == 1 && !p[0]); break;
	case OPS_STRINGS:
		ok = strings_parse(&rd, row->min, row->max, args) &&
		     rd_done(&rd);
		break;
	case OPS_DATA:
		ok = strings_parse(&rd, 1, 1, args);
		if (ok)
			args->data = rd_rest(&rd, &args->data_len);
		break;
	case OPS_LIST:
		ok = strings_parse(&rd, row->min, row->min, args) &&
		     list_parse(&rd, args);
		break;
	}
	return ok ? 0 : EINVAL;
}
