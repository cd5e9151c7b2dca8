/* tongban readiness: what is still lacking before cases are taken with a partner (通办准备). */
#include <string.h>

#include "node/cli/cmd_case.h"
#include "node/cli/cmd_catalogue.h"
#include "node/core/readinesscheck.h"
#include "node/io/now.h"

/* What cannot be had because nobody has loaded or shown it is not there. */
static enum tb_code list_of(struct cli *cli, const char *region, const PbCatalogue **out)
{
	PbCatalogueListResponse *reply;
	enum tb_code code = catalogue_list(cli, region, "", false, &reply);
	*out = code ? NULL : reply->catalogue;
	return code == TB_ENOTFOUND ? TB_OK : code;
}

static enum tb_code halls_of(struct cli *cli, const char *region, const PbHallList **out)
{
	PbHallListRequest request = PB_HALL_LIST_REQUEST__INIT;
	PbHallListResponse *reply;
	request.region = cli_pb(region);
	enum tb_code code = CLI_CALL(cli, "HallService/List", &request, hall_list_response, &reply);
	*out = code ? NULL : reply->list;
	return code == TB_ENOTFOUND ? TB_OK : code;
}

static enum tb_code check_peer(struct cli *cli, const PbStatusResponse *status, const char *peer)
{
	for (size_t i = 0; i < status->n_peers; i++) {
		if (strcmp(status->peers[i]->region, peer) == 0)
			return TB_OK;
	}
	return text_fail(&cli->error, TB_ENOTFOUND, TEXT_M_PEER_UNKNOWN, peer, NULL);
}

static enum tb_code gather(struct cli *cli, const char *peer, PbReadinessReport **out)
{
	PbStatusRequest status = PB_STATUS_REQUEST__INIT;
	PbAgreementListRequest agreements = PB_AGREEMENT_LIST_REQUEST__INIT;
	PbTokenListRequest tokens = PB_TOKEN_LIST_REQUEST__INIT;
	PbReadinessNotesRequest notes = PB_READINESS_NOTES_REQUEST__INIT;
	struct readiness_facts facts = {.peer = peer, .now = now_ms()};
	agreements.peer = cli_pb(peer);
	notes.peer = cli_pb(peer);
	enum tb_code code = CLI_CALL(cli, "NodeService/Status", &status, status_response, &facts.status);
	if (code == TB_OK)
		code = check_peer(cli, facts.status, peer);
	if (code == TB_OK)
		code = list_of(cli, "", &facts.list);
	if (code == TB_OK)
		code = list_of(cli, peer, &facts.peer_list);
	if (code == TB_OK)
		code = CLI_CALL(cli, "AgreementService/List", &agreements, agreement_list_response,
		                &facts.agreements);
	if (code == TB_OK)
		code = halls_of(cli, "", &facts.halls);
	if (code == TB_OK)
		code = halls_of(cli, peer, &facts.peer_halls);
	if (code == TB_OK)
		code = CLI_CALL(cli, "TokenService/List", &tokens, token_list_response, &facts.tokens);
	if (code == TB_OK)
		code = CLI_CALL(cli, "ReadinessService/Notes", &notes, readiness_notes_response,
		                &facts.notes);
	*out = code ? NULL : readiness_check(&facts, &cli->arena);
	return code;
}

/* ---- showing: of each topic its name and what to do if it lacks */

static const struct {
	enum text_id name;
	enum text_id next;
} topics[READINESS_TOPICS] = {
	[READINESS_LIST] = {TEXT_W_READY_LIST, TEXT_W_NEXT_LIST},
	[READINESS_ELEMENTS] = {TEXT_W_READY_ELEMENTS, TEXT_W_NEXT_ELEMENTS},
	[READINESS_PEER_LIST] = {TEXT_W_READY_PEER_LIST, TEXT_W_NEXT_PEER_LIST},
	[READINESS_LINK] = {TEXT_W_READY_LINK, TEXT_W_NEXT_LINK},
	[READINESS_AGREEMENT] = {TEXT_W_READY_AGREEMENT, TEXT_W_NEXT_AGREEMENT},
	[READINESS_ITEMS] = {TEXT_W_READY_ITEMS, TEXT_W_NEXT_ITEMS},
	[READINESS_POSTAGE] = {TEXT_W_READY_POSTAGE, TEXT_W_NEXT_POSTAGE},
	[READINESS_CONTACTS] = {TEXT_W_READY_CONTACTS, TEXT_W_NEXT_CONTACTS},
	[READINESS_HALLS] = {TEXT_W_READY_HALLS, TEXT_W_NEXT_HALLS},
	[READINESS_PEER_HALLS] = {TEXT_W_READY_PEER_HALLS, TEXT_W_NEXT_PEER_HALLS},
	[READINESS_TOKENS] = {TEXT_W_READY_TOKENS, TEXT_W_NEXT_TOKENS},
	[READINESS_LETTERS] = {TEXT_W_READY_LETTERS, TEXT_W_NEXT_LETTERS},
	[READINESS_TRAINING] = {TEXT_W_READY_TRAINING, TEXT_W_NEXT_TRAINING},
	[READINESS_TRIAL] = {TEXT_W_READY_TRIAL, TEXT_W_NEXT_TRIAL},
	[READINESS_BACKUP] = {TEXT_W_READY_BACKUP, TEXT_W_NEXT_BACKUP},
	[READINESS_PUBLICITY] = {TEXT_W_READY_PUBLICITY, TEXT_W_NEXT_PUBLICITY},
};

/* What to do next, into every line that is not ready. */
static void advise(struct cli *cli, PbReadinessReport *report)
{
	for (size_t i = 0; i < report->n_lines; i++) {
		struct tb_buf next = {0};
		if (report->lines[i]->state == PB_READINESS_STATE__READY)
			continue;
		text_fill(&next, topics[i].next, report->peer, NULL);
		report->lines[i]->next = tb_arena_str(&cli->arena, tb_buf_text(&next));
		tb_buf_clear(&next);
	}
}

static void show(struct cli *cli, const PbReadinessReport *report)
{
	static const struct table_column columns[] = {{TEXT_EMPTY, false},
	                                              {TEXT_EMPTY, false},
	                                              {TEXT_H_READY_FOUND, false},
	                                              {TEXT_H_READY_NEXT, false}};
	struct table *table = TABLE_NEW(columns);
	for (size_t i = 0; i < report->n_lines; i++) {
		const PbReadinessLine *line = report->lines[i];
		TABLE_ROW(table,
		          line->state == PB_READINESS_STATE__READY     ? "✓"
		          : line->state == PB_READINESS_STATE__LACKING ? "✗"
		                                                       : "○",
		          text(topics[i].name), line->what, line->next);
	}
	table_end(table, stdout);
	if (report->lacking > 0)
		text_say(stdout, TEXT_M_READY_LACKING, report->peer, cli_number(cli, report->lacking), NULL);
	else
		text_say(stdout, TEXT_M_READY, report->peer, NULL);
}

static int run_readiness(struct cli *cli, const struct options *options)
{
	PbReadinessReport *report;
	enum tb_code code = gather(cli, options->operands[0], &report);
	if (code)
		return cli_fail(cli, code);
	advise(cli, report);
	if (cli->json)
		cli_print_json(&report->base);
	else
		show(cli, report);
	return report->lacking > 0 ? CLI_REFUSED : CLI_DONE;
}

static int run_note(struct cli *cli, const struct options *options)
{
	PbReadinessNote note = PB_READINESS_NOTE__INIT, *reply;
	note.topic = cli_pb(options->operands[0]);
	note.peer = cli_pb(options_value_or(options, "peer", ""));
	note.text = cli_pb(options_value_or(options, "text", ""));
	note.done_on = cli_pb(options_value_or(options, "on", ""));
	if (!note.text[0] == !options_flag(options, "withdraw")) {
		text_fail(&cli->error, TB_EINVALID, TEXT_M_READY_TEXT, NULL);
		return cli_usage(cli);
	}
	if (case_actor(cli, options, PB_ROLE__LIAISON, &note.actor))
		return cli_usage(cli);
	enum tb_code code = CLI_CALL(cli, "ReadinessService/Note", &note, readiness_note, &reply);
	int ended;
	if (!CLI_ENDED(cli, code, reply, &ended))
		text_say(stdout, note.text[0] ? TEXT_M_READY_NOTED : TEXT_M_READY_WITHDRAWN, reply->topic,
		         reply->done_on, NULL);
	return ended;
}

static const struct option note_options[] = {
	{"text", OPTION_VALUE, "TEXT", TEXT_O_READY_TEXT},
	{"peer", OPTION_VALUE, "REGION", TEXT_O_READY_PEER},
	{"on", OPTION_VALUE, "DATE", TEXT_O_READY_ON},
	{"withdraw", OPTION_FLAG, NULL, TEXT_O_READY_WITHDRAW},
	CASE_ACTOR_OPTIONS,
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};

const struct cli_verb cmd_readiness_verbs[] = {
	{"readiness", "REGION", 1, 1, TEXT_V_READY, NULL, "tongban readiness 320400", false, run_readiness},
	{"readiness note", "training|trial|backup|publicity", 1, 1, TEXT_V_READY_NOTE, note_options,
         "tongban readiness note training --peer 320400 --actor 0931 --text 窗口人员42人培训考核合格", false,
         run_note},
	{0},
};
