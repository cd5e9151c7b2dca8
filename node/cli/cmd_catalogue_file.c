/* tongban catalogue load, template, export: item lists as files. */
#include <string.h>

#include "node/cli/cmd_catalogue.h"
#include "node/cli/userfile.h"

enum tb_code catalogue_file_read(struct cli *cli, const char *path, const char *word, struct itemfile *out)
{
	struct tb_buf text = {0};
	enum itemfile_format format;
	if (!itemfile_format_of(word ? word : path, &format))
		return text_fail(&cli->error, TB_EINVALID, TEXT_M_ITEMFILE_FORMAT, word ? word : path, NULL);
	enum tb_code code = userfile_read(&text, path, TB_ITEM_FILE_BYTES_MAX, &cli->error);
	if (!code) {
		tb_buf_text(&text); /* The parser may want the NUL. */
		code = itemfile_read(out, format, path, tb_buf_bytes(&text), &cli->arena, &cli->error);
	}
	tb_buf_clear(&text);
	return code;
}

void catalogue_file_faults(struct cli *cli, const char *path, const struct itemfile *file)
{
	for (size_t i = 0; i < file->faults_count; i++) {
		const struct itemfile_fault *fault = &file->faults[i];
		fprintf(stderr, "%s:%zu: %s%s%s\n", path, fault->row, fault->column,
		        fault->column[0] ? ": " : "", fault->reason);
	}
	if (file->faults_count > 0)
		text_say(stderr, TEXT_M_ITEMFILE_FAULTS, cli_number(cli, file->faults_count),
		         cli_number(cli, file->bad_count), cli_number(cli, file->items_count), NULL);
}

enum tb_code catalogue_list(struct cli *cli, const char *region, const char *code, bool history,
                            PbCatalogueListResponse **out)
{
	PbCatalogueListRequest request = PB_CATALOGUE_LIST_REQUEST__INIT;
	request.region = cli_pb(region);
	request.code = cli_pb(code);
	request.history = history;
	*out = NULL;
	return CLI_CALL(cli, "CatalogueService/List", &request, catalogue_list_response, out);
}

/* What is published and not in the file stays. */
static enum tb_code merge(struct cli *cli, struct itemfile *file)
{
	PbCatalogueListResponse *published;
	enum tb_code code = catalogue_list(cli, "", "", false, &published);
	if (code == TB_ENOTFOUND)
		return TB_OK;
	if (code)
		return code;
	const PbCatalogue *old = published->catalogue;
	size_t count = file->items_count;
	PbItem **all = tb_arena_alloc(&cli->arena, (count + old->n_items + 1) * sizeof(PbItem *));
	if (count > 0)
		memcpy(all, file->items, count * sizeof(PbItem *));
	for (size_t i = 0; i < old->n_items; i++) {
		bool named = false;
		for (size_t j = 0; j < file->items_count && !named; j++)
			named = strcmp(file->items[j]->code, old->items[i]->code) == 0 &&
			        file->items[j]->version == old->items[i]->version;
		if (!named)
			all[count++] = old->items[i];
	}
	file->items = all;
	file->items_count = count;
	return TB_OK;
}

static int run_load(struct cli *cli, const struct options *options)
{
	PbCatalogueLoadRequest request = PB_CATALOGUE_LOAD_REQUEST__INIT;
	PbCatalogueLoadResponse *reply;
	struct itemfile file;
	const char *path = options->operands[0];
	bool skip = options_flag(options, "skip");
	enum tb_code code = catalogue_file_read(cli, path, options_value(options, "format"), &file);
	if (code)
		return cli_fail(cli, code);
	catalogue_file_faults(cli, path, &file);
	if (file.bad_count > 0 && !skip) {
		text_fail(&cli->error, TB_EINVALID, TEXT_M_ITEMFILE_NOTHING, NULL);
		return cli_fail(cli, TB_EINVALID);
	}
	/* An item that was skipped may be published: leaving it out would take it away from everybody. */
	if (file.bad_count > 0 || options_flag(options, "merge"))
		code = merge(cli, &file);
	request.items = file.items;
	request.n_items = file.items_count;
	if (!code && request.n_items == 0 && !options_flag(options, "empty"))
		code = text_fail(&cli->error, TB_EINVALID, TEXT_M_LIST_EMPTY, path, NULL);
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

/* ---- template, export */

static int write_items(struct cli *cli, const struct options *options, PbItem *const *items, size_t count)
{
	struct tb_buf text = {0};
	enum itemfile_format format;
	const char *word = options_value_or(options, "format", "csv");
	if (!itemfile_format_of(word, &format)) {
		text_fail(&cli->error, TB_EINVALID, TEXT_M_ITEMFILE_FORMAT, word, NULL);
		return cli_usage(cli);
	}
	itemfile_write(&text, format, items, count, text_zh());
	enum tb_code code =
		userfile_write(options_value_or(options, "out", "-"), tb_buf_bytes(&text), &cli->error);
	tb_buf_clear(&text);
	return code ? cli_fail(cli, code) : CLI_DONE;
}

static int run_template(struct cli *cli, const struct options *options)
{
	PbItem *item = itemfile_example(&cli->arena);
	return write_items(cli, options, &item, 1);
}

static int run_export(struct cli *cli, const struct options *options)
{
	PbCatalogueListResponse *reply;
	enum tb_code code = catalogue_list(cli, options_value_or(options, "region", ""), "", false, &reply);
	return code ? cli_fail(cli, code)
	            : write_items(cli, options, reply->catalogue->items, reply->catalogue->n_items);
}

static const struct option load_options[] = {
	{"format", OPTION_VALUE, "yaml|jsonl|csv", TEXT_O_ITEMFILE_FORMAT},
	{"skip", OPTION_FLAG, NULL, TEXT_O_ITEMFILE_SKIP},
	{"merge", OPTION_FLAG, NULL, TEXT_O_ITEMFILE_MERGE},
	{"empty", OPTION_FLAG, NULL, TEXT_O_LIST_EMPTY},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};
static const struct option template_options[] = {
	{"format", OPTION_VALUE, "csv|jsonl|yaml", TEXT_O_ITEMFILE_FORMAT},
	{"out", OPTION_VALUE, "FILE", TEXT_O_ITEMFILE_OUT},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};
static const struct option export_options[] = {
	{"region", OPTION_VALUE, "CODE", TEXT_O_REGION_LIST},
	{"format", OPTION_VALUE, "csv|jsonl|yaml", TEXT_O_ITEMFILE_FORMAT},
	{"out", OPTION_VALUE, "FILE", TEXT_O_ITEMFILE_OUT},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};

const struct cli_verb cmd_catalogue_file_verbs[] = {
	{"catalogue load", "FILE", 1, 1, TEXT_V_CATALOGUE_LOAD, load_options,
         "tongban catalogue load items.csv", false, run_load},
	{"catalogue template", "", 0, 0, TEXT_V_CATALOGUE_TEMPLATE, template_options,
         "tongban catalogue template --format csv --out items.csv", true, run_template},
	{"catalogue export", "", 0, 0, TEXT_V_CATALOGUE_EXPORT, export_options,
         "tongban catalogue export --region 320400 --out items.csv", false, run_export},
	{0},
};
