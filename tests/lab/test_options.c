#include "sim/lab/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define PARSE(options, ...)                                                          \
	lab_options_parse(options, sizeof((char *[]){__VA_ARGS__}) / sizeof(char *), \
	                  (char *[]){__VA_ARGS__}, &(struct tb_error){0})

static void test_defaults_are_every_fault_and_directories_of_its_own(void **state)
{
	struct lab_options options;
	(void)state;
	assert_int_equal(lab_options_parse(&options, 0, NULL, &(struct tb_error){0}), TB_OK);
	for (size_t i = 0; i < LAB_FAULTS; i++)
		assert_true(options.rates[i] > 0);
	assert_null(options.program);
	assert_null(options.dir);
	assert_null(options.report);
	assert_false(options.no_excuse);
}

static void test_faults_are_those_that_are_named_at_the_rate_that_is_given(void **state)
{
	struct lab_options options;
	(void)state;
	assert_int_equal(PARSE(&options, "--faults", "kill=2,cut,backup=0.25"), TB_OK);
	assert_true(options.rates[LAB_KILL] == 2);
	assert_true(options.rates[LAB_CUT] > 0);
	assert_true(options.rates[LAB_BACKUP] == 0.25);
	assert_true(options.rates[LAB_SLOW] == 0);
	assert_true(options.rates[LAB_FULL] == 0);
	assert_int_equal(PARSE(&options, "--faults", "none"), TB_OK);
	for (size_t i = 0; i < LAB_FAULTS; i++)
		assert_true(options.rates[i] == 0);
}

static void test_spans_have_units(void **state)
{
	static const struct {
		char text[8];
		int64_t ms;
	} spans[] = {{"90", 90000}, {"90s", 90000}, {"3m", 180000}, {"1h", 3600000}, {"1.5m", 90000}};
	(void)state;
	for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
		struct lab_options options;
		char text[8];
		memcpy(text, spans[i].text, sizeof(text));
		assert_int_equal(PARSE(&options, "--for", text), TB_OK);
		assert_int_equal(options.span_ms, spans[i].ms);
	}
}

static void test_what_makes_no_sense_is_refused(void **state)
{
	static char *const bad[][2] = {
		{"--nodes", "1"},
		{"--nodes", "25"},
		{"--nodes", "x"},
		{"--for", "0"},
		{"--for", "3w"},
		{"--for", "3mm"},
		{"--for", "nan"},
		{"--seed", "-1"},
		{"--faults", "kill=-1"},
		{"--faults", "kill="},
		{"--faults", "kill=1x"},
		{"--faults", "rot"},
		{"--faults", "kill,,cut"},
		{"--faults", "killer"},
		{"--faults", "kill=nan"},
		{"--fault", "kill"},
		{"--dir", ""},
	};
	struct lab_options options;
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(PARSE(&options, bad[i][0], bad[i][1]), TB_EINVALID);
	assert_int_equal(PARSE(&options, "--nodes"), TB_EINVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults_are_every_fault_and_directories_of_its_own),
		cmocka_unit_test(test_faults_are_those_that_are_named_at_the_rate_that_is_given),
		cmocka_unit_test(test_spans_have_units),
		cmocka_unit_test(test_what_makes_no_sense_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
