/* Values of scenario files: texts to numbers, times and sizes. */
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
