/* The page of what can be done across regions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "node/cli/zone.h"

static void *read_json(struct tb_arena *arena, const proto_type *type, const char *json)
{
	proto_message *out;
	struct tb_error err = {0};
	if (proto_json_decode(&out, type, tb_bytes_str(json), arena, &err))
		fail_msg("%s", err.text);
	return out;
}

#define ITEM(code, name, mode, more) \
	"{\"code\":\"" code "\",\"name\":\"" name "\",\"modes\":[\"" mode "\"],\"promisedDays\":3" more "}"
/* clang-format off */
#define THEIRS "{\"items\":[" \
	ITEM("x", "公积金提取", "DS", ",\"materials\":[{\"code\":\"M1\",\"name\":\"身份证\",\"required\":true,\"original\":true}]") "," \
	ITEM("y", "未约定事项", "DS", "") "," \
	ITEM("v", "限他地受理", "DS", ",\"modeRegions\":[{\"mode\":\"DS\",\"regions\":[\"310000\"]}]") "," \
	ITEM("w", "限甘肃受理", "DS", ",\"modeRegions\":[{\"mode\":\"DS\",\"regions\":[\"620000\"]}]") "," \
	ITEM("z", "新生儿一件事", "LB", ",\"bundle\":[{\"code\":\"P1\",\"item\":\"p\",\"name\":\"出生医学证明\"}]") "]}"
#define OURS "{\"items\":[" \
	ITEM("a", "公证&amp", "DS", "") "," \
	ITEM("b", "社保查询", "QC", "") "," \
	ITEM("c", "只在本地", "DS", "") "," \
	ITEM("f", "限上海窗口", "DS", ",\"modeRegions\":[{\"mode\":\"DS\",\"regions\":[\"310000\"]}]") "," \
	ITEM("d", "已取消", "QC", ",\"cancelledOn\":\"2026-01-01\"") "]}"
/* clang-format on */
#define AGREEMENT                                                                                      \
	"{\"agreements\":[{\"state\":\"IN_FORCE\",\"agreement\":{\"parties\":[\"320400\",\"620100\"]," \
	"\"terms\":["                                                                                  \
	"{\"items\":[\"a\",\"x\",\"z\",\"v\",\"w\",\"f\"],\"modes\":[\"DS\",\"LB\"]}]}}]}"

static const char *page(struct tb_arena *arena, struct tb_buf *out)
{
	const PbAgreementListResponse *agreements =
		read_json(arena, &pb_agreement_list_response__descriptor, AGREEMENT);
	struct zone_partner partner = {.region = "320400",
	                               .name = "常州市",
	                               .list = read_json(arena, &pb_catalogue__descriptor, THEIRS)};
	struct zone_facts facts = {
		.region = "620100",
		.name = "兰州<市>",
		.now = tb_day_start(tb_day_of(2026, 11, 22)),
		.list = read_json(arena, &pb_catalogue__descriptor, OURS),
		.halls = read_json(
			arena, &pb_hall_list__descriptor,
			"{\"halls\":[{\"code\":\"1\",\"name\":\"市民中心\",\"receives\":true,\"address\":"
			"\"\\\"路\\\" 1 号\",\"hours\":[{\"days\":\"workdays\",\"from\":\"09:00\",\"to\":"
			"\"17:00\"}]},{\"code\":\"2\",\"name\":\"不收件\"}]}"),
		.agreements = agreements->agreements,
		.agreements_count = agreements->n_agreements,
		.partners = &partner,
		.partners_count = 1};
	zone_write(out, &facts);
	return tb_buf_text(out);
}

static void test_what_can_be_done_is_on_the_page_and_nothing_else(void **state)
{
	struct tb_arena arena = {0};
	struct tb_buf out = {0};
	(void)state;
	const char *text = page(&arena, &out);
	static const char *const there[] = {"常州市 320400", "新生儿一件事", "出生医学证明", "材料合并",
	                                    "公积金提取",    "身份证（原件", "代收材料",     "社保查询",
	                                    "全程网办",      "市民中心",     "工作日",       "09:00-17:00",
	                                    "3 个工作日",    "限甘肃受理"};
	static const char *const not_there[] = {"未约定事项", "只在本地",   "已取消",
	                                        "不收件",     "限他地受理", "限上海窗口"};
	for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++) {
		if (!strstr(text, there[i]))
			fail_msg("%s is not on the page", there[i]);
	}
	for (size_t i = 0; i < sizeof(not_there) / sizeof(not_there[0]); i++) {
		if (strstr(text, not_there[i]))
			fail_msg("%s is on the page", not_there[i]);
	}
	tb_buf_clear(&out);
	tb_arena_clear(&arena);
}

static void test_the_page_stands_alone_and_lets_no_markup_in(void **state)
{
	struct tb_arena arena = {0};
	struct tb_buf out = {0};
	(void)state;
	const char *text = page(&arena, &out);
	assert_non_null(strstr(text, "default-src 'none'"));
	assert_null(strstr(text, "<script"));
	assert_null(strstr(text, "http://"));
	assert_null(strstr(text, "https://"));
	assert_non_null(strstr(text, "兰州&lt;市&gt;"));
	assert_non_null(strstr(text, "公证&amp;amp"));
	assert_non_null(strstr(text, "&quot;路&quot; 1 号"));
	tb_buf_clear(&out);
	tb_arena_clear(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_can_be_done_is_on_the_page_and_nothing_else),
		cmocka_unit_test(test_the_page_stands_alone_and_lets_no_markup_in),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
