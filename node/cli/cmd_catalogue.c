/* tongban catalogue: the items that a region handles for others. */
#include "node/cli/cli.h"
#include "node/cli/userfile.h"
#include "node/io/config.h"

static int run_load(struct cli *cli, const struct options *options)
{
	PbCatalogueLoadRequest request = PB_CATALOGUE_LOAD_REQUEST__INIT;
	PbCatalogueLoadResponse *reply;
	struct tb_buf file = {0};
	const char *path = options->operands[0];
	enum tb_code code = userfile_read(&file, path, TB_FILE_BYTES_MAX, &cli->error);
	if (!code) {
		tb_buf_text(&file); /* The parser may want the NUL. */
		code = config_catalogue(&request.items, &request.n_items, path, tb_buf_bytes(&file),
		                        &cli->arena, &cli->error);
	}
	tb_buf_clear(&file);
	if (!code)
		code = CLI_CALL(cli, "CatalogueService/Load", &request, catalogue_load_response, &reply);
	if (code)
		return cli_fail(cli, code);
	if (cli->json)
		cli_print_json(&reply->base);
	else
		text_say(stdout, TEXT_M_CATALOGUE_LOADED, cli_number(cli, reply->version),
		         cli_number(cli, reply->items), NULL);
	return CLI_DONE;
}

static const char *joined(struct cli *cli, char *const *texts, size_t count)
{
	const char *all = "";
	for (size_t i = 0; i < count; i++)
		all = tb_arena_printf(&cli->arena, "%s%s%s", all, i ? "," : "", texts[i]);
	return all;
}

static int run_list(struct cli *cli, const struct options *options)
{
	static const struct table_column columns[] = {
		{TEXT_H_CODE, false},       {TEXT_H_BASE_CODE, false}, {TEXT_H_ITEM, false},
		{TEXT_H_DEPARTMENT, false}, {TEXT_H_MODES, false},     {TEXT_H_DAYS, true},
		{TEXT_H_LEGAL_DAYS, true},  {TEXT_H_RUNS, true},       {TEXT_H_MATERIALS, true},
		{TEXT_H_CRITERIA, false},
	};
	PbCatalogueListRequest request = PB_CATALOGUE_LIST_REQUEST__INIT;
	PbCatalogueListResponse *reply;
	request.region = cli_pb(options_value_or(options, "region", ""));
	enum tb_code code = CLI_CALL(cli, "CatalogueService/List", &request, catalogue_list_response, &reply);
	if (code)
		return cli_fail(cli, code);
	if (cli->json) {
		cli_print_json(&reply->base);
		return CLI_DONE;
	}
	const PbCatalogue *catalogue = reply->catalogue;
	if (!catalogue) {
		text_fail(&cli->error, TB_ENOTFOUND, TEXT_M_CATALOGUE_NONE, NULL);
		return cli_fail(cli, TB_ENOTFOUND);
	}
	text_say(stdout, TEXT_M_CATALOGUE_HEAD, catalogue->region, cli_number(cli, catalogue->version),
	         cli_time(cli, catalogue->published_at_ms), NULL);
	struct table *table = TABLE_NEW(columns);
	for (size_t i = 0; i < catalogue->n_items; i++) {
		const PbItem *item = catalogue->items[i];
		TABLE_ROW(table, item->code, item->base_code, item->name,
		          item->department_name[0] ? item->department_name : item->department,
		          joined(cli, item->modes, item->n_modes), cli_number(cli, item->promised_days),
		          cli_number(cli, item->legal_days), cli_number(cli, item->onsite_runs),
		          cli_number(cli, item->n_materials), item->criteria);
	}
	table_end(table, stdout);
	return CLI_DONE;
}

static const struct option list_options[] = {
	{"region", OPTION_VALUE, "CODE", TEXT_O_REGION_LIST},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};

const struct cli_verb cmd_catalogue_verbs[] = {
	{"catalogue load", "FILE", 1, 1, TEXT_V_CATALOGUE_LOAD, NULL, "tongban catalogue load items.yaml",
         false, run_load},
	{"catalogue list", "", 0, 0, TEXT_V_CATALOGUE_LIST, list_options,
         "tongban catalogue list --region 320400", false, run_list},
	{0},
};
