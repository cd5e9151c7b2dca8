/* The period that is counted. */
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
	assert_int_equal(verbs_run(cmd_stats_verbs, name, words, &seen, &err), status);
	if (!strstr(err.text, says))
		fail_msg("%s says %s", name, err.text);
	tb_buf_clear(&seen);
}

static void test_a_period_ends_after_it_begins(void **state)
{
	(void)state;
	check_refused("stats", WORDS("--from", "2026-03-01", "--to", "2026-01-01"), CLI_USAGE, "--to");
	verbs_reply_with("{}");
	struct tb_buf seen;
	struct tb_error err;
	assert_int_equal(verbs_run(cmd_stats_verbs, "stats",
	                           WORDS("--from", "2026-03-01", "--to", "2026-03-01"), &seen, &err),
	                 CLI_DONE);
	assert_non_null(strstr(tb_buf_text(&seen), "\"to\":\"2026-03-01\""));
	tb_buf_clear(&seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_a_period_ends_after_it_begins, verbs_setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
