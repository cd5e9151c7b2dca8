/* The working-day calendar: which days count in a legal limit.
 *
 * The file has one line for each exception: "YYYY-MM-DD<TAB>H|W<TAB>name". H is a rest day, W a Saturday or
 * Sunday that is worked; every other day of a covered year is worked from Monday to Friday. A year without a
 * single line is not covered: the State Council announces each year's days late in the year before, and a
 * guessed limit is worse than none. Days are Beijing days. A calendar never changes once made; any thread. */
#pragma once

#include "base/bytes.h"
#include "base/time.h"

struct calendar;

/* Reads a file in any order of days; '#' begins a comment line, empty lines are skipped. On failure *out is
 * NULL and |err| names the line.
 *
 * TB_ETOOBIG    more than TB_FILE_BYTES_MAX bytes
 * TB_EMALFORMED not such a line, a day twice, a W that is no weekend, or no line at all */
TB_MUST_CHECK enum tb_code calendar_parse(struct calendar **out, struct tb_bytes tsv, struct tb_error *err);
void calendar_free(struct calendar *calendar);

/* The first and the last year that the file covers; there may be gaps between. */
void calendar_years(const struct calendar *calendar, int *first, int *last);

/* All three: TB_ECALENDAR names the year that is not covered; the result is then untouched. */
TB_MUST_CHECK enum tb_code calendar_is_working(const struct calendar *calendar, tb_day day, bool *out,
                                               struct tb_error *err);

/* The last day of a limit of |days| working days from an event on |from|, which is not counted itself. The
 * result is always a working day: a limit of 0 days ends on |from|, or on the next working day if |from| is
 * none. TB_EINVALID: |days| is negative. */
TB_MUST_CHECK enum tb_code calendar_add(const struct calendar *calendar, tb_day from, int32_t days,
                                        tb_day *out, struct tb_error *err);

/* The number of working days after |from| up to and with |to|; negative if |to| is before |from|. */
TB_MUST_CHECK enum tb_code calendar_between(const struct calendar *calendar, tb_day from, tb_day to,
                                            int32_t *days, struct tb_error *err);

/* The moment at which a limit is over whose last day is |last|: 24:00 in Beijing. */
tb_time calendar_deadline(tb_day last);
