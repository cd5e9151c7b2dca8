/* tongban init: a new node's directory. */
#include <string.h>

#include "node/cli/cli.h"
#include "node/io/config.h"
#include "node/io/now.h"

static int run_init(struct cli *cli, const struct options *options)
{
	struct config_new init = {
		.region = options_value(options, "region"),
		.name = options_value(options, "name"),
		.listen = options_value(options, "listen"),
		.endpoint = options_value(options, "endpoint"),
		.now = now_ms(),
	};
	if (!init.region) {
		text_fail(&cli->error, TB_EINVALID, TEXT_OPTION_MISSING, "region", NULL);
		return cli_usage(cli);
	}
	if (pki_suite_parse(&init.message_suite, options_value_or(options, "suite", "p256"), &cli->error))
		return cli_usage(cli);
	enum tb_code code = config_init(cli->dir, &init, &cli->error);
	if (code)
		return cli_fail(cli, code);
	text_say(stdout, TEXT_M_INIT_DONE, cli->dir, init.region, NULL);
	return CLI_DONE;
}

static const struct option init_options[] = {
	{"region", OPTION_VALUE, "CODE", TEXT_O_REGION_OWN},
	{"name", OPTION_VALUE, "NAME", TEXT_O_NODE_NAME},
	{"listen", OPTION_VALUE, "HOST:PORT", TEXT_O_LISTEN},
	{"endpoint", OPTION_VALUE, "HOST:PORT", TEXT_O_ENDPOINT},
	{"suite", OPTION_VALUE, "p256|ed25519", TEXT_O_SUITE},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};

const struct cli_verb cmd_init_verbs[] = {
	{"init", "", 0, 0, TEXT_V_INIT, init_options,
         "tongban init --dir /var/lib/tongban --region 320400 --endpoint node.example:7443", false, run_init},
	{0},
};
