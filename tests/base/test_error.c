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

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_code_is_described),
		cmocka_unit_test(test_a_code_out_of_range_is_a_local_fault),
		cmocka_unit_test(test_connect_names_are_the_protocol_s),
		cmocka_unit_test(test_connect_names_lead_back),
		cmocka_unit_test(test_fail_fills_the_error),
		cmocka_unit_test(test_fail_may_quote_its_own_error),
		cmocka_unit_test(test_fail_cuts_between_characters),
	};
	return cmocka_run_group_tests_name("base/error", tests, NULL, NULL);
}
