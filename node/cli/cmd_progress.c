/* tongban progress: how far the items of a base list (通办任务清单) are here, for the next level. */
#include <string.h>

#include "node/cli/cmd_catalogue.h"
#include "node/cli/cmd_stats.h"
#include "node/cli/userfile.h"
#include "node/core/progress.h"
#include "node/io/now.h"

static enum tb_code own_list(struct cli *cli, const PbCatalogue **out)
{
	PbCatalogueListResponse *reply;
	enum tb_code code = catalogue_list(cli, "", "", false, &reply);
	if (code == TB_ENOTFOUND) { /* nothing is published: nothing is claimed */
		*out = PROTO_NEW(PbCatalogue, catalogue, &cli->arena);
		return TB_OK;
	}
	*out = code ? NULL : reply->catalogue;
	return code;
}

static enum tb_code own_halls(struct cli *cli, const PbHallList **out)
{
	PbHallListRequest request = PB_HALL_LIST_REQUEST__INIT;
	PbHallListResponse *reply;
	enum tb_code code = CLI_CALL(cli, "HallService/List", &request, hall_list_response, &reply);
	*out = code ? NULL : reply->list;
	return code == TB_ENOTFOUND ? TB_OK : code;
}

static enum tb_code gather(struct cli *cli, char *from, char *to, const PbCatalogue *base,
                           PbProgressReport **out)
{
	PbStatusRequest status = PB_STATUS_REQUEST__INIT;
	PbStatusResponse *node;
	PbAgreementListRequest all = PB_AGREEMENT_LIST_REQUEST__INIT;
	PbAgreementListResponse *agreements;
	PbStatsCasesRequest period = PB_STATS_CASES_REQUEST__INIT;
	PbStatsCasesResponse stats = PB_STATS_CASES_RESPONSE__INIT;
	struct progress_facts facts = {.today = tb_day_at(now_ms()), .base = base, .stats = &stats};
	period.by = PB_STATS_BY__STATS_BY_ITEM;
	period.from = from;
	period.to = to;
	enum tb_code code = CLI_CALL(cli, "NodeService/Status", &status, status_response, &node);
	if (code == TB_OK)
		code = own_list(cli, &facts.list);
	if (code == TB_OK)
		code = CLI_CALL(cli, "AgreementService/List", &all, agreement_list_response, &agreements);
	if (code == TB_OK)
		code = own_halls(cli, &facts.halls);
	if (code == TB_OK)
		code = stats_cases(cli, &period, &stats);
	if (code)
		return code;
	facts.region = node->region;
	facts.agreements = agreements->agreements;
	facts.agreements_count = agreements->n_agreements;
	*out = progress_report(&facts, &cli->arena);
	(*out)->from = period.from;
	(*out)->to = period.to;
	return TB_OK;
}

static const char *joined(struct cli *cli, char *const *texts, size_t count)
{
	const char *all = "";
	for (size_t i = 0; i < count; i++)
		all = tb_arena_printf(&cli->arena, "%s%s%s", all, i ? "," : "", texts[i]);
	return all;
}

static void show(struct cli *cli, const PbProgressReport *report)
{
	static const struct table_column columns[] = {
		{TEXT_H_BASE_CODE, false},       {TEXT_H_ITEM, false},
		{TEXT_H_PROGRESS_DUE, false},    {TEXT_H_STATE, false},
		{TEXT_H_MODES, false},           {TEXT_H_PROGRESS_PARTNERS, false},
		{TEXT_H_PROGRESS_DIFFERS, true}, {TEXT_H_PROGRESS_HALLS, true},
		{TEXT_H_STATS_CASES, true},      {TEXT_H_STATS_IN_TIME, true},
	};
	struct table *table = TABLE_NEW(columns);
	for (size_t i = 0; i < report->n_rows; i++) {
		const PbProgressRow *row = report->rows[i];
		TABLE_ROW(table, row->base_code, row->name,
		          tb_arena_printf(&cli->arena, "%s%s", row->overdue ? "! " : "", row->due_on),
		          progress_state_text(row->state, text_zh()), joined(cli, row->modes, row->n_modes),
		          joined(cli, row->partners, row->n_partners), cli_number(cli, row->findings),
		          cli_number(cli, row->halls), cli_number(cli, row->cases),
		          tb_arena_printf(&cli->arena, "%llu/%llu", (unsigned long long)row->in_time,
		                          (unsigned long long)row->decided));
	}
	table_end(table, stdout);
	text_say(stdout, TEXT_M_PROGRESS_SUM, report->region, report->on, cli_number(cli, report->items),
	         cli_number(cli, report->offered), cli_number(cli, report->overdue),
	         cli_number(cli, report->halls), cli_number(cli, report->areas),
	         cli_number(cli, report->areas_all), NULL);
}

static int write_csv(struct cli *cli, const PbProgressReport *report, const char *path)
{
	struct tb_buf csv = {0};
	progress_csv(&csv, report, text_zh());
	enum tb_code code = userfile_write(path, tb_buf_bytes(&csv), &cli->error);
	tb_buf_clear(&csv);
	return code ? cli_fail(cli, code) : CLI_DONE;
}

static int run_progress(struct cli *cli, const struct options *options)
{
	PbCatalogue base;
	PbProgressReport *report;
	char *from, *to;
	const char *path = options_value(options, "base"), *csv = options_value(options, "csv");
	if (!path) {
		text_fail(&cli->error, TB_EINVALID, TEXT_OPTION_MISSING, "base", NULL);
		return cli_usage(cli);
	}
	if (cli_period_options(cli, options, &from, &to))
		return cli_usage(cli);
	enum tb_code code = catalogue_base_read(cli, path, &base);
	if (code == TB_OK)
		code = gather(cli, from, to, &base, &report);
	if (code)
		return cli_fail(cli, code);
	if (csv)
		return write_csv(cli, report, csv);
	if (cli->json)
		cli_print_json(&report->base);
	else
		show(cli, report);
	return CLI_DONE;
}

static const struct option progress_options[] = {
	{"base", OPTION_VALUE, "FILE", TEXT_O_PROGRESS_BASE},
	{"from", OPTION_VALUE, "DATE", TEXT_O_STATS_FROM},
	{"to", OPTION_VALUE, "DATE", TEXT_O_STATS_TO},
	{"csv", OPTION_VALUE, "FILE", TEXT_O_PROGRESS_CSV},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};

const struct cli_verb cmd_progress_verbs[] = {
	{"progress", "", 0, 0, TEXT_V_PROGRESS, progress_options,
         "tongban progress --base national.csv --from 2026-01-01 --to 2026-03-31 --csv report.csv", false,
         run_progress},
	{0},
};
