/* tongban material: scans and files, by what they contain. */
#include <string.h>

#include "node/cli/cli.h"
#include "node/cli/userfile.h"

/* Reads the 64 hex digits of a root. */
static enum tb_code parse_root(struct cli *cli, const char *hex, ProtobufCBinaryData *root)
{
	enum { ROOT_BYTES = 32 };
	root->len = ROOT_BYTES;
	root->data = tb_arena_alloc(&cli->arena, ROOT_BYTES);
	if (tb_unhex(root->data, ROOT_BYTES, hex) && hex[2 * ROOT_BYTES] == 0)
		return TB_OK;
	return text_fail(&cli->error, TB_EINVALID, TEXT_M_ROOT, NULL);
}

static void show(struct cli *cli, const PbMaterialView *view)
{
	struct table *table = table_new_pairs();
	table_pair(table, TEXT_H_ROOT, cli_hex(cli, view->root));
	table_pair(table, TEXT_H_SIZE, cli_number(cli, view->size));
	table_pair(table, TEXT_H_SHA256, cli_hex(cli, view->sha256));
	table_pair(table, TEXT_H_CHUNKS,
	           tb_arena_printf(&cli->arena, "%u / %u", view->chunks_present, view->chunks));
	table_pair(table, TEXT_H_COMPLETE, text(view->complete ? TEXT_M_YES : TEXT_M_NO));
	for (size_t i = 0; i < view->n_cases; i++)
		table_pair(table, i == 0 ? TEXT_H_CASES : TEXT_EMPTY, view->cases[i]);
	table_end(table, stdout);
}

static int run_add(struct cli *cli, const struct options *options)
{
	PbMaterialView *view;
	enum tb_code code =
		client_put_file(cli_client(cli), options->operands[0], &cli->arena, &view, &cli->error);
	if (code)
		return cli_fail(cli, code);
	if (cli->json)
		cli_print_json(&view->base);
	else
		puts(cli_hex(cli, view->root));
	return CLI_DONE;
}

static int run_get(struct cli *cli, const struct options *options)
{
	ProtobufCBinaryData root;
	struct userfile_out out;
	struct tb_error late;
	uint64_t size = 0;
	if (parse_root(cli, options->operands[0], &root))
		return cli_usage(cli);
	enum tb_code code = userfile_out_open(&out, options_value(options, "out"), &cli->error);
	if (code)
		return cli_fail(cli, code);
	code = client_get_file(cli_client(cli), cli_hex(cli, root), out.stream, &size, &cli->error);
	enum tb_code closed = userfile_out_close(&out, code == TB_OK, &late);
	if (!code && closed)
		code = tb_fail_like(&cli->error, closed, &late);
	return code ? cli_fail(cli, code) : CLI_DONE;
}

static int run_show(struct cli *cli, const struct options *options)
{
	PbMaterialGetRequest request = PB_MATERIAL_GET_REQUEST__INIT;
	PbMaterialView *view;
	if (parse_root(cli, options->operands[0], &request.root))
		return cli_usage(cli);
	enum tb_code code = CLI_CALL(cli, "MaterialService/Get", &request, material_view, &view);
	int ended;
	if (CLI_ENDED(cli, code, view, &ended))
		return ended;
	show(cli, view);
	return CLI_DONE;
}

static int run_list(struct cli *cli, const struct options *options)
{
	static const struct table_column columns[] = {
		{TEXT_H_ROOT, false},
		{TEXT_H_SIZE, true},
		{TEXT_H_COMPLETE, false},
		{TEXT_H_CASES, false},
	};
	PbMaterialListRequest request = PB_MATERIAL_LIST_REQUEST__INIT;
	PbMaterialListResponse *reply;
	uint64_t limit;
	if (options_number(options, "limit", 1, TB_PAGE_ROWS_MAX, 100, &limit, &cli->error))
		return cli_usage(cli);
	request.limit = (uint32_t)limit;
	enum tb_code code = CLI_CALL(cli, "MaterialService/List", &request, material_list_response, &reply);
	int ended;
	if (CLI_ENDED(cli, code, reply, &ended))
		return ended;
	struct table *table = TABLE_NEW(columns);
	for (size_t i = 0; i < reply->n_materials; i++) {
		const PbMaterialView *view = reply->materials[i];
		TABLE_ROW(table, cli_hex(cli, view->root), cli_number(cli, view->size),
		          text(view->complete ? TEXT_M_YES : TEXT_M_NO), view->n_cases ? view->cases[0] : "");
	}
	table_end(table, stdout);
	return CLI_DONE;
}

static const struct option get_options[] = {
	{"out", OPTION_VALUE, "FILE", TEXT_O_OUT},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};
static const struct option list_options[] = {
	{"limit", OPTION_VALUE, "N", TEXT_O_LIMIT},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};

const struct cli_verb cmd_material_verbs[] = {
	{"material add", "FILE", 1, 1, TEXT_V_MATERIAL_ADD, NULL, "tongban material add scan.pdf", false,
         run_add},
	{"material get", "ROOT", 1, 1, TEXT_V_MATERIAL_GET, get_options,
         "tongban material get 9f86d081884c7d65... --out scan.pdf", false, run_get},
	{"material list", "", 0, 0, TEXT_V_MATERIAL_LIST, list_options, "tongban material list", false,
         run_list},
	{"material show", "ROOT", 1, 1, TEXT_V_MATERIAL_SHOW, NULL,
         "tongban material show 9f86d081884c7d65...", false, run_show},
	{0},
};
