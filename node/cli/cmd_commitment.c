/* tongban commitment list: what was promised instead of shown (告知承诺公示). */
#include "node/cli/cli.h"

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

static const struct option list_options[] = {
	{"unchecked", OPTION_FLAG, NULL, TEXT_O_COMMITMENT_UNCHECKED},
	{"after", OPTION_VALUE, "NUMBER", TEXT_O_AFTER},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};

const struct cli_verb cmd_commitment_verbs[] = {
	{"commitment list", "", 0, 0, TEXT_V_COMMITMENT_LIST, list_options,
         "tongban commitment list --unchecked", false, run_list},
	{0},
};
