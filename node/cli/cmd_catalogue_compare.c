/* tongban catalogue check, catalogue diff: a list looked at, and lists held against each other. */
#include <string.h>

#include "node/cli/cli.h"
#include "node/core/cataloguecheck.h"

static enum tb_code load(struct cli *cli, const char *region, PbCatalogue **out)
{
	PbCatalogueListRequest request = PB_CATALOGUE_LIST_REQUEST__INIT;
	PbCatalogueListResponse *reply;
	request.region = cli_pb(region);
	*out = NULL;
	enum tb_code code = CLI_CALL(cli, "CatalogueService/List", &request, catalogue_list_response, &reply);
	if (code == TB_OK)
		*out = reply->catalogue;
	if (code == TB_OK && !reply->catalogue)
		code = text_fail(&cli->error, TB_ENOTFOUND, TEXT_M_CATALOGUE_NONE, NULL);
	return code;
}

/* ---- check */

static enum text_id fault_text(enum catalogue_fault fault)
{
	static const enum text_id texts[] = {
		[CATALOGUE_NO_BASIS] = TEXT_W_FAULT_NO_BASIS,
		[CATALOGUE_LIMITS] = TEXT_W_FAULT_LIMITS,
		[CATALOGUE_CIRCLE] = TEXT_W_FAULT_CIRCLE,
		[CATALOGUE_NO_CRITERIA] = TEXT_W_FAULT_NO_CRITERIA,
		[CATALOGUE_PAPER_ONLINE] = TEXT_W_FAULT_PAPER_ONLINE,
	};
	return texts[fault];
}

static int run_check(struct cli *cli, const struct options *options)
{
	static const struct table_column columns[] = {{TEXT_H_CODE, false},
	                                              {TEXT_H_ITEM, false},
	                                              {TEXT_H_MATERIALS, false},
	                                              {TEXT_H_REMARK, false}};
	PbCatalogue *catalogue;
	struct catalogue_finding *list;
	enum tb_code code = load(cli, options_value_or(options, "region", ""), &catalogue);
	if (code)
		return cli_fail(cli, code);
	size_t count = catalogue_findings(catalogue, &cli->arena, &list);
	if (count == 0) {
		text_say(stdout, TEXT_M_CATALOGUE_SOUND, catalogue->region,
		         cli_number(cli, catalogue->n_items), NULL);
		return CLI_DONE;
	}
	struct table *table = TABLE_NEW(columns);
	for (size_t i = 0; i < count; i++)
		TABLE_ROW(table, list[i].item->code, list[i].item->name,
		          list[i].material ? list[i].material->code : "",
		          tb_arena_printf(&cli->arena, "%s%s%s", text(fault_text(list[i].fault)),
		                          list[i].with[0] ? ": " : "", list[i].with));
	table_end(table, stdout);
	return CLI_REFUSED;
}

/* ---- diff */

enum { REGIONS_MAX = 6 };

struct column {
	const char *region;
	const PbItem *item; /* NULL: the region does not have it */
};

/* By code, or by the basic code that it has in every region. */
static const PbItem *find_item(const PbCatalogue *catalogue, const char *code)
{
	for (size_t i = 0; i < catalogue->n_items; i++) {
		if (strcmp(catalogue->items[i]->code, code) == 0 ||
		    strcmp(catalogue->items[i]->base_code, code) == 0)
			return catalogue->items[i];
	}
	return NULL;
}

static const PbMaterialNeed *find_need(const PbItem *item, const char *name)
{
	for (size_t i = 0; item && i < item->n_materials; i++) {
		if (strcmp(item->materials[i]->name, name) == 0)
			return item->materials[i];
	}
	return NULL;
}

static const char *joined(struct cli *cli, char *const *texts, size_t count)
{
	const char *all = "";
	for (size_t i = 0; i < count; i++)
		all = tb_arena_printf(&cli->arena, "%s%s%s", all, i ? " " : "", texts[i]);
	return all;
}

static void add_row(struct table *table, const char *name, const char *cells[REGIONS_MAX], size_t count)
{
	bool same = true;
	for (size_t i = 1; i < count; i++)
		same = same && strcmp(cells[0], cells[i]) == 0;
	const char *row[REGIONS_MAX + 2] = {name, same ? "" : "≠"};
	memcpy(row + 2, cells, count * sizeof(*cells));
	table_row(table, row, count + 2);
}

static void elements(struct cli *cli, struct table *table, const struct column *columns, size_t count)
{
	const char *cells[6][REGIONS_MAX];
	static const enum text_id names[] = {TEXT_H_ITEM, TEXT_H_CODE, TEXT_H_MODES,
	                                     TEXT_H_DAYS, TEXT_H_RUNS, TEXT_H_CRITERIA};
	for (size_t i = 0; i < count; i++) {
		const PbItem *item = columns[i].item;
		cells[0][i] = item ? item->name : "-";
		cells[1][i] = item ? item->code : "-";
		cells[2][i] = item ? joined(cli, item->modes, item->n_modes) : "-";
		cells[3][i] =
			item ? tb_arena_printf(&cli->arena, "%u / %u", item->promised_days, item->legal_days)
			     : "-";
		cells[4][i] = item ? cli_number(cli, item->onsite_runs) : "-";
		cells[5][i] = item ? item->criteria : "-";
	}
	for (size_t row = 0; row < sizeof(names) / sizeof(names[0]); row++)
		add_row(table, text(names[row]), cells[row], count);
}

/* Every paper that any of them asks for, once. */
static void papers(struct cli *cli, struct table *table, const struct column *columns, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t m = 0; columns[i].item && m < columns[i].item->n_materials; m++) {
			const char *name = columns[i].item->materials[m]->name, *cells[REGIONS_MAX];
			bool told = false;
			for (size_t j = 0; j < i; j++)
				told = told || find_need(columns[j].item, name);
			for (size_t j = 0; j < count; j++) {
				const PbMaterialNeed *need = find_need(columns[j].item, name);
				cells[j] = !need ? "-"
				                 : tb_arena_printf(&cli->arena, "%s%s%s", need->code,
				                                   need->required ? " *" : "",
				                                   need->original ? " ◎" : "");
			}
			if (!told)
				add_row(table, name, cells, count);
		}
	}
}

static int run_diff(struct cli *cli, const struct options *options)
{
	struct column columns[REGIONS_MAX];
	struct table_column heads[REGIONS_MAX + 2] = {{TEXT_H_ELEMENT, false}, {TEXT_EMPTY, false}};
	size_t count = 0;
	char *rest = NULL, *list = tb_arena_str(&cli->arena, options_value_or(options, "regions", ""));
	for (char *region = strtok_r(list, ",", &rest); region && count < REGIONS_MAX;
	     region = strtok_r(NULL, ",", &rest)) {
		PbCatalogue *catalogue;
		enum tb_code code = load(cli, region, &catalogue);
		if (code)
			return cli_fail(cli, code);
		heads[2 + count] = (struct table_column){TEXT_EMPTY, false};
		columns[count++] =
			(struct column){catalogue->region, find_item(catalogue, options->operands[0])};
	}
	if (count < 2) {
		text_fail(&cli->error, TB_EINVALID, TEXT_M_DIFF_REGIONS, cli_number(cli, REGIONS_MAX), NULL);
		return cli_usage(cli);
	}
	struct table *table = table_new(heads, 2 + count);
	const char *regions[REGIONS_MAX];
	for (size_t i = 0; i < count; i++)
		regions[i] = columns[i].region;
	add_row(table, text(TEXT_H_REGION), regions, count);
	elements(cli, table, columns, count);
	papers(cli, table, columns, count);
	table_end(table, stdout);
	return CLI_DONE;
}

static const struct option check_options[] = {
	{"region", OPTION_VALUE, "CODE", TEXT_O_REGION_LIST},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};
static const struct option diff_options[] = {
	{"regions", OPTION_VALUE, "A,B,C", TEXT_O_REGIONS},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};

const struct cli_verb cmd_catalogue_compare_verbs[] = {
	{"catalogue check", "", 0, 0, TEXT_V_CATALOGUE_CHECK, check_options,
         "tongban catalogue check --region 320400", false, run_check},
	{"catalogue diff", "ITEM", 1, 1, TEXT_V_CATALOGUE_DIFF, diff_options,
         "tongban catalogue diff 000131001000 --regions 310000,320400,340100", false, run_diff},
	{0},
};
