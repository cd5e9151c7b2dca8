#include "node/cli/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* A bit for every place {1} .. {9} of |text|. */
static unsigned places(const char *text)
{
	unsigned bits = 0;
	for (const char *p = text; (p = strchr(p, '{')) != NULL; p++) {
		if (p[1] >= '1' && p[1] <= '9' && p[2] == '}')
			bits |= 1u << (p[1] - '0');
	}
	return bits;
}

static void test_text_is_there_in_both_languages(void **state)
{
	(void)state;
	for (int id = TEXT_EMPTY + 1; id < TEXT_COUNT; id++) {
		const char *zh = text_in((enum text_id)id, true);
		const char *en = text_in((enum text_id)id, false);
		if (!zh[0] || !en[0])
			fail_msg("text %d is missing: zh \"%s\", en \"%s\"", id, zh, en);
		if (!tb_utf8_valid(tb_bytes_str(zh)) || !tb_utf8_valid(tb_bytes_str(en)))
			fail_msg("text %d is not UTF-8", id);
	}
}

static void test_text_has_the_same_places_in_both_languages(void **state)
{
	(void)state;
	for (int id = 0; id < TEXT_COUNT; id++) {
		const char *zh = text_in((enum text_id)id, true);
		const char *en = text_in((enum text_id)id, false);
		if (places(zh) != places(en))
			fail_msg("places differ: \"%s\" and \"%s\"", zh, en);
	}
}

static void test_text_fills_places_in_any_order(void **state)
{
	struct tb_buf out = {0};
	(void)state;
	text_use(false);
	text_fill(&out, TEXT_EV_INCLUDED, "3", "7", NULL);
	assert_string_equal(tb_buf_text(&out), "✓ it is item 3 of 7 in the batch that was signed");
	out.size = 0;
	text_use(true);
	text_fill(&out, TEXT_EV_INCLUDED, "3", "7", NULL);
	assert_string_equal(tb_buf_text(&out), "✓ 它是该签名批次 7 项中的第 3 项");
	text_use(false);
	tb_buf_clear(&out);
}

static void test_text_does_not_fill_what_a_value_says(void **state)
{
	struct tb_error err;
	(void)state;
	text_use(false);
	assert_int_equal(text_fail(&err, TB_EINVALID, TEXT_OPTION_UNKNOWN, "{1}%s", NULL), TB_EINVALID);
	assert_string_equal(err.text, "there is no option --{1}%s");
}

static void test_text_language_follows_option_then_environment(void **state)
{
	(void)state;
	assert_true(text_language("zh", "en_US", NULL, NULL));
	assert_false(text_language("en", "zh_CN.UTF-8", NULL, NULL));
	assert_true(text_language(NULL, "zh_CN.UTF-8", "en_US", "en_US"));
	assert_false(text_language(NULL, "C", "zh_CN", "zh_CN"));
	assert_true(text_language(NULL, "", "", "zh_CN.GB18030"));
	assert_false(text_language(NULL, NULL, NULL, NULL));
}

static void test_text_knows_every_code_in_chinese(void **state)
{
	(void)state;
	text_use(true);
#define XX(name, fault, connect, en) assert_string_not_equal(text_code(name), en);
	TB_CODE_MAP(XX)
#undef XX
	text_use(false);
	assert_string_equal(text_code(TB_ENOTFOUND), "not found");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_is_there_in_both_languages),
		cmocka_unit_test(test_text_has_the_same_places_in_both_languages),
		cmocka_unit_test(test_text_fills_places_in_any_order),
		cmocka_unit_test(test_text_does_not_fill_what_a_value_says),
		cmocka_unit_test(test_text_language_follows_option_then_environment),
		cmocka_unit_test(test_text_knows_every_code_in_chinese),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
