#include "node/cli/zone.h"

#include <string.h>

#include "node/cli/html.h"
#include "node/core/agreement.h"
#include "node/core/casetable.h"

enum { MODES_MAX = 8 };

static const char head[] =
	"<!DOCTYPE html>\n<html lang=\"zh-CN\"><head><meta charset=\"utf-8\">\n"
	"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
	"'unsafe-inline'\">\n"
	"<meta name=\"viewport\" content=\"width=device-width\">\n<title>跨省通办专区 Cross-region "
	"services</title>\n"
	"<style>\nbody{font:1rem/1.7 \"Noto Sans CJK SC\",\"Microsoft "
	"YaHei\",sans-serif;max-width:60rem;margin:auto;"
	"padding:1rem;color:#111;background:#fff}\nh1{font-size:1.5rem}h2{font-size:1.2rem;border-bottom:2px "
	"solid #06c}\n"
	"details{border:1px solid #ccc;margin:.4rem 0;padding:.3rem .8rem}summary{cursor:pointer}\n"
	"table{border-collapse:collapse;width:100%}td,th{border:1px solid #ccc;padding:.2rem "
	".6rem;text-align:left;"
	"vertical-align:top}th{width:13rem;font-weight:normal;background:#f4f6f8}\n"
	"small{color:#444}\n</style></head><body>\n";

static void open_row(struct tb_buf *out, const char *zh, const char *en)
{
	tb_buf_printf(out, "<tr><th>%s <small lang=\"en\">%s</small></th><td>", zh, en);
}

static void row(struct tb_buf *out, const char *zh, const char *en, const char *value)
{
	if (!value[0])
		return;
	open_row(out, zh, en);
	html_text(out, value);
	tb_buf_str(out, "</td></tr>\n");
}

static void mode_names(struct tb_buf *out, const char *const *modes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct case_mode *mode = case_mode_find(modes[i]);
		tb_buf_str(out, i ? "; " : "");
		html_text(out, mode ? mode->name_zh : modes[i]);
		if (mode)
			tb_buf_printf(out, " <small lang=\"en\">%s</small>", mode->name_en);
	}
}

static bool online(const PbItem *item)
{
	for (size_t i = 0; i < item->n_modes; i++) {
		if (strcmp(item->modes[i], "QC") == 0)
			return true;
	}
	return false;
}

/* ---- one item */

static void parts(struct tb_buf *out, const PbItem *item)
{
	open_row(out, "一件事包含", "applied for together");
	tb_buf_str(out, "<ol>");
	for (size_t i = 0; i < item->n_bundle; i++) {
		tb_buf_str(out, "<li>");
		html_text(out, item->bundle[i]->name[0] ? item->bundle[i]->name : item->bundle[i]->item);
		tb_buf_str(out, "</li>");
	}
	tb_buf_str(out, "</ol>材料合并，只交一次 <small lang=\"en\">every paper once</small></td></tr>\n");
}

static void papers(struct tb_buf *out, const PbItem *item)
{
	open_row(out, "申请材料", "papers");
	tb_buf_str(out, item->n_materials ? "<ol>" : "无 <small lang=\"en\">none</small>");
	for (size_t i = 0; i < item->n_materials; i++) {
		const PbMaterialNeed *need = item->materials[i];
		tb_buf_str(out, "<li>");
		html_text(out, need->name);
		if (!need->required)
			tb_buf_str(out, "（非必需 <small lang=\"en\">optional</small>）");
		if (need->original)
			tb_buf_str(out, "（原件 <small lang=\"en\">original</small>）");
		if (need->n_credential_types > 0)
			tb_buf_str(
				out,
				"（电子证照可代替 <small lang=\"en\">or an electronic certificate</small>）");
		if (need->commitment)
			tb_buf_str(out, "（可告知承诺 <small lang=\"en\">or a written commitment</small>）");
		tb_buf_str(out, "</li>");
	}
	tb_buf_str(out, item->n_materials ? "</ol></td></tr>\n" : "</td></tr>\n");
}

static void fees(struct tb_buf *out, const PbItem *item)
{
	if (item->n_fees == 0)
		return;
	open_row(out, "收费", "fees");
	for (size_t i = 0; i < item->n_fees; i++) {
		tb_buf_str(out, i ? "<br>" : "");
		html_text(out, item->fees[i]->name);
		tb_buf_str(out, " ");
		html_text(out, item->fees[i]->standard);
	}
	tb_buf_str(out, "</td></tr>\n");
}

static void open_item(struct tb_buf *out, const PbItem *item)
{
	tb_buf_str(out, "<details><summary>");
	html_text(out, item->name);
	tb_buf_str(out, "</summary><table>\n");
	row(out, "事项编码", "item code", item->code);
	row(out, "办理部门", "department",
	    item->department_name[0] ? item->department_name : item->department);
}

static void close_item(struct tb_buf *out, const PbItem *item)
{
	row(out, "受理条件", "conditions", item->conditions);
	open_row(out, "承诺时限", "promised within");
	tb_buf_printf(out, "%u 个工作日 <small lang=\"en\">working days</small></td></tr>\n",
	              item->promised_days);
	if (item->n_bundle > 0)
		parts(out, item);
	else
		papers(out, item);
	fees(out, item);
	row(out, "咨询电话", "telephone", item->phone);
	row(out, "网上办理", "online at", item->external);
	tb_buf_str(out, "</table></details>\n");
}

/* ---- the three parts */

static void theirs(struct tb_buf *out, const struct zone_facts *facts, const struct zone_partner *partner)
{
	const char *modes[MODES_MAX];
	bool any = false;
	for (size_t i = 0; partner->list && i < partner->list->n_items; i++) {
		const PbItem *item = partner->list->items[i];
		if (item->n_modes > MODES_MAX || !catalogue_in_force(item, tb_day_at(facts->now)))
			continue;
		size_t count = agreement_modes(facts->agreements, facts->agreements_count, item,
		                               partner->region, facts->region, facts->now, modes);
		if (count == 0)
			continue;
		if (!any) {
			tb_buf_str(out, "<h3>");
			html_text(out, partner->name);
			tb_buf_printf(out, " %s</h3>\n", partner->region);
		}
		any = true;
		open_item(out, item);
		open_row(out, "办理模式", "how");
		mode_names(out, modes, count);
		tb_buf_str(out, "</td></tr>\n");
		close_item(out, item);
	}
}

/* At whose windows one may hand |item| in, and how. Returns how many partners there are. */
static size_t where(struct tb_buf *out, const struct zone_facts *facts, const PbItem *item)
{
	const char *modes[MODES_MAX];
	size_t all = 0;
	for (size_t i = 0; i < facts->partners_count; i++) {
		size_t count = agreement_modes(facts->agreements, facts->agreements_count, item,
		                               facts->region, facts->partners[i].region, facts->now, modes);
		size_t kept = 0;
		for (size_t j = 0; j < count; j++) { /* All online is from anywhere. */
			if (strcmp(modes[j], "QC") != 0)
				modes[kept++] = modes[j];
		}
		if (kept == 0)
			continue;
		tb_buf_str(out, all ? "<br>" : "");
		html_text(out, facts->partners[i].name);
		tb_buf_printf(out, " %s: ", facts->partners[i].region);
		mode_names(out, modes, kept);
		all++;
	}
	return all;
}

static void ours(struct tb_buf *out, const struct zone_facts *facts)
{
	for (size_t i = 0; facts->list && i < facts->list->n_items; i++) {
		const PbItem *item = facts->list->items[i];
		struct tb_buf partners = {0};
		if (item->n_modes > MODES_MAX || !catalogue_in_force(item, tb_day_at(facts->now)))
			continue;
		size_t count = where(&partners, facts, item);
		if (count > 0 || online(item) || item->external[0]) {
			open_item(out, item);
			open_row(out, "在哪里申请", "where to apply");
			if (online(item) || item->external[0])
				tb_buf_printf(out, "全程网办 <small lang=\"en\">all online</small>%s",
				              count ? "<br>" : "");
			tb_buf_add(out, partners.data, partners.size);
			tb_buf_str(out, "</td></tr>\n");
			close_item(out, item);
		}
		tb_buf_clear(&partners);
	}
}

static void hours(struct tb_buf *out, const PbHall *hall)
{
	static const struct {
		const char *word, *zh;
	} days[] = {{"workdays", "工作日"},
	            {"restdays", "休息日"},
	            {"saturday", "周六"},
	            {"sunday", "周日"},
	            {"daily", "每天"}};
	for (size_t i = 0; i < hall->n_hours; i++) {
		const PbServiceHours *hour = hall->hours[i];
		const char *zh = "";
		for (size_t j = 0; j < sizeof(days) / sizeof(days[0]); j++)
			zh = strcmp(days[j].word, hour->days) == 0 ? days[j].zh : zh;
		tb_buf_printf(out, "%s%s <small lang=\"en\">", i ? "<br>" : "", zh);
		html_text(out, hour->days);
		tb_buf_str(out, "</small> ");
		html_text(out, hour->from);
		tb_buf_str(out, "-");
		html_text(out, hour->to);
	}
}

static void halls(struct tb_buf *out, const struct zone_facts *facts)
{
	for (size_t i = 0; facts->halls && i < facts->halls->n_halls; i++) {
		const PbHall *hall = facts->halls->halls[i];
		if (!hall->receives && !hall->hands_out)
			continue;
		tb_buf_str(out, "<details><summary>");
		html_text(out, hall->name);
		tb_buf_str(out, "</summary><table>\n");
		open_row(out, "可办", "does");
		tb_buf_printf(out, "%s%s%s</td></tr>\n",
		              hall->receives ? "异地收件 <small lang=\"en\">receives applications</small>"
		                             : "",
		              hall->receives && hall->hands_out ? "; " : "",
		              hall->hands_out ? "领取结果 <small lang=\"en\">hands out results</small>" : "");
		row(out, "地址", "address", hall->address);
		row(out, "电话", "telephone", hall->phone);
		open_row(out, "服务时间", "hours");
		hours(out, hall);
		tb_buf_str(out, "</td></tr>\n</table></details>\n");
	}
}

static void section(struct tb_buf *out, const char *zh, const char *en)
{
	tb_buf_printf(out, "<h2>%s <small lang=\"en\">%s</small></h2>\n", zh, en);
}

void zone_write(struct tb_buf *out, const struct zone_facts *facts)
{
	char day[11];
	tb_day_format(day, tb_day_at(facts->now));
	tb_buf_str(out, head);
	tb_buf_str(out, "<h1>");
	html_text(out, facts->name);
	tb_buf_printf(out, " 跨省通办专区 <small lang=\"en\">Cross-region services</small></h1>\n<p>%s</p>\n",
	              day);
	section(out, "在本地申办外地事项", "Items of other regions that may be applied for here");
	for (size_t i = 0; i < facts->partners_count; i++)
		theirs(out, facts, &facts->partners[i]);
	section(out, "在外地申办本地事项", "Items of this region that may be applied for elsewhere");
	ours(out, facts);
	section(out, "通办窗口", "Halls");
	halls(out, facts);
	tb_buf_str(out, "</body></html>\n");
}
