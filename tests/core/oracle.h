/* What the handling modes allow, written from the domain's tables (8.5 to 8.9) and not from the code.
 *
 * Who: A applicant, R receiving window, P department there, Q its head, W home window, D deciding department,
 * H its head, L liaison officer, Y system; where: w the window's node, h the home node.
 * Needs: r reason, d days, l list, y way, b waybill, g grade, n note, p fee, c clock, f files; o once, x
 * hands over, s stops all clocks, q dispute, h gives a copy, m only a way for which nobody comes, k the other
 * side's system may ask for it. Clocks (X is T10): +start -stop =pause ~resume ^lengthen; 3o only with
 * originals, 9b only after a bad evaluation. When: >1 T1 has run out, <4 T4 runs and has not run out, ~9 T9
 * runs.
 *
 * A new mode is a new struct oracle: its own rows, and the groups that it shares with others. */
#pragma once

#include "node/core/casetable.h"

enum { ORACLE_FROM = 20, ORACLE_GROUPS = 8, ORACLE_STATES = 20 };

struct oracle_row {
	PbCaseEvent event;
	int from[ORACLE_FROM]; /* ended by 0 */
	int to;                /* 0: where it was */
	const char *who;
	const char *needs;
	const char *clocks;
	const char *message;
	const char *when;
	uint32_t days; /* d: the most */
};

struct oracle {
	const char *code;
	const char *listed_as;
	int states[ORACLE_STATES];                      /* all that it can come to, from 10; ended by 0 */
	const struct oracle_row *groups[ORACLE_GROUPS]; /* each ended by event 0 */
};

extern const struct oracle oracles[]; /* ended by one without a code */

/* What is expected of |event| in |from|; NULL: it is not possible. */
const struct oracle_row *oracle_find(const struct oracle *oracle, int from, PbCaseEvent event);
/* May |role|, any number, on |side|, one of enum case_side, by |row|? */
bool oracle_may(const struct oracle_row *row, int role, unsigned side);
/* The state after |row|, from |from|. */
int oracle_to(const struct oracle_row *row, int from);
uint32_t oracle_needs(const struct oracle_row *row); /* as enum case_need */

/* The operations of one event, by clock: sign and flag, "+o"; "" for none. A stop of what the mode never
 * starts is none. */
struct oracle_clocks {
	char of[CASE_CLOCKS][3];
};
struct oracle_clocks oracle_clocks(const struct oracle *oracle, const struct oracle_row *row);
struct oracle_clocks oracle_clocks_of(const struct oracle *oracle, const struct case_row *row);
/* The clock that |row|'s when names after |sign|, or none. */
PbClock oracle_when(const struct oracle_row *row, char sign);
