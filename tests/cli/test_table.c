#include "node/cli/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_table_width_counts_places(void **state)
{
	(void)state;
	assert_int_equal(table_width(""), 0);
	assert_int_equal(table_width("abc"), 3);
	assert_int_equal(table_width("常州市"), 6);
	assert_int_equal(table_width("（已受理）"), 10);
	assert_int_equal(table_width("Ａ1"), 3);
	assert_int_equal(table_width("e\xCC\x81"), 1); /* combining acute */
	assert_int_equal(table_width("𠮷"), 2);
	assert_int_equal(table_width("→"), 1);
}

static void test_table_clean_disarms_what_is_not_printable(void **state)
{
	struct tb_buf out = {0};
	(void)state;
	table_clean(&out, "a\033[2Jb\n市\xFF\xE5\x81");
	assert_string_equal(tb_buf_text(&out), "a?[2Jb?市??");
	out.size = 0;
	table_clean(&out, "\xE2\x80\xAE"
	                  "x"); /* right-to-left override */
	assert_string_equal(tb_buf_text(&out), "?x");
	tb_buf_clear(&out);
}

/* What |table| prints; frees both. */
static void assert_prints(struct table *table, const char *expected)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);
	assert_non_null(stream);
	table_end(table, stream);
	fclose(stream);
	assert_string_equal(text, expected);
	free(text);
}

static void test_table_aligns_chinese_beside_latin(void **state)
{
	static const struct table_column columns[] = {
		{TEXT_H_NAME, false}, {TEXT_H_COUNT, true}, {TEXT_H_STATE, false}};
	(void)state;
	text_use(false);
	struct table *table = TABLE_NEW(columns);
	TABLE_ROW(table, "常州市", "7", "up");
	TABLE_ROW(table, "Hangzhou", "1024", NULL);
	assert_int_equal(table_rows(table), 2);
	assert_prints(table, "name      count  state\n"
	                     "常州市        7  up\n"
	                     "Hangzhou   1024\n");
}

static void test_table_of_pairs_has_no_head_and_leaves_out_what_is_empty(void **state)
{
	(void)state;
	text_use(true);
	struct table *table = table_new_pairs();
	table_pair(table, TEXT_H_REGION, "320400");
	table_pair(table, TEXT_H_ERROR, "");
	table_pair(table, TEXT_H_NAME, NULL);
	table_pair(table, TEXT_H_STARTED, "2026-11-21");
	assert_prints(table, "地区      320400\n启动时间  2026-11-21\n");
	text_use(false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_width_counts_places),
		cmocka_unit_test(test_table_clean_disarms_what_is_not_printable),
		cmocka_unit_test(test_table_aligns_chinese_beside_latin),
		cmocka_unit_test(test_table_of_pairs_has_no_head_and_leaves_out_what_is_empty),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
