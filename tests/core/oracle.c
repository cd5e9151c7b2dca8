#include "tests/core/oracle.h"

#include <string.h>

#define E(name) PB_CASE_EVENT__##name
#define END                                        \
	{                                          \
		.event = E(CASE_EVENT_UNSPECIFIED) \
	}

/* clang-format off */

/* What an applicant does, an officer on the same side may write down for them. */

/* ---- 8.5, rows 3, 4, 6 to 8; 8.6, row 11: the home region accepts */
static const struct oracle_row acceptance[] = {
	{E(ACCEPT), {32}, 40, "Wh Dh", "", "-1 -4 +5", "ACPT", "", 0},
	{E(NOTIFY), {32}, 45, "Wh", "l", "-1 -4 +7", "CORR", "", 0},
	{E(LAPSE), {45}, 91, "Yh", "s", "", "PROC", ">7", 0},
	{E(DEEM), {32}, 40, "Yh", "", "-1 -4 +5", "ACPT", ">1", 0},
	{E(REFUSE), {32}, 41, "Wh", "rs", "", "NACPT", "", 0},
	END,
};

/* ---- 8.5, rows 10 to 13: the home region's department reviews; articles 42 (10 days, once) and 45 */
static const struct oracle_row review_at_home[] = {
	{E(SUSPEND), {50}, 55, "Dh", "rd", "=5", "SUSP", "", 365},
	{E(RESUME), {55}, 50, "Dh", "", "~5", "RESU", "", 0},
	{E(EXTEND), {50}, 50, "Hh", "rdo", "^5", "EXT", "", 10},
	{E(GRANT), {50}, 60, "Dh Hh", "", "-5 +6", "DECI", "", 0},
	{E(DENY), {50}, 61, "Dh Hh", "r", "-5 +6", "DECI", "", 0},
	{E(KEPT), {80}, 80, "Dh", "n", "", "PROC", "", 0},
	{E(REOPEN), {80}, 50, "Dh", "r", "-9 +5", "PROC", "", 0},
	END,
};

/* ---- 8.6, rows 13 and 14; 8.5, row 16: the home window delivers. 2.7: grades 4 and 5 are to be repaired */
static const struct oracle_row delivery_from_home[] = {
	{E(DISPATCH), {60, 61}, 70, "Wh", "y", "-6", "LOGI", "", 0},
	{E(DISPATCH), {70}, 70, "Wh", "y", "", "LOGI", "", 0},
	{E(LOST), {70}, 0, "Yw Yh Rw Wh", "q", "", "CONS", "", 0},
	{E(HAND_OVER), {70}, 80, "Rw Aw Wh Ah", "s", "", "DELV", "", 0},
	{E(EVALUATE), {80}, 80, "Aw Ah Rw", "go", "+9b", "EVAL", "", 0},
	{E(REPAIR), {80}, 80, "Wh Dh", "n", "-9", "EVAL", "~9", 0},
	{E(FEE), {40, 50, 60, 61, 70, 80}, 0, "Rw Wh", "p", "", "PROC", "", 0},
	END,
};

/* The same where all is done at the window's region: 8.8 and 8.9, row 9. */
static const struct oracle_row delivery_here[] = {
	{E(DISPATCH), {60, 61}, 70, "Rw", "y", "-6", "LOGI", "", 0},
	{E(DISPATCH), {70}, 70, "Rw", "y", "", "LOGI", "", 0},
	{E(LOST), {70}, 0, "Yw Yh Rw Wh", "q", "", "CONS", "", 0},
	{E(HAND_OVER), {70}, 80, "Rw Aw", "s", "", "DELV", "", 0},
	{E(EVALUATE), {80}, 80, "Aw Ah Rw", "go", "+9b", "EVAL", "", 0},
	{E(REPAIR), {80}, 80, "Rw Pw", "n", "-9", "EVAL", "~9", 0},
	{E(FEE), {40, 50, 60, 61, 70, 80}, 0, "Rw", "p", "", "PROC", "", 0},
	END,
};

/* ---- 8.6, rows 2 and 4: the window's checks */
static const struct oracle_row window[] = {
	{E(CHECK), {20}, 22, "Rw", "", "", "", "", 0},
	{E(LAPSE), {25}, 91, "Yw", "s", "", "", ">7", 0},
	END,
};

/* ---- 8.5 */
static const struct oracle_row qc[] = {
	{E(SUBMIT), {10}, 30, "Aw", "x", "+2", "PKG", "", 0},
	{E(BOUNCE), {30}, 10, "Yw", "", "-2", "", "", 0},
	{E(SEND), {10}, 30, "Aw", "x", "+2", "PKG", "", 0},
	{E(SIGN), {30}, 32, "Yh Wh", "o", "-2 +1", "RCPT", "", 0},
	{E(SUPPLEMENT), {45}, 32, "Aw Ah", "", "-7 +1", "SUPP", "", 0},
	{E(START), {40}, 50, "Dh", "", "", "PROC", "", 0},
	{E(DISPATCH), {60, 61}, 70, "Wh", "ym", "-6", "LOGI", "", 0},
	{E(DISPATCH), {70}, 70, "Wh", "ym", "", "LOGI", "", 0},
	{E(WITHDRAW), {10, 30, 32, 40, 45, 50, 55}, 90, "Aw Ah Rw Wh", "s", "", "WDRW", "", 0},
	{E(CONSULT), {10, 30, 32, 40, 45, 50, 55, 60, 61, 70}, 0, "Rw Pw Wh Dh Lw Lh", "n", "", "CONS", "", 0},
	{E(OVERDUE), {10, 30, 32, 40, 45, 50, 55, 60, 61, 70, 80}, 0, "Yw Yh", "c", "", "", "", 0},
	END,
};

/* ---- 8.6 */
static const struct oracle_row ds[] = {
	{E(SUBMIT), {10}, 20, "Rw Aw", "", "+2", "", "", 0},
	{E(ASK), {22}, 25, "Rw", "l", "=2 +7", "", "", 0},
	{E(BRING), {25}, 22, "Rw Aw", "", "-7 ~2", "", "", 0},
	{E(SEND), {22}, 30, "Rw", "x", "-2 +3o", "PKG", "", 0},
	{E(BOUNCE), {30}, 22, "Yw", "", "-3 +2", "", "", 0},
	{E(POST), {30, 32}, 0, "Rw", "b", "-3", "LOGI", "", 0},
	{E(LOST), {30, 32}, 0, "Yw Yh Rw Wh", "q", "", "CONS", "", 0},
	{E(SIGN), {30}, 32, "Yh Wh", "o", "-3 +4 +1", "RCPT", "", 0},
	{E(RETURN), {32}, 35, "Wh", "rx", "-1 -4 +2", "RET", "", 0},
	{E(FIX), {35}, 22, "Rw", "", "", "", "", 0},
	{E(CLOSE), {35}, 90, "Rw", "rs", "", "", "", 0},
	{E(SUPPLEMENT), {45}, 32, "Rw Aw Ah", "", "-7 +1 +4", "SUPP", "", 0},
	{E(START), {40}, 50, "Dh", "", "", "PROC", "", 0},
	{E(WITHDRAW), {20, 22, 25, 30, 32, 35, 40, 45, 50, 55}, 90, "Aw Ah Rw Wh", "s", "", "WDRW", "", 0},
	{E(CONSULT), {20, 22, 25, 30, 32, 35, 40, 45, 50, 55, 60, 61, 70}, 0, "Rw Pw Wh Dh Lw Lh", "n", "", "CONS", "", 0},
	{E(OVERDUE), {20, 22, 25, 30, 32, 35, 40, 45, 50, 55, 60, 61, 70, 80}, 0, "Yw Yh", "c", "", "", "", 0},
	END,
};

/* ---- 8.7: the window accepts and runs T1 (8.5, rows 3, 4, 5, 7, 8 at the window). The home region may not
 * refuse, only return within T4; T5 runs on meanwhile. */
static const struct oracle_row ys[] = {
	{E(SUBMIT), {10}, 20, "Rw Aw", "", "+1 +2", "", "", 0},
	{E(ASK), {22}, 25, "Rw", "l", "-1 =2 +7", "", "", 0},
	{E(BRING), {25}, 22, "Rw Aw", "", "-7 +1 ~2", "", "", 0},
	{E(REFUSE), {22}, 41, "Rw", "rs", "", "", "", 0},
	{E(ACCEPT), {22}, 40, "Rw", "x", "-1 -2 +5 +3o", "PKG", "", 0},
	{E(DEEM), {20, 22}, 40, "Yw", "x", "-1 -2 +5 +3o", "PKG", ">1", 0},
	{E(BOUNCE), {40}, 35, "Yw", "", "-3 +2", "", "", 0},
	{E(POST), {40}, 0, "Rw", "b", "-3", "LOGI", "", 0},
	{E(LOST), {40}, 0, "Yw Yh Rw Wh", "q", "", "CONS", "", 0},
	{E(SIGN), {40}, 40, "Yh Wh", "o", "-3 +4", "RCPT", "", 0},
	{E(RETURN), {40}, 35, "Wh", "rx", "-4 +2", "RET", "<4", 0},
	{E(SEND), {35}, 40, "Rw", "x", "-2 +3o", "PKG", "", 0},
	{E(CLOSE), {35}, 90, "Rw", "rs", "", "", "", 0},
	{E(START), {40}, 50, "Dh", "", "-4", "PROC", "~4", 0},
	{E(WITHDRAW), {20, 22, 25, 35, 40, 50, 55}, 90, "Aw Ah Rw Wh", "s", "", "WDRW", "", 0},
	{E(CONSULT), {20, 22, 25, 35, 40, 50, 55, 60, 61, 70}, 0, "Rw Pw Wh Dh Lw Lh", "n", "", "CONS", "", 0},
	{E(OVERDUE), {20, 22, 25, 35, 40, 50, 55, 60, 61, 70, 80}, 0, "Yw Yh", "c", "", "", "", 0},
	END,
};

/* ---- 8.8: all inside one node, a copy at 40; the home region may object, within a set time from the decision
 * (X), which undoes nothing */
static const struct oracle_row yb[] = {
	{E(SUBMIT), {10}, 20, "Rw Aw", "", "+1", "", "", 0},
	{E(ASK), {22}, 25, "Rw", "l", "-1 +7", "", "", 0},
	{E(BRING), {25}, 22, "Rw Aw", "", "-7 +1", "", "", 0},
	{E(REFUSE), {22}, 41, "Rw Pw", "rs", "", "", "", 0},
	{E(ACCEPT), {22}, 40, "Rw Pw", "h", "-1 +5", "PROC", "", 0},
	{E(DEEM), {20, 22}, 40, "Yw", "h", "-1 +5", "PROC", ">1", 0},
	{E(START), {40}, 50, "Pw", "", "", "PROC", "", 0},
	{E(SUSPEND), {50}, 55, "Pw", "rd", "=5", "SUSP", "", 365},
	{E(RESUME), {55}, 50, "Pw", "", "~5", "RESU", "", 0},
	{E(EXTEND), {50}, 50, "Qw", "rdo", "^5", "EXT", "", 10},
	{E(GRANT), {50}, 60, "Pw Qw", "", "-5 +6 +X", "DECI", "", 0},
	{E(DENY), {50}, 61, "Pw Qw", "r", "-5 +6 +X", "DECI", "", 0},
	{E(KEPT), {80}, 80, "Pw", "n", "", "PROC", "", 0},
	{E(REOPEN), {80}, 50, "Pw", "r", "-9 +5 -X", "PROC", "", 0},
	{E(HAND_OVER), {70}, 80, "Rw Aw", "", "", "DELV", "", 0},
	{E(OBJECT), {40, 50, 55}, 0, "Dh Lh", "rq", "", "CONS", "", 0},
	{E(OBJECT), {60, 61, 70, 80}, 0, "Dh Lh", "rq", "", "CONS", "<X", 0},
	{E(OBJECTION_ENDS), {60, 61, 70, 80}, 0, "Yw", "", "-X", "", ">X", 0},
	{E(SHARE), {40, 50, 55}, 0, "Rw Pw Lw", "h", "", "PROC", "", 0},
	{E(SHARE), {60, 61, 70, 80}, 0, "Rw Pw Lw", "h", "+X", "PROC", "", 0},
	{E(WITHDRAW), {20, 22, 25, 40, 50, 55}, 90, "Aw Rw", "s", "", "WDRW", "", 0},
	{E(CONSULT), {20, 22, 25, 40, 50, 55, 60, 61, 70}, 0, "Rw Pw Wh Dh Lw Lh", "n", "", "CONS", "", 0},
	{E(OVERDUE), {20, 22, 25, 40, 50, 55, 60, 61, 70, 80}, 0, "Yw Yh", "c", "", "", "", 0},
	END,
};

/* ---- 8.9, the lead: rows 1 to 3 and 7 to 9. A suspended part on the critical path pauses T8. */
static const struct oracle_row lb[] = {
	{E(SUBMIT), {10}, 20, "Rw Aw", "", "+2", "", "", 0},
	{E(ASK), {22}, 25, "Rw", "l", "=2 +7", "", "", 0},
	{E(BRING), {25}, 22, "Rw Aw", "", "-7 ~2", "", "", 0},
	{E(REFUSE), {22}, 41, "Rw", "rs", "", "", "", 0},
	{E(ACCEPT), {22}, 40, "Rw", "", "-2 +8", "", "", 0},
	{E(PART), {40, 50}, 50, "Yw", "", "", "", "", 0},
	{E(EXTEND), {50}, 50, "Qw", "rdo", "^8", "", "", 15},
	{E(HOLD), {50}, 50, "Yw", "", "=8", "", "", 0},
	{E(GO_ON), {50}, 50, "Yw", "", "~8", "", "", 0},
	{E(GRANT), {50}, 60, "Yw", "", "-8 +6", "", "", 0},
	{E(DENY), {50}, 61, "Yw", "r", "-8 +6", "", "", 0},
	{E(WITHDRAW), {20, 22, 25, 40, 50}, 90, "Aw Rw", "s", "", "WDRW", "", 0},
	{E(CONSULT), {20, 22, 25, 40, 50, 60, 61, 70}, 0, "Rw Pw Wh Dh Lw Lh", "n", "", "CONS", "", 0},
	{E(OVERDUE), {20, 22, 25, 40, 50, 60, 61, 70, 80}, 0, "Yw Yh", "c", "", "", "", 0},
	END,
};

/* ---- 8.9, a part: rows 4 to 9. What the lead's system asks for, the participant writes down. */
static const struct oracle_row ls[] = {
	{E(SUBMIT), {10}, 30, "Yw", "x", "", "SUB", "", 0},
	{E(BOUNCE), {30}, 91, "Yw", "s", "", "", "", 0},
	{E(SIGN), {30}, 40, "Yh Wh", "o", "+5", "RCPT", "", 0},
	{E(START), {40}, 50, "Dh", "", "", "PROC", "", 0},
	{E(SUSPEND), {50}, 55, "Dh", "rd", "=5", "SUSP", "", 365},
	{E(RESUME), {55}, 50, "Dh", "", "~5", "RESU", "", 0},
	{E(EXTEND), {50}, 50, "Hh", "rdo", "^5", "EXT", "", 10},
	{E(GRANT), {50}, 60, "Dh Hh", "", "-5", "SUBR", "", 0},
	{E(DENY), {50}, 61, "Dh Hh", "r", "-5", "SUBR", "", 0},
	{E(FILE), {40, 50}, 0, "Dh", "f", "", "SUBR", "", 0},
	{E(HAND_OVER), {60, 61}, 80, "Yw", "sk", "", "DELV", "", 0},
	{E(WITHDRAW), {30, 40, 50, 55, 60}, 90, "Yw", "rsk", "", "WDRW", "", 0},
	{E(CONSULT), {30, 40, 50, 55, 60, 61}, 0, "Rw Pw Wh Dh Lw Lh", "n", "", "CONS", "", 0},
	{E(OVERDUE), {30, 40, 50, 55, 60, 61}, 0, "Yw Yh", "c", "", "", "", 0},
	END,
};

/* Of two groups with the same event and state, the first counts. */
const struct oracle oracles[] = {
	{"QC", NULL, {10, 30, 32, 40, 41, 45, 50, 55, 60, 61, 70, 80, 90, 91},
	 {qc, acceptance, review_at_home, delivery_from_home}},
	{"DS", NULL, {10, 20, 22, 25, 30, 32, 35, 40, 41, 45, 50, 55, 60, 61, 70, 80, 90, 91},
	 {ds, window, acceptance, review_at_home, delivery_from_home}},
	{"YS", NULL, {10, 20, 22, 25, 35, 40, 41, 50, 55, 60, 61, 70, 80, 90, 91},
	 {ys, window, review_at_home, delivery_from_home}},
	{"YB", NULL, {10, 20, 22, 25, 40, 41, 50, 55, 60, 61, 70, 80, 90, 91},
	 {yb, window, delivery_here}},
	{"LB", NULL, {10, 20, 22, 25, 40, 41, 50, 60, 61, 70, 80, 90, 91},
	 {lb, window, delivery_here}},
	{"LS", "LB", {10, 30, 40, 50, 55, 60, 61, 80, 90, 91},
	 {ls}},
	{NULL, NULL, {0}, {NULL}},
};
/* clang-format on */

const struct oracle_row *oracle_find(const struct oracle *oracle, int from, PbCaseEvent event)
{
	for (size_t g = 0; g < ORACLE_GROUPS && oracle->groups[g]; g++) {
		for (const struct oracle_row *row = oracle->groups[g]; row->event; row++) {
			for (size_t i = 0; i < ORACLE_FROM && row->from[i]; i++) {
				if (row->event == event && row->from[i] == from)
					return row;
			}
		}
	}
	return NULL;
}

bool oracle_may(const struct oracle_row *row, int role, unsigned side)
{
	static const char letters[] = "?ARWDHL-YPQ"; /* by PbRole */
	if (role < 0 || (size_t)role >= sizeof(letters) - 1)
		return false;
	for (unsigned one = CASE_AT_WINDOW; one <= CASE_AT_HOME; one <<= 1) {
		char pair[3] = {letters[role], one == CASE_AT_WINDOW ? 'w' : 'h', '\0'};
		if ((side & one) && strstr(row->who, pair))
			return true;
	}
	return false;
}

int oracle_to(const struct oracle_row *row, int from)
{
	return row->to ? row->to : from;
}

uint32_t oracle_needs(const struct oracle_row *row)
{
	static const struct {
		char letter;
		uint32_t need;
	} all[] = {
		{'r', CASE_NEEDS_REASON}, {'d', CASE_NEEDS_DAYS},   {'l', CASE_NEEDS_LIST},
		{'y', CASE_NEEDS_WAY},    {'g', CASE_NEEDS_GRADE},  {'b', CASE_NEEDS_WAYBILL},
		{'n', CASE_NEEDS_NOTE},   {'c', CASE_NEEDS_CLOCK},  {'o', CASE_ONCE},
		{'x', CASE_HANDS_OVER},   {'s', CASE_STOPS_CLOCKS}, {'q', CASE_DISPUTES},
		{'h', CASE_SHARES},       {'m', CASE_REMOTE_WAY},   {'f', CASE_NEEDS_FILES},
		{'k', CASE_SYSTEM_ASKS},  {'p', CASE_NEEDS_FEE},
	};
	uint32_t needs = 0;
	for (const char *letter = row->needs; *letter; letter++) {
		uint32_t need = 0;
		for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
			need |= all[i].letter == *letter ? all[i].need : 0;
		needs |= need ? need : UINT32_MAX; /* a letter without a meaning fits nothing */
	}
	return needs;
}

static int clock_of(char digit)
{
	return digit == 'X' ? 10 : digit - '0';
}

static struct oracle_clocks written(const struct oracle_row *row)
{
	struct oracle_clocks clocks = {0};
	for (const char *at = row->clocks; *at; at++) {
		if (*at == ' ')
			continue;
		char *op = clocks.of[clock_of(at[1])];
		op[0] = at[0];
		op[1] = at[2] == 'o' || at[2] == 'b' ? at[2] : '\0';
		at += op[1] ? 2 : 1;
	}
	return clocks;
}

static bool starts(const struct oracle *oracle, int clock)
{
	for (size_t g = 0; g < ORACLE_GROUPS && oracle->groups[g]; g++) {
		for (const struct oracle_row *row = oracle->groups[g]; row->event; row++) {
			if (written(row).of[clock][0] == '+')
				return true;
		}
	}
	return false;
}

static void drop_idle_stops(const struct oracle *oracle, struct oracle_clocks *clocks)
{
	for (int clock = 0; clock < CASE_CLOCKS; clock++) {
		if (clocks->of[clock][0] == '-' && !starts(oracle, clock))
			memset(clocks->of[clock], 0, sizeof(clocks->of[clock]));
	}
}

struct oracle_clocks oracle_clocks(const struct oracle *oracle, const struct oracle_row *row)
{
	struct oracle_clocks clocks = written(row);
	drop_idle_stops(oracle, &clocks);
	return clocks;
}

struct oracle_clocks oracle_clocks_of(const struct oracle *oracle, const struct case_row *row)
{
	static const char signs[] = "?+-=~^"; /* by enum case_clock_do */
	struct oracle_clocks clocks = {0};
	for (size_t i = 0; i < CASE_OPS_MAX && row->ops[i].op != CASE_CLOCK_NONE; i++) {
		const struct case_clock_op *op = &row->ops[i];
		char flag = '?';
		if (op->flags == 0)
			flag = '\0';
		else if (op->flags == CASE_CLOCK_IF_ORIGINALS)
			flag = 'o';
		else if (op->flags == CASE_CLOCK_IF_BAD)
			flag = 'b';
		clocks.of[op->clock][0] = signs[op->op];
		clocks.of[op->clock][1] = flag;
	}
	drop_idle_stops(oracle, &clocks);
	return clocks;
}

PbClock oracle_when(const struct oracle_row *row, char sign)
{
	return row->when[0] == sign ? (PbClock)clock_of(row->when[1]) : PB_CLOCK__CLOCK_UNSPECIFIED;
}
