/* Who the readiness is about. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/cli/verbs.h"

static void check_refused(const char *name, const char *const *words, int status, const char *says)
{
	struct tb_buf seen;
	struct tb_error err;
	assert_int_equal(verbs_run(cmd_readiness_verbs, name, words, &seen, &err), status);
	if (!strstr(err.text, says))
		fail_msg("%s says %s", name, err.text);
	tb_buf_clear(&seen);
}

static void test_there_is_no_readiness_with_who_is_no_peer(void **state)
{
	(void)state;
	verbs_reply_with("{\"region\":\"310000\",\"peers\":[{\"region\":\"320400\"}]}");
	check_refused("readiness", WORDS("999999"), CLI_REFUSED, "there is no peer 999999");
	verbs_setup(NULL);
	verbs_reply_with("{\"region\":\"310000\",\"peers\":[{\"region\":\"320400\"}]}");
	check_refused("readiness", WORDS("310000"), CLI_REFUSED, "there is no peer 310000");
}

static void test_a_note_names_who_makes_it(void **state)
{
	(void)state;
	check_refused("readiness note", WORDS("training", "--text", "T"), CLI_USAGE, "--actor");
	verbs_reply_with("{\"topic\":\"training\"}");
	struct tb_buf seen;
	struct tb_error err;
	assert_int_equal(verbs_run(cmd_readiness_verbs, "readiness note",
	                           WORDS("training", "--withdraw", "--actor", "l1"), &seen, &err),
	                 CLI_DONE);
	tb_buf_clear(&seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_there_is_no_readiness_with_who_is_no_peer, verbs_setup),
		cmocka_unit_test_setup(test_a_note_names_who_makes_it, verbs_setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
