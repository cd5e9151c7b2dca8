#include "node/cli/forms.h"

#include <string.h>

#include "node/cli/html.h"
#include "node/core/casetable.h"

struct form {
	const char *name;
	PbCaseEvent events[3]; /* any of them */
	const char *says;      /* the first sentence */
};

/* clang-format off */
static const struct form forms[] = {
	{"接收回执", {PB_CASE_EVENT__SUBMIT, 0, 0}, "您提交的申请材料已收悉。"},
	{"物料流转凭证", {PB_CASE_EVENT__POST, PB_CASE_EVENT__SEND, 0}, "下列材料已移送办理地。"},
	{"受理回执", {PB_CASE_EVENT__ACCEPT, PB_CASE_EVENT__DEEM, 0}, "您的申请符合受理条件，现予受理。"},
	{"申请材料补正告知书", {PB_CASE_EVENT__NOTIFY, PB_CASE_EVENT__ASK, 0}, "您的申请材料不齐全或者不符合法定形式，需一次性补正下列内容。"},
	{"不予受理通知书", {PB_CASE_EVENT__REFUSE, 0, 0}, "您的申请不予受理。"},
	{"特殊程序期限告知书", {PB_CASE_EVENT__SUSPEND, 0, 0}, "您的申请需进行特殊程序，所需时间不计入办理期限。"},
	{"延长办理期限通知书", {PB_CASE_EVENT__EXTEND, 0, 0}, "您的申请经批准延长办理期限。"},
	{"批准决定书", {PB_CASE_EVENT__GRANT, 0, 0}, "经审查，您的申请符合法定条件，决定准予。"},
	{"不予批准决定书", {PB_CASE_EVENT__DENY, 0, 0}, "经审查，您的申请不符合法定条件，决定不予批准。如不服本决定，可以依法申请行政复议或者提起行政诉讼。"},
	{"送达回执", {PB_CASE_EVENT__HAND_OVER, 0, 0}, "办理结果已送达。"},
};
/* clang-format on */

enum { FORMS_COUNT = sizeof(forms) / sizeof(forms[0]), SHORT_DIGEST = 16 };

static const char head[] =
	"<!DOCTYPE html>\n<html lang=\"zh-CN\"><head><meta charset=\"utf-8\"><title>%s</title>\n<style>\n"
	"@page{size:A4;margin:25mm 20mm}body{font:12pt/1.8 \"Noto Serif CJK "
	"SC\",SimSun,serif;max-width:170mm;margin:auto}\n"
	"h1{text-align:center;font-size:20pt;letter-spacing:.2em}.number{text-align:right}\n"
	"table{width:100%%;border-collapse:collapse}td,th{border:1px solid #000;padding:2mm "
	"3mm;text-align:left;"
	"vertical-align:top}th{width:32mm;font-weight:normal}\n"
	".seal{margin-top:15mm;text-align:right}.proof{margin-top:10mm;font-size:9pt;color:#444}\n"
	"</style></head><body>\n<h1>%s</h1>\n";

static void row(struct tb_buf *out, const char *name, const char *value)
{
	if (!value || !value[0])
		return;
	tb_buf_printf(out, "<tr><th>%s</th><td>", name);
	html_text(out, value);
	tb_buf_str(out, "</td></tr>\n");
}

/* The newest entry that |form| is for. */
static size_t find_entry(const PbCaseView *view, const struct form *form)
{
	for (size_t i = view->n_log; i-- > 0;) {
		for (size_t j = 0; j < 3; j++) {
			if (form->events[j] && view->log[i]->event == form->events[j])
				return i;
		}
	}
	return view->n_log;
}

const char *forms_list(struct cli *cli, const PbCaseView *view)
{
	const char *all = "";
	for (size_t i = 0; i < FORMS_COUNT; i++) {
		if (find_entry(view, &forms[i]) < view->n_log)
			all = tb_arena_printf(&cli->arena, "%s%s%s", all, all[0] ? " " : "", forms[i].name);
	}
	return all;
}

static void lists(struct tb_buf *out, struct cli *cli, const PbCaseDetail *detail)
{
	const char *all = "";
	for (size_t i = 0; i < detail->n_needs; i++)
		all = tb_arena_printf(&cli->arena, "%s%zu. %s %s%s", all, i + 1, detail->needs[i]->code,
		                      detail->needs[i]->name, i + 1 < detail->n_needs ? "；" : "。");
	row(out, "需补正材料", all);
	const PbApplication *application = detail->application;
	all = "";
	for (size_t i = 0; application && i < application->n_materials; i++) {
		const PbMaterial *material = application->materials[i];
		all = tb_arena_printf(&cli->arena, "%s%zu. %s %s%s%s；", all, i + 1, material->need,
		                      material->name, material->credential[0] ? "电子证照 " : "",
		                      material->credential);
	}
	row(out, "收到材料", all);
	if (!detail->waybill)
		return;
	row(out, "承运单位", detail->waybill->carrier);
	row(out, "运单号", detail->waybill->number);
	all = "";
	for (size_t i = 0; i < detail->waybill->n_contents; i++)
		all = tb_arena_printf(&cli->arena, "%s%s%s", all, i ? "、" : "",
		                      detail->waybill->contents[i]);
	row(out, "内装", all);
}

static void details(struct tb_buf *out, struct cli *cli, const PbCaseDetail *detail)
{
	if (!detail)
		return;
	lists(out, cli, detail);
	row(out, "办件编号", detail->local_number);
	row(out, "理由", detail->reason);
	row(out, "说明", detail->note);
	if (detail->days)
		row(out, "期限", tb_arena_printf(&cli->arena, "%u 个工作日", detail->days));
	if (detail->promised_days)
		row(out, "承诺办结时限", tb_arena_printf(&cli->arena, "%u 个工作日", detail->promised_days));
	if (detail->way)
		row(out, "送达方式", case_way_text(detail->way, true));
	if (detail->decision) {
		row(out, "文号", detail->decision->document_number);
		row(out, "决定内容", detail->decision->text);
		row(out, "颁发证照", detail->decision->credential_identifier);
	}
}

static void clocks(struct tb_buf *out, struct cli *cli, const PbCaseEntry *entry)
{
	for (size_t i = 0; i < entry->n_clocks; i++) {
		const PbClockState *clock = entry->clocks[i];
		if (clock->running)
			row(out, case_clock_text(clock->clock, true),
			    tb_arena_printf(&cli->arena, "至 %s", cli_time(cli, clock->due_ms)));
	}
}

bool forms_write(struct tb_buf *out, struct cli *cli, const PbCaseView *view, const char *name)
{
	const struct form *form = NULL;
	for (size_t i = 0; i < FORMS_COUNT && !form; i++) {
		if (strcmp(forms[i].name, name) == 0)
			form = &forms[i];
	}
	size_t at = form ? find_entry(view, form) : view->n_log;
	if (at == view->n_log)
		return false;
	const PbCaseEntry *entry = view->log[at];
	tb_buf_printf(out, head, form->name, form->name);
	tb_buf_printf(out, "<p class=\"number\">编号：%s-%u</p>\n<p>", view->number, entry->seq);
	html_text(out, view->applicant_name);
	tb_buf_printf(out, "：</p>\n<p>%s</p>\n<table>\n", form->says);
	row(out, "申请事项", view->item_name);
	row(out, "事项编码", view->item);
	row(out, "协同编号", view->number);
	row(out, "首收地区", view->first_node);
	row(out, "办理地区", view->home);
	details(out, cli, entry->detail);
	clocks(out, cli, entry);
	row(out, "依据", entry->basis);
	if (entry->actor)
		row(out, "经办",
		    tb_arena_printf(&cli->arena, "%s %s %s", case_role_text(entry->actor->role, true),
		                    entry->actor->id, entry->actor->name));
	tb_buf_printf(out, "</table>\n<p class=\"seal\">（%s 电子印章）<br>%s</p>\n", entry->owner,
	              cli_time(cli, entry->at_ms));
	tb_buf_printf(out,
	              "<p class=\"proof\">本文书所载内容为办件 %s 第 %u 条记录，摘要 "
	              "%.*s；可凭证据文件离线核验。</p>\n</body></html>\n",
	              view->number, entry->seq, SHORT_DIGEST,
	              at < view->n_log_digests ? view->log_digests[at] : "");
	return true;
}
