#include "base/time.h"

#include <stdio.h>
#include <string.h>

/* Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": days_from_civil, civil_from_days. */
tb_day tb_day_of(int year, int month, int day)
{
	year -= month <= 2;
	int era = (year >= 0 ? year : year - 399) / 400;
	int yoe = year - era * 400;
	int doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
	return era * 146097 + doe - 719468;
}

void tb_day_split(tb_day day, int *year, int *month, int *day_of_month)
{
	int z = day + 719468;
	int era = (z >= 0 ? z : z - 146096) / 146097;
	int doe = z - era * 146097;
	int yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int mp = (5 * doy + 2) / 153;
	*day_of_month = doy - (153 * mp + 2) / 5 + 1;
	*month = mp < 10 ? mp + 3 : mp - 9;
	*year = yoe + era * 400 + (*month <= 2);
}

int tb_day_weekday(tb_day day)
{
	int weekday = (day + 4) % 7; /* 1970-01-01 was a Thursday. */
	return weekday < 0 ? weekday + 7 : weekday;
}

/* Times come from peers too. What falls outside the years 0 to 9999 counts as their nearest moment, so that
 * nothing overflows. */
static tb_time clamp(tb_time at)
{
	static const tb_time least = -62167219200000 - TB_ZONE;
	static const tb_time most = 253402300799999 - TB_ZONE;
	return at < least ? least : at > most ? most : at;
}

tb_day tb_day_at(tb_time at)
{
	tb_time local = clamp(at) + TB_ZONE;
	return (tb_day)((local >= 0 ? local : local - TB_DAY + 1) / TB_DAY);
}

tb_time tb_day_start(tb_day day)
{
	return (tb_time)day * TB_DAY - TB_ZONE;
}

static bool digits(const char *text, int count, int *out)
{
	int value = 0;
	for (int i = 0; i < count; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (text[i] - '0');
	}
	*out = value;
	return true;
}

bool tb_day_parse(const char *text, tb_day *out)
{
	static const int lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	size_t size = strnlen(text, 11);
	size_t gap = size == 10 ? 1 : 0;
	if (size != 8 + 2 * gap || (gap && (text[4] != '-' || text[7] != '-')))
		return false;
	int year, month, day;
	if (!digits(text, 4, &year) || !digits(text + 4 + gap, 2, &month) ||
	    !digits(text + 6 + 2 * gap, 2, &day))
		return false;
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	if (year < 1800 || month < 1 || month > 12 || day < 1 ||
	    day > lengths[month - 1] + (month == 2 && leap))
		return false;
	*out = tb_day_of(year, month, day);
	return true;
}

void tb_day_format(char out[11], tb_day day)
{
	int year, month, day_of_month;
	tb_day_split(day, &year, &month, &day_of_month);
	snprintf(out, 11, "%04u-%02u-%02u", (unsigned)year % 10000U, (unsigned)month % 100U,
	         (unsigned)day_of_month % 100U);
}

void tb_time_format(char out[30], tb_time at)
{
	tb_day day = tb_day_at(at);
	tb_time rest = clamp(at) - tb_day_start(day);
	char date[11];
	tb_day_format(date, day);
	snprintf(out, 30, "%sT%02u:%02u:%02u.%03u+08:00", date, (unsigned)(rest / TB_HOUR) % 100U,
	         (unsigned)(rest / TB_MINUTE % 60), (unsigned)(rest / TB_SECOND % 60),
	         (unsigned)(rest % 1000));
}
