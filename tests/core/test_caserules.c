/* What must hold in every handling mode, read off the tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/core/oracle.h"

#define S(name) PB_CASE_STATE__##name
#define E(name) PB_CASE_EVENT__##name
#define T(name) PB_CLOCK__##name
#define IS(mode, name) (strcmp((mode)->code, name) == 0)

enum { STATE_END = 101 };

#define EACH_MODE(mode) \
	for (const struct case_mode *const *each = case_modes, *mode = *each; mode; mode = *++each)
#define EACH_ROW(mode, row) \
	for (const struct case_row *row = (mode)->rows; row < (mode)->rows + (mode)->rows_count; row++)
#define CHECK(condition, mode, row)                                                               \
	do {                                                                                      \
		if (!(condition))                                                                 \
			fail_msg("%s, %s in %s: %s", (mode)->code, case_event_name((row)->event), \
			         case_state_name((row)->from), #condition);                       \
	} while (0)

static bool does(const struct case_row *row, PbClock clock, enum case_clock_do what)
{
	for (size_t i = 0; i < CASE_OPS_MAX; i++) {
		if (row->ops[i].clock == clock && row->ops[i].op == what)
			return true;
	}
	return false;
}

static bool touches(const struct case_row *row, PbClock clock)
{
	for (size_t i = 0; i < CASE_OPS_MAX; i++) {
		if (row->ops[i].clock == clock && row->ops[i].op != CASE_CLOCK_NONE)
			return true;
	}
	return false;
}

/* Acceptance, by whatever event: the limit for deciding begins. */
static bool accepts(const struct case_row *row)
{
	return row->event != E(REOPEN) &&
	       (does(row, T(T5_DECIDE), CASE_CLOCK_START) || does(row, T(T8_JOINT), CASE_CLOCK_START));
}

/* Marks what can be reached from |from|; rows that |leave_out| names are not gone. */
static void reach(bool reached[STATE_END], const struct case_mode *mode, PbCaseState from,
                  bool (*leave_out)(const struct case_row *row))
{
	bool grown = true;
	memset(reached, 0, STATE_END);
	reached[from] = true;
	while (grown) {
		grown = false;
		EACH_ROW(mode, row)
		{
			if (!reached[row->from] || reached[row->to] || (leave_out && leave_out(row)))
				continue;
			reached[row->to] = true;
			grown = true;
		}
	}
}

static void test_a_case_can_come_to_the_states_of_its_mode_and_no_other(void **state)
{
	(void)state;
	for (const struct oracle *oracle = oracles; oracle->code; oracle++) {
		const struct case_mode *mode = case_mode_find(oracle->code);
		bool reached[STATE_END], want[STATE_END] = {false};
		reach(reached, mode, S(DRAFT), NULL);
		for (size_t i = 0; i < ORACLE_STATES && oracle->states[i]; i++)
			want[oracle->states[i]] = true;
		for (int i = 0; i < STATE_END; i++) {
			if (reached[i] != want[i])
				fail_msg("%s: state %d", oracle->code, i);
		}
		EACH_ROW(mode, row)
		CHECK(reached[row->from], mode, row);
	}
}

static void test_every_case_can_end(void **state)
{
	(void)state;
	EACH_MODE(mode)
	{
		EACH_ROW(mode, start)
		{
			bool reached[STATE_END], ends = false;
			reach(reached, mode, start->to, NULL);
			for (int i = 0; i < STATE_END; i++)
				ends = ends || (reached[i] && case_state_final((PbCaseState)i));
			CHECK(ends, mode, start);
		}
	}
}

static void test_nothing_is_decided_that_was_not_accepted(void **state)
{
	(void)state;
	EACH_MODE(mode)
	{
		bool reached[STATE_END];
		reach(reached, mode, S(DRAFT), accepts);
		assert_false(reached[S(ACCEPTED)]);
		assert_false(reached[S(REVIEW)]);
		assert_false(reached[S(GRANTED)]);
		assert_false(reached[S(DENIED)]);
		assert_false(reached[S(CLOSED)]);
		EACH_ROW(mode, row)
		{
			if (accepts(row))
				CHECK(row->to == S(ACCEPTED), mode, row);
			if (row->event == E(GRANT) || row->event == E(DENY))
				CHECK(row->from == S(REVIEW), mode, row);
			if (row->to == S(GRANTED) && row->from != row->to)
				CHECK(row->event == E(GRANT), mode, row);
			if (row->to == S(DENIED) && row->from != row->to)
				CHECK(row->event == E(DENY), mode, row);
		}
	}
}

static void test_the_decision_s_clock_never_runs_in_a_special_procedure(void **state)
{
	(void)state;
	EACH_MODE(mode)
	{
		EACH_ROW(mode, row)
		{
			if (row->to == S(SPECIAL) && row->from != S(SPECIAL))
				CHECK(does(row, T(T5_DECIDE), CASE_CLOCK_PAUSE), mode, row);
			else if (row->from == S(SPECIAL) && row->to == S(SPECIAL))
				CHECK(!touches(row, T(T5_DECIDE)), mode, row);
			else if (row->from == S(SPECIAL) && !case_state_final(row->to))
				CHECK(does(row, T(T5_DECIDE), CASE_CLOCK_RESUME), mode, row);
			else
				CHECK(!does(row, T(T5_DECIDE), CASE_CLOCK_PAUSE), mode, row);
		}
	}
}

static void test_a_limit_is_extended_once_and_by_the_head(void **state)
{
	(void)state;
	EACH_MODE(mode)
	{
		EACH_ROW(mode, row)
		{
			bool longer = false;
			for (int clock = 1; clock < CASE_CLOCKS; clock++)
				longer = longer || does(row, (PbClock)clock, CASE_CLOCK_LENGTHEN);
			CHECK(longer == (row->event == E(EXTEND)), mode, row);
			if (!longer)
				continue;
			CHECK(row->needs & CASE_ONCE, mode, row);
			CHECK(row->needs & CASE_NEEDS_REASON, mode, row);
			for (int role = 1; role <= (int)PB_ROLE__R_HEAD; role++)
				CHECK(!case_row_takes(row, (PbRole)role, 3) || role == (int)PB_ROLE__H_HEAD ||
				              role == (int)PB_ROLE__R_HEAD,
				      mode, row);
		}
	}
}

static void test_what_happens_once_is_what_a_record_remembers(void **state)
{
	(void)state;
	EACH_MODE(mode)
	{
		EACH_ROW(mode, row)
		{
			bool remembered =
				row->event == E(EXTEND) || row->event == E(EVALUATE) || row->event == E(SIGN);
			CHECK(((row->needs & CASE_ONCE) != 0) == remembered, mode, row);
		}
	}
}

static void test_all_online_nobody_comes_to_a_window(void **state)
{
	(void)state;
	static const PbCaseState window[] = {S(RECEIVED), S(CHECKING), S(WINDOW_WAITS), S(RETURNED)};
	const struct case_mode *mode = case_mode_find("QC");
	EACH_ROW(mode, row)
	{
		for (size_t i = 0; i < sizeof(window) / sizeof(window[0]); i++)
			CHECK(row->from != window[i] && row->to != window[i], mode, row);
		if (row->event == E(DISPATCH))
			CHECK(row->needs & CASE_REMOTE_WAY, mode, row);
	}
}

/* Delegation is in YB only; a lead's result is the sum of what the participants decided. */
static void test_only_the_deciding_side_decides(void **state)
{
	(void)state;
	static const PbCaseEvent decisions[] = {E(START),  E(SUSPEND), E(RESUME),
	                                        E(EXTEND), E(GRANT),   E(DENY)};
	EACH_MODE(mode)
	{
		EACH_ROW(mode, row)
		{
			bool deciding = false;
			for (size_t i = 0; i < sizeof(decisions) / sizeof(decisions[0]); i++)
				deciding = deciding || row->event == decisions[i];
			/* The whole of a joint case is decided by its parts; its limit by whoever leads it.
			 */
			if (!deciding || (IS(mode, "LB") && row->event == E(EXTEND)))
				continue;
			bool here = IS(mode, "YB") || IS(mode, "LB");
			CHECK(row->sides == (here ? CASE_AT_WINDOW : CASE_AT_HOME), mode, row);
			for (int role = 1; role <= (int)PB_ROLE__R_HEAD; role++) {
				bool dept = IS(mode, "YB") ? role == (int)PB_ROLE__R_DEPT ||
				                                     role == (int)PB_ROLE__R_HEAD
				            : IS(mode, "LB") ? role == (int)PB_ROLE__SYSTEM
				                             : role == (int)PB_ROLE__H_DEPT ||
				                                       role == (int)PB_ROLE__H_HEAD;
				CHECK(!case_row_takes(row, (PbRole)role, 3) || dept, mode, row);
			}
		}
	}
}

static void test_a_window_accepts_only_by_the_modes_that_give_it_the_right(void **state)
{
	(void)state;
	EACH_MODE(mode)
	{
		bool here = IS(mode, "YS") || IS(mode, "YB") || IS(mode, "LB");
		EACH_ROW(mode, row)
		{
			if (accepts(row) || row->event == E(REFUSE))
				CHECK(row->sides == (here ? CASE_AT_WINDOW : CASE_AT_HOME), mode, row);
		}
	}
}

static void test_nobody_but_the_system_says_that_a_clock_ran_out(void **state)
{
	(void)state;
	EACH_MODE(mode)
	{
		EACH_ROW(mode, row)
		{
			bool clock = row->after != T(CLOCK_UNSPECIFIED) || row->event == E(OVERDUE);
			CHECK((row->event == E(DEEM) || row->event == E(LAPSE) ||
			       row->event == E(OBJECTION_ENDS)) == (row->after != T(CLOCK_UNSPECIFIED)),
			      mode, row);
			for (int role = 1; clock && role <= (int)PB_ROLE__R_HEAD; role++)
				CHECK(!case_row_takes(row, (PbRole)role, 3) || role == (int)PB_ROLE__SYSTEM,
				      mode, row);
		}
	}
}

/* A package may be refused: there must be a way back from where it was sent to. */
static void test_what_is_handed_over_can_bounce(void **state)
{
	(void)state;
	EACH_MODE(mode)
	{
		EACH_ROW(mode, row)
		{
			bool over = (row->needs & CASE_HANDS_OVER) != 0;
			CHECK(!over || row->sides == CASE_AT_WINDOW || row->sides == CASE_AT_HOME, mode, row);
			CHECK(!over || !(row->needs & CASE_SHARES), mode, row);
			if (over && row->sides == CASE_AT_WINDOW) {
				const struct case_row *back = case_row_find(mode, row->to, E(BOUNCE));
				CHECK(back && case_row_takes(back, PB_ROLE__SYSTEM, CASE_AT_WINDOW), mode,
				      row);
			}
		}
	}
}

static void test_what_ends_a_case_stops_its_clocks(void **state)
{
	(void)state;
	static const PbCaseEvent after[] = {E(EVALUATE),       E(REPAIR), E(OBJECT), E(OVERDUE),
	                                    E(OBJECTION_ENDS), E(SHARE),  E(FEE),    E(KEPT)};
	EACH_MODE(mode)
	{
		EACH_ROW(mode, row)
		{
			bool ends = case_state_final(row->to) && !case_state_final(row->from);
			/* The time to object goes on when the result has been handed over. */
			if (IS(mode, "YB") && row->event == E(HAND_OVER))
				ends = false;
			CHECK(ends == ((row->needs & CASE_STOPS_CLOCKS) != 0), mode, row);
			if (!case_state_final(row->from))
				continue;
			/* A closed case is evaluated, or reviewed again, and that is all. */
			bool good = false;
			for (size_t i = 0; i < sizeof(after) / sizeof(after[0]); i++)
				good = good || row->event == after[i];
			bool again = row->event == E(REOPEN) && row->to == S(REVIEW);
			CHECK((again || (good && row->to == S(CLOSED))) && row->from == S(CLOSED), mode, row);
		}
	}
}

/* What runs can be overdue, and what is overdue is noted: in every state where a clock may run. */
static void test_a_clock_that_runs_out_has_its_event(void **state)
{
	(void)state;
	EACH_MODE(mode)
	{
		EACH_ROW(mode, row)
		{
			for (size_t i = 0; i < CASE_OPS_MAX; i++) {
				if (row->ops[i].op != CASE_CLOCK_START && row->ops[i].op != CASE_CLOCK_RESUME)
					continue;
				PbCaseEvent event = case_clock_event(mode, row->to, row->ops[i].clock);
				const struct case_row *out = case_row_find(mode, row->to, event);
				CHECK(out && case_row_takes(out, PB_ROLE__SYSTEM, 3), mode, row);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_case_can_come_to_the_states_of_its_mode_and_no_other),
		cmocka_unit_test(test_every_case_can_end),
		cmocka_unit_test(test_nothing_is_decided_that_was_not_accepted),
		cmocka_unit_test(test_the_decision_s_clock_never_runs_in_a_special_procedure),
		cmocka_unit_test(test_a_limit_is_extended_once_and_by_the_head),
		cmocka_unit_test(test_what_happens_once_is_what_a_record_remembers),
		cmocka_unit_test(test_all_online_nobody_comes_to_a_window),
		cmocka_unit_test(test_only_the_deciding_side_decides),
		cmocka_unit_test(test_a_window_accepts_only_by_the_modes_that_give_it_the_right),
		cmocka_unit_test(test_nobody_but_the_system_says_that_a_clock_ran_out),
		cmocka_unit_test(test_what_is_handed_over_can_bounce),
		cmocka_unit_test(test_what_ends_a_case_stops_its_clocks),
		cmocka_unit_test(test_a_clock_that_runs_out_has_its_event),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
