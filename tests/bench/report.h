/* What was measured: rows, targets, verdicts; the table and the JSON file. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { REPORT_RUNS_MAX = 9, REPORT_ROWS_MAX = 48 };

/* One figure. */
struct report_row {
	const char *name;
	const char *unit;
	double runs[REPORT_RUNS_MAX];
	size_t runs_count;
	/* What it is compared with, measured beside each run; NULL: nothing, and the targets are absolute. */
	const char *base;
	double base_runs[REPORT_RUNS_MAX];
	bool less; /* less is better */
	/* Targets, of the ratio to the base if there is one. 0: none. */
	double must;
	double goal;
};

struct report {
	struct report_row rows[REPORT_ROWS_MAX];
	size_t rows_count;
};

/* A new row, to be filled. */
struct report_row *report_add(struct report *report, const char *name, const char *unit);
/* Adds one run; |base| is ignored if the row has none. */
void report_run(struct report_row *row, double value, double base);

double report_median(const double *values, size_t count);
/* Medians of the runs, of the base's runs, and of the ratios run by run. */
double report_value(const struct report_row *row);
double report_base(const struct report_row *row);
double report_ratio(const struct report_row *row);

/* True if every row reaches what it must. */
bool report_passed(const struct report *report);
void report_print(const struct report *report, FILE *stream);
void report_json(const struct report *report, bool quick, FILE *stream);
