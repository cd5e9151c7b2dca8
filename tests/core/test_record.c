#include "node/core/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TYPE "11100000000013338W011"
#define ID "1.2.156.3005.2." TYPE ".11430000006122244L.20230000403.001.U"
#define CITIZEN "11010519491231002X"
#define USCC "91350100M000100Y43"
#define HEADER "identifier,type,number,name,holder_code_type,holder_code,holder_name,issuer,issued_on"
#define LINE ID "," TYPE ",粤2023-1,许可证,111," CITIZEN ",张三,11430000006122244L,2023-01-31"

static tb_day today(void)
{
	return tb_day_of(2026, 11, 21);
}

/* ---- CSV */

static void read_header(struct record_csv *csv, const char *line)
{
	struct tb_error err = {0};
	if (record_csv_header(csv, tb_bytes_str(line), &err) != TB_OK)
		fail_msg("%s", err.text);
}

static PbCredential *read_line(const struct record_csv *csv, const char *line, struct tb_arena *arena)
{
	PbCredential *credential = NULL;
	struct tb_error err = {0};
	if (record_from_csv(&credential, csv, tb_bytes_str(line), arena, &err) != TB_OK)
		fail_msg("%s", err.text);
	return credential;
}

static void refuse_line(const struct record_csv *csv, const char *line, const char *text)
{
	struct tb_arena arena = {0};
	struct tb_error err = {0};
	PbCredential *credential = NULL;
	assert_int_equal(record_from_csv(&credential, csv, tb_bytes_str(line), &arena, &err), TB_EMALFORMED);
	assert_null(credential);
	assert_string_equal(err.text, text);
	tb_arena_clear(&arena);
}

static void refuse_header(const char *line, enum tb_code code, const char *text)
{
	struct record_csv csv;
	struct tb_error err = {0};
	assert_int_equal(record_csv_header(&csv, tb_bytes_str(line), &err), code);
	assert_int_equal(err.code, code);
	assert_string_equal(err.text, text);
}

static void test_csv_reads_a_line(void **state)
{
	(void)state;
	struct tb_arena arena = {0};
	struct record_csv csv;
	read_header(&csv, HEADER);
	PbCredential *credential = read_line(&csv, LINE "\r\n", &arena);
	assert_string_equal(credential->identifier, ID);
	assert_string_equal(credential->type, TYPE);
	assert_string_equal(credential->number, "粤2023-1");
	assert_string_equal(credential->name, "许可证");
	assert_int_equal(credential->n_holders, 1);
	assert_string_equal(credential->holders[0]->code_type, "111");
	assert_string_equal(credential->holders[0]->code, CITIZEN);
	assert_string_equal(credential->holders[0]->name, "张三");
	assert_string_equal(credential->issuer, "11430000006122244L");
	assert_string_equal(credential->issued_on, "2023-01-31");
	assert_string_equal(credential->valid_until, "");
	assert_string_equal(credential->region, "");
	assert_int_equal(credential->n_attributes, 0);
	assert_int_equal(record_check(credential, "430000", today(), NULL), TB_OK);
	tb_arena_clear(&arena);
}

static void test_csv_takes_chinese_names_in_any_order(void **state)
{
	(void)state;
	struct tb_arena arena = {0};
	struct record_csv csv;
	read_header(&csv, "\xEF\xBB\xBF证照颁发日期,证照颁发机构代码,证照颁发机构,持证主体,持证主体代码,"
	                  "持证主体代码类型,"
	                  "证照名称,证照编号,证照类型代码,证照类型名称,证照标识,有效期起始,有效期截止,"
	                  "证照所属管辖属地编码,attr.经营范围\r\n");
	PbCredential *credential = read_line(&csv,
	                                     "20230131,340100,机关,公司," USCC ",001,执照,1," TYPE
	                                     ",营业执照,,20230201,长期,430100,零售",
	                                     &arena);
	assert_string_equal(credential->issued_on, "2023-01-31");
	assert_string_equal(credential->issuer, "340100");
	assert_string_equal(credential->issuer_name, "机关");
	assert_string_equal(credential->holders[0]->name, "公司");
	assert_string_equal(credential->holders[0]->code, USCC);
	assert_string_equal(credential->name, "执照");
	assert_string_equal(credential->type_name, "营业执照");
	assert_string_equal(credential->identifier, "");
	assert_string_equal(credential->valid_from, "2023-02-01");
	assert_string_equal(credential->valid_until, "");
	assert_string_equal(credential->region, "430100");
	assert_int_equal(credential->n_attributes, 1);
	assert_string_equal(credential->attributes[0]->name, "经营范围");
	assert_string_equal(credential->attributes[0]->value, "零售");
	assert_int_equal(record_check(credential, "430000", today(), NULL), TB_OK);
	tb_arena_clear(&arena);
}

#define SHORT "type,number,name,holder_code_type,holder_code,issuer,issued_on"

static void test_csv_unquotes(void **state)
{
	(void)state;
	struct tb_arena arena = {0};
	struct record_csv csv;
	read_header(&csv, SHORT ",\"attr.a,b\"");
	PbCredential *credential =
		read_line(&csv, "\"\",\"a,b\",\"say \"\"hi\"\"\",,,\"\"\"\",2023-01-31,\"x\"", &arena);
	assert_string_equal(credential->type, "");
	assert_string_equal(credential->number, "a,b");
	assert_string_equal(credential->name, "say \"hi\"");
	assert_string_equal(credential->issuer, "\"");
	assert_string_equal(credential->issued_on, "2023-01-31");
	assert_string_equal(credential->attributes[0]->name, "a,b");
	assert_string_equal(credential->attributes[0]->value, "x");
	tb_arena_clear(&arena);
}

static void test_csv_refuses_bad_quoting(void **state)
{
	(void)state;
	struct record_csv csv;
	read_header(&csv, SHORT);
	refuse_line(&csv, "\"a", "column 1 is badly quoted (RFC 4180)");
	refuse_line(&csv, "a,\"b\"c", "column 2 is badly quoted (RFC 4180)");
	refuse_line(&csv, "a,b\"c", "column 2 is badly quoted (RFC 4180)");
	refuse_line(&csv, "a,\"b\"\"", "column 2 is badly quoted (RFC 4180)");
	refuse_header("type,\"number", TB_EMALFORMED, "header: column 2 is badly quoted (RFC 4180)");
}

static void test_csv_counts_columns(void **state)
{
	(void)state;
	struct record_csv csv;
	read_header(&csv, SHORT);
	refuse_line(&csv, "", "line has 1 columns, the header 7");
	refuse_line(&csv, "1,2,3,4,5,6", "line has 6 columns, the header 7");
	refuse_line(&csv, "1,2,3,4,5,6,7,8,9", "line has 9 columns, the header 7");
}

static void test_csv_splits_holders(void **state)
{
	(void)state;
	struct tb_arena arena = {0};
	struct record_csv csv;
	read_header(&csv, HEADER);
	PbCredential *credential = read_line(&csv,
	                                     "," TYPE ",1,证,111|001|111," CITIZEN "|" USCC
	                                     "|440524188001010014,张三||李四,340100,20230131",
	                                     &arena);
	assert_int_equal(credential->n_holders, 3);
	assert_string_equal(credential->holders[1]->code_type, "001");
	assert_string_equal(credential->holders[1]->code, USCC);
	assert_string_equal(credential->holders[1]->name, "");
	assert_string_equal(credential->holders[2]->name, "李四");
	assert_int_equal(record_check(credential, "340000", today(), NULL), TB_OK);
	credential = read_line(&csv, ",,1,证,111|111,1|2,,340100,", &arena);
	assert_int_equal(credential->n_holders, 2);
	assert_string_equal(credential->holders[1]->name, "");
	credential = read_line(&csv, ",,1,证,,,,340100,", &arena);
	assert_int_equal(credential->n_holders, 0);
	refuse_line(&csv, ",,1,证,111,1|2,,340100,", "holders: 1 code types, 2 codes, 0 names");
	refuse_line(&csv, ",,1,证,111|111,1|2,a,340100,", "holders: 2 code types, 2 codes, 1 names");
	refuse_line(&csv, ",,1,证,,,a,340100,", "holders: 0 code types, 0 codes, 1 names");
	tb_arena_clear(&arena);
}

static void test_csv_bounds_holders(void **state)
{
	(void)state;
	struct tb_arena arena = {0};
	struct record_csv csv;
	struct tb_buf line = {0};
	PbCredential *credential = NULL;
	read_header(&csv, HEADER);
	tb_buf_str(&line, ",,1,证,1");
	for (int i = 0; i < TB_HOLDERS_MAX; i++)
		tb_buf_str(&line, "|1");
	tb_buf_str(&line, ",1");
	for (int i = 0; i < TB_HOLDERS_MAX; i++)
		tb_buf_str(&line, "|1");
	tb_buf_str(&line, ",,340100,");
	assert_int_equal(record_from_csv(&credential, &csv, tb_buf_bytes(&line), &arena, NULL), TB_ETOOBIG);
	assert_null(credential);
	tb_buf_clear(&line);
	tb_arena_clear(&arena);
}

static void test_csv_refuses_what_is_not_text(void **state)
{
	(void)state;
	struct tb_arena arena = {0};
	struct record_csv csv;
	static uint8_t large[TB_IMPORT_LINE_BYTES_MAX + 1];
	PbCredential *credential = NULL;
	refuse_header("\xD6\xA4\xD5\xD5,type", TB_EMALFORMED, "header: line is not UTF-8 (GBK?)");
	read_header(&csv, SHORT);
	refuse_line(&csv, "\xD6\xA4\xD5\xD5,2,3,4,5,6,7", "line is not UTF-8 (GBK?)");
	refuse_line(&csv, "1,2,3\t,4,5,6,7", "line is not printable text");
	memset(large, 'a', sizeof(large));
	struct tb_bytes line = tb_bytes_of(large, sizeof(large));
	assert_int_equal(record_from_csv(&credential, &csv, line, &arena, NULL), TB_ETOOBIG);
	assert_int_equal(record_csv_header(&csv, line, NULL), TB_ETOOBIG);
	tb_arena_clear(&arena);
}

static void test_csv_header_names_what_is_wrong(void **state)
{
	(void)state;
	refuse_header(SHORT ",colour", TB_EMALFORMED, "header: column \"colour\" is unknown");
	refuse_header(SHORT ",", TB_EMALFORMED, "header: column \"\" is unknown");
	refuse_header("type,number,type", TB_EMALFORMED, "header: column \"type\" is there twice");
	refuse_header("type,证照类型代码", TB_EMALFORMED, "header: column \"证照类型代码\" is there twice");
	refuse_header("attr.a,attr.a", TB_EMALFORMED, "header: column \"attr.a\" is there twice");
	refuse_header("type,attr.", TB_EMALFORMED,
	              "header: column 2: attribute name of 1 to 512 bytes expected");
	refuse_header("type,number", TB_EMALFORMED, "header: column \"holder_code_type\" is missing");
	/* A file without a header: its first line is somebody's. */
	refuse_header("张三," CITIZEN, TB_EMALFORMED,
	              "header: column 1 is unknown: is this the header line?");
	refuse_header("", TB_EMALFORMED, "header: column 1 is unknown: is this the header line?");
	refuse_header("type,证证证证证证证证证证证证证证证证证证证证证证证证证", TB_EMALFORMED,
	              "header: column \"证证证证证证证证证证证证证证证证证证证证证\" is unknown");
}

static void test_csv_header_bounds_attributes(void **state)
{
	(void)state;
	struct tb_buf line = {0};
	struct record_csv csv;
	tb_buf_str(&line, SHORT);
	for (int i = 0; i < TB_ATTRIBUTES_MAX; i++)
		tb_buf_printf(&line, ",attr.%d", i);
	assert_int_equal(record_csv_header(&csv, tb_buf_bytes(&line), NULL), TB_OK);
	assert_int_equal(csv.attributes_count, TB_ATTRIBUTES_MAX);
	tb_buf_str(&line, ",attr.more");
	assert_int_equal(record_csv_header(&csv, tb_buf_bytes(&line), NULL), TB_ETOOBIG);
	line.size = 0;
	tb_buf_str(&line, SHORT);
	for (int i = 0; i < 10; i++)
		tb_buf_printf(&line, ",attr.%0500d", i);
	assert_int_equal(record_csv_header(&csv, tb_buf_bytes(&line), NULL), TB_ETOOBIG);
	tb_buf_clear(&line);
}

static void test_csv_folds_codes(void **state)
{
	(void)state;
	struct tb_arena arena = {0};
	struct record_csv csv;
	read_header(&csv, HEADER);
	PbCredential *credential =
		read_line(&csv,
	                  ", 11100000000013338w011 "
	                  ",abc,许可证,１１１,11010519491231002ｘ,zhang,１1430000006122244l,20230131",
	                  &arena);
	assert_string_equal(credential->type, TYPE);
	assert_string_equal(credential->number, "abc");
	assert_string_equal(credential->holders[0]->code_type, "111");
	assert_string_equal(credential->holders[0]->code, CITIZEN);
	assert_string_equal(credential->holders[0]->name, "zhang");
	assert_string_equal(credential->issuer, "11430000006122244L");
	tb_arena_clear(&arena);
}

/* ---- JSON */

static void test_json_reads_an_object(void **state)
{
	(void)state;
	struct tb_arena arena = {0};
	struct tb_error err = {0};
	PbCredential *credential = NULL;
	static const char json[] =
		"{\"type\":\"" TYPE
		"\",\"number\":\"1\",\"name\":\"证\",\"issuer\":\"340100\",\"issuedOn\":\"20230131\","
		"\"holders\":[{\"codeType\":\"111\",\"code\":\"11010519491231002x\",\"name\":\"张三\"}],"
		"\"attributes\":[{\"name\":\"a\",\"value\":\"b\"}]}";
	if (record_from_json(&credential, tb_bytes_str(json), &arena, &err) != TB_OK)
		fail_msg("%s", err.text);
	assert_string_equal(credential->holders[0]->code, CITIZEN);
	assert_string_equal(credential->issued_on, "2023-01-31");
	assert_string_equal(credential->attributes[0]->value, "b");
	assert_int_equal(record_check(credential, "340000", today(), NULL), TB_OK);
	tb_arena_clear(&arena);
}

static void test_json_refuses_what_is_not_a_credential(void **state)
{
	(void)state;
	static const char *const wrong[] = {
		"", "[]", "{\"type\":1}", "{\"colour\":\"red\"}", "{", "{\"type\":\"\xB9\xE3\"}"};
	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct tb_arena arena = {0};
		PbCredential *credential = NULL;
		if (record_from_json(&credential, tb_bytes_str(wrong[i]), &arena, NULL) != TB_EMALFORMED)
			fail_msg("taken: %s", wrong[i]);
		assert_null(credential);
		tb_arena_clear(&arena);
	}
}

/* ---- checking */

/* A credential that holds, to be spoilt. */
static PbCredential *good(struct tb_arena *arena)
{
	struct record_csv csv;
	read_header(&csv, HEADER ",valid_from,valid_until,region,type_name,issuer_name,attr.a,attr.b");
	return read_line(&csv, LINE ",2023-02-01,2033-01-31,430100,许可,机关,x,y", arena);
}

static void check_gives(const PbCredential *credential, enum tb_code code, const char *text)
{
	struct tb_error err = {0};
	assert_int_equal(record_check(credential, "430000", today(), &err), code);
	assert_int_equal(err.code, code);
	assert_string_equal(err.text, text);
}

static void test_record_holds(void **state)
{
	(void)state;
	struct tb_arena arena = {0};
	check_gives(good(&arena), TB_OK, "");
	tb_arena_clear(&arena);
}

/* Sets one text of a good credential and expects |wanted|. */
static void spoil(size_t offset, const char *value, const char *wanted)
{
	struct tb_arena arena = {0};
	PbCredential *credential = good(&arena);
	*(char **)(void *)((char *)credential + offset) = tb_arena_str(&arena, value);
	check_gives(credential, wanted[0] ? TB_EINVALID : TB_OK, wanted);
	tb_arena_clear(&arena);
}
#define SPOIL(field, value, wanted) spoil(offsetof(PbCredential, field), value, wanted)

static void test_record_names_the_field_that_is_missing(void **state)
{
	(void)state;
	SPOIL(type, "", "type: missing");
	SPOIL(number, "", "number: missing");
	SPOIL(name, "", "name: missing");
	SPOIL(issuer, "", "issuer: missing");
	SPOIL(issued_on, "", "issued_on: missing");
	SPOIL(identifier, "", "");
	SPOIL(valid_from, "", "");
	SPOIL(valid_until, "", "");
	SPOIL(region, "", "");
	SPOIL(type_name, "", "");
	SPOIL(issuer_name, "", "");
	struct tb_arena arena = {0};
	PbCredential *credential = good(&arena);
	credential->n_holders = 0;
	check_gives(credential, TB_EINVALID, "holders: missing");
	tb_arena_clear(&arena);
}

static void test_record_checks_forms(void **state)
{
	(void)state;
	SPOIL(identifier, "1.2.3", "identifier: does not begin with 1.2.156.3005.2. (GB/T 36904)");
	SPOIL(identifier, "1.2.156.3005.2.11100000000013338W032.11220000013544541J.2430599.001.F",
	      "identifier: of another type than the field type says");
	SPOIL(type, "11100000000013338W032", "identifier: of another type than the field type says");
	SPOIL(type, "LOCAL", "type: not a USCC and three digits (GB/T 36903)");
	SPOIL(issuer, "市局", "issuer: not 1 to 32 digits and capitals");
	SPOIL(region, "4301", "region: not 6 digits (GB/T 2260)");
	SPOIL(region, "4301000", "region: not 6 digits (GB/T 2260)");
	SPOIL(region, "440300", "region: in another province than this node");
	SPOIL(region, "439999", "");
}

static void test_record_checks_dates(void **state)
{
	(void)state;
	SPOIL(issued_on, "2023-02-29", "issued_on: not a date YYYY-MM-DD");
	SPOIL(issued_on, "20230131", "issued_on: not a date YYYY-MM-DD");
	SPOIL(issued_on, "2026-11-21", "");
	SPOIL(issued_on, "2026-11-22", "issued_on: in the future");
	SPOIL(valid_from, "2023-2-1", "valid_from: not a date YYYY-MM-DD");
	SPOIL(valid_from, "2033-01-31", "");
	SPOIL(valid_from, "2033-02-01", "valid_until: before valid_from");
	SPOIL(valid_until, "2033-13-31", "valid_until: not a date YYYY-MM-DD");
	SPOIL(valid_until, "2023-01-31", "valid_until: before valid_from");
	struct tb_arena arena = {0};
	PbCredential *credential = good(&arena);
	credential->valid_from = tb_arena_str(&arena, "");
	credential->valid_until = tb_arena_str(&arena, "2023-01-30");
	check_gives(credential, TB_EINVALID, "valid_until: before issued_on");
	tb_arena_clear(&arena);
}

static void test_record_bounds_lengths(void **state)
{
	(void)state;
	static const struct {
		size_t offset;
		size_t max;
		const char *field;
	} texts[] = {
		{offsetof(PbCredential, identifier), TB_ID_BYTES_MAX, "identifier"},
		{offsetof(PbCredential, type), TB_ID_BYTES_MAX, "type"},
		{offsetof(PbCredential, type_name), TB_NAME_BYTES_MAX, "type_name"},
		{offsetof(PbCredential, number), TB_ID_BYTES_MAX, "number"},
		{offsetof(PbCredential, name), TB_NAME_BYTES_MAX, "name"},
		{offsetof(PbCredential, issuer), TB_ID_BYTES_MAX, "issuer"},
		{offsetof(PbCredential, issuer_name), TB_NAME_BYTES_MAX, "issuer_name"},
	};
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct tb_arena arena = {0};
		PbCredential *credential = good(&arena);
		char *value = tb_arena_alloc(&arena, texts[i].max + 2);
		char wanted[64];
		memset(value, 'A', texts[i].max + 1);
		*(char **)(void *)((char *)credential + texts[i].offset) = value;
		snprintf(wanted, sizeof(wanted), "%s: over %zu bytes", texts[i].field, texts[i].max);
		check_gives(credential, TB_ETOOBIG, wanted);
		tb_arena_clear(&arena);
	}
	SPOIL(number,
	      "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123"
	      "456789"
	      "0123456789012345678901234567",
	      "");
}

static void test_record_checks_holders(void **state)
{
	(void)state;
	struct tb_arena arena = {0};
	PbCredential *credential = good(&arena);
	PbHolder holder = *credential->holders[0];
	PbHolder *holders[TB_HOLDERS_MAX + 1];
	for (size_t i = 0; i < COUNT(holders); i++)
		holders[i] = credential->holders[0];
	credential->holders = holders;
	credential->n_holders = TB_HOLDERS_MAX;
	check_gives(credential, TB_OK, "");
	credential->n_holders = TB_HOLDERS_MAX + 1;
	check_gives(credential, TB_ETOOBIG, "holders: more than 64");
	credential->n_holders = 3;
	holders[2] = &holder;
	holder.code = tb_arena_str(&arena, "110105194912310021");
	check_gives(credential, TB_EINVALID, "holders[2].code: not a citizen number (GB 11643)");
	holder.code_type = tb_arena_str(&arena, "000");
	check_gives(credential, TB_EINVALID, "holders[2].code_type: not a holder code type (GB/T 36903)");
	holder = *holders[0];
	holder.name = tb_arena_alloc(&arena, TB_NAME_BYTES_MAX + 2);
	memset(holder.name, 'A', TB_NAME_BYTES_MAX + 1);
	check_gives(credential, TB_ETOOBIG, "holders[2].name: over 512 bytes");
	tb_arena_clear(&arena);
}

static void test_record_checks_attributes(void **state)
{
	(void)state;
	struct tb_arena arena = {0};
	PbCredential *credential = good(&arena);
	assert_int_equal(credential->n_attributes, 2);
	PbAttribute *second = credential->attributes[1];
	second->name = tb_arena_str(&arena, "a");
	check_gives(credential, TB_EINVALID, "attributes[1].name: there twice");
	second->name = tb_arena_str(&arena, "");
	check_gives(credential, TB_EINVALID, "attributes[1].name: missing");
	second->name = tb_arena_str(&arena, "b");
	second->value = tb_arena_alloc(&arena, TB_TEXT_BYTES_MAX + 2);
	memset(second->value, 'A', TB_TEXT_BYTES_MAX + 1);
	check_gives(credential, TB_ETOOBIG, "attributes[1].value: over 4096 bytes");
	credential->n_attributes = TB_ATTRIBUTES_MAX + 1;
	check_gives(credential, TB_ETOOBIG, "attributes: more than 64");
	tb_arena_clear(&arena);
}

static void test_record_of_the_country_holds_any_region(void **state)
{
	(void)state;
	struct tb_arena arena = {0};
	PbCredential *credential = good(&arena);
	assert_int_equal(record_check(credential, "100000", today(), NULL), TB_OK);
	assert_int_equal(record_check(credential, "440000", today(), NULL), TB_EINVALID);
	tb_arena_clear(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_csv_reads_a_line),
		cmocka_unit_test(test_csv_takes_chinese_names_in_any_order),
		cmocka_unit_test(test_csv_unquotes),
		cmocka_unit_test(test_csv_refuses_bad_quoting),
		cmocka_unit_test(test_csv_counts_columns),
		cmocka_unit_test(test_csv_splits_holders),
		cmocka_unit_test(test_csv_bounds_holders),
		cmocka_unit_test(test_csv_refuses_what_is_not_text),
		cmocka_unit_test(test_csv_header_names_what_is_wrong),
		cmocka_unit_test(test_csv_header_bounds_attributes),
		cmocka_unit_test(test_csv_folds_codes),
		cmocka_unit_test(test_json_reads_an_object),
		cmocka_unit_test(test_json_refuses_what_is_not_a_credential),
		cmocka_unit_test(test_record_holds),
		cmocka_unit_test(test_record_names_the_field_that_is_missing),
		cmocka_unit_test(test_record_checks_forms),
		cmocka_unit_test(test_record_checks_dates),
		cmocka_unit_test(test_record_bounds_lengths),
		cmocka_unit_test(test_record_checks_holders),
		cmocka_unit_test(test_record_checks_attributes),
		cmocka_unit_test(test_record_of_the_country_holds_any_region),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
