#include "sim/report.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const tb_time BEGAN = 1790000000000;

static const struct sim_report_node nodes[] = {
	{"620100", "兰州市", false},           {"320400", "常州市", false},
	{"650000", "新疆维吾尔自治区", false}, {"440300", "深圳市", true},
	{"460100", "海口市", false},           {"110000", "北京市", false},
	{"152500", "锡林郭勒盟", false},       {"810000", "香港特别行政区", false},
};

enum { NODES = sizeof(nodes) / sizeof(nodes[0]) };

static const struct sim_report_mark marks[] = {
	{"receipt-lost-then-resent",
         "A receipt was lost, the package came again, the same receipt was given.", 12, true},
	{"withdraw-beaten-by-decide", "A withdrawal met a decision that was made before.", 0, true},
	{"deemed-acceptance", "Five working days went by without a word.", 0, false},
};

static const struct sim_report_count counts[] = {{"cases", 182}, {"verifications", 20411}};

static const struct sim_report_span spans[] = {
	{0, 1, BEGAN + TB_HOUR, BEGAN + 20 * TB_HOUR, true},
	{1, 0, BEGAN + TB_HOUR, BEGAN + 20 * TB_HOUR, true},
	{2, 3, BEGAN + 4 * TB_HOUR, BEGAN + 50 * TB_HOUR, false},
	{4, 5, BEGAN + 30 * TB_HOUR, BEGAN + 31 * TB_HOUR, true},
};

static struct sim_story *sample_story(void)
{
	struct sim_story *story = sim_story_new(2000, 2000);
	const char *number = "620100-2026-000017";
	tb_time at = BEGAN + 2 * TB_HOUR;
	sim_story_tell(story, at, SIM_CASE_EVENT, 0, SIM_NOBODY, number,
	               "submitted <at the window> & signed");
	sim_story_tell(story, at += 90, SIM_SENT, 0, 1, number, "package 1: submit");
	sim_story_tell(story, at += 40, SIM_REQUEST_LOST, 0, 1, number, "lost on the way");
	sim_story_tell(story, at += 1000, SIM_SENT, 0, 1, number, "package 1 again");
	sim_story_tell(story, at += 55, SIM_POWER_LOST, 1, SIM_NOBODY, NULL, "lost power in the commit");
	sim_story_tell(story, at += 900, SIM_STARTED, 1, SIM_NOBODY, NULL, "started");
	sim_story_tell(story, at += 60, SIM_SENT, 0, 1, number, "package 1 a third time");
	sim_story_tell(story, at += 50, SIM_CASE_EVENT, 1, SIM_NOBODY, number, "arrived: waiting");
	sim_story_tell(story, at += 5, SIM_ANSWERED, 1, 0, number, "receipt 1");
	sim_story_tell(story, at += 5, SIM_ANSWER_LOST, 1, 0, number, "receipt lost");
	sim_story_tell(story, at += 5000, SIM_HOSTILE_ACT, 3, 0, NULL, "forged a receipt");
	sim_story_tell(story, at += 5, SIM_MATERIAL_BEGUN, 1, 0, number, "fetches 执照.pdf");
	for (uint32_t i = 0; i < 1500; i++)
		sim_story_tell(story, BEGAN + (tb_time)i * 2 * TB_MINUTE, SIM_SENT, i % NODES,
		               (i + 1) % NODES, NULL, "verification");
	for (uint32_t i = 0; i < 30; i++) {
		tb_time down = BEGAN + (tb_time)(i * 7 % 48) * TB_HOUR;
		sim_story_tell(story, down, SIM_CRASHED, i % NODES, SIM_NOBODY, NULL, "killed");
		sim_story_tell(story, down + 20 * TB_MINUTE, SIM_STARTED, i % NODES, SIM_NOBODY, NULL,
		               "started");
	}
	return story;
}

struct sample {
	struct sim_histogram histogram;
	struct sim_histogram empty;
	struct sim_report_check checks[2];
	struct sim_report_latency latencies[2];
	struct sim_report report;
	struct sim_story *story;
};

static void sample_init(struct sample *sample, enum sim_verdict verdict)
{
	*sample = (struct sample){0};
	sample->story = sample_story();
	for (uint64_t i = 1; i < 4000; i++)
		sim_histogram_add(&sample->histogram, 20 + i * i % 700 + (i % 97 == 0 ? 4000 : 0));
	bool broken = verdict == SIM_BROKEN;
	sample->checks[0] = (struct sim_report_check){
		"acknowledged-case-exists", "What was acknowledged exists after any crash.", 91823, 0, NULL};
	sample->checks[1] = (struct sim_report_check){
		"receipt-implies-record", "A receipt implies a durable record with its digest.", 7123, broken,
		broken ? "常州 has <no record> of package 17" : NULL};
	sample->latencies[0] =
		(struct sim_report_latency){"verification, asked to answered", &sample->histogram, "ms"};
	sample->latencies[1] = (struct sim_report_latency){"material of 64 MiB", &sample->empty, "s"};
	sample->report = (struct sim_report){
		.verdict = verdict,
		.sentence = broken ? "常州 gave a receipt that it has no record of."
	                           : "2 days, 8 nodes, no rule broke.",
		.seed = 7,
		.preset = "rolling-power",
		.crypto = "stub",
		.version = "0.1.0",
		.replay = "tongban-sim run --seed 7 --nodes 8 --preset rolling-power --days 2",
		.hash = "8f1c",
		.started = BEGAN,
		.ended = BEGAN + 2 * TB_DAY,
		.events = 1234567,
		.wall_seconds = 12.5,
		.nodes = nodes,
		.nodes_count = NODES,
		.checks = sample->checks,
		.checks_count = 2,
		.marks = marks,
		.marks_count = 3,
		.counts = counts,
		.counts_count = 2,
		.latencies = sample->latencies,
		.latencies_count = 2,
		.spans = spans,
		.spans_count = sizeof(spans) / sizeof(spans[0]),
		.story = sample->story,
	};
}

static void sample_clear(struct sample *sample)
{
	sim_story_free(sample->story);
}

/* Every tag is closed by its own, and nothing is left: what XML asks of the frame. Fails the test if not. */
static void assert_well_formed(const char *text)
{
	const char *open[64];
	size_t sizes[64];
	size_t depth = 0;
	for (const char *at = strchr(text, '<'); at; at = strchr(at + 1, '<')) {
		if (at[1] == '!' || at[1] == '?')
			continue;
		const char *name = at + 1 + (at[1] == '/');
		size_t size = 0;
		while (isalnum((unsigned char)name[size]))
			size++;
		const char *end = strchr(at, '>');
		assert_non_null(end);
		assert_true(size > 0);
		assert_ptr_equal(memchr(at + 1, '<', (size_t)(end - at - 1)), NULL);
		if (at[1] == '/') {
			assert_true(depth > 0);
			depth--;
			assert_int_equal(size, sizes[depth]);
			assert_memory_equal(name, open[depth], size);
		} else if (end[-1] != '/') {
			assert_true(depth < 64);
			open[depth] = name;
			sizes[depth++] = size;
		}
	}
	assert_int_equal(depth, 0);
}

static unsigned occurrences(const char *text, const char *what)
{
	unsigned count = 0;
	for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
		count++;
	return count;
}

static void test_the_page_is_well_formed_and_stands_alone(void **state)
{
	(void)state;
	struct sample sample;
	struct tb_buf out = {0};
	sample_init(&sample, SIM_BROKEN);
	sim_report_html(&out, &sample.report);
	const char *text = tb_buf_text(&out);
	assert_well_formed(text);
	assert_true(tb_utf8_valid(tb_buf_bytes(&out)));
	assert_null(strstr(text, "<script"));
	assert_null(strstr(text, "src="));
	assert_null(strstr(text, "url("));
	assert_null(strstr(text, "<no record>"));
	assert_non_null(strstr(text, "&lt;no record&gt;"));
	assert_non_null(strstr(text, "An invariant or an expectation broke"));
	assert_int_equal(occurrences(text, "class=\"mark miss\""), 1);
	assert_int_equal(occurrences(text, "class=\"mark hit\""), 1);
	assert_int_equal(occurrences(text, "Map of the regions"), 6);
	tb_buf_clear(&out);
	sample_clear(&sample);
}

static void test_the_page_tells_the_case_with_most_to_tell(void **state)
{
	(void)state;
	struct sample sample;
	struct tb_buf out = {0};
	sample_init(&sample, SIM_HELD);
	sim_story_tell(sample.story, BEGAN, SIM_CASE_EVENT, 5, SIM_NOBODY, "110000-2026-1", "submitted");
	sim_report_html(&out, &sample.report);
	assert_non_null(strstr(tb_buf_text(&out), "</span> <b>620100-2026-000017</b>"));
	assert_non_null(strstr(tb_buf_text(&out), "lost power in the commit"));
	assert_null(strstr(tb_buf_text(&out), "forged a receipt</text>")); /* another node's doing */
	out.size = 0;
	sim_story_tell(sample.story, BEGAN, SIM_RULE_BROKEN, 5, SIM_NOBODY, "110000-2026-1", "no record");
	sim_report_html(&out, &sample.report);
	assert_non_null(strstr(tb_buf_text(&out), "</span> <b>110000-2026-1</b>"));
	out.size = 0;
	sample.report.chosen_case = "none such";
	sim_report_html(&out, &sample.report);
	assert_non_null(strstr(tb_buf_text(&out), "No case was told of."));
	tb_buf_clear(&out);
	sample_clear(&sample);
}

static void test_a_page_without_anything_is_well_formed(void **state)
{
	(void)state;
	struct sim_story *story = sim_story_new(0, 0);
	struct sim_report report = {.sentence = "Nothing happened.",
	                            .preset = "calm",
	                            .crypto = "stub",
	                            .version = "0",
	                            .replay = "",
	                            .hash = "",
	                            .story = story};
	struct tb_buf out = {0};
	sim_report_html(&out, &report);
	assert_well_formed(tb_buf_text(&out));
	tb_buf_clear(&out);
	sim_story_free(story);
}

/* As many nodes and broken links as there are. */
static void test_a_page_of_many_nodes_stays_within_bounds(void **state)
{
	(void)state;
	enum { MANY = 3000, SPANS = 20000 };
	struct sample sample;
	struct tb_buf out = {0};
	char(*codes)[8] = calloc(MANY, sizeof(*codes));
	struct sim_report_node *many = calloc(MANY, sizeof(*many));
	struct sim_report_span *broken = calloc(SPANS, sizeof(*broken));
	sample_init(&sample, SIM_HELD);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(codes[i], sizeof(codes[i]), "%06u", 110000 + i * 180);
		many[i] = (struct sim_report_node){codes[i], "某市", i % 10 == 0};
	}
	for (unsigned i = 0; i < SPANS; i++)
		broken[i] =
			(struct sim_report_span){i * 7 % MANY, i * 13 % MANY, BEGAN + (tb_time)i * TB_SECOND,
		                                 BEGAN + (tb_time)i * TB_SECOND + TB_HOUR, i % 2};
	for (uint32_t i = 0; i < 4000; i++)
		sim_story_tell(sample.story, BEGAN + (tb_time)i * 43 * TB_SECOND, SIM_CRASHED, i * 17 % MANY,
		               SIM_NOBODY, "X", "killed");
	sample.report.nodes = many;
	sample.report.nodes_count = MANY;
	sample.report.spans = broken;
	sample.report.spans_count = SPANS;
	sim_report_html(&out, &sample.report);
	assert_well_formed(tb_buf_text(&out));
	assert_true(out.size < 4 << 20);
	free(codes);
	free(many);
	free(broken);
	tb_buf_clear(&out);
	sample_clear(&sample);
}

static void test_junit_counts_what_failed(void **state)
{
	(void)state;
	struct sample sample;
	struct tb_buf out = {0};
	sample_init(&sample, SIM_BROKEN);
	sim_report_junit(&out, &sample.report);
	assert_well_formed(tb_buf_text(&out));
	assert_non_null(strstr(tb_buf_text(&out), "tests=\"5\" failures=\"3\""));
	assert_int_equal(occurrences(tb_buf_text(&out), "<testcase "), 5);
	assert_int_equal(occurrences(tb_buf_text(&out), "<failure "), 3);
	tb_buf_clear(&out);
	sample_clear(&sample);
}

static void test_json_holds_verdict_and_figures(void **state)
{
	(void)state;
	struct sample sample;
	struct tb_buf out = {0};
	sample_init(&sample, SIM_BROKEN);
	sim_report_json(&out, &sample.report);
	const char *text = tb_buf_text(&out);
	assert_non_null(strstr(text, "\"verdict\":\"broken\""));
	assert_non_null(strstr(text, "\"exit\":129"));
	assert_non_null(strstr(text, "\"name\":\"receipt-implies-record\",\"checked\":7123,\"broken\":1"));
	assert_non_null(strstr(text, "\"started\":\"2026-09-21T22:13:20.000+08:00\""));
	tb_buf_clear(&out);
	sample_clear(&sample);
}

static void test_files_are_written_into_the_directory(void **state)
{
	(void)state;
	static const char *const names[] = {"report.html", "report.json", "junit.xml"};
	char dir[] = "/tmp/tongban-report-XXXXXX";
	struct sample sample;
	struct tb_error err = {0};
	assert_non_null(mkdtemp(dir));
	sample_init(&sample, SIM_BROKEN);
	assert_int_equal(sim_report_write(dir, &sample.report, &err), TB_OK);
	for (size_t i = 0; i < 3; i++) {
		char path[64];
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		assert_int_equal(access(path, R_OK), 0);
		unlink(path);
	}
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(sim_report_write(dir, &sample.report, &err), TB_EIO);
	sample_clear(&sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_page_is_well_formed_and_stands_alone),
		cmocka_unit_test(test_the_page_tells_the_case_with_most_to_tell),
		cmocka_unit_test(test_a_page_without_anything_is_well_formed),
		cmocka_unit_test(test_a_page_of_many_nodes_stays_within_bounds),
		cmocka_unit_test(test_junit_counts_what_failed),
		cmocka_unit_test(test_json_holds_verdict_and_figures),
		cmocka_unit_test(test_files_are_written_into_the_directory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
