/* What is asked about certificates, and what is refused before it is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/cli/verbs.h"

#define check_usage(name, words, says) \
	verbs_check_usage(cmd_credential_verbs, name, words, says, "CredentialService")

/* A number that is right, by GB 32100-2015, 5.6, and one whose check character is not. */
#define UNIT "91350100M000100Y43"
#define WRONG "91350100M000100Y44"
#define BASIS "--purpose", "变更登记", "--basis", "条例"

static void test_a_number_is_looked_for_among_its_type(void **state)
{
	(void)state;
	check_usage("credential find", WORDS("--number", "N1"), "--type");
	verbs_reply_with("{}");
	verbs_check(cmd_credential_verbs, "credential find", WORDS("--number", "N1", "--type", "T1"),
	            WORDS("\"type\":\"T1\"", "\"number\":\"N1\""));
}

static void test_the_type_of_a_holder_s_code_follows_from_the_code_or_is_said(void **state)
{
	(void)state;
	check_usage("credential find", WORDS("--holder", WRONG), "--holder-type");
	check_usage("credential find", WORDS("--holder", "E12345678"), "--holder-type");
	check_usage("credential verify",
	            WORDS("--region", "320400", "--type", "T1", "--holder", WRONG, BASIS), "--holder-type");
	verbs_reply_with("{}");
	verbs_check(cmd_credential_verbs, "credential find", WORDS("--holder", UNIT),
	            WORDS("\"codeType\":\"001\"", UNIT));
	verbs_setup(NULL);
	verbs_reply_with("{}");
	verbs_check(cmd_credential_verbs, "credential find", WORDS("--holder", "11010519491231002X"),
	            WORDS("\"codeType\":\"111\"", "11010519491231002X"));
	verbs_setup(NULL);
	verbs_reply_with("{}");
	verbs_check(cmd_credential_verbs, "credential find",
	            WORDS("--holder", "E12345678", "--holder-type", "414"),
	            WORDS("\"codeType\":\"414\"", "E12345678"));
}

static void test_a_batch_has_its_purposes_in_its_lines(void **state)
{
	(void)state;
	check_usage("credential verify", WORDS("--region", "320400", "--batch", "q.jsonl", "--purpose", "P"),
	            "--purpose");
	check_usage("credential verify", WORDS("--region", "320400", "--batch", "q.jsonl", "--holder", UNIT),
	            "--holder");
}

static void test_a_format_that_a_name_does_not_tell_is_asked_for(void **state)
{
	(void)state;
	check_usage("credential import", WORDS("items.yaml"), "items.yaml");
	check_usage("credential import", WORDS("items.jsonl", "--format", "yaml"), "--format: one of");
	struct tb_buf seen;
	struct tb_error err;
	check_usage("credential import", WORDS("/tmp"), "/tmp: is a directory, not a file");
	assert_int_equal(
		verbs_run(cmd_credential_verbs, "credential import", WORDS("/tmp/no/such.csv"), &seen, &err),
		CLI_REFUSED);
	assert_int_equal(err.code, TB_ENOTFOUND);
	tb_buf_clear(&seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_a_number_is_looked_for_among_its_type, verbs_setup),
		cmocka_unit_test_setup(test_the_type_of_a_holder_s_code_follows_from_the_code_or_is_said,
	                               verbs_setup),
		cmocka_unit_test_setup(test_a_batch_has_its_purposes_in_its_lines, verbs_setup),
		cmocka_unit_test_setup(test_a_format_that_a_name_does_not_tell_is_asked_for, verbs_setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
