/* Exports: every row once, as it is now; what changed after a cursor; lines that no spreadsheet takes for a
 * formula. */
#include "tests/core/hostile.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

#define CASES "/tongban.v1.ExportService/Cases"
#define CREDENTIALS "/tongban.v1.ExportService/Credentials"
#define IMPORT "/tongban.v1.CredentialService/Import"

static const PbExportResponse *export(struct pair *pair, const char *path, const char *after,
                                      const char *more)
{
	char json[256];
	snprintf(json, sizeof(json), "{\"after\":\"%s\",%s}", after, more);
	return (const void *)pair_ask(pair, &pair->window, path, json);
}

static void import(struct pair *pair, const char *number, const char *name)
{
	char json[1024];
	snprintf(json, sizeof(json),
	         "{\"format\":\"CSV\",\"importId\":\"%s\",\"firstLine\":2,"
	         "\"header\":\"type,number,name,holder_code_type,holder_code,holder_name,issuer,issued_on\","
	         "\"lines\":[\"11100000MB0143028R001,%s,%s,111,11010519491231002X,王伟,620100,2020-01-01\"]}",
	         number, number, name);
	const PbImportResponse *reply = (const void *)pair_ask(pair, &pair->window, IMPORT, json);
	if (reply->n_bad)
		fail_msg("%s", reply->bad[0]->reason);
	assert_int_equal(reply->added, 1);
}

static void test_a_case_comes_once_as_it_is_and_again_when_it_moved(void **state)
{
	struct pair *pair = pair_new(*state);
	char first[32], second[32], next[64];
	pair_submit(pair, false, first);
	pair_submit(pair, false, second);
	assert_int_equal(pair_act(pair, &pair->window, first, "CHECK", "R_WIN", ""), TB_OK);
	const PbExportResponse *page = export(pair, CASES, "", "\"format\":\"CSV\"");
	assert_int_equal(page->n_lines, 2);
	assert_non_null(strstr(page->header, "办件编号,协同办件编号,基本编码,实施编码"));
	/* In the order in which they moved last. */
	assert_non_null(strstr(page->lines[0], second));
	assert_non_null(strstr(page->lines[1], first));
	assert_non_null(strstr(page->lines[1], ",CHECKING,"));
	assert_non_null(strstr(page->lines[1], "王伟,111,11010519491231002X"));
	snprintf(next, sizeof(next), "%s", page->next);
	assert_false(page->more);
	page = export(pair, CASES, next, "\"format\":\"JSONL\"");
	assert_int_equal(page->n_lines, 0);
	pair_crash(pair, &pair->window);
	assert_int_equal(pair_act(pair, &pair->window, second, "CHECK", "R_WIN", ""), TB_OK);
	page = export(pair, CASES, next, "\"format\":\"JSONL\"");
	assert_int_equal(page->n_lines, 1);
	assert_non_null(strstr(page->lines[0], "\"办件状态\":\"CHECKING\""));
	assert_non_null(strstr(page->lines[0], second));
	pair_free(pair);
}

static void test_pages_leave_nothing_out(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32], after[64] = "";
	unsigned rows = 0, pages = 0;
	for (unsigned i = 0; i < 7; i++)
		pair_submit(pair, false, number);
	bool more = true;
	for (; more; pages++) {
		const PbExportResponse *page = export(pair, CASES, after, "\"format\":\"CSV\",\"limit\":3");
		assert_true(page->n_lines <= 3 && pages < 20);
		rows += (unsigned)page->n_lines;
		more = page->more;
		snprintf(after, sizeof(after), "%s", page->next);
	}
	assert_int_equal(rows, 7);
	pair_free(pair);
}

static void test_a_cursor_that_is_none_is_refused(void **state)
{
	static const struct {
		const char *path, *json;
		enum tb_code code;
	} wrong[] = {
		{CASES, "{\"after\":\"x\",\"format\":\"CSV\"}", TB_EINVALID},
		{CASES, "{\"after\":\"1-1\",\"format\":\"CSV\"}", TB_EINVALID},
		{CASES, "{\"after\":\"999999\",\"format\":\"CSV\"}", TB_ENOTFOUND},
		{CASES, "{}", TB_EINVALID},
		{CREDENTIALS, "{\"after\":\"1\",\"format\":\"CSV\"}", TB_EINVALID},
		{CREDENTIALS, "{\"after\":\"1-\",\"format\":\"CSV\"}", TB_EINVALID},
		{CREDENTIALS, "{\"after\":\"9999-0\",\"format\":\"CSV\"}", TB_ENOTFOUND},
		{CREDENTIALS, "{\"after\":\"0-9\",\"format\":\"CSV\"}", TB_ENOTFOUND},
	};
	struct pair *pair = pair_new(*state);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		enum tb_code code;
		pair_call(pair, &pair->window, wrong[i].path, wrong[i].json, &code);
		if (code != wrong[i].code)
			fail_msg("%s: %s", wrong[i].json, tb_code_name(code));
	}
	pair_free(pair);
}

static void test_a_certificate_comes_again_when_its_state_changed(void **state)
{
	struct pair *pair = pair_new(*state);
	char next[64], json[256], identifier[128];
	import(pair, "N1", "营业执照");
	import(pair, "N2", "营业执照");
	const PbExportResponse *page = export(pair, CREDENTIALS, "", "\"format\":\"CSV\",\"limit\":1");
	assert_int_equal(page->n_lines, 1);
	assert_true(page->more);
	assert_non_null(strstr(page->lines[0], "N1"));
	snprintf(next, sizeof(next), "%s", page->next);
	page = export(pair, CREDENTIALS, next, "\"format\":\"CSV\"");
	assert_int_equal(page->n_lines, 1);
	assert_non_null(strstr(page->lines[0], "N2"));
	snprintf(next, sizeof(next), "%s", page->next);
	assert_int_equal(export(pair, CREDENTIALS, next, "\"format\":\"CSV\"")->n_lines, 0);
	const PbCredentialFindResponse *found =
		(const void *)pair_ask(pair, &pair->window, "/tongban.v1.CredentialService/Find",
	                               "{\"type\":\"11100000MB0143028R001\",\"number\":\"N1\"}");
	snprintf(identifier, sizeof(identifier), "%s", found->credentials[0]->credential->identifier);
	snprintf(json, sizeof(json), "{\"identifier\":\"%s\",\"state\":\"REVOKED\",\"reason\":\"x\"}",
	         identifier);
	pair_ask(pair, &pair->window, "/tongban.v1.CredentialService/SetState", json);
	page = export(pair, CREDENTIALS, next, "\"format\":\"JSONL\"");
	assert_int_equal(page->n_lines, 1);
	assert_non_null(strstr(page->lines[0], "\"证照编号\":\"N1\""));
	assert_non_null(strstr(page->lines[0], "\"证照状态\":\"REVOKED\""));
	pair_free(pair);
}

static void test_no_cell_is_a_formula_and_quotes_are_doubled(void **state)
{
	struct pair *pair = pair_new(*state);
	import(pair, "N1", "=1+1");
	import(pair, "N2", "@SUM(A1)");
	import(pair, "N3", "\\\"a, \\\"\\\"b\\\"\\\"\\\"");
	const PbExportResponse *page = export(pair, CREDENTIALS, "", "\"format\":\"CSV\"");
	assert_int_equal(page->n_lines, 3);
	assert_non_null(strstr(page->lines[0], ",\"'=1+1\","));
	assert_non_null(strstr(page->lines[1], ",\"'@SUM(A1)\","));
	assert_non_null(strstr(page->lines[2], ",\"a, \"\"b\"\"\","));
	page = export(pair, CREDENTIALS, "", "\"format\":\"JSONL\"");
	assert_non_null(strstr(page->lines[0], "\"证照名称\":\"=1+1\""));
	assert_non_null(strstr(page->lines[2], "\"证照名称\":\"a, \\\"b\\\"\""));
	pair_free(pair);
}

static const char *cell_of(const PbExportResponse *page, size_t line, const char *column, char out[256])
{
	char name[128];
	snprintf(name, sizeof(name), "\"%s\":\"", column);
	const char *at = strstr(page->lines[line], name);
	snprintf(out, 256, "%.*s", at ? (int)strcspn(at + strlen(name), "\"") : 0,
	         at ? at + strlen(name) : "");
	return out;
}

static const PbExportResponse *cases_at_home(struct pair *pair)
{
	return (const void *)pair_ask(pair, &pair->home, CASES, "{\"format\":\"JSONL\"}");
}

static void test_a_case_says_where_and_when_it_was_accepted_and_ended(void **state)
{
	struct pair *pair = pair_new(*state);
	struct side *home = &pair->home;
	char number[32], text[256], ended[256], json[128];
	pair_submit(pair, true, number);
	assert_string_equal(cell_of(cases_at_home(pair), 0, "受理地", text), "");
	assert_int_equal(pair_act(pair, home, number, "ACCEPT", "H_WIN", ""), TB_OK);
	assert_int_equal(pair_act(pair, home, number, "START", "H_DEPT", ""), TB_OK);
	const PbExportResponse *page = cases_at_home(pair);
	assert_string_equal(cell_of(page, 0, "受理地", text), HOME);
	assert_int_equal(strlen(cell_of(page, 0, "受理时间", text)), strlen("20260921T090000"));
	assert_true(cell_of(page, 0, "办件编号", text)[0]);
	assert_string_equal(cell_of(page, 0, "办结地", text), "");
	assert_int_equal(pair_act(pair, home, number, "GRANT", "H_DEPT", ""), TB_OK);
	assert_int_equal(
		pair_act(pair, home, number, "DISPATCH", "H_WIN", "\"detail\":{\"way\":\"NETWORK\"}"), TB_OK);
	pair_pass(pair, TB_MINUTE);
	assert_int_equal(pair_act(pair, home, number, "HAND_OVER", "H_WIN", ""), TB_OK);
	page = cases_at_home(pair);
	assert_string_equal(cell_of(page, 0, "办结地", text), HOME);
	assert_true(cell_of(page, 0, "办结时间", ended)[0]);
	/* What happens to an ended case does not end it again; what is reviewed again has not ended. */
	pair_pass(pair, TB_MINUTE);
	assert_int_equal(
		pair_act(pair, &pair->window, number, "EVALUATE", "APPLICANT", "\"detail\":{\"grade\":1}"),
		TB_OK);
	page = cases_at_home(pair);
	assert_string_equal(cell_of(page, 0, "最后环节", text), "EVALUATE");
	assert_string_equal(cell_of(page, 0, "办结时间", text), ended);
	assert_int_equal(pair_act(pair, home, number, "REOPEN", "H_DEPT", "\"detail\":{\"reason\":\"r\"}"),
	                 TB_OK);
	assert_string_equal(cell_of(cases_at_home(pair), 0, "办结地", text), "");
	snprintf(json, sizeof(json), "{\"caseNumber\":\"%s\",\"reason\":\"r\"}", number);
	pair_free(pair);
}

static void test_what_was_erased_says_so_and_names_nobody(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32], text[256], json[128], next[32];
	pair_submit(pair, true, number);
	assert_int_equal(
		pair_act(pair, &pair->home, number, "REFUSE", "H_WIN", "\"detail\":{\"reason\":\"r\"}"),
		TB_OK);
	const PbExportResponse *page = cases_at_home(pair);
	assert_string_equal(cell_of(page, 0, "申请者名称", text), "王伟");
	snprintf(next, sizeof(next), "%s", page->next);
	snprintf(json, sizeof(json), "{\"caseNumber\":\"%s\",\"reason\":\"r\"}", number);
	pair_ask(pair, &pair->home, "/tongban.v1.RetentionService/Erase", json);
	snprintf(json, sizeof(json), "{\"format\":\"JSONL\",\"after\":\"%s\"}", next);
	page = (const void *)pair_ask(pair, &pair->home, CASES, json);
	assert_int_equal(page->n_lines, 1);
	assert_string_equal(cell_of(page, 0, "申请者名称", text), "");
	assert_string_equal(cell_of(page, 0, "个人信息已删除", text), "1");
	assert_string_equal(cell_of(page, 0, "协同办件编号", text), number);
	pair_free(pair);
}

static void test_several_holders_and_attributes_share_a_cell(void **state)
{
	struct pair *pair = pair_new(*state);
	const PbImportResponse *imported = (const void *)pair_ask(
		pair, &pair->window, IMPORT,
		"{\"format\":\"JSONL\",\"importId\":\"x\",\"firstLine\":1,\"lines\":["
		"\"{\\\"type\\\":\\\"11100000MB0143028R001\\\",\\\"number\\\":\\\"N1\\\",\\\"name\\\":"
		"\\\"C:\\\\\\\\x\\\",\\\"holders\\\":[{\\\"codeType\\\":\\\"111\\\",\\\"code\\\":"
		"\\\"11010519491231002X\\\","
		"\\\"name\\\":\\\"王伟\\\"},{\\\"codeType\\\":\\\"111\\\",\\\"code\\\":"
		"\\\"440524188001010014\\\","
		"\\\"name\\\":\\\"李娜\\\"}],\\\"attributes\\\":[{\\\"name\\\":\\\"资本\\\",\\\"value\\\":"
		"\\\"1\\\"},"
		"{\\\"name\\\":\\\"范围\\\",\\\"value\\\":\\\"b\\\"}],"
		"\\\"issuer\\\":\\\"620100\\\",\\\"issuedOn\\\":\\\"2020-01-01\\\"}\"]}");
	if (imported->n_bad)
		fail_msg("%s", imported->bad[0]->reason);
	const PbExportResponse *page = export(pair, CREDENTIALS, "", "\"format\":\"JSONL\"");
	char text[256];
	assert_string_equal(cell_of(page, 0, "持证主体", text), "王伟|李娜");
	assert_string_equal(cell_of(page, 0, "持证主体代码", text), "11010519491231002X|440524188001010014");
	assert_string_equal(cell_of(page, 0, "扩展业务信息", text), "资本=1|范围=b");
	assert_non_null(strstr(page->lines[0], "\"证照名称\":\"C:\\\\x\""));
	pair_free(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_case_comes_once_as_it_is_and_again_when_it_moved),
		TEST(test_pages_leave_nothing_out),
		TEST(test_a_cursor_that_is_none_is_refused),
		TEST(test_a_certificate_comes_again_when_its_state_changed),
		TEST(test_no_cell_is_a_formula_and_quotes_are_doubled),
		TEST(test_a_case_says_where_and_when_it_was_accepted_and_ended),
		TEST(test_what_was_erased_says_so_and_names_nobody),
		TEST(test_several_holders_and_attributes_share_a_cell),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
