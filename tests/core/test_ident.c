#include "node/core/ident.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LAW "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U"

static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

static tb_day today(void)
{
	return tb_day_of(2026, 11, 21);
}

static void test_citizen_number_of_the_standard_holds(void **state)
{
	(void)state;
	assert_true(ident_citizen_valid("11010519491231002X", today()));
	assert_true(ident_citizen_valid("440524188001010014", today()));
}

static void test_citizen_number_refuses_wrong_ones(void **state)
{
	(void)state;
	static const char *const wrong[] = {
		"",
		"110105194912310021",  /* check character */
		"11010519491231002x",  /* not folded */
		"11010519491231002",   /* short */
		"11010519491231002X0", /* long */
		"1101051949123100A1",
		"110105491231002", /* the 15 digits of before 1999 */
		"X10105194912310021",
	};
	for (size_t i = 0; i < COUNT(wrong); i++)
		assert_false(ident_citizen_valid(wrong[i], today()));
}

/* Gives |digits| (17) the right check character. */
static const char *citizen(char out[19], const char *digits)
{
	snprintf(out, 19, "%s0", digits);
	for (const char *check = "0123456789X"; *check; check++) {
		tb_day distant = tb_day_of(9999, 1, 1);
		out[17] = *check;
		if (ident_citizen_valid(out, distant))
			break;
	}
	return out;
}

static void test_citizen_number_refuses_days_that_are_not_or_not_yet(void **state)
{
	(void)state;
	char code[19];
	assert_true(ident_citizen_valid(citizen(code, "11010520261121002"), today()));
	assert_false(ident_citizen_valid(citizen(code, "11010520261122002"), today()));
	assert_true(ident_citizen_valid(citizen(code, "11010520240229002"), today()));
	/* Whatever the check character: these days are not. */
	static const char *const days[] = {"11010520230229002", "11010519491301002", "11010519490431002",
	                                   "11010519490400002"};
	for (size_t i = 0; i < COUNT(days); i++) {
		for (const char *check = "0123456789X"; *check; check++) {
			snprintf(code, sizeof(code), "%s%c", days[i], *check);
			assert_false(ident_citizen_valid(code, today()));
		}
	}
}

static void test_citizen_number_finds_every_wrong_digit(void **state)
{
	(void)state;
	char code[] = "11010519491231002X";
	for (size_t i = 0; i < 17; i++) {
		char right = code[i];
		for (code[i] = '0'; code[i] <= '9'; code[i]++)
			assert_int_equal(ident_citizen_valid(code, today()), code[i] == right);
		code[i] = right;
	}
}

static void test_uscc_holds(void **state)
{
	(void)state;
	static const char *const right[] = {"91350100M000100Y43", "91110108551385082Q", "91440300708461136T",
	                                    "91110000802100433B", "12441500196720244T", "51610700305332460K",
	                                    "11610923MB2900168E", "11100000000013338W", "11100000MB03271699",
	                                    "11100000000013127D", "11100000MB0143028R", "11370800MB28559184"};
	for (size_t i = 0; i < COUNT(right); i++)
		assert_true(ident_uscc_valid(right[i]));
}

static void test_uscc_finds_every_wrong_character(void **state)
{
	(void)state;
	char code[] = "91350100M000100Y43";
	for (size_t i = 0; i < 18; i++) {
		char right = code[i];
		for (const char *c = alphabet; *c; c++) {
			code[i] = *c;
			assert_int_equal(ident_uscc_valid(code), *c == right);
		}
		code[i] = right;
	}
	assert_false(ident_uscc_valid(""));
	assert_false(ident_uscc_valid("91350100M000100Y4"));
	assert_false(ident_uscc_valid("91350100M000100Y430"));
	assert_false(ident_uscc_valid("91350100m000100y43"));
}

/* The outer check holds, the organisation code's (GB 11714) does not. */
static void test_uscc_checks_the_organisation_code_inside(void **state)
{
	(void)state;
	static const char symbols[] = "0123456789ABCDEFGHJKLMNPQRTUWXY";
	static const int weights[17] = {1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28};
	char code[] = "91350100M000100Y43";
	int valid = 0;
	for (const char *inner = symbols; *inner; inner++) {
		int sum = 0;
		code[16] = *inner;
		for (int i = 0; i < 17; i++)
			sum += weights[i] * (int)(strchr(symbols, code[i]) - symbols);
		code[17] = symbols[(31 - sum % 31) % 31];
		valid += ident_uscc_valid(code);
		assert_int_equal(ident_uscc_valid(code), *inner == '4');
	}
	assert_int_equal(valid, 1);
}

static void test_fold_makes_one_form(void **state)
{
	(void)state;
	static const char *const pairs[][2] = {
		{"11010519491231002x", "11010519491231002X"},
		{"１１０１０５１９４９１２３１００２ｘ", "11010519491231002X"},
		{"ＡＺ０９ａｚ", "AZ09AZ"},
		{" \t　ab c　 ", "AB C"},
		{"", ""},
		{"　", ""},
		{"张三abc", "张三ABC"},
		{"（粤）", "（粤）"},
		{"\xEF\xBC", "\xEF\xBC"},
	};
	char out[64];
	for (size_t i = 0; i < COUNT(pairs); i++) {
		assert_true(ident_fold(out, sizeof(out), pairs[i][0]));
		assert_string_equal(out, pairs[i][1]);
	}
}

static void test_fold_says_when_the_room_is_too_small(void **state)
{
	(void)state;
	char out[4];
	assert_true(ident_fold(out, sizeof(out), "  abc      "));
	assert_string_equal(out, "ABC");
	assert_true(ident_fold(out, sizeof(out), "ａｂｃ"));
	assert_false(ident_fold(out, sizeof(out), "abcd"));
	assert_string_equal(out, "");
	assert_false(ident_fold(out, sizeof(out), "a  d"));
	assert_false(ident_fold(out, sizeof(out), "张三"));
	assert_true(ident_fold(out, 1, " "));
	assert_false(ident_fold(out, 1, "a"));
}

static void test_mod37_36_gives_the_published_characters(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		char check;
	} vectors[] = {
		{"11100000000013338W011.11430000006122244L.20230000403.001", 'U'},
		{"11100000000013338W009.11330105002500287C.2025052201.002", '0'},
		{"11100000MB03271699022.340100.000000016.001", '9'},
		{"11100000000013338W032.11220000013544541J.2430599.001", 'F'},
	};
	for (size_t i = 0; i < COUNT(vectors); i++)
		assert_int_equal(ident_mod37_36(vectors[i].text), vectors[i].check);
	assert_int_equal(ident_mod37_36("A-B"), 0);
	assert_int_equal(ident_mod37_36("ab"), 0);
	assert_int_equal(ident_mod37_36(""), 0);
	assert_int_equal(ident_mod37_36("..."), 0);
	assert_int_equal(ident_mod37_36("A.B"), ident_mod37_36("AB"));
}

static void test_credential_identifier_holds(void **state)
{
	(void)state;
	static const char *const right[] = {
		LAW,
		"1.2.156.3005.2.11100000000013338W009.11330105002500287C.2025052201.002.0",
		"1.2.156.3005.2.11100000MB03271699022.340100.000000016.001.9",
		"1.2.156.3005.2.11100000000013338W032.11220000013544541J.2430599.001.F",
	};
	for (size_t i = 0; i < COUNT(right); i++) {
		struct tb_error err = {0};
		if (ident_credential_check(right[i], &err) != TB_OK)
			fail_msg("%zu: %s", i, err.text);
	}
}

static void test_credential_identifier_finds_every_wrong_character(void **state)
{
	(void)state;
	char text[] = LAW;
	for (size_t i = sizeof("1.2.156.3005.2.") - 1; text[i]; i++) {
		char right = text[i];
		for (const char *c = alphabet; *c && right != '.'; c++) {
			text[i] = *c;
			assert_int_equal(ident_credential_check(text, NULL),
			                 *c == right ? TB_OK : TB_EINVALID);
		}
		text[i] = right;
	}
}

static void test_credential_identifier_refuses_other_forms(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *why;
	} wrong[] = {
		{"", "does not begin"},
		{"1.2.156.3005.3.11100000000013338W011.11430000006122244L.20230000403.001.U",
	         "does not begin"},
		{"1.2.156.3005.2.", "type"},
		{"1.2.156.3005.2.11100000000013661B006.113700000045046442.209FA4E8EA49.001.M",
	         "check character"},
		{"1.2.156.3005.2.11100000000013338W01.11430000006122244L.20230000403.001.U", "type"},
		{"1.2.156.3005.2.11100000000013338W01A.11430000006122244L.20230000403.001.U", "type"},
		{"1.2.156.3005.2.11100000000013339W011.11430000006122244L.20230000403.001.U", "type"},
		{"1.2.156.3005.2.11100000000013338W011..20230000403.001.U", "issuer"},
		{"1.2.156.3005.2.11100000000013338W011.123456789012345678901234567890123.2.001.U", "issuer"},
		{"1.2.156.3005.2.11100000000013338W011.11430000006122244l.20230000403.001.U", "issuer"},
		{"1.2.156.3005.2.11100000000013338W011.11430000006122244L..001.U", "serial"},
		{"1.2.156.3005.2.11100000000013338W011.1.123456789012345678901234567890123.001.U", "serial"},
		{"1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.000.U", "version"},
		{"1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.1.U", "version"},
		{"1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001", "version"},
		{"1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.", "does not end"},
		{LAW "0", "does not end"},
		{LAW ".", "does not end"},
	};
	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct tb_error err = {0};
		assert_int_equal(ident_credential_check(wrong[i].text, &err), TB_EINVALID);
		if (!strstr(err.text, wrong[i].why))
			fail_msg("%zu: %s", i, err.text);
	}
}

static void test_credential_identifier_made_is_one_that_holds(void **state)
{
	(void)state;
	char out[TB_ID_BYTES_MAX];
	ident_credential_make(out, "11100000000013338W011", "11430000006122244L", "20230000403", 1);
	assert_string_equal(out, LAW);
	ident_credential_make(out, "11100000MB03271699022", "12345678901234567890123456789012",
	                      "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345", 999);
	assert_int_equal(ident_credential_check(out, NULL), TB_OK);
}

static void test_holder_types_are_those_of_the_table(void **state)
{
	(void)state;
	static const char *const codes[] = {"001", "099", "111", "114", "115", "118", "119", "120",
	                                    "122", "411", "412", "413", "414", "511", "516", "999"};
	for (size_t i = 0; i < COUNT(codes); i++)
		assert_non_null(ident_holder_type_name(codes[i]));
	assert_string_equal(ident_holder_type_name("111"), "公民身份号码");
	assert_string_equal(ident_holder_type_name("999"), "其他自然人有效证件代码");
	assert_null(ident_holder_type_name(""));
	assert_null(ident_holder_type_name("1"));
	assert_null(ident_holder_type_name("1111"));
	assert_null(ident_holder_type_name("112"));
}

static void test_holder_code_is_checked_by_its_type(void **state)
{
	(void)state;
	char longest[65];
	memset(longest, 'A', 64);
	longest[64] = 0;
	assert_int_equal(ident_holder_check("001", "91350100M000100Y43", today(), NULL), TB_OK);
	assert_int_equal(ident_holder_check("111", "11010519491231002X", today(), NULL), TB_OK);
	assert_int_equal(ident_holder_check("414", "E12345678", today(), NULL), TB_OK);
	assert_int_equal(ident_holder_check("114", "军字第0001号", today(), NULL), TB_OK);
	assert_int_equal(ident_holder_check("999", longest, today(), NULL), TB_OK);
	struct tb_error err = {0};
	assert_int_equal(ident_holder_check("001", "11010519491231002X", today(), &err), TB_EINVALID);
	assert_string_equal(err.text, "code: not a unified social credit code (GB 32100)");
	assert_int_equal(ident_holder_check("111", "110105194912310021", today(), &err), TB_EINVALID);
	assert_string_equal(err.text, "code: not a citizen number (GB 11643)");
	assert_int_equal(ident_holder_check("112", "1", today(), &err), TB_EINVALID);
	assert_string_equal(err.text, "code_type: not a holder code type (GB/T 36903)");
	assert_int_equal(ident_holder_check("414", "", today(), NULL), TB_EINVALID);
	assert_int_equal(ident_holder_check("414", "E\n1", today(), NULL), TB_EINVALID);
	assert_int_equal(ident_holder_check("414", "E\xFF", today(), NULL), TB_EINVALID);
	char longer[66];
	snprintf(longer, sizeof(longer), "%sA", longest);
	assert_int_equal(ident_holder_check("999", longer, today(), NULL), TB_EINVALID);
}

static void test_case_number_holds_and_finds_every_wrong_character(void **state)
{
	(void)state;
	char number[IDENT_CASE_ROOM];
	ident_case_number(number, "440300", today(), 42);
	assert_memory_equal(number, "440300202611210000042", 21);
	assert_int_equal(strlen(number), 22);
	for (size_t i = 0; i < 22; i++) {
		char right = number[i];
		for (const char *c = alphabet; *c; c++) {
			number[i] = *c;
			assert_int_equal(ident_case_number_check(number, NULL),
			                 *c == right ? TB_OK : TB_EINVALID);
		}
		number[i] = right;
	}
	ident_case_number(number, "110000", today(), IDENT_CASE_SEQUENCE_MAX);
	assert_int_equal(ident_case_number_check(number, NULL), TB_OK);
}

static void test_case_number_refuses_other_forms(void **state)
{
	(void)state;
	char number[IDENT_CASE_ROOM + 1];
	ident_case_number(number, "440300", today(), 42);
	strcat(number, "0");
	assert_int_equal(ident_case_number_check(number, NULL), TB_EINVALID);
	number[21] = 0;
	assert_int_equal(ident_case_number_check(number, NULL), TB_EINVALID);
	assert_int_equal(ident_case_number_check("", NULL), TB_EINVALID);
	/* The check character holds; the day is not. */
	strcpy(number, "440300202602300000042");
	number[21] = ident_mod37_36(number);
	number[22] = 0;
	struct tb_error err = {0};
	assert_int_equal(ident_case_number_check(number, &err), TB_EINVALID);
	assert_string_equal(err.text, "case number: holds no real date");
}

static void test_item_code_holds(void **state)
{
	(void)state;
	static const char *const right[] = {
		"11100000MB032716991000115035000",
		"11370800MB285591843370117002011",
		"12441500196720244T3442199806003",
		"12441500196720244T344219980600301",
		"12441500196720244T3442199806003202206230068",
		"12441500196720244T344219980600301234567890123456AB",
		"XK00101001",
		"000115035000",
		"123456789012345678901234",
	};
	for (size_t i = 0; i < COUNT(right); i++) {
		struct tb_error err = {0};
		if (ident_item_check(right[i], &err) != TB_OK)
			fail_msg("%zu: %s", i, err.text);
	}
}

static void test_item_code_refuses_wrong_ones(void **state)
{
	(void)state;
	static const struct {
		const char *code;
		const char *why;
	} wrong[] = {
		{"", "has neither"},
		{"XK0010100", "has neither"},
		{"11100000MB03271699100011503500", "has neither"},
		{"12441500196720244T344219980600301234567890123456ABC", "has neither"},
		{"XK0010100-", "digits and capitals"},
		{"11100000MB032716981000115035000", "USCC"},
		{"11100000MB032716990000115035000", "level"},
		{"11100000MB032716998000115035000", "level"},
		{"11100000MB03271699100011503500A", "12 digits"},
	};
	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct tb_error err = {0};
		assert_int_equal(ident_item_check(wrong[i].code, &err), TB_EINVALID);
		if (!strstr(err.text, wrong[i].why))
			fail_msg("%zu: %s", i, err.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_citizen_number_of_the_standard_holds),
		cmocka_unit_test(test_citizen_number_refuses_wrong_ones),
		cmocka_unit_test(test_citizen_number_refuses_days_that_are_not_or_not_yet),
		cmocka_unit_test(test_citizen_number_finds_every_wrong_digit),
		cmocka_unit_test(test_uscc_holds),
		cmocka_unit_test(test_uscc_finds_every_wrong_character),
		cmocka_unit_test(test_uscc_checks_the_organisation_code_inside),
		cmocka_unit_test(test_fold_makes_one_form),
		cmocka_unit_test(test_fold_says_when_the_room_is_too_small),
		cmocka_unit_test(test_mod37_36_gives_the_published_characters),
		cmocka_unit_test(test_credential_identifier_holds),
		cmocka_unit_test(test_credential_identifier_finds_every_wrong_character),
		cmocka_unit_test(test_credential_identifier_refuses_other_forms),
		cmocka_unit_test(test_credential_identifier_made_is_one_that_holds),
		cmocka_unit_test(test_holder_types_are_those_of_the_table),
		cmocka_unit_test(test_holder_code_is_checked_by_its_type),
		cmocka_unit_test(test_case_number_holds_and_finds_every_wrong_character),
		cmocka_unit_test(test_case_number_refuses_other_forms),
		cmocka_unit_test(test_item_code_holds),
		cmocka_unit_test(test_item_code_refuses_wrong_ones),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
