/* tongban agreement: what regions promise each other. */
#include <stdlib.h>

#include "node/cli/cli.h"
#include "node/cli/userfile.h"
#include "node/core/casetable.h"
#include "node/io/yamlmsg.h"

static const char *state_text(PbAgreementState state)
{
	static const enum text_id texts[] = {TEXT_EMPTY,
	                                     TEXT_W_AGREEMENT_PROPOSED,
	                                     TEXT_W_AGREEMENT_SIGNED,
	                                     TEXT_W_AGREEMENT_IN_FORCE,
	                                     TEXT_W_AGREEMENT_ENDED,
	                                     TEXT_W_AGREEMENT_REPLACED};
	return state <= PB_AGREEMENT_STATE__REPLACED ? text(texts[state]) : "?";
}

static const char *joined(struct cli *cli, char *const *list, size_t count)
{
	const char *all = "";
	for (size_t i = 0; i < count; i++)
		all = tb_arena_printf(&cli->arena, "%s%s%s", all, i ? " " : "", list[i]);
	return all;
}

/* ---- words */

static const char *right_text(PbRight right)
{
	static const enum text_id texts[] = {TEXT_EMPTY,
	                                     TEXT_W_ACCEPT_CASES,
	                                     TEXT_W_NOTIFY_ONCE,
	                                     TEXT_W_CHECK_ORIGINALS,
	                                     TEXT_W_DELIVER_RESULTS,
	                                     TEXT_W_DECIDE_CASES};
	return right <= PB_RIGHT__DECIDE_CASES ? text(texts[right]) : "?";
}

static const char *disclosure_text(PbDisclosure disclosure)
{
	static const enum text_id texts[] = {TEXT_EMPTY, TEXT_W_DISCLOSE_STATUS, TEXT_W_DISCLOSE_MATCH,
	                                     TEXT_W_DISCLOSE_DOCUMENT};
	return disclosure <= PB_DISCLOSURE__DOCUMENT ? text(texts[disclosure]) : "?";
}

static const char *recognition_text(PbRecognition recognition)
{
	static const enum text_id texts[] = {TEXT_EMPTY, TEXT_W_RECOGNISE_RECEIPTS,
	                                     TEXT_W_RECOGNISE_PRECHECKS, TEXT_W_RECOGNISE_CREDENTIALS};
	return recognition <= PB_RECOGNITION__RECOGNISE_CREDENTIALS ? text(texts[recognition]) : "?";
}

static const char *postage_text(PbPostagePayer payer)
{
	static const enum text_id texts[] = {TEXT_EMPTY, TEXT_W_PAID_BY_WINDOW, TEXT_W_PAID_BY_HOME,
	                                     TEXT_W_PAID_BY_APPLICANT};
	return payer <= PB_POSTAGE_PAYER__PAID_BY_APPLICANT ? text(texts[payer]) : "?";
}

/* ---- showing */

/* "YS YB: * | 收件受理 结果送达 | 620100 → 310000, 2026-01-01" */
static const char *term_text(struct cli *cli, const PbAgreementTerm *term)
{
	struct tb_arena *arena = &cli->arena;
	const char *rights = "";
	for (size_t i = 0; i < term->n_rights; i++)
		rights = tb_arena_printf(arena, "%s%s%s", rights, i ? ", " : "", right_text(term->rights[i]));
	const char *line =
		tb_arena_printf(arena, "%s: %s%s%s", joined(cli, term->modes, term->n_modes),
	                        joined(cli, term->items, term->n_items), rights[0] ? " | " : "", rights);
	if (term->n_windows > 0 || term->n_homes > 0)
		line = tb_arena_printf(arena, "%s | %s → %s", line,
		                       term->n_windows ? joined(cli, term->windows, term->n_windows) : "*",
		                       term->n_homes ? joined(cli, term->homes, term->n_homes) : "*");
	return term->from[0] ? tb_arena_printf(arena, "%s | %s %s", line, text(TEXT_H_SINCE), term->from)
	                     : line;
}

static void show_promises(struct cli *cli, struct table *table, const PbAgreement *agreement)
{
	struct tb_arena *arena = &cli->arena;
	const char *recognised = "";
	for (size_t i = 0; i < agreement->n_terms; i++)
		table_pair(table, i == 0 ? TEXT_H_TERMS : TEXT_EMPTY, term_text(cli, agreement->terms[i]));
	for (size_t i = 0; i < agreement->n_credentials; i++) {
		const PbAgreementCredentials *row = agreement->credentials[i];
		table_pair(table, i == 0 ? TEXT_H_AGREED_TYPES : TEXT_EMPTY,
		           tb_arena_printf(arena, "%s: %s%s%s", disclosure_text(row->disclosure),
		                           joined(cli, row->types, row->n_types),
		                           row->n_answered_by ? " | " : "",
		                           joined(cli, row->answered_by, row->n_answered_by)));
	}
	for (size_t i = 0; i < agreement->n_recognitions; i++)
		recognised = tb_arena_printf(arena, "%s%s%s", recognised, i ? ", " : "",
		                             recognition_text(agreement->recognitions[i]));
	table_pair(table, TEXT_H_RECOGNISED, recognised);
	for (size_t i = 0; i < agreement->n_clocks; i++)
		table_pair(table, i == 0 ? TEXT_H_AGREED_CLOCKS : TEXT_EMPTY,
		           tb_arena_printf(arena, "%s %u %s",
		                           case_clock_text(agreement->clocks[i]->clock, text_zh()),
		                           agreement->clocks[i]->days, text(TEXT_W_WORKING_DAYS)));
	for (size_t i = 0; i < agreement->n_return_reasons; i++)
		table_pair(table, i == 0 ? TEXT_H_RETURN_REASONS : TEXT_EMPTY, agreement->return_reasons[i]);
	table_pair(table, TEXT_H_POSTAGE, postage_text(agreement->postage));
	table_pair(table, TEXT_H_LIABILITY, agreement->liability);
	table_pair(table, TEXT_H_HOURS, agreement->service_hours);
	for (size_t i = 0; i < agreement->n_contacts; i++) {
		const PbContact *contact = agreement->contacts[i];
		table_pair(table, i == 0 ? TEXT_H_CONTACTS : TEXT_EMPTY,
		           tb_arena_printf(arena, "%s %s %s %s", contact->region, contact->name,
		                           contact->phone, contact->duty));
	}
	if (agreement->notice_days)
		table_pair(table, TEXT_H_NOTICE,
		           tb_arena_printf(arena, "%u %s", agreement->notice_days, text(TEXT_W_DAYS)));
	table_pair(table, TEXT_H_REMARK, agreement->note);
}

static void show_statements(struct cli *cli, struct table *table, const PbAgreementView *view)
{
	for (size_t i = 0; i < view->n_statements; i++) {
		const PbAgreementStatement *statement = view->statements[i];
		bool ends = statement->kind == PB_STATEMENT_KIND__ENDS;
		table_pair(table, i == 0 ? TEXT_H_STATEMENTS : TEXT_EMPTY,
		           tb_arena_printf(&cli->arena, "%s %s %s %s", statement->region,
		                           text(ends ? TEXT_W_STATEMENT_ENDS : TEXT_W_STATEMENT_SIGNS),
		                           ends ? statement->effective : cli_time(cli, statement->at_ms),
		                           statement->reason));
	}
	for (size_t i = 0; i < view->n_changes; i++)
		table_pair(table, i == 0 ? TEXT_H_CHANGES : TEXT_EMPTY,
		           tb_arena_printf(&cli->arena, "%s: %s → %s", view->changes[i]->field,
		                           view->changes[i]->before, view->changes[i]->after));
}

/* Another text of this number and version was here before; what the own region has not signed it may sign. */
static void show_overtaken(struct cli *cli, struct table *table, const PbAgreementView *view)
{
	const PbAgreement *agreement = view->agreement;
	struct tb_buf next = {0};
	table_pair(table, TEXT_H_OVERTAKEN,
	           tb_arena_printf(&cli->arena, "%s %s %s", view->overtaken->proposer,
	                           cli_time(cli, view->overtaken->proposed_at_ms), view->overtaken->title));
	if (view->n_missing > 0) {
		text_fill(&next, TEXT_M_OVERTAKEN_NEXT, agreement->id, cli_number(cli, agreement->version),
		          tb_arena_printf(&cli->arena, "%.16s", view->digest), NULL);
		table_pair(table, TEXT_H_NEXT, tb_arena_str(&cli->arena, tb_buf_text(&next)));
	}
	tb_buf_clear(&next);
}

static int show(struct cli *cli, const PbAgreementView *view)
{
	if (cli->json) {
		cli_print_json(&view->base);
		return CLI_DONE;
	}
	const PbAgreement *agreement = view->agreement;
	struct table *table = table_new_pairs();
	table_pair(table, TEXT_H_AGREEMENT, agreement->id);
	table_pair(table, TEXT_H_VERSION, cli_number(cli, agreement->version));
	table_pair(table, TEXT_H_TITLE, agreement->title);
	table_pair(table, TEXT_H_STATE, state_text(view->state));
	table_pair(table, TEXT_H_PARTIES, joined(cli, agreement->parties, agreement->n_parties));
	table_pair(table, TEXT_H_UNSIGNED, joined(cli, view->missing, view->n_missing));
	table_pair(table, TEXT_H_VALID,
	           tb_arena_printf(&cli->arena, "%s – %s", agreement->valid_from, agreement->valid_until));
	show_promises(cli, table, agreement);
	show_statements(cli, table, view);
	table_pair(table, TEXT_H_DIGEST, view->digest);
	if (view->overtaken)
		show_overtaken(cli, table, view);
	table_end(table, stdout);
	return CLI_DONE;
}

static int run_propose(struct cli *cli, const struct options *options)
{
	PbAgreementProposeRequest request = PB_AGREEMENT_PROPOSE_REQUEST__INIT;
	PbAgreementView *view;
	struct tb_buf file = {0};
	proto_message *agreement = NULL;
	const char *path = options->operands[0];
	enum tb_code code = userfile_read(&file, path, TB_FILE_BYTES_MAX, &cli->error);
	if (!code) {
		tb_buf_text(&file);
		code = yaml_message(&agreement, &pb_agreement__descriptor, path, tb_buf_bytes(&file),
		                    &cli->arena, &cli->error);
	}
	tb_buf_clear(&file);
	if (!code) {
		request.agreement = (PbAgreement *)(void *)agreement;
		code = CLI_CALL(cli, "AgreementService/Propose", &request, agreement_view, &view);
	}
	return code ? cli_fail(cli, code) : show(cli, view);
}

static uint32_t version_of(const struct options *options)
{
	return (uint32_t)strtoul(options_value_or(options, "version", "0"), NULL, 10);
}

static int run_sign(struct cli *cli, const struct options *options)
{
	PbAgreementSignRequest request = PB_AGREEMENT_SIGN_REQUEST__INIT;
	PbAgreementView *view;
	request.id = cli_pb(options->operands[0]);
	request.version = version_of(options);
	request.digest = cli_pb(options_value_or(options, "digest", ""));
	enum tb_code code = CLI_CALL(cli, "AgreementService/Sign", &request, agreement_view, &view);
	return code ? cli_fail(cli, code) : show(cli, view);
}

static int run_end(struct cli *cli, const struct options *options)
{
	PbAgreementEndRequest request = PB_AGREEMENT_END_REQUEST__INIT;
	PbAgreementView *view;
	request.id = cli_pb(options->operands[0]);
	request.reason = cli_pb(options_value_or(options, "reason", ""));
	request.effective = cli_pb(options_value_or(options, "effective", ""));
	request.version = version_of(options);
	enum tb_code code = CLI_CALL(cli, "AgreementService/End", &request, agreement_view, &view);
	return code ? cli_fail(cli, code) : show(cli, view);
}

static int run_show(struct cli *cli, const struct options *options)
{
	PbAgreementGetRequest request = PB_AGREEMENT_GET_REQUEST__INIT;
	PbAgreementView *view;
	request.id = cli_pb(options->operands[0]);
	request.version = version_of(options);
	enum tb_code code = CLI_CALL(cli, "AgreementService/Get", &request, agreement_view, &view);
	return code ? cli_fail(cli, code) : show(cli, view);
}

static int run_list(struct cli *cli, const struct options *options)
{
	static const struct table_column columns[] = {
		{TEXT_H_AGREEMENT, false}, {TEXT_H_VERSION, true}, {TEXT_H_STATE, false},
		{TEXT_H_PARTIES, false},   {TEXT_H_VALID, false},  {TEXT_H_TITLE, false},
	};
	PbAgreementListRequest request = PB_AGREEMENT_LIST_REQUEST__INIT;
	PbAgreementListResponse *reply;
	request.peer = cli_pb(options_value_or(options, "peer", ""));
	enum tb_code code = CLI_CALL(cli, "AgreementService/List", &request, agreement_list_response, &reply);
	int ended;
	if (CLI_ENDED(cli, code, reply, &ended))
		return ended;
	struct table *table = TABLE_NEW(columns);
	for (size_t i = 0; i < reply->n_agreements; i++) {
		const PbAgreement *agreement = reply->agreements[i]->agreement;
		TABLE_ROW(table, agreement->id, cli_number(cli, agreement->version),
		          state_text(reply->agreements[i]->state),
		          joined(cli, agreement->parties, agreement->n_parties), agreement->valid_from,
		          agreement->title);
	}
	table_end(table, stdout);
	return CLI_DONE;
}

static int run_diff(struct cli *cli, const struct options *options)
{
	static const struct table_column columns[] = {{TEXT_H_AGREEMENT, false},
	                                              {TEXT_H_VERSION, true},
	                                              {TEXT_H_HERE, false},
	                                              {TEXT_H_THERE, false}};
	PbAgreementDiffRequest request = PB_AGREEMENT_DIFF_REQUEST__INIT;
	PbAgreementDiffResponse *reply;
	request.peer = cli_pb(options->operands[0]);
	enum tb_code code = CLI_CALL(cli, "AgreementService/Diff", &request, agreement_diff_response, &reply);
	if (code)
		return cli_fail(cli, code);
	if (cli->json) {
		cli_print_json(&reply->base);
	} else if (reply->equal) {
		text_say(stdout, TEXT_M_AGREEMENTS_EQUAL, request.peer, cli_time(cli, reply->at_ms), NULL);
	} else {
		struct table *table = TABLE_NEW(columns);
		for (size_t i = 0; i < reply->n_differences; i++)
			TABLE_ROW(table, reply->differences[i]->id,
			          cli_number(cli, reply->differences[i]->version),
			          reply->differences[i]->here, reply->differences[i]->there);
		table_end(table, stdout);
	}
	return reply->equal ? CLI_DONE : CLI_REFUSED;
}

static const struct option version_options[] = {
	{"version", OPTION_VALUE, "N", TEXT_O_VERSION},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};
static const struct option sign_options[] = {
	{"version", OPTION_VALUE, "N", TEXT_O_VERSION},
	{"digest", OPTION_VALUE, "HEX", TEXT_O_DIGEST_MEANT},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};
static const struct option end_options[] = {
	{"reason", OPTION_VALUE, "TEXT", TEXT_O_REASON},
	{"effective", OPTION_VALUE, "DATE", TEXT_O_EFFECTIVE},
	{"version", OPTION_VALUE, "N", TEXT_O_VERSION_ENDED},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};
static const struct option list_options[] = {
	{"peer", OPTION_VALUE, "CODE", TEXT_O_PEER},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};

const struct cli_verb cmd_agreement_verbs[] = {
	{"agreement propose", "FILE", 1, 1, TEXT_V_AGREEMENT_PROPOSE, NULL,
         "tongban agreement propose circle.yaml", false, run_propose},
	{"agreement sign", "ID", 1, 1, TEXT_V_AGREEMENT_SIGN, sign_options,
         "tongban agreement sign 310000-20261122-7a6da133", false, run_sign},
	{"agreement end", "ID", 1, 1, TEXT_V_AGREEMENT_END, end_options,
         "tongban agreement end 310000-20261122-7a6da133 --reason 机构调整", false, run_end},
	{"agreement show", "ID", 1, 1, TEXT_V_AGREEMENT_SHOW, version_options,
         "tongban agreement show 310000-20261122-7a6da133", false, run_show},
	{"agreement list", "", 0, 0, TEXT_V_AGREEMENT_LIST, list_options,
         "tongban agreement list --peer 320400", false, run_list},
	{"agreement diff", "PEER", 1, 1, TEXT_V_AGREEMENT_DIFF, NULL, "tongban agreement diff 320400", false,
         run_diff},
	{0},
};
