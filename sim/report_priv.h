/* The parts of report.html, one file each. Every text is there in Chinese and in English; the page shows one
 * of them (report.c, STYLE). What happened in the run is told in English. */
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

/* report_words.c: the Chinese for the invariant, mark, count or class |name|; NULL: there is none. */
const char *report_zh(const char *name);
void report_say(struct tb_buf *out, const char *zh, const char *en);
void report_say_svg(struct tb_buf *out, const char *zh, const char *en); /* inside of a text element */
/* What |name| is called in Chinese, and |en|. */
void report_say_known(struct tb_buf *out, const char *name, const char *en);

/* "兰州" of "兰州市"; lives until the next call but seven. */
const char *report_short_name(const char *name);
/* "3 d 07:15:02.118" since the run began. */
void report_since(char out[32], const struct sim_report *report, tb_time at);
/* The colour of a class, a CSS variable. */
const char *report_colour(enum sim_story_class class);
/* "<title>time name: kind text</title>", the tooltip of |entry|. */
void report_title(struct tb_buf *out, const struct sim_report *report, const struct sim_story_entry *entry);
