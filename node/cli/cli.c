#include "node/cli/cli.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "node/cli/userfile.h"

int cli_fail(struct cli *cli, enum tb_code code)
{
	assert(code != TB_OK);
	struct tb_buf reason = {0};
	char said[TB_ERROR_TEXT_MAX];
	tb_error_text(said, &cli->error, text_zh());
	table_clean(&reason, cli->error.text[0] ? said : "");
	if (reason.size == 0)
		tb_buf_str(&reason, text_code(code));
	/* What has no reason in words is in English; the frame says in Chinese what kind it is. */
	bool frame = text_zh() && cli->error.reason == TB_REASON_NONE &&
	             strcmp(tb_buf_text(&reason), text_code(code)) != 0;
	text_say(stderr, frame ? TEXT_M_ERROR_FRAME : TEXT_M_ERROR, cli->verb ? cli->verb->name : "",
	         tb_buf_text(&reason), tb_code_connect(code), text_code(code), NULL);
	tb_buf_clear(&reason);
	return code == TB_EUNREACHABLE || code == TB_ETIMEOUT ? CLI_UNREACHABLE : CLI_REFUSED;
}

int cli_usage(struct cli *cli)
{
	text_say(stderr, TEXT_M_USAGE_ERROR, cli->error.text, cli->verb ? " " : "",
	         cli->verb ? cli->verb->name : "", NULL);
	return CLI_USAGE;
}

struct client *cli_client(struct cli *cli)
{
	assert(cli->dir);
	if (!cli->client)
		cli->client = client_new(cli->dir);
	return cli->client;
}

enum tb_code cli_call(struct cli *cli, const char *path, const proto_message *request,
                      const proto_type *reply_type, proto_message **out)
{
	return client_call(cli_client(cli), path, request, reply_type, &cli->arena, out, &cli->error);
}

void cli_print_json(const proto_message *message)
{
	struct tb_buf text = {0};
	proto_json_encode_pretty(&text, message);
	fwrite(text.data, 1, text.size, stdout);
	if (text.size == 0 || text.data[text.size - 1] != '\n')
		fputc('\n', stdout);
	tb_buf_clear(&text);
}

bool cli_ended(struct cli *cli, enum tb_code code, const proto_message *reply, int *status)
{
	*status = code ? cli_fail(cli, code) : CLI_DONE;
	if (!code && cli->json)
		cli_print_json(reply);
	return code || cli->json;
}

const char *cli_number(struct cli *cli, uint64_t number)
{
	return tb_arena_printf(&cli->arena, "%llu", (unsigned long long)number);
}

const char *cli_time(struct cli *cli, int64_t at_ms)
{
	char at[30];
	if (at_ms == 0)
		return "";
	tb_time_format(at, at_ms);
	at[10] = ' ';
	at[19] = 0;
	return tb_arena_str(&cli->arena, at);
}

const char *cli_hex(struct cli *cli, ProtobufCBinaryData bytes)
{
	char *hex = tb_arena_alloc(&cli->arena, 2 * bytes.len + 1);
	tb_hex(hex, bytes.data, bytes.len);
	return hex;
}

const char *cli_enum(const proto_enum *type, int value)
{
	const char *name = value ? proto_enum_name(type, value) : "";
	return name ? name : "?";
}

char *cli_pb(const char *text)
{
	return (char *)(uintptr_t)text;
}

enum tb_code cli_enum_option(struct cli *cli, const proto_enum *type, const char *option, const char *value,
                             int *out)
{
	char name[64];
	size_t size = strlen(value);
	bool good = size < sizeof(name);
	for (size_t i = 0; good && i <= size; i++)
		name[i] = value[i] == '-' ? '_' : (char)toupper((unsigned char)value[i]);
	if (good && proto_enum_value(type, name, out) && *out != 0)
		return TB_OK;
	struct tb_buf names = {0};
	for (unsigned i = 0; i < type->n_values; i++) {
		if (type->values[i].value != 0)
			tb_buf_printf(&names, "%s%s", names.size ? ", " : "", type->values[i].name);
	}
	text_fail(&cli->error, TB_EINVALID, TEXT_OPTION_ONE_OF, option, tb_buf_text(&names), NULL);
	tb_buf_clear(&names);
	return TB_EINVALID;
}

enum tb_code cli_period_options(struct cli *cli, const struct options *options, char **from, char **to)
{
	tb_day first, last;
	*from = cli_pb(options_value_or(options, "from", ""));
	*to = cli_pb(options_value_or(options, "to", ""));
	/* What is no day is the node's to refuse. */
	if (tb_day_parse(*from, &first) && tb_day_parse(*to, &last) && last < first)
		return text_fail(&cli->error, TB_EINVALID, TEXT_OPTION_PERIOD, NULL);
	return TB_OK;
}

enum tb_code cli_pair(struct cli *cli, const char *name, const char *value, const char **left,
                      const char **right)
{
	const char *option = tb_arena_printf(&cli->arena, "--%s", name);
	return options_split(value, '=', option, left, right, &cli->arena, &cli->error);
}

enum tb_code cli_read_json(struct cli *cli, const char *path, const proto_type *type, proto_message **out)
{
	struct tb_buf content = {0};
	struct tb_error why;
	*out = NULL;
	enum tb_code code = userfile_read(&content, path, TB_FILE_BYTES_MAX, &cli->error);
	if (!code) {
		code = proto_json_decode(out, type, tb_buf_bytes(&content), &cli->arena, &why);
		if (code)
			tb_fail_at(&cli->error, code, &why, "%s", path);
	}
	tb_buf_clear(&content);
	return code;
}

const char *cli_beside(struct cli *cli, const char *text, const char *code)
{
	return code[0] ? tb_arena_printf(&cli->arena, "%s [%s]", text, code) : text;
}

enum tb_code cli_channel_option(struct cli *cli, const struct options *options, PbChannel *out)
{
	const char *given = options_value(options, "channel");
	int value = 0;
	if (given && cli_enum_option(cli, &pb_channel__descriptor, "channel",
	                             tb_arena_printf(&cli->arena, "channel-%s", given), &value))
		return text_fail(&cli->error, TB_EINVALID, TEXT_OPTION_ONE_OF, "channel",
		                 "window, online, mobile, kiosk, phone", NULL);
	*out = (PbChannel)value;
	return TB_OK;
}

const char *cli_channel_text(PbChannel channel)
{
	static const enum text_id channels[] = {
		TEXT_EMPTY,
		[PB_CHANNEL__CHANNEL_WINDOW] = TEXT_W_CHANNEL_WINDOW,
		[PB_CHANNEL__CHANNEL_ONLINE] = TEXT_W_CHANNEL_ONLINE,
		[PB_CHANNEL__CHANNEL_MOBILE] = TEXT_W_CHANNEL_MOBILE,
		[PB_CHANNEL__CHANNEL_KIOSK] = TEXT_W_CHANNEL_KIOSK,
		[PB_CHANNEL__CHANNEL_PHONE] = TEXT_W_CHANNEL_PHONE,
	};
	return (size_t)channel < sizeof(channels) / sizeof(channels[0]) ? text(channels[channel]) : "?";
}
