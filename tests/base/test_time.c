#include "base/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_day_of_known_dates(void **state)
{
	(void)state;
	assert_int_equal(tb_day_of(1970, 1, 1), 0);
	assert_int_equal(tb_day_of(1969, 12, 31), -1);
	assert_int_equal(tb_day_of(2000, 3, 1), 11017);
	assert_int_equal(tb_day_of(2026, 11, 21), 20778);
	assert_int_equal(tb_day_weekday(tb_day_of(2026, 11, 21)), 6);
	assert_int_equal(tb_day_weekday(tb_day_of(1969, 12, 28)), 0);
	assert_int_equal(tb_day_weekday(tb_day_of(1900, 1, 1)), 1);
}

/* Every day of 600 years follows the one before it: by number, by weekday, and there and back. */
static void test_days_follow_each_other(void **state)
{
	(void)state;
	static const int lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	tb_day day = tb_day_of(1800, 1, 1);
	int weekday = 3; /* a Wednesday */
	for (int year = 1800; year < 2400; year++) {
		bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
		for (int month = 1; month <= 12; month++) {
			int days = lengths[month - 1] + (month == 2 && leap);
			for (int of_month = 1; of_month <= days; of_month++, day++) {
				int y, m, d;
				assert_int_equal(tb_day_of(year, month, of_month), day);
				tb_day_split(day, &y, &m, &d);
				assert_true(y == year && m == month && d == of_month);
				assert_int_equal(tb_day_weekday(day), weekday);
				weekday = (weekday + 1) % 7;
			}
		}
	}
}

static void test_a_beijing_day_starts_at_16_utc(void **state)
{
	(void)state;
	tb_day day = tb_day_of(2026, 11, 21);
	tb_time start = (tb_time)day * TB_DAY - 8 * TB_HOUR;
	assert_true(tb_day_start(day) == start);
	assert_int_equal(tb_day_at(start), day);
	assert_int_equal(tb_day_at(start - 1), day - 1);
	assert_int_equal(tb_day_at(start + TB_DAY - 1), day);
	assert_int_equal(tb_day_at(start + TB_DAY), day + 1);
	assert_int_equal(tb_day_at(tb_day_start(-1)), -1);
	assert_int_equal(tb_day_at(tb_day_start(-1) - 1), -2);
	assert_int_equal(tb_day_at(tb_day_start(0)), 0);
}

static void test_parse_takes_both_forms(void **state)
{
	(void)state;
	tb_day day = 0;
	assert_true(tb_day_parse("2026-11-21", &day));
	assert_int_equal(day, tb_day_of(2026, 11, 21));
	assert_true(tb_day_parse("20240229", &day));
	assert_int_equal(day, tb_day_of(2024, 2, 29));
	assert_true(tb_day_parse("1800-01-01", &day));
	assert_true(tb_day_parse("99991231", &day));
	assert_true(tb_day_parse("2000-02-29", &day));
}

static void test_parse_refuses_what_is_no_date(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"2026",
		"2026-11",
		"2026-11-2",
		"2026-1-21",
		"2026-11-211",
		"202611211",
		"2026/11/21",
		"2026-1121",
		"202611-21",
		"2026-11-31",
		"2026-00-10",
		"2026-13-01",
		"2026-02-29",
		"1900-02-29",
		"2100-02-29",
		"2026-11-00",
		"1799-12-31",
		"0000-01-01",
		"-026-11-21",
		"2026-+1-21",
		" 2026-11-21",
		"2026-11-21 ",
		"2026-11-2a",
		"２０２６１１２１",
		"long-term",
		"2026 11 21",
		"2026- 1-21",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		tb_day day = 4711;
		if (tb_day_parse(bad[i], &day))
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(day, 4711);
	}
}

static void test_format_is_what_parse_takes(void **state)
{
	(void)state;
	char text[11];
	for (tb_day day = tb_day_of(1800, 1, 1); day < tb_day_of(9999, 12, 31); day += 97) {
		tb_day back = 0;
		tb_day_format(text, day);
		assert_int_equal(strlen(text), 10);
		assert_true(tb_day_parse(text, &back));
		assert_int_equal(back, day);
	}
}

static void test_time_is_rfc_3339_in_beijing(void **state)
{
	(void)state;
	char text[30];
	tb_time_format(text, 0);
	assert_string_equal(text, "1970-01-01T08:00:00.000+08:00");
	tb_time_format(text, tb_day_start(tb_day_of(2026, 11, 21)) + 9 * TB_HOUR + 30 * TB_MINUTE + 7);
	assert_string_equal(text, "2026-11-21T09:30:00.007+08:00");
	tb_time_format(text, tb_day_start(tb_day_of(2026, 11, 21)) - 1);
	assert_string_equal(text, "2026-11-20T23:59:59.999+08:00");
	tb_time_format(text, -1);
	assert_string_equal(text, "1970-01-01T07:59:59.999+08:00");
}

static void test_time_from_a_stranger_does_not_overflow(void **state)
{
	(void)state;
	char text[30];
	static const tb_time ends[] = {INT64_MAX, INT64_MAX - TB_ZONE, INT64_C(253402300800000)};
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		tb_time_format(text, ends[i]);
		assert_string_equal(text, "9999-12-31T23:59:59.999+08:00");
		assert_int_equal(tb_day_at(ends[i]), tb_day_of(9999, 12, 31));
	}
	tb_time_format(text, INT64_MIN);
	assert_string_equal(text, "0000-01-01T00:00:00.000+08:00");
	assert_int_equal(tb_day_at(INT64_MIN), tb_day_of(0, 1, 1));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_day_of_known_dates),
		cmocka_unit_test(test_days_follow_each_other),
		cmocka_unit_test(test_a_beijing_day_starts_at_16_utc),
		cmocka_unit_test(test_parse_takes_both_forms),
		cmocka_unit_test(test_parse_refuses_what_is_no_date),
		cmocka_unit_test(test_format_is_what_parse_takes),
		cmocka_unit_test(test_time_is_rfc_3339_in_beijing),
		cmocka_unit_test(test_time_from_a_stranger_does_not_overflow),
	};
	return cmocka_run_group_tests_name("base/time", tests, NULL, NULL);
}
