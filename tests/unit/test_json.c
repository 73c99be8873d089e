// SPDX-License-Identifier: MIT
/* test_json.c - always valid JSON, whatever the strings are */
#include <stdint.h>

#include "common/json.h"
#include "tests/unit/bh_check.h"

static const struct {
	const char *bytes, *text;
} strings[] = {
	{"plain", "plain"},
	{"a\"b\\c", "a\\\"b\\\\c"},
	{"\n\t\x01\x7f", "\\u000a\\u0009\\u0001\\u007f"},
	{"\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\x8e",
		"\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\x8e"},
	{"\xff", "\\ufffd"},
	{"\xc3", "\\ufffd"},
	{"\xc3(", "\\ufffd("},
	{"\xc0\x80", "\\ufffd\\ufffd"},
	{"\xc1\xbf", "\\ufffd\\ufffd"},
	{"\xe0\x80\x80", "\\ufffd\\ufffd\\ufffd"},
	{"\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd"},
	{"\xed\x9f\xbf", "\xed\x9f\xbf"},
	{"\xf0\x80\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd"},
	{"\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd"},
	{"\xe2\x82", "\\ufffd\\ufffd"},
	{"\xf0\x9f\x90", "\\ufffd\\ufffd\\ufffd"},
};
enum { STRINGS_NR = sizeof(strings) / sizeof(strings[0]) };

static char out[1024];
static struct json j;

static void begin(void)
{
	memset(out, 0, sizeof(out));
	json_begin(&j, fmemopen(out, sizeof(out), "w"));
}

static void end(const char *want)
{
	json_end(&j);
	fclose(j.f);
	ck_assert_str_eq(out, want);
}

START_TEST(test_string)
{
	char want[256];

	begin();
	json_str(&j, NULL, strings[_i].bytes);
	snprintf(want, sizeof(want), "\"%s\"\n", strings[_i].text);
	end(want);
}
END_TEST

START_TEST(test_shape)
{
	begin();
	json_open(&j, NULL, '[');
	json_open(&j, NULL, '{');
	json_num(&j, "n", UINT64_MAX);
	json_bool(&j, "b", true);
	json_str(&j, "s", NULL);
	json_open(&j, "empty", '{');
	json_close(&j, '}');
	json_close(&j, '}');
	json_bool(&j, NULL, false);
	json_close(&j, ']');
	end("[\n  {\n    \"n\": 18446744073709551615,\n    \"b\": true,\n"
	    "    \"s\": null,\n    \"empty\": {}\n  },\n  false\n]\n");
}
END_TEST

static const struct {
	const char *bytes;
	size_t len;
	const char *text;
} bytes[] = {
	{"", 0, "\"v\":\"\""},
	{"a\0b", 3, "\"v\":\"a\\u0000b\""},
	{"\xc3\xa4", 2, "\"v\":\"\xc3\xa4\""},
	{"\xc3\xa4", 1, "\"v_b64\":\"ww==\""},
	{"\xff\xfe", 2, "\"v_b64\":\"//4=\""},
	{"\xff\xfe\xfd", 3, "\"v_b64\":\"//79\""},
	{"\xff\0\xfb\x3e", 4, "\"v_b64\":\"/wD7Pg==\""},
};
enum { BYTES_NR = sizeof(bytes) / sizeof(bytes[0]) };

START_TEST(test_bytes)
{
	char want[256];

	begin();
	j.line = true;
	json_open(&j, NULL, '{');
	json_num(&j, "n", 1);
	json_bytes(&j, "v", bytes[_i].bytes, bytes[_i].len);
	json_close(&j, '}');
	snprintf(want, sizeof(want), "{\"n\":1,%s}\n", bytes[_i].text);
	end(want);
}
END_TEST

BH_CHECK_MAIN("json", 10, BH_LOOP(test_string, STRINGS_NR),
	BH_LOOP(test_bytes, BYTES_NR), BH_TEST(test_shape))
