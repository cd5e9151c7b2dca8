/* Times and dates. Nothing here reads a clock: the time comes in from node/io or from sim. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted. */
typedef int64_t tb_time;

/* Days since 1970-01-01, proleptic Gregorian calendar. */
typedef int32_t tb_day;

#define TB_SECOND ((tb_time)1000)
#define TB_MINUTE (60 * TB_SECOND)
#define TB_HOUR (60 * TB_MINUTE)
#define TB_DAY (24 * TB_HOUR)

/* Legal days are Beijing days (UTC+8, no summer time). */
#define TB_ZONE (8 * TB_HOUR)

tb_day tb_day_of(int year, int month, int day); /* the caller has checked the date */
void tb_day_split(tb_day day, int *year, int *month, int *day_of_month);
int tb_day_weekday(tb_day day); /* 0 Sunday .. 6 Saturday */

/* The Beijing day in which |at| falls, and the first moment of a Beijing day. */
tb_day tb_day_at(tb_time at);
tb_time tb_day_start(tb_day day);

/* "YYYY-MM-DD" or "YYYYMMDD" (GB/T 7408). False, and *out untouched, unless the whole text is a real date. */
bool tb_day_parse(const char *text, tb_day *out);
/* "YYYY-MM-DD"; |out| has room for 11. */
void tb_day_format(char out[11], tb_day day);

/* RFC 3339 in Beijing time with milliseconds: "2026-11-21T09:30:00.000+08:00"; |out| has room for 30. */
void tb_time_format(char out[30], tb_time at);
