#include "sim/scenario_priv.h"

#include <stdlib.h>
#include <string.h>

enum { SPAN_DAYS_MAX = 3660, BYTES_SHIFT_MAX = 30 };

/* Digits only; moves |text| behind them. */
static bool digits(const char **text, int64_t *out)
{
	int64_t value = 0;
	const char *at = *text;
	for (; *at >= '0' && *at <= '9'; at++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, *at - '0', &value))
			return false;
	}
	bool some = at > *text;
	*text = at;
	*out = value;
	return some;
}

bool scenario_number(const char *text, int64_t low, int64_t high, int64_t *out)
{
	bool minus = *text == '-';
	text += minus;
	if (!digits(&text, out) || *text != '\0')
		return false;
	*out = minus ? -*out : *out;
	return *out >= low && *out <= high;
}

static tb_time unit_of(const char **text)
{
	static const struct {
		const char *word;
		tb_time unit;
	} units[] = {{"ms", 1}, {"s", TB_SECOND}, {"m", TB_MINUTE}, {"h", TB_HOUR}, {"d", TB_DAY}};
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t size = strlen(units[i].word);
		if (strncmp(*text, units[i].word, size) == 0) {
			*text += size;
			return units[i].unit;
		}
	}
	return 0;
}

bool scenario_span(const char *text, bool negative, tb_time *out)
{
	const tb_time most = SPAN_DAYS_MAX * TB_DAY;
	tb_time sum = 0;
	bool minus = negative && *text == '-';
	if (negative && (*text == '-' || *text == '+'))
		text++;
	do {
		int64_t count;
		if (!digits(&text, &count))
			return false;
		tb_time unit = unit_of(&text);
		if (unit == 0 || count > most / unit || sum + count * unit > most)
			return false;
		sum += count * unit;
	} while (*text);
	*out = minus ? -sum : sum;
	return true;
}

bool scenario_bytes(const char *text, int64_t *out)
{
	static const char *const units[] = {"", "KiB", "MiB", "GiB"};
	if (!digits(&text, out))
		return false;
	text += *text == ' ';
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(text, units[i]) != 0)
			continue;
		if (*out > INT32_MAX)
			return false;
		*out <<= 10 * i;
		return *out <=
		       (int64_t)2 << BYTES_SHIFT_MAX; /* what a material may hold (TB_MATERIAL_CHUNKS_MAX) */
	}
	return false;
}

/* "HH:MM" or "HH:MM:SS" as time since midnight. */
static bool clock_time(const char *text, tb_time *out)
{
	int64_t parts[3] = {0};
	size_t count = 0;
	do {
		text += count > 0;
		const char *begins = text;
		if (!digits(&text, &parts[count++]) || text != begins + 2)
			return false;
	} while (*text == ':' && count < 3);
	if (*text != '\0' || count < 2 || parts[0] > 23 || parts[1] > 59 || parts[2] > 59)
		return false;
	*out = parts[0] * TB_HOUR + parts[1] * TB_MINUTE + parts[2] * TB_SECOND;
	return true;
}

bool scenario_moment(const char *text, tb_time *out)
{
	enum { DATE_BYTES = 10 };
	char date[DATE_BYTES + 1] = {0};
	tb_day day;
	tb_time time;
	if (strlen(text) <= DATE_BYTES || text[DATE_BYTES] != ' ')
		return false;
	memcpy(date, text, DATE_BYTES);
	if (!tb_day_parse(date, &day) || !clock_time(text + DATE_BYTES + 1, &time))
		return false;
	*out = tb_day_start(day) + time;
	return true;
}

bool scenario_at(const char *text, tb_time starts, tb_time last, tb_time *out)
{
	tb_time time;
	tb_day first = tb_day_at(starts);
	if (scenario_moment(text, out))
		return true;
	if (clock_time(text, &time)) {
		*out = tb_day_start(first) + time;
		return true;
	}
	if (*text++ != '+')
		return false;
	if (scenario_span(text, false, &time)) {
		*out = last + time;
		return true;
	}
	int64_t days;
	if (!digits(&text, &days) || days > SPAN_DAYS_MAX || *text != ' ' || !clock_time(text + 1, &time))
		return false;
	*out = tb_day_start(first + (tb_day)days) + time;
	return true;
}
