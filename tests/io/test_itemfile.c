/* Item lists as files, good and bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "node/core/cataloguecheck.h"
#include "node/io/itemfile.h"

static const char yaml[] = "items:\n"
			   "  - code: \"11320400014109508X400018900100001\"\n"
			   "    name: 失业登记\n"
			   "    department: \"11320400014109508X\"\n"
			   "    department_name: 常州市人社局\n"
			   "    modes: [DS]\n"
			   "    promised_days: 3\n"
			   "    legal_days: 10\n"
			   "    onsite_runs: 2\n"
			   "    base_code: \"000514000000\"\n"
			   "    criteria: \"2026-1\"\n"
			   "    materials:\n"
			   "      - code: M1\n"
			   "        name: 身份证\n"
			   "        required: true\n"
			   "        basis: 就业促进法\n"
			   "        credential_types: [\"11100000000013127D001\"]\n"
			   "      - {code: M2, name: 申请表, required: false, original: true}\n";

static enum tb_code read_text(struct itemfile *file, enum itemfile_format format, const char *text,
                              struct tb_arena *arena, struct tb_error *err)
{
	return itemfile_read(file, format, "items.x", tb_bytes_str(text), arena, err);
}

static void test_formats_are_told_by_the_name(void **state)
{
	enum itemfile_format format;
	(void)state;
	assert_true(itemfile_format_of("/a.b/items.CSV", &format) && format == ITEMFILE_CSV);
	assert_true(itemfile_format_of("a.jsonl", &format) && format == ITEMFILE_JSONL);
	assert_true(itemfile_format_of("yml", &format) && format == ITEMFILE_YAML);
	assert_false(itemfile_format_of("items.xlsx", &format));
	assert_false(itemfile_format_of("items", &format));
}

static void test_a_yaml_file_gives_its_items(void **state)
{
	struct tb_arena arena = {0};
	struct itemfile file;
	(void)state;
	assert_int_equal(read_text(&file, ITEMFILE_YAML, yaml, &arena, NULL), TB_OK);
	assert_int_equal(file.faults_count, 0);
	assert_int_equal(file.items_count, 1);
	assert_int_equal(file.rows[0], 2);
	assert_string_equal(file.items[0]->name, "失业登记");
	assert_int_equal(file.items[0]->onsite_runs, 2);
	assert_string_equal(file.items[0]->materials[0]->credential_types[0], "11100000000013127D001");
	assert_true(file.items[0]->materials[1]->original);
	tb_arena_clear(&arena);
}

static void test_nothing_is_to_be_found_in_the_example(void **state)
{
	struct tb_arena arena = {0};
	PbItem *item = itemfile_example(&arena);
	PbCatalogue catalogue = PB_CATALOGUE__INIT;
	struct catalogue_finding *found;
	(void)state;
	catalogue.n_items = 1;
	catalogue.items = &item;
	if (catalogue_findings(&catalogue, true, &arena, &found) > 0)
		fail_msg("%d: %s %s", (int)found[0].fault, found[0].material ? found[0].material->code : "",
		         found[0].with);
	tb_arena_clear(&arena);
}

/* What is written of the example in every format is read again as it was. */
static void test_what_is_written_is_read_again(void **state)
{
	struct tb_arena arena = {0};
	(void)state;
	PbItem *item = itemfile_example(&arena), *plain = itemfile_example(&arena);
	plain->code = tb_arena_str(&arena, "b,\"c\"");
	plain->n_fees = plain->n_mode_regions = plain->n_materials = 0;
	item->listed = 7; /* is not the file's */
	PbItem *items[2] = {item, plain};
	for (int format = ITEMFILE_YAML; format <= ITEMFILE_CSV; format++) {
		for (int zh = 0; zh < 2; zh++) {
			struct tb_buf text = {0};
			struct itemfile file;
			struct tb_error err = {0};
			itemfile_write(&text, (enum itemfile_format)format, items, 2, zh);
			if (itemfile_read(&file, (enum itemfile_format)format, "x",
			                  tb_bytes_str(tb_buf_text(&text)), &arena, &err) ||
			    file.faults_count)
				fail_msg("format %d: %s%s: %s", format, err.text,
				         file.faults_count ? file.faults[0].column : "",
				         file.faults_count ? file.faults[0].reason : "");
			assert_int_equal(file.items_count, 2);
			item->listed = 0;
			for (int i = 0; i < 2; i++) {
				struct proto_difference *differences;
				if (proto_differences(&items[i]->base, &file.items[i]->base, &arena,
				                      &differences) > 0)
					fail_msg("format %d, item %d: %s was %s, is %s", format, i,
					         differences[0].field, differences[0].before,
					         differences[0].after);
			}
			item->listed = 7;
			tb_buf_clear(&text);
		}
	}
	tb_arena_clear(&arena);
}

/* ---- faults */

struct expected {
	size_t row;
	const char *column;
	const char *reason; /* a part of it */
};

static void check_faults(enum itemfile_format format, const char *text, size_t items, size_t bad,
                         const struct expected *expected, size_t count)
{
	struct tb_arena arena = {0};
	struct itemfile file;
	struct tb_error err = {0};
	if (read_text(&file, format, text, &arena, &err))
		fail_msg("refused as a whole: %s", err.text);
	for (size_t i = 0; i < file.faults_count || i < count; i++) {
		if (i >= count)
			fail_msg("too much: row %zu, %s: %s", file.faults[i].row, file.faults[i].column,
			         file.faults[i].reason);
		if (i >= file.faults_count)
			fail_msg("not found: row %zu, %s", expected[i].row, expected[i].column);
		if (file.faults[i].row != expected[i].row ||
		    strcmp(file.faults[i].column, expected[i].column) != 0 ||
		    !strstr(file.faults[i].reason, expected[i].reason))
			fail_msg("row %zu, %s: %s; expected row %zu, %s: %s", file.faults[i].row,
			         file.faults[i].column, file.faults[i].reason, expected[i].row,
			         expected[i].column, expected[i].reason);
	}
	assert_int_equal(file.items_count, items);
	assert_int_equal(file.bad_count, bad);
	tb_arena_clear(&arena);
}
#define CHECK_FAULTS(format, text, items, bad, expected) \
	check_faults(format, text, items, bad, expected, sizeof(expected) / sizeof((expected)[0]))

#define HEADS                                                                                                                                       \
	"事项编码,业务办理项名称,实施主体编码,受理模式,承诺办理时限,法定办理时限,材料编码,申请材料名称," \
	"是否必需,要求提供材料依据\n"

static void test_every_cell_that_is_wrong_is_told_with_its_row_and_column(void **state)
{
	(void)state;
	static const struct expected expected[] = {
		{3, "是否必需", "是, 否"},
		{6, "承诺办理时限", "whole number"},
		{8, "要求提供材料依据", "missing"},
		{9, "业务办理项名称", "no code of one"},
		{10, "承诺办理时限", "but the law gives 5"},
		{11, "", "badly quoted"},
		{12, "受理模式", "unknown"},
		{14, "code", "row 5"},
	};
	CHECK_FAULTS(ITEMFILE_CSV,
	             HEADS "a,一,d,DS,1,2,M1,表,是,法\n"       /* 2 */
	                   ",,,,,,M2,表,也许,法\n"             /* 3 */
	                   "\n"                                /* 4 */
	                   "b,二,d,代收材料、属地办理,1,2\n"   /* 5 */
	                   "c,三,d,DS,x,2\n"                   /* 6 */
	                   "e,五,d,\"DS、YS\",1,2,M1,表,否,\n" /* 7 */
	                   ",,,,,,M2,表,是,\n"                 /* 8 */
	                   ",七,,,,,,,,\n"                     /* 9 */
	                   "f,六,d,DS,6,5\n"                   /* 10 */
	                   "g,\"八\"x,d,DS,1,2\n"              /* 11 */
	                   "h,九,d,ZZ,1,2\n"                   /* 12 */
	                   ",,,,,,,,,\n"                       /* 13 */
	                   "b,又二,d,DS,1,2\n",                /* 14 */
	             1, 6, expected);
}

static void test_rows_of_yaml_and_json_lines_are_told(void **state)
{
	(void)state;
	static const struct expected yaml_faults[] = {
		{4, "promised_days", "not a number"},
		{5, "materials[0].basis", "missing"},
		{8, "bases", "no such field"},
	};
	CHECK_FAULTS(ITEMFILE_YAML,
	             "items:\n"
	             "  - {code: a, name: n, department: d, modes: [DS], promised_days: 1, legal_days: 2}\n"
	             "  - code: b\n"
	             "    promised_days: x\n"
	             "  - {code: c, name: n, department: d, modes: [DS], promised_days: 1, legal_days: 2,\n"
	             "     materials: [{code: M1, name: m, required: true}]}\n"
	             "  - code: e\n"
	             "    bases: f\n",
	             1, 3, yaml_faults);
	struct tb_arena arena = {0};
	struct itemfile file;
	assert_int_equal(read_text(&file, ITEMFILE_JSONL,
	                           "{\"code\":\"a\",\"name\":\"n\",\"department\":\"d\",\"modes\":[\"DS\"],"
	                           "\"promisedDays\":1,\"legalDays\":2}\r\n"
	                           "{\"code\":\"b\",\"promisedDays\":\"x\"}\n"
	                           "\n"
	                           "{\"code\":\"c\"}",
	                           &arena, NULL),
	                 TB_OK);
	assert_int_equal(file.items_count, 1);
	assert_int_equal(file.faults_count, 2);
	assert_int_equal(file.faults[0].row, 2);
	assert_non_null(strstr(file.faults[0].reason, "promisedDays"));
	assert_int_equal(file.faults[1].row, 4);
	assert_string_equal(file.faults[1].column, "name");
	tb_arena_clear(&arena);
}

static void refuse(enum itemfile_format format, const char *text, const char *says)
{
	struct tb_arena arena = {0};
	struct itemfile file;
	struct tb_error err = {0};
	assert_int_not_equal(read_text(&file, format, text, &arena, &err), TB_OK);
	if (!strstr(err.text, says))
		fail_msg("%s; expected: %s", err.text, says);
	tb_arena_clear(&arena);
}

/* A base list (itself no offer) names each item; its days are days. */
static void test_a_base_list_has_names_and_days(void **state)
{
	struct tb_arena arena = {0};
	struct itemfile file;
	struct tb_error err = {0};
	static const char text[] = "事项编码,业务办理项名称,完成期限\n"
				   "a,甲,2026-06-30\n"
				   "b,乙,\n"
				   "c,丙,2026-02-30\n"
				   "d,丁,明年\n"
				   "e,,2026-06-30\n";
	(void)state;
	enum tb_code code =
		itemfile_read_base(&file, ITEMFILE_CSV, "items.x", tb_bytes_str(text), &arena, &err);
	if (code)
		fail_msg("%s", err.text);
	assert_int_equal(file.items_count, 2);
	assert_string_equal(file.items[0]->due_on, "2026-06-30");
	assert_int_equal(file.faults_count, 3);
	assert_int_equal(file.faults[0].row, 4);
	assert_string_equal(file.faults[0].reason, "is not a date");
	assert_int_equal(file.faults[1].row, 5);
	assert_int_equal(file.faults[2].row, 6);
	assert_string_equal(file.faults[2].reason, "is missing");
	tb_arena_clear(&arena);
}

static void test_what_is_no_such_file_is_refused(void **state)
{
	(void)state;
	refuse(ITEMFILE_CSV, "", "items.x:1: there is nothing in it");
	refuse(ITEMFILE_CSV, "事项编码,价格\n", "items.x:1: column 2, \"价格\": there is no such column");
	refuse(ITEMFILE_CSV, "事项编码,material.name,申请材料名称\n",
	       "column 3, 申请材料名称: stands there twice");
	refuse(ITEMFILE_CSV, "业务办理项名称\n", "there is no column 事项编码");
	refuse(ITEMFILE_CSV, "\xD0\xC2", "not UTF-8");
	refuse(ITEMFILE_YAML, "- a\n", "items.x:1: ");
	refuse(ITEMFILE_YAML, "things: []\n", "no such field");
	refuse(ITEMFILE_YAML, "items: [\n", "items.x:");
	refuse(ITEMFILE_YAML, "items: 1\n", "a list is expected");
	struct tb_buf many = {0};
	tb_buf_str(&many, HEADS);
	for (int i = 0; i <= TB_ITEMS_MAX; i++)
		tb_buf_printf(&many, "%d,n,d,DS,1,2\n", i);
	refuse(ITEMFILE_CSV, tb_buf_text(&many), "more than 2000 items");
	tb_buf_clear(&many);
}

static void test_heads_may_be_english_and_in_any_order(void **state)
{
	struct tb_arena arena = {0};
	struct itemfile file;
	(void)state;
	assert_int_equal(
		read_text(&file, ITEMFILE_CSV,
	                  "\xEF\xBB\xBFmaterial.name,legal_days,department,name,code,modes,promised_days,"
	                  "material.code,scope,subjects,材料编码\r\n",
	                  &arena, NULL),
		TB_EMALFORMED); /* the last one is there twice */
	assert_int_equal(
		read_text(&file, ITEMFILE_CSV,
	                  "\xEF\xBB\xBFmaterial.name,legal_days,department,name,code,modes,promised_days,"
	                  "material.code,scope,subjects\r\n"
	                  "表,2,d,n,a,\"DS, 全程网办\",1,M1,跨省,自然人；2\r\n",
	                  &arena, NULL),
		TB_OK);
	assert_int_equal(file.faults_count, 0);
	PbItem *item = file.items[0];
	assert_int_equal(item->n_modes, 2);
	assert_string_equal(item->modes[1], "QC");
	assert_int_equal(item->scope, PB_SCOPE__SCOPE_PROVINCES);
	assert_string_equal(item->subjects[0], "1");
	assert_string_equal(item->subjects[1], "2");
	assert_string_equal(item->materials[0]->name, "表");
	tb_arena_clear(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats_are_told_by_the_name),
		cmocka_unit_test(test_a_yaml_file_gives_its_items),
		cmocka_unit_test(test_nothing_is_to_be_found_in_the_example),
		cmocka_unit_test(test_what_is_written_is_read_again),
		cmocka_unit_test(test_every_cell_that_is_wrong_is_told_with_its_row_and_column),
		cmocka_unit_test(test_rows_of_yaml_and_json_lines_are_told),
		cmocka_unit_test(test_what_is_no_such_file_is_refused),
		cmocka_unit_test(test_a_base_list_has_names_and_days),
		cmocka_unit_test(test_heads_may_be_english_and_in_any_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
