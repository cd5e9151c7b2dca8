/* The tables of all modes against what the domain says (oracle.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/core/oracle.h"

#define E(name) PB_CASE_EVENT__##name

/* One more than the last of each. */
enum { EVENT_END = PB_CASE_EVENT__KEPT + 2, ROLE_END = PB_ROLE__R_HEAD + 2, STATE_END = 101 };

/* The rest of what one test looks at. */
static struct {
	const struct oracle *oracle;
	const struct case_mode *mode;
} now;

/* Walks all modes; sets |now|. */
static bool next_mode(void)
{
	now.oracle = now.oracle ? now.oracle + 1 : oracles;
	if (!now.oracle->code) {
		now.oracle = NULL;
		return false;
	}
	now.mode = case_mode_find(now.oracle->code);
	if (!now.mode)
		fail_msg("no mode %s", now.oracle->code);
	return true;
}

static int setup(void **state)
{
	(void)state;
	now.oracle = NULL;
	return 0;
}

#define CHECK(condition, from, event)                                               \
	do {                                                                        \
		if (!(condition))                                                   \
			fail_msg("%s, %s in %s: %s", now.oracle->code,              \
			         case_event_name((PbCaseEvent)(event)),             \
			         case_state_name((PbCaseState)(from)), #condition); \
	} while (0)

/* A detail that has all that any event may need. */
struct full {
	PbCaseDetail detail;
	PbWaybill waybill;
	PbMaterialNeed need;
	PbMaterialNeed *needs[1];
	PbMaterial material;
	PbMaterial *materials[1];
	PbFee fee;
};

static void full_init(struct full *full)
{
	static char text[] = "x";
	full->detail = (PbCaseDetail)PB_CASE_DETAIL__INIT;
	full->waybill = (PbWaybill)PB_WAYBILL__INIT;
	full->need = (PbMaterialNeed)PB_MATERIAL_NEED__INIT;
	full->material = (PbMaterial)PB_MATERIAL__INIT;
	full->waybill.carrier = text;
	full->waybill.number = text;
	full->need.code = text;
	full->needs[0] = &full->need;
	full->materials[0] = &full->material;
	full->detail.reason = text;
	full->detail.note = text;
	full->detail.days = 10;
	full->detail.needs = full->needs;
	full->detail.n_needs = 1;
	full->detail.materials = full->materials;
	full->detail.n_materials = 1;
	full->detail.way = PB_DELIVERY_WAY__NETWORK;
	full->detail.waybill = &full->waybill;
	full->detail.grade = 5;
	full->detail.clock = PB_CLOCK__T2_PUSH;
	full->fee = (PbFee)PB_FEE__INIT;
	full->fee.reference = text;
	full->fee.state = PB_FEE_STATE__FEE_PAID;
	full->detail.fee = &full->fee;
}

static enum tb_code allowed(int from, PbCaseEvent event, int role, unsigned side, const PbCaseDetail *detail)
{
	const struct case_row *row = (const struct case_row *)(uintptr_t)1;
	struct tb_error err = {0};
	enum tb_code code =
		case_allowed(&row, now.mode, (PbCaseState)from, event, (PbRole)role, side, detail, &err);
	CHECK((code == TB_OK) == (row != NULL), from, event);
	CHECK((code == TB_OK) == (err.text[0] == '\0'), from, event);
	return code;
}

static void use_mode(const char *code)
{
	now.oracle = oracles;
	while (now.oracle->code && strcmp(now.oracle->code, code) != 0)
		now.oracle++;
	now.mode = case_mode_find(code);
	assert_non_null(now.mode);
}

static void test_casetable_and_the_oracle_know_the_same_modes(void **state)
{
	(void)state;
	size_t modes = 0, known = 0;
	while (case_modes[modes])
		modes++;
	while (next_mode()) {
		known++;
		if (now.oracle->listed_as)
			assert_string_equal(now.mode->listed_as, now.oracle->listed_as);
		else
			assert_null(now.mode->listed_as);
		assert_string_equal(case_mode_listed(now.oracle->code),
		                    now.oracle->listed_as ? now.oracle->listed_as : now.oracle->code);
	}
	assert_int_equal(modes, known);
	assert_null(case_mode_find(""));
	assert_null(case_mode_find("ds"));
	assert_null(case_mode_find("XX"));
	assert_string_equal(case_mode_listed("XX"), "XX");
}

static void test_casetable_allows_what_the_domain_says_and_nothing_else(void **state)
{
	(void)state;
	struct full full;
	full_init(&full);
	while (next_mode()) {
		for (int at = 0; at < STATE_END * EVENT_END; at++) {
			int from = at / EVENT_END;
			PbCaseEvent event = (PbCaseEvent)(at % EVENT_END);
			const struct oracle_row *want = oracle_find(now.oracle, from, event);
			for (int who = 0; who < 4 * ROLE_END; who++) {
				unsigned side = (unsigned)who % 4;
				enum tb_code code = TB_ESTATE;
				if (want)
					code = oracle_may(want, who / 4, side) ? TB_OK : TB_EDENIED;
				CHECK(allowed(from, event, who / 4, side, &full.detail) == code, from, event);
			}
		}
	}
}

static void test_casetable_rows_lead_where_the_domain_says(void **state)
{
	(void)state;
	while (next_mode()) {
		size_t rows = 0;
		for (int at = 0; at < STATE_END * EVENT_END; at++) {
			int from = at / EVENT_END;
			PbCaseEvent event = (PbCaseEvent)(at % EVENT_END);
			const struct oracle_row *want = oracle_find(now.oracle, from, event);
			const struct case_row *row = case_row_find(now.mode, (PbCaseState)from, event);
			CHECK((want != NULL) == (row != NULL), from, event);
			if (!want)
				continue;
			rows++;
			CHECK((int)row->to == oracle_to(want, from), from, event);
			CHECK(strcmp(row->message, want->message) == 0, from, event);
			CHECK(row->after == oracle_when(want, '>'), from, event);
			CHECK(row->within == oracle_when(want, '<'), from, event);
			CHECK(row->whilst == oracle_when(want, '~'), from, event);
			CHECK(row->days_max == want->days, from, event);
			CHECK(row->needs == oracle_needs(want), from, event);
		}
		/* A second row for the same state and event would never be found. */
		assert_int_equal(rows, now.mode->rows_count);
	}
}

static void test_casetable_moves_the_clocks_that_the_domain_says(void **state)
{
	(void)state;
	static const int32_t days[CASE_CLOCKS] = {0, 5, 1, 2, 1, 0, 1, 15, 45, 15, 10};
	while (next_mode()) {
		for (size_t i = 0; i < now.mode->rows_count; i++) {
			const struct case_row *row = &now.mode->rows[i];
			const struct oracle_row *want = oracle_find(now.oracle, (int)row->from, row->event);
			CHECK(want, row->from, row->event);
			struct oracle_clocks said = oracle_clocks(now.oracle, want);
			struct oracle_clocks done = oracle_clocks_of(now.oracle, row);
			CHECK(memcmp(&said, &done, sizeof(said)) == 0, row->from, row->event);
		}
		assert_memory_equal(now.mode->days, days, sizeof(days));
	}
}

/* Takes out of |full| what |letter| stands for. */
static void take_out(struct full *full, char letter)
{
	static char blank[] = " \t\n\xe3\x80\x80";
	switch (letter) {
	case 'r':
		full->detail.reason = blank;
		break;
	case 'd':
		full->detail.days = 0;
		break;
	case 'l':
		full->detail.n_needs = 0;
		break;
	case 'y':
		full->detail.way = PB_DELIVERY_WAY__DELIVERY_WAY_UNSPECIFIED;
		break;
	case 'b':
		full->detail.waybill = NULL;
		break;
	case 'g':
		full->detail.grade = 0;
		break;
	case 'n':
		full->detail.note = blank;
		break;
	case 'c':
		full->detail.clock = PB_CLOCK__CLOCK_UNSPECIFIED;
		break;
	case 'm':
		full->detail.way = PB_DELIVERY_WAY__WINDOW_PICKUP;
		break;
	case 'f':
		full->detail.n_materials = 0;
		break;
	case 'p':
		full->detail.fee = NULL;
		break;
	default:
		fail();
	}
}

static void test_casetable_refuses_an_event_without_what_it_needs(void **state)
{
	(void)state;
	static const char all[] = "rdlybgncmfp";
	while (next_mode()) {
		for (size_t i = 0; i < now.mode->rows_count; i++) {
			const struct case_row *row = &now.mode->rows[i];
			const struct oracle_row *want = oracle_find(now.oracle, (int)row->from, row->event);
			int role = 0;
			while (role < ROLE_END && !oracle_may(want, role, 3))
				role++;
			for (const char *letter = all; *letter; letter++) {
				struct full full;
				full_init(&full);
				take_out(&full, *letter);
				CHECK(allowed((int)row->from, row->event, role, 3, &full.detail) ==
				              (strchr(want->needs, *letter) ? TB_EINVALID : TB_OK),
				      row->from, row->event);
			}
			CHECK(allowed((int)row->from, row->event, role, 3, NULL) ==
			              (strpbrk(want->needs, all) ? TB_EINVALID : TB_OK),
			      row->from, row->event);
		}
	}
}

static void test_casetable_checks_days(void **state)
{
	(void)state;
	while (next_mode()) {
		for (size_t i = 0; i < now.mode->rows_count; i++) {
			const struct case_row *row = &now.mode->rows[i];
			const struct oracle_row *want = oracle_find(now.oracle, (int)row->from, row->event);
			struct full full;
			full_init(&full);
			if (!strchr(want->needs, 'd'))
				continue;
			const uint32_t days[] = {0, 1, want->days, want->days + 1, UINT32_MAX};
			int role = 0;
			while (role < ROLE_END && !oracle_may(want, role, 3))
				role++;
			for (size_t k = 0; k < sizeof(days) / sizeof(days[0]); k++) {
				bool good = days[k] >= 1 && days[k] <= want->days;
				full.detail.days = days[k];
				CHECK(allowed((int)row->from, row->event, role, 3, &full.detail) ==
				              (good ? TB_OK : TB_EINVALID),
				      row->from, row->event);
			}
		}
	}
}

static void test_casetable_checks_grades_and_ways(void **state)
{
	(void)state;
	struct full full;
	full_init(&full);
	use_mode("DS");
	for (uint32_t grade = 0; grade <= 7; grade++) {
		full.detail.grade = grade;
		assert_int_equal(allowed(80, E(EVALUATE), PB_ROLE__APPLICANT, CASE_AT_HOME, &full.detail),
		                 grade >= 1 && grade <= 5 ? TB_OK : TB_EINVALID);
	}
	for (int way = 0; way <= 5; way++) {
		full.detail.way = (PbDeliveryWay)way;
		use_mode("DS");
		assert_int_equal(allowed(60, E(DISPATCH), PB_ROLE__H_WIN, CASE_AT_HOME, &full.detail),
		                 way >= 1 && way <= 4 ? TB_OK : TB_EINVALID);
		use_mode("QC");
		assert_int_equal(allowed(60, E(DISPATCH), PB_ROLE__H_WIN, CASE_AT_HOME, &full.detail),
		                 way == PB_DELIVERY_WAY__COURIER || way == PB_DELIVERY_WAY__NETWORK
		                         ? TB_OK
		                         : TB_EINVALID);
	}
}

static void test_casetable_couriers_need_a_waybill(void **state)
{
	(void)state;
	struct full full;
	full_init(&full);
	static char empty[] = "";
	use_mode("DS");
	full.detail.way = PB_DELIVERY_WAY__COURIER;
	assert_int_equal(allowed(61, E(DISPATCH), PB_ROLE__H_WIN, CASE_AT_HOME, &full.detail), TB_OK);
	full.waybill.number = empty;
	assert_int_equal(allowed(61, E(DISPATCH), PB_ROLE__H_WIN, CASE_AT_HOME, &full.detail), TB_EINVALID);
	full.detail.waybill = NULL;
	assert_int_equal(allowed(61, E(DISPATCH), PB_ROLE__H_WIN, CASE_AT_HOME, &full.detail), TB_EINVALID);
	full.detail.way = PB_DELIVERY_WAY__HOME_PICKUP;
	assert_int_equal(allowed(61, E(DISPATCH), PB_ROLE__H_WIN, CASE_AT_HOME, &full.detail), TB_OK);
}

static void test_casetable_names_what_it_refuses(void **state)
{
	(void)state;
	const struct case_row *row;
	struct tb_error err;
	use_mode("DS");
	assert_int_equal(case_allowed(&row, now.mode, PB_CASE_STATE__TRANSFER, E(GRANT), PB_ROLE__H_DEPT,
	                              CASE_AT_HOME, NULL, &err),
	                 TB_ESTATE);
	assert_non_null(strstr(err.text, "TRANSFER"));
	assert_non_null(strstr(err.text, "GRANT"));
	assert_int_equal(case_allowed(&row, now.mode, PB_CASE_STATE__REVIEW, E(GRANT), PB_ROLE__R_WIN,
	                              CASE_AT_WINDOW, NULL, &err),
	                 TB_EDENIED);
	assert_non_null(strstr(err.text, "R_WIN"));
	assert_int_equal(case_allowed(&row, now.mode, PB_CASE_STATE__REVIEW, E(DENY), PB_ROLE__H_DEPT,
	                              CASE_AT_HOME, NULL, &err),
	                 TB_EINVALID);
	assert_non_null(strstr(err.text, "detail.reason"));
}

static void test_casetable_bears_any_number_for_a_role_or_a_side(void **state)
{
	(void)state;
	static const int roles[] = {-1, INT32_MIN, 0, 7, 11, 31, 32, 33, 34, 64, INT32_MAX};
	struct full full;
	full_init(&full);
	use_mode("DS");
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		assert_int_equal(allowed(50, E(GRANT), roles[i], CASE_AT_HOME, &full.detail), TB_EDENIED);
	assert_int_equal(allowed(50, E(GRANT), PB_ROLE__H_DEPT, 0, &full.detail), TB_EDENIED);
	assert_int_equal(allowed(50, E(GRANT), PB_ROLE__H_DEPT, 4, &full.detail), TB_EDENIED);
	/* A node that is window and home at once. */
	assert_int_equal(allowed(50, E(GRANT), PB_ROLE__H_DEPT, 3, &full.detail), TB_OK);
	assert_int_equal(allowed(22, E(SEND), PB_ROLE__R_WIN, 3, &full.detail), TB_OK);
}

static void test_casetable_says_what_a_clock_does_when_it_runs_out(void **state)
{
	(void)state;
	while (next_mode()) {
		for (int from = 0; from < STATE_END; from++) {
			for (int clock = 0; clock < CASE_CLOCKS; clock++) {
				PbCaseEvent want = E(OVERDUE);
				for (int event = 0; event < EVENT_END && clock; event++) {
					const struct oracle_row *row =
						oracle_find(now.oracle, from, (PbCaseEvent)event);
					if (row && oracle_when(row, '>') == (PbClock)clock)
						want = (PbCaseEvent)event;
				}
				CHECK(case_clock_event(now.mode, (PbCaseState)from, (PbClock)clock) == want,
				      from, want);
			}
		}
	}
	struct full full;
	full_init(&full);
	use_mode("DS");
	full.detail.clock = PB_CLOCK__T1_NOTIFY; /* It deems; it is not just overdue. */
	assert_int_equal(allowed(32, E(OVERDUE), PB_ROLE__SYSTEM, CASE_AT_HOME, &full.detail), TB_EINVALID);
	assert_int_equal(allowed(40, E(OVERDUE), PB_ROLE__SYSTEM, CASE_AT_HOME, &full.detail), TB_OK);
	full.detail.clock = PB_CLOCK__T9_REPAIR;
	assert_int_equal(allowed(80, E(OVERDUE), PB_ROLE__SYSTEM, CASE_AT_HOME, &full.detail), TB_OK);
	full.detail.clock = (PbClock)CASE_CLOCKS;
	assert_int_equal(allowed(40, E(OVERDUE), PB_ROLE__SYSTEM, CASE_AT_HOME, &full.detail), TB_EINVALID);
}

static void test_casetable_lists_what_people_may_do(void **state)
{
	(void)state;
	while (next_mode()) {
		for (int at = 0; at < STATE_END * 4; at++) {
			int from = at / 4;
			unsigned side = (unsigned)at % 4;
			PbCaseEvent got[EVENT_END];
			size_t count = case_possible(now.mode, (PbCaseState)from, side, got, EVENT_END);
			size_t want = 0;
			for (int event = 1; event < EVENT_END; event++) {
				const struct oracle_row *row =
					oracle_find(now.oracle, from, (PbCaseEvent)event);
				bool people = false, listed = false;
				for (int role = 1; row && role < ROLE_END; role++)
					people = people || (role != (int)PB_ROLE__SYSTEM &&
					                    oracle_may(row, role, side));
				for (size_t j = 0; j < count; j++)
					listed = listed || got[j] == (PbCaseEvent)event;
				CHECK(listed == people, from, event);
				want += people;
			}
			assert_int_equal(count, want);
		}
	}
	PbCaseEvent one[1];
	use_mode("DS");
	assert_int_equal(case_possible(now.mode, PB_CASE_STATE__REVIEW, CASE_AT_HOME, one, 1), 1);
	assert_int_equal(case_possible(now.mode, PB_CASE_STATE__REVIEW, CASE_AT_HOME, one, 0), 0);
}

static void test_casetable_has_words_for_everything(void **state)
{
	(void)state;
	for (int zh = 0; zh < 2; zh++) {
		while (next_mode()) {
			for (size_t i = 0; i < ORACLE_STATES && now.oracle->states[i]; i++)
				assert_string_not_equal(
					case_state_text((PbCaseState)now.oracle->states[i], zh), "?");
			for (size_t i = 0; i < now.mode->rows_count; i++)
				assert_string_not_equal(case_event_text(now.mode->rows[i].event, zh), "?");
			assert_true((zh ? now.mode->name_zh : now.mode->name_en)[0] != '\0');
		}
		for (int i = 1; i < CASE_CLOCKS; i++)
			assert_string_not_equal(case_clock_text((PbClock)i, zh), "?");
		for (int i = 1; i <= (int)PB_ROLE__R_HEAD; i++)
			assert_string_not_equal(case_role_text((PbRole)i, zh), "?");
		for (int i = 1; i <= 4; i++)
			assert_string_not_equal(case_way_text((PbDeliveryWay)i, zh), "?");
		assert_string_equal(case_state_text((PbCaseState)99, zh), "?");
		assert_string_equal(case_event_text((PbCaseEvent)0, zh), "?");
	}
	assert_string_equal(case_state_text(PB_CASE_STATE__SIGNED_FOR, true), "属地已签收");
	assert_string_equal(case_state_text(PB_CASE_STATE__SIGNED_FOR, false), "signed for");
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_casetable_and_the_oracle_know_the_same_modes),
		TEST(test_casetable_allows_what_the_domain_says_and_nothing_else),
		TEST(test_casetable_rows_lead_where_the_domain_says),
		TEST(test_casetable_moves_the_clocks_that_the_domain_says),
		TEST(test_casetable_refuses_an_event_without_what_it_needs),
		TEST(test_casetable_checks_days),
		TEST(test_casetable_checks_grades_and_ways),
		TEST(test_casetable_couriers_need_a_waybill),
		TEST(test_casetable_names_what_it_refuses),
		TEST(test_casetable_bears_any_number_for_a_role_or_a_side),
		TEST(test_casetable_says_what_a_clock_does_when_it_runs_out),
		TEST(test_casetable_lists_what_people_may_do),
		TEST(test_casetable_has_words_for_everything),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
