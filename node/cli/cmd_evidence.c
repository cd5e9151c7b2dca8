/* tongban evidence: files that prove what was said, to anyone, offline. */
#include <string.h>

#include "node/cli/cli.h"
#include "node/cli/evidence_check.h"
#include "node/cli/userfile.h"

static int run_export(struct cli *cli, const struct options *options)
{
	PbEvidenceExportRequest request = PB_EVIDENCE_EXPORT_REQUEST__INIT;
	PbEvidence *evidence;
	const char *path = options_value(options, "out");
	struct tb_buf file = {0};
	request.reference = cli_pb(options->operands[0]);
	enum tb_code code = CLI_CALL(cli, "EvidenceService/Export", &request, evidence, &evidence);
	if (!code) {
		proto_json_encode_pretty(&file, &evidence->base);
		tb_buf_str(&file, "\n");
		code = userfile_write(path, tb_buf_bytes(&file), &cli->error);
	}
	tb_buf_clear(&file);
	if (code)
		return cli_fail(cli, code);
	if (path)
		text_say(stderr, TEXT_M_EVIDENCE_WRITTEN, path, NULL);
	return CLI_DONE;
}

static int run_check(struct cli *cli, const struct options *options)
{
	const char *path = options->operands[0];
	const char *dir = options_value(options, "anchors");
	struct pki_trust *trust = NULL;
	struct tb_buf file = {0};
	struct tb_buf report = {0};
	PbEvidence *evidence = NULL;
	proto_message *claim = NULL;
	if (!dir) {
		text_fail(&cli->error, TB_EINVALID, TEXT_OPTION_MISSING, "anchors", NULL);
		return cli_usage(cli);
	}
	enum tb_code code = evidence_anchors(&trust, dir, &cli->error);
	if (!code)
		code = userfile_read(&file, path, TB_FILE_BYTES_MAX, &cli->error);
	if (!code)
		code = evidence_read(&evidence, tb_buf_bytes(&file), &cli->arena, &cli->error);
	if (!code)
		code = evidence_check(&report, &claim, evidence, trust, &cli->arena, &cli->error);
	if (cli->json && claim)
		cli_print_json(claim);
	else if (!cli->json)
		fwrite(report.data, 1, report.size, stdout);
	fflush(stdout);
	tb_buf_clear(&file);
	tb_buf_clear(&report);
	pki_trust_unref(trust);
	return code ? cli_fail(cli, code) : CLI_DONE;
}

static const struct option export_options[] = {
	{"out", OPTION_VALUE, "FILE", TEXT_O_OUT},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};
static const struct option check_options[] = {
	{"anchors", OPTION_VALUE, "DIR", TEXT_O_ANCHORS},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};

const struct cli_verb cmd_evidence_verbs[] = {
	{"evidence export", "REFERENCE", 1, 1, TEXT_V_EVIDENCE_EXPORT, export_options,
         "tongban evidence export answer:42:0 --out answer.json", false, run_export},
	{"evidence check", "FILE", 1, 1, TEXT_V_EVIDENCE_CHECK, check_options,
         "tongban evidence check answer.json --anchors /etc/tongban/anchors", true, run_check},
	{0},
};
