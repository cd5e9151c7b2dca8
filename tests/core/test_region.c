#include "node/core/region.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"

#define HEADER "code\tname\tparent\n"

static struct regions *parse(const char *tsv)
{
	struct regions *regions = NULL;
	struct tb_error err = {0};
	if (regions_parse(&regions, tb_bytes_str(tsv), &err) != TB_OK)
		fail_msg("%s", err.text);
	return regions;
}

static void refuse(struct tb_bytes tsv, enum tb_code code, const char *text)
{
	struct regions *regions = NULL;
	struct tb_error err = {0};
	assert_int_equal(regions_parse(&regions, tsv, &err), code);
	assert_null(regions);
	assert_string_equal(err.text, text);
}

static void test_regions_are_found(void **state)
{
	(void)state;
	struct regions *regions = parse(HEADER "440300\t深圳市\t440000\n440000\t广东省\t100000\n");
	assert_int_equal(regions_count(regions), 2);
	assert_string_equal(regions_name(regions, "440300"), "深圳市");
	assert_string_equal(regions_parent(regions, "440300"), "440000");
	assert_string_equal(regions_parent(regions, "440000"), "100000");
	static const char *const unknown[] = {"", "4403", "4403000", "440301", "100000", "999999", "abcdef"};
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		assert_null(regions_name(regions, unknown[i]));
		assert_null(regions_parent(regions, unknown[i]));
	}
	const char *code, *name;
	regions_at(regions, 0, &code, &name);
	assert_string_equal(code, "440000");
	assert_string_equal(name, "广东省");
	regions_at(regions, 1, &code, &name);
	assert_string_equal(code, "440300");
	regions_free(regions);
	regions_free(NULL);
}

static void test_regions_files_may_be_concatenated(void **state)
{
	(void)state;
	struct regions *regions = parse("\xEF\xBB\xBF" HEADER "410000\t河南省\t100000\r\n\r\n# more\n"
	                                "\xEF\xBB\xBF" HEADER "419001\t济源市\t410000");
	assert_int_equal(regions_count(regions), 2);
	assert_string_equal(regions_name(regions, "419001"), "济源市");
	regions_free(regions);
}

static void test_regions_may_be_none(void **state)
{
	(void)state;
	struct regions *regions = parse("");
	assert_int_equal(regions_count(regions), 0);
	assert_null(regions_name(regions, "440000"));
	regions_free(regions);
}

static void test_regions_errors_name_the_line(void **state)
{
	(void)state;
	static const char *const wrong[][2] = {
		{"44000\tx\t100000", "regions: line 1: code is not 6 digits"},
		{HEADER "44000a\tx\t100000", "regions: line 2: code is not 6 digits"},
		{HEADER "440000\tx\t100000\nnonsense", "regions: line 3: code is not 6 digits"},
		{"440000\t\t100000", "regions: line 1: name is missing, too long or not printable UTF-8"},
		{"440000\t\xB9\xE3\t100000",
	         "regions: line 1: name is missing, too long or not printable UTF-8"},
		{"440000\tx", "regions: line 1: parent is not 6 digits, or there are more columns"},
		{"440000\tx\t10000", "regions: line 1: parent is not 6 digits, or there are more columns"},
		{"440000\tx\t100000\ty",
	         "regions: line 1: parent is not 6 digits, or there are more columns"},
		{"440000\tx\t440000", "regions: line 1: parent is not less than code"},
		{"440000\tx\t440300\n440300\ty\t440000", "regions: line 1: parent is not less than code"},
		{HEADER "440000\tx\t100000\n440301\ty\t440300", "regions: line 3: parent is unknown"},
		{"440000\tx\t100000\n\n440000\ty\t100000",
	         "regions: line 3: code stands here for the second time"},
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		refuse(tb_bytes_str(wrong[i][0]), TB_EMALFORMED, wrong[i][1]);
}

static void test_regions_are_at_most_so_many(void **state)
{
	(void)state;
	struct tb_buf tsv = {0};
	for (unsigned i = 1; i <= REGIONS_MAX; i++)
		tb_buf_printf(&tsv, "%u\tx\t100000\n", 100000 + i);
	struct regions *regions = parse(tb_buf_text(&tsv));
	assert_int_equal(regions_count(regions), REGIONS_MAX);
	assert_string_equal(regions_name(regions, "100001"), "x");
	assert_string_equal(regions_name(regions, "108000"), "x");
	regions_free(regions);
	tb_buf_str(&tsv, "990000\tx\t100000\n");
	refuse(tb_buf_bytes(&tsv), TB_ETOOBIG, "regions: line 8001: more than 8000 rows");
	tb_buf_clear(&tsv);
	static uint8_t large[TB_FILE_BYTES_MAX + 1];
	refuse(tb_bytes_of(large, sizeof(large)), TB_ETOOBIG, "regions: over 4194304 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_regions_are_found),
		cmocka_unit_test(test_regions_files_may_be_concatenated),
		cmocka_unit_test(test_regions_may_be_none),
		cmocka_unit_test(test_regions_errors_name_the_line),
		cmocka_unit_test(test_regions_are_at_most_so_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
