/* Halls: where they are, when they are open, and that partners see them. */
#include "tests/core/pair.h"

#include <stdio.h>
#include <string.h>

#include "node/core/hall.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define OK(call) assert_int_equal((call), TB_OK)
#define LOAD "/tongban.v1.HallService/Load"
#define LIST "/tongban.v1.HallService/List"

static void test_an_area_code_says_the_level(void **state)
{
	(void)state;
	static const struct {
		const char *area;
		enum hall_level level;
	} rows[] = {
		{"320000", HALL_PROVINCE},     {"320400", HALL_CITY},       {"320402", HALL_COUNTY},
		{"320402001", HALL_TOWN},      {"320402001000", HALL_TOWN}, {"320402001003", HALL_VILLAGE},
		{"320402000000", HALL_COUNTY}, {"", HALL_NOWHERE},          {"3204", HALL_NOWHERE},
		{"32040x", HALL_NOWHERE},      {"000000", HALL_NOWHERE},    {"3204020010031", HALL_NOWHERE},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(hall_level(rows[i].area), rows[i].level);
	assert_string_equal(hall_level_text(HALL_VILLAGE, false), "village");
	assert_string_equal(hall_level_text(HALL_TOWN, true), "乡镇街道");
}

#define HALL "\"code\":\"A\",\"name\":\"政务服务中心\",\"area\":\"320400\""
#define HALL_B                                                                                                     \
	"{\"code\":\"B\",\"name\":\"村便民点\",\"area\":\"320402001003\",\"address\":\"村口\",\"handsOut\":" \
	"true,"                                                                                                    \
	"\"departments\":[\"D1\"],\"alliances\":[\"长三角\"],\"contacts\":[{\"name\":\"王\"}],\"hours\":["     \
	"{\"days\":\"workdays\",\"from\":\"09:00\",\"to\":\"17:00\"},"                                             \
	"{\"days\":\"saturday\",\"from\":\"09:00\",\"to\":\"12:00\"}]}"

static void test_a_list_that_cannot_be_is_refused_with_the_place(void **state)
{
	static const struct {
		const char *json;
		const char *says;
	} bad[] = {
		{"{\"name\":\"x\",\"area\":\"320400\"}", "halls[0].code"},
		{"{\"code\":\"x\",\"area\":\"320400\"}", "halls[0].name"},
		{"{\"code\":\"x\",\"name\":\"x\"}", "halls[0].area"},
		{"{\"code\":\"x\",\"name\":\"x\",\"area\":\"620100\"}", "is not in 320400"},
		{"{" HALL "},{" HALL "}", "halls[1].code"},
		{"{" HALL ",\"handsOut\":true}", "halls[0].address"},
		{"{" HALL ",\"hours\":[{\"days\":\"monday\",\"from\":\"09:00\",\"to\":\"17:00\"}]}",
	         "hours[0].days"},
		{"{" HALL ",\"hours\":[{\"days\":\"daily\",\"from\":\"9:00\",\"to\":\"17:00\"}]}",
	         "hours[0]"},
		{"{" HALL ",\"hours\":[{\"days\":\"daily\",\"from\":\"17:00\",\"to\":\"09:00\"}]}",
	         "hours[0]"},
		{"{" HALL ",\"hours\":[{\"days\":\"daily\",\"from\":\"09:61\",\"to\":\"17:00\"}]}",
	         "hours[0]"},
		{"{" HALL ",\"contacts\":[{\"phone\":\"1\"}]}", "contacts"},
		{"{" HALL ",\"windows\":[\" \"]}", "windows"},
	};
	struct pair *pair = pair_new(*state);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char json[512];
		enum tb_code code;
		snprintf(json, sizeof(json), "{\"halls\":[%s]}", bad[i].json);
		pair_call(pair, &pair->home, LOAD, json, &code);
		assert_int_equal(code, TB_EINVALID);
		if (!strstr(pair_refusal(&pair->home), bad[i].says))
			fail_msg("%s does not say %s", pair_refusal(&pair->home), bad[i].says);
	}
	pair_free(pair);
}

static size_t count(struct pair *pair, struct side *side, const char *json)
{
	return ((PbHallListResponse *)(void *)pair_ask(pair, side, LIST, json))->list->n_halls;
}

static void test_a_partner_sees_the_halls_and_what_changed(void **state)
{
	struct pair *pair = pair_new(*state);
	enum tb_code code;
	pair_call(pair, &pair->window, LIST, "{\"region\":\"" HOME "\"}", &code);
	assert_int_equal(code, TB_ENOTFOUND);
	pair_ask(pair, &pair->home, LOAD, "{\"halls\":[{" HALL ",\"receives\":true}," HALL_B "]}");
	pair_pass(pair, 10 * TB_MINUTE);
	assert_int_equal(count(pair, &pair->window, "{\"region\":\"" HOME "\"}"), 2);
	assert_int_equal(count(pair, &pair->window, "{\"region\":\"" HOME "\",\"handsOut\":true}"), 1);
	assert_int_equal(count(pair, &pair->home, "{\"receives\":true}"), 1);
	assert_int_equal(count(pair, &pair->home, "{\"area\":\"320402\"}"), 1);
	assert_int_equal(count(pair, &pair->home, "{\"department\":\"D1\"}"), 1);
	assert_int_equal(count(pair, &pair->home, "{\"department\":\"D2\"}"), 0);
	assert_int_equal(count(pair, &pair->home, "{\"alliance\":\"长三角\"}"), 1);
	PbHallLoadResponse *reply =
		(PbHallLoadResponse *)(void *)pair_ask(pair, &pair->home, LOAD, "{\"halls\":[{" HALL "}]}");
	assert_int_equal(reply->version, 2);
	pair_crash(pair, &pair->window);
	pair_pass(pair, 10 * TB_MINUTE);
	assert_int_equal(count(pair, &pair->window, "{\"region\":\"" HOME "\"}"), 1);
	pair_free(pair);
}

static void test_service_hours_are_not_working_days(void **state)
{
	struct pair *pair = pair_new(*state);
	static const struct {
		const char *day;
		int hour;
		bool open;
	} rows[] = {
		{"2026-09-21", 9, true},   {"2026-09-21", 8, false}, {"2026-09-21", 17, false},
		{"2026-09-19", 10, true}, /* a Saturday, until noon */
		{"2026-09-19", 12, false}, {"2026-09-26", 10, true}, {"2026-09-25", 10, false}, /* 中秋节 */
		{"2026-10-10", 14, true},  /* a Saturday that is worked */
		{"2027-03-01", 10, false}, /* nobody knows yet */
	};
	pair_ask(pair, &pair->home, LOAD, "{\"halls\":[" HALL_B "]}");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char json[64];
		tb_day day;
		assert_true(tb_day_parse(rows[i].day, &day));
		snprintf(json, sizeof(json), "{\"openAtMs\":\"%lld\"}",
		         (long long)(tb_day_start(day) + rows[i].hour * TB_HOUR));
		if (count(pair, &pair->home, json) != rows[i].open)
			fail_msg("%s %d", rows[i].day, rows[i].hour);
	}
	pair_free(pair);
}

/* The ordinary application with |more| members, by |way| of delivery. */
static enum tb_code submit(struct pair *pair, const char *way, const char *more, char number[32])
{
	char material[512], json[2048];
	enum tb_code code;
	pair_upload(pair, &pair->window, 1000, 1, material);
	snprintf(json, sizeof(json),
	         "{\"application\":{\"item\":\"" ITEM "\",\"mode\":\"DS\",\"home\":\"" HOME "\",%s"
	         "\"applicant\":{\"name\":\"王伟\",\"codeType\":\"111\",\"code\":\"11010519491231002X\"},"
	         "\"delivery\":\"%s\",\"materials\":[{\"need\":\"M1\",%s}]},"
	         "\"actor\":{\"role\":\"R_WIN\",\"id\":\"w1\"},\"forward\":true}",
	         more, way, material);
	PbCaseView *view = (PbCaseView *)(void *)pair_call(pair, &pair->window,
	                                                   "/tongban.v1.CaseService/Submit", json, &code);
	snprintf(number, 32, "%s", code ? "" : view->number);
	return code;
}

static void test_the_result_is_fetched_at_a_hall_of_the_applicant_s_choice(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	pair_ask(pair, &pair->home, LOAD, "{\"halls\":[{" HALL "}," HALL_B "]}");
	pair_ask(pair, &pair->window, LOAD,
	         "{\"halls\":[{\"code\":\"L1\",\"name\":\"兰州\",\"area\":\"620100\",\"receives\":true},"
	         "{\"code\":\"L2\",\"name\":\"城关\",\"area\":\"620102\",\"address\":\"a\",\"handsOut\":true}"
	         "]}");
	pair_pass(pair, 10 * TB_MINUTE);
	OK(submit(pair, "HOME_PICKUP", "\"hall\":\"L1\",\"pickup\":{\"hall\":\"B\"},", number));
	const PbCaseView *view = pair_case(pair, &pair->home, number);
	assert_string_equal(view->log[0]->detail->application->pickup->region, HOME);
	assert_string_equal(view->log[0]->detail->application->hall, "L1");
	OK(submit(pair, "WINDOW_PICKUP", "\"pickup\":{\"hall\":\"L2\"},", number));
	assert_string_equal(pair_case(pair, &pair->home, number)->log[0]->detail->application->pickup->region,
	                    WINDOW);
	assert_int_equal(submit(pair, "HOME_PICKUP", "\"pickup\":{\"hall\":\"A\"},", number), TB_EINVALID);
	assert_int_equal(submit(pair, "HOME_PICKUP", "\"pickup\":{\"hall\":\"C\"},", number), TB_ENOTFOUND);
	assert_int_equal(
		submit(pair, "HOME_PICKUP", "\"pickup\":{\"region\":\"" WINDOW "\",\"hall\":\"B\"},", number),
		TB_EINVALID);
	assert_int_equal(submit(pair, "COURIER", "\"pickup\":{\"hall\":\"B\"},", number), TB_EINVALID);
	assert_int_equal(submit(pair, "COURIER", "\"hall\":\"L2\",", number), TB_EINVALID);
	assert_int_equal(submit(pair, "COURIER", "\"hall\":\"L9\",", number), TB_ENOTFOUND);
	pair_free(pair);
}

static void test_halls_of_cities_are_in_their_province(void **state)
{
	(void)state;
	PbHall hall = PB_HALL__INIT;
	struct tb_error err;
	char code[] = "A", area[] = "321000";
	hall.code = hall.name = code;
	hall.area = area;
	OK(hall_check(&hall, "320000", &err));
	assert_int_equal(hall_check(&hall, "320400", &err), TB_EINVALID);
	assert_int_equal(hall_check(&hall, "330000", &err), TB_EINVALID);
}

/* |count| times |one|, as the members of a JSON list. */
static void repeat(struct tb_buf *json, const char *one, size_t count)
{
	for (size_t i = 0; i < count; i++)
		tb_buf_printf(json, "%s%s", i ? "," : "", one);
}

static void test_a_list_without_end_is_refused(void **state)
{
	static const struct {
		const char *field;
		const char *one;
		size_t most;
	} lists[] = {
		{"hours", "{\"days\":\"daily\",\"from\":\"09:00\",\"to\":\"17:00\"}", 16},
		{"windows", "\"w\"", 200},
		{"contacts", "{\"name\":\"王\"}", 200},
	};
	struct pair *pair = pair_new(*state);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		for (size_t over = 0; over < 2; over++) {
			struct tb_buf json = {0};
			enum tb_code code;
			tb_buf_printf(&json, "{\"halls\":[{" HALL ",\"%s\":[", lists[i].field);
			repeat(&json, lists[i].one, lists[i].most + over);
			tb_buf_str(&json, "]}]}");
			pair_call(pair, &pair->home, LOAD, tb_buf_text(&json), &code);
			assert_int_equal(code == TB_OK, over == 0);
			if (over && !strstr(pair_refusal(&pair->home), lists[i].field))
				fail_msg("%s", pair_refusal(&pair->home));
			tb_buf_clear(&json);
		}
	}
	pair_free(pair);
}

static void test_hours_of_rest_days_sundays_and_every_day(void **state)
{
	static const struct {
		const char *day;
		int hour;
		bool open;
	} rows[] = {
		{"2026-09-13", 10, true},  {"2026-09-13", 12, true},
		{"2026-09-13", 14, false}, /* a Sunday */
		{"2026-09-14", 10, false}, {"2026-09-14", 12, false},
		{"2026-09-14", 20, true},  {"2026-09-25", 10, true},
		{"2026-09-25", 12, false},                           /* a Friday, 中秋节 */
		{"2026-09-20", 10, false}, {"2026-09-20", 12, true}, /* a Sunday that is worked */
	};
	struct pair *pair = pair_new(*state);
	pair_ask(pair, &pair->home, LOAD,
	         "{\"halls\":[{" HALL
	         ",\"hours\":[{\"days\":\"restdays\",\"from\":\"10:00\",\"to\":\"11:00\"},"
	         "{\"days\":\"sunday\",\"from\":\"12:00\",\"to\":\"13:00\"},"
	         "{\"days\":\"daily\",\"from\":\"20:00\",\"to\":\"24:00\"}]}]}");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char json[64];
		tb_day day;
		assert_true(tb_day_parse(rows[i].day, &day));
		snprintf(json, sizeof(json), "{\"openAtMs\":\"%lld\"}",
		         (long long)(tb_day_start(day) + rows[i].hour * TB_HOUR));
		if (count(pair, &pair->home, json) != rows[i].open)
			fail_msg("%s %d", rows[i].day, rows[i].hour);
	}
	pair_free(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_area_code_says_the_level),
		TEST(test_a_list_that_cannot_be_is_refused_with_the_place),
		TEST(test_a_partner_sees_the_halls_and_what_changed),
		TEST(test_service_hours_are_not_working_days),
		TEST(test_the_result_is_fetched_at_a_hall_of_the_applicant_s_choice),
		TEST(test_halls_of_cities_are_in_their_province),
		TEST(test_a_list_without_end_is_refused),
		TEST(test_hours_of_rest_days_sundays_and_every_day),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
