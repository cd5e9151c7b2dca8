#include "node/core/clocks.h"

/* 9999-12-31 in Beijing: no day below it overflows. */
#define TIME_MAX (INT64_C(253402271999999))

struct apply {
	const struct calendar *calendar;
	const struct clocks_params *params;
	tb_time from;         /* T5 counts from here */
	int32_t lengthen_max; /* working days, by the row */
	struct tb_error *err;
};

/* |which| may be any number that a peer sent. */
static bool clock_known(PbClock which)
{
	return which >= PB_CLOCK__T1_NOTIFY && which <= PB_CLOCK__T10_OBJECT;
}

static bool time_sane(tb_time at)
{
	return at >= 0 && at <= TIME_MAX;
}

/* The last day of a limit that is over at |due|. */
static tb_day last_day(tb_time due)
{
	return tb_day_at(due - 1);
}

static bool ran_out(const struct case_clock *clock, tb_time at)
{
	return clock->overdue || clock->due <= at;
}

static enum tb_code due_after(const struct apply *apply, tb_day from, int32_t days, tb_time *due)
{
	tb_day last;
	enum tb_code code = calendar_add(apply->calendar, from, days, &last, apply->err);
	if (code == TB_OK)
		*due = calendar_deadline(last);
	return code;
}

static enum tb_code clock_start(const struct apply *apply, struct case_clocks *clocks, PbClock which,
                                int32_t days)
{
	struct case_clock *clock = &clocks->of[which];
	/* The receipt begins the limit for deciding; whoever posts or pushes has the time from the event on.
	 */
	tb_time from = which == PB_CLOCK__T5_DECIDE ? apply->from : apply->params->at;
	*clock = (struct case_clock){.exists = true, .running = true};
	return due_after(apply, tb_day_at(from), days, &clock->due);
}

static enum tb_code clock_pause(const struct apply *apply, struct case_clock *clock)
{
	tb_time at = apply->params->at;
	if (!clock->running)
		return tb_refuse(apply->err, TB_REASON_CLOCK_PAUSE, NULL);
	clock->running = false;
	clock->days_left = 0;
	if (ran_out(clock, at)) {
		clock->overdue = true;
		return TB_OK;
	}
	enum tb_code code = calendar_between(apply->calendar, tb_day_at(at), last_day(clock->due),
	                                     &clock->days_left, apply->err);
	clock->due = 0;
	return code;
}

static enum tb_code clock_resume(const struct apply *apply, struct case_clock *clock)
{
	if (!clock->exists || clock->running)
		return tb_refuse(apply->err, TB_REASON_CLOCK_RESUME, NULL);
	int32_t days = clock->days_left;
	clock->running = true;
	clock->days_left = 0;
	if (clock->overdue)
		return TB_OK;
	return due_after(apply, tb_day_at(apply->params->at), days, &clock->due);
}

static enum tb_code clock_lengthen(const struct apply *apply, struct case_clock *clock)
{
	int32_t days = apply->params->days;
	if (days < 1 || days > apply->lengthen_max)
		return tb_refuse(apply->err, TB_REASON_CLOCK_EXTEND, TB_NUMBER(apply->lengthen_max), NULL);
	/* Article 42 lets a limit be extended that cannot be kept, not one that was missed. */
	if (!clock->running || ran_out(clock, apply->params->at))
		return tb_refuse(apply->err, TB_REASON_CLOCK_EXTEND_LATE, NULL);
	return due_after(apply, last_day(clock->due), days, &clock->due);
}

static enum tb_code clock_days(const struct apply *apply, const struct case_mode *mode, PbClock clock,
                               int32_t *days)
{
	*days = apply->params->agreed && apply->params->agreed[clock] ? apply->params->agreed[clock]
	                                                              : mode->days[clock];
	if (*days > 0)
		return TB_OK;
	*days = apply->params->promised_days;
	if (*days < 1 || *days > CASE_LEGAL_DAYS_MAX)
		return tb_fail(apply->err, TB_EINVALID, "a promised limit is 1 to %d working days",
		               CASE_LEGAL_DAYS_MAX);
	return TB_OK;
}

static enum tb_code apply_op(const struct apply *apply, struct case_clocks *clocks,
                             const struct case_mode *mode, const struct case_clock_op *op)
{
	struct case_clock *clock = &clocks->of[op->clock];
	int32_t days;
	enum tb_code code;
	if ((op->flags & CASE_CLOCK_IF_ORIGINALS && !apply->params->originals) ||
	    (op->flags & CASE_CLOCK_IF_BAD && !apply->params->bad))
		return TB_OK;
	switch (op->op) {
	case CASE_CLOCK_START:
		code = clock_days(apply, mode, op->clock, &days);
		return code == TB_OK ? clock_start(apply, clocks, op->clock, days) : code;
	case CASE_CLOCK_STOP:
		*clock = (struct case_clock){0};
		return TB_OK;
	case CASE_CLOCK_PAUSE:
		return clock_pause(apply, clock);
	case CASE_CLOCK_RESUME:
		return clock_resume(apply, clock);
	case CASE_CLOCK_LENGTHEN:
		return clock_lengthen(apply, clock);
	case CASE_CLOCK_NONE:
		break;
	}
	return TB_OK;
}

static enum tb_code check_params(const struct case_row *row, const struct clocks_params *params,
                                 tb_time *from, struct tb_error *err)
{
	*from = params->at;
	/* Only a deemed acceptance dates back: nobody else may shorten another's limit. */
	if (row->event == PB_CASE_EVENT__DEEM && params->counted_from != 0)
		*from = params->counted_from;
	if (!time_sane(params->at) || !time_sane(*from))
		return tb_fail(err, TB_EINVALID, "a time that no clock can count from");
	if (*from > params->at)
		return tb_fail(err, TB_EINVALID, "clocks would count from after the event");
	return TB_OK;
}

/* The clock whose running out the event says must have run out. */
static enum tb_code check_ran_out(const struct case_clocks *clocks, PbClock which, tb_time at,
                                  struct tb_error *err)
{
	const struct case_clock *clock = &clocks->of[which];
	if (!clock->running || clock->due > at)
		return tb_refuse(err, TB_REASON_CLOCK_NOT_OUT, TB_NUMBER(which), NULL);
	return TB_OK;
}

/* The clock within which the event is to happen. */
static enum tb_code check_within(const struct case_clocks *clocks, PbClock which, tb_time at,
                                 struct tb_error *err)
{
	const struct case_clock *clock = &clocks->of[which];
	if (!clock->running || ran_out(clock, at))
		return tb_refuse(err, TB_REASON_CLOCK_STOPPED, TB_NUMBER(which), NULL);
	return TB_OK;
}

static enum tb_code mark_overdue(struct case_clocks *clocks, const struct clocks_params *params,
                                 struct tb_error *err)
{
	PbClock which = params->clock;
	if (which == PB_CLOCK__CLOCK_UNSPECIFIED)
		return TB_OK;
	if (!clock_known(which))
		return tb_fail(err, TB_EINVALID, "no such clock");
	enum tb_code code = check_ran_out(clocks, which, params->at, err);
	if (code != TB_OK)
		return code;
	if (clocks->of[which].overdue)
		return tb_fail(err, TB_ESTATE, "that clock T%d ran out was noted before", (int)which);
	clocks->of[which].overdue = true;
	return TB_OK;
}

enum tb_code clocks_apply(struct case_clocks *clocks, const struct case_mode *mode,
                          const struct case_row *row, const struct calendar *calendar,
                          const struct clocks_params *params, struct tb_error *err)
{
	struct apply apply = {calendar, params, params->at, (int32_t)row->days_max, err};
	struct case_clocks next = *clocks;
	enum tb_code code = check_params(row, params, &apply.from, err);
	if (code == TB_OK && row->after != PB_CLOCK__CLOCK_UNSPECIFIED)
		code = check_ran_out(&next, row->after, params->at, err);
	if (code == TB_OK && row->whilst != PB_CLOCK__CLOCK_UNSPECIFIED && !next.of[row->whilst].running)
		code = tb_refuse(err, TB_REASON_CLOCK_NOT_RUNNING, TB_NUMBER(row->whilst), NULL);
	if (code == TB_OK && row->within != PB_CLOCK__CLOCK_UNSPECIFIED)
		code = check_within(&next, row->within, params->at, err);
	if (code == TB_OK && row->event == PB_CASE_EVENT__OVERDUE)
		code = mark_overdue(&next, params, err);
	if (row->needs & CASE_STOPS_CLOCKS)
		next = (struct case_clocks){0};
	for (size_t i = 0; i < CASE_OPS_MAX && code == TB_OK; i++)
		code = apply_op(&apply, &next, mode, &row->ops[i]);
	if (code == TB_OK)
		*clocks = next;
	return code;
}

static bool clock_from_proto(struct case_clock *clock, const PbClockState *state)
{
	if (clock->exists || state->days_left < 0 ||
	    state->days_left > CASE_LEGAL_DAYS_MAX + CASE_JOINT_DAYS_MAX || !time_sane(state->due_ms))
		return false;
	*clock = (struct case_clock){.exists = true,
	                             .running = state->running,
	                             .overdue = state->overdue,
	                             .due = state->due_ms,
	                             .days_left = state->days_left};
	/* A running clock has a moment to run out, a paused one only if it did before. */
	return (clock->due != 0) == (clock->running || clock->overdue) &&
	       (clock->days_left == 0 || (!clock->running && !clock->overdue));
}

bool clocks_from_proto(struct case_clocks *clocks, PbClockState *const *list, size_t count)
{
	struct case_clocks next = {0};
	*clocks = next;
	for (size_t i = 0; i < count; i++) {
		PbClock which = list[i]->clock;
		if (!clock_known(which) || !clock_from_proto(&next.of[which], list[i]))
			return false;
	}
	*clocks = next;
	return true;
}

void clocks_to_proto(const struct case_clocks *clocks, PbClockState ***out, size_t *count,
                     struct tb_arena *arena)
{
	PbClockState **list = tb_arena_alloc(arena, CASE_CLOCKS * sizeof(*list));
	size_t used = 0;
	for (int i = PB_CLOCK__T1_NOTIFY; i < CASE_CLOCKS; i++) {
		const struct case_clock *clock = &clocks->of[i];
		if (!clock->exists)
			continue;
		PbClockState *state = tb_arena_alloc(arena, sizeof(*state));
		pb_clock_state__init(state);
		state->clock = (PbClock)i;
		state->running = clock->running;
		state->overdue = clock->overdue;
		state->due_ms = clock->due;
		state->days_left = clock->days_left;
		list[used++] = state;
	}
	*out = list;
	*count = used;
}

tb_time clocks_next_due(const struct case_clocks *clocks, PbClock *which)
{
	tb_time next = INT64_MAX;
	PbClock found = PB_CLOCK__CLOCK_UNSPECIFIED;
	for (int i = PB_CLOCK__T1_NOTIFY; i < CASE_CLOCKS; i++) {
		const struct case_clock *clock = &clocks->of[i];
		if (clock->running && !clock->overdue && clock->due < next) {
			next = clock->due;
			found = (PbClock)i;
		}
	}
	if (which)
		*which = found;
	return next;
}
