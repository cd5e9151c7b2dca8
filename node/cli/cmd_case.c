/* tongban case: handing in, acting, looking. */
#include "node/cli/cmd_case.h"

#include <assert.h>
#include <string.h>

#include "node/core/casetable.h"

/* ---- showing */

static const char *clock_text(struct cli *cli, const PbClockState *clock)
{
	struct tb_buf line = {0};
	const char *name = case_clock_text(clock->clock, text_zh());
	if (clock->running)
		text_fill(&line, clock->overdue ? TEXT_M_CLOCK_OVERDUE : TEXT_M_CLOCK_DUE, name,
		          cli_time(cli, clock->due_ms), NULL);
	else
		text_fill(&line, TEXT_M_CLOCK_PAUSED, name,
		          tb_arena_printf(&cli->arena, "%d", clock->days_left), NULL);
	const char *text = tb_arena_str(&cli->arena, tb_buf_text(&line));
	tb_buf_clear(&line);
	return text;
}

static const char *clocks_text(struct cli *cli, PbClockState *const *clocks, size_t count)
{
	const char *all = "";
	for (size_t i = 0; i < count; i++)
		all = tb_arena_printf(&cli->arena, "%s%s%s", all, i ? "; " : "", clock_text(cli, clocks[i]));
	return all;
}

/* The verb that causes |event|: "hand-over". */
static const char *event_word(PbCaseEvent event);

static const char *possible_text(struct cli *cli, const PbCaseView *view)
{
	const char *all = "";
	for (size_t i = 0; i < view->n_possible; i++)
		all = tb_arena_printf(&cli->arena, "%s%s%s", all, i ? ", " : "",
		                      event_word(view->possible[i]));
	return all;
}

void case_brief(struct cli *cli, const PbCaseView *view)
{
	struct table *table = table_new_pairs();
	table_pair(table, TEXT_H_CASE, view->number);
	table_pair(table, TEXT_H_STATE,
	           cli_beside(cli, case_state_text(view->state, text_zh()), view->state_there));
	table_pair(table, TEXT_H_OWNER, view->owner);
	table_pair(table, TEXT_H_PROPOSAL, view->proposal);
	table_pair(table, TEXT_H_LOCAL_NUMBER, view->local_number);
	for (size_t i = 0; i < view->n_clocks; i++)
		table_pair(table, i == 0 ? TEXT_H_CLOCKS : TEXT_EMPTY, clock_text(cli, view->clocks[i]));
	table_pair(table, TEXT_H_POSSIBLE, possible_text(cli, view));
	table_end(table, stdout);
}

static const char *mode_text(struct cli *cli, const char *code)
{
	const struct case_mode *mode = case_mode_find(code);
	return mode ? tb_arena_printf(&cli->arena, "%s %s", code, text_zh() ? mode->name_zh : mode->name_en)
	            : code;
}

/* "320400 失业登记 320400… 已受理"; neither number nor state before it begins. */
static const char *part_text(struct cli *cli, const PbCasePart *part)
{
	const char *name = part->item_name[0] ? part->item_name : part->item;
	return part->number[0] ? tb_arena_printf(&cli->arena, "%s %s %s %s", part->home, name, part->number,
	                                         case_state_text(part->state, text_zh()))
	                       : tb_arena_printf(&cli->arena, "%s %s", part->home, name);
}

/* How sure it is who applies, and who acts for them. */
static void show_people(struct cli *cli, struct table *table, const PbCaseView *view)
{
	static const enum text_id levels[] = {TEXT_EMPTY, TEXT_W_SELF_DECLARED, TEXT_W_MATCHED,
	                                      TEXT_W_PRESENT, TEXT_W_IN_PERSON};
	const PbCaseDetail *detail = view->n_log > 0 ? view->log[0]->detail : NULL;
	const PbApplication *application = detail ? detail->application : NULL;
	const PbIdentityAssertion *identity = application ? application->identity : NULL;
	if (identity && identity->level <= PB_ASSURANCE__IN_PERSON)
		table_pair(table, TEXT_H_IDENTITY,
		           tb_arena_printf(&cli->arena, "%s %s (%s %s)", text(levels[identity->level]),
		                           identity->method, identity->region, identity->verifier));
	if (application && application->pickup)
		table_pair(table, TEXT_H_PICKUP,
		           tb_arena_printf(&cli->arena, "%s %s", application->pickup->region,
		                           application->pickup->hall));
	if (!application || !application->agent)
		return;
	table_pair(table, TEXT_H_AGENT, application->agent->name);
	if (application->authorisation)
		table_pair(table, TEXT_EMPTY,
		           tb_arena_printf(&cli->arena, "%s (%s – %s)", application->authorisation->scope,
		                           application->authorisation->valid_from,
		                           application->authorisation->valid_until));
}

static const char *fee_text(struct cli *cli, const PbFee *fee)
{
	static const enum text_id states[] = {TEXT_EMPTY, TEXT_W_FEE_DUE, TEXT_W_FEE_PAID, TEXT_W_FEE_WAIVED,
	                                      TEXT_W_FEE_REFUNDED};
	return tb_arena_printf(&cli->arena, "%s %s %llu.%02llu %s %s",
	                       fee->state <= PB_FEE_STATE__FEE_REFUNDED ? text(states[fee->state]) : "?",
	                       fee->name, (unsigned long long)(fee->amount_fen / 100),
	                       (unsigned long long)(fee->amount_fen % 100), fee->reference, fee->payer);
}

static void show_head(struct cli *cli, const PbCaseView *view)
{
	struct table *table = table_new_pairs();
	const char *yes = text(TEXT_M_YES);
	table_pair(table, TEXT_H_CASE, view->number);
	table_pair(table, TEXT_H_LOCAL_NUMBER, view->local_number);
	table_pair(table, TEXT_H_ITEM, tb_arena_printf(&cli->arena, "%s %s", view->item, view->item_name));
	table_pair(table, TEXT_H_MODE, mode_text(cli, view->mode));
	table_pair(table, TEXT_H_APPLICANT, view->applicant_name);
	show_people(cli, table, view);
	table_pair(table, TEXT_H_STATE,
	           cli_beside(cli, case_state_text(view->state, text_zh()), view->state_there));
	table_pair(table, TEXT_H_FIRST_NODE, view->first_node);
	table_pair(table, TEXT_H_HOME, view->home);
	table_pair(table, TEXT_H_OWNER, view->owner);
	table_pair(table, TEXT_H_LEAD, view->lead);
	for (size_t i = 0; i < view->n_parts; i++)
		table_pair(table, i == 0 ? TEXT_H_PARTS : TEXT_EMPTY, part_text(cli, view->parts[i]));
	table_pair(table, TEXT_H_HANDING_OVER, view->handing_over ? yes : "");
	table_pair(table, TEXT_H_EXTENDED, view->extended ? yes : "");
	table_pair(table, TEXT_H_DISPUTE, view->dispute ? yes : "");
	table_pair(table, TEXT_H_COPY_REFUSED, view->copy_refused ? yes : "");
	table_pair(table, TEXT_H_PROPOSAL, view->proposal);
	for (size_t i = 0; i < view->n_fees; i++)
		table_pair(table, i == 0 ? TEXT_H_FEES : TEXT_EMPTY, fee_text(cli, view->fees[i]));
	if (view->materials_missing)
		table_pair(table, TEXT_H_WANTED, cli_number(cli, view->materials_missing));
	for (size_t i = 0; i < view->n_clocks; i++)
		table_pair(table, i == 0 ? TEXT_H_CLOCKS : TEXT_EMPTY, clock_text(cli, view->clocks[i]));
	for (size_t i = 0; i < view->n_to_return; i++)
		table_pair(table, i == 0 ? TEXT_H_TO_RETURN : TEXT_EMPTY, view->to_return[i]);
	table_pair(table, TEXT_H_POSSIBLE, possible_text(cli, view));
	for (size_t i = 0; i < view->n_evidence; i++)
		table_pair(table, i == 0 ? TEXT_H_EVIDENCE : TEXT_EMPTY, view->evidence[i]);
	table_end(table, stdout);
}

static void show_log(struct cli *cli, const PbCaseView *view)
{
	static const struct table_column columns[] = {
		{TEXT_H_SEQ, true},  {TEXT_H_TIME, false}, {TEXT_H_EVENT, false},  {TEXT_H_STATES, false},
		{TEXT_H_WHO, false}, {TEXT_H_NODE, false}, {TEXT_H_CLOCKS, false}, {TEXT_H_REMARK, false},
	};
	bool zh = text_zh();
	struct table *table = TABLE_NEW(columns);
	for (size_t i = 0; i < view->n_log; i++) {
		const PbCaseEntry *entry = view->log[i];
		const PbCaseDetail *detail = entry->detail;
		const char *states =
			entry->from == entry->to
				? case_state_text(entry->to, zh)
				: tb_arena_printf(&cli->arena, "%s → %s", case_state_text(entry->from, zh),
		                                  case_state_text(entry->to, zh));
		const char *who = !entry->actor ? ""
		                                : tb_arena_printf(&cli->arena, "%s %s",
		                                                  case_role_text(entry->actor->role, zh),
		                                                  entry->actor->id);
		const char *remark = !detail ? "" : detail->reason[0] ? detail->reason : detail->note;
		TABLE_ROW(table, cli_number(cli, entry->seq), cli_time(cli, entry->at_ms),
		          case_event_text(entry->event, zh), states, who, entry->node,
		          clocks_text(cli, entry->clocks, entry->n_clocks), remark);
	}
	puts("");
	table_end(table, stdout);
}

static int run_show(struct cli *cli, const struct options *options)
{
	PbCaseGetRequest request = PB_CASE_GET_REQUEST__INIT;
	PbCaseView *view;
	request.number = cli_pb(options->operands[0]);
	enum tb_code code = CLI_CALL(cli, "CaseService/Get", &request, case_view, &view);
	int ended;
	if (CLI_ENDED(cli, code, view, &ended))
		return ended;
	show_head(cli, view);
	show_log(cli, view);
	return CLI_DONE;
}

static int run_list(struct cli *cli, const struct options *options)
{
	static const struct table_column columns[] = {
		{TEXT_H_CASE, false},      {TEXT_H_STATE, false}, {TEXT_H_ITEM, false},
		{TEXT_H_APPLICANT, false}, {TEXT_H_HOME, false},  {TEXT_H_OWNER, false},
		{TEXT_H_CLOCKS, false},
	};
	PbCaseListRequest request = PB_CASE_LIST_REQUEST__INIT;
	PbCaseListResponse *reply;
	const char *state = options_value(options, "state");
	uint64_t limit;
	int value = 0;
	if ((state && cli_enum_option(cli, &pb_case_state__descriptor, "state", state, &value)) ||
	    options_number(options, "limit", 1, TB_PAGE_ROWS_MAX, 100, &limit, &cli->error))
		return cli_usage(cli);
	request.state = (PbCaseState)value;
	request.peer = cli_pb(options_value_or(options, "peer", ""));
	request.after = cli_pb(options_value_or(options, "after", ""));
	request.limit = (uint32_t)limit;
	request.dispute = options_flag(options, "dispute");
	enum tb_code code = CLI_CALL(cli, "CaseService/List", &request, case_list_response, &reply);
	int ended;
	if (CLI_ENDED(cli, code, reply, &ended))
		return ended;
	struct table *table = TABLE_NEW(columns);
	for (size_t i = 0; i < reply->n_cases; i++) {
		const PbCaseView *view = reply->cases[i];
		TABLE_ROW(table, view->number, case_state_text(view->state, text_zh()),
		          view->item_name[0] ? view->item_name : view->item, view->applicant_name, view->home,
		          view->owner, clocks_text(cli, view->clocks, view->n_clocks));
	}
	table_end(table, stdout);
	if (reply->n_cases == limit)
		text_say(stderr, TEXT_M_CASE_MORE, reply->cases[reply->n_cases - 1]->number, NULL);
	return CLI_DONE;
}

/* ---- acting */

/* What people may cause, and who usually does. */
static const struct event {
	const char *word;
	PbCaseEvent event;
	PbRole role;
} events[] = {
	{"check", PB_CASE_EVENT__CHECK, PB_ROLE__R_WIN},
	{"ask", PB_CASE_EVENT__ASK, PB_ROLE__R_WIN},
	{"bring", PB_CASE_EVENT__BRING, PB_ROLE__R_WIN},
	{"send", PB_CASE_EVENT__SEND, PB_ROLE__R_WIN},
	{"post", PB_CASE_EVENT__POST, PB_ROLE__R_WIN},
	{"lost", PB_CASE_EVENT__LOST, PB_ROLE__R_WIN},
	{"sign", PB_CASE_EVENT__SIGN, PB_ROLE__H_WIN},
	{"return", PB_CASE_EVENT__RETURN, PB_ROLE__H_WIN},
	{"fix", PB_CASE_EVENT__FIX, PB_ROLE__R_WIN},
	{"close", PB_CASE_EVENT__CLOSE, PB_ROLE__R_WIN},
	{"accept", PB_CASE_EVENT__ACCEPT, PB_ROLE__H_WIN},
	{"notify", PB_CASE_EVENT__NOTIFY, PB_ROLE__H_WIN},
	{"supplement", PB_CASE_EVENT__SUPPLEMENT, PB_ROLE__APPLICANT},
	{"refuse", PB_CASE_EVENT__REFUSE, PB_ROLE__H_WIN},
	{"start", PB_CASE_EVENT__START, PB_ROLE__H_DEPT},
	{"suspend", PB_CASE_EVENT__SUSPEND, PB_ROLE__H_DEPT},
	{"resume", PB_CASE_EVENT__RESUME, PB_ROLE__H_DEPT},
	{"extend", PB_CASE_EVENT__EXTEND, PB_ROLE__H_HEAD},
	{"grant", PB_CASE_EVENT__GRANT, PB_ROLE__H_DEPT},
	{"deny", PB_CASE_EVENT__DENY, PB_ROLE__H_DEPT},
	{"dispatch", PB_CASE_EVENT__DISPATCH, PB_ROLE__H_WIN},
	{"hand-over", PB_CASE_EVENT__HAND_OVER, PB_ROLE__APPLICANT},
	{"evaluate", PB_CASE_EVENT__EVALUATE, PB_ROLE__APPLICANT},
	{"withdraw", PB_CASE_EVENT__WITHDRAW, PB_ROLE__APPLICANT},
	{"consult", PB_CASE_EVENT__CONSULT, PB_ROLE__LIAISON},
	{"repair", PB_CASE_EVENT__REPAIR, PB_ROLE__H_WIN},
	{"object", PB_CASE_EVENT__OBJECT, PB_ROLE__H_DEPT},
	{"reopen", PB_CASE_EVENT__REOPEN, PB_ROLE__H_DEPT},
	{"share", PB_CASE_EVENT__SHARE, PB_ROLE__R_WIN},
	{"fee", PB_CASE_EVENT__FEE, PB_ROLE__R_WIN},
	{"kept", PB_CASE_EVENT__KEPT, PB_ROLE__H_DEPT},
	{"file", PB_CASE_EVENT__FILE, PB_ROLE__H_DEPT},
};
enum { EVENTS_COUNT = sizeof(events) / sizeof(events[0]) };

static const char *event_word(PbCaseEvent event)
{
	for (size_t i = 0; i < EVENTS_COUNT; i++) {
		if (events[i].event == event)
			return events[i].word;
	}
	return "?";
}

static const struct event *event_of(const struct cli_verb *verb)
{
	const char *word = strchr(verb->name, ' ');
	for (size_t i = 0; word && i < EVENTS_COUNT; i++) {
		if (strcmp(events[i].word, word + 1) == 0)
			return &events[i];
	}
	return NULL;
}

#define LAST_OPTION                                 \
	{                                           \
		NULL, OPTION_FLAG, NULL, TEXT_EMPTY \
	}
#define ACT_OPTIONS                                                          \
	CASE_ACTOR_OPTIONS, {"reason", OPTION_VALUE, "TEXT", TEXT_O_REASON}, \
		{"note", OPTION_VALUE, "TEXT", TEXT_O_NOTE},                 \
	{                                                                    \
		"expect-seq", OPTION_VALUE, "N", TEXT_O_EXPECT_SEQ           \
	}
#define WAYBILL_OPTIONS                                               \
	{"waybill", OPTION_VALUE, "CARRIER:NUMBER", TEXT_O_WAYBILL},  \
		{"postage-fen", OPTION_VALUE, "FEN", TEXT_O_POSTAGE}, \
	{                                                             \
		"content", OPTION_LIST, "TEXT", TEXT_O_CONTENT        \
	}

static const struct option act_options[] = {ACT_OPTIONS, LAST_OPTION};
static const struct option need_options[] = {
	ACT_OPTIONS, {"need", OPTION_LIST, "CODE=NAME", TEXT_O_NEED}, LAST_OPTION};
static const struct option reopen_options[] = {
	ACT_OPTIONS, {"broken", OPTION_LIST, "NEED", TEXT_O_BROKEN}, LAST_OPTION};
static const struct option bring_options[] = {ACT_OPTIONS, CASE_MATERIAL_OPTIONS, LAST_OPTION};
static const struct option post_options[] = {ACT_OPTIONS, WAYBILL_OPTIONS, LAST_OPTION};
static const struct option days_options[] = {
	ACT_OPTIONS, {"days", OPTION_VALUE, "N", TEXT_O_DAYS}, LAST_OPTION};
static const struct option decide_options[] = {
	ACT_OPTIONS,
	{"document-number", OPTION_VALUE, "NUMBER", TEXT_O_DOCUMENT_NUMBER},
	{"text", OPTION_VALUE, "TEXT", TEXT_O_DECISION},
	LAST_OPTION,
};
static const struct option grant_options[] = {
	ACT_OPTIONS,
	{"document-number", OPTION_VALUE, "NUMBER", TEXT_O_DOCUMENT_NUMBER},
	{"text", OPTION_VALUE, "TEXT", TEXT_O_DECISION},
	{"issue", OPTION_VALUE, "FILE", TEXT_O_ISSUE},
	LAST_OPTION,
};
static const struct option dispatch_options[] = {
	ACT_OPTIONS,     {"way", OPTION_VALUE, "courier|window|home|network", TEXT_O_WAY},
	WAYBILL_OPTIONS, {"returned", OPTION_LIST, "NEED", TEXT_O_RETURNED},
	LAST_OPTION,
};
static const struct option hand_options[] = {
	ACT_OPTIONS, {"returned", OPTION_LIST, "NEED", TEXT_O_RETURNED}, LAST_OPTION};
static const struct option fee_options[] = {
	ACT_OPTIONS,
	{"reference", OPTION_VALUE, "NUMBER", TEXT_O_FEE_REFERENCE},
	{"fee-name", OPTION_VALUE, "TEXT", TEXT_O_FEE_NAME},
	{"amount-fen", OPTION_VALUE, "FEN", TEXT_O_FEE_AMOUNT},
	{"payer", OPTION_VALUE, "NAME", TEXT_O_FEE_PAYER},
	{"state", OPTION_VALUE, "due|paid|waived|refunded", TEXT_O_FEE_STATE},
	LAST_OPTION,
};
static const struct option evaluate_options[] = {
	ACT_OPTIONS, {"grade", OPTION_VALUE, "1..5", TEXT_O_GRADE}, LAST_OPTION};

/* The value of an option that only some events have. */
static const char *given(const struct options *options, const char *name)
{
	return options_find(options->own, NULL, name, strlen(name)) ? options_value(options, name) : NULL;
}

static PbMaterialNeed *add_need(struct cli *cli, PbCaseDetail *detail, const char *code, const char *name)
{
	PbMaterialNeed *need = PROTO_NEW(PbMaterialNeed, material_need, &cli->arena);
	need->code = cli_pb(code);
	need->name = cli_pb(name);
	detail->needs[detail->n_needs++] = need;
	return need;
}

static enum tb_code set_needs(struct cli *cli, const struct options *options, PbCaseDetail *detail)
{
	const char *value;
	size_t at = 0;
	detail->needs = tb_arena_alloc(&cli->arena, (options->given_count + 1) * sizeof(PbMaterialNeed *));
	while (options->own == reopen_options && (value = options_next(options, "broken", &at)) != NULL)
		(void)add_need(cli, detail, value, "");
	while (options->own == need_options && (value = options_next(options, "need", &at)) != NULL) {
		const char *code_text;
		const char *name;
		enum tb_code code = cli_pair(cli, "need", value, &code_text, &name);
		if (code)
			return code;
		add_need(cli, detail, code_text, name)->required = true;
	}
	return TB_OK;
}

static const char *dashed(struct cli *cli, const char *name)
{
	return tb_arena_printf(&cli->arena, "--%s", name);
}

static enum tb_code set_fen(struct cli *cli, const struct options *options, const char *name, uint64_t *out)
{
	const char *value = given(options, name);
	return value ? options_parse_number(value, dashed(cli, name), 0, CASE_FEE_FEN_MAX, out, &cli->error)
	             : TB_OK;
}

static enum tb_code set_waybill(struct cli *cli, const struct options *options, PbCaseDetail *detail)
{
	const char *waybill = given(options, "waybill");
	const char *carrier;
	const char *number;
	const char *content;
	if (!waybill)
		return TB_OK;
	enum tb_code code =
		options_split(waybill, ':', "--waybill", &carrier, &number, &cli->arena, &cli->error);
	if (code)
		return code;
	PbWaybill *out = PROTO_NEW(PbWaybill, waybill, &cli->arena);
	out->carrier = cli_pb(carrier);
	out->number = cli_pb(number);
	out->contents = tb_arena_alloc(&cli->arena, (options->given_count + 1) * sizeof(char *));
	for (size_t at = 0; (content = options_next(options, "content", &at)) != NULL;)
		out->contents[out->n_contents++] = cli_pb(content);
	detail->waybill = out;
	return set_fen(cli, options, "postage-fen", &out->postage_fen);
}

static enum tb_code set_fee(struct cli *cli, const struct options *options, PbCaseDetail *detail)
{
	const char *state = given(options, "state"), *name = given(options, "fee-name"),
		   *payer = given(options, "payer");
	int value = 0;
	if (options->own != fee_options)
		return TB_OK;
	PbFee *fee = PROTO_NEW(PbFee, fee, &cli->arena);
	fee->reference = cli_pb(options_value_or(options, "reference", ""));
	fee->name = cli_pb(name ? name : "");
	fee->payer = cli_pb(payer ? payer : "");
	enum tb_code code = set_fen(cli, options, "amount-fen", &fee->amount_fen);
	if (!code)
		code = cli_enum_option(cli, &pb_fee_state__descriptor, "state",
		                       tb_arena_printf(&cli->arena, "fee-%s", state ? state : "due"), &value);
	fee->state = (PbFeeState)value;
	detail->fee = fee;
	return code;
}

static enum tb_code set_number(struct cli *cli, const struct options *options, const char *name, uint32_t max,
                               uint32_t *out)
{
	const char *value = given(options, name);
	uint64_t number = 0;
	enum tb_code code =
		value ? options_parse_number(value, dashed(cli, name), 1, max, &number, &cli->error) : TB_OK;
	*out = (uint32_t)number;
	return code;
}

static void set_decision(struct cli *cli, const struct options *options, PbCaseDetail *detail)
{
	const char *number = given(options, "document-number");
	const char *decided = given(options, "text");
	if (!number && !decided)
		return;
	detail->decision = PROTO_NEW(PbDecision, decision, &cli->arena);
	detail->decision->document_number = cli_pb(number ? number : "");
	detail->decision->text = cli_pb(decided ? decided : "");
}

static void set_returned(struct cli *cli, const struct options *options, PbCaseDetail *detail)
{
	const char *need;
	detail->returned = tb_arena_alloc(&cli->arena, (options->given_count + 1) * sizeof(char *));
	for (size_t at = 0; (need = options_next(options, "returned", &at)) != NULL;)
		detail->returned[detail->n_returned++] = cli_pb(need);
}

/* All but what touches a file: a failure is one of the command line. */
static enum tb_code set_detail(struct cli *cli, const struct options *options, PbCaseDetail *detail)
{
	const char *way = given(options, "way");
	detail->reason = cli_pb(options_value_or(options, "reason", ""));
	detail->note = cli_pb(options_value_or(options, "note", ""));
	set_decision(cli, options, detail);
	enum tb_code code = set_needs(cli, options, detail);
	if (!code)
		code = set_waybill(cli, options, detail);
	if (!code && way)
		code = case_way(cli, "way", way, &detail->way);
	if (!code)
		code = set_number(cli, options, "days", CASE_LEGAL_DAYS_MAX, &detail->days);
	if (!code)
		code = set_number(cli, options, "grade", 5, &detail->grade);
	if (!code)
		code = set_fee(cli, options, detail);
	if (given(options, "returned"))
		set_returned(cli, options, detail);
	return code;
}

/* NULL for a case that cannot be seen: it is refused when it is acted on. */
static const PbCaseView *seen_case(struct cli *cli, const char *number)
{
	PbCaseGetRequest request = PB_CASE_GET_REQUEST__INIT;
	PbCaseView *view;
	request.number = cli_pb(number);
	if (CLI_CALL(cli, "CaseService/Get", &request, case_view, &view)) {
		cli->error = (struct tb_error){0};
		return NULL;
	}
	return view;
}

/* Who acts when --role does not say: it depends on the case's mode. */
static PbRole role_here(struct cli *cli, const char *number, const struct event *event)
{
	const PbCaseView *view = seen_case(cli, number);
	return view ? case_role(view->mode, view->state, event->event, event->role) : event->role;
}

/* What was asked for last: "M2 租赁合同, M3 授权委托书". */
static const char *asked_text(struct cli *cli, const PbCaseView *view)
{
	const PbCaseDetail *asked = NULL;
	const char *all = "";
	for (size_t i = 0; view && i < view->n_log; i++) {
		if (view->log[i]->detail && view->log[i]->detail->n_needs > 0)
			asked = view->log[i]->detail;
	}
	for (size_t i = 0; asked && i < asked->n_needs; i++)
		all = tb_arena_printf(&cli->arena, "%s%s%s %s", all, i ? ", " : "", asked->needs[i]->code,
		                      asked->needs[i]->name);
	return all;
}

/* What was asked for is not there by a word alone: the case would go on without the paper. */
static enum tb_code papers_given(struct cli *cli, const struct options *options, PbCaseEvent event)
{
	if ((event != PB_CASE_EVENT__SUPPLEMENT && event != PB_CASE_EVENT__BRING) ||
	    options_value(options, "material") || options_value(options, "credential") ||
	    options_value(options, "original"))
		return TB_OK;
	const char *asked = asked_text(cli, seen_case(cli, options->operands[0]));
	return text_fail(&cli->error, TB_EINVALID, asked[0] ? TEXT_M_PAPERS_ASKED : TEXT_M_PAPERS_NONE, asked,
	                 NULL);
}

/* The node names fields; who typed a command is told the option that fills them. */
static enum tb_code name_option(struct cli *cli, enum tb_code code)
{
	static const struct {
		enum tb_reason reason;
		const char *option;
	} rows[] = {
		{TB_REASON_DETAIL_WAY, "way"},       {TB_REASON_DETAIL_WAYBILL, "waybill"},
		{TB_REASON_DETAIL_NEEDS, "need"},    {TB_REASON_DETAIL_FEE, "reference"},
		{TB_REASON_DETAIL_REASON, "reason"}, {TB_REASON_DETAIL_REASON_LISTED, "reason"},
		{TB_REASON_DETAIL_NOTE, "note"},     {TB_REASON_DETAIL_DAYS, "days"},
		{TB_REASON_DETAIL_GRADE, "grade"},   {TB_REASON_DETAIL_MATERIALS, "material"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char said[TB_ERROR_TEXT_MAX];
		if (cli->error.reason != rows[i].reason)
			continue;
		tb_error_text(said, &cli->error, text_zh());
		return text_fail(&cli->error, code, TEXT_M_BY_OPTION, said, rows[i].option, NULL);
	}
	return code;
}

static int run_event(struct cli *cli, const struct options *options)
{
	const struct event *event = event_of(cli->verb);
	PbCaseActRequest request = PB_CASE_ACT_REQUEST__INIT;
	PbCaseDetail detail = PB_CASE_DETAIL__INIT;
	PbCaseView *view;
	assert(event);
	if (case_actor(cli, options, event->role, &request.actor) || set_detail(cli, options, &detail) ||
	    (options->own == bring_options && case_materials_form(cli, options)) ||
	    papers_given(cli, options, event->event) ||
	    set_number(cli, options, "expect-seq", UINT32_MAX, &request.expect_seq))
		return cli_usage(cli);
	if (!options_value(options, "role"))
		request.actor->role = role_here(cli, options->operands[0], event);
	request.number = cli_pb(options->operands[0]);
	request.event = event->event;
	request.detail = &detail;
	enum tb_code code = TB_OK;
	const char *issue = given(options, "issue");
	if (issue)
		code = cli_read_json(cli, issue, &pb_credential__descriptor,
		                     (proto_message **)(void *)&request.issue);
	if (!code && options->own == bring_options)
		code = case_materials(cli, options, &detail.materials, &detail.n_materials);
	if (!code)
		code = CLI_CALL(cli, "CaseService/Act", &request, case_view, &view);
	if (code)
		return cli_fail(cli, name_option(cli, code));
	if (cli->json)
		cli_print_json(&view->base);
	else
		case_brief(cli, view);
	return CLI_DONE;
}

static const struct option list_options[] = {
	{"state", OPTION_VALUE, "STATE", TEXT_O_CASE_STATE},
	{"peer", OPTION_VALUE, "REGION", TEXT_O_CASE_PEER},
	{"dispute", OPTION_FLAG, NULL, TEXT_O_CASE_DISPUTE},
	{"limit", OPTION_VALUE, "N", TEXT_O_LIMIT},
	{"after", OPTION_VALUE, "NUMBER", TEXT_O_AFTER},
	LAST_OPTION,
};

#define EVENT_VERB(word, about, options, more)                                             \
	{                                                                                  \
		"case " word, "NUMBER", 1, 1, about, options,                              \
			"tongban case " word " NUMBER --actor 2086" more, false, run_event \
	}

const struct cli_verb cmd_case_verbs[] = {
	{"case submit", "", 0, 0, TEXT_V_CASE_SUBMIT, case_submit_options,
         "tongban case submit --file application.json --mode YS --material M1=scan.pdf --actor 0371 "
         "--forward",
         false, case_submit_run},
	{"case prepare", "", 0, 0, TEXT_V_CASE_PREPARE, case_submit_options,
         "tongban case prepare --item CODE --home 320400 --applicant-name 王伟 --applicant-code "
         "11010519491231002X",
         false, case_prepare_run},
	{"case needs", "[REGION:ITEM...]", 0, TB_PARTS_MAX, TEXT_V_CASE_NEEDS, case_needs_options,
         "tongban case needs 310000:ITEM 320400:ITEM", false, case_needs_run},
	{"case list", "", 0, 0, TEXT_V_CASE_LIST, list_options, "tongban case list --state REVIEW", false,
         run_list},
	{"case show", "NUMBER", 1, 1, TEXT_V_CASE_SHOW, NULL, "tongban case show NUMBER --json", false,
         run_show},
	EVENT_VERB("check", TEXT_V_CASE_CHECK, act_options, ""),
	EVENT_VERB("ask", TEXT_V_CASE_ASK, need_options, " --need M2=租赁合同"),
	EVENT_VERB("bring", TEXT_V_CASE_BRING, bring_options, " --material M2=lease.pdf"),
	EVENT_VERB("send", TEXT_V_CASE_SEND, act_options, ""),
	EVENT_VERB("post", TEXT_V_CASE_POST, post_options, " --waybill EMS:EA123456789CN --content 身份证"),
	EVENT_VERB("lost", TEXT_V_CASE_LOST, act_options, ""),
	EVENT_VERB("sign", TEXT_V_CASE_SIGN, act_options, ""),
	EVENT_VERB("return", TEXT_V_CASE_RETURN, act_options, " --reason 扫描件不清晰"),
	EVENT_VERB("fix", TEXT_V_CASE_FIX, act_options, ""),
	EVENT_VERB("close", TEXT_V_CASE_CLOSE, act_options, " --reason 申请人放弃"),
	EVENT_VERB("accept", TEXT_V_CASE_ACCEPT, act_options, ""),
	EVENT_VERB("notify", TEXT_V_CASE_NOTIFY, need_options, " --need M2=租赁合同 --need M3=授权委托书"),
	EVENT_VERB("supplement", TEXT_V_CASE_SUPPLEMENT, bring_options, " --material M2=lease.pdf"),
	EVENT_VERB("refuse", TEXT_V_CASE_REFUSE, act_options, " --reason 不属于本机关职权范围"),
	EVENT_VERB("start", TEXT_V_CASE_START, act_options, ""),
	EVENT_VERB("suspend", TEXT_V_CASE_SUSPEND, days_options, " --days 20 --reason 现场勘验"),
	EVENT_VERB("resume", TEXT_V_CASE_RESUME, act_options, ""),
	EVENT_VERB("extend", TEXT_V_CASE_EXTEND, days_options, " --days 10 --reason 案情复杂"),
	EVENT_VERB("grant", TEXT_V_CASE_GRANT, grant_options, " --issue licence.json"),
	EVENT_VERB("deny", TEXT_V_CASE_DENY, decide_options, " --reason 不符合法定条件"),
	EVENT_VERB("dispatch", TEXT_V_CASE_DISPATCH, dispatch_options, " --way courier --waybill EMS:EA1CN"),
	EVENT_VERB("hand-over", TEXT_V_CASE_HAND_OVER, hand_options, " --returned M2"),
	EVENT_VERB("evaluate", TEXT_V_CASE_EVALUATE, evaluate_options, " --grade 5"),
	EVENT_VERB("withdraw", TEXT_V_CASE_WITHDRAW, act_options, ""),
	EVENT_VERB("consult", TEXT_V_CASE_CONSULT, act_options, " --note 请核对地址"),
	EVENT_VERB("repair", TEXT_V_CASE_REPAIR, act_options, " --note 已回访，申请人认可"),
	EVENT_VERB("object", TEXT_V_CASE_OBJECT, act_options, " --reason 适用标准有误"),
	EVENT_VERB("reopen", TEXT_V_CASE_REOPEN, reopen_options, " --reason 异议成立"),
	EVENT_VERB("fee", TEXT_V_CASE_FEE, fee_options,
                   " --reference P20260101 --amount-fen 1000 --state paid"),
	EVENT_VERB("kept", TEXT_V_CASE_KEPT, act_options, " --note 已核查，属实"),
	EVENT_VERB("share", TEXT_V_CASE_SHARE, bring_options, " --material M2=lease.pdf"),
	EVENT_VERB("file", TEXT_V_CASE_FILE, bring_options, " --material A1=archive.ofd"),
	{0},
};
