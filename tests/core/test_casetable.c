#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "node/core/casetable.h"

/* What mode DS allows, written from the tables of the domain and not from the code: from, event, to, who
 * where, what the detail needs, what the clocks do. Who: A applicant, R receiving window, W home window, D
 * deciding department, H its head, L liaison officer, Y system; where: w window's node, h home node. Needs: r
 * reason, d days, l list, y way, b waybill, g grade, n note, c clock; o once, x hands over, s stops all
 * clocks, q dispute. Clocks: +start -stop =pause ~resume ^lengthen, 3o: only with originals. */
struct expected {
	int from;
	PbCaseEvent event;
	int to;
	const char *who;
	const char *needs;
	const char *clocks;
	const char *message;
};

#define E(name) PB_CASE_EVENT__##name
static const struct expected table[] = {
	{10, E(SUBMIT), 20, "Rw Aw", "", "+2", ""},
	{20, E(CHECK), 22, "Rw", "", "", ""},
	{22, E(ASK), 25, "Rw", "l", "=2 +7", ""},
	{22, E(SEND), 30, "Rw", "x", "-2 +3o", "PKG"},
	{25, E(BRING), 22, "Rw Aw", "", "-7 ~2", ""},
	{25, E(LAPSE), 91, "Yw", "s", "", ""},
	{30, E(BOUNCE), 22, "Yw", "", "-3 +2", ""},
	{30, E(SIGN), 32, "Yh Wh", "", "-3 +4 +1", "RCPT"},
	{32, E(RETURN), 35, "Wh", "rx", "-1 -4 +2", "RET"},
	{35, E(FIX), 22, "Rw", "", "", ""},
	{35, E(CLOSE), 90, "Rw", "rs", "", ""},
	{32, E(ACCEPT), 40, "Wh Dh", "", "-1 -4 +5", "ACPT"},
	{32, E(NOTIFY), 45, "Wh", "l", "-1 -4 +7", "CORR"},
	{45, E(SUPPLEMENT), 32, "Rw Aw Ah", "", "-7 +1 +4", "SUPP"},
	{45, E(LAPSE), 91, "Yh", "s", "", "PROC"},
	{32, E(DEEM), 40, "Yh", "", "-1 -4 +5", "ACPT"},
	{32, E(REFUSE), 41, "Wh Dh", "rs", "", "NACPT"},
	{40, E(START), 50, "Dh", "", "", "PROC"},
	{50, E(SUSPEND), 55, "Dh", "rd", "=5", "SUSP"},
	{55, E(RESUME), 50, "Dh", "", "~5", "RESU"},
	{50, E(EXTEND), 50, "Hh", "rdo", "^5", "EXT"},
	{50, E(GRANT), 60, "Dh Hh", "", "-5 +6", "DECI"},
	{50, E(DENY), 61, "Dh Hh", "r", "-5 +6", "DECI"},
	{60, E(DISPATCH), 70, "Wh", "y", "-6", "LOGI"},
	{61, E(DISPATCH), 70, "Wh", "y", "-6", "LOGI"},
	{70, E(HAND_OVER), 80, "Rw Aw Wh Ah", "s", "", "DELV"},
	{80, E(EVALUATE), 80, "Aw Ah Rw", "go", "", "EVAL"},
};

/* Events that are the same in many states. */
struct expected_many {
	PbCaseEvent event;
	int to; /* 0: where it was */
	const char *who;
	const char *needs;
	const char *clocks;
	const char *message;
	int from[16];
};
static const struct expected_many many[] = {
	{E(POST), 0, "Rw", "b", "-3", "LOGI", {30, 32}},
	{E(LOST), 0, "Yw Yh Rw Wh", "q", "", "CONS", {30, 32}},
	{E(WITHDRAW), 90, "Aw Ah Rw Wh", "s", "", "WDRW", {20, 22, 25, 30, 32, 35, 40, 45, 50, 55}},
	{E(CONSULT),
         0,
         "Rw Wh Dh Lw Lh",
         "n",
         "",
         "CONS",
         {20, 22, 25, 30, 32, 35, 40, 45, 50, 55, 60, 61, 70}},
	{E(OVERDUE), 0, "Yw Yh", "c", "", "", {20, 22, 25, 30, 32, 35, 40, 45, 50, 55, 60, 61, 70}},
};

static const int states[] = {10, 20, 22, 25, 30, 32, 35, 40, 41, 45, 50, 55, 60, 61, 70, 80, 90, 91};
enum { STATES = sizeof(states) / sizeof(states[0]), EVENT_MAX = 30, ROLE_MAX = 8, STATE_MAX = 91 };

static const struct case_mode *mode;

static int setup(void **state)
{
	(void)state;
	mode = case_mode_find("DS");
	return mode ? 0 : -1;
}

/* The expectation for |from| and |event|; |room| is filled if it is one of |many|. NULL: not possible. */
static const struct expected *expect(int from, PbCaseEvent event, struct expected *room)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].from == from && table[i].event == event)
			return &table[i];
	}
	for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); i++) {
		for (size_t j = 0; j < 16 && many[i].from[j] != 0; j++) {
			if (many[i].event != event || many[i].from[j] != from)
				continue;
			*room = (struct expected){
				from,           event,         many[i].to ? many[i].to : from,
				many[i].who,    many[i].needs, many[i].clocks,
				many[i].message};
			return room;
		}
	}
	return NULL;
}

static bool may(const char *who, int role, int side)
{
	static const char letters[ROLE_MAX + 1] = "?ARWDHL-Y";
	char pair[3] = {letters[role], side == CASE_AT_WINDOW ? 'w' : 'h', '\0'};
	return pair[0] != '?' && pair[0] != '-' && strstr(who, pair) != NULL;
}

/* A detail that has all that any event may need. */
struct full {
	PbCaseDetail detail;
	PbWaybill waybill;
	PbMaterialNeed need;
	PbMaterialNeed *needs[1];
};

static void full_init(struct full *full)
{
	static char text[] = "x";
	full->detail = (PbCaseDetail)PB_CASE_DETAIL__INIT;
	full->waybill = (PbWaybill)PB_WAYBILL__INIT;
	full->need = (PbMaterialNeed)PB_MATERIAL_NEED__INIT;
	full->waybill.carrier = text;
	full->waybill.number = text;
	full->need.code = text;
	full->needs[0] = &full->need;
	full->detail.reason = text;
	full->detail.note = text;
	full->detail.days = 10;
	full->detail.needs = full->needs;
	full->detail.n_needs = 1;
	full->detail.way = PB_DELIVERY_WAY__NETWORK;
	full->detail.waybill = &full->waybill;
	full->detail.grade = 5;
	full->detail.clock = PB_CLOCK__T2_PUSH;
}

static enum tb_code allowed(int from, PbCaseEvent event, int role, int side, const PbCaseDetail *detail)
{
	const struct case_row *row = (const struct case_row *)(uintptr_t)1;
	struct tb_error err = {0};
	enum tb_code code = case_allowed(&row, mode, (PbCaseState)from, event, (PbRole)role,
	                                 (enum case_side)side, detail, &err);
	assert_true((code == TB_OK) == (row != NULL));
	assert_true((code == TB_OK) == (err.text[0] == '\0'));
	return code;
}

static void test_casetable_allows_what_the_domain_says_and_nothing_else(void **state)
{
	(void)state;
	struct full full;
	full_init(&full);
	for (int from = 0; from <= 100; from++) {
		for (int event = 0; event <= EVENT_MAX + 1; event++) {
			struct expected room;
			const struct expected *want = expect(from, (PbCaseEvent)event, &room);
			for (int at = 0; at < 2 * (ROLE_MAX + 1); at++) {
				int role = at / 2;
				int side = at % 2 + 1;
				enum tb_code code = !want                         ? TB_ESTATE
				                    : !may(want->who, role, side) ? TB_EDENIED
				                                                  : TB_OK;
				assert_int_equal(allowed(from, (PbCaseEvent)event, role, side, &full.detail),
				                 code);
			}
		}
	}
}

static void test_casetable_rows_lead_where_the_domain_says(void **state)
{
	(void)state;
	size_t rows = 0;
	for (size_t i = 0; i < STATES; i++) {
		for (int event = 0; event <= EVENT_MAX; event++) {
			struct expected room;
			const struct expected *want = expect(states[i], (PbCaseEvent)event, &room);
			const struct case_row *row =
				case_row_find(mode, (PbCaseState)states[i], (PbCaseEvent)event);
			assert_true((want != NULL) == (row != NULL));
			if (!want)
				continue;
			rows++;
			assert_int_equal(row->to, want->to);
			assert_string_equal(row->message, want->message);
		}
	}
	/* A second row for the same state and event would never be found. */
	assert_int_equal(rows, mode->rows_count);
}

static void test_casetable_moves_the_clocks_that_the_domain_says(void **state)
{
	(void)state;
	static const char signs[] = "?+-=~^"; /* by enum case_clock_do */
	for (size_t i = 0; i < mode->rows_count; i++) {
		const struct case_row *row = &mode->rows[i];
		struct expected room;
		const struct expected *want = expect((int)row->from, row->event, &room);
		char text[64] = "";
		for (size_t j = 0; j < CASE_OPS_MAX && row->ops[j].op != CASE_CLOCK_NONE; j++) {
			char op[8];
			snprintf(op, sizeof(op), "%s%c%d%s", j > 0 ? " " : "", signs[row->ops[j].op],
			         (int)row->ops[j].clock % 10,
			         row->ops[j].flags & CASE_CLOCK_IF_ORIGINALS ? "o" : "");
			strncat(text, op, sizeof(text) - strlen(text) - 1);
		}
		assert_non_null(want);
		assert_string_equal(text, want->clocks);
	}
	static const int32_t days[CASE_CLOCKS] = {0, 5, 1, 2, 1, 0, 1, 15};
	assert_memory_equal(mode->days, days, sizeof(days));
}

static void test_casetable_rows_need_what_the_domain_says(void **state)
{
	(void)state;
	static const char letters[] = "rdlygbncoxsq"; /* by bit of enum case_need */
	for (size_t i = 0; i < mode->rows_count; i++) {
		const struct case_row *row = &mode->rows[i];
		struct expected room;
		const struct expected *want = expect((int)row->from, row->event, &room);
		uint32_t needs = 0;
		assert_non_null(want);
		for (const char *letter = want->needs; *letter; letter++)
			needs |= 1U << (strchr(letters, *letter) - letters);
		assert_int_equal(row->needs, needs);
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
	default:
		fail();
	}
}

static void test_casetable_refuses_an_event_without_what_it_needs(void **state)
{
	(void)state;
	static const char all[] = "rdlybgnc";
	for (size_t i = 0; i < mode->rows_count; i++) {
		const struct case_row *row = &mode->rows[i];
		struct expected room;
		const struct expected *want = expect((int)row->from, row->event, &room);
		int role = 1;
		int side = 1;
		while (!may(want->who, role, side)) {
			side = 3 - side;
			role += side == 1;
		}
		for (const char *letter = all; *letter; letter++) {
			struct full full;
			full_init(&full);
			take_out(&full, *letter);
			assert_int_equal(allowed((int)row->from, row->event, role, side, &full.detail),
			                 strchr(want->needs, *letter) ? TB_EINVALID : TB_OK);
		}
		assert_int_equal(allowed((int)row->from, row->event, role, side, NULL),
		                 strpbrk(want->needs, all) ? TB_EINVALID : TB_OK);
	}
}

static void test_casetable_checks_ranges(void **state)
{
	(void)state;
	struct full full;
	full_init(&full);
	static const struct {
		uint32_t days;
		enum tb_code suspend, extend;
	} days[] = {{0, TB_EINVALID, TB_EINVALID},
	            {1, TB_OK, TB_OK},
	            {10, TB_OK, TB_OK},
	            {11, TB_OK, TB_EINVALID},
	            {365, TB_OK, TB_EINVALID},
	            {366, TB_EINVALID, TB_EINVALID},
	            {UINT32_MAX, TB_EINVALID, TB_EINVALID}};
	for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
		full.detail.days = days[i].days;
		assert_int_equal(allowed(50, E(SUSPEND), PB_ROLE__H_DEPT, CASE_AT_HOME, &full.detail),
		                 days[i].suspend);
		assert_int_equal(allowed(50, E(EXTEND), PB_ROLE__H_HEAD, CASE_AT_HOME, &full.detail),
		                 days[i].extend);
	}
	for (uint32_t grade = 0; grade <= 7; grade++) {
		full.detail.grade = grade;
		assert_int_equal(allowed(80, E(EVALUATE), PB_ROLE__APPLICANT, CASE_AT_HOME, &full.detail),
		                 grade >= 1 && grade <= 5 ? TB_OK : TB_EINVALID);
	}
	for (int way = 0; way <= 5; way++) {
		full.detail.way = (PbDeliveryWay)way;
		assert_int_equal(allowed(60, E(DISPATCH), PB_ROLE__H_WIN, CASE_AT_HOME, &full.detail),
		                 way >= 1 && way <= 4 ? TB_OK : TB_EINVALID);
	}
}

static void test_casetable_couriers_need_a_waybill(void **state)
{
	(void)state;
	struct full full;
	full_init(&full);
	static char empty[] = "";
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
	assert_int_equal(case_allowed(&row, mode, PB_CASE_STATE__TRANSFER, E(GRANT), PB_ROLE__H_DEPT,
	                              CASE_AT_HOME, NULL, &err),
	                 TB_ESTATE);
	assert_non_null(strstr(err.text, "TRANSFER"));
	assert_non_null(strstr(err.text, "GRANT"));
	assert_int_equal(case_allowed(&row, mode, PB_CASE_STATE__REVIEW, E(GRANT), PB_ROLE__R_WIN,
	                              CASE_AT_WINDOW, NULL, &err),
	                 TB_EDENIED);
	assert_non_null(strstr(err.text, "R_WIN"));
	assert_int_equal(case_allowed(&row, mode, PB_CASE_STATE__REVIEW, E(DENY), PB_ROLE__H_DEPT,
	                              CASE_AT_HOME, NULL, &err),
	                 TB_EINVALID);
	assert_non_null(strstr(err.text, "detail.reason"));
}

static void test_casetable_bears_any_number_for_a_role_or_a_side(void **state)
{
	(void)state;
	static const int roles[] = {0, 7, 9, 31, 32, 33, 34, 64, INT32_MAX};
	struct full full;
	full_init(&full);
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		assert_int_equal(allowed(50, E(GRANT), roles[i], CASE_AT_HOME, &full.detail), TB_EDENIED);
	assert_int_equal(allowed(50, E(GRANT), PB_ROLE__H_DEPT, 0, &full.detail), TB_EDENIED);
	assert_int_equal(allowed(50, E(GRANT), PB_ROLE__H_DEPT, 4, &full.detail), TB_EDENIED);
	/* A node that is window and home at once. */
	assert_int_equal(allowed(50, E(GRANT), PB_ROLE__H_DEPT, 3, &full.detail), TB_OK);
	assert_int_equal(allowed(22, E(SEND), PB_ROLE__R_WIN, 3, &full.detail), TB_OK);
}

/* Marks all states that can be reached from DRAFT, leaving out two events. */
static void reach(bool reached[STATE_MAX + 1], PbCaseEvent without, PbCaseEvent nor)
{
	bool grown = true;
	memset(reached, 0, STATE_MAX + 1);
	reached[PB_CASE_STATE__DRAFT] = true;
	while (grown) {
		grown = false;
		for (size_t i = 0; i < mode->rows_count; i++) {
			const struct case_row *row = &mode->rows[i];
			if (row->event == without || row->event == nor || !reached[row->from] ||
			    reached[row->to])
				continue;
			reached[row->to] = true;
			grown = true;
		}
	}
}

static void test_casetable_reaches_every_state(void **state)
{
	(void)state;
	bool reached[STATE_MAX + 1];
	reach(reached, E(CASE_EVENT_UNSPECIFIED), E(CASE_EVENT_UNSPECIFIED));
	for (size_t i = 0; i < STATES; i++)
		assert_true(reached[states[i]]);
}

static void test_casetable_decides_nothing_that_was_not_accepted(void **state)
{
	(void)state;
	bool reached[STATE_MAX + 1];
	reach(reached, E(ACCEPT), E(DEEM));
	assert_false(reached[PB_CASE_STATE__ACCEPTED]);
	assert_false(reached[PB_CASE_STATE__GRANTED]);
	assert_false(reached[PB_CASE_STATE__DENIED]);
	assert_false(reached[PB_CASE_STATE__CLOSED]);
	assert_true(reached[PB_CASE_STATE__CORRECTION]);
}

static void test_casetable_leaves_no_final_state_but_takes_an_evaluation(void **state)
{
	(void)state;
	for (size_t i = 0; i < STATES; i++) {
		PbCaseState from = (PbCaseState)states[i];
		bool out = false;
		for (size_t j = 0; j < mode->rows_count; j++) {
			const struct case_row *row = &mode->rows[j];
			if (row->from != from)
				continue;
			out = out || row->to != from;
			if (case_state_final(from))
				assert_int_equal(row->event, E(EVALUATE));
		}
		assert_true(out != case_state_final(from));
	}
	/* Whatever ends a case stops its clocks. */
	for (size_t j = 0; j < mode->rows_count; j++) {
		const struct case_row *row = &mode->rows[j];
		if (row->event != E(EVALUATE))
			assert_true(case_state_final(row->to) == ((row->needs & CASE_STOPS_CLOCKS) != 0));
	}
}

static void test_casetable_says_what_a_clock_does_when_it_runs_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < STATES; i++) {
		for (int clock = 0; clock < CASE_CLOCKS; clock++) {
			PbCaseEvent want = states[i] == 32 && clock == 1                        ? E(DEEM)
			                   : (states[i] == 25 || states[i] == 45) && clock == 7 ? E(LAPSE)
			                                                                        : E(OVERDUE);
			assert_int_equal(case_clock_event(mode, (PbCaseState)states[i], (PbClock)clock),
			                 want);
		}
	}
	struct full full;
	full_init(&full);
	full.detail.clock = PB_CLOCK__T1_NOTIFY; /* It deems; it is not just overdue. */
	assert_int_equal(allowed(32, E(OVERDUE), PB_ROLE__SYSTEM, CASE_AT_HOME, &full.detail), TB_EINVALID);
	assert_int_equal(allowed(40, E(OVERDUE), PB_ROLE__SYSTEM, CASE_AT_HOME, &full.detail), TB_OK);
	full.detail.clock = (PbClock)8;
	assert_int_equal(allowed(40, E(OVERDUE), PB_ROLE__SYSTEM, CASE_AT_HOME, &full.detail), TB_EINVALID);
}

static void test_casetable_lists_what_people_may_do(void **state)
{
	(void)state;
	for (size_t i = 0; i < STATES; i++) {
		for (int side = 1; side <= 2; side++) {
			PbCaseEvent got[EVENT_MAX];
			size_t count = case_possible(mode, (PbCaseState)states[i], (enum case_side)side, got,
			                             EVENT_MAX);
			size_t want = 0;
			for (int event = 1; event <= EVENT_MAX; event++) {
				struct expected room;
				const struct expected *row = expect(states[i], (PbCaseEvent)event, &room);
				bool people = false;
				for (int role = 1; row && role < PB_ROLE__SYSTEM; role++)
					people = people || may(row->who, role, side);
				bool listed = false;
				for (size_t j = 0; j < count; j++)
					listed = listed || got[j] == (PbCaseEvent)event;
				assert_true(listed == people);
				want += people;
			}
			assert_int_equal(count, want);
		}
	}
	PbCaseEvent one[1];
	assert_int_equal(case_possible(mode, PB_CASE_STATE__REVIEW, CASE_AT_HOME, one, 1), 1);
	assert_int_equal(case_possible(mode, PB_CASE_STATE__REVIEW, CASE_AT_HOME, one, 0), 0);
}

static void test_casetable_has_words_for_everything(void **state)
{
	(void)state;
	for (int zh = 0; zh < 2; zh++) {
		for (size_t i = 0; i < STATES; i++)
			assert_string_not_equal(case_state_text((PbCaseState)states[i], zh), "?");
		for (int i = 1; i <= EVENT_MAX; i++)
			assert_string_not_equal(case_event_text((PbCaseEvent)i, zh), "?");
		for (int i = 1; i < CASE_CLOCKS; i++)
			assert_string_not_equal(case_clock_text((PbClock)i, zh), "?");
		for (int i = 1; i <= ROLE_MAX; i++)
			assert_string_not_equal(case_role_text((PbRole)i, zh), "?");
		for (int i = 1; i <= 4; i++)
			assert_string_not_equal(case_way_text((PbDeliveryWay)i, zh), "?");
		assert_string_equal(case_state_text((PbCaseState)99, zh), "?");
		assert_string_equal(case_event_text((PbCaseEvent)0, zh), "?");
	}
	assert_string_equal(case_state_text(PB_CASE_STATE__SIGNED_FOR, true), "属地已签收");
	assert_string_equal(case_state_text(PB_CASE_STATE__SIGNED_FOR, false), "signed for");
}

static void test_casetable_knows_only_its_modes(void **state)
{
	(void)state;
	assert_string_equal(mode->code, "DS");
	assert_null(case_mode_find("YB"));
	assert_null(case_mode_find(""));
	assert_null(case_mode_find("ds"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_casetable_allows_what_the_domain_says_and_nothing_else),
		cmocka_unit_test(test_casetable_rows_lead_where_the_domain_says),
		cmocka_unit_test(test_casetable_moves_the_clocks_that_the_domain_says),
		cmocka_unit_test(test_casetable_rows_need_what_the_domain_says),
		cmocka_unit_test(test_casetable_refuses_an_event_without_what_it_needs),
		cmocka_unit_test(test_casetable_checks_ranges),
		cmocka_unit_test(test_casetable_couriers_need_a_waybill),
		cmocka_unit_test(test_casetable_names_what_it_refuses),
		cmocka_unit_test(test_casetable_bears_any_number_for_a_role_or_a_side),
		cmocka_unit_test(test_casetable_reaches_every_state),
		cmocka_unit_test(test_casetable_decides_nothing_that_was_not_accepted),
		cmocka_unit_test(test_casetable_leaves_no_final_state_but_takes_an_evaluation),
		cmocka_unit_test(test_casetable_says_what_a_clock_does_when_it_runs_out),
		cmocka_unit_test(test_casetable_lists_what_people_may_do),
		cmocka_unit_test(test_casetable_has_words_for_everything),
		cmocka_unit_test(test_casetable_knows_only_its_modes),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
