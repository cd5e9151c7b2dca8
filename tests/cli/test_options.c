#include "node/cli/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct option own[] = {
	{"reason", OPTION_VALUE, "TEXT", TEXT_O_REASON},
	{"material", OPTION_LIST, "NEED=FILE", TEXT_O_MATERIAL},
	{"forward", OPTION_FLAG, NULL, TEXT_O_FORWARD},
	{"limit", OPTION_VALUE, "N", TEXT_O_LIMIT},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};
static const struct option global[] = {
	{"json", OPTION_FLAG, NULL, TEXT_O_JSON},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};

static struct tb_arena arena;
static struct tb_error err;

#define PARSE(out, ...)                                                                          \
	options_parse(out, own, global, (int)(sizeof((char *[]){__VA_ARGS__}) / sizeof(char *)), \
	              (char *[]){__VA_ARGS__}, &arena, &err)

static int clear(void **state)
{
	(void)state;
	tb_arena_clear(&arena);
	return 0;
}

static void test_options_take_values_in_both_forms(void **state)
{
	struct options options;
	(void)state;
	assert_int_equal(PARSE(&options, "--reason", "lost", "NUMBER", "--limit=7", "--forward", "--json"),
	                 TB_OK);
	assert_string_equal(options_value(&options, "reason"), "lost");
	assert_string_equal(options_value(&options, "limit"), "7");
	assert_true(options_flag(&options, "forward"));
	assert_true(options_flag(&options, "json"));
	assert_int_equal(options.operands_count, 1);
	assert_string_equal(options.operands[0], "NUMBER");
}

static void test_options_keep_the_order_of_a_list(void **state)
{
	struct options options;
	size_t at = 0;
	(void)state;
	assert_int_equal(PARSE(&options, "--material", "M1=a", "--forward", "--material=M2=b"), TB_OK);
	assert_string_equal(options_next(&options, "material", &at), "M1=a");
	assert_string_equal(options_next(&options, "material", &at), "M2=b");
	assert_null(options_next(&options, "material", &at));
	assert_null(options_value(&options, "reason"));
	assert_string_equal(options_value_or(&options, "reason", "none"), "none");
}

static void test_options_end_at_two_dashes(void **state)
{
	struct options options;
	(void)state;
	assert_int_equal(PARSE(&options, "--", "--reason", "-"), TB_OK);
	assert_int_equal(options.operands_count, 2);
	assert_string_equal(options.operands[0], "--reason");
	assert_int_equal(options.given_count, 0);
}

static void test_options_refuse_an_unknown_name_and_suggest(void **state)
{
	struct options options;
	(void)state;
	text_use(false);
	assert_int_equal(PARSE(&options, "--raeson", "x"), TB_EINVALID);
	assert_string_equal(err.text, "there is no option --raeson; did you mean --reason?");
	assert_int_equal(PARSE(&options, "--colour=red"), TB_EINVALID);
	assert_string_equal(err.text, "there is no option --colour");
	assert_int_equal(PARSE(&options, "-r"), TB_EINVALID);
}

static void test_options_refuse_what_does_not_fit_the_table(void **state)
{
	struct options options;
	(void)state;
	assert_int_equal(PARSE(&options, "--reason"), TB_EINVALID);
	assert_int_equal(PARSE(&options, "--forward=yes"), TB_EINVALID);
	assert_int_equal(PARSE(&options, "--reason", "a", "--reason", "b"), TB_EINVALID);
	/* A name that another one begins with. */
	assert_int_equal(PARSE(&options, "--reaso", "a"), TB_EINVALID);
}

static void test_options_number_keeps_its_bounds(void **state)
{
	struct options options;
	uint64_t number;
	(void)state;
	assert_int_equal(PARSE(&options, "--limit", "1000"), TB_OK);
	assert_int_equal(options_number(&options, "limit", 1, 1000, 5, &number, &err), TB_OK);
	assert_int_equal(number, 1000);
	assert_int_equal(options_number(&options, "limit", 1, 999, 5, &number, &err), TB_EINVALID);
	assert_int_equal(PARSE(&options, "--forward"), TB_OK);
	assert_int_equal(options_number(&options, "limit", 1, 999, 5, &number, &err), TB_OK);
	assert_int_equal(number, 5);
	static const char *const bad[] = {"", "-1", "1x", " 1", "18446744073709551616", "0x10"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(options_parse_number(bad[i], "N", 0, UINT64_MAX, &number, &err),
		                 TB_EINVALID);
	assert_int_equal(options_parse_number("18446744073709551615", "N", 0, UINT64_MAX, &number, &err),
	                 TB_OK);
	assert_true(number == UINT64_MAX);
}

static void test_options_split_wants_both_sides(void **state)
{
	const char *left;
	const char *right;
	(void)state;
	assert_int_equal(options_split("M1=a=b", '=', "material", &left, &right, &arena, &err), TB_OK);
	assert_string_equal(left, "M1");
	assert_string_equal(right, "a=b");
	assert_int_equal(options_split("=a", '=', "material", &left, &right, &arena, &err), TB_EINVALID);
	assert_int_equal(options_split("M1=", '=', "material", &left, &right, &arena, &err), TB_EINVALID);
	assert_int_equal(options_split("M1", '=', "material", &left, &right, &arena, &err), TB_EINVALID);
	assert_null(left);
}

static void test_options_distance_counts_edits(void **state)
{
	(void)state;
	assert_int_equal(options_distance("reason", "reason"), 0);
	assert_int_equal(options_distance("raeson", "reason"), 1);
	assert_int_equal(options_distance("", "abc"), 3);
	assert_int_equal(options_distance("show", "shows"), 1);
	assert_int_equal(options_distance("abc", "xyz"), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_options_take_values_in_both_forms, clear),
		cmocka_unit_test_teardown(test_options_keep_the_order_of_a_list, clear),
		cmocka_unit_test_teardown(test_options_end_at_two_dashes, clear),
		cmocka_unit_test_teardown(test_options_refuse_an_unknown_name_and_suggest, clear),
		cmocka_unit_test_teardown(test_options_refuse_what_does_not_fit_the_table, clear),
		cmocka_unit_test_teardown(test_options_number_keeps_its_bounds, clear),
		cmocka_unit_test_teardown(test_options_split_wants_both_sides, clear),
		cmocka_unit_test(test_options_distance_counts_edits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
