/* tongban token: what departments' systems may do at this node. */
#include <ctype.h>
#include <string.h>

#include "node/cli/cli.h"

/* "window,read-only" in any number of --role. */
static enum tb_code roles_option(struct cli *cli, const struct options *options, PbTokenAddRequest *request)
{
	const proto_enum *type = &pb_token_role__descriptor;
	const char *value;
	size_t at = 0;
	request->roles = tb_arena_alloc(&cli->arena, type->n_values * sizeof(*request->roles));
	while ((value = options_next(options, "role", &at))) {
		for (const char *word = value; word;
		     word = strchr(word, ',') ? strchr(word, ',') + 1 : NULL) {
			char name[32] = "TOKEN_";
			size_t prefix = strlen(name), size = strcspn(word, ",");
			int role = 0;
			for (size_t i = 0; i < size && prefix + i + 1 < sizeof(name); i++)
				name[prefix + i] =
					word[i] == '-' ? '_' : (char)toupper((unsigned char)word[i]);
			if (!proto_enum_value(type, name, &role) || role == 0 ||
			    request->n_roles == type->n_values) {
				text_fail(&cli->error, TB_EINVALID, TEXT_OPTION_ONE_OF, "role",
				          "window, review, head, liaison, supervisor, kiosk, read-only",
				          NULL);
				return TB_EINVALID;
			}
			request->roles[request->n_roles++] = (PbTokenRole)role;
		}
	}
	if (request->n_roles == 0) {
		text_fail(&cli->error, TB_EINVALID, TEXT_OPTION_MISSING, "role", NULL);
		return TB_EINVALID;
	}
	return TB_OK;
}

/* "read-only", as it is given. */
static const char *role_word(struct cli *cli, PbTokenRole role)
{
	const char *name = cli_enum(&pb_token_role__descriptor, (int)role);
	char *word = tb_arena_str(&cli->arena, strncmp(name, "TOKEN_", 6) == 0 ? name + 6 : name);
	for (char *c = word; *c; c++)
		*c = *c == '_' ? '-' : (char)tolower((unsigned char)*c);
	return word;
}

static int run_add(struct cli *cli, const struct options *options)
{
	PbTokenAddRequest request = PB_TOKEN_ADD_REQUEST__INIT;
	PbTokenAddResponse *reply;
	const char *item;
	size_t at = 0;
	request.name = cli_pb(options->operands[0]);
	request.department = cli_pb(options_value_or(options, "department", ""));
	if (roles_option(cli, options, &request) || cli_channel_option(cli, options, &request.channel))
		return cli_usage(cli);
	request.items = tb_arena_alloc(&cli->arena, options->given_count * sizeof(*request.items));
	while ((item = options_next(options, "item", &at)))
		request.items[request.n_items++] = cli_pb(item);
	enum tb_code code = CLI_CALL(cli, "TokenService/Add", &request, token_add_response, &reply);
	int ended;
	if (CLI_ENDED(cli, code, reply, &ended))
		return ended;
	/* The token alone on the standard output, so that a script can take it. */
	puts(reply->token);
	text_say(stderr, TEXT_M_TOKEN_ADDED, reply->view ? reply->view->name : "", NULL);
	return CLI_DONE;
}

static int run_list(struct cli *cli, const struct options *options)
{
	(void)options;
	static const struct table_column columns[] = {
		{TEXT_H_NAME, false},    {TEXT_H_ROLES, false},      {TEXT_H_ITEM, false},
		{TEXT_H_CHANNEL, false}, {TEXT_H_DEPARTMENT, false}, {TEXT_H_MADE, false},
		{TEXT_H_REVOKED, false},
	};
	PbTokenListRequest request = PB_TOKEN_LIST_REQUEST__INIT;
	PbTokenListResponse *reply;
	enum tb_code code = CLI_CALL(cli, "TokenService/List", &request, token_list_response, &reply);
	int ended;
	if (CLI_ENDED(cli, code, reply, &ended))
		return ended;
	struct table *table = TABLE_NEW(columns);
	for (size_t i = 0; i < reply->n_tokens; i++) {
		const PbTokenView *token = reply->tokens[i];
		const char *roles = "", *items = "";
		for (size_t k = 0; k < token->n_roles; k++)
			roles = tb_arena_printf(&cli->arena, "%s%s%s", roles, k ? "," : "",
			                        role_word(cli, token->roles[k]));
		for (size_t k = 0; k < token->n_items; k++)
			items = tb_arena_printf(&cli->arena, "%s%s%s", items, k ? "," : "", token->items[k]);
		TABLE_ROW(table, token->name, roles, items, cli_channel_text(token->channel),
		          token->department, cli_time(cli, token->made_ms), cli_time(cli, token->revoked_ms));
	}
	table_end(table, stdout);
	return CLI_DONE;
}

static int run_revoke(struct cli *cli, const struct options *options)
{
	PbTokenRevokeRequest request = PB_TOKEN_REVOKE_REQUEST__INIT;
	PbTokenView *reply;
	request.name = cli_pb(options->operands[0]);
	enum tb_code code = CLI_CALL(cli, "TokenService/Revoke", &request, token_view, &reply);
	int ended;
	if (CLI_ENDED(cli, code, reply, &ended))
		return ended;
	text_say(stdout, TEXT_M_TOKEN_REVOKED, reply->name, NULL);
	return CLI_DONE;
}

static const struct option add_options[] = {
	{"role", OPTION_LIST, "ROLE,...", TEXT_O_TOKEN_ROLE},
	{"item", OPTION_LIST, "CODE", TEXT_O_TOKEN_ITEM},
	{"channel", OPTION_VALUE, "window|online|mobile|kiosk|phone", TEXT_O_TOKEN_CHANNEL},
	{"department", OPTION_VALUE, "CODE", TEXT_O_TOKEN_DEPARTMENT},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};

const struct cli_verb cmd_token_verbs[] = {
	{"token add", "NAME", 1, 1, TEXT_V_TOKEN_ADD, add_options,
         "tongban token add judicial-bureau --role review,head", false, run_add},
	{"token list", "", 0, 0, TEXT_V_TOKEN_LIST, NULL, "tongban token list", false, run_list},
	{"token revoke", "NAME", 1, 1, TEXT_V_TOKEN_REVOKE, NULL, "tongban token revoke judicial-bureau",
         false, run_revoke},
	{0},
};
