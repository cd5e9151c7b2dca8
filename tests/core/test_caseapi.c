/* Cases as people and programs call them: what is refused, and how a case is looked at. */
#include "tests/core/hostile.h"

#include "node/core/kv.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define OK(call) assert_int_equal((call), TB_OK)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define SUBMIT "/tongban.v1.CaseService/Submit"
#define ACT "/tongban.v1.CaseService/Act"
#define ACTOR "\"actor\":{\"role\":\"R_WIN\",\"id\":\"w1\"}"
#define WHO "\"applicant\":{\"name\":\"王伟\",\"codeType\":\"111\",\"code\":\"11010519491231002X\"}"
#define WHAT "\"item\":\"" ITEM "\",\"home\":\"" HOME "\",\"mode\":\"DS\""
#define APPLICATION "\"application\":{" WHAT "," WHO
#define NO_ROOT "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static enum tb_code call(struct pair *pair, struct side *side, const char *path, const char *json)
{
	enum tb_code code;
	pair_call(pair, side, path, json, &code);
	return code;
}

/* ---- submit */

static void test_whom_a_region_does_not_accept_is_not_received(void **state)
{
	struct pair *pair = pair_new(*state);
	OK(call(pair, &pair->home, "/tongban.v1.CatalogueService/Load",
	        "{\"items\":[{\"code\":\"B\",\"name\":\"生育登记\",\"department\":\"d\",\"modes\":[\"DS\"],"
	        "\"promisedDays\":1,\"legalDays\":1,\"eligible\":[\"registered\"]}]}"));
	pair_pass(pair, 10 * TB_MINUTE);
#define FROM(area)                                                                                  \
	"{\"application\":{\"item\":\"B\",\"home\":\"" HOME "\",\"mode\":\"DS\",\"eligibility\":[{" \
	"\"ground\":\"registered\",\"area\":\"" area "\"}]," WHO "}," ACTOR "}"
	assert_int_equal(call(pair, &pair->window, SUBMIT, FROM("620102")), TB_EINVALID);
	assert_non_null(strstr(pair_refusal(&pair->window), "in 320400, one of: registered"));
	OK(call(pair, &pair->window, SUBMIT, FROM("320402")));
	pair_free(pair);
}

static void test_a_submission_that_lacks_something_is_refused_and_leaves_no_gap(void **state)
{
	static const struct {
		const char *json;
		enum tb_code code;
		const char *says;
	} wrong[] = {
		{"{}", TB_EINVALID, "applicant"},
		{"{\"application\":{" WHAT "}," ACTOR "}", TB_EINVALID, "applicant"},
		{"{" APPLICATION "}}", TB_EINVALID, "actor"},
		{"{" APPLICATION "},\"actor\":{\"role\":\"R_WIN\"}}", TB_EINVALID, "actor"},
		{"{\"application\":{\"item\":\"" ITEM "\",\"home\":\"" HOME "\",\"mode\":\"XX\"," WHO
	         "}," ACTOR "}",
	         TB_EINVALID, "mode"},
		{"{\"application\":{\"item\":\"" ITEM "\",\"home\":\"" HOME "\"," WHO "}," ACTOR "}",
	         TB_EINVALID, "mode"},
		{"{\"application\":{\"item\":\"" ITEM "\",\"home\":\"" WINDOW "\",\"mode\":\"DS\"," WHO
	         "}," ACTOR "}",
	         TB_EINVALID, "home"},
		{"{\"application\":{\"item\":\"" ITEM "\",\"home\":\"330100\",\"mode\":\"DS\"," WHO "}," ACTOR
	         "}",
	         TB_ENOTFOUND, "peer"},
		{"{\"application\":{" WHAT
	         ",\"applicant\":{\"codeType\":\"111\",\"code\":\"11010519491231002X\"}}," ACTOR "}",
	         TB_EINVALID, "name"},
		{"{\"application\":{" WHAT ",\"applicant\":{\"name\":\"王\",\"codeType\":\"111\",\"code\":"
	         "\"110105194912310021\"}}," ACTOR "}",
	         TB_EINVALID, "applicant"},
		{"{\"application\":{\"item\":\"123204000000000013320001000002A\",\"home\":\"" HOME
	         "\",\"mode\":\"DS\"," WHO "}," ACTOR "}",
	         TB_ENOTFOUND, "item"},
		{"{" APPLICATION ",\"lead\":\"1\"}," ACTOR "}", TB_EINVALID, ""},
		{"{" APPLICATION ",\"parts\":[{}]}," ACTOR "}", TB_EINVALID, "only with mode LB"},
		{"{\"application\":{\"item\":\"" ITEM "\",\"home\":\"" HOME "\",\"mode\":\"LS\"," WHO
	         "}," ACTOR "}",
	         TB_EINVALID, "mode"},
		{"{\"application\":{\"item\":\"" ITEM "\",\"home\":\"" HOME "\",\"mode\":\"LB\"," WHO
	         "}," ACTOR "}",
	         TB_EINVALID, "leads it"},
		{"{\"application\":{\"item\":\"" ITEM "\",\"home\":\"" WINDOW "\",\"mode\":\"DS\"," WHO
	         "}," ACTOR "}",
	         TB_EINVALID, "for items of another region"},
		{"{" APPLICATION
	         ",\"materials\":[{\"need\":\"M1\",\"name\":\"a\",\"mediaType\":\"a/b\",\"size\":1,"
	         "\"root\":\"" NO_ROOT "\",\"sha256\":\"" NO_ROOT "\"}]}," ACTOR "}",
	         TB_ENOTFOUND, "materials[0]"},
		{"{" APPLICATION "}," ACTOR ",\"forward\":true}", TB_EINVALID, "M1"},
	};
	struct pair *pair = pair_new(*state);
	char first[32], *before = hostile_state(pair, &pair->window, NULL);
	for (size_t i = 0; i < COUNT(wrong); i++) {
		enum tb_code code = call(pair, &pair->window, SUBMIT, wrong[i].json);
		if (code != wrong[i].code || !strstr(pair_refusal(&pair->window), wrong[i].says))
			fail_msg("%zu: %s: %s", i, tb_code_name(code), pair_refusal(&pair->window));
	}
	hostile_assert_unchanged(pair, &pair->window, NULL, before, "a refused submission");
	pair_submit(pair, true, first);
	assert_non_null(strstr(first, "0000001"));
	pair_free(pair);
}

static void test_a_submission_over_a_limit_is_refused(void **state)
{
	struct pair *pair = pair_new(*state);
	struct tb_buf json = {0};
	tb_buf_str(&json, "{" APPLICATION ",\"materials\":[{}");
	for (int i = 0; i < TB_MATERIALS_MAX; i++)
		tb_buf_str(&json, ",{}");
	tb_buf_str(&json, "]}," ACTOR "}");
	assert_int_equal(call(pair, &pair->window, SUBMIT, tb_buf_text(&json)), TB_ETOOBIG);
	json.size = 0;
	tb_buf_str(&json, "{" APPLICATION ",\"form\":[{\"name\":\"a\"}");
	for (int i = 0; i < TB_ATTRIBUTES_MAX; i++)
		tb_buf_str(&json, ",{\"name\":\"a\"}");
	tb_buf_str(&json, "]}," ACTOR "}");
	assert_int_equal(call(pair, &pair->window, SUBMIT, tb_buf_text(&json)), TB_ETOOBIG);
	tb_buf_clear(&json);
	pair_free(pair);
}

static void test_papers_may_come_to_the_window_later(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32], material[512], more[1024];
	PbCaseView *view =
		(PbCaseView *)(void *)pair_ask(pair, &pair->window, SUBMIT, "{" APPLICATION "}," ACTOR "}");
	snprintf(number, sizeof(number), "%s", view->number);
	OK(pair_act(pair, &pair->window, number, "CHECK", "R_WIN", ""));
	assert_int_equal(pair_act(pair, &pair->window, number, "SEND", "R_WIN", ""), TB_EINVALID);
	OK(pair_act(pair, &pair->window, number, "ASK", "R_WIN",
	            "\"detail\":{\"needs\":[{\"code\":\"M1\",\"name\":\"申请表\"}]}"));
	assert_int_equal(
		pair_act(pair, &pair->window, number, "BRING", "R_WIN",
	                 "\"detail\":{\"materials\":[{\"need\":\"M1\",\"name\":\"a\",\"mediaType\":\"a/b\","
	                 "\"size\":1,\"root\":\"" NO_ROOT "\",\"sha256\":\"" NO_ROOT "\"}]}"),
		TB_ENOTFOUND);
	pair_upload(pair, &pair->window, 100, 1, material);
	snprintf(more, sizeof(more), "\"detail\":{\"materials\":[{\"need\":\"M1\",%s}]}", material);
	OK(pair_act(pair, &pair->window, number, "BRING", "R_WIN", more));
	OK(pair_act(pair, &pair->window, number, "SEND", "R_WIN", ""));
	view = pair_case(pair, &pair->home, number);
	assert_int_equal(view->state, PB_CASE_STATE__SIGNED_FOR);
	assert_int_equal(view->materials_missing, 0);
	pair_assert_equal_logs(pair, number);
	pair_free(pair);
}

static void test_a_calendar_that_ends_refuses_a_submission_and_keeps_a_forwarded_one(void **state)
{
	struct pair *pair = pair_new(*state);
	struct calendar *old;
	struct tb_error err;
	char material[512], json[2048];
	pair_upload(pair, &pair->window, 100, 1, material);
	pair_application(json, material, "", true);
	OK(calendar_parse(&old, tb_bytes_str("2020-01-01\tH\n"), &err));
	pair->window.setup.calendar = old;
	pair_crash(pair, &pair->window);
	char *before = hostile_state(pair, &pair->window, NULL);
	assert_int_equal(call(pair, &pair->window, SUBMIT, json), TB_ECALENDAR);
	hostile_assert_unchanged(pair, &pair->window, NULL, before, "a submission without a calendar");
	pair->window.setup.calendar = pair->calendar;
	pair_crash(pair, &pair->window);
	OK(call(pair, &pair->window, SUBMIT, json));
	calendar_free(old);
	pair_free(pair);
}

/* ---- act */

static enum tb_code act(struct pair *pair, struct side *side, const char *number, const char *members)
{
	char json[2048];
	snprintf(json, sizeof(json), "{\"number\":\"%s\",%s}", number, members);
	return call(pair, side, ACT, json);
}

static void test_an_act_that_may_not_be_is_refused_and_changes_nothing(void **state)
{
	static const struct {
		const char *members;
		enum tb_code code;
	} wrong[] = {
		{"\"event\":\"ACCEPT\"", TB_EINVALID},
		{"\"event\":\"ACCEPT\",\"actor\":{\"id\":\"a\"}", TB_EINVALID},
		{"\"event\":\"ACCEPT\",\"actor\":{\"role\":\"SYSTEM\",\"id\":\"a\"}", TB_EDENIED},
		{"\"event\":\"ACCEPT\",\"actor\":{\"role\":\"H_WIN\",\"id\":\"a\"},\"expectSeq\":3",
	         TB_ESTATE},
		{"\"event\":\"ACCEPT\",\"actor\":{\"role\":\"H_WIN\",\"id\":\"a\"},\"issue\":{\"typeName\":"
	         "\"x\"}",
	         TB_EINVALID},
		{"\"event\":\"GRANT\",\"actor\":{\"role\":\"H_DEPT\",\"id\":\"a\"}", TB_ESTATE},
		{"\"event\":\"ACCEPT\",\"actor\":{\"role\":\"APPLICANT\",\"id\":\"a\"}", TB_EDENIED},
		{"\"event\":\"NOTIFY\",\"actor\":{\"role\":\"H_WIN\",\"id\":\"a\"}", TB_EINVALID},
	};
	struct pair *pair = pair_new(*state);
	char number[32];
	pair_submit(pair, true, number);
	char *before = hostile_state(pair, &pair->home, number);
	for (size_t i = 0; i < COUNT(wrong); i++) {
		enum tb_code code = act(pair, &pair->home, number, wrong[i].members);
		if (code != wrong[i].code)
			fail_msg("%zu: %s: %s", i, tb_code_name(code), pair_refusal(&pair->home));
	}
	assert_int_equal(act(pair, &pair->home, "", wrong[0].members), TB_EINVALID);
	assert_int_equal(act(pair, &pair->home, "62010020260101000000110", wrong[0].members), TB_ENOTFOUND);
	assert_int_equal(act(pair, &pair->home, "62010020260101000000110",
	                     "\"event\":\"GRANT\",\"actor\":{\"role\":\"H_DEPT\",\"id\":\"a\"},\"issue\":{}"),
	                 TB_ENOTFOUND);
	/* From the other side, a hand-over is not asked for. */
	assert_int_equal(
		pair_act(pair, &pair->window, number, "RETURN", "H_WIN", "\"detail\":{\"reason\":\"x\"}"),
		TB_EDENIED);
	hostile_assert_unchanged(pair, &pair->home, number, before, "a refused act");
	OK(act(pair, &pair->home, number,
	       "\"event\":\"ACCEPT\",\"actor\":{\"role\":\"H_WIN\",\"id\":\"a\"},\"expectSeq\":4"));
	pair_free(pair);
}

static void to_decision(struct pair *pair, char number[32])
{
	pair_submit(pair, true, number);
	OK(pair_act(pair, &pair->home, number, "ACCEPT", "H_WIN", ""));
	OK(pair_act(pair, &pair->home, number, "START", "H_DEPT", ""));
}

static void test_a_grant_issues_what_it_says_and_nothing_twice(void **state)
{
#define ALL                                                                                                   \
	"\"issue\":{\"type\":\"11100000000013338W011\",\"typeName\":\"t\",\"number\":\"G1\",\"name\":"        \
	"\"证\","                                                                                            \
	"\"issuer\":\"11430000006122244L\",\"issuerName\":\"i\",\"issuedOn\":\"2026-09-01\",\"holders\":[{"   \
	"\"codeType\":\"111\",\"code\":\"110101199003070011\",\"name\":\"李\"}]},\"detail\":{\"decision\":{" \
	"\"documentNumber\":\"D1\"}}"
	struct pair *pair = pair_new(*state);
	char number[32], other[32];
	to_decision(pair, number);
	to_decision(pair, other);
	assert_int_equal(pair_act(pair, &pair->home, number, "GRANT", "H_DEPT",
	                          "\"issue\":{\"typeName\":\"t\",\"issuedOn\":\"2027-01-01\"}"),
	                 TB_EINVALID);
	OK(pair_act(pair, &pair->home, number, "GRANT", "H_DEPT", ALL));
	PbCaseView *view = pair_case(pair, &pair->home, number);
	const PbDecision *decision = view->log[view->seq - 1]->detail->decision;
	assert_string_equal(decision->document_number, "D1");
	char json[256];
	snprintf(json, sizeof(json), "{\"identifier\":\"%s\"}", decision->credential_identifier);
	PbCredentialView *issued = (PbCredentialView *)(void *)pair_ask(
		pair, &pair->home, "/tongban.v1.CredentialService/Get", json);
	assert_string_equal(issued->credential->number, "G1");
	assert_string_equal(issued->credential->holders[0]->name, "李");
	assert_true(issued->seal_valid);
	uint32_t seq = pair_case(pair, &pair->home, other)->seq;
	assert_int_equal(pair_act(pair, &pair->home, other, "GRANT", "H_DEPT", ALL), TB_EEXISTS);
	assert_int_equal(pair_case(pair, &pair->home, other)->seq, seq);
	OK(pair_act(pair, &pair->home, other, "DENY", "H_DEPT", "\"detail\":{\"reason\":\"已有\"}"));
	pair_free(pair);
#undef ALL
}

static void test_acceptances_of_a_day_are_numbered_one_after_the_other(void **state)
{
	struct pair *pair = pair_new(*state);
	char first[32], second[32];
	pair_submit(pair, true, first);
	pair_submit(pair, true, second);
	OK(pair_act(pair, &pair->home, second, "ACCEPT", "H_WIN", ""));
	OK(pair_act(pair, &pair->home, first, "ACCEPT", "H_WIN", ""));
	char number[64];
	snprintf(number, sizeof(number), "%s", pair_case(pair, &pair->home, second)->local_number);
	assert_non_null(strstr(number, "202609210001"));
	assert_non_null(strstr(pair_case(pair, &pair->home, first)->local_number, "202609210002"));
	pair_free(pair);
}

static void test_a_case_that_is_too_large_for_one_message_is_not_sent(void **state)
{
	enum { NEEDS = 100, NAME = 500, ROUNDS = 12 };
	struct pair *pair = pair_new(*state);
	char number[32], material[512], more[1024];
	struct tb_buf needs = {0};
	pair_upload(pair, &pair->window, 100, 1, material);
	PbCaseView *view =
		(PbCaseView *)(void *)pair_ask(pair, &pair->window, SUBMIT, "{" APPLICATION "}," ACTOR "}");
	snprintf(number, sizeof(number), "%s", view->number);
	OK(pair_act(pair, &pair->window, number, "CHECK", "R_WIN", ""));
	tb_buf_printf(&needs, "{\"number\":\"%s\",\"event\":\"ASK\"," ACTOR ",\"detail\":{\"needs\":[",
	              number);
	for (int i = 0; i < NEEDS; i++)
		tb_buf_printf(&needs, "%s{\"code\":\"N%d\",\"name\":\"%0*d\"}", i ? "," : "", i, NAME, i);
	tb_buf_str(&needs, "]}}");
	snprintf(more, sizeof(more), "\"detail\":{\"materials\":[{\"need\":\"M1\",%s}]}", material);
	for (int i = 0; i < ROUNDS; i++) {
		OK(call(pair, &pair->window, ACT, tb_buf_text(&needs)));
		OK(pair_act(pair, &pair->window, number, "BRING", "R_WIN", i == 0 ? more : ""));
	}
	uint32_t seq = pair_case(pair, &pair->window, number)->seq;
	assert_int_equal(pair_act(pair, &pair->window, number, "SEND", "R_WIN", ""), TB_ETOOBIG);
	assert_int_equal(pair_case(pair, &pair->window, number)->seq, seq);
	tb_buf_clear(&needs);
	pair_free(pair);
}

/* ---- look */

static PbCaseListResponse *list(struct pair *pair, struct side *side, const char *json)
{
	return (PbCaseListResponse *)(void *)pair_ask(pair, side, "/tongban.v1.CaseService/List", json);
}

static void test_cases_are_listed_in_pages_by_state_and_by_peer(void **state)
{
	enum { MANY = 5 };
	struct pair *pair = pair_new(*state);
	char numbers[MANY][32], after[32] = "", json[128];
	for (size_t i = 0; i < MANY; i++)
		pair_submit(pair, true, numbers[i]);
	OK(pair_act(pair, &pair->home, numbers[3], "ACCEPT", "H_WIN", ""));
	size_t seen = 0;
	for (;;) {
		snprintf(json, sizeof(json), "{\"limit\":2,\"after\":\"%s\"}", after);
		PbCaseListResponse *page = list(pair, &pair->home, json);
		if (page->n_cases == 0)
			break;
		assert_true(page->n_cases <= 2 && seen + page->n_cases <= MANY);
		for (size_t i = 0; i < page->n_cases; i++) {
			assert_string_equal(page->cases[i]->number, numbers[seen++]);
			assert_int_equal(page->cases[i]->n_log, 0);
		}
		snprintf(after, sizeof(after), "%s", page->cases[page->n_cases - 1]->number);
	}
	assert_int_equal(seen, MANY);
	PbCaseListResponse *page = list(pair, &pair->home, "{\"state\":\"ACCEPTED\"}");
	assert_int_equal(page->n_cases, 1);
	assert_string_equal(page->cases[0]->number, numbers[3]);
	assert_int_equal(list(pair, &pair->home, "{\"state\":\"CLOSED\"}")->n_cases, 0);
	assert_int_equal(list(pair, &pair->home, "{\"peer\":\"" WINDOW "\"}")->n_cases, MANY);
	assert_int_equal(list(pair, &pair->window, "{\"peer\":\"" HOME "\"}")->n_cases, MANY);
	assert_int_equal(list(pair, &pair->home, "{\"peer\":\"330100\"}")->n_cases, 0);
	assert_int_equal(list(pair, &pair->home, "{\"limit\":100000}")->n_cases, MANY);
	assert_int_equal(call(pair, &pair->home, "/tongban.v1.CaseService/Get", "{}"), TB_EINVALID);
	assert_int_equal(call(pair, &pair->home, "/tongban.v1.CaseService/Get", "{\"number\":\"1\"}"),
	                 TB_ENOTFOUND);
	pair_free(pair);
}

/* ---- clocks of many cases */

static void test_more_clocks_than_fit_in_a_turn_run_out_in_several(void **state)
{
	enum { MANY = 260 };
	struct pair *pair = pair_new(*state);
	char number[32], material[512], json[2048];
	pair_upload(pair, &pair->window, 100, 1, material);
	pair_application(json, material, "", true);
	for (size_t i = 0; i < MANY; i++)
		OK(call(pair, &pair->window, SUBMIT, json));
	snprintf(number, sizeof(number), "%s", list(pair, &pair->home, "{\"limit\":1}")->cases[0]->number);
	assert_int_equal(list(pair, &pair->home, "{\"state\":\"SIGNED_FOR\"}")->n_cases, MANY);
	pair->now += 20 * TB_DAY;
	pair_pass(pair, TB_MINUTE);
	assert_int_equal(list(pair, &pair->home, "{\"state\":\"ACCEPTED\"}")->n_cases, MANY);
	pair_pass(pair, 6 * TB_MINUTE);
	pair_assert_equal_logs(pair, number);
	pair_free(pair);
}

static void test_a_method_is_found_by_its_whole_path_only(void **state)
{
	static const char *const wrong[] = {"",
	                                    "/",
	                                    "CaseService/Get",
	                                    "tongban.v1.CaseService/Get",
	                                    "/tongban.v1.CaseService",
	                                    "/tongban.v1.CaseService/",
	                                    "/tongban.v1.CaseService/get",
	                                    "/tongban.v1.CaseServic/Get",
	                                    "/tongban.v1.CaseService/Get/",
	                                    "/tongban.v1.XaseService/Get"};
	(void)state;
	struct tb_error err;
	struct core_request *request;
	for (size_t i = 0; i < COUNT(wrong); i++)
		assert_null(core_method_find(wrong[i]));
	assert_non_null(core_method_find(ACT));
	assert_int_equal(core_request_new(&request, core_method_find(ACT), tb_bytes_str("{\"x\":1}"), &err),
	                 TB_EMALFORMED);
	assert_null(request);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_whom_a_region_does_not_accept_is_not_received),
		TEST(test_a_submission_that_lacks_something_is_refused_and_leaves_no_gap),
		TEST(test_a_submission_over_a_limit_is_refused),
		TEST(test_papers_may_come_to_the_window_later),
		TEST(test_a_calendar_that_ends_refuses_a_submission_and_keeps_a_forwarded_one),
		TEST(test_an_act_that_may_not_be_is_refused_and_changes_nothing),
		TEST(test_a_grant_issues_what_it_says_and_nothing_twice),
		TEST(test_acceptances_of_a_day_are_numbered_one_after_the_other),
		TEST(test_a_case_that_is_too_large_for_one_message_is_not_sent),
		TEST(test_cases_are_listed_in_pages_by_state_and_by_peer),
		TEST(test_more_clocks_than_fit_in_a_turn_run_out_in_several),
		cmocka_unit_test(test_a_method_is_found_by_its_whole_path_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
