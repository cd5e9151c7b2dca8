/* tongban credential: the region's own certificates, and asking others about theirs. */
#include "node/cli/cmd_credential.h"

#include <string.h>

#include "node/cli/words.h"
#include "node/core/ident.h"
#include "node/io/now.h"

#define LAST_OPTION                                 \
	{                                           \
		NULL, OPTION_FLAG, NULL, TEXT_EMPTY \
	}

/* ---- showing */

static void credential_rows(struct cli *cli, struct table *table, const PbCredential *credential)
{
	table_pair(table, TEXT_H_IDENTIFIER, credential->identifier);
	table_pair(table, TEXT_H_TYPE,
	           tb_arena_printf(&cli->arena, "%s %s", credential->type, credential->type_name));
	table_pair(table, TEXT_H_NUMBER, credential->number);
	table_pair(table, TEXT_H_NAME, credential->name);
	for (size_t i = 0; i < credential->n_holders; i++) {
		const PbHolder *holder = credential->holders[i];
		table_pair(table, i == 0 ? TEXT_H_HOLDER : TEXT_EMPTY,
		           tb_arena_printf(&cli->arena, "%s (%s %s)", holder->name, holder->code_type,
		                           holder->code));
	}
	table_pair(table, TEXT_H_ISSUER,
	           tb_arena_printf(&cli->arena, "%s %s", credential->issuer, credential->issuer_name));
	table_pair(table, TEXT_H_ISSUED, credential->issued_on);
	table_pair(table, TEXT_H_FROM, credential->valid_from);
	table_pair(table, TEXT_H_UNTIL, credential->valid_until);
	table_pair(table, TEXT_H_REGION, credential->region);
	for (size_t i = 0; i < credential->n_attributes; i++)
		TABLE_ROW(table, credential->attributes[i]->name, credential->attributes[i]->value);
}

static void show_view(struct cli *cli, const PbCredentialView *view)
{
	struct table *table = table_new_pairs();
	if (view->credential)
		credential_rows(cli, table, view->credential);
	table_pair(table, TEXT_H_STATE, words_state(view->state));
	table_pair(table, TEXT_H_SINCE, cli_time(cli, view->state_since_ms));
	table_pair(table, TEXT_H_REASON, view->reason);
	table_pair(table, TEXT_H_SUPERSEDED, view->superseded_by);
	table_pair(table, TEXT_H_SEAL, text(view->seal_valid ? TEXT_M_SEAL_GOOD : TEXT_M_SEAL_BAD));
	table_end(table, stdout);
}

static int said_view(struct cli *cli, enum tb_code code, const PbCredentialView *view)
{
	if (code)
		return cli_fail(cli, code);
	if (cli->json)
		cli_print_json(&view->base);
	else
		show_view(cli, view);
	return CLI_DONE;
}

static int run_show(struct cli *cli, const struct options *options)
{
	PbCredentialGetRequest request = PB_CREDENTIAL_GET_REQUEST__INIT;
	PbCredentialView *view = NULL;
	request.identifier = cli_pb(options->operands[0]);
	enum tb_code code = CLI_CALL(cli, "CredentialService/Get", &request, credential_view, &view);
	return said_view(cli, code, view);
}

/* The type that |code| is of, if its form and check characters say so; else NULL. */
static const char *holder_type_of(struct cli *cli, const char *code)
{
	char *folded = tb_arena_alloc(&cli->arena, strlen(code) + 1);
	if (!ident_fold(folded, strlen(code) + 1, code))
		return NULL;
	if (ident_citizen_valid(folded, tb_day_at(now_ms())))
		return "111";
	return ident_uscc_valid(folded) ? "001" : NULL;
}

/* --holder-type, --holder and --holder-name; *out is NULL if none is given. */
static enum tb_code holder_option(struct cli *cli, const struct options *options, PbHolder **out)
{
	const char *code = options_value(options, "holder");
	const char *name = options_value(options, "holder-name");
	const char *type = options_value(options, "holder-type");
	*out = NULL;
	if (code && !type)
		type = holder_type_of(cli, code);
	if (code && !type)
		return text_fail(&cli->error, TB_EINVALID, TEXT_M_HOLDER_TYPE, NULL);
	if (!code && !name)
		return TB_OK;
	*out = PROTO_NEW(PbHolder, holder, &cli->arena);
	(*out)->code_type = cli_pb(code ? type : "");
	(*out)->code = cli_pb(code ? code : "");
	(*out)->name = cli_pb(name ? name : "");
	return TB_OK;
}

static int run_find(struct cli *cli, const struct options *options)
{
	static const struct table_column columns[] = {
		{TEXT_H_IDENTIFIER, false}, {TEXT_H_NAME, false},  {TEXT_H_NUMBER, false},
		{TEXT_H_HOLDER, false},     {TEXT_H_STATE, false}, {TEXT_H_UNTIL, false},
	};
	PbCredentialFindRequest request = PB_CREDENTIAL_FIND_REQUEST__INIT;
	PbCredentialFindResponse *reply;
	uint64_t limit;
	if (options_number(options, "limit", 1, TB_PAGE_ROWS_MAX, 100, &limit, &cli->error) ||
	    holder_option(cli, options, &request.holder))
		return cli_usage(cli);
	if (options_value(options, "number") && !options_value(options, "type")) {
		/* Each authority numbers its own certificates: a number alone names none. */
		text_fail(&cli->error, TB_EINVALID, TEXT_OPTION_WITH, "number", "type", NULL);
		return cli_usage(cli);
	}
	request.type = cli_pb(options_value_or(options, "type", ""));
	request.number = cli_pb(options_value_or(options, "number", ""));
	request.limit = (uint32_t)limit;
	enum tb_code code =
		CLI_CALL(cli, "CredentialService/Find", &request, credential_find_response, &reply);
	int ended;
	if (CLI_ENDED(cli, code, reply, &ended))
		return ended;
	struct table *table = TABLE_NEW(columns);
	for (size_t i = 0; i < reply->n_credentials; i++) {
		const PbCredential *credential = reply->credentials[i]->credential;
		if (!credential)
			continue;
		TABLE_ROW(table, credential->identifier, credential->name, credential->number,
		          credential->n_holders ? credential->holders[0]->name : "",
		          words_state(reply->credentials[i]->state), credential->valid_until);
	}
	table_end(table, stdout);
	return CLI_DONE;
}

/* ---- changing the state */

static int set_state(struct cli *cli, const struct options *options, PbCredentialState state)
{
	PbSetStateRequest request = PB_SET_STATE_REQUEST__INIT;
	PbCredentialView *view = NULL;
	bool supersede = state == PB_CREDENTIAL_STATE__SUPERSEDED;
	const char *needed = supersede ? "by" : "reason";
	const char *value = options_value(options, needed);
	if (!value) {
		text_fail(&cli->error, TB_EINVALID, TEXT_OPTION_MISSING, needed, NULL);
		return cli_usage(cli);
	}
	request.identifier = cli_pb(options->operands[0]);
	request.state = state;
	request.reason = cli_pb(options_value_or(options, "reason", ""));
	request.superseded_by = cli_pb(supersede ? value : "");
	enum tb_code code = CLI_CALL(cli, "CredentialService/SetState", &request, credential_view, &view);
	return said_view(cli, code, view);
}

static int run_revoke(struct cli *cli, const struct options *options)
{
	return set_state(cli, options, PB_CREDENTIAL_STATE__REVOKED);
}

static int run_suspend(struct cli *cli, const struct options *options)
{
	return set_state(cli, options, PB_CREDENTIAL_STATE__SUSPENDED);
}

static int run_resume(struct cli *cli, const struct options *options)
{
	return set_state(cli, options, PB_CREDENTIAL_STATE__VALID);
}

static int run_cancel(struct cli *cli, const struct options *options)
{
	return set_state(cli, options, PB_CREDENTIAL_STATE__CANCELLED);
}

static int run_supersede(struct cli *cli, const struct options *options)
{
	return set_state(cli, options, PB_CREDENTIAL_STATE__SUPERSEDED);
}

/* ---- asking */

static enum tb_code make_query(struct cli *cli, const struct options *options, PbQuery *query)
{
	const char *disclosure = options_value(options, "disclosure");
	const char *given;
	int level;
	query->identifier = cli_pb(options_value_or(options, "id", ""));
	query->type = cli_pb(options_value_or(options, "type", ""));
	query->number = cli_pb(options_value_or(options, "number", ""));
	if (holder_option(cli, options, &query->holder))
		return TB_EINVALID;
	query->purpose = cli_pb(options_value_or(options, "purpose", ""));
	query->basis = cli_pb(options_value_or(options, "basis", ""));
	query->case_number = cli_pb(options_value_or(options, "case", ""));
	query->match = tb_arena_alloc(&cli->arena, (options->given_count + 1) * sizeof(PbAttribute *));
	for (size_t at = 0; (given = options_next(options, "match", &at)) != NULL;) {
		const char *name;
		const char *value;
		enum tb_code code = cli_pair(cli, "match", given, &name, &value);
		if (code)
			return code;
		PbAttribute *field = PROTO_NEW(PbAttribute, attribute, &cli->arena);
		field->name = cli_pb(name);
		field->value = cli_pb(value);
		query->match[query->n_match++] = field;
	}
	/* The least that is asked for: the fields that are given, or nothing but the state. */
	level = query->n_match > 0 ? PB_DISCLOSURE__MATCH : PB_DISCLOSURE__STATUS;
	if (disclosure && cli_enum_option(cli, &pb_disclosure__descriptor, "disclosure", disclosure, &level))
		return TB_EINVALID;
	query->disclosure = (PbDisclosure)level;
	bool named = query->identifier[0] || (query->type[0] && query->number[0]) ||
	             (query->type[0] && query->holder && query->holder->code[0]);
	if (!named)
		return text_fail(&cli->error, TB_EINVALID, TEXT_M_VERIFY_WHAT, NULL);
	if (!query->purpose[0])
		return text_fail(&cli->error, TB_EINVALID, TEXT_OPTION_MISSING, "purpose", NULL);
	if (!query->basis[0] && !query->case_number[0])
		return text_fail(&cli->error, TB_EINVALID, TEXT_M_VERIFY_BASIS, NULL);
	return TB_OK;
}

static void show_outcome(struct cli *cli, const PbVerifyOutcome *outcome)
{
	const PbAnswer *answer = outcome->answer;
	struct table *table = table_new_pairs();
	table_pair(table, TEXT_H_RESULT, words_result(answer->result));
	table_pair(table, TEXT_H_STATE, cli_beside(cli, words_state(answer->state), outcome->state_there));
	table_pair(table, TEXT_H_UNTIL, answer->valid_until);
	for (size_t i = 0; i < answer->n_matches; i++)
		TABLE_ROW(table, answer->matches[i]->name,
		          text(answer->matches[i]->equal ? TEXT_M_EQUAL : TEXT_M_DIFFERS));
	table_pair(table, TEXT_H_REASON, answer->reason);
	table_pair(table, TEXT_H_ANSWERED, cli_time(cli, answer->at_ms));
	table_pair(table, TEXT_H_EVIDENCE, outcome->evidence);
	if (outcome->document)
		credential_rows(cli, table, outcome->document);
	table_pair(table, TEXT_H_TYPE_HERE, outcome->type_here);
	table_end(table, stdout);
}

/* An answer is an answer, also "not confirmed"; a refusal to answer is not. */
static bool is_refused(PbVerifyResult result)
{
	return result == PB_VERIFY_RESULT__NOT_GRANTED || result == PB_VERIFY_RESULT__THROTTLED ||
	       result == PB_VERIFY_RESULT__BAD_QUERY;
}

/* Each line of a batch is a whole query: what would be said of all of them is refused, not forgotten. */
static enum tb_code only_batch(struct cli *cli, const struct options *options)
{
	static const char *const of_a_line[] = {"id",     "type",        "number",    "holder-type",
	                                        "holder", "holder-name", "match",     "purpose",
	                                        "basis",  "case",        "disclosure"};
	for (size_t i = 0; i < sizeof(of_a_line) / sizeof(of_a_line[0]); i++) {
		if (options_value(options, of_a_line[i]))
			return text_fail(&cli->error, TB_EINVALID, TEXT_M_BATCH_ONLY, of_a_line[i], NULL);
	}
	return TB_OK;
}

static int run_verify(struct cli *cli, const struct options *options)
{
	PbVerifyRequest request = PB_VERIFY_REQUEST__INIT;
	PbVerifyResponse *reply;
	PbQuery query = PB_QUERY__INIT;
	PbQuery *queries[] = {&query};
	const char *region = options_value(options, "region");
	if (!region) {
		text_fail(&cli->error, TB_EINVALID, TEXT_OPTION_MISSING, "region", NULL);
		return cli_usage(cli);
	}
	if (options_value(options, "batch"))
		return only_batch(cli, options) ? cli_usage(cli) : credential_batch_run(cli, options, region);
	if (make_query(cli, options, &query))
		return cli_usage(cli);
	request.region = cli_pb(region);
	request.n_queries = 1;
	request.queries = queries;
	enum tb_code code = CLI_CALL(cli, "CredentialService/Verify", &request, verify_response, &reply);
	if (!code && (reply->n_outcomes != 1 || !reply->outcomes[0]->answer))
		code = text_fail(&cli->error, TB_EIO, TEXT_M_NO_ANSWER, NULL);
	if (code)
		return cli_fail(cli, code);
	const PbAnswer *answer = reply->outcomes[0]->answer;
	if (cli->json)
		cli_print_json(&reply->base);
	else
		show_outcome(cli, reply->outcomes[0]);
	if (!is_refused(answer->result))
		return CLI_DONE;
	tb_fail(&cli->error, TB_EDENIED, "%s", answer->reason);
	return cli_fail(cli, answer->result == PB_VERIFY_RESULT__NOT_GRANTED ? TB_EDENIED
	                     : answer->result == PB_VERIFY_RESULT__THROTTLED ? TB_ETHROTTLED
	                                                                     : TB_EINVALID);
}

/* ---- verbs */

#define HOLDER_OPTIONS                                                  \
	{"holder-type", OPTION_VALUE, "TYPE", TEXT_O_HOLDER_TYPE},      \
		{"holder", OPTION_VALUE, "CODE", TEXT_O_HOLDER_CODE},   \
	{                                                               \
		"holder-name", OPTION_VALUE, "NAME", TEXT_O_HOLDER_NAME \
	}

static const struct option find_options[] = {
	{"type", OPTION_VALUE, "TYPE", TEXT_O_TYPE},
	{"number", OPTION_VALUE, "NUMBER", TEXT_O_NUMBER},
	HOLDER_OPTIONS,
	{"limit", OPTION_VALUE, "N", TEXT_O_LIMIT},
	LAST_OPTION,
};
static const struct option reason_options[] = {
	{"reason", OPTION_VALUE, "TEXT", TEXT_O_REASON},
	LAST_OPTION,
};
static const struct option supersede_options[] = {
	{"by", OPTION_VALUE, "ID", TEXT_O_BY},
	{"reason", OPTION_VALUE, "TEXT", TEXT_O_REASON},
	LAST_OPTION,
};
static const struct option verify_options[] = {
	{"region", OPTION_VALUE, "CODE", TEXT_O_REGION_ASK},
	{"id", OPTION_VALUE, "ID", TEXT_O_ID},
	{"type", OPTION_VALUE, "TYPE", TEXT_O_TYPE},
	{"number", OPTION_VALUE, "NUMBER", TEXT_O_NUMBER},
	HOLDER_OPTIONS,
	{"match", OPTION_LIST, "NAME=VALUE", TEXT_O_MATCH},
	{"purpose", OPTION_VALUE, "TEXT", TEXT_O_PURPOSE},
	{"basis", OPTION_VALUE, "TEXT", TEXT_O_BASIS},
	{"case", OPTION_VALUE, "NUMBER", TEXT_O_CASE},
	{"disclosure", OPTION_VALUE, "status|match|document", TEXT_O_DISCLOSURE},
	{"batch", OPTION_VALUE, "FILE", TEXT_O_BATCH_FILE},
	{"out", OPTION_VALUE, "FILE", TEXT_O_OUT},
	LAST_OPTION,
};

#define STATE_VERB(word, about, run)                                                                 \
	{                                                                                            \
		"credential " word, "ID", 1, 1, about, reason_options,                               \
			"tongban credential " word " 1.2.156.3005.2.XXX --reason 依申请", false, run \
	}

const struct cli_verb cmd_credential_verbs[] = {
	{"credential import", "FILE", 1, 1, TEXT_V_CREDENTIAL_IMPORT, credential_import_options,
         "tongban credential import licences.csv", false, credential_import_run},
	{"credential show", "ID", 1, 1, TEXT_V_CREDENTIAL_SHOW, NULL,
         "tongban credential show 1.2.156.3005.2.XXX", false, run_show},
	{"credential find", "", 0, 0, TEXT_V_CREDENTIAL_FIND, find_options,
         "tongban credential find --holder-type 001 --holder 91320400MA1EXAMPLE", false, run_find},
	STATE_VERB("revoke", TEXT_V_CREDENTIAL_REVOKE, run_revoke),
	STATE_VERB("suspend", TEXT_V_CREDENTIAL_SUSPEND, run_suspend),
	STATE_VERB("resume", TEXT_V_CREDENTIAL_RESUME, run_resume),
	STATE_VERB("cancel", TEXT_V_CREDENTIAL_CANCEL, run_cancel),
	{"credential supersede", "ID", 1, 1, TEXT_V_CREDENTIAL_SUPERSEDE, supersede_options,
         "tongban credential supersede 1.2.156.3005.2.OLD --by 1.2.156.3005.2.NEW", false, run_supersede},
	{"credential verify", "", 0, 0, TEXT_V_CREDENTIAL_VERIFY, verify_options,
         "tongban credential verify --region 320400 --type 11100000MB0143028R001 --number N --purpose "
         "变更登记 --basis 条例第二十四条",
         false, run_verify},
	{0},
};
