#include "node/cli/lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static FILE *file_of(const void *data, size_t size)
{
	FILE *stream = tmpfile();
	assert_non_null(stream);
	assert_int_equal(fwrite(data, 1, size, stream), size);
	rewind(stream);
	return stream;
}

static void assert_line(struct lines *lines, const char *expected, uint64_t number, uint64_t end)
{
	struct line line;
	assert_true(lines_next(lines, &line));
	assert_false(line.too_long);
	assert_true(tb_bytes_equal(line.bytes, tb_bytes_str(expected)));
	assert_int_equal(line.number, number);
	assert_int_equal(line.end, end);
}

static void test_lines_end_with_lf_or_crlf_or_the_file(void **state)
{
	static const char text[] = "one\ntwo\r\n\nlast";
	struct line line;
	FILE *stream = file_of(text, sizeof(text) - 1);
	struct lines *lines = lines_new(stream, 0, 1, 100);
	(void)state;
	assert_line(lines, "one", 1, 4);
	assert_line(lines, "two", 2, 9);
	assert_line(lines, "", 3, 10);
	assert_line(lines, "last", 4, 14);
	assert_false(lines_next(lines, &line));
	lines_free(lines);
	fclose(stream);
}

static void test_lines_leave_out_a_byte_order_mark_once(void **state)
{
	static const char text[] = "\xEF\xBB\xBF"
				   "a\n\xEF\xBB\xBF"
				   "b\n";
	FILE *stream = file_of(text, sizeof(text) - 1);
	struct lines *lines = lines_new(stream, 0, 1, 100);
	(void)state;
	assert_line(lines, "a", 1, 5);
	assert_line(lines,
	            "\xEF\xBB\xBF"
	            "b",
	            2, 10);
	lines_free(lines);
	fclose(stream);
}

static void test_lines_go_on_at_an_offset(void **state)
{
	FILE *stream = file_of("one\ntwo\nthree\n", 14);
	struct lines *lines = lines_new(stream, 4, 2, 100);
	(void)state;
	assert_line(lines, "two", 2, 8);
	assert_line(lines, "three", 3, 14);
	lines_free(lines);
	fclose(stream);
}

static void test_lines_tell_a_long_line_and_go_on(void **state)
{
	/* Longer than a block, and one byte over; the maximum itself is taken, with CR LF as well. */
	enum { MAX = 1000, HUGE = 600 * 1024 };
	struct tb_buf text = {0};
	struct line line;
	char *fill = tb_alloc(HUGE + 1);
	(void)state;
	memset(fill, 'x', HUGE);
	tb_buf_add(&text, fill, HUGE);
	tb_buf_str(&text, "\n");
	tb_buf_add(&text, fill, MAX + 1);
	tb_buf_str(&text, "\n");
	tb_buf_add(&text, fill, MAX);
	tb_buf_str(&text, "\r\nend\n");
	FILE *stream = file_of(text.data, text.size);
	struct lines *lines = lines_new(stream, 0, 1, MAX);
	assert_true(lines_next(lines, &line));
	assert_true(line.too_long);
	assert_int_equal(line.bytes.size, 0);
	assert_int_equal(line.end, HUGE + 1);
	assert_true(lines_next(lines, &line));
	assert_true(line.too_long);
	assert_true(lines_next(lines, &line));
	assert_false(line.too_long);
	assert_int_equal(line.bytes.size, MAX);
	assert_line(lines, "end", 4, text.size);
	lines_free(lines);
	fclose(stream);
	free(fill);
	tb_buf_clear(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_end_with_lf_or_crlf_or_the_file),
		cmocka_unit_test(test_lines_leave_out_a_byte_order_mark_once),
		cmocka_unit_test(test_lines_go_on_at_an_offset),
		cmocka_unit_test(test_lines_tell_a_long_line_and_go_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
