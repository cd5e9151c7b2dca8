/* tongban commitment: what was promised instead of shown (告知承诺公示), and what did not hold (信用记录). */
#include "node/cli/cmd_case.h"

static int run_list(struct cli *cli, const struct options *options)
{
	static const struct table_column columns[] = {
		{TEXT_H_CASE, false},  {TEXT_H_ITEM, false},     {TEXT_H_APPLICANT, false},
		{TEXT_H_TIME, false},  {TEXT_H_MATERIAL, false}, {TEXT_H_REMARK, false},
		{TEXT_H_STATE, false},
	};
	PbCommitmentListRequest request = PB_COMMITMENT_LIST_REQUEST__INIT;
	PbCommitmentListResponse *reply;
	request.after = cli_pb(options_value_or(options, "after", ""));
	request.unchecked = options_flag(options, "unchecked");
	enum tb_code code =
		CLI_CALL(cli, "CommitmentService/List", &request, commitment_list_response, &reply);
	int ended;
	if (CLI_ENDED(cli, code, reply, &ended))
		return ended;
	struct table *table = TABLE_NEW(columns);
	for (size_t i = 0; i < reply->n_commitments; i++) {
		const PbCommitmentView *view = reply->commitments[i];
		TABLE_ROW(table, view->case_number, view->item_name, view->applicant, view->since, view->need,
		          view->text,
		          text(view->kept     ? TEXT_W_COMMITMENT_KEPT
		               : view->broken ? TEXT_W_COMMITMENT_BROKEN
		                              : TEXT_W_COMMITMENT_UNCHECKED));
	}
	table_end(table, stdout);
	if (reply->next[0])
		text_say(stderr, TEXT_M_CASE_MORE, reply->next, NULL);
	return CLI_DONE;
}

/* ---- notes: whose promise did not hold */

static const char *needs_text(struct cli *cli, const PbCreditNote *note)
{
	const char *all = "";
	for (size_t i = 0; i < note->n_needs; i++)
		all = tb_arena_printf(&cli->arena, "%s%s%s", all, i ? "," : "", note->needs[i]);
	return all;
}

static void show_notes(struct cli *cli, PbCreditNote *const *notes, size_t count)
{
	static const struct table_column columns[] = {
		{TEXT_H_CASE, false},         {TEXT_H_ITEM, false},   {TEXT_H_MATERIAL, false},
		{TEXT_H_CREDIT_SINCE, false}, {TEXT_H_UNTIL, false},  {TEXT_H_STATE, false},
		{TEXT_H_REASON, false},       {TEXT_H_REMARK, false},
	};
	static const enum text_id states[] = {TEXT_EMPTY, TEXT_W_CREDIT_STANDS, TEXT_W_CREDIT_DISPUTED,
	                                      TEXT_W_CREDIT_CORRECTED};
	struct table *table = TABLE_NEW(columns);
	for (size_t i = 0; i < count; i++) {
		const PbCreditNote *note = notes[i];
		size_t state = (size_t)note->state < 4 ? (size_t)note->state : 0;
		TABLE_ROW(table, note->case_number, note->item_name, needs_text(cli, note), note->since,
		          note->until, text(states[state]), note->reason,
		          note->settlement[0] ? note->settlement : note->dispute);
	}
	table_end(table, stdout);
}

static int run_notes(struct cli *cli, const struct options *options)
{
	PbCreditNotesRequest request = PB_CREDIT_NOTES_REQUEST__INIT;
	PbCreditNotesResponse *reply;
	const char *code_given = options_value(options, "applicant-code");
	request.case_number = cli_pb(options_value_or(options, "case", ""));
	if (!code_given == !request.case_number[0]) {
		text_fail(&cli->error, TB_EINVALID, TEXT_M_CREDIT_WHOSE, NULL);
		return cli_usage(cli);
	}
	if (code_given) {
		request.holder = PROTO_NEW(PbHolder, holder, &cli->arena);
		request.holder->code_type = cli_pb(options_value_or(options, "applicant-code-type", "111"));
		request.holder->code = cli_pb(code_given);
	}
	enum tb_code code = CLI_CALL(cli, "CommitmentService/Notes", &request, credit_notes_response, &reply);
	int ended;
	if (!CLI_ENDED(cli, code, reply, &ended))
		show_notes(cli, reply->notes, reply->n_notes);
	return ended;
}

static int show_changed(struct cli *cli, enum tb_code code, PbCreditNote *note)
{
	int ended;
	if (!CLI_ENDED(cli, code, note, &ended))
		show_notes(cli, &note, 1);
	return ended;
}

static int run_dispute(struct cli *cli, const struct options *options)
{
	PbCreditDisputeRequest request = PB_CREDIT_DISPUTE_REQUEST__INIT;
	PbCreditNote *note = NULL;
	request.case_number = cli_pb(options->operands[0]);
	request.reason = cli_pb(options_value_or(options, "reason", ""));
	if (case_actor(cli, options, PB_ROLE__H_WIN, &request.actor))
		return cli_usage(cli);
	enum tb_code code = CLI_CALL(cli, "CommitmentService/Dispute", &request, credit_note, &note);
	return show_changed(cli, code, note);
}

static int run_settle(struct cli *cli, const struct options *options)
{
	PbCreditSettleRequest request = PB_CREDIT_SETTLE_REQUEST__INIT;
	PbCreditNote *note = NULL;
	request.case_number = cli_pb(options->operands[0]);
	request.reason = cli_pb(options_value_or(options, "reason", ""));
	request.correct = options_flag(options, "correct");
	if (case_actor(cli, options, PB_ROLE__H_HEAD, &request.actor))
		return cli_usage(cli);
	enum tb_code code = CLI_CALL(cli, "CommitmentService/Settle", &request, credit_note, &note);
	return show_changed(cli, code, note);
}

static const struct option notes_options[] = {
	{"applicant-code", OPTION_VALUE, "CODE", TEXT_O_APPLICANT_CODE},
	{"applicant-code-type", OPTION_VALUE, "TYPE", TEXT_O_CODE_TYPE},
	{"case", OPTION_VALUE, "NUMBER", TEXT_O_CREDIT_CASE},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};
static const struct option dispute_options[] = {
	CASE_ACTOR_OPTIONS,
	{"reason", OPTION_VALUE, "TEXT", TEXT_O_REASON},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};
static const struct option settle_options[] = {
	CASE_ACTOR_OPTIONS,
	{"reason", OPTION_VALUE, "TEXT", TEXT_O_REASON},
	{"correct", OPTION_FLAG, NULL, TEXT_O_CREDIT_CORRECT},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};

static const struct option list_options[] = {
	{"unchecked", OPTION_FLAG, NULL, TEXT_O_COMMITMENT_UNCHECKED},
	{"after", OPTION_VALUE, "NUMBER", TEXT_O_AFTER},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};

const struct cli_verb cmd_commitment_verbs[] = {
	{"commitment list", "", 0, 0, TEXT_V_COMMITMENT_LIST, list_options,
         "tongban commitment list --unchecked", false, run_list},
	{"commitment notes", "", 0, 0, TEXT_V_CREDIT_NOTES, notes_options,
         "tongban commitment notes --applicant-code 11010519491231002X", false, run_notes},
	{"commitment dispute", "NUMBER", 1, 1, TEXT_V_CREDIT_DISPUTE, dispute_options,
         "tongban commitment dispute NUMBER --reason 材料已补正", false, run_dispute},
	{"commitment settle", "NUMBER", 1, 1, TEXT_V_CREDIT_SETTLE, settle_options,
         "tongban commitment settle NUMBER --correct --reason 复核属实", false, run_settle},
	{0},
};
