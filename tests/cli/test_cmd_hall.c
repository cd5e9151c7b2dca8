/* What the verbs of halls and departments read from a file, and send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/cli/verbs.h"
#include "tests/storage/scratch.h"

static const char *file_of(struct scratch *scratch, const char *name, const char *text)
{
	static char path[256];
	snprintf(path, sizeof(path), "%s/%s", scratch->dir, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
	return path;
}

static void test_a_register_comes_as_csv_or_yaml(void **state)
{
	const char *path = file_of(*state, "d.csv",
	                           "\xef\xbb\xbf"
	                           "code,name,since,phase,phone\r\nD1,\"司法局,\"\"新\"\"\",2026-03-01,1,"
	                           "12345\n\nD2,税务局,,,\n");
	verbs_setup(NULL);
	verbs_reply_with("{\"version\":\"1\",\"departments\":2}");
	verbs_check(cmd_hall_verbs, "department load", WORDS(path),
	            WORDS("/tongban.v1.HallService/LoadDepartments", "司法局,\\\"新\\\"", "\"phase\":1",
	                  "\"since\":\"2026-03-01\"", "\"code\":\"D2\""));
	path = file_of(*state, "d.yaml", "departments:\n  - {code: D1, name: 司法局, phase: 3}\n");
	verbs_setup(NULL);
	verbs_reply_with("{\"version\":\"2\",\"departments\":1}");
	verbs_check(cmd_hall_verbs, "department load", WORDS(path), WORDS("\"phase\":3"));
	path = file_of(*state, "h.csv",
	               "code,name,area,hours,contacts,departments,receives\n"
	               "A,大厅,320400,workdays 09:00-17:00;daily 10:00-11:00,王 1;李,D1;D2,是\n");
	verbs_setup(NULL);
	verbs_reply_with("{\"version\":\"3\",\"halls\":1}");
	verbs_check(cmd_hall_verbs, "hall load", WORDS(path),
	            WORDS("/tongban.v1.HallService/Load", "\"departments\":[\"D1\",\"D2\"]",
	                  "\"receives\":true", "\"days\":\"daily\"", "\"name\":\"李\""));
}

static void refuse(struct scratch *scratch, const char *verb, const char *text, const char *says)
{
	const char *path = file_of(scratch, "d.csv", text);
	struct tb_buf seen;
	struct tb_error err;
	verbs_setup(NULL);
	assert_int_not_equal(verbs_run(cmd_hall_verbs, verb, WORDS(path), &seen, &err), CLI_DONE);
	if (!strstr(err.text, says))
		fail_msg("%s", err.text);
	tb_buf_clear(&seen);
}

static void test_a_line_that_is_wrong_is_named(void **state)
{
	static const struct {
		const char *text;
		const char *says;
	} bad[] = {
		{"code,nam\nD1,x\n", "2"},
		{"code,name,phase\nD1,x,1\nD2,y,two\n", "3"},
		{"code,name\nD1,x,y\n", "2"},
		{"code,name,phase\nD1,x,99999999999\n", "2"},
		{"code,name\n\"D\n1\",x\nD2,\"y\"z\n", "4"},
		{"code,name\nD1,\"x\n", "2"},
		{"code,name\nD1,\xb3\xa3\n", "UTF-8"},
		{"1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17\n", "1"},
	};
	static const struct {
		const char *text;
		const char *says;
	} bad_halls[] = {
		{"", "--empty"},
		{"code,name\n", "--empty"},
		{"code,receives\nA,否\nB,maybe\n", "receives"},
		{"code,hour\nA,x\n", "hour"},
		{"code,contacts,window\nA,x 1,x\n", "window"},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refuse(*state, "department load", bad[i].text, bad[i].says);
	for (size_t i = 0; i < sizeof(bad_halls) / sizeof(bad_halls[0]); i++)
		refuse(*state, "hall load", bad_halls[i].text, bad_halls[i].says);
}

static void test_an_empty_list_is_published_when_it_is_meant(void **state)
{
	const char *path = file_of(*state, "h.csv", "code,name\n");
	verbs_setup(NULL);
	verbs_reply_with("{\"version\":\"4\"}");
	verbs_check(cmd_hall_verbs, "hall load", WORDS(path, "--empty"),
	            WORDS("/tongban.v1.HallService/Load"));
}

static void test_departments_are_asked_for_by_phase_and_day(void **state)
{
	(void)state;
	verbs_setup(NULL);
	verbs_reply_with("{\"departments\":[{\"department\":{\"code\":\"D1\",\"name\":\"n\",\"phase\":1,"
	                 "\"since\":\"2026-03-01\"},\"registered\":true,\"halls\":[\"A\",\"B\"]},"
	                 "{\"department\":{\"code\":\"D2\",\"name\":\"m\"}}]}");
	verbs_check(cmd_hall_verbs, "department list",
	            WORDS("--phase", "1", "--on", "2026-03-01", "--region", "320400"),
	            WORDS("/tongban.v1.HallService/ListDepartments", "\"phase\":1", "\"on\":\"2026-03-01\"",
	                  "\"region\":\"320400\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_register_comes_as_csv_or_yaml, scratch_setup,
	                                        scratch_teardown),
		cmocka_unit_test_setup_teardown(test_a_line_that_is_wrong_is_named, scratch_setup,
	                                        scratch_teardown),
		cmocka_unit_test_setup_teardown(test_an_empty_list_is_published_when_it_is_meant,
	                                        scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_departments_are_asked_for_by_phase_and_day,
	                                        scratch_setup, scratch_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
