/* The handling modes between two nodes: QC all online, YS accepted at the window, YB decided there. */
#include "tests/core/pair.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define OK(call) assert_int_equal((call), TB_OK)
#define WAY(way) "\"detail\":{\"way\":\"" way "\"}"

#define BASE "000132000000"
#define OWN_ITEM "116201000000000000000132000001A"

/* |code| of the item, its modes and the version of its criteria. */
static void load(struct pair *pair, struct side *side, const char *code, const char *modes,
                 const char *criteria)
{
	char json[2048];
	snprintf(json, sizeof(json),
	         "{\"items\":[{\"code\":\"%s\",\"name\":\"机动车驾驶证公证\",\"department\":"
	         "\"11320400014109045T\",\"departmentName\":\"司法局\",\"modes\":[%s],\"promisedDays\":5,"
	         "\"legalDays\":15,\"baseCode\":\"" BASE "\",\"criteria\":\"%s\","
	         "\"resultType\":\"11100000000013338W032\",\"materials\":["
	         "{\"code\":\"M1\",\"name\":\"申请表\",\"required\":true,\"basis\":\"公证程序规则\"},"
	         "{\"code\":\"M2\",\"name\":\"驾驶证\",\"required\":false,\"basis\":\"公证程序规则\"},"
	         "{\"code\":\"M3\",\"name\":\"原件\",\"required\":false,\"basis\":\"公证程序规则\","
	         "\"original\":true}]}]}",
	         code, modes, criteria);
	pair_ask(pair, side, "/tongban.v1.CatalogueService/Load", json);
}

/* What an agreement says of all modes, with the rights |rights|. */
#define TERM(rights) "{\"items\":[\"*\"],\"modes\":[\"QC\",\"DS\",\"YS\",\"YB\"],\"rights\":[" rights "]}"
#define RIGHTS "\"NOTIFY_ONCE\",\"CHECK_ORIGINALS\",\"DELIVER_RESULTS\""

/* A pair whose home region offers its item in all modes, and whose window has criteria |criteria| for it. */
static struct pair *bare_pair(void **state, const char *criteria)
{
	struct pair *pair = pair_new(*state);
	load(pair, &pair->home, ITEM, "\"QC\",\"DS\",\"YS\",\"YB\"", "2026-1");
	load(pair, &pair->window, OWN_ITEM, "\"QC\"", criteria);
	pair_pass(pair, 6 * TB_MINUTE);
	return pair;
}

/* And an agreement by which the window may accept and decide. */
static struct pair *modes_pair(void **state, const char *criteria)
{
	struct pair *pair = bare_pair(state, criteria);
	pair_agree(pair, TERM(RIGHTS ",\"ACCEPT_CASES\",\"DECIDE_CASES\""));
	return pair;
}

/* What the home region grants the window from now on: everything, or nothing. */
static void grant(struct pair *pair, bool all)
{
	static const char *const any[] = {"*", NULL};
	struct peer_set *set = peer_set_new();
	struct peer_case_grant cases = {.items = any, .modes = any};
	struct peer peer = {.region = WINDOW,
	                    .name = "w",
	                    .endpoint = "wire:1",
	                    .cases = &cases,
	                    .cases_count = all ? 1 : 0,
	                    .queries_per_second = 1,
	                    .queries_burst = 1};
	struct tb_error err = {0};
	OK(peer_set_add(set, &peer, tb_buf_bytes(&pair->window.region.ca_pem), &err));
	pair_set_peers(pair, &pair->home, set);
}

static void act(struct pair *pair, struct side *side, const char *number, const char *event, const char *role,
                const char *more)
{
	if (pair_act(pair, side, number, event, role, more))
		fail_msg("%s by %s: %s", event, role, pair_refusal(side));
}

static void check_state(struct pair *pair, const char *number, PbCaseState want)
{
	assert_int_equal(pair_case(pair, &pair->window, number)->state, want);
	assert_int_equal(pair_case(pair, &pair->home, number)->state, want);
	pair_assert_equal_logs(pair, number);
}

/* The last |event| in the log; lives as the view. */
static const PbCaseEntry *find_entry(const PbCaseView *view, PbCaseEvent event)
{
	for (size_t i = view->n_log; i > 0; i--) {
		if (view->log[i - 1]->event == event)
			return view->log[i - 1];
	}
	return NULL;
}

static const PbClockState *find_clock(const PbCaseView *view, PbClock clock)
{
	for (size_t i = 0; i < view->n_clocks; i++) {
		if (view->clocks[i]->clock == clock)
			return view->clocks[i];
	}
	return NULL;
}

static bool may(const PbCaseView *view, PbCaseEvent event)
{
	for (size_t i = 0; i < view->n_possible; i++) {
		if (view->possible[i] == event)
			return true;
	}
	return false;
}

static bool knows(struct pair *pair, struct side *side, const char *number)
{
	char json[128];
	enum tb_code code;
	snprintf(json, sizeof(json), "{\"number\":\"%s\"}", number);
	pair_call(pair, side, "/tongban.v1.CaseService/Get", json, &code);
	assert_true(code == TB_OK || code == TB_ENOTFOUND);
	return code == TB_OK;
}

/* From the review to the evaluation with |grade|, by the officers of |side|. */
static void decide_and_close(struct pair *pair, struct side *side, const char *number, bool here, int grade)
{
	char detail[64];
	act(pair, side, number, "START", here ? "R_DEPT" : "H_DEPT", "");
	act(pair, side, number, "GRANT", here ? "R_DEPT" : "H_DEPT", "\"issue\":{\"typeName\":\"公证书\"}");
	act(pair, side, number, "DISPATCH", here ? "R_WIN" : "H_WIN", WAY("NETWORK"));
	act(pair, here ? side : &pair->window, number, "HAND_OVER", "APPLICANT", "");
	snprintf(detail, sizeof(detail), "\"detail\":{\"grade\":%d}", grade);
	act(pair, here ? side : &pair->window, number, "EVALUATE", "APPLICANT", detail);
}

/* The same in mode YB, begun already. */
static void decide_and_close_from_review(struct pair *pair, const char *number)
{
	act(pair, &pair->window, number, "GRANT", "R_DEPT", "\"issue\":{\"typeName\":\"公证书\"}");
	act(pair, &pair->window, number, "DISPATCH", "R_WIN", WAY("NETWORK"));
	act(pair, &pair->window, number, "HAND_OVER", "APPLICANT", "");
}

/* ---- QC */

static void test_all_online_from_the_portal_to_the_evaluation(void **state)
{
	struct pair *pair = modes_pair(state, "2026-1");
	char number[32], material[512], more[1024];
	OK(pair_submit_as(pair, &pair->window, "QC", "APPLICANT", false, number));
	check_state(pair, number, PB_CASE_STATE__SIGNED_FOR);
	PbCaseView *view = pair_case(pair, &pair->window, number);
	assert_string_equal(view->owner, HOME);
	assert_string_equal(view->first_node, WINDOW);
	assert_non_null(find_clock(view, PB_CLOCK__T1_NOTIFY));
	assert_null(find_clock(view, PB_CLOCK__T2_PUSH));

	act(pair, &pair->home, number, "NOTIFY", "H_WIN",
	    "\"detail\":{\"needs\":[{\"code\":\"M2\",\"name\":\"驾驶证\"}]}");
	check_state(pair, number, PB_CASE_STATE__CORRECTION);
	pair_upload(pair, &pair->window, 5000, 9, material);
	snprintf(more, sizeof(more), "\"detail\":{\"materials\":[{\"need\":\"M2\",%s}]}", material);
	act(pair, &pair->window, number, "SUPPLEMENT", "APPLICANT", more);
	check_state(pair, number, PB_CASE_STATE__SIGNED_FOR);

	act(pair, &pair->home, number, "ACCEPT", "H_WIN", "");
	act(pair, &pair->home, number, "START", "H_DEPT", "");
	act(pair, &pair->home, number, "GRANT", "H_DEPT", "\"issue\":{\"typeName\":\"公证书\"}");
	/* Nobody has to come for the result. */
	assert_int_equal(pair_act(pair, &pair->home, number, "DISPATCH", "H_WIN", WAY("HOME_PICKUP")),
	                 TB_EINVALID);
	act(pair, &pair->home, number, "DISPATCH", "H_WIN", WAY("NETWORK"));
	act(pair, &pair->window, number, "HAND_OVER", "APPLICANT", "");
	act(pair, &pair->window, number, "EVALUATE", "APPLICANT", "\"detail\":{\"grade\":3}");
	check_state(pair, number, PB_CASE_STATE__CLOSED);
	view = pair_case(pair, &pair->window, number);
	assert_int_equal(view->n_clocks, 0);
	assert_string_equal(view->first_node, WINDOW);
	for (size_t i = 0; i < view->n_log; i++)
		assert_true(view->log[i]->to != PB_CASE_STATE__RECEIVED &&
		            view->log[i]->to != PB_CASE_STATE__CHECKING &&
		            view->log[i]->to != PB_CASE_STATE__WINDOW_WAITS);
	assert_int_equal(pair->window.logged_errors + pair->home.logged_errors, 0);
	pair_free(pair);
}

static void test_all_online_at_the_item_s_own_node_sends_nothing(void **state)
{
	struct pair *pair = modes_pair(state, "2026-1");
	char number[32];
	OK(pair_submit_as(pair, &pair->home, "QC", "APPLICANT", true, number));
	PbCaseView *view = pair_case(pair, &pair->home, number);
	assert_int_equal(view->state, PB_CASE_STATE__SIGNED_FOR);
	assert_string_equal(view->first_node, HOME);
	assert_false(view->handing_over);
	assert_int_equal(view->epoch, 0);
	act(pair, &pair->home, number, "ACCEPT", "H_WIN", "");
	act(pair, &pair->home, number, "START", "H_DEPT", "");
	act(pair, &pair->home, number, "DENY", "H_DEPT", "\"detail\":{\"reason\":\"不符合条件\"}");
	act(pair, &pair->home, number, "DISPATCH", "H_WIN", WAY("NETWORK"));
	act(pair, &pair->home, number, "HAND_OVER", "APPLICANT", "");
	assert_int_equal(pair_case(pair, &pair->home, number)->state, PB_CASE_STATE__CLOSED);
	assert_false(knows(pair, &pair->window, number));
	pair_free(pair);
}

static void test_a_window_s_mode_is_not_for_the_own_items(void **state)
{
	static const char *const modes[] = {"DS", "YS", "YB"};
	struct pair *pair = modes_pair(state, "2026-1");
	char number[32];
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(pair_submit_as(pair, &pair->home, modes[i], "R_WIN", true, number),
		                 TB_EINVALID);
	pair_free(pair);
}

static void test_what_bounces_online_is_the_applicant_s_again(void **state)
{
	struct pair *pair = modes_pair(state, "2026-1");
	char number[32];
	grant(pair, false);
	OK(pair_submit_as(pair, &pair->window, "QC", "APPLICANT", false, number));
	PbCaseView *view = pair_case(pair, &pair->window, number);
	assert_int_equal(view->state, PB_CASE_STATE__DRAFT);
	assert_string_equal(view->owner, WINDOW);
	assert_int_equal(view->n_clocks, 0);
	assert_non_null(strstr(find_entry(view, PB_CASE_EVENT__BOUNCE)->detail->reason, "not granted"));
	assert_true(may(view, PB_CASE_EVENT__SEND) && may(view, PB_CASE_EVENT__WITHDRAW));
	assert_false(may(view, PB_CASE_EVENT__CHECK));
	assert_false(knows(pair, &pair->home, number));

	grant(pair, true);
	act(pair, &pair->window, number, "SEND", "APPLICANT", "");
	check_state(pair, number, PB_CASE_STATE__SIGNED_FOR);
	assert_string_equal(pair_case(pair, &pair->home, number)->first_node, WINDOW);

	grant(pair, false);
	OK(pair_submit_as(pair, &pair->window, "QC", "APPLICANT", false, number));
	act(pair, &pair->window, number, "WITHDRAW", "APPLICANT", "");
	assert_int_equal(pair_case(pair, &pair->window, number)->state, PB_CASE_STATE__WITHDRAWN);
	pair_free(pair);
}

static void test_online_takes_no_paper_originals(void **state)
{
	struct pair *pair = modes_pair(state, "2026-1");
	char json[2048], material[512];
	enum tb_code code;
	pair_upload(pair, &pair->window, 1000, 4, material);
	snprintf(json, sizeof(json),
	         "{\"application\":{\"item\":\"" ITEM "\",\"mode\":\"QC\",\"home\":\"" HOME
	         "\",\"identity\":{"
	         "\"level\":\"MATCHED\"},"
	         "\"applicant\":{\"name\":\"王伟\",\"codeType\":\"111\",\"code\":\"11010519491231002X\"},"
	         "\"delivery\":\"NETWORK\",\"materials\":[{\"need\":\"M1\",%s},{\"need\":\"M3\","
	         "\"original\":true,\"name\":\"原件\"}]},\"actor\":{\"role\":\"APPLICANT\",\"id\":\"a\"}}",
	         material);
	pair_call(pair, &pair->window, "/tongban.v1.CaseService/Submit", json, &code);
	assert_int_equal(code, TB_EINVALID);
	assert_non_null(strstr(pair_refusal(&pair->window), "originals"));
	pair_free(pair);
}

/* ---- YS */

static void test_a_window_accepts_and_the_home_region_decides(void **state)
{
	struct pair *pair = modes_pair(state, "2026-1");
	char number[32];
	OK(pair_submit_as(pair, &pair->window, "YS", "R_WIN", true, number));
	check_state(pair, number, PB_CASE_STATE__ACCEPTED);
	PbCaseView *view = pair_case(pair, &pair->home, number);
	assert_string_equal(view->owner, HOME);
	const PbCaseEntry *accepted = find_entry(view, PB_CASE_EVENT__ACCEPT);
	assert_string_equal(accepted->node, WINDOW);
	assert_int_equal(accepted->detail->promised_days, 5);
	/* Whose number it is, shows: two regions number acceptances of one item. */
	size_t size = strlen(view->local_number);
	assert_true(size > 37 && size <= 50);
	assert_string_equal(view->local_number + size - 6, WINDOW);
	assert_non_null(find_entry(view, PB_CASE_EVENT__SIGN));
	assert_true(find_clock(view, PB_CLOCK__T5_DECIDE)->running);
	assert_true(find_clock(view, PB_CLOCK__T4_RECHECK)->running);
	/* What is accepted is not refused. */
	assert_int_equal(pair_act(pair, &pair->home, number, "REFUSE", "H_WIN",
	                          "\"detail\":{\"reason\":\"不属本机关\"}"),
	                 TB_ESTATE);
	decide_and_close(pair, &pair->home, number, false, 1);
	check_state(pair, number, PB_CASE_STATE__CLOSED);
	assert_int_equal(pair->window.logged_errors + pair->home.logged_errors, 0);
	pair_free(pair);
}

static void test_an_accepted_case_is_returned_within_the_recheck_and_sent_again(void **state)
{
	struct pair *pair = modes_pair(state, "2026-1");
	char number[32];
	OK(pair_submit_as(pair, &pair->window, "YS", "R_WIN", true, number));
	int64_t due = find_clock(pair_case(pair, &pair->window, number), PB_CLOCK__T5_DECIDE)->due_ms;
	act(pair, &pair->home, number, "RETURN", "H_WIN", "\"detail\":{\"reason\":\"扫描不清\"}");
	check_state(pair, number, PB_CASE_STATE__RETURNED);
	PbCaseView *view = pair_case(pair, &pair->window, number);
	assert_string_equal(view->owner, WINDOW);
	assert_int_equal(find_clock(view, PB_CLOCK__T5_DECIDE)->due_ms, due);
	act(pair, &pair->window, number, "SEND", "R_WIN", "");
	check_state(pair, number, PB_CASE_STATE__ACCEPTED);
	view = pair_case(pair, &pair->home, number);
	assert_string_equal(view->owner, HOME);
	assert_int_equal(view->epoch, 3);
	assert_int_equal(find_clock(view, PB_CLOCK__T5_DECIDE)->due_ms, due);
	assert_int_equal(find_entry(view, PB_CASE_EVENT__SIGN)->seq, view->seq);
	/* The recheck has passed, whether it was done or not. */
	pair_pass(pair, 5 * TB_DAY);
	assert_true(find_clock(pair_case(pair, &pair->home, number), PB_CLOCK__T4_RECHECK)->overdue);
	assert_int_equal(
		pair_act(pair, &pair->home, number, "RETURN", "H_WIN", "\"detail\":{\"reason\":\"晚了\"}"),
		TB_ESTATE);
	act(pair, &pair->home, number, "CONSULT", "LIAISON", "\"detail\":{\"note\":\"请补充说明\"}");
	act(pair, &pair->home, number, "START", "H_DEPT", "");
	check_state(pair, number, PB_CASE_STATE__REVIEW);
	pair_free(pair);
}

static void test_an_accepted_case_that_bounces_stays_accepted(void **state)
{
	struct pair *pair = modes_pair(state, "2026-1");
	char number[32];
	grant(pair, false);
	OK(pair_submit_as(pair, &pair->window, "YS", "R_WIN", true, number));
	PbCaseView *view = pair_case(pair, &pair->window, number);
	assert_int_equal(view->state, PB_CASE_STATE__RETURNED);
	assert_true(find_clock(view, PB_CLOCK__T5_DECIDE)->running);
	assert_true(find_clock(view, PB_CLOCK__T2_PUSH)->running);
	grant(pair, true);
	act(pair, &pair->window, number, "SEND", "R_WIN", "");
	check_state(pair, number, PB_CASE_STATE__ACCEPTED);
	assert_non_null(find_entry(pair_case(pair, &pair->home, number), PB_CASE_EVENT__SIGN));
	pair_free(pair);
}

static void test_what_a_window_does_not_answer_is_accepted_and_goes_by_itself(void **state)
{
	struct pair *pair = modes_pair(state, "2026-1");
	char number[32];
	tb_time received = pair->now;
	OK(pair_submit_as(pair, &pair->window, "YS", "R_WIN", false, number));
	assert_false(knows(pair, &pair->home, number));
	pair_pass(pair, 12 * TB_DAY);
	check_state(pair, number, PB_CASE_STATE__ACCEPTED);
	PbCaseView *view = pair_case(pair, &pair->home, number);
	assert_string_equal(view->owner, HOME);
	const PbCaseEntry *deemed = find_entry(view, PB_CASE_EVENT__DEEM);
	assert_non_null(deemed);
	assert_true(deemed->detail->counted_from_ms == received);
	assert_int_equal(deemed->actor->role, PB_ROLE__SYSTEM);
	assert_string_equal(deemed->node, WINDOW);
	assert_non_null(find_entry(view, PB_CASE_EVENT__SIGN));
	assert_string_equal(view->local_number + strlen(view->local_number) - 6, WINDOW);
	act(pair, &pair->home, number, "START", "H_DEPT", "");
	pair_free(pair);
}

static void submit_without_materials(struct pair *pair, char number[32])
{
	PbCaseView *view = (PbCaseView *)(void *)pair_ask(
		pair, &pair->window, "/tongban.v1.CaseService/Submit",
		"{\"application\":{\"item\":\"" ITEM "\",\"mode\":\"YS\",\"home\":\"" HOME "\","
		"\"applicant\":{\"name\":\"王伟\",\"codeType\":\"111\",\"code\":\"11010519491231002X\"},"
		"\"delivery\":\"NETWORK\"},\"actor\":{\"role\":\"R_WIN\",\"id\":\"w1\"}}");
	snprintf(number, 32, "%s", view->number);
}

static void test_what_is_deemed_accepted_goes_with_what_there_is(void **state)
{
	struct pair *pair = modes_pair(state, "2026-1");
	char number[32];
	submit_without_materials(pair, number);
	act(pair, &pair->window, number, "CHECK", "R_WIN", "");
	/* A person may not accept what is incomplete ... */
	assert_int_equal(pair_act(pair, &pair->window, number, "ACCEPT", "R_WIN", ""), TB_EINVALID);
	/* ... but who says nothing has accepted it. */
	pair_pass(pair, 12 * TB_DAY);
	check_state(pair, number, PB_CASE_STATE__ACCEPTED);
	assert_string_equal(pair_case(pair, &pair->home, number)->owner, HOME);
	pair_free(pair);
}

static void test_what_was_deemed_accepted_may_bounce_and_goes_again(void **state)
{
	struct pair *pair = modes_pair(state, "2026-1");
	char number[32];
	grant(pair, false);
	submit_without_materials(pair, number);
	pair_pass(pair, 12 * TB_DAY);
	assert_int_equal(pair_case(pair, &pair->window, number)->state, PB_CASE_STATE__RETURNED);
	grant(pair, true);
	act(pair, &pair->window, number, "SEND", "R_WIN", "");
	check_state(pair, number, PB_CASE_STATE__ACCEPTED);
	assert_string_equal(pair_case(pair, &pair->home, number)->owner, HOME);
	pair_free(pair);
}

static void test_a_second_package_that_expires_leaves_both_sides_with_one_log(void **state)
{
	struct pair *pair = modes_pair(state, "2026-1");
	char number[32];
	OK(pair_submit_as(pair, &pair->window, "YS", "R_WIN", true, number));
	act(pair, &pair->home, number, "RETURN", "H_WIN", "\"detail\":{\"reason\":\"扫描不清\"}");
	pair->parted = true;
	act(pair, &pair->window, number, "SEND", "R_WIN", "");
	pair_pass(pair, 8 * TB_DAY);
	pair->parted = false;
	pair_pass(pair, TB_HOUR);
	check_state(pair, number, PB_CASE_STATE__RETURNED);
	PbCaseView *view = pair_case(pair, &pair->window, number);
	assert_string_equal(view->owner, WINDOW);
	assert_non_null(find_entry(view, PB_CASE_EVENT__BOUNCE));
	act(pair, &pair->window, number, "SEND", "R_WIN", "");
	check_state(pair, number, PB_CASE_STATE__ACCEPTED);
	assert_string_equal(pair_case(pair, &pair->home, number)->owner, HOME);
	pair_free(pair);
}

/* ---- YB */

static void test_a_delegated_case_is_decided_here_and_copied_home(void **state)
{
	struct pair *pair = modes_pair(state, "2026-1");
	char number[32];
	OK(pair_submit_as(pair, &pair->window, "YB", "R_WIN", false, number));
	act(pair, &pair->window, number, "CHECK", "R_WIN", "");
	assert_false(knows(pair, &pair->home, number));
	act(pair, &pair->window, number, "ACCEPT", "R_DEPT", "");
	check_state(pair, number, PB_CASE_STATE__ACCEPTED);
	PbCaseView *view = pair_case(pair, &pair->home, number);
	assert_string_equal(view->owner, WINDOW);
	assert_int_equal(view->epoch, 0);
	assert_int_equal(view->materials_missing, 0);
	assert_false(may(view, PB_CASE_EVENT__START) || may(view, PB_CASE_EVENT__WITHDRAW));
	assert_true(may(view, PB_CASE_EVENT__OBJECT) && may(view, PB_CASE_EVENT__CONSULT));
	assert_int_equal(pair_act(pair, &pair->home, number, "START", "H_DEPT", ""), TB_EDENIED);
	decide_and_close(pair, &pair->window, number, true, 2);
	check_state(pair, number, PB_CASE_STATE__CLOSED);
	view = pair_case(pair, &pair->home, number);
	const PbCaseEntry *decision = find_entry(view, PB_CASE_EVENT__GRANT);
	assert_string_equal(decision->node, WINDOW);
	assert_non_null(decision->detail->decision->credential);
	assert_string_equal(view->owner, WINDOW);
	assert_false(view->dispute);
	assert_int_equal(pair->window.logged_errors + pair->home.logged_errors, 0);
	pair_free(pair);
}

static void test_an_objection_marks_a_dispute_and_undoes_nothing(void **state)
{
	struct pair *pair = modes_pair(state, "2026-1");
	char number[32];
	OK(pair_submit_as(pair, &pair->window, "YB", "R_WIN", true, number));
	act(pair, &pair->window, number, "START", "R_DEPT", "");
	act(pair, &pair->window, number, "GRANT", "R_HEAD", "");
	assert_int_equal(pair_act(pair, &pair->home, number, "OBJECT", "H_DEPT", ""), TB_EINVALID);
	act(pair, &pair->home, number, "OBJECT", "H_DEPT", "\"detail\":{\"reason\":\"标准适用有误\"}");
	check_state(pair, number, PB_CASE_STATE__GRANTED);
	assert_true(pair_case(pair, &pair->home, number)->dispute);
	PbCaseView *view = pair_case(pair, &pair->window, number);
	assert_true(view->dispute);
	assert_string_equal(find_entry(view, PB_CASE_EVENT__OBJECT)->node, HOME);
	act(pair, &pair->window, number, "DISPATCH", "R_WIN", WAY("WINDOW_PICKUP"));
	act(pair, &pair->window, number, "HAND_OVER", "R_WIN", "");
	act(pair, &pair->home, number, "OBJECT", "LIAISON", "\"detail\":{\"reason\":\"仍有异议\"}");
	check_state(pair, number, PB_CASE_STATE__CLOSED);
	pair_free(pair);
}

static void test_other_criteria_are_refused_before_anything_happens(void **state)
{
	struct pair *pair = modes_pair(state, "2025-9");
	char number[32];
	enum tb_code code;
	assert_int_equal(pair_submit_as(pair, &pair->window, "YB", "R_WIN", true, number), TB_ESTATE);
	assert_non_null(strstr(pair_refusal(&pair->window), "2025-9"));
	PbCaseListResponse *list = (PbCaseListResponse *)(void *)pair_call(
		pair, &pair->window, "/tongban.v1.CaseService/List", "{}", &code);
	OK(code);
	assert_int_equal(list->n_cases, 0);
	load(pair, &pair->window, OWN_ITEM, "\"QC\"", "2026-1");
	OK(pair_submit_as(pair, &pair->window, "YB", "R_WIN", true, number));
	check_state(pair, number, PB_CASE_STATE__ACCEPTED);
	pair_free(pair);
}

static void test_an_item_that_we_do_not_have_is_not_decided_here(void **state)
{
	struct pair *pair = modes_pair(state, "2026-1");
	char number[32];
	pair_ask(pair, &pair->window, "/tongban.v1.CatalogueService/Load", "{\"items\":[]}");
	assert_int_equal(pair_submit_as(pair, &pair->window, "YB", "R_WIN", true, number), TB_ENOTFOUND);
	load(pair, &pair->window, OWN_ITEM, "\"QC\"", "2026-1");
	OK(pair_submit_as(pair, &pair->window, "YB", "R_WIN", true, number));
	/* A list without criteria delegates nothing. */
	load(pair, &pair->home, ITEM, "\"YB\"", "");
	pair_pass(pair, 6 * TB_MINUTE);
	assert_int_equal(pair_submit_as(pair, &pair->window, "YB", "R_WIN", true, number), TB_ESTATE);
	pair_free(pair);
}

static void test_nobody_acts_in_another_s_name_without_an_agreement(void **state)
{
	struct pair *pair = bare_pair(state, "2026-1");
	char number[32];
	enum tb_code code;
	assert_int_equal(pair_submit_as(pair, &pair->window, "YS", "R_WIN", true, number), TB_EDENIED);
	assert_int_equal(pair_submit_as(pair, &pair->window, "YB", "R_WIN", true, number), TB_EDENIED);
	/* To accept is not to decide. */
	pair_agree(pair, TERM(RIGHTS ",\"ACCEPT_CASES\""));
	assert_int_equal(pair_submit_as(pair, &pair->window, "YB", "R_WIN", true, number), TB_EDENIED);
	PbCaseListResponse *list = (PbCaseListResponse *)(void *)pair_call(
		pair, &pair->window, "/tongban.v1.CaseService/List", "{}", &code);
	OK(code);
	assert_int_equal(list->n_cases, 0);
	OK(pair_submit_as(pair, &pair->window, "YS", "R_WIN", true, number));
	check_state(pair, number, PB_CASE_STATE__ACCEPTED);
	pair_free(pair);
}

static void test_a_copy_that_is_not_granted_is_a_dispute_at_the_window(void **state)
{
	struct pair *pair = modes_pair(state, "2026-1");
	char number[32];
	grant(pair, false);
	OK(pair_submit_as(pair, &pair->window, "YB", "R_WIN", true, number));
	PbCaseView *view = pair_case(pair, &pair->window, number);
	assert_int_equal(view->state, PB_CASE_STATE__ACCEPTED);
	assert_string_equal(view->owner, WINDOW);
	assert_true(view->dispute);
	assert_non_null(strstr(view->proposal, "refused its copy"));
	assert_non_null(strstr(view->proposal, "not granted"));
	assert_false(view->handing_over);
	assert_int_equal(pair->window.logged_errors, 1);
	assert_false(knows(pair, &pair->home, number));
	pair_free(pair);
}

static void test_a_refused_copy_is_listed_and_taken_when_it_is_offered_again(void **state)
{
	struct pair *pair = modes_pair(state, "2026-1");
	char number[32];
	grant(pair, false);
	OK(pair_submit_as(pair, &pair->window, "YB", "R_WIN", true, number));
	assert_true(pair_case(pair, &pair->window, number)->copy_refused);
	PbCaseListResponse *list = (PbCaseListResponse *)(void *)pair_ask(
		pair, &pair->window, "/tongban.v1.CaseService/List", "{\"dispute\":true}");
	assert_int_equal(list->n_cases, 1);
	/* Still not granted: refused as before, and nothing is lost. */
	act(pair, &pair->window, number, "SHARE", "R_WIN", "");
	assert_true(pair_case(pair, &pair->window, number)->copy_refused);
	act(pair, &pair->window, number, "START", "R_DEPT", "");
	grant(pair, true);
	act(pair, &pair->window, number, "SHARE", "LIAISON", "");
	check_state(pair, number, PB_CASE_STATE__REVIEW);
	PbCaseView *view = pair_case(pair, &pair->window, number);
	assert_false(view->copy_refused || view->dispute);
	assert_string_equal(view->proposal, "");
	list = (PbCaseListResponse *)(void *)pair_ask(pair, &pair->window, "/tongban.v1.CaseService/List",
	                                              "{\"dispute\":true}");
	assert_int_equal(list->n_cases, 0);
	/* It has its copy: it gets what happens, and is not offered it twice. */
	assert_int_equal(pair_act(pair, &pair->window, number, "SHARE", "R_WIN", ""), TB_ESTATE);
	decide_and_close_from_review(pair, number);
	check_state(pair, number, PB_CASE_STATE__CLOSED);
	pair_free(pair);
}

static void test_the_time_to_object_runs_from_the_decision_and_ends(void **state)
{
	struct pair *pair = modes_pair(state, "2026-1");
	char number[32];
	OK(pair_submit_as(pair, &pair->window, "YB", "R_WIN", true, number));
	assert_null(find_clock(pair_case(pair, &pair->home, number), PB_CLOCK__T10_OBJECT));
	act(pair, &pair->window, number, "START", "R_DEPT", "");
	decide_and_close_from_review(pair, number);
	/* The result is in the applicant's hands; the time to object goes on. */
	const PbClockState *clock = find_clock(pair_case(pair, &pair->home, number), PB_CLOCK__T10_OBJECT);
	assert_true(clock && clock->running);
	act(pair, &pair->home, number, "OBJECT", "H_DEPT", "\"detail\":{\"reason\":\"标准适用有误\"}");
	for (int day = 0; day < 25; day++)
		pair_pass(pair, TB_DAY);
	check_state(pair, number, PB_CASE_STATE__CLOSED);
	PbCaseView *view = pair_case(pair, &pair->window, number);
	assert_null(find_clock(view, PB_CLOCK__T10_OBJECT));
	assert_int_equal(find_entry(view, PB_CASE_EVENT__OBJECTION_ENDS)->actor->role, PB_ROLE__SYSTEM);
	/* The home region's wish goes to the owner, who refuses it. */
	act(pair, &pair->home, number, "OBJECT", "H_DEPT", "\"detail\":{\"reason\":\"太迟\"}");
	view = pair_case(pair, &pair->home, number);
	assert_non_null(strstr(view->proposal, "T10"));
	assert_string_equal(find_entry(view, PB_CASE_EVENT__OBJECT)->detail->reason, "标准适用有误");
	pair_free(pair);
}

static void test_a_copy_comes_late_and_whole_when_the_wire_was_cut(void **state)
{
	struct pair *pair = modes_pair(state, "2026-1");
	char number[32];
	pair->parted = true;
	OK(pair_submit_as(pair, &pair->window, "YB", "R_WIN", true, number));
	act(pair, &pair->window, number, "START", "R_DEPT", "");
	act(pair, &pair->window, number, "DENY", "R_DEPT", "\"detail\":{\"reason\":\"不符合条件\"}");
	pair_crash(pair, &pair->window);
	assert_false(knows(pair, &pair->home, number));
	pair->parted = false;
	pair_pass(pair, TB_HOUR);
	check_state(pair, number, PB_CASE_STATE__DENIED);
	assert_string_equal(pair_case(pair, &pair->home, number)->owner, WINDOW);
	pair_free(pair);
}

/* ---- evaluations */

/* A closed case in |mode| with the grade 4 or 5; gives who repairs it. */
static struct side *bad_case(struct pair *pair, const char *mode, int grade, char number[32])
{
	bool here = strcmp(mode, "YB") == 0;
	struct side *side = here ? &pair->window : &pair->home;
	const char *role = strcmp(mode, "QC") == 0 ? "APPLICANT" : "R_WIN";
	OK(pair_submit_as(pair, &pair->window, mode, role, true, number));
	if (pair_case(pair, side, number)->state == PB_CASE_STATE__SIGNED_FOR)
		act(pair, side, number, "ACCEPT", "H_WIN", "");
	decide_and_close(pair, side, number, here, grade);
	return side;
}

static const char *const modes[] = {"QC", "DS", "YS", "YB"};

static void test_a_bad_evaluation_is_repaired(void **state)
{
	struct pair *pair = modes_pair(state, "2026-1");
	for (size_t i = 0; i < 4; i++) {
		char number[32];
		struct side *side = bad_case(pair, modes[i], i % 2 ? 4 : 5, number);
		const char *role = side == &pair->home ? "H_WIN" : "R_WIN";
		PbCaseView *view = pair_case(pair, side, number);
		assert_true(find_clock(view, PB_CLOCK__T9_REPAIR)->running);
		assert_int_equal(pair_act(pair, side, number, "REPAIR", role, ""), TB_EINVALID);
		act(pair, side, number, "REPAIR", role, "\"detail\":{\"note\":\"已回访，申请人满意\"}");
		check_state(pair, number, PB_CASE_STATE__CLOSED);
		/* In YB the time to object goes on. */
		assert_int_equal(pair_case(pair, &pair->window, number)->n_clocks, i == 3 ? 1 : 0);
		assert_int_equal(pair_act(pair, side, number, "REPAIR", role, "\"detail\":{\"note\":\"又\"}"),
		                 TB_ESTATE);
	}
	pair_free(pair);
}

static void test_a_bad_evaluation_that_nobody_repairs_is_overdue(void **state)
{
	struct pair *pair = modes_pair(state, "2026-1");
	char numbers[4][32];
	for (size_t i = 0; i < 4; i++)
		bad_case(pair, modes[i], 4, numbers[i]);
	pair_pass(pair, 40 * TB_DAY);
	for (size_t i = 0; i < 4; i++) {
		struct side *side = i == 3 ? &pair->window : &pair->home;
		check_state(pair, numbers[i], PB_CASE_STATE__CLOSED);
		PbCaseView *view = pair_case(pair, &pair->window, numbers[i]);
		assert_true(find_clock(view, PB_CLOCK__T9_REPAIR)->overdue);
		assert_int_equal(find_entry(view, PB_CASE_EVENT__OVERDUE)->detail->clock,
		                 PB_CLOCK__T9_REPAIR);
		act(pair, side, numbers[i], "REPAIR", i == 3 ? "R_DEPT" : "H_DEPT",
		    "\"detail\":{\"note\":\"已整改\"}");
		assert_int_equal(pair_case(pair, side, numbers[i])->n_clocks, 0);
	}
	pair_free(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_all_online_from_the_portal_to_the_evaluation),
		TEST(test_all_online_at_the_item_s_own_node_sends_nothing),
		TEST(test_a_window_s_mode_is_not_for_the_own_items),
		TEST(test_what_bounces_online_is_the_applicant_s_again),
		TEST(test_online_takes_no_paper_originals),
		TEST(test_a_window_accepts_and_the_home_region_decides),
		TEST(test_an_accepted_case_is_returned_within_the_recheck_and_sent_again),
		TEST(test_an_accepted_case_that_bounces_stays_accepted),
		TEST(test_what_a_window_does_not_answer_is_accepted_and_goes_by_itself),
		TEST(test_what_is_deemed_accepted_goes_with_what_there_is),
		TEST(test_what_was_deemed_accepted_may_bounce_and_goes_again),
		TEST(test_a_second_package_that_expires_leaves_both_sides_with_one_log),
		TEST(test_a_delegated_case_is_decided_here_and_copied_home),
		TEST(test_an_objection_marks_a_dispute_and_undoes_nothing),
		TEST(test_other_criteria_are_refused_before_anything_happens),
		TEST(test_an_item_that_we_do_not_have_is_not_decided_here),
		TEST(test_nobody_acts_in_another_s_name_without_an_agreement),
		TEST(test_a_copy_that_is_not_granted_is_a_dispute_at_the_window),
		TEST(test_a_refused_copy_is_listed_and_taken_when_it_is_offered_again),
		TEST(test_the_time_to_object_runs_from_the_decision_and_ends),
		TEST(test_a_copy_comes_late_and_whole_when_the_wire_was_cut),
		TEST(test_a_bad_evaluation_is_repaired),
		TEST(test_a_bad_evaluation_that_nobody_repairs_is_overdue),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
