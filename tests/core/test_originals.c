/* Paper originals: some are kept, some go back before the case is closed. */
#include "tests/core/pair.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define OK(call) assert_int_equal((call), TB_OK)
#define WANG "11010519491231002X"

/* M2 goes back, M3 stays; M4 may be brought and goes back. */
static const char catalogue[] =
	"{\"items\":[{\"code\":\"" ITEM "\",\"name\":\"公证\",\"department\":\"11320400014109045T\","
	"\"departmentName\":\"d\",\"modes\":[\"DS\"],\"promisedDays\":5,\"legalDays\":15,\"materials\":["
	"{\"code\":\"M1\",\"name\":\"申请表\",\"required\":true,\"basis\":\"b\"},"
	"{\"code\":\"M2\",\"name\":\"户口簿\",\"required\":true,\"basis\":\"b\",\"original\":true,"
	"\"disposition\":\"RETURNED_ORIGINAL\"},"
	"{\"code\":\"M3\",\"name\":\"档案\",\"required\":true,\"basis\":\"b\",\"original\":true,"
	"\"disposition\":\"ARCHIVED_ORIGINAL\"},"
	"{\"code\":\"M4\",\"name\":\"结婚证\",\"original\":true,\"disposition\":\"RETURNED_ORIGINAL\"}]}]}";

static void act(struct pair *pair, struct side *side, const char *number, const char *event, const char *role,
                const char *more)
{
	enum tb_code code = pair_act(pair, side, number, event, role, more);
	if (code)
		fail_msg("%s: %s", event, pair_refusal(side));
	pair_pass(pair, TB_MINUTE);
}

/* A case whose result is on its way; |dispatch| is the detail of DISPATCH. */
static struct pair *delivering(void **state, const char *dispatch, char number[32])
{
	struct pair *pair = pair_new(*state);
	char form[512], json[2048];
	pair_ask(pair, &pair->home, "/tongban.v1.CatalogueService/Load", catalogue);
	pair_pass(pair, 2 * TB_MINUTE);
	pair_upload(pair, &pair->window, 1000, 3, form);
	snprintf(json, sizeof(json),
	         "{\"application\":{\"item\":\"" ITEM "\",\"mode\":\"DS\",\"home\":\"" HOME
	         "\",\"applicant\":{"
	         "\"name\":\"王伟\",\"codeType\":\"111\",\"code\":\"" WANG
	         "\"},\"delivery\":\"WINDOW_PICKUP\","
	         "\"materials\":[{\"need\":\"M1\",%s},{\"need\":\"M2\",\"original\":true},"
	         "{\"need\":\"M3\",\"original\":true}]},\"actor\":{\"role\":\"R_WIN\",\"id\":\"w1\"},"
	         "\"forward\":true}",
	         form);
	PbCaseView *view =
		(PbCaseView *)(void *)pair_ask(pair, &pair->window, "/tongban.v1.CaseService/Submit", json);
	snprintf(number, 32, "%s", view->number);
	pair_pass(pair, TB_MINUTE);
	act(pair, &pair->window, number, "POST", "R_WIN",
	    "\"detail\":{\"waybill\":{\"carrier\":\"EMS\",\"number\":\"1\"}}");
	act(pair, &pair->home, number, "SIGN", "H_WIN", "");
	act(pair, &pair->home, number, "ACCEPT", "H_WIN", "");
	act(pair, &pair->home, number, "START", "H_DEPT", "");
	act(pair, &pair->home, number, "GRANT", "H_HEAD", "");
	act(pair, &pair->home, number, "DISPATCH", "H_WIN", dispatch);
	return pair;
}

static void test_a_case_is_not_closed_while_an_original_is_to_go_back(void **state)
{
	char number[32];
	struct pair *pair = delivering(state, "\"detail\":{\"way\":\"WINDOW_PICKUP\"}", number);
	PbCaseView *view = pair_case(pair, &pair->window, number);
	assert_int_equal(view->n_to_return, 1);
	assert_string_equal(view->to_return[0], "M2");
	assert_int_equal(pair_act(pair, &pair->home, number, "HAND_OVER", "H_WIN", ""), TB_ESTATE);
	assert_non_null(strstr(pair_refusal(&pair->home), "originals were not returned: M2"));
	/* Asked for by the window, the owner refuses it as well. */
	OK(pair_act(pair, &pair->window, number, "HAND_OVER", "R_WIN", ""));
	pair_pass(pair, TB_MINUTE);
	assert_int_equal(pair_case(pair, &pair->window, number)->state, PB_CASE_STATE__DELIVERING);
	OK(pair_act(pair, &pair->window, number, "HAND_OVER", "R_WIN", "\"detail\":{\"returned\":[\"M2\"]}"));
	pair_pass(pair, TB_MINUTE);
	view = pair_case(pair, &pair->window, number);
	assert_int_equal(view->state, PB_CASE_STATE__CLOSED);
	assert_int_equal(view->n_to_return, 0);
	pair_assert_equal_logs(pair, number);
	pair_free(pair);
}

static void test_what_went_back_with_the_result_is_back(void **state)
{
	char number[32];
	struct pair *pair = delivering(state,
	                               "\"detail\":{\"way\":\"COURIER\",\"returned\":[\"M2\"],\"waybill\":{"
	                               "\"carrier\":\"EMS\",\"number\":\"2\"}}",
	                               number);
	assert_int_equal(pair_case(pair, &pair->home, number)->n_to_return, 0);
	act(pair, &pair->home, number, "HAND_OVER", "APPLICANT", "");
	assert_int_equal(pair_case(pair, &pair->home, number)->state, PB_CASE_STATE__CLOSED);
	pair_free(pair);
}

static void test_one_that_is_lost_is_answered_for(void **state)
{
	char number[32];
	struct pair *pair = delivering(state, "\"detail\":{\"way\":\"NETWORK\"}", number);
	act(pair, &pair->home, number, "HAND_OVER", "H_WIN", "\"detail\":{\"reason\":\"寄递遗失，已赔偿\"}");
	assert_int_equal(pair_case(pair, &pair->home, number)->state, PB_CASE_STATE__CLOSED);
	pair_free(pair);
}

static void test_only_what_was_handed_in_goes_back_and_only_then(void **state)
{
	char number[32];
	struct pair *pair = delivering(state, "\"detail\":{\"way\":\"WINDOW_PICKUP\"}", number);
	assert_int_equal(pair_act(pair, &pair->home, number, "HAND_OVER", "H_WIN",
	                          "\"detail\":{\"returned\":[\"M2\",\"M4\"]}"),
	                 TB_EINVALID);
	assert_non_null(strstr(pair_refusal(&pair->home), "detail.returned[1]"));
	assert_int_equal(pair_act(pair, &pair->home, number, "CONSULT", "H_WIN",
	                          "\"detail\":{\"note\":\"n\",\"returned\":[\"M2\"]}"),
	                 TB_EINVALID);
	assert_non_null(strstr(pair_refusal(&pair->home), "only with DISPATCH and HAND_OVER"));
	pair_free(pair);
}

/* A package that needed no paper; one comes with a supplement. */
static void test_an_original_that_comes_with_a_supplement_goes_back_too(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32], form[512], more[1024];
	pair_ask(pair, &pair->home, "/tongban.v1.CatalogueService/Load",
	         "{\"items\":[{\"code\":\"" ITEM "\",\"name\":\"公证\",\"department\":\"11320400014109045T\","
	         "\"departmentName\":\"d\",\"modes\":[\"DS\"],\"promisedDays\":5,\"legalDays\":15,"
	         "\"materials\":["
	         "{\"code\":\"M1\",\"name\":\"申请表\",\"required\":true,\"basis\":\"b\"},"
	         "{\"code\":\"M4\",\"name\":\"结婚证\",\"original\":true,\"disposition\":\"RETURNED_"
	         "ORIGINAL\"}]}]}");
	pair_pass(pair, 2 * TB_MINUTE);
	pair_submit(pair, true, number);
	pair_pass(pair, TB_MINUTE);
	act(pair, &pair->home, number, "NOTIFY", "H_WIN",
	    "\"detail\":{\"reason\":\"r\",\"needs\":[{\"code\":\"M4\",\"name\":\"结婚证\"}]}");
	pair_upload(pair, &pair->window, 1000, 9, form);
	snprintf(more, sizeof(more), "\"detail\":{\"materials\":[{\"need\":\"M4\",\"original\":true,%s}]}",
	         form);
	act(pair, &pair->window, number, "SUPPLEMENT", "R_WIN", more);
	PbCaseView *view = pair_case(pair, &pair->window, number);
	assert_int_equal(view->n_to_return, 1);
	assert_string_equal(view->to_return[0], "M4");
	pair_free(pair);
}

static void test_a_parcel_says_what_becomes_of_each_paper(void **state)
{
	char number[32];
	struct pair *pair = delivering(state, "\"detail\":{\"way\":\"WINDOW_PICKUP\"}", number);
	PbCaseView *view = pair_case(pair, &pair->home, number);
	const PbWaybill *waybill = NULL;
	for (size_t i = 0; i < view->n_log && !waybill; i++)
		waybill = view->log[i]->event == PB_CASE_EVENT__POST ? view->log[i]->detail->waybill : NULL;
	assert_non_null(waybill);
	assert_int_equal(waybill->n_contents, 2);
	assert_string_equal(waybill->contents[0], "M2 户口簿（退还）");
	assert_string_equal(waybill->contents[1], "M3 档案（存档）");
	pair_free(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_case_is_not_closed_while_an_original_is_to_go_back),
		TEST(test_what_went_back_with_the_result_is_back),
		TEST(test_one_that_is_lost_is_answered_for),
		TEST(test_only_what_was_handed_in_goes_back_and_only_then),
		TEST(test_an_original_that_comes_with_a_supplement_goes_back_too),
		TEST(test_a_parcel_says_what_becomes_of_each_paper),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
