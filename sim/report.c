#include "sim/report.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/report_priv.h"
#include "sim/text.h"

/* ---- shared with the drawings */

const char *report_short_name(const char *name)
{
	/* Longest first, since 自治区 ends in 区. */
	static const char *const endings[] = {"维吾尔自治区", "壮族自治区", "回族自治区", "特别行政区",
	                                      "自治州",       "自治区",     "地区",       "省",
	                                      "市",           "盟"};
	static char ring[8][64];
	static unsigned next;
	char *out = ring[next++ % 8];
	sim_text_cut(out, sizeof(ring[0]), name);
	size_t size = strlen(out);
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		size_t end = strlen(endings[i]);
		/* Something must be left, two characters at least. */
		if (size >= end + 6 && strcmp(out + size - end, endings[i]) == 0) {
			out[size - end] = '\0';
			break;
		}
	}
	return out;
}

void report_since(char out[32], const struct sim_report *report, tb_time at)
{
	tb_time since = at > report->started ? at - report->started : 0;
	snprintf(out, 32, "%d d %02d:%02d:%02d.%03d", (int)(since / TB_DAY), (int)(since / TB_HOUR % 24),
	         (int)(since / TB_MINUTE % 60), (int)(since / TB_SECOND % 60), (int)(since % TB_SECOND));
}

const char *report_colour(enum sim_story_class class)
{
	static const char *const colours[SIM_STORY_CLASSES] = {
		[SIM_CLASS_LIFE] = "var(--node)",    [SIM_CLASS_DISK] = "var(--disk)",
		[SIM_CLASS_LINK] = "var(--link)",    [SIM_CLASS_MESSAGE] = "var(--message)",
		[SIM_CLASS_CASE] = "var(--case)",    [SIM_CLASS_HOSTILE] = "var(--hostile)",
		[SIM_CLASS_CHECK] = "var(--broken)",
	};
	return colours[class];
}

static void name_add(struct tb_buf *out, const struct sim_report *report, uint32_t node)
{
	if (node < report->nodes_count)
		sim_text_xml(out, report_short_name(report->nodes[node].name));
}

void report_title(struct tb_buf *out, const struct sim_report *report, const struct sim_story_entry *entry)
{
	char since[32];
	report_since(since, report, entry->at);
	tb_buf_printf(out, "<title>%s ", since);
	name_add(out, report, entry->node);
	tb_buf_printf(out, " %s ", sim_story_word(entry->kind));
	name_add(out, report, entry->peer);
	tb_buf_str(out, ": ");
	sim_text_xml(out, entry->text);
	tb_buf_str(out, "</title>");
}

/* ---- the page */

static const char STYLE[] =
	"<style>\n"
	".lang{position:absolute;opacity:0}#en:checked~* .zh,#zh:checked~* .en{display:none}"
	"#zh:checked~nav label[for=zh],#en:checked~nav label[for=en]{font-weight:700}"
	"nav label{float:right;margin-left:12px;cursor:pointer;color:var(--case)}\n"
	":root{color-scheme:light dark;--ground:#fbfaf7;--panel:#fff;--ink:#1d2330;--soft:#667085;"
	"--line:#e4e2dc;--node:#d9822b;--disk:#a855a8;--link:#c0392b;--message:#8fb3d9;--case:#2f6fb5;"
	"--hostile:#7a1f3d;--broken:#e11d48;--good:#1d8a5b;--down:#3b4252}\n"
	"@media(prefers-color-scheme:dark){:root{--ground:#12151c;--panel:#1a1f29;--ink:#e8eaf0;"
	"--soft:#98a2b3;--line:#2c3340;--message:#4d78a8;--case:#5aa2ee;--hostile:#d8517f;--down:#c3cad6}}\n"
	"body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,\"Noto Sans CJK "
	"SC\","
	"\"Microsoft YaHei\",\"PingFang SC\",sans-serif}\n"
	"main{max-width:1180px;margin:0 auto;padding:0 24px 60px}\n"
	".verdict{color:#fff;padding:28px 0}.verdict div{max-width:1180px;margin:0 auto;padding:0 24px}\n"
	".verdict h1{margin:0;font-size:40px;line-height:1.1}.verdict p{margin:6px 0 0;font-size:17px}\n"
	".good{background:#1d8a5b}.fail{background:#c81e3a}.unlive{background:#b45309}\n"
	"nav{position:sticky;top:0;background:var(--ground);border-bottom:1px solid var(--line);z-index:1}\n"
	"nav div{max-width:1180px;margin:0 auto;padding:8px 24px}nav a{margin-right:22px;color:var(--case);"
	"text-decoration:none}\n"
	"h2{margin:38px 0 "
	"10px;font-size:21px}svg{width:100%;height:auto;display:block;background:var(--panel);"
	"border:1px solid var(--line);border-radius:8px}\n"
	".facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(170px,1fr));gap:10px;margin:22px "
	"0}\n"
	".facts div,.mark,figure{background:var(--panel);border:1px solid var(--line);border-radius:8px;"
	"padding:8px 12px;margin:0}.facts b{display:block;font-size:19px;font-variant-numeric:tabular-nums;"
	"overflow-wrap:anywhere}.facts span,.mark span{color:var(--soft);font-size:13px}\n"
	"code{background:var(--panel);border:1px solid var(--line);border-radius:5px;padding:2px 7px;"
	"font-size:14px}\n"
	"table{width:100%;border-collapse:collapse;background:var(--panel)}td,th{text-align:left;padding:6px "
	"10px;"
	"border-bottom:1px solid var(--line);vertical-align:top}td.n{text-align:right;"
	"font-variant-numeric:tabular-nums}tr.bad td{background:#e11d4822}.ok{color:var(--good)}"
	".no{color:var(--broken);font-weight:600}\n"
	".marks{display:grid;grid-template-columns:repeat(auto-fill,minmax(250px,1fr));gap:8px}"
	".mark{border-left:5px solid var(--line)}.mark.hit{border-left-color:var(--good)}"
	".mark.miss{border-left-color:var(--broken)}.mark b{float:right;font-variant-numeric:tabular-nums}\n"
	".cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(430px,1fr));gap:12px}"
	"figcaption{font-weight:600}.figures{margin:2px 0 8px;color:var(--soft)}.figures b{color:var(--ink)}"
	".maps{display:grid;grid-template-columns:repeat(auto-fill,minmax(340px,1fr));gap:12px}\n"
	".legend{color:var(--soft);font-size:13px}.legend span{margin-right:16px}.legend "
	"i{display:inline-block;"
	"width:11px;height:11px;border-radius:3px;margin-right:5px;vertical-align:-1px}"
	".downbox{background:var(--down);opacity:.55}.cutbox{background:var(--link)}.illbox{background:#"
	"e0a526}"
	".fellbox{background:var(--node)}.badbox{border:2px solid var(--hostile);box-sizing:border-box}\n"
	"text{fill:var(--ink);font-size:13px}.small{font-size:11px;fill:var(--soft)}.tiny{font-size:8px}"
	".end{text-anchor:end}.mid{text-anchor:middle}.hostile{fill:var(--hostile);font-weight:600}"
	".halo{paint-order:stroke;stroke:var(--panel);stroke-width:4px;fill:var(--ink)}"
	".times{font-variant-numeric:tabular-nums}.name{font-weight:600}\n"
	".rule,.tick{stroke:var(--line)}.life{stroke:var(--soft);stroke-dasharray:3 3}"
	".down{fill:var(--down);opacity:.4}.cut{fill:var(--link)}.ill{fill:#e0a526}.bar{fill:var(--case)}"
	".head{fill:var(--panel);stroke:var(--case);stroke-width:1.5}.head.bad{stroke:var(--hostile)}"
	".tile{fill:#2f6fb533;stroke:var(--line)}.tile.none{fill:none}.tile.bad{stroke:var(--hostile);"
	"stroke-width:2}.fell{fill:var(--node)}.tie-cut,.tie-ill{fill:none;stroke:var(--link);stroke-width:2}"
	".tie-ill{stroke:#e0a526}.within-cut,.within-ill{fill:none;stroke:var(--link);stroke-width:2}"
	".within-ill{stroke:#e0a526}\n"
	".k0{fill:var(--node)}.k1{fill:var(--disk)}.k2{fill:var(--link)}.k3{fill:var(--message)}"
	".k4{fill:var(--case)}.k5{fill:var(--hostile)}.k6{fill:var(--broken)}\n"
	"</style>\n";

struct verdict_words {
	const char *zh;
	const char *en;
};

static struct verdict_words verdict_words(enum sim_verdict verdict)
{
	switch (verdict) {
	case SIM_HELD:
		return (struct verdict_words){"全部成立", "Everything held"};
	case SIM_DIED:
		return (struct verdict_words){"程序崩溃", "The program died"};
	case SIM_NOT_LIVE:
		return (struct verdict_words){"没有全部了结", "Not everything came to an end"};
	case SIM_BROKEN:
		return (struct verdict_words){"有规则或期望不成立", "An invariant or an expectation broke"};
	}
	return (struct verdict_words){"", ""};
}

static const char *verdict_class(enum sim_verdict verdict)
{
	return verdict == SIM_HELD ? "good" : verdict == SIM_NOT_LIVE ? "unlive" : "fail";
}

static void fact(struct tb_buf *out, const char *zh, const char *name, const char *value)
{
	tb_buf_str(out, "<div><span>");
	report_say(out, zh ? zh : name, name);
	tb_buf_str(out, "</span><b>");
	sim_text_xml(out, value);
	tb_buf_str(out, "</b></div>\n");
}

/* 1234567 as "1 234 567", with narrow spaces that do not break (U+202F). */
static void group(char out[64], uint64_t count)
{
	char digits[32];
	size_t size = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, count);
	size_t used = 0;
	for (size_t i = 0; i < size; i++) {
		if (i > 0 && (size - i) % 3 == 0) {
			memcpy(out + used, "\u202f", 3);
			used += 3;
		}
		out[used++] = digits[i];
	}
	out[used] = '\0';
}

static void fact_count(struct tb_buf *out, const char *zh, const char *name, uint64_t count)
{
	char text[64];
	group(text, count);
	fact(out, zh, name, text);
}

static void facts(struct tb_buf *out, const struct sim_report *report)
{
	char text[64];
	double days = (double)(report->ended - report->started) / (double)TB_DAY;
	tb_buf_str(out, "<div class=\"facts\">\n");
	snprintf(text, sizeof(text), "%" PRIu64, report->seed);
	fact(out, "种子", "seed", text);
	fact(out, "场景", "preset", report->preset);
	fact_count(out, "节点", "nodes", report->nodes_count);
	snprintf(text, sizeof(text), "%.2f d", days);
	fact(out, "虚拟时间", "virtual time", text);
	fact_count(out, "事件", "events", report->events);
	if (report->wall_seconds > 0) {
		fact_count(out, "相当于实际时间的倍数", "times real time",
		           (uint64_t)(days * 86400 / report->wall_seconds));
	}
	fact(out, "签名", "signatures", report->crypto);
	fact(out, "版本", "version", report->version);
	for (size_t i = 0; i < report->counts_count; i++)
		fact_count(out, report_zh(report->counts[i].name), report->counts[i].name,
		           report->counts[i].count);
	tb_buf_str(out, "</div>\n");
	tb_buf_str(out, "<p>");
	report_say(out, "重现这次运行：", "The same run again: ");
	tb_buf_str(out, "<code>");
	sim_text_xml(out, report->replay);
	tb_buf_str(out, "</code></p>\n");
	if (report->hash[0]) {
		tb_buf_str(out, "<p>");
		report_say(out, "状态摘要：", "State hash: ");
		tb_buf_str(out, "<code>");
		sim_text_xml(out, report->hash);
		tb_buf_str(out, "</code></p>\n");
	}
}

static void checks(struct tb_buf *out, const struct sim_report *report)
{
	tb_buf_str(out, "<table><thead><tr><th></th><th>");
	report_say(out, "规则", "Invariant");
	tb_buf_str(out, "</th><th>");
	report_say(out, "始终必须成立", "What must always hold");
	tb_buf_str(out, "</th><th>");
	report_say(out, "检查次数", "Looked at");
	tb_buf_str(out, "</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < report->checks_count; i++) {
		const struct sim_report_check *check = &report->checks[i];
		bool good = check->broken == 0;
		tb_buf_printf(out, "<tr%s><td class=\"%s\">%s</td><td>", good ? "" : " class=\"bad\"",
		              good ? "ok" : "no", good ? "✓" : "✗");
		sim_text_xml(out, check->name);
		tb_buf_str(out, "</td><td>");
		report_say_known(out, check->name, check->sentence);
		if (!good) {
			tb_buf_str(out, "<br/><span class=\"no\">");
			report_say(out, "被破坏次数：", "times broken: ");
			tb_buf_printf(out, "%" PRIu64, check->broken);
			report_say(out, "；首次：", "; first: ");
			sim_text_xml(out, check->first ? check->first : "not told");
			tb_buf_str(out, "</span>");
		}
		char count[64];
		group(count, check->checked);
		tb_buf_printf(out, "</td><td class=\"n\">%s</td></tr>\n", count);
	}
	tb_buf_str(out, "</tbody></table>\n");
}

static void marks(struct tb_buf *out, const struct sim_report *report)
{
	size_t hit = 0;
	for (size_t i = 0; i < report->marks_count; i++)
		hit += report->marks[i].count > 0;
	tb_buf_str(out, "<p>");
	report_say(out, "这次运行到达的罕见分支：", "Rare branches that this run reached: ");
	tb_buf_printf(out, "%zu / %zu</p>\n<div class=\"marks\">\n", hit, report->marks_count);
	for (size_t i = 0; i < report->marks_count; i++) {
		const struct sim_report_mark *mark = &report->marks[i];
		tb_buf_printf(out, "<div class=\"mark%s\"><b>%" PRIu64 "</b>",
		              mark->count > 0  ? " hit"
		              : mark->required ? " miss"
		                               : "",
		              mark->count);
		sim_text_xml(out, mark->name);
		tb_buf_str(out, "<br/><span>");
		report_say_known(out, mark->name, mark->sentence);
		tb_buf_str(out, "</span></div>\n");
	}
	tb_buf_str(out, "</div>\n");
}

static void timeline(struct tb_buf *out, const struct sim_report *report)
{
	report_timeline(out, report);
	if (sim_story_dropped(report->story) == 0)
		return;
	tb_buf_str(out, "<p class=\"legend\">");
	report_say(out, "较早的一般事件没有保留，开头只见故障：",
	           "The oldest ordinary entries are no longer here: the beginning shows faults only. ");
	tb_buf_printf(out, "%" PRIu64 " / %" PRIu64 "</p>\n", sim_story_dropped(report->story),
	              sim_story_told(report->story));
}

/* The parts of the page, in order. */
struct section {
	const char *id;
	const char *zh;
	const char *en;
	void (*draw)(struct tb_buf *out, const struct sim_report *report);
};

static const struct section sections[] = {
	{"facts", "运行", "Run", facts},
	{"rules", "规则", "Invariants", checks},
	{"marks", "覆盖", "Coverage", marks},
	{"time", "时间线", "Time line", timeline},
	{"case", "一个办件", "One case", report_sequence},
	{"map", "地区与线路", "Regions and links", report_map},
	{"latency", "时延", "Latencies", report_latencies},
	{NULL, NULL, NULL, NULL},
};

static void head(struct tb_buf *out, const struct sim_report *report)
{
	struct verdict_words words = verdict_words(report->verdict);
	tb_buf_printf(out,
	              "<!DOCTYPE html>\n<html lang=\"zh\" xmlns=\"http://www.w3.org/1999/xhtml\"><head>"
	              "<meta charset=\"utf-8\"/><meta name=\"viewport\" content=\"width=device-width\"/>\n"
	              "<title>tongban-sim, seed %" PRIu64 ": %s</title>\n",
	              report->seed, words.en);
	tb_buf_str(out, STYLE);
	tb_buf_printf(out,
	              "</head><body>\n<input class=\"lang\" type=\"radio\" name=\"lang\" id=\"zh\" "
	              "checked=\"checked\"/><input class=\"lang\" type=\"radio\" name=\"lang\" "
	              "id=\"en\"/>\n<header class=\"verdict %s\"><div><h1>",
	              verdict_class(report->verdict));
	report_say(out, words.zh, words.en);
	tb_buf_str(out, "</h1><p>");
	if (report->verdict == SIM_HELD)
		report_say(out, "每条规则都成立，一切归于静止", report->sentence);
	else
		sim_text_xml(out, report->sentence);
	tb_buf_str(out, "</p></div></header>\n<nav><div><label for=\"en\">English</label>"
	                "<label for=\"zh\">中文</label>");
	for (const struct section *section = sections; section->id; section++) {
		tb_buf_printf(out, "<a href=\"#%s\">", section->id);
		report_say(out, section->zh, section->en);
		tb_buf_str(out, "</a>");
	}
	tb_buf_str(out, "</div></nav>\n<main>\n");
}

void sim_report_html(struct tb_buf *out, const struct sim_report *report)
{
	head(out, report);
	for (const struct section *section = sections; section->id; section++) {
		tb_buf_printf(out, "<section id=\"%s\"><h2>", section->id);
		report_say(out, section->zh, section->en);
		tb_buf_str(out, "</h2>\n");
		section->draw(out, report);
		tb_buf_str(out, "</section>\n");
	}
	tb_buf_str(out, "</main></body></html>\n");
}

/* ---- files */

static enum tb_code write_file(const char *dir, const char *name, struct tb_bytes bytes, struct tb_error *err)
{
	char path[4096];
	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return tb_fail(err, TB_EINVALID, "report: the directory's name is too long");
	FILE *file = fopen(path, "wb");
	if (!file)
		return tb_fail(err, TB_EIO, "report: %s: %s", path, strerror(errno));
	bool good = fwrite(bytes.data, 1, bytes.size, file) == bytes.size;
	good = fclose(file) == 0 && good;
	return good ? TB_OK : tb_fail(err, TB_EIO, "report: %s: %s", path, strerror(errno));
}

enum tb_code sim_report_write(const char *dir, const struct sim_report *report, struct tb_error *err)
{
	static const struct {
		const char *name;
		void (*make)(struct tb_buf *out, const struct sim_report *report);
	} files[] = {{"report.html", sim_report_html},
	             {"report.json", sim_report_json},
	             {"junit.xml", sim_report_junit}};
	enum tb_code code = TB_OK;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && code == TB_OK; i++) {
		struct tb_buf bytes = {0};
		files[i].make(&bytes, report);
		code = write_file(dir, files[i].name, tb_buf_bytes(&bytes), err);
		tb_buf_clear(&bytes);
	}
	return code;
}
