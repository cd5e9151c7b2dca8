#include "node/cli/jsontext.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_jsontext_takes_objects(void **state)
{
	static const char *const good[] = {
		"{}",
		" { } ",
		"{\"a\":1}",
		"{\"a\":{\"b\":[1,-2.5e+10,true,false,null,\"\\u4e2d\\n\"]},\"c\":\"市\"}",
		"{\"a\":[[],[[]],{}]}",
		"{\"a\":0.5,\"b\":-0}",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (!jsontext_is_object(tb_bytes_str(good[i])))
			fail_msg("refused: %s", good[i]);
	}
}

static void test_jsontext_refuses_what_is_no_object(void **state)
{
	static const char *const bad[] = {
		"",
		" ",
		"[]",
		"1",
		"{",
		"}",
		"{\"a\"}",
		"{\"a\":}",
		"{a:1}",
		"{\"a\":1,}",
		"{\"a\":1}}",
		"{\"a\":01}",
		"{\"a\":1.}",
		"{\"a\":.5}",
		"{\"a\":-}",
		"{\"a\":1e}",
		"{\"a\":\"}",
		"{\"a\":tru}",
		"{\"a\":[1,]}",
		"{\"a\":[1}}",
		"{\"a\":\"\\x\"}",
		"{\"a\":\"\\u12g4\"}",
		"{\"a\":\"\t\"}",
		"{\"a\":1} x",
		"{\"a\":\"\xFF\"}",
		"{\"a\" 1}",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (jsontext_is_object(tb_bytes_str(bad[i])))
			fail_msg("taken: %s", bad[i]);
	}
}

/* Cut at every place: never read beyond (under asan), never taken. */
static void test_jsontext_refuses_every_beginning(void **state)
{
	static const char whole[] = "{\"a\":[1,{\"b\":\"\\u4e2d\\\"\"},true,null],\"c\":-1.5e3}";
	(void)state;
	for (size_t size = 0; size < sizeof(whole) - 1; size++) {
		uint8_t *part = tb_alloc(size + 1);
		memcpy(part, whole, size);
		assert_false(jsontext_is_object(tb_bytes_of(part, size)));
		free(part);
	}
	assert_true(jsontext_is_object(tb_bytes_str(whole)));
}

/* {"a":[[..1..]]} with |lists| lists. */
static bool takes_depth(int lists)
{
	struct tb_buf text = {0};
	tb_buf_str(&text, "{\"a\":");
	for (int i = 0; i < lists; i++)
		tb_buf_str(&text, "[");
	tb_buf_str(&text, "1");
	for (int i = 0; i < lists; i++)
		tb_buf_str(&text, "]");
	tb_buf_str(&text, "}");
	bool taken = jsontext_is_object(tb_buf_bytes(&text));
	tb_buf_clear(&text);
	return taken;
}

static void test_jsontext_bounds_the_depth(void **state)
{
	(void)state;
	assert_true(takes_depth(JSONTEXT_DEPTH_MAX - 1));
	assert_false(takes_depth(JSONTEXT_DEPTH_MAX));
	assert_false(takes_depth(100000));
}

static void test_jsontext_cuts_an_array_into_elements(void **state)
{
	struct tb_bytes text =
		tb_bytes_str("{\"x\":[9],\"outcomes\" : [ {\"a\":[1,2]} , {\"b\":\"],\"},3],\"y\":1}");
	struct tb_bytes element;
	size_t at = 0;
	(void)state;
	assert_true(jsontext_element(text, "outcomes", &at, &element));
	assert_true(tb_bytes_equal(element, tb_bytes_str("{\"a\":[1,2]}")));
	assert_true(jsontext_element(text, "outcomes", &at, &element));
	assert_true(tb_bytes_equal(element, tb_bytes_str("{\"b\":\"],\"}")));
	assert_true(jsontext_element(text, "outcomes", &at, &element));
	assert_true(tb_bytes_equal(element, tb_bytes_str("3")));
	assert_false(jsontext_element(text, "outcomes", &at, &element));
	at = 0;
	assert_false(jsontext_element(text, "outcome", &at, &element));
	at = 0;
	assert_false(jsontext_element(tb_bytes_str("{\"outcomes\":[]}"), "outcomes", &at, &element));
}

static void test_jsontext_reads_a_string_member(void **state)
{
	struct tb_buf out = {0};
	(void)state;
	assert_true(jsontext_string(
		tb_bytes_str("{\"code\":\"not_found\",\"message\":\"a\\\"b\\n\\u5e02\\ud842\\udfb7\"}"),
		"message", &out));
	assert_string_equal(tb_buf_text(&out), "a\"b\n市𠮷");
	out.size = 0;
	assert_false(jsontext_string(tb_bytes_str("{\"code\":5}"), "code", &out));
	assert_false(jsontext_string(tb_bytes_str("{\"code\":\"\\ud842x\"}"), "code", &out));
	assert_false(jsontext_string(tb_bytes_str("{\"code\":\"\\u0000\"}"), "code", &out));
	assert_false(jsontext_string(tb_bytes_str("<html>"), "code", &out));
	tb_buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_jsontext_takes_objects),
		cmocka_unit_test(test_jsontext_refuses_what_is_no_object),
		cmocka_unit_test(test_jsontext_refuses_every_beginning),
		cmocka_unit_test(test_jsontext_bounds_the_depth),
		cmocka_unit_test(test_jsontext_cuts_an_array_into_elements),
		cmocka_unit_test(test_jsontext_reads_a_string_member),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
