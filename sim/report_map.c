/* The map: provinces as tiles where they lie, roughly; a small one for each slice of the run. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/report_priv.h"
#include "sim/text.h"

enum {
	SLICES = 6,
	TILE_WIDE = 32,
	TILE_HIGH = 30,
	MAP_WIDE = 11 * TILE_WIDE + 8,
	MAP_HIGH = 9 * TILE_HIGH + 26,
	PROVINCES = 100,   /* two digits */
	LINKS_SHOWN = 400, /* in one slice */
};

static const struct tile {
	int province; /* GB/T 2260, the first two digits */
	const char *name;
	int x;
	int y;
} tiles[] = {
	{23, "黑", 10, 0}, {15, "蒙", 7, 1},  {22, "吉", 10, 1}, {65, "新", 1, 2}, {64, "宁", 5, 2},
	{11, "京", 8, 2},  {12, "津", 9, 2},  {21, "辽", 10, 2}, {63, "青", 3, 3}, {62, "甘", 4, 3},
	{61, "陕", 6, 3},  {14, "晋", 7, 3},  {13, "冀", 8, 3},  {37, "鲁", 9, 3}, {54, "藏", 2, 4},
	{51, "川", 4, 4},  {50, "渝", 5, 4},  {42, "鄂", 6, 4},  {41, "豫", 7, 4}, {34, "皖", 8, 4},
	{32, "苏", 9, 4},  {31, "沪", 10, 4}, {52, "黔", 5, 5},  {43, "湘", 6, 5}, {36, "赣", 7, 5},
	{33, "浙", 9, 5},  {53, "云", 4, 6},  {45, "桂", 5, 6},  {44, "粤", 7, 6}, {35, "闽", 8, 6},
	{71, "台", 10, 6}, {82, "澳", 6, 7},  {81, "港", 7, 7},  {46, "琼", 5, 8},
};

enum { TILES_COUNT = sizeof(tiles) / sizeof(tiles[0]) };

/* What a slice shows of the links from one province to another. */
struct tie {
	int from;
	int to;
	double cut; /* shares of the slice, all links added up */
	double ill;
};

struct slice {
	tb_time since;
	tb_time until;
	struct tie ties[LINKS_SHOWN];
	size_t ties_count;
	bool full;
};

static int province_of(const struct sim_report *report, uint32_t node)
{
	const char *code = report->nodes[node].code;
	int province = (code[0] - '0') * 10 + (code[1] - '0');
	return province >= 0 && province < PROVINCES ? province : 0;
}

static const struct tile *tile_of(int province)
{
	for (size_t i = 0; i < TILES_COUNT; i++) {
		if (tiles[i].province == province)
			return &tiles[i];
	}
	return NULL;
}

/* Both directions are drawn as one. */
static struct tie *tie_of(struct slice *slice, int from, int to)
{
	int low = from < to ? from : to;
	int high = from < to ? to : from;
	for (size_t i = 0; i < slice->ties_count; i++) {
		if (slice->ties[i].from == low && slice->ties[i].to == high)
			return &slice->ties[i];
	}
	if (slice->ties_count == LINKS_SHOWN) {
		slice->full = true;
		return NULL;
	}
	struct tie *tie = &slice->ties[slice->ties_count++];
	*tie = (struct tie){.from = low, .to = high};
	return tie;
}

static void gather(struct slice *slice, const struct sim_report *report)
{
	double length = slice->until > slice->since ? (double)(slice->until - slice->since) : 1;
	for (size_t i = 0; i < report->spans_count; i++) {
		const struct sim_report_span *span = &report->spans[i];
		tb_time from = span->since > slice->since ? span->since : slice->since;
		tb_time to = span->until < slice->until ? span->until : slice->until;
		if (from >= to)
			continue;
		struct tie *tie =
			tie_of(slice, province_of(report, span->from), province_of(report, span->to));
		if (tie)
			*(span->cut ? &tie->cut : &tie->ill) += (double)(to - from) / length;
	}
}

static int centre_x(const struct tile *tile)
{
	return 4 + tile->x * TILE_WIDE + TILE_WIDE / 2;
}

static int centre_y(const struct tile *tile)
{
	return 22 + tile->y * TILE_HIGH + TILE_HIGH / 2;
}

/* Bent a little, so that lines over many tiles are told apart. */
static void tie_draw(struct tb_buf *out, const struct tie *tie)
{
	const struct tile *from = tile_of(tie->from);
	const struct tile *to = tile_of(tie->to);
	double share = tie->cut > 0 ? tie->cut : tie->ill;
	if (!from || !to)
		return;
	share = share > 1 ? 1 : share;
	if (from == to) {
		tb_buf_printf(out, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"4\"",
		              tie->cut > 0 ? "within-cut" : "within-ill", centre_x(from) - TILE_WIDE / 2 + 2,
		              centre_y(from) - TILE_HIGH / 2 + 2, TILE_WIDE - 4, TILE_HIGH - 4);
	} else {
		int x = (centre_x(from) + centre_x(to)) / 2 + (centre_y(to) - centre_y(from)) / 6;
		int y = (centre_y(from) + centre_y(to)) / 2 - (centre_x(to) - centre_x(from)) / 6;
		tb_buf_printf(out, "<path class=\"%s\" d=\"M%d %dQ%d %d %d %d\"",
		              tie->cut > 0 ? "tie-cut" : "tie-ill", centre_x(from), centre_y(from), x, y,
		              centre_x(to), centre_y(to));
	}
	tb_buf_printf(out,
	              " opacity=\"%.2f\"><title>%s – %s: cut %.0f %%, unwell %.0f %% of the time, "
	              "links added up</title></%s>\n",
	              0.25 + 0.75 * share, from->name, to->name, 100 * tie->cut, 100 * tie->ill,
	              from == to ? "rect" : "path");
}

/* How many of a province's nodes went down in the slice. */
static void count_falls(unsigned falls[PROVINCES], const struct sim_report *report, const struct slice *slice)
{
	struct sim_story_walk walk = {0};
	memset(falls, 0, PROVINCES * sizeof(*falls));
	for (const struct sim_story_entry *e; (e = sim_story_next(report->story, &walk));) {
		bool fell = e->kind == SIM_CRASHED || e->kind == SIM_POWER_LOST || e->kind == SIM_RULE_BROKEN;
		if (fell && e->node < report->nodes_count && e->at >= slice->since && e->at < slice->until)
			falls[province_of(report, e->node)]++;
	}
}

static void tiles_draw(struct tb_buf *out, const unsigned counts[PROVINCES], const unsigned falls[PROVINCES],
                       const bool hostile[PROVINCES])
{
	for (size_t i = 0; i < TILES_COUNT; i++) {
		const struct tile *tile = &tiles[i];
		unsigned fell = falls[tile->province];
		const char *class = counts[tile->province] == 0 ? "tile none"
		                    : hostile[tile->province]   ? "tile bad"
		                                                : "tile";
		tb_buf_printf(out,
		              "<g><title>%s: %u nodes, %u times down</title>"
		              "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"4\"/>"
		              "<text class=\"mid tiletext\" x=\"%d\" y=\"%d\">%s</text>",
		              tile->name, counts[tile->province], fell, class,
		              centre_x(tile) - TILE_WIDE / 2 + 2, centre_y(tile) - TILE_HIGH / 2 + 2,
		              TILE_WIDE - 4, TILE_HIGH - 4, centre_x(tile), centre_y(tile) + 5, tile->name);
		/* One dot up to three, then a number. */
		for (unsigned k = 0; k < fell && k < 3; k++)
			tb_buf_printf(out, "<circle class=\"fell\" cx=\"%d\" cy=\"%d\" r=\"2\"/>",
			              centre_x(tile) - 10 + (int)k * 5, centre_y(tile) + 10);
		if (fell > 3)
			tb_buf_printf(out, "<text class=\"tiny\" x=\"%d\" y=\"%d\">%u</text>",
			              centre_x(tile) + 5, centre_y(tile) + 12, fell);
		tb_buf_str(out, "</g>\n");
	}
}

static void caption(struct tb_buf *out, const struct sim_report *report, const struct slice *slice)
{
	char since[32];
	char until[32];
	const int seconds = sizeof(":00.000") - 1; /* not shown: slices are long */
	report_since(since, report, slice->since);
	report_since(until, report, slice->until);
	tb_buf_printf(out, "<text class=\"small\" x=\"6\" y=\"14\">%.*s – %.*s", (int)strlen(since) - seconds,
	              since, (int)strlen(until) - seconds, until);
	if (slice->full)
		report_say_svg(out, "，线路未全画", ", more links than shown");
	tb_buf_str(out, "</text>\n");
}

void report_map(struct tb_buf *out, const struct sim_report *report)
{
	unsigned counts[PROVINCES] = {0};
	unsigned falls[PROVINCES];
	bool hostile[PROVINCES] = {false};
	struct slice *slice = tb_alloc(sizeof(*slice));
	for (uint32_t i = 0; i < report->nodes_count; i++) {
		counts[province_of(report, i)]++;
		hostile[province_of(report, i)] |= report->nodes[i].hostile;
	}
	static const struct {
		const char *box;
		const char *zh;
		const char *en;
	} legend[] = {{"cutbox", "线路不通", "links cut"},
	              {"illbox", "慢或丢包", "slow or lossy"},
	              {"fellbox", "节点停止", "a node went down"},
	              {"badbox", "有恶意节点", "has a hostile node"},
	              {"", "越淡时间越短", "paler: for a shorter time"}};
	tb_buf_str(out, "<p class=\"legend\">");
	for (size_t i = 0; i < sizeof(legend) / sizeof(legend[0]); i++) {
		tb_buf_str(out, "<span>");
		if (legend[i].box[0])
			tb_buf_printf(out, "<i class=\"%s\"></i>", legend[i].box);
		report_say(out, legend[i].zh, legend[i].en);
		tb_buf_str(out, "</span>");
	}
	tb_buf_str(out, "</p>\n<div class=\"maps\">\n");
	for (int i = 0; i < SLICES; i++) {
		tb_time whole = report->ended - report->started;
		*slice = (struct slice){.since = report->started + whole * i / SLICES,
		                        .until = report->started + whole * (i + 1) / SLICES};
		gather(slice, report);
		count_falls(falls, report, slice);
		tb_buf_printf(out,
		              "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Map of the regions\">\n",
		              MAP_WIDE, MAP_HIGH);
		caption(out, report, slice);
		tiles_draw(out, counts, falls, hostile);
		for (size_t k = 0; k < slice->ties_count; k++)
			tie_draw(out, &slice->ties[k]);
		tb_buf_str(out, "</svg>\n");
	}
	tb_buf_str(out, "</div>\n");
	free(slice);
}
