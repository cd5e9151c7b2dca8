/* The feed of what happened: what a department's system sees of the audit log, from where it stopped. */
#include "tests/core/hostile.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

#define EVENTS "/tongban.v1.EventService/List"

static const PbEventListResponse *list(struct pair *pair, struct side *side, uint64_t after, uint32_t limit)
{
	char json[96];
	snprintf(json, sizeof(json), "{\"after\":\"%llu\",\"limit\":%u}", (unsigned long long)after, limit);
	return (const void *)pair_ask(pair, side, EVENTS, json);
}

/* The number of events of |kind|; |*last|, if given, is the last of them. */
static size_t count_of(const PbEventListResponse *reply, PbEventKind kind, const PbEvent **last)
{
	size_t count = 0;
	for (size_t i = 0; i < reply->n_events; i++) {
		if (reply->events[i]->kind == kind) {
			count++;
			if (last)
				*last = reply->events[i];
		}
	}
	return count;
}

static void test_a_case_is_told_entry_by_entry_with_its_clocks_and_nobody_s_name(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	pair_submit(pair, true, number);
	pair_run(pair);
	assert_int_equal(pair_act(pair, &pair->home, number, "ACCEPT", "H_DEPT", ""), TB_OK);
	const PbCaseView *view = pair_case(pair, &pair->home, number);
	uint32_t seq = view->seq;
	const PbEvent *last = NULL;
	const PbEventListResponse *reply = list(pair, &pair->home, 0, 0);
	assert_int_equal(count_of(reply, PB_EVENT_KIND__EVENT_CASE, &last), seq);
	assert_string_equal(last->case_number, number);
	assert_string_equal(last->item, ITEM);
	assert_int_equal(last->seq, seq);
	assert_int_equal(last->event, PB_CASE_EVENT__ACCEPT);
	assert_int_equal(last->state, PB_CASE_STATE__ACCEPTED);
	assert_int_equal(last->at_ms, pair->now);
	bool runs = false;
	for (size_t i = 0; i < last->n_clocks; i++)
		runs = runs || (last->clocks[i]->clock == PB_CLOCK__T5_DECIDE && last->clocks[i]->running);
	assert_true(runs);
	struct tb_buf json = {0};
	proto_json_encode(&json, &reply->base);
	assert_null(strstr(tb_buf_text(&json), "王伟"));
	assert_null(strstr(tb_buf_text(&json), "11010519491231002X"));
	tb_buf_clear(&json);
	assert_true(count_of(reply, PB_EVENT_KIND__EVENT_MESSAGE_IN, NULL) > 0);
	assert_true(count_of(reply, PB_EVENT_KIND__EVENT_CATALOGUE, NULL) > 0);
	pair_free(pair);
}

static void test_the_cursor_goes_on_where_it_stopped_without_gap_or_repetition(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	for (int i = 0; i < 5; i++)
		pair_submit(pair, true, number);
	pair_run(pair);
	uint64_t all[256], got[256], after = 0;
	size_t all_count = 0, got_count = 0;
	const PbEventListResponse *reply = list(pair, &pair->home, 0, 0);
	for (size_t i = 0; i < reply->n_events; i++)
		all[all_count++] = reply->events[i]->cursor;
	assert_false(reply->more);
	assert_true(all_count > 10);
	for (bool more = true; more;) {
		reply = list(pair, &pair->home, after, 3);
		assert_true(reply->n_events <= 3);
		assert_true(reply->next > after);
		for (size_t i = 0; i < reply->n_events; i++) {
			assert_true(reply->events[i]->cursor > after);
			got[got_count++] = reply->events[i]->cursor;
		}
		after = reply->next;
		more = reply->more;
	}
	assert_int_equal(got_count, all_count);
	assert_memory_equal(got, all, all_count * sizeof(all[0]));
	/* The cursor of any event goes on after it. */
	reply = list(pair, &pair->home, all[4], 1);
	assert_int_equal(reply->events[0]->cursor, all[5]);
	/* At the end there is nothing, and then there is. */
	reply = list(pair, &pair->home, after, 0);
	assert_int_equal(reply->n_events, 0);
	assert_int_equal(reply->next, after);
	assert_int_equal(pair_act(pair, &pair->home, number, "ACCEPT", "H_DEPT", ""), TB_OK);
	reply = list(pair, &pair->home, after, 0);
	assert_int_equal(count_of(reply, PB_EVENT_KIND__EVENT_CASE, NULL), 1);
	pair_crash(pair, &pair->home);
	reply = list(pair, &pair->home, after, 0);
	assert_int_equal(count_of(reply, PB_EVENT_KIND__EVENT_CASE, NULL), 1);
	pair_free(pair);
}

static void test_a_cursor_past_the_log_is_refused(void **state)
{
	struct pair *pair = pair_new(*state);
	enum tb_code code;
	uint64_t end = list(pair, &pair->home, 0, 0)->next;
	char json[64];
	snprintf(json, sizeof(json), "{\"after\":\"%llu\"}", (unsigned long long)end);
	pair_call(pair, &pair->home, EVENTS, json, &code);
	assert_int_equal(code, TB_OK);
	snprintf(json, sizeof(json), "{\"after\":\"%llu\"}", (unsigned long long)end + 1);
	pair_call(pair, &pair->home, EVENTS, json, &code);
	assert_int_equal(code, TB_ENOTFOUND);
	pair_call(pair, &pair->home, EVENTS, "{\"after\":\"18446744073709551615\"}", &code);
	assert_int_equal(code, TB_ENOTFOUND);
	pair_free(pair);
}

static void test_a_limit_that_will_run_out_and_one_that_did_are_told(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	const PbEvent *last = NULL;
	pair_submit(pair, true, number);
	pair_run(pair);
	assert_int_equal(pair_act(pair, &pair->home, number, "ACCEPT", "H_DEPT", ""), TB_OK);
	assert_int_equal(pair_act(pair, &pair->home, number, "START", "H_DEPT", ""), TB_OK);
	uint64_t before = list(pair, &pair->home, 0, 0)->next;
	pair_pass(pair, 40 * TB_DAY);
	const PbEventListResponse *reply = list(pair, &pair->home, before, 0);
	assert_int_equal(count_of(reply, PB_EVENT_KIND__EVENT_DUE_SOON, &last), 1);
	assert_int_equal(last->clock, PB_CLOCK__T5_DECIDE);
	assert_string_equal(last->case_number, number);
	assert_int_equal(last->state, PB_CASE_STATE__REVIEW);
	assert_int_equal(count_of(reply, PB_EVENT_KIND__EVENT_CASE, &last), 1);
	assert_int_equal(last->event, PB_CASE_EVENT__OVERDUE);
	assert_int_equal(last->clock, PB_CLOCK__T5_DECIDE);
	pair_free(pair);
}

static void test_people_are_warned_as_early_as_the_node_is_told(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	const PbEvent *last = NULL;
	pair->home.core->setup.warn_before[PB_CLOCK__T5_DECIDE] = 3 * TB_DAY;
	pair->home.core->setup.warn_before[PB_CLOCK__T4_RECHECK] = TB_HOUR;
	pair->home.core->setup.warn_before[PB_CLOCK__T1_NOTIFY] = CORE_NO_WARNING;
	uint64_t before = list(pair, &pair->home, 0, 0)->next;
	pair_submit(pair, true, number);
	pair_pass(pair, 3 * TB_DAY);
	const PbEventListResponse *reply = list(pair, &pair->home, before, 0);
	assert_int_equal(count_of(reply, PB_EVENT_KIND__EVENT_DUE_SOON, &last), 1);
	assert_int_equal(last->clock, PB_CLOCK__T4_RECHECK);
	/* A limit that is warned of late is not held up by one that is warned of early. */
	for (size_t i = 0; i < last->n_clocks; i++) {
		if (last->clocks[i]->clock == PB_CLOCK__T4_RECHECK)
			assert_int_equal(last->clocks[i]->due_ms - last->at_ms, TB_HOUR);
	}
	assert_int_equal(pair_act(pair, &pair->home, number, "ACCEPT", "H_DEPT", ""), TB_OK);
	int64_t due = pair_case(pair, &pair->home, number)->clocks[0]->due_ms;
	before = list(pair, &pair->home, before, 0)->next;
	pair_pass(pair, 20 * TB_DAY);
	reply = list(pair, &pair->home, before, 0);
	assert_int_equal(count_of(reply, PB_EVENT_KIND__EVENT_DUE_SOON, &last), 1);
	assert_int_equal(due - last->at_ms, 3 * TB_DAY);
	pair_free(pair);
}

static void test_a_matter_is_warned_of_once_and_then_overdue(void **state)
{
	struct pair *pair = pair_new(*state);
	const PbEvent *last = NULL;
	pair->home.core->setup.warn_before[PB_CLOCK__CLOCK_UNSPECIFIED] = 2 * TB_DAY;
	uint64_t before = list(pair, &pair->home, 0, 0)->next;
	pair_ask(pair, &pair->window, "/tongban.v1.MatterService/Open",
	         "{\"post\":{\"actor\":{\"role\":\"SUPERVISOR\",\"id\":\"s\"},\"subject\":\"s\",\"text\":"
	         "\"t\","
	         "\"about\":\"SUPERVISION\",\"parties\":[\"" WINDOW "\",\"" HOME "\"],\"asked\":\"" HOME
	         "\",\"days\":5}}");
	for (int day = 0; day < 12; day++)
		pair_pass(pair, TB_DAY);
	const PbEventListResponse *reply = list(pair, &pair->home, before, 0);
	assert_int_equal(count_of(reply, PB_EVENT_KIND__EVENT_DUE_SOON, &last), 1);
	assert_string_equal(last->peer, HOME);
	assert_non_null(strstr(last->subject, WINDOW));
	assert_int_equal(count_of(reply, PB_EVENT_KIND__EVENT_OVERDUE, &last), 1);
	pair_free(pair);
}

static void test_a_reader_sees_what_its_roles_and_items_let(void **state)
{
	static const struct {
		const char *more;
		bool cases;
		bool messages;
	} rows[] = {
		{"\"roles\":[\"TOKEN_REVIEW\"]", true, false},
		{"\"roles\":[\"TOKEN_LIAISON\"]", true, true},
		{"\"roles\":[\"TOKEN_READ_ONLY\"],\"items\":[\"" ITEM "\"]", true, false},
		{"\"roles\":[\"TOKEN_READ_ONLY\"],\"items\":[\"x\"]", false, false},
	};
	struct pair *pair = pair_new(*state);
	char number[32];
	pair_submit(pair, true, number);
	pair_run(pair);
	uint64_t end = list(pair, &pair->home, 0, 0)->next;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char json[256], authorization[64];
		snprintf(json, sizeof(json), "{\"name\":\"t%zu\",%s}", i, rows[i].more);
		const PbTokenAddResponse *token =
			(const void *)pair_ask(pair, &pair->home, "/tongban.v1.TokenService/Add", json);
		snprintf(authorization, sizeof(authorization), "Bearer %s", token->token);
		pair->home.authorization = authorization;
		const PbEventListResponse *reply = list(pair, &pair->home, 0, 0);
		pair->home.authorization = NULL;
		assert_int_equal(count_of(reply, PB_EVENT_KIND__EVENT_CASE, NULL) > 0, rows[i].cases);
		assert_int_equal(count_of(reply, PB_EVENT_KIND__EVENT_MESSAGE_IN, NULL) > 0,
		                 rows[i].messages);
		assert_true(reply->next >= end); /* what is not shown is passed all the same */
	}
	pair_free(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_case_is_told_entry_by_entry_with_its_clocks_and_nobody_s_name),
		TEST(test_the_cursor_goes_on_where_it_stopped_without_gap_or_repetition),
		TEST(test_a_cursor_past_the_log_is_refused),
		TEST(test_a_limit_that_will_run_out_and_one_that_did_are_told),
		TEST(test_people_are_warned_as_early_as_the_node_is_told),
		TEST(test_a_matter_is_warned_of_once_and_then_overdue),
		TEST(test_a_reader_sees_what_its_roles_and_items_let),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
