/* The exchange between two nodes, as a story and as what may go wrong in it. */
#include "tests/core/hostile.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define OK(call) assert_int_equal((call), TB_OK)

static void test_a_case_goes_from_the_window_to_the_home_region_and_back(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	pair_submit(pair, true, number);
	PbCaseView *view = pair_case(pair, &pair->home, number);
	assert_int_equal(view->state, PB_CASE_STATE__SIGNED_FOR);
	assert_string_equal(view->owner, HOME);
	assert_string_equal(view->first_node, WINDOW);
	OK(pair_act(pair, &pair->home, number, "ACCEPT", "H_WIN", ""));
	OK(pair_act(pair, &pair->home, number, "START", "H_DEPT", ""));
	OK(pair_act(pair, &pair->home, number, "SUSPEND", "H_DEPT",
	            "\"detail\":{\"reason\":\"鉴定\",\"days\":3}"));
	OK(pair_act(pair, &pair->home, number, "RESUME", "H_DEPT", ""));
	OK(pair_act(pair, &pair->home, number, "EXTEND", "H_HEAD",
	            "\"detail\":{\"reason\":\"复杂\",\"days\":5}"));
	assert_int_equal(pair_act(pair, &pair->home, number, "EXTEND", "H_HEAD",
	                          "\"detail\":{\"reason\":\"又\",\"days\":5}"),
	                 TB_ESTATE);
	OK(pair_act(pair, &pair->home, number, "GRANT", "H_DEPT", "\"issue\":{\"typeName\":\"公证书\"}"));
	OK(pair_act(pair, &pair->home, number, "DISPATCH", "H_WIN",
	            "\"detail\":{\"way\":\"WINDOW_PICKUP\"}"));
	OK(pair_act(pair, &pair->window, number, "HAND_OVER", "R_WIN", ""));
	OK(pair_act(pair, &pair->window, number, "EVALUATE", "APPLICANT", "\"detail\":{\"grade\":1}"));
	view = pair_case(pair, &pair->window, number);
	assert_int_equal(view->state, PB_CASE_STATE__CLOSED);
	assert_true(strlen(view->local_number) > 31);
	pair_assert_equal_logs(pair, number);
	pair_free(pair);
}

static void test_the_issued_certificate_is_stored_at_home_and_verified_from_the_window(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32], json[512];
	enum tb_code code;
	pair_submit(pair, true, number);
	OK(pair_act(pair, &pair->home, number, "ACCEPT", "H_WIN", ""));
	OK(pair_act(pair, &pair->home, number, "START", "H_DEPT", ""));
	OK(pair_act(pair, &pair->home, number, "GRANT", "H_DEPT", "\"issue\":{\"typeName\":\"公证书\"}"));
	PbCaseView *view = pair_case(pair, &pair->window, number);
	const PbCaseEntry *decision = view->log[view->n_log - 1];
	assert_int_equal(decision->event, PB_CASE_EVENT__GRANT);
	assert_non_null(decision->detail->decision->credential);
	snprintf(json, sizeof(json),
	         "{\"region\":\"" HOME
	         "\",\"queries\":[{\"identifier\":\"%s\",\"purpose\":\"test\",\"caseNumber\":\"%s\","
	         "\"disclosure\":\"DOCUMENT\",\"match\":[{\"name\":\"holder.name\",\"value\":\"王伟\"}]}]}",
	         decision->detail->decision->credential_identifier, number);
	PbVerifyResponse *reply = (PbVerifyResponse *)(void *)pair_call(
		pair, &pair->window, "/tongban.v1.CredentialService/Verify", json, &code);
	OK(code);
	assert_int_equal(reply->outcomes[0]->answer->result, PB_VERIFY_RESULT__CONFIRMED);
	assert_int_equal(reply->outcomes[0]->answer->state, PB_CREDENTIAL_STATE__VALID);
	assert_string_equal(reply->outcomes[0]->document->holders[0]->code, "11010519491231002X");
	pair_free(pair);
}

static void test_notice_and_supplement_go_through_the_window(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32], material[512], more[1024];
	pair_submit(pair, true, number);
	OK(pair_act(pair, &pair->home, number, "NOTIFY", "H_WIN",
	            "\"detail\":{\"needs\":[{\"code\":\"M2\",\"name\":\"驾驶证\"}]}"));
	assert_int_equal(pair_case(pair, &pair->window, number)->state, PB_CASE_STATE__CORRECTION);
	pair_upload(pair, &pair->window, 5000, 9, material);
	snprintf(more, sizeof(more), "\"detail\":{\"materials\":[{\"need\":\"M2\",%s}]}", material);
	OK(pair_act(pair, &pair->window, number, "SUPPLEMENT", "R_WIN", more));
	assert_int_equal(pair_case(pair, &pair->window, number)->state, PB_CASE_STATE__SIGNED_FOR);
	OK(pair_act(pair, &pair->home, number, "ACCEPT", "H_WIN", ""));
	pair_assert_equal_logs(pair, number);
	pair_free(pair);
}

static void test_a_returned_case_is_mended_and_sent_again(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	pair_submit(pair, true, number);
	OK(pair_act(pair, &pair->home, number, "RETURN", "H_WIN", "\"detail\":{\"reason\":\"扫描不清\"}"));
	PbCaseView *view = pair_case(pair, &pair->window, number);
	assert_int_equal(view->state, PB_CASE_STATE__RETURNED);
	assert_string_equal(view->owner, WINDOW);
	OK(pair_act(pair, &pair->window, number, "FIX", "R_WIN", ""));
	OK(pair_act(pair, &pair->window, number, "SEND", "R_WIN", ""));
	view = pair_case(pair, &pair->home, number);
	assert_int_equal(view->state, PB_CASE_STATE__SIGNED_FOR);
	assert_string_equal(view->owner, HOME);
	assert_string_equal(view->first_node, WINDOW);
	assert_int_equal(view->epoch, 3);
	pair_assert_equal_logs(pair, number);
	OK(pair_act(pair, &pair->home, number, "RETURN", "H_WIN", "\"detail\":{\"reason\":\"不属本地\"}"));
	OK(pair_act(pair, &pair->window, number, "CLOSE", "R_WIN", "\"detail\":{\"reason\":\"申请人放弃\"}"));
	assert_int_equal(pair_case(pair, &pair->home, number)->state, PB_CASE_STATE__WITHDRAWN);
	pair_assert_equal_logs(pair, number);
	pair_free(pair);
}

static void test_withdrawal_before_the_decision_wins_and_after_it_loses(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	pair_submit(pair, true, number);
	OK(pair_act(pair, &pair->home, number, "ACCEPT", "H_WIN", ""));
	OK(pair_act(pair, &pair->home, number, "START", "H_DEPT", ""));
	OK(pair_act(pair, &pair->window, number, "WITHDRAW", "APPLICANT", ""));
	assert_int_equal(pair_case(pair, &pair->home, number)->state, PB_CASE_STATE__WITHDRAWN);
	assert_int_equal(pair_act(pair, &pair->home, number, "GRANT", "H_DEPT", ""), TB_ESTATE);
	pair_assert_equal_logs(pair, number);

	pair_submit(pair, true, number);
	OK(pair_act(pair, &pair->home, number, "ACCEPT", "H_WIN", ""));
	OK(pair_act(pair, &pair->home, number, "START", "H_DEPT", ""));
	pair->parted = true;
	OK(pair_act(pair, &pair->home, number, "GRANT", "H_DEPT", ""));
	OK(pair_act(pair, &pair->window, number, "WITHDRAW", "APPLICANT", ""));
	pair->parted = false;
	pair_pass(pair, TB_HOUR);
	PbCaseView *view = pair_case(pair, &pair->window, number);
	assert_int_equal(view->state, PB_CASE_STATE__GRANTED);
	assert_non_null(strstr(view->proposal, "refused"));
	pair_assert_equal_logs(pair, number);
	pair_free(pair);
}

static void test_an_incomplete_package_is_refused_before_it_is_sent(void **state)
{
	struct pair *pair = pair_new(*state);
	char json[1024];
	enum tb_code code;
	snprintf(json, sizeof(json),
	         "{\"application\":{\"item\":\"" ITEM "\",\"mode\":\"DS\",\"home\":\"" HOME "\","
	         "\"applicant\":{\"name\":\"王伟\",\"codeType\":\"111\",\"code\":\"11010519491231002X\"},"
	         "\"delivery\":\"NETWORK\"},\"actor\":{\"role\":\"R_WIN\",\"id\":\"w1\"}}");
	PbCaseView *view = (PbCaseView *)(void *)pair_call(pair, &pair->window,
	                                                   "/tongban.v1.CaseService/Submit", json, &code);
	OK(code);
	char number[32];
	snprintf(number, sizeof(number), "%s", view->number);
	unsigned calls = pair->calls;
	OK(pair_act(pair, &pair->window, number, "CHECK", "R_WIN", ""));
	assert_int_equal(pair_act(pair, &pair->window, number, "SEND", "R_WIN", ""), TB_EINVALID);
	assert_non_null(strstr(pair_refusal(&pair->window), "M1"));
	assert_int_equal(pair->calls, calls);
	pair_free(pair);
}

static void test_no_notice_within_five_working_days_is_acceptance(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	pair_submit(pair, true, number);
	tb_time received = pair->now;
	pair_pass(pair, 20 * TB_DAY);
	PbCaseView *view = pair_case(pair, &pair->window, number);
	assert_int_equal(view->state, PB_CASE_STATE__ACCEPTED);
	bool deemed = false;
	for (size_t i = 0; i < view->n_log; i++) {
		if (view->log[i]->event != PB_CASE_EVENT__DEEM)
			continue;
		deemed = true;
		assert_true(view->log[i]->detail->counted_from_ms == received);
		assert_int_equal(view->log[i]->actor->role, PB_ROLE__SYSTEM);
	}
	assert_true(deemed);
	pair_assert_equal_logs(pair, number);
	pair_free(pair);
}

static void test_a_supplement_that_does_not_come_ends_the_case(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	pair_submit(pair, true, number);
	OK(pair_act(pair, &pair->home, number, "NOTIFY", "H_WIN",
	            "\"detail\":{\"needs\":[{\"code\":\"M2\",\"name\":\"驾驶证\"}]}"));
	pair_pass(pair, 60 * TB_DAY);
	assert_int_equal(pair_case(pair, &pair->window, number)->state, PB_CASE_STATE__TERMINATED);
	pair_assert_equal_logs(pair, number);
	pair_free(pair);
}

static void test_what_is_broken_at_the_receiver_delays_a_message_and_refuses_none(void **state)
{
	struct pair *pair = pair_new(*state);
	struct calendar *old;
	struct tb_error err;
	char number[32];
	pair_submit(pair, true, number);
	OK(pair_act(pair, &pair->home, number, "NOTIFY", "H_WIN",
	            "\"detail\":{\"needs\":[{\"code\":\"M2\",\"name\":\"驾驶证\"}]}"));
	/* A supplement begins clocks, and for this year there is no calendar. */
	OK(calendar_parse(&old, tb_bytes_str("2020-01-01\tH\n"), &err));
	pair->home.setup.calendar = old;
	pair_crash(pair, &pair->home);
	OK(pair_act(pair, &pair->window, number, "SUPPLEMENT", "R_WIN", ""));
	OK(pair_act(pair, &pair->window, number, "CONSULT", "R_WIN", "\"detail\":{\"note\":\"x\"}"));
	pair_pass(pair, TB_MINUTE);
	assert_int_equal(pair_case(pair, &pair->window, number)->state, PB_CASE_STATE__CORRECTION);
	assert_string_equal(pair_case(pair, &pair->window, number)->proposal, "");
	pair->home.setup.calendar = pair->calendar;
	pair_crash(pair, &pair->home);
	pair_pass(pair, TB_MINUTE);
	PbCaseView *view = pair_case(pair, &pair->window, number);
	assert_int_equal(view->state, PB_CASE_STATE__SIGNED_FOR);
	assert_int_equal(view->log[view->n_log - 1]->event, PB_CASE_EVENT__CONSULT);
	pair_assert_equal_logs(pair, number);
	calendar_free(old);
	pair_free(pair);
}

static enum fate answers_lost(struct pair *pair, const struct core_outbound *outbound)
{
	(void)outbound;
	return pair->calls % 2 == 0 ? ANSWER_LOST : ARRIVES;
}

static enum fate requests_lost(struct pair *pair, const struct core_outbound *outbound)
{
	(void)outbound;
	return pair->calls % 3 != 0 ? REQUEST_LOST : ARRIVES;
}

static void carry_one(struct pair *pair)
{
	char number[32];
	pair_submit(pair, true, number);
	pair_pass(pair, TB_HOUR);
	OK(pair_act(pair, &pair->home, number, "ACCEPT", "H_WIN", ""));
	OK(pair_act(pair, &pair->home, number, "START", "H_DEPT", ""));
	OK(pair_act(pair, &pair->home, number, "GRANT", "H_DEPT", ""));
	OK(pair_act(pair, &pair->home, number, "DISPATCH", "H_WIN", "\"detail\":{\"way\":\"NETWORK\"}"));
	pair_pass(pair, TB_HOUR);
	if (pair_act(pair, &pair->window, number, "HAND_OVER", "R_WIN", ""))
		fail_msg("hand over: %s", pair_refusal(&pair->window));
	pair_pass(pair, TB_HOUR);
	PbCaseView *view = pair_case(pair, &pair->window, number);
	assert_int_equal(view->state, PB_CASE_STATE__CLOSED);
	assert_int_equal(view->seq, 9);
	pair_assert_equal_logs(pair, number);
}

static void test_lost_answers_double_nothing(void **state)
{
	struct pair *pair = pair_new(*state);
	pair->fate = answers_lost;
	carry_one(pair);
	pair_free(pair);
}

static void test_lost_requests_lose_nothing(void **state)
{
	struct pair *pair = pair_new(*state);
	pair->fate = requests_lost;
	carry_one(pair);
	pair_free(pair);
}

static void test_a_crash_of_either_side_at_any_step_loses_nothing(void **state)
{
	struct pair *pair = pair_new(*state);
	static const char *const steps[][3] = {
		{"ACCEPT", "H_WIN", ""},
		{"START", "H_DEPT", ""},
		{"GRANT", "H_DEPT", ""},
		{"DISPATCH", "H_WIN", "\"detail\":{\"way\":\"NETWORK\"}"},
	};
	char number[32];
	pair->parted = true;
	pair_submit(pair, true, number);
	pair_crash(pair, &pair->window);
	pair->parted = false;
	pair_pass(pair, TB_HOUR);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		pair->parted = true;
		OK(pair_act(pair, &pair->home, number, steps[i][0], steps[i][1], steps[i][2]));
		pair_crash(pair, i % 2 ? &pair->window : &pair->home);
		pair->parted = false;
		pair_pass(pair, TB_HOUR);
	}
	pair_assert_equal_logs(pair, number);
	assert_int_equal(pair_case(pair, &pair->window, number)->state, PB_CASE_STATE__DELIVERING);
	pair_free(pair);
}

static void grant_nothing(struct pair *pair)
{
	struct peer_set *none = peer_set_new();
	hostile_add_peer(none, &pair->window.region, &(struct hostile_grant){0});
	pair_set_peers(pair, &pair->home, none);
}

static void test_a_package_that_is_not_granted_bounces(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	grant_nothing(pair);
	pair_submit(pair, true, number);
	PbCaseView *view = pair_case(pair, &pair->window, number);
	assert_int_equal(view->state, PB_CASE_STATE__CHECKING);
	assert_string_equal(view->owner, WINDOW);
	assert_int_equal(view->log[view->n_log - 1]->event, PB_CASE_EVENT__BOUNCE);
	assert_non_null(strstr(view->log[view->n_log - 1]->detail->reason, "not granted"));
	pair_free(pair);
}

static void test_a_withdrawal_overtakes_a_package_that_is_refused(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	grant_nothing(pair);
	pair->parted = true;
	pair_submit(pair, true, number);
	OK(pair_act(pair, &pair->window, number, "WITHDRAW", "APPLICANT", ""));
	pair->parted = false;
	pair_pass(pair, TB_HOUR);
	assert_int_equal(pair_case(pair, &pair->window, number)->state, PB_CASE_STATE__WITHDRAWN);
	pair_free(pair);
}

static void test_a_package_that_expires_unseen_comes_back_and_never_arrives_later(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	enum tb_code code;
	pair->parted = true;
	pair_submit(pair, true, number);
	pair_pass(pair, 8 * TB_DAY);
	PbDeadLettersResponse *dead = (PbDeadLettersResponse *)(void *)pair_call(
		pair, &pair->window, "/tongban.v1.NodeService/DeadLetters", "{}", &code);
	OK(code);
	assert_int_equal(dead->n_letters, 1);
	assert_string_equal(dead->letters[0]->case_number, number);
	assert_int_equal(pair_case(pair, &pair->window, number)->state, PB_CASE_STATE__TRANSFER);
	pair->parted = false;
	pair_pass(pair, TB_HOUR);
	PbCaseView *view = pair_case(pair, &pair->window, number);
	assert_int_equal(view->state, PB_CASE_STATE__CHECKING);
	assert_string_equal(view->owner, WINDOW);
	OK(pair_act(pair, &pair->window, number, "SEND", "R_WIN", ""));
	assert_int_equal(pair_case(pair, &pair->home, number)->state, PB_CASE_STATE__SIGNED_FOR);
	pair_assert_equal_logs(pair, number);
	pair_free(pair);
}

/* Simulator, seed 18 of the swarm: package and notice expired one after the other, and the case was locked.
 */
static void test_a_package_comes_back_even_if_its_notice_takes_weeks(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	pair->parted = true;
	pair_submit(pair, true, number);
	pair_pass(pair, 20 * TB_DAY);
	pair->parted = false;
	pair_pass(pair, TB_HOUR);
	PbCaseView *view = pair_case(pair, &pair->window, number);
	assert_int_equal(view->state, PB_CASE_STATE__CHECKING);
	assert_false(view->handing_over);
	OK(pair_act(pair, &pair->window, number, "SEND", "R_WIN", ""));
	pair_assert_equal_logs(pair, number);
	pair_free(pair);
}

static void test_a_cut_material_resumes_and_the_case_waits_for_it(void **state)
{
	struct pair *pair = pair_new(*state);
	char material[512], json[2048], number[32];
	enum tb_code code;
	pair_upload(pair, &pair->window, 5 * 1024 * 1024 + 17, 3, material);
	pair->home.fetches_cut = 2;
	snprintf(json, sizeof(json),
	         "{\"application\":{\"item\":\"" ITEM "\",\"mode\":\"DS\",\"home\":\"" HOME "\","
	         "\"applicant\":{\"name\":\"王伟\",\"codeType\":\"111\",\"code\":\"11010519491231002X\"},"
	         "\"delivery\":\"NETWORK\",\"materials\":[{\"need\":\"M1\",%s}]},"
	         "\"actor\":{\"role\":\"R_WIN\",\"id\":\"w1\"},\"forward\":true}",
	         material);
	PbCaseView *view = (PbCaseView *)(void *)pair_call(pair, &pair->window,
	                                                   "/tongban.v1.CaseService/Submit", json, &code);
	OK(code);
	snprintf(number, sizeof(number), "%s", view->number);
	view = pair_case(pair, &pair->home, number);
	assert_int_equal(view->materials_missing, 1);
	assert_int_equal(view->state, PB_CASE_STATE__TRANSFER);
	pair_crash(pair, &pair->home);
	pair_pass(pair, TB_HOUR);
	view = pair_case(pair, &pair->home, number);
	assert_int_equal(view->materials_missing, 0);
	assert_int_equal(view->state, PB_CASE_STATE__SIGNED_FOR);
	pair_free(pair);
}

static void test_originals_are_signed_for_by_a_person(void **state)
{
	struct pair *pair = pair_new(*state);
	char material[512], json[2048], number[32];
	enum tb_code code;
	pair_upload(pair, &pair->window, 1000, 4, material);
	snprintf(json, sizeof(json),
	         "{\"application\":{\"item\":\"" ITEM "\",\"mode\":\"DS\",\"home\":\"" HOME "\","
	         "\"applicant\":{\"name\":\"王伟\",\"codeType\":\"111\",\"code\":\"11010519491231002X\"},"
	         "\"delivery\":\"NETWORK\",\"materials\":[{\"need\":\"M1\",%s},{\"need\":\"M3\",\"original\":"
	         "true,"
	         "\"name\":\"原件\"}]},\"actor\":{\"role\":\"R_WIN\",\"id\":\"w1\"},\"forward\":true}",
	         material);
	PbCaseView *view = (PbCaseView *)(void *)pair_call(pair, &pair->window,
	                                                   "/tongban.v1.CaseService/Submit", json, &code);
	if (code)
		fail_msg("%s", pair_refusal(&pair->window));
	snprintf(number, sizeof(number), "%s", view->number);
	assert_int_equal(pair_case(pair, &pair->home, number)->state, PB_CASE_STATE__TRANSFER);
	OK(pair_act(
		pair, &pair->window, number, "POST", "R_WIN",
		"\"detail\":{\"waybill\":{\"carrier\":\"EMS\",\"number\":\"123\",\"contents\":[\"原件\"]}}"));
	OK(pair_act(pair, &pair->home, number, "SIGN", "H_WIN", ""));
	assert_int_equal(pair_case(pair, &pair->window, number)->state, PB_CASE_STATE__SIGNED_FOR);
	pair_assert_equal_logs(pair, number);
	pair_free(pair);
}

static void test_a_repeated_submission_is_one_case(void **state)
{
	struct pair *pair = pair_new(*state);
	char material[512], json[2048], first[32];
	enum tb_code code;
	pair_upload(pair, &pair->window, 1000, 5, material);
	snprintf(json, sizeof(json),
	         "{\"requestId\":\"r-1\",\"application\":{\"item\":\"" ITEM
	         "\",\"mode\":\"DS\",\"home\":\"" HOME "\","
	         "\"applicant\":{\"name\":\"王伟\",\"codeType\":\"111\",\"code\":\"11010519491231002X\"},"
	         "\"delivery\":\"NETWORK\",\"materials\":[{\"need\":\"M1\",%s}]},"
	         "\"actor\":{\"role\":\"R_WIN\",\"id\":\"w1\"},\"forward\":true}",
	         material);
	PbCaseView *view = (PbCaseView *)(void *)pair_call(pair, &pair->window,
	                                                   "/tongban.v1.CaseService/Submit", json, &code);
	OK(code);
	snprintf(first, sizeof(first), "%s", view->number);
	view = (PbCaseView *)(void *)pair_call(pair, &pair->window, "/tongban.v1.CaseService/Submit", json,
	                                       &code);
	OK(code);
	assert_string_equal(view->number, first);
	/* Another application under the same id would be lost if it were taken for the first. */
	memcpy(strstr(json, "王伟"), "李四", strlen("李四"));
	pair_call(pair, &pair->window, "/tongban.v1.CaseService/Submit", json, &code);
	assert_int_equal(code, TB_EEXISTS);
	assert_string_equal(pair_refusal(&pair->window), "requestId: it was used for another application");
	pair_free(pair);
}

static void test_the_audit_log_verifies_and_every_side_kept_evidence(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32], json[256];
	enum tb_code code;
	pair_submit(pair, true, number);
	OK(pair_act(pair, &pair->home, number, "ACCEPT", "H_WIN", ""));
	pair_pass(pair, TB_MINUTE);
	struct side *sides[] = {&pair->window, &pair->home};
	for (size_t i = 0; i < 2; i++) {
		PbAuditVerifyResponse *reply = (PbAuditVerifyResponse *)(void *)pair_call(
			pair, sides[i], "/tongban.v1.AuditService/Verify", "{}", &code);
		OK(code);
		assert_string_equal(reply->problem, "");
		assert_true(reply->intact);
		assert_true(reply->leaves > 5);
		assert_true(reply->checkpoints > 0);
		PbCaseView *view = pair_case(pair, sides[i], number);
		assert_true(view->n_evidence > 0);
		for (size_t e = 0; e < view->n_evidence; e++) {
			struct tb_arena arena = {0};
			struct pki_proven proven;
			struct tb_error err;
			snprintf(json, sizeof(json), "{\"reference\":\"%s\"}", view->evidence[e]);
			PbEvidence *evidence = (PbEvidence *)(void *)pair_call(
				pair, sides[i], "/tongban.v1.EvidenceService/Export", json, &code);
			OK(code);
			OK(pki_proof_check(&proven, evidence->claim, peer_trust(sides[i]->peers), &arena,
			                   &err));
			tb_arena_clear(&arena);
			view = pair_case(pair, sides[i], number);
		}
	}
	pair_free(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_case_goes_from_the_window_to_the_home_region_and_back),
		TEST(test_the_issued_certificate_is_stored_at_home_and_verified_from_the_window),
		TEST(test_notice_and_supplement_go_through_the_window),
		TEST(test_a_returned_case_is_mended_and_sent_again),
		TEST(test_withdrawal_before_the_decision_wins_and_after_it_loses),
		TEST(test_an_incomplete_package_is_refused_before_it_is_sent),
		TEST(test_no_notice_within_five_working_days_is_acceptance),
		TEST(test_a_supplement_that_does_not_come_ends_the_case),
		TEST(test_what_is_broken_at_the_receiver_delays_a_message_and_refuses_none),
		TEST(test_lost_answers_double_nothing),
		TEST(test_lost_requests_lose_nothing),
		TEST(test_a_crash_of_either_side_at_any_step_loses_nothing),
		TEST(test_a_package_that_is_not_granted_bounces),
		TEST(test_a_withdrawal_overtakes_a_package_that_is_refused),
		TEST(test_a_package_that_expires_unseen_comes_back_and_never_arrives_later),
		TEST(test_a_package_comes_back_even_if_its_notice_takes_weeks),
		TEST(test_a_cut_material_resumes_and_the_case_waits_for_it),
		TEST(test_originals_are_signed_for_by_a_person),
		TEST(test_a_repeated_submission_is_one_case),
		TEST(test_the_audit_log_verifies_and_every_side_kept_evidence),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
