#include "tests/bench/report.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct report_row *report_add(struct report *report, const char *name, const char *unit)
{
	assert(report->rows_count < REPORT_ROWS_MAX);
	struct report_row *row = &report->rows[report->rows_count++];
	*row = (struct report_row){.name = name, .unit = unit};
	return row;
}

void report_run(struct report_row *row, double value, double base)
{
	assert(row->runs_count < REPORT_RUNS_MAX);
	row->runs[row->runs_count] = value;
	row->base_runs[row->runs_count++] = base;
}

static int compare(const void *a, const void *b)
{
	const double *x = a;
	const double *y = b;
	return *x < *y ? -1 : *x > *y;
}

double report_median(const double *values, size_t count)
{
	double sorted[REPORT_RUNS_MAX];
	assert(count > 0 && count <= REPORT_RUNS_MAX);
	memcpy(sorted, values, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), compare);
	return count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

double report_value(const struct report_row *row)
{
	return report_median(row->runs, row->runs_count);
}

double report_base(const struct report_row *row)
{
	return row->base ? report_median(row->base_runs, row->runs_count) : 0;
}

double report_ratio(const struct report_row *row)
{
	double ratios[REPORT_RUNS_MAX];
	for (size_t i = 0; i < row->runs_count; i++)
		ratios[i] = row->base_runs[i] > 0 ? row->runs[i] / row->base_runs[i] : 0;
	return row->base ? report_median(ratios, row->runs_count) : 0;
}

static bool reaches(const struct report_row *row, double target)
{
	double measured = row->base ? report_ratio(row) : report_value(row);
	return row->less ? measured <= target : measured >= target;
}

static const char *verdict(const struct report_row *row)
{
	if (row->must > 0 && !reaches(row, row->must))
		return "MISSED";
	if (row->goal > 0 && reaches(row, row->goal))
		return "goal";
	if (row->must > 0)
		return "must";
	return row->goal > 0 ? "below goal" : "";
}

bool report_passed(const struct report *report)
{
	for (size_t i = 0; i < report->rows_count; i++) {
		const struct report_row *row = &report->rows[i];
		if (row->must > 0 && !reaches(row, row->must))
			return false;
	}
	return true;
}

/* ---- the table */

static const char *number(char out[24], double value)
{
	snprintf(out, 24, value >= 100 ? "%.0f" : value >= 10 ? "%.1f" : "%.2f", value);
	return out;
}

static const char *target(char out[48], const struct report_row *row, double value)
{
	char text[24];
	if (value > 0)
		snprintf(out, 48, "%s%s%s", row->less ? "<= " : ">= ", number(text, value),
		         row->base ? " x" : "");
	else
		snprintf(out, 48, "-");
	return out;
}

void report_print(const struct report *report, FILE *stream)
{
	static const char format[] = "%-26s %12s  %-12s %-28s %-12s %-12s %s\n";
	fprintf(stream, format, "figure", "measured", "unit", "to baseline", "must", "goal", "verdict");
	for (size_t i = 0; i < report->rows_count; i++) {
		const struct report_row *row = &report->rows[i];
		char value[24];
		char ratio[24];
		char base[24];
		char must[48];
		char goal[48];
		char beside[80] = "-";
		if (row->base)
			snprintf(beside, sizeof(beside), "%s x %s (%s)", number(ratio, report_ratio(row)),
			         row->base, number(base, report_base(row)));
		fprintf(stream, format, row->name, number(value, report_value(row)), row->unit, beside,
		        target(must, row, row->must), target(goal, row, row->goal), verdict(row));
	}
}

/* ---- JSON; no text in it needs escapes */

static void json_runs(FILE *stream, const char *name, const double *runs, size_t count)
{
	fprintf(stream, ", \"%s\": [", name);
	for (size_t i = 0; i < count; i++)
		fprintf(stream, "%s%.6g", i ? ", " : "", runs[i]);
	fprintf(stream, "]");
}

static void json_row(FILE *stream, const struct report_row *row)
{
	fprintf(stream, "    {\"name\": \"%s\", \"unit\": \"%s\", \"value\": %.6g", row->name, row->unit,
	        report_value(row));
	json_runs(stream, "runs", row->runs, row->runs_count);
	if (row->base) {
		fprintf(stream, ", \"base\": \"%s\", \"base_value\": %.6g, \"ratio\": %.6g", row->base,
		        report_base(row), report_ratio(row));
		json_runs(stream, "base_runs", row->base_runs, row->runs_count);
	}
	if (row->must > 0)
		fprintf(stream, ", \"must\": %.6g", row->must);
	if (row->goal > 0)
		fprintf(stream, ", \"goal\": %.6g", row->goal);
	fprintf(stream, ", \"less_is_better\": %s, \"verdict\": \"%s\"}", row->less ? "true" : "false",
	        verdict(row));
}

void report_json(const struct report *report, bool quick, FILE *stream)
{
	fprintf(stream, "{\n  \"quick\": %s,\n  \"cores\": %ld,\n  \"passed\": %s,\n  \"rows\": [\n",
	        quick ? "true" : "false", sysconf(_SC_NPROCESSORS_ONLN),
	        report_passed(report) ? "true" : "false");
	for (size_t i = 0; i < report->rows_count; i++) {
		json_row(stream, &report->rows[i]);
		fprintf(stream, "%s\n", i + 1 < report->rows_count ? "," : "");
	}
	fprintf(stream, "  ]\n}\n");
}
