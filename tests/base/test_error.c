#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

static const enum tb_code codes[] = {
#define XX(name, fault, connect, text) name,
	TB_CODE_MAP(XX)
#undef XX
};

enum { CODES_COUNT = sizeof(codes) / sizeof(codes[0]) };

static void test_every_code_is_described(void **state)
{
	(void)state;
	assert_int_equal(TB_OK, 0);
	assert_int_equal(tb_code_fault(TB_OK), TB_FAULT_NONE);
	for (size_t i = 0; i < CODES_COUNT; i++) {
		assert_int_equal(codes[i], i + 1);
		assert_memory_equal(tb_code_name(codes[i]), "TB_E", 4);
		assert_true(strlen(tb_code_text(codes[i])) > 0);
		assert_int_not_equal(tb_code_fault(codes[i]), TB_FAULT_NONE);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(tb_code_name(codes[i]), tb_code_name(codes[j]));
	}
	assert_string_equal(tb_code_name(TB_EMALFORMED), "TB_EMALFORMED");
	assert_string_equal(tb_code_text(TB_EMALFORMED), "malformed input");
	assert_int_equal(tb_code_fault(TB_EMALFORMED), TB_FAULT_PEER);
	assert_int_equal(tb_code_fault(TB_EUNREACHABLE), TB_FAULT_TRANSIENT);
	assert_int_equal(tb_code_fault(TB_ESTORAGE), TB_FAULT_LOCAL);
}

static void test_a_code_out_of_range_is_a_local_fault(void **state)
{
	(void)state;
	static const enum tb_code strange[] = {(enum tb_code)(CODES_COUNT + 1), (enum tb_code) - 1};
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(tb_code_fault(strange[i]), TB_FAULT_LOCAL);
		assert_non_null(tb_code_name(strange[i]));
		assert_non_null(tb_code_text(strange[i]));
		assert_non_null(tb_code_connect(strange[i]));
	}
}

/* connectrpc.com/docs/protocol, "Error codes". */
static void test_connect_names_are_the_protocol_s(void **state)
{
	(void)state;
	static const char *const names[] = {
		"canceled",
		"unknown",
		"invalid_argument",
		"deadline_exceeded",
		"not_found",
		"already_exists",
		"permission_denied",
		"resource_exhausted",
		"failed_precondition",
		"aborted",
		"out_of_range",
		"unimplemented",
		"internal",
		"unavailable",
		"data_loss",
		"unauthenticated",
	};
	for (size_t i = 0; i < CODES_COUNT; i++) {
		bool known = false;
		for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++)
			known = known || strcmp(names[j], tb_code_connect(codes[i])) == 0;
		assert_true(known);
	}
}

static void test_connect_names_lead_back(void **state)
{
	(void)state;
	assert_int_equal(tb_code_from_connect("invalid_argument"), TB_EMALFORMED);
	assert_int_equal(tb_code_from_connect("data_loss"), TB_ECORRUPT);
	assert_int_equal(tb_code_from_connect("no_such_code"), TB_EIO);
	assert_int_equal(tb_code_from_connect(""), TB_EIO);
	/* An error is never success, whatever it is called. */
	assert_int_equal(tb_code_from_connect("ok"), TB_EIO);
	for (size_t i = 0; i < CODES_COUNT; i++) {
		enum tb_code back = tb_code_from_connect(tb_code_connect(codes[i]));
		assert_string_equal(tb_code_connect(back), tb_code_connect(codes[i]));
	}
}

static void test_fail_fills_the_error(void **state)
{
	(void)state;
	struct tb_error err = {0};
	assert_int_equal(tb_fail(&err, TB_EINVALID, "certificate %d: %s", 2, "not DER"), TB_EINVALID);
	assert_int_equal(err.code, TB_EINVALID);
	assert_string_equal(err.text, "certificate 2: not DER");
	assert_int_equal(tb_fail(NULL, TB_EFULL, "%s", "disk"), TB_EFULL);
}

static void test_fail_may_quote_its_own_error(void **state)
{
	(void)state;
	struct tb_error err = {0};
	assert_int_equal(tb_fail(&err, TB_EINVALID, "not DER"), TB_EINVALID);
	assert_int_equal(tb_fail(&err, TB_EUNTRUSTED, "peer %s: %s", "320400", err.text), TB_EUNTRUSTED);
	assert_string_equal(err.text, "peer 320400: not DER");
}

static void test_fail_cuts_between_characters(void **state)
{
	(void)state;
	char longer[3 * TB_ERROR_TEXT_MAX + 1] = "";
	for (int i = 0; i < TB_ERROR_TEXT_MAX; i++)
		strcat(longer, "证");
	for (int lead = 0; lead < 4; lead++) {
		struct tb_error err = {0};
		assert_int_equal(tb_fail(&err, TB_EINVALID, "%.*s%s", lead, "abc", longer), TB_EINVALID);
		assert_true(strlen(err.text) > TB_ERROR_TEXT_MAX - 8);
		assert_true(tb_utf8_valid(tb_bytes_str(err.text)));
	}
	struct tb_error err = {0};
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = 0;
	assert_int_equal(tb_fail(&err, TB_EINVALID, "%s", longer), TB_EINVALID);
	assert_int_equal(strlen(err.text), TB_ERROR_TEXT_MAX - 1);
}

/* ---- reasons */

/* A bit for every place {1} .. {9} of |text|. */
static unsigned places(const char *text)
{
	unsigned bits = 0;
	for (const char *p = text; (p = strchr(p, '{')) != NULL; p++) {
		if (p[1] >= '1' && p[1] <= '9' && p[2] == '}')
			bits |= 1u << (p[1] - '0');
	}
	return bits;
}

static bool has_chinese(const char *text)
{
	for (; *text; text++) {
		if ((uint8_t)*text >= 0xE4 && (uint8_t)*text <= 0xE9)
			return true;
	}
	return false;
}

static void test_every_reason_has_a_name_of_its_own_a_code_and_both_texts(void **state)
{
	(void)state;
	for (unsigned i = 1; i < TB_REASONS_COUNT; i++) {
		enum tb_reason reason = (enum tb_reason)i;
		const char *name = tb_reason_name(reason), *zh = tb_reason_text(reason, true),
			   *en = tb_reason_text(reason, false);
		assert_int_equal(strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"), strlen(name));
		assert_int_equal(tb_reason_from_name(name), reason);
		assert_int_not_equal(tb_reason_code(reason), TB_OK);
		if (!en[0] || has_chinese(en) != (reason == TB_REASON_AGREEMENT_NOTICE) || !has_chinese(zh))
			fail_msg("%s: \"%s\", \"%s\"", name, zh, en);
		if (!tb_utf8_valid(tb_bytes_str(zh)) || places(zh) != places(en) ||
		    places(en) >> (TB_ERROR_VALUES + 1) != 0)
			fail_msg("%s: places of \"%s\" and \"%s\"", name, zh, en);
	}
	assert_string_equal(tb_reason_name(TB_REASON_NONE), "");
	assert_string_equal(tb_reason_name((enum tb_reason)TB_REASONS_COUNT), "");
	assert_int_equal(tb_reason_from_name("CASE_NONE"), TB_REASON_NONE);
}

static void test_a_refusal_is_told_in_both_languages(void **state)
{
	struct tb_error err;
	char text[TB_ERROR_TEXT_MAX];
	(void)state;
	assert_int_equal(tb_refuse(&err, TB_REASON_ITEM_ENDED, "A1", "320400", "2026-01-31", NULL),
	                 TB_ESTATE);
	assert_int_equal(err.code, TB_ESTATE);
	assert_string_equal(err.text, "item A1 of 320400 takes no new cases since 2026-01-31");
	tb_error_text(text, &err, true);
	assert_string_equal(text, "320400 的事项 A1 自 2026-01-31 起不再受理新办件");
	tb_error_text(text, &err, false);
	assert_string_equal(text, err.text);
	assert_int_equal(err.values_count, 3);
	assert_string_equal(tb_error_value(&err, 1), "320400");
	assert_string_equal(tb_error_value(&err, 3), "");
	assert_int_equal(
		tb_refuse_as(&err, TB_EDENIED, TB_REASON_CASE_MOVED_ON, TB_NUMBER(7), TB_NUMBER(5), NULL),
		TB_EDENIED);
	assert_string_equal(err.text, "the case has moved on: its log has 7 entries, not 5");
	assert_int_equal(tb_refuse(NULL, TB_REASON_CASE_UNKNOWN, "x", NULL), TB_ENOTFOUND);
}

static void test_a_reason_at_a_place_keeps_its_text_in_both_languages(void **state)
{
	struct tb_error err, outer;
	char text[TB_ERROR_TEXT_MAX], longer[100];
	(void)state;
	tb_refuse(&err, TB_REASON_ITEM_PROMISED_NONE, NULL);
	assert_int_equal(tb_fail_at(&outer, TB_EINVALID, &err, "items[%d]", 3), TB_EINVALID);
	assert_string_equal(outer.text, "items[3]: promised_days: at least 1");
	tb_error_text(text, &outer, true);
	assert_string_equal(text, "items[3]：promised_days：至少为 1");
	assert_int_equal(tb_fail_at(&err, TB_EMALFORMED, &outer, "line 1"), TB_EMALFORMED);
	tb_error_text(text, &err, false);
	assert_string_equal(text, "line 1: items[3]: promised_days: at least 1");
	/* A place that is too long is told in English only. */
	memset(longer, 'a', sizeof(longer));
	longer[sizeof(longer) - 1] = 0;
	tb_fail_at(&outer, TB_EINVALID, &err, "%s", longer);
	assert_int_equal(outer.reason, TB_REASON_NONE);
	assert_non_null(strstr(outer.text, "aaa: line 1: items[3]: promised_days"));
	/* What has no reason has none after it was passed on. */
	tb_fail(&err, TB_EIO, "plain");
	tb_fail_at(&outer, TB_EIO, &err, "x");
	tb_error_text(text, &outer, true);
	assert_string_equal(text, "x: plain");
	assert_int_equal(tb_fail_like(&outer, TB_EBUSY, &err), TB_EBUSY);
	assert_string_equal(outer.text, "plain");
}

static void test_values_that_are_too_long_are_cut_between_characters(void **state)
{
	struct tb_error err;
	char text[TB_ERROR_TEXT_MAX], longer[2 * TB_ERROR_TEXT_MAX];
	(void)state;
	longer[0] = 0;
	for (int i = 0; i < 100; i++)
		strcat(longer, "王");
	for (int shift = 0; shift < 3; shift++) {
		tb_refuse(&err, TB_REASON_ITEM_ENDED, longer + 3, "abc" + shift, longer, NULL);
		assert_true(tb_utf8_valid(tb_bytes_str(err.text)));
		tb_error_text(text, &err, true);
		assert_true(tb_utf8_valid(tb_bytes_str(text)));
		for (unsigned i = 0; i < err.values_count; i++)
			assert_true(tb_utf8_valid(tb_bytes_str(tb_error_value(&err, i))));
	}
	for (int i = 0; i < 20; i++)
		tb_error_add_value(&err, "x");
	assert_true(err.values_count <= TB_ERROR_VALUES);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_code_is_described),
		cmocka_unit_test(test_a_code_out_of_range_is_a_local_fault),
		cmocka_unit_test(test_connect_names_are_the_protocol_s),
		cmocka_unit_test(test_connect_names_lead_back),
		cmocka_unit_test(test_fail_fills_the_error),
		cmocka_unit_test(test_fail_may_quote_its_own_error),
		cmocka_unit_test(test_every_reason_has_a_name_of_its_own_a_code_and_both_texts),
		cmocka_unit_test(test_a_refusal_is_told_in_both_languages),
		cmocka_unit_test(test_a_reason_at_a_place_keeps_its_text_in_both_languages),
		cmocka_unit_test(test_values_that_are_too_long_are_cut_between_characters),
		cmocka_unit_test(test_fail_cuts_between_characters),
	};
	return cmocka_run_group_tests_name("base/error", tests, NULL, NULL);
}
