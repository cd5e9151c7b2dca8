/* tongban export, tongban import: what feeds a department's database, and what it feeds. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "node/cli/cli.h"
#include "node/cli/lines.h"
#include "node/cli/userfile.h"

/* ---- export */

static enum tb_code write_lines(struct cli *cli, FILE *out, const PbExportResponse *page, bool csv,
                                bool header)
{
	/* RFC 4180 ends lines with CRLF. */
	const char *end = csv ? "\r\n" : "\n";
	if (header && csv)
		fprintf(out, "%s%s", page->header, end);
	for (size_t i = 0; i < page->n_lines; i++)
		fprintf(out, "%s%s", page->lines[i], end);
	if (fflush(out) != 0 || ferror(out))
		return tb_fail(&cli->error, TB_EIO, "the lines cannot be written");
	return TB_OK;
}

/* Pages until there is no more; memory is a page's. */
static enum tb_code export_pages(struct cli *cli, const char *method, PbExportRequest *request, FILE *out,
                                 struct tb_buf *next)
{
	bool first = true, more = true;
	while (more) {
		struct tb_arena arena = {0};
		PbExportResponse *page;
		enum tb_code code =
			client_call(cli_client(cli), method, &request->base, &pb_export_response__descriptor,
		                    &arena, (proto_message **)(void *)&page, &cli->error);
		if (code == TB_OK)
			code = write_lines(cli, out, page, request->format == PB_IMPORT_FORMAT__CSV, first);
		if (code == TB_OK) {
			next->size = 0;
			tb_buf_str(next, page->next);
			request->after = cli_pb(tb_buf_text(next));
			more = page->more;
			first = false;
		}
		tb_arena_clear(&arena);
		if (code)
			return code;
	}
	return TB_OK;
}

static int run_export(struct cli *cli, const struct options *options, const char *method)
{
	PbExportRequest request = PB_EXPORT_REQUEST__INIT;
	const char *format = options_value_or(options, "format", "csv");
	struct tb_buf next = {0};
	request.after = cli_pb(options_value_or(options, "after", ""));
	if (strcmp(format, "csv") == 0)
		request.format = PB_IMPORT_FORMAT__CSV;
	else if (strcmp(format, "jsonl") == 0)
		request.format = PB_IMPORT_FORMAT__JSONL;
	else {
		text_fail(&cli->error, TB_EINVALID, TEXT_OPTION_ONE_OF, "format", "csv, jsonl", NULL);
		return cli_usage(cli);
	}
	enum tb_code code = export_pages(cli, method, &request, stdout, &next);
	/* Where to go on: the last line on stderr, alone, so that a script keeps it with what it has stored.
	 */
	if (code == TB_OK)
		fprintf(stderr, "%s\n", tb_buf_text(&next));
	tb_buf_clear(&next);
	return code ? cli_fail(cli, code) : CLI_DONE;
}

static int run_export_cases(struct cli *cli, const struct options *options)
{
	return run_export(cli, options, "/tongban.v1.ExportService/Cases");
}

static int run_export_certificates(struct cli *cli, const struct options *options)
{
	return run_export(cli, options, "/tongban.v1.ExportService/Credentials");
}

/* ---- import of cases: lines that are CaseSubmitRequest or CaseActRequest */

/* An application has its requestId, and an event the log's length: a line that was done is not done twice. */
static enum tb_code import_line(struct cli *cli, struct tb_bytes line, struct tb_buf *reply,
                                struct tb_error *err)
{
	struct tb_arena arena = {0};
	proto_message *message;
	enum tb_code code =
		proto_json_decode(&message, &pb_case_submit_request__descriptor, line, &arena, err);
	const PbCaseSubmitRequest *submit = (const PbCaseSubmitRequest *)(const void *)message;
	const char *method = "/tongban.v1.CaseService/Submit";
	if (code == TB_OK && !submit->request_id[0])
		code = tb_fail(err, TB_EINVALID, "requestId: missing");
	struct tb_error why;
	if (code != TB_OK &&
	    proto_json_decode(&message, &pb_case_act_request__descriptor, line, &arena, &why) == TB_OK) {
		const PbCaseActRequest *act = (const PbCaseActRequest *)(const void *)message;
		method = "/tongban.v1.CaseService/Act";
		code = act->expect_seq ? TB_OK : tb_fail(err, TB_EINVALID, "expectSeq: missing");
	}
	tb_arena_clear(&arena);
	return code ? code : client_post(cli_client(cli), method, line, reply, err);
}

static int run_import_cases(struct cli *cli, const struct options *options)
{
	FILE *file = fopen(options->operands[0], "re");
	char *line = NULL;
	size_t room = 0;
	uint64_t number = 0, done = 0, refused = 0;
	enum tb_code code = TB_OK;
	if (!file)
		return cli_fail(cli, userfile_fail(&cli->error, options->operands[0], errno));
	for (ssize_t size; code == TB_OK && (size = getline(&line, &room, file)) >= 0;) {
		struct tb_buf reply = {0};
		struct tb_error err = {0};
		number++;
		while (size > 0 && (line[size - 1] == '\n' || line[size - 1] == '\r'))
			size--;
		if (size == 0)
			continue;
		enum tb_code said =
			size > TB_IMPORT_LINE_BYTES_MAX
				? tb_fail(&err, TB_ETOOBIG, "line over %d bytes", TB_IMPORT_LINE_BYTES_MAX)
				: import_line(cli, tb_bytes_of(line, (size_t)size), &reply, &err);
		tb_buf_clear(&reply);
		done += said == TB_OK;
		refused += said != TB_OK;
		if (said != TB_OK)
			fprintf(stderr, "%s:%llu: %s: %s\n", options->operands[0], (unsigned long long)number,
			        tb_code_connect(said), err.text);
		/* Nothing that follows can go better. */
		if (tb_code_fault(said) == TB_FAULT_TRANSIENT || tb_code_fault(said) == TB_FAULT_LOCAL) {
			cli->error = err;
			code = said;
		}
	}
	free(line);
	fclose(file);
	text_say(stdout, TEXT_M_IMPORT_CASES, cli_number(cli, done), cli_number(cli, refused), NULL);
	if (code)
		return cli_fail(cli, code);
	return refused ? CLI_REFUSED : CLI_DONE;
}

static const struct option export_options[] = {
	{"format", OPTION_VALUE, "csv|jsonl", TEXT_O_EXPORT_FORMAT},
	{"after", OPTION_VALUE, "CURSOR", TEXT_O_EXPORT_AFTER},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};

const struct cli_verb cmd_export_verbs[] = {
	{"export cases", "", 0, 0, TEXT_V_EXPORT_CASES, export_options,
         "tongban export cases --after \"$(cat cursor)\" > cases.csv 2> cursor", false, run_export_cases},
	{"export certificates", "", 0, 0, TEXT_V_EXPORT_CERTIFICATES, export_options,
         "tongban export certificates --format jsonl > certificates.jsonl", false, run_export_certificates},
	{0},
};
const struct cli_verb cmd_import_verbs[] = {
	{"import cases", "FILE", 1, 1, TEXT_V_IMPORT_CASES, NULL, "tongban import cases applications.jsonl",
         false, run_import_cases},
	{0},
};
