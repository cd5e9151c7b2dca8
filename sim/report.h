/* What a run leaves for people and for machines.
 *
 *   report.html   self-contained and without script: verdict, marks, time line, one case, map, latencies
 *   report.json   the same figures
 *   junit.xml     a test case for each invariant and each mark that had to be reached
 *
 * The structs are filled by whoever ran the world; nothing is owned here. Same input, same bytes. */
#pragma once

#include "base/bytes.h"
#include "base/time.h"
#include "sim/histogram.h"
#include "sim/story.h"

/* The values are the exit status. */
enum sim_verdict { SIM_HELD = 0, SIM_DIED = 127, SIM_NOT_LIVE = 128, SIM_BROKEN = 129 };

struct sim_report_node {
	const char *code; /* six digits; the first two place it on the map */
	const char *name; /* Chinese */
	bool hostile;
};

struct sim_report_check {
	const char *name;     /* receipt-implies-record */
	const char *sentence; /* what must hold */
	uint64_t checked;     /* how often it was looked at */
	uint64_t broken;
	const char *first; /* the first time it broke, in words; NULL: never */
};

struct sim_report_mark {
	const char *name;
	const char *sentence;
	uint64_t count;
	bool required; /* the run must reach it */
};

struct sim_report_count {
	const char *name; /* "cases submitted" */
	uint64_t count;
};

struct sim_report_latency {
	const char *name; /* "verification, asked to answered" */
	const struct sim_histogram *histogram;
	const char *unit; /* "ms"; "s" */
};

/* A link that was not well for some time. */
struct sim_report_span {
	uint32_t from; /* node indices; directed */
	uint32_t to;
	tb_time since;
	tb_time until;
	bool cut; /* else slow or lossy */
};

struct sim_report {
	enum sim_verdict verdict;
	const char *sentence; /* one, what the verdict means here */
	uint64_t seed;
	const char *preset;
	const char *crypto;  /* "stub" or "real" */
	const char *version; /* of the program */
	const char *replay;  /* the command that gives this run again */
	const char *hash;    /* of the state, hex; "" : none */
	tb_time started;     /* true time of the world */
	tb_time ended;
	uint64_t events;
	double wall_seconds; /* 0: not measured, left out */

	const struct sim_report_node *nodes;
	size_t nodes_count;
	const struct sim_report_check *checks;
	size_t checks_count;
	const struct sim_report_mark *marks;
	size_t marks_count;
	const struct sim_report_count *counts;
	size_t counts_count;
	const struct sim_report_latency *latencies;
	size_t latencies_count;
	const struct sim_report_span *spans; /* by |since| */
	size_t spans_count;

	const struct sim_story *story;
	const char *chosen_case; /* NULL: the one that broke, else the one with most to tell */
};

void sim_report_html(struct tb_buf *out, const struct sim_report *report);
void sim_report_json(struct tb_buf *out, const struct sim_report *report);
void sim_report_junit(struct tb_buf *out, const struct sim_report *report);

/* Writes report.html, report.json and junit.xml into |dir|, which is there. events.jsonl is the story's own
 * stream (sim_story_stream()). */
TB_MUST_CHECK enum tb_code sim_report_write(const char *dir, const struct sim_report *report,
                                            struct tb_error *err);
