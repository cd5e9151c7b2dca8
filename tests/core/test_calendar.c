#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "node/core/calendar.h"

static struct calendar *shipped; /* data/workdays.tsv: 2024 to 2026 */

static int setup(void **state)
{
	(void)state;
	static char text[64 * 1024];
	FILE *file = fopen(TEST_DATA "/workdays.tsv", "rb");
	if (!file)
		return -1;
	size_t size = fread(text, 1, sizeof(text), file);
	fclose(file);
	return calendar_parse(&shipped, tb_bytes_of(text, size), NULL) == TB_OK ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	calendar_free(shipped);
	return 0;
}

static tb_day day(const char *text)
{
	tb_day out = 0;
	assert_true(tb_day_parse(text, &out));
	return out;
}

static void check_add(const struct calendar *calendar, const char *from, int32_t days, const char *to)
{
	tb_day out = 0;
	char got[11];
	assert_int_equal(calendar_add(calendar, day(from), days, &out, NULL), TB_OK);
	tb_day_format(got, out);
	assert_string_equal(got, to);
}

static void check_between(const char *from, const char *to, int32_t days)
{
	int32_t out = 12345;
	assert_int_equal(calendar_between(shipped, day(from), day(to), &out, NULL), TB_OK);
	assert_int_equal(out, days);
}

static struct calendar *parse(const char *text)
{
	struct calendar *calendar;
	struct tb_error err = {0};
	assert_int_equal(calendar_parse(&calendar, tb_bytes_str(text), &err), TB_OK);
	assert_non_null(calendar);
	return calendar;
}

static void check_refused(const char *text, const char *place)
{
	struct calendar *calendar = (struct calendar *)(uintptr_t)1;
	struct tb_error err = {0};
	assert_int_equal(calendar_parse(&calendar, tb_bytes_str(text), &err), TB_EMALFORMED);
	assert_null(calendar);
	assert_non_null(strstr(err.text, place));
}

static void test_calendar_adds_across_holidays_and_worked_weekends(void **state)
{
	(void)state;
	check_add(shipped, "2026-02-12", 5, "2026-02-26");
	check_add(shipped, "2026-04-30", 5, "2026-05-11");
	check_add(shipped, "2026-09-24", 10, "2026-10-15");
	check_add(shipped, "2026-02-13", 1, "2026-02-14");
	check_add(shipped, "2024-02-28", 1, "2024-02-29");
	check_add(shipped, "2024-02-29", 1, "2024-03-01");
	check_add(shipped, "2025-12-31", 1, "2026-01-04"); /* a Sunday that is worked */
}

static void test_calendar_ends_a_limit_of_no_days_on_a_working_day(void **state)
{
	(void)state;
	check_add(shipped, "2026-03-03", 0, "2026-03-03");
	check_add(shipped, "2026-02-14", 0, "2026-02-14");
	check_add(shipped, "2026-02-15", 0, "2026-02-24");
}

static void test_calendar_refuses_a_negative_limit(void **state)
{
	(void)state;
	tb_day out = 77;
	assert_int_equal(calendar_add(shipped, day("2026-03-03"), -1, &out, NULL), TB_EINVALID);
	assert_int_equal(out, 77);
}

static void test_calendar_counts_what_it_adds(void **state)
{
	(void)state;
	check_between("2025-12-31", "2026-12-31", 248);
	check_between("2026-02-12", "2026-02-26", 5);
	check_between("2026-02-26", "2026-02-12", -5);
	check_between("2026-02-14", "2026-02-23", 0);
	check_between("2026-02-14", "2026-02-14", 0);
	for (tb_day from = day("2024-01-01"); from < day("2026-11-01"); from += 3) {
		int32_t days = (int32_t)(from % 20);
		tb_day to;
		int32_t back;
		bool working;
		assert_int_equal(calendar_add(shipped, from, days, &to, NULL), TB_OK);
		assert_int_equal(calendar_is_working(shipped, to, &working, NULL), TB_OK);
		assert_true(working);
		assert_int_equal(calendar_between(shipped, from, to, &back, NULL), TB_OK);
		assert_true(back == days || (days == 0 && back == 1));
	}
}

static void test_calendar_never_guesses_a_year(void **state)
{
	(void)state;
	struct tb_error err = {0};
	tb_day out = 77;
	int32_t days = 77;
	bool working;
	assert_int_equal(calendar_add(shipped, day("2026-12-30"), 1, &out, &err), TB_OK);
	out = 77;
	assert_int_equal(calendar_add(shipped, day("2026-12-31"), 1, &out, &err), TB_ECALENDAR);
	assert_non_null(strstr(err.text, "2027"));
	assert_int_equal(out, 77);
	assert_int_equal(calendar_add(shipped, day("2026-12-01"), 30, &out, &err), TB_ECALENDAR);
	assert_int_equal(calendar_is_working(shipped, day("2023-12-29"), &working, &err), TB_ECALENDAR);
	assert_non_null(strstr(err.text, "2023"));
	assert_int_equal(calendar_add(shipped, day("2027-01-01"), 0, &out, &err), TB_ECALENDAR);
	assert_int_equal(calendar_between(shipped, day("2026-12-31"), day("2027-01-01"), &days, &err),
	                 TB_ECALENDAR);
	assert_int_equal(days, 77);
	int first, last;
	calendar_years(shipped, &first, &last);
	assert_int_equal(first, 2024);
	assert_int_equal(last, 2026);
}

static void test_calendar_refuses_days_beyond_all_years(void **state)
{
	(void)state;
	bool working;
	tb_day out;
	int32_t days;
	assert_int_equal(calendar_is_working(shipped, INT32_MAX, &working, NULL), TB_ECALENDAR);
	assert_int_equal(calendar_is_working(shipped, INT32_MIN, &working, NULL), TB_ECALENDAR);
	assert_int_equal(calendar_is_working(shipped, 1 << 20, &working, NULL), TB_ECALENDAR);
	assert_int_equal(calendar_add(shipped, INT32_MAX, INT32_MAX, &out, NULL), TB_ECALENDAR);
	assert_int_equal(calendar_between(shipped, INT32_MIN, INT32_MAX, &days, NULL), TB_ECALENDAR);
}

static void test_calendar_knows_leap_days(void **state)
{
	(void)state;
	struct calendar *leap = parse("2028-02-29\tH\t\n");
	struct calendar *common = parse("2027-01-01\tH\n");
	check_add(leap, "2028-02-28", 1, "2028-03-01");
	check_add(leap, "2028-12-28", 1, "2028-12-29"); /* the 364th day of 366 */
	check_add(common, "2027-02-26", 1, "2027-03-01");
	check_add(common, "2027-12-30", 1, "2027-12-31");
	calendar_free(leap);
	calendar_free(common);
	check_refused("2027-02-29\tH\tx\n", "line 1");
}

static void test_calendar_leaves_a_gap_between_years_uncovered(void **state)
{
	(void)state;
	struct calendar *calendar = parse("2030-01-01\tH\tx\n2028-01-01\tH\tx\n");
	int first, last;
	bool working;
	calendar_years(calendar, &first, &last);
	assert_int_equal(first, 2028);
	assert_int_equal(last, 2030);
	assert_int_equal(calendar_is_working(calendar, day("2029-06-01"), &working, NULL), TB_ECALENDAR);
	assert_int_equal(calendar_is_working(calendar, day("2030-01-02"), &working, NULL), TB_OK);
	assert_true(working);
	calendar_free(calendar);
}

static void test_calendar_reads_what_editors_write(void **state)
{
	(void)state;
	/* A byte order mark, CR LF, a comment, an empty line, any order, no newline at the end. */
	struct calendar *calendar = parse("\xef\xbb\xbf# c\r\n\r\n2026-10-10\tW\tb\r\n2026-10-01\tH\ta");
	check_add(calendar, "2026-09-30", 7, "2026-10-10");
	calendar_free(calendar);
}

static void test_calendar_refuses_bad_lines_and_names_them(void **state)
{
	(void)state;
	check_refused("", "no line");
	check_refused("# only a comment\n\n", "no line");
	check_refused("2026-01-01\tH\tx\n2026-01-01\tH\tx\n", "line 2");
	check_refused("# c\n\n2026-01-32\tH\tx\n", "line 3");
	check_refused("2026-01-01 H x\n", "line 1");
	check_refused("2026-01-01\n", "line 1");
	check_refused("2026-01-01\t\n", "line 1");
	check_refused("2026-01-01\tX\tx\n", "line 1");
	check_refused("2026-01-01\tHH\tx\n", "line 1");
	check_refused("20260101\tH\tx\n", "line 1");
	check_refused(" 2026-01-01\tH\tx\n", "line 1");
	check_refused("1999-01-01\tH\tx\n", "line 1");
	check_refused("2200-01-01\tH\tx\n", "line 1");
	check_refused("2026-01-05\tW\ta Monday\n", "line 1");
}

static void test_calendar_refuses_a_file_over_the_limit(void **state)
{
	(void)state;
	size_t size = TB_FILE_BYTES_MAX + 1;
	char *text = tb_alloc(size);
	memset(text, '\n', size);
	struct calendar *calendar;
	assert_int_equal(calendar_parse(&calendar, tb_bytes_of(text, size), NULL), TB_ETOOBIG);
	assert_null(calendar);
	free(text);
}

static void test_calendar_reads_every_cut_of_a_file_without_harm(void **state)
{
	(void)state;
	static const char text[] = "# c\n2026-01-01\tH\tx\n2026-01-04\tW\ty\n";
	for (size_t size = 0; size < sizeof(text); size++) {
		char *cut = tb_strndup(text, size);
		uint8_t *exact = malloc(size ? size : 1); /* nothing behind the last byte */
		struct calendar *calendar;
		assert_non_null(exact);
		memcpy(exact, cut, size);
		enum tb_code code = calendar_parse(&calendar, tb_bytes_of(exact, size), NULL);
		assert_true((code == TB_OK) == (calendar != NULL));
		calendar_free(calendar);
		free(exact);
		free(cut);
	}
}

static void test_calendar_limit_ends_at_midnight_in_beijing(void **state)
{
	(void)state;
	char text[30];
	tb_time_format(text, calendar_deadline(day("2026-02-26")));
	assert_string_equal(text, "2026-02-27T00:00:00.000+08:00");
	assert_int_equal(tb_day_at(calendar_deadline(day("2026-02-26")) - 1), day("2026-02-26"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calendar_adds_across_holidays_and_worked_weekends),
		cmocka_unit_test(test_calendar_ends_a_limit_of_no_days_on_a_working_day),
		cmocka_unit_test(test_calendar_refuses_a_negative_limit),
		cmocka_unit_test(test_calendar_counts_what_it_adds),
		cmocka_unit_test(test_calendar_never_guesses_a_year),
		cmocka_unit_test(test_calendar_refuses_days_beyond_all_years),
		cmocka_unit_test(test_calendar_knows_leap_days),
		cmocka_unit_test(test_calendar_leaves_a_gap_between_years_uncovered),
		cmocka_unit_test(test_calendar_reads_what_editors_write),
		cmocka_unit_test(test_calendar_refuses_bad_lines_and_names_them),
		cmocka_unit_test(test_calendar_refuses_a_file_over_the_limit),
		cmocka_unit_test(test_calendar_reads_every_cut_of_a_file_without_harm),
		cmocka_unit_test(test_calendar_limit_ends_at_midnight_in_beijing),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
