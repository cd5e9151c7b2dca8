/* tongban webhook: departments' systems that are told what happened. */
#include <ctype.h>
#include <string.h>

#include "node/cli/cli.h"

enum { KIND_WORD_BYTES_MAX = 40 };

/* "case,due-soon" in any number of --events. */
static enum tb_code kinds_option(struct cli *cli, const struct options *options, PbWebhookAddRequest *request)
{
	const proto_enum *type = &pb_event_kind__descriptor;
	const char *value;
	size_t at = 0;
	request->kinds = tb_arena_alloc(&cli->arena, type->n_values * sizeof(*request->kinds));
	while ((value = options_next(options, "events", &at))) {
		for (const char *word = value; word;
		     word = strchr(word, ',') ? strchr(word, ',') + 1 : NULL) {
			char name[KIND_WORD_BYTES_MAX] = "EVENT_";
			size_t prefix = strlen(name), size = strcspn(word, ",");
			int kind = 0;
			for (size_t i = 0; i < size && prefix + i + 1 < sizeof(name); i++)
				name[prefix + i] =
					word[i] == '-' ? '_' : (char)toupper((unsigned char)word[i]);
			if (!proto_enum_value(type, name, &kind) || kind == 0 ||
			    request->n_kinds == type->n_values) {
				text_fail(&cli->error, TB_EINVALID, TEXT_OPTION_ONE_OF, "events",
				          "case, due-soon, matter, overdue, message-in, message-out, "
				          "dead-letter, credential, catalogue, agreement",
				          NULL);
				return TB_EINVALID;
			}
			request->kinds[request->n_kinds++] = (PbEventKind)kind;
		}
	}
	return TB_OK;
}

static int run_add(struct cli *cli, const struct options *options)
{
	PbWebhookAddRequest request = PB_WEBHOOK_ADD_REQUEST__INIT;
	PbWebhookAddResponse *reply;
	request.name = cli_pb(options->operands[0]);
	request.url = cli_pb(options->operands[1]);
	request.token = cli_pb(options_value_or(options, "token", ""));
	request.from_beginning = options_flag(options, "from-beginning");
	if (kinds_option(cli, options, &request))
		return cli_usage(cli);
	enum tb_code code = CLI_CALL(cli, "WebhookService/Add", &request, webhook_add_response, &reply);
	int ended;
	if (CLI_ENDED(cli, code, reply, &ended))
		return ended;
	/* The secret alone on the standard output, so that a script can take it. */
	puts(reply->secret);
	text_say(stderr, TEXT_M_WEBHOOK_ADDED, reply->view ? reply->view->name : "", NULL);
	return CLI_DONE;
}

static int run_list(struct cli *cli, const struct options *options)
{
	(void)options;
	static const struct table_column columns[] = {
		{TEXT_H_NAME, false},     {TEXT_H_URL, false},   {TEXT_H_CURSOR, true},
		{TEXT_H_FAILURES, true},  {TEXT_H_RETRY, false}, {TEXT_H_ERROR, false},
		{TEXT_H_GIVEN_UP, false},
	};
	PbWebhookListRequest request = PB_WEBHOOK_LIST_REQUEST__INIT;
	PbWebhookListResponse *reply;
	enum tb_code code = CLI_CALL(cli, "WebhookService/List", &request, webhook_list_response, &reply);
	int ended;
	if (CLI_ENDED(cli, code, reply, &ended))
		return ended;
	struct table *table = TABLE_NEW(columns);
	for (size_t i = 0; i < reply->n_webhooks; i++) {
		const PbWebhookView *hook = reply->webhooks[i];
		const char *cursor = tb_arena_printf(&cli->arena, "%s/%s", cli_number(cli, hook->cursor),
		                                     cli_number(cli, reply->audit_size));
		TABLE_ROW(table, hook->name, hook->url, cursor, cli_number(cli, hook->failures),
		          cli_time(cli, hook->retry_ms), hook->failures ? hook->last_error : "",
		          cli_time(cli, hook->given_up_ms));
	}
	table_end(table, stdout);
	return CLI_DONE;
}

static int run_remove(struct cli *cli, const struct options *options)
{
	PbWebhookRemoveRequest request = PB_WEBHOOK_REMOVE_REQUEST__INIT;
	PbWebhookRemoveResponse *reply;
	request.name = cli_pb(options->operands[0]);
	enum tb_code code = CLI_CALL(cli, "WebhookService/Remove", &request, webhook_remove_response, &reply);
	int ended;
	if (CLI_ENDED(cli, code, reply, &ended))
		return ended;
	text_say(stdout, TEXT_M_WEBHOOK_REMOVED, request.name, NULL);
	return CLI_DONE;
}

static int run_resume(struct cli *cli, const struct options *options)
{
	PbWebhookResumeRequest request = PB_WEBHOOK_RESUME_REQUEST__INIT;
	PbWebhookView *reply;
	request.name = cli_pb(options->operands[0]);
	enum tb_code code = CLI_CALL(cli, "WebhookService/Resume", &request, webhook_view, &reply);
	int ended;
	if (CLI_ENDED(cli, code, reply, &ended))
		return ended;
	text_say(stdout, TEXT_M_WEBHOOK_RESUMED, reply->name, cli_number(cli, reply->cursor), NULL);
	return CLI_DONE;
}

static const struct option add_options[] = {
	{"events", OPTION_LIST, "KIND,...", TEXT_O_WEBHOOK_EVENTS},
	{"token", OPTION_VALUE, "NAME", TEXT_O_WEBHOOK_TOKEN},
	{"from-beginning", OPTION_FLAG, NULL, TEXT_O_WEBHOOK_BEGINNING},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};

const struct cli_verb cmd_webhook_verbs[] = {
	{"webhook add", "NAME URL", 2, 2, TEXT_V_WEBHOOK_ADD, add_options,
         "tongban webhook add archive https://hooks.example.gov/tongban --events case,due-soon", false,
         run_add},
	{"webhook list", "", 0, 0, TEXT_V_WEBHOOK_LIST, NULL, "tongban webhook list", false, run_list},
	{"webhook remove", "NAME", 1, 1, TEXT_V_WEBHOOK_REMOVE, NULL, "tongban webhook remove archive", false,
         run_remove},
	{"webhook resume", "NAME", 1, 1, TEXT_V_WEBHOOK_RESUME, NULL, "tongban webhook resume archive", false,
         run_resume},
	{0},
};
