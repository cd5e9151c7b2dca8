/* One case as messages between nodes: time runs down, a column for each node. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/report_priv.h"
#include "sim/text.h"

enum {
	LANES_MAX = 7,
	ROWS_MAX = 90,   /* more are cut in the middle */
	ROWS_FIRST = 35, /* of which these are the first ones */
	FOLDED_OVER = 4, /* rows: so far back a repetition is looked for */
	ROW_HIGH = 30,
	HEAD = 56,
	TIMES_WIDE = 150,
	CASES_ROOM = 1 << 16, /* slots for choosing */
};

/* ---- choosing */

struct candidate {
	const char *number;
	uint64_t kinds; /* a bit each */
	uint64_t nodes; /* a bit each, modulo 64 */
	uint32_t count;
};

static uint32_t hash_text(const char *text)
{
	uint32_t hash = 2166136261u; /* FNV-1a */
	for (; *text; text++)
		hash = (hash ^ (uint8_t)*text) * 16777619u;
	return hash;
}

/* NULL when the table is full: then later cases are not considered. */
static struct candidate *candidate_of(struct candidate *table, const char *number, size_t *used)
{
	size_t at = hash_text(number) % CASES_ROOM;
	while (table[at].number && strcmp(table[at].number, number) != 0)
		at = (at + 1) % CASES_ROOM;
	if (!table[at].number) {
		if (*used >= CASES_ROOM / 2)
			return NULL;
		(*used)++;
		table[at].number = number;
	}
	return &table[at];
}

/* Many kinds of things between several nodes are more to look at than a long row of the same. */
static unsigned interest(const struct candidate *candidate)
{
	unsigned length = candidate->count < 40 ? candidate->count : 40;
	return 10 * (unsigned)__builtin_popcountll(candidate->kinds) +
	       8 * (unsigned)__builtin_popcountll(candidate->nodes) + length;
}

static const char *choose(const struct sim_report *report)
{
	const struct sim_story_entry *e;
	const char *broken = NULL;
	struct sim_story_walk walk = {0};
	size_t used = 0;
	if (report->chosen_case)
		return report->chosen_case;
	struct candidate *table = tb_alloc(CASES_ROOM * sizeof(*table));
	while ((e = sim_story_next(report->story, &walk))) {
		struct candidate *candidate =
			e->case_number[0] ? candidate_of(table, e->case_number, &used) : NULL;
		if (!candidate)
			continue;
		if (e->kind == SIM_RULE_BROKEN && !broken)
			broken = e->case_number;
		candidate->kinds |= (uint64_t)1 << e->kind;
		candidate->count++;
		if (e->node != SIM_NOBODY)
			candidate->nodes |= (uint64_t)1 << (e->node % 64);
	}
	const struct candidate *best = NULL;
	for (size_t i = 0; i < CASES_ROOM; i++) {
		if (table[i].number && (!best || interest(&table[i]) > interest(best)))
			best = &table[i];
	}
	const char *number = broken ? broken : best ? best->number : NULL;
	free(table);
	return number; /* lives in the story */
}

/* ---- gathering */

struct chart {
	const struct sim_report *report;
	const char *number;
	uint32_t lanes[LANES_MAX];
	size_t lanes_count;
	size_t others; /* nodes for which there was no lane */
	const struct sim_story_entry **rows;
	uint32_t *times; /* that each row was told, before anything else was */
	size_t rows_count;
	size_t told; /* entries, folded ones among them */
	size_t cut;  /* rows left out in the middle */
};

static int lane_of(const struct chart *chart, uint32_t node)
{
	for (size_t i = 0; i < chart->lanes_count; i++) {
		if (chart->lanes[i] == node)
			return (int)i;
	}
	return -1;
}

static void lane_add(struct chart *chart, uint32_t node)
{
	if (node >= chart->report->nodes_count || lane_of(chart, node) >= 0)
		return;
	if (chart->lanes_count < LANES_MAX)
		chart->lanes[chart->lanes_count++] = node;
	else
		chart->others++;
}

/* What happened to the nodes themselves meanwhile belongs to the story. */
static bool belongs(const struct chart *chart, const struct sim_story_entry *e, tb_time first, tb_time last)
{
	if (strcmp(e->case_number, chart->number) == 0)
		return true;
	enum sim_story_class class = sim_story_class(e->kind);
	if (e->case_number[0] || e->at < first || e->at > last || lane_of(chart, e->node) < 0)
		return false;
	if (class == SIM_CLASS_LINK)
		return e->kind != SIM_DUPLICATED && lane_of(chart, e->peer) >= 0;
	return class == SIM_CLASS_LIFE || class == SIM_CLASS_DISK;
}

/* The text without the number of the call, which is another one each time. */
static size_t stem(const struct sim_story_entry *e)
{
	const char *call = strstr(e->text, "(call ");
	if (!call && strncmp(e->text, "call ", 5) == 0)
		return 0;
	return call ? (size_t)(call - e->text) : strlen(e->text);
}

static bool same_again(const struct sim_story_entry *a, const struct sim_story_entry *b)
{
	enum sim_story_class class = sim_story_class(a->kind);
	return (class == SIM_CLASS_MESSAGE || class == SIM_CLASS_LINK) && a->kind == b->kind &&
	       a->node == b->node && a->peer == b->peer && stem(a) == stem(b) &&
	       memcmp(a->text, b->text, stem(a)) == 0;
}

/* What is tried again and again is one row. */
static void fold(struct chart *chart)
{
	size_t kept = 0;
	chart->times = tb_alloc((chart->rows_count + 1) * sizeof(*chart->times));
	for (size_t i = 0; i < chart->rows_count; i++) {
		size_t from = kept > FOLDED_OVER ? kept - FOLDED_OVER : 0;
		size_t at = kept;
		while (at > from && !same_again(chart->rows[at - 1], chart->rows[i]))
			at--;
		if (at > from) {
			chart->times[at - 1]++;
			continue;
		}
		chart->rows[kept] = chart->rows[i];
		chart->times[kept++] = 1;
	}
	chart->rows_count = kept;
}

static void cut_middle(struct chart *chart)
{
	if (chart->rows_count <= ROWS_MAX)
		return;
	chart->cut = chart->rows_count - ROWS_MAX;
	memmove(chart->rows + ROWS_FIRST, chart->rows + ROWS_FIRST + chart->cut,
	        (ROWS_MAX - ROWS_FIRST) * sizeof(const struct sim_story_entry *));
	memmove(chart->times + ROWS_FIRST, chart->times + ROWS_FIRST + chart->cut,
	        (ROWS_MAX - ROWS_FIRST) * sizeof(*chart->times));
	chart->rows_count = ROWS_MAX;
}

static void gather(struct chart *chart)
{
	const struct sim_story_entry *e;
	struct sim_story_walk walk = {0};
	tb_time first = INT64_MAX;
	tb_time last = INT64_MIN;
	while ((e = sim_story_next(chart->report->story, &walk))) {
		if (strcmp(e->case_number, chart->number) != 0)
			continue;
		lane_add(chart, e->node);
		lane_add(chart, e->peer);
		first = e->at < first ? e->at : first;
		last = e->at > last ? e->at : last;
	}
	size_t room = 0;
	walk = (struct sim_story_walk){0};
	while ((e = sim_story_next(chart->report->story, &walk))) {
		if (!belongs(chart, e, first, last))
			continue;
		if (chart->rows_count == room) {
			room = room ? 2 * room : 64;
			chart->rows = tb_realloc(chart->rows, room * sizeof(const struct sim_story_entry *));
		}
		chart->rows[chart->rows_count++] = e;
	}
	chart->told = chart->rows_count;
	fold(chart);
	cut_middle(chart);
}

/* ---- drawing */

static int lane_x(const struct chart *chart, int lane)
{
	int wide = (REPORT_WIDTH - TIMES_WIDE) / (int)(chart->lanes_count ? chart->lanes_count : 1);
	return TIMES_WIDE + wide / 2 + lane * wide;
}

static int row_y(const struct chart *chart, size_t row)
{
	int gap = chart->cut > 0 && row >= ROWS_FIRST ? ROW_HIGH : 0;
	return HEAD + 24 + (int)row * ROW_HIGH + gap;
}

static void lanes_draw(struct tb_buf *out, const struct chart *chart, int bottom)
{
	for (size_t i = 0; i < chart->lanes_count; i++) {
		const struct sim_report_node *node = &chart->report->nodes[chart->lanes[i]];
		int x = lane_x(chart, (int)i);
		tb_buf_printf(out,
		              "<line class=\"life\" x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/>"
		              "<rect class=\"%s\" x=\"%d\" y=\"6\" width=\"108\" height=\"40\" rx=\"6\"/>"
		              "<text class=\"mid name\" x=\"%d\" y=\"24\">",
		              x, x, HEAD - 10, bottom, node->hostile ? "head bad" : "head", x - 54, x);
		sim_text_xml(out, report_short_name(node->name));
		tb_buf_printf(out, "</text><text class=\"mid small\" x=\"%d\" y=\"39\">%s</text>\n", x,
		              node->code);
	}
}

/* Thick and pale while the node was not there. */
static void absences_draw(struct tb_buf *out, const struct chart *chart, int bottom)
{
	int since[LANES_MAX] = {0};
	for (size_t i = 0; i <= chart->rows_count; i++) {
		const struct sim_story_entry *e = i < chart->rows_count ? chart->rows[i] : NULL;
		for (int lane = 0; lane < (int)chart->lanes_count; lane++) {
			bool own = e && lane_of(chart, e->node) == lane;
			bool stops = own && (e->kind == SIM_CRASHED || e->kind == SIM_POWER_LOST ||
			                     e->kind == SIM_PAUSED);
			bool starts = !e || (own && (e->kind == SIM_STARTED || e->kind == SIM_RESUMED));
			int y = e ? row_y(chart, i) : bottom;
			if (stops && since[lane] == 0)
				since[lane] = y;
			if (!starts || since[lane] == 0)
				continue;
			tb_buf_printf(out,
			              "<rect class=\"down\" x=\"%d\" y=\"%d\" width=\"10\" height=\"%d\"/>\n",
			              lane_x(chart, lane) - 5, since[lane], y - since[lane]);
			since[lane] = 0;
		}
	}
}

static bool is_arrow(enum sim_story_kind kind)
{
	switch (kind) {
	case SIM_SENT:
	case SIM_ANSWERED:
	case SIM_REFUSED:
	case SIM_REQUEST_LOST:
	case SIM_ANSWER_LOST:
	case SIM_DUPLICATED:
	case SIM_MATERIAL_BEGUN:
	case SIM_LINK_CUT:
	case SIM_LINK_HEALED:
	case SIM_LINK_SLOW:
		return true;
	default:
		return false;
	}
}

static void arrow_draw(struct tb_buf *out, const struct sim_story_entry *e, int from, int to, int y)
{
	bool lost = e->kind == SIM_REQUEST_LOST || e->kind == SIM_ANSWER_LOST;
	bool link = e->kind == SIM_LINK_CUT || e->kind == SIM_LINK_HEALED || e->kind == SIM_LINK_SLOW;
	bool back = e->kind == SIM_ANSWERED || e->kind == SIM_ANSWER_LOST;
	int end = lost ? (from + 2 * to) / 3 : to;
	int way = to > from ? 1 : -1;
	const char *colour = report_colour(sim_story_class(e->kind));
	tb_buf_printf(out,
	              "<line x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\" stroke=\"%s\" stroke-width=\"1.6\"%s/>",
	              from, end, y, y, colour,
	              link   ? " stroke-dasharray=\"1 4\""
	              : back ? " stroke-dasharray=\"6 4\""
	                     : "");
	if (lost)
		tb_buf_printf(out,
		              "<path d=\"M%d %dl10 10m0-10l-10 10\" stroke=\"%s\" stroke-width=\"2.4\"/>",
		              end - 5, y - 5, colour);
	else if (!link)
		tb_buf_printf(out, "<path d=\"M%d %dl%d-5v10z\" fill=\"%s\"/>", end, y, -9 * way, colour);
	tb_buf_printf(out, "<text class=\"mid halo small\" x=\"%d\" y=\"%d\">", (from + to) / 2, y - 5);
}

static void row_draw(struct tb_buf *out, const struct chart *chart, size_t row)
{
	const struct sim_story_entry *e = chart->rows[row];
	int y = row_y(chart, row);
	int lane = lane_of(chart, e->node);
	int peer = lane_of(chart, e->peer);
	char since[32];
	report_since(since, chart->report, e->at);
	tb_buf_str(out, "<g>");
	report_title(out, chart->report, e);
	tb_buf_printf(out, "<text class=\"small times\" x=\"4\" y=\"%d\">%s</text>", y + 4, since);
	if (lane >= 0 && peer >= 0 && lane != peer && is_arrow(e->kind)) {
		arrow_draw(out, e, lane_x(chart, lane), lane_x(chart, peer), y);
	} else {
		/* To the left of the last lane, so that it stays inside the drawing. */
		bool last = lane + 1 == (int)chart->lanes_count && lane > 0;
		int x = lane >= 0 ? lane_x(chart, lane) : TIMES_WIDE;
		tb_buf_printf(out,
		              "<circle cx=\"%d\" cy=\"%d\" r=\"5\" fill=\"%s\"/>"
		              "<text class=\"halo %s\" x=\"%d\" y=\"%d\">",
		              x, y, report_colour(sim_story_class(e->kind)), last ? "end" : "start",
		              last ? x - 11 : x + 11, y + 4);
	}
	sim_text_xml(out, e->text[0] ? e->text : sim_story_word(e->kind));
	if (chart->times[row] > 1)
		tb_buf_printf(out, " ×%u", chart->times[row]);
	tb_buf_str(out, "</text></g>\n");
}

static void chart_draw(struct tb_buf *out, const struct chart *chart)
{
	int bottom = row_y(chart, chart->rows_count) - 6;
	tb_buf_str(out, "<p>");
	report_say(out, "办件", "Case");
	tb_buf_str(out, " <b>");
	sim_text_xml(out, chart->number);
	tb_buf_str(out, "</b>");
	report_say(out, "，共记事 ", ", entries told: ");
	tb_buf_printf(out, "%zu", chart->told);
	if (chart->others > 0)
		report_say(out, "；另有节点参与，未列", "; more nodes took part than there are columns for");
	tb_buf_printf(out,
	              "</p>\n<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Messages of one case\">\n",
	              REPORT_WIDTH, bottom + 10);
	lanes_draw(out, chart, bottom);
	absences_draw(out, chart, bottom);
	if (chart->cut > 0)
		tb_buf_printf(out,
		              "<text class=\"mid small\" x=\"%d\" y=\"%d\">… %zu more entries …</text>\n",
		              REPORT_WIDTH / 2, row_y(chart, ROWS_FIRST) - ROW_HIGH + 4, chart->cut);
	for (size_t i = 0; i < chart->rows_count; i++)
		row_draw(out, chart, i);
	tb_buf_str(out, "</svg>\n");
}

void report_sequence(struct tb_buf *out, const struct sim_report *report)
{
	struct chart chart = {.report = report, .number = choose(report)};
	if (chart.number)
		gather(&chart);
	if (chart.rows_count > 0)
		chart_draw(out, &chart);
	else
		tb_buf_str(
			out,
			"<p><span class=\"zh\">没有记下任何办件。</span><span class=\"en\">No case was told "
			"of.</span></p>\n");
	free(chart.times);
	free(chart.rows);
}
