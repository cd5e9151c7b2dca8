/* The parts of report.html, one file each. */
#pragma once

#include "sim/report.h"

enum {
	REPORT_WIDTH = 1120, /* of every drawing, in CSS pixels */
	REPORT_LABEL = 110,  /* left of it, for names */
};

/* report_time.c: faults and events of each node over the run. */
void report_timeline(struct tb_buf *out, const struct sim_report *report);
/* report_case.c: one case as messages between nodes. */
void report_sequence(struct tb_buf *out, const struct sim_report *report);
/* report_map.c: regions, and the links that were not well, in slices of the run. */
void report_map(struct tb_buf *out, const struct sim_report *report);
/* report_time.c */
void report_latencies(struct tb_buf *out, const struct sim_report *report);

/* "兰州" of "兰州市"; lives until the next call but seven. */
const char *report_short_name(const char *name);
/* "3 d 07:15:02.118" since the run began. */
void report_since(char out[32], const struct sim_report *report, tb_time at);
/* The colour of a class, a CSS variable. */
const char *report_colour(enum sim_story_class class);
/* "<title>time name: kind text</title>", the tooltip of |entry|. */
void report_title(struct tb_buf *out, const struct sim_report *report, const struct sim_story_entry *entry);
