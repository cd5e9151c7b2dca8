/* 一件事: a bundle of 兰州's list, a transfer of medical insurance out of one region and then into 兰州. */
#include "tests/core/pair.h"

#include <stdio.h>
#include <string.h>

#include "node/core/catalogue.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define OUT "320400000000000000000000000OUT1"
#define IN "620100000000000000000000000IN001"
#define LISTED(code, name, base, materials)                                 \
	"{\"code\":\"" code "\",\"name\":\"" name "\",\"baseCode\":\"" base \
	"\",\"department\":\"11320400014109045T\",\"modes\":[\"LB\"],"      \
	"\"promisedDays\":10,\"legalDays\":20,\"materials\":[" materials "]}"
#define NEED(code, name) "{\"code\":\"" code "\",\"name\":\"" name "\",\"required\":true,\"basis\":\"x\"}"
#define BUNDLE                                                                                  \
	"{\"code\":\"YJS-1\",\"baseCode\":\"000820001000\",\"name\":\"医保转移一件事\"," \
	"\"department\":\"11620100014109045T\",\"modes\":[\"LB\"],\"promisedDays\":15,"         \
	"\"legalDays\":45,\"bundle\":[{\"code\":\"P1\",\"item\":\"000114001000\"},{\"code\":"   \
	"\"P2\",\"item\":\"" IN "\",\"region\":\"620100\",\"after\":[\"P1\"]}]}"

static void load(struct pair *pair, struct side *side, const char *items, enum tb_code expected)
{
	enum tb_code code;
	char json[4096];
	snprintf(json, sizeof(json), "{\"items\":[%s]}", items);
	pair_call(pair, side, "/tongban.v1.CatalogueService/Load", json, &code);
	assert_int_equal(code, expected);
}

static struct pair *setup(void **state)
{
	struct pair *pair = pair_new(*state);
	load(pair, &pair->home, LISTED(OUT, "转出", "000114001000", NEED("M1", "身份证")), TB_OK);
	load(pair, &pair->window,
	     LISTED(IN, "转入", "000114002000", NEED("A1", "身份证") "," NEED("A2", "申请表")) "," BUNDLE,
	     TB_OK);
	pair_pass(pair, 10 * TB_MINUTE);
	return pair;
}

static PbCaseView *submit(struct pair *pair, const char *what, enum tb_code expected)
{
	char json[2048], card[512], form[512];
	enum tb_code code;
	pair_upload(pair, &pair->window, 1000, 1, card);
	pair_upload(pair, &pair->window, 2000, 2, form);
	snprintf(json, sizeof(json),
	         "{\"application\":{%s,\"applicant\":{\"name\":\"王伟\",\"codeType\":\"111\",\"code\":"
	         "\"11010519491231002X\"},\"delivery\":\"WINDOW_PICKUP\",\"materials\":["
	         "{\"need\":\"身份证\",%s},{\"need\":\"申请表\",%s}]},"
	         "\"actor\":{\"role\":\"R_WIN\",\"id\":\"w1\"},\"forward\":true}",
	         what, card, form);
	PbCaseView *view = (PbCaseView *)(void *)pair_call(pair, &pair->window,
	                                                   "/tongban.v1.CaseService/Submit", json, &code);
	assert_int_equal(code, expected);
	return view;
}

#define AT(part, region) "\"parts\":[{\"item\":\"" part "\",\"home\":\"" region "\"}]"

static void test_a_bundle_becomes_a_joint_case_with_its_parts_in_its_order(void **state)
{
	struct pair *pair = setup(state);
	char lead[32];
	PbCaseView *view = submit(pair, "\"mode\":\"LB\",\"item\":\"YJS-1\"," AT("P1", HOME), TB_OK);
	snprintf(lead, sizeof(lead), "%s", view->number);
	pair_pass(pair, TB_MINUTE);
	view = pair_case(pair, &pair->window, lead);
	assert_string_equal(view->item, "YJS-1");
	assert_string_equal(view->item_name, "医保转移一件事");
	assert_string_equal(view->home, WINDOW);
	assert_int_equal(view->n_parts, 2);
	assert_string_equal(view->parts[0]->home, HOME);
	assert_string_equal(view->parts[0]->item, OUT); /* found by its basic code */
	assert_string_equal(view->parts[1]->home, WINDOW);
	assert_int_equal(view->parts[1]->n_after, 1);
	assert_int_equal(view->parts[1]->after[0], 0);
	assert_string_not_equal(view->parts[0]->number, "");
	assert_string_equal(view->parts[1]->number, ""); /* waits for the first */
	pair_free(pair);
}

static void test_a_bundle_is_known_by_its_basic_code_and_from_another_list(void **state)
{
	struct pair *pair = setup(state);
	submit(pair, "\"mode\":\"LB\",\"item\":\"000820001000\"," AT("P1", HOME), TB_OK);
	load(pair, &pair->home, LISTED(OUT, "转出", "000114001000", NEED("M1", "身份证")) "," BUNDLE, TB_OK);
	pair_pass(pair, 10 * TB_MINUTE);
	submit(pair, "\"mode\":\"LB\",\"item\":\"YJS-1\",\"list\":\"" HOME "\"," AT("P1", HOME), TB_OK);
	pair_free(pair);
}

static void test_what_a_bundle_needs_is_collected_once(void **state)
{
	struct pair *pair = setup(state);
	PbCaseJointNeedsResponse *needs = (PbCaseJointNeedsResponse *)(void *)pair_ask(
		pair, &pair->window, "/tongban.v1.CaseService/JointNeeds",
		"{\"bundle\":\"YJS-1\"," AT("P1", HOME) "}");
	assert_int_equal(needs->n_parts, 2);
	assert_string_equal(needs->parts[0]->item_name, "转出");
	assert_int_equal(needs->n_needs, 2);
	assert_string_equal(needs->needs[0]->need->code, "身份证");
	assert_int_equal(needs->needs[0]->n_meets, 2);
	/* Asked as one item it would need nothing, which misleads. */
	enum tb_code code;
	pair_call(
		pair, &pair->window, "/tongban.v1.CaseService/Prepare",
		"{\"application\":{\"item\":\"YJS-1\",\"home\":\"" WINDOW
		"\",\"applicant\":{\"name\":\"王伟\",\"codeType\":\"111\",\"code\":\"11010519491231002X\"}},"
		"\"actor\":{\"role\":\"R_WIN\",\"id\":\"w1\"}}",
		&code);
	assert_int_equal(code, TB_ESTATE);
	pair_free(pair);
}

static void refused(struct pair *pair, const char *what, enum tb_code code, const char *why)
{
	submit(pair, what, code);
	assert_non_null(strstr(pair_refusal(&pair->window), why));
}

static void test_what_does_not_fit_a_bundle_is_refused_with_the_reason(void **state)
{
	struct pair *pair = setup(state);
	refused(pair, "\"mode\":\"LB\",\"item\":\"YJS-1\"", TB_ENOTFOUND, "parts[0]");
	refused(pair, "\"mode\":\"LB\",\"item\":\"YJS-1\"," AT("P9", HOME), TB_EINVALID, "parts[0].item");
	refused(pair, "\"mode\":\"LB\",\"item\":\"YJS-1\"," AT("P2", HOME), TB_EINVALID,
	        "the bundle names 620100");
	refused(pair, "\"mode\":\"LB\",\"item\":\"" IN "\"", TB_EINVALID, "not a bundle");
	refused(pair, "\"mode\":\"QC\",\"home\":\"" WINDOW "\",\"item\":\"YJS-1\"", TB_ESTATE, "in mode LB");
	refused(pair,
	        "\"mode\":\"LB\",\"itemName\":\"x\",\"parts\":[{\"home\":\"" WINDOW
	        "\",\"item\":\"YJS-1\"},{\"home\":\"" HOME "\",\"item\":\"" OUT "\"}]",
	        TB_ESTATE, "is a bundle");
	pair_free(pair);
}

static void test_a_list_with_a_bundle_that_is_not_in_order_is_refused(void **state)
{
	static const struct {
		const char *bundle, *why;
	} cases[] = {
		{"\"modes\":[\"LB\"],\"bundle\":[{\"code\":\"P1\",\"item\":\"a\"}]", "bundle: 2 to"},
		{"\"modes\":[\"LB\",\"DS\"],\"bundle\":[{\"code\":\"P1\",\"item\":\"a\"},{\"code\":\"P2\","
	         "\"item\":\"b\"}]",
	         "LB alone"},
		{"\"modes\":[\"LB\"],\"materials\":[" NEED("M", "n") "],\"bundle\":[{\"code\":\"P1\","
	                                                             "\"item\":\"a\"},{\"code\":\"P2\","
	                                                             "\"item\":\"b\"}]",
	         "those of its items"},
		{"\"modes\":[\"LB\"],\"bundle\":[{\"code\":\"P1\",\"item\":\"a\"},{\"code\":\"P1\",\"item\":"
	         "\"b\"}]",
	         "bundle[1].code"},
		{"\"modes\":[\"LB\"],\"bundle\":[{\"code\":\"P1\",\"item\":\"a\",\"after\":[\"P2\"]},"
	         "{\"code\":\"P2\",\"item\":\"b\"}]",
	         "bundle[0].after[0]"},
		{"\"modes\":[\"LB\"],\"bundle\":[{\"code\":\"P1\"},{\"code\":\"P2\",\"item\":\"b\"}]",
	         "bundle[0].item is missing"},
		{"\"modes\":[\"LB\"],\"bundle\":[{\"code\":\"P1\",\"item\":\"a\",\"region\":\"32\"},"
	         "{\"code\":\"P2\",\"item\":\"b\"}]",
	         "bundle[0].region"},
	};
	struct pair *pair = pair_new(*state);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char item[1024];
		snprintf(item, sizeof(item),
		         "{\"code\":\"c\",\"name\":\"n\",\"department\":\"d\",\"promisedDays\":1,"
		         "\"legalDays\":1,%s}",
		         cases[i].bundle);
		load(pair, &pair->window, item, TB_EINVALID);
		assert_non_null(strstr(pair_refusal(&pair->window), cases[i].why));
	}
	pair_free(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_bundle_becomes_a_joint_case_with_its_parts_in_its_order),
		TEST(test_a_bundle_is_known_by_its_basic_code_and_from_another_list),
		TEST(test_what_a_bundle_needs_is_collected_once),
		TEST(test_what_does_not_fit_a_bundle_is_refused_with_the_reason),
		TEST(test_a_list_with_a_bundle_that_is_not_in_order_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
