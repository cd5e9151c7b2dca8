#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/trace.h"

static const int64_t NOON = 1790049600000000; /* 2026-09-22 12:00, Beijing time */

static void tell(struct sim_trace *trace, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		assert_true(sim_trace_event(trace, i, NOON + i, "tick"));
}

static void test_the_same_events_are_the_same(void **state)
{
	struct sim_trace trace = {0};
	(void)state;
	tell(&trace, 5000);
	sim_trace_again(&trace);
	tell(&trace, 5000);
	assert_int_equal(trace.differs, 0);
	sim_trace_clear(&trace);
}

static void test_the_first_event_that_differs_is_named(void **state)
{
	struct sim_trace trace = {0};
	char words[200];
	(void)state;
	tell(&trace, 10);
	sim_trace_again(&trace);
	tell(&trace, 6);
	assert_false(sim_trace_event(&trace, 99, NOON + 6, "tick"));
	sim_trace_words(words, sizeof(words), &trace);
	assert_string_equal(words, "event 7, 2026-09-22 12:00:00.000006: \"tick\" came out differently");
	sim_trace_clear(&trace);
}

static void test_an_event_in_anothers_place_is_named_with_both(void **state)
{
	struct sim_trace trace = {0};
	char words[200];
	(void)state;
	tell(&trace, 2);
	sim_trace_again(&trace);
	tell(&trace, 1);
	assert_false(sim_trace_event(&trace, 1, NOON + 5, "wake"));
	sim_trace_words(words, sizeof(words), &trace);
	assert_string_equal(words, "event 2: \"tick\" at 2026-09-22 12:00:00.000001, then \"wake\" at "
	                           "2026-09-22 12:00:00.000005");
	sim_trace_clear(&trace);
}

static void test_a_run_that_is_longer_than_the_first_differs(void **state)
{
	struct sim_trace trace = {0};
	(void)state;
	tell(&trace, 3);
	sim_trace_again(&trace);
	tell(&trace, 3);
	assert_false(sim_trace_event(&trace, 3, NOON + 3, "tick"));
	assert_int_equal(trace.differs, 4);
	sim_trace_clear(&trace);
}

static void test_very_long_runs_keep_each_thousandth(void **state)
{
	struct sim_trace trace = {0};
	(void)state;
	tell(&trace, SIM_TRACE_MOST + 10 * SIM_TRACE_EVERY);
	assert_true(trace.count <= SIM_TRACE_MOST + 11);
	sim_trace_again(&trace);
	tell(&trace, SIM_TRACE_MOST);
	bool same = true;
	uint64_t at = SIM_TRACE_MOST;
	for (; same && at < SIM_TRACE_MOST + 2 * SIM_TRACE_EVERY; at++)
		same = sim_trace_event(&trace, at + 1, NOON + (int64_t)at, "tick");
	assert_false(same);
	assert_true(trace.differs - SIM_TRACE_MOST <= SIM_TRACE_EVERY);
	sim_trace_clear(&trace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_same_events_are_the_same),
		cmocka_unit_test(test_the_first_event_that_differs_is_named),
		cmocka_unit_test(test_an_event_in_anothers_place_is_named_with_both),
		cmocka_unit_test(test_a_run_that_is_longer_than_the_first_differs),
		cmocka_unit_test(test_very_long_runs_keep_each_thousandth),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
