/* What is asked about the audit log. */
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
	assert_int_equal(verbs_run(cmd_audit_verbs, name, words, &seen, &err), status);
	if (!strstr(err.text, says))
		fail_msg("%s says %s", name, err.text);
	tb_buf_clear(&seen);
}

static void test_a_log_is_compared_with_a_later_one(void **state)
{
	(void)state;
	check_refused("audit consistency", WORDS("20", "2"), CLI_USAGE, "20");
	check_refused("audit consistency", WORDS("x"), CLI_USAGE, "OLD");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_a_log_is_compared_with_a_later_one, verbs_setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
