/* The clocks of a case: legal and agreed limits in working days.
 *
 * A clock that was started runs, is paused, or is gone again. The day of the event that starts or resumes a
 * clock is not counted; the day on which it is paused is. A clock that ran out stays overdue, whatever pauses
 * it later. Nothing here reads the time. */
#pragma once

#include "node/core/calendar.h"
#include "node/core/casetable.h"

struct case_clock {
	bool exists;       /* started and not stopped */
	bool running;      /* exists and not paused */
	bool overdue;      /* it ran out, and that was noted */
	tb_time due;       /* running, or overdue: the moment at which it runs or ran out */
	int32_t days_left; /* paused: working days that remain */
};

/* {0} is none. */
struct case_clocks {
	struct case_clock of[CASE_CLOCKS]; /* by PbClock */
};

struct clocks_params {
	tb_time at;            /* of the event */
	tb_time counted_from;  /* DEEM: T5 counts from here, the receipt; 0: from |at|; others ignore it */
	int32_t promised_days; /* T5: 1..CASE_LEGAL_DAYS_MAX */
	int32_t days;          /* EXTEND: 1 to the row's days_max */
	const int32_t *agreed; /* by PbClock: working days instead of the mode's; 0: the mode's. NULL: none */
	bool originals;        /* paper originals travel */
	bool bad;              /* EVALUATE: the grade is bad */
	PbClock clock;         /* OVERDUE: the clock that ran out; CLOCK_UNSPECIFIED marks none */
};

/* Does to |clocks| what |row| of |mode| says. On failure they are as before.
 *
 * TB_ECALENDAR a limit reaches into a year that the calendar does not cover
 * TB_ESTATE    the clock is not in a state for it: DEEM, LAPSE or OVERDUE before it ran out, EXTEND after, or
 *              what may happen only while it runs, or before it ran out
 * TB_EINVALID  a time or a number of days out of range */
TB_MUST_CHECK enum tb_code clocks_apply(struct case_clocks *clocks, const struct case_mode *mode,
                                        const struct case_row *row, const struct calendar *calendar,
                                        const struct clocks_params *params, struct tb_error *err);

/* From what clocks_to_proto() wrote. False, and |clocks| has none, if the list holds an unknown clock, one
 * twice, or a value out of range. */
bool clocks_from_proto(struct case_clocks *clocks, PbClockState *const *list, size_t count);

/* The clocks that exist, in order of their numbers, in |arena|. */
void clocks_to_proto(const struct case_clocks *clocks, PbClockState ***out, size_t *count,
                     struct tb_arena *arena);

/* When the next running clock that is not overdue runs out, and which (|which| may be NULL). INT64_MAX: none.
 */
tb_time clocks_next_due(const struct case_clocks *clocks, PbClock *which);
