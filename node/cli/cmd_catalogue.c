/* tongban catalogue: the items that a region handles for others. */
#include <string.h>

#include "node/cli/cmd_catalogue.h"

static const char *joined(struct cli *cli, char *const *texts, size_t count)
{
	const char *all = "";
	for (size_t i = 0; i < count; i++)
		all = tb_arena_printf(&cli->arena, "%s%s%s", all, i ? "," : "", texts[i]);
	return all;
}

/* "provinces", or SCOPE_PROVINCES. */
static enum tb_code scope_of(struct cli *cli, const char *word, int *out)
{
	const char *name =
		tb_arena_printf(&cli->arena, "%s%s", strncmp(word, "SCOPE_", 6) ? "scope-" : "", word);
	return cli_enum_option(cli, &pb_scope__descriptor, "scope", name, out);
}

static int run_list(struct cli *cli, const struct options *options)
{
	static const struct table_column columns[] = {
		{TEXT_H_CODE, false},       {TEXT_H_BASE_CODE, false}, {TEXT_H_ITEM, false},
		{TEXT_H_DEPARTMENT, false}, {TEXT_H_MODES, false},     {TEXT_H_DAYS, true},
		{TEXT_H_LEGAL_DAYS, true},  {TEXT_H_RUNS, true},       {TEXT_H_MATERIALS, true},
		{TEXT_H_CRITERIA, false},
	};
	PbCatalogueListResponse *reply;
	int scope = 0;
	uint64_t year = 0;
	enum tb_code code = options_number(options, "year", 2000, 2100, 0, &year, &cli->error);
	if (!code && options_value(options, "scope"))
		code = scope_of(cli, options_value(options, "scope"), &scope);
	if (code)
		return cli_usage(cli);
	code = catalogue_list(cli, options_value_or(options, "region", ""), "", false, &reply);
	if (code)
		return cli_fail(cli, code);
	PbCatalogue *catalogue = reply->catalogue;
	size_t kept = 0;
	for (size_t i = 0; i < catalogue->n_items; i++) {
		const PbItem *item = catalogue->items[i];
		if ((!year || item->year == year) && (!scope || (int)item->scope == scope))
			catalogue->items[kept++] = catalogue->items[i];
	}
	catalogue->n_items = kept;
	if (cli->json) {
		cli_print_json(&reply->base);
		return CLI_DONE;
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

/* ---- show: the guide (办事指南) */

static void show_part(enum itemfile_part part, const proto_message *message, const char *head)
{
	printf("\n%s\n", head);
	for (size_t i = 0; i < itemfile_columns(part); i++) {
		struct tb_buf value = {0}, clean = {0};
		itemfile_column_value(&value, part, i, message, text_zh());
		table_clean(&clean, tb_buf_text(&value));
		if (value.size > 0)
			printf("  %s: %s\n", itemfile_column_name(part, i, text_zh()), tb_buf_text(&clean));
		tb_buf_clear(&value);
		tb_buf_clear(&clean);
	}
}

static void show_item(const PbItem *item)
{
	show_part(ITEMFILE_ITEM, &item->base, item->code);
	for (size_t i = 0; i < item->n_materials; i++)
		show_part(ITEMFILE_MATERIAL, &item->materials[i]->base, item->materials[i]->code);
	for (size_t i = 0; i < item->n_fees; i++)
		show_part(ITEMFILE_FEE, &item->fees[i]->base, item->fees[i]->name);
	for (size_t i = 0; i < item->n_mode_regions; i++)
		show_part(ITEMFILE_MODE, &item->mode_regions[i]->base, item->mode_regions[i]->mode);
	for (size_t i = 0; i < item->n_bundle; i++)
		show_part(ITEMFILE_BUNDLE, &item->bundle[i]->base, item->bundle[i]->code);
}

static int run_show(struct cli *cli, const struct options *options)
{
	PbCatalogueListResponse *reply;
	enum tb_code code = catalogue_list(cli, options_value_or(options, "region", ""), options->operands[0],
	                                   options_flag(options, "history"), &reply);
	if (!code && reply->catalogue->n_items == 0 && reply->n_replaced == 0)
		code = text_fail(&cli->error, TB_ENOTFOUND, TEXT_M_ITEM_UNKNOWN, reply->catalogue->region,
		                 options->operands[0], NULL);
	if (code)
		return cli_fail(cli, code);
	if (cli->json) {
		cli_print_json(&reply->base);
		return CLI_DONE;
	}
	for (size_t i = 0; i < reply->catalogue->n_items; i++)
		show_item(reply->catalogue->items[i]);
	if (reply->n_replaced > 0)
		text_say(stdout, TEXT_M_CATALOGUE_REPLACED, NULL);
	for (size_t i = 0; i < reply->n_replaced; i++)
		show_item(reply->replaced[i]);
	return CLI_DONE;
}

/* ---- count */

struct count {
	enum text_id by;
	const char *value;
	size_t items;
};

enum { COUNTS_MAX = 256 };

static void count_one(struct count *counts, size_t *count, enum text_id by, const char *value)
{
	size_t i = 0;
	while (i < *count && (counts[i].by != by || strcmp(counts[i].value, value) != 0))
		i++;
	if (i == COUNTS_MAX)
		return; /* more classes than anybody reads */
	if (i == *count)
		counts[(*count)++] = (struct count){by, value, 0};
	counts[i].items++;
}

static const char *column_text(struct cli *cli, const PbItem *item, const char *field)
{
	size_t i = 0;
	struct tb_buf value = {0};
	while (strcmp(itemfile_column_field(ITEMFILE_ITEM, i), field) != 0)
		i++;
	itemfile_column_value(&value, ITEMFILE_ITEM, i, &item->base, text_zh());
	const char *out = tb_arena_str(&cli->arena, value.size ? tb_buf_text(&value) : "-");
	tb_buf_clear(&value);
	return out;
}

static int run_count(struct cli *cli, const struct options *options)
{
	static const struct table_column columns[] = {
		{TEXT_H_LIST_BY, false}, {TEXT_EMPTY, false}, {TEXT_H_LIST_COUNT, true}};
	static const enum text_id order[] = {TEXT_H_LIST_YEAR, TEXT_H_LIST_SCOPE, TEXT_H_LIST_WINDOW,
	                                     TEXT_H_MODES};
	struct count counts[COUNTS_MAX];
	size_t count = 0;
	PbCatalogueListResponse *reply;
	enum tb_code code = catalogue_list(cli, options_value_or(options, "region", ""), "", false, &reply);
	if (code)
		return cli_fail(cli, code);
	for (size_t i = 0; i < reply->catalogue->n_items; i++) {
		const PbItem *item = reply->catalogue->items[i];
		count_one(counts, &count, TEXT_H_LIST_YEAR, column_text(cli, item, "year"));
		count_one(counts, &count, TEXT_H_LIST_SCOPE, column_text(cli, item, "scope"));
		count_one(counts, &count, TEXT_H_LIST_WINDOW, column_text(cli, item, "window_class"));
		for (size_t j = 0; j < item->n_modes; j++)
			count_one(counts, &count, TEXT_H_MODES, item->modes[j]);
	}
	struct table *table = TABLE_NEW(columns);
	TABLE_ROW(table, text(TEXT_H_LIST_ALL), "", cli_number(cli, reply->catalogue->n_items));
	for (size_t o = 0; o < sizeof(order) / sizeof(order[0]); o++) {
		for (size_t i = 0; i < count; i++) {
			if (counts[i].by == order[o])
				TABLE_ROW(table, text(counts[i].by), counts[i].value,
				          cli_number(cli, counts[i].items));
		}
	}
	table_end(table, stdout);
	return CLI_DONE;
}

static const struct option list_options[] = {
	{"region", OPTION_VALUE, "CODE", TEXT_O_REGION_LIST},
	{"year", OPTION_VALUE, "YEAR", TEXT_O_CATALOGUE_YEAR},
	{"scope", OPTION_VALUE, "national|provinces|cities|counties", TEXT_O_CATALOGUE_SCOPE},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};
static const struct option show_options[] = {
	{"region", OPTION_VALUE, "CODE", TEXT_O_REGION_LIST},
	{"history", OPTION_FLAG, NULL, TEXT_O_CATALOGUE_HISTORY},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};
static const struct option count_options[] = {
	{"region", OPTION_VALUE, "CODE", TEXT_O_REGION_LIST},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};

const struct cli_verb cmd_catalogue_verbs[] = {
	{"catalogue list", "", 0, 0, TEXT_V_CATALOGUE_LIST, list_options,
         "tongban catalogue list --region 320400", false, run_list},
	{"catalogue show", "ITEM", 1, 1, TEXT_V_CATALOGUE_SHOW, show_options,
         "tongban catalogue show 1232040046600738673000115035000 --region 320400", false, run_show},
	{"catalogue count", "", 0, 0, TEXT_V_CATALOGUE_COUNT, count_options, "tongban catalogue count", false,
         run_count},
	{0},
};
