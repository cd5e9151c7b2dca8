/* What cases have come to, counted. */
#include "tests/core/pair.h"

#include <stdio.h>
#include <string.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define OK(call) assert_int_equal((call), TB_OK)
#define PATH "/tongban.v1.StatsService/Cases"

static const PbStatsCasesResponse *ask(struct pair *pair, struct side *side, const char *json)
{
	return (const PbStatsCasesResponse *)(const void *)pair_ask(pair, side, PATH, json);
}

static void act(struct pair *pair, struct side *side, const char *number, const char *event, const char *role,
                const char *more)
{
	if (pair_act(pair, side, number, event, role, more))
		fail_msg("%s by %s: %s", event, role, pair_refusal(side));
}

/* Handed in, returned once, suspended for a week, decided late, evaluated badly. */
static void long_story(struct pair *pair, char number[32])
{
	pair_submit(pair, true, number);
	act(pair, &pair->home, number, "RETURN", "H_WIN", "\"detail\":{\"reason\":\"扫描件不清晰：第二页\"}");
	act(pair, &pair->window, number, "FIX", "R_WIN", "");
	act(pair, &pair->window, number, "SEND", "R_WIN", "");
	act(pair, &pair->home, number, "ACCEPT", "H_WIN", "");
	act(pair, &pair->home, number, "START", "H_DEPT", "");
	act(pair, &pair->home, number, "SUSPEND", "H_DEPT", "\"detail\":{\"reason\":\"鉴定\",\"days\":5}");
	for (int day = 0; day < 7; day++)
		pair_pass(pair, TB_DAY);
	act(pair, &pair->home, number, "RESUME", "H_DEPT", "");
	for (int day = 0; day < 42; day++)
		pair_pass(pair, TB_DAY);
	act(pair, &pair->home, number, "GRANT", "H_DEPT", "");
	act(pair, &pair->home, number, "DISPATCH", "H_WIN", "\"detail\":{\"way\":\"HOME_PICKUP\"}");
	act(pair, &pair->home, number, "HAND_OVER", "H_WIN", "");
	act(pair, &pair->window, number, "EVALUATE", "APPLICANT", "\"detail\":{\"grade\":4}");
	act(pair, &pair->home, number, "REPAIR", "H_WIN", "\"detail\":{\"note\":\"已回访\"}");
}

static void test_both_sides_count_a_case_alike(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	long_story(pair, number);
	for (int i = 0; i < 2; i++) {
		struct side *side = i ? &pair->home : &pair->window;
		const PbStatsCasesResponse *reply = ask(pair, side, "{}");
		assert_int_equal(reply->looked_at, 1);
		assert_string_equal(reply->next, "");
		assert_int_equal(reply->n_rows, 1);
		const PbStatsRow *row = reply->rows[0];
		assert_string_equal(row->key, i ? WINDOW : HOME);
		assert_string_equal(row->side, i ? "home" : "window");
		assert_int_equal(row->cases, 1);
		assert_int_equal(row->open, 0);
		assert_int_equal(row->granted, 1);
		assert_int_equal(row->closed, 1);
		assert_int_equal(row->returns, 1);
		assert_int_equal(row->n_reasons, 1);
		assert_string_equal(row->reasons[0]->name, "扫描件不清晰：第二页");
		assert_int_equal(row->late_cases, 1);
		assert_int_equal(row->n_late, 1);
		assert_string_equal(row->late[0]->name, "T5_DECIDE");
		assert_int_equal(row->decided, 1);
		assert_int_equal(row->in_time, 0);
		/* Seven weeks with the autumn holidays, less the week of the special procedure. */
		assert_int_equal(row->elapsed_days, 26);
		assert_int_equal(row->days_saved, 0);
		/* Who fetches the result at home has saved no way there. */
		assert_int_equal(row->runs_saved, 0);
		assert_int_equal(row->grades[3], 1);
		assert_int_equal(row->bad_repaired, 1);
	}
	pair_free(pair);
}

static void test_what_is_in_time_saves_days_runs_and_papers(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	pair_submit(pair, true, number);
	act(pair, &pair->home, number, "ACCEPT", "H_WIN", "");
	act(pair, &pair->home, number, "START", "H_DEPT", "");
	act(pair, &pair->home, number, "DENY", "H_DEPT", "\"detail\":{\"reason\":\"不符合\"}");
	act(pair, &pair->home, number, "DISPATCH", "H_WIN", "\"detail\":{\"way\":\"NETWORK\"}");
	const PbStatsRow *row = ask(pair, &pair->home, "{\"by\":\"STATS_BY_ITEM\"}")->rows[0];
	assert_string_equal(row->key, ITEM);
	assert_true(row->name[0]);
	assert_int_equal(row->denied, 1);
	assert_int_equal(row->open, 1);
	assert_int_equal(row->in_time, 1);
	assert_int_equal(row->elapsed_days, 0);
	assert_int_equal(row->days_saved, row->legal_days);
	assert_true(row->legal_days >= row->promised_days && row->promised_days > 0);
	assert_int_equal(row->runs_saved, 1);
	row = ask(pair, &pair->home, "{\"by\":\"STATS_BY_MODE\"}")->rows[0];
	assert_string_equal(row->key, "DS");
	row = ask(pair, &pair->window, "{\"by\":\"STATS_BY_MONTH\"}")->rows[0];
	assert_int_equal(strlen(row->key), 7);
	assert_int_equal(ask(pair, &pair->window, "{\"by\":\"STATS_BY_WINDOW\"}")->n_rows, 1);
	assert_int_equal(ask(pair, &pair->window, "{\"peer\":\"110000\"}")->n_rows, 0);
	pair_free(pair);
}

static void test_a_period_counts_what_was_received_in_it(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32], json[128], first[11], second[11];
	enum tb_code code;
	tb_day_format(first, tb_day_at(pair->now));
	pair_submit(pair, false, number);
	pair_pass(pair, TB_DAY);
	tb_day_format(second, tb_day_at(pair->now));
	pair_submit(pair, false, number);
	pair_submit(pair, false, number);
	snprintf(json, sizeof(json), "{\"from\":\"%s\",\"to\":\"%s\"}", first, first);
	assert_int_equal(ask(pair, &pair->window, json)->looked_at, 1);
	snprintf(json, sizeof(json), "{\"from\":\"%s\"}", second);
	assert_int_equal(ask(pair, &pair->window, json)->looked_at, 2);
	snprintf(json, sizeof(json), "{\"to\":\"2020-01-01\"}");
	assert_int_equal(ask(pair, &pair->window, json)->looked_at, 0);
	/* A call that is to go on behind the first case finds the other two. */
	number[14] = 0;
	snprintf(json, sizeof(json), "{\"after\":\"%s\"}", number);
	assert_int_equal(ask(pair, &pair->window, json)->looked_at, 2);
	pair_call(pair, &pair->window, PATH, "{\"from\":\"yesterday\"}", &code);
	assert_int_equal(code, TB_EINVALID);
	pair_call(pair, &pair->window, PATH, "{\"to\":\"2026-02-30\"}", &code);
	assert_int_equal(code, TB_EINVALID);
	pair_call(pair, &pair->window, PATH, "{\"peer\":\"999999\"}", &code);
	assert_int_equal(code, TB_EINVALID);
	pair_free(pair);
}

static void test_what_the_agreement_says_is_what_is_counted_against(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	pair_ask(pair, &pair->window, "/tongban.v1.AgreementService/Propose",
	         "{\"agreement\":{\"title\":\"t\",\"parties\":[\"" HOME "\",\"" WINDOW
	         "\"],\"validFrom\":\"2020-01-01\",\"terms\":[{\"items\":[\"*\"],\"modes\":[\"DS\"],"
	         "\"rights\":[\"NOTIFY_ONCE\"]}],\"clocks\":[{\"clock\":\"T5_DECIDE\",\"days\":3}],"
	         "\"returnReasons\":[\"扫描件不清晰\"]}}");
	for (int i = 0; i < 5; i++)
		pair_pass(pair, 2 * TB_MINUTE);
	PbAgreementListResponse *list = (PbAgreementListResponse *)(void *)pair_ask(
		pair, &pair->home, "/tongban.v1.AgreementService/List", "{}");
	assert_int_equal(list->n_agreements, 1);
	char json[160];
	snprintf(json, sizeof(json), "{\"id\":\"%s\"}", list->agreements[0]->agreement->id);
	pair_ask(pair, &pair->home, "/tongban.v1.AgreementService/Sign", json);
	for (int i = 0; i < 5; i++)
		pair_pass(pair, 2 * TB_MINUTE);
	long_story(pair, number);
	const PbStatsRow *row = ask(pair, &pair->home, "{}")->rows[0];
	assert_string_equal(row->reasons[0]->name, "扫描件不清晰");
	assert_int_equal(row->promised_days, 3);
	pair_free(pair);
}

static const PbStatsRow *row_at_home(struct pair *pair)
{
	const PbStatsCasesResponse *reply = ask(pair, &pair->home, "{}");
	assert_int_equal(reply->n_rows, 1);
	return reply->rows[0];
}

/* A new case is returned again and again, for reasons whose numbers begin with |first|. */
static void returned(struct pair *pair, unsigned first, unsigned times)
{
	char number[32], more[128];
	pair_submit(pair, true, number);
	for (unsigned i = 0; i < times; i++) {
		snprintf(more, sizeof(more), "\"detail\":{\"reason\":\"第%u种\"}", first + i);
		act(pair, &pair->home, number, "RETURN", "H_WIN", more);
		act(pair, &pair->window, number, "FIX", "R_WIN", "");
		act(pair, &pair->window, number, "SEND", "R_WIN", "");
	}
}

static void test_reasons_have_so_many_lines_and_the_last_is_for_all_others(void **state)
{
	enum { CASES = 9, KEPT = 8 };
	struct pair *pair = pair_new(*state);
	returned(pair, 0, KEPT + 2);
	for (unsigned i = 1; i < CASES; i++)
		returned(pair, 100 * i, KEPT);
	const PbStatsRow *row = row_at_home(pair);
	assert_int_equal(row->returns, CASES * KEPT + 2);
	assert_int_equal(row->n_reasons, TB_STATS_REASONS_MAX);
	assert_string_equal(row->reasons[0]->name, "第0种");
	assert_string_equal(row->reasons[TB_STATS_REASONS_MAX - 1]->name, "…");
	assert_int_equal(row->reasons[TB_STATS_REASONS_MAX - 1]->count,
	                 CASES * KEPT - (TB_STATS_REASONS_MAX - 1));
	pair_free(pair);
}

static void test_reasons_that_begin_alike_are_one_and_no_character_is_cut(void **state)
{
	struct pair *pair = pair_new(*state);
	char more[512], number[32];
	for (int i = 0; i < 2; i++) {
		struct tb_buf reason = {0};
		tb_buf_str(&reason, "x");
		for (int k = 0; k < 41; k++)
			tb_buf_str(&reason, "长");
		snprintf(more, sizeof(more), "\"detail\":{\"reason\":\"%s%d\"}", tb_buf_text(&reason), i);
		pair_submit(pair, true, number);
		act(pair, &pair->home, number, "RETURN", "H_WIN", more);
		tb_buf_clear(&reason);
	}
	const PbStatsRow *row = row_at_home(pair);
	assert_int_equal(row->n_reasons, 1);
	assert_int_equal(row->reasons[0]->count, 2);
	assert_int_equal(strlen(row->reasons[0]->name), 1 + 39 * strlen("长"));
	pair_free(pair);
}

static void test_what_the_calendar_lacks_is_not_counted_as_in_time(void **state)
{
	struct pair *pair = pair_new(*state);
	struct calendar *old;
	struct tb_error err;
	char number[32];
	pair_submit(pair, true, number);
	act(pair, &pair->home, number, "ACCEPT", "H_WIN", "");
	act(pair, &pair->home, number, "START", "H_DEPT", "");
	pair_pass(pair, TB_DAY);
	act(pair, &pair->home, number, "GRANT", "H_DEPT", "");
	assert_int_equal(row_at_home(pair)->in_time, 1);
	OK(calendar_parse(&old, tb_bytes_str("2020-01-01\tH\n"), &err));
	pair->home.setup.calendar = old;
	const PbStatsRow *row = row_at_home(pair);
	assert_int_equal(row->granted, 1);
	assert_int_equal(row->decided, 0);
	assert_int_equal(row->in_time, 0);
	pair->home.setup.calendar = pair->calendar;
	calendar_free(old);
	pair_free(pair);
}

static void test_a_case_of_the_region_itself_saves_nobody_a_way(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	pair_ask(pair, &pair->home, "/tongban.v1.CatalogueService/Load",
	         "{\"items\":[{\"code\":\"" ITEM "\",\"name\":\"公证\",\"department\":\"11320400014109045T\","
	         "\"modes\":[\"QC\"],\"promisedDays\":5,\"legalDays\":15}]}");
	const PbCaseView *view = (const void *)pair_ask(
		pair, &pair->home, "/tongban.v1.CaseService/Submit",
		"{\"application\":{\"item\":\"" ITEM "\",\"mode\":\"QC\",\"home\":\"" HOME "\","
		"\"identity\":{\"level\":\"MATCHED\"},\"applicant\":{\"name\":\"王伟\",\"codeType\":\"111\","
		"\"code\":\"11010519491231002X\"},\"delivery\":\"NETWORK\"},"
		"\"actor\":{\"role\":\"APPLICANT\",\"id\":\"a1\"},\"forward\":true}");
	snprintf(number, sizeof(number), "%s", view->number);
	act(pair, &pair->home, number, "ACCEPT", "H_WIN", "");
	act(pair, &pair->home, number, "START", "H_DEPT", "");
	act(pair, &pair->home, number, "GRANT", "H_DEPT", "");
	const PbStatsRow *row = row_at_home(pair);
	assert_string_equal(row->side, "own");
	assert_int_equal(row->decided, 1);
	assert_int_equal(row->runs_saved, 0);
	pair_free(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_both_sides_count_a_case_alike),
		TEST(test_what_is_in_time_saves_days_runs_and_papers),
		TEST(test_a_period_counts_what_was_received_in_it),
		TEST(test_what_the_agreement_says_is_what_is_counted_against),
		TEST(test_reasons_have_so_many_lines_and_the_last_is_for_all_others),
		TEST(test_reasons_that_begin_alike_are_one_and_no_character_is_cut),
		TEST(test_what_the_calendar_lacks_is_not_counted_as_in_time),
		TEST(test_a_case_of_the_region_itself_saves_nobody_a_way),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
