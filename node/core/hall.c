#include "node/core/hall.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "node/core/calendar.h"
#include "node/core/casetable.h"

enum { HOURS_MAX = 16, LISTS_MAX = 200, PHASE_MAX = 100, MINUTES_A_DAY = 24 * 60 };

/* ---- areas */

enum hall_level hall_level(const char *area)
{
	size_t size = strspn(area, "0123456789");
	if (area[size] || (size != 6 && size != 9 && size != 12) || strncmp(area, "00", 2) == 0)
		return HALL_NOWHERE;
	if (size == 12 && strcmp(area + 9, "000") != 0)
		return HALL_VILLAGE;
	if (size >= 9 && strncmp(area + 6, "000", 3) != 0)
		return HALL_TOWN;
	if (strncmp(area + 4, "00", 2) != 0)
		return HALL_COUNTY;
	return strncmp(area + 2, "00", 2) != 0 ? HALL_CITY : HALL_PROVINCE;
}

const char *hall_level_text(enum hall_level level, bool zh)
{
	static const char *const texts[][2] = {{"?", "?"},       {"province", "省"},   {"city", "市"},
	                                       {"county", "县"}, {"town", "乡镇街道"}, {"village", "村社区"}};
	return texts[level][zh];
}

/* |region| without what stands for all of it: "32" of 320000, "3204" of 320400. */
static bool within(const char *area, const char *region)
{
	size_t size = strlen(region);
	while (size > 2 && strncmp(region + size - 2, "00", 2) == 0)
		size -= 2;
	return strncmp(area, region, size) == 0;
}

/* ---- hours */

static bool minutes_of(const char *text, int *minutes)
{
	static const char form[] = "dd:dd";
	for (size_t i = 0; i < sizeof(form); i++) {
		bool digit = text[i] >= '0' && text[i] <= '9';
		if (form[i] == 'd' ? !digit : text[i] != form[i])
			return false;
	}
	int hour = (text[0] - '0') * 10 + text[1] - '0', minute = (text[3] - '0') * 10 + text[4] - '0';
	if (minute > 59)
		return false;
	*minutes = hour * 60 + minute;
	return *minutes <= MINUTES_A_DAY;
}

static bool days_known(const char *days)
{
	static const char *const all[] = {"workdays", "saturday", "sunday", "restdays", "daily"};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (strcmp(all[i], days) == 0)
			return true;
	}
	return false;
}

static enum tb_code check_hours(const PbHall *hall, struct tb_error *err)
{
	if (hall->n_hours > HOURS_MAX)
		return tb_fail(err, TB_ETOOBIG, "hours: more than %d", HOURS_MAX);
	for (size_t i = 0; i < hall->n_hours; i++) {
		const PbServiceHours *hours = hall->hours[i];
		int from, to;
		if (!days_known(hours->days))
			return tb_fail(err, TB_EINVALID,
			               "hours[%zu].days: workdays, saturday, sunday, restdays or daily", i);
		if (!minutes_of(hours->from, &from) || !minutes_of(hours->to, &to) || from >= to)
			return tb_fail(err, TB_EINVALID,
			               "hours[%zu]: from and to are times like 09:00, in order", i);
	}
	return TB_OK;
}

enum tb_code hall_open(const PbHall *hall, const struct calendar *calendar, tb_time at, bool *open,
                       struct tb_error *err)
{
	tb_day day = tb_day_at(at);
	int minute = (int)((at - tb_day_start(day)) / TB_MINUTE), weekday = tb_day_weekday(day);
	bool works;
	*open = false;
	enum tb_code code = calendar_is_working(calendar, day, &works, err);
	for (size_t i = 0; i < hall->n_hours && code == TB_OK; i++) {
		const PbServiceHours *hours = hall->hours[i];
		int from = 0, to = 0;
		bool that_day = strcmp(hours->days, "daily") == 0 ||
		                (strcmp(hours->days, "workdays") == 0 && works) ||
		                (strcmp(hours->days, "restdays") == 0 && !works) ||
		                (strcmp(hours->days, "saturday") == 0 && weekday == 6) ||
		                (strcmp(hours->days, "sunday") == 0 && weekday == 0);
		if (that_day && minutes_of(hours->from, &from) && minutes_of(hours->to, &to) &&
		    minute >= from && minute < to)
			*open = true;
	}
	return code;
}

/* ---- the whole */

static enum tb_code check_text(const char *text, size_t max, bool needed, const char *what,
                               struct tb_error *err)
{
	if (needed && case_text_blank(text))
		return tb_fail(err, TB_EINVALID, "%s: missing", what);
	if (strlen(text) > max)
		return tb_fail(err, TB_ETOOBIG, "%s: longer than %zu bytes", what, max);
	return tb_text_printable(tb_bytes_str(text)) ? TB_OK
	                                             : tb_fail(err, TB_EINVALID, "%s: not plain text", what);
}

static enum tb_code check_list(char *const *list, size_t count, const char *what, struct tb_error *err)
{
	enum tb_code code =
		count > LISTS_MAX ? tb_fail(err, TB_ETOOBIG, "%s: more than %d", what, LISTS_MAX) : TB_OK;
	for (size_t i = 0; i < count && code == TB_OK; i++)
		code = check_text(list[i], TB_NAME_BYTES_MAX, true, what, err);
	return code;
}

enum tb_code hall_check(const PbHall *hall, const char *region, struct tb_error *err)
{
	enum tb_code code = check_text(hall->code, TB_ID_BYTES_MAX, true, "code", err);
	if (code == TB_OK)
		code = check_text(hall->name, TB_NAME_BYTES_MAX, true, "name", err);
	if (code == TB_OK && hall_level(hall->area) == HALL_NOWHERE)
		code = tb_fail(err, TB_EINVALID, "area: a code of 6, 9 or 12 digits is expected");
	if (code == TB_OK && !within(hall->area, region))
		code = tb_fail(err, TB_EINVALID, "area: %.12s is not in %s", hall->area, region);
	if (code == TB_OK)
		code = check_text(hall->address, TB_TEXT_BYTES_MAX, hall->hands_out, "address", err);
	if (code == TB_OK)
		code = check_text(hall->phone, TB_ID_BYTES_MAX, false, "phone", err);
	if (code == TB_OK)
		code = check_text(hall->window_class, TB_ID_BYTES_MAX, false, "window_class", err);
	if (code == TB_OK)
		code = check_list(hall->windows, hall->n_windows, "windows", err);
	if (code == TB_OK)
		code = check_list(hall->departments, hall->n_departments, "departments", err);
	if (code == TB_OK)
		code = check_list(hall->alliances, hall->n_alliances, "alliances", err);
	for (size_t i = 0; i < hall->n_contacts && code == TB_OK; i++) {
		code = check_text(hall->contacts[i]->name, TB_NAME_BYTES_MAX, true, "contacts", err);
		if (code == TB_OK)
			code = check_text(hall->contacts[i]->phone, TB_ID_BYTES_MAX, false, "contacts.phone",
			                  err);
	}
	if (code == TB_OK && hall->n_contacts > LISTS_MAX)
		code = tb_fail(err, TB_ETOOBIG, "contacts: more than %d", LISTS_MAX);
	return code ? code : check_hours(hall, err);
}

enum tb_code department_check_one(const PbDepartment *department, struct tb_error *err)
{
	tb_day day;
	enum tb_code code = check_text(department->code, TB_ID_BYTES_MAX, true, "code", err);
	if (code == TB_OK)
		code = check_text(department->name, TB_NAME_BYTES_MAX, true, "name", err);
	if (code == TB_OK && department->since[0] && !tb_day_parse(department->since, &day))
		code = tb_fail(err, TB_EINVALID, "since: a date like 2026-01-31 is expected");
	if (code == TB_OK && department->phase > PHASE_MAX)
		code = tb_fail(err, TB_EINVALID, "phase: over %d", PHASE_MAX);
	return code ? code : check_text(department->phone, TB_ID_BYTES_MAX, false, "phone", err);
}
