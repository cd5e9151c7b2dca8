/* Codes cannot be found by trying. */
#include "node/io/guesses.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOW 1795000000000

static int setup(void **state)
{
	*state = guesses_new();
	return 0;
}

static int teardown(void **state)
{
	guesses_free(*state);
	return 0;
}

/* How many of |tries| are let through, each at a case of its own from an address of its own if these are
 * "". */
static int let_through(struct guesses *guesses, const char *token, const char *address, const char *number,
                       int tries, tb_time now)
{
	static int serial;
	int good = 0;
	for (int i = 0; i < tries; i++) {
		char own[3][40];
		for (int k = 0; k < 3; k++)
			snprintf(own[k], sizeof(own[k]), "own-%d", ++serial);
		good += guesses_take(guesses, token[0] ? token : own[0], address[0] ? address : own[1],
		                     number[0] ? number : own[2], now, NULL) == TB_OK;
	}
	return good;
}

static void test_a_token_has_so_many_tries_and_more_with_time(void **state)
{
	struct tb_error err;
	assert_int_equal(let_through(*state, "kiosk", "", "", 50, NOW), GUESSES_OF_TOKEN);
	assert_int_equal(guesses_take(*state, "kiosk", "", "x", NOW, &err), TB_ETHROTTLED);
	assert_string_equal(err.text,
	                    "openWith: too many wrong codes with this token; the next try is in 120 s");
	assert_int_equal(let_through(*state, "other", "", "", 1, NOW), 1);
	assert_int_equal(let_through(*state, "kiosk", "", "", 5, NOW + GUESSES_TOKEN_MS - 1), 0);
	assert_int_equal(let_through(*state, "kiosk", "", "", 5, NOW + GUESSES_TOKEN_MS), 1);
	assert_int_equal(let_through(*state, "kiosk", "", "", 50, NOW + TB_DAY), GUESSES_OF_TOKEN);
}

static void test_an_address_and_a_case_have_so_many_too(void **state)
{
	assert_int_equal(let_through(*state, "", "192.0.2.1", "", 100, NOW), GUESSES_OF_ADDRESS);
	assert_int_equal(let_through(*state, "", "", "620100-20260105-000001", 100, NOW), GUESSES_OF_CASE);
	assert_int_equal(let_through(*state, "", "192.0.2.2", "620100-20260105-000002", 1, NOW), 1);
}

static void test_what_is_refused_takes_nothing(void **state)
{
	assert_int_equal(let_through(*state, "kiosk", "", "case", 100, NOW), GUESSES_OF_TOKEN);
	assert_int_equal(let_through(*state, "kiosk", "", "", 1, NOW + GUESSES_TOKEN_MS), 1);
	assert_int_equal(let_through(*state, "", "", "case", 5, NOW + GUESSES_CASE_MS), 1);
}

static void test_a_right_code_costs_nothing(void **state)
{
	for (int i = 0; i < 500; i++) {
		assert_int_equal(guesses_take(*state, "kiosk", "192.0.2.1", "case", NOW, NULL), TB_OK);
		guesses_give_back(*state, "kiosk", "192.0.2.1", "case");
	}
	assert_int_equal(let_through(*state, "kiosk", "", "", 50, NOW), GUESSES_OF_TOKEN);
}

static void test_a_clock_that_is_set_back_shuts_nobody_out(void **state)
{
	assert_int_equal(let_through(*state, "kiosk", "", "", 50, NOW), GUESSES_OF_TOKEN);
	assert_int_equal(let_through(*state, "kiosk", "", "", 1, NOW - TB_DAY), 0);
	assert_int_equal(let_through(*state, "kiosk", "", "", 1, NOW - TB_DAY + GUESSES_TOKEN_MS), 1);
}

static void test_many_others_do_not_make_it_forget(void **state)
{
	assert_int_equal(let_through(*state, "kiosk", "", "", 50, NOW), GUESSES_OF_TOKEN);
	let_through(*state, "", "", "", 5000, NOW);
	assert_int_equal(let_through(*state, "kiosk", "", "", 1, NOW), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_a_token_has_so_many_tries_and_more_with_time),
		TEST(test_an_address_and_a_case_have_so_many_too),
		TEST(test_what_is_refused_takes_nothing),
		TEST(test_a_right_code_costs_nothing),
		TEST(test_a_clock_that_is_set_back_shuts_nobody_out),
		TEST(test_many_others_do_not_make_it_forget),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
