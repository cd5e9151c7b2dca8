#include "node/core/calendar.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

enum {
	YEAR_FIRST = 2000, /* The years that a file may speak of. */
	YEAR_LAST = 2199,
	YEARS = YEAR_LAST - YEAR_FIRST + 1,
	YEAR_BYTES = 46,  /* 366 bits */
	DATE_BYTES = 10,  /* YYYY-MM-DD */
	BEYOND = 1 << 20, /* days from 1970 that tb_day_split() surely bears, beyond YEAR_LAST */
};

struct year {
	bool covered;
	uint8_t listed[YEAR_BYTES];  /* bit set: the file has a line for the day */
	uint8_t working[YEAR_BYTES]; /* bit set: a working day */
};

struct calendar {
	int first;
	int last;
	struct year years[YEARS];
};

static bool bit_get(const uint8_t *bits, int index)
{
	return bits[index / 8] >> (index % 8) & 1;
}

static void bit_put(uint8_t *bits, int index, bool value)
{
	uint8_t mask = (uint8_t)(1U << (index % 8));
	bits[index / 8] = (uint8_t)(value ? bits[index / 8] | mask : bits[index / 8] & ~mask);
}

static bool is_weekend(tb_day day)
{
	int weekday = tb_day_weekday(day);
	return weekday == 0 || weekday == 6;
}

static void year_cover(struct calendar *calendar, int year)
{
	struct year *page = &calendar->years[year - YEAR_FIRST];
	if (page->covered)
		return;
	page->covered = true;
	tb_day first = tb_day_of(year, 1, 1);
	int count = tb_day_of(year + 1, 1, 1) - first;
	for (int i = 0; i < count; i++)
		bit_put(page->working, i, !is_weekend(first + i));
	if (calendar->first == 0 || year < calendar->first)
		calendar->first = year;
	if (year > calendar->last)
		calendar->last = year;
}

static enum tb_code parse_line(struct calendar *calendar, const char *line, size_t size, size_t number,
                               struct tb_error *err)
{
	char date[DATE_BYTES + 1] = {0};
	tb_day day;
	if (size < DATE_BYTES + 2 || line[DATE_BYTES] != '\t')
		return tb_fail(err, TB_EMALFORMED, "line %zu: not YYYY-MM-DD, a tab, H or W", number);
	memcpy(date, line, DATE_BYTES);
	if (!tb_day_parse(date, &day))
		return tb_fail(err, TB_EMALFORMED, "line %zu: no such day", number);
	char kind = line[DATE_BYTES + 1];
	if ((kind != 'H' && kind != 'W') || (size > DATE_BYTES + 2 && line[DATE_BYTES + 2] != '\t'))
		return tb_fail(err, TB_EMALFORMED, "line %zu: the second column is neither H nor W", number);
	if (kind == 'W' && !is_weekend(day))
		return tb_fail(err, TB_EMALFORMED, "line %zu: W, but no Saturday or Sunday", number);
	int year, month, day_of_month;
	tb_day_split(day, &year, &month, &day_of_month);
	if (year < YEAR_FIRST || year > YEAR_LAST)
		return tb_fail(err, TB_EMALFORMED, "line %zu: year not from %d to %d", number, YEAR_FIRST,
		               YEAR_LAST);
	year_cover(calendar, year);
	struct year *page = &calendar->years[year - YEAR_FIRST];
	int index = day - tb_day_of(year, 1, 1);
	if (bit_get(page->listed, index))
		return tb_fail(err, TB_EMALFORMED, "line %zu: %s stands there twice", number, date);
	bit_put(page->listed, index, true);
	bit_put(page->working, index, kind == 'W');
	return TB_OK;
}

static enum tb_code parse_lines(struct calendar *calendar, struct tb_bytes tsv, struct tb_error *err)
{
	const char *at = (const char *)tsv.data;
	const char *end = at + tsv.size;
	if (tsv.size >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0)
		at += 3; /* The byte order mark that some editors leave. */
	for (size_t number = 1; at < end; number++) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		const char *next = stop ? stop + 1 : end;
		size_t size = (size_t)((stop ? stop : end) - at);
		if (size > 0 && at[size - 1] == '\r')
			size--;
		if (size > 0 && at[0] != '#') {
			enum tb_code code = parse_line(calendar, at, size, number, err);
			if (code != TB_OK)
				return code;
		}
		at = next;
	}
	if (calendar->first == 0)
		return tb_fail(err, TB_EMALFORMED, "the working-day calendar has no line");
	return TB_OK;
}

enum tb_code calendar_parse(struct calendar **out, struct tb_bytes tsv, struct tb_error *err)
{
	*out = NULL;
	if (tsv.size > TB_FILE_BYTES_MAX)
		return tb_fail(err, TB_ETOOBIG, "the working-day calendar has over %d bytes",
		               TB_FILE_BYTES_MAX);
	if (tsv.size == 0)
		return tb_fail(err, TB_EMALFORMED, "the working-day calendar has no line");
	struct calendar *calendar = tb_alloc(sizeof(*calendar));
	enum tb_code code = parse_lines(calendar, tsv, err);
	if (code == TB_OK) {
		*out = calendar;
		calendar = NULL; /* Handed over. */
	}
	calendar_free(calendar);
	return code;
}

void calendar_free(struct calendar *calendar)
{
	free(calendar);
}

void calendar_years(const struct calendar *calendar, int *first, int *last)
{
	*first = calendar->first;
	*last = calendar->last;
}

enum tb_code calendar_is_working(const struct calendar *calendar, tb_day day, bool *out, struct tb_error *err)
{
	if (day < -BEYOND || day > BEYOND)
		return tb_fail(err, TB_ECALENDAR, "a day outside the years %d to %d", YEAR_FIRST, YEAR_LAST);
	int year, month, day_of_month;
	tb_day_split(day, &year, &month, &day_of_month);
	const struct year *page = NULL;
	if (year >= YEAR_FIRST && year <= YEAR_LAST)
		page = &calendar->years[year - YEAR_FIRST];
	if (!page || !page->covered)
		return tb_refuse(err, TB_REASON_CALENDAR_YEAR, TB_NUMBER(year), NULL);
	*out = bit_get(page->working, day - tb_day_of(year, 1, 1));
	return TB_OK;
}

enum tb_code calendar_add(const struct calendar *calendar, tb_day from, int32_t days, tb_day *out,
                          struct tb_error *err)
{
	if (days < 0)
		return tb_fail(err, TB_EINVALID, "a limit of %d working days", days);
	tb_day day = from;
	bool working;
	enum tb_code code;
	if (days == 0) {
		code = calendar_is_working(calendar, day, &working, err);
		if (code != TB_OK)
			return code;
		days = working ? 0 : 1;
	}
	while (days > 0) {
		/* The loop ends at the first day that is not covered, long before INT32_MAX; only |from| can
		 * be as large. */
		day = day < INT32_MAX ? day + 1 : day;
		code = calendar_is_working(calendar, day, &working, err);
		if (code != TB_OK)
			return code;
		days -= working;
	}
	*out = day;
	return TB_OK;
}

enum tb_code calendar_between(const struct calendar *calendar, tb_day from, tb_day to, int32_t *days,
                              struct tb_error *err)
{
	tb_day low = from < to ? from : to;
	tb_day high = from < to ? to : from;
	int32_t count = 0;
	for (tb_day day = low; day < high; day++) {
		bool working;
		enum tb_code code = calendar_is_working(calendar, day + 1, &working, err);
		if (code != TB_OK)
			return code;
		count += working;
	}
	*days = from <= to ? count : -count;
	return TB_OK;
}

tb_time calendar_deadline(tb_day last)
{
	/* 24:00 of a day is 00:00 of the next; summed in tb_time, where no day overflows. */
	return tb_day_start(last) + TB_DAY;
}
