/* tongban archive, prune, hold, erase: how long what is kept. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/cli/cli.h"
#include "node/cli/userfile.h"
#include "pki/key.h"

/* ---- archive */

static const char *in_dir(struct cli *cli, const char *dir, const char *name, const char *suffix)
{
	return tb_arena_printf(&cli->arena, "%s/%s%s", dir, name, suffix);
}

static enum tb_code make_dir(struct cli *cli, const char *dir)
{
	if (mkdir(dir, 0700) == 0 || errno == EEXIST)
		return TB_OK;
	return tb_fail(&cli->error, TB_EIO, "%s: %s", dir, strerror(errno));
}

/* The name is durable when the directory is. */
static enum tb_code sync_dir(struct cli *cli, const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool good = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	return good ? TB_OK : tb_fail(&cli->error, TB_EIO, "%s: cannot be synced", dir);
}

/* One material beside the archive, by the hex of its root; what is there is not fetched again. */
static enum tb_code keep_material(struct cli *cli, const char *dir, const PbMaterial *material)
{
	char hex[2 * PKI_HASH_BYTES + 1];
	struct stat there;
	uint64_t size;
	if (material->root.len != PKI_HASH_BYTES)
		return TB_OK;
	tb_hex(hex, material->root.data, PKI_HASH_BYTES);
	const char *path = in_dir(cli, dir, hex, ""), *partial = in_dir(cli, dir, hex, ".part");
	if (stat(path, &there) == 0 && (uint64_t)there.st_size == material->size)
		return TB_OK;
	FILE *out = fopen(partial, "we");
	if (!out)
		return tb_fail(&cli->error, TB_EIO, "%s: %s", partial, strerror(errno));
	enum tb_code code = client_get_file(cli_client(cli), hex, out, &size, &cli->error);
	bool good = fflush(out) == 0 && fsync(fileno(out)) == 0;
	good = fclose(out) == 0 && good;
	if (code == TB_OK && (!good || rename(partial, path) != 0))
		code = tb_fail(&cli->error, TB_EIO, "%s: cannot be written", path);
	return code;
}

static enum tb_code keep_materials(struct cli *cli, const char *dir, const PbCaseArchive *archive,
                                   struct tb_arena *arena)
{
	enum tb_code code = TB_OK;
	for (size_t i = 0; i < archive->n_entries && code == TB_OK; i++) {
		PbCaseEntry *entry;
		code = PROTO_DECODE(&entry, case_entry, proto_bytes(archive->entries[i]), arena, &cli->error);
		const PbCaseDetail *detail = code == TB_OK ? entry->detail : NULL;
		const PbApplication *application = detail ? detail->application : NULL;
		for (size_t k = 0; application && k < application->n_materials && code == TB_OK; k++)
			code = keep_material(cli, dir, application->materials[k]);
		for (size_t k = 0; detail && k < detail->n_materials && code == TB_OK; k++)
			code = keep_material(cli, dir, detail->materials[k]);
	}
	return code;
}

/* What others signed about the case, each a file of evidence. */
static enum tb_code keep_evidence(struct cli *cli, const char *dir, const char *number,
                                  struct tb_arena *arena)
{
	PbCaseGetRequest get = PB_CASE_GET_REQUEST__INIT;
	PbCaseView *view;
	get.number = cli_pb(number);
	enum tb_code code =
		client_call(cli_client(cli), "/tongban.v1.CaseService/Get", &get.base,
	                    &pb_case_view__descriptor, arena, (proto_message **)(void *)&view, &cli->error);
	for (size_t i = 0; code == TB_OK && i < view->n_evidence; i++) {
		PbEvidenceExportRequest request = PB_EVIDENCE_EXPORT_REQUEST__INIT;
		PbEvidence *evidence;
		struct tb_buf file = {0};
		char *name = tb_arena_printf(arena, "%s.%s", number, view->evidence[i]);
		for (char *c = name; *c; c++)
			*c = *c == ':' || *c == '/' ? '_' : *c;
		request.reference = view->evidence[i];
		code = client_call(cli_client(cli), "/tongban.v1.EvidenceService/Export", &request.base,
		                   &pb_evidence__descriptor, arena, (proto_message **)(void *)&evidence,
		                   &cli->error);
		if (code == TB_OK) {
			proto_json_encode_pretty(&file, &evidence->base);
			code = userfile_write(in_dir(cli, dir, name, ".json"), tb_buf_bytes(&file),
			                      &cli->error);
		}
		tb_buf_clear(&file);
	}
	return code;
}

static enum tb_code tell_archived(struct cli *cli, const char *number, const PbCaseArchive *archive,
                                  struct tb_bytes file, struct tb_arena *arena)
{
	PbArchivedRequest request = PB_ARCHIVED_REQUEST__INIT;
	uint8_t digest[PKI_HASH_BYTES];
	proto_message *reply;
	pki_sha256(digest, file);
	request.case_number = cli_pb(number);
	request.entries = (uint32_t)archive->n_entries;
	request.digest = proto_data(tb_bytes_of(digest, sizeof(digest)));
	return client_call(cli_client(cli), "/tongban.v1.RetentionService/Archived", &request.base,
	                   &pb_archived_response__descriptor, arena, &reply, &cli->error);
}

/* The case is said to be archived when all of it is on the disk. */
static enum tb_code archive_one(struct cli *cli, const char *dir, const char *materials, const char *number)
{
	PbArchiveRequest request = PB_ARCHIVE_REQUEST__INIT;
	struct tb_arena arena = {0};
	struct tb_buf file = {0};
	PbEvidence *evidence;
	PbCaseArchive *archive;
	request.case_number = cli_pb(number);
	enum tb_code code = client_call(cli_client(cli), "/tongban.v1.RetentionService/Archive",
	                                &request.base, &pb_evidence__descriptor, &arena,
	                                (proto_message **)(void *)&evidence, &cli->error);
	struct tb_bytes item = {0};
	if (code == TB_OK && evidence->claim && evidence->claim->item.len > TB_SALT_BYTES)
		item = tb_bytes_of(evidence->claim->item.data + TB_SALT_BYTES,
		                   evidence->claim->item.len - TB_SALT_BYTES);
	if (code == TB_OK)
		code = PROTO_DECODE(&archive, case_archive, item, &arena, &cli->error);
	if (code == TB_OK)
		code = keep_materials(cli, materials, archive, &arena);
	if (code == TB_OK)
		code = keep_evidence(cli, dir, number, &arena);
	if (code == TB_OK) {
		proto_json_encode_pretty(&file, &evidence->base);
		tb_buf_str(&file, "\n");
		code = userfile_write(in_dir(cli, dir, number, ".json"), tb_buf_bytes(&file), &cli->error);
	}
	if (code == TB_OK)
		code = sync_dir(cli, materials);
	if (code == TB_OK)
		code = sync_dir(cli, dir);
	if (code == TB_OK)
		code = tell_archived(cli, number, archive, tb_buf_bytes(&file), &arena);
	tb_buf_clear(&file);
	tb_arena_clear(&arena);
	return code;
}

static int run_archive(struct cli *cli, const struct options *options)
{
	PbFinishedRequest request = PB_FINISHED_REQUEST__INIT;
	PbFinishedResponse *page = NULL;
	const char *dir = options_value(options, "out");
	uint64_t count = 0;
	request.before = cli_pb(options_value_or(options, "before", ""));
	if (!dir || !request.before[0]) {
		text_fail(&cli->error, TB_EINVALID, TEXT_OPTION_MISSING, dir ? "before" : "out", NULL);
		return cli_usage(cli);
	}
	const char *materials = in_dir(cli, dir, "materials", "");
	enum tb_code code = TB_OK;
	do {
		code = CLI_CALL(cli, "RetentionService/Finished", &request, finished_response, &page);
		/* Not before the node has taken the day: what is refused leaves nothing behind. */
		if (code == TB_OK)
			code = make_dir(cli, dir);
		if (code == TB_OK)
			code = make_dir(cli, materials);
		for (size_t i = 0; code == TB_OK && i < page->n_numbers; i++) {
			code = archive_one(cli, dir, materials, page->numbers[i]);
			if (code == TB_OK)
				puts(page->numbers[i]);
			count += code == TB_OK;
		}
		if (code == TB_OK)
			request.after = page->next;
	} while (code == TB_OK && page->more);
	if (code == TB_OK || count > 0)
		text_say(stderr, TEXT_M_ARCHIVED, cli_number(cli, count), dir, NULL);
	return code ? cli_fail(cli, code) : CLI_DONE;
}

/* ---- prune */

static int run_prune(struct cli *cli, const struct options *options)
{
	PbPruneRequest request = PB_PRUNE_REQUEST__INIT;
	PbPruneResponse *page = NULL;
	uint64_t cases = 0, files = 0, held = 0, left = 0;
	enum tb_code code;
	request.dry_run = options_flag(options, "dry-run");
	do {
		code = CLI_CALL(cli, "RetentionService/Prune", &request, prune_response, &page);
		for (size_t i = 0; code == TB_OK && i < page->n_pruned; i++) {
			const PbPruned *row = page->pruned[i];
			text_say(stdout, row->materials_only ? TEXT_M_PRUNED_MATERIALS : TEXT_M_PRUNED_CASE,
			         row->case_number, cli_number(cli, row->entries),
			         cli_number(cli, row->materials), cli_time(cli, row->ended_ms), NULL);
			cases++;
			files += row->materials;
		}
		if (code == TB_OK) {
			held += page->held;
			left += page->not_archived;
			request.after = page->next;
		}
	} while (code == TB_OK && page->more);
	if (code)
		return cli_fail(cli, code);
	text_say(stdout, request.dry_run ? TEXT_M_PRUNE_WOULD : TEXT_M_PRUNE_DID, cli_number(cli, cases),
	         cli_number(cli, files), cli_number(cli, held), cli_number(cli, left), NULL);
	return CLI_DONE;
}

/* ---- holds */

static int run_hold_add(struct cli *cli, const struct options *options)
{
	PbHoldRequest request = PB_HOLD_REQUEST__INIT;
	PbHoldView *reply;
	request.case_number = cli_pb(options->operands[0]);
	request.reason = cli_pb(options_value_or(options, "reason", ""));
	enum tb_code code = CLI_CALL(cli, "RetentionService/Hold", &request, hold_view, &reply);
	int ended;
	if (CLI_ENDED(cli, code, reply, &ended))
		return ended;
	text_say(stdout, TEXT_M_HELD, request.case_number, NULL);
	return CLI_DONE;
}

static int run_hold_release(struct cli *cli, const struct options *options)
{
	PbHoldReleaseRequest request = PB_HOLD_RELEASE_REQUEST__INIT;
	PbHoldReleaseResponse *reply;
	request.case_number = cli_pb(options->operands[0]);
	request.reason = cli_pb(options_value_or(options, "reason", ""));
	enum tb_code code =
		CLI_CALL(cli, "RetentionService/Release", &request, hold_release_response, &reply);
	int ended;
	if (CLI_ENDED(cli, code, reply, &ended))
		return ended;
	text_say(stdout, TEXT_M_RELEASED, request.case_number, NULL);
	return CLI_DONE;
}

static int run_hold_list(struct cli *cli, const struct options *options)
{
	(void)options;
	static const struct table_column columns[] = {
		{TEXT_H_CASE, false}, {TEXT_H_MADE, false}, {TEXT_H_REASON, false}};
	PbHoldListRequest request = PB_HOLD_LIST_REQUEST__INIT;
	PbHoldListResponse *reply;
	enum tb_code code = CLI_CALL(cli, "RetentionService/Holds", &request, hold_list_response, &reply);
	int ended;
	if (CLI_ENDED(cli, code, reply, &ended))
		return ended;
	struct table *table = TABLE_NEW(columns);
	for (size_t i = 0; i < reply->n_holds; i++)
		TABLE_ROW(table, reply->holds[i]->case_number, cli_time(cli, reply->holds[i]->at_ms),
		          reply->holds[i]->reason);
	table_end(table, stdout);
	return CLI_DONE;
}

/* ---- erase */

static int erase(struct cli *cli, const struct options *options, PbEraseRequest *request)
{
	PbEraseResponse *reply;
	request->reason = cli_pb(options_value_or(options, "reason", ""));
	enum tb_code code = CLI_CALL(cli, "RetentionService/Erase", request, erase_response, &reply);
	int ended;
	if (CLI_ENDED(cli, code, reply, &ended))
		return ended;
	text_say(stdout, TEXT_M_ERASED, options->operands[0], cli_number(cli, reply->entries),
	         cli_number(cli, reply->materials), cli_number(cli, reply->messages), NULL);
	return CLI_DONE;
}

static int run_erase_case(struct cli *cli, const struct options *options)
{
	PbEraseRequest request = PB_ERASE_REQUEST__INIT;
	request.case_number = cli_pb(options->operands[0]);
	return erase(cli, options, &request);
}

static int run_erase_certificate(struct cli *cli, const struct options *options)
{
	PbEraseRequest request = PB_ERASE_REQUEST__INIT;
	request.credential = cli_pb(options->operands[0]);
	return erase(cli, options, &request);
}

static const struct option archive_options[] = {
	{"before", OPTION_VALUE, "DATE", TEXT_O_ARCHIVE_BEFORE},
	{"out", OPTION_VALUE, "DIR", TEXT_O_ARCHIVE_OUT},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};
static const struct option prune_options[] = {
	{"dry-run", OPTION_FLAG, NULL, TEXT_O_DRY_RUN},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};
static const struct option reason_options[] = {
	{"reason", OPTION_VALUE, "TEXT", TEXT_O_RETENTION_REASON},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};

const struct cli_verb cmd_archive_verbs[] = {
	{"archive", "", 0, 0, TEXT_V_ARCHIVE, archive_options,
         "tongban archive --before 2021-01-01 --out /archive/2020", false, run_archive},
	{0},
};
const struct cli_verb cmd_prune_verbs[] = {
	{"prune", "", 0, 0, TEXT_V_PRUNE, prune_options, "tongban prune --dry-run", false, run_prune},
	{0},
};
const struct cli_verb cmd_hold_verbs[] = {
	{"hold add", "CASE", 1, 1, TEXT_V_HOLD_ADD, reason_options,
         "tongban hold add 620100202611210000001M --reason 复议", false, run_hold_add},
	{"hold list", "", 0, 0, TEXT_V_HOLD_LIST, NULL, "tongban hold list", false, run_hold_list},
	{"hold release", "CASE", 1, 1, TEXT_V_HOLD_RELEASE, reason_options,
         "tongban hold release 620100202611210000001M --reason 已结案", false, run_hold_release},
	{0},
};
const struct cli_verb cmd_erase_verbs[] = {
	{"erase case", "NUMBER", 1, 1, TEXT_V_ERASE_CASE, reason_options,
         "tongban erase case 620100202611210000001M --reason 本人申请", false, run_erase_case},
	{"erase certificate", "IDENTIFIER", 1, 1, TEXT_V_ERASE_CERTIFICATE, reason_options,
         "tongban erase certificate 1.2.156.3005.2... --reason 本人申请", false, run_erase_certificate},
	{0},
};
