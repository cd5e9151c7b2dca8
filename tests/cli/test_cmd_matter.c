/* What the verbs of a matter send, and what they show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/cli/verbs.h"

#define check_usage(name, words, says) verbs_check_usage(cmd_matter_verbs, name, words, says, "MatterService")

static void test_a_matter_is_between_this_region_who_is_asked_and_who_is_named(void **state)
{
	(void)state;
	verbs_reply_with("{\"region\":\"441300\"}");
	verbs_reply_with("{\"matter\":\"441300-1\"}");
	verbs_check(cmd_matter_verbs, "matter open",
	            WORDS("--about", "dispute", "--subject", "S", "--text", "T", "--ask", "320400", "--days",
	                  "15", "--party", "310000", "--party", "441300", "--party", "320400", "--case", "N1",
	                  "--actor", "l1"),
	            WORDS("/tongban.v1.NodeService/Status", "/tongban.v1.MatterService/Open",
	                  "\"about\":\"DISPUTE\"", "\"parties\":[\"441300\",\"320400\",\"310000\"]",
	                  "\"asked\":\"320400\"", "\"days\":15", "\"caseNumber\":\"N1\"",
	                  "\"role\":\"LIAISON\"", "\"id\":\"l1\""));
}

static void test_a_supervision_order_comes_from_a_supervisor(void **state)
{
	(void)state;
	verbs_reply_with("{\"region\":\"441300\"}");
	verbs_reply_with("{\"matter\":\"441300-1\"}");
	verbs_check(cmd_matter_verbs, "matter open",
	            WORDS("--about", "supervision", "--subject", "S", "--text", "T", "--ask", "320400",
	                  "--days", "5", "--actor", "s1"),
	            WORDS("\"about\":\"SUPERVISION\"", "\"role\":\"SUPERVISOR\""));
}

static void test_a_matter_of_no_known_kind_is_not_sent(void **state)
{
	(void)state;
	check_usage("matter open", WORDS("--about", "quarrel", "--text", "T"), "about");
	check_usage("matter open", WORDS("--text", "T"), "about");
	check_usage("matter open", WORDS("--about", "dispute", "--days", "0"), "days");
	check_usage("matter answer", WORDS("M1", "--outcome", "perhaps", "--text", "T"), "outcome");
	check_usage("matter list", WORDS("--state", "lost"), "state");
	check_usage("matter open", WORDS("--about", "dispute", "--text", "T"), "--actor");
	check_usage("matter answer", WORDS("M1", "--outcome", "upheld", "--text", "T"), "--actor");
}

static void test_what_is_said_is_of_the_kind_that_the_verb_names(void **state)
{
	static const struct {
		const char *verb;
		const char *kind;
	} rows[] = {
		{"matter say", "\"kind\":\"POST_SAYS\""},
		{"matter answer", "\"kind\":\"POST_ANSWERS\""},
		{"matter close", "\"kind\":\"POST_CLOSES\""},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		verbs_setup(NULL);
		verbs_reply_with("{\"matter\":\"M1\"}");
		verbs_check(cmd_matter_verbs, rows[i].verb,
		            WORDS("M1", "--text", "T", "--video", "room 7", "--actor", "l1"),
		            WORDS("/tongban.v1.MatterService/Post", rows[i].kind, "\"matter\":\"M1\"",
		                  "\"text\":\"T\"", "\"video\":\"room 7\""));
	}
	verbs_setup(NULL);
	verbs_reply_with("{\"matter\":\"M1\"}");
	verbs_check(cmd_matter_verbs, "matter answer",
	            WORDS("M1", "--outcome", "partly-upheld", "--text", "T", "--actor", "l1"),
	            WORDS("\"outcome\":\"PARTLY_UPHELD\""));
}

static void test_a_list_is_of_one_state_or_one_case(void **state)
{
	(void)state;
	verbs_reply_with("{}");
	verbs_check(cmd_matter_verbs, "matter list", WORDS("--state", "answered", "--case", "N1"),
	            WORDS("/tongban.v1.MatterService/List", "\"state\":\"MATTER_ANSWERED\"",
	                  "\"caseNumber\":\"N1\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_a_matter_is_between_this_region_who_is_asked_and_who_is_named,
	                               verbs_setup),
		cmocka_unit_test_setup(test_a_supervision_order_comes_from_a_supervisor, verbs_setup),
		cmocka_unit_test_setup(test_a_matter_of_no_known_kind_is_not_sent, verbs_setup),
		cmocka_unit_test_setup(test_what_is_said_is_of_the_kind_that_the_verb_names, verbs_setup),
		cmocka_unit_test_setup(test_a_list_is_of_one_state_or_one_case, verbs_setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
