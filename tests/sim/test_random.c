#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "sim/random.h"

static void test_the_same_name_gives_the_same_stream_and_another_one_another(void **state)
{
	(void)state;
	struct sim_random a, b, c, d;
	sim_random_start(&a, 7, "node", 1);
	sim_random_start(&b, 7, "node", 1);
	sim_random_start(&c, 7, "node", 2);
	sim_random_start(&d, 7, "link", 1);
	uint64_t first = sim_random_u64(&a);
	assert_true(first == sim_random_u64(&b));
	assert_true(first != sim_random_u64(&c));
	assert_true(first != sim_random_u64(&d));
}

/* The reference value guards every seed that was ever written down. */
static void test_a_stream_is_what_it_always_was(void **state)
{
	(void)state;
	struct sim_random random = {{1, 2, 3, 4}};
	assert_true(sim_random_u64(&random) == 11520);
	assert_true(sim_random_u64(&random) == 0);
	assert_true(sim_random_u64(&random) == 1509978240);
}

static void test_draws_stay_in_their_range_and_reach_its_ends(void **state)
{
	(void)state;
	struct sim_random random;
	bool least = false, most = false;
	sim_random_start(&random, 1, "test", 0);
	for (unsigned i = 0; i < 1000; i++) {
		int64_t value = sim_random_range(&random, -3, 4);
		assert_true(value >= -3 && value <= 4);
		least = least || value == -3;
		most = most || value == 4;
	}
	assert_true(least && most);
	assert_true(sim_random_below(&random, 1) == 0);
}

static void test_chances_are_as_often_as_they_say(void **state)
{
	(void)state;
	struct sim_random random;
	unsigned hits = 0;
	sim_random_start(&random, 1, "test", 0);
	for (unsigned i = 0; i < 100000; i++)
		hits += sim_random_chance(&random, 250000);
	assert_in_range(hits, 24000, 26000);
	assert_false(sim_random_chance(&random, 0));
	assert_true(sim_random_chance(&random, 1000000));
}

static void test_exponential_draws_have_their_mean_and_a_tail(void **state)
{
	(void)state;
	struct sim_random random;
	int64_t sum = 0, most = 0;
	sim_random_start(&random, 1, "test", 0);
	for (unsigned i = 0; i < 100000; i++) {
		int64_t value = sim_random_exponential(&random, 1000);
		assert_true(value >= 0 && value <= 40000);
		sum += value;
		most = value > most ? value : most;
	}
	assert_in_range(sum / 100000, 950, 1100);
	assert_true(most > 8000);
	assert_true(sim_random_exponential(&random, 0) == 0);
}

static void test_zipf_prefers_the_first_and_reaches_the_last(void **state)
{
	(void)state;
	struct sim_zipf zipf;
	struct sim_random random;
	unsigned counts[10] = {0};
	sim_random_start(&random, 1, "test", 0);
	sim_zipf_init(&zipf, 10);
	for (unsigned i = 0; i < 10000; i++)
		counts[sim_zipf_draw(&zipf, &random)]++;
	sim_zipf_clear(&zipf);
	assert_true(counts[0] > 2 * counts[2]);
	assert_true(counts[9] > 100);
}

static void test_hashes_tell_order_and_length_apart(void **state)
{
	(void)state;
	assert_true(sim_mix(sim_mix(0, 1), 2) != sim_mix(sim_mix(0, 2), 1));
	assert_true(sim_mix(1, 2) != sim_mix(2, 1));
	assert_true(sim_mix(1, 1) != sim_mix(2, 2));
	assert_true(sim_mix_bytes(0, "ab", 2) != sim_mix_bytes(0, "ab\0", 3));
	assert_true(sim_mix_bytes(0, "12345678x", 9) != sim_mix_bytes(0, "12345678y", 9));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_same_name_gives_the_same_stream_and_another_one_another),
		cmocka_unit_test(test_a_stream_is_what_it_always_was),
		cmocka_unit_test(test_draws_stay_in_their_range_and_reach_its_ends),
		cmocka_unit_test(test_chances_are_as_often_as_they_say),
		cmocka_unit_test(test_exponential_draws_have_their_mean_and_a_tail),
		cmocka_unit_test(test_zipf_prefers_the_first_and_reaches_the_last),
		cmocka_unit_test(test_hashes_tell_order_and_length_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
