// SPDX-License-Identifier: MIT
/* test_rd.c - cursors: what fits, and the sticky error (rd.c and wr.c) */
#include "common/rd.h"
#include "common/wr.h"
#include "tests/unit/bh_check.h"

START_TEST(test_rd_reads_in_order)
{
	uint8_t buf[] = {1, 0, 0, 0, 'a', 0, 'x', 'y'};
	size_t len;
	struct rd rd;

	rd_init(&rd, buf, sizeof(buf));
	memcpy(buf, &(uint32_t){7}, 4);
	ck_assert_mem_eq(rd_bytes(&rd, 4), &(uint32_t){7}, 4);
	ck_assert_str_eq(rd_cstr(&rd, &len), "a");
	ck_assert_uint_eq(len, 1);
	ck_assert(!rd_done(&rd));
	ck_assert_ptr_eq(rd_rest(&rd, &len), buf + 6);
	ck_assert_uint_eq(len, 2);
	ck_assert(rd_done(&rd));
}
END_TEST

START_TEST(test_rd_error_sticks)
{
	size_t len = 9;
	struct rd rd;

	rd_init(&rd, "abc", 3);
	ck_assert_ptr_null(rd_bytes(&rd, 4));
	ck_assert(!rd_ok(&rd));
	ck_assert_ptr_null(rd_bytes(&rd, 1));
	ck_assert_ptr_null(rd_cstr(&rd, NULL));
	ck_assert_ptr_null(rd_rest(&rd, &len));
	ck_assert_uint_eq(len, 0);
	rd_init(&rd, "abc", 3); /* without the NUL */
	ck_assert_ptr_null(rd_cstr(&rd, NULL));
	ck_assert(!rd_ok(&rd));
	rd_init(&rd, NULL, 0);
	ck_assert_ptr_null(rd_cstr(&rd, NULL));
}
END_TEST

START_TEST(test_rd_huge_length)
{
	struct rd rd;

	rd_init(&rd, "abc", 3);
	rd_bytes(&rd, 1);
	ck_assert_ptr_null(rd_bytes(&rd, SIZE_MAX));
}
END_TEST

START_TEST(test_wr_fits_exactly)
{
	uint8_t buf[8];
	struct wr wr;

	wr_init(&wr, buf, sizeof(buf));
	wr_bytes(&wr, "quad", 4);
	wr_dec(&wr, 10);
	wr_cstr(&wr, "z");
	ck_assert(wr_ok(&wr));
	ck_assert_uint_eq(wr.len, 8);
	ck_assert_mem_eq(buf + 4, "10z", 4);
	wr_bytes(&wr, "", 0);
	ck_assert(wr_ok(&wr));
	wr_bytes(&wr, "q", 1);
	ck_assert(!wr_ok(&wr));
}
END_TEST

START_TEST(test_wr_error_sticks)
{
	uint8_t buf[4];
	struct wr wr;

	wr_init(&wr, buf, sizeof(buf));
	wr_dec(&wr, UINT64_MAX);
	wr_cstr(&wr, "a");
	ck_assert(!wr_ok(&wr));
	ck_assert_uint_eq(wr.len, 0);
	wr_init(&wr, buf, sizeof(buf));
	wr_dec(&wr, 0);
	ck_assert(wr_ok(&wr) && wr.len == 1 && buf[0] == '0');
}
END_TEST

BH_CHECK_MAIN("rd", 10, BH_TEST(test_rd_reads_in_order),
	BH_TEST(test_rd_error_sticks), BH_TEST(test_rd_huge_length),
	BH_TEST(test_wr_fits_exactly), BH_TEST(test_wr_error_sticks))
