/* tongban audit: the node's own log. What it proves is checked here as well, not only shown. */
#include <string.h>

#include "node/cli/cli.h"
#include "pki/merkle.h"

static int run_checkpoint(struct cli *cli, const struct options *options)
{
	PbCheckpointRequest request = PB_CHECKPOINT_REQUEST__INIT;
	PbCheckpointResponse *reply;
	(void)options;
	enum tb_code code = CLI_CALL(cli, "AuditService/Checkpoint", &request, checkpoint_response, &reply);
	int ended;
	if (CLI_ENDED(cli, code, reply, &ended))
		return ended;
	fputs(reply->note, stdout);
	return CLI_DONE;
}

static int run_verify(struct cli *cli, const struct options *options)
{
	PbAuditVerifyRequest request = PB_AUDIT_VERIFY_REQUEST__INIT;
	PbAuditVerifyResponse *reply;
	(void)options;
	enum tb_code code = CLI_CALL(cli, "AuditService/Verify", &request, audit_verify_response, &reply);
	if (code)
		return cli_fail(cli, code);
	if (cli->json)
		cli_print_json(&reply->base);
	else if (reply->intact)
		text_say(stdout, TEXT_M_AUDIT_INTACT, cli_number(cli, reply->leaves),
		         cli_number(cli, reply->checkpoints), cli_hex(cli, reply->root), NULL);
	if (reply->intact)
		return CLI_DONE;
	tb_fail(&cli->error, TB_ECORRUPT, "%s", reply->problem);
	return cli_fail(cli, TB_ECORRUPT);
}

static int run_list(struct cli *cli, const struct options *options)
{
	static const struct table_column columns[] = {
		{TEXT_H_INDEX, true},    {TEXT_H_TIME, false}, {TEXT_H_KIND, false},
		{TEXT_H_SUBJECT, false}, {TEXT_H_PEER, false}, {TEXT_H_COUNT, true},
	};
	PbAuditListRequest request = PB_AUDIT_LIST_REQUEST__INIT;
	PbAuditListResponse *reply;
	uint64_t limit;
	if (options_number(options, "from", 0, UINT64_MAX, 0, &request.first, &cli->error) ||
	    options_number(options, "limit", 1, TB_PAGE_ROWS_MAX, 100, &limit, &cli->error))
		return cli_usage(cli);
	request.limit = (uint32_t)limit;
	enum tb_code code = CLI_CALL(cli, "AuditService/List", &request, audit_list_response, &reply);
	int ended;
	if (CLI_ENDED(cli, code, reply, &ended))
		return ended;
	struct table *table = TABLE_NEW(columns);
	for (size_t i = 0; i < reply->n_rows; i++) {
		const PbAuditRow *row = reply->rows[i];
		TABLE_ROW(table, cli_number(cli, row->index), cli_time(cli, row->at_ms), row->kind,
		          row->subject, row->peer, cli_number(cli, row->count));
	}
	table_end(table, stdout);
	uint64_t next = reply->n_rows ? reply->rows[reply->n_rows - 1]->index + 1 : reply->size;
	if (next < reply->size)
		text_say(stderr, TEXT_M_AUDIT_MORE, cli_number(cli, reply->size), cli_number(cli, next),
		         NULL);
	return CLI_DONE;
}

/* Hashes of a reply; false if one has another size or there are too many. */
static bool digests(struct pki_digest *out, size_t room, const ProtobufCBinaryData *hashes, size_t count)
{
	if (count > room)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (hashes[i].len != PKI_HASH_BYTES)
			return false;
		memcpy(out[i].bytes, hashes[i].data, PKI_HASH_BYTES);
	}
	return true;
}

static int run_prove(struct cli *cli, const struct options *options)
{
	PbAuditProveRequest request = PB_AUDIT_PROVE_REQUEST__INIT;
	PbAuditProof *proof;
	PbAuditLeaf *leaf;
	struct pki_digest path[PKI_PATH_MAX];
	struct pki_digest root;
	if (options_parse_number(options->operands[0], "INDEX", 0, UINT64_MAX, &request.index, &cli->error) ||
	    options_number(options, "size", 0, UINT64_MAX, 0, &request.size, &cli->error))
		return cli_usage(cli);
	enum tb_code code = CLI_CALL(cli, "AuditService/Prove", &request, audit_proof, &proof);
	if (!code)
		code = PROTO_DECODE(&leaf, audit_leaf, proto_bytes(proof->leaf), &cli->arena, &cli->error);
	if (code)
		return cli_fail(cli, code);
	struct pki_digest hash = pki_merkle_leaf(proto_bytes(proof->leaf));
	if (!digests(path, PKI_PATH_MAX, proof->path, proof->n_path) || !digests(&root, 1, &proof->root, 1) ||
	    !pki_merkle_included(&root, proof->size, proof->index, &hash, path, proof->n_path)) {
		text_fail(&cli->error, TB_ECORRUPT, TEXT_M_AUDIT_NO_PROOF, NULL);
		return cli_fail(cli, TB_ECORRUPT);
	}
	if (cli->json) {
		cli_print_json(&proof->base);
		return CLI_DONE;
	}
	struct table *table = table_new_pairs();
	table_pair(table, TEXT_H_INDEX, cli_number(cli, proof->index));
	table_pair(table, TEXT_H_TIME, cli_time(cli, leaf->at_ms));
	table_pair(table, TEXT_H_KIND, cli_enum(&pb_leaf_kind__descriptor, (int)leaf->kind));
	table_pair(table, TEXT_H_SUBJECT, leaf->subject);
	table_pair(table, TEXT_H_PEER, leaf->peer);
	table_pair(table, TEXT_H_COUNT, cli_number(cli, leaf->count));
	table_pair(table, TEXT_H_DIGEST, cli_hex(cli, leaf->digest));
	table_pair(table, TEXT_H_ROOT, cli_hex(cli, proof->root));
	table_end(table, stdout);
	text_say(stdout, TEXT_M_AUDIT_PROVED, cli_number(cli, proof->size), NULL);
	return CLI_DONE;
}

static int run_consistency(struct cli *cli, const struct options *options)
{
	PbConsistencyRequest request = PB_CONSISTENCY_REQUEST__INIT;
	PbConsistencyResponse *reply;
	struct pki_digest path[PKI_PATH_MAX + 1];
	struct pki_digest old_root;
	struct pki_digest new_root;
	if (options_parse_number(options->operands[0], "OLD", 1, UINT64_MAX, &request.old_size,
	                         &cli->error) ||
	    (options->operands_count > 1 && options_parse_number(options->operands[1], "NEW", 1, UINT64_MAX,
	                                                         &request.new_size, &cli->error)))
		return cli_usage(cli);
	if (request.new_size && request.new_size < request.old_size) {
		text_fail(&cli->error, TB_EINVALID, TEXT_M_AUDIT_ORDER, options->operands[0],
		          options->operands[1], NULL);
		return cli_usage(cli);
	}
	enum tb_code code = CLI_CALL(cli, "AuditService/Consistency", &request, consistency_response, &reply);
	if (code)
		return cli_fail(cli, code);
	if (!digests(path, PKI_PATH_MAX + 1, reply->path, reply->n_path) ||
	    !digests(&old_root, 1, &reply->old_root, 1) || !digests(&new_root, 1, &reply->new_root, 1) ||
	    !pki_merkle_consistent(request.old_size, &old_root, reply->new_size, &new_root, path,
	                           reply->n_path)) {
		text_fail(&cli->error, TB_ECORRUPT, TEXT_M_AUDIT_NO_PROOF, NULL);
		return cli_fail(cli, TB_ECORRUPT);
	}
	if (cli->json) {
		cli_print_json(&reply->base);
		return CLI_DONE;
	}
	text_say(stdout, TEXT_M_AUDIT_CONSISTENT, cli_number(cli, request.old_size),
	         cli_hex(cli, reply->old_root), cli_number(cli, reply->new_size),
	         cli_hex(cli, reply->new_root), NULL);
	return CLI_DONE;
}

static const struct option list_options[] = {
	{"from", OPTION_VALUE, "N", TEXT_O_FROM},
	{"limit", OPTION_VALUE, "N", TEXT_O_LIMIT},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};
static const struct option prove_options[] = {
	{"size", OPTION_VALUE, "N", TEXT_O_SIZE},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};

const struct cli_verb cmd_audit_verbs[] = {
	{"audit checkpoint", "", 0, 0, TEXT_V_AUDIT_CHECKPOINT, NULL, "tongban audit checkpoint", false,
         run_checkpoint},
	{"audit verify", "", 0, 0, TEXT_V_AUDIT_VERIFY, NULL, "tongban audit verify", false, run_verify},
	{"audit list", "", 0, 0, TEXT_V_AUDIT_LIST, list_options, "tongban audit list --from 1000 --limit 50",
         false, run_list},
	{"audit prove", "INDEX", 1, 1, TEXT_V_AUDIT_PROVE, prove_options, "tongban audit prove 1234", false,
         run_prove},
	{"audit consistency", "OLD [NEW]", 1, 2, TEXT_V_AUDIT_CONSISTENCY, NULL,
         "tongban audit consistency 1000 2000", false, run_consistency},
	{0},
};
