#include "sim/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_buckets_follow_each_other_without_gap(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SIM_HISTOGRAM_BUCKETS; i++) {
		uint64_t from = sim_histogram_from(i);
		uint64_t next = sim_histogram_from(i + 1);
		struct sim_histogram histogram = {0};
		assert_true(next > from);
		assert_true(i < 8 || (next - from) * 8 <= from);
		sim_histogram_add(&histogram, from);
		sim_histogram_add(&histogram, next - 1);
		assert_int_equal(histogram.counts[i], 2);
	}
}

static void test_the_greatest_value_of_all_has_a_bucket(void **state)
{
	(void)state;
	struct sim_histogram histogram = {0};
	sim_histogram_add(&histogram, UINT64_MAX);
	assert_int_equal(histogram.counts[SIM_HISTOGRAM_BUCKETS - 1], 1);
	assert_int_equal(histogram.greatest, UINT64_MAX);
}

static void test_shares_are_exact_to_an_eighth(void **state)
{
	(void)state;
	struct sim_histogram histogram = {0};
	assert_int_equal(sim_histogram_share(&histogram, 0.5), 0);
	for (uint64_t i = 1; i <= 1000; i++)
		sim_histogram_add(&histogram, i);
	uint64_t half = sim_histogram_share(&histogram, 0.5);
	assert_in_range(half, 500, 563);
	assert_in_range(sim_histogram_share(&histogram, 0.99), 990, 1000);
	assert_int_equal(sim_histogram_share(&histogram, 1), 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buckets_follow_each_other_without_gap),
		cmocka_unit_test(test_the_greatest_value_of_all_has_a_bucket),
		cmocka_unit_test(test_shares_are_exact_to_an_eighth),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
