/* tongban catalogue check, diff, conform: a list looked at, and lists held against each other. */
#include <string.h>

#include "node/cli/cmd_catalogue.h"
#include "node/cli/userfile.h"
#include "node/core/cataloguecheck.h"
#include "node/core/catalogueconform.h"

/* ---- check */

static enum text_id fault_text(enum catalogue_fault fault)
{
	static const enum text_id texts[] = {
		[CATALOGUE_NO_BASIS] = TEXT_W_FAULT_NO_BASIS,
		[CATALOGUE_LIMITS] = TEXT_W_FAULT_LIMITS,
		[CATALOGUE_CIRCLE] = TEXT_W_FAULT_CIRCLE,
		[CATALOGUE_NO_CRITERIA] = TEXT_W_FAULT_NO_CRITERIA,
		[CATALOGUE_PAPER_ONLINE] = TEXT_W_FAULT_PAPER_ONLINE,
		[CATALOGUE_BUNDLE] = TEXT_W_FAULT_BUNDLE,
		[CATALOGUE_ELEMENT] = TEXT_W_FAULT_ELEMENT,
		[CATALOGUE_CODE] = TEXT_W_FAULT_CODE,
		[CATALOGUE_ONSITE] = TEXT_W_FAULT_ONSITE,
	};
	return texts[fault];
}

/* The name of a field for people. */
static const char *element_name(enum itemfile_part part, const char *field)
{
	for (size_t i = 0; i < itemfile_columns(part); i++) {
		if (strcmp(itemfile_column_field(part, i), field) == 0)
			return itemfile_column_name(part, i, text_zh());
	}
	return field;
}

/* What is to be looked at: the items of --file, or a region's list. */
static enum tb_code look_at(struct cli *cli, const struct options *options, PbCatalogue **out)
{
	const char *path = options_value(options, "file");
	PbCatalogueListResponse *reply;
	struct itemfile file;
	if (!path) {
		enum tb_code code =
			catalogue_list(cli, options_value_or(options, "region", ""), "", false, &reply);
		*out = code ? NULL : reply->catalogue;
		return code;
	}
	enum tb_code code = catalogue_file_read(cli, path, NULL, &file);
	if (code)
		return code;
	catalogue_file_faults(cli, path, &file);
	*out = PROTO_NEW(PbCatalogue, catalogue, &cli->arena);
	(*out)->region = cli_pb(path);
	(*out)->items = file.items;
	(*out)->n_items = file.items_count;
	return file.bad_count ? text_fail(&cli->error, TB_EINVALID, TEXT_M_ITEMFILE_FAULTS,
	                                  cli_number(cli, file.faults_count), cli_number(cli, file.bad_count),
	                                  cli_number(cli, file.items_count), NULL)
	                      : TB_OK;
}

static int run_check(struct cli *cli, const struct options *options)
{
	static const struct table_column columns[] = {{TEXT_H_CODE, false},
	                                              {TEXT_H_ITEM, false},
	                                              {TEXT_H_LIST_MATERIAL, false},
	                                              {TEXT_H_REMARK, false}};
	PbCatalogue *catalogue;
	struct catalogue_finding *list;
	/* A file can be looked at where no node is. */
	if (!cli->dir && !options_value(options, "file")) {
		text_fail(&cli->error, TB_EINVALID, TEXT_M_NO_DIR, NULL);
		return cli_usage(cli);
	}
	enum tb_code code = look_at(cli, options, &catalogue);
	if (code)
		return cli_fail(cli, code);
	size_t count = catalogue_findings(catalogue, options_flag(options, "elements"), &cli->arena, &list);
	if (count == 0) {
		text_say(stdout, TEXT_M_CATALOGUE_SOUND, catalogue->region,
		         cli_number(cli, catalogue->n_items), NULL);
		return CLI_DONE;
	}
	struct table *table = TABLE_NEW(columns);
	for (size_t i = 0; i < count; i++) {
		const char *with = list[i].with;
		if (list[i].fault == CATALOGUE_ELEMENT)
			with = element_name(list[i].material ? ITEMFILE_MATERIAL : ITEMFILE_ITEM, with);
		TABLE_ROW(table, list[i].item->code, list[i].item->name,
		          list[i].material ? list[i].material->code : "",
		          tb_arena_printf(&cli->arena, "%s%s%s", text(fault_text(list[i].fault)),
		                          with[0] ? ": " : "", with));
	}
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

/* As a table has it: a long text is cut, unless all of it was asked for. */
static const char *shortened(struct cli *cli, const char *value, bool full)
{
	enum { CHARACTERS = 20 };
	size_t size = 0, count = 0;
	while (value[size] && (full || count < CHARACTERS)) {
		size++;
		while (((unsigned char)value[size] & 0xc0) == 0x80)
			size++;
		count++;
	}
	return value[size] ? tb_arena_printf(&cli->arena, "%.*s…", (int)size, value) : value;
}

static void add_row(struct cli *cli, struct table *table, const char *name, const char *cells[REGIONS_MAX],
                    size_t count, bool full)
{
	bool same = true;
	for (size_t i = 1; i < count; i++)
		same = same && strcmp(cells[0], cells[i]) == 0;
	const char *row[REGIONS_MAX + 2] = {name, same ? "" : "≠"};
	for (size_t i = 0; i < count; i++)
		row[2 + i] = shortened(cli, cells[i], full);
	table_row(table, row, count + 2);
}

/* Every element that any of them gives. */
static void elements(struct cli *cli, struct table *table, const struct column *columns, size_t count,
                     bool full)
{
	for (size_t row = 0; row < itemfile_columns(ITEMFILE_ITEM); row++) {
		const char *cells[REGIONS_MAX];
		bool given = false;
		for (size_t i = 0; i < count; i++) {
			struct tb_buf value = {0};
			if (columns[i].item)
				itemfile_column_value(&value, ITEMFILE_ITEM, row, &columns[i].item->base,
				                      text_zh());
			given = given || value.size > 0;
			cells[i] = columns[i].item ? tb_arena_str(&cli->arena, tb_buf_text(&value)) : "-";
			tb_buf_clear(&value);
		}
		if (given)
			add_row(cli, table, itemfile_column_name(ITEMFILE_ITEM, row, text_zh()), cells, count,
			        full);
	}
}

static void papers_counted(struct cli *cli, struct table *table, const struct column *columns, size_t count)
{
	const char *cells[REGIONS_MAX];
	for (size_t i = 0; i < count; i++) {
		const PbItem *item = columns[i].item;
		size_t required = 0;
		for (size_t m = 0; item && m < item->n_materials; m++)
			required += item->materials[m]->required != 0;
		cells[i] =
			item ? tb_arena_printf(&cli->arena, "%zu (%zu)", item->n_materials, required) : "-";
	}
	add_row(cli, table, text(TEXT_H_LIST_PAPERS), cells, count, true);
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
				add_row(cli, table, name, cells, count, true);
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
		PbCatalogueListResponse *reply;
		enum tb_code code = catalogue_list(cli, region, "", false, &reply);
		if (code)
			return cli_fail(cli, code);
		heads[2 + count] = (struct table_column){TEXT_EMPTY, false};
		columns[count++] = (struct column){reply->catalogue->region,
		                                   find_item(reply->catalogue, options->operands[0])};
	}
	if (count < 2) {
		text_fail(&cli->error, TB_EINVALID, TEXT_M_DIFF_REGIONS, cli_number(cli, REGIONS_MAX), NULL);
		return cli_usage(cli);
	}
	struct table *table = table_new(heads, 2 + count);
	const char *regions[REGIONS_MAX];
	for (size_t i = 0; i < count; i++)
		regions[i] = columns[i].region;
	add_row(cli, table, text(TEXT_H_REGION), regions, count, true);
	elements(cli, table, columns, count, options_flag(options, "full"));
	papers_counted(cli, table, columns, count);
	papers(cli, table, columns, count);
	table_end(table, stdout);
	return CLI_DONE;
}

/* ---- conform */

enum tb_code catalogue_base_read(struct cli *cli, const char *path, PbCatalogue *out)
{
	struct tb_buf text = {0};
	struct itemfile file;
	enum itemfile_format format;
	if (!itemfile_format_of(path, &format))
		return text_fail(&cli->error, TB_EINVALID, TEXT_M_ITEMFILE_FORMAT, path, NULL);
	enum tb_code code = userfile_read(&text, path, TB_ITEM_FILE_BYTES_MAX, &cli->error);
	if (!code) {
		tb_buf_text(&text); /* The parser may want the NUL. */
		code = itemfile_read_base(&file, format, path, tb_buf_bytes(&text), &cli->arena, &cli->error);
	}
	tb_buf_clear(&text);
	if (code)
		return code;
	catalogue_file_faults(cli, path, &file);
	if (file.bad_count)
		return text_fail(&cli->error, TB_EINVALID, TEXT_M_ITEMFILE_FAULTS,
		                 cli_number(cli, file.faults_count), cli_number(cli, file.bad_count),
		                 cli_number(cli, file.items_count), NULL);
	*out = (PbCatalogue)PB_CATALOGUE__INIT;
	out->items = file.items;
	out->n_items = file.items_count;
	return TB_OK;
}

static void conform_rows(struct cli *cli, const struct conform_finding *list, size_t count, size_t counts[5])
{
	static const struct table_column columns[] = {{TEXT_H_BASE_CODE, false}, {TEXT_H_CODE, false},
	                                              {TEXT_H_ITEM, false},      {TEXT_H_REMARK, false},
	                                              {TEXT_H_ELEMENT, false},   {TEXT_H_LIST_BASE, false},
	                                              {TEXT_H_LIST_HERE, false}};
	static const enum text_id kinds[] = {[CONFORM_UNCLAIMED] = TEXT_W_CONFORM_UNCLAIMED,
	                                     [CONFORM_IDENTITY] = TEXT_W_CONFORM_IDENTITY,
	                                     [CONFORM_ELEMENT] = TEXT_W_CONFORM_ELEMENT,
	                                     [CONFORM_PAPER] = TEXT_W_CONFORM_PAPER,
	                                     [CONFORM_OUTSIDE] = TEXT_W_CONFORM_OUTSIDE};
	struct table *table = TABLE_NEW(columns);
	for (size_t i = 0; i < count; i++) {
		const struct conform_finding *finding = &list[i];
		const PbItem *named = finding->base ? finding->base : finding->item;
		counts[finding->kind]++;
		TABLE_ROW(table, named->base_code, finding->item ? finding->item->code : "", named->name,
		          text(kinds[finding->kind]), element_name(ITEMFILE_ITEM, finding->field),
		          shortened(cli, finding->wanted, false), shortened(cli, finding->found, false));
	}
	table_end(table, stdout);
}

static int run_conform(struct cli *cli, const struct options *options)
{
	PbCatalogue base, *catalogue;
	struct conform_finding *list;
	size_t counts[5] = {0};
	const char *path = options_value(options, "base");
	if (!path) {
		text_fail(&cli->error, TB_EINVALID, TEXT_OPTION_MISSING, "base", NULL);
		return cli_usage(cli);
	}
	enum tb_code code = catalogue_base_read(cli, path, &base);
	if (!code)
		code = look_at(cli, options, &catalogue);
	if (code)
		return cli_fail(cli, code);
	size_t count = catalogue_conform(catalogue, &base, &cli->arena, &list);
	if (count == 0) {
		text_say(stdout, TEXT_M_CATALOGUE_CONFORMS, catalogue->region, cli_number(cli, base.n_items),
		         NULL);
		return CLI_DONE;
	}
	conform_rows(cli, list, count, counts);
	text_say(stdout, TEXT_M_CATALOGUE_CONFORM_SUM, cli_number(cli, counts[CONFORM_UNCLAIMED]),
	         cli_number(cli, counts[CONFORM_IDENTITY]), cli_number(cli, counts[CONFORM_ELEMENT]),
	         cli_number(cli, counts[CONFORM_PAPER]), cli_number(cli, counts[CONFORM_OUTSIDE]), NULL);
	return CLI_REFUSED;
}

static const struct option check_options[] = {
	{"region", OPTION_VALUE, "CODE", TEXT_O_REGION_LIST},
	{"file", OPTION_VALUE, "FILE", TEXT_O_CATALOGUE_FILE},
	{"elements", OPTION_FLAG, NULL, TEXT_O_CATALOGUE_ELEMENTS},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};
static const struct option conform_options[] = {
	{"base", OPTION_VALUE, "FILE", TEXT_O_CATALOGUE_BASE},
	{"region", OPTION_VALUE, "CODE", TEXT_O_REGION_LIST},
	{"file", OPTION_VALUE, "FILE", TEXT_O_CATALOGUE_FILE},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};
static const struct option diff_options[] = {
	{"regions", OPTION_VALUE, "A,B,C", TEXT_O_REGIONS},
	{"full", OPTION_FLAG, NULL, TEXT_O_CATALOGUE_FULL},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};

const struct cli_verb cmd_catalogue_compare_verbs[] = {
	{"catalogue check", "", 0, 0, TEXT_V_CATALOGUE_CHECK, check_options,
         "tongban catalogue check --region 320400", true, run_check},
	{"catalogue diff", "ITEM", 1, 1, TEXT_V_CATALOGUE_DIFF, diff_options,
         "tongban catalogue diff 000131001000 --regions 310000,320400,340100", false, run_diff},
	{"catalogue conform", "", 0, 0, TEXT_V_CATALOGUE_CONFORM, conform_options,
         "tongban catalogue conform --base national.csv", false, run_conform},
	{0},
};
