/* Which mode a case is handed in by, and who acts when nobody says. */
#include "node/cli/cmd_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "node/core/casetable.h"
#include "tests/cli/verbs.h"

#define check_usage(name, words, says) verbs_check_usage(cmd_case_verbs, name, words, says, "/Act")

#define SUBMIT                                                                                              \
	"--item", "A1", "--home", "320400", "--applicant-name", "王伟", "--applicant-code", "1", "--actor", \
		"0371"
static const char catalogue[] = "{\"catalogue\":{\"region\":\"320400\",\"items\":[{\"code\":\"A0\",\"modes\":"
				"[\"DS\"]},{\"code\":\"A1\",\"modes\":[\"QC\",\"DS\"]}]}}";

static void test_a_case_is_handed_in_by_the_item_s_first_mode(void **state)
{
	(void)state;
	verbs_reply_with(catalogue);
	verbs_reply_with("{\"number\":\"N1\"}");
	verbs_check(cmd_case_verbs, "case submit", WORDS(SUBMIT),
	            WORDS("/tongban.v1.CatalogueService/List", "\"region\":\"320400\"",
	                  "/tongban.v1.CaseService/Submit", "\"mode\":\"QC\"", "\"role\":\"APPLICANT\""));
}

static void test_a_mode_that_is_given_needs_no_list(void **state)
{
	(void)state;
	verbs_reply_with("{\"number\":\"N1\"}");
	verbs_check(cmd_case_verbs, "case submit", WORDS(SUBMIT, "--mode", "YS", "--forward"),
	            WORDS("/tongban.v1.CaseService/Submit", "\"mode\":\"YS\"", "\"role\":\"R_WIN\""));
	verbs_setup(NULL);
	verbs_reply_with("{\"number\":\"N1\"}");
	verbs_check(cmd_case_verbs, "case submit", WORDS(SUBMIT, "--mode", "QC", "--role", "r-win"),
	            WORDS("\"mode\":\"QC\"", "\"role\":\"R_WIN\""));
}

static void test_an_item_that_is_not_in_the_list_has_no_mode(void **state)
{
	struct tb_buf seen;
	struct tb_error err;
	(void)state;
	verbs_reply_with(
		"{\"catalogue\":{\"region\":\"320400\",\"items\":[{\"code\":\"A0\",\"modes\":[\"DS\"]}]}}");
	assert_int_equal(verbs_run(cmd_case_verbs, "case submit", WORDS(SUBMIT), &seen, &err), CLI_REFUSED);
	assert_non_null(strstr(err.text, "A1"));
	assert_null(strstr(tb_buf_text(&seen), "Submit"));
	tb_buf_clear(&seen);
}

static void test_a_channel_and_what_goes_back_are_said(void **state)
{
	(void)state;
	verbs_reply_with("{\"mode\":\"DS\",\"state\":\"CLOSED\"}");
	verbs_reply_with("{\"number\":\"N1\"}");
	verbs_check(cmd_case_verbs, "case evaluate",
	            WORDS("N1", "--grade", "1", "--channel", "mobile", "--actor", "王伟"),
	            WORDS("\"grade\":1", "\"channel\":\"CHANNEL_MOBILE\""));
	verbs_setup(NULL);
	verbs_reply_with("{\"mode\":\"DS\",\"state\":\"DELIVERING\"}");
	verbs_reply_with("{\"number\":\"N1\"}");
	verbs_check(cmd_case_verbs, "case hand-over",
	            WORDS("N1", "--returned", "M2", "--returned", "M3", "--actor", "w1"),
	            WORDS("\"returned\":[\"M2\",\"M3\"]"));
	struct tb_buf seen;
	struct tb_error err;
	verbs_setup(NULL);
	assert_int_equal(verbs_run(cmd_case_verbs, "case evaluate",
	                           WORDS("N1", "--grade", "1", "--channel", "pigeon", "--actor", "王伟"),
	                           &seen, &err),
	                 CLI_USAGE);
	assert_non_null(strstr(err.text, "kiosk"));
	tb_buf_clear(&seen);
}

static void test_who_acts_follows_from_the_mode(void **state)
{
	static const struct {
		const char *verb;
		const char *view;
		const char *role;
		const char *more[3];
	} rows[] = {
		{"case accept", "{\"mode\":\"DS\",\"state\":\"SIGNED_FOR\"}", "H_WIN", {0}},
		{"case accept", "{\"mode\":\"YS\",\"state\":\"CHECKING\"}", "R_WIN", {0}},
		{"case start", "{\"mode\":\"YB\",\"state\":\"ACCEPTED\"}", "R_DEPT", {0}},
		{"case extend", "{\"mode\":\"YB\",\"state\":\"REVIEW\"}", "R_HEAD", {"--days", "5", NULL}},
		{"case send", "{\"mode\":\"QC\",\"state\":\"DRAFT\"}", "APPLICANT", {0}},
		{"case repair", "{\"mode\":\"DS\",\"state\":\"CLOSED\"}", "H_WIN", {"--note", "x", NULL}},
		{"case repair", "{\"mode\":\"YB\",\"state\":\"CLOSED\"}", "R_WIN", {"--note", "x", NULL}},
		{"case reopen", "{\"mode\":\"DS\",\"state\":\"CLOSED\"}", "H_DEPT", {"--reason", "x", NULL}},
		{"case reopen", "{\"mode\":\"YB\",\"state\":\"CLOSED\"}", "R_DEPT", {"--reason", "x", NULL}},
		{"case object", "{\"mode\":\"YB\",\"state\":\"GRANTED\"}", "H_DEPT", {"--reason", "x", NULL}},
		/* The node says what is wrong with it. */
		{"case accept", "{\"mode\":\"??\",\"state\":\"CHECKING\"}", "H_WIN", {0}},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char role[64];
		verbs_setup(NULL);
		verbs_reply_with(rows[i].view);
		verbs_reply_with("{\"number\":\"N1\"}");
		snprintf(role, sizeof(role), "\"role\":\"%s\"", rows[i].role);
		verbs_check(cmd_case_verbs, rows[i].verb,
		            (const char *const[]){"N1", "--actor", "a1", rows[i].more[0],
		                                  rows[i].more[0] ? rows[i].more[1] : NULL, NULL},
		            WORDS("/tongban.v1.CaseService/Get", "/tongban.v1.CaseService/Act", role));
	}
}

static void test_a_role_that_is_given_is_sent_as_it_is(void **state)
{
	(void)state;
	verbs_reply_with("{\"number\":\"N1\"}");
	verbs_check(cmd_case_verbs, "case start", WORDS("N1", "--role", "r-dept", "--actor", "a1"),
	            WORDS("/tongban.v1.CaseService/Act", "\"role\":\"R_DEPT\""));
	verbs_setup(NULL);
	verbs_reply_with("{\"number\":\"N1\"}");
	verbs_check(cmd_case_verbs, "case extend",
	            WORDS("N1", "--role", "R_HEAD", "--days", "3", "--actor", "a1"),
	            WORDS("\"role\":\"R_HEAD\""));
}

static void test_what_is_needed_is_asked_for_region_by_region(void **state)
{
	struct tb_buf seen;
	struct tb_error err;
	(void)state;
	verbs_reply_with("{}");
	verbs_check(cmd_case_verbs, "case needs", WORDS("310000:A1", "340100:B2"),
	            WORDS("/tongban.v1.CaseService/JointNeeds", "{\"home\":\"310000\",\"item\":\"A1\"}",
	                  "{\"home\":\"340100\",\"item\":\"B2\"}"));
	verbs_setup(NULL);
	assert_int_equal(verbs_run(cmd_case_verbs, "case needs", WORDS("310000"), &seen, &err), CLI_USAGE);
	assert_null(strstr(tb_buf_text(&seen), "JointNeeds"));
	tb_buf_clear(&seen);
	assert_int_equal(verbs_run(cmd_case_verbs, "case needs", WORDS(NULL), &seen, &err), CLI_USAGE);
	tb_buf_clear(&seen);
	assert_int_equal(
		verbs_run(cmd_case_verbs, "case needs", WORDS("310000:A1", "--bundle", "B"), &seen, &err),
		CLI_USAGE);
	tb_buf_clear(&seen);
}

static void test_a_promise_that_did_not_hold_is_named(void **state)
{
	(void)state;
	verbs_reply_with("{\"number\":\"N1\",\"mode\":\"DS\",\"state\":\"CLOSED\"}");
	verbs_reply_with("{\"number\":\"N1\"}");
	verbs_check(cmd_case_verbs, "case reopen",
	            WORDS("N1", "--reason", "R", "--broken", "M1", "--actor", "d1"),
	            WORDS("\"event\":\"REOPEN\"", "\"needs\":[{\"code\":\"M1\"}]"));
	verbs_setup(NULL);
	verbs_reply_with("{\"caseNumber\":\"N1\"}");
	verbs_check(cmd_commitment_verbs, "commitment settle",
	            WORDS("N1", "--correct", "--reason", "R", "--actor", "h1"),
	            WORDS("/tongban.v1.CommitmentService/Settle", "\"correct\":true", "\"role\":\"H_HEAD\""));
}

static void test_a_bundle_is_handed_in_and_asked_about_by_its_code(void **state)
{
	(void)state;
	verbs_reply_with("{\"number\":\"N1\"}");
	verbs_check(cmd_case_verbs, "case submit",
	            WORDS("--bundle", "YJS-1", "--list", "320000", "--at", "P2=320400", "--applicant-name",
	                  "王伟", "--applicant-code", "11010519491231002X", "--actor", "1", "--eligible",
	                  "resident=320412"),
	            WORDS("/tongban.v1.CaseService/Submit",
	                  "\"eligibility\":[{\"ground\":\"resident\",\"area\":\"320412\"}]",
	                  "\"item\":\"YJS-1\"", "\"list\":\"320000\"", "\"mode\":\"LB\"",
	                  "\"parts\":[{\"home\":\"320400\",\"item\":\"P2\"}]"));
	verbs_setup(NULL);
	verbs_reply_with("{\"parts\":[{\"home\":\"320400\",\"item\":\"A\",\"itemName\":\"转出\"}],\"needs\":"
	                 "[{\"need\":{\"name\":\"身份证\"},\"meets\":[\"0:M1\"]}]}");
	verbs_check(cmd_case_verbs, "case needs", WORDS("--bundle", "YJS-1", "--at", "P2=320400"),
	            WORDS("/tongban.v1.CaseService/JointNeeds", "\"bundle\":\"YJS-1\"",
	                  "{\"home\":\"320400\",\"item\":\"P2\"}"));
}

static void test_who_acts_is_said_and_never_the_account_of_the_computer(void **state)
{
	(void)state;
	check_usage("case accept", WORDS("N1"), "--actor");
	check_usage("case evaluate", WORDS("N1", "--grade", "1"), "--actor");
	check_usage("case grant", WORDS("N1", "--role", "h-dept", "--actor-name", "王伟"), "--actor");
}

static void test_nothing_is_supplemented_without_a_paper(void **state)
{
	(void)state;
	verbs_reply_with(
		"{\"mode\":\"DS\",\"state\":\"CORRECTION\",\"log\":[{\"event\":\"NOTIFY\",\"detail\":"
		"{\"needs\":[{\"code\":\"M2\",\"name\":\"租赁合同\"},{\"code\":\"M3\",\"name\":\"委托书\"}]}}"
		"]}");
	check_usage("case supplement", WORDS("N1", "--actor", "w1"), "--material");
	verbs_setup(NULL);
	verbs_reply_with(
		"{\"mode\":\"DS\",\"state\":\"CORRECTION\",\"log\":[{\"event\":\"NOTIFY\",\"detail\":"
		"{\"needs\":[{\"code\":\"M2\",\"name\":\"租赁合同\"},{\"code\":\"M3\",\"name\":\"委托书\"}]}}"
		"]}");
	check_usage("case supplement", WORDS("N1", "--actor", "w1"), "M2 租赁合同, M3 委托书");
	verbs_setup(NULL);
	verbs_reply_with("{\"mode\":\"YS\",\"state\":\"CHECKING\",\"log\":[{\"event\":\"ASK\",\"detail\":"
	                 "{\"needs\":[{\"code\":\"M5\",\"name\":\"章程\"}]}}]}");
	check_usage("case bring", WORDS("N1", "--actor", "w1"), "M5 章程");
	verbs_setup(NULL);
	verbs_reply_with("{\"mode\":\"DS\",\"state\":\"CORRECTION\"}");
	verbs_reply_with("{\"number\":\"N1\"}");
	verbs_check(cmd_case_verbs, "case supplement", WORDS("N1", "--actor", "w1", "--credential", "M2=C1"),
	            WORDS("\"event\":\"SUPPLEMENT\"", "M2"));
}

static void test_a_refusal_names_the_option_that_mends_it(void **state)
{
	static const struct {
		const char *reason;
		const char *option;
	} rows[] = {{"DETAIL_WAY", "--way"},
	            {"DETAIL_WAYBILL", "--waybill"},
	            {"DETAIL_REASON", "--reason"},
	            {"DETAIL_DAYS", "--days"},
	            {"DETAIL_MATERIALS", "--material"}};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tb_buf seen;
		struct tb_error err;
		char json[128];
		verbs_setup(NULL);
		verbs_reply_with("{\"mode\":\"DS\",\"state\":\"GRANTED\"}");
		snprintf(json, sizeof(json),
		         "{\"code\":\"invalid_argument\",\"message\":\"m\",\"reason\":\"%s\",\"values\":["
		         "\"9\"]}",
		         rows[i].reason);
		verbs_refuse_with(json);
		assert_int_equal(
			verbs_run(cmd_case_verbs, "case dispatch", WORDS("N1", "--actor", "a1"), &seen, &err),
			CLI_REFUSED);
		if (!strstr(err.text, rows[i].option))
			fail_msg("%s: %s", rows[i].reason, err.text);
		tb_buf_clear(&seen);
	}
	check_usage("case post", WORDS("N1", "--actor", "a1", "--waybill", "EMS"),
	            "--waybill: written as A:B");
	check_usage("case needs", WORDS("310000"), "REGION:ITEM");
}

/* Whatever people may do has a verb. */
static void test_every_event_of_people_has_a_verb(void **state)
{
	(void)state;
	for (const struct case_mode *const *mode = case_modes; *mode; mode++) {
		for (size_t i = 0; i < (*mode)->rows_count; i++) {
			const struct case_row *row = &(*mode)->rows[i];
			char name[64];
			bool people = false;
			for (int role = 1; role <= (int)PB_ROLE__R_HEAD; role++)
				people = people || (role != (int)PB_ROLE__SYSTEM &&
				                    case_row_takes(row, (PbRole)role, row->sides));
			if (!people)
				continue;
			snprintf(name, sizeof(name), "case %s", case_event_name(row->event));
			for (char *p = name; *p; p++)
				*p = *p == '_' ? '-' : *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
			const struct cli_verb *verb = verbs_find(cmd_case_verbs, name);
			assert_non_null(verb->example);
			assert_non_null(strstr(verb->example, name));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_a_case_is_handed_in_by_the_item_s_first_mode, verbs_setup),
		cmocka_unit_test_setup(test_a_mode_that_is_given_needs_no_list, verbs_setup),
		cmocka_unit_test_setup(test_an_item_that_is_not_in_the_list_has_no_mode, verbs_setup),
		cmocka_unit_test_setup(test_a_channel_and_what_goes_back_are_said, verbs_setup),
		cmocka_unit_test_setup(test_who_acts_follows_from_the_mode, verbs_setup),
		cmocka_unit_test_setup(test_a_role_that_is_given_is_sent_as_it_is, verbs_setup),
		cmocka_unit_test_setup(test_who_acts_is_said_and_never_the_account_of_the_computer,
	                               verbs_setup),
		cmocka_unit_test_setup(test_nothing_is_supplemented_without_a_paper, verbs_setup),
		cmocka_unit_test_setup(test_a_refusal_names_the_option_that_mends_it, verbs_setup),
		cmocka_unit_test_setup(test_what_is_needed_is_asked_for_region_by_region, verbs_setup),
		cmocka_unit_test_setup(test_a_bundle_is_handed_in_and_asked_about_by_its_code, verbs_setup),
		cmocka_unit_test_setup(test_every_event_of_people_has_a_verb, verbs_setup),
		cmocka_unit_test_setup(test_a_promise_that_did_not_hold_is_named, verbs_setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
