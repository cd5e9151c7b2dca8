/* tongban peer: who this node exchanges with. Export and import work on the files; list and show ask the
 * node. */
#include <string.h>

#include "node/cli/cli.h"
#include "node/cli/userfile.h"
#include "node/io/config.h"

static int run_export(struct cli *cli, const struct options *options)
{
	struct tb_buf file = {0};
	const char *path = options_value(options, "out");
	struct config_anchors anchors;
	enum tb_code code = config_peer_export(cli->dir, &file, &anchors, &cli->error);
	if (!code)
		code = userfile_write(path, tb_buf_bytes(&file), &cli->error);
	tb_buf_clear(&file);
	if (code)
		return cli_fail(cli, code);
	if (path)
		text_say(stderr, TEXT_M_PEER_EXPORTED, path, NULL);
	text_say(stderr, TEXT_M_PEER_OWN_FINGERPRINT, anchors.fingerprint, cli_number(cli, anchors.count),
	         NULL);
	return CLI_DONE;
}

/* Tells a running node; one that doesn't run will read the files when it starts. */
static int reload(struct cli *cli, bool must_run)
{
	PbReloadRequest request = PB_RELOAD_REQUEST__INIT;
	PbReloadResponse *reply;
	enum tb_code code = CLI_CALL(cli, "NodeService/Reload", &request, reload_response, &reply);
	if (code == TB_EUNREACHABLE && !must_run) {
		text_say(stdout, TEXT_M_PEER_LATER, NULL);
		return CLI_DONE;
	}
	if (code)
		return cli_fail(cli, code);
	if (cli->json && must_run)
		cli_print_json(&reply->base);
	else
		text_say(stdout, TEXT_M_PEER_RELOADED, cli_number(cli, reply->peers), NULL);
	return CLI_DONE;
}

static int run_import(struct cli *cli, const struct options *options)
{
	struct tb_buf text = {0};
	struct config_peer_imported peer;
	const char *path = options->operands[0];
	enum tb_code code = userfile_read(&text, path, TB_FILE_BYTES_MAX, &cli->error);
	if (!code) {
		tb_buf_text(&text); /* The parser may want the NUL. */
		code = config_peer_import(&peer, cli->dir, path, tb_buf_bytes(&text),
		                          options_flag(options, "force"), &cli->error);
	}
	tb_buf_clear(&text);
	if (code)
		return cli_fail(cli, code);
	text_say(stdout, peer.known ? TEXT_M_PEER_UPDATED : TEXT_M_PEER_IMPORTED, peer.region, peer.name,
	         peer.endpoint[0] ? peer.endpoint : "-", NULL);
	if (peer.replaced)
		text_say(stdout, TEXT_M_PEER_REPLACED, NULL);
	text_say(stdout, TEXT_M_PEER_FINGERPRINT, peer.anchors.fingerprint,
	         cli_number(cli, peer.anchors.count), NULL);
	text_say(stdout, TEXT_M_PEER_GRANTS, cli->dir, peer.region, NULL);
	return reload(cli, false);
}

static int run_remove(struct cli *cli, const struct options *options)
{
	enum tb_code code = config_peer_remove(cli->dir, options->operands[0], &cli->error);
	if (code)
		return cli_fail(cli, code);
	text_say(stdout, TEXT_M_PEER_REMOVED, options->operands[0], NULL);
	return reload(cli, false);
}

static int run_reload(struct cli *cli, const struct options *options)
{
	(void)options;
	return reload(cli, true);
}

static enum tb_code list(struct cli *cli, PbPeerListResponse **reply)
{
	PbPeerListRequest request = PB_PEER_LIST_REQUEST__INIT;
	return CLI_CALL(cli, "PeerService/List", &request, peer_list_response, reply);
}

/* "DS YS"; "-" if the peer takes none, or has not said. */
static const char *modes_text(struct cli *cli, const PbCapabilities *can)
{
	const char *all = "";
	for (size_t i = 0; can && i < can->n_modes; i++)
		all = tb_arena_printf(&cli->arena, "%s%s%s", all, i ? " " : "", can->modes[i]);
	return all[0] ? all : "-";
}

static int run_list(struct cli *cli, const struct options *options)
{
	static const struct table_column columns[] = {
		{TEXT_H_PEER, false},  {TEXT_H_NAME, false},  {TEXT_H_ENDPOINT, false}, {TEXT_H_LINK, false},
		{TEXT_H_OUTBOX, true}, {TEXT_H_GRANTS, true}, {TEXT_H_CONTACT, false},  {TEXT_H_TAKES, false},
	};
	PbPeerListResponse *reply;
	(void)options;
	enum tb_code code = list(cli, &reply);
	int ended;
	if (CLI_ENDED(cli, code, reply, &ended))
		return ended;
	struct table *table = TABLE_NEW(columns);
	for (size_t i = 0; i < reply->n_peers; i++) {
		const PbPeerView *peer = reply->peers[i];
		TABLE_ROW(table, peer->region, peer->name, peer->endpoint, peer->link,
		          cli_number(cli, peer->outbox), cli_number(cli, peer->n_grants),
		          cli_time(cli, peer->last_contact_ms), modes_text(cli, peer->capabilities));
	}
	table_end(table, stdout);
	return CLI_DONE;
}

static const char *integrations_text(struct cli *cli, const PbCapabilities *can)
{
	static const enum text_id texts[] = {
		TEXT_EMPTY,
		[PB_INTEGRATION__UNIFIED_IDENTITY] = TEXT_W_UNIFIED_IDENTITY,
		[PB_INTEGRATION__DATA_SHARING] = TEXT_W_DATA_SHARING,
		[PB_INTEGRATION__INTERFACES] = TEXT_W_INTERFACES,
		[PB_INTEGRATION__CREDENTIAL_RECOGNITION] = TEXT_W_CREDENTIAL_RECOGNITION,
		[PB_INTEGRATION__APPLICATION_INTEGRATION] = TEXT_W_APPLICATION_INTEGRATION,
		[PB_INTEGRATION__AGGREGATION] = TEXT_W_AGGREGATION,
	};
	const char *all = "";
	for (size_t i = 0; i < can->n_integrations; i++) {
		size_t at = (size_t)can->integrations[i];
		all = tb_arena_printf(&cli->arena, "%s%s%s", all, i ? ", " : "",
		                      at < sizeof(texts) / sizeof(texts[0]) ? text(texts[at]) : "?");
	}
	return all;
}

/* Names of the contract, as programs see them. A newer peer may say what is not known here. */
static const char *names_text(struct cli *cli, const proto_enum *type, const void *values, size_t count)
{
	const char *all = "";
	for (size_t i = 0; i < count; i++) {
		const char *name = proto_enum_name(type, ((const int *)values)[i]);
		all = tb_arena_printf(&cli->arena, "%s%s%s", all, i ? ", " : "", name ? name : "?");
	}
	return all;
}

static const char *filled(struct cli *cli, enum text_id id, const char *a, const char *b, const char *c)
{
	struct tb_buf line = {0};
	text_fill(&line, id, a, b, c, NULL);
	const char *copy = tb_arena_str(&cli->arena, tb_buf_text(&line));
	tb_buf_clear(&line);
	return copy;
}

static void show_capabilities(struct cli *cli, struct table *table, const PbCapabilities *can)
{
	const char *told = proto_enum_name(&pb_disclosure__descriptor, (int)can->disclosure);
	table_pair(table, TEXT_H_SOFTWARE, can->software);
	table_pair(table, TEXT_H_INTEGRATIONS, integrations_text(cli, can));
	table_pair(table, TEXT_H_TAKES, modes_text(cli, can));
	table_pair(table, TEXT_H_MATTERS,
	           names_text(cli, &pb_matter_kind__descriptor, can->matters, can->n_matters));
	table_pair(table, TEXT_H_RIGHTS,
	           filled(cli, TEXT_M_RIGHTS,
	                  names_text(cli, &pb_right__descriptor, can->rights, can->n_rights),
	                  cli_number(cli, can->agreement_parties_max), ""));
	table_pair(table, TEXT_H_ASKED_MAX,
	           filled(cli, TEXT_M_ASKED_MAX, can->disclosure && told ? told : text(TEXT_M_NONE),
	                  cli_number(cli, can->queries_per_second), cli_number(cli, can->queries_burst)));
	table_pair(table, TEXT_H_SIZES_MAX,
	           filled(cli, TEXT_M_SIZES_MAX, cli_number(cli, can->material_bytes_max),
	                  cli_number(cli, can->message_bytes_max), cli_number(cli, can->batch_items_max)));
}

static void show_peer(struct cli *cli, const PbPeerView *peer)
{
	struct table *table = table_new_pairs();
	table_pair(table, TEXT_H_REGION, peer->region);
	table_pair(table, TEXT_H_NAME, peer->name);
	table_pair(table, TEXT_H_ENDPOINT, peer->endpoint);
	table_pair(table, TEXT_H_LINK, peer->link);
	table_pair(table, TEXT_H_CONTACT, cli_time(cli, peer->last_contact_ms));
	table_pair(table, TEXT_H_ERROR, peer->last_error);
	table_pair(table, TEXT_H_OUTBOX, cli_number(cli, peer->outbox));
	table_pair(table, TEXT_H_RETRY, cli_time(cli, peer->retry_ms));
	table_pair(table, TEXT_H_CATALOGUE, cli_number(cli, peer->catalogue_version));
	if (peer->protocol)
		table_pair(table, TEXT_H_PROTOCOL, cli_number(cli, peer->protocol));
	if (peer->capabilities)
		show_capabilities(cli, table, peer->capabilities);
	if (peer->n_grants == 0)
		table_pair(table, TEXT_H_GRANTS, text(TEXT_M_NONE));
	for (size_t i = 0; i < peer->n_grants; i++)
		table_pair(table, i == 0 ? TEXT_H_GRANTS : TEXT_EMPTY, peer->grants[i]);
	table_end(table, stdout);
}

static int run_show(struct cli *cli, const struct options *options)
{
	PbPeerListResponse *reply;
	const char *region = options->operands[0];
	enum tb_code code = list(cli, &reply);
	if (code)
		return cli_fail(cli, code);
	for (size_t i = 0; i < reply->n_peers; i++) {
		if (strcmp(reply->peers[i]->region, region) != 0)
			continue;
		if (cli->json)
			cli_print_json(&reply->peers[i]->base);
		else
			show_peer(cli, reply->peers[i]);
		return CLI_DONE;
	}
	text_fail(&cli->error, TB_ENOTFOUND, TEXT_M_PEER_UNKNOWN, region, NULL);
	return cli_fail(cli, TB_ENOTFOUND);
}

static void show_codes(const PbPeerCodesResponse *reply)
{
	static const struct table_column columns[] = {{TEXT_H_KIND, false},
	                                              {TEXT_H_CODE, false},
	                                              {TEXT_H_CODE_HERE, false},
	                                              {TEXT_H_SEEN_IN, false},
	                                              {TEXT_H_ITEM, false}};
	static const enum text_id kinds[] = {
		TEXT_EMPTY,
		[PB_CODE_KIND__CODE_CREDENTIAL_TYPE] = TEXT_W_CODE_CREDENTIAL_TYPE,
		[PB_CODE_KIND__CODE_HOLDER_TYPE] = TEXT_W_CODE_HOLDER_TYPE,
		[PB_CODE_KIND__CODE_MATERIAL] = TEXT_W_CODE_MATERIAL,
	};
	struct table *table = TABLE_NEW(columns);
	for (size_t i = 0; i < reply->n_codes; i++) {
		const PbPeerCode *code = reply->codes[i];
		const char *here = code->here[0] ? code->here : code->known ? text(TEXT_W_CODE_SAME) : "-";
		size_t kind = (size_t)code->kind < sizeof(kinds) / sizeof(kinds[0]) ? (size_t)code->kind : 0;
		TABLE_ROW(table, text(kinds[kind]), code->code, here,
		          text(code->listed ? TEXT_W_SEEN_LISTED : TEXT_W_SEEN_ASKED), code->item);
	}
	table_end(table, stdout);
	if (reply->more)
		text_say(stderr, TEXT_M_CODES_MORE, NULL);
}

static int run_codes(struct cli *cli, const struct options *options)
{
	PbPeerCodesRequest request = PB_PEER_CODES_REQUEST__INIT;
	PbPeerCodesResponse *reply;
	const char *region = options->operands[0];
	request.peer = cli_pb(region);
	request.all = options_flag(options, "all");
	enum tb_code code = CLI_CALL(cli, "PeerService/Codes", &request, peer_codes_response, &reply);
	int ended;
	if (CLI_ENDED(cli, code, reply, &ended))
		return ended;
	if (reply->n_codes == 0) {
		text_say(stdout, TEXT_M_CODES_KNOWN, region, NULL);
	} else {
		show_codes(reply);
		text_say(stderr, TEXT_M_CODES_HOW, cli->dir, region, NULL);
	}
	return CLI_DONE;
}

static const struct option codes_options[] = {
	{"all", OPTION_FLAG, NULL, TEXT_O_CODES_ALL},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};
static const struct option export_options[] = {
	{"out", OPTION_VALUE, "FILE", TEXT_O_OUT},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};
static const struct option import_options[] = {
	{"force", OPTION_FLAG, NULL, TEXT_O_FORCE},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};

const struct cli_verb cmd_peer_verbs[] = {
	{"peer export", "", 0, 0, TEXT_V_PEER_EXPORT, export_options, "tongban peer export --out 320400.peer",
         false, run_export},
	{"peer import", "FILE", 1, 1, TEXT_V_PEER_IMPORT, import_options, "tongban peer import 330100.peer",
         false, run_import},
	{"peer list", "", 0, 0, TEXT_V_PEER_LIST, NULL, "tongban peer list", false, run_list},
	{"peer show", "REGION", 1, 1, TEXT_V_PEER_SHOW, NULL, "tongban peer show 330100", false, run_show},
	{"peer codes", "REGION", 1, 1, TEXT_V_PEER_CODES, codes_options, "tongban peer codes 330100", false,
         run_codes},
	{"peer remove", "REGION", 1, 1, TEXT_V_PEER_REMOVE, NULL, "tongban peer remove 330100", false,
         run_remove},
	{"peer reload", "", 0, 0, TEXT_V_PEER_RELOAD, NULL, "tongban peer reload", false, run_reload},
	{0},
};
