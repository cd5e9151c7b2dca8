/* 多地联办: a transfer of medical insurance, out of 常州 and then into 兰州, led by 兰州. */
#include "tests/core/pair.h"

#include <stdio.h>
#include <string.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define OUT "320400000000000000000000000OUT1"
#define IN "620100000000000000000000000IN001"

static void load_lists(struct pair *pair)
{
	enum tb_code code;
	pair_call(pair, &pair->home, "/tongban.v1.CatalogueService/Load",
	          "{\"items\":[{\"code\":\"" OUT "\",\"name\":\"转出\",\"department\":\"11320400014109045T\","
	          "\"modes\":[\"LB\"],\"promisedDays\":10,\"legalDays\":20,\"materials\":["
	          "{\"code\":\"M1\",\"name\":\"身份证\",\"required\":true,\"basis\":\"x\"}]}]}",
	          &code);
	assert_int_equal(code, TB_OK);
	pair_call(pair, &pair->window, "/tongban.v1.CatalogueService/Load",
	          "{\"items\":[{\"code\":\"" IN "\",\"name\":\"转入\",\"department\":\"11620100014109045T\","
	          "\"modes\":[\"LB\"],\"promisedDays\":5,\"legalDays\":20,\"materials\":["
	          "{\"code\":\"A1\",\"name\":\"身份证\",\"required\":true,\"basis\":\"x\"},"
	          "{\"code\":\"A2\",\"name\":\"申请表\",\"required\":true,\"basis\":\"x\"}]}]}",
	          &code);
	assert_int_equal(code, TB_OK);
	pair_pass(pair, 10 * TB_MINUTE);
}

static struct pair *setup(void **state)
{
	struct pair *pair = pair_new(*state);
	load_lists(pair);
	return pair;
}

/* Hands in the joint application; |in_after| makes the second part wait for the first. */
static enum tb_code submit(struct pair *pair, const char *materials, bool in_after, char number[32])
{
	char json[4096];
	enum tb_code code;
	snprintf(json, sizeof(json),
	         "{\"application\":{\"mode\":\"LB\",\"home\":\"" WINDOW
	         "\",\"itemName\":\"医保关系转移接续\","
	         "\"applicant\":{\"name\":\"王伟\",\"codeType\":\"111\",\"code\":\"11010519491231002X\"},"
	         "\"delivery\":\"WINDOW_PICKUP\",\"parts\":[{\"home\":\"" HOME "\",\"item\":\"" OUT "\"},"
	         "{\"home\":\"" WINDOW "\",\"item\":\"" IN "\"%s}],\"materials\":[%s]},"
	         "\"actor\":{\"role\":\"R_WIN\",\"id\":\"w1\"},\"forward\":true}",
	         in_after ? ",\"after\":[0]" : "", materials);
	PbCaseView *view = (PbCaseView *)(void *)pair_call(pair, &pair->window,
	                                                   "/tongban.v1.CaseService/Submit", json, &code);
	if (code == TB_OK)
		snprintf(number, 32, "%s", view->number);
	return code;
}

static void submit_all(struct pair *pair, bool in_after, char number[32])
{
	char card[512], form[512], both[2048];
	pair_upload(pair, &pair->window, 1000, 1, card);
	pair_upload(pair, &pair->window, 2000, 2, form);
	snprintf(both, sizeof(both), "{\"need\":\"身份证\",%s},{\"need\":\"申请表\",%s}", card, form);
	assert_int_equal(submit(pair, both, in_after, number), TB_OK);
	pair_pass(pair, TB_MINUTE);
}

static void part_number(struct pair *pair, const char *lead, size_t index, char out[32])
{
	PbCaseView *view = pair_case(pair, &pair->window, lead);
	assert_true(index < view->n_parts);
	snprintf(out, 32, "%s", view->parts[index]->number);
}

static PbCaseState state_of(struct pair *pair, struct side *side, const char *number)
{
	return pair_case(pair, side, number)->state;
}

static void grant(struct pair *pair, struct side *side, const char *number)
{
	assert_int_equal(pair_act(pair, side, number, "START", "H_DEPT", ""), TB_OK);
	assert_int_equal(pair_act(pair, side, number, "GRANT", "H_DEPT", ""), TB_OK);
	pair_pass(pair, TB_MINUTE);
}

static void test_what_parts_ask_for_is_collected_once(void **state)
{
	struct pair *pair = setup(state);
	char number[32], card[512], one[1024];
	PbCaseJointNeedsResponse *needs = (PbCaseJointNeedsResponse *)(void *)pair_ask(
		pair, &pair->window, "/tongban.v1.CaseService/JointNeeds",
		"{\"parts\":[{\"home\":\"" HOME "\",\"item\":\"" OUT "\"},{\"home\":\"" WINDOW
		"\",\"item\":\"" IN "\"}]}");
	assert_int_equal(needs->n_needs, 2);
	assert_string_equal(needs->needs[0]->need->code, "身份证");
	assert_int_equal(needs->needs[0]->n_meets, 2);
	assert_string_equal(needs->needs[0]->meets[1], "1:A1");
	pair_upload(pair, &pair->window, 1000, 1, card);
	snprintf(one, sizeof(one), "{\"need\":\"身份证\",%s}", card);
	assert_int_equal(submit(pair, one, false, number), TB_EINVALID);
	assert_non_null(strstr(pair_refusal(&pair->window), "A2"));
	pair_free(pair);
}

static void test_parts_run_side_by_side_and_all_granted_grants_the_whole(void **state)
{
	struct pair *pair = setup(state);
	char lead[32], out[32], in[32];
	submit_all(pair, false, lead);
	part_number(pair, lead, 0, out);
	part_number(pair, lead, 1, in);
	assert_int_equal(state_of(pair, &pair->home, out), PB_CASE_STATE__ACCEPTED);
	assert_int_equal(state_of(pair, &pair->window, in), PB_CASE_STATE__ACCEPTED);
	assert_int_equal(state_of(pair, &pair->window, lead), PB_CASE_STATE__REVIEW);
	assert_string_equal(pair_case(pair, &pair->home, out)->lead, lead);
	grant(pair, &pair->home, out);
	assert_int_equal(state_of(pair, &pair->window, lead), PB_CASE_STATE__REVIEW);
	grant(pair, &pair->window, in);
	assert_int_equal(state_of(pair, &pair->window, lead), PB_CASE_STATE__GRANTED);
	assert_int_equal(pair_act(pair, &pair->window, lead, "DISPATCH", "R_WIN",
	                          "\"detail\":{\"way\":\"WINDOW_PICKUP\"}"),
	                 TB_OK);
	assert_int_equal(pair_act(pair, &pair->window, lead, "HAND_OVER", "R_WIN", ""), TB_OK);
	pair_pass(pair, TB_MINUTE);
	assert_int_equal(state_of(pair, &pair->home, out), PB_CASE_STATE__CLOSED);
	assert_int_equal(state_of(pair, &pair->window, in), PB_CASE_STATE__CLOSED);
	pair_assert_equal_logs(pair, out);
	pair_free(pair);
}

static void test_a_part_begins_when_those_before_it_are_granted(void **state)
{
	struct pair *pair = setup(state);
	char lead[32], out[32], in[32];
	submit_all(pair, true, lead);
	part_number(pair, lead, 1, in);
	assert_string_equal(in, "");
	part_number(pair, lead, 0, out);
	grant(pair, &pair->home, out);
	part_number(pair, lead, 1, in);
	assert_string_not_equal(in, "");
	grant(pair, &pair->window, in);
	assert_int_equal(state_of(pair, &pair->window, lead), PB_CASE_STATE__GRANTED);
	pair_free(pair);
}

static void test_one_negative_answer_takes_everything_back(void **state)
{
	struct pair *pair = setup(state);
	char lead[32], out[32], in[32];
	submit_all(pair, false, lead);
	part_number(pair, lead, 0, out);
	part_number(pair, lead, 1, in);
	grant(pair, &pair->home, out);
	assert_int_equal(pair_act(pair, &pair->window, in, "START", "H_DEPT", ""), TB_OK);
	assert_int_equal(pair_act(pair, &pair->window, in, "DENY", "H_DEPT", "\"detail\":{\"reason\":\"x\"}"),
	                 TB_OK);
	pair_pass(pair, TB_MINUTE);
	assert_int_equal(state_of(pair, &pair->window, lead), PB_CASE_STATE__DENIED);
	assert_int_equal(state_of(pair, &pair->home, out), PB_CASE_STATE__WITHDRAWN);
	assert_int_equal(state_of(pair, &pair->window, in), PB_CASE_STATE__CLOSED);
	pair_assert_equal_logs(pair, out);
	pair_free(pair);
}

static void test_a_withdrawal_reaches_parts_that_are_under_way_or_cut_off(void **state)
{
	struct pair *pair = setup(state);
	char lead[32], out[32];
	pair->parted = true;
	submit_all(pair, true, lead);
	assert_int_equal(pair_act(pair, &pair->window, lead, "WITHDRAW", "APPLICANT", ""), TB_OK);
	part_number(pair, lead, 0, out);
	pair_crash(pair, &pair->window);
	pair->parted = false;
	pair_pass(pair, 20 * TB_MINUTE);
	pair_pass(pair, 20 * TB_MINUTE);
	assert_int_equal(state_of(pair, &pair->window, lead), PB_CASE_STATE__WITHDRAWN);
	assert_int_equal(state_of(pair, &pair->home, out), PB_CASE_STATE__WITHDRAWN);
	assert_int_equal(state_of(pair, &pair->window, out), PB_CASE_STATE__WITHDRAWN);
	pair_assert_equal_logs(pair, out);
	pair_free(pair);
}

static void test_a_participant_that_never_answers_denies_the_whole(void **state)
{
	struct pair *pair = setup(state);
	char lead[32];
	pair->parted = true;
	submit_all(pair, true, lead);
	for (int day = 0; day < 9; day++)
		pair_pass(pair, TB_DAY);
	/* It may have arrived: nobody knows until the participant says so. */
	pair->parted = false;
	for (int day = 0; day < 3; day++)
		pair_pass(pair, TB_DAY);
	assert_int_equal(state_of(pair, &pair->window, lead), PB_CASE_STATE__DENIED);
	pair_free(pair);
}

static const PbClockState *clock_of(const PbCaseView *view, PbClock clock)
{
	for (size_t i = 0; i < view->n_clocks; i++) {
		if (view->clocks[i]->clock == clock)
			return view->clocks[i];
	}
	return NULL;
}

static void test_the_joint_limit_stops_while_a_critical_part_is_suspended(void **state)
{
	struct pair *pair = setup(state);
	char lead[32], out[32], in[32];
	const char *suspend = "\"detail\":{\"reason\":\"x\",\"days\":5}";
	submit_all(pair, false, lead);
	part_number(pair, lead, 0, out); /* 10 days: critical */
	part_number(pair, lead, 1, in);  /* 5 days: not */
	assert_true(clock_of(pair_case(pair, &pair->window, lead), PB_CLOCK__T8_JOINT)->running);
	assert_int_equal(pair_act(pair, &pair->window, in, "START", "H_DEPT", ""), TB_OK);
	assert_int_equal(pair_act(pair, &pair->window, in, "SUSPEND", "H_DEPT", suspend), TB_OK);
	pair_pass(pair, TB_MINUTE);
	assert_true(clock_of(pair_case(pair, &pair->window, lead), PB_CLOCK__T8_JOINT)->running);
	assert_int_equal(pair_act(pair, &pair->home, out, "START", "H_DEPT", ""), TB_OK);
	assert_int_equal(pair_act(pair, &pair->home, out, "SUSPEND", "H_DEPT", suspend), TB_OK);
	pair_pass(pair, TB_MINUTE);
	assert_false(clock_of(pair_case(pair, &pair->window, lead), PB_CLOCK__T8_JOINT)->running);
	assert_int_equal(pair_act(pair, &pair->home, out, "RESUME", "H_DEPT", ""), TB_OK);
	pair_pass(pair, TB_MINUTE);
	assert_true(clock_of(pair_case(pair, &pair->window, lead), PB_CLOCK__T8_JOINT)->running);
	pair_free(pair);
}

static void test_the_joint_limit_is_lengthened_once_by_fifteen_days(void **state)
{
	struct pair *pair = setup(state);
	char lead[32];
	submit_all(pair, false, lead);
	PbCaseView *view = pair_case(pair, &pair->window, lead);
	int64_t due = view->clocks[0]->due_ms;
	assert_int_equal(view->clocks[0]->clock, PB_CLOCK__T8_JOINT);
#define EXTENDS(days) "\"detail\":{\"reason\":\"涉及多地\",\"days\":" days "}"
	assert_int_equal(pair_act(pair, &pair->window, lead, "EXTEND", "R_HEAD", EXTENDS("16")), TB_EINVALID);
	assert_int_equal(pair_act(pair, &pair->window, lead, "EXTEND", "R_WIN", EXTENDS("15")), TB_EDENIED);
	assert_int_equal(pair_act(pair, &pair->window, lead, "EXTEND", "R_HEAD", EXTENDS("15")), TB_OK);
	view = pair_case(pair, &pair->window, lead);
	assert_true(view->extended);
	assert_true(view->clocks[0]->due_ms >= due + 15 * TB_DAY);
	assert_int_equal(pair_act(pair, &pair->window, lead, "EXTEND", "R_HEAD", EXTENDS("1")), TB_ESTATE);
	pair_free(pair);
}

static void test_a_participant_shares_its_archive(void **state)
{
	struct pair *pair = setup(state);
	char lead[32], out[32], file[512], more[1024];
	submit_all(pair, true, lead);
	part_number(pair, lead, 0, out);
	pair_upload(pair, &pair->home, 5000, 9, file);
	snprintf(more, sizeof(more), "\"detail\":{\"materials\":[{\"need\":\"档案\",%s}]}", file);
	assert_int_equal(pair_act(pair, &pair->home, out, "FILE", "H_DEPT", more), TB_OK);
	pair_pass(pair, TB_MINUTE);
	assert_int_equal(pair_case(pair, &pair->window, out)->materials_missing, 0);
	PbMaterialListResponse *list = (PbMaterialListResponse *)(void *)pair_ask(
		pair, &pair->window, "/tongban.v1.MaterialService/List", "{}");
	size_t complete = 0;
	for (size_t i = 0; i < list->n_materials; i++)
		complete += list->materials[i]->complete;
	assert_int_equal(complete, 3);
	pair_free(pair);
}

static void test_a_part_that_shared_its_archive_is_granted(void **state)
{
	struct pair *pair = setup(state);
	char lead[32], out[32], in[32], file[512], more[1024];
	submit_all(pair, false, lead);
	part_number(pair, lead, 0, out);
	part_number(pair, lead, 1, in);
	pair_upload(pair, &pair->home, 5000, 9, file);
	snprintf(more, sizeof(more), "\"detail\":{\"materials\":[{\"need\":\"档案\",%s}]}", file);
	assert_int_equal(pair_act(pair, &pair->home, out, "FILE", "H_DEPT", more), TB_OK);
	assert_int_equal(pair_act(pair, &pair->home, out, "START", "H_DEPT", ""), TB_OK);
	assert_int_equal(pair_act(pair, &pair->home, out, "FILE", "H_DEPT", more), TB_OK);
	assert_int_equal(pair_act(pair, &pair->home, out, "GRANT", "H_DEPT", ""), TB_OK);
	pair_pass(pair, TB_MINUTE);
	grant(pair, &pair->window, in);
	assert_int_equal(state_of(pair, &pair->window, lead), PB_CASE_STATE__GRANTED);
	pair_assert_equal_logs(pair, out);
	pair_free(pair);
}

/* The identity card goes back by 常州's list, the marriage certificate by 兰州's; the household register goes
 * back by one and is kept by the other, the form is kept. */
static void load_papers(struct pair *pair)
{
	pair_ask(pair, &pair->home, "/tongban.v1.CatalogueService/Load",
	         "{\"items\":[{\"code\":\"" OUT "\",\"name\":\"转出\",\"department\":\"11320400014109045T\","
	         "\"modes\":[\"LB\"],\"promisedDays\":10,\"legalDays\":20,\"materials\":["
	         "{\"code\":\"M1\",\"name\":\"身份证\",\"required\":true,\"basis\":\"x\",\"original\":true,"
	         "\"disposition\":\"RETURNED_ORIGINAL\"},"
	         "{\"code\":\"M2\",\"name\":\"户口簿\",\"basis\":\"x\",\"original\":true,"
	         "\"disposition\":\"RETURNED_ORIGINAL\"}]}]}");
	pair_ask(pair, &pair->window, "/tongban.v1.CatalogueService/Load",
	         "{\"items\":[{\"code\":\"" IN "\",\"name\":\"转入\",\"department\":\"11620100014109045T\","
	         "\"modes\":[\"LB\"],\"promisedDays\":5,\"legalDays\":20,\"materials\":["
	         "{\"code\":\"A1\",\"name\":\"申请表\",\"required\":true,\"basis\":\"x\",\"original\":true,"
	         "\"disposition\":\"ARCHIVED_ORIGINAL\"},"
	         "{\"code\":\"A2\",\"name\":\"户口簿\",\"basis\":\"x\",\"original\":true,"
	         "\"disposition\":\"ARCHIVED_ORIGINAL\"},"
	         "{\"code\":\"A3\",\"name\":\"结婚证\",\"basis\":\"x\",\"original\":true,"
	         "\"disposition\":\"RETURNED_ORIGINAL\"}]}]}");
	pair_pass(pair, 10 * TB_MINUTE);
}

static void test_the_lead_gives_back_what_the_parts_lists_give_back(void **state)
{
	struct pair *pair = pair_new(*state);
	char lead[32], part[32];
	load_papers(pair);
	assert_int_equal(
		submit(pair,
	               "{\"need\":\"身份证\",\"original\":true},{\"need\":\"申请表\",\"original\":true},"
	               "{\"need\":\"户口簿\",\"original\":true},{\"need\":\"1:A3\",\"original\":true}",
	               false, lead),
		TB_OK);
	pair_pass(pair, TB_MINUTE);
	for (size_t i = 0; i < 2; i++) {
		struct side *side = i == 0 ? &pair->home : &pair->window;
		part_number(pair, lead, i, part);
		if (i == 0) /* the paper came to it; to the lead's own part it need not */
			assert_int_equal(pair_act(pair, side, part, "SIGN", "H_WIN", ""), TB_OK);
		grant(pair, side, part);
	}
	PbCaseView *view = pair_case(pair, &pair->window, lead);
	assert_int_equal(view->state, PB_CASE_STATE__GRANTED);
	assert_int_equal(view->n_to_return, 2);
	assert_string_equal(view->to_return[0], "身份证");
	assert_string_equal(view->to_return[1], "1:A3");
	/* One goes with the result, and the whole is not closed before the other one has gone. */
	assert_int_equal(pair_act(pair, &pair->window, lead, "DISPATCH", "R_WIN",
	                          "\"detail\":{\"way\":\"WINDOW_PICKUP\",\"returned\":[\"身份证\"]}"),
	                 TB_OK);
	assert_int_equal(pair_act(pair, &pair->window, lead, "HAND_OVER", "R_WIN", ""), TB_ESTATE);
	assert_non_null(strstr(pair_refusal(&pair->window), "1:A3"));
	assert_int_equal(pair_act(pair, &pair->window, lead, "HAND_OVER", "R_WIN",
	                          "\"detail\":{\"returned\":[\"1:A3\",\"2:A3\"]}"),
	                 TB_EINVALID);
	assert_int_equal(state_of(pair, &pair->home, pair_case(pair, &pair->window, lead)->parts[0]->number),
	                 PB_CASE_STATE__GRANTED);
	assert_int_equal(pair_act(pair, &pair->window, lead, "HAND_OVER", "R_WIN",
	                          "\"detail\":{\"returned\":[\"1:A3\"]}"),
	                 TB_OK);
	pair_pass(pair, TB_MINUTE);
	view = pair_case(pair, &pair->window, lead);
	assert_int_equal(view->state, PB_CASE_STATE__CLOSED);
	assert_int_equal(view->n_to_return, 0);
	for (size_t i = 0; i < 2; i++) {
		part_number(pair, lead, i, part);
		assert_int_equal(state_of(pair, &pair->window, part), PB_CASE_STATE__CLOSED);
	}
	pair_free(pair);
}

static void test_a_joint_application_that_cannot_be_is_refused_with_the_part(void **state)
{
#define P_OUT "{\"home\":\"" HOME "\",\"item\":\"" OUT "\"}"
#define P_IN "{\"home\":\"" WINDOW "\",\"item\":\"" IN "\"}"
	static const struct {
		const char *name, *parts;
		enum tb_code code;
		const char *says;
	} wrong[] = {
		{"转移", "", TB_EINVALID, "parts"},
		{"转移", P_OUT, TB_EINVALID, "parts"},
		{"", P_OUT "," P_IN, TB_EINVALID, "item_name"},
		{"转移", P_OUT ",{\"home\":\"330100\",\"item\":\"" IN "\"}", TB_ENOTFOUND, "parts[1].home"},
		{"转移", P_OUT ",{\"home\":\"" WINDOW "\",\"item\":\"x\"}", TB_ENOTFOUND, "parts[1].item"},
		{"转移", P_OUT ",{\"home\":\"" WINDOW "\",\"item\":\"" IN "\",\"after\":[1]}", TB_EINVALID,
	         "parts[1].after"},
		{"转移", "{\"home\":\"" HOME "\",\"item\":\"" OUT "\",\"after\":[1]}," P_IN, TB_EINVALID,
	         "parts[0].after"},
	};
	struct pair *pair = setup(state);
	enum tb_code code;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char json[2048];
		snprintf(json, sizeof(json),
		         "{\"application\":{\"mode\":\"LB\",\"home\":\"" WINDOW "\",\"itemName\":\"%s\","
		         "\"applicant\":{\"name\":\"王伟\",\"codeType\":\"111\",\"code\":"
		         "\"11010519491231002X\"},"
		         "\"delivery\":\"NETWORK\",\"parts\":[%s]},\"actor\":{\"role\":\"R_WIN\",\"id\":"
		         "\"w1\"}}",
		         wrong[i].name, wrong[i].parts);
		pair_call(pair, &pair->window, "/tongban.v1.CaseService/Submit", json, &code);
		if (code != wrong[i].code || !strstr(pair_refusal(&pair->window), wrong[i].says))
			fail_msg("%zu: %s: %s", i, tb_code_name(code), pair_refusal(&pair->window));
	}
	pair_call(pair, &pair->window, "/tongban.v1.CaseService/JointNeeds", "{}", &code);
	assert_int_equal(code, TB_EINVALID);
	pair_call(pair, &pair->window, "/tongban.v1.CaseService/JointNeeds",
	          "{\"parts\":[" P_OUT ",{\"home\":\"" HOME "\",\"item\":\"x\"}]}", &code);
	assert_int_equal(code, TB_ENOTFOUND);
	assert_non_null(strstr(pair_refusal(&pair->window), "parts[1]"));
	pair_free(pair);
#undef P_OUT
#undef P_IN
}

int main(void)
{
	pair_describe_every = 5 * TB_MINUTE;
	const struct CMUnitTest tests[] = {
		TEST(test_what_parts_ask_for_is_collected_once),
		TEST(test_parts_run_side_by_side_and_all_granted_grants_the_whole),
		TEST(test_a_part_begins_when_those_before_it_are_granted),
		TEST(test_one_negative_answer_takes_everything_back),
		TEST(test_a_withdrawal_reaches_parts_that_are_under_way_or_cut_off),
		TEST(test_a_participant_that_never_answers_denies_the_whole),
		TEST(test_the_joint_limit_stops_while_a_critical_part_is_suspended),
		TEST(test_the_joint_limit_is_lengthened_once_by_fifteen_days),
		TEST(test_a_participant_shares_its_archive),
		TEST(test_a_part_that_shared_its_archive_is_granted),
		TEST(test_the_lead_gives_back_what_the_parts_lists_give_back),
		TEST(test_a_joint_application_that_cannot_be_is_refused_with_the_part),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
