/* What the files that read scenarios share. */
#pragma once

#include "sim/scenario.h"

/* "90s", "1h30m", "2d", "250ms"; a sign where |negative|. */
bool scenario_span(const char *text, bool negative, tb_time *out);
/* "64 KiB", "3MiB", "4096". */
bool scenario_bytes(const char *text, int64_t *out);
/* Decimal, from |low| to |high|. */
bool scenario_number(const char *text, int64_t low, int64_t high, int64_t *out);
/* "2026-09-21 09:00" or "2026-09-21 09:00:30", Beijing time. */
bool scenario_moment(const char *text, tb_time *out);
/* A step's time: a moment; "09:30" on the day of |starts|; "+2 09:30" two days after it; "+90s" after |last|.
 */
bool scenario_at(const char *text, tb_time starts, tb_time last, tb_time *out);

/* ---- verbs: where each field's value goes, how it is read, whether it must be there */

enum value_kind {
	V_NODE,
	V_GROUP, /* nodes */
	V_NEW_CASE,
	V_CASE,
	V_NEW_AGREEMENT,
	V_AGREEMENT,
	V_NEW_MATTER,
	V_MATTER,
	V_WORD,
	V_TEXT,
	V_NUMBER,
	V_BYTES,
	V_SPAN,
	V_STEP, /* a span with a sign */
	V_FLAG
};

struct key_row {
	const char *key;
	enum value_kind kind;
	size_t at; /* offset in struct sim_step */
	bool required;
	const char *choices; /* V_WORD: "a|b|c"; NULL: any */
	int64_t most;        /* V_NUMBER: from 0, or from minus |most| where |low| is set */
	bool low;
};

enum { KEYS_MAX = 7 };

struct verb_row {
	const char *word;
	const char *sentence; /* what it does */
	bool expects;         /* belongs under expect */
	struct key_row keys[KEYS_MAX];
};

extern const struct verb_row scenario_verbs[SIM_VERBS];

/* Is |text| one of "a|b|c"? */
bool scenario_is_choice(const char *choices, const char *text);
