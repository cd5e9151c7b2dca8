/* The time line and the latencies: where time runs to the right. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/report_priv.h"
#include "sim/text.h"

enum {
	COLUMNS = REPORT_WIDTH - REPORT_LABEL - 10, /* one pixel each */
	ROWS_MANY = 40,                             /* with more nodes rows are thin */
	ROW_WIDE = 20,
	ROW_THIN = 4,
	TOP = 74, /* the strip of broken links and the axis */
	STRIP = 40,
	TICKS = 8,
};

/* What a node did in one pixel's time: a bit for each class. */
typedef uint8_t cell;
_Static_assert(SIM_STORY_CLASSES <= 8, "a cell holds every class");

struct line {
	const struct sim_report *report;
	cell *cells;   /* nodes x COLUMNS */
	uint8_t *down; /* the same: 1 down or paused */
	int row;       /* height */
};

static int column_of(const struct sim_report *report, tb_time at)
{
	tb_time whole = report->ended > report->started ? report->ended - report->started : 1;
	tb_time since = at - report->started;
	if (since < 0)
		since = 0;
	int column = (int)((double)since / (double)whole * COLUMNS);
	return column < COLUMNS ? column : COLUMNS - 1;
}

static void mark_down(struct line *line, uint32_t node, int from, int to)
{
	for (int i = from; i <= to; i++)
		line->down[(size_t)node * COLUMNS + (size_t)i] = 1;
}

/* Fills cells and the times when nodes were down. */
static void gather(struct line *line)
{
	const struct sim_report *report = line->report;
	int *since = tb_alloc(report->nodes_count * sizeof(*since));
	struct sim_story_walk walk = {0};
	for (size_t i = 0; i < report->nodes_count; i++)
		since[i] = -1;
	for (const struct sim_story_entry *e; (e = sim_story_next(report->story, &walk));) {
		if (e->node >= report->nodes_count)
			continue;
		int column = column_of(report, e->at);
		line->cells[(size_t)e->node * COLUMNS + (size_t)column] |=
			(cell)(1u << sim_story_class(e->kind));
		bool stops = e->kind == SIM_CRASHED || e->kind == SIM_POWER_LOST || e->kind == SIM_PAUSED;
		bool starts = e->kind == SIM_STARTED || e->kind == SIM_RESUMED;
		if (stops && since[e->node] < 0) {
			since[e->node] = column;
		} else if (starts && since[e->node] >= 0) {
			mark_down(line, e->node, since[e->node], column);
			since[e->node] = -1;
		}
	}
	for (uint32_t i = 0; i < report->nodes_count; i++) {
		if (since[i] >= 0)
			mark_down(line, i, since[i], COLUMNS - 1);
	}
	free(since);
}

/* What explains a failure hides what is ordinary. */
static int loudest(cell seen)
{
	static const enum sim_story_class order[] = {
		SIM_CLASS_CHECK, SIM_CLASS_HOSTILE, SIM_CLASS_DISK,    SIM_CLASS_LIFE,
		SIM_CLASS_LINK,  SIM_CLASS_CASE,    SIM_CLASS_MESSAGE,
	};
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (seen & (1u << order[i]))
			return (int)order[i];
	}
	return -1;
}

static void row_draw(struct tb_buf *out, const struct line *line, size_t node, int y)
{
	const uint8_t *down = line->down + node * COLUMNS;
	const cell *cells = line->cells + node * COLUMNS;
	int body = line->row > ROW_THIN ? line->row - 6 : line->row - 1;
	int above = (line->row - body) / 2;
	for (int i = 0; i < COLUMNS;) {
		int from = i;
		while (i < COLUMNS && down[i] == down[from])
			i++;
		if (down[from])
			tb_buf_printf(out,
			              "<rect class=\"down\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>",
			              REPORT_LABEL + from, y + above, i - from, body);
	}
	for (int i = 0; i < COLUMNS;) {
		int from = i;
		int what = loudest(cells[i]);
		while (i < COLUMNS && loudest(cells[i]) == what)
			i++;
		if (what < 0)
			continue;
		bool fault = what != SIM_CLASS_CASE && what != SIM_CLASS_MESSAGE;
		int width = i - from < 2 && fault ? 2 : i - from; /* Faults must be seen. */
		tb_buf_printf(out, "<rect class=\"k%d\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>", what,
		              REPORT_LABEL + from, y + above, width, body);
	}
}

static int province(const struct sim_report *report, size_t node)
{
	const char *code = report->nodes[node].code;
	return (code[0] - '0') * 10 + (code[1] - '0');
}

/* A name at each row, or with thin rows at the first of each province. */
static void rows_draw(struct tb_buf *out, const struct line *line)
{
	const struct sim_report *report = line->report;
	int labelled = -20;
	for (size_t i = 0; i < report->nodes_count; i++) {
		const struct sim_report_node *node = &report->nodes[i];
		int y = TOP + (int)i * line->row;
		bool wide = line->row == ROW_WIDE;
		bool first = i == 0 || province(report, i) != province(report, i - 1);
		if (first)
			tb_buf_printf(out, "<line class=\"rule\" x1=\"0\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/>",
			              REPORT_WIDTH, y, y);
		if (wide || (first && y - labelled >= 12)) {
			tb_buf_printf(out, "<text class=\"%s\" x=\"%d\" y=\"%d\">",
			              node->hostile ? "end hostile" : "end", REPORT_LABEL - 8,
			              y + (wide ? 14 : 10));
			sim_text_xml(out, report_short_name(node->name));
			tb_buf_str(out, "</text>");
			labelled = y;
		}
		tb_buf_printf(out, "<g><title>");
		sim_text_xml(out, node->name);
		tb_buf_printf(out, " %s%s</title>", node->code, node->hostile ? ", hostile" : "");
		row_draw(out, line, i, y);
		tb_buf_str(out, "</g>\n");
	}
}

static void axis_draw(struct tb_buf *out, const struct sim_report *report, int bottom)
{
	for (int i = 0; i <= TICKS; i++) {
		int x = REPORT_LABEL + i * (COLUMNS - 1) / TICKS;
		char text[30];
		tb_time_format(text, report->started + (report->ended - report->started) * i / TICKS);
		/* Month, day, hour, minute. */
		tb_buf_printf(out,
		              "<line class=\"tick\" x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/>"
		              "<text class=\"%s\" x=\"%d\" y=\"%d\">%.5s %.5s</text>",
		              x, x, STRIP + 22, bottom, i == TICKS ? "end small" : "mid small", x, STRIP + 16,
		              text + 5, text + 11);
	}
}

/* How many links were cut, and how many unwell, at each pixel's time. */
static void links_draw(struct tb_buf *out, const struct sim_report *report)
{
	int *cut = tb_alloc(2 * COLUMNS * sizeof(*cut));
	int *ill = cut + COLUMNS;
	int most = 0;
	for (size_t i = 0; i < report->spans_count; i++) {
		const struct sim_report_span *span = &report->spans[i];
		for (int x = column_of(report, span->since); x <= column_of(report, span->until); x++)
			(span->cut ? cut : ill)[x]++;
	}
	for (int x = 0; x < COLUMNS; x++)
		most = cut[x] + ill[x] > most ? cut[x] + ill[x] : most;
	tb_buf_printf(out, "<text class=\"end\" x=\"%d\" y=\"20\">", REPORT_LABEL - 8);
	report_say_svg(out, "线路不畅", "links unwell");
	tb_buf_printf(out, "</text><text class=\"end small\" x=\"%d\" y=\"34\">", REPORT_LABEL - 8);
	report_say_svg(out, "最多", "at most");
	tb_buf_printf(out, " %d</text>", most);
	for (int x = 0; x < COLUMNS && most > 0;) {
		int from = x;
		while (x < COLUMNS && cut[x] == cut[from] && ill[x] == ill[from])
			x++;
		double unit = (double)STRIP / most;
		double high = cut[from] * unit;
		double low = ill[from] * unit;
		if (cut[from] > 0)
			tb_buf_printf(out,
			              "<rect class=\"cut\" x=\"%d\" y=\"%.1f\" width=\"%d\" height=\"%.1f\">"
			              "<title>%d links cut</title></rect>",
			              REPORT_LABEL + from, STRIP - high, x - from, high, cut[from]);
		if (ill[from] > 0)
			tb_buf_printf(out,
			              "<rect class=\"ill\" x=\"%d\" y=\"%.1f\" width=\"%d\" height=\"%.1f\">"
			              "<title>%d links slow or lossy</title></rect>",
			              REPORT_LABEL + from, STRIP - high - low, x - from, low, ill[from]);
	}
	free(cut);
}

static void legend_draw(struct tb_buf *out)
{
	tb_buf_str(out, "<p class=\"legend\">");
	for (int i = 0; i < SIM_STORY_CLASSES; i++) {
		const char *word = sim_story_class_word((enum sim_story_class)i);
		tb_buf_printf(out, "<span><i style=\"background:%s\"></i>",
		              report_colour((enum sim_story_class)i));
		report_say_known(out, word, word);
		tb_buf_str(out, "</span>");
	}
	tb_buf_str(out, "<span><i class=\"downbox\"></i>");
	report_say(out, "停止或暂停", "down or paused");
	tb_buf_str(out, "</span><span><i class=\"cutbox\"></i>");
	report_say(out, "线路不通", "links cut");
	tb_buf_str(out, "</span><span><i class=\"illbox\"></i>");
	report_say(out, "线路慢或丢包", "slow or lossy");
	tb_buf_str(out, "</span></p>\n");
}

void report_timeline(struct tb_buf *out, const struct sim_report *report)
{
	struct line line = {.report = report};
	line.row = report->nodes_count > ROWS_MANY ? ROW_THIN : ROW_WIDE;
	line.cells = tb_alloc(report->nodes_count * COLUMNS);
	line.down = tb_alloc(report->nodes_count * COLUMNS);
	int bottom = TOP + (int)report->nodes_count * line.row;
	gather(&line);
	legend_draw(out);
	tb_buf_printf(
		out,
		"<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Faults and events of each node\">\n",
		REPORT_WIDTH, bottom + 6);
	links_draw(out, report);
	axis_draw(out, report, bottom);
	rows_draw(out, &line);
	tb_buf_str(out, "</svg>\n");
	free(line.cells);
	free(line.down);
}

/* ---- latencies */

enum { BARS_HIGH = 120, BARS_WIDE = 520, BARS_LEFT = 10 };

/* From the first bucket that counts anything to the last. */
static void bars_draw(struct tb_buf *out, const struct sim_histogram *histogram)
{
	unsigned first = SIM_HISTOGRAM_BUCKETS;
	unsigned last = 0;
	uint64_t most = 1;
	for (unsigned i = 0; i < SIM_HISTOGRAM_BUCKETS; i++) {
		if (histogram->counts[i] == 0)
			continue;
		first = first == SIM_HISTOGRAM_BUCKETS ? i : first;
		last = i;
		most = histogram->counts[i] > most ? histogram->counts[i] : most;
	}
	double wide = (double)BARS_WIDE / (last - first + 1);
	for (unsigned i = first; i <= last; i++) {
		double high = (double)histogram->counts[i] / (double)most * BARS_HIGH;
		if (histogram->counts[i] == 0)
			continue;
		high = high < 1 ? 1 : high;
		tb_buf_printf(out,
		              "<rect class=\"bar\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\">"
		              "<title>%" PRIu64 " to %" PRIu64 ": %" PRIu64 "</title></rect>",
		              BARS_LEFT + (i - first) * wide, BARS_HIGH + 4 - high,
		              wide > 1.5 ? wide - 0.5 : wide, high, sim_histogram_from(i),
		              sim_histogram_from(i + 1) - 1, histogram->counts[i]);
	}
	tb_buf_printf(out,
	              "<line class=\"rule\" x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/>"
	              "<text class=\"small\" x=\"%d\" y=\"%d\">%" PRIu64 "</text>"
	              "<text class=\"end small\" x=\"%d\" y=\"%d\">%" PRIu64 "</text>",
	              BARS_LEFT, BARS_LEFT + BARS_WIDE, BARS_HIGH + 4, BARS_HIGH + 4, BARS_LEFT,
	              BARS_HIGH + 18, sim_histogram_from(first), BARS_LEFT + BARS_WIDE, BARS_HIGH + 18,
	              histogram->greatest);
}

void report_latencies(struct tb_buf *out, const struct sim_report *report)
{
	tb_buf_str(out, "<div class=\"cards\">\n");
	for (size_t i = 0; i < report->latencies_count; i++) {
		const struct sim_report_latency *latency = &report->latencies[i];
		const struct sim_histogram *histogram = latency->histogram;
		tb_buf_str(out, "<figure><figcaption>");
		report_say_known(out, latency->name, latency->name);
		tb_buf_str(out, "</figcaption>");
		if (histogram->count == 0) {
			tb_buf_str(out, "<p>");
			report_say(out, "没有", "none");
			tb_buf_str(out, "</p></figure>\n");
			continue;
		}
		tb_buf_str(out, "<p class=\"figures\">");
		report_say(out, "半数 ", "half ");
		tb_buf_printf(out, "<b>%" PRIu64 "</b> %s", sim_histogram_share(histogram, 0.5),
		              latency->unit);
		report_say(out, "，99 % ", ", 99 % ");
		tb_buf_printf(out, "<b>%" PRIu64 "</b> %s", sim_histogram_share(histogram, 0.99),
		              latency->unit);
		report_say(out, "，最长 ", ", longest ");
		tb_buf_printf(out, "<b>%" PRIu64 "</b> %s", histogram->greatest, latency->unit);
		report_say(out, "，共 ", ", of ");
		tb_buf_printf(out, "%" PRIu64 "</p>", histogram->count);
		tb_buf_printf(out, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Distribution\">\n",
		              BARS_WIDE + 2 * BARS_LEFT, BARS_HIGH + 24);
		bars_draw(out, histogram);
		tb_buf_str(out, "</svg></figure>\n");
	}
	tb_buf_str(out, "</div>\n");
}
