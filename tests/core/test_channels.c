/* 渠道: a case begun in one channel goes on in another, and nothing is asked for again. */
#include "tests/core/pair.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define OK(call) assert_int_equal((call), TB_OK)
#define WANG "11010519491231002X"

struct token {
	char authorization[128];
};

static struct token add(struct pair *pair, const char *name, const char *more)
{
	struct token token;
	char json[256];
	snprintf(json, sizeof(json), "{\"name\":\"%s\",%s}", name, more);
	PbTokenAddResponse *reply = (PbTokenAddResponse *)(void *)pair_ask(
		pair, &pair->window, "/tongban.v1.TokenService/Add", json);
	snprintf(token.authorization, sizeof(token.authorization), "Bearer %s", reply->token);
	return token;
}

static const PbStatsRow *row(struct pair *pair, struct side *side, const char *by, const char *key)
{
	char json[64];
	snprintf(json, sizeof(json), "{\"by\":\"%s\"}", by);
	PbStatsCasesResponse *reply =
		(PbStatsCasesResponse *)(void *)pair_ask(pair, side, "/tongban.v1.StatsService/Cases", json);
	for (size_t i = 0; i < reply->n_rows; i++) {
		if (strcmp(reply->rows[i]->key, key) == 0)
			return reply->rows[i];
	}
	fail_msg("no row %s", key);
	return NULL;
}

static void check_counts(struct pair *pair, struct side *side)
{
	const PbStatsRow *in = row(pair, side, "STATS_BY_CHANNEL", "CHANNEL_ONLINE");
	assert_int_equal(in->cases, 1);
	assert_int_equal(in->switched, 1);
	in = row(pair, side, "STATS_BY_EVALUATION", "CHANNEL_PHONE");
	assert_int_equal(in->grades[1], 1);
}

static void test_a_case_goes_on_in_another_channel_with_nothing_asked_again(void **state)
{
	struct pair *pair = pair_new(*state);
	struct side *window = &pair->window;
	struct token portal =
		add(pair, "portal", "\"roles\":[\"TOKEN_KIOSK\"],\"channel\":\"CHANNEL_ONLINE\"");
	struct token kiosk = add(pair, "hall-7", "\"roles\":[\"TOKEN_KIOSK\"],\"channel\":\"CHANNEL_KIOSK\"");
	struct token desk = add(pair, "desk", "\"roles\":[\"TOKEN_WINDOW\"]");
	char number[32], material[512], more[1024];
	/* Handed in at the portal ... */
	window->authorization = portal.authorization;
	OK(pair_submit_as(pair, window, "DS", "APPLICANT", false, number));
	/* ... taken up by an officer, who asks for nothing and sends it as it is ... */
	window->authorization = desk.authorization;
	OK(pair_act(pair, window, number, "CHECK", "R_WIN", ""));
	OK(pair_act(pair, window, number, "SEND", "R_WIN", ""));
	pair_pass(pair, TB_MINUTE);
	OK(pair_act(pair, &pair->home, number, "NOTIFY", "H_WIN",
	            "\"detail\":{\"needs\":[{\"code\":\"M9\",\"name\":\"补充材料\"}]}"));
	pair_pass(pair, TB_MINUTE);
	/* ... supplemented at a kiosk, which the applicant's code opens the case at: only what is missing ...
	 */
	window->authorization = kiosk.authorization;
	pair_upload(pair, window, 100, 9, material);
	snprintf(more, sizeof(more),
	         "\"openWith\":\"" WANG "\",\"detail\":{\"materials\":[{\"need\":\"M1\",%s}]}", material);
	OK(pair_act(pair, window, number, "SUPPLEMENT", "APPLICANT", more));
	pair_pass(pair, TB_MINUTE);
	window->authorization = NULL;
	OK(pair_act(pair, &pair->home, number, "ACCEPT", "H_WIN", ""));
	OK(pair_act(pair, &pair->home, number, "START", "H_DEPT", ""));
	OK(pair_act(pair, &pair->home, number, "GRANT", "H_DEPT", ""));
	OK(pair_act(pair, &pair->home, number, "DISPATCH", "H_WIN", "\"detail\":{\"way\":\"NETWORK\"}"));
	OK(pair_act(pair, &pair->home, number, "HAND_OVER", "APPLICANT", ""));
	pair_pass(pair, TB_MINUTE);
	/* ... and evaluated by telephone, where the system names the channel. */
	char json[512];
	enum tb_code code;
	snprintf(json, sizeof(json),
	         "{\"number\":\"%s\",\"event\":\"EVALUATE\",\"actor\":{\"role\":\"APPLICANT\",\"id\":\"a\","
	         "\"channel\":\"CHANNEL_PHONE\"},\"detail\":{\"grade\":2},\"openWith\":\"" WANG "\"}",
	         number);
	window->authorization = kiosk.authorization;
	pair_call(pair, window, "/tongban.v1.CaseService/Act", json, &code);
	assert_int_equal(code, TB_OK);
	window->authorization = NULL;
	pair_pass(pair, TB_MINUTE);
	PbCaseView *view = pair_case(pair, &pair->home, number);
	assert_int_equal(view->state, PB_CASE_STATE__CLOSED);
	assert_int_equal(view->log[0]->actor->channel, PB_CHANNEL__CHANNEL_ONLINE);
	assert_int_equal(view->log[1]->actor->channel, PB_CHANNEL__CHANNEL_WINDOW);
	/* Nobody asked before the home region did, and the application was given once. */
	for (size_t i = 0; i < view->n_log; i++) {
		const PbCaseEntry *entry = view->log[i];
		assert_true(entry->event != PB_CASE_EVENT__ASK);
		assert_true(i == 0 || !entry->detail || !entry->detail->application);
		if (entry->event == PB_CASE_EVENT__SUPPLEMENT)
			assert_int_equal(entry->actor->channel, PB_CHANNEL__CHANNEL_KIOSK);
	}
	check_counts(pair, window);
	check_counts(pair, &pair->home);
	PbExportResponse *lines = (PbExportResponse *)(void *)pair_ask(
		pair, window, "/tongban.v1.ExportService/Cases", "{\"format\":\"JSONL\"}");
	assert_int_equal(lines->n_lines, 1);
	assert_non_null(strstr(lines->lines[0], "\"办理形式\":\"2\""));
	assert_non_null(strstr(lines->lines[0], "\"申请渠道\":\"CHANNEL_ONLINE\""));
	assert_non_null(strstr(lines->lines[0], "\"评价渠道\":\"CHANNEL_PHONE\""));
	pair_free(pair);
}

static void test_an_officer_is_at_a_window_and_others_are_not_guessed(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	pair_submit(pair, true, number);
	assert_int_equal(row(pair, &pair->window, "STATS_BY_CHANNEL", "CHANNEL_WINDOW")->cases, 1);
	OK(pair_submit_as(pair, &pair->window, "DS", "APPLICANT", false, number));
	assert_int_equal(row(pair, &pair->window, "STATS_BY_CHANNEL", "")->cases, 1);
	assert_int_equal(row(pair, &pair->window, "STATS_BY_EVALUATION", "")->cases, 2);
	pair_free(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_case_goes_on_in_another_channel_with_nothing_asked_again),
		TEST(test_an_officer_is_at_a_window_and_others_are_not_guessed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
