// SPDX-License-Identifier: MIT
/*
 * fuzz_xsmsg.c - a stream of messages, and the arguments of each
 *
 * What must hold: a message lies within the bytes that were received, its
 * strings within its payload, and every string ends there.
 */
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>

#include "wire/ops.h"
#include "wire/xsmsg.h"

static void args_check(const struct ops_row *row, const struct xsmsg *msg)
{
	const char *start = (const char *)msg->payload;
	size_t len = msg->hdr.len;
	struct ops_args args;
	int r;

	r = ops_args_parse(row, msg->payload, len, &args);
	FUZZ_CHECK(r == 0 || r == EINVAL);
	if (r)
		return;
	FUZZ_CHECK(row->shape != OPS_SERVER);
	for (unsigned i = 0; i < args.nr && i < OPS_STR_MAX; i++) {
		const char *s = args.str[i];

		if (!s || row->shape == OPS_NONE)
			continue;
		FUZZ_CHECK(s >= start && s < start + len);
		FUZZ_CHECK(memchr(s, 0, len - (size_t)(s - start)) ==
			   s + args.str_len[i]);
	}
	if (args.data_len) {
		FUZZ_CHECK(args.data >= msg->payload);
		FUZZ_CHECK(args.data + args.data_len == msg->payload + len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	for (;;) {
		struct xsmsg msg;
		const struct ops_row *row;
		uint8_t again[XSMSG_HDR_LEN];

		if (xsmsg_parse(&msg, data, len) != XSMSG_READY)
			return 0;
		FUZZ_CHECK(xsmsg_size(&msg) <= len);
		FUZZ_CHECK(msg.hdr.len <= XSMSG_PAYLOAD_MAX);
		xsmsg_hdr_emit(again, &msg.hdr);
		FUZZ_CHECK(!memcmp(again, data, sizeof(again)));
		row = ops_find(msg.hdr.type);
		FUZZ_CHECK((row != NULL) ==
			   (strcmp(ops_name(msg.hdr.type), "?") != 0));
		if (row)
			args_check(row, &msg);
		FUZZ_CHECK(xsmsg_error_parse(msg.payload, msg.hdr.len) > 0);
		data += xsmsg_size(&msg);
		len -= xsmsg_size(&msg);
	}
}
