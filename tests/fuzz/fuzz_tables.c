/* Tables that a node's directory may bring. The first byte chooses: 0, working days; 1, regions. */
#include <assert.h>
#include <string.h>

#include "node/core/calendar.h"
#include "node/core/region.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum tb_code check_calendar(struct tb_bytes tsv, struct tb_error *err)
{
	struct calendar *calendar = NULL;
	enum tb_code code = calendar_parse(&calendar, tsv, err);
	assert((code == TB_OK) == (calendar != NULL));
	if (!calendar)
		return code;
	int first, last;
	calendar_years(calendar, &first, &last);
	assert(first <= last);
	/* What is added is what lies between. */
	tb_day from = tb_day_of(first, 1, 1);
	for (int32_t days = 0; days < 300; days += 7) {
		tb_day end;
		int32_t between;
		bool working = false;
		if (calendar_add(calendar, from, days, &end, NULL) != TB_OK)
			break;
		code = calendar_is_working(calendar, end, &working, NULL);
		assert(code == TB_OK && working);
		code = calendar_between(calendar, from, end, &between, NULL);
		assert(code == TB_OK && (between == days || (days == 0 && between == 1)));
	}
	calendar_free(calendar);
	return TB_OK;
}

static enum tb_code check_regions(struct tb_bytes tsv, struct tb_error *err)
{
	struct regions *regions = NULL;
	enum tb_code code = regions_parse(&regions, tsv, err);
	assert((code == TB_OK) == (regions != NULL));
	if (!regions)
		return code;
	const char *before = "";
	for (size_t i = 0; i < regions_count(regions); i++) {
		const char *number;
		const char *name;
		regions_at(regions, i, &number, &name);
		assert(strlen(number) == REGION_CHARS && strcmp(before, number) < 0);
		assert(regions_name(regions, number) == name);
		const char *parent = regions_parent(regions, number);
		assert(strcmp(parent, "100000") == 0 || regions_name(regions, parent));
		before = number;
	}
	regions_free(regions);
	return TB_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct tb_error err = {0};
	struct tb_bytes tsv = {data + 1, size - 1};
	enum tb_code code = data[0] % 2 ? check_regions(tsv, &err) : check_calendar(tsv, &err);
	assert(code == TB_OK || (err.code == code && err.text[0] && tb_utf8_valid(tb_bytes_str(err.text))));
	return 0;
}
