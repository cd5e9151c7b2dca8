/* tongban run: the node itself, in the foreground. */
#include "node/cli/cli.h"
#include "node/io/node.h"

static int run_run(struct cli *cli, const struct options *options)
{
	(void)options;
	return node_run(cli->dir, TONGBAN_VERSION);
}

const struct cli_verb cmd_run_verbs[] = {
	{"run", "", 0, 0, TEXT_V_RUN, NULL, "tongban run --dir /var/lib/tongban", false, run_run},
	{0},
};
