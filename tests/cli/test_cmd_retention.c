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

/* What a verb prints, where |text| has room for it. */
static void printed(const char *name, const char *const *words, char *text, size_t room)
{
	struct tb_buf seen;
	struct tb_error err;
	FILE *file = tmpfile();
	assert_non_null(file);
	fflush(stdout);
	int out = dup(STDOUT_FILENO);
	assert_true(out >= 0 && dup2(fileno(file), STDOUT_FILENO) >= 0);
	int status = verbs_run(cmd_hold_verbs, name, words, &seen, &err);
	fflush(stdout);
	assert_true(dup2(out, STDOUT_FILENO) >= 0);
	close(out);
	rewind(file);
	text[fread(text, 1, room - 1, file)] = 0;
	fclose(file);
	tb_buf_clear(&seen);
	if (status != CLI_DONE)
		fail_msg("%s: %s", name, err.text);
}

static void test_holds_are_told_to_machines(void **state)
{
	char text[1024];
	verbs_reply_with("{\"caseNumber\":\"620100-1\",\"reason\":\"复议\",\"atMs\":\"1790000000000\"}");
	printed("hold add", WORDS("620100-1", "--reason", "复议"), text, sizeof(text));
	assert_non_null(strstr(text, "\"caseNumber\""));
	assert_non_null(strstr(text, "\"1790000000000\""));
	assert_non_null(strstr(text, "复议"));
	assert_true(text[0] == '{');
	verbs_setup(state);
	verbs_reply_with("{\"holds\":[{\"caseNumber\":\"620100-1\",\"reason\":\"复议\"}]}");
	printed("hold list", WORDS(NULL), text, sizeof(text));
	assert_true(text[0] == '{');
	assert_non_null(strstr(text, "\"holds\""));
	assert_non_null(strstr(text, "620100-1"));
	verbs_setup(state);
	verbs_reply_with("{}");
	printed("hold release", WORDS("620100-1", "--reason", "已结案"), text, sizeof(text));
	assert_string_equal(text, "{}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_a_day_that_the_node_refuses_leaves_no_directory, verbs_setup),
		cmocka_unit_test_setup(test_holds_are_told_to_machines, verbs_setup),
		cmocka_unit_test_setup(test_a_day_before_which_nothing_ended_gives_an_empty_archive,
	                               verbs_setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
