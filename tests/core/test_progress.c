/* How far the items of a base list are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "node/core/progress.h"

static struct tb_arena arena;

static int setup(void **state)
{
	(void)state;
	arena = (struct tb_arena){0};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	tb_arena_clear(&arena);
	return 0;
}

#define READ(name, json) ((Pb##name *)(void *)message(&json_type_##name, json))
#define json_type_Catalogue pb_catalogue__descriptor
#define json_type_AgreementListResponse pb_agreement_list_response__descriptor
#define json_type_HallList pb_hall_list__descriptor
#define json_type_StatsCasesResponse pb_stats_cases_response__descriptor

static proto_message *message(const proto_type *type, const char *json)
{
	proto_message *out;
	struct tb_error err = {0};
	if (proto_json_decode(&out, type, tb_bytes_str(json), &arena, &err))
		fail_msg("%s", err.text);
	return out;
}

#define BASE                                                                                         \
	"{\"items\":[{\"name\":\"公证\",\"baseCode\":\"A\",\"year\":2024},"                        \
	"{\"name\":\"生育登记\",\"baseCode\":\"B\",\"dueOn\":\"2030-06-30\"},"                   \
	"{\"name\":\"失业登记\",\"baseCode\":\"C\",\"dueOn\":\"2025-06-30\",\"basis\":\"法\"}," \
	"{\"name\":\"其他\",\"baseCode\":\"D\"},{\"name\":\"社保\",\"baseCode\":\"E\",\"year\":2025}]}"
#define LIST                                                                                                        \
	"{\"region\":\"320400\",\"items\":["                                                                        \
	"{\"code\":\"a\",\"baseCode\":\"A\",\"name\":\"公证\",\"department\":\"X\",\"modes\":[\"DS\"]},"          \
	"{\"code\":\"b\",\"baseCode\":\"B\",\"name\":\"生育登记\",\"department\":\"Y\",\"modes\":[\"QC\"]},"    \
	"{\"code\":\"c\",\"baseCode\":\"C\",\"name\":\"失业登记\",\"basis\":\"别的法\",\"modes\":[\"QC\"]}," \
	"{\"code\":\"e\",\"baseCode\":\"E\",\"name\":\"社保\",\"modes\":[\"DS\",\"YS\"]}]}"
#define AGREEMENTS                                                                                           \
	"{\"agreements\":[{\"state\":\"IN_FORCE\",\"agreement\":{\"parties\":[\"310000\",\"320400\","        \
	"\"620100\"],\"terms\":[{\"items\":[\"E\"],\"modes\":[\"DS\"],\"windows\":[\"620100\"]},{\"items\":" \
	"[\"a\"],\"modes\":[\"QC\"]}]}},{\"state\":\"PROPOSED\",\"agreement\":{\"parties\":[\"310000\","     \
	"\"320400\"],\"terms\":[{\"items\":[\"*\"],\"modes\":[\"DS\"]}]}}]}"
#define HALLS                                                                                         \
	"{\"halls\":[{\"code\":\"1\",\"area\":\"320402\",\"receives\":true,\"departments\":[\"X\"]}," \
	"{\"code\":\"2\",\"area\":\"320402001\",\"receives\":true},{\"code\":\"3\",\"area\":\"320404\"}]}"
#define STATS                                                                                           \
	"{\"rows\":[{\"key\":\"a\",\"cases\":\"5\",\"decided\":\"4\",\"inTime\":\"3\"},{\"key\":\"z\"," \
	"\"cases\":"                                                                                    \
	"\"9\"}]}"

static PbProgressReport *report_of(const char *base, const char *list, const char *halls)
{
	PbAgreementListResponse *agreements = READ(AgreementListResponse, AGREEMENTS);
	struct progress_facts facts = {.region = "320400",
	                               .today = tb_day_of(2026, 11, 22),
	                               .list = READ(Catalogue, list),
	                               .base = READ(Catalogue, base),
	                               .agreements = agreements->agreements,
	                               .agreements_count = agreements->n_agreements,
	                               .halls = halls ? READ(HallList, halls) : NULL,
	                               .stats = READ(StatsCasesResponse, STATS)};
	return progress_report(&facts, &arena);
}

static PbProgressReport *report(const char *halls)
{
	return report_of(BASE, LIST, halls);
}

static const PbProgressRow *row(const PbProgressReport *report, const char *base)
{
	for (size_t i = 0; i < report->n_rows; i++) {
		if (strcmp(report->rows[i]->base_code, base) == 0)
			return report->rows[i];
	}
	fail_msg("no row %s", base);
	return NULL;
}

static void test_an_item_is_offered_with_a_partner_or_all_online(void **state)
{
	(void)state;
	const PbProgressReport *all = report(HALLS);
	assert_int_equal(row(all, "A")->state, PB_PROGRESS_STATE__PROGRESS_ALONE);
	assert_int_equal(row(all, "B")->state, PB_PROGRESS_STATE__PROGRESS_OFFERED);
	assert_int_equal(row(all, "C")->state, PB_PROGRESS_STATE__PROGRESS_DIFFERS);
	assert_int_equal(row(all, "C")->findings, 1);
	assert_int_equal(row(all, "D")->state, PB_PROGRESS_STATE__PROGRESS_UNCLAIMED);
	assert_int_equal(row(all, "E")->state, PB_PROGRESS_STATE__PROGRESS_OFFERED);
	assert_int_equal(row(all, "E")->n_partners, 1); /* not 310000, which has not signed for it */
	assert_string_equal(row(all, "E")->partners[0], "620100");
	assert_int_equal(all->items, 5);
	assert_int_equal(all->offered, 2);
}

static void test_overdue_items_come_first_then_by_their_day(void **state)
{
	(void)state;
	static const char *const order[] = {"A", "C", "E", "B", "D"};
	const PbProgressReport *all = report(HALLS);
	assert_int_equal(all->n_rows, 5);
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(all->rows[i]->base_code, order[i]);
	assert_string_equal(all->rows[0]->due_on, "2024-12-31"); /* the end of its year */
	assert_true(all->rows[0]->overdue && all->rows[1]->overdue);
	assert_false(all->rows[2]->overdue); /* its day has passed, but it is offered */
	assert_int_equal(all->overdue, 2);
}

static void test_halls_and_cases_are_counted(void **state)
{
	(void)state;
	const PbProgressReport *all = report(HALLS);
	assert_int_equal(all->halls, 2);
	assert_int_equal(all->areas, 1);
	assert_int_equal(all->areas_all, 2);
	assert_int_equal(row(all, "A")->halls, 2);
	assert_int_equal(row(all, "B")->halls, 1); /* the other is for another department */
	assert_int_equal(row(all, "A")->cases, 5);
	assert_int_equal(row(all, "A")->decided, 4);
	assert_int_equal(row(all, "A")->in_time, 3);
	assert_int_equal(row(all, "E")->cases, 0);
	assert_int_equal(report(NULL)->halls, 0);
}

static void test_the_table_has_a_line_for_every_item(void **state)
{
	(void)state;
	struct tb_buf csv = {0};
	PbProgressReport *all = report(HALLS);
	progress_csv(&csv, all, true);
	const char *text = tb_buf_text(&csv);
	assert_memory_equal(text, "\xEF\xBB\xBF地区,", 10);
	assert_non_null(
		strstr(text, "320400,2026-11-22,A,公证,2024-12-31,是,已认领未通办,a,DS,,0,2,,,5,4,3\r\n"));
	assert_non_null(strstr(text, "E,社保,2025-12-31,否,已通办,e,DS;YS,620100,"));
	tb_buf_clear(&csv);
	progress_csv(&csv, all, false);
	assert_non_null(strstr(tb_buf_text(&csv), "D,其他,,false,not claimed,,,,0,0,"));
	assert_non_null(strstr(tb_buf_text(&csv), ",2024-12-31,true,\"claimed, with nobody\",a,DS,,"));
	tb_buf_clear(&csv);
}

/* 限定地区: what an item's list leaves to the windows of some regions is not offered with others. */
static void test_a_partner_counts_only_where_the_item_is_for_its_windows(void **state)
{
#define LIMITED(regions)                                                                                      \
	"{\"region\":\"320400\",\"items\":[{\"code\":\"e\",\"baseCode\":\"E\",\"name\":\"社保\",\"modes\":" \
	"[\"DS\"],\"modeRegions\":[{\"mode\":\"DS\",\"regions\":[" regions "]}]}]}"
	(void)state;
	const PbProgressReport *all = report_of(BASE, LIMITED("\"310000\""), NULL);
	assert_int_equal(row(all, "E")->n_partners, 0);
	assert_int_equal(row(all, "E")->state, PB_PROGRESS_STATE__PROGRESS_ALONE);
	all = report_of(BASE, LIMITED("\"310000\",\"620000\""), NULL);
	assert_int_equal(row(all, "E")->n_partners, 1);
	assert_int_equal(row(all, "E")->state, PB_PROGRESS_STATE__PROGRESS_OFFERED);
}

/* What others wrote into a list becomes no formula and no further column (OWASP, CSV Injection). */
static void test_what_others_wrote_stays_in_its_cell(void **state)
{
	struct tb_buf csv = {0};
	(void)state;
	PbProgressReport *all = report_of(
		"{\"items\":[{\"name\":\"=1+1,\\\"x\\\"\",\"baseCode\":\"@A\",\"dueOn\":\"+2,3\"}]}",
		"{\"region\":\"320400\",\"items\":[{\"code\":\"-c\",\"baseCode\":\"@A\",\"name\":\"n\","
		"\"modes\":[\"QC\",\"D,S\"]}]}",
		NULL);
	progress_csv(&csv, all, false);
	assert_non_null(
		strstr(tb_buf_text(&csv), "320400,2026-11-22,\"'@A\",\"'=1+1,\"\"x\"\"\",\"'+2,3\",false,"));
	assert_non_null(strstr(tb_buf_text(&csv), ",\"'-c\",\"QC;D,S\","));
	tb_buf_clear(&csv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_an_item_is_offered_with_a_partner_or_all_online, setup,
	                                        teardown),
		cmocka_unit_test_setup_teardown(test_overdue_items_come_first_then_by_their_day, setup,
	                                        teardown),
		cmocka_unit_test_setup_teardown(test_a_partner_counts_only_where_the_item_is_for_its_windows,
	                                        setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_others_wrote_stays_in_its_cell, setup, teardown),
		cmocka_unit_test_setup_teardown(test_halls_and_cases_are_counted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_table_has_a_line_for_every_item, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
