/* tongban case trace, case form: a case for those who have to answer for it. */
#include <stdio.h>
#include <string.h>

#include "node/cli/forms.h"
#include "node/core/casetable.h"

enum { SHORT_DIGEST = 16 };

static enum tb_code load(struct cli *cli, const char *number, PbCaseView **view)
{
	PbCaseGetRequest request = PB_CASE_GET_REQUEST__INIT;
	request.number = cli_pb(number);
	return CLI_CALL(cli, "CaseService/Get", &request, case_view, view);
}

static const char *clocks_running(struct cli *cli, const PbCaseEntry *entry)
{
	const char *all = "";
	for (size_t i = 0; i < entry->n_clocks; i++) {
		const PbClockState *clock = entry->clocks[i];
		if (clock->running)
			all = tb_arena_printf(&cli->arena, "%s%s%s %s", all, all[0] ? "; " : "",
			                      case_clock_text(clock->clock, text_zh()),
			                      cli_time(cli, clock->due_ms));
	}
	return all;
}

static int run_trace(struct cli *cli, const struct options *options)
{
	static const struct table_column columns[] = {
		{TEXT_H_SEQ, true},   {TEXT_H_TIME, false},  {TEXT_H_EVENT, false},  {TEXT_H_WHO, false},
		{TEXT_H_NODE, false}, {TEXT_H_BASIS, false}, {TEXT_H_CLOCKS, false}, {TEXT_H_PROOF, false},
	};
	PbCaseView *view;
	enum tb_code code = load(cli, options->operands[0], &view);
	if (code)
		return cli_fail(cli, code);
	if (cli->json) {
		cli_print_json(&view->base);
		return CLI_DONE;
	}
	struct table *table = TABLE_NEW(columns);
	for (size_t i = 0; i < view->n_log; i++) {
		const PbCaseEntry *entry = view->log[i];
		const char *who = !entry->actor
		                          ? ""
		                          : tb_arena_printf(&cli->arena, "%s %s",
		                                            case_role_text(entry->actor->role, text_zh()),
		                                            entry->actor->id);
		/* Where it happened, and who ordered it if that was another node. */
		const char *node =
			strcmp(entry->node, entry->owner) == 0
				? entry->node
				: tb_arena_printf(&cli->arena, "%s → %s", entry->node, entry->owner);
		TABLE_ROW(table, cli_number(cli, entry->seq), cli_time(cli, entry->at_ms),
		          case_event_text(entry->event, text_zh()), who, node, entry->basis,
		          clocks_running(cli, entry),
		          i < view->n_log_digests
		                  ? tb_arena_printf(&cli->arena, "%.*s", SHORT_DIGEST, view->log_digests[i])
		                  : "");
	}
	table_end(table, stdout);
	for (size_t i = 0; i < view->n_evidence; i++)
		printf("%s: tongban evidence export %s\n", text(TEXT_H_EVIDENCE), view->evidence[i]);
	return CLI_DONE;
}

static int run_form(struct cli *cli, const struct options *options)
{
	PbCaseView *view;
	struct tb_buf page = {0};
	const char *name = options_value_or(options, "form", NULL);
	enum tb_code code = load(cli, options->operands[0], &view);
	if (code)
		return cli_fail(cli, code);
	if (!name) {
		text_say(stdout, TEXT_M_FORMS, forms_list(cli, view), NULL);
		return CLI_DONE;
	}
	if (!forms_write(&page, cli, view, name)) {
		text_fail(&cli->error, TB_ENOTFOUND, TEXT_M_FORM_NONE, name, NULL);
		return cli_fail(cli, TB_ENOTFOUND);
	}
	fwrite(page.data, 1, page.size, stdout);
	tb_buf_clear(&page);
	return CLI_DONE;
}

static const struct option form_options[] = {
	{"form", OPTION_VALUE, "NAME", TEXT_O_PAPER},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};

const struct cli_verb cmd_trace_verbs[] = {
	{"case trace", "NUMBER", 1, 1, TEXT_V_CASE_TRACE, NULL, "tongban case trace NUMBER", false,
         run_trace},
	{"case form", "NUMBER", 1, 1, TEXT_V_CASE_FORM, form_options,
         "tongban case form NUMBER --form 受理回执 > receipt.html", false, run_form},
	{0},
};
