#include "sim/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_a_cut_never_halves_a_character(void **state)
{
	(void)state;
	char out[8];
	sim_text_cut(out, sizeof(out), "兰州市");
	assert_string_equal(out, "兰州");
	sim_text_cut(out, sizeof(out), "1234567");
	assert_string_equal(out, "1234567");
	sim_text_cut(out, sizeof(out), "12345678");
	assert_string_equal(out, "1234567");
	sim_text_cut(out, 1, "x");
	assert_string_equal(out, "");
}

static void test_what_is_no_utf8_becomes_a_question_mark(void **state)
{
	(void)state;
	char out[16];
	sim_text_cut(out, sizeof(out),
	             "a\xff"
	             "b\xe5\x85");
	assert_string_equal(out, "a?b??");
}

static void test_json_and_xml_are_escaped(void **state)
{
	(void)state;
	struct tb_buf out = {0};
	sim_text_json(&out, "a\"b\\c\n兰");
	assert_string_equal(tb_buf_text(&out), "\"a\\\"b\\\\c\\u000a兰\"");
	out.size = 0;
	sim_text_xml(&out, "<a href=\"x\">&'\x01兰");
	assert_string_equal(tb_buf_text(&out), "&lt;a href=&quot;x&quot;&gt;&amp;&#39; 兰");
	tb_buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_cut_never_halves_a_character),
		cmocka_unit_test(test_what_is_no_utf8_becomes_a_question_mark),
		cmocka_unit_test(test_json_and_xml_are_escaped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
