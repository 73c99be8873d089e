// SPDX-License-Identifier: MIT
/* test_xsmsg.c - framing and error names */
#include <errno.h>

#include "tests/unit/bh_check.h"
#include "wire/xsmsg.h"

START_TEST(test_round_trip)
{
	struct xsmsg_hdr hdr = {11, 2, 3, 5};
	uint8_t buf[XSMSG_HDR_LEN + 5];
	struct xsmsg msg;

	xsmsg_hdr_emit(buf, &hdr);
	memcpy(buf + XSMSG_HDR_LEN, "hello", 5);
	for (size_t n = 0; n < sizeof(buf); n++)
		ck_assert_int_eq(xsmsg_parse(&msg, buf, n), XSMSG_MORE);
	ck_assert_int_eq(xsmsg_parse(&msg, buf, sizeof(buf)), XSMSG_READY);
	ck_assert_mem_eq(&msg.hdr, &hdr, sizeof(hdr));
	ck_assert_ptr_eq(msg.payload, buf + XSMSG_HDR_LEN);
	ck_assert_uint_eq(xsmsg_size(&msg), sizeof(buf));
}
END_TEST

/* XSA-420: lengths which are negative, or wrap when a header is added. */
static const uint32_t bad_lens[] = {
	4097, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff};

START_TEST(test_too_long)
{
	struct xsmsg_hdr hdr = {2, 0, 0, bad_lens[_i]};
	uint8_t buf[XSMSG_HDR_LEN];
	struct xsmsg msg;

	xsmsg_hdr_emit(buf, &hdr);
	ck_assert_int_eq(xsmsg_parse(&msg, buf, sizeof(buf)), XSMSG_BAD);
	ck_assert_uint_eq(msg.hdr.len, bad_lens[_i]);
}
END_TEST

START_TEST(test_longest)
{
	struct xsmsg_hdr hdr = {2, 0, 0, XSMSG_PAYLOAD_MAX};
	static uint8_t buf[XSMSG_MAX + 1];
	struct xsmsg msg;

	xsmsg_hdr_emit(buf, &hdr);
	ck_assert_int_eq(xsmsg_parse(&msg, buf, XSMSG_MAX - 1), XSMSG_MORE);
	ck_assert_int_eq(xsmsg_parse(&msg, buf, XSMSG_MAX), XSMSG_READY);
}
END_TEST

START_TEST(test_error_names)
{
	static const int known[] = {EINVAL, EACCES, EEXIST, EISDIR, ENOENT,
		ENOMEM, ENOSPC, EIO, ENOTEMPTY, ENOSYS, EROFS, EBUSY, EAGAIN,
		EISCONN, E2BIG, EPERM};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		const char *name = xsmsg_error_name(known[i]);

		ck_assert_int_eq(
			xsmsg_error_parse(name, strlen(name)), known[i]);
		ck_assert_int_eq(
			xsmsg_error_parse(name, strlen(name) + 1), known[i]);
	}
	ck_assert_str_eq(xsmsg_error_name(EDOM), "EINVAL");
	ck_assert_int_eq(xsmsg_error_parse("EQUOTA", 7), EINVAL);
	ck_assert_int_eq(xsmsg_error_parse("ENOENTX", 7), EINVAL);
	ck_assert_int_eq(xsmsg_error_parse("", 0), EINVAL);
}
END_TEST

BH_CHECK_MAIN("xsmsg", 10, BH_TEST(test_round_trip), BH_LOOP(test_too_long, 5),
	BH_TEST(test_longest), BH_TEST(test_error_names))
