/* report.json and junit.xml. */
#include <inttypes.h>
#include <string.h>

#include "sim/report_priv.h"
#include "sim/text.h"

/* ---- JSON */

static void key_text(struct tb_buf *out, const char *key, const char *text)
{
	tb_buf_printf(out, "\"%s\":", key);
	sim_text_json(out, text);
}

static void key_time(struct tb_buf *out, const char *key, tb_time at)
{
	char text[30];
	tb_time_format(text, at);
	tb_buf_printf(out, "\"%s\":\"%s\"", key, text);
}

static const char *verdict_word(enum sim_verdict verdict)
{
	switch (verdict) {
	case SIM_HELD:
		return "held";
	case SIM_DIED:
		return "died";
	case SIM_NOT_LIVE:
		return "not-live";
	case SIM_BROKEN:
		return "broken";
	}
	return "";
}

static void json_checks(struct tb_buf *out, const struct sim_report *report)
{
	tb_buf_str(out, ",\n\"invariants\":[");
	for (size_t i = 0; i < report->checks_count; i++) {
		const struct sim_report_check *check = &report->checks[i];
		tb_buf_str(out, i ? ",\n{" : "\n{");
		key_text(out, "name", check->name);
		tb_buf_printf(out, ",\"checked\":%" PRIu64 ",\"broken\":%" PRIu64, check->checked,
		              check->broken);
		if (check->first) {
			tb_buf_str(out, ",");
			key_text(out, "first", check->first);
		}
		tb_buf_str(out, "}");
	}
	tb_buf_str(out, "]");
}

static void json_marks(struct tb_buf *out, const struct sim_report *report)
{
	tb_buf_str(out, ",\n\"marks\":[");
	for (size_t i = 0; i < report->marks_count; i++) {
		const struct sim_report_mark *mark = &report->marks[i];
		tb_buf_str(out, i ? ",\n{" : "\n{");
		key_text(out, "name", mark->name);
		tb_buf_printf(out, ",\"count\":%" PRIu64 ",\"required\":%s}", mark->count,
		              mark->required ? "true" : "false");
	}
	tb_buf_str(out, "],\n\"counts\":{");
	for (size_t i = 0; i < report->counts_count; i++) {
		tb_buf_str(out, i ? ",\n" : "\n");
		sim_text_json(out, report->counts[i].name);
		tb_buf_printf(out, ":%" PRIu64, report->counts[i].count);
	}
	tb_buf_str(out, "}");
}

static void json_latencies(struct tb_buf *out, const struct sim_report *report)
{
	tb_buf_str(out, ",\n\"latencies\":[");
	for (size_t i = 0; i < report->latencies_count; i++) {
		const struct sim_report_latency *latency = &report->latencies[i];
		const struct sim_histogram *histogram = latency->histogram;
		tb_buf_str(out, i ? ",\n{" : "\n{");
		key_text(out, "name", latency->name);
		tb_buf_str(out, ",");
		key_text(out, "unit", latency->unit);
		tb_buf_printf(out,
		              ",\"count\":%" PRIu64 ",\"p50\":%" PRIu64 ",\"p90\":%" PRIu64
		              ",\"p99\":%" PRIu64 ",\"max\":%" PRIu64 "}",
		              histogram->count, sim_histogram_share(histogram, 0.5),
		              sim_histogram_share(histogram, 0.9), sim_histogram_share(histogram, 0.99),
		              histogram->greatest);
	}
	tb_buf_str(out, "]");
}

void sim_report_json(struct tb_buf *out, const struct sim_report *report)
{
	tb_buf_str(out, "{");
	key_text(out, "verdict", verdict_word(report->verdict));
	tb_buf_printf(out, ",\n\"exit\":%d,\n", (int)report->verdict);
	key_text(out, "sentence", report->sentence);
	tb_buf_printf(out, ",\n\"seed\":%" PRIu64 ",\n", report->seed);
	key_text(out, "preset", report->preset);
	tb_buf_str(out, ",\n");
	key_text(out, "crypto", report->crypto);
	tb_buf_str(out, ",\n");
	key_text(out, "version", report->version);
	tb_buf_str(out, ",\n");
	key_text(out, "replay", report->replay);
	tb_buf_str(out, ",\n");
	key_text(out, "hash", report->hash);
	tb_buf_str(out, ",\n");
	key_time(out, "started", report->started);
	tb_buf_str(out, ",\n");
	key_time(out, "ended", report->ended);
	tb_buf_printf(out, ",\n\"nodes\":%zu,\n\"events\":%" PRIu64, report->nodes_count, report->events);
	if (report->wall_seconds > 0)
		tb_buf_printf(out, ",\n\"wall_seconds\":%.3f", report->wall_seconds);
	tb_buf_printf(out, ",\n\"story\":{\"told\":%" PRIu64 ",\"dropped\":%" PRIu64 "}",
	              sim_story_told(report->story), sim_story_dropped(report->story));
	json_checks(out, report);
	json_marks(out, report);
	json_latencies(out, report);
	tb_buf_str(out, "}\n");
}

/* ---- JUnit */

static void junit_case(struct tb_buf *out, const char *class, const char *name, const char *failure)
{
	tb_buf_printf(out, "<testcase classname=\"%s\" name=\"", class);
	sim_text_xml(out, name);
	if (!failure) {
		tb_buf_str(out, "\"/>\n");
		return;
	}
	tb_buf_str(out, "\"><failure message=\"");
	sim_text_xml(out, failure);
	tb_buf_str(out, "\"/></testcase>\n");
}

void sim_report_junit(struct tb_buf *out, const struct sim_report *report)
{
	size_t failures = report->verdict != SIM_HELD;
	size_t tests = 1 + report->checks_count;
	for (size_t i = 0; i < report->checks_count; i++)
		failures += report->checks[i].broken > 0;
	for (size_t i = 0; i < report->marks_count; i++) {
		tests += report->marks[i].required;
		failures += report->marks[i].required && report->marks[i].count == 0;
	}
	tb_buf_printf(
		out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"tongban-sim seed %" PRIu64
		"\" tests=\"%zu\" failures=\"%zu\" time=\"%.3f\">\n",
		report->seed, tests, failures, report->wall_seconds);
	junit_case(out, "sim.run", "verdict", report->verdict == SIM_HELD ? NULL : report->sentence);
	for (size_t i = 0; i < report->checks_count; i++) {
		const struct sim_report_check *check = &report->checks[i];
		const char *first = check->first ? check->first : "broken";
		junit_case(out, "sim.invariant", check->name, check->broken ? first : NULL);
	}
	for (size_t i = 0; i < report->marks_count; i++) {
		const struct sim_report_mark *mark = &report->marks[i];
		if (mark->required)
			junit_case(out, "sim.mark", mark->name, mark->count ? NULL : "never reached");
	}
	tb_buf_str(out, "</testsuite>\n");
}
