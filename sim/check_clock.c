/* The clocks of a case, once more: what the law's working days make of each entry, worked out here from the
 * calendar's text and from a table of our own, and compared with what the entry says. Nothing is shared with
 * the product but the type of an entry: a Sunday that counts there does not count here. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "sim/check_priv.h"
#include "sim/data.h"

enum {
	DAYS_COVERED = 366 * 12,
	CLOCKS = PB_CLOCK__T9_REPAIR + 1,
	DATE_CHARS = 10,
};

/* ---- working days */

static struct {
	bool read;
	tb_day first;
	char kind[DAYS_COVERED]; /* 'H', 'W', or 0: as the weekday says */
} days;

static void read_days(void)
{
	const char *at = (const char *)data_workdays, *end = at + data_workdays_size;
	days.read = true;
	days.first = tb_day_of(2020, 1, 1);
	while (at < end) {
		char date[DATE_CHARS + 1] = {0};
		tb_day day;
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		if (end - at > DATE_CHARS + 1) {
			memcpy(date, at, DATE_CHARS);
			if (tb_day_parse(date, &day) && day >= days.first && day - days.first < DAYS_COVERED)
				days.kind[day - days.first] = at[DATE_CHARS + 1];
		}
		at = stop ? stop + 1 : end;
	}
}

static bool works(tb_day day)
{
	if (!days.read)
		read_days();
	char kind = day >= days.first && day - days.first < DAYS_COVERED ? days.kind[day - days.first] : 0;
	int weekday = tb_day_weekday(day);
	return kind ? kind == 'W' : weekday != 0 && weekday != 6;
}

/* 24:00 of the |count|th working day after |from|; of |from| itself, or the next, if |count| is 0. */
static tb_time limit(tb_day from, int32_t count)
{
	tb_day day = from;
	if (count == 0)
		count = works(day) ? 0 : 1;
	while (count > 0)
		count -= works(++day);
	return tb_day_start(day + 1);
}

/* ---- clocks */

struct clock {
	bool exists;
	bool running;
	bool overdue;
	tb_time due;
	int32_t left;
};

struct rule {
	PbCaseEvent event;
	const char *does; /* "+1" starts T1, "-1" stops it, "=5" pauses, ">5" resumes, "*" stops all */
};

/* From acceptance on, as far as the modes have the same. */
#define DECIDED                                                                                   \
	{PB_CASE_EVENT__CLOSE, "*"}, {PB_CASE_EVENT__WITHDRAW, "*"}, {PB_CASE_EVENT__LAPSE, "*"}, \
		{PB_CASE_EVENT__REFUSE, "*"}, {PB_CASE_EVENT__HAND_OVER, "*"},                    \
		{PB_CASE_EVENT__SUSPEND, "=5"}, {PB_CASE_EVENT__RESUME, ">5"},                    \
		{PB_CASE_EVENT__GRANT, "-5+6"}, {PB_CASE_EVENT__DENY, "-5+6"},                    \
		{PB_CASE_EVENT__DISPATCH, "-6"}, {PB_CASE_EVENT__REPAIR, "-9"},                   \
	{                                                                                         \
		PB_CASE_EVENT__REOPEN, "-9+5"                                                     \
	}

static const struct rule ds_rules[] = {
	DECIDED,
	{PB_CASE_EVENT__SUBMIT, "+2"},
	{PB_CASE_EVENT__ASK, "=2+7"},
	{PB_CASE_EVENT__BRING, "-7>2"},
	{PB_CASE_EVENT__SEND, "-2"},
	{PB_CASE_EVENT__BOUNCE, "+2"},
	{PB_CASE_EVENT__SIGN, "+4+1"},
	{PB_CASE_EVENT__RETURN, "-1-4+2"},
	{PB_CASE_EVENT__ACCEPT, "-1-4+5"},
	{PB_CASE_EVENT__DEEM, "-1-4+5"},
	{PB_CASE_EVENT__NOTIFY, "-1-4+7"},
	{PB_CASE_EVENT__SUPPLEMENT, "-7+1+4"},
	{0, NULL},
};

static const struct rule qc_rules[] = {
	DECIDED,
	{PB_CASE_EVENT__SUBMIT, "+2"},
	{PB_CASE_EVENT__SEND, "+2"},
	{PB_CASE_EVENT__BOUNCE, "-2"},
	{PB_CASE_EVENT__SIGN, "-2+1"},
	{PB_CASE_EVENT__ACCEPT, "-1+5"},
	{PB_CASE_EVENT__DEEM, "-1+5"},
	{PB_CASE_EVENT__NOTIFY, "-1+7"},
	{PB_CASE_EVENT__SUPPLEMENT, "-7+1"},
	{0, NULL},
};

static const struct rule ys_rules[] = {
	DECIDED,
	{PB_CASE_EVENT__SUBMIT, "+1+2"},
	{PB_CASE_EVENT__ASK, "-1=2+7"},
	{PB_CASE_EVENT__BRING, "-7+1>2"},
	{PB_CASE_EVENT__ACCEPT, "-1-2+5"},
	{PB_CASE_EVENT__DEEM, "-1-2+5"},
	{PB_CASE_EVENT__BOUNCE, "+2"},
	{PB_CASE_EVENT__SIGN, "+4"},
	{PB_CASE_EVENT__RETURN, "-4+2"},
	{PB_CASE_EVENT__SEND, "-2"},
	{PB_CASE_EVENT__START, "-4"},
	{0, NULL},
};

static const struct rule yb_rules[] = {
	DECIDED,
	{PB_CASE_EVENT__SUBMIT, "+1"},
	{PB_CASE_EVENT__ASK, "-1+7"},
	{PB_CASE_EVENT__BRING, "-7+1"},
	{PB_CASE_EVENT__ACCEPT, "-1+5"},
	{PB_CASE_EVENT__DEEM, "-1+5"},
	{0, NULL},
};

static const struct rule lb_rules[] = {
	{PB_CASE_EVENT__SUBMIT, "+2"},   {PB_CASE_EVENT__ASK, "=2+7"},  {PB_CASE_EVENT__BRING, "-7>2"},
	{PB_CASE_EVENT__ACCEPT, "-2+8"}, {PB_CASE_EVENT__HOLD, "=8"},   {PB_CASE_EVENT__GO_ON, ">8"},
	{PB_CASE_EVENT__GRANT, "-8+6"},  {PB_CASE_EVENT__DENY, "-8+6"}, {PB_CASE_EVENT__DISPATCH, "-6"},
	{PB_CASE_EVENT__WITHDRAW, "*"},  {PB_CASE_EVENT__LAPSE, "*"},   {PB_CASE_EVENT__REFUSE, "*"},
	{PB_CASE_EVENT__HAND_OVER, "*"}, {PB_CASE_EVENT__REPAIR, "-9"}, {0, NULL},
};

static const struct rule ls_rules[] = {
	{PB_CASE_EVENT__BOUNCE, "*"},   {PB_CASE_EVENT__SIGN, "+5"},     {PB_CASE_EVENT__SUSPEND, "=5"},
	{PB_CASE_EVENT__RESUME, ">5"},  {PB_CASE_EVENT__GRANT, "-5"},    {PB_CASE_EVENT__DENY, "-5"},
	{PB_CASE_EVENT__WITHDRAW, "*"}, {PB_CASE_EVENT__HAND_OVER, "*"}, {0, NULL},
};

static const struct {
	const char *mode;
	const struct rule *rules;
} modes[] = {{"DS", ds_rules}, {"QC", qc_rules}, {"YS", ys_rules},
             {"YB", yb_rules}, {"LB", lb_rules}, {"LS", ls_rules}};

static const struct rule *rules_of(const char *mode)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(modes[i].mode, mode) == 0)
			return modes[i].rules;
	}
	return NULL;
}

static int32_t days_of(unsigned clock, const PbCaseEntry *entry)
{
	static const int32_t legal[CLOCKS] = {0, 5, 1, 2, 1, 0, 1, 15, 45, 15};
	if (clock == PB_CLOCK__T5_DECIDE)
		return entry->detail ? (int32_t)entry->detail->promised_days : 0;
	return legal[clock];
}

static void read_clocks(const PbCaseEntry *entry, struct clock clocks[CLOCKS])
{
	memset(clocks, 0, CLOCKS * sizeof(*clocks));
	for (size_t i = 0; entry && i < entry->n_clocks; i++) {
		const PbClockState *state = entry->clocks[i];
		if ((unsigned)state->clock < CLOCKS)
			clocks[state->clock] = (struct clock){.exists = true,
			                                      .running = state->running,
			                                      .overdue = state->overdue,
			                                      .due = state->due_ms,
			                                      .left = state->days_left};
	}
}

static void pause_clock(struct clock *clock, tb_time at)
{
	clock->running = false;
	if (clock->overdue || clock->due <= at) {
		clock->overdue = true;
		return;
	}
	for (tb_day day = tb_day_at(at) + 1; day <= tb_day_at(clock->due - 1); day++)
		clock->left += works(day);
	clock->due = 0;
}

static void resume_clock(struct clock *clock, tb_time at)
{
	clock->running = true;
	if (!clock->overdue)
		clock->due = limit(tb_day_at(at), clock->left);
	clock->left = 0;
}

static void apply_rule(struct clock clocks[CLOCKS], const char *does, const PbCaseEntry *entry)
{
	tb_time accepted = entry->event == PB_CASE_EVENT__DEEM && entry->detail
	                           ? entry->detail->counted_from_ms
	                           : entry->at_ms;
	if (does[0] == '*') {
		memset(clocks, 0, CLOCKS * sizeof(*clocks));
		return;
	}
	for (; *does; does += 2) {
		unsigned which = (unsigned)(does[1] - '0');
		struct clock *clock = &clocks[which];
		tb_time from = which == PB_CLOCK__T5_DECIDE ? accepted : entry->at_ms;
		if (*does == '+')
			*clock = (struct clock){.exists = true,
			                        .running = true,
			                        .due = limit(tb_day_at(from), days_of(which, entry))};
		else if (*does == '-')
			*clock = (struct clock){0};
		else if (*does == '=' && clock->exists)
			pause_clock(clock, entry->at_ms);
		else if (*does == '>' && clock->exists)
			resume_clock(clock, entry->at_ms);
	}
}

static void expect(struct clock clocks[CLOCKS], const struct rule *rules, const PbCaseEntry *entry)
{
	const PbCaseDetail *detail = entry->detail;
	struct clock *decide = &clocks[PB_CLOCK__T5_DECIDE];
	for (const struct rule *rule = rules; rule->does; rule++) {
		if (rule->event == entry->event)
			apply_rule(clocks, rule->does, entry);
	}
	if (entry->event == PB_CASE_EVENT__EXTEND && detail)
		decide->due = limit(tb_day_at(decide->due - 1), (int32_t)detail->days);
	if (entry->event == PB_CASE_EVENT__EVALUATE && detail && detail->grade >= 4)
		apply_rule(clocks, "+9", entry);
	if (entry->event == PB_CASE_EVENT__OVERDUE && detail && (unsigned)detail->clock < CLOCKS)
		clocks[detail->clock].overdue = true;
}

/* What only a limit that has run out allows. */
static bool too_early(const struct clock before[CLOCKS], const PbCaseEntry *entry)
{
	unsigned which = entry->event == PB_CASE_EVENT__DEEM    ? PB_CLOCK__T1_NOTIFY
	                 : entry->event == PB_CASE_EVENT__LAPSE ? PB_CLOCK__T7_CORRECTION
	                 : entry->event == PB_CASE_EVENT__OVERDUE && entry->detail
	                         ? (unsigned)entry->detail->clock
	                         : 0;
	return which > 0 && which < CLOCKS && (!before[which].exists || before[which].due > entry->at_ms);
}

tb_time sim_law_limit(tb_time from, int32_t days_count)
{
	return limit(tb_day_at(from), days_count);
}

bool sim_clock_problem(const char *mode, const PbCaseEntry *before, const PbCaseEntry *entry, char *out,
                       size_t room)
{
	const struct rule *rules = rules_of(mode);
	struct clock want[CLOCKS], have[CLOCKS];
	if (!rules)
		return false;
	read_clocks(before, want);
	read_clocks(entry, have);
	if (too_early(want, entry)) {
		snprintf(out, room, "a limit that has not run out yet is said to have");
		return true;
	}
	expect(want, rules, entry);
	for (unsigned i = 1; i < CLOCKS; i++) {
		if (i == PB_CLOCK__T3_MAIL) /* runs where originals travel, which an entry does not say */
			continue;
		if (want[i].exists == have[i].exists && want[i].running == have[i].running &&
		    want[i].overdue == have[i].overdue && want[i].due == have[i].due &&
		    want[i].left == have[i].left)
			continue;
		snprintf(out, room, "T%u %s until %lld with %d days left; it should be %s until %lld with %d",
		         i,
		         have[i].running  ? "runs"
		         : have[i].exists ? "rests"
		                          : "is not there",
		         (long long)have[i].due, (int)have[i].left,
		         want[i].running  ? "running"
		         : want[i].exists ? "resting"
		                          : "absent",
		         (long long)want[i].due, (int)want[i].left);
		return true;
	}
	return false;
}
