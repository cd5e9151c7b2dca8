#include "node/core/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "node/core/agreement.h"
#include "node/core/catalogueconform.h"

enum { COUNTY_DIGITS = 6, PARTNERS_MAX = 400 };

struct work {
	const struct progress_facts *facts;
	struct tb_arena *arena;
	struct conform_finding *findings;
	size_t findings_count;
};

/* ---- one item */

/* The version that takes cases today, or else any. */
static const PbItem *find_item(const struct work *work, const PbItem *base)
{
	const PbItem *any = NULL;
	for (size_t i = 0; i < work->facts->list->n_items; i++) {
		const PbItem *item = work->facts->list->items[i];
		if (!catalogue_same_item(base, item))
			continue;
		if (catalogue_in_force(item, work->facts->today))
			return item;
		any = item;
	}
	return any;
}

static void add_partner(PbProgressRow *row, char *region)
{
	for (size_t i = 0; i < row->n_partners; i++) {
		if (strcmp(row->partners[i], region) == 0)
			return;
	}
	if (row->n_partners < PARTNERS_MAX)
		row->partners[row->n_partners++] = region;
}

/* Whose windows an agreement lets receive it. */
static void add_partners(const struct work *work, const PbItem *item, PbProgressRow *row)
{
	const struct progress_facts *facts = work->facts;
	const char **modes = tb_arena_alloc(work->arena, (item->n_modes + 1) * sizeof(*modes));
	row->partners = tb_arena_alloc(work->arena, PARTNERS_MAX * sizeof(*row->partners));
	for (size_t i = 0; i < facts->agreements_count; i++) {
		const PbAgreementView *view = facts->agreements[i];
		for (size_t j = 0; view->agreement && j < view->agreement->n_parties; j++) {
			char *window = view->agreement->parties[j];
			if (strcmp(window, facts->region) != 0 &&
			    agreement_modes(&facts->agreements[i], 1, item, facts->region, window,
			                    tb_day_start(facts->today), modes) > 0)
				add_partner(row, window);
		}
	}
}

static uint32_t halls_for(const struct work *work, const PbItem *item)
{
	uint32_t count = 0;
	for (size_t i = 0; work->facts->halls && i < work->facts->halls->n_halls; i++) {
		const PbHall *hall = work->facts->halls->halls[i];
		bool takes = hall->n_departments == 0;
		for (size_t j = 0; j < hall->n_departments && !takes; j++)
			takes = strcmp(hall->departments[j], item->department) == 0;
		count += hall->receives && takes;
	}
	return count;
}

static void add_cases(const struct work *work, const PbItem *base, PbProgressRow *row)
{
	for (size_t i = 0; i < work->facts->list->n_items; i++) {
		const PbItem *item = work->facts->list->items[i];
		bool told = !catalogue_same_item(base, item);
		for (size_t j = 0; j < i && !told; j++) /* another version of the same */
			told = strcmp(work->facts->list->items[j]->code, item->code) == 0;
		for (size_t j = 0; j < work->facts->stats->n_rows && !told; j++) {
			const PbStatsRow *stats = work->facts->stats->rows[j];
			if (strcmp(stats->key, item->code) != 0)
				continue;
			row->cases += stats->cases;
			row->decided += stats->decided;
			row->in_time += stats->in_time;
		}
	}
}

static bool all_online(const PbItem *item)
{
	bool online = item->external[0] != '\0';
	for (size_t i = 0; i < item->n_modes; i++)
		online = online || strcmp(item->modes[i], "QC") == 0;
	return online;
}

static void judge(const struct work *work, const PbItem *base, const PbItem *item, PbProgressRow *row)
{
	for (size_t i = 0; i < work->findings_count; i++)
		row->findings += work->findings[i].base == base && work->findings[i].item == item;
	if (row->findings > 0)
		row->state = PB_PROGRESS_STATE__PROGRESS_DIFFERS;
	else if (catalogue_in_force(item, work->facts->today) && (row->n_partners > 0 || all_online(item)))
		row->state = PB_PROGRESS_STATE__PROGRESS_OFFERED;
	else
		row->state = PB_PROGRESS_STATE__PROGRESS_ALONE;
}

static PbProgressRow *row_of(const struct work *work, const PbItem *base)
{
	PbProgressRow *row = PROTO_NEW(PbProgressRow, progress_row, work->arena);
	const PbItem *item = find_item(work, base);
	tb_day due;
	row->base_code = base->base_code;
	row->name = base->name;
	row->due_on = base->due_on;
	if (!base->due_on[0] && base->year)
		row->due_on = tb_arena_printf(work->arena, "%u-12-31", base->year);
	row->state = PB_PROGRESS_STATE__PROGRESS_UNCLAIMED;
	if (item) {
		row->item = item->code;
		row->modes = item->modes;
		row->n_modes = item->n_modes;
		row->halls = halls_for(work, item);
		add_partners(work, item, row);
		add_cases(work, base, row);
		judge(work, base, item, row);
	}
	row->overdue = row->state != PB_PROGRESS_STATE__PROGRESS_OFFERED && tb_day_parse(row->due_on, &due) &&
	               due < work->facts->today;
	return row;
}

/* ---- all */

struct placed {
	PbProgressRow *row;
	size_t index;
};

static int by_urgency(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;
	bool some = x->row->due_on[0], other = y->row->due_on[0];
	if (x->row->overdue != y->row->overdue)
		return y->row->overdue - x->row->overdue;
	int order = some != other ? other - some : strcmp(x->row->due_on, y->row->due_on);
	return order ? order : (x->index > y->index) - (x->index < y->index);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static uint32_t different(char **texts, size_t count)
{
	uint32_t all = 0;
	qsort(texts, count, sizeof(*texts), by_text);
	for (size_t i = 0; i < count; i++)
		all += i == 0 || strcmp(texts[i], texts[i - 1]) != 0;
	return all;
}

/* 专窗覆盖: of the counties that have a hall, how many have one that receives for others. */
static void count_halls(const struct work *work, PbProgressReport *report)
{
	const PbHallList *halls = work->facts->halls;
	size_t count = halls ? halls->n_halls : 0, receiving = 0;
	char **all = tb_arena_alloc(work->arena, (count + 1) * sizeof(*all));
	char **some = tb_arena_alloc(work->arena, (count + 1) * sizeof(*some));
	for (size_t i = 0; i < count; i++) {
		all[i] = tb_arena_printf(work->arena, "%.*s", COUNTY_DIGITS, halls->halls[i]->area);
		if (halls->halls[i]->receives)
			some[receiving++] = all[i];
	}
	report->halls = (uint32_t)receiving;
	report->areas = different(some, receiving);
	report->areas_all = different(all, count);
}

PbProgressReport *progress_report(const struct progress_facts *facts, struct tb_arena *arena)
{
	struct work work = {.facts = facts, .arena = arena};
	PbProgressReport *report = PROTO_NEW(PbProgressReport, progress_report, arena);
	size_t count = facts->base->n_items;
	struct placed *placed = tb_arena_alloc(arena, (count + 1) * sizeof(*placed));
	char on[11];
	tb_day_format(on, facts->today);
	work.findings_count = catalogue_conform(facts->list, facts->base, arena, &work.findings);
	report->region = tb_arena_str(arena, facts->region);
	report->on = tb_arena_str(arena, on);
	report->items = (uint32_t)count;
	report->rows = tb_arena_alloc(arena, (count + 1) * sizeof(*report->rows));
	count_halls(&work, report);
	for (size_t i = 0; i < count; i++) {
		placed[i] = (struct placed){row_of(&work, facts->base->items[i]), i};
		report->offered += placed[i].row->state == PB_PROGRESS_STATE__PROGRESS_OFFERED;
		report->overdue += placed[i].row->overdue;
	}
	qsort(placed, count, sizeof(*placed), by_urgency);
	for (size_t i = 0; i < count; i++)
		report->rows[report->n_rows++] = placed[i].row;
	return report;
}

/* ---- as a table */

static void add_list(struct tb_buf *out, char *const *list, size_t count)
{
	struct tb_buf text = {0};
	for (size_t i = 0; i < count; i++)
		tb_buf_printf(&text, "%s%s", i ? ";" : "", list[i]);
	tb_buf_csv(out, tb_buf_text(&text));
	tb_buf_clear(&text);
}

const char *progress_state_text(PbProgressState state, bool zh)
{
	static const struct {
		const char *zh, *en;
	} texts[] = {[PB_PROGRESS_STATE__PROGRESS_OFFERED] = {"已通办", "offered"},
	             [PB_PROGRESS_STATE__PROGRESS_DIFFERS] = {"要素不一致", "differs from the base"},
	             [PB_PROGRESS_STATE__PROGRESS_ALONE] = {"已认领未通办", "claimed, with nobody"},
	             [PB_PROGRESS_STATE__PROGRESS_UNCLAIMED] = {"应领未领", "not claimed"}};
	if (state < 1 || (size_t)state >= sizeof(texts) / sizeof(texts[0]))
		return "";
	return zh ? texts[state].zh : texts[state].en;
}

void progress_csv(struct tb_buf *out, const PbProgressReport *report, bool zh)
{
	/* The byte order mark tells spreadsheets that it is UTF-8. */
	tb_buf_str(out, "\xEF\xBB\xBF");
	tb_buf_str(out,
	           zh ? "地区,截至,基本编码,事项名称,完成期限,是否逾期,状态,事项编码,受理模式,通办地区,不一致"
	                "处数,可受理大厅,统计起,统计止,办件,办结决定,按时\r\n"
	              : "region,on,base_code,name,due_on,overdue,state,item,modes,partners,findings,"
	                "halls,from,to,cases,decided,in_time\r\n");
	for (size_t i = 0; i < report->n_rows; i++) {
		const PbProgressRow *row = report->rows[i];
		tb_buf_printf(out, "%s,%s,", report->region, report->on);
		tb_buf_csv(out, row->base_code);
		tb_buf_str(out, ",");
		tb_buf_csv(out, row->name);
		tb_buf_str(out, ",");
		tb_buf_csv(out, row->due_on);
		tb_buf_printf(out, ",%s,",
		              zh             ? (row->overdue ? "是" : "否")
		              : row->overdue ? "true"
		                             : "false");
		tb_buf_csv(out, progress_state_text(row->state, zh));
		tb_buf_str(out, ",");
		tb_buf_csv(out, row->item);
		tb_buf_str(out, ",");
		add_list(out, row->modes, row->n_modes);
		tb_buf_str(out, ",");
		add_list(out, row->partners, row->n_partners);
		tb_buf_printf(out, ",%u,%u,", row->findings, row->halls);
		tb_buf_csv(out, report->from);
		tb_buf_str(out, ",");
		tb_buf_csv(out, report->to);
		tb_buf_printf(out, ",%llu,%llu,%llu\r\n", (unsigned long long)row->cases,
		              (unsigned long long)row->decided, (unsigned long long)row->in_time);
	}
}
