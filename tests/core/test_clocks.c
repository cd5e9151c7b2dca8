#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "node/core/clocks.h"

#define S(name) PB_CASE_STATE__##name
#define E(name) PB_CASE_EVENT__##name
#define T(name) PB_CLOCK__##name

static struct calendar *calendar; /* data/workdays.tsv: 2024 to 2026 */
static const struct case_mode *mode;

static int setup(void **state)
{
	(void)state;
	static char text[64 * 1024];
	FILE *file = fopen(TEST_DATA "/workdays.tsv", "rb");
	if (!file)
		return -1;
	size_t size = fread(text, 1, sizeof(text), file);
	fclose(file);
	mode = case_mode_find("DS");
	return mode && calendar_parse(&calendar, tb_bytes_of(text, size), NULL) == TB_OK ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	calendar_free(calendar);
	return 0;
}

/* 10:00 in Beijing on |date|. */
static tb_time at(const char *date)
{
	tb_day day = 0;
	assert_true(tb_day_parse(date, &day));
	return tb_day_start(day) + 10 * TB_HOUR;
}

static enum tb_code apply_with(struct case_clocks *clocks, PbCaseState from, PbCaseEvent event,
                               const struct clocks_params *params)
{
	const struct case_row *row = case_row_find(mode, from, event);
	assert_non_null(row);
	struct case_clocks before = *clocks;
	struct tb_error err = {0};
	enum tb_code code = clocks_apply(clocks, mode, row, calendar, params, &err);
	if (code != TB_OK)
		assert_memory_equal(clocks, &before, sizeof(before)); /* All or nothing. */
	return code;
}

static enum tb_code apply(struct case_clocks *clocks, PbCaseState from, PbCaseEvent event, tb_time when)
{
	struct clocks_params params = {.at = when, .promised_days = 10, .days = 10, .originals = true};
	return apply_with(clocks, from, event, &params);
}

static void must(struct case_clocks *clocks, PbCaseState from, PbCaseEvent event, const char *date)
{
	assert_int_equal(apply(clocks, from, event, at(date)), TB_OK);
}

/* |clock| runs until the end of |last|. */
static void check_due(const struct case_clocks *clocks, PbClock clock, const char *last)
{
	char text[11];
	assert_true(clocks->of[clock].exists && clocks->of[clock].running);
	assert_int_equal(clocks->of[clock].due % TB_DAY, TB_DAY - TB_ZONE);
	tb_day_format(text, tb_day_at(clocks->of[clock].due - 1));
	assert_string_equal(text, last);
}

static void check_paused(const struct case_clocks *clocks, PbClock clock, int32_t days)
{
	assert_true(clocks->of[clock].exists);
	assert_false(clocks->of[clock].running);
	assert_int_equal(clocks->of[clock].days_left, days);
}

static void test_clocks_run_as_the_window_works(void **state)
{
	(void)state;
	struct case_clocks clocks = {0};
	must(&clocks, S(DRAFT), E(SUBMIT), "2026-02-13");
	check_due(&clocks, T(T2_PUSH), "2026-02-14"); /* a Saturday that is worked */
	must(&clocks, S(CHECKING), E(SEND), "2026-02-14");
	assert_false(clocks.of[T(T2_PUSH)].exists);
	check_due(&clocks, T(T3_MAIL), "2026-02-25");
	must(&clocks, S(TRANSFER), E(POST), "2026-02-15");
	assert_false(clocks.of[T(T3_MAIL)].exists);
	must(&clocks, S(TRANSFER), E(SIGN), "2026-02-24");
	check_due(&clocks, T(T4_RECHECK), "2026-02-25");
	check_due(&clocks, T(T1_NOTIFY), "2026-03-02");
	must(&clocks, S(SIGNED_FOR), E(ACCEPT), "2026-02-26");
	assert_false(clocks.of[T(T1_NOTIFY)].exists || clocks.of[T(T4_RECHECK)].exists);
	check_due(&clocks, T(T5_DECIDE), "2026-03-11");
	must(&clocks, S(REVIEW), E(GRANT), "2026-03-02");
	assert_false(clocks.of[T(T5_DECIDE)].exists);
	check_due(&clocks, T(T6_RESULT), "2026-03-03");
	must(&clocks, S(GRANTED), E(DISPATCH), "2026-03-03");
	assert_int_equal(clocks_next_due(&clocks, NULL), INT64_MAX);
}

static void test_clocks_mail_only_where_originals_travel(void **state)
{
	(void)state;
	struct case_clocks clocks = {0};
	must(&clocks, S(DRAFT), E(SUBMIT), "2026-03-03");
	struct clocks_params params = {.at = at("2026-03-04")};
	assert_int_equal(apply_with(&clocks, S(CHECKING), E(SEND), &params), TB_OK);
	assert_false(clocks.of[T(T3_MAIL)].exists);
}

static void test_clocks_give_a_bounced_window_its_day_again(void **state)
{
	(void)state;
	struct case_clocks clocks = {0};
	must(&clocks, S(DRAFT), E(SUBMIT), "2026-03-03");
	must(&clocks, S(CHECKING), E(SEND), "2026-03-04");
	must(&clocks, S(TRANSFER), E(BOUNCE), "2026-03-06");
	assert_false(clocks.of[T(T3_MAIL)].exists);
	check_due(&clocks, T(T2_PUSH), "2026-03-09");
	must(&clocks, S(CHECKING), E(SEND), "2026-03-06");
	must(&clocks, S(TRANSFER), E(SIGN), "2026-03-06");
	must(&clocks, S(SIGNED_FOR), E(RETURN), "2026-03-10");
	check_due(&clocks, T(T2_PUSH), "2026-03-11");
	assert_false(clocks.of[T(T1_NOTIFY)].exists || clocks.of[T(T4_RECHECK)].exists ||
	             clocks.of[T(T3_MAIL)].exists);
}

static void test_clocks_keep_working_days_over_a_pause_across_a_holiday(void **state)
{
	(void)state;
	struct case_clocks clocks = {0};
	must(&clocks, S(SIGNED_FOR), E(ACCEPT), "2026-09-21");
	check_due(&clocks, T(T5_DECIDE), "2026-10-12");
	must(&clocks, S(REVIEW), E(SUSPEND), "2026-09-29");
	check_paused(&clocks, T(T5_DECIDE), 5); /* 30, 8, 9, 10, 12 */
	assert_int_equal(clocks_next_due(&clocks, NULL), INT64_MAX);
	must(&clocks, S(SPECIAL), E(RESUME), "2026-10-03");
	check_due(&clocks, T(T5_DECIDE), "2026-10-13");
	/* A pause within a day costs and gains nothing. */
	must(&clocks, S(REVIEW), E(SUSPEND), "2026-10-09");
	must(&clocks, S(SPECIAL), E(RESUME), "2026-10-09");
	check_due(&clocks, T(T5_DECIDE), "2026-10-13");
	/* Paused on its last day, it ends on the day of resuming, or on the next working day. */
	must(&clocks, S(REVIEW), E(SUSPEND), "2026-10-13");
	check_paused(&clocks, T(T5_DECIDE), 0);
	assert_false(clocks.of[T(T5_DECIDE)].overdue);
	must(&clocks, S(SPECIAL), E(RESUME), "2026-10-17"); /* a Saturday */
	check_due(&clocks, T(T5_DECIDE), "2026-10-19");
}

static void test_clocks_pause_for_papers_at_the_window(void **state)
{
	(void)state;
	struct case_clocks clocks = {0};
	must(&clocks, S(DRAFT), E(SUBMIT), "2026-04-28");
	must(&clocks, S(CHECKING), E(ASK), "2026-04-28");
	check_paused(&clocks, T(T2_PUSH), 1);
	check_due(&clocks, T(T7_CORRECTION), "2026-05-21");
	must(&clocks, S(WINDOW_WAITS), E(BRING), "2026-04-30");
	assert_false(clocks.of[T(T7_CORRECTION)].exists);
	check_due(&clocks, T(T2_PUSH), "2026-05-06");
}

static void test_clocks_never_heal_what_ran_out_by_a_pause(void **state)
{
	(void)state;
	struct case_clocks clocks = {0};
	must(&clocks, S(SIGNED_FOR), E(ACCEPT), "2026-09-21");
	tb_time due = clocks.of[T(T5_DECIDE)].due;
	must(&clocks, S(REVIEW), E(SUSPEND), "2026-10-20");
	check_paused(&clocks, T(T5_DECIDE), 0);
	assert_true(clocks.of[T(T5_DECIDE)].overdue);
	must(&clocks, S(SPECIAL), E(RESUME), "2026-10-21");
	assert_true(clocks.of[T(T5_DECIDE)].running && clocks.of[T(T5_DECIDE)].overdue);
	assert_int_equal(clocks.of[T(T5_DECIDE)].due, due);
	assert_int_equal(clocks_next_due(&clocks, NULL), INT64_MAX);
}

static void test_clocks_count_a_deemed_acceptance_from_receipt(void **state)
{
	(void)state;
	struct case_clocks clocks = {0};
	must(&clocks, S(TRANSFER), E(SIGN), "2026-04-29");
	check_due(&clocks, T(T1_NOTIFY), "2026-05-09");
	tb_time due = clocks.of[T(T1_NOTIFY)].due;
	struct clocks_params params = {.at = due - 1, .counted_from = at("2026-04-29"), .promised_days = 10};
	assert_int_equal(apply_with(&clocks, S(SIGNED_FOR), E(DEEM), &params), TB_ESTATE);
	params.at = due;
	assert_int_equal(apply_with(&clocks, S(SIGNED_FOR), E(DEEM), &params), TB_OK);
	check_due(&clocks, T(T5_DECIDE), "2026-05-15");
	assert_false(clocks.of[T(T1_NOTIFY)].exists || clocks.of[T(T4_RECHECK)].exists);
}

static void test_clocks_of_a_short_promise_are_due_when_it_is_deemed(void **state)
{
	(void)state;
	struct case_clocks clocks = {0};
	PbClock which;
	must(&clocks, S(TRANSFER), E(SIGN), "2026-04-29");
	struct clocks_params params = {
		.at = at("2026-05-11"), .counted_from = at("2026-04-29"), .promised_days = 1};
	assert_int_equal(apply_with(&clocks, S(SIGNED_FOR), E(DEEM), &params), TB_OK);
	check_due(&clocks, T(T5_DECIDE), "2026-04-30");
	assert_true(clocks_next_due(&clocks, &which) < params.at);
	assert_int_equal(which, T(T5_DECIDE));
}

static void test_clocks_lapse_only_after_the_last_day(void **state)
{
	(void)state;
	struct case_clocks clocks = {0};
	must(&clocks, S(DRAFT), E(SUBMIT), "2026-04-28");
	must(&clocks, S(CHECKING), E(ASK), "2026-04-28");
	tb_time due = clocks.of[T(T7_CORRECTION)].due;
	assert_int_equal(apply(&clocks, S(WINDOW_WAITS), E(LAPSE), due - 1), TB_ESTATE);
	assert_int_equal(apply(&clocks, S(WINDOW_WAITS), E(LAPSE), due), TB_OK);
	for (int i = 0; i < CASE_CLOCKS; i++)
		assert_false(clocks.of[i].exists);
}

static void test_clocks_extend_a_limit_that_still_runs(void **state)
{
	(void)state;
	struct case_clocks clocks = {0};
	must(&clocks, S(SIGNED_FOR), E(ACCEPT), "2026-09-21");
	struct clocks_params params = {.at = at("2026-09-28"), .days = 11};
	assert_int_equal(apply_with(&clocks, S(REVIEW), E(EXTEND), &params), TB_EINVALID);
	params.days = 0;
	assert_int_equal(apply_with(&clocks, S(REVIEW), E(EXTEND), &params), TB_EINVALID);
	params.days = 10;
	params.at = clocks.of[T(T5_DECIDE)].due;
	assert_int_equal(apply_with(&clocks, S(REVIEW), E(EXTEND), &params), TB_ESTATE);
	params.at--;
	assert_int_equal(apply_with(&clocks, S(REVIEW), E(EXTEND), &params), TB_OK);
	check_due(&clocks, T(T5_DECIDE), "2026-10-26");
	/* That it happens once is for the keeper of the case, whom the row tells. */
	assert_true(case_row_find(mode, S(REVIEW), E(EXTEND))->needs & CASE_ONCE);
}

static void test_clocks_refuse_a_limit_into_a_year_without_a_calendar(void **state)
{
	(void)state;
	struct case_clocks clocks = {0};
	must(&clocks, S(TRANSFER), E(SIGN), "2026-12-16");
	check_due(&clocks, T(T1_NOTIFY), "2026-12-23");
	assert_int_equal(apply(&clocks, S(SIGNED_FOR), E(ACCEPT), at("2026-12-18")), TB_ECALENDAR);
	assert_int_equal(apply(&clocks, S(SIGNED_FOR), E(RETURN), at("2026-12-31")), TB_ECALENDAR);
	check_due(&clocks, T(T1_NOTIFY), "2026-12-23"); /* Its stop was undone with the rest. */
	assert_int_equal(apply(&clocks, S(SIGNED_FOR), E(ACCEPT), at("2026-12-17")), TB_OK);
	check_due(&clocks, T(T5_DECIDE), "2026-12-31");
	assert_int_equal(apply(&clocks, S(REVIEW), E(EXTEND), at("2026-12-18")), TB_ECALENDAR);
	/* What stops a clock needs no calendar. */
	assert_int_equal(apply(&clocks, S(REVIEW), E(WITHDRAW), at("2029-01-01")), TB_OK);
}

static void test_clocks_refuse_times_and_days_out_of_range(void **state)
{
	(void)state;
	static const tb_time times[] = {-1, INT64_MIN, INT64_MAX, 253402272000000};
	struct case_clocks clocks = {0};
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		assert_int_equal(apply(&clocks, S(DRAFT), E(SUBMIT), times[i]), TB_EINVALID);
	static const int32_t promised[] = {0, -1, CASE_LEGAL_DAYS_MAX + 1, INT32_MAX, INT32_MIN};
	must(&clocks, S(TRANSFER), E(SIGN), "2026-03-03");
	for (size_t i = 0; i < sizeof(promised) / sizeof(promised[0]); i++) {
		struct clocks_params params = {.at = at("2026-03-04"), .promised_days = promised[i]};
		assert_int_equal(apply_with(&clocks, S(SIGNED_FOR), E(ACCEPT), &params), TB_EINVALID);
	}
	struct clocks_params later = {
		.at = at("2026-03-11"), .counted_from = at("2026-03-12"), .promised_days = 5};
	assert_int_equal(apply_with(&clocks, S(SIGNED_FOR), E(DEEM), &later), TB_EINVALID);
	later.counted_from = INT64_MIN;
	assert_int_equal(apply_with(&clocks, S(SIGNED_FOR), E(DEEM), &later), TB_EINVALID);
}

static void test_clocks_date_back_nothing_but_a_deemed_acceptance(void **state)
{
	(void)state;
	struct case_clocks clocks = {0};
	struct clocks_params params = {
		.at = at("2026-03-03"), .counted_from = at("2026-01-05"), .promised_days = 5};
	assert_int_equal(apply_with(&clocks, S(TRANSFER), E(SIGN), &params), TB_OK);
	check_due(&clocks, T(T1_NOTIFY), "2026-03-10");
	assert_int_equal(apply_with(&clocks, S(SIGNED_FOR), E(ACCEPT), &params), TB_OK);
	check_due(&clocks, T(T5_DECIDE), "2026-03-10");
}

static void test_clocks_refuse_what_no_clock_can_do(void **state)
{
	(void)state;
	struct case_clocks clocks = {0};
	assert_int_equal(apply(&clocks, S(REVIEW), E(SUSPEND), at("2026-03-03")), TB_ESTATE);
	assert_int_equal(apply(&clocks, S(SPECIAL), E(RESUME), at("2026-03-03")), TB_ESTATE);
	assert_int_equal(apply(&clocks, S(REVIEW), E(EXTEND), at("2026-03-03")), TB_ESTATE);
	assert_int_equal(apply(&clocks, S(SIGNED_FOR), E(DEEM), at("2026-03-03")), TB_ESTATE);
	assert_int_equal(apply(&clocks, S(CORRECTION), E(LAPSE), at("2026-03-03")), TB_ESTATE);
}

static void test_clocks_note_once_that_one_ran_out(void **state)
{
	(void)state;
	struct case_clocks clocks = {0};
	PbClock which = T(CLOCK_UNSPECIFIED);
	must(&clocks, S(DRAFT), E(SUBMIT), "2026-03-03");
	tb_time due = clocks_next_due(&clocks, &which);
	assert_int_equal(which, T(T2_PUSH));
	struct clocks_params params = {.at = due - 1, .clock = T(T2_PUSH)};
	assert_int_equal(apply_with(&clocks, S(RECEIVED), E(OVERDUE), &params), TB_ESTATE);
	params.at = due;
	params.clock = T(T5_DECIDE);
	assert_int_equal(apply_with(&clocks, S(RECEIVED), E(OVERDUE), &params), TB_ESTATE);
	params.clock = (PbClock)CASE_CLOCKS;
	assert_int_equal(apply_with(&clocks, S(RECEIVED), E(OVERDUE), &params), TB_EINVALID);
	params.clock = T(T2_PUSH);
	assert_int_equal(apply_with(&clocks, S(RECEIVED), E(OVERDUE), &params), TB_OK);
	assert_true(clocks.of[T(T2_PUSH)].overdue && clocks.of[T(T2_PUSH)].running);
	assert_int_equal(clocks_next_due(&clocks, &which), INT64_MAX);
	assert_int_equal(which, T(CLOCK_UNSPECIFIED));
	assert_int_equal(apply_with(&clocks, S(RECEIVED), E(OVERDUE), &params), TB_ESTATE);
}

static void test_clocks_name_the_earliest(void **state)
{
	(void)state;
	struct case_clocks clocks = {0};
	PbClock which;
	must(&clocks, S(TRANSFER), E(SIGN), "2026-03-03");
	assert_int_equal(clocks_next_due(&clocks, &which), clocks.of[T(T4_RECHECK)].due);
	assert_int_equal(which, T(T4_RECHECK));
}

static void test_clocks_refuse_a_list_that_they_did_not_write(void **state)
{
	(void)state;
	static const struct {
		int clock;
		bool running;
		int64_t due;
		int32_t days;
		bool overdue;
		bool good;
	} rows[] = {
		{2, true, 1772700000000, 0, false, true},
		{2, true, 1772700000000, 0, true, true},
		{5, false, 0, 3, false, true},
		{5, false, 0, 0, false, true},
		{5, false, 1772700000000, 0, true, true},
		{0, true, 1772700000000, 0, false, false},
		{9, true, 1772700000000, 0, false, true},
		{10, true, 1772700000000, 0, false, true},
		{11, true, 1772700000000, 0, false, false},
		{INT32_MAX, true, 1772700000000, 0, false, false},
		{2, true, 0, 0, false, false},
		{2, true, -1, 0, false, false},
		{2, true, INT64_MAX, 0, false, false},
		{2, true, 1772700000000, 1, false, false},
		{5, false, 0, -1, false, false},
		{5, false, 0, 1016, false, false},
		{5, false, 1772700000000, 3, false, false},
		{5, false, 0, 0, true, false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		PbClockState one = PB_CLOCK_STATE__INIT;
		PbClockState *list[2] = {&one, &one};
		struct case_clocks clocks = {.of[3].exists = true};
		one.clock = (PbClock)rows[i].clock;
		one.running = rows[i].running;
		one.due_ms = rows[i].due;
		one.days_left = rows[i].days;
		one.overdue = rows[i].overdue;
		assert_true(clocks_from_proto(&clocks, list, 1) == rows[i].good);
		assert_false(clocks.of[3].exists);
		assert_false(clocks_from_proto(&clocks, list, 2)); /* one twice */
	}
}

/* ---- what other modes do with them */

static void use(const char *code)
{
	mode = case_mode_find(code);
	assert_non_null(mode);
}

static int use_ds(void **state)
{
	(void)state;
	use("DS");
	return 0;
}

static void test_clocks_of_an_acceptance_at_the_window(void **state)
{
	(void)state;
	struct case_clocks clocks = {0};
	use("YS");
	must(&clocks, S(DRAFT), E(SUBMIT), "2026-03-03");
	check_due(&clocks, T(T1_NOTIFY), "2026-03-10");
	check_due(&clocks, T(T2_PUSH), "2026-03-04");
	must(&clocks, S(CHECKING), E(ASK), "2026-03-03");
	assert_false(clocks.of[T(T1_NOTIFY)].exists); /* All was told. */
	check_paused(&clocks, T(T2_PUSH), 1);
	must(&clocks, S(WINDOW_WAITS), E(BRING), "2026-03-05");
	check_due(&clocks, T(T1_NOTIFY), "2026-03-12");
	must(&clocks, S(CHECKING), E(ACCEPT), "2026-03-06");
	check_due(&clocks, T(T5_DECIDE), "2026-03-20");
	check_due(&clocks, T(T3_MAIL), "2026-03-10");
	assert_false(clocks.of[T(T1_NOTIFY)].exists || clocks.of[T(T2_PUSH)].exists);
	must(&clocks, S(ACCEPTED), E(SIGN), "2026-03-09");
	check_due(&clocks, T(T4_RECHECK), "2026-03-10");
	check_due(&clocks, T(T5_DECIDE), "2026-03-20"); /* The way to the home region costs its days. */
	must(&clocks, S(ACCEPTED), E(RETURN), "2026-03-10");
	check_due(&clocks, T(T5_DECIDE), "2026-03-20");
	check_due(&clocks, T(T2_PUSH), "2026-03-11");
	must(&clocks, S(RETURNED), E(SEND), "2026-03-11");
	must(&clocks, S(ACCEPTED), E(SIGN), "2026-03-12");
	must(&clocks, S(ACCEPTED), E(START), "2026-03-12");
	check_due(&clocks, T(T5_DECIDE), "2026-03-20");
	assert_false(clocks.of[T(T4_RECHECK)].exists);
}

static void test_clocks_let_a_return_happen_within_the_recheck_only(void **state)
{
	(void)state;
	struct case_clocks clocks = {0};
	use("YS");
	must(&clocks, S(CHECKING), E(ACCEPT), "2026-03-03");
	assert_int_equal(apply(&clocks, S(ACCEPTED), E(RETURN), at("2026-03-03")), TB_ESTATE);
	assert_int_equal(apply(&clocks, S(ACCEPTED), E(START), at("2026-03-03")), TB_ESTATE);
	must(&clocks, S(ACCEPTED), E(SIGN), "2026-03-04");
	tb_time due = clocks.of[T(T4_RECHECK)].due;
	struct case_clocks other = clocks;
	assert_int_equal(apply(&other, S(ACCEPTED), E(RETURN), due - 1), TB_OK);
	assert_int_equal(apply(&clocks, S(ACCEPTED), E(RETURN), due), TB_ESTATE);
	/* Whether that it ran out was noted or not. */
	struct clocks_params params = {.at = due, .clock = T(T4_RECHECK)};
	assert_int_equal(apply_with(&clocks, S(ACCEPTED), E(OVERDUE), &params), TB_OK);
	assert_int_equal(apply(&clocks, S(ACCEPTED), E(RETURN), due), TB_ESTATE);
	/* A late recheck ends in the review. */
	assert_int_equal(apply(&clocks, S(ACCEPTED), E(START), due), TB_OK);
}

static void test_clocks_date_back_the_decision_and_not_the_post(void **state)
{
	(void)state;
	struct case_clocks clocks = {0};
	use("YS");
	must(&clocks, S(DRAFT), E(SUBMIT), "2026-03-03");
	struct clocks_params params = {.at = clocks.of[T(T1_NOTIFY)].due, /* the 10th has passed */
	                               .counted_from = at("2026-03-03"),
	                               .promised_days = 10,
	                               .originals = true};
	assert_int_equal(apply_with(&clocks, S(CHECKING), E(DEEM), &params), TB_OK);
	check_due(&clocks, T(T5_DECIDE), "2026-03-17");
	check_due(&clocks, T(T3_MAIL), "2026-03-13");
}

static void test_clocks_of_a_bad_evaluation_run_until_it_is_repaired(void **state)
{
	(void)state;
	for (const struct case_mode *const *each = case_modes; *each; each++) {
		struct case_clocks clocks = {0};
		struct clocks_params params = {.at = at("2026-03-03")};
		mode = *each;
		if (!case_row_find(mode, S(CLOSED), E(EVALUATE)))
			continue; /* a part of a joint case */
		assert_int_equal(apply_with(&clocks, S(CLOSED), E(EVALUATE), &params), TB_OK);
		assert_false(clocks.of[T(T9_REPAIR)].exists);
		assert_int_equal(apply_with(&clocks, S(CLOSED), E(REPAIR), &params), TB_ESTATE);
		params.bad = true;
		assert_int_equal(apply_with(&clocks, S(CLOSED), E(EVALUATE), &params), TB_OK);
		check_due(&clocks, T(T9_REPAIR), "2026-03-24");
		struct case_clocks late = clocks;
		assert_int_equal(apply_with(&clocks, S(CLOSED), E(REPAIR), &params), TB_OK);
		assert_false(clocks.of[T(T9_REPAIR)].exists);
		/* Late is late, but better than never. */
		params.at = late.of[T(T9_REPAIR)].due;
		params.clock = T(T9_REPAIR);
		assert_int_equal(apply_with(&late, S(CLOSED), E(OVERDUE), &params), TB_OK);
		assert_int_equal(apply_with(&late, S(CLOSED), E(REPAIR), &params), TB_OK);
		assert_false(late.of[T(T9_REPAIR)].exists);
	}
}

/* ---- random walks through the table */

static uint64_t next_random(uint64_t *seed)
{
	/* splitmix64 */
	uint64_t z = *seed += 0x9e3779b97f4a7c15U;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
	return z ^ (z >> 31);
}

struct walk {
	uint64_t seed;
	PbCaseState state;
	struct case_clocks clocks;
	struct clocks_params params;
	bool extended;
	bool evaluated;
};

/* Where the clocks of a mode are: in every one of |there|, perhaps in |maybe|, nowhere else. */
static const struct presence {
	const char *mode;
	PbClock clock;
	int there[8]; /* ended by 0 */
	int maybe[8];
} presences[] = {
	{"QC", T(T1_NOTIFY), {32}, {0}},
	{"QC", T(T2_PUSH), {30}, {0}},
	{"QC", T(T5_DECIDE), {40, 50, 55}, {0}},
	{"QC", T(T6_RESULT), {60, 61}, {0}},
	{"QC", T(T7_CORRECTION), {45}, {0}},
	{"QC", T(T9_REPAIR), {0}, {80}},
	{"DS", T(T1_NOTIFY), {32}, {0}},
	{"DS", T(T2_PUSH), {20, 22, 25, 35}, {0}},
	{"DS", T(T3_MAIL), {0}, {30}},
	{"DS", T(T4_RECHECK), {32}, {0}},
	{"DS", T(T5_DECIDE), {40, 50, 55}, {0}},
	{"DS", T(T6_RESULT), {60, 61}, {0}},
	{"DS", T(T7_CORRECTION), {25, 45}, {0}},
	{"DS", T(T9_REPAIR), {0}, {80}},
	{"YS", T(T1_NOTIFY), {20, 22}, {0}},
	{"YS", T(T2_PUSH), {20, 22, 25, 35}, {0}},
	{"YS", T(T3_MAIL), {0}, {40}},
	{"YS", T(T4_RECHECK), {0}, {40}},
	{"YS", T(T5_DECIDE), {35, 40, 50, 55}, {0}},
	{"YS", T(T6_RESULT), {60, 61}, {0}},
	{"YS", T(T7_CORRECTION), {25}, {0}},
	{"YS", T(T9_REPAIR), {0}, {80}},
	{"YB", T(T1_NOTIFY), {20, 22}, {0}},
	{"YB", T(T5_DECIDE), {40, 50, 55}, {0}},
	{"YB", T(T6_RESULT), {60, 61}, {0}},
	{"YB", T(T7_CORRECTION), {25}, {0}},
	{"YB", T(T9_REPAIR), {0}, {80}},
	{"YB", T(T10_OBJECT), {0}, {60, 61, 70, 80}},
	{"LB", T(T2_PUSH), {20, 22, 25}, {0}},
	{"LB", T(T6_RESULT), {60, 61}, {0}},
	{"LB", T(T7_CORRECTION), {25}, {0}},
	{"LB", T(T8_JOINT), {40, 50}, {0}},
	{"LB", T(T9_REPAIR), {0}, {80}},
	{"LS", T(T5_DECIDE), {40, 50, 55}, {0}},
};

static bool listed(const int *states, PbCaseState state)
{
	for (size_t i = 0; i < 8 && states[i]; i++) {
		if (states[i] == (int)state)
			return true;
	}
	return false;
}

static void check_presence(const struct walk *walk, PbClock clock)
{
	static const struct presence nowhere = {0};
	const struct presence *here = &nowhere;
	for (size_t i = 0; i < sizeof(presences) / sizeof(presences[0]); i++) {
		if (presences[i].clock == clock && strcmp(presences[i].mode, mode->code) == 0)
			here = &presences[i];
	}
	bool exists = walk->clocks.of[clock].exists, must_be = listed(here->there, walk->state);
	if (exists ? !must_be && !listed(here->maybe, walk->state) : must_be)
		fail_msg("%s: T%d %s in %s", mode->code, (int)clock, exists ? "is there" : "is missing",
		         case_state_name(walk->state));
}

static void check_proto(const struct case_clocks *clocks)
{
	struct tb_arena arena = {0};
	struct case_clocks again;
	PbClockState **list;
	size_t count;
	clocks_to_proto(clocks, &list, &count, &arena);
	assert_true(clocks_from_proto(&again, list, count));
	for (int i = 0; i < CASE_CLOCKS; i++) {
		assert_int_equal(again.of[i].exists, clocks->of[i].exists);
		assert_int_equal(again.of[i].running, clocks->of[i].running);
		assert_int_equal(again.of[i].overdue, clocks->of[i].overdue);
		assert_int_equal(again.of[i].due, clocks->of[i].due);
		assert_int_equal(again.of[i].days_left, clocks->of[i].days_left);
	}
	tb_arena_clear(&arena);
}

static void check_walk(const struct walk *walk)
{
	const struct case_clock *t5 = &walk->clocks.of[T(T5_DECIDE)];
	for (int clock = 1; clock < CASE_CLOCKS; clock++)
		check_presence(walk, (PbClock)clock);
	if (t5->exists)
		assert_int_equal(t5->running, walk->state != S(SPECIAL));
	assert_true(walk->params.originals || !walk->clocks.of[T(T3_MAIL)].exists);
	assert_true(walk->params.bad || !walk->clocks.of[T(T9_REPAIR)].exists);
	check_proto(&walk->clocks);
}

static void walk_event(struct walk *walk, PbCaseEvent event)
{
	const struct case_row *row = case_row_find(mode, walk->state, event);
	if (!row)
		fail_msg("%s: no %s in %s", mode->code, case_event_name(event), case_state_name(walk->state));
	struct tb_error err = {0};
	enum tb_code code = clocks_apply(&walk->clocks, mode, row, calendar, &walk->params, &err);
	bool bound = event == E(EXTEND) || event == E(HOLD) || event == E(GO_ON) ||
	             row->after != T(CLOCK_UNSPECIFIED) || row->whilst != T(CLOCK_UNSPECIFIED) ||
	             row->within != T(CLOCK_UNSPECIFIED);
	if (code == TB_ESTATE && bound)
		return; /* Tried too late, or too early: rightly refused. */
	assert_int_equal(code, TB_OK);
	walk->state = row->to;
	walk->extended = walk->extended || event == E(EXTEND);
	walk->evaluated = walk->evaluated || event == E(EVALUATE);
	check_walk(walk);
}

static void walk_timers(struct walk *walk)
{
	PbClock which;
	while (clocks_next_due(&walk->clocks, &which) <= walk->params.at) {
		walk->params.clock = which;
		walk_event(walk, case_clock_event(mode, walk->state, which));
		walk->params.clock = T(CLOCK_UNSPECIFIED);
	}
}

/* Any row from here, each as likely as the others; NULL at the end. */
static const struct case_row *random_row(struct walk *walk)
{
	const struct case_row *chosen = NULL;
	uint64_t seen = 0;
	for (size_t i = 0; i < mode->rows_count; i++) {
		if (mode->rows[i].from == walk->state && next_random(&walk->seed) % ++seen == 0)
			chosen = &mode->rows[i];
	}
	return chosen;
}

static void walk_step(struct walk *walk, bool seen[100])
{
	walk->params.at += (tb_time)(next_random(&walk->seed) % (4 * (uint64_t)TB_DAY));
	walk_timers(walk);
	seen[walk->state] = true;
	const struct case_row *row = random_row(walk);
	if (!row)
		return;
	bool rare = row->event == E(WITHDRAW) && next_random(&walk->seed) % 8 != 0;
	/* What was signed for does not come back by itself. */
	bool bounces = row->event == E(BOUNCE) && walk->clocks.of[T(T4_RECHECK)].exists;
	bool again =
		(row->event == E(EXTEND) && walk->extended) || (row->event == E(EVALUATE) && walk->evaluated);
	walk->params.days = 1 + (int32_t)(next_random(&walk->seed) % 10);
	if (!rare && !again && !bounces)
		walk_event(walk, row->event);
	seen[walk->state] = true;
}

static void test_clocks_are_where_they_should_be_in_every_mode(void **state)
{
	(void)state;
	const struct case_mode *before = mode;
	for (const struct case_mode *const *each = case_modes; *each; each++) {
		bool seen[100] = {false};
		mode = *each;
		for (uint64_t seed = 1; seed <= 3000; seed++) {
			struct walk walk = {.seed = seed, .state = S(DRAFT)};
			walk.params = (struct clocks_params){.at = at("2024-02-01") +
			                                           (tb_time)(seed % 500) * TB_DAY,
			                                     .promised_days = 1 + (int32_t)(seed % 20),
			                                     .originals = seed % 2 == 0,
			                                     .bad = seed % 3 == 0};
			for (int step = 0; step < 80; step++)
				walk_step(&walk, seen);
		}
		/* The walks are worth something only if they come everywhere. */
		for (size_t i = 0; i < mode->rows_count; i++) {
			if (!seen[mode->rows[i].to])
				fail_msg("%s: no walk came to %s", mode->code,
				         case_state_name(mode->rows[i].to));
		}
	}
	mode = before;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clocks_run_as_the_window_works),
		cmocka_unit_test(test_clocks_mail_only_where_originals_travel),
		cmocka_unit_test(test_clocks_give_a_bounced_window_its_day_again),
		cmocka_unit_test(test_clocks_keep_working_days_over_a_pause_across_a_holiday),
		cmocka_unit_test(test_clocks_pause_for_papers_at_the_window),
		cmocka_unit_test(test_clocks_never_heal_what_ran_out_by_a_pause),
		cmocka_unit_test(test_clocks_count_a_deemed_acceptance_from_receipt),
		cmocka_unit_test(test_clocks_of_a_short_promise_are_due_when_it_is_deemed),
		cmocka_unit_test(test_clocks_lapse_only_after_the_last_day),
		cmocka_unit_test(test_clocks_extend_a_limit_that_still_runs),
		cmocka_unit_test(test_clocks_refuse_a_limit_into_a_year_without_a_calendar),
		cmocka_unit_test(test_clocks_refuse_times_and_days_out_of_range),
		cmocka_unit_test(test_clocks_date_back_nothing_but_a_deemed_acceptance),
		cmocka_unit_test(test_clocks_refuse_what_no_clock_can_do),
		cmocka_unit_test(test_clocks_note_once_that_one_ran_out),
		cmocka_unit_test(test_clocks_name_the_earliest),
		cmocka_unit_test(test_clocks_refuse_a_list_that_they_did_not_write),
		cmocka_unit_test_setup(test_clocks_of_an_acceptance_at_the_window, use_ds),
		cmocka_unit_test_setup(test_clocks_let_a_return_happen_within_the_recheck_only, use_ds),
		cmocka_unit_test_setup(test_clocks_date_back_the_decision_and_not_the_post, use_ds),
		cmocka_unit_test_setup(test_clocks_of_a_bad_evaluation_run_until_it_is_repaired, use_ds),
		cmocka_unit_test(test_clocks_are_where_they_should_be_in_every_mode),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
