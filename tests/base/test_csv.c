#include "base/csv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The cells of |text|, each in brackets, a '/' behind each row, '!' where it is badly quoted. */
static void read_all(struct tb_buf *seen, const char *text)
{
	char *copy = tb_strdup(text), *at = copy, *cell;
	enum tb_csv follows;
	do {
		follows = tb_csv_cell(&at, &cell);
		if (follows == TB_CSV_BAD)
			tb_buf_str(seen, "!");
		else
			tb_buf_printf(seen, "[%s]%s", cell, follows == TB_CSV_ROW ? "/" : "");
	} while (follows == TB_CSV_CELL || follows == TB_CSV_ROW);
	free(copy);
}

static void test_cells_are_taken_off_as_rfc_4180_has_them(void **state)
{
	static const char *const texts[][2] = {
		{"", "[]"},
		{"a", "[a]"},
		{"a,b", "[a][b]"},
		{"a,", "[a][]"},
		{"a,\n", "[a][]"},
		{",\r\n,", "[][]/[][]"},
		{"a\r\nb\nc\rd", "[a]/[b]/[c]/[d]"},
		{"\"a,b\",c\n", "[a,b][c]"},
		{"\"a\r\nb\"\r\nc", "[a\r\nb]/[c]"},
		{"\"\",\"\"\"\"", "[][\"]"},
		{"\"a\"\"b\"\"\"", "[a\"b\"]"},
		{"局,\"司法局,\"\"新\"\"\"", "[局][司法局,\"新\"]"},
		{"\"a", "!"},
		{"\"a\"b", "!"},
		{"\"a\"\"", "!"},
		{"a\"b\"", "!"},
		{"a,\"b\nc,d", "[a]!"},
		{" \"a\"", "!"},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct tb_buf seen = {0};
		read_all(&seen, texts[i][0]);
		assert_string_equal(tb_buf_text(&seen), texts[i][1]);
		tb_buf_clear(&seen);
	}
}

static void test_a_badly_quoted_cell_is_left_as_it_is(void **state)
{
	char text[] = "\"a\"\"b\"c", *at = text, *cell;
	(void)state;
	assert_int_equal(tb_csv_cell(&at, &cell), TB_CSV_BAD);
	assert_ptr_equal(at, text);
	assert_string_equal(text, "\"a\"\"b\"c");
}

static void test_a_csv_cell_stays_text_in_its_line(void **state)
{
	static const char *const cells[][2] = {{"", ""},
	                                       {"公证", "公证"},
	                                       {"a,b", "\"a,b\""},
	                                       {"a\"b", "\"a\"\"b\""},
	                                       {"a\r\nb", "\"a  b\""},
	                                       {"=1+1", "\"'=1+1\""},
	                                       {"@x", "\"'@x\""}};
	(void)state;
	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
		struct tb_buf buf = {0};
		tb_buf_csv(&buf, cells[i][0]);
		assert_string_equal(tb_buf_text(&buf), cells[i][1]);
		tb_buf_clear(&buf);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cells_are_taken_off_as_rfc_4180_has_them),
		cmocka_unit_test(test_a_badly_quoted_cell_is_left_as_it_is),
		cmocka_unit_test(test_a_csv_cell_stays_text_in_its_line),
	};
	return cmocka_run_group_tests_name("base/csv", tests, NULL, NULL);
}
