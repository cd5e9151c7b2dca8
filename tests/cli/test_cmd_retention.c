/* Archives of finished cases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/cli/verbs.h"

static void test_a_day_that_the_node_refuses_leaves_no_directory(void **state)
{
	char root[] = "/tmp/tongban-archive-XXXXXX", out[64];
	struct tb_buf seen;
	struct tb_error err;
	(void)state;
	assert_non_null(mkdtemp(root));
	snprintf(out, sizeof(out), "%s/2025", root);
	verbs_refuse_with("{\"code\":\"invalid_argument\",\"message\":\"before: a day\"}");
	assert_int_equal(verbs_run(cmd_archive_verbs, "archive",
	                           WORDS("--before", "31.12.2025", "--out", out), &seen, &err),
	                 CLI_REFUSED);
	assert_string_equal(err.text, "before: a day");
	assert_int_equal(access(out, F_OK), -1);
	assert_int_equal(rmdir(root), 0);
	tb_buf_clear(&seen);
}

static void test_a_day_before_which_nothing_ended_gives_an_empty_archive(void **state)
{
	char root[] = "/tmp/tongban-archive-XXXXXX", out[64], materials[80];
	struct tb_buf seen;
	struct tb_error err;
	(void)state;
	assert_non_null(mkdtemp(root));
	snprintf(out, sizeof(out), "%s/2025", root);
	snprintf(materials, sizeof(materials), "%s/materials", out);
	verbs_reply_with("{}");
	assert_int_equal(verbs_run(cmd_archive_verbs, "archive",
	                           WORDS("--before", "2025-12-31", "--out", out), &seen, &err),
	                 CLI_DONE);
	assert_int_equal(rmdir(materials), 0);
	assert_int_equal(rmdir(out), 0);
	assert_int_equal(rmdir(root), 0);
	tb_buf_clear(&seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_a_day_that_the_node_refuses_leaves_no_directory, verbs_setup),
		cmocka_unit_test_setup(test_a_day_before_which_nothing_ended_gives_an_empty_archive,
	                               verbs_setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
