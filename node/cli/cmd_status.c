/* tongban status: how the node is, and the messages that could not be delivered. */
#include "node/cli/cli.h"

static int show_dead(struct cli *cli)
{
	static const struct table_column columns[] = {
		{TEXT_H_PEER, false},   {TEXT_H_SEQ, true},     {TEXT_H_CASE, false},
		{TEXT_H_QUEUED, false}, {TEXT_H_REASON, false},
	};
	PbDeadLettersRequest request = PB_DEAD_LETTERS_REQUEST__INIT;
	PbDeadLettersResponse *reply;
	enum tb_code code = CLI_CALL(cli, "NodeService/DeadLetters", &request, dead_letters_response, &reply);
	int ended;
	if (CLI_ENDED(cli, code, reply, &ended))
		return ended;
	struct table *table = TABLE_NEW(columns);
	for (size_t i = 0; i < reply->n_letters; i++) {
		const PbDeadLetter *letter = reply->letters[i];
		TABLE_ROW(table, letter->peer, cli_number(cli, letter->seq), letter->case_number,
		          cli_time(cli, letter->queued_ms), letter->reason);
	}
	table_end(table, stdout);
	return CLI_DONE;
}

static void show_peers(struct cli *cli, const PbStatusResponse *status)
{
	static const struct table_column columns[] = {
		{TEXT_H_PEER, false},  {TEXT_H_NAME, false},    {TEXT_H_LINK, false},
		{TEXT_H_OUTBOX, true}, {TEXT_H_CONTACT, false}, {TEXT_H_ERROR, false},
	};
	struct table *table = TABLE_NEW(columns);
	for (size_t i = 0; i < status->n_peers; i++) {
		const PbPeerView *peer = status->peers[i];
		TABLE_ROW(table, peer->region, peer->name, peer->link, cli_number(cli, peer->outbox),
		          cli_time(cli, peer->last_contact_ms), peer->last_error);
	}
	puts("");
	table_end(table, stdout);
}

static int run_status(struct cli *cli, const struct options *options)
{
	if (options_flag(options, "dead"))
		return show_dead(cli);
	PbStatusRequest request = PB_STATUS_REQUEST__INIT;
	PbStatusResponse *status;
	enum tb_code code = CLI_CALL(cli, "NodeService/Status", &request, status_response, &status);
	int ended;
	if (CLI_ENDED(cli, code, status, &ended))
		return ended;
	struct table *table = table_new_pairs();
	table_pair(table, TEXT_H_REGION, status->region);
	table_pair(table, TEXT_H_NAME, status->name);
	table_pair(table, TEXT_H_VERSION, status->version);
	table_pair(table, TEXT_H_LISTEN, status->listen);
	table_pair(table, TEXT_H_STARTED, cli_time(cli, status->started_ms));
	table_pair(table, TEXT_H_CREDENTIALS, cli_number(cli, status->credentials));
	table_pair(table, TEXT_H_CASES, cli_number(cli, status->cases));
	table_pair(table, TEXT_H_AUDIT, cli_number(cli, status->audit_size));
	table_pair(table, TEXT_H_OUTBOX, cli_number(cli, status->outbox));
	table_pair(table, TEXT_H_DEAD, cli_number(cli, status->dead_letters));
	table_pair(table, TEXT_H_WANTED, cli_number(cli, status->materials_wanted));
	if (status->webhooks > 0) {
		table_pair(table, TEXT_H_WEBHOOKS, cli_number(cli, status->webhooks));
		table_pair(table, TEXT_H_WEBHOOKS_FAILING, cli_number(cli, status->webhooks_failing));
		table_pair(table, TEXT_H_WEBHOOKS_GIVEN_UP, cli_number(cli, status->webhooks_given_up));
	}
	table_pair(table, TEXT_H_TURNS, cli_number(cli, status->turns));
	table_pair(table, TEXT_H_EVENTS, cli_number(cli, status->events));
	table_end(table, stdout);
	if (status->n_peers > 0)
		show_peers(cli, status);
	return CLI_DONE;
}

static int run_requeue(struct cli *cli, const struct options *options)
{
	PbRequeueRequest request = PB_REQUEUE_REQUEST__INIT;
	PbRequeueResponse *reply;
	request.peer = cli_pb(options->operands[0]);
	if (options_parse_number(options->operands[1], "SEQ", 1, UINT64_MAX, &request.seq, &cli->error))
		return cli_usage(cli);
	enum tb_code code = CLI_CALL(cli, "NodeService/Requeue", &request, requeue_response, &reply);
	int ended;
	if (CLI_ENDED(cli, code, reply, &ended))
		return ended;
	text_say(stdout, TEXT_M_REQUEUED, options->operands[0], options->operands[1], NULL);
	return CLI_DONE;
}

static const struct option status_options[] = {
	{"dead", OPTION_FLAG, NULL, TEXT_O_DEAD},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};

const struct cli_verb cmd_status_verbs[] = {
	{"status", "", 0, 0, TEXT_V_STATUS, status_options, "tongban status --dead", false, run_status},
	{"status requeue", "PEER SEQ", 2, 2, TEXT_V_REQUEUE, NULL, "tongban status requeue 320400 17", false,
         run_requeue},
	{0},
};
