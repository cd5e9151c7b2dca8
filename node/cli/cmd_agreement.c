/* tongban agreement: what regions promise each other. */
#include <stdlib.h>

#include "node/cli/cli.h"
#include "node/cli/userfile.h"
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

static void show_terms(struct cli *cli, struct table *table, const PbAgreement *agreement)
{
	for (size_t i = 0; i < agreement->n_terms; i++) {
		const PbAgreementTerm *term = agreement->terms[i];
		const char *rights = "";
		for (size_t j = 0; j < term->n_rights; j++)
			rights = tb_arena_printf(&cli->arena, "%s %s", rights,
			                         cli_enum(&pb_right__descriptor, (int)term->rights[j]));
		table_pair(table, i == 0 ? TEXT_H_TERMS : TEXT_EMPTY,
		           tb_arena_printf(&cli->arena, "%s | %s |%s",
		                           joined(cli, term->items, term->n_items),
		                           joined(cli, term->modes, term->n_modes), rights));
	}
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
	show_terms(cli, table, agreement);
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
	table_pair(table, TEXT_H_DIGEST, view->digest);
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
	if (code)
		return cli_fail(cli, code);
	if (cli->json) {
		cli_print_json(&reply->base);
		return CLI_DONE;
	}
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
static const struct option end_options[] = {
	{"reason", OPTION_VALUE, "TEXT", TEXT_O_REASON},
	{"effective", OPTION_VALUE, "DATE", TEXT_O_EFFECTIVE},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};
static const struct option list_options[] = {
	{"peer", OPTION_VALUE, "CODE", TEXT_O_PEER},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};

const struct cli_verb cmd_agreement_verbs[] = {
	{"agreement propose", "FILE", 1, 1, TEXT_V_AGREEMENT_PROPOSE, NULL,
         "tongban agreement propose circle.yaml", false, run_propose},
	{"agreement sign", "ID", 1, 1, TEXT_V_AGREEMENT_SIGN, version_options,
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
